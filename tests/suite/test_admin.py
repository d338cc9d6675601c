"""Who administers a domain: Unix users and groups made for the test, in the
host's own files; what they may do, what they may not, and who may nothing."""
import codecs
import contextlib
import imaplib
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import time

import pytest

import rohrpost
import terminal
from rohrpost import wait_for

pytestmark = pytest.mark.root

ANNA, BERT, GROUPED, NOBODY = "rptaanna", "rptabert", "rptagrou", "rptanone"
GROUP = "rptastaf"
PEOPLE = (ANNA, BERT, GROUPED, NOBODY)
HELLO, RUN, SAID, END = 1, 2, 3, 4


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True, timeout=60)


def forget():
    for name in PEOPLE:
        subprocess.run(["userdel", name], capture_output=True)
    subprocess.run(["groupdel", GROUP], capture_output=True)


@contextlib.contextmanager
def host_users():
    forget()
    try:
        run("groupadd", GROUP)
        for name in PEOPLE:
            more = ["-G", GROUP] if name == GROUPED else []
            run("useradd", "--no-create-home", *more, name)
        yield
    finally:
        forget()


@pytest.fixture(scope="module")
def inst():
    d = rohrpost.scratch("admin")
    with host_users(), rohrpost.Instance(d, users=("anna",)) as i:
        os.chmod(d, 0o755)
        for domain in "a.test", "b.test", "c.test":
            i.ctl("domain", "add", domain)
            add(i, "u@" + domain)
        i.ctl("domain", "set", "a.test", "quota=2G", "--admins", ANNA)
        i.ctl("domain", "set", "b.test", "--admins", "%s,@%s" % (BERT, GROUP))
        yield i
    rohrpost.remove(d)


def add(inst, address):
    inst.ctl("user", "add", address, "--hash", hashed())


def hashed():
    return subprocess.run(["openssl", "passwd", "-6", "a pass word"],
                          capture_output=True, text=True,
                          check=True).stdout.strip()


def as_user(inst, who, *args, stdin="", lang="C"):
    return subprocess.run(
        ["runuser", "-u", who, "--", "env", "LC_ALL=", "LANG=" + lang,
         str(rohrpost.ROHRPOST), "-c", str(inst.conf), *args],
        input=stdin, capture_output=True, text=True, timeout=120)


def done(p):
    assert p.returncode == 0, (p.args, p.stdout, p.stderr)
    return p.stdout


def refused(p, words):
    assert p.returncode == 1 and words in p.stderr, (p.args, p.returncode,
                                                     p.stdout, p.stderr)


def tables(inst):
    return {n: (inst.conf / n).read_bytes() for n in
            ("domains", "users", "passwd", "aliases", "groups")
            if (inst.conf / n).exists()}


def audit(inst):
    return (inst.state / "audit.log").read_text().splitlines()


def test_domain_tells_its_admins(inst):
    rows = {r["domain"]: r for r in inst.json("domain", "list")}
    assert rows["a.test"]["admins"] == [ANNA]
    assert rows["a.test"]["grants"] == ["quota=2147483648"]
    assert rows["b.test"]["admins"] == [BERT, "@" + GROUP]
    assert rows["c.test"]["admins"] == []
    # A change of grants leaves them; an empty list takes them away.
    inst.ctl("domain", "set", "c.test", "--admins", NOBODY)
    inst.ctl("domain", "set", "c.test", "quota=1G")
    assert "c.test quota=1073741824 admins=%s" % NOBODY in \
        (inst.conf / "domains").read_text().splitlines()
    inst.ctl("domain", "set", "c.test", "quota=", "--admins", "")
    assert "c.test" in (inst.conf / "domains").read_text().splitlines()


@pytest.mark.parametrize("bad", ["a b", ",", "x,", "@", "x=y", "-x",
                                 "x" * 65, ",".join(["x"] * 33)])
def test_bad_lists(inst, bad):
    before = tables(inst)
    refused(inst.command("domain", "set", "a.test", "--admins", bad),
            "admins: ")
    assert tables(inst) == before


def test_unknown_name_is_said(inst):
    p = inst.command("domain", "set", "c.test", "--admins",
                     "rptaghost,@rptaghosts")
    assert p.returncode == 0
    assert "knows no user rptaghost now" in p.stderr
    assert "knows no group rptaghosts now" in p.stderr
    inst.ctl("domain", "set", "c.test", "--admins", "")


def test_own_domain(inst):
    """All of the commands, as its administrator."""
    at = "x@a.test"
    done(as_user(inst, ANNA, "user", "add", at, "--quota", "1M", "--stdin",
                 stdin="first pass word\n"))
    login(inst, at, "first pass word")
    assert [r["user"] for r in json.loads(done(as_user(
        inst, ANNA, "user", "list", "--json")))] == ["u@a.test", at]
    done(as_user(inst, ANNA, "user", "passwd", at, "--stdin",
                 stdin="second pass word\n"))
    login(inst, at, "second pass word")
    app = done(as_user(inst, ANNA, "app", "add", at, "phone")).strip()
    login(inst, at, app)
    assert [r["user"] for r in json.loads(done(as_user(
        inst, ANNA, "app", "list", "--json")))] == [at]
    done(as_user(inst, ANNA, "app", "del", at, "phone"))
    done(as_user(inst, ANNA, "user", "set", at, "--disabled"))
    with pytest.raises(imaplib.IMAP4.error):
        login(inst, at, "second pass word")
    done(as_user(inst, ANNA, "user", "set", at, "--enabled"))
    done(as_user(inst, ANNA, "alias", "add", "info@a.test", at,
                 "else@remote.test"))
    done(as_user(inst, ANNA, "alias", "set", "info@a.test", "--owner", at))
    done(as_user(inst, ANNA, "alias", "add", "@a.test", at))
    assert {r["alias"] for r in json.loads(done(as_user(
        inst, ANNA, "alias", "list", "--json")))} == {"info@a.test", "@a.test"}
    done(as_user(inst, ANNA, "alias", "del", "@a.test"))
    done(as_user(inst, ANNA, "alias", "del", "info@a.test"))
    assert [r["domain"] for r in json.loads(done(as_user(
        inst, ANNA, "domain", "list", "--json")))] == ["a.test"]
    names = {r["name"] for r in json.loads(done(as_user(
        inst, ANNA, "quota", "list", "--json")))}
    assert names == {"a.test", "u@a.test", at}
    # A group of the operator's loses him, whoever closes the account.
    inst.ctl("group", "add", "mixed", "quota=1G", at, "u@b.test")
    done(as_user(inst, ANNA, "user", "del", "--mail", "--yes", at))
    assert "mixed quota=1073741824 : u@b.test" in \
        (inst.conf / "groups").read_text()
    inst.ctl("group", "del", "mixed")
    lines = [x for x in audit(inst) if "%s by=admin: " % ANNA in x]
    assert any("user add x@a.test --stdin --quota 1M: done" in x
               for x in lines), lines
    assert not any("pass word" in x for x in audit(inst))
    wait_for(lambda: "%s by=admin: user del x@a.test" % ANNA in inst.log())


def login(inst, address, password):
    with imaplib.IMAP4("127.0.0.1", inst.ports["imap"]) as c:
        c.starttls(rohrpost.tls_context())
        c.login(address, password)


OTHERS = [
    ("user", "add", "x@b.test", "--hash", "HASH"),
    ("user", "add", "X@B.TEST", "--hash", "HASH"),
    ("user", "set", "u@b.test", "--disabled"),
    ("user", "del", "u@b.test"),
    ("user", "del", "--mail", "--yes", "u@b.test"),
    ("user", "del", "--mail", "--yes", "gone@b.test"),
    ("user", "passwd", "u@b.test", "--hash", "HASH"),
    ("app", "add", "u@b.test", "phone"),
    ("app", "del", "u@b.test", "phone"),
    ("app", "list", "u@b.test"),
    ("alias", "add", "info@b.test", "u@a.test"),
    ("alias", "add", "@b.test", "u@a.test"),
    ("alias", "add", "*@b.test", "u@a.test"),
    ("alias", "add", "shop-*@b.test", "u@a.test"),
    ("alias", "add", "postmaster", "u@a.test"),
    ("alias", "add", "abuse", "u@a.test"),
    ("alias", "set", "kept@b.test", "u@a.test"),
    ("alias", "del", "kept@b.test"),
]


def test_other_domains(inst):
    inst.ctl("alias", "add", "kept@b.test", "u@b.test")
    before = tables(inst)
    value = hashed()
    for args in OTHERS:
        refused(as_user(inst, ANNA, *[value if a == "HASH" else a
                                      for a in args]), "that you administer")
        assert tables(inst) == before, args
    p = as_user(inst, ANNA, "user", "add", '"x@a.test"@b.test', "--hash",
                value)
    assert p.returncode == 1 and tables(inst) == before
    # Words that end a line would begin another one.
    for word in ("u@a.test\nevil@b.test = u@a.test", "u@a.test\rx"):
        p = as_user(inst, ANNA, "alias", "add", "i@a.test", word)
        assert p.returncode == 1, p
        assert tables(inst) == before
    assert any("%s by=admin: user add x@b.test" % ANNA in x and
               x.endswith(": refused") for x in audit(inst))


def test_owner_elsewhere(inst):
    """A list sends as its owner: it is one of his domain, or the operator's
    choice."""
    inst.ctl("alias", "add", "team@a.test", "--owner", "u@b.test", "u@a.test")
    before = tables(inst)
    for args in (("add", "l@a.test", "--owner", "u@b.test", "u@a.test"),
                 ("add", "l@a.test", "--owner", "x@remote.test", "u@a.test"),
                 ("set", "team@a.test", "--owner", "u@c.test")):
        refused(as_user(inst, ANNA, "alias", *args),
                args[args.index("--owner") + 1] + " is in no domain that you")
        assert tables(inst) == before, args
    done(as_user(inst, ANNA, "alias", "set", "team@a.test", "u@a.test",
                 "x@remote.test"))
    assert "team@a.test owner=u@b.test = u@a.test, x@remote.test" in \
        (inst.conf / "aliases").read_text()
    done(as_user(inst, ANNA, "alias", "del", "team@a.test"))


def test_others_are_not_told(inst):
    """A warning about somebody else's alias is for the operator."""
    inst.ctl("alias", "add", "secret@b.test", "--owner", "x@remote.test",
             "u@b.test")
    assert "secret@b.test" in inst.command("alias", "add", "w@a.test",
                                           "u@a.test").stderr
    p = as_user(inst, ANNA, "alias", "set", "w@a.test", "u@a.test")
    assert done(p) == "" and p.stderr == ""
    inst.ctl("alias", "del", "w@a.test")
    inst.ctl("alias", "del", "secret@b.test")


def test_costly_hash(inst):
    """One that would keep auth busy for hours is the operator's alone."""
    before = tables(inst)
    for value in ("$2b$31$" + "a" * 53, hashed().replace(
            "$6$", "$6$rounds=999999999$")):
        for args in (("add", "h@a.test"), ("passwd", "u@a.test")):
            refused(as_user(inst, ANNA, "user", *args, "--hash", value),
                    "takes much longer to check")
            assert tables(inst) == before, args


def test_not_for_admins(inst):
    """What touches more than a domain's rows runs as he who calls it."""
    before = tables(inst)
    for args in (("domain", "add", "d.test"), ("domain", "del", "a.test"),
                 ("domain", "set", "a.test", "--admins", BERT), ("apply",),
                 ("user", "rename", "u@a.test", "v@a.test"),
                 ("user", "import", "/etc/passwd"),
                 ("group", "add", "g", "u@a.test"), ("dkim", "new", "a.test"),
                 ("queue", "list"), ("stop",), ("purge",)):
        p = as_user(inst, ANNA, *args)
        assert p.returncode in (1, 75), (args, p)
        assert tables(inst) == before, args


def test_who_administers_nothing(inst):
    before = tables(inst)
    for args in (("user", "add", "x@a.test", "--hash", hashed()),
                 ("alias", "add", "x@a.test", "u@a.test"),
                 ("user", "del", "u@a.test"), ("user", "list"),
                 ("domain", "list")):
        refused(as_user(inst, NOBODY, *args), "you administer no domain")
    assert tables(inst) == before
    wait_for(lambda: "administers no domain" in inst.log())


def test_group(inst):
    """Who joins it may, who leaves it may no more, at his next login."""
    def may(who):
        return as_user(inst, who, "alias", "set", "kept@b.test",
                       "u@b.test").returncode == 0
    if "kept@b.test" not in (inst.conf / "aliases").read_text():
        inst.ctl("alias", "add", "kept@b.test", "u@b.test")
    assert may(BERT) and may(GROUPED) and not may(NOBODY) and not may(ANNA)
    run("gpasswd", "-a", NOBODY, GROUP)
    run("gpasswd", "-d", GROUPED, GROUP)
    try:
        assert may(NOBODY) and not may(GROUPED)
    finally:
        run("gpasswd", "-d", NOBODY, GROUP)
        run("gpasswd", "-a", GROUPED, GROUP)
    inst.ctl("domain", "set", "b.test", "--admins", BERT)
    assert not may(GROUPED) and may(BERT)
    inst.ctl("domain", "set", "b.test", "--admins", "%s,@%s" % (BERT, GROUP))


def test_language(inst):
    p = as_user(inst, ANNA, "user", "del", "u@b.test", lang="de_DE.UTF-8")
    assert p.returncode == 1 and "verwalten" in p.stderr, p.stderr
    # A name of a locale that is a path is none.
    p = as_user(inst, ANNA, "user", "del", "u@b.test", lang="../../tmp/x")
    refused(p, "is in no domain that you administer")


def frame(kind, body=b"", version=1):
    """lib/base/chan.h: the header is known from what the suite sends."""
    return struct.pack("<BBBBII", version, kind, 0, 0, 0, len(body)) + body


def field(tag, data):
    return struct.pack("<BI", tag, len(data)) + data


@contextlib.contextmanager
def connection(inst, who, timeout=30):
    """A socket that was connected as that user."""
    ours, theirs = socket.socketpair()
    code = ("import array,socket,sys\n"
            "s=socket.socket(socket.AF_UNIX)\n"
            "s.connect(sys.argv[1])\n"
            "o=socket.socket(fileno=0)\n"
            "socket.send_fds(o,[b'x'],[s.fileno()])\n")
    subprocess.run(["runuser", "-u", who, "--", "/usr/bin/python3", "-c", code,
                    str(inst.state / "run" / "admin")], stdin=theirs,
                   check=True, timeout=60)
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    ours.close()
    theirs.close()
    with socket.socket(fileno=fds[0]) as s:
        s.settimeout(timeout)
        yield s


def answer(s):
    """The kinds of the frames that come until the end."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := s.recv(65536):
            data += chunk
    return data


def hello(s):
    head = s.recv(12, socket.MSG_WAITALL)
    assert len(head) == 12
    return head


HOSTILE = [
    b"", b"\0", b"\xff" * 4096, b"GET / HTTP/1.0\r\n\r\n",
    frame(RUN), frame(HELLO), frame(END), frame(200),
    frame(RUN, field(1, b"")),
    frame(RUN, field(1, b"\xff\xff\xff\xff" + b"user")),
    frame(RUN, field(1, b"\4\0\0\0us")),
    frame(RUN, field(1, b"\4\0\0\0us\0r")),
    frame(RUN, field(1, b"\1\0\0\0x" * 2000)),
    frame(RUN, field(1, b"\0" * 65536)),
    frame(RUN, field(1, b"x" * 65537)),
    frame(RUN, field(2, b"C")),
    frame(RUN, field(1, b"\4\0\0\0user") + field(2, b"x" * 41)),
    struct.pack("<BBBBII", 1, RUN, 0, 0, 0, 0xffffffff),
    struct.pack("<BBBBII", 1, RUN, 9, 9, 0, 10),
]


def test_hostile_frames(inst):
    """Nothing of it runs, no process dies of it."""
    before = tables(inst)
    for data in HOSTILE:
        with connection(inst, ANNA) as s:
            hello(s)
            with contextlib.suppress(BrokenPipeError):
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            answer(s)
    assert tables(inst) == before
    assert "died by signal" not in inst.log()
    done(as_user(inst, ANNA, "user", "list"))


def test_stranger_is_not_read(inst):
    """He hears that he may not, and that is all."""
    with connection(inst, NOBODY) as s:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            s.sendall(HOSTILE[2])
        data = answer(s)
        assert data[:4] and len(data) < 100


def test_hogs(inst):
    """Who holds connections holds up neither the other nor the operator."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connection(inst, ANNA))
                for _ in range(6)]
        for s in held[:2]:
            hello(s)
        done(as_user(inst, BERT, "user", "list"))
        inst.ctl("alias", "list")
        for s in held:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: as_user(inst, ANNA, "user", "list").returncode == 0)


def test_killed(inst):
    """The process that runs it is killed: the tables are as before or after,
    and the next command goes on."""
    def admins():
        return [r["pid"] for r in inst.json("status")
                if r["program"] == "admin"]
    for delay in (0, 0.005, 0.02, 0.05):
        before = tables(inst)
        p = subprocess.Popen(
            ["runuser", "-u", ANNA, "--", str(rohrpost.ROHRPOST), "-c",
             str(inst.conf), "user", "add", "k@a.test", "--hash",
             hashed()], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        time.sleep(delay)
        for pid in admins():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, err = p.communicate(timeout=60)
        assert p.returncode in (0, 1, 75), (p.returncode, err)
        wait_for(lambda: as_user(inst, ANNA, "user", "list").returncode == 0)
        users = {r["user"] for r in inst.json("user", "list")}
        if "k@a.test" in users:
            assert "k@a.test:" in (inst.conf / "passwd").read_text()
            inst.ctl("user", "del", "k@a.test")
        elif p.returncode != 0:
            assert tables(inst)["users"] == before["users"]


def test_suite_is_down(inst):
    """It goes to nobody: as before, the files say who may."""
    inst.stop()
    try:
        p = as_user(inst, ANNA, "user", "set", "u@a.test", "--disabled")
        assert p.returncode in (1, 75) and p.stderr
    finally:
        inst.start()


class AtTerminal(terminal.Terminal):
    """The same, called by somebody."""

    def __init__(self, inst, who, *args):
        self.said = ""
        self.text = codecs.getincrementaldecoder("utf-8")()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp("runuser", [
                "runuser", "-u", who, "--", "env", "LC_ALL=C",
                str(rohrpost.ROHRPOST), "-c", str(inst.conf), *args])


def test_password_at_his_terminal(inst):
    t = AtTerminal(inst, ANNA, "user", "add", "t@a.test")
    for words in ("Password for t@a.test: ", "Again for t@a.test: "):
        while not t.said.endswith(words):
            assert t.hear(), t.said
        t.wait_hidden()
        os.write(t.fd, b"typed pass word\n")
        t.said = ""
    while t.hear():
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(t.pid, 0)[1]) == 0, t.said
    os.close(t.fd)
    login(inst, "t@a.test", "typed pass word")
    inst.ctl("user", "del", "t@a.test")
