"""rohrpost setup --answers: what is said of each bad file of answers, by the
line that is at fault; what a good one writes."""
import os
import pathlib
import subprocess

import pytest

import rohrpost

HEAD = ("hostname = mail.example.test\ndomain = example.test\n"
        "user = anna@example.test correct horse 9\n")
# What stands behind HEAD, from line 4 on, and the words: F is the file.
BAD = {
    "not-a-profile": ("profile = cloud",
                      "F:4: profile: direct, relay or collector"),
    "relay-alone": ("profile = relay",
                    'F:4: profile relay: needs "relay_host = "'),
    "collector-alone": ("profile = collector",
                        'F:4: profile collector: needs "relay_host = "'),
    "no-key": ("certificate = /etc/passwd",
               'F:4: certificate: its "key = FILE" is missing'),
    "no-certificate-file": (
        "certificate = /nope.pem\nkey = /etc/passwd",
        "F:4: certificate: /nope.pem: No such file or directory"),
    "no-key-file": ("certificate = /etc/passwd\nkey = /nope.key",
                    "F:5: key: /nope.key: No such file or directory"),
    # Root's settings have two lines more, of session_uid_*.
    "not-a-certificate": (
        "listen_pop3 =\ncertificate = /etc/passwd\nkey = /etc/passwd",
        "CONF/rohrpost.conf:%d: tls_certificate: /etc/passwd: holds no PEM "
        "certificate" % (6 if os.getuid() else 8)),
    "unknown": ("frobnicate = 1", "F:4: frobnicate: not a key that is known"),
    "twice": ("listen_imap =\nlisten_imap =",
              "F:5: listen_imap stands already in line 4"),
    "nonsense": ("nonsense", 'F:4: not a line "key = value"'),
    "no-name": (" = x", 'F:4: not a line "key = value"'),
    "key-65": ("a" * 65 + " = x", 'F:4: not a line "key = value"'),
    "key-64": ("a" * 64 + " = x", "F:4: " + "a" * 64 + ": not a key that is "
               "known"),
    "capital": ("Profile = direct", "F:4: not a key"),
    "bad-value": ("# x\n\nmessage_size = lots", "F:6: message_size: "),
    "bad-address": ("listen_imap = 1.2.3.4", 'F:4: listen_imap: "1.2.3.4" is '
                    "no address like 192.0.2.1:25 or [2001:db8::1]:25"),
    "domain-name": ("domain = x..y", "F:4: domain: x..y: not a domain name"),
    "domain-line": ("domain = b.test = example.test",
                    'F:4: domain: expected "= alias DOMAIN"'),
    "domain-target": ("domain = b.test = alias c.test",
                      "F:4: b.test: alias of c.test, which is not there"),
    "user-name": ("user = bert word word", "F:4: user: bert: not an address "
                  "(local@domain)"),
    "user-password": ("user = bert@example.test",
                      "F:4: user: bert@example.test: a password is missing"),
    "user-domain": ("user = bert@other.test correct horse",
                    "F:4: bert@other.test: domain other.test is not in "
                    "domains"),
    "alias-name": ("alias = info = anna@example.test",
                   "F:4: alias: info: not an address (local@domain)"),
    "alias-line": ("alias = info@example.test",
                   'F:4: alias: expected "address = target, ..."'),
    "alias-target": ("alias = info@example.test = carl@example.test",
                     "F:4: info@example.test leads to carl@example.test, "
                     "which is nobody"),
    "alias-domain": ("alias = info@other.test = anna@example.test",
                     "F:4: info@other.test: domain other.test is not in "
                     "domains"),
    "collect-name": ("collect = imap host=x login=y to=z password=secret",
                     "F:4: collect: no name stands first"),
    "collect-bare": ("collect = secret", "F:4: collect: no name stands first"),
    "collect-word": ("collect = home = imap hots=x password=secret",
                     'F:4: collect: hots: unknown; expected "NAME = '),
    "collect-owner": ("collect = home = pop3 host=pop.remote.test login=y "
                      "to=carl@example.test password=secret",
                      "F:4: home: carl@example.test is no address here"),
    "collect-host": ("collect_host = imap.remote.test",
                     "F:4: collect_host: not a key that is known"),
    # The user's line is good, and has the name too.
    "alias-of-account": ("alias = anna@example.test = bert@remote.test",
                         "F:4: anna@example.test is an account (users:1)"),
    # A longer name begins with this one.
    "alias-begins": ("alias = info@example.test.b.test = anna@example.test\n"
                     "domain = example.test.b.test\n"
                     "alias = info@example.test = carl@example.test",
                     "F:6: info@example.test leads to carl@example.test, "
                     "which is nobody"),
    "postmaster": ("postmaster = carl@example.test",
                   "F:4: postmaster leads to carl@example.test, which is "
                   "nobody"),
    "postmaster-words": ("postmaster = a@@b",
                         "F:4: postmaster: a@: not a local part (letters, "),
    "abuse": ("\nabuse = carl@example.test",
              "F:5: abuse leads to carl@example.test, which is nobody"),
}


@pytest.fixture
def place(tmp_path):
    return tmp_path / "conf", tmp_path / "state"


def run_setup(place, text, *args, end="state_dir = %s\n", **kw):
    """The file of answers is by the place; the state's comes last."""
    f = place[0].parent / "answers"
    f.write_text(text + (end % place[1] if end else ""))
    f.chmod(0o600)
    return subprocess.run(
        [str(rohrpost.ROHRPOST), "-c", str(place[0]), "setup", "--answers",
         str(f), *args], capture_output=True, text=True, timeout=60, **kw)


def said(place, p):
    return p.stderr.replace(str(place[0].parent / "answers") + ":", "F:") \
        .replace(str(place[0]), "CONF")


@pytest.mark.parametrize("name", BAD)
def test_bad_answer_is_named(place, name):
    """By its line, alone, and nothing is left behind."""
    text, words = BAD[name]
    p = run_setup(place, HEAD + text + "\n")
    assert p.returncode == 1 and p.stdout == "", p.stdout
    line = said(place, p)
    assert line.count("\n") == 1, line
    assert line.startswith("rohrpost: " + words), line
    assert not place[0].exists() and not place[1].exists()


@pytest.mark.parametrize("without, words", [
    ("hostname", 'no "hostname = ": the full name of this server, like '
     'mail.example.org'),
    ("domain", 'no "domain = ": which domain\'s mail is taken?'),
    ("user", 'no "postmaster = " and no user: who reads that mail?'),
])
def test_what_must_be_answered(place, without, words):
    lines = [x for x in HEAD.splitlines(True) if not x.startswith(without)]
    if without == "domain":     # its user would be nobody's
        lines = [lines[0], "postmaster = a@remote.test\n"]
    p = run_setup(place, "".join(lines))
    assert p.returncode == 1 and said(place, p) == "rohrpost: F: %s\n" % words
    assert not place[0].exists()


def test_what_stands_there_cannot_be_read(place):
    """It is named, and stays as it is."""
    place[0].mkdir()
    conf = place[0] / "rohrpost.conf"
    conf.write_bytes("hostname = a.test\n".encode("utf-16"))
    p = run_setup(place, HEAD)
    assert p.returncode == 1
    assert "CONF/rohrpost.conf: " in said(place, p), p.stderr
    assert conf.read_bytes() == "hostname = a.test\n".encode("utf-16")
    conf.unlink()
    conf.mkdir()
    p = run_setup(place, HEAD)
    assert p.returncode == 1
    assert "CONF/rohrpost.conf: " in said(place, p), p.stderr


FORM = " (a good line: alias = info@example.org = anna@example.org)"


def test_two_faults_have_their_lines(place):
    p = run_setup(place, HEAD + "alias = b@example.test = c@example.test\n"
              "alias = d@other.test = anna@example.test\n"
              "abuse = e@example.test\n")
    assert p.returncode == 1
    assert sorted(said(place, p).splitlines()) == [
        "rohrpost: F:4: b@example.test leads to c@example.test, which is "
        "nobody" + FORM,
        "rohrpost: F:5: d@other.test: domain other.test is not in domains" +
        FORM,
        "rohrpost: F:6: abuse leads to e@example.test, which is nobody "
        "(a good line: abuse = anna@example.org)"]


def keys(place):
    text = (place[0] / "rohrpost.conf").read_text()
    return dict(x.split(" = ", 1) if " = " in x else (x.split(" =")[0], "")
                for x in text.splitlines() if not x.startswith("#"))


def test_dry_run_writes_nothing(place):
    p = run_setup(place, HEAD + "profile = relay\nrelay_host = out.test\n"
              "relay_user = me\nrelay_password = secret word\n"
              "alias = info@example.test = anna@example.test\n", "--dry-run")
    assert p.returncode == 0 and p.stderr == "", p.stderr
    shown = p.stdout.replace(str(place[0]), "CONF") \
        .replace(str(place[1]), "STATE")
    for line in ("CONF/rohrpost.conf:", "hostname = mail.example.test",
                 "relay_host = out.test", "state_dir = STATE",
                 "relay_password_file = CONF/relay.password",
                 "CONF/domains:", "example.test", "CONF/users:",
                 "anna@example.test", "CONF/aliases:",
                 "info@example.test = anna@example.test",
                 "root@example.test = anna@example.test",
                 "mailer-daemon@example.test = anna@example.test",
                 "CONF/relay.password: what was answered",
                 "CONF/certificate.pem and key.pem: new, self-signed, for "
                 "mail.example.test", "STATE: the directories"):
        assert line in shown.splitlines(), (line, shown)
    assert "secret" not in shown and "horse" not in shown
    assert "passwd" not in shown
    assert not place[0].exists() and not place[1].exists()


def contents(conf):
    return {f.name: f.read_bytes() for f in conf.iterdir() if f.is_file()}


@pytest.mark.root
def test_each_answer_has_its_place(place):
    """And answered again: what is new changes, what is there stays."""
    p = run_setup(place, HEAD + "domain = b.test = alias example.test\n"
              "postmaster = anna@example.test\nabuse = info@example.test\n"
              "alias = info@example.test = anna@example.test, x@remote.test\n"
              "alias = root@example.test = x@remote.test\n"
              "profile = collector\nrelay_host = out.test\n"
              "relay_user = me\nrelay_password = secret word\n"
              "collect = Home = pop3 host=pop.remote.test login=me keep=30d "
              "to=info@example.test password=other word\n"
              "listen_imap = 127.0.0.1:14143\n")
    assert p.returncode == 0, p.stderr
    conf, state = place
    assert p.stdout.splitlines()[0] == \
        '%s: ready; "rohrpost -c %s start" starts it' % (conf, conf)
    got = keys(place)
    assert got["listen_smtp"] == "" and got["relay_host"] == "out.test"
    assert got["listen_imap"] == "127.0.0.1:14143"
    assert got["state_dir"] == str(state)
    assert got["relay_password_file"] == str(conf / "relay.password")
    assert (conf / "relay.password").read_text() == "secret word\n"
    assert (conf / "relay.password").stat().st_mode & 0o777 == 0o600
    assert (conf / "collect").read_text().splitlines()[-1].endswith(
        " keep=30d to=info@example.test password=other word")
    assert (conf / "collect").stat().st_mode & 0o777 == 0o600
    assert (conf / "key.pem").stat().st_mode & 0o777 == 0o600
    first, last = int(got["session_uid_first"]), int(got["session_uid_last"])
    assert last - first == 4095 and first >= 2000100000 + 4096
    assert last < 2 ** 31
    aliases = (conf / "aliases").read_text().splitlines()
    assert "root@example.test = x@remote.test" in aliases
    assert "mailer-daemon@example.test = anna@example.test" in aliases
    assert "abuse = info@example.test" in aliases
    before = contents(conf)
    # The same once more: nothing changes, no hash is made anew.
    p = run_setup(place, HEAD)
    assert p.returncode == 0 and p.stdout == "%s: nothing to change\n" % conf
    assert contents(conf) == before
    # A role that is answered wins; an alias that is there stays.
    p = run_setup(place, "postmaster = y@remote.test\nlisten_smtp = "
              "127.0.0.1:14025\nalias = info@example.test = z@remote.test\n"
              "user = anna@example.test another horse 9\n"
              "collect = more = imap host=imap.remote.test login=me "
              "to=anna@example.test password=third word\n"
              "collect = home = imap host=x.test login=y "
              "to=anna@example.test password=z\n", "--yes")
    assert p.returncode == 0, p.stderr
    assert "/collect: more: a new line\n" in p.stdout
    assert " word" not in p.stdout and "/collect: home" not in p.stdout
    assert (conf / "collect").read_bytes().startswith(before["collect"])
    aliases = (conf / "aliases").read_text().splitlines()
    assert "postmaster = y@remote.test" in aliases
    assert "info@example.test = anna@example.test, x@remote.test" in aliases
    assert keys(place)["listen_smtp"] == "127.0.0.1:14025"
    assert (conf / "passwd").read_bytes() != before["passwd"]
    # What the file was is kept beside it.
    assert (conf / "rohrpost.conf.old").read_bytes() == \
        before["rohrpost.conf"]
    assert "/var/lib" not in (conf / "rohrpost.conf").read_text()


@pytest.mark.root
def test_paths_become_absolute(place):
    """Programs have a folder of their own."""
    here = place[0].parent
    p = run_setup(place, HEAD + "state_dir = over here\n", "--dry-run",
                  end=None, cwd=here)
    assert p.returncode == 0, p.stderr
    assert "state_dir = %s/over here" % here in p.stdout.splitlines()
    place[0].mkdir()
    (place[0] / "rohrpost.conf").write_text("state_dir = over there\n")
    p = run_setup(place, HEAD, end=None, cwd=here)
    assert p.returncode == 1
    assert said(place, p) == \
        "rohrpost: F: state_dir: not an absolute path\n"


def test_the_answers_of_the_readme(place):
    """They are good as they stand there."""
    readme = pathlib.Path(os.environ.get("ROHRPOST_SOURCE", pathlib.Path(
        __file__).resolve().parents[2])) / "README.md"
    text = readme.read_text().split("Unattended, `rohrpost setup", 1)[1]
    text = "".join(line[4:] + "\n" for line in text.splitlines()
                   if line.startswith("    "))
    answers = text.split("\n\n")[0].split("hostname", 1)[1]
    lines = ("hostname" + answers).split("\n")[:7]
    p = run_setup(place, "\n".join(lines) + "\n", "--dry-run")
    assert p.returncode == 0 and p.stderr == "", p.stderr
    for line in ("relay_host = smtp.provider.example",
                 "relay_user = anna@provider.example", "anna@example.org"):
        assert line in p.stdout.splitlines()
