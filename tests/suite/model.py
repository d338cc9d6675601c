"""A model of one user's mailboxes, and of what each of her sessions was told
of the mailbox that it has selected. A command is run on the server, its effect
is computed here, and every untagged response must fit both."""
import re

SYSTEM = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
WORDS = ("kw1", "kw2", "$Junk")


class Wrong(AssertionError):
    """Server and model disagree."""


def check(true, *words):
    if not true:
        raise Wrong(" ".join(str(w) for w in words))


class Message:
    def __init__(self, uid, body, flags, date):
        self.uid, self.body, self.flags, self.date = uid, body, set(flags), date
        self.modseq = 0         # as told last
        self.changed = True     # ... and it may be higher by now


class Box:
    def __init__(self, name):
        self.name = name
        self.messages = []      # by uid
        self.ever = []          # all uids there were
        self.moved = set()      # uids whose files have gone to another
        self.uidnext = 1
        self.uidvalidity = None  # learnt when it is first told

    def find(self, uid):
        for m in self.messages:
            if m.uid == uid:
                return m
        return None

    def add(self, uid, body, flags, date):
        check(uid >= self.uidnext, "uid", uid, "below UIDNEXT", self.uidnext)
        self.uidnext = uid + 1
        self.messages.append(Message(uid, body, flags, date))
        self.ever.append(uid)

    def remove(self, uids):
        self.messages = [m for m in self.messages if m.uid not in uids]

    def validity(self, told):
        check(self.uidvalidity in (None, told), self.name, "UIDVALIDITY",
              told, "was", self.uidvalidity)
        self.uidvalidity = told


class Mail:
    """All mailboxes of the user."""

    def __init__(self, names):
        self.boxes = {n: Box(n) for n in names}
        self.subscribed = set(names)
        self.validities = {}     # name -> the highest that was told

    def below(self, name):
        return [n for n in self.boxes if n.startswith(name + "/")]

    def create(self, name):
        if name in self.boxes:
            return False
        self.boxes[name] = Box(name)
        return True

    def may_rename(self, old, new):
        if old not in self.boxes or new in self.boxes:
            return False
        return old == "INBOX" or not (new + "/").startswith(old + "/")

    def rename(self, old, new):
        """Messages of INBOX move to a new mailbox, and it stays."""
        if old == "INBOX":
            inbox, box = self.boxes[old], Box(new)
            for m in inbox.messages:
                box.add(box.uidnext, m.body, m.flags, m.date)
            inbox.moved |= {m.uid for m in inbox.messages}
            inbox.messages = []
            self.boxes[new] = box
            return
        moved = {n: new + n[len(old):] for n in [old] + self.below(old)}
        for a, b in moved.items():
            box = self.boxes.pop(a)
            box.name = b
            self.boxes[b] = box
            if a in self.subscribed:
                self.subscribed.discard(a)
                self.subscribed.add(b)

    def told_validity(self, box, told):
        if box.uidvalidity is None:
            check(told > self.validities.get(box.name, 0), "UIDVALIDITY of",
                  box.name, told, "was had before")
            self.validities[box.name] = told
        box.validity(told)


class View:
    """What a client knows of its selected mailbox."""

    def __init__(self, box, readonly):
        self.box, self.readonly = box, readonly
        self.uids = []          # by number; None: not known
        self.flags = {}         # uid -> as told
        self.late = False       # IDLE: told of what may have changed again

    def exists(self, n):
        check(n >= len(self.uids), "EXISTS", n, "of", len(self.uids))
        last = max([u for u in self.uids if u] or [0])
        new = [m.uid for m in self.box.messages if m.uid > last]
        if self.late:
            ever = [u for u in self.box.ever if u > last]
            if new != ever or None in self.uids:
                new = [None] * len(ever)
        check(n - len(self.uids) <= len(new), "EXISTS", n, "but there are",
              len(self.uids) + len(new))
        self.uids += new[:n - len(self.uids)]

    def expunge(self, n):
        check(1 <= n <= len(self.uids), "EXPUNGE", n, "of", len(self.uids))
        uid = self.uids.pop(n - 1)
        self.flags.pop(uid, None)
        check(uid is None or self.box.find(uid) is None, "EXPUNGE of", uid,
              "which is there")

    def uid(self, n):
        check(1 <= n <= len(self.uids), "number", n, "of", len(self.uids))
        return self.uids[n - 1]

    def fetched(self, n, items):
        """Items of a FETCH response, as fetch_items gives them."""
        uid = self.uid(n)
        if uid is None:
            return
        m = self.box.find(uid)
        check(items.get("UID", uid) == uid, "number", n, "is", uid, "not",
              items)
        if "FLAGS" in items:
            told = items["FLAGS"] - {"\\Recent"}
            self.flags[uid] = told
            check(m is None or self.late or told == m.flags, "flags of", uid, told,
                  "not", m and m.flags)
        if m is None or self.late:
            return
        if "MODSEQ" in items:
            told = items["MODSEQ"]
            check(told >= m.modseq if m.changed else told == m.modseq,
                  "modseq of", uid, told, "was", m.modseq)
            m.modseq, m.changed = told, False
        if "RFC822.SIZE" in items:
            check(items["RFC822.SIZE"] == len(m.body), "size of", uid)
        if "INTERNALDATE" in items and m.date is not None:
            check(items["INTERNALDATE"] == m.date, "date of", uid, items,
                  m.date)
        if "BODY" in items and m.body is not None:
            check(items["BODY"] == m.body, "body of", uid)

    def step(self):
        """Why it does not show the mailbox as it is, or None."""
        there = [m.uid for m in self.box.messages]
        if len(self.uids) != len(there) or [
                u for u, t in zip(self.uids, there) if u not in (None, t)]:
            return "uids %s not %s" % (self.uids, there)
        for m in self.box.messages:
            if self.flags.get(m.uid, m.flags) != m.flags:
                return "flags of %d: %s not %s" % (
                    m.uid, self.flags[m.uid], m.flags)
        return None


FETCH = re.compile(rb"\* (\d+) FETCH \((.*)\)", re.S)
ITEM = re.compile(
    rb' ?(?:UID (?P<uid>\d+)|FLAGS \((?P<flags>[^)]*)\)'
    rb'|MODSEQ \((?P<modseq>\d+)\)|RFC822\.SIZE (?P<size>\d+)'
    rb'|INTERNALDATE "(?P<date>[^"]*)"|BODY\[\] \{(?P<len>\d+)\}\r\n)')


def fetch_items(line):
    """(number, {item: value}) of a FETCH response."""
    found = FETCH.fullmatch(line)
    check(found is not None, "response", line)
    rest, items = found[2], {}
    while rest:
        m = ITEM.match(rest)
        check(m is not None, "items", rest)
        rest = rest[m.end():]
        if m["uid"]:
            items["UID"] = int(m["uid"])
        elif m["modseq"]:
            items["MODSEQ"] = int(m["modseq"])
        elif m["size"]:
            items["RFC822.SIZE"] = int(m["size"])
        elif m["date"]:
            items["INTERNALDATE"] = m["date"].decode()
        elif m["len"]:
            items["BODY"] = rest[:int(m["len"])]
            rest = rest[int(m["len"]):]
        else:
            items["FLAGS"] = set(m["flags"].decode().split())
    return int(found[1]), items


def number_set(numbers):
    """1,3:5 for [1, 3, 4, 5]."""
    out, i = [], 0
    while i < len(numbers):
        j = i
        while j + 1 < len(numbers) and numbers[j + 1] == numbers[j] + 1:
            j += 1
        out.append("%d" % numbers[i] if i == j
                   else "%d:%d" % (numbers[i], numbers[j]))
        i = j + 1
    return ",".join(out)


def set_numbers(text):
    """[1, 3, 4, 5] of 1,3:5."""
    out = []
    for part in text.split(","):
        a, _, b = part.partition(":")
        out += range(int(a), int(b or a) + 1)
    return out
