#include "config.h"

#include <string.h>

#include "ctl/ctl_check.h"
#include "ctl/ctl_compile.h"
#include "ctl/ctl_granted.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_set.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"

/* grant | "disabled" */
static int
parse_attribute(const char *p, size_t len, struct row *r, struct buf *why)
{
	int found = grants_parse(p, len, &r->grants, why);

	if (found == 0 && str_is(p, len, "disabled")) {
		r->flags |= TABLES_DISABLED;
		return 0;
	}
	if (found == 0)
		row_unknown(p, len, "disabled", why);
	return found == 1 ? 0 : -1;
}

/* address *( attribute ) */
static int
parse_user(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);
	const char *word;
	size_t n;
	int ok;

	word = row_word(&p, &len, &n);
	ok = name_address(word, n, NAME_ACCOUNT, &name, why);
	while (ok == 0 && (word = row_word(&p, &len, &n), n > 0))
		ok = parse_attribute(word, n, r, why);
	r->key = row_take(&name);
	return ok;
}

static int
user_key(const char *p, size_t len, struct buf *out, struct buf *why)
{
	return name_address(p, len, NAME_ACCOUNT, out, why);
}

static int
check_users(struct set *s, struct buf *why, struct buf *warn)
{
	const struct row *r;
	size_t i = 0;
	int bad = 0;

	while ((r = text_next(&s->t[TEXT_USERS], &i)) != NULL) {
		if (set_check_place(s, TEXT_USERS, r, why) == -1)
			bad = -1;
		if (r->pam == NULL &&
		    text_find(&s->t[TEXT_PASSWD], r->key) == NULL)
			text_complain(s->dir, &s->t[TEXT_USERS], r->line, warn,
			    _("%s has no password and cannot log in"), r->key);
	}
	return bad;
}

static uint32_t
flags_of(const struct grants *g)
{
	return g->value[GRANT_MAY_SEND][0] == 0 ? TABLES_SILENT : 0;
}

static void
compile_users(struct set *s, struct compile *c)
{
	struct grants g;
	struct row *r;
	size_t i = 0;

	while ((r = text_next(&s->t[TEXT_USERS], &i)) != NULL) {
		set_grants(s, r, &g);
		compile_key(c, 'u', r->key);
		buf_put_u64(&c->value, g.value[GRANT_QUOTA][0]);
		buf_put_u64(&c->value, g.value[GRANT_QUOTA][1]);
		buf_put_u32(&c->value, r->flags | flags_of(&g) |
		    (g.said & 1U << GRANT_QUOTA ? 0 : TABLES_NO_QUOTA));
		if (flags_of(&g) != 0)
			compile_needs(c, 2);
		buf_put_u32(&c->value, (uint32_t)g.value[GRANT_POP3_KEEP][0]);
		buf_put_u32(&c->value,
		    (uint32_t)g.value[GRANT_EXPIRE_TRASH][0]);
		buf_put_u32(&c->value,
		    (uint32_t)g.value[GRANT_EXPIRE_JUNK][0]);
		compile_put(c);
		compile_owner(c, r->key, r);
	}
}

const struct table table_users = {
	.file = "users",
	.mode = 0644,
	.cdb = TABLE_JAIL,
	.parse = parse_user,
	.key = user_key,
	.check = check_users,
	.compile = compile_users,
};
