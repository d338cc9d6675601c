"""config explain: what a key is, against the tables of the programs and the man
pages; and what helps where config check refuses."""
import json
import pathlib

import pytest

import rohrpost
from test_manuals import MAN, items, section, table


@pytest.fixture(scope="module")
def conf():
    """An instance that is set up, and not started."""
    d = rohrpost.scratch("explain-key")
    yield rohrpost.Instance(d, users=("anna",), smtp_idle="3").setup()
    rohrpost.remove(d)


@pytest.fixture(scope="module")
def rows(conf):
    names = [r["key"] for r in conf.json("config", "show")]
    found = {r["key"]: r for r in conf.json("config", "explain", *names)}
    assert sorted(found) == sorted(names) and len(names) > 60
    return found


def test_who_reads_it(rows):
    read = {}
    for program in rohrpost.PROGRAMS:
        for key, (kind, default) in table(program).items():
            read.setdefault(key, []).append(program)
            assert (rows[key]["type"], rows[key]["default"]) == (kind, default)
    for key, row in rows.items():
        assert sorted(row["programs"]) == sorted(
            read.get(key, ["rohrpost"])), key


def test_the_page_that_has_more(rows):
    """It describes the key, and says whether it is read at the start only."""
    for key, row in rows.items():
        name, number = row["manual"].rstrip(")").split("(")
        page = MAN / ("%s.%s" % (name, number))
        words = items(section(page, "CONFIGURATION"))
        if key not in words:
            words = items(page.read_text())
        if key == "doctor_dnsbl":       # of the command itself
            assert key in page.read_text()
            continue
        assert key in words, (key, page.name)
        assert ("Read at the start only." in words[key]) == (
            row["change"] == "restart"), key


def test_value(conf, rows):
    row = rows["smtp_idle"]
    lines = (conf.conf / "rohrpost.conf").read_text().splitlines()
    assert (row["value"], row["set"]) == ("3", True)
    assert row["file"] == str(conf.conf / "rohrpost.conf")
    assert lines[row["line"] - 1] == "smtp_idle = 3"
    assert (row["min"], row["max"], row["change"]) == (1, 100, "reload")
    # rohrpost itself reads its own each time.
    assert {k for k, r in rows.items() if r["change"] == "now"} == {
        k for k, r in rows.items() if r["programs"] == ["rohrpost"]} >= {
        "doctor_dnsbl", "probe"}
    row = rows["sender_header"]
    assert row["choices"] == ["owned", "any"] and row["programs"] == ["smtpd"]
    assert (row["value"], row["set"], row["file"], row["line"]) == (
        "owned", False, None, None)


WORDS = {
    "C.UTF-8": """smtp_idle: how many of them wait ready
  value: 3 (%(conf)s, line %(line)d)
  default: 2
  allowed: a number from 1 to 100
  read by: master
  a change counts: with rohrpost reload
  more: rohrpost-master(8)
""",
    "de_DE.UTF-8": """smtp_idle: wie viele davon bereitstehen
  Wert: 3 (%(conf)s, Zeile %(line)d)
  Vorgabe: 2
  erlaubt: eine Zahl von 1 bis 100
  gelesen von: master
  eine Änderung gilt: mit rohrpost reload
  mehr dazu: rohrpost-master(8)
"""}


@pytest.mark.parametrize("lang", WORDS)
def test_words(conf, rows, lang):
    p = conf.command("config", "explain", "smtp_idle", env={"LC_ALL": lang})
    assert p.stdout == WORDS[lang] % {
        "conf": conf.conf / "rohrpost.conf", "line": rows["smtp_idle"]["line"]}


@pytest.mark.parametrize("key,allowed", [
    ("message_size", "a size from 1K to 2G (K, M, G, T)"),
    ("smtp_data_time", "a time from 1s to 1h (s, m, h, d, w)"),
    ("verbose", "yes or no"),
    ("sender_header", "one of these words: owned any"),
    ("hostname", "the name of a host, or nothing"),
    ("state_dir", "text of 1 to 900 octets"),
    ("tls_key", "nothing, or text of up to 900 octets")])
def test_allowed(conf, key, allowed):
    out = conf.ctl("config", "explain", key)
    assert "\n  allowed: %s\n" % allowed in out
    if key == "hostname":
        assert "\n  default: (nothing)\n" in out
    assert "\n  a change counts: at once\n" in conf.ctl(
        "config", "explain", "doctor_dnsbl")
    if key == "state_dir":
        assert "\n  a change counts: after a restart (" in out


def test_nearest(conf):
    p = conf.command("config", "explain", "smpt_idle")
    assert (p.returncode, p.stdout) == (1, "")
    assert p.stderr == ("rohrpost: smpt_idle: no program knows this key; do "
                        "you mean smtp_idle?\n")
    p = conf.command("config", "explain", "nonsense", "--json")
    assert p.returncode == 1 and json.loads(p.stdout) == []
    assert "(rohrpost config show has all)" in p.stderr


def test_check_says_what_helps(conf):
    f = pathlib.Path(conf.conf / "rohrpost.conf")
    good = f.read_text()
    n = len(good.splitlines())
    try:
        for line, words in (
                ("relay_hots = x.test", "no program knows this key; do you "
                 "mean relay_host"),
                ("zzzzzz = x", "no program knows this key: take the line out"),
                ("smtp_idle = 4", "take one of them out"),
                ("smtp_junk = 5", "(number, 10 to 100000)"),
                ("sender_header = mine", "not one of the words allowed: owned "
                 "any")):
            f.write_text(good + line + "\n")
            p = conf.command("config", "check")
            assert p.returncode == 1, line
            assert "rohrpost.conf:%d: " % (n + 1) in p.stderr
            assert words in p.stderr, p.stderr
            # What the line means can be asked for nevertheless.
            assert conf.command("config", "explain", "smtp_idle",
                                "--json").returncode == 0
    finally:
        f.write_text(good)
