"""Rows that one program of the build has alone: a queue with many messages,
a mailbox that grows. Each is (title, figure, unit, bound or None)."""
import re
import subprocess

from measures import log
from private_root import Unavailable

MEMORY_MB = 1024        # of queue, with 1,000,000 recipients
READY_S = 5             # with 200,000 messages, after a start


def run(build, name, *argv):
    program = build / "tests/bench" / name
    if not program.exists():
        raise Unavailable("%s is not built" % program)
    log(" ".join((name,) + argv))
    p = subprocess.run([str(program), *argv], cwd=build,
                       capture_output=True, text=True)
    if p.returncode != 0:
        raise RuntimeError("%s: %s" % (name, p.stderr))
    return p.stdout


def figure(text, pattern):
    return float(re.search(pattern, text).group(1))


def masses(build, quick):
    """A quick run has a tenth of each."""
    k = 10 if quick else 1
    rows = []

    def add(what, n, recipients, *more):
        title = "{:,} {} of {:,}".format(n // k, what, recipients)
        text = run(build, "bench_masses", "-n", str(n // k), "-r",
                   str(recipients), "-t", "5", *more)
        rows.append((title + ": most memory", figure(
            text, r"at most (\d+) MB"), "MB", MEMORY_MB))
        return title, text

    title, text = add("messages queued,", 1000, 1000, "-q")
    rows.append((title + ": queued in", figure(
        text, r"queued after ([\d.]+) s"), "s", None))
    for n in (1000000, 200000):
        title, text = add("messages at a start,", n, 1)
        rows.append((title + ": ready", figure(
            text, r"ready after ([\d.]+) s"), "s",
            READY_S if n == 200000 else None))
        rows.append((title + ": SMTP meanwhile, longest", figure(
            text, r"longest ([\d.]+) ms"), "ms", None))
    return rows


def sizes(build, quick):
    """What bench_sizes says of each size; behind the first size how many
    times more it takes of the next."""
    rows, before = [], {}
    for n in (1000, 10000) if quick else (1000, 100000, 1000000):
        for line in run(build, "bench_sizes", str(n)).splitlines():
            m = re.match(r" *\d+ (\w+) +([\d.]+)(.*)", line)
            if m is None:
                continue
            what, ms = m.group(1), float(m.group(2))
            title = "{}, {:,} messages".format(what, n)
            if what in before:
                title += " ({:.1f}x)".format(ms / max(before[what], 0.01))
            before[what] = ms
            rows.append((title, ms, "ms", None))
            rows += [("  " + title + ", " + k, float(v), "ms", None)
                     for k, v in re.findall(r"(\w+) +([\d.]+)", m.group(3))]
    return rows
