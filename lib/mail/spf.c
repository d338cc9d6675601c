#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/spf_run.h"

static enum spf_result evaluate(struct spf_run *r, const char *domain,
	    int explaining);

const char *
spf_result_name(enum spf_result r)
{
	static const char *const names[] = {
		[SPF_NONE] = "none", [SPF_NEUTRAL] = "neutral",
		[SPF_PASS] = "pass", [SPF_FAIL] = "fail",
		[SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror",
		[SPF_PERMERROR] = "permerror",
	};

	return names[r];
}

int
spf_is_record(const char *p, size_t len)
{
	static const char version[] = "v=spf1";
	size_t n = sizeof(version) - 1;

	return len >= n && str_ncasecmp(p, version, n) == 0 &&
	    (len == n || p[n] == ' ');
}

/*
 * The record of a domain (4.4, 4.5). SPF_NEUTRAL: it is in text; SPF_NONE,
 * SPF_TEMPERROR, SPF_PERMERROR.
 */
static enum spf_result
select_record(struct spf_run *r, struct buf *text)
{
	struct buf out = BUF_INIT(SPF_ANSWER_MAX);
	enum spf_found found = spf_run_ask(r, SPF_TXT, r->domain, 0, &out);
	enum spf_result result = SPF_NONE;
	struct cursor c;
	const char *p;
	size_t len;

	cursor_init(&c, buf_str(&out), found == SPF_FOUND ? out.len : 0);
	while (cursor_left(&c) > 0 && result != SPF_PERMERROR) {
		p = cursor_lv(&c, &len, SPF_ANSWER_MAX);
		if (c.bad)
			break;
		if (!spf_is_record(p, len))
			continue;
		if (result == SPF_NEUTRAL) {
			spf_run_fault(r, SPF_MATCH_PERM, SPF_FAULT_DOUBLE,
			    r->domain);
			result = SPF_PERMERROR;
			break;
		}
		(void)buf_append(text, p, len);
		result = SPF_NEUTRAL;
	}
	buf_clear(&out);
	return found == SPF_LATER ? SPF_TEMPERROR : result;
}

/* What the included record says means a match, or not (5.2). */
static enum spf_match
match_include(struct spf_run *r, const struct spf_term *t)
{
	char name[DOMAIN_MAX + 1];
	enum spf_result result = SPF_NONE;
	enum spf_match m = spf_run_count(r);

	if (m != SPF_MATCH_NO)
		return m;
	if (spf_run_target(r, t->domain, name))
		result = evaluate(r, name, 0);
	else if (r->counting)
		return SPF_MATCH_NO;
	switch (result) {
	case SPF_PASS:
		return SPF_MATCH_YES;
	case SPF_TEMPERROR:
		return SPF_MATCH_TEMP;
	case SPF_PERMERROR:
		return SPF_MATCH_PERM;
	case SPF_NONE:
		return spf_run_fault(r, SPF_MATCH_PERM, SPF_FAULT_ABSENT,
		    t->domain);
	default:
		return SPF_MATCH_NO;
	}
}

static enum spf_result
of_qualifier(char c)
{
	switch (c) {
	case '-':
		return SPF_FAIL;
	case '~':
		return SPF_SOFTFAIL;
	case '?':
		return SPF_NEUTRAL;
	default:
		return SPF_PASS;
	}
}

/* The text of exp= (6.2): one TXT record, or nothing. */
static void
explain(struct spf_run *r, const char *spec)
{
	struct buf out = BUF_INIT(SPF_ANSWER_MAX), *e = &r->o->explanation;
	enum spf_fault before = r->o->fault;
	char name[DOMAIN_MAX + 1];
	struct cursor c;
	const char *p;
	size_t len;

	if (spf_run_target(r, spec, name) &&
	    spf_run_ask(r, SPF_TXT, name, 0, &out) == SPF_FOUND) {
		cursor_init(&c, buf_str(&out), out.len);
		p = cursor_lv(&c, &len, SPF_ANSWER_MAX);
		if (c.bad || cursor_left(&c) > 0 ||
		    spf_run_expand(r, p, len, 1, e) == -1)
			buf_reset(e);
	}
	r->o->fault = before;
	buf_clear(&out);
}

static enum spf_result
redirected(struct spf_run *r, const struct spf_record *rec, int explaining)
{
	char name[DOMAIN_MAX + 1];
	enum spf_result result = SPF_NONE;

	if (spf_run_count(r) != SPF_MATCH_NO)
		return SPF_PERMERROR;
	if (spf_run_target(r, rec->redirect, name))
		result = evaluate(r, name, explaining);
	else if (r->counting)
		return SPF_NEUTRAL;
	if (result != SPF_NONE)
		return result;
	spf_run_fault(r, SPF_MATCH_PERM, SPF_FAULT_ABSENT, rec->redirect);
	return SPF_PERMERROR;
}

/* The terms in order, up to the first match (4.6.2). */
static enum spf_result
walk_terms(struct spf_run *r, const struct spf_record *rec, int explaining)
{
	enum spf_result result;
	enum spf_match m;
	size_t i;

	for (i = 0; i < rec->n; i++) {
		m = rec->terms[i].mechanism == SPF_MECH_INCLUDE ?
		    match_include(r, &rec->terms[i]) :
		    spf_run_match(r, &rec->terms[i]);
		if (m == SPF_MATCH_TEMP)
			return SPF_TEMPERROR;
		if (m == SPF_MATCH_PERM)
			return SPF_PERMERROR;
		if (m == SPF_MATCH_NO)
			continue;
		/* Counting: "all" matches all that there is. */
		if (r->counting)
			return SPF_NEUTRAL;
		result = of_qualifier(rec->terms[i].qualifier);
		if (result == SPF_FAIL && explaining && rec->exp != NULL)
			explain(r, rec->exp);
		return result;
	}
	if (rec->redirect != NULL)
		return redirected(r, rec, explaining);
	return SPF_NEUTRAL;
}

/* check_host() of one domain; explaining: exp= of this record counts. */
static enum spf_result
evaluate(struct spf_run *r, const char *domain, int explaining)
{
	struct buf text = BUF_INIT(SPF_ANSWER_MAX), why = BUF_INIT(120);
	const char *outer = r->domain;
	enum spf_result result;
	struct spf_record rec;

	r->domain = domain;
	result = select_record(r, &text);
	if (result == SPF_NEUTRAL) {
		if (spf_record_parse(&rec, buf_str(&text), text.len,
		    &why) == 0)
			result = walk_terms(r, &rec, explaining);
		else {
			spf_run_fault(r, SPF_MATCH_PERM, SPF_FAULT_SYNTAX,
			    buf_str(&why));
			result = SPF_PERMERROR;
		}
		spf_record_clear(&rec);
	}
	r->domain = outer;
	buf_clear(&text);
	buf_clear(&why);
	return result;
}

/* Section 4.3: a name of several labels that DNS can be asked for. */
static int
is_domain(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot != NULL && dot[1] != '\0' && name[0] != '[' &&
	    spf_name_ok(name);
}

static void
outcome_reset(struct spf_outcome *o)
{
	o->result = SPF_NONE;
	o->fault = SPF_FAULT_NONE;
	o->lookups = o->voids = 0;
	buf_reset(&o->at);
	buf_reset(&o->what);
	buf_reset(&o->explanation);
}

void
spf_outcome_clear(struct spf_outcome *o)
{
	buf_clear(&o->at);
	buf_clear(&o->what);
	buf_clear(&o->explanation);
}

static void
run_start(struct spf_run *r, const struct spf_query *q, const char *sender,
    struct spf_outcome *o)
{
	const char *at = strrchr(sender, '@');
	struct buf whole = BUF_INIT(0);

	memset(r, 0, sizeof(*r));
	r->q = q;
	r->o = o;
	buf_init(&r->validated, SPF_ANSWER_MAX);
	r->local = at != NULL && at > sender ?
	    mem_strndup(sender, (size_t)(at - sender)) :
	    mem_strdup("postmaster");
	r->sender_domain = mem_strdup(at != NULL ? at + 1 : sender);
	buf_set(&whole, "%s@%s", r->local, r->sender_domain);
	r->sender = mem_strdup(buf_str(&whole));
	buf_clear(&whole);
	outcome_reset(o);
}

static void
run_end(struct spf_run *r)
{
	free(r->local);
	free(r->sender_domain);
	free(r->sender);
	buf_clear(&r->validated);
}

/* An IPv4 address that is written as one of IPv6 is one of IPv4 (5). */
static void
run_client(struct spf_run *r)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	r->v6 = r->q->v6;
	memcpy(r->ip, r->q->ip, sizeof(r->ip));
	if (r->v6 && memcmp(r->ip, mapped, sizeof(mapped)) == 0) {
		r->v6 = 0;
		memmove(r->ip, r->ip + 12, 4);
	}
}

void
spf_check(const struct spf_query *q, struct spf_outcome *o)
{
	const char *sender = q->sender[0] != '\0' ? q->sender : q->helo;
	struct spf_run r;

	run_start(&r, q, sender != NULL ? sender : "", o);
	run_client(&r);
	if (is_domain(r.sender_domain))
		o->result = evaluate(&r, r.sender_domain, 1);
	run_end(&r);
}

void
spf_count(const struct spf_query *q, const char *domain,
    struct spf_outcome *o)
{
	struct spf_run r;

	run_start(&r, q, domain, o);
	r.counting = 1;
	if (is_domain(domain))
		o->result = evaluate(&r, domain, 0);
	if (o->result != SPF_NONE && o->result != SPF_TEMPERROR &&
	    o->fault != SPF_FAULT_NONE)
		o->result = SPF_PERMERROR;
	run_end(&r);
}
