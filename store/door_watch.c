/* Which doors watch a mailbox. What they are told: shard_turn.c. */
#include "config.h"

#include "lib/base/mem.h"
#include "store/account.h"
#include "store/door_client.h"
#include "store/door_watch.h"

static void
changed(void *arg)
{
	shard_touched(arg);
}

int
client_watch(struct client *c, struct mailbox *m)
{
	struct index_key k;
	size_t i;

	for (i = 0; i < m->n_watchers; i++)
		if (m->watchers[i].c == c)
			return 0;
	if (c->watches == CLIENT_WATCH_MAX)
		return -1;
	if (m->watch == NULL) {
		k = index_group(m->account->number, m->id);
		m->watch = engine_watch(m->account->db, k.k, changed, m);
	}
	m->watchers = mem_realloc(m->watchers, m->n_watchers + 1,
	    sizeof(*m->watchers));
	m->watchers[m->n_watchers++] = (struct watcher){ c, 0 };
	c->watches++;
	return 0;
}

void
client_unwatch(struct client *c, struct mailbox *m)
{
	size_t i;

	for (i = 0; i < m->n_watchers; i++)
		if (m->watchers[i].c == c) {
			m->watchers[i] = m->watchers[--m->n_watchers];
			c->watches--;
			break;
		}
	if (m->n_watchers == 0)
		engine_unwatch(&m->watch);
}
