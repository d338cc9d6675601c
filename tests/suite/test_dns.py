"""dns show: what an instance prints, in both languages and each profile."""
import pytest

import rohrpost

BOTH = "198.51.100.7, 2001:db8::7"


def make(directory, **keys):
    i = rohrpost.Instance(directory, users=("anna",), ports=dict(
        smtp=25, submission=587, submissions=465, imap=143, imaps=993,
        pop3=110, pop3s=995), **keys)
    i.host = "0.0.0.0"
    return i.setup()


@pytest.fixture(scope="module")
def host():
    d = rohrpost.scratch("dns")
    i = make(d)
    i.ctl("domain", "add", "bücher.example")
    yield i
    rohrpost.remove(d)


def zone(i, *args):
    text = i.ctl("dns", "show", *args)
    return text[:text.index("\n\n")].splitlines()


def test_zone_lines(host):
    got = zone(host, "example.test", "--address", BOTH)
    for line in ("example.test. 3600 IN MX 10 mail.example.test.",
                 "mail.example.test. 3600 IN A 198.51.100.7",
                 "mail.example.test. 3600 IN AAAA 2001:db8::7",
                 'example.test. 3600 IN TXT "v=spf1 mx -all"',
                 "_imaps._tcp.example.test. 3600 IN SRV 0 1 993 "
                 "mail.example.test."):
        assert line in got
    assert not any("IN PTR" in x for x in got)


def test_other_zones_are_apart(host):
    """Reverse DNS is of whoever gives the address; the name of the server may
    lie in another domain."""
    text = host.ctl("dns", "show", "example.test", "--address", BOTH)
    apart = text.split("\n\n")[1].splitlines()
    assert apart[0].startswith("; What belongs into another zone")
    assert "7.100.51.198.in-addr.arpa. 3600 IN PTR mail.example.test." in apart
    assert all(x.startswith(";") or "IN PTR" in x for x in apart)
    text = host.ctl("dns", "show", "bücher.example", "--address", BOTH)
    assert "mail.example.test. 3600 IN A 198.51.100.7" in \
        text.split("\n\n")[1].splitlines()



def test_idn_is_an_a_label(host):
    for name in ("bücher.example", "BÜCHER.example", "xn--bcher-kva.example"):
        assert "xn--bcher-kva.example. 3600 IN MX 10 mail.example.test." in \
            zone(host, name, "--address", BOTH)


def test_form_and_json_say_the_same(host):
    form = host.ctl("dns", "show", "example.test", "--address", BOTH)
    form = form[form.index("\n\n"):]
    rows = host.json("dns", "show", "example.test", "--address", BOTH)
    assert all(("Value      %s\n" % r["value"]) in form + "\n" for r in rows)
    assert form.count("\nType ") == len(rows)
    assert {r["host"] for r in rows} >= {"@", "mail", "_dmarc", None}


def test_german(host):
    p = host.command("dns", "show", "example.test",
                     env={"LANG": "de_DE.UTF-8", "LANGUAGE": "de"})
    assert p.returncode == 0 and "Die Einträge von example.test" in p.stdout


def test_refusals(host):
    p = host.command("dns", "show", "other.test")
    assert p.returncode == 1 and "not in domains" in p.stderr
    p = host.command("dns", "show", "example.test", "--address", "here")
    assert p.returncode == 1 and '--address: "here" is no' in p.stderr
    p = host.command("dns", "show")
    assert p.returncode == 2


def test_public_address(tmp_path):
    i = make(tmp_path, public_address="198.51.100.9")
    assert "mail.example.test. 3600 IN A 198.51.100.9" in \
        zone(i, "example.test")
    conf = i.conf / "rohrpost.conf"
    conf.write_text(conf.read_text().replace("198.51.100.9", "outside"))
    p = i.command("config", "check")
    assert p.returncode == 1 and "public_address: \"outside\" is no" in p.stderr


@pytest.mark.parametrize("keys,mx", [
    ({"relay_host": "smtp.far.test"}, "MX 10 mail.example.test."),
    ({"relay_host": "smtp.far.test", "listen_smtp": ""}, "MX ..."),
])
def test_through_a_provider(tmp_path, keys, mx):
    """Its SPF is never guessed; what comes by it has its MX."""
    i = make(tmp_path)
    conf = i.conf / "rohrpost.conf"
    conf.write_text("".join(
        x for x in conf.read_text().splitlines(True)
        if not x.startswith(tuple(keys))) +
        "".join("%s = %s\n" % kv for kv in keys.items()))
    got = zone(i, "example.test", "--address", BOTH)
    assert any(x.endswith("IN " + mx) for x in got)
    assert "; example.test. 3600 IN TXT ..." in got
    assert not any("v=spf1" in x and not x.startswith(";") for x in got)
    assert not any("IN PTR" in x for x in got)
