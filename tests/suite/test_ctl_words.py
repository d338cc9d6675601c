"""What rohrpost's commands say and change, word by word, where nothing runs:
ctl_words.txt holds one session of an operator.

    $ domain add b.test --alias c.test      the command
    < secret word                           its input, a line
    DOMAIN  ALIAS_OF                        its standard output
    ! rohrpost: b.test: not in domains      its standard error
    ? 1                                     its exit status, where not 0
    @ users                                 lines of that table follow

HASH is a hash, CONF and STATE are folders; YESCRYPT, WHEN and PASSWORD are what
no two runs have in common. A blank line ends a command, # begins a remark.
"""
import pathlib
import re
import subprocess

import rohrpost

HERE = pathlib.Path(__file__).parent
HASH = "$6$rounds=1000$abcdefgh$" + "x" * 86


def commands():
    """(line, words, input, expected) of each command."""
    block, start = [], 0
    text = (HERE / "ctl_words.txt").read_text().splitlines() + [""]
    for n, line in enumerate(text, 1):
        if line.startswith("#"):
            continue
        if line:
            start = start or n
            block.append(line)
        elif block:
            given = "".join(x[2:] + "\n" for x in block if x[0] == "<")
            yield (start, block[0][2:], given,
                   [x for x in block[1:] if x[0] != "<"])
            block, start = [], 0


def clean(text, conf):
    """What differs from run to run has a name."""
    for old, new in ((re.escape(HASH), "HASH"), (r"\$y\$[./$\w]{20,}", "YESCRYPT"),
                     (re.escape(str(conf)), "CONF"),
                     (re.escape(str(conf.parent / "state")), "STATE"),
                     (r"(app=[^,]*,[^,]*),\d+,", r"\1,WHEN,"),
                     (r"(?m)^([a-km-z2-9]{4}-){4}[a-km-z2-9]{4}$",
                      "PASSWORD")):
        text = re.sub(old, new, text)
    return text


def run(conf, words, given, tables):
    p = subprocess.run(
        [str(rohrpost.ROHRPOST), "-c", str(conf),
         *[HASH if w == "HASH" else w for w in words.split()]],
        input=given, capture_output=True, text=True, timeout=60)
    out = clean(p.stdout, conf).splitlines()
    out += ["! " + x for x in clean(p.stderr, conf).splitlines()]
    out += ["? %d" % p.returncode] if p.returncode else []
    for name in tables:
        out += ["@ " + name]
        out += clean((conf / name).read_text(), conf).splitlines()
    return out


def test_words(tmp_path):
    conf = tmp_path / "conf"
    (tmp_path / "answers").write_text(
        "hostname = mail.example.test\ndomain = example.test\n"
        "user = anna@example.test correct horse 9\n"
        "postmaster = anna@example.test\nstate_dir = %s\n" %
        (tmp_path / "state"))
    assert run(conf, "setup --answers %s" % (tmp_path / "answers"), "", []) \
        == ['CONF: ready; "rohrpost -c CONF start" starts it']
    for line, words, given, expected in commands():
        tables = [x[2:] for x in expected if x[:2] == "@ "]
        got = run(conf, words, given, tables)
        assert (words, got) == (words, expected), "ctl_words.txt:%d" % line
