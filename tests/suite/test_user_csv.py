"""user import and export: accounts as a table of a spreadsheet."""
import csv
import imaplib
import io
import os
import subprocess
import time

import pytest

import rohrpost
from rohrpost import tls_context

HASH = ("$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDlB5KiA2/jctKu9YterLp8wwn"
        "SgVmE1dV7EN5NHLlJjXOjy4sY4S/")


@pytest.fixture
def inst():
    d = rohrpost.scratch("csv")
    i = rohrpost.Instance(d, users=("anna",)).setup()
    yield i
    rohrpost.remove(d)


def put(inst, text, mode=0o600):
    f = inst.dir / "accounts.csv"
    f.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.chmod(f, mode)
    return str(f)


def tables(inst):
    return {n: (inst.conf / n).read_text() for n in
            ("users", "passwd", "aliases", "groups")
            if (inst.conf / n).exists()}


def export(inst, *args):
    return list(csv.DictReader(io.StringIO(inst.ctl("user", "export", *args))))


def test_as_excel_writes_it(inst):
    """UTF-8 with a mark, semicolons, CRLF; a password that is made is told
    once, and is one."""
    inst.ctl("group", "add", "staff", "quota=5G")
    f = put(inst, b"\xef\xbb\xbfuser;Password;quota;disabled;groups;aliases;"
            b"may-send\r\nbert@example.test;;\"2G,100\";no;staff;"
            b"\"info@example.test sales@example.test\";no\r\n"
            b"\r\nanna@example.test;\"ge;hei\"\"m 12\";;;;info@example.test;"
            b"\r\n")
    before = tables(inst)
    p = inst.command("user", "import", "--dry-run", f)
    assert p.returncode == 0, p.stderr
    assert "New accounts: 1, changed: 1" in p.stderr and not p.stdout
    assert tables(inst) == before
    p = inst.command("user", "import", f)
    assert p.returncode == 0 and "warning" not in p.stderr, p.stderr
    made, = csv.DictReader(io.StringIO(p.stdout))
    assert made["user"] == "bert@example.test"
    rows = {r["user"]: r for r in export(inst)}
    bert = rows["bert@example.test"]
    assert (bert["quota"], bert["groups"], bert["may-send"]) == (
        "2147483648,100", "staff", "no")
    assert set(bert["aliases"].split()) == {
        "info@example.test", "sales@example.test"}
    assert "info@example.test" in rows["anna@example.test"]["aliases"]
    inst.start()
    try:
        for user, password in (("bert", made["password"]),
                               ("anna", 'ge;hei"m 12')):
            with imaplib.IMAP4_SSL(inst.host, inst.ports["imaps"],
                                   ssl_context=tls_context()) as m:
                assert m.login("%s@example.test" % user, password)[0] == "OK"
    finally:
        inst.stop()


def test_each_bad_line(inst):
    """All that is wrong with its line, and then nothing is taken."""
    before = tables(inst)
    f = put(inst, "user,password,disabled,groups,quota\n"
            "good@example.test,x,,,\n"
            "a@other.test,x,,,\n"
            "good@example.test,x,,,\n"
            "b@example.test,x,perhaps,,\n"
            "c@example.test,x,,nobody,\n"
            "d@example.test,x,,\n"
            "e@example.test,x,,,2X\n"
            ",x,,,\n", 0o644)
    p = inst.command("user", "import", f)
    assert p.returncode == 1
    assert "can be read by others" in p.stderr
    for line, words in ((3, "other.test is no domain"), (4, "good@example.test stands twice"),
                        (5, "disabled: neither yes nor no"), (6, "nobody: no such group"),
                        (7, "4 fields, where the first row has 5"),
                        (8, "quota: not a size"), (9, "")):
        assert "%s:%d: %s" % (f, line, words) in p.stderr, (line, p.stderr)
    assert "%s:2:" % f not in p.stderr
    assert tables(inst) == before
    for text, words in (("", "nothing in it"), ("mail,x\n", "no such column"),
                        ("user,user\n", "stands twice"),
                        ("hash\n", 'no column "user"'),
                        ('user\n"a@example.test\n', "a quote is not ended"),
                        ("user,password,hash\nx@example.test,a," + HASH +
                         "\n", "a password and a hash"),
                        ("user,hash\nx@example.test,geheim\n", ":2: ")):
        p = inst.command("user", "import", put(inst, text))
        assert p.returncode == 1 and words in p.stderr, (text, p.stderr)
    assert tables(inst) == before


def test_passwords_that_cannot_be_told(inst):
    """The accounts are there, and nobody is told that all went well."""
    f = put(inst, "user\nbert@example.test\n")
    with open("/dev/full", "w") as full:
        p = subprocess.run(
            [str(inst.prefix / "sbin" / "rohrpost"), "-c", str(inst.conf),
             "user", "import", f], stdout=full, stderr=subprocess.PIPE,
            text=True)
    assert p.returncode == 1
    assert "passwords that were made cannot be told" in p.stderr
    assert "bert@example.test" in {r["user"] for r in export(inst)}


def test_round_trip(inst):
    """What is exported makes the same accounts elsewhere; 5,000 of them in
    one go."""
    n = 5000
    f = put(inst, "user,hash,quota,pop3_keep,aliases\n" + "".join(
        "u%d@example.test,%s,1G,7d,a%d@example.test\n" % (i, HASH, i)
        for i in range(n)))
    begun = time.monotonic()
    inst.ctl("user", "import", f)
    print("%d accounts: %.1f s" % (n, time.monotonic() - begun))
    out = inst.ctl("user", "export", "--hashes")
    assert len(out.splitlines()) == n + 2
    inst.ctl("user", "import", put(inst, out))
    assert inst.ctl("user", "export", "--hashes") == out
    d = rohrpost.scratch("csv2")
    other = rohrpost.Instance(d, users=("anna",)).setup()
    other.ctl("user", "import", put(other, out))
    assert other.ctl("user", "export", "--hashes") == out
    rohrpost.remove(d)
