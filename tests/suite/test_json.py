"""What every list command prints with --json, against the schemas of doc/json.
The commands are those that the program itself names: a new one needs a schema
and an example here."""
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import jsonschema
import pytest

import nameserver
import rohrpost
from rohrpost import message, wait_for

SCHEMAS = pathlib.Path(os.environ.get(
    "ROHRPOST_SOURCE", pathlib.Path(__file__).resolve().parents[2])
    ) / "doc/json"
PROFILE = "relay"
PROBE = socket.create_server(("127.0.0.1", 0))


def probe():
    """Another Rohrpost, to which all ports are open."""
    while True:
        with PROBE.accept()[0] as c:
            ports = c.recv(200).split()[1:]
            c.sendall(b"".join(p + b" open\r\n" for p in ports) +
                      b"END\r\n")


threading.Thread(target=probe, daemon=True).start()
KEYS = {"relay_host": "[127.0.0.1]", "relay_port": "1", "relay_tls": "never",
        "resolver": "127.0.0.1@%d" % nameserver.Server(
            lambda q: [nameserver.reply(q, nameserver.NXDOMAIN)]).port}
COMMANDS = re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)?)\b.* ?\[--json\]",
                      subprocess.run(
                          [str(rohrpost.ROHRPOST), "--help"],
                          capture_output=True, text=True).stdout)
HASH = "{SSHA512}" + "A" * 88


def schema(command):
    return json.loads((SCHEMAS / (command.replace(" ", "-") + ".json"))
                      .read_text())


@pytest.fixture(scope="module")
def full(inst):
    """An instance where no list is empty."""
    inst.ctl("domain", "add", "alias.test", "--alias", "example.test")
    inst.ctl("alias", "add", "info@example.test", "anna@example.test",
             "bert@example.test")
    inst.ctl("group", "add", "staff", "quota=5G", "anna@example.test")
    inst.ctl("app", "add", "anna@example.test", "phone", "--protocols",
             "imap+submission")
    for day in "old", "new":
        inst.ctl("dkim", "new", "example.test", "--type", "ed25519",
                 "--selector", day)
        inst.ctl("dkim", "activate", "example.test")
    inst.ctl("dkim", "new", "example.test")
    with inst.smtp() as s:
        s.sendmail("eve@remote.test", ["bert@example.test"], message(1))
    inst.wait_count(1, "bert")
    with inst.submission() as s:
        s.sendmail("anna@example.test", ["x@far.test", "y@far.test"],
                   message(2, sender="anna@example.test"), ["BODY=8BITMIME"])
    wait_for(lambda: all(r["attempts"] > 0 and r["next"] for r in
                         inst.json("queue", "list")), 60)
    inst.ctl("sieve", "put", "anna@example.test", input="discard;",
             stdin=None)
    inst.ctl("sieve", "put", "anna@example.test", "other", stdin=None, input=
             'require ["fileinto","imap4flags"]; keep; redirect "a@b.test"; '
             'fileinto :flags "x" "Lists";')
    # A port that is not of loopback alone, for probe.
    path = inst.conf / "rohrpost.conf"
    path.write_text(re.sub(r"(?m)^listen_pop3s = .*:",
                           "listen_pop3s = 0.0.0.0:", path.read_text()))
    # A provider that does not answer.
    table = inst.conf / "collect"
    table.write_text("home = pop3 host=localhost:1 tls=none login=anna "
                     "to=anna@example.test password=secret\n")
    table.chmod(0o600)
    inst.ctl("apply")
    wait_for(lambda: inst.json("collect", "list"), 60, text="an account")
    m = inst.imap("anna")
    # A finding for store check: a message without its file.
    gone = [f for f in (inst.state / "spool/mail").rglob("*")
            if f.is_file() and b"Subject: t-1" in f.read_bytes()]
    assert gone
    for f in gone:
        f.unlink()
    yield inst
    m.logout()


def accounts(inst):
    """The file of those who are to come."""
    f = inst.dir / "accounts.csv"
    f.write_text("anna,secret,anna@example.test\n")
    f.chmod(0o600)
    return str(f)


def mail(inst):
    """A message in a file."""
    f = inst.dir / "message"
    f.write_bytes(message(3))
    return str(f)


def examples(inst):
    """command -> the arguments of each call; functions are asked late."""
    def qid():
        return inst.json("queue", "list")[0]["id"]
    return {
        "dns check": [["alias.test", "--address", "192.0.2.1"]],
        "explain": [["anna@example.test", "--from", "eve@remote.test",
                     "--ip", "192.0.2.1"]],
        "doctor": [["--address", "192.0.2.1"]],
        "probe": [["127.0.0.1:%d" % PROBE.getsockname()[1]]],
        "dns show": [["example.test", "--address", "192.0.2.1 2001:db8::1"],
                     ["alias.test"]],
        "profile show": [[]],
        "status": [[]], "domain list": [[]], "user list": [[]],
        "group list": [[]],
        "app list": [[], ["anna@example.test"]], "alias list": [[]],
        "dkim show": [[], ["example.test"]],
        "session list": [[]], "queue list": [[]],
        "queue show": [[qid], [qid, "--body"]],
        "trace": [["anna@example.test"], ["t-2@remote.test"], [qid]],
        "config show": [[]],
        "config explain": [["relay_tls"], ["smtp_idle"]], "store list": [[]],
        "quota list": [[], ["--domain", "alias.test"]],
        "mailbox list": [["anna@example.test"]],
        "mailbox show": [["bert@example.test", "INBOX"]],
        "sieve list": [["anna@example.test"]],
        "sieve test": [["anna@example.test", mail(inst)],
                       ["anna@example.test", mail(inst), "other"]],
        "store check": [["bert@example.test"], []],
        "migrate": [["localhost:1", "--csv", accounts(inst)]],
        "collect list": [[]], "collect test": [["home"]],
        "hash check": [[], [HASH]], "selftest jail": [[]],
        "selftest relay": [["--at", "127.0.0.1:%d" % inst.ports["smtp"]]],
    }


# The exit status where it is not 0.
STATUS = {"migrate": 75, "collect test": 1, "store check": 1, "selftest relay": 75, "dns check": 1, "doctor": 1}


def test_every_command_has_a_schema(inst):
    assert len(COMMANDS) > 10 and "queue list" in COMMANDS
    assert {f.stem for f in SCHEMAS.iterdir()} == {
        c.replace(" ", "-") for c in COMMANDS}
    assert set(examples(inst)) == set(COMMANDS)


def objects(s):
    """Every schema of an object within one."""
    if isinstance(s, dict):
        if s.get("type") == "object":
            yield s
        for v in s.values():
            yield from objects(v)


@pytest.mark.parametrize("command", COMMANDS)
def test_schemas_hold_every_key(command):
    """No key is optional, or without its meaning; moments are numbers."""
    s = schema(command)
    jsonschema.Draft202012Validator.check_schema(s)
    assert s["title"] == "rohrpost %s --json" % command
    assert s["type"] == "array" and s["items"]["type"] == "object"
    for o in objects(s):
        assert o["additionalProperties"] is False
        assert o["required"] == list(o["properties"])
        for name, p in o["properties"].items():
            assert p["description"], name
            assert name != "time" or p["type"] == "number"


@pytest.mark.parametrize("command", [
    pytest.param(c, marks=[pytest.mark.root] * (c == "selftest jail"))
    for c in COMMANDS])
def test_answers_fit_their_schema(full, command):
    now = time.time()
    for args in examples(full)[command]:
        args = [a() if callable(a) else a for a in args]
        p = full.command(*command.split(), *args, "--json")
        rows = json.loads(p.stdout)
        assert p.returncode == STATUS.get(command, 0) and rows, p.stderr
        s = schema(command)
        jsonschema.Draft202012Validator(s).validate(rows)
        # The order of the keys is that of the schema, too.
        keys = list(s["items"]["properties"])
        assert all(list(r) == keys for r in rows)
        for row in rows:
            for key, p in s["items"]["properties"].items():
                if "since 1970" in p["description"] and row[key] is not None:
                    assert now - 3600 < row[key] < now + 86400, (key, row)


def test_empty_lists(inst):
    """An array without elements, of every list that can be empty."""
    assert inst.json("app", "list", "bert@example.test") == []
    p = inst.command("queue", "show", "0" * 16, "--json")
    assert p.returncode == 1 and json.loads(p.stdout) == []


@pytest.mark.parametrize("command", [
    c for c in COMMANDS if c not in
    ("queue show", "selftest jail", "selftest relay", "dns show", "dns check", "dkim show",
     "doctor", "explain", "config explain")])
def test_table_has_the_same_columns(full, command):
    args = [a() if callable(a) else a for a in examples(full)[command][0]]
    lines = full.command(*command.split(), *args).stdout.lower().splitlines()
    # What troubles a program, or stays behind, has lines of its own; accounts
    # at providers have a table; of a line of the log the class stands in it.
    apart = ["class"] if command == "trace" else ["passed_over", "accounts"]
    assert [x for x in schema(command)["items"]["properties"]
            if not x.startswith("trouble") and
            x not in apart] in [x.split() for x in lines]
