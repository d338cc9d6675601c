/*
 * How often PAM is asked about an account, so that guesses never lock the host's
 * user out of the host: pam_faillock locks after three failures within 15
 * minutes, directories after a few more. After AUTH_BOUND_WRONG wrong passwords
 * within AUTH_BOUND_MS PAM is not asked about the account. But:
 *
 * - A password that was right the last time (within AUTH_BOUND_KNOWN_MS) is
 *   always asked, so that guesses do not keep the user out of his mail either,
 *   wherever he is. It stands here as an HMAC (auth_cache.h), which decides on
 *   nothing but whether PAM is asked.
 * - A password that PAM has called wrong within AUTH_BOUND_MS is wrong without
 *   another question: a telephone with an old password costs one.
 *
 * Nothing outlives the process. Accounts are those of passwd.cdb, which bounds
 * the memory. Times are milliseconds of clock_mono_ms.
 */
#ifndef AUTH_AUTH_BOUND_H
#define AUTH_AUTH_BOUND_H

#include <stdint.h>

#include "lib/base/attr.h"

enum {
	AUTH_BOUND_WRONG = 2,
	/* A little more than pam_faillock's: it took the time earlier. */
	AUTH_BOUND_MS = 15 * 60000 + 30000,
};
#define AUTH_BOUND_KNOWN_MS	(INT64_C(30) * 86400 * 1000)

struct auth_bound;

enum auth_bound_word {
	AUTH_BOUND_ASK,
	AUTH_BOUND_KNOWN,	/* ask: it was right the last time */
	AUTH_BOUND_AGAIN,	/* it was wrong already */
	AUTH_BOUND_FULL,	/* too many wrong ones */
};

struct auth_bound *auth_bound_new(void);
void	auth_bound_free(struct auth_bound **b);
/* user is the host's, of that account. */
enum auth_bound_word auth_bound_judge(struct auth_bound *b,
	    const char *account, const char *user, const char *password,
	    int64_t now) ATTR_CHECK;
/* What PAM said of it: right, or wrong. */
void	auth_bound_passed(struct auth_bound *b, const char *account,
	    const char *user, const char *password, int64_t now);
void	auth_bound_failed(struct auth_bound *b, const char *account,
	    const char *user, const char *password, int64_t now);

#endif
