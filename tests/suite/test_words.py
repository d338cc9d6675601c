"""What rohrpost says to people, in their language: each text is marked, is in the
template and has its German; LANG decides."""
import json
import os
import pathlib
import re
import subprocess

import pytest

import po
import rohrpost

TOP = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
GERMAN = TOP / "po/de.po"
TEMPLATE = TOP / "po/rohrpost.pot"
MORE = "(make update-po, then po/de.po: doc/internals.md, Words)"
DIRECTIVE = re.compile(r"%(?:\d+\$)?[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?"
                       r"(?:hh|h|ll|l|j|z|t)?[diouxXeEfgGcsp%]")


MARKED = re.compile(r"\b(?:N?_|NC_|ngettext|WIN_ROW|ATTEMPT_ROW)\([^;]*?\"")


def source_lines(path):
    """Without the macros themselves."""
    text = re.sub(r"#define \w+_ROW.*", "", path.read_text())
    return text.split(";")


def sources():
    """Files of the tree that mark a text."""
    tops = ["lib"] + [p.parent.name for p in TOP.glob("*/local.mk")
                      if p.parent.name != "tests"]
    found = [p for top in tops for p in (TOP / top).rglob("*.*")
             if p.suffix in (".c", ".h", ".def") and p.name != "words.h"
             and any(MARKED.search(line) for line in source_lines(p))]
    return sorted(str(p.relative_to(TOP)) for p in found)


def key(e):
    return e.id, e.plural, e.context


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """The template as the sources have it now."""
    out = subprocess.run(["po/extract"], cwd=TOP, capture_output=True,
                         timeout=60)
    assert out.returncode == 0, out.stderr.decode()
    path = tmp_path_factory.mktemp("po") / "now.pot"
    path.write_bytes(out.stdout)
    return po.texts(path)


def test_every_source_is_listed():
    listed = (TOP / "po/POTFILES").read_text().split()
    assert listed == sources()


def test_the_template_has_every_text(extracted):
    now = {key(e) for e in extracted}
    kept = {key(e) for e in po.texts(TEMPLATE)}
    lacks = ["in the sources, not in rohrpost.pot %s: %r" % (MORE, k[0])
             for k in sorted(now - kept)]
    left = ["in rohrpost.pot, no longer in the sources: %r" % k[0]
            for k in sorted(kept - now)]
    assert not lacks and not left, "\n".join(lacks + left)
    assert len(now) > 5


def test_every_text_has_its_german(extracted):
    german = {key(e): e for e in po.texts(GERMAN)}
    bad = []
    for e in extracted:
        g = german.get(key(e))
        if g is None or not all(g.texts) or not g.texts:
            bad.append("no German %s: %r" % (MORE, e.id))
        elif "fuzzy" in g.flags:
            bad.append("fuzzy: %r" % e.id)
        elif e.plural and len(g.texts) != 2:
            bad.append("no plural: %r" % e.id)
    bad += ["in de.po, no longer in the sources: %r" % k[0]
            for k in german if k not in {key(e) for e in extracted}]
    assert not bad, "\n".join(bad)


def directives(text):
    """By their place, where the translation names it; %% counts for nothing."""
    found = {}
    for n, d in enumerate((d for d in DIRECTIVE.findall(text)
                           if not d.endswith("%")), 1):
        place = re.match(r"%(\d+)\$", d)
        found[int(place.group(1)) if place else n] = \
            re.sub(r"^%(\d+\$)?", "%", d)
    return found


def test_german_takes_the_same_arguments():
    bad = []
    for e in po.texts(GERMAN):
        want = directives(e.plural or e.id)
        for t in e.texts:
            if directives(t) != want:
                bad.append("%r: %r" % (e.id, t))
        for t in e.texts:
            if e.id.endswith("\n") != t.endswith("\n") or \
               e.id.endswith(" ") != t.endswith(" "):
                bad.append("another end: %r: %r" % (e.id, t))
    assert not bad, "\n".join(bad)
    p = subprocess.run(["msgfmt", "-c", "-o", "/dev/null", str(GERMAN)],
                       capture_output=True, text=True, timeout=60)
    assert p.returncode == 0 and not p.stderr, p.stderr


# What is read by programs.
NOT_SAID = {
    "ctl/ctl_diff.c": "",                       # patch(1) reads it
    "ctl/setup_mail.c": "queued as ",           # smtpd says it
    "ctl/ctl_completion.c": "",                # all of it is for the shell
    "ctl/setup_conf.c": "# The configuration of Rohrpost.",  # stands in it
    "ctl/selftest_instance.c": "state_dir = %s\n",          # so does this
}
SAYS = {"printf", "fprintf", "fputs", "puts", "ctl_fail", "buf_set",
        "setup_refuse", "text_complain", "ctl_confirmed"}
MARKS = {"_", "N_", "NC_", "ngettext", "static_assert", "_Static_assert"}
# Paths, keys, options, and "NAME: " before what the system says.
NAMES = re.compile(r"[^\s]*[/._=][^\s]*|--[a-z]+|\b[a-z0-9_]+: ")
TOKEN = re.compile(r"""/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\w+|\s+|.""",
                   re.S)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def literals(source):
    """The string literals of C: (line, innermost call, text); what begins a
    row of a table is its name."""
    calls, before, text, line = [], "", None, 1
    for t in TOKEN.findall(source + "\n;"):
        if t.startswith("/*") or t.isspace():
            pass
        elif t.startswith('"'):
            part = re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), t[1:-1])
            text = (text or "") + part
        else:
            if text is not None and before != "{":
                yield line, next((c for c in reversed(calls) if c), ""), text
            text = None
            if t == "(":
                calls.append(before if re.fullmatch(r"\w+", before) else "")
            elif t == ")" and calls:
                calls.pop()
            before = t
        line += t.count("\n")


def unmarked(source):
    """Literals that people would read, outside of the macros."""
    source = re.sub(r"(?m)^#include.*$", "", source)
    for line, call, text in literals(source):
        words = NAMES.sub(" ", DIRECTIVE.sub(" ", text))
        if call in MARKS:
            continue
        if re.search(r"[A-Za-z]{2}[,;]? [a-z]{2}", words) or (
                call in SAYS and re.search("[A-Za-z]{2}", words)):
            yield line, text


def test_everything_said_is_marked():
    bad = []
    for p in sorted((TOP / "ctl").glob("*.c")):
        name = str(p.relative_to(TOP))
        if p.name.startswith(("sendmail", "pickup", "admin.")):
            continue        # what they say is read by programs, in English
        bad += ["%s:%d: %r" % (name, line, text)
                for line, text in unmarked(p.read_text())
                if not text.startswith(NOT_SAID.get(name, "\0"))]
    assert not bad, "not in _(), N_() or ngettext():\n" + "\n".join(bad)


def test_the_scan_sees():
    seen = [t for _, t in unmarked("""
        f(_("marked words"), "plain words");  /* "a comment here" */
        ctl_fail(1, "word %s", x); ctl_fail(1, _("word %s"), x);
        const struct row r = { "name", "two words" "\\n", N_("some help") };
        return a ? "yes it is" : _("no it is not");""")]
    assert seen == ["plain words", "word %s", "two words\n", "yes it is"]


def said(words, **env):
    """What the command says with that environment alone: both outputs."""
    env = {"PATH": os.environ["PATH"], **env}
    p = subprocess.run([str(rohrpost.ROHRPOST), *words], env=env,
                       capture_output=True, timeout=60)
    return (p.stdout + p.stderr).decode(errors="replace")


ENGLISH_WORDS = "rohrpost: nothing: no such command (rohrpost --help)\n"
GERMAN_WORDS = \
    "rohrpost: nothing: diesen Befehl gibt es nicht (rohrpost --help)\n"


@pytest.mark.parametrize("env", [
    {"LANG": "de_DE.UTF-8"}, {"LANG": "de_AT"}, {"LANG": "de"},
    {"LC_ALL": "de_CH.UTF-8", "LANG": "C"},
    {"LC_MESSAGES": "de_DE.UTF-8", "LANG": "C.UTF-8"},
    {"LANG": "de_DE@euro"},
    {"LANG": "xx_YY.UTF-8", "LANGUAGE": "de"},
], ids=str)
def test_german(env):
    """The locale is not installed on most machines."""
    assert said(["nothing"], **env) == GERMAN_WORDS


@pytest.mark.parametrize("env", [
    {}, {"LANG": "C.UTF-8"}, {"LANG": "xx_YY.UTF-8"}, {"LANG": ""},
    {"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, {"LANG": "x" * 300},
    {"LANG": "../../de"}, {"LANG": ".UTF-8@"},
    {"LANG": "de_DE.%s%n" + "x" * 300, "LANGUAGE": "en"},
], ids=lambda e: str(e)[:40])
def test_english(env):
    """Of what is not there, or makes no sense, nothing is said."""
    assert said(["nothing"], **env) == ENGLISH_WORDS


def test_a_charset_of_old():
    p = subprocess.run([str(rohrpost.ROHRPOST), "status", "--nothing"],
                       env={"LANG": "de_DE.ISO-8859-1"}, capture_output=True,
                       timeout=60)
    assert p.stderr.decode("latin-1").startswith("rohrpost: --nothing: keine ")


def test_json_is_utf_8():
    """Its sentences, too, in a locale of another charset (RFC 8259 8.1)."""
    d = rohrpost.scratch("words")
    i = rohrpost.Instance(d).setup()
    p = i.command("dns", "show", "example.test", "--json",
                  env={"LC_ALL": "de_DE.ISO-8859-1"})
    rohrpost.remove(d)
    assert p.returncode == 0, p.stderr
    notes = [r["note"] for r in json.loads(p.stdout) if r["note"]]
    assert any("Für" in n for n in notes), notes
    assert "\ufffd" not in p.stdout and "\\ufffd" not in p.stdout


def help_texts():
    """What each program says of its keys with -K."""
    for p in sorted(rohrpost.LIBEXEC.iterdir()):
        out = subprocess.run([str(p), "-K"], capture_output=True, text=True,
                             timeout=60)
        if p.name != "attacker" and out.returncode == 0:
            for line in out.stdout.splitlines():
                yield line.split("\t")[6]


def test_every_key_is_explained_in_german():
    german = {e.id: e.texts[0] for e in po.texts(GERMAN)}
    helps = set(help_texts())
    assert len(helps) > 60
    assert not {h for h in helps if h and not german.get(h)}


def schema_words(node, key=""):
    """(key, None) of each property, (key, word) of those that list words."""
    for word in node.get("enum", []):
        yield key, word
    for name, child in node.get("properties", {}).items():
        yield name, None
        yield from schema_words(child, name)
    for child in [node["items"]] if "items" in node else []:
        yield from schema_words(child, key)


def test_every_column_and_state_is_in_german():
    """Tables are for people; what they hold JSON has, by its schema."""
    german = {(e.context, e.id) for e in po.texts(GERMAN)}
    lacks = set()
    for p in (TOP / "doc/json").glob("*.json"):
        # These have sentences for people, no table.
        if p.stem in ("dkim-show", "dns-show", "dns-check", "doctor",
                      "explain", "config-explain"):
            continue
        for name, word in schema_words(json.loads(p.read_text())):
            if name.startswith("trouble"):
                continue        # sentences below the table
            if word is None:
                lacks |= {("column", name)} - german
            elif name in ("state", "result", "verdict"):
                lacks |= {(name, word)} - german
    # Arrays of JSON alone.
    assert lacks == {("column", "recipients"), ("column", "accounts")}


def test_answers_are_those_of_the_programs():
    """Each piece of an answer between its holes stands in their sources."""
    table = (TOP / "ctl/ctl_reply.c").read_text()
    known = [t for _, call, t in literals(table) if call == "N_"]
    made = " ".join(
        DIRECTIVE.sub("%", t.replace("%%", "%")) for d in
        ("master", "queue", "store", "relay", "lib/link", "lib/mail")
        for p in sorted((TOP / d).glob("*.c"))
        for _, _, t in literals(re.sub("\" PRI[a-z]64 ?\"", "llu",
                                       p.read_text())))
    assert len(known) > 30
    assert not [t for t in known for piece in re.split("%s|, ", t)
                if piece.strip() not in made]


@pytest.fixture
def inst(monkeypatch):
    """Started by somebody who speaks German."""
    d = rohrpost.scratch("words")
    i = rohrpost.Instance(d).setup()
    with monkeypatch.context() as m:
        m.setenv("LC_ALL", "de_DE.UTF-8")
        m.setenv("LANGUAGE", "de")
        i.start()
    yield i
    i.stop()
    rohrpost.remove(d)


def test_a_running_suite(inst):
    """Tables, answers and errors are German; JSON and the log are not."""
    german = {"LC_ALL": "de_DE.UTF-8"}
    rows = inst.ctl("status", env=german).splitlines()
    assert rows[0].split()[:5] == ["Programm", "Dienst", "Benutzer", "PID",
                                   "Zustand"]
    assert "in Betrieb" in "".join(rows)
    at = rows[0].index("Zustand")
    assert all(r[at - 1] == " " and r[at] != " " for r in rows)
    assert {r["state"] for r in inst.json("status")} & {"running", "idle"}
    assert json.loads(inst.ctl("config", "show", "--json", env=german)) == \
        inst.json("config", "show")
    assert "größte Nachricht, die angenommen wird" in \
        inst.ctl("config", "show", env=german)
    p = inst.command("user", "set", "carl@example.test", "--disabled",
                     env=german)
    assert p.stderr == "rohrpost: carl@example.test: steht nicht in users\n"
    assert p.returncode == 1
    assert inst.ctl("--help", env=german).startswith(
        "Aufruf: rohrpost [-c VERZ] BEFEHL\nBefehle:\n  setup ")
    assert inst.ctl("session", "kick", "4711", env=german) == \
        "beendete Sitzungen: 0\n"
    p = inst.command("queue", "retry", "0123456789abcdef", env=german)
    assert p.stderr == "rohrpost: 0123456789abcdef: diese Nachricht ist " \
        "nicht in der Warteschlange (was aus ihr wurde, sagt „rohrpost " \
        "trace“)\n"
    conf = inst.conf / "rohrpost.conf"
    good = conf.read_text()
    conf.write_text(good + "smtp_idle = many\n")
    try:
        line = good.count("\n") + 1
        p = inst.command("config", "check", env=german)
        assert p.stderr == 'rohrpost: %s:%d: smtp_idle: „many“ ist keine Zahl ' \
            "(number, 1 bis 100)\n" % (conf, line)
        assert inst.command("reload", env=german).stderr == p.stderr
    finally:
        conf.write_text(good)
    assert 'smtp_idle: "many" is not a number (number, 1 to 100)' in inst.log()
    assert "ist keine Zahl" not in inst.log()
