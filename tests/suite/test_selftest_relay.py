"""selftest relay: each trick is found where it works, at servers that take
what a test says; the real ones are those of test_namespaces.py."""
import json
import re
import socket
import threading

import pytest

import rohrpost

TO = "<relay-test@example.com>"


class Server:
    """judge(number of the session, recipient) -> its reply, None: it hangs
    up. What was said is in sessions: [[helo, sender, recipient], ...]."""

    def __init__(self, judge, greeting="220 fake.test"):
        self.judge, self.greeting, self.sessions = judge, greeting, []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.at = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while True:
            c = self.socket.accept()[0]
            c.settimeout(60)
            with c, c.makefile("rb") as f:
                if not self.talk(c, f):
                    return

    def say(self, c, text):
        c.sendall(text.encode() + b"\r\n")

    def talk(self, c, f):
        n, said = len(self.sessions), []
        try:
            self.say(c, self.greeting)
            for line in f:
                line = line.decode().rstrip("\r\n")
                if line == "STOP":
                    return False
                said += [m.group(1) for m in [re.match(
                    "(?:EHLO |MAIL FROM:|RCPT TO:)(.*)", line)] if m]
                if not said:
                    break
                if line.startswith("EHLO"):
                    self.sessions.append(said)
                    self.say(c, "250-fake.test\r\n250 HELP")
                elif line.startswith("RCPT"):
                    answer = self.judge(n, said[2])
                    if answer is None:
                        break
                    self.say(c, answer)
                else:
                    self.say(c, "250 ok")
                    if line == "QUIT":
                        break
        except OSError:
            pass
        return True

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        with socket.create_connection(self.socket.getsockname(), 60) as s:
            s.sendall(b"STOP\r\n")
            self.thread.join(60)
        self.socket.close()


def run(inst, server, *args):
    """(exit status, rows, words)"""
    p = inst.command("selftest", "relay", "--at", server.at, "--json", *args)
    return p.returncode, json.loads(p.stdout or "[]"), p.stderr


def verdicts(rows):
    return {r["trick"]: r["verdict"] for r in rows}


@pytest.mark.parametrize("odd", (0, 1))
def test_each_trick_can_work(inst, odd):
    """Half of them, then the other half: those are found, and no others."""
    with Server(lambda n, to: "250 ok" if n == 0 or n > 1 and n % 2 == odd
                else "550 no") as s:
        status, rows, words = run(inst, s)
    assert status == 1 and "strangers can send" in words
    assert len(rows) > 30 and len(s.sessions) == len(rows) + 2
    for n, (row, said) in enumerate(zip(rows, s.sessions[2:]), 2):
        assert row["verdict"] == ("works" if n % 2 == odd else "held"), row
        assert [row["sender"], row["recipient"]] == said[1:]
    # No two are the same; over loopback the last one, which says that it is,
    # is another one's like.
    assert rows[-1]["trick"] == "helo-loopback"
    assert len({tuple(x) for x in s.sessions[:-1]}) == len(rows) + 1
    said = [x[2] for x in s.sessions]
    for form in ("<relay-test%example.com@example.test>",
                 "<example.com!relay-test@example.test>",
                 "<@example.test:relay-test@example.com>",
                 '<"relay-test@example.com"@example.test>',
                 "<relay-test%example.com@[127.0.0.1]>"):
        assert form in said
    assert ["[127.0.0.1]", "<>", TO] in s.sessions
    assert ["mail.example.test", "<postmaster@example.test>",
            TO] in s.sessions


def test_domain_that_takes_every_name(inst):
    """What can be read as an address of it says nothing."""
    with Server(lambda n, to: "250 ok" if to.endswith("@other.test>")
                else "550 no") as s:
        status, rows, words = run(inst, s, "--domain", "Other.test")
    found = verdicts(rows)
    assert status == 75 and "loopback does not count" in words
    assert found["percent"] == found["quoted-domain"] == "unclear"
    assert found["plain"] == found["percent-bare"] == "held"


@pytest.mark.parametrize("reply, verdict", (
    ("451 not now", "later"), (None, "untried"), ("hello", "untried"),
    ("421 bye", "untried")))
def test_what_is_not_known(inst, reply, verdict):
    with Server(lambda n, to: "250 ok" if n == 0 else reply) as s:
        status, rows, words = run(inst, s)
    assert status == 75 and "nothing is known" in words
    assert set(verdicts(rows).values()) == {verdict}


def test_nothing_to_learn(inst):
    """Who refuses all refuses strangers' mail, too."""
    for judge, greeting in ((lambda n, to: "550 no", "220 x"),
                            (lambda n, to: "250 ok", "554 go away")):
        with Server(judge, greeting) as s:
            status, rows, words = run(inst, s)
        assert status == 75 and rows == []
        assert "postmaster@example.test" in words
        assert len(s.sessions) <= 1


def test_this_server(inst):
    """It holds; and whoever has no port for others has nothing to try."""
    where = "127.0.0.1:%d" % inst.ports["smtp"]
    p = inst.command("selftest", "relay", "--at", where, "--json")
    assert p.returncode == 75 and "loopback does not count" in p.stderr
    assert set(verdicts(json.loads(p.stdout)).values()) == {"held"}
    p = inst.command("selftest", "relay")
    assert p.returncode == 1 and "nothing to try" in p.stderr
    p = inst.command("selftest", "relay", "--at", where, "--probe", where)
    assert p.returncode == 2
    p = inst.command("selftest", "relay", "--at", "nowhere")
    assert p.returncode == 75 and "HOST:PORT" in p.stderr
    p = inst.command("selftest", "relay", "--at", where, "--domain", "..")
    assert p.returncode == 1 and "--domain" in p.stderr
