"""rohrpost migrate: accounts of a Dovecot come here, and later what changed
there."""
import csv
import hashlib
import os
import pathlib
import re
import ssl
import subprocess

import pytest

import oldserver
import rohrpost
from rohrpost import Instance

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="Dovecot wants root"),
    pytest.mark.skipif(not os.path.exists(oldserver.DOVECOT),
                       reason="no Dovecot")]


def text(n, extra=b""):
    return (b"From: Eve <eve@old.test>\r\nSubject: message %d\r\n"
            b"Message-ID: <%d@old.test>\r\nDate: Sun, 13 Sep 2020 12:00:00 "
            b"+0000\r\n\r\nBody of %d\r\n%s" % (n, n, n, extra))


class Move:
    """From an old server to the new one, and the file between them."""

    def __init__(self, inst, old, users):
        self.inst, self.old, self.users = inst, old, users
        self.file = pathlib.Path(inst.state).parent / "accounts.csv"
        self.write([(u + ".old", oldserver.PASSWORD,
                     u + "@example.test") for u in users])

    def write(self, rows, name=None):
        f = self.file.parent / name if name else self.file
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


# One of each test: they share the two servers.
USERS = ("anna", "bert", "carl", "dora", "emil", "fred", "gina")


@pytest.fixture(scope="module")
def inst():
    d = rohrpost.scratch("migrate")
    os.chmod(d, 0o755)
    with Instance(pathlib.Path(d) / "inst", users=USERS,
                  message_size="1M").setup() as i:
        yield i
    rohrpost.remove(d)


@pytest.fixture(scope="module")
def dovecot():
    d = oldserver.Dovecot([u + ".old" for u in USERS])
    yield d
    d.stop()


@pytest.fixture
def move(inst, dovecot):
    return lambda *users: Move(inst, dovecot, users)


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


def test_clients_go_on(move, tmp_path):
    """Each account is here as it was there, and a client that knows it fetches
    nothing again."""
    m = move("anna", "bert")
    names = {"INBOX": "INBOX", "Gesendet": "Sent",
             "Arbeit/Projekt": "Arbeit/Projekt"}
    for u in m.users:
        m.old.fill(u + ".old", "INBOX", [text(n) for n in range(70)])
        m.old.fill(u + ".old", "Gesendet", [text(n) for n in range(10)], "RS")
        m.old.fill(u + ".old", "Arbeit/Projekt", [text(n) for n in range(10)],
                   "F")
    first = mbsync(tmp_path, m.old.ports["imaps"], "anna.old",
                   oldserver.PASSWORD)
    assert len(first) == 80
    assert [r["messages"] for r in m.run()] == [90, 90]
    for u in m.users:
        equal(m, u, names)
    assert mbsync(tmp_path, m.inst.ports["imaps"], "anna@example.test",
                  rohrpost.PASSWORD) == first


def test_last_run(move):
    """It brings what is new and changed there, and leaves what the user did
    here."""
    m = move("carl")
    others = set((m.inst.state / "spool/migrate").glob("*"))
    m.old.fill("carl.old", "INBOX", [text(n) for n in range(1, 11)], "S")
    assert m.run("--dry-run")["messages"] == 10
    assert m.inst.count("carl") == 0
    row = m.run()
    assert (row["state"], row["messages"], row["left"]) == ("done", 10, 0)
    here = m.inst.imap("carl")
    here.select()
    here.uid("store", "1", "+FLAGS", "(\\Flagged mine)")
    here.uid("store", "2", "+FLAGS", "\\Deleted")
    here.expunge()
    there = m.old.imap("carl.old")
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
    for f in set((m.inst.state / "spool/migrate").glob("*")) - others:
        f.unlink()
    assert m.run()["messages"] == 1
    assert len(look(here, "INBOX")) == 10


@pytest.fixture
def courier():
    d = oldserver.Dovecot(["dora.old"], ".", "INBOX.", "INBOX.Gesendet")
    yield d
    d.stop()


def test_names(inst, courier):
    """Courier's way of names; a mailbox that is here has its own numbers."""
    m = Move(inst, courier, ["dora"])
    here = m.inst.imap("dora")
    here.create("Projekt")
    here.append("Projekt", "", None, text(1000))
    for name in ("INBOX", "Gesendet", "Projekt", "Gel&APY-scht.A_b", "Spam",
                 "&ZeVnLIqe-"):
        m.old.fill("dora.old", name, [text(n) for n in range(1, 4)])
    there = m.old.imap("dora.old")
    there.create("INBOX.leer")
    there.subscribe("INBOX.leer")
    row = m.run()
    assert (row["messages"], row["mailboxes"]) == (18, 7)
    # The session ended with the INBOX that it might have waited in.
    here = m.inst.imap("dora")
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
    m = move("emil")
    m.old.fill("emil.old", "INBOX", [
        text(1), text(2, b"x" * (1 << 20)), text(3), text(4)])
    p = m.inst.command(*m.args())
    assert p.returncode == 1
    assert "INBOX, message 2: it is larger than message_size" in p.stderr
    assert sorted(look(m.inst.imap("emil"), "INBOX")) == [1, 3, 4]
    row = m.run(code=1)
    assert (row["state"], row["messages"], row["left"]) == ("partly", 0, 1)
    assert row["passed_over"] == [
        "INBOX, message 2: it is larger than message_size"]


def test_logins(move):
    """Who is let in, and by what."""
    m = move("fred")
    m.old.fill("fred.old", "INBOX", [text(1)])
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
    word = m.file.parent / "word"
    word.write_text(oldserver.PASSWORD + "\n")
    short = m.write([("fred.old", "fred@example.test")], "short.csv")
    p = m.inst.command("migrate", host, "--csv", short, "--insecure", "-n",
                       "--master", "boss", "--password-file", str(word))
    assert p.returncode == 0 and "fred.old*boss" in p.stdout, p.stdout
    # A wrong password, an account that is not there; the other one comes.
    m.write([("login", "password", "account"),
             ("fred.old", "wrong", "fred@example.test"),
             ("fred.old", oldserver.PASSWORD, "nobody@example.test"),
             ("fred.old", oldserver.PASSWORD, "gina@example.test")])
    rows = m.run(code=1)
    assert [r["state"] for r in rows] == ["refused", "refused", "done"]
    assert m.inst.count("gina") == 1
    for bad, said in (('"a,b\n', "a quote is not ended"),
                      ("a,b\n", "3 columns are wanted, it has 2"),
                      ("a,b,c\n", "the account here is to be an address"),
                      ("", "holds no account")):
        m.file.write_text(bad)
        p = m.inst.command(*m.args())
        assert p.returncode == 1 and said in p.stderr, p.stderr
    for host in ("x:0", "[::1]993", "[::1]:x"):
        assert m.inst.command("migrate", host, "--csv", "y").returncode == 2
    assert m.inst.command("migrate", "x").returncode == 2
