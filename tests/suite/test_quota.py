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
