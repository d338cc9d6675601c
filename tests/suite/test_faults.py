"""Every system call of a delivery is a crash point: the running programs are
made to fail, or to die, at the first, second, third ... call of each kind,
with strace. What was answered 250 or OK must be there in the end, whole; what
was expunged must not come back; nobody stays away.

ROHRPOST_FAULTS bounds the number N (default 4).
"""
import collections
import contextlib
import email
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import smtplib
import subprocess
import time

import pytest

import load
import rohrpost
from rohrpost import message

seen = {}
N_MAX = int(os.environ.get("ROHRPOST_FAULTS", "4"))
SECONDS = 45		# of one program's rounds
USERS = ("anna", "bert")
KEYS = {"queue_retry_min": "1s", "queue_retry_max": "2s"}
DIE = "signal=KILL"

# program, call, what it meets
ROUNDS = {
    "smtpd": [("pwritev", "error=ENOSPC"), ("pwritev", "error=EIO"),
              ("fdatasync", "error=EIO"), ("close", "error=EIO"),
              ("fdatasync", DIE), ("sendmsg", DIE), ("recvmsg", DIE)],
    "queue": [("openat", "error=EMFILE"), ("openat", "error=ENOSPC"),
              ("fcntl", "error=EAGAIN"), ("fdatasync", "error=EIO"),
              ("sendmsg", DIE), ("recvmsg", DIE), ("fdatasync", DIE),
              ("openat", DIE)],
    "deliver": [("pread64", "error=EIO"), ("recvmsg", DIE), ("sendmsg", DIE),
                ("pread64", DIE)],
    "store": [("linkat", "error=ENOSPC"), ("linkat", "error=EIO"),
              ("linkat", "error=EMLINK"), ("newfstatat", "error=EIO"),
              ("openat", "error=EMFILE"), ("fsync", "error=EIO"),
              ("fdatasync", "error=EIO"), ("renameat", "error=EIO"),
              ("linkat", DIE), ("fsync", DIE), ("fdatasync", DIE),
              ("sendmsg", DIE), ("recvmsg", DIE), ("renameat", DIE)],
}

pytestmark = pytest.mark.skipif(shutil.which("strace") is None,
                                reason="strace is not installed")


@contextlib.contextmanager
def faulty(inst, program, call, fault, when, path=None):
    """The processes of a program, under strace; calls on that path alone.
    Gives a list that holds what was met, when it is over."""
    pids = rohrpost.wait_for(lambda: inst.processes().get(program), 40,
                             text="%s is there\n%s" % (program, inst.said()))
    # A death within a second of the start is a quick one, after five of which
    # master waits.
    if pids != seen.get(program):
        time.sleep(1.1)
        seen[program] = pids
    trace = pathlib.Path(inst.dir) / "strace.out"
    args = ["strace", "-f", "-o", str(trace), "-e", "trace=" + call, "-e",
            "inject=%s:%s:when=%s" % (call, fault, when)]
    met = []
    args += ["-P", str(path)] if path else []
    p = subprocess.Popen(args + [w for pid in pids
                                 for w in ("-p", str(pid))],
                         stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         text=True)
    left = set(pids)		# all of them: a client may come to the last
    while left and (line := p.stderr.readline()):
        if "not permitted" in line.lower():
            p.kill()
            p.communicate()
            pytest.skip("strace may not attach: " + line)
        left -= {int(w) for w in re.findall(r"\d+", line)}
    try:
        yield met
    finally:
        p.send_signal(signal.SIGINT)
        try:
            p.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
        met += injected(inst)


def injected(inst):
    """The lines of strace on what it did."""
    trace = pathlib.Path(inst.dir) / "strace.out"
    return [line for line in trace.read_text(errors="replace").split("\n")
            if "(INJECTED)" in line or "killed by SIGKILL" in line]


class Ledger:
    """What was answered, and so what must hold."""

    def __init__(self, inst, mark):
        self.inst, self.mark = inst, mark
        self.acked = {}			# as load.Load
        self.appended = {}		# uidvalidity, uid -> sha256
        self.gone = set()
        self.n = 0
        self.answers = collections.Counter()

    def send(self):
        self.n += 1
        name = "%s%d" % (self.mark, self.n)
        to = [self.inst.address(u) for u in USERS[:1 + self.n % 2]]
        text = message(name, 3000 if self.n % 5 else 400000, to=to[0],
                       mark="k")
        try:
            with self.inst.smtp(timeout=20) as s:
                if not s.sendmail("eve@remote.test", to, text):
                    self.acked[name] = (to, hashlib.sha256(text).digest())
                    self.answers["250"] += 1
                    return
        except smtplib.SMTPResponseException as e:
            self.answers[str(e.smtp_code)] += 1
        except (OSError, smtplib.SMTPException):
            self.answers["lost"] += 1

    def handed(self):
        """Local mail goes to deliver behind the answer: until the queue is
        empty, or for a while where a fault keeps it."""
        end = time.monotonic() + 2
        while time.monotonic() < end and self.inst.json("queue", "list"):
            time.sleep(0.02)

    def imap(self):
        """Two APPENDs, then EXPUNGE of one that was appended before."""
        self.n += 1
        text = message("a%d" % self.n, 2000)
        try:
            m = self.inst.imap("bert", timeout=20)
        except Exception:
            self.answers["no login"] += 1
            return
        try:
            if m.select("Sent")[0] != "OK":
                return
            old = sorted(self.appended)[:1]
            for _ in range(2):
                typ, data = m.append("Sent", "", None, text)
                if typ != "OK":
                    continue
                v, uid = data[0].split(b"APPENDUID ")[1].split(b"]")[0].split()
                self.appended[int(v), int(uid)] = (
                    hashlib.sha256(text).digest())
                self.answers["append"] += 1
            for key in old:
                m.uid("STORE", str(key[1]), "+FLAGS", "(\\Deleted)")
                del self.appended[key]	# from here on either is right
                # A flag may be lost with the store, and nothing goes then.
                typ, _ = m.uid("EXPUNGE", str(key[1]))
                if typ == "OK" and m.response("EXPUNGE")[1] != [None]:
                    self.gone.add(key)
                    self.answers["expunge"] += 1
        except Exception:
            self.answers["imap lost"] += 1
        finally:
            with contextlib.suppress(Exception):
                m.shutdown()

    def verify(self):
        inst = self.inst
        inst.wait_ready()
        inst.ctl("queue", "retry", "all")
        rohrpost.wait_for(lambda: inst.json("queue", "list") == [], 60, 0.5,
                          text="an empty queue: %s" % inst.said())
        missing, broken, repeated = load.verify(inst, self.acked)
        assert not missing and not broken, (missing, broken)
        there = {}
        m = inst.imap("bert")
        validity = int(m.status("Sent", "(UIDVALIDITY)")[1][0]
                       .rsplit(b" ", 1)[1].rstrip(b")"))
        m.logout()
        for uid, text in inst.messages("bert", "Sent").items():
            there[validity, uid] = hashlib.sha256(text).digest()
        for key, digest in self.appended.items():
            assert there.get(key) == digest, key
        assert not self.gone & set(there)
        check = inst.command("store", "check")
        assert check.returncode == 0, check.stdout
        return repeated


@pytest.mark.parametrize("program", ROUNDS)
def test_every_call(inst, program):
    ledger = Ledger(inst, program)
    start = time.monotonic()
    rounds, cut = 0, 0
    met = {}
    for call, fault in ROUNDS[program]:
        for when in range(1, N_MAX + 1):
            if time.monotonic() - start > SECONDS:
                cut += 1
                continue
            with faulty(inst, program, call, fault, when) as lines:
                ledger.send()
                if program == "store":
                    ledger.imap()
                ledger.send()
                if program == "deliver":
                    ledger.handed()
            rounds += 1
            met[call, fault] = met.get((call, fault), 0) + bool(lines)
    ledger.send()
    repeated = ledger.verify()
    print("%s: %d rounds, %d left out for time; answers %s; %d repeated" %
          (program, rounds, cut, dict(ledger.answers), len(repeated)))
    assert ledger.answers["250"] > rounds // 2
    never = [k for k in met if not met[k]]
    assert not never, "never met: %s" % never
    if program == "store":
        assert ledger.answers["append"] and ledger.answers["expunge"]
    if program == "smtpd":	# a full disk and a bad one were met
        assert ledger.answers["452"] and ledger.answers["451"]


# A submission with long lines: what is in the file by then is read by a map,
# written anew behind it, and moved to the front.
MENDING = [("munmap", DIE, 1), ("pwritev", "error=ENOSPC", 7),
           ("pread64", "error=EIO", 2)]


def test_mending(inst):
    """smtpd is killed or fails while it writes a submission anew: nothing of
    it comes, and what was acknowledged is there in lines of the right
    length, with the octets that were sent."""
    acked, answers = {}, collections.Counter()
    never = []

    def send():
        name = "mending %d" % sum(answers.values())
        page = b"<p>%s</p>" % name.encode() * 60000
        text = (b"From: anna@example.test\r\nSubject: %s\r\n"
                b"Content-Type: text/html\r\n\r\n%s\r\n" % (
                    name.encode(), page))
        try:
            with inst.submission(timeout=20) as s:
                s.sendmail("anna@example.test", ["anna@example.test"], text)
            acked[name] = page + b"\r\n"
            answers["250"] += 1
        except smtplib.SMTPDataError as e:
            answers[str(e.smtp_code)] += 1
        except (OSError, smtplib.SMTPException):
            answers["lost"] += 1

    for call, fault, when in MENDING:
        with faulty(inst, "smtpd", call, fault, when) as met:
            send()
            # The client may hear of a death before strace does.
            with contextlib.suppress(AssertionError):
                rohrpost.wait_for(lambda: injected(inst), 10)
        never += [] if met else [(call, fault)]
    send()
    inst.wait_empty(60)
    there = []
    for stored in inst.messages().values():
        m = email.message_from_bytes(stored)
        if str(m["Subject"]).startswith("mending"):
            there.append(m["Subject"])
            assert m.get_payload(decode=True) == acked[m["Subject"]]
            assert max(len(x) for x in stored.split(b"\r\n")) <= 998
    assert there == list(acked), answers
    assert not never
    assert answers == {"lost": 1, "452": 1, "451": 1, "250": 1}
    m = inst.imap("anna")  # the next test knows nothing of it
    m.select("INBOX")
    m.store("1:*", "+FLAGS", "(\\Deleted)")
    assert m.expunge()[0] == "OK"
    m.logout()


# What queue's table meets while envelopes come in, at every call.
TABLE = [("fdatasync", "EIO"), ("pwrite64,write", "EIO"),
         ("pwrite64,write", "EDQUOT"), ("pwrite64,write", "ENOMEM"),
         ("openat", "EMFILE"), ("openat", "ENOMEM")]


@pytest.mark.parametrize("call,error", TABLE)
def test_queue_table(inst, call, error):
    """K2: nothing that was acknowledged is lost, queue ends at most once, and
    when the fault has gone it takes mail by itself."""
    ledger = Ledger(inst, "table" + call[0] + error)
    ledger.send()
    log = max((inst.state / "spool/queue/db/log").glob("log.*"))
    deaths = len(re.findall(r"master\S+ \w+ queue\[\d+\] (?:died|ended)",
                            inst.log()))
    with faulty(inst, "queue", call, "error=" + error, "1+",
                None if call == "openat" else log) as met:
        for _ in range(4):
            ledger.send()
    taken = ledger.answers["250"]
    rohrpost.wait_for(lambda: ledger.send() or
                      ledger.answers["250"] > taken, 60, 0.2,
                      text="mail is taken again\n" + inst.said())
    ledger.verify()
    assert met, "never met"
    assert len(re.findall(r"master\S+ \w+ queue\[\d+\] (?:died|ended)",
                          inst.log())) - deaths <= 1
    assert set(ledger.answers) <= {"250", "451", "452", "421", "lost"}


def test_new_tables_not_opened(inst):
    """While a new account appears store has no descriptor for the tables that
    name it: its mail is late, not refused."""
    to, words = inst.address("carl"), "Too many open files; the one before"
    text = message("carl", to=to)
    with inst.smtp() as s:	# store has an account in memory
        s.sendmail("eve@remote.test", [inst.address("anna")], message("here"))
    inst.wait_empty(60)
    with faulty(inst, "store", "openat", "error=EMFILE", "1+",
                inst.state / "jail" / "tables.cdb"):
        inst.ctl("user", "add", to, "--stdin", stdin=None,
                 input=rohrpost.PASSWORD + "\n")
        rohrpost.wait_for(lambda: words in inst.log(), 60, 0.2,
                          text="store meets the new tables\n" + inst.said())
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", [to], text)
    rohrpost.wait_for(lambda: has(inst, "carl", text) or
                      "5.1.1" in inst.log(), 60, 0.5, text="carl's mail")
    assert has(inst, "carl", text), inst.said()


def has(inst, user, text):
    try:
        return any(t.endswith(text) for t in inst.messages(user).values())
    except Exception:
        return False


def spoil(path, rnd, first):
    """Random octets over pages of a file, from page first on."""
    with open(path, "r+b") as f:
        pages = max(first + 1, os.fstat(f.fileno()).st_size // 4096)
        for page in range(first, pages, 2):
            f.seek(page * 4096)
            f.write(rnd.randbytes(4096))


@pytest.mark.parametrize("first", (0, 1))
def test_spoilt_index(first):
    """Whatever the index holds, the mail is served from the files."""
    d = rohrpost.scratch("spoilt-index")
    inst = rohrpost.Instance(d, users=USERS)
    try:
        with inst:
            with inst.smtp() as s:
                for i in range(20):
                    s.sendmail("eve@remote.test",
                               [inst.address(u) for u in USERS],
                               message(i))
            for u in USERS:
                inst.wait_count(20, u)
            before = {u: sorted(inst.messages(u).values()) for u in USERS}
        rnd = random.Random(first)
        for f in (inst.state / "spool" / "index").glob("core.*"):
            spoil(f, rnd, first)
        inst.start()
        for u in USERS:
            try:
                rohrpost.wait_for(lambda: readable(inst, u, before[u]), 30,
                                  0.5, text="mail of " + u)
            except AssertionError as e:
                raise AssertionError("%s\n%s" % (e, inst.said()))
        assert inst.command("store", "check").returncode == 0
        inst.stop()
    finally:
        inst.stop()
        rohrpost.remove(d)


def readable(inst, user, wanted):
    try:
        return sorted(inst.messages(user).values()) == wanted
    except Exception:
        return False


@pytest.mark.parametrize("first", (0, 1))
def test_spoilt_queue(first):
    """The queue's table is made again from its logs."""
    d = rohrpost.scratch("spoilt-queue")
    inst = rohrpost.Instance(d, users=USERS)
    acked = {}
    try:
        with inst:
            for pid in inst.processes()["deliver"]:
                os.kill(pid, signal.SIGSTOP)
            with inst.smtp() as s:
                for i in range(200):
                    text = message("q%d" % i, mark="k")
                    s.sendmail("eve@remote.test", [inst.address("anna")],
                               text)
                    acked["q%d" % i] = ([inst.address("anna")],
                                        hashlib.sha256(text).digest())
            time.sleep(6)		# a checkpoint writes the pages
            inst.master.kill()
            inst.master.wait()
            rohrpost.wait_for(lambda: not inst.processes(), 20)
            spoil(inst.state / "spool" / "queue" / "db" / "queue",
                  random.Random(first), first)
            inst.start()
            inst.wait_count(200, seconds=40)
            missing, broken, repeated = load.verify(inst, acked)
            assert not missing and not broken and not repeated
    finally:
        inst.stop()
        rohrpost.remove(d)
