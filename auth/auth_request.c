#include <stdlib.h>
#include <string.h>

#include "auth/auth_request.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"
#include "lib/mail/result.h"

enum { SLOT_BITS = 12 };

_Static_assert(AUTH_REQUESTS_MAX == 1 << SLOT_BITS,
    "an id is a generation and a slot");

static const char words_bad[] = "wrong name or password";
static const char words_full[] = "too many sessions";
static const char words_later[] = "temporary trouble, try again";
static const char words_limit[] = "too many failed logins, wait a while";

static void	request_timer(struct ev_loop *, ev_timer *, int);

struct auth_request *
auth_request_new(struct auth_serve *a, struct auth_peer *p)
{
	struct auth_request *r;
	unsigned slot;

	if (a->n_free == 0 || p->requests >= AUTH_PEER_MAX)
		return NULL;
	slot = a->free_slot[--a->n_free];
	r = mem_zalloc(1, sizeof(*r));
	r->serve = a;
	r->peer = p;
	p->requests++;
	if (++a->generation >> (32 - SLOT_BITS) != 0)
		a->generation = 1;
	r->id = a->generation << SLOT_BITS | slot;
	r->start = clock_mono_ms();
	buf_init(&r->stored, AUTH_HASH_MAX);
	ev_init(&r->timer, request_timer);
	r->timer.data = r;
	a->slot[slot] = r;
	return r;
}

struct auth_request *
auth_request_find(struct auth_serve *a, uint32_t id)
{
	struct auth_request *r = a->slot[id & (AUTH_REQUESTS_MAX - 1)];

	return r != NULL && r->id == id ? r : NULL;
}

static void
free_secret(char *s)
{
	if (s != NULL)
		mem_wipe(s, strlen(s));
	free(s);
}

void
auth_request_free(struct auth_request **rp)
{
	struct auth_request *r = *rp;
	struct auth_serve *a = r->serve;
	unsigned slot = r->id & (AUTH_REQUESTS_MAX - 1);

	ev_timer_stop(a->parts.loop, &r->timer);
	if (r->peer != NULL)
		r->peer->requests--;
	a->slot[slot] = NULL;
	a->free_slot[a->n_free++] = slot;
	free_secret(r->password);
	buf_wipe(&r->stored);
	free(r->user);
	free(r->remote);
	free(r);
	*rp = NULL;
}

static void
request_wait(struct auth_request *r, enum auth_state state, int64_t ms)
{
	r->state = state;
	/* ev_now is the start of this round, which may lie well behind. */
	ev_timer_set(&r->timer, (double)ms / 1000 +
	    ev_time() - ev_now(r->serve->parts.loop), 0.);
	ev_timer_start(r->serve->parts.loop, &r->timer);
}

/* Answers and ends the request. */
static void
request_no(struct auth_request *r, enum a_reason reason, const char *words)
{
	struct auth_peer *p = r->peer;
	struct chan *c;

	if (p != NULL) {
		c = link_begin(&p->link, A_NO, r->frame_id);
		msg_u32(c, AF_REASON, reason);
		msg_words(c, AF_WORDS, words, RESULT_WORDS_MAX);
		link_send(&p->link);
	}
	auth_request_free(&r);
}

/* Answers and ends the request; takes fd over (-1: none belongs to it). */
static void
request_ok(struct auth_request *r, int fd)
{
	struct auth_peer *p = r->peer;
	struct chan *c;

	if (p != NULL) {
		c = link_begin(&p->link, A_OK, r->frame_id);
		msg_text(c, AF_USER, r->user);
		if (fd != -1)
			msg_fd(c, fd);
		link_send(&p->link);
	} else {
		fd_close(&fd);
	}
	auth_request_free(&r);
}

/* A name without "@" may be a password in the wrong box: not for the log. */
static const char *
log_name(const struct auth_request *r)
{
	return strchr(r->user, '@') != NULL ? r->user : "(no address)";
}

static void
request_failed(struct auth_request *r)
{
	int64_t now = clock_mono_ms(), late;

	auth_delay_failed(r->serve->parts.delay, &r->attempt, now);
	log_info("login failed: %s from %s (%s): %s", log_name(r), r->remote,
	    service_name(r->service), r->known ? "wrong password" :
	    "no such account");
	late = auth_delay_late(r->serve->parts.delay, r->start);
	if (late > now)
		request_wait(r, AUTH_LATE, late - now);
	else
		request_no(r, A_BAD, words_bad);
}

static int
is_submission(enum service s)
{
	return s == SERVICE_SUBMISSION || s == SERVICE_SUBMISSIONS;
}

static void
request_passed(struct auth_request *r)
{
	struct auth_parts *parts = &r->serve->parts;

	auth_delay_passed(parts->delay, &r->attempt, clock_mono_ms());
	log_info("login %s from %s (%s)", r->user, r->remote,
	    service_name(r->service));
	if (is_submission(r->service))
		request_ok(r, -1);
	else if (r->peer == NULL)
		auth_request_free(&r);
	else if (parts->start(r->service, r->user, r->remote, r->id) == 0)
		request_wait(r, AUTH_START, AUTH_START_MS);
	else
		request_no(r, A_LATER, words_later);
}

static void
request_check(struct auth_request *r)
{
	struct auth_serve *a = r->serve;
	enum map_result found;

	auth_users_refresh(a->parts.users);
	found = auth_users_hash(a->parts.users, r->user, &r->stored);
	if (found == MAP_ERROR || a->hashing >= AUTH_HASH_LINE) {
		log_info("login of %s put off: %s", log_name(r),
		    found == MAP_ERROR ? "passwd.cdb cannot be read" :
		    "too many checks are waiting");
		request_no(r, A_LATER, words_later);
		return;
	}
	r->known = found == MAP_FOUND;
	if (r->known && auth_cache_has(a->parts.cache, r->user,
	    buf_str(&r->stored), r->password, clock_mono_ms())) {
		request_passed(r);
		return;
	}
	r->state = AUTH_HASH;
	a->hashing++;
	auth_pool_run(a->pool, auth_job_new(buf_str(&r->stored), r->password,
	    r->id));
}

void
auth_request_hashed(struct auth_request *r, enum auth_verdict v)
{
	if (!r->known || v != AUTH_MATCH) {
		request_failed(r);
		return;
	}
	auth_cache_add(r->serve->parts.cache, r->user, buf_str(&r->stored),
	    r->password, clock_mono_ms());
	request_passed(r);
}

void
auth_request_started(struct auth_request *r, int fd, int full,
    const char *words)
{
	if (r->state != AUTH_START) {
		fd_close(&fd);
		return;
	}
	if (fd != -1) {
		request_ok(r, fd);
		return;
	}
	log_warn("no session for %s: %s", r->user, words);
	if (full)
		request_no(r, A_LIMIT, words_full);
	else
		request_no(r, A_LATER, words_later);
}

void
auth_request_run(struct auth_request *r)
{
	int64_t wait;

	wait = auth_delay_before(r->serve->parts.delay, &r->attempt,
	    clock_mono_ms());
	if (wait == -1) {
		log_info("login refused unchecked: %s from %s (%s): too many "
		    "failures", log_name(r), r->remote,
		    service_name(r->service));
		request_no(r, A_LIMIT, words_limit);
	} else if (wait > 0) {
		request_wait(r, AUTH_WAIT, wait);
	} else {
		request_check(r);
	}
}

static void
request_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct auth_request *r = w->data;

	if (r->state == AUTH_WAIT)
		request_check(r);
	else if (r->state == AUTH_LATE)
		request_no(r, A_BAD, words_bad);
	else
		request_no(r, A_LATER, words_later);
}
