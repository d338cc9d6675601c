"""Who may log in, with which hashes, over which mechanism, and how long a
guesser waits."""
import base64
import ctypes
import hashlib
import hmac
import imaplib
import poplib
import smtplib
import statistics
import tempfile
import time

import pytest

import rohrpost
from rohrpost import PASSWORD, tls_context

USERS = ("anna", "bert", "slow", "other")
KEYS = {"auth_delay": "0s"}


def crypt(password, setting):
    lib = ctypes.CDLL("libcrypt.so.1")
    lib.crypt.restype = ctypes.c_char_p
    return lib.crypt(password.encode(), setting.encode()).decode()


def ssha512(password, salt=b"pepper42"):
    digest = hashlib.sha512(password.encode() + salt).digest()
    return "{SSHA512}" + base64.b64encode(digest + salt).decode()


HASHES = {
    "yescrypt": lambda p: crypt(p, "$y$j9T$5Rvd1bNdBYcLjtOE2pOEn/"),
    "sha512": lambda p: crypt(p, "$6$abcdefgh$"),
    "sha512rounds": lambda p: crypt(p, "$6$rounds=2000$abcdefgh$"),
    "bcrypt": lambda p: crypt(p, "$2b$06$abcdefghijklmnopqrstuu"),
    "bcrypty": lambda p: crypt(p, "$2y$06$abcdefghijklmnopqrstuu"),
    "sha256": lambda p: crypt(p, "$5$abcdefgh$"),
    "ssha512": ssha512,
    "crypt6": lambda p: "{CRYPT}" + crypt(p, "$6$abcdefgh$"),
}


def imap(inst, user, password):
    m = imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                          ssl_context=tls_context(), timeout=60)
    try:
        m.login(user, password)
        return "OK"
    except imaplib.IMAP4.error as e:
        return str(e)
    finally:
        m.shutdown()


@pytest.mark.parametrize("scheme", HASHES)
def test_scheme(inst, scheme):
    user = scheme + "@example.test"
    inst.ctl("user", "add", user, "--hash", HASHES[scheme]("pass for 1"))
    assert imap(inst, user, "pass for 1") == "OK"
    for wrong in ("pass for 2", "pass for", "pass for 1x", ""):
        assert "AUTHENTICATIONFAILED" in imap(inst, user, wrong), wrong
    inst.ctl("user", "del", user)
    assert "AUTHENTICATIONFAILED" in imap(inst, user, "pass for 1")


def test_new_passwords_are_yescrypt(inst):
    text = (inst.conf / "passwd").read_text()
    assert text.count("$y$") >= len(USERS) and PASSWORD not in text
    assert (inst.conf / "passwd").stat().st_mode & 0o077 == 0
    cdb = inst.state / "auth" / "passwd.cdb"
    assert cdb.stat().st_mode & 0o007 == 0
    assert b"$y$" not in (inst.state / "jail" / "tables.cdb").read_bytes()


def test_without_hashes_logins_are_put_off(inst):
    cdb = inst.state / "auth" / "passwd.cdb"
    before = inst.log().count("rohrpost apply")
    cdb.rename(cdb.with_name("away"))
    for _ in range(2):
        assert "[UNAVAILABLE]" in imap(inst, "anna@example.test", PASSWORD)
        with pytest.raises(poplib.error_proto, match=r"\[SYS/TEMP\]"):
            inst.pop3()
        with pytest.raises(smtplib.SMTPAuthenticationError) as e:
            inst.submission()
        assert e.value.smtp_code == 454 and b"4.7.0" in e.value.smtp_error
    lines = [x for x in inst.log().splitlines() if "rohrpost apply" in x]
    assert len(lines) == before + 1 and "passwd.cdb" in lines[-1], lines
    inst.ctl("apply")
    assert imap(inst, "anna@example.test", PASSWORD) == "OK"
    cdb.with_name("away").unlink()


@pytest.mark.parametrize("text", [
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$"
    "RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$x",
    "{PLAIN}secret", "plain text", "$9$nonsense", "", "{SSHA512}!!"])
def test_hash_that_cannot_be_used(inst, text):
    p = inst.command("user", "add", "argon@example.test", "--hash", text)
    assert p.returncode in (1, 2) and len(p.stderr.splitlines()) == 1
    if "argon2" in text.lower():
        assert "argon2" in p.stderr
    assert "argon@" not in inst.ctl("user", "list")


def test_disabled(inst):
    inst.ctl("user", "set", "other@example.test", "--disabled")
    assert "AUTHENTICATIONFAILED" in imap(inst, "other@example.test",
                                          PASSWORD)
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["other@example.test"],
                   rohrpost.message("disabled"))
    inst.ctl("user", "set", "other@example.test", "--enabled")
    assert imap(inst, "other@example.test", PASSWORD) == "OK"
    inst.wait_count(1, "other")


def plain(user, password, authzid=""):
    return base64.b64encode(
        ("%s\0%s\0%s" % (authzid, user, password)).encode()).decode()


def submission(inst, service="submission"):
    if service == "submissions":
        return smtplib.SMTP_SSL("127.0.0.1", inst.ports[service],
                                context=tls_context(), timeout=60)
    s = smtplib.SMTP("127.0.0.1", inst.ports[service], timeout=60)
    s.starttls(context=tls_context())
    return s


@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_smtp_mechanisms(inst, service):
    user = "anna@example.test"
    for how in ("plain", "plain initial", "login", "login initial"):
        s = submission(inst, service)
        s.ehlo("x")
        assert set(s.esmtp_features["auth"].split()) == {"PLAIN", "LOGIN"}
        b = [base64.b64encode(x.encode()).decode() for x in (user, PASSWORD)]
        if how == "plain":
            assert s.docmd("AUTH PLAIN")[0] == 334
            r = s.docmd(plain(user, PASSWORD))
        elif how == "plain initial":
            r = s.docmd("AUTH PLAIN " + plain(user, PASSWORD))
        elif how == "login":
            assert s.docmd("AUTH LOGIN") == (334, b"VXNlcm5hbWU6")
            assert s.docmd(b[0]) == (334, b"UGFzc3dvcmQ6")
            r = s.docmd(b[1])
        else:
            assert s.docmd("AUTH LOGIN " + b[0])[0] == 334
            r = s.docmd(b[1])
        assert r[0] == 235, (how, r)
        assert s.docmd("AUTH PLAIN " + plain(user, PASSWORD))[0] == 503
        s.quit()


def test_smtp_auth_errors(inst):
    """B4, B5, B6: a clean state behind every failure."""
    s = submission(inst)
    s.ehlo("x")
    assert s.docmd("MAIL FROM:<anna@example.test>")[0] == 530
    assert s.docmd("AUTH PLAIN")[0] == 334
    assert s.docmd("*")[0] == 501
    for bad in ("!!!", "A", "=", plain("a", "b")[:-2]):
        assert s.docmd("AUTH PLAIN " + bad)[0] == 501, bad
    assert s.docmd("AUTH PLAIN " + "A" * 13000) == (
        500, b"5.5.2 line too long")
    assert s.docmd("AUTH CRAM-MD5")[0] == 504
    assert s.docmd("AUTH")[0] == 501
    # Somebody else's name in front of one's own.
    for other in ("bert@example.test", "bert", "anna@other.test", "ann"):
        assert s.docmd("AUTH PLAIN " + plain(
            "anna@example.test", PASSWORD, other))[0] == 501
    assert s.docmd("AUTH PLAIN " + plain(
        "anna@example.test", PASSWORD, "anna@example.test"))[0] == 235
    assert s.docmd("MAIL FROM:<anna@example.test>")[0] == 250
    assert s.docmd("AUTH PLAIN x")[0] == 503
    s.close()
    # Not offered at all on port 25.
    with inst.smtp() as s:
        s.starttls(context=tls_context())
        s.ehlo("x")
        assert not s.has_extn("auth")
        assert s.docmd("AUTH PLAIN " + plain(
            "anna@example.test", PASSWORD))[0] == 502


def test_imap_and_pop3_mechanisms(inst):
    for initial in (False, True):
        m = imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                              ssl_context=tls_context(), timeout=60)
        assert "AUTH=PLAIN" in m.capabilities
        assert "SASL-IR" in m.capabilities
        if initial:
            tag = m._new_tag()
            m.send(tag + b" AUTHENTICATE PLAIN " +
                   plain("anna@example.test", PASSWORD).encode() + b"\r\n")
            while not (line := m.readline()).startswith(tag):
                assert line
            assert line.startswith(tag + b" OK")
        else:
            m.authenticate("PLAIN", lambda _: b"\0anna@example.test\0"
                           + PASSWORD.encode())
        m.shutdown()
        p = poplib.POP3_SSL("127.0.0.1", inst.ports["pop3s"],
                            context=tls_context(), timeout=60)
        assert "PLAIN" in p.capa()["SASL"]
        if not initial:
            with pytest.raises(poplib.error_proto, match="AUTH"):
                p._shortcmd("AUTH PLAIN " + plain("anna@example.test", "x"))
            p._putcmd("AUTH PLAIN")
            assert p._getline()[0].startswith(b"+ ")
            p._shortcmd(plain("anna@example.test", PASSWORD))
        else:
            p._shortcmd("AUTH PLAIN " + plain("anna@example.test", PASSWORD))
        assert p.stat()
        p.quit()


def test_spellings_of_the_authzid(inst):
    for authzid in ("anna", "ANNA@example.test", "anna@EXAMPLE.Test"):
        m = imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                              ssl_context=tls_context(), timeout=60)
        with pytest.raises(imaplib.IMAP4.error, match="AUTHORIZATIONFAILED"):
            m.authenticate("PLAIN", lambda _: b"bert\0anna@example.test\0"
                           + PASSWORD.encode())
        assert m.authenticate("PLAIN", lambda _: "\0".join(
            (authzid, "anna@example.test", PASSWORD)).encode())[0] == "OK"
        m.logout()


def test_id_of_full_size(inst):
    """RFC 2971 3.3: 30 pairs, names of 30 octets, values of 1024; before the
    login and after it."""
    pairs = " ".join('"%030d" "%s"' % (i, '\\"' * 1024) for i in range(30))
    m = imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                          ssl_context=tls_context(), timeout=60)
    imaplib.Commands["ID"] = ("NONAUTH", "AUTH")
    for _ in range(2):
        assert m.xatom("ID", "(%s)" % pairs)[0] == "OK"
        assert b"Rohrpost" in m.response("ID")[1][0]
        if m.state == "NONAUTH":
            m.login("anna@example.test", PASSWORD)
    m.logout()


def test_password_is_nowhere_in_the_log(inst):
    log = inst.log()
    for secret in (PASSWORD, "pass for 1", plain("anna@example.test",
                                                 PASSWORD)):
        assert secret not in log


def passwd_line(inst, user):
    for line in (inst.conf / "passwd").read_text().splitlines():
        if line.startswith(user + "@example.test:"):
            return line
    raise AssertionError("no line of " + user)


def set_password(inst, verb, user, password):
    with tempfile.TemporaryFile("w+") as f:
        f.write(password + "\n")
        f.seek(0)
        inst.ctl("user", verb, user, "--stdin", stdin=f)


def scram_of(fields, password):
    """The server's keys by the book (RFC 5802), of the salt in fields."""
    count, salt = fields.split(",")[:2]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(),
                                 base64.b64decode(salt), int(count))

    def key(name):
        return hmac.digest(salted, name, "sha256")
    return ",".join([count, salt] + [base64.b64encode(k).decode() for k in (
        hashlib.sha256(key(b"Client Key")).digest(), key(b"Server Key"))])


def test_scram_keys(inst):
    """Off: none. On: written with each new password, learned from the logins
    of lines without, and void with the next password."""
    assert "scram" not in (inst.conf / "passwd").read_text()
    learned = inst.state / "auth" / "learned"
    assert learned.stat().st_size == 128
    d = rohrpost.scratch("scram")
    with rohrpost.Instance(d, users=("anna",), auth_delay="0s",
                           auth_scram="yes") as on:
        learned = on.state / "auth" / "learned"
        for how in ("add", "passwd"):
            set_password(on, how, "bert@example.test", "geheim " + how)
            fields = passwd_line(on, "bert").split(":scram-sha-256=")[1]
            assert int(fields.split(",")[0]) >= 250000
            assert fields == scram_of(fields, "geheim " + how)
        assert imap(on, "bert@example.test", "geheim passwd") == "OK"
        assert learned.stat().st_size == 128
        # A line as versions before wrote it.
        old = HASHES["yescrypt"]("pass for 1")
        text = (on.conf / "passwd").read_text()
        on.ctl("user", "add", "old@example.test", "--hash", old)
        (on.conf / "passwd").write_text(
            text + "old@example.test:%s\n" % old)
        on.ctl("apply")
        assert "AUTHENTICATIONFAILED" in imap(on, "old@example.test", "x")
        assert learned.stat().st_size == 128
        assert imap(on, "old@example.test", "pass for 1") == "OK"
        assert learned.stat().st_size == 256
        assert learned.stat().st_mode & 0o077 == 0
        assert passwd_line(on, "old") == "old@example.test:" + old
        # Known after a new start; gone with the password.
        on.stop()
        on.start()
        assert imap(on, "old@example.test", "pass for 1") == "OK"
        assert learned.stat().st_size == 256
        set_password(on, "passwd", "old@example.test", "neu")
        assert "scram-sha-256=" in passwd_line(on, "old")
        on.stop()
        on.start()
        assert learned.stat().st_size == 128
        assert imap(on, "old@example.test", "neu") == "OK"
    rohrpost.remove(d)


def test_app_password(inst):
    """It admits to its protocols alone; a new password of the account leaves
    it, and fields that nobody knows, as they are."""
    user = "bert@example.test"
    rest = ":app=phone,imap,1700000000,%s:later=a=b,c" % \
        HASHES["sha512"]("app pass")
    path = inst.conf / "passwd"
    line = passwd_line(inst, "bert")
    path.write_text(path.read_text().replace(line, line + rest))
    inst.ctl("apply")

    def check():
        assert imap(inst, user, "app pass") == "OK"
        assert imap(inst, user, PASSWORD) == "OK"
        with pytest.raises(smtplib.SMTPAuthenticationError):
            with submission(inst) as s:
                s.login(user, "app pass")
        p = poplib.POP3_SSL("127.0.0.1", inst.ports["pop3s"],
                            context=tls_context(), timeout=60)
        p.user(user)
        with pytest.raises(poplib.error_proto):
            p.pass_("app pass")
        p.close()

    check()
    assert "with app password phone" in inst.log()
    set_password(inst, "passwd", user, PASSWORD)
    assert passwd_line(inst, "bert") != line + rest
    assert passwd_line(inst, "bert").endswith(rest)
    check()
    # One that rohrpost makes, for submission alone; and it goes.
    made = inst.ctl("app", "add", user, "my mac", "--protocols",
                    "submission").strip()
    assert len(made) == 24 and made not in path.read_text()
    with submission(inst) as s:
        s.login(user, made)
    assert "AUTHENTICATIONFAILED" in imap(inst, user, made)
    rows = inst.json("app", "list", user)
    assert [(r["app"], r["protocols"]) for r in rows] == [
        ("phone", ["imap"]), ("my mac", ["submission"])]
    assert rows[0]["created"] == 1700000000
    for r in rows:
        assert abs(r["last_used"] - time.time()) < 120
    assert abs(rows[1]["created"] - time.time()) < 60
    inst.ctl("app", "del", user, "my mac")
    with pytest.raises(smtplib.SMTPAuthenticationError):
        with submission(inst) as s:
            s.login(user, made)
    check()


def test_delays_grow():
    """Later with every failure; the right user from an address of his own is
    served at once, and nobody else on that address is locked out for long."""
    d = rohrpost.scratch("delay")
    with rohrpost.Instance(d, users=("anna", "bert"),
                           auth_delay="1s") as inst:
        assert imap(inst, "anna@example.test", PASSWORD) == "OK"
        took = []
        for i in range(5):
            t = time.monotonic()
            assert "AUTHENTICATIONFAILED" in imap(
                inst, "bert@example.test", "wrong")
            took.append(time.monotonic() - t)
        assert took[-1] > took[0] + 0.8, took
        assert max(took) < 20, took
        # anna was here before: only her own failures count.
        took = []
        for i in range(3):
            t = time.monotonic()
            assert imap(inst, "anna@example.test", PASSWORD) == "OK"
            took.append(time.monotonic() - t)
        assert min(took) < 1, took
    rohrpost.remove(d)


def failures(inst, names):
    took = {n: [] for n in names}
    for _ in range(15):
        for n in names:
            with submission(inst) as s:
                s.ehlo("x")
                t = time.perf_counter()
                code, words = s.docmd("AUTH PLAIN " + plain(n, "wrong"))
                took[n].append(time.perf_counter() - t)
                assert code == 535
    return took


def test_equal_time(inst):
    """A wrong password, an unknown name, an unknown domain, a disabled
    account: medians over some tries, the delay being the same for all."""
    inst.ctl("user", "set", "slow@example.test", "--disabled")
    names = ("anna@example.test", "nobody@example.test",
             "anna@elsewhere.test", "slow@example.test")
    d = rohrpost.scratch("time")
    with rohrpost.Instance(d, users=("anna", "slow"),
                           auth_delay="0s") as quick:
        quick.ctl("user", "set", "slow@example.test", "--disabled")
        for tries in range(3):
            medians = [statistics.median(t)
                       for t in failures(quick, names).values()]
            if max(medians) < 1.5 * min(medians):
                break
        else:
            # The machine may be busy with something else once, not thrice.
            raise AssertionError(medians)
    rohrpost.remove(d)
