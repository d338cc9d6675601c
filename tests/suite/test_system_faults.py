"""What the system does to the suite: processes killed, a second instance,
files that are not what they were; each by the number of its row."""
import contextlib
import os
import pathlib
import signal
import socket
import stat
import subprocess

import pytest

import rohrpost
from probes import Probes

CGROUPS = (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
           ("/sys/fs/cgroup", "memory.max"))
CGROUP_MEMORY = 300 << 20


@contextlib.contextmanager
def memory_cgroup():
    """A function that moves the caller there; a reason where there is
    none."""
    for root, limit in CGROUPS:
        d = pathlib.Path(root) / ("rohrpost-test-%d" % os.getpid())
        try:
            d.mkdir()
        except OSError:
            continue
        try:
            (d / limit).write_text(str(CGROUP_MEMORY))
        except OSError:
            d.rmdir()
            continue
        try:
            with open(d / "cgroup.procs", "wb", 0) as procs:
                yield lambda: procs.write(b"%d" % os.getpid())
        finally:
            rohrpost.wait_for(lambda: not (d / "cgroup.procs").read_text(),
                              10, text="an empty group")
            d.rmdir()
        return
    pytest.skip("no memory cgroup can be made here (needs cgroup "
                "version 1, or 2 with memory in its subtree_control)")


@pytest.mark.root
def test_k8_oom_kill_of_one_child():
    """The kernel ends who has taken the memory, and nobody else; another one
    is there for the next client."""
    with memory_cgroup() as join:
        p = Probes("oom", smtp_idle=2)
        try:
            p.master = p.popen("-f", preexec_fn=join)
            rohrpost.wait_for(p.up, 20, text="master starts")
            with p.client("smtp") as other, p.client("smtp") as eater:
                eater.sock.settimeout(60)
                mine, pid = other.say("who"), int(eater.say("who").split()[1])
                rest = set(p.pids()) - {pid}
                assert eater.say("eat") == ""
                rohrpost.wait_for(lambda: "smtpd (smtp)[%d] died by signal 9"
                                  % pid in p.log())
                assert other.say("who") == mine
                assert other.say("ask queue").startswith("queue ")
                assert rest <= set(p.pids())
            assert p.ask("smtp", "who").startswith("smtpd ")
            assert p.log().count(" died by ") == 1
        finally:
            p.stop()
            rohrpost.remove(p.dir)


def ended(sock):
    """Nobody holds the other end any more."""
    sock.settimeout(20)
    try:
        while sock.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def test_k13_supervisor_dies():
    """Its children end with it: no session goes on, no port is answered by
    an orphan; what was accepted is delivered by the next one."""
    d = rohrpost.scratch("k13")
    inst = rohrpost.Instance(d)
    with inst:
        imap, smtp, pop3 = inst.imap("anna"), inst.smtp(), inst.pop3("bert")
        smtp.ehlo()
        with inst.submission("anna") as s:
            s.sendmail("anna@example.test", ["bert@example.test"],
                       rohrpost.message(1, sender="anna@example.test"))
        before = sum(inst.processes().values(), [])
        # What `rohrpost start --foreground` became.
        inst.master.kill()
        inst.master.wait(20)
        for one in imap.socket(), smtp.sock, pop3.sock:
            assert ended(one)
        rohrpost.wait_for(lambda: not inst.processes(), 20,
                          text="all are gone")
        # The kernel drops a dying process' name before its sockets.
        for port in inst.ports.values():
            rohrpost.wait_for(lambda: rohrpost.refused(port), 5,
                              text="a closed port")
        inst.start()
        inst.wait_count(1, "bert")
        assert not set(before) & set(sum(inst.processes().values(), []))
        assert inst.count("bert") == 1
    rohrpost.remove(d)


def test_stop_is_orderly_in_each_program():
    """None dies of what its walls forbid, and store closes its index: the
    next start needs no recovery."""
    d = rohrpost.scratch("orderly")
    inst = rohrpost.Instance(d).setup()
    try:
        for _ in range(2):
            inst.start()
            with inst.submission("anna") as s:
                s.sendmail("anna@example.test", ["bert@example.test"],
                           rohrpost.message(1, sender="anna@example.test"))
            inst.wait_empty()
            inst.pop3("bert").quit()
            assert inst.stop() == 0
            assert (inst.state / "spool/index/clean").exists()
        assert " died by " not in inst.log(), inst.said()
        assert "ended by force" not in inst.log()
    finally:
        inst.stop()
        rohrpost.remove(d)


@pytest.mark.root
def test_k14_two_instances_on_one_queue():
    """The second refuses, by whatever name it comes to the files, and the
    first notices nothing."""
    first, second = (rohrpost.scratch("k14-" + x) for x in "ab")
    a = rohrpost.Instance(first)
    with a:
        b = rohrpost.Instance(second).setup()
        conf = b.conf / "rohrpost.conf"
        own = conf.read_text()
        link = pathlib.Path(second) / "link"
        link.symlink_to(a.state)
        conf.write_text(own.replace(str(b.state), str(link)))
        r = b.command("start")
        assert r.returncode != 0 and "running already" in r.stderr, r.stderr
        # Another state_dir, but the spool of the first.
        conf.write_text(own)
        (b.state / "spool").mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", a.state / "spool",
                        b.state / "spool"], check=True)
        try:
            r = b.command("start")
            assert r.returncode != 0, r.stderr
            assert "another process uses it" in r.stderr, r.stderr
            assert not b.processes()
        finally:
            subprocess.run(["umount", "-l", b.state / "spool"], check=True)
        with a.submission("anna") as s:
            s.sendmail("anna@example.test", ["bert@example.test"],
                       rohrpost.message(1, sender="anna@example.test"))
        a.wait_count(1, "bert")
    rohrpost.remove(first)
    rohrpost.remove(second)


PLANTED = {
    # No word of it is known: whoever read it would not start.
    "DB_CONFIG": "set_nothing /nowhere\n",
    "tables.cdb": "x" * 3000, "passwd.cdb": "x" * 3000,
    "queue.db": "x" * 8192, "__db.001": "x" * 8192, "log.0000000001": "x",
    "rohrpost.conf": "state_dir = /nowhere\n", "users": "nobody@x.test\n",
}


def test_j9_database_in_the_current_folder():
    """Whoever stands in a stranger's folder reads nothing that lies there,
    and leaves nothing."""
    d = rohrpost.scratch("j9")
    planted = pathlib.Path(rohrpost.scratch("j9-planted"))
    for name, text in PLANTED.items():
        (planted / name).write_text(text)
    planted.chmod(0o777)
    inst = rohrpost.Instance(d).setup()
    for args in (("start",), ("user", "add", "carl@example.test", "--hash",
                              "{SSHA512}" + "A" * 100),
                 ("queue", "list"), ("store", "check"), ("store", "rebuild"),
                 ("config", "check"), ("reload",)):
        r = inst.command(*args, cwd=planted)
        assert r.returncode == 0 or args[0] == "user", (args, r.stderr)
    try:
        r = subprocess.run(
            [str(rohrpost.SENDMAIL), "-C", str(inst.conf),
             "anna@example.test"], input=b"Subject: x\n\nx\n",
            cwd=planted, capture_output=True, timeout=60)
        assert r.returncode == 0, r.stderr
        inst.wait_count(1, "anna")
    finally:
        assert inst.command("stop", cwd=planted).returncode == 0
    assert {f.name: f.read_text() for f in planted.iterdir()} == PLANTED
    rohrpost.remove(planted)
    rohrpost.remove(d)


def other_file(kind, path, secret):
    path.unlink()
    if kind == "symlink":
        path.symlink_to(secret)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as s:
            os.chdir(path.parent)
            s.bind(path.name)
            os.chdir("/")
    elif kind == "device":
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    os.chown(path, os.stat(path.parent).st_uid, os.stat(path.parent).st_gid,
             follow_symlinks=False)


KINDS = ["symlink", "fifo", "folder", "socket"] + (
    ["device"] if os.geteuid() == 0 else [])


@pytest.fixture(scope="module")
def j1():
    d = rohrpost.scratch("j1")
    with rohrpost.Instance(d) as inst:
        yield inst
    rohrpost.remove(d)


@pytest.mark.parametrize("kind", KINDS)
def test_j1_message_that_is_no_file(j1, kind):
    """In the place of a message lies something else: that message cannot be
    read, nobody waits for it, and what it leads to is not shown."""
    inst = j1
    box = "Box" + kind
    secret = pathlib.Path(inst.dir) / "secret"
    secret.write_text("SECRET\r\n\r\nSECRET\r\n")
    m = inst.imap("anna")
    before = set(inst.state.glob("spool/mail/**/2"))
    m.create(box)
    for n in 1, 2:
        assert m.append(box, None, None, rohrpost.message(n))[0] == "OK"
    here, = {f for f in set(inst.state.glob("spool/mail/**/2")) - before
             if f.is_file()}
    other_file(kind, here.with_name("1"), secret)
    m.select(box)
    typ, data = m.uid("FETCH", "1", "(BODY.PEEK[])")
    assert b"SECRET" not in b"".join(
        x if isinstance(x, bytes) else x[0] + x[1] for x in data if x)
    typ, data = m.uid("FETCH", "2", "(BODY.PEEK[])")
    assert typ == "OK" and b"SECRET" not in data[0][1]
    assert m.noop()[0] == "OK"
    m.logout()
    # Others of that shard are served, and the check names it.
    assert inst.count("bert") == 0
    r = inst.command("store", "check", inst.address("anna"))
    assert r.returncode == 1 and r.stdout, (r.stdout, r.stderr)


@pytest.mark.parametrize("kind", KINDS)
def test_j1_list_of_mailboxes_that_is_no_file(j1, kind):
    """It is not read as an empty one: nothing is made again without it, and
    nobody waits."""
    inst = j1
    box = "List" + kind
    m = inst.imap("bert")
    assert m.create(box)[0] == "OK"
    assert m.append(box, None, None, rohrpost.message(1))[0] == "OK"
    m.logout()
    here, = inst.state.glob("spool/mail/*/bert/mailboxes")
    text = here.read_bytes()
    other_file(kind, here, inst.dir / "answers")
    r = inst.command("store", "rebuild", inst.address("bert"))
    assert r.returncode == 1, r.stdout
    owner = here.parent.stat()
    here.rmdir() if kind == "folder" else here.unlink()
    here.write_bytes(text)
    os.chown(here, owner.st_uid, owner.st_gid)
    inst.ctl("store", "rebuild", inst.address("bert"))
    assert inst.count("bert", box) == 1


@pytest.mark.parametrize("name", ["users", "passwd", "domains", "aliases",
                                  "rohrpost.conf"])
def test_j1_table_that_is_no_file(j1, name):
    """A pipe or a folder where the operator's table was: one line that says
    so, and what is in force stays."""
    inst, here = j1, j1.conf / name
    text, compiled = here.read_bytes(), inst.state / "jail/tables.cdb"
    before = compiled.read_bytes()
    for kind in "fifo", "folder", "socket":
        other_file(kind, here, None)
        try:
            r = inst.command("apply", timeout=30)
            assert r.returncode != 0 and len(r.stderr.splitlines()) == 1
            assert str(here) in r.stderr
        finally:
            here.rmdir() if kind == "folder" else here.unlink()
            here.write_bytes(text)
    assert compiled.read_bytes() == before
    assert inst.count("bert") == 0
