"""GETQUOTA and GETQUOTAROOT (RFC 9208), what STATUS says of \\Deleted, and
when a message was saved (RFC 8514)."""
import re

import pytest

import rohrpost
from test_imap import PLAIN, Client, has

USERS = ("anna", "bert")


@pytest.fixture
def c(inst):
    client = Client(inst)
    yield client
    client.close()


def limit(inst, c, text, want):
    """The quota is set, and store has read it."""
    inst.ctl("user", "set", "anna@example.test", "--quota", text)
    rohrpost.wait_for(lambda: c.ok('GETQUOTA ""')[2] == want,
                      text="a quota of " + text)


def test_quota(inst, c):
    words = c.ok("CAPABILITY")[2][0].split()
    for word in (b"QUOTA", b"QUOTA=RES-STORAGE", b"QUOTA=RES-MESSAGE",
                 b"SAVEDATE"):
        assert words.count(word) == 1, word
    assert not [w for w in words if w.startswith(b"QUOTASET")]
    c.ok("CREATE full")
    data = b"Subject: q\r\n\r\n" + b"x" * 2000 + b"\r\n"
    for _ in range(3):
        c.append("full", data)
    c.append("INBOX", data)
    kib = -(-4 * len(data) // 1024)
    limit(inst, c, "1048576,500",
          [b'* QUOTA "" (STORAGE %d 1024 MESSAGE 4 500)' % kib])
    assert c.ok("GETQUOTAROOT full")[2] == [
        b'* QUOTAROOT "full" ""',
        b'* QUOTA "" (STORAGE %d 1024 MESSAGE 4 500)' % kib]
    # It tells what would hold for a mailbox to come.
    assert c.ok("GETQUOTAROOT not/yet")[2][0] == b'* QUOTAROOT "not/yet" ""'
    limit(inst, c, "0,5", [b'* QUOTA "" (MESSAGE 4 5)'])
    c.append("full", data)
    assert c.append("full", data)[1].startswith("[OVERQUOTA]")
    limit(inst, c, "1048576", [b'* QUOTA "" (STORAGE %d 1024)' % -(
        -5 * len(data) // 1024)])
    limit(inst, c, "0", [b'* QUOTA "" ()'])
    assert c.cmd("GETQUOTA other")[:2] == (
        "NO", "[NONEXISTENT] There is no such quota root")
    assert c.cmd('SETQUOTA "" (STORAGE 9)')[1].startswith("[NOPERM]")
    assert c.ok('GETQUOTA ""')[2] == [b'* QUOTA "" ()']
    for text in ("GETQUOTA", "GETQUOTA (x)", "GETQUOTAROOT",
                 "GETQUOTAROOT (x)", "SETQUOTA x"):
        assert c.cmd(text)[0] == "BAD", text
    c.ok("DELETE full")


def test_deleted(c):
    c.ok("CREATE del")
    sizes = [len(PLAIN % (i, i)) for i in (1, 22, 333, 4444)]
    for i in (1, 22, 333, 4444):
        c.append("del", PLAIN % (i, i))
    status = "STATUS del (DELETED DELETED-STORAGE)"
    want = b'* STATUS "del" (DELETED %d DELETED-STORAGE %d)'
    assert c.ok(status)[2] == [want % (0, 0)]
    c.ok("SELECT del")
    c.ok("STORE 2,4 +FLAGS (\\Deleted)")
    assert c.ok(status)[2][-1] == want % (2, sizes[1] + sizes[3])
    c.ok("STORE 4 -FLAGS (\\Deleted)")
    c.ok("CLOSE")
    assert c.ok(status)[2] == [want % (0, 0)]
    assert has(c.ok('LIST "" del RETURN (STATUS (DELETED MESSAGES))')[2],
               rb'STATUS "del" \(MESSAGES 3 DELETED 0\)')
    c.ok("DELETE del")


def test_save_date(c):
    c.ok("CREATE saved")
    c.append("saved", PLAIN % (1, 1), '"01-Jan-2020 00:00:00 +0000" ')
    c.ok("SELECT saved")
    u = c.ok("FETCH 1 (INTERNALDATE SAVEDATE)")[2]
    m = re.fullmatch(rb'\* 1 FETCH \(INTERNALDATE " 1-Jan-2020 00:00:00 '
                     rb'\+0000" SAVEDATE "([ 0-9]\d-\w{3}-(\d{4})) '
                     rb'\d\d:\d\d:\d\d \+0000"\)', u[0])
    day = m[1].strip().decode()
    assert int(m[2]) >= 2024
    assert c.ok("SEARCH SAVEDON " + day)[2] == [b"* SEARCH 1"]
    assert c.ok("SEARCH SAVEDSINCE " + day)[2] == [b"* SEARCH 1"]
    assert c.ok("SEARCH SAVEDBEFORE " + day)[2] == [b"* SEARCH"]
    assert c.ok("SEARCH SAVEDATESUPPORTED BEFORE 2-Jan-2020")[2] == [
        b"* SEARCH 1"]
    assert c.cmd("SEARCH SAVEDON")[0] == "BAD"
    c.ok("UNSELECT")
    c.ok("DELETE saved")
