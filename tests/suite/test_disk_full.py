"""A full disk is answered 452 and recovers by itself."""
import imaplib
import os
import pathlib
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


def test_full_disk_then_space(tmp_path):
    d = pathlib.Path(rohrpost.scratch("full"))
    disk = d / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs",
                    str(disk)], check=True)
    inst = rohrpost.Instance(d / "inst", users=("anna",),
                             state=disk / "state", message_size="4M",
                             queue_retry_min="1s", queue_retry_max="2s")
    try:
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
            with open(ballast, "ab") as f:
                try:
                    while True:
                        f.write(b"x" * 65536)
                        f.flush()
                except OSError:
                    pass
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
    finally:
        inst.stop()
        subprocess.run(["umount", str(disk)])
        rohrpost.remove(str(d))
