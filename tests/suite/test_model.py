"""Random commands of several IMAP sessions of one user, held against a model
(model.py) at each response, and whole at each sync.

    ROHRPOST_MODEL_SEED=N       which commands (1; 0: others with each run);
                                printed where they fail
    ROHRPOST_MODEL_COMMANDS=N   how many (20,000)
    ROHRPOST_MODEL_KILLS=N      so many kills of store or imapd among them
"""
import os
import random
import re
import signal
import time

import pytest

import rohrpost
from model import (SYSTEM, WORDS, Mail, View, Wrong, check, fetch_items,
                   number_set, set_numbers)
from rohrpost import wait_for
from test_imap import Client

pytestmark = pytest.mark.user   # once is enough: root changes nothing here
USERS = ("anna",)
COMMANDS = int(os.environ.get("ROHRPOST_MODEL_COMMANDS", "20000"))
KILLS = int(os.environ.get("ROHRPOST_MODEL_KILLS", "0"))
SEED = int(os.environ.get("ROHRPOST_MODEL_SEED", "1")) or random.getrandbits(32)
SESSIONS = 4
FULL = 60                       # messages: above it they are expunged
NAMES = ("a", "b", "c", "d", "e/f", "e/g", "h")
DATES = (('"01-Jan-2020 12:00:00 +0100" ', " 1-Jan-2020 11:00:00 +0000"),
         ('"28-Feb-2024 23:30:00 -0200" ', "29-Feb-2024 01:30:00 +0000"),
         ("", None))
BYE = re.compile(rb"\* BYE")


class Session:
    def __init__(self, world, number):
        self.world, self.number = world, number
        self.view, self.doomed = None, False
        self.condstore = number % 2 == 0
        self.client = None
        self.login()

    def login(self):
        self.client = Client(self.world.inst)
        self.view, self.doomed = None, False
        if self.condstore:
            self.client.ok("ENABLE CONDSTORE")

    def cmd(self, text, after=None):
        """Runs a command; after(status, text, untagged) brings the model up
        to it, then the responses must fit."""
        self.world.said("%d> %s" % (self.number, text))
        return self.heard(self.client.cmd(text), after)

    def heard(self, answer, after=None, quiet=False):
        status, words, untagged = answer
        self.world.said("%d< %s %s %s" % (self.number, status, words,
                                          untagged[:12]))
        other = []
        view = self.view
        if after is not None:
            after(status, words)
        for line in untagged:
            if view is None or self.view is not view or not self.take(line):
                other.append(line)
        return status, words, other

    def take(self, line):
        """An untagged response about the selected mailbox."""
        word = line.split(b" ", 3)
        if len(word) < 3 or not word[1].isdigit():
            return False
        n = int(word[1])
        if word[2] == b"EXISTS":
            self.view.exists(n)
        elif word[2] == b"EXPUNGE":
            self.view.expunge(n)
        elif word[2] == b"FETCH":
            self.view.fetched(*fetch_items(line))
        else:
            check(word[2] == b"RECENT", "response", line)
        return True

    def doom(self):
        """Its mailbox is gone: it hears so, and ends."""
        if self.view is not None:
            self.doomed = True

    def end(self):
        self.world.said("%d: its mailbox is gone" % self.number)
        seen = b""
        try:
            self.client.send(b"z NOOP\r\n")
            while True:
                seen += self.client.line()
        except (EOFError, OSError):
            pass
        check(BYE.search(seen), "no BYE but", seen)
        self.client.close()
        self.login()


class World:
    """Server, model and sessions."""

    def __init__(self, inst, seed):
        self.inst = inst
        self.rnd = random.Random(seed)
        self.lines = []
        self.n = self.bodies = 0
        first = Client(inst)
        names = [re.search(rb'"([^"]*)"$', u)[1].decode()
                 for u in first.ok('LIST "" *')[2]]
        self.mail = Mail(names)
        first.close()
        self.sessions = [Session(self, i) for i in range(SESSIONS)]

    def said(self, line):
        self.lines.append(line)
        del self.lines[:-60]

    # -- what is chosen -----------------------------------------------------

    def name(self):
        return self.rnd.choice(("INBOX",) + NAMES[:3] + NAMES)

    def flags(self):
        return set(self.rnd.sample(SYSTEM + WORDS, self.rnd.randint(0, 3)))

    def numbers(self, view):
        """Some numbers of a view, at least one."""
        n = len(view.uids)
        if self.rnd.random() < 0.2:
            return list(range(1, n + 1))
        a = self.rnd.randint(1, n)
        some = set(range(a, min(n, a + self.rnd.randint(0, 5)) + 1))
        some |= set(self.rnd.sample(range(1, n + 1),
                                    self.rnd.randint(0, min(n, 3))))
        return sorted(some)

    def target(self, s):
        """(what a command names, the uids): numbers or, with UID, uids."""
        some = self.numbers(s.view)
        uids = [s.view.uids[i - 1] for i in some]
        if self.rnd.random() < 0.5:
            return "", number_set(some), uids
        return "UID ", number_set(uids), uids

    def there(self, s, uids):
        return [m for m in s.view.box.messages if m.uid in set(uids)]

    def body(self):
        self.bodies += 1
        return (b"Subject: m%d\r\nFrom: eve@x.test\r\n\r\n" % self.bodies
                + b"text of %d\r\n" % self.bodies * self.rnd.randint(1, 20))

    # -- without a mailbox --------------------------------------------------

    def select(self, s):
        name, readonly = self.name(), self.rnd.random() < 0.2
        box = self.mail.boxes.get(name)

        def after(status, words):
            s.view = None
            check(status == ("NO" if box is None else "OK"), status, words)
        out = s.cmd("%s %s" % ("EXAMINE" if readonly else "SELECT", name),
                    after)[2]
        if box is None:
            return
        text = b"\n".join(out)
        s.view = View(box, readonly)
        s.view.exists(int(re.search(rb"\* (\d+) EXISTS", text)[1]))
        self.mail.told_validity(
            box, int(re.search(rb"UIDVALIDITY (\d+)", text)[1]))
        check(int(re.search(rb"UIDNEXT (\d+)", text)[1]) >= box.uidnext,
              "UIDNEXT", text)
        check(s.view.step() is None, name, s.view.step())

    def status(self, s):
        name = self.name()
        box = self.mail.boxes.get(name)
        status, words, out = s.cmd(
            "STATUS %s (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)" % name)
        check(status == ("NO" if box is None else "OK"), status, words)
        if box is None:
            return
        got = dict(re.findall(r"([A-Z]+) (\d+)", next(
            u for u in out if u.startswith(b"* STATUS")).decode()
            .rsplit("(", 1)[1]))
        self.mail.told_validity(box, int(got["UIDVALIDITY"]))
        check(int(got["MESSAGES"]) == len(box.messages), name, got)
        check(int(got["UNSEEN"]) == len(
            [m for m in box.messages if "\\Seen" not in m.flags]), name, got)
        check(int(got["UIDNEXT"]) >= box.uidnext, name, got, box.uidnext)

    def append(self, s):
        name, flags, body = self.name(), self.flags(), self.body()
        date, told = self.rnd.choice(DATES)
        box = self.mail.boxes.get(name)
        self.said("%d> APPEND %s %s" % (s.number, name, flags))

        def after(status, words):
            if box is None:
                check("[TRYCREATE]" in words, status, words)
                return
            found = re.search(r"\[APPENDUID (\d+) (\d+)\]", words)
            check(status == "OK" and found, status, words)
            self.mail.told_validity(box, int(found[1]))
            box.add(int(found[2]), body, flags, told)
        s.heard(s.client.append(name, body, "(%s) %s" % (
            " ".join(flags), date)), after)

    def create(self, s):
        name = self.rnd.choice(NAMES)
        status, words, _ = s.cmd("CREATE " + name)
        check(status == ("OK" if self.mail.create(name) else "NO"), status,
              words)

    def delete(self, s):
        name = self.rnd.choice(NAMES)
        box = self.mail.boxes.get(name)
        may = box is not None

        def after(status, words):
            check(status == ("OK" if may else "NO"), status, words)
            if not may:
                return
            del self.mail.boxes[name]
            for other in self.sessions:
                if other.view is not None and other.view.box is box:
                    other.doom()
            if s.doomed:
                s.doomed, s.view = False, None
        s.cmd("DELETE " + name, after)

    def rename(self, s):
        old, new = self.name(), self.rnd.choice(NAMES)
        if old == "INBOX" and self.rnd.random() < 0.7:
            return
        may = self.mail.may_rename(old, new)
        # Its messages have gone when that is told, before the reply.
        if may and old == "INBOX":
            self.mail.rename(old, new)

        def after(status, words):
            check(status == ("OK" if may else "NO"), status, words)
            if may and old != "INBOX":
                self.mail.rename(old, new)
        s.cmd("RENAME %s %s" % (old, new), after)

    def subscribe(self, s):
        name = self.name()
        if self.rnd.random() < 0.5:
            status = s.cmd("SUBSCRIBE " + name)[0]
            self.mail.subscribed.add(name)
        else:
            status = s.cmd("UNSUBSCRIBE " + name)[0]
            self.mail.subscribed.discard(name)
        check(status == "OK", status)

    def lists(self, s):
        for verb, want in (("LIST", set(self.mail.boxes)),
                           ("LSUB", self.mail.subscribed)):
            out = s.cmd('%s "" *' % verb)[2]
            got = {re.search(rb'"([^"]*)"$', u)[1].decode() for u in out
                   if u.startswith(b"* " + verb.encode())
                   and b"\\Noselect" not in u}
            check(got == want, verb, got ^ want)

    def noop(self, s):
        status = s.cmd(self.rnd.choice(("NOOP", "NOOP", "CAPABILITY")))[0]
        check(status == "OK", status)

    # -- with one -----------------------------------------------------------

    def leave(self, s):
        verb = self.rnd.choice(("CLOSE", "UNSELECT"))
        gone = {m.uid for m in self.there(s, s.view.uids)
                if "\\Deleted" in m.flags}
        box, readonly = s.view.box, s.view.readonly

        def after(status, words):
            check(status == "OK", status, words)
            s.view = None
            if verb == "CLOSE" and not readonly:
                box.remove(gone)
        s.cmd(verb, after)

    def store(self, s):
        uid, some, uids = self.target(s)
        op = self.rnd.choice(("+", "+", "-", ""))
        silent = self.rnd.choice(("", ".SILENT"))
        flags = self.flags()
        rows = self.there(s, uids)
        limit, failed = "", []
        if s.condstore and self.rnd.random() < 0.3:
            known = [m.modseq for m in rows if not m.changed]
            if len(known) == len(rows) and rows:
                top = self.rnd.choice(known) - self.rnd.randint(0, 1)
                limit = " (UNCHANGEDSINCE %d)" % top
                failed = [m.uid for m in rows if m.modseq > top]
        view = s.view

        def after(status, words):
            if view.readonly:
                check(status == "NO", status, words)
                return
            check(status == "OK", status, words)
            got = re.search(r"\[MODIFIED ([\d,:]+)\]", words)
            got = set_numbers(got[1]) if got else []
            check(got == (failed if uid else
                          [view.uids.index(u) + 1 for u in failed]),
                  "MODIFIED", got, "not", failed)
            for m in rows:
                if m.uid in failed:
                    continue
                new = (m.flags | flags if op == "+" else m.flags - flags
                       if op == "-" else set(flags))
                m.flags, m.changed = new, True
                if silent:
                    view.flags[m.uid] = set(new)
        s.cmd("%sSTORE %s%s %sFLAGS%s (%s)" % (
            uid, some, limit, op, silent, " ".join(flags)), after)

    def expunge(self, s):
        gone = [m.uid for m in self.there(s, s.view.uids)
                if "\\Deleted" in m.flags]
        view, text = s.view, "EXPUNGE"
        if self.rnd.random() < 0.5:
            uids = self.target(s)[2]
            text = "UID EXPUNGE " + number_set(uids)
            gone = [u for u in gone if u in uids]

        def after(status, words):
            check(status == ("NO" if view.readonly else "OK"), status, words)
            if not view.readonly:
                view.box.remove(gone)
        s.cmd(text, after)
        check(view.readonly or not set(gone) & set(view.uids),
              "not told of", gone)

    def copy(self, s):
        verb = self.rnd.choice(("COPY", "COPY", "MOVE"))
        uid, some, uids = self.target(s)
        name = self.name()
        to = self.mail.boxes.get(name)
        rows, view = self.there(s, uids), s.view

        def after(status, words):
            if verb == "MOVE" and view.readonly:
                check(status == "NO", status, words)
                return
            if to is None:
                check("[TRYCREATE]" in words, status, words)
                return
            if not uid and len(rows) < len(uids):
                check("[EXPUNGEISSUED]" in words, status, words)
                return
            check(status == "OK", status, words)
            if rows and verb == "COPY":
                copied(words)
        moved = []

        def copied(words):
            found = re.search(r"\[COPYUID (\d+) ([\d:,]+) ([\d:,]+)\]", words)
            check(found, "no COPYUID", words)
            self.mail.told_validity(to, int(found[1]))
            check(set_numbers(found[2]) == [m.uid for m in rows], words,
                  "not", [m.uid for m in rows])
            new = set_numbers(found[3])
            check(len(new) == len(rows), words)
            if verb == "MOVE":
                view.box.remove({m.uid for m in rows})
                view.box.moved |= {m.uid for m in rows}
            for m, u in zip(rows, new):
                to.add(u, m.body, m.flags, m.date)
        # COPYUID of a MOVE comes before the EXPUNGEs.
        self.said("%d> %s%s %s %s" % (s.number, uid, verb, some, name))
        status, words, untagged = s.client.cmd(
            "%s%s %s %s" % (uid, verb, some, name))
        if verb == "MOVE":
            moved = [u for u in untagged if b"[COPYUID" in u]
            if moved:
                check(status == "OK" and to, status, words)
                copied(moved[0].decode())
            else:
                check(status == "NO" or not rows, status, words)
        s.heard((status, words, untagged), after)

    def fetch(self, s):
        uid, some, uids = self.target(s)
        items = self.rnd.sample(
            ["UID", "FLAGS", "RFC822.SIZE", "INTERNALDATE",
             "BODY[]", "BODY.PEEK[]"] + ["MODSEQ"] * s.condstore,
            self.rnd.randint(1, 3))
        if {"BODY[]", "BODY.PEEK[]"} <= set(items):
            items.remove("BODY[]")
        rows, view = self.there(s, uids), s.view
        since = ""
        if s.condstore and self.rnd.random() < 0.2 and not [
                m for m in rows if m.changed] and rows:
            top = self.rnd.choice(rows).modseq
            since = " (CHANGEDSINCE %d)" % max(top, 1)
            rows = [m for m in rows if m.modseq > max(top, 1)]

        def after(status, words):
            # What was expunged is read from what is kept of it.
            away = set(uids) & view.box.moved and not uid and \
                any(i.startswith("BODY") for i in items)
            check(status == "OK" or away, status, words)
            if "BODY[]" in items and not view.readonly:
                for m in rows:
                    if "\\Seen" not in m.flags:
                        m.flags.add("\\Seen")
                        m.changed = True
        before = list(view.uids)
        untagged = []

        def heard(status, words):
            after(status, words)
            told = {before[fetch_items(u)[0] - 1] for u in untagged
                    if b" FETCH (" in u}
            check({m.uid for m in rows} <= told, "not fetched:",
                  {m.uid for m in rows} - told)
        text = "%sFETCH %s (%s)%s" % (uid, some, " ".join(items), since)
        self.said("%d> %s" % (s.number, text))
        answer = s.client.cmd(text)
        untagged += answer[2]
        if not uid:
            check(not [u for u in untagged if u.endswith(b"EXPUNGE")],
                  "EXPUNGE in a FETCH")
        s.heard(answer, heard)

    KEYS = (("ALL", lambda m: True), ("SEEN", lambda m: "\\Seen" in m.flags),
            ("UNSEEN", lambda m: "\\Seen" not in m.flags),
            ("DELETED", lambda m: "\\Deleted" in m.flags),
            ("UNFLAGGED", lambda m: "\\Flagged" not in m.flags),
            ("KEYWORD kw1", lambda m: "kw1" in m.flags),
            ("UNKEYWORD kw2", lambda m: "kw2" not in m.flags),
            ("LARGER 200", lambda m: len(m.body) > 200),
            ("NOT DRAFT", lambda m: "\\Draft" not in m.flags),
            ("SUBJECT m1", lambda m: b"Subject: m1" in m.body),
            ("BODY \"of 2\"", lambda m: b"\r\n\r\ntext of 2" in m.body))

    def search(self, s):
        (a, fa), (b, fb) = (self.rnd.choice(self.KEYS) for _ in range(2))
        if self.rnd.random() < 0.5:
            text, fits = "OR %s %s" % (a, b), lambda m: fa(m) or fb(m)
        else:
            text, fits = "%s %s" % (a, b), lambda m: fa(m) and fb(m)
        uid = self.rnd.choice(("", "UID "))
        hits = [m.uid for m in self.there(s, s.view.uids) if fits(m)]
        if not uid:
            hits = [s.view.uids.index(u) + 1 for u in hits]
        status, words, out = s.cmd("%sSEARCH %s" % (uid, text))
        got = [int(x) for u in out if u.startswith(b"* SEARCH")
               for x in u.split()[2:]]
        check(status == "OK" and got == hits, text, got, "not", hits)

    # -- more than one session ----------------------------------------------

    def idle(self, s):
        s.client.send(b"i IDLE\r\n")
        self.said("%d> IDLE" % s.number)
        early = []
        while not (line := s.client.line()).startswith(b"+"):
            early.append(line)
        s.heard(("OK", "", early))
        others = [o for o in self.sessions if o is not s and not o.doomed]
        for _ in range(3):
            self.one(self.rnd.choice(others), self.BUSY)
        if s.doomed:
            return
        if s.view is not None:
            s.view.late = True
        while s.view is not None and s.view.step() is not None:
            s.heard(("", "", [s.client.line()]))
        s.client.send(b"DONE\r\n")
        s.heard(s.client.wait(b"i"))
        if s.view is not None:
            check(s.view.step() is None, "after IDLE:", s.view.step())
            s.view.uids = [m.uid for m in s.view.box.messages]
            s.view.late = False

    def deliver(self, s):
        body = self.body()
        box = self.mail.boxes["INBOX"]
        with self.inst.smtp() as c:
            c.sendmail("eve@remote.test", ["anna@" + self.inst.domain], body)
        self.said("a delivery")

        def came():
            out = s.client.ok("STATUS INBOX (MESSAGES UIDNEXT)")[2]
            s.heard(("OK", "", [u for u in out
                                if not u.startswith(b"* STATUS")]))
            n = int(re.search(rb"MESSAGES (\d+)", b"".join(out))[1])
            return n == len(box.messages) + 1 and int(
                re.search(rb"UIDNEXT (\d+)", b"".join(out))[1])
        # No other session runs meanwhile, and no view has INBOX here: else
        # its EXISTS would come before the model knows.
        uidnext = wait_for(came, text="the delivery") or came()
        c = Client(self.inst)
        c.ok("EXAMINE INBOX")
        out = c.ok("UID FETCH %d (FLAGS BODY.PEEK[])" % (uidnext - 1))[2]
        c.close()
        items = fetch_items(out[0])[1]
        check(items["BODY"].endswith(body), "the body delivered")
        box.add(uidnext - 1, items["BODY"],
                items["FLAGS"] - {"\\Recent"}, None)

    def sync(self):
        """Each session is told until it knows all, and then knows it right."""
        for s in self.sessions:
            if s.doomed:
                s.end()
            if s.view is None:
                continue

            def told(s=s):
                check(s.cmd("NOOP")[0] == "OK", "NOOP")
                return s.view.step() is None
            wait_for(told, text="session %d to know all: %s" % (
                s.number, s.view.step()))
            if not s.view.uids:
                continue
            s.view.flags.clear()
            s.cmd("UID FETCH 1:* (UID FLAGS%s)" % (
                " MODSEQ" if s.condstore else ""))
            check(set(s.view.flags) == set(s.view.uids), "flags of all")

    def kill(self):
        """What was said more than a second ago is not forgotten."""
        name = self.rnd.choice(("store", "imapd"))
        self.said("kill of " + name)
        time.sleep(1.5)
        pid, = self.inst.processes()[name]
        os.kill(pid, signal.SIGKILL)
        if name == "imapd":
            for s in self.sessions:
                s.client.close()
                s.login()
            return
        for s in self.sessions:
            wait_for(lambda s=s: s.client.cmd("STATUS INBOX (MESSAGES)")[0]
                     == "OK", text="store to be back")

    def trim(self):
        """Keeps the mailboxes small."""
        s = self.sessions[0]
        if s.doomed:
            s.end()
        for box in list(self.mail.boxes.values()):
            if len(box.messages) < FULL:
                continue
            def after(status, words, box=box):
                s.view = View(box, False)
            s.cmd("SELECT " + box.name, after)
            s.view.exists(len(box.messages))
            for m in box.messages[:FULL // 2]:
                m.flags.add("\\Deleted")
                m.changed = True
            s.cmd("STORE 1:%d +FLAGS (\\Deleted)" % (FULL // 2))
            self.expunge(s)

    ANY = ((6, select), (6, status), (3, append), (1, create), (1, delete),
           (1, rename), (1, subscribe), (1, lists), (4, noop))
    SELECTED = ((14, store), (3, expunge), (4, copy), (16, fetch),
                (12, search), (1, leave))
    BUSY = ((3, append), (10, store), (2, copy), (3, expunge))

    def one(self, s, rows=None):
        if s.doomed:
            s.end()
        with_view = s.view is not None and s.view.uids
        if rows is None:
            rows = self.ANY + (self.SELECTED if with_view else ())
        elif not with_view:
            rows = rows[:1]
        run, = self.rnd.choices([r for _, r in rows], [w for w, _ in rows])
        run(self, s)
        self.n += 1

    def run(self, commands):
        kills = set(self.rnd.sample(range(1, commands // 100), KILLS))
        while self.n < commands:
            for _ in range(self.rnd.randint(20, 100)):
                self.one(self.rnd.choice(self.sessions))
            idler = self.rnd.choice(self.sessions)
            if not idler.doomed:
                self.idle(idler)
            self.sync()
            self.trim()
            if self.n // 100 in kills:
                kills.discard(self.n // 100)
                self.kill()
                self.sync()
            if self.rnd.random() < 0.1:
                self.delivery()

    def delivery(self):
        s = self.sessions[1]
        for o in self.sessions:
            if o.doomed:
                o.end()
            if o.view is not None and o.view.box.name == "INBOX":
                def after(status, words, o=o):
                    o.view = None
                o.cmd("UNSELECT", after)
        self.deliver(s)


def test_sessions_agree_with_the_model(inst):
    world = World(inst, SEED)
    try:
        world.run(COMMANDS)
    except Exception as e:
        raise AssertionError(
            "ROHRPOST_MODEL_SEED=%d, command %d: %s\n%s" % (
                SEED, world.n, e, "\n".join(world.lines))) from e
    for s in world.sessions:
        s.client.close()
