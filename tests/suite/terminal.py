"""A command at a terminal: a pseudo terminal of our own, or tmux."""
import codecs
import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import termios

import rohrpost


class Terminal:
    """A command at a pseudo terminal."""

    def __init__(self, conf, command="setup", **env):
        self.said = ""
        self.text = codecs.getincrementaldecoder("utf-8")()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(str(rohrpost.ROHRPOST),
                      ["rohrpost", "-c", str(conf), *command.split()],
                      dict(os.environ, **env))

    def hear(self):
        """More of what it says; False at its end."""
        if not select.select([self.fd], [], [], 20)[0]:
            raise AssertionError("nothing comes after: " + self.said)
        try:
            data = os.read(self.fd, 4096)
        except OSError:         # EIO: the other side is closed
            return False
        self.said += self.text.decode(data).replace("\r\n", "\n")
        return bool(data)

    def asked(self, question):
        """Up to that question, which is the last word. What came before."""
        end = re.compile(re.escape(question) + r"[^\n]*(: |\] )$")
        while not end.search(self.said):
            assert self.hear(), "%s does not come: %s" % (question, self.said)
        before, self.said = self.said[:end.search(self.said).start()], ""
        return before

    def answer(self, text):
        """Its echo, where there is one, is not what setup says."""
        os.write(self.fd, text if isinstance(text, bytes)
                 else text.encode() + b"\n")
        if isinstance(text, bytes):
            return
        while "\n" not in self.said:
            assert self.hear()
        self.said = self.said.split("\n", 1)[1]

    def wait_hidden(self):
        """What was typed before the echo is off is thrown away."""
        rohrpost.wait_for(lambda: not termios.tcgetattr(self.fd)[3] &
                          termios.ECHO, 60, text="no echo")

    def hidden(self, text):
        self.wait_hidden()
        self.answer(text)

    def end(self):
        """Its exit status."""
        while self.hear():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self):
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def signal(self, sig):
        """As its keys send it, where there is one; the exit status."""
        keys = {signal.SIGINT: b"\x03", signal.SIGQUIT: b"\x1c"}
        if sig in keys:
            os.write(self.fd, keys[sig])
        else:
            os.kill(self.pid, sig)
        echo = None
        while self.hear():
            with contextlib.suppress(termios.error):
                echo = termios.tcgetattr(self.fd)[3] & termios.ECHO
        assert echo != 0, "its echo is gone"
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Tmux:
    """A command in a window of tmux."""

    def __init__(self, conf, command, **env):
        self.dir = tempfile.mkdtemp(prefix="rohrpost-tmux-")
        words = ["env", *("%s=%s" % kv for kv in env.items()),
                 str(rohrpost.ROHRPOST), "-c", str(conf), *command.split()]
        # It stays when the command has ended, for its last words.
        self.tmux("new-session", "-d", "-x", "200", "-y", "50",
                  " ".join(words) + "; echo status=$?; exec sleep 600")
        self.at = -1

    def tmux(self, *args):
        return subprocess.run(
            ["tmux", "-S", os.path.join(self.dir, "socket"), "-f",
             "/dev/null", *args], check=True, capture_output=True, text=True,
            timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout

    def shown(self):
        return self.tmux("capture-pane", "-p", "-J", "-S", "-").rstrip()

    def question(self):
        """What it waits for an answer to; None at its end."""
        def asked():
            before, _, line = self.shown().rpartition("\n")
            at = before.count("\n")
            if at > self.at and re.search(r"^(?!/).*(:|\]|status=\d+)$", line):
                return at, line
        self.at, line = rohrpost.wait_for(
            asked, 60, text="a question: " + self.shown())
        return None if line.startswith("status=") else line

    def answer(self, text):
        """The line stays, with the answer behind it."""
        if text:
            self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", "Enter")

    def close(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.tmux("kill-server")
        rohrpost.remove(self.dir)
