/*
 * What the operator's command can ask.
 */
#include "lib/base/log.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_command.h"
#include "queue/queue_dispatch.h"
#include "queue/queue_intake.h"
#include "queue/queue_job.h"
#include "queue/queue_life.h"
#include "queue/queue_message.h"
#include "queue/queue_record.h"
#include "queue/queue_rows.h"

/* What each command does to one message. */

static enum one
one_list(struct queue_ctl *c, struct entry *e, struct buf *why)
{
	struct message *m = e->msg != NULL ? e->msg : message_peek(e->id);
	int more;

	if (m == NULL) {
		buf_set(why, "the record cannot be read");
		return ONE_FAILED;
	}
	more = rows_list(&c->c, e, m, &c->row);
	if (m != e->msg)
		message_free(m);
	return more ? ONE_MORE : ONE_DONE;
}

/* Of what was asked of the table. */
static enum one
written(int r, struct buf *why)
{
	if (r == 0)
		return ONE_DONE;
	buf_set(why, "the table cannot be written");
	return ONE_FAILED;
}

/*
 * The schedule is written, then the entry is what it says: what is shown to
 * be held would be held also after a kill.
 */
static enum one
one_set(struct entry *e, enum entry_state state, struct buf *why)
{
	int held = state == ENTRY_HELD;
	int64_t next = held ? e->next : queue_now();

	if (commit_schedule(e, next, held ? SCHEDULE_HELD : 0, NULL) == -1)
		return written(-1, why);
	sched_set(&queue.sched, e, state);
	e->next = next;
	return ONE_DONE;
}

static enum one
one_retry(struct queue_ctl *c, struct entry *e, struct buf *why)
{
	char id[QUEUE_ID_LEN + 1];

	if (entry_is_held(e)) {
		queue_id_text(e->id, id);
		buf_set(why, "%s: held: release it first", id);
		return ONE_NOT;
	}
	if (e->state == ENTRY_ASIDE && body_bring_back(e->id) == -1) {
		buf_set(why, "its body cannot be brought back");
		return ONE_FAILED;
	}
	if (e->state != ENTRY_ASIDE && e->state != ENTRY_WAITING)
		return ONE_DONE;
	return one_set(e, ENTRY_READY, why);
}

static enum one
one_hold(struct queue_ctl *c, struct entry *e, struct buf *why)
{
	if (e->msg != NULL)
		return written(life_hold(e->msg), why);
	if (e->state != ENTRY_WAITING && e->state != ENTRY_READY)
		return ONE_DONE;
	return one_set(e, ENTRY_HELD, why);
}

static enum one
one_release(struct queue_ctl *c, struct entry *e, struct buf *why)
{
	if (e->msg != NULL)
		return written(life_release(e->msg), why);
	if (e->state != ENTRY_HELD)
		return ONE_DONE;
	return one_set(e, ENTRY_READY, why);
}

static enum one
one_delete(struct queue_ctl *c, struct entry *e, struct buf *why)
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

static enum one
one_show(struct queue_ctl *c, struct entry *e, struct buf *why)
{
	struct message *m = e->msg != NULL ? e->msg : message_peek(e->id);

	if (m == NULL) {
		buf_set(why, "the record cannot be read");
		return ONE_FAILED;
	}
	rows_show(&c->c, e, m);
	if (m != e->msg)
		message_free(m);
	return ONE_DONE;
}

/* Commands about the whole */

static void
all_status(struct queue_ctl *c)
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
		{ "lookups", queue.sched.lookups },
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
all_reload(struct queue_ctl *c)
{
	tables_refresh(queue.tables);
	control_end(&c->c, C_OK, "");
}

static const struct queue_command commands[] = {
	[C_STATUS] = { .all = all_status },
	[C_RELOAD] = { .all = all_reload },
	[C_LIST] = { .one = one_list, .long_answer = 1 },
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
