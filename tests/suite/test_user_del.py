"""user del, with the mail and without: what is said, what goes, what comes
back, and what is left by a command that was killed."""
import imaplib
import os
import shutil
import signal
import subprocess

import pytest

import rohrpost
from rohrpost import wait_for
from terminal import Terminal

PASSWORD = "another-horse-7\n"


def add(inst, name):
    inst.ctl("user", "add", inst.address(name), "--stdin", input=PASSWORD,
             stdin=None)


def fill(inst, name, n=3):
    add(inst, name)
    for i in range(n):
        assert inst.sendmail(b"Subject: %d\n\nx\n" % i,
                             inst.address(name)) == 0
    wait_for(lambda: stored(inst, name) == n, text="the mail")


def stored(inst, name):
    """How many messages store has for it; None: it knows of none."""
    return {r["user"]: r["messages"] for r in inst.json("store", "list")}.get(
        inst.address(name))


def folder(inst, name):
    return inst.state / "spool" / "mail" / "example.test" / name


def login(inst, name):
    c = imaplib.IMAP4("127.0.0.1", inst.ports["imap"])
    c.starttls(rohrpost.tls_context())
    c.login(inst.address(name), PASSWORD.strip())
    return c


def test_without_the_mail(inst):
    """The mail stays, the command says where; the account back has it again,
    with its UIDs; or it goes later."""
    fill(inst, "kept")
    before = inst.ctl("mailbox", "list", inst.address("kept"))
    out = inst.ctl("user", "del", inst.address("kept"))
    assert str(folder(inst, "kept")) in out and "--mail" in out
    assert folder(inst, "kept").is_dir()
    add(inst, "kept")
    assert inst.ctl("mailbox", "list",
                    inst.address("kept")) == before
    inst.ctl("user", "del", inst.address("kept"))
    out = inst.ctl("user", "del", "--mail", "--yes",
                   inst.address("kept"))
    assert out == "kept@example.test: all mail is removed, 3 messages\n"
    assert not folder(inst, "kept").exists()


def test_with_the_mail(inst):
    """Sessions end, files, index and sums go, hashes and groups too; the next
    of that name begins with nothing, above all numbers of before."""
    fill(inst, "gone")
    inst.ctl("group", "add", "some", inst.address("gone"))
    c = login(inst, "gone")
    c.select()
    validity = int(c.response("UIDVALIDITY")[1][0])
    p = inst.command("user", "del", "--mail", inst.address("gone"))
    assert p.returncode == 1 and "--yes" in p.stderr
    assert stored(inst, "gone") == 3
    out = inst.ctl("user", "del", "--mail", "--yes",
                   inst.address("gone"))
    assert out == "gone@example.test: all mail is removed, 3 messages\n"
    with pytest.raises(Exception):
        for _ in range(3):
            c.noop()
    assert not folder(inst, "gone").exists()
    assert not (folder(inst, "gone").parent.parent / ".removed").exists()
    assert stored(inst, "gone") is None
    assert inst.json("group", "list")[0]["members"] == []
    inst.ctl("group", "del", "some")
    p = inst.command("user", "del", "--mail", "--yes", inst.address("gone"))
    assert p.returncode == 1 and "no mailboxes" in p.stderr
    add(inst, "gone")
    c = login(inst, "gone")
    assert c.select()[1] == [b"0"]
    assert int(c.response("UIDVALIDITY")[1][0]) > validity
    c.logout()
    # It has had no mail, but mailboxes.
    inst.ctl("user", "del", "--mail", "--yes", inst.address("gone"))


@pytest.mark.parametrize("answer, gone", [
    ("nein", False), (b"\x04", False), ("ja", True)],
    ids=["no", "end", "yes"])
def test_it_is_asked(inst, answer, gone):
    """At a terminal, with what there is, in the operator's language."""
    fill(inst, "asked", 2)
    t = Terminal(inst.conf, "user del --mail " + inst.address("asked"),
                 LC_ALL="de_DE.UTF-8")
    try:
        t.asked("asked@example.test mit aller Mail (2 Nachrichten) für immer "
                "entfernen? [ja/nein")
        t.answer(answer)
        assert t.end() == (0 if gone else 1)
    finally:
        t.close()
    if gone:
        assert "alle Mail ist entfernt, 2 Nachrichten" in t.said
        assert stored(inst, "asked") is None
    else:
        assert "nichts wurde gelöscht" in t.said
        assert stored(inst, "asked") == 2
        login(inst, "asked").logout()
        inst.ctl("user", "del", "--mail", "--yes", inst.address("asked"))


def test_refused_changes_nothing(inst):
    """An alias leads there: the account and its mail stay."""
    fill(inst, "named", 1)
    inst.ctl("alias", "add", "more@example.test", inst.address("named"))
    p = inst.command("user", "del", "--mail", "--yes", inst.address("named"))
    assert p.returncode == 1 and "more@example.test" in p.stderr
    assert stored(inst, "named") == 1
    inst.ctl("alias", "del", "more@example.test")
    inst.ctl("user", "del", "--mail", "--yes", inst.address("named"))
    p = inst.command("user", "del", "--mail", "--yes", "x@other.test")
    assert p.returncode == 1 and p.stderr.count("\n") == 1


def test_nothing_without_store(tmp_path):
    """The mail is store's: while the suite is down nothing is done."""
    inst = rohrpost.Instance(rohrpost.scratch("del"), users=("anna",)).setup()
    try:
        p = inst.command("user", "del", "--mail", "--yes",
                         inst.address("anna"))
        assert p.returncode == 75, p
        assert "anna@" in (inst.conf / "users").read_text()
    finally:
        rohrpost.remove(inst.dir)


CALLS = ("renameat", "unlinkat", "sendto", "sendmsg", "connect")


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_killed(inst):
    """The command dies at one call after the other: the account is there with
    all of its mail, or the same command finishes it."""
    states, number = set(), 0
    for call in CALLS:
        for when in range(1, 40, 3):
            name = "kill%d" % number
            number += 1
            add(inst, name)
            assert inst.sendmail(b"Subject: x\n\nx\n",
                                 inst.address(name)) == 0
            wait_for(lambda: stored(inst, name) == 1, text="the mail")
            words = [str(rohrpost.ROHRPOST), "-c", str(inst.conf), "user",
                     "del", "--mail", "--yes", inst.address(name)]
            p = subprocess.run(
                ["strace", "-qq", "-o", os.devnull, "-e", "trace=" + call,
                 "-e", "inject=%s:signal=KILL:when=%d" % (call, when),
                 *words], capture_output=True, text=True, timeout=60)
            killed = p.returncode in (-signal.SIGKILL, 137)
            if not killed:
                assert p.returncode == 0, p
                break
            # What it has asked store for goes on.
            inst.ctl("group", "list")
            there = inst.address(name) in (inst.conf / "users").read_text()
            if there:
                assert stored(inst, name) == 1
            states.add(there)
            p = inst.command("user", "del", "--mail", "--yes",
                             inst.address(name))
            assert p.returncode == 0 or "no mailboxes" in p.stderr, p
            assert stored(inst, name) is None
            assert not folder(inst, name).exists()
    assert states == {True, False}
