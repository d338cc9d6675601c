#include "config.h"

#include "ctl/ctl_compile.h"
#include "ctl/ctl_hash.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_set.h"
#include "lib/base/mem.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"

/* address ":" hash */
static int
parse_passwd(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), fault = BUF_INIT(0);
	size_t left, rlen;
	const char *right;
	int ok;

	if (!row_split(p, len, ':', &left, &right, &rlen)) {
		buf_set(why, "expected \"address:hash\"");
		return -1;
	}
	ok = name_address(p, left, NAME_ACCOUNT, &name, why);
	r->key = row_take(&name);
	r->value = mem_strndup(right, rlen);
	if (ok == 0 && hash_check(r->value, &fault) == -1) {
		buf_set(why, "%s: %s", r->key, buf_str(&fault));
		ok = -1;
	}
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
			    "%s is not in users", r->key);
	}
	return 0;
}

static void
compile_passwd(struct set *s, struct compile *c)
{
	const struct row *r, *user;
	size_t i = 0;

	while ((r = text_next(&s->t[TEXT_PASSWD], &i)) != NULL) {
		user = text_find(&s->t[TEXT_USERS], r->key);
		if (user == NULL || (user->flags & TABLES_DISABLED))
			continue;
		buf_puts(&c->key, r->key);
		buf_puts(&c->value, r->value);
		compile_put(c);
	}
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
