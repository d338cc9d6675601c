/*
 * quota list: what accounts and domains hold, and what they may. store tells of
 * accounts; who has none of its mailboxes yet stands in the tables alone.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_admin.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_granted.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

enum {
	SILENCE_MS = 600 * 1000,	/* accounts may have to be read */
	ROWS_MAX = 512 << 20,		/* octets, of all accounts */
	NO_PERCENT = -1,
};

struct line {
	int	 domain;		/* else an account */
	char	*name;
	struct line *of;		/* its domain; NULL: it is one */
	uint64_t size, size_max;	/* octets; max 0: no bound */
	uint64_t count, count_max;	/* messages; the same */
	int64_t	 percent;
};

struct lines {
	struct line *p;
	size_t	 n;
};

static int64_t
percent(uint64_t n, uint64_t max)
{
	static const uint64_t most = UINT64_MAX / 100;
	uint64_t whole;

	if (max == 0)
		return NO_PERCENT;
	whole = n / max;
	if (whole > INT32_MAX)
		return (int64_t)INT32_MAX * 100;
	n %= max;
	return (int64_t)(whole * 100 + (n <= most ? n * 100 / max :
	    n / (max / 100)));
}

static int
by_name(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->domain != y->domain ? y->domain - x->domain :
	    strcmp(x->name, y->name);
}

/* The fullest first; what has no bound comes last. */
static int
by_percent(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->percent != y->percent ? (x->percent < y->percent) -
	    (x->percent > y->percent) : by_name(a, b);
}

static struct line *
find(const struct lines *l, int domain, const char *name)
{
	struct line key = { .domain = domain,
		.name = (char *)(uintptr_t)name };

	return l->n == 0 ? NULL :
	    bsearch(&key, l->p, l->n, sizeof(key), by_name);
}

static struct line *
add(struct lines *l, int domain, const char *name)
{
	l->p = mem_realloc(l->p, l->n + 1, sizeof(*l->p));
	l->p[l->n] = (struct line){ .domain = domain,
		.name = mem_strdup(name) };
	return &l->p[l->n++];
}

/* The domain whose sum an address counts in: what an alias leads to. */
static const char *
domain_of(const struct set *s, const char *domain)
{
	const struct row *r = text_find(&s->t[TEXT_DOMAINS], domain);

	return r == NULL ? NULL : r->value != NULL ? r->value : r->key;
}

static int
is_asked(const char *domain, const char *asked)
{
	return domain != NULL && (asked == NULL || strcmp(domain, asked) == 0);
}

/* Every domain and account of the tables, as far as it is asked for. */
static void
add_all(struct lines *l, const struct ctl *c, const struct set *s,
    const char *asked)
{
	const struct row *r;
	struct line *line;
	struct grants g;
	size_t i = 0;

	while ((r = text_next(&s->t[TEXT_DOMAINS], &i)) != NULL)
		if (r->value == NULL && is_asked(r->key, asked) &&
		    admin_may(c->admin, r->key)) {
			line = add(l, 1, r->key);
			line->size_max = r->sum[0];
			line->count_max = r->sum[1];
		}
	i = 0;
	while ((r = text_next(&s->t[TEXT_USERS], &i)) != NULL) {
		if (!is_asked(domain_of(s, strrchr(r->key, '@') + 1), asked) ||
		    !admin_may(c->admin, r->key))
			continue;
		set_grants(s, r, &g);
		line = add(l, 0, r->key);
		line->size_max = g.value[GRANT_QUOTA][0];
		line->count_max = g.value[GRANT_QUOTA][1];
	}
	if (l->n > 0)
		qsort(l->p, l->n, sizeof(*l->p), by_name);
	for (i = 0; i < l->n; i++)
		if (!l->p[i].domain)
			l->p[i].of = find(l, 1, domain_of(s,
			    strrchr(l->p[i].name, '@') + 1));
}

static uint64_t
take_number(struct cursor *row)
{
	uint64_t v = 0;
	const char *p;
	size_t len;

	(void)cursor_u8(row);
	p = cursor_lv(row, &len, CTL_ROW_MAX);
	return p != NULL && str_number(p, len, UINT64_MAX, &v) == 0 ? v : 0;
}

/* A row of store's list (store/ctl_control.c). */
static void
take_row(const struct lines *l, struct cursor row)
{
	struct buf name = BUF_INIT(CTL_ROW_MAX);
	struct line *line;
	const char *p;
	size_t len;

	(void)cursor_u8(&row);
	p = cursor_lv(&row, &len, CTL_ROW_MAX);
	if (p != NULL)
		(void)!buf_append(&name, p, len);
	line = p == NULL ? NULL : find(l, 0, buf_str(&name));
	buf_clear(&name);
	/* Mail that an account left behind counts for nobody. */
	if (line == NULL)
		return;
	(void)take_number(&row);	/* mailboxes */
	line->count = take_number(&row);
	line->size = take_number(&row);
	/* store knows its own settings, too. */
	line->size_max = take_number(&row);
	line->count_max = take_number(&row);
	if (line->of != NULL) {
		line->of->count += line->count;
		line->of->size += line->size;
	}
}

static void
take_rows(const struct lines *l, const struct buf *rows)
{
	struct cursor all, row;
	const char *p;
	size_t len;

	cursor_init(&all, rows->data, rows->len);
	(void)cursor_lv(&all, &len, CTL_NAMES_MAX);
	while (cursor_left(&all) > 0 &&
	    (p = cursor_lv(&all, &len, CTL_ROW_MAX)) != NULL) {
		cursor_init(&row, p, len);
		take_row(l, row);
	}
}

static void
put_bound(struct out *o, uint64_t used, uint64_t max)
{
	out_number(o, used);
	if (max > 0)
		out_number(o, max);
	else
		out_null(o);
}

static int
print_all(const struct lines *l, int json)
{
	struct out o;
	size_t i;

	out_init(&o, stdout, json);
	out_name(&o, "kind", 4);
	out_name(&o, "name", 4);
	out_name(&o, "size", 4);
	out_name(&o, "quota_size", 10);
	out_name(&o, "messages", 8);
	out_name(&o, "quota_count", 11);
	out_name(&o, "percent", 7);
	for (i = 0; i < l->n; i++) {
		out_text(&o, l->p[i].domain ? "domain" : "account");
		out_text(&o, l->p[i].name);
		put_bound(&o, l->p[i].size, l->p[i].size_max);
		put_bound(&o, l->p[i].count, l->p[i].count_max);
		if (l->p[i].percent == NO_PERCENT)
			out_null(&o);
		else
			out_number(&o, (uint64_t)l->p[i].percent);
	}
	return out_end(&o);
}

static void
judge_all(struct lines *l)
{
	int64_t size, count;
	size_t i;

	for (i = 0; i < l->n; i++) {
		size = percent(l->p[i].size, l->p[i].size_max);
		count = percent(l->p[i].count, l->p[i].count_max);
		l->p[i].percent = size > count ? size : count;
	}
	if (l->n > 0)
		qsort(l->p, l->n, sizeof(*l->p), by_percent);
}

/* The domain that is asked for; NULL: all. 0, or -1 with why. */
static int
asked_domain(const struct ctl *c, const struct set *s, const char **name_r,
    struct buf *why)
{
	struct buf name = BUF_INIT(DOMAIN_MAX);
	int r = 0;

	*name_r = NULL;
	if (c->opt[0] == NULL)
		return 0;
	r = name_domain(c->opt[0], strlen(c->opt[0]), &name, why);
	if (r == 0 && (*name_r = domain_of(s, buf_str(&name))) == NULL) {
		buf_set(why, _("%s: not in domains"), buf_str(&name));
		r = -1;
	}
	buf_clear(&name);
	return r;
}

/* What the tables say. 0, or -1 with why. */
static int
read_tables(struct ctl *c, struct set *s, struct lines *l, struct buf *why)
{
	const char *asked;

	if (table_system(c, s, why) == -1 ||
	    table_pam(s, c->dir, why) == -1 ||
	    asked_domain(c, s, &asked, why) == -1)
		return -1;
	set_join(s);
	add_all(l, c, s, asked);
	return 0;
}

/* A list that leaves somebody out is printed, and no whole one. */
static int
ask_store(struct ctl *c, struct lines *l)
{
	struct buf rows = BUF_INIT(ROWS_MAX);
	struct ctl_control q = { .who = PEER_STORE, .type = C_LIST,
		.timeout_ms = SILENCE_MS, .progress = 1, .quiet = 1,
		.whole = &rows };
	int r = control_call(c, &q);

	if (r != CTL_LATER) {
		take_rows(l, &rows);
		judge_all(l);
		if (print_all(l, c->json) == -1)
			r = CTL_REFUSED;
	}
	buf_clear(&rows);
	return r;
}

int
cmd_quota_list(struct ctl *c)
{
	struct buf why = BUF_INIT(0);
	struct lines l = { NULL, 0 };
	struct set s;
	int r;

	if (ctl_load(c) == -1 || table_open(c, &s, 0) == -1)
		return CTL_REFUSED;
	r = read_tables(c, &s, &l, &why);
	set_close(&s);
	r = r == -1 ? ctl_say(CTL_REFUSED, &why) : ask_store(c, &l);
	while (l.n > 0)
		free(l.p[--l.n].name);
	free(l.p);
	buf_clear(&why);
	return r;
}
