#!/usr/bin/python3
"""A walk over the system calls of a server: while one operation runs, the
first, second, third ... call of each kind of one program kills it, or fails
with ENOSPC, EIO, EMFILE or ENOMEM (strace). Never an OK without its effect, no
second death, and the descriptors are those of before.

A first pass counts the calls of each operation, so a point is (operation,
program, call, number, fault). All points are walked, or --points of them, the
same ones for the same --seed.

Usage (root): walk.py [--points N] [--seed N] [--op NAME,...]
    [--program NAME,...] [--server rohrpost|postfix+dovecot]
"""
import argparse
import collections
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

import rohrpost
import walk_ops
import walk_server

KINDS = {
    "open": ("openat", "openat2", "open", "mkdirat", "mkdir"),
    "write": ("write", "pwrite64", "writev", "pwritev", "ftruncate",
              "fallocate", "copy_file_range", "sendfile"),
    "sync": ("fsync", "fdatasync", "syncfs"),
    "link": ("linkat", "link"),
    "rename": ("rename", "renameat", "renameat2"),
    "unlink": ("unlink", "unlinkat"),
    "socket": ("socket", "socketpair", "accept4"),
    "fork": ("clone", "clone3", "fork", "vfork"),
}
FAULTS = {
    "open": ("ENOSPC", "EIO", "EMFILE", "ENOMEM"),
    "write": ("ENOSPC", "EIO", "ENOMEM"),
    "sync": ("ENOSPC", "EIO"),
    "link": ("ENOSPC", "EIO", "ENOMEM", "EMLINK"),
    "rename": ("ENOSPC", "EIO", "ENOMEM"),
    "unlink": ("EIO", "ENOMEM"),
    "socket": ("EMFILE", "ENOMEM"),
    "fork": ("EAGAIN", "ENOMEM"),
}
CALLS = [c for k in KINDS.values() for c in k]
KILL = "KILL"
QUICK = 1.1	# master takes a death within a second of the start for a quick one
EVERY = 25	# points between two looks at what is there

Point = collections.namedtuple("Point", "op program call when fault")


class Strace:
    """Over the processes of a program, or over a command of ours."""

    def __init__(self, inject):
        self.log = tempfile.NamedTemporaryFile(prefix="rohrpost-walk-")
        self.argv = ["strace", "-f", "-qq", "-o", self.log.name]
        if inject:
            call, fault, when = inject
            how = "signal=KILL" if fault == KILL else "error=" + fault
            self.argv += ["-e", "trace=" + call, "-e", "inject=%s:%s:when=%d"
                          % (call, how, when)]
        else:
            self.argv += ["-y", "-e",
                          "trace=" + ",".join("?" + c for c in CALLS)]

    def attach(self, pids):
        argv = [a for a in self.argv if a != "-qq"]
        self.p = subprocess.Popen(
            argv + [w for pid in pids for w in ("-p", str(pid))],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        left, said = set(pids), ""
        while left and (line := self.p.stderr.readline()):
            left -= {int(w) for w in re.findall(r"\d+", line)}
            said += line
        if "attached" not in said:
            self.detach()
            raise RuntimeError("strace: " + said)

    def detach(self):
        self.p.send_signal(signal.SIGINT)
        try:
            self.p.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.communicate()

    def run(self, argv):
        """Its exit code; None: killed."""
        p = subprocess.run(self.argv + argv, stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=60)
        return None if p.returncode in (-9, 137) else p.returncode

    def text(self):
        return open(self.log.name, errors="replace").read()

    def hit(self):
        return "(INJECTED)" in self.text() or "killed by SIGKILL" in self.text()

    def wakes(self):
        """Whether threads are woken by write: that does not fail."""
        return "write(" in self.text() and "<anon_inode:[eventfd]>" in \
            self.text()

    def counts(self):
        """call -> the most that one thread made."""
        seen = collections.Counter()
        for line in self.text().splitlines():
            m = re.match(r"(\d+) +(\w+)\(", line)
            if m and m.group(2) in CALLS:
                seen[m.group(1), m.group(2)] += 1
        out = collections.Counter()
        for (tid, call), n in seen.items():
            out[call] = max(out[call], n)
        return out


class Walk:
    def __init__(self, server):
        self.server = server
        self.n = 0
        self.open = []		# operations whose effect was not looked for
        self.wrong = []
        self.said = collections.Counter()
        self.deaths = collections.Counter()
        self.ended = collections.Counter()
        self.fds = {}

    def fail(self, point, words):
        self.wrong.append("%s: %s" % (tuple(point), words))
        print("WRONG %s" % self.wrong[-1], flush=True)

    # -- one operation ------------------------------------------------------

    def operation(self, name):
        self.n += 1
        op = walk_ops.OPS[name](self.server, self.n)
        op.killed = False
        for attempt in range(10):
            try:
                op.prepare()
                return op
            except Exception:
                op.close()
                if attempt == 9:
                    raise
                time.sleep(0.5)

    def pids(self, program):
        """True: none, and the server starts it when it needs it."""
        return rohrpost.wait_for(
            lambda: self.server.pids(program) or self.server.on_demand, 40,
            text="%s is there\n%s" % (program, self.server.said()))

    def under(self, name, program, inject):
        """(operation, what it said, the trace)."""
        op, trace = self.operation(name), Strace(inject)
        op.killed = inject is not None and inject[1] == KILL
        if isinstance(op, walk_ops.Table):
            return op, op.run(trace.run), trace
        pids = self.pids(program)
        if pids is True:
            op.close()
            return op, None, trace
        trace.attach(pids)
        try:
            said = op.act()
            if isinstance(op, walk_ops.Deliver):
                time.sleep(0.3)		# its way goes on behind the answer
        finally:
            trace.detach()
            op.close()
        return op, said, trace

    # -- what is there ------------------------------------------------------

    def points(self, ops, programs):
        """Counts the calls of each operation in each program."""
        out = []
        for name in ops:
            for program in programs:
                if (name == "table") != (program == "ctl"):
                    continue
                op, said, trace = self.under(name, program, None)
                if not trace.text():
                    continue
                if not said:
                    raise AssertionError("%s, traced: %s" % (name, said))
                self.open.append((op, said, None))
                for call, n in sorted(trace.counts().items()):
                    kind = next(k for k, c in KINDS.items() if call in c)
                    faults = () if call == "write" and trace.wakes() else (
                        FAULTS[kind])
                    out += [Point(name, program, call, i, f)
                            for i in range(1, n + 1)
                            for f in (KILL, *faults)]
        return out

    def take(self, point):
        before = [] if point.program == "ctl" else self.server.pids(
            point.program)
        op, said, trace = self.under(point.op, point.program, (
            point.call, point.fault, point.when))
        self.said[{True: "OK", False: "refused", None: "unheard"}[said]] += 1
        self.open.append((op, said, point))
        hit = trace.hit()
        try:
            self.server.ready()
        except AssertionError:
            self.fail(point, "is not back")
            raise AssertionError(self.server.said())
        dead = [p for p in before if not walk_server.alive(p)]
        self.deaths["killed" if point.fault == KILL else "ended"] += len(dead)
        if dead and point.fault != KILL:
            self.ended[point.program, point.call, point.fault] += 1
            if re.search(r"killed by SIG(?!KILL)", trace.text()):
                self.fail(point, "died of an error")
        if len(self.open) >= EVERY:
            self.look()
        if dead:
            time.sleep(QUICK)
        return hit

    def look(self):
        """Everything said since the last look holds."""
        self.server.ready()
        self.server.empty()
        conn = self.server.imap("anna")
        found = walk_ops.look(self.server, conn)
        walk_ops.quit_all(conn)
        for op, said, point in self.open:
            words = op.holds(said, found)
            if words:
                self.fail(point or (type(op).__name__,), words)
        for box, names in found.items():
            for name in names:
                if name.startswith("broken:"):
                    self.fail((box,), name)
        words = self.server.check()
        if words:
            self.fail(self.open[-1][2] or (), words)
        self.open = []
        self.descriptors()

    def descriptors(self):
        """No process has more than one of its program had at first: some
        are opened with the first client, so one that is new has fewer."""
        for program in self.server.programs:
            pids = self.server.pids(program)
            if program not in self.fds:
                self.fds[program] = walk_server.SPARE + max(
                    [walk_server.descriptors(p) for p in pids], default=0)
            for pid in pids:
                try:
                    rohrpost.wait_for(lambda: walk_server.descriptors(pid) <=
                                      self.fds[program], 20, 0.2)
                except AssertionError:
                    self.fail((program,), "%d descriptors, not %d" % (
                        walk_server.descriptors(pid), self.fds[program]))
                    self.fds[program] = walk_server.descriptors(pid)


def choose(words, known):
    if words is None:
        return list(known)
    out = words.split(",")
    for w in out:
        if w not in known:
            sys.exit("walk.py: unknown: %s (one of %s)" % (
                w, ", ".join(known)))
    return out


def report(w, points, hits):
    by = collections.Counter((p.program, p.fault == KILL) for p in points)
    for program in w.server.programs:
        print("%s: killed at %d calls, failed at %d" % (
            program, by[program, True], by[program, False]))
    for (program, call, fault), n in sorted(w.ended.items()):
        print("%s ended itself at %s of %s: %d" % (program, fault, call, n))
    print("points %d, met %d, answers %s, deaths %s, wrong %d" % (
        len(points), hits, dict(w.said), dict(w.deaths), len(w.wrong)))


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--points", type=int, help="this many of all points")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--op", help="of " + ", ".join(walk_ops.OPS))
    p.add_argument("--program")
    p.add_argument("--verbose", action="store_true", help="name each point")
    p.add_argument("--server", default="rohrpost",
                   choices=walk_server.SERVERS)
    a = p.parse_args()
    server = walk_server.SERVERS[a.server]()
    w = Walk(server)
    ops = choose(a.op, [o for o in walk_ops.OPS
                        if o != "table" or server.table])
    programs = choose(a.program, server.programs)
    hits = 0
    server.start()
    try:
        for again in range(2):		# what is opened once is open then
            points = w.points(ops, programs)
        w.look()
        total = len(points)
        random.Random(a.seed).shuffle(points)
        points = points[:a.points]
        print("seed %d, points %d of %d" % (a.seed, len(points), total),
              flush=True)
        for i, point in enumerate(points):
            if a.verbose:
                print(time.strftime("%T"), *point, flush=True)
            hits += w.take(point)
            if i % 100 == 99:
                print("%d of %d" % (i + 1, len(points)), flush=True)
        w.look()
        report(w, points, hits)
    finally:
        server.stop()
    if hits == 0:
        sys.exit("walk.py: no fault was met")
    return 1 if w.wrong else 0


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("walk.py: needs root")
    sys.exit(main())
