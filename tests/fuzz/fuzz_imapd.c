/*
 * The input of imapd: lines and literals as they come, arguments, and what
 * FETCH, SEARCH and STORE read out of them. An octet 0xff, which no text has,
 * stands for RUN octets, so that a short input reaches the bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "imapd/imapd_args.h"
#include "imapd/imapd_fetch_items.h"
#include "imapd/imapd_flags.h"
#include "imapd/imapd_input.h"
#include "imapd/imapd_list_args.h"
#include "imapd/imapd_result.h"
#include "imapd/imapd_resync.h"
#include "imapd/imapd_search_parse.h"
#include "imapd/imapd_vanished.h"

enum { RUN = 10000, RUNS_MAX = 60 };

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What the parameter QRESYNC says, and what is told for it. */
static void
resync(struct imapd_view *v, const struct imapd_arg *a)
{
	struct imapd_box box = { .uidnext = 30, .modseq = 9 };
	struct imapd_session s = { .view = v };
	struct imapd_resync known = { 0 };
	struct imapd_vanished gone = { 0 };
	uint32_t floor;

	v->box = &box;
	if (imapd_resync_read(&known, a) == 0) {
		floor = imapd_resync_floor(&known, v);
		if (floor != 0 && imapd_view_seq(v, floor) == 0)
			abort();
		imapd_vanished_begin(&gone, &known.uids, 1, floor);
		gone.asked = 1;
		while (imapd_vanished_more(&s, &gone) == 0)
			;
		if (s.out.len > 100)
			abort();
	}
	imapd_vanished_clear(&gone);
	imapd_resync_clear(&known);
	buf_clear(&s.out);
	v->box = NULL;
}

static void
command(char *p, size_t len)
{
	static uint32_t uids[] = { 1, 2, 3, 5, 8, 13, 21 };
	static struct imapd_args args;
	struct imapd_view v = { .uids = uids, .n = 7 };
	const struct mime_charset *cs = mime_charset_find("utf-8", 5);
	struct imapd_items items;
	struct imapd_list_args list;
	struct imapd_result result = { 0 };
	struct imapd_flags flags;
	struct imapd_key *key;
	struct imapd_set set;
	const char *why;
	char *sp = memchr(p, ' ', len);

	if (sp == NULL || imapd_args_parse(&args, sp,
	    len - (size_t)(sp - p), &why) == -1 || args.top == 0)
		return;
	(void)imapd_items_parse(&items, args.a);
	imapd_items_clear(&items);
	if (imapd_list_args_read(&list, args.a, args.top, &why) == 0)
		(void)imapd_list_args_match(&list, "INBOX/a", 7);
	imapd_list_args_clear(&list);
	if (imapd_result_read(&result, args.a) == 0 && result.want == 0)
		abort();
	resync(&v, args.a);
	(void)imapd_flags_read(&flags, args.a, args.top);
	imapd_flags_clear(&flags);
	if (args.a->type == IMAPD_ATOM && imapd_view_set(&v, args.a->p,
	    args.a->len, 1, &set) == 0) {
		if (set.n > 0 && set.r[set.n - 1].hi > v.n)
			abort();
		imapd_set_clear(&set);
	}
	key = imapd_search_parse(args.a, args.top, &v, cs, &why);
	imapd_search_free(&key);
}

static void
expand(struct buf *b, const uint8_t *p, size_t len)
{
	static char run[RUN];
	unsigned runs = 0;
	size_t i;

	memset(run, 'x', sizeof(run));
	for (i = 0; i < len; i++)
		if (p[i] == 0xff && runs++ < RUNS_MAX)
			buf_append(b, run, sizeof(run));
		else
			buf_putc(b, (char)p[i]);
}

static void
feed(const char *data, size_t len, size_t step)
{
	struct imapd_input in;
	struct imapd_line l;
	enum imapd_input_kind k;
	size_t i, n;

	imapd_input_init(&in);
	for (i = 0; i < len; i += n) {
		n = len - i < step ? len - i : step;
		memcpy(imapd_input_room(&in), data + i, n);
		imapd_input_got(&in, n);
		while ((k = imapd_input_next(&in, &l)) !=
		    IMAPD_INPUT_MORE) {
			if (k == IMAPD_INPUT_LITERAL &&
			    imapd_input_take(&in, &l) == 0)
				continue;
			if (k == IMAPD_INPUT_LITERAL ||
			    k == IMAPD_INPUT_DROPPED) {
				imapd_input_refuse(&in, &l);
				continue;
			}
			if (k == IMAPD_INPUT_COMMAND)
				command(l.p, l.len);
			imapd_input_done(&in);
		}
	}
	imapd_input_clear(&in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf b = BUF_INIT(0);

	if (len == 0)
		return 0;
	expand(&b, data + 1, len - 1);
	feed(buf_str(&b), b.len, b.len < RUN ? data[0] % 64 + 1u :
	    data[0] * 32u + 1);
	buf_clear(&b);
	return 0;
}
