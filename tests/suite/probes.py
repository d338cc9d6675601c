"""A master with probes (tests/server/probe.c) in the place of its programs.

A probe answers lines on any port: what is tested here is master, the
skeletons and the wires, and nothing of mail.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import programs
import rohrpost

BUILD = pathlib.Path(os.environ.get("ROHRPOST_BUILD", "."))
KINDS = [n for n in programs.NAMES if n != "logger"]
NOBODY = 65534


class Client:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 10)
        self.file = self.sock.makefile("rw")

    def say(self, line):
        self.file.write(line + "\n")
        self.file.flush()
        return self.file.readline().rstrip("\n")

    def close(self):
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Probes:
    """root: run as root, with users and jails."""

    def __init__(self, name, root=False, logger="real", **keys):
        self.dir = pathlib.Path(rohrpost.scratch(name))
        self.bin = self.dir / "bin"
        self.conf = self.dir / "conf"
        self.state = self.dir / "state"
        self.root = root
        self.master = None
        self.env = {}
        self.ports = {s: rohrpost.free_port()
                      for s in ("smtp", "submission", "imap", "pop3")}
        self.keys = {"state_dir": self.state, "program_dir": self.bin,
                     "verbose": "yes", "stop_time": "3s"}
        for s in rohrpost.SERVICES:
            self.keys["listen_" + s] = (
                "127.0.0.1:%d" % self.ports[s] if s in self.ports else "")
        self.keys.update(keys)
        self.bin.mkdir()
        self.conf.mkdir()
        for f in ("master/master", "master/logger"):
            shutil.copy(BUILD / f, self.bin)
        # One of the programs has the name probe.
        shutil.copy(BUILD / "tests/server/probe", self.bin / "stand-in")
        for k in KINDS:
            (self.bin / k).symlink_to("stand-in")
        self.write()
        if os.geteuid() == 0 and not root:
            for p in [self.dir, *self.dir.rglob("*")]:
                os.chown(p, NOBODY, NOBODY, follow_symlinks=False)

    def write(self, **keys):
        self.keys.update(keys)
        (self.conf / "rohrpost.conf").write_text(
            "".join("%s = %s\n" % kv for kv in self.keys.items()))

    def popen(self, *args, **kw):
        ids = {}
        if os.geteuid() == 0 and not self.root:
            ids = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return subprocess.Popen(
            [str(self.bin / "master"), "-c", str(self.conf), *args],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **self.env}, **ids,
            **{"stdin": subprocess.DEVNULL, **kw})

    def start(self):
        self.master = self.popen("-f")
        rohrpost.wait_for(self.up, 20, text="master starts\n" + self.log())
        return self

    def up(self):
        if self.master.poll() is not None:
            raise AssertionError("master ended: " + self.master.stdout.read())
        return " started, " in self.log()

    def log(self):
        with contextlib.suppress(OSError):
            return (self.state / "log/rohrpost.log").read_text(
                errors="replace")
        return ""

    def stop(self):
        if self.master is None:
            return None
        self.master.send_signal(signal.SIGTERM)
        try:
            return self.master.wait(30)
        finally:
            for pid in self.pids():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            self.master = None

    def pids(self, name=None, duty=None):
        """Of this instance, master included where no name is given."""
        out = []
        for d in pathlib.Path("/proc").iterdir():
            if not d.name.isdigit():
                continue
            try:
                argv = (d / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if str(self.conf) not in argv or "-n" in argv:
                continue
            if name is not None and os.path.basename(argv[0]) != name:
                continue
            if duty is not None and duty not in argv:
                continue
            out.append(int(d.name))
        return sorted(out)

    def client(self, service):
        return Client(self.ports[service])

    def ask(self, service, line):
        with self.client(service) as c:
            return c.say(line)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()
        rohrpost.remove(self.dir)
