"""A wrong option, key, table line, address, certificate or missing file gets
one line that says where and what; nothing starts half."""
import contextlib
import os
import pathlib
import random
import re
import subprocess

import pytest

import rohrpost

USERS = ("anna", "bert")


def fails(p, *words, code=None, lines=1):
    text = p.stdout + p.stderr
    assert p.returncode != 0
    if code is not None:
        assert p.returncode == code, (p.returncode, text)
    for w in words:
        assert w in text, (w, text)
    assert "Sanitizer" not in text
    assert len(p.stderr.strip().splitlines()) == lines, p.stderr


def test_wrong_option_and_command(inst):
    fails(inst.command("--frobnicate"), "frobnicate", code=2)
    fails(inst.command("frobnicate"), "frobnicate", code=2)
    fails(inst.command("queue", "frobnicate"), "frobnicate", code=2)
    fails(inst.command("domain", "add"), code=2)


@pytest.mark.parametrize("prog", [p for p in rohrpost.PROGRAMS])
def test_programs_refuse_a_wrong_option(inst, prog):
    p = subprocess.run([str(rohrpost.LIBEXEC / prog), "-Z"],
                       capture_output=True, text=True, timeout=20,
                       stdin=subprocess.DEVNULL)
    assert p.returncode == 100
    assert p.stderr.strip()


@pytest.mark.parametrize("ids", ["0:5", "5:0", "0:0", "5", "x:5", "5:x", "",
                                 "5:", ":5", "-1:5", "4294967295:5",
                                 "5:4294967295"])
def test_programs_refuse_the_ids_of_root(inst, ids):
    """What master lends to a session is never root's, and never nobody's."""
    def run(arg):
        return subprocess.run(
            [str(rohrpost.LIBEXEC / "imapd"), "-c", str(inst.conf), "-U", arg],
            capture_output=True, text=True, timeout=20,
            stdin=subprocess.DEVNULL)
    p = run(ids)
    assert p.returncode == 100 and "usage: " in p.stderr, p.stderr
    p = run("5:4294967294")
    assert p.returncode == 100 and "usage: " not in p.stderr, p.stderr


def change(inst, name, text):
    f = inst.conf / name
    old = f.read_text()
    f.write_text(old + text)
    return lambda: f.write_text(old)


def test_unknown_key_and_bad_value(inst):
    for text, words in (("frobnicate = 1\n", "frobnicate"),
                        ("message_size = lots\n", "message_size"),
                        ("nonsense\n", "rohrpost.conf:"),
                        ("queue_lifetime = 5\n", "queue_lifetime")):
        undo = change(inst, "rohrpost.conf", text)
        try:
            fails(inst.command("config", "check"), "rohrpost.conf:", words)
        finally:
            undo()
    assert inst.command("config", "check").returncode == 0


@pytest.mark.parametrize("key,value,words", [
    ("hostname", "bad host", ("is not a host name",)),
    ("relay_ca_file", "/nowhere/ca.pem", ("relay_ca_file: /nowhere/ca.pem",)),
    ("relay_ca_file", "/dev/null", ("relay_ca_file: /dev/null",))])
def test_value_is_refused_by_check_reload_and_start(inst, key, value, words):
    f = inst.conf / "rohrpost.conf"
    old = f.read_text()
    new = "".join(x for x in old.splitlines(True) if not x.startswith(key))
    f.write_text(new + "%s = %s\n" % (key, value))
    line = len(new.splitlines()) + 1
    if key == "hostname":
        words += ("rohrpost.conf:%d: hostname:" % line,)
    try:
        p = inst.command("config", "check")
        fails(p, *words)
        assert len(p.stderr.splitlines()) == 1, p.stderr
        p = inst.command("reload")
        fails(p, *words)
        assert len(p.stderr.splitlines()) == 1, p.stderr
        inst.stop()
        p = inst.command("start")
        fails(p, *words)
        assert len(p.stderr.splitlines()) == 1, p.stderr
    finally:
        f.write_text(old)
        inst.start()


@pytest.mark.parametrize("names,bad", [
    ("a.test, b..test", "b..test"), ("a.test b.test\tc_!.test", "c_!.test"),
    (", -x.test", "-x.test"), ("a.test, b.test", None), (" ,a.test,", None)])
def test_each_name_of_a_list(inst, names, bad):
    undo = change(inst, "rohrpost.conf", "doctor_dnsbl = %s\n" % names)
    try:
        p = inst.command("config", "check")
    finally:
        undo()
    assert (p.returncode == 0) == (bad is None), p.stderr
    if bad:
        fails(p, 'doctor_dnsbl: "%s"' % bad, code=1)


def test_key_given_thrice(inst):
    """A line for each that is too many."""
    undo = change(inst, "rohrpost.conf", "relay_port = 1\n" * 3)
    n = len((inst.conf / "rohrpost.conf").read_text().splitlines())
    try:
        p = inst.command("config", "check")
    finally:
        undo()
    fails(p, code=1, lines=2)
    assert [s.split("rohrpost.conf:")[1] for s in p.stderr.splitlines()] == [
        "%d: relay_port stands already in line %d: take one of them out"
        % (i, n - 2)
        for i in (n - 1, n)]


HOST_FAULTS = [("relay_host", v, w) for v, w in (
    ("[nonsense]", "is no address like"), ("[192.0.2.1", "is no address like"),
    ("[]", "is no address like"), ("[IPv6:192.0.2.1]", "is no address like"),
    ("192.0.2.1", "in brackets: [192.0.2.1]"), ("a b", "is no name"),
    ("a..b", "is no name"), ("-x", "is no name"), ("x-.test", "is no name"))]

RESOLVER_FAULTS = [("resolver", v, "is no address like") for v in (
    "127.0.0.1@99999", "127.0.0.1@0", "127.0.0.1@", "127.0.0.1:53",
    "[::1]@53", "localhost", "127.0.0.1@53 x")]


@pytest.mark.parametrize("key,value,words", HOST_FAULTS + RESOLVER_FAULTS + [
    ("imap_charsets", "ISO-2022-JP FOO-BAR", "does not know FOO-BAR"),
    ("queue_retry_min", "2h", "than queue_retry_max (3600s)"),
    ("local_trusted", "root, nobody-at-all", "nobody-at-all is no user")])
def test_wrong_value(inst, key, value, words):
    undo = change(inst, "rohrpost.conf", "%s = %s\n" % (key, value))
    line = len((inst.conf / "rohrpost.conf").read_text().splitlines())
    try:
        p = inst.command("config", "check")
    finally:
        undo()
    fails(p, "rohrpost.conf:%d: %s: " % (line, key), words, code=1)
    assert len(p.stderr.splitlines()) == 1, p.stderr


BOUNDS = {k: tuple(rest) for k, *rest in (
    x.split() for x in (pathlib.Path(__file__).parent /
                        "setting_bounds.txt").read_text().splitlines()
    if not x.startswith("#"))}


def keys_of_programs():
    """key -> (program, type, least, most); one program for each."""
    out = {}
    for prog in rohrpost.PROGRAMS:
        p = subprocess.run([str(rohrpost.LIBEXEC / prog), "-K"], text=True,
                           capture_output=True, timeout=20)
        assert p.returncode == 0, p.stderr
        for column in (x.split("\t") for x in p.stdout.splitlines()):
            out[column[0]] = (prog, column[1], column[3], column[4])
    return out


def outside(kind, least, most):
    """Values that such a key must not have."""
    if kind == "text":
        return [""] * (least > 0) + ["x" * (most + 1)]
    unit = "s" if kind == "time" else ""
    return ["%d%s" % (n, unit) for n in (least - 1, most + 1) if n >= 0]


def test_bounds_of_each_key(tmp_path):
    """They are as they are kept, and what is outside is refused."""
    keys = keys_of_programs()
    assert set(BOUNDS) <= set(keys)
    assert {k: keys[k][1:] for k in BOUNDS} == BOUNDS
    for key, (prog, kind, least, most) in keys.items():
        if kind not in ("number", "size", "time", "text"):
            continue
        for value in outside(kind, int(least), int(most)):
            (tmp_path / "rohrpost.conf").write_text(
                "hostname = a.test\n%s = %s\n" % (key, value))
            p = subprocess.run([str(rohrpost.LIBEXEC / prog), "-c",
                                str(tmp_path), "-n"], capture_output=True,
                               text=True, timeout=20)
            fails(p, "rohrpost.conf:2: %s: " % key)


SMART = "relay_host = smart.test\n"


@pytest.mark.parametrize("lines,secret,words", [
    ("relay_auth = PLAIN FOO", None,
     "relay_auth: FOO is not known (SCRAM-SHA-256, PLAIN, LOGIN, "
     "OAUTHBEARER, XOAUTH2)"),
    ("relay_user = us", None, "relay_user is set, relay_host is not"),
    (SMART + "relay_user = us", None,
     "relay_user is set, relay_password_file is not"),
    (SMART + "relay_user = us\nrelay_password_file = /nowhere", None,
     "relay_password_file: /nowhere: No such file or directory"),
    (SMART + "relay_user = us\nrelay_password_file = %s", b"\nsecret\n",
     "the first line is empty"),
    (SMART + "relay_user = us\nrelay_password_file = %s", b"",
     "the first line is empty"),
    (SMART + "relay_user = us\nrelay_password_file = %s",
     b"x" * 4097 + b"\n", "the password is too long"),
    (SMART + "relay_user = us\nrelay_password_file = %s",
     b"\xff\xfes\0", "UTF-16"),
    ("relay_ca_file = /nowhere", None, "relay_ca_file: "),
    ("resolver_trust_anchor = /nowhere", None,
     "resolver_trust_anchor: /nowhere: No such file or directory")])
def test_wrong_login_at_the_smarthost(inst, tmp_path, lines, secret, words):
    file = tmp_path / "password"
    if secret is not None:
        file.write_bytes(secret)
        file.chmod(0o600)
        lines %= file
    undo = change(inst, "rohrpost.conf", lines + "\n")
    try:
        p = inst.command("config", "check")
    finally:
        undo()
    fails(p, words, code=1)


def test_right_login_at_the_smarthost(inst, tmp_path):
    """With a byte order mark, CR and LF, and as long as it may be."""
    file = tmp_path / "password"
    file.write_bytes(b"\xef\xbb\xbf" + b"x" * 1024 + b"\r\n")
    file.chmod(0o600)
    undo = change(inst, "rohrpost.conf", SMART + "relay_user = us\n"
                  "relay_password_file = %s\n" % file)
    try:
        inst.ctl("config", "check")
    finally:
        undo()


@pytest.mark.parametrize("key,value", [
    ("relay_host", "smart.test."), ("relay_host", "under_score.test"),
    ("relay_host", "[2001:db8::1]"), ("relay_host", "[IPv6:2001:db8::1]"),
    ("relay_host", "[192.0.2.1]"), ("resolver", "::1@53, 127.0.0.1"),
    ("resolver", "fe80::1%lo"), ("imap_charsets", "ISO-2022-JP, UTF-8"),
    ("local_trusted", "root, nobody")])
def test_right_value(inst, key, value):
    undo = change(inst, "rohrpost.conf", "%s = %s\n" % (key, value))
    try:
        inst.ctl("config", "check")
    finally:
        undo()


def test_wrong_ports(inst, tmp_path):
    """And what config check says, start says before anything runs."""
    other = rohrpost.Instance(tmp_path / "i", users=USERS)
    other.setup()
    conf = other.conf / "rohrpost.conf"
    text = conf.read_text()
    smtp, imap = ("127.0.0.1:%d" % other.ports[s] for s in ("smtp", "imap"))
    for value, words in (("127.0.0.1:0", "127.0.0.1:0 has no port"),
                         (imap + " " + imap, imap + " stands there twice"),
                         (smtp, smtp + " stands in listen_smtp too"),
                         ("0.0.0.0:%d" % other.ports["smtp"],
                          "0.0.0.0:%d is the port of %s in listen_smtp"
                          % (other.ports["smtp"], smtp)),
                         (imap + " *:%d" % other.ports["imap"],
                          "0.0.0.0:%d is the port of %s in listen_imap"
                          % (other.ports["imap"], imap))):
        conf.write_text(text.replace("listen_imap = " + imap,
                                     "listen_imap = " + value))
        for command in (("config", "check"), ("start",)):
            p = other.command(*command)
            other.kill_all()
            fails(p, "rohrpost.conf:", ": listen_imap: " + words)
    assert not other.processes()


def test_open_secret_is_warned_of(inst, tmp_path):
    secret = tmp_path / "relay.password"
    secret.write_text("geheim\n")
    undo = change(inst, "rohrpost.conf", "relay_host = smart.test\n"
                  "relay_user = us\nrelay_password_file = %s\n" % secret)
    try:
        for mode, told in ((0o644, True), (0o600, False)):
            secret.chmod(mode)
            p = inst.command("config", "check")
            assert p.returncode == 0, p.stderr
            assert ("chmod o= %s" % secret in p.stderr) == told, p.stderr
    finally:
        undo()


def test_bad_table_line_stops_the_apply_not_the_server(inst):
    undo = change(inst, "aliases", "this is no alias\n")
    try:
        fails(inst.command("apply"), "aliases:")
        with inst.smtp() as s:
            s.sendmail("eve@remote.test", ["anna@example.test"],
                       rohrpost.message("still"))
    finally:
        undo()
    assert inst.command("apply").returncode == 0


def test_bad_addresses(inst):
    for bad in ("nodomain", "a b@example.test", "@example.test", "x@",
                "../../x@example.test", "x@unknown.test", "anna@example.test"):
        p = inst.command("user", "add", bad, "--stdin", input="pw-of-it\n",
                         stdin=None)
        fails(p, code=1)


def test_what_is_no_entry_is_not_added(inst):
    tables = ("domains", "users", "passwd", "aliases")
    before = [(inst.conf / t).read_bytes() for t in tables]
    comment, answers = 'cannot begin with "#"', inst.dir / "more"
    for args, words in (
            (("domain", "add", ""), "an empty line"),
            (("domain", "add", " "), "an empty line"),
            (("domain", "add", "#x.test"), comment),
            (("domain", "add", "#x.test", "--alias", "example.test"), comment),
            (("alias", "add", "", "anna@example.test"), "not an address"),
            (("alias", "add", "#a@example.test", "anna@example.test"),
             comment),
            (("user", "add", "", "--stdin"), "not an address"),
            (("user", "add", "#x@example.test", "--stdin"), "not the name")):
        fails(inst.command(*args, input="pw-of-it\n", stdin=None), words,
              code=1)
    answers.write_text("alias = #a@example.test = anna@example.test\n")
    answers.chmod(0o600)
    fails(inst.command("setup", "--answers", str(answers)), "more:1:", comment)
    assert before == [(inst.conf / t).read_bytes() for t in tables]


def test_missing_configuration(tmp_path):
    p = subprocess.run([str(rohrpost.ROHRPOST), "-c",
                        str(tmp_path / "nothing"), "start"],
                       capture_output=True, text=True, timeout=30)
    fails(p, "nothing")


def nothing_starts(other, *words):
    """A start that fails leaves nobody behind, before anybody is killed."""
    p = other.command("start")
    left = other.processes()
    other.kill_all()
    fails(p, *words)
    assert left == {}


def test_unknown_key_stops_the_start(tmp_path):
    other = rohrpost.Instance(tmp_path / "i", users=USERS)
    other.setup()
    change(other, "rohrpost.conf", "listen_smpt = 127.0.0.1:1\n")
    nothing_starts(other, "rohrpost.conf:", "listen_smpt")


def test_bad_certificate_stops_the_start(inst, tmp_path):
    other = rohrpost.Instance(tmp_path / "i", users=USERS)
    other.setup()
    conf = other.conf / "rohrpost.conf"
    text = conf.read_text()
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nno\n")
    broken.chmod(0o644)
    lines = [("tls_certificate = %s" % broken)
             if line.startswith("tls_certificate") else line
             for line in text.splitlines()]
    conf.write_text("\n".join(lines) + "\n")
    nothing_starts(other, "tls_certificate: %s: holds a broken PEM certificate"
                   % broken)


def test_certificate_and_key_are_named(inst, tmp_path):
    other = rohrpost.Instance(tmp_path / "i", users=USERS).setup()
    f = inst.conf / "rohrpost.conf"
    old = f.read_text()
    cert, key = (re.search("(?m)^%s = (.*)$" % k, old).group(1)
                 for k in ("tls_certificate", "tls_key"))
    foreign = re.search("(?m)^tls_key = (.*)$",
                        (other.conf / "rohrpost.conf").read_text()).group(1)
    text, locked = tmp_path / "text", tmp_path / "locked.pem"
    text.write_text("geheim\n")
    text.chmod(0o600)
    subprocess.run(["openssl", "ec", "-in", key, "-aes128", "-passout",
                    "pass:x", "-out", str(locked)], check=True,
                   capture_output=True, timeout=60)
    for k, value, words in (
            ("tls_certificate", "/etc/passwd", "holds no PEM certificate"),
            ("tls_certificate", "/dev/null", "holds no PEM certificate"),
            ("tls_certificate", "/nowhere", "No such file or directory"),
            ("tls_key", str(text), "holds no PEM private key"),
            ("tls_key", str(locked), "needs a passphrase"),
            ("tls_key", foreign, "is not the key of " + cert)):
        f.write_text(re.sub("(?m)^%s = .*$" % k, "%s = %s" % (k, value),
                            old))
        try:
            p = inst.command("config", "check")
        finally:
            f.write_text(old)
        fails(p, "rohrpost.conf:", ": %s: %s: " % (k, value), words, code=1)
        assert len(p.stderr.splitlines()) == 1, p.stderr


def test_port_in_use(inst, tmp_path):
    other = rohrpost.Instance(tmp_path / "i", users=USERS)
    other.ports["smtp"] = inst.ports["smtp"]
    other.setup()
    nothing_starts(other, str(inst.ports["smtp"]))


def serves_as_before(inst):
    """Workers and sessions that start now do so with what was taken."""
    for _ in range(5):
        for s in inst.smtp(), inst.submission():
            with s:
                s.ehlo()
                assert int(s.esmtp_features["size"]) == 50 << 20
    for user in USERS:
        m = inst.imap(user)
        assert m.select("INBOX")[0] == "OK"
        m.logout()
        p = inst.pop3(user)
        p.stat()
        p.quit()


@pytest.mark.parametrize("old,new,words", [
    ("tls_certificate = ", "tls_certificate = /nonexistent", "tls_certificate"),
    ("", "message_size = 10Q\n", "message_size"),
    ("", "no key and value\n", "rohrpost.conf:"),
    ("", "listen_smpt = 127.0.0.1:1\n", "listen_smpt"),
])
def test_refused_reload_keeps_the_old(inst, old, new, words):
    conf = inst.conf / "rohrpost.conf"
    text = conf.read_text()
    m = inst.imap()
    m.select("INBOX")
    conf.write_text(text.replace(old, new) if old else text + new)
    try:
        fails(inst.command("reload"), words)
        serves_as_before(inst)
        assert m.noop()[0] == "OK"
    finally:
        conf.write_text(text)
    inst.ctl("reload")
    assert m.noop()[0] == "OK"
    m.logout()


def test_ruined_certificate_keeps_the_old(inst):
    """K12: the file itself, as a renewal that went wrong leaves it."""
    conf = (inst.conf / "rohrpost.conf").read_text()
    for key in "tls_certificate", "tls_key":
        path = pathlib.Path(re.search(r"^%s = (.*)$" % key, conf, re.M)[1])
        pem = path.read_bytes()
        path.write_bytes(b"half a cert")
        try:
            fails(inst.command("reload"), key)
            serves_as_before(inst)
        finally:
            path.write_bytes(pem)
    inst.ctl("reload")


def test_edit_is_nothing_before_the_reload(inst):
    undo = change(inst, "rohrpost.conf", "message_size = 1M\n")
    try:
        serves_as_before(inst)
    finally:
        undo()


def test_second_instance_on_one_state_dir(inst):
    p = inst.command("start")
    fails(p, "running")


def test_sendmail_with_the_suite_down(tmp_path):
    other = rohrpost.Instance(tmp_path / "i", users=USERS)
    other.setup()
    p = subprocess.run([str(rohrpost.SENDMAIL), "-C", str(other.conf),
                        "anna@example.test"], input=b"Subject: x\n\nx\n",
                       capture_output=True, timeout=60)
    assert p.returncode == 75
    assert p.stderr.strip()
    p = subprocess.run([str(rohrpost.SENDMAIL), "-C", str(other.conf), "-bs"],
                       input=b"EHLO x\r\n", capture_output=True, timeout=60)
    assert p.returncode == 75 and p.stdout.startswith(b"421 4.3.2 ")


def test_argon2_is_refused_clearly(inst):
    p = inst.command("user", "add", "carl@example.test", "--hash",
                     "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA")
    fails(p, "argon2")


ERRORS = {"smtp": r"5(00|01|02|03|54) 5\.5\.\d ",
          "imap": r"\S+ BAD ", "pop3": "-ERR "}
# How it ends: by the client's own word, or by the server's.
BYE = {"smtp": r"221 2\.0\.0 |421 4\.7\.0 |554 5\.5\.1 .* bye",
       "imap": r"z OK |\* BYE ", "pop3": r"\+OK until|-ERR "}
QUIT = {"smtp": b"QUIT\r\n", "imap": b"z LOGOUT\r\n", "pop3": b"QUIT\r\n"}
JUNK = {"nul": b"\0" * 3000, "http": b"GET / HTTP/1.0\r\n\r\n",
        "tls": b"\x16\x03\x01\x02\x00\x01\x00" + b"x" * 500,
        "long": b"a" * 300000, "empty": b"\r\n" * 500,
        "random": random.Random(7).randbytes(5000)}
# What is certainly no client of ours is left without a word.
SILENT = {("smtp", "tls"), ("imap", "tls"), ("imap", "http"),
          ("pop3", "tls"), ("pop3", "http")}


def answers(inst, service, octets):
    """All lines behind the greeting until the server closes."""
    lines = []
    with inst.raw(service, 20) as c:
        assert c.line()
        with contextlib.suppress(ConnectionError):
            c.send(octets)
        with contextlib.suppress(ConnectionError):
            while (line := c.line()) is not None:
                lines.append(line)
                assert len(lines) < 50
    return lines


@pytest.mark.parametrize("name", JUNK)
@pytest.mark.parametrize("service", ["smtp", "submission", "imap", "pop3"])
def test_nonsense_from_clients(inst, service, name):
    """Each gets errors of its protocol, 20 at most, and an end."""
    kind = "smtp" if service == "submission" else service
    lines = answers(inst, service, JUNK[name] + b"\r\n" + QUIT[kind])
    if (kind, name) in SILENT:
        assert lines == []
        return
    assert re.match(BYE[kind], lines.pop()), lines
    if lines and lines[-1] == "* BYE until next time":
        lines.pop()
    assert len(lines) <= 20
    for line in lines:
        assert re.match(ERRORS[kind], line), line


def test_mail_goes_on_behind_nonsense(inst):
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@example.test"],
                   rohrpost.message("after"))
    assert inst.pop3().stat()[0] >= 1
