"""collect: mail of accounts at a provider (Dovecot, POP3 and IMAP) comes here,
each message once, whatever is killed when."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket

import jsonschema
import pytest

import oldserver
import rohrpost
import test_json
from rohrpost import Instance, wait_for

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="Dovecot wants root"),
    pytest.mark.skipif(not os.path.exists(oldserver.DOVECOT),
                       reason="no Dovecot")]

USERS = ("anna", "bert", "carl", "dora", "emil")


@pytest.fixture(scope="module")
def inst():
    d = rohrpost.scratch("collect")
    os.chmod(d, 0o755)
    with Instance(pathlib.Path(d) / "inst", users=USERS,
                  message_size="1M").setup() as i:
        yield i
    rohrpost.remove(d)


@pytest.fixture(scope="module")
def provider():
    d = oldserver.Dovecot([u + ".there" for u in USERS], pop3=True)
    yield d
    d.stop()


def text(n, more=b""):
    return (b"Return-Path: <eve@far.test>\r\nFrom: Eve <eve@far.test>\r\n"
            b"To: someone\r\nSubject: message %d\r\n"
            b"Message-ID: <%d@far.test>\r\n\r\nBody of %d\r\n.\r\n%s" %
            (n, n, n, more))


def put(provider, user, which, more=b""):
    for n in which:
        provider.fill(user + ".there", "INBOX", [text(n, more)], "", n + 1)


def there(provider, user):
    d = provider.maildir(user + ".there")
    return sum(len(os.listdir(d / sub)) for sub in ("cur", "new"))


def account(inst, provider, user, protocol, *words, to=None):
    """A line of the table, as the operator writes it."""
    line = "%s = %s host=localhost:%d tls=none login=%s.there " \
        "to=%s every=5s %s password=%s\n" % (
            user, protocol, provider.ports[protocol], user,
            to or user + "@example.test", " ".join(words),
            oldserver.PASSWORD)
    table = pathlib.Path(inst.conf) / "collect"
    old = table.read_text() if table.exists() else ""
    table.write_text(old + line)
    table.chmod(0o600)
    p = inst.command("apply")
    assert p.returncode == 0, p.stderr


def rows(inst):
    return {r["account"]: r for r in inst.json("collect", "list")}


def numbers(inst, user):
    """The n of each text(n) that came."""
    return sorted(
        int(re.search(rb"Subject: message (\d+)", m).group(1))
        for m in inst.messages(user).values())


@pytest.mark.parametrize("protocol, user", (("pop3", "anna"),
                                            ("imap", "bert")))
def test_comes_once_and_goes(inst, provider, protocol, user):
    put(provider, user, range(30))
    account(inst, provider, user, protocol, "keep=nothing")
    inst.wait_count(30, user, seconds=60)
    assert numbers(inst, user) == list(range(30))
    wait_for(lambda: there(provider, user) == 0, 60,
             text="removed there")
    for m in inst.messages(user).values():
        assert b"\r\n.\r\n" in m
        assert b"Delivered-To: %s@example.test\r\n" % user.encode() in m
        assert m.startswith(b"Return-Path: <eve@far.test>\r\n")
    # What comes later comes, too.
    put(provider, user, [30])
    inst.wait_count(31, user, seconds=60)
    row = rows(inst)[user]
    assert row["result"] == "ok" and row["fetched"] == 31
    assert row["last_success"] is not None


def kill(inst, name):
    for pid in inst.processes().get(name, []):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("protocol, user, keep", (
    ("pop3", "carl", "nothing"), ("imap", "dora", "always")))
def test_killed(inst, provider, protocol, user, keep):
    total = 300
    put(provider, user, range(total), b"x" * 3000)
    account(inst, provider, user, protocol, "keep=" + keep)
    for i in range(12):
        seen = inst.count(user)
        kill(inst, ("collect", "fetch", "queue", "fetch")[i % 4])
        # Each death is a failure, after which the next try comes later.
        wait_for(lambda: inst.count(user) > min(seen + 5, total - 1), 240,
                 text="goes on")
    inst.wait_count(total, user, seconds=240)
    assert numbers(inst, user) == list(range(total))
    left = 0 if keep == "nothing" else total
    wait_for(lambda: there(provider, user) == left, 240,
             text="what is there is as it should be")
    wait_for(lambda: rows(inst)[user]["result"] == "ok", 240, text="works")
    assert inst.count(user) == total


def test_status(provider):
    """Each account's state, whose limit its interval is, and what is overdue."""
    d = pathlib.Path(rohrpost.scratch("accounts"))
    d.chmod(0o755)
    shut = socket.socket()
    shut.bind(("127.0.0.1", 0))     # nobody listens there
    with Instance(d / "inst", users=("emil",),
                  collect_alarm="10s").setup() as inst:
        def none():
            return [r["accounts"] for r in inst.json("status")
                    if r["accounts"] is not None or r["program"] == "collect"]
        wait_for(lambda: none() == [[]], 60, text="no account yet")
        put(provider, "emil", range(2))
        account(inst, provider, "emil", "imap", "idle=no",
                "every=10m")
        inst.wait_count(2, "emil", seconds=60)
        wait_for(lambda: rows(inst)["emil"]["result"] == "ok", 60)
        for line in ("shut = imap host=127.0.0.1:%d tls=none login=x "
                     "to=emil@example.test every=5s password=y\n" %
                     shut.getsockname()[1],
                     "web = pop3 host=Pop3.Web.de:1 login=x "
                     "to=emil@example.test password=y\n"):
            table = pathlib.Path(inst.conf) / "collect"
            table.write_text(table.read_text() + line)
        p = inst.command("apply")
        assert p.returncode == 0, p.stderr
        wait_for(lambda: rows(inst).get("shut", {}).get("overdue") and
                 "web" in rows(inst), 60, text="overdue")
        p = inst.command("status", "--json")
        assert p.returncode == 1
        assert "shut: nothing could be collected yet: " in p.stderr
        assert "emil:" not in p.stderr
        got = json.loads(p.stdout)
        jsonschema.validate(got, test_json.schema("status"))
        there, = [r["accounts"] for r in got if r["program"] == "collect"]
        there = {r["account"]: r for r in there}
        assert there["emil"]["result"] == "ok" and not \
            there["emil"]["overdue"] and there["emil"]["interval"] == 600 and \
            there["emil"]["limit"] == "account"
        assert there["emil"]["last_success"] > 0
        assert there["shut"]["result"] == "unreachable" and \
            there["shut"]["last_success"] is None and there["shut"]["words"]
        assert there["web"]["interval"] == 900
        p = inst.command("status")
        assert p.returncode == 1
        assert re.search(r"^shut +\w+ +unreachable ", p.stdout, re.M), p.stdout
        assert re.search(r"^emil .* account +no ", p.stdout, re.M), p.stdout
    shut.close()
    rohrpost.remove(d)
