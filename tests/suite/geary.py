#!/usr/bin/python3
"""Geary (Debian's package) on a virtual screen against an instance: waits until
its own data base has the messages of INBOX, and keeps a picture of its window.
Geary brings some 280 MB of packages, so that ./check plays what it says
(tests/transcript/clients/geary-imap.txt) and leaves this to be called.

Needs root (mounts of its own, over /etc/hosts and the list of certificates) and
apt-get install geary xvfb dbus gnome-keyring libsecret-tools.

Usage: geary.py PICTURE.png   (ROHRPOST_PREFIX names the installed suite)
"""
import contextlib
import os
import pathlib
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import zlib

import rohrpost
from rohrpost import PASSWORD, message, wait_for

HOST, USER, MESSAGES = "mail.example.test", "anna@example.test", 5
WIDTH, HEIGHT = 1100, 700
ACCOUNT = """[Metadata]
version=1
status=enabled
[Account]
ordinal=1
label=%s
prefetch_days=-1
sender_mailboxes=Anna <%s>;
service_provider=other
[Folders]
[Incoming]
login=%s
remember_password=true
host=%s
port=%d
transport_security=transport
credentials=custom
[Outgoing]
remember_password=true
host=%s
port=%d
transport_security=transport
credentials=use-incoming
"""
WINDOW = """[org/gnome/Geary]
window-width=%d
window-height=%d
""" % (WIDTH, HEIGHT)
# In a session bus and a mount namespace of its own; ends with its input.
SESSION = """set -e
mount --bind "$D/certificates" /etc/ssl/certs/ca-certificates.crt
mount --bind "$D/hosts" /etc/hosts
Xvfb "$DISPLAY" -screen 0 %dx%dx24 -fbdir "$D" >"$D/xvfb.log" 2>&1 &
printf x | gnome-keyring-daemon --unlock --components=secrets >/dev/null
for proto in IMAP SMTP; do
	printf %%s "$PASSWORD" | secret-tool store --label="Geary $proto" \\
	    xdg:schema org.gnome.Geary proto $proto host "$HOST" login "$USER"
done
while ! [ -s "$D/Xvfb_screen0" ]; do sleep 0.1; done
geary --debug --log-imap >"$D/geary.log" 2>&1 &
read wait
kill $(jobs -p)
""" % (WIDTH, HEIGHT)


def png(path, width, height, rows):
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" +
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
        chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows))) +
        chunk(b"IEND", b""))


def screen(xwd):
    """Width, height and rows of RGB of what Xvfb shows (XWDFile.h)."""
    data = xwd.read_bytes()
    head = struct.unpack(">25I", data[:100])
    size, width, height, line, colours = (head[0], head[4], head[5], head[12],
                                          head[19])
    at = size + 12 * colours
    rows = []
    for y in range(height):
        row = data[at + y * line:at + y * line + 4 * width]
        rgb = bytearray(3 * width)
        rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
        rows.append(bytes(rgb))
    return width, height, rows


def prepare(inst, d):
    account = d / "home/.config/geary/account_01"
    account.mkdir(parents=True)
    (account / "geary.ini").write_text(ACCOUNT % (
        USER, USER, USER, HOST, inst.ports["imaps"], HOST,
        inst.ports["submissions"]))
    settings = d / "home/.config/glib-2.0/settings"
    settings.mkdir(parents=True)
    (settings / "keyfile").write_text(WINDOW)
    (d / "certificates").write_bytes((inst.conf / "certificate.pem")
                                     .read_bytes())
    (d / "hosts").write_text("127.0.0.1 localhost %s\n" % HOST)
    (d / "run").mkdir(mode=0o700)


def in_data_base(d):
    """Messages of INBOX whose text Geary has fetched."""
    file = d / "home/.local/share/geary/account_01/geary.db"
    with contextlib.suppress(sqlite3.Error):
        with contextlib.closing(sqlite3.connect(
                "file:%s?mode=ro" % file, uri=True)) as db:
            return db.execute(
                "SELECT count(*) FROM MessageTable m "
                "JOIN MessageLocationTable l ON l.message_id = m.id "
                "JOIN FolderTable f ON f.id = l.folder_id "
                "WHERE f.name = 'INBOX' AND m.body LIKE '%All work%'"
                ).fetchone()[0]
    return 0


def play(inst, d, picture):
    env = {**os.environ, "D": str(d), "HOST": HOST, "USER": USER,
           "PASSWORD": PASSWORD, "HOME": str(d / "home"),
           "XDG_RUNTIME_DIR": str(d / "run"), "DISPLAY": ":%d" % (
               rohrpost.free_port() % 20000 + 100), "LANG": "C.UTF-8",
           "GSETTINGS_BACKEND": "keyfile", "GDK_BACKEND": "x11",
           "LIBGL_ALWAYS_SOFTWARE": "1"}
    p = subprocess.Popen(["unshare", "--mount", "--pid", "--fork",
                          "--kill-child", "dbus-run-session", "--", "bash",
                          "-c", SESSION], env=env, stdin=subprocess.PIPE)
    try:
        wait_for(lambda: in_data_base(d) == MESSAGES, 120, 0.2,
                 "Geary has %d messages" % MESSAGES)
        # Rows of the list of messages are drawn: many lines differ.
        wait_for(lambda: len(set(screen(d / "Xvfb_screen0")[2])) > 150, 60,
                 0.5, "Geary's window")
        png(picture, *screen(d / "Xvfb_screen0"))
    finally:
        p.stdin.close()
        p.wait(30)
        log = (d / "geary.log").read_text(errors="replace")
    bad = re.findall(r"RECV: \w+ (?:NO|BAD) .*", log)
    assert not bad, bad
    print("%d messages of INBOX in Geary; %d commands, none refused; %s" % (
        MESSAGES, len(re.findall(r"SEND: \w+ ", log)), picture))


def main():
    if len(sys.argv) != 2 or os.geteuid() != 0:
        sys.exit(__doc__)
    for name in ("geary", "Xvfb", "dbus-run-session", "secret-tool",
                 "gnome-keyring-daemon"):
        if not shutil.which(name):
            sys.exit("%s is not installed\n%s" % (name, __doc__))
    d = pathlib.Path(rohrpost.scratch("geary"))
    try:
        with rohrpost.Instance(d / "i") as inst:
            for n in range(MESSAGES):
                with inst.smtp() as s:
                    s.sendmail("eve@remote.test", [USER], message(n))
            inst.wait_count(MESSAGES)
            prepare(inst, d)
            play(inst, d, pathlib.Path(sys.argv[1]).absolute())
    finally:
        rohrpost.remove(d)


if __name__ == "__main__":
    main()
