"""fetch alone: the test is collect, with its journal, and resolve."""
import os
import struct
import threading

import frames
import rohrpost
from frames import lv, u32, u64
from test_relay_alone import crc32c

(RUN, LIST, MORE, WANT, FILE, FILE_IS, SUBMIT, DONE, LATER, LEFT, IDLE, STOP,
 END) = range(1, 14)
(F_ACCOUNT, F_KIND, F_HOST, F_PORT, F_SECURITY, F_LOGIN, F_PASSWORD, F_FLAGS,
 F_OWNER, F_FIELDS, F_SECONDS, F_LARGEST, F_VALIDITY, F_SINCE, F_ITEMS,
 F_LAST, F_NUMBERS, F_REMOVED, F_FILE, F_SENDER, F_RECIPIENTS, F_LENGTH,
 F_CRC, F_FINAL, F_FORWARD, F_MESSAGE_ID, F_REMOVE, F_REASON, F_STATUS,
 F_WORDS, F_DELAY) = range(1, 32)
POP3, IMAP = 1, 2
TLS, STARTTLS, PLAIN = 1, 2, 3
ANY_CERTIFICATE, MAY_IDLE = 1, 2
STATUS = ("", "OK", "REFUSED", "IN_USE", "LOGIN_DELAY", "SYS_TEMP",
          "SYS_PERM", "UNREACHED", "CERTIFICATE", "LOST", "PROTOCOL", "QUEUE",
          "LIMIT")
TOO_LARGE, VANISHED, UNREADABLE = 1, 2, 3
PROGRAM = os.path.join(os.environ.get("ROHRPOST_BUILD", "."), "relay/fetch")


def items(data):
    out = []
    while data:
        number, size, n = struct.unpack("<IQI", data[:16])
        out.append((number, size, data[16:16 + n].decode()))
        data = data[16 + n:]
    return out


def packed(data):
    out = []
    while data:
        n = struct.unpack("<I", data[:4])[0]
        out.append(data[4:4 + n].decode())
        data = data[4 + n:]
    return out


class Message:
    def __init__(self, key, fields, text):
        self.key, self.text = key, text
        self.final, self.forward = (struct.unpack("<I", fields[t])[0]
                                    for t in (F_FINAL, F_FORWARD))
        self.recipients = packed(fields.get(F_RECIPIENTS, b""))
        self.sender = fields.get(F_SENDER)
        self.message_id = fields.get(F_MESSAGE_ID)
        assert len(text) == struct.unpack("<Q", fields[F_LENGTH])[0]
        assert crc32c(text) == struct.unpack("<I", fields[F_CRC])[0]

    @property
    def body(self):
        """Without what fetch has put in front: up to its own Received."""
        head, _, rest = self.text[self.final:].partition(b"\r\n")
        assert head.startswith(b"Received: from ")
        while rest[:1] == b"\t":
            rest = rest.partition(b"\r\n")[2]
        return rest


class Manager:
    """known: key -> times it was submitted. remove: what CL_DONE says.
    ca: the authorities, few, for each run reads them."""
    ca = ""

    def __init__(self, **run):
        self.known, self.messages, self.left, self.listed = {}, [], [], []
        self.remove, self.run_keys, self.keys = True, run, {}
        self.slices, self.idles, self.later = [], 0, False
        self.on_idle, self.kill_at, self.validity = None, None, None
        self.hosts = ["127.0.0.1"]

    def resolve(self, c):
        while True:
            try:
                got = c.recv(600)
            except (OSError, ValueError):
                return
            if got is None:
                return
            n = len(self.hosts)
            c.send(3, {2: u32(0 if n else 2), 3: (u32(0) + lv(
                got[2][1]) + u32(n) + b"".join(
                    lv(x) for x in self.hosts)) if n else b"",
                4: b"4.4.3 no such host"}, got[1])

    def fields(self, run):
        values = dict({"kind": POP3, "host": "provider.test", "port": 1,
                       "security": PLAIN, "flags": 0, "largest": 10 << 20,
                       "login": "anna@provider.test", "seconds": 60,
                       "password": "at the provider 7",
                       "owner": "anna@example.test"}, **dict(self.run_keys, **run))
        f = {F_ACCOUNT: b"anna"}
        for tag, name in ((F_KIND, "kind"), (F_PORT, "port"),
                          (F_SECURITY, "security"), (F_FLAGS, "flags"),
                          (F_SECONDS, "seconds"), (F_VALIDITY, "validity"),
                          (F_SINCE, "since")):
            if name in values:
                f[tag] = u32(values[name])
        f[F_LARGEST] = u64(values["largest"])
        for tag, name in ((F_HOST, "host"), (F_LOGIN, "login"),
                          (F_PASSWORD, "password")):
            f[tag] = values[name].encode()
        if "fields" in values:
            f[F_FIELDS] = b"".join(lv(x) for x in values["fields"])
        else:
            f[F_OWNER] = values["owner"].encode()
        return f

    def run(self, **run):
        """A run, whole: (status, words). None: the worker ended without."""
        self.dir = rohrpost.scratch("fetch")
        os.chmod(self.dir, 0o777)
        keys = dict({"hostname": "us.test", "state_dir": self.dir,
                     "collect_ca_file": self.ca},
                    **self.keys)
        p = frames.Program(PROGRAM, self.dir, keys, ["collect", "resolve"])
        threading.Thread(target=self.resolve, args=(p.peers["resolve"],),
                         daemon=True).start()
        try:
            self.listed, self.batch, self.files = [], [], {}
            self.delay = None
            c = p.peers["collect"]
            c.send(RUN, self.fields(run))
            return self.talk(p, c)
        finally:
            for peer in p.peers.values():
                peer.close()
            p.master.close()
            p.proc.wait(60)
            p.err.close()
            self.log = p.log()
            rohrpost.remove(self.dir)

    def talk(self, p, c):
        while True:
            try:
                got = c.recv(120)
            except ConnectionError:
                got = None
            if got is None:
                return None
            kind, ident, fields = got
            if self.kill_at == (kind, len(self.messages)):
                p.proc.kill()
                self.kill_at = None
            if kind == END:
                self.delay = fields.get(F_DELAY)
                return (STATUS[struct.unpack("<I", fields[F_STATUS])[0]],
                        fields[F_WORDS].decode())
            try:
                getattr(self, "on_%d" % kind)(c, ident, fields)
            except BrokenPipeError:
                return None

    def on_2(self, c, ident, fields):  # LIST
        more = items(fields[F_ITEMS])
        assert len(more) <= 1000
        self.slices.append(len(more))
        self.batch += more
        if F_LAST not in fields:
            c.send(MORE, {})
            return
        self.listed, self.batch = self.batch, []
        keys = [k for _, _, k in self.listed]
        assert len(set(keys)) == len(keys)
        want = [n for n, _, k in self.listed if k not in self.known]
        gone = [n for n, _, k in self.listed if k in self.known]
        self.key = {n: k for n, _, k in self.listed}
        c.send(WANT, {F_NUMBERS: b"".join(map(u32, want[:10000])),
                      F_REMOVED: b"".join(map(u32, gone[:10000]))
                      if self.remove else b""})

    def on_5(self, c, ident, fields):  # FILE
        assert ident in self.key and len(self.files) < 8
        path = "%s/%d" % (self.dir, ident)
        fd = os.open(path, os.O_RDWR | os.O_CREAT)
        self.files[ident] = path
        c.send(FILE_IS, {F_FILE: b"%016x" % ident}, ident, [fd])
        os.close(fd)

    def on_7(self, c, ident, fields):  # SUBMIT
        with open(self.files.pop(ident), "rb") as f:
            m = Message(self.key[ident], fields, f.read())
        assert fields[F_FILE] == b"%016x" % ident
        if self.later:
            c.send(LATER, {F_WORDS: b"4.3.1 not now"}, ident)
            return
        self.messages.append(m)
        self.known[m.key] = self.known.get(m.key, 0) + 1
        c.send(DONE, {F_REMOVE: u32(1 if self.remove else 0)}, ident)

    def on_10(self, c, ident, fields):  # LEFT
        self.files.pop(ident, None)
        self.left.append((self.key[ident], struct.unpack(
            "<I", fields[F_REASON])[0]))
        self.known[self.key[ident]] = 0

    def on_11(self, c, ident, fields):  # IDLE
        self.idles += 1
        if self.on_idle is None or not self.on_idle(self.idles):
            c.send(STOP, {})
