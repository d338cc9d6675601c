#!/usr/bin/python3
"""Power cuts: an instance lies on an image file; at random moments, busy and
quiet, the programs are held still, the backing file is copied and mounted, and
a second instance starts on the copy. Every message answered 250 before the
copy began is there, whole, from outside or from local programs; what waited
waits, and goes out once; what came back is told once; what APPEND and COPY
answered OK is there, what EXPUNGE did is not; edits of tables are in force.
What was not written to the disk yet is lost with the copy: ext4 is mounted
with commit=300, so that only syncing saves a name, and ext2 is without a
journal, where no sync of one file makes the name of another durable.

Usage (root): powercuts.py [--cuts N] [--fs ext4,xfs,ext2] [--without KIND]
"""
import argparse
import contextlib
import imaplib
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import hops
import load
import powercuts_kinds
import powercuts_load
import rohrpost

FS = {
    "ext4": (["mkfs.ext4", "-q", "-F", "-m", "0"], "loop,commit=300",
             "loop"),
    "xfs": (["mkfs.xfs", "-q", "-f"], "loop", "loop,nouuid"),
    "ext2": (["mkfs.ext2", "-q", "-F", "-m", "0"], "loop", "loop"),
}
SIZE = 600 << 20
AGAIN = 5  # cuts that say nothing of what is left out, and are made again
RUN = 12  # cuts of one instance; its mail all lies there to the end


def run(*argv):
    p = subprocess.run(argv, capture_output=True, text=True)
    if p.returncode != 0:
        raise AssertionError("%s: %s%s" % (" ".join(argv), p.stdout,
                                           p.stderr))


@contextlib.contextmanager
def mounted(image, where, options):
    where.mkdir(exist_ok=True)
    run("mount", "-o", options, str(image), str(where))
    try:
        yield where
    finally:
        for attempt in range(50):
            if subprocess.run(["umount", str(where)],
                              capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        else:
            raise AssertionError("%s stays busy" % where)


@contextlib.contextmanager
def held(inst):
    """All programs of the instance stand still."""
    pids = [p for ps in inst.processes().values() for p in ps]
    for sig in (signal.SIGSTOP, signal.SIGCONT):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sig)
        if sig == signal.SIGSTOP:
            # a system call that was under way ends before the copy begins
            time.sleep(0.05)
            yield


def mend(image):
    """As it is done before a file system without a journal is mounted."""
    for attempt in range(4):
        if subprocess.run(["fsck.ext2", "-fy", str(image)],
                          capture_output=True).returncode == 0:
            return
    raise AssertionError("fsck finds no end")


def second(inst, where, hop):
    """An instance on the copy: other ports, uids and next hop."""
    i = rohrpost.Instance(where / "inst", users=inst.users, **inst.keys)
    change = [(str(inst.dir), str(i.dir)),
              ("relay_port = " + inst.keys["relay_port"],
               "relay_port = %d" % hop.server_address[1])]
    change += [("127.0.0.1:%d" % inst.ports[s], "127.0.0.1:%d" % i.ports[s])
               for s in rohrpost.SERVICES]
    # an edit that was broken off names its state_dir, and is dated
    for f in (i.conf / "rohrpost.conf", i.conf / ".edit"):
        if not f.exists():
            continue
        text, times = f.read_text(errors="surrogateescape"), f.stat()
        for old, new in change:
            text = text.replace(old, new)
        text = re.sub(r"(?m)^(session_uid_\w+ = )(\d+)$", lambda m: m.group(
            1) + str(int(m.group(2)) + 100000), text)
        f.write_text(text, errors="surrogateescape")
        os.utime(f, ns=(times.st_atime_ns, times.st_mtime_ns))
    return i


class Busy:
    """An instance on an image, and what goes on there."""

    def __init__(self, disk, seed):
        self.hop = hops.Hop(rohrpost.free_port(), hops.Ledger(),
                            powercuts_load.Outgoing.WAITS, ())
        self.inst = inst = rohrpost.Instance(
            disk / "inst", users=("anna", "bert", "carl"),
            relay_host="[127.0.0.1]", relay_tls="never",
            relay_port=str(self.hop.server_address[1])).setup()
        inst.ctl("alias", "add", "lost@" + inst.domain,
                 "never-lost@" + hops.FAR)
        os.sync()  # the set-up is not what is tested
        inst.start()
        kw = {"sizes": (500, 20000), "seed": seed}
        self.sender = load.Load(inst, threads=4, pause=0.02, **kw)
        self.local = powercuts_load.Local(inst, threads=1, pause=0.1, **kw)
        self.boxes = powercuts_load.Boxes(inst, pause=0.02, **kw)
        self.out = powercuts_load.Outgoing(inst, "carl", pause=0.1, **kw)
        self.edits = powercuts_load.Edits(inst)
        self.all = (self.sender, self.local, self.boxes, self.out, self.edits)
        for one in self.all:
            one.start()

    def rest(self, yes):
        for one in self.all:
            (one.idle.set if yes else one.idle.clear)()
        if yes:
            rohrpost.wait_for(lambda: self.sender.in_flight +
                              self.local.in_flight == 0, 30)

    def stop(self):
        self.rest(False)
        for one in self.all:
            one.stop()
        self.inst.stop()
        self.hop.stop()

    def snapshot(self):
        """What was answered by now."""
        with self.sender.lock, self.local.lock:
            acked = {**self.sender.acked, **self.local.acked}
        return (acked, self.boxes.snapshot(), self.out.snapshot(),
                list(self.edits.done))


def compare(other, ledger, said):
    """(missing, broken, repeated) on the copy."""
    acked, (kept, gone), (waits, told), edits = said
    missing, broken, repeated = load.verify(other, acked)
    missing += powercuts_load.boxes_lost(other, kept, gone)
    missing += powercuts_load.edits_lost(other, edits)
    ledger.due, ledger.bounces = waits, told
    ledger.gone(ledger.take(other.address("carl"), *(
        text for text in other.messages("carl").values()
        if text.startswith(b"Return-Path: <>"))))
    repeated += ledger.repeated()
    # what was accepted and not answered yet is no part of it
    ledger.told = {k: n for k, n in ledger.told.items() if k[1] in told}
    missing += ledger.missing()
    check = other.command("store", "check")
    if check.returncode != 0:
        broken.append("store check: " + check.stdout + check.stderr)
    return missing, broken, repeated


# Words of a fault. No end is one, and no silence: a busy machine may be why.
FAULT = re.compile(r"\[SERVERBUG\]|: exit 1\n|does not start: .*\.cdb: ")


def says_no(e):
    """Whether an answer tells of a fault, or a program why it does not start."""
    while e and not FAULT.search(str(e)):
        e = e.__context__
    return bool(e)


def cut(busy, image, base, fs, number):
    """One cut; returns words on what is missing, on what else is wrong with
    the instance on the copy, and whether that is sure: no end and no silence
    that a busy machine may be the reason of."""
    copy = base / "copy.img"
    with busy.edits.held(), held(busy.inst):
        said = busy.snapshot()
        run("cp", "--sparse=always", str(image), str(copy))
    where = base / ("mnt%d" % number)
    hop = hops.Hop(rohrpost.free_port(), hops.Ledger(), first=())
    if fs == "ext2":
        mend(copy)
    missing, broken, repeated = [], [], []
    other, sure = None, True
    try:
        with mounted(copy, where, FS[fs][2]):
            try:
                other = second(busy.inst, where, hop)
                if number % 3 == 0:  # the index is made anew, from the mail
                    rohrpost.remove(other.state / "spool" / "index")
                other.start()
                with contextlib.suppress(AssertionError):
                    other.ctl("queue", "retry", "all")
                    other.wait_empty(60)
                missing, broken, repeated = compare(other, hop.ledger, said)
                if number % 3 != 0:  # which knew what was delivered
                    broken += repeated + [
                        "a good index was set aside: %s" % bad.name for bad in
                        (other.state / "spool" / "index").glob("bad-*")]
            except (AssertionError, OSError, imaplib.IMAP4.error) as e:
                broken.append("no instance: %s" % e)
                sure = says_no(e)
            finally:
                if other:
                    other.stop()
    finally:
        copy.unlink()
        where.rmdir()
        hop.stop()
    acked, (kept, gone), (waits, told), edits = said
    print("%s cut %d: %d acknowledged, %d kept in boxes, %d expunged, %d "
          "waiting, %d to be told, %d edits; missing %d, broken %d, twice %d" %
          (fs, number, len(acked), sum(map(len, kept.values())), len(gone),
           len(waits), len(told), len(edits), len(missing), len(broken),
           len(repeated)), flush=True)
    for words in (missing + broken)[:5]:
        print("  " + words[:4000], flush=True)
    return missing, broken, sure


def on(fs, cuts, rnd, args):
    base = pathlib.Path(rohrpost.scratch("cuts"))
    image = base / "disk.img"
    with open(image, "wb") as f:
        f.truncate(SIZE)
    run(*FS[fs][0], str(image))
    lost, broken = [], []
    with mounted(image, base / "disk", FS[fs][1]):
        busy = Busy(base / "disk", args.seed)
        try:
            number, again = 1, 0
            while number <= cuts:
                before = len(busy.sender.acked)
                rohrpost.wait_for(
                    lambda: len(busy.sender.acked) > before + 10 and
                    busy.boxes.gone and busy.out.waits and busy.out.told and
                    busy.edits.done and busy.local.acked, 120, 0.02,
                    "messages are accepted, others expunged")
                time.sleep(rnd.uniform(0.0, 1.5))
                if number % 4 == 0:  # every fourth cut is a quiet one
                    busy.rest(True)
                    time.sleep(rnd.uniform(0.0, 1.0))
                gone, wrong, sure = cut(busy, image, base, fs, number)
                busy.rest(False)
                if args.enough and not sure and again < AGAIN:
                    again += 1
                    continue
                number += 1
                if sure or not args.enough:
                    lost += gone
                    broken += wrong
                if args.enough and (lost or broken):
                    break
        finally:
            busy.stop()
    if args.enough or not lost and not broken:
        rohrpost.remove(str(base))
    return lost, broken, len(busy.sender.acked)


def campaign(args, cuts):
    """(lost, broken, acknowledged)"""
    rnd = random.Random(args.seed)
    kinds = args.fs.split(",")
    lost, broken, acked = [], [], 0
    runs = [(fs, cuts // len(kinds) + (i < cuts % len(kinds)))
            for i, fs in enumerate(kinds)]
    for fs, n in [(fs, min(RUN, n - i)) for fs, n in runs
                  for i in range(0, n, RUN)]:
        gone, wrong, count = on(fs, n, rnd, args)
        lost += ["%s: %s" % (fs, words) for words in gone]
        broken += ["%s: %s" % (fs, words) for words in wrong]
        acked += count
    return lost, broken, acked


def without(args):
    """Leaves out the syncs of one kind after the other."""
    known = powercuts_kinds.KINDS
    must = [name for name, k in known.items() if not k.kept]
    names = {"all": list(known), "must": must}.get(
        args.without, args.without.split(","))
    if args.without.isdigit():
        names = random.Random(args.seed).sample(
            [n for n in must if not known[n].slow], int(args.without))
    wrong = 0
    for name in names:
        k = known[name]
        os.environ["ROHRPOST_NO_SYNC"] = powercuts_kinds.pattern(k)
        began = time.monotonic()
        lost, broken, acked = campaign(args, args.cuts)
        noticed = bool(lost or broken)
        wrong += noticed == bool(k.kept)
        print("without %s: %s after %d s%s" % (
            name, "noticed: %s" % (lost + broken)[0][:200] if noticed else
            "not noticed", time.monotonic() - began,
            " (%s)" % k.kept if k.kept else ""), flush=True)
    print("kinds of syncs %d, wrong %d" % (len(names), wrong))
    return wrong == 0


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--cuts", type=int, default=20,
                   help="number of cuts, shared by the file systems")
    p.add_argument("--fs", default="ext4,xfs,ext2")
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--without", metavar="KIND,...|N|must|all",
                   help="for a build with --disable-sync: leave out the syncs "
                   "of one kind after the other (powercuts_kinds.py), of N of "
                   "them; succeed if what was acknowledged is missing then")
    args = p.parse_args()
    args.enough = args.without is not None
    print("seed %d" % args.seed)
    if args.without:
        passed = without(args)
    else:
        lost, broken, acked = campaign(args, args.cuts)
        for words in lost[:20] + broken[:20]:
            print("  " + words[:4000])
        print("cuts %d, acknowledged %d, lost %d, broken %d" %
              (args.cuts, acked, len(lost), len(broken)))
        passed = not lost and not broken
    print("power cuts: %s" % ("passed" if passed else "FAILED"))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
