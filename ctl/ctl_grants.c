#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/ctl_grants.h"
#include "ctl/ctl_name.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/protocols.h"
#include "lib/mail/tables.h"

struct grant_row {
	const char *key, *usage;
	/* Reads a value into v, which is zero. 0, or -1 with why. */
	int	(*parse)(const char *p, size_t len, uint64_t *v,
		    struct buf *why);
	void	(*print)(const uint64_t *v, struct buf *out);
	/* What holds where one group says v and another w: into v. */
	void	(*join)(uint64_t *v, const uint64_t *w);
	uint64_t def[GRANT_NUMBERS];
};

/* SIZE [ "," COUNT ] */
int
quota_parse(const char *p, size_t len, uint64_t v[GRANT_NUMBERS],
    struct buf *why)
{
	const char *comma = memchr(p, ',', len), *end = p + len;

	if (comma != NULL && str_number(comma + 1, (size_t)(end - comma - 1),
	    UINT32_MAX, &v[1]) == -1) {
		buf_set(why, _("quota: not a number of messages"));
		return -1;
	}
	if (name_size(p, (size_t)((comma != NULL ? comma : end) - p), &v[0]) ==
	    -1) {
		buf_set(why, _("quota: not a size (10M, 2G; 0 for none)"));
		return -1;
	}
	return 0;
}

void
quota_print(const uint64_t v[GRANT_NUMBERS], struct buf *out)
{
	buf_printf(out, "%" PRIu64, v[0]);
	if (v[1] != 0)
		buf_printf(out, ",%" PRIu64, v[1]);
}

static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a == 0 || b == 0 ? 0 : a > b ? a : b;
}

static void
join_quota(uint64_t *v, const uint64_t *w)
{
	v[0] = larger(v[0], w[0]);
	v[1] = larger(v[1], w[1]);
}

static int
parse_protocols(const char *p, size_t len, uint64_t *v, struct buf *why)
{
	uint32_t set;

	if (protocols_parse(p, len, &set) == -1) {
		buf_set(why, _("protocols: imap, pop3 and submission with + "
		    "between them, *, or none"));
		return -1;
	}
	v[0] = set;
	return 0;
}

static void
print_protocols(const uint64_t *v, struct buf *out)
{
	if (v[0] == PROTOCOLS_ALL)
		buf_putc(out, '*');
	else
		protocols_print((uint32_t)v[0], out);
}

static int
parse_may(const char *p, size_t len, uint64_t *v, struct buf *why)
{
	v[0] = str_is(p, len, "yes");
	if (v[0] || str_is(p, len, "no"))
		return 0;
	buf_set(why, _("may-send: neither yes nor no"));
	return -1;
}

static void
print_may(const uint64_t *v, struct buf *out)
{
	buf_puts(out, v[0] ? "yes" : "no");
}

/* Of a right the strictest holds. */
static void
join_right(uint64_t *v, const uint64_t *w)
{
	v[0] &= w[0];
}

enum { DAY = 86400, DAYS_MAX = 3650 };

/* DAYS "d" */
static int
parse_days(const char *p, size_t len, uint64_t *v, struct buf *why)
{
	if (len < 2 || p[len - 1] != 'd' ||
	    str_number(p, len - 1, DAYS_MAX, &v[0]) == -1) {
		buf_set(why, _("%.*s: not a number of days (0d to %dd)"),
		    (int)(len > 80 ? 80 : len), p, DAYS_MAX);
		return -1;
	}
	v[0] *= DAY;
	return 0;
}

static void
print_days(const uint64_t *v, struct buf *out)
{
	buf_printf(out, "%" PRIu64 "d", v[0] / DAY);
}

/* 0 is the least. */
static void
join_longer(uint64_t *v, const uint64_t *w)
{
	if (v[0] < w[0])
		v[0] = w[0];
}

/* 0 is for ever. */
static void
join_expire(uint64_t *v, const uint64_t *w)
{
	v[0] = larger(v[0], w[0]);
}

static const struct grant_row rows[GRANTS] = {
	[GRANT_QUOTA] = { "quota", "quota=SIZE[,COUNT]", quota_parse,
	    quota_print, join_quota, { 0, 0 } },
	[GRANT_PROTOCOLS] = { "protocols", "protocols=imap+pop3+submission",
	    parse_protocols, print_protocols, join_right,
	    { PROTOCOLS_ALL, 0 } },
	[GRANT_MAY_SEND] = { "may-send", "may-send=yes|no", parse_may,
	    print_may, join_right, { 1, 0 } },
	[GRANT_POP3_KEEP] = { "pop3_keep", "pop3_keep=DAYSd", parse_days,
	    print_days, join_longer, { TABLES_UNSAID, 0 } },
	[GRANT_EXPIRE_TRASH] = { "expire_trash", "expire_trash=DAYSd",
	    parse_days, print_days, join_expire, { TABLES_UNSAID, 0 } },
	[GRANT_EXPIRE_JUNK] = { "expire_junk", "expire_junk=DAYSd",
	    parse_days, print_days, join_expire, { TABLES_UNSAID, 0 } },
};

/* The grant of a word that has an "="; GRANTS where there is none. */
static enum grant
find(const char *p, size_t len, size_t *key_r)
{
	const char *eq = memchr(p, '=', len);
	int i;

	*key_r = eq == NULL ? 0 : (size_t)(eq - p);
	for (i = 0; *key_r > 0 && i < GRANTS; i++)
		if (strlen(rows[i].key) == *key_r &&
		    memcmp(rows[i].key, p, *key_r) == 0)
			return (enum grant)i;
	return GRANTS;
}

static int
take(enum grant i, const char *p, size_t len, struct grants *g,
    struct buf *why)
{
	memset(g->value[i], 0, sizeof(g->value[i]));
	if (rows[i].parse(p, len, g->value[i], why) == -1)
		return -1;
	g->said |= 1U << i;
	return 1;
}

int
grants_parse(const char *p, size_t len, struct grants *g, struct buf *why)
{
	size_t key;
	enum grant i = find(p, len, &key);

	if (i == GRANTS)
		return 0;
	if (g->said & 1U << i) {
		buf_set(why, _("%s stands twice"), rows[i].key);
		return -1;
	}
	return take(i, p + key + 1, len - key - 1, g, why);
}

int
grants_change(const char *p, size_t len, struct grants *g, struct buf *why)
{
	size_t key;
	enum grant i = find(p, len, &key);

	if (i == GRANTS)
		return 0;
	if (len > key + 1)
		return take(i, p + key + 1, len - key - 1, g, why);
	g->said &= ~(1U << i);
	return 1;
}

const char *
grants_key(enum grant i)
{
	return rows[i].key;
}

void
grants_value(const struct grants *g, enum grant i, struct buf *out)
{
	if (g->said & 1U << i)
		rows[i].print(g->value[i], out);
}

static void
print_one(const struct grants *g, int i, struct buf *out)
{
	buf_printf(out, "%s=", rows[i].key);
	rows[i].print(g->value[i], out);
}

void
grants_print(const struct grants *g, struct buf *out)
{
	int i;

	for (i = 0; i < GRANTS; i++)
		if (g->said & 1U << i) {
			buf_putc(out, ' ');
			print_one(g, i, out);
		}
}

void
grants_pack(const struct grants *g, struct buf *out)
{
	struct buf one = BUF_INIT(0);
	int i;

	for (i = 0; i < GRANTS; i++)
		if (g->said & 1U << i) {
			buf_reset(&one);
			print_one(g, i, &one);
			buf_put_lv(out, one.data, one.len);
		}
	buf_clear(&one);
}

void
grants_usage(struct buf *out)
{
	int i;

	for (i = 0; i < GRANTS; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", rows[i].usage);
}

void
grants_join(struct grants *g, const struct grants *other)
{
	int i;

	for (i = 0; i < GRANTS; i++) {
		if (!(other->said & 1U << i))
			continue;
		if (g->said & 1U << i)
			rows[i].join(g->value[i], other->value[i]);
		else
			memcpy(g->value[i], other->value[i],
			    sizeof(g->value[i]));
		g->said |= 1U << i;
	}
}

void
grants_fill(struct grants *g, const struct grants *further)
{
	struct grants all = *further;
	int i;

	for (i = 0; i < GRANTS; i++)
		if (g->said & 1U << i)
			all.said &= ~(1U << i);
	grants_join(g, &all);
}

void
grants_default(struct grants *g)
{
	int i;

	for (i = 0; i < GRANTS; i++)
		if (!(g->said & 1U << i))
			memcpy(g->value[i], rows[i].def, sizeof(g->value[i]));
}
