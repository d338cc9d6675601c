"""A full disk is answered 452 and recovers by itself."""
import contextlib
import imaplib
import os
import pathlib
import re
import signal
import smtplib
import subprocess

import pytest

import rohrpost

pytestmark = pytest.mark.root


FREE = 48 * 2 ** 20     # much for queue's message_size, too little for store
FLOOR = 64 * 2 ** 20    # what store leaves free


def refused(inst):
    """Whether a message is refused at MAIL or DATA; its code and words."""
    with inst.smtp() as s:
        s.ehlo("client.test")
        code, words = s.mail("eve@remote.test")
        if code == 250:
            s.rcpt("anna@example.test")
            try:
                code, words = s.data(rohrpost.message("full", 100000))
            except smtplib.SMTPDataError as e:      # instead of 354
                code, words = e.smtp_code, e.smtp_error
        return (code, words[:5]) == (452, b"4.3.1")


def append_is_refused(inst):
    before = inst.messages()
    m = inst.imap()
    m.select("INBOX")
    assert m.append("INBOX", None, None, rohrpost.message("a", 100000)) == (
        "NO", [b"[UNAVAILABLE] the disk is full"])
    assert m.noop()[0] == "OK"
    m.logout()
    assert inst.messages() == before


def store_knows(inst, times):
    rohrpost.wait_for(lambda: inst.log().count("the disk is full: nothing is "
                                               "added") >= times, 60)


def fill(disk, free):
    """Leaves so much; gives back the file to remove."""
    ballast = disk / "ballast"
    stat = os.statvfs(disk)
    with open(ballast, "wb") as f:
        os.posix_fallocate(f.fileno(), 0,
                           stat.f_bavail * stat.f_frsize - free)
    return ballast


def append_that_fills_is_removed(inst, disk):
    """It is refused, and what had come of it goes though the session stays:
    the disk has space again."""
    before = inst.messages()
    size = 3 * 2 ** 20
    m = inst.imap()
    ballast = fill(disk, FLOOR + size // 2)
    m.send(b"a APPEND INBOX {%d}\r\n" % size)
    assert m.readline().startswith(b"+ ")
    m.send((b"x" * 1022 + b"\r\n") * (size // 1024))
    store_knows(inst, 1)
    m.send(b"\r\n")
    assert m.readline() == b"a NO [UNAVAILABLE] the disk is full\r\n"
    rohrpost.wait_for(lambda: "space again" in inst.log(), 60)
    m.send(b"b NOOP\r\n")
    assert m.readline().startswith(b"b OK")
    ballast.unlink()
    m.shutdown()
    assert inst.messages() == before


def edit_is_refused(inst):
    """And has not been done: the list and the login say the same."""
    p = inst.command("user", "set", "anna@example.test", "--disabled")
    assert p.returncode == 1 and "No space left" in p.stderr
    audit = (inst.state / "audit.log").read_text()
    assert audit.endswith("\n") and all(": " in line for line in
                                        audit.splitlines())
    assert [u["disabled"] for u in inst.json("user", "list")] == [False]
    inst.imap().logout()


def quit_removes(inst):
    """Who makes room is not refused for the lack of it; what QUIT answered
    +OK outlives a kill. Gives back the uid that went, and what is left."""
    before = inst.messages()
    p = inst.pop3()
    p.dele(1)
    assert p.quit().startswith(b"+OK")
    gone, left = min(before), inst.messages()
    assert left == {k: v for k, v in before.items() if k != gone}
    for pid in inst.processes()["store"]:
        os.kill(pid, signal.SIGKILL)
    return gone, left


def remain(inst, gone, left):
    """Store may still be on its way back, and queue's mail on its way in."""
    try:
        now = inst.messages()
    except (OSError, AssertionError, imaplib.IMAP4.error):
        return False
    assert gone not in now
    return left.items() <= now.items()


@contextlib.contextmanager
def small_disk(name):
    """An instance whose state is on a disk of its own: that, and its disk."""
    d = pathlib.Path(rohrpost.scratch(name))
    disk = d / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs",
                    str(disk)], check=True)
    inst = rohrpost.Instance(d / "inst", users=("anna",),
                             state=disk / "state", message_size="4M",
                             queue_retry_min="1s", queue_retry_max="2s")
    try:
        yield inst, disk
    finally:
        inst.stop()
        subprocess.run(["umount", str(disk)])
        rohrpost.remove(str(d))


def fill_up(ballast):
    """Nothing is left, not a page."""
    with open(ballast, "ab", 0) as f:
        for size in (65536, 4096):
            with contextlib.suppress(OSError):
                while True:
                    f.write(b"x" * size)


def test_full_disk_then_space(tmp_path):
    with small_disk("full") as (inst, disk):
        with inst:
            with inst.smtp() as s:
                s.sendmail("eve@remote.test", ["anna@example.test"],
                           rohrpost.message("before"))
            inst.wait_count(1)
            append_that_fills_is_removed(inst, disk)
            ballast = fill(disk, FREE)
            # Both look once a second; then queue takes no more than store.
            taken = 1

            def door_closed():
                nonlocal taken
                if refused(inst):
                    return True
                taken += 1
                return False
            rohrpost.wait_for(door_closed, 20, 0.5)
            fill_up(ballast)
            assert refused(inst)
            store_knows(inst, 2)
            assert len(inst.messages()) <= taken
            append_is_refused(inst)
            edit_is_refused(inst)
            gone, left = quit_removes(inst)
            taken -= 1
            ballast.unlink()
            rohrpost.wait_for(lambda: remain(inst, gone, left), 60, 0.2,
                              "what was there is there: %s" % inst.said())

            def accepted():
                with inst.smtp() as s:
                    try:
                        s.sendmail("eve@remote.test",
                                   ["anna@example.test"],
                                   rohrpost.message("after"))
                        return True
                    except Exception:
                        return False
            rohrpost.wait_for(accepted, 30, 0.5)
            inst.wait_count(taken + 1)
            inst.wait_empty()
            assert inst.count() == taken + 1
            assert inst.command("store", "check").returncode == 0


MESSAGES = 300


def flags(m):
    """By uid, as a session is told."""
    assert m.select("INBOX")[0] == "OK"
    typ, data = m.uid("FETCH", "1:*", "(FLAGS)")
    assert typ == "OK"
    return {int(re.search(rb"UID (\d+)", r).group(1)):
            frozenset(re.search(rb"FLAGS \((.*?)\)", r).group(1).split()) -
            {b"\\Recent"} for r in data}


def flags_until_refused(inst, bound):
    """Flags are changed until a change is refused: what was answered OK. Then
    room is made, whose answer waits until all before it is durable."""
    words = "ABCDEFGH"
    with session(inst) as m:
        known = flags(m)
        del known[MESSAGES + 1]
        for n in range(bound):
            word = words[n % len(words)]
            typ, data = m.store("1:%d" % MESSAGES, ("+" if n // len(words) % 2
                                == 0 else "-") + "FLAGS", word)
            if typ != "OK":
                assert data == [b"[UNAVAILABLE] the disk is full"]
                break
            for r in data:
                uid = int(re.search(rb"UID (\d+)", r).group(1)) \
                    if b"UID" in r else int(r.split()[0])
                known[uid] = frozenset(re.search(
                    rb"FLAGS \((.*?)\)", r).group(1).split()) - {b"\\Recent"}
        else:
            raise AssertionError("no change of flags is refused")
        assert m.expunge() == ("OK", [b"%d" % (MESSAGES + 1)])
    return known


@contextlib.contextmanager
def session(inst):
    m = rohrpost.wait_for(lambda: reachable(inst), 60, 0.2,
                          text="a login\n" + inst.said())
    try:
        yield m
    finally:
        m.shutdown()


def reachable(inst):
    with contextlib.suppress(OSError, AssertionError, imaplib.IMAP4.error):
        m = inst.imap()
        if m.select("INBOX")[0] == "OK":
            return m
        m.shutdown()


def reading_goes_on(inst, known):
    """Everything that was answered is there, and can be read."""
    with session(inst) as m:
        assert flags(m) == known
        typ, data = m.fetch("1:*", "(BODY.PEEK[])")
        assert typ == "OK"
        assert len([r for r in data if isinstance(r, tuple)]) == len(known)
        typ, data = m.fetch("1", "(BODY[])")    # \\Seen is not stored
        assert typ == "OK" and data[0][1]


def kill_store(inst):
    for pid in inst.processes()["store"]:
        os.kill(pid, signal.SIGKILL)


def test_flags_and_reading_on_a_full_disk():
    """No flag that was answered OK is lost, and mail is read all the time,
    also by who comes back on the full disk."""
    with small_disk("flags-full") as (inst, disk), inst:
        with inst.smtp() as s:
            for i in range(MESSAGES + 1):
                s.sendmail("eve@remote.test", ["anna@example.test"],
                           rohrpost.message(i))
        inst.wait_count(MESSAGES + 1)
        with session(inst) as m:
            m.store("%d" % (MESSAGES + 1), "+FLAGS", "\\Deleted")
        index = disk / "state" / "spool" / "index"
        ballast = fill(disk, 2 ** 20)
        fill_up(ballast)
        known = flags_until_refused(inst, 20000)
        reading_goes_on(inst, known)
        for _ in range(3):
            kill_store(inst)
            reading_goes_on(inst, known)
        inst.stop()
        inst.start()
        reading_goes_on(inst, known)
        ballast.unlink()
        with session(inst) as m:
            assert flags(m) == known
            rohrpost.wait_for(lambda: m.store("1", "+FLAGS", "Again")[0] ==
                              "OK", 60, 0.2, "flags can be changed again")
        assert (index / "reserve").stat().st_size > 2 ** 24
        assert not list(index.glob("bad-*")), inst.said()
        assert inst.command("store", "check").returncode == 0
