#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "lib/mail/result.h"
#include "queue/queue_envelope.h"
#include "queue/queue_record.h"
#include "queue/queue_target.h"

/* Of the rest of a result. */
enum { TAG_TELL = 1 };
/* Of the rest of targets: a run of those whose list has the same owner; u32
   its first, u32 how many, and the owner's address. */
enum { TAG_OWNER = 1 };

static int
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int
pack_run(const struct target *t, size_t first, size_t n, struct buf *out)
{
	struct buf run = BUF_INIT(2 * sizeof(uint32_t) + ADDRESS_MAX);
	int r = 0;

	buf_put_u32(&run, (uint32_t)first);
	buf_put_u32(&run, (uint32_t)n);
	if (!str_is_text(t->owner, strlen(t->owner)) ||
	    buf_puts(&run, t->owner) == -1)
		r = -1;
	buf_put_u8(out, TAG_OWNER);
	buf_put_lv(out, run.data, run.len);
	buf_clear(&run);
	return r;
}

/* Most messages have no list in their way, and most others one. */
static int
pack_owners(const struct targets *ts, struct buf *out)
{
	size_t i, n;
	int bad = 0;

	for (i = 0; i < ts->n; i += n) {
		for (n = 1; i + n < ts->n &&
		    same(ts->t[i + n].owner, ts->t[i].owner); n++)
			;
		if (ts->t[i].owner != NULL)
			bad |= pack_run(&ts->t[i], i, n, out);
	}
	return bad;
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
		bad |= record_put_text(out, t->address, ADDRESS_MAX);
		bad |= record_put_text(out, t->way, RECORD_TEXT_MAX);
	}
	bad |= pack_owners(ts, out);
	if (bad)
		buf_truncate(out, start);
	return bad ? -1 : 0;
}

/* The first format had "" for a target that went to the smarthost. */
static const char *
way_of(const struct target *t)
{
	const char *at = strrchr(t->address, '@');

	return t->kind == TARGET_REMOTE && t->way[0] == '\0' && at != NULL ?
	    at + 1 : t->way;
}

/* The next run, its owner copied to *arena. 0, or -1: malformed. */
static int
take_run(struct targets *ts, const void *p, size_t len, char **arena)
{
	struct cursor c;
	const char *owner = *arena;
	uint32_t first, n;
	size_t i;

	cursor_init(&c, p, len);
	first = cursor_u32(&c);
	n = cursor_u32(&c);
	if (c.bad || first > ts->n || n > ts->n - first)
		return -1;
	len = cursor_left(&c);
	if (len == 0 || len > ADDRESS_MAX || !str_is_text(cursor_take(&c, len), len))
		return -1;
	memcpy(*arena, (const char *)p + 2 * sizeof(uint32_t), len);
	(*arena)[len] = '\0';
	*arena += len + 1;
	for (i = first; i < first + n; i++)
		ts->t[i].owner = owner;
	return 0;
}

/* The rest; what is not known of it is skipped. */
static int
take_owners(struct targets *ts, struct cursor *c, char **arena)
{
	const void *p;
	uint8_t tag;
	size_t len;

	while (record_next(c, &tag, &p, &len))
		if (tag == TAG_OWNER && take_run(ts, p, len, arena) == -1)
			c->bad = 1;
	return c->bad ? -1 : 0;
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
	while (ts->n < n && !c.bad && ts->n < cap && ts->n < TARGETS_MAX) {
		t = &ts->t[ts->n++];
		t->kind = cursor_u8(&c);
		t->forwarded = cursor_u8(&c);
		t->rcpt = cursor_u32(&c);
		t->address = record_take_text(&c, &arena, ADDRESS_MAX);
		t->way = record_take_text(&c, &arena, RECORD_TEXT_MAX);
		t->way = way_of(t);
		if (t->kind > TARGET_FAILED || t->rcpt >= n_rcpt)
			c.bad = 1;
	}
	if (take_owners(ts, &c, &arena) == 0 && ts->n > 0 && ts->n == n)
		return 0;
	targets_clear(ts);
	return -1;
}

void
targets_clear(struct targets *ts)
{
	struct target_texts *more;
	size_t i;

	for (i = 0; i < ts->n; i++) {
		free(ts->t[i].words);
		free(ts->t[i].host);
	}
	free(ts->t);
	free(ts->arena);
	while ((more = ts->more) != NULL) {
		ts->more = more->next;
		free(more);
	}
	memset(ts, 0, sizeof(*ts));
}

int
target_lacks_lookup(const struct target *t)
{
	static const char status[] = "4.4.3 ";

	return t->state == TARGET_OPEN && t->words != NULL &&
	    strncmp(t->words, status, sizeof(status) - 1) == 0;
}

int
target_pack_result(const struct target *t, struct buf *out)
{
	size_t start = out->len;
	int bad = 0;

	buf_put_u8(out, RECORD_VERSION);
	buf_put_u8(out, t->state);
	bad |= record_put_text(out, t->words, RESULT_WORDS_MAX);
	bad |= record_put_text(out, t->host, RECORD_TEXT_MAX);
	if (t->tell != TELL_NOTHING) {
		buf_put_u8(out, TAG_TELL);
		buf_put_lv(out, &t->tell, 1);
	}
	if (bad)
		buf_truncate(out, start);
	return bad ? -1 : 0;
}

/* The rest of a result; what is not known of it counts as not there. */
static void
take_rest(struct target *t, struct cursor *c)
{
	const void *p;
	uint8_t tag;
	size_t len;

	t->tell = TELL_NOTHING;
	while (record_next(c, &tag, &p, &len))
		if (tag == TAG_TELL && len == 1 &&
		    *(const uint8_t *)p <= TELL_WARNED)
			t->tell = *(const uint8_t *)p;
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
	host = cursor_lv(&c, &host_len, RECORD_TEXT_MAX);
	take_rest(t, &c);
	if (version != RECORD_VERSION || c.bad || state > TARGET_REPORTED)
		return -1;
	target_set(t, (enum target_state)state, words, words_len, host,
	    host_len);
	t->unsaved = 0;
	return 0;
}

void
target_tell(struct target *t, enum target_tell what)
{
	t->unsaved |= t->tell != what;
	t->tell = (uint8_t)what;
}

int
target_owed(const struct target *t)
{
	return t->state == TARGET_REFUSED || t->tell == TELL_SUCCESS ||
	    t->tell == TELL_DELAY;
}

int
target_told(struct target *t)
{
	if (!target_owed(t))
		return 0;
	if (t->state == TARGET_REFUSED)
		t->state = TARGET_REPORTED;
	t->tell = t->tell == TELL_DELAY ? TELL_WARNED : TELL_NOTHING;
	return 1;
}

const char *
target_sender(const struct envelope *e, const struct target *t)
{
	return t->owner != NULL ? t->owner : e->sender;
}

int
target_tells(const struct envelope *e, const struct target *t, const char *to)
{
	return strcmp(target_sender(e, t), to) == 0;
}

int
target_is_alias(const struct target *t)
{
	return t->kind == TARGET_LOCAL && t->way[0] == '\0';
}

void
target_set(struct target *t, enum target_state s, const char *words, size_t len,
    const char *host, size_t host_len)
{
	/* Copied first: they may be those of t. */
	char *new_words = record_clean(words, len, RESULT_WORDS_MAX);
	char *new_host = record_clean(host, host_len, RECORD_TEXT_MAX);

	/* The table has it already where it is as the last time. */
	if (t->state != s || !same(t->words, new_words) ||
	    !same(t->host, new_host))
		t->unsaved = 1;
	free(t->words);
	free(t->host);
	t->state = (uint8_t)s;
	t->words = new_words;
	t->host = new_host;
}
