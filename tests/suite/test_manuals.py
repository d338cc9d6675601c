"""The tables against the man pages, both ways: every key and its default,
every option, every command; and the pages by themselves."""
import os
import pathlib
import re
import subprocess

import pytest

import rohrpost

MAN = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).parents[2])) / "man"
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "INTERFACES", "CONFIGURATION",
            "SECURITY", "FILES", "EXIT STATUS", "DIAGNOSTICS", "SEE ALSO",
            "STANDARDS", "BUGS")
PAGES = sorted(MAN.glob("*.[1-9]"))


def run(*argv):
    return subprocess.run([str(a) for a in argv], capture_output=True,
                          text=True, timeout=30, stdin=subprocess.DEVNULL)


def table(program):
    """key -> (type, default) of a program."""
    rows = [line.split("\t") for line in
            run(rohrpost.LIBEXEC / program, "-K").stdout.splitlines()]
    return {r[0]: (r[1], r[2]) for r in rows}


def section(page, name):
    m = re.search(r"^\.Sh %s\n(.*?)(?=^\.Sh |\Z)" % name, page.read_text(),
                  re.S | re.M)
    return m.group(1) if m else ""


def items(text):
    """Keys of a list -> the words below."""
    out = {}
    for part in re.split(r"^\.It ", text, flags=re.M)[1:]:
        head, _, rest = part.partition("\n")
        for key in re.findall(r"Ic (\w+)", head):
            out[key] = rest
    return out


def shared():
    text = section(MAN / "rohrpost.conf.5", "DESCRIPTION")
    return items(text[text.index("Keys that several"):
                      text.index("The other keys")])


def default_of(words):
    """The words behind "Default:", without markup."""
    m = re.search(r"Default:\s*(.*?)(?=^\.Pp|^\.It|^\.El|\Z)", words,
                  re.S | re.M)
    if m is None:
        return None
    text = re.sub(r"^\.\w+ +", "", m.group(1), flags=re.M)
    return " ".join(text.split())


@pytest.mark.parametrize("program", rohrpost.PROGRAMS)
def test_keys(program):
    page = MAN / ("rohrpost-%s.8" % program)
    assert page.exists()
    keys = table(program)
    assert keys
    told = items(section(page, "CONFIGURATION"))
    assert set(told) <= set(keys), "keys that it does not have"
    assert set(keys) - set(told) <= set(shared()), "keys that no page tells"


@pytest.mark.parametrize("program", rohrpost.PROGRAMS)
def test_defaults(program):
    keys = table(program)
    for key, words in items(section(MAN / ("rohrpost-%s.8" % program),
                                    "CONFIGURATION")).items():
        told, (kind, default) = default_of(words), keys[key]
        assert told is not None, key
        if default == "":
            assert re.match(r"(empty|none|the )", told), (key, told)
        elif kind == "text" and default.startswith("/"):
            assert "build time" in told or default in told, (key, told)
        else:
            assert re.match(re.escape(default) + r"(?!\w)", told), \
                (key, told, default)


def test_shared_keys_are_those_of_several_programs():
    users = {}
    for program in rohrpost.PROGRAMS:
        for key in table(program):
            users.setdefault(key, []).append(program)
    for key in shared():
        assert len(users.get(key, [])) > 1, key
    # One key, one meaning: type and default are the same for all.
    for key, programs in users.items():
        assert len({table(p)[key] for p in programs}) == 1, key


def test_prefixes_of_the_configuration_page():
    text = section(MAN / "rohrpost.conf.5", "DESCRIPTION")
    text = text[text.index("The other keys"):].replace("\\\n", "")
    covered = []
    for part in re.split(r"^\.It ", text, flags=re.M)[1:]:
        head, _, rest = part.partition("\n")
        pages = set(re.findall(r"Xr rohrpost-(\w+) 8", rest))
        for pattern in re.findall(r"Ic ([\w*]+)", head):
            regex = pattern.replace("*", r"\w+")
            covered.append(regex)
            hits = {(k, p) for p in pages for k in table(p)
                    if re.fullmatch(regex, k)}
            assert hits, pattern
    for program in rohrpost.PROGRAMS:
        for key in table(program):
            assert key in shared() or any(
                re.fullmatch(c, key) for c in covered), key


def flags(text):
    """The letters of a synopsis, without -json and its kind."""
    out = set()
    for line in re.findall(r"Fl ([^\n]*)", text):
        for word in re.split(r"Fl | \| ", line):
            word = word.split()[0] if word.split() else ""
            if not word.startswith("-"):
                out |= set(word)
    return out


@pytest.mark.parametrize("program", rohrpost.PROGRAMS)
def test_options(program):
    """The synopsis and what the program itself says; it refuses others."""
    p = run(rohrpost.LIBEXEC / program, "-Z")
    assert p.returncode == 100
    own = set("".join(re.findall(r"-(\w+)", p.stderr.split("usage:")[1])))
    told = flags(section(MAN / ("rohrpost-%s.8" % program), "SYNOPSIS"))
    # -s and -U are told where they mean something.
    assert told <= own and own - told <= {"s", "U"}


def test_commands():
    """rohrpost --help and rohrpost.8."""
    own = {}
    last = None
    for line in run(rohrpost.ROHRPOST, "--help").stdout.splitlines():
        m = re.match(r"  ((?:[a-z]+ ?)+?)(?=  | [A-Z\[])(.*)", line)
        if m and not line.startswith("   "):
            last = own.setdefault(m.group(1).strip(), set())
            if "[--json]" in m.group(2):
                last.add("json")
        m = re.match(r"      --([a-z-]+)", line)
        if m:
            last.add(m.group(1))
    told = {}
    text = section(MAN / "rohrpost.8", "DESCRIPTION")
    for part in re.findall(r"^\.It (Ic [a-z]+[^=]*?|Xo\n.*?Xc)\n", text,
                           re.S | re.M):
        if " No =" in part:
            continue
        words = re.sub(r"\\.|Xo|Xc", " ", part)
        name = re.search(r"Ic ((?:[a-z]+ ?)+?)(?= (?:Ar|Op|Oo|Cm)|\s*$|\n)",
                         words)
        told[name.group(1).strip()] = set(
            re.findall(r"Fl -([a-z-]+)", words))
    own = {k: v for k, v in own.items()}
    own.pop("completion bash", None)
    told.pop("completion", None)
    assert own.keys() - {"completion"} == told.keys()
    for name in told:
        assert own[name] == told[name], name


def test_every_command_answers_help():
    for name in ("queue list", "user add", "setup", "trace"):
        p = run(rohrpost.ROHRPOST, *name.split(), "--help")
        assert p.returncode == 0 and name in p.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_page(page):
    p = run("mandoc", "-T", "lint", "-W", "warning", page)
    assert p.returncode == 0, p.stdout
    names = [n for n in re.findall(r"^\.Sh (.*)", page.read_text(), re.M)]
    known = [n for n in names if n in SECTIONS]
    assert known == sorted(known, key=SECTIONS.index), names
    if page.suffix == ".8":
        need = set(SECTIONS) - {"STANDARDS", "INTERFACES", "CONFIGURATION",
                                "SECURITY", "BUGS"}
        assert need <= set(names), need - set(names)
    else:
        need = {"FILES", "DIAGNOSTICS", "SEE ALSO", "STANDARDS", "BUGS"}
        assert need <= set(names), need - set(names)


def test_references_exist():
    own = {p.name for p in PAGES}
    for page in PAGES:
        for name, sec in re.findall(r"^\.Xr (rohrpost\S*) (\d)",
                                    page.read_text(), re.M):
            assert "%s.%s" % (name, sec) in own, (page.name, name)


def test_pages_are_installed():
    share = rohrpost.PREFIX / "share" / "man"
    for page in PAGES:
        assert (share / ("man" + page.suffix[1:]) / page.name).exists()
