/*
 * The end of data is where a plain search says it is, however the octets are
 * cut into pieces; what is refused and what comes out does not depend on the
 * pieces either.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "smtpd/smtpd_scan.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
put(void *arg, const char *p, size_t len)
{
	buf_append(arg, p, len);
}

static size_t
feed(struct smtp_scan *s, const char *p, size_t len, size_t piece, size_t window)
{
	size_t at = 0, have = 0, took;

	while (!s->done && at + have < len) {
		have += piece;
		if (have > window)
			have = window;
		if (have > len - at)
			have = len - at;
		took = scan_data(s, p + at, have, have == window);
		if (took > have || (took == 0 && have == window))
			abort();
		at += took;
		have -= took;
	}
	return at;
}

/* The octets up to and with the end of data; 0 if it is not there. */
static size_t
end_of_data(const char *p, size_t len)
{
	const char *e;

	if (len >= 3 && memcmp(p, ".\r\n", 3) == 0)
		return 3;
	e = memmem(p, len, "\r\n.\r\n", 5);
	return e == NULL ? 0 : (size_t)(e - p) + 5;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf one = BUF_INIT(0), two = BUF_INIT(0);
	struct smtp_scan a = { .put = put, .arg = &one };
	struct smtp_scan b = { .put = put, .arg = &two };
	const char *p = (const char *)data + 2;
	size_t end;

	if (len < 2)
		return 0;
	len -= 2;
	a.mend = b.mend = data[0] >> 7;
	feed(&a, p, len, len + 1, len + 1);
	feed(&b, p, len, 1 + data[0] % 16, 4 + data[1] % 32);
	end = end_of_data(p, len);
	if (a.done != (end > 0) || b.done != (end > 0))
		abort();
	if (end > 0 && (a.bare != b.bare || a.eight_bit != b.eight_bit ||
	    one.len != two.len || (one.len > 0 &&
	    memcmp(one.data, two.data, one.len) != 0)))
		abort();
	buf_clear(&one);
	buf_clear(&two);
	return 0;
}
