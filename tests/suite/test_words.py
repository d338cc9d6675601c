"""What rohrpost says to people, in their language: each text is marked, is in the
template and has its German; LANG decides."""
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


MARKED = re.compile(r"\b(?:N?_|ngettext)\(\s*\"")


def sources():
    """Files of the tree that mark a text."""
    tops = ["lib"] + [p.parent.name for p in TOP.glob("*/local.mk")
                      if p.parent.name != "tests"]
    found = [p for top in tops for p in (TOP / top).rglob("*.[ch]")
             if MARKED.search(p.read_text()) and p.name != "words.h"]
    return sorted(str(p.relative_to(TOP)) for p in found)


def key(e):
    return e.id, e.plural


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
    "ctl/ctl_completion.c": "",                # all of it is for the shell
    "ctl/setup_conf.c": "# The configuration of Rohrpost.",  # stands in it
    "ctl/selftest_instance.c": "state_dir = %s\n",          # so does this
}
SAYS = {"printf", "fprintf", "fputs", "puts", "ctl_fail", "buf_set",
        "setup_refuse", "text_complain", "ctl_confirmed"}
MARKS = {"_", "N_", "ngettext", "static_assert", "_Static_assert"}
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
        if p.name.startswith(("sendmail", "pickup")):
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
