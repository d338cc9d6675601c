"""What README tells a new user, timed: from the finished package to the first
mail received. tests/fresh has made two roots: HOME is Debian and nothing else,
WORLD has a provider in it (Debian's Postfix and Dovecot), a name server, and a
stranger. Each is entered by its first process, with a network of its own and a
line between the two.

Usage: tests/first_mail.py PROFILE HOME-PID WORLD-PID
"""
import imaplib
import os
import pathlib
import pty
import re
import select
import ssl
import subprocess
import sys
import time

HOME, WORLD = "5.6.7.2", "5.6.7.1"
WORD, AT_PROVIDER = "correct-horse-9", "word-at-the-provider"
ANNA = "anna@company.example"
SECONDS = 120
# What is asked, what a person answers; None: what is proposed.
ANSWERS = [
    ("Domain to take mail for", "company.example"),
    ("How does your mail leave?", {"direct": "1", "relay": "2",
                                   "collector": "3"}),
    ("Address of the first user", ANNA),
    ("assword for " + ANNA, WORD), ("Again for " + ANNA, WORD),
    ("assword for anna@provider.example", AT_PROVIDER),
    ("Your provider's outgoing server", "smtp.provider.example"),
    ("Login there", "anna@provider.example"),
    ("Do phones read mail", {"direct": "yes", "relay": "yes",
                             "collector": "no"}),
    ("Name of this server", None), ("Who gets complaints", None),
    ("Certificate:", None), ("a test mail, or none", "eve@stranger.example"),
    ("Save these settings?", "yes"),
]


class Box:
    """A root, by the process that holds it."""

    def __init__(self, pid):
        self.pid = pid
        self.root = pathlib.Path("/proc/%s/root" % pid)
        self.enter = ["nsenter", "-t", pid, "-m", "-p", "-n", "-u", "-i",
                      "-r", "-w", "/usr/bin/env", "-i", "HOME=/root",
                      "LANG=C.UTF-8", "TERM=dumb",
                      "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]

    def run(self, *argv, text=None, status=0):
        p = subprocess.run(self.enter + list(argv), input=text, text=True,
                           capture_output=True, timeout=300)
        if status is not None and p.returncode != status:
            fail("%s: status %d\n%s%s" % (" ".join(argv), p.returncode,
                                          p.stdout, p.stderr))
        return p.stdout

    def write(self, path, text):
        f = self.root / path.lstrip("/")
        f.parent.mkdir(parents=True, exist_ok=True)
        f.write_text(text)


def fail(words):
    print("first_mail: " + words, flush=True)
    sys.exit(1)


def wait(what, words):
    end = time.monotonic() + SECONDS
    while not what():
        if time.monotonic() > end:
            fail(words)
        time.sleep(0.1)


class Steps:
    def __init__(self):
        self.last = time.monotonic()
        self.all = 0.0

    def done(self, words):
        now = time.monotonic()
        self.all += now - self.last
        print("  %5.1f s  %s" % (now - self.last, words), flush=True)
        self.last = now


ZONE = """\
$TTL 60
@ IN SOA ns.example. hostmaster.example. %d 60 60 600 60
@ IN NS ns.example.
ns.example. IN A 5.6.7.1
smtp.provider.example. IN A 5.6.7.1
provider.example. IN MX 10 smtp.provider.example.
stranger.example. IN MX 10 smtp.provider.example.
"""


DOVECOT = """\
protocols = imap pop3
disable_plaintext_auth = yes
ssl_cert = </etc/world/cert.pem
ssl_key = </etc/world/key.pem
mail_location = maildir:/var/mail/vhosts/%d/%n
passdb {
  driver = passwd-file
  args = /etc/world/passwd
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/var/mail/vhosts/%d/%n
}
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0666
  }
}
"""


class World(Box):
    """What others run: here all of it is one machine."""

    def prepare(self):
        self.serial = 1
        self.zone("")
        self.write("/etc/nsd/nsd.conf.d/world.conf", "".join(
            "zone:\n  name: %s\n  zonefile: /etc/nsd/%s\n" % z for z in (
                ("example", "example.zone"),
                ("7.6.5.in-addr.arpa", "reverse.zone"))) +
            "server:\n  ip-address: %s\n" % WORLD)
        self.write("/etc/nsd/reverse.zone", (
            "$TTL 60\n@ IN SOA ns.example. hostmaster.example. 1 60 60 600 60\n"
            "@ IN NS ns.example.\n1 IN PTR smtp.provider.example.\n"
            "2 IN PTR mail.company.example.\n"))
        self.write("/etc/resolv.conf", "nameserver %s\n" % WORLD)
        self.write("/etc/dovecot/local.conf", DOVECOT)
        self.run("sh", "-ec", """
            mkdir -p /etc/world /var/mail/vhosts /run/nsd
            chown nsd /run/nsd
            cd /etc/world
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \\
                -nodes -days 30 -subj /CN=smtp.provider.example -addext \\
                subjectAltName=DNS:smtp.provider.example \\
                -keyout key.pem -out cert.pem 2>/dev/null
            echo 'anna@provider.example:{PLAIN}%s' >passwd
            useradd -r -d /var/mail/vhosts vmail
            chown vmail: /var/mail/vhosts
            sed -i 's/^!include auth-system/#&/' \\
                /etc/dovecot/conf.d/10-auth.conf
            uid=$(id -u vmail)
            postconf -e myhostname=smtp.provider.example mydestination= \\
                inet_protocols=ipv4 inet_interfaces=all mynetworks=127.0.0.0/8 \\
                virtual_mailbox_domains=provider.example,stranger.example \\
                virtual_mailbox_base=/var/mail/vhosts \\
                virtual_mailbox_maps=texthash:/etc/world/boxes \\
                virtual_uid_maps=static:$uid virtual_gid_maps=static:$uid \\
                virtual_minimum_uid=1 alias_maps= smtpd_sasl_type=dovecot \\
                smtpd_sasl_path=private/auth smtpd_sasl_auth_enable=yes \\
                smtpd_tls_auth_only=yes smtpd_tls_security_level=may \\
                smtpd_tls_cert_file=/etc/world/cert.pem \\
                smtpd_tls_key_file=/etc/world/key.pem \\
                smtp_tls_security_level=may maillog_file=/var/log/postfix.log \\
                smtpd_relay_restrictions=permit_sasl_authenticated,reject_unauth_destination
            for b in provider.example/anna stranger.example/eve; do
                echo "${b#*/}@${b%%/*} $b/"
            done >boxes
            postconf -M submission/inet='submission inet n - n - - smtpd'
            postconf -M submissions/inet='submissions inet n - n - - smtpd'
            postconf -P submissions/inet/smtpd_tls_wrappermode=yes
            postconf -F '*/*/chroot=n'
            nsd -c /etc/nsd/nsd.conf >/dev/null 2>&1
            dovecot >/dev/null 2>&1
            postfix start >/dev/null 2>&1
            """ % AT_PROVIDER)
        wait(lambda: "smtp.provider.example" in self.run(
            "getent", "hosts", "smtp.provider.example", status=None),
            "the world's name server does not answer")
        wait(lambda: "220 " in self.run(
            "python3", "-c", "import socket; print(socket.create_connection(("
            "'smtp.provider.example', 587), 5).recv(99))", status=None),
            "the provider does not answer")

    def zone(self, lines):
        self.serial += 1
        self.write("/etc/nsd/example.zone", ZONE % self.serial + lines)

    def entered(self, lines):
        """The owner of the domain pastes them into the form of his provider."""
        self.zone(lines)
        self.run("sh", "-c", "kill -HUP $(pidof nsd | tr ' ' '\\n' | sort -n | "
                 "head -n 1)")

    def box(self, domain, name):
        d = self.root / "var/mail/vhosts" / domain / name / "new"
        return len(list(d.iterdir())) if d.exists() else 0


def converse(box, profile):
    """rohrpost setup at a terminal, answered as fast as it asks."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("nsenter", box.enter + ["rohrpost", "setup"])
    said, at, asked = "", 0, []
    while True:
        if not select.select([fd], [], [], SECONDS)[0]:
            fail("setup says nothing more: " + said[-600:])
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        said += data.decode(errors="replace").replace("\r\n", "\n")
        line = said[at:].rsplit("\n", 1)[-1]
        if not re.search(r"(: |\] )$", line):
            continue
        for words, answer in ANSWERS:
            if words in line:
                break
        else:
            fail("a question that README does not know: " + said)
        if isinstance(answer, dict):
            answer = answer[profile]
        if words in asked:
            fail("asked again: " + said[-1500:])
        at = len(said)
        asked.append(words)
        time.sleep(0.2)		# the echo is off by now
        os.write(fd, (answer or "").encode() + b"\n")
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status != 0:
        fail("setup ends with %d: %s" % (status, said[-2500:]))
    return said, len(asked)


def inbox():
    """Of anna, as her phone sees it. Run in the world's network."""
    ctx = ssl.create_default_context()
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    m = imaplib.IMAP4_SSL(HOME, 993, ssl_context=ctx, timeout=60)
    m.login(ANNA, WORD)
    m.select("INBOX", readonly=True)
    data = m.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    m.logout()
    print("".join(d[1].decode() for d in data if isinstance(d, tuple)))


def main():
    if sys.argv[1:] == ["inbox"]:
        return inbox()
    profile, home, world = sys.argv[1], Box(sys.argv[2]), World(sys.argv[3])
    world.prepare()
    me = pathlib.Path(__file__).read_text()
    for b in home, world:
        b.write("/root/first_mail.py", me)
    home.write("/etc/resolv.conf", "nameserver %s\n" % WORLD)
    home.write("/etc/hostname", "box\n")
    # A real provider's certificate is one that Debian trusts.
    home.write("/usr/local/share/ca-certificates/world.crt", (
        world.root / "etc/world/cert.pem").read_text())
    home.run("update-ca-certificates")
    s = Steps()
    said, asked = converse(home, profile)
    s.done("rohrpost setup: %d answers, the suite started, a test mail came "
           "back to INBOX" % asked)
    if "it was sent by submission and arrived in INBOX" not in said or \
            "the next server has taken it" not in said:
        fail(said[-2500:])
    if profile == "collector":
        wait(lambda: world.box("provider.example", "anna") == 1,
             "no test mail at the provider")
        s.done("it went out through the provider (nothing is collected yet)")
    else:
        # What is for a form comes after it; the PTR is the provider's to set.
        shown = home.run("rohrpost", "dns", "show", "company.example")
        world.entered("".join(
            x + "\n" for x in shown.split("\n; The same")[0].split("\n")
            if ".in-addr.arpa." not in x))
        wait(lambda: "mail.company.example" in world.run(
            "getent", "hosts", "mail.company.example", status=None),
            "the zone is not served")
        s.done("rohrpost dns show: its lines are in the zone")
        before = world.box("stranger.example", "eve")
        world.run("sendmail", "-f", "eve@stranger.example", ANNA,
                  text="From: eve@stranger.example\nTo: %s\n"
                  "Subject: the first mail\n\nHello.\n" % ANNA)
        wait(lambda: "the first mail" in world.run(
            "python3", "/root/first_mail.py", "inbox"),
            "the first mail does not come: " + world.run(
                "tail", "-n", "5", "/var/log/postfix.log", status=None))
        s.done("the first mail received: a stranger's, by MX and port 25, read "
               "by IMAP")
        home.run("sendmail", "eve@stranger.example", text=(
            "From: %s\nTo: eve@stranger.example\nSubject: back\n\nHello.\n" %
            ANNA))
        wait(lambda: world.box("stranger.example", "eve") > before,
             "no answer arrives")
        s.done("an answer has arrived at the stranger's" + (
            ", through the provider" if profile == "relay" else ""))
        out = home.run("rohrpost", "dns", "check", status=None)
        s.done("rohrpost dns check: " + (out.strip().split("\n")[0] or
                                         "nothing to say"))
    print("%.1f" % s.all)


main()
