"""Groups of accounts, and what accounts are granted: the nearest that says
something holds (the account, its groups, its domain)."""
import pytest

import rohrpost

PEOPLE = ("anna", "bert")


@pytest.fixture(autouse=True)
def clean(inst):
    """Each test begins without groups and grants."""
    yield
    for g in inst.json("group", "list"):
        inst.ctl("group", "del", g["group"])


def groups(inst):
    return {g["group"]: (g["grants"], g["members"])
            for g in inst.json("group", "list")}


def user(inst, name):
    return next(r for r in inst.json("user", "list")
                if r["user"] == name + "@example.test")


def test_life(inst):
    """add, member, set, del: the line is what was asked, comments stay."""
    f = inst.conf / "groups"
    inst.ctl("group", "add", "Staff", "quota=5M", "ANNA@example.test")
    f.write_text("# ours\n" + f.read_text())
    assert groups(inst) == {"staff": (["quota=5242880"],
                                      ["anna@example.test"])}
    assert user(inst, "anna")["groups"] == ["staff"]
    inst.ctl("group", "member", "staff", "add", "bert@example.test")
    assert groups(inst)["staff"][1] == ["anna@example.test",
                                        "bert@example.test"]
    assert user(inst, "bert")["quota_size"] == 5 << 20
    inst.ctl("group", "set", "staff", "quota=7M,30")
    assert groups(inst)["staff"][0] == ["quota=7340032,30"]
    inst.ctl("group", "member", "staff", "del", "anna@example.test")
    assert groups(inst)["staff"][1] == ["bert@example.test"]
    assert user(inst, "anna")["groups"] == []
    inst.ctl("group", "set", "staff", "quota=")
    assert groups(inst)["staff"] == ([], ["bert@example.test"])
    assert f.read_text() == "# ours\nstaff : bert@example.test\n"
    inst.ctl("group", "del", "staff")
    assert f.read_text() == "# ours\n"


def test_nearest_holds(inst):
    """Own line, then groups, then the domain."""
    inst.ctl("domain", "set", "example.test", "quota=1M")
    assert user(inst, "anna")["quota_size"] == 1 << 20
    inst.ctl("group", "add", "staff", "quota=2M", "anna@example.test")
    assert user(inst, "anna")["quota_size"] == 2 << 20
    assert user(inst, "bert")["quota_size"] == 1 << 20
    inst.ctl("user", "set", "anna@example.test", "quota=3M")
    assert user(inst, "anna")["quota_size"] == 3 << 20
    # store has what the list has.
    rows = {r["user"]: r["quota_size"] for r in inst.json("store", "list")}
    for name in PEOPLE:
        inst.imap(name).logout()

    def listed():
        rows = {r["user"]: r["quota_size"] for r in inst.json("store", "list")}
        return [rows.get(n + "@example.test") for n in PEOPLE] == [
            3 << 20, 1 << 20]
    # A login does not wait for the first mailboxes to be made.
    rohrpost.wait_for(listed, text="both in the list")
    inst.ctl("user", "set", "anna@example.test", "quota=")
    assert user(inst, "anna")["quota_size"] == 2 << 20
    inst.ctl("domain", "set", "example.test", "quota=")
    assert (inst.conf / "domains").read_text().split("\n")[0] == "example.test"


def test_deleted_account_leaves_its_groups(inst):
    inst.ctl("user", "add", "gone@example.test", "--stdin",
             input="some-password-1\n", stdin=None)
    inst.ctl("group", "add", "a", "gone@example.test", "anna@example.test")
    inst.ctl("group", "add", "b", "gone@example.test")
    inst.ctl("user", "del", "gone@example.test")
    assert groups(inst) == {"a": ([], ["anna@example.test"]), "b": ([], [])}


@pytest.mark.parametrize("args,words", [
    (("add", "staff", "nobody@example.test"), "is no account"),
    (("add", "staff", "colour=red"), "not known (quota="),
    (("add", "staff", "quota=much"), "not a size"),
    (("add", "staff", "quota=1M", "quota=2M"), "twice"),
    (("add", "1st"), "not a group's name"),
    (("set", "none", "quota=1M"), "none: not in groups"),
    (("del", "none"), "none: not in groups"),
    (("member", "none", "add", "anna@example.test"), "not in groups"),
    (("member", "there", "add", "anna@example.test"), "in there already"),
    (("member", "there", "del", "bert@example.test"), "is not in there"),
    (("member", "there", "set", "bert@example.test"), "neither add nor del"),
])
def test_refused(inst, args, words):
    inst.ctl("group", "add", "there", "anna@example.test")
    before = groups(inst)
    p = inst.command("group", *args)
    assert p.returncode in (1, 2) and words in p.stderr, p.stderr
    assert groups(inst) == before
