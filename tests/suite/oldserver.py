"""The server that accounts move away from: Debian's Dovecot, whole, on a port
of loopback, with mail in Maildirs. Needs root."""
import imaplib
import os
import pathlib
import pwd
import signal
import subprocess

import rohrpost
from rohrpost import wait_for

DOVECOT = "/usr/sbin/dovecot"
PASSWORD = "old secret 7"
CONF = """\
protocols = {protocols}
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
listen = {listen}
ssl = yes
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login scram-sha-256
auth_master_user_separator = *
auth_failure_delay = 0
mail_location = maildir:{dir}/mail/%n
mail_fsync = never
first_valid_uid = 1
default_internal_user = dovecot
default_login_user = dovenull
mail_max_userip_connections = 100
passdb {{
  driver = passwd-file
  args = {dir}/masters
  master = yes
}}
passdb {{
  driver = passwd-file
  args = {dir}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
{pop3}# No pause for who failed before: the test that it answers is such a login.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
  mailbox {sent} {{
    special_use = \\Sent
    auto = no
  }}
}}
"""
POP3 = """\
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
"""


def certificate(directory, name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-keyout", "%s/key.pem" % directory,
         "-out", "%s/cert.pem" % directory, "-subj", "/CN=" + name,
         "-addext", "subjectAltName=DNS:%s,DNS:127.0.0.1" % name],
        check=True, capture_output=True)


class Dovecot:
    """users: names there, each with PASSWORD; master "boss"."""

    listen = "127.0.0.1"

    def __init__(self, users, separator="/", prefix="", sent="Gesendet",
                 pop3=False):
        self.dir = pathlib.Path(rohrpost.scratch("oldserver"))
        os.chmod(self.dir, 0o755)
        self.who = pwd.getpwnam("nobody")
        self.ports = self.chosen_ports()
        self.separator, self.prefix = separator, prefix
        self.certify()
        (self.dir / "mail").mkdir()
        self.own(self.dir / "mail")
        for name, people in ("users", users), ("masters", ["boss"]):
            (self.dir / name).write_text("".join(
                "%s:{PLAIN}%s\n" % (u, PASSWORD) for u in people))
        (self.dir / "conf").write_text(CONF.format(
            dir=self.dir, listen=self.listen, uid=self.who.pw_uid,
            gid=self.who.pw_gid, separator=separator, prefix=prefix, sent=sent,
            protocols="imap pop3" if pop3 else "imap",
            **dict(self.ports, pop3=POP3.format(**self.ports)
                   if pop3 else "")))
        self.start()

    def chosen_ports(self):
        return {s: rohrpost.free_port()
                for s in ("imap", "imaps", "pop3", "pop3s")}

    def certify(self):
        certificate(self.dir, "localhost")

    def own(self, path):
        os.chown(path, self.who.pw_uid, self.who.pw_gid)

    def start(self):
        self.process = subprocess.Popen(
            [DOVECOT, "-F", "-c", str(self.dir / "conf")],
            stdin=subprocess.DEVNULL, stdout=open(self.dir / "out", "ab"),
            stderr=subprocess.STDOUT, start_new_session=True)

        def answers():
            assert self.process.poll() is None, (
                self.dir / "out").read_text()
            try:
                self.imap("nobody").shutdown()
            except imaplib.IMAP4.error:
                return True
            except OSError:
                return False
        wait_for(answers, 60, text="Dovecot answers")

    def kill(self):
        """All of it at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)
        # Its children have sessions of their own, and end with it.
        (self.dir / "run/master.pid").unlink(missing_ok=True)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        rohrpost.remove(self.dir)

    def imap(self, user, password=PASSWORD):
        m = imaplib.IMAP4(self.listen, self.ports["imap"], timeout=60)
        m.login(user, password)
        return m

    def maildir(self, user, mailbox="INBOX"):
        """Its folder; Maildir++ has a dot for each level."""
        d = self.dir / "mail" / user
        if mailbox != "INBOX":
            d = d / ("." + mailbox.replace("/", "."))
        if not (d / "cur").is_dir():
            for sub in d, d / "cur", d / "new", d / "tmp":
                if not sub.is_dir():
                    sub.mkdir(parents=True)
                self.own(sub)
            self.own(d.parent)
        return d

    def fill(self, user, mailbox, messages, flags="S", first=1):
        """messages: octets of each; INTERNALDATE is the mtime."""
        cur = self.maildir(user, mailbox) / "cur"
        for i, text in enumerate(messages, first):
            f = cur / ("%d.M%dP1.old,S=%d:2,%s" % (
                1600000000 + i, i, len(text), flags))
            f.write_bytes(text)
            self.own(f)
            os.utime(f, (1600000000 + 60 * i, 1600000000 + 60 * i))
