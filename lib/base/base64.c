#include "lib/base/base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int
base64_decode(struct buf *out, const char *p, size_t len)
{
	size_t i, pad, start = out->len;
	unsigned char o[3];
	uint32_t v;
	int c, j;

	if (len % 4 != 0 || buf_reserve(out, 0) == -1)
		return -1;
	for (i = 0; i < len; i += 4) {
		pad = 0;
		for (j = 0, v = 0; j < 4; j++) {
			if (p[i + j] == '=' && i + 4 == len && j >= 2) {
				pad++;
				c = 0;
			} else if (pad > 0 ||
			    (c = base64_value((unsigned char)p[i + j])) == -1)
				goto bad;
			v = v << 6 | (uint32_t)c;
		}
		o[0] = (unsigned char)(v >> 16);
		o[1] = (unsigned char)(v >> 8);
		o[2] = (unsigned char)v;
		if ((pad > 0 && o[2] != 0) || (pad > 1 && o[1] != 0) ||
		    buf_append(out, o, 3 - pad) == -1)
			goto bad;
	}
	return 0;
bad:
	buf_truncate(out, start);
	return -1;
}

int
base64_encode(struct buf *out, const void *p, size_t len)
{
	const unsigned char *s = p;
	uint32_t v;
	size_t i;

	if (buf_reserve(out, (len + 2) / 3 * 4) == -1)
		return -1;
	for (i = 0; i < len; i += 3) {
		v = (uint32_t)s[i] << 16;
		if (i + 1 < len)
			v |= (uint32_t)s[i + 1] << 8;
		if (i + 2 < len)
			v |= s[i + 2];
		buf_putc(out, alphabet[v >> 18]);
		buf_putc(out, alphabet[v >> 12 & 63]);
		buf_putc(out, i + 1 < len ? alphabet[v >> 6 & 63] : '=');
		buf_putc(out, i + 2 < len ? alphabet[v & 63] : '=');
	}
	return 0;
}
