#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_hash.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_text.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"

/* One parser per table, told by its id. */
typedef int	row_parser(const char *, size_t, struct row *, struct buf *);

static char *
take(struct buf *b)
{
	char *s = mem_strdup(buf_str(b));

	buf_clear(b);
	return s;
}

/* Splits at the first c into left (trimmed) and right (trimmed); 0 if none. */
static int
split(const char *p, size_t len, char c, size_t *left_r, const char **right_r,
    size_t *rlen_r)
{
	const char *at = memchr(p, c, len);
	const char *left = p;

	if (at == NULL)
		return 0;
	*left_r = (size_t)(at - p);
	*right_r = at + 1;
	*rlen_r = len - *left_r - 1;
	name_trim(&left, left_r);
	name_trim(right_r, rlen_r);
	return 1;
}

/* domain [ "=" "alias" domain ] */
static int
parse_domain(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(DOMAIN_MAX), target = BUF_INIT(DOMAIN_MAX);
	size_t left = len, rlen;
	const char *right;
	int ok;

	if (split(p, len, '=', &left, &right, &rlen)) {
		if (rlen < 6 || !str_is(right, 5, "alias") ||
		    (right[5] != ' ' && right[5] != '\t')) {
			buf_set(why, "expected \"= alias DOMAIN\"");
			return -1;
		}
		right += 6;
		rlen -= 6;
		name_trim(&right, &rlen);
		if (name_domain(right, rlen, &target, why) == -1) {
			buf_clear(&target);
			return -1;
		}
		r->value = take(&target);
	}
	ok = name_domain(p, left, &name, why);
	r->key = take(&name);
	return ok;
}

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
		buf_set(why, "%.*s: not known (quota=SIZE[,COUNT], disabled)",
		    (int)(len > 80 ? 80 : len), p);
		return -1;
	}
	p += 6;
	comma = memchr(p, ',', (size_t)(end - p));
	if (comma != NULL && str_number(comma + 1, (size_t)(end - comma - 1),
	    UINT32_MAX, &r->quota_count) == -1) {
		buf_set(why, "quota: not a number of messages");
		return -1;
	}
	if (name_size(p, (size_t)((comma != NULL ? comma : end) - p),
	    &r->quota_size) == -1) {
		buf_set(why, "quota: not a size (10M, 2G; 0 for none)");
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
	r->key = take(&name);
	return ok;
}

/* address ":" hash */
static int
parse_passwd(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), fault = BUF_INIT(0);
	size_t left, rlen;
	const char *right;
	int ok;

	if (!split(p, len, ':', &left, &right, &rlen)) {
		buf_set(why, "expected \"address:hash\"");
		return -1;
	}
	ok = name_address(p, left, NAME_ACCOUNT, &name, why);
	r->key = take(&name);
	r->value = mem_strndup(right, rlen);
	if (ok == 0 && hash_check(r->value, &fault) == -1) {
		buf_set(why, "%s: %s", r->key, buf_str(&fault));
		ok = -1;
	}
	buf_clear(&fault);
	return ok;
}

static int
add_target(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);

	name_trim(&p, &len);
	if (len == 0) {
		buf_set(why, "a target is missing");
		return -1;
	}
	if (r->n_targets == RECIPIENTS_MAX) {
		buf_set(why, "more than %d targets", RECIPIENTS_MAX);
		return -1;
	}
	if (name_address(p, len, NAME_TARGET, &name, why) == -1) {
		buf_clear(&name);
		return -1;
	}
	r->targets = mem_realloc(r->targets, r->n_targets + 1,
	    sizeof(*r->targets));
	r->targets[r->n_targets++] = take(&name);
	return 0;
}

/* ( address | "@" domain | "postmaster" | "abuse" ) "=" 1#target */
static int
parse_alias(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);
	const char *right, *comma;
	size_t left, rlen, n;
	int ok;

	if (!split(p, len, '=', &left, &right, &rlen)) {
		buf_set(why, "expected \"address = target, ...\"");
		return -1;
	}
	ok = name_address(p, left, NAME_ALIAS, &name, why);
	r->key = take(&name);
	while (ok == 0) {
		comma = memchr(right, ',', rlen);
		n = comma == NULL ? rlen : (size_t)(comma - right);
		ok = add_target(right, n, r, why);
		if (comma == NULL)
			break;
		right += n + 1;
		rlen -= n + 1;
	}
	return ok;
}

static row_parser *const parsers[TEXT_COUNT] = {
	[TEXT_DOMAINS] = parse_domain,
	[TEXT_USERS] = parse_user,
	[TEXT_PASSWD] = parse_passwd,
	[TEXT_ALIASES] = parse_alias,
};

int
row_parse(enum text_id id, const char *p, size_t len, struct row *r,
    struct buf *why)
{
	memset(r, 0, sizeof(*r));
	if (!str_is_text(p, len)) {
		buf_set(why, "NUL or carriage return in a line");
		return -1;
	}
	return parsers[id](p, len, r, why);
}

void
row_free(struct row **rp)
{
	struct row *r = *rp;
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n_targets; i++)
		free(r->targets[i]);
	free(r->targets);
	if (r->value != NULL)
		mem_wipe(r->value, strlen(r->value));
	free(r->value);
	free(r->key);
	free(r);
	*rp = NULL;
}
