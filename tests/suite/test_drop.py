"""The drop directory: what sendmail takes while the suite is down goes at the
start, in the name of who left it; what others put there hurts nobody else."""
import contextlib
import email
import json
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import time

import jsonschema
import pytest

import rohrpost
import test_json
import test_privileges

pytestmark = pytest.mark.root
STRANGER = 65534        # nobody: a user of the system
NAMELESS = 54321        # who has no name
HEAD = re.compile(rb"rohrpost-drop 1 \d{20} [0-9a-f]{8}\n")


@pytest.fixture(scope="module")
def inst():
    d = rohrpost.scratch("drop")
    with rohrpost.Instance(d, users=("anna",)) as i:
        os.chmod(d, 0o755)
        yield i
    rohrpost.remove(d)


@contextlib.contextmanager
def down(inst):
    inst.stop()
    try:
        yield inst.state / "spool" / "drop"
    finally:
        inst.start()


def sendmail(inst, name, *to, user=0, prefix=(), **kw):
    """A message of that subject; its exit status and what was said."""
    p = subprocess.run(
        [*prefix, str(rohrpost.SENDMAIL), "-C", str(inst.conf), "-i", *to],
        input=b"Subject: %s\n\nx\n" % name.encode(), capture_output=True,
        timeout=60, user=user, group=user, extra_groups=[], **kw)
    return p.returncode, p.stderr.decode(errors="replace")


def subjects(inst):
    return sorted(email.message_from_bytes(m)["Subject"]
                  for m in inst.messages().values())


def arrived(inst, *names):
    rohrpost.wait_for(lambda: set(names) <= set(subjects(inst)), 60,
                      text="the messages " + " ".join(names))


def names(drop):
    return sorted(os.listdir(drop))


def waits(inst, drop):
    """Until nothing lies there that could go."""
    rohrpost.wait_for(lambda: not [n for n in names(drop)
                                   if not n.startswith("bad.")], 60,
                      text="an empty drop directory")


def test_what_is_left_goes_at_the_start(inst):
    """Whole, once, with the rights of its owner and the moment of its
    writing."""
    with down(inst) as drop:
        st = drop.stat()
        assert (st.st_uid, stat.S_IMODE(st.st_mode)) == (0, 0o1733)
        assert sendmail(inst, "by root", "-f", "someone@else.test",
                        "anna@example.test") == (0, "")
        assert sendmail(inst, "by nobody", "anna@example.test",
                        user=STRANGER) == (0, "")
        assert names(drop) == ["0.0", "65534.0"]
        for n, uid in ("0.0", 0), ("65534.0", STRANGER):
            st = (drop / n).stat()
            assert (st.st_uid, st.st_nlink, st.st_mode) == (
                uid, 1, stat.S_IFREG | 0o600)
            assert HEAD.match((drop / n).read_bytes())
        mailq = subprocess.run([str(rohrpost.SENDMAIL), "-C", str(inst.conf),
                                "-bp"], capture_output=True, text=True)
        assert mailq.returncode == 75
        rows = mailq.stdout.splitlines()
        assert rows[0].split()[:7] == ["ID", "STATE", "ARRIVED", "SIZE",
                                       "SENDER", "RECIPIENT", "TARGET"]
        listed = inst.command("queue", "list")
        assert (listed.returncode, listed.stdout) == (75, mailq.stdout)
        rows_json = json.loads(inst.command("queue", "list", "--json").stdout)
        assert {(r["id"], r["state"]) for r in rows_json} == {
            ("0.0", "dropped"), ("65534.0", "dropped")}
        jsonschema.validate(rows_json, test_json.schema("queue list"))
        # Whoever owns a file sets its time.
        was = (drop / "65534.0").stat()
        os.utime(drop / "65534.0", (-5, -5))
        rows_json = json.loads(inst.command("queue", "list", "--json").stdout)
        jsonschema.validate(rows_json, test_json.schema("queue list"))
        os.utime(drop / "65534.0", ns=(was.st_atime_ns, was.st_mtime_ns))
        assert [r.split()[0] for r in sorted(rows[1:])] == ["0.0", "65534.0"]
        assert "someone@else.test" in sorted(rows[1:])[0]
        p = subprocess.run([str(rohrpost.SENDMAIL), "-C", str(inst.conf),
                            "-bp"], capture_output=True, user=STRANGER)
        assert p.returncode == 77 and not p.stdout
        left = time.time()
        time.sleep(1.1)
    arrived(inst, "by root", "by nobody")
    waits(inst, drop)
    for m in inst.messages().values():
        m = email.message_from_bytes(m)
        assert email.utils.parsedate_to_datetime(
            m["Date"]).timestamp() <= left
    log = inst.log()
    assert re.search(r"from=<someone@else\.test> .* login=root ", log)
    assert re.search(r"from=<nobody@mail\.example\.test> .* login=nobody ",
                     log)
    assert subjects(inst) == ["by nobody", "by root"]
    p = subprocess.run([str(rohrpost.SENDMAIL), "-C", str(inst.conf), "-bp"],
                       capture_output=True, text=True)
    assert p.stdout == "Mail queue is empty\n"


def test_what_is_refused_goes_back(inst):
    """The caller was told 0: who is refused is told by mail, the others are
    sent to. A sender that is not the caller's own is refused at the start."""
    with down(inst) as drop:
        assert sendmail(inst, "half", "anna@example.test",
                        "none@example.test")[0] == 0
        assert sendmail(inst, "forged", "-f", "anna@example.test",
                        "anna@example.test", user=STRANGER)[0] == 0
    arrived(inst, "half")
    waits(inst, drop)
    reports = [m for m in map(email.message_from_bytes,
                              inst.messages().values())
               if m["Auto-Submitted"]]
    # root's mail and a system user's are postmaster's, and she is that
    found = {}
    for m in reports:
        text, back = m.get_payload()
        found[back.get_payload()[0]["Subject"]] = (m["To"], text.get_payload())
    assert found["half"][0] == "<root@example.test>"
    assert "none@example.test: 550 5.1.1 no such mailbox" in found["half"][1]
    assert found["forged"][0] == "<nobody@mail.example.test>"
    assert "anna@example.test: 553 5.7.1 " in found["forged"][1]
    assert "forged" not in subjects(inst)


def test_hostile_files(inst):
    """Whatever a user makes there: the mail of others goes, in nobody else's
    name, and no reader stands still."""
    secret = inst.dir / "secret"
    secret.write_text("rohrpost-drop 1\nno mail\n")
    before = set(subjects(inst))
    with down(inst) as drop:
        def as_stranger():
            # Slots of root's, and things of his own

            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
            os.mkfifo(drop / "0.0", 0o666)
            os.symlink("/etc/shadow", drop / "0.1")
            os.mkdir(drop / "0.2")
            os.mkdir(drop / "0.3")
            (drop / "0.3" / "x").write_text("")
            (drop / "0.4").write_text("x")
            os.mkfifo(drop / "65534.50", 0o666)
            os.symlink(secret, drop / "65534.51")
            with open(drop / "65534.52", "w") as f:
                f.truncate(1 << 40)
            with open(drop / "65534.53", "w") as f:
                f.truncate(90 << 20)
            (drop / "65534.54").write_text("no mail\n" * 10)
            (drop / "bad.65534.54").write_text("kept before")
            (drop / "65534.55").write_text("")
            (drop / "\x1b[2J").write_text("")
            os.mkfifo(drop / "x", 0o666)

        pid = os.fork()
        if pid == 0:
            try:
                as_stranger()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0
        os.link(secret, drop / "0.5")
        # A program of the suite is no sender.
        forged = (drop / "1.0")
        assert sendmail(inst, "stolen", "anna@example.test", user=1)[0] == 0
        store = int(subprocess.run(["id", "-u", "rp-store"], text=True,
                                   capture_output=True).stdout)
        os.chown(forged, store, -1)
        forged.rename(drop / ("%d.0" % store))
        assert sendmail(inst, "honest", "anna@example.test")[0] == 0
        assert sendmail(inst, "named", "anna@example.test",
                        user=NAMELESS)[0] == 0
        assert "0.6" in names(drop)
    arrived(inst, "honest")
    # A user id without a name stays until it has one; what has no head yet
    # until it is old.
    stay = ["%d.0" % NAMELESS, "65534.53", "65534.55"]
    rohrpost.wait_for(lambda: set(stay) == {
        n for n in names(drop) if not n.startswith("bad.")}, 60,
        text="the drop directory is tidied: %s" % names(drop))
    assert [re.sub(r"\.[0-9a-f]{8}$", ".RANDOM", n) for n in names(drop)] == \
        sorted(["bad.0.3", "bad.0.4", "bad.0.5", "bad.65534.52",
                "bad.65534.54", "bad.65534.54.RANDOM", *stay])
    assert set(subjects(inst)) - before == {"honest"}
    log = inst.log()
    for words in ("spool/drop/0.0 is no message: removed",
                  "spool/drop/0.4 is not its owner's by its name: set aside",
                  "spool/drop/65534.52 is larger than a message may be: "
                  "set aside",
                  "spool/drop/65534.54 cannot be sent: set aside"):
        assert log.count(words) == 1, words
    assert secret.read_text() == "rohrpost-drop 1\nno mail\n"
    for n in names(drop):
        if (drop / n).is_dir():
            shutil.rmtree(drop / n)
        else:
            (drop / n).unlink()


def test_who_sends(inst):
    """A process as the owner of the file, without a group of his; as rp-pickup
    for root: confined, with one file open."""
    user = pwd.getpwnam("rp-pickup")
    found = {}

    def look():
        for pid in inst.processes().get("pickup", []):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                os.kill(pid, signal.SIGSTOP)
                st = test_privileges.status_of(pid)
                if st["Seccomp"] == ["2"]:
                    found[int(st["Uid"][0])] = (
                        st, sorted(os.readlink("/proc/%d/fd/%s" % (pid, n))
                                   for n in os.listdir("/proc/%d/fd" % pid)))
                os.kill(pid, signal.SIGCONT)
        return len(found) == 2
    with down(inst) as drop:
        for uid in 0, STRANGER:
            for _ in range(6):
                text = b"Subject: large\n\n" + b"x\n" * (2 << 20)
                p = subprocess.run([str(rohrpost.SENDMAIL), "-C",
                                    str(inst.conf), "anna@example.test"],
                                   input=text, user=uid, extra_groups=[])
                assert p.returncode == 0
    rohrpost.wait_for(look, 60, step=0.001, text="a pickup of each")
    waits(inst, drop)
    assert set(found) == {user.pw_uid, STRANGER}
    for uid, (st, files) in found.items():
        assert set(map(int, st["Uid"])) == {uid}
        assert set(map(int, st["Gid"] + st["Groups"])) == {user.pw_gid}
        assert st["NoNewPrivs"] == ["1"]
        assert {int(st[c][0], 16) for c in ("CapInh", "CapPrm", "CapEff",
                                            "CapAmb")} == {0}
        assert len([f for f in files if f.startswith(str(drop))]) <= 1
        # The folder of the sockets is open while it connects.
        run = str(inst.state / "run")
        assert not [f for f in files if f.startswith("/") and f != run and
                    not f.startswith(("/dev/null", str(drop)))]


def test_share_of_one_user(inst):
    """A full share is told; it is nobody else's."""
    with down(inst) as drop:
        for n in range(98):
            (drop / ("65534.%d" % n)).touch()
            os.chown(drop / ("65534.%d" % n), STRANGER, STRANGER)
        for n in "s1", "s2":
            assert sendmail(inst, n, "anna@example.test",
                            user=STRANGER)[0] == 0
        status, said = sendmail(inst, "s3", "anna@example.test",
                                user=STRANGER)
        assert status == 75 and "100 messages of yours wait already" in said
        assert sendmail(inst, "s4", "anna@example.test")[0] == 0
        for n in range(98):
            (drop / ("65534.%d" % n)).unlink()
    arrived(inst, "s1", "s2", "s4")
    waits(inst, drop)
    assert "s3" not in subjects(inst)


# What fails or kills sendmail while it writes: (call, which, what)
FAULTS = [(call, n, what)
          for call, times in (("openat", 0), ("write", 2), ("lseek", 2),
                              ("fdatasync", 1), ("syncfs", 1))
          for n in range(1, times + 1)
          for what in ("signal=KILL", "error=EIO", "error=ENOSPC")]


@pytest.mark.skipif(shutil.which("strace") is None,
                    reason="strace is not installed")
def test_sendmail_fails_or_is_killed(inst):
    """0 is said of what is there whole; of what was not said nothing that is
    half comes out."""
    said = {}
    with down(inst) as drop:
        for k, (call, n, what) in enumerate(FAULTS):
            name = "fault%d" % k
            said[name], words = sendmail(
                inst, name, "anna@example.test", prefix=[
                    "strace", "-qq", "-o", "/dev/null", "-P", str(drop), "-P",
                    str(drop / ("0.%d" % len(names(drop)))), "-e",
                    "inject=%s:%s:when=%d" % (call, what, n)])
            assert said[name] in ((75,) if "error" in what else
                                  (-signal.SIGKILL, 137)), (call, n, what,
                                                            words)
        assert len(names(drop)) == sum("KILL" in f[2] for f in FAULTS)
        assert sendmail(inst, "whole", "anna@example.test")[0] == 0
    arrived(inst, "whole")
    # What was whole when it was killed may go; the rest is no mail.
    rohrpost.wait_for(lambda: not any(
        (drop / n).read_bytes()[:1] not in (b"", b"\0")
        for n in names(drop)), 60)
    assert all(n.startswith("0.") for n in names(drop))
    found = subjects(inst)
    assert not [n for n in said if found.count(n) > 1]
    assert not [n for n in said if n in found and said[n] == 75]
    for n in names(drop):
        os.utime(drop / n, (0, 0))
    with down(inst):
        pass
    waits(inst, drop)
    assert "was never finished: removed" in inst.log()


def test_kills_while_it_goes(inst):
    """The suite is killed again and again: all arrive, and nothing is left."""
    want = ["kill%d" % n for n in range(12)]
    with down(inst) as drop:
        for n in want:
            assert sendmail(inst, n, "anna@example.test",
                            user=STRANGER if n[-1] in "13579" else 0)[0] == 0
    for _ in range(3):
        rohrpost.wait_for(lambda: inst.processes().get("pickup") or
                          not names(drop), 30, step=0.002)
        inst.kill_all()
        inst.master.wait(20)
        inst.master = None
        inst.start()
    arrived(inst, *want)
    waits(inst, drop)


def test_full_disk(tmp_path):
    """Nothing is taken, and nothing half is left."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs",
                    str(tmp_path)], check=True)
    try:
        os.chmod(tmp_path, 0o755)
        drop = tmp_path / "spool" / "drop"
        drop.mkdir(parents=True)
        os.chmod(drop, 0o1733)
        (tmp_path / "rohrpost.conf").write_text(
            "state_dir = %s\nhostname = mail.example.test\n" % tmp_path)
        stat_ = os.statvfs(tmp_path)
        with open(tmp_path / "ballast", "wb") as f:
            os.posix_fallocate(f.fileno(), 0,
                               (stat_.f_bavail - 4) * stat_.f_frsize)
        p = subprocess.run(
            [str(rohrpost.SENDMAIL), "-C", str(tmp_path), "a@b.test"],
            input=b"Subject: x\n\n" + b"x" * 100000, capture_output=True)
        assert p.returncode == 75 and b"No space left" in p.stderr
        assert names(drop) == []
        (tmp_path / "ballast").unlink()
        p = subprocess.run(
            [str(rohrpost.SENDMAIL), "-C", str(tmp_path), "a@b.test"],
            input=b"Subject: x\n\n" + b"x" * 100000, capture_output=True)
        assert p.returncode == 0 and names(drop) == ["0.0"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
