"""Scripts and messages for a comparison with another Sieve, and what
Pigeonhole's sieve-test says that a script does, in our words."""
import random
import re

CONF = """\
mail_location = maildir:{dir}/mail
mail_home = {dir}
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 0
first_valid_gid = 0
default_internal_user = {user}
default_login_user = {user}
stats_writer_socket_path =
log_path = /dev/stderr
plugin {{
  sieve_max_redirects = 5
}}
"""
REQUIRE = ("fileinto", "envelope", "variables", "imap4flags", "copy",
           "relational", "subaddress", "body", "mailbox", "ihave",
           "encoded-character", "comparator-i;ascii-numeric")
HEADERS = ("Subject", "From", "To", "Cc", "X-Number", "X-Odd", "List-Id",
           "Received", "X-None", "Sender")
WORDS = ("hello", "Hello", "world", "sieve", "[list]", "a*b", "50%", "",
         "example", "42", "7", "007", "\u00fcber", "Gr\u00fc\u00dfe", "x\\y")
ADDRESSES = ("anna@example.test", "Anna+lists@Example.TEST", "bert@far.test",
             "\"odd name\"@far.test", "carl+a+b@x.test")


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def message(self):
        r = self.r
        head = ["Received: from a by b; Mon, 30 Nov 2026 10:00:00 +0000"
                for _ in range(r.randrange(4))]
        head.append("From: %s" % r.choice((
            ADDRESSES[0], "Anna Bell <%s>" % ADDRESSES[1],
            '"Bell, Anna" <%s>' % ADDRESSES[2], ADDRESSES[3])))
        head.append("To: " + ", ".join(
            r.choice(("%s", "A B <%s>", "=?utf-8?q?=C3=BC?= <%s>")) % a
            for a in r.sample(ADDRESSES, r.randrange(1, 4))))
        if r.random() < .4:
            head.append("Cc: Team: %s, %s;" % tuple(r.sample(ADDRESSES, 2)))
        head.append("Subject: " + r.choice((
            "hello world", "[list]  Hello   again", "=?utf-8?q?Gr=C3=BC=C3=9Fe?="
            " =?utf-8?b?w7xiZXI=?= all", "a*b and x\\y", "", "50%\r\n\tfolded",
            "42")))
        if r.random() < .6:
            head.append("X-Number: %s" % r.choice(("42", "7", "007", "nan",
                                                   "100 of them")))
        if r.random() < .5:
            head.append("X-Odd: %s" % r.choice(("hello", "", " spaced ")))
            head.append("X-Odd: second")
        if r.random() < .5:
            head.append("List-Id: <sieve.lists.example.test>")
        body = "hello body\r\nsecond line with x\\y\r\n"
        kind = r.randrange(3)
        if kind == 1:
            head += ["MIME-Version: 1.0", "Content-Type: text/plain; "
                     "charset=iso-8859-1",
                     "Content-Transfer-Encoding: quoted-printable"]
            body = "Gr=FC=DFe an die world =\r\nof all\r\n"
        elif kind == 2:
            head += ["MIME-Version: 1.0",
                     "Content-Type: multipart/mixed; boundary=bb"]
            body = ("--bb\r\nContent-Type: text/plain\r\n\r\nhello part"
                    "\r\n--bb\r\nContent-Type: application/octet-stream\r\n"
                    "Content-Transfer-Encoding: base64\r\n\r\n"
                    "c2lldmUgb2N0ZXRz\r\n--bb--\r\n")
        return ("\r\n".join(head) + "\r\n\r\n" + body).encode()

    def string(self, text):
        return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')

    def strings(self, of, most=3):
        n = self.r.randrange(1, most + 1)
        some = [self.string(self.r.choice(of)) for _ in range(n)]
        return some[0] if n == 1 and self.r.random() < .5 else \
            "[%s]" % ", ".join(some)

    def pattern(self):
        r = self.r
        return "".join(r.choice(("*", "?", "hello", "a", "*list*", "e", "l",
                                 "@", ".", "world", "\\*", "H"))
                       for _ in range(r.randrange(1, 5)))

    def match(self, keys, body=False):
        """A match type with its comparator, and keys."""
        r = self.r
        kind = r.choice((":is", ":contains", ":matches", ":value", ":count",
                         ""))
        comparator = r.choice(("", ' :comparator "i;octet"',
                               ' :comparator "i;ascii-casemap"'))
        if kind == ":matches":
            return kind + comparator, self.strings(
                [self.pattern() for _ in range(3)])
        if kind == ":count" and not body:
            return '%s "%s" :comparator "i;ascii-numeric"' % (
                kind, r.choice(("eq", "gt", "lt", "ge", "le", "ne"))), \
                '"%d"' % r.randrange(4)
        if kind == ":value" and not body:
            return '%s "%s"%s' % (kind, r.choice((
                "eq", "gt", "lt", "ge", "le", "ne")), r.choice((
                    comparator, ' :comparator "i;ascii-numeric"'))), \
                self.strings(keys)
        if kind in (":count", ":value"):
            kind = ":contains"
        return kind + comparator, self.strings(keys)

    def test(self, depth=0):
        r = self.r
        kind = r.randrange(13 if depth < 2 else 10)
        if kind <= 2:
            m, k = self.match(WORDS)
            return "header %s %s %s" % (m, self.strings(HEADERS), k)
        if kind <= 4:
            m, k = self.match(ADDRESSES + ("anna", "example.test", "lists",
                                           "a+b", "bert", "carl", "odd name"))
            return "address %s %s %s %s" % (
                m, r.choice((":all", ":localpart", ":domain", ":user",
                             ":detail", "")),
                self.strings(("From", "To", "Cc")), k)
        if kind == 5:
            m, k = self.match(ADDRESSES + ("anna", "", "far.test", "box"))
            return "envelope %s %s %s %s" % (
                m, r.choice((":all", ":localpart", ":domain", ":user",
                             ":detail", "")), self.strings(("from", "to")), k)
        if kind == 6:
            return "exists %s" % self.strings(HEADERS)
        if kind == 7:
            return "size %s %s" % (r.choice((":over", ":under")),
                                   r.choice(("1", "200", "1K", "1M")))
        if kind == 8:
            m, k = self.match(WORDS, True)
            return "body %s %s %s" % (m, r.choice((
                ":raw", ":text", ':content "text"', ':content "application"',
                ':content ["text/plain", "x/y"]', "")), k)
        if kind == 9:
            m, k = self.match(WORDS + ("v",))
            # Left out, theirs is i;octet here, against RFC 5228 2.7.3.
            if ":comparator" not in m:
                m += ' :comparator "i;ascii-casemap"'
            return "string %s %s %s" % (m, self.strings(
                ("${v}", "${1}", "${w}x", "${0}", "hello")), k)
        if kind == 10:
            return "not " + self.test(depth + 1)
        return "%s (%s)" % (r.choice(("anyof", "allof")), ", ".join(
            self.test(depth + 1) for _ in range(r.randrange(1, 4))))

    def action(self):
        r = self.r
        flags = self.strings(("\\Seen", "\\Flagged \\Answered", "$x", "y z",
                              "\\Deleted"))
        return r.choice((
            "keep;", "discard;", "stop;", 'fileinto "A";', 'fileinto "B";',
            'fileinto :copy "C";', 'fileinto "D-${1}";',
            'fileinto :flags %s "E";' % flags, "keep :flags %s;" % flags,
            'redirect "to@far.test";', 'redirect :copy "copy@far.test";',
            "addflag %s;" % flags, "setflag %s;" % flags,
            "removeflag %s;" % flags,
            'set %s "v" "%s";' % (r.choice((
                "", ":upper", ":lower", ":length", ":upperfirst",
                ":quotewildcard", ":lowerfirst :upper")), r.choice((
                    "a${1}b", "${v}x", "Hello", "${subject}", "x*y"))),
            'set "w" "${v}";'))

    def block(self, depth=0):
        out = []
        for _ in range(self.r.randrange(1, 4)):
            if self.r.random() < .5 and depth < 3:
                out.append("if %s {\n%s}" % (self.test(),
                                             self.block(depth + 1)))
                if self.r.random() < .3:
                    out.append("elsif %s {\n%s}" % (self.test(),
                                                    self.block(depth + 1)))
                if self.r.random() < .5:
                    out.append("else {\n%s}" % self.block(depth + 1))
            else:
                out.append(self.action())
        return "\n".join(out) + "\n"

    def script(self):
        return "require [%s];\n%s" % (
            ", ".join('"%s"' % c for c in REQUIRE), self.block())


def theirs(said):
    """What sieve-test prints -> (set of actions, of flags by target)."""
    got = set()
    flags, target = {}, None
    for line in said.split("\n"):
        m = re.match(r" \* store message in folder: (.*)", line)
        if m:
            target = m.group(1)
            got.add("keep" if target == "INBOX" else "fileinto " + target)
            flags[target] = set()
            continue
        m = re.match(r" \* redirect message to: <?([^>]*)>?", line)
        if m:
            got.add("redirect " + m.group(1))
            target = None
            continue
        m = re.match(r"\s+\+ add IMAP flags: (.*)", line)
        if m and target:
            flags[target] = set(m.group(1).lower().split())
    return got, {k: v for k, v in flags.items() if v}


def ours(rows):
    got, flags = set(), {}
    for r in rows:
        if r["action"] == "discard":
            continue
        got.add(r["action"] if r["action"] == "keep" else
                "%s %s" % (r["action"], r["target"]))
        if r["flags"] and r["action"] != "redirect":
            flags[r["target"] or "INBOX"] = {f.lower() for f in r["flags"]}
    return got, flags
