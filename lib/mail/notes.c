#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/notes.h"

int
notes_next(struct cursor *c, const char **name_r, size_t *name_len_r,
    const char **value_r, size_t *value_len_r)
{
	if (cursor_left(c) == 0)
		return 0;
	*name_r = cursor_lv(c, name_len_r, NOTE_NAME_MAX);
	*value_r = cursor_lv(c, value_len_r, NOTE_VALUE_MAX);
	if (!c->bad && (*name_len_r == 0 ||
	    !str_is_text(*name_r, *name_len_r) ||
	    !str_is_text(*value_r, *value_len_r)))
		c->bad = 1;
	return !c->bad;
}

int
notes_check(const void *p, size_t len)
{
	const char *name, *value;
	size_t name_len, value_len;
	struct cursor c;
	int n = 0;

	cursor_init(&c, p, len);
	while (notes_next(&c, &name, &name_len, &value, &value_len))
		n++;
	return c.bad || n > NOTES_COUNT || len > NOTES_MAX ? -1 : 0;
}

int
notes_add(struct buf *packed, const char *name, const char *value)
{
	size_t start = packed->len;

	buf_put_lv(packed, name, strlen(name));
	buf_put_lv(packed, value, strlen(value));
	if (notes_check(packed->data, packed->len) == 0)
		return 0;
	buf_truncate(packed, start);
	return -1;
}
