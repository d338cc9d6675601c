#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/dest_key.h"
#include "lib/mail/proto.h"

int
dest_key_set(struct dest_key *k, const char *route, const char *credential,
    enum dest_tls tls)
{
	int r;

	k->tls = (uint32_t)tls;
	r = str_copy(k->route, sizeof(k->route), route);
	str_tolower(k->route, strlen(k->route));
	r |= str_copy(k->credential, sizeof(k->credential), credential);
	return r == 0 ? 0 : -1;
}

int
dest_key_equal(const struct dest_key *a, const struct dest_key *b)
{
	return a->tls == b->tls && strcmp(a->route, b->route) == 0 &&
	    strcmp(a->credential, b->credential) == 0;
}

/* FNV-1a, of a text with its NUL. */
static uint32_t
hash_text(uint32_t h, const char *s)
{
	do
		h = (h ^ (unsigned char)*s) * 16777619u;
	while (*s++ != '\0');
	return h;
}

uint32_t
dest_key_hash(const struct dest_key *k)
{
	return hash_text(hash_text(2166136261u ^ k->tls, k->route),
	    k->credential);
}

void
dest_key_put(const struct dest_key *k, struct chan *c)
{
	msg_text(c, JF_ROUTE, k->route);
	if (k->credential[0] != '\0')
		msg_text(c, JF_CREDENTIAL, k->credential);
	if (k->tls != DEST_TLS_ROUTE)
		msg_u32(c, JF_TLS, k->tls);
}

static void
get_text(char *to, const struct msg *m, uint8_t tag)
{
	size_t len;
	const char *p = msg_get(m, tag, &len);

	if (len > 0)
		memcpy(to, p, len);
}

int
dest_key_get(struct dest_key *k, const struct msg *m)
{
	/* The table of messages holds both texts to their bounds. */
	memset(k, 0, sizeof(*k));
	get_text(k->route, m, JF_ROUTE);
	get_text(k->credential, m, JF_CREDENTIAL);
	str_tolower(k->route, strlen(k->route));
	k->tls = msg_get_u32(m, JF_TLS);
	return k->tls <= DEST_TLS_VERIFIED ? 0 : -1;
}
