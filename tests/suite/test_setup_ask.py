"""rohrpost setup at a terminal: each answer is judged at once and asked for
again; the end of the input ends it."""
import codecs
import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import termios

import pytest

import rohrpost

END = b"\x04"           # what a person types for no more


class Terminal:
    """A command at a pseudo terminal."""

    def __init__(self, conf, command="setup", **env):
        self.said = ""
        self.text = codecs.getincrementaldecoder("utf-8")()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(str(rohrpost.ROHRPOST),
                      ["rohrpost", "-c", str(conf), *command.split()],
                      dict(os.environ, **env))

    def hear(self):
        """More of what it says; False at its end."""
        if not select.select([self.fd], [], [], 60)[0]:
            raise AssertionError("nothing comes after: " + self.said)
        try:
            data = os.read(self.fd, 4096)
        except OSError:         # EIO: the other side is closed
            return False
        self.said += self.text.decode(data).replace("\r\n", "\n")
        return bool(data)

    def asked(self, question):
        """Up to that question, which is the last word. What came before."""
        end = re.compile(re.escape(question) + r"[^\n]*(: |\] )$")
        while not end.search(self.said):
            assert self.hear(), "%s does not come: %s" % (question, self.said)
        before, self.said = self.said[:end.search(self.said).start()], ""
        return before

    def answer(self, text):
        """Its echo, where there is one, is not what setup says."""
        os.write(self.fd, text if isinstance(text, bytes)
                 else text.encode() + b"\n")
        if isinstance(text, bytes):
            return
        while "\n" not in self.said:
            assert self.hear()
        self.said = self.said.split("\n", 1)[1]

    def wait_hidden(self):
        """What was typed before the echo is off is thrown away."""
        rohrpost.wait_for(lambda: not termios.tcgetattr(self.fd)[3] &
                          termios.ECHO, 60, text="no echo")

    def hidden(self, text):
        self.wait_hidden()
        self.answer(text)

    def end(self):
        """Its exit status."""
        while self.hear():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self):
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


@pytest.fixture
def terminal(tmp_path):
    t = Terminal(tmp_path / "conf")
    yield t
    t.close()


def certificate(path, name, days="100"):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", days, "-subj",
         "/CN=" + name, "-addext", "subjectAltName=DNS:" + name, "-keyout",
         str(path) + ".key", "-out", str(path) + ".pem"], check=True,
        capture_output=True)


HOST = "Name of this server on the Internet"
DOMAIN = "Domain to take mail for"
USER = "Address of the first user"
POSTMASTER = "Who gets complaints and error messages"
PROFILE = "How does your mail leave? 1 directly (fixed address, port 25 " \
          "open), 2 through your provider"
RELAY = "Your provider's outgoing server, e.g. smtp.provider.example"
LOGIN, CERT = "Login there, or none", "Certificate: a PEM file"
KEY, WRITE = "File of the private key (privkey.pem)", "Save these settings?"
PASSWORD = "Password for bert@example.test"
# The question, and answers that are asked again: what is said of each.
FAULTY = [
    (HOST, [("mail example.test", "not a domain name: write it like mail."),
            ("box", "box is no full name: write it with its domain"),
            ("a" * 1100, "an answer has at most 1024 octets"),
            ("-x-.example.test", "not a domain name")],
     "mail.example.test"),
    (DOMAIN, [("anna@example.test", "write what stands behind the @"),
              ("exa mple", "write it like example.org")], "example.test"),
    (USER, [("anna", "not an address (local@domain): write it like "
             "anna@example.test"),
            ("anna@elsewhere.test", "anna@elsewhere.test is not of the domain "
             "above: write NAME@example.test"),
            ("a+b@example.test", "write it like anna@example.test")],
     "bert@example.test"),
    (PASSWORD, [], None),
    (POSTMASTER, [("postmaster", "write an address, like bert@example.test"),
                  ("carl@example.test", "there is no carl@example.test yet: "
                   "write bert@example.test, or an address elsewhere")],
     "someone@elsewhere.test"),
    (PROFILE, [("relais", 'there is no "relais": write 1 (direct), 2 (relay) '
                'or 3 (collector)'), ("4", 'there is no "4"'),
               ("22", 'there is no "22"')], "2"),
    (RELAY, [("smtp.provider.test:587", "write the name alone; its port is "
              "relay_port in rohrpost.conf"),
             ("[192.0.2.300]", "or an address like [192.0.2.1]")],
     "smtp.provider.test"),
    (LOGIN, [], "none"),
]


def through(t):
    """All questions before the certificate."""
    for question, faults, good in FAULTY:
        if good is None:
            passwords(t)
            continue
        for text, words in faults:
            refused(t, question, text, words)
        t.asked(question)
        t.answer(good)


def passwords(t):
    for one, two, words in (
            ("", "", "it is empty: type one"),
            ("secret", "secrer", "passwords differ, try again"),
            (" secret", " secret", "a blank at its end"),
            ("secret", "secret", None)):
        t.asked(PASSWORD)
        t.hidden(one)
        t.asked("Again for bert@example.test")
        t.hidden(two)
        if words is not None:
            assert "  the password: " + words in t.asked(PASSWORD)
            t.said = PASSWORD + ": "


def refused(t, question, text, words):
    t.asked(question)
    t.answer(text)
    said = t.asked(question)
    assert words in said and said.count("\n") == 1, (text, said)
    t.said = question + ": "
    return said


GERMAN = [
    ("Name dieses Servers im Internet", "mail.example.test"),
    ("Domain, für die Mail angenommen wird", "a b"),
    ("Domain, für die Mail angenommen wird", "example.test"),
    ("Adresse des ersten Benutzers", "bert@example.test"),
    ("Passwort für bert@example.test", None),
    ("Noch einmal für bert@example.test", None),
    ("Wer bekommt Beschwerden und Fehlermeldungen", ""),
    ("Wie verlässt Ihre Mail das Haus? 1 direkt (feste Adresse, Port 25 "
     "offen), 2 über Ihren Provider", "1"),
    ("Zertifikat: eine PEM-Datei", ""),
]


def test_in_german(tmp_path):
    t = Terminal(tmp_path / "conf", LC_ALL="de_DE.UTF-8")
    try:
        for i, (question, text) in enumerate(GERMAN):
            before = t.asked(question)
            if i == 0:
                assert "Rohrpost wird in %s eingerichtet." % (
                    tmp_path / "conf") in before
            if i == 2:
                assert "a b: kein Domainname: schreiben Sie ihn wie " \
                       "example.org" in before
            if text is None:
                t.hidden("secret word")
            else:
                t.answer(text)
        assert "hostname = mail.example.test" in \
            t.asked("Diese Einstellungen speichern?")
        t.answer("nein")
        assert t.end() == 1
        assert "nichts wurde gespeichert" in t.said
    finally:
        t.close()


@pytest.mark.parametrize("language,text,gone", [
    ("de_DE.UTF-8", "ja", True), ("de_DE.UTF-8", "J", True),
    ("de_DE.UTF-8", "yes", True), ("de_DE.UTF-8", "nein", False),
    ("de_DE.UTF-8", "", False), ("C.UTF-8", "Y", True),
    ("C.UTF-8", "no", False), ("C.UTF-8", "ja", False)])
def test_yes(tmp_path, language, text, gone):
    """In English, and in the operator's language; all else is no."""
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "rohrpost.conf").write_text("state_dir = %s\n" %
                                        (tmp_path / "state"))
    t = Terminal(conf, "purge", LC_ALL=language)
    try:
        t.asked("[yes/no" if language == "C.UTF-8" else "[ja/nein")
        t.answer(text)
        assert t.end() == (0 if gone else 1)
        assert conf.exists() != gone
    finally:
        t.close()


def test_each_answer_is_judged(terminal, tmp_path):
    t = terminal
    certificate(tmp_path / "other", "other.test")
    certificate(tmp_path / "soon", "mail.example.test", "2")
    certificate(tmp_path / "good", "mail.example.test")
    (tmp_path / "text.pem").write_text("no certificate\n")
    through(t)
    missing = tmp_path / "missing.pem"
    refused(t, CERT, str(missing), "%s: No such file or directory: write the "
            "path of a PEM file, or self-signed" % missing)
    refused(t, CERT, str(tmp_path / "text.pem"), "no certificate as PEM")
    hint = "(the same answer once more keeps it)"
    said = refused(t, CERT, str(tmp_path / "other.pem"), "is not for this "
                   "host's name, mail.example.test")
    assert hint in said
    assert hint in refused(t, CERT, str(tmp_path / "soon.pem"), "runs out on ")
    # Another doubt between is no second word for the first.
    refused(t, CERT, str(tmp_path / "other.pem"), "is not for this")
    t.asked(CERT)
    t.answer(str(tmp_path / "other.pem"))
    refused(t, KEY, str(tmp_path / "good.key"), "write the file of the key "
            "that %s was made with" % (tmp_path / "other.pem"))
    refused(t, KEY, "nowhere.key", "No such file or directory")
    t.asked(KEY)
    t.answer(str(tmp_path / "other.key"))
    shown = t.asked(WRITE)
    for line in ("hostname = mail.example.test",
                 "relay_host = smtp.provider.test",
                 "tls_certificate = %s" % (tmp_path / "other.pem"),
                 "example.test", "bert@example.test",
                 "someone@elsewhere.test"):
        assert line in shown, shown
    t.answer("no")
    assert t.end() == 1
    assert "nothing was written" in t.said
    assert not (tmp_path / "conf").exists()


STEPS = [(HOST, "mail.example.test"), (DOMAIN, "a b"),
         (DOMAIN, "example.test"), (USER, "bert@example.test"),
         (PASSWORD, None)]


@pytest.mark.parametrize("after", range(len(STEPS)))
def test_end_of_input(terminal, tmp_path, after):
    """At a question, at one asked again, and at a password."""
    for question, text in STEPS[:after]:
        terminal.asked(question)
        terminal.answer(text)
    terminal.asked(STEPS[after][0])
    if STEPS[after][1] is None:
        terminal.wait_hidden()
    os.write(terminal.fd, END)
    assert terminal.end() == 1
    assert "no answer" in terminal.said or \
        "no password was given" in terminal.said
    assert not (tmp_path / "conf").exists()


@pytest.fixture
def conf(tmp_path):
    """A configuration with one account."""
    (tmp_path / "answers").write_text(
        "hostname = mail.example.test\ndomain = example.test\n"
        "user = anna@example.test correct horse 9\nstate_dir = %s\n" %
        (tmp_path / "state"))
    subprocess.run([str(rohrpost.ROHRPOST), "-c", str(tmp_path / "conf"),
                    "setup", "--answers", str(tmp_path / "answers")],
                   check=True, capture_output=True)
    return tmp_path / "conf"


ANNA = "Password for anna@example.test"


@pytest.mark.parametrize("one, two, words", [
    ("secret", "secrer", "passwords differ, try again"),
    ("", "", "an empty password is refused"),
    ("x" * 1100, None, "the password is too long or holds NUL"),
    ("another word", "another word", ""),
], ids=["two", "empty", "long", "good"])
def test_new_password(conf, one, two, words):
    """Typed twice, unseen; nothing changes where they are not one."""
    before = (conf / "passwd").read_text()
    t = Terminal(conf, "user passwd anna@example.test")
    try:
        t.asked(ANNA)
        t.hidden(one)
        if two is not None:
            t.asked("Again for anna@example.test")
            t.hidden(two)
        assert t.end() == (1 if words else 0)
        assert t.said.strip() == ("rohrpost: " + words if words else "")
        assert ((conf / "passwd").read_text() == before) == bool(words)
    finally:
        t.close()
