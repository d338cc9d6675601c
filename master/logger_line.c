#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "lib/base/log.h"
#include "master/logger_line.h"

struct level {
	char	 letter;
	const char *word;
	int	 priority;
};

static const struct level levels[] = {
	{ 'i', "info", LOG_INFO },
	{ 'w', "warn", LOG_WARNING },
	{ 'f', "fatal", LOG_ERR },
	{ 'p', "panic", LOG_CRIT },
	{ 'd', "debug", LOG_DEBUG },
	/* Words that came another way: a library's, a sanitizer's. */
	{ 0, "other", LOG_WARNING },
};

static const struct level *
level_of(const char *p, size_t len)
{
	const struct level *l = levels;

	while (l->letter != 0 &&
	    !(len >= 2 && p[0] == l->letter && p[1] == ' '))
		l++;
	return l;
}

/* "2026-01-02T03:04:05." is the same for a second: it is kept. */
static const char *
stamp(int64_t second)
{
	static char text[32];
	static int64_t known = -1;
	time_t t = (time_t)second;
	struct tm tm;

	if (second != known && gmtime_r(&t, &tm) != NULL) {
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &tm);
		known = second;
	}
	return text;
}

/* A broken-in program may write anything to its pipe: it is cleaned anew. */
static int
put_clean(struct buf *out, const char *p, size_t len)
{
	size_t room = 4 * len + 8;

	if (buf_reserve(out, room) == -1)
		return -1;
	out->len += log_clean(out->data + out->len, room, p, len);
	return 0;
}

int
logger_line(struct buf *out, int64_t now_us, const char *program,
    uint32_t pid, const char *p, size_t len)
{
	const struct level *l = level_of(p, len);
	size_t before = out->len;

	if (l->letter != 0) {
		p += 2;
		len -= 2;
	}
	if (len > LOG_LINE_MAX)
		len = LOG_LINE_MAX;
	if (buf_printf(out, "%s%03uZ %s[%u] %s ", stamp(now_us / 1000000),
	    (unsigned)(now_us / 1000 % 1000), program, pid, l->word) == -1 ||
	    put_clean(out, p, len) == -1 || buf_putc(out, '\n') == -1) {
		buf_truncate(out, before);
		return -1;
	}
	return l->priority;
}
