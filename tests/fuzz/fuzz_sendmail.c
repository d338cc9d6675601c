/*
 * What a script pipes into sendmail, with and without -t: lines end in CRLF,
 * nobody sees who got a blind copy, and nobody who stands in a field that went
 * out is left out. The first octet holds the options; with one of them the
 * first line is an argument.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/sendmail_message.h"
#include "lib/base/str.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An entry of a field: it is among the recipients. */
static int
sent_to(const struct address_entry *e, void *arg)
{
	char address[ADDRESS_MAX + 1];
	struct buf why = BUF_INIT(500);
	const struct sendmail *s = arg;
	size_t i;

	if (e->bad ||
	    sendmail_address(s, e->text, e->len, address, &why) == -1)
		abort();
	for (i = 0; i < s->n_to; i++) {
		if (strcmp(s->to[i], address) == 0)
			return 0;
	}
	abort();
}

static void
look_fields(struct sendmail *s, const struct buf *out, int maybe)
{
	const char *p = out->data;
	struct header_field f;
	struct header h;
	int resent = header_find(p, out->len, "Resent-To", &f) ||
	    header_find(p, out->len, "Resent-Cc", &f);

	/* Resent-Bcc has gone, and may have been the only one. */
	if (!resent && maybe)
		return;
	header_init(&h, out->data, out->len);
	while (header_next(&h, &f)) {
		if (header_is(&f, resent ? "Resent-To" : "To") ||
		    header_is(&f, resent ? "Resent-Cc" : "Cc"))
			address_list(f.value, f.value_len, sent_to, s);
	}
}

static void
look(struct sendmail *s, const struct buf *out, int maybe)
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
	    (s->from_header && (header_find(out->data, out->len, "Bcc", &f) ||
	    header_find(out->data, out->len, "Resent-Bcc", &f))))
		abort();
	if (s->from_header)
		look_fields(s, out, maybe);
}

static int
says(const char *p, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (; len >= n; p++, len--) {
		if (str_is(p, n, word))
			return 1;
	}
	return 0;
}

/* The first line; how many octets it is with its end. -1: it is refused. */
static int
argument(struct sendmail *s, const char *p, size_t len, size_t *used_r,
    struct buf *why)
{
	const char *nl = memchr(p, '\n', len);
	size_t n = nl == NULL ? len : (size_t)(nl - p);
	int r = sendmail_add(s, p, n, why);

	if (r == 0 && (s->n_to == 0 || address_list(p, n, sent_to, s) != 0))
		abort();
	*used_r = nl == NULL ? n : n + 1;
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sendmail s = { .message_size = 1 << 20, .origin = "us.test",
		.sender = "anna@us.test" };
	struct buf out = BUF_INIT(0), why = BUF_INIT(500);
	const char *p = (const char *)data + 1;
	size_t i, used = 0;
	int r = 0;

	if (size == 0)
		return 0;
	s.from_header = data[0] & 1;
	s.dot_is_text = (data[0] & 2) != 0;
	s.full_name = data[0] & 4 ? "Anna \"A\" B\\" : NULL;
	if (data[0] & 8)
		r = argument(&s, p, size - 1, &used, &why);
	if (r == 0)
		r = sendmail_prepare(&s, p + used, size - 1 - used, &out,
		    &why);
	if (r == 0)
		look(&s, &out, says(p, size - 1, "Resent-Bcc"));
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
