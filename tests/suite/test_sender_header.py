"""sender_header: a login is who its messages say they are from."""
import email
import email.policy
import email.utils
import smtplib

import pytest

from rohrpost import wait_for

ANNA = "anna@example.test"
REFUSED = ("5.7.1 From: %s is not an address of anna@example.test, and "
           "sender_header is owned")
# Each names anna alone, and so it does to Python's two parsers.
OWN = [
    "anna@example.test", "<Anna@EXAMPLE.test>", "Anna <anna@example.test>",
    "anna+shop@example.test (Anna)", "Anna\r\n B. Clark <anna@example.test>",
    '"Clark, Anna; (x) bert@example.test" <anna@example.test>',
    "=?utf-8?q?M=C3=BCller=2C_Anna?= <anna@example.test>",
    "Anna O'Neil & Co./Ltd <anna@example.test>",
    "Team: anna@example.test, Me <anna@example.test>;",
]
# Programs differ in these, or are known to have done so.
ODD = [
    "anna@example.test <bert@example.test>",
    "bert@example.test <anna@example.test>",
    "<bert@example.test> <anna@example.test>",
    "bert@example.test, , anna@example.test",
    "<anna@example.test>\\, <bert@example.test>",
    "<@bert@example.test:anna@example.test>",
    "Anna (<bert@example.test>) <anna@example.test>",
    '"<bert@example.test>" <anna@example.test>',
    "=?utf-8?q?=3Cbert=40example.test=3E=2C?= <anna@example.test>",
    "bert@example.test (anna@example.test",
    "Clark, Anna <anna@example.test>",
    "nobody:;",
]


def say(s, header, sender=ANNA):
    """What the server says to a message of that header; "": it takes it."""
    try:
        s.sendmail(sender, ["bert@example.test"],
                   header.encode() + b"\r\nSubject: x\r\n\r\nhi\r\n")
    except smtplib.SMTPDataError as e:
        assert e.smtp_code == 550
        return e.smtp_error.decode()
    return ""


def shown(value):
    """The addresses that Python shows, old way and new."""
    old = email.utils.getaddresses([value])
    new = email.message_from_bytes(b"From: " + value.encode() + b"\r\n\r\n",
                                   policy=email.policy.SMTP)["From"].addresses
    return ({a.lower() for _, a in old if "@" in a},
            {a.addr_spec.lower() for a in new if "@" in a.addr_spec})


def test_own(inst):
    n = inst.count("bert")
    with inst.submission() as s:
        for value in OWN:
            assert say(s, "From: " + value) == "", value
            for found in shown(value):
                assert found <= {ANNA, "anna+shop@example.test"} and found
    inst.wait_count(n + len(OWN), "bert")


def test_foreign(inst):
    with inst.submission() as s:
        for value in ("bert@example.test", "Bert <bert@example.test>",
                      "anna@example.test, bert@example.test",
                      "=?utf-8?q?Anna?= <bert@example.test>"):
            assert say(s, "From: " + value) == REFUSED % "bert@example.test"
        assert say(s, "From: x@far.test") == REFUSED % "x@far.test"
        assert "Sender: bert@example.test is not" in say(
            s, "From: anna@example.test\r\nSender: bert@example.test")
        # The null sender is no way around it.
        assert say(s, "From: x@far.test", "") == REFUSED % "x@far.test"
        assert say(s, "From: anna@example.test", "") == ""


@pytest.mark.parametrize("value", ODD)
def test_odd(inst, value):
    with inst.submission() as s:
        assert "sender_header" in say(s, "From: " + value)


def test_whose_it_is(inst):
    """Aliases, alias domains and a catch-all, as for MAIL FROM; at once."""
    with inst.submission() as s:
        for address in ("info@example.test", "anna@other.test",
                        "any@all.test"):
            assert say(s, "From: " + address) == REFUSED % address
        inst.ctl("alias", "add", "info@example.test", ANNA)
        inst.ctl("domain", "add", "other.test", "--alias", "example.test")
        inst.ctl("domain", "add", "all.test")
        inst.ctl("alias", "add", "@all.test", ANNA)
        for address in ("info@example.test", "anna@other.test",
                        "Anna <any@all.test>"):
            assert say(s, "From: " + address) == ""
    with inst.submission("bert") as s:
        assert "info@example.test is not an address of bert" in say(
            s, "From: info@example.test", "bert@example.test")


def test_sent_on_by_hand(inst):
    """A Resent-From of one's own keeps an author from elsewhere."""
    with inst.submission() as s:
        own = "Resent-From: anna@example.test\r\n"
        assert say(s, own + "From: x@far.test") == ""
        assert say(s, own + "From: bert@example.test") == (
            REFUSED % "bert@example.test")
        # What DMARC takes for ours is ours: below, above, with a null sender.
        for sender in (ANNA, ""):
            for address in ("x@sub.example.test", "x@a.b.example.test",
                            "x@test"):
                assert say(s, own + "From: " + address, sender) == (
                    REFUSED % address)
            assert say(s, own + "From: x@notexample.test", sender) == ""
        assert "Resent-From: x@far.test is not" in say(
            s, "Resent-From: x@far.test\r\nFrom: anna@example.test")


def test_others_and_any(inst):
    """Local programs and strangers write what they like; with "any" logins,
    too."""
    n = inst.count("bert")
    inst.sendmail(b"From: x@far.test\nSubject: local\n\nhi\n",
                  "bert@example.test")
    with inst.smtp() as s:
        assert say(s, "From: bert@example.test", "x@far.test") == ""
    inst.wait_count(n + 2, "bert")
    conf = inst.conf / "rohrpost.conf"
    before = conf.read_text()
    conf.write_text(before + "sender_header = any\n")
    try:
        inst.ctl("reload")

        def taken():
            with inst.submission() as s:
                return say(s, "From: x@far.test") == ""

        wait_for(taken, text="a foreign From")
    finally:
        conf.write_text(before)
        inst.ctl("reload")
