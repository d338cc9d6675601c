"""Labels by the hundred: a mailbox has 1,024 of them (RFC 3501 2.3.2), and a
message any of these. No command fails for one more."""
import re
import shutil
import signal

import pytest

import rohrpost
from test_imap import PLAIN, Client, found, has, until

USERS = ("anna", "bert")
MAX = 1024
BATCH = 2048        # messages of one change (DOOR_CHANGE_MAX)


@pytest.fixture
def c(inst):
    client = Client(inst)
    yield client
    client.close()


def flags(c, which="1:*"):
    """UID -> keywords."""
    out = {}
    for line in c.ok("UID FETCH %s FLAGS" % which)[2]:
        if m := re.match(rb"\* \d+ FETCH \((.*)\)$", line):
            uid = int(re.search(rb"UID (\d+)", m.group(1)).group(1))
            words = re.search(rb"FLAGS \((.*?)\)", m.group(1)).group(1)
            out[uid] = set(words.decode().split()) - {"\\Recent"}
    return out


def labels(*numbers):
    return {"label-%d" % i for i in numbers}


def words(names):
    return " ".join(sorted(names, key=lambda x: int(x.rsplit("-", 1)[1])))


def promised(untagged):
    """Does the last PERMANENTFLAGS say that there is room?"""
    return b"\\*" in has(untagged, rb"PERMANENTFLAGS")[-1]


def fill(c, name, n=4):
    c.ok("CREATE " + name)
    for i in range(n):
        assert c.append(name, PLAIN % (i, i))[0] == "OK"
    return c.ok("SELECT " + name)[2]


def grow(c, name, n):
    """A mailbox of at least n messages, selected. How many it has."""
    fill(c, name, 1)
    has_n = 1
    while has_n < n:
        c.ok("COPY 1:* " + name)
        has_n *= 2
    return has_n


def test_more_than_a_word(c, inst):
    """300 labels, and what each command makes of them, in both sessions."""
    assert promised(fill(c, "many"))
    d = Client(inst)
    d.ok("SELECT many")
    want = {1: labels(*range(300)), 2: labels(63, 64, 65, 299), 3: set(),
            4: labels(0)}
    for uid, names in want.items():
        u = c.ok("UID STORE %d +FLAGS (%s)" % (uid, words(names)))[2] \
            if names else []
        assert not has(u, b"PERMANENTFLAGS") or promised(u)
    assert flags(c) == want
    assert until(d, "NOOP", rb"\* 4 FETCH")
    assert flags(d) == want
    for n in (0, 63, 64, 65, 128, 299):
        assert found(d, "SEARCH KEYWORD label-%d" % n) == [
            u for u, names in want.items() if "label-%d" % n in names]
    assert found(c, "SEARCH KEYWORD LABEL-299 UNKEYWORD label-1") == [2]
    assert found(c, "SEARCH UNKEYWORD label-299") == [3, 4]
    assert found(c, "SEARCH KEYWORD label-300") == []
    # one is taken away, all are replaced, only some are changed
    c.ok("UID STORE 1:2 -FLAGS (LABEL-299 label-5)")
    want[1] -= labels(299, 5)
    want[2] -= labels(299)
    c.ok("UID STORE 3 FLAGS.SILENT (label-200 \\Seen)")
    want[3] = labels(200) | {"\\Seen"}
    c.ok("UID STORE 4 +FLAGS.SILENT (label-299)")
    want[4] |= labels(299)
    assert flags(c) == want
    assert until(d, "NOOP", rb"\* 4 FETCH .*label-299")
    assert flags(d) == want
    # By name in another mailbox, whose numbers are others.
    assert c.append("many", PLAIN % (9, 9), "(%s) " % words(
        labels(250, 70)))[0] == "OK"
    want[5] = labels(250, 70)
    c.ok("CREATE other")
    assert c.append("other", PLAIN % (0, 0), "(x-1 label-250) ")[0] == "OK"
    c.ok("COPY 1:5 other")
    c.ok("UID MOVE 5 other")
    d.ok("SELECT other")
    there = flags(d)
    assert [there[u] for u in range(2, 8)] == [
        want[1], want[2], want[3], want[4], want[5], want[5]]
    assert found(d, "SEARCH KEYWORD label-250") == [1, 2, 6, 7]
    # What changed since, as records of the one and of the other kind.
    mod = int(re.search(rb"HIGHESTMODSEQ (\d+)", c.ok(
        "STATUS many (HIGHESTMODSEQ)")[2][0]).group(1))
    c.ok("UID STORE 2 +FLAGS (label-100)")
    u = c.ok("UID FETCH 1:* FLAGS (CHANGEDSINCE %d)" % mod)[2]
    assert len(has(u, b"label-100")) == 1
    c.ok("UID STORE 2 -FLAGS (label-100)")
    d.close()
    del want[5]
    stays(c, inst, want, there)


def stays(c, inst, want, there):
    """A kill, a start, and the index made anew from the files."""
    def both():
        d = Client(inst)
        d.ok("SELECT many")
        got = flags(d)
        d.ok("SELECT other")
        got = got, flags(d)
        d.close()
        return got
    # durable with a message that is
    assert c.append("many", PLAIN % (8, 8))[0] == "OK"
    want = {**want, 6: set()}
    c.close()
    inst.master.send_signal(signal.SIGKILL)
    inst.kill_all()
    inst.master.wait()
    inst.start()
    assert both() == (want, there)
    inst.stop()
    for f in inst.state.glob("spool/mail/*/anna/*/flags"):
        head = f.read_bytes().split(b"\n", 1)[0]
        assert head == (b"rohrpost-flags 3" if b"label-250" in
                        f.read_bytes() else b"rohrpost-flags 2"), f
    shutil.rmtree(inst.state / "spool/index")
    inst.start()
    assert both() == (want, there)
    assert inst.json("store", "check") == []
    inst.ctl("store", "rebuild", "anna@example.test")
    assert both() == (want, there)


def test_no_room(c, inst):
    """All 1,024 are carried: one more is not promised, and not kept; none of
    the commands fails. What no message has makes room."""
    fill(c, "full", 2)
    d = Client(inst)
    d.ok("SELECT full")
    u = c.ok("STORE 1 +FLAGS (%s)" % words(labels(*range(MAX - 1))))[2]
    assert promised(u)
    u = c.ok("STORE 1 +FLAGS (last-1)")[2]
    assert not promised(u)
    assert not promised(until(d, "NOOP", rb"PERMANENTFLAGS"))
    u = c.ok("STORE 1:2 +FLAGS (over-1 label-7)")[2]
    assert not has(u, rb"over-1")
    assert len(has(u, rb"FETCH .*label-7[ )]")) == 2
    assert c.append("full", PLAIN % (1, 1), "(over-2 label-9) ")[0] == "OK"
    assert flags(c, "3") == {3: labels(9)}
    c.ok("STORE 3 FLAGS (over-3 over-4)")
    assert flags(c, "3") == {3: set()}
    # more names than a mailbox may have
    c.ok("STORE 3 +FLAGS (%s)" % " ".join(
        ["label-1"] + ["more-%d" % i for i in range(3000)]))
    assert flags(c, "3") == {3: labels(1)}
    u = c.ok("STORE 1:2 -FLAGS.SILENT (label-7)")[2] + c.ok("NOOP")[2]
    assert promised(u + c.ok("SELECT full")[2])
    c.ok("STORE 2 +FLAGS (new-1)")
    assert flags(c, "2") == {2: {"new-1"}}
    assert "new-1" not in flags(c, "1")[1]
    u = c.ok("SELECT full")[2]
    assert not promised(u) and not has(u, rb"label-7[ )]")
    assert flags(d)[2] == {"new-1"}
    d.close()


def test_replaced_in_parts(c, inst):
    """A STORE that replaces makes room by all of its messages, also where it
    goes in several parts."""
    n = grow(c, "parts", BATCH + 1)
    # carried by one of the last part
    c.ok("STORE * FLAGS.SILENT (%s)" % words(labels(*range(MAX))))
    u = c.ok("STORE 1:* FLAGS.SILENT (fresh-1 fresh-2 label-5)")[2]
    assert not has(u, rb"\* \d+ FETCH")
    got = flags(c)
    assert len(got) == n
    assert set(map(frozenset, got.values())) == {
        frozenset({"fresh-1", "fresh-2"} | labels(5))}
    # The others hear the same.
    d = Client(inst)
    d.ok("SELECT parts")
    assert flags(d) == got
    d.close()


def test_flags_of_many_at_once(c, inst):
    """More records with labels than one answer of store holds."""
    n = grow(c, "wide", 4096)
    c.ok("STORE 1 FLAGS.SILENT (%s)" % words(labels(*range(MAX))))
    # the longest: its first and its last
    c.ok("STORE 1:* FLAGS.SILENT (label-64 label-%d \\Seen)" % (MAX - 1))
    d = Client(inst)
    d.ok("SELECT wide")
    want = labels(64, MAX - 1) | {"\\Seen"}
    assert all(f == want for f in flags(d).values())
    assert len(found(d, "SEARCH KEYWORD label-%d" % (MAX - 1))) == n
    d.close()
    # A process that knows nothing of it reads it whole.
    inst.ctl("session", "kick", "anna@example.test")
    d = Client(inst)
    d.ok("SELECT wide")
    assert all(f == want for f in flags(d).values())
    d.close()
