"""Structure of messages, held against Debian's Dovecot: 1,000 messages that a
grammar of the world's faults makes go into both, and ENVELOPE, BODYSTRUCTURE
and each part are compared. What differs stands in a table, with the clause
that decides; what is not there fails, and so does a row that nothing met."""
import os
import re

import pytest

import dovecot
import mime_compare
import mime_grammar
import rohrpost
from test_imap import Client

COUNT = 1000
SEED = int(os.environ.get("ROHRPOST_MIME_SEED", "1"))
AHEAD = 20              # commands on the way

MISSING = [None, None, b"MISSING_MAILBOX", b"MISSING_DOMAIN"]
B = [None, None, b"b", b"two.test"]
LAST = [None, None, b"z", b"last.test"]
LISTS = ("from", "sender", "reply-to", "to", "cc", "bcc")

# A list of addresses: what stands there -> of rohrpost, of Dovecot. Sender and
# Reply-To that are absent are those of From.
ADDRESSES = {
    # RFC 5322 4.4: obs-local-part = word *("." word), with CFWS in a word.
    "obsolete-blanks": ([[None, None, b"b.o", b"two.test"]],
                        [[b"b. o", *MISSING[1:]]]),
    # RFC 2047 5 (3) asks for the comma to be encoded; the name is one still.
    "encoded-comma": (
        [[b"=?utf-8?Q?B=C3=B6,_B?=", *B[1:]]],
        [[None, None, b"=?utf-8?Q?B=C3=B6", b"MISSING_DOMAIN"],
         [b"_B?=", *B[1:]]]),
    # RFC 5322 3.4.1 has one "@": no address; as RFC 5321 2.3.11 the host that
    # mail goes to is behind the last.
    "two-ats": ([[None, None, b"b@two.test", b"three.test"]], [B]),
    # RFC 5322 3.4: name-addr = [display-name] angle-addr, and the mailbox is
    # b@two.test; MISSING_DOMAIN is nobody's.
    "words-in-front": ([[b"John", *B[1:]]], [[b"John b", *MISSING[1:]]]),
    "words": ([[None, None, b"just some words", b""]],
              [[b"just some words", *MISSING[1:]]]),
    "no-domain": ([[None, None, b"bo", b""]],
                  [[None, None, b"bo", b"MISSING_DOMAIN"]]),
    "no-domain-angle": ([[b"Bo", None, b"bo", b""]],
                        [[b"Bo", None, b"bo", b"MISSING_DOMAIN"]]),
    "null": ([[None, None, b"", b""]], [MISSING]),
    "blank-in-angle": ([[None, None, b"b o", b"two.test"]],
                       [[None, None, b"b", b"SYNTAX_ERROR"]]),
    "open-angle": ([[b"Bo", *B[1:]]], [[b"Bo", None, b"b", b"SYNTAX_ERROR"]]),
    # RFC 5322 3.4: mailbox-list = mailbox *("," mailbox); nobody is lost where
    # the comma is, or where ";" stands for it.
    "no-comma": ([B, [None, None, b"c", b"three.test"]], [B]),
    "semicolon": ([B, [None, None, b"c", b"three.test"]], [B]),
    "two-angles": ([[b"Bo", *B[1:]], [b"Cy", None, b"c", b"three.test"]],
                   [[b"Bo", *B[1:]]]),
    # RFC 5322 3.4: what stands before the angle-addr is a display name.
    "address-name": ([[b"b@two.test", None, b"c", b"three.test"]], [B]),
    # RFC 5322 4.4: obs-mbox-list = *([CFWS] ",") mailbox ...: empty places.
    "places": ([B], [MISSING, MISSING, B, MISSING]),
}


def more(a, b):
    """Theirs has one line end more."""
    return int(b) == int(a) + (2 if int(a) + 2 == int(b) else 1)


def tail(a, b):
    return b == a + b"\r\n"


def head(a, b):
    return a == b + b"\r\n"


def absent(a, b):
    return a is not None and b is None


def default_type(a, b):
    return a in ([b"text", b"plain"], [b"message", b"rfc822"])


# (item, rules of the grammar, what the two say, the clause that decides). One
# of the rules has to be in the message: the empty list is any message.
ROWS = [
    ("shape", ["type:none", "type:no-slash"], default_type,
     "RFC 2045 5.2: a Content-Type that is none means the default"),
    ("shape", ["no-boundary"], lambda a, b: True,
     "RFC 2046 5.1.1: the boundary is required; RFC 2045 5.2: text/plain"),
    ("*", ["boundary:percent", "boundary:pieces-percent",
               "boundary:pieces-late"], lambda a, b: True,
     "RFC 2231 4: percents of any parameter are octets"),
    ("shape", ["boundary-long"], lambda a, b: True,
     "RFC 2046 5.1.1: all of the boundary is compared, the close too"),
    ("shape", ["no-empty-line-before-delimiter"], lambda a, b: True,
     "RFC 2046 5.1.1: a line that is the delimiter is one"),
    ("*", ["no-empty-line-before-delimiter"], lambda a, b: True,
     "RFC 2046 5.1.1: so what follows it is the header of a part"),
    ("*", ["boundary-long"], lambda a, b: True,
     "RFC 2046 5.1.1: so a close is no part, and the next are others"),
    ("shape", ["boundary-same"], lambda a, b: True,
     "RFC 2046 5.1.2: a delimiter is of the innermost that is open"),
    ("shape", ["after-end"], lambda a, b: True,
     "RFC 2046 5.1.1: what follows the last delimiter is no part"),
    ("size", [], more, "RFC 2046 5.1.1: the CRLF before a delimiter is its"),
    ("lines", [], more, "RFC 2046 5.1.1: the CRLF before a delimiter is its"),
    ("body", [], tail, "RFC 2046 5.1.1: the CRLF before a delimiter is its"),
    ("id description language md5", ["no-mime-version"], absent,
     "RFC 3501 7.4.2: as the header says; RFC 2045 4 leaves it to the reader"),
    ("mime", [], head,
     "RFC 2045 3: a header's last line, or its empty one, is the part's also "
     "where a delimiter follows at once"),
    ("sender", ["twice:sender"], lambda a, b: b[-1:] == [LAST],
     "RFC 5322 3.6.2: a Sender is one mailbox"),
    ("subject", ["subject-twice"], lambda a, b: True,
     "RFC 5322 3.6: at most one; SEARCH and clients take the first"),
    ("params", ["charset:percent", "charset:pieces-percent",
                "charset:pieces-late"],
     lambda a, b: b == a + [b"charset", b"us-ascii"],
     "RFC 2045 5.2: the default is for what has no charset"),
]


def header(*fields, to=b"b@two.test"):
    return b"From: a@one.test\r\nTo: " + to + b"\r\nSubject: t\r\n" \
        b"MIME-Version: 1.0\r\n" + b"".join(f + b"\r\n" for f in fields)


def parts(boundary):
    return b"--" + boundary + b"\r\nContent-Type: text/plain\r\n\r\n" \
        b"hello\r\n--" + boundary + b"\r\nContent-Type: text/html\r\n" \
        b"\r\n<p>\r\n--" + boundary + b"--\r\n"


PLAIN = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0)'
HTML = b'("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 3 0)'
NONE = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)'

# What is appended, what is asked for, what has to be in the answer, and a
# SEARCH that finds it.
CASES = {
    "folded-boundary": (
        header(b'Content-Type: multipart/mixed; boundary="part\r\n mark"',
               b"") + parts(b"part mark"), "BODY BODY[1] BODY[2]",
        [b"BODY (" + PLAIN + HTML + b' "mixed")', b"BODY[1] {5}\r\nhello",
         b"BODY[2] {3}\r\n<p>"], "BODY hello"),
    "boundary-rfc2231": (
        header(b'Content-Type: multipart/alternative; boundary*0="aaa";\r\n'
               b' boundary*1="bbb"', b"") + parts(b"aaabbb"), "BODY BODY[1]",
        [b"BODY (" + PLAIN + HTML + b' "alternative")',
         b"BODY[1] {5}\r\nhello"], "BODY hello"),
    "two-cc": (
        header(b"Cc: c@three.test", b"Cc: d@four.test", b"To: e@five.test",
               b"", b"x"), "ENVELOPE",
        [b'((NIL NIL "b" "two.test")(NIL NIL "e" "five.test")) '
         b'((NIL NIL "c" "three.test")(NIL NIL "d" "four.test")) NIL'],
        "CC d@four.test TO e@five.test"),
    "no-comma": (
        header(b"", b"x", to=b"b@two.test c@three.test"), "ENVELOPE",
        [b'((NIL NIL "b" "two.test")(NIL NIL "c" "three.test")) NIL NIL'],
        "TO c@three.test TO b@two.test"),
    "empty-multipart": (
        header(b"Content-Type: multipart/mixed; boundary=S", b"",
               b"no part here"), "BODY BODY[1] BODY[1.MIME]",
        [b"BODY (" + NONE + b' "mixed")', b"BODY[1] {0}", b"MIME] {0}"],
        "SUBJECT t"),
    "multipart-leaf": (
        header(b"Content-Type: multipart/report; boundary=R", b"", b"--R",
               b"", b"failed", b"--R", b"Content-Type: message/rfc822", b"",
               b"From: q@q.test", b"Subject: orig",
               b"Content-Type: multipart/alternative; boundary=ORIG",
               b"--R--"), "BODY BODY[2.1] BODY[2.HEADER]",
        [b"(" + NONE + b' "alternative") 2) "report")', b"BODY[2.1] {0}",
         b"BODY[2.HEADER] {83}\r\nFrom: q@q.test"], "TEXT ORIG"),
    "no-empty-line": (
        header(b"Content-Type: multipart/mixed; boundary=b") + parts(b"b"),
        "BODY BODY[1] BODY[2.MIME]",
        [b"BODY (" + PLAIN + HTML + b' "mixed")', b"BODY[1] {5}\r\nhello",
         b"MIME] {27}\r\nContent-Type: text/html"], "BODY hello"),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_case(inst, name):
    octets, question, answers, search = CASES[name]
    c = Client(inst, "bert")
    c.ok("CREATE " + name)
    assert c.append(name, octets)[0] == "OK"
    c.ok("SELECT " + name)
    said, = c.ok("FETCH 1 (%s)" % question)[2]
    for answer in answers:
        assert answer in said, (answer, said)
    assert b"* SEARCH 1" in c.ok("SEARCH " + search)[2]
    c.close()


def ahead(c, commands):
    """Answers of pipelined commands, in order."""
    waiting = []
    for text in commands:
        waiting.append(c.start(text))
        if len(waiting) == AHEAD:
            yield c.wait(waiting.pop(0))
    for tag in waiting:
        yield c.wait(tag)


def fetch(c, out, key, commands):
    """Adds what FETCHes say to the dictionaries of their messages. Pipelined
    ones may be answered side by side, so the number counts, not the tag."""
    for r in ahead(c, commands):
        assert r[0] == "OK", r
        for line in r[2]:
            if re.match(rb"\* \d+ FETCH ", line):
                number, items = mime_compare.fetched(line)
                out[number - 1][key].update(items)


def ask(c, messages):
    """Per message: its items, and those of the parts that are listed."""
    for r in ahead(c, (b"APPEND INBOX {%d+}\r\n" % len(m.octets) + m.octets
                       for m in messages)):
        assert r[0] == "OK", r
    c.ok("SELECT INBOX")
    out = [{"said": {}, "parts": {}} for _ in messages]
    fetch(c, out, "said", ("FETCH %d (ENVELOPE BODYSTRUCTURE)" % (i + 1)
                           for i in range(len(messages))))
    for m in out:
        m["nodes"] = dict(mime_compare.nodes(m["said"][b"BODYSTRUCTURE"]))
    fetch(c, out, "parts", ("FETCH %d (%s)" % (i + 1, " ".join(
        "BODY.PEEK[%s] BODY.PEEK[%s.MIME]" % (s, s) for s in m["nodes"]))
        for i, m in enumerate(out)))
    return out


@pytest.fixture(scope="module")
def said(inst):
    """The messages, what rohrpost says, what Dovecot says."""
    print("seed %d" % SEED)
    messages = [mime_grammar.Message("%d.%d" % (SEED, i))
                for i in range(COUNT)]
    ours = Client(inst)
    theirs = dovecot.Dovecot()
    try:
        yield messages, ask(ours, messages), ask(theirs, messages)
    finally:
        ours.close()
        theirs.close()


def test_each_listed_part_is_there(said):
    """What is listed can be fetched, and is as large as it is said to be."""
    for m, ours in zip(said[0], said[1]):
        for s, node in ours["nodes"].items():
            body = ours["parts"][b"BODY[%s]" % s.encode()]
            head = ours["parts"][b"BODY[%s.MIME]" % s.encode()]
            assert body is not None and head is not None, (s, m.octets)
            assert body in m.octets and head in m.octets
            assert len(body) == int(node[6]), (s, m.octets)
            lines = mime_compare.lines(node)
            assert lines in (None, body.count(b"\n")), (s, m.octets)


def address_rows(m, a, b):
    """The rows of the table that say why two lists differ."""
    a, b = a or [], b or []
    while a and b and a[-1] == b[-1] == LAST:
        a, b = a[:-1], b[:-1]
    return ["address:" + key for key, row in ADDRESSES.items()
            if "address:" + key in m.rules and row == (a, b)]


def rows(item, m, a, b):
    """What in the tables says why these two differ."""
    found = address_rows(m, a, b) if item in LISTS else []
    return found or [
        i for i, (what, rules, judge, _) in enumerate(ROWS)
        if (what == "*" or item in what.split()) and
        (not rules or m.rules & set(rules)) and judge(a, b)][:1]


def compare(ours, theirs):
    """(section, item, of rohrpost, of Dovecot) for all that differs."""
    a, b = ours["said"], theirs["said"]
    yield from mime_compare.envelope_differences(a[b"ENVELOPE"],
                                                 b[b"ENVELOPE"])
    found = list(mime_compare.differences(a[b"BODYSTRUCTURE"],
                                          b[b"BODYSTRUCTURE"]))
    yield from found
    if any(item == "shape" for _, item, _, _ in found):
        return
    for label, x in ours["parts"].items():
        if x != theirs["parts"].get(label):
            yield (label.decode(), "mime" if b"MIME" in label else "body", x,
                   theirs["parts"].get(label))


def test_structure_as_dovecot_but_for_the_table(said):
    met, bad = set(), []
    for n, (m, ours, theirs) in enumerate(zip(*said)):
        for where, item, a, b in compare(ours, theirs):
            why = rows(item, m, a, b)
            if not why:
                bad.append("message %d.%d, %s %s %s:\n  rohrpost %r\n"
                           "  dovecot  %r" % (SEED, n, sorted(m.rules), where,
                                              item, a, b))
            met.update(why)
    assert not bad, "%d differences\n%s" % (len(bad), "\n".join(bad[:40]))
    assert met == set(range(len(ROWS))) | {"address:" + k
                                           for k in ADDRESSES}
