"""A provider of POP3 that says what a test wants: a maildrop held in memory,
and ways to be odd. On a port of loopback, in the clear, with STLS or in TLS."""
import base64
import socket
import ssl
import threading

USER, PASSWORD = "anna@provider.test", "at the provider 7"
CAPA = ["TOP", "UIDL", "USER", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE",
        "SASL PLAIN"]


def stuffed(text):
    lines = text.split(b"\r\n")
    return b"\r\n".join(b"." + x if x[:1] == b"." else x for x in lines)


class Provider:
    """drop: [uid, octets] in order. cut: the connection ends behind so many
    octets of ours; odd: verb -> f(session, argument), True where it did all."""

    def __init__(self, drop=(), context=None, at_once=False, **odd):
        self.drop = [list(m) for m in drop]
        self.context, self.at_once, self.odd = context, at_once, odd
        self.capa = CAPA
        if not callable(odd.get("capa", len)):
            self.capa = odd.pop("capa")
        self.cut = odd.pop("cut", None)
        self.greeting = odd.pop("greeting", b"+OK provider ready\r\n")
        self.lines, self.clear, self.sessions, self.said = [], [], 0, 0
        self.ends = threading.Condition()
        self.over = 0
        self.s = socket.create_server(("127.0.0.1", 0), backlog=20)
        self.port = self.s.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                c, _ = self.s.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,),
                             daemon=True).start()

    def serve(self, c):
        self.sessions += 1
        self.said = 0
        session = Session(self, c)
        try:
            session.run()
        except (OSError, ValueError, ssl.SSLError):
            pass
        finally:
            session.c.close()
            with self.ends:
                self.over += 1
                self.ends.notify_all()

    def wait_over(self, n):
        with self.ends:
            assert self.ends.wait_for(lambda: self.over >= n, 60)

    def close(self):
        self.s.shutdown(socket.SHUT_RDWR)
        self.s.close()


class Session:
    def __init__(self, p, c):
        self.p, self.c, self.tls = p, c, False
        self.gone = set()
        self.f = c.makefile("rb")

    def send(self, data):
        p = self.p
        if p.cut is not None and p.said + len(data) >= p.cut:
            self.c.sendall(data[:max(0, p.cut - p.said)])
            p.said = p.cut
            self.c.shutdown(socket.SHUT_RDWR)
            raise ConnectionError
        p.said += len(data)
        self.c.sendall(data)

    def say(self, *lines):
        self.send(b"".join((x if isinstance(x, bytes) else x.encode()) +
                           b"\r\n" for x in lines))

    def handshake(self):
        self.c = self.p.context.wrap_socket(self.c, server_side=True)
        self.f, self.tls = self.c.makefile("rb"), True

    def run(self):
        if self.p.at_once:
            self.handshake()
        self.send(self.p.greeting)
        for line in iter(lambda: self.f.readline(), b""):
            text = line.decode().rstrip("\r\n")
            (self.p.lines if self.tls or self.p.context is None else
             self.p.clear).append(text)
            verb, _, rest = text.partition(" ")
            odd = self.p.odd.get(verb.lower())
            if odd is not None and odd(self, rest):
                continue
            getattr(self, "do_" + verb.lower(), self.unknown)(rest)
            if verb == "QUIT":
                return

    def unknown(self, rest):
        self.say("-ERR what")

    def there(self):
        return [(i, m) for i, m in enumerate(self.p.drop, 1)
                if i not in self.gone]

    def do_capa(self, rest):
        self.say("+OK", *(x for x in self.p.capa), *(
            ["STLS"] if self.p.context and not self.tls else []), ".")

    def do_stls(self, rest):
        self.say("+OK go")
        self.handshake()

    def do_auth(self, rest):
        words = base64.b64decode(rest.split()[1]).split(b"\0")
        ok = [w.decode() for w in words[1:]] == [USER, PASSWORD]
        self.say("+OK in" if ok else "-ERR [AUTH] no")

    def do_user(self, rest):
        self.user = rest
        self.say("+OK")

    def do_pass(self, rest):
        ok = (self.user, rest) == (USER, PASSWORD)
        self.say("+OK in" if ok else "-ERR [AUTH] no")

    def do_stat(self, rest):
        m = self.there()
        self.say("+OK %d %d" % (len(self.p.drop), sum(
            len(x[1][1]) for x in m)))

    def do_list(self, rest):
        self.say("+OK", *("%d %d" % (i, len(m[1]))
                          for i, m in self.there()), ".")

    def do_uidl(self, rest):
        self.say("+OK", *(b"%d %s" % (i, m[0].encode("latin1"))
                          for i, m in self.there()), ".")

    def message(self, rest):
        i = int(rest.split()[0])
        return None if i in self.gone or i > len(self.p.drop) else \
            self.p.drop[i - 1][1]

    def do_retr(self, rest):
        text = self.message(rest)
        if text is None:
            self.say("-ERR not there")
        else:
            end = b"" if text.endswith(b"\r\n") else b"\r\n"
            self.send(b"+OK\r\n" + stuffed(text) + end + b".\r\n")

    def do_top(self, rest):
        text = self.message(rest)
        head = text.split(b"\r\n\r\n")[0] + b"\r\n\r\n"
        self.send(b"+OK\r\n" + stuffed(head) + b".\r\n")

    def do_dele(self, rest):
        if self.message(rest) is None:
            self.say("-ERR not there")
        else:
            self.gone.add(int(rest))
            self.say("+OK")

    def do_quit(self, rest):
        """What was marked goes before the word that it has gone."""
        self.p.drop = [m for _, m in self.there()]
        self.say("+OK bye")
