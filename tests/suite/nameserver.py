"""A name server of the tests' own: what it answers is a function, so that it
may lie, be slow, or be silent as well."""
import ipaddress
import socket
import struct
import threading

A, SOA, MX, AAAA, OPT, DNSKEY = 1, 6, 15, 28, 41, 48
FLAGS, NXDOMAIN = 0x8180, 0x8183	# QR, RD, RA


class Server:
    """Answers each question by one function: octets in, a list of octets
    out."""

    def __init__(self, answer, where=("127.0.0.1", 0)):
        self.s = socket.socket(
            socket.AF_INET6 if ":" in where[0] else socket.AF_INET,
            socket.SOCK_DGRAM)
        self.s.bind(where)
        self.port = self.s.getsockname()[1]
        self.answer = answer
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                q, who = self.s.recvfrom(4096)
                self.say(q, who)
            except OSError:
                return

    def say(self, q, who):
        for r in self.answer(q):
            self.s.sendto(r, who)

    def close(self):
        self.s.close()


def question(q):
    """(name in lower case, type)."""
    labels, at = [], 12
    while q[at]:
        labels.append(q[at + 1:at + 1 + q[at]].decode().lower())
        at += q[at] + 1
    return ".".join(labels), struct.unpack(">H", q[at + 1:at + 3])[0]


def reply(q, flags, rrs=b"", n=0):
    end = 12
    while q[end]:
        end += q[end] + 1
    asked = q[12:end + 5]
    return q[:2] + struct.pack(">HHHHH", flags, 1, n, 0, 0) + asked + rrs


def wire(name):
    return b"".join(bytes([len(x)]) + x.encode()
                    for x in name.split(".") if x) + b"\0"


def rdata(kind, text):
    if kind == MX:
        pref, name = text.split()
        return struct.pack(">H", int(pref)) + wire(name)
    return ipaddress.ip_address(text).packed


class Zone:
    """The answers of a server that has these records: {"name TYPE": [text]};
    a name that has none does not exist."""

    kinds = {"A": A, "AAAA": AAAA, "MX": MX}

    def __init__(self, records):
        self.records = {}
        for key, texts in records.items():
            name, kind = key.split()
            self.records[name, self.kinds[kind]] = texts
        self.names = {name for name, _ in self.records}
        self.asked = []

    def __call__(self, q):
        name, kind = question(q)
        self.asked.append((name, kind))
        found = self.records.get((name, kind), [])
        data = [rdata(kind, x) for x in found]
        return [reply(q, FLAGS if name in self.names else NXDOMAIN,
                      b"".join(struct.pack(">HHHIH", 0xc00c, kind, 1, 60,
                                           len(x)) + x for x in data),
                      len(data))]
