"""Addresses as the world writes them, beside Debian's Postfix in one run: what
both take, and why we differ where we do; the whole way of the odd ones through
relay and back."""
import smtplib

import pytest

import postfix
import rohrpost

pytestmark = pytest.mark.root

L255, L256 = "a" * 255, "a" * 256
# Addresses at far.test, a domain of both, where any local part is taken.
TAKEN_BY_BOTH = [
    "<anna@far.test>", "anna@far.test", "<Anna@FAR.TEST>", " <anna@far.test>",
    "<a..b@far.test>", "<.a@far.test>", "<a.@far.test>", "<...@far.test>",
    "<a@far.test.>", '<"a b"@far.test>', '<"a..b"@far.test>',
    r'<"a\"b"@far.test>', "<a+tag@far.test>", "<o'neil@far.test>", "<{a}|~@far.test>",
    "<a/b=c@far.test>", "<@relay.test:anna@far.test>",
    "<%s@far.test>" % ("a" * 64), "<%s@far.test>" % ("a" * 65),
    "<%s@far.test>" % L255,
]
REFUSED_BY_BOTH = ["anna", "<anna@far..test>", "<anna@-far.test>", "<anna@>",
                   "<a@b@far.test>", "<anna@far.test", "<a b@far.test>",
                   "<anna@far.test> junk",
                   "<anna@elsewhere.test>", "<anna@[192.0.2.300]>"]
# Who takes it, and why we differ.
DIFFERENT = {
    "<a%b@far.test>": (
        "ours", "a percent sign is text: Postfix routes by it "
        "(allow_percent_hack), and relays for nobody then"),
    "<a!b@far.test>": ("ours", "so is an exclamation mark (swap_bangpath)"),
    "<-a@far.test>": (
        "ours", "no program gets it as an argument here (allow_min_user)"),
    "<@far.test>": (
        "postfix", "a local part has an octet at least (RFC 5321 4.1.2)"),
    "<%s@far.test>" % L256: (
        "postfix", "a local part has at most 255 octets here"),
}
SENDERS_BY_BOTH = [
    "<>", "<eve@my_host.test>", "<eve@my_host.remote.test.>",
    "<a..b@remote.test>", "<.a@remote.test>", "eve@remote.test",
    "<%s@remote.test>" % L255, "<eve@remote.test> SIZE=100",
    "<eve@[192.0.2.1]>", "<eve@[IPv6:2001:db8::1]>", "<eve@xn--bcher-kva.test>",
    "<eve@localhost>", "<eve@1.2.3.4.test>",
]
DIFFERENT_SENDERS = {
    "<eve>": ("postfix", "a sender has a domain (RFC 5321 2.3.5): Postfix adds "
              "its own, and reports would go to a user of that name"),
}


@pytest.fixture(scope="module")
def both():
    """Postfix; ours, which sends by it what is not for far.test."""
    d = rohrpost.scratch("addresses")
    with postfix.Postfix(d + "/postfix", auth_required=False) as p:
        with rohrpost.Instance(
                d + "/ours", domain="far.test", users=("anna",),
                relay_host="[127.0.0.1]", relay_port=str(p.port),
                relay_tls="never", smtp_errors=1000) as i:
            i.ctl("alias", "add", "@far.test", "anna@far.test")
            yield i, p
    rohrpost.remove(d)


def answers(port, senders, recipients):
    """What is taken: the text after MAIL FROM: or RCPT TO: -> yes or no."""
    out = {}
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.test",
                      timeout=60) as s:
        s.ehlo()
        for text in senders:
            code = s.docmd("MAIL FROM:" + text)[0]
            out["from", text] = code == 250
            s.docmd("RSET")
            assert code // 100 in (2, 5), (text, code)
        for text in recipients:
            # one to a session of a few: errors count
            s.docmd("MAIL FROM:<eve@remote.test>")
            code = s.docmd("RCPT TO:" + text)[0]
            out["to", text] = code == 250
            s.docmd("RSET")
            assert code // 100 in (2, 5), (text, code)
    return out


def test_what_is_taken(both):
    ours, theirs = both
    senders = SENDERS_BY_BOTH + list(DIFFERENT_SENDERS)
    to = TAKEN_BY_BOTH + REFUSED_BY_BOTH + list(DIFFERENT)
    us = answers(ours.ports["smtp"], senders, to)
    them = {}
    # Postfix closes after 20 errors and slows down after 10.
    for k in range(0, len(to), 8):
        them.update(answers(theirs.port, senders if k == 0 else [],
                            to[k:k + 8]))
    differ = {k: ("postfix" if them[k] else "ours") for k in us
              if us[k] != them[k]}
    listed = {("to", k): v[0] for k, v in DIFFERENT.items()}
    listed.update((("from", k), v[0]) for k, v in DIFFERENT_SENDERS.items())
    assert differ == listed, sorted(set(differ.items()) ^ set(listed.items()))
    assert all(us["to", k] for k in TAKEN_BY_BOTH)
    assert not any(us["to", k] for k in REFUSED_BY_BOTH)
    assert all(us["from", k] for k in SENDERS_BY_BOTH)


def odd(a):
    """Addresses as they are written -> as they go on; a: of another letter."""
    return {a + "..b@other.test": '"%s..b"@other.test' % a,
            ".%s@other.test" % a: '".%s"@other.test' % a,
            a + ".@other.test": '"%s."@other.test' % a,
            a * 255 + "@other.test": a * 255 + "@other.test",
            a + "@other.test.": a + "@other.test"}


def goes_to(theirs):
    """Whom Postfix delivered to: its own field, above all of ours."""
    return [m.split(b"X-Original-To: ", 1)[1].split(b"\n")[0].decode()
            for m in theirs.messages()]


def test_the_whole_way(both):
    """A user writes to them, and they reach the next host; an alias leads to
    one; a report goes back to one. Names with underscores are hosts."""
    ours, theirs = both
    with ours.submission() as s:
        for typed in odd("a"):
            s.mail("anna@far.test")
            assert s.rcpt(typed)[0] == 250, typed
            assert s.data(rohrpost.message(
                "x", sender="anna@far.test"))[0] == 250
    rohrpost.wait_for(lambda: set(odd("a").values()) <= set(goes_to(theirs)),
                      60, text="the odd recipients")
    ours.wait_empty()
    # To a host that Postfix relays nothing to: it refuses, and so a report is
    # made to the sender, an odd one.
    ours.ctl("alias", "add", "gone@far.test", "x@no_such.elsewhere.test")
    with ours.smtp() as s:
        s.ehlo()
        for typed in odd("b"):
            s.mail(typed)
            assert s.rcpt("gone@far.test")[0] == 250
            assert s.data(rohrpost.message("y"))[0] == 250
    rohrpost.wait_for(lambda: set(odd("b").values()) <= set(goes_to(theirs)),
                      60, text="the odd senders")
    ours.wait_empty()


def test_operators_commands(both):
    """What an alias may be and lead to; an account is told its rule."""
    ours, theirs = both
    for name, target in (("x..y@far.test", "anna@far.test"),
                         ("docomo@far.test", "a..b@other.test"),
                         ("long@far.test", L255 + "@other.test"),
                         ("under@far.test", "a@my_host.test"),
                         ("dot@far.test", "b@other.test.")):
        ours.ctl("alias", "add", name, target)
    before = ours.count()
    with ours.smtp() as s:
        s.sendmail("eve@remote.test", ["x..y@far.test", "docomo@far.test"],
                   rohrpost.message("z"))
    ours.wait_count(before + 1)
    for name, words in (("a..b@far.test", "make it an alias of one"),
                        (".a@far.test", "make it an alias of one"),
                        ("a" * 65 + "@far.test", "more than 64 octets"),
                        ("a@my host.test", "not a domain name")):
        p = ours.command("user", "add", name, "--stdin", input="secret\n",
                         stdin=None)
        assert p.returncode == 1 and words in p.stderr, (name, p.stderr)
        assert len(p.stderr.splitlines()) == 1
    for name, words in ((L256 + "@far.test", "more than 255 octets"),
                        ('"a..b"@far.test', "not a local part")):
        p = ours.command("alias", "add", name, "anna@far.test")
        assert p.returncode == 1 and words in p.stderr, (name, p.stderr)
