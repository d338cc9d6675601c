#include <stdlib.h>
#include <string.h>

#include "lib/mail/mime.h"
#include "lib/mail/mime_structure.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint32_t numbers[] = { 1, 2, 1, 1 };
	struct buf out = BUF_INIT(1 << 20), rec = BUF_INIT(0);
	const char *t[3], *p = (const char *)data;
	struct mime *m = mime_parse(p, len);
	size_t n, tl[3];

	for (n = 0; n <= 4; n++)
		(void)mime_section(m, numbers, n);
	if (mime_header_len(p, len) > len)
		abort();
	(void)mime_bodystructure(m, 1, &out);
	mime_free(&m);
	if (mime_cache(p, len, &rec) == 0 && rec.len > 0 &&
	    mime_cache_get(rec.data, rec.len, &t[0], &tl[0], &t[1], &tl[1],
	    &t[2], &tl[2]) != 0)
		abort();
	(void)mime_cache_get(p, len, &t[0], &tl[0], &t[1], &tl[1], &t[2],
	    &tl[2]);
	buf_clear(&out);
	buf_clear(&rec);
	return 0;
}
