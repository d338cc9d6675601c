"""What the assistant finds out of the network: DNS, SRV, autoconfig, port 25,
and logins at a provider; by the real children, against real servers."""
import base64
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import threading

import pytest

import nameserver
import rohrpost
import test_mx

TOP = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
PRINT = pathlib.Path(os.environ.get("ROHRPOST_BUILD", TOP)) / \
    "tests/ctl/find_print"
PROGRAMS = pathlib.Path(os.environ["ROHRPOST_PREFIX"]) / "libexec/rohrpost"
TABLE = TOP / "conf/providers"
BROKEN_DNS = nameserver.Server(
    lambda q: [nameserver.reply(q, 0x8182)])	# SERVFAIL
UNKNOWN, NO, YES = 0, 1, 2
(GOOD, NO_HOST, NO_DNS, NO_ANSWER, NO_MAIL, NO_TLS, TLS, CERTIFICATE, NO_LOGIN,
 PASSWORD, REFUSED, BROKEN) = range(12)
ZONE = """\
$ORIGIN test.
$TTL 60
@ SOA ns.example hostmaster.example 1 3600 600 86400 60
@ NS ns.example
ns.example A 127.0.0.1
mail.example A 192.0.2.25
here MX 20 mail.example
here MX 10 other.example
here TXT "v=spf1 mx -all"
_dmarc.here TXT "v=DMARC1; p=none"
other.example A 192.0.2.30
alive MX 10 host.alive
host.alive A 127.0.0.8
dead MX 10 host.dead
host.dead A 127.0.0.9
srv MX 10 host.dead
_submissions._tcp.srv SRV 5 1 465 second.srv
_submissions._tcp.srv SRV 1 1 465 first.srv
_submission._tcp.srv SRV 1 9 587 first.srv
_imaps._tcp.srv SRV 1 1 993 light.srv
_imaps._tcp.srv SRV 1 7 993 heavy.srv
_imap._tcp.srv SRV 0 1 143 clear.srv
_pop3s._tcp.srv SRV 0 0 0 .
_pop3._tcp.srv SRV 0 0 0 .
conf MX 10 host.dead
autoconfig.conf A 127.0.0.8
known MX 10 host.dead
known A 127.0.0.8
far MX 10 host.dead
autoconfig.far A 127.0.0.8
big MX 10 host.dead
autoconfig.big A 127.0.0.8
inside MX 10 host.dead
autoconfig.inside A 10.0.0.1
smtp.provider A 127.0.0.8
wrong.provider A 127.0.0.8
"""
REVERSE = """\
$ORIGIN 2.0.192.in-addr.arpa.
$TTL 60
@ SOA ns.example.test. hostmaster.example.test. 1 3600 600 86400 60
@ NS ns.example.test.
25 PTR mail.example.test.
26 PTR other-name.example.test.
"""
XML = """<?xml version="1.0"?><!-- <incomingServer type="imap"> -->
<clientConfig version="1.1"><emailProvider id="%(d)s"><domain>%(d)s</domain>
<incomingServer type="imap"><hostname>imap.%(d)s</hostname><port>993</port>
<socketType>SSL</socketType><username>%%EMAILADDRESS%%</username>
<authentication>OAuth2</authentication>
<authentication>password-cleartext</authentication></incomingServer>
<incomingServer type="exchange"><hostname>x</hostname></incomingServer>
<outgoingServer type="smtp"><hostname>smtp.%(d)s</hostname><port>587</port>
<socketType>STARTTLS</socketType><username>%%EMAILLOCALPART%%</username>
</outgoingServer></emailProvider></clientConfig>"""


class Web:
    """https of few pages; what was asked for is kept."""

    def __init__(self, where, context):
        self.s = socket.create_server(where)
        self.context, self.asked = context, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                c = self.s.accept()[0]
            except OSError:
                return
            try:
                self.serve(c)
            except OSError:
                pass
            c.close()

    def serve(self, c):
        c = self.context.wrap_socket(c, server_side=True)
        f = c.makefile("rb")
        path = f.readline().split()[1].decode()
        host = ""
        for line in iter(f.readline, b"\r\n"):
            if line.lower().startswith(b"host:"):
                host = line.split()[1].decode().split(":")[0]
        self.asked.append(host + path)
        pages = {
            "autoconfig.conf.test/mail/config-v1.1.xml": XML % {
                "d": "conf.test"},
            "known.test/.well-known/autoconfig/mail/config-v1.1.xml": XML % {
                "d": "known.test"},
            "autoconfig.big.test/mail/config-v1.1.xml":
                XML % {"d": "big.test"} + " " * 70000}
        body = pages.get(host + path)
        if host == "autoconfig.far.test":
            c.sendall(b"HTTP/1.1 302 x\r\nLocation: https://autoconfig.conf."
                      b"test:%d/mail/config-v1.1.xml\r\nContent-Length: 0"
                      b"\r\n\r\n" % self.s.getsockname()[1])
        elif body is None:
            c.sendall(b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n")
        else:
            c.sendall(b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n" %
                      len(body) + body.encode())
        c.unwrap()


class Provider:
    """An SMTP server of a provider: mode is tls, starttls or plain."""

    def __init__(self, mode, context, login="anna", greeting=b"220 here",
                 auth=b"PLAIN LOGIN"):
        self.s = socket.create_server(("127.0.0.8", 0))
        self.port = self.s.getsockname()[1]
        self.mode, self.context, self.login = mode, context, login
        self.greeting, self.auth = greeting, auth
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                c = self.s.accept()[0]
            except OSError:
                return
            try:
                self.talk(c)
            except (OSError, ValueError):
                pass
            c.close()

    def talk(self, c):
        if self.mode == "tls":
            c = self.context.wrap_socket(c, server_side=True)
        c.sendall(self.greeting + b"\r\n")
        secure = self.mode == "tls"
        f = c.makefile("rb")
        for line in f:
            word = line.split()[0].upper()
            if len(line.split()) < 2 and word == b"EHLO":
                c.sendall(b"501 who is there?\r\n")
            elif word == b"EHLO":
                more = b"250-AUTH " + self.auth + b"\r\n" if secure and \
                    self.auth else b""
                if self.mode == "starttls" and not secure:
                    more += b"250-STARTTLS\r\n"
                c.sendall(b"250-here\r\n" + more + b"250 SIZE\r\n")
            elif word == b"STARTTLS":
                c.sendall(b"220 go\r\n")
                c = self.context.wrap_socket(c, server_side=True)
                f, secure = c.makefile("rb"), True
                self.rest(c, f)
                return
            elif not self.reply(c, f, line):
                return

    def rest(self, c, f):
        for line in f:
            if line.upper().startswith(b"EHLO"):
                c.sendall(b"250-here\r\n" + (b"250-AUTH " + self.auth +
                          b"\r\n" if self.auth else b"") + b"250 SIZE\r\n")
            elif not self.reply(c, f, line):
                return

    def reply(self, c, f, line):
        if line.upper().startswith(b"AUTH PLAIN"):
            said = base64.b64decode(line.split()[2]).split(b"\0")[1:]
            good = said == [self.login.encode(), b"secret"]
            c.sendall(b"235 2.7.0 yes\r\n" if good else
                      b"535 5.7.8 no \x1b[31m\r\n")
            return True
        c.sendall(b"221 bye\r\n")
        return False


def ca(d):
    """(authority's file, context of a server with the tests' names)."""
    names = ",".join("DNS:" + x for x in (
        "autoconfig.conf.test", "autoconfig.known.test", "known.test",
        "autoconfig.far.test", "autoconfig.big.test", "smtp.provider.test"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
         "/CN=tests", "-keyout", d + "/key", "-out", d + "/cert", "-addext",
         "subjectAltName=" + names], check=True, capture_output=True)
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(d + "/cert", d + "/key")
    return d + "/cert", c


class Net:
    def __init__(self, d):
        self.nsd = test_mx.Nsd(d + "/nsd")
        (self.nsd.dir / "test.zone").write_text(ZONE)
        (self.nsd.dir / "reverse.zone").write_text(REVERSE)
        conf = self.nsd.dir / "nsd.conf"
        conf.write_text(conf.read_text().split("zone:\n")[0] + "".join(
            "zone:\n  name: %s\n  zonefile: %s\n" % z for z in (
                ("test", "test.zone"),
                ("2.0.192.in-addr.arpa", "reverse.zone"))))
        self.ca, self.context = ca(d)
        self.web = Web(("127.0.0.8", 0), self.context)

    def ask(self, *args, **keys):
        """keys: of find_print."""
        keys.setdefault("resolver", "127.0.0.1@%d" % self.nsd.port)
        keys.setdefault("ca_file", self.ca)
        keys.setdefault("web_port", self.web.s.getsockname()[1])
        keys.setdefault("smtp_port", 1)
        keys.setdefault("loopback", 1)
        p = subprocess.run(
            [PRINT, *map(str, args), *("%s=%s" % x for x in keys.items())],
            capture_output=True, text=True, timeout=120,
            env=dict(os.environ, LANG="C", LANGUAGE="", LC_ALL=""))
        assert p.returncode == 0, p.stderr
        return json.loads(p.stdout)

    def domain(self, name, **keys):
        return self.ask("domain", PROGRAMS, name, **keys)

    def login(self, host, port, tls, user="anna", password="secret", **keys):
        r = self.ask("login", PROGRAMS, host, port, tls, user, password,
                     **keys)
        return r["result"], r["words"]


@pytest.fixture(scope="module")
def net():
    d = rohrpost.scratch("find")
    n = Net(d)
    with n.nsd:
        rohrpost.wait_for(lambda: n.domain("here.test")["exists"] == YES, 60,
                          text="the name server answers")
        yield n
    rohrpost.remove(d)


def test_dns(net):
    d = net.domain("here.test", hostname="mail.example.test",
                   address="192.0.2.25")
    assert d["mx"] == ["other.example.test", "mail.example.test"]
    assert d["mx_here"] == d["spf"] == d["dmarc"] == d["host"] == YES
    assert d["host_here"] == d["ptr"] == YES and d["why"] == ""
    d = net.domain("here.test", hostname="mail.example.test",
                   address="192.0.2.26")
    assert d["mx_here"] == d["host_here"] == d["ptr"] == NO
    assert d["ptr_name"] == "other-name.example.test"
    d = net.domain("nowhere.test", hostname="no.example.test",
                   address="192.0.2.27")
    assert d["exists"] == d["mx_known"] == d["host"] == d["ptr"] == NO
    assert d["ptr_name"] == "" and d["port25"] == UNKNOWN
    assert d["srv"] == d["autoconfig"] == []


def test_no_name_server(net):
    """Nothing is known then, and nothing is taken for a no."""
    d = net.domain("here.test", hostname="mail.example.test",
                   resolver="127.0.0.1@%d" % BROKEN_DNS.port)
    assert {d[k] for k in ("exists", "mx_known", "mx_here", "spf", "dmarc",
                           "host", "ptr", "port25")} == {UNKNOWN}


def test_srv(net):
    """By priority, then TLS at once, then weight; "." is not offered."""
    d = net.domain("srv.test")
    assert d["srv"] == [
        "smtp first.srv.test 465 tls - 0 0",
        "smtp first.srv.test 587 starttls - 0 0",
        "smtp second.srv.test 465 tls - 0 0",
        "imap clear.srv.test 143 starttls - 0 0",
        "imap heavy.srv.test 993 tls - 0 0",
        "imap light.srv.test 993 tls - 0 0"]
    assert d["srv_none"] == 1 << 2


def test_autoconfig(net):
    want = ["imap imap.%s 993 tls %%EMAILADDRESS%% 5 0",
            "smtp smtp.%s 587 starttls %%EMAILLOCALPART%% 0 0"]
    assert net.domain("conf.test")["autoconfig"] == [
        x % "conf.test" for x in want]
    assert net.domain("known.test")["autoconfig"] == [
        x % "known.test" for x in want]
    # Nobody is told an address, and nobody else is asked.
    assert all("@" not in x and "?" not in x for x in net.web.asked)


@pytest.mark.parametrize("domain", ["far", "big", "inside"])
def test_autoconfig_that_is_not_taken(net, domain):
    """It leads elsewhere; it has no end; it is inside."""
    assert net.domain(domain + ".test")["autoconfig"] == []


def test_autoconfig_of_an_untrusted_server(net):
    before = len(net.web.asked)
    assert net.domain("conf.test", ca_file="/etc/ssl/certs/"
                      "ca-certificates.crt")["autoconfig"] == []
    assert len(net.web.asked) == before


def test_port_25(net):
    alive = Provider("plain", None)
    d = net.domain("alive.test", smtp_port=alive.port)
    assert d["port25"] == YES and d["port25_host"] == "host.alive.test"
    d = net.domain("dead.test", smtp_port=alive.port)
    assert d["port25"] == NO and d["port25_host"] == "host.dead.test"
    assert "refused" in d["port25_why"]
    # Who refuses is reached; who says later might take it.
    for greeting, why in (b"554 5.7.1 not you", 'says "554 5.7.1 not you"'), \
            (b"421 too busy", ""):
        d = net.domain("alive.test", smtp_port=Provider(
            "plain", None, greeting=greeting).port)
        assert d["port25"] == YES and why in d["port25_why"]
        assert bool(why) == bool(d["port25_why"])
    d = net.domain("alive.test", smtp_port=Provider(
        "plain", None, greeting=b"+OK POP3").port)
    assert d["port25"] == NO and "+OK POP3" in d["port25_why"]
    # Its own MX says nothing about the way out.
    d = net.domain("alive.test", smtp_port=alive.port, address="127.0.0.8")
    assert d["port25"] == UNKNOWN


@pytest.mark.parametrize("mode", ["tls", "starttls"])
def test_login(net, mode):
    p = Provider(mode, net.context)
    host = "smtp.provider.test"
    assert net.login(host, p.port, mode)[0] == GOOD
    assert net.login(host, p.port, mode, user="")[0] == GOOD
    r, words = net.login(host, p.port, mode, password="wrong")
    assert r == PASSWORD and "535 5.7.8 no" in words and "\x1b" not in words
    assert net.login("wrong.provider.test", p.port, mode)[0] == CERTIFICATE
    assert net.login(host, p.port, mode, ca_file="/etc/ssl/certs/"
                     "ca-certificates.crt")[0] == CERTIFICATE
    if mode == "starttls":
        assert net.login(host, p.port, "tls")[0] == TLS


def test_login_that_cannot_work(net):
    host = "smtp.provider.test"
    plain = Provider("plain", None)
    assert net.login(host, plain.port, "starttls")[0] == NO_TLS
    assert net.login(host, plain.port, "plain")[0] == NO_LOGIN
    assert net.login(host, plain.port, "plain", user="")[0] == GOOD
    other = Provider("tls", net.context, auth=b"XOAUTH2")
    assert net.login(host, other.port, "tls")[0] == NO_LOGIN
    r, words = net.login(host, Provider(
        "plain", None, greeting=b"554 5.7.1 not you").port, "plain")
    assert r == REFUSED and "554 5.7.1 not you" in words
    assert net.login(host, Provider("plain", None, greeting=b"+OK POP3").port,
                     "plain")[0] == NO_MAIL
    assert net.login(host, 1, "tls")[0] == NO_ANSWER
    r, words = net.login("nosuch.provider.test", 465, "tls")
    assert r == NO_HOST and "nosuch.provider.test" in words
    assert net.login(host, 465, "tls", resolver="127.0.0.1@%d" %
                     BROKEN_DNS.port)[0] == NO_DNS


def test_a_child_that_is_not_there(net):
    r = net.ask("login", "/nowhere", "[127.0.0.8]", 465, "tls", "anna", "x")
    assert r["result"] == BROKEN and "/nowhere/trial" in r["words"]
    d = net.ask("domain", "/nowhere", "here.test")
    assert d["result"] == -1 and "/nowhere/scout" in d["why"]


@pytest.mark.skipif(os.geteuid() != 0, reason="root gives itself up")
@pytest.mark.parametrize("program", ["scout", "trial"])
def test_children_are_walled_in(net, program):
    """While they speak with the network: no uid 0, no file, the filter."""
    held = socket.create_server(("127.0.0.8", 0))
    port = held.getsockname()[1]
    got = {}

    def look():
        c = held.accept()[0]
        with c:
            mine = c.getpeername()
            inode = next(x.split()[9] for x in open("/proc/net/tcp")
                         if x.split()[1].endswith(":%04X" % mine[1]))
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    fds = [os.readlink("/proc/%s/fd/%s" % (pid, x))
                           for x in os.listdir("/proc/%s/fd" % pid)]
                    if "socket:[%s]" % inode in fds:
                        got["status"] = open("/proc/%s/status" % pid).read()
                        got["root"] = os.listdir("/proc/%s/root/" % pid)
                except OSError:
                    continue

    t = threading.Thread(target=look)
    t.start()
    if program == "trial":
        net.login("smtp.provider.test", port, "plain")
    else:
        net.domain("alive.test", smtp_port=port)
    t.join()
    held.close()
    assert "Uid:\t0" not in got["status"] and got["root"] == []
    assert "Seccomp:\t2" in got["status"]
    assert "NoNewPrivs:\t1" in got["status"]


OUTER_NONE, OUTER_PUBLIC, OUTER_NAT, OUTER_PROVIDER, OUTER_DS_LITE = range(5)
V6_NONE, V6_LASTING, V6_LEASED, V6_CHANGES, V6_TEMPORARY, V6_PRIVATE = range(6)
GONE = "valid_lft 900 preferred_lft 0"


@pytest.mark.root
@pytest.mark.parametrize("addresses,outer,ipv6,life", [
    ([], OUTER_NONE, V6_NONE, -1),
    (["192.168.1.9/24", "fd00::9/64"], OUTER_NAT, V6_PRIVATE, -1),
    (["100.64.3.4/24"], OUTER_PROVIDER, V6_NONE, -1),
    (["192.0.0.2/29", "2a00:0:0:1::9/64"], OUTER_DS_LITE, V6_LASTING, -1),
    (["8.8.4.9/24", "2a00:0:0:1::9/64 valid_lft 3600 preferred_lft 1800"],
     OUTER_PUBLIC, V6_LEASED, 3600),
    (["2a00:0:0:2::9/64 " + GONE,
      "2a00:0:0:1::9/64 valid_lft 3600 preferred_lft 1800"],
     OUTER_NONE, V6_CHANGES, 3600),
    (["2a00:0:0:1::9/64 " + GONE], OUTER_NONE, V6_TEMPORARY, -1)])
def test_network_of_a_real_kernel(addresses, outer, ipv6, life):
    """In a network of its own, with these addresses of one interface."""
    lines = ["set -e", "ip link set lo up",
             "ip link add d0 type veth peer name d1",
             "ip link set d1 up", "ip link set d0 up"]
    lines += ["ip addr add %s dev d0 %s" % (
        a, "nodad" if ":" in a else "") for a in addresses]
    first = addresses[0].split("/")[0] if addresses else ""
    if outer != OUTER_NONE:
        lines.append("ip route add default via %s1 dev d0" %
                     first[:first.rindex(".") + 1])
    lines.append("exec %s network" % PRINT)
    p = subprocess.run(["unshare", "-n", "sh", "-c", "\n".join(lines)],
                       capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr
    n = json.loads(p.stdout)
    assert (n["outer"], n["ipv6"]) == (outer, ipv6), n
    assert n["life"] == -1 if life == -1 else life - 60 < n["life"] <= life
    if outer != OUTER_NONE:
        assert n["address"] == first and n["router"] == \
            first[:first.rindex(".") + 1] + "1"


PROTOCOLS = "smtp", "imap", "pop3"
FORMS = {"%EMAILADDRESS%": "anna@far.example", "%EMAILLOCALPART%": "anna",
         "%EMAILLOCALPART%.%EMAILDOMAIN%": "anna.far.example", "-": ""}


def rows(*protocols):
    name = None
    for line in TABLE.read_text().splitlines():
        words = line.split()
        if words and words[0] == "provider":
            name = words[1]
        elif words and words[0] in protocols:
            yield name, words


def test_each_row_of_smtp(net):
    """TLS mode, form of the login and password of each provider, once against
    a provider that has them."""
    kinds = {}
    for name, w in rows("smtp"):
        if "password" in w[6 - 1].split(","):
            kinds.setdefault((w[3], w[4]), []).append(name)
    assert sum(map(len, kinds.values())) > 150
    for (mode, form), names in sorted(kinds.items()):
        if form == "-":
            continue		# the operator is asked for it
        if mode == "-":
            mode = "tls"	# setup tries both
        p = Provider(mode, net.context, login=FORMS[form])
        r, words = net.login("smtp.provider.test", p.port, mode,
                             user=FORMS[form])
        # A password is not shown to who listens on the way.
        assert r == (NO_LOGIN if mode == "plain" else GOOD), (names, words)


def printed(*args):
    p = subprocess.run([PRINT, *args], capture_output=True, text=True,
                       timeout=20)
    return json.loads(p.stdout)


def provider(*args):
    return printed("provider", *args)


def stanzas():
    for stanza in re.split(r"\n\n(?:#.*\n)*provider ",
                           TABLE.read_text())[1:]:
        yield stanza, [x.split() for x in stanza.splitlines()
                       if x and x[0] != "#"]


def test_each_row_of_the_table():
    """Each is found by each of its domains, and says where it is from; what is
    read of each server is what stands there."""
    auth = {"password": 1, "encrypted": 2, "oauth2": 4, "other": 8, "-": 0}
    seen = {x: 0 for x in PROTOCOLS}
    for stanza, lines in stanzas():
        mine = [d for w in lines if w[0] == "domains" for d in w[1:]]
        p = provider(TABLE, mine[0])
        assert p["result"] == 1 and p["source"], (stanza, p)
        assert p["by_mx"] == 0, stanza
        there = [w for w in lines if w[0] in PROTOCOLS]
        assert len(p["servers"]) == len(there), stanza
        # In one of several names of servers is a customer's own.
        assert bool(p["example"]) == any("%SERVER%" in w[1] for w in there)
        for w, text in zip(there, p["servers"]):
            proto, host, port, tls, login, kinds, poll = w
            seen[proto] += 1
            assert (port == "-") == (tls == "-"), w
            assert text.split() == [
                proto, host.replace("%EMAILDOMAIN%", mine[0]),
                port.replace("-", "0"), tls if tls != "-" else "tls", login,
                str(sum(auth[k] for k in kinds.split(","))),
                poll.replace("-", "0")], (stanza, text)
    assert seen == {x: len(list(rows(x))) for x in PROTOCOLS}
    assert min(seen.values()) > 140


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_shape_of_what_is_fetched_from(protocol):
    """Ports, TLS, and the forms of logins that an address fills."""
    own = {"imap": "993", "pop3": "995"}[protocol]
    for form, login in FORMS.items():
        assert printed("form", form.strip("-"), "anna@far.example")[
            "login"] == login
    plain = 0
    for name, w in rows(protocol):
        assert w[4] in FORMS, (name, w)
        assert w[3] != "starttls" or w[2] not in ("993", "995"), (name, w)
        assert w[2] != own or w[3] == "tls", (name, w)
        assert w[6] == "-" or 30 <= int(w[6]) <= 3600, (name, w)
        plain += w[3] == "plain"
    assert plain < 40
    polls = {name: w[6] for name, w in rows("pop3") if w[6] != "-"}
    assert polls == {"web.de": "900", "googlemail.com": "600",
                     "hotmail.com": "900", "ovh.net": "60"}


@pytest.mark.parametrize("mx, id, host", [
    ("w0123456.kasserver.com", "kasserver.com", "w0123456.kasserver.com"),
    ("mx2f1a.netcup.net", "netcup.net", "mx2f1a.netcup.net"),
    ("server7.webgo24.de", "webgo.de", "server7.webgo24.de"),
    ("a.b.kasserver.com", "kasserver.com", "%SERVER%.kasserver.com")])
def test_server_of_a_customer(mx, id, host):
    """Its name is that of the MX, where that is of the form."""
    p = provider(TABLE, "company.example", mx)
    assert p["id"] == id and p["servers"][0].split()[1] == host, p
    assert len({x.split()[1] for x in p["servers"]}) == 1
    p = provider(TABLE, id)
    assert p["servers"][0].split()[1].startswith("%SERVER%."), p
    assert p["example"].split(".", 1)[1] in p["servers"][0]


@pytest.mark.parametrize("host, row, oauth", [
    ("smtp.office365.com", "smtp.office365.com 587 starttls", 1),
    ("SMTP-mail.outlook.com", "SMTP-mail.outlook.com 587 starttls", 1),
    ("mail.gmx.net", "mail.gmx.net 465 tls", 0),
    ("w0aa.kasserver.com", "w0aa.kasserver.com 465 tls", 0),
    ("smtp.gmail.com", "smtp.gmail.com 465 tls", 0),
    ("imap.gmx.net", None, 0), ("kasserver.com", None, 0)])
def test_row_of_a_server(host, row, oauth):
    p = printed("row", TABLE, host)
    assert p["why"] == "" and p["oauth"] == oauth
    assert [" ".join(x.split()[1:4]) for x in p["servers"]] == (
        [row] if row else [])


@pytest.mark.parametrize("line, words", [
    ("smtp %SERVER%.x.example - tls - password -", 'a server is "smtp HOST'),
    ("smtp %SERVER%x.example 465 tls - password -", 'a server is "smtp HOST'),
    ("smtp %SERVER%. 465 tls - password -", 'a server is "smtp HOST'),
    ("smtp a.%SERVER%.x 465 tls - password -", 'a server is "smtp HOST'),
    ("example no name", "is no name of a host")])
def test_wrong_line(tmp_path, line, words):
    (tmp_path / "t").write_text("provider x.example X\n%s\n" % line)
    p = provider(str(tmp_path / "t"), "x.example")
    assert p["result"] == -1 and words in p["why"] and "t:2: " in p["why"]


@pytest.mark.parametrize("mx,name", [
    ("mx00.kundenserver.de", "1und1.de"), ("mx01.ionos.de", "ionos.de"),
    ("w0123456.kasserver.com", "kasserver.com"),
    ("mx1.mailbox.org", "mailbox.org"), ("mx2f1a.netcup.net", "netcup.net"),
    ("MX3.agenturserver.de", "agenturserver.de")])
def test_own_domain_at_a_hoster(mx, name):
    """It is found by its MX."""
    p = provider(TABLE, "company.example", mx)
    assert p["result"] == p["by_mx"] == 1 and p["id"] == name, p


def test_host_of_the_domain():
    p = provider(TABLE, "inbox.eu")
    assert p["servers"][0] == "smtp mail.inbox.eu 465 tls %EMAILADDRESS% 1 0"


def test_provider_that_is_in_no_line():
    p = provider(TABLE, "nowhere.example", "mx.nowhere.example")
    assert p["result"] == 0 and p["why"] == ""
    p = provider("/nowhere/providers", "gmx.de")
    assert p["result"] == -1 and "/nowhere/providers" in p["why"]
