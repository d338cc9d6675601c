#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/result.h"
#include "lib/server/server.h"
#include "relay/collect.h"

static void
run_end(struct run *r)
{
	struct account *a = r->a;

	queue_forget(r);
	list_clear(r);
	if (a == NULL)
		return;
	r->a = NULL;
	a->run = NULL;
	if (a->asker != NULL && r->test)
		a->tested = 1;
	account_release(a);
}

static void
run_free(struct run *r)
{
	link_clear(&r->link);
	run_end(r);
	TAILQ_REMOVE(&collect.runs, r, in_list);
	free(r->want);
	free(r);
}

/* It ended without a word of why. */
static void
run_broken(struct run *r, const char *why)
{
	if (r->a != NULL && !r->ended)
		account_done(r->a, CL_LOST, why != NULL ? why :
		    "the worker ended", 0);
	run_free(r);
}

static void
lost(struct link *l, enum link_end how, const char *why)
{
	struct run *r = l->owner;

	link_warn(l, why);
	if (how != LINK_ENDED)
		server_retire_peer(l->peer, l->instance);
	run_broken(r, why);
}

void
run_drop(struct run *r, const char *why)
{
	link_drop(&r->link, LINK_BROKE, why);
}

static unsigned
open_files(const struct run *r)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < r->n_want; i++)
		n += r->want[i].state > WANT_NEW && r->want[i].state <
		    WANT_OVER;
	return n;
}

/* Messages. Each: 0, or -1 with why: the worker broke a rule. */

static int
on_list(struct run *r, struct msg *m, struct buf *why)
{
	if (open_files(r) > 0) {
		buf_set(why, "lists while it fetches");
		return -1;
	}
	r->idle = 0;
	return list_slice(r, m, why);
}

static struct want *
wanted(struct run *r, const struct msg *m, enum want_state s, struct buf *why)
{
	struct want *w = run_want(r, m->id);

	if (w != NULL && w->state == s)
		return w;
	buf_set(why, "speaks of a message that it is not to fetch now");
	return NULL;
}

static int
on_file(struct run *r, struct msg *m, struct buf *why)
{
	struct want *w = wanted(r, m, WANT_NEW, why);

	if (w == NULL)
		return -1;
	if (open_files(r) >= CL_WINDOW) {
		buf_set(why, "asks for too many files");
		return -1;
	}
	w->state = WANT_ASKED;
	queue_file(r, w);
	return 0;
}

static void
note_left(struct run *r, const struct want *w)
{
	journal_add(collect.journal, &(struct journal_line){
	    .what = JOURNAL_LEFT, .time = clock_now(), .size = w->size,
	    .account = r->book, .account_len = strlen(r->book),
	    .key = w->key, .key_len = strlen(w->key) });
	r->a->left++;
}

/*
 * What is not handed out stays there for good only where others are: a server
 * that refuses all of them, or all from one on, is tried again.
 */
static void
note_unread(struct run *r)
{
	size_t i;

	for (i = 0; r->unread && i < r->n_want; i++) {
		if (!r->want[i].unread)
			continue;
		r->want[i].unread = 0;
		log_warn("%s: %s stays there: the server does not hand it out",
		    r->a->conf.name, r->want[i].key);
		note_left(r, &r->want[i]);
	}
	r->unread = 0;
}

/* It has its answer: what is said of it has crossed that. */
static int
is_answered(struct run *r, const struct msg *m)
{
	const struct want *w = run_want(r, m->id);

	return w != NULL && w->late;
}

static int
on_submit(struct run *r, struct msg *m, struct buf *why)
{
	uint64_t length = msg_get_u64(m, CLF_LENGTH);
	uint32_t final = msg_get_u32(m, CLF_FINAL);
	struct want *w;
	const char *p;
	size_t len;

	if (is_answered(r, m))
		return 0;
	if ((w = wanted(r, m, WANT_FILE, why)) == NULL)
		return -1;
	p = msg_get(m, CLF_FILE, &len);
	if (len != QUEUE_ID_LEN || memcmp(w->file, p, len) != 0 ||
	    length == 0 || final > length ||
	    msg_get_u32(m, CLF_FORWARD) > final) {
		buf_set(why, "submits what cannot be");
		return -1;
	}
	w->state = WANT_SENT;
	queue_submit(r, w, m);
	note_unread(r);
	return 0;
}

static int
on_left(struct run *r, struct msg *m, struct buf *why)
{
	struct want *w = run_want(r, m->id);
	uint32_t reason = msg_get_u32(m, CLF_REASON);
	char *words;

	if (is_answered(r, m))
		return 0;
	if (w == NULL || w->state == WANT_SENT || w->state == WANT_OVER) {
		buf_set(why, "leaves what it was not to fetch");
		return -1;
	}
	if (w->state == WANT_FILE)
		queue_unused(w->file);
	if (w->state == WANT_ASKED) {
		buf_set(why, "leaves what it waits for");
		return -1;
	}
	w->state = WANT_OVER;
	if (reason == CL_UNREADABLE) {
		w->unread = 1;
		r->unread = 1;
		return 0;
	}
	words = msg_get_dup(m, CLF_WORDS);
	log_warn("%s: %s stays there: %s", r->a->conf.name, w->key, words);
	free(words);
	/* What has vanished is no trouble; the next list says it, too. */
	if (reason == CL_TOO_LARGE)
		note_left(r, w);
	return 0;
}

static int
on_idle(struct run *r, struct msg *m, struct buf *why)
{
	if (open_files(r) > 0) {
		buf_set(why, "waits while it fetches");
		return -1;
	}
	r->idle = 1;
	account_done(r->a, CL_OK, "", r->more);
	/* What is there already is no news, for which it would wait. */
	if (r->more)
		run_stop(r);
	return 0;
}

static int
on_end(struct run *r, struct msg *m, struct buf *why)
{
	uint32_t status = msg_get_u32(m, CLF_STATUS);
	char *words = msg_get_dup(m, CLF_WORDS);

	if (status < CL_OK || status > CL_LIMIT)
		status = CL_LOST;
	r->ended = 1;
	if (msg_has(m, CLF_DELAY))
		r->a->delay = msg_get_u32(m, CLF_DELAY);
	if (r->a->delay > COLLECT_EVERY_MAX)
		r->a->delay = COLLECT_EVERY_MAX;
	account_done(r->a, status, words, r->more);
	free(words);
	run_end(r);
	return 0;
}

static int (*const on_message[])(struct run *, struct msg *, struct buf *) = {
	[CL_LIST] = on_list,
	[CL_FILE] = on_file,
	[CL_SUBMIT] = on_submit,
	[CL_LEFT] = on_left,
	[CL_IDLE] = on_idle,
	[CL_END] = on_end,
};

static int
message(struct link *l, struct msg *m, struct buf *why)
{
	struct run *r = l->owner;

	r->heard = clock_mono_ms();
	if (r->a == NULL) {
		buf_set(why, "speaks without a run");
		return -1;
	}
	return on_message[m->type](r, m, why);
}

static const struct link_kind run_link = {
	.proto = &proto_collect,
	.message = message,
	.lost = lost,
	.turn = &collect.to_write,
	.secret = 1,
};

void
run_wired(uint32_t instance, int fd)
{
	struct run *r = mem_zalloc(1, sizeof(*r));

	run_gone(instance);
	link_init(&r->link, collect.loop, &run_link, r);
	link_open(&r->link, PEER_FETCH, instance, fd);
	r->heard = clock_mono_ms();
	TAILQ_INSERT_TAIL(&collect.runs, r, in_list);
}

void
run_gone(uint32_t instance)
{
	struct run *r;

	TAILQ_FOREACH(r, &collect.runs, in_list)
		if (r->link.instance == instance) {
			/* What it said last counts. */
			link_finish(&r->link);
			return;
		}
}

/* "X-Envelope-To,Delivered-To" as packed lv. */
static void
put_fields(struct chan *c, const char *names)
{
	struct buf b = BUF_INIT(CL_SECTION_MAX);
	size_t n;

	for (; *names != '\0'; names += n + (names[n] == ',')) {
		n = strcspn(names, ",");
		if (n > 0)
			(void)buf_put_lv(&b, names, n);
	}
	msg_bytes(c, CLF_FIELDS, b.data, b.len);
	buf_clear(&b);
}

void
run_begin(struct run *r, struct account *a)
{
	const struct collect_account *k = &a->conf;
	uint64_t most = collect.conf.message_size;
	struct chan *c;

	r->a = a;
	memcpy(r->book, a->book, sizeof(r->book));
	a->run = r;
	a->begun = r->heard = clock_mono_ms();
	a->before = a->fetched + a->left;
	r->test = a->asker != NULL;
	c = link_begin(&r->link, CL_RUN, 0);
	msg_text(c, CLF_ACCOUNT, k->name);
	msg_u32(c, CLF_KIND, k->kind);
	msg_text(c, CLF_HOST, k->host);
	msg_u32(c, CLF_PORT, k->port);
	msg_u32(c, CLF_SECURITY, k->security);
	msg_text(c, CLF_LOGIN, k->login);
	msg_text(c, CLF_PASSWORD, k->password);
	msg_u32(c, CLF_FLAGS, (k->options & COLLECT_ANY_CERTIFICATE ?
	    CL_ANY_CERTIFICATE : 0u) | (r->test ? CL_TEST :
	    k->options & COLLECT_NO_IDLE ? 0u : CL_MAY_IDLE) |
	    (k->options & COLLECT_TOKEN ? CL_TOKEN : 0u));
	if (k->fields[0] != '\0')
		put_fields(c, k->fields);
	else
		msg_text(c, CLF_OWNER, k->owner);
	msg_u32(c, CLF_SECONDS, (uint32_t)collect.conf.seconds);
	msg_u64(c, CLF_LARGEST, k->largest != 0 && k->largest < most ?
	    k->largest : most);
	link_send(&r->link);
}
