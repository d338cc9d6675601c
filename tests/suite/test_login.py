"""login, auth and pop3d as installed: what comes before a login, who may log
in and how long that takes, what a POP3 session shows and keeps, reload and
death of neighbours."""
import imaplib
import os
import pathlib
import poplib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

import rohrpost
from rohrpost import PASSWORD, message, tls_context, wait_for

USERS = ("anna", "bert", "carl")
KEYS = {"auth_delay": "0s"}


class Line:
    """A client of octets, with TLS from the start or later."""

    def __init__(self, inst, service, tls):
        self.sock = socket.create_connection(
            ("127.0.0.1", inst.ports[service]), 30)
        self.buf = b""
        if tls:
            self.tls()

    def tls(self):
        self.sock = tls_context().wrap_socket(self.sock)

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        """The next line, None at the end."""
        while b"\n" not in self.buf:
            try:
                data = self.sock.recv(65536)
            except (ConnectionResetError, ssl.SSLError):
                data = b""
            if not data:
                return None
            self.buf += data
        line, self.buf = self.buf.split(b"\n", 1)
        return line.rstrip(b"\r")

    def until(self, start):
        while True:
            line = self.line()
            assert line is not None, "the connection ended"
            if line.startswith(start):
                return line

    def rest(self):
        lines = []
        while (line := self.line()) is not None:
            lines.append(line)
        return lines


def fill(inst, user, n, text=None):
    before = inst.count(user)
    with inst.smtp() as s:
        for i in range(n):
            s.sendmail("eve@remote.test", ["%s@example.test" % user],
                       text or message("n%d" % i))
    inst.wait_count(before + n, user)


def empty(inst, user):
    m = inst.imap(user)
    m.select()
    m.store("1:*", "+FLAGS", "\\Deleted") if inst.count(user) else None
    m.expunge()
    m.logout()


# -- before login -----------------------------------------------------------

def test_imap_needs_tls(inst):
    c = Line(inst, "imap", False)
    assert b"STARTTLS LOGINDISABLED" in c.line()
    c.send(b'a LOGIN anna@example.test "%s"\r\n' % PASSWORD.encode())
    assert c.line().startswith(b"a NO [PRIVACYREQUIRED]")
    c.send(b"b AUTHENTICATE PLAIN\r\n")
    assert c.line().startswith(b"b NO [PRIVACYREQUIRED]")
    # E17: what stands behind STARTTLS in the segment is never executed
    c.send(b"c STARTTLS\r\nd LOGOUT\r\n")
    assert c.line().startswith(b"c OK")
    c.tls()
    c.send(b'e LOGIN anna "%s"\r\n' % PASSWORD.encode())
    line = c.line()
    assert line.startswith(b"e OK [CAPABILITY IMAP4rev1"), line
    c.send(b"f LOGOUT\r\n")
    assert [x.split()[0] for x in c.rest()] == [b"*", b"f"]


def test_pop3_needs_tls(inst):
    c = Line(inst, "pop3", False)
    assert c.line().startswith(b"+OK")
    c.send(b"USER anna\r\n")
    assert c.line().startswith(b"-ERR")
    # F3
    c.send(b"STLS\r\nCAPA\r\n")
    assert c.line().startswith(b"+OK")
    c.tls()
    c.send(b"NOOP\r\n")
    assert c.line().startswith(b"-ERR")


def test_imap_pipelined(inst):
    """E17: LOGIN, SELECT and LOGOUT in one segment."""
    c = Line(inst, "imaps", True)
    c.line()
    c.send(b'a LOGIN {17+}\r\nanna@example.test {%d}\r\n%s\r\n'
           b'b SELECT INBOX\r\nc LOGOUT\r\n'
           % (len(PASSWORD), PASSWORD.encode()))
    assert c.line().startswith(b"+ ")
    assert c.line().startswith(b"a OK")
    c.until(b"b OK")
    c.until(b"* BYE")
    c.until(b"c OK")
    assert c.rest() == []


def test_imap_pipelined_behind_a_refusal(inst):
    c = Line(inst, "imaps", True)
    c.line()
    c.send(b"a LOGIN anna wrong\r\n"
           + b'b ID ("name" "%s")\r\n' % (b"x" * 1000) * 30
           + b"c NOOP\r\n")
    assert c.line().startswith(b"a NO")
    c.until(b"c OK")
    c.sock.close()


@pytest.mark.parametrize("data,answer", [
    (b"a LOGIN {18446744073709551616}\r\n", b"a BAD"),
    (b"a LOGIN {-1}\r\n", b"a BAD"),
    (b"a LOGIN {99999999999+}\r\n", b"* BYE"),
    (b"a LOGIN " + b"(" * 7000 + b"\r\n", b"a BAD"),
    (b"x" * 65536, b"* BYE"),
    (b"a AUTHENTICATE PLAIN " + b"A" * 1000000 + b"\r\n", b"* BYE"),
    (b"\0\1\2\r\n", b"* BAD"),
    (b"a SELECT INBOX\r\n", b"a BAD"),
    (b"a NOOP\r\n" * 1000, b"a OK"),
    (b"GET / HTTP/1.1\r\n\r\n", None),
])
def test_imap_nonsense(inst, data, answer):
    """E1, E4, E8, E18, G10: BAD or BYE, bounded; the next one is served."""
    c = Line(inst, "imaps", True)
    c.line()
    try:
        c.send(data)
    except (OSError, ssl.SSLError):
        pass
    line = c.line()
    if answer is None:
        assert line is None
    else:
        assert line is not None and line.startswith(answer), line
    inst.imap("anna").logout()


@pytest.mark.root
@pytest.mark.skipif(shutil.which("strace") is None,
                    reason="strace is not installed")
def test_no_client_waits_for_an_acknowledgement(inst, tmp_path):
    """Small writes go at once, and a message whose line end comes apart is
    acknowledged at once."""
    pids = inst.processes()["login"]
    p = subprocess.Popen(
        ["strace", "-ff", "-o", str(tmp_path / "trace"), "-e",
         "trace=accept4,setsockopt",
         *(w for pid in pids for w in ("-p", str(pid)))],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    left = set(pids)
    while left and (line := p.stderr.readline()):
        left -= {int(w) for w in re.findall(r"\d+", line)}
    try:
        m = inst.imap("anna")
        assert m.append("INBOX", None, None, message("bulk", 40000))[0] == "OK"
        m.shutdown()
    finally:
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=20)
    text, = (t for t in (f.read_text() for f in tmp_path.glob("trace.*"))
             if re.search(r"accept4\(.* = \d+$", t, re.M))
    fd, = re.findall(r"accept4\(.* = (\d+)$", text, re.M)
    for option in "TCP_NODELAY", "TCP_QUICKACK":
        assert "setsockopt(%s, SOL_TCP, %s, [1], 4) = 0" % (fd, option) in (
            text), text


def test_alpn(inst):
    """G10: a client that wants to speak something else gets no handshake."""
    ctx = tls_context()
    ctx.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", inst.ports["imaps"])) as s:
        with pytest.raises(ssl.SSLError):
            ctx.wrap_socket(s)
    ctx.set_alpn_protocols(["h2", "imap"])
    with socket.create_connection(("127.0.0.1", inst.ports["imaps"])) as s:
        assert ctx.wrap_socket(s).selected_alpn_protocol() == "imap"


def test_many_from_one_address(inst):
    """G3 with all processes of login: 50 each before login, no more."""
    n = len(inst.processes()["login"])
    conns, away = [], 0
    for _ in range(50 * n + 20):
        c = Line(inst, "imap", False)
        line = c.line()
        assert line is not None
        if line.startswith(b"* BYE too many"):
            away += 1
        else:
            conns.append(c)
    assert away >= 20 and 50 <= len(conns) <= 50 * n
    for c in conns:
        c.sock.close()
    wait_for(lambda: Line(inst, "imap", False).line().startswith(b"* OK"), 10,
             text="room again")


# -- who may log in -----------------------------------------------------------

def try_login(inst, user, password):
    m = imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                          ssl_context=tls_context(), timeout=30)
    try:
        m.login(user, password)
        return "OK"
    except imaplib.IMAP4.error as e:
        return str(e)
    finally:
        m.shutdown()


def test_names(inst):
    inst.ctl("alias", "add", "spare@example.test", "anna@example.test")
    assert try_login(inst, "ANNA@Example.TEST", PASSWORD) == "OK"
    assert try_login(inst, "anna", PASSWORD) == "OK"
    for name in ("spare@example.test", "anna+x@example.test", "postmaster",
                 "anna@example.org", "@example.test", "anna@"):
        assert "AUTHENTICATIONFAILED" in try_login(inst, name, PASSWORD), name
    assert PASSWORD not in inst.log()


def set_password(inst, verb, password):
    p = subprocess.run(
        [str(rohrpost.ROHRPOST), "-c", str(inst.conf), "user", verb,
         "dora@example.test", "--stdin"], input=password + "\n",
        capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr


def test_changed_password(inst):
    """Also one that was remembered a moment ago."""
    set_password(inst, "add", "first pass 1")
    assert try_login(inst, "dora@example.test", "first pass 1") == "OK"
    assert try_login(inst, "dora@example.test", "first pass 1") == "OK"
    set_password(inst, "passwd", "second pass 2")
    assert "AUTHENTICATIONFAILED" in try_login(
        inst, "dora@example.test", "first pass 1")
    assert try_login(inst, "dora@example.test", "second pass 2") == "OK"


def test_same_time(inst):
    """G12: a wrong password and a name that does not exist. Each takes what it
    must at its quickest try; what is beyond is the machine's load."""
    took = {"anna": [], "nobody": [], "bert": []}
    for _ in range(12):
        c = Line(inst, "imaps", True)
        c.line()
        for user in list(took) * 3:
            t = time.perf_counter()
            c.send(b"a LOGIN %s@example.test wrong\r\n" % user.encode())
            assert b"AUTHENTICATIONFAILED" in c.line()
            took[user].append(time.perf_counter() - t)
        c.sock.close()
    least = {u: min(t) for u, t in took.items()}
    assert max(least.values()) < 1.5 * min(least.values()), least


# -- POP3 -----------------------------------------------------------------------

def test_pop3_session(inst):
    empty(inst, "carl")
    odd = (b"From: eve@remote.test\r\nSubject: dots\r\n\r\n"
           + b".\r\n..\r\n.a\r\n" * 50)
    fill(inst, "carl", 2)
    fill(inst, "carl", 1, odd)
    stored = list(inst.messages("carl").values())
    p = inst.pop3("carl")
    assert p.stat() == (3, sum(len(x) for x in stored))
    uidl = p.uidl()[1]
    assert len({u.split()[1] for u in uidl}) == 3
    for i, octets in enumerate(stored, 1):
        assert b"\r\n".join(p.retr(i)[1]) + b"\r\n" == octets
    head = stored[2].split(b"\r\n\r\n")[0]
    assert b"\r\n".join(p.top(3, 2)[1]) == head + b"\r\n\r\n.\r\n.."
    # F1
    for bad in ("RETR 0", "RETR 99999999999", "TOP -1 1", "TOP 1", "LIST 4"):
        with pytest.raises(poplib.error_proto):
            p._shortcmd(bad)
    assert b"\r\n".join(p.top(1, 4294967296)[1]) + b"\r\n" == stored[0]
    # F4
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        inst.pop3("carl")
    # F5: what arrives now is for the next session
    fill(inst, "carl", 1)
    assert p.stat()[0] == 3
    p.dele(1)
    with pytest.raises(poplib.error_proto):
        p.dele(1)
    p.dele(2)
    p.rset()
    p.dele(2)
    # F8: a close is no QUIT
    p.close()
    wait_for(lambda: pop3_count(inst, "carl") == 4, 10)
    p = inst.pop3("carl")
    assert p.uidl()[1][:3] == uidl
    p.dele(2)
    p.quit()
    # the lock is free at once
    p = inst.pop3("carl")
    assert [u.split()[1] for u in p.uidl()[1]][:2] == \
        [uidl[0].split()[1], uidl[2].split()[1]]
    p.quit()
    assert inst.count("carl") == 3


def pop3_count(inst, user):
    p = inst.pop3(user)
    n = p.stat()[0]
    p.quit()
    return n


def test_pop3_pipelined(inst):
    empty(inst, "carl")
    fill(inst, "carl", 40)
    c = Line(inst, "pop3s", True)
    c.send(b"USER carl@example.test\r\nPASS %s\r\nSTAT\r\n" % PASSWORD.encode()
           + b"".join(b"RETR %d\r\nDELE %d\r\n" % (i, i)
                      for i in range(1, 41)) + b"STAT\r\nQUIT\r\n")
    lines = c.rest()
    assert lines.count(b".") == 40
    assert lines[-2] == b"+OK 0 0"
    assert inst.count("carl") == 0


def test_expunged_beside(inst):
    empty(inst, "carl")
    fill(inst, "carl", 3)
    p = inst.pop3("carl")
    empty(inst, "carl")
    # Read from what is kept of it.
    assert p.retr(2)[0].startswith(b"+OK")
    p.dele(3)
    assert p.quit().startswith(b"+OK")


# -- neighbours -------------------------------------------------------------------

def kill(inst, program):
    old = inst.processes()[program]
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: set(inst.processes().get(program, [])) - set(old), 10,
             text="%s is back" % program)


def again(what, seconds=10):
    """Clients that were told "later" come again."""
    def once():
        try:
            return what()
        except (OSError, imaplib.IMAP4.error, poplib.error_proto):
            return None
    return wait_for(once, seconds, 0.1)


def test_session_dies(inst):
    m = inst.imap("bert")
    assert m.select()[0] == "OK"
    c = Line(inst, "imaps", True)
    c.line()
    c.send(b'a LOGIN bert "%s"\r\n' % PASSWORD.encode())
    c.until(b"a OK")
    kill_all(inst, "imapd")
    assert c.line().startswith(b"* BYE")
    assert c.line() is None
    again(lambda: inst.imap("bert")).logout()


def kill_all(inst, program):
    for pid in inst.processes()[program]:
        os.kill(pid, signal.SIGKILL)


def test_auth_dies(inst):
    m = inst.imap("bert")
    kill(inst, "auth")
    assert m.noop()[0] == "OK"
    m.logout()
    again(lambda: inst.imap("bert")).logout()


def test_store_dies_below_pop3(inst):
    empty(inst, "carl")
    fill(inst, "carl", 3)
    p = inst.pop3("carl")
    p.retr(1)
    kill(inst, "store")
    assert p.stat()[0] == 3
    assert again(lambda: p.retr(3))
    p.dele(2)
    assert p.quit().startswith(b"+OK")
    wait_for(lambda: again(lambda: inst.count("carl")) == 2, 10)


def conf_path(inst, key):
    for line in (inst.conf / "rohrpost.conf").read_text().splitlines():
        if line.partition("=")[0].strip() == key:
            return pathlib.Path(line.partition("=")[2].strip())
    raise AssertionError("no %s" % key)


def test_reload_of_bounds(inst):
    """The next client is held against what was read last."""
    def second():
        """What the second of two clients hears that do not log in."""
        with inst.raw("imap") as a, inst.raw("imap") as b:
            a.line()
            return b.line() or ""

    conf = inst.conf / "rohrpost.conf"
    text = conf.read_text()
    assert second().startswith("* OK")
    conf.write_text(text + "login_per_address = 1\n")
    try:
        inst.ctl("reload")
        wait_for(lambda: second() == "* BYE too many connections", 20,
                 text="the new bound")
    finally:
        conf.write_text(text)
    inst.ctl("reload")
    wait_for(lambda: second().startswith("* OK"), 20, text="the old bound")


def test_reload_certificate(inst):
    def certificate():
        s = socket.create_connection(("127.0.0.1", inst.ports["imaps"]), 30)
        s = tls_context().wrap_socket(s)
        der = s.getpeercert(True)
        s.close()
        return der

    m = inst.imap("anna")
    p = inst.pop3("anna")
    old = certificate()
    path, key = (conf_path(inst, k) for k in ("tls_certificate", "tls_key"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=mail.example.test", "-keyout", str(key), "-out", str(path)],
        check=True, capture_output=True, timeout=60)
    inst.ctl("reload")
    wait_for(lambda: all(certificate() != old for _ in range(4)), 20,
             text="the new certificate\n" + inst.said())
    assert m.noop()[0] == "OK"
    assert p.noop().startswith(b"+OK")
    m.logout()
    p.quit()
    # K12: a broken one changes nothing
    new = certificate()
    good = path.read_bytes()
    path.write_bytes(good[:len(good) // 2])
    assert inst.command("reload").returncode != 0
    for _ in range(4):
        assert certificate() == new
    path.write_bytes(good)
    inst.ctl("reload")
    inst.imap("anna").logout()
