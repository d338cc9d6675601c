"""Hostile input to IMAP after the login, row by row: the exact reply, and the
mailbox afterwards. Rows that are tested elsewhere:

    E1, E4, E8, E17, E18 before the login   test_login.py: test_imap_nonsense,
                                            test_imap_pipelined
    E2, E8      test_imap.py: test_literal_bounds, test_refused_literals,
                test_hostile_input
    E3          test_imap_commands.py: test_many_literals_in_one_command
    E9          test_imap.py: test_bad_names
    E10         test_imap.py: test_wildcards
    E12, E19    test_imap.py: test_copy_of_what_is_gone, test_two_sessions;
                test_model.py
    E13         test_imap.py: test_rename_inbox_while_selected,
                test_deleted_while_selected, test_rename_while_selected;
                test_imap_commands.py: test_deleted_and_made_again_...
    E11         test_imap_multiappend.py, too
    E14         test_imap_keywords.py
    E16         test_imap_compress.py
    E15         test_imap.py: test_idle, test_idle_ended_by_a_literal
    E21         tests/imapd/test_session.c: test_rows_and_states
    E25         test_rebuild.py

D rows are messages: what a client is told of them, and that their octets are
kept. Not there: NOTIFY."""
import base64
import re

import pytest

import rohrpost
from test_imap import PLAIN, Client, has, literal

pytestmark = pytest.mark.user   # once is enough: root changes nothing here
USERS = ("anna", "bert")
KEYS = {"message_size": "20M", "verbose": "yes"}
MIB = 1 << 20
CHARSETS = r"NO \[BADCHARSET \(UTF-8 US-ASCII [A-Z0-9 -]+\)\] Unknown charset"
NAME = r"NO \[CANNOT\] That is no valid mailbox name"
PATH = r"NO \[CANNOT\] bad mailbox name"
LONG = "BAD The line is too long"
PARENS = "too many parentheses"
SET = "BAD FETCH: bad sequence set"
MADE = r"OK \[MAILBOXID \(F[0-9a-f]+\)\] CREATE completed"
OK = "OK FETCH completed"


@pytest.fixture
def c(inst):
    client = Client(inst)
    yield client
    client.close()


@pytest.fixture(scope="module")
def box(inst):
    """Three messages, seen by nobody but the tests."""
    client = Client(inst)
    client.ok("CREATE h")
    for i in (1, 2, 3):
        assert client.append("h", PLAIN % (i, i), "(kw%d) " % i)[0] == "OK"
    client.close()
    return "h"


COMMANDS = {
    "E3-tokens": (b"FETCH 1 (" + b"UID " * 1000000 + b"UID)", LONG),
    "E3-items": (b"FETCH 1 (" + b"BODY[1] " * 1000 + b"UID)",
                 "BAD FETCH: too many items"),
    "E4-search": (b"SEARCH " + b"(" * 10000, "BAD SEARCH: " + PARENS),
    "E4-closed": (b"SEARCH " + b"(" * 10000 + b"ALL" + b")" * 10000,
                  "BAD SEARCH: " + PARENS),
    "E4-fetch": (b"FETCH 1 " + b"(" * 10000, "BAD FETCH: " + PARENS),
    "E5-not": (b"SEARCH " + b"NOT " * 10000 + b"ALL",
               "BAD SEARCH: keys are too deep"),
    "E5-or": (b"SEARCH " + b"OR ALL " * 5000 + b"ALL",
              "BAD SEARCH: keys are too deep"),
    "E5-header": (b"SEARCH HEADER X {%d+}\r\n" % MIB + b"x" * MIB,
                  "BAD Literal refused"),
    "E5-charset": (b"SEARCH CHARSET X-NONE TEXT x", CHARSETS),
    "E5-charset-long": (b"SEARCH CHARSET " + b"x" * 10000 + b" TEXT x",
                        CHARSETS),
    "E6-all": (b"UID FETCH 1:4294967295 UID", OK, [1, 2, 3]),
    "E6-star": (b"UID FETCH 4294967295:* UID", OK, [3]),
    "E6-zero": (b"UID FETCH 0 UID", SET),
    "E6-many": (b"UID FETCH " + b"1:*," * 10000 + b"1 UID", SET),
    "E6-most": (b"UID FETCH " + b"1:*," * 9999 + b"1 UID", OK, [1, 2, 3]),
    "E6-100000": (b"UID FETCH " + b"1:*," * 100000 + b"1 UID", LONG),
    "E6-big": (b"UID FETCH *:4294967296 UID", SET),
    "E6-number": (b"FETCH 4294967295 UID", SET),
    "E7-deep": (b"FETCH 1 BODY.PEEK[" + b"1." * 999 + b"1]", OK, [1]),
    "E7-whole": (b"FETCH 1 BODY.PEEK[]<0.4294967295>", OK, [1]),
    "E7-behind": (b"FETCH 1 BODY.PEEK[]<4294967295.1>", OK, [1]),
    "E7-minus": (b"FETCH 1 BODY.PEEK[]<-1.5>", "BAD FETCH: bad partial"),
    "E7-size": (b"FETCH 1 BODY.PEEK[]<0.4294967296>",
                "BAD FETCH: bad partial"),
    "E8-nul": (b'LIST "" "a\0b"', "BAD LIST: bad quoted string"),
    "E8-cr": (b'LIST "" "a\rb"', "BAD LIST: bad quoted string"),
    "E8-unclosed": (b'LIST "" "a', "BAD LIST: bad quoted string"),
    "E8-backslash": (b'LIST "" "a\\', "BAD LIST: bad quoted string"),
    "E8-64k": (b'LIST "" ' + b"x" * 65536, LONG),
    "E14-10k": (b"STORE 1 +FLAGS (" + b"k" * 10240 + b")",
                "BAD There is no such flag"),
    "E14-recent": (b"STORE 1 -FLAGS (\\Recent)", "OK STORE completed", [1]),
    "E14-system": (b"STORE 1 +FLAGS (\\Foo)", "BAD There is no such flag"),
    "E18-again": (b"AUTHENTICATE PLAIN " + b"A" * 60000,
                  "BAD You are logged in"),
    "E18-long": (b"AUTHENTICATE PLAIN " + b"A" * MIB, LONG),
    "E20-0": (b"FETCH 1 (FLAGS) (CHANGEDSINCE 0)", OK, [1]),
    "E20-63": (b"FETCH 1 (FLAGS) (CHANGEDSINCE 9223372036854775808)",
               "BAD FETCH: bad modifier"),
    "E20-highest": (b"FETCH 1 (UID) (CHANGEDSINCE 9223372036854775807)", OK,
                    []),
    "E20-64": (b"FETCH 1 (FLAGS) (CHANGEDSINCE 18446744073709551616)",
               "BAD FETCH: bad modifier"),
    "E20-store": (b"STORE 1 (UNCHANGEDSINCE 18446744073709551616) FLAGS ()",
                  "BAD STORE: bad modifier"),
    "E20-store-0": (b"STORE 1 (UNCHANGEDSINCE 0) FLAGS ()",
                    r"OK \[MODIFIED 1\] Conditional STORE failed"),
    "E20-search": (b"SEARCH MODSEQ 18446744073709551616",
                   "BAD SEARCH: bad argument of a key"),
    "E20-qresync": (b"SELECT h (QRESYNC (1 1))", "BAD Unknown parameter"),
    "E22-rights": (b"MYRIGHTS INBOX", "BAD Unknown command"),
    "E22-metadata": (b"GETMETADATA INBOX /x", "BAD Unknown command"),
    "E22-urlauth": (b"GENURLAUTH x INTERNAL", "BAD Unknown command"),
    "E23-pairs": (b"ID (" + b'"a" "b" ' * 99 + b'"a" "b")',
                  "BAD ID: wrong list"),
    "E23-10k": (b'ID ("a" "' + b"x" * 10240 + b'")', "BAD ID: wrong list"),
    "E23-nul": (b'ID ("name" {3+}\r\na\0b)', "BAD ID: NUL in a literal"),
}


@pytest.mark.parametrize("row", COMMANDS)
def test_command(c, box, row):
    """The session lives, and the mailbox is as it was."""
    text, reply, *numbers = COMMANDS[row]
    c.ok("SELECT " + box)
    status, words, untagged = c.cmd(text)
    assert re.fullmatch(reply, "%s %s" % (status, words)), words[:200]
    told = [int(u.split()[1]) for u in has(untagged, rb"^\* \d+ FETCH")]
    assert told == (numbers[0] if numbers else [])
    assert [re.sub(rb"\\Recent ?", b"", u) for u in
            c.ok("UID FETCH 1:* (FLAGS)")[2]] == [
        b"* %d FETCH (UID %d FLAGS (kw%d))" % (i, i, i) for i in (1, 2, 3)]


def test_E14_keywords(c, box):
    """A thousand on one message; it is as it was when they are gone."""
    c.ok("SELECT " + box)
    many = b" ".join(b"k%d" % i for i in range(1000))
    assert c.cmd(b"STORE 1 +FLAGS (" + many + b")")[0] == "OK"
    flags = has(c.ok("UID FETCH 1 (FLAGS)")[2], rb"^\* 1 FETCH")[0]
    assert re.sub(rb"\\Recent ?", b"", flags) == \
        b"* 1 FETCH (UID 1 FLAGS (kw1 " + many + b"))"
    c.ok("STORE 1 -FLAGS (" + many.decode() + ")")


NAMES = {
    b"../x": PATH, b"/etc/passwd": PATH, b".": PATH, b"..": PATH,
    b"a/../b": PATH, b"a//b": PATH, b"~root/x": MADE, b"INBOX/INBOX": MADE,
    b"inbox/x": MADE, b'"%"': MADE, b'"*"': MADE, b'""': NAME,
    b"/".join([b"a"] * 1000): NAME, b"n" * 255: MADE, b"n" * 256: MADE,
    b"n" * 4096: NAME, b'"a\0b"': "BAD CREATE: bad quoted string",
    b'"a\rb"': "BAD CREATE: bad quoted string", b'"a\x7fb"': NAME,
    b"&": NAME, b"&-": MADE, b"&AAA": NAME, b"&AAA-": NAME, b"&2D3-": NAME,
    b"&AGE-": NAME, b"&AOQ-&AOQ-": NAME, b"a&AC8-b": NAME, b"cur": MADE,
    b"new": MADE, b"tmp": MADE, b"dovecot.index": MADE, b"mailboxes": MADE,
    b"flags": MADE, b".new": MADE, b".epoch": MADE, b"expunged": MADE,
    b"1": MADE, b'"a\\\\b"': MADE,
}


def test_E9_names(c):
    """Names are never paths: what may be made is made and gone again, and
    the list of mailboxes is as before."""
    before = c.ok('LIST "" "*"')[2]
    for name, reply in NAMES.items():
        status, words, _ = c.cmd(b"CREATE " + name)
        assert re.fullmatch(reply, "%s %s" % (status, words)), (name, words)
        if reply == MADE:
            assert c.append(name.decode(), PLAIN % (1, 1))[0] == "OK"
            c.ok(b"DELETE " + name)
        else:
            for verb in (b"SELECT ", b"DELETE ", b"RENAME INBOX "):
                assert c.cmd(verb + name)[0] in ("NO", "BAD")
    assert c.ok('LIST "" "*"')[2] == before


def test_E11_append(c):
    c.ok("CREATE e11")
    for args, body, reply in (
            ("", b"x" * (20 * MIB + 1),
             r"NO \[TOOBIG\] .*"),
            ("(\\Foo) ", b"x\r\n", "BAD There is no such flag"),
            ('" 0-Jan-2020 00:00:00 +0000" ', b"x\r\n", "BAD .*date.*"),
            ('"01-Jan-2020 25:00:00 +0000" ', b"x\r\n", "BAD .*date.*"),
            ('"01-Jan-2020 00:00:00 +9999" ', b"x\r\n", "BAD .*date.*"),
            ("", b"a\0b\r\n", r"NO \[CANNOT\] The message has NUL octets")):
        status, words, _ = c.append("e11", body, args)
        assert re.fullmatch(reply, "%s %s" % (status, words)), words
    r = c.append("missing", b"x\r\n")
    assert r[:2] == ("NO", "[TRYCREATE] There is no such mailbox")
    assert has(c.ok("STATUS e11 (MESSAGES)")[2], rb"MESSAGES 0\)")
    # The limit itself fits.
    body = b"Subject: x\r\n\r\n"
    body += b"y" * (20 * MIB - len(body))
    assert c.append("e11", body)[0] == "OK"
    assert has(c.ok("STATUS e11 (MESSAGES)")[2], rb"MESSAGES 1\)")
    c.ok("DELETE e11")


def test_E12_copy_into_itself_and_from_read_only(c):
    c.ok("CREATE e12")
    for i in (1, 2):
        c.append("e12", PLAIN % (i, i))
    c.ok("EXAMINE e12")
    r = c.ok("COPY 1:* e12")
    assert re.fullmatch(r"\[COPYUID \d+ 1:2 3:4\] COPY completed", r[1])
    r = c.cmd("MOVE 1 e12")
    assert r[:2] == ("NO", "[CANNOT] The mailbox is open read-only")
    c.ok("SELECT e12")
    r = c.ok("MOVE 1 e12")
    assert has(r[2], rb"^\* OK \[COPYUID \d+ 1 5\] Moved")
    assert [int(re.search(rb"UID (\d+)", u)[1]) for u in
            c.ok("FETCH 1:* UID")[2]] == [2, 3, 4, 5]
    c.ok("DELETE e12")


def test_E22_another_users_mailbox(c):
    """The answer is the one for a mailbox that is nowhere."""
    for name in ("user/bert", "bert@example.test/INBOX", "~bert/INBOX"):
        for text in ("STATUS %s (MESSAGES)", "SELECT %s", "EXAMINE %s",
                     "DELETE %s", "RENAME %s x"):
            c.ok("SELECT INBOX")
            nowhere = c.cmd(text % "nowhere")
            assert nowhere[1].startswith("[NONEXISTENT] "), nowhere
            c.ok("SELECT INBOX")
            assert c.cmd(text % name) == nowhere
        c.ok("SELECT INBOX")
        r = c.append(name, b"x\r\n")
        assert r[:2] == ("NO", "[TRYCREATE] There is no such mailbox")
        assert c.ok('LIST "" %s' % name)[2] == []


def test_E23_the_log_has_one_clean_line(inst, c):
    c.ok(b'ID ("name" {24+}\r\nx\r\nimapd[1] info forged2)')
    rohrpost.wait_for(lambda: "forged2\n" in inst.log(), text="the line")
    lines = [x for x in inst.log().splitlines() if "forged2" in x]
    assert len(lines) == 1
    assert lines[0].endswith(r"id x\x0d\x0aimapd[1] info forged2"), lines


@pytest.mark.parametrize("how", ("removed", "cut"))
def test_E24_a_file_changed_behind_our_back(inst, c, how):
    name = "e24" + how
    c.ok("CREATE " + name)
    before = set((inst.state / "spool/mail/example.test/anna").rglob("*"))
    for i in (1, 2, 3):
        c.append(name, PLAIN % (i, i) + b"%s\r\n" % name.encode())
    files = sorted(f for f in (inst.state / "spool/mail/example.test/anna")
                   .rglob("*") if f.is_file() and f not in before
                   and f.read_bytes().startswith((PLAIN % (2, 2))[:40]))
    assert len(files) == 1
    if how == "removed":
        files[0].unlink()
    else:
        with open(files[0], "r+b") as f:
            f.truncate(20)
    c.ok("SELECT " + name)
    r = c.cmd("FETCH 1:3 (UID BODY.PEEK[])")
    assert r[:2] == ("NO", "[SERVERBUG] A message cannot be read"), r
    assert [u[:20] for u in r[2]] == [b"* 1 FETCH (UID 1 BOD",
                                      b"* 3 FETCH (UID 3 BOD"]
    assert c.ok("SEARCH BODY line")[2] == [b"* SEARCH 1 3"]
    assert has(c.ok("FETCH 2 FLAGS")[2], rb"^\* 2 FETCH")
    c.ok("DELETE " + name)


# -- messages -------------------------------------------------------------------

def head(*lines):
    return b"".join(x + b"\r\n" for x in lines) + b"\r\n"


def multi(parts, boundary=b"b"):
    return b"".join(b"--%s\r\n%s\r\n" % (boundary, p) for p in parts) + \
        b"--%s--\r\n" % boundary


def nested(n):
    return b"".join(b"Content-Type: multipart/mixed; boundary=\"b%d\"\r\n\r\n"
                    b"--b%d\r\n" % (i, i) for i in range(n)) + b"\r\ndeep\r\n"


TYPE = b"Content-Type: "
MIXED = TYPE + b"multipart/mixed; boundary="
LEAF = (rb'\("text" "plain" \("charset" "us-ascii"\) NIL NIL "7bit" %d %d '
        rb'NIL NIL NIL NIL\)')
EMPTY = LEAF % (0, 0)
NONE = rb"\(" + b"NIL " * 9 + rb"NIL\)"


def subject(text):
    return rb"\(NIL %s" % text + b" NIL" * 8 + rb"\)"


def sender(text):
    return rb"\(NIL NIL" + (b" " + text) * 3 + b" NIL" * 5 + rb"\)"


def to(text):
    return rb"\(NIL NIL NIL NIL NIL %s NIL NIL NIL NIL\)" % text


def mixed(parts, boundary):
    return rb'\(%s "mixed" \("boundary" "%s"\) NIL NIL NIL\)' % (
        parts, boundary)


# row: (octets, ENVELOPE, BODYSTRUCTURE)
MESSAGES = {
    "D1": (head(*[b"To: u%d@x.test" % i for i in range(100000)]),
           to(rb'\((\(NIL NIL "u\d+" "x.test"\)){1,}\)'), EMPTY),
    "D2-one": (head(b"Subject: " + b"x" * (10 * MIB)),
               rb'\(NIL "x{%d}"( NIL){8}\)' % (10 * MIB), EMPTY),
    "D2-many": (head(*[b"X%d: y" % (i % 10) for i in range(1000000)]), NONE,
                EMPTY),
    "D3": (head(b"To: " + b", ".join(b"u%d@x.test" % i
                                     for i in range(1000000))),
           rb'\((NIL ){5}\((\(NIL NIL "u\d+" "x\.test"\)){1000000}\)'
           rb'( NIL){4}\)', EMPTY),
    "D4-nested": (head(b"From: " + b"(" * 100000 + b"x" + b")" * 100000
                       + b" a@x.test"),
                  sender(rb'\(\("[(x)]+" NIL "a" "x.test"\)\)'), EMPTY),
    "D4-comment": (head(b"From: a@x.test (x\\"),
                   sender(rb'\(\("x\\\\" NIL "a" "x.test"\)\)'), EMPTY),
    "D4-quoted": (b'From: "a\\', sender(rb'\(\(NIL NIL "a\\\\" ""\)\)'),
                  EMPTY),
    "D5-group": (head(b"To: friends: a@x.test, B <b@x.test>;, c@x.test"),
                 to(rb'\(\(NIL NIL "friends" NIL\)\(NIL NIL "a" "x.test"\)'
                    rb'\("B" NIL "b" "x.test"\)\(NIL NIL NIL NIL\)'
                    rb'\(NIL NIL "c" "x.test"\)\)'), EMPTY),
    "D5-empty": (head(b"To: nobody:;"), to(
        rb'\(\(NIL NIL "nobody" NIL\)\(NIL NIL NIL NIL\)\)'), EMPTY),
    "D6-two": (head(b"From: a@x.test", b"From: b@x.test"),
               sender(rb'\(\(NIL NIL "a" "x.test"\)'
                      rb'\(NIL NIL "b" "x.test"\)\)'), EMPTY),
    "D6-none": (head(b"To: a@x.test"), to(
        rb'\(\(NIL NIL "a" "x.test"\)\)'), EMPTY),
    "D6-list": (head(b"From: a@x.test, b@x.test"), sender(
        rb'\(\(NIL NIL "a" "x.test"\)\(NIL NIL "b" "x.test"\)\)'), EMPTY),
    "D6-body": (head(b"Subject: x") + b"From: evil@x.test\r\n",
                subject(b'"x"'), LEAF % (19, 1)),
    "D7-8bit": (head(b"Subject: gr\xc3\xbc\xff"),
                subject(b"\\{5\\}\r\ngr\xc3\xbc\xff"), EMPTY),
    "D7-space": (head(b"Subject : x"), subject(b'"x"'), EMPTY),
    "D7-noname": (head(b": x", b"Subject: y"), subject(b'"y"'), EMPTY),
    "D7-blank": (b" folded\r\n" + head(b"Subject: y"), subject(b'"y"'),
                 EMPTY),
    "D8-101": (nested(101), NONE, rb'\({100}\("application" "octet-stream" '
               rb'NIL NIL NIL "7bit" \d+ NIL NIL NIL NIL\).*'),
    "D8-100000": (nested(100000), NONE, rb'\({100}\("application" '
                  rb'"octet-stream" NIL NIL NIL "7bit" \d+ NIL NIL NIL NIL\)'
                  rb'.*'),
    "D8-10001": (head(MIXED + b"b") + multi([b"\r\nx"] * 10001), NONE,
                 mixed(rb"(?:%s){9998}" % (LEAF % (1, 0)) + rb"\(.*\)",
                       b"b")),
    "D8-cyclic": (head(MIXED + b"b") + (
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
        + MIXED + b"b\r\n\r\n") * 2 + b"--b\r\n\r\nx\r\n--b--\r\n", NONE,
        rb'\(\("message" "rfc822" .*\("message" "rfc822" .*%s.*'
        % (LEAF % (1, 0))),
    "D9-none": (head(MIXED + b'""') + b"--\r\n\r\nx\r\n----\r\n", NONE,
                rb'\("text" "plain" \("boundary" "" .*'),
    "D9-71": (head(MIXED + b"b" * 71) + multi([b"\r\nx"], b"b" * 71), NONE,
              mixed(LEAF % (1, 0), b"b{71}")),
    "D9-5000": (head(MIXED + b"b" * 5000) + multi([b"\r\nx"], b"b" * 5000),
                NONE, rb'\("text" "plain" \("boundary" "b{5000}" .*'),
    "D9-prefix": (head(MIXED + b"bb") + multi(
        [MIXED + b"b\r\n\r\n" + multi([b"\r\nx"])], b"bb"), NONE,
        mixed(mixed(LEAF % (1, 0), b"b"), b"bb")),
    "D9-noend": (head(MIXED + b"b") + b"--b\r\n\r\nx\r\n", NONE,
                 mixed(LEAF % (3, 1), b"b")),
    "D9-epilogue": (head(MIXED + b"b") + multi([b"\r\nx"])
                    + b"e" * (19 * MIB), NONE, mixed(LEAF % (1, 0), b"b")),
    "D10-charset": (head(b"Subject: =?x-none?q?a=41?="),
                    subject(rb'"=\?x-none\?q\?a=41\?="'), EMPTY),
    "D10-noend": (head(b"Subject: =?utf-8?q?abc"),
                  subject(rb'"=\?utf-8\?q\?abc"'), EMPTY),
    "D10-long": (head(b"Subject: =?utf-8?q?" + b"a" * 500 + b"?="),
                 subject(rb'"=\?utf-8\?q\?a{500}\?="'), EMPTY),
    "D10-crlf": (head(b"Subject: =?utf-8?q?a=0D=0AX-Evil:=20b=00?="),
                 subject(rb'"=\?utf-8\?q\?a=0D=0AX-Evil:=20b=00\?="'), EMPTY),
    "D10-address": (head(b"From: =?utf-8?q?<evil@x.test>?= <a@x.test>"),
                    sender(rb'\(\("=\?utf-8\?q\?" NIL "evil" "x.test"\)'
                           rb'\("\?=" NIL "a" "x.test"\)\)'),
                    EMPTY),
    "D10-100000": (head(b"Subject: " + b"\r\n ".join(
        [b"=?utf-8?q?a?="] * 100000)), subject(
            rb'"(?:=\?utf-8\?q\?a\?= ?)+(?:=\?[utf8q?a=-]*)?"'), EMPTY),
    "D11": (head(TYPE + b"text/plain; name*0*=utf-8''a%20; name*1*=b; "
                 b"name*3*=d; name*99999*=z; name*1*=c; charset*=x''us-ascii"),
            NONE, rb'\("text" "plain" \("name\*" "utf-8\'\'a%20b" '
            rb'"name\*3\*" "d" "name\*99999\*" "z" "name\*1\*" "c" .*'),
    "D12-base64": (head(b"Content-Transfer-Encoding: base64")
                   + b"dGV*4d CB0!!ZXh0\r\n", NONE,
                   rb'\("text" "plain" .* "base64" 18 1 .*'),
    "D12-quoted": (head(b"Content-Transfer-Encoding: quoted-printable")
                   + b"a=XY=0A=\r\nb=", NONE,
                   rb'\("text" "plain" .* "quoted-printable" 12 1 .*'),
    "D13": (head(TYPE + b"application/x; name=\"../../x\"",
                 b"Content-Disposition: attachment; filename=\"a\xe2\x80\xaeb"
                 + b"x" * 10000 + b"\""), NONE,
            rb'\("application" "x" \("name" "../../x"\) .*\("attachment" '
            rb'\("filename" \{10005\}\r\na\xe2\x80\xaebx{10000}\)\).*'),
    "D14-0": (head(b"Date: Mon, 01 Jan 0000 00:00:00 +0000"),
              rb'\("Mon, 01 Jan 0000 00:00:00 \+0000" NIL .*\)', EMPTY),
    "D14-9999": (head(b"Date: Fri, 31 Dec 9999 23:59:59 +9999"),
                 rb'\("Fri, 31 Dec 9999 23:59:59 \+9999" NIL .*\)', EMPTY),
    "D14-month": (head(b"Date: Mon, 01 Foo 2026 00:00:00 +0000"),
                  rb'\("Mon, 01 Foo 2026 00:00:00 \+0000" NIL .*\)', EMPTY),
    "D15-0": (b"", NONE, EMPTY),
    "D15-headers": (b"Subject: x\r\n", subject(b'"x"'), EMPTY),
    "D15-body": (b"\r\nbody\r\n", NONE, LEAF % (6, 1)),
    "D15-limit": (b"Subject: x\r\n\r\n" + b"y" * (20 * MIB - 14),
                  subject(b'"x"'), LEAF % (20 * MIB - 14, 0)),
    "D16-uuencode": (head(b"Subject: uu") + b"begin 644 a\r\n#86)C\r\n`\r\n"
                     b"end\r\n=ybegin line=128 size=1 name=x\r\n\x8b\r\n"
                     b"=yend size=1\r\n", subject(b'"uu"'), LEAF % (77, 7)),
    "D16-winmail": (head(TYPE + b"application/ms-tnef; name=winmail.dat",
                         b"Content-Transfer-Encoding: base64")
                    + b"eJ8+Ig==\r\n", NONE, rb'\("application" "ms-tnef" '
                    rb'\("name" "winmail.dat"\) NIL NIL "base64" 10 .*'),
    "D17": (head(TYPE + b"application/zip",
                 b"Content-Transfer-Encoding: base64")
            + base64.encodebytes(b"PK\3\4" + b"\0" * 60), NONE,
            rb'\("application" "zip" NIL NIL NIL "base64" 90 .*'),
}


@pytest.mark.parametrize("row", MESSAGES)
def test_message(c, row):
    """It is kept octet for octet, told of, searched, and expunged."""
    octets, envelope, structure = MESSAGES[row]
    c.ok("CREATE rows/" + row)
    assert c.append("rows/" + row, octets)[0] == "OK"
    c.ok("SELECT rows/" + row)
    line, = c.ok("FETCH * (RFC822.SIZE ENVELOPE BODYSTRUCTURE)")[2]
    m = re.fullmatch(rb"\* 1 FETCH \(RFC822\.SIZE (\d+) ENVELOPE (.*) "
                     rb"BODYSTRUCTURE (\(.*\))\)", line, re.S)
    assert int(m[1]) == len(octets)
    assert re.fullmatch(envelope, m[2], re.S), m[2][:300]
    assert re.fullmatch(structure, m[3], re.S), m[3][:300]
    assert literal(c.ok("FETCH 1 BODY.PEEK[]")[2], b"BODY[]") == octets
    assert c.ok("SEARCH NOT TEXT none-of-it")[2] == [b"* SEARCH 1"]
    c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert c.ok("EXPUNGE")[2] == [b"* 1 EXPUNGE"]


def test_D7_nul_and_D15_above_the_limit(c):
    r = c.append("INBOX", head(b"Subject: a\0b"))
    assert r[:2] == ("NO", "[CANNOT] The message has NUL octets")
    r = c.append("INBOX", b"x" * (20 * MIB + 1))
    assert r[0] == "NO" and r[1].startswith("[TOOBIG] "), r
    assert has(c.ok("STATUS INBOX (MESSAGES)")[2], rb"MESSAGES 0\)")
