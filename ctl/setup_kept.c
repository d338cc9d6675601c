#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_system.h"
#include "ctl/setup_kept.h"
#include "lib/base/fd.h"

static const char complete[] = "# complete\n";

int
kept_load(struct answers *as, const char *dir, int *all_r)
{
	struct buf path = BUF_INIT(0), text = BUF_INIT(64 * 1024),
	    why = BUF_INIT(0);
	struct stat st;
	int fd, r = 0;

	buf_printf(&path, "%s/" KEPT_FILE, dir);
	fd = fd_open_file(AT_FDCWD, buf_str(&path), O_NOFOLLOW);
	if (fd != -1 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & 077) == 0 && fd_slurp(fd, &text) == 0 &&
	    answers_parse(as, buf_str(&text), text.len, &why) == 0)
		r = as->n > 0;
	*all_r = strncmp(buf_str(&text), complete, sizeof(complete) - 1) == 0;
	fd_close(&fd);
	buf_clear(&path);
	buf_clear(&text);
	buf_clear(&why);
	return r;
}

static void
put(const struct setup_answer *a, struct buf *text)
{
	size_t n = strlen(a->value);

	/* There is a password in it, too; its parts were answered. */
	if (strcmp(a->key, "relay_password") == 0 ||
	    strcmp(a->key, "collect") == 0)
		return;
	/* The password stands behind the address. */
	if (strcmp(a->key, "user") == 0)
		n = strcspn(a->value, " \t");
	buf_printf(text, "%s = %.*s\n", a->key, (int)n, a->value);
}

int
kept_save(const struct answers *as, const char *dir, int all, struct buf *why)
{
	struct buf text = BUF_INIT(0);
	int dirfd, r = -1;
	size_t i;

	if (all)
		buf_puts(&text, complete);
	for (i = 0; i < as->n; i++)
		put(&as->a[i], &text);
	dirfd = system_mkdir(dir, 0755) == -1 ? -1 :
	    open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd != -1)
		r = fd_replace(dirfd, KEPT_FILE, 0600, buf_str(&text),
		    text.len);
	if (r == -1)
		buf_set(why, "%s/" KEPT_FILE ": %s", dir, strerror(errno));
	fd_close(&dirfd);
	buf_clear(&text);
	return r;
}

void
kept_forget(const char *dir)
{
	struct buf path = BUF_INIT(0);

	buf_printf(&path, "%s/" KEPT_FILE, dir);
	unlink(buf_str(&path));
	buf_clear(&path);
}
