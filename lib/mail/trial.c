#include <string.h>

#include "lib/mail/trial.h"

static void
put(struct buf *out, const char *s)
{
	buf_put_lv(out, s, strlen(s));
}

/* A text without octets that end a line, or it: the question is broken. */
static void
get(struct cursor *c, char *out, size_t size)
{
	const char *p;
	size_t len, i;

	out[0] = '\0';
	if ((p = cursor_lv(c, &len, size - 1)) == NULL)
		return;
	for (i = 0; i < len; i++)
		c->bad |= p[i] == '\0' || p[i] == '\r' || p[i] == '\n';
	memcpy(out, p, len);
	out[len] = '\0';
}

void
trial_pack(struct buf *out, const struct trial_question *q)
{
	unsigned i;

	put(out, q->hostname);
	put(out, q->host);
	buf_put_u32(out, q->port);
	buf_put_u32(out, q->protocol);
	buf_put_u32(out, q->tls);
	put(out, q->ca_file);
	put(out, q->user);
	put(out, q->password);
	buf_put_u32(out, q->n);
	for (i = 0; i < q->n; i++)
		put(out, q->ip[i]);
}

int
trial_unpack(const void *p, size_t len, struct trial_question *q)
{
	struct cursor c;
	unsigned i;

	memset(q, 0, sizeof(*q));
	cursor_init(&c, p, len);
	get(&c, q->hostname, sizeof(q->hostname));
	get(&c, q->host, sizeof(q->host));
	q->port = cursor_u32(&c);
	q->protocol = (enum trial_protocol)cursor_u32(&c);
	q->tls = (enum trial_tls)cursor_u32(&c);
	get(&c, q->ca_file, sizeof(q->ca_file));
	get(&c, q->user, sizeof(q->user));
	get(&c, q->password, sizeof(q->password));
	q->n = cursor_u32(&c);
	if (c.bad || q->port > 65535 || (unsigned)q->tls > TRIAL_TLS_NONE ||
	    (unsigned)q->protocol > TRIAL_POP3 || q->n > TRIAL_ADDRESSES_MAX) {
		q->n = 0;
		return -1;
	}
	for (i = 0; i < q->n; i++)
		get(&c, q->ip[i], sizeof(q->ip[i]));
	return c.bad || cursor_left(&c) > 0 ? -1 : 0;
}

void
trial_pack_answer(struct buf *out, enum trial_result r, const char *words)
{
	size_t len = strlen(words);

	buf_put_u32(out, r);
	buf_put_lv(out, words, len < TRIAL_WORDS_MAX ? len : TRIAL_WORDS_MAX);
}

int
trial_unpack_answer(const void *p, size_t len, enum trial_result *r,
    char words[TRIAL_WORDS_MAX + 1])
{
	const char *text;
	struct cursor c;
	uint32_t v;
	size_t n, i;

	words[0] = '\0';
	cursor_init(&c, p, len);
	v = cursor_u32(&c);
	text = cursor_lv(&c, &n, TRIAL_WORDS_MAX);
	if (c.bad || text == NULL || v >= TRIAL_RESULTS ||
	    cursor_left(&c) > 0)
		return -1;
	*r = (enum trial_result)v;
	for (i = 0; i < n; i++)
		words[i] = (unsigned char)text[i] < ' ' || text[i] == 127 ?
		    '?' : text[i];
	words[n] = '\0';
	return 0;
}
