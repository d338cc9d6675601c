#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/spf_run.h"

int
spf_name_ok(const char *name)
{
	size_t total = strlen(name), n;

	if (total == 0 || total > DOMAIN_MAX - 2)
		return 0;
	for (;;) {
		n = strcspn(name, ".");
		if (n == 0 || n > LABEL_MAX)
			return 0;
		name += n;
		if (name[0] == '\0' || name[1] == '\0')
			return 1;
		name++;
	}
}

enum spf_match
spf_run_fault(struct spf_run *r, enum spf_match match, enum spf_fault fault,
    const char *what)
{
	if (r->o->fault == SPF_FAULT_NONE) {
		r->o->fault = fault;
		buf_set(&r->o->at, "%s", r->domain);
		buf_set(&r->o->what, "%s", what);
	}
	return match;
}

enum spf_match
spf_run_count(struct spf_run *r)
{
	if (++r->o->lookups <= SPF_LOOKUPS_MAX)
		return SPF_MATCH_NO;
	spf_run_fault(r, SPF_MATCH_PERM, SPF_FAULT_LOOKUPS, r->domain);
	return r->counting && r->o->lookups < SPF_COUNT_MAX ? SPF_MATCH_NO :
	    SPF_MATCH_PERM;
}

enum spf_found
spf_run_ask(struct spf_run *r, enum spf_type type, const char *name,
    int void_counts, struct buf *out)
{
	enum spf_found found;

	buf_reset(out);
	if (++r->questions > (r->counting ? 2 * SPF_COUNT_MAX :
	    SPF_QUESTIONS_MAX))
		return SPF_LATER;
	found = r->q->ask(r->q->arg, type, name, out);
	if (found == SPF_FOUND && out->len == 0)
		found = SPF_ABSENT;
	if (found == SPF_ABSENT && void_counts &&
	    ++r->o->voids > SPF_VOIDS_MAX)
		spf_run_fault(r, SPF_MATCH_PERM, SPF_FAULT_VOIDS, name);
	if (found == SPF_LATER)
		spf_run_fault(r, SPF_MATCH_TEMP, SPF_FAULT_DNS, name);
	return found;
}

/* What a look-up that has no records means. */
static enum spf_match
without(const struct spf_run *r, enum spf_found found)
{
	if (found == SPF_LATER)
		return SPF_MATCH_TEMP;
	return r->o->voids > SPF_VOIDS_MAX && !r->counting ? SPF_MATCH_PERM :
	    SPF_MATCH_NO;
}

/* The name that the client's address has in in-addr.arpa or ip6.arpa. */
static void
reverse_name(const struct spf_run *r, char name[DOMAIN_MAX + 1])
{
	size_t n = 0;
	int i;

	if (!r->v6) {
		snprintf(name, DOMAIN_MAX + 1, "%u.%u.%u.%u.in-addr.arpa",
		    r->ip[3], r->ip[2], r->ip[1], r->ip[0]);
		return;
	}
	for (i = 15; i >= 0; i--)
		n += (size_t)snprintf(name + n, DOMAIN_MAX + 1 - n, "%x.%x.",
		    r->ip[i] & 15, r->ip[i] >> 4);
	snprintf(name + n, DOMAIN_MAX + 1 - n, "ip6.arpa");
}

/* Do the first bits of both agree? */
static int
same_network(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return 0;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* Is the client one of the packed addresses? */
static int
among(const struct spf_run *r, const struct buf *packed, unsigned bits)
{
	size_t size = r->v6 ? 16 : 4, len;
	const unsigned char *p;
	struct cursor c;

	cursor_init(&c, buf_str(packed), packed->len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &len, SPF_ANSWER_MAX);
		if (c.bad)
			return 0;
		if (len == size && same_network(p, r->ip, bits))
			return 1;
	}
	return 0;
}

static enum spf_match
match_address(struct spf_run *r, const struct spf_term *t, const char *name)
{
	struct buf out = BUF_INIT(SPF_ANSWER_MAX);
	enum spf_match m = SPF_MATCH_NO;
	enum spf_found found;

	found = spf_run_ask(r, r->v6 ? SPF_AAAA : SPF_A, name, !r->counting,
	    &out);
	/* Whoever the client is: one family is enough. */
	if (r->counting && found == SPF_ABSENT)
		found = spf_run_ask(r, SPF_AAAA, name, 1, &out);
	if (found != SPF_FOUND)
		m = without(r, found);
	else if (!r->counting && among(r, &out, r->v6 ? t->bits6 : t->bits4))
		m = SPF_MATCH_YES;
	buf_clear(&out);
	return m;
}

/* The next name of a packed answer: 1, or 0 at the end. Bad ones are none. */
static int
next_name(struct cursor *c, char name[DOMAIN_MAX + 1])
{
	const char *p;
	size_t len;

	while (cursor_left(c) > 0) {
		p = cursor_lv(c, &len, SPF_ANSWER_MAX);
		if (c->bad)
			return 0;
		if (len > DOMAIN_MAX || memchr(p, '\0', len) != NULL)
			continue;
		memcpy(name, p, len);
		name[len] = '\0';
		if (spf_name_ok(name))
			return 1;
	}
	return 0;
}

static enum spf_match
match_mx(struct spf_run *r, const struct spf_term *t, const char *name)
{
	struct buf out = BUF_INIT(SPF_ANSWER_MAX);
	enum spf_match m = SPF_MATCH_NO;
	char host[DOMAIN_MAX + 1];
	struct cursor c;
	unsigned n = 0;
	enum spf_found found = spf_run_ask(r, SPF_MX, name, 1, &out);

	if (found != SPF_FOUND)
		m = without(r, found);
	cursor_init(&c, buf_str(&out), found == SPF_FOUND ? out.len : 0);
	while (m == SPF_MATCH_NO && next_name(&c, host)) {
		if (++n > SPF_NAMES_MAX)
			m = spf_run_fault(r, SPF_MATCH_PERM, SPF_FAULT_NAMES,
			    name);
		else if (!r->counting)
			m = match_address(r, t, host);
	}
	buf_clear(&out);
	return m;
}

/*
 * The names of the client whose addresses lead back to it (5.5), asked once.
 * What cannot be answered has no name.
 */
static void
validate(struct spf_run *r)
{
	struct buf names = BUF_INIT(SPF_ANSWER_MAX);
	struct buf out = BUF_INIT(SPF_ANSWER_MAX);
	char name[DOMAIN_MAX + 1];
	enum spf_fault before = r->o->fault;
	struct cursor c;
	unsigned n;

	if (r->validated_known)
		return;
	r->validated_known = 1;
	reverse_name(r, name);
	if (!r->counting && spf_run_ask(r, SPF_PTR, name, 0, &names) ==
	    SPF_FOUND) {
		cursor_init(&c, buf_str(&names), names.len);
		for (n = 0; n < SPF_NAMES_MAX && next_name(&c, name); n++)
			if (spf_run_ask(r, r->v6 ? SPF_AAAA : SPF_A, name, 0,
			    &out) == SPF_FOUND && among(r, &out, r->v6 ? 128 : 32))
				buf_put_lv(&r->validated, name, strlen(name));
	}
	/* A question without an answer is no fault here. */
	r->o->fault = before;
	buf_clear(&names);
	buf_clear(&out);
}

/* 2: the same name; 1: one below it; 0: another. */
static int
related(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	if (d > 0 && domain[d - 1] == '.')
		d--;
	if (n > 0 && name[n - 1] == '.')
		n--;
	if (n < d || str_ncasecmp(name + n - d, domain, d) != 0)
		return 0;
	return n == d ? 2 : name[n - d - 1] == '.';
}

/* The best validated name for %{p}. */
static const char *
validated(void *arg)
{
	struct spf_run *r = arg;
	char name[DOMAIN_MAX + 1];
	struct cursor c;
	int best = -1, k;

	validate(r);
	cursor_init(&c, buf_str(&r->validated), r->validated.len);
	while (next_name(&c, name)) {
		k = related(name, r->domain);
		if (k > best) {
			best = k;
			memcpy(r->validated_name, name, sizeof(name));
		}
	}
	return best == -1 ? "unknown" : r->validated_name;
}

static enum spf_match
match_ptr(struct spf_run *r, const char *target)
{
	char name[DOMAIN_MAX + 1];
	struct cursor c;

	validate(r);
	cursor_init(&c, buf_str(&r->validated), r->validated.len);
	while (next_name(&c, name))
		if (related(name, target))
			return SPF_MATCH_YES;
	return SPF_MATCH_NO;
}

static enum spf_match
match_exists(struct spf_run *r, const char *name)
{
	struct buf out = BUF_INIT(SPF_ANSWER_MAX);
	enum spf_found found = spf_run_ask(r, SPF_A, name, 1, &out);

	buf_clear(&out);
	return found != SPF_FOUND ? without(r, found) :
	    r->counting ? SPF_MATCH_NO : SPF_MATCH_YES;
}

int
spf_run_expand(struct spf_run *r, const char *text, size_t len, int exp,
    struct buf *out)
{
	struct spf_macros m = {
		.sender = r->sender,
		.local = r->local,
		.sender_domain = r->sender_domain,
		.domain = r->domain,
		.helo = r->q->helo != NULL ? r->q->helo : "unknown",
		.receiver = r->q->receiver,
		.v6 = r->v6,
		.ip = r->ip,
		.now = r->q->now,
		.validated = validated,
		.arg = r,
	};

	return spf_macro_expand(&m, text, len, exp, out);
}

/* Does what it means depend on the client? */
static int
is_of_client(const char *spec)
{
	while ((spec = strstr(spec, "%{")) != NULL) {
		spec += 2;
		if (str_lower((unsigned char)*spec) != 'd')
			return 1;
	}
	return 0;
}

int
spf_run_target(struct spf_run *r, const char *spec, char name[DOMAIN_MAX + 1])
{
	struct buf b = BUF_INIT(SPF_ANSWER_MAX);
	const char *p, *dot;
	int ok = 0;

	if (spec == NULL) {
		(void)str_copy(name, DOMAIN_MAX + 1, r->domain);
		return 1;
	}
	if (r->counting && is_of_client(spec))
		return 0;
	if (spf_run_expand(r, spec, strlen(spec), 0, &b) == 0) {
		if (b.len > 0 && buf_str(&b)[b.len - 1] == '.')
			buf_truncate(&b, b.len - 1);
		/* Too long: labels go from the left (7.3). */
		p = buf_str(&b);
		while (strlen(p) > DOMAIN_MAX - 2 &&
		    (dot = strchr(p, '.')) != NULL)
			p = dot + 1;
		ok = spf_name_ok(p);
		if (ok)
			(void)str_copy(name, DOMAIN_MAX + 1, p);
	}
	buf_clear(&b);
	return ok;
}

enum spf_match
spf_run_match(struct spf_run *r, const struct spf_term *t)
{
	char name[DOMAIN_MAX + 1];
	enum spf_match m;

	if (t->mechanism == SPF_MECH_ALL)
		return SPF_MATCH_YES;
	if (t->mechanism == SPF_MECH_IP4 || t->mechanism == SPF_MECH_IP6) {
		int v6 = t->mechanism == SPF_MECH_IP6;

		return !r->counting && v6 == r->v6 && same_network(t->ip,
		    r->ip, v6 ? t->bits6 : t->bits4) ? SPF_MATCH_YES :
		    SPF_MATCH_NO;
	}
	if ((m = spf_run_count(r)) != SPF_MATCH_NO)
		return m;
	if (!spf_run_target(r, t->domain, name))
		return SPF_MATCH_NO;
	switch (t->mechanism) {
	case SPF_MECH_A:
		return match_address(r, t, name);
	case SPF_MECH_MX:
		return match_mx(r, t, name);
	case SPF_MECH_PTR:
		return match_ptr(r, name);
	default:
		return match_exists(r, name);
	}
}
