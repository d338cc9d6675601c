/* What a server has, against what the journal knows. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "relay/collect.h"

enum {
	HALF = COLLECT_WANT / 2,
	LEFT_MAX = 20,		/* too large ones of a list that are noted */
};

void
list_clear(struct run *r)
{
	free(r->old);
	free(r->fresh);
	r->old = r->fresh = NULL;
	r->n_old = r->n_fresh = r->listed = 0;
	buf_clear(&r->removed);
}

static void
list_begin(struct run *r)
{
	list_clear(r);
	r->old = mem_zalloc(HALF, sizeof(*r->old));
	r->fresh = mem_zalloc(HALF, sizeof(*r->fresh));
	r->removed = (struct buf)BUF_INIT(CL_WANT_MAX * 4);
	r->more = 0;
	r->large = 0;
	if (++r->a->lists == 0)
		r->a->lists = 1;
}

static uint64_t
largest(const struct account *a)
{
	uint64_t most = collect.conf.message_size;

	return a->conf.largest != 0 && a->conf.largest < most ?
	    a->conf.largest : most;
}

static void
note(const struct run *r, enum journal_what what, const char *key,
    size_t len, uint64_t size)
{
	journal_add(collect.journal, &(struct journal_line){ .what = what,
	    .time = clock_now(), .size = size, .account = r->book,
	    .account_len = strlen(r->book), .key = key,
	    .key_len = len });
}

/* May what is known be removed there? */
static int
is_over(const struct account *a, const struct journal_entry *e, int64_t now)
{
	if (e->what != JOURNAL_FETCHED)
		return 0;
	switch (a->conf.keep) {
	case COLLECT_KEEP_DAYS:
		return now - e->time > (int64_t)a->conf.days * 86400;
	case COLLECT_KEEP_CONFIRMED:
		return e->time <= a->conf.confirmed;
	case COLLECT_KEEP_NOTHING:
		return 1;
	default:
		return 0;
	}
}

/* The oldest are kept as they come; behind them a ring has the newest. */
static void
candidate(struct run *r, const struct cl_item *i)
{
	struct want *w;

	if (r->n_old < HALF) {
		w = &r->old[r->n_old++];
	} else {
		w = &r->fresh[r->n_fresh++ % HALF];
		r->more |= r->n_fresh > HALF;
	}
	memset(w, 0, sizeof(*w));
	w->number = i->number;
	w->size = i->size;
	memcpy(w->key, i->key, i->len);
}

/* It stays there. Of more than a few in a list the next one tells again: what a
   server makes up is not all to be remembered. */
static void
too_large(struct run *r, const struct cl_item *i)
{
	struct account *a = r->a;

	if (++r->large > LEFT_MAX)
		return;
	log_warn("%s: %.*s: %llu octets are more than the %llu that are "
	    "fetched: it stays there", a->conf.name, (int)i->len, i->key,
	    (unsigned long long)i->size, (unsigned long long)largest(a));
	note(r, JOURNAL_LEFT, i->key, i->len, i->size);
	a->left++;
}

static void
item(struct run *r, const struct cl_item *i, int64_t now)
{
	struct account *a = r->a;
	struct journal_entry *e;

	e = journal_find(collect.journal, r->book, i->key, i->len, now);
	if (r->test) {
		r->n_old += e == NULL;
		return;
	}
	/* What was to be removed, and has gone, is gone: a server may give its
	   name to another message (RFC 1939 7). */
	if (e != NULL && e->gone && is_over(a, e, now))
		e = NULL;
	if (e == NULL && i->size > largest(a)) {
		too_large(r, i);
	} else if (e == NULL || (e->what == JOURNAL_LEFT &&
	    i->size != 0 && e->size != i->size && i->size <= largest(a))) {
		candidate(r, i);
	} else {
		e->seen = a->lists;
		if (e->gone)	/* it was only not shown */
			journal_add(collect.journal, &(struct journal_line){
			    .what = (enum journal_what)e->what,
			    .time = e->time, .size = e->size, .hash = e->hash,
			    .account = r->book,
			    .account_len = strlen(r->book),
			    .key = i->key, .key_len = i->len });
		if (is_over(a, e, now))
			(void)buf_put_u32(&r->removed, i->number);
	}
}

static void
absent(struct journal_entry *e, void *arg)
{
	struct run *r = arg;

	if (e->seen != r->a->lists)
		note(r, JOURNAL_GONE, e->key, strlen(e->key), 0);
}

/* Of two of one key one is fetched: which is which nobody could tell. */
static void
want(struct run *r, const struct want *w)
{
	size_t i;

	for (i = 0; i < r->n_want; i++)
		if (strcmp(r->want[i].key, w->key) == 0)
			return;
	if (r->n_want == r->cap_want) {
		r->cap_want = r->cap_want * 2 + 64;
		r->want = mem_realloc(r->want, r->cap_want, sizeof(*r->want));
	}
	r->want[r->n_want++] = *w;
}

/*
 * What is fetched: as it came, where it is no more than a run may have; else the
 * newest first, so that they do not stand behind the mail of a week.
 */
static void
choose(struct run *r)
{
	size_t n = r->n_fresh < HALF ? r->n_fresh : HALF, i;
	size_t from = r->n_fresh > HALF ? r->n_fresh % HALF : 0;

	r->n_want = r->next = 0;
	r->unread = 0;
	if (!r->more)
		for (i = 0; i < r->n_old; i++)
			want(r, &r->old[i]);
	for (i = 0; i < n; i++)
		want(r, &r->fresh[(from + i) % HALF]);
	if (r->more)
		for (i = 0; i < r->n_old; i++)
			want(r, &r->old[i]);
}

static void
answer(struct run *r)
{
	struct buf numbers = BUF_INIT(0);
	struct chan *c;
	size_t i;

	for (i = 0; i < r->n_want; i++)
		buf_put_u32(&numbers, r->want[i].number);
	c = link_begin(&r->link, CL_WANT, 0);
	msg_bytes(c, CLF_NUMBERS, numbers.data, numbers.len);
	msg_bytes(c, CLF_REMOVED, r->removed.data, r->removed.len);
	link_send(&r->link);
	buf_clear(&numbers);
}

static void
list_end(struct run *r)
{
	if (r->test) {
		r->n_want = 0;
	} else {
		/* A list that was cut tells nothing of what it lacks. */
		if (r->listed < CL_LIST_MAX)
			journal_each(collect.journal, r->book, absent, r);
		choose(r);
	}
	answer(r);
	if (!r->test)
		list_clear(r);
	r->listed = 0;
}

int
list_slice(struct run *r, const struct msg *m, struct buf *why)
{
	int64_t now = clock_now();
	struct cl_item i;
	struct cursor c;
	const char *p;
	size_t len;
	int more;

	if (r->old == NULL || r->listed == 0)
		list_begin(r);
	p = msg_get(m, CLF_ITEMS, &len);
	cursor_init(&c, p, len);
	while ((more = cl_item(&c, &i)) == 1) {
		if (++r->listed > CL_LIST_MAX)
			break;
		item(r, &i, now);
	}
	if (more == -1 || r->listed > CL_LIST_MAX) {
		buf_set(why, "lists what is malformed, or too much");
		return -1;
	}
	if (msg_get_u32(m, CLF_LAST) != 0) {
		list_end(r);
	} else {
		link_begin(&r->link, CL_MORE, 0);
		link_send(&r->link);
	}
	return 0;
}
