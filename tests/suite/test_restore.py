"""K16: a copy of the state that was taken while the suite ran, as README says
it, is put where nothing was: what was answered before it began is there."""
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import pytest

import load
import rohrpost
from rohrpost import message, wait_for

USERS = ("anna", "bert")


README = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).resolve().parents[2])
    ) / "README.md"


class Sender(threading.Thread):
    """Mail for both, without a pause."""

    def __init__(self, inst):
        super().__init__(daemon=True)
        self.inst, self.acked, self.ended = inst, {}, False

    def run(self):
        n = 0
        with self.inst.smtp() as s:
            while not self.ended:
                n += 1
                to = [self.inst.address(u) for u in USERS]
                text = message(n, 2000 + n % 7 * 9000, mark="k")
                s.sendmail("eve@remote.test", to, text)
                self.acked["%d" % n] = (to, hashlib.sha256(text).digest())

    def end(self):
        self.ended = True
        self.join(60)


def copy(source, to):
    """As rsync does it: what goes while it looks is passed over."""
    subprocess.run(["cp", "-a", "--", str(source), str(to)],
                   stderr=subprocess.DEVNULL)


def take(inst, where, between):
    """In README's order; between is called after the first."""
    text = README.read_text().split("## Backup")[1]
    folders = re.findall(r"(?m)^    rsync -a /\S+/spool/(\w+) ", text)
    assert sorted(folders) == ["mail", "queue"]
    (where / "spool").mkdir(parents=True)
    copy(inst.state / "spool" / folders[0], where / "spool")
    between()
    copy(inst.state / "spool" / folders[1], where / "spool")
    copy(inst.conf, where)


def signal_all(inst, name, sig):
    for pid in inst.processes()[name]:
        os.kill(pid, sig)


def restored(inst, where, directory):
    """Another instance, on other ports, with the mail and the tables of the
    copy alone."""
    new = rohrpost.Instance(directory, users=USERS).setup()
    for name in ("users", "passwd", "domains", "aliases"):
        shutil.copy(where / "conf" / name, new.conf / name)
    shutil.rmtree(new.state / "spool", ignore_errors=True)
    subprocess.run(["cp", "-a", "--", str(where / "spool"),
                    str(new.state)], check=True)
    new.ctl("apply")
    return new


@pytest.fixture
def scratch():
    d = pathlib.Path(rohrpost.scratch("restore"))
    yield d
    rohrpost.remove(d)


def delivered(inst):
    """All is, but for what came while the queue was copied."""
    return all(r["state"] == "broken" for r in inst.json("queue", "list"))


def test_k16_copy_of_a_running_suite(scratch):
    """Some messages are in the queue when the copy begins, and are delivered
    between its parts."""
    with rohrpost.Instance(scratch / "first", users=USERS) as inst:
        m = inst.imap("anna")
        m.create("Box")
        for i in range(20):
            assert m.append("Box", "(kw%d)" % i, None, message(
                "a%d" % i))[0] == "OK"
        m.logout()
        sender = Sender(inst)
        sender.start()
        wait_for(lambda: len(sender.acked) > 100, 60)
        signal_all(inst, "deliver", signal.SIGSTOP)
        wait_for(lambda: len(sender.acked) > 130, 60)
        before = dict(sender.acked)

        def between():
            signal_all(inst, "deliver", signal.SIGCONT)
            sender.end()
            inst.wait_empty(60)
        take(inst, scratch / "copy", between)
        uids = sorted(inst.messages("anna", "Box"))
    new = restored(inst, scratch / "copy", scratch / "second")
    try:
        new.start()
        new.ctl("store", "rebuild")
        new.ctl("queue", "retry", "all")
        wait_for(lambda: delivered(new), 60, text=new.said())
        missing, broken, repeated = load.verify(new, before)
        assert not missing and not broken, new.said()
        assert sorted(new.messages("anna", "Box")) == uids
        assert new.command("store", "check").returncode == 0
        n = new.count("bert")
        with new.smtp() as s:
            s.sendmail("eve@remote.test", [new.address("bert")],
                       message("after"))
        new.wait_count(n + 1, "bert")
    finally:
        new.stop()
