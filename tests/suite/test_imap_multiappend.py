"""APPEND of several messages (RFC 3502): all or none."""
import contextlib
import os
import re
import signal
import socket
import ssl
import struct
import time

import pytest

import rohrpost
from test_imap import PLAIN, Client, has

USERS = ("anna",)


@pytest.fixture
def c(inst):
    client = Client(inst)
    client.ok("CREATE multi")
    yield client
    client.cmd("UNSELECT")
    client.ok("DELETE multi")
    client.close()


def multi(c, parts, end=b"\r\n"):
    """Says it in one piece: parts are options and texts."""
    c.n += 1
    tag = b"m%d" % c.n
    c.send(tag + b" APPEND multi" + b"".join(
        b" %s{%d+}\r\n%s" % (o, len(t), t) for o, t in parts) + end)
    return tag


def messages(c):
    u = c.ok("STATUS multi (MESSAGES)")[2]
    return int(re.search(rb"MESSAGES (\d+)", u[-1])[1])


def nothing_new(inst):
    """Store has empty files ready there."""
    for f in (inst.state / "spool/mail/.new").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if f.stat().st_size > 0:
                return False
    return True


def test_all(c):
    assert b" MULTIAPPEND" in c.ok("CAPABILITY")[2][0]
    c.ok("SELECT multi")
    r = c.wait(multi(c, [
        (b"(\\Seen) ", PLAIN % (1, 1)),
        (b'"01-Jan-2020 00:00:00 +0000" ', PLAIN % (2, 2)),
        (b'(\\Flagged kw) "02-Jan-2020 00:00:00 +0000" ', PLAIN % (3, 3)),
        (b"", PLAIN % (4, 4))]))
    assert r[0] == "OK"
    assert re.fullmatch(r"\[APPENDUID \d+ 1:4\] APPEND completed", r[1])
    assert has(r[2], rb"^\* 4 EXISTS")
    u = c.ok("FETCH 1:4 (FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS "
             "(Subject)])")[2]
    for i, (flags, date) in enumerate((
            (rb"\\Seen", rb""), (rb"", rb" 1-Jan-2020 "),
            (rb"\\Flagged [^)]*kw", rb" 2-Jan-2020 "), (rb"", rb"")), 1):
        assert has(u, rb'(?s)^\* %d FETCH \(FLAGS \([^)]*%s[^)]*\) '
                   rb'INTERNALDATE "%s.*Subject: plain %d' % (
                       i, flags, date, i)), u
    # With a "+" before each.
    c.send(b"s APPEND multi {3}\r\n")
    for _ in range(2):
        assert c.line() == b"+ OK"
        c.send(b"a\r\n (\\Draft) {3}\r\n")
    assert c.line() == b"+ OK"
    c.send(b"a\r\n\r\n")
    assert re.fullmatch(r"\[APPENDUID \d+ 5:7\] APPEND completed",
                        c.wait(b"s")[1])


def test_none_where_one_is_wrong(inst, c):
    good = (b"(\\Seen) ", PLAIN % (1, 1))
    for bad, reply in (
            ((b"(\\Foo) ", b"x"), "BAD There is no such flag"),
            ((b'"x" ', b"x"), "BAD APPEND: bad date"),
            ((b"x y ", b"x"), "BAD APPEND: bad date"),
            ((b"(a ", b"x"), "BAD APPEND: unclosed list"),
            ((b"", b"a\0b"), "NO [CANNOT] The message has NUL octets")):
        r = c.wait(multi(c, [good, bad, good]))
        assert (r[0] + " " + r[1]).startswith(reply), r
        assert messages(c) == 0
    r = c.wait(multi(c, [good, good], b" x\r\n"))
    assert r[:2] == ("BAD", "APPEND: the line goes on")
    c.send(b"g APPEND multi {1+}\r\nx{1+}\r\ny\r\n")
    assert c.wait(b"g")[:2] == ("BAD", "APPEND: the line goes on")
    assert messages(c) == 0
    assert nothing_new(inst)


def test_bound(inst, c):
    part = (b"", b"x\r\n")
    r = c.wait(multi(c, [part] * 1001))
    assert r[:2] == ("NO", "[LIMIT] Too many messages in one APPEND")
    assert messages(c) == 0
    r = c.wait(multi(c, [part] * 1000))
    assert r[0] == "OK" and "1:1000]" in r[1], r
    assert messages(c) == 1000


def test_bound_of_the_text(inst, c):
    """It is that of one message's options: not of those of all."""
    part = (b'(\\Seen \\Flagged $Forwarded NonJunk work) '
            b'"02-Jan-2020 00:00:00 +0000" ', b"x\r\n")
    assert 1000 * len(part[0]) > 64 * 1024
    r = c.wait(multi(c, [part] * 1000))
    assert r[0] == "OK" and "1:1000]" in r[1], r
    assert messages(c) == 1000
    c.ok("SELECT multi")
    assert has(c.ok("FETCH 1000 FLAGS")[2], rb"\\Flagged")
    long = (b"(" + b"a " * 40000 + b"a) ", b"x\r\n")
    r = c.wait(multi(c, [part, long, part]))
    assert r[:2] == ("BAD", "APPEND: the line is too long")
    assert messages(c) == 1000
    # Those of the first go behind its answer.
    rohrpost.wait_for(lambda: nothing_new(inst), text="no file left")


def test_an_empty_one_cancels(inst, c):
    good = (b"(\\Seen) ", PLAIN % (1, 1))
    for parts in ([good, (b"", b"")], [good, (b"", b""), good]):
        r = c.wait(multi(c, parts))
        assert r[:2] == ("NO", "APPEND cancelled")
        assert messages(c) == 0
    c.send(b"e APPEND multi {3}\r\n")
    assert c.line() == b"+ OK"
    c.send(b"a\r\n {0}\r\n")
    assert c.line() == b"+ OK"
    c.send(b"\r\n")
    assert c.wait(b"e")[:2] == ("NO", "APPEND cancelled")
    assert messages(c) == 0
    assert nothing_new(inst)


def test_none_where_the_client_leaves(inst, c):
    other = Client(inst)
    multi(other, [(b"", PLAIN % (1, 1))] * 3, b" {5+}\r\nab")
    rohrpost.wait_for(lambda: not nothing_new(inst), text="a file")
    other.sock.close()
    rohrpost.wait_for(lambda: nothing_new(inst), text="no file left")
    assert messages(c) == 0


def test_others_are_served_between(inst, c):
    """While the messages go to the disk others are answered, and see all of
    them or none."""
    other = Client(inst)
    part = (b"(kw) ", b"x\r\n")
    done = between = 0
    for _ in range(20):
        tag = multi(c, [part] * 1000)
        c.sock.settimeout(0)
        seen = []
        while not c.buf:
            with contextlib.suppress(ssl.SSLWantReadError):
                c.fill()
            # With the answer on its way it may be before or behind it.
            seen.append(messages(other) - done)
        c.sock.settimeout(30)
        done += 1000
        assert c.wait(tag)[0] == "OK"
        assert set(seen) <= {0, 1000}
        between += seen.count(0) > 2
        if between:
            break
    assert between
    assert messages(other) == done
    other.close()


@pytest.mark.parametrize("program", ["store", "imapd"])
def test_all_or_none_where_it_is_killed(inst, c, program):
    part = (b"", b"x\r\n")
    for i in (0, 2, 4):
        victim = Client(inst)
        had = messages(c)
        tag = multi(victim, [part] * 1000)
        time.sleep(0.01 * i * i)  # sooner or later
        for pid in inst.processes().get(program, []):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        said = None
        with contextlib.suppress(EOFError, OSError):
            said = victim.wait(tag)[0]
        victim.close()
        if program == "imapd":
            c.close()
            c.__init__(inst)
        rohrpost.wait_for(lambda: c.cmd("STATUS multi (MESSAGES)")[0] == "OK",
                          60, text="store is back")
        # A change of the list of mailboxes waits for what is under way.
        c.ok("CREATE behind")
        c.ok("DELETE behind")
        now = messages(c)
        assert now in (had, had + 1000)
        assert said != "OK" or now == had + 1000
    assert inst.ctl("store", "check", "anna@example.test").endswith(
        " 0 findings\n")
    rohrpost.wait_for(lambda: nothing_new(inst), text="no file left")


def test_all_or_none_where_the_client_leaves(inst, c):
    part = (b"", b"x\r\n")
    for i in range(4):
        other = Client(inst)
        multi(other, [part] * 1000)
        time.sleep(0.02 * i)
        other.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack("ii", 1, 0))
        other.sock.close()
    rohrpost.wait_for(lambda: nothing_new(inst), text="no file left")
    assert messages(c) in (0, 1000, 2000, 3000, 4000)


def test_none_where_the_last_is_over_quota(inst, c):
    inst.ctl("user", "set", "anna@example.test", "--quota", "0,3")
    rohrpost.wait_for(lambda: has(c.ok('GETQUOTA ""')[2], rb"MESSAGE 0 3\)"))
    four = [(b"(\\Seen) ", PLAIN % (i, i)) for i in range(4)]
    r = c.wait(multi(c, four))
    assert r[0] == "NO" and r[1].startswith("[OVERQUOTA]"), r
    assert messages(c) == 0
    rohrpost.wait_for(lambda: nothing_new(inst), text="no file left")
    r = c.wait(multi(c, four[:3]))
    assert r[0] == "OK" and r[1].startswith("[APPENDUID"), r
    assert messages(c) == 3
    inst.ctl("user", "set", "anna@example.test", "--quota", "0")
