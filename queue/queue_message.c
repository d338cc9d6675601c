#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/reply_kind.h"
#include "queue/queue_message.h"
#include "queue/queue_table.h"

struct message *
message_new(uint64_t id)
{
	struct message *m = mem_zalloc(1, sizeof(*m));

	envelope_init(&m->env);
	m->id = id;
	m->fd = -1;
	return m;
}

void
message_free(struct message *m)
{
	if (m->entry != NULL && m->entry->msg == m) {
		m->entry->msg = NULL;
		queue.active--;
	}
	envelope_clear(&m->env);
	targets_clear(&m->targets);
	fd_close(&m->fd);
	free(m->aside);
	free(m);
}

uint64_t
message_age(const struct message *m)
{
	uint64_t now = (uint64_t)queue_now();

	return now > m->env.time ? now - m->env.time : 0;
}

void
message_log_target(const struct message *m, const struct target *t,
    const char *what)
{
	char id[QUEUE_ID_LEN + 1];
	const char *orig = m->env.rcpt[t->rcpt].address;
	int same = strcmp(orig, t->address) == 0;
	const char *words = t->words != NULL ? t->words : "";
	const char *class = reply_kind_name(reply_kind(words));

	queue_id_text(m->id, id);
	log_info("%s: to=<%s>%s%s%s %s after %llus%s%s%s%s%s%s", id, t->address,
	    same ? "" : " orig=<", same ? "" : orig, same ? "" : ">", what,
	    (unsigned long long)message_age(m),
	    t->host != NULL ? " by " : "", t->host != NULL ? t->host : "",
	    class != NULL ? ", " : "", class != NULL ? class : "",
	    t->words != NULL ? ": " : "", words);
}

static int
load_record(uint64_t id, enum record r, uint32_t index, const void *p,
    size_t len, void *arg)
{
	struct message *m = arg;

	if (id != m->id)
		return 1;
	switch (r) {
	case RECORD_ENVELOPE:
		if (m->env.arena != NULL ||
		    envelope_parse(&m->env, p, len) == -1)
			return 2;
		break;
	case RECORD_TARGETS:
		if (m->targets.n > 0 ||
		    targets_parse(&m->targets, m->env.n_rcpt, p, len) == -1)
			return 2;
		m->targets_stored = 1;
		break;
	case RECORD_RESULT:
		if (index >= m->targets.n ||
		    target_parse_result(&m->targets.t[index], p, len) == -1)
			return 2;
		break;
	default:
		break;
	}
	return 0;
}

int
message_load(struct message *m)
{
	int r = table_message(m->id, load_record, m);

	if (r == -1)
		return -1;
	return r != 2 && m->env.arena != NULL;
}

struct message *
message_peek(uint64_t id)
{
	struct message *m = message_new(id);

	if (message_load(m) == 1)
		return m;
	message_free(m);
	return NULL;
}
