#include <string.h>

#include "imapd/imapd_ids.h"

enum { ENTRY = 4 + DOOR_ID, ID_MAX = 255 };

static const char digits[] = "0123456789abcdef";

void
imapd_ids_put(struct buf *out, enum imapd_id kind, const void *id)
{
	const unsigned char *p = id;
	size_t i;

	buf_putc(out, (char)kind);
	for (i = 0; i < DOOR_ID; i++) {
		buf_putc(out, digits[p[i] >> 4]);
		buf_putc(out, digits[p[i] & 15]);
	}
}

/* objectid = 1*255(ALPHA / DIGIT / "_" / "-") */
int
imapd_ids_ok(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!(p[i] >= 'a' && p[i] <= 'z') &&
		    !(p[i] >= 'A' && p[i] <= 'Z') &&
		    !(p[i] >= '0' && p[i] <= '9') && p[i] != '_' &&
		    p[i] != '-')
			return 0;
	return len > 0 && len <= ID_MAX;
}

int
imapd_ids_read(const char *p, enum imapd_id kind, unsigned char id[DOOR_ID])
{
	const char *high, *low;
	size_t i;

	if (strlen(p) != 1 + 2 * DOOR_ID || *p++ != (char)kind)
		return -1;
	for (i = 0; i < DOOR_ID; i++, p += 2) {
		high = strchr(digits, p[0]);
		low = strchr(digits, p[1]);
		if (high == NULL || low == NULL)
			return -1;
		id[i] = (unsigned char)((high - digits) << 4 | (low - digits));
	}
	return 0;
}

static uint32_t
entry_uid(const struct buf *packed, size_t i)
{
	struct cursor c;

	cursor_init(&c, packed->data + i * ENTRY, 4);
	return cursor_u32(&c);
}

const char *
imapd_ids_find(const struct buf *packed, uint32_t uid)
{
	size_t lo = 0, hi = packed->len / ENTRY, n = hi, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (entry_uid(packed, mid) < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && entry_uid(packed, lo) == uid ?
	    packed->data + lo * ENTRY + 4 : NULL;
}
