"""Submissions as programs send them: Unix lines, long lines, addresses without
a domain. They are mended before anything else looks at them; what comes by
port 25 is not."""
import base64
import email
import random
import smtplib
import socket
import subprocess

import pytest

import hops
import rohrpost

SENDER = "anna@example.test"
UNIX = (b"From anna Mon Nov 30 07:00:00 2026\n"
        b"From: anna\nTo: bert, Eve <eve@far.test>\nCc: \"B, C\" <carl>\n"
        b"Subject: unix\n\nfirst\n.\n.dot\n\nlast\n")
MENDED = (b"From: anna@example.test\r\n"
          b"To: bert@example.test, Eve <eve@far.test>\r\n"
          b"Cc: \"B, C\" <carl@example.test>\r\n"
          b"Subject: unix\r\n\r\nfirst\r\n.\r\n.dot\r\n\r\nlast\r\n")


@pytest.fixture(scope="module")
def inst():
    d = rohrpost.scratch("sub")
    with rohrpost.Instance(d, users=("anna", "bert"),
                           message_size="1M") as i:
        yield i
    rohrpost.remove(d)


def by_curl(inst, file):
    return subprocess.run(
        ["curl", "-sSk", "--ssl-reqd", "-u", SENDER + ":" + rohrpost.PASSWORD,
         "--mail-from", SENDER, "--mail-rcpt", "bert@example.test",
         "--upload-file", file,
         "smtp://127.0.0.1:%d" % inst.ports["submission"]],
        capture_output=True, timeout=60)


def by_smtplib(inst, file):
    with inst.submission() as s:
        s.sendmail(SENDER, ["bert@example.test"], open(file, "rb").read())


def by_swaks(inst, file):
    return subprocess.run(
        ["swaks", "--server", "127.0.0.1", "--port",
         str(inst.ports["submission"]), "-tls", "-a", "PLAIN", "-au", SENDER,
         "-ap", rohrpost.PASSWORD, "--from", SENDER, "--to",
         "bert@example.test", "--no-data-fixup", "--data", "@" + file,
         "--suppress-data"], capture_output=True, timeout=60)


def by_sendmail(inst, file):
    assert inst.sendmail(open(file, "rb").read(), "bert@example.test") == 0


def last(inst, n):
    inst.wait_count(n, "bert")
    return list(inst.messages("bert").values())[-1]


@pytest.mark.parametrize("way", [by_curl, by_smtplib, by_sendmail])
def test_unix_lines(inst, way):
    """A line that is a dot is text however it came, and what a program lacks
    is added, once."""
    file = str(inst.dir / "letter")
    with open(file, "wb") as f:
        f.write(UNIX)
    before = inst.count("bert")
    p = way(inst, file)
    assert p is None or p.returncode == 0, p
    head, _, rest = last(inst, before + 1).partition(b"From: anna@")
    assert head.count(b"\r\nDate: ") == 1
    assert head.count(b"\r\nMessage-ID: <") == 1
    assert b"\nFrom anna" not in head
    want = MENDED
    if way is by_sendmail:	# whose addresses are this host's
        want = want.replace(b"anna@example", b"anna@mail.example").replace(
            b"bert@example", b"bert@mail.example").replace(
            b"carl@example", b"carl@mail.example")
        head, _, rest = last(inst, before + 1).partition(b"From: anna@")
    got = (b"From: anna@" + rest).replace(b"last\r\n\r\n", b"last\r\n")
    assert got == want


def test_swaks_with_unix_lines(inst):
    file = str(inst.dir / "swaks")
    with open(file, "wb") as f:
        f.write(b"From: anna\nSubject: swaks\n\none\n.two\n.\n"
                b"\r\n.\r\n")
    before = inst.count("bert")
    p = by_swaks(inst, file)
    assert p.returncode == 0, p
    got = last(inst, before + 1)
    assert got.endswith(b"From: anna@example.test\r\nSubject: swaks\r\n\r\n"
                        b"one\r\n.two\r\n.\r\n\r\n")


def test_no_line_of_a_header_is_too_long(inst):
    text = (b"From: anna@example.test\r\nTo: " + b",".join(
        b"u%d@far.test" % i for i in range(200)) + b"\r\nSubject:" +
        b" word" * 400 + b"\r\nX-Whole: " + b"x" * 2000 + b"\r\n\r\nx\r\n")
    before = inst.count("bert")
    with inst.submission() as s:
        s.sendmail(SENDER, ["bert@example.test"], text)
    got = last(inst, before + 1)
    lines = got.split(b"\r\n")
    assert [x for x in lines if len(x) > 998] == [b"X-Whole: " + b"x" * 2000]
    assert b"".join(got.split()).endswith(b"".join(text.split()))


@pytest.mark.parametrize("kind", ["html", "signed", "large"])
def test_no_line_of_a_body_is_too_long(inst, kind):
    """A part that has one is encoded, however large the message is; but not
    what is signed."""
    line = "Gr\u00fc\u00dfe, " * 300 + "\r\n"
    body = line * (100 if kind == "large" else 1)
    kinds = {"signed": "multipart/signed; boundary=b"}
    text = ("From: anna@example.test\r\nContent-Type: %s\r\n\r\n%s" % (
        kinds.get(kind, "text/html; charset=utf-8"),
        "--b\r\n\r\n" + body + "--b--\r\n" if kind == "signed" else
        body)).encode()
    before = inst.count("bert")
    with inst.submission() as s:
        s.sendmail(SENDER, ["bert@example.test"], text)
    got = last(inst, before + 1)
    if kind == "signed":
        assert got.endswith(text)
        return
    assert max(len(x) for x in got.split(b"\r\n")) <= 998
    part = email.message_from_bytes(got)
    assert part.get_payload(decode=True).decode() == body
    assert part.get_content_type() == "text/html"


def long_lines(size):
    """Parts of so many octets each, and what they hold."""
    rnd = random.Random(size)
    page = ("<p>Gr\u00fc\u00dfe aus dem Norden, " * (size // 30)).encode()
    scan, notes = rnd.randbytes(size // 2), rnd.randbytes(size // 4)
    text = b"".join((
        b"From: anna@example.test\r\nSubject: large\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n", page, b"\r\n--b\r\n"
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
        b"\r\n", base64.b64encode(scan), b"\r\n--b\r\n"
        b"Content-Type: text/x-notes\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
        b"".join(b"=%02X" % c for c in notes), b"\r\n--b--\r\n"))
    return text, [page, scan, notes]


def decoded(stored):
    """By Python's parser; no line of it is too long."""
    assert max(len(x) for x in stored.split(b"\r\n")) <= 998
    return [p.get_payload(decode=True) for p in
            email.message_from_bytes(stored).get_payload()]


class Hop(hops.Hop):
    """Keeps what it takes."""

    def __init__(self):
        self.port, self.texts = rohrpost.free_port(), []
        super().__init__(self.port, None)

    def take(self, sender, to, text):
        self.texts.append(text)


def test_megabytes_in_one_line():
    """Served by IMAP and sent on by relay with the same octets in each part."""
    text, parts = long_lines(2 << 20)
    d, hop = rohrpost.scratch("lines"), Hop()
    with rohrpost.Instance(d, users=("anna", "bert"),
                           relay_host="[127.0.0.1]", relay_tls="never",
                           relay_port=str(hop.port)) as i:
        with i.submission() as s:
            s.sendmail(SENDER, ["bert@example.test", "eve@far.test"], text)
        assert decoded(last(i, 1)) == parts
        i.wait_empty(60)
        assert decoded(hop.texts[0]) == parts
    hop.stop()
    rohrpost.remove(d)


@pytest.mark.parametrize("top", [
    b"No field at all\r\n\r\n",
    b"From here on it is quiet.\r\nA second line.\r\n"])
def test_text_without_a_header_stays(inst, top):
    """No field is written into it, and no line of it goes."""
    text = top + b"x " * 1000 + b"\r\nend\r\n"
    before = inst.count("bert")
    with inst.submission() as s:
        s.sendmail(SENDER, ["bert@example.test"], text)
    assert last(inst, before + 1).endswith(b"\r\n" + text)


def test_port_25_alters_nothing(inst):
    text = (b"From: anna\r\nTo: bert, carl\r\nSubject:" + b" word" * 400 +
            b"\r\n\r\n" + b"x" * 2000 + b"\r\n")
    before = inst.count("bert")
    with inst.smtp() as s:
        s.sendmail("eve@far.test", ["bert@example.test"], text)
    assert last(inst, before + 1).endswith(b"\r\n" + text)


def test_last_words_under_tls(inst):
    """552 in the middle of what the client still sends: it can read it, and
    the end of TLS behind it."""
    with socket.create_connection(
            ("127.0.0.1", inst.ports["submissions"]), 30) as raw:
        s = rohrpost.tls_context().wrap_socket(raw)
        f = s.makefile("rb")
        login = base64.b64encode(
            ("\0%s\0%s" % (SENDER, rohrpost.PASSWORD)).encode())
        for line in (b"", b"EHLO x", b"AUTH PLAIN " + login,
                     b"MAIL FROM:<anna@example.test>",
                     b"RCPT TO:<bert@example.test>", b"DATA"):
            if line:
                s.sendall(line + b"\r\n")
            while (got := f.readline())[3:4] == b"-":
                pass
            assert got[:1] in b"23", got
        block = (b"x" * 98 + b"\r\n") * 640
        # What it reads before it gives up, and more that it never reads.
        for _ in range(45):
            s.sendall(block)
        assert f.readline().startswith(b"552 5.3.4 ")
        # No reset overtakes them: what is on its way is taken still.
        for _ in range(3):
            s.sendall(block)
        assert f.read() == b""
