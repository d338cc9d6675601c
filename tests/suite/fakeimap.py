"""A server of IMAP that says what a test wants: a mailbox or more, held in
memory, and ways to be odd. In the clear, on a port of loopback."""
import base64
import socketserver
import threading

PASSWORD = "old secret 7"


class Message:
    def __init__(self, text, flags=""):
        self.text, self.flags = text, flags


class Session(socketserver.StreamRequestHandler):
    def say(self, *parts):
        for p in parts:
            self.wfile.write(p if isinstance(p, bytes) else p.encode())
        self.wfile.write(b"\r\n")

    def handle(self):
        try:
            self.serve()
        except ConnectionError:
            pass

    def serve(self):
        self.say("* OK [CAPABILITY IMAP4rev1%s] fake" % (
            " AUTH=SCRAM-SHA-256" if self.server.fake.rounds else ""))
        for line in self.rfile:
            tag, verb, rest = (line.decode().strip() + "  ").split(" ", 2)
            if verb == "UID":
                verb, rest = rest.split(" ", 1)
            did = getattr(self, "do_" + verb.lower())(rest.strip()) \
                if hasattr(self, "do_" + verb.lower()) else None
            self.say(tag, " ", did or "OK done")
            if verb == "LOGOUT":
                return

    def do_authenticate(self, rest):
        self.say("+ ")
        first = base64.b64decode(self.rfile.readline()).decode()
        nonce = first.split(",r=")[1]
        self.say("+ ", base64.b64encode(b"r=%sx,s=c2FsdHNhbHQ=,i=%d" % (
            nonce.encode(), self.server.fake.rounds)))
        self.rfile.readline()
        return "NO"

    def do_list(self, rest):
        for name in self.server.fake.boxes:
            self.say('* LIST () "/" "%s"' % name)

    def do_examine(self, rest):
        self.box = self.server.fake.boxes[rest.split('"')[1]]
        self.say("* %d EXISTS" % (len(self.box) + self.server.fake.hidden))
        self.say("* OK [UIDVALIDITY %d] " % self.server.fake.uidvalidity)
        self.say("* OK [UIDNEXT %d] " % (
            self.server.fake.uidnext or max(self.box, default=0) + 1))

    def wanted(self, text):
        top = max(self.box, default=0)
        for part in text.split(","):
            first, _, last = part.partition(":")
            last = top if last == "*" else int(last or first)
            yield from (u for u in sorted(self.box)
                        if int(first) <= u <= last)

    def do_fetch(self, rest):
        text, items = rest.split(" ", 1)
        whole = "BODY" in items
        for uid in self.wanted(text):
            m = self.box[uid]
            if not whole:
                self.say('* 1 FETCH (UID %d FLAGS (%s) RFC822.SIZE %d '
                         'INTERNALDATE "13-Sep-2020 12:00:00 +0000")' % (
                             uid, m.flags, len(m.text)))
                continue
            self.server.fake.before(uid)
            if uid in self.server.fake.broken:
                return "NO [SERVERBUG] message %d cannot be read" % uid
            if self.server.fake.nameless:
                self.say("* 1 FETCH (BODY[] {9}\r\nnobody's ", ")")
            self.say("* 1 FETCH (UID %d BODY[] {%d}\r\n" % (
                uid, len(m.text)), m.text, ")")
        return None


class Fake(socketserver.ThreadingTCPServer):
    """boxes: name -> {uid: Message}. hidden: so many more are said to be
    there than are listed. broken: uids at which a FETCH ends with NO.
    nameless: octets of a message come before each that nothing names. uidnext:
    said, where it is not 0.
    rounds: of SCRAM, that it offers then alone. before: called with the uid
    of each message that is to be sent; ConnectionError ends the session."""
    allow_reuse_address = daemon_threads = True

    def __init__(self, boxes):
        super().__init__(("127.0.0.1", 0), Session)
        self.fake = self
        self.boxes, self.uidvalidity = boxes, 4711
        self.uidnext = self.rounds = 0
        self.hidden, self.broken, self.nameless = 0, (), False
        self.before = lambda uid: None
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()
