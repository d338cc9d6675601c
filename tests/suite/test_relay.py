"""Our relay against a real Postfix: AUTH, TLS, several messages, trouble."""
import os
import re
import subprocess
import time

import pytest

import postfix
import rohrpost
from rohrpost import message, wait_for

pytestmark = pytest.mark.root
DEFERRED = "deferred after .*: 4.7.5 .* TLS: certificate: "
WRONG = {"ca": DEFERRED + "self-signed", "name": DEFERRED + ".*mismatch"}


@pytest.fixture(scope="module")
def smart():
    d = rohrpost.scratch("smart")
    with postfix.Postfix(d) as p:
        yield p
    rohrpost.remove(d)


def instance(smart, d, **keys):
    secret = d + "/relay.password"
    with open(secret, "w") as f:
        f.write(keys.pop("password", smart.password) + "\n")
    os.chmod(secret, 0o600)
    keys = dict({"relay_host": "localhost", "relay_port": str(smart.port),
                 "relay_tls": "starttls", "relay_user": smart.user +
                 "@smart.test", "relay_password_file": secret,
                 "relay_ca_file": str(smart.ca)}, **keys)
    return rohrpost.Instance(d + "/i", users=("anna",), **keys)


@pytest.mark.parametrize("mech", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_smarthost_with_auth_and_tls(smart, mech, tls):
    d = rohrpost.scratch("relay")
    before = len(smart.messages())
    inst = instance(smart, d, relay_auth=mech, relay_tls=tls,
                    relay_port=str(smart.tls_port if tls == "tls"
                                   else smart.port))
    with inst:
        with inst.submission() as s:
            for i in range(3):
                s.sendmail("anna@example.test", ["x%d@far.test" % i],
                           message(i, 20000, "anna@example.test"))
        inst.wait_empty(60)
        rohrpost.wait_for(lambda: len(smart.messages()) == before + 3, 20,
                          text="three messages at the next hop")
        got = smart.messages()
    assert "sasl_method=%s" % mech in smart.log()
    for stored in got[before:]:
        assert stored.count(b"All work and no play") > 100
        assert b"Return-Path: <anna@example.test>" in stored
    rohrpost.remove(d)


def foreign_ca(d):
    """A certificate for localhost too, but of somebody else's key."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", d + "/foreign.key", "-out", d + "/foreign.pem"],
        check=True, capture_output=True)
    return d + "/foreign.pem"


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", ["ca", "name"])
def test_certificate_must_verify(smart, tls, wrong):
    """Of another CA, or of another name than the one of relay_host (the
    certificate says localhost, and 127.0.0.1 is not that): no mail leaves,
    and the log tells of the certificate. With both right it does."""
    d = rohrpost.scratch("relay")
    before = len(smart.messages())
    keys = {"relay_ca_file": foreign_ca(d)} if wrong == "ca" else \
        {"relay_host": "[127.0.0.1]"}
    port = str(smart.tls_port if tls == "tls" else smart.port)
    with instance(smart, d, relay_tls=tls, relay_port=port, **keys) as inst:
        with inst.submission() as s:
            s.sendmail("anna@example.test", ["x@far.test"],
                       message("v", 1000, "anna@example.test"))
        wait_for(lambda: re.search(WRONG[wrong], inst.log()), 20,
                 text=inst.said())
        assert len(inst.json("queue", "list")) == 1
        assert len(smart.messages()) == before
        conf = inst.conf / "rohrpost.conf"
        text = conf.read_text()
        for key, value in keys.items():
            right = {"relay_ca_file": str(smart.ca),
                     "relay_host": "localhost"}[key]
            text = text.replace("%s = %s\n" % (key, value),
                                "%s = %s\n" % (key, right))
        conf.write_text(text)
        inst.ctl("reload")
        inst.ctl("queue", "retry", "all")
        inst.wait_empty(60)
        wait_for(lambda: len(smart.messages()) == before + 1, 20,
                 text="the message at the next hop")
    rohrpost.remove(d)


def test_wrong_password_is_later_not_lost(smart):
    d = rohrpost.scratch("relay")
    with instance(smart, d, password="wrong") as inst:
        with inst.submission() as s:
            s.sendmail("anna@example.test", ["x@far.test"],
                       message("w", 1000, "anna@example.test"))
        rohrpost.wait_for(lambda: "4.7.8" in inst.log(), 30,
                          text=inst.said())
        assert len(inst.json("queue", "list")) == 1
        assert "wrong" not in inst.log()
    rohrpost.remove(d)


def test_too_big_for_the_next_hop_is_bounced(smart):
    d = rohrpost.scratch("relay")
    with instance(smart, d) as inst:
        with inst.submission() as s:
            s.sendmail("anna@example.test", ["x@far.test"],
                       message("big", 4000000, "anna@example.test"))
        inst.wait_count(1, seconds=60)
        dsn = list(inst.messages().values())[0]
        assert dsn.startswith(b"Return-Path: <>\r\n")
        assert b"multipart/report" in dsn and b"Status: 5." in dsn
        assert b"Final-Recipient: rfc822;" in dsn.replace(b"; ", b";")
    rohrpost.remove(d)


def test_smarthost_down_then_up(smart):
    """Down first: nothing is lost, each message arrives once."""
    d = rohrpost.scratch("relay")
    before = len(smart.messages())
    with instance(smart, d, queue_retry_min="1s", queue_retry_max="2s") \
            as inst:
        smart.run("stop")
        with inst.submission() as s:
            for i in range(5):
                s.sendmail("anna@example.test", ["x%d@far.test" % i],
                           message("down%d" % i, 1000, "anna@example.test"))
        time.sleep(1)
        assert len(inst.json("queue", "list")) == 5
        smart.run("start")
        inst.ctl("queue", "retry", "all")
        inst.wait_empty(60)
        rohrpost.wait_for(lambda: len(smart.messages()) == before + 5, 20,
                          text="five messages at the next hop")
    rohrpost.remove(d)
