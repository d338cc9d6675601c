#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/mail/limits.h"
#include "queue/queue_spare.h"

struct spare {
	int	 fd;
	char	 name[QUEUE_ID_LEN + 1];
};

static struct spare spares[SPARES_MAX];
static size_t n_spares;

/*
 * A write lease is granted where no other descriptor of the file is open,
 * which a mapping has too (fcntl(2), F_SETLEASE).
 */
static int
is_alone(int fd)
{
	return fcntl(fd, F_SETLEASE, F_WRLCK) == 0 &&
	    fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
}

int
spare_keep(int dir, const char *name)
{
	struct spare *s = &spares[n_spares];
	struct stat st;
	int fd;

	/* A mailbox has it, most often. Nobody gives it another name now. */
	if (n_spares == SPARES_MAX ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode) || st.st_nlink != 1)
		return -1;
	fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (!is_alone(fd) || ftruncate(fd, 0) == -1) {
		fd_close(&fd);
		return -1;
	}
	s->fd = fd;
	snprintf(s->name, sizeof(s->name), "%s", name);
	n_spares++;
	return 0;
}

int
spare_take(int dir, const char *name)
{
	struct spare *s;
	int fd;

	while (n_spares > 0) {
		s = &spares[--n_spares];
		if (renameat2(dir, s->name, dir, name, RENAME_NOREPLACE) == 0)
			return s->fd;
		/* A sweep has found it without record, or that is taken. */
		unlinkat(dir, s->name, 0);
		fd = s->fd;
		fd_close(&fd);
	}
	return -1;
}

void
spare_clear(int dir)
{
	while (n_spares > 0) {
		unlinkat(dir, spares[--n_spares].name, 0);
		fd_close(&spares[n_spares].fd);
	}
}
