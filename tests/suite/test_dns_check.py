"""dns check against real zones: each fault is in a zone of its own, and named
with what comes of it and what helps."""
import json
import os
import re
import socket
import threading

import pytest

import rohrpost
import test_mx

HOST = "mail.example.test"
ADDRESS = "192.0.2.25"
GOOD = """\
{d} MX 10 mail.example.test.
{d} TXT "v=spf1 mx -all"
_dmarc.{d} TXT "v=DMARC1; p=none"
"""
MX, SPF, DMARC = GOOD.splitlines(True)


def zone(name, mx=MX, spf=SPF, dmarc=DMARC, more=""):
    return (mx + spf + dmarc + more).format(d=name)


def mx(*hosts):
    return "".join("{d} MX %d %s\n" % (10 * (n + 1), h if h.endswith(".")
                                       else h + ".example.test.")
                   for n, h in enumerate(hosts))


def txt(text):
    return '{d} TXT "%s"\n' % text


# domain -> its records, the codes of what is to be found.
FAULTS = {
    "good": (zone("good", more="_imaps._tcp.{d} SRV 0 1 993 %s.\n" % HOST),
             []),
    "gone": ("", ["no-delegation"]),
    "nomx": (zone("nomx", mx="{d} A 192.0.2.25\n", spf=txt("v=spf1 a -all")),
             ["no-mx"]),
    "nullmx": (zone("nullmx", mx=mx("."), spf=txt(
        "v=spf1 ip4:192.0.2.25 -all")), ["mx-null"]),
    "literal": (zone("literal", mx=mx("mail", "192.0.2.25."), spf=txt(
        "v=spf1 ip4:192.0.2.25 -all")),
                ["mx-literal"]),
    "cname": (zone("cname", mx=mx("other")), ["mx-cname"]),
    "nowhere": (zone("nowhere", mx=mx("mail", "nohost")), ["mx-nowhere"]),
    "private": (zone("private", mx=mx("mail", "inside")), ["mx-private"]),
    "dead": (zone("dead", mx=mx("mail", "dead")), ["mx-dead"]),
    "alive": (zone("alive", mx=mx("mail", "alive")), []),
    "rude": (zone("rude", mx=mx("mail", "rude")), ["mx-dead"]),
    "elsewhere": (zone("elsewhere", mx=mx("alive"), spf=txt(
        "v=spf1 ip4:192.0.2.25 -all")), ["mx-elsewhere"]),
    "second": (zone("second"), []),
    "left": (zone("left", mx="", spf=txt("v=spf1 ip4:192.0.2.25 -all")),
             ["no-mx", "alias-left-out"]),
    "nospf": (zone("nospf", spf=txt("another text")), ["spf-missing"]),
    "twospf": (zone("twospf", spf=txt("v=spf1 mx -all") * 1 +
                    txt("v=spf1 a -all")), ["spf-double"]),
    "badspf": (zone("badspf", spf=txt("v=spf1 mx ipv4:192.0.2.25 -all")),
               ["spf-wrong"]),
    "longspf": (zone("longspf", spf=txt("v=spf1 mx " + " ".join(
        "include:i%d.test" % i for i in range(10)) + " -all"),
        more="".join('i%d TXT "v=spf1 -all"\n' % i for i in range(10))),
        ["spf-lookups"]),
    "deepspf": (zone("deepspf", spf=txt("v=spf1 mx include:j1.test -all"),
                     more="".join('j%d TXT "v=spf1 include:j%d.test"\n' % (
                         i, i + 1) for i in range(1, 11)) +
                     'j11 TXT "v=spf1 -all"\n'), ["spf-lookups"]),
    "voidspf": (zone("voidspf", spf=txt(
        "v=spf1 mx a:v1.test a:v2.test mx:v3.test -all")), ["spf-voids"]),
    "inclspf": (zone("inclspf", spf=txt("v=spf1 mx include:v1.test -all")),
                ["spf-include"]),
    "otherspf": (zone("otherspf", spf=txt("v=spf1 ip4:192.0.2.26 ~all")),
                 ["spf-not-ours"]),
    "nodmarc": (zone("nodmarc", dmarc=""), ["dmarc-missing"]),
    "twodmarc": (zone("twodmarc", dmarc=DMARC + DMARC.replace(
        "none", "reject")), ["dmarc-double"]),
    "baddmarc": (zone("baddmarc", dmarc=DMARC.replace("none", "never")),
                 ["dmarc-wrong"]),
    "sub.good": (zone("sub.good", dmarc=""), []),
    "srv": (zone("srv", more="_imaps._tcp.{d} SRV 0 1 993 alive.example."
                 "test.\n_pop3s._tcp.{d} SRV 0 0 0 .\n_pop3._tcp.{d} SRV "
                 "0 0 110 %s.\n" % HOST), ["srv-wrong"] * 2),
}
LATER = "later.other"		# the name server refuses it
ALIASES = {"second": "good", "left": "good"}
TEST_ZONE = """\
$ORIGIN test.
$TTL 60
@ SOA ns.example hostmaster.example 1 3600 600 86400 60
@ NS ns.example
ns.example A 127.0.0.1
mail.example A 192.0.2.25
twin.example A 192.0.2.25
split.example A 192.0.2.30
other.example CNAME mail.example
inside.example A 10.1.2.3
dead.example A 127.0.0.9
alive.example A 127.0.0.8
rude.example A 127.0.0.7
25.2.0.192.black A 127.0.0.2
25.2.0.192.broken A 127.255.255.254
"""
REVERSE = """\
$ORIGIN 2.0.192.in-addr.arpa.
$TTL 60
@ SOA ns.example.test. hostmaster.example.test. 1 3600 600 86400 60
@ NS ns.example.test.
25 PTR mail.example.test.
26 PTR other-name.example.test.
27 PTR mail.example.test.
"""


class Smtp:
    """A mail server of few words; greeting is its first."""

    def __init__(self, where, greeting):
        self.s = socket.create_server(where)
        self.greeting = greeting
        self.said = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                c = self.s.accept()[0]
            except OSError:
                return
            with c, c.makefile("rb") as f:
                c.sendall(self.greeting)
                for line in f:
                    self.said.append(line)
                    c.sendall(b"250-alive.example.test\r\n250 SIZE\r\n"
                              if line.startswith(b"EHLO")
                              else b"221 2.0.0 bye\r\n")


@pytest.fixture(scope="module")
def net():
    d = rohrpost.scratch("dnscheck")
    port = rohrpost.free_port()
    nsd = test_mx.Nsd(d + "/nsd")
    (nsd.dir / "test.zone").write_text(TEST_ZONE + "".join(
        text.format(d=name) for name, (text, _) in FAULTS.items()))
    (nsd.dir / "reverse.zone").write_text(REVERSE)
    conf = nsd.dir / "nsd.conf"
    conf.write_text(conf.read_text().split("zone:\n")[0] + "".join(
        "zone:\n  name: %s\n  zonefile: %s\n" % z for z in (
            ("test", "test.zone"),
            ("2.0.192.in-addr.arpa", "reverse.zone"))))
    alive = Smtp(("127.0.0.8", port), b"220-alive\r\n220 here\r\n")
    Smtp(("127.0.0.7", port), b"554 5.7.1 \x1b[31mnobody\r\n")
    with nsd:
        i = rohrpost.Instance(
            d + "/host", users=("anna",), domain="good.test", ports=dict(
                smtp=25, submission=587, submissions=465, imap=143,
                imaps=993), listen_pop3="", listen_pop3s="",
            resolver="127.0.0.1@%d" % nsd.port, relay_mx_port=str(port),
            relay_allow_loopback="yes", public_address=ADDRESS)
        i.host = "0.0.0.0"
        i.setup()
        i.alive = alive
        text = (i.conf / "rohrpost.conf").read_text()
        (i.conf / "rohrpost.conf").write_text(re.sub(
            "(?m)^hostname = .*", "hostname = " + HOST, text))
        (i.conf / "domains").write_text("".join(
            "%s.test%s\n" % (x, " = alias %s.test" % ALIASES[x]
                             if x in ALIASES else "") for x in FAULTS) +
            LATER + "\n")
        rohrpost.wait_for(lambda: check(i, "second.test").returncode != 75,
                          30, text="the name server answers")
        yield i
    rohrpost.remove(d)


def check(i, *args, **kw):
    return i.command("dns", "check", *args, "--json", **kw)


@pytest.fixture(scope="module")
def found(net):
    """All domains at once, where nothing of the suite runs."""
    p = check(net)
    assert p.returncode == 1 and p.stderr == "", p.stderr
    return json.loads(p.stdout)


@pytest.mark.parametrize("name", FAULTS)
def test_fault(found, name):
    rows = [r for r in found if r["domain"] == name + ".test"]
    assert [r["code"] for r in rows] == FAULTS[name][1], rows


def test_text_has_the_ttl(net):
    """Each MX with its target, and how long others may keep it."""
    p = net.command("dns", "check", "cname.test", env={"LANG": "C"})
    assert p.returncode == 1
    assert re.search(r"(?m)^cname\.test: MX 10 other\.example\.test\. "
                     r"\(others may keep it for ([1-9]|[1-5]\d|60) seconds"
                     r"\)$", p.stdout), p.stdout


def test_json_has_the_ttl(found):
    """With each fault of a domain that has MX records, as they are."""
    for name, ttl in {"cname": True, "dead": True, "baddmarc": True,
                      "nomx": False}.items():
        rows = [r for r in found if r["domain"] == name + ".test"]
        assert rows, name
        for r in rows:
            assert (r["mx_ttl"] in range(1, 61)) if ttl else \
                r["mx_ttl"] is None, r
    assert all(r["mx_ttl"] is None for r in found if r["domain"] == LATER)


def test_sentences(found):
    """Whole, with all names in their places."""
    assert {r["domain"] for r in found} == {
        n + ".test" for n in FAULTS if FAULTS[n][1]} | {LATER}
    for r in found:
        for key in ("finding", "consequence", "remedy"):
            assert r[key].endswith(".") and "{" not in r[key], r
        assert r["domain"] in r["finding"] + r["remedy"], r


def words(found, name):
    return [r["finding"] for r in found if r["domain"] == name + ".test"]


def test_details(found):
    for name, text in {
            "literal": "192.0.2.25", "dead": "dead.example.test",
            "rude": '554 5.7.1 ?[31mnobody"', "longspf": "11 look-ups",
            "deepspf": "12 look-ups", "voidspf": "3 names",
            "badspf": '"ipv4:192.0.2.25"', "inclspf": "v1.test",
            "otherspf": 'its answer is "softfail"', "left": "good.test",
            "baddmarc": '"p=never"', "private": "10.1.2.3"}.items():
        assert any(text in w for w in words(found, name)), (name, text)


def test_a_contact_says_its_name_and_goes(net, found):
    assert net.alive.said == [b"EHLO mail.example.test\r\n", b"QUIT\r\n"]


def test_one_domain_and_its_aliases(net):
    rows = json.loads(check(net, "good.test").stdout)
    assert {r["domain"] for r in rows} == {"left.test"}
    p = check(net, "second.test")
    assert p.returncode == 0 and json.loads(p.stdout) == []
    p = net.command("dns", "check", "second.test")
    assert p.returncode == 0
    assert p.stdout.splitlines()[0] == "second.test: good"


def test_later_is_75(net):
    p = check(net, LATER)
    assert p.returncode == 75
    assert [r["code"] for r in json.loads(p.stdout)] == ["dns-later"]


def test_a_domain_that_is_not_ours(net):
    p = check(net, "nobody.test")
    assert p.returncode == 1 and p.stdout == ""
    assert p.stderr.startswith("rohrpost: nobody.test: not in domains")


def test_a_table_that_cannot_be_read(net):
    """What was not looked at is not good."""
    domains = net.conf / "domains"
    text = domains.read_text()
    domains.write_text(text + "two words\n")
    try:
        for words in ["second.test"], []:
            p = check(net, *words)
            assert p.returncode == 1 and p.stdout == ""
    finally:
        domains.write_text(text)
    assert "domains:%d: " % (text.count("\n") + 1) in p.stderr


def test_text_in_german(net):
    p = net.command("dns", "check", "nomx.test",
                    env={"LANG": "de_DE.UTF-8", "LANGUAGE": "de"})
    assert p.returncode == 1
    first, *rest = p.stdout.splitlines()
    assert first == "nomx.test: nomx.test hat keinen MX-Eintrag."
    assert len(rest) == 2 and all(x.startswith("    ") for x in rest)


@pytest.mark.parametrize("address,hostname,codes", [
    ("192.0.2.25", HOST, []),
    ("192.0.2.25", "twin.example.test", ["ptr-other"]),
    ("192.0.2.27", HOST, ["host-elsewhere", "ptr-unconfirmed"]),
    ("192.0.2.30", "split.example.test", ["ptr-missing"]),
    ("192.0.2.26", HOST, ["host-elsewhere", "ptr-other"]),
    ("192.0.2.25", "nohost.example.test", ["host-nowhere", "ptr-other"]),
])
def test_host(net, address, hostname, codes):
    """PTR, and what it is to lead back to."""
    conf = net.conf / "rohrpost.conf"
    text = conf.read_text()
    conf.write_text(text.replace("hostname = " + HOST,
                                 "hostname = " + hostname))
    try:
        p = check(net, "second.test", "--address", address)
    finally:
        conf.write_text(text)
    assert [r["code"] for r in json.loads(p.stdout)
            if r["domain"] == hostname] == codes, p.stdout
    assert p.returncode == (1 if codes else 0)


def test_address_unknown(net):
    """Behind NAT nobody outside is asked: the operator names it."""
    conf = net.conf / "rohrpost.conf"
    text = conf.read_text()
    conf.write_text(text.replace("public_address = " + ADDRESS, ""))
    try:
        got = json.loads(check(net, "second.test").stdout)
    finally:
        conf.write_text(text)
    # That of the zone is one of documentation.
    assert [r["code"] for r in got] == ["address-unknown", "mx-private"]


def test_mail_by_way_of_a_provider(net):
    """The MX is the provider's; one that leads here loses mail."""
    conf = net.conf / "rohrpost.conf"
    text = conf.read_text()
    conf.write_text(re.sub("(?m)^listen_smtp.*", "listen_smtp =", text) +
                    "relay_host = smtp.far.test\n")
    try:
        here = json.loads(check(net, "second.test").stdout)
        there = check(net, "elsewhere.test")
    finally:
        conf.write_text(text)
    assert [r["code"] for r in here] == ["mx-here"]
    assert there.returncode == 0 and json.loads(there.stdout) == []


@pytest.mark.root
def test_root_does_not_listen(net):
    """What comes from outside is read as the user of resolve."""
    import pwd
    seen = []

    class Look(Smtp):
        def run(self):
            c = self.s.accept()[0]
            who = socket.getnameinfo(c.getpeername(), 1)[1]
            for line in open("/proc/net/tcp").read().splitlines()[1:]:
                f = line.split()
                if f[1].endswith(":%04X" % int(who)):
                    seen.append(int(f[7]))
            c.close()

    port = int(re.search(r"(?m)^relay_mx_port = (\d+)",
                         (net.conf / "rohrpost.conf").read_text()).group(1))
    look = Look(("127.0.0.9", port), b"")
    try:
        check(net, "dead.test")
    finally:
        look.s.close()
    assert seen == [pwd.getpwnam("rp-relay").pw_uid]
    assert os.getuid() == 0
