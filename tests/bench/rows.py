"""The rows of the benchmark, and which of them a run is to have."""
import typing

MAIN = "accept 4 KiB, 20 connections"
BARE = {1: "accept 4 KiB, 1 connection", 20: MAIN}


class Row(typing.NamedTuple):
    title: str
    kind: str
    # of a Bench, a system, and what makes a number smaller in a quick run
    measure: typing.Callable


ROWS = (
    Row("accept 4 KiB, 1 connection", "accept",
        lambda b, s, n: b.accept(s, n(1200), 4096, 1)),
    Row(MAIN, "accept",
        lambda b, s, n: b.accept(s, n(4000), 4096, 20)),
    Row("accept 50 KiB, 1 connection", "accept",
        lambda b, s, n: b.accept(s, n(1200), 51200, 1)),
    Row("accept 50 KiB, 20 connections", "accept",
        lambda b, s, n: b.accept(s, n(2000), 51200, 20)),
    Row("accept 4 KiB, 20, one message each", "accept",
        lambda b, s, n: b.accept(s, n(2000), 4096, 20, "-m", "1")),
    Row("accept 1 MiB, 4 connections", "large",
        lambda b, s, n: b.accept(s, n(120), 1 << 20, 4)),
    Row("accept 40 MiB, 2 connections", "large",
        lambda b, s, n: b.accept(s, n(16), 40 << 20, 2)),
    Row("IMAP mix, 10 connections", "imap",
        lambda b, s, n: b.imap(s, 10, n(80))),
    Row("APPEND 40 KiB, one session", "append",
        lambda b, s, n: b.append(s, n(500), 40 << 10)),
    Row("COPY one by one, one session", "append",
        lambda b, s, n: b.drag(s, n(300))),
    Row("POP3 download, 10 connections", "pop3",
        lambda b, s, n: b.pop3(s, 10, 4)),
    Row("relay out 4 KiB, 20 connections", "relay",
        lambda b, s, n: b.relay(s, n(3000), 4096, 20)),
    Row("memory per idle IMAP, KB", "memory",
        lambda b, s, n: b.memory(s, 100)),
)
# What runs without a peer, only when it is asked for.
ALONE = ("masses", "sizes")
KINDS = tuple(dict.fromkeys(r.kind for r in ROWS)) + ("syncs",) + ALONE


class Plan:
    """kinds: those that are wanted, or none: all but ALONE; more: besides."""

    def __init__(self, kinds=(), more=(), rounds=3, quick=False):
        self.kinds = set(kinds or (k for k in KINDS if k not in ALONE))
        self.kinds.update(more)
        self.rounds, self.quick = rounds, quick

    def n(self, count):
        return count // 4 if self.quick else count

    def wanted(self, kind):
        return kind in self.kinds

    def rows(self):
        return [r for r in ROWS if self.wanted(r.kind)]

    def has(self, system):
        """Whether there is anything to measure of a system."""
        return not self.kinds.isdisjoint(system.rows)

    def lines(self, systems):
        """A line for each row: its title, who has it."""
        out = [(r.title, [s.name for s in systems if r.kind in s.rows])
               for r in self.rows()]
        if self.wanted("syncs"):
            out.append(("sync calls of a message",
                        [s.name for s in systems if "syncs" in s.rows]))
        out += [(k, []) for k in ALONE if self.wanted(k)]
        return ["%s: %s" % (title, ", ".join(who) or "of the build alone")
                for title, who in out if who or title in ALONE]
