"""Nobody waits for somebody else's slow host: the order of events, and what
workers there are."""
import socket

import pytest

import rohrpost
from rohrpost import message, wait_for
from test_mx import Nsd
from test_relay_alone import Hop


class Mute:
    """Takes connections and says nothing."""

    def __init__(self, address, port):
        self.s = socket.create_server((address, port))
        self.s.setblocking(False)
        self.held = []

    def connections(self):
        try:
            while True:
                self.held.append(self.s.accept()[0])
        except BlockingIOError:
            return len(self.held)

    def close(self):
        self.connections()
        for c in [*self.held, self.s]:
            c.close()


ZONE = """\
$ORIGIN far.test.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
well A 127.0.0.1
mute A 127.0.0.2
dumb A 127.0.0.3
never A 127.0.0.4
""" + "".join("m%d A 127.0.0.%d\n" % (i, 2 + i % 2) for i in range(8))


@pytest.fixture(scope="module")
def places():
    well = Hop()
    never = Hop("127.0.0.4", well.port, RCPT=["550 5.1.1 nobody"])
    mutes = [Mute("127.0.0.%d" % n, well.port) for n in (2, 3)]
    yield well, mutes
    for m in [*mutes, never, well]:
        m.close()


@pytest.fixture(scope="module")
def inst(places):
    d = rohrpost.scratch("share")
    with Nsd(d + "/nsd", ZONE) as nsd:
        i = rohrpost.Instance(
            d + "/inst", users=("anna", "bert"), queue_active="10",
            stop_time="1s",
            relay_allow_loopback="yes", relay_mx_port=places[0].port,
            resolver="127.0.0.1@%d" % nsd.port)
        with i:
            i.ctl("alias", "add", "out@example.test", "x@never.far.test")
            yield i
    rohrpost.remove(d)


def send(inst, *to):
    with inst.submission() as s:
        for r in to:
            s.sendmail("anna@example.test", [r],
                       message("share", 500, sender="anna@example.test"))


def relays(inst):
    return [r["pid"] for r in inst.json("status") if r["program"] == "relay"]


def test_silent_hosts_hold_nobody_up(inst, places):
    well, mutes = places
    assert len(relays(inst)) == 2
    send(inst, *["x@mute.far.test", "x@dumb.far.test"] * 4)
    wait_for(lambda: all(m.connections() for m in mutes))
    send(inst, "x@well.far.test")
    wait_for(lambda: len(well.messages) == 1)
    # Each of the silent ones has one connection of ours, and a worker more
    # than there were at rest was started.
    assert [m.connections() for m in mutes] == [1, 1]
    assert len(relays(inst)) == 3


def test_local_mail_does_not_count(inst, places):
    """More waits for the silent host than may be active."""
    well, mutes = places
    send(inst, *["x@mute.far.test"] * 20)
    assert len(inst.json("queue", "list")) > 20
    before = inst.count("bert")
    send(inst, "bert@example.test")
    inst.wait_count(before + 1, "bert")
    assert [m.connections() for m in mutes] == [1, 1]


def test_bounces_to_silent_hosts(inst, places):
    """A stranger's doing: users' mail goes all the same."""
    well, mutes = places
    before = len(well.messages)
    for i in range(8):
        with inst.smtp() as s:
            s.sendmail("x@m%d.far.test" % i, ["out@example.test"],
                       message("stranger", 500))
    wait_for(lambda: sum(m.connections() for m in mutes) > 3)
    send(inst, "x@well.far.test")
    wait_for(lambda: len(well.messages) == before + 1)
    assert sum(r["sender"] == "" for r in inst.json("queue", "list")) > 0
