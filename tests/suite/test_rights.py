"""What accounts may: protocols on or off, and may-send, for an account, its
groups, its domain and the system."""
import imaplib
import poplib
import smtplib
import subprocess

import pytest

import rohrpost
from rohrpost import message, wait_for

ANNA = "anna@example.test"


@pytest.fixture(autouse=True)
def clean(inst):
    """Each test begins with all rights."""
    yield
    for g in inst.json("group", "list"):
        inst.ctl("group", "del", g["group"])
    for name in "anna", "bert":
        inst.ctl("user", "set", name + "@example.test", "protocols=",
                 "may-send=")
    inst.ctl("domain", "set", "example.test", "protocols=", "may-send=")


def refusals(inst, user="anna"):
    """What each protocol says of a login that is right: protocol -> words."""
    said = {}
    for protocol, login in (("imap", inst.imap), ("pop3", inst.pop3),
                            ("submission", inst.submission)):
        try:
            (login(user).logout if protocol == "imap" else
             login(user).quit)()
        except imaplib.IMAP4.error as e:
            said[protocol] = str(e.args[0])
        except poplib.error_proto as e:
            said[protocol] = e.args[0].decode()
        except smtplib.SMTPAuthenticationError as e:
            said[protocol] = "%d %s" % (e.smtp_code, e.smtp_error.decode())
    return said


WORDS = {"imap": "[AUTHORIZATIONFAILED] IMAP is switched off",
         "pop3": "-ERR [AUTH] POP3 is switched off",
         "submission": "535 5.7.1 submission is switched off"}


def holds(inst, *off, user="anna"):
    said = refusals(inst, user)
    assert set(said) == set(off), said
    for protocol in off:
        assert WORDS[protocol] in said[protocol]


def test_each_protocol(inst):
    holds(inst)
    inst.ctl("user", "set", ANNA, "protocols=imap+submission")
    holds(inst, "pop3")
    inst.ctl("user", "set", ANNA, "protocols=pop3")
    holds(inst, "imap", "submission")
    inst.ctl("user", "set", ANNA, "protocols=none")
    holds(inst, "imap", "pop3", "submission")
    row = next(r for r in inst.json("user", "list") if r["user"] == ANNA)
    assert row["protocols"] == [] and row["may_send"] is True
    holds(inst, user="bert")
    # Who does not know the password hears nothing of it.
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                          ssl_context=rohrpost.tls_context()).login(
                              ANNA, "wrong")


def test_group_domain_system(inst):
    """The nearest holds; between groups the strictest."""
    inst.ctl("domain", "set", "example.test", "protocols=imap+pop3")
    holds(inst, "submission")
    holds(inst, "submission", user="bert")
    inst.ctl("group", "add", "a", "protocols=imap+submission", ANNA)
    holds(inst, "pop3")
    inst.ctl("group", "add", "b", "protocols=pop3+submission", ANNA)
    holds(inst, "imap", "pop3")
    inst.ctl("user", "set", ANNA, "protocols=*")
    holds(inst)
    holds(inst, "submission", user="bert")


def test_system(inst):
    conf = inst.conf / "rohrpost.conf"
    text = conf.read_text()
    conf.write_text(text + "user_protocols = imap\n")
    try:
        inst.ctl("apply")
        holds(inst, "pop3", "submission")
        inst.ctl("user", "set", ANNA, "protocols=pop3")
        holds(inst, "imap", "submission")
        conf.write_text(text + "user_protocols = gopher\n")
        for command in ("config", "check"), ("apply",):
            p = inst.command(*command)
            assert p.returncode == 1 and "user_protocols: " in p.stderr
    finally:
        conf.write_text(text)
        inst.ctl("apply")


def test_open_sessions_end(inst):
    """Those of who lost a protocol, at apply; of nobody else."""
    anna, bert = inst.imap("anna"), inst.imap("bert")
    with open(inst.conf / "groups", "w") as f:
        f.write("readers protocols=pop3 : %s\n" % ANNA)
    inst.ctl("apply")
    with pytest.raises((imaplib.IMAP4.error, OSError)):
        while anna.noop():
            pass
    assert bert.noop()[0] == "OK"
    bert.logout()


def test_app_password_narrows(inst):
    """It is for what both it and the account allow."""
    p = inst.command("app", "add", ANNA, "phone", "--protocols", "imap+pop3")
    password = p.stdout.strip()

    def pop3():
        return poplib.POP3_SSL("127.0.0.1", inst.ports["pop3s"],
                               context=rohrpost.tls_context())

    def imap():
        return imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                                 ssl_context=rohrpost.tls_context())
    try:
        inst.ctl("user", "set", ANNA, "protocols=imap+submission")
        imap().login(ANNA, password)
        m = pop3()
        m.user(ANNA)
        with pytest.raises(poplib.error_proto, match="switched off"):
            m.pass_(password)
        with pytest.raises(smtplib.SMTPAuthenticationError, match="5.7.8"):
            with smtplib.SMTP_SSL("127.0.0.1", inst.ports["submissions"],
                                  context=rohrpost.tls_context()) as s:
                s.login(ANNA, password)
    finally:
        inst.ctl("app", "del", ANNA, "phone")


def test_may_send(inst):
    """At MAIL, in a session that is open, too; it still reads and receives."""
    with inst.submission("anna") as s:
        inst.ctl("group", "add", "mute", "may-send=no", ANNA)
        for sender in ANNA, "":
            s.rset()
            code, words = s.mail(sender)
            assert (code, words) == (550, b"5.7.1 this account may not send")
    with inst.submission("bert") as s:
        s.sendmail("bert@example.test", [ANNA],
                   message(1, sender="bert@example.test"))
    inst.wait_count(1, "anna")
    inst.ctl("user", "set", ANNA, "may-send=yes")
    with inst.submission("anna") as s:
        assert s.mail(ANNA)[0] == 250


@pytest.mark.root
def test_may_send_here(inst):
    """sendmail of a system user whose name leads to the account."""
    name = "daemon"
    inst.ctl("user", "add", name + "@example.test", "--stdin",
             "may-send=no", input="some-password-1\n", stdin=None)
    argv = ["setpriv", "--reuid", name, "--regid", "1", "--clear-groups",
            str(rohrpost.PREFIX / "sbin/sendmail"), "-C", str(inst.conf), ANNA]
    p = subprocess.run(argv, input="Subject: x\n\nhi\n", text=True,
                       capture_output=True)
    assert p.returncode != 0 and "this account may not send" in p.stderr, p
    inst.ctl("user", "set", name + "@example.test", "may-send=yes")
    p = subprocess.run(argv, input="Subject: x\n\nhi\n", text=True,
                       capture_output=True)
    assert p.returncode == 0, p
    inst.ctl("user", "del", name + "@example.test")
