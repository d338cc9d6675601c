/*
 * A parsed address prints in one spelling that parses to itself. What a list
 * hands out lies on one line, and is a list of that one entry again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/address.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
look(const struct address *a)
{
	struct address b;

	if (a->len > ADDRESS_MAX || strlen(a->text) != a->len ||
	    address_parse(&b, a->text, a->len) != ADDRESS_OK ||
	    strcmp(a->text, b.text) != 0)
		abort();
}

static int
same(const struct address_entry *e, void *arg)
{
	const struct address_entry *first = arg;

	if (e->bad || e->len != first->len ||
	    memcmp(e->text, first->text, e->len) != 0)
		abort();
	return 1;
}

static int
each(const struct address_entry *e, void *arg)
{
	struct address_entry first = *e;
	struct address a;

	++*(size_t *)arg;
	if (memchr(e->text, '\r', e->len) != NULL ||
	    memchr(e->text, '\n', e->len) != NULL)
		abort();
	if (e->bad || address_parse(&a, e->text, e->len) != ADDRESS_OK)
		return 0;
	look(&a);
	if (address_list(e->text, e->len, same, &first) != 1)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data;
	struct address a;
	size_t used, n = 0;

	if (address_parse(&a, p, len) == ADDRESS_OK)
		look(&a);
	if (address_path(&a, p, len, &used) == ADDRESS_OK) {
		if (used > len)
			abort();
		if (a.at < a.len)
			look(&a);
	}
	if (address_list(p, len, each, &n) != 0 || n > len)
		abort();
	return 0;
}
