/*
 * SEARCH: a linear scan in pieces. What records decide is decided at once;
 * the files of the rest are opened a batch at a time. Hits come in order.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_reply.h"
#include "imapd/imapd_search_match.h"

/* A message that waits for its turn in the answer. */
struct search_candidate {
	uint32_t seq, uid;
	enum imapd_match match;
};

enum {
	QUEUE_MAX = 1024,		/* candidates that wait */
};

struct imapd_search {
	struct imapd_key *key;
	uint32_t seq;			/* last one looked at */
	struct search_candidate queue[QUEUE_MAX];
	size_t	 n, at;
	uint32_t uids[DOOR_OPEN_MAX];
	int	 fds[DOOR_OPEN_MAX];
	size_t	 n_fds, at_fd;
	size_t	 hint;
	int	 modseq;
	uint64_t highest;
};

static void
fds_close(struct imapd_search *q)
{
	while (q->n_fds > 0)
		fd_close(&q->fds[--q->n_fds]);
	q->at_fd = 0;
}

static void
search_free(void *data)
{
	struct imapd_search *q = data;

	fds_close(q);
	imapd_search_free(&q->key);
	free(q);
}

static void
put_hit(struct imapd_session *s, struct imapd_search *q,
    const struct search_candidate *c, const struct door_record *r)
{
	buf_putc(&s->out, ' ');
	buf_put_number(&s->out, s->uid ? c->uid : c->seq);
	if (r->modseq > q->highest)
		q->highest = r->modseq;
}

/*
 * Fills the queue from the records: until it is full, or holds as many open
 * questions as files are opened at once.
 */
static void
queue_fill(struct imapd_session *s, struct imapd_search *q)
{
	struct imapd_view *v = s->view;
	const struct door_record *r;
	struct search_candidate c;

	q->n = q->at = 0;
	fds_close(q);
	q->at_fd = 0;
	while (q->seq < v->n && q->n < QUEUE_MAX &&
	    q->at_fd < DOOR_OPEN_MAX) {
		c.seq = ++q->seq;
		c.uid = v->uids[c.seq - 1];
		r = imapd_box_find(v->box, c.uid, &q->hint);
		if (r == NULL)
			continue;
		c.match = imapd_search_match(q->key, v, c.seq, r, NULL);
		if (c.match == IMAPD_NO)
			continue;
		if (c.match == IMAPD_UNKNOWN)
			q->uids[q->at_fd++] = c.uid;
		q->queue[q->n++] = c;
	}
}

/* Opens the files that the queue asks for. 0, or -1. */
static int
queue_open(struct imapd_session *s, struct imapd_search *q)
{
	size_t n = q->at_fd;

	q->at_fd = 0;
	if (n == 0)
		return 0;
	if (door_open(&imapd_door, s->view->box->id, q->uids, n,
	    q->fds) == -1)
		return -1;
	q->n_fds = n;
	return 0;
}

static int
file_matches(struct imapd_session *s, struct imapd_search *q,
    const struct search_candidate *c, const struct door_record *r)
{
	struct imapd_message m;
	int yes;

	imapd_message_init(&m);
	m.fd = q->fds[q->at_fd];
	q->fds[q->at_fd++] = -1;
	if (m.fd == -1 || r == NULL) {
		imapd_message_clear(&m);
		return 0;
	}
	m.size = r->size;
	m.header_len = r->header_len;
	yes = imapd_search_match(q->key, s->view, c->seq, r, &m) == IMAPD_YES;
	imapd_message_clear(&m);
	return yes;
}

/* Takes the next candidate; a file was read where it says so. */
static int
queue_step(struct imapd_session *s, struct imapd_search *q)
{
	const struct search_candidate *c = &q->queue[q->at++];
	const struct door_record *r;
	size_t hint = SIZE_MAX;

	r = imapd_box_find(s->view->box, c->uid, &hint);
	if (c->match == IMAPD_UNKNOWN) {
		if (file_matches(s, q, c, r))
			put_hit(s, q, c, r);
		return 1;
	}
	if (r != NULL)
		put_hit(s, q, c, r);
	return 0;
}

static enum imapd_run
search_end(struct imapd_session *s, const struct imapd_search *q)
{
	if (q->modseq && q->highest > 0)
		buf_printf(&s->out, " (MODSEQ %llu)",
		    (unsigned long long)q->highest);
	buf_puts(&s->out, "\r\n");
	return imapd_ok(s, "SEARCH completed");
}

static enum imapd_run
search_more(struct imapd_session *s)
{
	struct imapd_search *q = s->more_data;
	int64_t start = clock_mono_ms();

	for (;;) {
		while (q->at < q->n)
			if (queue_step(s, q) && imapd_full(s, start))
				return IMAPD_MORE;
		if (q->seq >= s->view->n)
			return search_end(s, q);
		if (imapd_full(s, start))
			return IMAPD_MORE;
		queue_fill(s, q);
		if (queue_open(s, q) == -1) {
			buf_puts(&s->out, "\r\n");
			return imapd_door_no(s);
		}
	}
}

static enum imapd_run
bad_charset(struct imapd_session *s)
{
	struct buf list = BUF_INIT(0);

	mime_charset_list(&list);
	imapd_no(s, "[BADCHARSET (%s)] Unknown charset", buf_str(&list));
	buf_clear(&list);
	return IMAPD_DONE;
}

static enum imapd_run
search_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	const struct mime_charset *cs = mime_charset_find("utf-8", 5);
	const struct imapd_arg *a = args;
	struct imapd_key *key;
	struct imapd_search *q;
	const char *why;

	if (n >= 2 && imapd_arg_is(a, "CHARSET")) {
		a = imapd_arg_next(a);
		if (!imapd_arg_is_string(a))
			return imapd_bad(s, "SEARCH: a charset is expected");
		cs = mime_charset_find(a->p, a->len);
		if (cs == NULL)
			return bad_charset(s);
		a = imapd_arg_next(a);
		n -= 2;
	}
	key = imapd_search_parse(a, n, s->view, cs, &why);
	if (key == NULL)
		return imapd_bad(s, "SEARCH: %s", why);
	q = mem_zalloc(1, sizeof(*q));
	q->key = key;
	q->modseq = imapd_search_modseq(key);
	if (q->modseq)
		imapd_condstore(s);
	buf_puts(&s->out, "* SEARCH");
	return imapd_later(s, search_more, search_free, q);
}

const struct imapd_command imapd_cmd_search[] = {
	{ .name = "SEARCH", .run = search_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_UID | IMAPD_QUIET, .min_args = 1,
	    .max_args = SIZE_MAX },
	{ .name = NULL }
};
