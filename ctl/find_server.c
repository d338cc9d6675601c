/*
 * Servers of a provider, wherever they were found.
 */
#include "config.h"

#include <string.h>

#include "ctl/find.h"
#include "lib/base/str.h"

const struct find_server *
find_server(const struct find_servers *l, enum find_protocol p)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->s[i].protocol == p)
			return &l->s[i];
	return NULL;
}

int
find_server_is_own(const struct find_server *s)
{
	return strncmp(s->host, FIND_OWN ".", sizeof(FIND_OWN)) == 0;
}

int
find_server_fits(const struct find_server *s, const char *host)
{
	const char *dot = strchr(host, '.');

	if (!find_server_is_own(s))
		return str_casecmp(s->host, host) == 0;
	return dot != NULL && dot > host &&
	    str_casecmp(s->host + sizeof(FIND_OWN) - 1, dot) == 0;
}

int
find_server_named(const struct find_servers *l, enum find_protocol p,
    const char *host, struct find_server *out)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->s[i].protocol == p && find_server_fits(&l->s[i], host)) {
			*out = l->s[i];
			return str_copy(out->host, sizeof(out->host), host) ==
			    0;
		}
	return 0;
}

int
find_server_wants_oauth(const struct find_server *s)
{
	return s->auth == FIND_AUTH_OAUTH2;
}

/* What the word stands for; len 0: it is no word that is known. */
static const char *
word_of(const char *word, size_t n, const char *address, size_t *len)
{
	const char *at = strrchr(address, '@');

	*len = 0;
	if (at == NULL)
		return NULL;
	if (n == 14 && memcmp(word, "%EMAILADDRESS%", n) == 0) {
		*len = strlen(address);
		return address;
	}
	if (n == 16 && memcmp(word, "%EMAILLOCALPART%", n) == 0) {
		*len = (size_t)(at - address);
		return address;
	}
	if (n == 13 && memcmp(word, "%EMAILDOMAIN%", n) == 0) {
		*len = strlen(at + 1);
		return at + 1;
	}
	return NULL;
}

/* What stands in the form beside words is as it is written there. */
void
find_login_name(const char *form, const char *address,
    char login[FIND_TEXT_MAX])
{
	struct buf out = BUF_INIT(FIND_TEXT_MAX - 1);
	const char *p, *end, *value;
	size_t len;
	int bad = 0;

	for (p = form; *p != '\0' && !bad; ) {
		if (*p != '%') {
			bad = buf_putc(&out, *p++) == -1;
			continue;
		}
		end = strchr(p + 1, '%');
		value = end == NULL ? NULL : word_of(p, (size_t)(end + 1 - p),
		    address, &len);
		bad = value == NULL || len == 0 ||
		    buf_append(&out, value, len) == -1;
		p = bad ? p : end + 1;
	}
	(void)str_copy(login, FIND_TEXT_MAX, bad ? "" : buf_str(&out));
	buf_clear(&out);
}
