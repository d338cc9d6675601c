#include "lib/base/mem.h"

#include "imapd/imapd_result.h"
#include "imapd/imapd_session.h"

static const struct {
	const char *name;
	enum imapd_return bit;
} options[] = {
	{ "MIN", IMAPD_R_MIN }, { "MAX", IMAPD_R_MAX },
	{ "ALL", IMAPD_R_ALL }, { "COUNT", IMAPD_R_COUNT },
	{ "SAVE", IMAPD_R_SAVE },
};

int
imapd_result_read(struct imapd_result *r, const struct imapd_arg *list)
{
	enum { OPTIONS = sizeof(options) / sizeof(options[0]) };
	const struct imapd_arg *a = list + 1;
	size_t n, i;

	if (list->type != IMAPD_LIST)
		return -1;
	for (n = list->len; n > 0; n--, a = imapd_arg_next(a)) {
		for (i = 0; i < OPTIONS; i++)
			if (imapd_arg_is(a, options[i].name))
				break;
		if (i == OPTIONS)
			return -1;
		r->want |= options[i].bit;
	}
	/* "an empty list of result options is equivalent to ALL" */
	if (r->want == 0)
		r->want = IMAPD_R_ALL;
	r->extended = 1;
	return 0;
}

/* RFC 5182 2.1: SAVE alone brings no answer. */
static int
is_silent(const struct imapd_result *r)
{
	return r->extended && r->want == IMAPD_R_SAVE;
}

void
imapd_result_begin(struct imapd_session *s, const struct imapd_result *r)
{
	if (!r->extended)
		buf_puts(&s->out, "* SEARCH");
	else if (!is_silent(r))
		buf_printf(&s->out, "* ESEARCH (TAG \"%s\")%s", s->tag,
		    s->uid ? " UID" : "");
}

/* Says the range that was open. */
static void
range_put(struct imapd_session *s, struct imapd_result *r)
{
	if (r->open.lo == 0)
		return;
	buf_puts(&s->out, r->told ? "," : " ALL ");
	buf_put_number(&s->out, r->open.lo);
	if (r->open.hi > r->open.lo) {
		buf_putc(&s->out, ':');
		buf_put_number(&s->out, r->open.hi);
	}
	r->told = 1;
	r->open.lo = 0;
}

static void
save_add(struct imapd_result *r, uint32_t uid)
{
	struct imapd_set *set = &r->saved;

	if (set->n > 0 && uid - set->r[set->n - 1].hi <= 1) {
		set->r[set->n - 1].hi = uid;
		return;
	}
	if (set->n == r->cap) {
		r->cap = r->cap * 2 + 4;
		set->r = mem_realloc(set->r, r->cap, sizeof(*set->r));
	}
	set->r[set->n++] = (struct imapd_range){ uid, uid };
}

/* RFC 5182 2.4: with MIN or MAX, and neither ALL nor COUNT, these are saved. */
static int
saves_ends(const struct imapd_result *r)
{
	return (r->want & (IMAPD_R_MIN | IMAPD_R_MAX)) &&
	    !(r->want & (IMAPD_R_ALL | IMAPD_R_COUNT));
}

void
imapd_result_hit(struct imapd_session *s, struct imapd_result *r, uint32_t seq,
    const struct door_record *rec)
{
	uint32_t v = s->uid ? rec->uid : seq;

	if (r->count++ == 0) {
		r->min = v;
		r->min_uid = rec->uid;
		r->min_modseq = rec->modseq;
	}
	r->max = v;
	r->max_uid = rec->uid;
	r->max_modseq = rec->modseq;
	if (rec->modseq > r->highest)
		r->highest = rec->modseq;
	if (!r->extended) {
		buf_putc(&s->out, ' ');
		buf_put_number(&s->out, v);
	}
	if ((r->want & IMAPD_R_ALL) && r->open.lo != 0 &&
	    r->open.hi == v - 1)
		r->open.hi = v;
	else if (r->want & IMAPD_R_ALL) {
		range_put(s, r);
		r->open = (struct imapd_range){ v, v };
	}
	if ((r->want & IMAPD_R_SAVE) && !saves_ends(r))
		save_add(r, rec->uid);
}

/*
 * RFC 4731 3.2: of the messages that are told; with ALL or COUNT, or without
 * RETURN, of all that were found.
 */
static uint64_t
result_modseq(const struct imapd_result *r)
{
	uint64_t min = r->want & IMAPD_R_MIN ? r->min_modseq : 0;
	uint64_t max = r->want & IMAPD_R_MAX ? r->max_modseq : 0;

	if (!saves_ends(r))
		return r->highest;
	return min > max ? min : max;
}

static void
save_end(struct imapd_session *s, struct imapd_result *r)
{
	if (saves_ends(r) && r->count > 0 && (r->want & IMAPD_R_MIN))
		save_add(r, r->min_uid);
	if (saves_ends(r) && r->count > 0 && (r->want & IMAPD_R_MAX))
		save_add(r, r->max_uid);
	imapd_set_clear(&s->view->saved);
	s->view->saved = r->saved;
	r->saved = (struct imapd_set){ 0 };
}

void
imapd_result_end(struct imapd_session *s, struct imapd_result *r)
{
	struct buf *out = &s->out;

	if (r->want & IMAPD_R_SAVE)
		save_end(s, r);
	if (is_silent(r))
		return;
	range_put(s, r);
	if (r->count > 0 && (r->want & IMAPD_R_MIN))
		buf_printf(out, " MIN %u", r->min);
	if (r->count > 0 && (r->want & IMAPD_R_MAX))
		buf_printf(out, " MAX %u", r->max);
	if (r->want & IMAPD_R_COUNT)
		buf_printf(out, " COUNT %u", r->count);
	if (r->modseq && r->count > 0)
		buf_printf(out, r->extended ? " MODSEQ %llu" :
		    " (MODSEQ %llu)", (unsigned long long)result_modseq(r));
	buf_puts(out, "\r\n");
}

void
imapd_result_failed(struct imapd_session *s, const struct imapd_result *r)
{
	if (!is_silent(r))
		buf_puts(&s->out, "\r\n");
	if (r->want & IMAPD_R_SAVE)
		imapd_set_clear(&s->view->saved);
}

void
imapd_result_clear(struct imapd_result *r)
{
	imapd_set_clear(&r->saved);
}
