#include <stdlib.h>
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
		if (r->state == AUTH_HASH || r->state == AUTH_ASK) {
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
	struct auth_peer **at;

	for (at = &p->serve->peers; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	peer_orphan(p);
	link_clear(&p->link);
	free(p);
}

static void
peer_lost(struct link *l, enum link_end how, const char *why)
{
	link_warn(l, why);
	peer_free(l->owner);
}

static void
answer_later(struct auth_peer *p, uint32_t id)
{
	struct chan *c;

	link_warn(&p->link, "asks for too many logins at once");
	c = link_begin(&p->link, A_NO, id);
	msg_u32(c, AF_REASON, A_LATER);
	msg_text(c, AF_WORDS, "too many logins at once");
	link_send(&p->link);
}

static int
peer_message(struct link *l, struct msg *m, struct buf *why)
{
	struct auth_peer *p = l->owner;
	struct auth_serve *a = p->serve;
	uint32_t service = msg_get_u32(m, AF_SERVICE);
	struct buf name = BUF_INIT(ADDRESS_MAX);
	struct auth_request *r;
	char *given;

	if (service >= SERVICE_COUNT || !(may_ask[l->peer] >> service & 1)) {
		buf_set(why, "asks for a service that is not its own");
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
	r->tls = msg_get_dup(m, AF_TLS);
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

static const struct link_kind asker = {
	.proto = &proto_auth,
	.message = peer_message,
	.lost = peer_lost,
	.secret = 1,	/* passwords */
};

static void
pool_done(struct auth_job *j)
{
	struct auth_request *r = auth_request_find(the_serve, j->owner);

	the_serve->hashing -= j->hashes.n;
	if (r != NULL && r->state == AUTH_HASH)
		auth_request_hashed(r, j);
	auth_job_free(&j);
}

static void
pam_done(const struct auth_pam_job *j)
{
	struct auth_request *r = auth_request_find(the_serve, j->owner);

	if (r != NULL && r->state == AUTH_ASK)
		auth_request_asked(r, j);
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
	a->pam = auth_pam_new(parts->loop, pam_done);
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
	auth_pam_free(&a->pam);
	for (i = 0; i < AUTH_REQUESTS_MAX; i++)
		if (a->slot[i] != NULL)
			auth_request_free(&a->slot[i]);
	auth_users_free(&a->parts.users);
	auth_delay_free(&a->parts.delay);
	auth_cache_free(&a->parts.cache);
	auth_learned_free(&a->parts.learned);
	the_serve = NULL;
	free(a);
	*ap = NULL;
}

void
auth_serve_peer_gone(struct auth_serve *a, enum peer kind, uint32_t instance)
{
	struct auth_peer *p, *next;

	if (kind == PEER_PAM)
		auth_pam_gone(a->pam, instance);
	for (p = a->peers; p != NULL; p = next) {
		next = p->next;
		if (p->link.peer == kind && p->link.instance == instance)
			peer_free(p);
	}
}

void
auth_serve_peer(struct auth_serve *a, enum peer kind, uint32_t instance,
    int fd)
{
	struct auth_peer *p;

	if (kind == PEER_PAM) {
		auth_pam_worker(a->pam, instance, fd);
		return;
	}
	auth_serve_peer_gone(a, kind, instance);
	p = mem_zalloc(1, sizeof(*p));
	p->serve = a;
	link_init(&p->link, a->parts.loop, &asker, p);
	link_open(&p->link, kind, instance, fd);
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
