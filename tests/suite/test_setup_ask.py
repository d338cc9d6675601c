"""rohrpost setup at a terminal: each answer is judged at once and asked for
again; the end of the input ends it."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading

import pytest

import nameserver
import rohrpost
from rohrpost import PASSWORD as WORD
from terminal import Terminal, Tmux

END = b"\x04"           # what a person types for no more


HOP = "127.45.%d.%d" % (os.getpid() // 250 % 250, os.getpid() % 250 + 1)
DNS = nameserver.Server(nameserver.Zone({
    "mail.provider.test A": [HOP], "moving.test MX": ["10 mx.old.test"],
    "mx.old.test A": [HOP],
    "customer.test MX": ["10 w0123456.kasserver.com"],
    "other.test MX": ["10 mx.all-inkl.com"]}))


def prepared(conf, *more):
    """What is there before setup: how DNS is asked, which decides nothing."""
    conf.mkdir(parents=True)
    (conf / "rohrpost.conf").write_text("".join(line + "\n" for line in (
        "resolver = 127.0.0.1@%d" % DNS.port, *more)))
    return conf


@pytest.fixture
def terminal(tmp_path):
    t = Terminal(prepared(tmp_path / "conf"))
    yield t
    t.close()


@pytest.fixture(scope="module")
def provider():
    """Who takes mail for elsewhere, at the port that providers have."""
    inst = rohrpost.Instance(rohrpost.scratch("provider"), "provider.test",
                             ["bert"])
    inst.host = HOP
    inst.ports.update(submission=587, imaps=993, pop3s=995)
    with inst:
        # Who logs in there as bert may send as anna, too.
        inst.ctl("domain", "add", "example.test")
        inst.ctl("alias", "add", "anna@example.test", "bert@provider.test")
        yield inst
    rohrpost.remove(inst.dir)


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
PHONES = "Do phones read mail on the road?"
TEST = "An address of yours elsewhere for a test mail, or none"
PASSWORD = "Password for bert@example.test"
# The question, and answers that are asked again: what is said of each.
FAULTY = [
    (DOMAIN, [("anna@example.test", "write what stands behind the @"),
              ("exa mple", "write it like example.org"),
              ("gmx.de", "gmx.de belongs to the provider GMX: a server needs "
               "a domain of its own")], "example.test"),
    (PROFILE, [("relais", 'there is no "relais": write 1 (direct), 2 (relay) '
                'or 3 (collector)'), ("4", 'there is no "4"'),
               ("22", 'there is no "22"')], "1"),
    (USER, [("anna", "not an address (local@domain): write it like "
             "anna@example.test"),
            ("anna@elsewhere.test", "anna@elsewhere.test is not of the domain "
             "above: write NAME@example.test"),
            ("a+b@example.test", "write it like anna@example.test")],
     "bert@example.test"),
    (PASSWORD, [], None),
    (PHONES, [("perhaps", "write yes or no")], "yes"),
    (HOST, [("mail example.test", "not a domain name: write it like mail."),
            ("box", "box is no full name: write it with its domain"),
            ("a" * 1100, "an answer has at most 1024 octets"),
            ("-x-.example.test", "not a domain name")],
     "mail.example.test"),
    (POSTMASTER, [("postmaster", "write an address, like bert@example.test"),
                  ("carl@example.test", "there is no carl@example.test yet: "
                   "write bert@example.test, or an address elsewhere")],
     "someone@elsewhere.test"),
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
    ("Domain, für die Mail angenommen wird", "a b"),
    ("Domain, für die Mail angenommen wird", "example.test"),
    ("Wie verlässt Ihre Mail das Haus? 1 direkt (feste Adresse, Port 25 "
     "offen), 2 über Ihren Provider", "1"),
    ("Adresse des ersten Benutzers", "bert@example.test"),
    ("Passwort für bert@example.test", None),
    ("Noch einmal für bert@example.test", None),
    ("Lesen Handys unterwegs Mail?", "nein"),
    ("Name dieses Servers im Internet", "mail.example.test"),
    ("Wer bekommt Beschwerden und Fehlermeldungen", ""),
    ("Zertifikat: eine PEM-Datei", ""),
    ("Eine Adresse von Ihnen anderswo", ""),
]


def test_in_german(tmp_path):
    t = Terminal(prepared(tmp_path / "conf"), LC_ALL="de_DE.UTF-8")
    try:
        for i, (question, text) in enumerate(GERMAN):
            before = t.asked(question)
            if i == 0:
                assert "Rohrpost wird in %s eingerichtet." % (
                    tmp_path / "conf") in before
            if i == 1:
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
    refused(t, TEST, "elsewhere", "write an address of yours elsewhere, or "
            "none")
    t.asked(TEST)
    t.answer("none")
    shown = t.asked(WRITE)
    for line in ("hostname = mail.example.test",
                 "tls_certificate = %s" % (tmp_path / "other.pem"),
                 "example.test", "bert@example.test",
                 "someone@elsewhere.test"):
        assert line in shown, shown
    t.answer("no")
    assert t.end() == 1
    assert "nothing was written" in t.said
    assert left(tmp_path / "conf") == {".setup.answers", "rohrpost.conf",
                                       ".lock"}


@pytest.mark.root
def test_who_is_asked_for_port_25(tmp_path):
    """The server that has the domain's mail so far is told a name: without one
    it would refuse, and port 25 would seem closed. What --dry-run was answered
    is proposed the next time, and asked for."""
    conf = prepared(tmp_path / "conf", "relay_allow_loopback = yes",
                    "state_dir = %s" % (tmp_path / "state"))
    said = []

    def server(s):
        c = s.accept()[0]
        with c, c.makefile("rwb", 0) as f:
            f.write(b"220 mx.old.test\r\n")
            for line in f:
                said.append(line)
                f.write(b"250 yes\r\n" if len(line.split()) > 1 else
                        b"501 which name?\r\n")

    with socket.create_server((HOP, 25)) as s:
        threading.Thread(target=server, args=(s,), daemon=True).start()
        t = Terminal(conf, "setup --dry-run")
        t.asked(DOMAIN)
        t.answer("moving.test")
        assert "Port 25 does not go out" not in t.asked(PROFILE)
        assert said[0] == b"EHLO mail.moving.test\r\n"
    t.answer("1")
    t.asked(USER)
    t.answer("bert@moving.test")
    for question in "Password for bert@moving.test", "Again for":
        t.asked(question)
        t.hidden(WORD)
    for question in PHONES, HOST + " [mail.moving.test]", POSTMASTER, CERT, \
            TEST:
        t.asked(question)
        t.answer("")
    assert t.end() == 0
    assert kept(conf).startswith("# complete\n")
    t = Terminal(conf, "setup --dry-run")
    assert "broken off" not in t.asked(DOMAIN + " [moving.test]")
    t.close()


def to_relay(conf, domain):
    """Up to the question for the provider's server: what was said before."""
    t = Terminal(conf)
    for question, text in [(DOMAIN, domain), (PROFILE, "2"),
                           (USER, "anna@" + domain),
                           ("Password for", [WORD]), ("Again for", [WORD])]:
        t.asked(question)
        give(t, text)
    return t


OWN = "ALL-INKL.COM has a server for each customer, with a name like " \
      "w0123456.kasserver.com"


@pytest.mark.root
def test_server_of_a_customer(tmp_path):
    """Its name is that of the MX; or asked for, and its first part will do."""
    t = to_relay(prepared(tmp_path / "one"), "customer.test")
    assert OWN not in t.asked(RELAY + " [w0123456.kasserver.com]")
    t.close()
    conf = prepared(tmp_path / "two")
    t = to_relay(conf, "other.test")
    assert OWN in t.asked(RELAY)
    t.answer("w0aa")
    assert "no server of the name w0aa.kasserver.com" in t.asked(RELAY)
    t.answer("w0aa")
    t.asked(LOGIN + " [anna@other.test]")
    assert "relay_host = w0aa.kasserver.com\n" in kept(conf)
    assert "relay_port = 465\nrelay_tls = tls\n" in kept(conf)
    t.close()


@pytest.mark.root
def test_oauth_is_told_first(tmp_path):
    """Nobody is asked for a password that is of no use, but who insists."""
    t = to_relay(prepared(tmp_path / "conf"), "example.test")
    t.asked(RELAY)
    t.answer("smtp.office365.com")
    said = t.asked(RELAY)
    assert "smtp.office365.com takes logins by OAuth alone" in said
    assert "Connecting" not in said and "once more keeps it" in said
    t.answer("smtp.office365.com")
    assert "smtp.office365.com will refuse a password" in t.asked(LOGIN)
    t.close()
    t = to_relay(prepared(tmp_path / "app"), "example.test")
    for text in "smtp.gmail.com", "smtp.gmail.com":
        t.asked(RELAY)
        t.answer(text)
    assert "smtp.gmail.com wants an app password" in t.asked(LOGIN)
    t.close()


def left(conf):
    return {f.name for f in conf.iterdir()}


def relay_conf(tmp_path, provider):
    """Of an instance that does not run yet."""
    inst = rohrpost.Instance(tmp_path / "i")
    prepared(inst.conf, "state_dir = %s" % inst.state, *inst.listeners(),
             "relay_ca_file = %s/certificate.pem" % provider.conf,
             "collect_ca_file = %s/certificate.pem" % provider.conf,
             "relay_allow_loopback = yes")
    return inst


# Of the profile relay, in order; hidden ones are a list.
RELAYED = [
    (DOMAIN, "example.test"), (PROFILE, "2"), (USER, "anna@example.test"),
    ("Password for anna@example.test", [WORD]),
    ("Again for anna@example.test", [WORD]), (RELAY, "mail.provider.test"),
    (LOGIN, "bert@provider.test"),
    ("Password for bert@provider.test", [WORD]), (PHONES, "yes"),
    (HOST, "mail.example.test"),
]


def give(t, text):
    if isinstance(text, list):
        t.hidden(text[0])
    else:
        t.answer(text)


def kept(conf):
    f = conf / ".setup.answers"
    assert f.stat().st_mode & 0o777 == 0o600
    text = f.read_text()
    assert WORD not in text and "password" not in text
    return text


ENDS = [signal.SIGINT, signal.SIGKILL, signal.SIGHUP, signal.SIGQUIT,
        signal.SIGTERM]


@pytest.mark.root
def test_broken_off_and_taken_up(tmp_path, provider):
    """At each question, in one way after the other: the next run begins with
    that question, but for passwords, which are on no disk."""
    inst = relay_conf(tmp_path, provider)
    steps = RELAYED + [(WRITE, "no")]
    for i, (question, text) in enumerate(steps):
        t = Terminal(inst.conf)
        for q, a in RELAYED[:i]:
            if isinstance(a, list):
                t.asked(q)
                t.hidden(a[0])
        before = t.asked(question)
        if i in (1, 2):
            assert "what was answered then stands" in before
            assert DOMAIN + ": example.test\n" in before
        give(t, text)
        if i + 1 == len(steps):
            break
        t.asked(steps[i + 1][0])
        if isinstance(steps[i + 1][1], list):
            t.wait_hidden()
        sig = ENDS[i % len(ENDS)]
        assert t.signal(sig) == (1 if sig != signal.SIGKILL and
                                 steps[i + 1][0] != WRITE else -sig)
        if sig in (signal.SIGINT, signal.SIGQUIT):
            assert ("Broken off. The answers so far, but no password, are in "
                    "%s/.setup.answers" % inst.conf) in t.said
        assert "domain = example.test\n" in kept(inst.conf)
    # What was refused at the end is proposed, and asked for again.
    assert t.end() == 1 and "nothing was written" in t.said
    assert kept(inst.conf).startswith("# complete\n")
    t = Terminal(inst.conf)
    t.asked(DOMAIN + " [example.test]")
    t.answer("")
    t.asked("through your provider, 3 through your provider, where what comes "
            "in is fetched too [relay]")
    t.close()


def walk(t, answers):
    """Answers all that is asked in tmux: what each question was."""
    asked = []
    while (line := t.question()) is not None:
        asked.append(line)
        t.answer(next((a for q, a in answers if q in line), ""))
    return asked


@pytest.mark.root
@pytest.mark.parametrize("profile, language", [
    ("2", "C.UTF-8"), ("3", "de_DE.UTF-8")], ids=["relay", "collector"])
def test_ten_questions(tmp_path, provider, profile, language):
    """In a real terminal, all of them up to what is saved; each has an answer
    that is proposed, but those that nobody can know."""
    inst = relay_conf(tmp_path, provider)
    t = Tmux(inst.conf, "setup", LC_ALL=language)
    try:
        asked = walk(t, [
            ("Domain", "example.test"),
            ("How does your mail", profile), ("Wie verlässt", profile),
            ("anna@example.test:", WORD), ("provider.test:", WORD),
            ("smtp.provider.example", "mail.provider.test"),
            ("Login there", "bert@provider.test"),
            ("Anmeldename dort", "bert@provider.test"),
            ("phones", "yes"), ("Handys", "ja"),
            ("[yes/no]", "no"), ("[ja/nein]", "nein")])
        shown = t.shown()
    finally:
        t.close()
    again = [q for q in asked if "Again for" in q or "Noch einmal" in q]
    assert len(again) == 1
    assert len(asked) - len(again) <= 10, asked
    assert asked[-1].startswith("Save these settings?" if profile == "2" else
                                "Diese Einstellungen speichern?")
    bare = [q for q in asked if "[" not in q]
    assert len(bare) == 5, bare     # domain, server and passwords
    assert "relay_host = mail.provider.test" in shown
    assert ("+listen_smtp =" in shown) == (profile == "3")
    incoming = [q for q in asked if "eingehende" in q]
    assert len(incoming) == (profile == "3")
    assert all(q.endswith("[mail.provider.test]:") for q in incoming)


INCOMING = "Your provider's server for incoming mail, or none"
INLOGIN = "Login at the server for incoming mail"


def to_incoming(inst, login="bert@provider.test"):
    """A collector's conversation up to where its mail comes from."""
    t = Terminal(inst.conf)
    for question, text in [*RELAYED[:1], (PROFILE, "3"), *RELAYED[2:6],
                           (LOGIN, login)]:
        t.asked(question)
        give(t, text)
    if login != "none":
        t.asked("Password for " + login)
        t.hidden(WORD)
    return t


@pytest.mark.root
def test_what_is_collected_from(tmp_path_factory, provider):
    """A server that is not there, then one that takes the same login; what
    was answered stands where it was broken off."""
    inst = relay_conf(pathlib.Path(rohrpost.scratch("collected")), provider)
    try:
        t = to_incoming(inst)
        t.asked(INCOMING + " [mail.provider.test]")
        t.answer("a b")
        assert "write its name, like imap.provider.example, or none" in \
            t.asked(INCOMING)
        t.answer("nobody.provider.test")
        assert "DNS knows no server of the name nobody.provider.test" in \
            t.asked(INCOMING)
        t.answer("")
        before = t.asked(PHONES)
        assert "mail.provider.test answers on port 993, and the login works" \
            in before, before
        assert "collect_host = mail.provider.test\n" in kept(inst.conf)
        assert t.signal(signal.SIGTERM) == 1
        t = Terminal(inst.conf)
        for question in ("Password for anna@example.test", "Again for",
                         "Password for bert@provider.test"):
            t.asked(question)
            t.hidden(WORD)
        before = t.asked(PHONES)
        assert INCOMING + ": mail.provider.test\n" in before
        assert "the login works" in before
        t.answer("no")
        shown = t.asked(WRITE)
        assert "hostname = mail.example.test" in shown and WORD not in shown
        t.answer("yes")
        t.end()
        assert (inst.conf / "collect").read_text().endswith(
            "home = imap host=mail.provider.test login=bert@provider.test "
            "to=anna@example.test keep=always password=%s\n" % WORD)
        # With an account there nothing is asked, and nothing changes.
        t = Terminal(inst.conf)
        for question in (DOMAIN, PROFILE, RELAY, LOGIN, PHONES):
            t.asked(question)
            t.answer("")
        assert t.end() == 0 and "nothing to change" in t.said
    finally:
        t.close()
        inst.command("stop")
        rohrpost.remove(inst.dir.parent)


@pytest.mark.root
def test_another_login_to_collect(tmp_path, provider):
    """By POP3; where the outgoing server has no login it is asked for, until
    it works."""
    inst = relay_conf(tmp_path, provider)
    t = to_incoming(inst, "none")
    try:
        t.asked(INCOMING)
        t.answer("pop3 mail.provider.test")
        assert "answers on port 995." in t.asked(INLOGIN +
                                                 " [anna@example.test]")
        t.answer("bert @provider.test")
        assert "without blanks" in t.asked(INLOGIN)
        t.answer("bert@provider.test")
        t.asked("Password for bert@provider.test")
        t.hidden("wrong")
        assert "mail.provider.test does not take the login " \
            "bert@provider.test" in t.asked(INLOGIN + " [anna@example.test]")
        t.answer("bert@provider.test")
        t.asked("Password for bert@provider.test")
        t.hidden(WORD)
        assert "the login works" in t.asked(PHONES)
        t.answer("no")
        t.asked(WRITE)
        t.answer("no")
        assert t.end() == 1
        assert "collect_login" not in kept(inst.conf)
    finally:
        t.close()


@pytest.mark.root
def test_to_the_first_mail(tmp_path_factory, provider):
    """Relay, all the way: it starts, a test mail comes back, and one goes out
    through the provider; wrong answers about that one are told at once."""
    inst = relay_conf(pathlib.Path(rohrpost.scratch("first")), provider)
    t = Terminal(inst.conf)
    try:
        for question, text in RELAYED[:5]:
            t.asked(question)
            give(t, text)
        t.asked(RELAY)
        t.answer("?")
        t.asked(RELAY)
        t.answer("nobody.provider.test")
        assert "DNS knows no server of the name nobody.provider.test" in \
            t.asked(RELAY)
        t.answer("mail.provider.test")
        assert "mail.provider.test answers on port 587." in t.asked(LOGIN)
        t.answer("bert@provider.test")
        t.asked("Password for bert@provider.test")
        t.hidden("wrong")
        assert "mail.provider.test does not take the login " \
            "bert@provider.test" in t.asked(LOGIN)
        for question, text in RELAYED[6:]:
            if question != LOGIN:
                before = t.asked(question)
                if question == PHONES:
                    assert "the login works" in before
            give(t, text)
        t.asked(WRITE)
        t.answer("yes")
        assert t.end() == 0, t.said
        for words in (
                "it was sent by submission and arrived in INBOX",
                "A test mail to bert@provider.test ...\n"
                "  the next server has taken it",
                "Accounts:\n  anna@example.test\n",
                "certificate.pem\n  It is signed by itself",
                "example.test. 3600 IN MX 10 mail.example.test.",
                'said "rohrpost dkim activate DOMAIN"'):
            assert words in t.said, t.said
        assert inst.count("anna") == 1
        provider.wait_count(1, "bert")
        assert not (inst.conf / ".setup.answers").exists()
        # Once more, nothing but Enter: nothing changes.
        t = Terminal(inst.conf)
        for question in (DOMAIN, PROFILE, RELAY, LOGIN, PHONES, HOST):
            t.asked(question)
            t.answer("")
        assert t.end() == 0 and "nothing to change" in t.said
    finally:
        t.close()
        inst.command("stop")
        rohrpost.remove(inst.dir.parent)


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
