#include "config.h"

#include <string.h>

#include "ctl/ctl_compile.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_set.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

/* "alias" domain, behind the "=" */
static int
parse_target(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf target = BUF_INIT(DOMAIN_MAX);
	const char *word;
	size_t n;
	int ok;

	word = row_word(&p, &len, &n);
	if (!str_is(word, n, "alias")) {
		buf_set(why, _("expected \"= alias DOMAIN\""));
		return -1;
	}
	name_trim(&p, &len);
	ok = name_domain(p, len, &target, why);
	r->value = row_take(&target);
	return ok;
}

static int
parse_grants(const char *p, size_t len, struct row *r, struct buf *why)
{
	const char *word;
	size_t n;
	int found;

	while ((word = row_word(&p, &len, &n), n > 0)) {
		found = grants_parse(word, n, &r->grants, why);
		if (found == 0)
			row_unknown(word, n, "= alias DOMAIN", why);
		if (found != 1)
			return -1;
	}
	return 0;
}

/* domain ( *( grant ) | "=" "alias" domain ) */
static int
parse_domain(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(DOMAIN_MAX);
	size_t n;
	int ok;

	for (n = 0; n < len && strchr(" \t=", p[n]) == NULL; n++)
		;
	ok = name_domain(p, n, &name, why);
	r->key = row_take(&name);
	p += n;
	len -= n;
	name_trim(&p, &len);
	if (ok == 0)
		ok = len > 0 && *p == '=' ?
		    parse_target(p + 1, len - 1, r, why) :
		    parse_grants(p, len, r, why);
	return ok;
}

static int
domain_key(const char *p, size_t len, struct buf *out, struct buf *why)
{
	return name_domain(p, len, out, why);
}

static int
check_domains(struct set *s, struct buf *why, struct buf *warn)
{
	const struct row *r, *target;
	size_t i = 0;
	int bad = 0;

	while ((r = text_next(&s->t[TEXT_DOMAINS], &i)) != NULL) {
		if (r->value == NULL)
			continue;
		target = text_find(&s->t[TEXT_DOMAINS], r->value);
		if (target != NULL && target->value == NULL)
			continue;
		text_complain(s->dir, &s->t[TEXT_DOMAINS], r->line, why,
		    target == NULL ? _("%s: alias of %s, which is not there") :
		    _("%s: alias of %s, which is an alias itself"), r->key,
		    r->value);
		bad = -1;
	}
	return bad;
}

static void
compile_domains(struct set *s, struct compile *c)
{
	const char *home = set_host_domain(s);
	const struct row *r;
	size_t i = 0;

	if (home != NULL) {	/* ctl_set.h tells why */
		compile_key(c, 'd', s->host);
		buf_printf(&c->value, "a%s", home);
		compile_put(c);
	}
	while ((r = text_next(&s->t[TEXT_DOMAINS], &i)) != NULL) {
		compile_key(c, 'd', r->key);
		buf_putc(&c->value, r->value == NULL ? 'l' : 'a');
		if (r->value != NULL)
			buf_puts(&c->value, r->value);
		compile_put(c);
	}
}

const struct table table_domains = {
	.file = "domains",
	.mode = 0644,
	.cdb = TABLE_JAIL,
	.parse = parse_domain,
	.key = domain_key,
	.check = check_domains,
	.compile = compile_domains,
};
