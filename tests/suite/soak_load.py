"""The clients of a soak: who sends, reads, looks and disturbs."""
import contextlib
import imaplib
import poplib
import random
import re
import smtplib
import socket
import struct
import threading
import time

import load
import rohrpost
from hops import FAR, MARK

ERRORS = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error,
          poplib.error_proto)
TROUBLE = ("ok",) * 30 + ("later", "dot", "never") * 3 + ("hang", "drop")
MOST = 40	# messages that a reader takes at a time


class Sender(load.Load):
    """Load whose names carry the phase, and who now and then is rude."""
    letter = "s"

    def __init__(self, soak, **kw):
        kw = {"threads": 2, "pause": 0.05, "sizes": (500, 30000),
              "mark": MARK, **kw}
        self.prefix = "%s%d." % (self.letter, soak.phase)
        self.ledger, self.rudes = soak.ledger, 0
        super().__init__(soak.inst, seed=soak.seed + soak.phase, **kw)

    def one(self, conn, name, rnd):
        if rnd.random() < 0.03:
            self.rudes += 1
            return self.rude(conn, rnd)
        try:
            self.polite(conn, name, rnd)
        except ERRORS as e:
            self.last = e
            raise

    def polite(self, conn, name, rnd):
        sender, to = self.envelope(name, rnd)
        text = rohrpost.message(name, rnd.randint(*self.sizes), sender,
                                to[0], MARK)
        self.send(conn, sender, to, text)
        self.ledger.accepted(name, to, text)
        self.acked[name] = None
        self.done(name, sender, to)

    def done(self, name, sender, to):
        pass

    def rude(self, conn, rnd):
        """Within a message, half a command, or with a reset: gone."""
        how = rnd.randrange(3)
        if how == 0:
            conn.mail(self.inst.address("anna"))
            conn.rcpt(self.inst.address("bert"))
            conn.docmd("DATA")
            conn.send(b"Subject: half\r\n\r\nof a mess")
        elif how == 1:
            conn.send(b"MAIL FR")
        else:
            conn.docmd("FROBNICATE")
            conn.docmd("RCPT TO:<erna@example.test>")
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
        raise smtplib.SMTPServerDisconnected("rude")


class Strangers(Sender):
    """From outside, with TLS or without."""

    def connect(self):
        s = self.inst.smtp(timeout=60)
        s.ehlo("client.test")
        if random.random() < 0.4:
            s.starttls(context=rohrpost.tls_context())
            s.ehlo("client.test")
        return s

    def envelope(self, name, rnd):
        users = rnd.sample(self.inst.users, rnd.choice((1, 1, 2, 3)))
        return "eve@remote.test", [self.inst.address(u) for u in users]


class Bounced(Sender):
    """From outside to an alias whose target elsewhere refuses: the sender,
    elsewhere too, hears of it."""
    letter = "b"

    def envelope(self, name, rnd):
        return "eve-%s@%s" % (name, FAR), ["lost@" + self.inst.domain]

    def connect(self):
        s = self.inst.smtp(timeout=60)
        s.ehlo("client.test")
        return s

    def done(self, name, sender, to):
        with self.ledger.lock:
            del self.ledger.due[to[0], name]
            self.ledger.bounces[name] = sender


class Logins(Sender):
    """With a login, to users and to elsewhere, where not all is well."""
    letter = "l"
    mine = threading.local()

    def connect(self):
        return self.inst.submission(random.choice(self.inst.users))

    def envelope(self, name, rnd):
        kind = rnd.choice(TROUBLE)
        to = ["%s-%s@%s" % (kind, name, FAR)]
        if rnd.random() < 0.5:
            to.append(self.inst.address(rnd.choice(self.inst.users)))
        return self.mine.user, to

    def polite(self, conn, name, rnd):
        self.mine.user = conn.user
        super().polite(conn, name, rnd)

    def done(self, name, sender, to):
        if to[0].startswith("never-"):
            with self.ledger.lock:
                del self.ledger.due[to[0], name]
                self.ledger.bounces[name] = sender


class Local(Sender):
    """Programs of this host, by sendmail."""
    letter = "p"

    def __init__(self, soak):
        super().__init__(soak, threads=1, pause=0.3)

    def connect(self):
        return self

    def quit(self):
        pass

    def rude(self, conn, rnd):
        self.inst.sendmail(b"x\n", "erna@" + self.inst.domain)
        raise smtplib.SMTPException("rude")

    def envelope(self, name, rnd):
        return "root@mail." + self.inst.domain, [
            self.inst.address(rnd.choice(self.inst.users))]

    def send(self, conn, sender, to, text):
        if self.inst.sendmail(text, *to) != 0:
            raise smtplib.SMTPException("sendmail")


class Appender(Sender):
    """APPEND to INBOX."""
    letter = "a"

    def __init__(self, soak, user):
        self.user = user
        super().__init__(soak, threads=1, pause=0.1)

    def connect(self):
        return self.inst.imap(self.user)

    def end(self, conn):
        conn.logout()

    def rude(self, conn, rnd):
        conn.send(b"r APPEND INBOX {1000}\r\n")
        conn.readline()
        conn.send(b"Subject: half")
        raise imaplib.IMAP4.error("rude")

    def envelope(self, name, rnd):
        return "me@remote.test", [self.inst.address(self.user)]

    def send(self, conn, sender, to, text):
        typ, words = conn.append("INBOX", None, None, text)
        if typ != "OK":
            raise imaplib.IMAP4.error(words)


class Client:
    """A thread that does its step again and again."""

    def __init__(self, soak, pause=0.2):
        self.soak, self.inst, self.ledger = soak, soak.inst, soak.ledger
        self.rnd = random.Random("%s %d %d" % (type(self).__name__, soak.seed,
                                               soak.phase))
        self.pause = pause
        self.errors = self.steps = self.rudes = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self.thread.join(90)
        assert not self.thread.is_alive(), "%s hangs" % type(self).__name__

    def run(self):
        while not self.stopping.wait(self.pause):
            try:
                self.step()
                self.steps += 1
            except ERRORS as e:
                if "EXPUNGEISSUED" in str(e):
                    continue	# a reader was quicker
                self.errors += 1
                self.last = e

    @contextlib.contextmanager
    def imap(self, user):
        """A session that ends by LOGOUT, and now and then without."""
        m = self.inst.imap(user, timeout=60)
        try:
            yield m
            if self.rnd.random() < 0.2:
                m.send(b"z UID FETCH 1:* (BODY.PEEK[])\r\n")
            else:
                m.logout()
        finally:
            with contextlib.suppress(OSError):
                m.shutdown()


def ok(answer):
    if answer[0] != "OK":
        raise imaplib.IMAP4.error(answer)
    return answer[1]


def texts(m, uids):
    """uid -> text."""
    out = {}
    data = ok(m.uid("FETCH", b",".join(uids), "(UID BODY.PEEK[])"))
    for item, rest in zip(data, data[1:] + [b""]):
        if isinstance(item, tuple):
            words = item[0] + b" " + (rest if isinstance(rest, bytes) else b"")
            out[re.search(rb"UID (\d+)", words).group(1)] = item[1]
    return out


class Reader(Client):
    """Empties a user's mailboxes by IMAP: some are copied, some moved to
    another mailbox, what was read is expunged."""

    def __init__(self, soak, user):
        super().__init__(soak)
        self.user = user

    def step(self):
        with self.imap(self.user) as m:
            for box in ("Moved", "Copies"):
                m.create(box)
            n = int(ok(m.select("INBOX"))[0])
            uids = ok(m.uid("SEARCH", None, "UNDELETED"))[0].split()[:MOST]
            if uids:
                move, copy = uids[::4], uids[1::4]
                ok(m.uid("STORE", b",".join(uids), "+FLAGS.SILENT",
                         "(\\Seen $Here)"))
                ok(m.uid("MOVE", b",".join(move), "Moved"))
                if copy:
                    ok(m.uid("COPY", b",".join(copy), "Copies"))
                self.remove(m, sorted(set(uids) - set(move)), True)
            for box, due in (("Moved", True), ("Copies", False)):
                ok(m.select(box))
                uids = ok(m.uid("SEARCH", None, "ALL"))[0].split()
                if len(uids) > MOST:
                    self.remove(m, uids[:MOST], due)
        self.pause = 0.02 if n > 2 * MOST else 0.5

    def remove(self, m, uids, due):
        if not uids:
            return
        found = texts(m, uids).values()
        taken = self.ledger.take(self.inst.address(self.user), *found) if \
            due else []
        ok(m.uid("STORE", b",".join(uids), "+FLAGS.SILENT", "(\\Deleted)"))
        if self.rnd.random() < 0.5:
            ok(m.uid("EXPUNGE", b",".join(uids)))
        else:
            ok(m.expunge())
        self.ledger.gone(taken)


class Popper(Client):
    """Empties a user's INBOX by POP3; some sessions end without QUIT, and
    what they marked stays."""

    def __init__(self, soak, user):
        super().__init__(soak)
        self.user = user

    def step(self):
        p = self.inst.pop3(self.user)
        try:
            rows, found = p.list()[1], []
            for row in rows[:MOST]:
                n = int(row.split()[0])
                found.append(b"".join(x + b"\r\n" for x in p.retr(n)[1]))
                p.dele(n)
            if self.rnd.random() < 0.8:
                taken = self.ledger.take(self.inst.address(self.user), *found)
                p.quit()
                self.ledger.gone(taken)
            self.pause = 0.02 if len(rows) > 2 * MOST else 0.5
        finally:
            p.close()


class Looker(Client):
    """Beside a reader: flags, SEARCH, STATUS, FETCH, IDLE."""

    def step(self):
        user = self.rnd.choice(self.inst.users)
        with self.imap(user) as m:
            ok(m.select("INBOX"))
            ok(m.fetch("1:*", "(FLAGS INTERNALDATE RFC822.SIZE)") if int(
                ok(m.status("INBOX", "(MESSAGES UNSEEN)"))[0].split()[2])
                else m.noop())
            ok(m.search(None, self.rnd.choice((
                "TEXT", "BODY", "SUBJECT")), '"play of"'))
            ok(m.uid("STORE", "1:5", "+FLAGS", "($Looked%d)" %
                     self.rnd.randrange(3)))
            ok(m.uid("FETCH", "1:5", "(ENVELOPE BODYSTRUCTURE "
                     "BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
            ok(m.list())
            m.send(b"i IDLE\r\n")
            self.skip(m, b"+")
            self.stopping.wait(self.rnd.uniform(0, 3))
            m.send(b"DONE\r\n")
            self.skip(m, b"i OK")

    def skip(self, m, to):
        """The lines up to one that begins so."""
        while not (line := m.readline()).startswith(to):
            if not line.startswith(b"*"):
                raise imaplib.IMAP4.error(line)


class Guesser(Client):
    """Passwords that are wrong, and connections that end anywhere, from
    another address."""

    def step(self):
        name = self.rnd.choice(("anna", "nobody%d" % self.rnd.randrange(100)))
        tls = rohrpost.tls_context()
        where = ("127.0.0.1", self.inst.ports["imaps"])
        with socket.create_connection(where, 60, ("127.0.0.9", 0)) as s:
            if self.rnd.random() < 0.3:
                return s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03")
            with tls.wrap_socket(s) as t:
                t.sendall(b"a LOGIN %s@example.test wrong\r\n" %
                          name.encode())
                if self.rnd.random() < 0.5:
                    while b"a NO" not in (got := t.recv(4000)):
                        if not got:
                            raise EOFError


class Operator(Client):
    """Edits of users and aliases; a reload now and then."""

    def __init__(self, soak, reload_every):
        super().__init__(soak, pause=1.0)
        self.every, self.last_reload = reload_every, time.monotonic()
        self.reloads = 0

    def step(self):
        user = "guest@" + self.inst.domain
        alias = "alias@" + self.inst.domain
        self.inst.ctl("user", "add", user, "--hash", "$6$abcdefgh$" + "x" * 86)
        self.inst.ctl("alias", "add", alias, user)
        self.inst.ctl("user", "set", user, "--quota", "1M")
        self.inst.ctl("alias", "del", alias)
        self.inst.ctl("user", "del", user)
        self.inst.ctl("session", "list")
        self.inst.ctl("queue", "list")
        if time.monotonic() - self.last_reload > self.every:
            self.inst.ctl("reload")
            self.reloads += 1
            self.last_reload = time.monotonic()
