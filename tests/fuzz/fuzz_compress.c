/*
 * What a client sends behind COMPRESS, up to whole commands; and what comes
 * back. The first octet says how it arrives, and whether it is DEFLATE as it
 * stands or is deflated here first (and must then come out as it went in).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/imapd_input.h"
#include "imapd/imapd_zip.h"

enum { INFLATED_MAX = 4 << 20 };

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
commands(struct imapd_input *in)
{
	struct imapd_line l;
	enum imapd_input_kind k;

	while ((k = imapd_input_next(in, &l)) != IMAPD_INPUT_MORE) {
		if (k == IMAPD_INPUT_LITERAL && imapd_input_take(in, &l) == 0)
			continue;
		if (k == IMAPD_INPUT_LITERAL || k == IMAPD_INPUT_DROPPED)
			imapd_input_refuse(in, &l);
		else
			imapd_input_done(in);
	}
}

/* Inflates all that waits: -1 where it is no DEFLATE, or was enough. */
static int
inflate_all(struct imapd_zip *z, struct imapd_input *in, struct buf *all)
{
	char *p;
	ssize_t n;

	while (imapd_zip_waits(z)) {
		if ((p = imapd_input_room(in)) == NULL)
			abort();
		n = imapd_zip_inflate(z, p, IMAPD_READ_SIZE);
		if (n > IMAPD_READ_SIZE)
			abort();
		if (n == -1 || all->len > INFLATED_MAX)
			return -1;
		buf_append(all, p, (size_t)n);
		imapd_input_got(in, (size_t)n);
		commands(in);
	}
	return 0;
}

static void
receive(const char *data, size_t len, size_t step, struct buf *all)
{
	struct imapd_zip *z = imapd_zip_new();
	struct imapd_input in;
	size_t i, n;

	imapd_input_init(&in);
	for (i = 0; i < len; i += n) {
		n = len - i < step ? len - i : step;
		imapd_zip_got(z, data + i, n);
		if (inflate_all(z, &in, all) == -1)
			break;
		imapd_zip_rest(z);
	}
	imapd_input_clear(&in);
	imapd_zip_free(&z);
}

/* As imapd sends it, in writes of that size. */
static void
deflate_all(const char *data, size_t len, size_t step, struct buf *b)
{
	struct imapd_zip *z = imapd_zip_new();
	const char *p;
	size_t at = 0, n;

	while (at < len) {
		at += imapd_zip_deflate(z, data + at, len - at);
		while ((p = imapd_zip_out(z, &n)) != NULL) {
			n = n < step ? n : step;
			buf_append(b, p, n);
			imapd_zip_sent(z, n);
		}
	}
	imapd_zip_free(&z);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf sent = BUF_INIT(0), all = BUF_INIT(0);
	size_t step;

	if (len == 0)
		return 0;
	step = data[0] / 2u + 1;
	if (data[0] & 1) {
		receive((const char *)data + 1, len - 1, step, &all);
	} else {
		deflate_all((const char *)data + 1, len - 1, step, &sent);
		receive(buf_str(&sent), sent.len, step, &all);
		if (all.len != len - 1 ||
		    memcmp(buf_str(&all), data + 1, all.len) != 0)
			abort();
	}
	buf_clear(&sent);
	buf_clear(&all);
	return 0;
}
