/* Texts as files beside the bodies. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "store/body.h"
#include "store/body_impl.h"
#include "store/text.h"

static int
level_ok(const char *p, size_t len, int may_be_number)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return 0;
	return len > 0 && p[0] != '.' &&
	    (may_be_number || strspn(p, "0123456789") < len);
}

static int
name_ok(uint32_t mailbox, const char *name)
{
	size_t len = strlen(name), first = strcspn(name, "/");
	const char *second = name + first + 1;

	if (len > TEXT_NAME_MAX || !level_ok(name, first, 0) ||
	    (len > 4 && strcmp(name + len - 4, ".new") == 0))
		return 0;
	if (first == len)
		return mailbox == 0 || strcmp(name, "expunged") != 0;
	return mailbox == 0 && strchr(second, '/') == NULL &&
	    level_ok(second, strlen(second), 1);
}

/* Where it lies. 0, or -1 with errno. */
static int
text_path(const char *user, uint32_t mailbox, const char *name,
    char path[BODY_PATH_MAX])
{
	int n;

	if (*user == '\0')
		n = snprintf(path, BODY_PATH_MAX, "%s", name);
	else if (!name_ok(mailbox, name))
		n = -1;
	else if (mailbox == 0)
		n = snprintf(path, BODY_PATH_MAX, "%s/%s", user, name);
	else
		n = snprintf(path, BODY_PATH_MAX, "%s/%u/%s", user, mailbox,
		    name);
	if (n >= 0 && n < BODY_PATH_MAX)
		return 0;
	errno = EINVAL;
	return -1;
}

int
text_read(const char *user, uint32_t mailbox, const char *name,
    struct buf *out)
{
	char path[BODY_PATH_MAX];
	int fd, r, e;

	if (text_path(user, mailbox, name, path) == -1)
		return -1;
	/* A pipe without a writer is not an empty file. */
	fd = fd_open_file(body_root(), path, O_NOFOLLOW);
	if (fd == -1)
		return -1;
	r = fd_slurp(fd, out);
	e = errno;
	fd_close(&fd);
	errno = e;
	return r;
}

int
text_present(const char *user, uint32_t mailbox, const char *name)
{
	char path[BODY_PATH_MAX];

	if (text_path(user, mailbox, name, path) == -1)
		return -1;
	if (faccessat(body_root(), path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

/* The folder of the upper level, made where its own folder is there. */
static int
upper_dir(char *path)
{
	int fd = body_dir(path);
	char *slash;

	if (fd != -1 || errno != ENOENT || (slash = strrchr(path, '/')) == NULL)
		return fd;
	if (mkdirat(body_root(), path, 0700) == -1)
		return -1;
	fd = body_dir(path);
	*slash = '\0';
	if (fd != -1 && body_sync_path(path) == -1)
		fd_close(&fd);
	return fd;
}

int
text_replace(const char *user, uint32_t mailbox, const char *name,
    const char *p, size_t len)
{
	char path[BODY_PATH_MAX], *slash;
	int dir, r, e;

	if (text_path(user, mailbox, name, path) == -1)
		return -1;
	if ((slash = strrchr(path, '/')) == NULL) {
		r = fd_replace(body_root(), path, 0600, p, len);
		return r == -1 && body_give() ?
		    fd_replace(body_root(), path, 0600, p, len) : r;
	}
	*slash = '\0';
	dir = strchr(name, '/') != NULL ? upper_dir(path) : body_dir(path);
	if (dir == -1)
		return -1;
	slash = strrchr(name, '/');
	name = slash == NULL ? name : slash + 1;
	r = fd_replace(dir, name, 0600, p, len);
	if (r == -1 && body_give())
		r = fd_replace(dir, name, 0600, p, len);
	e = errno;
	fd_close(&dir);
	errno = e;
	return r;
}

static int
append(int fd, const char *head, const struct buf *text, int *made_r)
{
	struct stat st;
	char last = '\n';

	if (fstat(fd, &st) == -1)
		return -1;
	*made_r = st.st_size == 0;
	if (st.st_size > 0 && fd_pread_all(fd, &last, 1, st.st_size - 1) == -1)
		return -1;
	if (st.st_size == 0 && fd_write_all(fd, head, strlen(head)) == -1)
		return -1;
	if (last != '\n' && fd_write_all(fd, "\n", 1) == -1)
		return -1;
	if (fd_write_all(fd, buf_str(text), text->len) == -1)
		return -1;
	return fd_sync(fd);
}

int
text_append(const char *user, uint32_t mailbox, const char *name,
    const char *head, const struct buf *text, int *made_r)
{
	char path[BODY_PATH_MAX];
	int fd, r;

	*made_r = 0;
	if (text_path(user, mailbox, name, path) == -1)
		return -1;
	fd = openat(body_root(), path, O_RDWR | O_APPEND | O_CREAT |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	r = append(fd, head, text, made_r);
	if (fd_close(&fd) == -1)
		r = -1;
	return r;
}

/* The name under which pieces gather. */
static int
piece_path(const char *user, uint32_t mailbox, const char *name,
    char path[BODY_PATH_MAX])
{
	size_t len;

	if (text_path(user, mailbox, name, path) == -1)
		return -1;
	if ((len = strlen(path)) + sizeof(".new") > BODY_PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path + len, ".new", sizeof(".new"));
	return 0;
}

/* What will not become a file takes no space. */
static int
piece_lost(const char *path)
{
	int e = errno;

	unlinkat(body_root(), path, 0);
	errno = e;
	return -1;
}

int
text_piece(const char *user, uint32_t mailbox, const char *name,
    const struct buf *piece, int first)
{
	int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
	char path[BODY_PATH_MAX];
	int fd, r;

	if (piece_path(user, mailbox, name, path) == -1)
		return -1;
	fd = openat(body_root(), path, flags |
	    (first ? O_CREAT | O_TRUNC : 0), 0600);
	if (fd == -1)
		return -1;
	r = fd_write_all(fd, buf_str(piece), piece->len);
	if (fd_close(&fd) == 0 && r == 0)
		return 0;
	return piece_lost(path);
}

int
text_pieces_end(const char *user, uint32_t mailbox, const char *name)
{
	char from[BODY_PATH_MAX], to[BODY_PATH_MAX];
	int fd, r;

	if (piece_path(user, mailbox, name, from) == -1 ||
	    text_path(user, mailbox, name, to) == -1)
		return -1;
	fd = openat(body_root(), from, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return -1;
	r = fd_sync(fd);
	if (fd_close(&fd) == -1 || r == -1 ||
	    renameat(body_root(), from, body_root(), to) == -1)
		return piece_lost(from);
	return body_sync(user, mailbox, 0);
}

int
text_sync(const char *user)
{
	return body_sync_path(user);
}
