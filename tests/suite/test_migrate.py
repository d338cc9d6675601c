"""rohrpost migrate: accounts of a Dovecot come here, through kills of every
side, and later what changed there."""
import csv
import hashlib
import os
import pathlib
import re
import signal
import ssl
import subprocess

import pytest

import oldserver
import rohrpost
from rohrpost import Instance, wait_for

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="Dovecot wants root"),
    pytest.mark.skipif(not os.path.exists(oldserver.DOVECOT),
                       reason="no Dovecot")]
MANY = int(os.environ.get("ROHRPOST_MIGRATE_MESSAGES", "600"))


def text(n, extra=b""):
    return (b"From: Eve <eve@old.test>\r\nSubject: message %d\r\n"
            b"Message-ID: <%d@old.test>\r\nDate: Sun, 13 Sep 2020 12:00:00 "
            b"+0000\r\n\r\nBody of %d\r\n%s" % (n, n, n, extra))


class Move:
    """An old server, a new one, and the file between them."""

    def __init__(self, directory, users=("anna",), old=None, **keys):
        self.dir = pathlib.Path(directory)
        self.inst = Instance(self.dir / "inst", users=("anna", "bert"),
                             **keys).setup().start()
        self.old = old or oldserver.Dovecot([u + ".old" for u in users])
        self.users = users
        self.file = self.dir / "accounts.csv"
        self.write([(u + ".old", oldserver.PASSWORD,
                     u + "@example.test") for u in users])

    def write(self, rows, name=None):
        f = self.dir / name if name else self.file
        with open(f, "w", newline="") as out:
            csv.writer(out).writerows(rows)
        os.chmod(f, 0o600)
        return str(f)

    def args(self, *more, port="imaps"):
        return ["migrate", "localhost:%d" % self.old.ports[port], "--csv",
                str(self.file), "--ca", str(self.old.dir / "cert.pem"), *more]

    def run(self, *more, code=0, **kw):
        p = self.inst.command(*self.args(*more, **kw), "--json")
        assert p.returncode == code, p.stdout + p.stderr
        rows = rohrpost.json.loads(p.stdout)
        return rows[0] if len(rows) == 1 else rows

    def begin(self):
        return subprocess.Popen(
            [str(rohrpost.ROHRPOST), "-c", str(self.inst.conf),
             *self.args()], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def close(self):
        self.inst.stop()
        self.old.stop()


@pytest.fixture
def move():
    d = rohrpost.scratch("migrate")
    os.chmod(d, 0o755)
    moves = []

    def make(**kw):
        moves.append(Move(d, **kw))
        return moves[-1]
    yield make
    for m in moves:
        m.close()
    rohrpost.remove(d)


def look(m, mailbox):
    """uid -> (flags, INTERNALDATE, what the message is)."""
    typ, _ = m.select('"%s"' % mailbox, readonly=True)
    assert typ == "OK", mailbox
    found = {}
    _, data = m.uid("fetch", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
    data = data or []
    for part, behind in zip(data, data[1:]):
        if not isinstance(part, tuple):
            continue
        # Dovecot may tell the flags behind the message.
        head = part[0] + (behind if isinstance(behind, bytes) else b"")
        flags = re.search(rb"FLAGS \(([^)]*)\)", head)[1].split()
        # A day of one digit may have a blank before it, or a zero.
        date = re.search(rb'INTERNALDATE "[ 0]?([^"]*)"', head)[1]
        found[int(re.search(rb"UID (\d+)", head)[1])] = (
            sorted(set(flags) - {b"\\Recent"}), date,
            hashlib.sha256(part[1]).hexdigest())
    return found


def validity(m, mailbox):
    _, data = m.status('"%s"' % mailbox, "(UIDVALIDITY UIDNEXT)")
    return [int(n) for n in re.findall(rb"[A-Z] (\d+)", data[0])]


def workers(p):
    """The programs that the command has started."""
    try:
        kids = pathlib.Path("/proc/%d/task/%d/children" % (p.pid, p.pid))
        return [int(n) for n in kids.read_text().split()]
    except OSError:
        return []


def brought(inst):
    """How many messages the files of what was brought tell of."""
    return sum(f.read_bytes().count(b"\nM ")
               for f in (inst.state / "spool/migrate").glob("*"))


def more_than(inst, p, n):
    """Waits until so many are here, or the command has ended."""
    wait_for(lambda: brought(inst) > n or p.poll() is not None, 120,
             text="more than %d messages" % n)


MBSYNC = """\
FSync no
IMAPAccount a
Host 127.0.0.1
Port {port}
User {user}
Pass "{password}"
SSLType IMAPS
CertificateFile {cert}
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
Path {dir}/near/
Inbox {dir}/near/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns INBOX Arbeit/*
Create Near
Sync Pull
SyncState {dir}/sync/
"""


def mbsync(directory, port, user, password):
    """Pulls; the files that there are then, which have flags in their
    names."""
    (directory / "near").mkdir(exist_ok=True)
    (directory / "sync").mkdir(exist_ok=True)
    cert = directory / "cert.pem"
    cert.write_text(ssl.get_server_certificate(("127.0.0.1", port)))
    rc = directory / "mbsyncrc"
    rc.write_text(MBSYNC.format(dir=directory, port=port, cert=cert,
                                user=user, password=password))
    rc.chmod(0o600)
    p = subprocess.run(["mbsync", "-c", str(rc), "c"], timeout=120,
                       capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr
    return sorted(str(f) for f in (directory / "near").rglob("*")
                  if f.is_file() and not f.name.startswith("."))


def equal(move, user, names):
    """Each mailbox is here as it is there; names: there -> here."""
    there, here = move.old.imap(user + ".old"), move.inst.imap(user)
    for a, b in names.items():
        assert look(here, b) == look(there, a), (user, a)
        assert validity(here, b) == validity(there, a), (user, a)
    there.logout()
    here.logout()


def test_killed_on_the_way(move, tmp_path):
    """The program, the command and the server are killed while it goes on:
    nothing is lost, nothing twice, and a client goes on where it was."""
    m = move(users=("anna", "bert"))
    names = {"INBOX": "INBOX", "Gesendet": "Sent",
             "Arbeit/Projekt": "Arbeit/Projekt"}
    for u in m.users:
        m.old.fill(u + ".old", "INBOX", [text(n) for n in range(MANY // 2)])
        m.old.fill(u + ".old", "Gesendet", [text(n) for n in range(20)], "RS")
        m.old.fill(u + ".old", "Arbeit/Projekt", [text(n) for n in range(30)],
                   "F")
    first = mbsync(tmp_path, m.old.ports["imaps"], "anna.old",
                   oldserver.PASSWORD)
    assert len(first) == MANY // 2 + 30
    killed = 0
    p = m.begin()
    for n in (0, 90):
        more_than(m.inst, p, n)
        for w in workers(p):
            os.kill(w, signal.SIGKILL)
            killed += 1
    more_than(m.inst, p, 150)
    p.kill()
    p.wait()
    assert killed >= 2 and brought(m.inst) < 2 * (MANY // 2 + 50)
    p = m.begin()
    more_than(m.inst, p, 200)
    m.old.kill()
    m.old.start()
    out = p.communicate(timeout=120)[0]
    # Who was not let in yet when it was killed is left for the next run.
    assert p.returncode in (0, 75), out
    if p.returncode == 75:
        m.run()
    for u in m.users:
        equal(m, u, names)
    # The UIDs are those of there: nothing is fetched again.
    assert mbsync(tmp_path, m.inst.ports["imaps"], "anna@example.test",
                  rohrpost.PASSWORD) == first
    row = m.run("-n")
    assert [r["messages"] for r in row] == [0, 0]


def test_last_run(move):
    """It brings what is new and changed there, and leaves what the user did
    here."""
    m = move()
    m.old.fill("anna.old", "INBOX", [text(n) for n in range(1, 11)], "S")
    assert m.run("--dry-run")["messages"] == 10
    assert m.inst.count("anna") == 0
    row = m.run()
    assert (row["state"], row["messages"], row["left"]) == ("done", 10, 0)
    here = m.inst.imap("anna")
    here.select()
    here.uid("store", "1", "+FLAGS", "(\\Flagged mine)")
    here.uid("store", "2", "+FLAGS", "\\Deleted")
    here.expunge()
    there = m.old.imap("anna.old")
    there.select()
    there.uid("store", "1", "-FLAGS", "\\Seen")
    there.uid("store", "3", "+FLAGS", "(\\Answered $Forwarded)")
    there.uid("store", "4:5", "+FLAGS", "\\Deleted")
    there.expunge()
    there.append("INBOX", "(\\Draft)", '"01-Feb-2021 10:00:00 +0100"',
                 text(11))
    # Mail that comes here meanwhile has the number of the one that follows.
    here.append("INBOX", "", None, text(99))
    row = m.run()
    assert (row["messages"], row["flags_changed"], row["removed"]) == \
        (1, 2, 0)
    found = look(here, "INBOX")
    assert sorted(found) == [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    assert found[1][0] == [b"\\Flagged", b"mine"]
    assert found[3][0] == [b"$Forwarded", b"\\Answered", b"\\Seen"]
    assert found[12][:2] == ([b"\\Draft"], b"1-Feb-2021 09:00:00 +0000")
    row = m.run("--delete")
    assert (row["messages"], row["flags_changed"], row["removed"]) == \
        (0, 0, 2)
    assert sorted(look(here, "INBOX")) == [1, 3, 6, 7, 8, 9, 10, 11, 12]
    # Without its file a run knows by their ids what it has brought; what
    # was deleted here comes again.
    for f in (m.inst.state / "spool/migrate").iterdir():
        f.unlink()
    assert m.run()["messages"] == 1
    assert len(look(here, "INBOX")) == 10


def test_names(move):
    """Courier's way of names; a mailbox that is here has its own numbers."""
    m = move(old=oldserver.Dovecot(["anna.old"], ".", "INBOX.",
                                   "INBOX.Gesendet"))
    here = m.inst.imap("anna")
    here.create("Projekt")
    here.append("Projekt", "", None, text(1000))
    for name in ("INBOX", "Gesendet", "Projekt", "Gel&APY-scht.A_b", "Spam",
                 "&ZeVnLIqe-"):
        m.old.fill("anna.old", name, [text(n) for n in range(1, 4)])
    there = m.old.imap("anna.old")
    there.create("INBOX.leer")
    there.subscribe("INBOX.leer")
    row = m.run()
    assert (row["messages"], row["mailboxes"]) == (18, 7)
    names = {re.search(rb'"([^"]*)"$', n)[1].decode()
             for n in here.list()[1]}
    assert names >= {"INBOX", "Sent", "Junk", "Projekt", "Gel&APY-scht/A_b",
                     "&ZeVnLIqe-", "leer"}
    assert not names & {"Gesendet", "Spam"}
    assert b'"leer"' in b"".join(here.lsub()[1])
    assert len(look(here, "Projekt")) == 4
    assert len(look(here, "Sent")) == len(look(here, "Junk")) == 3
    assert look(here, "&ZeVnLIqe-") == look(there, "INBOX.&ZeVnLIqe-")
    assert m.run()["messages"] == 0


def test_what_stays_there(move):
    """What cannot come is said, and stops nothing else."""
    m = move(message_size="1M")
    m.old.fill("anna.old", "INBOX", [
        text(1), text(2, b"x" * (1 << 20)), text(3), text(4)])
    p = m.inst.command(*m.args())
    assert p.returncode == 1
    assert "INBOX, message 2: it is larger than message_size" in p.stderr
    assert sorted(look(m.inst.imap("anna"), "INBOX")) == [1, 3, 4]
    row = m.run(code=1)
    assert (row["state"], row["messages"], row["left"]) == ("partly", 0, 1)
    assert row["passed_over"] == [
        "INBOX, message 2: it is larger than message_size"]


def test_logins(move):
    """Who is let in, and by what."""
    m = move()
    m.old.fill("anna.old", "INBOX", [text(1)])
    ports = m.old.ports
    # STARTTLS, the clear, a certificate of nobody's.
    assert m.run("--tls", "starttls", port="imap")["messages"] == 1
    assert m.run("--tls", "none", port="imap")["state"] == "done"
    host = "localhost:%d" % ports["imaps"]
    p = m.inst.command("migrate", host, "--csv", str(m.file), "--jobs", "1",
                       "-n")
    assert p.returncode == 75 and "certificate" in p.stdout, p.stdout
    p = m.inst.command("migrate", host, "--csv", str(m.file), "--insecure",
                       "-n")
    assert p.returncode == 0, p.stdout
    # A master user; its password stands in a file.
    word = m.dir / "word"
    word.write_text(oldserver.PASSWORD + "\n")
    short = m.write([("anna.old", "anna@example.test")], "short.csv")
    p = m.inst.command("migrate", host, "--csv", short, "--insecure", "-n",
                       "--master", "boss", "--password-file", str(word))
    assert p.returncode == 0 and "anna.old*boss" in p.stdout, p.stdout
    # A wrong password, an account that is not there; the other one comes.
    m.write([("login", "password", "account"),
             ("anna.old", "wrong", "anna@example.test"),
             ("anna.old", oldserver.PASSWORD, "nobody@example.test"),
             ("anna.old", oldserver.PASSWORD, "bert@example.test")])
    rows = m.run(code=1)
    assert [r["state"] for r in rows] == ["refused", "refused", "done"]
    assert m.inst.count("bert") == 1
    for bad, said in (('"a,b\n', "a quote is not ended"),
                      ("a,b\n", "3 columns are wanted, it has 2"),
                      ("a,b,c\n", "the account here is to be an address"),
                      ("", "holds no account")):
        m.file.write_text(bad)
        p = m.inst.command(*m.args())
        assert p.returncode == 1 and said in p.stderr, p.stderr
    assert m.inst.command("migrate", "x:0", "--csv", "y").returncode == 2
    assert m.inst.command("migrate", "x").returncode == 2
