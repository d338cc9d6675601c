"""A machine with nothing on it: a root directory of its own with Debian's /usr
in it, an /etc of a few files, and an empty /var, /root and /run. The installed
suite stands in it as `rohrpost` and `sendmail`, with /etc/rohrpost and
/var/lib/rohrpost. Needs root."""
import os
import pathlib
import shutil
import signal
import subprocess

import rohrpost

# What programs of Debian need of /etc.
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "nsswitch.conf",
       "resolv.conf", "services", "protocols", "ssl/openssl.cnf",
       "login.defs", "alternatives")
ENTER = """set -e
mount --bind "$1" "$1"
mount --rbind /usr "$1/usr"
for d in null zero full random urandom; do
	: >"$1/dev/$d"
	mount --bind "/dev/$d" "$1/dev/$d"
done
mount -t proc proc "$1/proc"
mkdir -p "$1$2"
mount --bind "$2" "$1$2"
echo
exec sleep infinity
"""
WRAPPER = """#!/bin/sh
exec %s %s /etc/rohrpost "$@"
"""


class Machine(rohrpost.Instance):
    """An instance whose paths are those of a host; start() and the commands
    are those of a shell in it."""

    def __init__(self, root, prefix=rohrpost.PREFIX, taken=(), **keys):
        self.root = pathlib.Path(root)
        super().__init__(self.root, prefix=prefix, **keys)
        self.make(taken)
        self.conf = self.root / "etc/rohrpost"
        self.state = self.root / "var/lib/rohrpost"
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", ENTER, "-", str(self.root),
             str(prefix)], stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"\n"

    def make(self, taken):
        """taken: numbers that are users' of others here already."""
        for d in ("usr", "dev", "proc", "run", "root", "tmp", "etc/ssl/certs",
                  "var/lib", "usr/local/sbin"):
            (self.root / d).mkdir(parents=True, exist_ok=True)
        for d in ("bin", "sbin", "lib", "lib64"):
            (self.root / d).symlink_to("usr/" + d)
        for name in ETC:
            src, to = pathlib.Path("/etc", name), self.root / "etc" / name
            if src.is_dir():
                shutil.copytree(src, to, symlinks=True)
            elif src.exists():
                shutil.copy(src, to)
        passwd, group = "root:x:0:0::/root:/bin/sh\n", "root:x:0:\n"
        for n in taken:
            passwd += "other%d:x:%d:%d::/:/usr/sbin/nologin\n" % (n, n, n)
            group += "other%d:x:%d:\n" % (n, n)
        (self.root / "etc/passwd").write_text(passwd)
        (self.root / "etc/group").write_text(group)
        (self.root / "bin-own").mkdir()
        for name, program, option in (
                ("rohrpost", self.prefix / "sbin/rohrpost", "-c"),
                ("sendmail", self.prefix / "sbin/sendmail", "-C")):
            f = self.root / "bin-own" / name
            f.write_text(WRAPPER % (program, option))
            f.chmod(0o755)
        f = self.root / "bin-own/systemd-sysusers"
        f.write_text("#!/bin/sh\nexec /usr/bin/systemd-sysusers "
                     "%s/lib/sysusers.d/rohrpost.conf\n" % self.prefix)
        f.chmod(0o755)

    def shell(self, text, **kw):
        """What is typed in it."""
        return subprocess.run(
            ["nsenter", "--mount=/proc/%d/ns/mnt" % self.holder.pid,
             "chroot", str(self.root), "/usr/bin/env", "-i",
             "PATH=/bin-own:/usr/sbin:/usr/bin", "HOME=/root", "LANG=C.UTF-8",
             "sh", "-ec", text], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=300,
            **kw)

    def typed(self, text):
        p = self.shell(text)
        assert p.returncode == 0, "%s\n%s%s\n%s" % (text, p.stdout, p.stderr,
                                                    self.said())
        return p.stdout

    def command(self, *args, **kw):
        return self.shell("exec rohrpost " + " ".join(
            "'%s'" % a for a in args))

    def answers(self):
        return "".join(x for x in super().answers().splitlines(True)
                       if not x.startswith("state_dir")) + \
            "state_dir = /var/lib/rohrpost\n"

    def pids(self):
        """Of all that runs in it but the holder."""
        for d in pathlib.Path("/proc").iterdir():
            if d.name.isdigit() and int(d.name) != self.holder.pid:
                try:
                    root = os.readlink(d / "root")
                except OSError:
                    continue
                if root == str(self.root) or root.startswith(
                        str(self.root) + "/"):
                    yield int(d.name)

    def off(self):
        """Without a word to anybody, as power goes."""
        for _ in range(50):
            pids = list(self.pids())
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            if not pids:
                break
        self.holder.kill()
        self.holder.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.off()
