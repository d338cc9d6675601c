"""Hostile input to POP3, row by row: the exact reply, and the mailbox
afterwards. Rows that are tested elsewhere too:

    F1, F4, F5, F8      test_login.py: test_pop3_session
    F3 (clear port)     test_login.py: test_pop3_needs_tls
    F6                  test_pop3.py: test_commands, test_uidl_over_restart

LMTP (F9) is not there."""
import re
import socket

import pytest

from rohrpost import PASSWORD, tls_context, wait_for
from test_pop3 import Pop, fill

USERS = ("anna", "bert")
KEYS = {"auth_delay": "0s"}
DOTS = b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.\r\n.x\r\n"


@pytest.fixture(scope="module")
def three(inst):
    fill(inst, "anna", 3)
    return 3


def free(inst, user):
    """A session, or None where the last one that was closed still ends."""
    pop = Pop(inst, login=False)
    assert pop.cmd("USER %s@example.test" % user).startswith("+OK")
    line = pop.cmd("PASS " + PASSWORD)
    if line.startswith("+OK"):
        return pop
    assert line.startswith("-ERR [IN-USE]"), line
    pop.close()
    return None


@pytest.fixture
def p(inst, three):
    """A session of anna's, which has three messages and keeps them."""
    pop = wait_for(lambda: free(inst, "anna"))
    assert pop.cmd("STAT").split()[1] == "3"
    yield pop
    pop.close()
    wait_for(lambda: inst.count("anna") == 3)


NONE = "-ERR no such message"
COMMANDS = {
    "F1-top-many": ("TOP 1 4294967296", r"\+OK .*"),
    "F1-top-more": ("TOP 1 99999999999999999999", "-ERR .*"),
    "F1-top-minus": ("TOP -1 1", "-ERR .*"),
    "F1-top-minus-lines": ("TOP 1 -1", "-ERR .*"),
    "F1-retr-0": ("RETR 0", NONE),
    "F1-retr-big": ("RETR 99999999999", NONE),
    "F1-retr-bigger": ("RETR 18446744073709551617", "-ERR .*"),
    "F1-list-big": ("LIST 4", NONE),
    "F1-dele-big": ("DELE 4294967297", NONE),
    "F2-user-inside": ("USER bert@example.test", "-ERR .*"),
    "F2-apop": ("APOP anna", "-ERR .*"),
    "F2-apop-long": ("APOP anna " + "a" * 32, "-ERR .*"),
}


@pytest.mark.parametrize("row", COMMANDS)
def test_command(p, row):
    text, reply = COMMANDS[row]
    line = p.cmd(text)
    assert re.fullmatch(reply, line), line
    if line.startswith("+OK"):
        while p.line() != ".":
            pass
    assert p.cmd("STAT").split()[1] == "3"


def test_F1_deleted_twice(p):
    assert p.cmd("DELE 2").startswith("+OK")
    for text in ("DELE 2", "LIST 2", "RETR 2", "UIDL 2", "TOP 2 0"):
        assert p.cmd(text) == NONE, text
    assert p.cmd("STAT").split()[1] == "2"
    # F8: what ends without QUIT deletes nothing (the fixture counts).


def test_F2_before_the_login(inst):
    """No name is kept from one try to the next, blanks belong to the
    password, and the errors are the same for a name that is not there."""
    q = Pop(inst, login=False)
    assert q.cmd("PASS " + PASSWORD).startswith("-ERR")
    for user in ("anna@example.test", "nobody@example.test"):
        assert q.cmd("USER " + user).startswith("+OK")
        assert q.cmd("STAT").startswith("-ERR")
        assert q.cmd("USER " + user).startswith("+OK")
        assert q.cmd("PASS " + PASSWORD + " ") == \
            "-ERR [AUTH] wrong name or password"
        assert q.cmd("PASS " + PASSWORD).startswith("-ERR")
    for text in ("APOP", "APOP anna@example.test", "APOP a b c", "USER",
                 "PASS", "AUTH APOP"):
        assert q.cmd(text).startswith("-ERR"), text
    q.close()
    wait_for(lambda: free(inst, "anna")).close()


def test_F3_what_stands_behind_stls_is_not_run(inst):
    s = socket.create_connection(("127.0.0.1", inst.ports["pop3"]), 30)
    f = s.makefile("rb")
    assert f.readline().startswith(b"+OK")
    s.sendall(b"STLS\r\nCAPA\r\nUSER anna@example.test\r\n")
    assert f.readline().startswith(b"+OK")
    t = tls_context()
    try:
        t = t.wrap_socket(s)
        t.sendall(b"NOOP\r\n")
        assert not t.makefile("rb").readline().startswith(b"+OK")
    except OSError:
        pass            # it is refused as a hello of TLS
    s.close()


def test_F4_one_session_at_a_time(inst, p):
    q = Pop(inst, login=False)
    assert q.cmd("USER anna@example.test").startswith("+OK")
    assert q.cmd("PASS " + PASSWORD).startswith("-ERR [IN-USE]")
    q.close()
    assert p.cmd("STAT").split()[1] == "3"


def test_F5_F6_new_mail_is_for_the_next_session(inst):
    fill(inst, "bert", 1)
    p = Pop(inst, "bert")
    before = p.many("UIDL")
    fill(inst, "bert", 1)
    assert p.cmd("STAT").split()[1] == "1" and p.many("UIDL") == before
    assert p.cmd("RETR 2") == NONE
    assert p.cmd("QUIT").startswith("+OK")
    p = Pop(inst, "bert")
    after = [x.split()[1] for x in p.many("UIDL")]
    assert len(after) == len(set(after)) == 2
    assert after[0] == before[0].split()[1]
    assert all(len(u) < 71 and re.fullmatch("[!-~]+", u) for u in after)
    assert p.cmd("QUIT").startswith("+OK")
    p.close()


def test_F7_lines_of_dots(inst):
    with inst.imap("bert") as m:
        assert m.append("INBOX", None, None, DOTS)[0] == "OK"
    p = Pop(inst, "bert")
    n = int(p.cmd("STAT").split()[1])
    lines = DOTS.decode().split("\r\n")[:-1]
    stuffed = ["." + x if x.startswith(".") else x for x in lines]
    assert p.cmd("LIST %d" % n).split()[2] == str(len(DOTS))
    assert p.many("RETR %d" % n) == stuffed
    assert p.many("TOP %d 2" % n) == stuffed[:4]
    assert p.cmd("DELE %d" % n).startswith("+OK")
    assert p.cmd("QUIT").startswith("+OK")
    wait_for(lambda: inst.count("bert") == n - 1)
