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
