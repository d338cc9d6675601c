"""resolve alone, against a real nsd and a name server that misbehaves."""
import os
import struct
import subprocess
import time

import pytest

import frames
import rohrpost
import test_mx
from nameserver import Server, reply

N_MX, N_HOST, N_HOSTS = 1, 2, 3
NF_NAME, NF_STATUS, NF_HOSTS, NF_WORDS = 1, 2, 3, 4
OK, NULL_MX, NO_DOMAIN, NO_ADDRESS, TEMP = range(5)

ZONE = """\
$ORIGIN far.test.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
@ MX 20 second
@ MX 10 first
@ MX 10 other
first A 127.0.0.2
first AAAA 2001:db8::2
second A 127.0.0.3
other A 127.0.0.4
null MX 0 .
nullmore MX 0 .
nullmore MX 10 first
plain A 127.0.0.3
six AAAA 2001:db8::6
text TXT "no address"
loop MX 10 mail.example.test.
behind MX 10 first
behind MX 20 mail.example.test.
behind MX 20 other
behind MX 30 second
cname CNAME plain
tocname MX 10 cname
round CNAME square
square CNAME round
big MX 10 nothere
literal MX 10 192.0.2.1.
odd MX 10 od\\032d
odd MX 20 first
refer NS ns.nowhere
%s
""" % "\n".join(["many MX %d h%d" % (i, i) for i in range(150)] +
                ["h%d A 127.1.0.%d" % (i, i) for i in range(150)] +
                ["wide A 127.2.0.%d" % i for i in range(30)])


@pytest.fixture(scope="module")
def nsd():
    d = rohrpost.scratch("resolve")
    n = test_mx.Nsd(d + "/nsd")
    (n.dir / "far.zone").write_text(ZONE)
    with n:
        time.sleep(0.5)
        yield n
    rohrpost.remove(d)


def start(directory, port, **keys):
    keys = dict({"hostname": "mail.example.test", "state_dir": directory,
                 "resolver": "127.0.0.1@%d" % port}, **keys)
    return frames.Program(rohrpost.LIBEXEC / "resolve", directory, keys,
                          ["relay"])


@pytest.fixture(scope="module")
def resolve(nsd):
    d = rohrpost.scratch("resolve")
    with start(d, nsd.port) as p:
        yield p
    rohrpost.remove(d)


def ask(p, name, kind=N_MX, chan=None):
    c = chan or p.peers["relay"]
    c.send(kind, {NF_NAME: name.encode()}, 7)
    got = c.recv()
    assert got is not None and got[0] == N_HOSTS and got[1] == 7, p.log()
    f = got[2]
    hosts, data = [], f.get(NF_HOSTS, b"")

    def take():
        nonlocal data
        n = struct.unpack("<I", data[:4])[0]
        s, data = data[4:4 + n], data[4 + n:]
        return s.decode()

    while data:
        pref = struct.unpack("<I", data[:4])[0]
        data = data[4:]
        name = take()
        n = struct.unpack("<I", data[:4])[0]
        data = data[4:]
        hosts.append((pref, name, [take() for i in range(n)]))
    return struct.unpack("<I", f[NF_STATUS])[0], hosts, \
        f.get(NF_WORDS, b"").decode()


def test_preferences_and_addresses(resolve):
    status, hosts, _ = ask(resolve, "far.test")
    assert status == OK
    assert [h[0] for h in hosts] == [10, 10, 20]
    assert {h[1] for h in hosts[:2]} == {"first.far.test", "other.far.test"}
    by_name = {h[1]: h[2] for h in hosts}
    assert by_name["first.far.test"] == ["2001:db8::2", "127.0.0.2"]
    assert by_name["second.far.test"] == ["127.0.0.3"]


def test_equals_are_shuffled(resolve):
    seen = {ask(resolve, "far.test")[1][0][1] for i in range(40)}
    assert seen == {"first.far.test", "other.far.test"}


@pytest.mark.parametrize("name,status,hosts", [
    ("plain.far.test", OK, ["plain.far.test"]),
    ("PLAIN.far.test.", OK, ["plain.far.test"]),
    ("six.far.test", OK, ["six.far.test"]),
    ("cname.far.test", OK, ["cname.far.test"]),
    ("tocname.far.test", OK, ["cname.far.test"]),
    ("nullmore.far.test", OK, ["first.far.test"]),
    ("odd.far.test", OK, ["first.far.test"]),
    ("behind.far.test", OK, ["first.far.test"]),
    ("null.far.test", NULL_MX, []),
    ("nowhere.far.test", NO_DOMAIN, []),
    ("text.far.test", NO_ADDRESS, []),
    ("big.far.test", NO_ADDRESS, []),
    ("literal.far.test", NO_ADDRESS, []),
    ("loop.far.test", NO_ADDRESS, []),
    ("mail.example.test", TEMP, []),
    ("", NO_DOMAIN, []),
    (".", NO_DOMAIN, []),
    ("a..b", NO_DOMAIN, []),
    ("x" * 64 + ".test", NO_DOMAIN, []),
    ("sp ace.far.test", NO_DOMAIN, []),
    ("192.0.2.1", NO_DOMAIN, []),
    (".".join(["a" * 60] * 4) + ".far.test", NO_DOMAIN, []),
])
def test_domain(resolve, name, status, hosts):
    got = ask(resolve, name)
    assert (got[0], [h[1] for h in got[1]]) == (status, hosts), got
    assert status == OK or got[2][:2] in ("5.", "4."), got
    assert status != TEMP or got[2].startswith("4."), got


def test_loop_says_so(resolve):
    assert ask(resolve, "loop.far.test")[2].startswith("5.4.6")


def test_smarthost_may_be_ourselves(nsd):
    d = rohrpost.scratch("resolve")
    with start(d, nsd.port, hostname="plain.far.test") as p:
        assert ask(p, "plain.far.test")[2].startswith("5.4.6")
        status, hosts, _ = ask(p, "plain.far.test", N_HOST)
        assert status == OK and hosts[0][2] == ["127.0.0.3"]
    rohrpost.remove(d)


def test_cname_loop_is_no_crash(resolve):
    assert ask(resolve, "round.far.test")[0] in (TEMP, NO_ADDRESS)
    assert resolve.alive()


def test_host_asks_no_mx(resolve):
    status, hosts, _ = ask(resolve, "null.far.test", N_HOST)
    assert status == NO_ADDRESS
    status, hosts, _ = ask(resolve, "first.far.test", N_HOST)
    assert hosts[0][2] == ["2001:db8::2", "127.0.0.2"]
    status, hosts, _ = ask(resolve, "localhost", N_HOST)
    assert status == OK and "127.0.0.1" in hosts[0][2]


def test_bounds(resolve):
    status, hosts, _ = ask(resolve, "many.far.test")
    assert status == OK and len(hosts) == 20
    status, hosts, _ = ask(resolve, "wide.far.test")
    assert status == OK and len(hosts[0][2]) == 8


def test_many_at_once(resolve):
    """More than are worked on at a time: the rest waits, none is lost."""
    c = resolve.peers["relay"]
    for i in range(500):
        c.send(N_MX, {NF_NAME: b"far.test"}, i + 1)
    assert {c.recv()[1] for i in range(500)} == set(range(1, 501))


def test_bad_frame_drops_that_peer_only(resolve):
    bad = resolve.wire("relay")
    bad.send(N_HOSTS, {NF_STATUS: frames.u32(0)}, 1)
    assert bad.recv() is None
    gone = resolve.wire("relay")
    gone.send(N_MX, {NF_NAME: b"far.test"}, 1)
    gone.close()
    assert ask(resolve, "far.test")[0] == OK


@pytest.mark.parametrize("name,answer", [
    ("servfail", lambda q: [reply(q, 0x8182)]),
    ("refused", lambda q: [reply(q, 0x8185)]),
    ("silence", lambda q: []),
    ("wrong id", lambda q: [b"\xff\xfe" + reply(q, 0x8180)[2:]]),
    ("garbage", lambda q: [os.urandom(200), b"", b"\0" * 11]),
    ("pointer loop", lambda q: [q[:2] + struct.pack(
        ">HHHHH", 0x8180, 1, 1, 0, 0) + b"\xc0\x0c" + b"\0\x0f\0\1"]),
    ("cut", lambda q: [reply(q, 0x8380)]),
    ("short rdata", lambda q: [reply(
        q, 0x8180, b"\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\1\0", 1)]),
])
def test_trouble_is_later(name, answer):
    server = Server(answer)
    d = rohrpost.scratch("resolve")
    with start(d, server.port) as p:
        began = time.time()
        status, hosts, words = ask(p, "some.trouble.test")
        assert status == TEMP and words.startswith("4.4.3"), (status, words)
        assert time.time() - began < 40
        assert p.alive()
    server.close()
    rohrpost.remove(d)


def test_reload_is_a_fresh_process(nsd):
    d = rohrpost.scratch("resolve")
    with start(d, nsd.port) as p:
        assert ask(p, "far.test")[0] == OK
        p.master.send(frames.WIRE_RELOAD, {})
        assert p.proc.wait(5) == 0
    rohrpost.remove(d)


@pytest.mark.root
def test_changed_resolv_conf_is_seen(tmp_path):
    """In a mount name space where /etc/resolv.conf is a file of ours."""
    conf, sbin = tmp_path / "resolv.conf", tmp_path / "prefix" / "sbin"
    conf.write_text("nameserver 127.53.0.1\n")
    sbin.mkdir(parents=True)
    script = sbin / "rohrpost"
    script.write_text(
        "#!/bin/sh\nexec unshare -m sh -c 'mount --bind %s /etc/resolv.conf"
        " && exec %s \"$@\"' sh \"$@\"\n" % (conf, rohrpost.ROHRPOST))
    script.chmod(0o755)
    if subprocess.run([str(script), "--version"],
                      capture_output=True, timeout=20).returncode == 32:
        pytest.skip("no mounts here")
    d = rohrpost.scratch("resolve")
    server = Server(lambda q: [reply(q, 0x8183)], ("127.53.0.22", 53))
    with rohrpost.Instance(d, users=("anna",),
                           prefix=tmp_path / "prefix") as i:
        old = i.processes()["resolve"]
        conf.write_text("nameserver 127.53.0.22\n")
        rohrpost.wait_for(lambda: i.processes().get("resolve", old) != old,
                          20, text="another resolve")
        with i.submission() as s:
            s.sendmail("anna@example.test", ["u@far.nowhere"],
                       rohrpost.message("w", 500, "anna@example.test"))
        i.wait_count(1, seconds=60)
        assert b"5.1.2" in list(i.messages().values())[0]
    server.close()
    rohrpost.remove(d)
