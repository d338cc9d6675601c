/*
 * auth says that a user logged in: a name and a service, never a path, a uid
 * or an argument. An imapd of that user that lives gets the session too;
 * else, and always for POP3, a process is started.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "master/master.h"
#include "master/master_logins.h"
#include "master/master_proc.h"
#include "master/master_session.h"
#include "master/master_wiring.h"

static void
refuse(struct proc *auth, uint32_t id, int full, const char *words)
{
	link_begin(&auth->link, WIRE_REFUSED, id);
	msg_text(&auth->link.chan, WF_WORDS, words);
	msg_u32(&auth->link.chan, WF_FULL, full != 0);
	proc_end(auth);
}

static uint32_t
open_sessions(const struct proc *p)
{
	return p->sessions + (p->sent - p->seen);
}

/* The user's process that takes another session; counts them all. */
static struct proc *
find(enum program_id row, const char *user, uint64_t *count_r)
{
	struct proc *p, *found = NULL;

	*count_r = 0;
	TAILQ_FOREACH(p, &master.rows[row].procs, in_row) {
		if (strcmp(p->user, user) != 0)
			continue;
		*count_r += programs[row].loop ? open_sessions(p) : 1;
		if (programs[row].loop && !p->lost && !p->stopping &&
		    !p->retired)
			found = p;
	}
	return found;
}

/* What auth told of a login. */
struct told {
	enum service service;
	char	 user[WIRE_USER_MAX + 1], remote[WIRE_REMOTE_MAX + 1];
	char	 tls[WIRE_TLS_MAX + 1];
};

static uint32_t
note(struct proc *p, const struct told *t)
{
	return logins_add(p, t->service, t->user, t->remote, t->tls);
}

static void
give(struct proc *auth, uint32_t id, struct proc *p, const struct told *t)
{
	int fd[2];

	if (fd_pair(fd) == -1) {
		log_warn("session of %s: %s", t->user, strerror(errno));
		refuse(auth, id, 0, "no session can be started now");
		return;
	}
	link_begin(&p->link, WIRE_SESSION, note(p, t));
	msg_u32(&p->link.chan, WF_SERVICE, t->service);
	msg_text(&p->link.chan, WF_USER, t->user);
	msg_text(&p->link.chan, WF_REMOTE, t->remote);
	msg_fd(&p->link.chan, fd[0]);
	proc_end(p);
	p->sent++;
	proc_flush(p);
	link_begin(&auth->link, WIRE_STARTED, id);
	msg_fd(&auth->link.chan, fd[1]);
	proc_end(auth);
}

/* The program that serves such a login; PROGRAM_COUNT: none does. */
static enum program_id
program_of(enum service s)
{
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++)
		if (s < SERVICE_COUNT && programs[i].sessions & SERVICE_BIT(s))
			break;
	return (enum program_id)i;
}

static void
text(const struct msg *m, uint8_t tag, char *out, size_t size)
{
	size_t len;
	const char *p = msg_get(m, tag, &len);

	if (len >= size)
		len = size - 1;
	memcpy(out, p != NULL ? p : "", len);
	out[len] = '\0';
}

static void
session_begin(struct proc *auth, uint32_t id, enum program_id row,
    const struct told *t)
{
	struct proc *p = NULL;
	uint64_t count = 0;

	if (master.phase != PHASE_STOP)
		p = find(row, t->user, &count);
	if (count >= master.conf.sessions_per_user) {
		log_info("%s: %s has %u sessions, no more", programs[row].name,
		    t->user, (unsigned)count);
		refuse(auth, id, 1, "too many sessions of this user");
		return;
	}
	if (p == NULL && master.phase != PHASE_STOP)
		p = proc_spawn(row, t->user);
	if (p == NULL || p->lost)
		refuse(auth, id, 0, "no session can be started now");
	else
		give(auth, id, p, t);
}

/* The worker that asked auth has the client: it is that client's alone. */
static void
worker_begin(struct proc *auth, uint32_t id, uint32_t instance,
    const struct told *t)
{
	struct proc *p;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (!(programs[i].services & SERVICE_BIT(t->service)) ||
		    !programs[i].session_uid)
			continue;
		TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
			if (p->instance == instance && !p->lost) {
				logins_forget(p);
				(void)note(p, t);
				str_copy(p->user, sizeof(p->user), t->user);
				wiring_login(p);
				link_begin(&auth->link, WIRE_STARTED, id);
				proc_end(auth);
				return;
			}
	}
	refuse(auth, id, 0, "no such session");
}

static void
session_start(struct proc *auth, const struct msg *m)
{
	struct told t;
	enum program_id row;

	t.service = (enum service)msg_get_u32(m, WF_SERVICE);
	row = program_of(t.service);
	text(m, WF_USER, t.user, sizeof(t.user));
	text(m, WF_REMOTE, t.remote, sizeof(t.remote));
	text(m, WF_TLS, t.tls, sizeof(t.tls));
	if (t.service >= SERVICE_COUNT || t.user[0] == '\0')
		refuse(auth, m->id, 0, "no such service");
	else if (row == PROGRAM_COUNT)
		worker_begin(auth, m->id, msg_get_u32(m, WF_INSTANCE), &t);
	else
		session_begin(auth, m->id, row, &t);
}

/* Only a process that queue has a wire to can have wronged it. */
static void
session_retire(struct proc *queue, const struct msg *m)
{
	uint32_t instance = msg_get_u32(m, WF_INSTANCE);
	uint32_t wires = program_wires(queue->row);
	struct proc *p;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (!(wires & PROGRAM_BIT(i)))
			continue;
		TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
			if (p->instance == instance) {
				log_warn("%s will not work with %s[%d]",
				    programs[queue->row].name,
				    programs[i].name, (int)p->pid);
				proc_kill(p);
				return;
			}
	}
}

static void
session_need(struct proc *queue, const struct msg *m)
{
	uint32_t instance = msg_get_u32(m, WF_INSTANCE);
	uint32_t wires = program_wires(queue->row);
	struct proc *p;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (!(wires & PROGRAM_BIT(i)) ||
		    programs[i].kind != (enum peer)msg_get_u32(m, WF_PEER))
			continue;
		/* They are started before the loop waits (master_pool.c). */
		master.rows[i].needed = msg_get_u32(m, WF_COUNT);
		TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
			if (p->instance == instance)
				proc_stop(p);
	}
}

void
session_said(struct proc *p, const struct msg *m)
{
	if (m->type == WIRE_START)
		session_start(p, m);
	else if (m->type == WIRE_NEED)
		session_need(p, m);
	else if (m->type == WIRE_ENDED)
		logins_ended(p, m->id);
	else
		session_retire(p, m);
}
