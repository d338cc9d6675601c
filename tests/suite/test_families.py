"""Hosts that have IPv6 alone, IPv4 alone, both, or a kernel without IPv6: each
in a network of its own, on the default ports."""
import contextlib
import ctypes
import os
import pathlib
import re
import socket
import socketserver
import subprocess
import threading

import pytest

import rohrpost
from nameserver import Server, Zone
from rohrpost import message, wait_for

pytestmark = pytest.mark.root
NEWNET = 0x40000000
V4, V6 = "192.0.2.25", "2001:db8::25"
PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "imap": 143,
         "imaps": 993, "pop3": 110, "pop3s": 995}
ZONE = Zone({
    "mixed.test MX": ["10 mixed.test"],
    "mixed.test A": [V4], "mixed.test AAAA": [V6],
    "four.test MX": ["10 four.test"], "four.test A": [V4],
    "six.test MX": ["10 six.test"], "six.test AAAA": [V6],
    # More hosts that only the other family reaches than are tried.
    "many.test MX": ["10 h%d.test" % i for i in range(18)] + ["20 mixed.test"],
    **{"h%d.test %s" % (i, ("A", "AAAA")[i % 2]): [
        ("192.0.2.99", "2001:db8::99")[i % 2]] for i in range(18)},
})


@contextlib.contextmanager
def network(family):
    """A network with that family alone; this thread, and what it starts, is
    in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    old = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if libc.unshare(NEWNET) == -1:
        os.close(old)
        pytest.skip("no network namespaces here")
    try:
        sh = ["ip link set lo up"]
        if family == "four":
            sh += ["echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"]
        else:
            sh += ["ip addr add %s/128 dev lo" % V6]
        if family == "six":
            sh += ["ip addr del 127.0.0.1/8 dev lo"]
        else:
            sh += ["ip addr add %s/32 dev lo" % V4]
        subprocess.run(["sh", "-ec", "\n".join(sh)], check=True)
        yield
    finally:
        libc.setns(old, NEWNET)
        os.close(old)


class Sink(socketserver.ThreadingTCPServer):
    """Takes every message; took is [(its address, recipient)]."""
    allow_reuse_address = daemon_threads = True

    def __init__(self, address, port, took):
        self.address_family = socket.AF_INET6 if ":" in address \
            else socket.AF_INET
        self.took, self.address = took, address
        super().__init__((address, port), SinkSession)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class SinkSession(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 sink\r\n")
        data = False
        while line := self.rfile.readline(65536):
            verb = line[:4].upper()
            if data and line != b".\r\n":
                continue
            if verb == b"RCPT":
                self.server.took.append((self.server.address, re.search(
                    b"<(.*?)>", line).group(1).decode()))
            data = verb == b"DATA"
            self.wfile.write({b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}
                             .get(verb, b"250 ok\r\n"))


def without_ipv6(directory, prefix):
    """A prefix whose programs run as with ipv6.disable=1."""
    new = pathlib.Path(directory) / "prefix"
    (new / "sbin").mkdir(parents=True)
    for name in "rohrpost", "sendmail":
        f = new / "sbin" / name
        f.write_text("#!/bin/sh\nexec /usr/bin/python3 %s/no_ipv6.py "
                     "%s/sbin/%s \"$@\"\n" % (
                         os.path.dirname(__file__), prefix, name))
        f.chmod(0o755)
    return new


class Host(rohrpost.Instance):
    """With the listeners that come of the defaults."""

    def __init__(self, directory, host, **keys):
        super().__init__(directory, ports=PORTS, **keys)
        self.host = host

    def listeners(self):
        return []


@pytest.fixture(scope="module", params=["six", "four", "both", "none"])
def host(request):
    kernel, took = request.param, []
    family = "four" if kernel == "none" else kernel
    where = "::1" if family == "six" else "127.0.0.1"
    d = rohrpost.scratch("family")
    with network(family), contextlib.ExitStack() as stack:
        server = Server(ZONE, (where, 0))
        stack.callback(server.close)
        for address in (V4, V6):
            if family in ("both", "four" if address == V4 else "six"):
                stack.callback(Sink(address, 2525, took).stop)
        i = Host(d, where, resolver="%s@%d" % (where, server.port),
                 relay_mx_port="2525", queue_retry_min="1s",
                 queue_retry_max="2s")
        i.kernel, i.family, i.took = kernel, family, took
        if kernel == "none":
            i.prefix = without_ipv6(d, i.prefix)
        with i:
            yield i
    rohrpost.remove(d)


def send(host, to):
    with host.submission() as s:
        s.sendmail("anna@example.test", [to],
                   message("f", 500, "anna@example.test", to))


def test_config_check(host):
    p = host.command("config", "check")
    assert p.returncode == 0, p.stderr
    assert not p.stderr


def test_clients(host):
    """In by SMTP and submission, out by IMAP and POP3, over the family that
    is there; over both where there are two."""
    hosts = ["::1", "127.0.0.1"] if host.family == "both" else [host.host]
    mine = host.host
    for n, host.host in enumerate(hosts, 1):
        with host.smtp() as s:
            s.sendmail("eve@remote.test", ["anna@example.test"],
                       message("in", 500))
        with host.submission("bert") as s:
            s.sendmail("bert@example.test", ["anna@example.test"],
                       message("sub", 500, sender="bert@example.test"))
        host.wait_count(2 * n)
        p = host.pop3()
        assert p.stat()[0] == 2 * n
        p.quit()
    host.host = mine


@pytest.mark.parametrize("domain", ["mixed", "many", "four", "six"])
def test_by_mx(host, domain):
    """It goes over the family that is there, however many addresses of the
    other come first. Where there is none it waits, and is said why."""
    to = "u-%s@%s.test" % (host.family, domain)
    send(host, to)
    if {host.family, domain} == {"four", "six"}:
        lacks = {"four": "IPv6", "six": "IPv4"}[host.family]
        row = wait_for(lambda: [r for r in host.json("queue", "list")
                                if r["state"] == "deferred"], 30)[0]
        assert row["reason"].startswith("4.4.1 connection to ") and \
            "this host has no way to %s" % lacks in row["reason"], row
        host.ctl("queue", "delete", row["id"])
    else:
        wait_for(lambda: host.took and host.took[-1][1] == to, 60,
                 text=host.said())
        host.wait_empty()


def test_by_smarthost(host):
    conf = host.conf / "rohrpost.conf"
    old = conf.read_text()
    for name in {"six": ("mixed", "six"), "four": ("mixed", "four")}.get(
            host.family, ("mixed", "four", "six")):
        conf.write_text(old + "relay_host = %s.test\nrelay_port = 2525\n"
                        "relay_tls = never\n" % name)
        host.ctl("reload")
        to = "%s@elsewhere.test" % name
        send(host, to)
        wait_for(lambda: host.took and host.took[-1][1] == to, 60,
                 text=host.said())
        host.wait_empty()
    conf.write_text(old)
    host.ctl("reload")


def test_the_log_is_calm(host):
    """Neither warning nor word of the family that is not there, but for the
    mail that had no other way."""
    lines = [x for x in host.said().splitlines()
             if "nreachable" in x or "not supported" in x or
             "annot assign" in x or "warning" in x.lower()]
    assert [x for x in lines if "this host has no way to " not in x] == []
    said = host.log().count("this host has no IPv6: the ports are open for "
                            "IPv4 alone")
    assert said == (host.kernel == "none")


def test_addresses_that_no_port_can_have(host):
    """A kernel without IPv6: config check refuses what names an address of it,
    with its line; what names all of what there is, is good."""
    conf = host.conf / "rohrpost.conf"
    old = conf.read_text()
    n = len(old.splitlines())
    good = "listen_pop3 = *:110\nlisten_imap = [::]:143 0.0.0.0:143\n"
    bad = [("listen_smtp", "[2001:db8::25]:25 0.0.0.0:25", "[2001:db8::25]:25"),
           ("listen_pop3s", "[::]:995", "[::]:995"),
           ("relay_host", "[2001:db8::1]", "[2001:db8::1]")]
    if host.kernel == "none":
        rest = old.replace("resolver = ", "resolver = 2001:db8::53@53 ")
        line = 1 + [x.startswith("resolver") for x in
                    old.splitlines()].index(True)
        want = ["rohrpost: %s:%d: resolver: 2001:db8::53@53: this host has no "
                "IPv6" % (conf, line)]
        want += ["rohrpost: %s:%d: %s: %s: this host has no IPv6" % (
            conf, i, key, address) for i, (key, _, address) in
            enumerate(bad, n + 3)]
    else:
        rest, want = old, []
    conf.write_text(rest + good + "".join("%s = %s\n" % b[:2] for b in bad))
    p = host.command("config", "check")
    conf.write_text(old + good)
    calm = host.command("config", "check")
    conf.write_text(old)
    assert p.stderr.splitlines() == want
    assert p.returncode == (1 if want else 0)
    assert (calm.returncode, calm.stderr) == (0, "")
