"""Mailboxes of the host's own users: who has one, who logs in, and what PAM is
asked. The users are made for the test, in the host's own files."""
import contextlib
import os
import pathlib
import poplib
import shutil
import signal
import smtplib
import subprocess

import pytest

import rohrpost
from rohrpost import PASSWORD, tls_context, wait_for

pytestmark = pytest.mark.root

GROUP = "rp-tpam"
SECRET = "what the host knows 1"
# Who is in the group, and what is odd of whom.
MEMBERS = ("rptanna", "rptgone", "rptlock", "rptmust", "rptpest", "rptslow")
PEOPLE = MEMBERS + ("rptout",)
SYSTEM = "rptsys"
STACK = """\
auth required pam_faillock.so preauth dir={dir}/tally silent
auth [success=1 default=ignore] pam_unix.so nodelay
auth [default=die] pam_faillock.so authfail dir={dir}/tally
auth required pam_faillock.so authsucc dir={dir}/tally
account required pam_unix.so
"""


def run(*argv, **kw):
    return subprocess.run(argv, check=True, capture_output=True, text=True,
                          timeout=60, **kw)


def forget():
    for name in PEOPLE + (SYSTEM,):
        subprocess.run(["userdel", name], capture_output=True)
    subprocess.run(["groupdel", GROUP], capture_output=True)


@contextlib.contextmanager
def host_users():
    forget()
    try:
        run("groupadd", GROUP)
        for name in PEOPLE:
            more = ["-G", GROUP] if name in MEMBERS else []
            run("useradd", "--no-create-home", "--shell", "/usr/sbin/nologin",
                *more, name)
        run("useradd", "--system", "--no-create-home", "-G", GROUP, SYSTEM)
        run("chpasswd", input="".join(
            "%s:%s\n" % (n, SECRET) for n in PEOPLE + (SYSTEM,)))
        run("usermod", "-e", "2020-01-01", "rptgone")
        run("usermod", "-L", "rptlock")
        run("chage", "-d", "0", "rptmust")
        yield
    finally:
        forget()


@pytest.fixture(scope="module")
def inst():
    """The host's users, and a service with pam_faillock."""
    d = pathlib.Path(rohrpost.scratch("pam"))
    (d / "tally").mkdir(mode=0o755)
    (d / "rohrpost").write_text(STACK.format(dir=d))
    with host_users():
        with rohrpost.Instance(
                d / "inst", users=("anna",), auth_delay="0s",
                auth_pam_workers="2", pam_group=GROUP,
                pam_service=str(d / "rohrpost")) as i:
            i.tally = d / "tally"
            yield i
    rohrpost.remove(d)


def login(inst, name, password, domain="example.test"):
    """The answer of IMAP, OK or in its words."""
    m = rohrpost.imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                                   ssl_context=tls_context(), timeout=120)
    try:
        m.login("%s@%s" % (name, domain), password)
        return "OK"
    except rohrpost.imaplib.IMAP4.error as e:
        return str(e)
    finally:
        m.shutdown()


def logged(inst, words, what):
    """Does it, and waits until the log has the words."""
    before = inst.log().count(words)
    r = what()
    wait_for(lambda: inst.log().count(words) > before, text=words)
    return r


BAD = "[AUTHENTICATIONFAILED]"


def test_user_of_the_host(inst):
    """Logs in by each protocol, sends, and has the mail of the account."""
    me = "rptanna@example.test"
    rows = {r["user"]: r for r in inst.json("user", "list")}
    assert rows[me]["hash"] == "pam" and "rptout@example.test" not in rows
    assert SYSTEM + "@example.test" not in rows
    with smtplib.SMTP("127.0.0.1", inst.ports["submission"],
                      timeout=60) as s:
        s.starttls(context=tls_context())
        s.login(me, SECRET)
        s.sendmail(me, [me, "anna@example.test"],
                   rohrpost.message(1, sender=me))
        # Its own address, and no other.
        with pytest.raises(smtplib.SMTPException):
            s.sendmail("anna@example.test", [me],
                       rohrpost.message(2, sender="anna@example.test"))
    inst.wait_count(1, "anna")
    with rohrpost.imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                                    ssl_context=tls_context(),
                                    timeout=60) as m:
        m.login(me, SECRET)
        wait_for(lambda: m.select("INBOX")[1] == [b"1"], text="delivered")
    p = poplib.POP3_SSL("127.0.0.1", inst.ports["pop3s"],
                        context=tls_context(), timeout=60)
    p.user(me)
    p.pass_(SECRET)
    assert p.stat()[0] == 1
    p.quit()
    assert "login %s from 127.0.0.1" % me in inst.log()
    assert "(imaps) by PAM" in inst.log()


@pytest.mark.parametrize("name,password,words", [
    ("rptanna", "wrong", "PAM (authenticate): "),
    ("rptanna", "", None),
    ("rptgone", SECRET, "PAM (account): User account has expired"),
    ("rptlock", SECRET, "PAM (authenticate): "),
    ("rptmust", SECRET, "PAM (account): Authentication token is no longer "
                        "valid; new one required"),
    ("rptout", SECRET, "no such account"),
    (SYSTEM, SECRET, "no such account"),
    ("root", SECRET, "no such account"),
])
def test_refused(inst, name, password, words):
    """The client hears nothing of the reason, the log does."""
    if words is None:
        assert login(inst, name, password) != "OK"
        return
    said = logged(inst, "login failed: %s@example.test from" % name,
                  lambda: login(inst, name, password))
    assert BAD in said
    line = [x for x in inst.log().splitlines()
            if "login failed: %s@" % name in x][-1]
    assert words in line


def test_who_has_left_the_group(inst):
    """He is refused before the next apply, has no account after it, and one
    again when he comes back."""
    run("gpasswd", "-d", "rptslow", GROUP)
    said = logged(inst, "rptslow is not in the group " + GROUP,
                  lambda: login(inst, "rptslow", SECRET))
    assert BAD in said
    inst.ctl("apply")
    assert "rptslow@example.test" not in [
        r["user"] for r in inst.json("user", "list")]
    run("gpasswd", "-a", "rptslow", GROUP)
    inst.ctl("apply")
    assert login(inst, "rptslow", SECRET) == "OK"


def test_line_of_the_operator(inst):
    """A quota and "disabled" stand in users, for the address; the account
    cannot be deleted while the group has the user."""
    me = "rptslow@example.test"
    inst.ctl("user", "set", me, "--quota", "7M")
    row = [r for r in inst.json("user", "list") if r["user"] == me][0]
    assert row["quota_size"] == 7 << 20 and row["hash"] == "pam"
    users = (inst.conf / "users").read_text()
    assert "rptslow@" in users and "rptanna@" not in users
    assert login(inst, "rptslow", SECRET) == "OK"
    inst.ctl("user", "set", me, "--disabled")
    said = logged(inst, "%s from" % me, lambda: login(inst, "rptslow", SECRET))
    assert BAD in said
    p = inst.command("user", "del", me)
    assert p.returncode == 1
    assert "take that user out of the group %s" % GROUP in p.stderr
    inst.ctl("user", "set", me, "--enabled")
    assert login(inst, "rptslow", SECRET) == "OK"


def test_strangers_lock_nobody(inst):
    """120 guesses, and pam_faillock, which would lock after three, has seen
    two; the user logs in all the while."""
    assert login(inst, "rptpest", SECRET) == "OK"
    answers = [login(inst, "rptpest", "guess %d" % i) for i in range(120)]
    assert all(a != "OK" for a in answers)
    assert sum(BAD not in a for a in answers) >= 118
    seen = run("faillock", "--dir", str(inst.tally), "--user", "rptpest")
    assert seen.stdout.count("RHOST") <= 2, seen.stdout
    assert login(inst, "rptpest", SECRET) == "OK"


def pam_pids(inst):
    return inst.processes().get("pam", [])


def has_question(pids):
    """Does one of them have what it has not read yet?"""
    lines = run("ss", "-xpH").stdout.splitlines()
    return any(int(x.split()[2]) > 0 for x in lines
               if any("pid=%d," % p in x for p in pids))


def test_killed_within_a_question(inst):
    """The client is told to come again; the next process serves it."""
    pids = pam_pids(inst)
    assert len(pids) == 2
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    client = subprocess.Popen(
        ["curl", "-sk", "--max-time", "60", "-u", "rptslow@example.test:" +
         SECRET, "imaps://127.0.0.1:%d/" % inst.ports["imaps"]],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Others are not held up.
    assert login(inst, "anna", PASSWORD) == "OK"
    wait_for(lambda: has_question(pids), text="one is asked")
    words = "login of rptslow@example.test put off"
    before = inst.log().count(words)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: inst.log().count(words) > before, text=words)
    assert client.wait(60) != 0
    wait_for(lambda: len(set(pam_pids(inst)) - set(pids)) == 2,
             text="new processes")
    wait_for(lambda: login(inst, "rptslow", SECRET) == "OK", text="served")


def test_no_group_refuses_apply(inst, tmp_path):
    """What NSS does not know is no reason to take mailboxes away."""
    conf = inst.conf / "rohrpost.conf"
    text = conf.read_text()
    before = inst.json("user", "list")
    conf.write_text(text.replace("pam_group = " + GROUP,
                                 "pam_group = rp-no-such"))
    try:
        p = inst.command("apply")
        assert p.returncode == 1
        assert "group rp-no-such" in p.stderr
        assert login(inst, "rptslow", SECRET) == "OK"
    finally:
        conf.write_text(text)
    assert inst.json("user", "list") == before


def open_words(inst, words):
    f = inst.dir / "words"
    f.write_text(words)
    return open(f)


def test_passwd_of_the_operator(inst):
    """pam= is the compile's; a password of the account's own goes before."""
    passwd = inst.conf / "passwd"
    text = passwd.read_text()
    passwd.write_text(text + "rptslow@example.test:pam=root\n")
    p = inst.command("apply")
    assert p.returncode == 1 and "pam= is not for passwd" in p.stderr
    passwd.write_text(text)
    inst.ctl("user", "passwd", "rptslow@example.test", "--stdin",
             stdin=open_words(inst, "own words 5\n"))
    assert login(inst, "rptslow", "own words 5") == "OK"
    assert BAD in login(inst, "rptslow", SECRET)
    p = inst.command("apply")
    assert p.returncode == 0 and "PAM is not asked" in p.stderr
    passwd.write_text(text)
    inst.ctl("apply")
    assert login(inst, "rptslow", SECRET) == "OK"


def test_service_that_is_missing(inst):
    """config check names it; the suite that runs goes on."""
    conf = inst.conf / "rohrpost.conf"
    text = conf.read_text()
    conf.write_text(text.replace("pam_service = ",
                                 "pam_service = /nonexistent"))
    try:
        p = inst.command("config", "check")
        assert p.returncode == 1
        assert "pam_service: /nonexistent" in p.stderr
    finally:
        conf.write_text(text)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_module_that_hangs(inst):
    """15 seconds, and the client is told to come again; nobody else waits."""
    d = inst.tally.parent
    (d / "hang.c").write_text(
        '#include <unistd.h>\n#include <security/pam_modules.h>\n'
        'int pam_sm_authenticate(pam_handle_t *h, int f, int c, '
        'const char **v)\n{ for (;;) pause(); }\n'
        'int pam_sm_setcred(pam_handle_t *h, int f, int c, const char **v)\n'
        '{ return PAM_SUCCESS; }\n')
    run("gcc", "-shared", "-fPIC", "-o", str(d / "hang.so"),
        str(d / "hang.c"))
    service = d / "rohrpost"
    text = service.read_text()
    # Nobody but this one hangs.
    service.write_text(
        "auth [success=ignore default=1] pam_succeed_if.so quiet "
        "user = rptslow\nauth required %s/hang.so\n" % d + text)
    try:
        before = pam_pids(inst)
        inst.ctl("reload")
        wait_for(lambda: len(set(pam_pids(inst)) - set(before)) == 2,
                 text="new processes")
        one = subprocess.Popen(
            ["curl", "-sk", "--max-time", "100", "-u",
             "rptslow@example.test:" + SECRET,
             "imaps://127.0.0.1:%d/" % inst.ports["imaps"]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert login(inst, "rptanna", SECRET) == "OK"
        assert login(inst, "anna", PASSWORD) == "OK"
        assert one.poll() is None
        wait_for(lambda: "login of rptslow@example.test put off: the process "
                 "that asked PAM ended" in inst.log().split(
                     "reload", 1)[-1], 90, text="given up")
        assert one.wait(60) != 0
        assert login(inst, "rptanna", SECRET) == "OK"
    finally:
        service.write_text(text)
        inst.ctl("reload")


def test_setup_asks_before_it_writes(tmp_path):
    """A group that is not there is said while nothing has changed."""
    i = rohrpost.Instance(tmp_path / "new", users=("anna",),
                          auth_pam_workers="1", pam_group="rp-no-such")
    with pytest.raises(AssertionError, match="group rp-no-such"):
        i.setup()
    assert not (i.conf / "rohrpost.conf").exists()
    i.keys["pam_group"], i.keys["pam_domain"] = "mail", "other.test"
    with pytest.raises(AssertionError, match="pam_domain: other.test"):
        i.setup()
    assert not (i.conf / "rohrpost.conf").exists()
    del i.keys["pam_domain"]
    i.setup()
    assert (i.conf / "rohrpost.conf").exists()
