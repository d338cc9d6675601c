#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/ctl_compile.h"
#include "ctl/table_domains.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_set.h"
#include "ctl/table_domains.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

/* One local part, as accounts have it, or an alias. */
static int
add_except(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), address = BUF_INIT(0);
	int ok;

	if (r->n_targets == RECIPIENTS_MAX) {
		buf_set(why, _("more than %d exceptions"), RECIPIENTS_MAX);
		return -1;
	}
	/* Its form is judged with a domain behind it. */
	buf_append(&address, p, len);
	buf_puts(&address, "@x.test");
	ok = len == 0 || memchr(p, '@', len) != NULL ||
	    memchr(p, '*', len) != NULL ? -1 :
	    name_address(address.data, address.len, NAME_ALIAS, &name, why);
	if (ok == -1)
		buf_set(why, _("except: \"%.*s\" is no local part"),
		    (int)(len > 80 ? 80 : len), p);
	else {
		buf_truncate(&name, name.len - 7);
		r->targets = mem_realloc(r->targets, r->n_targets + 1,
		    sizeof(*r->targets));
		r->targets[r->n_targets++] = row_take(&name);
	}
	buf_clear(&address);
	buf_clear(&name);
	return ok;
}

/* "except=" 1#local-part */
static int
parse_except(const char *p, size_t len, struct row *r, struct buf *why)
{
	const char *end = p + len, *comma;

	if (len < 7 || strncmp(p, "except=", 7) != 0) {
		buf_set(why, _("%.*s: not known (%s)"),
		    (int)(len > 80 ? 80 : len), p, "except=NAME,...");
		return -1;
	}
	for (p += 7;; p = comma + 1) {
		comma = memchr(p, ',', (size_t)(end - p));
		if (add_except(p, (size_t)((comma != NULL ? comma : end) - p),
		    r, why) == -1)
			return -1;
		if (comma == NULL)
			return 0;
	}
}

/* "alias" domain [ except ], behind the "=" */
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
	word = row_word(&p, &len, &n);
	ok = name_domain(word, n, &target, why);
	r->value = row_take(&target);
	if (ok == 0 && (word = row_word(&p, &len, &n), n > 0))
		ok = parse_except(word, n, r, why);
	if (ok == 0 && (word = row_word(&p, &len, &n), n > 0)) {
		buf_set(why, _("%.*s: not known (%s)"),
		    (int)(n > 80 ? 80 : n), word, "except=NAME,...");
		ok = -1;
	}
	return ok;
}

/* The name of a Unix user, or of a group with "@" before it. */
static int
is_admin(const char *p, size_t len)
{
	size_t i, at = len > 0 && p[0] == '@';

	if (len == at || len - at > ADMIN_NAME_MAX || p[at] == '-' ||
	    p[at] == '@')
		return 0;
	for (i = at; i < len; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f || p[i] == '#' || p[i] == '=')
			return 0;
	return 1;
}

int
domain_admins(const char *p, size_t len, struct buf *out, struct buf *why)
{
	const char *end = p + len, *comma;
	size_t n = 0;

	for (;; p = comma + 1) {
		comma = memchr(p, ',', (size_t)(end - p));
		if (comma == NULL)
			comma = end;
		if (!is_admin(p, (size_t)(comma - p))) {
			buf_set(why, _("admins: \"%.*s\" is neither a Unix "
			    "user nor a group (@NAME)"),
			    (int)(comma - p > 80 ? 80 : comma - p), p);
			return -1;
		}
		if (++n > ADMINS_MAX) {
			buf_set(why, _("admins: more than %d"), ADMINS_MAX);
			return -1;
		}
		if (n > 1)
			buf_putc(out, ',');
		buf_append(out, p, (size_t)(comma - p));
		if (comma == end)
			return 0;
	}
}

/* "admins=" 1#( user | "@" group ). 1; 0 where it is another word; -1. */
static int
parse_admins(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf list = BUF_INIT(0);
	int ok;

	if (len < 7 || strncmp(p, "admins=", 7) != 0)
		return 0;
	if (r->admins != NULL) {
		buf_set(why, _("admins= stands there twice"));
		return -1;
	}
	ok = domain_admins(p + 7, len - 7, &list, why);
	r->admins = row_take(&list);
	return ok == 0 ? 1 : -1;
}

int
domain_sum(const char *p, size_t len, uint64_t sum[GRANT_NUMBERS],
    struct buf *why)
{
	static const char key[] = "domain_quota=";
	struct buf fault = BUF_INIT(0);
	size_t n = sizeof(key) - 1;
	int r;

	if (len < n || memcmp(p, key, n) != 0)
		return 0;
	memset(sum, 0, GRANT_NUMBERS * sizeof(*sum));
	if (len == n)
		return 1;
	r = quota_parse(p + n, len - n, sum, &fault);
	if (r == -1)
		buf_set(why, "domain_%s", buf_str(&fault));
	buf_clear(&fault);
	return r == -1 ? -1 : 1;
}

void
domain_sum_print(const uint64_t sum[GRANT_NUMBERS], struct buf *out)
{
	if (sum[0] == 0 && sum[1] == 0)
		return;
	buf_puts(out, "domain_quota=");
	quota_print(sum, out);
}

static int
parse_grants(const char *p, size_t len, struct row *r, struct buf *why)
{
	const char *word;
	size_t n;
	int found;

	while ((word = row_word(&p, &len, &n), n > 0)) {
		found = domain_sum(word, n, r->sum, why);
		if (found == 0)
			found = grants_parse(word, n, &r->grants, why);
		if (found == 0)
			found = parse_admins(word, n, r, why);
		if (found == 0)
			row_unknown(word, n, DOMAIN_SUM
			    ", admins=NAME,... = alias DOMAIN", why);
		if (found != 1)
			return -1;
	}
	return 0;
}

/* domain ( *( grant | domain_quota | admins ) | "=" "alias" domain ) */
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

/* What is left out has no line of its own. */
static int
check_excepted(struct set *s, const struct row *domain, struct buf *why)
{
	char name[ADDRESS_MAX + DOMAIN_MAX + 2];
	size_t i;
	int bad = 0;

	for (i = 0; i < domain->n_targets; i++) {
		snprintf(name, sizeof(name), "%s@%s", domain->targets[i],
		    domain->key);
		if (text_find(&s->t[TEXT_USERS], name) == NULL &&
		    text_find(&s->t[TEXT_ALIASES], name) == NULL)
			continue;
		text_complain(s->dir, &s->t[TEXT_DOMAINS], domain->line, why,
		    _("%s is excepted here and has a line of its own"), name);
		bad = -1;
	}
	return bad;
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
		if (check_excepted(s, r, why) == -1)
			bad = -1;
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

/* An alias without a target. */
static void
put_exception(struct compile *c, const char *domain,
    const char *local)
{
	char name[ADDRESS_MAX + DOMAIN_MAX + 2];

	snprintf(name, sizeof(name), "%s@%s", local, domain);
	compile_key(c, 'a', name);
	compile_put(c);
}

static void
compile_sum(struct compile *c, const struct row *r, int first)
{
	if (first) {
		compile_key(c, 'Q', "");
		compile_put(c);
	}
	compile_key(c, 'q', r->key);
	buf_put_u64(&c->value, r->sum[0]);
	buf_put_u64(&c->value, r->sum[1]);
	compile_put(c);
	/* It must not be passed over. */
	compile_needs(c, 4);
}

static void
compile_domains(struct set *s, struct compile *c)
{
	const char *home = set_host_domain(s);
	const struct row *r;
	size_t i = 0, k;
	int own, sums = 0;

	if (home != NULL) {	/* ctl_set.h tells why */
		compile_key(c, 'd', s->host);
		buf_printf(&c->value, "a%s", home);
		compile_put(c);
	}
	while ((r = text_next(&s->t[TEXT_DOMAINS], &i)) != NULL) {
		own = r->own_lines || r->n_targets > 0;
		compile_key(c, 'd', r->key);
		buf_putc(&c->value, r->value == NULL ? 'l' : own ? 'A' : 'a');
		if (r->value != NULL)
			buf_puts(&c->value, r->value);
		compile_put(c);
		if (own)
			compile_needs(c, 2);
		if (r->sum[0] != 0 || r->sum[1] != 0)
			compile_sum(c, r, sums++ == 0);
		for (k = 0; k < r->n_targets; k++)
			put_exception(c, r->key, r->targets[k]);
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
