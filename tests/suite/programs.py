"""The table of lib/base/programs.def, so that no test lists the programs."""
import pathlib
import re

FILE = pathlib.Path(__file__).resolve().parents[2] / "lib/base/programs.def"


def _text():
    text = re.sub(r"/\*.*?\*/", "", FILE.read_text(), flags=re.S)
    return re.sub(r"(?m)^#.*$", "", text)


def _split(args):
    """At the commas that stand in no parentheses."""
    out, depth = [""], 0
    for c in args:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            out.append("")
        else:
            out[-1] += c
    return [" ".join(x.split()) for x in out]


def _calls(macro):
    """The arguments of each use of a macro."""
    text = _text()
    for m in re.finditer(r"(?m)^%s\(" % macro, text):
        end, depth = m.end(), 1
        while depth:
            depth += (text[end] == "(") - (text[end] == ")")
            end += 1
        yield _split(text[m.end():end - 1])


def _value(text):
    if text.startswith('"'):
        return text.strip('"')
    if re.fullmatch(r"\d+", text):
        return int(text, 8 if text.startswith("0") else 10)
    return text


def _words(text, pattern):
    return set(re.findall(pattern, text))


PEERS = [_value(name) for _, name in _calls("PEER_ROW")]
_KIND = {ident: _value(name) for ident, name in _calls("PEER_ROW")}


class Program:
    """A row: its members by name, absent ones None."""

    def __init__(self, ident, peer, *members):
        self.id, self.kind = ident, _KIND[peer]
        for m in members:
            key, value = m.lstrip(".").split(" = ", 1)
            setattr(self, key, _value(value))
        self.rights = _words(self.rights or "", r"RIGHT_(\w+)")
        self.duty = (self.duty or "").replace("SERVICE_", "").lower() or None

    def __getattr__(self, key):
        return None


ROWS = [Program(*args) for args in _calls("PROGRAM_ROW")]
# Those that there are, without the ones that are reserved.
LIVE = [r for r in ROWS if r.pool != "POOL_RESERVED"]
# What is installed beside master, each once.
NAMES = list(dict.fromkeys(r.kind for r in LIVE))
# (one, other, protocol), by the name of the program
WIRES = list(dict.fromkeys(
    tuple(next(r.kind for r in ROWS if r.id == end) for end in (a, b)) + (p,)
    for a, b, p in _calls("WIRE_ROW")))
