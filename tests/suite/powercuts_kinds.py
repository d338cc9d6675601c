"""The kinds of syncs, one for each function that syncs: a build with
--disable-sync leaves out those that ROHRPOST_NO_SYNC matches (lib/base/fd.h).
Where `kept` is empty a power cut must notice that they are left out; else it
cannot, and that says why they are there. A slow one is noticed behind a
checkpoint, or by a store that waits for what is gone."""
import collections
import re

Kind = collections.namedtuple("Kind", "program function path kept slow")


def kind(program, function, path="*", kept="", slow=False):
    return Kind(program, function, path, kept, slow)


NAMES = ("the file systems here make the name of a new file durable with the "
         "file; POSIX does not promise it")
SECOND = "read when the index is gone too, and written within a minute"
START = "done once, before the first message, or after a crash"
COPY = "a copy that is used when the table does not recover"
PROVIDER = "the campaign has no provider to collect from"
EXPORT = "what is exported is in its mailbox, too"
KINDS = {
    "body": kind("smtpd", "body_finish"),
    "bounce": kind("queue", "report_write"),
    "append": kind("store", "sync_bodies"),
    "several": kind("store", "body_check"),
    "folder": kind("store", "body_sync_path"),
    "queue-log": kind("queue", "world_sync", "*/queue/db/log/*"),
    "index-log": kind("store", "world_sync", "*/index/log/*"),
    "compiled": kind("rohrpost", "set_compile_stage"),
    "text": kind("rohrpost", "fd_stage"),
    "tables": kind("rohrpost", "sync_dirs"),
    "edit-done": kind("rohrpost", "remove_journal"),
    "lists": kind("store", "fd_stage"),
    "lists-folder": kind("store", "fd_replace", slow=True),
    "queue-pages": kind("queue", "world_sync", "*/queue/db/queue", slow=True),
    "index-pages": kind("store", "world_sync", "*/index/core.*", slow=True),
    "flags": kind("store", "append", kept=SECOND),
    "flags-whole": kind("store", "text_pieces_end", kept=SECOND),
    "blank": kind("queue", "make_run", kept=NAMES),
    "ahead": kind("store", "body_prepare", kept=NAMES),
    "new-mailbox": kind("store", "body_make_mailbox", kept=START),
    "mail-folder": kind("store", "body_start", kept=START),
    "index-folder": kind("store", "mark_first", kept=START),
    "clean-mark": kind("store", "clean_take", kept=START),
    "index-aside": kind("store", "bdb_sync_aside", kept=START),
    "directories": kind("rohrpost", "own_dir", kept=START),
    "doubt": kind("*", "forget_pages", kept=START),
    "backup": kind("queue", "copy_file", kept=COPY),
    "backup-folder": kind("queue", "sync_path", kept=COPY),
    "other-disk": kind("store", "link_copy",
                       kept="for mail on another file system than the queue"),
    "migrated": kind("migrate", "state_sync",
                     kept="a message that it does not tell of is known by "
                          "its id"),
    "migrated-name": kind("rohrpost", "keep_names", kept=NAMES),
    "collected": kind("fetch", "fetch_file_end", kept=PROVIDER),
    "journal": kind("collect", "journal_sync", kept=PROVIDER),
    "journal-begun": kind("collect", "begin", kept=START),
    "journal-anew": kind("collect", "replace", kept=PROVIDER),
    "exported": kind("rohrpost", "flush", kept=EXPORT),
    "exported-mbox": kind("rohrpost", "note", kept=EXPORT),
    "export-folder": kind("rohrpost", "box_make_folder", kept=EXPORT),
    "drop": kind("sendmail", "drop_sync",
                 kept="the suite is down when it is written"),
    "set-aside": kind("queue", "body_move",
                      kept="of a body that is damaged already"),
}


def pattern(k):
    return "%s %s %s" % (k.program, k.function, k.path)


def callers(source):
    """The functions in these sources that call fd_sync, fd_sync_dir or fd_sync_all."""
    out, name = set(), None
    for line in source.splitlines():
        m = re.match(r"(\w+)\(", line)
        name = m.group(1) if m else name
        if re.search(r"\bfd_sync(_dir|_all)?\(", line) and line[:1] in "\t ":
            out.add(name)
    return out
