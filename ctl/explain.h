/*
 * explain: what would become of a message from another server, step by step,
 * without sending it. The tables are those that the programs read, looked up
 * as they do (lib/mail/tables.h); tests hold the replies against smtpd's.
 */
#ifndef CTL_EXPLAIN_H
#define CTL_EXPLAIN_H

#include "ctl/dns_host.h"
#include "lib/mail/address.h"
#include "lib/mail/tables.h"

enum { EXPLAIN_ROWS_MAX = 2000 };

/* What the sending server is told; smtpd has the same words. */
#define REPLY_BARE	"501 5.1.7 a sender needs a domain"
#define REPLY_TABLES \
	"451 4.3.0 the tables cannot be read, try again later"
#define REPLY_FULL	"452 4.2.2 the mailbox is full"
#define REPLY_QUOTA	"552 5.2.3 larger than the mailbox may be"
#define REPLY_NOBODY	"550 5.1.1 no such mailbox"
#define REPLY_RELAYING	"550 5.7.1 relaying denied"
#define REPLY_SIZE	"552 5.3.4 the message is too big"
#define REPLY_HEADER	"552 5.3.4 the header is too big"
#define REPLY_HOPS	"554 5.4.6 too many hops"
#define REPLY_LOOP \
	"554 5.4.6 mail loop: it was delivered to that address before"

enum explain_result { EXPLAIN_PASS, EXPLAIN_REFUSE, EXPLAIN_LATER };

struct explain_row {
	const char *step;	/* "sender", "recipient", "alias" ... */
	char	*subject;
	enum explain_result result;
	const char *reply;	/* of SMTP, to the client; NULL: none */
	char	*reason;	/* a sentence, in the operator's language */
};

struct explain {
	const struct dns_host *h;
	struct tables *tables;
	struct address from, to;
	const struct host_address *client;
	const char *file;	/* NULL: none */
	uint64_t size;		/* of it, as it is sent; 0: unknown */
	struct buf head;	/* of it: the header */
	struct explain_row *rows;
	size_t	 n;
	char	**elsewhere;	/* addresses that mail goes on to */
	size_t	 n_elsewhere;
	const char *path[ALIAS_DEPTH + 1];	/* aliases on the way */
};

void	explain_clear(struct explain *x);
void	explain_say(struct explain *x, const char *step, const char *subject,
	    enum explain_result result, const char *reply, const char *fmt, ...)
	    ATTR_PRINTF(6, 7);
/* What port 25 says to the sender, the recipient, the message. */
void	explain_sender(struct explain *x);
void	explain_recipient(struct explain *x);
void	explain_message(struct explain *x);
/* By DNS, which must be open: SPF of the sender, ways to elsewhere. */
void	explain_spf(struct explain *x);
void	explain_routes(struct explain *x);

#endif
