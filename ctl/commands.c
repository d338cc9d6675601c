/*
 * The commands of rohrpost. A new one is a row here and a function, declared
 * in commands.h.
 */
#include "config.h"

#include "ctl/commands.h"
#include "lib/base/words.h"

#define END { .name = NULL }
#define PASSWORD_OPTIONS \
	{ OPT_USER_STDIN, "--stdin", NULL, NULL, \
	    N_("read the password from standard input") }, \
	{ OPT_USER_HASH, "--hash", NULL, "HASH", \
	    N_("take over a crypt(3) or {SSHA512} hash"), 1 }
#define QUOTA_OPTION \
	{ OPT_USER_QUOTA, "--quota", NULL, "SIZE[,COUNT]", \
	    N_("bound of octets and messages, 0 for none") }
#define DISABLED_OPTION \
	{ OPT_USER_DISABLED, "--disabled", NULL, NULL, \
	    N_("no login; mail is still taken") }

static const struct option_row setup_options[] = {
	{ OPT_SETUP_ANSWERS, "--answers", "-a", "FILE",
	    N_("take the answers from FILE (- for standard input)") },
	{ OPT_SETUP_DRY, "--dry-run", "-n", NULL,
	    N_("show what would be written, write nothing") },
	{ OPT_SETUP_YES, "--yes", "-y", NULL,
	    N_("change what is there without a question") },
	{ OPT_SETUP_START, "--start", NULL, NULL,
	    N_("start the suite and send a test mail") },
	END
};
static const struct option_row profile_options[] = {
	{ OPT_PROFILE_HOST, "--relay-host", NULL, "HOST",
	    N_("your provider's outgoing server") },
	{ OPT_PROFILE_YES, "--yes", "-y", NULL,
	    N_("change what is there without a question") },
	END
};
#define DIRECT_OPTION \
	{ OPT_SERVICE_DIRECT, "--direct", NULL, NULL, \
	    N_("without systemd, where that has it enabled") }
static const struct option_row start_options[] = {
	{ OPT_SERVICE_FOREGROUND, "--foreground", "-f", NULL,
	    N_("be master, end when it ends") },
	DIRECT_OPTION, END
};
static const struct option_row service_options[] = { DIRECT_OPTION, END };
static const struct option_row purge_options[] = {
	{ 0, "--mail", NULL, NULL, N_("with all mail, what waits too") }, END
};
static const struct option_row user_add_options[] = {
	PASSWORD_OPTIONS, QUOTA_OPTION, DISABLED_OPTION, END
};
static const struct option_row user_del_options[] = {
	{ OPT_DEL_MAIL, "--mail", NULL, NULL,
	    N_("with all its mail, for ever") },
	{ OPT_DEL_YES, "--yes", "-y", NULL, N_("without a question") }, END
};
static const struct option_row user_rename_options[] = {
	{ 0, "--no-alias", NULL, NULL,
	    N_("take no more mail for the old address") }, END
};
static const struct option_row user_set_options[] = {
	QUOTA_OPTION, DISABLED_OPTION,
	{ OPT_USER_ENABLED, "--enabled", NULL, NULL, N_("login again") }, END
};
static const struct option_row user_import_options[] = {
	{ OPT_IMPORT_DRY, "--dry-run", "-n", NULL,
	    N_("look at all lines, write nothing") }, END
};
static const struct option_row user_export_options[] = {
	{ OPT_EXPORT_HASHES, "--hashes", NULL, NULL,
	    N_("with the hashes of passwords") }, END
};
static const struct option_row user_passwd_options[] = {
	PASSWORD_OPTIONS, END
};
static const struct option_row domain_options[] = {
	{ 0, "--alias", NULL, "DOMAIN",
	    N_("the same addresses as those of DOMAIN") }, END
};
static const struct option_row domain_set_options[] = {
	{ OPT_DOMAIN_QUOTA, "--quota", NULL, "SIZE[,COUNT]",
	    N_("bound of all its accounts together, 0 for none") },
	{ OPT_DOMAIN_ADMINS, "--admins", NULL, "NAME[,NAME]...",
	    N_("Unix users, groups with @, who administer it (\"\": none)") },
	END
};
static const struct option_row alias_options[] = {
	{ OPT_ALIAS_OWNER, "--owner", NULL, "ADDRESS",
	    N_("a mailing list: its bounces go to ADDRESS (\"\": to who wrote)") },
	END
};
static const struct option_row app_options[] = {
	{ 0, "--protocols", NULL, "LIST",
	    N_("imap, pop3, submission with + between them; *: all") }, END
};
static const struct option_row quota_options[] = {
	{ 0, "--domain", NULL, "DOMAIN", N_("of that domain alone") }, END
};
static const struct option_row show_options[] = {
	{ 0, "--body", NULL, NULL,
	    N_("the message itself behind the envelope") },
	END
};

static const struct option_row mailbox_show_options[] = {
	{ 0, "--body", NULL, NULL, N_("the whole message") }, END
};
static const struct option_row box_export_options[] = {
	{ OPT_BOX_EXPORT_MAILDIR, "--maildir", NULL, "DIR",
	    N_("as Maildirs, with UIDs and keywords") },
	{ OPT_BOX_EXPORT_MBOX, "--mbox", NULL, "DIR", N_("as mboxes") }, END
};
static const struct option_row box_import_options[] = {
	{ OPT_BOX_IMPORT_MAILBOX, "--mailbox", "-m", "NAME",
	    N_("into that mailbox, folders below it") },
	{ OPT_BOX_IMPORT_DRY, "--dry-run", "-n", NULL,
	    N_("count what would come, write nothing") }, END
};

static const struct option_row sieve_put_options[] = {
	{ 0, "--file", "-f", "FILE", N_("the script; else what comes in") },
	END
};
static const struct option_row sieve_test_options[] = {
	{ OPT_SIEVE_FILE, "--file", "-f", "FILE",
	    N_("a script that need not be the user's") },
	{ OPT_SIEVE_FROM, "--from", NULL, "ADDRESS",
	    N_("who sends it (without: <>)") }, END
};

#define ADDRESS_OPTION \
	{ 0, "--address", NULL, "LIST", \
	    N_("the public addresses of this server, as others see it") }
static const struct option_row dns_options[] = { ADDRESS_OPTION, END };
static const struct option_row explain_options[] = {
	{ OPT_EXPLAIN_FROM, "--from", NULL, "ADDRESS",
	    N_("who sends it (<>: a report)") },
	{ OPT_EXPLAIN_IP, "--ip", NULL, "IP",
	    N_("the address of the server that brings it") },
	{ OPT_EXPLAIN_FILE, "--file", NULL, "FILE", N_("the message itself") },
	END
};
static const struct option_row doctor_options[] = {
	ADDRESS_OPTION,
	{ OPT_DOCTOR_REACH, "--reach", NULL, "HOST",
	    N_("a mail server to try whether port 25 goes out") },
	{ OPT_DOCTOR_PROBE, "--probe", NULL, "HOST:PORT",
	    N_("another Rohrpost, to try the ports from outside") }, END
};
static const struct option_row relay_options[] = {
	{ OPT_RELAY_AT, "--at", NULL, "HOST:PORT",
	    N_("the server to try, where this is another machine") },
	{ OPT_RELAY_PROBE, "--probe", NULL, "HOST:PORT",
	    N_("another Rohrpost that tries this one") },
	{ OPT_RELAY_DOMAIN, "--domain", NULL, "DOMAIN",
	    N_("a domain that the server takes mail for") }, END
};
static const struct option_row migrate_options[] = {
	{ OPT_MIGRATE_CSV, "--csv", NULL, "FILE",
	    N_("login and password there, account here, a line each") },
	{ OPT_MIGRATE_TLS, "--tls", NULL, "HOW",
	    N_("tls, starttls or none") },
	{ OPT_MIGRATE_CA, "--ca", NULL, "FILE",
	    N_("the authorities that its certificate may be of") },
	{ OPT_MIGRATE_INSECURE, "--insecure", NULL, NULL,
	    N_("take any certificate") },
	{ OPT_MIGRATE_MASTER, "--master", NULL, "NAME",
	    N_("log in as LOGIN*NAME, the server's master user") },
	{ OPT_MIGRATE_PASSWORD, "--password-file", NULL, "FILE",
	    N_("one password for all, its first line") },
	{ OPT_MIGRATE_JOBS, "--jobs", NULL, "N",
	    N_("so many accounts at a time") },
	{ OPT_MIGRATE_DELETE, "--delete", NULL, NULL,
	    N_("remove what was brought and is gone there") },
	{ OPT_MIGRATE_DRY, "--dry-run", "-n", NULL,
	    N_("count what would be brought, change nothing") },
	END
};
#define SELECTOR_OPTION \
	{ OPT_DKIM_SELECTOR, "--selector", NULL, "NAME", \
	    N_("the key's name in the DNS") }
static const struct option_row dkim_new_options[] = {
	SELECTOR_OPTION,
	{ OPT_DKIM_TYPE, "--type", NULL, "TYPE", N_("rsa, ed25519 or both") },
	{ OPT_DKIM_BITS, "--bits", NULL, "N", N_("of an RSA key") }, END
};
static const struct option_row dkim_options[] = { SELECTOR_OPTION, END };

#define COLLECT_STDIN { OPT_COLLECT_STDIN, "--stdin", NULL, NULL, \
	    N_("read the password from standard input") }
static const struct option_row collect_options[] = {
	{ OPT_COLLECT_PROTOCOL, "--protocol", NULL, "PROTOCOL",
	    N_("imap (as it is without) or pop3") },
	{ OPT_COLLECT_TLS, "--tls", NULL, "HOW", N_("tls, starttls or none") },
	{ OPT_COLLECT_KEEP, "--keep", NULL, "WHAT",
	    N_("what stays there: always, nothing, confirmed, or 30d") },
	{ OPT_COLLECT_EVERY, "--every", NULL, "TIME",
	    N_("from one look to the next: 30s, 5m") },
	{ OPT_COLLECT_LARGEST, "--largest", NULL, "SIZE",
	    N_("a larger message stays there") },
	{ OPT_COLLECT_FIELDS, "--fields", NULL, "NAME[,NAME]...",
	    N_("header fields that say whose a message is") },
	{ OPT_COLLECT_NO_IDLE, "--no-idle", NULL, NULL,
	    N_("look from time to time, do not wait there") },
	{ OPT_COLLECT_OAUTH, "--oauth", NULL, NULL,
	    N_("the password is an OAuth access token") },
	COLLECT_STDIN, END
};
static const struct option_row collect_password_options[] = {
	COLLECT_STDIN, END
};

/* Last: it changes something (ctl_audit.h); who administers a domain may run it. */
const struct ctl_command ctl_commands[] = {
	{ "setup", cmd_setup, 0, 0, 0, "",
	    N_("write a configuration, directories and certificate"),
	    setup_options, 1 },
	{ "profile show", cmd_profile_show, 0, 0, 1, "",
	    N_("how mail comes and leaves: what is on, what is off and why"),
	    NULL },
	{ "profile set", cmd_profile_set, 1, 1, 0, "PROFILE",
	    N_("change how mail comes and leaves: direct, relay, collector"), profile_options, 1 },
	{ "start", cmd_start, 0, 0, 0, "",
	    N_("start the suite, wait until ready"), start_options, 1 },
	{ "stop", cmd_stop, 0, 0, 0, "", N_("finish what runs, then end"),
	    service_options, 1 },
	{ "reload", cmd_reload, 0, 0, 0, "",
	    N_("read configuration and certificates again"), service_options,
	    1 },
	{ "status", cmd_status, 0, 0, 1, "", N_("a line per process"), NULL },
	{ "apply", cmd_apply, 0, 0, 0, "",
	    N_("check and compile the text tables"), NULL, 1 },
	/* Its line in the audit log would go with that. */
	{ "purge", cmd_purge, 0, 0, 0, "",
	    N_("remove configuration, log and state; the mail stays"),
	    purge_options },
	{ "domain add", cmd_domain_add, 1, 1, 0, "DOMAIN",
	    N_("take mail for a domain"), domain_options, 1 },
	{ "domain del", cmd_domain_del, 1, 1, 0, "DOMAIN",
	    N_("no longer take mail for a domain"), NULL, 1 },
	{ "domain set", cmd_domain_set, 1, CTL_ARGS_MAX, 0,
	    "DOMAIN [KEY=VALUE]...",
	    N_("what its accounts are granted; what an alias leaves out"),
	    domain_set_options, 1 },
	{ "domain list", cmd_domain_list, 0, 0, 1, "", N_("all domains"),
	    NULL, 0, ADMIN_LIST },
	{ "user add", cmd_user_add, 1, CTL_ARGS_MAX, 0,
	    "ADDRESS [KEY=VALUE]...", N_("make an account"),
	    user_add_options, 1, ADMIN_ADDRESS },
	{ "user del", cmd_user_del, 1, 1, 0, "ADDRESS",
	    N_("close an account (its mail stays on disk)"),
	    user_del_options, 1, ADMIN_ADDRESS },
	{ "user rename", cmd_user_rename, 2, 2, 0, "OLD NEW",
	    N_("give an account another address; its mail goes with it"),
	    user_rename_options, 1 },
	{ "user set", cmd_user_set, 1, CTL_ARGS_MAX, 0,
	    "ADDRESS [KEY=VALUE]...",
	    N_("change what is granted, or disable"), user_set_options, 1,
	    ADMIN_ADDRESS },
	{ "user passwd", cmd_user_passwd, 1, 1, 0, "ADDRESS",
	    N_("set a new password"), user_passwd_options, 1, ADMIN_ADDRESS },
	{ "user import", cmd_user_import, 1, 1, 0, "FILE",
	    N_("make or change the accounts of a table (CSV)"),
	    user_import_options, 1 },
	{ "user export", cmd_user_export, 0, 0, 0, "",
	    N_("all accounts as such a table"), user_export_options },
	{ "user list", cmd_user_list, 0, 0, 1, "", N_("all accounts"), NULL, 0,
	    ADMIN_LIST },
	{ "group add", cmd_group_add, 1, CTL_ARGS_MAX, 0,
	    "NAME [KEY=VALUE|ADDRESS]...",
	    N_("make a group of accounts"), NULL, 1 },
	{ "group del", cmd_group_del, 1, 1, 0, "NAME",
	    N_("remove a group (its accounts stay)"), NULL, 1 },
	{ "group set", cmd_group_set, 2, CTL_ARGS_MAX, 0,
	    "NAME KEY=VALUE...", N_("what its members are granted"), NULL,
	    1 },
	{ "group member", cmd_group_member, 3, CTL_ARGS_MAX, 0,
	    "NAME (add|del) ADDRESS...", N_("change who is in a group"), NULL,
	    1 },
	{ "group list", cmd_group_list, 0, 0, 1, "", N_("all groups"), NULL },
	{ "app add", cmd_app_add, 2, 2, 0, "ADDRESS NAME",
	    N_("make a further password, for one program"), app_options, 1,
	    ADMIN_ADDRESS },
	{ "app del", cmd_app_del, 2, 2, 0, "ADDRESS NAME",
	    N_("remove a further password"), NULL, 1, ADMIN_ADDRESS },
	{ "app list", cmd_app_list, 0, 1, 1, "[ADDRESS]",
	    N_("further passwords of accounts"), NULL, 0, ADMIN_LIST },
	{ "alias add", cmd_alias_add, 2, CTL_ARGS_MAX, 0,
	    "ADDRESS|@DOMAIN TARGET...", N_("pass mail for an address on"),
	    alias_options, 1, ADMIN_ADDRESS },
	{ "alias set", cmd_alias_set, 1, CTL_ARGS_MAX, 0,
	    "ADDRESS|@DOMAIN [TARGET]...",
	    N_("change where it leads, or its owner"), alias_options, 1,
	    ADMIN_ADDRESS },
	{ "alias del", cmd_alias_del, 1, 1, 0, "ADDRESS|@DOMAIN",
	    N_("remove an alias"), NULL, 1, ADMIN_ADDRESS },
	{ "alias list", cmd_alias_list, 0, 0, 1, "", N_("all aliases"), NULL, 0,
	    ADMIN_LIST },
	{ "dkim new", cmd_dkim_new, 1, 1, 0, "DOMAIN",
	    N_("make keys that are to sign a domain's mail"), dkim_new_options, 1 },
	{ "dkim activate", cmd_dkim_activate, 1, 1, 0, "DOMAIN",
	    N_("sign with its new keys"), dkim_options, 1 },
	{ "dkim retire", cmd_dkim_retire, 1, 1, 0, "DOMAIN",
	    N_("sign no more with its keys"), dkim_options, 1 },
	{ "dkim show", cmd_dkim_show, 0, 1, 1, "[DOMAIN]",
	    N_("keys, as what the DNS is to say"), NULL },
	{ "collect add", cmd_collect_add, 4, 4, 0,
	    "NAME HOST[:PORT] LOGIN ADDRESS",
	    N_("collect the mail of an account at a provider"),
	    collect_options, 1 },
	{ "collect del", cmd_collect_del, 1, 1, 0, "NAME",
	    N_("collect it no more"), NULL, 1 },
	{ "collect password", cmd_collect_password, 1, 1, 0, "NAME",
	    N_("it has another password there, or a new access token"),
	    collect_password_options, 1 },
	{ "collect list", cmd_collect_list, 0, 0, 1, "",
	    N_("accounts that are collected from, and how it goes"), NULL },
	{ "collect test", cmd_collect_test, 1, 1, 1, "NAME",
	    N_("log in there, fetch nothing"), NULL },
	{ "collect run", cmd_collect_run, 0, 1, 0, "[NAME]",
	    N_("look now"), NULL, 1 },
	{ "collect confirm", cmd_collect_confirm, 1, 1, 0, "NAME",
	    N_("what was fetched is kept elsewhere: it may go there"), NULL,
	    1 },
	{ "session list", cmd_session_list, 0, 0, 1, "", N_("who is logged in"),
	    NULL },
	{ "session kick", cmd_session_kick, 1, 1, 0, "ADDRESS|SESSION",
	    N_("end a session, or all of a user"), NULL, 1 },
	{ "queue list", cmd_queue_list, 0, 0, 1, "", N_("mail that waits"),
	    NULL },
	{ "queue show", cmd_queue_show, 1, 1, 1, "ID", N_("one message"),
	    show_options },
	{ "queue retry", cmd_queue_retry, 1, CTL_ARGS_MAX, 0, "ID...|all",
	    N_("try now"), NULL, 1 },
	{ "queue hold", cmd_queue_hold, 1, CTL_ARGS_MAX, 0, "ID...|all",
	    N_("try no more until released"), NULL, 1 },
	{ "queue release", cmd_queue_release, 1, CTL_ARGS_MAX, 0, "ID...|all",
	    N_("end a hold"), NULL, 1 },
	{ "queue delete", cmd_queue_delete, 1, CTL_ARGS_MAX, 0, "ID...|all",
	    N_("throw away, telling nobody"), NULL, 1 },
	{ "trace", cmd_trace, 1, 1, 1, "ID|ADDRESS|MESSAGE-ID",
	    N_("follow a message through the log"), NULL },
	{ "dns show", cmd_dns_show, 1, 1, 1, "DOMAIN",
	    N_("the DNS records that a domain needs"), dns_options },
	{ "dns check", cmd_dns_check, 0, 1, 1, "[DOMAIN]",
	    N_("what is wrong with them in live DNS"), dns_options },
	{ "doctor", cmd_doctor, 0, 0, 1, "",
	    N_("what works on this machine, and what stands in the way"),
	    doctor_options },
	{ "probe", cmd_probe, 1, 1, 1, "HOST:PORT",
	    N_("which ports of this machine another Rohrpost reaches"), NULL },
	{ "explain", cmd_explain, 1, 1, 1, "ADDRESS",
	    N_("what would become of a message, step by step"),
	    explain_options },
	{ "config check", cmd_config_check, 0, 0, 0, "",
	    N_("every key and value, by every program"), NULL },
	{ "config show", cmd_config_show, 0, 0, 1, "",
	    N_("every key with its value"), NULL },
	{ "config explain", cmd_config_explain, 1, CTL_ARGS_MAX, 1, "KEY...",
	    N_("what a key does, and what may stand there"), NULL },
	{ "mailbox list", cmd_mailbox_list, 1, 1, 1, "ADDRESS",
	    N_("mailboxes of an account"), NULL },
	{ "mailbox show", cmd_mailbox_show, 2, 3, 1, "ADDRESS MAILBOX [UID]",
	    N_("messages of a mailbox, or the head of one"),
	    mailbox_show_options },
	{ "mailbox export", cmd_mailbox_export, 1, 1, 0, "ADDRESS",
	    N_("write the mail of an account into files"), box_export_options },
	{ "mailbox import", cmd_mailbox_import, 2, 2, 0, "ADDRESS SOURCE",
	    N_("take in mail: a Maildir, an mbox, a folder with such"),
	    box_import_options, 1 },
	{ "sieve put", cmd_sieve_put, 1, 2, 0, "ADDRESS [NAME]",
	    N_("keep a script that sorts mail; without NAME it is active"),
	    sieve_put_options, 1 },
	{ "sieve list", cmd_sieve_list, 1, 1, 1, "ADDRESS",
	    N_("the scripts of an account"), NULL },
	{ "sieve get", cmd_sieve_get, 1, 2, 0, "ADDRESS [NAME]",
	    N_("print a script, or the active one"), NULL },
	{ "sieve activate", cmd_sieve_activate, 1, 2, 0, "ADDRESS [NAME]",
	    N_("let a script sort the mail that comes; without NAME none"),
	    NULL, 1 },
	{ "sieve test", cmd_sieve_test, 2, 3, 1, "ADDRESS MESSAGE [NAME]",
	    N_("what a script would do with a message"),
	    sieve_test_options },
	{ "sieve del", cmd_sieve_del, 2, 2, 0, "ADDRESS NAME",
	    N_("remove a script"), NULL, 1 },
	{ "quota list", cmd_quota_list, 0, 0, 1, "",
	    N_("what accounts and domains hold, the fullest first"),
	    quota_options, 0, ADMIN_LIST },
	{ "store list", cmd_store_list, 0, 0, 1, "", N_("mailboxes' owners"),
	    NULL },
	{ "store check", cmd_store_check, 0, 1, 1, "[ADDRESS]",
	    N_("compare index and files"), NULL },
	{ "store rebuild", cmd_store_rebuild, 0, 1, 0, "[ADDRESS]",
	    N_("make the index again from the files"), NULL, 1 },
	{ "migrate", cmd_migrate, 1, 1, 1, "HOST",
	    N_("bring accounts from another server (IMAP)"), migrate_options,
	    1 },
	{ "hash check", cmd_hash_check, 0, 1, 1, "[HASH]",
	    N_("can this hash, or can those in passwd, be used"), NULL },
	{ "selftest jail", cmd_selftest_jail, 0, 0, 1, "",
	    N_("attack from the place of each program"), NULL },
	{ "selftest relay", cmd_selftest_relay, 0, 0, 1, "",
	    N_("try to send through this server as a stranger would"),
	    relay_options },
	{ "completion", cmd_completion, 1, 1, 0, "bash",
	    N_("print the shell completion script"), NULL },
	{ .name = NULL }
};
