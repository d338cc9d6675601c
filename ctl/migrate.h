/*
 * `rohrpost migrate`: many accounts of another server, some at a time. The
 * command resolves, connects, and opens what the program migrate
 * (relay/migrate.h) is to have; it reads no octet that the server says.
 */
#ifndef CTL_MIGRATE_H
#define CTL_MIGRATE_H

#include <stdint.h>

#include "ctl/ctl.h"
#include "ctl/ctl_worker.h"
#include "lib/base/buf.h"
#include "lib/mail/migrate.h"

enum {
	MIGRATE_USERS_MAX = 100000,
	MIGRATE_JOBS_MAX = 32,
	MIGRATE_JOBS = 4,
	MIGRATE_TRIES = 5,	/* where the connection is lost */
	MIGRATE_REASONS_MAX = 16 * 1024, /* octets of them of one account */
};

/* A row of the file, and what became of it. */
struct migrate_user {
	char	*login, *password, *account;
	unsigned line;			/* of the file */
	enum mg_status status;	/* of the last try */
	int	 over;		/* nothing more comes of it */
	int	 entered;	/* a login there has gone well */
	unsigned tries;		/* without anything brought */
	int64_t	 after;		/* clock_mono_ms: not before */
	uint32_t inbox;			/* as inbox_id, until it was looked at
					   once more */
	uint64_t ms;		/* that it took */
	uint64_t mailboxes, messages, octets, changed, gone, left;
	struct buf words;	/* how it ended */
	struct buf reasons;	/* lv: what was passed over */
};

struct migrate_plan {
	struct ctl *c;
	char	*host;
	unsigned port, security;	/* enum imap_security */
	unsigned flags;			/* enum mg_flag */
	unsigned jobs;
	int	 ca;			/* or -1 */
	struct migrate_user *user;
	size_t	 n, cap;
};

/*
 * Reads the file: "login,password,account" a row; "login,account" where
 * password is not NULL and is that of all. master, or NULL, is appended to each
 * login behind "*". 0, or -1 (said).
 */
int	migrate_read(struct migrate_plan *p, const char *file,
	    const char *master, const char *password) ATTR_CHECK;
void	migrate_clear(struct migrate_plan *p);

/* A connected socket; -1 with why. */
int	migrate_connect(const char *host, unsigned port, struct buf *why);
/* The file of what was brought of that account, locked; -1 with why. */
int	migrate_file(const struct migrate_plan *p,
	    const struct migrate_user *u, struct buf *why);

/* All of them. */
void	migrate_all(struct migrate_plan *p);

/* What is shown while it runs, at a terminal. */
void	migrate_show(const struct migrate_plan *p, const char *account,
	    const char *mailbox, uint64_t done, uint64_t total);
void	migrate_say(const struct migrate_user *u, const char *words);
/* The table of all accounts. The exit status. */
int	migrate_report(const struct migrate_plan *p);

#endif
