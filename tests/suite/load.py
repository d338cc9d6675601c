"""A load of real transactions whose every acknowledgement is remembered."""
import contextlib
import hashlib
import random
import smtplib
import threading
import time

import rohrpost


class Load:
    """Threads that send; acked holds name -> (recipients, sha256 of the text)
    of each message that got its 250. A thread that loses its connection makes
    a new one and goes on with a new message: what was not acknowledged may or
    may not be there."""

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
            name = "%d.%d" % (number, n)
            try:
                if conn is None:
                    conn = self.connect()
                self.one(conn, name, rnd)
                if rnd.random() < 0.05:
                    conn.quit()
                    conn = None
            except (OSError, smtplib.SMTPException):
                self.errors += 1
                if conn is not None:
                    with contextlib.suppress(Exception):
                        conn.close()
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
            refused = conn.sendmail(sender, to, text)
        finally:
            with self.lock:
                self.in_flight -= 1
        if refused:
            raise smtplib.SMTPException(refused)
        with self.lock:
            self.acked[name] = (to, hashlib.sha256(text).digest())


def name_of(text, mark):
    head = text.split(b"\r\n\r\n", 1)[0]
    key = b"\r\nSubject: %s-" % mark.encode()
    if key not in head:
        return None
    return head.split(key, 1)[1].split(b"\r\n", 1)[0].decode()


def verify(inst, acked, mark="k"):
    """Compares mailboxes with what was acknowledged. Returns (missing,
    broken, repeated): lists of words."""
    missing, broken, repeated = [], [], []
    for user in inst.users:
        have = {}
        for uid, stored in inst.messages(user).items():
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
