"""SEARCH with RETURN (RFC 4731) and what is saved for "$" (RFC 5182)."""
import re

import pytest

from test_imap import PLAIN, Client, has

USERS = ("anna",)


@pytest.fixture(scope="module")
def c(inst):
    client = Client(inst)
    client.ok("CREATE box")
    for i in range(1, 8):
        client.append("box", PLAIN % (i, i), "(\\Seen) " if i in (2, 3, 6)
                      else "")
    yield client
    client.close()


@pytest.fixture(autouse=True)
def selected(c):
    c.ok("SELECT box")


def search(c, text):
    """The answer, with @ in place of the tag."""
    r = c.ok(text)
    return [re.sub(rb'TAG "[^"]*"', b"TAG @", u) for u in r[2]]


def test_return(c):
    words = c.ok("CAPABILITY")[2][0].split()
    assert words.count(b"ESEARCH") == 1 and words.count(b"SEARCHRES") == 1
    assert search(c, "SEARCH RETURN () SEEN") == [
        b"* ESEARCH (TAG @) ALL 2:3,6"]
    assert search(c, "UID SEARCH RETURN (COUNT MIN MAX) CHARSET UTF-8 SEEN"
                  ) == [b"* ESEARCH (TAG @) UID MIN 2 MAX 6 COUNT 3"]
    assert search(c, 'SEARCH return (all) BODY "line 4"') == [
        b"* ESEARCH (TAG @) ALL 4"]
    assert search(c, 'SEARCH RETURN (COUNT ALL) BODY "nothing"') == [
        b"* ESEARCH (TAG @) COUNT 0"]
    got = search(c, "SEARCH RETURN (MIN) MODSEQ 1")
    one = has(c.ok("FETCH 1 MODSEQ")[2], rb"MODSEQ \((\d+)\)")[0]
    assert got[-1] == b"* ESEARCH (TAG @) MIN 1 MODSEQ " + re.search(
        rb"MODSEQ \((\d+)", one)[1]
    for text in ("RETURN (X) ALL", "RETURN MIN ALL", "RETURN (MIN)",
                 "RETURN"):
        assert c.cmd("SEARCH " + text)[0] == "BAD", text


def test_saved(c):
    assert search(c, "SEARCH RETURN (SAVE) SEEN") == []
    assert search(c, "SEARCH $") == [b"* SEARCH 2 3 6"]
    assert search(c, "UID SEARCH RETURN (ALL) UID $ NOT 3") == [
        b"* ESEARCH (TAG @) UID ALL 2,6"]
    assert [u.split(b" ", 2)[1] for u in c.ok("FETCH $ UID")[2]] == [
        b"2", b"3", b"6"]
    # BAD leaves it, NO empties it; what is gone is not in it.
    assert c.cmd("SEARCH RETURN (SAVE) NONSENSE")[0] == "BAD"
    assert search(c, "SEARCH $") == [b"* SEARCH 2 3 6"]
    c.ok("CREATE other")
    c.ok("UID COPY $ other")
    assert has(c.ok("STATUS other (MESSAGES)")[2], rb"MESSAGES 3")
    assert c.cmd("SEARCH RETURN (SAVE) CHARSET x-none ALL")[0] == "NO"
    assert search(c, "SEARCH RETURN (COUNT) $") == [
        b"* ESEARCH (TAG @) COUNT 0"]
    assert c.cmd("FETCH $ UID") == ("OK", "FETCH completed", [])
    assert c.cmd("STORE $ +FLAGS (\\Flagged)")[0] == "OK"
    assert c.cmd("COPY $ other")[0] == "OK"
    c.ok("SELECT other")
    assert search(c, "SEARCH $") == [b"* SEARCH"]
    assert search(c, "SEARCH RETURN (SAVE MAX) ALL") == [
        b"* ESEARCH (TAG @) MAX 3"]
    c.ok("STORE 1 +FLAGS (\\Deleted)")
    c.ok("EXPUNGE")
    assert search(c, "SEARCH $") == [b"* SEARCH 2"]
    c.ok("STORE $ +FLAGS (\\Deleted)")
    c.ok("UID EXPUNGE $")
    assert search(c, "SEARCH $") == [b"* SEARCH"]
    assert search(c, "SEARCH ALL") == [b"* SEARCH 1"]
    c.ok("CLOSE")
    c.ok("DELETE other")
