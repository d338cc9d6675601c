/* Replies of a server, line by line as the stream hands them out. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/reply_kind.h"
#include "relay/relay_reply.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(struct reply *r)
{
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);
	size_t at = 0, len, i;
	const char *p;

	while ((p = reply_next(r, &at, &len)) != NULL)
		for (i = 0; i < len; i++)
			if (p[i] < ' ' || p[i] > '~')
				abort();
	reply_words(r, "mx.test [192.0.2.1]", &words);
	for (i = 0; i < words.len; i++)
		if (words.data[i] < ' ' || words.data[i] > '~')
			abort();
	if (words.data[1] != '.' || words.data[0] < '2')
		abort();
	if ((reply_kind_name(reply_kind(buf_str(&words))) != NULL) !=
	    (words.data[0] == '4' || words.data[0] == '5'))
		abort();
	buf_clear(&words);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *lf;
	struct reply r = REPLY_INIT;
	int done;

	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		done = reply_line(&r, p, (size_t)(lf - p));
		if (done == -1)
			break;
		if (done == 1) {
			look(&r);
			reply_reset(&r);
		}
		p = lf + 1;
	}
	reply_clear(&r);
	return 0;
}
