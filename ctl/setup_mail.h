/*
 * A test mail: sent as a mail program sends it, by submission over TLS with the
 * user's login, and read back by IMAP; one to elsewhere is followed in the log.
 * Every wait is bounded.
 */
#ifndef CTL_SETUP_MAIL_H
#define CTL_SETUP_MAIL_H

#include "ctl/dns_host.h"

enum { MAIL_MS = 30 * 1000 };	/* for the whole of each mail */

struct mail_trial {
	const struct dns_host *host;
	const char *state_dir;
	const char *user, *password;	/* an account of ours */
};

/*
 * Sends one from the user to himself and waits for it in INBOX. 0, or -1; words
 * say what was seen, or where it ended.
 */
int	mail_back(const struct mail_trial *m, struct buf *words) ATTR_CHECK;
/* The same to an address elsewhere, until queue has its result. */
int	mail_out(const struct mail_trial *m, const char *to, struct buf *words)
	    ATTR_CHECK;

#endif
