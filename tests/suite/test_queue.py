"""Mail that waits: what the operator does with it, retries, reports (RFC
3464), loops, quota, bounds of a message."""
import email
import email.policy
import os
import re
import signal
import smtplib
import subprocess
import time

import pytest

import rohrpost
from rohrpost import body_of, message, wait_for
from test_relay_alone import Hop

ANNA = "anna@example.test"
USERS = ("anna", "bert", "carl", "full", "few")


@pytest.fixture(scope="module")
def hop():
    h = Hop()
    yield h
    h.close()


@pytest.fixture(scope="module")
def inst(hop):
    d = rohrpost.scratch("queue")
    i = rohrpost.Instance(
        d, users=USERS, relay_host="[127.0.0.1]", relay_port=hop.port,
        relay_tls="never", queue_retry_min="2s", queue_retry_max="4s",
        message_size="1M")
    with i:
        i.ctl("domain", "add", "other.test", "--alias", "example.test")
        i.ctl("user", "set", "full@example.test", "--quota", "20K")
        i.ctl("user", "set", "few@example.test", "--quota", "0,3")
        yield i
    rohrpost.remove(d)


def out(inst, to, text=None, user="anna", options=()):
    """Sends to the outside as a user; the queue id."""
    with inst.submission(user) as s:
        assert s.mail(inst.address(user), options)[0] == 250
        for r in [to] if isinstance(to, str) else to:
            assert s.rcpt(r)[0] == 250
        code, words = s.data(
            text or message("out", 500, sender=inst.address(user)))
        assert code == 250
        return words.decode().split()[-1]


def waits(inst, **want):
    """The one message in the queue, as soon as it looks like that."""
    def look():
        rows = inst.json("queue", "list")
        return rows if rows and all(
            rows[0].get(k) == v for k, v in want.items()) else None
    return wait_for(look, 10, 0.05, text="%s in %s" % (
        want, inst.json("queue", "list")))[0]


def newest(inst, user="anna"):
    return list(inst.messages(user).values())[-1]


@pytest.fixture
def down(hop, inst):
    """The next hop refuses everything for now."""
    hop.odd["MAIL"] = ["451 4.3.0 not now"]
    yield
    hop.odd.clear()
    if inst.json("queue", "list"):
        inst.ctl("queue", "delete", "all")


def test_list_show_hold_release_delete(inst, down):
    text = message("held", 3000, ANNA)
    qid = out(inst, ["x@far.test", "y@far.test"], text)
    row = waits(inst)
    assert row["id"] == qid and row["sender"] == "anna@example.test"
    shown, = inst.json("queue", "show", qid)
    assert [r["address"] for r in shown["recipients"]] == \
        ["x@far.test", "y@far.test"]
    assert [t["result"] for r in shown["recipients"]
            for t in r["targets"]] == ["waiting"] * 2
    body = inst.ctl("queue", "show", qid, "--body").encode()
    assert text.replace(b"\r\n", b"\n") in body.replace(b"\r\n", b"\n")
    row = waits(inst, state="deferred")
    assert "4.3.0 not now" in row["reason"] and row["attempts"] >= 1
    assert row["next"] >= time.time() - 2 and row["result"] == "waiting"
    inst.ctl("queue", "hold", qid)
    waits(inst, state="held")
    inst.ctl("queue", "delete", qid)
    assert inst.json("queue", "list") == []
    p = inst.command("queue", "show", qid)
    assert p.returncode == 1 and qid + ": no such message" in p.stderr
    for bad in ("xyz", "../../etc", "0" * 40):
        assert inst.command("queue", "delete", bad).returncode == 1
    # Thrown away tells nobody.
    assert all(b"Undelivered" not in m for m in
               inst.messages("anna").values())


def test_held_mail_waits_released_mail_goes(inst, hop, down):
    qid = out(inst, "held@far.test")
    waits(inst)
    inst.ctl("queue", "hold", "all")
    hop.odd.clear()
    before = len(hop.messages)
    p = inst.command("queue", "retry", qid)
    assert p.returncode == 1 and qid + ": held: release it" in p.stderr
    inst.ctl("queue", "retry", "all")
    time.sleep(2.5)
    assert len(hop.messages) == before
    inst.ctl("queue", "release", "all")
    inst.ctl("queue", "retry", "all")
    wait_for(lambda: len(hop.messages) == before + 1, 10)
    inst.wait_empty()


def test_show_what_mail_asked_for(inst, down):
    def shown(qid):
        return inst.json("queue", "show", qid)[0]
    plain = shown(out(inst, "x@far.test"))
    assert plain["origin"] in ("submission", "submissions")
    assert plain["body"] is None and plain["ret"] is None
    asked = shown(out(inst, "y@far.test", options=["BODY=8BITMIME"]))
    assert asked["body"] == "8BITMIME" and asked["origin"] == plain["origin"]


def test_show_into_a_pipe_that_closes(inst, down):
    qid = out(inst, "long@far.test", message("long", 300000, ANNA))
    p = subprocess.Popen([str(inst.prefix / "sbin" / "rohrpost"), "-c",
                          str(inst.conf), "queue", "show", qid, "--body"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert p.stdout.read(10)
    p.stdout.close()
    assert p.stderr.read() == b""
    p.wait()


def test_retry_by_itself(inst, hop, down):
    """After queue_retry_min, without a hand."""
    out(inst, "late@far.test")
    waits(inst)
    time.sleep(0.3)
    hop.odd.clear()
    before = len(hop.messages)
    wait_for(lambda: len(hop.messages) > before, 15)
    inst.wait_empty()


def test_queue_survives_a_restart(inst, hop, down):
    qid = out(inst, "again@far.test")
    waits(inst)
    inst.stop()
    inst.start()
    assert waits(inst)["id"] == qid
    before = len(hop.messages)
    hop.odd.clear()
    inst.ctl("queue", "retry", "all")
    inst.wait_empty()
    assert len(hop.messages) == before + 1


def report(inst, user="anna"):
    inst.wait_empty()
    m = email.message_from_bytes(newest(inst, user),
                                 policy=email.policy.default)
    assert m.get_content_type() == "multipart/report"
    assert m.get_param("report-type") == "delivery-status"
    assert not m.defects
    return m


def test_bounce_parses(inst, hop):
    hop.odd["RCPT"] = ["550 5.1.1 no such\tuser <here>"]
    before = inst.count("anna")
    try:
        qid = out(inst, ["gone@far.test", "gone2@far.test"],
                  message("bounced", 2000, ANNA))
        inst.wait_count(before + 1, "anna")
    finally:
        hop.odd.clear()
    raw = newest(inst)
    assert raw.startswith(b"Return-Path: <>\r\n")
    m = report(inst)
    assert m["auto-submitted"] == "auto-replied"
    assert "MAILER-DAEMON@mail.example.test" in m["from"]
    text, status, original = m.iter_parts()
    assert text.get_content_type() == "text/plain"
    words = text.get_content()
    assert "<gone@far.test>" in words and "no such" in words
    assert qid in words
    assert status.get_content_type() == "message/delivery-status"
    blocks = status.get_payload()
    assert blocks[0]["reporting-mta"].replace(" ", "") == \
        "dns;mail.example.test"
    assert blocks[0]["arrival-date"]
    assert len(blocks) == 3
    for block, who in zip(blocks[1:], ("gone", "gone2")):
        assert block["action"] == "failed" and block["status"] == "5.1.1"
        assert block["final-recipient"].replace(" ", "") == \
            "rfc822;%s@far.test" % who
        assert block["diagnostic-code"].startswith("smtp; 550 5.1.1 no such")
        assert " " not in block["remote-mta"].replace("dns; ", "")
    assert original.get_content_type() == "text/rfc822-headers"
    assert "bounced" in original.get_content()
    assert b"All work" not in raw


def test_lifetime_ends_in_a_report(inst, hop):
    """With a lifetime of nothing the first failure for now is the last."""
    hop.odd["MAIL"] = ["451 4.3.0 never now"]
    conf = inst.conf / "rohrpost.conf"
    old = conf.read_text()
    conf.write_text(old + "queue_lifetime = 0s\n")
    inst.ctl("reload")
    before = inst.count("anna")
    try:
        out(inst, "slow@far.test")
        inst.wait_count(before + 1, "anna")
    finally:
        hop.odd.clear()
        conf.write_text(old)
        inst.ctl("reload")
    block = list(report(inst).iter_parts())[1].get_payload()[1]
    assert block["status"] == "4.4.7" and block["action"] == "failed"
    assert block["remote-mta"].replace(" ", "") == "dns;127.0.0.1"
    assert "451 4.3.0 never now" in block["diagnostic-code"]


def test_null_sender_is_never_bounced(inst, hop):
    hop.odd["RCPT"] = ["550 5.1.1 gone"]
    before = {u: inst.count(u) for u in ("anna", "bert")}
    try:
        with inst.submission() as s:
            s.mail("")
            s.rcpt("gone@far.test")
            assert s.data(message("null", sender=ANNA))[0] == 250
        inst.wait_empty()
    finally:
        hop.odd.clear()
    time.sleep(0.2)
    assert before == {u: inst.count(u) for u in ("anna", "bert")}


def test_fifty_received(inst):
    text = message("hops")
    trace = (b"Received: from a (a [192.0.2.1]) by b; "
             b"Mon, 02 Nov 2026 10:00:00 +0000\r\n")
    with inst.smtp() as s:
        for n, code in ((50, 250), (51, 554)):
            s.ehlo()
            s.mail("eve@remote.test")
            s.rcpt("bert@example.test")
            got = s.data(trace * n + text)
            assert got[0] == code, got
        assert got[1].startswith(b"5.4.6")


def marked(address):
    """The trace of a message that was here before, for that address."""
    return b"".join((b"Delivered-To: ", address.encode(), b"\r\n",
                     b"Received: from a.test ([192.0.2.1])\r\n",
                     b"\tby mail.example.test (Rohrpost) with ESMTP id 1;\r\n",
                     b"\tMon, 2 Nov 2026 10:00:00 +0000\r\n"))


def test_delivered_to_ends_a_loop(inst):
    """A message that was with that address before is refused; what was with
    another one is not, nor what another host says of that address."""
    b = inst.count("bert")
    with inst.smtp() as s:
        with pytest.raises(smtplib.SMTPDataError) as e:
            s.sendmail("eve@remote.test", ["bert@example.test"],
                       marked("Bert@Example.test")
                       + message("loop"))
        assert e.value.smtp_code == 554
        assert e.value.smtp_error.startswith(b"5.4.6")
        s.sendmail("eve@remote.test", ["bert@example.test"],
                   marked("other@example.test") + message("no"))
        s.sendmail("eve@remote.test", ["bert@example.test"],
                   b"Return-Path: <b@far.test>\r\n"
                   b"Delivered-To: bert@example.test\r\n"
                   b"Received: from elsewhere by old-provider.test; "
                   b"Mon, 2 Nov 2026 10:00:00 +0000\r\n"
                   + message("from the old provider"))
    inst.wait_count(b + 2, "bert")


def test_one_of_two_recipients_loops(inst):
    """Each is judged by itself: the other one has the message. Nobody hears of
    the one where there is no sender."""
    a, b, c = (inst.count(u) for u in ("anna", "bert", "carl"))
    seen = len(inst.log())
    with inst.smtp() as s:
        s.sendmail("<>", ["bert@example.test",
                                        "carl@example.test"],
                   marked("carl@example.test") + message("for one"))
    inst.wait_count(b + 1, "bert")
    wait_for(lambda: "to=<carl@example.test> loops: Delivered-To is there"
             in inst.log()[seen:], text="the refusal of carl")
    assert inst.count("carl") == c and inst.count("anna") == a


def test_forward_that_comes_back(inst, hop):
    """What an alias sent away, and another host sends back to the alias."""
    inst.ctl("alias", "add", "away@example.test", "out@far.test")
    before = len(hop.messages)
    try:
        with inst.smtp() as s:
            s.sendmail("eve@remote.test", ["away@example.test"],
                       message("round"))
            wait_for(lambda: len(hop.messages) == before + 1, 15)
            back = (b"Received: from mail.example.test by far.test; "
                    b"Mon, 2 Nov 2026 10:00:00 +0000\r\n"
                    + hop.messages[-1][0][:-len(b".\r\n")])
            with pytest.raises(smtplib.SMTPDataError) as e:
                s.sendmail("eve@remote.test", ["away@example.test"], back)
            assert e.value.smtp_error.startswith(b"5.4.6 mail loop")
    finally:
        inst.ctl("alias", "del", "away@example.test")


def test_loop_behind_an_alias(inst):
    """Found when the alias was expanded: back to the sender."""
    inst.ctl("alias", "add", "round@example.test", "carl@example.test")
    a, c = inst.count("anna"), inst.count("carl")
    try:
        with inst.submission("anna") as s:
            s.sendmail("anna@example.test", ["round@example.test"],
                       marked("carl@example.test") +
                       message("loop", sender="anna@example.test"))
        inst.wait_count(a + 1, "anna")
    finally:
        inst.ctl("alias", "del", "round@example.test")
    block = list(report(inst).iter_parts())[1].get_payload()[1]
    assert block["status"] == "5.4.6"
    assert inst.count("carl") == c


def test_loop_by_the_owner(inst):
    """It was with carl, and comes to him by another of his addresses."""
    a, c = inst.count("anna"), inst.count("carl")
    with inst.submission("anna") as s:
        s.sendmail("anna@example.test", ["carl+round@other.test"],
                   marked("CARL@example.test") +
                   message("loop", sender="anna@example.test"))
    inst.wait_count(a + 1, "anna")
    block = list(report(inst).iter_parts())[1].get_payload()[1]
    assert block["status"] == "5.4.6"
    assert inst.count("carl") == c


def test_alias_loop_at_run_time(inst):
    """What the tables warn of does not go round for ever."""
    f = inst.conf / "aliases"
    old = f.read_text()
    f.write_text(old + "one@example.test = two@example.test, "
                 "bert@example.test\n"
                 "two@example.test = one@example.test\n")
    p = inst.command("apply")
    assert p.returncode == 0 and "leads to itself" in p.stderr, p.stderr
    b = inst.count("bert")
    with inst.submission("anna") as s:
        s.sendmail("anna@example.test", ["one@example.test"],
                   message("once", sender="anna@example.test"))
    inst.wait_count(b + 1, "bert")
    inst.wait_empty()
    assert inst.count("bert") == b + 1
    f.write_text(old)
    inst.ctl("apply")


def test_an_alias_of_itself_alone_is_refused(inst):
    """It would be taken from anybody and sent back to a forged sender."""
    f = inst.conf / "aliases"
    old = f.read_text()
    line = old.count("\n") + 1
    f.write_text(old + "self@example.test = self@example.test\n")
    p = inst.command("apply")
    assert p.returncode == 1, p.stderr
    assert "aliases:%d: self@example.test leads to itself" % line in p.stderr
    f.write_text(old)
    p = inst.command("alias", "add", "self@example.test", "self@example.test")
    assert p.returncode == 1 and "leads to itself" in p.stderr, p.stderr
    assert f.read_text() == old


def test_chains_catch_all_and_alias_domains(inst):
    inst.ctl("alias", "add", "team@example.test", "anna@example.test",
             "bert@example.test")
    inst.ctl("alias", "add", "all@example.test", "team@example.test",
             "carl@other.test", "far@far.test")
    inst.ctl("alias", "add", "@example.test", "carl@example.test")
    try:
        n = {u: inst.count(u) for u in ("anna", "bert", "carl")}
        with inst.smtp() as s:
            s.sendmail("eve@remote.test",
                       ["all@other.test", "ALL@example.test",
                        "bert+tag@Other.Test", "anna@example.test"],
                       message("chain"))
        for u in n:
            inst.wait_count(n[u] + 1, u)
        inst.wait_empty()
        assert {u: inst.count(u) - n[u] for u in n} == {
            "anna": 1, "bert": 1, "carl": 1}
        with inst.smtp() as s:
            s.sendmail("eve@remote.test", ["whoever@example.test"],
                       message("catch"))
        inst.wait_count(n["carl"] + 2, "carl")
        # Who is reached owns the address; who is not does not.
        with inst.submission("carl") as s:
            assert s.mail("anything@example.test")[0] == 250
        with inst.submission("bert") as s:
            assert s.mail("team@other.test")[0] == 250
            s.rset()
            assert s.mail("anything@example.test")[0] == 553
            assert s.mail("anna@example.test")[0] == 553
        # A tag is one only where that name is nobody's own.
        inst.ctl("alias", "add", "anna+sales@example.test",
                 "bert@example.test")
        with inst.submission("anna") as s:
            assert s.mail("anna+sales@example.test")[0] == 553
            assert s.mail("anna+other@example.test")[0] == 250
        with inst.submission("bert") as s:
            assert s.mail("anna+sales@example.test")[0] == 250
        inst.ctl("alias", "del", "anna+sales@example.test")
    finally:
        for a in ("@example.test", "all@example.test", "team@example.test"):
            inst.ctl("alias", "del", a)


def test_postmaster_and_abuse(inst):
    """Always somebody, also without a domain and over every list."""
    n = inst.count("anna")
    to = ("<postmaster>", "<Postmaster>", "<POSTMASTER@example.test>",
          "<abuse@example.test>", "<abuse@other.test>")
    with inst.raw() as r:
        r.reply()
        r.cmd("EHLO x")
        for rcpt in to:
            assert r.cmd("MAIL FROM:<>").startswith("250")
            assert r.cmd("RCPT TO:" + rcpt).startswith("250"), rcpt
            assert r.cmd("DATA").startswith("354")
            r.send(message("pm") + b".\r\n")
            assert r.reply().startswith("250")
        assert r.cmd("MAIL FROM:<>").startswith("250")
        assert r.cmd("RCPT TO:<abuse>")[0] == "5"
        assert r.cmd("RCPT TO:<anna>")[0] == "5"
    inst.wait_count(n + len(to), "anna")


def rcpt(inst, who):
    with inst.smtp() as s:
        s.ehlo()
        s.mail("eve@remote.test")
        code, words = s.rcpt(who)
        return code, words[:5]


def fill(inst, who, size):
    """Sends until 452 is the answer; the number sent."""
    for i in range(10):
        if rcpt(inst, who) == (452, b"4.2.2"):
            return i
        with inst.smtp() as s:
            s.sendmail("eve@remote.test", [who], message(i, size))
        inst.wait_empty()
        time.sleep(0.15)
    raise AssertionError("never refused")


def test_quota_size(inst):
    """The message that passes the bound is taken, the next one hears 452; it
    is over when there is room again."""
    who = "full@example.test"
    assert fill(inst, who, 6000) == 4
    assert inst.count("full") == 4
    # Another recipient of the same message is served.
    with inst.smtp() as s:
        refused = s.sendmail("eve@remote.test", [who, "bert@example.test"],
                             message("both"))
        assert list(refused) == [who]
    rows = {r["user"]: r for r in inst.json("store", "list")}
    assert rows[who]["quota_size"] == 20480 and rows[who]["full"]
    # By IMAP the bound is strict.
    m = inst.imap("full")
    m.select()
    m.store("1", "+FLAGS", "\\Deleted")
    m.expunge()
    wait_for(lambda: rcpt(inst, who)[0] == 250, 10)
    typ, words = m.append("INBOX", None, None, message("x", 6000))
    assert typ == "NO" and b"OVERQUOTA" in words[0]
    m.store("1:*", "+FLAGS", "\\Deleted")
    m.expunge()
    m.logout()
    rows = {r["user"]: r for r in inst.json("store", "list")}
    assert not rows[who]["full"] and rows[who]["messages"] == 0


def test_larger_than_the_quota(inst):
    """Refused where the client says how large it is; else returned at once."""
    who = "full@example.test"
    n = inst.count("anna")
    with inst.smtp() as s:
        s.ehlo()
        assert s.mail("e@remote.test", ["SIZE=30000"])[0] == 250
        code, words = s.rcpt(who)
        assert (code, words[:5]) == (552, b"5.2.3")
        s.rset()
        s.mail("anna@example.test")
        assert s.rcpt(who)[0] == 250
        assert s.data(message("huge", 30000))[0] == 250
    inst.wait_count(n + 1, "anna")
    assert b"\r\nStatus: 5.2.3\r\n" in max(inst.messages("anna").items())[1]


def test_quota_count(inst):
    assert fill(inst, "few@example.test", 1000) == 3
    assert inst.count("few") == 3
    # More room is there at once when the operator says so.
    inst.ctl("user", "set", "few@example.test", "--quota", "0,10")
    wait_for(lambda: rcpt(inst, "few@example.test")[0] == 250, 10)


def test_quota_raised_for_a_full_account(inst):
    """One that store has not read since its start, for it gets no mail."""
    who = "few@example.test"
    inst.ctl("user", "set", who, "--quota", "0,3")
    wait_for(lambda: rcpt(inst, who) == (452, b"4.2.2"), 10)
    inst.stop()
    inst.start()
    wait_for(lambda: rcpt(inst, who) == (452, b"4.2.2"), 10)
    inst.ctl("user", "set", who, "--quota", "0,10")
    wait_for(lambda: rcpt(inst, who)[0] == 250, 10)


def test_message_size(inst):
    with inst.smtp() as s:
        s.ehlo()
        assert s.esmtp_features["size"] == str(1 << 20)
        assert s.docmd("MAIL FROM:<e@remote.test> SIZE=1048577")[0] == 552
        assert s.docmd(
            "MAIL FROM:<e@remote.test> SIZE=18446744073709551617")[0] == 501
        n = inst.count("bert")
        head = b"Subject: exact\r\n\r\n"
        for size, code in ((1 << 20, 250), ((1 << 20) + 1, 552)):
            line = b"x" * 62 + b"\r\n"
            text = head + line * ((size - len(head)) // 64)
            text += b"y" * (size - len(text) - 2) + b"\r\n"
            assert len(text) == size
            s.mail("e@remote.test")
            s.rcpt("bert@example.test")
            assert s.data(text)[0] == code, size
    inst.wait_count(n + 1, "bert")
    assert len(body_of(newest(inst, "bert"))) == 1 << 20


def test_a_thousand_recipients(inst, hop):
    """Each one once, over few transactions; the one behind is refused."""
    before = len(hop.lines)
    with inst.submission() as s:
        s.mail("anna@example.test")
        for i in range(1000):
            assert s.rcpt("r%d@far.test" % i)[0] == 250, i
        # However many more there are, those that were taken get the mail.
        for i in range(150):
            code, words = s.rcpt("r%d@far.test" % (1000 + i))
            assert code == 452 and words.startswith(b"4.5.3"), i
        assert s.data(message("many", sender=ANNA))[0] == 250
    inst.wait_empty(60)
    got = [re.sub(r".*<(.*)>.*", r"\1", x) for x in hop.lines[before:]
           if x.upper().startswith("RCPT")]
    assert sorted(got) == sorted("r%d@far.test" % i for i in range(1000))


def test_local_recipient_many_times(inst):
    n = inst.count("bert")
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["bert@example.test"] * 200
                   + ["bert+a@example.test", "BERT@other.test"],
                   message("dup"))
    inst.wait_empty()
    assert inst.count("bert") == n + 1


def test_a_new_file_has_the_group_of_its_folder(inst):
    """Store may link what it may write: protected_hardlinks asks for it."""
    body = inst.state / "spool" / "queue" / "body"
    group = body.stat().st_gid

    def blanks():
        return [f.stat() for f in body.iterdir()]
    wait_for(lambda: len(list(body.iterdir())) > 0, 10)
    for st in blanks():
        assert (st.st_gid, st.st_mode & 0o7777) == (group, 0o660)


def test_trace(inst, hop):
    qid = out(inst, ["traced@far.test", "bert@example.test"])
    inst.wait_empty()
    rows = wait_for(lambda: (lambda r: r if len(r) >= 3 else None)(
        inst.json("trace", qid)), 10)
    text = inst.ctl("trace", qid)
    for word in ("from=<anna@example.test>", "to=<traced@far.test>",
                 "to=<bert@example.test>", "250 2.0.0 taken"):
        assert word in text
    assert all(row["time"] and row["program"] for row in rows)
    assert qid in inst.ctl("trace", "traced@far.test")


def test_the_class_of_a_refusal(inst, hop):
    """In the list, of one message, in the trace, and what the sender can do."""
    hop.odd["RCPT"] = ["451 4.7.0 low reputation of your address"]
    try:
        qid = out(inst, ["trusts-not@far.test"])
        row = waits(inst, state="deferred")
        assert row["id"] == qid and row["class"] == "reputation", row
        shown, = inst.json("queue", "show", qid)
        assert [t["class"] for r in shown["recipients"]
                for t in r["targets"]] == ["reputation"]
        assert wait_for(lambda: [r for r in inst.json("trace", qid)
                                 if r["class"] == "reputation"], 60)
        assert ", reputation: 4.7.0 " in inst.ctl("trace", qid)
        hop.odd["RCPT"] = ["550 5.1.1 no such user"]
        n = inst.count("anna")
        inst.ctl("queue", "retry", qid)
        inst.wait_empty()
    finally:
        hop.odd.clear()
    wait_for(lambda: inst.count("anna") == n + 1, 60)
    assert b"Please check the address" in newest(inst)
    assert wait_for(lambda: [r for r in inst.json("trace", qid)
                             if r["class"] == "address"], 60)


def test_a_silent_queue_is_told_from_one_that_is_down():
    """Its socket is master's, so that it can be connected to all the same."""
    d = rohrpost.scratch("silent")
    inst = rohrpost.Instance(d)

    def said():
        p = inst.command("queue", "list")
        assert p.returncode == 75
        return p.stderr.strip()
    with inst:
        pid = inst.processes()["queue"][0]
        os.kill(pid, signal.SIGSTOP)
        assert said() == "rohrpost: queue does not answer"
        folder = inst.state / "spool" / "queue"
        mode = folder.stat().st_mode & 0o7777
        folder.chmod(0)
        try:
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: "the next try is in 2 s" in inst.log(), 30)
            assert said().startswith("rohrpost: queue is down; ")
        finally:
            folder.chmod(mode)
    rohrpost.remove(d)


def test_j7_two_at_once_into_the_last_kilobyte(inst):
    """Both were told yes before either was there: one passes the bound, the
    other waits; the next one hears 452. The list of the full may go."""
    who = "edge@example.test"
    inst.ctl("user", "add", who, "--stdin", "--quota", "20480", stdin=None,
             input=rohrpost.PASSWORD + "\n")
    with inst.smtp() as a, inst.smtp() as b:
        a.sendmail("eve@remote.test", [who], message("most", 19500))
        inst.wait_count(1, "edge")
        for s in a, b:
            s.ehlo()
            assert s.mail("eve@remote.test")[0] == 250
            assert s.rcpt(who)[0] == 250
            assert s.docmd("DATA")[0] == 354
        for s, name in (a, "one"), (b, "two"):
            s.send(message(name, 4000) + b".\r\n")
        for s in a, b:
            assert s.getreply()[0] == 250
    inst.wait_count(2, "edge")
    waits(inst, state="deferred", target=who)
    assert inst.count("edge") == 2
    wait_for(lambda: rcpt(inst, who) == (452, b"4.2.2"), 10)
    full = inst.state / "jail/state/full.cdb"
    full.unlink()
    # What comes meanwhile waits in the queue or is there; it is not lost.
    with inst.smtp() as s:
        taken = s.mail("eve@remote.test")[0] == 250 and (
            s.rcpt(who)[0] == 250) and s.data(message("three", 900))[0] == 250
    inst.stop()
    inst.start()
    wait_for(lambda: rcpt(inst, who) == (452, b"4.2.2"), 10)
    inst.ctl("user", "set", who, "--quota", "1M")
    inst.ctl("queue", "retry", "all")
    inst.wait_empty()
    assert inst.count("edge") == 3 + taken
