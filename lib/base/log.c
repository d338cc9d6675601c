#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/str.h"

static const char *log_name = "rohrpost";
static int log_plain = 1;
static int log_debugging;
static unsigned long log_lost;

/* Lines held back; PIPE_BUF is what a pipe takes whole or not at all. */
static _Thread_local struct {
	int	 on;
	unsigned lines;
	size_t	 len;
	char	 text[PIPE_BUF];
} held;

void
log_init(const char *name, int plain)
{
	log_name = name;
	log_plain = plain;
}

void
log_verbose(int on)
{
	log_debugging = on;
}

/* Length of the character at s that a log may show as it is, else 0. */
static size_t
log_shows(const unsigned char *s, size_t left)
{
	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] < 0x7f;
	if (s[0] == 0xc2 && left > 1 && s[1] < 0xa0)	/* C1 controls */
		return 0;
	return str_utf8((const char *)s, left);
}

size_t
log_clean(char *out, size_t max, const char *in, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *s = (const unsigned char *)in;
	size_t i, n, o = 0;

	for (i = 0; i < len && o + 4 < max;) {
		if ((n = log_shows(s + i, len - i)) > 0) {
			memcpy(out + o, s + i, n);
			o += n;
			i += n;
		} else {
			out[o++] = '\\';
			out[o++] = 'x';
			out[o++] = hex[s[i] >> 4];
			out[o++] = hex[s[i] & 15];
			i++;
		}
	}
	return o;
}

static void
log_write(const char *p, size_t len, unsigned lines)
{
	int e = errno;

	if (len == 0)
		return;
	if (write(2, p, len) == (ssize_t)len)
		__atomic_store_n(&log_lost, 0, __ATOMIC_RELAXED);
	else
		__atomic_add_fetch(&log_lost, lines, __ATOMIC_RELAXED);
	errno = e;
}

static void
log_flush(void)
{
	log_write(held.text, held.len, held.lines);
	held.len = 0;
	held.lines = 0;
}

void
log_hold(void)
{
	held.on = 1;
}

void
log_release(void)
{
	log_flush();
	held.on = 0;
}

static void
log_line(char level, const char *line, size_t len)
{
	if (held.len + len > sizeof(held.text))
		log_flush();
	if (!held.on || len > sizeof(held.text)) {
		log_write(line, len, 1);
		return;
	}
	memcpy(held.text + held.len, line, len);
	held.len += len;
	held.lines++;
	if (level != 'i' && level != 'd')
		log_flush();
}

static void log_put(char level, const char *fmt, va_list ap)
    ATTR_PRINTF(2, 0);

static void
log_put(char level, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX];
	int len, e = errno;
	size_t n;

	len = vsnprintf(text, sizeof(text), fmt, ap);
	if (len < 0)
		return;
	if ((size_t)len >= sizeof(text))
		len = sizeof(text) - 1;
	if (log_plain)
		n = (size_t)snprintf(line, 100, "%.60s: ", log_name);
	else if (log_lost > 0)
		n = (size_t)snprintf(line, 100, "%c (%lu lines lost) ", level,
		    log_lost);
	else
		n = (size_t)snprintf(line, 100, "%c ", level);
	n += log_clean(line + n, sizeof(line) - n - 1, text, (size_t)len);
	line[n++] = '\n';
	log_line(level, line, n);
	errno = e;
}

#define LOG_BODY(level) do {			\
	va_list ap;				\
	va_start(ap, fmt);			\
	log_put(level, fmt, ap);		\
	va_end(ap);				\
} while (0)

void
log_debug(const char *fmt, ...)
{
	if (log_debugging)
		LOG_BODY('d');
}

void
log_info(const char *fmt, ...)
{
	LOG_BODY('i');
}

void
log_warn(const char *fmt, ...)
{
	LOG_BODY('w');
}

void
log_fatal(const char *fmt, ...)
{
	LOG_BODY('f');
	exit(LOG_EXIT_TEMP);
}

void
log_usage(const char *fmt, ...)
{
	LOG_BODY('f');
	exit(LOG_EXIT_USAGE);
}

void
log_panic(const char *fmt, ...)
{
	LOG_BODY('p');
	abort();
}
