"""What the benchmark measures: each of one system, in one round. rows.py has
the numbers."""
import contextlib
import imaplib
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time

import peers
import rohrpost

USERS = ["user%d" % i for i in range(20)]
SYNCS = "fsync,fdatasync,sync_file_range,msync,syncfs,sync"
SETTLE = 0.5


def log(text):
    print("%s  %s" % (time.strftime("%H:%M:%S"), text), file=sys.stderr,
          flush=True)


def brief(r):
    return "  ".join("%s %.2f" % (k, v) for k, v in r.items()
                     if isinstance(v, float))


class Bench:
    def __init__(self, plan, systems, build, work):
        self.plan, self.systems, self.build = plan, systems, build
        self.work = work
        self.bare = {}          # processes -> [dict of each round]
        self.n = 0
        self.results = {}       # measure -> system -> [dict of each round]
        self.syncs = {}
        self.bad = []

    def tool(self, name, *argv, **kw):
        p = subprocess.run([str(self.build / "tests/bench" / name), *argv],
                           capture_output=True, text=True, timeout=900, **kw)
        if p.returncode != 0 and name != "bench_check":
            raise RuntimeError("%s: %s" % (name, p.stderr))
        return json.loads(p.stdout)

    def load(self, system, run, count, size, conns, *more):
        return self.tool("smtp_load", "-a", system.address("smtp"), "-c",
                         str(conns), "-n", str(count), "-s", str(size), "-r",
                         run, "-t", "user%@" + peers.DOMAIN, "-U",
                         str(len(USERS)), *system.intake, *more)

    def wait_count(self, system, want, what):
        rohrpost.wait_for(lambda: system.count() >= want, 300, 0.05,
                          text="%s: %s\n%s" % (system.name, what,
                                               system.log()))

    def verify(self, system, run, count):
        r = self.tool("bench_check", "-r", run, "-n", str(count),
                      input="\n".join(system.files()))
        r.pop("foreign")
        if r != {"whole": count, "missing": 0, "duplicate": 0, "broken": 0}:
            self.bad.append((system.name, run, r))
            log("%s %s: WRONG CONTENTS %s" % (system.name, run, r))
        return r

    def name(self, what):
        self.n += 1
        return "%s-%d-%d" % (what, os.getpid(), self.n)

    # -- measures: each returns a dict of one round -------------------------

    def accept(self, system, count, size, conns, *more):
        """From the first connection until the last message is in its
        mailbox."""
        run, before = self.name("accept"), system.count()
        programs = system.cpu.programs()
        cpu, began = system.cpu.seconds(), time.time()
        got = self.load(system, run, count, size, conns, *more)
        ended = time.time()
        self.wait_count(system, before + count, run)
        # not when we looked, which takes longer than a few messages
        took = max(system.latest(), ended) - began
        time.sleep(SETTLE)
        cpu = system.cpu.seconds() - cpu
        where = {k: (v - programs.get(k, 0)) * 1000 / count
                 for k, v in system.cpu.programs().items()}
        check = self.verify(system, run, count)
        return {"rate": count / took, "cpu_ms": cpu * 1000 / count,
                "accept_rate": count / got["seconds"],
                "median_ms": got["median_ms"], "p99_ms": got["p99_ms"],
                "where": where, "contents": check}

    def imap(self, system, conns, rounds):
        cpu = system.cpu.seconds()
        got = self.tool("imap_source", "-a", system.address("imaps"), "-u",
                        "user%@" + peers.DOMAIN, "-p", peers.PASSWORD, "-U",
                        str(len(USERS)), "-c", str(conns), "-n", str(rounds))
        time.sleep(SETTLE)
        cpu = system.cpu.seconds() - cpu
        n = got["commands"]
        return {"rate": n / got["seconds"], "cpu_ms": cpu * 1000 / n,
                "kinds": got["kinds"]}

    @contextlib.contextmanager
    def session(self, system):
        host, port = system.address("imaps").rsplit(":", 1)
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        m = imaplib.IMAP4_SSL(host, int(port), ssl_context=tls)
        try:
            m.login("user0@" + peers.DOMAIN, peers.PASSWORD)
            yield m
        finally:
            m.logout()

    def commands(self, system, name, count, command):
        """Commands of one session, each after the answer to the last. The
        mailbox that they fill holds as many messages then."""
        with self.session(system) as m:
            assert m.create(name)[0] == "OK"
            ready = command(m)
            cpu, began = system.cpu.seconds(), time.monotonic()
            for i in range(count):
                answer = ready(i)
                assert answer[0] == "OK", answer
            took = time.monotonic() - began
            time.sleep(SETTLE)
            cpu = system.cpu.seconds() - cpu
            held = int(m.status(name, "(MESSAGES)")[1][0].split()[-1][:-1])
            if held != count:
                self.bad.append((system.name, name, held))
        return {"rate": count / took, "cpu_ms": cpu * 1000 / count}

    def append(self, system, count, size):
        name = self.name("append")
        text = b"Subject: bench\r\n\r\n" + b"x" * 70 + b"\r\n"
        text += (b"x" * 70 + b"\r\n") * ((size - len(text)) // 72)
        return self.commands(system, name, count, lambda m: lambda i: m.append(
            name, None, None, text))

    def drag(self, system, count):
        """Messages copied one by one, as a mail program does it."""
        name = self.name("drag")

        def begin(m):
            uids = m.select("INBOX")[0] == "OK" and m.uid(
                "SEARCH", "ALL")[1][0].split()
            return lambda i: m.uid("COPY", uids[i % len(uids)], name)

        return self.commands(system, name, count, begin)

    def file_work(self, count, size, conns):
        """What the file system alone gives, in the same run."""
        where = tempfile.mkdtemp(prefix="bare-", dir=self.work)
        try:
            got = self.tool("file_work", "-d", where, "-c", str(conns), "-n",
                            str(count), "-s", str(size))
        finally:
            shutil.rmtree(where)
        return {"rate": got["files"] / got["seconds"],
                "cpu_ms": got["cpu"] * 1000 / got["files"]}

    def pop3(self, system, conns, rounds):
        cpu = system.cpu.seconds()
        got = self.tool("pop3_source", "-a", system.address("pop3s"), "-u",
                        "user%@" + peers.DOMAIN, "-p", peers.PASSWORD, "-U",
                        str(len(USERS)), "-c", str(conns), "-n", str(rounds))
        time.sleep(SETTLE)
        cpu = system.cpu.seconds() - cpu
        n = got["messages"]
        return {"rate": n / got["seconds"], "cpu_ms": cpu * 1000 / n,
                "octets": got["octets"]}

    def relay(self, system, count, size, conns):
        """Submission with TLS and AUTH, until the next host has all."""
        run = self.name("relay")
        sink = subprocess.Popen(
            [str(self.build / "tests/bench/smtp_sink"), "-a",
             "127.0.0.1:%d" % system.sink, "-r", run, "-n", str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert sink.stdout.readline() == "ready\n"
            cpu, began = system.cpu.seconds(), time.monotonic()
            self.tool("smtp_load", *system.submission(), "-c", str(conns),
                      "-n", str(count), "-s", str(size), "-r", run, "-f",
                      "user0@" + peers.DOMAIN, "-t", "user%@far.test", "-U",
                      str(len(USERS)))
            timer = signal.alarm(300)
            got = json.loads(sink.stdout.readline())
            signal.alarm(timer)
            took = time.monotonic() - began
        finally:
            sink.stdin.close()
            sink.wait(10)
        time.sleep(SETTLE)
        cpu = system.cpu.seconds() - cpu
        if got["whole"] != count or got["duplicate"] or got["broken"]:
            self.bad.append((system.name, run, got))
        return {"rate": count / took, "cpu_ms": cpu * 1000 / count,
                "connections": got["connections"]}

    def memory(self, system, conns):
        """PSS that idle IMAP connections with TLS add."""
        before = system.cpu.pss()
        p = subprocess.Popen(
            [str(self.build / "tests/bench/imap_source"), "-i", "-a",
             system.address("imaps"), "-u", "user%@" + peers.DOMAIN, "-p",
             peers.PASSWORD, "-U", str(len(USERS)), "-c", str(conns)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert p.stdout.readline() == "ready\n"
            time.sleep(2)
            after = system.cpu.pss()
        finally:
            p.stdin.close()
            p.wait(20)
        time.sleep(2)
        return {"kb": (after - before) / conns, "base_kb": before}

    def count_syncs(self, system, count, conns):
        """Not timed: the same work under strace."""
        out = tempfile.NamedTemporaryFile("r")
        pids = [a for p in system.cpu.pids() for a in ("-p", str(p))]
        tracer = subprocess.Popen(
            ["strace", "-f", "-q", "-o", out.name, "-e", "trace=" + SYNCS] +
            pids, stderr=subprocess.DEVNULL)
        time.sleep(1)
        run, before = self.name("syncs"), system.count()
        try:
            self.load(system, run, count, 4096, conns)
            self.wait_count(system, before + count, run)
            time.sleep(2)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(10)
        calls = {}
        for line in out:
            m = re.match(r"\d+ +(\w+)\(", line)
            if m:
                calls[m.group(1)] = calls.get(m.group(1), 0) + 1
        self.verify(system, run, count)
        return {"messages": count, "connections": conns, "calls": calls,
                "per_message": sum(calls.values()) / count}

    # -- the run ------------------------------------------------------------

    def warm(self):
        """Every mailbox has mail, every pool its processes."""
        for s in self.systems:
            run = self.name("warm")
            before = s.count()
            self.load(s, run, 400, 4096, 20)
            self.wait_count(s, before + 400, run)
            self.verify(s, run, 400)
        if self.plan.wanted("accept"):
            self.file_work(400, 4096, 20)

    def bare_round(self, i):
        """Short, so three of each."""
        if not self.plan.wanted("accept"):
            return
        for conns, count in ((1, 1200), (20, 4000)) * 3:
            r = self.file_work(self.plan.n(count), 4096, conns)
            log("round %d  bare file work 4 KiB, %d processes  %s" % (
                i + 1, conns, brief(r)))
            self.bare.setdefault(conns, []).append(r)

    def round(self, i):
        self.bare_round(i)
        for row in self.plan.rows():
            order = self.systems[::-1] if i % 2 else self.systems
            for s in order:
                if row.kind not in s.rows:
                    continue
                r = row.measure(self, s, self.plan.n)
                log("round %d  %-36s %-16s %s" % (
                    i + 1, row.title, s.name, brief(r)))
                self.results.setdefault(row.title, {}).setdefault(
                    s.name, []).append(r)

    def run(self):
        self.warm()
        for i in range(self.plan.rounds):
            self.round(i)
        if self.plan.wanted("syncs"):
            for s in self.systems:
                for conns in (1, 20):
                    r = self.count_syncs(s, 200, conns)
                    log("syncs %s %s" % (s.name, r))
                    self.syncs.setdefault(s.name, []).append(r)
