"""Logins by an OAuth access token at a real Dovecot, which asks the
authorization server of the test whether a token is good: OAUTHBEARER and
XOAUTH2, POP3 and IMAP; and what the operator does with a new one."""
import http.server
import json
import os
import pathlib
import stat
import threading

import pytest

import oldserver
import rohrpost
from fetcher import IMAP, PLAIN, POP3, STARTTLS, TLS, Manager
from rohrpost import Instance, wait_for

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="Dovecot wants root"),
    pytest.mark.skipif(not os.path.exists(oldserver.DOVECOT),
                       reason="no Dovecot")]

CL_TOKEN = 16
OTHERS = "plain login scram-sha-256"
# One as Google makes them, and one of the length of Microsoft's.
SHORT, LONG = "ya29.A0-short_7~token", "EwB4A8" + "x/Y+" * 500 + "=="


class Authority:
    """Says of a token whose it is (RFC 7662)."""

    def __init__(self):
        self.good = {}
        outer = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                token = self.headers.get("Authorization", "").partition(
                    "Bearer ")[2]
                user = outer.good.get(token)
                body = json.dumps({"active": True, "user": user}
                                  if user else {"active": False}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.s.serve_forever, daemon=True).start()

    def stop(self):
        self.s.shutdown()
        self.s.server_close()


class Dovecot(oldserver.Dovecot):
    def __init__(self, authority, mechs, users):
        self.authority, self.mechs = authority, mechs
        super().__init__(users, pop3=True)

    def start(self):
        (self.dir / "oauth2").write_text(
            "introspection_url = http://127.0.0.1:%d/\n"
            "introspection_mode = auth\nforce_introspection = yes\n"
            "username_attribute = user\nactive_attribute = active\n"
            "active_value = true\n" % self.authority.s.server_port)
        conf = self.dir / "conf"
        conf.write_text(conf.read_text().replace(
            "auth_mechanisms = " + OTHERS,
            "auth_cache_size = 0\nauth_mechanisms = plain " + self.mechs) +
            "passdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n"
            "  args = %s/oauth2\n}\n" % self.dir)
        super().start()


@pytest.fixture(scope="module")
def authority():
    a = Authority()
    yield a
    a.stop()


@pytest.fixture(scope="module")
def old(authority):
    d = Dovecot(authority, "oauthbearer xoauth2", ["anna", "bert"])
    yield d
    d.stop()


@pytest.fixture(scope="module")
def older(authority):
    d = Dovecot(authority, "xoauth2", ["anna"])
    yield d
    d.stop()


def mail(n):
    return b"Message-ID: <%d@far.test>\r\nSubject: %d\r\n\r\nx\r\n" % (n, n)


def account(server, kind, security):
    name = ("imap" if kind == IMAP else "pop3") + (
        "s" if security == TLS else "")
    m = Manager(kind=kind, host="localhost", port=server.ports[name],
                security=security, login="anna", flags=CL_TOKEN)
    m.keys = {"collect_ca_file": str(server.dir / "cert.pem")}
    return m


@pytest.mark.parametrize("kind", [POP3, IMAP])
@pytest.mark.parametrize("which", ["old", "older"])
def test_logs_in(request, authority, which, kind):
    server = request.getfixturevalue(which)
    authority.good = {SHORT: "anna", LONG: "anna"}
    for n, (token, security) in enumerate(
            ((SHORT, TLS), (LONG, TLS), (LONG, STARTTLS))):
        server.fill("anna", "INBOX", [mail(n)], first=10 * kind + n + 1)
        m = account(server, kind, security)
        assert m.run(password=token) == ("OK", ""), m.log
        assert [x.body for x in m.messages] == [mail(n)]
        assert m.run(password=token) == ("OK", "") and not m.listed[1:]
        # One that is not good any more: said so, and shown nowhere.
        got = m.run(password=token[:-3] + "abc")
        assert got[0] == "REFUSED", got
        assert token[:-3] not in got[1] + m.log
        # In place of a password, too, it is none.
        got = m.run(password=token, flags=0)
        assert got[0] == "REFUSED", got


@pytest.mark.parametrize("kind", [POP3, IMAP])
def test_never_without_tls(old, authority, kind):
    authority.good = {SHORT: "anna"}
    m = account(old, kind, PLAIN)
    status, words = m.run(password=SHORT)
    assert status != "OK" and "no access token without TLS" in words


@pytest.fixture(scope="module")
def inst(old):
    d = rohrpost.scratch("token")
    os.chmod(d, 0o755)
    with Instance(pathlib.Path(d) / "inst", users=("anna",),
                  collect_ca_file=str(old.dir / "cert.pem")).setup() as i:
        yield i
    rohrpost.remove(d)


def piped(inst, line, *words):
    """A command that reads this line."""
    r, w = os.pipe()
    os.write(w, line.encode() + b"\n")
    os.close(w)
    try:
        return inst.command(*words, stdin=r)
    finally:
        os.close(r)


def row(inst):
    rows = inst.json("collect", "list")
    return rows[0] if rows else {}


def test_new_token(inst, old, authority):
    """One that has expired is refused, and nothing is lost; with the new one
    the next run begins at once."""
    authority.good = {}
    old.fill("bert", "INBOX", [mail(99)])
    place = "localhost:%d" % old.ports["imaps"]
    words = ["collect", "add", "work", place, "bert", "anna@example.test",
             "--every", "5s", "--oauth", "--stdin"]
    p = piped(inst, SHORT, *words, "--tls", "none")
    assert p.returncode == 1 and "TLS" in p.stderr, p
    p = piped(inst, LONG, *words)
    assert p.returncode == 0, p.stderr
    table = pathlib.Path(inst.conf) / "collect"
    assert " auth=oauth password=%s\n" % LONG in table.read_text()
    wait_for(lambda: "refuses" in json.dumps(row(inst)), 60,
             text="the login is refused")
    assert not inst.messages("anna")
    authority.good = {SHORT: "bert"}
    p = piped(inst, SHORT, "collect", "password", "work", "--stdin")
    assert p.returncode == 0, p.stderr
    assert " auth=oauth password=%s\n" % SHORT in table.read_text()
    assert stat.S_IMODE(table.stat().st_mode) == 0o600
    wait_for(lambda: len(inst.messages("anna")) == 1, 60,
             text="the mail is there")
    p = piped(inst, "x", "collect", "password", "other", "--stdin")
    assert p.returncode == 1 and "no such account" in p.stderr
    log = inst.log()
    assert SHORT not in log and LONG[:40] not in log
