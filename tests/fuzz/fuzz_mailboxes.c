/* The file mailboxes: what is accepted prints and parses back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/mailbox_name.h"
#include "store/file_mailboxes.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf why = BUF_INIT(300), one = BUF_INIT(0), two = BUF_INIT(0);
	struct boxes b;
	size_t i;

	if (boxes_parse(&b, (const char *)data, size, &why) == 0) {
		for (i = 0; i < b.n; i++)
			if (!mailbox_name_ok(b.box[i].name))
				abort();
		boxes_format(&b, &one);
		boxes_clear(&b);
		if (boxes_parse(&b, one.data, one.len, &why) == -1)
			abort();
		boxes_format(&b, &two);
		if (one.len != two.len ||
		    memcmp(one.data, two.data, one.len) != 0)
			abort();
	} else if (why.len == 0)
		abort();
	boxes_clear(&b);
	buf_clear(&why);
	buf_clear(&one);
	buf_clear(&two);
	return 0;
}
