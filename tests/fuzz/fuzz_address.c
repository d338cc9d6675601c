/* A parsed address prints in one spelling that parses to itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/address.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
each(const struct address *a, void *arg)
{
	struct address b;

	if (a->len > ADDRESS_MAX || strlen(a->text) != a->len ||
	    address_parse(&b, a->text, a->len) != ADDRESS_OK ||
	    strcmp(a->text, b.text) != 0)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data;
	struct address a;
	size_t used;

	if (address_parse(&a, p, len) == ADDRESS_OK)
		each(&a, NULL);
	if (address_path(&a, p, len, &used) == ADDRESS_OK) {
		if (used > len)
			abort();
		if (a.at < a.len)
			each(&a, NULL);
	}
	address_list(p, len, each, NULL, NULL);
	return 0;
}
