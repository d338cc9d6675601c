"""What rohrpost's commands say and change, word by word, where nothing runs:
ctl_words.txt holds one session of an operator.

    $ domain add b.test --alias c.test      the command
    < secret word                           its input, a line
    DOMAIN  ALIAS_OF                        its standard output
    ! rohrpost: b.test: not in domains      its standard error
    ? 1                                     its exit status, where not 0
    @ users                                 lines of that table follow

HASH is a hash, A64 a word of 64 letters, CONF and STATE are folders; YESCRYPT,
WHEN and PASSWORD stand for what no two runs have in common. A blank line ends
a command, # begins a remark.
"""
import json
import os
import pathlib
import re
import socket
import subprocess

import rohrpost

HERE = pathlib.Path(__file__).parent
HASH = "$6$rounds=1000$abcdefgh$" + "x" * 86


def commands():
    """(line, words, input, expected) of each command."""
    block, start = [], 0
    text = (HERE / "ctl_words.txt").read_text().splitlines() + [""]
    for n, line in enumerate(text, 1):
        if line.startswith("#"):
            continue
        if line:
            start = start or n
            block.append(line)
        elif block:
            given = "".join(x[2:] + "\n" for x in block if x[0] == "<")
            yield (start, block[0][2:], given,
                   [x for x in block[1:] if x[0] != "<"])
            block, start = [], 0


def clean(text, conf):
    """What differs from run to run has a name."""
    text = re.sub(r"a{20,}", lambda m: "A%d" % len(m[0]), text)
    for old, new in ((re.escape(HASH), "HASH"),
                     (r"\$y\$[./$\w]{20,}", "YESCRYPT"),
                     (re.escape(str(conf)), "CONF"),
                     (re.escape(str(conf.parent / "state")), "STATE"),
                     (r"(app=[^,]*,[^,]*),\d+,", r"\1,WHEN,"),
                     (r"(?m)^([a-km-z2-9]{4}-){4}[a-km-z2-9]{4}$",
                      "PASSWORD")):
        text = re.sub(old, new, text)
    return text


def run(conf, words, given, tables):
    words = re.sub(r"\bA(\d+)\b", lambda m: "a" * int(m[1]), words)
    p = subprocess.run(
        [str(rohrpost.ROHRPOST), "-c", str(conf),
         *[HASH if w == "HASH" else w for w in words.split()]],
        input=given, capture_output=True, text=True, timeout=60)
    out = clean(p.stdout, conf).splitlines()
    out += ["! " + x for x in clean(p.stderr, conf).splitlines()]
    out += ["? %d" % p.returncode] if p.returncode else []
    for name in tables:
        out += ["@ " + name]
        out += clean((conf / name).read_text(), conf).splitlines()
    return out


def made(tmp_path):
    conf = tmp_path / "conf"
    (tmp_path / "answers").write_text(
        "hostname = mail.example.test\ndomain = example.test\n"
        "user = anna@example.test correct horse 9\n"
        "postmaster = anna@example.test\nstate_dir = %s\ndkim = no\n" %
        (tmp_path / "state"))
    assert run(conf, "setup --answers %s" % (tmp_path / "answers"), "", [])[
        0] == 'CONF: ready; "rohrpost -c CONF start" starts it'
    return conf


def test_words(tmp_path):
    conf = made(tmp_path)
    for line, words, given, expected in commands():
        tables = [x[2:] for x in expected if x[:2] == "@ "]
        got = run(conf, words, given, tables)
        assert (words, got) == (words, expected), "ctl_words.txt:%d" % line


def test_socket_that_was_left(tmp_path):
    """A program that was killed left its socket: it is not running."""
    conf = made(tmp_path)
    (tmp_path / "state" / "run").mkdir(exist_ok=True)
    for name in ("queue", "store", "master"):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(tmp_path / "state" / "run" / (name + ".ctl")))
    for words, name in (("queue list", "queue"), ("store list", "store"),
                        ("session list", "master")):
        assert run(conf, words, "", []) == [
            "! rohrpost: %s is not running" % name, "? 75"], words


A, B = "127.0.0.1:14143", "192.0.2.1:14143"
NO_ADDRESS = "is no address like 192.0.2.1:25 or [2001:db8::1]:25"
FROM = "session_uid_first = 3000000\nsession_uid_last = "
IDS = "6: session_uid_last: 1 to 65536 ids from session_uid_first on"
SIZE = "(size, 1024 to 2147483648)"
# Lines from 5 on, and what is said of them; None: they are good.
CONFIG = [
    ("listen_imap = %s\nlisten_pop3 = %s" % (A, A),
     "6: listen_pop3: %s stands in listen_imap too" % A),
    ("listen_imap = %s, %s" % (A, A),
     "5: listen_imap: %s stands there twice" % A),
    ("listen_imap = 0.0.0.0:14143\nlisten_pop3 = " + A,
     "6: listen_pop3: %s is the port of 0.0.0.0:14143 in listen_imap" % A),
    ("listen_imap = [::1]:14143\nlisten_pop3 = [::]:14143",
     "6: listen_pop3: [::]:14143 is the port of [::1]:14143 in listen_imap"),
    ("listen_imap = %s, [::]:14143, %s, 127.0.0.1:14144" % (A, B), None),
    ("listen_imap = 127.0.0.1:0",
     "5: listen_imap: 127.0.0.1:0 has no port (1 to 65535)"),
    ("listen_imap = 127.0.0.1", '5: listen_imap: "127.0.0.1" ' + NO_ADDRESS),
    ("listen_imap = 127.0.0.1:65536",
     '5: listen_imap: "127.0.0.1:65536" ' + NO_ADDRESS),
    ("listen_imap = 127.0.0.1:65535", None),
    (FROM + "3000000", None), (FROM + "2999999", IDS),
    (FROM + "3065535", None), (FROM + "3065536", IDS),
    ("session_uid_first = 999", '5: session_uid_first: "999" is out of '
     "bounds (number, 1000 to 4000000000)"),
    ("listen_imap =\nlisten_imap =",
     "6: listen_imap stands already in line 5: take one of them out"),
    ("frob = 1", "5: frob: no program knows this key: take the line out (rohrpost "
     "config show has all keys)"),
    ("program_dir = x", "5: program_dir: is not an absolute path"),
    ("message_size = 1023",
     '5: message_size: "1023" is out of bounds ' + SIZE),
    ("message_size = 1024", None), ("message_size = 2G", None),
    ("message_size = 2097153K",
     '5: message_size: "2097153K" is out of bounds ' + SIZE),
    ("message_size = 10x",
     '5: message_size: "10x" has no unit that is known ' + SIZE),
    ("message_size = -1", '5: message_size: "-1" is not a number ' + SIZE),
    ("queue_lifetime = 1", '5: queue_lifetime: "1" needs a unit: s, m, h, d '
     "or w (time, 0 to 315360000)"),
    ("queue_lifetime = 5y", '5: queue_lifetime: "5y" has no unit that is '
     "known (time, 0 to 315360000)"),
    ("auth_scram = maybe", '5: auth_scram: "maybe" is neither yes nor no'),
    ("auth_scram = yes", None),
    ("no equal sign", '5: is not a line "key = value"'),
    (" = x", '5: is not a line "key = value"'),
    ("relay_host = [1.2.3.400]", '5: relay_host: "[1.2.3.400]" is no address '
     "like [192.0.2.1] or [2001:db8::1]"),
]


def test_config_check(tmp_path):
    """Every value that is not right, by its line; and its neighbours."""
    conf = made(tmp_path)
    good = ("hostname = mail.example.test\nstate_dir = %s\n"
            "tls_certificate = %s/certificate.pem\ntls_key = %s/key.pem\n" %
            (tmp_path / "state", conf, conf))
    for lines, words in CONFIG:
        (conf / "rohrpost.conf").write_text(good + lines + "\n")
        got = run(conf, "config check", "", [])
        assert (lines, got) == (lines, [] if words is None else [
            "! rohrpost: CONF/rohrpost.conf:" + words, "? 1"])
    (conf / "rohrpost.conf").write_text(good)
    (conf / "key.pem").chmod(0o604)
    assert run(conf, "config check", "", []) == [
        "! rohrpost: warning: CONF/rohrpost.conf:4: tls_key: CONF/key.pem is "
        "open to every user of this machine: chmod o= CONF/key.pem"]
    (conf / "key.pem").chmod(0o640)
    assert run(conf, "config check", "", []) == []
    (conf / "rohrpost.conf").write_text(
        good + "message_size = 1G\nlisten_pop3 =\n")
    shown = {r["key"]: r for r in json.loads("\n".join(
        run(conf, "config show --json", "", [])))}
    assert shown["message_size"]["value"] == "1G"
    assert shown["message_size"]["default"] is False
    assert shown["listen_pop3"]["value"] == ""
    assert shown["queue_lifetime"]["default"] is True
    assert shown["queue_lifetime"]["value"] == "5d"


ONE, TWO, THREE = "0123456789abcdef", "fedcba9876543210", "aaaa456789abcdef"
LOG = """\
2026-01-02T03:04:05.678Z smtpd[12] info %(one)s from Anna+shop@example.test
2026-01-02T03:04:06.000Z smtpd[12] info %(one)s message-id=<m1@x.test>
2026-01-02T03:04:07.001Z queue[9] info %(one)s becomes %(two)s
2026-01-02T03:04:08.001Z deliver[8] warn %(two)s to bert@example.test later
2026-01-02T03:04:08.002Z deliver[8] info %(three)s to carl@example.test
2026-01-02T03:04:09.000Z smtpd[12] warn RCPT anna@example.test refused
2026-01-02T03:04:09.001Z smtpd[12] info anna@example.test is greeted
2026-01-02T03:04:09.002Z smtpd[12] warn RCPT xanna@example.test refused
2026-01-02T03:04:09.003Z smtpd[12] warn RCPT anna@example.test.us refused
2026-01-02T03:04:09.004Z smtpd[12] info x%(one)s and %(one)s0 are none
2026-01-02T03:04:09.005Z master info word of a program without number
""" % {"one": ONE, "two": TWO, "three": THREE}
TRACES = [      # what, and which of the lines
    (ONE, (0, 1, 2, 3)), (TWO, (0, 1, 2, 3)), (THREE, (4,)),
    ("anna@example.test", (0, 1, 2, 3, 5)),
    ("ANNA+shop@EXAMPLE.test", (0, 1, 2, 3)),
    ("anna+other@example.test", ()), ("<m1@x.test>", (0, 1, 2, 3)),
    ("m1@x.test", (0, 1, 2, 3)), ("bert@example.test", (0, 1, 2, 3)),
    ("nna@example.test", ()), ("xanna@example.test", (7,)),
    ("anna@example.test.us", (8,)), ("<>", ()),
    ("0123456789abcdeff", ()),
]


def test_trace(tmp_path):
    """By id, address and Message-ID; each line once, the oldest first."""
    conf, lines = made(tmp_path), LOG.splitlines()
    log = tmp_path / "state" / "log"
    log.mkdir()
    for n, (name, text) in enumerate((
            ("rohrpost.log.2", lines[:1]), ("rohrpost.log.1", lines[1:4]),
            ("rohrpost.log", lines[4:]))):
        (log / name).write_text("\n".join(text) + "\n")
        os.utime(log / name, (1000 + n, 1000 + n))
    for name in ("rohrpost.log.3.gz", "other.log"):
        (log / name).write_text(LOG)
    (log / "rohrpost.log.4").mkdir()
    for what, which in TRACES:
        got = run(conf, "trace " + what, "", [])
        if which:       # time, program, pid, level, text
            got = [(x[0], x[3], x[4]) for x in
                   (line.split(None, 4) for line in got[1:])]
            want = [(x[0], x[2], x[3]) for x in
                    (lines[i].split(" ", 3) for i in which)]
        else:
            want = ["! rohrpost: %s: nothing in the log" % what, "? 1"]
        assert (what, got) == (what, want)
    assert json.loads("\n".join(run(
        conf, "trace bert@example.test --json", "", [])))[3] == {
            "time": 1767323048.001, "program": "deliver", "pid": 8,
            "level": "warn", "class": None, "text": TWO + " to bert@example.test later"}
    # One that cannot be read is told of, and not taken for an end.
    (log / "rohrpost.log.2").unlink()
    (log / "rohrpost.log.2").symlink_to("/nowhere")
    assert len(run(conf, "trace " + ONE, "", [])) == 4
