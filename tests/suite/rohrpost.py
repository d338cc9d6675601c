"""A throw-away instance of the suite, and clients for it.

The programs under test are the installed ones; ROHRPOST_PREFIX names the
prefix. Ports are free ones of the loopback address, so that any number of
instances live side by side.
"""
import contextlib
import hashlib
import imaplib
import json
import os
import pathlib
import poplib
import pwd
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time

import programs

# What the commands say is looked at in English, whoever runs the tests.
os.environ.update(LC_ALL="C.UTF-8")
os.environ.pop("LANGUAGE", None)

PREFIX = pathlib.Path(os.environ.get("ROHRPOST_PREFIX", "/usr/local"))
LIBEXEC = PREFIX / "libexec" / "rohrpost"
ROHRPOST = PREFIX / "sbin" / "rohrpost"
SENDMAIL = PREFIX / "sbin" / "sendmail"
SERVICES = ("smtp", "submission", "submissions", "imap", "imaps", "pop3",
            "pop3s")
PROGRAMS = ("master", *programs.NAMES)
PASSWORD = "correct horse 9"

_ports = iter(())


def _port_range():
    """Ports below the kernel's own range, so that no outgoing connection of
    a neighbour takes one between our look and the bind."""
    low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
              .read_text().split()[0])
    first = 10000 + (os.getpid() * 131) % max(1, low - 14000)
    for i in range(low - 10100):
        yield 10000 + (first - 10000 + i) % (low - 10100)


def refused(port):
    """Nobody listens there; False while it is being closed. A dying process
    loses its name before its sockets, so that this is to be waited for."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass
    return False


def free_port():
    global _ports
    for attempt in range(2):
        for port in _ports:
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port
        _ports = _port_range()
    raise RuntimeError("no free port")


def tls_context():
    """Clients of a self-signed trial do not verify."""
    ctx = ssl.create_default_context()
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    return ctx


def wait_for(what, seconds=20.0, step=0.02, text="condition"):
    """Polls until what() is true; the bound is a safety net, not a
    measure."""
    end = time.monotonic() + seconds
    while True:
        r = what()
        if r:
            return r
        if time.monotonic() > end:
            raise AssertionError("not within %gs: %s" % (seconds, text))
        time.sleep(step)


class Instance:
    """One instance: its directory, its ports, its users."""

    all = []  # for programs that end by an error
    host = "127.0.0.1"  # where it listens

    def __init__(self, directory, domain="example.test",
                 users=("anna", "bert"), state=None, profile="direct",
                 prefix=PREFIX, ports=None, **keys):
        self.dir = pathlib.Path(directory)
        self.conf = self.dir / "conf"
        self.state = pathlib.Path(state) if state else self.dir / "state"
        self.domain = domain
        self.prefix = pathlib.Path(prefix)
        self.ports = dict(ports or {s: free_port() for s in SERVICES})
        self.keys = dict(keys)
        self.users = list(users)
        self.profile = profile
        self.master = None
        Instance.all.append(self)

    # -- life ---------------------------------------------------------------

    def answers(self):
        lines = ["hostname = mail.%s" % self.domain,
                 "domain = %s" % self.domain,
                 "profile = %s" % self.profile,
                 "postmaster = %s@%s" % (self.users[0], self.domain),
                 "certificate = self-signed",
                 "state_dir = %s" % self.state]
        lines += ["user = %s@%s %s" % (u, self.domain, PASSWORD)
                  for u in self.users]
        # Keys of RSA take a while; test_dkim.py makes them. A tree from before
        # there was a signer, as in a comparison, does not know the answer.
        if (self.prefix / "libexec/rohrpost/signer").exists():
            lines.append("dkim = no")
        lines += self.listeners()
        lines += ["%s = %s" % kv for kv in self.keys.items()]
        return "\n".join(lines) + "\n"

    def listeners(self):
        """The lines of listen_*; where there are none the ports are those
        of default."""
        return ["listen_%s = %s:%d" % (s, self.host, p)
                for s, p in self.ports.items()]

    def setup(self):
        self.dir.mkdir(parents=True, exist_ok=True)
        f = self.dir / "answers"
        f.write_text(self.answers())
        self.ctl("setup", "--answers", str(f))
        return self

    def command(self, *args, **kw):
        env = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
        env.update(kw.pop("env", {}))
        return subprocess.run(
            [str(self.prefix / "sbin" / "rohrpost"), "-c", str(self.conf),
             *args], stdin=kw.pop("stdin", subprocess.DEVNULL),
            capture_output=True, text=True, errors="replace",
            timeout=kw.pop("timeout", 120), env=env, **kw)

    def ctl(self, *args, **kw):
        p = self.command(*args, **kw)
        if p.returncode != 0:
            raise AssertionError("rohrpost %s: exit %d\n%s%s" % (
                " ".join(args), p.returncode, p.stdout, p.stderr))
        return p.stdout

    def json(self, *args):
        return json.loads(self.ctl(*args, "--json"))

    def start(self):
        """Master in the foreground, as an init system would hold it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind("")  # an abstract name of the kernel's choice
            name = "@" + told.getsockname()[1:].decode()
            self.master = subprocess.Popen(
                [str(self.prefix / "sbin" / "rohrpost"), "-c", str(self.conf),
                 "start", "--foreground"], stdin=subprocess.DEVNULL,
                stdout=open(self.dir / "start.out", "ab"),
                stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "NOTIFY_SOCKET": name})
            self.wait_notified(told)
        self.wait_ready()
        return self

    def wait_notified(self, told):
        told.settimeout(0.1)

        def ready():
            if self.master.poll() is not None:
                raise AssertionError("master ended: " + self.said())
            with contextlib.suppress(TimeoutError):
                return told.recv(200) == b"READY=1"
        wait_for(ready, 60, text="master is ready\n" + self.said())

    def wait_ready(self):
        def ready():
            if self.master is not None and self.master.poll() is not None:
                raise AssertionError("master ended: " + self.said())
            try:
                self.banner("smtp")
                self.banner("imaps", tls=True)
                return True
            except (OSError, ssl.SSLError):
                return False
        wait_for(ready, 30, text="the instance answers\n" + self.said())

    def said(self):
        out = ""
        for f in (self.dir / "start.out", self.log_path):
            with contextlib.suppress(OSError):
                out += "".join(f.read_text(errors="replace")
                               .splitlines(True)[-40:])
        return out

    @property
    def log_path(self):
        return self.state / "log" / "rohrpost.log"

    def log(self):
        try:
            return self.log_path.read_text(errors="replace")
        except OSError:
            return ""

    def stop(self):
        if self.master is None:
            return 0
        if self.master.poll() is None:
            self.master.send_signal(signal.SIGTERM)
        try:
            r = self.master.wait(40)
        finally:
            self.kill_all()
        self.master = None
        return r

    def kill_all(self):
        """master first, which starts anew who dies; until there is none, for
        it may just have started one."""
        def gone():
            left = self.processes()
            for name in sorted(left, key=lambda n: n != "master"):
                for pid in left[name]:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
            return not left
        wait_for(gone, 20, text="the processes are gone")

    def processes(self):
        """Program name -> pids, of this instance alone."""
        out = {}
        conf = str(self.conf).encode()
        for d in pathlib.Path("/proc").iterdir():
            if not d.name.isdigit():
                continue
            try:
                argv = (d / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            name = os.path.basename(argv[0]).decode(errors="replace")
            if name in PROGRAMS and conf in argv:
                out.setdefault(name, []).append(int(d.name))
        return out

    def __enter__(self):
        return self.setup().start()

    def __exit__(self, *exc):
        self.stop()

    # -- clients ------------------------------------------------------------

    def banner(self, service, tls=False):
        with socket.create_connection((self.host, self.ports[service]), 5) as s:
            if tls:
                s = tls_context().wrap_socket(s)
            data = s.recv(1000)
            if not data:
                raise OSError("closed")
            return data

    def address(self, user):
        return user if "@" in user else "%s@%s" % (user, self.domain)

    def smtp(self, timeout=60):
        return smtplib.SMTP(self.host, self.ports["smtp"],
                            local_hostname="client.test", timeout=timeout)

    def submission(self, user="anna", timeout=60):
        s = smtplib.SMTP(self.host, self.ports["submission"],
                         local_hostname="client.test", timeout=timeout)
        s.starttls(context=tls_context())
        s.login(self.address(user), PASSWORD)
        return s

    def imap(self, user="anna", timeout=60):
        m = imaplib.IMAP4_SSL(self.host, self.ports["imaps"],
                              ssl_context=tls_context(), timeout=timeout)
        m.login(self.address(user), PASSWORD)
        return m

    def pop3(self, user="anna", timeout=60):
        p = poplib.POP3_SSL(self.host, self.ports["pop3s"],
                            context=tls_context(), timeout=timeout)
        p.user(self.address(user))
        p.pass_(PASSWORD)
        return p

    def sendmail(self, text, *to):
        """Its exit status."""
        return subprocess.run(
            [str(self.prefix / "sbin" / "sendmail"), "-C", str(self.conf),
             "-i", *to], input=text, capture_output=True,
            timeout=60).returncode

    def raw(self, service="smtp", timeout=30):
        return Raw(self.ports[service], timeout)

    def messages(self, user="anna", mailbox="INBOX"):
        """uid -> octets of every message of a mailbox."""
        m = self.imap(user)
        try:
            typ, data = m.select(mailbox, readonly=True)
            assert typ == "OK", data
            out = {}
            if int(data[0]) == 0:
                return out
            typ, data = m.uid("FETCH", "1:*", "(BODY.PEEK[])")
            assert typ == "OK", data
            # UID may stand before the literal or behind it
            for item, rest in zip(data, data[1:]):
                if isinstance(item, tuple):
                    words = item[0] + b" " + (
                        rest if isinstance(rest, bytes) else b"")
                    uid = int(re.search(rb"UID (\d+)", words).group(1))
                    out[uid] = item[1]
            return out
        finally:
            m.logout()

    def count(self, user="anna", mailbox="INBOX"):
        m = self.imap(user)
        try:
            typ, data = m.status(mailbox, "(MESSAGES)")
            assert typ == "OK", data
            return int(data[0].rsplit(b"MESSAGES ", 1)[1].rstrip(b")"))
        finally:
            m.logout()

    def wait_count(self, n, user="anna", mailbox="INBOX", seconds=20):
        wait_for(lambda: self.count(user, mailbox) >= n, seconds,
                 text="%d messages of %s\n%s" % (n, user, self.said()))

    def wait_empty(self, seconds=30):
        wait_for(lambda: self.json("queue", "list") == [], seconds, 0.1,
                 text="an empty queue: %s" % self.said())


class Raw:
    """Octets to a port and back, for what no client library would send."""

    def __init__(self, port, timeout=30):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        self.buf = b""

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        while b"\n" not in self.buf:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.buf += data
        line, self.buf = self.buf.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def reply(self):
        """One SMTP reply as text, lines joined; None at the end."""
        lines = []
        while True:
            line = self.line()
            if line is None:
                return None
            lines.append(line)
            if len(line) < 4 or line[3] != "-":
                return "\n".join(lines)

    def cmd(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    def starttls(self):
        self.sock = tls_context().wrap_socket(self.sock)
        self.buf = b""

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def body_of(stored):
    """What the client sent, of a stored message: without the trace fields
    that this host put in front."""
    rest = stored
    while True:
        head = rest.split(b":", 1)[0].lower()
        if head not in (b"return-path", b"delivered-to", b"received"):
            return rest
        end = rest.index(b"\r\n") + 2
        while rest[end:end + 1] in (b" ", b"\t"):
            end = rest.index(b"\r\n", end) + 2
        rest = rest[end:]
        if head == b"received":
            return rest


def message(n, size=1000, sender="eve@remote.test", to="anna@example.test",
            mark="t"):
    """A message of about size octets whose subject names it and whose last
    line is a checksum of the rest."""
    head = ("From: <%s>\r\nTo: <%s>\r\nSubject: %s-%s\r\n"
            "Message-ID: <%s-%s@remote.test>\r\n"
            "Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\n"
            % (sender, to, mark, n, mark, n)).encode()
    line = b"%-60s of %s\r\n" % (b"All work and no play", str(n).encode())
    text = head + line * max(1, (size - len(head)) // len(line))
    return text + hashlib.sha256(text).hexdigest().encode() + b"\r\n"


def message_whole(text):
    body, last = text[:-66], text[-66:]
    return hashlib.sha256(body).hexdigest().encode() + b"\r\n" == last


def scratch(name):
    """A directory that an unprivileged run can use too."""
    d = tempfile.mkdtemp(prefix="rohrpost-%s-" % name,
                         dir=os.environ.get("ROHRPOST_SCRATCH", "/tmp"))
    os.chmod(d, 0o755)
    return d


def remove(directory):
    shutil.rmtree(directory, ignore_errors=True)


def whoami():
    return pwd.getpwuid(os.geteuid()).pw_name
