"""The Debian package on a host that systemd runs: installed, set up, stopped and
started by rohrpost and by systemctl, its master killed, its journal, its bounds,
upgraded, purged. It is a service of that host itself.

Usage: python3 tests/systemd.py OLD.deb NEW.deb
"""
import imaplib
import json
import os
import pathlib
import pwd
import signal
import smtplib
import ssl
import subprocess
import sys
import time

CONF = pathlib.Path("/etc/rohrpost")
PASSWORD = "correct-horse-9"
SECONDS = 120
MASTER = "/usr/libexec/rohrpost/master"


def ok(words):
    print("  ok    " + words, flush=True)


def fail(words):
    print("  FAIL  " + words, flush=True)
    for argv in (["systemctl", "status", "--no-pager", "rohrpost"],
                 ["journalctl", "--no-pager", "-n", "40"]):
        print(subprocess.run(argv, capture_output=True, text=True).stdout)
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
    return p.stdout + p.stderr


def wait(what, words):
    end = time.monotonic() + SECONDS
    while not what():
        if time.monotonic() > end:
            fail(words)
        time.sleep(0.1)


def unit(key):
    return run("systemctl", "show", "--value", "-p", key, "rohrpost").strip()


def master():
    return int(unit("MainPID"))


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


def all_of_it_is_the_units():
    """No process of the package is outside the unit's cgroup."""
    for pid in processes():
        try:
            text = pathlib.Path("/proc/%d/cgroup" % pid).read_text()
        except OSError:
            continue
        check("rohrpost.service" in text, "process %d: %s" % (pid, text))


def runs():
    return unit("ActiveState") == "active" and \
        processes().get(master()) == MASTER


def connect():
    ctx = ssl.create_default_context(cafile=str(CONF / "certificate.pem"))
    ctx.check_hostname = False
    m = imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=ctx, timeout=60)
    m.login("anna@example.test", PASSWORD)
    m.select("INBOX", readonly=True)
    return m


def count():
    m = connect()
    n = int(m.status("INBOX", "(MESSAGES)")[1][0].split()[-1].strip(b")"))
    m.logout()
    return n


def send(number):
    with smtplib.SMTP("127.0.0.1", 25, timeout=60) as s:
        s.sendmail("eve@remote.test", ["anna@example.test"],
                   "From: eve@remote.test\r\nSubject: %s\r\n\r\nx\r\n" %
                   number)


def arrives(words):
    before = count()
    send(words)
    wait(lambda: count() == before + 1, words + ": the message does not come")


def installed(old):
    out = run("dpkg", "-i", old)
    check("rohrpost setup" in out, "the package does not say what comes next")
    check(run("systemctl", "is-enabled", "rohrpost").strip() == "enabled",
          "the unit is not enabled")
    run("systemctl", "is-active", "rohrpost", status=3)
    # Before there is a configuration a start is no fault.
    run("systemctl", "start", "rohrpost")
    check(unit("ConditionResult") == "no" and not processes(),
          "it starts without a configuration")
    check(unit("Result") == "success", "it fails without a configuration")
    ok("installed: the unit is enabled, and waits for a configuration")


def set_up():
    run("rohrpost", "setup", "--answers", "-", "--start", text="""
        hostname = mail.example.test
        domain = example.test
        user = anna@example.test %s
        postmaster = anna@example.test
        profile = relay
        relay_host = [127.0.0.1]
        relay_port = 1
        relay_tls = never
        """ % PASSWORD)
    check(runs(), "setup --start has not started the unit")
    all_of_it_is_the_units()
    out = run("systemctl", "status", "--no-pager", "rohrpost")
    check("active (running)" in out and MASTER in out, out)
    arrives("first")
    ok("set up: setup --start has started the unit, a message came in")


def descriptors(pid):
    for line in pathlib.Path("/proc/%d/limits" % pid).read_text().split("\n"):
        if line.startswith("Max open files"):
            return int(line.split()[4])


def bounds():
    """What the unit file says counts: read where the kernel has it."""
    pid = master()
    status = pathlib.Path("/proc/%d/status" % pid).read_text()
    lines = dict(x.split(":\t", 1) for x in status.splitlines() if ":\t" in x)
    check(lines["NoNewPrivs"] == "1", "NoNewPrivileges")
    # setuid, setgid, sys_chroot, kill, chown, dac_override, dac_read_search,
    # fowner, net_bind_service
    want = sum(1 << n for n in (0, 1, 2, 3, 5, 6, 7, 10, 18))
    check(int(lines["CapBnd"], 16) == want, "CapBnd " + lines["CapBnd"])
    # A machine whose root may not raise its own limit keeps to that.
    check(descriptors(pid) == min(65536, descriptors(1)) or
          descriptors(pid) == 65536, "LimitNOFILE %d" % descriptors(pid))
    # What the last mount on the way to a path says.
    there = {}
    for line in pathlib.Path("/proc/%d/mounts" % pid).read_text().split("\n"):
        for path in "/usr", "/etc", "/var/lib/rohrpost", "/home":
            point = line.split()[1] if line else "-"
            if (path + "/").startswith(point.rstrip("/") + "/"):
                there[path] = line.split()[3].split(",")[0]
    check(there == {"/usr": "ro", "/etc": "ro", "/var/lib/rohrpost": "rw",
                    "/home": "ro"}, "ProtectSystem: %s" % there)
    total = int(next(x.split()[1] for x in open("/proc/meminfo")
                     if x.startswith("MemTotal"))) * 1024
    most = int(unit("MemoryMax"))
    check(total * 0.7 < most < total * 0.8, "MemoryMax %d" % most)
    check(unit("TasksMax") == "16384", "TasksMax")
    said = []
    for line in pathlib.Path("/proc/%d/cgroup" % pid).read_text().split():
        _, kinds, path = line.split(":", 2)
        for kind, files in (("memory", ("memory.limit_in_bytes",)),
                            ("pids", ("pids.max",)),
                            ("", ("memory.max", "pids.max"))):
            if kind not in kinds.split(","):
                continue
            for name in files:
                f = pathlib.Path("/sys/fs/cgroup") / kind / path.strip(
                    "/") / name
                if f.exists():
                    value = f.read_text().strip()
                    check(value == "16384" if "pids" in name else
                          abs(int(value) - most) < 1 << 20, "%s: %s" % (
                              f, value))
                    said.append(name)
    ok("bounds: capabilities, descriptors, mounts; in the kernel: " +
       (", ".join(sorted(said)) or "no cgroup controller here"))


def by_rohrpost():
    first, m = master(), connect()
    run("rohrpost", "reload")
    check(master() == first, "a reload is a restart")
    check(m.noop()[0] == "OK", "a reload drops a session")
    m.logout()
    run("rohrpost", "stop")
    check(unit("ActiveState") == "inactive" and not processes(),
          "rohrpost stop leaves something")
    run("rohrpost", "stop", status=1)
    run("rohrpost", "start")
    check(runs() and master() != first, "rohrpost start")
    all_of_it_is_the_units()
    out = run("rohrpost", "start", status=1)
    check("running already" in out, out)
    arrives("by rohrpost")
    ok("rohrpost reload, stop, start: by the unit, no session dropped")


def by_systemctl():
    first = master()
    run("systemctl", "reload", "rohrpost")
    check(master() == first and runs(), "systemctl reload")
    run("systemctl", "restart", "rohrpost")
    check(master() != first and runs(), "systemctl restart")
    # It is ready when systemctl says so: no word is waited for (Type=notify).
    run("rohrpost", "status")
    send("at once")
    run("systemctl", "stop", "rohrpost")
    check(not processes(), "systemctl stop leaves something")
    run("systemctl", "start", "rohrpost")
    arrives("by systemctl")
    ok("systemctl reload, restart, stop, start: it is ready when that is said")


def direct():
    """What was started without the unit systemd does not know, and does not
    start a second time."""
    run("rohrpost", "stop")
    run("rohrpost", "start", "--direct")
    check(unit("ActiveState") == "inactive" and processes(), "--direct")
    run("rohrpost", "stop")
    check(not processes(), "what was started directly is not stopped")
    run("rohrpost", "start")
    check(runs(), "the unit after --direct")
    ok("rohrpost start --direct, and back")


def crash():
    before = count()
    for n in range(3):
        first, old = master(), set(processes())
        send("before crash %d" % n)
        os.kill(first, signal.SIGKILL)
        wait(lambda: master() not in (0, first) and runs(),
             "a dead master is not started again")
        wait(lambda: not old & set(processes()), "processes of the dead one")
        wait(lambda: subprocess.run(
            ["rohrpost", "status"], capture_output=True).returncode == 0,
            "it does not get ready")
    check(int(unit("NRestarts")) == 3, "NRestarts " + unit("NRestarts"))
    wait(lambda: count() == before + 3, "a message got lost in a crash")
    ok("master killed three times: started again, nothing lost")


def refused():
    """A configuration that is wrong is no reason to try for ever."""
    conf = CONF / "rohrpost.conf"
    good = conf.read_text()
    conf.write_text(good + "smtp_errors = many\n")
    out = run("rohrpost", "reload", status=1)
    check("smtp_errors" in out and runs(), "reload: " + out)
    run("rohrpost", "stop")
    out = run("rohrpost", "start", status=1)
    check("smtp_errors" in out, "start: " + out)
    run("systemctl", "start", "rohrpost", status=1)
    check(unit("ActiveState") == "failed" and unit("ExecMainStatus") == "100",
          "a wrong configuration: %s, %s" % (unit("ActiveState"),
                                             unit("ExecMainStatus")))
    time.sleep(3)		# RestartSec is one
    check(unit("ActiveState") == "failed" and not processes(),
          "it is tried again")
    conf.write_text(good)
    run("rohrpost", "start")
    check(runs(), "start after a fault")
    ok("a wrong configuration: said, status 100, not tried again")


def journal():
    conf = CONF / "rohrpost.conf"
    conf.write_text(conf.read_text() + "log_syslog = yes\n")
    run("rohrpost", "reload")
    arrives("for the journal")
    wait(lambda: "remote.test" in run("journalctl", "--no-pager", "-t",
                                      "rohrpost"),
         "log_syslog: the journal has no line of it")
    rows = [json.loads(x) for x in run(
        "journalctl", "--no-pager", "-t", "rohrpost", "-o", "json").split(
            "\n") if x.startswith("{")]
    check(all(r["SYSLOG_FACILITY"] == "2" for r in rows), "facility mail")
    check({int(r["_UID"]) for r in rows} == {
        pwd.getpwnam("rp-log").pw_uid}, "who logs")
    ok("log_syslog: %d lines in the journal, facility mail" % len(rows))


def upgraded(new):
    first, before = master(), count()
    send("before the upgrade")
    run("dpkg", "-i", new)
    check(runs() and master() != first, "the upgrade does not start it")
    wait(lambda: count() == before + 1, "the upgrade loses a message")
    arrives("after the upgrade")
    ok("upgraded: stopped, unpacked, started; the mail is there")


def removed():
    run("apt-get", "remove", "-y", "-qq", "rohrpost")
    check(not processes(), "removed, and it runs")
    check(CONF.exists(), "removing takes the configuration")
    run("systemctl", "is-active", "rohrpost", status=3)
    run("apt-get", "purge", "-y", "-qq", "rohrpost")
    check(not CONF.exists(), "purging leaves the configuration")
    check(unit("LoadState") == "not-found", "the unit is still known")
    ok("removed and purged: nothing runs, the unit is gone")


def main():
    old, new = sys.argv[1:]
    wait(lambda: subprocess.run(
        ["systemctl", "is-system-running"], capture_output=True,
        text=True).stdout.strip() in ("running", "degraded", "starting"),
        "systemd does not get up")
    installed(old)
    set_up()
    bounds()
    by_rohrpost()
    by_systemctl()
    direct()
    crash()
    refused()
    journal()
    upgraded(new)
    removed()


main()
