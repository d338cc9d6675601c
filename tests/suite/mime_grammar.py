"""Messages with the faults of the world, out of a grammar and a seed. Each says
which rules made it: `rules` is what the table of test_mime.py refers to."""
import random

ADDRESSES = {
    "plain": "b@two.test",
    "name": '"Bo, B." <b@two.test>',
    "no-comma": "b@two.test c@three.test",
    "two-angles": "Bo <b@two.test> Cy <c@three.test>",
    "address-name": "b@two.test <c@three.test>",
    "words": "just some words",
    "words-in-front": "John b@two.test",
    "words-behind": "b@two.test and more",
    "comment": "b@two.test (Bo (B.))",
    "comments-within": "<b (x)@ (y) two.test>",
    "dots": "John Q. Public <b@two.test>",
    "dots-wrong": "b..o.@two.test",
    "obsolete-blanks": "b . o @ two . test",
    "quoted": '"b o"@two.test',
    "group": "Team: b@two.test, Cy <c@three.test>;",
    "group-empty": "undisclosed-recipients:;",
    "group-open": "Team: b@two.test",
    "semicolon": "b@two.test; c@three.test",
    "route": "<@x.test,@y.test:b@two.test>",
    "literal": "b@[192.0.2.1]",
    "no-domain": "bo",
    "no-domain-angle": "Bo <bo>",
    "null": "<>",
    "two-ats": "b@two.test@three.test",
    "open-angle": "Bo <b@two.test",
    "blank-in-angle": "<b o@two.test>",
    "encoded": "=?utf-8?Q?B=C3=B6?= =?utf-8?Q?_B?= <b@two.test>",
    "encoded-comma": "=?utf-8?Q?B=C3=B6,_B?= <b@two.test>",
    "eight-bit": "B\u00f6 <b@two.test>",
    "fold": "Bo\r\n B. <b@two.test>,\r\n\tc@three.test",
    "places": ", ,b@two.test,,",
    "empty": "",
}

# How a value v of a parameter n stands there; {h} and {t} are its halves.
PARAMETERS = {
    "token": "{n}={v}",
    "quoted": '{n}="{v}"',
    "fold-around": "\r\n\t{n}\r\n =\r\n {v}",
    "comments": "(a) {n} (b) = (c) {v} (d)",
    "comment-at": "{n}={v}(c)",
    "escape": '{n}="\\{h}{t}"',
    "pieces": '{n}*0="{h}";\r\n {n}*1={t}',
    "pieces-turned": '{n}*1={t};\r\n {n}*0="{h}"',
    "percent": "{n}*=us-ascii'en'%{x}{r}",
    "pieces-percent": "{n}*0*=us-ascii''%{x};\r\n {n}*1=\"{r}\"",
    "pieces-late": '{n}*0="{h}"; {n}*1*={t}',
    "case": "{N}={v}",
    "gap": "{n}={v}; x*1=lost",
    "twice": "{n}={v}; {n}=no",
    "junk": "; ;{n}={v};",
}
FOLDED = "folded"       # a fold in the quoted value itself: blanks count


class Message:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.rules = set()
        self.n = 0
        self.octets = self.make().encode("latin-1")

    def rule(self, name):
        self.rules.add(name)

    def one_in(self, n, rule):
        yes = self.r.randrange(n) == 0
        if yes:
            self.rule(rule)
        return yes

    def pick(self, table, kind, usual=None):
        """One of a table; the usual one, three times of four."""
        key = self.r.choice(sorted(table))
        if usual and self.r.randrange(4):
            key = usual
        if key != usual:
            self.rule(kind + ":" + key)
        return table[key]

    # -- header -------------------------------------------------------------

    def address_field(self, name):
        text = "%s: %s\r\n" % (name, self.pick(ADDRESSES, "address", "plain"))
        if self.one_in(20, "twice:" + name.lower()):
            text += "%s: z@last.test\r\n" % name
        return text

    def envelope(self):
        fields = ["Subject: %s\r\n" % self.r.choice(
            ["x", "a\r\n b", "=?utf-8?q?x?= y", '"q" \\', ""])]
        if self.one_in(20, "subject-twice"):
            fields.append("Subject: second\r\n")
        fields.append("Date: Mon, 2 Nov 2026 10:00:00 +0000\r\n")
        for name in ("From", "To", "Cc"):
            fields.append(self.address_field(name))
        for name in ("Sender", "Reply-To", "Bcc"):
            if self.r.randrange(4) == 0:
                fields.append(self.address_field(name))
        if self.r.randrange(3) == 0:
            fields.append("Message-ID: <%d@x.test>\r\n" % self.n)
        if self.one_in(30, "no-field"):
            fields.append("this is no field\r\n")
        self.r.shuffle(fields)
        return "".join(fields)

    # -- parameters ---------------------------------------------------------

    def parameter(self, name, value, kind):
        if self.r.randrange(20) == 0:
            self.rule(kind + ":" + FOLDED)
            return ('%s="%s\r\n %s"' % (name, value[:2], value[2:]),
                    value[:2] + " " + value[2:])
        form = self.pick(PARAMETERS, kind, "token")
        return form.format(
            n=name, N=name.upper(), v=value, h=value[:2], t=value[2:],
            x="%02X" % ord(value[0]), r=value[1:]), value

    def content(self, type_, *parameters):
        return "Content-Type: %s%s\r\n" % (
            type_, "".join("; " + p for p in parameters))

    # -- parts --------------------------------------------------------------

    def boundary(self, outer):
        self.n += 1
        if outer and self.one_in(10, "boundary-longer"):
            return outer[-1] + "xy"
        if outer and len(outer[-1]) > 8 and self.one_in(
                10, "boundary-shorter"):
            return outer[-1][:-2]
        if outer and self.one_in(30, "boundary-same"):
            return outer[-1]
        b = "bd%d-%d" % (self.n, self.r.randrange(10000))
        if self.one_in(20, "boundary-long"):
            b += "0123456789" * 8
        return b

    def leaf(self):
        kind = self.r.randrange(6)
        text = "".join("line %d\r\n" % i for i in range(self.r.randrange(4)))
        if kind == 0:
            return "\r\n" + text
        head = ""
        if kind == 1:
            p, _ = self.parameter("charset", "utf-8", "charset")
            head = self.content("text/html", p)
        elif kind == 2:
            p, _ = self.parameter("name", "picture.png", "name")
            head = self.content("image/png", p) + \
                "Content-Transfer-Encoding: base64\r\n"
        elif kind == 3:
            p, _ = self.parameter("filename", "letter.txt", "name")
            head = self.content("text/plain") + \
                "Content-Disposition: attachment; %s\r\n" % p
        elif kind == 4:
            head = "Content-ID: <i@x>\r\nContent-Description: a\r\n b\r\n" \
                "Content-Language: en, de\r\nContent-MD5: abc\r\n"
        else:
            head = self.content(self.pick({
                "none": "", "no-slash": "text", "blanks": "text / plain",
                "comment": "text/(c)plain", "upper": "TEXT/HTML"}, "type"))
        if self.one_in(30, "no-empty-line"):
            return head
        return head + "\r\n" + text

    def multipart(self, depth, outer):
        subtype = self.r.choice(["mixed", "alternative", "digest"])
        if subtype == "digest":
            self.rule("digest")
        value = self.boundary(outer)
        p, value = self.parameter("boundary", value, "boundary")
        head = self.content("multipart/" + subtype, p)
        if self.one_in(25, "no-boundary"):
            head = self.content("multipart/" + subtype)
        if self.one_in(20, "cut-header"):
            return head
        text = head + ("" if self.one_in(12, "no-empty-line-before-delimiter")
                       else "\r\n")
        if self.one_in(8, "preamble") and text.endswith("\r\n\r\n"):
            text += "preamble\r\n"
        if self.one_in(15, "no-part"):
            return text + ("" if self.r.randrange(2) else "--%s--\r\n" % value)
        for _ in range(self.r.randint(1, 3)):
            text += "--" + value
            if self.one_in(20, "delimiter-blanks"):
                text += " \t"
            elif self.one_in(40, "delimiter-junk"):
                text += " junk"
            text += "\r\n" + self.part(depth + 1, outer + [value])
            if not text.endswith("\r\n"):
                text += "\r\n"
        if not self.one_in(12, "no-end"):
            text += "--%s--\r\n" % value
            if self.one_in(5, "epilogue"):
                text += "epilogue\r\n"
            if self.one_in(20, "after-end"):
                text += "--%s\r\n\r\nnot there\r\n" % value
        return text

    def enclosed(self, depth, outer):
        head = self.content("message/rfc822")
        if self.one_in(6, "encoded-message"):
            return head + "Content-Transfer-Encoding: base64\r\n\r\n" \
                "U3ViamVjdDogeA0KDQp5DQo=\r\n"
        if not self.one_in(15, "no-mime-version"):
            head += "\r\nMIME-Version: 1.0\r\n"
        else:
            head += "\r\n"
        return head + self.envelope() + self.part(depth + 1, outer)

    def part(self, depth, outer):
        k = self.r.randrange(10)
        if depth < 4 and k < (7 if depth == 0 else 3):
            return self.multipart(depth, outer)
        if depth < 4 and k < 8 and self.r.randrange(2):
            return self.enclosed(depth, outer)
        return self.leaf()

    def make(self):
        text = self.envelope()
        if not self.one_in(15, "no-mime-version"):
            text += "MIME-Version: 1.0\r\n"
        return text + self.part(0, [])
