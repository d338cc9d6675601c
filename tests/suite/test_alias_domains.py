"""Alias domains: the same accounts, aliases and catch-all, and the right to send
as them; lines of their own, and users that are left out."""
import pytest

from rohrpost import message


@pytest.fixture(scope="module")
def host(inst):
    ctl = inst.ctl
    ctl("domain", "add", "alias.test", "--alias", "example.test")
    ctl("alias", "add", "sales@example.test", "anna@example.test")
    ctl("alias", "add", "@example.test", "bert@example.test")
    return inst


def rcpt(inst, address):
    with inst.smtp() as s:
        s.ehlo("h.remote.test")
        s.mail("eve@remote.test")
        return s.rcpt(address)[0]


@pytest.mark.parametrize("to,user", [
    ("anna@alias.test", "anna"),            # a mailbox
    ("Anna+tag@ALIAS.test", "anna"),
    ("sales@alias.test", "anna"),           # an alias
    ("anybody@alias.test", "bert"),         # the catch-all
])
def test_the_same_addresses(host, to, user):
    before = host.count(user)
    with host.smtp() as s:
        s.sendmail("eve@remote.test", [to], message(1))
    host.wait_count(before + 1, user)


def may_send(inst, user, address):
    with inst.submission(user) as s:
        return s.mail(address)[0] == 250


def test_the_right_to_send(host):
    for address in "anna@alias.test", "sales@alias.test", "anna+x@alias.test":
        assert may_send(host, "anna", address)
        assert not may_send(host, "bert", address)
    assert may_send(host, "bert", "anybody@alias.test")
    assert not may_send(host, "anna", "anybody@alias.test")
    with host.submission("anna") as s:
        before = host.count("bert")
        s.sendmail("anna@alias.test", ["bert@alias.test"],
                   message(2, sender="anna@alias.test"))
    host.wait_count(before + 1, "bert")


def test_user_left_out(host):
    """At that domain alone; not even the catch-all has him there."""
    host.ctl("domain", "set", "alias.test", "except=anna")
    assert rcpt(host, "anna@alias.test") == 550
    assert rcpt(host, "anna+x@alias.test") == 550
    assert rcpt(host, "anna@example.test") == 250
    assert rcpt(host, "sales@alias.test") == 250
    assert not may_send(host, "anna", "anna@alias.test")
    assert may_send(host, "anna", "anna@example.test")
    row = next(r for r in host.json("domain", "list")
               if r["domain"] == "alias.test")
    assert row == {"domain": "alias.test", "alias_of": "example.test",
                   "grants": [], "except": ["anna"], "admins": []}
    p = host.command("domain", "set", "alias.test", "quota=1G")
    assert p.returncode == 1 and "except=NAME,... alone" in p.stderr
    host.ctl("domain", "set", "alias.test", "except=")
    assert rcpt(host, "anna@alias.test") == 250


def test_line_of_its_own(host):
    """It wins over the address of the other domain."""
    host.ctl("alias", "add", "anna@alias.test", "bert@example.test")
    before = host.count("bert"), host.count("anna")
    with host.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@alias.test"], message(3))
    host.wait_count(before[0] + 1, "bert")
    with host.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@example.test"], message(4))
    host.wait_count(before[1] + 1, "anna")
    assert host.count("bert") == before[0] + 1
    assert may_send(host, "bert", "anna@alias.test")
    assert not may_send(host, "anna", "anna@alias.test")
    host.ctl("alias", "del", "anna@alias.test")
    assert may_send(host, "anna", "anna@alias.test")


def test_account_of_its_own(host):
    host.ctl("user", "add", "sales@alias.test", "--stdin",
             input="some-password-1\n", stdin=None)
    assert rcpt(host, "sales@alias.test") == 250
    before = host.count("anna")
    with host.smtp() as s:
        s.sendmail("eve@remote.test", ["sales@alias.test"], message(5))
    with host.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@example.test"], message(6))
    host.wait_count(before + 1, "anna")
    host.ctl("user", "del", "sales@alias.test")
    assert may_send(host, "anna", "sales@alias.test")


@pytest.mark.parametrize("name", ["@alias.test", "x-*@alias.test"])
def test_no_wildcards_there(host, name):
    p = host.command("alias", "add", name, "anna@example.test")
    assert p.returncode == 1 and "use that domain" in p.stderr
