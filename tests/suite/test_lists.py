"""Aliases that lead to several and to addresses elsewhere, wildcards and the
catch-all too; and mailing lists: aliases with an owner, in whose name the mail
goes on and to whom the bounces come."""
import email
import json

import pytest

import rohrpost
from test_relay_alone import Hop

AUTHOR = "eve@remote.test"
OWNER = "boss@example.test"
TEXT = (b"From: A <%s>\r\nTo: %s\r\nMessage-ID: <%d@remote.test>\r\n"
        b"Subject: s\r\n\r\nthe body\r\n")


class Hosts(Hop):
    """The next hop, for all of the world."""

    def envelopes(self):
        """(sender, recipients) of each transaction so far."""
        got = []
        for line in self.lines:
            if line.startswith("MAIL FROM:"):
                got.append((line[11:].split(">")[0], []))
            elif line.startswith("RCPT TO:"):
                got[-1][1].append(line[9:].split(">")[0])
        return got


@pytest.fixture(scope="module")
def host():
    d = rohrpost.scratch("lists")
    hop = Hosts()
    users = ("anna", "bert", "boss")
    with rohrpost.Instance(d, users=users, relay_tls="never",
                           relay_host="[127.0.0.1]", relay_port=hop.port
                           ) as i:
        i.hop = hop
        i.number = 0
        for line in (
                "out@example.test far@far.test",
                "all@example.test anna@example.test bert@example.test "
                "far@far.test",
                "shop-*@example.test anna@example.test far@far.test",
                "@example.test bert@example.test any@far.test",
                "team@example.test bert@example.test far@far.test --owner "
                + OWNER,
                "news-*@example.test far@far.test --owner " + OWNER,
                "inner@example.test in@far.test --owner bert@example.test",
                "outer@example.test inner@example.test out@far.test "
                "--owner " + OWNER):
            i.ctl("alias", "add", *line.split())
        yield i
    hop.close()
    rohrpost.remove(d)


@pytest.fixture
def sent(host):
    """Sends a message; what left this host then, when all is done."""
    def send(to, sender=AUTHOR, login=None, options=(), rcpt=()):
        before = len(host.hop.envelopes())
        host.number += 1
        with host.submission(login) if login else host.smtp() as s:
            s.sendmail(sender, to, TEXT % (
                sender.encode() or b"a@remote.test", ", ".join(to).encode(),
                host.number), mail_options=options,
                rcpt_options=rcpt)
        host.wait_empty()
        return sorted((a, sorted(b)) for a, b in
                      host.hop.envelopes()[before:])
    return send


def new(host, user, before):
    host.wait_count(before + 1, user)
    return email.message_from_bytes(list(host.messages(user).values())[-1])


@pytest.mark.parametrize("to,here,there", [
    ("out@example.test", [], "far@far.test"),
    ("Out+tag@Example.Test", [], "far@far.test"),
    ("all@example.test", ["anna", "bert"], "far@far.test"),
    ("shop-17@example.test", ["anna"], "far@far.test"),
    ("SHOP-@example.test", ["anna"], "far@far.test"),
    ("shop@example.test", ["bert"], "any@far.test"),
])
def test_alias(host, sent, to, here, there):
    """One copy for each, of the author's, who hears of what fails."""
    users = ("anna", "bert", "boss")
    before = {u: host.count(u) for u in users}
    assert sent([to]) == [(AUTHOR, [there])]
    assert {u: host.count(u) - before[u] for u in users} == \
        {u: int(u in here) for u in users}


def test_alias_bounce(host, sent):
    host.hop.odd["RCPT"] = ["550 5.1.1 no"]
    try:
        got = sent(["out@example.test"])
    finally:
        del host.hop.odd["RCPT"]
    # The bounce of it leaves, too, for its author is elsewhere.
    assert got == [("", [AUTHOR]), (AUTHOR, ["far@far.test"])]


def test_list(host, sent):
    """RFC 5321 3.9.2: another envelope, the same header."""
    before = host.count("bert")
    assert sent(["team@example.test"]) == [(OWNER, ["far@far.test"])]
    m = new(host, "bert", before)
    assert m["From"] == "A <eve@remote.test>"
    data, _ = host.hop.messages[-1]
    assert email.message_from_bytes(data)["From"] == "A <eve@remote.test>"
    assert sent(["news-all@example.test"]) == [(OWNER, ["far@far.test"])]
    # Of lists in lists the innermost one's, and nothing twice.
    assert sent(["outer@example.test", "inner@example.test"]) == [
        ("bert@example.test", ["in@far.test"]), (OWNER, ["out@far.test"])]
    # Who is named by the author himself hears from the author.
    assert sent(["team@example.test", "bert@example.test"]) == [
        (OWNER, ["far@far.test"])]
    # A bounce to a list stays one.
    assert sent(["team@example.test"], sender="") == [("", ["far@far.test"])]


def test_list_bounce(host, sent):
    """To the owner, with the address that is to be mended; the author hears
    nothing of it, but, where he asked, that the list took it."""
    boss, anna = host.count("boss"), host.count("anna")
    host.hop.odd["RCPT"] = ["550 5.1.1 no"]
    try:
        got = sent(["team@example.test"], "anna@example.test", "anna",
                   ["ENVID=Q1", "RET=FULL"], ["NOTIFY=SUCCESS,FAILURE"])
    finally:
        del host.hop.odd["RCPT"]
    assert got == [(OWNER, ["far@far.test"])]
    m = new(host, "boss", boss)
    assert m["Return-Path"] == "<>" and m["To"] == "<%s>" % OWNER
    assert m["Subject"] == "Undelivered mail of a mailing list"
    people, status, original = m.get_payload()
    assert "<far@far.test>\r\n    in the list <team@example.test>" in \
        people.get_payload()
    [head, r] = status.get_payload()
    assert "Original-Envelope-Id" not in head
    assert r["Final-Recipient"] == "rfc822; far@far.test"
    assert r["Action"] == "failed" and r["Status"] == "5.1.1"
    assert original.get_content_type() == "text/rfc822-headers"
    m = new(host, "anna", anna)
    [head, r] = m.get_payload()[1].get_payload()
    assert head["Original-Envelope-Id"] == "Q1"
    assert (r["Final-Recipient"], r["Action"]) == \
        ("rfc822; team@example.test", "delivered")
    host.wait_empty()
    assert host.count("anna") == anna + 1 and host.count("boss") == boss + 1


def test_full_member(host, sent):
    """A member here for whom the message is too large: the owner's too. The
    owner whose own mailbox is as small hears nothing: that bounce is dropped.
    """
    host.ctl("user", "add", "tiny@example.test", "--quota", "100", "--stdin",
             input="some-password-1\n", stdin=None)
    host.ctl("alias", "add", "small@example.test", "tiny@example.test",
             "--owner", OWNER)
    boss = host.count("boss")
    assert sent(["small@example.test"]) == []
    m = new(host, "boss", boss)
    [head, r] = m.get_payload()[1].get_payload()
    assert r["Final-Recipient"] == "rfc822; tiny@example.test"
    assert r["Status"] == "5.2.3"
    host.ctl("alias", "set", "small@example.test", "--owner",
             "tiny@example.test")
    assert sent(["small@example.test"]) == []
    assert host.count("boss") == boss + 1


def test_words(host):
    """The commands show it and change it; what is wrong with it is said."""
    rows = {r["alias"]: r for r in host.json("alias", "list")}
    assert rows["team@example.test"] == {
        "alias": "team@example.test", "owner": OWNER,
        "targets": ["bert@example.test", "far@far.test"]}
    assert rows["all@example.test"]["owner"] is None
    steps = host.json("explain", "--from", AUTHOR, "--ip", "192.0.2.1",
                      "team@example.test")
    assert [r["reason"] for r in steps if r["step"] == "alias"] == [
        "a mailing list; it leads to bert@example.test, far@far.test; %s is "
        "the sender from here on and gets what bounces" % OWNER]
    p = host.command("explain", "--from", "<>", "--ip", "192.0.2.1",
                     "team@example.test", "--json")
    assert [r["reason"] for r in json.loads(p.stdout)
            if r["step"] == "alias"] == [
        "an alias; it leads to bert@example.test, far@far.test"]
    host.ctl("alias", "add", "x@example.test", "far@far.test")
    host.ctl("alias", "set", "x@example.test", "--owner", OWNER)
    host.ctl("alias", "set", "X@example.test", "a@far.test", "b@far.test")
    aliases = (host.conf / "aliases").read_text()
    assert "\nx@example.test owner=%s = a@far.test, b@far.test\n" % OWNER \
        in aliases
    for args, status, words in (
            (["--owner", "nobody@other.example.test"], 0, "may refuse what "
             "this one sends in the name of another domain (SPF)"),
            (["--owner", "x@example.test"], 1, "owns itself"),
            (["--owner", "ab"], 1, "ab: not an address"),
            ([], 2, "what is to change")):
        p = host.command("alias", "set", "x@example.test", *args)
        assert p.returncode == status and words in p.stderr, p.stderr
    host.ctl("alias", "set", "x@example.test", "--owner", "")
    assert "\nx@example.test = a@far.test, b@far.test\n" in \
        (host.conf / "aliases").read_text()
    p = host.command("alias", "set", "y@example.test", "--owner", OWNER)
    assert p.returncode == 1 and "y@example.test: not in aliases" in p.stderr
    host.ctl("alias", "del", "x@example.test")


def test_waits(host, sent):
    """While it waits the operator sees whose list it goes by."""
    host.hop.odd["RCPT"] = ["450 4.2.0 later"]
    try:
        with host.smtp() as s:
            s.sendmail(AUTHOR, ["team@example.test"], TEXT % (b"a@x.test", b"x", 0))
        row = rohrpost.wait_for(lambda: [
            r for r in host.json("queue", "list")
            if r["state"] == "deferred"])[0]
    finally:
        del host.hop.odd["RCPT"]
    [m] = host.json("queue", "show", row["id"])
    assert m["sender"] == AUTHOR
    [r] = m["recipients"]
    assert {t["address"]: (t["result"], t["owner"]) for t in r["targets"]} \
        == {"bert@example.test": ("delivered", OWNER),
            "far@far.test": ("waiting", OWNER)}
    before = len(host.hop.envelopes())
    host.ctl("queue", "retry", row["id"])
    host.wait_empty()
    assert host.hop.envelopes()[before:] == [(OWNER, ["far@far.test"])]
