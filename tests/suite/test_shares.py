"""Nobody holds up anybody else at a door: clients that are silent, users of
the local socket, and what comes over the operator's sockets."""
import array
import contextlib
import random
import select
import socket
import subprocess
import sys
import textwrap

import pytest

import rohrpost
from rohrpost import SENDMAIL, Instance, wait_for

pytestmark = pytest.mark.root
NOBODY = 65534
FLOODER = "client 127.0.0.2:"
TOO_MANY = "too many connections from there"


class Held:
    """A connection from an address of the loopback network."""

    def __init__(self, inst, source):
        self.sock = socket.create_connection(
            ("127.0.0.1", inst.ports["smtp"]), 60, (source, 0))
        self.file = self.sock.makefile("rb")

    def line(self):
        return self.file.readline().decode()

    def close(self):
        self.file.close()
        self.sock.close()

    def is_silent(self):
        return not select.select([self.sock], [], [], 0)[0]


@pytest.fixture(scope="module")
def small():
    d = rohrpost.scratch("shares")
    inst = Instance(d, smtp_workers=4, smtp_per_address=2)
    try:
        with inst:
            yield inst
    finally:
        inst.stop()
        rohrpost.remove(d)


def test_silent_clients_do_not_close_the_port(small):
    """Two addresses have every connection that they may have, and all there
    are: another is served while both hold theirs, who wants more hears it."""
    held = [Held(small, "127.0.0.%d" % (2 + i // 2)) for i in range(4)]
    for h in held:
        assert h.line().startswith("220 ")
    for source in "127.0.0.2", "127.0.0.3":
        with contextlib.closing(Held(small, source)) as more:
            assert more.line().startswith("421 4.7.0 ")
    third = Held(small, "127.0.0.4")
    assert third.line().startswith("220 ")
    assert all(h.is_silent() for h in held)
    # Now there is no place at all: who was silent for longest goes first.
    with contextlib.closing(Held(small, "127.0.0.5")) as fourth:
        assert fourth.line().startswith("220 ")
        assert held[0].line().startswith("421 4.3.2 ")
    for h in [*held, third]:
        h.close()


HOLDER = textwrap.dedent("""
    import socket, sys
    held, words = [], []
    for i in range(int(sys.argv[2])):
        s = socket.socket(socket.AF_UNIX)
        s.connect(sys.argv[1])
        words.append(s.makefile("rb").readline().decode().split()[0])
        held.append(s)
    print(" ".join(words), flush=True)
    sys.stdin.read()
""")


def as_nobody(args, **kw):
    return subprocess.Popen(args, user=NOBODY, group=NOBODY, extra_groups=[],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, cwd="/", **kw)


def hold_as_nobody(inst, n):
    return as_nobody([sys.executable, "-c", HOLDER,
                      str(inst.state / "run/submit"), str(n)])


def test_a_user_does_not_close_the_local_socket(small):
    turned_away = small.log().count(TOO_MANY)
    holder = hold_as_nobody(small, 25)
    try:
        words = holder.stdout.readline().decode().split()
        assert words == ["220"] * 10 + ["421"] * 15
        # Another user's mail goes while all of them are held,
        letter = b"Subject: other\n\nx\n"
        p = subprocess.run([str(SENDMAIL), "-C", str(small.conf),
                            "anna@example.test"], input=letter, timeout=60)
        assert p.returncode == 0
        # the same user's own when one is free.
        own = as_nobody([str(SENDMAIL), "-C", str(small.conf),
                         "anna@example.test"])
        own.stdin.write(letter.replace(b"other", b"own"))
        own.stdin.close()
        wait_for(lambda: small.log().count(TOO_MANY) > turned_away + 15)
        assert own.poll() is None
    finally:
        holder.stdin.close()
        holder.wait()
    assert own.wait(60) == 0, own.stderr.read()
    subjects = lambda: sorted(
        m.split(b"Subject: ")[1].split(b"\r\n")[0]
        for m in small.messages().values())
    wait_for(lambda: subjects() == [b"other", b"own"])


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(str(path))
    return s


def to_the_end(s):
    try:
        while s.recv(65536):
            pass
    except (ConnectionResetError, BrokenPipeError):
        pass


def pass_descriptors(s):
    with open("/dev/null", "rb") as f:
        fds = array.array("i", [f.fileno()] * 3)
        s.sendmsg([b"NOOP\r\n"],
                  [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])


def flood(inst, name):
    if name == "submit":
        holder = hold_as_nobody(inst, 1000)
        words = holder.stdout.readline().decode().split()
        assert len(words) == 1000 and words.count("220") <= 10
        holder.stdin.close()
        holder.wait()
        return
    held = [connect(inst.state / "run" / name) for _ in range(1000)]
    for s in held:
        s.close()


JUNK = {
    "random": lambda s, n: s.sendall(random.Random(n).randbytes(20000)),
    "length": lambda s, n: s.sendall(b"\xff" * 8 + bytes(4000)),
    "half": lambda s, n: s.sendall(b"\x20\0\0\0\1\0"),
    "descriptor": lambda s, n: pass_descriptors(s),
    "thousand": None,
}


@pytest.mark.parametrize("name", ["submit", "master.ctl", "queue.ctl",
                                  "store.ctl"])
@pytest.mark.parametrize("what", JUNK)
def test_j5_a_bad_client_ends_alone(small, name, what):
    """Only that connection ends: the same processes serve the next client."""
    path = small.state / "run" / name
    before = {k: set(v) for k, v in small.processes().items()}
    beside = connect(path)
    if what == "thousand":
        flood(small, name)
    else:
        for n in range(10):
            with connect(path) as s:
                try:
                    JUNK[what](s, n)
                    s.shutdown(socket.SHUT_WR)
                except (ConnectionResetError, BrokenPipeError):
                    pass
                to_the_end(s)
    beside.close()
    p = subprocess.run([str(SENDMAIL), "-C", str(small.conf),
                        "bert@example.test"], input=b"Subject: j5\n\nx\n",
                       timeout=60)
    assert p.returncode == 0
    small.ctl("status")
    small.ctl("queue", "list")
    small.ctl("store", "check", "anna@example.test")
    after = small.processes()
    for program in ("master", "queue", "store", "auth", "logger"):
        assert set(after[program]) == before[program], program
    assert "died by signal" not in small.log()


@pytest.mark.parametrize("name", ["master.ctl", "queue.ctl", "store.ctl"])
def test_j5_the_operators_sockets_are_roots(small, name):
    p = as_nobody([sys.executable, "-c",
                   "import socket, sys\n"
                   "socket.socket(socket.AF_UNIX).connect(sys.argv[1])",
                   str(small.state / "run" / name)])
    assert b"PermissionError" in p.communicate()[1]


def test_one_address_does_not_flood_the_log():
    """What it has to say is counted, and the others are all there."""
    d = rohrpost.scratch("flood")
    inst = Instance(d, smtp_errors=1000)
    try:
        with inst:
            with inst.smtp() as s:
                s.sendmail("eve@remote.test", ["anna@example.test"],
                           rohrpost.message("before"))
            # Of a pipe that is full lines are lost before logger sees them:
            # go on until there were enough.
            def flood():
                flood_from(inst, "127.0.0.2", 500)
                return " lines about 127.0.0.2 were left out" in inst.log()
            wait_for(flood, 40, step=0.1)
            assert inst.log().count(FLOODER) < 3000

            def other():
                flood_from(inst, "127.0.0.3", 1)
                return "<other@example.test> refused" in inst.log()
            wait_for(other, step=0.2)
            assert "t-before" in str(inst.json("trace", "eve@remote.test"))
    finally:
        inst.stop()
        rohrpost.remove(d)


def flood_from(inst, source, n):
    name = b"nobody" if n > 1 else b"other"
    with contextlib.closing(Held(inst, source)) as h:
        h.line()
        h.sock.sendall(b"HELO x\r\nMAIL FROM:<eve@remote.test>\r\n" +
                       b"RCPT TO:<%s@example.test>\r\n" % name * n)
        for i in range(n + 2):
            assert h.line()[:3] == ("250" if i < 2 else "550")
