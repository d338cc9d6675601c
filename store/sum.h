/*
 * What the accounts of a domain hold together, and its bounds (tables_sum): all
 * in memory, under one lock. Each account that is known has its own part here,
 * which every change sets anew: nothing is added up twice or forgotten, whatever
 * happens in between. A part counts in the domain of its account, or in that
 * which this is an alias of, while the tables know the account, or say that its
 * mail is to be moved to a new name.
 *
 * It is made where the tables have such bounds: by the walk over the index at
 * the start, or when the first bound comes. Until that has ended the sum is too
 * small, and takes more than it should; nothing is lost by that.
 *
 * By any thread, unless it is said.
 */
#ifndef STORE_SUM_H
#define STORE_SUM_H

#include "lib/base/attr.h"
#include "lib/mail/limits.h"
#include "store/account_quota.h"
#include "store/warn_text.h"

struct account;

/* What it needs to know, and whom it tells (sum_run.c): called under its lock. */
struct sum_ways {
	/* The domain of an account, or of that name, and its bounds. */
	enum lookup (*where)(const char *name, struct tables_sum *s_r);
	/* Has the account mail that counts? */
	enum lookup (*counts)(const char *name);
	/* "@domain" is full now, or no longer. */
	void	(*full)(const char *key, int on);
	/* The warning that is due (warn_level). */
	int	(*level)(const struct warn_usage *u);
	/* sum_warn */
	int	(*tell)(const char *domain, const struct warn_usage *u,
		    int level);
};
/* Before all others. */
void	sum_begin(const struct sum_ways *w);
/* From then on parts are kept. */
void	sum_turn_on(void);
int	sum_is_on(void);
/* New tables: the bounds of all domains at once; and where each part counts, some
   at a time: 1 where there are more. anew: from the first one. */
void	sum_bounds(void);
int	sum_resolve(int anew);
/* 1 where the tables could not be read since it was set to 0. */
int	sum_owed(int set);
/* Has all told that are to be; not while a walk is under way. */
void	sum_warnings(void);

/* What the account holds, and has reserved, is its part now; not while not all
   of it is known. In its shard. */
void	sum_note(const struct account *a);
/* What the index knows of an account that is not in memory. In its shard. */
void	sum_walked(const char *name, uint64_t size, uint64_t count);
/* A shard begins to walk, or has walked, over all its accounts. */
void	sum_walks(int more);
/* The account's mail is gone. */
void	sum_forget(const char *name);
/* It is that of another name now. */
void	sum_rename(const char *old, const char *name);

/* May so much be added to the account's domain? */
enum quota sum_check(const char *name, uint64_t size, uint64_t count);
/* The same for a delivery (quota_delivery). */
enum quota sum_delivery(const char *name, uint64_t size);
/* 1 where the account's domain has bounds: its name, usage and bounds. */
int	sum_usage(const char *name, char domain_r[DOMAIN_MAX + 1],
	    struct warn_usage *u_r) ATTR_CHECK;
/* Who was to be told of the domain (sum_warn.h) was, or is to be again. */
void	sum_told(const char *domain, int told);

#endif
