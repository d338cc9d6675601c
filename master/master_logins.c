#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "master/master_logins.h"
#include "master/master_proc.h"

static const double LOGINS_GRACE = 2, LOGINS_GRACE_OTHERS = 30; /* seconds */

struct login_list logins = TAILQ_HEAD_INITIALIZER(logins);

uint32_t
logins_add(struct proc *p, enum service s, const char *user,
    const char *remote, const char *tls)
{
	static uint32_t last;
	struct login *l = mem_zalloc(1, sizeof(*l));

	if (++last == 0)
		last = 1;
	l->id = last;
	l->proc = p;
	l->service = s;
	l->since = ev_time();
	l->user = mem_strdup(user);
	l->remote = mem_strdup(remote);
	l->tls = mem_strdup(tls);
	TAILQ_INSERT_TAIL(&logins, l, in_list);
	return l->id;
}

static void
login_free(struct login *l)
{
	TAILQ_REMOVE(&logins, l, in_list);
	free(l->user);
	free(l->remote);
	free(l->tls);
	free(l);
}

void
logins_ended(const struct proc *p, uint32_t id)
{
	struct login *l;

	TAILQ_FOREACH(l, &logins, in_list)
		if (l->id == id && l->proc == p) {
			login_free(l);
			return;
		}
}

void
logins_forget(const struct proc *p)
{
	struct login *l, *next;

	for (l = TAILQ_FIRST(&logins); l != NULL; l = next) {
		next = TAILQ_NEXT(l, in_list);
		if (l->proc == p)
			login_free(l);
	}
}

/* One client, in the blocking shape, and nobody to ask while it is served. */
static int
is_deaf(const struct proc *p)
{
	return programs[p->row].kind == PEER_POP3D;
}

static void
kick(struct login *l)
{
	struct proc *p = l->proc;

	log_info("session %u of %s from %s (%s) is ended", l->id, l->user,
	    l->remote, service_name(l->service));
	if (p->lost)
		return;
	p->kicked = ev_time();
	if (!programs[p->row].loop)
		p->stopping = 1;
	if (is_deaf(p)) {
		kill(p->pid, SIGKILL);
		return;
	}
	link_begin(&p->link, WIRE_KICK, l->id);
	proc_end(p);
	proc_flush(p);
}

unsigned
logins_kick(uint32_t id)
{
	struct login *l;

	TAILQ_FOREACH(l, &logins, in_list)
		if (l->id == id) {
			l->kicked = 1;
			kick(l);
			return 1;
		}
	return 0;
}

unsigned
logins_kick_user(const char *user)
{
	struct login *l;
	struct proc *p;
	unsigned i, n = 0;

	TAILQ_FOREACH(l, &logins, in_list)
		if (strcmp(l->user, user) == 0) {
			l->kicked = 1;
			kick(l);
			n++;
		}
	/* Whoever logs in as that user next may be another. */
	for (i = 0; i < PROGRAM_COUNT; i++)
		if (programs[i].pool == POOL_SESSION)
			TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
				if (strcmp(p->user, user) == 0)
					p->retired = 1;
	return n;
}

/* A process that is busy for a while takes no other sessions with it. */
static double
grace(const struct proc *p)
{
	const struct login *l;

	TAILQ_FOREACH(l, &logins, in_list)
		if (l->proc == p && !l->kicked && l->since <= p->kicked)
			return LOGINS_GRACE_OTHERS;
	return LOGINS_GRACE;
}

/* Who was asked, and has a session yet that was to end. */
void
logins_tick(double now)
{
	struct login *l;

	TAILQ_FOREACH(l, &logins, in_list)
		if (l->kicked && !l->proc->lost &&
		    now - l->proc->kicked > LOGINS_GRACE &&
		    now - l->proc->kicked > grace(l->proc)) {
			proc_kill(l->proc);
			return;
		}
}
