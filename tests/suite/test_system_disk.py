"""What lies on the disk, and what the disk does: foreign things in queue's
folder (J8), no inodes (K4), a file system that turns read-only (K5). What was
answered 250 is there afterwards, once."""
import contextlib
import hashlib
import os
import pathlib
import signal
import smtplib
import subprocess
import tempfile
import time

import pytest

import load
import rohrpost
from rohrpost import message, wait_for
from test_restore import signal_all

pytestmark = pytest.mark.root
USERS = ("anna",)
FULL = (452, b"4.3.1")


@contextlib.contextmanager
def disk_of(name, mount):
    """An instance whose state is on a disk of its own; mount puts it there."""
    d = pathlib.Path(rohrpost.scratch(name))
    disk = d / "disk"
    disk.mkdir()
    mount(d, disk)
    inst = rohrpost.Instance(d / "inst", users=USERS, state=disk / "state",
                             queue_retry_min="1s", queue_retry_max="2s")
    try:
        yield inst, d, disk
    finally:
        inst.stop()
        subprocess.run(["umount", str(disk)], capture_output=True)
        rohrpost.remove(str(d))


class Sender:
    def __init__(self, inst):
        self.inst, self.n, self.acked = inst, 0, {}

    def send(self):
        """The code and the enhanced code of the last answer; None: lost."""
        self.n += 1
        to = [self.inst.address("anna")]
        text = message(self.n, 2000, mark="k")
        try:
            with self.inst.smtp(timeout=30) as s:
                s.sendmail("eve@remote.test", to, text)
        except smtplib.SMTPResponseException as e:
            return e.smtp_code, e.smtp_error[:5]
        except smtplib.SMTPRecipientsRefused as e:
            code, words = e.recipients[to[0]]
            return code, words[:5]
        except (OSError, smtplib.SMTPException):
            return None
        self.acked[str(self.n)] = (to, hashlib.sha256(text).digest())
        return 250, b""

    def until(self, what, seconds=60):
        """Sends until that is the answer; 250, full or none before."""
        def sent():
            got = self.send()
            assert got in (None, (250, b""), FULL), got
            return got == what
        wait_for(sent, seconds, 0.1, "%s\n%s" % (what, self.inst.said()))

    def verify(self):
        self.inst.wait_empty(60)
        missing, broken, repeated = load.verify(self.inst, self.acked)
        assert not missing and not broken and not repeated
        assert self.inst.command("store", "check").returncode == 0


def eat_inodes(disk):
    """Takes all that are left."""
    eaten = disk / "eaten"
    eaten.mkdir(exist_ok=True)
    with contextlib.suppress(OSError):
        while True:
            os.close(os.open(eaten / str(time.monotonic_ns()),
                             os.O_CREAT | os.O_EXCL | os.O_WRONLY))


def give_inodes_back(disk):
    for f in (disk / "eaten").iterdir():
        f.unlink()


def test_k4_inodes_out():
    """Files made ahead are used up, then 452; mail is read all the time; it
    recovers by itself."""
    def mount(d, disk):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m,nr_inodes=4k",
                        "tmpfs", str(disk)], check=True)

    with disk_of("inodes", mount) as (inst, d, disk), inst:
        sender = Sender(inst)
        assert sender.send() == (250, b"")
        inst.wait_count(1)
        eat_inodes(disk)
        sender.until(FULL)
        assert len(inst.messages()) >= 1
        m = inst.imap("anna")
        m.select("INBOX")
        typ, data = m.fetch("1", "(BODY.PEEK[])")
        assert typ == "OK" and data[0][1].endswith(message(1, 2000, mark="k"))
        eat_inodes(disk)
        typ, data = m.create("Box")
        assert typ == "NO" and data[0].startswith(b"["), data
        give_inodes_back(disk)
        sender.until((250, b""))
        wait_for(lambda: m.create("Box")[0] == "OK", 30)
        wait_for(lambda: m.store("1", "+FLAGS", "\\Flagged")[0] == "OK", 30)
        m.logout()
        sender.verify()


def run(*args):
    return subprocess.run(args, check=True, capture_output=True,
                          text=True).stdout.strip()


@contextlib.contextmanager
def loop_device():
    """The name of a block device with an ext4 on it."""
    with tempfile.NamedTemporaryFile(prefix="rohrpost-ro-") as image:
        image.truncate(300 << 20)
        run("mkfs.ext4", "-q", "-F", "-m", "0", image.name)
        try:
            device = run("losetup", "-f", "--show", image.name)
        except subprocess.CalledProcessError:
            pytest.skip("no loop device can be made here")
        try:
            yield device
        finally:
            run("losetup", "-d", device)


def turn_read_only(device):
    """As an error of the device does it, with files open for writing."""
    trigger = pathlib.Path("/sys/fs/ext4") / pathlib.Path(device).name / (
        "trigger_fs_error")
    if not trigger.exists():
        pytest.skip("this kernel has no trigger_fs_error")
    trigger.write_text("read-only, please\n")


def test_k5_read_only():
    """Nothing more is taken, nothing that was is lost: after a check of the
    disk all of it is there."""
    with loop_device() as device, disk_of("ro", lambda d, disk: run(
            "mount", "-o", "errors=remount-ro", device, disk)) as (
                inst, d, disk):
        with inst:
            sender = Sender(inst)
            for _ in range(20):
                assert sender.send() == (250, b"")
            turn_read_only(device)
            # Refused for now, or nobody is there to answer; never 250.
            for _ in range(10):
                got = sender.send()
                assert got is None or 400 <= got[0] < 500, got
            assert len(sender.acked) == 20
        run("umount", disk)
        # A name space that was made meanwhile has the mount until it ends.
        wait_for(lambda: subprocess.run(
            ["e2fsck", "-fp", device], capture_output=True).returncode
            in (0, 1), 120, text="e2fsck")
        run("mount", device, disk)
        inst.start()
        assert sender.send() == (250, b"")
        sender.verify()


# Names that are none of queue's, and things that are no files of its.
def plant(body, held):
    names = ["README", ".hidden", "0", "zz" + held[2:], held + "0", held[:-1],
             held.upper() + "X", "a" * 200]
    for name in names:
        (body / name).write_text("foreign\n")
    (body / "00000000000000aa").mkdir()
    os.mkfifo(body / "00000000000000ab")
    (body / "00000000000000ac").symlink_to("/etc/passwd")
    wrong = body / "00000000000000ad"
    wrong.write_text("not queue's\n")
    os.chmod(wrong, 0)
    for i in range(20000):
        os.close(os.open(body / ("foreign%d" % i), os.O_CREAT | os.O_WRONLY))
    return names


def test_j8_foreign_files_in_the_queue():
    """They are passed over, and stay or go by what they are; the start is as
    quick as ever and the mail that waits is whole."""
    d = rohrpost.scratch("j8")
    inst = rohrpost.Instance(d, users=USERS)
    with inst:
        signal_all(inst, "deliver", signal.SIGSTOP)
        sender = Sender(inst)
        assert sender.send() == (250, b"")
        row, = inst.json("queue", "list")
        inst.ctl("queue", "hold", "all")
        # What it had in hand is not done, and is held now.
        signal_all(inst, "deliver", signal.SIGKILL)
        wait_for(lambda: inst.json("queue", "list")[0]["state"] == "held")
    before = len(inst.log())
    body = inst.state / "spool/queue/body"
    names = plant(body, row["id"])
    passwd = pathlib.Path("/etc/passwd").read_bytes()
    try:
        began = time.monotonic()
        inst.start()
        took = time.monotonic() - began
        assert sender.send() == (250, b"")
        inst.ctl("queue", "release", "all")
        sender.verify()
        assert pathlib.Path("/etc/passwd").read_bytes() == passwd
        assert all((body / n).read_text() == "foreign\n" for n in names)
        assert " died by " not in inst.log()[before:]
        assert took < 60        # ten seconds on a machine at rest
    finally:
        inst.stop()
        rohrpost.remove(d)
