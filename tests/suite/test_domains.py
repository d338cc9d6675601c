"""Several domains: each has users, aliases, a catch-all, keys and limits of its
own, under the same local parts; mail never crosses."""
import re
import smtplib

import pytest

import rohrpost
from rohrpost import PASSWORD

DOMAINS = ("one.test", "two.test", "three.test")
LOCAL = ("anna", "bert")
# What each domain's accounts are granted: a bound of octets.
QUOTA = {"one.test": 0, "two.test": 3000, "three.test": 1 << 20}


@pytest.fixture(scope="module")
def host():
    d = rohrpost.scratch("domains")
    with rohrpost.Instance(d, domain=DOMAINS[0], users=LOCAL) as i:
        for domain in DOMAINS:
            if domain != DOMAINS[0]:
                i.ctl("domain", "add", domain)
                for user in LOCAL:
                    i.ctl("user", "add", "%s@%s" % (user, domain), "--stdin",
                          input=PASSWORD + "\n", stdin=None)
            i.ctl("alias", "add", "info@" + domain, "anna@" + domain)
            i.ctl("dkim", "new", domain, "--type", "ed25519", "--selector",
                  "k" + domain[:3])
            i.ctl("dkim", "activate", domain)
            i.ctl("domain", "set", domain, "quota=%d" % QUOTA[domain])
        i.ctl("alias", "add", "@two.test", "bert@two.test")
        i.ctl("domain", "set", "three.test", "protocols=imap")
        yield i
    rohrpost.remove(d)


def everybody():
    return ["%s@%s" % (u, d) for d in DOMAINS for u in LOCAL]


def counts(host):
    rows = {r["user"]: r["messages"] for r in host.json("store", "list")}
    return {a: rows.get(a, 0) for a in everybody()}


def grown(host, before, *who):
    """Those have one message more, and nobody else."""
    want = {a: n + (a in who) for a, n in before.items()}
    rohrpost.wait_for(lambda: sum(counts(host).values()) >=
                      sum(want.values()))
    assert counts(host) == want


def send(host, to, n=0, sender="eve@remote.test"):
    with host.smtp() as s:
        s.sendmail(sender, to, b"From: eve@remote.test\r\nSubject: x\r\n\r\n" +
                   b"x" * 70 * (n > 0) + b"\r\n" * 2)


@pytest.mark.parametrize("to,who", [
    ("anna@one.test", "anna@one.test"), ("anna@two.test", "anna@two.test"),
    ("anna@three.test", "anna@three.test"),
    ("Info@ONE.test", "anna@one.test"), ("info+x@two.test", "anna@two.test"),
    ("info@three.test", "anna@three.test"),
    ("other@two.test", "bert@two.test"),
])
def test_mail_goes_to_its_domain(host, to, who):
    before = counts(host)
    send(host, [to])
    host.wait_empty()
    grown(host, before, who)


def test_all_at_once(host):
    """One message for the same name everywhere: a copy for each, once."""
    before = counts(host)
    send(host, ["bert@" + d for d in DOMAINS])
    host.wait_empty()
    grown(host, before, *("bert@" + d for d in DOMAINS))


def test_no_name_of_another(host):
    """What one has is no address of the others."""
    for to in "other@one.test", "other@three.test":
        with host.smtp() as s:
            s.ehlo()
            s.mail("eve@remote.test")
            assert s.rcpt(to)[0] == 550


def test_logins(host):
    """A password opens the account of its domain alone, and sends as that."""
    host.ctl("user", "passwd", "anna@two.test", "--stdin",
             input="another-password-2\n", stdin=None)
    with pytest.raises(Exception, match="(?i)auth"):
        host.imap("anna@two.test")
    host.imap("anna@one.test").logout()
    host.imap("anna@three.test").logout()
    host.ctl("user", "passwd", "anna@two.test", "--stdin",
             input=PASSWORD + "\n", stdin=None)
    with host.submission("anna@one.test") as s:
        for domain in DOMAINS[1:]:
            assert s.mail("anna@" + domain)[0] == 553
            s.rset()
            assert s.mail("info@" + domain)[0] == 553
            s.rset()
        assert s.mail("info@one.test")[0] == 250
    # What a domain's accounts may not do the others' may.
    with pytest.raises(smtplib.SMTPAuthenticationError):
        host.submission("anna@three.test")
    host.submission("anna@two.test").quit()


def test_keys(host):
    """Signed by the sender's domain, with its own key."""
    for domain in DOMAINS[:2]:
        me = "anna@" + domain
        before = host.count(me)
        with host.submission(me) as s:
            s.sendmail(me, [me], b"From: %s\r\nSubject: x\r\n\r\nx\r\n" %
                       me.encode())
        host.wait_count(before + 1, me)
        text = list(host.messages(me).values())[-1]
        field = re.search(rb"(?m)^DKIM-Signature:(?:.|\n[ \t])*", text)[0]
        assert re.findall(rb"\bd=([\w.]+);", field) == [domain.encode()]
        assert re.findall(rb"\bs=(\w+);", field) == [
            b"k" + domain[:3].encode()]


def test_limits(host):
    """Where one domain's account is full the others' take mail."""
    rows = {r["user"]: r for r in host.json("user", "list")}
    assert {a: rows[a]["quota_size"] or 0 for a in everybody()} == {
        a: QUOTA[a.split("@")[1]] for a in everybody()}

    def full():
        with host.smtp() as s:
            s.ehlo()
            s.mail("eve@remote.test")
            codes = [s.rcpt("anna@" + d)[0] for d in DOMAINS]
            if codes == [250, 250, 250]:
                s.data(b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" * 10)
        return codes == [250, 452, 250]

    rohrpost.wait_for(full, 30, 0.1)
    before = counts(host)
    send(host, ["anna@one.test", "anna@three.test", "bert@two.test"])
    host.wait_empty()
    grown(host, before, "anna@one.test", "anna@three.test", "bert@two.test")
