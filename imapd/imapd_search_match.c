/*
 * Three values: a key that needs the file is unknown until the scan of it has
 * an answer, and so is what rests on it.
 */
#include "imapd/imapd_date.h"
#include "imapd/imapd_search_match.h"

static int
has_keyword(const struct imapd_key *k, const struct imapd_box *b,
    const struct door_record *r)
{
	struct keyword_set s;

	if (k->bit < 64)
		return k->bit != -1 && (r->keywords >> k->bit & 1);
	imapd_box_keywords(b, r, &s);
	return keyword_set_has(&s, (unsigned)k->bit);
}

/* "If a message has no save date, the internal date is used." (RFC 8514) */
static int64_t
saved_day(const struct door_record *r)
{
	return imapd_date_of(r->save_date != 0 ? r->save_date : r->date);
}

/* The keys that the record answers. */
static int
match_record(const struct imapd_key *k, const struct imapd_view *v,
    uint32_t seq, const struct door_record *r)
{
	int64_t day = imapd_date_of(r->date), want = (int64_t)k->number;

	switch (k->op) {
	case IMAPD_K_ALL:
		return 1;
	case IMAPD_K_SEQ:
		return imapd_set_has(&k->set, seq);
	case IMAPD_K_FLAGS:
		return (r->flags & k->number) == k->value;
	case IMAPD_K_RECENT:
		return imapd_view_is_recent(v, r->uid);
	case IMAPD_K_NEW:
		return imapd_view_is_recent(v, r->uid) &&
		    !(r->flags & FLAG_SEEN);
	case IMAPD_K_OLD:
		return !imapd_view_is_recent(v, r->uid);
	case IMAPD_K_KEYWORD:
		return has_keyword(k, v->box, r);
	case IMAPD_K_BEFORE:
		return day < want;
	case IMAPD_K_ON:
		return day == want;
	case IMAPD_K_SINCE:
		return day >= want;
	case IMAPD_K_SAVEDBEFORE:
		return saved_day(r) < want;
	case IMAPD_K_SAVEDON:
		return saved_day(r) == want;
	case IMAPD_K_SAVEDSINCE:
		return saved_day(r) >= want;
	case IMAPD_K_OLDER:
		return r->date <= (int64_t)k->value;
	case IMAPD_K_YOUNGER:
		return r->date >= (int64_t)k->value;
	case IMAPD_K_LARGER:
		return r->size > k->number;
	case IMAPD_K_SMALLER:
		return r->size < k->number;
	case IMAPD_K_MODSEQ:
		return r->modseq >= k->number;
	case IMAPD_K_EMAILID:
		return k->number > 0 && k->which[seq - 1] == k->number;
	default:
		return 0;
	}
}

/* AND stops at a NO, OR at a YES (stop). */
static enum imapd_match
match_list(const struct imapd_key *k, const struct imapd_view *v,
    uint32_t seq, const struct door_record *r, enum imapd_match stop)
{
	const struct imapd_key *c;
	enum imapd_match x;
	int open = 0;

	for (c = k->first; c != NULL; c = c->next) {
		x = imapd_search_match(c, v, seq, r);
		if (x == stop)
			return stop;
		open |= x == IMAPD_UNKNOWN;
	}
	if (open)
		return IMAPD_UNKNOWN;
	return stop == IMAPD_NO ? IMAPD_YES : IMAPD_NO;
}

enum imapd_match
imapd_search_match(const struct imapd_key *k, const struct imapd_view *v,
    uint32_t seq, const struct door_record *r)
{
	enum imapd_match x;

	if (k->op == IMAPD_K_AND)
		return match_list(k, v, seq, r, IMAPD_NO);
	if (k->op == IMAPD_K_OR)
		return match_list(k, v, seq, r, IMAPD_YES);
	if (k->op == IMAPD_K_NOT) {
		x = imapd_search_match(k->first, v, seq, r);
		return x == IMAPD_UNKNOWN ? x :
		    x == IMAPD_YES ? IMAPD_NO : IMAPD_YES;
	}
	if (k->op >= IMAPD_K_SENTBEFORE)
		return k->answer;
	return match_record(k, v, seq, r) ? IMAPD_YES : IMAPD_NO;
}

void
imapd_search_keywords(struct imapd_key *k, const struct imapd_box *b)
{
	struct imapd_key *c;

	if (k->op == IMAPD_K_KEYWORD)
		k->bit = imapd_box_keyword(b, k->name);
	for (c = k->first; c != NULL; c = c->next)
		imapd_search_keywords(c, b);
}

void
imapd_search_open(struct imapd_key *k, const struct imapd_view *v,
    uint32_t seq, const struct door_record *r, struct imapd_key **list,
    size_t *n)
{
	struct imapd_key *c;

	if (imapd_search_match(k, v, seq, r) != IMAPD_UNKNOWN)
		return;
	if (k->op >= IMAPD_K_SENTBEFORE)
		list[(*n)++] = k;
	for (c = k->first; c != NULL; c = c->next)
		imapd_search_open(c, v, seq, r, list, n);
}
