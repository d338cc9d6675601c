"""IMAP, octet for octet: a command, and all that comes back. In the mailbox
that the rows are about messages were expunged, so that numbers are not uids,
and its messages differ in all that can be asked for."""
import re

import pytest

import rohrpost
from test_imap import Client, has, modseq

USERS = ("anna", "bert", "carl")
KEYS = {"message_size": "1M"}

TREE = (b"Return-Path: <eve@far.test>\r\n"
        b"From: \"Eve, E\" <eve@far.test>\r\n"
        b"Sender: Sam <sam@far.test>\r\n"
        b"Reply-To: re@far.test\r\n"
        b"To: one@to.test,\r\n\ttwo@to.test\r\n"
        b"Cc: cc@cc.test\r\n"
        b"Bcc: bcc@bcc.test\r\n"
        b"Subject: tree\r\n of parts\r\n"
        b"Date : Mon, 02 Nov 2026 23:30:00 -0800\r\n"
        b"In-Reply-To: <before@far.test>\r\n"
        b"Message-ID: <tree@far.test>\r\n"
        b"no field\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"preamble\r\n--b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-ID: <id@x>\r\nContent-Description: what\r\n"
        b"Content-MD5: abc\r\nContent-Language: de\r\n"
        b"Content-Location: here\r\n"
        b"Content-Disposition: inline; filename=f\r\n\r\n"
        b"first\r\nsecond\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
        b"Subject: inner\r\nX-In: pear\r\n"
        b"Content-Type: multipart/alternative; boundary=c\r\n\r\n"
        b"--c\r\n\r\nplain\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>\r\n"
        b"--c--\r\n"
        b"--b\r\nContent-Type: image/png\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--\r\n")
NOTE = (b"From: eve@far.test\r\nTo: anna@example.test\r\nSubject: note\r\n"
        b"Date: Tue, 03 Nov 2026 00:30:00 +0900\r\n"
        b"Message-ID: <note@far.test>\r\n\r\napple pear\r\n")
LETTER = (b"From: bob@near.test\r\nSubject: letter\r\n"
          b"Date: Sun, 01 Nov 2026 12:00:00 +0000\r\n\r\nplum\r\n")
BARE = b"Subject: bare\r\nX-Mark: anna@example.test\r\n\r\n"

# number -> uid, text, flags, date
BOX = {1: (2, TREE, "\\Seen \\Answered", " 1-Jan-2020 00:00:00"),
       2: (4, NOTE, "\\Flagged kw1", " 1-Jan-2020 23:59:59"),
       3: (5, LETTER, "\\Draft kw2", " 2-Jan-2020 00:00:00"),
       4: (6, BARE, "\\Deleted kw1 kw2", "31-Dec-2019 23:59:59")}
GONE = b"Subject: gone\r\n\r\nx\r\n"


@pytest.fixture
def c(inst):
    client = Client(inst)
    yield client
    client.close()


@pytest.fixture
def d(inst):
    client = Client(inst)
    yield client
    client.close()


boxes = 0


@pytest.fixture
def box(c):
    """The messages of BOX; c has taken them as recent and has left."""
    global boxes
    boxes += 1
    name = "rows%d" % boxes
    c.ok("CREATE " + name)
    for uid in range(1, 7):
        n = [n for n in BOX if BOX[n][0] == uid]
        _, text, flags, date = BOX[n[0]] if n else (
            uid, GONE, "\\Deleted", " 1-Jan-2020 00:00:00")
        if n == [4]:
            flags = flags.removeprefix("\\Deleted ")
        r = c.append(name, text, '(%s) "%s +0000" ' % (flags, date))
        assert r[0] == "OK", r
    c.ok("SELECT " + name)
    assert c.ok("EXPUNGE")[2] == [b"* 1 EXPUNGE", b"* 2 EXPUNGE"]
    c.ok("STORE 4 +FLAGS.SILENT (\\Deleted)")
    c.ok("UNSELECT")
    return name


def told(client, want):
    """What client is told, in as many answers as it takes, is just that."""
    got = []

    def all_of_it():
        got.extend(client.ok("NOOP")[2])
        return len(got) >= len(want)
    rohrpost.wait_for(all_of_it, text="%s of %s" % (want, got))
    assert got == want
    assert client.ok("NOOP")[2] == []


def numbers(c, box):
    """UIDVALIDITY, HIGHESTMODSEQ of STATUS."""
    u = c.ok("STATUS %s (UIDVALIDITY HIGHESTMODSEQ)" % box)[2]
    m = re.fullmatch(rb'\* STATUS "%s" \(UIDVALIDITY (\d+) HIGHESTMODSEQ '
                     rb'(\d+)\)' % box.encode(), u[-1])
    return int(m[1]), int(m[2])


def test_select(c, box, d):
    v, high = numbers(d, box)
    d.ok("EXAMINE " + box)
    assert max(modseq([u]) for u in d.ok("FETCH 1:* MODSEQ")[2]) == high
    rest = [b"* OK [UNSEEN 2] First unseen",
            b"* OK [UIDVALIDITY %d] UIDs valid" % v,
            b"* OK [UIDNEXT 7] Predicted next UID",
            b"* OK [HIGHESTMODSEQ %d] Highest" % high]
    oid = re.search(rb"MAILBOXID (\(F[0-9a-f]{32}\))", d.ok(
        "STATUS %s (MAILBOXID)" % box)[2][0])[1]
    rest += [b"* OK [MAILBOXID %s] Its id for life" % oid]
    flags = b"\\Answered \\Flagged \\Deleted \\Seen \\Draft kw1 kw2"
    assert c.ok("SELECT " + box)[1:] == (
        "[READ-WRITE] SELECT completed",
        [b"* FLAGS (%s)" % flags,
         b"* OK [PERMANENTFLAGS (%s \\*)] Flags permitted" % flags,
         b"* 4 EXISTS", b"* 0 RECENT"] + rest)
    assert c.ok("EXAMINE " + box)[1:] == (
        "[READ-ONLY] EXAMINE completed",
        [b"* OK [CLOSED] Closed", b"* FLAGS (%s)" % flags,
         b"* OK [PERMANENTFLAGS ()] Flags permitted",
         b"* 4 EXISTS", b"* 0 RECENT"] + rest)
    # What is selected is left with a word (RFC 7162 3.2.11).
    assert c.ok("SELECT " + box)[2][0] == b"* OK [CLOSED] Closed"
    c.ok("UNSELECT")
    assert c.ok("SELECT " + box)[2][0] == b"* FLAGS (%s)" % flags
    # All are seen: no UNSEEN.
    c.ok("STORE 1:* +FLAGS.SILENT (\\Seen)")
    u = c.ok("EXAMINE " + box)[2]
    assert not has(u, rb"UNSEEN") and u[0] == b"* OK [CLOSED] Closed"


def test_status(c, box, d):
    v, high = numbers(d, box)
    c.append(box, GONE, "(\\Seen) ")
    v, now = numbers(d, box)
    assert now > high
    assert c.ok("STATUS %s (HIGHESTMODSEQ UNSEEN UIDVALIDITY UIDNEXT RECENT "
                "MESSAGES)" % box)[2] == [
        b'* STATUS "%s" (MESSAGES 5 RECENT 1 UIDNEXT 8 UIDVALIDITY %d '
        b'UNSEEN 3 HIGHESTMODSEQ %d)' % (box.encode(), v, now)]
    for item, n in (("MESSAGES", 5), ("RECENT", 1), ("UIDNEXT", 8),
                    ("UNSEEN", 3)):
        assert d.ok("STATUS %s (%s)" % (box, item))[2] == [
            b'* STATUS "%s" (%s %d)' % (box.encode(), item.encode(), n)]


def test_recent(c, box, d):
    """The first session that may write takes it; who only looks leaves it."""
    for flags in ("(\\Seen)", "()"):
        c.append(box, GONE, flags + " ")
    assert has(d.ok("EXAMINE " + box)[2], rb"^\* 2 RECENT$")
    assert d.ok("SEARCH RECENT")[2] == [b"* SEARCH 5 6"]
    d.ok("UNSELECT")
    assert has(c.ok("SELECT " + box)[2], rb"^\* 2 RECENT$")
    assert has(d.ok("SELECT " + box)[2], rb"^\* 0 RECENT$")
    for client, rows in ((c, ("5 6", "6", "1 2 3 4")),
                         (d, ("", "", "1 2 3 4 5 6"))):
        for key, want in zip(("RECENT", "NEW", "OLD"), rows):
            assert client.ok("SEARCH " + key)[2] == [
                (b"* SEARCH " + want.encode()).strip()], key
        for n, word in ((4, "Deleted kw1 kw2"), (5, "Seen")):
            f = "\\" + word
            if client is c and n == 5:
                f += " \\Recent"
            assert client.ok("FETCH %d FLAGS" % n)[2] == [
                b"* %d FETCH (FLAGS (%s))" % (n, f.encode())]
    # What comes later belongs to one of them only.
    assert c.append(box, GONE)[2] == [b"* 7 EXISTS", b"* 3 RECENT"]
    told(d, [b"* 7 EXISTS", b"* 0 RECENT"])
    assert c.ok("SEARCH RECENT")[2] == [b"* SEARCH 5 6 7"]
    assert d.ok("SEARCH RECENT")[2] == [b"* SEARCH"]
    c.ok("UNSELECT")
    assert has(c.ok("SELECT " + box)[2], rb"^\* 0 RECENT$")


SEARCH = [
    ("ALL", "1 2 3 4"), ("2:3", "2 3"), ("*", "4"), ("4:*,1", "1 4"),
    ("UID 1:4", "1 2"), ("UID 5", "3"), ("UID *", "4"), ("UID 3", ""),
    ("NOT UID 4:5", "1 4"),
    ("ANSWERED", "1"), ("UNANSWERED", "2 3 4"), ("DELETED", "4"),
    ("UNDELETED", "1 2 3"), ("DRAFT", "3"), ("UNDRAFT", "1 2 4"),
    ("FLAGGED", "2"), ("UNFLAGGED", "1 3 4"), ("SEEN", "1"),
    ("UNSEEN", "2 3 4"), ("KEYWORD kw1", "2 4"), ("UNKEYWORD KW1", "1 3"),
    ("KEYWORD kw2", "3 4"), ("KEYWORD kw", ""), ("UNKEYWORD kw3", "1 2 3 4"),
    ("NEW", ""), ("OLD", "1 2 3 4"), ("RECENT", ""),
    ("BEFORE 1-Jan-2020", "4"), ("ON 1-Jan-2020", "1 2"),
    ("SINCE 1-Jan-2020", "1 2 3"), ("BEFORE 2-Jan-2020", "1 2 4"),
    ("ON 2-Jan-2020", "3"), ("ON 31-Dec-2019", "4"),
    ("SINCE 2-Jan-2020", "3"), ("SINCE 3-Jan-2020", ""),
    ("SENTBEFORE 2-Nov-2026", "3"), ("SENTON 2-Nov-2026", "1"),
    ("SENTON 3-Nov-2026", "2"), ("SENTSINCE 2-Nov-2026", "1 2"),
    ("SENTSINCE 3-Nov-2026", "2"), ("SENTBEFORE 4-Nov-2026", "1 2 3"),
    ("LARGER %d" % len(NOTE), "1"), ("LARGER %d" % (len(NOTE) - 1), "1 2"),
    ("SMALLER %d" % len(NOTE), "3 4"),
    ("SMALLER %d" % (len(NOTE) + 1), "2 3 4"), ("LARGER 0", "1 2 3 4"),
    ("FROM eve", "1 2"), ("FROM far.test", "1 2"), ("TO anna", "2"),
    ("TO two@to", "1"), ("CC cc@cc", "1"), ("CC bcc", ""),
    ("BCC bcc@bcc", "1"), ("BCC cc@cc.test", ""), ("SUBJECT \"tree of\"", "1"),
    ("SUBJECT bare", "4"), ("SUBJECT inner", ""),
    ("HEADER X-Mark anna", "4"), ("HEADER X-Mark \"\"", "4"),
    ("HEADER Sender sam", "1"), ("HEADER X-In pear", ""),
    ("HEADER Message-ID far.test", "1 2"),
    ("BODY pear", "1 2"), ("BODY plum", "3"), ("BODY \"\"", "1 2 3 4"),
    ("BODY tree", ""), ("TEXT tree", "1"), ("TEXT anna@example.test", "2 4"),
    ("TEXT plum", "3"), ("NOT TEXT pear", "3 4"), ("BODY \"<p>\"", "1"),
    ("NOT (2 OR 3 4)", "1 2 3 4"), ("OR 1 2:3", "1 2 3"),
    ("OR FLAGGED (DRAFT KEYWORD kw2)", "2 3"), ("NOT NOT 2", "2"),
    ("OR NOT SEEN ANSWERED", "1 2 3 4"), ("(UNSEEN) (KEYWORD kw2) 3", "3"),
    ("FROM eve BODY pear UNSEEN", "2"),
]


def test_search(c, box):
    """Every key, in numbers and in uids."""
    c.ok("EXAMINE " + box)
    for text, want in SEARCH:
        uids = "".join(" %d" % BOX[int(n)][0] for n in want.split())
        want = " " + want if want else ""
        assert c.ok("SEARCH " + text)[2] == [
            b"* SEARCH" + want.encode()], text
        assert c.ok("UID SEARCH " + text)[2] == [
            b"* SEARCH" + uids.encode()], text
    # By modseq: from that one on; the highest of the hits is told.
    each = [modseq([x]) for x in c.ok("FETCH 1:* MODSEQ")[2] if b"* OK" not in x]
    for n in (1, 2, 3, 4):
        hits = [i for i in (1, 2, 3, 4) if each[i - 1] >= each[n - 1]]
        for key in ("MODSEQ", 'MODSEQ "/flags/\\\\draft" priv'):
            assert c.ok("SEARCH %s %d" % (key, each[n - 1]))[2] == [
                b"* SEARCH %s (MODSEQ %d)" % (
                    b" ".join(b"%d" % i for i in hits), max(each))]
    assert c.ok("SEARCH 1:2 MODSEQ 1")[2] == [
        b"* SEARCH 1 2 (MODSEQ %d)" % max(each[:2])]
    assert c.ok("UID SEARCH MODSEQ %d" % (max(each) + 1))[2] == [b"* SEARCH"]


def head_of(text):
    return text[:text.index(b"\r\n\r\n") + 4]


INNER = TREE[TREE.index(b"Subject: inner"):TREE.index(b"\r\n--b\r\nContent-Type"
                                                     b": image")]
FIRST = b"first\r\nsecond"
FIRST_MIME = TREE[TREE.index(b"Content-Type: text/plain"):TREE.index(FIRST)]
SECTIONS = [
    (b"", TREE), (b"HEADER", head_of(TREE)), (b"TEXT", TREE[len(head_of(TREE)):]),
    (b"1", FIRST), (b"1.MIME", FIRST_MIME), (b"2", INNER),
    (b"2.MIME", b"Content-Type: message/rfc822\r\n\r\n"),
    (b"2.HEADER", head_of(INNER)), (b"2.TEXT", INNER[len(head_of(INNER)):]),
    (b"2.1", b"plain"), (b"2.1.MIME", b"\r\n"), (b"2.2", b"<p>"),
    (b"2.2.MIME", b"Content-Type: text/html\r\n\r\n"), (b"3", b"aGk="),
    (b"HEADER.FIELDS (SUBJECT TO)", b"To: one@to.test,\r\n\ttwo@to.test\r\n"
     b"Subject: tree\r\n of parts\r\n\r\n"),
    (b"HEADER.FIELDS (DATE)",
     b"Date : Mon, 02 Nov 2026 23:30:00 -0800\r\n\r\n"),
    (b"HEADER.FIELDS (NONE)", b"\r\n"),
    (b"HEADER.FIELDS.NOT (RETURN-PATH FROM SENDER REPLY-TO TO CC SUBJECT DATE "
     b"IN-REPLY-TO MESSAGE-ID MIME-VERSION CONTENT-TYPE)",
     b"Bcc: bcc@bcc.test\r\n\r\n"),
    (b"2.HEADER.FIELDS (X-IN)", b"X-In: pear\r\n\r\n"),
    (b"2.HEADER.FIELDS.NOT (SUBJECT CONTENT-TYPE)", b"X-In: pear\r\n\r\n"),
]


def test_sections(c, box):
    """Each section whole, and pieces of it about its bounds."""
    c.ok("EXAMINE " + box)
    for name, text in SECTIONS:
        items, want = [b"BODY[%s]" % name], [(b"BODY[%s]" % name, text)]
        for off in sorted({0, 1, max(len(text) - 1, 0), len(text),
                           len(text) + 1}):
            for n in sorted({1, max(len(text) - off, 1), len(text) + 1}):
                items.append(b"BODY.PEEK[%s]<%d.%d>" % (name, off, n))
                want.append((b"BODY[%s]<%d>" % (name, off),
                             text[off:off + n]))
        u = c.ok(b"FETCH 1 (%s)" % b" ".join(items))[2]
        assert u == [b"* 1 FETCH (%s)" % b" ".join(
            b"%s {%d}\r\n%s" % (label, len(piece), piece)
            for label, piece in want)], name
    # One after the other: nothing is mistaken for what was asked before.
    for _ in range(2):
        for name, text in SECTIONS:
            assert c.ok(b"UID FETCH 2 BODY[%s]<0.5>" % name)[2] == [
                b"* 1 FETCH (UID 2 BODY[%s]<0> {%d}\r\n%s)" % (
                    name, len(text[:5]), text[:5])]
    for nil in (b"4", b"1.1", b"1.HEADER", b"1.TEXT", b"3.HEADER", b"2.3"):
        assert c.ok(b"FETCH 1 BODY[%s]<0.5>" % nil)[2] == [
            b"* 1 FETCH (BODY[%s]<0> NIL)" % nil]


def test_memo_of_a_large_message(c, box):
    """Where parts of a large one are is remembered, of just that one."""
    def big(a, b):
        return (b"Subject: %s\r\nContent-Type: multipart/mixed; boundary=b"
                b"\r\n\r\n--b\r\nX-P: %s\r\n\r\n" % (a, a) + a * 70000 +
                b"\r\n--b\r\n\r\n" + b * 3 + b"\r\n--b\r\nContent-Type: "
                b"message/rfc822\r\n\r\nA: %s\r\nB: %s\r\n\r\nz\r\n"
                b"--b--\r\n" % (b, a))
    for a, b in ((b"ab", b"one"), (b"xyz", b"two")):
        assert c.append(box, big(a, b))[0] == "OK"
    # A part with parts of its own has no header, but that of a message.
    assert c.append(
        box, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx"
        b"\r\n--c--\r\n--b--\r\n")[0] == "OK"
    c.ok("EXAMINE " + box)
    for sec in (b"1.HEADER", b"1.TEXT", b"1.HEADER.FIELDS (X)"):
        assert c.ok(b"FETCH 7 BODY[%s]" % sec)[2] == [
            b"* 7 FETCH (BODY[%s] NIL)" % sec]
    assert c.ok("FETCH 7 BODY[1.1]")[2] == [
        b"* 7 FETCH (BODY[1.1] {1}\r\nx)"]
    for _ in range(2):
        for n, a, b in ((5, b"ab", b"one"), (6, b"xyz", b"two")):
            for sec, want in ((b"1", a * 70000), (b"2", b * 3), (
                    b"1.MIME", b"X-P: %s\r\n\r\n" % a), (b"2.MIME", b"\r\n"),
                    (b"3.HEADER.FIELDS (A)", b"A: %s\r\n\r\n" % b),
                    (b"3.HEADER.FIELDS (B)", b"B: %s\r\n\r\n" % a)):
                for off in (0, 2, len(want) - 1):
                    piece = want[off:off + 7]
                    assert c.ok(b"FETCH %d BODY.PEEK[%s]<%d.7>" % (
                        n, sec, off))[2] == [
                        b"* %d FETCH (BODY[%s]<%d> {%d}\r\n%s)" % (
                            n, sec, off, len(piece), piece)]


ENVELOPE = (
    b'("Mon, 02 Nov 2026 23:30:00 -0800" "tree of parts" '
    b'(("Eve, E" NIL "eve" "far.test")) (("Sam" NIL "sam" "far.test")) '
    b'((NIL NIL "re" "far.test")) '
    b'((NIL NIL "one" "to.test")(NIL NIL "two" "to.test")) '
    b'((NIL NIL "cc" "cc.test")) ((NIL NIL "bcc" "bcc.test")) '
    b'"<before@far.test>" "<tree@far.test>")')
INNER_ENVELOPE = b'(NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL)'
ALTERNATIVE = (b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0%s)'
               b'("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 3 0%s) '
               b'"alternative"%s')


def structure(ext):
    def x(long):
        return long if ext else b""
    four = x(b" NIL NIL NIL NIL")
    return (
        b'(("text" "plain" ("charset" "utf-8") "<id@x>" "what" "7bit" %d 1%s)'
        b'("message" "rfc822" NIL NIL NIL "7bit" %d %s (%s) %d%s)'
        b'("image" "png" NIL NIL NIL "base64" 4%s) "mixed"%s)' % (
            len(FIRST), x(b' "abc" ("inline" ("filename" "f")) ("de") '
                          b'"here"'),
            len(INNER), INNER_ENVELOPE, ALTERNATIVE % (
                four, four, x(b' ("boundary" "c") NIL NIL NIL')),
            INNER.count(b"\r\n"), four, four,
            x(b' ("boundary" "b") NIL NIL NIL')))


def test_items(c, box):
    c.ok("EXAMINE " + box)
    body = {b"BODY": structure(False), b"BODYSTRUCTURE": structure(True)}
    for label, want in body.items():
        assert c.ok(b"FETCH 1 " + label)[2] == [
            b"* 1 FETCH (%s %s)" % (label, want)]
    assert c.ok("FETCH 1 ENVELOPE")[2] == [
        b"* 1 FETCH (ENVELOPE %s)" % ENVELOPE]
    row = {}
    for n, (uid, text, flags, date) in BOX.items():
        order = {"\\Answered": 0, "\\Flagged": 1, "\\Deleted": 2, "\\Seen": 3}
        words = " ".join(sorted(flags.split(), key=lambda w: order.get(w, 4)))
        row[n] = (b'FLAGS (%s) INTERNALDATE "%s +0000" RFC822.SIZE %d' % (
            words.encode(), date.encode(), len(text)))
        assert c.ok("FETCH %d FAST" % n)[2] == [
            b"* %d FETCH (%s)" % (n, row[n])]
        assert c.ok("FETCH %d (RFC822.SIZE UID)" % n)[2] == [
            b"* %d FETCH (UID %d RFC822.SIZE %d)" % (n, uid, len(text))]
    assert c.ok("UID FETCH 1:2 ALL")[2] == [
        b"* 1 FETCH (UID 2 %s ENVELOPE %s)" % (row[1], ENVELOPE)]
    assert c.ok("FETCH 1 FULL")[2] == [
        b"* 1 FETCH (%s ENVELOPE %s BODY %s)" % (
            row[1], ENVELOPE, body[b"BODY"])]
    # The record that was made is found again, each its own.
    u = c.ok("UID FETCH 1:* (BODYSTRUCTURE ENVELOPE)")[2]
    assert u[0] == b"* 1 FETCH (UID 2 BODYSTRUCTURE %s ENVELOPE %s)" % (
        body[b"BODYSTRUCTURE"], ENVELOPE)
    assert u[3] == (
        b'* 4 FETCH (UID 6 BODYSTRUCTURE ("text" "plain" ("charset" '
        b'"us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) ENVELOPE (NIL '
        b'"bare" NIL NIL NIL NIL NIL NIL NIL NIL))')
    assert c.ok("UID FETCH 6,2,4 (ENVELOPE)")[2][2] == (
        b'* 4 FETCH (UID 6 ENVELOPE (NIL "bare" NIL NIL NIL NIL NIL NIL NIL '
        b'NIL))')


def test_what_sets_seen(c, box):
    """Which items do, and that it is told with them, once."""
    c.ok("SELECT " + box)
    for item, sets in (("BODY.PEEK[]", 0), ("BODY.PEEK[TEXT]<0.1>", 0),
                       ("RFC822.HEADER", 0), ("ENVELOPE", 0), ("BODY", 0),
                       ("BODY[]", 1), ("BODY[HEADER]", 1), ("BODY[]<0.1>", 1),
                       ("RFC822", 1), ("RFC822.TEXT", 1),
                       ("(BODY.PEEK[] BODY[TEXT])", 1)):
        c.ok("STORE 2 -FLAGS.SILENT (\\Seen)")
        u = c.ok("FETCH 2 " + item)[2]
        tail = b" FLAGS (\\Flagged \\Seen kw1))"
        assert len(u) == 1 and u[0].endswith(tail) == bool(sets), (item, u)
        assert u[0].count(b"FLAGS (") == sets
        want = b"\\Flagged \\Seen kw1" if sets else b"\\Flagged kw1"
        assert c.ok("FETCH 2 FLAGS")[2] == [
            b"* 2 FETCH (FLAGS (%s))" % want], item
        assert c.ok("FETCH 2 " + item)[2][0].count(b"FLAGS (") == 0
    c.ok("STORE 2 -FLAGS.SILENT (\\Seen)")
    c.ok("EXAMINE " + box)
    assert b"Seen" not in c.ok("FETCH 2 (BODY[] FLAGS)")[2][0]
    assert c.ok("FETCH 2 FLAGS")[2] == [
        b"* 2 FETCH (FLAGS (\\Flagged kw1))"]


def test_store(c, box, d):
    """What is told to who changes flags, and to who looks on."""
    c.ok("SELECT " + box)
    d.ok("SELECT " + box)
    rows = [
        ("STORE 2 FLAGS (\\Draft)", "\\Draft", 0),
        ("STORE 2 +FLAGS (\\Seen kw2)", "\\Seen \\Draft kw2", 0),
        ("STORE 2 -FLAGS (\\Draft kw1)", "\\Seen kw2", 0),
        ("UID STORE 4 +FLAGS \\Answered", "\\Answered \\Seen kw2", 1),
        ("UID STORE 4 FLAGS ()", "", 1)]
    for text, flags, uid in rows:
        row = b"FLAGS (%s))" % flags.encode()
        assert c.ok(text)[2] == [
            b"* 2 FETCH (" + (b"UID 4 " if uid else b"") + row], text
        told(d, [b"* 2 FETCH (" + row])
        silent = re.sub("FLAGS", "FLAGS.SILENT", text)
        assert c.ok(silent)[2] == []
        assert d.ok("NOOP")[2] == []
    assert c.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")[2] == []
    told(d, [b"* 2 FETCH (FLAGS (\\Flagged))"])
    # A keyword that is new is told first, to both.
    u = c.ok("STORE 2:3 +FLAGS (fresh)")[2]
    line = b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw1 kw2 "\
        b"fresh)"
    perm = b"* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen "\
        b"\\Draft kw1 kw2 fresh \\*)] Flags permitted"
    rest = [b"* 2 FETCH (FLAGS (\\Flagged fresh))",
            b"* 3 FETCH (FLAGS (\\Draft kw2 fresh))"]
    assert u == [line, perm] + rest
    told(d, [line, perm] + rest)
    new = [line[:-1] + b" later)", perm.replace(b" \\*", b" later \\*")]
    assert c.ok("STORE 2 +FLAGS.SILENT (later)")[2] == new
    assert d.ok("FETCH 2 FLAGS")[2][:3] == new + [
        b"* 2 FETCH (FLAGS (\\Flagged fresh later))"]


def test_condstore(inst, c, box, d):
    """Each way to turn it on tells the state once; then changes tell theirs."""
    _, high = numbers(Client(inst), box)
    for text in ("ENABLE CONDSTORE", "FETCH 1 MODSEQ", "SEARCH MODSEQ 1",
                 "FETCH 1 (FLAGS) (CHANGEDSINCE 1)",
                 "STATUS %s (HIGHESTMODSEQ)" % box,
                 "STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\\Draft)"):
        e = Client(inst)
        e.ok("SELECT " + box)
        u = e.ok(text)[2]
        assert has(u, rb"^\* OK \[HIGHESTMODSEQ %d\]" % high), (text, u)
        assert not has(e.ok(text)[2], rb"^\* OK \[HIGHEST")
        e.close()
    u = d.ok("SELECT %s (CONDSTORE)" % box)[2]
    assert has(u, rb"HIGHESTMODSEQ %d\]" % high)
    c.ok("SELECT " + box)
    c.ok("UID STORE 5 +FLAGS (\\Seen)")
    _, now = numbers(Client(inst), box)
    assert now > high
    told(d, [b"* 3 FETCH (UID 5 FLAGS (\\Seen \\Draft kw2) MODSEQ (%d))"
             % now])
    assert d.ok("FETCH 1:* (UID) (CHANGEDSINCE %d)" % (now - 1))[2] == [
        b"* 3 FETCH (UID 5 MODSEQ (%d))" % now]
    assert d.ok("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % (now - 1))[2] == [
        b"* 3 FETCH (UID 5 FLAGS (\\Seen \\Draft kw2) MODSEQ (%d))" % now]
    assert d.ok("FETCH 1:* (UID) (CHANGEDSINCE %d)" % now)[2] == []
    # Equal is unchanged; above it is not.
    status, text, u = d.ok(
        "STORE 2:3 (UNCHANGEDSINCE %d) +FLAGS.SILENT (\\Flagged \\Answered)"
        % (now - 1))
    _, after = numbers(Client(inst), box)
    assert text == "[MODIFIED 3] Conditional STORE failed"
    assert u == [b"* 2 FETCH (MODSEQ (%d))" % after]
    status, text, u = d.ok(
        "UID STORE 4:5 (UNCHANGEDSINCE %d) +FLAGS (\\Answered \\Draft)" % now)
    _, last = numbers(Client(inst), box)
    assert last > after
    assert text == "[MODIFIED 4] Conditional STORE failed"
    assert u == [b"* 3 FETCH (UID 5 FLAGS (\\Answered \\Seen \\Draft kw2) "
                 b"MODSEQ (%d))" % last]
    # Nothing changes: nothing rises.
    assert d.ok("STORE 3 +FLAGS (\\Seen)")[2] == [
        b"* 3 FETCH (FLAGS (\\Answered \\Seen \\Draft kw2) MODSEQ (%d))"
        % last]
    assert numbers(Client(inst), box)[1] == last
    # What goes is a change, too.
    status, text, u = d.ok("EXPUNGE")
    _, gone = numbers(Client(inst), box)
    assert gone > last and u == [b"* 4 EXPUNGE"]
    assert text == "[HIGHESTMODSEQ %d] EXPUNGE completed" % gone


def test_expunge(c, box, d):
    c.ok("SELECT " + box)
    d.ok("SELECT " + box)
    c.ok("STORE 1:3 +FLAGS.SILENT (\\Deleted)")
    told(d, [b"* %d FETCH (FLAGS (%s))" % (n, f) for n, f in (
        (1, b"\\Answered \\Deleted \\Seen"), (2, b"\\Flagged \\Deleted kw1"),
        (3, b"\\Deleted \\Draft kw2"))])
    # Those of the set alone; EXAMINE and CLOSE of it remove none.
    assert c.ok("UID EXPUNGE 1:2,5")[1:] == (
        "EXPUNGE completed", [b"* 1 EXPUNGE", b"* 2 EXPUNGE"])
    told(d, [b"* 1 EXPUNGE", b"* 2 EXPUNGE"])
    assert c.ok("UID SEARCH ALL")[2] == [b"* SEARCH 4 6"]
    c.ok("EXAMINE " + box)
    assert c.cmd("EXPUNGE")[0] == "NO"
    c.ok("CLOSE")
    c.ok("SELECT " + box)
    assert c.ok("UID SEARCH ALL")[2] == [b"* SEARCH 4 6"]
    # UNSELECT removes none either, CLOSE all, and tells none.
    c.ok("UNSELECT")
    c.ok("SELECT " + box)
    assert c.ok("UID SEARCH ALL")[2] == [b"* SEARCH 4 6"]
    assert c.ok("CLOSE")[2] == []
    told(d, [b"* 1 EXPUNGE", b"* 1 EXPUNGE"])
    assert has(c.ok("STATUS %s (MESSAGES UIDNEXT UNSEEN RECENT)" % box)[2],
               rb"\(MESSAGES 0 RECENT 0 UIDNEXT 7 UNSEEN 0\)$")


def test_only_what_was_told_goes(c, box, d):
    """A message that the session was not told of is not expunged by it."""
    c.ok("SELECT " + box)
    for flags in ("", "\\Deleted"):
        d.append(box, GONE, "(%s) " % flags)
    assert c.ok("EXPUNGE")[2] == [
        b"* 4 EXPUNGE", b"* 5 EXISTS", b"* 2 RECENT"]
    assert c.ok("UID SEARCH ALL")[2] == [b"* SEARCH 2 4 5 7 8"]


def test_no_expunge_within_numbers(c, box, d):
    """FETCH, STORE and SEARCH tell of none: what is gone has its number."""
    c.ok("SELECT " + box)
    d.ok("SELECT " + box)
    c.ok("UID STORE 4 +FLAGS.SILENT (\\Deleted)")
    d.ok("NOOP")
    assert c.ok("UID EXPUNGE 4")[2] == [b"* 2 EXPUNGE"]
    for text, want in (
            ("FETCH 1,3 UID", [b"* 1 FETCH (UID 2)", b"* 3 FETCH (UID 5)"]),
            ("SEARCH ALL", [b"* SEARCH 1 3 4"]),
            ("SEARCH UID 4:5", [b"* SEARCH 3"]),
            ("STORE 3 +FLAGS (\\Seen)",
             [b"* 3 FETCH (FLAGS (\\Seen \\Draft kw2))"]),
            ("STORE 2 +FLAGS (\\Seen)", [])):
        assert d.ok(text)[2] == want, text
    # It is there until its end is told.
    assert d.ok("FETCH 2:3 UID")[2] == [b"* 2 FETCH (UID 4)",
                                        b"* 3 FETCH (UID 5)"]
    assert d.ok("UID FETCH 4:5 UID")[2] == [
        b"* 2 FETCH (UID 4)", b"* 3 FETCH (UID 5)", b"* 2 EXPUNGE"]
    assert d.ok("UID SEARCH ALL")[2] == [b"* SEARCH 2 5 6"]


def test_copy_and_move(inst, c, box, d):
    to = box + "to"
    c.ok("CREATE " + to)
    c.append(to, GONE, "(kw1 kw2) ")
    e = Client(inst)
    v, _ = numbers(e, to)
    c.ok("SELECT " + box)
    d.ok("SELECT " + to)
    assert c.ok("COPY 2:3 " + to)[1:] == (
        "[COPYUID %d 4:5 2:3] COPY completed" % v, [])
    told(d, [b"* 3 EXISTS", b"* 3 RECENT"])
    assert c.ok("UID COPY 1,6,100 " + to)[1:] == (
        "[COPYUID %d 6 4] COPY completed" % v, [])
    assert c.ok("UID COPY 100 " + to)[1] == "COPY completed"
    told(d, [b"* 4 EXISTS", b"* 4 RECENT"])
    assert c.ok("MOVE 1,4 " + to)[1:] == ("MOVE completed", [
        b"* OK [COPYUID %d 2,6 5:6] Moved" % v, b"* 1 EXPUNGE",
        b"* 3 EXPUNGE"])
    told(d, [b"* 6 EXISTS", b"* 6 RECENT"])
    # All of it goes along, but the number.
    for uid, n in ((2, 2), (3, 3), (4, 4), (5, 1), (6, 4)):
        _, text, flags, date = BOX[n]
        u = d.ok("UID FETCH %d (FLAGS INTERNALDATE BODY.PEEK[])" % uid)[2][-1]
        told_flags = set(re.search(rb"FLAGS \((.*?)\)", u)[1].decode()
                         .split())
        assert told_flags - {"\\Recent"} == set(flags.split()), u
        assert date.encode() in u and u.endswith(text + b")")
    # Into itself: new messages behind.
    assert c.ok("COPY 1 " + box)[1].startswith("[COPYUID ")
    assert c.ok("UID SEARCH ALL")[2] == [b"* SEARCH 4 5 7"]
    assert c.cmd("COPY 1 no/such")[:2] == (
        "NO", "[TRYCREATE] There is no such mailbox")
    assert c.cmd("MOVE 1 no/such")[:2] == (
        "NO", "[TRYCREATE] There is no such mailbox")
    # A number that another one has taken away makes it none.
    c.ok("NOOP")
    e.ok("SELECT " + box)
    d.ok("SELECT " + box)
    e.ok("UID STORE 5 +FLAGS.SILENT (\\Deleted)")
    d.ok("NOOP")
    e.ok("EXPUNGE")
    for verb in ("COPY", "MOVE"):
        status, text, _ = c.cmd("%s 1:2 %s" % (verb, to))
        assert status == "NO" and text.startswith("[EXPUNGEISSUED]"), text
        c, d = d, c
    assert has(e.ok("STATUS %s (MESSAGES)" % to)[2], rb"MESSAGES 6\)")
    e.close()


def test_append(c, box, d):
    """Seen at once, by both; pieces make one message."""
    v, _ = numbers(d, box)
    c.ok("SELECT " + box)
    d.ok("SELECT " + box)
    assert c.append(box, NOTE, '(\\Flagged fresh) " 2-Feb-1999 03:04:05 '
                    '-0800" ')[1:] == (
        "[APPENDUID %d 7] APPEND completed" % v,
        [b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw1 kw2 "
         b"fresh)", b"* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted "
         b"\\Seen \\Draft kw1 kw2 fresh \\*)] Flags permitted",
         b"* 5 EXISTS", b"* 1 RECENT"])
    assert c.ok("FETCH 5 (FLAGS INTERNALDATE)")[2] == [
        b'* 5 FETCH (FLAGS (\\Flagged \\Recent fresh) INTERNALDATE '
        b'" 2-Feb-1999 11:04:05 +0000")']
    u = rohrpost.wait_for(lambda: has(d.ok("NOOP")[2], rb"EXISTS|RECENT"))
    assert u == [b"* 5 EXISTS", b"* 0 RECENT"]
    # In several pieces; and just as long as one may be.
    head = head_of(NOTE)
    for size in (300 * 1024, 1 << 20):
        big = head + b"y" * (size - len(head) - 2) + b"\r\n"
        assert c.append(box, big)[0] == "OK"
        n = 6 if size < 1 << 20 else 7
        u = c.ok("FETCH %d (RFC822.SIZE BODY.PEEK[HEADER] "
                 "BODY.PEEK[TEXT]<0.3> BODY.PEEK[]<%d.9>)" % (n, size - 3))[2]
        assert u == [b"* %d FETCH (RFC822.SIZE %d BODY[HEADER] {%d}\r\n%s "
                     b"BODY[TEXT]<0> {3}\r\nyyy BODY[]<%d> {3}\r\ny\r\n)" % (
                         n, size, len(head), head, size - 3)]
    assert c.append(box, b"", plus=False)[0] == "OK"
    c.send(b"big APPEND %s {%d}\r\n" % (box.encode(), (1 << 20) + 1))
    assert c.wait(b"big")[:2] == ("NO", "[TOOBIG] The message is too big")
    # More in the line is no message.
    c.send(b"more APPEND %s {1+}\r\nx y\r\n" % box.encode())
    assert c.wait(b"more")[0] == "BAD"
    u = c.ok("STATUS %s (MESSAGES)" % box)[2]
    assert u[-1].endswith(b"(MESSAGES 8)")


def test_quota(inst):
    """What just fits, fits; a large one is refused before it is sent."""
    c = Client(inst, "bert")
    c.ok("CREATE q")

    def offer(size, octet=b"z"):
        c.send(b"o APPEND q {%d}\r\n" % size)
        if (line := c.line()).startswith(b"+"):
            c.send(octet * size + b"\r\n")
            return "sent", c.wait(b"o")[1].split()[0]
        return "refused", line.split()[2].decode()

    def quota(text, *known):
        """Store knows it when a message that is never taken hears known."""
        inst.ctl("user", "set", "bert@example.test", "--quota", text)
        rohrpost.wait_for(lambda: offer(900 * 1024, b"\0") == known)
    small, large = 1000, 100 * 1024
    quota("%d" % (large + small), "refused", "[OVERQUOTA]")
    assert offer(large + small + 1) == ("refused", "[OVERQUOTA]")
    assert offer(large) == ("sent", "[APPENDUID")
    assert offer(large) == ("refused", "[OVERQUOTA]")
    assert offer(small + 1) == ("sent", "[OVERQUOTA]")
    assert offer(small) == ("sent", "[APPENDUID")
    assert offer(1) == ("sent", "[OVERQUOTA]")
    c.ok("SELECT q")
    status, text, _ = c.cmd("COPY 2 q")
    assert status == "NO" and text.startswith("[OVERQUOTA]")
    c.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    c.ok("EXPUNGE")
    assert offer(small) == ("sent", "[APPENDUID")
    quota("0,3", "sent", "[CANNOT]")
    assert offer(large) == ("sent", "[APPENDUID")
    assert offer(large) == ("refused", "[OVERQUOTA]")
    assert offer(1) == ("sent", "[OVERQUOTA]")
    c.close()


def test_list(inst):
    """Attributes and patterns, and what a name is called."""
    c = Client(inst, "carl")
    for name in ("l/a/b", "l/a2", "l/&AOQ-", "\"l/q\\\"t\"", "m"):
        c.ok("CREATE " + name)
    full = {
        "INBOX": "\\HasNoChildren", "Archive": "\\HasNoChildren \\Archive",
        "Drafts": "\\HasNoChildren \\Drafts",
        "Junk": "\\HasNoChildren \\Junk", "Sent": "\\HasNoChildren \\Sent",
        "Trash": "\\HasNoChildren \\Trash", "l": "\\HasChildren \\Noselect",
        "l/a": "\\HasChildren \\Noselect", "l/a/b": "\\HasNoChildren",
        "l/a2": "\\HasNoChildren", "l/&AOQ-": "\\HasNoChildren",
        "l/q\\\"t": "\\HasNoChildren", "m": "\\HasNoChildren"}
    inner = ["l/a", "l/a2", "l/&AOQ-", "l/q\\\"t"]
    special = ["Archive", "Drafts", "Junk", "Sent", "Trash"]
    for ref, pattern, want in (
            ("", "*", list(full)), ("", "%", ["INBOX", "l", "m"] + special),
            ("", "l", ["l"]), ("", "L", []), ("", "l/%", inner),
            ("l/", "%", inner), ("l", "/%", inner),
            ("", "l/*", inner + ["l/a/b"]), ("", "l*", inner + ["l", "l/a/b"]),
            ("", "%/%", inner), ("", "%/%/%", ["l/a/b"]), ("", "*b", ["l/a/b"]),
            ("", "l%", ["l"]), ("", "l/a%", ["l/a", "l/a2"]),
            ("", "*/a", ["l/a"]), ("", "%a", []), ("", "l/a/", []),
            ("", "inbox", ["INBOX"]), ("", "InB%", ["INBOX"]),
            ("", "l/&AOQ-", ["l/&AOQ-"]), ("", "*%", list(full)),
            ("", "%*", list(full)), ("m", "*", ["m"]), ("x/", "*", [])):
        u = c.ok('LIST "%s" "%s"' % (ref, pattern))[2]
        assert sorted(u) == sorted(
            b'* LIST (%s) "/" "%s"' % (full[n].encode(), n.encode())
            for n in want), (ref, pattern, u)
    assert c.ok('LIST "" ""')[2] == [b'* LIST (\\Noselect) "/" ""']
    assert c.cmd("SELECT l")[:2] == (
        "NO", "[NONEXISTENT] There is no such mailbox")
    # A name with children only comes and goes with them.
    c.ok("DELETE l/a/b")
    assert c.ok('LIST "" l/a')[2] == []
    c.ok("CREATE l/a2/c")
    c.ok("DELETE l/a2")
    assert c.ok('LIST "" l/a2')[2] == [
        b'* LIST (\\HasChildren \\Noselect) "/" "l/a2"']
    assert c.cmd("DELETE l/a2")[0] == "NO"
    c.ok("RENAME l/a2/c m2")
    assert c.ok('LIST "" l/a2')[2] == []
    c.ok("RENAME l k/x")
    assert sorted(c.ok('LIST "" k*')[2]) == [
        b'* LIST (\\HasChildren \\Noselect) "/" "k"',
        b'* LIST (\\HasChildren \\Noselect) "/" "k/x"',
        b'* LIST (\\HasNoChildren) "/" "k/x/&AOQ-"',
        b'* LIST (\\HasNoChildren) "/" "k/x/q\\"t"']
    for bad in ("RENAME m m2", "RENAME k k/y/z", "CREATE m", "RENAME n o"):
        assert c.cmd(bad)[0] == "NO", bad
    c.close()


def test_idle(c, box, d):
    """All kinds of news, as they come."""
    c.ok("SELECT " + box)
    d.ok("SELECT " + box)
    tag = d.start("IDLE")
    assert d.line() == b"+ idling"
    c.ok("STORE 3 +FLAGS.SILENT (\\Seen)")
    assert d.line() == b"* 3 FETCH (FLAGS (\\Seen \\Draft kw2))"
    assert c.ok("EXPUNGE")[2] == [b"* 4 EXPUNGE"]
    assert d.line() == b"* 4 EXPUNGE"
    c.append(box, GONE)
    assert d.line() == b"* 4 EXISTS"
    assert d.line() in (b"* 0 RECENT", b"* 1 RECENT")
    d.send(b"DONE\r\n")
    assert d.wait(tag) == ("OK", "IDLE completed", [])
