"""TLS of relay as peers have it: a server in Go, whose session tickets come
with its first flight; old and weak ones, which are better than none; and what
the log says of a message that left without."""
import base64
import os
import ssl
import subprocess

import pytest

import rohrpost
from rohrpost import wait_for
from test_relay_alone import (DELIVERED, LATER, TLS_ENCRYPTED, Hop, by_mx,
                              smarthost, tls)

CHASQUID = """hostname: "hop.test"
smtp_address: "127.0.0.1:%d"
mail_log_path: "<stdout>"
data_dir: "%s/data"
"""


class Chasquid:
    """A mail server in Go (crypto/tls): it takes mail to far.test, and its
    trace field tells of TLS."""

    def __init__(self, directory):
        self.dir, self.port = directory, rohrpost.free_port()
        for d in ("certs/hop.test", "domains/far.test", "data"):
            os.makedirs("%s/%s" % (self.dir, d))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=hop.test", "-addext", "subjectAltName=DNS:hop.test",
             "-keyout", self.dir + "/certs/hop.test/privkey.pem",
             "-out", self.dir + "/certs/hop.test/fullchain.pem"],
            check=True, capture_output=True)
        self.write("chasquid.conf", CHASQUID % (self.port, self.dir))
        self.write("domains/far.test/aliases",
                   "u: | /usr/bin/tee -a %s/got\n" % self.dir)
        self.log = open(self.dir + "/log", "w+")
        self.p = subprocess.Popen(
            ["chasquid", "-config_dir=" + self.dir], stdout=self.log,
            stderr=self.log)
        wait_for(lambda: "daemon listening" in self.read("log"), 30,
                 text="chasquid: " + self.read("log"))

    def write(self, name, text):
        with open("%s/%s" % (self.dir, name), "w") as f:
            f.write(text)

    def read(self, name):
        try:
            with open("%s/%s" % (self.dir, name)) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def took(self, n):
        """Waits until it has n messages."""
        wait_for(lambda: self.read("got").count("\nend\n") == n, 30,
                 text=self.read("log"))

    def close(self):
        self.p.terminate()
        self.p.wait()
        self.log.close()


@pytest.fixture
def go():
    d = rohrpost.scratch("go")
    hop = Chasquid(d)
    yield hop
    hop.close()
    rohrpost.remove(d)


@pytest.mark.parametrize("way", ["mx", "smarthost"])
def test_tickets_in_the_first_flight(go, way):
    """Each of three messages over one session under TLS, none in the
    clear; the last two go where the first one left the session."""
    r = by_mx(go) if way == "mx" else smarthost(
        go, relay_tls="starttls", relay_tls_verify="no")
    with r:
        for _ in range(3):
            rows = r.send(dest="far.test" if way == "mx" else "")
            assert rows[0][1] == DELIVERED, rows
        assert "without TLS" not in r.p.log()
        go.took(3)
    text = go.read("got")
    assert text.count("with ESMTPS") == 3 and text.count("TLS-1.3") == 3


def weak(tls, ciphers, version=ssl.TLSVersion.TLSv1_2, dh=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.minimum_version = ssl.TLSVersion.TLSv1
    c.maximum_version = version
    c.set_ciphers(ciphers + ":@SECLEVEL=0")
    c.load_cert_chain(tls)
    if dh:
        c.load_dh_params(dh)
    return c


@pytest.fixture(scope="module")
def old():
    """A certificate of its time: 1024 bits, SHA-1; and a group of 1024."""
    d = rohrpost.scratch("old")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-sha1", "-nodes",
         "-days", "2", "-subj", "/CN=hop.test", "-keyout", d + "/key.pem",
         "-out", d + "/cert.pem"], check=True, capture_output=True)
    with open(d + "/both.pem", "w") as f:
        for name in ("/key.pem", "/cert.pem"):
            f.write(open(d + name).read())
    # The second Oakley group, RFC 2409 6.2, in DER of PKCS #3.
    prime = bytes.fromhex(
        "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"
        "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"
        "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
        "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff")
    der = b"\x30\x81\x87\x02\x81\x81\0" + prime + b"\x02\x01\x02"
    with open(d + "/dh.pem", "w") as f:
        f.write("-----BEGIN DH PARAMETERS-----\n" +
                base64.encodebytes(der).decode() +
                "-----END DH PARAMETERS-----\n")
    yield d
    rohrpost.remove(d)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["dhe", "tls1.0", "cbc"])
def test_weak_peers_are_better_than_none(old, kind):
    """A group, a key and a signature that nobody would verify today, and TLS
    of long ago: under TLS all the same, where nothing is verified."""
    pem = old + "/both.pem"
    hop = Hop(context={
        "dhe": lambda: weak(pem, "DHE-RSA-AES128-GCM-SHA256",
                            dh=old + "/dh.pem"),
        "tls1.0": lambda: weak(pem, "ALL", ssl.TLSVersion.TLSv1),
        "cbc": lambda: weak(pem, "AES128-SHA")}[kind]())
    with by_mx(hop) as r:
        assert r.send()[0][1] == DELIVERED
        assert "without TLS" not in r.p.log()
    assert [under for _, under in hop.messages] == [True]
    hop.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["tls1.0", "key"])
def test_weak_peers_wait_where_nothing_goes_in_the_clear(old, kind):
    """Nobody asks whose certificate it is, but a password or what must go
    under TLS goes to no peer of long ago."""
    hop = Hop(context={
        "tls1.0": lambda: weak(old + "/both.pem", "ALL", ssl.TLSVersion.TLSv1),
        "key": lambda: weak(old + "/both.pem", "DHE-RSA-AES128-GCM-SHA256",
                            dh=old + "/dh.pem")}[kind]())
    with smarthost(hop, relay_tls="starttls", relay_tls_verify="no") as r:
        assert r.send(dest="")[0][1] == LATER
    assert hop.messages == []
    hop.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_weak_peers_are_refused_where_they_are_verified(old):
    hop = Hop(context=weak(old + "/both.pem", "DHE-RSA-AES128-GCM-SHA256",
                           dh=old + "/dh.pem"))
    with smarthost(hop, relay_tls="starttls",
                   relay_ca_file=old + "/cert.pem") as r:
        rows = r.send(dest="")
        assert rows[0][1] == LATER and "4.7.5 " in rows[0][2], rows
    assert hop.messages == []
    hop.close()


class Alert(Hop):
    """Ends each handshake with an alert: insufficient_security."""

    def session(self, c):
        f = c.makefile("rb")
        c.sendall(b"220 hop\r\n")
        for line in f:
            verb = line.split()[0].upper()
            if verb == b"STARTTLS":
                c.sendall(b"220 go\r\n")
                c.recv(65536)
                c.sendall(b"\x15\x03\x03\0\x02\x02\x47")
                return
            if verb == b"DATA":
                c.sendall(b"354 go\r\n")
                while f.readline() != b".\r\n":
                    pass
                self.messages.append(line)
            c.sendall(b"250-hop\r\n250 STARTTLS\r\n" if verb == b"EHLO" else
                      b"250 ok\r\n")


@pytest.mark.parametrize("hop, why", [
    (lambda: Hop(), "STARTTLS is not offered"),
    (lambda: Alert(), "TLS: insufficient security"),
    (lambda: Hop(features=["STARTTLS"], STARTTLS=["454 4.7.0 no keys"]),
     "said: 454 4.7.0 no keys"),
])
def test_the_log_says_what_left_without_tls(hop, why):
    hop = hop()
    with by_mx(hop) as r:
        for n in range(2):
            assert r.send()[0][1] == DELIVERED
            wait_for(lambda: r.p.log().count("left without TLS to hop.test "
                                             "[127.0.0.1]: ") == n + 1, 20,
                     text=r.p.log())
        said = [line for line in r.p.log().splitlines()
                if "left without TLS" in line]
        assert all(why in line for line in said), said
        rows = r.send(tls=TLS_ENCRYPTED)
        assert rows[0][1] == LATER, rows
    hop.close()
    # Where the operator wants none there is nothing to be said.
    hop = Hop()
    with by_mx(hop, relay_tls="never") as r:
        assert r.send()[0][1] == DELIVERED
        assert "left without TLS" not in r.p.log()
    hop.close()


def test_auth_of_old_servers(tls):
    """RFC 4954 1: the form with = of before is understood."""
    said = []

    class Old(Hop):
        def auth(self, say, f, line):
            said.append(line.split()[1])
            say("235 2.7.0 welcome")

    secret = rohrpost.scratch("secret")
    with open(secret + "/p", "w") as f:
        f.write("secret\n")
    for features in (["AUTH=LOGIN PLAIN"], ["AUTH=PLAIN", "AUTH LOGIN"],
                     ["AUTH PLAIN", "AUTH=LOGIN"]):
        hop = Old(context=tls, features=features)
        with smarthost(hop, relay_ca_file=tls.ca, relay_user="u",
                       relay_password_file=secret + "/p") as r:
            rows = r.send(dest="")
            assert rows[0][1] == DELIVERED, rows
        hop.close()
    assert said == ["PLAIN"] * 3
    rohrpost.remove(secret)
