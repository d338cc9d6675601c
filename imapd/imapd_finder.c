#include <stdlib.h>
#include <string.h>

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

void
imapd_finder_init(struct imapd_finder *f, const struct imapd_needle *n)
{
	memset(f, 0, sizeof(*f));
	f->needle = n;
	f->found = n->len == 0;
}

void
imapd_finder_clear(struct imapd_finder *f)
{
	buf_clear(&f->folded);
}

void
imapd_finder_break(struct imapd_finder *f)
{
	f->at = 0;
	f->n_tail = 0;
}

static void
finder_look(struct imapd_finder *f)
{
	const struct imapd_needle *n = f->needle;
	const char *p = buf_str(&f->folded), *end = p + f->folded.len;
	size_t at = f->at;

	for (; p < end; p++) {
		if (at == 0) {
			p = memchr(p, n->p[0], (size_t)(end - p));
			if (p == NULL)
				break;
		}
		while (at > 0 && *p != n->p[at])
			at = n->back[at - 1];
		if (*p == n->p[at])
			at++;
		if (at == n->len) {
			f->found = 1;
			break;
		}
	}
	f->at = at;
}

/* Octets at the end of p..len that begin a character and lack its rest. */
static size_t
cut_tail(const char *p, size_t len)
{
	const unsigned char *q = (const unsigned char *)p;
	size_t n, want;

	for (n = 1; n <= 3 && n <= len; n++) {
		if (q[len - n] < 0x80)
			return 0;
		if (q[len - n] < 0xc0)
			continue;
		want = q[len - n] >= 0xf0 ? 4 : q[len - n] >= 0xe0 ? 3 : 2;
		return want > n ? n : 0;
	}
	return 0;
}

int
imapd_finder_feed(struct imapd_finder *f, const char *p, size_t len)
{
	struct buf joined = BUF_INIT(0);
	size_t tail;

	if (f->found)
		return 1;
	if (f->n_tail > 0) {
		buf_append(&joined, f->tail, f->n_tail);
		buf_append(&joined, p, len);
		p = joined.data;
		len = joined.len;
	}
	tail = cut_tail(p, len);
	len -= tail;
	buf_reset(&f->folded);
	mime_fold(p, len, &f->folded);
	memcpy(f->tail, p + len, tail);
	f->n_tail = tail;
	buf_clear(&joined);
	finder_look(f);
	return f->found;
}
