/*
 * Usage and quota of an account.
 */
#ifndef STORE_ACCOUNT_QUOTA_H
#define STORE_ACCOUNT_QUOTA_H

#include "lib/base/attr.h"
#include "lib/mail/tables.h"

struct account;
struct warn_usage;

enum quota { QUOTA_OK, QUOTA_FULL, QUOTA_NEVER, QUOTA_NO_USER, QUOTA_LATER };
/* May size octets in count messages be added, to the account and its domain? */
enum quota quota_check(struct account *a, uint64_t size, uint64_t count);
/*
 * May a message be delivered? The one that passes the bound may: what smtpd
 * took while there was room has a place, and from then on it says 452. One
 * larger than the whole quota never may (QUOTA_NEVER).
 */
enum quota quota_delivery(struct account *a, uint64_t size);
/* For how long what POP3 deletes is kept: seconds, 0: not at all. QUOTA_OK, or
   why it is not known. */
enum quota quota_pop3_keep(struct account *a, uint64_t *keep_r);
/* Usage and bounds as they are. 0, or -1: the tables do not tell. */
int	quota_usage(struct account *a, struct warn_usage *u_r) ATTR_CHECK;
/* Compares usage and quota, and publishes a change; the domain's sum follows. */
void	quota_note(struct account *a);
/* 1, once, where a full account could not be judged, for the tables could not
   be read: all that are full are to be noted again. */
int	quota_missed(void);
/* From now on the table is asked again (it was replaced). */
void	quota_forget(struct account *a);
/* The same of a row of the tables. */
uint64_t quota_pop3_keep_of(const struct tables_user *u);
/* Where no line of the tables grants a quota the system's holds. */
void	quota_system(struct tables_user *u);
/* 1 where an account with that quota is full. */
int	quota_is_full(const struct tables_user *q, uint64_t size,
	    uint64_t count);

#endif
