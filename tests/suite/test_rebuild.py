"""store rebuild: the index is made again from the files, and no number comes
back."""
import os
import re
import shutil
import signal

import rohrpost
from rohrpost import message

USERS = ("anna",)


def picture(inst):
    """Mailbox -> UIDVALIDITY, UIDNEXT, {uid: (flags, date, octets)}."""
    out = {}
    m = inst.imap()
    typ, rows = m.list()
    for row in rows:
        if b"\\Noselect" in row:
            continue
        name = re.search(rb'"([^"]*)"$|(\S+)$', row)
        name = (name.group(1) or name.group(2)).decode()
        typ, data = m.status(name, "(UIDVALIDITY UIDNEXT MESSAGES)")
        n = {k: int(v) for k, v in
             re.findall(rb"(\w+) (\d+)", data[0].split(b"(")[1])}
        m.select(name, readonly=True)
        mails = {}
        if n[b"MESSAGES"]:
            typ, data = m.uid("FETCH", "1:*",
                              "(FLAGS INTERNALDATE BODY.PEEK[])")
            for item in data:
                if isinstance(item, tuple):
                    uid = int(re.search(rb"UID (\d+)", item[0]).group(1))
                    flags = set(re.search(rb"FLAGS \(([^)]*)\)", item[0])
                                .group(1).split()) - {b"\\Recent"}
                    date = re.search(rb'INTERNALDATE "([^"]*)"', item[0])
                    mails[uid] = (flags, date.group(1), item[1])
        out[name] = (n[b"UIDVALIDITY"], n[b"UIDNEXT"], mails)
    m.logout()
    return out


def fill(inst):
    with inst.smtp() as s:
        for i in range(12):
            s.sendmail("eve@remote.test", ["anna@example.test"],
                       message(i, 3000))
    inst.wait_count(12)
    m = inst.imap()
    m.create("Work/Deep")
    m.select("INBOX")
    m.store("1:3", "+FLAGS", "(\\Seen)")
    m.store("2", "+FLAGS", "(\\Flagged $Label1 Other)")
    m.copy("4:6", "Work/Deep")
    m.store("7:8", "+FLAGS", "(\\Deleted)")
    m.expunge()
    m.append("Sent", "(\\Seen)", '"01-Jan-2020 12:00:00 +0100"',
             message("append"))
    # the last uid of a mailbox goes: it must not be given again
    m.select("Work/Deep")
    m.store("3", "+FLAGS", "(\\Deleted)")
    m.expunge()
    m.logout()


def same_but_numbers_rise(before, after):
    assert before.keys() == after.keys()
    for name in before:
        v0, next0, mails0 = before[name]
        v1, next1, mails1 = after[name]
        assert v0 == v1, name
        assert mails0 == mails1, name
        assert next1 >= next0, name


def test_index_removed_while_stopped(tmp_path):
    d = rohrpost.scratch("rebuild")
    inst = rohrpost.Instance(d, users=USERS)
    with inst:
        fill(inst)
        before = picture(inst)
    shutil.rmtree(inst.state / "spool" / "index")
    (inst.state / "spool" / "index").mkdir(mode=0o700)
    with_root_owner(inst)
    inst.start()
    after = picture(inst)
    same_but_numbers_rise(before, after)
    assert after["INBOX"][1] >= before["INBOX"][1] + (1 << 20) - 64
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@example.test"], message("new"))
    inst.wait_count(11)
    uid = max(inst.messages())
    assert uid >= before["INBOX"][1] and uid not in before["INBOX"][2]
    assert inst.command("store", "check").returncode == 0
    inst.stop()
    rohrpost.remove(d)


def flags_on_disk(inst, number="1"):
    """uid -> letters of the flags of a mailbox's messages, in the text beside
    the files: what a rebuild has when the index is gone."""
    out = {}
    box = box_of(inst) / number
    if not (box / "flags").exists():
        return out
    for line in (box / "flags").read_text().splitlines():
        words = line.split()
        if words[0].isdigit() and len(words) >= 5:
            out[int(words[0])] = words[1]
    return out


def all_on_disk(inst):
    """Each message of each mailbox has a line."""
    return all({int(f.name) for f in box.iterdir() if f.name.isdigit()} <=
               flags_on_disk(inst, box.name).keys()
               for box in box_of(inst).iterdir() if box.is_dir())


def test_flags_outlive_the_index():
    """Flags that were set a minute ago are in the text: a kill and the loss
    of the index take none of them."""
    d = rohrpost.scratch("flags")
    inst = rohrpost.Instance(d, users=USERS)
    with inst:
        fill(inst)
        m = inst.imap()
        m.select("INBOX")
        uids = m.uid("SEARCH", "ALL")[1][0].split()
        m.uid("STORE", uids[-1], "+FLAGS", "(\\Answered \\Flagged $Kept)")
        m.uid("STORE", uids[0], "-FLAGS", "(\\Seen)")
        m.logout()
        before = picture(inst)
        rohrpost.wait_for(
            lambda: set(flags_on_disk(inst).get(int(uids[-1]), "")) == {*"AF"}
            and flags_on_disk(inst).get(int(uids[0])) == "-"
            and all_on_disk(inst), 90, 0.5,
            text="flags in the text")
        os.kill(inst.master.pid, signal.SIGKILL)
        inst.master.wait(20)
        rohrpost.wait_for(lambda: not inst.processes(), 20,
                          text="the children of a dead master end")
        shutil.rmtree(inst.state / "spool" / "index")
        (inst.state / "spool" / "index").mkdir(mode=0o700)
        with_root_owner(inst)
        inst.start()
        inst.ctl("store", "rebuild")
        same_but_numbers_rise(before, picture(inst))
    rohrpost.remove(d)


def box_of(inst):
    return inst.state / "spool" / "mail" / "example.test" / "anna"


def send(inst, name):
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["anna@example.test"], message(name))


def wait_log(inst, words):
    rohrpost.wait_for(lambda: words in inst.log(), 60,
                      text="%r in the log\n%s" % (words, inst.said()))


def test_mail_not_mounted():
    """Without the mail folder store does not start over its index; with it
    everything is there."""
    d = rohrpost.scratch("unmounted")
    inst = rohrpost.Instance(d, users=USERS)
    with inst:
        fill(inst)
        before = picture(inst)
    mail, away = inst.state / "spool" / "mail", inst.state / "away"
    mail.rename(away)
    out = inst.command("start")
    assert out.returncode != 0
    wait_log(inst, "is the file system of the mail not mounted?")
    inst.command("stop")
    rohrpost.wait_for(lambda: not inst.processes(), 60, text="the end")
    assert not (mail / "example.test").exists()
    shutil.rmtree(mail, ignore_errors=True)
    away.rename(mail)
    inst.start()
    assert picture(inst) == before
    inst.stop()
    rohrpost.remove(d)


def test_folder_removed():
    """The folder of an account that is used again was removed: new mail waits
    until the operator gives up the old; no number comes back."""
    d = rohrpost.scratch("removed")
    inst = rohrpost.Instance(d, users=("post", "anna"), queue_retry_min="1s",
                             queue_retry_max="2s")
    with inst:
        fill(inst)
        before = picture(inst)
        inst.ctl("user", "del", "anna@example.test")
        inst.stop()
        shutil.rmtree(box_of(inst))
        inst.start()
        inst.ctl("user", "add", "anna@example.test", "--stdin",
                 stdin=None, input=rohrpost.PASSWORD + "\n")
        send(inst, "waits")
        wait_log(inst, "or give them up with rohrpost store rebuild anna@")
        assert inst.command("store", "rebuild").returncode == 0
        assert not box_of(inst).exists()
        assert len(inst.json("queue", "list")) == 1
        inst.ctl("store", "rebuild", "anna@example.test")
        inst.ctl("queue", "retry", "all")
        inst.wait_count(1, seconds=60)
        inst.wait_empty()
        after = picture(inst)
        for name, (validity, uidnext, mails) in after.items():
            assert validity > max(v for v, n, m in before.values())
            assert len(mails) == (name == "INBOX")
        assert inst.command("store", "check").returncode == 0
    rohrpost.remove(d)


def test_broken_index_is_set_aside():
    """Random octets in every file of the index: it is kept for a look, and
    made again."""
    d = rohrpost.scratch("broken")
    inst = rohrpost.Instance(d, users=USERS)
    with inst:
        fill(inst)
        before = picture(inst)
    index = inst.state / "spool" / "index"
    for f in index.rglob("*"):
        if f.is_file() and f.name != "lock":
            f.write_bytes(os.urandom(f.stat().st_size))
    inst.start()
    same_but_numbers_rise(before, picture(inst))
    assert len(list(index.glob("bad-*"))) == 1
    assert inst.command("store", "check").returncode == 0
    inst.stop()
    rohrpost.remove(d)


def with_root_owner(inst):
    """As root the new folder belongs to whom the old one did."""
    mail = (inst.state / "spool" / "mail").stat()
    if os.geteuid() == 0:
        os.chown(inst.state / "spool" / "index", mail.st_uid, mail.st_gid)


def test_rebuild_while_running(inst):
    fill(inst)
    # flags reach the text file within 60 s; `store rebuild` flushes first
    before = picture(inst)
    out = inst.command("store", "rebuild")
    assert out.returncode == 0, out.stderr
    same_but_numbers_rise(before, picture(inst))
    assert inst.command("store", "check").returncode == 0


def test_check_finds_a_lost_file(inst):
    fill(inst)
    box = inst.state / "spool" / "mail" / "example.test" / "anna"
    victim = sorted(f for f in box.glob("*/*") if f.name.isdigit())[0]
    data = victim.read_bytes()
    victim.unlink()
    out = inst.command("store", "check")
    assert out.returncode == 1
    assert re.search(r"^anna@example\.test +INBOX +message %d has no file$"
                     % int(victim.name), out.stdout, re.M), out.stdout
    victim.write_bytes(data)
