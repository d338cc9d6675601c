#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/auth_request.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"

/* The pool's call knows no owner but a number; one serve per process. */
static struct auth_serve *the_serve;

/* Which services each asker may name. */
static const uint32_t may_ask[PEER_COUNT] = {
	[PEER_LOGIN] = 1u << SERVICE_IMAP | 1u << SERVICE_IMAPS |
	    1u << SERVICE_POP3 | 1u << SERVICE_POP3S,
	[PEER_SMTPD] = 1u << SERVICE_SUBMISSION | 1u << SERVICE_SUBMISSIONS,
};

/* Its requests end, but for those in the pool, whose outcome still counts. */
static void
peer_orphan(struct auth_peer *p)
{
	struct auth_request *r;
	unsigned i;

	for (i = 0; i < AUTH_REQUESTS_MAX && p->requests > 0; i++) {
		r = p->serve->slot[i];
		if (r == NULL || r->peer != p)
			continue;
		if (r->state == AUTH_HASH) {
			r->peer = NULL;
			p->requests--;
		} else {
			auth_request_free(&r);
		}
	}
}

static void
peer_free(struct auth_peer *p)
{
	struct auth_serve *a = p->serve;
	struct auth_peer **at;

	for (at = &a->peers; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	peer_orphan(p);
	ev_io_stop(a->parts.loop, &p->readable);
	ev_io_stop(a->parts.loop, &p->writable);
	chan_clear(&p->chan);
	free(p);
}

static void
peer_flush(struct auth_peer *p)
{
	struct ev_loop *loop = p->serve->parts.loop;

	if (chan_flush(&p->chan) == 0)
		ev_io_start(loop, &p->writable);
	else
		ev_io_stop(loop, &p->writable);
}

/*
 * Where writing failed, reading finds the end and frees the peer: that must
 * not happen below a caller that holds it.
 */
void
auth_peer_send(struct auth_peer *p)
{
	if (msg_end(&p->chan) == -1) {
		log_warn("%s %u does not read its answers",
		    peer_name(p->kind), (unsigned)p->instance);
		(void)shutdown(p->chan.fd, SHUT_RDWR);
		return;
	}
	peer_flush(p);
}

static void
peer_writable(struct ev_loop *loop, ev_io *w, int events)
{
	peer_flush(w->data);
}

static void
answer_later(struct auth_peer *p, uint32_t id)
{
	log_warn("%s asks for too many logins at once", peer_name(p->kind));
	msg_begin(&p->chan, &proto_auth, A_NO, id);
	msg_u32(&p->chan, AF_REASON, A_LATER);
	msg_text(&p->chan, AF_WORDS, "too many logins at once");
	auth_peer_send(p);
}

/* 0, or -1: the asker breaks a rule. */
static int
peer_message(struct auth_peer *p, const struct msg *m)
{
	struct auth_serve *a = p->serve;
	uint32_t service = msg_get_u32(m, AF_SERVICE);
	struct buf name = BUF_INIT(ADDRESS_MAX);
	struct auth_request *r;
	char *given;

	if (service >= SERVICE_COUNT ||
	    !(may_ask[p->kind] >> service & 1)) {
		log_warn("%s asks for a service not its own",
		    peer_name(p->kind));
		return -1;
	}
	if ((r = auth_request_new(a, p)) == NULL) {
		answer_later(p, m->id);
		return 0;
	}
	r->frame_id = m->id;
	r->service = (enum service)service;
	r->password = msg_get_dup(m, AF_PASSWORD);
	r->remote = msg_get_dup(m, AF_REMOTE);
	given = msg_get_dup(m, AF_USER);
	auth_users_refresh(a->parts.users);
	/* What can be no account is in no cdb either, and takes its time. */
	(void)auth_users_name(a->parts.users, given, &name);
	r->user = mem_strdup(buf_str(&name));
	free(given);
	buf_clear(&name);
	auth_try_init(&r->attempt, a->parts.delay, r->user, r->remote);
	auth_request_run(r);
	return 0;
}

/* All whole messages that were read: 0, or -1: drop the asker. */
static int
peer_messages(struct auth_peer *p)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r;

	while ((r = msg_next(&m, &proto_auth, p->kind, &p->chan, &why)) == 1) {
		r = peer_message(p, &m);
		/* The password lay in the channel's memory. */
		mem_wipe(p->chan.in.data + (m.frame.data - p->chan.in.data),
		    m.frame.len);
		msg_done(&m);
		if (r == -1)
			break;
	}
	if (why.len > 0)
		log_warn("%s %u is dropped: %s", peer_name(p->kind),
		    (unsigned)p->instance, buf_str(&why));
	buf_clear(&why);
	return r;
}

static void
peer_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct auth_peer *p = w->data;
	int r = chan_read(&p->chan);

	if (r == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (r != 1 || peer_messages(p) == -1)
		peer_free(p);
}

static void
pool_done(struct auth_job *j)
{
	struct auth_request *r = auth_request_find(the_serve, j->owner);

	the_serve->hashing--;
	if (r != NULL && r->state == AUTH_HASH)
		auth_request_hashed(r, j->verdict);
	auth_job_free(&j);
}

struct auth_serve *
auth_serve_new(const struct auth_parts *parts)
{
	struct auth_serve *a = mem_zalloc(1, sizeof(*a));
	unsigned i;

	a->parts = *parts;
	for (i = 0; i < AUTH_REQUESTS_MAX; i++)
		a->free_slot[a->n_free++] = AUTH_REQUESTS_MAX - 1 - i;
	the_serve = a;
	a->pool = auth_pool_new(parts->loop, parts->threads, pool_done);
	return a;
}

void
auth_serve_free(struct auth_serve **ap)
{
	struct auth_serve *a = *ap;
	unsigned i;

	if (a == NULL)
		return;
	while (a->peers != NULL)
		peer_free(a->peers);
	auth_pool_free(&a->pool);
	for (i = 0; i < AUTH_REQUESTS_MAX; i++)
		if (a->slot[i] != NULL)
			auth_request_free(&a->slot[i]);
	auth_users_free(&a->parts.users);
	auth_delay_free(&a->parts.delay);
	auth_cache_free(&a->parts.cache);
	the_serve = NULL;
	free(a);
	*ap = NULL;
}

void
auth_serve_peer_gone(struct auth_serve *a, enum peer kind, uint32_t instance)
{
	struct auth_peer *p, *next;

	for (p = a->peers; p != NULL; p = next) {
		next = p->next;
		if (p->kind == kind && p->instance == instance)
			peer_free(p);
	}
}

void
auth_serve_peer(struct auth_serve *a, enum peer kind, uint32_t instance,
    int fd)
{
	struct auth_peer *p = mem_zalloc(1, sizeof(*p));

	auth_serve_peer_gone(a, kind, instance);
	p->serve = a;
	p->kind = kind;
	p->instance = instance;
	chan_init(&p->chan, fd);
	ev_io_init(&p->readable, peer_readable, fd, EV_READ);
	ev_io_init(&p->writable, peer_writable, fd, EV_WRITE);
	p->readable.data = p->writable.data = p;
	ev_io_start(a->parts.loop, &p->readable);
	p->next = a->peers;
	a->peers = p;
}

void
auth_serve_started(struct auth_serve *a, uint32_t id, int fd,
    int full, const char *words)
{
	struct auth_request *r = auth_request_find(a, id);

	if (r != NULL)
		auth_request_started(r, fd, full, words);
	else if (fd != -1)
		close(fd);
}
