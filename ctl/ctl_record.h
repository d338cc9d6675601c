/*
 * One message as queue show prints it: rows of a field and its value. For
 * people they are a table without what the message does not have; with --json
 * an array of one object (RFC 8259), in which "recipients" is an array of
 * objects and "targets" in each of them another. What is absent is null there,
 * or an empty array.
 *
 * A row "recipient" begins a recipient, "target" a target of it: their value is
 * its "address". A row "more" belongs to the message again.
 */
#ifndef CTL_CTL_RECORD_H
#define CTL_CTL_RECORD_H

#include "ctl/ctl_out.h"

enum { RECORD_LEVELS = 2 };	/* of arrays in one another */

struct record {
	struct out out;			/* the table */
	unsigned fields;		/* that came */
	unsigned depth;			/* objects within the message's own */
	unsigned begun[RECORD_LEVELS + 1]; /* elements of the array in the
					   object of that depth */
	int	 ended;			/* the message's own array did */
};

void	record_init(struct record *r, FILE *f, int json);
void	record_field(struct record *r, const char *name, size_t name_len,
	    enum c_value type, const char *p, size_t len);
/* Ends it. 0, or -1 where writing failed. */
int	record_end(struct record *r);

#endif
