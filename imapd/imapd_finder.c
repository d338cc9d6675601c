#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/mail/mime_charset.h"

#include "imapd/imapd_finder.h"

void
imapd_needle_init(struct imapd_needle *n, const char *p, size_t len)
{
	struct buf b = BUF_INIT(0);
	size_t i, k = 0;

	mime_fold(p, len, &b);
	n->len = b.len;
	n->p = mem_strndup(buf_str(&b), b.len);
	buf_clear(&b);
	/* Knuth, Morris, Pratt: the search never goes back in the text. */
	n->back = mem_zalloc(n->len + 1, sizeof(*n->back));
	for (i = 1; i < n->len; i++) {
		while (k > 0 && n->p[i] != n->p[k])
			k = n->back[k - 1];
		if (n->p[i] == n->p[k])
			k++;
		n->back[i] = (uint32_t)k;
	}
}

void
imapd_needle_clear(struct imapd_needle *n)
{
	free(n->p);
	free(n->back);
	memset(n, 0, sizeof(*n));
}

int
imapd_needle_find(const struct imapd_needle *n, size_t *at_io, const char *p,
    size_t len)
{
	const char *end = p + len;
	size_t at = *at_io;

	for (; at < n->len && p < end; p++) {
		if (at == 0) {
			p = memchr(p, n->p[0], (size_t)(end - p));
			if (p == NULL)
				break;
		}
		while (at > 0 && *p != n->p[at])
			at = n->back[at - 1];
		if (*p == n->p[at])
			at++;
	}
	*at_io = at;
	return at == n->len;
}
