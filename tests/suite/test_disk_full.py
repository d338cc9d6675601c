"""A full disk is answered 452 and recovers by itself."""
import pathlib
import subprocess

import pytest

import rohrpost

pytestmark = pytest.mark.root


def test_full_disk_then_space(tmp_path):
    d = pathlib.Path(rohrpost.scratch("full"))
    disk = d / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs",
                    str(disk)], check=True)
    inst = rohrpost.Instance(d / "inst", users=("anna",),
                             state=disk / "state", message_size="4M")
    try:
        with inst:
            with inst.smtp() as s:
                s.sendmail("eve@remote.test", ["anna@example.test"],
                           rohrpost.message("before"))
            inst.wait_count(1)
            ballast = disk / "ballast"
            with open(ballast, "wb") as f:
                try:
                    while True:
                        f.write(b"x" * 65536)
                        f.flush()
                except OSError:
                    pass
            with inst.smtp() as s:
                s.ehlo("client.test")
                code, words = s.mail("eve@remote.test")
                if code == 250:
                    s.rcpt("anna@example.test")
                    code, words = s.data(rohrpost.message("full", 100000))
                assert (code, words[:5]) == (452, b"4.3.1")
            assert len(inst.messages()) == 1
            ballast.unlink()

            def accepted():
                with inst.smtp() as s:
                    try:
                        s.sendmail("eve@remote.test",
                                   ["anna@example.test"],
                                   rohrpost.message("after"))
                        return True
                    except Exception:
                        return False
            rohrpost.wait_for(accepted, 30, 0.5)
            inst.wait_count(2)
            assert inst.command("store", "check").returncode == 0
    finally:
        inst.stop()
        subprocess.run(["umount", str(disk)])
        rohrpost.remove(str(d))
