"""What senders ask of reports (RFC 3461), by programs that ask for it: told of
what ends here, passed on to a next hop with DSN, told as relayed where it has
none."""
import email
import re
import subprocess

import pytest

import rohrpost
from postfix import Postfix
from test_relay_alone import Hop

SENDER = "anna@example.test"
PHPMAILER = "/usr/share/php/libphp-phpmailer/autoload.php"
PHP = """\
<?php
require "%s";
$m = new PHPMailer\\PHPMailer\\PHPMailer(true);
$m->isSMTP();
$m->Host = "127.0.0.1";
$m->Port = (int)$argv[1];
$m->SMTPSecure = "tls";
$m->SMTPAuth = true;
$m->SMTPOptions = ["ssl" => ["verify_peer" => false,
    "verify_peer_name" => false, "allow_self_signed" => true]];
$m->Username = $m->Sender = "%s";
$m->Password = "%s";
$m->dsn = $argv[2];
$m->setFrom("%s");
$m->addAddress($argv[3]);
$m->Subject = "php";
$m->Body = "the body";
$m->send();
""" % (PHPMAILER, SENDER, rohrpost.PASSWORD, SENDER)


@pytest.fixture(scope="module")
def inst():
    """Its aliases: one leads to several."""
    d = rohrpost.scratch("dsn")
    hop = Hop(features=["PIPELINING", "8BITMIME"], RCPT=["250 2.1.5 ok"])
    with rohrpost.Instance(d, users=("anna", "bert"), relay_tls="never",
                           relay_host="[127.0.0.1]", relay_port=hop.port
                           ) as i:
        i.ctl("alias", "add", "all@example.test", "bert@example.test",
              "far@far.test")
        i.hop = hop
        yield i
    hop.close()
    rohrpost.remove(d)


def report(inst, n):
    """The n-th message of the sender: what it says of each recipient, by the
    fields of its second part, and its last part."""
    inst.wait_count(n, "anna")
    stored = list(inst.messages("anna").values())[n - 1]
    m = email.message_from_bytes(stored)
    assert m["Return-Path"] == "<>" and m.get_param("report-type") == \
        "delivery-status"
    people, status, original = m.get_payload()
    head, *recipients = status.get_payload()
    return m, head, recipients, original


def fields(recipient):
    return (recipient["Final-Recipient"], recipient["Action"],
            recipient["Status"], recipient["Original-Recipient"])


def msmtp(inst, *args):
    p = subprocess.run(
        ["msmtp", "--host=127.0.0.1", "--port=%d" % inst.ports["submission"],
         "--auth=plain", "--user=" + SENDER, "--passwordeval=echo '%s'" %
         rohrpost.PASSWORD, "--tls=on", "--tls-certcheck=off",
         "--tls-starttls=on", "--from=" + SENDER, *args], text=True,
        input="Subject: m\n\nthe body\n", capture_output=True, timeout=60)
    assert p.returncode == 0, p.stderr


def test_programs(inst):
    """msmtp, PHPMailer and sendmail; each report is the next message."""
    before = inst.count("anna")
    msmtp(inst, "--dsn-notify=success", "--dsn-return=hdrs",
          "bert@example.test")
    m, head, [r], original = report(inst, before + 1)
    assert m["Subject"] == "Successful mail delivery report"
    assert fields(r) == ("rfc822; bert@example.test", "delivered", "2.0.0",
                         None)
    assert original.get_content_type() == "text/rfc822-headers"
    # It hears nothing of what it did not ask about.
    msmtp(inst, "--dsn-notify=failure,delay", "--dsn-return=full",
          "bert@example.test")
    script = inst.dir / "mail.php"
    script.write_text(PHP)
    p = subprocess.run(["php", str(script), str(inst.ports["submission"]),
                        "SUCCESS,FAILURE", "bert@example.test"],
                       capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stdout + p.stderr
    m, head, [r], original = report(inst, before + 2)
    assert fields(r)[:2] == ("rfc822; bert@example.test", "delivered")
    assert "Subject: php" in original.get_payload()
    p = subprocess.run(
        [str(rohrpost.SENDMAIL), "-C", str(inst.conf), "-f", SENDER, "-N",
         "success", "-R", "full", "-V", "an id", "bert@example.test"],
        input=b"Subject: s\n\nthe body\n", timeout=60)
    assert p.returncode == 0
    m, head, [r], original = report(inst, before + 3)
    assert head["Original-Envelope-Id"] == "an id"
    assert original.get_content_type() == "text/rfc822-headers"


def mail(inst, to, options=(), rcpt=(), text=b"Subject: x\r\n\r\nbody\r\n"):
    with inst.submission() as s:
        assert s.has_extn("dsn")
        s.sendmail(SENDER, to, text, mail_options=options, rcpt_options=rcpt)


def test_relayed_and_expanded(inst):
    """A next hop without DSN hears nothing of it; an alias of several."""
    before = inst.count("anna")
    mail(inst, ["far@far.test"], ["RET=FULL", "ENVID=QQ+2B1"],
         ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Far+2Bx@far.test"])
    m, head, [r], original = report(inst, before + 1)
    assert head["Original-Envelope-Id"] == "QQ+1"
    assert fields(r) == ("rfc822; far@far.test", "relayed", "2.0.0",
                         "rfc822;Far+x@far.test")
    assert r["Remote-MTA"] == "dns; 127.0.0.1"
    assert not [x for x in inst.hop.lines
                if re.search("RET=|ENVID=|NOTIFY=|ORCPT=", x)]
    mail(inst, ["all@example.test"], [], ["NOTIFY=SUCCESS"])
    m, head, [r], original = report(inst, before + 2)
    assert fields(r) == ("rfc822; all@example.test", "expanded", "2.0.0",
                         None)


def test_failures(inst):
    """RET=FULL brings all of it back; NOTIFY without FAILURE brings
    nothing."""
    before = inst.count("anna")
    inst.hop.odd["RCPT"] = ["550 5.1.1 no"]
    mail(inst, ["a@far.test"], ["RET=FULL"], ["NOTIFY=SUCCESS"])
    inst.wait_empty()
    mail(inst, ["b@far.test"], ["RET=FULL", "BODY=8BITMIME"], [],
         "Subject: x\r\n\r\nthe body \u00e4\r\n".encode())
    m, head, [r], original = report(inst, before + 1)
    inst.hop.odd["RCPT"] = ["250 2.1.5 ok"]
    assert m["Subject"] == "Undelivered mail returned to sender"
    assert fields(r)[:3] == ("rfc822; b@far.test", "failed", "5.1.1")
    assert original.get_content_type() == "message/rfc822"
    [whole] = original.get_payload()
    assert whole.get_payload(decode=True) == "the body \u00e4\r\n".encode()


def test_from_strangers(inst):
    """Port 25 has it for what ends here."""
    before = inst.count("anna")
    with inst.smtp() as s:
        s.ehlo()
        assert s.has_extn("dsn")
        s.sendmail(SENDER, ["bert@example.test"], b"Subject: x\r\n\r\n",
                   mail_options=["ENVID=Q"], rcpt_options=["NOTIFY=SUCCESS"])
    m, head, [r], original = report(inst, before + 1)
    assert head["Original-Envelope-Id"] == "Q"
    assert fields(r)[:2] == ("rfc822; bert@example.test", "delivered")


@pytest.mark.root
def test_passed_on():
    """A Postfix has DSN: it gets all that was asked, and reports itself; we
    do not."""
    d = rohrpost.scratch("dsnhop")
    p = Postfix(d + "/postfix", auth_required=False)
    i = rohrpost.Instance(d + "/us", users=("anna",), relay_tls="never",
                          relay_host="[127.0.0.1]", relay_port=p.port)
    with (p.conf / "main.cf").open("a") as f:
        f.write("relayhost = [127.0.0.1]:%d\n" % i.ports["smtp"])
    with p, i:
        i.ctl("alias", "add", "away@example.test", "x@far.test")
        mail(i, ["away@example.test"], ["RET=HDRS", "ENVID=QQ+2B1"],
             ["NOTIFY=SUCCESS"])
        m, head, [r], original = report(i, 1)
        assert head["Original-Envelope-Id"] == "QQ+1"
        assert head["Reporting-MTA"] == "dns; smart.test"
        assert fields(r)[1] == "delivered"
        assert "x@far.test" in r["Final-Recipient"]
        assert r["Original-Recipient"].replace(" ", "") == \
            "rfc822;away@example.test"
        # Where nothing was asked nobody says that it went well.
        mail(i, ["y@far.test"])
        rohrpost.wait_for(lambda: len(p.messages()) == 2)
        i.wait_empty()
        assert i.count("anna") == 1
    rohrpost.remove(d)
