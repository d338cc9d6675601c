/*
 * A message whose long lines were mended has the same parts, what they carry is
 * the same to the octet, and it has not grown by more than was said. So that a
 * short input has long lines, an octet 0x01 stands for a thousand letters.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/mime.h"
#include "lib/mail/mime_decode.h"
#include "lib/mail/mime_encode.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
put(void *arg, const char *p, size_t len)
{
	buf_append(arg, p, len);
}

static void
decoded(const char *data, const struct mime_part *part, struct buf *out)
{
	struct mime_decoder d = { .encoding =
	    mime_encoding_of(&part->content[MIME_C_ENCODING]) };

	mime_decode(&d, data + part->body, part->end - part->body, out);
}

static void
same_parts(const char *a, const struct mime_part *x, const char *b,
    const struct mime_part *y)
{
	struct buf one = BUF_INIT(0), two = BUF_INIT(0);

	for (; x != NULL && y != NULL; x = x->next, y = y->next) {
		if (x->kind != y->kind || strcmp(x->type, y->type) != 0 ||
		    strcmp(x->subtype, y->subtype) != 0)
			abort();
		if (x->kind != MIME_LEAF) {
			same_parts(a, x->first, b, y->first);
			continue;
		}
		buf_reset(&one);
		buf_reset(&two);
		decoded(a, x, &one);
		decoded(b, y, &two);
		if (one.len != two.len ||
		    memcmp(buf_str(&one), buf_str(&two), one.len) != 0)
			abort();
	}
	if (x != NULL || y != NULL)
		abort();
	buf_clear(&one);
	buf_clear(&two);
}

static void
look(const struct buf *in, const struct buf *out)
{
	struct mime *m = mime_parse(in->data, in->len);
	struct mime *n = mime_parse(out->data, out->len);

	same_parts(in->data, mime_root(m), out->data, mime_root(n));
	mime_free(&m);
	mime_free(&n);
	if (out->len > in->len / 5 * 8 + 200)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf in = BUF_INIT(0), out = BUF_INIT(0);
	char letters[1000];
	size_t i;

	memset(letters, 'x', sizeof(letters));
	for (i = 0; i < len; i++)
		if (data[i] == 1)
			buf_append(&in, letters, sizeof(letters));
		else if (data[i] == '\n' && (i == 0 || data[i - 1] != '\r'))
			buf_puts(&in, "\r\n");
		else
			buf_putc(&in, (char)data[i]);
	if (lines_put(buf_str(&in), in.len, put, &out))
		look(&in, &out);
	else if (out.len > 0)
		abort();
	buf_clear(&in);
	buf_clear(&out);
	return 0;
}
