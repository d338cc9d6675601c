"""The systems that the benchmark compares, behind one face: ours, and a
private Postfix and Dovecot of Debian's on loopback; more_peers.py has the
others."""
import crypt
import os
import pathlib
import pwd
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "suite"))
import rohrpost  # noqa: E402

DOMAIN = "example.test"
PASSWORD = rohrpost.PASSWORD

MASTER = """\
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{submissions} inet n - n - - smtpd
    -o smtpd_tls_wrappermode=yes
    -o smtpd_sasl_auth_enable=yes
    -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
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
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

# Debian's defaults but for what makes it a private instance, and messages as
# large as ours takes.
MAIN = """\
compatibility_level = 3.6
config_directory = {conf}
queue_directory = {dir}/spool
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.{domain}
mydestination =
mynetworks = 127.0.0.2/32
inet_protocols = ipv4
inet_interfaces = 127.0.0.1
maillog_file = {dir}/log/postfix.log
maillog_file_prefixes = {dir}
alias_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = texthash:{conf}/users
virtual_transport = lmtp:unix:{dir}/run/lmtp
relayhost = [127.0.0.1]:{sink}
message_size_limit = 52428800
virtual_mailbox_limit = 0
smtpd_tls_cert_file = {dir}/cert.pem
smtpd_tls_key_file = {dir}/key.pem
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = {dir}/run/auth-smtp
smtpd_relay_restrictions = reject_unauth_destination
"""

# The same; the limits that 100 connections of a test would meet are raised.
DOVECOT = """\
protocols = imap pop3 lmtp
listen = 127.0.0.1
base_dir = {dir}/run
state_dir = {dir}/run
instance_name = rohrpost-bench
log_path = {dir}/log/dovecot.log
ssl = required
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
mail_location = maildir:{dir}/mail/%n
mail_fsync = optimized
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
auth_username_format = %n
mail_max_userip_connections = 200
default_process_limit = 300
passdb {{
  driver = passwd-file
  args = {conf}/passwd
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%n
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
service auth {{
  unix_listener auth-smtp {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
namespace inbox {{
  inbox = yes
}}
"""


class Cpu:
    """Processor time of a process and all that it starts: a cpuacct cgroup,
    or one of cgroup 2 with its cpu.stat."""

    def __init__(self, name):
        v1, v2 = (pathlib.Path("/sys/fs/cgroup") / d
                  for d in ("cpuacct", "unified"))
        if not v2.is_dir():
            v2 = pathlib.Path("/sys/fs/cgroup")
        self.v1 = v1.is_dir()
        self.dir = (v1 if self.v1 else v2) / ("rohrpost-bench-%d-%s" %
                                              (os.getpid(), name))
        self.dir.mkdir()

    def enter(self):
        """For the child, before exec."""
        (self.dir / "cgroup.procs").write_text(str(os.getpid()))

    def seconds(self):
        if self.v1:
            return int((self.dir / "cpuacct.usage").read_text()) / 1e9
        stat = (self.dir / "cpu.stat").read_text().split()
        return int(stat[stat.index("usage_usec") + 1]) / 1e6

    def pids(self):
        return [int(p) for p in
                (self.dir / "cgroup.procs").read_text().split()]

    def programs(self):
        """Seconds of each program, by name, of the processes that live."""
        out = {}
        for pid in self.pids():
            try:
                ns = int(open("/proc/%d/schedstat" % pid).read().split()[0])
                for t in os.listdir("/proc/%d/task" % pid):
                    if int(t) != pid:
                        ns += int(open("/proc/%d/task/%s/schedstat" % (
                            pid, t)).read().split()[0])
                name = open("/proc/%d/comm" % pid).read().strip()
            except OSError:
                continue
            out[name] = out.get(name, 0) + ns / 1e9
        return out

    def pss(self):
        """Kilobytes, shared pages divided among those that share them."""
        total = 0
        for pid in self.pids():
            try:
                text = open("/proc/%d/smaps_rollup" % pid).read()
            except OSError:
                continue
            total += int(text.split("\nPss:")[1].split()[0])
        return total

    def close(self):
        for attempt in range(50):
            for pid in self.pids():
                try:
                    os.kill(pid, 9)
                except OSError:
                    pass
            try:
                self.dir.rmdir()
                return
            except OSError:
                time.sleep(0.1)


def password_word():
    """The same hash that ours uses by default."""
    return crypt.crypt(PASSWORD, "$y$j9T$saltsaltsaltsalt")


class System:
    """Ports, processor time, mailboxes as files."""
    intake = ()             # options of smtp_load for what comes in
    note = ""               # what its figures do not have in them
    # the kinds of rows that it can be measured by
    rows = frozenset(("accept", "large", "imap", "append", "pop3", "relay",
                      "memory", "syncs"))

    def __init__(self, directory, users, sink):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True)
        os.chmod(self.dir, 0o755)
        self.users, self.sink = users, sink
        self.cpu = Cpu(self.name)

    def make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=mail." + DOMAIN, "-keyout", str(self.dir / "key.pem"),
             "-out", str(self.dir / "cert.pem")], check=True,
            capture_output=True)

    def address(self, service):
        return "127.0.0.1:%d" % self.ports[service]

    def submission(self):
        """How smtp_load reaches what relays: with TLS and AUTH."""
        return ["-a", self.address("submissions"), "-S", "-l",
                "user0@" + DOMAIN, "-p", PASSWORD]

    def boxes(self):
        """The directories that hold messages."""
        raise NotImplementedError

    def files(self):
        return [str(d / f.name) for d in self.boxes() for f in os.scandir(d)
                if f.is_file() and self.is_message(f.name)]

    def is_message(self, name):
        return True

    def latest(self):
        """When the last message came into a mailbox, by the clock of
        time.time(): its folder says so."""
        return max(os.stat(d).st_mtime for d in self.boxes())

    def count(self):
        return sum(1 for d in self.boxes() for f in os.scandir(d)
                   if self.is_message(f.name))


class Ours(System):
    name = "rohrpost"

    def __init__(self, directory, users, sink, prefix):
        super().__init__(directory, users, sink)
        self.prefix = prefix
        self.inst = rohrpost.Instance(
            self.dir / "i", users=users, prefix=prefix,
            relay_host="[127.0.0.1]", relay_port=str(sink),
            relay_tls="never")
        self.ports = self.inst.ports

    def start(self):
        enter, popen = self.cpu.enter, subprocess.Popen

        def start_inside(*args, **kw):
            return popen(*args, preexec_fn=enter, **kw)

        self.inst.setup()
        subprocess.Popen = start_inside
        try:
            self.inst.start()
        finally:
            subprocess.Popen = popen

    def stop(self):
        self.inst.stop()
        self.cpu.close()

    def boxes(self):
        top = self.inst.state / "spool" / "mail" / DOMAIN
        return [pathlib.Path(d) for d, dirs, files in os.walk(top)
                if os.path.basename(d).isdigit()]

    def is_message(self, name):
        return name.isdigit()

    def log(self):
        return self.inst.said()


class Before(Ours):
    """Another tree of ours, installed in a prefix of its own."""
    name = "before"


class Peers(System):
    name = "postfix+dovecot"

    def __init__(self, directory, users, sink):
        super().__init__(directory, users, sink)
        self.ports = {s: rohrpost.free_port() for s in
                      ("smtp", "submissions", "imaps", "pop3s")}
        self.conf = self.dir / "conf"
        postfix, mail = pwd.getpwnam("postfix"), pwd.getpwnam("mail")
        for d in ("conf", "spool", "data", "log", "mail", "run"):
            (self.dir / d).mkdir()
        os.chown(self.dir / "data", postfix.pw_uid, postfix.pw_gid)
        os.chown(self.dir / "mail", mail.pw_uid, mail.pw_gid)
        self.make_certificate()
        fill = dict(self.ports, dir=self.dir, conf=self.conf, sink=sink,
                    domain=DOMAIN, uid=mail.pw_uid, gid=mail.pw_gid)
        for name, text in (("master.cf", MASTER), ("main.cf", MAIN),
                           ("dovecot.conf", DOVECOT)):
            (self.conf / name).write_text(text.format(**fill))
        (self.conf / "users").write_text(
            "".join("%s@%s x\n" % (u, DOMAIN) for u in users))
        word = password_word()
        (self.conf / "passwd").write_text(
            "".join("%s:{CRYPT}%s\n" % (u, word) for u in users))

    def run(self, *argv):
        # a daemon keeps its output open: no pipe
        with open(self.dir / "log" / "start.log", "ab") as out:
            p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out,
                               stderr=out, preexec_fn=self.cpu.enter)
        if p.returncode != 0:
            raise RuntimeError("%s: %s" % (" ".join(argv), self.log()))

    def start(self):
        self.run("dovecot", "-c", str(self.conf / "dovecot.conf"))
        self.run("postfix", "-c", str(self.conf), "start")
        import socket
        for port in self.ports.values():
            rohrpost.wait_for(lambda: socket.create_connection(
                ("127.0.0.1", port), 1).close() is None, 10)

    def stop(self):
        subprocess.run(["postfix", "-c", str(self.conf), "stop"],
                       capture_output=True)
        subprocess.run(["doveadm", "-c", str(self.conf / "dovecot.conf"),
                        "stop"], capture_output=True)
        time.sleep(1)
        self.cpu.close()

    def boxes(self):
        return [d for u in self.users for n in ("new", "cur")
                for d in (self.dir / "mail" / u / n,) if d.is_dir()]

    def log(self):
        out = ""
        for name in ("start.log", "postfix.log", "dovecot.log"):
            f = self.dir / "log" / name
            if f.exists():
                out += "".join(f.read_text(errors="replace")
                               .splitlines(True)[-20:])
        return out
