/*
 * The keys of SEARCH, read.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#include "imapd/imapd_date.h"
#include "imapd/imapd_flags.h"
#include "imapd/imapd_ids.h"
#include "imapd/imapd_search_parse.h"

enum { KEYS_MAX = 10000 };

enum key_args { KA_NONE, KA_STRING, KA_FIELD, KA_DATE, KA_NUMBER, KA_KEYWORD,
	KA_SET, KA_MODSEQ, KA_INTERVAL, KA_ID };

/* What follows the key's name, and what it means. */
static const struct key_row {
	const char *name;
	enum key_args args;
	enum imapd_key_op op;
	const char *field;		/* KA_STRING of a header field */
	uint32_t mask, value;		/* IMAPD_K_FLAGS */
	int	 not;
} rows[] = {
	{ "ALL", KA_NONE, IMAPD_K_ALL, NULL, 0, 0, 0 },
	{ "ANSWERED", KA_NONE, IMAPD_K_FLAGS, NULL, FLAG_ANSWERED,
	    FLAG_ANSWERED, 0 },
	{ "BCC", KA_STRING, IMAPD_K_ADDRESS, "bcc", 0, 0, 0 },
	{ "BEFORE", KA_DATE, IMAPD_K_BEFORE, NULL, 0, 0, 0 },
	{ "BODY", KA_STRING, IMAPD_K_BODY, NULL, 0, 0, 0 },
	{ "CC", KA_STRING, IMAPD_K_ADDRESS, "cc", 0, 0, 0 },
	{ "DELETED", KA_NONE, IMAPD_K_FLAGS, NULL, FLAG_DELETED,
	    FLAG_DELETED, 0 },
	{ "DRAFT", KA_NONE, IMAPD_K_FLAGS, NULL, FLAG_DRAFT, FLAG_DRAFT, 0 },
	{ "EMAILID", KA_ID, IMAPD_K_EMAILID, NULL, 0, 0, 0 },
	{ "FLAGGED", KA_NONE, IMAPD_K_FLAGS, NULL, FLAG_FLAGGED,
	    FLAG_FLAGGED, 0 },
	{ "FROM", KA_STRING, IMAPD_K_ADDRESS, "from", 0, 0, 0 },
	{ "HEADER", KA_FIELD, IMAPD_K_HEADER, NULL, 0, 0, 0 },
	{ "KEYWORD", KA_KEYWORD, IMAPD_K_KEYWORD, NULL, 0, 0, 0 },
	{ "LARGER", KA_NUMBER, IMAPD_K_LARGER, NULL, 0, 0, 0 },
	{ "MODSEQ", KA_MODSEQ, IMAPD_K_MODSEQ, NULL, 0, 0, 0 },
	{ "NEW", KA_NONE, IMAPD_K_NEW, NULL, 0, 0, 0 },
	{ "OLD", KA_NONE, IMAPD_K_OLD, NULL, 0, 0, 0 },
	{ "OLDER", KA_INTERVAL, IMAPD_K_OLDER, NULL, 0, 0, 0 },
	{ "ON", KA_DATE, IMAPD_K_ON, NULL, 0, 0, 0 },
	{ "RECENT", KA_NONE, IMAPD_K_RECENT, NULL, 0, 0, 0 },
	{ "SAVEDATESUPPORTED", KA_NONE, IMAPD_K_ALL, NULL, 0, 0, 0 },
	{ "SAVEDBEFORE", KA_DATE, IMAPD_K_SAVEDBEFORE, NULL, 0, 0, 0 },
	{ "SAVEDON", KA_DATE, IMAPD_K_SAVEDON, NULL, 0, 0, 0 },
	{ "SAVEDSINCE", KA_DATE, IMAPD_K_SAVEDSINCE, NULL, 0, 0, 0 },
	{ "SEEN", KA_NONE, IMAPD_K_FLAGS, NULL, FLAG_SEEN, FLAG_SEEN, 0 },
	{ "SENTBEFORE", KA_DATE, IMAPD_K_SENTBEFORE, NULL, 0, 0, 0 },
	{ "SENTON", KA_DATE, IMAPD_K_SENTON, NULL, 0, 0, 0 },
	{ "SENTSINCE", KA_DATE, IMAPD_K_SENTSINCE, NULL, 0, 0, 0 },
	{ "SINCE", KA_DATE, IMAPD_K_SINCE, NULL, 0, 0, 0 },
	{ "SMALLER", KA_NUMBER, IMAPD_K_SMALLER, NULL, 0, 0, 0 },
	{ "SUBJECT", KA_STRING, IMAPD_K_HEADER, "subject", 0, 0, 0 },
	{ "TEXT", KA_STRING, IMAPD_K_TEXT, NULL, 0, 0, 0 },
	{ "THREADID", KA_ID, IMAPD_K_THREADID, NULL, 0, 0, 0 },
	{ "TO", KA_STRING, IMAPD_K_ADDRESS, "to", 0, 0, 0 },
	{ "UID", KA_SET, IMAPD_K_SEQ, NULL, 0, 0, 0 },
	{ "UNANSWERED", KA_NONE, IMAPD_K_FLAGS, NULL, FLAG_ANSWERED, 0, 0 },
	{ "UNDELETED", KA_NONE, IMAPD_K_FLAGS, NULL, FLAG_DELETED, 0, 0 },
	{ "UNDRAFT", KA_NONE, IMAPD_K_FLAGS, NULL, FLAG_DRAFT, 0, 0 },
	{ "UNFLAGGED", KA_NONE, IMAPD_K_FLAGS, NULL, FLAG_FLAGGED, 0, 0 },
	{ "UNKEYWORD", KA_KEYWORD, IMAPD_K_KEYWORD, NULL, 0, 0, 1 },
	{ "UNSEEN", KA_NONE, IMAPD_K_FLAGS, NULL, FLAG_SEEN, 0, 0 },
	{ "YOUNGER", KA_INTERVAL, IMAPD_K_YOUNGER, NULL, 0, 0, 0 },
};

/* The arguments still to be read. */
struct key_reader {
	const struct imapd_arg *a;
	size_t	 n;
	const struct imapd_view *v;
	const struct mime_charset *cs;
	const char *why;
	unsigned count, depth;
	const struct imapd_set *dollar;	/* of the first key with "$" */
};

static struct imapd_key *read_key(struct key_reader *);

static struct imapd_key *
fail(struct key_reader *r, const char *why)
{
	if (r->why == NULL)
		r->why = why;
	return NULL;
}

static const struct imapd_arg *
take(struct key_reader *r)
{
	const struct imapd_arg *a = r->a;

	if (r->n == 0)
		return NULL;
	r->n--;
	r->a = imapd_arg_next(a);
	return a;
}

static struct imapd_key *
key_new(struct key_reader *r, enum imapd_key_op op)
{
	struct imapd_key *k;

	if (++r->count > KEYS_MAX)
		return fail(r, "too many keys");
	k = mem_zalloc(1, sizeof(*k));
	k->op = op;
	k->answer = IMAPD_UNKNOWN;
	return k;
}

void
imapd_search_free(struct imapd_key **kp)
{
	struct imapd_key *k = *kp, *c, *next;

	if (k == NULL)
		return;
	for (c = k->first; c != NULL; c = next) {
		next = c->next;
		imapd_search_free(&c);
	}
	imapd_set_clear(&k->set);
	imapd_needle_clear(&k->needle);
	free(k->name);
	free(k);
	*kp = NULL;
}

size_t
imapd_search_count(const struct imapd_key *k)
{
	const struct imapd_key *c;
	size_t n = 1;

	for (c = k->first; c != NULL; c = c->next)
		n += imapd_search_count(c);
	return n;
}

int
imapd_search_modseq(const struct imapd_key *k)
{
	const struct imapd_key *c;

	if (k->op == IMAPD_K_MODSEQ)
		return 1;
	for (c = k->first; c != NULL; c = c->next)
		if (imapd_search_modseq(c))
			return 1;
	return 0;
}

static int
read_string(struct key_reader *r, struct imapd_key *k)
{
	const struct imapd_arg *a = take(r);
	struct buf utf8 = BUF_INIT(0);

	if (a == NULL || !imapd_arg_is_string(a))
		return -1;
	mime_charset_utf8(r->cs, 1, 1, a->p, a->len, &utf8);
	imapd_needle_init(&k->needle, buf_str(&utf8), utf8.len);
	buf_clear(&utf8);
	return 0;
}

static int
read_field(struct key_reader *r, struct imapd_key *k)
{
	const struct imapd_arg *a = take(r);

	if (a == NULL || !imapd_arg_is_string(a) || a->len == 0)
		return -1;
	k->name = mem_strndup(a->p, a->len);
	str_tolower(k->name, a->len);
	return 0;
}

/* flag-keyword = atom. In quotes it is taken too, if it is one. */
static int
read_keyword(struct key_reader *r, struct imapd_key *k)
{
	const struct imapd_arg *a = take(r);

	if (a == NULL || !imapd_arg_is_string(a) ||
	    !keyword_ok(a->p, a->len))
		return -1;
	k->name = mem_strndup(a->p, a->len);
	k->bit = -1;	/* imapd_search_keywords */
	return 0;
}

static int
read_date(struct key_reader *r, struct imapd_key *k)
{
	const struct imapd_arg *a = take(r);
	int64_t day;

	if (a == NULL || a->type == IMAPD_LIST ||
	    imapd_date_day(a->p, a->len, &day) == -1)
		return -1;
	k->number = (uint64_t)day;
	return 0;
}

static int
read_number(struct key_reader *r, struct imapd_key *k, uint64_t max)
{
	const struct imapd_arg *a = take(r);

	return a == NULL ? -1 : imapd_arg_number(a, max, &k->number);
}

/*
 * search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP
 *     mod-sequence-valzer. Flags share one number, so an entry changes
 *     nothing.
 */
static int
read_modseq(struct key_reader *r, struct imapd_key *k)
{
	const struct imapd_arg *a = r->n > 0 ? r->a : NULL;

	if (a != NULL && a->type == IMAPD_QUOTED) {
		take(r);
		a = take(r);
		if (a == NULL || (!imapd_arg_is(a, "priv") &&
		    !imapd_arg_is(a, "shared") && !imapd_arg_is(a, "all")))
			return -1;
	}
	return read_number(r, k, INT64_MAX);
}

/* "OLDER" / "YOUNGER" SP nz-number: seconds before now (RFC 5032). */
static int
read_interval(struct key_reader *r, struct imapd_key *k)
{
	if (read_number(r, k, UINT32_MAX) == -1 || k->number == 0)
		return -1;
	k->value = (uint64_t)(clock_now() - (int64_t)k->number);
	return 0;
}

/* objectid = 1*255(ALPHA / DIGIT / "_" / "-") */
static int
read_id(struct key_reader *r, struct imapd_key *k)
{
	const struct imapd_arg *a = take(r);

	if (a == NULL || !imapd_arg_is_string(a) ||
	    !imapd_ids_ok(a->p, a->len))
		return -1;
	k->name = mem_strndup(a->p, a->len);
	return 0;
}

/*
 * "$" is the same in all keys, and may be large: the first key has it, and
 * lends it to the others. Either all keys of a tree are freed, or none.
 */
static int
read_set(struct key_reader *r, struct imapd_key *k,
    const struct imapd_arg *a, int uid)
{
	int dollar;

	if (a == NULL || a->type != IMAPD_ATOM)
		return -1;
	dollar = imapd_arg_is(a, "$");
	if (dollar && r->dollar != NULL) {
		imapd_set_lend(&k->set, r->dollar);
		return 0;
	}
	if (imapd_view_set(r->v, a->p, a->len, uid, &k->set) == -1)
		return -1;
	if (dollar)
		r->dollar = &k->set;
	return 0;
}

static int
read_args(struct key_reader *r, const struct key_row *row, struct imapd_key *k)
{
	switch (row->args) {
	case KA_NONE:
		k->number = row->mask;
		k->value = row->value;
		return 0;
	case KA_FIELD:
		if (read_field(r, k) == -1)
			return -1;
		return read_string(r, k);
	case KA_STRING:
		if (row->field != NULL)
			k->name = mem_strdup(row->field);
		return read_string(r, k);
	case KA_DATE:
		return read_date(r, k);
	case KA_NUMBER:
		return read_number(r, k, UINT64_MAX);
	case KA_KEYWORD:
		return read_keyword(r, k);
	case KA_SET:
		return read_set(r, k, take(r), 1);
	case KA_MODSEQ:
		return read_modseq(r, k);
	case KA_INTERVAL:
		return read_interval(r, k);
	case KA_ID:
		return read_id(r, k);
	}
	return -1;
}

/* k becomes what NOT is of. */
static struct imapd_key *
negate(struct key_reader *r, struct imapd_key *k)
{
	struct imapd_key *not;

	if (k == NULL)
		return NULL;
	if ((not = key_new(r, IMAPD_K_NOT)) == NULL) {
		imapd_search_free(&k);
		return NULL;
	}
	not->first = k;
	return not;
}

static struct imapd_key *
read_row(struct key_reader *r, const struct key_row *row)
{
	struct imapd_key *k = key_new(r, row->op);

	if (k == NULL)
		return NULL;
	if (read_args(r, row, k) == -1) {
		imapd_search_free(&k);
		return fail(r, "bad argument of a key");
	}
	return row->not ? negate(r, k) : k;
}

/* All that is left, as one AND. */
static struct imapd_key *
read_and(struct key_reader *r)
{
	struct imapd_key *and = key_new(r, IMAPD_K_AND), **tail;

	if (and == NULL)
		return NULL;
	if (r->n == 0) {
		imapd_search_free(&and);
		return fail(r, "a key is missing");
	}
	for (tail = &and->first; r->n > 0; tail = &(*tail)->next)
		if ((*tail = read_key(r)) == NULL) {
			imapd_search_free(&and);
			return NULL;
		}
	return and;
}

static struct imapd_key *
read_list(struct key_reader *r, const struct imapd_arg *a)
{
	struct key_reader in = *r;
	struct imapd_key *k;

	in.a = a + 1;
	in.n = a->len;
	k = read_and(&in);
	r->count = in.count;
	r->why = in.why;
	r->dollar = in.dollar;
	return k;
}

static struct imapd_key *
read_or(struct key_reader *r)
{
	struct imapd_key *k = key_new(r, IMAPD_K_OR);

	if (k == NULL)
		return NULL;
	k->first = read_key(r);
	if (k->first != NULL)
		k->first->next = read_key(r);
	if (k->first == NULL || k->first->next == NULL)
		imapd_search_free(&k);
	return k;
}

static struct imapd_key *
read_deep(struct key_reader *r)
{
	const struct imapd_arg *a = take(r);
	struct imapd_key *k;
	size_t i;

	if (a == NULL)
		return fail(r, "a key is missing");
	if (a->type == IMAPD_LIST)
		return read_list(r, a);
	if (a->type != IMAPD_ATOM)
		return fail(r, "a key is expected");
	if (imapd_arg_is(a, "NOT"))
		return negate(r, read_key(r));
	if (imapd_arg_is(a, "OR"))
		return read_or(r);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (imapd_arg_is(a, rows[i].name))
			return read_row(r, &rows[i]);
	if (*a->p != '*' && *a->p != '$' && (*a->p < '0' || *a->p > '9'))
		return fail(r, "unknown key");
	if ((k = key_new(r, IMAPD_K_SEQ)) == NULL)
		return NULL;
	if (read_set(r, k, a, 0) == -1) {
		imapd_search_free(&k);
		return fail(r, "bad sequence set");
	}
	return k;
}

static struct imapd_key *
read_key(struct key_reader *r)
{
	struct imapd_key *k;

	if (r->depth == IMAPD_NEST_MAX)
		return fail(r, "keys are too deep");
	r->depth++;
	k = read_deep(r);
	r->depth--;
	return k;
}

struct imapd_key *
imapd_search_parse(const struct imapd_arg *args, size_t n,
    const struct imapd_view *v, const struct mime_charset *cs,
    const char **why)
{
	struct key_reader r = { .a = args, .n = n, .v = v, .cs = cs };
	struct imapd_key *k = read_and(&r);

	*why = r.why != NULL ? r.why : "bad keys";
	return k;
}
