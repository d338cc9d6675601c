"""The benchmark by its options: which row is measured of whom, what is said
where a peer cannot be had, and that nothing stays behind. No network and no
package: apt-get and dpkg are stand-ins. What it measures is its own test: it
holds mailboxes against what was sent."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

import rohrpost

SOURCE = pathlib.Path(os.environ.get("ROHRPOST_SOURCE", pathlib.Path(
    __file__).resolve().parents[2]))
RUN = SOURCE / "tests/bench/run"
sys.path.insert(0, str(SOURCE / "tests/bench"))
import private_root  # noqa: E402
import report  # noqa: E402

ALL = "rohrpost, postfix+dovecot, exim, opensmtpd, cyrus"


@pytest.fixture
def scratch():
    d = pathlib.Path(rohrpost.scratch("bench"))
    (d / "bin").mkdir()
    (d / "work").mkdir()
    yield d
    shutil.rmtree(d)


def bench(*argv, bin=None):
    env = dict(os.environ)
    if bin is not None:
        env["PATH"] = "%s:%s" % (bin, env["PATH"])
    return subprocess.run([sys.executable, str(RUN), *argv], env=env,
                          capture_output=True, text=True, timeout=120)


def plan(*argv):
    p = bench("--plan", *argv)
    assert p.returncode == 0, p.stderr
    return dict(line.split(": ") for line in p.stdout.splitlines())


def stand_in(directory, name, script):
    f = directory / "bin" / name
    f.write_text("#!/bin/sh\n" + script)
    f.chmod(0o755)


# -- options and the plan -----------------------------------------------------

def test_by_itself_it_is_postfix_and_dovecot():
    rows = plan()
    assert len(rows) == 14
    assert set(rows.values()) == {"rohrpost, postfix+dovecot"}


def test_a_peer_has_the_rows_that_it_can_have():
    rows = plan("--peers", "exim,opensmtpd,cyrus")
    assert rows["accept 4 KiB, 1 connection"] == ALL
    assert rows["accept 4 KiB, 20, one message each"] == ALL
    assert rows["sync calls of a message"] == ALL
    assert rows["relay out 4 KiB, 20 connections"] == \
        "rohrpost, postfix+dovecot, exim, opensmtpd"
    for title in ("IMAP mix, 10 connections", "APPEND 40 KiB, one session",
                  "COPY one by one, one session",
                  "POP3 download, 10 connections",
                  "memory per idle IMAP, KB"):
        assert rows[title] == "rohrpost, postfix+dovecot, cyrus"


def test_only_and_system_leave_out():
    assert plan("--only", "relay,imap", "--peers", "exim,cyrus",
                "--system", "rohrpost,cyrus") == {
        "IMAP mix, 10 connections": "rohrpost, cyrus",
        "relay out 4 KiB, 20 connections": "rohrpost"}


def test_another_tree_takes_the_place_of_the_peers():
    assert set(plan("--against", "/x", "--only", "accept").values()) == {
        "rohrpost, before"}


def test_masses_and_sizes_only_by_argument():
    assert {"masses", "sizes"}.isdisjoint(plan())
    assert {"masses", "sizes", "IMAP mix, 10 connections"} <= set(
        plan("--masses", "--sizes"))
    assert set(plan("--only", "sizes", "--masses")) == {"masses", "sizes"}


@pytest.mark.parametrize("argv", [
    ("--peers", "exim,sendmail"), ("--only", "smtp"), ("--system", "x"),
    ("--only", "imap", "--peers", "exim", "--system", "exim")])
def test_a_name_that_is_not_known_is_refused(argv):
    p = bench("--plan", *argv)
    assert p.returncode == 2
    assert p.stdout == ""


# -- rows of the build alone --------------------------------------------------

def program(scratch, name, script):
    f = scratch / "build/tests/bench" / name
    f.parent.mkdir(parents=True, exist_ok=True)
    f.write_text("#!/bin/sh\n" + script)
    f.chmod(0o755)


@pytest.mark.root
def test_masses_and_sizes_are_read(scratch):
    """From programs that say what the build's say."""
    program(scratch, "bench_masses", """\
test -x tests/bench/bench_masses || exit 1  # it finds queue from there
echo "$2 messages ready after 4.5 s"
case "$*" in *-q*) echo "queued after 8.2 s" ;; esac
echo "41 sent: median 1.0 ms, longest 660.6 ms; 41 delivered, 0 bounces/s, \
0 attempts; log 1.0 MB; memory 59 MB, at most 1059 MB"
""")
    program(scratch, "bench_sizes", """\
echo "    $1 select      $(($1 / 500)).25"
echo "    $1 delivery    3.94 cpu    0.20"
""")
    p = bench("--only", "masses,sizes", "--dir", str(scratch / "work"),
              "--build", str(scratch / "build"), "--json",
              str(scratch / "json"))
    assert p.returncode == 0, p.stderr
    found = json.loads((scratch / "json").read_text())
    assert [tuple(r) for r in found["masses"]] == [
        ("1,000 messages queued, of 1,000: most memory", 1059, "MB", 1024),
        ("1,000 messages queued, of 1,000: queued in", 8.2, "s", None),
        ("1,000,000 messages at a start, of 1: most memory", 1059, "MB",
         1024),
        ("1,000,000 messages at a start, of 1: ready", 4.5, "s", None),
        ("1,000,000 messages at a start, of 1: SMTP meanwhile, longest",
         660.6, "ms", None),
        ("200,000 messages at a start, of 1: most memory", 1059, "MB", 1024),
        ("200,000 messages at a start, of 1: ready", 4.5, "s", 5),
        ("200,000 messages at a start, of 1: SMTP meanwhile, longest",
         660.6, "ms", None)]
    assert ["select, 1,000,000 messages (10.0x)", 2000.25, "ms", None] in \
        found["sizes"]
    assert ["  delivery, 1,000 messages, cpu", 0.2, "ms", None] in \
        found["sizes"]
    assert p.stdout.count("MISSED") == 3 and p.stdout.count("kept") == 1


@pytest.mark.root
def test_a_program_that_is_not_built_is_told(scratch):
    p = bench("--only", "masses", "--dir", str(scratch / "work"), "--build",
              str(scratch))
    assert p.returncode == 69
    assert p.stderr == "bench: %s/tests/bench/bench_masses is not built\n" % \
        scratch


# -- what cannot be had -------------------------------------------------------

def exim(scratch, **kw):
    return bench("--only", "relay", "--peers", "exim", "--system", "exim",
                 "--dir", str(scratch / "work"), bin=scratch / "bin", **kw)


def refused(scratch, words):
    p = exim(scratch)
    said = [s for s in p.stderr.splitlines() if s.startswith("bench: ")]
    assert (p.returncode, said) == (69, [words]), p.stderr
    assert "Traceback" not in p.stderr
    assert list((scratch / "work").iterdir()) == []


@pytest.mark.root
def test_without_network_one_line_says_so(scratch):
    stand_in(scratch, "apt-get",
             "echo E: Failed to fetch http://deb.test/x >&2; exit 100\n")
    refused(scratch, "bench: apt-get update: E: Failed to fetch "
            "http://deb.test/x")


@pytest.mark.root
def test_without_the_package_one_line_says_so(scratch):
    stand_in(scratch, "apt-get", 'case "$*" in *update*) exit 0; esac\n'
             "echo E: Unable to locate package exim4-daemon-light >&2\n"
             "exit 100\n")
    refused(scratch, "bench: apt-get install: E: Unable to locate package "
            "exim4-daemon-light")


@pytest.mark.root
def test_a_package_that_does_not_unpack(scratch):
    stand_in(scratch, "apt-get", """\
for a; do case $a in Dir::Cache::archives=*) dir=${a#*=}; esac; done
case "$*" in
*print-uris*) echo "'http://deb.test/x.deb' x.deb 3 SHA256:0" ;;
*download-only*) echo no > "$dir/x.deb" ;;
esac
""")
    stand_in(scratch, "dpkg", 'case $1 in -s) echo install ok installed ;;\n'
             "*) echo dpkg-deb: error: not a Debian archive >&2; exit 2\n"
             "esac\n")
    refused(scratch, "bench: x.deb: dpkg-deb: error: not a Debian archive")


@pytest.mark.root
def test_broken_off_nothing_stays(scratch):
    """While apt-get runs, a TERM."""
    stand_in(scratch, "apt-get", "echo > %s/ready\nexec sleep 1000\n" %
             scratch)
    env = dict(os.environ, PATH="%s:%s" % (scratch / "bin",
                                           os.environ["PATH"]))
    p = subprocess.Popen(
        [sys.executable, str(RUN), "--only", "relay", "--peers", "exim",
         "--system", "exim", "--dir", str(scratch / "work")], env=env,
        stderr=subprocess.DEVNULL)
    rohrpost.wait_for((scratch / "ready").exists, 60)
    assert list((scratch / "work").iterdir())
    p.send_signal(signal.SIGTERM)
    assert p.wait(60) == 128 + signal.SIGTERM
    assert list((scratch / "work").iterdir()) == []


# -- a private root -----------------------------------------------------------

@pytest.mark.root
def test_a_root_sees_its_directory_and_ends_as_a_whole(scratch):
    """A root of the machine's own shell: what it starts has its own tree of
    files and its own processes, and none is left after stop."""
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "-t",
                       "proc", "proc", "/proc"],
                      capture_output=True).returncode != 0:
        pytest.skip("no namespaces here")
    root = private_root.Root.__new__(private_root.Root)
    root.dir, root.path, root.process = scratch, scratch / "root", None
    for d in ("dev", "proc", "bin"):
        (root.path / d).mkdir(parents=True)
    shutil.copy("/bin/sh", root.path / "bin/sh")
    libs = subprocess.run(["ldd", "/bin/sh"], capture_output=True,
                          text=True).stdout
    for word in libs.split():
        if word.startswith("/"):
            to = root.path / word[1:]
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(word, to)
    root.make_users({"some": (77, "/", "*")})
    inside = scratch / ("inside-%d" % os.getpid())
    inside.mkdir()
    os.mkfifo(inside / "wait")
    root.start("""\
cd %s
( while :; do read -r line < wait; done ) &
while read -r line; do echo "$line" >> users; done < /etc/passwd
test -e /dev/null && test -d /proc/1 && ! test -e /usr && echo $$ > pid
wait
""" % inside, inside, scratch / "log")
    try:
        rohrpost.wait_for((inside / "pid").exists, 60,
                          text="a shell in the root")
        assert int((inside / "pid").read_text()) < 10
        assert "some:x:77:77::/:/bin/false" in (inside / "users").read_text()
        assert not any((root.path / "dev").iterdir())
        children = holders(inside)
        assert len(children) >= 2
    finally:
        root.stop()
    rohrpost.wait_for(lambda: not holders(inside), 60)


def holders(directory):
    """Processes whose working directory it is."""
    out = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink("/proc/%s/cwd" % pid).endswith(directory.name):
                out.append(int(pid))
        except OSError:
            pass
    return out


# -- what is printed ----------------------------------------------------------

def test_ratios_are_of_ours_against_each():
    class Named:
        def __init__(self, name):
            self.name = name

    class Bench:
        systems = [Named("rohrpost"), Named("exim"), Named("cyrus")]
        results = {"a row": {
            "rohrpost": [{"rate": r, "cpu_ms": 0.5} for r in (90, 100, 999)],
            "exim": [{"rate": 20.0, "cpu_ms": 2.0}],
            "cyrus": [{"rate": 200.0, "cpu_ms": 0.25}]}}

    row = report.summary(Bench)["a row"]
    assert row["rohrpost"] == {"rate": 100, "cpu_ms": 0.5}
    assert row["ratios"] == {"exim": {"rate": 5, "cpu_ms": 4},
                             "cyrus": {"rate": 0.5, "cpu_ms": 0.5}}
    assert report.cell(row, "exim", "rate") == "20.00 /s  5.00x"
    assert report.cell(row, "rohrpost", "rate") == "100.00 /s"
    assert report.cell(row, "opensmtpd", "rate") == "-"


def test_a_bound_that_is_missed_is_told(capsys):
    report.alone([("a", 5, "s", 5), ("b", 5.1, "s", 5), ("c", 9, "s", None)])
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in out] == ["kept", "MISSED", "s"]
