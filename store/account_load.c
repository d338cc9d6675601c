/*
 * An account is read at its first use: the list of mailboxes from its text
 * file, the counters from the index. Where there is no such file the account
 * is made, unless something tells of an earlier one; where the index does not
 * know it, or a mailbox with mail, its index is made from the files.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "store/account.h"
#include "store/body.h"
#include "store/door_client.h"

enum { BROKEN_MS = 5000 };	/* between two looks at a broken account */

static int
index_complete(struct account *a)
{
	struct buf v = BUF_INIT(0);
	struct index_key k;
	int r = 0;

	if (index_number(a->db, a->name, 0, &a->number)) {
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
	} else if (!index_complete(a)) {
		account_begin(a, rebuild_account, NULL);
	} else if (account_adopt(a, buf_str(&text), text.len) == -1) {
		/* It said so. */
	} else if (traces_unknown(a)) {
		account_begin(a, rebuild_account, NULL);
	} else {
		recover_account(a);
		drop_files(a);
	}
	buf_clear(&text);
}

struct account *
account_get(struct shard *s, const char *name)
{
	struct account **b = shard_bucket(s, name), *a;
	char path[BODY_PATH_MAX / 2];
	unsigned db;

	for (a = *b; a != NULL; a = a->next)
		if (strcmp(a->name, name) == 0) {
			a->used = clock_mono_ms();
			account_retry(a);
			return a;
		}
	if (shard_of(name, &db) != s ||
	    body_user_path(name, path, sizeof(path)) == -1)
		return NULL;
	a = account_new(s, name, path, db);
	a->used = clock_mono_ms();
	a->next = *b;
	*b = a;
	account_load(a);
	if (a->state != ACCOUNT_ABSENT)
		return a;
	/* A name that nobody has: it leaves nothing behind. */
	*b = a->next;
	account_free(a);
	return NULL;
}
