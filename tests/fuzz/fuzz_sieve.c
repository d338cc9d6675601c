/*
 * A Sieve script and, after its first NUL, a message: what is refused has
 * words, and whatever is run ends within its bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/sieve/sieve.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
is_there(void *arg, const char *name)
{
	(void)arg;
	return name[0] == 'A';
}

static void
judge(const struct sieve_result *r, int failed)
{
	size_t i, redirects = 0;

	if (r->n > SIEVE_ACTIONS_MAX || (failed && (r->n > 0 || !r->keep)))
		abort();
	for (i = 0; i < r->n; i++) {
		redirects += r->action[i].kind == SIEVE_REDIRECT;
		if (r->action[i].to[0] == '\0')
			abort();
	}
	if (redirects != r->redirects || redirects > SIEVE_REDIRECTS_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *nul;
	struct sieve_message m = { .from = "a+b@c.test", .to = "",
		.separator = '+', .mailbox = is_there };
	struct buf why = BUF_INIT(500);
	struct sieve_result r;
	struct sieve_script *s;
	size_t len = size;
	int failed;

	if (size > 0 && (nul = memchr(text, '\0', size)) != NULL) {
		len = (size_t)(nul - text);
		m.data = nul + 1;
		m.len = size - len - 1;
	} else
		m.data = "";
	m.size = m.len;
	s = sieve_compile(text, len, &why);
	if (s == NULL) {
		if (why.len == 0)
			abort();
	} else {
		sieve_result_init(&r);
		failed = sieve_run(s, &m, &r, &why) == -1;
		judge(&r, failed);
		if (failed != (why.len > 0))
			abort();
		sieve_result_clear(&r);
	}
	sieve_free(&s);
	buf_clear(&why);
	return 0;
}
