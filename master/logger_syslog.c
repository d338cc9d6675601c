#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "master/logger_syslog.h"

const char *logger_syslog_path = "/dev/log";

static int log_fd = -1;
static int failed;		/* errno of the last line that was not taken */
static int refused;		/* nobody is there: not before the next tick */
static int told;
static unsigned long lost;

static int
connect_log(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	str_copy(un.sun_path, sizeof(un.sun_path), logger_syslog_path);
	log_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (log_fd != -1 && connect(log_fd, (const struct sockaddr *)&un,
	    sizeof(un)) == 0)
		return 0;
	failed = errno;
	fd_close(&log_fd);
	refused = 1;
	return -1;
}

/* "<22>Jan  2 03:04:05 rohrpost: ": RFC 3164 4.1, local time. */
static size_t
head(char *out, size_t size, int priority, int64_t second)
{
	time_t t = (time_t)second;
	char stamp[32] = "";
	struct tm tm;
	int n;

	if (localtime_r(&t, &tm) != NULL)
		strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S ", &tm);
	n = snprintf(out, size, "<%d>%srohrpost: ", LOG_MAIL | priority, stamp);
	return (size_t)n;
}

static int
send_line(const struct msghdr *m)
{
	ssize_t n;

	if (log_fd == -1)
		return -1;
	do
		n = sendmsg(log_fd, m, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n != -1)
		return 0;
	failed = errno;
	if (errno != EAGAIN && errno != ENOBUFS && errno != EMSGSIZE)
		fd_close(&log_fd);	/* the daemon of it has gone */
	return -1;
}

void
logger_syslog(int priority, int64_t second, const char *text, size_t len)
{
	char begin[80];
	struct iovec part[2] = {
		{ begin, head(begin, sizeof(begin), priority, second) },
		{ (void *)(uintptr_t)text, len },
	};
	const struct msghdr m = { .msg_iov = part, .msg_iovlen = 2 };

	if (send_line(&m) == 0)
		return;
	if (log_fd == -1 && !refused && connect_log() == 0 &&
	    send_line(&m) == 0)
		return;
	lost++;
}

/* Is there a daemon that has room for a line? */
static int
is_ready(void)
{
	struct pollfd p = { .events = POLLOUT };

	if (log_fd == -1 && connect_log() == -1)
		return 0;
	p.fd = log_fd;
	return poll(&p, 1, 0) == 1;
}

void
logger_syslog_tick(void (*say)(const char *words))
{
	unsigned long n = lost;
	char words[200];

	refused = 0;
	if (n == 0)
		return;
	if (is_ready()) {
		snprintf(words, sizeof(words), "%s: %lu lines were not taken "
		    "(%s)", logger_syslog_path, n, strerror(failed));
		lost = 0;
		told = 0;
		say(words);
	} else if (!told) {
		snprintf(words, sizeof(words), "%s: %s: no line is taken; they "
		    "are counted", logger_syslog_path, strerror(failed));
		told = 1;
		say(words);
	}
}

void
logger_syslog_close(void)
{
	fd_close(&log_fd);
	lost = 0;
	told = refused = 0;
}
