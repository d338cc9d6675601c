#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl_admin.h"
#include "ctl/ctl_audit.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_util.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/result.h"

enum {
	WORDS_MAX = RESULT_WORDS_MAX - 50,
	MASTER_MS = 2000,
	LOCK_TRIES = 100,
	LOCK_WAIT = 20000,	/* us */
};

static void
put_user(struct buf *b, uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw != NULL)
		buf_puts(b, pw->pw_name);
	else
		buf_printf(b, "uid-%lu", (unsigned long)uid);
}

/* Who logged in, as the kernel keeps it through su and sudo. */
static void
put_login(struct buf *b)
{
	struct buf text = BUF_INIT(20);
	uint64_t uid;
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);

	if (fd != -1 && fd_slurp(fd, &text) == 0 &&
	    str_number(buf_str(&text), text.len, UINT32_MAX - 1, &uid) == 0 &&
	    uid != getuid()) {
		buf_puts(b, " login=");
		put_user(b, (uid_t)uid);
	}
	fd_close(&fd);
	buf_clear(&text);
}

static void
put_who(struct buf *b, const struct ctl_admin *admin)
{
	const char *sudo = getenv("SUDO_USER");
	char clean[100];

	if (admin != NULL) {
		put_user(b, admin->uid);
		buf_puts(b, " by=admin");
		return;
	}
	put_user(b, getuid());
	if (sudo != NULL && sudo[0] != '\0')
		buf_printf(b, " sudo=%.*s", (int)log_clean(clean,
		    sizeof(clean), sudo, strnlen(sudo, 32)), clean);
	put_login(b);
}

static void
put_options(struct buf *b, const struct ctl *c, const struct option_row *o)
{
	for (; o != NULL && o->name != NULL; o++) {
		if (c->opt[o->slot] == NULL)
			continue;
		buf_printf(b, " %s", o->name);
		if (o->value != NULL && !o->secret)
			buf_printf(b, " %s", c->opt[o->slot]);
	}
}

static const char *
outcome(int status)
{
	return status == CTL_DONE ? N_("done") : status == CTL_LATER ?
	    N_("not now") : N_("refused");
}

/* Cut where there is too much of it: "all" and a thousand ids. */
static void
put_what(struct buf *b, const struct ctl *c, const struct ctl_command *cmd,
    int status)
{
	struct buf raw = BUF_INIT(0);
	char clean[WORDS_MAX];
	size_t n;
	int i;

	buf_puts(&raw, cmd->name);
	for (i = 0; i < c->n_args; i++)
		buf_printf(&raw, " %s", c->args[i]);
	put_options(&raw, c, cmd->options);
	n = log_clean(clean, sizeof(clean) - b->len - 40, raw.data, raw.len);
	buf_puts(b, ": ");
	buf_append(b, clean, n);
	buf_printf(b, "%s: %s", n < raw.len ? " ..." : "", outcome(status));
	buf_clear(&raw);
}

/* One writer at a time, so that one that fails can take back what is its own;
   who holds the lock and does not go on is not waited for. */
static int
lock(int fd)
{
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 1;
		usleep(LOCK_WAIT);
	}
	return 0;
}

/* The whole line or none, on a full disk too. 0, or -1 with errno. */
static int
append_line(int fd, const struct buf *line)
{
	int e, torn, locked = lock(fd);
	struct stat st;
	char last;

	if (fstat(fd, &st) == -1)
		return -1;
	/* A line that was cut off by a kill stays one of its own. */
	torn = st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
	    last != '\n';
	if ((!torn || fd_write_all(fd, "\n", 1) == 0) &&
	    fd_write_all(fd, line->data, line->len) == 0)
		return 0;
	e = errno;
	if (locked && ftruncate(fd, st.st_size) == -1)
		e = errno;
	errno = e;
	return -1;
}

/* 0, or -1 with errno. */
static int
append(const char *state_dir, const struct buf *words)
{
	int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	struct buf line = BUF_INIT(0);
	time_t now = (time_t)clock_now();
	char stamp[32] = "";
	struct tm tm;
	int dirfd, fd = -1, e, r = -1;

	if (gmtime_r(&now, &tm) != NULL)
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_printf(&line, "%s %s\n", stamp, buf_str(words));
	dirfd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd != -1)
		fd = openat(dirfd, "audit.log", flags, 0600);
	if (fd != -1 && fd_inherit(fd, dirfd, NULL) == 0)
		r = append_line(fd, &line);
	e = errno;
	fd_close(&fd);
	fd_close(&dirfd);
	buf_clear(&line);
	errno = e;
	return r;
}

/* A copy for the log; where master does not run there is none. */
static void
tell_master(struct ctl *c, const struct buf *words)
{
	struct ctl_control q = { .who = PEER_MASTER, .type = C_NOTE,
		.timeout_ms = MASTER_MS, .words = buf_str(words), .quiet = 1 };
	int fd = control_connect(c->state_dir, PEER_MASTER);

	if (fd == -1)
		return;
	fd_close(&fd);
	(void)control_call(c, &q);
}

void
audit_command(struct ctl *c, const struct ctl_command *cmd, int status)
{
	struct buf words = BUF_INIT(0);

	/* setup, and what was refused before, has not read it. */
	if (c->state_dir == NULL && (status != CTL_DONE || ctl_load(c) == -1))
		return;
	put_who(&words, c->admin);
	put_what(&words, c, cmd, status);
	if (append(c->state_dir, &words) == -1)
		ctl_fail(0, _("%s/audit.log: %s: no line tells of this command "
		    "(%s)"), c->state_dir, strerror(errno),
		    _(outcome(status)));
	/* Who stops is not there to be told. */
	if (strcmp(cmd->name, "stop") != 0)
		tell_master(c, &words);
	buf_clear(&words);
}
