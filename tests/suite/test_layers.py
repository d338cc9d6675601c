"""The tree is a house: no include upward in lib, none of another program's
header. By resolved include, as the compiler sees it."""
import os
import pathlib
import re
import shlex
import subprocess

import circles

TOP = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("ROHRPOST_BUILD", ".")).resolve()
# The folders of programs: what make builds, but for the library and the rest.
PROGRAMS = sorted({p.parent.name for p in TOP.glob("*/local.mk")} -
                  {"lib", "tests", "man", "doc", "conf", "po"})
FLOORS = {"base": {"base"}, "net": {"base", "net"}, "map": {"base", "map"},
          "mail": {"base", "net", "map", "mail"},
          "sieve": {"base", "net", "map", "mail", "sieve"},
          "server": {"base", "net", "map", "server"},
          "link": {"base", "net", "map", "mail", "server", "link"}}


def includes(source):
    out = subprocess.run(
        ["gcc", "-MM", "-D_GNU_SOURCE", "-std=c17", "-I", str(TOP),
         "-I", str(BUILD), str(source)], capture_output=True, text=True,
        cwd=TOP)
    assert out.returncode == 0, out.stderr
    names = out.stdout.replace("\\\n", " ").split(":", 1)[1].split()
    for n in names:
        p = (TOP / n).resolve()
        made = p == BUILD / "config.h" or (
            BUILD != TOP and BUILD in p.parents)
        if TOP in p.parents and not made:
            yield p.relative_to(TOP).parts


def test_no_include_upward():
    bad = []
    sources = sorted((TOP / "lib").rglob("*.[ch]"))
    assert len(sources) > 20
    for s in sources:
        floor = s.relative_to(TOP).parts[1]
        for parts in includes(s):
            if parts[0] != "lib" or parts[1] not in FLOORS[floor]:
                bad.append("%s includes %s" % (s, "/".join(parts)))
    assert not bad, "\n".join(bad)


def test_no_header_of_another_program():
    bad = []
    for prog in PROGRAMS:
        sources = sorted((TOP / prog).rglob("*.[ch]"))
        assert sources, prog
        for s in sources:
            for parts in includes(s):
                if parts[0] not in ("lib", prog):
                    bad.append("%s includes %s" % (s, "/".join(parts)))
    assert not bad, "\n".join(bad)


def test_no_circle_among_base_headers():
    deps = {}
    for h in (TOP / "lib/base").glob("*.h"):
        deps[h.name] = set(re.findall(r'#include "lib/base/(\w+\.h)"',
                                      h.read_text()))
    done = set()
    while len(done) < len(deps):
        ready = {h for h in deps if h not in done and deps[h] <= done}
        assert ready, "a circle: %s" % sorted(set(deps) - done)
        done |= ready


def test_imapd_and_pop3d_stay_small():
    libexec = pathlib.Path(os.environ["ROHRPOST_PREFIX"]) / \
        "libexec/rohrpost"
    for prog in ("imapd", "pop3d"):
        out = subprocess.run(["objdump", "-p", str(libexec / prog)],
                             capture_output=True, text=True, check=True)
        needed = re.findall(r"NEEDED\s+(\S+)", out.stdout)
        assert needed
        for lib in needed:
            assert not re.match(r"lib(ssl|crypto|db|gsasl)", lib), \
                "%s links %s" % (prog, lib)


def test_bodies_and_texts_are_behind_their_headers():
    """No other file of store knows where they lie, or opens a folder."""
    calls = re.compile(r'body_impl\.h|\b(openat|fstatat|faccessat|unlinkat|'
                       r'renameat|linkat|mkdirat|fd_opendir|fdopendir)\(')
    bad = [s.name for s in sorted((TOP / "store").glob("*.[ch]"))
           if not s.name.startswith(("body_", "text_", "engine_"))
           and calls.search(s.read_text())]
    assert not bad, bad


# Files of a folder that need one another, by the linker's symbols, and are
# meant to. A shard's turn hands its tasks to the syncer beside it, which comes
# into the shard for the commit and for the answers: two halves of one thing.
CIRCLES = {"store": [["shard_syncer", "shard_turn"]]}


def test_circles_are_the_ones_that_are_meant():
    bad, seen = [], 0
    for folder in [TOP / p for p in PROGRAMS] + sorted((TOP / "lib").iterdir()):
        name = str(folder.relative_to(TOP))
        graph = circles.needs(BUILD / name)
        seen += len(graph)
        found = circles.circles(graph)
        bad += ["%s: %s" % (name, c) for c in found
                if c not in CIRCLES.get(name, [])]
    assert seen > 150, "no objects in %s" % BUILD
    assert not bad, "\n".join(bad)


def test_no_function_over_60_lines():
    bad = []
    sources = [s for p in PROGRAMS + ["lib"] for s in (TOP / p).rglob("*.c")]
    assert len(sources) > 150
    for s in sources:
        start = 0
        for n, line in enumerate(s.read_text().splitlines(), 1):
            if line.startswith("{"):
                start = n
            elif line.startswith("}") and start:
                if n - start > 60:
                    bad.append("%s:%d: %d lines" % (s, start, n - start))
                start = 0
    assert not bad, "\n".join(bad)
