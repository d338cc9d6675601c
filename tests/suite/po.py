"""Reads files of gettext: a template (.pot) or a translation (.po)."""
import ast


class Entry:
    """A text: msgid, its plural and context or "", the translations, its
    flags, where."""

    def __init__(self):
        self.id = self.plural = self.context = ""
        self.texts = []
        self.flags = []
        self.places = []


def texts(path):
    """The entries of the file but its header, in their order."""
    found, entry, into = [], Entry(), None

    def put(text):
        if into == "texts":
            entry.texts[-1] += text
        else:
            setattr(entry, into, getattr(entry, into) + text)

    for line in open(path, encoding="utf-8").read().split("\n") + [""]:
        word, _, rest = line.partition(" ")
        if not line:
            if entry.id:
                found.append(entry)
            entry, into = Entry(), None
        elif word == "#,":
            entry.flags += rest.split(", ")
        elif word == "#:":
            entry.places += rest.split()
        elif word.startswith("#"):
            continue
        elif word == "msgctxt":
            into = "context"
            put(ast.literal_eval(rest))
        elif word == "msgid":
            into = "id"
            put(ast.literal_eval(rest))
        elif word == "msgid_plural":
            into = "plural"
            put(ast.literal_eval(rest))
        elif word.startswith("msgstr"):
            into = "texts"
            entry.texts.append("")
            put(ast.literal_eval(rest))
        elif line.startswith('"'):
            put(ast.literal_eval(line))
        else:
            raise ValueError("%s: %s" % (path, line))
    return found
