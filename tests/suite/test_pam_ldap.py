"""Mailboxes of users that stand in LDAP: Debian's slapd over TLS, and sssd
between it and the host, both with files of their own, in a mount name space
that hides the machine's."""
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import smtplib
import subprocess

import pytest

import rohrpost
from rohrpost import PASSWORD, tls_context, wait_for
from test_pam import BAD, logged, login

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(shutil.which("sssd") is None or
                       shutil.which("slapd") is None,
                       reason="no sssd, or no slapd")]

SECRET = "what LDAP knows 2"
BASE = "dc=example,dc=test"
CLONE_NEWNS, MS_PRIVATE, MS_REC = 0x20000, 1 << 18, 1 << 14
LDIF = """\
dn: {base}
objectClass: dcObject
objectClass: organization
dc: example
o: example

dn: uid=lisa,{base}
objectClass: account
objectClass: posixAccount
uid: lisa
cn: Lisa
uidNumber: 23001
gidNumber: 23000
homeDirectory: /nonexistent
userPassword: {secret}

dn: uid=omar,{base}
objectClass: account
objectClass: posixAccount
uid: omar
cn: Omar
uidNumber: 23002
gidNumber: 23000
homeDirectory: /nonexistent
userPassword: {secret}

dn: cn=ldapmail,{base}
objectClass: posixGroup
cn: ldapmail
gidNumber: 23100
memberUid: lisa
"""
SLAPD = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {dir}/slapd.pid
TLSCACertificateFile {dir}/cert.pem
TLSCertificateFile {dir}/cert.pem
TLSCertificateKeyFile {dir}/key.pem
database mdb
suffix "{base}"
directory {dir}/db
maxsize 10485760
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""
SSSD = """\
[sssd]
services = nss, pam
domains = test
[nss]
entry_negative_timeout = 0
[pam]
offline_credentials_expiration = 0
[domain/test]
id_provider = ldap
auth_provider = ldap
ldap_uri = ldaps://127.0.0.1:{port}
ldap_tls_cacert = {dir}/cert.pem
ldap_tls_reqcert = demand
ldap_search_base = {base}
ldap_schema = rfc2307
cache_credentials = false
entry_cache_timeout = 1
refresh_expired_interval = 0
offline_timeout = 1
offline_timeout_max = 1
ldap_opt_timeout = 4
ldap_network_timeout = 4
"""


def run(*argv, **kw):
    return subprocess.run(argv, check=True, capture_output=True, text=True,
                          timeout=60, **kw)


@contextlib.contextmanager
def own_mounts():
    """Until the end this process, and what it starts, has mounts of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/mnt") as before:
        if libc.unshare(CLONE_NEWNS) != 0:
            pytest.skip("no mount name space: " +
                        os.strerror(ctypes.get_errno()))
        try:
            assert libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE,
                              None) == 0
            yield
        finally:
            assert libc.setns(before.fileno(), CLONE_NEWNS) == 0


def hide(d):
    """The machine's NSS and the state of its sssd, should it have one."""
    nss = d / "nsswitch.conf"
    nss.write_text("passwd: files sss\ngroup: files sss\nshadow: files\n"
                   "hosts: files dns\n")
    run("mount", "--bind", str(nss), "/etc/nsswitch.conf")
    for place in "/var/lib/sss", "/var/log/sssd", "/etc/sssd", "/run":
        run("mount", "-t", "tmpfs", "none", place)
    for name in ("db", "mc", "pipes/private", "pubconf/krb5.include.d",
                 "gpo_cache", "keytabs", "secrets", "deskprofile"):
        pathlib.Path("/var/lib/sss", name).mkdir(parents=True)
    os.chmod("/var/lib/sss/pipes/private", 0o700)


class Directory:
    """slapd and sssd."""

    def __init__(self, d):
        self.dir = d
        self.port = rohrpost.free_port()
        self.slapd = self.sssd = None
        values = {"dir": d, "base": BASE, "port": self.port,
                  "secret": SECRET}
        (d / "db").mkdir()
        (d / "slapd.conf").write_text(SLAPD.format(**values))
        (d / "users.ldif").write_text(LDIF.format(**values))
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
            "-keyout", str(d / "key.pem"), "-out", str(d / "cert.pem"),
            "-days", "30", "-subj", "/CN=127.0.0.1", "-addext",
            "subjectAltName=IP:127.0.0.1")
        run("slapadd", "-f", str(d / "slapd.conf"), "-l",
            str(d / "users.ldif"))
        conf = pathlib.Path("/etc/sssd/sssd.conf")
        conf.write_text(SSSD.format(**values))
        conf.chmod(0o600)

    def start_slapd(self):
        self.slapd = subprocess.Popen(
            ["slapd", "-d", "0", "-f", str(self.dir / "slapd.conf"), "-h",
             "ldaps://127.0.0.1:%d" % self.port], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: not rohrpost.refused(self.port), text="slapd")

    def stop_slapd(self):
        if self.slapd is not None:
            self.slapd.terminate()
            self.slapd.wait(30)
        self.slapd = None

    def start_sssd(self):
        self.sssd = subprocess.Popen(
            ["sssd", "-i"], stdin=subprocess.DEVNULL,
            stdout=open(self.dir / "sssd.out", "ab"),
            stderr=subprocess.STDOUT, start_new_session=True)
        wait_for(lambda: subprocess.run(
            ["getent", "group", "ldapmail"],
            capture_output=True).returncode == 0, 60, 0.2, "sssd")

    def end(self):
        if self.sssd is not None:
            self.sssd.terminate()
            try:
                self.sssd.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.sssd.pid, signal.SIGKILL)
                self.sssd.wait(30)
        self.stop_slapd()


@pytest.fixture(scope="module")
def ldap():
    d = pathlib.Path(rohrpost.scratch("ldap"))
    with own_mounts():
        hide(d)
        directory = Directory(d)
        try:
            directory.start_slapd()
            directory.start_sssd()
            yield directory
        finally:
            directory.end()
    rohrpost.remove(d)


@pytest.fixture(scope="module")
def inst(ldap):
    with rohrpost.Instance(ldap.dir / "inst", users=("anna",),
                           auth_delay="0s", auth_pam_workers="2",
                           pam_group="ldapmail") as i:
        yield i


def test_user_of_ldap(inst):
    """Logs in, sends and receives; by the service that is installed."""
    me = "lisa@example.test"
    assert [r["hash"] for r in inst.json("user", "list")
            if r["user"] == me] == ["pam"]
    with smtplib.SMTP("127.0.0.1", inst.ports["submission"],
                      timeout=60) as s:
        s.starttls(context=tls_context())
        s.login(me, SECRET)
        s.sendmail(me, [me], rohrpost.message(1, sender=me))
    with rohrpost.imaplib.IMAP4_SSL("127.0.0.1", inst.ports["imaps"],
                                    ssl_context=tls_context(),
                                    timeout=60) as m:
        m.login(me, SECRET)
        wait_for(lambda: m.select("INBOX")[1] == [b"1"], text="delivered")
    said = logged(inst, "login failed: lisa@example.test",
                  lambda: login(inst, "lisa", "wrong"))
    assert BAD in said
    # In LDAP, and not in the group.
    assert run("getent", "passwd", "omar").stdout.startswith("omar:")
    assert BAD in login(inst, "omar", SECRET)


def test_ldap_is_away(inst, ldap):
    """No password is wrong, nobody loses the mailbox, others do not wait; and
    all is well again by itself."""
    before = inst.json("user", "list")
    ldap.stop_slapd()
    said = logged(inst, "login of lisa@example.test put off",
                  lambda: login(inst, "lisa", SECRET))
    assert "UNAVAILABLE" in said
    assert login(inst, "anna", PASSWORD) == "OK"
    # What sssd still knows counts; what it does not know changes nothing.
    inst.command("apply")
    assert inst.json("user", "list") == before
    ldap.start_slapd()
    wait_for(lambda: login(inst, "lisa", SECRET) == "OK", 60, 0.5, "again")


def test_sssd_is_away(inst, ldap):
    """apply is refused, with the reason, and what was compiled stays."""
    os.killpg(ldap.sssd.pid, signal.SIGKILL)
    ldap.sssd.wait(30)
    shutil.rmtree("/var/lib/sss/mc")
    os.mkdir("/var/lib/sss/mc")
    p = inst.command("apply")
    assert p.returncode == 1, p.stdout
    assert "ldapmail" in p.stderr and p.stderr.count("\n") == 1
    said = logged(inst, "login of lisa@example.test put off",
                  lambda: login(inst, "lisa", SECRET))
    assert "UNAVAILABLE" in said
    # Mail for the account is taken all the while.
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["lisa@example.test"],
                   rohrpost.message(3, to="lisa@example.test"))
    pathlib.Path("/run/sssd.pid").unlink(missing_ok=True)
    ldap.start_sssd()
    wait_for(lambda: login(inst, "lisa", SECRET) == "OK", 60, 0.5, "again")
