/*
 * After a crash within a DELETE: `mailboxes` no longer has the mailbox, but
 * the index still has its rows. Nobody else would ever look at them, and they
 * would count in the quota.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_orphans.h"
#include "store/body.h"
#include "store/text.h"

struct leftover {
	const struct account *a;
	uint32_t *id;
	size_t	 n;
};

static int
leftover_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct leftover *l = arg;
	uint32_t id = index_tail_u32(key, klen);

	if (account_mailbox(l->a, id) != NULL)
		return 0;
	l->id = mem_realloc(l->id, l->n + 1, sizeof(*l->id));
	l->id[l->n++] = id;
	return 0;
}

/* The list may have come by a rename that a power cut would take back. */
static int
list_sync(const struct account *a)
{
	int r = text_sync(a->path);

	if (r == -1)
		log_warn("mail/%s: %s", a->path, strerror(errno));
	return r;
}

int
leftover_delete(struct account *a)
{
	struct engine_batch b = account_own_batch(a);
	struct leftover l = { a, NULL, 0 };
	enum engine_result r;
	struct engine_scan s;
	size_t i;

	index_scan_kind(&s, a->number, 'M');
	r = engine_scan(a->db, &s, leftover_row, &l);
	if (r == ENGINE_DONE && l.n > 0 && list_sync(a) == 0) {
		log_info("%s: %zu mailboxes of the index are not in the list: "
		    "they go", a->name, l.n);
		for (i = 0; i < l.n && r == ENGINE_DONE; i++) {
			body_unused(a->path, l.id[i]);
			r = index_delete_mailbox(a->db, &b, l.id[i]);
		}
		shard_lazy(a->shard);
	}
	engine_batch_clear(&b);
	free(l.id);
	return r == ENGINE_DONE ? 0 : -1;
}
