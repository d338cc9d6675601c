#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_out.h"
#include "ctl/sendmail_left.h"
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
    const struct drop *d)
{
	const int bad = strncmp(name, DROP_BAD, strlen(DROP_BAD)) == 0;
	char time[24];

	snprintf(time, sizeof(time), "%lld", (long long)st->st_mtime);
	out_text(o, name);
	out_number(o, (uint64_t)st->st_size);
	out_value(o, C_TIME, time, strlen(time));
	out_text(o, d->sender);
	out_text(o, d->to[0]);
	out_number(o, d->n_to);
	out_text(o, bad ? "set aside" : "waits");
}

static size_t
put_rows(DIR *dir, struct out *o)
{
	struct buf b = BUF_INIT(PEEK);
	const struct dirent *e;
	struct drop d;
	struct stat st;
	size_t n = 0;

	while ((e = readdir(dir)) != NULL) {
		if (read_envelope(dirfd(dir), e->d_name, &st, &b, &d) == -1)
			continue;
		put_row(o, e->d_name, &st, &d);
		free(d.to);
		n++;
	}
	buf_clear(&b);
	return n;
}

size_t
sendmail_left(const char *state_dir, FILE *f)
{
	static const char *const names[] = { "left", "size", "time", "sender",
		"recipient", "recipients", "state" };
	struct buf path = BUF_INIT(0);
	struct out o;
	size_t i, n = 0;
	DIR *dir;

	buf_printf(&path, "%s/" DROP_FOLDER, state_dir);
	dir = fd_opendir(AT_FDCWD, buf_str(&path));
	buf_clear(&path);
	if (dir == NULL)
		return 0;
	out_init(&o, f, 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		out_name(&o, names[i], strlen(names[i]));
	n = put_rows(dir, &o);
	closedir(dir);
	(void)out_end(&o);
	return n;
}
