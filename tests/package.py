"""The Debian package in a root of its own: installed, set up, used, upgraded
under load, removed, purged, installed again. Its programs run there as those
of a host do, on the ports of a host, with the SysV script as their init, and
with OpenRC where that is installed.

Usage: unshare --net python3 tests/package.py OLD.deb NEW.deb
"""
import email
import fcntl
import imaplib
import json
import os
import pathlib
import shutil
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

CONF = pathlib.Path("/etc/rohrpost")
STATE = pathlib.Path("/var/lib/rohrpost")
INIT = pathlib.Path("/etc/init.d/rohrpost")
SECOND = pathlib.Path("/root/second")
PASSWORD = "correct-horse-9"
USERS = {"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-"}
ADMIN = "\n# by the admin\n"
SENDERS = 4
SECONDS = 120


def ok(words):
    print("  ok    " + words, flush=True)


def fail(words):
    print("  FAIL  " + words, flush=True)
    log = STATE / "log/rohrpost.log"
    if log.exists():
        print("\n".join(log.read_text(errors="replace").splitlines()[-30:]))
    sys.exit(1)


def check(true, words):
    if not true:
        fail(words)


def run(*argv, status=0, text=None):
    p = subprocess.run(argv, input=text, capture_output=True, text=True,
                       timeout=300,
                       env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
    if status is not None and p.returncode != status:
        fail("%s: status %d\n%s%s" % (" ".join(argv), p.returncode,
                                      p.stdout, p.stderr))
    return p.stdout + p.stderr if status is not None else p.returncode


def wait(what, words):
    end = time.monotonic() + SECONDS
    while not what():
        if time.monotonic() > end:
            fail(words)
        time.sleep(0.1)


def loopback_up():
    with socket.socket() as s:
        flags = struct.pack("16sH14x", b"lo", 1)    # IFF_UP
        fcntl.ioctl(s, 0x8914, flags)               # SIOCSIFFLAGS


def tree(*roots):
    """All paths, but what the package tools keep for themselves."""
    found = set()
    for root in roots:
        for path in pathlib.Path(root).rglob("*"):
            if not str(path).startswith(("/var/lib/dpkg", "/var/lib/systemd",
                                         "/var/lib/apt", "/usr/local")):
                found.add(str(path))
    return found


def contents(top):
    """Of each file: owner, mode, octets."""
    return {str(p): (p.stat().st_uid, p.stat().st_gid, p.stat().st_mode,
                     p.read_bytes())
            for p in top.rglob("*") if p.is_file() and p.name != ".lock"}


def runs():
    return run("rohrpost", "status", status=None) == 0


def processes():
    """Number and program of all that run of the package."""
    found = {}
    for d in pathlib.Path("/proc").iterdir():
        try:
            exe = os.readlink(d / "exe") if d.name.isdigit() else ""
        except OSError:
            continue
        if exe.startswith("/usr/libexec/rohrpost/"):
            found[int(d.name)] = exe
    return found


def master():
    return int((STATE / "run/master.pid").read_text())


def tls(conf):
    ctx = ssl.create_default_context(cafile=str(conf / "certificate.pem"))
    ctx.check_hostname = False
    return ctx


def message(number, to, sender="eve@remote.test"):
    return ("From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\n"
            "Message-ID: <%s@remote.test>\r\n\r\n%s\r\n" % (
                sender, to, number, number, "capsule " * 200)).encode()


def fetched(conf=CONF, port=993, user="anna@example.test"):
    """The Message-IDs of the INBOX, without what stands around them."""
    m = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=tls(conf),
                          timeout=60)
    m.login(user, PASSWORD)
    m.select("INBOX", readonly=True)
    data = m.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
    m.logout()
    return [email.message_from_bytes(d[1])["Message-ID"].strip("<>").split(
        "@")[0] for d in data if isinstance(d, tuple)]


def queue_empty():
    p = subprocess.run(["rohrpost", "queue", "list", "--json"],
                       capture_output=True, text=True, timeout=60)
    return p.returncode == 0 and json.loads(p.stdout) == []


RELAY = """
    profile = relay
    relay_host = localhost
    relay_port = 10025
    relay_tls = starttls
    relay_ca_file = %s/conf/certificate.pem
    """ % SECOND


def set_up(way=""):
    run("rohrpost", "setup", "--answers", "-", "--yes", text="""
        hostname = mail.example.test
        domain = example.test
        user = anna@example.test %s
        postmaster = anna@example.test
        %s""" % (PASSWORD, way))


def set_up_second():
    """Where mail goes out to; it is no part of the package's host."""
    listen = "".join("listen_%s =\n" % s for s in (
        "submission", "submissions", "imap", "pop3", "pop3s"))
    SECOND.mkdir(mode=0o755)
    os.chmod(SECOND.parent, 0o755)
    run("rohrpost", "-c", str(SECOND / "conf"), "setup", "--answers", "-",
        text="""hostname = localhost
        domain = second.test
        user = bob@second.test %s
        state_dir = %s/state
        listen_smtp = 127.0.0.1:10025
        listen_imaps = 127.0.0.1:10993
        %s""" % (PASSWORD, SECOND, listen))

def policy(status):
    """What a root without an init lets packages start: 0 all, 101 nothing."""
    path = pathlib.Path("/usr/sbin/policy-rc.d")
    path.write_text("#!/bin/sh\nexit %d\n" % status)
    path.chmod(0o755)


def installed(old):
    out = run("dpkg", "-i", old)
    check("rohrpost setup" in out, "the package does not say what comes next")
    check(not runs() and not processes(), "it runs without a configuration")
    check(not CONF.exists(), "the package brings a configuration")
    check(os.path.realpath("/usr/lib/sendmail") == "/usr/sbin/sendmail",
          "/usr/lib/sendmail")
    users = pathlib.Path("/etc/passwd").read_text()
    check("rp-store:" in users and "rp-queue:" in users, "no system users")
    check(run("dpkg-query", "-W", "-f", "${Provides} ${Conflicts}",
              "rohrpost").count("mail-transport-agent") == 2, "no MTA")
    for n in "2345":
        check(list(pathlib.Path("/etc/rc%s.d" % n).glob("S*rohrpost")),
              "runlevel %s does not start it" % n)
    for n in "016":
        check(list(pathlib.Path("/etc/rc%s.d" % n).glob("K*rohrpost")),
              "runlevel %s does not stop it" % n)
    ok("installed: users, sendmail, runlevels; nothing runs")


def script():
    """What LSB says of the script's words and its exit statuses."""
    init = str(INIT)
    head = INIT.read_text().split("### END INIT INFO")[0]
    for word in ("Provides:", "Required-Start:", "Required-Stop:",
                 "Default-Start:", "Default-Stop:", "Short-Description:"):
        check("# " + word in head, "the script has no " + word)
    check("no configuration" in run(init, "start"), "start before setup")
    run(init, "status", status=3)
    set_up(RELAY)
    run(init, "status", status=3)
    run(init, "start")
    first = master()
    run(init, "start")
    check(master() == first, "a second start is a restart")
    run(init, "status")
    run(init, "reload")
    run(init, "restart")
    check(master() != first and runs(), "restart")
    run(init, "stop")
    run(init, "stop")
    run(init, "status", status=3)
    check(not processes(), "stopped, and processes are left")
    run(init, "dance", status=2)
    ok("the SysV script: start, status, reload, restart, stop")


def openrc(src="/usr/share/rohrpost/rohrpost.openrc"):
    if shutil.which("rc-service") is None:
        print("  --    OpenRC is not installed")
        return
    kept = INIT.read_bytes()
    shutil.copy(src, INIT)
    # What its init has made where it runs.
    for d in ("daemons", "exclusive", "failed", "hotplugged", "inactive",
              "options", "scheduled", "started", "starting", "stopping",
              "tmp", "wasinactive"):
        os.makedirs("/run/openrc/" + d, exist_ok=True)
    pathlib.Path("/run/openrc/softlevel").write_text("default\n")
    run("rc-service", "--nodeps", "rohrpost", "start")
    check(runs(), "OpenRC: start")
    run("rc-service", "--nodeps", "rohrpost", "status")
    run("rc-service", "--nodeps", "rohrpost", "reload")
    first = master()
    os.kill(first, signal.SIGKILL)
    wait(lambda: runs() and master() != first,
         "OpenRC does not start it again")
    run("rc-service", "--nodeps", "rohrpost", "stop")
    check(not runs() and not processes(), "OpenRC: stop")
    INIT.write_bytes(kept)
    ok("the OpenRC script: start, status, reload, a dead master, stop")


def used():
    run("rohrpost", "-c", str(SECOND / "conf"), "start")
    run(str(INIT), "start")
    with smtplib.SMTP("127.0.0.1", 25, timeout=60) as s:
        s.sendmail("eve@remote.test", ["anna@example.test"],
                   message("in", "anna@example.test"))
    wait(lambda: fetched() == ["in"], "the message in did not arrive")
    with smtplib.SMTP("127.0.0.1", 587, timeout=60) as s:
        s.starttls(context=tls(CONF))
        s.login("anna@example.test", PASSWORD)
        s.sendmail("anna@example.test", ["bob@second.test"], message(
            "out", "bob@second.test", "anna@example.test"))
    wait(lambda: fetched(SECOND / "conf", 10993, "bob@second.test") == [
        "out"], "the message out did not arrive")
    run("/usr/lib/sendmail", "anna@example.test",
        text=message("local", "anna@example.test").decode())
    wait(lambda: sorted(fetched()) == ["in", "local"], "sendmail")
    wait(queue_empty, "the queue does not get empty")
    run("rohrpost", "-c", str(SECOND / "conf"), "stop")
    ok("used: a message in, one out over verified TLS, one by sendmail")


class Load(threading.Thread):
    """Sends one message after the other; what has its 250 counts."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.name, self.acked, self.stop = name, [], False

    def send(self, number):
        with smtplib.SMTP("127.0.0.1", 25, timeout=60) as s:
            s.sendmail("eve@remote.test", ["anna@example.test"],
                       message(number, "anna@example.test"))

    def run(self):
        n = 0
        while not self.stop:
            n += 1
            try:
                self.send("%s-%d" % (self.name, n))
                self.acked.append("%s-%d" % (self.name, n))
            except (OSError, smtplib.SMTPException):
                time.sleep(0.05)


class Local(Load):
    """The same with sendmail; status 0 counts."""

    def send(self, number):
        subprocess.run(["/usr/sbin/sendmail", "anna@example.test"],
                       input=message(number, "anna@example.test"),
                       check=True, timeout=60, capture_output=True)

    def run(self):
        n = 0
        while not self.stop:
            n += 1
            try:
                self.send("%s-%d" % (self.name, n))
                self.acked.append("%s-%d" % (self.name, n))
            except (OSError, subprocess.SubprocessError):
                time.sleep(0.05)


def acked(load):
    return [a for t in load for a in t.acked]


def upgraded(new):
    with open(CONF / "rohrpost.conf", "a") as f:
        f.write(ADMIN)
    with open(INIT, "a") as f:
        f.write(ADMIN)
    before, script_before, first = contents(CONF), INIT.read_bytes(), master()
    load = [Load("load%d" % i) for i in range(SENDERS)] + [Local("local")]
    for t in load:
        t.start()
    wait(lambda: all(len(t.acked) > 10 for t in load), "no load")
    run("dpkg", "--force-confold", "-i", new)
    at = len(acked(load))
    check(runs() and master() != first, "not started again")
    check(not [p for p in processes().values() if "deleted" in p],
          "a program of the old version runs")
    wait(lambda: len(acked(load)) > at + 50, "no load after the upgrade")
    for t in load:
        t.stop = True
    for t in load:
        t.join()
    wait(queue_empty, "the queue does not get empty")
    check(contents(CONF) == before, "the configuration has changed")
    check(INIT.read_bytes() == script_before, "the admin's script is gone")
    first = master()
    policy(101)
    run("dpkg", "--force-confold", "-i", new)
    policy(0)
    check(runs() and master() != first, "started by hand, and stopped only")
    there = fetched()
    lost = set(acked(load)) - set(there)
    check(not lost, "lost: %s" % sorted(lost)[:5])
    check(len(there) == len(set(there)), "a message is there twice")
    ok("upgraded under load: %d messages taken, none lost, none twice" %
       len(acked(load)))
    return sorted(there)


def removed(there, new):
    before = contents(CONF)
    run("dpkg", "-r", "rohrpost")
    check(not processes(), "removed, and it runs")
    check(not os.path.lexists("/usr/lib/sendmail"), "sendmail is left")
    check(contents(CONF) == before, "removed with the configuration")
    out = run("dpkg", "--force-confold", "-i", new)
    check(runs(), "installed again, and it does not run: " + out)
    check(sorted(fetched()) == there, "installed again, and mail is missing")
    ok("removed and installed again: configuration and mail are there")


def purged(paths, there, new):
    shutil.rmtree(SECOND)
    out = run("dpkg", "-P", "rohrpost")
    check("kept in %s/spool." % STATE in out, "where the mail is: " + out)
    check(not CONF.exists(), "the configuration is left")
    left = [p for p in tree("/etc", "/usr", "/var") - paths - USERS
            if p != str(STATE) and not p.startswith(str(STATE / "spool"))]
    check(left == [], "left: %s" % left)
    run("dpkg", "-i", new)
    set_up()
    run(str(INIT), "start")
    check(sorted(fetched()) == there, "the mail that was kept")
    ok("purged: the mail is kept, said where, and found again")
    run("rohrpost", "purge", "--mail", status=1)
    check(sorted(fetched()) == there, "purged while it runs")
    run(str(INIT), "stop")
    run("rohrpost", "purge", "--mail")
    check(not CONF.exists() and not STATE.exists(), "purge --mail leaves some")
    out = run("dpkg", "-P", "rohrpost")
    check("kept" not in out, "a purge without mail: " + out)
    ok("rohrpost purge --mail: nothing is left")


def main():
    old, new = sys.argv[1:]
    loopback_up()
    policy(0)
    paths = tree("/etc", "/usr", "/var")
    installed(old)
    set_up_second()
    script()
    openrc()
    used()
    there = upgraded(new)
    removed(there, new)
    purged(paths, there, new)


main()
