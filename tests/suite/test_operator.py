"""What the operator's editor and shell do to the files: byte order marks, the
umask."""
import os
import pathlib
import stat
import subprocess

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
