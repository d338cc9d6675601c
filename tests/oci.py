"""The image of `make oci` in a container: set up, started, used, reloaded,
stopped, ended by force, each time from the same volumes and a root that is
read-only; and with the ids of a user who is not root. Then the same by podman,
with volumes that have names, as README tells. Where a runtime may not make a
container here it says why, and goes on: by that one nothing was tried.

Usage: unshare --net python3 tests/oci.py IMAGE.tar
"""
import ctypes
import fcntl
import imaplib
import json
import os
import pathlib
import resource
import shutil
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

PASSWORD = "correct-horse-9"
ANSWERS = """
    hostname = mail.example.test
    domain = example.test
    user = anna@example.test %s
    postmaster = anna@example.test
    """ % PASSWORD
# What podman and docker give by default.
CAPABILITIES = ["CAP_" + c for c in (
    "CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID "
    "SETPCAP SETUID SYS_CHROOT").split()]
# The ids of a user's container, and the sessions' among them.
FIRST, IDS = 100000, 65536
SESSIONS = "session_uid_first = 60000\nsession_uid_last = 64095\n"
SECONDS = 120
NAME = "rohrpost-test-%d" % os.getpid()


def ok(words):
    print("  ok    " + words, flush=True)


def check(true, words):
    if not true:
        print("  FAIL  " + words, flush=True)
        sys.exit(1)


def wait(what, words):
    end = time.monotonic() + SECONDS
    while not what():
        check(time.monotonic() < end, words)
        time.sleep(0.1)


def command(*argv, text=None):
    return subprocess.run(argv, input=text, capture_output=True, text=True,
                          timeout=300)


def loopback_up():
    with socket.socket() as s:
        flags = struct.pack("16sH14x", b"lo", 1)    # IFF_UP
        fcntl.ioctl(s, 0x8914, flags)               # SIOCSIFFLAGS


class Image:
    """A bundle of the image, and two volumes that outlive containers."""

    def __init__(self, tar, work):
        self.work = work
        self.conf, self.state = work / "conf", work / "state"
        for d in (work / "layout", self.conf, self.state):
            d.mkdir()
        subprocess.run(["tar", "-xf", tar, "-C", work / "layout"], check=True)
        index = json.loads((work / "layout/index.json").read_text())
        tag = index["manifests"][0]["annotations"][
            "org.opencontainers.image.ref.name"]
        self.bundle = work / "bundle"
        subprocess.run(["umoci", "unpack", "--image", "%s:%s" % (
            work / "layout", tag), self.bundle], check=True)
        self.config = json.loads((self.bundle / "config.json").read_text())
        self.args = self.config["process"]["args"]
        self.namespaces = self.config["linux"]["namespaces"]
        self.mapped = False

    def map_users(self):
        """As a container of a user has it, who has 65,536 ids."""
        self.mapped = True
        ids = [{"containerID": 0, "hostID": FIRST, "size": IDS}]
        self.config["linux"]["uidMappings"] = ids
        self.config["linux"]["gidMappings"] = ids
        self.namespaces = self.namespaces + [{"type": "user"}]
        for d in (self.work.parent, self.work, self.bundle):
            d.chmod(0o755)
        for top in (self.bundle / "rootfs", self.conf, self.state):
            for path in [top, *top.rglob("*")]:
                st = path.lstat()
                os.lchown(path, st.st_uid + FIRST, st.st_gid + FIRST)
                if not path.is_symlink():
                    path.chmod(st.st_mode & 0o7777)

    def configure(self, args):
        c = self.config
        c["process"]["args"] = args
        c["process"]["terminal"] = False
        c["process"]["capabilities"] = {
            k: CAPABILITIES for k in ("bounding", "effective", "permitted")}
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        c["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": files,
                                    "soft": files}]
        c["root"]["readonly"] = True
        c["linux"]["namespaces"] = [
            n for n in self.namespaces
            if self.mapped or n["type"] != "network"]
        volumes = {"/etc/rohrpost": self.conf, "/var/lib/rohrpost": self.state}
        c["mounts"] = [m for m in c["mounts"]
                       if m["destination"] not in volumes and
                       m["type"] != "cgroup"]
        c["mounts"] += [{"destination": d, "type": "bind", "source": str(s),
                         "options": ["bind", "rw"]}
                        for d, s in volumes.items()]
        (self.bundle / "config.json").write_text(json.dumps(c))


def refused(runtime, image):
    """Why no container can be made here; None: one can."""
    image.configure(["/bin/true"])
    p = command(runtime, "run", "--bundle", str(image.bundle), NAME)
    command(runtime, "delete", "--force", NAME)
    return None if p.returncode == 0 else "%s: %s" % (
        runtime, (p.stderr.strip().splitlines() or ["no words"])[-1])


class Container:
    def __init__(self, runtime, image):
        self.runtime, self.image, self.process = runtime, image, None

    def once(self, *args, text=None):
        """One command in a container of its own."""
        self.image.configure(["/usr/sbin/rohrpost", *args])
        return command(self.runtime, "run", "--bundle",
                       str(self.image.bundle), NAME, text=text)

    def start(self):
        self.image.configure(self.image.args)
        self.process = subprocess.Popen(
            [self.runtime, "run", "--bundle", str(self.image.bundle), NAME],
            stdin=subprocess.DEVNULL)
        self.wait_started()

    def wait_started(self):
        wait(lambda: self.exec("rohrpost", "status").returncode == 0 or
             self.process.poll() is not None, "it does not start")
        check(self.process.poll() is None, "it ended at the start")

    def exec(self, *args):
        return command(self.runtime, "exec", NAME, *args)

    def signal(self, name):
        p = command(self.runtime, "kill", NAME, name)
        check(p.returncode == 0, "kill: " + p.stderr)

    def end(self):
        status = self.process.wait(timeout=SECONDS)
        command(self.runtime, "delete", "--force", NAME)
        return status

    def pid(self):
        return json.loads(command(self.runtime, "state", NAME).stdout)["pid"]


class Podman(Container):
    """Image and container by podman, with a runtime below it; the network is
    that of here."""
    options = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
               "--events-backend", "file"]

    def __init__(self, runtime, work):
        super().__init__(runtime, self)
        self.argv = ["podman", "--runtime", runtime, "--root",
                     str(work / "storage"), "--runroot", str(work / "run"),
                     *self.options]
        volumes = work / "storage/volumes"
        self.conf = volumes / "rp-conf/_data"
        self.state = volumes / "rp-state/_data"

    def podman(self, *args, text=None):
        return command(*self.argv, *args, text=text)

    def refused(self, tar):
        """Why it can make none here, or None. The image is loaded then."""
        p = self.podman("load", "-i", tar)
        if p.returncode == 0:
            self.name = p.stdout.split()[-1]
            p = self.podman(*self.run(), "--entrypoint", "/bin/true",
                            self.name)
        return None if p.returncode == 0 else \
            (p.stderr.strip().splitlines() or ["no words"])[-1]

    def run(self):
        return ["run", "--rm", "-i", "--name", NAME, "--net", "host",
                "--cgroups", "no-conmon", "--read-only",
                "-v", "rp-conf:/etc/rohrpost", "-v",
                "rp-state:/var/lib/rohrpost"]

    def once(self, *args, text=None):
        return self.podman(*self.run(), self.name, *args, text=text)

    def start(self):
        self.process = subprocess.Popen(
            [*self.argv, *self.run(), self.name], stdin=subprocess.DEVNULL)
        self.wait_started()

    def exec(self, *args):
        return self.podman("exec", NAME, *args)

    def signal(self, name):
        p = self.podman("kill", "--signal", name, NAME)
        check(p.returncode == 0, "kill: " + p.stderr)

    def end(self):
        status = self.process.wait(timeout=SECONDS)
        self.podman("rm", "--force", "--ignore", NAME)
        return status


def subjects(image):
    ctx = ssl.create_default_context(
        cafile=str(image.conf / "certificate.pem"))
    ctx.check_hostname = False
    m = imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=ctx, timeout=60)
    m.login("anna@example.test", PASSWORD)
    m.select("INBOX", readonly=True)
    data = m.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    m.logout()
    return [d[1].split(b":")[1].strip().decode() for d in data
            if isinstance(d, tuple)]


def send(subject):
    with smtplib.SMTP("127.0.0.1", 25, timeout=60) as s:
        s.sendmail("eve@remote.test", ["anna@example.test"],
                   "Subject: %s\r\n\r\nhello\r\n" % subject)


def zombies():
    """Of all that run here: in a PID namespace of its own that is ours."""
    found = []
    for d in pathlib.Path("/proc").iterdir():
        try:
            line = (d / "stat").read_text() if d.name.isdigit() else ""
        except OSError:
            continue
        if line.rpartition(")")[2].startswith(" Z"):
            found.append(line)
    return found


def log(image):
    return (image.state / "log/rohrpost.log").read_text()


def tried(c, image):
    check(c.once("start", "--foreground").returncode == 1,
          "a start without a configuration")
    p = c.once("setup", "--answers", "-", text=ANSWERS)
    check(p.returncode == 0, "setup: " + p.stdout + p.stderr)
    c.start()
    send("first")
    wait(lambda: subjects(image) == ["first"], "the message did not arrive")
    owner = (image.state / "spool/mail").stat().st_uid
    check(owner == 305, "mail belongs to %d" % owner)
    ok("set up in a volume, started; a message in by SMTP, out by IMAPS")
    c.signal("HUP")
    wait(lambda: "configuration read again" in log(image), "no reload")
    wait(lambda: not zombies(), "some of its children are not reaped")
    c.signal("TERM")
    check(c.end() == 0, "SIGTERM ends it with another status than 0")
    check(log(image).rstrip().endswith("stopped"), "not stopped in order")
    ok("SIGHUP reloads, SIGTERM stops in order, status 0; all were reaped")
    c.start()
    check(subjects(image) == ["first"], "the mail is gone with the container")
    send("second")
    c.signal("KILL")
    c.end()
    c.start()
    wait(lambda: sorted(subjects(image)) == ["first", "second"],
         "a message that was taken is gone")
    c.signal("TERM")
    c.end()
    ok("new containers, one after SIGKILL: what was taken is there")


def enter_network(pid):
    fd = os.open("/proc/%d/ns/net" % pid, os.O_RDONLY)
    check(ctypes.CDLL(None).setns(fd, 0) == 0, "setns")
    os.close(fd)


def tried_as_user(c, image):
    """The ids of the programs and of the sessions are a user's; so is the
    network, which we enter."""
    image.map_users()
    p = c.once("setup", "--answers", "-", text=ANSWERS + SESSIONS)
    check(p.returncode == 0, "setup: " + p.stdout + p.stderr)
    c.start()
    enter_network(c.pid())
    send("first")
    wait(lambda: subjects(image) == ["first"], "the message did not arrive")
    c.signal("TERM")
    check(c.end() == 0, "SIGTERM")
    ok("in a user namespace of 65,536 ids: a message in, and out")


def runtime(image):
    """The first that may make containers here, or None."""
    for name in filter(shutil.which, ("runc", "crun")):
        why = refused(name, image)
        if why is None:
            return name
        print("  --    not run: " + why)
    return None


def by_podman(tar, work):
    if not shutil.which("podman"):
        print("  --    not run: there is no podman")
        return
    for name in filter(shutil.which, ("runc", "crun")):
        c = Podman(name, work / name)
        why = c.refused(tar)
        if why is None:
            ok("podman (%s) loads the image, and runs it" % name)
            tried(c, c)
            return
        print("  --    not run: podman: " + why)


def main():
    loopback_up()
    work = pathlib.Path(tempfile.mkdtemp(prefix="rohrpost-oci-"))
    try:
        for name, tries in ("root", tried), ("user", tried_as_user):
            (work / name).mkdir()
            image = Image(sys.argv[1], work / name)
            found = runtime(image)
            if found:
                tries(Container(found, image), image)
        by_podman(sys.argv[1], work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
