#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/deliver_action.h"
#include "deliver/deliver_body.h"
#include "deliver/deliver_job.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/limits.h"
#include "lib/mail/packed.h"
#include "lib/mail/proto.h"
#include "lib/server/server.h"

enum {
	SEND_TIME = 60 * 1000,	/* ms for a peer to take what is written */
	FDS_FLUSH = 48,		/* descriptors that wait: write */
	OUT_FLUSH = 256 * 1024,	/* octets, the same */
};

struct rcpt {
	uint32_t index;		/* queue's */
	const char *owner;	/* NUL-terminated, in the job's arena */
	unsigned left;		/* actions not answered */
	enum result result;	/* of those that were, where it has several */
	char	*words;		/* ... of that result */
};

/* A request to store: one action of one recipient. */
struct ask {
	uint32_t rcpt;
	int	 answered;
	const struct action *action;
};

struct job {
	struct job *prev, *next;
	uint32_t id;		/* queue's */
	uint32_t first;		/* frame id of its first request to store */
	struct rcpt *rcpt;
	size_t	 n, answered;	/* recipients */
	struct ask *ask;
	size_t	 n_asks, sent;
	char	*arena;
	char	 file[QUEUE_ID_LEN + 1];
	int	 fd;
	uint64_t length;
	uint32_t header_len, mark, offset;
	int64_t	 time;
	struct buf cache;
	struct buf results;	/* packed, as JF_RESULTS */
};

const char *deliver_hostname;

static struct job *jobs, *last_job;
static struct job *sending;		/* the first not wholly sent */
static unsigned n_jobs, with_store;
static uint32_t next_request = 1;
static unsigned taken;

static void
job_free(struct job *j)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		free(j->rcpt[i].words);
	*(j->prev != NULL ? &j->prev->next : &jobs) = j->next;
	*(j->next != NULL ? &j->next->prev : &last_job) = j->prev;
	if (sending == j)
		sending = j->next;
	n_jobs--;
	fd_close(&j->fd);
	buf_clear(&j->cache);
	buf_clear(&j->results);
	free(j->rcpt);
	free(j->ask);
	free(j->arena);
	free(j);
}

static struct job *
job_new(void)
{
	struct job *j = mem_zalloc(1, sizeof(*j));

	j->fd = -1;
	j->prev = last_job;
	*(last_job != NULL ? &last_job->next : &jobs) = j;
	last_job = j;
	if (sending == NULL)
		sending = j;
	n_jobs++;
	return j;
}

/* To queue */

/* Says words about the whole job; the job is over. */
static void
job_say(struct job *j, enum j_type type, const char *words)
{
	struct chan *c = server_peer(PEER_QUEUE, 0);

	if (c != NULL) {
		msg_begin(c, &proto_job, type, j->id);
		msg_words(c, JF_WORDS, words, RESULT_WORDS_MAX);
		if (msg_end(c) == -1)
			server_retire();
	}
	job_free(j);
}

static void
job_done(struct job *j)
{
	struct chan *c = server_peer(PEER_QUEUE, 0);

	if (c != NULL) {
		msg_begin(c, &proto_job, J_RESULT, j->id);
		msg_bytes(c, JF_RESULTS, j->results.data, j->results.len);
		if (msg_end(c) == -1)
			server_retire();
	}
	job_free(j);
}

static void
rcpt_result(struct job *j, struct rcpt *r, enum result result,
    const char *words)
{
	r->left = 0;
	j->answered++;
	packed_put_result(&j->results, &(struct packed_result){ r->index,
	    result, 0, words, strlen(words) });
}

/*
 * One action of a recipient went so and the other so: what is to be repeated
 * is (store knows what it has), and of what never will be the sender hears.
 */
static enum result
worse(enum result a, enum result b)
{
	if (a == RESULT_LATER || b == RESULT_LATER)
		return RESULT_LATER;
	return a == RESULT_NEVER ? a : b;
}

/* One of its actions was answered; the last one answers it. */
static void
ask_result(struct job *j, struct ask *k, enum result result, const char *words)
{
	struct rcpt *r = &j->rcpt[k->rcpt];

	k->answered = 1;
	if (r->words != NULL && worse(r->result, result) == r->result) {
		result = r->result;
		words = r->words;
	}
	if (r->left == 1) {
		rcpt_result(j, r, result, words);
		return;
	}
	r->left--;
	r->result = result;
	if (words != r->words) {
		free(r->words);
		r->words = mem_strdup(words);
	}
}

/* Taking */

static void
add_asks(struct job *j, struct rcpt *r, size_t *cap)
{
	const struct action *list;
	size_t i, n = actions_of(r->owner, &list);

	while (j->n_asks + n > *cap) {
		*cap = *cap * 2 + 4;
		j->ask = mem_realloc(j->ask, *cap, sizeof(*j->ask));
	}
	for (i = 0; i < n; i++)
		j->ask[j->n_asks++] = (struct ask){ (uint32_t)(r - j->rcpt),
			0, &list[i] };
	r->left = (unsigned)n;
}

/* 0, or -1 for a malformed list. */
static int
job_recipients(struct job *j, const char *p, size_t len, const struct body *b)
{
	struct packed_target t;
	struct cursor c;
	struct rcpt *r;
	size_t cap = 0;
	char *arena;
	int more;

	cursor_init(&c, p, len);
	j->rcpt = mem_zalloc(len / 12 + 1, sizeof(*j->rcpt));
	j->arena = arena = mem_alloc(len + 1);
	while ((more = packed_target(&c, 1, &t)) == 1) {
		r = &j->rcpt[j->n++];
		r->index = t.index;
		r->owner = arena;
		memcpy(arena, t.owner, t.owner_len);
		arena[t.owner_len] = '\0';
		arena += t.owner_len + 1;
		if (body_loops(b, j->offset, deliver_hostname, &t)) {
			log_info("%s: to=<%.*s> loops: Delivered-To is there",
			    j->file, (int)t.len, t.address);
			rcpt_result(j, r, RESULT_NEVER,
			    "5.4.6 mail loop: it was delivered to that address"
			    " before");
		} else
			add_asks(j, r, &cap);
	}
	return more == 0 && j->n > 0 ? 0 : -1;
}

static void
job_fields(struct job *j, struct msg *m)
{
	const char *p;
	size_t len;

	j->id = m->id;
	j->fd = msg_get_fd(m, 0);
	p = msg_get(m, JF_FILE, &len);
	if (p != NULL)
		memcpy(j->file, p, len < QUEUE_ID_LEN ? len : QUEUE_ID_LEN);
	j->length = msg_get_u64(m, JF_LENGTH);
	j->offset = msg_get_u32(m, JF_OFFSET);
	j->time = (int64_t)msg_get_u64(m, JF_TIME);
	buf_init(&j->cache, DOOR_CACHE_MAX);
}

/*
 * A file that cannot be read now is that message's trouble alone: the job is
 * answered, not refused, for queue pauses a worker that refuses.
 */
static int
job_bad_body(struct job *j, const struct msg *m, enum body_verdict r,
    const char *words)
{
	static const struct body none = { .header = "" };
	const char *p;
	size_t i, len;

	log_warn("%s: %s", j->file, words);
	if (r == BODY_BROKEN) {
		job_say(j, J_BROKEN, words);
		return 0;
	}
	p = msg_get(m, JF_RECIPIENTS, &len);
	if (job_recipients(j, p, len, &none) == -1) {
		job_free(j);
		return -1;
	}
	for (i = 0; i < j->n; i++)
		rcpt_result(j, &j->rcpt[i], RESULT_LATER, words);
	job_done(j);
	return 0;
}

int
job_take(struct msg *m, int have_store)
{
	struct buf why = BUF_INIT(RESULT_WORDS_MAX);
	struct body b = { .cache = BUF_INIT(DOOR_CACHE_MAX) };
	enum body_verdict r;
	struct job *j;
	const char *p;
	size_t len;
	int bad = 0;

	j = job_new();
	job_fields(j, m);
	if (taken++ >= DELIVER_RETIRE || !have_store) {
		job_say(j, J_REFUSED, "4.3.0 the mail store is not there");
		return 0;
	}
	r = body_read(&b, j->fd, j->length, msg_get_u32(m, JF_CRC), &why);
	if (r != BODY_GOOD) {
		bad = job_bad_body(j, m, r, buf_str(&why));
	} else {
		j->header_len = b.header_len;
		j->mark = b.mark;
		j->cache = b.cache;
		buf_init(&b.cache, 0);
		p = msg_get(m, JF_RECIPIENTS, &len);
		bad = job_recipients(j, p, len, &b);
		j->first = next_request;
		next_request += (uint32_t)j->n_asks;
		if (bad)
			job_free(j);
		else if (j->answered == j->n)
			job_done(j);
	}
	buf_clear(&b.cache);
	buf_clear(&why);
	return bad;
}

/* To store */

static void
say_delivery(const struct job *j, const struct ask *k, struct door_delivery *d)
{
	const struct changed *body = k->action->body;

	*d = (struct door_delivery){ .queue_id = j->file,
		.owner = j->rcpt[k->rcpt].owner, .date = j->time,
		.size = j->length, .header_len = j->header_len,
		.mark = j->mark,
		.cache = j->cache.data, .cache_len = j->cache.len,
		.action = k->action->where };
	if (body == NULL)
		return;
	d->file = body->file;
	d->size = body->size;
	d->crc = body->crc;
	d->header_len = body->header_len;
	d->mark = body->mark;
	d->cache = body->cache.data;
	d->cache_len = body->cache.len;
}

/* The next request of j. The last one takes the descriptor itself. 0, -1. */
static int
job_send_one(struct job *j, struct chan *c)
{
	struct ask *k = &j->ask[j->sent];
	uint32_t id = j->first + (uint32_t)j->sent;
	struct door_delivery d;
	int fd = j->fd;

	j->sent++;
	if (j->sent == j->n_asks)
		j->fd = -1;
	else if ((fd = dup(j->fd)) == -1)
		return -1;
	say_delivery(j, k, &d);
	if (door_put_deliver(c, id, &d, fd) == -1) {
		ask_result(j, k, RESULT_LATER, "4.3.0 not taken by the door");
		return 0;
	}
	with_store++;
	if (c->n_out_fds < FDS_FLUSH && c->out.len < OUT_FLUSH)
		return 0;
	return chan_send(c, SEND_TIME);
}

static void
store_broke(void)
{
	server_peer_lost(PEER_STORE);
	job_store_lost();
}

static void
pump_store(void)
{
	struct chan *c;
	struct job *j;

	if (jobs == NULL || (c = server_peer(PEER_STORE, 0)) == NULL)
		return;
	while ((j = sending) != NULL && with_store < DELIVER_WINDOW) {
		if (j->sent < j->n_asks && job_send_one(j, c) == -1) {
			store_broke();
			return;
		}
		if (j->sent < j->n_asks)
			continue;
		fd_close(&j->fd);
		buf_clear(&j->cache);
		sending = j->next;
		if (j->answered == j->n)
			job_done(j);
	}
	if (chan_pending(c) && chan_send(c, SEND_TIME) == -1)
		store_broke();
}

void
job_pump(void)
{
	struct chan *c;

	pump_store();
	c = server_peer(PEER_QUEUE, 0);
	if (c != NULL && chan_pending(c) && chan_send(c, SEND_TIME) == -1) {
		server_peer_lost(PEER_QUEUE);
		job_queue_lost();
	}
	if (taken >= DELIVER_RETIRE && n_jobs == 0)
		server_retire();
}

int
job_answer(const struct msg *m)
{
	char words[RESULT_WORDS_MAX + 1];
	enum result result;
	struct job *j;
	size_t i;

	if (door_get_delivered(m, &result, words) == -1)
		return -1;
	if (with_store > 0)
		with_store--;
	for (j = jobs; j != NULL && m->id - j->first >= j->n_asks; j = j->next)
		;
	/* One that queue no longer waits for. */
	if (j == NULL)
		return 0;
	i = m->id - j->first;
	if (i >= j->sent || j->ask[i].answered)
		return -1;
	ask_result(j, &j->ask[i], result, words);
	if (j->answered == j->n && j->sent == j->n_asks)
		job_done(j);
	return 0;
}

void
job_store_lost(void)
{
	with_store = 0;
	while (jobs != NULL)
		job_say(jobs, J_REFUSED, "4.3.0 the mail store went away");
}

void
job_queue_lost(void)
{
	while (jobs != NULL)
		job_free(jobs);
}
