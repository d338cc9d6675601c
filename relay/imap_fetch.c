#include <inttypes.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/date.h"
#include "lib/mail/door.h"
#include "relay/imap_fetch.h"

static const struct {
	const char *name;
	unsigned flag;
} flags[] = {
	{ "\\Seen", FLAG_SEEN }, { "\\Answered", FLAG_ANSWERED },
	{ "\\Flagged", FLAG_FLAGGED }, { "\\Deleted", FLAG_DELETED },
	{ "\\Draft", FLAG_DRAFT },
};

/* Of the command that is waited for. */
struct run {
	const struct imap_fetched *f;
	void	*ctx;
	struct imap_box *box;
};

static void
take_flag(struct imap_message *m, const struct imap_value *v)
{
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (imap_value_is(v, flags[i].name)) {
			m->flags |= flags[i].flag;
			return;
		}
	/* \Recent, and what else begins so, is the server's own; others say
	   what no client could be told. */
	if (v->type == IMAP_ATOM && keyword_ok(v->p, v->len) &&
	    m->n_keywords < IMAP_KEYWORDS_MAX)
		m->keywords[m->n_keywords++] = v;
}

/* date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP
   zone DQUOTE: with blanks it is a date of RFC 5322. */
static void
take_date(struct imap_message *m, const struct imap_value *v)
{
	char text[40];
	size_t i;

	if (v->type != IMAP_STRING || v->len >= sizeof(text))
		return;
	for (i = 0; i < v->len; i++)
		text[i] = v->p[i] == '-' && i < 8 ? ' ' : v->p[i];
	m->has_date = date_parse(text, v->len, &m->date, NULL) == 0;
}

static void
take_item(struct imap_message *m, const struct imap_value *name,
    const struct imap_value *v)
{
	const struct imap_value *f;
	uint64_t n;

	if (imap_value_is(name, "UID")) {
		if (imap_value_number(v, UINT32_MAX, &n) == 0)
			m->uid = (uint32_t)n;
	} else if (imap_value_is(name, "FLAGS")) {
		m->has_flags = v->type == IMAP_LIST;
		for (f = v + 1; m->has_flags && f < imap_value_next(v);
		    f = imap_value_next(f))
			take_flag(m, f);
	} else if (imap_value_is(name, "INTERNALDATE")) {
		take_date(m, v);
	} else if (imap_value_is(name, "RFC822.SIZE")) {
		m->has_size = imap_value_number(v, INT64_MAX, &m->size) == 0;
	} else if (imap_value_is(name, "BODY[]")) {
		m->body = v->type == IMAP_STRING ? v->body ? 1 : 2 : 0;
		m->text = v;
	}
}

static void
take_fetch(struct run *run, const struct imap_response *r)
{
	const struct imap_value *list = r->v, *v, *end;
	struct imap_message m = { .uid = 0 };

	if (list == r->end || list->type != IMAP_LIST)
		return;
	end = imap_value_next(list);
	for (v = list + 1; v < end && imap_value_next(v) < end;
	    v = imap_value_next(imap_value_next(v)))
		take_item(&m, v, imap_value_next(v));
	if (m.uid != 0 && run->f->message != NULL)
		run->f->message(run->ctx, &m);
}

/* "1:3" or "7" from *p on. 0, or -1 at the end or where it makes no sense. */
static int
next_range(const char **p, const char *end, uint32_t *first, uint32_t *last)
{
	const char *comma, *colon;
	uint64_t a, b;

	if (*p >= end)
		return -1;
	comma = memchr(*p, ',', (size_t)(end - *p));
	if (comma == NULL)
		comma = end;
	colon = memchr(*p, ':', (size_t)(comma - *p));
	if (str_number(*p, (size_t)((colon != NULL ? colon : comma) - *p),
	    UINT32_MAX, &a) == -1)
		return -1;
	b = a;
	if (colon != NULL && str_number(colon + 1,
	    (size_t)(comma - colon - 1), UINT32_MAX, &b) == -1)
		return -1;
	*first = (uint32_t)(a < b ? a : b);
	*last = (uint32_t)(a < b ? b : a);
	*p = comma + 1;
	return 0;
}

/* expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids */
static void
take_vanished(struct run *run, const struct imap_response *r)
{
	const struct imap_value *v = r->v;
	uint32_t first, last;
	const char *p, *end;

	if (v < r->end && v->type == IMAP_LIST)
		v = imap_value_next(v);
	if (v >= r->end || v->type != IMAP_ATOM || run->f->vanished == NULL)
		return;
	p = v->p;
	end = p + v->len;
	while (next_range(&p, end, &first, &last) == 0)
		run->f->vanished(run->ctx, first, last);
}

/* OK [UIDVALIDITY 12] */
static void
take_code(struct imap_box *box, const struct imap_response *r)
{
	uint64_t n;

	if (r->v == r->end || imap_value_number(r->v, INT64_MAX, &n) == -1)
		return;
	if (strcmp(r->code, "UIDVALIDITY") == 0 && n <= UINT32_MAX)
		box->uidvalidity = (uint32_t)n;
	else if (strcmp(r->code, "UIDNEXT") == 0 && n <= UINT32_MAX)
		box->uidnext = (uint32_t)n;
	else if (strcmp(r->code, "HIGHESTMODSEQ") == 0)
		box->highestmodseq = n;
}

static void
on_data(void *ctx, const struct imap_response *r)
{
	struct run *run = ctx;

	if (strcmp(r->word, "FETCH") == 0 && run->f != NULL)
		take_fetch(run, r);
	else if (strcmp(r->word, "VANISHED") == 0 && run->f != NULL)
		take_vanished(run, r);
	else if (strcmp(r->word, "EXISTS") == 0 && run->box != NULL)
		run->box->messages = r->number;
	else if (strcmp(r->word, "OK") == 0 && run->box != NULL)
		take_code(run->box, r);
}

static void
on_body(void *ctx, const char *p, size_t len, uint64_t size)
{
	struct run *run = ctx;

	if (run->f != NULL && run->f->body != NULL)
		run->f->body(run->ctx, p, len, size);
}

static enum imap_result
run_wait(struct imap_client *c, unsigned tag, struct run *run)
{
	static const struct imap_sink sink = { on_data, on_body };
	enum imap_result r;

	c->sink = &sink;
	c->ctx = run;
	r = imap_wait(c, tag);
	c->sink = NULL;
	return r;
}

enum imap_result
imap_examine(struct imap_client *c, const char *wire, uint32_t uidvalidity,
    uint64_t since, struct imap_box *box_r, const struct imap_fetched *f,
    void *ctx, int *told_r)
{
	int resync = since != 0 && c->enabled & IMAP_CAP_QRESYNC;
	struct run run = { .f = f, .ctx = ctx, .box = box_r };
	enum imap_result r;

	memset(box_r, 0, sizeof(*box_r));
	imap_begin(c, "EXAMINE ");
	imap_put_string(c, wire);
	if (resync)
		stream_printf(&c->stream, " (QRESYNC (%" PRIu32 " %" PRIu64
		    "))", uidvalidity, since);
	else if (c->caps & IMAP_CAP_CONDSTORE)
		stream_puts(&c->stream, " (CONDSTORE)");
	imap_end(c);
	r = run_wait(c, c->tag, &run);
	if (r == IMAP_OK && box_r->uidvalidity == 0)
		return imap_fail(c, "tells no UIDVALIDITY");
	/* Of another UIDVALIDITY, or without modseqs, nothing was told. */
	*told_r = resync && r == IMAP_OK &&
	    box_r->uidvalidity == uidvalidity && box_r->highestmodseq != 0;
	return r;
}

enum imap_result
imap_box_wait(struct imap_client *c, unsigned tag, struct imap_box *box_r)
{
	struct run run = { .box = box_r };

	memset(box_r, 0, sizeof(*box_r));
	return run_wait(c, tag, &run);
}

unsigned
imap_fetch_send(struct imap_client *c, const char *set, const char *items)
{
	imap_begin(c, "UID FETCH %s (%s)", set, items);
	imap_end(c);
	return c->tag;
}

enum imap_result
imap_fetch_wait(struct imap_client *c, unsigned tag,
    const struct imap_fetched *f, void *ctx)
{
	struct run run = { .f = f, .ctx = ctx };

	return run_wait(c, tag, &run);
}

size_t
imap_set_put(struct buf *out, const uint32_t *uids, size_t n)
{
	size_t i, last, start = out->len;

	for (i = 0; i < n && out->len - start < IMAP_SET_MAX; i = last + 1) {
		for (last = i; last + 1 < n && uids[last + 1] ==
		    uids[last] + 1; last++)
			;
		if (out->len > start)
			buf_putc(out, ',');
		buf_put_number(out, uids[i]);
		if (last > i) {
			buf_putc(out, ':');
			buf_put_number(out, uids[last]);
		}
	}
	return i;
}
