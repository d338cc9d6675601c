#!/usr/bin/python3
"""Power cuts: state_dir lies on an image file; at random moments, busy and
quiet, the programs are held still, the backing file is copied and mounted, and
a second instance starts on the copy. Every message answered 250 before the
copy began is there, whole; so is what APPEND and COPY answered OK, and what
EXPUNGE did is not. What was not written to the disk yet is lost with
the copy: ext4 is mounted with commit=300, so that only syncing saves a name.

Usage (root): powercuts.py [--cuts N] [--fs ext4,xfs] [--expect-loss]
"""
import argparse
import contextlib
import hashlib
import imaplib
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import load
import rohrpost

FS = {
    "ext4": (["mkfs.ext4", "-q", "-F", "-m", "0"], "loop,commit=300",
             "loop"),
    "xfs": (["mkfs.xfs", "-q", "-f"], "loop", "loop,nouuid"),
}
SIZE = 400 << 20


class Boxes(load.Load):
    """Sessions that APPEND, COPY what they appended, and EXPUNGE older mail.
    kept: mailbox -> digests that must be there; gone: those that must not."""

    def __init__(self, inst, **kw):
        super().__init__(inst, threads=2, **kw)
        self.kept = {"drafts": set(), "copies": set()}
        self.gone = set()

    def connect(self):
        m = self.inst.imap("anna")
        for box in self.kept:
            m.create(box)
        m.select("drafts")
        m.mine = []
        return m

    def end(self, conn):
        conn.logout()

    def one(self, conn, name, rnd):
        text = rohrpost.message("b" + name, rnd.randint(*self.sizes))
        digest = hashlib.sha256(text).digest()
        uid = uid_of(conn.append("drafts", None, None, text))
        with self.lock:
            self.kept["drafts"].add(digest)
        conn.mine.append((uid, digest))
        conn.noop()
        if ok(conn.uid("COPY", uid, "copies")):
            with self.lock:
                self.kept["copies"].add(digest)
        if len(conn.mine) > 3:
            self.expunge(conn, *conn.mine.pop(0))

    def expunge(self, conn, uid, digest):
        with self.lock:  # from here on either is right
            self.kept["drafts"].discard(digest)
        if ok(conn.uid("STORE", uid, "+FLAGS", "(\\Deleted)")) and \
                ok(conn.uid("EXPUNGE", uid)) and \
                conn.response("EXPUNGE")[1] != [None]:
            with self.lock:
                self.gone.add(digest)

    def snapshot(self):
        with self.lock:
            return ({box: set(d) for box, d in self.kept.items()},
                    set(self.gone))


def ok(answer):
    return answer[0] == "OK"


def uid_of(answer):
    if not ok(answer):
        raise imaplib.IMAP4.error(answer)
    return answer[1][0].split(b"APPENDUID ")[1].split(b"]")[0].split()[
        1].decode()


def boxes_lost(inst, kept, gone):
    words = []
    for box, digests in kept.items():
        if not digests:
            continue
        there = {hashlib.sha256(t).digest()
                 for t in inst.messages("anna", box).values()}
        words += ["%s: %d of %d are missing" % (box, len(digests - there),
                  len(digests))] if digests - there else []
        if box == "drafts" and gone & there:
            words.append("%d expunged messages are back" % len(gone & there))
    return words


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


def second(inst, base, state, number):
    """An instance on the copy: the same configuration, other ports."""
    i = rohrpost.Instance(base / ("cut%d" % number), state=state,
                          users=inst.users, **inst.keys)
    i.conf.mkdir(parents=True)
    for f in inst.conf.iterdir():
        text = f.read_bytes()
        if f.name == "rohrpost.conf":
            text = text.replace(str(inst.state).encode(),
                                str(state).encode())
            for s in rohrpost.SERVICES:
                text = text.replace(b"127.0.0.1:%d" % inst.ports[s],
                                    b"127.0.0.1:%d" % i.ports[s])
        (i.conf / f.name).write_bytes(text)
        os.chmod(i.conf / f.name, f.stat().st_mode & 0o777)
        os.chown(i.conf / f.name, f.stat().st_uid, f.stat().st_gid)
    return i


def cut(inst, sender, boxes, image, base, fs, number):
    """One cut; returns words on what is missing, and on what else is wrong
    with the instance on the copy, which may not even start."""
    copy = base / "copy.img"
    with held(inst):
        with sender.lock:
            acked = dict(sender.acked)
        kept, gone = boxes.snapshot()
        run("cp", "--sparse=always", str(image), str(copy))
    where = base / ("mnt%d" % number)
    try:
        with mounted(copy, where, FS[fs][2]):
            other = second(inst, base, where / "state", number)
            missing, broken, repeated = [], [], []
            try:
                other.start()
                with contextlib.suppress(AssertionError):
                    other.ctl("queue", "retry", "all")
                    other.wait_empty(60)
                missing, broken, repeated = load.verify(other, acked)
                missing += boxes_lost(other, kept, gone)
                check = other.command("store", "check")
                if check.returncode != 0:
                    broken.append("store check: " + check.stdout +
                                  check.stderr)
            except AssertionError as e:
                broken.append("no instance: %s" % e)
            finally:
                other.stop()
                rohrpost.remove(other.dir)
    finally:
        copy.unlink()
        where.rmdir()
    print("%s cut %d: %d acknowledged, %d kept in boxes, %d expunged; missing "
          "%d, broken %d, twice %d" %
          (fs, number, len(acked), sum(map(len, kept.values())), len(gone),
           len(missing), len(broken), len(repeated)), flush=True)
    for words in (missing + broken)[:5]:
        print("  " + words[:4000], flush=True)
    return missing, broken


def on(fs, cuts, rnd, args):
    base = pathlib.Path(rohrpost.scratch("cuts"))
    image = base / "disk.img"
    with open(image, "wb") as f:
        f.truncate(SIZE)
    run(*FS[fs][0], str(image))
    lost, broken = [], []
    with mounted(image, base / "disk", FS[fs][1]):
        inst = rohrpost.Instance(base / "inst",
                                 state=base / "disk" / "state").setup()
        os.sync()  # the set-up is not what is tested
        inst.start()
        sender = load.Load(inst, threads=4, sizes=(500, 20000),
                           seed=args.seed, pause=0.02).start()
        boxes = Boxes(inst, sizes=(500, 20000), seed=args.seed,
                      pause=0.02).start()
        try:
            for number in range(1, cuts + 1):
                before = len(sender.acked)
                rohrpost.wait_for(lambda: len(sender.acked) > before + 10 and
                                  boxes.gone, 120, 0.02,
                                  "messages are accepted, others expunged")
                time.sleep(rnd.uniform(0.0, 1.5))
                if number % 4 == 0:  # every fourth cut is a quiet one
                    sender.idle.set()
                    boxes.idle.set()
                    rohrpost.wait_for(lambda: sender.in_flight == 0, 30)
                    time.sleep(rnd.uniform(0.0, 1.0))
                gone, wrong = cut(inst, sender, boxes, image, base, fs, number)
                lost += gone
                broken += wrong
                sender.idle.clear()
                boxes.idle.clear()
        finally:
            sender.idle.clear()
            boxes.idle.clear()
            boxes.stop()
            sender.stop()
            inst.stop()
    if not lost and not broken:
        rohrpost.remove(str(base))
    return lost, broken, len(sender.acked)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--cuts", type=int, default=20,
                   help="number of cuts, shared by the file systems")
    p.add_argument("--fs", default="ext4,xfs")
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--expect-loss", action="store_true",
                   help="for a build without fsync: succeed if a message that "
                   "was acknowledged is missing from an instance that runs")
    args = p.parse_args()
    rnd = random.Random(args.seed)
    print("seed %d" % args.seed)
    kinds = args.fs.split(",")
    lost, broken, acked = [], [], 0
    for i, fs in enumerate(kinds):
        n = args.cuts // len(kinds) + (i < args.cuts % len(kinds))
        gone, wrong, count = on(fs, n, rnd, args)
        lost += ["%s: %s" % (fs, words) for words in gone]
        broken += ["%s: %s" % (fs, words) for words in wrong]
        acked += count
    for words in lost[:20] + broken[:20]:
        print("  " + words[:4000])
    print("cuts %d, acknowledged %d, lost %d, broken %d" %
          (args.cuts, acked, len(lost), len(broken)))
    ok = bool(lost) if args.expect_loss else not lost and not broken
    print("power cuts: %s" % ("passed" if ok else "FAILED"))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
