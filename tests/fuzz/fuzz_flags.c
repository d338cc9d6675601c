/* The flags file: a record that is read prints to a line that reads alike. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/file_flags.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct record again;
static unsigned char rest[RECORD_REST];
static size_t rest_len;

static void
keep(void *arg, const struct record *r)
{
	again = *r;
	rest_len = record_put_rest(r, rest);
}

static void
keyword(void *arg, unsigned bit, const char *name)
{
	if (bit >= KEYWORDS_MAX || !keyword_ok(name, strlen(name)))
		abort();
}

static void
next(void *arg, uint32_t uidnext)
{
}

static void
record(void *arg, const struct record *r)
{
	const struct flags_reader back = { keep, keyword, next, NULL };
	struct buf line = BUF_INIT(0);
	unsigned char was[RECORD_REST];
	size_t n = record_put_rest(r, was);

	flags_line(&line, r);
	if (flags_parse(line.data, line.len, &back) != 0 ||
	    memcmp(&again.d, &r->d, sizeof(r->d)) != 0 ||
	    memcmp(again.id, r->id, sizeof(r->id)) != 0 ||
	    rest_len != n || memcmp(rest, was, n) != 0)
		abort();
	buf_clear(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct flags_reader r = { record, keyword, next, NULL };

	flags_parse((const char *)data, size, &r);
	(void)flags_newer((const char *)data, size);
	return 0;
}
