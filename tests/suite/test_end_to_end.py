"""A message in by SMTP, out by IMAP and POP3, with clients that no one here
wrote."""
import contextlib
import imaplib
import os
import pathlib
import shutil
import signal
import smtplib
import socket
import subprocess
import time

import pytest

import rohrpost
from rohrpost import PASSWORD, body_of, message, wait_for


def need(program):
    assert shutil.which(program), "%s is not installed" % program
    return program


def run(*argv, **kw):
    p = subprocess.run(argv, capture_output=True, text=True, timeout=120,
                       stdin=subprocess.DEVNULL, **kw)
    assert p.returncode == 0, "%s\n%s%s" % (argv, p.stdout, p.stderr)
    return p.stdout


def test_in_from_a_stranger(inst):
    before = len(inst.messages())
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@example.test"], message("in"))
    inst.wait_count(before + 1)
    got = list(inst.messages().values())[-1]
    assert got.startswith(b"Return-Path: <eve@remote.test>\r\n"
                          b"Delivered-To: anna@example.test\r\nReceived: ")
    assert body_of(got) == message("in")


def test_submission_adds_what_is_missing(inst):
    before = len(inst.messages("bert"))
    with inst.submission("anna") as s:
        s.sendmail("anna@example.test", ["bert@example.test"],
                   b"From: anna@example.test\r\nBcc: x@example.test,\r\n"
                   b"\ty@example.test\r\nSubject: plain\r\n\r\nhello\r\n")
    inst.wait_count(before + 1, "bert")
    got = list(inst.messages("bert").values())[-1]
    head = got.split(b"\r\n\r\n")[0].lower()
    assert b"\r\ndate: " in head and b"\r\nmessage-id: <" in head
    assert b"bcc" not in head and b"y@example" not in head
    assert b"with ESMTPSA" in got


def test_pop3_reads_the_same_octets(inst):
    text = message("pop", 20000) + b"..two dots\r\n.\r\n. one\r\n"
    before = len(inst.messages("bert"))
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["bert@example.test"], text)
    inst.wait_count(before + 1, "bert")
    by_imap = list(inst.messages("bert").values())[-1]
    p = inst.pop3("bert")
    n = len(p.list()[1])
    by_pop = b"".join(line + b"\r\n" for line in p.retr(n)[1])
    p.quit()
    assert by_pop == by_imap
    assert body_of(by_imap) == text


def test_sender_must_be_owned(inst):
    with inst.submission("anna") as s:
        code, words = s.mail("bert@example.test")
        assert code == 553 and words.startswith(b"5.7.1")
        assert s.mail("")[0] == 250


def test_wrong_password(inst):
    s = smtplib.SMTP("127.0.0.1", inst.ports["submission"], timeout=60)
    s.starttls(context=rohrpost.tls_context())
    with pytest.raises(smtplib.SMTPAuthenticationError) as e:
        s.login("anna@example.test", "wrong")
    assert e.value.smtp_code == 535
    s.close()
    m = imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                          ssl_context=rohrpost.tls_context(), timeout=60)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        m.login("anna@example.test", "wrong")
    m.shutdown()


def test_no_login_without_tls(inst):
    s = smtplib.SMTP("127.0.0.1", inst.ports["submission"], timeout=60)
    s.ehlo("client.test")
    assert not s.has_extn("auth")
    assert s.docmd("AUTH", "PLAIN AGFubmEAYQ==")[0] in (530, 538)
    s.close()
    m = imaplib.IMAP4("127.0.0.1", inst.ports["imap"], timeout=60)
    assert "LOGINDISABLED" in m.capabilities
    with pytest.raises(imaplib.IMAP4.error):
        m.login("anna@example.test", PASSWORD)
    m.shutdown()


def test_aliases_and_postmaster(inst):
    inst.ctl("alias", "add", "sales@example.test", "anna@example.test",
             "bert@example.test")
    a, b = len(inst.messages()), len(inst.messages("bert"))
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["sales@example.test",
                                       "anna@example.test"], message("al"))
        s.sendmail("eve@remote.test", ["postmaster@example.test"],
                   message("pm"))
        s.sendmail("eve@remote.test", ["Anna+tag@EXAMPLE.test"],
                   message("tag"))
    inst.wait_count(a + 3)
    inst.wait_count(b + 1, "bert")
    inst.wait_empty()
    assert len(inst.messages()) == a + 3
    assert len(inst.messages("bert")) == b + 1


def test_idle_sees_a_message_within_a_second(inst):
    m = inst.imap("anna")
    m.select("INBOX")
    m.send(b"i1 IDLE\r\n")
    assert m.readline().startswith(b"+")
    start = time.monotonic()
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@example.test"],
                   message("idle"))
    wait_for(lambda: b"EXISTS" in m.readline(), 10)
    took = time.monotonic() - start
    m.send(b"DONE\r\n")
    wait_for(lambda: m.readline().startswith(b"i1 OK"), 10)
    m.shutdown()
    print("seen after %.3f s" % took)


def test_flags_are_seen_by_the_other_session(inst):
    a, b = inst.imap("anna"), inst.imap("anna")
    a.select("INBOX")
    b.select("INBOX")
    a.store("1", "+FLAGS", "(\\Flagged $Project)")
    start = time.monotonic()

    def seen():
        b.noop()
        typ, data = b.fetch("1", "(FLAGS)")
        return b"\\Flagged" in data[0] and b"$Project" in data[0]
    wait_for(seen, 5)
    print("seen after %.3f s" % (time.monotonic() - start))
    a.store("1", "-FLAGS", "(\\Flagged)")
    a.logout()
    b.logout()


def test_swaks(inst):
    need("swaks")
    before = inst.count("bert")
    run("swaks", "--server", "127.0.0.1:%d" % inst.ports["submissions"],
        "--tls-on-connect", "--auth", "LOGIN", "--auth-user",
        "anna@example.test", "--auth-password", PASSWORD,
        "--from", "anna@example.test", "--to", "bert@example.test",
        "--ehlo", "client.test", "--timeout", "60")
    inst.wait_count(before + 1, "bert")


def test_mbsync_both_ways(inst, tmp_path):
    need("mbsync")
    local = tmp_path / "mail"
    local.mkdir()
    rc = tmp_path / "mbsyncrc"
    cert = tmp_path / "cert.pem"
    import ssl
    cert.write_text(ssl.get_server_certificate(
        ("127.0.0.1", inst.ports["imaps"])))
    rc.write_text("""
IMAPAccount a
Host 127.0.0.1
Port %d
User anna@example.test
Pass "%s"
SSLType IMAPS
CertificateFile %s

IMAPStore far
Account a

MaildirStore near
Path %s/
Inbox %s/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns INBOX Archive
Create Both
Expunge Both
Sync All
SyncState *
""" % (inst.ports["imaps"], PASSWORD, cert, local, local))
    run("mbsync", "-c", str(rc), "-a", env=dict(os.environ,
                                                HOME=str(tmp_path)))
    here = [f for d in ("cur", "new")
            for f in (local / "INBOX" / d).iterdir()]
    assert len(here) == inst.count("anna")
    there = inst.count("anna", "Archive")
    new = local / "Archive" / "new" / "1234.local"
    new.write_bytes(message("mbsync").replace(b"\r\n", b"\n"))
    gone = sorted(here)[0]
    gone.unlink()
    run("mbsync", "-c", str(rc), "-a", env=dict(os.environ,
                                                HOME=str(tmp_path)))
    assert inst.count("anna", "Archive") == there + 1
    assert inst.count("anna") == len(here) - 1
    stored = list(inst.messages("anna", "Archive").values())[-1]
    assert b"Subject: t-mbsync\r\n" in stored


def test_mpop(inst, tmp_path):
    need("mpop")
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["bert@example.test"], message("mp"))
    inst.wait_empty()
    n = inst.count("bert")
    assert n > 0
    box = tmp_path / "box"
    for d in ("cur", "new", "tmp"):
        (box / d).mkdir(parents=True)
    run("mpop", "--host=127.0.0.1", "--port=%d" % inst.ports["pop3s"],
        "--tls=on", "--tls-starttls=off", "--tls-certcheck=off",
        "--user=bert@example.test",
        "--passwordeval=echo '%s'" % PASSWORD, "--keep=on",
        "--delivery=maildir,%s" % box,
        "--uidls-file=%s" % (tmp_path / "uidls"), "--auth=user",
        env=dict(os.environ, HOME=str(tmp_path)))
    assert len(list((box / "new").iterdir())) == n
    assert inst.count("bert") == n


def test_fetchmail_empties_the_mailbox(inst, tmp_path):
    need("fetchmail")
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["bert@example.test"], message("fm"))
    inst.wait_empty()
    n = inst.count("bert")
    out = tmp_path / "out"
    rc = tmp_path / "fetchmailrc"
    rc.write_text("poll 127.0.0.1 protocol pop3 port %d\n"
                  "  user \"bert@example.test\" password \"%s\"\n"
                  "  ssl no sslcertck fetchall no rewrite\n"
                  "  mda \"cat >> %s; echo >> %s\"\n"
                  % (inst.ports["pop3s"], PASSWORD, out, out))
    rc.chmod(0o600)
    run("fetchmail", "-f", str(rc), "--nosyslog", "--pidfile",
        str(tmp_path / "pid"), "-i", str(tmp_path / "ids"),
        env=dict(os.environ, HOME=str(tmp_path),
                 FETCHMAILHOME=str(tmp_path)))
    assert out.read_bytes().count(b"Return-Path: <") >= n
    assert inst.count("bert") == 0


def test_sendmail(inst):
    before = inst.count("bert")
    p = subprocess.run(
        [str(rohrpost.SENDMAIL), "-C", str(inst.conf), "-t", "-i"],
        input=b"To: bert@example.test\nSubject: by sendmail\n\n.\nend\n",
        capture_output=True, timeout=60)
    assert p.returncode == 0, p.stderr
    inst.wait_count(before + 1, "bert")
    got = list(inst.messages("bert").values())[-1]
    assert b"\r\n\r\n.\r\nend\r\n" in got


def test_unknown_recipient_and_relaying(inst):
    with inst.smtp() as s:
        s.ehlo()
        s.mail("eve@remote.test")
        code, words = s.rcpt("nobody@example.test")
        assert (code, words[:5]) == (550, b"5.1.1")
        code, words = s.rcpt("someone@elsewhere.test")
        assert (code, words[:5]) == (550, b"5.7.1")


def test_log_traces_a_message(inst):
    with inst.smtp() as s:
        s.ehlo()
        s.mail("eve@remote.test")
        s.rcpt("anna@example.test")
        code, words = s.data(message("trace"))
    assert code == 250
    qid = words.decode().split()[-1]
    inst.wait_empty()
    out = wait_for(lambda: (lambda t: t if "deliver" in t else None)(
        inst.command("trace", qid).stdout), 10)
    assert "eve@remote.test" in out and "anna@example.test" in out


def test_an_account_is_traced_with_its_tags(inst):
    ids = []
    with inst.smtp() as s:
        for to in ("anna+tag", "bert+anna", "anna+tag.x+y"):
            s.ehlo()
            s.mail("tag@remote.test")
            s.rcpt(to + "@example.test")
            code, words = s.data(message("tag"))
            ids.append(words.decode().split()[-1])
    inst.wait_empty()
    wait_for(lambda: all(inst.command("trace", i).returncode == 0
                         for i in ids), 10)
    out = inst.command("trace", "anna@example.test").stdout
    assert ids[0] in out and ids[2] in out
    assert ids[1] not in out
    out = inst.command("trace", "anna+tag@example.test").stdout
    assert ids[0] in out and ids[2] not in out


def test_large_fetch_never_stalls(inst):
    """A client that reads about as fast as we write, in uneven pieces."""
    import random
    m = inst.imap("anna")
    m.create("Large")
    text = message("large", 60000)
    for i in range(60):
        assert m.append("Large", None, None, text)[0] == "OK"
    m.select("Large", readonly=True)
    rnd = random.Random(7)
    for turn in range(12):
        m.send(b"f%d UID FETCH 1:* (BODY.PEEK[])\r\n" % turn)
        end, tail, got = b"\r\nf%d OK" % turn, b"", 0
        while end not in tail:
            data = m.sock.recv(rnd.choice((3000, 20000, 200000)))
            assert data
            got += len(data)
            tail = tail[-200:] + data
            if rnd.random() < 0.02:
                time.sleep(0.002)
        assert got > 60 * len(text)
    m.send(b"bye LOGOUT\r\n")
    m.shutdown()


def greeting(inst, source="127.0.0.1"):
    with socket.create_connection(("127.0.0.1", inst.ports["smtp"]), 30,
                                  (source, 0)) as s:
        return s.makefile("rb").readline()


def hold(inst, n):
    """So many clients that were greeted."""
    held = []

    def more():
        c = inst.raw()
        if (c.reply() or "").startswith("220 "):
            held.append(c)
        return len(held) == n
    wait_for(more, text="%d connections" % n)
    return held


def test_connections_of_one_address():
    """What ends, in order or not, makes room; others are not concerned."""
    d = rohrpost.scratch("crowd")
    inst = rohrpost.Instance(d, smtp_per_address=3)
    try:
        with inst:
            wait_for(lambda: greeting(inst).startswith(b"220 "))
            held = hold(inst, 3)
            for i in range(5):
                assert greeting(inst).startswith(b"421 4.7.0 ")
            assert greeting(inst, "127.0.0.2").startswith(b"220 ")
            with inst.raw("submission") as c:
                assert c.reply().startswith("220 ")
            held.pop().close()
            wait_for(lambda: greeting(inst).startswith(b"220 "))
            for pid in inst.processes()["smtpd"]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert held[0].line() is None
            held = hold(inst, 3)
            assert greeting(inst).startswith(b"421 4.7.0 ")
    finally:
        inst.stop()
        rohrpost.remove(d)


def test_silent_clients_at_reload_and_stop():
    """A reload leaves them alone, a stop tells them, and waits for none."""
    d = rohrpost.scratch("silent")
    inst = rohrpost.Instance(d, stop_time="600s")
    try:
        with inst:
            fresh, greeted = inst.raw(), inst.raw()
            for c in (fresh, greeted):
                assert c.reply().startswith("220 ")
            assert greeted.cmd("EHLO x").startswith("250-")
            inst.ctl("reload")
            assert greeted.cmd("NOOP").startswith("250 ")
            within = inst.submission()
            assert within.mail(inst.address("anna"))[0] == 250
            assert inst.stop() == 0
            for c in (fresh, greeted):
                assert c.reply().startswith("421 4.3.2 ")
                assert c.line() is None
            assert within.getreply()[0] == 421
    finally:
        inst.stop()
        rohrpost.remove(d)
