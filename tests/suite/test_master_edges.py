"""master's edges: what a process is given and what it is not, the command
line, what status tells, the stop by force."""
import json
import os
import pathlib
import signal
import subprocess

import pytest

import rohrpost
from probes import Probes

PROC = pathlib.Path("/proc")


def status(pid):
    text = (PROC / str(pid) / "status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines()
                if ":\t" in line)


def files(pid):
    """Descriptor: where it leads."""
    out = {}
    for f in (PROC / str(pid) / "fd").iterdir():
        try:
            out[int(f.name)] = os.readlink(f)
        except FileNotFoundError:
            continue
    return out


def stat_of(pid):
    """Behind the name: state, parent, group, session."""
    return (PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()


@pytest.fixture
def spoiled():
    """A caller with a strange umask, ignored signals and open files."""
    umask = os.umask(0o077)
    old = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(signal.SIGHUP, old)
    os.umask(umask)


def test_what_a_process_is_given(spoiled, tmp_path):
    with Probes("given") as p:
        log = p.state / "log/rohrpost.log"
        p.stop()
        assert (p.state / "run/master.pid").read_text() == ""
        secret = os.open(tmp_path, os.O_RDONLY)
        p.master = p.popen("-f", pass_fds=[secret], cwd=tmp_path,
                           stdin=subprocess.PIPE)
        os.close(secret)
        log.rename(p.dir / "first.log")
        rohrpost.wait_for(p.up, 20, text="master starts")
        pid = p.master.pid
        assert (p.state / "run/master.pid").read_text() == "%d\n" % pid
        mine = files(pid)
        assert mine[0] == mine[1] == "/dev/null", mine
        assert mine[2].startswith("pipe:")
        assert os.readlink(PROC / str(pid) / "cwd") == "/"
        assert status(pid)["Umask"] == "0022"
        limits = (PROC / str(pid) / "limits").read_text()
        line = next(x for x in limits.splitlines() if "open files" in x)
        assert line.split()[3] == line.split()[4], line
        children = [x for x in p.pids() if x != pid]
        assert len(children) > 10
        for child in children:
            got, st = files(child), status(child)
            assert got[0] == "/dev/null", (child, got)
            assert got[2].startswith("pipe:"), (child, got)
            assert int(st["SigBlk"], 16) == 0, (child, st["SigBlk"])
            # An interrupt at the terminal is master's alone.
            assert int(stat_of(child)[2]) == child
        for x in p.pids():
            assert str(tmp_path) not in files(x).values(), x
        assert "started, configuration %s" % p.conf in p.log()


def test_background_has_a_session_of_its_own():
    p = Probes("session")
    try:
        m = p.popen()
        assert m.wait(60) == 0
        pid = int((p.state / "run/master.pid").read_text())
        assert int(stat_of(pid)[3]) == pid
        os.kill(pid, signal.SIGTERM)
        rohrpost.wait_for(lambda: not p.pids(), 30)
        assert (p.state / "run/master.pid").read_text() == ""
    finally:
        for pid in p.pids():
            os.kill(pid, signal.SIGKILL)
        rohrpost.remove(p.dir)


def test_command_line():
    p = Probes("line")
    usage = "master: usage: master -c DIR [-dfn] | -K | -V\n"
    # popen() says -c DIR first.
    for args, code, words in ((["-n"], 0, ""), (["-n", "x"], 100, usage),
                              (["-x"], 100, usage), (["x"], 100, usage),
                              (["-c", "/" + "x" * 5000], 100,
                               "master: -c: the path is too long\n"),
                              (["-nc", str(p.dir / "none")], 100,
                               "master: %s/none/rohrpost.conf: No such file "
                               "or directory\n" % p.dir)):
        m = p.popen(*args)
        out, _ = m.communicate(timeout=60)
        assert m.returncode == code and out.endswith(words), (args, out)
        assert words or not out
    m = p.popen("-V")
    assert m.communicate(timeout=60)[0].startswith("master (rohrpost ")
    m = p.popen("-K")
    assert "state_dir\t" in m.communicate(timeout=60)[0]
    # None of them has touched the state.
    assert not p.state.exists()
    # A folder by its name alone, from where we are.
    m = p.popen("-f", "-c", "conf", cwd=p.dir)
    p.master = m
    try:
        rohrpost.wait_for(p.up, 20, text="master starts")
        assert "started, configuration %s" % p.conf in p.log()
        assert p.stop() == 0
    finally:
        p.stop()
        rohrpost.remove(p.dir)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_stop_by_force(by):
    """Who does not go in its time is ended, and the rest goes in order."""
    with Probes("force", stop_time="1s") as p:
        everybody, (queue,) = p.pids(), p.pids("queue")
        os.kill(queue, signal.SIGSTOP)
        p.master.send_signal(by)
        # A second word changes nothing.
        rohrpost.wait_for(lambda: " stopping\n" in p.log(), text="stopping")
        p.master.send_signal(signal.SIGTERM)
        p.master.send_signal(signal.SIGHUP)
        assert p.master.wait(30) == 0
        assert not [pid for pid in everybody
                    if os.path.exists("/proc/%d" % pid)]
        lines = [x.split(" ", 2)[2] for x in p.log().splitlines()
                 if " master[" in x]
        assert "warn queue[%d] is ended by force" % queue in lines
        assert len([x for x in lines if "by force" in x]) == 1
        assert lines.count("info stopping") == 1
        assert lines[-1] == "info stopped"
        # store ends after queue, whoever is late.
        store = [i for i, x in enumerate(lines) if "debug store[" in x and
                 x.endswith("ended")]
        assert store and store[0] > lines.index(
            "warn queue[%d] is ended by force" % queue)
        # Ports and doors are closed, the lock is free.
        assert not list((p.state / "run").glob("*.ctl"))
        assert (p.state / "run/master.pid").read_text() == ""


def rows(p):
    r = subprocess.run([str(rohrpost.ROHRPOST), "-c", str(p.conf), "status",
                        "--json"], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


def of(p, program, **fields):
    return [r for r in rows(p) if r["program"] == program and
            all(r[k] == v for k, v in fields.items())]


def test_status_rows():
    """Each process with what it is, does and did."""
    with Probes("status", smtp_workers=3) as p:
        got = rows(p)
        assert sorted(r["pid"] for r in got) == \
            [x for x in p.pids() if x != p.master.pid]
        for r in got:
            argv = (PROC / str(r["pid"]) / "cmdline").read_text().split("\0")
            assert os.path.basename(argv[0]) == r["program"]
            assert ("-s" in argv) == (r["service"] is not None), r
            assert r["service"] is None or r["service"] in argv
            assert r["user"] is None and r["sessions"] == 0
            assert r["restarts"] == 0 and 0 <= r["uptime"] < 60
            assert r["state"] == ("idle" if r["service"] in (
                "smtp", "submission", "submissions", "local") and
                r["program"] == "smtpd" or r["program"] == "admin"
                else "running"), r
        # A worker with a client, and a session.
        with p.client("smtp") as c, p.client("imap") as s:
            pid = int(c.say("who").split()[1])
            assert s.say("hold anna@example.test")
            rohrpost.wait_for(lambda: of(p, "smtpd", state="busy"))
            assert [r["pid"] for r in of(p, "smtpd", state="busy")] == [pid]
            (imapd,) = rohrpost.wait_for(lambda: of(p, "imapd", sessions=1))
            assert imapd["user"] == "anna@example.test"
            assert imapd["state"] == "busy"
            assert imapd["pid"] in p.pids("imapd")
        rohrpost.wait_for(lambda: not of(p, "smtpd", state="busy"))
        # One that died and came again is told from one that did not.
        (queue,) = p.pids("queue")
        os.kill(queue, signal.SIGKILL)
        (r,) = rohrpost.wait_for(lambda: of(p, "queue", restarts=1,
                                            state="running"))
        assert r["pid"] != queue
        assert not [r for r in of(p, "store") if r["restarts"]]
        # One that does not stop, and one that cannot start.
        (store,) = p.pids("store")
        (p.bin / "store").unlink()
        os.kill(store, signal.SIGKILL)
        (r,) = rohrpost.wait_for(lambda: of(p, "store", state="down"))
        assert r["pid"] is None and r["uptime"] == 0


def test_debug_shows_the_log():
    """-d: what the log gets, on the standard error of the caller too."""
    p = Probes("debug")
    m = p.master = p.popen("-d")
    try:
        rohrpost.wait_for(p.up, 20, text="master starts")
        assert p.ask("smtp", "who").startswith("smtpd ")
        assert p.stop() == 0
        out = m.stdout.read().splitlines()
        log = p.log().splitlines()
        assert any(" started, configuration" in x for x in log)
        # Not the last line: what the others said last may come behind it.
        assert any(x.endswith(" stopped") for x in log), log
        assert set(log) <= set(out), out
    finally:
        p.stop()
        rohrpost.remove(p.dir)


def test_reloads_are_no_deaths():
    """Workers that go for the next configuration's are not held against
    anybody, however young they are."""
    with Probes("reloads") as p:
        for n in range(7):
            old = p.pids("smtpd")
            p.master.send_signal(signal.SIGHUP)
            rohrpost.wait_for(
                lambda: not set(old) & set(p.pids("smtpd")) and
                len(of(p, "smtpd", state="idle")) >= len(old), 20)
        assert "quick deaths" not in p.log()
        assert not [r for r in rows(p) if r["restarts"]]
