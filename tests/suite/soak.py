#!/usr/bin/python3
"""A soak: a mixed load for a long time, and what it leaves behind. Strangers,
logins, local programs and IMAP clients bring mail in, readers take it away by
IMAP and POP3, others look, guess passwords and break off; some of the mail
goes to a next hop that refuses, hangs or wants it later; tables are edited,
everything is reloaded, the log is rotated. The load stops a few times; when
all is quiet the programs and the state are measured.

Every message that was acknowledged must have come once, whole, or its sender
must have been told once. What may have grown between the measure that is
compared with (the first; in a run of 40 minutes and more the one after 20,
when the cache of the index has filled) and the last:
  memory       of the largest process of a program a tenth and 1 MB (that cache
               is small here, 4 MB: 20 octets a message are seen within the
               hour); in a run of less than 40 minutes 1 MB more
  descriptors  two of a process, those that walk.py allows too, and two for
               each process more that there is: a channel, a log pipe
  threads      none; children of master none, where there was time to settle
  files        none in a directory outside the mailboxes, but four (logs of
               Berkeley DB come and go); 404 in spool/queue/body, where queue
               has some ready; none set aside; no zombie
  octets       of such a directory a tenth and 24 MB (two logs of 10 MB), and
               300 for each delivery in spool/index, where each is remembered
`store check` must be clean, and of what the clients do on purpose or not at
most one thing in 50 may fail.

Usage: soak.py [--seconds N] [--seed N] [--keep]
"""
import argparse
import collections
import contextlib
import os
import pathlib
import sys
import time

import hops
import rohrpost
import soak_load
import walk_server

USERS = ("anna", "bert", "carl", "dora")
PHASE = 600	# seconds between two measures of a long run
LONG = 4 * PHASE
QUIET = 130	# relay gives a surplus back within two minutes
BODIES = 800	# queue keeps up to 192 blank files and 512 spares, workers theirs
MB = 1 << 20

Measure = collections.namedtuple("Measure", "at memory fds threads children "
                                 "files octets mail")


def pss(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        for line in f:
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10


def status(pid, key):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith(key + ":"):
                return line.split()[1]


class Soak:
    def __init__(self, base, seconds, seed):
        self.seconds, self.seed, self.phase = seconds, seed, 0
        self.long = seconds >= LONG
        self.ledger = ledger = hops.Ledger()
        port = rohrpost.free_port()
        self.hop = hops.Hop(port, ledger)
        self.inst = inst = rohrpost.Instance(
            base + "/i", users=USERS, relay_host="[127.0.0.1]",
            relay_port=str(port), relay_tls="never", queue_retry_min="1s",
            queue_retry_max="4s", log_keep="3",
            log_size="1M" if self.long else "64K",
            expunged_size="1M", index_cache="4M", imapd_linger="1s",
            smtp_per_address="500", auth_cache="20s").setup()
        inst.ctl("alias", "add", "lost@" + inst.domain,
                 "never-lost@" + hops.FAR)
        inst.start()
        self.rest = self.counts()
        self.reloads = self.acked = self.errors = 0
        self.steps = collections.Counter()
        self.measures = []

    # -- the load -----------------------------------------------------------

    def clients(self):
        users = self.inst.users
        load = soak_load
        return [load.Strangers(self), load.Logins(self),
                load.Bounced(self, threads=1, pause=0.5), load.Local(self),
                load.Appender(self, "bert"), load.Reader(self, "anna"),
                load.Reader(self, "bert"), load.Popper(self, "carl"),
                load.Reader(self, "dora"), load.Looker(self),
                load.Looker(self), load.Guesser(self),
                load.Operator(self, 150 if self.long else 5)]

    def load(self, seconds):
        self.phase += 1
        clients = self.clients()
        for c in clients:
            c.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.5)
        for c in clients:
            c.stop()
        for c in clients:
            name = type(c).__name__
            self.errors += c.errors - c.rudes
            self.steps[name] += len(c.acked) if hasattr(c, "acked") else \
                c.steps
            self.reloads += getattr(c, "reloads", 0)
            if hasattr(c, "last"):
                print("%s: %d errors, the last: %r" % (
                    name, c.errors - c.rudes, c.last))
        self.settle()

    def settle(self):
        self.inst.wait_ready()
        rohrpost.wait_for(self.queue_empty, 120, 0.3,
                          "the queue empties: %s" % self.inst.said())
        if self.long:
            with contextlib.suppress(AssertionError):	# judged later
                rohrpost.wait_for(lambda: self.counts() == self.rest, QUIET)
        rohrpost.wait_for(lambda: "imapd" not in self.counts(), 30,
                          text="imapd ends after its linger")

    def queue_empty(self):
        self.inst.ctl("queue", "retry", "all")
        return self.inst.json("queue", "list") == []

    def counts(self):
        return {name: len(pids) for name, pids in
                self.inst.processes().items()}

    # -- the measures -------------------------------------------------------

    def measure(self):
        pids = self.inst.processes()
        most = lambda what: {name: max(map(what, p))
                             for name, p in sorted(pids.items())}
        files, octets = collections.Counter(), collections.Counter()
        for top, dirs, names in os.walk(self.inst.state):
            where = os.path.relpath(top, self.inst.state)
            if where.startswith("spool/mail"):
                where = "spool/mail"
            files[where] += len(names)
            for n in names:
                with contextlib.suppress(FileNotFoundError):
                    octets[where] += os.lstat(os.path.join(top, n)).st_size
        files["conf"] = len(os.listdir(self.inst.conf))
        mail = files.pop("spool/mail")
        octets.pop("spool/mail")
        m = Measure(time.monotonic() - self.began, most(pss),
                    most(walk_server.descriptors),
                    most(lambda p: int(status(p, "Threads"))),
                    self.counts(), files, octets, mail)
        self.measures.append(m)
        print("after %4d s: %d accepted, %s" % (m.at, len(self.ledger.due), ", "
              .join("%s %.1f MB %d fds" % (n, m.memory[n] / MB, m.fds[n])
                    for n in m.memory)), flush=True)
        print("    octets: %s; files %s" % (
            {k: v for k, v in octets.items() if v > 100000}, dict(files)),
            flush=True)

    def zombies(self):
        ours = {str(p) for ps in self.inst.processes().values() for p in ps}
        out = []
        for d in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                pid = int(d.name)
                if status(pid, "State") == "Z" and \
                        status(pid, "PPid") in ours:
                    out.append("a zombie: %s" % status(pid, "Name"))
        return out

    def judge(self):
        """Words on what has grown."""
        base = self.measures[2 if self.long else 0]
        last = self.measures[-1]
        slack = (1 if self.long else 2) * MB
        rows = [("octets of memory", n, base.memory.get(n, v), v,
                 base.memory.get(n, v) // 10 + slack)
                for n, v in last.memory.items()]
        more = max(0, sum(last.children.values()) -
                   sum(base.children.values()))
        rows += [("descriptors", n, base.fds.get(n, v), v,
                  walk_server.SPARE + 2 * more) for n, v in last.fds.items()]
        rows += [("threads", n, base.threads.get(n, v), v, 0)
                 for n, v in last.threads.items()]
        if self.long:
            rows += [("processes", n, base.children.get(n, 0), v, 0)
                     for n, v in last.children.items()]
        rows += [("files", n, BODIES if n == "spool/queue/body" else
                  base.files[n], v, 4) for n, v in last.files.items()]
        for n, v in last.octets.items():
            rows.append(("octets", n, base.octets[n], v, base.octets[n] // 10 +
                         24 * MB + 300 * len(self.ledger.due) *
                         (n == "spool/index")))
        return ["%s of %s: %d, then %d (%d more at most)" % (
            what, n, before, now, more) for what, n, before, now, more in rows
            if now > before + more] + self.zombies() + [
            "set aside: %d" % last.files[n] for n in ("spool/queue/bad",)
            if last.files[n]]

    # -- the whole ----------------------------------------------------------

    def run(self):
        self.began = time.monotonic()
        self.load(60 if self.long else self.seconds / 2)
        self.measure()
        if self.long:
            self.load(PHASE - 60)
            self.measure()
        else:
            self.load(self.seconds / 2)
            self.measure()
        while (left := self.seconds - (time.monotonic() - self.began)) > 0:
            self.load(min(left, PHASE))
            self.measure()

    def compare(self):
        """Takes in what lies in the mailboxes; words on what is wrong."""
        for user in self.inst.users:
            for box in ("INBOX", "Moved"):
                with contextlib.suppress(AssertionError):
                    self.ledger.take(self.inst.address(user), *self.inst
                                     .messages(user, box).values())
        return self.ledger.repeated() + self.ledger.missing()

    def stop(self):
        self.inst.stop()
        self.hop.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seconds", type=int, default=60)
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--keep", action="store_true",
                   help="leave the instance's directory behind")
    args = p.parse_args()
    print("seed %d" % args.seed)
    base = rohrpost.scratch("soak")
    soak = Soak(base, args.seconds, args.seed)
    try:
        soak.run()
        grown, lost = soak.judge(), soak.compare()
        check = soak.inst.command("store", "check")
    finally:
        soak.stop()
    print("soak: %s; errors seen by clients %d" % (
        ", ".join("%s %d" % kv for kv in soak.steps.items()), soak.errors))
    for words in (grown + lost)[:40]:
        print("  " + words)
    print("store check: exit %d %s%s" % (check.returncode, check.stdout,
                                         check.stderr))
    if soak.errors * 50 > sum(soak.steps.values()):
        grown.append("too many errors: %d" % soak.errors)
    idle = [name for name, n in soak.steps.items() if n == 0]
    print("acknowledged %d, bounces %d, missing %d, grown %d%s" % (
        len(soak.ledger.due), len(soak.ledger.bounces), len(lost), len(grown),
        ", did nothing: " + " ".join(idle) if idle else ""))
    good = not (grown or lost or idle or check.returncode)
    if args.keep or not good:
        print("left in %s" % base)
    else:
        rohrpost.remove(base)
    print("soak: %s" % ("passed" if good else "FAILED"))
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        for i in rohrpost.Instance.all:
            i.kill_all()
