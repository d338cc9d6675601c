/*
 * Behind a crash: a message whose file is in the expunged folder but whose
 * record is still there was being expunged. Its expunge is finished.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "store/account.h"
#include "store/body.h"
#include "store/client.h"

static int
cmp_uid(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int
has_record(struct mailbox *m, uint32_t uid)
{
	struct index_key k = index_message(m->account->number, m->id, uid);
	struct buf v = BUF_INIT(0);
	int r = engine_get(m->account->db, ENGINE_CORE, k.k, k.len, &v);

	buf_clear(&v);
	return r;
}

static int
has_file(struct mailbox *m, uint32_t uid)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u/%u", m->account->path, m->id, uid);
	return faccessat(body_root(), path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    errno != ENOENT;
}

static void
recover_mailbox(struct mailbox *m)
{
	char path[BODY_PATH_MAX];
	uint32_t *uids = NULL;
	struct dirent *e;
	size_t n = 0;
	uint64_t uid;
	DIR *d;
	int fd;

	snprintf(path, sizeof(path), "%s/%u/expunged", m->account->path,
	    m->id);
	fd = openat(body_root(), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (d = fdopendir(fd)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (str_number(e->d_name, strlen(e->d_name), UINT32_MAX,
		    &uid) == -1 || !has_record(m, (uint32_t)uid) ||
		    has_file(m, (uint32_t)uid))
			continue;
		uids = mem_realloc(uids, n + 1, sizeof(*uids));
		uids[n++] = (uint32_t)uid;
	}
	closedir(d);
	if (n == 0)
		return;
	log_info("%s: %zu messages of mailbox %u were being expunged",
	    m->account->name, n, m->id);
	qsort(uids, n, sizeof(*uids), cmp_uid);
	expunge_finish_files(m, uids, n);
}

void
recover_account(struct account *a)
{
	size_t i;

	for (i = 0; i < a->n_mailboxes && !store.clean; i++)
		if (!(a->mailbox[i]->attrs & ATTR_NOSELECT))
			recover_mailbox(a->mailbox[i]);
}
