#include <stdlib.h>
#include <string.h>

#include "auth/auth_hash.h"
#include "auth/auth_hashes.h"
#include "lib/base/mem.h"
#include "lib/mail/scram.h"

static void
add(struct auth_hashes *h, const char *p, size_t len, char *app)
{
	char *hash = mem_strndup(p, len);
	const char *fault = auth_hash_fault(hash);

	if (fault != NULL || h->n == AUTH_HASHES_MAX) {
		h->fault = fault != NULL ? fault : "too many hashes";
		mem_wipe(hash, len);
		free(hash);
		free(app);
		return;
	}
	h->hash[h->n] = hash;
	h->app[h->n++] = app;
}

static int
is_scram(const struct credential *c)
{
	struct buf why = BUF_INIT(200);
	struct scram_keys keys;
	int r = scram_parse(c->value, c->len, &keys, &why);

	scram_wipe(&keys);
	buf_clear(&why);
	return r == 0;
}

static void
add_app(struct auth_hashes *h, const struct credential *c,
    const char *protocol)
{
	struct buf why = BUF_INIT(200);
	struct credential_app a;

	if (credential_app(c, &a, &why) == -1)
		h->fault = "an app password is damaged";
	else if (protocol == NULL || credential_app_may(&a, protocol))
		add(h, a.hash, a.hash_len, mem_strndup(a.name, a.name_len));
	buf_clear(&why);
}

void
auth_hashes_read(struct auth_hashes *h, const char *text, size_t len,
    const char *protocol)
{
	const char *p = text, *end = text + len;
	struct buf own = BUF_INIT(CREDENTIAL_HASH_MAX);
	struct credential c;
	int r, has_own;

	memset(h, 0, sizeof(*h));
	/* The account's own stands first, wherever its field does. */
	has_own = credential_hash(text, len, &own);
	if (has_own)
		add(h, buf_str(&own), own.len, NULL);
	buf_wipe(&own);
	while ((r = credential_next(&p, end, &c)) != 0) {
		if (r == -1)
			h->fault = "its line is damaged";
		else if (c.kind == CREDENTIAL_SCRAM)
			h->scram |= is_scram(&c);
		else if (c.kind == CREDENTIAL_APP)
			add_app(h, &c, protocol);
		else if (c.kind == CREDENTIAL_PAM && !has_own && c.len > 0 &&
		    h->pam == NULL)
			h->pam = mem_strndup(c.value, c.len);
	}
}

void
auth_hashes_one(struct auth_hashes *h, const char *hash)
{
	memset(h, 0, sizeof(*h));
	h->hash[0] = mem_strdup(hash);
	h->n = 1;
}

void
auth_hashes_clear(struct auth_hashes *h)
{
	unsigned i;

	for (i = 0; i < h->n; i++) {
		mem_wipe(h->hash[i], strlen(h->hash[i]));
		free(h->hash[i]);
		free(h->app[i]);
	}
	free(h->pam);
	memset(h, 0, sizeof(*h));
}
