"""fetch, the collector's worker, against providers: Debian's Dovecot, and one
that is made for what no good one does."""
import os
import socket
import ssl
import threading
import time

import pytest

import fetcher
import oldserver
import rohrpost
from fakepop import CAPA, Provider
from fetcher import (ANY_CERTIFICATE, IMAP, MAY_IDLE, PLAIN, POP3, STARTTLS,
                     TLS, Manager)
from rohrpost import wait_for

# Every octet, where the whole is asked for.
EVERY = int(os.environ.get("ROHRPOST_EVERY", "7"))


def mail(n, body=b"x\r\n", head=b""):
    return b"%sMessage-ID: <%d@far.test>\r\nSubject: %d\r\n\r\n%s" % (
        head, n, n, body)


def drop(n):
    return [("uid%d" % i, mail(i)) for i in range(1, n + 1)]


@pytest.fixture(scope="module", autouse=True)
def tls():
    d = rohrpost.scratch("cert")
    oldserver.certificate(d, "provider.test")
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(d + "/cert.pem", d + "/key.pem")
    c.ca = Manager.ca = d + "/cert.pem"
    yield c
    rohrpost.remove(d)


def test_message_as_it_was():
    odd = [("dots", mail(1, b".\r\n..\r\n.x\r\n")),
           ("no-end", mail(2, b"no end of line")),
           ("empty", b"\r\n"),
           ("path", b"Return-Path: <b@far.test>\r\n" + mail(4)),
           ("bare", b"Subject: a\nX: y\r\n\r\na\nb\rc\r\r\nd\0e\r\n"),
           ("eight", mail(6, "ä\r\n".encode())),
           ("header", b"X: %s\r\n\r\nx\r\n" % (b"y" * 300000)),
           ("no-header", b"only text\r\n")]
    p, m = Provider(odd), Manager()
    assert m.run(port=p.port) == ("OK", ""), m.log
    text = {x.key: x for x in m.messages}
    assert text["dots"].body == odd[0][1]
    assert text["no-end"].body == odd[1][1] + b"\r\n"
    assert text["empty"].body == b"\r\n"
    assert text["path"].body == mail(4)
    assert text["path"].sender == b"b@far.test"
    assert text["path"].text.startswith(
        b"Return-Path: <b@far.test>\r\nDelivered-To: anna@example.test\r\n"
        b"Received: from provider.test ([127.0.0.1])\r\n"
        b"\tby us.test (Rohrpost) with POP3 id 0000000000000004\r\n"
        b"\tfor <anna@example.test>; ")
    assert text["path"].text[text["path"].forward:].startswith(b"Delivered")
    assert text["dots"].message_id == b"<1@far.test>"
    assert text["bare"].body == (b"Subject: a\r\nX: y\r\n\r\na\r\nb c\r\n"
                                 b"d e\r\n")
    assert text["eight"].body == odd[5][1]
    assert text["header"].body == odd[6][1]
    assert text["no-header"].body == odd[7][1] + b""
    assert p.drop == []


def test_recipients_of_the_envelope():
    p = Provider([
        ("a", mail(1, head=b"Delivered-To: box@p.test\r\n"
                   b"X-Envelope-To: <a@us.test>, b@us.test\r\n")),
        ("b", mail(2, head=b"To: nobody@us.test\r\nReceived: from x by y\r\n"
                   b"\tfor <c@us.test>; now\r\n")),
        ("c", mail(3, head=b"To: d@us.test\r\n"))])
    m = Manager(fields=["X-Envelope-To", "Received"])
    assert m.run(port=p.port) == ("OK", "")
    assert [x.recipients for x in m.messages] == [
        ["a@us.test", "b@us.test"], ["c@us.test"], []]
    heads = [x.text.split(b"Received:")[0] for x in m.messages]
    assert [b"Delivered-To" in h for h in heads] == [False, True, False]


def test_keeping_and_removing():
    """What is kept is there in the next list, and not fetched again."""
    p, m = Provider(drop(3)), Manager()
    m.remove = False
    assert m.run(port=p.port)[0] == "OK"
    p.drop.append(["uid4", mail(4)])
    p.drop.reverse()  # order changes
    assert m.run(port=p.port)[0] == "OK"
    assert m.known == {"uid%d" % i: 1 for i in range(1, 5)}
    assert len(p.drop) == 4 and "DELE" not in " ".join(p.lines)
    m.remove = True
    assert m.run(port=p.port)[0] == "OK"
    assert p.drop == [] and len(m.messages) == 4


def test_names_that_are_none():
    """Messages without a name, or with another's, are told apart by what is
    in them; copies of one message are one."""
    p = Provider([("same", mail(1)), ("", mail(2)), ("same", mail(3)),
                  ("b\xe4d", mail(4)), ("x" * 71, mail(5)),
                  ("copy", mail(6)), ("copy", mail(6)), ("good", mail(7))])
    m = Manager()
    assert m.run(port=p.port)[0] == "OK"
    assert sorted(x.body for x in m.messages) == [
        mail(i) for i in range(1, 8)]
    assert "good" in m.known and "copy" in m.known and "same" not in m.known
    assert [x[0] for x in p.drop] == ["copy"]
    assert m.run(port=p.port)[0] == "OK"
    assert p.drop == [] and len(m.messages) == 7


def test_server_without_uidl_and_capa():
    err = {"capa": lambda s, r: s.say("-ERR") or True,
           "uidl": lambda s, r: s.say("-ERR") or True,
           "auth": lambda s, r: s.say("-ERR") or True}
    p, m = Provider(drop(4), **err), Manager()
    m.remove = False
    for i in range(2):
        assert m.run(port=p.port)[0] == "OK", m.log
    assert len(m.messages) == 4


LIES = {
    "sizes": {"list": lambda s, r: s.say(
        "+OK", "1 1", "2 99999999", "3 4", "7 7", ".") or True},
    "numbers": {"uidl": lambda s, r: s.say(
        "+OK", "1 uid1", "1 again", "9 nine", "2 uid2", "x y", "3 uid3",
        ".") or True},
}


@pytest.mark.parametrize("lie", LIES)
def test_lies(lie):
    p, m = Provider(drop(3), **LIES[lie]), Manager()
    assert m.run(port=p.port)[0] == "OK"
    got = ["uid1", "uid3"] if lie == "sizes" else ["uid1", "uid2", "uid3"]
    assert [x.key for x in m.messages] == got
    assert m.left == ([("uid2", fetcher.TOO_LARGE)] if lie == "sizes" else [])


def test_too_large():
    """It stays there, and is said once: by its size, or where that is a lie
    when it comes."""
    big = mail(2, b"y" * 2000000)
    p = Provider([("a", mail(1)), ("big", big), ("c", mail(3))])
    m = Manager(largest=100000)
    assert m.run(port=p.port)[0] == "OK"
    assert m.left == [("big", fetcher.TOO_LARGE)]
    assert [x[0] for x in p.drop] == ["big"]

    p = Provider([("a", mail(1)), ("big", big), ("c", mail(3))],
                 list=lambda s, r: s.say("+OK", "1 9", "2 9", "3 9", ".") or
                 True)
    m = Manager(largest=100000)
    m.remove = False
    assert m.run(port=p.port)[0] == "LIMIT"
    assert m.left == [("big", fetcher.TOO_LARGE)]
    assert m.run(port=p.port)[0] == "OK"
    assert len(m.left) == 1
    assert [x.key for x in m.messages] == ["a", "c"]


def refuse(words):
    return lambda s, r: s.say("-ERR " + words) or True


ENDS = [
    ({"auth": refuse("[AUTH] wrong")}, "REFUSED", "wrong"),
    ({"auth": refuse("[IN-USE] locked")}, "IN_USE", "locked"),
    ({"auth": refuse("[LOGIN-DELAY] wait")}, "LOGIN_DELAY", "wait"),
    ({"auth": refuse("[SYS/TEMP] later")}, "SYS_TEMP", "later"),
    ({"auth": refuse("[SYS/PERM] gone")}, "SYS_PERM", "gone"),
    ({"greeting": b"-ERR [SYS/TEMP] too many\r\n"}, "SYS_TEMP", "too many"),
    ({"greeting": b"* OK IMAP4rev1\r\n"}, "PROTOCOL", "does not speak POP3"),
    ({"greeting": b"+OK " + b"x" * (1 << 20) + b"\r\n"}, "LOST",
     "a line without end"),
    ({"uidl": lambda s, r: s.send(b"+OK\r\n1 " + b"x" * 9000 + b"\r\n") or
      True}, "LOST", "a line without end"),
    ({"stat": lambda s, r: s.say("+OK what") or True}, "LOST",
     "does not say how many"),
    ({"capa": ["SASL GSSAPI"]}, "SYS_PERM", "no login that we know"),
    ({"uidl": refuse("what"), "top": refuse("what")}, "SYS_PERM",
     "1 messages cannot be fetched: neither UIDL nor TOP"),
    ({"uidl": refuse("what"), "top": refuse("[SYS/TEMP] later")}, "SYS_TEMP",
     "1 messages cannot be fetched: neither UIDL nor TOP"),
]


@pytest.mark.parametrize("odd, status, words", ENDS)
def test_ends(odd, status, words):
    m = Manager()
    got = m.run(port=Provider(drop(1), **odd).port)
    assert got[0] == status and words in got[1], got
    assert not m.messages


def test_nobody_there():
    m, p = Manager(), Provider()
    p.close()
    assert m.run(port=p.port)[0] == "UNREACHED"
    m.hosts = []
    assert m.run(port=p.port)[0] == "UNREACHED"


def test_second_address():
    """Nobody is at the first address."""
    p, m = Provider(drop(1)), Manager()
    m.hosts = ["127.0.0.77", "127.0.0.1"]
    assert m.run(port=p.port)[0] == "OK" and len(m.messages) == 1


def test_delay_that_the_server_asks_for():
    m = Manager()
    assert m.run(port=Provider(capa=CAPA + ["LOGIN-DELAY 120"]).port)[0] == \
        "OK"
    assert m.delay == fetcher.u32(120)


def shows(p):
    return any("PASS" in x or "AUTH" in x for x in p.clear)


def test_tls(tls):
    for at_once in False, True:
        p, m = Provider(drop(2), context=tls, at_once=at_once), Manager(
            security=TLS if at_once else STARTTLS)
        assert m.run(port=p.port) == ("OK", ""), m.log
        assert len(m.messages) == 2 and not shows(p)
        assert b"with POP3S id" in m.messages[0].text
        # Nobody says that it is to be trusted.
        m.keys, p.drop = {"collect_ca_file": ""}, drop(1)
        status, words = m.run(port=p.port)
        assert status == "CERTIFICATE" and not shows(p), words
        assert m.run(port=p.port, flags=ANY_CERTIFICATE)[0] == "OK"
        # Another name.
        m.keys = {}
        assert m.run(port=p.port, host="other.test")[0] == "CERTIFICATE"


STRIPPED = {
    "not offered": {},
    "refused": {"capa": CAPA + ["STLS"],
                "stls": lambda s, r: s.say("-ERR no") or True},
    "injected": {"capa": CAPA + ["STLS"],
                 "stls": lambda s, r: s.send(b"+OK\r\n+OK\r\n.\r\n") or True},
    "in the clear": {"capa": CAPA + ["STLS"],
                     "stls": lambda s, r: s.say("+OK go on") or True},
}


@pytest.mark.parametrize("way", STRIPPED)
def test_no_password_in_the_clear(way):
    p, m = Provider(drop(1), **STRIPPED[way]), Manager(security=STARTTLS,
                                                       seconds=5)
    if way == "in the clear":
        # It waits for a handshake: the client's is no line, and ends it.
        p.odd["\x16\x03\x01"] = None
    p.context = None
    status, words = m.run(port=p.port)
    assert status in ("CERTIFICATE", "LOST"), (status, words)
    assert not any("PASS" in x or "AUTH" in x for x in p.lines)


def once(m, p, everything):
    """Nothing is lost, and nothing came twice."""
    assert sorted(m.known.values()) == [1] * everything, m.known
    assert p.drop == []


def test_cut_anywhere():
    """The line ends behind every 7th octet that the provider says."""
    p, m = Provider(drop(2)), Manager()
    assert m.run(port=p.port)[0] == "OK"
    once(m, p, 2)
    whole = p.said
    assert whole > 200
    for at in range(1, whole, EVERY):
        p, m = Provider(drop(2), cut=at), Manager()
        got = m.run(port=p.port)
        assert got is not None and (got[0] in ("LOST", "PROTOCOL") or
                                    at > whole - 12), (at, got)
        p.cut = None
        assert m.run(port=p.port)[0] == "OK", at
        once(m, p, 2)


def test_killed_anywhere():
    """At each word to collect: what it has said counts, the rest comes
    again."""
    for kind in fetcher.LIST, fetcher.FILE, fetcher.SUBMIT, fetcher.END:
        for n in range(3):
            p, m = Provider(drop(3)), Manager()
            m.kill_at = (kind, n)
            m.run(port=p.port)
            # What that session marked does not go without its QUIT.
            p.wait_over(p.sessions)
            assert m.run(port=p.port)[0] == "OK"
            once(m, p, 3)


def test_queue_takes_nothing():
    p, m = Provider(drop(5)), Manager()
    m.later = True
    assert m.run(port=p.port)[0] == "QUEUE"
    assert len(p.drop) == 5 and m.messages == []
    m.later = False
    assert m.run(port=p.port)[0] == "OK"
    once(m, p, 5)


def test_hands_out_none():
    """Trouble there, not of one message; of one message it is."""
    p, m = Provider(drop(3), retr=refuse("no")), Manager()
    assert m.run(port=p.port)[0] == "SYS_TEMP"
    assert [why for _, why in m.left] == 3 * [fetcher.UNREADABLE]
    assert len(p.drop) == 3 and m.messages == []

    def first(session, rest):
        if rest == "1":
            session.say("-ERR no")
        return rest == "1"

    p, m = Provider(drop(3), retr=first), Manager()
    assert m.run(port=p.port) == ("OK", ""), m.log
    assert [why for _, why in m.left] == [fetcher.UNREADABLE]
    assert len(m.messages) == 2 and len(p.drop) == 1


def test_many_waiting():
    """200,000 messages: the list comes in slices."""
    text = mail(1)
    p, m = Provider(("u%d" % i, text) for i in range(200000)), Manager()
    m.known = {"u%d" % i: 1 for i in range(2, 200000)}
    m.remove = False
    assert m.run(port=p.port) == ("OK", ""), m.log
    assert len(m.listed) == 200000 and max(m.slices) == 1000
    assert [x.key for x in m.messages] == ["u0", "u1"]


def test_time_of_a_run():
    asked = []

    def slow(session, rest):
        asked.append(rest)
        if len(asked) == 3:
            time.sleep(5.2)

    p, m = Provider(drop(20), retr=slow), Manager(seconds=5)
    assert m.run(port=p.port)[0] == "LIMIT"
    assert len(m.messages) <= 3
    # What came is there, and gone at the server.
    assert len(p.drop) == 20 - len(m.messages)


class Cut:
    """Between fetch and a server: the line ends behind so many octets of the
    server's; 0: never. said: how many it said."""

    def __init__(self, to, at):
        self.to, self.at, self.said = to, at, 0
        self.s = socket.create_server(("127.0.0.1", 0))
        self.port = self.s.getsockname()[1]
        self.over = threading.Thread(target=self.run, daemon=True)
        self.over.start()

    def run(self):
        c, _ = self.s.accept()
        server = socket.create_connection(("127.0.0.1", self.to))
        up = threading.Thread(target=self.up, args=(c, server), daemon=True)
        up.start()
        try:
            while data := server.recv(4096):
                if self.at:
                    data = data[:self.at - self.said]
                c.sendall(data)
                self.said += len(data)
                if self.said == self.at:
                    break
        except OSError:
            pass
        for x in c, server:
            try:
                x.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        up.join(60)
        c.close()
        server.close()
        self.s.close()

    def up(self, c, server):
        try:
            while data := c.recv(4096):
                server.sendall(data)
        except OSError:
            pass


@pytest.fixture(scope="module")
def old():
    if os.geteuid() != 0 or not os.path.exists(oldserver.DOVECOT):
        pytest.skip("a whole Dovecot needs root")
    d = oldserver.Dovecot(["anna", "bert"], pop3=True)
    yield d
    d.stop()


def account(old, user, kind, security):
    name = ("imap" if kind == IMAP else "pop3") + \
        ("s" if security == TLS else "")
    m = Manager(kind=kind, host="localhost", port=old.ports[name],
                security=security, login=user,
                password=oldserver.PASSWORD)
    m.keys = {"collect_ca_file": str(old.dir / "cert.pem")}
    return m


@pytest.mark.parametrize("kind", [POP3, IMAP])
@pytest.mark.parametrize("security", [TLS, STARTTLS, PLAIN])
def test_dovecot(old, kind, security):
    texts = [mail(i, b"line %d\r\n.dot\r\n" % i) for i in range(1, 31)]
    old.fill("anna", "INBOX", texts, first=100 * (3 * kind + security))
    m = account(old, "anna", kind, security)
    assert m.run() == ("OK", ""), m.log
    assert sorted(x.body for x in m.messages) == sorted(texts)
    box = old.imap("anna")
    assert box.select()[1] == [b"0"]
    box.logout()
    assert m.run() == ("OK", "") and len(m.messages) == 30


def test_dovecot_keeps_and_waits(old):
    """IDLE: what comes is there in the next list, and once."""
    m = account(old, "bert", IMAP, TLS)
    m.remove = False
    old.fill("bert", "INBOX", [mail(1)], first=1)
    came = threading.Event()

    def on_idle(n):
        if n == 1:
            old.fill("bert", "INBOX", [mail(2)], first=2)
        else:
            came.set()
        return n == 1

    m.on_idle = on_idle
    assert m.run(flags=MAY_IDLE) == ("OK", ""), m.log
    assert came.is_set() and m.idles == 2
    assert [x.body for x in m.messages] == [mail(1), mail(2)]
    validity, since = map(int, m.messages[-1].key.split("."))
    # Above what is known only what is new is listed; of another UIDVALIDITY
    # all.
    old.fill("bert", "INBOX", [mail(3)], first=3)
    assert m.run(validity=validity, since=since)[0] == "OK"
    assert len(m.listed) == 1 and m.messages[-1].body == mail(3)
    m.known = {}
    assert m.run(validity=validity + 1, since=since)[0] == "OK"
    assert len(m.listed) == 3


def test_dovecot_marked_by_others(old):
    """Only what was fetched goes: not what somebody else has marked
    meanwhile."""
    old.fill("bert", "INBOX", [mail(11)], first=11)
    box = old.imap("bert")
    m = account(old, "bert", IMAP, STARTTLS)
    submit = m.on_7

    def mark(c, ident, fields):
        old.fill("bert", "INBOX", [mail(12)], first=12)
        n = box.select()[1][0].decode()
        box.store(n, "+FLAGS", "\\Deleted")
        m.on_7 = submit
        submit(c, ident, fields)

    m.on_7 = mark
    assert m.run()[0] == "OK"
    assert mail(11) in [x.body for x in m.messages]
    assert mail(12) not in [x.body for x in m.messages]
    assert box.select()[1] == [b"1"]
    assert m.run()[0] == "OK"
    assert m.messages[-1].body == mail(12) and box.select()[1] == [b"0"]
    box.logout()


def test_dovecot_refuses(old):
    for kind in POP3, IMAP:
        m = account(old, "anna", kind, TLS)
        got = m.run(password="wrong")
        assert got[0] == "REFUSED", got


def test_dovecot_cut_anywhere(old):
    """The line ends within the dialogue with a real server: what had come is
    not fetched again, and goes when it is known."""
    at, n, whole = 0, 5000, 1
    while at < whole:
        old.fill("anna", "INBOX", [mail(n), mail(n + 1)], first=n)
        m = account(old, "anna", IMAP, PLAIN)
        cut = Cut(m.run_keys["port"], at)
        got = m.run(port=cut.port)
        cut.over.join(60)
        if at == 0:
            assert got == ("OK", "")
            whole = cut.said
        else:
            assert got[0] in ("LOST", "PROTOCOL", "OK"), (at, got)
            assert m.run()[0] == "OK"
        assert sorted(m.known.values()) == [1, 1], (at, m.known)
        box = old.imap("anna")
        assert box.select()[1] == [b"0"], at
        box.logout()
        at += EVERY if "ROHRPOST_EVERY" in os.environ else 61
        n += 2
    assert whole > 500


def test_dovecot_goes_away(old):
    """Killed while many messages are fetched: nothing is lost or twice."""
    texts = [mail(i) for i in range(1000, 1100)]
    for kind in POP3, IMAP:
        old.fill("anna", "INBOX", texts, first=2000 * kind)
        m = account(old, "anna", kind, TLS)
        submit = m.on_7

        def kill(c, ident, fields):
            submit(c, ident, fields)
            if len(m.messages) == 50:
                old.kill()

        m.on_7 = kill
        for i in range(4):
            got = m.run()
            if got == ("OK", ""):
                break
            if old.process.poll() is not None:
                old.start()
        assert got == ("OK", ""), got
        assert sorted(x.body for x in m.messages) == sorted(texts)
        wait_for(lambda: old.imap("anna").select()[1] == [b"0"], 30,
                 text="all are gone")
