"""Who is logged in, and the end of it: sessions end at once with the account,
its password, or by the operator's word."""
import contextlib
import os
import poplib
import re
import select
import signal
import smtplib
import time

import pytest

import rohrpost
from rohrpost import PASSWORD, wait_for

pytestmark = pytest.mark.root
USERS = ("anna", "bert", "carl", "dora", "emil", "gerd", "hugo", "ines", "jens",
         "karl", "lena", "olga", "paul", "ruth", "sven", "tina")
KEYS = {"auth_delay": "0s"}
CHANGES = {
    "del": ["user", "del", "gerd@example.test"],
    "passwd": ["user", "passwd", "carl@example.test", "--stdin"],
    "disabled": ["user", "set", "dora@example.test", "--disabled"],
    "app": ["app", "del", "emil@example.test", "phone"],
}
# The same command a second time: it ends with, and says.
AGAIN = {
    "del": (["user", "del", "hugo@example.test"], 1,
            "hugo@example.test: not in users"),
    "passwd": (["user", "passwd", "ines@example.test", "--stdin"], 0, ""),
    "disabled": (["user", "set", "jens@example.test", "--disabled"], 0, ""),
}
# By hand: file, what stands there, what stands there then ("": no such line).
BY_HAND = {
    "del": ("users", r"^paul@.*\n", ""),
    "disabled": ("users", r"^(ruth@.*)$", r"\1 disabled"),
    "passwd": ("passwd", r"^(sven@[^:]*:).*$", r"\1{SSHA512}" + "A" * 96),
    "app": ("passwd", r"^(tina@.*):app=phone,.*$", r"\1"),
}


class Sessions:
    """One of each kind, and of submission one within a message."""

    def __init__(self, inst, user):
        self.imap = inst.imap(user)
        self.idle = inst.imap(user)
        self.idle.select("INBOX")
        self.idle.send(b"i IDLE\r\n")
        assert self.idle.readline().startswith(b"+")
        self.pop3 = inst.pop3(user)
        self.smtp = inst.submission(user)
        self.within = inst.submission(user)
        sender = inst.address(user)
        assert self.within.mail(sender)[0] == 250
        assert self.within.rcpt("bert@example.test")[0] == 250

    def work(self):
        assert self.imap.noop()[0] == "OK"
        assert self.pop3.noop().startswith(b"+OK")
        assert self.smtp.noop()[0] == 250
        assert self.within.noop()[0] == 250

    def end(self):
        """What each has heard, to its end."""
        assert self.imap.readline().startswith(b"* BYE ")
        assert self.imap.readline() == b""
        assert self.idle.readline().startswith(b"* BYE ")
        assert self.idle.readline() == b""
        assert self.pop3.file.readline() == b""
        for s in self.smtp, self.within:
            assert s.getreply() == (421, b"4.7.0 your login has ended, log "
                                         b"in again")
            assert s.sock.recv(100) == b""

    def close(self):
        for m in self.imap, self.idle:
            m.shutdown()
        self.pop3.close()
        for s in self.smtp, self.within:
            s.close()


def rows(inst, user):
    return [r for r in inst.json("session", "list")
            if r["user"] == inst.address(user)]


@contextlib.contextmanager
def stopped(inst, name):
    """One that ends by itself meanwhile is none of those that are meant."""
    pids = inst.processes()[name]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def in_status(inst, user):
    """Of each process of a user, imapd first, then pop3d and smtpd: how many
    sessions it has."""
    found = sorted((r["program"], r["sessions"]) for r in inst.json("status")
                   if r["user"] == inst.address(user))
    return [n for _, n in found]


def test_list(inst):
    before = time.time() - 2
    s = Sessions(inst, "bert")
    got = rows(inst, "bert")
    assert sorted(r["protocol"] for r in got) == [
        "imaps", "imaps", "pop3s", "submission", "submission"]
    for r in got:
        assert r["address"].startswith("127.0.0.1:")
        assert r["tls"].startswith("TLSv1.3 ")
        assert before < r["since"] < time.time() + 2
    assert len({r["session"] for r in got}) == 5
    head = inst.ctl("session", "list").splitlines()[0].lower().split()
    assert head == ["session", "user", "protocol", "address", "since", "tls"]
    wait_for(lambda: in_status(inst, "bert") == [2, 1, 1, 1])
    s.imap.logout()
    s.idle.send(b"DONE\r\n")
    assert s.idle.readline().startswith(b"i OK")
    s.idle.logout()
    s.pop3.quit()
    s.smtp.quit()
    s.within.quit()
    wait_for(lambda: rows(inst, "bert") == [])


@pytest.mark.parametrize("how", CHANGES)
def test_sessions_end_with(inst, how, tmp_path):
    """At once, also within a message; nobody else notices."""
    other = Sessions(inst, "bert")
    if how == "app":
        inst.ctl("app", "add", "emil@example.test", "phone")
    user = CHANGES[how][2].split("@")[0]
    s = Sessions(inst, user)
    s.work()
    new = tmp_path / "new"
    new.write_text("another horse 9\n")
    with open(new) as f:
        inst.ctl(*CHANGES[how], stdin=f)
    s.end()
    wait_for(lambda: rows(inst, user) == [])
    other.work()
    assert len(rows(inst, "bert")) == 5
    other.close()
    wait_for(lambda: rows(inst, "bert") == [])


@contextlib.contextmanager
def out_of_reach(inst):
    """Master is not asked: an edit does what one does that is killed then."""
    door = inst.state / "run" / "master.ctl"
    aside = door.with_name("aside")
    door.rename(aside)
    try:
        yield
    finally:
        aside.rename(door)


@pytest.mark.parametrize("how", AGAIN)
def test_a_command_given_again_ends_them(inst, how, tmp_path):
    """The first one has changed the tables, and no more."""
    argv, status, words = AGAIN[how]
    user = argv[2].split("@")[0]
    new = tmp_path / "new"
    new.write_text("another horse 9\n")
    before = [(inst.conf / name).read_text() for name in ("users", "passwd")]
    other, s = Sessions(inst, "bert"), Sessions(inst, user)
    with open(new) as f, out_of_reach(inst):
        inst.ctl(*argv, stdin=f)
    assert before != [(inst.conf / name).read_text()
                      for name in ("users", "passwd")]
    s.work()
    with open(new) as f:
        p = inst.command(*argv, stdin=f)
    assert p.returncode == status, p.stderr
    assert words in p.stderr
    s.end()
    other.work()
    other.close()
    wait_for(lambda: rows(inst, "bert") + rows(inst, user) == [])


def test_app_del_without_the_table_of_before(inst):
    """It says itself whose password it takes away."""
    inst.ctl("app", "add", "olga@example.test", "phone")
    s = Sessions(inst, "olga")
    (inst.state / "auth" / "passwd.cdb").unlink()
    inst.ctl("app", "del", "olga@example.test", "phone")
    s.end()


@pytest.mark.parametrize("how", ["missing", "broken"])
def test_ended_without_the_table_of_before(inst, how):
    """Of others it cannot be known, which is said."""
    user = {"missing": "karl", "broken": "lena"}[how]
    s = Sessions(inst, user)
    table = inst.state / "auth" / "passwd.cdb"
    if how == "missing":
        table.unlink()
    else:
        table.write_bytes(b"x" * 5000)
    p = inst.command("user", "set", inst.address(user), "--disabled")
    status, words = {
        "missing": (0, "open sessions go on, whatever was changed by hand"),
        "broken": (75, "the tables of before cannot be read")}[how]
    assert p.returncode == status, p.stderr
    assert words in p.stderr
    s.end()


def test_app_del_without_that_app(inst):
    """What it changes is nothing, and what may be meant is said."""
    m = inst.imap("bert")
    p = inst.command("app", "del", "bert@example.test", "phone")
    assert p.returncode == 1
    assert "no app password phone; " in p.stderr
    assert '"rohrpost session kick"' in p.stderr
    assert m.noop()[0] == "OK"
    m.logout()


@pytest.mark.parametrize("how", BY_HAND)
def test_apply_ends_what_was_changed_by_hand(inst, how):
    """Whoever wrote it, what let them in is there no more; who got another
    password beside, or a quota, works on."""
    name, old, new = BY_HAND[how]
    inst.ctl("app", "add", "tina@example.test", "phone")
    user = re.search(r"(\w+)@", old)[1]
    other, s = Sessions(inst, "bert"), Sessions(inst, user)
    s.work()
    path = inst.conf / name
    text = re.sub(old, new, path.read_text(), count=1, flags=re.M)
    assert text != path.read_text()
    path.write_text(text)
    users = (inst.conf / "users").read_text()
    (inst.conf / "users").write_text(re.sub(
        r"^bert@example.test.*$", "bert@example.test quota=%dM" % len(text),
        users, flags=re.M))
    inst.ctl("apply")
    s.end()
    wait_for(lambda: rows(inst, user) == [])
    inst.ctl("app", "add", "bert@example.test", "pc" + how)
    other.work()
    assert len(rows(inst, "bert")) == 5
    other.close()
    wait_for(lambda: rows(inst, "bert") == [])
    if user == "tina":
        return
    inst.ctl("app", "del", "tina@example.test", "phone")


def test_kick_one_session(inst):
    first, second = inst.imap("bert"), inst.imap("bert")
    address = "127.0.0.1:%d" % first.sock.getsockname()[1]
    session = next(r["session"] for r in rows(inst, "bert")
                   if r["address"] == address)
    assert inst.ctl("session", "kick", str(session)) == "1 sessions ended\n"
    assert first.readline().startswith(b"* BYE ")
    assert first.readline() == b""
    assert second.noop()[0] == "OK"
    wait_for(lambda: len(rows(inst, "bert")) == 1)
    assert inst.ctl("session", "kick", "BERT@example.test") == (
        "1 sessions ended\n")
    assert second.readline().startswith(b"* BYE ")
    assert inst.ctl("session", "kick", "4000000000") == "0 sessions ended\n"
    assert inst.command("session", "kick", "bert").returncode == 1


def test_the_other_sessions_of_a_busy_process_go_on(inst):
    """What does not hear at once is ended by force, unless others use it."""
    first, second = inst.imap("bert"), inst.imap("bert")
    address = "127.0.0.1:%d" % first.sock.getsockname()[1]
    session = next(r["session"] for r in rows(inst, "bert")
                   if r["address"] == address)
    with stopped(inst, "imapd"):
        inst.ctl("session", "kick", str(session))
        time.sleep(4)
    assert first.readline().startswith(b"* BYE ")
    assert second.noop()[0] == "OK"
    with stopped(inst, "imapd"):
        inst.ctl("session", "kick", "bert@example.test")
        wait_for(lambda: rows(inst, "bert") == [])
    for m in first, second:
        m.shutdown()


def test_a_client_that_reads_nothing_is_ended(inst):
    """A long answer is under way, and nobody takes it."""
    with inst.smtp() as s:
        for i in range(12):
            s.sendmail("eve@remote.test", ["bert@example.test"],
                       rohrpost.message(i, 900000))
    inst.wait_count(12, "bert")
    m = inst.imap("bert")
    m.select("INBOX")
    m.send(b"f FETCH 1:* (BODY[])\r\n")
    assert select.select([m.sock], [], [], 20)[0]
    assert inst.ctl("session", "kick", "bert@example.test") == (
        "1 sessions ended\n")
    wait_for(lambda: rows(inst, "bert") == [])
    m.shutdown()


def test_true_reason_in_the_log_alone(inst):
    inst.ctl("user", "set", "emil@example.test", "--disabled")
    said = {}
    for name, password in (("emil@example.test", PASSWORD),
                           ("nobody@example.test", "x"),
                           ("bert@example.test", "wrong")):
        with smtplib.SMTP("127.0.0.1", inst.ports["submission"]) as s:
            s.starttls(context=rohrpost.tls_context())
            with pytest.raises(smtplib.SMTPAuthenticationError) as e:
                s.login(name, password)
            said[name] = (e.value.smtp_code, e.value.smtp_error)
    assert len(set(said.values())) == 1
    log = inst.log()
    for name, why in (("emil", "it is disabled"),
                      ("nobody", "no such account"),
                      ("bert", "wrong password")):
        assert any("login failed: %s@example.test " % name in line and
                   line.endswith(": " + why) for line in log.splitlines())

