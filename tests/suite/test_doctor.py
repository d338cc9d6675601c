"""doctor: its verdict, what stands in the way, what it looked at."""
import json
import os
import re
import time

import pytest

import nameserver
from rohrpost import message
from test_dns_check import HOST, net    # noqa: F401: a fixture

NOBODY = nameserver.Server(
    lambda q: [nameserver.reply(q, nameserver.NXDOMAIN)])
PROFILE = "relay"
KEYS = {"resolver": "127.0.0.1@%d" % NOBODY.port,
        "relay_host": "[127.0.0.1]", "relay_port": "1", "relay_tls": "never"}
LANG = {"LANG": "C", "LANGUAGE": ""}


def doctor(i, *args, conf=()):
    """Its rows, with lines of rohrpost.conf changed."""
    path = i.conf / "rohrpost.conf"
    text = path.read_text()
    for line in conf:
        path.write_text(path.read_text() + line + "\n")
    try:
        p = i.command("doctor", *args, "--json", env=LANG)
    finally:
        path.write_text(text)
    assert p.stderr == "", p.stderr
    return json.loads(p.stdout), p.returncode


def codes(rows):
    return {r["code"] for r in rows}


def test_a_running_server(inst):
    rows, status = doctor(inst, "--address", "192.0.2.1")
    assert status == 1
    ports = {m for r in rows if r["code"] == "port-good"
             for m in re.findall(r"Port (\d+)", r["finding"])}
    assert ports == {str(p) for p in inst.ports.values()}
    got = codes(rows)
    assert {"queue-good", "certificate-own", "disk-good"} <= got
    assert not got & {"stopped", "port-dead", "queue-old"}
    assert all(r["state"] == ("fault" if r["consequence"] else "fact")
               for r in rows)


def test_an_old_message(inst):
    """Its age is that of its file."""
    with inst.submission() as s:
        s.sendmail("anna@example.test", ["x@far.test"],
                   message("old", sender="anna@example.test"))
    ids = [r["id"] for r in inst.json("queue", "list")]
    assert len(ids) == 1
    body = inst.state / "spool/queue/body" / ids[0]
    os.utime(body, (time.time() - 5 * 3600,) * 2)
    rows, _ = doctor(inst, "--address", "192.0.2.1")
    old = [r["finding"] for r in rows if r["code"] == "queue-old"]
    assert len(old) == 1 and ids[0] in old[0] and " 5 hours" in old[0]


def test_a_dead_port(inst):
    path = inst.conf / "rohrpost.conf"
    text = path.read_text()
    path.write_text(re.sub(r"(?m)^listen_pop3 =.*",
                           "listen_pop3 = 127.0.0.1:1", text))
    try:
        rows, _ = doctor(inst, "--address", "192.0.2.1")
    finally:
        path.write_text(text)
    dead = [r["finding"] for r in rows if r["code"] == "port-dead"]
    assert len(dead) == 1 and "Port 1 (pop3)" in dead[0]


@pytest.mark.parametrize("args,conf,verdict,has", [
    (("--reach", "alive.example.test"), (), "verdict-direct",
     {"port25-good"}),
    (("--reach", "dead.example.test"), (), "verdict-relay",
     {"port25-blocked", "profile-unfit"}),
    (("--reach", "rude.example.test"), ("relay_host = smtp.far.test",),
     "verdict-relay", {"port25-refused"}),
    (("--address", "192.0.2.26"), (), "verdict-relay",
     {"ptr-other", "profile-unfit"}),
    ((), ("doctor_dnsbl = clean.test, broken.test",), "verdict-direct",
     {"not-listed", "list-error"}),
    ((), ("doctor_dnsbl = black.test",), "verdict-relay",
     {"listed", "profile-unfit"}),
])
def test_verdict(net, args, conf, verdict, has):    # noqa: F811
    rows, status = doctor(net, *args, conf=conf)
    assert rows[0]["code"] == verdict, codes(rows)
    assert status == 1 and has <= codes(rows)
    assert "profile-unfit" in has or "profile-unfit" not in codes(rows)
    assert "stopped" in codes(rows)
    # What dns check finds is in it, too.
    assert {"no-mx", "spf-double", "alias-left-out"} <= codes(rows)


def test_text_begins_with_the_verdict(net):    # noqa: F811
    p = net.command("doctor", env={"LANG": "de_DE.UTF-8", "LANGUAGE": "de"})
    assert p.returncode == 1
    lines = p.stdout.splitlines()
    assert lines[0].startswith("%s: Befund: Post kann direkt" % HOST)
    faults = [n for n, x in enumerate(lines) if x.startswith("    ")]
    facts = [n for n, x in enumerate(lines) if "Router" in x]
    assert faults and facts and max(faults) < min(facts)


def test_lists_are_judged(net):    # noqa: F811
    path = net.conf / "rohrpost.conf"
    text = path.read_text()
    path.write_text(text + "doctor_dnsbl = black.test -x.test\n")
    try:
        p = net.command("config", "check", env=LANG)
    finally:
        path.write_text(text)
    assert p.returncode == 1
    assert 'doctor_dnsbl: "-x.test" is no name of a list' in p.stderr
