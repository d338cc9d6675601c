"""What quota list says of accounts and domains, against what was delivered."""
import pytest

import rohrpost
from rohrpost import PASSWORD

TEXT = b"Subject: q\r\n\r\n" + b"x" * 998 + b"\r\n"
SIZE = len(TEXT)


def add_user(inst, address, *words):
    inst.ctl("user", "add", address, "--stdin", *words,
             input=PASSWORD + "\n", stdin=None)


@pytest.fixture(scope="module")
def host():
    d = rohrpost.scratch("quota")
    with rohrpost.Instance(d, users=("anna", "bert")) as i:
        i.ctl("domain", "add", "alias.test", "--alias", "example.test")
        i.ctl("domain", "add", "other.test")
        add_user(i, "carl@alias.test")
        add_user(i, "dora@other.test", "--quota", "1M,10")
        yield i
    rohrpost.remove(d)


def append(host, user, n=1):
    m = host.imap(user)
    for _ in range(n):
        assert m.append("INBOX", None, None, TEXT)[0] == "OK"
    m.logout()


def rows(host, *words):
    return host.json("quota", "list", *words)


def test_list(host):
    host.ctl("user", "set", "bert@example.test", "--quota", "%d" % (4 * SIZE))
    append(host, "anna")
    append(host, "bert", 3)
    append(host, "carl@alias.test", 2)
    append(host, "dora@other.test", 5)

    def row(kind, name, n, size=None, count=None, percent=None):
        return {"kind": kind, "name": name, "size": n * SIZE,
                "quota_size": size, "messages": n, "quota_count": count,
                "percent": percent}
    ours = [row("account", "bert@example.test", 3, 4 * SIZE, None, 75),
            row("domain", "example.test", 6),
            row("account", "anna@example.test", 1),
            row("account", "carl@alias.test", 2)]
    others = [row("account", "dora@other.test", 5, 1 << 20, 10, 50),
              row("domain", "other.test", 5)]
    assert rows(host) == [ours[0], others[0], ours[1], others[1], *ours[2:]]
    for name in "example.test", "ALIAS.test":
        assert rows(host, "--domain", name) == ours
    assert rows(host, "--domain", "other.test") == others
    lines = host.ctl("quota", "list", "--domain", "other.test")
    assert [x.split()[1] for x in lines.splitlines()] == [
        "NAME", "dora@other.test", "other.test"]


def test_who_counts(host):
    """An account without mailboxes is listed; what a closed one left is not."""
    add_user(host, "emil@other.test", "--quota", "3M")
    assert rows(host, "--domain", "other.test")[1] == {
        "kind": "account", "name": "emil@other.test", "size": 0,
        "quota_size": 3 << 20, "messages": 0, "quota_count": None,
        "percent": 0}
    host.ctl("user", "del", "dora@other.test")
    assert [(r["name"], r["size"]) for r in rows(host, "--domain",
                                                 "other.test")] == [
        ("emil@other.test", 0), ("other.test", 0)]


# -- a domain's own ---------------------------------------------------------

def bound(host, text, domain="example.test"):
    host.ctl("domain", "set", domain, "--quota", text)


def root(host, user="anna"):
    """What GETQUOTAROOT says: the roots, and what each of them holds."""
    m = host.imap(user)
    typ, (roots, quotas) = m.getquotaroot("INBOX")
    m.logout()
    assert typ == "OK"
    return roots, quotas


def wait_root(host, want, user="anna"):
    rohrpost.wait_for(lambda: root(host, user)[1][1:] == [want], 30,
                      text="the root %s, not %s" % (want, root(host, user)))


def refused(host, to):
    with host.smtp() as s:
        s.ehlo()
        s.mail("eve@remote.test")
        return s.rcpt(to)


def expunge(host, user, n):
    m = host.imap(user)
    m.select("INBOX")
    m.store("1:%d" % n, "+FLAGS", "\\Deleted")
    m.expunge()
    m.logout()


def test_domain(host):
    """Two fill it together; a third is refused, though it holds little."""
    used = next(r for r in rows(host) if r["name"] == "example.test")
    assert used["messages"] == 6
    assert root(host) == ([b'"INBOX" ""'], [b'"" ()'])
    bound(host, "1M,8")
    kib = -(-6 * SIZE // 1024)
    wait_root(host, b'"@example.test" (STORAGE %d 1024 MESSAGE 6 8)' % kib)
    assert root(host)[0] == [b'"INBOX" "" "@example.test"']
    assert root(host, "carl@alias.test")[1][1:] == root(host)[1][1:]
    m = host.imap()
    assert m.getquota("@example.test")[0] == "OK"
    assert m.getquota("@other.test")[0] == "NO"
    assert m.getquota("@")[0] == "NO"
    m.logout()
    append(host, "anna")
    with host.smtp() as s:
        s.sendmail("eve@remote.test", ["bert@alias.test"],
                   b"Subject: last\r\n\r\n")
    host.wait_empty()
    used = rows(host, "--domain", "example.test")[0]
    assert (used["name"], used["messages"], used["quota_count"],
            used["percent"]) == ("example.test", 8, 8, 100)
    rohrpost.wait_for(lambda: refused(host, "carl@alias.test")[0] == 452, 30)
    assert refused(host, "carl@alias.test")[1].startswith(b"4.2.2")
    assert "4.2.2" in host.command(
        "explain", "anna@alias.test", "--from", "eve@remote.test", "--ip",
        "192.0.2.1").stdout
    assert refused(host, "emil@other.test")[0] == 250
    m = host.imap("carl@alias.test")
    typ, words = m.append("INBOX", None, None, TEXT)
    assert typ == "NO" and words[0].startswith(b"[OVERQUOTA]")
    m.logout()
    expunge(host, "bert", 1)
    rohrpost.wait_for(lambda: refused(host, "carl@alias.test")[0] == 250, 30)
    append(host, "carl@alias.test")


def test_domain_limit_changes(host):
    rohrpost.wait_for(lambda: refused(host, "anna@example.test")[0] == 452,
                      30)
    bound(host, "1M,9")
    rohrpost.wait_for(lambda: refused(host, "anna@example.test")[0] == 250,
                      30)
    append(host, "anna")
    rohrpost.wait_for(lambda: refused(host, "bert@example.test")[0] == 452,
                      30)
    # One that is larger than all that may be need not come at all.
    with host.smtp() as s:
        s.ehlo()
        bound(host, "1M,20")

        def answer():
            s.rset()
            s.mail("eve@remote.test", ["SIZE=2000000"])
            return s.rcpt("anna@example.test")[0] == 552
        rohrpost.wait_for(answer, 30)
        s.rset()


def holds(host):
    """Messages of the domain by a walk over its accounts, when store has come to
    the same sum by itself."""
    r = next(r for r in rows(host) if r["name"] == "example.test")
    want = '"@example.test" (STORAGE %d %d MESSAGE %d %d)' % (
        -(-r["size"] // 1024), r["quota_size"] // 1024, r["messages"],
        r["quota_count"])
    wait_root(host, want.encode())
    return r["messages"]


def test_domain_accounts_come_and_go(host):
    """A rename takes its part along, a closed account's is none; and a restart
    finds what was."""
    n = holds(host)
    append(host, "emil@other.test", 2)
    assert holds(host) == n
    host.ctl("user", "rename", "emil@other.test", "emil@example.test",
             "--no-alias")
    assert holds(host) == n + 2
    host.ctl("user", "rename", "emil@example.test", "fred@other.test",
             "--no-alias")
    assert holds(host) == n
    host.ctl("user", "del", "carl@alias.test")
    left = holds(host)
    assert left < n
    host.stop()
    host.start()
    assert holds(host) == left


def test_domain_warning(host):
    """Postmaster's aliases are followed to the accounts behind them."""
    host.ctl("alias", "add", "team@example.test", "fred@other.test",
             "x@far.test")
    host.ctl("alias", "add", "postmaster@example.test", "team@example.test")
    told = host.count("fred@other.test")
    n = holds(host)
    bound(host, "2M,100")
    append(host, "anna", 80 - n)
    host.wait_count(told + 1, "fred@other.test")
    text = list(host.messages("fred@other.test").values())[-1]
    assert b"Subject: The domain example.test is 80 % full\r\n" in text
    assert b"80 of the 100 messages\r\n" in text
    host.stop()
    host.start()
    append(host, "anna", 15)
    host.wait_count(told + 2, "fred@other.test")
    text = list(host.messages("fred@other.test").values())[-1]
    assert b"Subject: The domain example.test is 95 % full\r\n" in text
