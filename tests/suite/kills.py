#!/usr/bin/python3
"""Kills: under load each program in turn dies by SIGKILL at random moments.
Afterwards every message that was answered 250 is in its mailbox, byte for
byte, none half, and `store check` is clean; and each program that died has a
successor. At half of the kills at least the victim has a message in hand: the
client is between the first octet of its data and the reply, or has the reply
and the message is not yet in its mailbox.

Usage: kills.py [--kills N] [--seed N] [--keep]
"""
import argparse
import hashlib
import os
import random
import signal
import sys
import time

import load
import programs
import rohrpost

# Those that have messages in their hands come often.
VICTIMS = ("smtpd", "queue", "deliver", "store", "relay", "imapd", "pop3d",
           "master", "queue", "login", "store", "deliver", "smtpd", "auth",
           "relay", "queue", "store", "deliver", "imapd", "resolve", "queue",
           "smtpd", "store", "relay", "deliver", "logger")
VICTIMS += tuple(n for n in programs.NAMES if n not in VICTIMS)
SESSIONS = {r.kind for r in programs.LIVE
            if r.pool in ("POOL_ACCEPT", "POOL_DEMAND", "POOL_SESSION",
                              "POOL_FILE", "POOL_COMMAND")}
DOMAIN = "far.test"


class Kills:
    """The instances, their loads, and what became of each kill."""

    def __init__(self, base, seed):
        self.rnd = random.Random(seed)
        self.far = rohrpost.Instance(base + "/far", domain=DOMAIN,
                                     users=("box",)).setup()
        self.far.ctl("alias", "add", "@" + DOMAIN, "box@" + DOMAIN)
        self.far.start()
        self.inst = inst = rohrpost.Instance(
            base + "/near", users=("anna", "bert", "carl"),
            relay_host="[127.0.0.1]",
            relay_port=str(self.far.ports["smtp"]), relay_tls="may",
            relay_tls_verify="no").setup().start()
        kw = {"sizes": (500, 16000), "seed": seed}
        self.near = load.Load(inst, threads=5, mark="k", **kw)
        self.appends = load.Appends(inst, "bert", threads=2, mark="k", **kw)
        self.out = load.Load(inst, threads=2, mark="r", remote=DOMAIN,
                             pause=0.01, **kw)
        self.fetches = load.Fetches(inst, "carl")
        self.loads = (self.near, self.appends, self.out)
        self.here = load.Arrivals(inst, "k")
        self.there = load.Arrivals(self.far, "r")
        for one in (*self.loads, self.fetches):
            one.start()
        self.kills = {}
        self.hits = {}
        self.restarts = 0
        self.waiting = []  # (program, pids before) of kills without a restart

    def acked(self):
        return sum(len(x.acked) for x in self.loads)

    def stop(self):
        for one in (*self.loads, self.fetches):
            one.stop()

    def choose(self, name):
        """A process of this program, with a client where it can have one."""
        pids, end = [], time.monotonic() + 3
        while not pids and time.monotonic() < end:
            pids = self.inst.processes().get(name, [])
        return self.rnd.choice(
            [p for p in pids if has_client(self.inst, p)] or pids or [0])

    def at_work(self, name, pid):
        """What the clients have under way that this process may have in its
        hands; taken before the kill."""
        smtp = self.near.in_data + self.out.in_data
        if name == "smtpd":
            return smtp if has_client(self.inst, pid) else 0
        return {"queue": smtp, "deliver": smtp,
                "store": smtp + self.appends.in_data + self.fetches.in_data,
                "relay": self.out.in_data, "imapd": self.appends.in_data,
                "pop3d": self.fetches.in_data,
                "master": smtp + self.appends.in_data}.get(name, 0)

    def hit(self, name, work, near, out):
        """Whether the kill struck a message: one was at work, or one that
        was acknowledged before is, after the kill, not in its mailbox."""
        if work > 0:
            return True
        if name in ("queue", "deliver", "store", "master"):
            self.here.look()
            if self.here.lack(near):
                return True
        if name in ("queue", "relay", "master"):
            self.there.look()
            return any(n not in self.there.names["box@" + DOMAIN]
                       for n in out)
        return False

    def kill(self, name):
        pid = self.choose(name)
        if pid == 0 or any(w[0] == name for w in self.waiting):
            return False
        before = set(self.inst.processes().get(name, []))
        near, out = dict(self.near.acked), dict(self.out.acked)
        work = self.at_work(name, pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.kills[name] = self.kills.get(name, 0) + 1
        self.hits[name] = self.hits.get(name, 0) + \
            self.hit(name, work, near, out)
        if name == "master":
            self.new_master(pid)
        else:
            self.waiting.append((name, before))
        return True

    def new_master(self, pid):
        inst = self.inst
        assert inst.master.wait(20) == -signal.SIGKILL
        rohrpost.wait_for(lambda: not inst.processes(), 20,
                          text="the children of a dead master end")
        inst.start()
        self.restarts += inst.processes()["master"] != [pid]

    def serves(self, name):
        """A new session of a program of sessions."""
        try:
            if name == "smtpd":
                return self.inst.banner("smtp").startswith(b"220 ")
            if name == "imapd":
                m = self.inst.imap("bert", timeout=20)
                ok = m.select("INBOX")[0] == "OK"
                m.logout()
                return ok
            p = self.inst.pop3("anna", timeout=20)
            p.stat()
            p.quit()
            return True
        except Exception:
            return False

    def back(self, name, before):
        """Stands a new process in the place of the dead one?"""
        if name in SESSIONS:
            return self.serves(name)
        return bool(set(self.inst.processes().get(name, [])) - before)

    def look_for_restarts(self):
        still = [w for w in self.waiting if not self.back(*w)]
        self.restarts += len(self.waiting) - len(still)
        self.waiting = still
        return not still


def has_client(inst, pid):
    """Does this process hold a connection to one of the ports?"""
    ports = set(inst.ports.values())
    sockets = set()
    with open("/proc/net/tcp") as f:
        for row in f.read().splitlines()[1:]:
            words = row.split()
            if words[3] == "01" and int(words[1][-4:], 16) in ports:
                sockets.add("socket:[%s]" % words[9])
    try:
        d = "/proc/%d/fd" % pid
        return any(os.readlink("%s/%s" % (d, n)) in sockets
                   for n in os.listdir(d))
    except OSError:
        return False


def do_kills(k, number):
    turn = 0
    while sum(k.kills.values()) < number:
        time.sleep(k.rnd.uniform(0.05, 0.6))
        name = VICTIMS[turn % len(VICTIMS)]
        turn += 1
        k.kill(name)
        k.look_for_restarts()
        if turn > 20 * number:
            raise AssertionError("programs do not come back: %s" % k.kills)
        if turn % 20 == 0:
            print("%d kills, %d acknowledged" %
                  (sum(k.kills.values()), k.acked()), flush=True)
    rohrpost.wait_for(k.look_for_restarts, 60, 0.1,
                      "all are back: %s" % k.waiting)
    # a thousand acknowledged messages, whatever the kills left
    rohrpost.wait_for(lambda: k.acked() >= 1000, 120, 0.2,
                      "1,000 acknowledged messages")


def compare(k):
    """(missing, broken, repeated) of all mailboxes, here and there."""
    taken, again = k.fetches.verify()
    missing, broken, repeated = load.verify(
        k.inst, {**k.near.acked, **k.appends.acked},
        fetched={"carl": taken})
    broken += ["carl: %s came back" % uid for uid in again]
    have = {}
    for stored in k.far.messages("box").values():
        text = rohrpost.body_of(stored)
        name = load.name_of(text, "r")
        # the sending host's own trace is in front of the text
        inner = rohrpost.body_of(text)
        name = name or load.name_of(inner, "r")
        have.setdefault(name, []).append(hashlib.sha256(inner).digest())
    for name, (to, digest) in k.out.acked.items():
        if name not in have:
            missing.append("far: %s" % name)
        elif digest not in have[name]:
            broken.append("far: %s differs" % name)
        elif len(have[name]) > 1:
            repeated.append("far: %s" % name)
    return missing, broken, repeated


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--kills", type=int, default=100)
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--keep", action="store_true",
                   help="leave the instance's directory behind")
    args = p.parse_args()
    print("seed %d" % args.seed)
    base = rohrpost.scratch("kills")
    k = Kills(base, args.seed)
    try:
        do_kills(k, args.kills)
    finally:
        k.stop()
    k.inst.wait_ready()
    k.inst.ctl("queue", "retry", "all")
    rohrpost.wait_for(lambda: k.inst.json("queue", "list") == [], 120, 0.5,
                      "the queue empties: %s" % k.inst.command(
                          "queue", "list").stdout[-2000:])
    k.far.wait_empty(60)
    missing, broken, repeated = compare(k)
    check = k.inst.command("store", "check")
    k.inst.stop()
    k.far.stop()
    done, hits = sum(k.kills.values()), sum(k.hits.values())
    print("kills %d, of them with a message in hand %d" % (done, hits))
    for name, n in sorted(k.kills.items()):
        print("kills of %s %d, with a message in hand %d" %
              (name, n, k.hits[name]))
    print("restarts %d" % k.restarts)
    print("acknowledged %d (%d relayed, %d by APPEND), read by POP3 %d in %d "
          "sessions, errors seen by clients %d" %
          (k.acked(), len(k.out.acked), len(k.appends.acked),
           len(k.fetches.gone), k.fetches.sessions,
           sum(x.errors for x in k.loads)))
    print("missing %d, broken %d, delivered more than once %d" %
          (len(missing), len(broken), len(repeated)))
    for words in missing[:20] + broken[:20]:
        print("  " + words)
    print("store check: exit %d %s%s" % (check.returncode, check.stdout,
                                         check.stderr))
    ok = (not missing and not broken and check.returncode == 0 and
          k.acked() >= 1000 and hits * 2 >= done and k.restarts == done and
          bool(k.fetches.gone))
    if args.keep or not ok:
        print("left in %s" % base)
    else:
        rohrpost.remove(base)
    print("kills: %s" % ("passed" if ok else "FAILED"))
    return 0 if ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        for i in rohrpost.Instance.all:
            i.kill_all()
