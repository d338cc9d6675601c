#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/map/bdb_impl.h"

static void
doubt_path(const struct bdb *b, char *path, size_t size)
{
	snprintf(path, size, "%.1000s/doubt", b->home);
}

/* For this boot's page cache alone, so the mark need not be durable. */
void
bdb_note_doubt(struct bdb *b)
{
	char path[1100];
	int fd;

	doubt_path(b, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		log_warn("%s: %s", path, strerror(errno));
	fd_close(&fd);
}

/*
 * What is still to be written is written; whether that works does not matter,
 * for what is not on the disk then is forgotten.
 */
static void
forget_pages(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);

	if (fd == -1)
		return;
	if (fd_sync(fd) == -1)
		log_warn("%s: sync: %s", name, strerror(errno));
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	fd_close(&fd);
}

static void
forget_folder(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);

	if (d == NULL) {
		log_warn("%s: %s", path, strerror(errno));
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			forget_pages(dirfd(d), e->d_name);
	closedir(d);
}

void
bdb_settle_doubt(struct bdb *b)
{
	char path[1100], log[1100];

	doubt_path(b, path, sizeof(path));
	if (access(path, F_OK) == -1)
		return;
	log_warn("%s: a write failed: reading what the disk has", b->home);
	forget_folder(b->home);
	snprintf(log, sizeof(log), "%.1000s/log", b->home);
	forget_folder(log);
	if (unlink(path) == -1)
		log_warn("%s: %s", path, strerror(errno));
}
