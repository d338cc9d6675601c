"""COMPRESS=DEFLATE (RFC 4978), with Python's zlib as the client's half, and
beside Debian's Dovecot."""
import re
import zlib

import pytest

import dovecot
from test_imap import PLAIN, Client

USERS = ("anna", "bert")


class Zip:
    """A socket whose octets are compressed in both directions."""

    def __init__(self, sock, rest=b""):
        self.sock = sock
        self.up = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.down = zlib.decompressobj(-15)
        self.early = self.down.decompress(rest)
        self.received = 0

    def recv(self, n):
        data, self.early = self.early, b""
        while not data:
            packed = self.sock.recv(n)
            if not packed:
                return b""
            self.received += len(packed)
            data = self.down.decompress(packed)
        return data

    def sendall(self, data):
        self.sock.sendall(self.up.compress(data) +
                          self.up.flush(zlib.Z_SYNC_FLUSH))

    def close(self):
        self.sock.close()


def compress(client):
    client.ok("COMPRESS DEFLATE")
    client.sock = Zip(client.sock, client.buf)
    client.buf = b""


@pytest.fixture
def c(inst):
    client = Client(inst)
    yield client
    client.close()


def test_announced_once(c):
    assert c.ok("CAPABILITY")[2][0].split().count(b"COMPRESS=DEFLATE") == 1


def test_session(c, inst):
    """Whatever is said and told goes through, and becomes less."""
    for i in range(30):
        c.append("INBOX", PLAIN % (i, i) + b"some words\r\n" * 1000)
    c.ok("SELECT INBOX")
    plain = c.ok("FETCH 1:* (UID FLAGS ENVELOPE BODY.PEEK[])")[2]
    compress(c)
    assert c.ok("FETCH 1:* (UID FLAGS ENVELOPE BODY.PEEK[])")[2] == plain
    assert c.sock.received < sum(map(len, plain)) / 10
    assert c.cmd("COMPRESS DEFLATE")[:2] == (
        "NO", "[COMPRESSIONACTIVE] DEFLATE is active already")
    c.append("INBOX", PLAIN % (99, 99) + b"x" * 70 * 1000)
    c.append("INBOX", PLAIN % (98, 98), plus=False)
    r = c.ok("FETCH 31 BODY.PEEK[TEXT]")[2]
    assert b"x" * 70 * 1000 in r[-1]
    tag = c.start("IDLE")
    assert c.line().startswith(b"+ ")
    other = Client(inst)
    other.append("INBOX", PLAIN % (97, 97))
    other.close()
    while c.line() != b"* 33 EXISTS":
        pass
    c.send(b"DONE\r\n")
    assert c.wait(tag)[0] == "OK"


def test_no_deflate_ends_it(c):
    tag = c.start("COMPRESS DEFLATE")
    assert c.wait(tag)[0] == "OK"
    z = Zip(c.sock, c.buf)
    c.buf = b""
    c.send(b"a NOOP\r\n")
    c.sock = z
    assert c.line() == b"* BYE That is no DEFLATE"
    with pytest.raises(EOFError):
        c.line()


def test_bomb(c, inst):
    """A literal of 90 MiB in 90 KiB, for a message that is too big;
    the user's other session is served meanwhile, and this one afterwards."""
    compress(c)
    other = Client(inst)
    packer = c.sock.up
    c.sock.sock.sendall(packer.compress(b"a NOOP\r\nb APPEND INBOX {%d+}\r\n" %
                                        (90 << 20)))
    zeros = b"0" * (1 << 20)
    for i in range(90):
        c.sock.sock.sendall(packer.compress(zeros))
        if i % 30 == 0:
            other.ok("STATUS INBOX (MESSAGES)")
    c.sock.sendall(b"\r\n")
    while True:
        line = c.line()
        if line.startswith(b"b "):
            break
    assert line.startswith(b"b NO [TOOBIG] "), line
    c.n = 100
    c.ok("NOOP")
    other.close()


def dialogue(client):
    said = [client.cmd("COMPRESS")[0], client.cmd("COMPRESS LZW")[0]]
    compress(client)
    said += [client.cmd("NOOP")[0]]
    status, text, _ = client.cmd("COMPRESS DEFLATE")
    said += [status, re.match(r"(\[[A-Z]*\])?", text)[0]]
    said += [client.cmd("SELECT INBOX")[0], client.cmd("LOGOUT")[0]]
    client.close()
    return said


def test_beside_dovecot(inst):
    ours = dialogue(Client(inst, "bert"))
    theirs = dialogue(dovecot.Dovecot("mail_plugins = imap_zlib\n"))
    print(ours, theirs)
    # "BAD: ... invalid or unknown argument" (RFC 4978 3)
    assert ours[1] == "BAD" and theirs[1] == "NO"
    assert ours[2:] == theirs[2:] and ours[0] == theirs[0]
