/* Whose a message is by its header: first a line of names of fields, then the
   header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/address.h"
#include "lib/mail/collect_proto.h"
#include "lib/mail/multidrop.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each address is one, and in its one spelling. */
static void
look(const struct buf *out, unsigned n)
{
	struct address a;
	struct cursor c;
	const char *p;
	size_t len;
	unsigned i;

	cursor_init(&c, buf_str(out), out->len);
	for (i = 0; i < n; i++)
		if ((p = cursor_lv(&c, &len, ADDRESS_MAX)) == NULL ||
		    address_parse(&a, p, len) != ADDRESS_OK ||
		    a.len != len || memcmp(a.text, p, len) != 0)
			abort();
	if (cursor_left(&c) != 0 || n > CL_RECIPIENTS_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf names = BUF_INIT(0), out = BUF_INIT(CL_SECTION_MAX);
	const char *p = (const char *)data, *nl, *sp;
	size_t n;

	if (size == 0 || (nl = memchr(p, '\n', size)) == NULL)
		return 0;
	while (p < nl) {
		sp = memchr(p, ' ', (size_t)(nl - p));
		n = (size_t)((sp != NULL ? sp : nl) - p);
		buf_put_lv(&names, p, n);
		p += n + (sp != NULL);
	}
	p = nl + 1;
	look(&out, multidrop(p, size - (size_t)(p - (const char *)data),
	    &names, &out));
	buf_clear(&names);
	buf_clear(&out);
	return 0;
}
