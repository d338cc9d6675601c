"""start, stop and reload by systemd's unit, with a systemctl that writes down what
it is asked and does what the unit would do; in a name space of mounts of its
own, where /run says that systemd runs this host."""
import os
import subprocess

import pytest

import rohrpost

SYSTEMCTL = """#!/bin/sh
echo "$*" >>@D@/calls
active() { [ -e @D@/active ]; }
case $1 in
is-active) active && echo active || { echo inactive; exit 3; } ;;
is-enabled) [ -e @D@/enabled ] || exit 1 ;;
fail) exit 1 ;;
start)
	[ ! -e @D@/broken ] || { echo "Job for $2 failed."; exit 1; }
	@ROHRPOST@ -c @CONF@ start --direct && touch @D@/active ;;
stop) rm @D@/active; @ROHRPOST@ -c @CONF@ stop --direct ;;
reload)
	# As an older unit has it: without --direct, from within.
	mount --bind @D@/cgroup /proc/$$/cgroup
	exec @ROHRPOST@ -c @CONF@ reload ;;
esac
"""
INSIDE = """
mount --make-rprivate / &&
mount -t tmpfs none /run && mkdir -p /run/systemd/system &&
mount --bind @D@/systemctl /usr/bin/systemctl &&
{ [ -e @D@/elsewhere ] || mount --bind @CONF@ @DEFAULT@; } && exec "$@"
"""
DEFAULT = rohrpost.PREFIX / "etc/rohrpost"


class Unit:
    def __init__(self, inst):
        self.inst = inst
        self.dir = inst.dir / "unit"
        self.dir.mkdir()
        self.write("systemctl", SYSTEMCTL).chmod(0o755)
        self.write("inside", INSIDE)
        self.write("cgroup", "0::/system.slice/rohrpost.service/control\n")
        self.write("calls", "")

    def write(self, name, text):
        for word, value in (("@D@", self.dir), ("@CONF@", self.inst.conf),
                            ("@ROHRPOST@", rohrpost.ROHRPOST),
                            ("@DEFAULT@", DEFAULT)):
            text = text.replace(word, str(value))
        (self.dir / name).write_text(text)
        return self.dir / name

    def flag(self, name, on=True):
        (self.dir / name).touch() if on else (self.dir / name).unlink()

    def run(self, *args, **env):
        """Exit status, what was said, and what systemctl was asked to do."""
        self.write("calls", "")
        p = subprocess.run(
            ["unshare", "-m", "sh", str(self.dir / "inside"),
             str(rohrpost.ROHRPOST), "-c", str(self.inst.conf), *args],
            capture_output=True, text=True, timeout=100,
            env={**os.environ, **env})
        asked = (self.dir / "calls").read_text().splitlines()
        return p.returncode, p.stderr, [
            a for a in asked if not a.startswith("is-")]

    def runs(self):
        return self.inst.command("status").returncode == 0


@pytest.fixture(scope="module")
def unit():
    if os.geteuid() != 0 or subprocess.run(
            ["unshare", "-m", "true"], capture_output=True).returncode != 0:
        pytest.skip("no name space of mounts here")
    made = not DEFAULT.exists()
    DEFAULT.mkdir(parents=True, exist_ok=True)
    d = rohrpost.scratch("unit")
    inst = rohrpost.Instance(d, users=("anna",)).setup()
    yield Unit(inst)
    inst.command("stop", "--direct")
    rohrpost.remove(d)
    if made:
        DEFAULT.rmdir()


NAME = "rohrpost.service"


def test_where_it_is_enabled(unit):
    """start, reload and stop are the unit's; none of them waits for itself."""
    unit.flag("enabled")
    assert unit.run("start") == (0, "", ["start " + NAME])
    assert unit.runs()
    assert unit.run("start")[0] == 1            # it is running already
    assert unit.run("reload") == (0, "", ["reload " + NAME])
    assert unit.run("reload", "--direct") == (0, "", [])
    assert unit.run("reload", ROHRPOST_DIRECT="1") == (0, "", [])
    assert unit.run("stop") == (0, "", ["stop " + NAME])
    assert not unit.runs()


def test_started_without_it(unit):
    """What systemd knows nothing of is stopped and told directly."""
    assert unit.run("start", "--direct") == (0, "", [])
    assert unit.runs()
    assert unit.run("reload") == (0, "", [])
    assert unit.run("stop") == (0, "", [])
    assert not unit.runs()


def test_where_it_is_not(unit):
    """Neither enabled nor active; and another directory, whatever is."""
    unit.flag("enabled", False)
    assert unit.run("start") == (0, "", [])
    assert unit.run("stop") == (0, "", [])
    unit.flag("enabled")
    unit.flag("elsewhere")
    assert unit.run("start") == (0, "", [])
    assert unit.run("stop") == (0, "", [])
    unit.flag("elsewhere", False)


def test_refused(unit):
    """What systemctl says is said, with where more is; and a fault of the
    configuration before it is asked at all."""
    unit.flag("broken")
    code, said, asked = unit.run("start")
    unit.flag("broken", False)
    assert (code, asked) == (1, ["start " + NAME])
    assert said == (
        "rohrpost: Job for rohrpost.service failed.\nrohrpost: systemctl start "
        "rohrpost.service failed: journalctl -u rohrpost.service tells more\n")
    conf = unit.inst.conf / "rohrpost.conf"
    good = conf.read_text()
    assert unit.run("start")[0] == 0
    try:
        conf.write_text(good + "smtp_idle = 0\n")
        code, said, asked = unit.run("reload")
        assert (code, asked) == (1, [])
        assert "smtp_idle: \"0\" is out of bounds" in said
        assert unit.run("stop") == (0, "", ["stop " + NAME])
        code, said, asked = unit.run("start")
        assert (code, asked) == (1, [])
        assert "smtp_idle: \"0\" is out of bounds" in said
    finally:
        conf.write_text(good)
    assert not unit.runs()
