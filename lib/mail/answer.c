#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/msg.h"
#include "lib/mail/answer.h"
#include "lib/mail/result.h"

void
answer_init(struct answer *a, struct chan *c)
{
	memset(a, 0, sizeof(*a));
	a->chan = c;
	buf_init(&a->values, CTL_ROW_MAX);
}

void
answer_clear(struct answer *a)
{
	buf_clear(&a->values);
}

void
answer_begin(struct answer *a, uint32_t id)
{
	a->id = id;
	a->named = a->lost = 0;
	buf_reset(&a->values);
}

static void
value(struct answer *a, enum c_value type, const char *text)
{
	buf_put_u8(&a->values, (uint8_t)type);
	buf_put_lv(&a->values, text, strlen(text));
}

void
answer_texts(struct answer *a, const struct buf *packed)
{
	buf_put_u8(&a->values, C_TEXTS);
	buf_put_lv(&a->values, packed->data, packed->len);
}

void
answer_text(struct answer *a, const char *text)
{
	value(a, text != NULL ? C_TEXT : C_NULL, text != NULL ? text : "");
}

static void
number(struct answer *a, enum c_value type, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	value(a, type, text);
}

void
answer_number(struct answer *a, uint64_t v)
{
	number(a, C_NUMBER, v);
}

void
answer_time(struct answer *a, uint64_t v)
{
	number(a, C_TIME, v);
}

void
answer_span(struct answer *a, uint64_t v)
{
	number(a, C_SPAN, v);
}

void
answer_bool(struct answer *a, int on)
{
	value(a, C_BOOL, on ? "true" : "false");
}

static void
put_names(struct answer *a, const char *names)
{
	struct buf packed = BUF_INIT(CTL_NAMES_MAX);
	const char *end;

	for (; *names != '\0'; names = end + (*end == ' ')) {
		end = strchrnul(names, ' ');
		buf_put_lv(&packed, names, (size_t)(end - names));
	}
	msg_bytes(a->chan, CF_NAMES, buf_str(&packed), packed.len);
	buf_clear(&packed);
}

/* Ends a message; one that is lost is warned of, and remembered. */
static int
finish(struct answer *a, const char *what)
{
	if (msg_end(a->chan) == 0)
		return 0;
	log_warn("control: %s is lost", what);
	a->lost = 1;
	return -1;
}

int
answer_row(struct answer *a, const char *names, int fd)
{
	msg_begin(a->chan, &proto_ctl, C_ROW, a->id);
	if (!a->named)
		put_names(a, names);
	a->named = 1;
	msg_bytes(a->chan, CF_VALUES, buf_str(&a->values), a->values.len);
	if (fd != -1)
		msg_fd(a->chan, fd);
	buf_reset(&a->values);
	return finish(a, "a row");
}

int
answer_progress(struct answer *a, const char *words, uint64_t done)
{
	msg_begin(a->chan, &proto_ctl, C_PROGRESS, a->id);
	msg_words(a->chan, CF_WORDS, words, RESULT_WORDS_MAX);
	msg_u64(a->chan, CF_DONE, done);
	return finish(a, "a line of progress");
}

int
answer_end(struct answer *a, enum c_status status, const char *words)
{
	msg_begin(a->chan, &proto_ctl, C_END, a->id);
	msg_u32(a->chan, CF_STATUS, status);
	if (words[0] != '\0')
		msg_words(a->chan, CF_WORDS, words, RESULT_WORDS_MAX);
	return finish(a, "the end of an answer");
}
