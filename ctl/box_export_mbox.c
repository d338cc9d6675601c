/*
 * A mailbox as an mbox (mboxrd): NAME.mbox, and beside it NAME.mbox.rohrpost
 * with UIDVALIDITY, the last UID and the size that the file had with it, so
 * that a second run appends what is new, and what a kill left behind that size
 * goes.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/box_export.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"

enum { PIECE = 64 * 1024, STATE_MAX = 200 };

struct mboxing {
	struct box_export *x;
	int	 dir, fd;
	struct buf name, state;
	uint32_t last;
	uint64_t size;			/* of the file, with what is written */
	unsigned since;			/* messages since the last sync */
	struct buf out;
	char	*in;
};

static int
read_state(struct mboxing *b)
{
	struct buf text = BUF_INIT(STATE_MAX);
	uint32_t uidvalidity;
	int fd, r;

	fd = openat(b->dir, buf_str(&b->state), O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : box_export_fail(b->x,
		    buf_str(&b->state));
	r = fd_slurp(fd, &text);
	close(fd);
	if (r == 0 && sscanf(buf_str(&text), "%" SCNu32 " %" SCNu32 " %"
	    SCNu64, &uidvalidity, &b->last, &b->size) == 3 &&
	    uidvalidity == b->x->m->uidvalidity) {
		buf_clear(&text);
		return 0;
	}
	buf_clear(&text);
	b->x->status = ctl_fail(CTL_REFUSED, _("%s: %s is of another mailbox: "
	    "move it and the mbox away"), b->x->m->name, buf_str(&b->state));
	return -1;
}

/* An mbox of ours is as long as was noted, or longer. */
static int
open_mbox(struct mboxing *b)
{
	struct stat st;

	b->fd = openat(b->dir, buf_str(&b->name), O_WRONLY | O_CREAT |
	    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (b->fd == -1 || fstat(b->fd, &st) == -1)
		return box_export_fail(b->x, buf_str(&b->name));
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (uint64_t)st.st_size < b->size ||
	    (b->size == 0 && b->last == 0 && st.st_size > 0 &&
	    faccessat(b->dir, buf_str(&b->state), F_OK, 0) == -1)) {
		b->x->status = ctl_fail(CTL_REFUSED, _("%s: %s is not what was "
		    "written last: move it away"), b->x->m->name,
		    buf_str(&b->name));
		return -1;
	}
	if (ftruncate(b->fd, (off_t)b->size) == -1 ||
	    lseek(b->fd, (off_t)b->size, SEEK_SET) == -1)
		return box_export_fail(b->x, buf_str(&b->name));
	return 0;
}

static int
note(struct mboxing *b)
{
	char text[STATE_MAX];

	snprintf(text, sizeof(text), "%u %u %llu\n", b->x->m->uidvalidity,
	    b->last, (unsigned long long)b->size);
	if (fd_sync(b->fd) == -1 || fd_replace(b->dir, buf_str(&b->state),
	    0600, text, strlen(text)) == -1)
		return box_export_fail(b->x, buf_str(&b->name));
	b->since = 0;
	return 0;
}

static int
write_out(struct mboxing *b)
{
	int r = fd_write_all(b->fd, buf_str(&b->out), b->out.len);

	b->size += b->out.len;
	buf_reset(&b->out);
	return r;
}

static void
put_word(void *arg, unsigned bit, const char *p, size_t len)
{
	(void)bit;
	buf_putc(arg, ' ');
	buf_append(arg, p, len);
}

static void
put_head(struct mboxing *b, const struct door_record *r)
{
	time_t t = (time_t)r->date;
	char date[64] = "Thu Jan  1 00:00:00 1970";
	struct tm tm;
	size_t at;

	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y",
		    &tm);
	buf_printf(&b->out, "From MAILER-DAEMON %s\nStatus: %sO\n", date,
	    r->flags & FLAG_SEEN ? "R" : "");
	buf_printf(&b->out, "X-Status: %s%s%s%s\n",
	    r->flags & FLAG_ANSWERED ? "A" : "",
	    r->flags & FLAG_FLAGGED ? "F" : "",
	    r->flags & FLAG_DRAFT ? "T" : "",
	    r->flags & FLAG_DELETED ? "D" : "");
	at = b->out.len;
	buf_puts(&b->out, "X-Keywords:");
	box_record_keywords(b->x, r, put_word, &b->out);
	if (b->out.data[b->out.len - 1] == ':')
		buf_truncate(&b->out, at);
	else
		buf_putc(&b->out, '\n');
}

/* A line, or a piece of a longer one, that begins one where bol is set. */
static void
put_piece(struct buf *out, const char *p, size_t len, int bol)
{
	size_t i = 0;

	while (bol && i < len && p[i] == '>')
		i++;
	if (bol && len - i >= 5 && memcmp(p + i, "From ", 5) == 0)
		buf_putc(out, '>');
	if (len > 1 && p[len - 1] == '\n' && p[len - 2] == '\r') {
		buf_append(out, p, len - 2);
		buf_putc(out, '\n');
	} else
		buf_append(out, p, len);
}

static int
put_body(struct mboxing *b, int fd)
{
	size_t at = 0, len = 0, n;
	int bol = 1, eof = 0;
	const char *lf;
	off_t off = 0;
	ssize_t got;

	for (;;) {
		lf = len > at ? memchr(b->in + at, '\n', len - at) : NULL;
		if (lf == NULL && !eof && len - at < PIECE) {
			memmove(b->in, b->in + at, len - at);
			len -= at;
			at = 0;
			got = pread(fd, b->in + len, PIECE - len, off);
			if (got == -1)
				return -1;
			eof = got == 0;
			off += got;
			len += (size_t)got;
			continue;
		}
		if (at == len)
			break;
		n = lf != NULL ? (size_t)(lf + 1 - b->in) - at : len - at;
		put_piece(&b->out, b->in + at, n, bol);
		bol = lf != NULL;
		at += n;
		if (b->out.len >= PIECE && write_out(b) == -1)
			return -1;
	}
	buf_puts(&b->out, bol ? "\n" : "\n\n");
	return write_out(b);
}

static int
is_new(void *arg, size_t i)
{
	struct mboxing *b = arg;

	if (b->x->rec[i].uid > b->last)
		return 1;
	b->x->there++;
	return 0;
}

static int
append_one(void *arg, size_t i, int fd)
{
	struct mboxing *b = arg;

	put_head(b, &b->x->rec[i]);
	if (put_body(b, fd) == -1)
		return box_export_fail(b->x, buf_str(&b->name));
	b->last = b->x->rec[i].uid;
	b->x->written++;
	return ++b->since == BOX_EXPORT_BATCH ? note(b) : 0;
}

/* The folder of the levels above, and the names of the two files in it. */
static int
open_place(struct mboxing *b)
{
	const char *name = b->x->m->name, *p = name, *slash;
	struct buf path = BUF_INIT(0);

	for (; (slash = strchr(p, '/')) != NULL; p = slash + 1) {
		if (path.len > 0)
			buf_putc(&path, '/');
		box_level(&path, p, (size_t)(slash - p));
	}
	box_level(&b->name, p, strlen(p));
	buf_puts(&b->name, ".mbox");
	buf_printf(&b->state, "%s.rohrpost", buf_str(&b->name));
	b->dir = box_make_folder(b->x->top, buf_str(&path));
	buf_clear(&path);
	return b->dir == -1 ? box_export_fail(b->x, "mbox") : 0;
}

int
box_export_mbox(struct box_export *x)
{
	struct mboxing b = { .x = x, .dir = -1, .fd = -1 };
	uint32_t last;
	int r;

	b.in = mem_alloc(PIECE);
	r = open_place(&b);
	if (r == 0)
		r = read_state(&b);
	if (r == 0)
		r = open_mbox(&b);
	last = b.last;
	if (r == 0 && last == 0)
		r = note(&b);
	if (r == 0)
		r = box_each(x, is_new, append_one, &b);
	if (r == 0 && b.last > last)
		r = note(&b);
	fd_close(&b.fd);
	fd_close(&b.dir);
	buf_clear(&b.name);
	buf_clear(&b.state);
	buf_clear(&b.out);
	free(b.in);
	return r;
}
