"""Headers beyond 256 KiB and 1,000 fields: no question about them is denied,
and the answers are those of Debian's Dovecot."""
import poplib
import re

import pytest

import dovecot
import mime_compare
from rohrpost import wait_for
from test_imap import Client

USERS = ("anna",)

BODY = (b"before\r\n--b\r\nContent-Type: text/html\r\n\r\nhello\r\n--b\r\n"
        b"\r\nplain\r\n--b--\r\n")


def mail(head):
    return head + b"\r\n" + BODY


def pads(n, size):
    return b"".join(b"X-Pad-%06d: %s\r\n" % (i, b"y" * size)
                    for i in range(n))


def users(n, first=0):
    return b",\r\n ".join(b"User %d <u%d@x.test>" % (i, i)
                          for i in range(first, first + n))


END = (b"From: Eve <eve@x.test>\r\nSubject: at the end\r\n"
       b"Date: Tue, 03 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
       b"Content-Type: multipart/mixed; boundary=b\r\nX-Last: apple pie\r\n")

HEADS = {
    # more than 100,000 fields and 5 MB
    "fields": pads(100001, 34) + b"To: " + users(3) + b"\r\n" + END,
    "small-fields": pads(1500, 1) + b"To: " + users(3) + b"\r\n" + END,
    "one-field": b"X-Long: " + b"\r\n ".join([b"z" * 900] * 400) + b"\r\n"
                 b"To: " + users(3) + b"\r\n" + END,
    "one-line": b"X-Long: " + b"z" * 400000 + b"\r\nTo: " + users(3) +
                b"\r\n" + END,
    "addresses": b"To: " + users(12000) + b"\r\n" + END,
    "lists": b"".join(b"To: %s\r\n" % users(2, 2 * i)
                      for i in range(5000)) + END,
}
NAMES = list(HEADS)

QUESTIONS = [b"BODY.PEEK[HEADER]", b"RFC822.HEADER",
             b"BODY.PEEK[HEADER.FIELDS (Subject X-Last)]",
             b"BODY.PEEK[HEADER.FIELDS.NOT (To X-Long X-Pad-000001)]",
             b"BODY.PEEK[HEADER.FIELDS (X-Long Date)]<7.400>",
             b"BODY.PEEK[TEXT]", b"BODY.PEEK[1]", b"ENVELOPE",
             b"BODYSTRUCTURE"]
ALL = b"* SEARCH 1 2 3 4 5 6"
SEARCHES = {"FROM eve@": ALL, "TO u2@": ALL, "SUBJECT end": ALL,
            "HEADER X-Last apple": ALL, "TEXT pie": ALL, "BODY hello": ALL,
            "SENTSINCE 1-Nov-2026": ALL, "HEADER X-Long z": b"* SEARCH 3 4",
            "TEXT nowhere": b"* SEARCH", "NOT SUBJECT end": b"* SEARCH"}


def fill(c):
    for head in HEADS.values():
        assert c.append("INBOX", mail(head))[0] == "OK"
    c.ok("SELECT INBOX")


@pytest.fixture(scope="module")
def c(inst):
    client = Client(inst)
    fill(client)
    yield client
    client.close()


@pytest.fixture(scope="module")
def theirs():
    d = dovecot.Dovecot()
    fill(d)
    yield d
    d.close()


def answer(c, seq, item):
    """What is said of it: the octets of a literal, else the text."""
    u = c.ok(b"FETCH %d %s" % (seq, item))[2]
    if item.startswith((b"BODY.", b"RFC822")):
        m = re.search(rb" \{(\d+)\}\r\n", u[0])
        assert len(u[0]) == m.end() + int(m[1]) + 1
        return u[0][m.end():-1]
    return u[0].split(b" ", 3)[3]


@pytest.mark.parametrize("item", QUESTIONS, ids=lambda q: q.decode())
def test_fetch(c, item):
    for seq, name in enumerate(NAMES, 1):
        got, head = answer(c, seq, item), HEADS[name] + b"\r\n"
        if item.endswith(b"HEADER]") or item == b"RFC822.HEADER":
            assert got == head, name
        elif b"FIELDS (Subject" in item:
            assert got == (b"Subject: at the end\r\nX-Last: apple pie\r\n"
                           b"\r\n"), name
        elif item.endswith(b"[TEXT]"):
            assert got == BODY, name
        elif item.endswith(b"[1]"):
            assert got == b"hello", name
        elif item == b"ENVELOPE":
            assert b'"at the end" (("Eve" NIL "eve" "x.test"))' in got, name
            assert got.count(b'" NIL "u') == head.count(b"<u"), name
        elif item == b"BODYSTRUCTURE":
            assert got.startswith(b'(BODYSTRUCTURE (("text" "html"'), name


@pytest.mark.parametrize("item", QUESTIONS, ids=lambda q: q.decode())
def test_fetch_beside_dovecot(c, theirs, item):
    for seq, name in enumerate(NAMES, 1):
        assert answer(c, seq, item) == answer(theirs, seq, item), name


@pytest.mark.parametrize("key", SEARCHES)
def test_search(c, theirs, key):
    assert c.ok("SEARCH " + key)[2] == [SEARCHES[key]]
    assert theirs.ok("SEARCH " + key)[2] == [SEARCHES[key]]


def test_top(inst, c, monkeypatch):
    monkeypatch.setattr(poplib, "_MAXLINE", 1 << 20)
    p = inst.pop3("anna")
    for n, name in enumerate(NAMES, 1):
        assert b"\r\n".join(p.top(n, 0)[1]) + b"\r\n" == (
            HEADS[name] + b"\r\n"), name
    p.quit()


LINE = b"Subject: x"
# What may stand behind it, and what of that is the header's.
ENDS = {b"": b"", b"\r\n": b"\r\n", b"\n": b"\n", b"\r": b"\r",
        b"\r\n\r": b"\r\n\r", b"\r\r\n": b"\r\r\n", b"\r\n ": b"\r\n ",
        b"\r\n\r\n": b"\r\n\r\n", b"\n\nbody\r\n": b"\n\n",
        b"\r\n\r\nbody\r\n\r\n": b"\r\n\r\n",
        b"\r\n\t\r\n\r\nbody": b"\r\n\t\r\n\r\n",
        b"\r\n\r\r\nno empty line\r\n": b"\r\n\r\r\nno empty line\r\n"}


def test_all_header(inst):
    """A message without an empty line is all header, whoever looks: imapd as
    it is appended, deliver, a rebuild; in pieces too."""
    mails = [(LINE + end, LINE + head) for end, head in ENDS.items()]
    mails += [(pads(9000, 30) + text, pads(9000, 30) + head)
              for text, head in mails[:2]]
    c = Client(inst)
    c.ok("CREATE header")
    for text, _ in mails:
        assert c.append("header", text)[0] == "OK"
    with inst.smtp() as s:
        s.sendmail("eve@x.test", ["anna@example.test"], pads(5, 1) + LINE)

    def sections(box, which):
        c.ok("SELECT " + box)
        said = c.ok("FETCH %s (BODY.PEEK[HEADER] BODY.PEEK[TEXT] "
                    "RFC822.HEADER BODY.PEEK[])" % which)[2]
        out = [mime_compare.fetched(x)[1] for x in said if b"FETCH" in x]
        for m in out:
            assert m[b"BODY[HEADER]"] == m[b"RFC822.HEADER"]
            assert m[b"BODY[HEADER]"] + m[b"BODY[TEXT]"] == m[b"BODY[]"]
        return [(m[b"BODY[]"], m[b"BODY[HEADER]"]) for m in out]

    def delivered():
        c.ok("SELECT INBOX")
        return c.ok("SEARCH SUBJECT x HEADER X-Pad-000001 y")[2] != [
            b"* SEARCH"]
    wait_for(delivered, text="the message of SMTP")
    for again in range(2):
        assert sections("header", "1:*") == mails
        text, head = sections("INBOX", "*")[0]
        assert text == head and text.endswith(LINE + b"\r\n")
        if not again:
            inst.ctl("store", "rebuild", "anna@example.test")
            c.close()
            c = Client(inst)
    p = inst.pop3()
    n = len(p.list()[1])
    assert b"\r\n".join(p.top(n, 0)[1]) + b"\r\n" == text
    assert p.top(n, 0)[1] == p.retr(n)[1]
    p.quit()
    c.close()
