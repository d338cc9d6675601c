"""What a break-in wins: the table against the manuals, and against an attacker
in each program's place."""
import collections
import glob
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import programs
import rohrpost

TOP = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
WALLS = (TOP / "lib/server/walls.def").read_text()
WINS = {r.id: None for r in programs.LIVE}
WINS.update(re.findall(r'^WIN_ROW\((\w+),\s*"([^"]+)"\)', WALLS, re.M))
ATTEMPTS = re.findall(r"^ATTEMPT_ROW\((\w+),", WALLS, re.M)
COMMON = {"read_tables"}
CONNECT = {"connect_apart", "send_to", "send_first"}
NET = CONNECT | {"socket_inet", "socket_udp", "socket_inet6",
                 "socket_netlink", "connect_here", "connect_there",
                 "bind_port"}
OPEN = {"read_etc", "dot_dot", "proc_list"}
# Written once more, so that no wider table goes unnoticed.
REACHED = {
    "logger": OPEN | CONNECT | {
        "read_log", "write_log", "write_temporary", "write_drop",
        "socket_unix",
        "connect_submit", "abstract", "door_logs"},
    "resolve": NET | {"thread"},
    "auth": OPEN | {"read_hashes", "door_session", "door_pam", "thread"},
    "pam": OPEN | CONNECT | {
        "read_hashes", "read_mail", "read_index", "read_body", "read_table",
        "read_log", "read_key", "read_dkim", "read_accounts",
        "read_shadow", "write_mail",
        "write_body", "write_hashes", "write_tables", "write_state",
        "write_log", "write_run", "write_drop", "write_temporary",
        "link_shadow", "proc_files", "be_root", "be_root_group", "capable",
        "socket_unix", "connect_submit", "connect_master", "connect_store",
        "connect_queue", "abstract", "door_auth"},
    "admin": OPEN | CONNECT | {
        "read_hashes", "read_mail", "read_index", "read_body", "read_table",
        "read_log", "read_key", "read_dkim", "read_accounts",
        "read_shadow", "write_mail",
        "write_body", "write_hashes", "write_tables", "write_state",
        "write_log", "write_run", "write_drop", "write_temporary",
        "link_shadow", "proc_files", "be_root", "be_root_group", "capable",
        "socket_unix", "connect_submit", "connect_master", "connect_store",
        "connect_queue", "abstract"},
    "store": OPEN | {"read_mail", "read_index", "read_body", "write_mail",
                     "write_body", "write_state", "write_temporary", "write_drop",
                     "thread"},
    "signer": {"read_dkim", "door_queue"},
    "queue": OPEN | {"read_body", "read_table", "write_body", "door_signer",
                     "write_temporary", "write_drop", "thread"},
    "pickup": OPEN | CONNECT | {"socket_unix", "connect_submit", "abstract"},
    "deliver": {"door_store", "door_queue"},
    "relay": NET | {"door_queue", "door_resolve"},
    "probe": NET,
    "collect": OPEN | {"read_accounts", "write_temporary", "write_drop",
                       "door_queue"},
    "fetch": NET | {"door_resolve"},
    "smtpd (smtp)": {"given_key", "door_queue"},
    "smtpd (submission)": {"given_key", "door_queue", "door_auth"},
    "smtpd (local)": {"door_queue", "door_signer"},
    "login": {"given_key", "door_auth"},
    "imapd": {"door_store"},
    "pop3d": {"door_store"},
    "migrate": {"door_store"},
}


def plain(text):
    """Without the macros of a manual page, in one line."""
    return " ".join(re.sub(r"^\.\w+ ?", "", text, flags=re.M).split())


@pytest.mark.parametrize("row", programs.LIVE, ids=lambda r: r.name)
def test_manuals_say_what_a_break_in_wins(row):
    words = WINS[row.id]
    page = (TOP / "man" / ("rohrpost-%s.8" % row.kind)).read_text()
    security = re.search(r"^\.Sh SECURITY\n(.*?)^\.Sh ", page, re.S | re.M)
    assert words in plain(security.group(1))
    line = [x for x in (TOP / "doc/internals.md").read_text().splitlines()
            if x.startswith("| %s |" % row.name)]
    assert line[0].endswith("| %s |" % words)


def selftest(*prefix, user=None):
    return subprocess.run([*prefix, str(rohrpost.ROHRPOST), "selftest",
                           "jail", "--json"], capture_output=True, text=True,
                          timeout=300, user=user)


def by_program(run):
    rows = collections.defaultdict(dict)
    for r in rohrpost.json.loads(run.stdout):
        rows[r["program"]][r["attempt"]] = r
    return rows


def left():
    return glob.glob("/tmp/rohrpost-selftest.*")


@pytest.mark.root
def test_attacker_in_each_place():
    """Whoever breaks in reaches what the table says, and nothing else."""
    before = set(left())
    run = selftest()
    assert run.returncode == 0, run.stdout + run.stderr
    rows = by_program(run)
    assert set(rows) == {r.name for r in programs.LIVE} == set(REACHED)
    for name, tried in rows.items():
        assert list(tried) == ATTEMPTS
        reached = {a for a, r in tried.items() if r["error"] is None}
        absent = {a for a, r in tried.items() if r["verdict"] == "absent"}
        assert reached | absent == REACHED[name] | COMMON, name
    # Nothing of it is left.
    assert set(left()) <= before
    for d in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = pathlib.Path(d).read_bytes()
        except OSError:
            continue
        assert not any(p.encode() in words for p in set(left()) - before)


@pytest.mark.root
def test_attacker_sees_a_wall_that_is_down(tmp_path):
    """A file of secrets that all can read: whoever has no jail tells of it."""
    shadow = tmp_path / "shadow"
    shutil.copy("/etc/shadow", shadow)
    os.chmod(shadow, 0o644)
    os.chmod(tmp_path, 0o755)
    run = selftest("unshare", "-m", "sh", "-c",
                   "mount --bind %s /etc/shadow && exec \"$@\"" % shadow, "sh")
    assert run.returncode == 1, run.stderr
    rows = [(p, a, r["verdict"]) for p, tried in by_program(run).items()
            for a, r in tried.items()]
    broken = {(p, a) for p, a, v in rows if v == "broken"}
    assert broken == {(r.name, "read_shadow") for r in programs.LIVE
                      if not r.jail and r.user != "root"}
    # To another file system there is no link, for root neither.
    less = [(r.name, "link_shadow") for r in programs.LIVE
            if r.user == "root"]
    assert [(p, a) for p, a, v in rows if v == "less"] == less
    assert "%d results" % (len(broken) + len(less)) in run.stderr


def test_attack_needs_root():
    """A trial has no walls to try, and says so."""
    run = selftest(user=65534 if os.geteuid() == 0 else None)
    assert run.returncode == 1 and not run.stdout
    assert "only root can try it" in run.stderr
