#include <stdarg.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "relay/pop3_client.h"

enum {
	COMMAND_MS = 60 * 1000,
	WHOLE_MS = 30 * 60 * 1000,
	TEXT_MAX = 2000,
};

void
pop3_init(struct pop3_client *c, int fd, const char *label)
{
	memset(c, 0, sizeof(*c));
	stream_init(&c->stream, fd);
	stream_cut(&c->stream);
	buf_init(&c->words, POP3_WORDS_MAX);
	buf_init(&c->text, TEXT_MAX);
	str_copy(c->label, sizeof(c->label), label);
	c->command = COMMAND_MS;
	c->whole = WHOLE_MS;
	c->since = clock_mono_ms();
}

void
pop3_close(struct pop3_client *c)
{
	c->dead = 1;
	stream_clear(&c->stream);
	buf_clear(&c->words);
	buf_clear(&c->text);
}

enum pop3_result
pop3_fail(struct pop3_client *c, const char *fmt, ...)
{
	va_list ap;

	buf_set(&c->words, "%s ", c->label);
	va_start(ap, fmt);
	buf_vprintf(&c->words, fmt, ap);
	va_end(ap);
	c->dead = 1;
	return POP3_LOST;
}

unsigned
pop3_window(const struct pop3_client *c)
{
	return c->caps & POP3_CAP_PIPELINING ? POP3_WAITING : 1;
}

static void ATTR_PRINTF(2, 0)
put(struct pop3_client *c, const char *fmt, va_list ap)
{
	stream_vprintf(&c->stream, fmt, ap);
	stream_puts(&c->stream, "\r\n");
	c->waiting++;
}

void
pop3_send(struct pop3_client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(c, fmt, ap);
	va_end(ap);
}

/* A response begins, and its time. */
static void
begin(struct pop3_client *c)
{
	c->since = clock_mono_ms();
	c->came = 0;
}

/* What octets that came, or did not, mean for who waits. */
static enum pop3_result
judge(struct pop3_client *c, enum stream_status s)
{
	switch (s) {
	case STREAM_OK:
	case STREAM_BARE:
		return POP3_OK;
	case STREAM_WOKEN:
		return c->stop != NULL && c->stop() ?
		    pop3_fail(c, "was left, for the suite stops") : POP3_OK;
	case STREAM_LONG:
		return pop3_fail(c, "sends a line without end");
	case STREAM_TIMEOUT:
		return pop3_fail(c, "did not answer in time");
	default:
		return pop3_fail(c, "lost the connection: %s",
		    stream_words(&c->stream));
	}
}

static void
deadline(struct pop3_client *c)
{
	int64_t end = c->command + (int64_t)(c->came * 1000 / POP3_RATE);

	if (end > c->whole)
		end = c->whole;
	end += c->since - clock_mono_ms();
	stream_deadline(&c->stream, end < 0 ? 0 : end);
}

/* A line, without its end, in the time of the present response. */
static enum pop3_result
line(struct pop3_client *c, char **line_r, size_t *len_r)
{
	enum stream_status s;

	if (c->dead)
		return POP3_LOST;
	do {
		deadline(c);
		s = stream_line(&c->stream, POP3_LINE_MAX, line_r, len_r);
		if (judge(c, s) != POP3_OK)
			return POP3_LOST;
	} while (s == STREAM_WOKEN);
	c->came += *len_r + 1;
	if (s == STREAM_BARE)
		c->lf = 1;
	return POP3_OK;
}

enum pop3_result
pop3_read(struct pop3_client *c, char **line_r, size_t *len_r)
{
	begin(c);
	return line(c, line_r, len_r);
}

/* What a server wants a person to read. */
static void
clean(struct pop3_client *c, const char *p, size_t len)
{
	size_t i;

	buf_reset(&c->text);
	if (len > TEXT_MAX)
		len = TEXT_MAX;
	for (i = 0; i < len; i++)
		buf_putc(&c->text, (unsigned char)p[i] < ' ' || p[i] == 0x7f ?
		    '?' : p[i]);
}

/*
 * resp-text = "[" resp-level *("/" resp-level) "]" text (RFC 2449 3). Who does
 * not know a level goes by those before it.
 */
static enum pop3_code
code_of(const char *p, size_t len)
{
	static const struct {
		const char *name;
		enum pop3_code code;
	} codes[] = {
		{ "AUTH", POP3_CODE_AUTH },
		{ "SYS/PERM", POP3_CODE_PERMANENT },
		{ "SYS", POP3_CODE_TEMPORARY },
		{ "IN-USE", POP3_CODE_IN_USE },
		{ "LOGIN-DELAY", POP3_CODE_LOGIN_DELAY },
	};
	size_t i, n, k;

	if (len == 0 || *p != '[')
		return POP3_CODE_NONE;
	p++;
	for (n = 0; n + 1 < len && p[n] != ']'; n++)
		;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		k = strlen(codes[i].name);
		if (n >= k && str_is(p, k, codes[i].name) &&
		    (n == k || p[k] == '/'))
			return codes[i].code;
	}
	return POP3_CODE_NONE;
}

enum pop3_result
pop3_status(struct pop3_client *c, const char *p, size_t len)
{
	size_t n;

	c->code = POP3_CODE_NONE;
	for (n = 0; n < len && p[n] != ' '; n++)
		;
	clean(c, p + n + (n < len), len - n - (n < len));
	if (str_is(p, n, "+OK"))
		return POP3_OK;
	if (!str_is(p, n, "-ERR")) {
		clean(c, p, len);
		c->foreign = 1;
		return pop3_fail(c, "does not speak POP3: %s",
		    buf_str(&c->text));
	}
	c->code = code_of(buf_str(&c->text), c->text.len);
	buf_set(&c->words, "%s said: %s", c->label, c->text.len > 0 ?
	    buf_str(&c->text) : "-ERR");
	return POP3_NO;
}

enum pop3_result
pop3_wait(struct pop3_client *c)
{
	size_t len;
	char *p;

	if (c->dead || pop3_read(c, &p, &len) != POP3_OK)
		return POP3_LOST;
	if (c->waiting > 0)
		c->waiting--;
	return pop3_status(c, p, len);
}

enum pop3_result
pop3_command(struct pop3_client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(c, fmt, ap);
	va_end(ap);
	return pop3_wait(c);
}

enum pop3_result
pop3_line_next(struct pop3_client *c, char **line_r, size_t *len_r)
{
	if (line(c, line_r, len_r) != POP3_OK)
		return POP3_LOST;
	if (*len_r == 0 || **line_r != '.')
		return POP3_OK;
	if (*len_r == 1)
		return POP3_NO;
	(*line_r)++;
	(*len_r)--;
	return POP3_OK;
}

enum pop3_result
pop3_body(struct pop3_client *c, int (*body)(void *ctx, const char *p,
    size_t len), void *ctx)
{
	struct pop3_text t = { .lf = c->lf };
	const char *out;
	size_t n, used, len;
	char *p;
	int done = 0;

	while (!done) {
		if (c->dead)
			return POP3_LOST;
		if ((n = stream_peek(&c->stream, &p)) == 0) {
			deadline(c);
			if (judge(c, stream_fill(&c->stream)) != POP3_OK)
				return POP3_LOST;
			continue;
		}
		done = pop3_text_take(&t, p, n, &used, &out, &len);
		if (len > 0 && body != NULL && body(ctx, out, len) != 0)
			return pop3_fail(c, "was left within a message");
		stream_take(&c->stream, used);
		c->came += used;
	}
	return POP3_OK;
}
