#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "ctl/find_child.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"

enum { HEAD = 4, READ_MAX = 1 << 20 };

const char *find_programs = LIBEXECDIR;

/* Whole frames are taken off the front; the last one stays in answer. */
static int
take_frames(struct buf *got, struct buf *answer, int *has)
{
	struct cursor c;
	uint32_t len;

	while (got->len >= HEAD) {
		cursor_init(&c, buf_str(got), HEAD);
		len = cursor_u32(&c);
		if (len > answer->max)
			return -1;
		if (got->len < HEAD + len)
			break;
		buf_reset(answer);
		buf_append(answer, buf_str(got) + HEAD, len);
		buf_consume(got, HEAD + len);
		*has = 1;
	}
	return 0;
}

static int
hear(int fd, int64_t ms, struct buf *answer)
{
	struct buf got = BUF_INIT(answer->max + HEAD + 4096);
	int64_t end = clock_mono_ms() + ms, left;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t all = 0;
	char piece[4096];
	int has = 0;
	ssize_t n;

	while ((left = end - clock_mono_ms()) > 0 && all < READ_MAX) {
		n = poll(&p, 1, (int)left);
		if (n == -1 && errno == EINTR)
			continue;
		if (n != 1 || (n = read(fd, piece, sizeof(piece))) <= 0)
			break;
		all += (size_t)n;
		if (buf_append(&got, piece, (size_t)n) == -1 ||
		    take_frames(&got, answer, &has) == -1)
			break;
	}
	buf_wipe(&got);
	buf_clear(&got);
	return has ? 0 : -1;
}

static int
start(const char *path, int in, int out, pid_t *pid)
{
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	posix_spawn_file_actions_t fa;
	int e;

	if (posix_spawn_file_actions_init(&fa) != 0)
		return ENOMEM;
	e = posix_spawn_file_actions_adddup2(&fa, in, 0);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(&fa, out, 1);
	if (e == 0)
		e = posix_spawn(pid, path, &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	return e;
}

int
find_child(const char *name, const struct buf *question, int64_t ms,
    struct buf *answer, struct buf *why)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, e = 0, r = -1;
	struct buf path = BUF_INIT(0);
	pid_t pid;

	buf_printf(&path, "%s/%s", find_programs, name);
	/* The pipe holds the question: nobody waits for a child to read. */
	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    fd_write_all(in[1], buf_str(question), question->len) == -1)
		e = errno;
	if (e == 0)
		e = start(buf_str(&path), in[0], out[1], &pid);
	fd_close(&in[0]);
	fd_close(&in[1]);
	fd_close(&out[1]);
	if (e != 0)
		buf_set(why, "%s: %s", buf_str(&path), strerror(e));
	else {
		r = hear(out[0], ms, answer);
		(void)kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			;
		if (r == -1)
			buf_set(why, _("%s gives no answer"), buf_str(&path));
	}
	fd_close(&out[0]);
	buf_clear(&path);
	return r;
}

int
find_child_question(struct buf *question)
{
	return fd_read_rest(STDIN_FILENO, question);
}

int
find_child_answer(const struct buf *answer)
{
	struct buf head = BUF_INIT(0);
	int r;

	buf_put_u32(&head, (uint32_t)answer->len);
	r = fd_write_all(STDOUT_FILENO, buf_str(&head), head.len) == -1 ||
	    fd_write_all(STDOUT_FILENO, buf_str(answer), answer->len) == -1 ?
	    -1 : 0;
	buf_clear(&head);
	return r;
}
