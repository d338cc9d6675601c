"""relay alone: the test is queue, resolve and the next hops."""
import os
import socket
import ssl
import struct
import subprocess
import threading

import pytest

import frames
import rohrpost

J_RELAY, J_RESULT, J_BROKEN, J_REFUSED = 2, 3, 4, 5
(JF_FILE, JF_SENDER, JF_RECIPIENTS, JF_LENGTH, JF_CRC, JF_OFFSET, JF_TIME,
 JF_ROUTE, JF_FLAGS, JF_RESULTS, JF_HOST, JF_WORDS, JF_LOGIN,
 JF_CREDENTIAL, JF_TLS) = range(1, 16)
TLS_ROUTE, TLS_ENCRYPTED, TLS_VERIFIED = range(3)
DELIVERED, LATER, NEVER = range(3)
BODY = b"Return-Path: <a@us.test>\r\nSubject: x\r\n\r\n.dot\r\nend\r\n"
OFFSET = 26


def crc32c(data):
    table = crc32c.__dict__.setdefault("table", [])
    if not table:
        for i in range(256):
            for _ in range(8):
                i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
            table.append(i)
    crc = 0xffffffff
    for b in data:
        crc = crc >> 8 ^ table[(crc ^ b) & 0xff]
    return crc ^ 0xffffffff


class Hop:
    """A next hop. Behaviour: a dict of what differs from a good server."""

    def __init__(self, address="127.0.0.1", port=0, context=None, **odd):
        self.s = socket.socket()
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.s.bind((address, port))
        self.s.listen(20)
        self.port = self.s.getsockname()[1]
        self.context, self.odd = context, odd
        self.connections, self.lines, self.messages = 0, [], []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                c, _ = self.s.accept()
            except OSError:
                return
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self.serve, args=(c,),
                             daemon=True).start()

    def serve(self, c):
        try:
            self.session(c)
        except (OSError, ssl.SSLError):
            pass
        finally:
            c.close()

    def session(self, c):
        f = c.makefile("rb")
        tls = False

        def say(*lines):
            c.sendall(b"".join(s.encode() + b"\r\n" for s in lines))

        say(self.odd.get("banner", "220 hop"))
        while True:
            line = f.readline()
            if not line:
                return
            self.lines.append(line.decode().strip())
            verb = line.split()[0].upper().decode()
            if verb in self.odd and verb != "DATA":
                reply = self.odd[verb]
                if reply is None:
                    return
                say(*reply)
                if self.odd.get("close") == verb:
                    c.shutdown(socket.SHUT_WR)
                    f.read()
                    return
                continue
            if verb == "EHLO":
                say("250-hop", *["250-" + x for x in self.odd.get(
                    "features", ["PIPELINING", "8BITMIME"])],
                    *["250-STARTTLS"] if self.context and not tls else [],
                    "250 ENHANCEDSTATUSCODES")
            elif verb == "STARTTLS":
                c.sendall(b"220 go\r\n" + self.odd.get("inject", b""))
                if self.odd.get("tls_garbage"):
                    c.sendall(b"this is no TLS\r\n" * 10)
                    return
                c = self.context.wrap_socket(c, server_side=True)
                f, tls = c.makefile("rb"), True
            elif verb == "DATA":
                if "DATA" in self.odd:
                    say(*self.odd["DATA"])
                    continue
                say("354 go")
                data = b""
                while not (b"\r\n" + data).endswith(b"\r\n.\r\n"):
                    more = f.read1(65536)
                    if not more:
                        return
                    data += more
                self.messages.append((data, tls))
                if "gate" in self.odd:
                    self.odd["gate"].wait(60)
                say("250 2.0.0 taken")
            elif verb == "AUTH":
                self.auth(say, f, line.decode())
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def auth(self, say, f, line):
        say("235 2.7.0 welcome")

    def close(self):
        self.s.shutdown(socket.SHUT_RDWR)
        self.s.close()


class Relay:
    def __init__(self, mx=(), status=0, **keys):
        """mx: what resolve answers, [(host, [addresses])]."""
        self.dir = rohrpost.scratch("relay")
        keys = dict({"hostname": "us.test", "state_dir": self.dir,
                     "relay_allow_loopback": "yes"}, **keys)
        self.p = frames.Program(rohrpost.LIBEXEC / "relay", self.dir, keys,
                                ["queue", "resolve"])
        self.queue, self.mx, self.status = self.p.peers["queue"], mx, status
        self.asked = []
        threading.Thread(target=self.resolve, daemon=True).start()
        self.n = 0

    def resolve(self):
        c = self.p.peers["resolve"]
        while True:
            try:
                got = c.recv(600)
            except (OSError, ValueError):
                return
            if got is None:
                return
            kind, ident, fields = got
            self.asked.append((kind, fields[1].decode()))
            hosts = b"".join(
                frames.u32(10 * i) + frames.lv(h) + frames.u32(len(a)) +
                b"".join(frames.lv(x) for x in a)
                for i, (h, a) in enumerate(self.mx))
            c.send(3, {2: frames.u32(self.status), 3: hosts,
                       4: b"4.4.3 words of resolve"}, ident)

    def job(self, to=("u@far.test",), dest="far.test", body=BODY, crc=None,
            length=None, tls=TLS_ROUTE, credential=""):
        self.n += 1
        path = "%s/body%d" % (self.dir, self.n)
        with open(path, "wb") as f:
            f.write(body)
        fd = os.open(path, os.O_RDONLY)
        self.queue.send(J_RELAY, {
            JF_FILE: b"00000000000000%02d" % (self.n % 100),
            JF_SENDER: b"a@us.test",
            JF_RECIPIENTS: b"".join(frames.u32(i + 5) + frames.lv(a)
                                    for i, a in enumerate(to)),
            JF_LENGTH: frames.u64(len(body) if length is None else length),
            JF_CRC: frames.u32(crc32c(body) if crc is None else crc),
            JF_OFFSET: frames.u32(OFFSET), JF_TIME: frames.u64(1),
            JF_ROUTE: dest.encode(), JF_FLAGS: frames.u32(0),
            JF_CREDENTIAL: credential.encode(), JF_TLS: frames.u32(tls)},
            self.n, fds=[fd])
        os.close(fd)

    def answer(self):
        """[(index, result, words)], or the words of BROKEN or REFUSED."""
        got = self.queue.recv(60)
        assert got is not None, self.p.log()
        kind, ident, fields = got
        assert ident <= self.n
        self.ident = ident
        if kind != J_RESULT:
            return kind, fields[JF_WORDS].decode()
        data, rows = fields[JF_RESULTS], []
        while data:
            i, r, passed, n = struct.unpack("<IBBI", data[:10])
            assert passed <= (r == DELIVERED)
            rows.append((i, r, data[10:10 + n].decode()))
            data = data[10 + n:]
        self.host = fields.get(JF_HOST, b"").decode()
        return rows

    def send(self, **kw):
        self.job(**kw)
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.p.stop()
        rohrpost.remove(self.dir)


@pytest.fixture(scope="module")
def tls():
    d = rohrpost.scratch("cert")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=hop.test", "-addext", "subjectAltName=DNS:hop.test", "-keyout",
         d + "/key.pem", "-out", d + "/cert.pem"], check=True,
        capture_output=True)
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(d + "/cert.pem", d + "/key.pem")
    c.ca = d + "/cert.pem"
    yield c
    rohrpost.remove(d)


def by_mx(hop, **keys):
    return Relay([("hop.test", ["127.0.0.1"])], relay_mx_port=str(hop.port),
                 **keys)


def smarthost(hop, **keys):
    return Relay([("hop.test", ["127.0.0.1"])], relay_host="hop.test",
                 relay_port=str(hop.port), **keys)


def test_one_connection_for_many():
    hop = Hop()
    with by_mx(hop) as r:
        for i in range(120):
            rows = r.send()
            assert rows == [(5, DELIVERED, rows[0][2])]
        assert r.host == "hop.test [127.0.0.1]"
        assert hop.connections == 2  # at most 100 messages each
        assert len(hop.messages) == 120
        assert hop.messages[0][0] == b"Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n"
        assert len(r.asked) == 2
        rohrpost.wait_for(lambda: hop.lines[-1] == "QUIT", 30)
        r.send()
        assert hop.connections == 3
    hop.close()


def test_many_jobs_waiting_are_done_in_order():
    hop = Hop()
    with by_mx(hop) as r:
        for i in range(20):
            r.job(body=BODY + b"%d\r\n" % i)
        for i in range(20):
            assert r.answer()[0][1] == DELIVERED
            assert r.ident == i + 1
    assert [m[0].split(b"\r\n")[-3] for m in hop.messages] == [
        b"%d" % i for i in range(20)]
    hop.close()


def test_another_destination_takes_another_connection():
    hop = Hop()
    with by_mx(hop) as r:
        r.send(dest="a.test")
        r.send(dest="b.test")
        r.send(dest="B.test")
        assert hop.connections == 2
    hop.close()


def test_destination_that_must_be_encrypted(tls):
    """A key of its own: what is kept open for others is not taken."""
    clear, hop = Hop(), Hop(context=tls)
    with by_mx(clear) as r:
        rows = r.send(tls=TLS_ENCRYPTED)
        assert rows[0][1] == LATER and rows[0][2].startswith("4.7.4"), rows
        assert clear.messages == []
        assert r.send()[0][1] == DELIVERED
        assert r.send(tls=TLS_ENCRYPTED)[0][1] == LATER
        assert len(clear.messages) == 1
    with by_mx(hop) as r:
        for n in (1, 1, 2):
            assert r.send(tls=TLS_ENCRYPTED if n == 1 else TLS_ROUTE)[0][
                1] == DELIVERED
            assert hop.connections == n
        assert all(m[1] is True for m in hop.messages)
    with by_mx(hop, relay_tls="never") as r:
        rows = r.send(tls=TLS_ENCRYPTED)
        assert rows[0][1] == LATER and "relay_tls is never" in rows[0][2]
    bad = Hop(context=tls, tls_garbage=True)
    with by_mx(bad) as r:
        assert r.send(tls=TLS_ENCRYPTED)[0][1] == LATER
        assert bad.messages == [] and bad.connections == 1


def test_destination_that_must_be_verified(tls):
    hop = Hop(context=tls)
    with by_mx(hop) as r:
        rows = r.send(tls=TLS_VERIFIED)
        assert rows[0][1] == LATER and rows[0][2].startswith("4.7.5"), rows
    with by_mx(hop, relay_ca_file=tls.ca) as r:
        assert r.send(tls=TLS_VERIFIED)[0][1] == DELIVERED
    with Relay([("other.test", ["127.0.0.1"])], relay_mx_port=str(hop.port),
               relay_ca_file=tls.ca) as r:
        rows = r.send(tls=TLS_VERIFIED)
        assert rows[0][1] == LATER and "certificate" in rows[0][2], rows
        assert r.send()[0][1] == DELIVERED
    assert len(hop.messages) == 2


def test_credential_that_relay_has_not(tls):
    hop = Hop(context=tls, features=["AUTH PLAIN"])
    d = rohrpost.scratch("password")
    with open(d + "/p", "w") as f:
        f.write("tall secret\n")
    with smarthost(hop, relay_ca_file=tls.ca, relay_user="u",
                   relay_password_file=d + "/p") as r:
        rows = r.send(dest="", credential="another")
        assert rows[0][1] == LATER and rows[0][2].startswith("4.3.5"), rows
        assert hop.connections == 0
        r.send(dest="", credential="u")
        assert hop.connections == 1
        assert any(x.startswith("AUTH PLAIN") for x in hop.lines)
    rohrpost.remove(d)


def test_big_message_comes_whole():
    hop = Hop()
    body = BODY + b"".join(b".%d %s\r\n" % (i, b"x" * 60)
                           for i in range(30000))
    with by_mx(hop) as r:
        assert r.send(body=body)[0][1] == DELIVERED
    sent = hop.messages[0][0]
    assert sent[:-3].replace(b"\r\n.", b"\r\n") == body[OFFSET:]
    hop.close()


def test_next_host_takes_what_the_first_did_not():
    first = Hop(MAIL=["451 4.7.1 later"])
    second = Hop("127.0.0.2", first.port)
    with Relay([("one.test", ["127.0.0.3", "127.0.0.1"]),
                ("two.test", ["127.0.0.2"])],
               relay_mx_port=str(first.port)) as r:
        assert r.send()[0][1] == DELIVERED
        assert r.host.startswith("two.test")
        assert first.connections == 1 and len(second.messages) == 1
    first.close()
    second.close()


def test_all_hosts_down_is_later():
    hop = Hop()
    hop.close()
    with by_mx(hop) as r:
        rows = r.send(to=("a@far.test", "b@far.test"))
        assert [x[:2] for x in rows] == [(5, LATER), (6, LATER)]
        assert rows[0][2] == ("4.4.1 connection to hop.test [127.0.0.1]:%d: "
                              "Connection refused" % hop.port)


@pytest.mark.parametrize("features", [["PIPELINING"], []])
@pytest.mark.parametrize("reply, result", [
    ("550 5.7.1 you are blocked", NEVER), ("451 4.7.1 come later", LATER)])
def test_refused_at_mail_and_closed(reply, result, features):
    """What the server said counts, not that it was gone afterwards."""
    hop = Hop(MAIL=(reply,), close="MAIL", features=features)
    with by_mx(hop) as r:
        rows = r.send(to=("u@far.test", "v@far.test"))
        assert [x[1] for x in rows] == [result] * 2, rows
        assert all(reply[4:] in x[2] for x in rows), rows
    hop.close()


def test_lost_after_the_dot_asks_no_second_host():
    class Lost(Hop):
        def session(self, c):
            f = c.makefile("rb")
            c.sendall(b"220 x\r\n")
            for reply in (b"250 x\r\n", b"250 x\r\n", b"250 x\r\n",
                          b"354 x\r\n"):
                f.readline()
                c.sendall(reply)
            while f.readline() not in (b".\r\n", b""):
                pass

    first = Lost()
    second = Hop("127.0.0.2", first.port)
    with Relay([("one.test", ["127.0.0.1"]), ("two.test", ["127.0.0.2"])],
               relay_mx_port=str(first.port)) as r:
        assert r.send()[0][1] == LATER
        assert second.connections == 0
    first.close()
    second.close()


@pytest.mark.parametrize("status,result", [(1, NEVER), (2, NEVER), (3, NEVER),
                                           (4, LATER)])
def test_what_resolve_says(status, result):
    with Relay(status=status) as r:
        rows = r.send()
        assert rows[0][1:] == (result, "4.4.3 words of resolve")


def test_smarthost_that_does_not_exist_is_later():
    with Relay(status=2, relay_host="hop.test") as r:
        assert r.send(dest="")[0][1] == LATER
        assert r.asked == [(2, "hop.test")]


def test_loopback_by_mx_is_refused():
    hop = Hop()
    with by_mx(hop, relay_allow_loopback="no") as r:
        rows = r.send()
        assert rows[0][1] == NEVER and rows[0][2].startswith("5.4.6")
        for dest in ("[127.0.0.1]", "[0.0.0.0]", "[IPv6:::1]",
                     "[IPv6:::ffff:127.0.0.1]"):
            rows = r.send(dest=dest)
            assert rows[0][1] == NEVER, (dest, rows)
        assert r.send(dest="[nonsense]")[0][1] == NEVER
        assert hop.connections == 0
    hop.close()


def test_address_literal():
    hop = Hop()
    with by_mx(hop) as r:
        assert r.send(dest="[127.0.0.1]")[0][1] == DELIVERED
        assert r.asked == []
    hop.close()


def test_broken_file_is_set_aside():
    with Relay([("hop.test", ["127.0.0.1"])]) as r:
        assert r.send(crc=1)[0] == J_BROKEN
        assert r.send(length=len(BODY) + 1)[0] == J_BROKEN


def test_opportunistic_tls_and_fall_back(tls):
    good, bad = Hop(context=tls), Hop(context=tls, tls_garbage=True)
    with by_mx(good) as r:
        assert r.send()[0][1] == DELIVERED
    assert good.messages[0][1] is True
    with by_mx(bad) as r:
        assert r.send()[0][1] == DELIVERED
    assert bad.messages[0][1] is False and bad.connections == 2
    with by_mx(good, relay_tls="never") as r:
        assert r.send()[0][1] == DELIVERED
    assert good.messages[1][1] is False


def test_nothing_from_before_tls_is_used(tls):
    """A 250 that was injected behind STARTTLS answers nothing later."""
    hop = Hop(context=tls, inject=b"250-evil\r\n250 PIPELINING\r\n" * 3)
    with smarthost(hop, relay_ca_file=tls.ca) as r:
        rows = r.send(dest="")
        assert rows[0][1] == DELIVERED, rows
        assert hop.messages[0][1] is True
        assert hop.lines.count("EHLO us.test") == 2


@pytest.mark.parametrize("keys,odd,words", [
    ({}, {}, "certificate"),  # not of the system's authorities
    ({"ca": 1, "relay_host": "other.test"}, {}, "certificate"),
    ({"ca": 1}, {"STARTTLS": ["454 4.7.0 not now"]}, "4.7.0"),
    ({"ca": 1}, {"tls_garbage": True}, "TLS"),
    ({"ca": 1, "relay_tls": "may"}, {"tls_garbage": True}, "TLS"),
])
def test_smarthost_is_never_quietly_clear(tls, keys, odd, words):
    hop = Hop(context=tls, **odd)
    keys = dict(keys)
    if keys.pop("ca", None):
        keys["relay_ca_file"] = tls.ca
    keys.setdefault("relay_host", "hop.test")
    with Relay([(keys["relay_host"], ["127.0.0.1"])],
               relay_port=str(hop.port), **keys) as r:
        rows = r.send(dest="")
        assert rows[0][1] == LATER and words in rows[0][2], rows
        assert hop.messages == []
        assert r.send(dest="")[0][1] == LATER
    hop.close()


def test_smarthost_without_starttls_gets_nothing():
    hop = Hop()
    with smarthost(hop) as r:
        rows = r.send(dest="")
        assert rows[0][1] == LATER and rows[0][2].startswith("4.7.4")
    with smarthost(hop, relay_tls="may") as r:
        assert r.send(dest="")[0][1] == DELIVERED
    hop.close()


def test_unverified_where_the_operator_says_so(tls):
    hop = Hop(context=tls)
    with smarthost(hop, relay_tls_verify="no") as r:
        assert r.send(dest="")[0][1] == DELIVERED
    assert hop.messages[0][1] is True


def test_password_is_not_shown_without_tls():
    hop = Hop(features=["AUTH PLAIN LOGIN"])
    d = rohrpost.scratch("password")
    with open(d + "/p", "w") as f:
        f.write("tall secret\n")
    with smarthost(hop, relay_tls="never", relay_user="u",
                   relay_password_file=d + "/p") as r:
        rows = r.send(dest="")
        assert rows[0][1] == LATER and rows[0][2].startswith("4.7.0")
        assert not any(x.startswith("AUTH") for x in hop.lines)
    rohrpost.remove(d)
    hop.close()


def test_refused_login_is_later(tls):
    hop = Hop(context=tls, features=["AUTH PLAIN"],
              AUTH=["535 5.7.8 wrong"])
    d = rohrpost.scratch("password")
    with open(d + "/p", "w") as f:
        f.write("tall secret\n")
    with smarthost(hop, relay_ca_file=tls.ca, relay_user="u",
                   relay_password_file=d + "/p") as r:
        rows = r.send(dest="")
        assert rows[0][1] == LATER and rows[0][2].startswith("4.7.8")
        assert "secret" not in r.p.log()
    rohrpost.remove(d)


def test_a_thousand_recipients():
    hop = Hop()
    with by_mx(hop) as r:
        rows = r.send(to=["user%d@far.test" % i for i in range(1000)])
        assert len(rows) == 1000
        assert {x[1] for x in rows} == {DELIVERED}
    hop.close()


def test_bad_frame_from_queue_and_a_fresh_one():
    hop = Hop()
    with by_mx(hop) as r:
        r.queue.send(J_RESULT, {JF_RESULTS: b""}, 1)
        assert r.queue.recv() is None
        r.queue = r.p.wire("queue")
        assert r.send()[0][1] == DELIVERED
    hop.close()


def test_queue_comes_back_while_a_host_is_silent():
    """What the new queue asks for is done when the old one's job is."""
    class Late(Hop):
        def session(self, c):
            gate.wait(60)
            super().session(c)

    gate = threading.Event()
    hop = Late()
    with by_mx(hop) as r:
        r.job()
        rohrpost.wait_for(lambda: hop.connections == 1)
        old, r.queue = r.queue, r.p.wire("queue")
        r.job()
        assert old.recv(60) is None
        old.close()
        gate.set()
        assert r.answer()[0][1] == DELIVERED and r.ident == 2
    assert len(hop.messages) == 2
    hop.close()


def test_resolve_comes_back():
    hop = Hop()
    with by_mx(hop) as r:
        r.p.peers["resolve"].sock.shutdown(socket.SHUT_RDWR)
        r.p.peers["resolve"].close()
        r.p.peers["resolve"] = r.p.wire("resolve")
        threading.Thread(target=r.resolve, daemon=True).start()
        assert r.send()[0][1] == DELIVERED
    hop.close()


def test_stop_refuses_what_waits():
    """What is under way is ended first, and its result told."""
    gate = threading.Event()
    hop = Hop(gate=gate)
    with by_mx(hop) as r:
        r.job()
        r.job()
        rohrpost.wait_for(lambda: len(hop.messages) == 1)
        r.p.master.send(frames.WIRE_STOP, {})
        # At work it listens to master once a second: so long, or longer.
        threading.Timer(1.2, gate.set).start()
        assert r.answer()[0][1] == DELIVERED and r.ident == 1
        assert r.answer() == (J_REFUSED, "retiring") and r.ident == 2
        assert r.p.proc.wait(20) == 0
    assert len(hop.messages) == 1
    hop.close()


@pytest.mark.parametrize("verb", ["EHLO", "STARTTLS", "MAIL", "DATA"])
def test_stop_waits_for_no_silent_host(tls, verb):
    """Nobody has the message yet: queue has it back as it was. That a
    STARTTLS was cut is no reason to say it all in the clear."""
    hop = Hop(features=[], context=tls if verb == "STARTTLS" else None,
              **{verb: []})
    with by_mx(hop) as r:
        r.job()
        rohrpost.wait_for(lambda: any(x.startswith(verb) for x in hop.lines))
        r.p.master.send(frames.WIRE_STOP, {})
        assert r.answer() == (J_REFUSED, "retiring")
        assert r.p.proc.wait(20) == 0
    assert not hop.messages and hop.connections == 1
    hop.close()
