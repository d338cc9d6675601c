"""Each place that syncs is a kind that the campaign of power cuts leaves out
(powercuts.py --without), or that says why no power cut can notice it."""
import pathlib

import powercuts_kinds

TOP = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("lib", "smtpd", "queue", "deliver", "store", "imapd", "pop3d",
           "relay", "auth", "master", "ctl")


def test_each_sync_is_a_kind():
    files = [f for d in FOLDERS for f in (TOP / d).rglob("*.c")]
    assert len(files) > 300
    calls = set()
    for f in files:
        calls |= powercuts_kinds.callers(f.read_text())
    known = {k.function for k in powercuts_kinds.KINDS.values()}
    assert calls == known


def test_callers_are_found():
    source = """int
f(int a)
{
	return fd_sync(a);
}
int
fd_sync(int a)
{
	return fdatasync(a);
}
int
g(void)
{
	if (fd_sync_dir(x) == -1)
		return 1;
}
"""
    assert powercuts_kinds.callers(source) == {"f", "g"}
