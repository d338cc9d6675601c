"""Sieve from end to end: scripts are put, and mail is filed, flagged, copied,
redirected and thrown away by them; what goes wrong leaves it in INBOX, and a
kill of any of the programs between files it once."""
import os
import signal

import pytest

import rohrpost
from rohrpost import message, wait_for
from test_relay_alone import Hop

USERS = ("anna", "bert", "carl", "dora", "emil", "finn", "gina")


@pytest.fixture(scope="module")
def hop():
    h = Hop()
    yield h
    h.s.close()


@pytest.fixture(scope="module")
def inst(hop):
    d = rohrpost.scratch("sieve")
    i = rohrpost.Instance(d, users=USERS, relay_host="[127.0.0.1]",
                          relay_port=str(hop.port), relay_tls="may")
    with i:
        yield i
    rohrpost.remove(d)


def script(inst, user, text, name=None, ok=True):
    args = ["sieve", "put", user + "@example.test"] + ([name] if name else [])
    p = inst.command(*args, input=text, stdin=None)
    assert (p.returncode == 0) == ok, p.stderr
    return p.stderr


def send(inst, to, subject, sender="eve@remote.test", head="", size=600):
    """to: one or a list of local names. What was sent."""
    to = [to] if isinstance(to, str) else to
    text = head.encode() + message(subject, size, sender)
    with inst.smtp() as s:
        s.sendmail(sender, [t if "@" in t else t + "@example.test"
                            for t in to], text)
    return text


def boxes(inst, user):
    return {m["mailbox"]: m["messages"] for m in
            inst.json("mailbox", "list", user + "@example.test")}


def subjects(inst, user, box):
    return sorted(line.split(b": ")[1].decode()
                  for m in inst.messages(user, box).values()
                  for line in m.split(b"\r\n") if line[:8] == b"Subject:")


def flags(inst, user, box):
    return [set(r["flags"]) for r in
            inst.json("mailbox", "show", user + "@example.test", box)]


def test_filed_flagged_and_copied(inst):
    script(inst, "anna", """\
require ["fileinto", "mailbox", "copy", "imap4flags", "envelope",
    "variables", "subaddress"];
if header :contains "subject" "list" {
    fileinto :create "Lists/big";
} elsif header :contains "subject" "both" {
    fileinto :copy :create "Copies";
    addflag ["\\\\Flagged", "$Both"];
} elsif header :contains "subject" "absent" {
    fileinto "Nowhere";
} elsif envelope :detail :matches "to" "*" {
    set :upperfirst "box" "${1}";
    fileinto :create :flags "\\\\Seen" "Tag/${box}";
} elsif header :contains "subject" "gone" {
    discard;
}
""")
    for s, to in (("list-1", "anna"), ("both", "anna"), ("absent", "anna"),
                  ("tagged", "anna+post"), ("gone", "anna"),
                  ("list-2", "anna"), ("plain", "anna")):
        send(inst, to, s)
    inst.wait_empty()
    assert subjects(inst, "anna", "Lists/big") == ["t-list-1", "t-list-2"]
    assert subjects(inst, "anna", "Copies") == ["t-both"]
    assert subjects(inst, "anna", "Tag/Post") == ["t-tagged"]
    assert subjects(inst, "anna", "INBOX") == ["t-absent", "t-both", "t-plain"]
    assert "Nowhere" not in boxes(inst, "anna")
    assert flags(inst, "anna", "Tag/Post") == [{"\\Seen"}]
    assert {"\\Flagged", "$Both"} in flags(inst, "anna", "INBOX")
    assert "discarded" in inst.log()


def inodes(inst, user):
    top = os.path.join(inst.state, "spool/mail/example.test", user)
    return {os.stat(os.path.join(d, f)).st_ino
            for d, _, files in os.walk(top) for f in files if f.isdigit()}


def test_one_file_for_all(inst):
    """Several places, one inode, and that of a recipient without a script."""
    script(inst, "bert", 'require ["fileinto","mailbox","copy"];'
           'fileinto :create :copy "A"; fileinto :create :copy "B";')
    send(inst, ["bert", "gina"], "links")
    inst.wait_empty()
    got = boxes(inst, "bert")
    assert (got["A"], got["B"], got["INBOX"]) == (1, 1, 1)
    assert len(inodes(inst, "bert")) == 1
    assert inodes(inst, "bert") == inodes(inst, "gina")


def test_mailboxes_are_asked_for(inst):
    script(inst, "gina", 'require ["fileinto","mailbox"];'
           'if mailboxexists "Drafts/none" { fileinto "Drafts/none"; }'
           'elsif mailboxexists "INBOX" { fileinto :create "There"; }')
    send(inst, "gina", "asked")
    inst.wait_empty()
    assert subjects(inst, "gina", "There") == ["t-asked"]
    inst.ctl("sieve", "activate", "gina@example.test")
    send(inst, "gina", "free")
    inst.wait_empty()
    assert "t-free" in subjects(inst, "gina", "INBOX")


def sent_to(hop, address):
    return [line for line in hop.lines
            if line.startswith("RCPT") and address in line]


def test_redirect(inst, hop):
    script(inst, "carl", 'require "copy"; if header :contains "subject" '
           '"copy" { redirect :copy "c@far.test"; } elsif header :contains '
           '"subject" "here" { redirect "dora@example.test"; } else { '
           'redirect "away@far.test"; redirect "away@far.test"; }')
    send(inst, "carl", "away", sender="sender@remote.test")
    send(inst, "carl", "null", sender="")
    send(inst, "carl", "copy")
    send(inst, ["carl", "dora"], "here-both")
    send(inst, "carl", "here-alone")
    inst.wait_empty()
    assert len(sent_to(hop, "<away@far.test>")) == 2
    assert len(sent_to(hop, "<c@far.test>")) == 1
    assert any("MAIL FROM:<sender@remote.test>" in x for x in hop.lines)
    assert any("MAIL FROM:<>" in x for x in hop.lines)
    assert subjects(inst, "carl", "INBOX") == ["t-copy"]
    assert subjects(inst, "dora", "INBOX") == ["t-here-alone", "t-here-both"]


def test_circle(inst):
    """Two that send on to each other, and one to himself: the sender hears of
    it, and nothing goes round."""
    inst.ctl("sieve", "activate", "carl@example.test")
    script(inst, "dora", 'redirect "emil@example.test";')
    script(inst, "emil", 'redirect "dora@example.test";')
    with inst.submission("finn") as s:
        for n, to in enumerate((["dora"], ["dora", "emil"])):
            s.sendmail("finn@example.test",
                       [t + "@example.test" for t in to],
                       message("circle-%d" % n, sender="finn@example.test"))
    inst.wait_empty()
    inst.wait_count(2, "finn")
    told = b"".join(inst.messages("finn").values())
    assert told.count(b"Status: 5.4.6") == 2
    # Of a copy that stays nothing is said.
    script(inst, "dora", 'require "copy"; redirect :copy "dora@example.test";')
    before = inst.count("dora")
    send(inst, "dora", "self", sender="finn@example.test")
    inst.wait_empty()
    assert inst.count("dora") == before + 1
    assert inst.count("finn") == 2


def test_an_error_goes_into_inbox(inst):
    """One at run time, one that this version cannot read; and it is said
    once, with the line."""
    script(inst, "emil", 'require ["fileinto","variables","mailbox"];\n'
           'fileinto :create "Lost"; set "a" "/";\nfileinto "${a}";\n')
    send(inst, "emil", "odd")
    inst.wait_empty()
    assert subjects(inst, "emil", "INBOX") == ["t-odd"]
    assert "Lost" not in boxes(inst, "emil")
    said = [x for x in inst.log().split("\n") if "emil" in x and
            "sieve: line 3: fileinto: / cannot be a mailbox" in x]
    assert len(said) == 1, said
    # What a version put that knew more.
    inst.stop()
    path = inst.state / "spool/mail/example.test/emil/sieve"
    text = b'require "novelty";\ndiscard;\n'
    owner = os.stat(path)
    path.write_bytes(b"Sieve 1\n%d active main\n%s\n" % (len(text), text))
    os.chown(path, owner.st_uid, owner.st_gid)
    inst.start()
    send(inst, "emil", "newer")
    inst.wait_empty()
    assert subjects(inst, "emil", "INBOX") == ["t-newer", "t-odd"]
    assert "line 1, column 9: the extension novelty is not known" in inst.log()


def test_a_file_that_cannot_be_read_waits(inst):
    script(inst, "emil", "keep;")
    path = inst.state / "spool/mail/example.test/emil/sieve"
    good = path.read_bytes()
    inst.stop()
    path.write_bytes(b"what is this")
    inst.start()
    send(inst, "emil", "waits")
    wait_for(lambda: "4.3.0 the script cannot be read" in inst.log())
    assert "t-waits" not in subjects(inst, "emil", "INBOX")
    path.write_bytes(good)
    inst.ctl("queue", "retry", "all")
    inst.wait_empty()
    assert "t-waits" in subjects(inst, "emil", "INBOX")


def test_commands(inst):
    a = "finn@example.test"
    assert script(inst, "finn", "keep;\nkep;\n", ok=False) == \
        "rohrpost: main: line 2, column 1: no command kep\n"
    assert inst.json("sieve", "list", a) == []
    script(inst, "finn", "keep;\r\n", "One")
    script(inst, "finn", "# über\n", "zwei drei")
    assert inst.json("sieve", "list", a) == [
        {"name": "One", "active": False},
        {"name": "zwei drei", "active": False}]
    p = inst.command("sieve", "get", a)
    assert p.returncode == 1 and "no script is active" in p.stderr
    inst.ctl("sieve", "activate", a, "zwei drei")
    assert inst.ctl("sieve", "get", a) == "# über\n"
    script(inst, "finn", "discard;", "zwei drei")
    assert [r["active"] for r in inst.json("sieve", "list", a)] == \
        [False, True]
    send(inst, "finn", "dropped")
    inst.wait_empty()
    assert "t-dropped" not in subjects(inst, "finn", "INBOX")
    inst.ctl("sieve", "del", a, "zwei drei")
    assert inst.json("sieve", "list", a) == [{"name": "One", "active": False}]
    for args in (("del", a, "gone"), ("activate", a, "gone"),
                 ("get", a, "gone"), ("put", a, "a\nb"), ("put", a, "x" * 101),
                 ("list", "nobody@example.test")):
        p = inst.command("sieve", *args, input="keep;", stdin=None)
        assert p.returncode == 1 and p.stderr.startswith("rohrpost: "), args
    p = inst.command("sieve", "put", a, "big", input="#" * 140000, stdin=None)
    assert p.returncode == 1
    for n in range(4):
        p = inst.command("sieve", "put", a, "b%d" % n, input="#" * 100000,
                         stdin=None)
    assert p.returncode == 1 and "no room for that script" in p.stderr
    send(inst, "finn", "still")
    inst.wait_empty()
    assert "t-still" in subjects(inst, "finn", "INBOX")


def test_try(inst, tmp_path):
    m, s = tmp_path / "m", tmp_path / "s"
    m.write_bytes(message("x"))
    s.write_text('require ["fileinto","imap4flags","copy","envelope",'
                 '"mailbox"]; redirect "a@b.test"; fileinto :create :flags '
                 '"\\\\Seen x" "Y"; if envelope "from" "q@r.test" { keep; }')
    rows = inst.json("sieve", "test", "finn@example.test", str(m),
                     "--file", str(s), "--from", "q@r.test")
    assert rows == [
        {"action": "redirect", "target": "a@b.test", "flags": [],
         "create": False},
        {"action": "fileinto", "target": "Y", "flags": ["\\Seen", "x"],
         "create": True},
        {"action": "keep", "target": None, "flags": [], "create": False}]
    s.write_text("discard;")
    assert [r["action"] for r in inst.json(
        "sieve", "test", "finn@example.test", str(m), "-f", str(s))] == \
        ["discard"]
    s.write_text('keep;\nredirect "x";')
    p = inst.command("sieve", "test", "finn@example.test", str(m), "-f",
                     str(s))
    assert p.returncode == 1
    assert p.stderr == "rohrpost: %s: line 2, column 10: redirect: x is no " \
        "address\n" % s


def test_before(inst):
    """The script of the system is first, and the user's has what it leaves."""
    path = inst.conf / "before.sieve"
    path.write_text("keep\n")
    p = inst.command("apply")
    assert p.returncode == 1 and "before.sieve: line 2, column 1" in p.stderr
    path.write_text('require ["fileinto","imap4flags","copy","mailbox"];\n'
                    'if header "X-Spam-Flag" "YES" { fileinto "Junk"; } '
                    'else { addflag "$Seen-here"; }')
    inst.ctl("apply")
    script(inst, "gina", 'require ["fileinto","mailbox"];'
           'fileinto :create "Own";')
    send(inst, "gina", "spam", head="X-Spam-Flag: YES\r\n")
    send(inst, "gina", "good")
    send(inst, "finn", "spam2", head="X-Spam-Flag: YES\r\n")
    inst.wait_empty()
    assert subjects(inst, "gina", "Junk") == ["t-spam"]
    assert subjects(inst, "finn", "Junk") == ["t-spam2"]
    assert subjects(inst, "gina", "Own") == ["t-good"]
    assert flags(inst, "gina", "Own") == [{"$Seen-here"}]
    path.unlink()
    inst.ctl("apply")
    send(inst, "finn", "spam3", head="X-Spam-Flag: YES\r\n")
    inst.wait_empty()
    assert "t-spam3" in subjects(inst, "finn", "INBOX")


def test_killed_between(inst, hop):
    """Each once in each place, whoever dies."""
    script(inst, "bert", 'require ["fileinto","mailbox","copy"];'
           'fileinto :create "K1"; fileinto :create "K2"; '
           'redirect "kill@far.test";')
    n = 60
    for i in range(n):
        send(inst, ["bert", "gina"], "kill-%02d" % i)
        if i % 6 == 3:
            prog = ("deliver", "store", "queue")[i // 6 % 3]
            pids = [r["pid"] for r in inst.json("status")
                    if r["program"] == prog and r["pid"]]
            os.kill(pids[0], signal.SIGKILL)
            wait_for(lambda: all(
                r["pid"] and r["pid"] != pids[0] for r in inst.json("status")
                if r["program"] == prog))
    inst.wait_empty(120)
    want = ["t-kill-%02d" % i for i in range(n)]
    assert subjects(inst, "bert", "K1") == want
    assert subjects(inst, "bert", "K2") == want
    # What relay had sent when queue died it may send again.
    sent = {m for m in want for data, _ in list(hop.messages)
            if b"Subject: %s\r\n" % m.encode() in data}
    assert sorted(sent) == want
