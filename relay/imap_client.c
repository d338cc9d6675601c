#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "relay/imap_client.h"

enum { COMMAND_MS = 60 * 1000, LOGOUT_MS = 2000, TEXT_MAX = 2000 };

static const struct {
	const char *name;
	unsigned bits;
} caps[] = {
	{ "STARTTLS", IMAP_CAP_STARTTLS },
	{ "LOGINDISABLED", IMAP_CAP_LOGINDISABLED },
	{ "SASL-IR", IMAP_CAP_SASL_IR },
	{ "ID", IMAP_CAP_ID },
	{ "NAMESPACE", IMAP_CAP_NAMESPACE },
	{ "SPECIAL-USE", IMAP_CAP_SPECIAL_USE },
	{ "LIST-EXTENDED", IMAP_CAP_LIST_EXTENDED },
	{ "ENABLE", IMAP_CAP_ENABLE },
	{ "CONDSTORE", IMAP_CAP_CONDSTORE },
	/* RFC 7162 3.2: who has QRESYNC has CONDSTORE. */
	{ "QRESYNC", IMAP_CAP_QRESYNC | IMAP_CAP_CONDSTORE },
	{ "UTF8=ACCEPT", IMAP_CAP_UTF8 },
	{ "IDLE", IMAP_CAP_IDLE },
	{ "UIDPLUS", IMAP_CAP_UIDPLUS },
	{ "MOVE", IMAP_CAP_MOVE },
	/* RFC 9051 appendix E: what is part of it. */
	{ "IMAP4rev2", IMAP_CAP_REV2 | IMAP_CAP_NAMESPACE | IMAP_CAP_ENABLE |
	    IMAP_CAP_IDLE | IMAP_CAP_SASL_IR | IMAP_CAP_UIDPLUS |
	    IMAP_CAP_MOVE },
};

void
imap_init(struct imap_client *c, int fd, const char *label)
{
	memset(c, 0, sizeof(*c));
	stream_init(&c->stream, fd);
	imap_input_init(&c->in);
	buf_init(&c->words, IMAP_WORDS_MAX);
	buf_init(&c->text, TEXT_MAX);
	str_copy(c->label, sizeof(c->label), label);
	c->command = COMMAND_MS;
	c->since = clock_mono_ms();
}

void
imap_close(struct imap_client *c)
{
	if (!c->dead) {
		imap_begin(c, "LOGOUT");
		imap_end(c);
		stream_deadline(&c->stream, LOGOUT_MS);
		stream_close(&c->stream);
	} else {
		stream_clear(&c->stream);
	}
	c->dead = 1;
	imap_input_clear(&c->in);
	imap_values_clear(&c->values);
	buf_clear(&c->words);
	buf_clear(&c->text);
}

enum imap_result
imap_fail(struct imap_client *c, const char *fmt, ...)
{
	va_list ap;

	buf_set(&c->words, "%s ", c->label);
	va_start(ap, fmt);
	buf_vprintf(&c->words, fmt, ap);
	va_end(ap);
	c->dead = 1;
	return IMAP_LOST;
}

static void ATTR_PRINTF(2, 0)
begin(struct imap_client *c, const char *fmt, va_list ap)
{
	stream_printf(&c->stream, "R%u ", ++c->tag);
	stream_vprintf(&c->stream, fmt, ap);
}

void
imap_begin(struct imap_client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	begin(c, fmt, ap);
	va_end(ap);
}

void
imap_put_string(struct imap_client *c, const char *s)
{
	stream_write(&c->stream, "\"", 1);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			stream_write(&c->stream, "\\", 1);
		stream_write(&c->stream, s, 1);
	}
	stream_write(&c->stream, "\"", 1);
}

void
imap_end(struct imap_client *c)
{
	stream_puts(&c->stream, "\r\n");
}

/* What a server wants a person to read. */
static const char *
clean(struct imap_client *c, const char *p, size_t len)
{
	size_t i;

	buf_reset(&c->text);
	if (len > TEXT_MAX)
		len = TEXT_MAX;
	for (i = 0; i < len; i++)
		buf_putc(&c->text, (unsigned char)p[i] < ' ' || p[i] == 0x7f ?
		    '?' : p[i]);
	return buf_str(&c->text);
}

static void
capital(char *out, size_t size, const char *p, size_t len)
{
	size_t i;

	if (len >= size)
		len = size - 1;
	for (i = 0; i < len; i++)
		out[i] = (char)toupper((unsigned char)p[i]);
	out[len] = '\0';
}

static void
caps_add(struct imap_client *c, const struct imap_value *v)
{
	size_t i, at = strlen(c->mechs);

	if (v->type != IMAP_ATOM)
		return;
	for (i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		if (str_is(v->p, v->len, caps[i].name))
			c->caps |= caps[i].bits;
	if (v->len <= 5 || !str_is(v->p, 5, "AUTH=") ||
	    at + v->len + 2 > sizeof(c->mechs))
		return;
	if (at == 0)
		c->mechs[at++] = ' ';
	capital(c->mechs + at, sizeof(c->mechs) - at, v->p + 5, v->len - 5);
	at += v->len - 5;
	c->mechs[at++] = ' ';
	c->mechs[at] = '\0';
}

static void
take_caps(struct imap_client *c, const struct imap_response *r)
{
	const struct imap_value *v;

	c->caps = 0;
	c->mechs[0] = '\0';
	c->known = 1;
	for (v = r->v; v < r->end; v = imap_value_next(v))
		caps_add(c, v);
}

static void
take_enabled(struct imap_client *c, const struct imap_response *r)
{
	const struct imap_value *v;
	size_t i;

	for (v = r->v; v < r->end; v = imap_value_next(v))
		for (i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
			if (imap_value_is(v, caps[i].name))
				c->enabled |= caps[i].bits;
}

static int
is_status(const char *word)
{
	static const char *const words[] = { "OK", "NO", "BAD", "BYE",
		"PREAUTH" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return 1;
	return 0;
}

static int
set_values(struct imap_client *c, struct imap_response *r, size_t at)
{
	if (imap_values_parse(&c->values, &c->in, at) == -1)
		return -1;
	r->v = r->end = c->values.v;
	if (c->values.n > 0)
		r->end += c->values.n;
	return 0;
}

/*
 * resp-text = ["[" resp-text-code "]" SP] text. The code is cut off behind its
 * bracket to be read.
 */
static int
take_status(struct imap_client *c, struct imap_response *r, size_t at)
{
	struct buf *t = &c->in.text;
	const char *p = t->data + at, *end = t->data + t->len, *close;
	size_t len = t->len;

	while (end > p && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	if (p < end && *p == '[' &&
	    (close = memchr(p, ']', (size_t)(end - p))) != NULL) {
		r->text = clean(c, close + (close + 1 < end ? 2 : 1),
		    close + 1 < end ? (size_t)(end - close - 2) : 0);
		t->len = (size_t)(close - t->data);
		if (set_values(c, r, at + 1) == -1)
			r->v = r->end = c->values.v;
		t->len = len;
		if (r->v < r->end && r->v->type == IMAP_ATOM) {
			capital(r->code, sizeof(r->code), r->v->p, r->v->len);
			r->v++;
		}
	} else {
		r->text = clean(c, p, (size_t)(end - p));
	}
	return 0;
}

/* The next word of the line from *at on; what stands behind its blank is at
   *at then. */
static void
next_word(const struct buf *t, size_t *at, char *out, size_t size)
{
	const char *p = t->data + *at;
	size_t n = strcspn(p, " \r\n");

	capital(out, size, p, n);
	*at += n + (p[n] == ' ');
}

/* Data that somebody here reads; of others nobody cares what they are. */
static int
is_read(const char *word)
{
	static const char *const words[] = { "FETCH", "LIST", "LSUB",
		"VANISHED", "NAMESPACE", "CAPABILITY", "ENABLED" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0)
			return 1;
	return 0;
}

/* response-data = "*" SP (resp-cond-state / ... / message-data) CRLF */
static int
take_untagged(struct imap_client *c, struct imap_response *r, size_t at)
{
	uint64_t n;

	r->kind = IMAP_UNTAGGED;
	next_word(&c->in.text, &at, r->word, sizeof(r->word));
	if (str_number(r->word, strlen(r->word), UINT32_MAX, &n) == 0) {
		r->number = (uint32_t)n;
		next_word(&c->in.text, &at, r->word, sizeof(r->word));
	}
	if (is_status(r->word))
		return take_status(c, r, at);
	if (set_values(c, r, at) == 0)
		return 0;
	r->v = r->end = NULL;
	return is_read(r->word) ? -1 : 0;
}

static int
take_tagged(struct imap_client *c, struct imap_response *r)
{
	char tag[20];
	uint64_t n;
	size_t at = 0;

	r->kind = IMAP_TAGGED;
	next_word(&c->in.text, &at, tag, sizeof(tag));
	if (tag[0] != 'R' || str_number(tag + 1, strlen(tag + 1), UINT32_MAX,
	    &n) == -1)
		return -1;
	r->tag = (unsigned)n;
	next_word(&c->in.text, &at, r->word, sizeof(r->word));
	if (strcmp(r->word, "OK") != 0 && strcmp(r->word, "NO") != 0 &&
	    strcmp(r->word, "BAD") != 0)
		return -1;
	return take_status(c, r, at);
}

/* The response that is there whole. 0, or -1: it is none. */
static int
take(struct imap_client *c)
{
	struct imap_response *r = &c->last;
	const struct buf *t = &c->in.text;
	size_t n = t->len;

	memset(r, 0, sizeof(*r));
	r->text = "";
	if (t->data[0] == '*' && t->data[1] == ' ')
		return take_untagged(c, r, 2);
	if (t->data[0] != '+')
		return take_tagged(c, r);
	r->kind = IMAP_CONTINUE;
	while (n > 1 && (t->data[n - 1] == '\n' || t->data[n - 1] == '\r'))
		n--;
	r->text = n > 2 ? clean(c, t->data + 2, n - 2) : "";
	return 0;
}

static enum imap_result
broken(struct imap_client *c, enum stream_status s)
{
	if (s == STREAM_TIMEOUT)
		return imap_fail(c, "did not answer in time");
	return imap_fail(c, "lost the connection: %s",
	    stream_words(&c->stream));
}

/* More octets. */
static enum imap_result
fill(struct imap_client *c)
{
	int64_t left = c->since + c->command +
	    (int64_t)(c->came * 1000 / IMAP_RATE) - clock_mono_ms();
	enum stream_status s;

	stream_deadline(&c->stream, left < 0 ? 0 : left);
	s = stream_fill(&c->stream);
	if (s == STREAM_OK)
		return IMAP_OK;
	if (s == STREAM_WOKEN)
		return c->stop != NULL && c->stop() ?
		    imap_fail(c, "was left, for the suite stops") : IMAP_OK;
	return broken(c, s);
}

/* Until a response is whole. */
static enum imap_result
receive(struct imap_client *c)
{
	enum imap_took took;
	size_t n, used;
	char *p;

	imap_input_next(&c->in);
	for (;;) {
		if ((n = stream_peek(&c->stream, &p)) == 0) {
			if (fill(c) != IMAP_OK)
				return IMAP_LOST;
			continue;
		}
		took = imap_input_take(&c->in, p, n, &used);
		if (took == IMAP_TOOK_BAD)
			return imap_fail(c, "%s", c->in.why);
		if (took == IMAP_TOOK_BODY && c->sink != NULL &&
		    c->sink->body != NULL)
			c->sink->body(c->ctx, p, used, c->in.body_size);
		stream_take(&c->stream, used);
		c->came += used;
		if (took == IMAP_TOOK_WHOLE)
			return IMAP_OK;
	}
}

enum imap_result
imap_read(struct imap_client *c)
{
	const struct imap_response *r = &c->last;

	if (c->dead)
		return IMAP_LOST;
	if (receive(c) != IMAP_OK)
		return IMAP_LOST;
	if (take(c) == -1) {
		c->foreign = 1;
		return imap_fail(c, "does not speak IMAP: %s", clean(c,
		    c->in.text.data, strcspn(c->in.text.data, "\r\n")));
	}
	if (strcmp(r->word, "CAPABILITY") == 0 ||
	    (strcmp(r->code, "CAPABILITY") == 0 &&
	    (strcmp(r->word, "OK") == 0 || strcmp(r->word, "PREAUTH") == 0)))
		take_caps(c, r);
	else if (strcmp(r->word, "ENABLED") == 0)
		take_enabled(c, r);
	else if (r->kind == IMAP_UNTAGGED && strcmp(r->word, "BYE") == 0)
		return imap_fail(c, "said: BYE %s", r->text);
	if (r->kind == IMAP_UNTAGGED && c->sink != NULL &&
	    c->sink->data != NULL)
		c->sink->data(c->ctx, r);
	return IMAP_OK;
}

/* The tagged response in c->last. */
static enum imap_result
answer(struct imap_client *c)
{
	const struct imap_response *r = &c->last;

	if (strcmp(r->word, "OK") == 0)
		return IMAP_OK;
	str_copy(c->code, sizeof(c->code), r->code);
	buf_set(&c->words, "%s said: %s%s%s%s %s", c->label, r->word,
	    r->code[0] != '\0' ? " [" : "", r->code,
	    r->code[0] != '\0' ? "]" : "", r->text);
	return IMAP_NO;
}

/* Was it answered already? 1: with *r. */
static int
was_early(struct imap_client *c, unsigned tag, enum imap_result *r)
{
	unsigned i;

	for (i = 0; i < c->n_early; i++)
		if (c->early[i].tag == tag) {
			*r = c->early[i].r;
			c->early[i] = c->early[--c->n_early];
			return 1;
		}
	return 0;
}

/* Another command's answer. 0; -1: nobody asked. */
static int
keep_early(struct imap_client *c, unsigned tag)
{
	unsigned i;

	if (c->last.tag <= tag || c->last.tag > c->tag ||
	    c->n_early == IMAP_WAITING)
		return -1;
	for (i = 0; i < c->n_early; i++)
		if (c->early[i].tag == c->last.tag)
			return -1;
	c->early[c->n_early].tag = c->last.tag;
	c->early[c->n_early++].r = answer(c);
	return 0;
}

enum imap_result
imap_wait(struct imap_client *c, unsigned tag)
{
	const struct imap_response *r = &c->last;
	enum imap_result early;

	if (was_early(c, tag, &early))
		return early;
	c->since = clock_mono_ms();
	c->came = 0;
	for (;;) {
		if (imap_read(c) != IMAP_OK)
			return IMAP_LOST;
		if (r->kind == IMAP_CONTINUE)
			return imap_fail(c, "asks for what was not offered");
		if (r->kind != IMAP_TAGGED)
			continue;
		if (r->tag == tag)
			return answer(c);
		if (keep_early(c, tag) == -1)
			return imap_fail(c, "answers what was not asked");
	}
}

enum imap_result
imap_command(struct imap_client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	begin(c, fmt, ap);
	va_end(ap);
	imap_end(c);
	return imap_wait(c, c->tag);
}
