"""A box behind a router that hides it, in each of the three profiles, in an
Internet of network namespaces (netns.py): a provider, a stranger and a name
server that nobody here wrote."""
import contextlib
import imaplib
import json
import os
import re
import shutil
import smtplib

import pytest

import netns
import oldserver
import rohrpost
from nameserver import A, MX
from rohrpost import PASSWORD, wait_for

dkim = pytest.importorskip("dkim")
pytestmark = [pytest.mark.root, pytest.mark.skipif(
    os.geteuid() != 0 or not (os.path.exists(oldserver.DOVECOT) and all(
        shutil.which(p) for p in ("nft", "ip", "nsd", "postfix"))),
    reason="needs root, nftables, iproute2, nsd, Postfix and Dovecot")]

SMARTHOST, THERE = "mail.provider.test", "mail.there.test"
ZONE = """\
$ORIGIN test.
$TTL 60
@ SOA ns host 1 3600 600 86400 60
@ NS ns
ns A {net}
provider MX 10 mail.provider
mail.provider A {provider}
there MX 10 mail.there
there TXT "here"
mail.there A {stranger}
shop MX 10 mail.provider
direct MX 10 mail.direct
mail.direct A {outer}
relayed MX 10 mail.relayed
mail.relayed A {outer}
"""
FORWARDED = [25, 465, 993]


class World:
    """spaces, provider, stranger, names; boxes by their domain, set up and
    not started."""

    def of_stranger(self, subject):
        """What came to the stranger's server with it; None: not yet."""
        for m in self.stranger.messages():
            if b"\nSubject: %s\n" % subject in m:
                return m
        return None

    def wait_stranger(self, box, subject):
        return wait_for(lambda: self.of_stranger(subject), 90, 0.1,
                        text="%s at the stranger's\n%s%s%s" % (
                            subject, box.said(), self.provider.log()[-3000:],
                            self.stranger.log()[-3000:]))

    def send(self, space, address, to, subject, port=25, login=None,
             sender="eve@there.test"):
        with netns.client(space, address, port, port == 465) as s:
            if login:
                s.login(login, PASSWORD)
            else:
                s.starttls(context=rohrpost.tls_context())
            s.sendmail(sender, [to], "From: <%s>\r\nTo: <%s>\r\nSubject: %s"
                       "\r\nMessage-ID: <%s@there.test>\r\n\r\nHello\r\n" % (
                           sender, to, subject, subject))

    def leaves(self, box, subject, space, address):
        """anna sends to the stranger, from there."""
        user = "anna@" + box.domain
        self.send(space, address, "eve@there.test", subject, 465, user, user)

    def signatures(self, octets):
        """Whether each holds, by what DNS says."""
        out = []
        for i in range(len(re.findall(rb"(?m)^DKIM-Signature:", octets))):
            try:
                out.append(dkim.DKIM(octets).verify(i, self.names.txt))
            except dkim.ValidationError:
                out.append(False)
        return out


@pytest.fixture(scope="module")
def world():
    w = World()
    try:
        w.spaces = netns.Spaces()
    except OSError as e:
        pytest.skip("no network namespaces here: %s" % e)
    d = rohrpost.scratch("namespaces")
    with contextlib.ExitStack() as made:
        made.callback(rohrpost.remove, d)
        made.callback(w.spaces.close)
        w.ca = netns.Authority(d + "/ca")
        with w.spaces.provider:
            dovecot = netns.Dovecot(w.ca, SMARTHOST, ["anna"])
        made.callback(dovecot.stop)
        w.provider, w.stranger = postfixes(w, d, dovecot)
        w.boxes = boxes(w, d)
        zone = ZONE.format(net=netns.NET, provider=netns.PROVIDER,
                           stranger=netns.STRANGER, outer=netns.OUTER)
        for b in w.boxes.values():
            b.setup()
            b.ctl("dkim", "activate", b.domain)
            zone += "".join(k["zone"] + "\n" for k in b.json("dkim", "show"))
        w.names = netns.Names(d + "/names", w.spaces.net, zone)
        for server in w.names, w.provider, w.stranger:
            made.enter_context(server)
        # Another Rohrpost, which can be asked.
        w.probe = netns.NET + ":2525"
        prober = netns.Box(d + "/prober", w.spaces.net, "prober.test",
                           "direct", netns.NET, listen_probe=w.probe)
        made.enter_context(prober.setup())
        yield w


def boxes(w, d):
    relay = {"relay_host": SMARTHOST, "relay_ca_file": w.ca.file,
             "relay_user": w.provider.user,
             "relay_password": w.provider.password}
    more = {"shop.test": ("collector", dict(relay,
                                            collect_ca_file=w.ca.file)),
            "direct.test": ("direct", {}), "relayed.test": ("relay", relay)}
    return {domain: netns.Box("%s/%s" % (d, domain), w.spaces.home, domain,
                              profile, **keys)
            for domain, (profile, keys) in more.items()}


def postfixes(w, d, dovecot):
    """The provider's delivers into the mailboxes of Dovecot."""
    who = dovecot.who
    return netns.Postfix(
        d + "/provider", w.spaces.provider, SMARTHOST, w.ca, {
            "virtual_mailbox_domains": "shop.test",
            "virtual_mailbox_base": dovecot.dir / "mail",
            "virtual_mailbox_maps": "inline:{ anna@shop.test=anna/ }",
            "virtual_uid_maps": "static:%d" % who.pw_uid,
            "virtual_gid_maps": "static:%d" % who.pw_gid}), netns.Postfix(
        d + "/there", w.spaces.stranger, THERE, w.ca, {
            "virtual_mailbox_domains": "there.test"})


def subjects(box):
    return [re.search(rb"^Subject: (.*)\r$", m, re.M).group(1)
            for m in box.messages().values()]


def received(octets):
    """What the fields say behind "from", the last hop first."""
    return [" ".join(h.split()) for h in re.findall(
        r"(?m)^Received: from (.*(?:\n[ \t].*)*)", octets.decode())]


def scanned(w, ports):
    """What answers outside: at the router, all there is, and at the box's own
    address, which who is beside the router can send to."""
    return [netns.scan(space, *what) for space in (
        w.spaces.stranger, w.spaces.net) for what in (
        (netns.OUTER, range(1, 65536)), (netns.HOME, ports))]


def test_collector(world):
    """In by the provider's mailbox, out by its relay, and no port open."""
    w, box = world, world.boxes["shop.test"]
    w.spaces.forward()
    w.names.asked.clear()
    with box:
        box.ctl("collect", "add", "anna", SMARTHOST, "anna",
                "anna@shop.test", "--stdin", stdin=None,
                input=oldserver.PASSWORD + "\n")
        w.send(w.spaces.stranger, netns.PROVIDER, "anna@shop.test", "in-1")
        box.wait_count(1, seconds=90)
        assert subjects(box) == [b"in-1"]
        w.leaves(box, "out-1", w.spaces.home, netns.HOME)
        m = w.wait_stranger(box, b"out-1")
        hops = received(m)
        assert hops[0].startswith("%s (unknown [%s])" % (
            SMARTHOST, netns.PROVIDER))
        # The router's address is all that the provider sees.
        assert hops[1].startswith("mail.shop.test (unknown [%s])" %
                                  netns.OUTER)
        assert " with ESMTPSA " in hops[1]  # TLS and AUTH
        assert w.signatures(m) == [True] * 2
        assert w.signatures(m.replace(b"Hello", b"Hullo")) == [False] * 2
        # It serves its own network, and nobody else.
        ports = box.listens()
        assert {465, 993} <= set(ports) and 25 not in ports
        assert netns.scan(w.spaces.router, netns.HOME, ports) == ports
        assert scanned(w, ports) == [[], [], [], []]
        assert w.names.of(netns.OUTER, MX) == []


def from_outside(w, box):
    """What a forwarded box is to do for others: its ports, mail to it, its
    user on the road; no mail through it."""
    w.spaces.forward(*FORWARDED)
    ports = box.listens()
    assert set(FORWARDED) <= set(ports)
    assert scanned(w, ports) == [FORWARDED, [], FORWARDED, []]
    user = "anna@" + box.domain
    w.send(w.spaces.stranger, netns.OUTER, user, "in-2")
    box.wait_count(1, seconds=60)
    with w.spaces.stranger, imaplib.IMAP4_SSL(
            netns.OUTER, ssl_context=rohrpost.tls_context(),
            timeout=60) as m:
        m.login(user, PASSWORD)
        m.select("INBOX")
        assert m.uid("SEARCH", "SUBJECT", "in-2")[1] != [b""]
    for space, address in ((w.spaces.stranger, netns.OUTER),
                           (w.spaces.home, netns.HOME),
                           (w.spaces.router, netns.HOME)):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as e:
            w.send(space, address, "eve@there.test", "no", sender=user)
        assert e.value.recipients["eve@there.test"][0] == 550


def test_direct(world):
    w, box = world, world.boxes["direct.test"]
    with box:
        from_outside(w, box)
        w.leaves(box, "out-2", w.spaces.stranger, netns.OUTER)
        m = w.wait_stranger(box, b"out-2")
        hop = received(m)[0]
        assert hop.startswith("mail.direct.test (unknown [%s])" % netns.OUTER)
        assert " with ESMTPS " in hop
        assert w.signatures(m) == [True] * 2
        assert "there.test" in w.names.of(netns.OUTER, MX)


def tricks(box, space, *args):
    """(exit status, {trick: verdict}) of the command run there; a client of
    the box's configuration, wherever that is."""
    with space:
        p = rohrpost.Instance.command(box, "selftest", "relay", *args,
                                      "--json")
    assert p.stdout.strip(), p.stderr
    return p.returncode, {r["trick"]: r["verdict"]
                          for r in json.loads(p.stdout)}


def no_trick_works(w, box):
    """From a stranger's address, from the box's own, through a probe."""
    for space, args in ((w.spaces.stranger, ("--at", netns.OUTER + ":25")),
                        (w.spaces.home, ()),
                        (w.spaces.home, ("--probe", w.probe))):
        status, found = tricks(box, space, *args)
        assert status == 0 and set(found.values()) == {"held"}, (args, found)


def test_open_relay(world):
    """A real one is found, from each side; before that it held."""
    w, box = world, world.boxes["direct.test"]
    args = "--at", netns.STRANGER + ":25", "--domain", "there.test"
    status, found = tricks(box, w.spaces.home, *args)
    # Its domain takes every name.
    assert status == 0 and set(found.values()) <= {"held", "unclear"}
    assert found["plain"] == found["percent"] == "held"
    w.stranger.change(
        mynetworks="203.0.113.0/24",
        virtual_mailbox_maps="inline:{ postmaster@there.test=box/ }",
        smtpd_relay_restrictions="permit_mynetworks, reject")
    try:
        status, found = tricks(box, w.spaces.home, *args)
        assert status == 1
        for name in ("plain", "route", "percent-bare", "bang-host",
                     "sender-empty", "quoted"):
            assert found[name] == "works", found
        assert found["quoted-domain"] == "held"
        # Who asks the probe is tried himself.
        status, found = tricks(box, w.spaces.stranger, "--domain",
                               "there.test", "--probe", w.probe)
        assert status == 1 and found["plain"] == "works"
    finally:
        w.stranger.change(mynetworks="", virtual_mailbox_maps="static:box/",
                          smtpd_relay_restrictions="permit_sasl_authenticated,"
                          " reject_unauth_destination")


def test_relay(world):
    """As direct, and all that leaves by the provider: MX is never asked."""
    w, box = world, world.boxes["relayed.test"]
    w.names.asked.clear()
    with box:
        from_outside(w, box)
        no_trick_works(w, box)
        w.leaves(box, "out-3", w.spaces.home, netns.HOME)
        m = w.wait_stranger(box, b"out-3")
        assert [h.split()[0] for h in received(m)[:2]] == [
            SMARTHOST, "mail.relayed.test"]
        assert w.signatures(m) == [True] * 2
    # The provider's Postfix asks, the box does not.
    assert "there.test" in w.names.of(netns.PROVIDER, MX)
    assert w.names.of(netns.OUTER, MX) == []
    assert w.names.of(netns.OUTER, A)
