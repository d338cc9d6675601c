/*
 * The commands: a table for each family, which is a file cmd_NAME.c.
 */
#ifndef IMAPD_IMAPD_COMMANDS_H
#define IMAPD_IMAPD_COMMANDS_H

#include "imapd/imapd_session.h"

enum imapd_state { IMAPD_AUTH = 1, IMAPD_SELECTED = 2, IMAPD_ANY = 3 };

enum imapd_flag {
	IMAPD_UID = 1,		/* has a UID form */
	IMAPD_UID_ONLY = 2,
	IMAPD_WRITES = 4,	/* not in a mailbox opened by EXAMINE */
	IMAPD_QUIET = 8,	/* no EXPUNGE in its replies (but UID forms) */
	IMAPD_NO_SYNC = 16,	/* its reply brings no news of the mailbox */
	IMAPD_EVENTS = 32,	/* what store has said is taken in before it */
	IMAPD_READS = 64,	/* it is for its client alone: ends with him */
};

struct imapd_command {
	const char *name;
	/* What CAPABILITY says for it, or NULL. make collects them for
	   imap_capability.h: at most one in a line. */
	const char *capability;
	enum imapd_run (*run)(struct imapd_session *,
		    const struct imapd_arg *, size_t n);
	/*
	 * A literal follows n arguments, at least one: diverts it
	 * (imapd_divert), or answers and refuses it (imapd_refuse). NULL: it
	 * becomes an argument.
	 */
	void	(*literal)(struct imapd_session *, const struct imapd_arg *,
		    size_t n, const struct imapd_line *);
	unsigned states, flags;
	size_t	 min_args, max_args;
};

/*
 * The families, the busiest first: a name is looked for in this order. Each
 * has its rows in imapd_cmd_NAME, up to one with .name NULL.
 */
#define IMAPD_FAMILIES(row) \
	row(fetch) row(store) row(search) row(session) row(select) \
	row(append) row(copy) row(list) row(lsub) row(mailbox) \
	row(quota)
#define IMAPD_FAMILY(name) \
	extern const struct imapd_command imapd_cmd_##name[];
IMAPD_FAMILIES(IMAPD_FAMILY)

/* All of them; ends with NULL. */
extern const struct imapd_command *const imapd_commands[];

#endif
