#!/usr/bin/python3
"""How much memory each program takes: at rest, with sessions, with a large
mailbox; in a cgroup of the size of a small machine where the kernel lets us.

    ROHRPOST_PREFIX=... memory.py [--messages N] [--limit MB]

The figures are proportional (PSS): a page that four processes share counts a
quarter for each. "file" is what the kernel can take back at any time.
"""
import argparse
import contextlib
import pathlib
import sys

import rohrpost

SESSIONS, USERS, SMTP = 100, 20, 20


def pss(inst):
    """{program: (processes, kB of its own, kB of files)}."""
    out = {}
    for name, pids in inst.processes().items():
        for pid in pids:
            try:
                text = pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text()
            except OSError:
                continue
            kb = {}
            for line in text.splitlines():
                key, _, value = line.partition(":")
                if key.startswith("Pss"):
                    kb[key] = int(value.split()[0])
            n, own, files = out.get(name, (0, 0, 0))
            out[name] = (n + 1, own + kb["Pss"] - kb.get("Pss_File", 0),
                         files + kb.get("Pss_File", 0))
    return out


def total(table):
    return sum(own + files for _, own, files in table.values())


class Group:
    """A memory cgroup (v2, else v1); nothing where there is none to be had.
    What this process starts is in it."""

    def __init__(self, limit):
        self.dir, self.limit = None, limit
        for top, self.keys in (
                ("/sys/fs/cgroup", ("memory.max", "memory.peak")),
                ("/sys/fs/cgroup/memory", ("memory.limit_in_bytes",
                                           "memory.max_usage_in_bytes"))):
            d = pathlib.Path(top) / ("rohrpost-memory-%d" % limit)
            try:
                d.mkdir(exist_ok=True)
                if (d / self.keys[0]).exists():
                    (d / self.keys[0]).write_text(str(limit << 20))
                    (d / "cgroup.procs").write_text("0")  # this process
                    self.dir = d
                    return
            except OSError:
                pass
            with contextlib.suppress(OSError):
                d.rmdir()

    def peak(self):
        return int((self.dir / self.keys[1]).read_text()) >> 20 \
            if self.dir else None

    def killed(self):
        """How many processes the kernel has killed for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                for line in (self.dir / name).read_text().splitlines():
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
        return 0

    def close(self):
        if self.dir:
            (self.dir.parent / "cgroup.procs").write_text("0")
            with contextlib.suppress(OSError):
                self.dir.rmdir()


def show(what, table):
    print("%s: %.1f MB" % (what, total(table) / 1024))
    for name, (n, own, files) in sorted(table.items()):
        print("  %-8s %3d  own %7.1f MB  file %5.1f MB" % (
            name, n, own / 1024, files / 1024))
    sys.stdout.flush()


def fill(inst, user, n):
    """n messages, by COPY of what is there."""
    m = inst.imap(user, timeout=600)
    for i in range(100):
        m.append("INBOX", None, None, rohrpost.message(i, 2000))
    m.select("INBOX")
    have = 100
    while have < n:
        step = min(have, n - have, 20000)
        typ, data = m.copy("1:%d" % step, "INBOX")
        assert typ == "OK", data
        have += step
        m.noop()
    return m


def idle(inst, users, n):
    """n sessions that wait, in turn of those users."""
    out = []
    for i in range(n):
        m = inst.imap(users[i % len(users)])
        m.select("INBOX")
        m.send(m._new_tag() + b" IDLE\r\n")
        m.readline()
        out.append(m)
    return out


def smtp(inst, n):
    """n sessions in the middle of a message of 200 KB."""
    out = []
    for i in range(n):
        s = rohrpost.Raw(inst.ports["smtp"])
        s.reply()
        for c in ("EHLO client.test", "MAIL FROM:<eve@remote.test>",
                  "RCPT TO:<u0@example.test>", "DATA"):
            s.cmd(c)
        s.send(b"Subject: x\r\n\r\n" + b"x" * 70 * 1000)
        out.append(s)
    return out


def run(args, directory):
    users = ["u%d" % i for i in range(USERS)]
    inst = rohrpost.Instance(directory, users=users).setup()
    group = Group(args.limit)
    print("cgroup: %s" % (group.dir or "none to be had"))
    try:
        inst.start()
        show("at rest", pss(inst))
        sessions = idle(inst, users, SESSIONS)
        show("%d IMAP sessions of %d users" % (SESSIONS, USERS), pss(inst))
        bodies = smtp(inst, SMTP)
        show("and %d messages coming in" % SMTP, pss(inst))
        for s in bodies:
            s.send(b"\r\n.\r\n")
            assert s.reply().startswith("250"), inst.said()
            s.close()
        m = fill(inst, "u0", args.messages)
        m.uid("FETCH", "1:*", "(FLAGS ENVELOPE)")
        m.uid("SEARCH", None, "FROM", "eve")
        show("and a mailbox of %d messages" % args.messages, pss(inst))
        print("most in the cgroup, with files: %s MB; killed: %d" % (
            group.peak(), group.killed()))
        del sessions
    finally:
        inst.stop()
        group.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--messages", type=int, default=100000)
    p.add_argument("--limit", type=int, default=512, help="MB")
    d = rohrpost.scratch("memory")
    try:
        run(p.parse_args(), d)
    finally:
        rohrpost.remove(d)


if __name__ == "__main__":
    main()
