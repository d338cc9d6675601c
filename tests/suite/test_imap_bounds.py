"""What one IMAP session may cost the others of its user, and the machine.
(tests/imapd/test_bounds.c has what needs no store.)"""
import os
import ssl

import pytest

import rohrpost
from test_imap import Client

KEYS = {"message_size": "50M", "verbose": "yes"}
MIB = 1 << 20


@pytest.fixture
def c(inst):
    client = Client(inst)
    yield client
    client.close()


def imapd(inst):
    """The pid of the only imapd."""
    pid, = inst.processes()["imapd"]
    return pid


def memory(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def search_long(inst, c):
    """Begins a SEARCH of minutes: it is held against every key, for it
    matches none."""
    body = b"Subject: x\r\n\r\n" + b"never more than the name of it\r\n" * (
        24 * MIB // 32)
    assert c.append("INBOX", body)[0] == "OK"
    c.ok("SELECT INBOX")
    keys = " ".join("NOT TEXT never%d" % i for i in range(3000))
    return c.start("SEARCH " + keys)


def test_long_search_lets_others_go_on_and_ends_with_its_client(inst, c):
    other = Client(inst)
    other.ok("SELECT INBOX")
    search_long(inst, c)
    for _ in range(20):
        other.ok("NOOP")
    c.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        # The SEARCH has not answered: the NOOPs came between its steps.
        while b"SEARCH completed" not in c.buf:
            try:
                c.buf += c.sock.recv(65536)
            except ssl.SSLWantReadError:
                raise BlockingIOError from None
    left = inst.log().count(" left\n")
    c.close()
    rohrpost.wait_for(lambda: inst.log().count(" left\n") > left,
                      text="the session of the client that left to end")
    other.ok("NOOP")
    other.close()


def test_large_header_items_go_in_pieces(inst, c):
    block = b"".join(b"X-A%d: %s\r\n" % (i, b"y" * 200) for i in range(1100))
    c.ok("CREATE headers")
    assert c.append("headers", b"Subject: x\r\n" + block + b"\r\nx\r\n",
                    )[0] == "OK"
    c.ok("SELECT headers")
    before = memory(imapd(inst))
    tag = c.start("FETCH 1 (%s)" % " ".join(
        "BODY.PEEK[HEADER.FIELDS.NOT (X%d)]" % i for i in range(200)))
    other = Client(inst)
    for _ in range(10):
        other.ok("NOOP")
    # 47 MB are asked for, and nobody reads.
    assert memory(imapd(inst)) < before + 4 * MIB
    status, text, untagged = c.wait(tag)
    assert status == "OK" and len(untagged) == 1
    assert untagged[0].count(b"X-A1099: ") == 200
    assert len(untagged[0]) > 200 * len(block)
    other.close()


def test_g4_fetch_that_nobody_reads(inst, c):
    """A gigabyte is asked for, and none of it read: what is kept for it is
    bounded, in imapd and in login; others are served."""
    c.ok("CREATE g4")
    body = b"Subject: x\r\n\r\n" + b"never more than the name of it\r\n" * (
        8 * MIB // 32)
    assert c.append("g4", body)[0] == "OK"
    pids = [imapd(inst), *inst.processes()["login"]]
    c.ok("SELECT g4")
    before = {pid: memory(pid) for pid in pids}
    d = Client(inst)
    d.ok("SELECT g4")
    for _ in range(4):
        d.start("FETCH 1 (" + " ".join(["BODY.PEEK[]"] * 32) + ")")
    for i in range(40):
        c.ok("FETCH 1 (BODY.PEEK[]<%d.1000>)" % (i * 1000))
    after = {pid: memory(pid) for pid in pids}
    for pid in pids:
        assert after[pid] < before[pid] + 8 * MIB, (before, after)
    assert inst.ctl("session", "list").count("anna@example.test") == 2
    d.close()
    rohrpost.wait_for(lambda: inst.ctl("session", "list").count(
        "anna@example.test") == 1)
    c.ok("NOOP")
