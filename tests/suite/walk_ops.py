"""The operations of a walk. Each prepares what it needs, then acts while a
system call fails or kills; it answers True where the server said OK, False
where it refused, None where it was not heard. What was said is held against
what is there afterwards."""
import contextlib
import hashlib
import re
import smtplib

from rohrpost import message


def digest(text):
    return hashlib.sha256(text).digest()


def quit_all(conn):
    with contextlib.suppress(Exception):
        (conn.shutdown if hasattr(conn, "shutdown") else conn.close)()


def appended(data):
    """The uid of an APPEND or COPY in its response code, as text."""
    m = re.search(rb"(?:APPENDUID|COPYUID) \d+ (?:\d+ )?(\d+)", data or b"")
    return m.group(1).decode() if m else None


def several(conn, mailbox, texts):
    """imaplib's APPEND, of several messages (RFC 3502)."""
    tag = conn._new_tag()
    conn.send(tag + b" APPEND " + mailbox.encode() + b"".join(
        b" {%d+}\r\n%s" % (len(t), t) for t in texts) + b"\r\n")
    conn.tagged_commands[tag] = None
    return conn._command_complete("APPEND", tag)


class Op:
    conn = None
    sender = "eve@remote.test"

    def __init__(self, server, n):
        self.server, self.n, self.name = server, n, "w%d" % n
        self.text = message(self.name, 5000, self.sender, mark="k")

    def prepare(self):
        pass

    def act(self):
        raise NotImplementedError

    def close(self):
        pass


class Deliver(Op):
    """One message of two recipients from outside."""

    def prepare(self):
        self.conn = self.connect()

    def connect(self):
        return self.server.smtp()

    def act(self):
        to = [self.server.address(u) for u in ("anna", "bert")]
        try:
            return not self.conn.sendmail(self.sender, to, self.text)
        except (smtplib.SMTPServerDisconnected, OSError):
            return None
        except smtplib.SMTPException:
            return False

    def arrived(self, found):
        return all(self.name in found[u] for u in ("anna", "bert"))

    def holds(self, said, found):
        if said and not self.arrived(found):
            return "accepted and lost"
        return ""

    def close(self):
        quit_all(self.conn)


class Submit(Deliver):
    sender = "anna@example.test"

    def connect(self):
        return self.server.submission()

    def act(self):
        try:
            to = [self.server.address("bert")]
            return not self.conn.sendmail(self.sender, to, self.text)
        except (smtplib.SMTPServerDisconnected, OSError):
            return None
        except smtplib.SMTPException:
            return False

    def arrived(self, found):
        return self.name in found["bert"]


class Imap(Op):
    """Works on a message of its own in Sent."""

    def prepare(self):
        self.conn = self.server.imap("anna")
        self.must(self.conn.create("Box"), "OK", "NO")
        self.must(self.conn.create("Other"), "OK", "NO")
        typ, data = self.conn.append("Box", "", None, self.text)
        self.must((typ, data), "OK")
        self.uid = appended(data[0])
        self.must(self.conn.select("Box"), "OK")

    @staticmethod
    def must(answer, *words):
        if answer[0] not in words:
            raise AssertionError("a preparation: %r" % (answer,))

    def say(self, fn, *args):
        try:
            return fn(*args)[0] == "OK"
        except (self.conn.abort, OSError):
            return None
        except self.conn.error:
            return False

    def close(self):
        quit_all(self.conn)


class Append(Imap):
    def prepare(self):
        super().prepare()
        self.second = message(self.name + "b", 5000, mark="k")

    def act(self):
        return self.say(self.conn.append, "Box", r"(\Flagged)", None,
                        self.second)

    def holds(self, said, found):
        there = found["Box"].count(self.name + "b")
        if said and there == 0:
            return "APPEND answered OK, and no message"
        return "" if there <= 1 else "appended %d times" % there


class Several(Append):
    """Three messages in one APPEND, all or none."""

    def act(self):
        return self.say(several, self.conn, "Box", [self.second] * 3)

    def holds(self, said, found):
        there = found["Box"].count(self.name + "b")
        if said and there == 0:
            return "APPEND answered OK, and no message"
        return "" if there in (0, 3) else "%d of three" % there


class Expunge(Imap):
    def act(self):
        if not self.say(self.conn.uid, "STORE", self.uid, "+FLAGS.SILENT",
                        r"(\Deleted)"):
            return None
        return self.say(self.conn.uid, "EXPUNGE", self.uid)

    def holds(self, said, found):
        there = self.name in found["Box"]
        return "expunged and there" if said and there else ""


class Copy(Imap):
    def act(self):
        return self.say(self.conn.uid, "COPY", self.uid, "Other")

    def holds(self, said, found):
        if self.name not in found["Box"]:
            return "the source of a COPY has gone"
        there = found["Other"].count(self.name)
        if said and there == 0:
            return "COPY answered OK, and no copy"
        return "" if there <= 1 else "copied %d times" % there


class Move(Imap):
    def act(self):
        return self.say(self.conn.uid, "MOVE", self.uid, "Other")

    def holds(self, said, found):
        a = found["Box"].count(self.name)
        b = found["Other"].count(self.name)
        if a + b != 1 or said and a:
            return "MOVE (%s) left %d and %d" % (said, a, b)
        return ""


class Flag(Imap):
    """A killed server may forget what it said less than a second before."""

    def act(self):
        return self.say(self.conn.uid, "STORE", self.uid, "+FLAGS",
                        r"(\Flagged walked)")

    def holds(self, said, found):
        if self.name not in found["Box"]:
            return "a message with a new flag has gone"
        if said and not self.killed and self.name not in found["flagged"]:
            return "a flag was answered OK and is not there"
        return ""


class Table(Op):
    """An edit of the operator: all of it, or nothing."""

    def run(self, wrap):
        before = self.server.aliases()
        r = self.server.edit(wrap, self.n)
        after = self.server.aliases()
        name = self.server.alias(self.n)
        self.wrong = ""
        if after - before - {name} or before - after:
            self.wrong = "another alias came or went"
        elif r == 0 and name not in after:
            self.wrong = "the edit ended with 0 and is not there"
        elif r is not None and r > 0 and name in after:
            self.wrong = "the edit ended with %d and is there" % r
        return r == 0

    def holds(self, said, found):
        return self.wrong


OPS = {"delivery": Deliver, "submission": Submit, "append": Append,
       "several": Several, "expunge": Expunge, "copy": Copy, "move": Move, "flag": Flag,
       "table": Table}


def look(server, conn):
    """What lies where, by name; a broken message stands as its own."""
    found = {"flagged": set()}
    for box in ("INBOX", "Box", "Other"):
        found[box] = read(conn, box, found["flagged"])
    found["anna"] = found.pop("INBOX")
    other = server.imap("bert")
    found["bert"] = read(other, "INBOX", set())
    quit_all(other)
    return found


def read(conn, box, flagged):
    names = []
    if conn.select(box, readonly=True)[0] != "OK":
        return names
    typ, data = conn.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")
    for item, rest in zip(data, data[1:] + [b""]):
        if not isinstance(item, tuple):
            continue
        text = item[1]
        m = re.search(rb"\r\nSubject: k-(\w+)\r\n", text)
        name = m.group(1).decode() if m else "?"
        if not whole(text):
            name = "broken:" + name
        names.append(name)
        words = item[0] + (rest if isinstance(rest, bytes) else b"")
        if b"\\Flagged" in words and b"walked" in words:
            flagged.add(name)
    return names


def whole(text):
    """The last line is a checksum of what the client sent before it."""
    start = text.find(b"From: <")
    body, last = text[start:-66], text[-66:]
    return last.strip() == hashlib.sha256(body).hexdigest().encode()
