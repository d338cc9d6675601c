/*
 * dkim: keys that sign mail. A key is made, its record is published in the DNS,
 * then it is activated; the one that signed before is retired by that, and its
 * record stays in the DNS for as long as what it signed may be under way.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_dkim.h"
#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_util.h"
#include "ctl/dns_record.h"
#include "ctl/table_dkim.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

/* What of a domain's keys a command is about. */
struct choice {
	struct buf domain;
	const char *selector;		/* NULL: all */
};

static int
is_chosen(const struct choice *c, const struct row *r)
{
	size_t n = strcspn(r->key, ".");

	return strcmp(r->domain, buf_str(&c->domain)) == 0 &&
	    (c->selector == NULL || (strlen(c->selector) == n &&
	    str_ncasecmp(r->key, c->selector, n) == 0));
}

static enum dkim_algorithm
algorithm_of(const struct row *r)
{
	struct dkim_key *k = dkim_key_read(r->value, strlen(r->value));
	enum dkim_algorithm a = dkim_key_algorithm(k);

	dkim_key_free(&k);
	return a;
}

/* The row in another state from today on. */
static int
set_state(struct set *s, const struct row *r, enum dkim_state state,
    struct buf *why)
{
	struct buf line = BUF_INIT(0), key = BUF_INIT(0), name = BUF_INIT(0);
	int ok;

	buf_append(&name, r->key, strcspn(r->key, "."));
	buf_puts(&key, r->key);
	dkim_line(buf_str(&name), r->domain, state, clock_now(), r->value,
	    &line);
	ok = text_set(&s->t[TEXT_DKIM], buf_str(&key), buf_str(&line), why);
	buf_wipe(&line);
	buf_clear(&key);
	buf_clear(&name);
	return ok;
}

/* Today, with a letter behind it where there are keys of that name. */
static void
new_base(const struct set *s, const char *domain, struct buf *out)
{
	static const char ends[] = "bcdefghijklmnopqrstuvwxyz";
	const struct row *r;
	size_t i, n, next = 0;
	char day[16];

	dkim_day(clock_now(), day);
	buf_printf(out, "%.4s%.2s%.2s", day, day + 5, day + 8);
	for (i = 0; (r = text_next(&s->t[TEXT_DKIM], &i)) != NULL;) {
		n = out->len;
		if (strcmp(r->domain, domain) != 0 || strncmp(r->key,
		    buf_str(out), n) != 0 || (r->key[n] != '-' &&
		    r->key[n] != '.') || ends[next] == '\0')
			continue;
		buf_truncate(out, 8);
		buf_putc(out, ends[next++]);
		i = 0;
	}
}

static int
add_key(struct set *s, const char *selector, const char *domain,
    enum dkim_algorithm a, unsigned bits, struct buf *why)
{
	struct dkim_key *k = dkim_key_new(a, bits);
	struct buf text = BUF_INIT(DKIM_KEY_TEXT_MAX), line = BUF_INIT(0);
	int r = -1;

	if (k == NULL || dkim_key_private(k, &text) == -1) {
		buf_set(why, _("OpenSSL makes no key"));
	} else {
		dkim_line(selector, domain, DKIM_NEW, clock_now(),
		    buf_str(&text), &line);
		r = text_add(&s->t[TEXT_DKIM], buf_str(&line), why);
	}
	dkim_key_free(&k);
	buf_wipe(&text);
	buf_wipe(&line);
	return r;
}

/* Before a key is made: what is said of a line would show it. */
static int
check_selector(const struct set *s, const char *selector, const char *domain,
    struct buf *why)
{
	struct buf name = BUF_INIT(0), key = BUF_INIT(0);
	int r;

	buf_printf(&name, "%s" DKIM_RECORD "%s", selector, domain);
	r = s->t[TEXT_DKIM].table->key(buf_str(&name), name.len, &key, why);
	buf_clear(&name);
	buf_clear(&key);
	return r;
}

int
dkim_new(struct set *s, const char *domain, const struct dkim_wish *w,
    struct buf *why)
{
	static const char *const ends[DKIM_ALGORITHMS] = {
		[DKIM_RSA] = "-rsa", [DKIM_ED25519] = "-ed" };
	struct buf base = BUF_INIT(0), name = BUF_INIT(0);
	int both = w->rsa && w->ed25519, r = 0;
	enum dkim_algorithm a;

	if (w->selector != NULL)
		buf_puts(&base, w->selector);
	else
		new_base(s, domain, &base);
	for (a = 0; a < DKIM_ALGORITHMS && r == 0; a++) {
		if (!(a == DKIM_RSA ? w->rsa : w->ed25519))
			continue;
		buf_reset(&name);
		buf_printf(&name, "%s%s", buf_str(&base),
		    both || w->selector == NULL ? ends[a] : "");
		r = check_selector(s, buf_str(&name), domain, why);
		if (r == 0)
			r = add_key(s, buf_str(&name), domain, a, w->bits,
			    why);
	}
	buf_clear(&base);
	buf_clear(&name);
	return r;
}

/* --type and --bits. 0, or -1 with why. */
static int
read_wish(const struct ctl *c, struct dkim_wish *w, struct buf *why)
{
	const char *type = c->opt[OPT_DKIM_TYPE], *bits = c->opt[OPT_DKIM_BITS];
	unsigned long n;
	char *end;

	w->selector = c->opt[OPT_DKIM_SELECTOR];
	w->bits = DKIM_BITS;
	w->rsa = type == NULL || strcmp(type, "ed25519") != 0;
	w->ed25519 = type == NULL || strcmp(type, "rsa") != 0;
	if (type != NULL && w->rsa && w->ed25519 && strcmp(type, "both") != 0) {
		buf_set(why, _("%s: rsa, ed25519 or both"), "--type");
		return -1;
	}
	if (bits == NULL)
		return 0;
	n = strtoul(bits, &end, 10);
	w->bits = (unsigned)n;
	if (*end == '\0' && n >= DKIM_BITS && n <= DKIM_BITS_MAX)
		return 0;
	buf_set(why, _("%s: %d to %d"), "--bits", DKIM_BITS, DKIM_BITS_MAX);
	return -1;
}

/* Opens the tables to edit keys of the domain that was named. 0, or -1. */
static int
begin(struct ctl *c, struct set *s, struct choice *ch, struct buf *why)
{
	buf_init(&ch->domain, DOMAIN_MAX);
	ch->selector = c->opt[OPT_DKIM_SELECTOR];
	if (table_open(c, s, 1) == -1)
		return -1;
	if (dkim_domain(s, c->args[0], &ch->domain, why) == 0)
		return 0;
	ctl_say(0, why);
	set_close(s);
	return -1;
}

static int
finish(struct ctl *c, struct set *s, struct choice *ch, int r,
    struct buf *why)
{
	buf_clear(&ch->domain);
	return table_end(c, s, r, why, 0);
}

int
cmd_dkim_new(struct ctl *c)
{
	struct buf why = BUF_INIT(0);
	struct dkim_wish w;
	struct choice ch;
	struct set s;
	int r;

	if (read_wish(c, &w, &why) == -1) {
		r = ctl_fail(CTL_USAGE, "%s", buf_str(&why));
		buf_clear(&why);
		return r;
	}
	if (begin(c, &s, &ch, &why) == -1)
		return CTL_REFUSED;
	r = dkim_new(&s, buf_str(&ch.domain), &w, &why);
	r = finish(c, &s, &ch, r, &why);
	if (r == CTL_DONE)
		printf(_("publish what \"rohrpost dkim show %s\" says, then "
		    "\"rohrpost dkim activate %s\"\n"), c->args[0],
		    c->args[0]);
	return r;
}

/* Retires the active ones of that kind. */
static int
retire_kind(struct set *s, const struct choice *ch, enum dkim_algorithm a,
    struct buf *why)
{
	const struct row *r;
	size_t i = 0;
	int ok = 0;

	while (ok == 0 && (r = text_next(&s->t[TEXT_DKIM], &i)) != NULL)
		if (r->flags == DKIM_ACTIVE && algorithm_of(r) == a &&
		    strcmp(r->domain, buf_str(&ch->domain)) == 0)
			ok = set_state(s, r, DKIM_RETIRED, why);
	return ok;
}

/* The chosen ones that do not sign yet: the new; by name, retired ones too. */
static int
activate(struct set *s, const struct choice *ch, struct buf *why)
{
	const struct row *r;
	size_t i = 0, n = 0;
	int ok = 0;

	while (ok == 0 && (r = text_next(&s->t[TEXT_DKIM], &i)) != NULL) {
		if (!is_chosen(ch, r) || r->flags == DKIM_ACTIVE ||
		    (r->flags == DKIM_RETIRED && ch->selector == NULL))
			continue;
		ok = retire_kind(s, ch, algorithm_of(r), why);
		if (ok == 0)
			ok = set_state(s, r, DKIM_ACTIVE, why);
		n++;
	}
	if (ok == 0 && n == 0) {
		buf_set(why, _("%s: no key that waits to be activated (\"rohrpost "
		    "dkim new\" makes one)"), buf_str(&ch->domain));
		ok = -1;
	}
	return ok;
}

int
cmd_dkim_activate(struct ctl *c)
{
	struct buf why = BUF_INIT(0);
	struct choice ch;
	struct set s;

	if (begin(c, &s, &ch, &why) == -1)
		return CTL_REFUSED;
	return finish(c, &s, &ch, activate(&s, &ch, &why), &why);
}

/* What has never signed, or is no more needed, goes for good. */
static int
retire_one(struct set *s, const struct row *r, struct buf *why)
{
	struct buf key = BUF_INIT(0);
	int ok;

	if (r->flags == DKIM_ACTIVE)
		return set_state(s, r, DKIM_RETIRED, why);
	buf_puts(&key, r->key);
	ok = text_del(&s->t[TEXT_DKIM], buf_str(&key));
	buf_clear(&key);
	return ok;
}

static int
retire(struct set *s, const struct choice *ch, struct buf *why)
{
	const struct row *r;
	size_t i = 0, n = 0;
	int ok = 0;

	while (ok == 0 && (r = text_next(&s->t[TEXT_DKIM], &i)) != NULL) {
		if (!is_chosen(ch, r) || (ch->selector == NULL &&
		    r->flags == DKIM_NEW) || (r->flags == DKIM_RETIRED &&
		    ch->selector == NULL &&
		    r->since + DKIM_KEEP > clock_now()))
			continue;
		/* A line that goes leaves the next one in its place. */
		i -= r->flags != DKIM_ACTIVE;
		ok = retire_one(s, r, why);
		n++;
	}
	if (ok == 0 && n == 0) {
		buf_set(why, _("%s: no key that could be retired"),
		    buf_str(&ch->domain));
		ok = -1;
	}
	return ok;
}

int
cmd_dkim_retire(struct ctl *c)
{
	struct buf why = BUF_INIT(0);
	struct choice ch;
	struct set s;

	if (begin(c, &s, &ch, &why) == -1)
		return CTL_REFUSED;
	return finish(c, &s, &ch, retire(&s, &ch, &why), &why);
}

/* As lines of a zone, with what a form asks for beside them. */
static void
show_zone(const struct row *r, const char *value, const char *zone)
{
	char since[16], until[16];

	dkim_day(r->since, since);
	dkim_day(r->since + DKIM_KEEP, until);
	printf(r->flags == DKIM_RETIRED ?
	    _("; %.*s for %s: %s since %s; it stays in the DNS until %s\n") :
	    _("; %.*s for %s: %s since %s\n"), (int)strcspn(r->key, "."),
	    r->key, r->domain, words_of("dkim",
	    dkim_state_name(r->flags)), since, until);
	printf("; %s\n; %s\n%s\n", r->key, value, zone);
}

static void
show_json(struct out *o, const struct row *r, const char *value,
    const char *zone)
{
	struct dkim_key *k = dkim_key_read(r->value, strlen(r->value));
	char day[16];

	out_text(o, r->domain);
	out_value(o, C_TEXT, r->key, strcspn(r->key, "."));
	out_text(o, dkim_key_algorithm(k) == DKIM_RSA ? "rsa" : "ed25519");
	out_number(o, dkim_key_bits(k));
	out_text(o, dkim_state_name(r->flags));
	dkim_day(r->since, day);
	out_text(o, day);
	dkim_day(r->since + DKIM_KEEP, day);
	if (r->flags == DKIM_RETIRED)
		out_text(o, day);
	else
		out_null(o);
	out_text(o, r->key);
	out_text(o, value);
	out_text(o, zone);
	dkim_key_free(&k);
}

static void
show_one(struct ctl *c, struct out *o, const struct row *r)
{
	struct buf value = BUF_INIT(0), zone = BUF_INIT(0);
	struct dns_record d = { .type = "TXT", .name = r->key, .priority = -1,
		.weight = -1, .port = -1 };

	(void)!dkim_record(r, &value);
	d.value = value.data;
	dns_record_zone(&d, &zone);
	if (c->json)
		show_json(o, r, buf_str(&value), buf_str(&zone));
	else
		show_zone(r, buf_str(&value), buf_str(&zone));
	buf_clear(&value);
	buf_clear(&zone);
}

static void
show_names(struct out *o)
{
	static const char *const names[] = { "domain", "selector", "type",
		"bits", "state", "since", "until", "name", "value", "zone" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		out_name(o, names[i], strlen(names[i]));
}

int
cmd_dkim_show(struct ctl *c)
{
	struct buf domain = BUF_INIT(DOMAIN_MAX), why = BUF_INIT(0);
	const struct row *r;
	struct out o;
	struct set s;
	size_t i = 0;

	if (table_open(c, &s, 0) == -1)
		return CTL_REFUSED;
	if (c->n_args > 0) {
		set_host(&s, ctl_load(c) == 0 ? c->hostname : "");
		if (dkim_domain(&s, c->args[0], &domain, &why) == -1)
			return table_end(c, &s, -1, &why, 0);
	}
	out_init(&o, stdout, c->json);
	if (c->json)
		show_names(&o);
	while ((r = text_next(&s.t[TEXT_DKIM], &i)) != NULL)
		if (c->n_args == 0 || strcmp(r->domain, buf_str(&domain)) == 0)
			show_one(c, &o, r);
	buf_clear(&domain);
	return c->json ? table_listed(&s, &o) : (set_close(&s), CTL_DONE);
}
