"""What the operator's editor, shell and certificates do: byte order marks, the
umask, what clients or systemd would refuse."""
import functools
import os
import pathlib
import stat
import subprocess
import tempfile
import time

import pytest

import rohrpost
from rohrpost import PASSWORD, message

MARK = b"\xef\xbb\xbf"
UTF16 = "the text is UTF-16: save it as UTF-8"


def marked(f):
    f.write_bytes(MARK + f.read_bytes())


def recoded(f):
    f.write_bytes(f.read_bytes().decode().encode("utf-16"))


def test_byte_order_marks():
    """Every file that people write, and what they type into a pipe."""
    d = pathlib.Path(rohrpost.scratch("marks"))
    secret = d / "secret"
    secret.write_bytes(MARK + b"the relay's word\r\n")
    secret.chmod(0o600)
    inst = rohrpost.Instance(d / "i", profile="relay",
                             relay_host="[127.0.0.1]", relay_user="us",
                             relay_password_file=secret)
    inst.dir.mkdir()
    answers = inst.dir / "answers"
    answers.write_bytes(MARK + inst.answers().encode())
    inst.ctl("setup", "--answers", str(answers))
    for name in ("rohrpost.conf", "users", "passwd", "aliases", "domains",
                 "certificate.pem", "key.pem"):
        marked(inst.conf / name)
    inst.ctl("config", "check")
    inst.ctl("apply")
    p = inst.command("user", "add", "new@example.test", "--stdin", stdin=None,
                     input="\ufeff" + PASSWORD + "\n")
    assert p.returncode == 0, p.stderr
    inst.start()
    try:
        with inst.smtp() as s:
            s.sendmail("eve@remote.test", ["new@example.test"], message("n"))
        inst.wait_count(1, "new")
        assert inst.count("anna") == 0
    finally:
        inst.stop()
    rohrpost.remove(d)


@pytest.mark.parametrize("name", ["rohrpost.conf", "users", "passwd",
                                  "aliases", "domains", "certificate.pem",
                                  "secret", "answers"])
def test_utf16_is_named(tmp_path, name):
    inst = rohrpost.Instance(tmp_path / "i", profile="relay",
                             relay_host="[127.0.0.1]", relay_user="us",
                             relay_password_file=tmp_path / "i/conf/secret")
    inst.conf.mkdir(parents=True)
    (inst.conf / "secret").write_text("word\n")
    (inst.conf / "secret").chmod(0o600)
    inst.setup()
    f = inst.dir / name if name == "answers" else inst.conf / name
    recoded(f)
    f.chmod(0o600)
    p = inst.command(*(("setup", "--answers", str(f)) if name == "answers"
                       else ("apply",) if f.name in ("users", "passwd",
                                                     "aliases", "domains")
                       else ("config", "check")))
    assert p.returncode != 0
    assert len(p.stderr.splitlines()) == 1, p.stderr
    assert UTF16 in p.stderr and str(f) in p.stderr


def test_utf16_password(inst):
    p = subprocess.run([str(rohrpost.ROHRPOST), "-c", str(inst.conf), "user",
                        "add", "wide@example.test", "--stdin"],
                       input=(PASSWORD + "\n").encode("utf-16"),
                       capture_output=True, timeout=60)
    assert p.returncode != 0 and UTF16.encode() in p.stderr
    assert "wide@" not in inst.ctl("user", "list")


@pytest.mark.parametrize("umask", [0o077, 0o000], ids=["closed", "open"])
def test_umask(umask):
    """Whatever the shell has, programs read what commands wrote, and nobody
    else can write it."""
    d = rohrpost.scratch("umask")
    inst = rohrpost.Instance(d + "/i")
    inst.dir.mkdir()
    old = os.umask(umask)
    try:
        inst.setup()
        inst.ctl("apply")
        inst.ctl("start")
        try:
            inst.wait_ready()
            p = inst.command("user", "add", "new@example.test", "--stdin",
                             stdin=None, input=PASSWORD + "\n")
            assert p.returncode == 0, p.stderr
            inst.ctl("alias", "add", "x@example.test", "new@example.test")
            with inst.smtp() as s:
                s.sendmail("eve@remote.test", ["x@example.test"],
                           message("n"))
            inst.wait_count(1, "new", seconds=60)
            inst.ctl("reload")
        finally:
            inst.command("stop")
        modes = {p: stat.S_IMODE(p.lstat().st_mode)
                 for top in (inst.conf, inst.state)
                 for p in [top, *top.rglob("*")]
                 if not p.is_symlink() and not p.is_socket()}
    finally:
        os.umask(old)
    # The folder of a trial's answers is the shell's; ours are not.
    assert not [p for p, m in modes.items() if m & 0o002
                and not m & stat.S_ISVTX], modes
    for name in ("", "rohrpost.conf", "domains", "users", "aliases"):
        assert modes[inst.conf / name] & 0o004, name
    assert modes[inst.conf / "passwd"] & 0o077 == 0
    assert modes[inst.state / "jail" / "tables.cdb"] & 0o004
    rohrpost.remove(d)


def certificate(d, *, begin=-1, end=365, name="mail.example.test"):
    """A certificate and its key in d, by days from now."""
    d.mkdir(exist_ok=True)
    day = 24 * 60 * 60
    now = time.time()
    start, stop = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(now + n * day))
                   for n in (begin, end))
    run = functools.partial(subprocess.run, check=True, cwd=d, timeout=60,
                            capture_output=True)
    run(["openssl", "req", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out",
         "req.pem", "-subj", "/CN=x"])
    (d / "ca.conf").write_text(
        "[ca]\ndefault_ca=a\n[a]\ndatabase=index\nserial=serial\n"
        "new_certs_dir=.\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n"
        "[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:%s\n" % name)
    (d / "index").write_text("")
    (d / "serial").write_text("01\n")
    run(["openssl", "ca", "-batch", "-config", "ca.conf", "-selfsign",
         "-keyfile", "key.pem", "-in", "req.pem", "-out", "cert.pem",
         "-startdate", start, "-enddate", stop, "-notext"])
    (d / "key.pem").chmod(0o600)
    return d / "cert.pem", d / "key.pem"


def test_certificates_that_clients_refuse():
    """Said by config check, reload, status and the log, and no refusal."""
    d = pathlib.Path(rohrpost.scratch("cert"))
    inst = rohrpost.Instance(d / "i").setup()
    conf = inst.conf / "rohrpost.conf"
    good = conf.read_text()
    inst.start()
    try:
        assert "warning" not in inst.command("config", "check").stderr
        assert "tls_certificate" not in inst.log()
        for i, (kw, words) in enumerate((
                (dict(begin=-30, end=-2), "ran out on 20"),
                (dict(end=13), "runs out on 20"),
                (dict(begin=2), "is not valid before 20"),
                (dict(name="other.test"), "is not for this host's name, "
                 "mail.example.test"),
                (dict(end=15, name="*.example.test"), None))):
            cert, key = certificate(d / str(i), **kw)
            conf.write_text(good.replace(
                str(inst.conf / "certificate.pem"), str(cert)).replace(
                str(inst.conf / "key.pem"), str(key)))
            said = "tls_certificate: %s: %s" % (cert, words)
            inst.ctl("reload")
            for args in (("config", "check"), ("reload",), ("status",)):
                p = inst.command(*args)
                assert p.returncode == 0, p.stderr
                lines = p.stderr.splitlines()
                if words is None:
                    assert not lines, lines
                    continue
                assert len(lines) == 1, lines
                assert "warning: %s:" % conf in lines[0], lines
                assert said in lines[0], lines
            if words is not None:
                rohrpost.wait_for(lambda said=said: said in inst.log(),
                                  text=said)
    finally:
        inst.stop()
    rohrpost.remove(d)


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK),
                    reason="no directory outside those that systemd hides")
def test_certificate_that_systemd_hides(tmp_path):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as d:
        inst = rohrpost.Instance(d).setup()
        conf = inst.conf / "rohrpost.conf"
        good = conf.read_text()
        assert not inst.command("config", "check").stderr
        with tempfile.TemporaryDirectory(dir="/var/tmp") as hidden:
            cert, key = certificate(pathlib.Path(hidden) / "c")
            link = inst.dir / "link.pem"
            link.symlink_to(cert)
            for path in (cert, link):
                conf.write_text(good.replace(
                    str(inst.conf / "certificate.pem"), str(path)).replace(
                    str(inst.conf / "key.pem"), str(key)))
                p = inst.command("config", "check")
                assert p.returncode == 0, p.stderr
                lines = p.stderr.splitlines()
                assert len(lines) == 2, lines
                for line, name in zip(lines, (path, key)):
                    assert "%s: lies in /var/tmp/, which systemd's" % name \
                        in line, lines


@pytest.mark.parametrize("verb", ["apply", "start", "setup"])
def test_our_certificate_follows_the_name(verb):
    d = rohrpost.scratch("renew")
    inst = rohrpost.Instance(d + "/i").setup()
    conf, cert = inst.conf / "rohrpost.conf", inst.conf / "certificate.pem"

    def run():
        if verb == "setup":
            p = inst.command("setup", "--answers", "-", "--yes", stdin=None,
                             input="hostname = mx.example.test\n")
            assert p.returncode == 0, p.stderr
            return
        conf.write_text(conf.read_text().replace("= mail.example.test",
                                                 "= mx.example.test"))
        try:
            inst.ctl(verb)
        finally:
            if verb == "start":
                inst.command("stop")

    def is_for(name):
        p = subprocess.run(["openssl", "x509", "-in", str(cert), "-noout",
                            "-checkhost", name], check=True, text=True,
                           capture_output=True)
        return "does match" in p.stdout

    # Nothing to do: nothing is done.
    before = cert.read_bytes()
    inst.ctl("apply")
    assert cert.read_bytes() == before
    run()
    assert is_for("mx.example.test") and is_for("example.test")
    assert not is_for("mail.example.test")
    assert not inst.command("config", "check").stderr
    # One that somebody else signed himself is his.
    theirs, key = certificate(pathlib.Path(d) / "theirs", end=3650)
    cert.write_bytes(theirs.read_bytes())
    (inst.conf / "key.pem").write_bytes(key.read_bytes())
    run()
    assert cert.read_bytes() == theirs.read_bytes()
    rohrpost.remove(d)
