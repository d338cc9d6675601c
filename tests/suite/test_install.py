"""What configure says, what make install and uninstall do."""
import os
import pathlib
import re
import subprocess

import pytest

import rohrpost

SOURCE = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("ROHRPOST_BUILD", "/nonexistent"))
PACKAGES = ("libssl-dev", "libidn2-dev", "libunbound-dev", "libgsasl-dev", "libcurl4-openssl-dev",
            "zlib1g-dev", "libcrypt-dev", "libev-dev", "libcdb-dev",
            "libdb5.3-dev")


@pytest.mark.skipif(not (SOURCE / "configure").exists(), reason="no configure")
def test_missing_libraries_are_named():
    d = rohrpost.scratch("configure")
    p = subprocess.run(
        [str(SOURCE / "configure"), "-q",
         *("ac_cv_header_%s_h=no" % h for h in ("unbound", "ev", "cdb",
                                                "db"))],
        cwd=d, capture_output=True, text=True, timeout=120,
        env=dict(os.environ, PKG_CONFIG_LIBDIR="/nonexistent",
                 PKG_CONFIG_PATH=""))
    assert p.returncode != 0
    last = [x for x in p.stderr.splitlines() if "apt-get install" in x]
    assert last, p.stderr
    last = last[-1]
    for name in PACKAGES:
        assert name in last, name
    for name in ("OpenSSL 3", "Berkeley DB 5.3", "libev", "GNU SASL"):
        assert re.search(r"%s is missing" % re.escape(name), p.stderr), name
    rohrpost.remove(d)


def files(d):
    return sorted(str(f.relative_to(d)) for f in d.rglob("*")
                  if f.is_symlink() or not f.is_dir())


@pytest.mark.skipif(not (BUILD / "Makefile").exists(), reason="no build")
def test_install_and_uninstall():
    """Into a staging root: the whole suite, and nothing left of it."""
    d = pathlib.Path(rohrpost.scratch("install"))
    for goal in ("install", "uninstall"):
        p = subprocess.run(["make", "-s", goal, "DESTDIR=%s" % d], cwd=BUILD,
                           capture_output=True, text=True, timeout=300)
        assert p.returncode == 0, p.stderr
        if goal == "uninstall":
            assert files(d) == []
            continue
        root = d / str(rohrpost.PREFIX).lstrip("/")
        for name in rohrpost.PROGRAMS:
            assert os.access(root / "libexec/rohrpost" / name, os.X_OK)
        for name in ("rohrpost", "sendmail"):
            assert (root / "sbin" / name).exists()
        # Nothing is setuid, nobody else may write.
        for f in files(d):
            if (d / f).is_symlink():
                continue
            mode = (d / f).stat().st_mode
            assert mode & 0o6000 == 0 and mode & 0o022 == 0, f
        for name in ("mailq", "newaliases"):
            assert os.readlink(root / "bin" / name) == str(
                rohrpost.PREFIX / "sbin/sendmail")
        shown = files(d)
        for part in ("rohrpost.service", "rohrpost.init",
                     "rohrpost.openrc", "sysusers.d/rohrpost.conf",
                     "completions/rohrpost", "man8/rohrpost.8"):
            assert [f for f in shown if f.endswith(part)], part
    rohrpost.remove(d)


def test_package_needs_what_configure_needs():
    """A library that configure asks for is one that the package is built
    with."""
    asked = re.findall(r"^RP_(?:PKG|LIB)\(.*?\[([a-z0-9.+-]+-dev)\]\)",
                       (SOURCE / "configure.ac").read_text(), re.M | re.S)
    control = (SOURCE / "conf/debian/control").read_text()
    assert len(asked) >= len(PACKAGES)
    for name in asked:
        assert re.search(r"[ ,]%s[ ,]" % re.escape(name), control), name


def test_purge_of_the_package():
    """The package removes what the command does, which is gone by then."""
    code = (SOURCE / "ctl/cmd_purge.c").read_text()
    script = (SOURCE / "conf/debian/rohrpost.postrm").read_text()
    state = re.findall(r'"([^"]+)"', re.search(
        r"state_names\[\] = \{(.*?)\};", code, re.S)[1])
    conf = re.findall(r'drop_conf\(p, "([^"]+)"\)', code)
    conf += re.findall(r'RENEW_(?:CERT|KEY)\s+"([^"]+)"', (
        SOURCE / "ctl/ctl_renew.h").read_text())
    conf += [m for f in (SOURCE / "ctl").glob("table_*.c")
             for m in re.findall(r'\.file = "([^"]+)"', f.read_text())]
    conf += re.findall(r'\{ "([a-z.]+)", "relay_password_file"', (
        SOURCE / "ctl/setup_check.c").read_text())
    lists = [" ".join(m.split()).replace("\\ ", "").split() for m in
             re.findall(r"for name in (.*?);", script, re.S)]
    assert sorted(lists[0]) == sorted(conf)
    assert sorted(lists[1]) == sorted(state)
    assert len(conf) == 15


@pytest.mark.skipif(not (BUILD / "Makefile").exists(), reason="no build")
def test_users_of_the_image_have_numbers():
    """Files in a state volume belong to numbers: every image has the same."""
    ids = re.search(r'^IDS="(.*?)"', (SOURCE / "conf/oci-image").read_text(),
                    re.M | re.S)[1].split()
    numbers = dict(i.split("=") for i in ids)
    assert len(set(numbers.values())) == len(ids)
    for line in (BUILD / "conf/sysusers.d/rohrpost.conf").read_text() \
            .splitlines():
        assert line.split()[1] in numbers, line


def init(script, word):
    p = subprocess.run(["/bin/sh", str(script), word], capture_output=True,
                       text=True, timeout=200)
    return p.returncode, p.stdout + p.stderr


@pytest.mark.skipif(not (BUILD / "Makefile").exists(), reason="no build")
def test_script_of_sysv():
    """The words of the script, and the statuses that LSB gives them."""
    scratch = pathlib.Path(rohrpost.scratch("init"))
    inst = rohrpost.Instance(scratch / "init")
    text = (BUILD / "conf/rohrpost.init").read_text()
    for line in ("Provides: ", "Required-Start: ", "Default-Start: ",
                 "Default-Stop: ", "Short-Description: "):
        assert "\n# " + line in text.split("### END INIT INFO")[0]
    script = scratch / "script"
    script.write_text(re.sub("^CONFDIR=.*", "CONFDIR=%s" % inst.conf, text,
                             flags=re.M))
    r, said = init(script, "start")
    assert r == 0 and "no configuration" in said
    inst.setup()
    try:
        assert init(script, "status")[0] == 3
        assert init(script, "start")[0] == 0
        pid = (inst.state / "run/master.pid").read_text()
        for word in ("start", "status", "reload", "force-reload"):
            assert init(script, word)[0] == 0, word
        assert (inst.state / "run/master.pid").read_text() == pid
        assert init(script, "try-restart")[0] == 0
        assert (inst.state / "run/master.pid").read_text() != pid
        for word in ("stop", "stop", "try-restart"):
            assert init(script, word)[0] == 0, word
        assert init(script, "status")[0] == 3
        assert init(script, "dance")[0] == 2
    finally:
        init(script, "stop")
    rohrpost.remove(scratch)
