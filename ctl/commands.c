/*
 * The commands of rohrpost. A new one is a row here and a function, declared
 * in commands.h.
 */
#include "config.h"

#include "ctl/commands.h"

#define END { .name = NULL }
#define PASSWORD_OPTIONS \
	{ OPT_USER_STDIN, "--stdin", NULL, NULL, \
	    "read the password from standard input" }, \
	{ OPT_USER_HASH, "--hash", NULL, "HASH", \
	    "take over a crypt(3) or {SSHA512} hash", 1 }
#define QUOTA_OPTION \
	{ OPT_USER_QUOTA, "--quota", NULL, "SIZE[,COUNT]", \
	    "bound of octets and messages, 0 for none" }
#define DISABLED_OPTION \
	{ OPT_USER_DISABLED, "--disabled", NULL, NULL, \
	    "no login; mail is still taken" }

static const struct option_row setup_options[] = {
	{ OPT_SETUP_ANSWERS, "--answers", "-a", "FILE",
	    "take the answers from FILE (- for standard input)" },
	{ OPT_SETUP_DRY, "--dry-run", "-n", NULL,
	    "show what would be written, write nothing" },
	END
};
static const struct option_row start_options[] = {
	{ 0, "--foreground", "-f", NULL, "be master, end when it ends" }, END
};
static const struct option_row purge_options[] = {
	{ 0, "--mail", NULL, NULL, "with all mail, what waits too" }, END
};
static const struct option_row user_add_options[] = {
	PASSWORD_OPTIONS, QUOTA_OPTION, DISABLED_OPTION, END
};
static const struct option_row user_set_options[] = {
	QUOTA_OPTION, DISABLED_OPTION,
	{ OPT_USER_ENABLED, "--enabled", NULL, NULL, "login again" }, END
};
static const struct option_row user_passwd_options[] = {
	PASSWORD_OPTIONS, END
};
static const struct option_row domain_options[] = {
	{ 0, "--alias", NULL, "DOMAIN",
	    "the same addresses as those of DOMAIN" }, END
};
static const struct option_row app_options[] = {
	{ 0, "--protocols", NULL, "LIST",
	    "imap, pop3, submission with + between them; *: all" }, END
};
static const struct option_row show_options[] = {
	{ 0, "--body", NULL, NULL, "the message itself behind the envelope" },
	END
};

#define ADDRESS_OPTION \
	{ 0, "--address", NULL, "LIST", \
	    "the public addresses of this server, as others see it" }
static const struct option_row dns_options[] = { ADDRESS_OPTION, END };

/* The last number: it changes something (ctl_audit.h). */
const struct ctl_command ctl_commands[] = {
	{ "setup", cmd_setup, 0, 0, 0, "",
	    "write a configuration, directories and certificate",
	    setup_options, 1 },
	{ "start", cmd_start, 0, 0, 0, "", "start the suite, wait until ready",
	    start_options, 1 },
	{ "stop", cmd_stop, 0, 0, 0, "", "finish what runs, then end", NULL, 1 },
	{ "reload", cmd_reload, 0, 0, 0, "",
	    "read configuration and certificates again", NULL, 1 },
	{ "status", cmd_status, 0, 0, 1, "", "a line per process", NULL },
	{ "apply", cmd_apply, 0, 0, 0, "",
	    "check and compile the text tables", NULL, 1 },
	/* Its line in the audit log would go with that. */
	{ "purge", cmd_purge, 0, 0, 0, "",
	    "remove configuration, log and state; the mail stays",
	    purge_options },
	{ "domain add", cmd_domain_add, 1, 1, 0, "DOMAIN",
	    "take mail for a domain", domain_options, 1 },
	{ "domain del", cmd_domain_del, 1, 1, 0, "DOMAIN",
	    "no longer take mail for a domain", NULL, 1 },
	{ "domain list", cmd_domain_list, 0, 0, 1, "", "all domains", NULL },
	{ "user add", cmd_user_add, 1, 1, 0, "ADDRESS", "make an account",
	    user_add_options, 1 },
	{ "user del", cmd_user_del, 1, 1, 0, "ADDRESS",
	    "close an account (its mail stays on disk)", NULL, 1 },
	{ "user set", cmd_user_set, 1, 1, 0, "ADDRESS",
	    "change quota or disable", user_set_options, 1 },
	{ "user passwd", cmd_user_passwd, 1, 1, 0, "ADDRESS",
	    "set a new password", user_passwd_options, 1 },
	{ "user list", cmd_user_list, 0, 0, 1, "", "all accounts", NULL },
	{ "app add", cmd_app_add, 2, 2, 0, "ADDRESS NAME",
	    "make a further password, for one program", app_options, 1 },
	{ "app del", cmd_app_del, 2, 2, 0, "ADDRESS NAME",
	    "remove it", NULL, 1 },
	{ "app list", cmd_app_list, 0, 1, 1, "[ADDRESS]",
	    "further passwords of accounts", NULL },
	{ "alias add", cmd_alias_add, 2, CTL_ARGS_MAX, 0,
	    "ADDRESS|@DOMAIN TARGET...", "pass mail for an address on", NULL, 1 },
	{ "alias del", cmd_alias_del, 1, 1, 0, "ADDRESS|@DOMAIN",
	    "remove an alias", NULL, 1 },
	{ "alias list", cmd_alias_list, 0, 0, 1, "", "all aliases", NULL },
	{ "session list", cmd_session_list, 0, 0, 1, "", "who is logged in",
	    NULL },
	{ "session kick", cmd_session_kick, 1, 1, 0, "ADDRESS|SESSION",
	    "end a session, or all of a user", NULL, 1 },
	{ "queue list", cmd_queue_list, 0, 0, 1, "", "mail that waits", NULL },
	{ "queue show", cmd_queue_show, 1, 1, 1, "ID", "one message",
	    show_options },
	{ "queue retry", cmd_queue_retry, 1, CTL_ARGS_MAX, 0, "ID...|all",
	    "try now", NULL, 1 },
	{ "queue hold", cmd_queue_hold, 1, CTL_ARGS_MAX, 0, "ID...|all",
	    "try no more until released", NULL, 1 },
	{ "queue release", cmd_queue_release, 1, CTL_ARGS_MAX, 0, "ID...|all",
	    "end a hold", NULL, 1 },
	{ "queue delete", cmd_queue_delete, 1, CTL_ARGS_MAX, 0, "ID...|all",
	    "throw away, telling nobody", NULL, 1 },
	{ "trace", cmd_trace, 1, 1, 1, "ID|ADDRESS|MESSAGE-ID",
	    "follow a message through the log", NULL },
	{ "dns show", cmd_dns_show, 1, 1, 1, "DOMAIN",
	    "the DNS records that a domain needs", dns_options },
	{ "config check", cmd_config_check, 0, 0, 0, "",
	    "every key and value, by every program", NULL },
	{ "config show", cmd_config_show, 0, 0, 1, "",
	    "every key with its value", NULL },
	{ "store list", cmd_store_list, 0, 0, 1, "", "mailboxes' owners",
	    NULL },
	{ "store check", cmd_store_check, 0, 1, 1, "[ADDRESS]",
	    "compare index and files", NULL },
	{ "store rebuild", cmd_store_rebuild, 0, 1, 0, "[ADDRESS]",
	    "make the index again from the files", NULL, 1 },
	{ "hash check", cmd_hash_check, 0, 1, 1, "[HASH]",
	    "can this hash, or can those in passwd, be used", NULL },
	{ "selftest jail", cmd_selftest_jail, 0, 0, 1, "",
	    "attack from the place of each program", NULL },
	{ "completion", cmd_completion, 1, 1, 0, "bash",
	    "print the shell completion script", NULL },
	{ .name = NULL }
};
