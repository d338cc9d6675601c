"""Rows of the system's faults: sendmail started in a bad place (J6), a reload and
a stop within a message (K9), a log that nobody takes (K10)."""
import os
import resource
import signal
import subprocess

import pytest

import rohrpost
from rohrpost import SENDMAIL, body_of, wait_for

pytestmark = pytest.mark.root
USERS = ("anna",)
LARGE = b"x" * 70 + b"\n"


def only(inst, subject):
    """The stored message of that subject; there is exactly one."""
    def find():
        found = [m for m in inst.messages().values()
                 if b"Subject: %s\r\n" % subject in m]
        return found if found else None
    found = wait_for(find)
    inst.wait_empty()
    assert len(found) == 1
    return found[0]


def close(*fds):
    def closed():
        for fd in fds:
            os.close(fd)
    return closed


PLACES = {
    "J6 closed 1 and 2": dict(preexec_fn=close(1, 2)),
    "J6 no environment": dict(env={}),
    "J6 RLIMIT_FSIZE 10 kB": dict(preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (10240, 10240))),
    "J6 umask 0": dict(preexec_fn=lambda: os.umask(0)),
}


@pytest.mark.parametrize("name", PLACES)
def test_sendmail_in_a_bad_place(inst, name):
    subject = name.replace(" ", "-").encode()
    text = b"Subject: %s\n\n" % subject + LARGE * 2000
    p = subprocess.run([str(SENDMAIL), "-C", str(inst.conf), "-i",
                        "anna@example.test"], input=text, timeout=60,
                       **PLACES[name])
    assert p.returncode == 0
    stored = only(inst, subject)
    assert stored.endswith(b"\r\n\r\n" + LARGE.replace(b"\n", b"\r\n") * 2000)
    for root, dirs, files in os.walk(inst.state / "spool"):
        for f in files:
            try:
                mode = os.lstat(os.path.join(root, f)).st_mode
            except FileNotFoundError:
                continue
            assert mode & 0o007 == 0, f


@pytest.mark.parametrize("fds", [(0,), (0, 1, 2)])
def test_j6_sendmail_without_input(inst, fds):
    """No file that it opens is taken for its input: nothing is sent."""
    before = inst.log().count(" from=<")
    p = subprocess.Popen([str(SENDMAIL), "-C", str(inst.conf),
                          "anna@example.test"], preexec_fn=close(*fds))
    assert p.wait(60) == os.EX_IOERR
    p = subprocess.Popen([str(rohrpost.ROHRPOST), "-c", str(inst.conf),
                          "user", "add", "bad@elsewhere.test", "--stdin"],
                         preexec_fn=close(*fds))
    assert p.wait(60) == 1
    assert "bad@" not in (inst.conf / "users").read_text()
    assert "rohrpost:" not in "".join(
        (inst.conf / f).read_text() for f in ("users", "passwd", "domains",
                                              ".lock"))
    inst.wait_empty()
    assert inst.log().count(" from=<") == before


def test_j6_sendmail_stopped_for_a_day(inst):
    """It holds one connection, and is told after its time; others go on."""
    p = subprocess.Popen([str(SENDMAIL), "-C", str(inst.conf), "-bs"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert p.stdout.readline().startswith(b"220 ")
    p.send_signal(signal.SIGSTOP)
    q = subprocess.run([str(SENDMAIL), "-C", str(inst.conf),
                        "anna@example.test"], input=b"Subject: beside\n\nx\n",
                       timeout=60)
    assert q.returncode == 0
    only(inst, b"beside")
    p.send_signal(signal.SIGCONT)
    p.stdin.close()
    assert p.wait(60) == 0


def begin(inst, subject):
    c = inst.raw("smtp")
    assert c.reply().startswith("220 ")
    for line in ("EHLO x", "MAIL FROM:<eve@remote.test>",
                 "RCPT TO:<anna@example.test>"):
        assert c.cmd(line).startswith("250")
    assert c.cmd("DATA").startswith("354 ")
    c.send(b"Subject: %s\r\n\r\nfirst half\r\n" % subject)
    return c


def test_k9_reload_within_data(inst):
    c = begin(inst, b"reloaded")
    inst.ctl("reload")
    c.send(b"second half\r\n.\r\n")
    assert c.reply().startswith("250 2.0.0 queued as ")
    c.close()
    assert body_of(only(inst, b"reloaded")) == (
        b"Subject: reloaded\r\n\r\nfirst half\r\nsecond half\r\n")


def test_k9_stop_within_data(inst):
    """Who goes on is heard to the end, who is silent hears 421; the half
    message is none."""
    silent, talks = begin(inst, b"silent"), begin(inst, b"talks")
    inst.master.send_signal(signal.SIGTERM)
    talks.send(b"second half\r\n.\r\n")
    assert talks.reply().startswith("250 2.0.0 queued as ")
    assert talks.reply() == "421 4.3.2 the server stops, come again"
    assert silent.reply() == "421 4.3.2 the server stops, come again"
    assert silent.reply() is None and talks.reply() is None
    assert inst.stop() == 0
    inst.start()
    assert b"second half" in only(inst, b"talks")
    assert not any(b"Subject: silent" in m for m in inst.messages().values())


def test_k10_mail_goes_on_without_the_log(inst):
    """The pipes are full, then logger goes on: lines are lost, and counted."""
    logger, = inst.processes()["logger"]
    os.kill(logger, signal.SIGSTOP)
    try:
        with inst.smtp() as s:
            for i in range(700):
                s.sendmail("eve@remote.test", ["anna@example.test"],
                           rohrpost.message(i, mark="blocked"))
        inst.wait_count(700)
    finally:
        os.kill(logger, signal.SIGCONT)
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@example.test"],
                   rohrpost.message("after", mark="blocked"))
    wait_for(lambda: "blocked-after@remote.test" in inst.log())
    wait_for(lambda: " lines lost) " in inst.log())
