#include <stdlib.h>
#include <string.h>

#include "auth/auth_request.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"
#include "lib/mail/protocols.h"
#include "lib/mail/result.h"
#include "lib/mail/tables.h"

enum { SLOT_BITS = 12 };

_Static_assert(AUTH_REQUESTS_MAX == 1 << SLOT_BITS,
    "an id is a generation and a slot");

static const char words_bad[] = "wrong name or password";
static const char words_protocol[] = "not by this protocol";
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
	free(r->user);
	free(r->remote);
	free(r->tls);
	free_secret(r->hash);
	free(r->pam);
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

/* Of who gave no password that counts. */
static const char *
fault_of(const struct auth_request *r)
{
	return r->known ? "wrong password" :
	    r->disabled ? "it is disabled" : r->found ?
	    "it has no password for this" : "no such account";
}

/* why is for the log: who failed does not hear it. */
static void
request_failed(struct auth_request *r, const char *why)
{
	int64_t now = clock_mono_ms(), late;

	auth_delay_failed(r->serve->parts.delay, &r->attempt, now);
	log_info("login failed: %s from %s (%s): %s", log_name(r), r->remote,
	    service_name(r->service), why);
	late = auth_delay_late(r->serve->parts.delay, r->start);
	if (late > now)
		request_wait(r, AUTH_LATE, late - now);
	else
		request_no(r, A_BAD, words_bad);
}

static uint32_t
protocol_of(enum service s)
{
	switch (s) {
	case SERVICE_IMAP:
	case SERVICE_IMAPS:
		return PROTOCOL_IMAP;
	case SERVICE_POP3:
	case SERVICE_POP3S:
		return PROTOCOL_POP3;
	default:
		return PROTOCOL_SUBMISSION;
	}
}

/* The name in an app password's protocols. */
static const char *
protocol_name(enum service s)
{
	uint32_t p = protocol_of(s);

	return p == PROTOCOL_IMAP ? "imap" : p == PROTOCOL_POP3 ? "pop3" :
	    "submission";
}

/* The password was right: who does not know it does not hear of this. */
static void
request_forbidden(struct auth_request *r)
{
	log_info("login refused: %s from %s (%s): %s is switched off for it",
	    log_name(r), r->remote, service_name(r->service),
	    protocol_name(r->service));
	request_no(r, A_PROTOCOL, words_protocol);
}

/* hash, of app where that is not NULL: what the password was right for; NULL:
   PAM has said so. */
static void
request_passed(struct auth_request *r, const char *hash, const char *app)
{
	struct auth_parts *parts = &r->serve->parts;
	struct server_login l = { .service = r->service, .user = r->user,
		.remote = r->remote, .tls = r->tls };

	auth_delay_passed(parts->delay, &r->attempt, clock_mono_ms());
	if (!r->allowed) {
		request_forbidden(r);
		return;
	}
	log_info("login %s from %s (%s)%s%s", r->user, r->remote,
	    service_name(r->service), app != NULL ? " with app password " :
	    hash == NULL ? " by PAM" : "", app != NULL ? app : "");
	if (app != NULL)
		auth_learned_used(parts->learned, r->user, hash, clock_now());
	if (r->peer == NULL) {
		auth_request_free(&r);
		return;
	}
	l.instance = r->peer->link.instance;
	r->by_pam = hash == NULL;
	r->hash = hash != NULL ? mem_strdup(hash) : NULL;
	if (parts->start(&l, r->id) == 0)
		request_wait(r, AUTH_START, AUTH_START_MS);
	else
		request_no(r, A_LATER, words_later);
}

/* What to check the password against. 0, or -1: later. */
static int
request_hashes(struct auth_request *r, struct auth_hashes *h)
{
	struct auth_users *users = r->serve->parts.users;
	struct buf text = BUF_INIT(CREDENTIAL_MAX);
	enum map_result found;

	auth_users_refresh(users);
	found = auth_users_find(users, r->user, &text);
	auth_hashes_read(h, buf_str(&text), text.len, protocol_name(r->service));
	if (h->fault != NULL)
		log_warn("%s cannot log in%s: %s", r->user, h->n > 0 ?
		    " with each password" : "", h->fault);
	r->found = found == MAP_FOUND;
	r->known = h->n > 0 || h->pam != NULL;
	free(r->pam);
	r->pam = h->pam != NULL ? mem_strdup(h->pam) : NULL;
	r->allowed = (credential_protocols(buf_str(&text), text.len) &
	    protocol_of(r->service)) != 0;
	r->disabled = r->found && strcmp(buf_str(&text), PASSWD_DISABLED) == 0;
	buf_wipe(&text);
	if (found == MAP_ERROR)
		return -1;
	if (!r->known)
		auth_hashes_one(h, auth_users_decoy(users));
	return 0;
}

/* The one that was right a short time ago; -1: none. */
static int
cached(const struct auth_request *r, const struct auth_hashes *h)
{
	const struct auth_cache *c = r->serve->parts.cache;
	unsigned i;

	for (i = 0; r->known && i < h->n; i++)
		if (auth_cache_has(c, r->user, h->hash[i], r->password,
		    clock_mono_ms()))
			return (int)i;
	return -1;
}

/* A password whose line has no SCRAM keys, and of which none were learned. */
static int
wants_keys(const struct auth_request *r, const struct auth_hashes *h)
{
	const struct auth_parts *parts = &r->serve->parts;

	return parts->scram && r->known && !h->scram && h->app[0] == NULL &&
	    !auth_learned_keys(parts->learned, r->user, h->hash[0], NULL);
}

static void
request_later(struct auth_request *r, const char *why)
{
	log_info("login of %s put off: %s", log_name(r), why);
	request_no(r, A_LATER, words_later);
}

static void
request_pam(struct auth_request *r)
{
	if (auth_pam_ask(r->serve->pam, r->user, r->pam, r->password,
	    r->remote, r->id) == -1)
		request_later(r, "too many questions to PAM are waiting");
	else
		request_wait(r, AUTH_ASK, AUTH_ASK_MS);
}

void
auth_request_asked(struct auth_request *r, const struct auth_pam_job *j)
{
	const char *words = buf_str(&j->words);

	ev_timer_stop(r->serve->parts.loop, &r->timer);
	switch (j->result) {
	case AUTH_PAM_PASSED:
		request_passed(r, NULL, NULL);
		break;
	case AUTH_PAM_WRONG:
	case AUTH_PAM_REFUSED:
		request_failed(r, words);
		break;
	case AUTH_PAM_LIMIT:
		/* Without delays who goes on would find by its other answer
		   the password that is asked about still. */
		auth_delay_failed(r->serve->parts.delay, &r->attempt,
		    clock_mono_ms());
		log_info("login refused unchecked: %s from %s (%s): %s",
		    log_name(r), r->remote, service_name(r->service), words);
		request_no(r, A_LIMIT, words_limit);
		break;
	case AUTH_PAM_LATER:
		request_later(r, words);
		break;
	}
}

static void
request_check(struct auth_request *r)
{
	struct auth_serve *a = r->serve;
	struct auth_hashes h;
	struct auth_job *j;
	int which, want_keys;

	if (request_hashes(r, &h) == -1) {
		request_later(r, "passwd.cdb cannot be read");
	} else if ((which = cached(r, &h)) != -1) {
		request_passed(r, h.hash[which], h.app[which]);
	} else if (h.n == 0) {
		request_pam(r);
	} else if (a->hashing >= AUTH_HASH_LINE) {
		request_later(r, "too many checks are waiting");
	} else {
		r->state = AUTH_HASH;
		a->hashing += h.n;
		want_keys = wants_keys(r, &h);
		j = auth_job_new(&h, r->password, r->id);
		j->want_keys = want_keys;
		auth_pool_run(a->pool, j);
	}
	auth_hashes_clear(&h);
}

void
auth_request_hashed(struct auth_request *r, const struct auth_job *j)
{
	struct auth_parts *parts = &r->serve->parts;
	const struct auth_hashes *h = &j->hashes;

	if (r->pam != NULL && j->matched == -1) {
		request_pam(r);
		return;
	}
	if (!r->known || j->matched == -1) {
		request_failed(r, fault_of(r));
		return;
	}
	auth_cache_add(parts->cache, r->user, h->hash[j->matched],
	    r->password, clock_mono_ms());
	if (j->has_keys)
		auth_learned_put_keys(parts->learned, r->user,
		    h->hash[j->matched], &j->keys);
	request_passed(r, h->hash[j->matched], h->app[j->matched]);
}

/*
 * Does the password still count? Who ends the sessions of an account first
 * writes the tables: master has ended this one, or we see them. 1, 0, or -1:
 * they cannot be read now.
 */
static int
still_good(struct auth_request *r)
{
	struct auth_hashes h;
	unsigned i;
	int good = request_hashes(r, &h);

	if (good != -1 && r->by_pam)
		good = r->pam != NULL;
	for (i = 0; good != -1 && !r->by_pam && r->known && i < h.n; i++)
		good |= strcmp(h.hash[i], r->hash) == 0;
	auth_hashes_clear(&h);
	return good;
}

static void
request_started(struct auth_request *r, int fd)
{
	int good = still_good(r);

	if (good == 1 && r->allowed) {
		request_ok(r, fd);
		return;
	}
	fd_close(&fd);
	if (good == -1) {
		request_later(r, "passwd.cdb cannot be read");
		return;
	}
	if (good && !r->allowed) {
		request_forbidden(r);
		return;
	}
	log_info("login of %s from %s (%s) ended: its password was changed "
	    "meanwhile", r->user, r->remote, service_name(r->service));
	request_no(r, A_BAD, words_bad);
}

void
auth_request_started(struct auth_request *r, int fd, int full,
    const char *words)
{
	if (r->state != AUTH_START) {
		fd_close(&fd);
		return;
	}
	if (words == NULL) {
		request_started(r, fd);
		return;
	}
	log_warn("no session for %s: %s", r->user, words);
	if (full)
		request_no(r, A_SESSIONS, words_full);
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
