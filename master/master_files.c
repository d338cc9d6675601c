/*
 * The configuration as it was taken: copies of rohrpost.conf, certificate and
 * key. Whatever starts later reads these, so that an edit that nobody has
 * checked yet, or that was refused, is not half in force.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/server/settings.h"
#include "master/master_files.h"

enum {
	COPY_MAX = 1 << 20,
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

/* A sealed file in memory above the children's layout; -1 with errno. */
static int
copy_of(const struct buf *text)
{
	int low = memfd_create("rohrpost", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int fd = -1;

	if (low == -1)
		return -1;
	if (fd_write_all(low, text->data, text->len) == 0 &&
	    fcntl(low, F_ADD_SEALS, SEALS) == 0)
		fd = fcntl(low, F_DUPFD_CLOEXEC, SERVER_FD_LAST + 1);
	fd_close(&low);
	return fd;
}

static int
take(int fd, const char *what, const char *path, struct buf *why)
{
	struct buf text = BUF_INIT(COPY_MAX);
	int r = -1;

	if (fd != -1 && fd_slurp(fd, &text) == 0)
		r = copy_of(&text);
	if (r == -1)
		buf_set(why, "%s%s: %s", what, path, strerror(errno));
	buf_wipe(&text);
	return r;
}

static int
take_pem(const char *what, const char *path, struct buf *why)
{
	int r, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	r = take(fd, what, path, why);
	fd_close(&fd);
	return r;
}

int
files_take(const char *dir, struct files *f, struct master_conf *c,
    struct buf *why)
{
	char path[SETTINGS_PATH_MAX];
	int fd = settings_open(dir, path, why);

	f->conf = f->cert = f->key = -1;
	if (fd == -1)
		return -1;
	f->conf = take(fd, "", path, why);
	fd_close(&fd);
	if (f->conf == -1 || master_conf_load(f->conf, path, c, why) == -1)
		goto fail;
	/* With one of the two the programs say what is missing. */
	if (c->cert[0] == '\0' || c->cert_key[0] == '\0')
		return 0;
	f->cert = take_pem("tls_certificate: ", c->cert, why);
	if (f->cert != -1)
		f->key = take_pem("tls_key: ", c->cert_key, why);
	if (f->key != -1)
		return 0;
fail:
	settings_place(dir, why);
	files_drop(f);
	return -1;
}

void
files_drop(struct files *f)
{
	fd_close(&f->conf);
	fd_close(&f->cert);
	fd_close(&f->key);
}

const char *
files_actions(const struct files *f, int tls, posix_spawn_file_actions_t *fa)
{
	int all = tls && f->key != -1;

	if (posix_spawn_file_actions_adddup2(fa, f->conf, SERVER_CONF_FD) != 0)
		return NULL;
	if (all && (posix_spawn_file_actions_adddup2(fa, f->cert,
	    SERVER_CERT_FD) != 0 || posix_spawn_file_actions_adddup2(fa,
	    f->key, SERVER_KEY_FD) != 0))
		return NULL;
	return all ? "3" : "1";
}
