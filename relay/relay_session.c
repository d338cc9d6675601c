#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/server/server.h"
#include "relay/relay_connect.h"
#include "relay/relay_hurry.h"
#include "relay/relay_route.h"
#include "relay/relay_session.h"

/* The connection that waits for the next job. */
static struct {
	struct relay_client client;
	int	 open;
	struct dest_key key;
	int64_t	 since;
} kept;

void
session_expire(int all)
{
	if (!kept.open || (!all && clock_mono_ms() < kept.since +
	    SESSION_KEEP_MS))
		return;
	kept.open = 0;
	client_quit(&kept.client);
}

/* Keeps c, which is the caller's no longer, for the next job. */
static void
session_keep(struct relay_client *c, const struct dest_key *key)
{
	if (c->dead || c->messages >= SESSION_MESSAGES_MAX) {
		client_quit(c);
		return;
	}
	session_expire(1);
	kept.client = *c;
	kept.open = 1;
	kept.since = clock_mono_ms();
	kept.key = *key;
}

/* Takes the kept connection if it leads there and the server left it alone. */
static int
session_take(struct relay_client *c, const struct dest_key *key)
{
	if (!kept.open)
		return 0;
	/* Where it ended just now the job finds out, and takes a fresh one. */
	if (!dest_key_equal(&kept.key, key) ||
	    (clock_mono_ms() > kept.since + SESSION_LOOK_MS &&
	    stream_readable(&kept.client.stream))) {
		session_expire(1);
		return 0;
	}
	*c = kept.client;
	kept.open = 0;
	return 1;
}

/* One transaction; c is spent afterwards. Returns as transaction_run. */
static enum result
session_send(struct relay_job *j, struct relay_client *c)
{
	enum result r;

	str_copy(j->host, sizeof(j->host), c->label);
	r = transaction_run(c, &j->message, j->to, j->n);
	if (c->bare[0] != '\0' && c->took)
		log_info("%s: left without TLS to %s: %s", j->file, c->label,
		    c->bare);
	if (c->dead)
		log_info("%s: %s", j->file, buf_str(&c->words));
	if (r == RESULT_DELIVERED && (c->dirty == 0 || job_settled(j)))
		session_keep(c, &j->key);
	else
		client_quit(c);
	return r;
}

struct attempt {
	struct relay_job *job;
	const struct policy *policy;
	unsigned tries;
	int64_t	 until;
	struct buf words, said;
};

/*
 * What a connection failed with. Addresses that this host has no way to are no
 * attempts, and speak for the message only while nothing else does: a host of
 * one family passes by any number of the other's.
 */
static void
session_missed(struct attempt *a, enum connect how)
{
	if (how == CONNECT_NO_WAY)
		a->tries--;
	if (how != CONNECT_NO_WAY || a->tries == 0)
		buf_set(&a->words, "%s", buf_str(&a->said));
	if (how == CONNECT_NO_WAY)
		log_debug("%s: %s", a->job->file, buf_str(&a->said));
	else
		log_info("%s: %s", a->job->file, buf_str(&a->said));
}

/*
 * Tries the addresses of one host. Returns RESULT_DELIVERED if nothing is
 * left to do for this job, RESULT_LATER if the next host may be tried.
 */
static enum result
session_target(struct attempt *a, const struct resolve_host *t)
{
	struct relay_client c;
	enum connect got;
	enum result r;
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if (a->tries++ == SESSION_ATTEMPTS_MAX ||
		    (a->tries > 1 && hurry_now()) ||
		    clock_mono_ms() > a->until || server_stopping())
			return RESULT_DELIVERED;
		got = connect_open(&c, t, i, a->policy, &a->said);
		if (got != CONNECT_OPEN) {
			session_missed(a, got);
			continue;
		}
		r = session_send(a->job, &c);
		if (r == RESULT_NEVER || job_settled(a->job))
			return RESULT_DELIVERED;
		return RESULT_LATER;
	}
	return RESULT_LATER;
}

static void
session_fresh(struct relay_job *j, const struct policy *p,
    const struct resolve_answer *route)
{
	struct attempt a = { .job = j, .policy = p,
		.until = clock_mono_ms() + SESSION_JOB_MS,
		.words = BUF_INIT(RESULT_WORDS_MAX),
		.said = BUF_INIT(RESULT_WORDS_MAX) };
	unsigned i;
	size_t k;

	for (i = 0; i < route->n; i++)
		if (session_target(&a, &route->host[i]) == RESULT_DELIVERED)
			break;
	/* Those that no host spoke about hear of the last connection. */
	for (k = 0; k < j->n; k++)
		if (j->to[k].words == NULL)
			recipient_set(&j->to[k], RESULT_LATER,
			    a.words.len > 0 ? buf_str(&a.words) :
			    "4.3.2 relay is stopping");
	buf_clear(&a.words);
	buf_clear(&a.said);
}

void
session_run(struct relay_job *j, const struct relay_conf *conf,
    const struct policy *policy)
{
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);
	struct resolve_answer *route;
	struct relay_client c;
	enum result r;

	if (session_take(&c, &j->key)) {
		r = session_send(j, &c);
		if (r != RESULT_LATER || hurry_cut()) {
			buf_clear(&words);
			return;
		}
	}
	route = mem_alloc(sizeof(*route));
	r = route_find(conf, j->key.route, route, &words);
	if (r == RESULT_DELIVERED)
		session_fresh(j, policy, route);
	else {
		log_info("%s: %s", j->file, buf_str(&words));
		job_all(j, r, buf_str(&words));
	}
	free(route);
	buf_clear(&words);
}
