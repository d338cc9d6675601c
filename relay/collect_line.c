/* A line of the journal, read and written. */
#include <inttypes.h>

#include "lib/base/crc32c.h"
#include "lib/base/str.h"
#include "lib/mail/collect_proto.h"
#include "lib/mail/limits.h"
#include "relay/collect_journal.h"

/* The next word; a blank ends it, or the line. */
static const char *
word(const char **p, size_t *left, size_t *len_r)
{
	const char *w = *p;
	size_t n = 0;

	while (n < *left && w[n] != ' ')
		n++;
	*len_r = n;
	*p += n < *left ? n + 1 : n;
	*left -= n < *left ? n + 1 : n;
	return w;
}

static int
number(const char **p, size_t *left, uint64_t max, uint64_t *r)
{
	size_t n;
	const char *w = word(p, left, &n);

	return str_number(w, n, max, r);
}

static int
hex(const char **p, size_t *left, uint32_t *r)
{
	size_t n, i;
	const char *w = word(p, left, &n);
	uint32_t v = 0;
	int c;

	for (i = 0; i < n; i++) {
		c = w[i];
		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else
			return -1;
	}
	*r = v;
	return n > 0 && n <= 8 ? 0 : -1;
}

int
journal_parse(const char *p, size_t len, struct journal_line *l)
{
	uint64_t t;

	*l = (struct journal_line){ .what = JOURNAL_GONE };
	if (len < 2 || p[1] != ' ' || (p[0] != JOURNAL_FETCHED &&
	    p[0] != JOURNAL_LEFT && p[0] != JOURNAL_GONE))
		return -1;
	l->what = (enum journal_what)p[0];
	p += 2;
	len -= 2;
	if (number(&p, &len, INT64_MAX, &t) == -1)
		return -1;
	l->time = (int64_t)t;
	if (l->what != JOURNAL_GONE &&
	    (number(&p, &len, UINT64_MAX, &l->size) == -1 ||
	    hex(&p, &len, &l->hash) == -1))
		return -1;
	l->account = word(&p, &len, &l->account_len);
	/* It ends the line: a blank behind it would be of it. */
	l->key = p;
	l->key_len = len;
	return cl_is_key(l->account, l->account_len) &&
	    l->account_len <= JOURNAL_ACCOUNT_MAX &&
	    cl_is_key(l->key, l->key_len) ? 0 : -1;
}

void
journal_write(const struct journal_line *l, struct buf *out)
{
	buf_printf(out, "%c %" PRId64 " ", (char)l->what, l->time);
	if (l->what != JOURNAL_GONE)
		buf_printf(out, "%" PRIu64 " %" PRIx32 " ", l->size, l->hash);
	buf_append(out, l->account, l->account_len);
	buf_putc(out, ' ');
	buf_append(out, l->key, l->key_len);
	buf_putc(out, '\n');
}

uint32_t
journal_hash(const char *message_id, size_t len)
{
	uint32_t h;

	if (len == 0)
		return 0;
	h = crc32c(0, message_id, len);
	return h != 0 ? h : 1;
}
