"""rohrpost setup where it is set up already, and profile set: what would change
is shown as a diff, nothing else is touched, and nothing at all without a word."""

import pytest

import rohrpost
from rohrpost import PASSWORD, wait_for


@pytest.fixture(scope="module")
def running():
    """With edits and comments of the operator's own."""
    inst = rohrpost.Instance(rohrpost.scratch("again")).setup()
    conf = inst.conf / "rohrpost.conf"
    conf.write_text("# ours\n\n" + conf.read_text() +
                    "smtp_per_address=17\n# the end\n")
    with (inst.conf / "aliases").open("a") as f:
        f.write("# who answers the telephone\n"
                "office@example.test   =   bert@example.test\n")
    inst.ctl("apply")
    inst.start()
    yield inst
    inst.stop()
    rohrpost.remove(inst.dir)


def contents(inst):
    return {f.name: f.read_bytes() for f in inst.conf.iterdir()
            if f.is_file()}


def again(inst, text, *args):
    """The same answers once more with more lines behind them."""
    f = inst.dir / "again"
    f.write_text(inst.answers() + text)
    f.chmod(0o600)
    return inst.command("setup", "--answers", str(f), *args)


def size_offered(inst):
    with inst.smtp() as s:
        s.ehlo()
        return int(s.esmtp_features["size"])


MORE = ("message_size = 7M\nuser = carl@example.test %s\n"
        "alias = info@example.test = bert@example.test\n" % PASSWORD)


def test_nothing_to_change(running):
    before = contents(running)
    for args in ((), ("--yes",), ("--dry-run",)):
        p = again(running, "", *args)
        assert p.returncode == 0 and p.stderr == "", p.stderr
        assert p.stdout == "%s: nothing to change\n" % running.conf
    assert contents(running) == before


def changed_lines(diff):
    """file -> its lines with - and +."""
    out, name = {}, None
    for line in diff.splitlines():
        if line.startswith("+++ "):
            name = line[4:].rsplit("/", 1)[1]
            out[name] = []
        elif line.startswith(("-", "+")) and not line.startswith("--- "):
            out[name].append(line)
    return out


def test_a_diff_comes_first(running):
    """Each file that changes; secrets by their names alone."""
    before = contents(running)
    for args, code, words in (
            (("--dry-run",), 0, ""),
            ((), 1, "rohrpost: nothing was written: it is set up already; "
             "add --yes to save what is shown above\n")):
        p = again(running, MORE, *args)
        assert (p.returncode, p.stderr) == (code, words)
        assert changed_lines(p.stdout) == {
            "rohrpost.conf": ["+message_size = 7M"],
            "users": ["+carl@example.test"],
            "aliases": ["+info@example.test = bert@example.test"]}
        assert "%s/passwd: carl@example.test: a new line" % running.conf in \
            p.stdout.splitlines()
        assert "$y$" not in p.stdout and "horse" not in p.stdout
        assert contents(running) == before
    assert size_offered(running) != 7 << 20


def test_what_was_asked_changes(running, tmp_path):
    """And nothing else; patch(1) makes the same of what was there."""
    old = contents(running)
    p = again(running, MORE, "--yes")
    assert p.returncode == 0 and p.stderr == "", p.stderr
    new = contents(running)
    assert {n for n in new if new[n] != old.get(n)} == {
        "rohrpost.conf", "rohrpost.conf.old", "users", "aliases", "passwd"}
    assert new["rohrpost.conf.old"] == old["rohrpost.conf"]
    assert new["rohrpost.conf"] == \
        old["rohrpost.conf"] + b"message_size = 7M\n"
    assert new["aliases"] == old["aliases"] + \
        b"info@example.test = bert@example.test\n"
    # It runs with them.
    wait_for(lambda: size_offered(running) == 7 << 20, 60)
    with running.smtp() as s:
        s.sendmail("eve@remote.test", ["carl@example.test"],
                   rohrpost.message("c"))
    running.wait_count(1, "carl")
    p = again(running, MORE)
    assert p.returncode == 0
    assert p.stdout == "%s: nothing to change\n" % running.conf


def test_others_can_read_the_answers(running):
    f = running.dir / "open"
    f.write_text(running.answers())
    for mode, warned in ((0o600, False), (0o640, True), (0o604, True)):
        f.chmod(mode)
        p = running.command("setup", "--answers", str(f), "--dry-run")
        assert p.returncode == 0
        assert p.stderr == ("rohrpost: warning: %s: others can read it, and "
                            "it may hold passwords: chmod 600 %s\n" % (f, f)
                            if warned else "")


def profile(inst):
    return {r["name"]: (r["state"], r["value"])
            for r in inst.json("profile", "show")}


def test_profile(running):
    """Shown, set, and back again: what was set by hand is as before."""
    before = contents(running)["rohrpost.conf"]
    got = profile(running)
    assert got["profile"] == ("on", "direct")
    assert got["relay"] == ("off", None) and got["mx"] == ("on", None)
    assert got["smtp"][0] == "off"          # of loopback alone, in the tests
    p = running.command("profile", "set", "relay")
    assert p.returncode == 1 and 'needs "relay_host = "' in p.stderr
    p = running.command("profile", "set", "cloud", "--yes")
    assert p.returncode == 1 and "direct, relay or collector" in p.stderr
    p = running.command("profile", "set", "relay", "--relay-host", "out.test")
    assert p.returncode == 1 and "add --yes" in p.stderr
    assert changed_lines(p.stdout) == {
        "rohrpost.conf": ["+relay_host = out.test"]}
    assert contents(running)["rohrpost.conf"] == before
    running.ctl("profile", "set", "relay", "--relay-host", "out.test", "--yes")
    got = profile(running)
    assert got["profile"] == ("on", "relay")
    assert got["relay"] == ("on", "out.test") and got["mx"] == ("off", None)
    assert got["relay-login"] == ("off", None)
    assert running.ctl("profile", "set", "relay") == \
        "%s: nothing to change\n" % running.conf
    running.ctl("profile", "set", "direct", "--yes")
    assert contents(running)["rohrpost.conf"] == before


def test_login_of_another_provider(running):
    """It is not moved to another host without a word."""
    conf = running.conf / "rohrpost.conf"
    before = conf.read_bytes()
    conf.write_bytes(before + b"relay_host = one.test\nrelay_user = me\n")
    for host, warned in (("one.test", False), ("two.test", True)):
        p = running.command("profile", "set", "relay", "--relay-host", host)
        assert ("warning: the login me and its password stay, and go to " +
                host in p.stderr) == warned
    p = running.command("profile", "set", "direct", "--relay-host", "two.test")
    assert p.returncode == 2 and "the login" not in p.stderr
    assert "profile direct has no --relay-host" in p.stderr
    conf.write_bytes(before)


def test_collector_collects_nothing_yet(tmp_path):
    """status says so, and profile show; port 25 is off, and comes back."""
    inst = rohrpost.Instance(tmp_path / "i")
    del inst.ports["smtp"]
    inst.setup()
    inst.ctl("profile", "set", "collector", "--relay-host", "out.test",
             "--yes")
    words = "warning: profile collector: no account to collect from"
    assert words in inst.command("status").stderr
    shown = inst.command("profile", "show")
    assert words in shown.stderr
    assert "profile collector: mail is fetched from a provider" in shown.stdout
    got = profile(inst)
    assert got["profile"] == ("on", "collector")
    assert got["smtp"] == ("off", None) and got["collect"] == ("off", None)
    inst.ctl("profile", "set", "relay", "--yes")
    assert profile(inst)["smtp"] == ("on", "25")
    assert words not in inst.command("status").stderr


def test_what_was_taken_away_stays_away(tmp_path):
    """A second run brings back no key and no alias that nobody asked for."""
    inst = rohrpost.Instance(tmp_path / "i").setup()
    aliases = inst.conf / "aliases"
    aliases.write_text("".join(
        line for line in aliases.read_text().splitlines(True)
        if not line.startswith("mailer-daemon@")))
    inst.ctl("apply")
    before = contents(inst)
    p = inst.command("setup", "--answers", "-", "--yes", stdin=None,
                     input="postmaster = bert@example.test\n")
    assert p.returncode == 0, p.stderr
    assert changed_lines(p.stdout) == {"aliases": [
        "-postmaster = anna@example.test", "+postmaster = bert@example.test"]}
    assert {n for n, text in contents(inst).items()
            if text != before[n]} == {"aliases"}


def test_unattended_to_the_first_mail():
    """--start: the suite runs, a mail went out and came back, and what is left
    to do is told; without it setup says how to start."""
    inst = rohrpost.Instance(rohrpost.scratch("start"), users=["anna"],
                             test_address="bert@example.test")
    (inst.dir / "answers").write_text(
        inst.answers() + "user = bert@example.test %s\nphones = no\n" %
        PASSWORD)
    (inst.dir / "answers").chmod(0o600)
    # Comments are no accounts.
    inst.conf.mkdir(parents=True, exist_ok=True)
    (inst.conf / "users").write_text("# nobody yet\n" * 30)
    try:
        said = inst.ctl("setup", "--answers", str(inst.dir / "answers"),
                        "--start")
        for words in ("Accounts:\n  anna@example.test\n  bert@example.test\n",
                      "Certificate: %s/certificate.pem" % inst.conf,
                      "No port has to be reachable from the Internet.",
                      "What each mail program is told",
                      "example.test. 3600 IN MX 10 mail.example.test.",
                      "A test mail from anna@example.test to itself ...\n"
                      "  it was sent by submission and arrived in INBOX",
                      "A test mail to bert@example.test ...\n"
                      "  the next server has taken it: delivered"):
            assert words in said, said
        assert inst.count("anna") == 1 and inst.count("bert") == 1
        # Where it does not work that is said, and the status tells.
        (inst.dir / "answers").write_text(
            "user = anna@example.test %s\nlisten_imaps =\n" % PASSWORD)
        p = inst.command("setup", "--answers", str(inst.dir / "answers"),
                         "--start", "--yes")
        assert p.returncode == 1
        assert "  it did not arrive: listen_imaps in rohrpost.conf is empty" \
            in p.stdout, p.stdout
    finally:
        inst.command("stop")
        rohrpost.remove(inst.dir)
