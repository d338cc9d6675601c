/*
 * Sieve scripts (lib/sieve/sieve.h) over a message: that of the system, which
 * is before.sieve of the jail, and then, where it leaves the message in INBOX,
 * the recipient's, which store hands out. What goes wrong in one leaves the
 * message in INBOX, and one line in the log.
 */
#ifndef DELIVER_DELIVER_FILTER_H
#define DELIVER_DELIVER_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/limits.h"

enum {
	/* A message that has come so far is not sent on: RFC 5228 10. */
	FILTER_HOPS_MAX = HOPS_MAX / 2,
};

struct action;

/* What a script looks at; all is borrowed. */
struct filter_message {
	const char *id;			/* of queue, for the log */
	const char *owner, *address;	/* whose mailbox; as what he got it */
	const char *sender;
	const char *data;
	size_t	 len;			/* octets that were read */
	uint64_t size;
};

/* What became of it. All zero at first. */
struct filtered {
	struct action *action;		/* for store, may be none */
	size_t	 n;
	struct buf redirects;		/* packed lv addresses */
};

void	filtered_clear(struct filtered *f);

/* Where the script of the system lies; after the jail. */
void	filter_open(const char *path);
/* Looks whether the script of the system is another. Once for each job. */
void	filter_refresh(void);
/* Runs it. 1; 0: there is none, and f is untouched. */
int	filter_before(const struct filter_message *m, struct filtered *f);

/* The recipient's script. */
struct filter_script {
	const char *text;
	size_t	 len;
	const char *names;		/* packed lv: his mailboxes; NULL: they
					   were not asked for */
	size_t	 names_len;
	const char *flags;		/* what the message has so far; NULL */
};
/*
 * Runs it over what was to go to INBOX. Where it asks for mailboxes and their
 * names are not there, f is one action: ask again, with the names.
 */
void	filter_user(const struct filter_message *m,
	    const struct filter_script *s, struct filtered *f);

#endif
