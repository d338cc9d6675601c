#include "config.h"

#include <string.h>

#include "ctl/ctl_check.h"
#include "ctl/ctl_compile.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_set.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"

/* quota=SIZE[,COUNT] | disabled */
static int
parse_attribute(const char *p, size_t len, struct row *r, struct buf *why)
{
	const char *comma, *end = p + len;

	if (str_is(p, len, "disabled")) {
		r->flags |= TABLES_DISABLED;
		return 0;
	}
	if (len <= 6 || strncmp(p, "quota=", 6) != 0) {
		buf_set(why, _("%.*s: not known (quota=SIZE[,COUNT], "
		    "disabled)"), (int)(len > 80 ? 80 : len), p);
		return -1;
	}
	p += 6;
	comma = memchr(p, ',', (size_t)(end - p));
	if (comma != NULL && str_number(comma + 1, (size_t)(end - comma - 1),
	    UINT32_MAX, &r->quota_count) == -1) {
		buf_set(why, _("quota: not a number of messages"));
		return -1;
	}
	if (name_size(p, (size_t)((comma != NULL ? comma : end) - p),
	    &r->quota_size) == -1) {
		buf_set(why, _("quota: not a size (10M, 2G; 0 for none)"));
		return -1;
	}
	return 0;
}

/* address *( attribute ) */
static int
parse_user(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);
	const char *end = p + len, *s;
	int ok = 0, first = 1;

	while (ok == 0 && p < end) {
		for (s = p; s < end && *s != ' ' && *s != '\t'; s++)
			;
		if (first)
			ok = name_address(p, (size_t)(s - p), NAME_ACCOUNT,
			    &name, why);
		else
			ok = parse_attribute(p, (size_t)(s - p), r, why);
		first = 0;
		for (p = s; p < end && (*p == ' ' || *p == '\t'); p++)
			;
	}
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
		if (text_find(&s->t[TEXT_PASSWD], r->key) == NULL)
			text_complain(s->dir, &s->t[TEXT_USERS], r->line, warn,
			    _("%s has no password and cannot log in"), r->key);
	}
	return bad;
}

static void
compile_users(struct set *s, struct compile *c)
{
	struct row *r;
	size_t i = 0;

	while ((r = text_next(&s->t[TEXT_USERS], &i)) != NULL) {
		compile_key(c, 'u', r->key);
		buf_put_u64(&c->value, r->quota_size);
		buf_put_u64(&c->value, r->quota_count);
		buf_put_u32(&c->value, r->flags);
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
