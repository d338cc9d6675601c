/*
 * What a script pipes into sendmail, with and without -t: lines end in CRLF,
 * and nobody sees who got a blind copy. The first octet holds the options.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/sendmail.h"
#include "lib/mail/header.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct sendmail *s, const struct buf *out)
{
	struct header_field f;
	size_t i;

	for (i = 0; i < out->len; i++) {
		if (out->data[i] == '\r' && (i + 1 == out->len ||
		    out->data[i + 1] != '\n'))
			abort();
		if (out->data[i] == '\n' && (i == 0 ||
		    out->data[i - 1] != '\r'))
			abort();
	}
	if (!header_find(out->data, out->len, "From", &f) ||
	    (s->from_header && header_find(out->data, out->len, "Bcc", &f)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sendmail s = { .message_size = 1 << 20, .origin = "us.test",
		.sender = "anna@us.test" };
	struct buf out = BUF_INIT(0), why = BUF_INIT(500);
	size_t i;

	if (size == 0)
		return 0;
	s.from_header = data[0] & 1;
	s.dot_is_text = (data[0] & 2) != 0;
	s.full_name = data[0] & 4 ? "Anna \"A\" B\\" : NULL;
	if (sendmail_prepare(&s, (const char *)data + 1, size - 1, &out,
	    &why) == 0)
		look(&s, &out);
	else if (why.len == 0)
		abort();
	for (i = 0; i < s.n_to; i++) {
		if (strchr(s.to[i], '@') == NULL ||
		    strlen(s.to[i]) > ADDRESS_MAX)
			abort();
		free(s.to[i]);
	}
	free(s.to);
	buf_clear(&out);
	buf_clear(&why);
	return 0;
}
