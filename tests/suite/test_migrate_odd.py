"""rohrpost migrate from a server that does what few do: all sides are killed
where it stands still, and what it says is not to be believed."""
import os
import pathlib
import signal
import socket
import subprocess
import threading
import types

import pytest

import fakeimap
import rohrpost
from fakeimap import Fake, Message
from rohrpost import Instance, wait_for
from test_imap import ENDED, Client

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="migrate is for root")


def text(n):
    return (b"From: Eve <eve@old.test>\r\nSubject: message %d\r\n\r\n"
            b"Body of %d\r\n" % (n, n))


def messages(last):
    return {n: Message(text(n)) for n in range(1, last + 1)}


@pytest.fixture(scope="module")
def inst():
    d = rohrpost.scratch("odd")
    os.chmod(d, 0o755)
    with Instance(pathlib.Path(d) / "inst", users=(
            "anna", "bert", "carl", "dora", "emil", "fred", "gina", "hans",
            "ida", "jo")).setup() as i:
        yield i
    rohrpost.remove(d)


@pytest.fixture
def fake():
    fakes = []

    def make(**boxes):
        fakes.append(Fake({"INBOX": {}, **boxes}))
        return fakes[-1]
    yield make
    for f in fakes:
        f.stop()


def args(inst, fake, rows):
    file = pathlib.Path(inst.state).parent / "accounts.csv"
    file.write_text("".join("%s,%s,%s@example.test\n" % (
        login, fakeimap.PASSWORD, user) for login, user in rows))
    file.chmod(0o600)
    return ["migrate", "127.0.0.1:%d" % fake.port, "--tls", "none", "--csv",
            str(file)]


def run(inst, fake, user, *more, code=0):
    p = inst.command(*args(inst, fake, [(user, user)]), "--json", *more)
    assert p.returncode == code, p.stdout + p.stderr
    return rohrpost.json.loads(p.stdout)[0]


def look(inst, user, mailbox="INBOX"):
    """uid -> what the message is."""
    m = inst.imap(user)
    assert m.select(mailbox, readonly=True)[0] == "OK"
    data = m.uid("fetch", "1:*", "(UID BODY.PEEK[])")[1]
    m.logout()
    return {int(d[0].split()[2]): d[1] for d in data if isinstance(d, tuple)}


class Stops:
    """The server stands still before those messages, once each."""

    def __init__(self, *uids):
        self.at = {u: (threading.Event(), threading.Event()) for u in uids}
        self.lost = False

    def __call__(self, uid):
        if uid in self.at:
            came, go = self.at[uid]
            came.set()
            go.wait(120)
            del self.at[uid]
            if self.lost:
                raise ConnectionError

    def wait(self, uid):
        assert self.at[uid][0].wait(120)

    def go_on(self, uid):
        self.at[uid][1].set()


def brought(inst):
    return sum(f.read_bytes().count(b"\nM ")
               for f in (inst.state / "spool/migrate").glob("*"))


def test_killed_on_the_way(inst, fake):
    """The program, the command and the server end in the middle: nothing is
    lost, nothing comes twice."""
    f = fake(INBOX=messages(120))
    f.before = stops = Stops(40, 80, 100)
    command = [str(rohrpost.ROHRPOST), "-c", str(inst.conf),
               *args(inst, f, [("anna", "anna")])]
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    # A batch is 31 messages; the next one is asked for ahead.
    stops.wait(40)
    wait_for(lambda: brought(inst) == 31, 120)
    kids = pathlib.Path("/proc/%d/task/%d/children" % (p.pid, p.pid))
    os.kill(int(kids.read_text()), signal.SIGKILL)
    stops.go_on(40)
    stops.wait(80)
    wait_for(lambda: brought(inst) == 62, 120)
    p.kill()
    p.wait()
    stops.go_on(80)
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    stops.wait(100)
    stops.lost = True
    stops.go_on(100)
    assert p.wait(120) == 0
    assert look(inst, "anna") == {n: text(n) for n in range(1, 121)}
    assert run(inst, f, "anna")["messages"] == 0


def test_mailbox_made_anew_here(inst, fake):
    """What the file says of a mailbox that is no more is not done to the one
    that has its name now."""
    f = fake(Projekt=messages(3))
    assert run(inst, f, "bert")["messages"] == 3
    here = inst.imap("bert")
    here.delete("Projekt")
    here.create("Projekt")
    for n in (100, 101):
        here.append("Projekt", "", None, text(n))
    del f.boxes["Projekt"][1]
    f.boxes["Projekt"][2].flags = "\\Flagged"
    f.boxes["Projekt"][4] = Message(text(4))
    row = run(inst, f, "bert", "--delete")
    assert (row["messages"], row["flags_changed"], row["removed"]) == \
        (1, 0, 0)
    assert sorted(look(inst, "bert", "Projekt").values()) == \
        [text(100), text(101), text(4)]
    here.select("Projekt")
    assert here.uid("search", "FLAGGED")[1] == [b""]
    # Of those that came into this one it holds.
    del f.boxes["Projekt"][4]
    assert run(inst, f, "bert", "--delete")["removed"] == 1
    assert len(look(inst, "bert", "Projekt")) == 2


def test_list_that_is_cut(inst, fake):
    """A server that lists less than is there: it is said, and what is not
    listed is not taken for gone."""
    f = fake(INBOX=messages(3))
    run(inst, f, "carl")
    del f.boxes["INBOX"][2], f.boxes["INBOX"][3]
    f.hidden = 2
    row = run(inst, f, "carl", "--delete", code=1)
    assert row["passed_over"] == ["INBOX is not whole: the server did not "
                                  "list all that it says is there"]
    assert len(look(inst, "carl")) == 3


def test_message_that_is_refused(inst, fake):
    """NO to a FETCH is about one message: the others come."""
    f = fake(INBOX=messages(70))
    f.broken = (40, 41)
    row = run(inst, f, "dora", code=1)
    assert (row["messages"], row["left"]) == (68, 2)
    assert row["passed_over"][0].startswith("INBOX, message 40: ")
    assert sorted(look(inst, "dora").values()) == sorted(
        text(n) for n in range(1, 71) if n not in f.broken)
    f.broken = ()
    assert run(inst, f, "dora")["messages"] == 2


def test_octets_without_a_name(inst, fake):
    """A message whose uid is not told does not run into the next one."""
    f = fake(INBOX=messages(3))
    f.nameless = True
    run(inst, f, "emil")
    assert look(inst, "emil") == {n: text(n) for n in range(1, 4)}


def test_keywords_that_are_none(inst, fake):
    """They are left out, and the messages come with the others."""
    f = fake(INBOX=messages(2))
    f.boxes["INBOX"][1].flags = "a{b] gr\xfcn %x good $Forwarded"
    assert run(inst, f, "fred")["messages"] == 2
    here = inst.imap("fred")
    here.select()
    assert here.uid("search", "KEYWORD", "good", "KEYWORD",
                    "$Forwarded")[1] == [b"1"]


def test_numbers_without_room(inst, fake):
    """A UIDNEXT behind which nothing fits is not taken over."""
    f = fake(INBOX=messages(3))
    f.uidnext = 0xfffffff0
    assert run(inst, f, "gina")["messages"] == 3
    inst.imap("gina").append("INBOX", "", None, text(4))
    assert sorted(look(inst, "gina")) == [1, 2, 3, 4]


def test_who_waits_in_the_inbox(inst, fake):
    """A session that has the INBOX open whose place another takes ends, so
    that its client comes back to the one that gets the mail."""
    f = fake(INBOX=messages(40))
    f.before = stops = Stops(35)
    c = Client(inst, "jo")
    c.ok("SELECT INBOX")
    c.start("IDLE")
    p = subprocess.Popen([str(rohrpost.ROHRPOST), "-c", str(inst.conf),
                          *args(inst, f, [("jo", "jo")])],
                         stdin=subprocess.DEVNULL)
    # It need not wait for the last message.
    with pytest.raises(ENDED):
        while True:
            c.line()
    assert p.poll() is None
    stops.go_on(35)
    assert p.wait(120) == 0
    # The second time nothing changes under anybody.
    c = Client(inst, "jo")
    c.ok("SELECT INBOX")
    f.boxes["INBOX"][41] = Message(text(41))
    assert run(inst, f, "jo")["messages"] == 1
    c.ok("NOOP")
    c.ok("LOGOUT")


def test_login_that_would_take_hours(inst, fake):
    """A server names how often SCRAM hashes."""
    f = fake()
    f.rounds = 4000000000
    assert "too much work" in run(inst, f, "hans", code=75)["words"]


def test_logins_that_begin_alike(inst, fake):
    """Two accounts there may become one here, the longer name first."""
    f = fake(INBOX=messages(2))
    p = inst.command(*args(inst, f, [("ida2", "ida"), ("ida", "ida")]),
                     "--jobs", "1")
    assert p.returncode == 0, p.stderr
    assert len(look(inst, "ida")) == 4
    p = inst.command(*args(inst, f, [("ida", "ida"), ("ida", "IDA")]))
    assert p.returncode == 1 and "line 2: the same stands" in p.stderr


def test_a_line_that_stands_twice(inst, fake):
    """Among very many; the first one that does is named."""
    f = fake()
    rows = [("u%d" % i, "kim") for i in range(60000)]
    rows += [("u77", "kim"), ("u9", "kim"), ("u77", "KIM")]
    p = inst.command(*args(inst, f, rows))
    assert p.returncode == 1, p.stderr
    assert "line 60001: the same stands in an earlier line" in p.stderr


def test_nobody_listens(inst, fake):
    """It is no success, and says why."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        f = types.SimpleNamespace(port=s.getsockname()[1])
        got = run(inst, f, "lea", code=75)
    assert got["state"] == "later" and got["messages"] == 0
    assert "Connection refused" in got["words"]
