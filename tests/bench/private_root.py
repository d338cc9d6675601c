"""A server of Debian's in a root of its own. Its packages, and all that they
need, are unpacked and not installed: nothing of the machine's own servers is
touched, no user is made, and packages that exclude one another stand side by
side. The server runs in a namespace of processes and one of mounts, so that
it ends as a whole, and with it what it saw of the machine.

Needs root. Packages come through apt alone. Unavailable is raised, with one
line for a person, where there is no network, no such package or no right to
make a namespace."""
import ctypes
import glob
import pathlib
import signal
import subprocess

PR_SET_PDEATHSIG = 1
MAIL = 8                # Debian's uid and gid of mail

# The first process of the namespaces: it waits, and takes in orphans.
INIT = """\
set -e
root=$1 dir=$2 script=$3
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind "$dir" "$root$dir"
cd /
chroot "$root" /bin/sh -c "$script" &
wait $!
"""


class Unavailable(Exception):
    """Why a peer cannot run here, in one line."""


def last_line(text, otherwise):
    lines = [s for s in text.splitlines() if s.strip()]
    return lines[-1].strip() if lines else otherwise


def apt(debs, state, *argv):
    """apt-get as on a machine that has nothing yet; what it printed."""
    try:
        p = subprocess.run(
            ["apt-get", "-qq", "-y", "--no-install-recommends",
             "-o", "Dir::State::status=%s" % state,
             "-o", "Dir::Cache::archives=%s/" % debs,
             "-o", "APT::Sandbox::User=root", *argv],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as e:
        raise Unavailable("apt-get: %s" % e.strerror)
    if p.returncode != 0:
        raise Unavailable("apt-get %s: %s" % (argv[0], last_line(
            p.stderr, "status %d" % p.returncode)))
    return p.stdout


def download(packages, debs, scratch):
    """The files of the packages and of all that they depend on."""
    debs.mkdir(exist_ok=True)
    (debs / "partial").mkdir(exist_ok=True)
    (scratch / "none" / "partial").mkdir(parents=True)
    state = scratch / "status"
    state.write_text("")

    def get():
        listed = apt(scratch / "none", state, "install", "--print-uris",
                     *packages)
        apt(debs, state, "install", "--download-only", *packages)
        return [debs / line.split()[1] for line in listed.splitlines()]

    try:
        files = get()
    except Unavailable:     # lists that are old, or none
        apt(debs, state, "update")
        files = get()
    missing = [f.name for f in files if not f.is_file()]
    if missing or not files:
        raise Unavailable("apt-get: not downloaded: %s" %
                          (" ".join(missing) or " ".join(packages)))
    return files


class Root:
    """dir: for all of it; debs: where packages are kept."""

    def __init__(self, directory, packages, debs):
        self.dir = pathlib.Path(directory)
        self.path = self.dir / "root"
        self.path.mkdir(parents=True)
        self.process = None
        for f in download([*packages, "dash"], debs, self.dir):
            p = subprocess.run(["dpkg", "-x", str(f), str(self.path)],
                               capture_output=True, text=True)
            if p.returncode != 0:
                raise Unavailable("%s: %s" % (f.name, last_line(
                    p.stderr, "not unpacked")))
        for d in ("dev", "proc", "tmp", "run", "var/run", "var/spool"):
            (self.path / d).mkdir(parents=True, exist_ok=True)
        (self.path / "tmp").chmod(0o1777)

    def write(self, name, text, mode=0o644):
        f = self.path / name.lstrip("/")
        f.parent.mkdir(parents=True, exist_ok=True)
        f.write_text(text)
        f.chmod(mode)

    def make_users(self, users):
        """name -> (uid, home, password hash)."""
        users = {"root": (0, "/", "*"), "nobody": (65534, "/", "*"), **users}
        self.write("etc/passwd", "".join(
            "%s:x:%d:%d::%s:/bin/false\n" % (n, uid, uid, home)
            for n, (uid, home, _) in users.items()))
        self.write("etc/shadow", "".join(
            "%s:%s:19000:0:99999:7:::\n" % (n, word)
            for n, (_, _, word) in users.items()), 0o600)
        groups = {}
        for n, (uid, _, _) in users.items():
            groups.setdefault(uid, n)
        self.write("etc/group", "".join(
            "%s:x:%d:\n" % (n, gid) for gid, n in groups.items()))
        self.write("etc/hosts", "127.0.0.1 localhost\n")
        self.write("etc/nsswitch.conf", "passwd: files\ngroup: files\n"
                   "shadow: files\nhosts: files\n")

    def find(self, pattern):
        """A program of the root, as the server sees it."""
        got = sorted(glob.glob(str(self.path / pattern)))
        if not got:
            raise Unavailable("the packages have no %s" % pattern)
        return "/" + str(pathlib.Path(got[0]).relative_to(self.path))

    def start(self, script, directory, log, before=lambda: None):
        """Runs a shell script in the root; directory is there too, under its
        own name. before: in the child, first."""
        libc = ctypes.CDLL(None, use_errno=True)

        def child():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            before()

        (self.path / str(directory).lstrip("/")).mkdir(parents=True)
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child",
                 "sh", "-c", INIT, "sh", str(self.path), str(directory),
                 script], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                preexec_fn=child, start_new_session=True)

    def ended(self):
        return self.process.poll() is not None

    def stop(self):
        """Ends all of it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
