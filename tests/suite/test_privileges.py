"""As root: who every process is, where its root lies, what it holds, and that
one session can do nothing to another. All from /proc."""
import contextlib
import errno
import grp
import os
import pathlib
import pwd
import resource
import smtplib
import socket
import stat
import subprocess

import pytest

import inject
import programs
import rohrpost
from probes import Probes

pytestmark = pytest.mark.root

SESSION_UIDS = range(2000100000, 2000104096)  # where nothing else is said
# Where the files lie that a program holds, under state_dir. Whoever is not
# named here holds none.
PLACES = {
    "master": ["run/master.pid"],
    "logger": ["log"],
    "auth": ["auth", "jail"],
    "store": ["spool/mail", "spool/index", "spool/queue/body", "jail",
              "run/store.lock"],
    "queue": ["spool/queue", "jail", "run/queue.lock"],
    "collect": ["spool/collect", "jail"],
    "fetch": ["jail", "spool/queue/body"],
    "deliver": ["jail", "spool/queue/body"],
    "relay": ["spool/queue/body"],
    "signer": ["jail"],
    "smtpd": ["jail", "spool/queue/body"],
    "imapd": ["spool/mail"],
    "pop3d": ["spool/mail"],
}
# Program, duty -> user ("session": a uid each), jail, extra group.
TABLE = {("master", None): ("root", False, None)}
TABLE.update({(r.kind, r.duty): (r.user or "session", bool(r.jail), r.group)
              for r in programs.LIVE})
# There while they have work: test_drop.py, test_migrate.py.
PASSING = {("pickup", None), ("migrate", None)}
RIGHTS = {(r.kind, r.duty): r.rights for r in programs.LIVE}
LOOPS = {(r.kind, r.duty) for r in programs.LIVE if r.loop}


@pytest.fixture(scope="module", autouse=True)
def users():
    conf = pathlib.Path(os.environ.get("ROHRPOST_BUILD", "."),
                        "conf/sysusers.d/rohrpost.conf").resolve()
    subprocess.run(["systemd-sysusers", str(conf)], check=True)


def status_of(pid):
    out = {}
    for line in pathlib.Path("/proc/%d/status" % pid).read_text().splitlines():
        key, value = line.split(":", 1)
        out[key] = value.split()
    return out


# CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER: pam is root, and no more.
FILE_CAPS = 1 << 0 | 1 << 1 | 1 << 3


def wanted_ids(user, extra):
    if user == "root":
        return 0, 0, None
    if user == "session":
        return None, None, None
    pw = pwd.getpwnam(user)
    groups = {pw.pw_gid}
    if extra:
        groups.add(grp.getgrnam(extra).gr_gid)
    return pw.pw_uid, pw.pw_gid, groups


def session_uids(conf):
    """The range of the instance: setup gives each further one of root its
    own."""
    keys = dict(line.split(" = ", 1) for line in
                conf.read_text().splitlines() if " = " in line)
    return range(int(keys.get("session_uid_first", SESSION_UIDS.start)),
                 int(keys.get("session_uid_last", SESSION_UIDS.stop - 1)) + 1)


def check_ids(name, pid, user, extra, sessions, uids_of_sessions):
    st = status_of(pid)
    uids, gids = set(map(int, st["Uid"])), set(map(int, st["Gid"]))
    assert len(uids) == 1 and len(gids) == 1, (name, st)
    uid, gid = uids.pop(), gids.pop()
    groups = set(map(int, st["Groups"]))
    want_uid, want_gid, want_groups = wanted_ids(user, extra)
    if user == "session":
        assert uid in uids_of_sessions, (name, uid)
        assert gid == uid and groups == {uid}
        assert uid not in sessions, "two processes of uid %d" % uid
        sessions.add(uid)
    else:
        assert (uid, gid) == (want_uid, want_gid), (name, uid, gid)
        if want_groups is not None:
            assert groups == want_groups, (name, groups)
    if name[0] == "master":
        return
    assert st["NoNewPrivs"] == ["1"], name
    assert st["Seccomp"] == ["2"], name
    for caps in "CapInh", "CapPrm", "CapEff", "CapAmb":
        most = FILE_CAPS if user == "root" and caps[3] in "PE" else 0
        assert int(st[caps][0], 16) & ~most == 0, (name, caps)
    # Not dumpable: /proc/PID/* belongs to root.
    assert os.stat("/proc/%d/fd" % pid).st_uid == 0, name
    limits = pathlib.Path("/proc/%d/limits" % pid).read_text()
    core = [x for x in limits.splitlines() if "core file" in x][0].split()
    assert core[4:6] == ["0", "0"], name
    files = [x for x in limits.splitlines() if "open files" in x][0].split()
    most = 65536 if name in LOOPS else 1024
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    assert files[3:5] == [str(most)] * 2, name
    data = [x for x in limits.splitlines() if "data size" in x][0].split()
    assert data[3:5] == [str(2 << 30)] * 2, name
    if "THREADS" not in RIGHTS[name]:
        procs = [x for x in limits.splitlines() if "processes" in x][0]
        assert procs.split()[2:4] == ["1", "1"], name
        space = [x for x in limits.splitlines() if "address space" in x][0]
        assert space.split()[3:5] == [str((2 << 30) + (256 << 20))] * 2, name


def check_fds(name, pid, jail, places, state):
    d = pathlib.Path("/proc/%d/fd" % pid)
    for n in sorted(os.listdir(d), key=int):
        try:
            target = os.readlink(d / n)
            st = os.stat(d / n)
        except FileNotFoundError:
            continue
        where = (name, pid, n, target)
        n = int(n)
        if n in (0, 1):
            assert target == "/dev/null", where
        elif n == 2:
            assert target.startswith("pipe:"), where
        elif n == 3 and name[0] != "master":
            assert target.startswith("socket:"), where
        elif stat.S_ISDIR(st.st_mode):
            # Nothing that a path can be opened from enters a jail.
            assert not jail, where
            assert target == "/" or any(
                target.startswith(str(state / p)) for p in places), where
        elif name[0] == "master" and target.startswith("/memfd:rohrpost"):
            pass  # the configuration as it was taken
        elif name[0] in ("smtpd", "signer") and target.startswith("/etc/passwd"):
            pass  # whether who a uid is has changed
        elif stat.S_ISREG(st.st_mode):
            # The table of clients has no name; workers have it mapped.
            assert any(target.startswith(str(state / p))
                       for p in places) or (
                name[0] == "master" and
                target.startswith("/memfd:crowd ")), where
        else:
            assert target.split(":")[0] in (
                "socket", "pipe", "anon_inode", "/dev/null",
                "/dev/urandom", "/dev/random"), where


def check_all(pids, state, conf):
    sessions = set()
    uids = session_uids(conf / "rohrpost.conf")
    seen = set()
    for pid in pids:
        name = program_of(pid)
        if name is None:
            continue
        user, jail, extra = TABLE[name]
        places = PLACES.get(name[0], [])
        seen.add(name)
        check_ids(name, pid, user, extra, sessions, uids)
        root = os.readlink("/proc/%d/root" % pid)
        assert root == (str(state / "jail") if jail else "/"), (name, root)
        check_fds(name, pid, jail, places, state)
    return seen


@pytest.fixture(scope="module")
def probes():
    with Probes("privileges", root=True, auth_pam_workers="1", listen_probe="127.0.0.1:%d" %
                rohrpost.free_port()) as p:
        yield p


def test_every_process_of_the_table(probes):
    p = probes
    with p.client("imap") as i, p.client("submission") as s:
        assert i.say("start anna@example.test").startswith("imapd ")
        assert i.say("start bert@example.test").startswith("imapd ")
        assert i.say("hold pop3:anna@example.test").startswith("pop3d ")
        s.say("who")
        seen = check_all(p.pids(), p.state, p.conf)
    assert seen == set(TABLE) - PASSING


def test_directories(probes):
    state = probes.state
    want = {
        "spool/queue/body": ("rp-queue", "rp-spool", 0o2770),
        "spool/queue/db": ("rp-queue", "rp-queue", 0o700),
        "spool/queue/bad": ("rp-queue", "rp-queue", 0o700),
        "spool/collect": ("rp-collect", "rp-collect", 0o700),
        "spool/mail": ("rp-store", "rp-store", 0o700),
        "spool/index": ("rp-store", "rp-store", 0o700),
        "jail": ("root", "root", 0o755),
        "jail/state": ("rp-store", "rp-store", 0o755),
        "auth": ("root", "rp-auth", 0o750),
        "run": ("root", "root", 0o755),
        "log": ("rp-log", "rp-log", 0o750),
    }
    for name, (user, group, mode) in want.items():
        st = os.stat(state / name)
        assert (pwd.getpwuid(st.st_uid).pw_name,
                grp.getgrgid(st.st_gid).gr_name,
                stat.S_IMODE(st.st_mode)) == (user, group, mode), name
    for name, mode in (("master.ctl", 0o600), ("queue.ctl", 0o600),
                       ("store.ctl", 0o600), ("submit", 0o666)):
        st = os.stat(state / "run" / name)
        assert (st.st_uid, stat.S_IMODE(st.st_mode)) == (0, mode), name


def test_sessions_cannot_signal(probes):
    """By the filter, and by the uid where the filter were not there."""
    p = probes
    with p.client("submission") as a, p.client("submission") as b, \
            p.client("smtp") as c:
        other = b.say("who").split()
        mine = a.say("who").split()
        assert other[2] != mine[2]
        for pid in (other[1], mine[1], c.say("who").split()[1],
                    str(p.master.pid), "-1"):
            assert a.say("kill " + pid) == "Operation not permitted"
            assert c.say("kill " + pid) == "Operation not permitted"
        assert b.say("who").split() == other


WAYS = ("pidfd_open", "pidfd_getfd", "ptrace", "process_vm_readv",
        "process_vm_writev", "mem", "fd")


def test_sessions_cannot_rob(probes):
    """No way leads to the descriptors or the memory of another process: the
    filter refuses the calls, and in the jail there is no /proc."""
    want = ", ".join("%s %d" % (w, errno.ENOENT if w in ("mem", "fd")
                                else errno.EPERM) for w in WAYS)
    p = probes
    with p.client("submission") as a, p.client("submission") as b, \
            p.client("imap") as i:
        victim = b.say("who").split()[1]
        imapd = i.say("hold bert@example.test").split()[1]
        for pid in victim, imapd, str(p.master.pid):
            assert a.say("rob " + pid) == want
            assert i.say("start anna@example.test rob " + pid) == want
        assert i.say("start anna@example.test kill " + victim) == \
            "Operation not permitted"


ROBBER = """
import ctypes, os, sys
pid, uid = map(int, sys.argv[1:])
libc = ctypes.CDLL(None, use_errno=True)
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
octet = ctypes.create_string_buffer(1)
iov = (ctypes.c_void_p * 2)(ctypes.addressof(octet), 1)
def of(r):
    return ctypes.get_errno() if r == -1 else 0
def opened(what):
    try:
        return os.close(os.open("/proc/%d/%s" % (pid, what), os.O_RDWR)) or 0
    except OSError as e:
        return e.errno
ways = [of(libc.syscall(438, os.pidfd_open(pid), 3, 0)),
        of(libc.ptrace(16, pid, None, None)),
        of(libc.process_vm_readv(pid, iov, 1, iov, 1, 0)),
        of(libc.process_vm_writev(pid, iov, 1, iov, 1, 0)),
        opened("mem"), opened("fd/3")]
print(*ways)
"""


def test_no_robber_without_filter_or_jail(probes):
    """The uid alone, and not being dumpable, keep others out: a process with
    neither filter nor jail, even one that has the session's own uid."""
    with probes.client("submission") as c:
        _, pid, uid = c.say("who").split()[:3]
        for other in int(uid), int(uid) + 1, 65534:
            r = subprocess.run(["/usr/bin/python3", "-c", ROBBER, pid,
                                str(other)], capture_output=True, text=True)
            assert r.stdout.split() == [str(errno.EPERM)] * 4 + \
                [str(errno.EACCES)] * 2, (other, r.stdout, r.stderr)


def test_uid_comes_back_late(probes):
    """A uid is lent again only after all the others were."""
    p = probes
    uids = [p.ask("submission", "who").split()[2] for _ in range(20)]
    assert len(set(uids)) == 20


def test_link_in_place_of_a_directory():
    """What a broken-in program puts there root does not follow."""
    p = Probes("links", root=True)
    target = p.dir / "target"
    target.mkdir(mode=0o700)
    (p.state / "spool").mkdir(parents=True)
    (p.state / "spool/mail").symlink_to(target)
    m = p.popen("-f")
    out, _ = m.communicate(timeout=20)
    assert m.returncode == 111 and "spool/mail" in out, out
    assert target.stat().st_uid == 0
    rohrpost.remove(p.dir)


def test_missing_users_are_named():
    """The message names the file that makes them."""
    p = Probes("nousers", root=True)
    script = ("sed -i /^rp-/d /etc/passwd /etc/group && exec %s -c %s -f"
              % (p.bin / "master", p.conf))
    # In a mount name space of its own with another /etc.
    r = subprocess.run(
        ["unshare", "-m", "sh", "-c",
         "mount -t tmpfs tmpfs /mnt && cp -a /etc/. /mnt/ && "
         "mount --bind /mnt /etc && " + script],
        capture_output=True, text=True, timeout=60)
    assert r.returncode == 111
    assert "sysusers.d/rohrpost.conf" in r.stderr
    rohrpost.remove(p.dir)


# Right -> the calls of it (number of x86_64, arguments): none that does
# anything, so that one that is let through fails with another error.
OPEN, CLONE, MMAP, AT_FDCWD = 257, 56, 9, -100
CALLS = {
    "NET": [(41, socket.AF_INET, 77), (41, socket.AF_INET6, 77),
            (41, socket.AF_NETLINK, 77), (49, -1, 0, 0)],
    "UNIX": [(41, socket.AF_UNIX, 77)],
    "FILES": [(OPEN, AT_FDCWD, 0, os.O_WRONLY), (OPEN, AT_FDCWD, 0, os.O_RDWR),
              (OPEN, AT_FDCWD, 0, os.O_CREAT), (OPEN, AT_FDCWD, 0, os.O_TRUNC),
              (2, 0, os.O_RDWR), (437, AT_FDCWD, 0, 0, 24), (82, 0, 0),
              (83, 0, 0), (84, 0), (85, 0, 0), (86, 0, 0), (87, 0), (88, 0, 0),
              (90, 0, 0), (92, 0, 0, 0), (76, 0, 0)],
    "EXEC": [(59, 0, 0, 0), (322, AT_FDCWD, 0, 0, 0, 0)],
    "THREADS": [(CLONE, 0x10000)],  # CLONE_THREAD, which is not enough
    # Nobody's: packets, ports, other processes, name spaces, io_uring, ...
    None: [(41, socket.AF_PACKET, 77), (50, -1, 1), (62, 1, 0), (272, 0),
           (425, 1, 0), (53, socket.AF_UNIX, 77), (319, 0, 0),
           # ... a second process (CLONE_FS and CLONE_NEWNS are not taken),
           (CLONE, 0x20200), (CLONE, 0x20200 + (1 << 32)),
           # pages to run, anonymous ones that are shared (no length),
           (MMAP, 0, 0, 7, 0x22, -1), (MMAP, 0, 0, 4, 2, -1),
           (MMAP, 0, 0, 3, 0x21, -1), (10, 1, 0, 4), (329, 1, 0, 4, -1),
           # PR_SET_PDEATHSIG, PR_SET_DUMPABLE.
           (157, 1, 777), (157, 4, 777)],
}
CLONE3 = (435, 0, 0)
READING = (OPEN, AT_FDCWD, 0, os.O_RDONLY)


def check_rights(name, pid):
    """What its row does not name is denied to the process as it runs, and
    nothing else is."""
    try:
        tracee = inject.Tracee(pid).__enter__()
    except OSError as e:
        assert e.errno == errno.ESRCH, (name, e)
        return
    try:
        for right, calls in CALLS.items():
            for call in calls:
                denied = tracee.call(*call) in (-errno.EPERM,
                                                -errno.EAFNOSUPPORT)
                assert denied == (right not in RIGHTS[name]), (
                    name, right, call, RIGHTS[name])
        # connect, and sending as good as it: with an address, MSG_FASTOPEN.
        for call in ((42, -1, 0, 0), (44, -1, 0, 0, 0, 1, 1),
                     (44, -1, 0, 0, 0x20000000), (46, -1, 0, 0x20000000)):
            assert tracee.call(*call) == (
                -errno.EBADF if RIGHTS[name] & {"NET", "UNIX"}
                else -errno.EPERM), (name, call)
        assert tracee.call(44, -1, 0, 0, 0) == -errno.EBADF, name
        assert tracee.call(*CLONE3) == -errno.ENOSYS, name
        assert tracee.call(*READING) == -errno.EFAULT, name
    finally:
        tracee.__exit__()


def program_of(pid):
    """(program, duty); None where it is gone."""
    try:
        argv = pathlib.Path("/proc/%d/cmdline" % pid).read_text().split("\0")
    except FileNotFoundError:
        return None
    return (os.path.basename(argv[0]),
            argv[argv.index("-s") + 1] if "-s" in argv else None)


def check_file_size(name, pid):
    """Who writes messages for clients can make no file of any size."""
    limits = pathlib.Path("/proc/%d/limits" % pid).read_text()
    size = [x for x in limits.splitlines() if "file size" in x][0].split()
    most = str((3 * 50 + 1) << 20) if name in ("imapd", "smtpd", "fetch") \
        else "unlimited"
    assert size[3:5] == [most] * 2, (name, size)


def check_all_rights(inst):
    seen = set()
    for pid in sum(inst.processes().values(), []):
        name = program_of(pid)
        if name is not None and name[0] != "master":
            check_rights(name, pid)
            seen.add(name)
    assert seen == set(RIGHTS) - PASSING


@contextlib.contextmanager
def sessions_of_all_kinds(inst):
    """IMAP, POP3 and submission, and one of each on its way in and out."""
    imap, pop3 = inst.imap("anna"), inst.pop3("bert")
    imap.select("INBOX")
    pop3.stat()
    submission, smtp = inst.submission("anna"), inst.smtp()
    smtp.ehlo()
    local = smtplib.SMTP()
    local.sock = socket.socket(socket.AF_UNIX)
    local.sock.connect(str(inst.state / "run" / "submit"))
    assert local.getreply()[0] == 220
    assert local.ehlo()[0] == 250
    yield submission
    for one in imap.logout, pop3.quit, submission.quit, smtp.quit, local.quit:
        one()


def test_real_programs():
    """The programs that are installed, under sessions of every kind; relay
    has a message in hand, for which the next host has no reply."""
    d = rohrpost.scratch("privileges-real")
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        inst = rohrpost.Instance(d, relay_host="[127.0.0.1]",
                                 auth_pam_workers="1", pam_group="mail",
                                 listen_probe="127.0.0.1:%d" %
                                 rohrpost.free_port(),
                                 relay_port=str(dumb.getsockname()[1]))
        with inst, sessions_of_all_kinds(inst) as submission:
            submission.sendmail(
                "anna@example.test", ["bert@example.test", "x@far.test"],
                rohrpost.message(1, sender="anna@example.test"))
            inst.wait_count(1, "bert")
            dumb.settimeout(20)
            conn, _ = dumb.accept()
            pids = [pid for p in inst.processes().values() for pid in p]
            assert check_all(pids, inst.state, inst.conf) == \
                set(TABLE) - PASSING
            for name, of_name in inst.processes().items():
                for pid in of_name:
                    check_file_size(name, pid)
            if inject.possible():
                check_all_rights(inst)
            # Nobody noticed.
            submission.noop()
            inst.wait_count(1, "bert")
            conn.close()
    rohrpost.remove(d)
