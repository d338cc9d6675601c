/*
 * The operator's command `rohrpost`: what a command is and what all commands
 * share. The table of them is in commands.c.
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

enum { CTL_OPTIONS = 12, CTL_ARGS_MAX = 1000 };

struct ctl_admin;
struct ctl_command;

struct option_row {
	int	 slot;		/* in struct ctl's opt */
	const char *name;	/* "--answers" */
	const char *brief;	/* "-f", or NULL */
	const char *value;	/* "FILE"; NULL: a flag */
	const char *help;
	int	 secret;	/* its value is never written down */
};

/* What the engine hands to a command. */
struct ctl {
	const struct ctl_command *commands;	/* all of them */
	const char *dir;	/* configuration directory */
	int	 json;
	const char *state_dir, *hostname; /* after ctl_load */
	const char *user_protocols;	/* the same */
	int	 auth_scram;		/* the same */
	const char *opt[CTL_OPTIONS]; /* NULL: not given; "": a flag */
	char	**args;
	int	 n_args;
	int	 unchanged;	/* it was a trial: the audit log has no line */
	/* For whom it runs, who may change his domains alone (ctl_admin.h);
	   NULL: the operator. */
	struct ctl_admin *admin;
};

/* May who administers a domain run it? */
enum ctl_admitted {
	ADMIN_NEVER,
	ADMIN_ADDRESS,	/* where the first argument is in his domain */
	ADMIN_LIST,	/* it lists what is in his domains; the same of an
			   argument */
};

struct ctl_command {
	const char *name;	/* "queue list" */
	int	(*run)(struct ctl *);	/* the exit status */
	int	 min_args, max_args;
	int	 lists;		/* takes --json */
	const char *args;	/* "ADDRESS...", for usage */
	const char *help;	/* a line */
	const struct option_row *options; /* ends with .name NULL; or NULL */
	int	 changes;	/* something: it has a line in the audit log */
	enum ctl_admitted admin;
};

#endif
