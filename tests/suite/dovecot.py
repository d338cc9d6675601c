"""Debian's Dovecot on a pair of sockets: its imap program, logged in already,
without a server around it."""
import os
import socket
import subprocess

import rohrpost
from test_imap import Client

CONF = """\
protocols = imap
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log
ssl = no
mail_location = maildir:{dir}/mail
mail_fsync = never
first_valid_uid = 1
stats_writer_socket_path =
namespace inbox {{
  inbox = yes
}}
"""
PROGRAM = "/usr/lib/dovecot/imap"


class Dovecot(Client):
    def __init__(self, conf=""):
        """conf: settings beside those above."""
        self.dir = rohrpost.scratch("dovecot")
        text = CONF.format(dir=self.dir) + conf
        conf = os.path.join(self.dir, "conf")
        with open(conf, "w") as f:
            f.write(text)
        os.mkdir(os.path.join(self.dir, "mail"))
        os.mkdir(os.path.join(self.dir, "run"))
        who = {}
        if os.geteuid() == 0:
            for d in (self.dir, self.dir + "/mail", self.dir + "/run"):
                os.chmod(d, 0o777)
            who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(60)
        self.process = subprocess.Popen(
            [PROGRAM, "-c", conf], stdin=theirs, stdout=theirs,
            stderr=subprocess.DEVNULL, cwd=self.dir, env={
                "HOME": os.path.join(self.dir, "mail"),
                "USER": "nobody", "CONFIG_FILE": conf}, **who)
        theirs.close()
        self.buf = b""
        self.n = 0
        assert self.line().startswith(b"* PREAUTH")

    def close(self):
        self.sock.close()
        self.process.wait(60)
        rohrpost.remove(self.dir)
