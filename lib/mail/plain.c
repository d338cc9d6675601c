#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/plain.h"

/* Octets up to the "@" of the domain; all of them where there is none. */
static size_t
local_len(const char *p, size_t len)
{
	const char *at = memrchr(p, '@', len);

	return at != NULL ? (size_t)(at - p) : len;
}

static int
same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && str_ncasecmp(a, b, a_len) == 0;
}

static int
same_user(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t a_local = local_len(a, a_len), b_local = local_len(b, b_len);

	return same(a, a_local, b, b_local) && (a_local == a_len ||
	    b_local == b_len || same(a + a_local, a_len - a_local,
	    b + b_local, b_len - b_local));
}

enum plain_result
plain_read(const char *p, size_t len, struct plain *p_r)
{
	const char *end = p + len, *user, *password;
	size_t n;

	if (len == 0 || (user = memchr(p, '\0', len)) == NULL)
		return PLAIN_BROKEN;
	user++;
	password = memchr(user, '\0', (size_t)(end - user));
	if (password == NULL)
		return PLAIN_BROKEN;
	n = (size_t)(password - user);
	if (user - 1 != p && !same_user(p, (size_t)(user - 1 - p), user, n))
		return PLAIN_OTHER;
	password++;
	*p_r = (struct plain){ user, password, n, (size_t)(end - password) };
	return PLAIN_OK;
}
