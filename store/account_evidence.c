/*
 * Traces of an earlier life of an account: what tells that its list is missing
 * (a file system is not mounted, a folder was removed) and not yet to be made.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "store/account.h"
#include "store/body.h"

int
traces_list_missing(const struct account *a)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/mailboxes", a->path);
	return faccessat(body_root(), path, F_OK, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT;
}

/* 1 where the folder holds anything; 0; -1 with errno. */
static int
folder_used(const struct account *a, uint64_t id)
{
	char path[BODY_PATH_MAX];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%llu", a->path,
	    (unsigned long long)id);
	if ((d = fd_opendir(body_root(), path)) == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	errno = 0;
	while ((e = readdir(d)) != NULL && e->d_name[0] == '.')
		;
	closedir(d);
	return e != NULL ? 1 : errno == 0 ? 0 : -1;
}

/* The same for all folders of mailboxes. */
static int
folders_used(const struct account *a)
{
	struct dirent *e;
	uint64_t id;
	int r = 0;
	DIR *d;

	if ((d = fd_opendir(body_root(), a->path)) == NULL)
		return errno == ENOENT ? 0 : -1;
	errno = 0;
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (str_number(e->d_name, strlen(e->d_name), UINT32_MAX,
		    &id) == 0)
			r = folder_used(a, id);
		if (r == 0)
			errno = 0;
	}
	if (r == 0 && errno != 0)
		r = -1;
	closedir(d);
	return r;
}

static int
trace_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct traces *t = arg;
	uint32_t id = index_tail_u32(key, klen);
	struct index_row row;

	if (index_get_row(value, vlen, &row) == 0)
		t->messages += row.messages;
	if (id > t->highest_id)
		t->highest_id = id;
	return 0;
}

void
traces_read(const struct account *a, struct traces *t)
{
	enum engine_result r;
	struct engine_scan s;
	uint32_t number;

	memset(t, 0, sizeof(*t));
	if ((r = index_number(a->db, a->name, &number)) == ENGINE_DONE) {
		index_scan_kind(&s, number, 'M');
		r = engine_scan(a->db, &s, trace_row, t);
	}
	t->unread = r != ENGINE_DONE && r != ENGINE_ABSENT;
	t->files = folders_used(a);
}

/* A row has a modseq; without one the mailbox is to be empty. */
int
traces_unknown(const struct account *a)
{
	const struct mailbox *m;
	size_t i;

	for (i = 0; i < a->n_mailboxes; i++) {
		m = a->mailbox[i];
		if (m->row.modseq != 0 || (m->attrs & ATTR_NOSELECT) ||
		    folder_used(a, m->id) == 0)
			continue;
		log_warn("%s: the index does not know mailbox %u, which is "
		    "not empty", a->name, m->id);
		return 1;
	}
	return 0;
}
