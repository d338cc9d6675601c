"""A small Internet of network namespaces: a provider (Dovecot, Postfix), a
stranger (Postfix), who answers DNS (nsd), a router that hides who is behind it
(nftables), and the box behind it, which has a private address. Needs root.

            net 203.0.113.1 (routes; 53: the zone of test., asked recorded)
           /   |   \\
    provider stranger router (203.0.113.99; masquerade, port forwards)
       .10     .7       \\
                        home 192.168.178.20

A namespace has no name: it goes with the last process and descriptor in it.
"""
import contextlib
import ctypes
import os
import pathlib
import select
import smtplib
import socket
import ssl
import struct
import subprocess
import threading

import nameserver
import oldserver
import postfix
import rohrpost
from rohrpost import wait_for

CLONE_NEWNET = 0x40000000
NET, PROVIDER, STRANGER, OUTER = ("203.0.113.%d" % n for n in (1, 10, 7, 99))
LAN, HOME = "192.168.178.1", "192.168.178.20"
NSD_PORT = 5300
TXT = 16
libc = ctypes.CDLL(None, use_errno=True)


def checked(r):
    if r == -1:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))


class Space:
    """Within "with" this thread, and what it starts, is in the namespace."""

    def __init__(self):
        self.here = threading.local()
        with open("/proc/thread-self/ns/net") as outside:
            checked(libc.unshare(CLONE_NEWNET))
            self.fd = os.open("/proc/thread-self/ns/net",
                              os.O_RDONLY | os.O_CLOEXEC)
            checked(libc.setns(outside.fileno(), CLONE_NEWNET))
        self.run("ip", "link", "set", "lo", "up")

    def __enter__(self):
        fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        checked(libc.setns(self.fd, CLONE_NEWNET))
        self.here.__dict__.setdefault("before", []).append(fd)
        return self

    def __exit__(self, *exc):
        fd = self.here.before.pop()
        checked(libc.setns(fd, CLONE_NEWNET))
        os.close(fd)

    def run(self, *args, fds=(), text=None):
        with self:
            p = subprocess.run([str(a) for a in args], input=text, text=True,
                               capture_output=True, pass_fds=fds)
        if p.returncode != 0:
            raise OSError("%s: %s" % (" ".join(map(str, args)), p.stderr))

    def routes(self):
        with self:
            pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def join(self, name, other, its):
        """A cable: here its end is name, there its."""
        self.run("ip", "link", "add", "name", name, "type", "veth", "peer",
                 "name", its, "netns", "/proc/self/fd/%d" % other.fd,
                 fds=(other.fd,))
        self.run("ip", "link", "set", name, "up")
        other.run("ip", "link", "set", its, "up")

    def close(self):
        os.close(self.fd)


RULES = """\
table ip home {
 chain leaves {
  type nat hook postrouting priority srcnat;
  oifname "outer" masquerade;
 }
 chain comes {
  type nat hook prerouting priority dstnat;
 }
 chain between {
  type filter hook forward priority filter; policy drop;
  ct state established,related accept;
  iifname "lan" accept;
  ct status dnat accept;
 }
}
"""


class Spaces:
    """The namespaces, wired; OSError where the kernel has none of it."""

    def __init__(self):
        with contextlib.ExitStack() as made:
            def space():
                s = Space()
                made.callback(s.close)
                return s
            self.net, self.provider, self.stranger, self.router, self.home = (
                space() for _ in range(5))
            self.net.routes()
            self.net.run("ip", "addr", "add", NET + "/32", "dev", "lo")
            self.reach("provider", self.provider, "eth", PROVIDER)
            self.reach("stranger", self.stranger, "eth", STRANGER)
            self.reach("router", self.router, "outer", OUTER)
            # Whoever sits beside the router's outer side can send it this.
            self.net.run("ip", "route", "add", HOME, "via", OUTER,
                         "dev", "router")
            self.router.routes()
            self.router.join("lan", self.home, "eth")
            self.router.run("ip", "addr", "add", LAN + "/24", "dev", "lan")
            self.home.run("ip", "addr", "add", HOME + "/24", "dev", "eth")
            self.home.run("ip", "route", "add", "default", "via", LAN)
            self.router.run("nft", "-f", "-", text=RULES)
            self.close = made.pop_all().close

    def reach(self, name, space, its, address):
        self.net.join(name, space, its)
        space.run("ip", "addr", "add", address + "/32", "dev", its)
        space.run("ip", "route", "add", "default", "via", NET, "dev", its,
                  "onlink")
        self.net.run("ip", "route", "add", address, "dev", name)

    def forward(self, *ports):
        """These of the router's outer side lead to the box, and no others."""
        self.router.run("nft", "flush", "chain", "ip", "home", "comes")
        if ports:
            self.router.run(
                "nft", "add", "rule", "ip", "home", "comes", "iifname",
                "outer", "tcp", "dport", "{%s}" % ",".join(map(str, ports)),
                "dnat", "to", HOME)


class Authority:
    """Certificates."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir()
        self.file = self.dir / "ca.pem"
        self.openssl("ca", "-subj", "/CN=authority of the test", "-addext",
                     "basicConstraints=critical,CA:TRUE")

    def openssl(self, name, *args):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
             "%s/%s.key" % (self.dir, name), "-out",
             "%s/%s.pem" % (self.dir, name), *args],
            check=True, capture_output=True)

    def put(self, directory, host):
        """cert.pem and key.pem of the host."""
        self.openssl(host, "-CA", str(self.file), "-CAkey",
                     str(self.dir / "ca.key"), "-subj", "/CN=" + host,
                     "-addext", "subjectAltName=DNS:" + host, "-addext",
                     "basicConstraints=critical,CA:FALSE")
        for kind, name in ("pem", "cert.pem"), ("key", "key.pem"):
            (pathlib.Path(directory) / name).write_bytes(
                (self.dir / ("%s.%s" % (host, kind))).read_bytes())


class Postfix(postfix.Postfix):
    """On the ports of mail, with the test's DNS in the place of the
    system's."""

    def __init__(self, directory, space, host, ca, main):
        self.space = space
        super().__init__(directory)
        ca.put(self.dir, host)
        lines = postfix.MASTER.replace("127.0.0.1:", "")
        (self.conf / "master.cf").write_text(
            lines.format(port=25, tls=465) + "587 inet n - n - - smtpd\n")
        f = self.conf / "main.cf"
        keys = dict({"myhostname": host, "mynetworks": "",
                     "inet_interfaces": "all", "smtpd_peername_lookup": "no",
                     "smtp_tls_security_level": "may",
                     "smtpd_relay_restrictions": "permit_sasl_authenticated, "
                     "reject_unauth_destination"}, **main)
        kept = [line for line in f.read_text().splitlines()
                if line.split(" =")[0] not in keys]
        f.write_text("\n".join(kept + ["%s = %s" % kv
                                       for kv in keys.items()]) + "\n")
        (self.dir / "resolv.conf").write_text("nameserver %s\n" % NET)

    def run(self, verb):
        with self.space:
            p = subprocess.run(
                ["unshare", "--mount", "sh", "-c",
                 'mount --bind "$0" /etc/resolv.conf && '
                 'exec postfix -c "$1" "$2"',
                 str(self.dir / "resolv.conf"), str(self.conf), verb],
                capture_output=True, text=True)
        assert p.returncode == 0, p.stderr + self.log()

    def change(self, **keys):
        for kv in keys.items():
            subprocess.run(["postconf", "-c", str(self.conf), "-e",
                            "%s=%s" % kv], check=True)
        before = self.children()
        assert before
        self.run("reload")
        # One that still waits for a session has read it as it was.
        wait_for(lambda: not before & self.children(), 60,
                 text="Postfix has read it")

    def children(self):
        """The processes of its master."""
        pid = int((self.dir / "spool/pid/master.pid").read_text())
        task = pathlib.Path("/proc/%d/task/%d/children" % (pid, pid))
        return set(task.read_text().split())


class Dovecot(oldserver.Dovecot):
    listen = PROVIDER

    def __init__(self, ca, host, users):
        self.ca, self.host = ca, host
        super().__init__(users)

    def chosen_ports(self):
        return {"imap": 143, "imaps": 993}

    def certify(self):
        self.ca.put(self.dir, self.host)


class Names:
    """nsd with one zone, and in front of it who writes down who asked what:
    (address, name, type)."""

    def __init__(self, directory, space, zone):
        self.dir, self.space, self.asked = pathlib.Path(directory), space, []
        self.dir.mkdir()
        (self.dir / "zone").write_text(zone)
        (self.dir / "nsd.conf").write_text("""
server:
  ip-address: {net}@{port}
  username: ""
  zonesdir: "{dir}"
  database: ""
  pidfile: "{dir}/nsd.pid"
  xfrdfile: "{dir}/xfrd.state"
  xfrdir: "{dir}"
  zonelistfile: "{dir}/zone.list"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: test
  zonefile: zone
""".format(net=NET, port=NSD_PORT, dir=self.dir))

    def __enter__(self):
        with self.space:
            self.p = subprocess.Popen(
                ["/usr/sbin/nsd", "-d", "-c", str(self.dir / "nsd.conf")],
                stdout=subprocess.DEVNULL,
                stderr=open(self.dir / "err", "wb"))
            self.server = Recorder(self)
        wait_for(lambda: self.txt("there.test"), 60, text="nsd answers\n" +
                 (self.dir / "err").read_text())
        self.asked.clear()
        return self

    def __exit__(self, *exc):
        self.server.close()
        self.p.terminate()
        self.p.wait(30)

    def pass_on(self, q):
        with self.space, socket.socket(socket.AF_INET,
                                       socket.SOCK_DGRAM) as s:
            s.settimeout(2)
            try:
                s.sendto(q, (NET, NSD_PORT))
                return [s.recv(4096)]
            except OSError:  # it begins, or is behind
                return []

    def txt(self, name, timeout=None):
        """As python3-dkim asks."""
        if isinstance(name, bytes):
            name = name.decode()
        q = struct.pack(">HHHHHH", 7, 0, 1, 0, 0, 0) + nameserver.wire(
            name) + struct.pack(">HH", TXT, 1)
        q = q[:10] + b"\0\1" + q[12:] + b"\0" + struct.pack(
            ">HHIH", nameserver.OPT, 4000, 0, 0)
        for a in self.pass_on(q):
            n = struct.unpack(">H", a[6:8])[0]
            if n == 0:
                return None
            at = 12 + len(nameserver.wire(name)) + 4
            # The name of the answer is a pointer to the question's.
            size = struct.unpack(">H", a[at + 10:at + 12])[0]
            data, out = a[at + 12:at + 12 + size], b""
            while data:
                out += data[1:1 + data[0]]
                data = data[1 + data[0]:]
            return out
        return None

    def of(self, address, kind):
        """The names that were asked for."""
        return [n for a, n, k in self.asked if (a, k) == (address, kind)]


class Recorder(nameserver.Server):
    def __init__(self, names):
        self.names = names
        super().__init__(names.pass_on, (NET, 53))

    def say(self, q, who):
        self.names.asked.append((who[0], *nameserver.question(q)))
        super().say(q, who)


class Box(rohrpost.Instance):
    """With the ports that are those of default; behind the router."""

    def __init__(self, directory, space, domain, profile, host=HOME, **keys):
        self.space, self.host = space, host
        super().__init__(
            directory, domain=domain, profile=profile, resolver=NET,
            users=("anna",), ports={"smtp": 25, "submission": 587,
                                    "submissions": 465, "imaps": 993},
            **keys)

    def answers(self):
        return super().answers().replace("dkim = no", "dkim = yes")

    def listeners(self):
        return []

    def command(self, *args, **kw):
        with self.space:
            return super().command(*args, **kw)

    def start(self):
        with self.space:
            return super().start()

    def __enter__(self):
        """It is set up already."""
        return self.start()

    def wait_ready(self):
        def ready():
            assert self.master.poll() is None, self.said()
            try:
                return self.banner("imaps", tls=True)
            except (OSError, ssl.SSLError):
                return False
        wait_for(ready, 60, text="the box answers\n" + self.said())

    def imap(self, user="anna", timeout=60):
        with self.space:
            return super().imap(user, timeout)

    def listens(self):
        """TCP ports of any address but loopback."""
        with self.space:
            out = subprocess.run(["ss", "-Hltn"], capture_output=True,
                                 text=True, check=True).stdout
        where = [line.split()[3].rsplit(":", 1) for line in out.splitlines()]
        return sorted({int(p) for a, p in where
                       if not a.startswith(("127.", "[::1]"))})


def client(space, address, port, implicit=False):
    """An SMTP client that speaks from there."""
    with space:
        if implicit:
            return smtplib.SMTP_SSL(address, port, "client.test", timeout=60,
                                    context=rohrpost.tls_context())
        return smtplib.SMTP(address, port, "client.test", timeout=60)


def scan(space, address, ports, seconds=2):
    """Those that answer. Who is silent is waited for once for all of a
    batch."""
    ports, found = list(ports), []
    for i in range(0, len(ports), 500):
        with space, contextlib.ExitStack() as opened:
            waiting, poll = {}, select.poll()
            for p in ports[i:i + 500]:
                s = opened.enter_context(socket.socket())
                s.setblocking(False)
                s.connect_ex((address, p))
                waiting[s.fileno()] = s, p
                poll.register(s, select.POLLOUT)
            while waiting and (ready := poll.poll(seconds * 1000)):
                for fd, _ in ready:
                    s, p = waiting.pop(fd)
                    poll.unregister(fd)
                    if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                        found.append(p)
    return sorted(found)
