"""What goes on when the power fails: mail from outside and from local programs
(load.Load), APPEND, COPY and EXPUNGE, mail that waits for a next hop or comes
back, edits of a table. Each remembers what it was told."""
import contextlib
import hashlib
import imaplib
import signal
import smtplib
import subprocess
import threading

import hops
import load
import rohrpost
import walk_ops


class Boxes(load.Load):
    """Sessions that APPEND, COPY what they appended, and EXPUNGE older mail.
    kept: mailbox -> digests that must be there; gone: those that must not."""

    def __init__(self, inst, **kw):
        super().__init__(inst, threads=2, **kw)
        self.kept = {"drafts": set(), "copies": set()}
        self.gone = set()

    def connect(self):
        m = self.inst.imap("anna")
        for box in self.kept:
            m.create(box)
        m.select("drafts")
        m.mine = []
        return m

    def end(self, conn):
        conn.logout()

    def one(self, conn, name, rnd):
        text = rohrpost.message("b" + name, rnd.randint(*self.sizes))
        digest = hashlib.sha256(text).digest()
        uid = uid_of(conn.append("drafts", None, None, text))
        with self.lock:
            self.kept["drafts"].add(digest)
        conn.mine.append((uid, digest))
        conn.noop()
        if ok(conn.uid("COPY", uid, "copies")):
            with self.lock:
                self.kept["copies"].add(digest)
        if len(conn.mine) > 3:
            self.expunge(conn, *conn.mine.pop(0))

        self.several(conn, name, rnd)

    def several(self, conn, name, rnd):
        texts = [rohrpost.message("c%d%s" % (i, name),
                                  rnd.randint(*self.sizes)) for i in range(2)]
        if ok(walk_ops.several(conn, "drafts", texts)):
            with self.lock:
                self.kept["drafts"] |= {hashlib.sha256(t).digest()
                                        for t in texts}

    def expunge(self, conn, uid, digest):
        with self.lock:  # from here on either is right
            self.kept["drafts"].discard(digest)
        if ok(conn.uid("STORE", uid, "+FLAGS", "(\\Deleted)")) and \
                ok(conn.uid("EXPUNGE", uid)) and \
                conn.response("EXPUNGE")[1] != [None]:
            with self.lock:
                self.gone.add(digest)

    def snapshot(self):
        with self.lock:
            return ({box: set(d) for box, d in self.kept.items()},
                    set(self.gone))


def ok(answer):
    return answer[0] == "OK"


def uid_of(answer):
    if not ok(answer):
        raise imaplib.IMAP4.error(answer)
    return answer[1][0].split(b"APPENDUID ")[1].split(b"]")[0].split()[
        1].decode()


def boxes_lost(inst, kept, gone):
    words = []
    for box, digests in kept.items():
        if not digests:
            continue
        there = {hashlib.sha256(t).digest()
                 for t in inst.messages("anna", box).values()}
        words += ["%s: %d of %d are missing" % (box, len(digests - there),
                  len(digests))] if digests - there else []
        if box == "drafts" and gone & there:
            words.append("%d expunged messages are back" % len(gone & there))
    return words


class Local(load.Load):
    """Messages of local programs to users."""
    prefix = "p"

    def connect(self):
        return None

    def end(self, conn):
        pass

    def send(self, conn, sender, to, text):
        if self.inst.sendmail(text, *to) != 0:
            raise smtplib.SMTPException("sendmail")


class Outgoing(load.Load):
    """Mail that no hop takes as long as the power is there: some is to wait,
    some comes back, to a user of the name or to elsewhere, where that waits
    too. waits: (address, name) -> digest; told: name -> address."""
    WAITS = {"later": "451 4.7.1 not now", "eve": "451 4.7.1 not now",
             "never": "550 5.1.1 nobody"}

    def __init__(self, inst, user, **kw):
        super().__init__(inst, threads=1, mark=hops.MARK, **kw)
        self.user = user
        self.waits, self.told = {}, {}

    def connect(self):
        return self.inst.submission(self.user), self.inst.smtp()

    def end(self, conn):
        for c in conn:
            c.quit()

    def one(self, conn, name, rnd):
        kind = rnd.choice(("later", "never", "eve"))
        to, sender = "%s-%s@%s" % (kind, name, hops.FAR), self.inst.address(
            self.user)
        if kind == "eve":
            to, sender = "lost@" + self.inst.domain, to
        text = rohrpost.message(name, rnd.randint(*self.sizes), sender, to,
                                hops.MARK)
        self.send(conn[kind == "eve"], sender, [to], text)
        with self.lock:
            if kind == "later":
                self.waits[to, name] = hashlib.sha256(text).digest()
            else:
                self.told[name] = sender

    def snapshot(self):
        with self.lock:
            return dict(self.waits), dict(self.told)


class Edits:
    """Aliases that were added."""

    def __init__(self, inst):
        self.inst = inst
        self.done = []
        self.child = None
        self.lock = threading.Lock()  # nobody begins one
        self.idle = threading.Event()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self.thread.join(90)

    def run(self):
        n = 0
        while not self.stopping.wait(0.3):
            if self.idle.is_set():
                continue
            n += 1
            name = "alias%d@%s" % (n, self.inst.domain)
            with self.lock:
                self.child = subprocess.Popen(
                    [str(rohrpost.ROHRPOST), "-c", str(self.inst.conf),
                     "alias", "add", name, self.inst.address("anna")])
            if self.child.wait() == 0:
                self.done.append(name)

    @contextlib.contextmanager
    def held(self):
        """The edit that is under way stands still."""
        with self.lock:
            if self.child is not None and self.child.poll() is None:
                self.child.send_signal(signal.SIGSTOP)
            try:
                yield
            finally:
                if self.child is not None:
                    self.child.send_signal(signal.SIGCONT)


def edits_lost(inst, done):
    """In the operator's text, and in what the programs read."""
    there = {row["alias"] for row in inst.json("alias", "list")}
    words = ["alias %s is gone" % a for a in done if a not in there]
    with inst.smtp() as s:
        s.ehlo("client.test")
        s.mail("eve@remote.test")
        return words + ["alias %s is not known" % a for a in done[-20:]
                        if s.rcpt(a)[0] != 250]
