"""Files of a folder that need one another in a circle, by the linker's
symbols: an object needs another where it names a function or variable that
the other defines. A circle is counted in files.

    circles.py BUILD        prints a line for each circle"""
import pathlib
import subprocess
import sys


def symbols(obj):
    """The names that an object defines, and those that it wants."""
    out = subprocess.run(["nm", "-g", "-P", str(obj)], capture_output=True,
                         text=True, check=True).stdout
    has, wants = set(), set()
    for line in out.splitlines():
        name, kind = line.split()[:2]
        (wants if kind in "Uwv" else has).add(name)
    return has, wants


def needs(folder):
    """{object: the other objects of its folder that it needs}."""
    table = {o.stem: symbols(o) for o in sorted(folder.glob("*.o"))}
    home = {n: o for o, (has, _) in table.items() for n in has if n != "main"}
    return {o: {home[n] for n in wants if n in home} - {o}
            for o, (_, wants) in table.items()}


def circles(graph):
    """The circles of a graph: sorted lists of more than one file each."""
    reach = {}
    for start in graph:
        seen, todo = set(), list(graph[start])
        while todo:
            n = todo.pop()
            if n not in seen:
                seen.add(n)
                todo.extend(graph[n])
        reach[start] = seen
    done, found = set(), []
    for n in sorted(graph):
        if n in done or n not in reach[n]:
            continue
        group = sorted(m for m in reach[n] if n in reach[m])
        done.update(group)
        found.append(group)
    return found


def main():
    build = pathlib.Path(sys.argv[1])
    for folder in sorted({o.parent for o in build.rglob("*.o")}):
        if "tests" in folder.relative_to(build).parts:
            continue
        graph = needs(folder)
        for group in circles(graph):
            print("%s: %d: %s" % (folder.relative_to(build), len(group),
                                  " ".join(group)))


if __name__ == "__main__":
    main()
