/*
 * The text tables together: loaded under a lock, to be checked against each
 * other and saved (ctl_commit.h).
 *
 * DIAGNOSTICS: "FILE:LINE: words", several a line each. A fault stops the
 * compile; a warning does not.
 */
#ifndef CTL_SET_H
#define CTL_SET_H

#include "ctl/ctl_grants.h"
#include "ctl/ctl_text.h"
#include "lib/mail/limits.h"

struct set {
	const char *dir;	/* configuration directory */
	int	 dirfd;
	int	 lock;		/* of dir/.lock; -1: not held */
	char	 host[DOMAIN_MAX + 1];	/* see set_host */
	char	 ends[ADDRESS_MAX + 1];	/* see set_ends; "": nobody's */
	struct grants system;	/* what rohrpost.conf grants */
	struct set_pam *pam;	/* the host's users (ctl_pam.h); or NULL */
	struct text t[TEXT_COUNT];
};

/*
 * Opens the directory and reads all tables (ctl_tables); with edit, takes the
 * lock that two editors exclude each other by (waits for it up to 10 s). 0, or
 * -1.
 */
int	set_open(struct set *s, const struct table *const *tables,
	    const char *dir, int edit, struct buf *why) ATTR_CHECK;
void	set_close(struct set *s);
/*
 * Tells the host's name. Local programs send as user@host, postmaster there
 * has to be reached (RFC 5321 4.5.1), and reports come from there: unless
 * domains lists it, the name is an alias of the domain that it lies in, else
 * of the first one.
 */
void	set_host(struct set *s, const char *name);
/* The domain that the host's name is an alias of without being listed: NULL
   where there is none. */
const char *set_host_domain(const struct set *s);
/* An account whose sessions end with the edit, whatever it changes. */
void	set_ends(struct set *s, const char *account);
/* For tests: a set without a directory. */
void	set_init(struct set *s, const struct table *const *tables,
	    const char *dir);

/* Where an address of ours leads (the rules of tables_address). */
enum set_place {
	SET_REMOTE,		/* not our domain */
	SET_NOBODY,		/* ours, unknown */
	SET_ACCOUNT,		/* *row_r in users */
	SET_ALIAS,		/* *row_r in aliases */
};
/* Is that local part excepted from the alias domain? */
int	set_excepted(const struct row *domain, const char *local, size_t len)
	    ATTR_CHECK;
enum set_place set_find(const struct set *s, const char *address,
	    struct row **row_r);

#endif
