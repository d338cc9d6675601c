#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/result.h"
#include "queue/queue_record.h"

int
record_put_text(struct buf *out, const char *s, size_t max)
{
	size_t len = s != NULL ? strlen(s) : 0;

	if (len > max || (len > 0 && !str_is_text(s, len)))
		return -1;
	return buf_put_lv(out, s != NULL ? s : "", len);
}

const char *
record_take_text(struct cursor *c, char **arena, size_t max)
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
	*arena += len + 1;
	return start;
}

int
record_next(struct cursor *c, uint8_t *tag_r, const void **p_r, size_t *len_r)
{
	if (c->bad || cursor_left(c) == 0)
		return 0;
	*tag_r = cursor_u8(c);
	*p_r = cursor_lv(c, len_r, SIZE_MAX);
	if (*tag_r == 0)
		c->bad = 1;
	return !c->bad;
}

int
record_end(struct cursor *c)
{
	const void *p;
	uint8_t tag;
	size_t len;

	while (record_next(c, &tag, &p, &len))
		;
	return c->bad ? -1 : 0;
}

char *
record_clean(const char *p, size_t len, size_t max)
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

int
schedule_pack(const struct schedule *s, struct buf *out)
{
	size_t start = out->len;

	buf_put_u8(out, RECORD_VERSION);
	buf_put_u64(out, s->next);
	buf_put_u32(out, s->attempts);
	buf_put_u32(out, s->flags);
	if (record_put_text(out, s->words, RESULT_WORDS_MAX) == 0)
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
	if (version != RECORD_VERSION || record_end(&c) == -1)
		return -1;
	s->words = record_clean(words, n, RESULT_WORDS_MAX);
	return 0;
}
