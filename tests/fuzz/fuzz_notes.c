/* The notes of an envelope: what passes is what was added one by one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/notes.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf again = BUF_INIT(0);
	const char *name, *value;
	size_t name_len, value_len;
	struct cursor c;
	char *n, *v;

	if (notes_check(data, len) == -1)
		return 0;
	cursor_init(&c, data, len);
	while (notes_next(&c, &name, &name_len, &value, &value_len)) {
		n = mem_strndup(name, name_len);
		v = mem_strndup(value, value_len);
		if (notes_add(&again, n, v) == -1)
			abort();
		free(n);
		free(v);
	}
	if (c.bad || again.len != len ||
	    (len > 0 && memcmp(again.data, data, len) != 0))
		abort();
	buf_clear(&again);
	return 0;
}
