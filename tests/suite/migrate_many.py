#!/usr/bin/python3
"""Accounts of a whole Dovecot or Cyrus come here while the program that brings
them, the command and the old server are killed; then each message is held
against what is there. As root, with ROHRPOST_PREFIX set:

    migrate_many.py [--server dovecot|cyrus] [--messages 10000] [--kills 20]"""
import argparse
import imaplib
import os
import pathlib
import random
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent),
                str(pathlib.Path(__file__).resolve().parents[1] / "bench")]
import oldserver
import rohrpost
from test_migrate import look, text, validity
from test_migrate_odd import brought

MAILBOXES = {"INBOX": 60, "Arbeit": 30, "Arbeit.Projekt": 10}  # per cent
FLAGS = ("", "\\Seen", "\\Seen \\Flagged", "\\Answered $Forwarded", "mine")


def workers(p):
    """The programs that the command has started."""
    try:
        kids = pathlib.Path("/proc/%d/task/%d/children" % (p.pid, p.pid))
        return [int(n) for n in kids.read_text().split()]
    except OSError:
        return []



class Dovecot(oldserver.Dovecot):
    def __init__(self, directory):
        super().__init__(["anna.old"])
        self.user, self.word = "anna.old", oldserver.PASSWORD

    def port(self):
        return self.ports["imaps"]


class Cyrus:
    user = "anna"

    def __init__(self, directory):
        import more_peers
        import peers
        self.word = peers.PASSWORD
        self.peer = more_peers.Cyrus(directory / "cyrus", [self.user], 0,
                                     directory / "packages")
        self.peer.start()

    def port(self):
        return self.peer.ports["imaps"]

    def kill(self):
        self.peer.root.stop()

    def start(self):
        # The namespace has ended with it, and what was mounted there.
        os.rmdir(self.peer.root.path / str(self.peer.dir).lstrip("/"))
        super(type(self.peer), self.peer).start()

    def stop(self):
        self.peer.stop()


def login(server):
    ctx = ssl.create_default_context()
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    m = imaplib.IMAP4_SSL("localhost", server.port(), ssl_context=ctx,
                          timeout=300)
    m.login(server.user, server.word)
    return m


def fill(server, n):
    """Several appends at a time: a server answers each when it has it."""
    ctx = ssl.create_default_context()
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    m = login(server)
    for name in MAILBOXES:
        m.create(name.replace(".", separator(m)))
    sep = separator(m)
    m.logout()
    s = ctx.wrap_socket(socket.create_connection(
        ("localhost", server.port()), timeout=300))
    f = s.makefile("rb")
    f.readline()
    s.sendall(b'a LOGIN "%s" "%s"\r\n' % (server.user.encode(),
                                         server.word.encode()))
    while not f.readline().startswith(b"a OK"):
        pass
    waiting = 0
    number = 0
    for name, share in MAILBOXES.items():
        for _ in range(n * share // 100):
            number += 1
            body = text(number, b"x" * random.choice((0, 100, 3000)))
            s.sendall(b'b APPEND "%s" (%s) "%2d-Jan-2020 10:%02d:00 +0100" '
                      b"{%d+}\r\n%s\r\n" % (
                          name.replace(".", sep).encode(),
                          random.choice(FLAGS).encode(), number % 28 + 1,
                          number % 60, len(body), body))
            waiting += 1
            while waiting > 50:
                waiting -= f.readline().startswith(b"b OK")
    while waiting:
        line = f.readline()
        assert not line.startswith((b"b NO", b"b BAD")), line
        waiting -= line.startswith(b"b OK")
    s.close()
    return sep


def separator(m):
    return m.list('""', '""')[1][0].split(b'"')[1].decode()


def run(inst, server, csv, messages, kills):
    args = [str(rohrpost.ROHRPOST), "-c", str(inst.conf), "migrate",
            "localhost:%d" % server.port(), "--csv", str(csv), "--insecure"]
    killed = {"migrate": 0, "rohrpost": 0, "server": 0}
    while True:
        p = subprocess.Popen(args, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while p.poll() is None and sum(killed.values()) < kills:
            here = brought(inst) + random.randrange(1, 2 + messages // (kills + 1))
            end = time.monotonic() + 60
            while (brought(inst) < here and p.poll() is None and
                   time.monotonic() < end):
                time.sleep(0.01)
            what = random.choice(("migrate", "migrate", "rohrpost", "server"))
            if p.poll() is not None:
                break
            killed[what] += 1
            if what == "migrate":
                for w in workers(p):
                    os.kill(w, signal.SIGKILL)
            elif what == "server":
                server.kill()
                server.start()
            else:
                p.kill()
        out = p.communicate()[0].decode()
        if p.returncode == 0:
            return killed, out
        if p.returncode != -signal.SIGKILL and p.returncode != 75:
            sys.exit("exit status %d: %s" % (p.returncode, out))


def main():
    o = argparse.ArgumentParser()
    o.add_argument("--server", choices=("dovecot", "cyrus"),
                   default="dovecot")
    o.add_argument("--messages", type=int, default=10000)
    o.add_argument("--kills", type=int, default=20)
    o.add_argument("--seed", type=int, default=int(time.time()))
    o = o.parse_args()
    random.seed(o.seed)
    print("seed %d" % o.seed)
    d = pathlib.Path(rohrpost.scratch("migrate-many"))
    os.chmod(d, 0o755)
    inst = rohrpost.Instance(d / "inst").setup().start()
    server = (Dovecot if o.server == "dovecot" else Cyrus)(d)
    try:
        sep = fill(server, o.messages)
        csv = d / "accounts.csv"
        csv.write_text("%s,%s,anna@example.test\n" % (server.user,
                                                      server.word))
        csv.chmod(0o600)
        began = time.monotonic()
        killed, out = run(inst, server, csv, o.messages, o.kills)
        took = time.monotonic() - began
        there, here = login(server), inst.imap("anna")
        total = 0
        for name in MAILBOXES:
            a, b = name.replace(".", sep), name.replace(".", "/")
            far, near = look(there, a), look(here, b)
            assert far == near, (name, len(far), len(near), [
                (u, far.get(u), near.get(u)) for u in sorted({*far, *near})
                if far.get(u) != near.get(u)][:5])
            assert validity(there, a) == validity(here, b), name
            total += len(far)
        assert total == sum(o.messages * s // 100 for s in MAILBOXES.values())
        print("%s: %d messages in %.0f s, killed %s: all are here, each once,"
              " with their numbers, flags and dates" % (o.server, total, took,
                                                       killed))
    finally:
        inst.stop()
        server.stop()
        rohrpost.remove(d)


if __name__ == "__main__":
    main()
