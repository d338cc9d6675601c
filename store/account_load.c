/*
 * An account is read at its first use: the list of mailboxes from its text
 * file, the counters from the index. Where there is no such file the account
 * is made, unless something tells of an earlier one; where the index does not
 * know it, or a mailbox with mail, its index is made from the files.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/mail/user_path.h"
#include "store/account.h"
#include "store/account_adopt.h"
#include "store/account_commit.h"
#include "store/account_evidence.h"
#include "store/account_first_use.h"
#include "store/account_keep.h"
#include "store/account_load.h"
#include "store/account_rebuild.h"
#include "store/account_recover.h"
#include "store/body.h"
#include "store/door_client.h"
#include "store/op_move.h"
#include "store/op_sieve.h"

enum { BROKEN_MS = 5000 };	/* between two looks at a broken account */

/* ENGINE_ABSENT: the index does not know it, or not all of it. */
static enum engine_result
index_complete(struct account *a)
{
	enum engine_result r = account_number(a, 0);
	struct buf v = BUF_INIT(0);
	struct index_key k;

	if (r == ENGINE_DONE) {
		k = index_account_key(a->number, 'C');
		r = engine_get(a->db, ENGINE_CORE, k.k, k.len, &v);
	}
	buf_clear(&v);
	return r;
}

void
account_retry(struct account *a)
{
	if (a->state == ACCOUNT_READY || a->busy ||
	    (a->state == ACCOUNT_BROKEN &&
	    clock_mono_ms() - a->tried < BROKEN_MS))
		return;
	account_load(a);
}

/* Its index, or itself, is to be made. 0 where the disk has no room for that:
   the mail waits. */
static int
may_make(struct account *a)
{
	if (store_room() < STORE_NO_CHANGES)
		return 1;
	log_warn("%s: the disk is full: its mail waits until its index can be "
	    "made", a->name);
	a->state = ACCOUNT_BROKEN;
	return 0;
}

/* The list was read; now the index. */
static void
load_rows(struct account *a, const char *text, size_t len)
{
	enum engine_result r = index_complete(a);

	if (r == ENGINE_ABSENT) {
		if (may_make(a))
			account_begin(a, rebuild_account, NULL);
	} else if (r != ENGINE_DONE) {
		log_warn("%s: the index does not answer", a->name);
		a->state = ACCOUNT_BROKEN;
	} else if (account_adopt(a, text, len) == -1) {
		/* It said so. */
	} else if (traces_unknown(a)) {
		if (may_make(a))
			account_begin(a, rebuild_account, NULL);
	} else if (moves_finish(a) == -1) {
		log_warn("%s: the index does not answer", a->name);
		a->state = ACCOUNT_BROKEN;
	} else {
		recover_account(a);
		drop_files(a);
	}
}

void
account_load(struct account *a)
{
	struct buf text = BUF_INIT(MAILBOXES_FILE_MAX);
	int r = account_read(a, &text);

	a->tried = clock_mono_ms();
	if (r == -1 && errno == ENOENT) {
		first_use(a);
	} else if (r == -1) {
		log_warn("%s/mailboxes: %s", a->path, strerror(errno));
		a->state = ACCOUNT_BROKEN;
	} else {
		sieve_adopt(a);
		load_rows(a, buf_str(&text), text.len);
	}
	buf_clear(&text);
}

/* Nothing that is not in the index is known any more. */
static void
forget(struct account *a)
{
	struct mailbox *m;
	size_t i;

	engine_batch_clear(&a->batch);
	a->batch.result = ENGINE_DONE;
	a->drop_from = 0;
	a->warned = -1;
	a->uncounted = 1;
	for (i = 0; i < a->n_mailboxes; i++) {
		m = a->mailbox[i];
		shard_forget(m);
		m->row_dirty = 0;
		m->touched = 0;
		m->row = (struct index_row){ .uidnext = 1, .recent_low = 1 };
		shard_counted(m);
		m->seen = m->row;
		m->was_len = 0;
		m->known = 0;
		m->next_uid = 1;
		m->unpublished = 0;
		m->n_dirty = 0;
		m->dirty_all = 0;
		m->keywords_loaded = 0;
	}
}

void
account_reload(struct account *a)
{
	a->busy = 0;
	account_load(a);
	if (!a->busy)
		account_end(a);
}

/* No task is under way, and nobody else is begun. */
static void
read_again(struct account *a)
{
	forget(a);
	a->lost = 0;
	a->unsure = 1;
	account_reload(a);
}

static void
texts_free(char ***list, size_t *n)
{
	while (*n > 0)
		free((*list)[--*n]);
	free(*list);
	*list = NULL;
}

void
account_unload(struct account *a)
{
	forget(a);
	while (a->n_mailboxes > 0)
		account_remove(a, a->mailbox[0]);
	a->inbox = NULL;
	texts_free(&a->subscribed, &a->n_subscribed);
	texts_free(&a->more, &a->n_more);
	a->next_id = a->last_uidvalidity = 0;
	a->log.on = 0;
	a->scripted = 0;
	a->kept.known = 0;
	a->kept.size = 0;
	a->quota_read = 0;
	a->lost = 0;
	a->state = ACCOUNT_NEW;
}

/* It is lost. */
static void
end_lost(struct account *a)
{
	while (a->n_clients > 0)
		client_drop(a->clients[0], NULL);
	if (!a->busy)
		account_begin(a, read_again, NULL);
}

/* Without a look at what it is. */
static struct account *
in_memory(struct shard *s, const char *name)
{
	struct account *a = *shard_bucket(s, name);

	while (a != NULL && strcmp(a->name, name) != 0)
		a = a->next;
	if (a != NULL)
		account_use(a);
	return a;
}

static struct account *
to_memory(struct shard *s, const char *name)
{
	char path[BODY_PATH_MAX / 2];
	struct account *a;
	unsigned db;

	if (shard_of(name, &db) != s ||
	    user_path(name, path, sizeof(path)) == -1)
		return NULL;
	a = account_new(s, name, path, db);
	a->end_lost = end_lost;
	account_keep(a);
	return a;
}

struct account *
account_find(struct shard *s, const char *name)
{
	struct account *a = in_memory(s, name);

	return a != NULL ? a : to_memory(s, name);
}

struct account *
account_get(struct shard *s, const char *name)
{
	struct account *a = in_memory(s, name);

	if (a != NULL) {
		account_retry(a);
		return a;
	}
	if ((a = to_memory(s, name)) == NULL)
		return NULL;
	account_load(a);
	if (a->state != ACCOUNT_ABSENT)
		return a;
	/* A name that nobody has: it leaves nothing behind. */
	account_drop(a);
	return NULL;
}
