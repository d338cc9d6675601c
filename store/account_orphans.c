/*
 * Behind a crash within a DELETE: `mailboxes` no longer has the mailbox, but
 * the index still has its rows. Nobody else would ever look at them, and they
 * would count in the quota.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/body.h"

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
	int dir = body_user_dir(a->path);
	int r = dir == -1 ? -1 : fd_sync_dir(dir);

	if (r == -1)
		log_warn("mail/%s: %s", a->path, strerror(errno));
	fd_close(&dir);
	return r;
}

void
leftover_delete(struct account *a)
{
	struct index_key from = index_account_key(a->number, 'M');
	struct index_key to = index_account_key(a->number, 'M' + 1);
	struct leftover l = { a, NULL, 0 };
	size_t i;

	engine_scan(a->db, ENGINE_CORE, from.k, from.len, to.k, to.len,
	    leftover_row, &l);
	if (l.n > 0 && list_sync(a) == 0) {
		log_info("%s: %zu mailboxes of the index are not in the list: "
		    "they go", a->name, l.n);
		for (i = 0; i < l.n; i++) {
			body_unused(a->path, l.id[i]);
			index_delete_mailbox(a->db, a->number, l.id[i]);
		}
		shard_lazy(a->shard);
	}
	free(l.id);
}
