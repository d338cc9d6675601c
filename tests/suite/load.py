"""A load of real transactions whose every acknowledgement is remembered."""
import contextlib
import hashlib
import imaplib
import os
import poplib
import random
import re
import smtplib
import threading
import time

import rohrpost


class Load:
    """Threads that send; acked holds name -> (recipients, sha256 of the text)
    of each message that got its 250. A thread that loses its connection makes
    a new one and goes on with a new message: what was not acknowledged may or
    may not be there."""
    prefix = ""  # of its names

    def __init__(self, inst, threads=6, sizes=(500, 60000), mark="k",
                 remote=None, seed=1, pause=0.0):
        self.inst = inst
        self.mark = mark
        self.sizes = sizes
        self.remote = remote
        self.pause = pause
        self.acked = {}
        self.lock = threading.Lock()
        self.in_flight = 0
        self.in_data = 0  # from the first octet of data to the reply
        self.stopping = threading.Event()
        self.idle = threading.Event()
        self.errors = 0
        self.threads = [threading.Thread(target=self.run, args=(i, seed),
                                         daemon=True)
                        for i in range(threads)]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join(90)
            assert not t.is_alive(), "a sender hangs"

    def run(self, number, seed):
        rnd = random.Random(seed * 1000 + number)
        conn, n = None, 0
        while not self.stopping.is_set():
            if self.idle.is_set():
                time.sleep(0.05)
                continue
            n += 1
            name = "%s%d.%d" % (self.prefix, number, n)
            try:
                if conn is None:
                    conn = self.connect()
                self.one(conn, name, rnd)
                if rnd.random() < 0.05:
                    self.end(conn)
                    conn = None
            except (OSError, smtplib.SMTPException, imaplib.IMAP4.error):
                self.errors += 1
                if conn is not None:
                    with contextlib.suppress(Exception):
                        conn.sock.close()
                conn = None
                time.sleep(0.02)
            if self.pause:
                time.sleep(self.pause)

    def connect(self):
        if self.remote:
            return self.inst.submission(self.inst.users[0], timeout=60)
        s = self.inst.smtp(timeout=60)
        s.ehlo("client.test")
        return s

    def end(self, conn):
        conn.quit()

    def one(self, conn, name, rnd):
        users = self.inst.users
        if self.remote:
            to = ["%s@%s" % (name.replace(".", "-"), self.remote)]
            sender = self.inst.address(users[0])
        else:
            to = [self.inst.address(u) for u in
                  rnd.sample(users, rnd.choice((1, 1, 2)))]
            sender = "eve@remote.test"
        text = rohrpost.message(name, rnd.randint(*self.sizes), sender,
                                to[0], self.mark)
        with self.lock:
            self.in_flight += 1
        try:
            self.send(conn, sender, to, text)
        finally:
            with self.lock:
                self.in_flight -= 1
        self.note(name, to, text)

    def note(self, name, to, text):
        with self.lock:
            self.acked[name] = (to, hashlib.sha256(text).digest())

    @contextlib.contextmanager
    def data(self):
        with self.lock:
            self.in_data += 1
        try:
            yield
        finally:
            with self.lock:
                self.in_data -= 1

    def send(self, conn, sender, to, text):
        def want(code, reply):
            if reply[0] != code:
                raise smtplib.SMTPException(reply)
        want(250, conn.mail(sender, ["size=%d" % len(text)]))
        for address in to:
            want(250, conn.rcpt(address))
        want(354, conn.docmd("DATA"))
        with self.data():
            conn.send(re.sub(rb"(?m)^\.", b"..", text) + b".\r\n")
            want(250, conn.getreply())


class Appends(Load):
    """IMAP sessions of one user that APPEND to INBOX."""
    prefix = "a"

    def __init__(self, inst, user, **kw):
        super().__init__(inst, **kw)
        self.user = user

    def connect(self):
        return self.inst.imap(self.user)

    def end(self, conn):
        conn.logout()

    def one(self, conn, name, rnd):
        to = self.inst.address(self.user)
        text = rohrpost.message(name, rnd.randint(*self.sizes), to=to,
                                mark=self.mark)
        with self.data():
            typ, words = conn.append("INBOX", None, None, text)
        if typ != "OK":
            raise smtplib.SMTPException(words)
        self.note(name, [to], text)


class Fetches:
    """POP3 sessions of one user, that read messages and delete them. texts
    holds unique id -> text of what was read; gone those whose QUIT was
    answered +OK."""

    def __init__(self, inst, user, most=20):
        self.inst = inst
        self.user = user
        self.most = most
        self.texts = {}
        self.gone = set()
        self.sessions = 0
        self.in_data = 0  # there are marks, or a QUIT without its answer
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self.thread.join(90)
        assert not self.thread.is_alive(), "a POP3 client hangs"

    def run(self):
        while not self.stopping.is_set():
            try:
                self.session()
            except (OSError, EOFError, poplib.error_proto):
                time.sleep(0.05)
            self.in_data = 0

    def session(self):
        p = self.inst.pop3(self.user)
        try:
            marked = []
            for line in p.uidl()[1][:self.most]:
                n, uid = line.decode().split()
                lines = p.retr(int(n))[1]
                self.texts[uid] = b"".join(x + b"\r\n" for x in lines)
                p.dele(int(n))
                self.in_data = 1
                marked.append(uid)
            p.quit()
            self.gone.update(marked)
            self.sessions += 1
        finally:
            p.close()

    def verify(self):
        """(texts that lie in the mailbox no more, unique ids of messages
        that came back behind an answered QUIT)"""
        p = self.inst.pop3(self.user)
        now = {x.decode().split()[1] for x in p.uidl()[1]}
        p.quit()
        return ([t for uid, t in self.texts.items() if uid not in now],
                sorted(self.gone & now))


class Arrivals:
    """Which messages lie as files in the mailboxes of an instance: what no
    answer of its programs can say while one of them is dead."""

    def __init__(self, inst, mark):
        self.box = {inst.address(u): inst.state / "spool" / "mail" /
                    inst.domain / u for u in inst.users}
        self.mark = mark
        self.known = set()
        self.names = {a: set() for a in self.box}

    def files(self):
        for address, box in self.box.items():
            for d in [*box.glob("*"), *box.glob("*/expunged")]:
                with contextlib.suppress(OSError), os.scandir(d) as entries:
                    for e in entries:
                        if e.name[0].isdigit() and e.is_file() and \
                                (address, e.inode()) not in self.known:
                            yield address, e

    def look(self):
        """Takes in what is new; first the names of all files, for what comes
        while one is read has come after the call."""
        for address, e in list(self.files()):
            try:
                with open(e.path, "rb") as f:
                    name = name_of(f.read(4000), self.mark)
            except FileNotFoundError:
                continue  # POP3 has just moved it to expunged
            self.names[address].add(name)
            self.known.add((address, e.inode()))

    def lack(self, acked):
        """The names that are not yet in the mailbox of each recipient."""
        return [name for name, (to, _) in acked.items()
                if any(name not in self.names[a] for a in to)]


def name_of(text, mark):
    head = text.split(b"\r\n\r\n", 1)[0]
    key = b"\r\nSubject: %s-" % mark.encode()
    if key not in head:
        return None
    return head.split(key, 1)[1].split(b"\r\n", 1)[0].decode()


def verify(inst, acked, mark="k", fetched={}):
    """Compares mailboxes, and of a user in fetched the texts that were taken
    away from there, with what was acknowledged. Returns (missing, broken,
    repeated): lists of words."""
    missing, broken, repeated = [], [], []
    for user in inst.users:
        have = {}
        here = [*inst.messages(user).items(),
                *((0, text) for text in fetched.get(user, ()))]
        for uid, stored in here:
            text = rohrpost.body_of(stored)
            name = name_of(text, mark)
            if name is None:
                if not stored.startswith(b"Return-Path: <>"):
                    broken.append("%s uid %d: no subject" % (user, uid))
                continue
            if not rohrpost.message_whole(text):
                broken.append("%s uid %d: %s is not whole" %
                              (user, uid, name))
            have.setdefault(name, []).append(hashlib.sha256(text).digest())
        for name, (to, digest) in acked.items():
            if inst.address(user) not in to:
                continue
            if name not in have:
                missing.append("%s: %s" % (user, name))
            elif digest not in have[name]:
                broken.append("%s: %s differs" % (user, name))
            elif len(have[name]) > 1:
                repeated.append("%s: %s %d times" %
                                (user, name, len(have[name])))
    return missing, broken, repeated
