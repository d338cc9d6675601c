/*
 * run/master.ctl: status, reload, stop, sessions. Root and our own uid are
 * served.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/base/log.h"
#include "lib/link/control.h"
#include "master/master.h"
#include "master/master_control.h"
#include "master/master_logins.h"
#include "master/master_reload.h"
#include "master/master_stop.h"

static struct control control;

static const char *
state_of(const struct proc *p)
{
	if (p->stopping || p->lost)
		return "stopping";
	if (!p->ready)
		return "starting";
	return p->busy ? "busy" : programs[p->row].pool == POOL_ACCEPT ? "idle" :
	    "running";
}

/* One process; p NULL: a row of which none runs, though it should. */
static int
status_row(struct control_client *c, unsigned row, const struct proc *p)
{
	const struct program *r = &programs[row];
	struct answer *a = &c->answer;
	int i;

	answer_text(a, peer_name(r->kind));
	answer_text(a, r->duty == SERVICE_NONE ? NULL : service_name(r->duty));
	answer_text(a, p == NULL || p->user[0] == '\0' ? NULL : p->user);
	if (p == NULL)
		answer_text(a, NULL);
	else
		answer_number(a, (uint64_t)p->pid);
	answer_text(a, p == NULL ? "down" : state_of(p));
	answer_span(a, p == NULL ? 0 : (uint64_t)(ev_time() - p->started));
	answer_number(a, master.rows[row].restarts);
	answer_number(a, p == NULL ? 0 : p->sessions);
	if (p == NULL || p->trouble[0] == '\0') {
		for (i = 0; i < 4; i++)
			answer_text(a, NULL);
	} else {
		answer_text(a, p->trouble);
		answer_time(a, (uint64_t)p->troubled);
		answer_text(a, p->cause);
		answer_text(a, p->words);
	}
	return answer_row(a, "program service user pid state uptime restarts "
	    "sessions trouble trouble_since trouble_server trouble_words", -1);
}

static void
on_status(struct control_client *c, struct msg *m)
{
	struct proc *p;
	unsigned i;
	int r = 0;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
			if (r == 0)
				r = status_row(c, i, p);
		if (r == 0 && master.rows[i].n == 0 &&
		    ev_is_active(&master.rows[i].retry))
			r = status_row(c, i, NULL);
	}
	control_end(c, C_OK, "");
}

static void
on_stop(struct control_client *c, struct msg *m)
{
	/* The connection stays: its end says that all have ended. */
	control_end(c, C_OK, "stopping");
	stop_begin(0);
}

static void
reloaded(void *arg, int status, const char *words)
{
	control_end(arg, (enum c_status)status, words);
}

static void
on_reload(struct control_client *c, struct msg *m)
{
	reload_begin(reloaded, c);
}

static void
on_list(struct control_client *c, struct msg *m)
{
	struct answer *a = &c->answer;
	struct login *l;
	int r = 0;

	TAILQ_FOREACH(l, &logins, in_list) {
		if (r == -1)
			break;
		answer_number(a, l->id);
		answer_text(a, l->user);
		answer_text(a, service_name(l->service));
		answer_text(a, l->remote);
		answer_time(a, (uint64_t)l->since);
		answer_text(a, l->tls[0] == '\0' ? NULL : l->tls);
		r = answer_row(a, "session user protocol address since tls",
		    -1);
	}
	control_end(c, C_OK, "");
}

static void
on_kick(struct control_client *c, struct msg *m)
{
	char *user = msg_get_dup(m, CF_USER), *id = msg_get_dup(m, CF_ID);
	char words[40];
	uint64_t number;
	unsigned n = 0;

	if (msg_has(m, CF_USER))
		n = logins_kick_user(user);
	else if (str_number(id, strlen(id), UINT32_MAX, &number) == 0)
		n = logins_kick((uint32_t)number);
	snprintf(words, sizeof(words), "%u sessions ended", n);
	control_end(c, C_OK, words);
	free(user);
	free(id);
}

static void
on_note(struct control_client *c, struct msg *m)
{
	char *words = msg_get_dup(m, CF_WORDS);

	log_info("operator %s", words);
	control_end(c, C_OK, "");
	free(words);
}

static void
on_command(struct control_client *c, struct msg *m)
{
	static void (*const commands[])(struct control_client *,
	    struct msg *) = {
		[C_STATUS] = on_status,
		[C_STOP] = on_stop,
		[C_RELOAD] = on_reload,
		[C_LIST] = on_list,
		[C_KICK] = on_kick,
		[C_NOTE] = on_note,
	};

	if (m->type < sizeof(commands) / sizeof(commands[0]) &&
	    commands[m->type] != NULL)
		commands[m->type](c, m);
	else
		control_end(c, C_REFUSED, "not a word for master");
}

static const struct control_kind master_control = {
	.size = sizeof(struct control_client),
	.command = on_command,
};

void
operator_listen(int listener)
{
	control_init(&control, master.loop, &master_control);
	control_listen(&control, listener);
}

void
operator_close(void)
{
	control_close(&control);
}
