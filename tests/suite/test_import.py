"""The way in: mail of another server, from its files. Debian's Dovecot makes
them; IMAP tells whether all is the same, and mbsync finds no difference.

IMPORT_MESSAGES=10000 for more of them."""
import imaplib
import os
import pathlib
import re
import subprocess

import pytest
import rohrpost
from dovecot import Dovecot
from rohrpost import PASSWORD
from test_imap import ENDED, Client

N = int(os.environ.get("IMPORT_MESSAGES", "700"))
USERS = ("anna", "bert", "carl", "dora", "fred")
FLAGS = ["()", "(\\Seen)", "(\\Seen \\Answered $Work)", "(\\Flagged red)",
         "(\\Draft)", "(\\Deleted \\Seen)"]
FOLDERS = {"INBOX": "INBOX", "Entw&APw-rfe": "Entw&APw-rfe",
           "Ablage": "Ablage", "Ablage.2024": "Ablage/2024"}


def text(i):
    return (b"From: a@b.test\r\nSubject: m-%d\r\n\r\nbody %d\r\n.\r\n"
            b"From me\r\n" % (i, i))


def fill(d, mailbox, n):
    for at in range(0, n, 500):
        tag = b"m%d" % at
        out = [tag + b" APPEND " + mailbox.encode()]
        for i in range(at, min(n, at + 500)):
            out.append(b' %s "%02d-Nov-2019 12:34:%02d +0100" {%d+}\r\n' % (
                FLAGS[i % len(FLAGS)].encode(), i % 28 + 1, i % 60,
                len(text(i))) + text(i))
        d.send(b"".join(out) + b"\r\n")
        assert d.wait(tag)[0] == "OK"


def mailbox(c, name):
    """What a client has of it: uidvalidity, uidnext, messages by uid."""
    lines = c.ok('EXAMINE "%s"' % name)[2]
    numbers = [int(re.search(rb"%s (\d+)" % w, b"\n".join(lines)).group(1))
               for w in (b"UIDVALIDITY", b"UIDNEXT")]
    found = {}
    for line in c.ok("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])")[2]:
        if b" FETCH " not in line:
            continue
        flags = set(re.search(rb"FLAGS \(([^)]*)\)", line).group(1).split())
        uid = int(re.search(rb"UID (\d+)", line).group(1))
        body = re.search(rb"\{\d+\}\r\n(.*)\)$", line, re.S).group(1)
        found[uid] = (tuple(sorted(flags - {b"\\Recent"})),
                      imaplib.Internaldate2tuple(line), body)
    return numbers, found


@pytest.fixture(scope="module")
def dovecot():

    d = Dovecot()
    for name in FOLDERS:
        if name != "INBOX":
            d.ok("CREATE %s" % name)
    d.ok("SUBSCRIBE Ablage")
    fill(d, "INBOX", N)
    for name in list(FOLDERS)[1:]:
        fill(d, name, 30)
    # numbers that are gone, the last too
    d.ok("SELECT INBOX")
    d.ok("UID STORE 5:9,%d +FLAGS (\\Deleted)" % N)
    d.ok("UID EXPUNGE 5:9,%d" % N)
    yield d
    d.close()


def mail(d):
    return os.path.join(d.dir, "mail")


def run_killed(inst, at, *args):
    """It is killed when it hears the at-th answer."""
    p = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=recvmsg",
         "-e", "inject=recvmsg:signal=KILL:when=%d" % at,
         str(inst.prefix / "sbin/rohrpost"), "-c", str(inst.conf), *args],
        capture_output=True, text=True, timeout=300)
    assert p.returncode == 75, (p.returncode, p.stdout, p.stderr)


def test_from_dovecot(inst, dovecot):
    """Killed twice on the way, then taken up: all is there, once, as it was."""

    source = mail(dovecot)
    assert "%d messages would" % (N - 6 + 90) in inst.ctl(
        "mailbox", "import", "anna@example.test", source, "--dry-run")
    before = inst.json("mailbox", "list", "anna@example.test")
    assert all(m["messages"] == 0 for m in before)
    some = 0
    for at in (1060, 450) if N == 700 else 2 * (N * 6 // 10,):
        last = some
        run_killed(inst, at, "mailbox", "import", "anna@example.test", source)
        some = sum(m["messages"] for m in
                   inst.json("mailbox", "list", "anna@example.test"))
        assert last < some < N + 84
    out = inst.ctl("mailbox", "import", "anna@example.test", source)
    assert "%d messages are imported, %d were there" % (
        N + 84 - some, some) in out
    out = inst.ctl("mailbox", "import", "anna@example.test", source)
    assert "0 messages are imported, %d were there already, 0 are left" % (
        N + 84) in out
    c = Client(inst)
    for theirs, ours in FOLDERS.items():
        assert mailbox(c, ours) == mailbox(dovecot, theirs), ours
    boxes = {m["mailbox"]: m for m in
             inst.json("mailbox", "list", "anna@example.test")}
    assert boxes["Ablage"]["subscribed"]
    assert not boxes["Entwürfe"]["subscribed"]
    # what is new comes with the next number there has, and once
    fill(dovecot, "INBOX", 1)
    assert "1 messages are imported" in inst.ctl(
        "mailbox", "import", "anna@example.test", source)
    assert mailbox(c, "INBOX") == mailbox(dovecot, "INBOX")
    c.ok("LOGOUT")


def test_mbsync_finds_no_difference(inst, dovecot, tmp_path):
    """A client that had all from Dovecot has nothing to fetch here."""

    import ssl
    near = tmp_path / "mail"
    near.mkdir()
    cert = tmp_path / "cert.pem"
    cert.write_text(ssl.get_server_certificate(
        ("127.0.0.1", inst.ports["imaps"])))
    who = ""
    if os.geteuid() == 0:
        who = "setpriv --reuid nobody --regid nogroup --clear-groups "
    tunnel = ('Tunnel "%senv HOME=%s USER=nobody CONFIG_FILE=%s/conf '
              '/usr/lib/dovecot/imap -c %s/conf"' % (
                  who, mail(dovecot), dovecot.dir, dovecot.dir))
    host = 'Host 127.0.0.1\nPort %d\nUser anna@example.test\nPass "%s"\n' \
        'SSLType IMAPS\nCertificateFile %s' % (
            inst.ports["imaps"], PASSWORD, cert)

    def sync(account):
        rc = tmp_path / "rc"
        rc.write_text("""
FSync no

IMAPAccount a
%s

IMAPStore far
Account a

MaildirStore near
Path %s/
Inbox %s/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns INBOX Ablage
Create Both
Expunge None
Sync All
SyncState *
""" % (account, near, near))
        p = subprocess.run(["mbsync", "-c", str(rc), "-a"], timeout=300,
                           capture_output=True, text=True,
                           env=dict(os.environ, HOME=str(tmp_path)))
        assert p.returncode == 0, p.stdout + p.stderr
        return {str(f.relative_to(near)): f.stat().st_ino
                for f in near.rglob("*") if f.is_file() and
                f.parent.name in ("cur", "new")}
    first = sync(tunnel)
    assert len(first) > N / 2
    c = Client(inst)
    before = [mailbox(c, m) for m in ("INBOX", "Ablage")]
    assert sync(host) == first
    assert [mailbox(c, m) for m in ("INBOX", "Ablage")] == before
    c.ok("LOGOUT")


def test_into_a_mailbox_in_use(inst, dovecot):
    """Mail is there already: nothing is lost, the numbers are new."""
    with inst.smtp() as s:
        s.sendmail("a@remote.test", "bert@example.test",
                   "Subject: here\r\n\r\nx\r\n")
    inst.wait_count(1, "bert")
    c = Client(inst, "bert")
    before = mailbox(c, "INBOX")
    out = inst.ctl("mailbox", "import", "bert@example.test", mail(dovecot))
    assert "%d messages are imported" % (N + 85) in out
    theirs = mailbox(dovecot, "INBOX")[1].values()
    ours = mailbox(c, "INBOX")
    assert ours[0][0] == before[0][0]
    assert before[1].items() <= ours[1].items()
    assert sorted(theirs) == sorted(ours[1].values())[:len(theirs)] or \
        sorted(theirs) == sorted(
            m for u, m in ours[1].items() if b"Subject: here" not in m[2])
    c.ok("LOGOUT")


COUNTED = b">From is\n\nFrom x@y.test Mon Jan  6 10:11:12 2020\n>From"
MBOX = b"""From a@b.test Thu Nov 21 10:11:12 2019
Subject: one
Status: RO
X-Status: AF
X-Keywords: red blue

>From here
>>From there
From nobody without a date

From b@c.test Fri Nov 22 10:11 2019 +0100
Subject: two
Content-Length: %d

%s

From c@d.test Sat Nov 23 10:11:12 2019
Subject: two twins

x

From c@d.test Sat Nov 23 10:11:12 2019
Subject: two twins

x
""" % (len(COUNTED), COUNTED)


def test_mbox(inst, tmp_path):
    (tmp_path / "Old.mbox").write_bytes(MBOX)
    source = str(tmp_path / "Old.mbox")
    assert "4 messages are imported" in inst.ctl(
        "mailbox", "import", "carl@example.test", source)
    # a client that reads it notes so in the file: the message is the same
    (tmp_path / "Old.mbox").write_bytes(MBOX.replace(
        b"Subject: two twins\n", b"Subject: two twins\nStatus: RO\n") +
        b"\nFrom d@e.test Sun Nov 24 10:11:12 2019\nSubject: new\n\ny\n")
    assert "1 messages are imported, 4 were there" in inst.ctl(
        "mailbox", "import", "carl@example.test", source)
    c = Client(inst, "carl")
    got = list(mailbox(c, "Old")[1].values())
    assert [g[2] for g in got] == [
        b"Subject: one\r\n\r\nFrom here\r\n>From there\r\n"
        b"From nobody without a date\r\n",
        b"Subject: two\r\n\r\n" + COUNTED.replace(b"\n", b"\r\n") +
        b"\r\n",
        b"Subject: two twins\r\n\r\nx\r\n", b"Subject: two twins\r\n\r\nx\r\n",
        b"Subject: new\r\n\r\ny\r\n"]
    assert got[0][0] == (b"\\Answered", b"\\Flagged", b"\\Seen", b"blue",
                         b"red")
    rows = inst.json("mailbox", "show", "carl@example.test", "Old")
    assert rows[0]["time"] == 1574331072 and rows[1]["time"] == 1574413860
    assert inst.ctl("mailbox", "show", "carl@example.test", "Old", "1") == \
        "Subject: one\n\n"
    c.ok("LOGOUT")


def test_who_waits_in_the_inbox(inst, tmp_path):
    """A session that has the INBOX open whose place another takes ends, so
    that its client comes back to the one that gets the mail."""
    (tmp_path / "cur").mkdir()
    (tmp_path / "cur/1.x:2,S").write_text("Subject: x\n\ny\n")
    (tmp_path / "dovecot-uidlist").write_text("3 V1234 N10\n5 :1.x\n")
    c = Client(inst, "fred")
    c.ok("SELECT INBOX")
    c.start("IDLE")
    inst.ctl("mailbox", "import", "fred@example.test", str(tmp_path))
    with pytest.raises(ENDED):
        while True:
            c.line()
    c = Client(inst, "fred")
    assert mailbox(c, "INBOX")[0] == [1234, 10]
    # the second time nothing changes under anybody
    c.ok("SELECT INBOX")
    inst.ctl("mailbox", "import", "fred@example.test", str(tmp_path))
    c.ok("NOOP")
    c.ok("LOGOUT")


@pytest.mark.root
def test_hostile_files(inst, tmp_path):
    """Links, pipes and odd names are left out; what is good comes in."""
    box = tmp_path / "box"
    for d in ("cur", "new", "tmp", ".a.b", ".a.b/cur", ".bad\x01", ".bad\x01/cur"):
        (box / d).mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_text("Subject: secret\n\n")
    (box / "cur/1.good:2,S").write_text("Subject: good\n\nx\n")
    (box / "cur/2.link:2,").symlink_to(secret)
    os.mkfifo(box / "cur/3.fifo:2,")
    (box / "cur/4.dir:2,").mkdir()
    (box / "new/5.new").write_text("Subject: new\n\nx\n")
    (box / ".a.b/cur/6.deep:2,F").write_text("Subject: deep\n\nx\n")
    (box / ".elsewhere").symlink_to(tmp_path)
    (box / "dovecot-uidlist").write_bytes(
        b"3 V99999999999 N1\n\0\xff\n1 :1.good\n" * 3)
    os.chmod(box, 0o700)
    p = inst.command("mailbox", "import", "dora@example.test", str(box))
    assert p.returncode == 1, p.stderr
    assert "3 messages are imported" in p.stdout
    for name in ("2.link", "3.fifo", "4.dir", ".elsewhere",
                 "dovecot-uidlist"):
        assert name in p.stderr, (name, p.stderr)
    c = Client(inst, "dora")
    assert len(mailbox(c, "INBOX")[1]) == 2
    assert len(mailbox(c, "a/b")[1]) == 1
    c.ok("LOGOUT")


def test_the_account_is_there(inst, tmp_path):
    for args in (("list", "nobody@example.test"),
                 ("show", "nobody@example.test", "INBOX"),
                 ("show", "anna@example.test", "nowhere"),
                 ("show", "anna@example.test", "INBOX", "4000000000"),
                 ("import", "nobody@example.test", str(tmp_path)),
                 ("import", "anna@example.test", str(tmp_path / "none")),
                 ("import", "anna@example.test", str(tmp_path), "--mailbox",
                  "a//b")):
        assert inst.command("mailbox", *args).returncode == 1, args


def files(top):
    return {str(f.relative_to(top)): (f.stat().st_ino, f.stat().st_size)
            for f in pathlib.Path(top).rglob("*") if f.is_file()
            and (f.parent.name == "cur" or f.suffix == ".mbox")}


def test_export(inst, dovecot, tmp_path):
    """Out and in again: nothing differs; a second export adds what is new."""
    c = Client(inst, "dora")
    for name in ("a.b/%c", "cur", "Entw&APw-rfe", "INBOX/x", "x"):
        c.ok('CREATE "%s"' % name)
        c.append(name, text(1), '(\\Seen $Work) "01-Feb-2020 10:11:12 +0000" ')
    c.append("cur", text(2) + b"From x\r\n>From y\r\n", "(\\Flagged) ")
    c.ok('SUBSCRIBE "a.b/%c"')
    out = tmp_path / "out"
    inst.ctl("mailbox", "export", "dora@example.test", "--maildir", str(out))
    subscribed = (out / "subscriptions").read_text().splitlines()
    assert subscribed[0] == "V\t2" and "a.b\t%c" in subscribed
    assert "x" not in subscribed and "cur" not in subscribed
    assert out.stat().st_mode & 0o777 == 0o700
    assert (out / "a.b/%25c/cur").is_dir() and (out / "%63ur/cur").is_dir()
    before = files(out)
    for f in out.rglob("*"):
        if f.is_file():
            assert f.stat().st_mode & 0o777 == 0o600
    c.append("cur", text(3))
    c.ok("SELECT Entw&APw-rfe")
    c.ok("UID STORE 1 +FLAGS (\\Answered)")
    assert "1 messages are written" in inst.ctl(
        "mailbox", "export", "dora@example.test", "--maildir", str(out))
    after = files(out)
    assert len(after) == len(before) + 1
    assert set(before.values()) < set(after.values())
    assert any(n.endswith(":2,RSa") for n in after)
    inst.ctl("user", "add", "emil@example.test", "--stdin",
             stdin=None, input=PASSWORD + "\n")
    inst.ctl("mailbox", "import", "emil@example.test", str(out))
    e = Client(inst, "emil")
    for name in ("INBOX", "a.b/%c", "cur", "Entw&APw-rfe", "INBOX/x", "x"):
        assert mailbox(e, name) == mailbox(c, name), name
    # as mboxes, with a kill's half of a message at the end
    box = tmp_path / "mbox"
    inst.ctl("mailbox", "export", "dora@example.test", "--mbox", str(box))
    whole = (box / "%63ur.mbox").read_bytes()
    assert whole.count(b"\nFrom ") == 2 and b"\n>>From y\n" in whole
    with open(box / "%63ur.mbox", "ab") as f:
        f.write(b"From half a mess")
    assert "0 messages are written" in inst.ctl(
        "mailbox", "export", "dora@example.test", "--mbox", str(box))
    assert (box / "%63ur.mbox").read_bytes() == whole
    inst.ctl("mailbox", "import", "emil@example.test", str(box),
             "--mailbox", "again")
    theirs, ours = (list(mailbox(x, n)[1].values())
                    for x, n in ((c, "cur"), (e, "again/cur")))
    assert ours == theirs
    # what somebody else has put there is not followed, nor written over
    (box / "%63ur.mbox.rohrpost").unlink()
    assert inst.command("mailbox", "export", "dora@example.test", "--mbox",
                        str(box)).returncode == 1
    evil = tmp_path / "evil"
    evil.mkdir()
    (evil / "INBOX").symlink_to(tmp_path)
    assert inst.command("mailbox", "export", "dora@example.test", "--maildir",
                        str(evil)).returncode == 1
    assert not (tmp_path / "cur").exists()
    for x in (c, e):
        x.ok("LOGOUT")
