"""LIST as clients ask today (RFC 5258, 5819, 6154), CREATE with a use, and
what STATUS says beside (RFC 7889, 8438): octet for octet."""
import re

import pytest

from test_imap import PLAIN, Client, has

USERS = ("anna", "bert")
FIRST = [b'INBOX', b'Archive', b'Drafts', b'Junk', b'Sent', b'Trash']


@pytest.fixture
def c(inst):
    client = Client(inst)
    yield client
    client.close()


@pytest.fixture(scope="module")
def b(inst):
    """What bert has: a mailbox under a name that is none, a subscription to
    what is not there, another below a mailbox."""
    client = Client(inst, "bert")
    for text in ("CREATE top/deep", "SUBSCRIBE top/deep", "CREATE box",
                 "SUBSCRIBE box/none", "SUBSCRIBE away/from/here",
                 "SUBSCRIBE top"):
        client.ok(text)
    yield client
    client.close()


def lst(c, text):
    r = c.ok("LIST " + text)
    assert r[1] == "LIST completed"
    return r[2]


def test_announced(c):
    words = c.ok("CAPABILITY")[2][0].split()
    for word in (b"LIST-EXTENDED", b"LIST-STATUS", b"SPECIAL-USE",
                 b"CREATE-SPECIAL-USE", b"CHILDREN", b"STATUS=SIZE",
                 b"APPENDLIMIT", b"WITHIN", b"UNSELECT"):
        assert words.count(word) == 1, word


def test_what_geary_mailkit_and_ios_ask(c):
    uses = [rb'* LIST (\HasNoChildren \%s) "/" "%s"' % x for x in (
        (b"Archive", b"Archive"), (b"Drafts", b"Drafts"), (b"Junk", b"Junk"),
        (b"Sent", b"Sent"), (b"Trash", b"Trash"))]
    inbox = rb'* LIST (\HasNoChildren) "/" "INBOX"'
    assert lst(c, '"" "%" return (special-use)') == [inbox] + uses
    assert lst(c, '(SPECIAL-USE) "" "*"') == uses
    assert lst(c, '(special-use) "" (inbox "Sent") RETURN (children)') == [
        uses[3]]
    c.append("INBOX", PLAIN % (1, 1))
    assert lst(c, '"" (INBOX "Sent") RETURN (SUBSCRIBED CHILDREN '
               'STATUS (MESSAGES UNSEEN))') == [
        rb'* LIST (\HasNoChildren \Subscribed) "/" "INBOX"',
        rb'* STATUS "INBOX" (MESSAGES 1 UNSEEN 1)',
        rb'* LIST (\HasNoChildren \Subscribed \Sent) "/" "Sent"',
        rb'* STATUS "Sent" (MESSAGES 0 UNSEEN 0)']


def test_subscribed_and_what_is_not_there(b):
    here = [rb'* LIST (\HasNoChildren \Subscribed%s) "/" "%s"' % (
        b"" if x == b"INBOX" else b" \\" + x, x) for x in FIRST]
    top = (rb'* LIST (\HasChildren \Noselect \NonExistent \Subscribed) '
           rb'"/" "top"')
    deep = rb'* LIST (\HasNoChildren \Subscribed) "/" "top/deep"'
    away = (rb'* LIST (\HasNoChildren \Noselect \NonExistent \Subscribed) '
            rb'"/" "away/from/here"')
    none = away.replace(b"away/from/here", b"box/none")
    assert lst(b, '(SUBSCRIBED) "" "*"') == here + [top, deep, away, none]
    assert lst(b, '(SUBSCRIBED) "" "%"') == here + [top]
    assert lst(b, '(SUBSCRIBED SPECIAL-USE) "" "*"') == here[1:]
    # As a return option it adds no name.
    got = lst(b, '"" (box* away*) RETURN (SUBSCRIBED)')
    assert got == [rb'* LIST (\HasNoChildren) "/" "box"']
    # No counts of what cannot be selected.
    got = lst(b, '(SUBSCRIBED) "" (top top/*) RETURN (STATUS (SIZE))')
    assert got == [top, deep, b'* STATUS "top/deep" (SIZE 0)']
    # As RFC 3501 has it.
    assert lst(b, '"" "top"') == [rb'* LIST (\HasChildren \Noselect) "/" "top"']
    assert lst(b, '"" ""') == [rb'* LIST (\Noselect) "/" ""']
    assert lst(b, '() "" ""') == []


def test_recursive_match(b):
    info = b' ("CHILDINFO" ("SUBSCRIBED"))'
    got = lst(b, '(SUBSCRIBED RECURSIVEMATCH) "" "%"')[len(FIRST):]
    assert got == [
        rb'* LIST (\HasNoChildren) "/" "box"' + info,
        rb'* LIST (\HasChildren \Noselect \NonExistent \Subscribed) '
        rb'"/" "top"' + info,
        rb'* LIST (\HasChildren \Noselect \NonExistent) "/" "away"' + info]
    # What matches by its children alone has no counts.
    assert not has(lst(b, '(SUBSCRIBED RECURSIVEMATCH) "" "box" '
                       'RETURN (STATUS (MESSAGES))'), rb"STATUS")
    b.ok("CREATE par/flag (USE (\\Flagged))")
    try:
        assert lst(b, '(RECURSIVEMATCH SPECIAL-USE) "" par') == [
            rb'* LIST (\HasChildren \Noselect \NonExistent) "/" "par" '
            rb'("CHILDINFO" ("SPECIAL-USE"))']
        b.ok("SUBSCRIBE par/flag")
        assert lst(b, '(RECURSIVEMATCH SPECIAL-USE SUBSCRIBED) "" par') == [
            rb'* LIST (\HasChildren \Noselect \NonExistent) "/" "par" '
            rb'("CHILDINFO" ("SUBSCRIBED" "SPECIAL-USE"))']
        b.ok("UNSUBSCRIBE par/flag")
    finally:
        b.ok("DELETE par/flag")


def test_a_use_is_given_back(inst, c):
    def uses(name):
        return lst(c, '"" %s RETURN (SPECIAL-USE)' % name)

    c.ok("CREATE Old (USE (\\Archive \\Flagged))")
    want = [rb'* LIST (\HasNoChildren \Archive \Flagged) "/" "Old"']
    assert uses("Old") == want
    inst.stop()
    inst.start()
    c.__init__(inst)
    assert uses("Old") == want
    c.ok("RENAME Old Older")
    assert uses("Older") == [want[0].replace(b"Old", b"Older")]
    c.ok("DELETE Older")
    c.ok("CREATE Older (USE ())")
    assert uses("Older") == [rb'* LIST (\HasNoChildren) "/" "Older"']
    c.ok("DELETE Older")
    c.ok("DELETE Sent")
    c.ok("CREATE Sent")
    assert uses("Sent") == [rb'* LIST (\HasNoChildren \Sent) "/" "Sent"']
    for text, want in (
            (r"(USE (\All))", "NO [USEATTR] "), (r"(USE \Sent)", "BAD "),
            (r"(USE (Sent))", "BAD "), (r"(USE)", "BAD "), ("USE", "BAD "),
            ("()", "BAD "), (r"(USE (\Sent) X (y))", "BAD "),
            (r"(X (\Sent))", "BAD ")):
        r = c.cmd("CREATE new " + text)
        assert (r[0] + " " + r[1]).startswith(want), (text, r)
        assert lst(c, '"" new') == []


def test_status_size_and_limit(inst, c):
    sizes = [len(PLAIN % (i, i)) for i in (1, 22, 333)]
    c.ok("CREATE sizes")
    for i in (1, 22, 333):
        c.append("sizes", PLAIN % (i, i))
    got = c.ok("STATUS sizes (SIZE MESSAGES APPENDLIMIT)")[2]
    m = re.fullmatch(rb'\* STATUS "sizes" \(MESSAGES 3 SIZE (\d+) '
                     rb'APPENDLIMIT (\d+)\)', got[0])
    assert int(m[1]) == sum(sizes)
    limit = int(m[2])
    assert c.cmd("APPEND sizes {%d}" % (limit + 1))[1].startswith("[TOOBIG]")
    assert has(lst(c, '"" sizes RETURN (STATUS (SIZE))'),
               rb'STATUS "sizes" \(SIZE %d\)' % sum(sizes))
    c.ok("DELETE sizes")


def test_within(c):
    c.ok("CREATE within")
    c.append("within", PLAIN % (1, 1), '"01-Jan-2020 00:00:00 +0000" ')
    c.append("within", PLAIN % (2, 2))
    c.ok("SELECT within")
    assert c.ok("SEARCH YOUNGER 86400")[2] == [b"* SEARCH 2"]
    assert c.ok("SEARCH OLDER 86400")[2] == [b"* SEARCH 1"]
    c.ok("UNSELECT")
    c.ok("DELETE within")
