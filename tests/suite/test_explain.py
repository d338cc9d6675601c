"""explain: each step with its reason, held against what smtpd really says."""
import json
import re
import smtplib

import pytest

import nameserver
from rohrpost import message

ZONE = nameserver.Server(nameserver.Zone({
    "far.test MX": ["20 second.far.test", "10 first.far.test"],
    "first.far.test A": ["127.0.0.2"], "second.far.test A": ["127.0.0.3"],
    "first.far.test AAAA": ["2001:db8::2"],
    "null.test MX": ["0 ."], "plain.test A": ["127.0.0.4"]}))
KEYS = {"resolver": "127.0.0.1@%d" % ZONE.port, "message_size": "64K"}
IP = "192.0.2.9"
ENGLISH = {"LANG": "C", "LANGUAGE": ""}


@pytest.fixture(scope="module")
def host(inst):
    ctl = inst.ctl
    ctl("domain", "add", "alias.test", "--alias", "example.test")
    ctl("user", "add", "small@example.test", "--quota", "1K", "--stdin",
        input="some-password-1\n", stdin=None)
    ctl("user", "add", "shut@example.test", "--disabled", "--stdin",
        input="some-password-1\n", stdin=None)
    with open(inst.conf / "aliases", "a") as f:
        for name, to in (("info", "anna@example.test, out@far.test"),
                         ("one", "two@example.test"),
                         ("two", "one@example.test, anna@example.test"),
                         ("twice", "anna@example.test, info@example.test"),
                         ("null", "u@null.test"), ("plain", "u@plain.test"),
                         ("lost", "u@nowhere.test")):
            f.write("%s@example.test = %s\n" % (name, to))
    ctl("apply")
    return inst


def explain(i, to, *args, sender="eve@remote.test", status=None):
    p = i.command("explain", "--from", sender, "--ip", IP, to, *args,
                  "--json", env=ENGLISH)
    assert p.stderr == "", p.stderr
    assert status is None or p.returncode == status, p.stdout
    return json.loads(p.stdout)


def steps(rows):
    return [r["step"] for r in rows]


def smtp(i, sender, to, data=None):
    """The first reply that is no success, as explain writes it; or None."""
    with i.smtp() as s:
        s.ehlo("h.remote.test")
        for code, text in ((s.mail(sender)), (s.rcpt(to))):
            if code != 250:
                return "%d %s" % (code, text.decode())
        if data is None:
            return None
        try:
            code, text = s.data(data)
        except smtplib.SMTPDataError as e:
            code, text = e.smtp_code, e.smtp_error
        return None if code == 250 else "%d %s" % (code, text.decode())


def said(i, sender, to, data):
    """A worker that finds /etc/passwd changed leaves; the next one knows."""
    for _ in range(20):
        reply = smtp(i, sender, to, data)
        if reply is None or "come again" not in reply:
            break
    return reply


HOPS = b"".join(b"Received: from a by b; date\r\n" for _ in range(51))


@pytest.mark.parametrize("sender,to,data", [
    ("eve@remote.test", "anna@example.test", None),
    ("eve@remote.test", "anna+tag@alias.test", None),
    ("eve@remote.test", "nobody@example.test", None),
    ("eve@remote.test", "nobody@alias.test", None),
    ("eve@remote.test", "info@example.test", None),
    ("eve@remote.test", "x@far.test", None),
    ("eve@remote.test", "postmaster", None),
    ("<>", "anna@example.test", None),
    ("<>", "daemon@mail.example.test", None),
    ("<>", "root@mail.example.test", None),
    ("postmaster", "anna@example.test", None),
    ("eve@remote.test", "bert@example.test", b"Subject: x\r\n\r\nx\r\n"),
    ("eve@remote.test", "bert@example.test", b"S: x\r\n\r\n" + b"x\r\n" * 30000),
    ("eve@remote.test", "bert@example.test", HOPS + b"S: x\r\n\r\nx\r\n"),
    ("eve@remote.test", "bert@example.test", b"A: b\r\n" * 1001 + b"\r\n"),
    ("eve@remote.test", "bert@example.test", b"Delivered-To: bert@example.test"
     b"\r\nReceived: from a by mail.example.test (Rohrpost) with ESMTP id 1; "
     b"Mon, 30 Nov 2026 12:00:00 +0000\r\n\r\nx\r\n"),
], ids=lambda v: str(v)[:30])
def test_replies_are_those_of_smtpd(host, tmp_path, sender, to, data):
    args = []
    if data is not None:
        (tmp_path / "message").write_bytes(data.replace(b"\r\n", b"\n"))
        args = ["--file", str(tmp_path / "message")]
    rows = explain(host, to, *args, sender=sender)
    told = [r["reply"] for r in rows if r["reply"]]
    real = said(host, sender, to, data)
    assert told[:1] == ([real] if real else []), rows


def test_quota(host, tmp_path):
    """SMTP says it at RCPT, where the size was announced."""
    (tmp_path / "m").write_bytes(message("q", 3000))
    rows = explain(host, "small@example.test", "--file", str(tmp_path / "m"),
                   status=1)
    with host.smtp() as s:
        s.ehlo("h.remote.test")
        s.mail("eve@remote.test", ["SIZE=3000"])
        code, text = s.rcpt("small@example.test")
    assert [r["reply"] for r in rows if r["reply"]] == [
        "%d %s" % (code, text.decode())]
    assert "quota" in [r for r in rows if r["step"] == "mailbox"][0]["reason"]


def test_the_way_of_an_alias(host):
    rows = explain(host, "info@alias.test", status=0)
    assert steps(rows) == ["sender", "domain", "alias", "mailbox", "elsewhere",
                           "spf", "route", "host", "host", "tls"]
    by = {r["step"]: r["reason"] for r in rows}
    assert by["domain"] == "it stands for example.test"
    assert by["alias"] == \
        "an alias; it leads to anna@example.test, out@far.test"
    hosts = [r["reason"] for r in rows if r["step"] == "host"]
    assert [re.match(r"(\S+), preference (\d+)", h).groups()
            for h in hosts] == [("first.far.test", "10"),
                                ("second.far.test", "20")]
    assert "127.0.0.2, 2001:db8::2" in hosts[0]
    assert '"none"' in by["spf"]


@pytest.mark.parametrize("to,status,reason", [
    ("one@example.test", 0, "an alias that leads back to itself: this way "
     "ends here"),
    ("twice@example.test", 0, "it has its copy already"),
    ("null@example.test", 1, "null.test takes no mail (null MX)"),
    ("lost@example.test", 1, "the domain nowhere.test does not exist"),
    ("plain@example.test", 0, "plain.test has no MX: to its own address"),
    ("shut@example.test", 0, "delivered to INBOX; nobody can log in, the "
     "account is disabled"),
])
def test_reasons(host, to, status, reason):
    assert reason in [r["reason"] for r in explain(host, to, status=status)]


def test_smarthost(host):
    path = host.conf / "rohrpost.conf"
    text = path.read_text()
    path.write_text(text + "relay_host = smtp.far.test\nrelay_user = us\n")
    try:
        rows = explain(host, "info@example.test", status=0)
    finally:
        path.write_text(text)
    assert [r["reason"] for r in rows if r["step"] in (
        "route", "tls", "login")] == [
        "through relay_host smtp.far.test, port 587",
        "encrypted, or it waits (relay_tls = starttls, relay_tls_verify = "
        "yes)", "as us"]


@pytest.mark.parametrize("args,words", [
    (["anna@example.test"], "--from and --ip are needed"),
    (["--from", "a@b.test", "--ip", "here", "anna@example.test"],
     "here: no address like"),
    (["--from", "a@b.test", "--ip", IP, "two words@example.test"], "words"),
    (["--from", "a@b.test", "--ip", IP, "--file", "/nonexistent",
      "anna@example.test"], "/nonexistent: "),
])
def test_refusals(host, args, words):
    p = host.command("explain", *args, env=ENGLISH)
    assert p.returncode == 1 and words in p.stderr, p.stderr


def test_text_in_german(host):
    p = host.command("explain", "--from", "a@b.test", "--ip", IP,
                     "x@far.test", env={"LANG": "de_DE.UTF-8",
                                        "LANGUAGE": "de"})
    assert p.returncode == 1
    assert "die Domain ist nicht unsere" in p.stdout
    assert p.stdout.count("(550 5.7.1 relaying denied)") == 1


def test_aliases_in_a_row(host):
    """As many as the queue follows (ALIAS_DEPTH, lib/mail/limits.h)."""
    with open(host.conf / "aliases", "a") as f:
        for n in range(21):
            f.write("deep%d@example.test = %s@example.test%s\n" % (
                n, "anna" if n == 0 else "deep%d" % (n - 1),
                ", bert@example.test" if n == 20 else ""))
    host.ctl("apply")
    many = "too many aliases in a row: this way ends here"
    for n, reasons in ((19, 0), (20, 1)):
        rows = explain(host, "deep%d@example.test" % n)
        assert [r["reason"] for r in rows].count(many) == reasons, n
    before = host.count()
    with host.smtp() as s:
        s.sendmail("eve@remote.test", ["deep19@example.test"],
                   message("deep"))
    host.wait_count(before + 1)
