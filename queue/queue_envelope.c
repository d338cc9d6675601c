#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/result.h"
#include "queue/queue_envelope.h"

enum {
	TEXT_MAX = 1000,	/* client, login, words; longer is no record */
	/* lv address, lv orcpt, u32 notify, at the least */
	RECIPIENT_MIN = 4 + 1 + 4 + 4,
};

/* Copies a text of the record to the arena, NUL-terminated; NULL if bad. */
static const char *
take_text(struct cursor *c, char **arena, size_t max)
{
	const char *p, *start = *arena;
	size_t len;

	p = cursor_lv(c, &len, max);
	if (c->bad || !str_is_text(p, len)) {
		c->bad = 1;
		return "";
	}
	memcpy(*arena, p, len);
	(*arena)[len] = '\0';
	/* Every text is preceded by its u32 length: the NUL has its place. */
	*arena += len + 1;
	return start;
}

static int
put_text(struct buf *out, const char *s, size_t max)
{
	size_t len = s != NULL ? strlen(s) : 0;

	if (len > max || (len > 0 && !str_is_text(s, len)))
		return -1;
	return buf_put_lv(out, s != NULL ? s : "", len);
}

static size_t
take_recipients(struct cursor *c, struct recipient *r, size_t max, char **arena)
{
	size_t n;

	for (n = 0; n < max && cursor_left(c) > 0 && !c->bad; n++) {
		r[n].address = take_text(c, arena, ADDRESS_MAX);
		r[n].orcpt = take_text(c, arena, ORCPT_MAX);
		r[n].notify = cursor_u32(c);
		if (r[n].address[0] == '\0')
			c->bad = 1;
	}
	return n;
}

/* Room for as many recipients as the octets that are left can hold. */
static struct recipient *
recipients_room(const struct cursor *c, size_t *max_r)
{
	*max_r = cursor_left(c) / RECIPIENT_MIN + 1;
	if (*max_r > RECIPIENTS_MAX)
		*max_r = RECIPIENTS_MAX;
	return mem_zalloc(*max_r, sizeof(struct recipient));
}

int
recipients_parse(struct envelope *e, const void *p, size_t len, size_t extra,
    char **extra_r)
{
	struct cursor c;
	size_t max;

	cursor_init(&c, p, len);
	e->rcpt = recipients_room(&c, &max);
	e->arena = *extra_r = mem_alloc(len + 1 + extra);
	e->n_rcpt = take_recipients(&c, e->rcpt, max, extra_r);
	if (!c.bad && cursor_left(&c) == 0 && e->n_rcpt > 0)
		return 0;
	envelope_clear(e);
	return -1;
}

int
envelope_pack(const struct envelope *e, struct buf *out)
{
	size_t i, start = out->len;
	int bad = 0;

	buf_put_u8(out, RECORD_VERSION);
	buf_put_u64(out, e->time);
	buf_put_u64(out, e->length);
	buf_put_u32(out, e->crc);
	buf_put_u32(out, e->final);
	buf_put_u32(out, e->forward);
	buf_put_u32(out, e->flags);
	buf_put_u32(out, e->origin);
	bad |= put_text(out, e->sender, ADDRESS_MAX);
	bad |= put_text(out, e->client, TEXT_MAX);
	bad |= put_text(out, e->login, ADDRESS_MAX);
	bad |= put_text(out, e->envid, TEXT_MAX);
	if (e->n_rcpt == 0 || e->n_rcpt > RECIPIENTS_MAX)
		bad = -1;
	buf_put_u32(out, (uint32_t)e->n_rcpt);
	for (i = 0; i < e->n_rcpt && !bad; i++) {
		if (e->rcpt[i].address[0] == '\0')
			bad = -1;
		bad |= put_text(out, e->rcpt[i].address, ADDRESS_MAX);
		bad |= put_text(out, e->rcpt[i].orcpt, ORCPT_MAX);
		bad |= buf_put_u32(out, e->rcpt[i].notify);
	}
	if (bad)
		buf_truncate(out, start);
	return bad ? -1 : 0;
}

int
envelope_parse(struct envelope *e, const void *p, size_t len)
{
	struct cursor c;
	char *arena;
	size_t max;
	uint32_t n;

	memset(e, 0, sizeof(*e));
	cursor_init(&c, p, len);
	if (cursor_u8(&c) != RECORD_VERSION)
		return -1;
	e->time = cursor_u64(&c);
	e->length = cursor_u64(&c);
	e->crc = cursor_u32(&c);
	e->final = cursor_u32(&c);
	e->forward = cursor_u32(&c);
	e->flags = cursor_u32(&c);
	e->origin = cursor_u32(&c);
	e->arena = arena = mem_alloc(len + 1);
	e->sender = take_text(&c, &arena, ADDRESS_MAX);
	e->client = take_text(&c, &arena, TEXT_MAX);
	e->login = take_text(&c, &arena, ADDRESS_MAX);
	e->envid = take_text(&c, &arena, TEXT_MAX);
	n = cursor_u32(&c);
	e->rcpt = recipients_room(&c, &max);
	e->n_rcpt = take_recipients(&c, e->rcpt, max, &arena);
	if (!c.bad && cursor_left(&c) == 0 && e->n_rcpt > 0 && e->n_rcpt == n)
		return 0;
	envelope_clear(e);
	return -1;
}

void
envelope_clear(struct envelope *e)
{
	free(e->rcpt);
	free(e->arena);
	memset(e, 0, sizeof(*e));
}

int
targets_pack(const struct targets *ts, struct buf *out)
{
	const struct target *t;
	size_t i, start = out->len;
	int bad = 0;

	buf_put_u8(out, RECORD_VERSION);
	buf_put_u32(out, (uint32_t)ts->n);
	for (i = 0; i < ts->n && !bad; i++) {
		t = &ts->t[i];
		buf_put_u8(out, t->kind);
		buf_put_u8(out, t->forwarded);
		buf_put_u32(out, t->rcpt);
		bad |= put_text(out, t->address, ADDRESS_MAX);
		bad |= put_text(out, t->way, TEXT_MAX);
	}
	if (bad)
		buf_truncate(out, start);
	return bad ? -1 : 0;
}

int
targets_parse(struct targets *ts, size_t n_rcpt, const void *p, size_t len)
{
	struct cursor c;
	struct target *t;
	char *arena;
	size_t cap = len / 14 + 1;	/* of a target with two empty texts */
	uint32_t n;

	memset(ts, 0, sizeof(*ts));
	cursor_init(&c, p, len);
	if (cursor_u8(&c) != RECORD_VERSION)
		return -1;
	n = cursor_u32(&c);
	ts->t = mem_zalloc(cap, sizeof(*ts->t));
	ts->arena = arena = mem_alloc(len + 1);
	while (cursor_left(&c) > 0 && !c.bad && ts->n < TARGETS_MAX) {
		t = &ts->t[ts->n++];
		t->kind = cursor_u8(&c);
		t->forwarded = cursor_u8(&c);
		t->rcpt = cursor_u32(&c);
		t->address = take_text(&c, &arena, ADDRESS_MAX);
		t->way = take_text(&c, &arena, TEXT_MAX);
		if (t->kind > TARGET_FAILED || t->rcpt >= n_rcpt)
			c.bad = 1;
	}
	if (!c.bad && cursor_left(&c) == 0 && ts->n > 0 && ts->n == n)
		return 0;
	targets_clear(ts);
	return -1;
}

void
targets_clear(struct targets *ts)
{
	size_t i;

	for (i = 0; i < ts->n; i++) {
		free(ts->t[i].words);
		free(ts->t[i].host);
	}
	free(ts->t);
	free(ts->arena);
	memset(ts, 0, sizeof(*ts));
}

int
target_pack_result(const struct target *t, struct buf *out)
{
	size_t start = out->len;
	int bad = 0;

	buf_put_u8(out, RECORD_VERSION);
	buf_put_u8(out, t->state);
	bad |= put_text(out, t->words, RESULT_WORDS_MAX);
	bad |= put_text(out, t->host, TEXT_MAX);
	if (bad)
		buf_truncate(out, start);
	return bad ? -1 : 0;
}

int
target_parse_result(struct target *t, const void *p, size_t len)
{
	const char *words, *host;
	size_t words_len, host_len;
	struct cursor c;
	uint8_t version, state;

	cursor_init(&c, p, len);
	version = cursor_u8(&c);
	state = cursor_u8(&c);
	words = cursor_lv(&c, &words_len, RESULT_WORDS_MAX);
	host = cursor_lv(&c, &host_len, TEXT_MAX);
	if (c.bad || cursor_left(&c) > 0 || version != RECORD_VERSION ||
	    state > TARGET_REPORTED)
		return -1;
	target_set(t, (enum target_state)state, words, words_len, host,
	    host_len);
	t->unsaved = 0;
	return 0;
}

static char *
clean_copy(const char *p, size_t len, size_t max)
{
	char *s;
	size_t i;

	if (len == 0)
		return NULL;
	if (len > max)
		len = max;
	s = mem_strndup(p, len);
	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			s[i] = ' ';
	return s;
}

void
target_set(struct target *t, enum target_state s, const char *words, size_t len,
    const char *host, size_t host_len)
{
	/* Copied first: they may be those of t. */
	char *new_words = clean_copy(words, len, RESULT_WORDS_MAX);
	char *new_host = clean_copy(host, host_len, TEXT_MAX);

	free(t->words);
	free(t->host);
	t->state = (uint8_t)s;
	t->words = new_words;
	t->host = new_host;
	t->unsaved = 1;
}

int
schedule_pack(const struct schedule *s, struct buf *out)
{
	size_t start = out->len;

	buf_put_u8(out, RECORD_VERSION);
	buf_put_u64(out, s->next);
	buf_put_u32(out, s->attempts);
	buf_put_u32(out, s->flags);
	if (put_text(out, s->words, RESULT_WORDS_MAX) == 0)
		return 0;
	buf_truncate(out, start);
	return -1;
}

int
schedule_parse(struct schedule *s, const void *p, size_t len)
{
	const char *words;
	struct cursor c;
	uint8_t version;
	size_t n;

	memset(s, 0, sizeof(*s));
	cursor_init(&c, p, len);
	version = cursor_u8(&c);
	s->next = cursor_u64(&c);
	s->attempts = cursor_u32(&c);
	s->flags = cursor_u32(&c);
	words = cursor_lv(&c, &n, RESULT_WORDS_MAX);
	if (c.bad || cursor_left(&c) > 0 || version != RECORD_VERSION)
		return -1;
	s->words = clean_copy(words, n, RESULT_WORDS_MAX);
	return 0;
}
