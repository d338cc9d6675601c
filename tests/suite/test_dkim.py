"""DKIM: what logins, local programs and reports send is signed; verified by
programs that nobody here wrote (dkimpy, opendkim, Mail::DKIM). The DNS is a file of
the records that "rohrpost dkim show" says."""
import os
import pathlib
import random
import re
import smtplib
import subprocess

import pytest

import rohrpost
from rohrpost import wait_for

dkim = pytest.importorskip("dkim")

BUILD = pathlib.Path(os.environ.get("ROHRPOST_BUILD", "."))
HERE = pathlib.Path(__file__).resolve().parent
SIGN = BUILD / "tests/mail/dkim_sign"
FORMS = ("simple", "relaxed")
SERVED, FORMED = 200, 300  # by the server; by the library in each form
LARGE = 300 * 1024  # goes into the file while it comes in
RSA, ED = "rsa-sha256", "ed25519-sha256"


def words(r, n):
    return " ".join("".join(r.choices("abcdefgh.,-\u00e4\u20ac", k=r.randint(
        1, 12))) for _ in range(n))


def body_line(r):
    kind = r.randrange(9)
    if kind == 0:
        return b""
    if kind == 1:
        return b"x" * r.randint(900, 998)
    if kind == 2:
        return words(r, 8).encode()  # 8-bit
    if kind == 3:
        return b" \t " * r.randint(1, 5)
    if kind == 4:
        return b"." * r.randint(1, 3)
    if kind == 5:
        return b"a\t b  \t c" + b" " * r.randint(0, 4)
    return words(r, r.randint(1, 12)).encode("ascii", "replace")


def message(r, n):
    """A message of any look that a client may send, with CRLF lines."""
    h = [b"From: Anna =?utf-8?q?M=C3=BCller?= <anna@example.test>",
         b"To: " + b",\r\n\t".join(b"x%d@far.test" % i
                                   for i in range(r.randint(1, 30))),
         b"Subject: " + r.choice([
             b"t-%d" % n, b"t-%d\r\n folded \t and  wide  " % n, b"",
             b"t-%d " % n + b"long " * 150]),
         b"X-Number:%d" % n]
    if r.random() < .5:
        h.append(b"cc: A \t <a@far.test>  ")
    if r.random() < .5:
        h += [b"MIME-Version: 1.0",
              b"Content-Type: text/plain;\r\n charset=utf-8",
              b"Content-Transfer-Encoding: 8bit"]
    if r.random() < .3:
        h.append(b"Received: from a by b; Mon, 2 Nov 2026 10:00:00 +0000")
    if r.random() < .3:
        h.append(b"List-Id: <l.example.test>")
    r.shuffle(h)
    lines = [body_line(r) for _ in range(r.choice([0, 0, 1, 5, 60]))]
    lines += [b""] * r.choice([0, 0, 3])
    text = b"".join(x + b"\r\n" for x in lines)
    return b"\r\n".join(h) + b"\r\n\r\n" + text


def publish(inst, path):
    """name -> text of each record, and the same as a file."""
    keys = {k["name"]: k["value"] for k in inst.json("dkim", "show")}
    path.write_text("".join("%s %s\n" % x for x in keys.items()))
    return keys


def fields_of(octets):
    head = octets.split(b"\r\n\r\n", 1)[0]
    return re.findall(rb"(?m)^DKIM-Signature:(?:.|\n[ \t])*", head)


def by_dkimpy(octets, keys):
    """algorithm -> whether its signature is right."""
    def record(name, timeout=5):
        return keys[name.decode().rstrip(".")].encode()
    out = {}
    for i, f in enumerate(fields_of(octets)):
        algorithm = re.search(rb"a=([\w-]+);", f).group(1).decode()
        try:
            out[algorithm] = dkim.DKIM(octets).verify(i, record)
        except dkim.ValidationError:
            out[algorithm] = False
    return out


def by_opendkim(files, records):
    conf = records.with_suffix(".conf")
    conf.write_text("Mode v\nTestPublicKeys %s\n" % records)
    run = subprocess.run(["opendkim", "-x", str(conf), "-t",
                          ",".join(map(str, files))], capture_output=True,
                         text=True, timeout=120)
    return re.findall(r"opendkim: (\S+): verification \(.*\) succeeded",
                      run.stdout + run.stderr), run.stdout + run.stderr


def by_perl(files, records):
    return subprocess.run(
        ["perl", str(HERE / "verify_dkim.pl"), str(records),
         *map(str, files)], capture_output=True, text=True, timeout=120,
        check=True).stdout.splitlines()


# A From that is not the login's is signed as the sender where it may stand.
KEYS = {"sender_header": "any"}


@pytest.fixture(scope="module")
def signed(inst):
    inst.ctl("dkim", "new", "example.test")
    inst.ctl("dkim", "activate", "example.test")
    return inst


def test_messages_of_the_server(signed, tmp_path):
    """Each is right by both algorithms, whatever it looks like."""
    r = random.Random(8463)
    keys = publish(signed, tmp_path / "keys")
    sent = [message(r, n) for n in range(SERVED)]
    large = message(r, SERVED) + b"line of text\r\n" * (LARGE // 14)
    # Of the second one a line is mended, so all of it comes by twice.
    sent += [large, large + b"y" * 3000 + b"\r\n"]
    with signed.submission() as s:
        for m in sent:
            s.sendmail("anna@example.test", ["anna@example.test"], m,
                       ["BODY=8BITMIME"])
    signed.wait_count(len(sent), seconds=60)
    files = []
    for uid, m in signed.messages().items():
        assert by_dkimpy(m, keys) == {RSA: True, ED: True}, m[:4000]
        # No line of the field is longer than it may be.
        for f in fields_of(m):
            assert max(map(len, f.splitlines())) <= 78
        files.append(tmp_path / str(uid))
        files[-1].write_bytes(m)
    assert by_perl(files, tmp_path / "keys") == ["pass"] * len(files)
    good, said = by_opendkim(files, tmp_path / "keys")
    assert len(good) == len(files), said


@pytest.mark.parametrize("body", FORMS)
@pytest.mark.parametrize("header", FORMS)
def test_each_canonical_form(signed, tmp_path, header, body):
    r = random.Random(header + body)
    keys = publish(signed, tmp_path / "keys")
    files = [tmp_path / ("%d.msg" % n) for n in range(FORMED // 4)]
    for n, f in enumerate(files):
        f.write_bytes(message(r, n))
    rows = [line.split() for line in (signed.conf / "dkim").read_text()
            .splitlines()]
    for name, _, _, _, key in rows:
        selector, domain = name.split("._domainkey.")
        subprocess.run([str(SIGN), key, domain, selector, header, body,
                        *map(str, files)], check=True)
    for f in files:
        assert by_dkimpy(f.read_bytes(), keys) == {RSA: True, ED: True}
    assert by_perl(files, tmp_path / "keys") == ["pass"] * len(files)
    good, said = by_opendkim(files, tmp_path / "keys")
    assert len(good) == len(files), said


def added(octets, field):
    """The message with one more field at the top of what was signed."""
    at = octets.index(b"DKIM-Signature:")
    return octets[:at] + field + b"\r\n" + octets[at:]


def test_what_is_changed_is_noticed(signed, tmp_path):
    keys = publish(signed, tmp_path / "keys")
    m = next(iter(signed.messages().values()))
    assert by_dkimpy(added(m, b"X-Spam: no"), keys) == {RSA: True, ED: True}
    for field in (b"From: eve@far.test", b"Subject: new", b"To: eve@far.test",
                  b"Reply-To: eve@far.test", b"Date: now",
                  b"Content-Type: text/html", b"Sender: eve@far.test"):
        assert not any(by_dkimpy(added(m, field), keys).values()), field
    assert not any(by_dkimpy(m + b"more\r\n", keys).values())


def last(inst, user="anna"):
    return max(inst.messages(user).items())[1]


def test_strangers_and_other_domains_go_unsigned(signed):
    """From of somebody else's is signed as the sender, whom the login owns."""
    n = signed.count("bert")
    with signed.smtp() as s:
        s.sendmail("anna@example.test", ["bert@example.test"],
                   b"From: anna@example.test\r\n\r\nforged\r\n")
    signed.wait_count(n + 1, "bert")
    assert b"DKIM-Signature" not in last(signed, "bert")
    signed.ctl("domain", "add", "second.test")
    signed.ctl("alias", "add", "anna@second.test", "anna@example.test")
    with signed.submission() as s:
        s.sendmail("anna@second.test", ["bert@example.test"],
                   b"From: anna@second.test\r\n\r\nno key\r\n")
        signed.wait_count(n + 2, "bert")
        assert b"DKIM-Signature" not in last(signed, "bert")
        s.sendmail("anna@example.test", ["bert@example.test"],
                   b"From: x@far.test\r\n\r\nforwarded\r\n")
    signed.wait_count(n + 3, "bert")
    assert b" d=example.test;" in last(signed, "bert")
    # A domain that the login may use gets its own key, in the same session.
    with signed.submission() as s:
        signed.ctl("dkim", "new", "second.test", "--type", "ed25519",
                   "--selector", "two")
        signed.ctl("dkim", "activate", "second.test")
        s.sendmail("anna@example.test", ["bert@example.test"],
                   b"From: anna@second.test\r\n\r\nits key\r\n")
    signed.wait_count(n + 4, "bert")
    m = last(signed, "bert")
    assert b" d=second.test;" in m and b"s=two;" in m
    assert b" d=example.test;" not in m


def test_local_programs_and_reports(signed, tmp_path):
    signed.ctl("dkim", "new", "mail.example.test")
    signed.ctl("dkim", "activate", "mail.example.test")
    keys = publish(signed, tmp_path / "keys")
    n = signed.count()
    signed.sendmail(b"From: root@example.test\nSubject: local\n\nhi\n",
                    "anna@example.test")
    signed.wait_count(n + 1)
    assert by_dkimpy(last(signed), keys) == {RSA: True, ED: True}
    with signed.submission() as s:
        s.sendmail("anna@example.test", ["nobody@nowhere.invalid"],
                   b"From: anna@example.test\r\n\r\nto nowhere\r\n")
    wait_for(lambda: signed.count() == n + 2, 60, text="the report")
    m = last(signed)
    assert b"MAILER-DAEMON@mail.example.test" in m
    assert by_dkimpy(m, keys) == {RSA: True, ED: True}
    assert b" d=mail.example.test;" in m


def test_signer_is_killed(signed):
    """The next one is wired to who is logged in; meanwhile it is later, never
    unsigned."""
    n = signed.count("bert")
    with signed.submission() as s:
        for i in range(5):
            (pid,) = signed.processes()["signer"]
            os.kill(pid, 9)

            def sent():
                try:
                    s.sendmail("anna@example.test", ["bert@example.test"],
                               b"From: anna@example.test\r\n\r\n%d\r\n" % i)
                except smtplib.SMTPDataError as e:
                    assert e.smtp_code == 451, e
                    return False
                return True
            wait_for(sent, 60)
            wait_for(lambda: len(signed.processes().get("signer", [])) == 1
                     and signed.processes()["signer"] != [pid], 60)
    signed.wait_count(n + 5, "bert")
    new = sorted(signed.messages("bert").items())[-5:]
    assert all(m.count(b"DKIM-Signature:") == 2 for _, m in new)


def test_rotation(signed):
    old = signed.json("dkim", "show", "example.test")
    signed.ctl("dkim", "new", "example.test", "--selector", "next")
    states = {k["selector"]: k["state"]
              for k in signed.json("dkim", "show", "example.test")}
    assert states["next-rsa"] == states["next-ed"] == "new"
    signed.ctl("dkim", "activate", "example.test")
    rows = {k["selector"]: k for k in
            signed.json("dkim", "show", "example.test")}
    assert rows["next-rsa"]["state"] == rows["next-ed"]["state"] == "active"
    for k in old:
        assert rows[k["selector"]]["state"] == "retired"
        assert rows[k["selector"]]["until"] > rows[k["selector"]]["since"]
        # Its record stays as it was.
        assert rows[k["selector"]]["value"] == k["value"]
    n = signed.count("bert")
    with signed.submission() as s:
        s.sendmail("anna@example.test", ["bert@example.test"],
                   b"From: anna@example.test\r\n\r\nrotated\r\n")
    signed.wait_count(n + 1, "bert")
    m = last(signed, "bert")
    assert b"s=next-rsa;" in m and b"s=next-ed;" in m
    assert m.count(b"DKIM-Signature:") == 2
    # Retired, the domain signs no more; a key by its name goes for good.
    signed.ctl("dkim", "retire", "example.test")
    signed.ctl("dkim", "retire", "example.test", "--selector", "next-ed")
    assert "next-ed" not in {k["selector"] for k in
                             signed.json("dkim", "show", "example.test")}
    with signed.submission() as s:
        s.sendmail("anna@example.test", ["bert@example.test"],
                   b"From: anna@example.test\r\n\r\nno more\r\n")
    signed.wait_count(n + 2, "bert")
    assert b"DKIM-Signature" not in last(signed, "bert")


def test_zone_lines(signed):
    """Strings of at most 255 octets that together are the record."""
    signed.ctl("dkim", "new", "example.test", "--selector", "zone")
    out = signed.ctl("dkim", "show", "example.test")
    records = {k["name"]: k["value"] for k in signed.json("dkim", "show")}
    seen = 0
    for line in out.splitlines():
        m = re.fullmatch(r"(\S+)\. 3600 IN TXT (.*)", line)
        if m is None:
            assert line.startswith(";") or not line, line
            continue
        strings = re.findall(r'"([^"]*)"', m.group(2))
        assert max(map(len, strings)) <= 255
        assert "".join(strings) == records[m.group(1)]
        seen += 1
    assert seen == len(signed.json("dkim", "show", "example.test"))


@pytest.mark.parametrize("args, words", [
    (["new", "far.test"], "neither in domains nor the name of this host"),
    (["new", "example.test", "--type", "dsa"], "--type"),
    (["new", "example.test", "--bits", "1024"], "--bits"),
    (["new", "example.test", "--bits", "-4294965248"], "--bits"),
    (["new", "example.test", "--selector", "a_b"], "selector"),
    (["new", "example.test", "--selector", "#a"], "selector"),
    (["activate", "example.test", "--selector", "none"], "no key"),
    (["retire", "example.test", "--selector", "none"], "no key"),
])
def test_refused(signed, args, words):
    before = (signed.conf / "dkim").read_bytes()
    run = signed.command("dkim", *args)
    assert run.returncode != 0
    assert words in run.stderr
    assert "MII" not in run.stderr  # with which each key of RSA begins
    assert (signed.conf / "dkim").read_bytes() == before


def test_who_may_read_the_keys(signed):
    assert (signed.conf / "dkim").stat().st_mode & 0o777 == 0o600
    assert (signed.state / "jail/dkim.cdb").stat().st_mode & 0o777 == 0o640
    # The audit log has the command, no key.
    text = (signed.state / "audit.log").read_text()
    assert "dkim activate example.test" in text
    for line in (signed.conf / "dkim").read_text().splitlines():
        assert line.split()[-1] not in text


def test_another_name_of_the_host(signed, tmp_path):
    """A reload is enough: a report is signed for the new one."""
    conf = signed.conf / "rohrpost.conf"
    before = conf.read_text()

    def report_is_signed():
        n = signed.count()
        with signed.submission() as s:
            s.sendmail("anna@example.test", ["nobody@nowhere.invalid"],
                       b"From: anna@example.test\r\n\r\nto nowhere\r\n")
        wait_for(lambda: signed.count() == n + 1, 60, text="the report")
        return re.search(rb"\sd=other\.example\.test;", last(signed))

    try:
        conf.write_text(before.replace("mail.example.test",
                                       "other.example.test"))
        signed.ctl("reload")
        signed.ctl("dkim", "new", "other.example.test", "--type", "ed25519")
        signed.ctl("dkim", "activate", "other.example.test")
        keys = publish(signed, tmp_path / "keys")
        wait_for(report_is_signed, 60, text="a report that is signed")
        assert by_dkimpy(last(signed), keys) == {ED: True}
    finally:
        conf.write_text(before)
        signed.ctl("reload")


def test_setup_makes_keys():
    """New ones, of each domain and of the host's name; once."""
    d = rohrpost.scratch("dkim-setup")
    inst = rohrpost.Instance(d)
    (inst.dir / "answers").write_text(inst.answers().replace(
        "dkim = no", "domain = second.test\ndkim = yes"))
    said = inst.ctl("setup", "--answers", str(inst.dir / "answers"))
    assert "rohrpost dkim activate DOMAIN" in said
    rows = inst.json("dkim", "show")
    assert {(r["domain"], r["type"], r["state"]) for r in rows} == {
        (x, t, "new") for t in ("rsa", "ed25519")
        for x in ("example.test", "second.test", "mail.example.test")}
    before = (inst.conf / "dkim").read_bytes()
    said = inst.ctl("setup", "--answers", str(inst.dir / "answers"))
    assert "activate" not in said
    assert (inst.conf / "dkim").read_bytes() == before
    (inst.dir / "answers").write_text(inst.answers().replace(
        "dkim = no", "dkim = perhaps"))
    run = inst.command("setup", "--answers", str(inst.dir / "answers"))
    assert run.returncode == 1 and "dkim: yes or no" in run.stderr
    rohrpost.remove(d)
