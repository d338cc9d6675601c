/*
 * How many connections share a key (an address before login, a user after),
 * with a bound for each. The memory is that of the connections counted.
 */
#ifndef AUTH_LOGIN_COUNT_H
#define AUTH_LOGIN_COUNT_H

#include <stddef.h>

#include "lib/base/attr.h"

struct login_counts;
struct login_count;

struct login_counts *login_counts_new(void);
void	login_counts_free(struct login_counts **c);
/* Counts one more; NULL where max are there. len is at most ADDRESS_MAX. */
struct login_count *login_count_take(struct login_counts *c, const void *key,
	    size_t len, unsigned max) ATTR_CHECK;
/* Counts one less and sets the pointer to NULL, which it may be already. */
void	login_count_drop(struct login_counts *c, struct login_count **n);

#endif
