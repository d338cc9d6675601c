#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/box_export.h"
#include "ctl/box_ids.h"
#include "ctl/ctl_door.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"

enum { LEVEL_MAX = 200, LEVEL_CUT = 150 };

static int
is_own_name(const char *p, size_t len)
{
	return (len == 3 && (memcmp(p, "cur", 3) == 0 ||
	    memcmp(p, "new", 3) == 0 || memcmp(p, "tmp", 3) == 0)) ||
	    (len >= 7 && memcmp(p, "dovecot", 7) == 0) ||
	    (len >= 8 && memcmp(p, "rohrpost", 8) == 0) ||
	    (len == 13 && memcmp(p, "subscriptions", 13) == 0);
}

void
box_level(struct buf *out, const char *p, size_t len)
{
	const struct buf whole = { .data = (char *)(uintptr_t)p, .len = len };
	const struct buf *const list[1] = { &whole };
	unsigned char id[DOOR_ID];
	size_t start = out->len, i;
	unsigned char c;

	for (i = 0; i < len && out->len - start <= LEVEL_MAX; i++) {
		c = (unsigned char)p[i];
		if (c < 0x20 || c == 0x7f || c == '%' || (i == 0 &&
		    (c == '.' || is_own_name(p, len))))
			buf_printf(out, "%%%02X", c);
		else
			buf_putc(out, (char)c);
	}
	if (out->len - start <= LEVEL_MAX)
		return;
	box_id(id, list, 1);
	for (i = start + LEVEL_CUT; i > start &&
	    ((unsigned char)out->data[i] & 0xc0) == 0x80; i--)
		;
	buf_truncate(out, i);
	buf_puts(out, "%~");
	for (i = 0; i < 8; i++)
		buf_printf(out, "%02x", id[i]);
}

int
box_make_folder(int top, const char *path)
{
	int fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;
	char name[256];
	size_t n;

	for (; fd != -1 && *path != '\0'; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		if (n == 0 || n >= sizeof(name)) {
			errno = ENAMETOOLONG;
			next = -1;
		} else {
			memcpy(name, path, n);
			name[n] = '\0';
			if (mkdirat(fd, name, 0700) == 0 &&
			    fd_sync_dir(fd) == -1)
				next = -1;
			else
				next = openat(fd, name, O_RDONLY | O_DIRECTORY |
				    O_NOFOLLOW | O_CLOEXEC);
		}
		close(fd);
		fd = next;
	}
	return fd;
}

static void
show_progress(const struct box_export *x)
{
	struct buf plain = BUF_INIT(0);

	if (!x->progress)
		return;
	(void)out_plain(&plain, x->m->name, strlen(x->m->name));
	fprintf(stderr, "\r%.50s %llu\033[K", buf_str(&plain),
	    (unsigned long long)x->written);
	buf_clear(&plain);
}

/* The next uids that are wanted; how many. */
static size_t
gather(const struct box_export *x, int (*want)(void *, size_t), void *arg,
    size_t *at, uint32_t uids[DOOR_OPEN_MAX], size_t which[DOOR_OPEN_MAX])
{
	size_t n = 0;

	for (; *at < x->n && n < DOOR_OPEN_MAX; (*at)++)
		if (want(arg, *at)) {
			which[n] = *at;
			uids[n++] = x->rec[*at].uid;
		}
	return n;
}

int
box_each(struct box_export *x, int (*want)(void *, size_t i),
    int (*each)(void *, size_t i, int fd), void *arg)
{
	uint32_t uids[DOOR_OPEN_MAX];
	size_t which[DOOR_OPEN_MAX], at = 0, n, i;
	int fds[DOOR_OPEN_MAX], r = 0;

	while (r == 0 && (n = gather(x, want, arg, &at, uids, which)) > 0) {
		if (door_open(x->door, x->m->id, uids, n, fds) == -1) {
			x->status = door_said(x->door, x->m->name);
			return -1;
		}
		for (i = 0; i < n; i++) {
			/* One that has gone meanwhile is not missed. */
			if (fds[i] != -1 && r == 0)
				r = each(arg, which[i], fds[i]);
			fd_close(&fds[i]);
		}
		show_progress(x);
	}
	return r;
}

int
box_export_fail(struct box_export *x, const char *what)
{
	x->status = ctl_fail(CTL_REFUSED, "%s: %s: %s", x->m->name, what,
	    strerror(errno));
	return -1;
}

void
box_record_keywords(const struct box_export *x, const struct door_record *r,
    void (*put)(void *, unsigned bit, const char *p, size_t len), void *arg)
{
	struct cursor c;
	const char *p;
	size_t len;
	unsigned i;

	cursor_init(&c, buf_str(&x->keywords), x->keywords.len);
	for (i = 0; i < 64 && cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &len, DOOR_KEYWORD_LEN)) != NULL; i++)
		if (r->keywords >> i & 1)
			put(arg, i, p, len);
}
