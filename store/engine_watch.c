#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "store/engine_impl.h"

struct engine_watch {
	struct engine_watch *next, **back;
	unsigned char group[ENGINE_GROUP];
	void	(*changed)(void *);
	void	*arg;
	struct engine_watches *of;
};

static unsigned
bucket_of(const unsigned char *group)
{
	return (group[2] * 31u + group[3] * 7u + group[7]) %
	    ENGINE_WATCH_BUCKETS;
}

struct engine_watch *
engine_watch_add(struct engine_watches *of, const void *group,
    void (*changed)(void *arg), void *arg)
{
	struct engine_watch *w = mem_zalloc(1, sizeof(*w)), **head;

	memcpy(w->group, group, ENGINE_GROUP);
	w->changed = changed;
	w->arg = arg;
	w->of = of;
	head = &of->bucket[bucket_of(w->group)];
	if ((w->next = *head) != NULL)
		w->next->back = &w->next;
	w->back = head;
	*head = w;
	of->n++;
	return w;
}

void
engine_unwatch(struct engine_watch **wp)
{
	struct engine_watch *w = *wp;

	if (w == NULL)
		return;
	if ((*w->back = w->next) != NULL)
		w->next->back = w->back;
	w->of->n--;
	free(w);
	*wp = NULL;
}

static void
tell_group(struct engine_watches *of, const unsigned char *group)
{
	struct engine_watch *w = of->bucket[bucket_of(group)], *next;

	for (; w != NULL; w = next) {
		next = w->next;
		if (memcmp(w->group, group, ENGINE_GROUP) == 0)
			w->changed(w->arg);
	}
}

void
engine_watch_tell(struct engine_watches *of, const struct engine_batch *b)
{
	unsigned char last[ENGINE_GROUP] = { 0 };
	struct engine_op op;
	struct cursor c;

	cursor_init(&c, b->ops.data, b->ops.len);
	while (of->n > 0 && cursor_left(&c) > 0) {
		engine_op_next(&c, &op);
		if (op.table != ENGINE_CORE || op.klen < ENGINE_GROUP ||
		    memcmp(op.key, last, ENGINE_GROUP) == 0)
			continue;
		memcpy(last, op.key, ENGINE_GROUP);
		tell_group(of, last);
	}
}
