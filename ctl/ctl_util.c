#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_util.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/server/settings.h"

struct ctl_conf {
	char	*state_dir, *hostname, *user_protocols;
	int	 auth_scram;
};

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct ctl_conf, state_dir),
	SETTINGS_KEY_HOSTNAME(struct ctl_conf, hostname),
	SETTINGS_KEY_AUTH_SCRAM(struct ctl_conf, auth_scram),
	SETTINGS_KEY_USER_PROTOCOLS(struct ctl_conf, user_protocols),
	SETTINGS_END
};

int
ctl_load(struct ctl *c)
{
	struct buf why = BUF_INIT(0);
	static struct ctl_conf conf;
	struct ctl_conf fresh = { .state_dir = NULL };

	if (settings_load(c->dir, keys, &fresh, &why) == -1) {
		ctl_say(-1, &why);
		buf_clear(&why);
		return -1;
	}
	free(conf.state_dir);
	free(conf.hostname);
	free(conf.user_protocols);
	conf = fresh;
	c->state_dir = conf.state_dir;
	c->hostname = settings_hostname(conf.hostname);
	c->user_protocols = conf.user_protocols;
	c->auth_scram = conf.auth_scram;
	return 0;
}

static void
say_lines(const char *prefix, const struct buf *words)
{
	const char *p = buf_str(words), *line;
	size_t len;

	while ((line = str_line(&p, &len)) != NULL)
		fprintf(stderr, "rohrpost: %s%.*s\n", prefix, (int)len, line);
}

int
ctl_say(int r, const struct buf *words)
{
	say_lines("", words);
	return r;
}

void
ctl_warn(const struct buf *words)
{
	say_lines(_("warning: "), words);
}

int
ctl_fail(int r, const char *fmt, ...)
{
	va_list ap;

	fputs("rohrpost: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return r;
}

static void
gather(int fd, struct buf *out)
{
	char chunk[4096];
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		(void)buf_append(out, chunk, (size_t)n);
	}
}

int
ctl_run_program(const char *path, const char *const argv[], struct buf *out)
{
	posix_spawn_file_actions_t fa;
	int fds[2], status, e;
	pid_t pid;

	buf_reset(out);
	if (pipe2(fds, O_CLOEXEC) == -1) {
		buf_set(out, "pipe: %s", strerror(errno));
		return -1;
	}
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, fds[1], 1);
	posix_spawn_file_actions_adddup2(&fa, fds[1], 2);
	e = posix_spawn(&pid, path, &fa, NULL, (char *const *)(uintptr_t)argv,
	    environ);
	posix_spawn_file_actions_destroy(&fa);
	close(fds[1]);
	if (e == 0)
		gather(fds[0], out);
	close(fds[0]);
	if (e != 0) {
		buf_set(out, "%s: %s", path, strerror(e));
		return -1;
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (!WIFEXITED(status)) {
		buf_set(out, _("%s: ended by signal %d"), path,
		    WTERMSIG(status));
		return -1;
	}
	return WEXITSTATUS(status);
}
