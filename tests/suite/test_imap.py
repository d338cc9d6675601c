"""IMAP after login: every command, on the installed programs. What a client
library would smooth over is sent and read as octets (Client); imaplib stands
beside it as a client that no one here wrote."""
import contextlib
import os
import re
import signal
import socket
import ssl
import time

import pytest

import rohrpost

USERS = ("anna", "bert", "carl", "dora")

MIXED = (b"From: Anna <anna@example.test>\r\n"
         b"To: bert@example.test, \"C, D\" <cd@x.test>\r\n"
         b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and more\r\n"
         b"Date: Mon, 02 Nov 2026 23:30:00 -0800\r\n"
         b"Message-ID: <mixed@x.test>\r\n"
         b"MIME-Version: 1.0\r\n"
         b"Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n"
         b"preamble\r\n--b\r\n"
         b"Content-Type: text/plain; charset=utf-8\r\n"
         b"Content-Transfer-Encoding: base64\r\n\r\n"
         b"w4RwZmVsIHVuZCBCaXJuZW4=\r\n"
         b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
         b"Subject: inner\r\nX-Inner: pear\r\n\r\ninner text\r\n"
         b"--b--\r\n")
PLAIN = (b"From: eve@x.test\r\nSubject: plain %d\r\n"
         b"Date: Tue, 03 Nov 2026 10:00:00 +0000\r\n\r\nline %d\r\n")

# What a read says where the server has ended the session. A deadline that
# passes is none of them.
ENDED = (EOFError, ConnectionError, ssl.SSLError)


class Client:
    """Octets of IMAP over TLS. cmd() answers (status, text, untagged)."""

    def __init__(self, inst, user="anna", service="imaps"):
        s = socket.create_connection(("127.0.0.1", inst.ports[service]), 30)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = rohrpost.tls_context().wrap_socket(s)
        self.buf = b""
        self.n = 0
        assert self.line().startswith(b"* OK")
        r = self.cmd("LOGIN %s@%s \"%s\"" % (user, inst.domain,
                                            rohrpost.PASSWORD))
        assert r[0] == "OK", r

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buf += data

    def line(self):
        """A line with its literals."""
        out = b""
        while True:
            while b"\n" not in self.buf:
                self.fill()
            line, self.buf = self.buf.split(b"\n", 1)
            out += line.rstrip(b"\r")
            m = re.search(rb"\{(\d+)\}$", out)
            if m is None:
                return out
            n = int(m.group(1))
            while len(self.buf) < n:
                self.fill()
            out += b"\r\n" + self.buf[:n]
            self.buf = self.buf[n:]

    def send(self, data):
        self.sock.sendall(data)

    def wait(self, tag):
        untagged = []
        while True:
            line = self.line()
            if line.startswith(tag + b" "):
                status, text = (line[len(tag) + 1:] + b" ").split(b" ", 1)
                return status.decode(), text.strip().decode(), untagged
            untagged.append(line)

    def start(self, text):
        self.n += 1
        tag = b"t%d" % self.n
        self.send(tag + b" " + (text.encode() if isinstance(text, str)
                                else text) + b"\r\n")
        return tag

    def cmd(self, text):
        return self.wait(self.start(text))

    def ok(self, text):
        r = self.cmd(text)
        assert r[0] == "OK", (text, r)
        return r

    def append(self, mailbox, data, args="", plus=True):
        self.n += 1
        tag = b"t%d" % self.n
        self.send(tag + b" APPEND %s %s{%d%s}\r\n" % (
            mailbox.encode(), args.encode(), len(data),
            b"+" if plus else b""))
        if not plus:
            line = self.line()
            if not line.startswith(b"+"):
                return (*line.split(b" ", 2)[1:], [])
        self.send(data + b"\r\n")
        return self.wait(tag)

    def close(self):
        self.sock.close()


def has(untagged, pattern):
    return [u for u in untagged if re.search(pattern, u, re.S)]


@pytest.fixture
def c(inst):
    client = Client(inst)
    yield client
    client.close()


_boxes = 0


@pytest.fixture
def box(c):
    """A fresh mailbox of anna's with four messages, selected."""
    global _boxes
    _boxes += 1
    name = "box%d" % _boxes
    c.ok("CREATE " + name)
    assert c.append(name, MIXED, '(\\Seen) "01-Jan-2020 12:00:00 +0100" '
                    )[0] == "OK"
    for i in (1, 2, 3):
        assert c.append(name, PLAIN % (i, i), "(kw%d) " % i)[0] == "OK"
    c.ok("SELECT " + name)
    return name


def test_states(c):
    """Every command in the authenticated state, and unknown ones."""
    for text in ("FETCH 1 FLAGS", "UID FETCH 1 FLAGS", "STORE 1 FLAGS ()",
                 "SEARCH ALL", "COPY 1 x", "MOVE 1 x", "EXPUNGE", "CLOSE",
                 "UNSELECT", "CHECK", "LOGIN a b", "FOO", "UID NOOP",
                 "UID UID FETCH 1 FLAGS", "STARTTLS", "NOOP x", "SELECT",
                 "LIST", "UID"):
        assert c.cmd(text)[0] == "BAD", text
        c.ok("NOOP")
    assert has(c.ok("CAPABILITY")[2], rb"IMAP4rev1 .*CONDSTORE")
    assert c.ok("NAMESPACE")[2] == [b'* NAMESPACE (("" "/")) NIL NIL']
    assert has(c.ok('ID ("name" "t" "x" NIL)')[2], rb"Rohrpost")
    assert c.ok("ENABLE CONDSTORE X")[2] == [b"* ENABLED CONDSTORE"]


def test_special_use(c):
    names = c.ok('LIST "" "*"')[2]
    assert has(names, rb'\\HasNoChildren\) "/" "INBOX"')
    for name in (b"Drafts", b"Sent", b"Trash", b"Junk", b"Archive"):
        assert has(names, rb'\\%s.* "/" "%s"' % (name, name)), names
    assert c.ok('LIST "" ""')[2] == [b'* LIST (\\Noselect) "/" ""']
    assert has(c.ok('LIST "" inbox')[2], b"INBOX")
    assert has(c.ok('LSUB "" "*"')[2], rb'"INBOX"')


def test_mailboxes(c):
    c.ok("CREATE m/a/b")
    c.ok("CREATE m/&AOQ-/")
    assert "ALREADYEXISTS" in c.cmd("CREATE m/a/b")[1]
    assert has(c.ok('LIST "" m/%')[2], rb'HasChildren.*"m/a"')
    assert has(c.ok('LIST m/ "%"')[2], rb'"m/&AOQ-"')
    assert c.ok('LIST "" "m/%/c"')[2] == []
    c.ok("SUBSCRIBE m/a/b")
    assert has(c.ok('LSUB "" "m/a/%"')[2], rb'\(\) "/" "m/a/b"')
    assert has(c.ok('LSUB "" "m/%"')[2], rb'Noselect.*"m/a"')
    c.ok("RENAME m/a n")
    assert has(c.ok('LIST "" n/*')[2], rb'"n/b"')
    assert "NONEXISTENT" in c.cmd("SELECT m/a/b")[1]
    assert "NONEXISTENT" in c.cmd("DELETE nowhere")[1]
    assert c.cmd("DELETE INBOX")[0] == "NO"
    c.ok("DELETE n/b")
    assert "NONEXISTENT" in c.cmd("STATUS n/b (MESSAGES)")[1]


@pytest.mark.parametrize("name", [
    b"../x", b"/etc/passwd", b"a//b", b'""', b"&", b"&AAA-", b"&2D3-",
    b"&AGE-", b"x&AOQ-&AOQ-", b"{3}\r\na\r\n", b"a/" * 40, b"x" * 1001,
    b'"a\x01b"'])
def test_bad_names(c, name):
    """No such name is made, and none reaches a file."""
    before = c.ok('LIST "" "*"')[2]
    for verb in (b"CREATE ", b"SELECT ", b"RENAME INBOX ", b"DELETE "):
        if b"{" in name:
            tag = c.start(verb + name[:3])
            assert c.line().startswith(b"+")
            c.send(name[5:] + b"\r\n")
            assert c.wait(tag)[0] in ("NO", "BAD")
        else:
            assert c.cmd(verb + name)[0] in ("NO", "BAD")
    assert c.ok('LIST "" "*"')[2] == before


def test_select(c, box):
    status, text, u = c.ok("EXAMINE " + box)
    assert text.startswith("[READ-ONLY]")
    assert has(u, rb"^\* 4 EXISTS") and has(u, rb"UNSEEN 2")
    assert has(u, rb"UIDVALIDITY \d+") and has(u, rb"UIDNEXT 5")
    assert has(u, rb"HIGHESTMODSEQ \d+") and has(u, rb"PERMANENTFLAGS \(\)")
    assert has(u, rb"FLAGS \(.*kw1 kw2 kw3")
    assert "CANNOT" in c.cmd("STORE 1 +FLAGS (\\Seen)")[1]
    assert has(c.ok("FETCH 2 BODY[]")[2], rb"plain 1")
    assert has(c.ok("FETCH 2 FLAGS")[2], rb"FLAGS \((\\Recent )?kw1\)")
    c.ok("UNSELECT")
    assert c.cmd("FETCH 1 FLAGS")[0] == "BAD"
    assert c.cmd("SELECT nowhere")[0] == "NO"
    u = c.ok("STATUS %s (MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT "
             "HIGHESTMODSEQ)" % box)[2]
    assert has(u, rb"MESSAGES 4 .*UIDNEXT 5 .*UNSEEN 3")
    assert c.cmd("STATUS %s (FOO)" % box)[0] == "BAD"


def test_fetch_record(c, box):
    u = c.ok("FETCH 1 ALL")[2]
    assert has(u, rb'^\* 1 FETCH \(FLAGS \((\\Seen|\\Seen \\Recent)\) '
               rb'INTERNALDATE " 1-Jan-2020 11:00:00 \+0000" RFC822.SIZE %d '
               rb'ENVELOPE \(' % len(MIXED))
    env = (rb'ENVELOPE \("Mon, 02 Nov 2026 23:30:00 -0800" '
           rb'"=\?utf-8\?q\?Gr=C3=BC=C3=9Fe\?= and more" '
           rb'\(\("Anna" NIL "anna" "example.test"\)\) '
           rb'\(\("Anna" NIL "anna" "example.test"\)\) '
           rb'\(\("Anna" NIL "anna" "example.test"\)\) '
           rb'\(\(NIL NIL "bert" "example.test"\)'
           rb'\("C, D" NIL "cd" "x.test"\)\) NIL NIL NIL '
           rb'"<mixed@x.test>"\)')
    assert has(u, env), u
    u = c.ok("UID FETCH 1:* (FLAGS)")[2]
    assert [int(re.search(rb"UID (\d+)", x).group(1)) for x in u] == \
        [1, 2, 3, 4]
    assert c.ok("UID FETCH 99:100 FLAGS")[2] == []
    assert has(c.ok("UID FETCH 99:* FLAGS")[2], rb"^\* 4 FETCH")
    for bad in ("0", "5", "1:5", "x", "1,", "4294967296", "1:2:3"):
        assert c.cmd("FETCH %s FLAGS" % bad)[0] == "BAD", bad


def literal(u, label):
    """The octets of an item in the one answer."""
    m = re.search(re.escape(label) + rb" \{(\d+)\}\r\n", u[0])
    assert m, (label, u)
    return u[0][m.end():m.end() + int(m.group(1))]


def test_fetch_body(c, box):
    head, rest = MIXED.split(b"\r\n\r\n", 1)
    head += b"\r\n\r\n"
    for item, want in [
            (b"BODY[]", MIXED), (b"BODY[HEADER]", head),
            (b"BODY[TEXT]", rest), (b"RFC822", MIXED),
            (b"RFC822.HEADER", head), (b"RFC822.TEXT", rest),
            (b"BODY[1]", b"w4RwZmVsIHVuZCBCaXJuZW4="),
            (b"BODY[1.MIME]", b"Content-Type: text/plain; charset=utf-8\r\n"
             b"Content-Transfer-Encoding: base64\r\n\r\n"),
            (b"BODY[2]", b"Subject: inner\r\nX-Inner: pear\r\n\r\n"
             b"inner text"),
            (b"BODY[2.HEADER]", b"Subject: inner\r\nX-Inner: pear\r\n\r\n"),
            (b"BODY[2.TEXT]", b"inner text"), (b"BODY[2.1]", b"inner text"),
            (b"BODY[2.HEADER.FIELDS (X-INNER)]", b"X-Inner: pear\r\n\r\n"),
            (b"BODY[HEADER.FIELDS (DATE NONE)]",
             b"Date: Mon, 02 Nov 2026 23:30:00 -0800\r\n\r\n"),
            (b"BODY[HEADER.FIELDS.NOT (FROM TO SUBJECT DATE CONTENT-TYPE "
             b"MIME-VERSION)]", b"Message-ID: <mixed@x.test>\r\n\r\n")]:
        u = c.ok(b"FETCH 1 " + item)[2]
        assert literal(u, item) == want
    u = c.ok("FETCH 1 (BODY.PEEK[]<10.20> BODY[TEXT]<0.5>)")[2]
    assert literal(u, b"BODY[]<10>") == MIXED[10:30]
    assert literal(u, b"BODY[TEXT]<0>") == rest[:5]
    assert literal(c.ok("FETCH 1 BODY[]<4294967295.1>")[2],
                   b"BODY[]<4294967295>") == b""
    for nil in ("BODY[3]", "BODY[1.1]", "BODY[1.HEADER]",
                "BODY[1" + ".1" * 1000 + "]"):
        assert has(c.ok("FETCH 1 " + nil)[2], rb"\] NIL")
    for bad in ("BODY[0]", "BODY[MIME]", "BODY[]<-1.5>", "BODY[]<1.0>",
                "BODY[FOO]", "BODY[HEADER.FIELDS ()]", "FOO", "()"):
        assert c.cmd("FETCH 1 " + bad)[0] == "BAD", bad


def test_fetch_structure(c, box):
    u = c.ok("FETCH 1 (BODY BODYSTRUCTURE)")[2]
    assert has(u, rb'BODYSTRUCTURE \(\("text" "plain" \("charset" "utf-8"\) '
               rb'NIL NIL "base64" 24 0 NIL NIL NIL NIL\)\("message" '
               rb'"rfc822" NIL NIL NIL "7bit" \d+ \(NIL "inner" ')
    assert has(u, rb'BODY \(\("text" "plain" \("charset" "utf-8"\) '
               rb'NIL NIL "base64" 24 0\)')


def test_seen(c, box):
    assert not has(c.ok("FETCH 2 BODY.PEEK[]")[2], rb"Seen")
    assert not has(c.ok("FETCH 2 FLAGS")[2], rb"Seen")
    assert has(c.ok("FETCH 2 BODY[]")[2], rb"FLAGS \(.*\\Seen.*kw1\)")
    assert not has(c.ok("FETCH 2 BODY[]")[2], rb"FLAGS")
    assert has(c.ok("FETCH 3:4 (FLAGS RFC822)")[2], rb"FLAGS \(.*\\Seen")


def flags(c, seq):
    u = c.ok("FETCH %d FLAGS" % seq)[2]
    f = set(re.search(rb"FLAGS \((.*?)\)", u[0]).group(1).decode().split())
    return f - {"\\Recent"}


def test_store(c, box):
    assert has(c.ok("STORE 2 FLAGS (\\Flagged $Forwarded)")[2],
               rb"^\* 2 FETCH \(FLAGS \(\\Flagged .*\$Forwarded\)\)")
    assert flags(c, 2) == {"\\Flagged", "$Forwarded"}
    assert not has(c.ok("STORE 2 +FLAGS.SILENT \\Seen other")[2], rb"FETCH")
    assert flags(c, 2) == {"\\Flagged", "\\Seen", "$Forwarded", "other"}
    c.ok("UID STORE 2 -FLAGS (\\Flagged OTHER)")
    assert flags(c, 2) == {"\\Seen", "$Forwarded"}
    assert has(c.ok("UID STORE 2 FLAGS ()")[2],
               rb"FETCH \(UID 2 FLAGS \((\\Recent)?\)\)")
    for bad in ("1 FLAGS", "1 FOO (a)", "1 FLAGS (\\Foo)", "1 FLAGS (a]b)",
                "9 FLAGS ()", "1 (FOO 1) FLAGS ()"):
        assert c.cmd("STORE " + bad)[0] == "BAD", bad
    assert c.cmd("STORE 1 +FLAGS (%s)" % ("k" * 10000))[0] == "BAD"
    r = c.cmd("STORE 1 +FLAGS (%s)" % " ".join("k%d" % i
                                               for i in range(1000)))
    assert r[0] == "OK"
    c.ok("NOOP")


def test_expunge(c, box):
    c.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
    assert c.ok("UID EXPUNGE 1:2")[2] == [b"* 1 EXPUNGE"]
    assert c.ok("EXPUNGE")[2] == [b"* 2 EXPUNGE"]
    assert c.ok("EXPUNGE")[2] == []
    c.ok("STORE 1 +FLAGS (\\Deleted)")
    c.ok("CLOSE")
    u = c.ok("SELECT " + box)[2]
    assert has(u, rb"^\* 1 EXISTS")
    assert has(c.ok("FETCH 1 UID")[2], rb"UID 4\b")


def test_copy_move(c, box):
    other = box + "-to"
    assert "TRYCREATE" in c.cmd("COPY 1 " + other)[1]
    c.ok("CREATE " + other)
    m = re.match(r"\[COPYUID (\d+) 1,3 1:2\]", c.ok("COPY 1,3 " + other)[1])
    assert m
    assert "COPYUID" not in c.ok("UID COPY 99 " + other)[1]
    status, text, u = c.ok("UID MOVE 2:3 " + other)
    assert has(u, rb"^\* OK \[COPYUID %s 2:3 3:4\]" % m.group(1).encode())
    assert [x for x in u if b"EXPUNGE" in x] == [b"* 2 EXPUNGE"] * 2
    u = c.ok("SELECT " + other)[2]
    assert has(u, rb"^\* 4 EXISTS")
    assert literal(c.ok("FETCH 1 BODY[]")[2], b"BODY[]") == MIXED
    assert "\\Seen" in flags(c, 1) and "kw2" in flags(c, 2)
    assert has(c.ok("FETCH 1 INTERNALDATE")[2], rb" 1-Jan-2020 11:00:00")
    # Into itself: the copies are new messages.
    assert "COPYUID" in c.ok("COPY 1:2 " + other)[1]
    assert has(c.ok("STATUS %s (MESSAGES)" % other)[2], rb"MESSAGES 6")


def test_append(c, inst):
    c.ok("CREATE ap")
    assert "TRYCREATE" in c.append("nowhere", b"x\r\n")[1]
    assert "TRYCREATE" in c.append("nowhere", b"x\r\n", plus=False)[1].decode()
    m = re.match(r"\[APPENDUID (\d+) 1\]", c.append("ap", PLAIN % (1, 1))[1])
    assert m
    assert c.append("ap", PLAIN % (2, 2), plus=False)[0] == "OK"
    assert c.append("ap", b"x\r\n", "(\\Foo) ")[0] == "BAD"
    assert c.append("ap", b"x\r\n", '"32-Jan-2020 12:00:00 +0000" ')[0] == \
        "BAD"
    big = MIXED + b"0123456789abcdef" * 64 * 1024
    assert c.append("ap", big)[0] == "OK"
    assert c.append("ap", b"")[0] == "OK"
    c.ok("SELECT ap")
    assert literal(c.ok("FETCH 3 BODY[]")[2], b"BODY[]") == big
    assert literal(c.ok("FETCH 3 BODY[]<500000.1000>")[2],
                   b"BODY[]<500000>") == big[500000:501000]
    assert has(c.ok("FETCH 1:* RFC822.SIZE")[2], rb"SIZE %d\)" % len(big))
    assert has(c.ok("FETCH 4 (RFC822.SIZE BODYSTRUCTURE)")[2], rb"SIZE 0 ")
    tag = c.start("APPEND ap {99999999999}")
    assert c.wait(tag)[0] == "NO"
    c.ok("NOOP")
    # Cut in the middle: nothing is stored.
    d = Client(inst)
    d.send(b"x APPEND ap {1000+}\r\nabc")
    d.sock.shutdown(socket.SHUT_WR)
    with contextlib.suppress(OSError, EOFError):
        while True:
            d.fill()
    assert b"x OK" not in d.buf
    d.close()
    assert has(c.ok("STATUS ap (MESSAGES)")[2], rb"MESSAGES 4")


def found(c, text):
    u = c.ok(text)[2]
    s = has(u, rb"^\* SEARCH")
    assert len(s) == 1, u
    return [int(x) for x in s[0].split(b"(")[0].split()[2:]]


def test_search(c, box, inst):
    c.ok("STORE 3 +FLAGS (\\Flagged \\Deleted \\Draft \\Answered)")
    for text, want in [
            ("ALL", [1, 2, 3, 4]), ("SEEN", [1]), ("UNSEEN", [2, 3, 4]),
            ("FLAGGED", [3]), ("UNFLAGGED", [1, 2, 4]), ("DELETED", [3]),
            ("UNDELETED UNDRAFT", [1, 2, 4]), ("ANSWERED DRAFT", [3]),
            ("UNANSWERED", [1, 2, 4]), ("KEYWORD kw2", [3]),
            ("UNKEYWORD KW2", [1, 2, 4]), ("KEYWORD none", []),
            ("2:3", [2, 3]), ("UID 4:*", [4]), ("NOT 1", [2, 3, 4]),
            ("NOT NOT 1", [1]), ("OR 1 4", [1, 4]), ("(1:2) (2:3)", [2]),
            ("OR (1:2 UNSEEN) KEYWORD kw3", [2, 4]),
            ("BEFORE 2-Jan-2020", [1]), ("ON 1-Jan-2020", [1]),
            ("SINCE 2-Jan-2020", [2, 3, 4]), ("SENTON 2-Nov-2026", [1]),
            ("SENTBEFORE 3-Nov-2026", [1]),
            ("SENTSINCE 3-Nov-2026", [2, 3, 4]),
            ("LARGER 300", [1]), ("SMALLER 300", [2, 3, 4]),
            ("SUBJECT plain", [2, 3, 4]), ("SUBJECT \"PLAIN 2\"", [3]),
            ("FROM anna", [1]), ("TO bert", [1]), ("CC x", []), ("BCC x", []),
            ("HEADER X-Inner pear", []), ("HEADER Message-ID mixed", [1]),
            ("HEADER Message-ID \"\"", [1]), ("BODY \"line 2\"", [3]),
            ("BODY birnen", [1]), ("BODY pear", [1]), ("BODY preamble", []),
            ("TEXT eve@x.test", [2, 3, 4]), ("NOT TEXT eve@x.test", [1]),
            ("FROM eve NOT SUBJECT \"plain 2\"", [2, 4]),
            ("OLD", []), ("RECENT", [1, 2, 3, 4]), ("NEW", [2, 3, 4]),
            ("1:* NEW UID 99", [])]:
        assert found(c, "SEARCH " + text) == want, text
    assert found(c, "UID SEARCH UID 2,4") == [2, 4]
    d = Client(inst)
    d.ok("EXAMINE " + box)
    for text, want in (("OLD", [1, 2, 3, 4]), ("RECENT", []), ("NEW", [])):
        assert found(d, "SEARCH " + text) == want, text
    d.close()
    for bad in ("", "FOO", "SUBJECT", "NOT", "OR 1", "(1", "BEFORE x", "9",
                "LARGER -1", "HEADER x", "BEFORE 31-Feb-2020",
                "NOT " * 1000 + "1", "(" * 60 + "1" + ")" * 60):
        assert c.cmd("SEARCH " + bad)[0] == "BAD", bad


@pytest.mark.parametrize("date, told", (
    ("24-Dec-1969 20:15:59 -0800", "25-Dec-1969 04:15:59 +0000"),
    (" 1-Jan-1900 00:00:00 +0000", " 1-Jan-1900 00:00:00 +0000"),
    ("31-Dec-9999 23:59:59 +0000", "31-Dec-9999 23:59:59 +0000"),
    (" 1-Jan-1900 00:00:00 +0100", None),
    ("31-Dec-9999 23:59:59 -0100", None)))
def test_append_old_dates(c, box, date, told):
    r = c.append(box, PLAIN % (5, 5), '"%s" ' % date)
    assert r[0] == ("OK" if told else "BAD")
    if told:
        u = c.ok("FETCH 5 INTERNALDATE")[2]
        assert has(u, re.escape(told).encode())
        day = told[:11].strip()
        assert found(c, "SEARCH ON " + day) == [5]


@pytest.mark.parametrize("date", (
    "3-Feb-2025 18:28:47 +0000", "3-feb-2025 18:28:47 +0000",
    " 3-FEB-2025 19:28:47 +0100", "03-Feb-2025 18:28:47 GMT",
    "3-Feb-2025 13:28:47 EST"))
def test_append_dates_of_clients(c, box, date):
    assert c.append(box, PLAIN % (5, 5), '(\\Seen) "%s" ' % date)[0] == "OK"
    assert has(c.ok("FETCH 5 INTERNALDATE")[2],
               rb'" 3-Feb-2025 18:28:47 \+0000"')
    for day in ("3-Feb-2025", '"3-Feb-2025"', "03-FEB-2025", '"03-feb-2025"',
                '" 3-Feb-2025"'):
        assert found(c, "SEARCH ON %s" % day) == [5]


def test_strict_arguments(c, box):
    for bad in ("SEARCH KEYWORD \\Seen", "SEARCH UNKEYWORD a*b",
                'SEARCH KEYWORD ""', "FETCH 2 BODY.PEEK[01]",
                "FETCH 1 BODY.PEEK[2.01]"):
        assert c.cmd(bad)[0] == "BAD", bad
    assert found(c, "SEARCH KEYWORD kw1") == [2]
    assert 2 not in found(c, "SEARCH UNKEYWORD kw1")


def test_append_nul(c, box):
    # More often than a door may have unused files.
    for _ in range(70):
        assert c.append(box, b"A: b\r\n\r\n\0")[0] == "NO"
    for size in (10, 300000):
        data = b"A: b\r\n\r\n" + b"x" * size
        for nul in (b"\0" + data, data + b"\0"):
            assert c.append(box, nul)[0] == "NO"
            assert c.append(box, nul, plus=False)[0] == "NO"
    assert has(c.ok("NOOP")[2], rb"EXISTS") == []
    status, _, u = c.append(box, data)
    assert status == "OK" and has(u, rb"^\* 5 EXISTS")


def test_idle_ended_by_a_literal(c):
    tag = c.start("IDLE")
    assert c.line().startswith(b"+ ")
    c.send(b"x {3}\r\n")
    assert c.wait(tag)[0] == "BAD"
    c.send(b"DONE\r\n")
    assert c.line().startswith(b"DONE BAD")
    assert c.ok("NOOP")[2] == []


def test_select_with_bad_parameters(c, box):
    """It is no SELECT, so the mailbox stays selected."""
    for what in ("SELECT INBOX (CONDSTORE FOO)", "EXAMINE INBOX (FOO)",
                 "SELECT (INBOX)"):
        assert c.cmd(what)[0] == "BAD"
        u = c.ok("FETCH 1:4 FLAGS")[2]
        assert len(has(u, rb"FETCH")) == 4 and not has(u, rb"MODSEQ")
    c.ok("STORE 1 +FLAGS (\\Flagged)")
    assert c.cmd("SELECT nowhere")[0] == "NO"
    assert c.cmd("FETCH 1 FLAGS")[0] == "BAD"


def test_search_part_headers(c, box):
    c.append(box, b"Subject: report\r\nMIME-Version: 1.0\r\n"
             b"Content-Type: multipart/report; boundary=\"=r\"\r\n\r\n"
             b"--=r\r\nContent-Type: application/pdf\r\n"
             b"Content-Disposition: attachment;\r\n"
             b" filename=\"=?utf-8?q?Rechnung_M=C3=A4rz.pdf?=\"\r\n\r\n"
             b"octets\r\n--=r\r\nContent-Type: message/delivery-status"
             b"\r\n\r\nReporting-MTA: dns; plum\r\n--=r--\r\n")
    for key in ("BODY", "TEXT"):
        for text in ("attachment", "delivery-status", "dns; plum"):
            assert found(c, 'SEARCH %s "%s"' % (key, text)) == [5], text
        assert found(c, "SEARCH CHARSET UTF-8 %s {8+}\r\nM\u00c4RZ.PD"
                     % key) == [5]
    assert found(c, "SEARCH BODY octets") == []
    assert found(c, "SEARCH BODY multipart/report") == []
    assert found(c, "SEARCH TEXT multipart/report") == [5]


def test_search_charset(c, box):
    def look(charset, text, key=b"BODY"):
        tag = c.start(b"SEARCH CHARSET %s %s {%d+}\r\n%s" % (
            charset, key, len(text), text))
        return c.wait(tag)

    for charset, text in ((b"UTF-8", "äpfel UND".encode()),
                          (b"utf-8", "ÄPFEL".encode()),
                          (b"ISO-8859-1", "Äpfel".encode("latin1")),
                          (b"WINDOWS-1252", "äPFEL".encode("latin1"))):
        r = look(charset, text)
        assert r[0] == "OK" and r[2] == [b"* SEARCH 1"], (charset, r)
    assert look(b"UTF-8", "grüße AND".encode(), b"SUBJECT")[2] == \
        [b"* SEARCH 1"]
    assert look(b"KOI8-R", b"\xc1")[2] == [b"* SEARCH"]
    r = look(b"X-NONE", b"a")
    assert r[0] == "NO" and r[1].startswith("[BADCHARSET (UTF-8 ")


def modseq(u):
    return int(re.search(rb"(?:MODSEQ \(|HIGHESTMODSEQ )(\d+)",
                         b" ".join(u)).group(1))


def test_condstore(c, box):
    u = c.ok("SELECT %s (CONDSTORE)" % box)[2]
    high = modseq(has(u, rb"HIGHESTMODSEQ"))
    u = c.ok("STORE 1 +FLAGS (a)")[2]
    assert has(u, rb"FLAGS \(.*a\) MODSEQ \(\d+\)")
    now = modseq(has(u, rb"FETCH"))
    assert now > high
    assert has(c.ok("FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % high)[2],
               rb"^\* 1 FETCH .*MODSEQ \(%d\)" % now)
    assert c.ok("FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % now)[2] == []
    status, text, u = c.ok("STORE 1:2 (UNCHANGEDSINCE %d) +FLAGS (b)" % high)
    assert text.startswith("[MODIFIED 1]"), text
    assert has(u, rb"^\* 2 FETCH .*b")
    status, text, u = c.ok("UID STORE 1:2 (UNCHANGEDSINCE 0) +FLAGS (b)")
    assert text.startswith("[MODIFIED 1:2]"), text
    u = c.ok("STORE 3 +FLAGS.SILENT (c)")[2]
    assert has(u, rb"^\* 3 FETCH \(MODSEQ \(\d+\)\)")
    top = modseq(has(u, rb"FETCH"))
    assert c.ok("SEARCH MODSEQ %d" % top)[2] == [
        b"* SEARCH 3 (MODSEQ %d)" % top]
    assert c.ok("SEARCH MODSEQ %d" % (top + 1))[2] == [b"* SEARCH"]
    assert has(c.ok('SEARCH MODSEQ "/flags/\\\\seen" all 0')[2], rb"1 2 3 4")
    assert modseq(c.ok("STATUS %s (HIGHESTMODSEQ)" % box)[2]) >= top
    u = c.ok("FETCH 1:* (FLAGS) (CHANGEDSINCE 0)")[2]
    assert len(has(u, rb"FLAGS .*MODSEQ")) == 4
    for bad in ("FETCH 1 (FLAGS) (CHANGEDSINCE 18446744073709551616)",
                "FETCH 1 (FLAGS) (FOO 1)", "SEARCH MODSEQ x",
                "STORE 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS ()",
                "SELECT x (FOO)"):
        assert c.cmd(bad)[0] == "BAD", bad


def test_modified_names_numbers_or_uids(c, box):
    """RFC 7162 3.1.3: numbers for STORE, uids for UID STORE. One is expunged,
    so that they differ."""
    c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert c.ok("EXPUNGE")[2] == [b"* 1 EXPUNGE"]
    high = modseq(c.ok("FETCH 1:* MODSEQ")[2][-1:])
    c.ok("UID STORE 2,4 +FLAGS (a)")
    for text, want in (("STORE 1:3", "1,3"), ("UID STORE 1:*", "2,4")):
        r = c.ok("%s (UNCHANGEDSINCE %d) +FLAGS.SILENT (b)" % (text, high))
        assert r[1].startswith("[MODIFIED %s] " % want), r
        assert [u for u in r[2] if b"FETCH" in u][0].startswith(b"* 2 ")
        high = modseq(c.ok("FETCH 2 MODSEQ")[2])
        c.ok("UID STORE 2,4 -FLAGS (a)")
        c.ok("UID STORE 2,4 +FLAGS (a)")
    assert [sorted(flags(c, n)) for n in (1, 2, 3)] == [
        ["a", "kw1"], ["b", "kw2"], ["a", "kw3"]]


def test_condstore_enabling(c, box):
    assert not has(c.ok("STORE 1 +FLAGS (a)")[2], rb"MODSEQ")
    assert has(c.ok("FETCH 1 MODSEQ")[2], rb"HIGHESTMODSEQ")
    assert has(c.ok("STORE 1 -FLAGS (a)")[2], rb"MODSEQ")


def test_condstore_seen_by_fetch(c, box):
    """FETCH that sets \\Seen tells the new modseq, once."""
    c.ok("ENABLE CONDSTORE")
    for seq, items in ((2, "(FLAGS BODY[TEXT])"), (3, "BODY[TEXT]"),
                       (4, "(MODSEQ FLAGS BODY[TEXT])")):
        before = modseq(c.ok("FETCH %d MODSEQ" % seq)[2])
        u = c.ok("FETCH %d %s" % (seq, items))[2]
        assert len(u) == 1 and u[0].count(b"MODSEQ") == 1, u
        assert u[0].count(b"FLAGS (") == 1 and b"\\Seen" in u[0]
        assert modseq(u) > before
        u = c.ok("FETCH %d (FLAGS BODY[TEXT])" % seq)[2]
        assert not has(u, rb"MODSEQ")


def until(client, text, pattern, seconds=5):
    """Repeats a command until an untagged answer fits."""
    end = time.monotonic() + seconds
    got = []
    while time.monotonic() < end:
        got += client.ok(text)[2]
        if has(got, pattern):
            return got
        time.sleep(0.05)
    raise AssertionError((pattern, got))


def test_two_sessions(c, box, inst):
    d = Client(inst)
    d.ok("SELECT " + box)
    c.ok("STORE 1 +FLAGS (\\Flagged)")
    assert has(until(d, "NOOP", rb"FETCH"), rb"^\* 1 FETCH .*Flagged")
    c.append(box, PLAIN % (9, 9))
    assert has(until(d, "NOOP", rb"EXISTS"), rb"^\* 5 EXISTS")
    # No EXPUNGE during FETCH, STORE, SEARCH; the numbers stay good.
    c.ok("STORE 2 +FLAGS (\\Deleted)")
    assert c.ok("EXPUNGE")[2] == [b"* 2 EXPUNGE"]
    for text in ("FETCH 1:* FLAGS", "STORE 3 +FLAGS (x)", "SEARCH ALL"):
        assert not has(d.cmd(text)[2], rb"EXPUNGE")
    # What it was not told of is still answered (RFC 2180 4.1.1).
    u = d.ok("FETCH 1:5 (FLAGS BODY.PEEK[] ENVELOPE)")[2]
    assert len(u) == 5 and has(u, rb"^\* 2 FETCH .*Deleted.*plain 1")
    assert has(d.ok("FETCH 5 BODY.PEEK[]")[2], rb"plain 9")
    assert has(until(d, "NOOP", rb"EXPUNGE"), rb"^\* 2 EXPUNGE")
    assert has(d.ok("FETCH 4 UID")[2], rb"UID 5")
    d.close()


def test_fetch_while_pop3_deletes(inst):
    """A session that was not told yet goes on reading; what is gone for good,
    moved away, is passed over."""
    c, d = Client(inst, "dora"), Client(inst, "dora")
    told = inst.log().count("cannot be read")
    for i in range(60):
        c.append("INBOX", PLAIN % (i, i))
    c.ok("SELECT INBOX")
    d.ok("CREATE away")
    d.ok("SELECT INBOX")
    n = int(re.search(rb"UIDNEXT (\d+)", c.ok("STATUS INBOX (UIDNEXT)")[2][0])
            [1]) - 1
    p = inst.pop3("dora")
    for i in range(1, 31):
        p.dele(i)
    # What store has still to do is under way when the answers begin.
    tags = [c.start("FETCH 1:60 (UID BODY.PEEK[])")]
    p.quit()
    tags.append(c.start("FETCH 1:60 (FLAGS)"))
    tags.append(c.start("FETCH 1:60 (UID BODY.PEEK[])"))
    tags.append(c.start("UID FETCH 1:%d (UID BODY.PEEK[])" % n))
    for tag in tags:
        status, text, u = c.wait(tag)
        assert status == "OK", text
    c.ok("NOOP")
    assert len(c.ok("UID FETCH 1:* UID")[2]) == 30
    d.ok("NOOP")
    d.ok("MOVE 1:10 away")
    status, text, u = c.cmd("UID FETCH 1:* (UID BODY.PEEK[])")
    assert status == "OK" and len(has(u, rb"FETCH")) >= 20, text
    assert inst.log().count("cannot be read") == told
    assert len(c.ok("FETCH 1:* UID")[2]) == 20
    c.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    c.ok("EXPUNGE")
    c.close()
    d.close()


def test_recent_stays(c, box, inst):
    """What is recent to a session is so until it ends, to it alone, whatever
    comes and goes meanwhile (RFC 3501 2.3.2)."""
    def recent(client):
        return [int(re.search(rb"UID (\d+)", u)[1])
                for u in client.ok("UID FETCH 1:* FLAGS")[2]
                if b"\\Recent" in u]

    d, e = Client(inst), Client(inst)
    d.ok("SELECT " + box)
    of = {d: [], c: recent(c)}
    for i in range(40):
        teller = (c, d)[i % 2]
        assert e.append(box, PLAIN % (i, i))[0] == "OK"
        until(teller, "NOOP", rb"^\* %d EXISTS" % (5 + i))
        of[teller].append(5 + i)
        (d, c)[i % 2].ok("NOOP")
    for client in (c, d):
        assert recent(client) == of[client]
        assert len(client.ok("SEARCH RECENT")[2][0].split()) == \
            len(of[client]) + 2
    c.ok("UID STORE 6,11:20 +FLAGS (\\Deleted)")
    c.ok("EXPUNGE")
    until(d, "NOOP", rb"EXPUNGE")
    gone = {6, *range(11, 21)}
    for client in (c, d):
        assert recent(client) == [u for u in of[client] if u not in gone]
    e.ok("SELECT " + box)
    assert recent(e) == []
    d.close()
    e.close()


@pytest.mark.parametrize("command", ("COPY", "MOVE"))
def test_copy_of_what_is_gone(c, box, inst, command):
    """A number that another session expunged: nothing is copied."""
    d = Client(inst)
    d.ok("SELECT " + box)
    d.ok("CREATE %s/to" % box)
    c.ok("STORE 3 +FLAGS (\\Deleted)")
    c.ok("EXPUNGE")
    status, text, _ = d.cmd("%s 2:4 %s/to" % (command, box))
    assert status == "NO" and "[EXPUNGEISSUED]" in text
    d.ok("UID %s 3 %s/to" % (command, box))
    d.close()
    u = c.ok("STATUS %s/to (MESSAGES)" % box)[2]
    assert has(u, rb"MESSAGES 0")


def test_idle(c, box, inst):
    d = Client(inst)
    d.ok("SELECT " + box)
    tag = d.start("IDLE")
    assert d.line().startswith(b"+")
    took = []
    for i in range(3):
        start = time.monotonic()
        c.append(box, PLAIN % (7, 7))
        assert d.line() == b"* %d EXISTS" % (5 + i)
        took.append(time.monotonic() - start)
        assert b"RECENT" in d.line()
    # The machine may be busy once; the way itself takes no second.
    assert min(took) < 1, took
    c.ok("STORE 1 +FLAGS (\\Answered)")
    assert b"* 1 FETCH" in d.line()
    c.ok("STORE 1 +FLAGS (\\Deleted)")
    assert b"* 1 FETCH" in d.line()
    c.ok("EXPUNGE")
    assert d.line() == b"* 1 EXPUNGE"
    d.send(b"DONE\r\n")
    assert d.wait(tag)[0] == "OK"
    tag = d.start("IDLE")
    assert d.line().startswith(b"+")
    d.send(b"x NOOP\r\n")
    assert d.wait(tag)[0] == "BAD"
    d.ok("NOOP")
    d.close()


def test_mail_arrives(c, inst):
    """What comes in by SMTP is seen in IDLE."""
    d = Client(inst, "bert")
    d.ok("SELECT INBOX")
    tag = d.start("IDLE")
    assert d.line().startswith(b"+")
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["bert@example.test"], PLAIN % (1, 1))
    assert re.match(rb"\* \d+ EXISTS", d.line())
    assert d.line() == b"* 1 RECENT"
    d.send(b"DONE\r\n")
    d.wait(tag)
    assert has(d.ok("FETCH * (FLAGS BODY.PEEK[])")[2], rb"\\Recent.*plain 1")
    d.close()


def test_deleted_while_selected(c, box, inst):
    d = Client(inst)
    d.ok("SELECT " + box)
    c.ok("DELETE " + box)
    with pytest.raises(ENDED):
        for i in range(50):
            d.cmd("NOOP")
            time.sleep(0.05)
    c.ok("NOOP")
    assert c.cmd("FETCH 1 FLAGS")[0] == "BAD"


def test_rename_while_selected(c, box, inst):
    d = Client(inst)
    d.ok("SELECT " + box)
    c.ok("RENAME %s %s-new" % (box, box))
    assert has(d.ok("FETCH 1 BODY.PEEK[]")[2], rb"preamble")
    d.close()


def test_rename_inbox_while_selected(inst):
    """RFC 9051 6.3.6: its messages move, and INBOX stays. Who looks at it is
    told that they went, and goes on."""
    d, e = Client(inst, "carl"), Client(inst, "carl")
    for i in (1, 2, 3):
        d.append("INBOX", PLAIN % (i, i), "(\\Seen kw) " if i == 2 else "")
    u = d.ok("SELECT INBOX")[2]
    validity, after = has(u, rb"UIDVALIDITY"), has(u, rb"UIDNEXT")
    n = int(has(u, rb"EXISTS")[0].split()[1])
    e.ok("SELECT INBOX")
    d.start("IDLE")
    assert d.line().startswith(b"+")
    u = e.ok("RENAME INBOX taken")[2]
    assert len(has(u, rb"^\* \d+ EXPUNGE$")) == n
    gone = 0
    while gone < n:
        line = d.line()
        assert re.match(rb"\* \d+ EXPUNGE$", line), line
        gone += 1
    d.send(b"DONE\r\n")
    d.wait(b"t%d" % d.n)
    for x in (d, e):
        assert not has(x.ok("NOOP")[2], rb"EXPUNGE|BYE")
        assert x.ok("UID SEARCH ALL")[2] == [b"* SEARCH"]
    assert e.append("INBOX", PLAIN % (4, 4))[0] == "OK"
    assert has(d.ok("NOOP")[2], rb"^\* 1 EXISTS")
    assert has(d.ok("FETCH 1 BODY.PEEK[]")[2], rb"plain 4")
    u = e.ok("SELECT INBOX")[2]
    assert has(u, rb"UIDVALIDITY") == validity
    assert has(u, rb"UIDNEXT") > after
    u = e.ok("SELECT taken")[2]
    assert has(u, rb"UIDVALIDITY") and has(u, rb"UIDVALIDITY") != validity
    assert has(u, rb"EXISTS") == [b"* %d EXISTS" % n]
    u = e.ok("FETCH 1:* (UID FLAGS BODY.PEEK[])")[2]
    assert len(has(u, rb"UID %d .*plain 3" % n)) == 1
    assert has(u, rb"FETCH \(UID %d FLAGS \([^)]*\\Seen[^)]* kw.*plain 2" %
               (n - 1))
    assert e.cmd("RENAME INBOX taken")[0] == "NO"
    assert has(d.ok("STATUS INBOX (MESSAGES)")[2], rb"MESSAGES 1")
    d.close()
    e.close()


def test_pipeline(c, box):
    """Many commands in one segment are answered in order."""
    tags = []
    text = b""
    for i in range(300):
        c.n += 1
        tags.append(b"t%d" % c.n)
        text += tags[-1] + b" UID FETCH 1:* (FLAGS BODY.PEEK[])\r\n"
    c.send(text)
    for tag in tags:
        r = c.wait(tag)
        assert r[0] == "OK" and len(r[2]) == 4


def test_slow_reader(c, box, inst):
    """A client that does not read a large answer keeps nobody waiting."""
    big = MIXED + b"x" * (8 << 20) + b"\r\n"
    assert c.append(box, big)[0] == "OK"
    d = Client(inst)
    d.ok("SELECT " + box)
    tag = d.start("FETCH 5 (BODY.PEEK[] BODY.PEEK[] BODY.PEEK[])")
    for i in range(50):
        c.ok("FETCH 1:4 BODY.PEEK[]")
    r = d.wait(tag)
    assert r[0] == "OK" and len(r[2][0]) > 3 * len(big)
    d.close()


def test_expunged_under_a_fetch(c, box, inst):
    """What stands behind a literal is still told as it was."""
    big = MIXED + b"x" * (8 << 20) + b"\r\n"
    assert c.append(box, big, '"01-Jan-2020 12:00:00 +0000" ')[0] == "OK"
    d = Client(inst)
    d.ok("SELECT " + box)
    was = d.ok("FETCH 5 (UID RFC822.SIZE INTERNALDATE MODSEQ)")[2]
    tag = d.start("FETCH 5 (UID %s FLAGS RFC822.SIZE INTERNALDATE MODSEQ)"
                  % " ".join(["BODY.PEEK[]"] * 4))
    d.fill()
    c.ok("STORE 5 +FLAGS.SILENT (\\Deleted)")
    assert has(c.ok("EXPUNGE")[2], rb"^\* 5 EXPUNGE")
    status, text, u = d.wait(tag)
    tail = has(u, rb"^\* 5 FETCH")[-1][-200:]
    for name in (rb"RFC822\.SIZE \d+", rb"INTERNALDATE \".*?\""):
        assert re.search(name, tail)[0] == re.search(name, was[-1])[0]
    assert int(re.search(rb"MODSEQ \((\d+)\)", tail)[1]) >= modseq(was[-1:])
    assert status == "OK"
    d.close()


def test_hostile_input(c, inst):
    for text in (b"", b" NOOP", b"+ NOOP", b"x", b"a\x00b NOOP",
                 b"x" * 10000 + b" NOOP", b'a LIST "" "a', b"a LIST {3}",
                 b"a NOOP {-1}", b"a LIST (((((", b'a LIST "\\a" *',
                 b"a ID " + b"(" * 10000, b"a" + b" b" * 40000):
        d = Client(inst, "carl")
        d.send(text + b"\r\n")
        if text.endswith(b"{3}"):
            assert d.line().startswith(b"+")
            d.send(b"a\x00b\r\n")
        assert re.match(rb"\S+ BAD ", d.line()), text
        d.ok("NOOP")
        d.close()


def test_literal_bounds(inst):
    d = Client(inst, "carl")
    for n in (b"18446744073709551616", b"99999999999", b"1000000"):
        d.send(b"a LIST \"\" {%s}\r\n" % n)
        assert d.line().startswith(b"a BAD")
    d.send(b"a LIST \"\" {500000+}\r\n" + b"x" * 500000 + b"\r\n")
    assert d.line().startswith(b"a BAD")
    d.ok("NOOP")
    d.send(b"a LIST \"\" {99999999999999+}\r\n")
    assert d.line().startswith(b"* BYE")
    with pytest.raises(ENDED):
        d.cmd("NOOP")
    d = Client(inst, "carl")
    d.send(b"z" * 200000 + b"\r\n")
    assert re.match(rb"\S+ BAD", d.line())
    d.ok("NOOP")
    # The connection may end before the last of them is sent.
    with pytest.raises(ENDED):
        for i in range(40):
            d.send(b"bad\r\n")
        for i in range(60):
            d.line()


def test_refused_literals(inst):
    """What follows a refused literal in its line is dropped with its own
    literals: nothing of it is a command."""
    d = Client(inst, "carl")
    msg = PLAIN % (1, 1)
    evil = b"x1 CREATE hacked\r\n\r\n"
    for n in (b"%d+" % len(evil), b"0%d+" % len(evil)):
        d.send(b"m APPEND INBOX {%d+}\r\n%s (\\No) {%d+}\r\n%s {%s}\r\n%s\r\n"
               % (len(msg), msg, len(msg), msg, n, evil))
        assert d.wait(b"m")[:1] == ("BAD",)
        assert d.ok("NOOP")[2] == []
    d.send(b"a FOO {%d+}\r\n%s {%d+}\r\n%s\r\n" % (
        len(msg), msg, len(evil), evil))
    assert d.wait(b"a")[0] == "BAD"
    d.send(b"a NOOP " + b"y" * 70000 + b" {%d+}\r\n%s\r\n" % (
        len(evil), evil))
    assert d.wait(b"a")[0] == "BAD"
    assert d.ok('LIST "" hacked')[2] == []
    # No promise of more is waited for.
    d.send(b"a FOO {1+}\r\nx {99999999999+}\r\n")
    assert d.line().startswith(b"a BAD")
    assert d.line().startswith(b"* BYE")


def test_largest_command(inst, c):
    """As much as literals may bring, and text behind them: it is answered
    (no key is that long), and the user's other sessions stay."""
    d = Client(inst)
    d.ok("SELECT INBOX")
    tag = d.start(b"SEARCH TEXT {190000+}\r\n" + b"x" * 190000
                  + b" TEXT {70000+}\r\n" + b"y" * 70000
                  + b" UID 1" + b",1" * 10000)
    assert d.wait(tag)[0] == "BAD"
    d.ok("NOOP")
    d.close()
    c.ok("NOOP")


def test_wildcards(inst):
    """Patterns that would take a naive matcher for ever are answered."""
    d = Client(inst, "dora")
    for i in range(300):
        d.ok("CREATE w/%s%d" % ("a" * 60, i))
    d.ok('LIST "" "%s"' % ("*%" * 500))
    d.ok('LIST "" "%s"' % ("*a%" * 300))
    d.close()


def test_imaplib(inst):
    m = inst.imap("bert")
    m.create("lib")
    assert m.append("lib", "(\\Flagged)", None, MIXED)[0] == "OK"
    assert m.select("lib") == ("OK", [b"1"])
    assert m.search(None, "FLAGGED")[1] == [b"1"]
    typ, data = m.fetch("1", "(RFC822)")
    assert data[0][1] == MIXED
    typ, data = m.uid("STORE", "1", "+FLAGS", "(\\Deleted)")
    assert typ == "OK" and b"Deleted" in data[0]
    assert m.expunge()[1] == [b"1"]
    assert m.logout()[0] == "BYE"


def test_session_limit(inst):
    """sessions_per_user: 50."""
    held = []
    with pytest.raises(AssertionError, match=r"NO.*\[LIMIT\] "
                       "too many open sessions of this user"):
        for _ in range(51):
            held.append(Client(inst, "dora"))
    assert len(held) == 50
    for client in held:
        client.close()


@pytest.mark.parametrize("pause", (0.3, 0))
def test_stop_inside_a_literal(inst, pause):
    """A message on its way stays as it is: at most it breaks off, and only
    where the client takes longer for it than the second that it has."""
    d = Client(inst, "carl")
    name = "long%d" % (pause > 0)
    d.ok("CREATE " + name)
    body = PLAIN % (1, 1) + b"y" * (8 << 20)
    assert d.append(name, body)[0] == "OK"
    d.ok("SELECT " + name)
    tag = d.start("FETCH 1 (%s)" % " ".join(["BODY.PEEK[]"] * 8))
    whole = b"* 1 FETCH (%s)\r\n%s OK FETCH completed\r\n" % (
        b" ".join([b"BODY[] {%d}\r\n%s" % (len(body), body)] * 8), tag)
    d.fill()
    inst.master.send_signal(signal.SIGTERM)
    start = time.monotonic()
    time.sleep(pause)
    got = [d.buf]
    with contextlib.suppress(OSError):
        while data := d.sock.recv(1 << 20):
            got.append(data)
    took = time.monotonic() - start
    inst.stop()
    inst.start()
    text = b"".join(got)
    if text.startswith(whole):
        assert text[len(whole):].startswith(b"* BYE The server stops\r\n")
    else:
        # Its second was over: it breaks off, and nothing stands within.
        assert took > 0.9
        assert whole.startswith(text.removesuffix(
            b"* BYE the session has ended, connect again\r\n"))


def test_store_restart(inst):
    """A restart of store costs no login."""
    d = Client(inst, "anna")
    d.cmd("CREATE re")
    d.append("re", PLAIN % (1, 1))
    d.ok("SELECT re")
    for pid in inst.processes()["store"]:
        os.kill(pid, 9)
    end = time.monotonic() + 20
    while True:
        r = d.append("re", PLAIN % (2, 2))
        if r[0] == "OK":
            break
        assert r[0] == "NO" and "UNAVAILABLE" in r[1], r
        assert time.monotonic() < end
        time.sleep(0.1)
    if not has(r[2], rb"^\* 2 EXISTS"):
        assert has(until(d, "NOOP", rb"EXISTS", 10), rb"^\* 2 EXISTS")
    assert has(d.ok("FETCH 1 BODY.PEEK[]")[2], rb"plain 1")
    d.close()


def test_store_restart_and_a_list_not_readable(inst):
    """A mailbox that the new store could not open at once is watched in the
    end, whatever was asked of it before."""
    d = Client(inst, "dora")
    d.ok("SELECT INBOX (CONDSTORE)")
    path = inst.state / "spool/mail/example.test/dora/mailboxes"
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        for pid in inst.processes()["store"]:
            os.kill(pid, 9)
        rohrpost.wait_for(lambda: "dora/mailboxes: " in inst.log(), 30)
    finally:
        path.chmod(mode)
    rohrpost.wait_for(lambda: "HIGHESTMODSEQ" in d.cmd("EXPUNGE")[1], 60, 0.5)
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["dora@example.test"], PLAIN % (1, 1))
    assert has(until(d, "NOOP", rb"EXISTS", 30), rb"^\* 1 EXISTS")
    d.close()


def forgotten(inst, d, mailbox):
    """Kills store behind the OK to flags of message 1: did it forget them?"""
    for pid in inst.processes()["store"]:
        os.kill(pid, 9)
    r = rohrpost.wait_for(lambda: has(d.cmd("STATUS %s (UNSEEN)" % mailbox)[2],
                                      rb"UNSEEN"), 60)
    return b"UNSEEN 2" in r[0]


def test_flags_forgotten(inst):
    """Flags of the last second may go with a store that is killed; then no
    session shows them any more."""
    d, idle = Client(inst), Client(inst)
    for n in range(5):
        name = "forgets%d" % n
        d.ok("CREATE " + name)
        for i in (1, 2):
            assert d.append(name, PLAIN % (i, i))[0] == "OK"
        d.ok("SELECT " + name)
        idle.ok("SELECT " + name)
        tag = idle.start("IDLE")
        assert idle.line().startswith(b"+")
        d.ok("STORE 1 +FLAGS (\\Deleted \\Seen word)")
        if forgotten(inst, d, name):
            break
        idle.send(b"DONE\r\n")
        idle.wait(tag)
    else:
        pytest.fail("store forgets nothing")
    while b"Deleted" not in idle.line():
        pass
    assert rohrpost.wait_for(lambda: b"Deleted" not in (u := idle.line()) and
                             has([u], rb"^\* 1 FETCH .*FLAGS"))
    idle.send(b"DONE\r\n")
    assert idle.wait(tag)[0] == "OK"
    new = Client(inst)
    new.ok("SELECT " + name)
    for s in (d, idle, new):
        assert not {"\\Deleted", "\\Seen", "word"} & set(flags(s, 1))
    assert not has(d.ok("EXPUNGE")[2], rb"EXPUNGE")
    # The bit of a keyword that was forgotten too is the next one's.
    d.ok("STORE 2 +FLAGS (other)")
    for s in (d, idle, new):
        until(s, "FETCH 2 FLAGS", rb"other")
        assert "word" not in flags(s, 2)
    d.ok("STORE 1 +FLAGS (\\Deleted)")
    assert has(d.ok("EXPUNGE")[2], rb"^\* 1 EXPUNGE")
    for s in (d, idle, new):
        s.close()
