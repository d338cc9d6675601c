"""user rename: what goes with an account to its new name, and what a command
that was killed leaves."""
import imaplib
import os
import shutil
import signal
import subprocess

import pytest

import rohrpost
from rohrpost import wait_for

PASSWORD = "another-horse-7\n"


def add(inst, address, *words):
    inst.ctl("user", "add", address, *words, "--stdin", input=PASSWORD,
             stdin=None)


def send(inst, address, n=1):
    for i in range(n):
        assert inst.sendmail(b"Subject: %d\n\nx\n" % i, address) == 0


def stored(inst, address):
    return {r["user"]: r["messages"] for r in inst.json("store", "list")}.get(
        address)


def login(inst, address):
    c = imaplib.IMAP4("127.0.0.1", inst.ports["imap"])
    c.starttls(rohrpost.tls_context())
    c.login(address, PASSWORD.strip())
    return c


def state(c):
    """What a client keeps of a mailbox."""
    c.select("INBOX")
    validity = c.response("UIDVALIDITY")[1]
    rows = c.uid("fetch", "1:*", "(UID FLAGS MODSEQ)")[1]
    return validity, sorted(rows), c.status(
        "INBOX", "(UIDNEXT MAILBOXID HIGHESTMODSEQ)")[1]


def line(inst, table, key):
    return next((x for x in (inst.conf / table).read_text().splitlines()
                 if x.split("=")[0].split(":")[0].split()[:1] == [key]), None)


@pytest.fixture(scope="module", autouse=True)
def domains(inst):
    inst.ctl("domain", "add", "other.test")


def test_all_goes_with_it(inst):
    """Mail, flags, UIDs, UIDVALIDITY and the ids for life; password, grants,
    groups, aliases; sessions of the old name end, its mail still arrives."""
    old, new = "maria@example.test", "maria.meier@other.test"
    add(inst, old, "quota=7M")
    inst.ctl("group", "add", "crew", old, "anna@example.test")
    inst.ctl("alias", "add", "office@example.test", old, "anna@example.test")
    send(inst, old, 4)
    wait_for(lambda: stored(inst, old) == 4, text="the mail")
    c = login(inst, old)
    c.select()
    c.uid("store", "2", "+FLAGS", "(\\Flagged $Work)")
    c.uid("copy", "1", "Archive")
    c.uid("store", "3", "+FLAGS", "(\\Deleted)")
    c.expunge()
    before = state(c)
    inst.ctl("user", "rename", old, new)
    with pytest.raises(Exception):
        for _ in range(3):
            c.noop()
    with pytest.raises(imaplib.IMAP4.error):
        login(inst, old)
    c = login(inst, new)
    assert state(c) == before
    # Whoever changes something now is above all that was.
    c.uid("store", "1", "+FLAGS", "(\\Seen)")
    assert state(c)[2] > before[2]
    c.logout()
    assert not (inst.state / "spool/mail/example.test/maria").exists()
    assert line(inst, "users", old) is None
    assert " quota=7340032 was=%s," % old in line(inst, "users", new)
    assert line(inst, "passwd", old) is None
    assert next(g for g in inst.json("group", "list")
                if g["group"] == "crew")["members"] == ["anna@example.test",
                                                        new]
    assert line(inst, "aliases", "office@example.test").split(" = ")[1] == (
        new + ", anna@example.test")
    assert line(inst, "aliases", old).split(" = ")[1] == new
    send(inst, old)
    send(inst, "office@example.test")
    wait_for(lambda: stored(inst, new) == 6, text="mail by the old name")
    assert inst.json("store", "check", new) == []
    # It may have its old name again, and another may then have this one.
    p = inst.command("user", "rename", new, old)
    assert p.returncode == 1 and "already" in p.stderr
    inst.ctl("alias", "del", old)
    inst.ctl("user", "rename", new, old, "--no-alias")
    assert stored(inst, old) == 6 and stored(inst, new) is None
    p = inst.command("user", "rename", new, "anna@example.test")
    assert p.returncode == 1
    add(inst, new)
    send(inst, new)
    wait_for(lambda: stored(inst, new) == 1, text="mail of the other")
    inst.ctl("alias", "del", "office@example.test")
    inst.ctl("group", "del", "crew")


def test_refused(inst):
    """The new name is taken, or is none, or has mail of somebody else."""
    add(inst, "one@example.test")
    add(inst, "two@example.test")
    send(inst, "two@example.test")
    wait_for(lambda: stored(inst, "two@example.test") == 1, text="mail")
    before = [(inst.conf / n).read_text() for n in ("users", "passwd")]
    for new in ("two@example.test", "one@nowhere.test", "postmaster", "x y@a"):
        p = inst.command("user", "rename", "one@example.test", new)
        assert p.returncode == 1 and p.stderr.startswith("rohrpost: "), p
    inst.ctl("user", "del", "two@example.test")
    p = inst.command("user", "rename", "one@example.test", "two@example.test")
    assert p.returncode == 1 and "earlier account" in p.stderr
    add(inst, "two@example.test")
    p = inst.command("user", "rename", "no@example.test", "x@example.test")
    assert p.returncode == 1 and "not in users" in p.stderr
    assert (inst.conf / "users").read_text() == before[0]


def test_mail_that_waits(inst):
    """What was taken for the old name arrives, though it takes no more."""
    old, new = "waits@example.test", "arrives@example.test"
    add(inst, old)
    send(inst, old)
    wait_for(lambda: stored(inst, old) == 1, text="the mail")
    stopped = inst.processes()["deliver"]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    send(inst, old)
    assert inst.json("queue", "list")
    # What is collected for it is for its new name, too.
    inst.ctl("collect", "add", "away", "imap.example.net", "me", old,
             "--stdin", input="secret\n", stdin=None)
    inst.ctl("user", "rename", "--no-alias", old, new)
    away = (inst.conf / "collect").read_text()
    assert "to=%s " % new in away and away.endswith("password=secret\n")
    inst.ctl("collect", "del", "away")
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)

    def arrived():
        inst.command("queue", "retry", "all")
        return stored(inst, new) == 2
    wait_for(arrived, 40, 0.3, text="the mail under its name")
    with inst.smtp() as s:
        s.ehlo()
        s.mail("eve@remote.test")
        assert s.rcpt(old)[0] == 550
        assert s.rcpt(new)[0] == 250


def test_without_the_second_half(inst):
    """The tables say it, and the command died: the first mail or login of the
    new name moves what was there."""
    old, new = "early@example.test", "late@example.test"
    add(inst, old)
    send(inst, old, 2)
    wait_for(lambda: stored(inst, old) == 2, text="the mail")
    for table in ("users", "passwd"):
        f = inst.conf / table
        f.write_text(f.read_text().replace(old, new))
    f = inst.conf / "users"
    f.write_text(f.read_text().replace(new, new + " moving=" + old))
    inst.ctl("apply")
    send(inst, new)
    inst.ctl("queue", "retry", "all")

    def arrived():
        inst.command("queue", "retry", "all")
        return stored(inst, new) == 3
    wait_for(arrived, 40, 0.5, text="all of its mail")
    # Nobody may have the old name before that is settled; then anybody.
    p = inst.command("user", "add", old, "--stdin", input=PASSWORD,
                     stdin=None)
    assert p.returncode == 1 and "rename" in p.stderr
    inst.ctl("user", "rename", old, new)
    add(inst, old)
    send(inst, old)
    wait_for(lambda: stored(inst, old) == 1, text="mail of the other")
    assert stored(inst, new) == 3


def test_marks(inst):
    """A mark that is too old goes with the next edit; one that says nothing is
    refused, and the line stays as it was for the server."""
    f = inst.conf / "users"
    add(inst, "marked@example.test")
    whole = f.read_text()

    def mark(*words):
        f.write_text(whole.replace("marked@example.test", " ".join(
            ("marked@example.test", *words))))
        return inst.command("apply")
    recent = line(inst, "users", "marked@example.test")
    assert recent == "marked@example.test"
    for bad in ("was=x@example.test", "was=x@example.test,yesterday",
                "moving=x", "moving=anna@example.test",
                "moving=x@example.test,2026-01-01",
                "moving=x@example.test moving=y@example.test"):
        p = mark(bad)
        assert p.returncode == 1 and "users:" in p.stderr, (bad, p)
    p = mark("was=x@example.test,2001-01-01", "was=y@example.test,2999-01-01")
    assert p.returncode == 0, p
    assert line(inst, "users", "marked@example.test") == (
        "marked@example.test was=y@example.test,2999-01-01")
    inst.ctl("user", "set", "marked@example.test", "quota=5M")
    assert line(inst, "users", "marked@example.test") == (
        "marked@example.test quota=5242880 was=y@example.test,2999-01-01")
    inst.ctl("user", "del", "marked@example.test")


CALLS = ("renameat", "sendto", "sendmsg", "connect")


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_killed(inst):
    """The command dies at one call after the other: old or new, never both,
    never none, and the same command finishes it."""
    states, number = set(), 0
    for call in CALLS:
        for when in range(1, 60, 8):
            old = "before%d@example.test" % number
            new = "after%d@other.test" % number
            number += 1
            add(inst, old)
            send(inst, old)
            wait_for(lambda: stored(inst, old) == 1, text="the mail")
            p = subprocess.run(
                ["strace", "-qq", "-o", os.devnull, "-e", "trace=" + call,
                 "-e", "inject=%s:signal=KILL:when=%d" % (call, when),
                 str(rohrpost.ROHRPOST), "-c", str(inst.conf), "user",
                 "rename", old, new], capture_output=True, text=True,
                timeout=60)
            if p.returncode not in (-signal.SIGKILL, 137):
                assert p.returncode == 0, p
                break
            inst.ctl("apply")
            users = {r["user"] for r in inst.json("user", "list")}
            assert len(users & {old, new}) == 1
            states.add(old in users)
            p = inst.command("user", "rename", old, new)
            assert p.returncode == 0, p
            assert stored(inst, new) == 1 and stored(inst, old) is None
            users = {r["user"] for r in inst.json("user", "list")}
            assert users & {old, new} == {new}
            assert "moving=" not in (inst.conf / "users").read_text()
    assert states == {True, False}
