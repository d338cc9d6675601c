"""OBJECTID (RFC 8474): ids for life of mailboxes and messages."""
import re

import pytest

from test_imap import PLAIN, Client, has

USERS = ("anna", "bert")


@pytest.fixture
def c(inst):
    client = Client(inst)
    yield client
    client.close()


def mailboxid(c, name):
    u = has(c.ok("STATUS %s (MAILBOXID MESSAGES)" % name)[2], rb"^\* STATUS")
    return re.search(rb"MAILBOXID \((F[0-9a-f]{32})\) ?", u[0])[1]


def emailids(c, numbers="1:*", item="EMAILID"):
    r = c.ok("FETCH %s (UID %s)" % (numbers, item))[2]
    return [re.search(rb"EMAILID \((M[0-9a-f]{32})\)", u)[1]
            for u in has(r, rb"FETCH \(UID")]


def test_announced_once(c):
    assert c.ok("CAPABILITY")[2][0].split().count(b"OBJECTID") == 1


def test_mailboxes(c, inst):
    """The same one from CREATE, SELECT, STATUS and LIST; RENAME keeps it, and
    one of the same name that is made anew has another."""
    text = c.ok("CREATE box")[1]
    one = re.match(r"\[MAILBOXID \((F[0-9a-f]{32})\)\] ", text)[1].encode()
    assert mailboxid(c, "box") == one
    for verb in ("SELECT", "EXAMINE", "SELECT"):
        assert has(c.ok(verb + " box")[2],
                   rb"^\* OK \[MAILBOXID \(%s\)\]" % one), verb
        c.ok("UNSELECT")
    listed = c.ok('LIST "" box RETURN (STATUS (MAILBOXID))')[2]
    assert b"* STATUS \"box\" (MAILBOXID (%s))" % one in listed
    c.ok("RENAME box other")
    assert mailboxid(c, "other") == one
    c.ok("CREATE box")
    assert mailboxid(c, "box") not in (one, mailboxid(c, "INBOX"))
    c.ok("DELETE other")
    c.ok("CREATE other")
    assert mailboxid(c, "other") != one
    assert len({mailboxid(c, m) for m in ("INBOX", "box", "other", "Sent",
                                          "Trash")}) == 5


def test_messages(c, inst):
    """COPY and MOVE keep it; the same octets appended twice are two."""
    c.ok("CREATE src")
    c.ok("CREATE dst")
    for i in (1, 1, 2, 3):
        c.append("src", PLAIN % (i, i))
    c.ok("SELECT src")
    ids = emailids(c)
    assert len(set(ids)) == 4
    c.ok("STORE 1 +FLAGS (\\Seen word)")
    c.ok("COPY 1:2 dst")
    c.ok("MOVE 4 dst")
    assert emailids(c) == ids[:3]
    c.ok("SELECT dst")
    assert emailids(c) == [ids[0], ids[1], ids[3]]
    u = c.ok("FETCH 1 (EMAILID THREADID)")[2]
    assert u == [b"* 1 FETCH (EMAILID (%s) THREADID NIL)" % ids[0]]
    for text, found in (
            ("EMAILID %s" % ids[1].decode(), b" 2"),
            ('EMAILID "%s"' % ids[3].decode(), b" 3"),
            ("OR EMAILID %s EMAILID %s" % (ids[3].decode(), ids[0].decode()),
             b" 1 3"),
            ("NOT EMAILID %s" % ids[0].decode(), b" 2 3"),
            ("EMAILID %s" % ids[2].decode(), b""),
            ("EMAILID m%s" % ids[1].decode()[1:], b""),
            ("EMAILID %s" % ids[1].decode().upper(), b""),
            ("EMAILID Mx", b""), ("THREADID T1", b""),
            ("NOT THREADID T1", b" 1 2 3"),
            ("SUBJECT plain EMAILID %s SEEN" % ids[0].decode(), b" 1")):
        assert c.ok("SEARCH " + text)[2] == [b"* SEARCH" + found], text
    for text in ("EMAILID", "EMAILID ()", 'EMAILID ""', 'EMAILID "a b"',
                 "THREADID a.b", "EMAILID " + "x" * 256):
        assert c.cmd("SEARCH " + text)[0] == "BAD", text
    assert c.ok("SEARCH EMAILID " + "x" * 255)[2] == [b"* SEARCH"]


def test_gone_in_another_session(c, inst):
    """What is expunged and not told has no id any more, and is passed over."""
    c.ok("CREATE gone")
    for i in (1, 2):
        c.append("gone", PLAIN % (i, i))
    c.ok("SELECT gone")
    second = emailids(c)[1]
    other = Client(inst)
    other.ok("SELECT gone")
    other.ok("STORE 1 +FLAGS (\\Deleted)")
    other.ok("EXPUNGE")
    other.close()
    status, text, u = c.cmd("FETCH 1:2 EMAILID")
    assert (status, text[:15]) == ("NO", "[EXPUNGEISSUED]"), text
    assert has(u, rb"EMAILID") == [b"* 2 FETCH (EMAILID (%s))" % second]


def test_many(c, inst):
    """More than one answer of store has."""
    c.ok("CREATE many")
    c.append("many", PLAIN % (1, 1))
    c.ok("SELECT many")
    for i in range(12):
        c.ok("COPY 1:%d many" % 2 ** i)
        c.ok("NOOP")
    c.append("many", PLAIN % (2, 2))
    c.ok("NOOP")
    ids = emailids(c)
    assert len(ids) == 4097 and len(set(ids)) == 2
    assert c.ok("SEARCH RETURN (ALL COUNT) EMAILID %s" % ids[0].decode())[2][
        0].endswith(b" ALL 1:4096 COUNT 4096")
    assert c.ok("SEARCH EMAILID %s" % ids[-1].decode())[2] == [
        b"* SEARCH 4097"]


def test_rebuild_keeps_them(c, inst):
    """Also those of messages of which no flags file tells yet."""
    bert = Client(inst, "bert")
    bert.ok("CREATE kept")
    for i in (1, 2, 3):
        bert.append("kept", PLAIN % (i, i))
    bert.ok("SELECT kept")
    box, ids = mailboxid(bert, "kept"), emailids(bert)
    bert.close()
    inst.ctl("store", "rebuild", "bert@" + inst.domain)
    bert = Client(inst, "bert")
    assert mailboxid(bert, "kept") == box
    bert.ok("SELECT kept")
    assert emailids(bert) == ids
    bert.close()
