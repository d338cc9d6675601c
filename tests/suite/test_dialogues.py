"""What mail programs say, word for word (tests/transcript/clients), against
one instance: not one NO or BAD of IMAP, not one 4xx or 5xx of SMTP.

Lines of a dialogue:
  # ...            a comment
  ! service S      connects
  ! starttls       the client's handshake
  ! mail N         the user's mailbox gets its Nth message from outside
  C: text          a command
  D: text          data: of a literal, of a message, of AUTHENTICATE, of IDLE
  S: text          a later line of the server, with its literals; of SMTP the
                   next reply; "..." stands for anything
  N: text          the very next line
C and D lines in a row are sent at once (commands of SMTP one by one); all
commands are answered before the next C, unless it stands right behind a D.
{user}, {quoted} (the password), {plain} and {plain-self} (of AUTHENTICATE
PLAIN, without and with a name to act for), {user64}, {password64} are filled
in; {#} is a literal with the size of the D lines that follow.
"""
import base64
import os
import pathlib
import re
import socket

import pytest

import rohrpost
from rohrpost import PASSWORD, message
from test_imap import Client

# Nothing of it depends on who starts the suite.
pytestmark = pytest.mark.user

DIR = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).resolve().parents[2])
    ) / "tests/transcript/clients"
NAMES = sorted(f.stem for f in DIR.glob("*.txt"))
USERS = ("anna", *NAMES)
PROGRAMS = ("apple-mail", "geary", "imapclient", "ios", "mailkit", "mutt",
            "outlook", "roundcube", "sylpheed", "thunderbird")


def b64(text):
    return base64.b64encode(text.encode()).decode()


def like(pattern, line):
    return re.fullmatch(".*".join(
        re.escape(x) for x in pattern.split("...")), line, re.S)


class Imap(Client):
    def __init__(self, inst, service):
        s = socket.create_connection(("127.0.0.1", inst.ports[service]), 30)
        self.sock = rohrpost.tls_context().wrap_socket(s)
        self.buf, self.open, self.ends = b"", [], False

    def run(self, lines):
        for kind, text in lines:
            if kind == "C":
                self.open.append(text.split()[0])
                self.ends |= text.lower().endswith(" logout")
        self.send("".join(t + "\r\n" for _, t in lines).encode())

    def next(self):
        line = self.line().decode("utf-8", "replace")
        first, status = (line + "  ").split(" ", 2)[:2]
        if first in self.open:
            assert status == "OK", line
            self.open.remove(first)
        else:
            assert first in ("*", "+"), line
            assert status not in ("NO", "BAD"), line
            assert status != "BYE" or self.ends, line
        return line

    def expect(self, kind, text):
        while not like(text, line := self.next()):
            assert kind == "S" and self.open, line

    def finish(self):
        while self.open:
            self.next()


class Smtp(rohrpost.Raw):
    def __init__(self, inst, service):
        super().__init__(inst.ports[service], 60)
        if service == "submissions":
            self.starttls()
        self.open = True

    def run(self, lines):
        self.send("".join(t + "\r\n" for _, t in lines).encode())
        self.open = True

    def expect(self, kind, text):
        line = self.reply()
        self.open = False
        assert line is not None and line[0] in "23" and like(text, line), line

    def finish(self):
        if self.open:
            self.expect("S", "...")


class Dialogue:
    def __init__(self, inst, name):
        self.inst, self.name = inst, name
        self.user = "%s@%s" % (name, inst.domain)
        both = "\0%s\0%s" % (self.user, PASSWORD)
        self.words = {
            "user": self.user, "quoted": '"%s"' % PASSWORD,
            "plain": b64(both), "plain-self": b64(self.user + both),
            "user64": b64(self.user), "password64": b64(PASSWORD)}
        self.peer, self.place, self.sent = None, "", 0

    def fill(self, text):
        return re.sub(r"\{([a-z0-9-]+)\}", lambda m: self.words.get(
            m.group(1), m.group(0)), text)

    def lines(self):
        """(place, kind, text); what is sent together is one, kind C or D."""
        text = (DIR / (self.name + ".txt")).read_text().splitlines()
        out = []
        for n, line in enumerate(text):
            kind, rest = self.fill(line).split(" ", 1)
            out.append(("%s:%d" % (self.name, n + 1), kind[0], rest))
        for i, (place, kind, rest) in enumerate(out):
            if kind == "C" and "{#" in rest:
                data = i + 1
                while out[data][1] in "SN":
                    data += 1
                end = data
                while out[end][1] == "D":
                    end += 1
                size = sum(len(x[2]) + 2 for x in out[data:end])
                out[i] = place, kind, rest.replace("{#", "{%d" % size)
                # The line's own end, behind the literal.
                out[end - 1] = (*out[end - 1][:2], out[end - 1][2] + "\r\n")
        return out

    def directive(self, words):
        if words[0] == "mail":
            have = self.inst.count(self.name)
            for n in range(self.sent + 1, int(words[1]) + 1):
                have += 1
                with self.inst.smtp() as s:
                    s.sendmail("eve@remote.test", [self.user], message(n))
                self.inst.wait_count(have, self.name, seconds=60)
            self.sent = int(words[1])
        elif words[0] == "service":
            kind = Imap if words[1].startswith("imap") else Smtp
            self.peer = kind(self.inst, words[1])
            if kind is Imap:
                assert self.peer.next().startswith("* OK ")
        else:
            assert words == ["starttls"]
            self.peer.finish()
            self.peer.starttls()

    def play(self):
        lines, run = self.lines(), []
        for i, (self.place, kind, text) in enumerate(lines):
            if kind == "!":
                self.directive(text.split())
            elif kind in "CD":
                if not run and kind == "C":
                    self.peer.finish()
                run.append((kind, text))
                after = lines[i + 1][1] if i + 1 < len(lines) else ""
                if after not in ("C", "D") or (
                        after == "C" and isinstance(self.peer, Smtp)):
                    self.peer.run(run)
                    run = []
            elif kind in "SN":
                self.peer.expect(kind, text)
            else:
                assert kind == "#"
        self.peer.finish()
        self.peer.close()


@pytest.mark.parametrize("name", NAMES)
def test_dialogue(inst, name):
    d = Dialogue(inst, name)
    before = inst.count("anna")
    try:
        d.play()
    except Exception as e:
        raise AssertionError("%s: %s" % (d.place, e)) from e
    if name.endswith("-smtp"):
        inst.wait_count(before + 1, "anna", seconds=60)


def test_all_programs():
    assert {n.rsplit("-", 1)[0] for n in NAMES} >= set(PROGRAMS)
    assert {n.rsplit("-", 1)[0] for n in NAMES if n.endswith("smtp")} >= {
        "apple-mail", "ios", "outlook", "roundcube", "sylpheed",
        "thunderbird"}
