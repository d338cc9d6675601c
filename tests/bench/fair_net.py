"""The world around an instance of `fair`: hosts that are silent, slow or
dead behind a name server of their own, and clients."""
import contextlib
import pathlib
import socket
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "suite"))
import rohrpost  # noqa: E402
from test_mx import Nsd  # noqa: E402

# name of the host -> its address; one port for all
HOSTS = {"good": "127.0.0.10", "slow": "127.0.0.11", "dead": "127.0.0.12",
         "silent1": "127.0.0.13", "silent2": "127.0.0.14",
         "no": "127.0.0.15"}
ZONE = "$ORIGIN far.test.\n$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n" \
    "@ NS ns\nns A 127.0.0.1\n" + "".join(
        "%s MX 10 h-%s\nh-%s A %s\n" % (n, n, n, a) for n, a in HOSTS.items())


class Host:
    """A receiver; mode: good, slow (answers the dot after 30 s), silent (says
    nothing at all) or no (refuses each recipient)."""

    def __init__(self, address, port, mode):
        self.mode, self.got = mode, []
        self.s = socket.create_server((address, port), backlog=500)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                c = self.s.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.talk, args=(c,), daemon=True).start()

    def talk(self, c):
        with contextlib.suppress(OSError), c:
            if self.mode == "silent":
                while c.recv(4096):
                    pass
                return
            c.sendall(b"220 h ESMTP\r\n")
            f = c.makefile("rb")
            for line in f:
                if not self.answer(c, f, line[:4].upper()):
                    return

    def answer(self, c, f, verb):
        if verb == b"DATA":
            c.sendall(b"354 go\r\n")
            for line in f:
                if line == b".\r\n":
                    break
            if self.mode == "slow":
                time.sleep(30)
            self.got.append(time.monotonic())
        elif verb == b"RCPT" and self.mode == "no":
            c.sendall(b"550 no\r\n")
            return True
        c.sendall(b"250 ok\r\n" if verb != b"QUIT" else b"221 bye\r\n")
        return verb != b"QUIT"

    def close(self):
        self.s.close()


@contextlib.contextmanager
def world(name, users=("anna", "bert"), **keys):
    """An instance, and its hosts by name."""
    d = rohrpost.scratch("fair-" + name)
    port = rohrpost.free_port()
    hosts = {n: Host(a, port, n.rstrip("12")) for n, a in HOSTS.items()
             if n != "dead"}
    try:
        with Nsd(d + "/nsd", ZONE) as nsd:
            inst = rohrpost.Instance(
                d + "/i", users=users, resolver="127.0.0.1@%d" % nsd.port,
                relay_mx_port=str(port), relay_allow_loopback="yes", **keys)
            with inst:
                yield inst, hosts
    finally:
        for h in hosts.values():
            h.close()
        rohrpost.remove(d)


def queue_many(inst, to, n, sender="anna@example.test", connections=8):
    """n messages by submission, pipelined; messages each second."""
    text = b"Subject: many\r\n\r\nx\r\n.\r\n"
    start, wrong = time.monotonic(), []

    def run(k):
        with inst.submission() as s:
            f = s.sock
            for i in range(k, n, connections):
                f.sendall(b"MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n" % (
                    sender.encode(), to.encode()))
                if not [s.getreply()[0] for _ in range(3)] == [250, 250, 354]:
                    wrong.append(i)
                    return
                f.sendall(text)
                if s.getreply()[0] != 250:
                    wrong.append(i)
                    return
    threads = [threading.Thread(target=run, args=(k,))
               for k in range(connections)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if wrong:
        raise AssertionError("refused: %s\n%s" % (wrong[:3], inst.said()))
    return n / (time.monotonic() - start)


class Probe:
    """Does something again and again beside what is measured; how long each
    took."""

    def __init__(self, fn, pause=0.05):
        self.fn, self.pause, self.took, self.stop = fn, pause, [], False
        self.error = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            while not self.stop:
                start = time.monotonic()
                self.fn()
                self.took.append(time.monotonic() - start)
                time.sleep(self.pause)
        except Exception as e:
            self.error = e

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stop = True
        self.thread.join(120)

    def median(self):
        return sorted(self.took)[len(self.took) // 2] if self.took else None

    def worst(self):
        return max(self.took) if self.took else None


def smtp_probe(inst, to="anna@example.test"):
    """One message over a connection that stays."""
    s = inst.smtp()
    text = rohrpost.message("probe", 1000)

    def once():
        if s.sendmail("eve@remote.test", [to], text):
            raise AssertionError("refused")
    return Probe(once)


def cpu(pids):
    """Seconds of processor time of these processes."""
    out = 0
    for pid in pids:
        f = pathlib.Path("/proc/%d/stat" % pid).read_text()
        words = f.rsplit(")", 1)[1].split()
        out += (int(words[11]) + int(words[12])) / 100
    return out


def memory(pids):
    """Resident megabytes."""
    out = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = pathlib.Path("/proc/%d/status" % pid).read_text()
            out += int(text.split("VmRSS:")[1].split()[0]) / 1024
    return out


def fill(m, box, n, text=b"Subject: x\r\n\r\nx\r\n"):
    """A mailbox of n messages: appended once, then copied onto itself."""
    m.create(box)
    m.append(box, "", None, text)
    while (have := int(m.select(box)[1][0])) < n:
        k = min(have, n - have)
        if m.copy("1:%d" % k, box)[0] != "OK":
            raise AssertionError("COPY of %d" % k)
