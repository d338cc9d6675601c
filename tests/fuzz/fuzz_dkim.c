/*
 * A message to be signed: whatever its octets, in pieces it hashes as in one,
 * a field is as long as was said, and its lines fit.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/dkim.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
sign(const char *p, size_t len, size_t piece, enum dkim_canon canon,
    struct buf *out)
{
	struct dkim_name n = { "example.test", "s", DKIM_RSA, 1 };
	unsigned char hash[DKIM_HASH];
	struct header_counts c;
	struct dkim_message m;
	size_t at, k;

	header_count(p, len, &c);
	dkim_message_init(&m, canon, canon);
	if (dkim_message_header(&m, NULL, p, c.len) == 0) {
		for (at = c.len; at < len; at += k) {
			k = len - at < piece ? len - at : piece;
			dkim_message_body(&m, p + at, k);
		}
		dkim_message_end(&m);
		dkim_hash(&m, &n, hash);
		dkim_value(&m, &n, hash, sizeof(hash), out);
		buf_append(out, hash, sizeof(hash));
	}
	dkim_message_clear(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf one = BUF_INIT(0), two = BUF_INIT(0);
	size_t piece;

	if (len == 0)
		return 0;
	piece = data[0] / 2u + 1;
	sign((const char *)data + 1, len - 1, len, data[0] & 1, &one);
	sign((const char *)data + 1, len - 1, piece, data[0] & 1, &two);
	if (one.len != two.len || (one.len > 0 &&
	    memcmp(one.data, two.data, one.len) != 0))
		abort();
	if (one.len > DKIM_VALUE_MAX)
		abort();
	buf_clear(&one);
	buf_clear(&two);
	return 0;
}
