"""Next hops as they should not be: what they say, what they do to TLS and to a
login, where their names lead. Each ends in one result with exact words."""
import base64
import email
import email.policy
import hashlib
import hmac
import select
import socket

import pytest

import rohrpost
from rohrpost import message, wait_for
from test_mx import Nsd
from test_relay_alone import (BODY, DELIVERED, LATER, NEVER, OFFSET,
                              TLS_ENCRYPTED, Hop, Relay, by_mx, smarthost,
                              tls)

J_HURRY = 6
FROM = "hop.test [127.0.0.1] "


class Script(Hop):
    """Says what it says to each line, in their order; then waits for the
    other side to go, and knows that it went."""

    def __init__(self, *says, last=b"", every=0.0):
        self.says, self.last, self.every = says, last, every
        self.left = 0
        super().__init__()

    def session(self, c):
        f = c.makefile("rb")
        for s in self.says:
            if s is None:
                return
            c.sendall(s)
            if not f.readline():
                return
        try:
            while True:
                c.sendall(self.last)
                if (not self.every or select.select(
                        [c], [], [], self.every)[0]) and not c.recv(65536):
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.left += 1

    def gone(self):
        wait_for(lambda: self.left == 1, 10)


EHLO = b"250-hop\r\n250 PIPELINING\r\n"


@pytest.mark.parametrize("says, words", [
    ([b"220-" + b"x" * 2 ** 20], "4.5.0 %ssent a line without end"),
    ([b"220-more\r\n" * 100000], "4.5.0 %sdoes not speak SMTP"),
    ([b"220 hop\r\n", EHLO[:-2] + b"x" * 100000],
     "4.5.0 %ssent a line without end"),
    ([b"220 hop\r\n", EHLO + b"250 ok\r\n"],
     "4.5.0 %sanswered what was not asked"),
    ([b"220 hop\r\n", EHLO, b"", b"", b"250 a\r\n250 b\r\n354 c\r\n250 d\r\n"],
     "4.5.0 %sanswered before it had the message"),
    ([b"220 hop\r\n", EHLO, b"", b"", b"250 a\r\n250 b\r\n354 c\r\n", None],
     "4.4.2 %slost the connection: the peer closed the connection"),
])
def test_what_a_hop_says(says, words):
    """It is cut where the rules are broken: it hears that we are gone."""
    closes = says[-1] is None
    hop = Script(*says) if closes else Script(*says[:-1], last=says[-1])
    with by_mx(hop) as r:
        rows = r.send()
        assert rows == [(5, LATER, words % FROM)]
        if not closes:
            hop.gone()
    hop.close()


def test_250_for_ever():
    """An octet at a time: the reply has its time as a whole, which is short
    where others wait; then no second host is asked."""
    hop = Script(b"220 hop\r\n", last=b"2", every=0.3)
    second = Hop("127.0.0.2", hop.port)
    with Relay([("hop.test", ["127.0.0.1"]), ("two.test", ["127.0.0.2"])],
               relay_mx_port=str(hop.port)) as r:
        r.job()
        wait_for(lambda: hop.connections == 1)
        r.queue.send(J_HURRY, {}, r.n)
        assert r.answer() == [(5, LATER, "4.4.2 %sdid not answer in time" %
                               FROM)]
        hop.gone()
        assert second.connections == 0
        # Words of a job that is over change nothing.
        r.queue.send(J_HURRY, {}, r.n)
        hop.close()
        assert r.send()[0][1] == DELIVERED and len(second.messages) == 1
    second.close()


def test_refused_in_the_middle_and_closed():
    """What it had said before it closed the connection counts."""
    class Refuses(Hop):
        def session(self, c):
            f = c.makefile("rb")
            c.sendall(b"220 hop\r\n")
            f.readline()
            c.sendall(EHLO)
            while f.readline() != b"DATA\r\n":
                pass
            c.sendall(b"250 a\r\n250 b\r\n354 c\r\n")
            f.read(2 ** 19)
            c.sendall(b"552 5.3.4 enough\r\n")

    hop = Refuses()
    with by_mx(hop) as r:
        assert r.send(body=BODY + b"x" * 2 ** 21 + b"\r\n") == [
            (5, NEVER, "5.3.4 %ssaid: 552 5.3.4 enough" % FROM)]
        assert hop.connections == 1
    hop.close()


def test_words_of_a_hop_in_a_report():
    """CR, NUL, ESC, eight bits: one line of clean text in the DSN."""
    hop = Hop(RCPT=["550 5.1.1 a\rb\0c\033d \u00e4"])
    d = rohrpost.scratch("words")
    i = rohrpost.Instance(d, users=("anna",), relay_host="[127.0.0.1]",
                          relay_port=hop.port, relay_tls="never")
    with i:
        with i.submission() as s:
            s.sendmail("anna@example.test", ["x@far.test"],
                       message("w", 300, sender="anna@example.test"))
        i.wait_count(1)
        raw = list(i.messages("anna").values())[0]
    status = email.message_from_bytes(
        raw, policy=email.policy.default).get_payload()[1].get_payload()[1]
    assert status["Diagnostic-Code"] == "smtp; 550 5.1.1 a?b?c?d ??"
    assert status["Status"] == "5.1.1" and status["Action"] == "failed"
    assert raw.isascii() and b"\0" not in raw and b"\033" not in raw
    assert raw.count(b"\r") == raw.count(b"\r\n")
    rohrpost.remove(d)
    hop.close()


EIGHT = (b"From: <anna@example.test>\r\nTo: <x@far.test>\r\nSubject: %s\r\n"
         b"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <a25@x.test>"
         b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8"
         b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n%s")


def test_a25_eight_bits_to_a_seven_bit_hop():
    """They are encoded, also where the message is large; a header field stays
    as it is; what cannot be encoded goes to nobody, and its sender reads
    why."""
    hop = Hop(features=["PIPELINING", "SIZE"])
    d = rohrpost.scratch("seven")
    i = rohrpost.Instance(d, users=("anna",), relay_host="[127.0.0.1]",
                          relay_port=hop.port, relay_tls="never")
    texts = ["Grüße, und noch ein paar Wörter\r\n",
             "Wörter, und ein paar Zeilen dazu\r\n" * 20000]
    with i:
        with i.submission() as s:
            for text in texts:
                s.sendmail("anna@example.test", ["x@far.test"],
                           EIGHT % (b"x", text.encode()), ["BODY=8BITMIME"])
            i.wait_empty()
            assert i.count("anna") == 0
            s.sendmail("anna@example.test", ["x@far.test"],
                       EIGHT % ("Gr\u00fc\u00dfe".encode(), b"x\r\n"))
            i.wait_empty()
            assert i.count("anna") == 0
            s.sendmail("anna@example.test", ["x@far.test"],
                       EIGHT.replace(b": 8bit", b": base64") %
                       (b"x", "eHk\u00fc\r\n".encode()))
        i.wait_count(1)
        raw = list(i.messages("anna").values())[0]
    assert len(hop.messages) == 3
    assert "Subject: Gr\u00fc\u00dfe\r\n".encode() in hop.messages[2][0]
    got = {email.message_from_bytes(m[:-3]).get_payload(decode=True)
           for m, tls in hop.messages if m.isascii()}
    assert got == {t.encode() for t in texts}
    assert not any("BODY=" in line for line in hop.lines)
    sizes = {int(line.rsplit("=", 1)[1]) for line in hop.lines
             if line.startswith("MAIL ")}
    assert sizes == {len(m) - 3 for m, tls in hop.messages}
    status = email.message_from_bytes(
        raw, policy=email.policy.default).get_payload()[1].get_payload()[1]
    assert status["Status"] == "5.6.3" and status["Action"] == "failed"
    assert b"8-bit octets in a part that is encoded" in raw and raw.isascii()
    rohrpost.remove(d)
    hop.close()


class Dropped(Hop):
    """Offers STARTTLS and closes behind it."""

    def session(self, c):
        f = c.makefile("rb")
        c.sendall(b"220 hop\r\n")
        for line in f:
            verb = line.split()[0].upper()
            self.lines.append(line.decode().strip())
            if verb == b"EHLO":
                c.sendall(b"250-hop\r\n250 STARTTLS\r\n")
            elif verb == b"STARTTLS":
                c.sendall(b"220 go\r\n")
                c.shutdown(socket.SHUT_RDWR)
                return
            elif verb == b"DATA":
                c.sendall(b"354 go\r\n")
                while f.readline() != b".\r\n":
                    pass
                self.messages.append(line)
                c.sendall(b"250 taken\r\n")
            else:
                c.sendall(b"250 ok\r\n")


def test_tls_dropped():
    """By MX it goes in the clear over a new connection; never where the key,
    or the operator, wants TLS."""
    hop = Dropped()
    with by_mx(hop) as r:
        assert r.send()[0][1] == DELIVERED
        assert hop.connections == 2
        rows = r.send(tls=TLS_ENCRYPTED)
        assert rows[0][1] == LATER and rows[0][2].startswith(
            "4.7.5 %sTLS" % FROM), rows
        assert hop.connections == 3
    for mode in ("may", "starttls"):
        with smarthost(hop, relay_tls=mode, relay_tls_verify="no") as r:
            rows = r.send(dest="")
            assert rows[0][1] == LATER and rows[0][2].startswith(
                "4.7.5 %sTLS" % FROM), rows
    assert len(hop.messages) == 1
    assert sum(x.startswith("MAIL") for x in hop.lines) == 1
    hop.close()


class Scram(Hop):
    """A server of SCRAM-SHA-256 (RFC 7677); proof: of what kind it is."""
    PASSWORD, SALT, ROUNDS = b"tall secret", b"0123456789abcdef", 4096

    def __init__(self, proof, context):
        self.proof, self.ended = proof, []
        super().__init__(context=context, features=["AUTH SCRAM-SHA-256"])

    def auth(self, say, f, line):
        def challenge(text):
            say("334 " + base64.b64encode(text.encode()).decode())
            return base64.b64decode(f.readline().strip()).decode()

        bare = base64.b64decode(line.split()[2]).decode().split(",", 2)[2]
        nonce = dict(x.split("=", 1) for x in bare.split(","))["r"] + "more"
        first = "r=%s,s=%s,i=%d" % (
            nonce, base64.b64encode(self.SALT).decode(), self.ROUNDS)
        final = challenge(first).rsplit(",p=", 1)[0]
        salted = hashlib.pbkdf2_hmac("sha256", self.PASSWORD, self.SALT,
                                     self.ROUNDS)
        key = hmac.digest(salted, b"Server Key", "sha256")
        right = hmac.digest(key, ",".join((bare, first, final)).encode(),
                            "sha256")
        v = "v=" + base64.b64encode(
            right if self.proof == "right" else bytes(32)).decode()
        if self.proof == "none":
            say("235 2.7.0 welcome")
        elif self.proof == "in the words":
            say("235 " + base64.b64encode(v.encode()).decode())
        else:
            # Whatever the client says to it, it is welcome.
            say("334 " + base64.b64encode(v.encode()).decode())
            self.ended.append(f.readline())
            say("235 2.7.0 welcome")


@pytest.mark.parametrize("proof", ["right", "wrong", "none", "in the words"])
def test_server_proves_that_it_knows_the_password(tls, proof):
    hop = Scram(proof, tls)
    d = rohrpost.scratch("password")
    with open(d + "/p", "wb") as f:
        f.write(Scram.PASSWORD + b"\n")
    with smarthost(hop, relay_ca_file=tls.ca, relay_user="u",
                   relay_password_file=d + "/p") as r:
        rows = r.send(dest="")
        if proof == "right":
            assert rows[0][1] == DELIVERED, rows
        else:
            assert rows[0][1] == LATER, rows
            assert rows[0][2].startswith("4.7.8 " + FROM), rows
            assert not any(x.startswith("MAIL") for x in hop.lines)
            assert hop.messages == []
    rohrpost.remove(d)
    hop.close()


ZONE = """\
$ORIGIN far.test.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
lo MX 10 lo4
lo4 A 127.0.0.1
zero MX 10 zero4
zero4 A 0.0.0.0
own MX 10 mail.example.test.
null MX 0 .
round CNAME square
square CNAME round
literal MX 10 192.0.2.1.
""" + "".join("many MX %d h%d\nh%d A 127.1.0.%d\n" % (i, i, i, i)
              for i in range(100))


@pytest.fixture(scope="module")
def names():
    d = rohrpost.scratch("names")
    with Nsd(d + "/nsd", ZONE) as nsd:
        i = rohrpost.Instance(d + "/inst", users=("anna",),
                              resolver="127.0.0.1@%d" % nsd.port)
        with i:
            yield i
    rohrpost.remove(d)


@pytest.mark.parametrize("domain, code", [
    ("lo", "5.4.6"), ("zero", "5.4.6"), ("own", "5.4.6"), ("null", "5.1.10"),
    ("literal", "5.4.4"), ("many", "5.4.6"), ("round", "4.4.3"),
])
def test_where_a_name_leads(names, domain, code):
    """No message comes to ourselves or stays for ever: back to the sender at
    once, or later where the name server is to blame."""
    to = "x@%s.far.test" % domain
    before = names.count("anna")
    with names.submission() as s:
        s.sendmail("anna@example.test", [to],
                   message("name", 300, sender="anna@example.test"))
    if code.startswith("4"):
        row = wait_for(lambda: [r for r in names.json("queue", "list")
                                if r["state"] == "deferred"])[0]
        assert row["target"] == to and row["reason"].startswith(code), row
        return
    names.wait_count(before + 1, "anna")
    report = email.message_from_bytes(
        list(names.messages("anna").values())[-1],
        policy=email.policy.default).get_payload()[1].get_payload()[1]
    assert report["Final-Recipient"] == "rfc822; " + to
    assert report["Status"] == code, report.as_string()
