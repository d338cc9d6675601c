/*
 * Growing delays after failed logins.
 *
 * Three counts: of the client's address (IPv6: its /64), of the user name,
 * known or not, and of the pair of both. A count halves every 15 minutes. The
 * first failures are free; then each one doubles the delay, to a bound.
 *
 * - Address: its checks are spaced by its delay, one after the other, so
 *   that many connections at once win nothing. Where the line gets too long,
 *   further ones are refused unchecked.
 * - User: a plain wait of at most AUTH_DELAY_USER_MS before each check. It
 *   slows down guessing from many addresses and can lock nobody out.
 * - Pair: an address from which this user logged in within the last 30 days
 *   is judged by the count of the pair alone. So neither a broken client
 *   elsewhere in the same house nor a stranger's guesses touch the right user.
 *
 * Failures are also answered late, whoever fails (auth_delay_late).
 *
 * Tables have a fixed size and are keyed with random octets; where a new key
 * finds its set full, the entry that weighs least gives way. Times are
 * milliseconds of clock_mono_ms.
 */
#ifndef AUTH_DELAY_H
#define AUTH_DELAY_H

#include <stdint.h>

#include "lib/base/attr.h"

enum {
	AUTH_DELAY_FREE = 3,		/* failures without delay */
	AUTH_DELAY_DOUBLINGS = 5,	/* delay: base << 0..5 */
	AUTH_DELAY_USER_MS = 4000,
	AUTH_DELAY_LINE_MS = 60000,	/* longest line of an address */
	AUTH_DELAY_HALF_MS = 15 * 60000,
};
#define AUTH_DELAY_GOOD_MS	(INT64_C(30) * 86400 * 1000)

struct auth_delay;

/* The keys of one attempt. */
struct auth_try {
	uint64_t address, user, pair;
};

/*
 * base_ms is the first delay; 0: no delays at all. sets: size of the tables
 * (a power of two, times eight entries).
 */
struct auth_delay *auth_delay_new(int64_t base_ms, uint32_t sets);
void	auth_delay_free(struct auth_delay **d);

/* remote is "addr:port" as in AF_REMOTE; user is in canonical form. */
void	auth_try_init(struct auth_try *t, const struct auth_delay *d,
	    const char *user, const char *remote);
/*
 * How long to wait before the check, and takes that place in the line; -1:
 * refuse, too many are waiting.
 */
int64_t	auth_delay_before(struct auth_delay *d, const struct auth_try *t,
	    int64_t now) ATTR_CHECK;
/* Notes the outcome. */
void	auth_delay_failed(struct auth_delay *d, const struct auth_try *t,
	    int64_t now);
void	auth_delay_passed(struct auth_delay *d, const struct auth_try *t,
	    int64_t now);
/* The time before which a failure that came at start is not answered. */
int64_t	auth_delay_late(const struct auth_delay *d, int64_t start);

#endif
