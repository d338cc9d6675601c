"""States that earlier trees left, killed under load, start on this one: same
mailboxes, numbers, flags, queue, logins. tests/data/make_state makes them."""
import hashlib
import json
import os
import pathlib
import re
import subprocess

import pytest

import rohrpost
from rohrpost import message, wait_for
from test_pop3 import Pop
from test_rebuild import picture
from test_relay_alone import Hop

USERS = ("anna", "bert", "carl")
DEAD = 9  # the discard port of the loopback address: nobody listens
DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
STATES = sorted(p.name[:-len(".tar.xz")] for p in DATA.glob("*.tar.xz"))


def digest(seen):
    """A picture that can be written down."""
    return {name: [v, n, {str(uid): [
        sorted(f.decode() for f in flags), date.decode(),
        hashlib.sha256(octets).hexdigest()]
        for uid, (flags, date, octets) in mails.items()}]
        for name, (v, n, mails) in seen.items()}


def queue_picture(inst):
    return sorted([r["id"], r["sender"], r["recipient"],
                   r["state"] == "held"] for r in inst.json("queue", "list"))


def unpack(name):
    """An instance over a state, with ports of its own."""
    d = rohrpost.scratch("old-" + name)
    if os.geteuid() == 0:
        subprocess.run(["systemd-sysusers", str(
            rohrpost.PREFIX / "lib/sysusers.d/rohrpost.conf")], check=True)
    subprocess.run(["tar", "-C", str(d), "-xJf", str(DATA / (name +
                    ".tar.xz"))], check=True)
    inst = rohrpost.Instance(d, users=USERS)
    said = json.loads((DATA / (name + ".json")).read_text())
    conf = inst.conf / "rohrpost.conf"
    text = conf.read_text().replace(said["dir"], str(d))
    for service, port in inst.ports.items():
        text, n = re.subn(r"(?m)^(listen_%s = 127.0.0.1:)\d+$" % service,
                          r"\g<1>%d" % port, text)
        assert n == 1, service
    # mail that waits is as old as the state is
    text += "queue_lifetime = 3650d\n"
    conf.write_text(text)
    return inst, said


def key(inst, name, value):
    conf = inst.conf / "rohrpost.conf"
    text, n = re.subn(r"(?m)^%s = .*$" % name, "%s = %s" % (name, value),
                      conf.read_text())
    assert n == 1, name
    conf.write_text(text)


def test_there_are_states():
    assert STATES


@pytest.fixture(params=STATES)
def old(request):
    inst, said = unpack(request.param)
    inst.start()
    yield inst, said
    inst.stop()
    rohrpost.remove(inst.dir)


def test_nothing_is_lost_or_renumbered(old):
    inst, said = old
    assert digest(picture(inst)) == said["mailboxes"]
    # what was acknowledged in the last moment is delivered, each once or,
    # after the kill, again
    def whole():
        got = {re.search(rb"Subject: load-(\d+)", m).group(1)
               for m in inst.messages("carl").values()}
        return len(got) == said["load"]
    wait_for(whole, 30, text="the mail of the last moment")
    assert inst.count("bert") == 7
    waits = queue_picture(inst)
    assert waits == said["queue"], inst.said()
    assert sum(held for *rest, held in waits) == 1
    # the new tree's own restart, and a rebuild from the text files
    inst.stop()
    inst.start()
    assert digest(picture(inst)) == said["mailboxes"]
    assert queue_picture(inst) == said["queue"]
    inst.ctl("store", "rebuild", "anna@example.test")
    after = digest(picture(inst))
    for name, (validity, uidnext, mails) in said["mailboxes"].items():
        assert after[name][0] == validity and after[name][1] >= uidnext
        assert after[name][2] == mails, name
    assert inst.json("store", "check") == []


def test_it_goes_on_as_before(old):
    inst, said = old
    # aliases, alias domains, logins of every kind
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["info@example.test"],
                   message("alias", 500))
        s.sendmail("eve@remote.test", ["bert@other.test"],
                   message("domain", 500))
    inst.wait_count(9, "bert")
    before = said["mailboxes"]["INBOX"]
    wait_for(lambda: len(inst.messages()) == len(before[2]) + 1, 20)
    assert max(inst.messages()) >= before[1]
    assert len(inst.pop3("bert").list()[1]) == 9
    # how a message ends was not noted: it is learnt, and kept
    for user in ("anna", "anna", "bert", "carl"):
        p = Pop(inst, user)
        assert p.sizes_are_true()
        p.close()
    # what waited goes out once there is somebody to take it
    hop = Hop()
    try:
        key(inst, "relay_port", hop.port)
        inst.ctl("reload")
        inst.ctl("queue", "retry", "all")
        wait_for(lambda: {tuple(r[1:]) for r in queue_picture(inst)} ==
                 {("anna@example.test", "held@four.test", True)}, 30,
                 text="all but the held one: %s" % inst.said())
        held = inst.json("queue", "list")[0]["id"]
        inst.ctl("queue", "release", held)
        inst.wait_empty()
        assert len(hop.messages) == 3
    finally:
        hop.close()
