#include <stdarg.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "relay/relay_client.h"
#include "relay/relay_hurry.h"

enum { MINUTE = 60 * 1000 };

/* RFC 5321 4.5.3.2. */
const struct client_times client_times = {
	.connect = MINUTE / 2,
	.greeting = 5 * MINUTE,
	.command = 5 * MINUTE,
	.data = 2 * MINUTE,
	.block = 3 * MINUTE,
	.dot = 10 * MINUTE,
	.quit = MINUTE / 60,
	.session = 30 * MINUTE,
	.rate = 8000,
};

void
client_init(struct relay_client *c, int fd, const char *label,
    const struct client_times *times)
{
	memset(c, 0, sizeof(*c));
	stream_init(&c->stream, fd);
	stream_cut(&c->stream);
	buf_init(&c->reply.text, REPLY_TEXT_MAX);
	buf_init(&c->words, RESULT_WORDS_MAX);
	str_copy(c->label, sizeof(c->label), label);
	c->times = times;
	client_restart_clock(c, 0);
}

void
client_clear(struct relay_client *c)
{
	stream_clear(&c->stream);
	reply_clear(&c->reply);
	buf_clear(&c->words);
	c->dead = 1;
}

void
client_quit(struct relay_client *c)
{
	if (!c->dead) {
		stream_deadline(&c->stream, c->times->quit);
		stream_puts(&c->stream, "QUIT\r\n");
		stream_close(&c->stream);
	}
	client_clear(c);
}

void
client_restart_clock(struct relay_client *c, uint64_t octets)
{
	c->limit = clock_mono_ms() + c->times->session +
	    (int64_t)(octets * 1000 / c->times->rate);
}

void
client_deadline(struct relay_client *c, int64_t ms)
{
	int64_t left = c->limit - clock_mono_ms();

	stream_deadline(&c->stream, left < 0 ? 0 : ms < left ? ms : left);
}

enum result
client_fail(struct relay_client *c, const char *code, const char *fmt, ...)
{
	va_list ap;

	buf_set(&c->words, "%s %s ", code, c->label);
	va_start(ap, fmt);
	buf_vprintf(&c->words, fmt, ap);
	va_end(ap);
	c->dead = 1;
	return RESULT_LATER;
}

enum result
client_refused(struct relay_client *c)
{
	int cls = reply_class(&c->reply);

	buf_reset(&c->words);
	if (cls != 4 && cls != 5)
		return client_fail(c, "4.5.0", "said %d, which does not fit",
		    c->reply.code);
	reply_words(&c->reply, c->label, &c->words);
	/* "service not available, closing transmission channel" */
	if (c->reply.code == 421)
		c->dead = 1;
	return cls == 5 ? RESULT_NEVER : RESULT_LATER;
}

static enum result
reply_broken(struct relay_client *c, enum stream_status r)
{
	if (r == STREAM_LONG)
		return client_fail(c, "4.5.0", "sent a line without end");
	if (r == STREAM_TIMEOUT && hurry_cut())
		return client_fail(c, "4.3.2", "did not answer before relay "
		    "stopped");
	if (r == STREAM_TIMEOUT)
		return client_fail(c, "4.4.2", "did not answer in time");
	return client_fail(c, "4.4.2", "lost the connection: %s",
	    stream_words(&c->stream));
}

/* A line until end, in pieces where others may come to wait for us. */
static enum stream_status
reply_receive(struct relay_client *c, int64_t start, int64_t end, char **line,
    size_t *len)
{
	enum stream_status r;

	do {
		stream_deadline(&c->stream, hurry_piece(start, end));
		r = stream_line(&c->stream, REPLY_LINE_MAX, line, len);
	} while (r == STREAM_TIMEOUT && hurry_piece(start, end) > 0 &&
	    stream_revive(&c->stream, 0));
	return r;
}

static enum result
reply_read(struct relay_client *c, int64_t ms, int patient)
{
	int64_t start = clock_mono_ms(), end = start + ms;
	enum stream_status r;
	char *line;
	size_t len;
	int done, cut;

	if (!patient && end > c->limit)
		end = c->limit;
	reply_reset(&c->reply);
	stream_deadline(&c->stream, end > start ? end - start : 0);
	/* Who closed before he had all may have said why. */
	cut = c->stream.out.len > 0 && stream_flush(&c->stream) != STREAM_OK &&
	    stream_hear(&c->stream);
	do {
		r = patient ? stream_line(&c->stream, REPLY_LINE_MAX, &line,
		    &len) : reply_receive(c, start, end, &line, &len);
		if (r != STREAM_OK && r != STREAM_BARE)
			return reply_broken(c, r);
		done = reply_line(&c->reply, line, len);
		if (done == -1)
			return client_fail(c, "4.5.0", "does not speak SMTP");
	} while (done == 0);
	if (cut && reply_class(&c->reply) < 4)
		return client_fail(c, "4.4.2", "closed before it had all");
	c->dead |= cut;
	return RESULT_DELIVERED;
}

enum result
client_reply(struct relay_client *c, int64_t ms)
{
	return reply_read(c, ms, 0);
}

enum result
client_verdict(struct relay_client *c)
{
	return reply_read(c, c->times->dot, 1);
}

enum result
client_command(struct relay_client *c, int64_t ms, const char *fmt, ...)
{
	va_list ap;

	/* What came unasked would be taken for this command's reply. */
	if (stream_has_input(&c->stream))
		return client_fail(c, "4.5.0", "answered what was not asked");
	va_start(ap, fmt);
	buf_vprintf(&c->stream.out, fmt, ap);
	va_end(ap);
	stream_puts(&c->stream, "\r\n");
	return client_reply(c, ms);
}

static void
feature_size(struct relay_client *c, const char *p, size_t len)
{
	if (str_number(p, len, UINT64_MAX, &c->size_max) == -1)
		c->size_max = 0;
}

static void
feature_auth(struct relay_client *c, const char *p, size_t len)
{
	size_t at = strlen(c->mechs), i;

	/* Some say it in two lines, once for old clients. */
	if (at + len + 3 > sizeof(c->mechs))
		return;
	c->mechs[at++] = ' ';
	for (i = 0; i < len; i++)
		c->mechs[at++] = (char)(p[i] >= 'a' && p[i] <= 'z' ?
		    p[i] - 'a' + 'A' : p[i]);
	c->mechs[at++] = ' ';
	c->mechs[at] = '\0';
}

static const struct {
	const char *name;
	unsigned feature;
	void	(*take)(struct relay_client *, const char *, size_t);
} features[] = {
	{ "PIPELINING", CLIENT_PIPELINING, NULL },
	{ "SIZE", CLIENT_SIZE, feature_size },
	{ "8BITMIME", CLIENT_8BITMIME, NULL },
	{ "STARTTLS", CLIENT_STARTTLS, NULL },
	{ "AUTH", CLIENT_AUTH, feature_auth },
	{ "DSN", CLIENT_DSN, NULL },
};

/*
 * ehlo-line = ehlo-keyword *( SP ehlo-param ), and the form of before RFC 2554,
 * "AUTH=LOGIN PLAIN", with which old servers still speak to old clients.
 */
static void
feature_line(struct relay_client *c, const char *p, size_t len)
{
	size_t word = 0, i;

	while (word < len && p[word] != ' ' && p[word] != '=')
		word++;
	for (i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (!str_is(p, word, features[i].name))
			continue;
		c->features |= features[i].feature;
		if (features[i].take != NULL && word < len)
			features[i].take(c, p + word + 1, len - word - 1);
	}
}

static enum result
client_ehlo(struct relay_client *c, const char *hostname)
{
	size_t at = 0, len;
	const char *p;

	c->features = 0;
	c->size_max = 0;
	c->mechs[0] = '\0';
	if (client_command(c, c->times->command, "EHLO %s", hostname) !=
	    RESULT_DELIVERED)
		return RESULT_LATER;
	if (reply_class(&c->reply) == 5) {
		if (client_command(c, c->times->command, "HELO %s",
		    hostname) != RESULT_DELIVERED)
			return RESULT_LATER;
		if (reply_class(&c->reply) != 2)
			return client_refused(c);
		return RESULT_DELIVERED;
	}
	if (reply_class(&c->reply) != 2)
		return client_refused(c);
	reply_next(&c->reply, &at, &len);
	while ((p = reply_next(&c->reply, &at, &len)) != NULL)
		feature_line(c, p, len);
	return RESULT_DELIVERED;
}

enum result
client_greet(struct relay_client *c, const char *hostname)
{
	if (client_reply(c, c->times->greeting) != RESULT_DELIVERED)
		return RESULT_LATER;
	if (c->reply.code != 220)
		return client_refused(c);
	return client_ehlo(c, hostname);
}

enum result
client_tls(struct relay_client *c, SSL_CTX *ctx, const char *host)
{
	struct buf why = BUF_INIT(300);
	enum result r = RESULT_DELIVERED;

	client_deadline(c, hurry_now() ? HURRY_MS : c->times->data);
	if (stream_tls_connect(&c->stream, ctx, host, &why) == -1)
		r = client_fail(c, "4.7.5", "%s", buf_str(&why));
	buf_clear(&why);
	return r;
}

/*
 * RFC 3207 4.2: "The client MUST discard any knowledge obtained from the
 * server ... which was not obtained from the TLS negotiation itself."
 */
enum result
client_starttls(struct relay_client *c, SSL_CTX *ctx, const char *host,
    const char *hostname)
{
	if (client_command(c, c->times->command, "STARTTLS") !=
	    RESULT_DELIVERED)
		return RESULT_LATER;
	if (c->reply.code != 220)
		return client_refused(c);
	if (client_tls(c, ctx, host) != RESULT_DELIVERED)
		return RESULT_LATER;
	return client_ehlo(c, hostname);
}
