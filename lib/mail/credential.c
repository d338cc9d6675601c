#include <string.h>

#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/credential.h"
#include "lib/mail/protocols.h"

enum { TAG_MAX = 32 };

static const struct {
	const char *tag;
	enum credential_kind kind;
} tags[] = {
	{ "crypt", CREDENTIAL_CRYPT },
	{ "scram-sha-256", CREDENTIAL_SCRAM },
	{ "app", CREDENTIAL_APP },
	{ "protocols", CREDENTIAL_PROTOCOLS },
	{ "pam", CREDENTIAL_PAM },
};

static size_t
tag_length(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && ((p[n] >= 'a' && p[n] <= 'z') ||
	    (p[n] >= '0' && p[n] <= '9') || p[n] == '-'))
		n++;
	return n > 0 && n <= TAG_MAX && n < len && p[n] == '=' ? n : 0;
}

static enum credential_kind
kind_of(const char *tag, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strlen(tags[i].tag) == len &&
		    memcmp(tags[i].tag, tag, len) == 0)
			return tags[i].kind;
	return CREDENTIAL_OTHER;
}

/* *p at the start is the text's; after a field it stands on the ":". */
int
credential_next(const char **p, const char *end, struct credential *c_r)
{
	const char *colon;
	size_t tag;
	int first = 1;

	if (*p == end)
		return 0;
	if (**p == ':') {
		first = 0;
		(*p)++;
	}
	colon = memchr(*p, ':', (size_t)(end - *p));
	c_r->text = *p;
	*p = colon != NULL ? colon : end;
	c_r->text_len = (size_t)(*p - c_r->text);
	c_r->value = c_r->text;
	c_r->len = c_r->text_len;
	c_r->kind = CREDENTIAL_CRYPT;
	if (first && c_r->len > 0 && (*c_r->text == '$' || *c_r->text == '{'))
		return 1;
	if ((tag = tag_length(c_r->text, c_r->text_len)) == 0)
		return -1;
	c_r->kind = kind_of(c_r->text, tag);
	c_r->value += tag + 1;
	c_r->len -= tag + 1;
	return 1;
}

static int
is_name(const char *p, size_t len)
{
	size_t n;

	if (len == 0 || len > CREDENTIAL_NAME_MAX)
		return 0;
	for (; len > 0; p += n, len -= n) {
		n = str_utf8(p, len);
		if (n == 0 || (unsigned char)*p < ' ' || *p == 0x7f)
			return 0;
	}
	return 1;
}

/* What stands before the next comma; steps over it. -1: there is none. */
static int
take(const char **p, const char *end, const char **p_r, size_t *len_r)
{
	const char *comma = memchr(*p, ',', (size_t)(end - *p));

	if (comma == NULL)
		return -1;
	*p_r = *p;
	*len_r = (size_t)(comma - *p);
	*p = comma + 1;
	return 0;
}

int
credential_app(const struct credential *c, struct credential_app *a_r,
    struct buf *why)
{
	const char *p = c->value, *end = p + c->len, *created = NULL;
	size_t n = 0;

	if (take(&p, end, &a_r->name, &a_r->name_len) == -1 ||
	    take(&p, end, &a_r->protocols, &a_r->protocols_len) == -1 ||
	    take(&p, end, &created, &n) == -1) {
		buf_set(why, _("expected \"app=NAME,PROTOCOLS,CREATED,HASH\""));
		return -1;
	}
	a_r->hash = p;
	a_r->hash_len = (size_t)(end - p);
	if (!is_name(a_r->name, a_r->name_len)) {
		buf_set(why, _("app=: a name has 1 to %d octets of UTF-8"),
		    CREDENTIAL_NAME_MAX);
		return -1;
	}
	if (a_r->protocols_len == 0 ||
	    str_number(created, n, INT64_MAX, &a_r->created) == -1 ||
	    a_r->hash_len == 0 || a_r->hash_len > CREDENTIAL_HASH_MAX) {
		buf_set(why, _("app=%.*s: protocols, time or hash are missing"),
		    (int)a_r->name_len, a_r->name);
		return -1;
	}
	return 0;
}

int
credential_app_may(const struct credential_app *a, const char *protocol)
{
	const char *p = a->protocols, *end = p + a->protocols_len, *plus;

	if (a->protocols_len == 1 && *p == '*')
		return 1;
	for (; p < end; p = plus + 1) {
		plus = memchr(p, '+', (size_t)(end - p));
		if (plus == NULL)
			plus = end;
		if (strlen(protocol) == (size_t)(plus - p) &&
		    memcmp(p, protocol, (size_t)(plus - p)) == 0)
			return 1;
	}
	return 0;
}

uint32_t
credential_protocols(const char *p, size_t len)
{
	uint32_t all = PROTOCOLS_ALL, set;
	const char *end = p + len;
	struct credential c;
	int r;

	while ((r = credential_next(&p, end, &c)) != 0)
		if (r == 1 && c.kind == CREDENTIAL_PROTOCOLS)
			all &= protocols_parse(c.value, c.len, &set) == 0 ?
			    set : 0;
	return all;
}

int
credential_hash(const char *p, size_t len, struct buf *hash_r)
{
	const char *end = p + len;
	struct credential c;
	int r;

	buf_reset(hash_r);
	while ((r = credential_next(&p, end, &c)) != 0)
		if (r == 1 && c.kind == CREDENTIAL_CRYPT)
			return c.len > 0 && buf_append(hash_r, c.value,
			    c.len) == 0;
	return 0;
}
