/*
 * The table dkim: keys that sign for a domain (dkim(5)).
 *
 *   20261130-rsa._domainkey.example.test = active 2026-11-30 MIIEvQ...
 *
 * A key that is new signs nothing yet; one that is active signs; one that is
 * retired does not sign any more, but what it has signed may be under way.
 */
#ifndef CTL_TABLE_DKIM_H
#define CTL_TABLE_DKIM_H

#include "ctl/ctl_row.h"
#include "ctl/ctl_set.h"
#include "lib/mail/dkim_key.h"

enum dkim_state { DKIM_NEW, DKIM_ACTIVE, DKIM_RETIRED, DKIM_STATES };

/* How long a retired key stays in the DNS: mail waits, and is read late. */
enum { DKIM_KEEP = 14 * 86400 };

/* "new", "active", "retired" */
const char *dkim_state_name(enum dkim_state s);
/* "2026-11-30" of a moment, in UTC. */
void	dkim_day(int64_t t, char out[16]);
/* Appends a line of the table. */
void	dkim_line(const char *selector, const char *domain,
	    enum dkim_state state, int64_t since, const char *key,
	    struct buf *out);
/* The record's text in the DNS. 0, or -1: the row has no key. */
int	dkim_record(const struct row *r, struct buf *out) ATTR_CHECK;
/* The domain as the table has it: one of ours or the host's. 0, or -1. */
int	dkim_domain(const struct set *s, const char *name, struct buf *out,
	    struct buf *why) ATTR_CHECK;

#endif
