"""QRESYNC (RFC 7162), alone and beside Debian's Dovecot."""
import re

import pytest

import dovecot
from test_imap import PLAIN, Client, has

USERS = ("anna", "bert", "carl")


def code(lines, name):
    """The number in "[NAME n]" of these lines."""
    if isinstance(lines, str):
        lines = [lines.encode()]
    found = [m for m in (re.search(rb"\[%s (\d+)\]" % name.encode(), u)
                         for u in lines) if m]
    return int(found[-1][1]) if found else None


def uids(text):
    out = []
    for part in text.split(b","):
        lo, _, hi = part.partition(b":")
        out += range(int(lo), int(hi or lo) + 1)
    return out


def vanished(lines, earlier):
    out = []
    head = rb"^\* VANISHED \(EARLIER\) " if earlier else rb"^\* VANISHED (?=\d)"
    for u in has(lines, head):
        out += uids(re.sub(head, b"", u))
    return out


def fetched(lines):
    """uid: flags of the FETCH responses."""
    out = {}
    for u in has(lines, rb"^\* \d+ FETCH"):
        assert b"MODSEQ (" in u and b"UID " in u, u
        out[int(re.search(rb"UID (\d+)", u)[1])] = sorted(
            f.decode() for f in re.search(rb"FLAGS \(([^)]*)\)", u)[1].split()
            if f != b"\\Recent")
    return out


class State:
    """What a client keeps of a mailbox that it leaves."""

    def __init__(self, lines):
        self.validity = code(lines, "UIDVALIDITY")
        self.modseq = code(lines, "HIGHESTMODSEQ")

    def select(self, client, name, more="", verb="SELECT"):
        return client.ok("%s %s (QRESYNC (%d %d%s))" % (
            verb, name, self.validity, self.modseq, more and " " + more))[2]


@pytest.fixture
def c(inst):
    client = Client(inst)
    assert b"* ENABLED QRESYNC" in client.ok("ENABLE QRESYNC")[2]
    yield client
    client.close()


@pytest.fixture
def other(inst):
    client = Client(inst)
    yield client
    client.close()


_boxes = 0


@pytest.fixture
def box(c, other):
    """A mailbox with ten messages, selected in c."""
    global _boxes
    _boxes += 1
    name = "qbox%d" % _boxes
    c.ok("CREATE " + name)
    for i in range(1, 11):
        c.append(name, PLAIN % (i, i))
    return name


def lose(client, name, deleted, flagged=()):
    client.ok("SELECT " + name)
    client.ok("UID STORE %s +FLAGS.SILENT (\\Deleted)" % deleted)
    client.ok("UID EXPUNGE " + deleted)
    for uid in flagged:
        client.ok("UID STORE %d +FLAGS (\\Flagged)" % uid)
    client.ok("UNSELECT")


def test_announced_once(c):
    assert c.ok("CAPABILITY")[2][0].split().count(b"QRESYNC") == 1


def test_must_be_enabled(inst, other):
    for verb in ("SELECT", "EXAMINE"):
        assert other.cmd(verb + " INBOX (QRESYNC (1 1))")[0] == "BAD"
    other.ok("ENABLE CONDSTORE")
    assert other.cmd("SELECT INBOX (QRESYNC (1 1))")[0] == "BAD"
    other.ok("SELECT INBOX")
    assert other.cmd("UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)")[
        0] == "BAD"
    assert b"* ENABLED CONDSTORE QRESYNC" in other.ok(
        "ENABLE QRESYNC CONDSTORE X-NONE")[2]
    assert other.ok("UID FETCH 1:* FLAGS (VANISHED CHANGEDSINCE 1)")


@pytest.mark.parametrize("params", (
    "(QRESYNC)", "(QRESYNC ())", "(QRESYNC (1))", "(QRESYNC (0 1))",
    "(QRESYNC (1 x))", "(QRESYNC (1 1 *))", "(QRESYNC (1 1 1:*))",
    "(QRESYNC (1 1 1:5 (1:2)))", "(QRESYNC (1 1 1:5 (1:2 1:3)))",
    "(QRESYNC (1 1 1:5 (1:2 1:*)))", "(QRESYNC (1 1 1:5 (1:2 3:4) 5))",
    "(QRESYNC (1 1 (1 1) (1 1)))", "(QRESYNC (1 1) QRESYNC (1 1))",
    "(QRESYNC (1 1 5,,6))", "(QRESYNC 1 1)", "(QRESYNC (4294967296 1))"))
def test_bad_parameters(c, params):
    assert c.cmd("SELECT INBOX " + params)[0] == "BAD"
    assert c.cmd("EXAMINE INBOX " + params)[0] == "BAD"
    c.ok("SELECT INBOX")


def test_resync(c, other, box):
    """What is gone and what has changed, in that order, of what the client
    knows; nothing where nothing has happened."""
    state = State(c.ok("SELECT " + box)[2])
    r = state.select(c, box)
    assert has(r, rb"^\* OK \[CLOSED\]")
    assert not has(r, rb"VANISHED|FETCH")
    c.ok("UNSELECT")
    lose(other, box, "2:4,7", flagged=(5, 9))
    other.append(box, PLAIN % (11, 11))
    for verb in ("SELECT", "EXAMINE"):
        r = state.select(c, box, verb=verb)
        assert vanished(r, True) == [2, 3, 4, 7]
        assert fetched(r) == {5: ["\\Flagged"], 9: ["\\Flagged"], 11: []}
        at = [i for i, u in enumerate(r) if b"VANISHED" in u]
        assert max(at) < min(i for i, u in enumerate(r) if b" FETCH " in u)
        assert min(at) > max(i for i, u in enumerate(r) if b"EXISTS" in u)
    r = state.select(c, box, "3:5")
    assert vanished(r, True) == [3, 4] and fetched(r) == {5: ["\\Flagged"]}
    r = state.select(c, box, "1:10 (1,5,8,10 1,5,8,10)")
    assert vanished(r, True) == [2, 3, 4, 7]
    # Number 1 is still uid 1, and with number 3 of uid 6 nothing else is gone
    # below it than what the client knows of.
    r = state.select(c, box, "1:10 (1,3 1,6)")
    assert vanished(r, True) == [7]
    r = state.select(c, box, "(1:3 1,5,6)")
    assert vanished(r, True) == [7]
    assert has(state.select(c, box), rb"^\* 7 EXISTS")
    newer = State(c.ok("SELECT " + box)[2])
    assert not has(newer.select(c, box), rb"VANISHED|FETCH")
    # Another UIDVALIDITY: as if it were not there.
    newer.validity += 1
    newer.modseq = 1
    r = newer.select(c, box)
    assert has(r, rb"^\* 7 EXISTS") and not has(r, rb"VANISHED|FETCH")
    c.ok("SELECT %s (CONDSTORE QRESYNC (1 1))" % box)


def test_older_than_the_log(c, other, box):
    """Of a modseq that store tells nothing of, each known uid that has no
    message is told."""
    state = State(c.ok("SELECT " + box)[2])
    lose(other, box, "1,3,10")
    state.modseq = 1
    r = state.select(c, box, "1:3000")
    assert vanished(r, True) == [1, 3, 10]
    assert sorted(fetched(r)) == [2, 4, 5, 6, 7, 8, 9]
    r = state.select(c, box, "3:8,10,4000:4100")
    assert vanished(r, True) == [3, 10]
    assert sorted(fetched(r)) == [4, 5, 6, 7, 8]


def test_uid_fetch(c, other, box):
    state = State(c.ok("SELECT " + box)[2])
    other.ok("SELECT " + box)
    other.ok("STORE 6,10 +FLAGS.SILENT (\\Deleted)")
    other.ok("EXPUNGE")
    other.ok("UID STORE 4 +FLAGS (word)")
    c.ok("NOOP")
    for names in ("1:*", "5:6,4,10:*"):
        r = c.ok("UID FETCH %s (FLAGS) (CHANGEDSINCE %d VANISHED)" % (
            names, state.modseq))[2]
        assert vanished(r, True) == [6, 10], names
        assert fetched(r) == {4: ["word"]}
    r = c.ok("UID FETCH 1:5 (FLAGS) (CHANGEDSINCE %d VANISHED)" %
             state.modseq)[2]
    assert vanished(r, True) == [] and fetched(r) == {4: ["word"]}
    for text in ("FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)",
                 "UID FETCH 1:* FLAGS (VANISHED)",
                 "UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED VANISHED)",
                 "UID FETCH 1:* FLAGS (CHANGEDSINCE VANISHED)",
                 "UID FETCH 1:* FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 1)"):
        assert c.cmd(text)[0] == "BAD", text


def test_vanished_for_expunge(c, other, box):
    """No EXPUNGE any more: of one's own commands, of others', in IDLE."""
    state = State(c.ok("SELECT " + box)[2])
    c.ok("STORE 2:3,5 +FLAGS (\\Deleted)")
    status, text, r = c.cmd("EXPUNGE")
    assert vanished(r, False) == [2, 3, 5] and not has(r, rb"EXPUNGE")
    assert code(text, "HIGHESTMODSEQ") > state.modseq
    c.ok("CREATE %s.to" % box)
    status, text, r = c.cmd("UID MOVE 7:8 %s.to" % box)
    assert vanished(r, False) == [7, 8] and has(r, rb"\[COPYUID ")
    assert code(text, "HIGHESTMODSEQ") > state.modseq
    # One's own changes bring a UID, and FETCH of an unseen message too.
    r = c.ok("STORE 1 +FLAGS (\\Answered)")[2]
    assert fetched(r) == {1: ["\\Answered"]}
    r = c.ok("FETCH 1 BODY[TEXT]")[2]
    assert has(r, rb"UID 1 FLAGS .*MODSEQ")
    tag = c.start("IDLE")
    assert c.line().startswith(b"+")
    other.ok("SELECT " + box)
    other.ok("UID STORE 4,10 +FLAGS.SILENT (\\Deleted)")
    other.ok("UID EXPUNGE 4,10")
    gone = []
    while len(gone) < 2:
        u = c.line()
        assert b"EXPUNGE" not in u
        gone += vanished([u], False)
    assert gone == [4, 10]
    c.send(b"DONE\r\n")
    assert c.wait(tag)[0] == "OK"


def test_expunge_that_waits(c, other, box):
    """Not told in the answer to FETCH by number: HIGHESTMODSEQ stays below."""
    state = State(c.ok("SELECT " + box)[2])
    other.ok("SELECT " + box)
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok("UID STORE 3 +FLAGS.SILENT (\\Seen)")
    other.ok("EXPUNGE")
    last = int(re.search(rb"HIGHESTMODSEQ (\d+)\)", other.ok(
        "STATUS %s (HIGHESTMODSEQ)" % box)[2][-1])[1])
    r = []
    for _ in range(100):
        r = c.ok("FETCH 5 (UID MODSEQ)")[2]
        if has(r, rb"HIGHESTMODSEQ"):
            break
        c.ok("STORE 5 +FLAGS.SILENT (\\Draft)")
    assert not vanished(r, False)
    told = code(r, "HIGHESTMODSEQ")
    assert state.modseq <= told < last
    r = c.ok("NOOP")[2]
    assert vanished(r, False) == [1]
    assert not has(c.ok("FETCH 1 UID")[2], rb"HIGHESTMODSEQ")


def test_close(c, other, box):
    """It tells of its own expunges alone, and a modseq only as far as the
    client knows all."""
    state = State(c.ok("SELECT " + box)[2])
    assert code(c.ok("CLOSE")[1], "HIGHESTMODSEQ") is None
    c.ok("SELECT " + box)
    c.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    state.modseq = code(c.ok("CLOSE")[1], "HIGHESTMODSEQ")
    assert not has(state.select(c, box), rb"VANISHED|FETCH")
    c.ok("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
    other.ok("SELECT " + box)
    other.ok("UID STORE 5 +FLAGS (\\Seen)")
    other.ok("UID STORE 9 +FLAGS.SILENT (\\Deleted)")
    other.ok("UID EXPUNGE 9")
    state.modseq = code(c.ok("CLOSE")[1], "HIGHESTMODSEQ")
    r = state.select(c, box)
    assert 9 in vanished(r, True) and 5 in fetched(r)


def test_many(c, inst):
    """Lines have a bound, and a mailbox with as many gaps as messages is told
    in pieces."""
    c.ok("CREATE many")
    c.append("many", PLAIN % (1, 1))
    c.ok("SELECT many")
    for i in range(13):
        c.ok("COPY 1:%d many" % 2 ** i)
        c.ok("NOOP")
    state = State(c.ok("SELECT many")[2])
    odd = ",".join(str(i) for i in range(1, 8192, 2))
    for part in (odd[i:i + 20000] for i in range(0, len(odd), 20000)):
        c.ok("UID STORE %s +FLAGS.SILENT (\\Deleted)" % part.strip(","))
    status, text, r = c.cmd("EXPUNGE")
    assert len(has(r, rb"^\* VANISHED")) > 1
    assert max(map(len, r)) < 8192
    gone = vanished(r, False)
    assert len(gone) >= 4000 and gone == sorted(set(gone))
    r = state.select(c, "many")
    assert vanished(r, True) == gone and max(map(len, r)) < 8192
    state.modseq = 1
    r = state.select(c, "many", "1:8192")
    assert vanished(r, True) == gone and max(map(len, r)) < 8192
    assert len(fetched(r)) == 8192 - len(gone)


def dialogue(client, name):
    """What two clients of the same mailbox hear; without its numbers."""
    out = []
    client.ok("ENABLE QRESYNC")
    client.ok("CREATE " + name)
    for i in range(1, 9):
        client.append(name, PLAIN % (i, i))
    state = State(client.ok("SELECT " + name)[2])
    client.ok("UID STORE 2:3,6 +FLAGS (\\Deleted)")
    status, text, r = client.cmd("EXPUNGE")
    out.append((vanished(r, False), code(text, "HIGHESTMODSEQ") is not None))
    client.ok("UID STORE 4 +FLAGS (\\Flagged)")
    client.ok("UID STORE 8 +FLAGS (\\Deleted)")
    out.append(vanished(client.ok("UID EXPUNGE 8")[2], False))
    for known in ("", "1:3", "1:8 (1:2 1,4)", "1:8 (1:3 1,4,5)"):
        r = state.select(client, name, known)
        out.append((known, vanished(r, True), sorted(fetched(r)),
                    bool(has(r, rb"\[CLOSED\]"))))
    r = client.ok("UID FETCH 1:5 (FLAGS) (CHANGEDSINCE %d VANISHED)" %
                  state.modseq)[2]
    out.append((vanished(r, True), fetched(r)))
    for text in ("FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)",
                 "UID FETCH 1 FLAGS (VANISHED)",
                 "SELECT %s (QRESYNC (1))" % name):
        out.append((text.replace(name, "x"), client.cmd(text)[0]))
    client.close()
    return out


def test_beside_dovecot(inst):
    ours = dialogue(Client(inst, "bert"), "same")
    theirs = dialogue(dovecot.Dovecot(), "same")
    print(ours, theirs, sep="\n")
    # "The server uses this data to restrict the range for which it provides
    # expunged message information" (RFC 7162 3.2.5.2): number 2 is uid 4, so
    # what is gone below it the client knows. Dovecot, whose log reaches back,
    # tells it all the same.
    for i in (4, 5):
        known, gone, *rest = ours[i]
        assert gone == [6, 8] and theirs[i] == (known, [2, 3, 6, 8], *rest)
    assert ours[:4] + ours[6:] == theirs[:4] + theirs[6:]
