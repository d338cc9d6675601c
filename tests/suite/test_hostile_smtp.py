"""Hostile SMTP, a row each: what is sent, the exact replies, and the mailbox
afterwards. The rows A1 to A18, B1, B8, B17 and C4 are in test_smuggling.py, G3
in test_end_to_end.py and test_shares.py, G11 and G12 in test_auth.py."""
import base64
import os
import socket
import ssl
import struct
import subprocess

import pytest

import rohrpost
from rohrpost import PASSWORD, body_of, tls_context, wait_for

pytestmark = pytest.mark.user   # once is enough: root changes nothing here
USERS = ("anna", "bert")
KEYS = {"auth_delay": "0s", "message_size": "3M"}
EHLO = (b"EHLO client.test\r\n", ["250-mail.example.test"])
OK = ["250 2.1.0 sender ok", "250 2.1.5 recipient ok"]
MAIL = (b"MAIL FROM:<eve@remote.test>\r\n", OK[:1])
RCPT = (b"RCPT TO:<anna@example.test>\r\n", OK[1:])
GO = [EHLO, MAIL, RCPT, (b"DATA\r\n", ["354 end with a line that is a dot"])]
QUEUED = "250 2.0.0 queued as "
BARE = "550 5.5.2 bare CR, bare LF or NUL in the message"
LONG = "500 5.5.2 line too long"
SYNTAX = "501 5.5.4 syntax: "
ORDER = "503 5.5.1 "
END = None      # the connection is closed


def whole(text):
    """A message, and that it is taken as it is."""
    return [*GO, (text + b"\r\n.\r\n", [QUEUED])]


def to(address, answer):
    return [EHLO, MAIL, (b"RCPT TO:%s\r\n" % address, [answer])]


NOBODY = "550 5.1.1 no such mailbox"
DENIED = "550 5.7.1 relaying denied"
BAD = "501 5.1.3 bad "
LENGTH = "501 5.1.3 address too long"
X = b"x" * 70

# name: (steps, what anna has more afterwards)
ROWS = {
    "A19 NUL in a command": (
        [EHLO, (b"NO\0OP\r\n", ["500 5.5.2 NUL or bare CR in the line"])], []),
    "A20 NUL in the body": ([*GO, (b"S: x\r\n\r\na\0b\r\n.\r\n", [BARE])], []),
    "A21 bare CR in a header": (
        [*GO, (b"S: x\rBcc: y\r\n\r\na\r\n.\r\n", [BARE])], []),
    "A22 998": (whole(b"S: x\r\n\r\n" + b"y" * 998),
                [b"S: x\r\n\r\n" + b"y" * 998 + b"\r\n"]),
    "A22 1000": (whole(b"S: x\r\n\r\n" + b"y" * 1000),
                 [b"S: x\r\n\r\n" + b"y" * 1000 + b"\r\n"]),
    "A22 65537": (whole(b"S: x\r\n\r\n" + b"y" * 65537),
                  [b"S: x\r\n\r\n" + b"y" * 65537 + b"\r\n"]),
    "A22 2 MB": ([*GO, (b"S: x\r\n\r\n" + b"y" * (2 << 20) + b"\r\n.\r\n",
                        ["550 5.6.0 a line is too long"])],
                 []),
    "A23 512": ([EHLO, (b"NOOP " + b"x" * 505 + b"\r\n", ["250 2.0.0 "])],
                []),
    "A23 513": ([EHLO, (b"NOOP " + b"x" * 506 + b"\r\n", ["250 2.0.0 "])],
                []),
    "A23 2 kB": ([EHLO, (b"NOOP " + b"x" * 2050 + b"\r\n", [LONG]),
                  (b"NOOP\r\n", ["250 2.0.0 "])], []),
    "A23 1 MB": ([EHLO, (b"x" * (1 << 20) + b"\r\n", [LONG]),
                  (b"NOOP\r\n", ["250 2.0.0 "])], []),
    "A24 octets before the dot": (
        whole(b"S: x\r\n\r\nlast"), [b"S: x\r\n\r\nlast\r\n"]),
    "A25 8 bit without BODY=": (
        whole(b"S: \xfc\r\n\r\n\xe4\xff\x80"),
        [b"S: \xfc\r\n\r\n\xe4\xff\x80\r\n"]),
    "A26 no header, and then one": (
        whole(b"text\r\nFrom: <evil@remote.test>\r\n\r\nx"),
        [b"text\r\nFrom: <evil@remote.test>\r\n\r\nx\r\n"]),
    "B2 without MAIL": (
        [EHLO, (b"RCPT TO:<anna@example.test>\r\n", [ORDER]),
         (b"DATA\r\n", [ORDER]), (b"NOOP\r\n", ["250 2.0.0 "])], []),
    "B2 BDAT": ([EHLO, (b"BDAT 5 LAST\r\nNOOP\r\n", ["502 5.5.1 ", END])],
                []),
    "B3 MAIL twice": (
        [EHLO, MAIL, (b"MAIL FROM:<other@remote.test>\r\n", [ORDER]), RCPT,
         (b"DATA\r\n", ["354 "]), (b"S: x\r\n\r\n1\r\n.\r\n", [QUEUED])],
        [b"S: x\r\n\r\n1\r\n"]),
    "B11 DATA without a recipient": (
        [EHLO, MAIL, (b"RCPT TO:<nobody@example.test>\r\n", [NOBODY]),
         (b"DATA\r\n", ["554 5.5.1 no recipient was accepted"]),
         (b"RSET\r\n", ["250 2.0.0 "])], []),
    "B11 with the body behind it": (
        [EHLO, MAIL, (b"RCPT TO:<nobody@example.test>\r\n", [NOBODY]),
         (b"DATA\r\nRSET\r\nMAIL FROM:<evil@remote.test>\r\n"
          b"RCPT TO:<anna@example.test>\r\nDATA\r\nx\r\n.\r\n",
          ["554 5.5.1 no recipient was accepted", END])], []),
    "B12 data before the 354": (
        [EHLO, (b"MAIL FROM:<eve@remote.test>\r\nRCPT TO:<anna@example.test>"
                b"\r\nDATA\r\nS: x\r\n\r\nRSET\r\n.\r\nNOOP\r\n",
                [*OK, "554 5.5.0 wait for 354", END])], []),
    "B13 BDAT 0": ([EHLO, MAIL, RCPT, (b"BDAT 0\r\n", ["502 5.5.1 ", END])],
                   []),
    "B13 BDAT -1": ([EHLO, (b"BDAT -1\r\n", ["502 5.5.1 ", END])], []),
    "B13 BDAT 99999999999999999999": (
        [EHLO, (b"BDAT 99999999999999999999 LAST\r\n",
                ["502 5.5.1 ", END])], []),
    "B13 BDAT within": (
        [EHLO, MAIL, RCPT, (b"BDAT 6 LAST\r\nQUIT\r\n",
                            ["502 5.5.1 ", END])], []),
    "B18 VRFY and EXPN": (
        [EHLO, (b"VRFY anna@example.test\r\n", ["252 2.5.2 "]),
         (b"VRFY nobody@example.test\r\n", ["252 2.5.2 "]),
         (b"EXPN postmaster\r\n", ["502 5.5.1 "])], []),
    "B19 VRFY keeps the transaction": (
        [EHLO, MAIL, RCPT, ("VRFY <\u00fc@example.test>\r\n".encode(),
                            ["252 2.5.2 "]),
         (b"DATA\r\n", ["354 "]), (b"S: y\r\n\r\n2\r\n.\r\n", [QUEUED])],
        [b"S: y\r\n\r\n2\r\n"]),
    "B20 XCLIENT": ([EHLO, (b"XCLIENT ADDR=127.0.0.1 LOGIN=anna\r\n",
                            ["500 5.5.2 "]),
                     (b"XFORWARD ADDR=127.0.0.1\r\n", ["500 5.5.2 "])], []),
    "B20 PROXY": ([(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n",
                    ["554 5.5.1 ", END])], []),
    "B21 HTTP": ([(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\n",
                   ["554 5.5.1 ", END])], []),
    "B21 TLS hello": ([(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", [END])],
                      []),
    "B22 SIZE over the limit": (
        [EHLO, (b"MAIL FROM:<eve@remote.test> SIZE=3145729\r\n",
                ["552 5.3.4 "])], []),
    "B22 SIZE lies": (
        [EHLO, (b"MAIL FROM:<eve@remote.test> SIZE=10\r\n", OK[:1]), RCPT,
         (b"DATA\r\n", ["354 "]),
         (b"S: z\r\n\r\n" + (X + b"\r\n") * 45000 + b".\r\n",
          ["552 5.3.4 "]), (b"NOOP\r\n", ["250 2.0.0 "])], []),
    "B22 SIZE of 65 bits": (
        [EHLO, (b"MAIL FROM:<eve@remote.test> SIZE=18446744073709551617\r\n",
                ["501 5.5.4 "])], []),
    "C1 null sender": (
        [EHLO, (b"MAIL FROM:<>\r\n", OK[:1]), RCPT, (b"DATA\r\n", ["354 "]),
         (b"S: n\r\n\r\n3\r\n.\r\n", [QUEUED])], [b"S: n\r\n\r\n3\r\n"]),
    "C1 null recipient": (to(b"<>", "501 5.1.3 a recipient needs an address"),
                          []),
    "C2 empty": (to(b'<""@example.test>', NOBODY), []),
    "C2 blank": (to(b'<" "@example.test>', NOBODY), []),
    "C2 quote": (to(b'<"a\\"b"@example.test>', NOBODY), []),
    "C2 at": (to(b'<"a@b"@example.test>', NOBODY), []),
    "C3 route": (
        [EHLO, MAIL, (b"RCPT TO:<@a.test,@b.test:anna@example.test>\r\n",
                      OK[1:]), (b"DATA\r\n", ["354 "]),
         (b"S: r\r\n\r\n4\r\n.\r\n", [QUEUED])], [b"S: r\r\n\r\n4\r\n"]),
    "C3 route elsewhere": (to(b"<@example.test:u@c.test>", DENIED), []),
    "C5 IPv6": (to(b"<anna@[IPv6:::1]>", DENIED), []),
    "C5 three numbers": (to(b"<anna@[1.2.3]>", BAD), []),
    "C5 nothing": (to(b"<anna@[]>", BAD), []),
    "C6 local part of 64": (to(b"<%s@example.test>" % (b"a" * 64), NOBODY),
                            []),
    "C6 local part of 255": (
        to(b"<%s@example.test>" % (b"a" * 255), NOBODY), []),
    "C6 local part of 256": (
        to(b"<%s@example.test>" % (b"a" * 256), LENGTH), []),
    "C6 label of 63": (to(b"<a@%s.test>" % (b"b" * 63), DENIED), []),
    "C6 label of 64": (to(b"<a@%s.test>" % (b"b" * 64), LENGTH), []),
    "C6 domain of 256": (
        to(b"<a@%s.test>" % b".".join([b"b" * 62] * 4), LENGTH), []),
    "C7 semicolon": (to(b"<;id;@example.test>", BAD), []),
    "C7 dollar": (to(b"<$(id)@example.test>", BAD), []),
    "C7 backquote": (to(b"<`id`@example.test>", NOBODY), []),
    "C7 pipe": (to(b"<|/bin/sh@example.test>", NOBODY), []),
    "C7 path": (to(b"</etc/passwd@example.test>", NOBODY), []),
    "C7 option": (to(b"<-froot@example.test>", NOBODY), []),
    "C7 include": (to(b"<:include:/x@example.test>", BAD), []),
    "C7 tilde": (to(b"<~root@example.test>", NOBODY), []),
    "C8 xtext": (to(b"<anna@example.test> ORCPT=rfc822;a+0Ab",
                    "501 5.5.4 "), []),
    "C8 TAB": (to(b"<an\tna@example.test>", "501 "), []),
    "C8 bare CR": (to(b"<an\rna@example.test>", "500 5.5.2 "), []),
    "C9 up": (to(b"<../../x@example.test>", NOBODY), []),
    "C9 up by the tag": (
        [EHLO, MAIL, (b"RCPT TO:<anna+/../../root@example.test>\r\n",
                      ["550 5.1.1 "])], []),
    "C10 UTF-8": (to("<\u00fc@example.test>".encode(), "553 5.6.7 "), []),
    "C10 overlong": (to(b"<u@\xc0\xaf.test>", BAD), []),
    "C10 surrogate": (to(b"<\xed\xa0\x80@example.test>", "553 5.6.7 "), []),
    "C11 case and tag": (
        [EHLO, MAIL, (b"RCPT TO:<ANNA+Tag@Example.TEST>\r\n", OK[1:]),
         (b"DATA\r\n", ["354 "]), (b"S: c\r\n\r\n5\r\n.\r\n", [QUEUED])],
        [b"S: c\r\n\r\n5\r\n"]),
    "C12 a thousand times": (
        [EHLO, MAIL, (RCPT[0] * 1000, RCPT[1] * 1000),
         (b"DATA\r\n", ["354 "]), (b"S: k\r\n\r\n6\r\n.\r\n", [QUEUED])],
        [b"S: k\r\n\r\n6\r\n"]),
    "C13 postmaster": (
        [EHLO, MAIL, (b"RCPT TO:<postmaster>\r\n", OK[1:]),
         (b"RCPT TO:<Abuse@example.test>\r\n", OK[1:]),
         (b"DATA\r\n", ["354 "]), (b"S: p\r\n\r\n7\r\n.\r\n", [QUEUED])],
        [b"S: p\r\n\r\n7\r\n"]),
}


def play(c, steps):
    for octets, answers in steps:
        c.send(octets)
        for want in answers:
            got = c.reply()
            if want is END:
                assert got is None
            else:
                assert got is not None and got.startswith(want), octets[:60]


@pytest.fixture(scope="module")
def played():
    return []


@pytest.mark.parametrize("name", ROWS)
def test_row(inst, played, name):
    steps, more = ROWS[name]
    played += more
    with inst.raw("smtp") as c:
        assert c.reply() == "220 mail.example.test ESMTP Rohrpost"
        play(c, steps)
        if steps[-1][1][-1] is not END:
            assert c.cmd("QUIT").startswith("221 2.0.0 ")
            assert c.reply() is None


def test_mailbox_after_the_rows(inst, played):
    """What each row meant to leave there, and nothing else. No two rows leave
    the same."""
    inst.wait_count(len(played))
    inst.wait_empty()
    assert sorted(body_of(v) for v in inst.messages().values()) == sorted(
        played)
    assert len(set(played)) == len(played)


def plain(user, password):
    return base64.b64encode(
        ("\0%s\0%s" % (user, password)).encode()).decode()


GOOD = "AUTH PLAIN " + plain("anna@example.test", PASSWORD)
WRONG = "AUTH PLAIN " + plain("anna@example.test", "wrong")
REFUSED = "535 5.7.8 wrong name or password"
LOGINS = {
    "B4 twice": [(GOOD, "235 2.7.0 welcome"),
                 (GOOD, "503 5.5.1 logged in already")],
    "B4 within a transaction": [
        (GOOD, "235 "), ("MAIL FROM:<anna@example.test>", OK[0]),
        (GOOD, "503 5.5.1 "), ("RCPT TO:<anna@example.test>", OK[1])],
    "B4 after a failure": [(WRONG, REFUSED), (GOOD, "235 2.7.0 welcome"),
                           ("MAIL FROM:<anna@example.test>", OK[0])],
    "B5 cancelled": [("AUTH PLAIN", "334 "), ("*", "501 5.7.0 cancelled"),
                     (GOOD, "235 ")],
    "B6 bad base64": [("AUTH PLAIN !!!", "501 5.5.2 malformed base64"),
                      (GOOD, "235 ")],
    "B6 12 kB": [("AUTH PLAIN " + "A" * 12000, "501 5.5.2 "),
                 (GOOD, "235 ")],
    "B6 over 12 kB": [("AUTH PLAIN " + "A" * 13000, LONG), (GOOD, "235 ")],
    "B6 empty": [("AUTH PLAIN =", "501 5.5.2 malformed PLAIN response"),
                 (GOOD, "235 ")],
    "B9 STARTTLS twice": [("STARTTLS", "503 5.5.1 "), (GOOD, "235 ")],
}


@pytest.mark.parametrize("name", LOGINS)
def test_login_row(inst, name):
    with inst.raw("submission") as c:
        c.reply()
        c.cmd("EHLO x")
        assert c.cmd("STARTTLS").startswith("220 ")
        c.starttls()
        c.cmd("EHLO x")
        for line, want in LOGINS[name]:
            assert c.cmd(line).startswith(want), line[:40]
        assert c.cmd("QUIT").startswith("221 ")
    assert base64.b64encode(PASSWORD.encode()).decode() not in inst.log()


def test_b7_no_login_in_the_clear(inst):
    with inst.raw("submission") as c:
        c.reply()
        assert "AUTH" not in c.cmd("EHLO x")
        assert c.cmd(GOOD).startswith("538 5.7.11 ")
        assert c.cmd("MAIL FROM:<anna@example.test>").startswith("530 5.7.0 ")
    assert PASSWORD not in inst.log() and GOOD[11:] not in inst.log()


def test_b9_b10_starttls_forgets(inst):
    with inst.raw("smtp") as c:
        c.reply()
        play(c, [EHLO, MAIL, RCPT])
        assert c.cmd("STARTTLS now").startswith(SYNTAX)
        assert c.cmd("STARTTLS").startswith("220 ")
        c.starttls()
        assert c.cmd("DATA").startswith(ORDER)
        assert c.cmd("MAIL FROM:<eve@remote.test>").startswith(ORDER)
        assert "STARTTLS" not in c.cmd("EHLO x")
        assert c.cmd("RCPT TO:<anna@example.test>").startswith(ORDER)


@pytest.mark.parametrize("how", ["B14 close_notify", "B15 reset"])
def test_connection_breaks_in_data(inst, how):
    """Nothing of it is a message, and nothing behind it a command."""
    before = inst.messages()
    lost = inst.log().count("lost within the message")
    c = inst.raw("smtp")
    c.reply()
    if how.startswith("B14"):
        c.cmd("EHLO x")
        c.cmd("STARTTLS")
        c.starttls()
    play(c, GO)
    c.send(b"S: half\r\n\r\nhalf\r\n")
    if how.startswith("B14"):
        clear = c.sock.unwrap()
        clear.sendall(b".\r\nMAIL FROM:<evil@remote.test>\r\n")
        try:
            assert clear.recv(100) == b""
        except ConnectionResetError:
            pass
        clear.close()
    else:
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
        c.close()
    wait_for(lambda: inst.log().count("lost within the message") == lost + 1)
    inst.wait_empty()
    assert inst.messages() == before


def test_b16_lost_before_the_reply_is_kept_once(inst):
    before = inst.count()
    c = inst.raw("smtp")
    c.reply()
    play(c, GO)
    c.send(b"S: kept\r\n\r\nonce\r\n.\r\n")
    c.close()
    inst.wait_count(before + 1)
    inst.wait_empty()
    assert inst.count() == before + 1


def test_g2_connects_that_say_nothing(inst):
    """Many come and go at once, with a reset; others are served."""
    for i in range(300):
        s = socket.create_connection(("127.0.0.1", inst.ports["smtp"]), 30,
                                     ("127.0.0.%d" % (10 + i % 20), 0))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        s.close()
    with inst.raw("smtp") as c:
        assert c.reply().startswith("220 ")
        play(c, [EHLO])
    assert "died by signal" not in inst.log()


def test_g5_renegotiation_is_off(inst):
    ctx = tls_context()
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", inst.ports["submissions"]),
                                  30) as s, ctx.wrap_socket(s) as t:
        assert t.version() == "TLSv1.2"
        assert t.recv(100).startswith(b"220 ")
    # The greeting is read first: what is on its way when the client asks
    # anew ends its handshake before the answer does.
    with subprocess.Popen(
            ["openssl", "s_client", "-tls1_2", "-connect",
             "127.0.0.1:%d" % inst.ports["submissions"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) as p:
        said = b""
        while b"\n220 " not in said:
            more = os.read(p.stdout.fileno(), 4096)
            assert more, said
            said += more
        said += p.communicate(b"R\n", 60)[0]
    assert b"RENEGOTIATING" in said
    assert b"no renegotiation" in said or b"alert" in said


def test_g6_random_names_of_tls(inst):
    """SNI is what the client likes; login's memory is as before."""
    def ask(name):
        with socket.create_connection(("127.0.0.1", inst.ports["imaps"]),
                                      30) as s:
            with tls_context().wrap_socket(s, server_hostname=name) as t:
                assert t.recv(100).startswith(b"* OK")

    def memory():
        total = 0
        for pid in inst.processes()["login"]:
            with open("/proc/%d/statm" % pid) as f:
                total += int(f.read().split()[1]) * 4096
        return total
    for i in range(40):
        ask("warm%d.test" % i)
    before = memory()
    for i in range(120):
        ask("n%d-%s.test" % (i, os.urandom(20).hex()))
    assert memory() < before + (2 << 20)


def test_g13_a_line_stays_a_line(inst):
    """Escapes and a very long name: one clean line each."""
    with inst.raw("imaps") as c:
        c.sock = tls_context().wrap_socket(c.sock)
        assert c.line().startswith("* OK")
        for name in (b"\x1b[2J\x07x@example.test", b"n" * 60 + b"@x.test"):
            c.send(b'a LOGIN "%s" wrong\r\n' % name)
            assert c.line().startswith("a NO [AUTHENTICATIONFAILED]")
        c.send(b"b LOGIN " + b"n" * (1 << 20) + b" x\r\n")
        assert c.line().startswith(("b BAD", "* BYE"))
    wait_for(lambda: "login failed: %s@x.test" % ("n" * 60) in inst.log())
    log = inst.log_path.read_bytes()
    assert b"\x1b" not in log and b"\x07" not in log
    for line in log.splitlines():
        assert len(line) < 2100 and line[:4].isdigit(), line[:80]


@pytest.mark.parametrize("where", ["command", "DATA"])
def test_g1_an_octet_now_and_then(where):
    """Each octet is no new time: it is cut by its rate, others are served."""
    d = rohrpost.scratch("slow")
    inst = rohrpost.Instance(d, users=("anna",), smtp_command_time="2s",
                             smtp_data_time="2s", smtp_data_rate=500)
    try:
        with inst, inst.raw("smtp") as c:
            c.reply()
            if where == "DATA":
                play(c, GO)
            c.sock.settimeout(0.2)
            said = b""
            for i in range(100):
                try:
                    c.send(b"x")
                    said = c.sock.recv(1000)
                    break
                except TimeoutError:
                    assert i < 99
            assert said.startswith(b"421 4.4.2 nothing came in time, bye")
            with inst.raw("smtp") as other:
                assert other.reply().startswith("220 ")
            assert inst.messages() == {}
    finally:
        inst.stop()
        rohrpost.remove(d)
