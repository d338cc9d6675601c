#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/link/link.h"
#include "lib/mail/packed.h"
#include "lib/mail/result.h"
#include "lib/server/server.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_fields.h"
#include "queue/queue_intake.h"
#include "queue/queue_message.h"
#include "queue/queue_origin.h"
#include "queue/queue_table.h"

enum {
	FDS_KEPT = 512,		/* messages whose first descriptor is kept */
	WRONG_MAX = 3,		/* files that were not as said: retired */
};

struct intake {
	TAILQ_ENTRY(intake) in_list;
	struct link link;
	uint64_t *file;		/* that it has and did not submit */
	unsigned n_files, most_files;
	int	 waits;		/* for a file, under: */
	uint32_t waits_frame;
	int	 asks;		/* for the rows, under: */
	uint32_t asks_frame;
	unsigned wrong;
};

static TAILQ_HEAD(, intake) intakes = TAILQ_HEAD_INITIALIZER(intakes);
static unsigned n_intakes;

static void
answer(struct intake *in, uint32_t frame, enum q_type type, const char *words)
{
	struct chan *c = link_begin(&in->link, type, frame);

	msg_words(c, QF_WORDS, words, RESULT_WORDS_MAX);
	link_send(&in->link);
}

/* Adds a fresh file to the message being built. 0, or -1: none there. */
static int
give_file(struct intake *in, struct chan *c)
{
	char name[QUEUE_ID_LEN + 1];
	uint64_t id;
	int fd;

	if (in->n_files == in->most_files || body_take(&id, &fd) == -1)
		return -1;
	in->file[in->n_files++] = id;
	queue_id_text(id, name);
	msg_text(c, QF_FILE, name);
	msg_fd(c, fd);
	return 0;
}

/* For another message: among the bodies, and in the table. */
static int
room(void)
{
	return body_room() && table_room() == BDB_ROOM;
}

/* There is no room, or no file could be made, and why. */
static void
answer_no_file(struct intake *in, uint32_t frame)
{
	int e = body_failing();

	answer(in, frame, Q_LATER, e == 0 || e == ENOSPC || e == EDQUOT ?
	    "4.3.1 the disk is full" : "4.3.0 the queue cannot make files");
}

static void
answer_file(struct intake *in, uint32_t frame)
{
	struct chan *c = link_begin(&in->link, Q_FILE_IS, frame);

	if (give_file(in, c) == -1) {
		chan_take_back(c);
		in->waits = 1;
		in->waits_frame = frame;
		return;
	}
	link_send(&in->link);
}

/* The worker is there still: commit_abandon is told where it is not. */
static void
submitted(const struct submission *s, int durable)
{
	struct intake *in = s->from;
	struct chan *c;

	if (!durable) {
		answer(in, s->frame, Q_LATER, room() ?
		    "4.3.0 the queue is in trouble" :
		    "4.3.1 the disk is full");
		return;
	}
	c = link_begin(&in->link, Q_DONE, s->frame);
	if (s->m->origin != 0)
		msg_u32(c, QF_ROW, s->m->origin);
	/* The next file saves a busy worker a round trip. */
	if (in->n_files == 0 && in->link.peer == PEER_SMTPD && room())
		(void)give_file(in, c);
	link_send(&in->link);
}

/* Requests. Each: 0, or -1 with why: drop the worker. */

static int
on_file(struct intake *in, struct msg *m, struct buf *why)
{
	if (in->waits || in->n_files == in->most_files) {
		buf_set(why, "asks for too many files");
		return -1;
	}
	if (!room() || body_failing())
		answer_no_file(in, m->id);
	else
		answer_file(in, m->id);
	return 0;
}

/* Takes the name out of the files that the worker has. */
static int
take_name(struct intake *in, uint64_t id)
{
	unsigned i;

	for (i = 0; i < in->n_files; i++)
		if (in->file[i] == id) {
			in->file[i] = in->file[--in->n_files];
			return 0;
		}
	return -1;
}

/*
 * Opens the body for reading and checks that it is complete and has no writer.
 * 0; -1 with words: not accepted (*bad: the worker broke a rule).
 */
static int
check_body(struct message *m, const char **words, int *bad)
{
	struct stat st;
	int r;

	*words = "4.3.0 the queue cannot read the message";
	if ((m->fd = body_open(m->id)) == -1 || fstat(m->fd, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != m->env.length ||
	    m->env.length == 0) {
		*words = "4.3.0 the message is not as long as it should be";
		return -1;
	}
	if ((r = fd_no_writer(m->fd)) == 1)
		return 0;
	if (r == 0) {
		*words = "4.3.0 the message is still being written";
		*bad = 1;
	}
	return -1;
}

/* The envelope of Q_SUBMIT; -1 where it is malformed. */
static int
submit_envelope(struct message *m, const struct msg *in)
{
	struct envelope *e = &m->env;
	char *arena;
	const char *p;
	size_t len;

	p = msg_get(in, QF_RECIPIENTS, &len);
	/* The other texts are shorter than the frame they came in. */
	if (recipients_parse(e, p, len, in->frame.len - len, &arena) == -1)
		return -1;
	if (fields_read(e, in, arena) == -1)
		return -1;
	return e->forward <= e->final && e->final <= e->length ? 0 : -1;
}

/* Who collects says of what account, and nobody else does. */
static int
origin_right(const struct intake *in, const struct message *m)
{
	const struct envelope *e = &m->env;

	if (in->link.peer != PEER_COLLECT)
		return e->origin != Q_ORIGIN_COLLECTOR;
	return e->origin == Q_ORIGIN_COLLECTOR && e->account[0] != '\0' &&
	    e->uidl[0] != '\0';
}

static int
on_submit(struct intake *in, struct msg *msg, struct buf *why)
{
	const char *p, *words = NULL;
	struct message *m;
	int bad = 0;
	size_t len;
	uint64_t id;

	p = msg_get(msg, QF_FILE, &len);
	if (queue_id_parse(p, len, &id) == -1 || take_name(in, id) == -1) {
		buf_set(why, "submits a file that it was not given");
		return -1;
	}
	m = message_new(id);
	if (submit_envelope(m, msg) == -1 || !origin_right(in, m)) {
		buf_set(why, "submits a malformed envelope");
		bad = 1;
	} else if (m->env.origin == Q_ORIGIN_COLLECTOR && !origin_room()) {
		words = "4.3.1 too much of what was collected is not yet "
		    "written down";
	} else if (check_body(m, &words, &bad) == 0) {
		if (queue.active >= FDS_KEPT)
			fd_close(&m->fd);
		commit_submit(&(struct submission){ .m = m, .from = in,
		    .done = submitted, .frame = msg->id });
		return 0;
	}
	body_drop(id);
	message_free(m);
	if (in->link.peer == PEER_SMTPD)
		bad |= ++in->wrong > WRONG_MAX;
	else if (words != NULL)
		bad = 0;	/* its worker's fault, or ours */
	if (words != NULL)
		answer(in, msg->id, Q_LATER, words);
	if (bad && why->len == 0)
		buf_set(why, "%s", words);
	return bad ? -1 : 0;
}

static int
on_unused(struct intake *in, struct msg *msg, struct buf *why)
{
	const char *p;
	size_t len;
	uint64_t id;

	p = msg_get(msg, QF_FILE, &len);
	if (queue_id_parse(p, len, &id) == -1 || take_name(in, id) == -1) {
		buf_set(why, "gives a file back that it was not given");
		return -1;
	}
	body_drop(id);
	return 0;
}

static int
on_origins(struct intake *in, struct msg *msg, struct buf *why)
{
	in->asks = 1;
	in->asks_frame = msg->id;
	return 0;
}

static int
on_origin_drop(struct intake *in, struct msg *msg, struct buf *why)
{
	const char *p;
	size_t len;

	p = msg_get(msg, QF_ROWS, &len);
	if (origin_drop(p, len) == 0)
		return 0;
	buf_set(why, "drops malformed rows");
	return -1;
}

static int (*const on_message[])(struct intake *, struct msg *,
    struct buf *) = {
	[Q_FILE] = on_file,
	[Q_SUBMIT] = on_submit,
	[Q_UNUSED] = on_unused,
	[Q_ORIGINS] = on_origins,
	[Q_ORIGIN_DROP] = on_origin_drop,
};

/* Channels */

static void
intake_free(struct intake *in)
{
	TAILQ_REMOVE(&intakes, in, in_list);
	n_intakes--;
	link_clear(&in->link);
	commit_abandon(in);
	while (in->n_files > 0)
		body_drop(in->file[--in->n_files]);
	free(in->file);
	free(in);
}

static void
intake_lost(struct link *l, enum link_end how, const char *why)
{
	link_warn(l, why);
	if (how != LINK_ENDED)
		server_retire_peer(l->peer, l->instance);
	intake_free(l->owner);
}

static int
intake_message(struct link *l, struct msg *m, struct buf *why)
{
	return queue.stopping ? 0 : on_message[m->type](l->owner, m, why);
}

static struct link_turn to_write = TAILQ_HEAD_INITIALIZER(to_write);
static const struct link_kind intake_link = {
	.proto = &proto_queue,
	.message = intake_message,
	.lost = intake_lost,
	.turn = &to_write,
};

/* Of a kind that there is one of: whatever is left of another. */
static void
gone_all(enum peer kind)
{
	struct intake *in, *next;

	for (in = TAILQ_FIRST(&intakes); in != NULL; in = next) {
		next = TAILQ_NEXT(in, in_list);
		if (in->link.peer == kind)
			intake_free(in);
	}
}

void
intake_wired(enum peer kind, uint32_t instance, int fd)
{
	struct intake *in;

	if (kind == PEER_COLLECT)
		gone_all(kind);
	intake_gone(kind, instance);
	in = mem_zalloc(1, sizeof(*in));
	in->most_files = kind == PEER_COLLECT ? Q_FILES_COLLECT : Q_FILES_MAX;
	in->file = mem_zalloc(in->most_files, sizeof(*in->file));
	link_init(&in->link, queue.loop, &intake_link, in);
	link_open(&in->link, kind, instance, fd);
	TAILQ_INSERT_HEAD(&intakes, in, in_list);
	n_intakes++;
}

void
intake_gone(enum peer kind, uint32_t instance)
{
	struct intake *in;

	TAILQ_FOREACH(in, &intakes, in_list)
		if (in->link.peer == kind && in->link.instance == instance) {
			intake_free(in);
			return;
		}
}

void
intake_stock(void)
{
	struct intake *in;

	TAILQ_FOREACH(in, &intakes, in_list) {
		if (!in->waits)
			continue;
		in->waits = 0;
		if (body_failing())
			answer_no_file(in, in->waits_frame);
		else
			answer_file(in, in->waits_frame);
		if (in->waits)
			break;	/* the stock is used up again */
	}
}

/* All rows, in slices. Together they are less than a channel takes. */
static void
answer_origins(struct intake *in)
{
	struct buf rows = BUF_INIT(0);
	struct chan *c;
	uint32_t at = 0, last;

	static_assert(Q_ORIGINS_MAX * PACKED_ORIGIN_MAX < CHAN_OUT_MAX,
	    "the rows fit a channel");
	in->asks = 0;
	do {
		buf_reset(&rows);
		last = origin_list(at, &rows);
		at = last != 0 ? last : at;
		c = link_begin(&in->link, Q_ORIGIN_ROWS, in->asks_frame);
		msg_bytes(c, QF_ROWS, rows.data, rows.len);
		if (last == 0)
			msg_u32(c, QF_LAST, 1);
		link_send(&in->link);
	} while (last != 0);
	buf_clear(&rows);
}

void
intake_flush(void)
{
	struct intake *in;

	TAILQ_FOREACH(in, &intakes, in_list)
		if (in->asks && !origin_pending())
			answer_origins(in);
	link_turn_flush(&to_write);
}

unsigned
intake_count(void)
{
	return n_intakes;
}

void
intake_stop(void)
{
	struct intake *in;

	TAILQ_FOREACH(in, &intakes, in_list) {
		if (in->waits)
			answer(in, in->waits_frame, Q_LATER,
			    "4.3.2 the server stops");
		in->waits = 0;
		/* What was not submitted will not be. */
		while (in->n_files > 0)
			body_drop(in->file[--in->n_files]);
	}
}
