#include "queue/queue_message.h"
#include "queue/queue_notify.h"

/* Targets of a recipient stand together, but for what scripts add. */
static int
is_one_of_several(const struct targets *ts, const struct target *t)
{
	return t->forwarded == FORWARDED_SCRIPT ||
	    (t > ts->t && t[-1].rcpt == t->rcpt) ||
	    (t + 1 < ts->t + ts->n && t[1].rcpt == t->rcpt);
}

/*
 * RFC 3461 5.2.7.2 (c): "The NOTIFY parameter is propagated to the forwarding
 * addresses, except that any SUCCESS keyword is removed"; where none is left,
 * nothing was asked for.
 */
uint32_t
notify_of(const struct message *m, const struct target *t)
{
	uint32_t notify = m->env.rcpt[t->rcpt].notify;

	/* RFC 3461 5.2.7.3: what a list sends on is a message of its own. */
	if (t->owner != NULL)
		return 0;
	if (!(notify & Q_NOTIFY_SUCCESS) || !is_one_of_several(&m->targets, t))
		return notify;
	notify &= ~(uint32_t)Q_NOTIFY_SUCCESS;
	return notify != 0 ? notify : Q_NOTIFY_NEVER;
}

static int
is_wanted(const struct message *m, const struct target *t, uint32_t what)
{
	return m->env.sender[0] != '\0' && (notify_of(m, t) & what);
}

int
notify_failure(const struct message *m, const struct target *t)
{
	return m->env.sender[0] != '\0' && (notify_of(m, t) == 0 ||
	    is_wanted(m, t, Q_NOTIFY_FAILURE));
}

void
notify_result(const struct message *m, struct target *t, int passed)
{
	if (t->state == TARGET_DONE && !passed &&
	    is_wanted(m, t, Q_NOTIFY_SUCCESS))
		target_tell(t, TELL_SUCCESS);
	else if (t->state != TARGET_OPEN)
		target_tell(t, TELL_NOTHING);
}

void
notify_delay(struct message *m)
{
	struct target *t;
	size_t i;

	if (jump_age(&queue.jump, m->env.time) < queue.conf.delay_report)
		return;
	for (i = 0; i < m->targets.n; i++) {
		t = &m->targets.t[i];
		if (t->state == TARGET_OPEN && t->tell == TELL_NOTHING &&
		    is_wanted(m, t, Q_NOTIFY_DELAY))
			target_tell(t, TELL_DELAY);
	}
}
