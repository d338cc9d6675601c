/*
 * The accounts that are collected from, as rohrpost compiles them for collect
 * (jail/collect.cdb: one record, "a", with all of them in the order of the
 * table), and the words of the table's lines that both sides know.
 *
 * The file holds passwords: it is root's, and readable by collect's group alone.
 */
#ifndef LIB_MAIL_COLLECT_ACCOUNT_H
#define LIB_MAIL_COLLECT_ACCOUNT_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/collect_proto.h"
#include "lib/mail/limits.h"

enum {
	COLLECT_FORMAT = 1,	/* of the file */
	ACCOUNTS_MAX = 1000,
	COLLECT_EVERY_MIN = 5,	/* seconds */
	COLLECT_EVERY = 30,
	COLLECT_EVERY_MAX = 86400,
	COLLECT_DAYS_MAX = 3650,
};

/* What stays at the server. */
enum collect_keep {
	COLLECT_KEEP_ALWAYS,
	COLLECT_KEEP_DAYS,	/* days from when it was fetched on */
	COLLECT_KEEP_CONFIRMED,	/* until the operator says: backed up */
	COLLECT_KEEP_NOTHING,
};

enum collect_option {
	COLLECT_NO_IDLE = 1,
	COLLECT_ANY_CERTIFICATE = 2,
	COLLECT_OFF = 4,
	COLLECT_TOKEN = 8,	/* password is an OAuth access token */
};

struct collect_account {
	char	 name[CL_ACCOUNT_MAX + 1];
	uint32_t kind;			/* enum cl_kind */
	uint32_t security;		/* enum cl_security */
	char	 host[DOMAIN_MAX + 1];
	uint32_t port;
	char	 login[ADDRESS_MAX + 1];
	char	 password[SECRET_MAX + 1];
	char	 owner[ADDRESS_MAX + 1]; /* whose the mail is; with fields: who has
					    what is nobody's */
	char	 fields[CL_SECTION_MAX / 16 + 1]; /* "X-Envelope-To,..."; "": one
					    owner's */
	uint32_t keep;			/* enum collect_keep */
	uint32_t days;
	int64_t	 confirmed;		/* what was fetched up to then */
	uint32_t every;			/* seconds */
	uint64_t largest;		/* octets; 0: message_size */
	uint32_t options;		/* enum collect_option */
	uint32_t least;			/* seconds: the provider's shortest
					   interval; 0: none is known */
};

/* The port of a kind, where none is named. */
uint32_t collect_port(uint32_t kind, uint32_t security);

/* Appends it; 0, or -1 where b is full. */
int	collect_put(struct buf *b, const struct collect_account *a);
/* The next one: 1; 0 at the end; -1 for a malformed one (c->bad is set). What
   stands behind the fields that are known is passed over. */
int	collect_get(struct cursor *c, struct collect_account *a_r) ATTR_CHECK;

#endif
