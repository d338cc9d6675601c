#include <string.h>

#include "lib/mail/protocols.h"

static const char *const names[] = { "imap", "pop3", "submission" };

enum { NAMES = sizeof(names) / sizeof(names[0]) };

static int
is(const char *p, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(p, name, len) == 0;
}

int
protocols_parse(const char *p, size_t len, uint32_t *set_r)
{
	const char *end = p + len, *plus;
	uint32_t set = 0;
	int i;

	if (is(p, len, "*") || is(p, len, "none")) {
		*set_r = *p == '*' ? PROTOCOLS_ALL : 0;
		return 0;
	}
	for (;; p = plus + 1) {
		plus = memchr(p, '+', (size_t)(end - p));
		if (plus == NULL)
			plus = end;
		for (i = 0; i < NAMES; i++)
			if (is(p, (size_t)(plus - p), names[i]))
				break;
		if (i == NAMES)
			return -1;
		set |= 1U << i;
		if (plus == end)
			break;
	}
	*set_r = set;
	return 0;
}

void
protocols_print(uint32_t set, struct buf *out)
{
	int i, n = 0;

	for (i = 0; i < NAMES; i++)
		if (set & 1U << i)
			buf_printf(out, "%s%s", n++ > 0 ? "+" : "", names[i]);
	if (n == 0)
		buf_puts(out, "none");
}
