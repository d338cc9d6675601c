/*
 * The channel to queue. What is submitted is written into the journal when queue
 * has it, what is in the journal is dropped at queue, and only then the worker
 * hears of it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/packed.h"
#include "lib/mail/proto.h"
#include "relay/collect.h"

/* Somebody waits for a file. */
struct ask {
	TAILQ_ENTRY(ask) in_list;
	struct run *run;	/* NULL: not any more */
	uint32_t number;
};

/* A message that queue is to have. */
struct sub {
	TAILQ_ENTRY(sub) in_list;
	uint32_t frame;
	uint32_t row;		/* of queue; 0: not yet */
	struct run *run;	/* NULL: nobody waits */
	uint32_t number;
	uint64_t length;
	uint32_t hash;
	char	 account[JOURNAL_ACCOUNT_MAX + 1], key[UIDL_MAX + 1];
};

TAILQ_HEAD(ask_list, ask);
TAILQ_HEAD(sub_list, sub);

static struct link queue = { .chan = { .fd = -1 } };
static struct ask_list asks = TAILQ_HEAD_INITIALIZER(asks);
static struct sub_list subs = TAILQ_HEAD_INITIALIZER(subs);
/* Queue has them, and the journal is to. */
static struct sub_list settled = TAILQ_HEAD_INITIALIZER(settled);
static struct buf rows = BUF_INIT(0);	/* of rows that the journal has */
static unsigned files;			/* given, and not submitted */
static int asking;			/* the first of asks is at queue */
static int told;			/* all rows came */
static uint32_t last_frame;
static int64_t ask_again;		/* ms; 0: no need */

static void
ask_next(void)
{
	if (asking || !link_is_open(&queue) || TAILQ_EMPTY(&asks) ||
	    files >= COLLECT_OPEN)
		return;
	link_begin(&queue, Q_FILE, 0);
	link_send(&queue);
	asking = 1;
	files++;
}

static void
ask_end(struct ask *k)
{
	TAILQ_REMOVE(&asks, k, in_list);
	free(k);
}

static void
later(struct run *r, uint32_t number, const char *words)
{
	struct want *w = r != NULL ? run_want(r, number) : NULL;

	if (w != NULL)
		run_later(r, w, words);
}

void
queue_file(struct run *r, struct want *w)
{
	struct ask *k;

	if (!collect.synced || collect.stopping) {
		run_later(r, w, "4.3.2 queue is not there");
		return;
	}
	k = mem_zalloc(1, sizeof(*k));
	k->run = r;
	k->number = w->number;
	TAILQ_INSERT_TAIL(&asks, k, in_list);
	ask_next();
}

void
queue_unused(const char *file)
{
	struct chan *c;

	if (!link_is_open(&queue))
		return;
	c = link_begin(&queue, Q_UNUSED, 0);
	msg_text(c, QF_FILE, file);
	link_send(&queue);
	files--;
	ask_next();
}

/* Whose it is: of what the header fields named those that are ours, else the
   owner. */
static void
put_recipient(struct buf *b, const char *address, size_t len)
{
	(void)packed_put_recipient(b, &(struct packed_recipient){
	    .address = address, .len = len, .orcpt = "" });
}

static int
is_ours(const char *address)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(0);
	enum tables_kind k = tables_address(collect.tables, address, &name,
	    &list);

	buf_clear(&name);
	buf_clear(&list);
	return k == TABLES_USER || k == TABLES_ALIAS;
}

static int
has(const struct buf *b, const char *address, size_t len)
{
	struct packed_recipient p;
	struct cursor c;

	cursor_init(&c, b->data, b->len);
	while (packed_recipient(&c, &p) == 1)
		if (p.len == len && memcmp(p.address, address, len) == 0)
			return 1;
	return 0;
}

static void
put_recipients(const struct account *a, const struct msg *m, struct buf *b)
{
	char address[ADDRESS_MAX + 1];
	struct cursor c;
	const char *p;
	size_t len;
	unsigned n;

	if (a->conf.fields[0] != '\0' && msg_has(m, CLF_RECIPIENTS)) {
		tables_refresh(collect.tables);
		p = msg_get(m, CLF_RECIPIENTS, &len);
		cursor_init(&c, p, len);
		for (n = 0; n < CL_RECIPIENTS_MAX && cursor_left(&c) > 0;
		    n++) {
			p = cursor_lv(&c, &len, ADDRESS_MAX);
			if (c.bad || len == 0 || !str_is_text(p, len))
				break;
			memcpy(address, p, len);
			address[len] = '\0';
			str_tolower(address, len);
			if (is_ours(address) && !has(b, address, len))
				put_recipient(b, address, len);
		}
	}
	if (b->len == 0)
		put_recipient(b, a->conf.owner, strlen(a->conf.owner));
}

static struct sub *
sub_new(struct run *r, const struct want *w, const struct msg *m)
{
	struct sub *s = mem_zalloc(1, sizeof(*s));
	const char *p;
	size_t len;

	if (++last_frame == 0)
		last_frame = 1;
	s->frame = last_frame;
	s->run = r;
	s->number = w->number;
	s->length = msg_get_u64(m, CLF_LENGTH);
	p = msg_get(m, CLF_MESSAGE_ID, &len);
	s->hash = journal_hash(p, len);
	(void)str_copy(s->account, sizeof(s->account), r->book);
	(void)str_copy(s->key, sizeof(s->key), w->key);
	TAILQ_INSERT_TAIL(&subs, s, in_list);
	return s;
}

void
queue_submit(struct run *r, struct want *w, const struct msg *m)
{
	struct buf to = BUF_INIT(0);
	struct sub *s;
	struct chan *c;
	char *id;

	if (!collect.synced) {
		queue_unused(w->file);
		run_later(r, w, "4.3.2 queue was started anew");
		return;
	}
	files--;
	s = sub_new(r, w, m);
	put_recipients(r->a, m, &to);
	c = link_begin(&queue, Q_SUBMIT, s->frame);
	msg_text(c, QF_FILE, w->file);
	msg_text(c, QF_SENDER, r->a->conf.owner);
	msg_bytes(c, QF_RECIPIENTS, to.data, to.len);
	msg_text(c, QF_CLIENT, r->a->conf.host);
	msg_u64(c, QF_TIME, (uint64_t)clock_now());
	msg_u64(c, QF_LENGTH, s->length);
	msg_u32(c, QF_CRC, msg_get_u32(m, CLF_CRC));
	msg_u32(c, QF_FINAL, msg_get_u32(m, CLF_FINAL));
	msg_u32(c, QF_FORWARD, msg_get_u32(m, CLF_FORWARD));
	msg_u32(c, QF_FLAGS, msg_get_u32(m, CLF_FLAGS) & CL_8BIT ? Q_8BIT : 0);
	msg_u32(c, QF_ORIGIN, Q_ORIGIN_COLLECTOR);
	msg_text(c, QF_ACCOUNT, s->account);
	msg_text(c, QF_UIDL, s->key);
	if (msg_has(m, CLF_MESSAGE_ID)) {
		id = msg_get_dup(m, CLF_MESSAGE_ID);
		msg_text(c, QF_MESSAGE_ID, id);
		free(id);
	}
	link_send(&queue);
	log_info("%s: account=%s key=%s size=%llu", w->file, s->account,
	    s->key, (unsigned long long)s->length);
	buf_clear(&to);
	ask_next();
}

void
queue_forget(struct run *r)
{
	struct ask *k, *next;
	struct sub *s;
	size_t i;

	for (k = TAILQ_FIRST(&asks); k != NULL; k = next) {
		next = TAILQ_NEXT(k, in_list);
		if (k->run != r)
			continue;
		/* The first may be at queue: its file is given back. */
		if (asking && k == TAILQ_FIRST(&asks))
			k->run = NULL;
		else
			ask_end(k);
	}
	TAILQ_FOREACH(s, &subs, in_list)
		if (s->run == r)
			s->run = NULL;
	TAILQ_FOREACH(s, &settled, in_list)
		if (s->run == r)
			s->run = NULL;
	for (i = 0; i < r->n_want; i++)
		if (r->want[i].state == WANT_FILE)
			queue_unused(r->want[i].file);
	r->n_want = r->next = 0;
}

int
queue_quiet(void)
{
	return TAILQ_EMPTY(&subs) && TAILQ_EMPTY(&settled);
}

/* Messages of queue. */

static int
on_file_is(struct msg *m, struct buf *why)
{
	struct ask *k = TAILQ_FIRST(&asks);
	int fd = msg_get_fd(m, 0);
	char *file = msg_get_dup(m, QF_FILE);
	struct want *w;

	if (!asking || k == NULL) {
		buf_set(why, "a file that nobody asked for");
		fd_close(&fd);
		free(file);
		return -1;
	}
	asking = 0;
	w = k->run != NULL ? run_want(k->run, k->number) : NULL;
	if (w != NULL) {
		run_file(k->run, w, file, fd);
	} else {
		fd_close(&fd);
		queue_unused(file);
	}
	ask_end(k);
	free(file);
	ask_next();
	return 0;
}

static struct sub *
sub_find(uint32_t frame)
{
	struct sub *s;

	TAILQ_FOREACH(s, &subs, in_list)
		if (s->frame == frame)
			break;
	return s;
}

static void
write_down(const char *account, size_t account_len, const char *key,
    size_t key_len, uint64_t size, uint32_t hash)
{
	journal_add(collect.journal, &(struct journal_line){
	    .what = JOURNAL_FETCHED, .time = clock_now(), .size = size,
	    .hash = hash, .account = account, .account_len = account_len,
	    .key = key, .key_len = key_len });
}

static int
on_done(struct msg *m, struct buf *why)
{
	struct sub *s = sub_find(m->id);

	if (s == NULL || !msg_has(m, QF_ROW)) {
		buf_set(why, "an answer without a request");
		return -1;
	}
	s->row = msg_get_u32(m, QF_ROW);
	write_down(s->account, strlen(s->account), s->key, strlen(s->key),
	    s->length, s->hash);
	TAILQ_REMOVE(&subs, s, in_list);
	TAILQ_INSERT_TAIL(&settled, s, in_list);
	return 0;
}

static int
on_later(struct msg *m, struct buf *why)
{
	char *words = msg_get_dup(m, QF_WORDS);
	struct ask *k = TAILQ_FIRST(&asks);
	struct sub *s = sub_find(m->id);

	if (s != NULL) {
		later(s->run, s->number, words);
		TAILQ_REMOVE(&subs, s, in_list);
		free(s);
	} else if (m->id == 0 && asking && k != NULL) {
		asking = 0;
		files--;
		later(k->run, k->number, words);
		ask_end(k);
		ask_next();
	}
	free(words);
	return 0;
}

/* One that has gone had that name before, or was left there once. */
static int
is_fetched(const char *account, const char *key, size_t len)
{
	const struct journal_entry *e = journal_find(collect.journal, account,
	    key, len, clock_now());

	return e != NULL && !e->gone && e->what == JOURNAL_FETCHED;
}

static int
on_rows(struct msg *m, struct buf *why)
{
	struct packed_origin o;
	struct cursor c;
	const char *p;
	char *account;
	size_t len;
	int more;

	p = msg_get(m, QF_ROWS, &len);
	cursor_init(&c, p, len);
	while ((more = packed_origin(&c, &o)) == 1) {
		account = mem_strndup(o.account, o.account_len);
		/* What is known was written before the row could be dropped. */
		if (o.account_len <= JOURNAL_ACCOUNT_MAX &&
		    cl_is_key(o.account, o.account_len) &&
		    cl_is_key(o.key, o.key_len) &&
		    !is_fetched(account, o.key, o.key_len))
			write_down(o.account, o.account_len, o.key, o.key_len,
			    o.length, journal_hash(o.message_id,
			    o.message_id_len));
		buf_put_u32(&rows, o.row);
		free(account);
	}
	if (more == -1) {
		buf_set(why, "rows that are malformed");
		return -1;
	}
	if (msg_get_u32(m, QF_LAST) != 0)
		told = 1;
	return 0;
}

static int (*const on_message[])(struct msg *, struct buf *) = {
	[Q_FILE_IS] = on_file_is,
	[Q_DONE] = on_done,
	[Q_LATER] = on_later,
	[Q_NEVER] = on_later,
	[Q_ORIGIN_ROWS] = on_rows,
};

static int
message(struct link *l, struct msg *m, struct buf *why)
{
	return on_message[m->type](m, why);
}

/* What is under way is not known to be in queue; its rows will tell. */
void
queue_gone(void)
{
	struct ask *k;
	struct sub *s;
	struct run *r;
	size_t i;

	link_clear(&queue);
	collect.synced = told = asking = 0;
	files = 0;
	buf_reset(&rows);
	while ((k = TAILQ_FIRST(&asks)) != NULL) {
		later(k->run, k->number, "4.3.2 queue has ended");
		ask_end(k);
	}
	while ((s = TAILQ_FIRST(&subs)) != NULL) {
		later(s->run, s->number, "4.3.2 queue has ended");
		TAILQ_REMOVE(&subs, s, in_list);
		free(s);
	}
	/* Files of a queue that has gone are no files of the next. */
	TAILQ_FOREACH(r, &collect.runs, in_list)
		for (i = 0; i < r->n_want; i++)
			if (r->want[i].state == WANT_FILE)
				run_later(r, &r->want[i],
				    "4.3.2 queue has ended");
}

static void
lost(struct link *l, enum link_end how, const char *why)
{
	link_warn(l, why);
	queue_gone();
}

static const struct link_kind queue_link = {
	.proto = &proto_queue,
	.message = message,
	.lost = lost,
	.turn = &collect.to_write,
};

static void
ask_rows(void)
{
	collect.synced = told = 0;
	ask_again = 0;
	buf_reset(&rows);
	link_begin(&queue, Q_ORIGINS, 0);
	link_send(&queue);
}

void
queue_wired(int fd)
{
	if (link_is_open(&queue))
		queue_gone();
	link_init(&queue, collect.loop, &queue_link, NULL);
	link_open(&queue, PEER_QUEUE, 0, fd);
	ask_rows();
}

/* Tells queue of all rows that the journal has. */
static void
drop_rows(void)
{
	size_t at, n;
	struct chan *c;

	for (at = 0; at < rows.len && link_is_open(&queue); at += n) {
		n = rows.len - at;
		if (n > Q_ORIGINS_SLICE * 4)
			n = Q_ORIGINS_SLICE * 4;
		c = link_begin(&queue, Q_ORIGIN_DROP, 0);
		msg_bytes(c, QF_ROWS, rows.data + at, n);
		link_send(&queue);
	}
	buf_reset(&rows);
}

static void
settle(struct sub *s, const char *trouble)
{
	struct want *w = s->run != NULL ? run_want(s->run, s->number) : NULL;

	if (w != NULL && trouble != NULL)
		run_later(s->run, w, trouble);
	else if (w != NULL)
		run_fetched(s->run, w);
	TAILQ_REMOVE(&settled, s, in_list);
	free(s);
}

void
queue_turn(void)
{
	static const int64_t again = 10 * 1000;
	struct buf why = BUF_INIT(300);
	const char *trouble = NULL;
	struct sub *s;

	if (journal_sync(collect.journal, &why) == -1) {
		log_warn("%s: nothing is collected before it can be written",
		    buf_str(&why));
		trouble = "4.3.1 the journal cannot be written";
		collect.synced = told = 0;
		buf_reset(&rows);
		/* The rows are there still. */
		ask_again = clock_mono_ms() + again;
	}
	while ((s = TAILQ_FIRST(&settled)) != NULL) {
		if (trouble == NULL && link_is_open(&queue))
			buf_put_u32(&rows, s->row);
		settle(s, trouble);
	}
	if (trouble == NULL)
		drop_rows();
	if (told && trouble == NULL)
		collect.synced = 1;
	if (ask_again != 0 && ask_again <= clock_mono_ms() &&
	    link_is_open(&queue))
		ask_rows();
	buf_clear(&why);
}
