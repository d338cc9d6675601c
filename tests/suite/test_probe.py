"""probe: another Rohrpost says which of our ports answer from there; only
those of who asks, and not often."""
import contextlib
import json
import re
import socket
import threading
import time

import pytest

import rohrpost

PROFILE = "relay"
PORT = rohrpost.free_port()
KEYS = {"listen_probe": "127.0.0.1:%d" % PORT, "probe_any_port": "yes",
        "relay_host": "[127.0.0.1]", "relay_port": "1", "relay_tls": "never"}


def ask(line, source="127.0.0.1"):
    """What is said to who comes from there."""
    with socket.create_connection(("127.0.0.1", PORT), 30,
                                  (source, 0)) as s:
        s.sendall(line)
        out = b""
        while piece := s.recv(4096):
            out += piece
        return out.decode()


def test_only_the_askers_own_ports(inst):
    """The port is open at 127.0.0.1, and not at the address that asks."""
    smtp = inst.ports["smtp"]
    assert ask(b"PROBE %d 1\r\n" % smtp, "127.0.0.2") == \
        "%d refused\r\n1 refused\r\nEND\r\n" % smtp
    with socket.create_server(("127.0.0.3", 0)) as s:
        port = s.getsockname()[1]
        assert ask(b"PROBE %d\r\n" % port, "127.0.0.3") == \
            "%d open\r\nEND\r\n" % port
        s.settimeout(30)
        c = s.accept()[0]
        with c:
            c.settimeout(30)
            assert c.getpeername()[0] == "127.0.0.1" and c.recv(10) == b""


@pytest.mark.parametrize("n,line", enumerate([
    b"EHLO x\r\n", b"PROBE\r\n", b"PROBE 0\r\n", b"x" * 200 + b"\r\n",
    b"PROBE 25 127.0.0.1\r\n"]))
def test_what_is_no_question(inst, n, line):
    assert ask(line, "127.0.1.%d" % (n + 1)) == ""


def test_not_often(inst):
    """A second question of the same address meanwhile."""
    assert ask(b"PROBE 1\r\n", "127.0.0.5").endswith("END\r\n")
    assert ask(b"PROBE 1\r\n", "127.0.0.5") == "BUSY\r\n"
    assert ask(b"PROBE 1\r\n", "127.0.0.6").endswith("END\r\n")


def slow(listening):
    """An SMTP server that takes a second for each reply, and takes all."""
    with contextlib.suppress(OSError):
        while True:
            with listening.accept()[0] as c, c.makefile("rb") as f:
                with contextlib.suppress(OSError):
                    c.sendall(b"220 slow.test\r\n")
                    for _ in f:
                        time.sleep(1)
                        c.sendall(b"250 ok\r\n")


def test_who_is_slow_does_not_hold_up_a_stop():
    """The tricks take more than a minute there."""
    d, port = rohrpost.scratch("slow"), rohrpost.free_port()
    own = rohrpost.Instance(d, profile=PROFILE, **dict(
        KEYS, listen_probe="127.0.0.1:%d" % port))
    with socket.create_server(("127.0.0.9", 0)) as s:
        t = threading.Thread(target=slow, args=(s,), daemon=True)
        t.start()
        with own, socket.create_connection(("127.0.0.1", port), 30,
                                           ("127.0.0.9", 0)) as c:
            c.sendall(b"TRICKS %d example.test mail.example.test\r\n" %
                      s.getsockname()[1])
            with c.makefile("rb") as f:
                assert f.readline() == b"AT 127.0.0.9\r\n"
                assert f.readline() == b"postmaster works 250 ok\r\n"
                assert own.stop() == 0
        assert "by force" not in own.log()
        s.shutdown(socket.SHUT_RDWR)
        t.join(60)
    rohrpost.remove(d)


def command(inst, *args, conf=""):
    """rohrpost with these lines of rohrpost.conf, once it is not BUSY."""
    path = inst.conf / "rohrpost.conf"
    text = path.read_text()
    path.write_text(re.sub(r"(?m)^listen_(?!probe).*\n", "", text) +
                    "".join("listen_%s =\n" % s for s in (
                        "smtp", "submission", "submissions", "imap", "imaps",
                        "pop3", "pop3s") if "listen_%s =" % s not in conf) +
                    conf)
    out = []

    def asked():
        out[:] = [inst.command(*args, env={"LANG": "C", "LANGUAGE": ""})]
        return "a moment ago" not in out[0].stdout + out[0].stderr
    try:
        rohrpost.wait_for(asked, 60, text="the probe has time")
    finally:
        path.write_text(text)
    return out[0]


def test_command_and_doctor(inst):
    """Open, and refused; by an argument, and by the key."""
    where = "127.0.0.1:%d" % PORT
    conf = "listen_smtp = 0.0.0.0:%d\nlisten_imap = 0.0.0.0:1\n" % (
        inst.ports["smtp"])
    p = command(inst, "probe", where, "--json", conf=conf)
    assert p.returncode == 1, p.stderr
    assert json.loads(p.stdout) == [
        {"port": inst.ports["smtp"], "state": "open"},
        {"port": 1, "state": "refused"}]
    p = command(inst, "doctor", "--json", "--address", "192.0.2.1",
                conf=conf + "probe = %s\n" % where)
    codes = {r["code"]: r["finding"] for r in json.loads(p.stdout)}
    assert "Port 1 is refused" in codes["outside-refused"]
    assert "Port %d answers" % inst.ports["smtp"] in codes["outside-good"]


def test_nobody_to_ask(inst):
    conf = "listen_smtp = 0.0.0.0:%d\n" % inst.ports["smtp"]
    p = command(inst, "probe", "127.0.0.1:1", conf=conf)
    assert p.returncode == 75 and "refused" in p.stderr
    # What answers is another server.
    p = command(inst, "probe", "127.0.0.1:%d" % inst.ports["smtp"], conf=conf)
    assert p.returncode == 75 and "listen_probe" in p.stderr
    with socket.create_server(("127.0.0.1", 0)) as s:
        threading.Thread(target=lambda: s.accept()[0].close(),
                         daemon=True).start()
        p = command(inst, "probe", "127.0.0.1:%d" % s.getsockname()[1],
                    conf=conf)
    assert p.returncode == 75 and "%d is none" % inst.ports["smtp"] in p.stderr
    p = command(inst, "probe", "nowhere", conf=conf)
    assert p.returncode == 1 and "HOST:PORT" in p.stderr
    p = command(inst, "probe", "127.0.0.1:1")
    assert p.returncode == 1 and "no port is open" in p.stderr
    p = command(inst, "doctor", "--json", "--probe", "127.0.0.1:1",
                "--address", "192.0.2.1", conf=conf)
    assert "probe-failed" in {r["code"] for r in json.loads(p.stdout)}
