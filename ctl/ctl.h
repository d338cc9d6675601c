/*
 * The operator's command `rohrpost`: its command table and what all commands
 * share.
 *
 * A command is a const row: name, arguments, options, help. The engine
 * (ctl_command.c) alone reads the command line, counts arguments, prints help
 * and refuses what the row does not allow; the completion script is made from
 * the same rows.
 *
 * DIAGNOSTICS: one line on standard error that says where and what.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/base/peer.h"

enum ctl_exit {
	CTL_DONE = 0,
	CTL_REFUSED = 1,
	CTL_USAGE = 2,
	CTL_LATER = 75,		/* EX_TEMPFAIL: trying again may help */
};

enum { CTL_OPTIONS = 6, CTL_ARGS_MAX = 1000 };

struct ctl_command;

struct option_row {
	int	 slot;		/* in struct ctl's opt */
	const char *name;	/* "--answers" */
	const char *brief;	/* "-f", or NULL */
	const char *value;	/* "FILE"; NULL: a flag */
	const char *help;
};

/* What the engine hands to a command. */
struct ctl {
	const struct ctl_command *commands;	/* all of them */
	const char *dir;	/* configuration directory */
	int	 json;
	const char *state_dir, *hostname; /* after ctl_load */
	int	 auth_scram;		/* the same */
	const char *opt[CTL_OPTIONS]; /* NULL: not given; "": a flag */
	char	**args;
	int	 n_args;
};

struct ctl_command {
	const char *name;	/* "queue list" */
	int	(*run)(struct ctl *);	/* the exit status */
	int	 min_args, max_args;
	int	 lists;		/* takes --json */
	const char *args;	/* "ADDRESS...", for usage */
	const char *help;	/* a line */
	const struct option_row *options; /* ends with .name NULL; or NULL */
};

extern const struct ctl_command ctl_commands[];	/* ends with .name NULL */

/* Runs one command line of those commands. Returns the exit status. */
int	ctl_main(const struct ctl_command *commands, int argc, char **argv);

/*
 * Has rohrpost.conf only keys that a program knows, each once? 0, or -1 (said,
 * a line each).
 */
int	config_known(struct ctl *c) ATTR_CHECK;

/* The commands, by file. */
int	cmd_setup(struct ctl *);
int	cmd_start(struct ctl *);
int	cmd_stop(struct ctl *);
int	cmd_reload(struct ctl *);
int	cmd_status(struct ctl *);
int	cmd_apply(struct ctl *);
int	cmd_domain_add(struct ctl *);
int	cmd_domain_del(struct ctl *);
int	cmd_domain_list(struct ctl *);
int	cmd_user_add(struct ctl *);
int	cmd_user_del(struct ctl *);
int	cmd_user_set(struct ctl *);
int	cmd_user_list(struct ctl *);
int	cmd_user_passwd(struct ctl *);
int	cmd_app_add(struct ctl *);
int	cmd_app_del(struct ctl *);
int	cmd_app_list(struct ctl *);
int	cmd_alias_add(struct ctl *);
int	cmd_alias_del(struct ctl *);
int	cmd_alias_list(struct ctl *);
int	cmd_hash_check(struct ctl *);
int	cmd_queue_list(struct ctl *);
int	cmd_queue_show(struct ctl *);
int	cmd_queue_retry(struct ctl *);
int	cmd_queue_hold(struct ctl *);
int	cmd_queue_release(struct ctl *);
int	cmd_queue_delete(struct ctl *);
int	cmd_store_list(struct ctl *);
int	cmd_store_check(struct ctl *);
int	cmd_store_rebuild(struct ctl *);
int	cmd_trace(struct ctl *);
int	cmd_config_check(struct ctl *);
int	cmd_config_show(struct ctl *);
int	cmd_completion(struct ctl *);

/* The slots of options; a command's only one has slot 0. */
enum { OPT_SETUP_ANSWERS, OPT_SETUP_DRY };
enum { OPT_USER_STDIN, OPT_USER_HASH, OPT_USER_QUOTA, OPT_USER_DISABLED,
	OPT_USER_ENABLED };

#endif
