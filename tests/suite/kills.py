#!/usr/bin/python3
"""Kills: under load each program in turn dies by SIGKILL at random moments.
Afterwards every message that was answered 250 is in its mailbox, byte for
byte, none half, and `store check` is clean.

Usage: kills.py [--kills N] [--seed N] [--keep]
"""
import argparse
import hashlib
import os
import random
import signal
import sys
import threading
import time

import load
import rohrpost

VICTIMS = ("smtpd", "queue", "deliver", "store", "relay", "login", "auth",
           "imapd", "resolve", "logger", "queue", "store", "deliver", "smtpd",
           "master")


def reader(inst, stop):
    """Keeps IMAP sessions coming, so that login, auth and imapd have work."""
    while not stop.is_set():
        try:
            m = inst.imap(inst.users[1], timeout=20)
            m.select("INBOX")
            for _ in range(5):
                m.noop()
                time.sleep(0.05)
            m.logout()
        except Exception:
            time.sleep(0.1)


def kill_one(inst, name, rnd):
    pids = inst.processes().get(name, [])
    if not pids:
        return 0
    try:
        os.kill(rnd.choice(pids), signal.SIGKILL)
    except ProcessLookupError:
        return 0
    if name == "master":
        inst.master.wait(20)
        rohrpost.wait_for(lambda: not inst.processes(), 20,
                          text="the children of a dead master end")
        inst.start()
    return 1


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--kills", type=int, default=100)
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--keep", action="store_true",
                   help="leave the instance's directory behind")
    args = p.parse_args()
    rnd = random.Random(args.seed)
    print("seed %d" % args.seed)
    base = rohrpost.scratch("kills")
    far = rohrpost.Instance(base + "/far", domain="far.test",
                            users=("box",)).setup()
    far.ctl("alias", "add", "@far.test", "box@far.test")
    far.start()
    inst = rohrpost.Instance(
        base + "/near", relay_host="[127.0.0.1]",
        relay_port=str(far.ports["smtp"]), relay_tls="may",
        relay_tls_verify="no").setup().start()
    near = load.Load(inst, threads=5, sizes=(500, 16000), mark="k",
                     seed=args.seed).start()
    out = load.Load(inst, threads=2, sizes=(500, 16000), mark="r",
                    remote="far.test", seed=args.seed + 1,
                    pause=0.01).start()
    stop = threading.Event()
    threading.Thread(target=reader, args=(inst, stop), daemon=True).start()
    done = hit = restarts = turn = 0
    by = {}
    try:
        while done < args.kills:
            time.sleep(rnd.uniform(0.05, 0.6))
            name = VICTIMS[turn % len(VICTIMS)]
            turn += 1
            flying = near.in_flight + out.in_flight
            if not kill_one(inst, name, rnd):
                continue
            done += 1
            hit += flying > 0
            restarts += 1
            by[name] = by.get(name, 0) + 1
            if done % 20 == 0:
                print("%d kills, %d acknowledged" %
                      (done, len(near.acked) + len(out.acked)), flush=True)
            if turn > 20 * args.kills:
                raise AssertionError("programs do not come back: %s" % by)
        # a thousand acknowledged messages, whatever the kills left
        rohrpost.wait_for(lambda: len(near.acked) + len(out.acked) >= 1000,
                          120, 0.2, "1,000 acknowledged messages")
    finally:
        stop.set()
        near.stop()
        out.stop()
    inst.wait_ready()
    inst.ctl("queue", "retry", "all")
    rohrpost.wait_for(lambda: inst.json("queue", "list") == [], 120, 0.5,
                      "the queue empties: %s" % inst.command(
                          "queue", "list").stdout[-2000:])
    far.wait_empty(60)
    missing, broken, repeated = load.verify(inst, near.acked)
    have = {}
    for stored in far.messages("box").values():
        text = rohrpost.body_of(stored)
        name = load.name_of(text, "r")
        # the sending host's own trace is in front of the text
        inner = rohrpost.body_of(text)
        name = name or load.name_of(inner, "r")
        have.setdefault(name, []).append(hashlib.sha256(inner).digest())
    for name, (to, digest) in out.acked.items():
        if name not in have:
            missing.append("far: %s" % name)
        elif digest not in have[name]:
            broken.append("far: %s differs" % name)
        elif len(have[name]) > 1:
            repeated.append("far: %s" % name)
    check = inst.command("store", "check")
    inst.stop()
    far.stop()
    total = len(near.acked) + len(out.acked)
    print("kills %d (%s)" % (done, ", ".join(
        "%s %d" % kv for kv in sorted(by.items()))))
    print("kills that hit a message in flight: %d" % hit)
    print("restarts %d" % restarts)
    print("acknowledged %d (%d of them relayed), errors seen by clients %d" %
          (total, len(out.acked), near.errors + out.errors))
    print("missing %d, broken %d, delivered more than once %d" %
          (len(missing), len(broken), len(repeated)))
    for words in missing[:20] + broken[:20]:
        print("  " + words)
    print("store check: exit %d %s%s" % (check.returncode, check.stdout,
                                         check.stderr))
    ok = (not missing and not broken and check.returncode == 0 and
          total >= 1000 and hit * 2 >= done)
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
