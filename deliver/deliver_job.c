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
	const char *owner, *address;	/* NUL-terminated, in the arena */
	struct filtered filtered;	/* what a script decided */
	struct buf redirects;	/* packed lv, of the recipient's script */
	unsigned left;		/* actions not answered */
	enum result result;	/* of those that were, where it has several */
	char	*words;		/* ... of that result */
};

/* A request to store: one action of one recipient. */
struct ask {
	uint32_t rcpt;
	int	 answered, scripted;
	const struct action *action;
};

/*
 * A job of queue's; or, where store has answered a request with the
 * recipient's script, what that script made of it: a job with a parent, whose
 * result is the answer to that request of the parent.
 */
struct job {
	struct job *prev, *next;
	struct job *parent;	/* it ends later than this one */
	size_t	 parent_ask;
	uint32_t id;		/* queue's */
	uint32_t first;		/* frame id of its first request to store */
	struct rcpt *rcpt;
	size_t	 n, answered;	/* recipients */
	struct ask *ask;
	size_t	 n_asks, sent;
	char	*arena;
	char	*sender;	/* of a job of queue's; its children have none */
	char	 file[QUEUE_ID_LEN + 1];
	int	 fd;
	uint64_t length;
	uint32_t crc, header_len, mark, offset;
	int64_t	 time;
	struct buf cache;
	struct buf results;	/* packed, as JF_RESULTS */
	struct buf redirects;	/* the same, as JF_REDIRECTS */
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

	for (i = 0; i < j->n; i++) {
		free(j->rcpt[i].words);
		filtered_clear(&j->rcpt[i].filtered);
		buf_clear(&j->rcpt[i].redirects);
	}
	*(j->prev != NULL ? &j->prev->next : &jobs) = j->next;
	*(j->next != NULL ? &j->next->prev : &last_job) = j->prev;
	if (sending == j)
		sending = j->next;
	n_jobs--;
	fd_close(&j->fd);
	buf_clear(&j->cache);
	buf_clear(&j->results);
	buf_clear(&j->redirects);
	free(j->sender);
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
	buf_init(&j->redirects, JOB_REDIRECTS_MAX);
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

	if (c != NULL && j->parent == NULL) {
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
		if (j->redirects.len > 0)
			msg_bytes(c, JF_REDIRECTS, j->redirects.data,
			    j->redirects.len);
		if (msg_end(c) == -1)
			server_retire();
	}
	job_free(j);
}

/* Where the recipient's mail is to go besides, once all else is done. 0, or
   -1: there is no room for it in the answer. */
static int
put_redirects(struct job *j, uint32_t index, const struct buf *list)
{
	struct cursor c;
	const char *p;
	size_t len;

	cursor_init(&c, buf_str(list), list->len);
	while (cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &len, ADDRESS_MAX)) != NULL)
		if (packed_put_target(&j->redirects, &(struct packed_target){
		    index, NULL, 0, p, len }) == -1)
			return -1;
	return 0;
}

static void
set_words(struct rcpt *r, const char *words)
{
	if (words == r->words)
		return;
	free(r->words);
	r->words = mem_strdup(words);
}

static void
rcpt_result(struct job *j, struct rcpt *r, enum result result,
    const char *words)
{
	size_t mark = j->redirects.len;

	r->left = 0;
	j->answered++;
	if (j->parent != NULL) {
		r->result = result;
		set_words(r, words);
		return;
	}
	if (result == RESULT_DELIVERED && (put_redirects(j, r->index,
	    &r->filtered.redirects) == -1 || put_redirects(j, r->index,
	    &r->redirects) == -1)) {
		buf_truncate(&j->redirects, mark);
		result = RESULT_LATER;
		words = "4.3.0 redirected to too many at once";
	}
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
	set_words(r, words);
}

/*
 * Queue hears of a job when all of it is answered and nothing is left to send;
 * a parent has an answer more.
 */
static void
job_finish(struct job *j)
{
	struct job *parent;
	struct rcpt *r = j->rcpt, *to;
	enum result result;
	char *words;
	size_t i;

	if (j->answered < j->n || j->sent < j->n_asks)
		return;
	if ((parent = j->parent) == NULL) {
		job_done(j);
		return;
	}
	i = j->parent_ask;
	to = &parent->rcpt[parent->ask[i].rcpt];
	if (r->result == RESULT_DELIVERED) {
		buf_append(&to->redirects, buf_str(&r->filtered.redirects),
		    r->filtered.redirects.len);
		buf_append(&to->redirects, buf_str(&r->redirects),
		    r->redirects.len);
	}
	result = r->result;
	words = mem_strdup(r->words);
	job_free(j);
	ask_result(parent, &parent->ask[i], result, words);
	free(words);
	job_finish(parent);
}

/* Taking */

/* Without any the message is where the scripts wanted it: elsewhere, or
   nowhere. */
static void
add_asks(struct job *j, struct rcpt *r, const struct action *list, size_t n,
    size_t *cap)
{
	size_t i;

	while (j->n_asks + n > *cap) {
		*cap = *cap * 2 + 4;
		j->ask = mem_realloc(j->ask, *cap, sizeof(*j->ask));
	}
	for (i = 0; i < n; i++)
		j->ask[j->n_asks++] = (struct ask){ (uint32_t)(r - j->rcpt),
			.action = &list[i] };
	r->left = (unsigned)n;
	if (n > 0)
		return;
	log_info("%s: to=<%s> sieve: %s", j->file, r->owner,
	    r->filtered.redirects.len > 0 ? "redirected" : "discarded");
	rcpt_result(j, r, RESULT_DELIVERED, r->filtered.redirects.len > 0 ?
	    RESULT_REDIRECTED : "2.0.0 discarded by a script");
}

static struct filter_message
message_of(const struct job *j, const struct rcpt *r, const struct body *b)
{
	const struct job *of = j;

	/* A script that asks for mailboxes is a child's child. */
	while (of->parent != NULL)
		of = of->parent;
	return (struct filter_message){ .id = j->file, .owner = r->owner,
		.address = r->address, .sender = of->sender, .data = b->data,
		.len = b->data_len, .size = j->length };
}

static char *
arena_text(char **arena, const char *p, size_t len)
{
	char *text = *arena;

	memcpy(text, p, len);
	text[len] = '\0';
	*arena += len + 1;
	return text;
}

/* 0, or -1 for a malformed list. */
static int
job_recipients(struct job *j, const char *p, size_t len, const struct body *b)
{
	const struct action *list;
	struct filter_message fm;
	struct packed_target t;
	struct cursor c;
	struct rcpt *r;
	size_t cap = 0, n;
	char *arena;
	int more;

	cursor_init(&c, p, len);
	j->rcpt = mem_zalloc(len / 12 + 1, sizeof(*j->rcpt));
	j->arena = arena = mem_alloc(len + 1);
	while ((more = packed_target(&c, 1, &t)) == 1) {
		r = &j->rcpt[j->n++];
		r->index = t.index;
		r->owner = arena_text(&arena, t.owner, t.owner_len);
		r->address = arena_text(&arena, t.address, t.len);
		if (body_loops(b, j->offset, deliver_hostname, &t)) {
			log_info("%s: to=<%.*s> loops: Delivered-To is there",
			    j->file, (int)t.len, t.address);
			rcpt_result(j, r, RESULT_NEVER,
			    "5.4.6 mail loop: it was delivered to that address"
			    " before");
		} else {
			fm = message_of(j, r, b);
			n = actions_of(&fm, &r->filtered, &list);
			add_asks(j, r, list, n, &cap);
		}
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
	j->crc = msg_get_u32(m, JF_CRC);
	j->sender = msg_get_dup(m, JF_SENDER);
	buf_init(&j->cache, DOOR_CACHE_MAX);
}

/*
 * A file that cannot be read now is that message's trouble alone: the job is
 * answered, not refused, for queue pauses a worker that refuses. No script
 * judges what nobody has read.
 */
static int
job_bad_body(struct job *j, const struct msg *m, enum body_verdict r,
    const char *words)
{
	struct packed_target t;
	struct cursor c;
	const char *p;
	size_t len;
	int more;

	log_warn("%s: %s", j->file, words);
	if (r == BODY_BROKEN) {
		job_say(j, J_BROKEN, words);
		return 0;
	}
	p = msg_get(m, JF_RECIPIENTS, &len);
	cursor_init(&c, p, len);
	while ((more = packed_target(&c, 1, &t)) == 1)
		packed_put_result(&j->results, &(struct packed_result){
		    t.index, RESULT_LATER, 0, words, strlen(words) });
	if (more == -1 || j->results.len == 0) {
		job_free(j);
		return -1;
	}
	job_done(j);
	return 0;
}

/* What store is told of the body. */
static void
job_body(struct job *j, struct body *b)
{
	j->header_len = b->header_len;
	j->mark = b->mark;
	j->cache = b->cache;
	buf_init(&b->cache, 0);
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
	filter_refresh();
	r = body_read(&b, j->fd, j->length, j->crc, &why);
	if (r != BODY_GOOD) {
		bad = job_bad_body(j, m, r, buf_str(&why));
	} else {
		job_body(j, &b);
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
		.mark = j->mark, .filter = k->action->filter,
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
		job_finish(j);
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

/*
 * The recipient's script instead of an answer: the body is read once more, and
 * what the script makes of it is a job of its own.
 */
static int
job_script(struct job *j, size_t i, struct msg *m)
{
	struct buf why = BUF_INIT(RESULT_WORDS_MAX);
	struct body b = { .cache = BUF_INIT(DOOR_CACHE_MAX) };
	const struct action *a = j->ask[i].action;
	struct filter_script s = { .flags = a->flags };
	struct filter_message fm;
	struct job *f = job_new();
	struct rcpt *to = &j->rcpt[j->ask[i].rcpt];
	size_t cap = 0;

	f->parent = j;
	f->parent_ask = i;
	f->fd = msg_get_fd(m, 0);
	memcpy(f->file, j->file, sizeof(f->file));
	f->length = j->length;
	f->crc = j->crc;
	f->time = j->time;
	f->rcpt = mem_zalloc(1, sizeof(*f->rcpt));
	f->rcpt->owner = to->owner;
	f->rcpt->address = to->address;
	f->n = 1;
	buf_init(&f->cache, DOOR_CACHE_MAX);
	s.text = msg_get(m, DF_CACHE, &s.len);
	if (msg_has(m, DF_NAMES))
		s.names = msg_get(m, DF_NAMES, &s.names_len);
	if (body_read(&b, f->fd, f->length, f->crc, &why) == BODY_GOOD) {
		job_body(f, &b);
		fm = message_of(f, f->rcpt, &b);
		filter_user(&fm, &s, &f->rcpt->filtered);
		add_asks(f, f->rcpt, f->rcpt->filtered.action,
		    f->rcpt->filtered.n, &cap);
	} else
		rcpt_result(f, f->rcpt, RESULT_LATER, buf_str(&why));
	f->first = next_request;
	next_request += (uint32_t)f->n_asks;
	buf_clear(&b.cache);
	buf_clear(&why);
	job_finish(f);
	return 0;
}

int
job_answer(struct msg *m)
{
	char words[RESULT_WORDS_MAX + 1];
	enum result result;
	struct job *j;
	size_t i;

	if (m->type != DM_SCRIPT_IS && door_get_delivered(m, &result,
	    words) == -1)
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
	if (m->type == DM_SCRIPT_IS) {
		if (j->ask[i].action->filter == DOOR_UNFILTERED ||
		    j->ask[i].scripted)
			return -1;
		j->ask[i].scripted = 1;
		return job_script(j, i, m);
	}
	ask_result(j, &j->ask[i], result, words);
	job_finish(j);
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
