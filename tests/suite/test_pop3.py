"""POP3 beyond what test_login.py holds: the commands of RFC 1939 one by one,
what CAPA says, UIDL over restarts, IMAP beside it."""
import imaplib
import os
import pathlib
import poplib
import re
import signal
import socket

import mime_grammar
import rohrpost
from rohrpost import PASSWORD, message, tls_context, wait_for

USERS = ("anna", "bert", "carl")
KEYS = {"auth_delay": "0s"}
ENDS = (b"\r\n", b"", b"\n", b"\r", b"\n\r", b"\r\n\r\n", b"\r\n.",
        b"\r\n.\r\n", b"\n.", b"\n.\r\n..\r\n", b"\r.\r\n", b".", b" ")
DATA = pathlib.Path(__file__).resolve().parents[1] / "data"


class Pop:
    """Lines of POP3 over TLS."""

    def __init__(self, inst, user="anna", login=True):
        s = socket.create_connection(("127.0.0.1", inst.ports["pop3s"]), 30)
        self.sock = tls_context().wrap_socket(s)
        self.file = self.sock.makefile("rb")
        assert self.line().startswith("+OK")
        if login:
            assert self.cmd("USER %s@example.test" % user)[0] == "+"
            r = self.cmd("PASS " + PASSWORD)
            assert r.startswith("+OK"), r

    def line(self):
        return self.file.readline().decode().rstrip("\r\n")

    def cmd(self, text):
        self.sock.sendall(text.encode() + b"\r\n")
        return self.line()

    def many(self, text):
        assert self.cmd(text).startswith("+OK"), text
        out = []
        while (line := self.line()) != ".":
            out.append(line)
        return out

    def octets(self, text):
        """What stands between +OK and the dot, its doubled dots single."""
        assert self.cmd(text).startswith("+OK"), text
        out = b""
        while (line := self.file.readline()) != b".\r\n":
            assert line, text
            out += line[1:] if line[:1] == b"." else line
        return out

    def sizes_are_true(self):
        """STAT, LIST and what RETR says and sends agree. The messages."""
        told = {int(n): int(size) for n, size in
                (x.split() for x in self.many("LIST"))}
        assert self.cmd("STAT").split()[1:3] == [
            str(len(told)), str(sum(told.values()))]
        out = []
        for n, size in told.items():
            assert self.cmd("LIST %d" % n).split()[:3] == [
                "+OK", str(n), str(size)]
            out.append(self.octets("RETR %d" % n))
            assert len(out[-1]) == size, (n, size, out[-1])
            assert self.octets("TOP %d 99999" % n) == out[-1]
        return out

    def close(self):
        self.file.close()
        self.sock.close()


def fill(inst, user, n):
    before = inst.count(user)
    with inst.smtp() as s:
        for i in range(n):
            s.sendmail("eve@remote.test", ["%s@example.test" % user],
                       message("p%d" % i, 400))
    inst.wait_count(before + n, user)


def test_capa(inst):
    p = Pop(inst, login=False)
    before = p.many("CAPA")
    for word in ("TOP", "UIDL", "USER", "PIPELINING", "RESP-CODES",
                 "AUTH-RESP-CODE", "SASL PLAIN"):
        assert word in before, (word, before)
    p.close()
    p = Pop(inst)
    after = p.many("CAPA")
    for word in ("TOP", "UIDL", "PIPELINING", "RESP-CODES"):
        assert word in after
    assert p.cmd("QUIT").startswith("+OK")
    with socket.create_connection(("127.0.0.1", inst.ports["pop3"])) as s:
        f = s.makefile("rwb")
        f.readline()
        f.write(b"CAPA\r\n")
        f.flush()
        lines = []
        while (line := f.readline().strip()) != b".":
            lines.append(line)
        # Without TLS no login is offered, but the way to TLS is.
        assert b"STLS" in lines and b"USER" not in lines
        assert not [x for x in lines if x.startswith(b"SASL")]


def test_commands(inst):
    fill(inst, "anna", 3)
    p = Pop(inst)
    assert re.fullmatch(r"\+OK 3 \d+( .*)?", p.cmd("STAT"))
    sizes = [int(x.split()[1]) for x in p.many("LIST")]
    assert int(p.cmd("STAT").split()[2]) == sum(sizes)
    assert p.cmd("LIST 2").split()[:3] == ["+OK", "2", str(sizes[1])]
    uids = [x.split()[1] for x in p.many("UIDL")]
    assert p.cmd("UIDL 2").split()[:3] == ["+OK", "2", uids[1]]
    for u in uids:
        assert 1 <= len(u) <= 70 and all("!" <= c <= "~" for c in u)
    text = p.many("RETR 2")
    assert sum(len(x) + 2 for x in text) == sizes[1]
    top = p.many("TOP 2 0")
    assert top[-1] == "" and text[:len(top)] == top
    assert p.many("TOP 2 1") == text[:len(top) + 1]
    assert p.cmd("NOOP").startswith("+OK")
    assert p.cmd("DELE 2").startswith("+OK")
    for bad in ("LIST 2", "RETR 2", "TOP 2 0", "UIDL 2", "DELE 2", "DELE 4",
                "FOO", "", "RETR", "RETR x", "STAT 1", "NOOP 1", "DELE",
                "USER anna", "PASS x", "AUTH PLAIN", "STLS", "APOP a b",
                "LIST 1 2", "RETR 4294967297", "TOP 1 x"):
        assert p.cmd(bad).startswith("-ERR"), bad
    assert [x.split()[0] for x in p.many("LIST")] == ["1", "3"]
    assert [x.split()[0] for x in p.many("UIDL")] == ["1", "3"]
    assert p.cmd("STAT").split()[1:3] == ["2", str(sizes[0] + sizes[2])]
    assert p.cmd("RSET").startswith("+OK")
    assert p.cmd("STAT").split()[1] == "3"
    p.cmd("DELE 1")
    assert p.cmd("QUIT").startswith("+OK")
    assert p.line() == ""
    assert inst.count("anna") == 2


def test_case_and_blanks(inst):
    p = Pop(inst)
    assert p.cmd("sTaT").startswith("+OK")
    assert p.cmd("list 1").startswith("+OK")
    assert p.cmd("quit").startswith("+OK")


def test_uidl_over_restart(inst):
    fill(inst, "bert", 3)
    p = Pop(inst, "bert")
    before = p.many("UIDL")
    p.close()
    inst.stop()
    inst.start()
    p = Pop(inst, "bert")
    assert p.many("UIDL") == before
    p.cmd("DELE 1")
    p.cmd("QUIT")
    assert inst.command("store", "rebuild").returncode == 0
    fill(inst, "bert", 1)
    p = Pop(inst, "bert")
    after = [x.split()[1] for x in p.many("UIDL")]
    old = [x.split()[1] for x in before]
    assert after[:2] == old[1:]
    assert after[2] not in old
    p.close()


def test_in_use_and_imap_beside(inst):
    fill(inst, "carl", 2)
    p = Pop(inst, "carl")
    q = Pop(inst, login=False)
    q.cmd("USER carl@example.test")
    assert q.cmd("PASS " + PASSWORD).startswith("-ERR [IN-USE]")
    q.close()
    m = inst.imap("carl")
    m.select()
    m.store("1", "+FLAGS", "\\Flagged")
    m.append("INBOX", None, None, message("beside"))
    # The session has the list of its first moment.
    assert p.cmd("STAT").split()[1] == "2"
    assert p.cmd("DELE 2").startswith("+OK")
    assert p.cmd("QUIT").startswith("+OK")

    def gone():
        m.noop()
        return m.search(None, "ALL")[1][0].split() == [b"1", b"2"]
    wait_for(gone, 5)
    assert b"\\Flagged" in m.fetch("1", "(FLAGS)")[1][0]
    m.logout()
    # At once free for the next, and again and again.
    for _ in range(10):
        p = Pop(inst, "carl")
        assert p.cmd("STAT").split()[1] == "2"
        p.cmd("QUIT")
        p.close()


def test_lock_is_free_when_the_client_vanishes(inst):
    fill(inst, "carl", 2)
    p = Pop(inst, "carl")
    n = int(p.cmd("STAT").split()[1])
    assert p.cmd("DELE 1").startswith("+OK")
    p.sock.close()
    p.file.close()

    def again():
        try:
            q = poplib.POP3_SSL("127.0.0.1", inst.ports["pop3s"],
                                context=tls_context(), timeout=30)
            q.user("carl@example.test")
            q.pass_(PASSWORD)
        except poplib.error_proto:
            return None
        n = q.stat()[0]
        q.quit()
        return n
    assert wait_for(again, 10) == n


def test_inbox_was_renamed_when_store_came_back(inst):
    """The messages of the session have gone elsewhere: QUIT removes none, there
    or of those that came since."""
    fill(inst, "anna", 2)
    n = inst.count("anna")
    p = Pop(inst, "anna")
    assert p.cmd("DELE 1").startswith("+OK")
    assert p.cmd("DELE 2").startswith("+OK")
    m = inst.imap("anna")
    assert m.rename("INBOX", "elsewhere")[0] == "OK"
    for i in range(2):
        assert m.append("INBOX", None, None, message("new%d" % i))[0] == "OK"
    m.logout()
    for pid in inst.processes()["store"]:
        os.kill(pid, signal.SIGKILL)
    assert p.cmd("QUIT").startswith("+OK")
    p.close()

    def counts():
        try:
            return [inst.count("anna", b) for b in ("INBOX", "elsewhere")]
        except (AssertionError, imaplib.IMAP4.error):
            return None     # store is not back yet
    assert wait_for(counts, 30) == [2, n]


def test_wrong_password_says_so(inst):
    q = Pop(inst, login=False)
    assert q.cmd("PASS x").startswith("-ERR")
    q.cmd("USER carl@example.test")
    assert q.cmd("PASS wrong").startswith("-ERR [AUTH]")
    q.cmd("USER carl@example.test")
    assert q.cmd("PASS " + PASSWORD).startswith("+OK")
    q.close()


def test_empty_mailbox(inst):
    inst.ctl("user", "add", "fresh@example.test", "--hash",
             re.search(r"anna@example.test:\s*crypt=([^:\s]+)",
                       (inst.conf / "passwd").read_text()).group(1))
    p = Pop(inst, "fresh")
    assert p.cmd("STAT").startswith("+OK 0 0")
    assert p.many("LIST") == [] and p.many("UIDL") == []
    assert p.cmd("RETR 1").startswith("-ERR")
    p.close()


def test_size_told_is_size_sent(inst):
    """Over every end that a message may have, the messages of a grammar of
    faults, and the files of tests/data for octets of any kind."""
    head = b"Subject: x\r\n\r\n"
    mails = [head + b"body" + end for end in ENDS]
    mails += [b"Subject: all header" + end for end in ENDS]
    mails += [b"\r\n", b"\n", b"x", b".", b"..", b"\r"]
    mails += [mime_grammar.Message("pop3.%d" % i).octets for i in range(80)]
    mails += [p.read_bytes().replace(b"\0", b"") for p in sorted(
        DATA.iterdir()) if p.is_file()]
    m = inst.imap("bert")
    before = inst.count("bert")
    for text in mails:
        m.send(b"x APPEND INBOX {%d}\r\n" % len(text))
        assert m.readline().startswith(b"+")
        m.send(text + b"\r\n")
        while not (line := m.readline()).startswith(b"x"):
            pass
        assert b" OK " in line, (line, text)
    m.send(b"y SELECT INBOX\r\ny2 FETCH %d:* RFC822.SIZE\r\n" % (before + 1))
    sizes = []
    while not (line := m.readline()).startswith(b"y2 "):
        if b"RFC822.SIZE" in line:
            sizes.append(int(re.search(rb"SIZE (\d+)", line).group(1)))
    assert sizes == [len(x) for x in mails]  # IMAP's are the files' own
    m.logout()
    p = Pop(inst, "bert")
    got = p.sizes_are_true()[before:]
    p.close()
    assert got == [x if x.endswith(b"\r\n") else x + b"\r\n" for x in mails]


def test_kept():
    """pop3_keep: what POP3 deleted is gone for POP3, and stays for IMAP."""
    d = rohrpost.scratch("pop3-keep-")
    with rohrpost.Instance(d, users=("anna",), auth_delay="0s",
                           pop3_keep="14d") as inst:
        fill(inst, "anna", 4)
        p = Pop(inst)
        before = dict(x.split() for x in p.many("UIDL"))
        assert len(before) == 4
        assert p.cmd("DELE 1").startswith("+OK")
        assert p.cmd("DELE 3").startswith("+OK")
        assert p.cmd("QUIT").startswith("+OK")
        p.close()
        p = Pop(inst)
        assert [x.split()[1] for x in p.many("UIDL")] == [
            before["2"], before["4"]]
        assert p.cmd("STAT").startswith("+OK 2 ")
        assert len(p.sizes_are_true()) == 2
        p.close()
        with inst.imap() as m:
            assert m.select("INBOX")[1] == [b"4"]
            assert m.search(None, "UNSEEN")[1] == [b"1 2 3 4"]
            # A copy is a message of its own.
            assert m.copy("1", "INBOX")[0] == "OK"
        p = Pop(inst)
        assert p.cmd("STAT").startswith("+OK 3 ")
        p.close()
        # From a reload on it is deleted at once.
        conf = pathlib.Path(inst.conf) / "rohrpost.conf"
        conf.write_text(conf.read_text().replace("pop3_keep = 14d",
                                                 "pop3_keep = 0d"))
        inst.ctl("reload")
        p = Pop(inst)
        assert p.cmd("DELE 1").startswith("+OK")
        assert p.cmd("QUIT").startswith("+OK")
        p.close()
        assert inst.count() == 4
        conf.write_text(conf.read_text() + "expire = Trash\n")
        r = inst.command("config", "check")
        assert r.returncode != 0
        line = len(conf.read_text().splitlines())
        assert "rohrpost.conf:%d: expire: Trash: not a rule" % line in (
            r.stdout + r.stderr)
    rohrpost.remove(d)
