#include <stdlib.h>
#include <string.h>

#include "auth/auth_bound.h"
#include "auth/auth_pam.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/link/link.h"
#include "lib/mail/proto.h"
#include "lib/mail/result.h"

static const double SWEEP = 1;		/* seconds */

TAILQ_HEAD(job_list, auth_pam_job);

struct pam_worker {
	TAILQ_ENTRY(pam_worker) in_list;
	struct auth_pam *pam;
	struct link link;
	struct auth_pam_job *job;	/* NULL: free */
	uint32_t id;
};

struct auth_pam {
	struct ev_loop *loop;
	void	(*done)(const struct auth_pam_job *);
	struct auth_bound *bound;
	TAILQ_HEAD(, pam_worker) workers;
	struct job_list line;
	unsigned waiting, n_workers;
	uint32_t last_id;
	ev_timer sweep;
};

static void
free_secret(char *s)
{
	mem_wipe(s, strlen(s));
	free(s);
}

static void
job_free(struct auth_pam_job *j)
{
	free_secret(j->password);
	free(j->account);
	free(j->user);
	free(j->remote);
	buf_clear(&j->words);
	free(j);
}

static void
job_end(struct auth_pam *p, struct auth_pam_job *j, enum auth_pam_result r,
    const char *words)
{
	j->result = r;
	if (words != NULL)
		buf_set(&j->words, "%s", words);
	p->done(j);
	job_free(j);
}

static void
line_take(struct auth_pam *p, struct auth_pam_job *j)
{
	TAILQ_REMOVE(&p->line, j, in_line);
	p->waiting--;
}

/* May it be asked beside those that are? */
static int
has_turn(const struct auth_pam *p, const struct auth_pam_job *j, int known)
{
	unsigned same = 0, most = p->n_workers > 1 ? p->n_workers / 2 : 1;
	const struct pam_worker *w;

	TAILQ_FOREACH(w, &p->workers, in_list) {
		if (w->job == NULL)
			continue;
		if (strcmp(w->job->account, j->account) == 0)
			return 0;
		same += memcmp(w->job->address, j->address,
		    REMOTE_KEY_MAX) == 0;
	}
	return known || same < most;
}

static void
worker_start(struct pam_worker *w, struct auth_pam_job *j)
{
	struct chan *c;
	const char *colon = strrchr(j->remote, ':');
	char *remote = mem_strndup(j->remote, colon != NULL ?
	    (size_t)(colon - j->remote) : strlen(j->remote));

	w->job = j;
	w->id = ++w->pam->last_id;
	c = link_begin(&w->link, P_ASK, w->id);
	msg_text(c, PF_USER, j->user);
	msg_text(c, PF_PASSWORD, j->password);
	msg_text(c, PF_REMOTE, remote);
	link_send(&w->link);
	free(remote);
}

/*
 * Those that need not be asked are answered; returns the one that is to be asked
 * next by a process that is free, or NULL.
 */
static struct auth_pam_job *
line_next(struct auth_pam *p, int known)
{
	struct auth_pam_job *j, *next;
	enum auth_bound_word word;

	for (j = TAILQ_FIRST(&p->line); j != NULL; j = next) {
		next = TAILQ_NEXT(j, in_line);
		word = auth_bound_judge(p->bound, j->account, j->user,
		    j->password, clock_mono_ms());
		if (word == AUTH_BOUND_AGAIN || word == AUTH_BOUND_FULL) {
			line_take(p, j);
			job_end(p, j, word == AUTH_BOUND_AGAIN ?
			    AUTH_PAM_WRONG : AUTH_PAM_LIMIT,
			    word == AUTH_BOUND_AGAIN ?
			    "the same wrong password again" : "too many wrong "
			    "passwords: PAM is not asked for a while");
		} else if (has_turn(p, j, word == AUTH_BOUND_KNOWN) &&
		    (!known || word == AUTH_BOUND_KNOWN)) {
			return j;
		}
	}
	return NULL;
}

static struct pam_worker *
free_worker(const struct auth_pam *p)
{
	struct pam_worker *w;

	TAILQ_FOREACH(w, &p->workers, in_list)
		if (w->job == NULL && link_is_open(&w->link))
			return w;
	return NULL;
}

static void
line_run(struct auth_pam *p)
{
	struct auth_pam_job *j;
	struct pam_worker *w;

	while ((w = free_worker(p)) != NULL &&
	    ((j = line_next(p, 1)) != NULL || (j = line_next(p, 0)) != NULL)) {
		line_take(p, j);
		worker_start(w, j);
	}
}

/* Also at once after a question: nothing is answered below auth_pam_ask. */
static void
on_sweep(struct ev_loop *loop, ev_timer *t, int events)
{
	struct auth_pam *p = t->data;
	int64_t now = clock_mono_ms();
	struct auth_pam_job *j;

	line_run(p);
	while ((j = TAILQ_FIRST(&p->line)) != NULL &&
	    now - j->since >= AUTH_PAM_WAIT_MS) {
		line_take(p, j);
		job_end(p, j, AUTH_PAM_LATER, p->n_workers == 0 ?
		    "no process that asks PAM is there" :
		    "no process that asks PAM was free");
	}
	if (p->waiting == 0)
		ev_timer_stop(loop, t);
}

static enum auth_pam_result
result_of(uint32_t r)
{
	switch (r) {
	case P_PASSED:
		return AUTH_PAM_PASSED;
	case P_WRONG:
		return AUTH_PAM_WRONG;
	case P_REFUSED:
		return AUTH_PAM_REFUSED;
	default:
		return AUTH_PAM_LATER;
	}
}

static int
worker_message(struct link *l, struct msg *m, struct buf *why)
{
	struct pam_worker *w = l->owner;
	struct auth_pam *p = w->pam;
	struct auth_pam_job *j = w->job;
	enum auth_pam_result r = result_of(msg_get_u32(m, PF_RESULT));
	const char *words;
	size_t len;

	if (m->type != P_ANSWER || j == NULL || m->id != w->id) {
		buf_set(why, "answer without a request");
		return -1;
	}
	w->job = NULL;
	if (r == AUTH_PAM_PASSED)
		auth_bound_passed(p->bound, j->account, j->user, j->password,
		    clock_mono_ms());
	else if (r == AUTH_PAM_WRONG)
		auth_bound_failed(p->bound, j->account, j->user, j->password,
		    clock_mono_ms());
	words = msg_get(m, PF_WORDS, &len);
	if (words != NULL)
		(void)buf_append(&j->words, words, len);
	job_end(p, j, r, NULL);
	line_run(p);
	return 0;
}

static void
worker_free(struct pam_worker *w)
{
	struct auth_pam *p = w->pam;

	TAILQ_REMOVE(&p->workers, w, in_list);
	p->n_workers--;
	link_clear(&w->link);
	free(w);
}

static void
worker_lost(struct link *l, enum link_end how, const char *why)
{
	struct pam_worker *w = l->owner;
	struct auth_pam *p = w->pam;
	struct auth_pam_job *j = w->job;

	if (how != LINK_ENDED)
		link_warn(l, why);
	worker_free(w);
	if (j != NULL)
		job_end(p, j, AUTH_PAM_LATER,
		    "the process that asked PAM ended without an answer");
}

static const struct link_kind worker_kind = {
	.proto = &proto_pam,
	.message = worker_message,
	.lost = worker_lost,
	.secret = 1,	/* passwords */
};

struct auth_pam *
auth_pam_new(struct ev_loop *loop, void (*done)(const struct auth_pam_job *))
{
	struct auth_pam *p = mem_zalloc(1, sizeof(*p));

	p->loop = loop;
	p->done = done;
	p->bound = auth_bound_new();
	TAILQ_INIT(&p->workers);
	TAILQ_INIT(&p->line);
	ev_timer_init(&p->sweep, on_sweep, 0, SWEEP);
	p->sweep.data = p;
	return p;
}

void
auth_pam_free(struct auth_pam **pp)
{
	struct auth_pam *p = *pp;
	struct auth_pam_job *j;
	struct pam_worker *w;

	if (p == NULL)
		return;
	while ((w = TAILQ_FIRST(&p->workers)) != NULL) {
		if (w->job != NULL)
			job_free(w->job);
		worker_free(w);
	}
	while ((j = TAILQ_FIRST(&p->line)) != NULL) {
		line_take(p, j);
		job_free(j);
	}
	ev_timer_stop(p->loop, &p->sweep);
	auth_bound_free(&p->bound);
	free(p);
	*pp = NULL;
}

void
auth_pam_gone(struct auth_pam *p, uint32_t instance)
{
	struct pam_worker *w;

	TAILQ_FOREACH(w, &p->workers, in_list)
		if (w->link.instance == instance)
			break;
	if (w != NULL)
		link_finish(&w->link);
}

void
auth_pam_worker(struct auth_pam *p, uint32_t instance, int fd)
{
	struct pam_worker *w = mem_zalloc(1, sizeof(*w));

	auth_pam_gone(p, instance);
	w->pam = p;
	link_init(&w->link, p->loop, &worker_kind, w);
	link_open(&w->link, PEER_PAM, instance, fd);
	TAILQ_INSERT_TAIL(&p->workers, w, in_list);
	p->n_workers++;
	line_run(p);
}

int
auth_pam_ask(struct auth_pam *p, const char *account, const char *user,
    const char *password, const char *remote, uint32_t owner)
{
	struct auth_pam_job *j;

	if (p->waiting >= AUTH_PAM_LINE)
		return -1;
	j = mem_zalloc(1, sizeof(*j));
	buf_init(&j->words, RESULT_WORDS_MAX);
	j->account = mem_strdup(account);
	j->user = mem_strdup(user);
	j->password = mem_strdup(password);
	j->remote = mem_strdup(remote);
	j->owner = owner;
	j->since = clock_mono_ms();
	(void)remote_key(remote, j->address);
	TAILQ_INSERT_TAIL(&p->line, j, in_line);
	p->waiting++;
	ev_timer_stop(p->loop, &p->sweep);
	ev_timer_set(&p->sweep, 0, SWEEP);
	ev_timer_start(p->loop, &p->sweep);
	return 0;
}
