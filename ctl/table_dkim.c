#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_compile.h"
#include "ctl/ctl_name.h"
#include "ctl/table_dkim.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/date.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"

/* What a line looks like, in messages. */
static const char form_name[] = "SELECTOR" DKIM_RECORD "DOMAIN",
    form_values[] = "= new|active|retired DAY KEY",
    form_line[] = "SELECTOR" DKIM_RECORD "DOMAIN = STATE DAY KEY";

static const char *const states[DKIM_STATES] = {
	[DKIM_NEW] = NC_("dkim", "new"), [DKIM_ACTIVE] = NC_("dkim", "active"),
	[DKIM_RETIRED] = NC_("dkim", "retired")
};

const char *
dkim_state_name(enum dkim_state s)
{
	return states[s];
}

void
dkim_day(int64_t t, char out[16])
{
	struct date d;

	date_split(t, 0, &d);
	snprintf(out, 16, "%04d-%02d-%02d", d.year % 10000, d.month % 100,
	    d.day % 100);
}

void
dkim_line(const char *selector, const char *domain, enum dkim_state state,
    int64_t since, const char *key, struct buf *out)
{
	char day[16];

	dkim_day(since, day);
	buf_printf(out, "%s" DKIM_RECORD "%s = %s %s %s", selector, domain,
	    states[state], day, key);
}

/* A label of letters, digits and hyphens (RFC 6376 3.1). */
static int
is_selector(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((p[i] < 'a' || p[i] > 'z') && (p[i] < '0' || p[i] > '9') &&
		    (p[i] != '-' || i == 0 || i + 1 == len))
			return 0;
	return len > 0 && len <= DKIM_SELECTOR_MAX;
}

/* selector "._domainkey." domain, in lower case */
static int
dkim_key_name(const char *p, size_t len, struct buf *out, struct buf *why)
{
	static const size_t n = sizeof(DKIM_RECORD) - 1;
	const char *dot = memchr(p, '.', len);
	size_t left = dot != NULL ? (size_t)(dot - p) : 0, before = out->len;

	if (dot == NULL || len - left <= n ||
	    str_ncasecmp(dot, DKIM_RECORD, n) != 0) {
		buf_set(why, _("expected \"%s\""), form_name);
		return -1;
	}
	buf_append(out, p, left);
	str_tolower(out->data + before, left);
	if (!is_selector(out->data + before, left)) {
		buf_set(why, _("a selector is up to %d letters, digits and "
		    "hyphens"), DKIM_SELECTOR_MAX);
		return -1;
	}
	buf_puts(out, DKIM_RECORD);
	return name_domain(dot + n, len - left - n, out, why);
}

/* The next word, up to a blank; "" at the end. */
static size_t
next_word(const char **p, size_t *len)
{
	size_t n = 0;

	name_trim(p, len);
	while (n < *len && (*p)[n] != ' ' && (*p)[n] != '\t')
		n++;
	return n;
}

static int
read_state(const char *p, size_t n, uint32_t *out)
{
	unsigned i;

	for (i = 0; i < DKIM_STATES; i++)
		if (str_is(p, n, states[i])) {
			*out = i;
			return 0;
		}
	return -1;
}

static int
read_day(const char *p, size_t n, int64_t *out)
{
	struct date d = { .hour = 0 };
	char text[16], again[16];

	if (n != sizeof("2026-11-30") - 1)
		return -1;
	memcpy(text, p, n);
	text[n] = '\0';
	if (sscanf(text, "%4d-%2d-%2d", &d.year, &d.month, &d.day) != 3 ||
	    d.year < 1970 || d.month < 1 || d.month > 12 || d.day < 1)
		return -1;
	*out = date_seconds(&d);
	dkim_day(*out, again);
	return strcmp(text, again) == 0 ? 0 : -1;
}

/* state day key */
static int
read_values(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct dkim_key *key;
	size_t n = next_word(&p, &len);

	if (read_state(p, n, &r->flags) == -1) {
		buf_set(why, _("expected \"%s\""), form_values);
		return -1;
	}
	p += n;
	len -= n;
	n = next_word(&p, &len);
	if (read_day(p, n, &r->since) == -1) {
		buf_set(why, _("expected a day, 2026-11-30, after the state"));
		return -1;
	}
	p += n;
	len -= n;
	name_trim(&p, &len);
	r->value = mem_strndup(p, len);
	key = dkim_key_read(p, len);
	if (key == NULL)
		buf_set(why, _("expected a key, PKCS #8 in base64, RSA of %d to "
		    "%d bits or Ed25519"), DKIM_BITS_MIN, DKIM_BITS_MAX);
	n = key != NULL;
	dkim_key_free(&key);
	return n ? 0 : -1;
}

static int
parse_dkim(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(DKIM_SELECTOR_MAX + DOMAIN_MAX +
	    sizeof(DKIM_RECORD));
	size_t left, rlen;
	const char *right;
	int ok;

	/* Keys may have a "=" of their own, and no part of one is shown. */
	if (!row_split(p, len, '=', &left, &right, &rlen) ||
	    memchr(p, ' ', left) != NULL || memchr(p, '\t', left) != NULL) {
		buf_set(why, _("expected \"%s\""), form_line);
		return -1;
	}
	ok = dkim_key_name(p, left, &name, why);
	r->key = row_take(&name);
	if (ok == -1)
		return -1;
	r->domain = strstr(r->key, DKIM_RECORD) + sizeof(DKIM_RECORD) - 1;
	return read_values(right, rlen, r, why);
}

static int
is_ours(const struct set *s, const char *domain)
{
	return text_find(&s->t[TEXT_DOMAINS], domain) != NULL ||
	    strcmp(domain, s->host) == 0;
}

int
dkim_domain(const struct set *s, const char *name, struct buf *out,
    struct buf *why)
{
	if (name_domain(name, strlen(name), out, why) == -1)
		return -1;
	if (is_ours(s, buf_str(out)))
		return 0;
	buf_set(why, _("%s: neither in domains nor the name of this host"),
	    buf_str(out));
	return -1;
}

/* Active keys of the domain. */
static unsigned
count_active(const struct set *s, const char *domain)
{
	const struct row *r;
	unsigned n = 0;
	size_t i = 0;

	while ((r = text_next(&s->t[TEXT_DKIM], &i)) != NULL)
		n += r->flags == DKIM_ACTIVE && strcmp(r->domain, domain) == 0;
	return n;
}

static int
check_dkim(struct set *s, struct buf *why, struct buf *warn)
{
	const struct text *t = &s->t[TEXT_DKIM];
	const struct row *r;
	size_t i = 0;
	int bad = 0;

	while ((r = text_next(t, &i)) != NULL) {
		if (!is_ours(s, r->domain))
			text_complain(s->dir, t, r->line, warn,
			    _("%s: neither in domains nor the name of this "
			    "host"), r->domain);
		if (r->flags != DKIM_ACTIVE ||
		    count_active(s, r->domain) <= TABLES_KEYS_MAX)
			continue;
		text_complain(s->dir, t, r->line, why, _("%s: more than %d "
		    "active keys of a domain"), r->key, TABLES_KEYS_MAX);
		bad = -1;
	}
	return bad;
}

/* For signer: the private keys of those that sign. */
static void
compile_dkim(struct set *s, struct compile *c)
{
	const struct row *r;
	size_t i = 0;

	while ((r = text_next(&s->t[TEXT_DKIM], &i)) != NULL) {
		if (r->flags != DKIM_ACTIVE || !is_ours(s, r->domain))
			continue;
		buf_puts(&c->key, r->key);
		buf_puts(&c->value, r->value);
		compile_put(c);
	}
}

static void
publish_key(const struct row *r, struct compile *c)
{
	struct dkim_key *k = dkim_key_read(r->value, strlen(r->value));

	if (k == NULL)
		return;
	buf_put_u8(&c->value, (uint8_t)dkim_key_algorithm(k));
	buf_put_u32(&c->value, (uint32_t)dkim_key_size(k));
	buf_put_lv(&c->value, r->key, strcspn(r->key, "."));
	dkim_key_free(&k);
}

/* Once for each domain, with all its keys: where the first of them stands. */
static void
publish_dkim(struct set *s, struct compile *c)
{
	struct row *r, *q;
	size_t i = 0, k;

	while ((r = text_next(&s->t[TEXT_DKIM], &i)) != NULL)
		r->mark = 0;
	for (i = 0; (r = text_next(&s->t[TEXT_DKIM], &i)) != NULL;) {
		if (r->flags != DKIM_ACTIVE || r->mark ||
		    !is_ours(s, r->domain))
			continue;
		compile_key(c, 'k', r->domain);
		for (k = 0; (q = text_next(&s->t[TEXT_DKIM], &k)) != NULL;) {
			if (q->flags != DKIM_ACTIVE ||
			    strcmp(q->domain, r->domain) != 0)
				continue;
			q->mark = 1;
			publish_key(q, c);
		}
		compile_put(c);
	}
}

int
dkim_record(const struct row *r, struct buf *out)
{
	struct dkim_key *k = dkim_key_read(r->value, strlen(r->value));
	int ok = -1;

	if (k != NULL) {
		buf_printf(out, "v=DKIM1; k=%s; p=",
		    dkim_key_algorithm(k) == DKIM_RSA ? "rsa" : "ed25519");
		ok = dkim_key_public(k, out);
	}
	dkim_key_free(&k);
	return ok;
}

const struct table table_dkim = {
	.file = "dkim",
	.mode = 0600,
	.save_first = 1,
	.cdb = TABLE_SIGN,
	.parse = parse_dkim,
	.key = dkim_key_name,
	.check = check_dkim,
	.compile = compile_dkim,
	.publish = publish_dkim,
};
