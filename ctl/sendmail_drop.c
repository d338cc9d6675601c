#include "config.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ctl/sendmail_drop.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/date.h"
#include "lib/mail/drop.h"
#include "lib/mail/header.h"

/* What the user has left already. */
struct share {
	unsigned files, foreign;	/* foreign: others' in his names */
	uint64_t octets;
};

static int
failed(struct buf *why, const char *what)
{
	buf_set(why, "%s: %s", what, strerror(errno));
	return -1;
}

/*
 * Nobody can list the directory, but everybody knows the names of his own
 * files. Somebody else may have put something there in such a name.
 */
static void
count(int at, struct share *h)
{
	char name[DROP_NAME_MAX];
	struct stat st;
	unsigned i;

	memset(h, 0, sizeof(*h));
	for (i = 0; i < DROP_FILES; i++) {
		drop_name(name, geteuid(), i);
		if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		if (st.st_uid == geteuid() && S_ISREG(st.st_mode)) {
			h->files++;
			h->octets += (uint64_t)st.st_size;
		} else
			h->foreign++;
	}
}

/* A new file of ours, by a name that is free. -1 with why. */
static int
make(int at, const struct share *h, char name[DROP_NAME_MAX], struct buf *why)
{
	enum { FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC };
	uint64_t random;
	unsigned i;
	int fd;

	for (i = 0; i < DROP_FILES; i++) {
		drop_name(name, geteuid(), i);
		fd = openat(at, name, FLAGS, 0600);
		if (fd != -1)
			return fd;
		if (errno != EEXIST)
			return failed(why, DROP_FOLDER);
	}
	if (h->foreign == 0) {
		buf_set(why, "%d messages of yours wait already", DROP_FILES);
		return -1;
	}
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return failed(why, "getrandom");
	drop_name_random(name, geteuid(), random);
	fd = openat(at, name, FLAGS, 0600);
	return fd != -1 ? fd : failed(why, DROP_FOLDER);
}

/*
 * The file, and its name: the directory cannot be opened to sync that alone.
 */
static int
drop_sync(int fd)
{
	if (fd_sync(fd) == -1)
		return -1;
	return fd_sync_all(fd);
}

/* The head last: who finds it knows that all of the file was written. */
static int
fill(int fd, const struct buf *file)
{
	if (lseek(fd, DROP_HEAD, SEEK_SET) == -1 ||
	    fd_write_all(fd, file->data + DROP_HEAD, file->len - DROP_HEAD) ==
	    -1 || lseek(fd, 0, SEEK_SET) == -1 ||
	    fd_write_all(fd, file->data, DROP_HEAD) == -1)
		return -1;
	return drop_sync(fd);
}

static int
put(const struct sendmail *s, const struct buf *file, struct buf *why)
{
	struct buf path = BUF_INIT(0);
	char name[DROP_NAME_MAX];
	struct share h;
	int at, fd = -1, r = -1;

	buf_printf(&path, "%s/" DROP_FOLDER, s->state_dir);
	at = open(buf_str(&path), O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (at == -1) {
		failed(why, buf_str(&path));
		buf_clear(&path);
		return -1;
	}
	count(at, &h);
	if (h.octets + file->len > DROP_SIZES * s->message_size +
	    DROP_ENVELOPE_MAX)
		buf_set(why, "%u messages of yours wait already and leave no "
		    "room", h.files);
	else if ((fd = make(at, &h, name, why)) != -1) {
		r = fill(fd, file);
		if (r == -1) {
			failed(why, buf_str(&path));
			(void)unlinkat(at, name, 0);
		}
	}
	fd_close(&fd);
	fd_close(&at);
	buf_clear(&path);
	return r;
}

/* The message, with the moment at which it was written. */
static void
dated(const struct buf *message, struct buf *out)
{
	struct header_counts n;
	char date[DATE_TEXT];

	header_count(message->data, message->len, &n);
	if (!n.has_date) {
		date_print_local(clock_now(), date);
		buf_printf(out, "Date: %s\r\n", date);
	}
	buf_append(out, message->data, message->len);
}

int
sendmail_drop(const struct sendmail *s, const struct buf *message,
    struct buf *why)
{
	struct buf text = BUF_INIT(0), file = BUF_INIT(0);
	struct drop d = { .sender = s->sender, .caller = s->caller,
		.notify = s->notify, .ret = s->ret,
		.envid = s->envid[0] != '\0' ? s->envid : NULL,
		.to = s->to, .n_to = s->n_to };
	int r;

	dated(message, &text);
	d.message = buf_str(&text);
	d.len = text.len;
	r = drop_pack(&d, &file) == -1 ? failed(why, "no memory") :
	    put(s, &file, why);
	buf_clear(&text);
	buf_clear(&file);
	return r;
}
