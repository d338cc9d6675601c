/* Rules for what goes by its age, and a name after a line end. */
#include <stdlib.h>
#include <string.h>

#include "lib/mail/expiry.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct expiry e;
	struct buf why = BUF_INIT(300);
	const char *p = (const char *)data, *lf;
	char name[1001];
	size_t len = size;
	unsigned i;

	name[0] = '\0';
	if (size > 0 && (lf = memchr(p, '\n', size)) != NULL) {
		len = (size_t)(lf - p);
		size -= len + 1;
		if (size > sizeof(name) - 1)
			size = sizeof(name) - 1;
		memcpy(name, lf + 1, size);
		name[size] = '\0';
	}
	if (expiry_parse(&e, p, len, &why) == 0) {
		if (e.n > EXPIRY_RULES)
			abort();
		for (i = 0; i < e.n; i++)
			if (e.rule[i].keep == 0 || e.rule[i].pattern[0] ==
			    '\0')
				abort();
		(void)expiry_keep(&e, name, UINT32_MAX, 0);
		(void)expiry_keep(&e, name, 0, UINT32_MAX);
	} else if (why.len == 0)
		abort();
	buf_clear(&why);
	return 0;
}
