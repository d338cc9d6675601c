/*
 * A file of the drop directory, which anybody may have written: what is taken
 * packs to the same file. The head is made right half of the time, so that the
 * lines behind it are reached.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "lib/mail/drop.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
again(struct drop *d, size_t len)
{
	struct buf b = BUF_INIT(0);
	struct drop e;

	if (d->n_to == 0 || drop_pack(d, &b) == -1 ||
	    drop_unpack(b.data, b.len, &e) != DROP_WHOLE ||
	    e.n_to != d->n_to || e.len != d->len ||
	    strcmp(e.sender, d->sender) != 0 ||
	    memcmp(e.message, d->message, d->len) != 0)
		abort();
	/* Lines in another order make another file. */
	if (b.len > len)
		abort();
	free(e.to);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *file = mem_alloc(len + 1), *copy = mem_alloc(len + 1);
	char head[DROP_HEAD + 1];
	struct drop d;

	memcpy(file, data, len);
	if (len > DROP_HEAD && data[0] != 'r') {
		snprintf(head, sizeof(head), "rohrpost-drop 1 %020" PRIu64
		    " %08" PRIx32 "\n", (uint64_t)(len - DROP_HEAD),
		    crc32c(0, file + DROP_HEAD, len - DROP_HEAD));
		memcpy(file, head, DROP_HEAD);
	}
	memcpy(copy, file, len);
	if (drop_unpack(file, len, &d) == DROP_WHOLE)
		again(&d, len);
	free(d.to);
	if (drop_peek(copy, len, &d) == 0 && d.n_to == 0)
		abort();
	free(d.to);
	free(copy);
	free(file);
	return 0;
}
