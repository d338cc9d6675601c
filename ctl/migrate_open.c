/*
 * What the command opens for the program: the connection, the file.
 */
#include "config.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "ctl/migrate.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"

enum { CONNECT_MS = 20 * 1000, NAME = 16 };

/* 0, or -1 with errno. */
static int
connect_one(int fd, const struct addrinfo *a)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0, n;

	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -1;
	do
		n = poll(&p, 1, CONNECT_MS);
	while (n == -1 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	if (n <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		return -1;
	errno = err;
	return err == 0 ? 0 : -1;
}

int
migrate_connect(const char *host, unsigned port, struct buf *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *a;
	char service[8];
	int e, fd = -1, on = 1;

	snprintf(service, sizeof(service), "%u", port);
	if ((e = getaddrinfo(host, service, &hints, &list)) != 0) {
		buf_set(why, "%s: %s", host, gai_strerror(e));
		return -1;
	}
	for (a = list; a != NULL; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
		if (fd != -1 && connect_one(fd, a) == 0)
			break;
		buf_set(why, _("%s, port %u: %s"), host, port, strerror(errno));
		fd_close(&fd);
	}
	freeaddrinfo(list);
	if (fd != -1)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
	return fd;
}

/* A name that stands for server, login and account. */
static void
file_name(const struct migrate_plan *p, const struct migrate_user *u,
    char out[2 * NAME + 1])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct buf b = BUF_INIT(0);
	unsigned n = 0, i;

	buf_put_lv(&b, p->host, strlen(p->host));
	buf_put_lv(&b, u->login, strlen(u->login));
	buf_put_lv(&b, u->account, strlen(u->account));
	memset(sum, 0, sizeof(sum));
	(void)EVP_Digest(b.data, b.len, sum, &n, EVP_sha256(), NULL);
	for (i = 0; i < NAME; i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
	buf_clear(&b);
}

/* Makes the names in that folder durable. 0, or -1 with errno. */
static int
keep_names(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r, e;

	r = fd == -1 ? -1 : fd_sync_dir(fd);
	e = errno;
	fd_close(&fd);
	errno = e;
	return r;
}

/* The folder of such files, into path. 0, or -1 with errno. */
static int
make_folder(const char *state_dir, struct buf *path)
{
	struct buf spool = BUF_INIT(0);
	int r;

	buf_printf(&spool, "%s/spool", state_dir);
	buf_printf(path, "%s/migrate", buf_str(&spool));
	/* There already: the run that made it may have ended before the sync. */
	r = mkdir(buf_str(path), 0700) == -1 && errno != EEXIST ? -1 :
	    keep_names(buf_str(&spool));
	buf_clear(&spool);
	return r;
}

/* A file that holds nothing yet may have been made now: its name is durable
   before anything is brought. 0, or -1 with errno. */
static int
keep_new(int fd, const char *folder)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	return st.st_size > 0 ? 0 : keep_names(folder);
}

int
migrate_file(const struct migrate_plan *p, const struct migrate_user *u,
    struct buf *why)
{
	struct buf folder = BUF_INIT(0), path = BUF_INIT(0);
	char name[2 * NAME + 1];
	int fd = -1;

	file_name(p, u, name);
	if (make_folder(p->c->state_dir, &folder) == -1) {
		buf_set(why, "%s: %s", buf_str(&folder), strerror(errno));
		goto out;
	}
	buf_printf(&path, "%s/%s", buf_str(&folder), name);
	fd = open(buf_str(&path), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1) {
		fd_close(&fd);
		buf_set(why, _("another run is at this account"));
	} else if (fd == -1 || keep_new(fd, buf_str(&folder)) == -1) {
		buf_set(why, "%s: %s", buf_str(&path), strerror(errno));
		fd_close(&fd);
	}
out:
	buf_clear(&folder);
	buf_clear(&path);
	return fd;
}
