"""What the log says of what was done: each line of log_words.txt is there,
word by word, once as often as it stands there. An operator has nothing but
these lines: one that is untrue, or left out, leads him astray.

Under "# NAME" stand the lines that the step of that name must bring. ID is a
queue id, N a number, PORT a port of the client's. Other lines may be there.
"""
import collections
import contextlib
import imaplib
import os
import pathlib
import re
import smtplib

import rohrpost
from rohrpost import PASSWORD, message, tls_context, wait_for

KEYS = {"relay_host": "[127.0.0.1]", "relay_tls": "never",
        "relay_port": str(rohrpost.free_port())}
HERE = pathlib.Path(__file__).parent


def plain(line):
    """PROGRAM LEVEL TEXT, without what no two runs have in common."""
    line = re.sub(r"^\S+ ", "", line)
    line = re.sub(r"^([\w-]+)\[\d+\]", r"\1", line)
    for old, new in ((r"\b[0-9a-f]{16}\b", "ID"),
                     (r"<[^@<> ]+\.ID@", "<X@"),
                     (r"message-id=<\d+\.\d+\.\d+@[^>]*>", "message-id=<X>"),
                     (r"(?<!\.)\b\d{3,}\b(?!\.\d)", "N"), (r"\b\d+s\b", "Ns"),
                     (r"session \d+", "session N"),
                     (r"operator [\w-]+:", "operator NAME:"),
                     (r"[\w./-]*/state\b", "STATE"),
                     (r"[\w./-]*/conf\b", "CONF")):
        line = re.sub(old, new, line)
    return line


def steps():
    out, name = {}, None
    for line in (HERE / "log_words.txt").read_text().splitlines():
        if line.startswith("# "):
            name = line[2:]
            out[name] = collections.Counter()
        elif line:
            out[name][line] += 1
    return out


def bad_login(i):
    with contextlib.suppress(imaplib.IMAP4.error):
        m = imaplib.IMAP4_SSL("127.0.0.1", i.ports["imaps"],
                              ssl_context=tls_context())
        m.login("anna@example.test", "wrong")
    m.shutdown()


def nobody(i):
    with contextlib.suppress(smtplib.SMTPAuthenticationError):
        with smtplib.SMTP("127.0.0.1", i.ports["submission"]) as s:
            s.starttls(context=tls_context())
            s.login("nobody@example.test", "wrong")


def stranger(i):
    with i.smtp() as s:
        s.ehlo()
        s.mail("eve@remote.test")
        s.rcpt("nobody@example.test")
        s.rcpt("x@far.test")
        s.rcpt("anna@example.test")
        s.rcpt("bert@example.test")
        s.data(message("log"))


def submission(i):
    with i.submission("anna") as s:
        s.sendmail("anna@example.test", ["bert@example.test"], message(
            "sub", sender="anna@example.test"))


def other_sender(i):
    with i.submission("anna") as s, \
            contextlib.suppress(smtplib.SMTPException):
        s.sendmail("bert@example.test", ["bert@example.test"], message("x"))


def imap(i):
    with i.imap() as m:
        m.select()
        m.append("INBOX", None, None, message("appended"))
        m.create("box")
        m.copy("1", "box")
        m.store("1", "+FLAGS", "\\Deleted")
        m.expunge()
        m.delete("box")


def pop3(i):
    p = i.pop3("bert")
    p.dele(1)
    p.quit()


def away(i):
    """Nobody listens where all mail to elsewhere goes."""
    with i.submission("anna") as s:
        s.sendmail("anna@example.test", ["x@far.test"], message(
            "away", sender="anna@example.test", to="x@far.test"))
    wait_for(lambda: "<x@far.test> deferred" in i.log(), 60)
    n = i.json("queue", "list")[0]["id"]
    for command in ("hold", "retry", "delete", "delete"):
        i.command("queue", command, n)


def kick(i):
    with i.imap() as m:
        i.ctl("session", "kick", "anna@example.test")
        with contextlib.suppress(imaplib.IMAP4.abort):
            m.noop()


def junk(i):
    with i.raw() as r:
        r.reply()
        with contextlib.suppress(OSError, AssertionError):
            for _ in range(200):
                r.cmd("FROB")
    with i.raw() as r:
        r.reply()
        for line in ("AUTH PLAIN", "HELO x", "MAIL FROM:<a@b.test> SIZE=%d" %
                     (1 << 40), "RCPT TO:<anna@example.test>", "VRFY anna",
                     "QUIT"):
            r.cmd(line)


def alias(i):
    i.ctl("alias", "add", "list@example.test", "anna@example.test")
    with i.smtp() as s:
        s.sendmail("eve@remote.test", ["list@example.test"], message("b"))


def operator(i):
    i.ctl("user", "add", "carl@example.test", "--stdin", "quota=5M",
          stdin=None, input=PASSWORD + "\n")
    i.ctl("user", "set", "carl@example.test", "--disabled")
    i.ctl("user", "del", "carl@example.test")
    i.command("user", "del", "carl@example.test")
    i.ctl("apply")
    i.ctl("reload")


def disabled(i):
    i.ctl("user", "set", "bert@example.test", "--disabled")
    with contextlib.suppress(imaplib.IMAP4.error):
        i.imap("bert")
    i.ctl("user", "set", "bert@example.test", "--enabled")


STEPS = [bad_login, nobody, stranger, submission, other_sender, imap, pop3, away,
         kick, junk, alias, operator, disabled]


def test_log_words(inst):
    expected = steps()
    assert list(expected) == [s.__name__ for s in STEPS] + ["stop"]
    for step in STEPS:
        before = len(inst.log())
        step(inst)
        holds(inst, before, expected[step.__name__], step.__name__)
    before = len(inst.log())
    inst.stop()
    holds(inst, before, expected["stop"], "stop")


def test_sockets_and_number(inst):
    """Who may connect is what the tables say, not the umask; master.pid is
    its number alone, whatever stood there."""
    inst.stop()
    run = inst.state / "run"
    (run / "master.pid").write_text("9" * 20 + "\n")
    old = os.umask(0o027)
    try:
        inst.start()
    finally:
        os.umask(old)
    assert (run / "master.pid").read_text() == "%d\n" % inst.master.pid
    for name, mode in (("master.ctl", 0o600), ("submit", 0o666)):
        assert (run / name).stat().st_mode & 0o777 == mode, name


def holds(inst, before, want, name):
    def missing():
        got = collections.Counter(map(plain, inst.log()[before:]
                                      .splitlines()))
        return want - got

    with contextlib.suppress(AssertionError):
        wait_for(lambda: not missing(), 20)
    assert not missing(), (name, missing(), inst.log()[before:])
