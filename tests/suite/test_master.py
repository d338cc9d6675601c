"""master and the skeletons: start, restart, wires, bounds, reload, stop."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

import frames
import rohrpost
from probes import BUILD, NOBODY, Probes


@pytest.fixture(scope="module")
def p():
    with Probes("master", smtp_workers=5, submission_workers=5,
                sessions_per_user=3, imapd_linger="1s") as probes:
        yield probes


def pid_of(answer):
    return int(answer.split()[1])


def back(p, name, old, duty=None):
    """Waits until the program runs again, without the old ones. Of those
    that accept, one will do: idle surplus is not made again."""
    want = 1 if duty else len(old)
    rohrpost.wait_for(
        lambda: len(set(p.pids(name, duty)) - set(old)) >= want, 30,
        step=0.005, text="%s is back" % name)


def kill_all(p, name, duty=None):
    old = p.pids(name, duty)
    assert old
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    back(p, name, old, duty)
    return old


def test_wires(p):
    with p.client("smtp") as c:
        assert c.say("who").startswith("smtpd ")
        assert c.say("ask queue").startswith("queue ")
        # Port 25 has no way to auth, and nobody has one to store but three.
        assert c.say("ask auth") == "nobody"
        assert c.say("ask store") == "nobody"
        assert c.say("session").startswith("smtp  127.0.0.1:")
    with p.client("submission") as c:
        assert c.say("ask queue").startswith("queue ")
        assert c.say("ask auth").startswith("auth ")
    assert p.ask("imap", "peers").split() == ["auth"]


def test_local_socket_knows_the_uid(p):
    assert local(p, "session").split() == ["local", "local",
                                           str(os.geteuid())]


def local(p, line):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(p.state / "run/submit"))
        f = s.makefile("rw")
        f.write(line + "\n")
        f.flush()
        return f.readline()


def test_worker_serves_so_many_and_goes(p):
    """Three clients each, as the probe has it for the local socket."""
    served = {}
    for _ in range(24):
        pid = pid_of(local(p, "who"))
        served[pid] = served.get(pid, 0) + 1
    assert max(served.values()) == 3


def test_who_closes_its_channel_is_ended(p):
    """A program that master no longer hears of and that does not end."""
    for service in "smtp", "imap":
        with p.client(service) as c:
            pid = pid_of(c.say("who"))
            assert c.say("lose") == ""
        rohrpost.wait_for(lambda: "[%d] died by signal 9" % pid in p.log())
    assert p.ask("imap", "who").startswith("login ")


@pytest.mark.parametrize("name", ["queue", "auth", "store", "resolve",
                                  "logger", "login", "deliver", "relay"])
def test_killed_program_is_back(p, name):
    kill_all(p, name)
    with p.client("submission") as c:
        assert c.say("ask queue").startswith("queue ")
        assert c.say("ask auth").startswith("auth ")
    assert p.ask("imap", "ask auth").startswith("auth ")


def test_workers_are_back(p):
    for duty in "smtp", "submission", "local":
        kill_all(p, "smtpd", duty)
    assert p.ask("smtp", "who").startswith("smtpd ")


def test_client_keeps_its_worker_when_queue_dies(p):
    with p.client("smtp") as c:
        before = pid_of(c.say("ask queue"))
        pid = c.say("who")
        os.kill(before, signal.SIGKILL)
        assert pid_of(c.say("ask queue")) != before
        assert c.say("who") == pid


def test_crash_of_a_worker_costs_its_client_alone(p):
    with p.client("smtp") as other:
        pid = other.say("who")
        assert p.ask("smtp", "die") == ""
        assert other.say("who") == pid


def test_bounds(p):
    # smtp_workers, and a reserve of one.
    clients = [p.client("smtp") for _ in range(6)]
    pids = set()
    for c in clients:
        pids.add(pid_of(c.say("who")))
    assert len(pids) == 6
    rohrpost.wait_for(lambda: len(p.pids("smtpd", "smtp")) == 6)
    # The next waits in the queue of the port until one is free.
    with p.client("smtp") as more:
        more.sock.settimeout(0.3)
        with pytest.raises(OSError):
            more.say("who")
    clients[0].close()
    assert p.ask("smtp", "who").startswith("smtpd ")
    for c in clients:
        c.close()
    assert "all 6 processes are busy" in p.log()


def test_submission_serves_one_session(p):
    assert p.ask("submission", "who") != p.ask("submission", "who")


def test_who_has_gone_is_named(p):
    """Of several, the one that died and no other."""
    def said(word):
        return set(re.findall(r" queue\[%d\] debug %s deliver (\d+)"
                              % (queue, word), p.log()))

    queue = p.pids("queue")[0]
    living = said("wired") - said("gone")
    assert living
    kill_all(p, "deliver")
    rohrpost.wait_for(lambda: said("gone") >= living, text="all have gone")
    rohrpost.wait_for(lambda: said("gone") < said("wired"))


def test_log_after_loggers_death(p):
    old = kill_all(p, "logger")
    rohrpost.wait_for(lambda: "logger[%d] died by signal 9" % old[0]
                      in p.log())


def test_sessions(p):
    first = p.ask("imap", "start anna@example.test")
    assert first.startswith("imapd ")
    assert p.ask("imap", "start anna@example.test") == first
    other = p.ask("imap", "start bert@example.test")
    assert other.startswith("imapd ") and other != first
    assert p.ask("imap", "start anna@example.test ask store").startswith(
        "store ")
    # Without a session for a while the process goes; the next one is new.
    rohrpost.wait_for(lambda: not p.pids("imapd"), 10)
    assert p.ask("imap", "start anna@example.test") != first


def test_session_survives_its_neighbours(p):
    first = p.ask("imap", "start carl@example.test")
    kill_all(p, "store")
    kill_all(p, "auth")
    assert p.ask("imap", "start carl@example.test") == first
    assert p.ask("imap", "start carl@example.test ask store").startswith(
        "store ")
    os.kill(pid_of(first), signal.SIGKILL)
    assert p.ask("imap", "start carl@example.test") != first


READY, STATE, START, STOP, RETIRE = (
    frames.WIRE_READY, 8, 9, frames.WIRE_STOP, 12)


def frame(kind, fields=b"", nfds=0, version=1, length=None):
    """As lib/base/chan.h has it."""
    n = len(fields) if length is None else length
    return struct.pack("<BBBBII", version, kind, nfds, 0, 0, n) + fields


def field(tag, value):
    return bytes([tag]) + frames.lv(value)


BAD_FRAMES = {
    "noise": b"\xff" * 64,
    "version": frame(READY, version=2),
    "unknown": frame(200),
    "4 GB": frame(READY, length=0xffffffff),
    "too long": frame(READY, length=(1 << 20) + 1),
    "of master": frame(STOP),
    "of auth": frame(START, field(3, frames.u32(6)) + field(4, "x@y.test") +
                     field(5, "192.0.2.1:1")),
    "of queue": frame(RETIRE, field(1, frames.u32(5)) +
                      field(2, frames.u32(1))),
    "field missing": frame(STATE),
    "field twice": frame(STATE, field(6, frames.u32(1)) * 2),
    "field unknown": frame(STATE, field(6, frames.u32(1)) + field(99, "x")),
    "field too short": frame(STATE, field(6, "x")),
    "field past the end": frame(STATE, b"\x06\xff\xff\xff\xff"),
    "descriptor missing": frame(READY, nfds=1),
    "65 descriptors": frame(READY, nfds=65),
}


@pytest.mark.parametrize("what", BAD_FRAMES)
@pytest.mark.parametrize("service,name", [
    ("smtp", "smtpd (smtp)"), ("imap", "imapd")])
def test_bad_frame_ends_that_program_alone(p, service, name, what):
    """J5, within: who says to master what it may not is ended, and told of
    in the log; its neighbour has noticed nothing."""
    words = "frame " + BAD_FRAMES[what].hex()
    with p.client("smtp") as other, p.client(service) as c:
        before = other.say("who")
        # A user for each row: the sessions of who is killed count until it is
        # reaped.
        start = "start %s@example.test" % what.replace(" ", "-").lower()
        pid = pid_of(c.say("who" if service == "smtp" else start))
        c.say(words if service == "smtp" else start + " " + words)
        rohrpost.wait_for(
            lambda: "%s[%d] is ended by force" % (name, pid) in p.log())
        assert other.say("who") == before
        assert other.say("ask queue").startswith("queue ")
    assert re.search(r" master\[\d+\] warn %s\[%d\]: " %
                     (re.escape(name), pid), p.log()), what


def test_descriptor_by_surprise(p):
    """J5: one that no message announces, and one that a message of no
    descriptors carries, do not stay in master."""
    def held():
        """Of those that the probe sends."""
        d = pathlib.Path("/proc/%d/fd" % p.master.pid)
        n = 0
        for f in d.iterdir():
            with contextlib.suppress(FileNotFoundError):
                n += os.readlink(f) == "/dev/null"
        return n

    def ended(octets):
        with p.client("smtp") as c:
            pid = pid_of(c.say("who"))
            c.say("framefd " + octets.hex())
            rohrpost.wait_for(lambda: "smtpd (smtp)[%d] is ended by force"
                              % pid in p.log())

    before = held()
    for _ in range(5):
        ended(frame(READY, nfds=1))
        ended(frame(STOP))
    rohrpost.wait_for(lambda: held() == before, text="descriptors are gone")


def test_who_does_not_read_is_ended(p):
    """Master goes on meanwhile."""
    pid = p.pids("resolve")[0]
    os.kill(pid, signal.SIGSTOP)
    for _ in range(3):
        kill_all(p, "relay")
    assert p.ask("smtp", "ask queue").startswith("queue ")
    os.kill(pid, signal.SIGCONT)


def test_reload(p):
    with p.client("smtp") as c, p.client("imap") as i:
        worker, loop = c.say("who"), i.say("who")
        assert worker.endswith(" plain")
        p.write(probe_word="fresh")
        p.master.send_signal(signal.SIGHUP)
        rohrpost.wait_for(lambda: "configuration read again" in p.log())
        # Sessions stay, with what they began with; loops have the new word.
        assert c.say("who") == worker
        rohrpost.wait_for(
            lambda: i.say("who") == loop.replace("plain", "fresh"))
    rohrpost.wait_for(
        lambda: p.ask("smtp", "who").endswith(" fresh"))


def loops(p):
    """What lives on however many clients there are."""
    return [p.pids(name) for name in ("logger", "resolve", "auth", "store",
                                      "queue", "login")]


@pytest.mark.parametrize("keys,words", [
    ({"probe_word": "wrong"}, 'probe_word: "wrong" is wrong'),
    ({"probe_word": "other", "smtp_workers": "many"},
     'smtp_workers: "many" is not a number'),
    ({"probe_word": "other", "listen_pop3": "nowhere:1"}, "listen_pop3"),
])
def test_reload_of_a_broken_file_changes_nothing(p, keys, words):
    good = dict(p.keys)
    before = loops(p)
    word = p.ask("smtp", "who").split()[-1]
    said = p.log().count(words)
    p.write(**keys)
    try:
        p.master.send_signal(signal.SIGHUP)
        rohrpost.wait_for(lambda: p.log().count(words) > said, text=words)
        line = [x for x in p.log().splitlines() if words in x][-1]
        assert "old configuration stays" in line
        assert loops(p) == before
        assert p.ask("smtp", "who").split()[-1] == word != "other"
    finally:
        p.keys = good
        p.write()


def test_reload_opens_and_closes_ports(p):
    old, new = p.ports["smtp"], rohrpost.free_port()
    oldi, newi = p.ports["imap"], rohrpost.free_port()
    with p.client("smtp") as c:
        worker = c.say("who")
        p.ports.update(smtp=new, imap=newi)
        p.write(listen_smtp="127.0.0.1:%d" % new,
                listen_imap="127.0.0.1:%d" % newi)
        p.master.send_signal(signal.SIGHUP)
        rohrpost.wait_for(lambda: rohrpost.refused(old) and
                          rohrpost.refused(oldi))
        assert c.say("who") == worker
        assert p.ask("smtp", "who").startswith("smtpd ")
        assert p.ask("imap", "who").startswith("login ")


def test_refused_reload_opens_no_port(p):
    """What was opened before the one that cannot be is closed again."""
    good, new = dict(p.keys), rohrpost.free_port()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        taken = "127.0.0.1:%d" % s.getsockname()[1]
        said = p.log().count(taken)
        p.write(listen_smtp="%s, 127.0.0.1:%d" % (good["listen_smtp"], new),
                listen_imap=taken)
        try:
            p.master.send_signal(signal.SIGHUP)
            rohrpost.wait_for(lambda: p.log().count(taken) > said)
        finally:
            p.keys = good
            p.write()
    line = [x for x in p.log().splitlines() if taken in x][-1]
    assert "old configuration stays" in line
    rohrpost.wait_for(lambda: rohrpost.refused(new), 5)
    assert p.ask("smtp", "who").startswith("smtpd ")
    assert p.ask("imap", "who").startswith("login ")


def test_second_master_is_refused(p):
    second = p.popen("-f")
    out, _ = second.communicate(timeout=20)
    assert second.returncode == 111
    assert "runs already as process %d" % p.master.pid in out
    assert p.ask("smtp", "who").startswith("smtpd ")


def test_stop_is_orderly():
    with Probes("stop") as p:
        c = p.client("imap")
        c.say("start anna@example.test")
        everybody = p.pids()
        assert p.stop() == 0
        assert "ended by force" not in p.log()
        assert not [pid for pid in everybody
                    if os.path.exists("/proc/%d" % pid)]
        ends = [line.split()[3].split("[")[0]
                for line in p.log().splitlines() if line.endswith(" ended")
                and " master[" in line]
        assert set(ends[-2:]) == {"store", "signer"}
        assert set(ends[-5:-2]) == {"queue", "auth", "resolve"}
        assert p.log().splitlines()[-1].endswith(" stopped")
        assert not list((p.state / "run").glob("*.ctl"))


def test_children_die_with_master():
    with Probes("death") as p:
        p.ask("imap", "start anna@example.test")
        children = p.pids()
        assert len(children) > 10
        p.master.kill()
        p.master.wait(10)
        # The next one starts at once on the same directory and ports.
        (p.state / "log/rohrpost.log").rename(p.dir / "first.log")
        p.start()
        assert p.ask("smtp", "who").startswith("smtpd ")
        assert not set(children) & set(p.pids())


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_reload_names_our_own_port(p, host):
    """What another service has until then is no stranger's."""
    good, new = dict(p.keys), rohrpost.free_port()
    wanted = "%s:%d" % (host, p.ports["smtp"])
    words = "listen_imap: %s: our own listen_smtp has 127.0.0.1:%d still" % (
        wanted, p.ports["smtp"])
    p.write(listen_smtp="127.0.0.1:%d" % new, listen_imap=wanted)
    try:
        p.master.send_signal(signal.SIGHUP)
        rohrpost.wait_for(lambda: words in p.log(), text=p.log())
    finally:
        p.keys = good
        p.write()
    assert p.ask("smtp", "who").startswith("smtpd ")
    assert p.ask("imap", "who").startswith("login ")


def test_port_in_use():
    p = Probes("port")
    with socket.socket() as s:
        s.bind(("127.0.0.1", p.ports["pop3"]))
        s.listen()
        m = p.popen("-f")
        out, _ = m.communicate(timeout=20)
    assert m.returncode == 111
    assert out == ("master: listen_pop3: 127.0.0.1:%d: Address already in "
                   "use\n" % p.ports["pop3"])
    assert not p.pids()
    rohrpost.remove(p.dir)


@pytest.mark.parametrize("key,value,words", [
    ("smtp_workers", "0", "smtp_workers: \"0\" is out of bounds"),
    ("listen_imap", "localhost:1", "listen_imap: "),
    ("state_dir", "state", "state_dir: is not an absolute path"),
    ("state_dir", "/" + "x" * 120, "state_dir: is too long"),
    ("probe_word", "wrong", "probe_word: \"wrong\" is wrong"),
    ("program_dir", "/nonexistent", "/nonexistent/"),
])
def test_bad_configuration(key, value, words):
    p = Probes("bad", **{key: value})
    for args in ("-f",), ("-n",), ():
        m = p.popen(*args)
        out, _ = m.communicate(timeout=20)
        assert m.returncode == 100, out
        assert words in out
    assert not p.pids()
    rohrpost.remove(p.dir)


def test_program_that_will_not_start():
    p = Probes("fail", probe_word="no-queue")
    m = p.popen("-f")
    out, _ = m.communicate(timeout=30)
    assert m.returncode == 111
    assert "queue does not start: I will not\n" in out, out
    assert "I will not" in p.log()
    assert not p.pids()
    rohrpost.remove(p.dir)


@pytest.mark.parametrize("name", ["store", "queue", "smtpd"])
def test_program_that_refuses(name):
    """It says that another try is of no use: there is none, the start says
    why in one line, and an init system does not try again either."""
    words = "my files are of a newer version"
    p = Probes("refuse", probe_word="never-" + name)
    for args in ("-f",), ():
        m = p.popen(*args)
        out, _ = m.communicate(timeout=30)
        assert m.returncode == 100
        assert re.fullmatch(r"master: %s( \(\w+\))? does not start: %s\n"
                            % (name, words), out), out
        assert not p.pids()
    # One process said it each time, of smtpd the first ones of each service;
    # what master has read itself to print it stands in no log.
    assert p.log().count(words) <= (2 if name != "smtpd" else 2 * 5)
    unit = (BUILD / "conf/rohrpost.service").read_text()
    assert "\nRestartPreventExitStatus=100\n" in unit
    rohrpost.remove(p.dir)


REFUSES = """#!/bin/sh
case " $* " in *" -n "*) exit 0;; esac
echo "f the index is of a newer version" >&2
exit 100
"""


def test_start_tells_of_a_refusal():
    """What the operator sees; the version that knows the files goes on."""
    inst = rohrpost.Instance(rohrpost.scratch("refused"))
    with inst:
        with inst.smtp() as s:
            s.sendmail("eve@remote.test", ["anna@example.test"],
                       rohrpost.message(1))
        inst.wait_count(1)
    programs = inst.dir / "programs"
    programs.mkdir()
    for f in rohrpost.LIBEXEC.iterdir():
        if f.name != "store":
            (programs / f.name).symlink_to(f)
    (programs / "store").write_text(REFUSES)
    (programs / "store").chmod(0o755)
    conf = inst.conf / "rohrpost.conf"
    good = conf.read_text()
    conf.write_text(good + "program_dir = %s\n" % programs)
    r = inst.command("start")
    assert (r.returncode, r.stdout) == (1, "")
    assert r.stderr == ("rohrpost: store does not start: the index is of a "
                        "newer version\n")
    assert not inst.processes()
    conf.write_text(good)
    inst.start()
    assert inst.count() == 1
    inst.stop()
    rohrpost.remove(inst.dir)


def files(directory):
    return {str(f.relative_to(directory)): (f.stat().st_ino, f.read_bytes())
            for f in directory.rglob("*") if f.is_file()}


def test_mail_of_a_newer_version_is_left_alone():
    """The real store: one line, the status, and every file as it was."""
    inst = rohrpost.Instance(rohrpost.scratch("newer"))
    with inst:
        with inst.smtp() as s:
            s.sendmail("eve@remote.test", ["anna@example.test"],
                       rohrpost.message(1))
        inst.wait_count(1)
    mark = inst.state / "spool/mail/.format"
    mine = mark.read_text()
    mark.write_text("99\n")
    before = files(inst.state / "spool")
    r = inst.command("start")
    assert r.returncode == 1
    assert r.stderr.startswith("rohrpost: store does not start: ")
    assert "version 99" in r.stderr and r.stderr.count("\n") == 1, r.stderr
    assert not inst.processes()
    assert files(inst.state / "spool") == before
    m = subprocess.run([str(rohrpost.LIBEXEC / "master"), "-c",
                        str(inst.conf), "-f"], capture_output=True, text=True,
                       timeout=60)
    assert m.returncode == 100, m.stderr
    mark.write_text(mine)
    inst.start()
    assert inst.count() == 1
    inst.stop()
    rohrpost.remove(inst.dir)


def test_refusal_while_the_suite_runs():
    """What runs goes on; what refuses is tried again once a minute."""
    with Probes("refuse-later", relay_workers=3) as p, p.client("smtp") as c:
        queue = pid_of(c.say("ask queue"))
        p.write(probe_word="never-relay")
        p.master.send_signal(signal.SIGHUP)
        rohrpost.wait_for(lambda: "relay refuses to start, the next try is "
                          "in 60 s" in p.log(), 10)
        time.sleep(2)
        assert p.log().count("my files are of a newer version") <= 3
        assert not p.pids("relay")
        assert pid_of(c.say("ask queue")) == queue
        assert "quick deaths" not in p.log()
        # The same for a loop that had been left alone by the reload.
        p.write(probe_word="never-store")
        p.master.send_signal(signal.SIGHUP)
        rohrpost.wait_for(
            lambda: p.log().count(" info configuration read again") >= 2)
        assert p.pids("store")
        os.kill(p.pids("store")[0], signal.SIGKILL)
        rohrpost.wait_for(lambda: "store refuses to start" in p.log(), 10)
        assert pid_of(c.say("ask queue")) == queue


def test_back_off_after_five_quick_deaths():
    with Probes("backoff", deliver_workers=4) as p:
        p.write(probe_word="no-deliver")
        p.master.send_signal(signal.SIGHUP)
        rohrpost.wait_for(lambda: "5 quick deaths in a row, the next try is "
                          "in 1 s" in p.log(), 10)
        rohrpost.wait_for(lambda: "the next try is in 2 s" in p.log(), 10)
        # The others are not held up.
        assert p.ask("smtp", "ask queue").startswith("queue ")
        p.write(probe_word="plain")
        p.master.send_signal(signal.SIGHUP)
        rohrpost.wait_for(lambda: len(p.pids("deliver")) == 4, 15)


def test_relay_on_demand():
    """As many as queue needs, two at the least, relay_workers at most."""
    with Probes("demand", relay_workers=5) as p, p.client("smtp") as c:
        first = set(p.pids("relay"))
        assert len(first) == 2
        assert c.say("need 4") == "said"
        rohrpost.wait_for(lambda: len(p.pids("relay")) == 4)
        assert first < set(p.pids("relay"))
        # Who dies is made again.
        os.kill(min(first), signal.SIGKILL)
        rohrpost.wait_for(lambda: len(p.pids("relay")) == 4 and
                          min(first) not in p.pids("relay"))
        assert c.say("need 9") == "said"
        rohrpost.wait_for(lambda: len(p.pids("relay")) == 5)
        # One that queue names goes; the others stay, though fewer will do.
        assert c.say("need -1") == "said"
        rohrpost.wait_for(lambda: len(p.pids("relay")) == 4)
        assert c.say("need 0") == "said"
        assert pid_of(c.say("ask queue")) == p.pids("queue")[0]
        assert len(p.pids("relay")) == 4


@pytest.mark.parametrize("abstract", [False, True])
def test_readiness(abstract):
    p = Probes("notify")
    name = str(p.dir / "sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind("\0" + name if abstract else name)
        if not abstract:
            os.chmod(name, 0o777)
        s.settimeout(20)
        p.env["NOTIFY_SOCKET"] = ("@" if abstract else "") + name
        with p:
            assert s.recv(100) == b"READY=1"
            # Nobody else was told of the socket.
            for pid in p.pids("queue"):
                env = pathlib.Path("/proc/%d/environ" % pid).read_bytes()
                assert b"NOTIFY" not in env
            p.master.send_signal(signal.SIGHUP)
            assert s.recv(100).startswith(b"RELOADING=1")
            assert s.recv(100) == b"READY=1"
            p.master.send_signal(signal.SIGTERM)
            assert s.recv(100) == b"STOPPING=1"


def test_background():
    p = Probes("background")
    m = p.popen()
    # The caller returns when all is up.
    assert m.wait(20) == 0
    try:
        assert p.ask("smtp", "who").startswith("smtpd ")
        pid = int((p.state / "run/master.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        rohrpost.wait_for(lambda: not p.pids(), 10)
    finally:
        for pid in p.pids():
            os.kill(pid, signal.SIGKILL)
        rohrpost.remove(p.dir)


def test_log_rotation():
    with Probes("log", log_size=4096, log_keep=2) as p:
        for _ in range(60):
            p.ask("submission", "who")
        # While it runs there is a moment without a file of the first name.
        assert p.stop() == 0
        logs = sorted(f.name for f in (p.state / "log").iterdir())
        assert logs == ["rohrpost.log", "rohrpost.log.1", "rohrpost.log.2"]
        for f in (p.state / "log").iterdir():
            for line in f.read_text().splitlines():
                stamp, who, level, text = line.split(" ", 3)
                assert stamp.endswith("Z") and who.endswith("]")
                assert level in ("info", "warn", "debug")


@pytest.mark.root
def test_log_on_a_full_disk():
    p = Probes("full")
    log = p.state / "log"
    log.mkdir(parents=True)
    os.chown(p.state, NOBODY, NOBODY)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,uid=%d" % NOBODY,
                    "tmpfs", str(log)], check=True)
    try:
        with p:
            fill = log / "fill"
            with open(fill, "wb", buffering=0) as f, \
                    contextlib.suppress(OSError):
                while True:
                    f.write(bytes(4096))
            size = len(p.log())
            for _ in range(30):
                assert p.ask("submission", "who").startswith("smtpd ")
            assert len(p.log()) - size < 4096
            fill.unlink()
            # What waited in memory is written, without a further line.
            rohrpost.wait_for(lambda: len(p.log()) - size > 8000, 5)
            for line in p.log().splitlines():
                assert line.split(" ", 3)[2] in ("info", "warn", "debug")
    finally:
        subprocess.run(["umount", "-l", str(log)], check=True)


def test_unit_files():
    """What the init system is given."""
    unit = BUILD / "conf/rohrpost.service"
    text = unit.read_text()
    assert "@" not in text
    # Tries again for ever: in [Unit], where systemd looks for it.
    assert "\nStartLimitIntervalSec=0\n" in text.split("[Service]")[0]
    # admin, within the unit, edits the tables.
    conf = re.search(r"(?m)^ExecStart=\S+ -c (\S+) ", text).group(1)
    assert "\nReadWritePaths=%s\n" % conf in text
    d = pathlib.Path(rohrpost.scratch("unit"))
    # verify wants the program to be there.
    checked = d / "rohrpost.service"
    checked.write_text("\n".join(
        "ExecStart=/bin/true" if line.startswith("ExecStart=") else line
        for line in text.splitlines()) + "\n")
    r = subprocess.run(["systemd-analyze", "verify", "--man=no",
                        str(checked)], capture_output=True, text=True)
    assert r.returncode == 0 and not r.stderr, r.stderr
    r = subprocess.run(["systemd-sysusers", "--dry-run", str(
        (BUILD / "conf/sysusers.d/rohrpost.conf").resolve())],
        capture_output=True, text=True)
    assert r.returncode == 0, r.stderr
    rohrpost.remove(d)
