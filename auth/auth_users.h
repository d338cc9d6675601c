/*
 * The accounts with their password hashes: auth/passwd.cdb, compiled by
 * `rohrpost apply` (key: account in lower case, value: hash text; a disabled
 * account is not in it). Opened anew when it is replaced.
 *
 * For a name that is not there a decoy is answered: a copy of a stored hash of
 * the method and cost that most accounts have (of equals the one that stands
 * last), so that checking it takes the same time; an empty file gives a fresh
 * yescrypt hash.
 *
 * Where the file is missing or cannot be read nobody is unknown: whoever asks
 * is told to come later, until a good file stands there.
 *
 * DIAGNOSTICS: a file that is not there is named once, in a warning; hashes that cannot be checked (argon2, broken text) are named
 * in a warning when the file is opened, the first ten of them.
 */
#ifndef AUTH_USERS_H
#define AUTH_USERS_H

#include "lib/map/map.h"

struct auth_users;

/* Never NULL: a file that is missing is looked for at each refresh. */
struct auth_users *auth_users_open(const char *path);
void	auth_users_free(struct auth_users **u);
/* Looks whether the file was replaced; call once per request. */
void	auth_users_refresh(struct auth_users *u);

/*
 * The account that a client may mean: lower case, the domain as A-labels
 * (RFC 5891). A bare local part gets the domain of the accounts, if all have
 * the same. No alias is followed: an alias is not a login. Returns 0; -1
 * where it can be no account, name_r is then a cleaned text for counting.
 */
int	auth_users_name(const struct auth_users *u, const char *given,
	    struct buf *name_r);
/*
 * The hash to check against: MAP_FOUND, the account's; MAP_ABSENT, the decoy,
 * whose verdict counts for nothing; MAP_ERROR: later.
 */
enum map_result auth_users_hash(struct auth_users *u, const char *name,
	    struct buf *stored_r);

#endif
