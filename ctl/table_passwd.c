#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_compile.h"
#include "ctl/ctl_granted.h"
#include "ctl/ctl_hash.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_pam.h"
#include "ctl/ctl_set.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/credential.h"
#include "lib/mail/limits.h"
#include "lib/mail/protocols.h"
#include "lib/mail/scram.h"
#include "lib/mail/tables.h"

/* What was seen of a line, to find what stands there twice. */
struct passwd_seen {
	int	 crypt, scram;
	size_t	 apps;
	struct credential_app app[CREDENTIAL_APPS];
};

static int
check_hash(const char *p, size_t len, struct buf *why)
{
	char *hash = mem_strndup(p, len);
	int r = hash_check(hash, why);

	mem_wipe(hash, len);
	free(hash);
	return r;
}

static int
check_app(const struct credential *c, struct passwd_seen *s, struct buf *why)
{
	struct credential_app *a = &s->app[s->apps];
	size_t i;

	if (s->apps == CREDENTIAL_APPS) {
		buf_set(why, _("more than %d app passwords"), CREDENTIAL_APPS);
		return -1;
	}
	if (credential_app(c, a, why) == -1)
		return -1;
	for (i = 0; i < s->apps; i++) {
		if (s->app[i].name_len != a->name_len ||
		    memcmp(s->app[i].name, a->name, a->name_len) != 0)
			continue;
		buf_set(why, _("two app passwords are called %.*s"),
		    (int)a->name_len, a->name);
		return -1;
	}
	s->apps++;
	return check_hash(a->hash, a->hash_len, why);
}

static int
check_field(const struct credential *c, struct passwd_seen *s, struct buf *why)
{
	struct scram_keys keys;
	int r;

	switch (c->kind) {
	case CREDENTIAL_CRYPT:
		if (s->crypt++ == 0)
			return check_hash(c->value, c->len, why);
		break;
	case CREDENTIAL_SCRAM:
		if (s->scram++ == 0) {
			r = scram_parse(c->value, c->len, &keys, why);
			scram_wipe(&keys);
			return r;
		}
		break;
	case CREDENTIAL_APP:
		return check_app(c, s, why);
	case CREDENTIAL_PAM:
		buf_set(why, _("pam= is not for passwd: members of pam_group "
		    "have it from rohrpost apply"));
		return -1;
	default:
		return 0;
	}
	buf_set(why, _("two hashes, or two sets of keys, of one password"));
	return -1;
}

/* 0, or -1: one of the fields is not right. */
static int
check_credentials(const char *p, size_t len, struct buf *why)
{
	struct passwd_seen seen = { .apps = 0 };
	const char *end = p + len;
	struct credential c;
	int r;

	if (len == 0 || *p == ':') {
		buf_set(why, _("expected \"address:crypt=HASH\""));
		return -1;
	}
	if (len > CREDENTIAL_MAX) {
		buf_set(why, _("longer than %d octets"), CREDENTIAL_MAX);
		return -1;
	}
	while ((r = credential_next(&p, end, &c)) == 1) {
		if (check_field(&c, &seen, why) == -1)
			return -1;
	}
	if (r == -1)
		buf_set(why, _("expected TAG=VALUE after each colon (crypt=, "
		    "scram-sha-256=, app=), or a hash ($y$, $2b$, $6$, $5$, "
		    "{SSHA512}) first"));
	return r;
}

/* address ":" credentials */
static int
parse_passwd(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), fault = BUF_INIT(0),
	    hash = BUF_INIT(CREDENTIAL_HASH_MAX);
	size_t left, rlen;
	const char *right;
	int ok;

	if (!row_split(p, len, ':', &left, &right, &rlen)) {
		buf_set(why, _("expected \"address:crypt=HASH\""));
		return -1;
	}
	ok = name_address(p, left, NAME_ACCOUNT, &name, why);
	r->key = row_take(&name);
	r->value = mem_strndup(right, rlen);
	if (ok == 0 && check_credentials(right, rlen, &fault) == -1) {
		buf_set(why, "%s: %s", r->key, buf_str(&fault));
		ok = -1;
	}
	if (ok == 0 && credential_hash(right, rlen, &hash))
		r->hash = mem_strdup(buf_str(&hash));
	buf_wipe(&hash);
	buf_clear(&fault);
	return ok;
}

static int
passwd_key(const char *p, size_t len, struct buf *out, struct buf *why)
{
	return name_address(p, len, NAME_ACCOUNT, out, why);
}

static int
check_passwd(struct set *s, struct buf *why, struct buf *warn)
{
	const struct row *r;
	size_t i = 0;

	while ((r = text_next(&s->t[TEXT_PASSWD], &i)) != NULL) {
		if (text_find(&s->t[TEXT_USERS], r->key) == NULL)
			text_complain(s->dir, &s->t[TEXT_PASSWD], r->line, warn,
			    _("%s is not in users"), r->key);
	}
	return 0;
}

/* r: its line in passwd, NULL where it has none; pam: or NULL. */
static void
put_fields(const struct row *r, const char *pam, const struct grants *g,
    struct compile *c)
{
	uint32_t set = (uint32_t)g->value[GRANT_PROTOCOLS][0];

	if (r != NULL)
		buf_puts(&c->value, r->value);
	if (pam != NULL)
		buf_printf(&c->value, "%spam=%s", r != NULL ? ":" : "", pam);
	if (set == PROTOCOLS_ALL)
		return;
	buf_puts(&c->value, ":protocols=");
	protocols_print(set, &c->value);
	compile_needs(c, 2);
}

static void
put_account(struct set *s, const struct row *user, const struct row *r,
    struct compile *c)
{
	struct grants g;

	set_grants(s, user, &g);
	buf_puts(&c->key, user->key);
	if (user->flags & TABLES_DISABLED)
		buf_puts(&c->value, PASSWD_DISABLED);
	else
		put_fields(r, pam_judges(s, user) ? user->pam : NULL, &g, c);
	compile_put(c);
}

static void
compile_passwd(struct set *s, struct compile *c)
{
	const struct row *r, *user;
	size_t i = 0;

	while ((r = text_next(&s->t[TEXT_PASSWD], &i)) != NULL) {
		user = text_find(&s->t[TEXT_USERS], r->key);
		if (user != NULL)
			put_account(s, user, r, c);
	}
	/* Users of the host without a line there. */
	for (i = 0; (user = text_next(&s->t[TEXT_USERS], &i)) != NULL;)
		if (user->pam != NULL &&
		    text_find(&s->t[TEXT_PASSWD], user->key) == NULL)
			put_account(s, user, NULL, c);
}

const struct table table_passwd = {
	.file = "passwd",
	.mode = 0600,
	.save_first = 1,
	.cdb = TABLE_AUTH,
	.parse = parse_passwd,
	.key = passwd_key,
	.check = check_passwd,
	.compile = compile_passwd,
};
