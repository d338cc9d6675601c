#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_control.h"
#include "ctl/ctl_left.h"
#include "lib/base/fd.h"
#include "lib/mail/drop.h"

enum { PEEK = 64 * 1024 };	/* octets of a file that are read */

/* Everybody can make files there: none is waited for, none is read whole. */
static int
read_envelope(int at, const char *name, struct stat *st, struct buf *b,
    struct drop *d)
{
	int fd = fd_open_file(at, name, O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = -1;

	buf_reset(b);
	if (fd != -1 && fstat(fd, st) == 0 && buf_reserve(b, PEEK) == 0)
		n = pread(fd, b->data, PEEK, 0);
	fd_close(&fd);
	return n > 0 ? drop_peek(b->data, (size_t)n, d) : -1;
}

static void
put_row(struct out *o, const char *name, const struct stat *st,
    const struct drop *d, const char *to)
{
	const int bad = strncmp(name, DROP_BAD, strlen(DROP_BAD)) == 0;
	char time[24];

	/* Its owner sets it as he likes, before 1970 too. */
	snprintf(time, sizeof(time), "%lld", st->st_mtime > 0 ?
	    (long long)st->st_mtime : 0);
	out_text(o, name);
	out_text(o, bad ? "aside" : "dropped");
	out_value(o, C_TIME, time, strlen(time));
	out_number(o, (uint64_t)st->st_size);
	out_text(o, d->sender);
	out_text(o, to);
	out_text(o, to);
	out_text(o, "waiting");
	out_number(o, 0);
	out_null(o);
	out_null(o);
	out_null(o);
}

/* Queue gives its columns with its first row. */
static void
put_names(struct out *o)
{
	static const char *const names[] = { "id", "state", "arrived", "size",
		"sender", "recipient", "target", "result", "attempts", "next",
		"class", "reason" };
	size_t i;

	for (i = 0; o->n_names < sizeof(names) / sizeof(names[0]); i++)
		out_name(o, names[i], strlen(names[i]));
}

static size_t
put_rows(DIR *dir, struct out *o)
{
	struct buf b = BUF_INIT(PEEK);
	const struct dirent *e;
	struct drop d;
	struct stat st;
	size_t i, n = 0;

	while ((e = readdir(dir)) != NULL) {
		if (read_envelope(dirfd(dir), e->d_name, &st, &b, &d) == -1)
			continue;
		if (o->n_names == 0)
			put_names(o);
		for (i = 0; i < d.n_to; i++)
			put_row(o, e->d_name, &st, &d, d.to[i]);
		n += d.n_to;
		free(d.to);
	}
	buf_clear(&b);
	return n;
}

int
left_list(struct ctl *c, int timeout_ms, size_t *rows_r)
{
	struct ctl_control q = { .who = PEER_QUEUE, .type = C_LIST,
		.timeout_ms = timeout_ms, .quiet = 1 };
	struct buf path = BUF_INIT(0);
	struct out o;
	DIR *dir;
	int r;

	out_init(&o, stdout, c->json);
	q.out = &o;
	r = control_call(c, &q);
	*rows_r = q.rows;
	buf_printf(&path, "%s/" DROP_FOLDER, c->state_dir);
	dir = fd_opendir(AT_FDCWD, buf_str(&path));
	buf_clear(&path);
	if (dir != NULL) {
		*rows_r += put_rows(dir, &o);
		closedir(dir);
	}
	return out_end(&o) == -1 && r == CTL_DONE ? CTL_REFUSED : r;
}
