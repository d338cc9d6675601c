#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/result.h"
#include "lib/server/server.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_intake.h"
#include "queue/queue_message.h"

enum {
	FILES_MAX = 4,		/* that a worker has and did not submit */
	FDS_KEPT = 512,		/* messages whose first descriptor is kept */
	WRONG_MAX = 3,		/* files that were not as said: retired */
};

struct intake {
	struct intake *prev, *next;
	enum peer kind;
	uint32_t instance;
	struct chan chan;
	ev_io	 reading, writing;
	uint64_t file[FILES_MAX];
	unsigned n_files;
	int	 waits;		/* for a file, under: */
	uint32_t waits_frame;
	int	 dead, touched;
	int	 deaf;		/* does not read: to be dropped */
	unsigned wrong;
	struct intake *next_touched;
};

static struct intake *intakes, *touched;
static unsigned n_intakes, n_waiting;

static void
touch(struct intake *in)
{
	if (in->touched)
		return;
	in->touched = 1;
	in->next_touched = touched;
	touched = in;
}

static void
answer_end(struct intake *in)
{
	in->deaf |= msg_end(&in->chan) == -1;
	touch(in);
}

static void
answer(struct intake *in, uint32_t frame, enum q_type type, const char *words)
{
	msg_begin(&in->chan, &proto_queue, type, frame);
	msg_words(&in->chan, QF_WORDS, words, RESULT_WORDS_MAX);
	answer_end(in);
}

/* Adds a fresh file to the message being built. 0, or -1: none there. */
static int
give_file(struct intake *in)
{
	char name[QUEUE_ID_LEN + 1];
	uint64_t id;
	int fd;

	if (in->n_files == FILES_MAX || body_take(&id, &fd) == -1)
		return -1;
	in->file[in->n_files++] = id;
	queue_id_text(id, name);
	msg_text(&in->chan, QF_FILE, name);
	msg_fd(&in->chan, fd);
	return 0;
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
	msg_begin(&in->chan, &proto_queue, Q_FILE_IS, frame);
	if (give_file(in) == -1) {
		chan_take_back(&in->chan);
		if (!in->waits)
			n_waiting++;
		in->waits = 1;
		in->waits_frame = frame;
		return;
	}
	answer_end(in);
}

/* The worker is there still: commit_abandon is told where it is not. */
static void
submitted(const struct submission *s, int durable)
{
	struct intake *in = s->from;

	if (!durable) {
		answer(in, s->frame, Q_LATER, "4.3.0 the queue is in trouble");
		return;
	}
	msg_begin(&in->chan, &proto_queue, Q_DONE, s->frame);
	/* The next file saves a busy worker a round trip. */
	if (in->n_files == 0 && body_room())
		(void)give_file(in);
	answer_end(in);
}

/* Requests. Each: 0, or -1 with why: drop the worker. */

static int
on_file(struct intake *in, struct msg *m, struct buf *why)
{
	if (in->waits || in->n_files == FILES_MAX) {
		buf_set(why, "asks for too many files");
		return -1;
	}
	if (!body_room() || body_failing())
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
 * Opens the body for reading and looks that it is whole and at rest. 0; -1
 * with words: not accepted (*bad: the worker broke a rule).
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

static void
read_envelope(struct message *m, const struct msg *in, char *arena)
{
	struct envelope *e = &m->env;
	static const struct {
		uint8_t	 tag;
		size_t	 at;
	} text[] = {
		{ QF_SENDER, offsetof(struct envelope, sender) },
		{ QF_CLIENT, offsetof(struct envelope, client) },
		{ QF_LOGIN, offsetof(struct envelope, login) },
		{ QF_ENVID, offsetof(struct envelope, envid) },
	};
	const char *p;
	size_t i, len;

	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		p = msg_get(in, text[i].tag, &len);
		*(const char **)((char *)e + text[i].at) = arena;
		if (len > 0)
			memcpy(arena, p, len);
		arena[len] = '\0';
		arena += len + 1;
	}
	e->time = msg_get_u64(in, QF_TIME);
	e->length = msg_get_u64(in, QF_LENGTH);
	e->crc = msg_get_u32(in, QF_CRC);
	e->final = msg_get_u32(in, QF_FINAL);
	e->forward = msg_get_u32(in, QF_FORWARD);
	e->flags = msg_get_u32(in, QF_FLAGS);
	e->origin = msg_get_u32(in, QF_ORIGIN);
}

/* The envelope of Q_SUBMIT; -1 where it is none. */
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
	read_envelope(m, in, arena);
	return e->forward <= e->final && e->final <= e->length ? 0 : -1;
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
	if (submit_envelope(m, msg) == -1) {
		buf_set(why, "submits an envelope that is none");
		bad = 1;
	} else if (check_body(m, &words, &bad) == 0) {
		if (queue.active >= FDS_KEPT)
			fd_close(&m->fd);
		commit_submit(&(struct submission){ .m = m, .from = in,
		    .done = submitted, .frame = msg->id });
		return 0;
	}
	body_drop(id);
	message_free(m);
	bad |= ++in->wrong > WRONG_MAX;
	if (words != NULL)
		answer(in, msg->id, Q_LATER, words);
	if (bad && why->len == 0)
		buf_set(why, "%s", words);
	return bad ? -1 : 0;
}

static int (*const on_message[])(struct intake *, struct msg *,
    struct buf *) = {
	[Q_FILE] = on_file,
	[Q_SUBMIT] = on_submit,
};

/* Channels */

static void
intake_lost(struct intake *in, const char *why)
{
	if (in->dead)
		return;
	in->dead = 1;
	if (why != NULL)
		log_warn("%s %u: %s", peer_name(in->kind), in->instance, why);
	ev_io_stop(queue.loop, &in->reading);
	ev_io_stop(queue.loop, &in->writing);
	if (in->waits)
		n_waiting--;
	in->waits = 0;
	commit_abandon(in);
	while (in->n_files > 0)
		body_drop(in->file[--in->n_files]);
	chan_clear(&in->chan);
	touch(in);
}

static void
intake_bad(struct intake *in, const char *why)
{
	/* What was answered goes out first, as far as it goes. */
	(void)!chan_flush(&in->chan);
	server_retire_peer(in->kind, in->instance);
	intake_lost(in, why);
}

static void
on_readable(struct ev_loop *l, ev_io *io, int events)
{
	struct intake *in = io->data;
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r;

	r = chan_read(&in->chan);
	if (r == 0 || (r == -1 && errno != EAGAIN)) {
		/* A worker that ended had an answer unread. */
		intake_lost(in, r == 0 || errno == ECONNRESET ? NULL :
		    strerror(errno));
		return;
	}
	while ((r = msg_next(&m, &proto_queue, in->kind, &in->chan,
	    &why)) == 1) {
		r = queue.stopping ? 0 : on_message[m.type](in, &m, &why);
		msg_done(&m);
		if (r == -1)
			break;
	}
	if (r == -1)
		intake_bad(in, buf_str(&why));
	buf_clear(&why);
}

static void
on_writable(struct ev_loop *l, ev_io *io, int events)
{
	ev_io_stop(l, io);
	touch(io->data);
}

void
intake_wired(enum peer kind, uint32_t instance, int fd)
{
	struct intake *in;

	intake_gone(kind, instance);
	in = mem_zalloc(1, sizeof(*in));
	in->kind = kind;
	in->instance = instance;
	chan_init(&in->chan, fd);
	ev_io_init(&in->reading, on_readable, fd, EV_READ);
	ev_io_init(&in->writing, on_writable, fd, EV_WRITE);
	in->reading.data = in->writing.data = in;
	ev_io_start(queue.loop, &in->reading);
	if ((in->next = intakes) != NULL)
		in->next->prev = in;
	intakes = in;
	n_intakes++;
}

void
intake_gone(enum peer kind, uint32_t instance)
{
	struct intake *in;

	for (in = intakes; in != NULL; in = in->next)
		if (in->kind == kind && in->instance == instance)
			intake_lost(in, NULL);
}

void
intake_stock(void)
{
	struct intake *in;

	for (in = intakes; in != NULL && n_waiting > 0; in = in->next) {
		if (!in->waits || in->dead)
			continue;
		in->waits = 0;
		n_waiting--;
		if (body_failing())
			answer_no_file(in, in->waits_frame);
		else
			answer_file(in, in->waits_frame);
		if (in->waits)
			break;	/* the stock is used up again */
	}
}

static void
intake_free(struct intake *in)
{
	*(in->prev != NULL ? &in->prev->next : &intakes) = in->next;
	if (in->next != NULL)
		in->next->prev = in->prev;
	n_intakes--;
	free(in);
}

void
intake_flush(void)
{
	struct intake *in;
	int r;

	while ((in = touched) != NULL) {
		touched = in->next_touched;
		in->touched = 0;
		if (in->deaf && !in->dead) {
			intake_bad(in, "does not read");
			continue;	/* touched once more, as below */
		}
		if (!in->dead) {
			if ((r = chan_flush(&in->chan)) == 0)
				ev_io_start(queue.loop, &in->writing);
			if (r != -1)
				continue;
			intake_lost(in, errno == EPIPE ? NULL :
			    strerror(errno));
			continue;	/* touched once more, and then freed */
		}
		intake_free(in);
	}
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

	for (in = intakes; in != NULL; in = in->next) {
		if (in->waits && !in->dead)
			answer(in, in->waits_frame, Q_LATER,
			    "4.3.2 the server stops");
		/* What was not submitted will not be. */
		while (in->n_files > 0)
			body_drop(in->file[--in->n_files]);
	}
}
