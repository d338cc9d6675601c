"""What is written about the programs, and what is made from their table,
says what the table says (lib/base/programs.def)."""
import os
import pathlib
import re

import programs

TOP = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("ROHRPOST_BUILD", "."))
RIGHTS = {"NET": "network", "UNIX": "Unix sockets", "FILES": "files",
          "EXEC": "programs", "THREADS": "threads"}


def chapter(title):
    text = (TOP / "doc/internals.md").read_text()
    return text.split("\n## %s\n" % title, 1)[1].split("\n## ", 1)[0]


def test_table_is_read_whole():
    """The reader of the tests loses no row."""
    text = (TOP / "lib/base/programs.def").read_text()
    for rows, macro in ((programs.ROWS, "PROGRAM_ROW"),
                        (programs.PEERS, "PEER_ROW")):
        assert len(rows) == len(re.findall(r"(?m)^%s\(" % macro, text)) > 10
    assert {r.pool for r in programs.ROWS} == {
        "POOL_RESERVED", "POOL_KEEP", "POOL_ACCEPT", "POOL_DEMAND",
        "POOL_SESSION", "POOL_FILE", "POOL_COMMAND"}


def test_processes():
    said = {}
    for line in chapter("Processes").splitlines():
        if line.startswith("| ") and not line.startswith("| program"):
            name, shape, number, user, rights, *_ = line.strip("| ").split(
                " | ")
            said[name] = (shape.split()[0].strip(","), user,
                          set(rights.split(", ")) - {"-"})
            row = [r for r in programs.LIVE if r.name == name]
            if row and row[0].count and row[0].count != "1":
                assert row[0].count in number.replace("`", " ").split() or \
                    "(`%s`)" % row[0].count in number, line
    assert said.pop("master") == ("loop", "root", {"all"})
    assert said == {r.name: (
        "loop" if r.loop else "work",
        (r.user or "session uid") + (", jail" if r.jail else ""),
        {RIGHTS[x] for x in r.rights}) for r in programs.LIVE}


def test_wires():
    said = re.findall(r"(?m)^    (\w+) - (\w+) +proto_(\w+)",
                      chapter("Wires"))
    assert len(set(said)) == len(said)
    # No wires of master's: who asks finds the socket by its name.
    assert set(said) - {("ctl", "master", "ctl"), ("ctl", "store", "door"),
                        ("sendmail", "queue", "ctl")} \
        == set(programs.WIRES)


def test_pages():
    """The page of each program names its rights."""
    words = {"NET": "network sockets", "UNIX": "Unix sockets",
             "FILES": "files by name", "EXEC": "other programs",
             "THREADS": "threads"}
    for name in programs.NAMES:
        page = (TOP / ("man/rohrpost-%s.8" % name)).read_text()
        security = page.split("\n.Sh SECURITY\n", 1)[1].split("\n.Sh ", 1)[0]
        said = "".join(x for x in security.splitlines()
                       if x.startswith("Rights: "))
        rights = set().union(*(r.rights for r in programs.LIVE
                               if r.kind == name))
        assert {k for k, w in words.items() if w in said} == rights, name


def test_user_of_pickup():
    """smtpd knows it by a name of its own."""
    text = (TOP / "smtpd/smtpd_local.h").read_text()
    assert re.findall(r'LOCAL_PICKUP\t"(.*)"', text) == [
        r.user for r in programs.LIVE if r.kind == "pickup"]


def test_users():
    """The file for systemd-sysusers, which setup does without."""
    lines = [x.split(None, 3) for x in
             (BUILD / "conf/sysusers.d/rohrpost.conf").read_text()
             .splitlines()]
    rows = [r for r in programs.ROWS if r.user and r.user != "root"]
    assert {x[1] for x in lines if x[0] == "u"} == {r.user for r in rows}
    assert {x[1] for x in lines if x[0] == "g"} == {
        r.group for r in rows if r.group}
    assert {(x[1], x[2]) for x in lines if x[0] == "m"} == {
        (r.user, r.group) for r in rows if r.group}
