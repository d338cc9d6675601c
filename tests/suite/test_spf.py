"""SPF against the public test suite of RFC 7208, which Debian's python3-spf
ships (SPF_SUITE names another copy). tests/mail/test_spf evaluates each case on
the zone that the suite describes."""
import gzip
import ipaddress
import os
import pathlib
import subprocess

import pytest
import yaml

BUILD = pathlib.Path(os.environ.get("ROHRPOST_BUILD", "."))
SUITE = pathlib.Path(os.environ.get(
    "SPF_SUITE", "/usr/share/doc/python3-spf/rfc7208-tests.yml.gz"))
TYPES = {"A": 1, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SPF": 99}
LATER = 0


def octets(kind, value):
    if kind in ("TXT", "SPF"):
        value = "".join(value) if isinstance(value, list) else value
        return value.encode("utf-8", "surrogateescape")
    if kind == "MX":
        return value[1].encode()
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    return value.encode()


def records(zone):
    """(name, type, octets) in order; what the suite says of type SPF alone is
    meant for TXT, too; a CNAME has what it leads to."""
    flat = {}
    for name, entries in zone.items():
        rows = flat.setdefault(name.lower(), [])
        kinds = {k for e in entries if isinstance(e, dict) for k in e}
        for e in entries:
            if e == "TIMEOUT":
                rows.append((LATER, b""))
                continue
            (kind, value), = e.items()
            if kind == "SPF" and "TXT" not in kinds:
                kind = "TXT"
            if value == "TIMEOUT":
                rows.append((LATER, b""))
            elif value != "NONE":
                rows.append((kind, value if kind == "CNAME" else
                             octets(kind, value)))
    for name, rows in flat.items():
        for kind, value in rows:
            if kind == "CNAME":
                rows = [r for r in flat.get(value.lower(), [])
                        if r[0] != "CNAME"]
                break
        for kind, value in rows:
            yield name, TYPES.get(kind, LATER), value


def hexed(octets):
    return octets.hex() or "-"


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    text = SUITE.read_bytes()
    if SUITE.suffix == ".gz":
        text = gzip.decompress(text)
    lines, wanted = [], {}
    for part, scenario in enumerate(yaml.safe_load_all(text)):
        lines.append("zone")
        for name, kind, value in records(scenario["zonedata"]):
            lines.append("rr %s %d %s" % (hexed(name.encode()), kind,
                                            hexed(value)))
        for name, test in scenario["tests"].items():
            key = "%d/%s" % (part, name)
            want = test["result"]
            wanted[key] = (want if isinstance(want, list) else [want],
                           test.get("explanation"))
            lines.append("case %s %s %s %s" % (
                key, test["host"], hexed(test["helo"].encode()),
                hexed((test["mailfrom"] or "").encode())))
    path = tmp_path_factory.mktemp("spf") / "cases"
    path.write_text("\n".join(lines) + "\n")
    p = subprocess.run([str(BUILD / "tests/mail/test_spf"), str(path)],
                       capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr
    return wanted, {line.split(" ", 2)[0]: line.split(" ", 2)[1:]
                    for line in p.stdout.splitlines()}


def test_results(cases):
    wanted, got = cases
    assert len(wanted) >= 200 and set(got) == set(wanted)
    bad = ["%s: %s, not %s" % (k, got[k][0], " or ".join(w))
           for k, (w, _) in wanted.items() if got[k][0] not in w]
    assert not bad, "\n".join(bad)


def test_explanations(cases):
    """Where the suite has one; DEFAULT: the domain gives none."""
    wanted, got = cases
    told = {k: e for k, (_, e) in wanted.items() if e}
    assert len(told) >= 10
    bad = ["%s: %r, not %r" % (k, got[k][1], e) for k, e in told.items()
           if got[k][1] != ("" if e == "DEFAULT" else e)]
    assert not bad, "\n".join(bad)
