/*
 * What the operator's command can ask, and the rows of the answers.
 */
#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/result.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_ctl_impl.h"
#include "queue/queue_dispatch.h"
#include "queue/queue_intake.h"
#include "queue/queue_job.h"
#include "queue/queue_life.h"
#include "queue/queue_message.h"

/* Also while a worker still has it. */
static int
is_held(const struct entry *e)
{
	return e->state == ENTRY_HELD || (e->msg != NULL && e->msg->hold);
}

static const char *
state_name(const struct entry *e)
{
	static const char *const name[] = {
		[ENTRY_NEW] = "new", [ENTRY_WAITING] = "deferred",
		[ENTRY_READY] = "ready", [ENTRY_ACTIVE] = "active",
		[ENTRY_HELD] = "held", [ENTRY_ASIDE] = "broken",
	};

	return name[is_held(e) ? ENTRY_HELD : e->state];
}

static const char *const result_names[] = {
	[TARGET_OPEN] = "waiting", [TARGET_DONE] = "delivered",
	[TARGET_REFUSED] = "failed", [TARGET_REPORTED] = "reported",
};

static const char list_names[] =
	"id state arrived size sender recipient target result attempts next "
	"reason";

static void
list_row(struct ctl *c, const struct entry *e, const struct message *m,
    const struct target *t, const char *recipient)
{
	struct answer *a = &c->c.answer;
	char id[QUEUE_ID_LEN + 1];

	queue_id_text(m->id, id);
	answer_text(a, id);
	answer_text(a, state_name(e));
	answer_time(a, m->env.time);
	answer_number(a, m->env.length);
	answer_text(a, m->env.sender);
	answer_text(a, recipient);
	answer_text(a, t != NULL ? t->address : recipient);
	answer_text(a, t != NULL ? result_names[t->state] : "waiting");
	answer_number(a, e->attempts);
	if (e->state == ENTRY_WAITING &&
	    (t == NULL || t->state == TARGET_OPEN))
		answer_time(a, (uint64_t)e->next);
	else
		answer_text(a, NULL);
	answer_text(a, t != NULL ? t->words : NULL);
	answer_row(a, list_names, -1);
}

static void
list_message(struct ctl *c, const struct entry *e, const struct message *m)
{
	size_t i;

	for (i = 0; i < m->targets.n; i++)
		list_row(c, e, m, &m->targets.t[i],
		    m->env.rcpt[m->targets.t[i].rcpt].address);
	for (i = 0; m->targets.n == 0 && i < m->env.n_rcpt; i++)
		list_row(c, e, m, NULL, m->env.rcpt[i].address);
}

/* What each command does to one message. 0, or -1 with words. */

static int
one_list(struct ctl *c, struct entry *e, struct buf *why)
{
	struct message *m = e->msg != NULL ? e->msg : message_peek(e->id);

	if (m == NULL) {
		buf_set(why, "the record cannot be read");
		return -1;
	}
	list_message(c, e, m);
	if (m != e->msg)
		message_free(m);
	return 0;
}

/* 0; says why where r is -1. */
static int
written(int r, struct buf *why)
{
	if (r == -1)
		buf_set(why, "the table cannot be written");
	return r;
}

static int
one_retry(struct ctl *c, struct entry *e, struct buf *why)
{
	char id[QUEUE_ID_LEN + 1];

	if (is_held(e)) {
		queue_id_text(e->id, id);
		buf_set(why, "%s: held: release it first", id);
		return -1;
	}
	if (e->state == ENTRY_ASIDE && body_bring_back(e->id) == -1) {
		buf_set(why, "its body cannot be brought back");
		return -1;
	}
	if (e->state != ENTRY_ASIDE && e->state != ENTRY_WAITING)
		return 0;
	sched_set(&queue.sched, e, ENTRY_READY);
	e->next = queue_now();
	return written(commit_schedule(e, NULL), why);
}

static int
one_hold(struct ctl *c, struct entry *e, struct buf *why)
{
	if (e->msg != NULL)
		return written(life_hold(e->msg), why);
	if (e->state != ENTRY_WAITING && e->state != ENTRY_READY)
		return 0;
	sched_set(&queue.sched, e, ENTRY_HELD);
	return written(commit_schedule(e, NULL), why);
}

static int
one_release(struct ctl *c, struct entry *e, struct buf *why)
{
	if (e->msg != NULL)
		return written(life_release(e->msg), why);
	if (e->state != ENTRY_HELD)
		return 0;
	sched_set(&queue.sched, e, ENTRY_READY);
	e->next = queue_now();
	return written(commit_schedule(e, NULL), why);
}

static int
one_delete(struct ctl *c, struct entry *e, struct buf *why)
{
	char id[QUEUE_ID_LEN + 1];
	int r, busy = e->msg != NULL && job_is_out(e->msg);

	queue_id_text(e->id, id);
	r = e->msg != NULL ? life_delete(e->msg) : commit_forget(e);
	if (r == 0)
		log_info("%s: deleted by the operator%s", id, busy ?
		    ", but a worker has it and may deliver it" : "");
	return written(r, why);
}

static const char show_names[] = "field value";

static void
show_text(struct answer *a, const char *name, const char *text)
{
	answer_text(a, name);
	answer_text(a, text);
	answer_row(a, show_names, -1);
}

/* Each recipient; below it where its mail goes, and how far it came. */
static void
show_recipients(struct ctl *c, const struct message *m)
{
	struct buf result = BUF_INIT(RESULT_WORDS_MAX + 100);
	const struct target *t;
	size_t i, k;

	for (i = 0; i < m->env.n_rcpt; i++) {
		show_text(&c->c.answer, "recipient", m->env.rcpt[i].address);
		for (k = 0; k < m->targets.n; k++) {
			t = &m->targets.t[k];
			if (t->rcpt != i || control_behind(&c->c))
				continue;
			if (strcmp(t->address, m->env.rcpt[i].address) != 0)
				show_text(&c->c.answer, "target", t->address);
			buf_set(&result, "%s%s%s", result_names[t->state],
			    t->words != NULL ? ": " : "",
			    t->words != NULL ? t->words : "");
			show_text(&c->c.answer, "result", buf_str(&result));
		}
		if (control_behind(&c->c))
			break;
	}
	buf_clear(&result);
}

static int
one_show(struct ctl *c, struct entry *e, struct buf *why)
{
	struct message *m = e->msg != NULL ? e->msg : message_peek(e->id);
	const struct {
		const char *name, *value;
	} text[] = {
		{ "state", state_name(e) },
		{ "sender", m != NULL ? m->env.sender : "" },
		{ "login", m != NULL ? m->env.login : "" },
		{ "client", m != NULL ? m->env.client : "" },
		{ "envelope_id", m != NULL ? m->env.envid : "" },
	};
	const struct {
		const char *name;
		uint64_t value;
	} number[] = {
		{ "size", m != NULL ? m->env.length : 0 },
		{ "body_offset", m != NULL ? m->env.final : 0 },
		{ "attempts", e->attempts },
	};
	struct answer *a = &c->c.answer;
	char id[QUEUE_ID_LEN + 1];
	size_t i;

	if (m == NULL) {
		buf_set(why, "the record cannot be read");
		return -1;
	}
	queue_id_text(e->id, id);
	answer_text(a, "id");
	answer_text(a, id);
	answer_row(a, show_names, body_open(e->id));
	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		show_text(a, text[i].name, text[i].value);
	answer_text(a, "arrived");
	answer_time(a, m->env.time);
	answer_row(a, show_names, -1);
	for (i = 0; i < sizeof(number) / sizeof(number[0]); i++) {
		answer_text(a, number[i].name);
		answer_number(a, number[i].value);
		answer_row(a, show_names, -1);
	}
	answer_text(a, "next");
	if (e->state == ENTRY_WAITING)
		answer_time(a, (uint64_t)e->next);
	else
		answer_text(a, NULL);
	answer_row(a, show_names, -1);
	show_recipients(c, m);
	if (m != e->msg)
		message_free(m);
	return 0;
}

/* Commands about the whole */

static void
all_status(struct ctl *c)
{
	struct dispatch_counts j;

	dispatch_count(&j);
	const struct {
		const char *name;
		uint64_t value;
	} row[] = {
		{ "messages", queue.sched.n },
		{ "active", queue.sched.count[ENTRY_ACTIVE] },
		{ "ready", queue.sched.count[ENTRY_READY] },
		{ "deferred", queue.sched.count[ENTRY_WAITING] },
		{ "held", queue.sched.count[ENTRY_HELD] },
		{ "broken", queue.sched.count[ENTRY_ASIDE] },
		{ "jobs_waiting", j.waiting },
		{ "jobs_under_way", job_under_way() },
		{ "destinations", j.destinations },
		{ "intake_workers", intake_count() },
		{ "deliver_workers", j.deliver_workers },
		{ "relay_workers", j.relay_workers },
		{ "accepted", queue.accepted },
		{ "delivered", queue.delivered },
		{ "refused", queue.failed },
		{ "deferrals", queue.deferred },
		{ "bounces", queue.reported },
	};
	struct answer *a = &c->c.answer;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		answer_text(a, row[i].name);
		answer_number(a, row[i].value);
		answer_row(a, "counter value", -1);
	}
	control_end(&c->c, C_OK, "");
}

static void
all_reload(struct ctl *c)
{
	tables_refresh(queue.tables);
	control_end(&c->c, C_OK, "");
}

static const struct queue_command commands[] = {
	[C_STATUS] = { .all = all_status },
	[C_RELOAD] = { .all = all_reload },
	[C_LIST] = { .one = one_list },
	[C_SHOW] = { .one = one_show, .need_id = 1 },
	[C_RETRY] = { .one = one_retry },
	[C_HOLD] = { .one = one_hold },
	[C_RELEASE] = { .one = one_release },
	[C_DELETE] = { .one = one_delete, .need_id = 1 },
};

const struct queue_command *
command_find(unsigned type)
{
	return &commands[type < sizeof(commands) / sizeof(commands[0]) ?
	    type : 0];
}
