"""A private Postfix with TLS and AUTH on loopback: what our relay meets in
the field. Needs root."""
import os
import pathlib
import pwd
import shutil
import subprocess
import time

import rohrpost

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{tls} inet n - n - - smtpd
    -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

MAIN = """\
compatibility_level = 3.6
config_directory = {conf}
queue_directory = {dir}/spool
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = smart.test
mydestination =
mynetworks = 127.0.0.2/32
inet_protocols = ipv4
inet_interfaces = 127.0.0.1
maillog_file = {dir}/log/postfix.log
maillog_file_prefixes = {dir}
virtual_mailbox_domains = far.test, other.test
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_alias_maps =
alias_maps =
smtpd_tls_cert_file = {dir}/cert.pem
smtpd_tls_key_file = {dir}/key.pem
smtpd_tls_security_level = {level}
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {conf}/sasl
smtpd_sasl_local_domain = smart.test
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = {restrictions}
smtpd_recipient_restrictions =
message_size_limit = 3000000
"""


class Postfix:
    def __init__(self, directory, mechanisms="SCRAM-SHA-256 PLAIN LOGIN",
                 auth_required=True, level="may"):
        self.dir = pathlib.Path(directory)
        self.conf = self.dir / "conf"
        self.port = rohrpost.free_port()
        self.tls_port = rohrpost.free_port()
        self.user, self.password = "relayuser", "relay-secret-1"
        for d in ("conf/sasl", "spool", "data", "log", "mail/box"):
            (self.dir / d).mkdir(parents=True)
        os.chmod(self.dir, 0o755)
        who = pwd.getpwnam("postfix")
        os.chown(self.dir / "data", who.pw_uid, who.pw_gid)
        for d in ("mail", "mail/box", "log"):
            os.chown(self.dir / d, who.pw_uid, who.pw_gid)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", str(self.dir / "key.pem"),
             "-out", str(self.dir / "cert.pem")],
            check=True, capture_output=True)
        self.ca = self.dir / "cert.pem"
        (self.conf / "master.cf").write_text(
            MASTER.format(port=self.port, tls=self.tls_port))
        (self.conf / "main.cf").write_text(MAIN.format(
            conf=self.conf, dir=self.dir, uid=who.pw_uid, gid=who.pw_gid,
            level=level, restrictions="permit_sasl_authenticated, reject"
            if auth_required else "reject_unauth_destination"))
        (self.conf / "sasl" / "smtpd.conf").write_text(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
            "mech_list: %s\nsasldb_path: %s/sasldb2\n" %
            (mechanisms, self.dir))
        subprocess.run(["saslpasswd2", "-c", "-p", "-f",
                        str(self.dir / "sasldb2"), "-u", "smart.test",
                        self.user], input=self.password.encode(), check=True)
        os.chown(self.dir / "sasldb2", who.pw_uid, who.pw_gid)

    def run(self, verb):
        p = subprocess.run(["postfix", "-c", str(self.conf), verb],
                           capture_output=True, text=True)
        assert p.returncode == 0, p.stderr + self.log()

    def __enter__(self):
        self.run("start")
        return self

    def __exit__(self, *exc):
        subprocess.run(["postfix", "-c", str(self.conf), "stop"],
                       capture_output=True)

    def log(self):
        f = self.dir / "log" / "postfix.log"
        return f.read_text(errors="replace") if f.exists() else ""

    def messages(self):
        box = self.dir / "mail" / "box" / "new"
        if not box.exists():
            return []
        return [f.read_bytes() for f in sorted(box.iterdir())]


if __name__ == "__main__":
    with Postfix(rohrpost.scratch("postfix")) as p:
        print(p.dir, p.port, p.tls_port)
        time.sleep(3600)
