"""Mail programs as users have them, against one instance: mutt, curl, msmtp,
s-nail, getmail, offlineimap, imapfilter, imap_tools. Each starts with a message
that no other test touches."""
import os
import re
import shutil
import smtplib
import socket
import subprocess
import urllib.parse

import pytest

import rohrpost
from rohrpost import PASSWORD, message

USERS = ("anna", "bert", "carl", "dora", "emil", "fred", "gina", "hugo",
         "ines")
UNIX = (b"From: anna@example.test\nTo: bert@example.test\nSubject: unix\n\n"
        b"a line\n.\nbehind a dot\n")



def run(*argv, stdin="", cwd=None, env=None):
    assert shutil.which(argv[0]), "%s is not installed" % argv[0]
    p = subprocess.run(argv, input=stdin, capture_output=True, text=True,
                       timeout=60, cwd=cwd, errors="replace",
                       env={**os.environ, "TERM": "dumb", **(env or {})})
    assert p.returncode == 0, "%s\n%s%s" % (argv, p.stdout, p.stderr)
    return p.stdout + p.stderr


@pytest.fixture
def home(tmp_path):
    return tmp_path


def put(inst, user, subject):
    n = len(inst.messages(user))
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["%s@example.test" % user],
                   message(subject))
    inst.wait_count(n + 1, user)


def url(inst, scheme, user, service):
    return "%s://%s:%s@127.0.0.1:%d" % (
        scheme, urllib.parse.quote("%s@example.test" % user, safe=""),
        urllib.parse.quote(PASSWORD), inst.ports[service])


def curl(inst, scheme, service, path, user, *more):
    return run("curl", "-sSk", "--ssl-reqd", "-u",
               "%s@example.test:%s" % (user, PASSWORD), *more,
               "%s://127.0.0.1:%d/%s" % (scheme, inst.ports[service], path))


def test_curl(inst, home):
    put(inst, "anna", "for curl")
    assert "Subject: t-for curl" in curl(
        inst, "imaps", "imaps", "INBOX;MAILINDEX=1;SECTION=HEADER", "anna")
    assert '\\Sent) "/" "Sent"' in curl(inst, "imap", "imap", "", "anna")
    for scheme in ("pop3s", "pop3"):
        assert "Subject: t-for curl" in curl(inst, scheme, scheme, "1", "anna")
    letter = home / "letter"
    for text in (message("by curl", sender="anna@example.test"), UNIX):
        letter.write_bytes(text)
        for n, scheme in enumerate(("smtp", "smtps")):
            curl(inst, scheme, ("submission", "submissions")[n],
                 "client.test", "anna", "--mail-from", "anna@example.test",
                 "--mail-rcpt", "bert@example.test", "-T", str(letter))
    inst.wait_count(4, "bert")
    got = [m for m in inst.messages("bert").values()
           if b"\r\nSubject: unix\r\n" in m]
    assert len(got) == 2
    for text in got:
        assert text.rstrip(b"\r\n").endswith(
            b"\r\n\r\na line\r\n.\r\nbehind a dot")
    p = subprocess.run(["curl", "-sS", "-u", "anna@example.test:x",
                        "imap://127.0.0.1:%d/" % inst.ports["imap"]],
                       capture_output=True, timeout=60)
    assert p.returncode == 67			# no login without TLS


def test_mutt(inst, home):
    """Sends with a copy in Sent, and saves from INBOX into Archive."""
    rc = home / "muttrc"
    rc.write_text("""
set ssl_starttls=yes ssl_force_tls=yes ssl_verify_host=no
set ssl_verify_dates=no ssl_usesystemcerts=no
set certificate_file="%s"
set imap_user="carl@example.test" imap_pass="%s"
set folder="imaps://127.0.0.1:%d/"
set spoolfile="=INBOX" record="=Sent" copy=yes from="carl@example.test"
set smtp_url="smtp://carl@example.test@127.0.0.1:%d/" smtp_pass="%s"
set use_from=yes confirmappend=no wait_key=no quit=yes delete=yes
""" % (inst.conf / "certificate.pem", PASSWORD, inst.ports["imaps"],
       inst.ports["submission"], PASSWORD))
    env = {"HOME": str(home), "TERM": "vt100"}
    run("mutt", "-F", str(rc), "-s", "a mutt \u00fc", "--",
        "carl@example.test", stdin="text \u00e4\n", env=env)
    inst.wait_count(1, "carl")
    assert inst.count("carl", "Sent") == 1
    run("script", "-qec", "mutt -F %s -e 'push \"<save-message>=Archive"
        "<enter><sync-mailbox><quit>\"' -f =INBOX" % rc, "/dev/null",
        env=env)
    inst.wait_count(1, "carl", "Archive")
    assert inst.count("carl") == 0


def test_mutt_resyncs(inst, home):
    """With a cache and QRESYNC: what it does not hear of it would show, and
    save, all the same."""
    rc = home / "muttrc"
    rc.write_text("""
set ssl_starttls=yes ssl_force_tls=yes ssl_verify_host=no
set ssl_verify_dates=no ssl_usesystemcerts=no
set certificate_file="%s"
set imap_user="ines@example.test" imap_pass="%s"
set folder="imaps://127.0.0.1:%d/" spoolfile="=INBOX"
set imap_qresync=yes header_cache="%s"
set confirmappend=no wait_key=no quit=yes delete=yes
""" % (inst.conf / "certificate.pem", PASSWORD, inst.ports["imaps"],
       home / "cache"))
    env = {"HOME": str(home), "TERM": "vt100"}
    (home / "cache").mkdir()

    def mutt(keys):
        run("script", "-qec", "mutt -d 2 -F %s -e 'push \"%s\"' -f =INBOX" %
            (rc, keys), "/dev/null", env=env)
        return (home / ".muttdebug0").read_text(errors="replace")

    before = inst.count("ines")
    for i in range(5):
        put(inst, "ines", "resync %d" % i)
    first = mutt("<quit>")
    assert "ENABLE QRESYNC" in first and "VANISHED" not in first
    m = inst.imap("ines")
    m.select("INBOX")
    m.store("%d" % (before + 2), "+FLAGS", "(\\Deleted)")
    m.expunge()
    m.store("%d" % (before + 3), "+FLAGS", "(\\Flagged)")
    m.logout()
    text = mutt("<tag-pattern>~F<enter><tag-prefix><save-message>=Archive"
                "<enter><sync-mailbox><quit>")
    assert " VANISHED)" in text and "VANISHED (EARLIER) " in text
    assert text.count("VANISHED ") > text.count("VANISHED (EARLIER) ")
    assert inst.count("ines") == before + 3
    assert [x.split(b"Subject: ")[1].split(b"\r\n")[0] for x in
            inst.messages("ines", "Archive").values()] == [b"t-resync 3"]


@pytest.mark.parametrize("auth", ["plain", "login"])
def test_msmtp(inst, home, auth):
    before = inst.count("bert")
    run("msmtp", "-C", "/dev/null", "--host=127.0.0.1", "--port=%d" %
        inst.ports["submission"], "--tls=on", "--tls-certcheck=off",
        "--auth=" + auth, "--user=anna@example.test", "--passwordeval",
        "echo " + PASSWORD, "--from=anna@example.test", "-t",
        stdin="From: anna@example.test\nTo: bert@example.test\n"
        "Subject: msmtp\n\n.\n..\nfrom a Unix file\n")
    inst.wait_count(before + 1, "bert")
    got = list(inst.messages("bert").values())[-1]
    assert got.endswith(b"\r\n.\r\n..\r\nfrom a Unix file\r\n")


def nail(inst, *more, stdin):
    return run("s-nail", "-:/", "-S", "v15-compat", "-S",
               "tls-verify=ignore", "-S", "from=dora@example.test",
               "-S", "smtp-auth=login", *more, stdin=stdin)


def test_nail(inst):
    before = inst.count("bert")
    nail(inst, "-S", "mta=" + url(inst, "submissions", "dora",
                                  "submissions"),
         "-s", "nail", "bert@example.test", stdin="text\n")
    nail(inst, "-S", "mta=" + url(inst, "smtp", "dora", "submission"),
         "-S", "smtp-use-starttls", "-s", "nail", "bert@example.test",
         stdin="text\n")
    inst.wait_count(before + 2, "bert")
    put(inst, "dora", "for nail")
    for scheme in ("imaps", "pop3s"):
        box = url(inst, scheme, "dora", scheme)
        out = nail(inst, "-f", box + ("/INBOX" if scheme == "imaps" else ""),
                   stdin="print 1\nquit\n")
        assert "Subject: t-for nail" in out, out
    nail(inst, "-f", url(inst, "imaps", "dora", "imaps") + "/INBOX",
         stdin="delete 1\nquit\n")
    assert inst.count("dora") == 0


def test_programs_that_call_sendmail(inst, home):
    """mutt and s-nail, each with the options of its own."""
    before = inst.count("bert")
    program = "%s -C %s" % (rohrpost.SENDMAIL, inst.conf)
    rc = home / "muttrc"
    rc.write_text("set sendmail=\"%s -oem -oi\" copy=no use_from=yes "
                  "use_envelope_from=yes from=\"anna@example.test\"\n"
                  "set dsn_notify=\"failure,delay\" dsn_return=hdrs\n" % program)
    run("mutt", "-F", str(rc), "-s", "mutt", "--", "bert@example.test",
        stdin="mutt\n.\nbehind\n", env={"HOME": str(home), "TERM": "vt100"})
    inst.wait_count(before + 1, "bert")
    got = list(inst.messages("bert").values())[-1]
    assert got.startswith(b"Return-Path: <anna@example.test>\r\n")
    assert got.endswith(b"mutt\r\n.\r\nbehind\r\n")
    run("s-nail", "-:/", "-S", "v15-compat", "-S", "mta=%s" %
        rohrpost.SENDMAIL, "-S", "mta-arguments=-C %s" % inst.conf,
        "-r", "Anna <anna@example.test>", "-s", "nail", "bert@example.test",
        stdin="nail\n")
    inst.wait_count(before + 2, "bert")
    got = list(inst.messages("bert").values())[-1]
    assert got.startswith(b"Return-Path: <anna@example.test>\r\n")


class PipeSMTP(smtplib.SMTP):
    """smtplib, on the standard input and output of a program."""

    def __init__(self, args):
        self.args = args
        super().__init__("localhost", 25, local_hostname="pipe", timeout=60)

    def _get_socket(self, host, port, timeout):
        ours, theirs = socket.socketpair()
        with theirs:
            self.program = subprocess.Popen(self.args, stdin=theirs,
                                            stdout=theirs)
        ours.settimeout(timeout)
        return ours


def test_smtp_on_standard_input(inst):
    """sendmail -bs as a mail reader holds it open."""
    before = inst.count("bert")
    with PipeSMTP([str(rohrpost.SENDMAIL), "-C", str(inst.conf), "-bs"]) as s:
        for n in range(3):
            s.sendmail("anna@example.test", ["bert@example.test"],
                       message("bs %d" % n))
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                s.sendmail("anna@example.test", ["none@example.test"],
                           message("none"))
        s.sendmail("anna@example.test", ["bert@example.test"],
                   message("large") + b"x" * 70 + b"\r\n" + 20000 *
                   (b"y" * 70 + b"\r\n"))
    assert s.program.wait(60) == 0
    inst.wait_count(before + 4, "bert")


def test_getmail_leaves_on_server(inst, home):
    """What was fetched once is known again by its UIDL."""
    put(inst, "emil", "for getmail")
    rc, out = home / "rc", home / "out"
    for kind in ("POP3", "IMAP"):
        rc.write_text("""[retriever]
type = Simple%sSSLRetriever
server = 127.0.0.1
port = %d
username = emil@example.test
password = %s
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >> %s")
allow_root_commands = true
[options]
delete = false
read_all = false
""" % (kind, inst.ports[kind.lower() + "s"], PASSWORD, out))
        for fetched in (1, 0):
            text = run("getmail", "--getmaildir", str(home), "--rcfile",
                       "rc")
            assert "%d messages" % fetched in text, text
        assert out.read_text().count("Subject: t-for getmail") == 1
        out.unlink()
    assert inst.count("emil") == 1


def fingerprint(inst):
    text = run("openssl", "x509", "-noout", "-fingerprint", "-sha1", "-in",
               str(inst.conf / "certificate.pem"))
    return text.split("=")[1].strip()


def test_offlineimap_both_ways(inst, home):
    put(inst, "fred", "for offlineimap")
    rc, local = home / "rc", home / "mail"
    rc.write_text("""[general]
accounts = a
metadata = %s
ui = quiet
[Account a]
localrepository = l
remoterepository = r
[Repository l]
type = Maildir
localfolders = %s
[Repository r]
type = IMAP
remotehost = 127.0.0.1
remoteport = %d
ssl = yes
usecompression = yes
cert_fingerprint = %s
remoteuser = fred@example.test
remotepass = %s
""" % (home / "meta", local, inst.ports["imaps"], fingerprint(inst),
       PASSWORD))
    run("offlineimap", "-o", "-c", str(rc))
    files = list((local / "INBOX").glob("*/*"))
    assert len(files) == 1 and (local / "Trash").is_dir()
    # Read and answered there, and a draft is made there.
    files[0].rename(local / "INBOX" / "cur" / (
        re.sub(":2,.*", "", files[0].name) + ":2,RS"))
    (local / "Drafts" / "new" / "1.draft.here").write_bytes(
        message("a draft").replace(b"\r\n", b"\n"))
    run("offlineimap", "-o", "-c", str(rc))
    assert inst.count("fred", "Drafts") == 1
    m = inst.imap("fred")
    m.select("INBOX", readonly=True)
    assert m.search(None, "SEEN", "ANSWERED")[1] == [b"1"]
    m.logout()


def test_imapfilter(inst, home):
    put(inst, "gina", "for a filter")
    rc = home / "config.lua"
    rc.write_text("""
options.certificates = false
options.hostnames = false
a = IMAP { server = "127.0.0.1", port = %d, ssl = "auto",
    username = "gina@example.test", password = "%s" }
a:create_mailbox("Sorted")
a.INBOX:contain_subject("a filter"):move_messages(a.Sorted)
a.Sorted:is_unseen():mark_flagged()
""" % (inst.ports["imaps"], PASSWORD))
    run("imapfilter", "-c", str(rc), env={"HOME": str(home)})
    assert inst.count("gina") == 0
    m = inst.imap("gina")
    m.select("Sorted", readonly=True)
    assert m.search(None, "FLAGGED")[1] == [b"1"]
    m.logout()


def test_smtplib_with_unix_lines(inst):
    """A script that ends its lines as its files do; what would end the
    message were it CRLF does not."""
    before = inst.count("bert")
    with inst.submission() as s:
        s.mail("anna@example.test")
        s.rcpt("bert@example.test")
        assert s.docmd("DATA")[0] == 354
        s.send(UNIX + b"\r\n.\r\n")
        assert s.getreply()[0] == 250
        assert s.noop()[0] == 250
    inst.wait_count(before + 1, "bert")
    got = list(inst.messages("bert").values())[-1]
    assert b"\r\na line\r\n.\r\nbehind a dot\r\n" in got
    assert b"\n" not in got.replace(b"\r\n", b"")


def test_imap_tools(inst):
    """Folders, messages, and IDLE, which reads the continuation first even
    where something is new already."""
    import imap_tools
    put(inst, "hugo", "for imap_tools")
    with imap_tools.MailBox("127.0.0.1", inst.ports["imaps"],
                            ssl_context=rohrpost.tls_context()).login(
            "hugo@example.test", PASSWORD) as box:
        assert "\\Trash" in {x for f in box.folder.list() for x in f.flags}
        put(inst, "hugo", "before IDLE")
        with box.idle:
            pass
        with box.idle as idle:
            put(inst, "hugo", "in IDLE")
            told = []
            while not [x for x in told if b"EXISTS" in x]:
                assert (more := idle.poll(timeout=60)), told
                told += more
        got = list(box.fetch(imap_tools.AND(from_="eve@remote.test"),
                             mark_seen=False))
        assert [m.subject for m in got] == [
            "t-for imap_tools", "t-before IDLE", "t-in IDLE"]
        box.folder.create("Kept")
        box.flag(got[0].uid, imap_tools.MailMessageFlags.SEEN, True)
        box.move([m.uid for m in got[1:]], "Kept")
        box.append(UNIX.replace(b"\n", b"\r\n"), "Sent",
                   flag_set=imap_tools.MailMessageFlags.SEEN)
        box.delete(got[0].uid)
        assert box.folder.status("INBOX")["MESSAGES"] == 0
        assert box.folder.status("Kept")["MESSAGES"] == 2
        assert box.folder.status("Sent")["UNSEEN"] == 0


def test_name_of_a_windows_host(inst):
    """With what no host name has (tests/transcript/clients/outlook-*)."""
    before = inst.count("bert")
    with inst.raw("smtp") as s:
        s.reply()
        assert s.cmd("EHLO ANNA'S_PC")[:3] == "250"
        assert s.cmd("MAIL FROM: <eve@remote.test>")[:3] == "250"
        assert s.cmd("RCPT TO: <bert@example.test>")[:3] == "250"
        assert s.cmd("DATA")[:3] == "354"
        s.send(message("Outlook") + b".\r\n")
        assert s.reply()[:3] == "250"
    inst.wait_count(before + 1, "bert")
    assert b"Received: from ANNA-S_PC ([127.0.0.1])" in \
        list(inst.messages("bert").values())[-1]


def test_outlook_leaves_on_server(inst):
    """Numbers by UIDL stay the same over sessions; TOP before RETR."""
    put(inst, "emil", "for Outlook")
    seen = []
    for i in (1, 2):
        p = inst.pop3("emil")
        seen.append(p.uidl()[1])
        n = p.stat()[0]
        assert b"Subject: t-for Outlook" in p.top(n, 0)[1]
        p.retr(n)
        p.quit()
    assert seen[0] == seen[1] and len(seen[0]) == n
