"""End of data and relaying: each row asserts the exact reply and the mailbox
afterwards. Only CRLF.CRLF ends data."""
import contextlib
import os
import signal
import time

import pytest

import rohrpost
from rohrpost import body_of

USERS = ("anna",)
BARE = "550 5.5.2 bare CR, bare LF or NUL in the message"

# name, octets in place of the end of data, reply to the whole of it, and
# whether what follows the octets is still inside the message
ROWS = [
    ("A1", b"\n.\n", BARE),
    ("A2", b"\n.\r\n", BARE),
    ("A3", b"\r\n.\n", BARE),
    ("A4", b"\r.\r", BARE),
    ("A5", b"\r.\n", BARE),
    ("A6", b"\n.\r", BARE),
    ("A7", b"\r.\r\n", BARE),
    ("A8", b"\r\n.\r", BARE),
    ("A9", b"\r\n.\r\r\n", BARE),
    ("A10", b"\r\r\n.\r\r\n", BARE),
    ("A12", b"\r\n\0.\r\n", BARE),
    ("A13", b"\r\0\n.\r\n", BARE),
    ("A14", b"\r\n.\0\r\n", BARE),
    ("A15", b"\r\n.\r\0\n", BARE),
]
TAIL = (b"MAIL FROM:<evil@remote.test>\r\nRCPT TO:<anna@example.test>\r\n"
        b"DATA\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\n")
HEAD = b"Subject: outer\r\n\r\nbody"


def begin(inst):
    c = inst.raw("smtp")
    assert c.reply().startswith("220 ")
    assert c.cmd("EHLO client.test").startswith("250-")
    assert c.cmd("MAIL FROM:<eve@remote.test>").startswith("250 2.1.0")
    assert c.cmd("RCPT TO:<anna@example.test>").startswith("250 2.1.5")
    assert c.cmd("DATA").startswith("354 ")
    return c


def alive(c):
    """The session goes on in order: no reply is left over."""
    assert c.cmd("RSET").startswith("250 2.0.0")
    assert c.cmd("QUIT").startswith("221 2.0.0")
    c.close()


@pytest.mark.parametrize("name,end,want", ROWS, ids=[r[0] for r in ROWS])
def test_no_other_end_of_data(inst, name, end, want):
    before = inst.messages()
    c = begin(inst)
    c.send(HEAD + end + TAIL)
    # everything up to the real end is one message, and it is refused
    assert c.reply() == want
    alive(c)
    inst.wait_empty()
    assert inst.messages() == before


NORMAL = {"A1": b"\r\n.\r\n", "A2": b"\r\n.\r\n", "A3": b"\r\n\r\n"}


@pytest.fixture(scope="module", params=["normalize", "exclude"])
def normal(request):
    """Instances that take a bare LF on port 25: from all, or from this host."""
    d = rohrpost.scratch("bare-" + request.param)
    settings = {"smtp_bare_newline": "normalize"}
    if request.param == "exclude":
        settings = {"smtp_bare_newline_exclude": "192.0.2.0/24, 127.0.0.0/8"}
    with rohrpost.Instance(d, users=USERS, **settings) as i:
        yield i
    rohrpost.remove(d)


@pytest.mark.parametrize("name,end,want", ROWS, ids=[r[0] for r in ROWS])
def test_no_other_end_of_data_where_lf_is_taken(normal, name, end, want):
    """What is no CRLF.CRLF is text, or refused as before: one message at most,
    and nothing of it is a command."""
    before = normal.messages()
    c = begin(normal)
    c.send(HEAD + end + TAIL)
    if name not in NORMAL:
        assert c.reply() == want
        alive(c)
        normal.wait_empty()
        assert normal.messages() == before
        return
    assert c.reply().startswith("250 2.0.0 queued as ")
    alive(c)
    normal.wait_count(len(before) + 1)
    normal.wait_empty()
    new = [v for k, v in normal.messages().items() if k not in before]
    assert [body_of(v) for v in new] == [HEAD + NORMAL[name] + TAIL[:-3]]


def test_unix_lines_of_a_device(normal):
    """A program that knows no CR but in the end of data: commands too."""
    before = normal.messages()
    c = normal.raw("smtp")
    assert c.reply().startswith("220 ")
    c.send(b"HELO scanner\nMAIL FROM:<scan@remote.test>\n"
           b"RCPT TO:<anna@example.test>\nDATA\n")
    for want in ("250 ", "250 2.1.0 ", "250 2.1.5 ", "354 "):
        assert c.reply().startswith(want)
    c.send(b"Subject: page\n\n1\n\r\n.\r\n")
    assert c.reply().startswith("250 2.0.0")
    alive(c)
    normal.wait_count(len(before) + 1)
    new = [v for k, v in normal.messages().items() if k not in before]
    assert [body_of(v) for v in new] == [
        b"Subject: page\r\n\r\n1\r\n\r\n"]


def test_bare_newline_is_checked():
    """What cannot be read is said with its line before it is in force."""
    d = rohrpost.scratch("bare-check")
    with rohrpost.Instance(d, users=USERS) as i:
        with open(i.conf / "rohrpost.conf", "a") as f:
            f.write("smtp_bare_newline_exclude = 192.0.2.1/24\n")
        r = i.command("config", "check")
        assert r.returncode == 1
        assert ": smtp_bare_newline_exclude: \"192.0.2.1/24\" is an address" \
            " within a network" in r.stdout + r.stderr
    rohrpost.remove(d)


def test_a11_nul_before_the_real_end(inst):
    """A NUL is refused; CRLF.CRLF behind it is the end all the same, what
    follows are commands of their own, and their DATA has its body behind it."""
    before = inst.messages()
    c = begin(inst)
    c.send(HEAD + b"\0\r\n.\r\n" + TAIL)
    assert c.reply() == BARE
    assert c.reply() == "250 2.1.0 sender ok"
    assert c.reply() == "250 2.1.5 recipient ok"
    assert c.reply() == "554 5.5.0 wait for 354"
    assert c.reply() is None
    c.close()
    inst.wait_empty()
    assert inst.messages() == before


def test_data_behind_the_end_of_data(inst):
    """A new group may begin behind the final dot, and ends with DATA."""
    before = inst.messages()
    c = begin(inst)
    c.send(HEAD + b"\r\n.\r\n" + TAIL[:TAIL.index(b"Subject")])
    for want in ("250 2.0.0 ", "250 2.1.0 ", "250 2.1.5 ", "354 "):
        assert c.reply().startswith(want)
    assert c.cmd("x\r\n.").startswith("250 2.0.0 ")
    alive(c)
    inst.wait_count(len(before) + 2)


@pytest.mark.parametrize("at", range(1, 5))
def test_a16_the_end_cut_in_two(inst, at):
    before = inst.messages()
    c = begin(inst)
    end = b"\r\n.\r\n"
    c.send(HEAD + end[:at])
    time.sleep(0.1)
    c.send(end[at:])
    assert c.reply().startswith("250 2.0.0")
    alive(c)
    inst.wait_count(len(before) + 1)
    new = [v for k, v in inst.messages().items() if k not in before]
    assert [body_of(v) for v in new] == [HEAD + b"\r\n"]


def test_a17_a18_dots(inst):
    before = inst.messages()
    c = begin(inst)
    c.send(b".\r\n")
    assert c.reply().startswith("250 2.0.0")
    c.cmd("MAIL FROM:<eve@remote.test>")
    c.cmd("RCPT TO:<anna@example.test>")
    c.cmd("DATA")
    c.send(b"Subject: dots\r\n\r\n..\r\n..x\r\n...\r\n.\r\n")
    assert c.reply().startswith("250 2.0.0")
    alive(c)
    inst.wait_count(len(before) + 2)
    new = [body_of(v) for k, v in inst.messages().items() if k not in before]
    assert new == [b"", b"Subject: dots\r\n\r\n.\r\n.x\r\n..\r\n"]


NOBODY = "550 5.1.1 no such mailbox"
DENIED = "550 5.7.1 relaying denied"
C4 = [
    ("u%ext.test@example.test", NOBODY),
    ("ext.test!u@example.test", NOBODY),
    ('"u@ext.test"@example.test', NOBODY),
    ("u@ext.test@example.test", "501 5.1.3 bad domain name"),
    ("u@[127.0.0.1]", DENIED),
    ("@example.test:u@ext.test", DENIED),
    ("u@ext.test", DENIED),
    ("u%ext.test@ext.test", DENIED),
    ("<u@ext.test>", "501 5.1.3 bad address syntax"),
]


@pytest.fixture(scope="module")
def abroad():
    """The next host of everything that would leave: it must hear nothing."""
    d = rohrpost.scratch("abroad")
    with rohrpost.Instance(d, domain="ext.test", users=("u",)) as other:
        other.ctl("alias", "add", "@ext.test", "u@ext.test")
        yield other
    rohrpost.remove(d)


@pytest.fixture(scope="module")
def open_road(abroad):
    """An instance from which mail to ext.test does arrive there."""
    d = rohrpost.scratch("open-road")
    with rohrpost.Instance(d, users=USERS, relay_host="[127.0.0.1]",
                           relay_port=str(abroad.ports["smtp"]),
                           relay_tls="never") as i:
        with i.submission() as s:
            s.sendmail("anna@example.test", ["u@ext.test"],
                       rohrpost.message("may", sender="anna@example.test"))
        abroad.wait_count(1, "u")
        i.wait_empty()
        yield i
    rohrpost.remove(d)


@pytest.mark.parametrize("to,want", C4, ids=[r[0] for r in C4])
def test_c4_no_relaying(open_road, abroad, to, want):
    c = open_road.raw("smtp")
    assert c.reply().startswith("220 ")
    assert c.cmd("EHLO client.test").startswith("250-")
    assert c.cmd("MAIL FROM:<eve@remote.test>") == "250 2.1.0 sender ok"
    assert c.cmd("RCPT TO:<%s>" % to) == want
    assert c.cmd("DATA") == "554 5.5.1 no recipient was accepted"
    alive(c)
    assert open_road.json("queue", "list") == []
    assert open_road.count() == 0
    assert abroad.count("u") == 1


def test_sender_of_our_own_does_not_open_the_relay(inst):
    c = inst.raw("smtp")
    c.reply()
    c.cmd("EHLO mail.example.test")
    assert c.cmd("MAIL FROM:<anna@example.test>").startswith("250")
    assert c.cmd("RCPT TO:<u@ext.test>").startswith("550 5.7.1")
    c.close()


def test_b8_nothing_before_tls_is_used_after(inst):
    c = inst.raw("submission")
    c.reply()
    c.cmd("EHLO client.test")
    c.send(b"STARTTLS\r\nNOOP injected\r\n")
    assert c.reply() == "554 5.5.1 nothing may follow STARTTLS, bye"
    assert c.reply() is None
    c.close()


def test_b8_what_comes_behind_the_answer_is_no_command(inst):
    """Between the 220 and the handshake: it is no TLS, and the end."""
    c = inst.raw("submission")
    c.reply()
    c.cmd("EHLO client.test")
    assert c.cmd("STARTTLS").startswith("220 ")
    c.send(b"NOOP injected\r\n")
    with pytest.raises(OSError):
        c.starttls()
    c.close()


def signal_workers(inst, sig):
    for pid in inst.processes()["smtpd"]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sig)


def test_b1_talk_before_the_greeting(inst):
    """The octets are there before a worker is: nobody races the greeting."""
    signal_workers(inst, signal.SIGSTOP)
    try:
        c = inst.raw("smtp")
        c.send(b"EHLO x\r\nMAIL FROM:<a@b.test>\r\n")
    finally:
        signal_workers(inst, signal.SIGCONT)
    assert c.reply().startswith("554 5.5.0 ")
    assert c.line() is None
    c.close()


def test_b17_endless_junk_is_cut(inst):
    c = inst.raw("smtp")
    c.reply()
    n = 0
    while n < 1000:
        try:
            if c.cmd("NOOP") is None:
                break
        except OSError:
            break
        n += 1
    assert 20 <= n <= 200
    c.close()
