/*
 * A mailbox as a Maildir. A message's file is "DATE.UIDvUIDVALIDITY.rohrpost",
 * so that a second run knows it; its flags are those of now.
 */
#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/box_export.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

enum { NAME = 128, LETTERS = 26 };

struct known {
	uint32_t uid;
	char	 name[NAME];
};

struct writing {
	struct box_export *x;
	int	 dir, cur, tmp;
	struct known *known;		/* in cur, by uid */
	size_t	 n_known;
	char	(*wait)[NAME];		/* in tmp, not synced */
	size_t	 n_wait;
};

static void
put_letter(void *arg, unsigned bit, const char *p, size_t len)
{
	char *flags = arg;
	size_t n = strlen(flags);

	(void)p;
	(void)len;
	if (bit < LETTERS) {
		flags[n] = (char)('a' + bit);
		flags[n + 1] = '\0';
	}
}

static void
name_of(const struct box_export *x, const struct door_record *r,
    char name[NAME])
{
	char flags[LETTERS + 6];

	snprintf(flags, sizeof(flags), "%s%s%s%s%s",
	    r->flags & FLAG_DRAFT ? "D" : "",
	    r->flags & FLAG_FLAGGED ? "F" : "",
	    r->flags & FLAG_ANSWERED ? "R" : "",
	    r->flags & FLAG_SEEN ? "S" : "",
	    r->flags & FLAG_DELETED ? "T" : "");
	box_record_keywords(x, r, put_letter, flags);
	snprintf(name, NAME, "%lld.%uv%u.rohrpost:2,%s", (long long)r->date,
	    r->uid, x->m->uidvalidity, flags);
}

/* The uid in a name of ours, or 0. */
static uint32_t
uid_of(const struct box_export *x, const char *name)
{
	char rest[40];
	const char *dot = strchr(name, '.'), *v;
	uint64_t uid;

	snprintf(rest, sizeof(rest), "v%u.rohrpost:2,", x->m->uidvalidity);
	if (dot == NULL || strlen(name) >= NAME ||
	    (v = strchr(dot, 'v')) == NULL ||
	    strncmp(v, rest, strlen(rest)) != 0 || str_number(dot + 1,
	    (size_t)(v - dot - 1), UINT32_MAX, &uid) == -1)
		return 0;
	return (uint32_t)uid;
}

static int
by_uid(const void *a, const void *b)
{
	uint32_t i = ((const struct known *)a)->uid;
	uint32_t k = ((const struct known *)b)->uid;

	return i < k ? -1 : i > k;
}

static int
list_known(struct writing *w)
{
	DIR *d = fd_opendir(w->dir, "cur");
	struct dirent *e;
	size_t cap = 0;
	uint32_t uid;

	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		if ((uid = uid_of(w->x, e->d_name)) == 0)
			continue;
		if (w->n_known == cap) {
			cap = cap * 2 + 64;
			w->known = mem_realloc(w->known, cap,
			    sizeof(*w->known));
		}
		w->known[w->n_known].uid = uid;
		(void)str_copy(w->known[w->n_known++].name, NAME, e->d_name);
	}
	closedir(d);
	if (w->n_known > 0)
		qsort(w->known, w->n_known, sizeof(*w->known), by_uid);
	return 0;
}

static int
is_wanted(void *arg, size_t i)
{
	struct writing *w = arg;
	const struct known key = { .uid = w->x->rec[i].uid };
	const struct known *k = w->n_known == 0 ? NULL : bsearch(&key,
	    w->known, w->n_known, sizeof(*w->known), by_uid);
	char name[NAME];

	if (k == NULL)
		return 1;
	w->x->there++;
	name_of(w->x, &w->x->rec[i], name);
	if (strcmp(name, k->name) != 0)
		(void)!renameat(w->cur, k->name, w->cur, name);
	return 0;
}

/* What waits is made durable, and only then has its name in cur. */
static int
flush(struct writing *w)
{
	size_t i;

	if (w->n_wait == 0)
		return 0;
	if (fd_sync_all(w->tmp) == -1)
		return box_export_fail(w->x, "sync");
	for (i = 0; i < w->n_wait; i++)
		if (renameat(w->tmp, w->wait[i], w->cur, w->wait[i]) == -1)
			return box_export_fail(w->x, w->wait[i]);
	if (fd_sync_dir(w->cur) == -1 || fd_sync_dir(w->tmp) == -1)
		return box_export_fail(w->x, "cur");
	w->x->written += w->n_wait;
	w->n_wait = 0;
	return 0;
}

/* Lines end with LF in a Maildir. 0, or -1 with errno. */
static int
copy_lines(int from, int to)
{
	static char in[65536];
	struct buf out = BUF_INIT(0);
	off_t off = 0;
	ssize_t n, i;
	int cr = 0, r = 0;

	while (r == 0 && (n = pread(from, in, sizeof(in), off)) > 0) {
		buf_reset(&out);
		for (i = 0; i < n; i++) {
			if (cr && in[i] != '\n')
				buf_putc(&out, '\r');
			cr = in[i] == '\r';
			if (!cr)
				buf_putc(&out, in[i]);
		}
		r = fd_write_all(to, buf_str(&out), out.len);
		off += n;
	}
	if (r == 0 && cr)
		r = fd_write_all(to, "\r", 1);
	buf_clear(&out);
	return r == -1 || n == -1 ? -1 : 0;
}

static int
write_one(void *arg, size_t i, int fd)
{
	struct writing *w = arg;
	const struct door_record *r = &w->x->rec[i];
	const struct timespec at[2] = { { .tv_sec = r->date },
	    { .tv_sec = r->date } };
	char *name = w->wait[w->n_wait];
	int to, bad;

	name_of(w->x, r, name);
	(void)unlinkat(w->tmp, name, 0);	/* of a run that was killed */
	to = openat(w->tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (to == -1)
		return box_export_fail(w->x, name);
	bad = copy_lines(fd, to) == -1 || futimens(to, at) == -1;
	if (close(to) == -1 || bad)
		return box_export_fail(w->x, name);
	return ++w->n_wait == BOX_EXPORT_BATCH ? flush(w) : 0;
}

/* dovecot-uidlist (version 3) and dovecot-keywords. */
static int
write_lists(struct writing *w)
{
	const struct box_export *x = w->x;
	struct buf out = BUF_INIT(0);
	char name[NAME];
	struct cursor c;
	const char *p;
	size_t i, len;
	int r;

	buf_printf(&out, "3 V%u N%u\n", x->m->uidvalidity, x->m->uidnext);
	for (i = 0; i < x->n; i++) {
		name_of(x, &x->rec[i], name);
		*strchr(name, ':') = '\0';
		buf_printf(&out, "%u :%s\n", x->rec[i].uid, name);
	}
	r = fd_replace(w->dir, "dovecot-uidlist", 0600, buf_str(&out),
	    out.len);
	buf_reset(&out);
	cursor_init(&c, buf_str(&x->keywords), x->keywords.len);
	for (i = 0; i < LETTERS && cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &len, DOOR_KEYWORD_LEN)) != NULL; i++)
		buf_printf(&out, "%zu %.*s\n", i, (int)len, p);
	if (r == 0 && out.len > 0)
		r = fd_replace(w->dir, "dovecot-keywords", 0600, buf_str(&out),
		    out.len);
	buf_clear(&out);
	return r == -1 ? box_export_fail(w->x, "dovecot-uidlist") : 0;
}

static int
open_maildir(struct writing *w)
{
	struct buf path = BUF_INIT(0);
	const char *p, *slash;
	int fresh = -1;

	for (p = w->x->m->name; p != NULL; p = slash == NULL ? NULL :
	    slash + 1) {
		slash = strchr(p, '/');
		if (path.len > 0)
			buf_putc(&path, '/');
		box_level(&path, p, slash == NULL ? strlen(p) :
		    (size_t)(slash - p));
	}
	w->dir = box_make_folder(w->x->top, buf_str(&path));
	buf_clear(&path);
	if (w->dir == -1)
		return -1;
	w->cur = box_make_folder(w->dir, "cur");
	w->tmp = box_make_folder(w->dir, "tmp");
	fresh = box_make_folder(w->dir, "new");
	if (fresh != -1)
		close(fresh);
	return w->cur == -1 || w->tmp == -1 || fresh == -1 ? -1 : 0;
}

int
box_export_maildir(struct box_export *x)
{
	struct writing w = { .x = x, .dir = -1, .cur = -1, .tmp = -1 };
	int r = 0;

	w.wait = mem_zalloc(BOX_EXPORT_BATCH, sizeof(*w.wait));
	if (open_maildir(&w) == -1 || list_known(&w) == -1)
		r = box_export_fail(x, "Maildir");
	if (r == 0)
		r = box_each(x, is_wanted, write_one, &w);
	if (r == 0)
		r = flush(&w);
	if (r == 0)
		r = write_lists(&w);
	fd_close(&w.cur);
	fd_close(&w.tmp);
	fd_close(&w.dir);
	free(w.known);
	free(w.wait);
	return r;
}
