"""MX look-ups against a real nsd on loopback, delivery to hosts that it
names."""
import re
import pathlib
import subprocess

import pytest

import rohrpost
from rohrpost import message, wait_for

ZONE = """\
$ORIGIN far.test.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
@ MX 20 second
@ MX 10 first
first A 127.0.0.2
second A 127.0.0.3
null MX 0 .
plain A 127.0.0.3
loop MX 10 mail.example.test.
cname CNAME plain
big MX 10 nothere
later MX 10 first
"""


class Nsd:
    def __init__(self, directory, zone=ZONE):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.port = rohrpost.free_port()
        (self.dir / "far.zone").write_text(zone)
        (self.dir / "nsd.conf").write_text("""
server:
  ip-address: 127.0.0.1@%d
  username: ""
  zonesdir: "%s"
  database: ""
  pidfile: "%s/nsd.pid"
  xfrdfile: "%s/xfrd.state"
  xfrdir: "%s"
  zonelistfile: "%s/zone.list"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: far.test
  zonefile: far.zone
""" % ((self.port,) + (self.dir,) * 5))

    def __enter__(self):
        self.p = subprocess.Popen(["/usr/sbin/nsd", "-d", "-c",
                                   str(self.dir / "nsd.conf")],
                                  stdout=subprocess.DEVNULL,
                                  stderr=open(self.dir / "err", "wb"))
        return self

    def __exit__(self, *exc):
        self.p.terminate()
        self.p.wait(10)


@pytest.fixture(scope="module")
def net():
    """A sender, the name server, and two receivers on one port of 127.0.0.2
    and 127.0.0.3: the hosts that the zone names."""
    d = rohrpost.scratch("mx")
    port = rohrpost.free_port()
    hosts = []
    with Nsd(d + "/nsd") as nsd:
        for i, addr in ((1, "127.0.0.2"), (2, "127.0.0.3")):
            h = rohrpost.Instance("%s/host%d" % (d, i), domain="far.test",
                                  users=("box",))
            h.keys["listen_smtp"] = "%s:%d 127.0.0.1:%d" % (
                addr, port, h.ports["smtp"])
            h.ports_smtp = h.ports.pop("smtp")
            h.setup()
            h.ports["smtp"] = h.ports_smtp
            for name in ("@far.test",):
                h.ctl("alias", "add", name, "box@far.test")
            for sub in ("plain", "cname"):
                h.ctl("domain", "add", sub + ".far.test")
                h.ctl("alias", "add", "@%s.far.test" % sub, "box@far.test")
            h.start()
            hosts.append(h)
        sender = rohrpost.Instance(
            d + "/sender", users=("anna",),
            resolver="127.0.0.1@%d" % nsd.port, relay_mx_port=str(port),
            relay_allow_loopback="yes", queue_retry_min="1s",
            queue_retry_max="2s")
        with sender:
            yield sender, hosts, nsd
        for h in hosts:
            h.stop()
    rohrpost.remove(d)


def send(sender, to, name):
    with sender.submission() as s:
        s.sendmail("anna@example.test", [to],
                   message(name, 2000, "anna@example.test", to))


def test_first_preference(net):
    sender, (first, second), nsd = net
    send(sender, "u@far.test", "first")
    first.wait_count(1, "box", seconds=30)
    sender.wait_empty()
    assert second.count("box") == 0


def test_fall_back_to_the_second(net):
    sender, (first, second), nsd = net
    first.stop()
    send(sender, "u@far.test", "second")
    second.wait_count(1, "box", seconds=60)
    sender.wait_empty()
    first.start()


@pytest.mark.parametrize("to", ["u@plain.far.test", "u@cname.far.test"])
def test_address_where_there_is_no_mx(net, to):
    sender, (first, second), nsd = net
    before = second.count("box")
    send(sender, to, to.split("@")[1])
    second.wait_count(before + 1, "box", seconds=30)
    sender.wait_empty()


@pytest.mark.parametrize("to,status", [
    ("u@null.far.test", b"5.1.10"),  # RFC 7505
    ("u@nowhere.far.test", b"5."),
    ("u@big.far.test", b"5."),
    ("u@loop.far.test", b"5.4.6"),
])
def test_never(net, to, status):
    sender, hosts, nsd = net
    before = sender.messages()
    send(sender, to, "never")
    sender.wait_count(len(before) + 1, seconds=60)
    new = [v for k, v in sender.messages().items() if k not in before]
    assert b"Status: " + status in new[0], new[0]
    sender.wait_empty()


def test_k11_name_server_is_down_and_back(net):
    """It loses nothing and bounces nothing, and the mail goes by itself."""
    sender, (first, second), nsd = net
    first.ctl("domain", "add", "later.far.test")
    first.ctl("alias", "add", "@later.far.test", "box@far.test")
    nsd.__exit__()
    before, there = sender.count("anna"), first.count("box")
    send(sender, "u@later.far.test", "back")
    wait_for(lambda: re.search("to=<u@later.far.test> deferred after .*: "
                               "4\\.4\\.3 ", sender.log()), 60,
             text=sender.said())
    assert len(sender.json("queue", "list")) == 1
    nsd.__enter__()
    wait_for(lambda: first.count("box") == there + 1, 120, 0.2,
             sender.said())
    sender.wait_empty()
    assert first.count("box") == there + 1
    assert sender.count("anna") == before
