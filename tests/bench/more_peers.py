"""Further peers, each in a private root: Exim, OpenSMTPD and Cyrus of
Debian's. Their configuration is the packages' default but for what makes a
private instance and for limits that the load would meet (messages of a
connection, connections); what they sync is as they sync by default."""
import imaplib
import os
import pathlib
import re
import socket
import ssl

import peers
import private_root
import rohrpost
from private_root import MAIL

EXIM = """\
primary_hostname = mail.{domain}
domainlist local_domains = {domain}
spool_directory = {dir}/spool
log_file_path = {dir}/log/exim-%s
local_interfaces = <; [127.0.0.1]:{smtp} ; [127.0.0.1]:{submissions}
tls_on_connect_ports = {submissions}
tls_advertise_hosts = *
tls_certificate = {dir}/cert.pem
tls_privatekey = {dir}/key.pem
message_size_limit = 50M
smtp_accept_max = 300
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  accept authenticated = *
  accept domains = +local_domains
  deny message = relay not permitted
begin routers
far:
  driver = manualroute
  domains = ! +local_domains
  transport = remote_smtp
  route_list = * 127.0.0.1
  self = send
  no_more
local:
  driver = accept
  local_parts = lsearch;{conf}/users
  transport = box
begin transports
remote_smtp:
  driver = smtp
  port = {sink}
  allow_localhost
box:
  driver = appendfile
  directory = {dir}/mail/$local_part_data
  maildir_format
  create_directory
  delivery_date_add
  envelope_to_add
  return_path_add
  user = mail
  group = mail
begin retry
* * F,2h,15m; G,16h,1h,1.5; F,4d,6h
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \
    ${{if crypteq{{$auth3}}{{${{lookup{{$auth2}}lsearch{{{conf}/passwd}}}}}}}}
  server_set_id = $auth2
"""

OPENSMTPD = """\
smtp max-message-size "50M"
smtp limit max-mails 100000
listen on 127.0.0.1 port {smtp} hostname mail.{domain}
action "box" maildir "{dir}/mail/%{{user.username}}"
action "out" relay host "smtp://127.0.0.1:{sink}"
match from any for domain "{domain}" action "box"
match from local for any action "out"
"""

CYRUS = """\
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {conf}/imapd.conf -r"
}}
SERVICES {{
  imaps cmd="imapd -C {conf}/imapd.conf -s -U 30" \
listen="127.0.0.1:{imaps}" prefork=0 maxchild=300
  pop3s cmd="pop3d -C {conf}/imapd.conf -s -U 30" \
listen="127.0.0.1:{pop3s}" prefork=0 maxchild=300
  lmtp cmd="lmtpd -C {conf}/imapd.conf -a" \
listen="127.0.0.1:{smtp}" prefork=0 maxchild=300
}}
EVENTS {{
}}
"""

IMAPD = """\
configdirectory: {dir}/lib
defaultpartition: default
partition-default: {dir}/mail
proc_path: {dir}/run/proc
mboxname_lockpath: {dir}/run/lock
admins: cyrus
servername: mail.{domain}
virtdomains: userid
defaultdomain: {domain}
sasl_mech_list: PLAIN
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {dir}/run/mux
tls_server_cert: {dir}/cert.pem
tls_server_key: {dir}/key.pem
maxmessagesize: 52428800
"""


class Private(peers.System):
    """A peer in a private root."""
    packages = ()
    services = ("smtp", "submissions")

    def __init__(self, directory, users, sink, debs):
        super().__init__(directory, users, sink)
        try:
            self.set_up(debs)
        except BaseException:
            self.cpu.close()
            raise

    def set_up(self, debs):
        self.root = private_root.Root(self.dir / "private", self.packages,
                                      debs)
        self.ports = {s: rohrpost.free_port() for s in self.services}
        self.conf = self.dir / "conf"
        for d in ("conf", "log", "mail", "run", "spool", "lib"):
            (self.dir / d).mkdir()
        os.chown(self.dir / "mail", MAIL, MAIL)
        self.make_certificate()
        self.word = peers.password_word()
        self.fill = dict(self.ports, dir=self.dir, conf=self.conf,
                         sink=self.sink, domain=peers.DOMAIN)
        self.configure()

    def configure(self):
        raise NotImplementedError

    def script(self):
        """What the root's shell runs: in the foreground."""
        raise NotImplementedError

    def write(self, name, text):
        (self.conf / name).write_text(text)

    def start(self):
        self.root.start(self.script(), self.dir, self.dir / "log/start.log",
                        self.cpu.enter)
        for port in self.ports.values():
            rohrpost.wait_for(lambda: self.listens(port), 30, 0.1,
                              "%s listens" % self.name)

    def listens(self, port):
        if self.root.ended():
            raise private_root.Unavailable("%s: %s" % (
                self.name, private_root.last_line(self.log(), "ended")))
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        self.root.stop()
        self.cpu.close()

    def boxes(self):
        return [d for u in self.users for n in ("new", "cur")
                for d in (self.dir / "mail" / u / n,) if d.is_dir()]

    def log(self):
        return "".join("".join(f.read_text(errors="replace")
                               .splitlines(True)[-20:])
                       for f in sorted((self.dir / "log").iterdir()))


class Exim(Private):
    name = "exim"
    packages = ("exim4-daemon-light",)
    rows = frozenset(("accept", "large", "relay", "syncs"))

    def configure(self):
        self.root.make_users({"Debian-exim": (101, "/", "*"),
                              "mail": (MAIL, "/", "*")})
        for d in ("spool", "log"):
            os.chown(self.dir / d, 101, 101)
        os.chown(self.dir / "key.pem", 101, 101)
        self.write("users", "".join("%s: %s\n" % (u, u) for u in self.users))
        self.write("passwd", "".join(
            "%s@%s: %s\n" % (u, peers.DOMAIN, self.word)
            for u in self.users))
        self.root.write("etc/exim4/exim4.conf", EXIM.format(**self.fill))

    def script(self):
        return "exec %s -bdf -q30m" % self.root.find("usr/sbin/exim4")


class OpenSMTPD(Private):
    """As a server Debian's fails each TLS handshake with the OpenSSL of the
    same release; and it knows no AUTH in the clear. So it relays for the
    loopback address. Its queue has no option to sync: what it answers 250 to
    is on disk first when mail.maildir syncs the file."""
    name = "opensmtpd"
    packages = ("opensmtpd",)
    services = ("smtp",)
    intake = ("-w", "4")    # it listens with a backlog of five
    rows = Exim.rows
    note = "relays without TLS and AUTH; it answers 250 before any sync"

    def configure(self):
        people = {u: (MAIL, "%s/mail/%s" % (self.dir, u), "*")
                  for u in self.users}
        self.root.make_users({"mail": (MAIL, "/", "*"),
                              "opensmtpd": (101, "/", "*"),
                              "opensmtpq": (102, "/", "*"), **people})
        self.root.write("etc/mailname", "mail.%s\n" % peers.DOMAIN)
        self.root.write("etc/smtpd.conf", OPENSMTPD.format(**self.fill))

    def script(self):
        return "exec %s -d" % self.root.find("usr/sbin/smtpd")

    def submission(self):
        return ["-a", self.address("smtp"), *self.intake]


class Cyrus(Private):
    name = "cyrus"
    note = "takes messages by LMTP, straight to the mailbox: it has no queue"
    packages = ("cyrus-imapd", "cyrus-pop3d", "sasl2-bin")
    services = ("smtp", "imaps", "pop3s")
    intake = ("-L",)
    rows = frozenset(("accept", "large", "imap", "append", "pop3", "memory",
                      "syncs"))

    def configure(self):
        people = {u: (1000 + i, "/", self.word)
                  for i, u in enumerate([*self.users, "cyrus-people"])}
        self.root.make_users({"mail": (MAIL, "/", "*"), **people,
                              "cyrus": (103, "/", self.word)})
        for d in ("mail", "lib", "run"):
            os.chown(self.dir / d, 103, 103)
        os.chown(self.dir / "key.pem", 103, 103)
        fill = dict(self.fill, bin="/usr/lib/cyrus/bin")
        self.write("cyrus.conf", CYRUS.format(**fill))
        self.write("imapd.conf", IMAPD.format(**fill))
        self.root.write("etc/imapd.conf", IMAPD.format(**fill))

    def script(self):
        return "%s -a shadow -c -m %s/run; exec %s -C %s/imapd.conf " \
            "-M %s/cyrus.conf" % (
                self.root.find("usr/sbin/saslauthd"), self.dir,
                self.root.find("usr/lib/cyrus/bin/master"), self.conf,
                self.conf)

    def start(self):
        super().start()
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        m = imaplib.IMAP4_SSL("127.0.0.1", self.ports["imaps"],
                              ssl_context=tls)
        m.login("cyrus", peers.PASSWORD)
        for u in self.users:
            answer = m.create("user/" + u)
            if answer[0] != "OK":
                raise RuntimeError("cyrus: %s: %s" % (u, answer))
        m.logout()

    def boxes(self):
        return [pathlib.Path(d) for d, _, files in os.walk(self.dir / "mail")
                if "cyrus.header" in files]

    def is_message(self, name):
        return re.fullmatch(r"\d+\.", name) is not None
