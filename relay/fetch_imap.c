#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/net/tls.h"
#include "relay/fetch.h"
#include "relay/imap_change.h"
#include "relay/imap_login.h"

/* A NAT forgets a connection that nothing goes over; RFC 2177 has 29 min. */
enum { IDLE_MS = 9 * 60 * 1000 };

struct message { uint32_t uid, size; };

struct mailbox {
	struct fetch *f;
	struct imap_client c;
	struct imap_box box;
	uint32_t from;			/* what is listed begins here */
	struct message *v;		/* by uid */
	size_t	 n, cap;
	/* The message that comes. */
	struct fetch_file *file;
	uint32_t uid;
	int	 came;
};

static void
lost(struct mailbox *b)
{
	const struct imap_client *c = &b->c;

	fetch_end(b->f, c->no_tls ? CL_CERTIFICATE : c->foreign ?
	    CL_PROTOCOL : CL_LOST, "%s", buf_str(&c->words));
}

/* Response codes of RFC 5530. */
static void
refused(struct mailbox *b, enum cl_status status)
{
	static const struct { const char *code; enum cl_status status; } t[] = {
		{ "UNAVAILABLE", CL_SYS_TEMP }, { "INUSE", CL_IN_USE },
		{ "LIMIT", CL_SYS_TEMP }, { "SERVERBUG", CL_SYS_TEMP },
		{ "CONTACTADMIN", CL_SYS_PERM }, { "EXPIRED", CL_SYS_PERM },
		{ "AUTHORIZATIONFAILED", CL_REFUSED },
		{ "AUTHENTICATIONFAILED", CL_REFUSED },
		{ "NONEXISTENT", CL_SYS_PERM }, { "NOPERM", CL_SYS_PERM },
		{ "PRIVACYREQUIRED", CL_CERTIFICATE },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (strcmp(b->c.code, t[i].code) == 0)
			status = t[i].status;
	fetch_end(b->f, status, "%s", buf_str(&b->c.words));
}

/* status: what a refusal without a code means. */
static int
settle(struct mailbox *b, enum imap_result r, enum cl_status status)
{
	if (r == IMAP_OK)
		return 0;
	if (r == IMAP_NO)
		refused(b, status);
	else
		lost(b);
	return -1;
}

static int
enter(struct mailbox *b)
{
	static const enum imap_security security[] = {
		[CL_TLS] = IMAP_TLS, [CL_STARTTLS] = IMAP_STARTTLS,
		[CL_PLAIN] = IMAP_PLAIN,
	};
	const struct fetch_account *a = &b->f->a;
	const struct imap_account who = { a->login, a->password,
		a->flags & CL_TOKEN ? SASL_TOKEN : SASL_PASSWORD };

	if (settle(b, imap_greet(&b->c, a->security >= CL_TLS &&
	    a->security <= CL_PLAIN ? security[a->security] : IMAP_TLS,
	    a->flags & CL_ANY_CERTIFICATE ? b->f->any : b->f->verified,
	    a->host), CL_SYS_TEMP) == -1 ||
	    settle(b, imap_login(&b->c, &who, a->host), CL_REFUSED) == -1)
		return -1;
	return settle(b, imap_select(&b->c, "INBOX", &b->box), CL_SYS_TEMP);
}

/* One of the list. What is marked as deleted is there, too: a line that was cut
   may have left our own so. */
static void
on_listed(void *ctx, const struct imap_message *m)
{
	struct mailbox *b = ctx;
	struct buf key = BUF_INIT(UIDL_MAX);
	struct cl_item item;

	if (m->uid < b->from || !m->has_size || b->n == CL_LIST_MAX ||
	    (b->n > 0 && m->uid <= b->v[b->n - 1].uid))
		return;
	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 256 : 2 * b->cap;
		b->v = mem_realloc(b->v, b->cap, sizeof(*b->v));
	}
	b->v[b->n++] = (struct message){ m->uid, m->size < UINT32_MAX ?
		(uint32_t)m->size : UINT32_MAX };
	buf_printf(&key, "%" PRIu32 ".%" PRIu32, b->box.uidvalidity, m->uid);
	item = (struct cl_item){ m->uid, m->size, buf_str(&key), key.len };
	(void)talk_item(b->f, &item);
	buf_clear(&key);
}

static int
tell_list(struct mailbox *b)
{
	static const struct imap_fetched f = { .message = on_listed };
	const struct fetch_account *a = &b->f->a;
	struct buf set = BUF_INIT(40);
	enum imap_result r = IMAP_OK;

	b->n = 0;
	b->from = a->validity == b->box.uidvalidity ? a->since + 1 : 1;
	buf_printf(&set, "%" PRIu32 ":*", b->from > 0 ? b->from : 1);
	/* Of an empty mailbox "1:*" is an error to some. */
	if (b->box.messages > 0)
		r = imap_fetch_wait(&b->c, imap_fetch_send(&b->c,
		    buf_str(&set), "UID RFC822.SIZE"), &f, b);
	buf_clear(&set);
	if (b->f->gone || settle(b, r, CL_SYS_TEMP) == -1)
		return -1;
	return talk_listed(b->f);
}

static uint64_t
size_of(void *s, uint32_t uid)
{
	const struct mailbox *b = s;
	size_t lo = 0, hi = b->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (b->v[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->n && b->v[lo].uid == uid ? b->v[lo].size : 0;
}

/* A message that is too large is read to its end, and dropped. */
static void
on_body(void *ctx, const char *p, size_t len, uint64_t size)
{
	struct mailbox *b = ctx;

	if (!b->came)
		(void)fetch_file_add(b->file, p, len);
}

/* Whatever else comes meanwhile is not it: a second text is dropped. */
static void
on_message(void *ctx, const struct imap_message *m)
{
	struct mailbox *b = ctx;

	if (m->body == 2 && m->uid == b->uid && !b->came)
		(void)fetch_file_add(b->file, m->text->p, m->text->len);
	if (m->body != 0)
		b->came = m->uid == b->uid ? 1 : -1;
}

static enum fetch_got
get(void *s, uint32_t uid, struct fetch_file *m)
{
	static const struct imap_fetched f = { .message = on_message,
		.body = on_body };
	struct mailbox *b = s;
	char set[20];
	enum imap_result r;

	b->file = m;
	b->uid = uid;
	b->came = 0;
	snprintf(set, sizeof(set), "%" PRIu32, uid);
	r = imap_fetch_wait(&b->c, imap_fetch_send(&b->c, set,
	    "UID BODY.PEEK[]"), &f, b);
	if (r == IMAP_LOST || b->came == -1) {
		if (r != IMAP_LOST)
			(void)imap_fail(&b->c, "sends another message than "
			    "the one that was asked for");
		lost(b);
		return GOT_LOST;
	}
	if (b->came)
		return GOT_WHOLE;
	return r == IMAP_NO ? GOT_REFUSED : GOT_VANISHED;
}

static int
by_uid(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* What may go goes. */
static void
tidy(struct mailbox *b)
{
	struct fetch_want *w = &b->f->removed;

	if (b->c.dead || w->n == 0)
		return;
	qsort(w->v, w->n, sizeof(w->v[0]), by_uid);
	(void)settle(b, imap_remove(&b->c, w->v, w->n), CL_SYS_TEMP);
	w->n = 0;
}

static int
look(void *ctx)
{
	return fetch_over(ctx);
}

/* Waits for news. 1: there is some, or may be: of what came between two commands
   a server has told already. */
static int
wait_for_news(struct mailbox *b)
{
	enum imap_result r;
	int news = 0;

	/* The time of a run is not that of waiting. */
	b->f->end = -1;
	if (talk_idle(b->f) == -1)
		return 0;
	if (fetch_over(b->f))
		return 0;
	r = imap_idle(&b->c, IDLE_MS, b->f->ctl->fd, look, b->f, &news);
	return settle(b, r, CL_SYS_TEMP) == 0 && !fetch_over(b->f);
}

static void
one_round(struct mailbox *b, struct fetch_head *head)
{
	if (tell_list(b) == 0)
		fetch_messages(b->f, head, b, get, size_of);
	if (!b->f->gone)
		tidy(b);
}

static void
session(struct mailbox *b)
{
	struct fetch *f = b->f;
	char tls[100] = "";
	struct fetch_head head = { .hostname = f->hostname, .from = f->a.host,
		.ip = f->ip, .with = "IMAP", .tls = tls,
		.owner = f->a.owner, .fields = &f->a.fields };

	if (enter(b) == -1)
		return;
	if (b->c.stream.ssl != NULL)
		tls_describe(b->c.stream.ssl, tls, sizeof(tls));
	one_round(b, &head);
	while (f->a.flags & CL_MAY_IDLE && b->c.caps & IMAP_CAP_IDLE &&
	    !fetch_over(f) && wait_for_news(b)) {
		talk_again(f);
		fetch_begin(f);
		if (settle(b, imap_select(&b->c, "INBOX", &b->box),
		    CL_SYS_TEMP) == 0)
			one_round(b, &head);
	}
}

void
fetch_imap(struct fetch *f, int fd)
{
	struct buf label = BUF_INIT(IMAP_LABEL_MAX - 1);
	struct mailbox b = { .f = f };

	buf_set(&label, "%s [%s]", f->a.host, f->ip);
	imap_init(&b.c, fd, buf_str(&label));
	buf_clear(&label);
	b.c.stop = fetch_woken;
	stream_wake(&b.c.stream, f->ctl->fd);
	session(&b);
	imap_close(&b.c);
	free(b.v);
}
