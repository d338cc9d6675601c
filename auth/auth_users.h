/*
 * The accounts with what is kept of their passwords: auth/passwd.cdb, compiled
 * by `rohrpost apply` (key: account in lower case, value:
 * lib/mail/credential.h; of a disabled account PASSWD_DISABLED). Opened anew when it
 * is replaced.
 *
 * For a name that is not there is a decoy: a copy of a stored hash of the
 * method and cost that most accounts have (of equals the one that stands last),
 * so that checking it takes the same time; an empty file gives a fresh yescrypt
 * hash.
 *
 * Where the file is missing or cannot be read nobody is unknown: whoever asks
 * is told to come later, until a good file stands there.
 *
 * DIAGNOSTICS: a file that is missing, or of a newer format, is named once, in
 * a warning; hashes that cannot be checked (argon2, broken text) are named in
 * a warning when the file is opened, the first ten of them.
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
/* What stands there of the account; MAP_ERROR: later. */
enum map_result auth_users_find(struct auth_users *u, const char *name,
	    struct buf *text_r);
/* The hash to check against where there is none; its verdict is nothing. */
const char *auth_users_decoy(const struct auth_users *u);
/*
 * Calls each for every account until it returns non-zero, which it returns. 0
 * at the end; -1 where the file is missing or broken.
 */
int	auth_users_walk(struct auth_users *u, int (*each)(const char *account,
	    const char *text, size_t len, void *arg), void *arg);

#endif
