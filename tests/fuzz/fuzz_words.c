#include <stdlib.h>
#include <string.h>

#include "lib/mail/mime_charset.h"
#include "lib/mail/mime_decode.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mime_decoder d = { .encoding = MIME_E_BASE64 };
	struct buf out = BUF_INIT(0), folded = BUF_INIT(0);
	const char *p = (const char *)data;
	size_t half = len / 2;

	mime_words(p, len, &out);
	if (out.len > 4 * len)
		abort();
	mime_fold(buf_str(&out), out.len, &folded);
	if (folded.len > out.len)
		abort();
	buf_reset(&out);
	mime_decode(&d, p, half, &out);
	mime_decode(&d, p + half, len - half, &out);
	if (out.len > len)
		abort();
	buf_reset(&out);
	d = (struct mime_decoder){ .encoding = MIME_E_QUOTED };
	mime_decode(&d, p, half, &out);
	mime_decode(&d, p + half, len - half, &out);
	if (out.len > len + 2)
		abort();
	buf_clear(&out);
	buf_clear(&folded);
	return 0;
}
