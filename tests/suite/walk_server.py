"""The servers that a walk can go through, behind one face: ours with one
worker of each kind and one shard, and a private Postfix and Dovecot."""
import contextlib
import imaplib
import os
import pathlib
import shutil
import smtplib
import subprocess
import sys

import rohrpost

HERE = pathlib.Path(__file__).resolve().parent
USERS = ("anna", "bert")


class Ours:
    name = "rohrpost"
    programs = ("smtpd", "queue", "deliver", "store", "ctl")
    table = True		# an operator's table can be edited
    on_demand = False		# all programs stand from the start

    def __init__(self):
        self.dir = rohrpost.scratch("walk")
        self.inst = rohrpost.Instance(
            pathlib.Path(self.dir) / "i", users=USERS, smtp_workers="1",
            submission_workers="1", deliver_workers="1", relay_workers="1",
            store_threads="1", queue_retry_min="1s", queue_retry_max="2s")
        self.ports = self.inst.ports
        self.address = self.inst.address

    def start(self):
        self.inst.setup()
        self.inst.start()

    def stop(self):
        self.inst.stop()
        rohrpost.remove(self.dir)

    def pids(self, program):
        return sorted(self.inst.processes().get(program, []))

    def ready(self):
        self.inst.wait_ready()
        rohrpost.wait_for(self.reads, 40, 0.1,
                          text="anna's mail can be read\n" + self.inst.said())

    def reads(self):
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            m = self.inst.imap("anna", timeout=20)
            with contextlib.closing(m.sock):
                return m.select("INBOX", readonly=True)[0] == "OK"

    def empty(self):
        self.inst.ctl("queue", "retry", "all")
        self.inst.wait_empty(60)

    def alias(self, n):
        return "alias%d@%s" % (n, self.inst.domain)

    def aliases(self):
        return {a["alias"] for a in self.inst.json("alias", "list")}

    def edit(self, run, n):
        """An alias is added by a command that run is given: its exit code;
        None: it was killed."""
        return run([str(rohrpost.ROHRPOST), "-c", str(self.inst.conf),
                    "alias", "add", self.alias(n), self.address("anna")])

    def check(self):
        p = self.inst.command("store", "check")
        return "" if p.returncode == 0 else p.stdout + p.stderr

    def said(self):
        return self.inst.said()

    def smtp(self):
        return self.inst.smtp(timeout=20)

    def submission(self):
        return self.inst.submission(timeout=20)

    def imap(self, user):
        return self.inst.imap(user, timeout=20)


class Debian:
    """Postfix and Dovecot as the benchmark sets them up."""
    name = "postfix+dovecot"
    programs = ("smtpd", "cleanup", "qmgr", "lmtp", "imap")
    table = False
    on_demand = True

    def __init__(self):
        sys.path.insert(0, str(HERE.parent / "bench"))
        import peers
        self.dir = rohrpost.scratch("walk")
        self.peer = peers.Peers(pathlib.Path(self.dir) / "p", USERS, 9)
        self.ports = self.peer.ports

    def address(self, user):
        return "%s@example.test" % user

    def start(self):
        self.peer.start()

    def stop(self):
        self.peer.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def pids(self, program):
        out = []
        for pid in self.peer.cpu.pids():
            with contextlib.suppress(OSError):
                comm = pathlib.Path("/proc/%d/comm" % pid).read_text()
                if comm.strip() == program:
                    out.append(pid)
        return sorted(out)

    def ready(self):
        rohrpost.wait_for(lambda: self.imap("anna").logout(), 20)

    def empty(self):
        subprocess.run(["postqueue", "-c", str(self.peer.conf), "-f"],
                       check=True)

    def check(self):
        return ""

    def said(self):
        return self.peer.log()

    def smtp(self):
        return smtplib.SMTP("127.0.0.1", self.ports["smtp"], timeout=20)

    def submission(self):
        s = smtplib.SMTP_SSL("127.0.0.1", self.ports["submissions"],
                             context=rohrpost.tls_context(), timeout=20)
        s.login(self.address("anna"), rohrpost.PASSWORD)
        return s

    def imap(self, user):
        m = imaplib.IMAP4_SSL("127.0.0.1", self.ports["imaps"],
                              ssl_context=rohrpost.tls_context(), timeout=20)
        m.login(self.address(user), rohrpost.PASSWORD)
        return m


def descriptors(pid):
    """How many, but for the files that queue has ready for messages."""
    n, folder = 0, "/proc/%d/fd" % pid
    with contextlib.suppress(OSError):
        for fd in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                name = os.readlink(os.path.join(folder, fd))
                n += "/spool/queue/body/" not in name or (
                    name.endswith("(deleted)"))
    return n


def alive(pid):
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


SPARE = 2	# descriptors of a process that the first look did not meet
SERVERS = {c.name: c for c in (Ours, Debian)}
