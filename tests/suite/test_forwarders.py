"""The name servers of routers and providers: one that answers for names that
do not exist (Debian's dnsmasq), and ones that drop DNSSEC, AAAA or EDNS, cut
answers short, or are slow. Mail goes, or waits with the cause in words."""
import re
import socket
import subprocess
import threading
import time

import jsonschema
import pytest

import frames
import rohrpost
import test_json
from nameserver import AAAA, FLAGS, MX, Server, Zone, question, reply
from rohrpost import message, wait_for
from test_resolve import N_HOST, OK, NO_ADDRESS, NO_DOMAIN, TEMP, ask, start

LIE = "198.51.100.80"
RECORDS = {
    "far.test MX": ["10 mx.far.test"],
    "mx.far.test A": ["127.0.0.2"], "mx.far.test AAAA": ["2001:db8::2"],
    "plain.test A": ["127.0.0.3"],
    "half.test MX": ["10 gone.example", "20 mx.far.test"],
    "lost.test MX": ["10 gone.example"],
    "big.test MX": ["%d h%d.big.test" % (i, i) for i in range(40)],
    **{"h%d.big.test A" % i: ["127.0.0.9"] for i in range(40)},
}


def trouble(r):
    """What resolve tells master next: a word, the server, in words."""
    while True:
        kind, _, f = r.master.recv(60)
        if kind == frames.WIRE_TROUBLE:
            return tuple(f[k].decode() for k in (
                frames.WF_TROUBLE, frames.WF_SERVER, frames.WF_WORDS))


class Resolve:
    """resolve, with that name server."""

    def __init__(self, port, **keys):
        self.dir = rohrpost.scratch("forwarder")
        self.program = start(self.dir, port, **keys)

    def __enter__(self):
        self.program.server = getattr(self, "server", None)
        return self.program

    def __exit__(self, *exc):
        self.program.stop()
        rohrpost.remove(self.dir)


@pytest.fixture(scope="module")
def liar():
    """dnsmasq: it asks our server for names under test, and for all others
    says LIE for A and nothing for MX."""
    upstream = Server(Zone(RECORDS))
    port = rohrpost.free_port()
    p = subprocess.Popen(
        ["/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
         "--no-resolv", "--no-hosts", "--bind-interfaces", "--pid-file=",
         "--user=", "--listen-address=127.0.0.1", "--port=%d" % port,
         "--server=127.0.0.1#%d" % upstream.port,
         "--server=/test/127.0.0.1#%d" % upstream.port,
         "--address=/#/" + LIE], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    with Resolve(port) as r:
        wait_for(lambda: ask(r, "plain.test")[0] == OK)
    yield port
    p.terminate()
    p.wait(10)
    upstream.close()


def test_names_that_do_not_exist(liar):
    """What leads where every name leads is no mail host, in place of MX
    records, as the host of one, and as a smarthost; others stand."""
    with Resolve(liar) as r:
        for name, kind in (("typo.example", None), ("typo.example", N_HOST),
                           ("lost.test", None)):
            got = ask(r, name, kind) if kind else ask(r, name)
            assert got[0] == TEMP and got[2].startswith("4.4.3 look-up of ") \
                and got[2].endswith(": the name server says %s, as for any "
                                    "name that does not exist" % LIE), got
        assert ask(r, "far.test")[1] == [
            (10, "mx.far.test", ["2001:db8::2", "127.0.0.2"])]
        assert ask(r, "half.test")[1] == [
            (20, "mx.far.test", ["2001:db8::2", "127.0.0.2"])]
        assert ask(r, "nowhere.test")[0] in (NO_DOMAIN, NO_ADDRESS)
        assert r.log().count("the name servers answer for names that do not "
                             "exist, with " + LIE) == 1
        assert trouble(r) == ("lies", "127.0.0.1@%d" % liar, "answers for "
                              "names that do not exist, with " + LIE)


def test_mail_to_a_mistyped_domain(liar):
    """It waits and says why; other mail goes meanwhile."""
    d = rohrpost.scratch("forwarder")
    with rohrpost.Instance(d, users=("anna",), relay_mx_port="1",
                           resolver="127.0.0.1@%d" % liar) as i:
        for to in ("u@typo.example", "u@nowhere.test", "anna@example.test"):
            with i.submission() as s:
                s.sendmail("anna@example.test", [to],
                           message("m", 500, sender="anna@example.test"))
        i.wait_count(2)  # a bounce, and the one of anna
        row = wait_for(lambda: [r for r in i.json("queue", "list")
                                if r["state"] == "deferred"])[0]
        assert row["target"] == "u@typo.example"
        assert row["reason"].startswith("4.4.3 ") and LIE in row["reason"]
        rows = i.json("status")
        row, = [r for r in rows if r["trouble"]]
        assert row["trouble_since"] <= time.time()
        assert row["program"] == "resolve" and row["trouble"] == "lies" and \
            row["trouble_server"] == "127.0.0.1@%d" % liar and \
            LIE in row["trouble_words"] and row["trouble_waiting"] == 1
        jsonschema.validate(rows, test_json.schema("status"))
        out = i.command("status").stdout
        assert re.search(r"\n\nDNS since 20[-0-9: ]+: 127.0.0.1@%d answers "
                         r"for names that do not exist, with %s\n"
                         r"Messages that wait for it: 1\n"
                         r"Name another server " % (liar, LIE), out), out
    rohrpost.remove(d)


C_ROW, C_END = 12, 14
CF_NAMES, CF_VALUES, CF_STATUS = 3, 4, 5


def test_no_terminal_obeys_what_resolve_says():
    """A master that passes on what a broken resolve told it."""
    d = rohrpost.scratch("trouble")
    i = rohrpost.Instance(d).setup()
    (i.state / "run").mkdir(exist_ok=True)
    names = b"".join(map(frames.lv, (
        "program", "trouble", "trouble_since", "trouble_server",
        "trouble_words")))
    row = b"".join(bytes([0]) + frames.lv(v) for v in (
        "resolve", "lies", "1", "\x1b]0;a\x07", "\x1b[2J\u009b2J end"))
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(i.state / "run/master.ctl"))
        s.listen()

        def serve():
            with s.accept()[0] as peer:
                c = frames.Chan(peer)
                _, ident, _ = c.recv()
                c.send(C_ROW, {CF_NAMES: names, CF_VALUES: row}, ident)
                c.send(C_END, {CF_STATUS: frames.u32(0)}, ident)
                peer.recv(1)
        t = threading.Thread(target=serve)
        t.start()
        p = i.command("status")
        t.join()
    rohrpost.remove(d)
    assert r" \x1b]0;a\x07 \x1b[2J\x9b2J end" in p.stdout, p
    assert "\x1b" not in p.stdout and "\u009b" not in p.stdout


def served(answer, **keys):
    """resolve with a server that answers so."""
    s = Server(answer)
    r = Resolve(s.port, **keys)
    r.server = s
    return r


def test_aaaa_is_never_answered():
    """Hosts with an IPv4 address are had without waiting for the end."""
    zone = Zone(RECORDS)
    with served(lambda q: [] if question(q)[1] == AAAA else zone(q)) as r:
        assert ask(r, "far.test")[:2] == (
            OK, [(10, "mx.far.test", ["127.0.0.2"])])


def test_without_dnssec():
    """No signatures, no DNSKEY, SERVFAIL for DS: what is not validated goes.
    With a trust anchor it waits, and the log names the cause."""
    zone = Zone(RECORDS)

    def strips(q):
        kind = question(q)[1]
        return [reply(q, FLAGS | 2)] if kind == 43 else zone(q)

    with served(strips) as r:
        assert ask(r, "far.test")[0] == OK
    d = rohrpost.scratch("anchor")
    with open(d + "/anchor", "w") as f:
        f.write("test. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E8804"
                "09BBC683457104237C7F8EC8D\n")
    with served(strips, resolver_trust_anchor=d + "/anchor") as r:
        for name in ("far", "plain", "half", "lost", "big"):
            status, _, words = ask(r, name + ".test")
            assert status == TEMP and words.endswith(
                "the signature of the answer is wrong")
        wait_for(lambda: "questions in a row have failed, the last for" in
                 r.log() and "DNSKEY" in r.log(), text=r.log())
        assert trouble(r)[0] == "unsigned"
    rohrpost.remove(d)


def test_cut_short_without_tcp():
    """Small answers go; of the rest it is said that the server failed."""
    zone = Zone(RECORDS)

    def cuts(q):
        r = zone(q)[0]
        return [r if len(r) <= 512 else reply(q, FLAGS | 0x200)]

    with served(cuts) as r:
        assert ask(r, "far.test")[0] == OK
        status, _, words = ask(r, "big.test")
        assert status == TEMP and words.startswith("4.4.3 "), words
        assert ask(r, "plain.test")[0] == OK
        assert trouble(r) == (
            "cut", "127.0.0.1@%d" % r.server.port, "cuts long answers short, "
            "and does not answer by TCP")


def test_nothing_is_answered():
    """Nothing at all, or no question with EDNS: it is told within seconds
    what it is, and that it is over."""
    zone, dead = Zone(RECORDS), [True]
    silent = lambda q: [] if dead[0] else zone(q)
    no_edns = lambda q: [] if dead[0] and q[11] else zone(q)
    with served(silent) as one, served(no_edns) as two:
        for r in (one, two):
            r.peers["relay"].send(1, {1: b"far.test"}, 7)
        for r, word in ((one, "silent"), (two, "no-edns")):
            name, server, words = trouble(r)
            assert (name, server) == (
                word, "127.0.0.1@%d" % r.server.port)
            assert "resolver: %s %s" % (server, words) in r.log()
        dead[0] = False
        for r in (one, two):
            assert trouble(r) == ("", "", "")
            assert "resolver: no longer so: " in r.log()


def test_one_of_two_servers_is_enough():
    """And what is asked meanwhile is answered."""
    zone = Zone(RECORDS)
    dead, good = Server(lambda q: []), Server(zone)
    with Resolve(dead.port, resolver="127.0.0.1@%d 127.0.0.1@%d" % (
            dead.port, good.port)) as r:
        assert ask(r, "far.test")[0] == OK
        r.master.sock.settimeout(1)
        with pytest.raises(TimeoutError):
            r.master.recv(1)
    dead.close()
    good.close()


def test_edns_is_refused():
    """FORMERR for EDNS: asked again without it."""
    zone = Zone(RECORDS)
    with served(lambda q: [q[:2] + b"\x81\x81" + b"\0" * 8] if q[11] else
                zone(q)) as r:
        assert ask(r, "far.test")[0] == OK


def test_slow_for_some_holds_up_nobody():
    """Questions of which the answer is late, as many as are worked on at a
    time: others are answered before them, and they in the end."""
    zone, late, held = Zone({**RECORDS, "slow.test MX": ["10 mx.far.test"]}), \
        threading.Event(), []

    class Late(Server):
        def say(self, q, who):
            if question(q) == ("slow.test", MX) and not late.is_set():
                held.append(q)
            else:
                super().say(q, who)

    server = Late(zone)
    with Resolve(server.port) as r:
        slow = r.wire("relay")
        slow.send(1, {1: b"slow.test"}, 7)
        wait_for(lambda: held)
        for name in ("far.test", "plain.test", "big.test"):
            assert ask(r, name)[0] == OK
        assert not late.is_set()
        late.set()
        assert ask(r, "slow.test", chan=slow_rest(slow))[0] == OK
    server.close()


def slow_rest(chan):
    """The answer to what waited; the channel for another question."""
    kind, ident, fields = chan.recv()
    assert ident == 7 and fields[2] == b"\0\0\0\0", fields
    return chan


def test_servers_that_are_back():
    """The log says that they are gone, and that they are back, once each."""
    zone, dead = Zone(RECORDS), [True]
    with served(lambda q: [reply(q, FLAGS | 2)] if dead[0] else zone(q)) as r:
        for i in range(8):
            assert ask(r, "d%d.test" % i)[0] == TEMP
        dead[0] = False
        wait_for(lambda: ask(r, "far.test")[0] == OK)
        assert r.log().count("in a row have failed") == 1
        assert r.log().count("the name servers answer again") == 1
