#include "config.h"

#include <string.h>

#include "ctl/ctl_check.h"
#include "ctl/ctl_compile.h"
#include "ctl/ctl_granted.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_set.h"
#include "ctl/table_renamed.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"

/* grant | "disabled" | "moving=" address | "was=" address "," date */
static int
parse_attribute(const char *p, size_t len, struct row *r, struct buf *why)
{
	int found = grants_parse(p, len, &r->grants, why);

	if (found == 0 && str_is(p, len, "disabled")) {
		r->flags |= TABLES_DISABLED;
		return 0;
	}
	if (found == 0)
		found = renamed_parse(p, len, r, why);
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

/* The mail under that name is not its own. */
static int
check_moving(struct set *s, const struct row *r, struct buf *why)
{
	const char *old = renamed_moving(r);

	if (old == NULL || text_find(&s->t[TEXT_USERS], old) == NULL)
		return 0;
	text_complain(s->dir, &s->t[TEXT_USERS], r->line, why, _("%s: its mail "
	    "is still that of %s (\"rohrpost user rename %s %s\" moves it)"),
	    r->key, old, old, r->key);
	return -1;
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
		if (check_moving(s, r, why) == -1)
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

/* Names that it had, and nobody has now. */
static void
compile_renamed(struct set *s, struct compile *c, const struct row *r)
{
	const char *old = renamed_moving(r);
	char name[ADDRESS_MAX + 1];
	size_t i, len;

	for (i = 0; i < r->n_targets; i++) {
		const char *p = renamed_name(r->targets[i], &len);

		memcpy(name, p, len);
		name[len] = '\0';
		if (text_find(&s->t[TEXT_USERS], name) != NULL)
			continue;
		compile_key(c, 'r', name);
		buf_puts(&c->value, r->key);
		compile_put(c);
	}
	if (old == NULL)
		return;
	compile_key(c, 'm', r->key);
	buf_puts(&c->value, old);
	compile_put(c);
	compile_needs(c, 3);
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
		compile_renamed(s, c, r);
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
