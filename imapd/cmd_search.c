/*
 * SEARCH, in steps: what records decide is decided first; the files of the
 * rest are opened a batch at a time and scanned one after the other. Hits come
 * in order.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_reply.h"
#include "imapd/imapd_result.h"
#include "imapd/imapd_search_ids.h"
#include "imapd/imapd_search_scan.h"

/* A message that waits for its turn in the answer. */
struct search_candidate {
	uint32_t seq, uid;
	enum imapd_match match;
};

enum {
	QUEUE_MAX = 1024,		/* candidates that wait */
	FILL_WORK = 100 * 1000,		/* keys asked between looks at time */
	SCAN_WORK = 256 * 1024,		/* ... and of a scan */
};

struct imapd_search {
	struct imapd_key *key;
	size_t	 weight;		/* keys to ask for each message */
	struct imapd_scan scan;
	struct imapd_search_ids ids;
	uint32_t seq;			/* last one looked at */
	struct search_candidate queue[QUEUE_MAX];
	size_t	 n, at;
	uint32_t uids[DOOR_OPEN_MAX];
	int	 fds[DOOR_OPEN_MAX];
	size_t	 n_fds, at_fd;
	size_t	 hint;
	struct imapd_result result;
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
	imapd_scan_clear(&q->scan);
	imapd_search_ids_clear(&q->ids);
	imapd_search_free(&q->key);
	imapd_result_clear(&q->result);
	free(q);
}

/*
 * Fills the queue from the records: until it is full, or holds as many open
 * questions as files are opened at once, or that was work enough.
 */
static void
queue_fill(struct imapd_session *s, struct imapd_search *q)
{
	struct imapd_view *v = s->view;
	const struct door_record *r;
	struct search_candidate c;
	size_t work = 0;

	q->n = q->at = 0;
	fds_close(q);
	q->at_fd = 0;
	for (; q->seq < v->n && q->n < QUEUE_MAX && work < FILL_WORK &&
	    q->at_fd < DOOR_OPEN_MAX; work += q->weight) {
		c.seq = ++q->seq;
		c.uid = v->uids[c.seq - 1];
		r = imapd_box_find(v->box, c.uid, &q->hint);
		if (r == NULL)
			continue;
		c.match = imapd_search_match(q->key, v, c.seq, r);
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

/* The candidate's scan. 1: it matches, 0: it does not, -1: not read yet. */
static int
file_step(struct imapd_session *s, struct imapd_search *q,
    const struct search_candidate *c, const struct door_record *r)
{
	int fd;

	if (!imapd_scan_begun(&q->scan)) {
		fd = q->fds[q->at_fd];
		q->fds[q->at_fd++] = -1;
		if (fd == -1 || r == NULL) {
			fd_close(&fd);
			return 0;
		}
		imapd_scan_begin(&q->scan, s->view, c->seq, r, fd);
	}
	if (!imapd_scan_step(&q->scan, SCAN_WORK))
		return -1;
	return imapd_scan_end(&q->scan);
}

/* Goes on with the next candidate. True where a file was read for it. */
static int
queue_step(struct imapd_session *s, struct imapd_search *q)
{
	const struct search_candidate *c = &q->queue[q->at];
	const struct door_record *r;
	int file = c->match == IMAPD_UNKNOWN, yes = 1;
	size_t hint = SIZE_MAX;

	r = imapd_box_find(s->view->box, c->uid, &hint);
	if (file)
		yes = file_step(s, q, c, r);
	if (yes == -1)
		return 1;
	if (yes && r != NULL)
		imapd_result_hit(s, &q->result, c->seq, r);
	q->at++;
	return file;
}

static enum imapd_run
search_failed(struct imapd_session *s, struct imapd_search *q)
{
	imapd_result_failed(s, &q->result);
	return imapd_door_no(s);
}

static enum imapd_run
search_more(struct imapd_session *s)
{
	struct imapd_search *q = s->more_data;
	int64_t start = clock_mono_ms();
	int r;

	while ((r = imapd_search_ids_more(&q->ids, s->view)) == 0)
		if (imapd_full(s, start))
			return IMAPD_MORE;
	if (r == -1)
		return search_failed(s, q);
	imapd_search_keywords(q->key, s->view->box);
	for (;;) {
		while (q->at < q->n)
			if (queue_step(s, q) && imapd_full(s, start))
				return IMAPD_MORE;
		if (q->seq >= s->view->n)
			break;
		if (imapd_full(s, start))
			return IMAPD_MORE;
		queue_fill(s, q);
		if (queue_open(s, q) == -1)
			return search_failed(s, q);
	}
	imapd_result_end(s, &q->result);
	return imapd_ok(s, "SEARCH completed");
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

/* search-program: ["CHARSET" SP charset SP] search-key *(SP search-key) */
static enum imapd_run
search_program(struct imapd_session *s, struct imapd_search *q,
    const struct imapd_arg *a, size_t n)
{
	const struct mime_charset *cs = mime_charset_find("utf-8", 5);
	const char *why;

	if (n >= 2 && imapd_arg_is(a, "CHARSET")) {
		a = imapd_arg_next(a);
		if (!imapd_arg_is_string(a))
			return imapd_bad(s, "SEARCH: a charset is expected");
		cs = mime_charset_find(a->p, a->len);
		if (cs == NULL) {
			if (q->result.want & IMAPD_R_SAVE)
				imapd_set_clear(&s->view->saved);
			return bad_charset(s);
		}
		a = imapd_arg_next(a);
		n -= 2;
	}
	q->key = imapd_search_parse(a, n, s->view, cs, &why);
	if (q->key == NULL)
		return imapd_bad(s, "SEARCH: %s", why);
	q->weight = imapd_search_count(q->key);
	imapd_scan_init(&q->scan, q->key);
	imapd_search_ids_init(&q->ids, q->key, s->view->n);
	q->result.modseq = imapd_search_modseq(q->key);
	if (q->result.modseq)
		imapd_condstore(s);
	imapd_result_begin(s, &q->result);
	return imapd_later(s, search_more, search_free, q);
}

/* "SEARCH" [SP "RETURN" SP "(" [option *(SP option)] ")"] SP search-program */
static enum imapd_run
search_run(struct imapd_session *s, const struct imapd_arg *a, size_t n)
{
	struct imapd_search *q = mem_zalloc(1, sizeof(*q));
	enum imapd_run r;

	if (n >= 2 && imapd_arg_is(a, "RETURN")) {
		a = imapd_arg_next(a);
		if (imapd_result_read(&q->result, a) == -1) {
			free(q);
			return imapd_bad(s, "SEARCH: bad RETURN");
		}
		a = imapd_arg_next(a);
		n -= 2;
	}
	r = search_program(s, q, a, n);
	if (r == IMAPD_DONE)
		free(q);
	return r;
}

const struct imapd_command imapd_cmd_search[] = {
	{ .name = "SEARCH", .capability = "ESEARCH SEARCHRES SAVEDATE WITHIN",
	    .run = search_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_UID | IMAPD_QUIET | IMAPD_READS, .min_args = 1,
	    .max_args = SIZE_MAX },
	{ .name = NULL }
};
