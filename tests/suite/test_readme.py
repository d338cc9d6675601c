"""What README tells to type, typed: on machines with nothing on them, and with
load on an upgrade. Blocks of code are taken from README itself."""
import contextlib
import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

import load
import machine
import rohrpost
from rohrpost import message, wait_for
from test_rebuild import picture

TOP = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("ROHRPOST_BUILD", "/nonexistent"))
USERS = ("anna", "bert")


def blocks(title):
    """The blocks of code of a section."""
    text = (TOP / "README.md").read_text().split("\n## %s\n" % title, 1)[1]
    text = text.split("\n## ", 1)[0]
    return [re.sub("(?m)^    ", "", b).strip("\n") + "\n" for b in
            re.findall(r"(?:^    .*\n)+", text, re.M)]


@pytest.fixture
def scratch():
    d = pathlib.Path(rohrpost.scratch("readme"))
    yield d
    rohrpost.remove(d)


def numbers(m):
    """What the users of the suite are there."""
    return [int(x.split(":")[2]) for x in
            (m.root / "etc/passwd").read_text().splitlines()
            if x.startswith("rp-")]


def fill(m):
    """Flags, a mailbox, a copy; mail that waits; a held message."""
    for n in range(3):
        with m.smtp() as s:
            s.sendmail("eve@remote.test", ["anna@example.test"], message(n))
    m.wait_count(3)
    c = m.imap()
    c.create("Kept")
    c.select("INBOX")
    c.store("2", "+FLAGS", "(\\Flagged kept)")
    c.copy("1:2", "Kept")
    c.logout()
    with m.submission() as s:
        s.sendmail("anna@example.test", ["x@far.test"],
                   message("waits", sender="anna@example.test"))
    wait_for(lambda: [r for r in m.json("queue", "list")
                      if r["attempts"] > 0], 60)
    m.ctl("queue", "hold", "all")


def queued(m):
    return [(r["id"], r["recipient"], r["state"])
            for r in m.json("queue", "list")]


@pytest.mark.root
def test_restore_on_an_empty_root(scratch):
    """Another machine, on which the users have other numbers."""
    save, restore = blocks("Backup")[:2]
    keys = {"profile": "relay", "relay_host": "[127.0.0.1]",
            "relay_port": "1", "relay_tls": "never", "users": USERS}
    with machine.Machine(scratch / "one", **keys) as one:
        (one.root / "root/answers").write_text(one.answers())
        one.typed("rohrpost setup --answers /root/answers; rohrpost start")
        fill(one)
        seen, waits = picture(one), queued(one)
        assert waits and len(seen["Kept"][2]) == 2
        # Flags are in their files at once where it is stopped.
        one.typed("rohrpost stop; mkdir /backup; " + save)
        taken = numbers(one)
    with machine.Machine(scratch / "two", taken=taken, **keys) as two:
        two.ports = one.ports
        subprocess.run(["cp", "-a", "--", str(one.root / "backup"),
                        str(two.root)], check=True)
        assert not list((two.root / "var/lib").iterdir())
        two.typed(restore)
        assert set(numbers(two)) & set(taken) == set()
        now = picture(two)
        assert now.keys() == seen.keys() and queued(two) == waits
        for name, (validity, uidnext, mails) in seen.items():
            assert now[name][0] == validity and now[name][2] == mails
            assert now[name][1] >= uidnext
        assert two.command("store", "check").returncode == 0
        with two.smtp() as s:
            s.sendmail("eve@remote.test", ["bert@example.test"],
                       message("after"))
        two.wait_count(1, "bert")


@pytest.mark.root
def test_uninstall_leaves_the_mail(scratch):
    with machine.Machine(scratch / "one", users=USERS) as m:
        (m.root / "root/answers").write_text(m.answers())
        m.typed("rohrpost setup --answers /root/answers; rohrpost start")
        with m.smtp() as s:
            s.sendmail("eve@remote.test", ["anna@example.test"], message(1))
        m.wait_count(1)
        block = blocks("Uninstalling")[0]
        # systemd runs nothing in there, and the build is not in there.
        assert "systemctl disable --now rohrpost\n" in block
        assert "make uninstall\n" in block	# test_install.py
        block = block.replace("systemctl disable --now rohrpost",
                              "rohrpost stop").replace("make uninstall\n", "")
        assert "/var/lib/rohrpost/spool" in m.typed(block)
        assert not m.conf.exists()
        assert [f.name for f in m.state.iterdir()] == ["spool"]
        assert any(b"Subject: t-1" in f.read_bytes() for f in
                   m.state.rglob("*") if f.is_file())


class Syslogd:
    """A daemon on /dev/log of that machine; its lines so far, or none."""

    def __init__(self, m):
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.setblocking(False)
        os.chdir(m.root / "dev")
        self.log.bind("log")
        os.chmod("log", 0o666)
        os.chdir("/")
        self.name = m.root / "dev/log"

    def lines(self):
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self.log.recv(4096))
        return found

    def stop(self):
        self.log.close()
        self.name.unlink()


def send(m, subject):
    with m.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@example.test"], message(subject))


@pytest.mark.root
def test_log_goes_to_syslog(scratch):
    """To a daemon that was started anew as well. One that does not read keeps
    nobody, and the log itself has each line."""
    with machine.Machine(scratch / "one", users=USERS) as m:
        (m.root / "root/answers").write_text(m.answers())
        m.typed("rohrpost setup --answers /root/answers; rohrpost start")
        # What setup calls would wait for a daemon that does not read.
        daemon = Syslogd(m)
        text = (TOP / "README.md").read_text().split("\n## The log\n")[1]
        key = re.search("`(log_syslog = yes)`", text).group(1)
        m.typed("echo '%s' >>/etc/rohrpost/rohrpost.conf; rohrpost reload"
                % key)
        for n in range(2):
            send(m, n)
            line, = wait_for(lambda: [x for x in daemon.lines()
                                      if b"from=<eve@" in x], 60)
            # RFC 5424 6.2.1: facility 2 is mail, severity 6 informational.
            assert line.startswith(b"<22>") and b" rohrpost: " in line
            daemon.stop()
            daemon = Syslogd(m)
        lost = b"/dev/log: Resource temporarily unavailable: no line is taken"
        log = m.state / "log/rohrpost.log"
        more = itertools.count(2)
        wait_for(lambda: send(m, next(more)) or lost in log.read_bytes(), 60)
        n = next(more)
        m.wait_count(n)
        took = wait_for(daemon.lines, 60)
        wait_for(lambda: b"lines were not taken" in log.read_bytes(), 60)
        assert log.read_text().count("from=<eve@") == n
        assert 0 < sum(b"from=<eve@" in x for x in took) < n


@pytest.mark.root
@pytest.mark.skipif(not (BUILD / "Makefile").exists(), reason="no build")
def test_upgrade_under_load(scratch):
    """make install over the programs that run, then what systemd does on a
    restart: SIGTERM, and master again. ROHRPOST_OLD_PREFIX names an older tree
    to come from."""
    block = blocks("Upgrading")[0]
    assert re.findall("(?m)^(make install|systemctl .*)$", block) == [
        "make install", "systemctl daemon-reload",
        "systemctl restart rohrpost"]
    old = os.environ.get("ROHRPOST_OLD_PREFIX")
    prefix = pathlib.Path(old) if old else rohrpost.PREFIX
    inst = rohrpost.Instance(scratch, users=USERS, prefix=prefix)
    inst.setup().start()
    senders = load.Load(inst, threads=3, sizes=(500, 20000)).start()
    appends = load.Appends(inst, "anna", threads=1, sizes=(500, 20000)).start()
    try:
        wait_for(lambda: len(senders.acked) > 60 and len(appends.acked) > 10,
                 60)
        p = subprocess.run(["make", "-s", "install"], cwd=BUILD,
                           capture_output=True, text=True, timeout=300)
        assert p.returncode == 0, p.stderr
        inst.master.send_signal(signal.SIGTERM)
        assert inst.master.wait(60) == 0
        inst.master, inst.prefix = None, rohrpost.PREFIX
        inst.start()
        have = len(senders.acked)
        wait_for(lambda: len(senders.acked) > have + 20, 60)
    finally:
        senders.stop()
        appends.stop()
    try:
        inst.wait_empty(60)
        acked = {**senders.acked, **appends.acked}
        missing, broken, repeated = load.verify(inst, acked)
        assert not missing and not broken, inst.said()
        assert inst.command("store", "check").returncode == 0
    finally:
        inst.stop()
