#include "lib/mail/mime_string.h"

/* In a quoted string: 0 as it is, 1 after a backslash, 2 dropped, 3 never. */
static int
quote_class(unsigned char c)
{
	if (c == '"' || c == '\\')
		return 1;
	if (c == '\r' || c == '\n' || c == '\0')
		return 2;
	return (c < ' ' && c != '\t') || c >= 0x7f ? 3 : 0;
}

static int
put_literal(const char *p, const char *end, size_t dropped, struct buf *out)
{
	size_t n = (size_t)(end - p) - dropped;

	if (buf_printf(out, "{%zu}\r\n", n) == -1 ||
	    buf_reserve(out, n) == -1)
		return -1;
	for (; p < end; p++)
		if (quote_class((unsigned char)*p) != 2)
			out->data[out->len++] = *p;
	out->data[out->len] = '\0';
	return 0;
}

static int
put_quoted(const char *p, const char *end, size_t room, struct buf *out)
{
	char *o;

	if (buf_reserve(out, room + 2) == -1)
		return -1;
	o = out->data + out->len;
	*o++ = '"';
	for (; p < end; p++) {
		if (*p == '\r' || *p == '\n' || *p == '\0')
			continue;
		if (*p == '"' || *p == '\\')
			*o++ = '\\';
		*o++ = *p;
	}
	*o++ = '"';
	*o = '\0';
	out->len = (size_t)(o - out->data);
	return 0;
}

int
mime_string(const char *p, size_t len, struct buf *out)
{
	size_t count[4] = { 0 };
	const char *end = p + len, *q;

	for (q = p; q < end; q++) {
		if (*q >= ' ' && *q < 0x7f && *q != '"' && *q != '\\')
			continue;
		count[quote_class((unsigned char)*q)]++;
	}
	if (count[3] > 0)
		return put_literal(p, end, count[2], out);
	return put_quoted(p, end, len + count[1], out);
}

int
mime_nstring(const char *p, size_t len, struct buf *out)
{
	const char *end;

	if (p == NULL)
		return buf_append(out, "NIL", 3);
	end = p + len;
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' ||
	    *p == '\n'))
		p++;
	while (p < end && (end[-1] == ' ' || end[-1] == '\t' ||
	    end[-1] == '\r' || end[-1] == '\n'))
		end--;
	return mime_string(p, (size_t)(end - p), out);
}
