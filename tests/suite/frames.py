"""One program of the suite alone: the test is its master and its peers.

Speaks the frames of lib/base/chan.h and the numbers of lib/server/wire.h and
lib/mail/proto.h; what does not fit them fails here first.
"""
import os
import pwd
import socket
import struct
import subprocess

import programs

PEERS = programs.PEERS
WIRE_PEER, WIRE_GO, WIRE_RELOAD, WIRE_STOP, WIRE_READY = 1, 3, 5, 6, 7
WIRE_TROUBLE = 19
WF_PEER, WF_INSTANCE, WF_WORDS, WF_TROUBLE, WF_SERVER = 1, 2, 7, 16, 17


def u32(v):
    return struct.pack("<I", v)


def u64(v):
    return struct.pack("<Q", v)


def lv(v):
    v = v if isinstance(v, bytes) else v.encode()
    return u32(len(v)) + v


class Chan:
    """One end of a channel. Fields are {tag: bytes}."""

    def __init__(self, sock):
        self.sock, self.buf, self.fds = sock, b"", []

    def send(self, kind, fields, ident=0, fds=()):
        data = b"".join(bytes([t]) + lv(v) for t, v in fields.items())
        head = struct.pack("<BBBBII", 1, kind, len(fds), 0, ident, len(data))
        socket.send_fds(self.sock, [head + data], list(fds))

    def recv(self, timeout=60):
        """(kind, id, fields); None at the end."""
        self.sock.settimeout(timeout)
        while len(self.buf) < 12 or len(self.buf) < 12 + self._len():
            data, fds, flags, addr = socket.recv_fds(self.sock, 65536, 64)
            if not data:
                return None
            self.buf += data
            self.fds += fds
        _, kind, nfds, _, ident, n = struct.unpack("<BBBBII", self.buf[:12])
        data, self.buf = self.buf[12:12 + n], self.buf[12 + n:]
        fields = {}
        while data:
            k = struct.unpack("<I", data[1:5])[0]
            fields[data[0]] = data[5:5 + k]
            data = data[5 + k:]
        return kind, ident, fields

    def _len(self):
        return struct.unpack("<I", self.buf[8:12])[0]

    def close(self):
        self.sock.close()


class Program:
    """libexec/NAME with a configuration, wired to the given peers."""

    def __init__(self, path, directory, keys, peers=()):
        self.dir = str(directory)
        os.makedirs(self.dir, exist_ok=True)
        with open(self.dir + "/rohrpost.conf", "w") as f:
            f.write("".join("%s = %s\n" % kv for kv in keys.items()))
        mine, theirs = socket.socketpair()
        self.err = open(self.dir + "/log", "wb")

        who = pwd.getpwnam("nobody")

        def descriptors():
            os.dup2(theirs.fileno(), 3)
            os.set_inheritable(3, True)
            if os.geteuid() == 0:  # as a trial: no users of ours, no jail
                os.setgroups([])
                os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
                os.setresuid(who.pw_uid, who.pw_uid, who.pw_uid)

        self.proc = subprocess.Popen(
            [str(path), "-c", self.dir], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self.err, close_fds=False,
            preexec_fn=descriptors)
        theirs.close()
        self.master = Chan(mine)
        self.instance = 0
        self.peers = {p: self.wire(p) for p in peers}
        self.master.send(WIRE_GO, {})
        while True:
            got = self.master.recv(20)
            assert got is not None, self.log()
            if got[0] == WIRE_READY:
                break

    def wire(self, peer):
        mine, theirs = socket.socketpair()
        self.instance += 1
        self.master.send(WIRE_PEER, {WF_PEER: u32(PEERS.index(peer)),
                                     WF_INSTANCE: u32(self.instance)},
                         fds=[theirs.fileno()])
        theirs.close()
        return Chan(mine)

    def log(self):
        with open(self.dir + "/log", errors="replace") as f:
            return f.read()

    def alive(self):
        return self.proc.poll() is None

    def stop(self):
        self.master.close()
        for c in self.peers.values():
            c.close()
        try:
            self.proc.wait(5)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        self.err.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
