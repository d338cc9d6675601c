/*
 * What the operator's command can ask, and the rows of the answers.
 */
#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/result.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_ctl_impl.h"
#include "queue/queue_intake.h"
#include "queue/queue_job.h"
#include "queue/queue_message.h"

/* Rows */

static void
value_text(struct ctl *c, const char *s)
{
	buf_put_u8(&c->values, C_TEXT);
	buf_put_lv(&c->values, s, strlen(s));
}

static void
value_number(struct ctl *c, uint64_t v)
{
	struct buf b = BUF_INIT(30);

	buf_printf(&b, "%llu", (unsigned long long)v);
	buf_put_u8(&c->values, C_NUMBER);
	buf_put_lv(&c->values, b.data, b.len);
	buf_clear(&b);
}

static void
value_null(struct ctl *c)
{
	buf_put_u8(&c->values, C_NULL);
	buf_put_lv(&c->values, "", 0);
}

/* Sends the row; names are separated by spaces. fd is taken over, or -1. */
static void
row_end(struct ctl *c, const char *names, int fd)
{
	struct buf packed = BUF_INIT(2000);
	const char *p, *end;

	msg_begin(&c->chan, &proto_ctl, C_ROW, c->frame);
	for (p = names; !c->named && *p != '\0'; p = end + (*end == ' ')) {
		end = strchrnul(p, ' ');
		buf_put_lv(&packed, p, (size_t)(end - p));
	}
	if (!c->named)
		msg_bytes(&c->chan, CF_NAMES, packed.data, packed.len);
	c->named = 1;
	msg_bytes(&c->chan, CF_VALUES, c->values.data, c->values.len);
	if (fd != -1)
		msg_fd(&c->chan, fd);
	if (msg_end(&c->chan) == -1)
		log_warn("control: a row is lost");
	buf_reset(&c->values);
	buf_clear(&packed);
}

void
ctl_end(struct ctl *c, enum c_status status, const char *words)
{
	msg_begin(&c->chan, &proto_ctl, C_END, c->frame);
	msg_u32(&c->chan, CF_STATUS, status);
	if (words[0] != '\0')
		msg_words(&c->chan, CF_WORDS, words, RESULT_WORDS_MAX);
	if (msg_end(&c->chan) == -1)
		log_warn("control: the end of an answer is lost");
	c->command = 0;
	ev_idle_stop(queue.loop, &c->going);
}

static const char *
state_name(const struct entry *e)
{
	static const char *const name[] = {
		[ENTRY_NEW] = "new", [ENTRY_WAITING] = "deferred",
		[ENTRY_READY] = "ready", [ENTRY_ACTIVE] = "active",
		[ENTRY_HELD] = "held", [ENTRY_ASIDE] = "broken",
	};

	return name[e->state];
}

static const char list_names[] =
	"id state arrived size sender recipient target result attempts next "
	"reason";

static void
list_row(struct ctl *c, const struct entry *e, const struct message *m,
    const struct target *t, const char *recipient)
{
	static const char *const result[] = {
		[TARGET_OPEN] = "waiting", [TARGET_DONE] = "delivered",
		[TARGET_REFUSED] = "failed", [TARGET_REPORTED] = "reported",
	};
	char id[QUEUE_ID_LEN + 1];

	queue_id_text(m->id, id);
	value_text(c, id);
	value_text(c, state_name(e));
	value_number(c, m->env.time);
	value_number(c, m->env.length);
	value_text(c, m->env.sender);
	value_text(c, recipient);
	value_text(c, t != NULL ? t->address : recipient);
	value_text(c, t != NULL ? result[t->state] : "waiting");
	value_number(c, e->attempts);
	if (e->state == ENTRY_WAITING)
		value_number(c, (uint64_t)e->next);
	else
		value_null(c);
	if (t != NULL && t->words != NULL)
		value_text(c, t->words);
	else
		value_null(c);
	row_end(c, list_names, -1);
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

static int
one_retry(struct ctl *c, struct entry *e, struct buf *why)
{
	if (e->state == ENTRY_ASIDE && body_bring_back(e->id) == -1) {
		buf_set(why, "its body cannot be brought back");
		return -1;
	}
	if (e->state != ENTRY_ASIDE && e->state != ENTRY_WAITING)
		return 0;
	sched_set(&queue.sched, e, ENTRY_READY);
	e->next = queue_now();
	return commit_schedule(e, NULL);
}

static int
one_hold(struct ctl *c, struct entry *e, struct buf *why)
{
	if (e->msg != NULL) {
		e->msg->hold = 1;
		return 0;
	}
	if (e->state != ENTRY_WAITING && e->state != ENTRY_READY)
		return 0;
	sched_set(&queue.sched, e, ENTRY_HELD);
	return commit_schedule(e, NULL);
}

static int
one_release(struct ctl *c, struct entry *e, struct buf *why)
{
	if (e->msg != NULL)
		e->msg->hold = 0;
	if (e->state != ENTRY_HELD)
		return 0;
	sched_set(&queue.sched, e, ENTRY_READY);
	e->next = queue_now();
	return commit_schedule(e, NULL);
}

static int
one_delete(struct ctl *c, struct entry *e, struct buf *why)
{
	char id[QUEUE_ID_LEN + 1];

	queue_id_text(e->id, id);
	log_info("%s: deleted by the operator", id);
	if (e->msg != NULL) {
		e->msg->drop = 1;
		return 0;
	}
	if (commit_forget(e) == 0)
		return 0;
	buf_set(why, "the table cannot be written");
	return -1;
}

static int
one_show(struct ctl *c, struct entry *e, struct buf *why)
{
	static const char names[] = "field value";
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
		{ "arrived", m != NULL ? m->env.time : 0 },
		{ "size", m != NULL ? m->env.length : 0 },
		{ "body_offset", m != NULL ? m->env.final : 0 },
		{ "attempts", e->attempts },
		{ "next", e->state == ENTRY_WAITING ? (uint64_t)e->next : 0 },
	};
	char id[QUEUE_ID_LEN + 1];
	size_t i;

	if (m == NULL) {
		buf_set(why, "the record cannot be read");
		return -1;
	}
	queue_id_text(e->id, id);
	value_text(c, "id");
	value_text(c, id);
	row_end(c, names, body_open(e->id));
	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		value_text(c, text[i].name);
		value_text(c, text[i].value);
		row_end(c, names, -1);
	}
	for (i = 0; i < sizeof(number) / sizeof(number[0]); i++) {
		value_text(c, number[i].name);
		value_number(c, number[i].value);
		row_end(c, names, -1);
	}
	for (i = 0; i < m->env.n_rcpt && c->chan.out.len < OUT_HIGH; i++) {
		value_text(c, "recipient");
		value_text(c, m->env.rcpt[i].address);
		row_end(c, names, -1);
	}
	if (m != e->msg)
		message_free(m);
	return 0;
}

/* Commands about the whole */

static void
all_status(struct ctl *c)
{
	struct job_counts j;

	job_count(&j);
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
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		value_text(c, row[i].name);
		value_number(c, row[i].value);
		row_end(c, "counter value", -1);
	}
	ctl_end(c, C_OK, "");
}

static void
all_reload(struct ctl *c)
{
	tables_refresh(queue.tables);
	ctl_end(c, C_OK, "");
}

static const struct command commands[] = {
	[C_STATUS] = { .all = all_status },
	[C_RELOAD] = { .all = all_reload },
	[C_LIST] = { .one = one_list },
	[C_SHOW] = { .one = one_show, .need_id = 1 },
	[C_RETRY] = { .one = one_retry },
	[C_HOLD] = { .one = one_hold },
	[C_RELEASE] = { .one = one_release },
	[C_DELETE] = { .one = one_delete, .need_id = 1 },
};

const struct command *
command_find(unsigned type)
{
	return &commands[type < sizeof(commands) / sizeof(commands[0]) ?
	    type : 0];
}
