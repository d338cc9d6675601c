"""The operator's command: setup, tables that keep their comments, faults by
file and line, JSON of every list, completion; sendmail; IPv6."""
import json
import os
import pathlib
import re
import resource
import shutil
import smtplib
import socket
import subprocess

import pytest

import programs
import rohrpost
from rohrpost import PASSWORD, message, wait_for

USERS = ("anna", "bert")


def sendmail(inst, *args, data=b"", **kw):
    return subprocess.run(
        [str(rohrpost.SENDMAIL), "-C", str(inst.conf), *args], input=data,
        capture_output=True, timeout=60, **kw)


def test_tables_keep_comments_and_order(inst):
    for name, add, entry in (
            ("domains", ("domain", "add", "new.test"), "new.test"),
            ("aliases", ("alias", "add", "x@example.test",
                         "anna@example.test"), "x@example.test")):
        f = inst.conf / name
        text = "# first word\n\n" + f.read_text() + "# last word\n"
        f.write_text(text)
        inst.ctl(*add)
        now = f.read_text()
        assert entry in now
        inst.ctl(add[0], "del", add[2])
        assert [x for x in f.read_text().splitlines()] == text.splitlines()


def test_edit_is_atomic_and_refused_whole(inst):
    before = {p.name: p.read_bytes() for p in inst.conf.iterdir()
              if p.is_file()}
    for args in (("domain", "del", "example.test"),
                 ("domain", "del", "nowhere.test"),
                 ("user", "add", "x@nowhere.test", "--hash", "$6$a$b"),
                 ("user", "add", "anna@example.test", "--hash", "$6$a$b"),
                 ("user", "del", "nobody@example.test"),
                 ("user", "set", "anna@example.test", "--quota", "much"),
                 ("alias", "add", "anna@example.test", "bert@example.test"),
                 ("alias", "add", "y@example.test", "|/bin/sh"),
                 ("alias", "add", "y@example.test", "/etc/passwd"),
                 ("alias", "del", "nothing@example.test")):
        p = inst.command(*args)
        assert p.returncode in (1, 2), args
        assert 1 <= len(p.stderr.splitlines()) <= 4, (args, p.stderr)
    assert before == {p.name: p.read_bytes() for p in inst.conf.iterdir()
                      if p.is_file()}


@pytest.mark.parametrize("name,line", [
    ("domains", "not a domain"), ("users", "anna@example.test"),
    ("users", "x@example.test quota=lots"), ("aliases", "novalue"),
    ("aliases", "a@example.test = nobody@example.test"),
    ("passwd", "anna@example.test:plain")])
def test_bad_line_is_named(inst, name, line):
    f = inst.conf / name
    old = f.read_text()
    f.write_text(old + "\n" + line + "\n")
    try:
        p = inst.command("apply")
        assert p.returncode == 1
        number = len(old.splitlines()) + 2
        assert "%s:%d: " % (f, number) in p.stderr, p.stderr
    finally:
        f.write_text(old)
    inst.ctl("apply")


def test_user_set_keeps_the_rest(inst):
    """What is not named stays as it is."""
    def row():
        return next(r for r in inst.json("user", "list")
                    if r["user"] == "bert@example.test")

    def is_now(size, count, disabled):
        r = row()
        assert (r["quota_size"], r["quota_count"], r["disabled"]) == (
            size, count, disabled), r

    before = (inst.conf / "users").read_text()
    for quota, size, count in (("0,7", 0, 7), ("5M", 5 << 20, 0),
                               ("5M,7", 5 << 20, 7)):
        inst.ctl("user", "set", "bert@example.test", "--quota", quota)
        is_now(size, count, False)
        inst.ctl("user", "set", "bert@example.test", "--disabled")
        is_now(size, count, True)
        inst.ctl("user", "set", "bert@example.test", "--quota", quota)
        is_now(size, count, True)
        inst.ctl("user", "set", "bert@example.test", "--enabled")
        is_now(size, count, False)
    (inst.conf / "users").write_text(before)
    inst.ctl("apply")
    is_now(0, 0, False)


def test_user_life(inst):
    """add, passwd, set, del: each counts at once."""
    def run(*args, word):
        p = subprocess.run([str(rohrpost.ROHRPOST), "-c", str(inst.conf),
                            "user", *args, "--stdin"], input=word + "\n",
                           capture_output=True, text=True, timeout=60)
        assert p.returncode == 0, p.stderr
    run("add", "new@example.test", word="a long word 1")
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["new@example.test"], message("n"))
    with smtplib.SMTP("127.0.0.1", inst.ports["submission"]) as s:
        s.starttls(context=rohrpost.tls_context())
        s.login("new@example.test", "a long word 1")
    inst.ctl("user", "del", "new@example.test")
    with inst.smtp() as s:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            s.sendmail("eve@remote.test", ["new@example.test"], message("n"))


def test_setup_answers(inst, tmp_path):
    """A bad answer is named with its line, and nothing is written."""
    d = rohrpost.scratch("setup")
    other = rohrpost.Instance(d)
    pathlib.Path(d).mkdir(exist_ok=True)
    for bad in ("frobnicate = 1", "profile = cloud", "listen_imap = nowhere",
                "user = anna example", "domain = x..y", "nonsense",
                "certificate = /nope.pem", "message_size = lots"):
        f = pathlib.Path(d) / "answers"
        text = other.answers() + bad + "\n"
        f.write_text(text)
        f.chmod(0o600)
        p = other.command("setup", "--answers", str(f))
        assert p.returncode in (1, 2), bad
        assert 1 <= len(p.stderr.splitlines()) <= 2, (bad, p.stderr)
        assert not (other.conf / "rohrpost.conf").exists(), bad
        assert not other.state.exists(), bad
        assert not list(other.conf.glob(".setup*")), bad
    f.write_text(other.answers())
    p = other.command("setup", "--answers", str(f), "--dry-run")
    assert p.returncode == 0 and "hostname" in p.stdout
    assert PASSWORD not in p.stdout
    assert not (other.conf / "rohrpost.conf").exists()
    # Twice is as good as once.
    other.setup()
    before = (other.conf / "users").read_text()
    # What the programs were asked with goes again.
    assert not list(other.conf.glob(".setup*"))
    names = sorted(x.name for x in other.conf.iterdir())
    other.setup()
    assert (other.conf / "users").read_text() == before
    assert sorted(x.name for x in other.conf.iterdir()) == names
    rohrpost.remove(d)


@pytest.mark.parametrize("end", [" ", "\t", "\r"], ids=["blank", "tab", "cr"])
def test_setup_again_reads_values_as_programs_do(tmp_path, end):
    other = rohrpost.Instance(tmp_path / "i").setup()
    conf = other.conf / "rohrpost.conf"
    conf.write_bytes(b"".join(
        line + (b"" if line.startswith(b"hostname") else end.encode()) + b"\n"
        for line in conf.read_bytes().splitlines()))
    key = (other.conf / "key.pem").read_bytes()
    before = sorted(f.name for f in other.dir.iterdir())
    p = other.command("setup", "--answers", "-", "--yes", stdin=None,
                      input="user = carl@example.test %s\n" % PASSWORD)
    assert p.returncode == 0, p.stderr
    assert sorted(f.name for f in other.dir.iterdir()) == before
    assert (other.conf / "key.pem").read_bytes() == key
    assert "carl@example.test" in other.ctl("user", "list")


def test_setup_reads_on_where_the_caller_stopped(tmp_path):
    other = rohrpost.Instance(tmp_path / "i")
    other.dir.mkdir()
    f = other.dir / "answers"
    f.write_text("no answer\n" + other.answers())
    with open(f, "rb", buffering=0) as answers:
        answers.seek(len("no answer\n"))
        p = other.command("setup", "--answers", "-", stdin=answers)
    assert p.returncode == 0, p.stderr


def test_start_stop_status(tmp_path):
    d = rohrpost.scratch("start")
    i = rohrpost.Instance(d).setup()
    try:
        for verb in ("status", "stop", "reload"):
            p = i.command(verb)
            assert p.returncode in (1, 75) and \
                len(p.stderr.splitlines()) == 1, p.stderr
        p = sendmail(i, "anna@example.test", data=b"Subject: x\n\nx\n")
        assert p.returncode == 75 and b"try again later" in p.stderr
        i.ctl("start")
        p = i.command("start")
        assert p.returncode == 1 and "running already" in p.stderr
        rows = i.json("status")
        # probe listens only where listen_probe says so, and PAM is off.
        assert {r["program"] for r in rows} == {
            r.kind for r in programs.LIVE if r.pool not in (
                "POOL_SESSION", "POOL_FILE", "POOL_COMMAND")} - {
                    "probe", "pam"}
        i.ctl("reload")
        i.ctl("stop")
        assert not i.processes()
        assert i.command("status").returncode == 1
    finally:
        i.command("stop")
        i.kill_all()
        rohrpost.remove(d)


def test_completion(inst):
    """The installed script loads in bash and completes."""
    script = rohrpost.PREFIX / "share/bash-completion/completions/rohrpost"
    assert script.read_text() == inst.ctl("completion", "bash")
    out = subprocess.run(
        ["bash", "--norc", "-c", r"""
. %s
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    $(complete -p rohrpost | sed 's/.*-F \([^ ]*\).*/\1/'); 
    echo "${COMPREPLY[@]}"; }
f=$(complete -p rohrpost | sed 's/.*-F \([^ ]*\).*/\1/')
comp() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); $f
    echo "${COMPREPLY[@]}"; }
comp rohrpost que
comp rohrpost queue h
comp rohrpost user add --q
comp rohrpost -c /tmp domain a
comp %s -c %s user set an
COMP_LINE="rohrpost user set bert@ex"
COMP_POINT=${#COMP_LINE}
comp %s -c %s user set bert @ ex
COMP_LINE=
comp /nowhere/rohrpost queue show x
""" % ((script,) + (rohrpost.ROHRPOST, inst.conf) * 2)], capture_output=True, text=True, timeout=30)
    assert out.stderr == ""
    assert out.stdout.splitlines() == [
        "queue", "hold", "--quota", "add", "anna@example.test",
        "example.test", ""]


# -- sendmail -------------------------------------------------------------------

def newest(inst, user):
    return list(inst.messages(user).values())[-1]


def test_sendmail_options(inst):
    n = inst.count("bert")
    for args, data, want in (
            (("-t",), b"To: bert@example.test\nBcc: anna@example.test\n"
             b"Subject: t\n\nhidden\n", b"hidden"),
            (("-oi", "bert"), b"Subject: oi\n\n.\nbehind\n", b"\r\nbehind"),
            (("-i", "-oem", "-om", "bert@example.test"),
             b"Subject: i\n\n..\n.\nbehind\n", b"\r\n..\r\n.\r\nbehind"),
            (("bert@example.test",), b"Subject: dot\n\nbefore\n.\nbehind\n",
             b"before"),
            (("-f", "<>", "bert@example.test"), b"Subject: f\n\nx\n",
             b"Return-Path: <>"),
            (("-F", "Full Name", "bert"), b"Subject: F\n\nx\n",
             b"Full Name"),
            (("-bm", "--", "bert"), b"From eve Mon Jan  1\nSubject: m\n\nm",
             b"Subject: m")):
        p = sendmail(inst, *args, data=data)
        assert p.returncode == 0, (args, p.stderr)
        n += 1
        inst.wait_count(n, "bert")
        got = newest(inst, "bert")
        assert want in got, (args, got)
        assert b"\r\nBcc:" not in got and b"\r\nFrom: " in got
        assert b"\r\nDate: " in got and b"\r\nMessage-ID: " in got
        if args[0] == "bert@example.test":
            assert b"behind" not in got
    p = sendmail(inst, "-bs", data=b"EHLO x\r\nMAIL FROM:<>\r\n"
                 b"RCPT TO:<bert@example.test>\r\nDATA\r\nSubject: bs\r\n\r\n"
                 b"x\r\n.\r\nQUIT\r\n")
    assert p.returncode == 0 and p.stdout.count(b"250 ") >= 4, p.stdout
    inst.wait_count(n + 1, "bert")


def test_sendmail_as_programs_call_it(inst):
    """Options that change nothing, and a sender with its name."""
    n = inst.count("anna")
    for args, data in (
            (("-ODeliveryMode=b", "anna"), b"Subject: t\n\nx\n"),
            (("-h", "3", "-L", "cron", "-em", "-X", "/dev/null", "anna"),
             b"Subject: t\n\nx\n"),
            (("-i", "-f", "Shop <anna@example.test>", "anna"),
             b"Subject: t\n\nx\n"),
            (("-i", "-t"), b">From root Mon Nov  2 10:00:00 2026\n"
             b"To: anna@example.test\n\nx\n"),
            (("-i", "-t"), b"To: anna@example.test\n\na\0b\n")):
        p = sendmail(inst, *args, data=data)
        assert p.returncode == 0, (args, p.stderr)
        assert p.stdout == p.stderr == b""
        n += 1
        inst.wait_count(n, "anna")
        if "-f" in args:
            assert newest(inst, "anna").startswith(
                b"Return-Path: <anna@example.test>\r\n")
    assert b"\r\na b\r\n" in newest(inst, "anna")


def test_sendmail_speaks_smtp(inst):
    """-bs as mail readers use it: several messages, a refusal between them,
    all sent before anything is read."""
    n = inst.count("bert")
    one = (b"MAIL FROM:<anna@example.test>\r\nRCPT TO:<bert@example.test>\r\n"
           b"DATA\r\nSubject: bs\r\n\r\n..x\r\n.\r\n")
    p = sendmail(inst, "-bs", "-oi", data=b"EHLO x\r\n" + one +
                 b"MAIL FROM:<anna@example.test>\r\n"
                 b"RCPT TO:<dora@example.test>\r\nRSET\r\nNOOP\r\nBAD\r\n" +
                 one + b"QUIT\r\n")
    assert p.returncode == 0, p.stderr
    codes = [x[:3] for x in p.stdout.splitlines() if x[3:4] == b" "]
    assert codes == [b"220", b"250"] + [b"250", b"250", b"354", b"250"] + \
        [b"250", b"550", b"250", b"250", b"500"] + \
        [b"250", b"250", b"354", b"250", b"221"], p.stdout
    inst.wait_count(n + 2, "bert")
    # The end of input is the end of the session, and no message.
    p = sendmail(inst, "-bs", data=b"EHLO x\r\n" + one[:-3])
    assert p.returncode == 0 and b"354 " in p.stdout
    wait_for(lambda: not inst.json("queue", "list"), text="an empty queue")
    assert inst.count("bert") == n + 2


@pytest.mark.root
def test_system_users(inst):
    """One who was added after the start sends at once; what is for him, and
    what comes back to him, is for postmaster; an unknown uid is later."""
    name = "rp-fresh"
    subprocess.run(["userdel", name], capture_output=True)

    def as_user(who, *args):
        return subprocess.run(
            ["setpriv", "--reuid", who, "--clear-groups",
             str(rohrpost.SENDMAIL), "-C", str(inst.conf), *args],
            input=b"Subject: x\n\nx\n", capture_output=True, timeout=100)

    def reports(to):
        try:
            with inst.smtp() as s:
                s.sendmail("", [to], message("report"))
        except smtplib.SMTPRecipientsRefused as e:
            assert list(e.recipients.values())[0][0] == 451
            return False
        except smtplib.SMTPResponseException as e:
            assert e.smtp_code == 421   # at QUIT: that worker ends
            return False
        return True

    n = {who: inst.count(who) for who in USERS}
    try:
        p = as_user("61234", "bert")
        assert p.returncode == 75, p.stderr
        subprocess.run(["useradd", "--system", "--no-create-home", "--uid",
                        "61234", "--shell", "/usr/sbin/nologin", name],
                       check=True, capture_output=True)
        p = as_user(name, "bert")
        assert p.returncode == 0, p.stderr
        inst.wait_count(n["bert"] + 1, "bert")
        assert newest(inst, "bert").startswith(
            b"Return-Path: <%s@mail.example.test>" % name.encode())
        # To him, by cron: postmaster is anna.
        p = as_user(name, name)
        assert p.returncode == 0, p.stderr
        inst.wait_count(n["anna"] + 1, "anna")
        wait_for(lambda: reports(name + "@mail.example.test"),
                 text="a worker that knows the new user")
        inst.wait_count(n["anna"] + 2, "anna")
        with inst.smtp() as s:
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                s.sendmail("eve@remote.test", [name + "@example.test"],
                           message("n"))
    finally:
        subprocess.run(["userdel", name], capture_output=True)


def linked(inst, name, *args):
    """sendmail by another name."""
    return subprocess.run([name, "-C", str(inst.conf), *args],
                          executable=str(rohrpost.SENDMAIL),
                          capture_output=True, timeout=60)


def test_sendmail_operates(inst):
    """mailq, newaliases and -q do what the commands of rohrpost do."""
    wait_for(lambda: not inst.json("queue", "list"), text="an empty queue")
    for p in (linked(inst, "mailq"), sendmail(inst, "-bp")):
        assert p.returncode == 0, p.stderr
        assert b"Mail queue is empty" in p.stdout
    p = linked(inst, "newaliases")
    assert p.returncode == 0, p.stderr
    p = sendmail(inst, "-q")
    assert p.returncode == 0, p.stderr
    p = sendmail(inst, "-qI0123456789abcdef")
    assert p.returncode == 69 and p.stderr.strip()
    p = sendmail(inst, "-bd")
    assert p.returncode == 64 and b"rohrpost start" in p.stderr


NEEDS_CONF = [
    "status", "start", "stop", "reload", "apply", "config check",
    "config show", "doctor", "dns check", "trace x", "session list",
    "session kick 7", "session kick anna@example.test", "queue list",
    "queue show 0000000000000001", "queue retry all", "queue hold all",
    "queue release all", "queue delete all",
    "user add anna@example.test", "user del anna@example.test",
    "user passwd anna@example.test", "app list anna@example.test",
    "store check", "store rebuild",
    "explain --from a@b.test anna@example.test"]


def test_without_configuration_nothing_is_done(tmp_path):
    """Each command says which file it lacks, in one line."""
    for words in NEEDS_CONF:
        p = subprocess.run([str(rohrpost.ROHRPOST), "-c", str(tmp_path),
                            *words.split()], capture_output=True, text=True,
                           stdin=subprocess.DEVNULL, timeout=60,
                           env={"PATH": os.environ["PATH"]})
        assert p.returncode == 1 and p.stdout == "", (words, p)
        assert p.stderr.startswith("rohrpost: %s/" % tmp_path), (words, p)
        assert p.stderr.count("\n") == 1, (words, p)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["newaliases", "-bi", "-I"])
def test_newaliases_takes_the_text(inst, how):
    """What was written by hand counts from then on; what is not right is
    named, and changes nothing."""
    text = inst.conf / "aliases"
    before, name = text.read_text(), "fresh%s@example.test" % how.strip("-")

    def rcpt():
        with inst.smtp() as s:
            s.ehlo()
            s.mail("a@remote.test")
            return s.rcpt(name)[0]

    def run():
        return linked(inst, how) if how[0] != "-" else sendmail(inst, how)
    try:
        text.write_text(before + name + " = anna@example.test\n")
        assert rcpt() == 550
        p = run()
        assert p.returncode == 0, p.stderr
        assert rcpt() == 250
        text.write_text(before + "nonsense\n")
        p = run()
        assert p.returncode == 69, p.stderr
        assert b"/aliases:%d: " % (before.count("\n") + 1) in p.stderr
        assert rcpt() == 250
    finally:
        text.write_text(before)
        assert run().returncode == 0
    assert rcpt() == 550


@pytest.mark.root
def test_sendmail_shows_nobody_else_the_queue(inst):
    for args in (["-bp"], ["-bi"], ["-q"]):
        p = subprocess.run(["runuser", "-u", "nobody", "--",
                            str(rohrpost.SENDMAIL), "-C", str(inst.conf),
                            *args], capture_output=True, timeout=60)
        assert p.returncode == 77 and p.stdout == b"", (args, p.stderr)


def test_sendmail_reads_on_where_the_caller_stopped(inst, tmp_path):
    f = tmp_path / "message"
    f.write_text("first@nowhere.test\nTo: bert@example.test\n"
                 "Subject: rest\n\nx\n")
    n = inst.count("bert")
    p = subprocess.run(
        ["sh", "-c", "(read -r line; exec \"$0\" -C \"$1\" -t) <\"$2\"",
         str(rohrpost.SENDMAIL), str(inst.conf), str(f)],
        capture_output=True, timeout=60)
    assert p.returncode == 0, p.stderr
    inst.wait_count(n + 1, "bert")
    got = newest(inst, "bert")
    assert b"Subject: rest" in got and b"nowhere" not in got


def test_host_name_is_no_stranger(inst):
    """What cron and others send to or as user@hostname is mail of the domain
    that the name lies in; reports can be answered."""
    n = inst.count("anna")
    with inst.smtp() as s:
        for who in ("postmaster@mail.example.test", "anna@MAIL.example.test",
                    "MAILER-DAEMON@mail.example.test", "root@example.test"):
            s.sendmail("eve@remote.test", [who], message(who))
            n += 1
        with pytest.raises(smtplib.SMTPRecipientsRefused) as e:
            s.sendmail("eve@remote.test", ["nobody@mail.example.test"],
                       message("n"))
        assert list(e.value.recipients.values())[0][0] == 550
    p = sendmail(inst, "root", data=b"Subject: cron\n\nx\n")
    assert p.returncode == 0, p.stderr
    inst.wait_count(n + 1, "anna")
    assert b"\r\nDelivered-To: root@example.test\r\n" in newest(inst, "anna")
    assert {"root@example.test", "mailer-daemon@example.test"} <= {
        r["alias"] for r in inst.json("alias", "list")}
    assert [r["domain"] for r in inst.json("domain", "list")] == [
        "example.test"]


def test_sendmail_recipients(inst):
    """Lists as people, scripts and cron write them: all get it."""
    n = {who: inst.count(who) for who in USERS}
    for args, data in (
            (("-t",), b"To: \"Doe, John\" <anna@example.test>, bert\n\nx\n"),
            (("-t",), b"To: Bert <bert>\nCc: anna (a comment)\n\nx\n"),
            (("-t",), b"To: Team: \"A, B\" <anna>,\n bert;\n\nx\n"),
            (("anna@example.test,bert@example.test",), b"Subject: x\n\nx\n"),
            (("-oi", "Anna <anna>", "bert"), b"Subject: x\n\nx\n")):
        p = sendmail(inst, *args, data=data)
        assert p.returncode == 0, (args, data, p.stderr)
        for who in USERS:
            n[who] += 1
            inst.wait_count(n[who], who)


def test_sendmail_resends(inst):
    n = {who: inst.count(who) for who in USERS}
    p = sendmail(inst, "-t", data=b"Resent-To: bert\nResent-Bcc: bert\n"
                 b"To: anna\nSubject: again\n\nx\n")
    assert p.returncode == 0, p.stderr
    inst.wait_count(n["bert"] + 1, "bert")
    wait_for(lambda: not inst.json("queue", "list"), text="an empty queue")
    got = newest(inst, "bert")
    assert b"\r\nTo: anna@mail.example.test\r\n" in got
    assert b"Resent-Bcc" not in got
    assert inst.count("anna") == n["anna"]


def test_sendmail_refusals(inst):
    n = inst.count("bert")
    for args, data, code in (
            ((), b"Subject: x\n\nx\n", 64), (("", "bert"), b"x\n", 64),
            (("-t",), b"Subject: nobody\n\nx\n", 64),
            (("-bv", "bert"), b"", 64), (("-Z",), b"", 64),
            (("-f", "a@x.test,b@x.test", "bert"), b"x\n", 64),
            (("no body@example.test",), b"x\n", 64),
            (("bert,no body",), b"x\n", 64),
            (("-t",), b"To: bert@example.test, anna@@example.test\n\n", 65),
            (("-t",), b"To: bert\nCc: \"Anna <anna>\n\nx\n", 65),
            (("dora@example.test",), b"Subject: x\n\nx\n", 67)):
        p = sendmail(inst, *args, data=data)
        assert p.returncode == code, (args, p.returncode, p.stderr)
        assert len(p.stderr.splitlines()) == 1, p.stderr
    p = sendmail(inst, "-C", "/nowhere", "anna@example.test", data=b"x\n")
    assert p.returncode == 78 and b"/nowhere" in p.stderr
    wait_for(lambda: not inst.json("queue", "list"), text="an empty queue")
    assert inst.count("bert") == n


@pytest.mark.root
def test_sendmail_of_a_user_with_a_dot(inst):
    """A local user may send under the name that the system gives him, and
    under no other."""
    name = "first.last-rp"
    subprocess.run(["userdel", name], capture_output=True)
    subprocess.run(["useradd", "--badname", "--system", "--no-create-home",
                    "--shell", "/usr/sbin/nologin", name], check=True,
                   capture_output=True)
    d = rohrpost.scratch("dot")
    try:
        with rohrpost.Instance(d, users=("anna", "bert")) as i:
            def as_user(*args):
                return subprocess.run(
                    ["runuser", "-u", name, "--", str(rohrpost.SENDMAIL),
                     "-C", str(i.conf), *args], input=b"Subject: x\n\nx\n",
                    capture_output=True, timeout=60)
            p = as_user("bert@example.test")
            assert p.returncode == 0, p.stderr
            i.wait_count(1, "bert")
            assert newest(i, "bert").startswith(
                b"Return-Path: <%s@mail.example.test>" % name.encode())
            assert as_user("-f", "anna@example.test",
                           "bert@example.test").returncode != 0
    finally:
        subprocess.run(["userdel", name], capture_output=True)
        rohrpost.remove(d)


@pytest.mark.root
def test_instances_of_root_share_no_session_uid():
    d = rohrpost.scratch("uids")

    def uids(name, **keys):
        i = rohrpost.Instance(d + "/" + name, **keys).setup()
        text = (i.conf / "rohrpost.conf").read_text()
        i.setup()
        assert (i.conf / "rohrpost.conf").read_text() == text
        got = dict(x.split(" = ") for x in text.splitlines() if " = " in x)
        return (int(got["session_uid_first"]), int(got["session_uid_last"]))

    try:
        a, b = sorted((uids("a"), uids("b")))
        assert 2000104095 < a[0] and a[1] < b[0] and b[1] < 2 ** 31
        assert a[1] - a[0] == b[1] - b[0] == 4095
        assert uids("c", session_uid_first="3000", session_uid_last="3999") \
            == (3000, 3999)
    finally:
        rohrpost.remove(d)


@pytest.mark.root
def test_root_edits_the_trial_of_another():
    """What root writes in somebody else's instance stays readable for its
    owner, and keeps the mode that the owner gave it."""
    uid, gid = 4711, 4712
    d = rohrpost.scratch("others")
    os.chown(d, uid, gid)
    i = rohrpost.Instance(d)
    (i.dir / "answers").write_text(i.answers())

    def owner(*args):
        return i.ctl(*args, user=uid, group=gid, extra_groups=[])

    try:
        owner("setup", "--answers", str(i.dir / "answers"))
        (i.conf / ".lock").unlink()
        (i.conf / "aliases").chmod(0o640)
        i.ctl("alias", "add", "info@example.test", "anna@example.test")
        subprocess.run(
            [str(rohrpost.ROHRPOST), "-c", str(i.conf), "user", "add",
             "carl@example.test", "--stdin"], input=PASSWORD + "\n",
            capture_output=True, text=True, timeout=60, check=True)
        for f in [*i.conf.iterdir(), *(i.state / "jail").iterdir(),
                  *(i.state / "auth").iterdir()]:
            assert (f.stat().st_uid, f.stat().st_gid) == (uid, gid), f
        assert (i.conf / "aliases").stat().st_mode & 0o777 == 0o640
        owner("user", "del", "carl@example.test")
        owner("apply")
        assert "info@example.test" in owner("alias", "list")
        # What is missing is made, and is the owner's, too.
        shutil.rmtree(i.state)
        i.ctl("apply")
        for f in (i.state, *i.state.glob("*")):
            assert f.name == "audit.log" or f.stat().st_uid == uid, f
        owner("apply")
    finally:
        rohrpost.remove(d)


@pytest.mark.parametrize("verb", ["hold", "release", "retry", "delete"])
def test_the_worst_answer_is_the_exit_code(inst, verb):
    """Of several messages, wherever the one stands that is not there."""
    absent = "0123456789abcdef"
    assert inst.command("queue", verb, absent).returncode == 1
    if verb == "delete":
        return
    assert inst.command("queue", verb, "all").returncode == 0
    for ids in (absent, "all"), ("all", absent):
        p = inst.command("queue", verb, *ids)
        assert p.returncode == 1, (ids, p.stdout, p.stderr)


def test_log_that_was_moved_is_made_anew(inst):
    def lines(path, text):
        with inst.smtp() as s:
            s.sendmail("eve@remote.test", ["anna@example.test"],
                       message(text))
        return path.is_file() and path.stat().st_size > 0

    log, old = inst.log_path, inst.log_path.with_name("moved.log")
    log.rename(old)
    wait_for(lambda: lines(log, "moved"), text="a log after mv")
    log.unlink()
    wait_for(lambda: lines(log, "removed"), text="a log after rm")
    # Where none can be made the lines go where they went before.
    log.rename(old)
    log.mkdir()
    wait_for(lambda: "is written on" in old.read_text(), text="the fault")
    log.rmdir()
    wait_for(lambda: lines(log, "again"), text="a log again")
    assert old.read_text().count("is written on") == 1


# -- listeners --------------------------------------------------------------------

def test_ipv6(tmp_path):
    with socket.socket(socket.AF_INET6) as s:
        try:
            s.bind(("::1", 0))
        except OSError:
            pytest.fail("this host has no IPv6 on loopback")
    d = rohrpost.scratch("six")
    i = rohrpost.Instance(d)
    ports = dict(i.ports)
    text = i.answers
    i.answers = lambda: "".join(
        "%s = 127.0.0.1:%s [::1]:%s\n" % (k, v, v)
        if (k := line.split(" = ")[0]).startswith("listen_") and
        (v := line.rsplit(":", 1)[1]) else line + "\n"
        for line in text().splitlines())
    with i:
        for name in ("smtp", "submission", "imap", "pop3"):
            for host in ("127.0.0.1", "::1"):
                with socket.create_connection((host, ports[name]), 10) as s:
                    assert s.recv(100)
        with smtplib.SMTP("::1", ports["smtp"], timeout=30) as s:
            s.sendmail("eve@remote.test", ["anna@example.test"],
                       message("six"))
        i.wait_count(1)
        assert b"[IPv6:::1]" in newest(i, "anna")
    rohrpost.remove(d)


def test_reload_gives_smtp_the_new_certificate():
    """New connections get it; a session that is under way goes on."""
    d = rohrpost.scratch("cert")
    i = rohrpost.Instance(d)

    def shown():
        with i.smtp() as s:
            s.starttls(context=rohrpost.tls_context())
            a = s.sock.getpeercert(True)
        with socket.create_connection(
                ("127.0.0.1", i.ports["submissions"]), 30) as s:
            with rohrpost.tls_context().wrap_socket(s) as t:
                return a, t.getpeercert(True)
    with i:
        session = i.submission()
        old = shown()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=mail.example.test", "-keyout", str(i.conf / "key.pem"),
             "-out", str(i.conf / "certificate.pem")], check=True,
            capture_output=True, timeout=60)
        i.ctl("reload")
        wait_for(lambda: not set(shown()) & set(old), 10)
        for _ in range(4):
            assert not set(shown()) & set(old)
        session.sendmail("anna@example.test", ["bert@example.test"],
                         message("held", sender="anna@example.test"))
        session.quit()
        i.wait_count(1, "bert")
    rohrpost.remove(d)


def audit(inst):
    return (inst.state / "audit.log").read_text().splitlines()


def test_audit(inst):
    """A line for each change, done or refused, with who and what; a copy in
    the log; no secret."""
    before = len(audit(inst))
    hashed = "$6$abcdefgh$" + "x" * 86
    inst.ctl("domain", "add", "audit.test", env={"SUDO_USER": "karl\nx"})
    inst.command("user", "add", "a@audit.test", "--hash", hashed,
                 "--quota", "5M")
    assert inst.command("user", "del", "nobody@audit.test").returncode == 1
    inst.ctl("user", "list")
    inst.ctl("queue", "list")
    lines = audit(inst)[before:]
    assert len(lines) == 3
    who = rohrpost.whoami()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ %s" % who, x)
               for x in lines)
    assert " sudo=karl\\x0ax" in lines[0]
    assert lines[0].endswith(": domain add audit.test: done")
    assert ": user add a@audit.test --hash --quota 5M: " in lines[1]
    assert lines[2].endswith(": user del nobody@audit.test: refused")
    assert hashed not in "".join(lines) + inst.log()
    wait_for(lambda: " operator %s" % who in inst.log() and
             "user del nobody@audit.test: refused" in inst.log())
    assert (inst.state / "audit.log").stat().st_mode & 0o777 == 0o600
    inst.command("user", "del", "a@audit.test")
    inst.ctl("domain", "del", "audit.test")


def test_audit_has_whole_lines(inst):
    """Where there is no room for a line there is none of it, and the command
    says so; one that a kill cut off stays by itself."""
    path = inst.state / "audit.log"
    with open(path, "ab") as f:
        f.write(b"2026-01-02T03:04:05Z root: padding: done\n" * 20000)
    before = path.read_bytes()
    most = len(before) + 20
    p = inst.command("domain", "add", "whole.test", preexec_fn=lambda:
                     resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    assert p.returncode == 0
    assert p.stderr == ("rohrpost: %s: File too large: no line tells of this "
                        "command (done)\n" % path)
    assert path.read_bytes() == before
    assert "whole.test" in (inst.conf / "domains").read_text()
    with open(path, "ab") as f:
        f.write(b"2026-01-02T03:04:06Z ro")
    inst.ctl("domain", "del", "whole.test")
    torn, last = audit(inst)[-2:]
    assert torn == "2026-01-02T03:04:06Z ro"
    assert last.endswith(": domain del whole.test: done")


def test_trace_by_message_id(inst):
    text = rohrpost.message("one", mark="mid")
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@example.test"], text)
        s.sendmail("eve@remote.test", ["anna@example.test"],
                   rohrpost.message("other", mark="mid"))
    for name in "<mid-one@remote.test>", "mid-one@remote.test":
        found = wait_for(lambda: [
            r["text"] for r in inst.json("trace", name)
            if " delivered" in r["text"]] and inst.json("trace", name))
        ids = {r["text"].split(":")[0] for r in found
               if r["program"].startswith(("queue", "deliver"))}
        assert len(ids) == 1
        assert any("message-id=<mid-one@remote.test>" in r["text"]
                   for r in found)
        assert "mid-other" not in str(found)
