#include "lib/base/log.h"
#include "queue/queue_record.h"
#include "queue/queue_table.h"
#include "queue/queue_write.h"

static struct buf record;

static void
put_targets(const struct message *m)
{
	if (m->targets_stored || m->targets.n == 0)
		return;
	buf_reset(&record);
	if (targets_pack(&m->targets, &record) == -1)
		log_panic("targets that cannot be packed");
	table_put(m->id, RECORD_TARGETS, 0, record.data, record.len);
}

static void
put_result(uint64_t id, const struct target *t, size_t index)
{
	buf_reset(&record);
	if (target_pack_result(t, &record) == -1)
		log_panic("a result that cannot be packed");
	table_put(id, RECORD_RESULT, (uint32_t)index, record.data, record.len);
}

static void
put_results(const struct message *m)
{
	size_t i;

	for (i = 0; i < m->targets.n; i++)
		if (m->targets.t[i].unsaved)
			put_result(m->id, &m->targets.t[i], i);
}

void
write_schedule(const struct entry *e, int64_t next, uint32_t flags,
    const char *words)
{
	struct schedule s = { .next = (uint64_t)next,
		.attempts = e->attempts, .flags = flags,
		.words = (char *)(uintptr_t)words };

	buf_reset(&record);
	if (schedule_pack(&s, &record) == -1)
		log_panic("a schedule that cannot be packed");
	table_put(e->id, RECORD_SCHEDULE, 0, record.data, record.len);
}

void
write_message(const struct message *m)
{
	if (m->drop)
		return;
	if (m->fate == FATE_GONE) {
		table_forget(m->id, m->entry->stored);
		return;
	}
	put_targets(m);
	put_results(m);
	if (m->fate != FATE_STAY)
		write_schedule(m->entry, m->entry->next,
		    m->fate == FATE_HELD ? SCHEDULE_HELD :
		    m->fate == FATE_ASIDE ? SCHEDULE_ASIDE : 0, m->aside);
}

void
write_submission(const struct message *m, const struct message *about)
{
	struct target t;
	size_t i;

	buf_reset(&record);
	if (envelope_pack(&m->env, &record) == -1)
		log_panic("an envelope that cannot be packed");
	table_put(m->id, RECORD_ENVELOPE, 0, record.data, record.len);
	if (about == NULL || about->drop)
		return;
	put_targets(about);
	for (i = 0; i < about->targets.n; i++) {
		t = about->targets.t[i];
		if (target_tells(&about->env, &t, m->env.rcpt[0].address) &&
		    target_told(&t))
			put_result(about->id, &t, i);
	}
}

void
write_last(uint64_t id)
{
	buf_reset(&record);
	buf_put_u64(&record, id);
	table_put(0, RECORD_LAST, 0, record.data, record.len);
}
