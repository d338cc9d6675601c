"""What is remembered of each message, and a next hop that takes some of them
and that is no good one to others."""
import collections
import hashlib
import re
import socketserver
import threading

import load
import rohrpost

MARK = "s"
FAR = "far.test"
# What a hop does with a recipient whose local part begins so: at the first
# attempt, or at each.
FIRST = {"later": "451 4.7.1 not now", "hang": None, "drop": None,
         "dot": "452 4.3.1 no room now"}
EACH = {"never": "550 5.1.1 nobody"}


class Ledger:
    """What was acknowledged, by (address, name), and what was asked to be
    deleted. Names of messages to elsewhere are due at the hop; those that
    come back are due as a bounce to their sender."""

    def __init__(self):
        self.lock = threading.Lock()
        self.due = {}		# (address, name) -> digest
        self.bounces = {}	# name -> address that is told
        self.read = {}		# (address, name) -> digest, before a delete
        self.went = set()	# (address, name), deleted: answered OK
        self.told = collections.Counter()	# (address, name)
        self.wrong = []

    def accepted(self, name, to, text):
        digest = hashlib.sha256(text).digest()
        with self.lock:
            for address in to:
                self.due[address, name] = digest

    def take(self, address, *stored):
        """Messages that were read and go now; what gone() is to be told when
        that is answered OK. Until then they may be there again."""
        names = []
        for text in stored:
            name, digest = self.known(address, text)
            if name is None:
                continue
            with self.lock:
                if (address, name) in self.went or name in names:
                    self.wrong.append("%s: %s came twice" % (address, name))
                self.read[address, name] = digest
            names.append(name)
        return [(address, name) for name in names]

    def gone(self, taken):
        with self.lock:
            self.went.update(taken)

    def missing(self):
        """Words on what was acknowledged and is not there, or differs, or
        was told wrongly. Forgets the bounces that were due."""
        words = ["%s: %s is lost" % key for key in self.due
                 if key not in self.read]
        words += ["%s: %s differs" % key for key, digest in self.due.items()
                  if self.read.get(key, digest) != digest]
        for name, address in self.bounces.items():
            if not self.told.pop((address, name), 0):
                words.append("%s: no bounce of %s" % (address, name))
        return words + ["%s: a bounce of %s, which was delivered" % key
                        for key in self.told] + self.wrong

    def repeated(self):
        """Words on bounces that came more than once."""
        return ["%s: %d bounces of %s" % (address, n, name)
                for (address, name), n in self.told.items() if n > 1]

    def known(self, address, stored):
        """(name, digest) of a message; of a bounce, which is noted, (None,
        None)."""
        text = rohrpost.body_of(stored)
        name = load.name_of(text, MARK)
        if name is None and stored.startswith(b"Return-Path: <>"):
            of = re.search(rb"Message-ID: <%s-([^@]+)@" % MARK.encode(), text)
            with self.lock:
                self.told[address, of and of.group(1).decode()] += 1
            return None, None
        if name is None or not rohrpost.message_whole(text):
            self.wrong.append("%s: a broken message: %r" % (
                address, stored[:300]))
        return name, hashlib.sha256(text).digest()


class Session(socketserver.StreamRequestHandler):
    timeout = 60

    def say(self, words):
        self.wfile.write(words.encode() + b"\r\n")

    def trouble(self, stage):
        """What becomes of the recipient at this stage; "": nothing."""
        kind, _, name = self.to.partition("@")[0].partition("-")
        if stage == "rcpt" and kind in self.server.each:
            return self.server.each[kind]
        at = {"drop": "data", "dot": "dot"}.get(kind, "rcpt")
        if kind not in self.server.first or at != stage or \
                self.to in self.server.tried:
            return ""
        self.server.tried.add(self.to)
        if kind == "hang":
            self.server.ended.wait(3)
        return self.server.first[kind]

    def handle(self):
        self.say("220 hop")
        self.to = self.sender = ""
        while line := self.rfile.readline(4096):
            verb = line[:4].upper()
            stage = {b"RCPT": "rcpt", b"DATA": "data"}.get(verb)
            if verb == b"MAIL":
                self.sender = line.split(b"<")[1].split(b">")[0].decode()
            if stage == "rcpt":
                self.to = line.split(b"<")[1].split(b">")[0].decode()
            said = self.trouble(stage) if stage else ""
            if said is None:
                return
            if said:
                self.say(said)
            elif stage == "data":
                self.say("354 go")
                if not self.data():
                    return
            elif verb == b"EHLO":
                self.wfile.write(b"250-hop\r\n250-8BITMIME\r\n250 SIZE\r\n")
            elif verb == b"QUIT":
                return self.say("221 bye")
            else:
                self.say("250 ok")

    def data(self):
        lines = []
        while (line := self.rfile.readline(65536)) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if not line:
            return False
        said = self.trouble("dot")
        if not said:
            self.server.take(self.sender, self.to, b"".join(lines))
        self.say(said or "250 taken")
        return True


class Hop(socketserver.ThreadingTCPServer):
    """A next hop; what it took is in the ledger by the recipient."""
    allow_reuse_address = daemon_threads = True
    request_queue_size = 50

    def __init__(self, port, ledger, each=EACH, first=FIRST):
        super().__init__(("127.0.0.1", port), Session)
        self.ledger, self.each, self.first = ledger, each, first
        self.tried = set()
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass	# who went away

    def take(self, sender, to, text):
        if not text.startswith(b"Return-Path:"):
            text = b"Return-Path: <%s>\r\n" % sender.encode() + text
        self.ledger.gone(self.ledger.take(to, text))

    def stop(self):
        self.ended.set()
        self.shutdown()
        self.server_close()
