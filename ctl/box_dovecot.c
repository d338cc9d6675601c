#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/box_dovecot.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/door.h"

enum { FILE_NAME = 255 };	/* octets that a name may have */

size_t
box_base_len(const char *name, size_t len)
{
	const char *colon = memchr(name, ':', len);

	return colon == NULL ? len : (size_t)(colon - name);
}

/* The next line of at most the rest; 0 at the end. */
static int
next_line(const char **p, size_t *left, const char **line, size_t *len)
{
	const char *lf;

	if (*left == 0)
		return 0;
	*line = *p;
	lf = memchr(*p, '\n', *left);
	*len = lf == NULL ? *left : (size_t)(lf - *p);
	*p += *len + (lf != NULL);
	*left -= *len + (lf != NULL);
	return 1;
}

/* The next word of a line; its octets, 0 at the end. */
static size_t
next_word(const char **p, size_t *left, const char **word)
{
	const char *space;
	size_t n;

	while (*left > 0 && **p == ' ') {
		(*p)++;
		(*left)--;
	}
	*word = *p;
	space = memchr(*p, ' ', *left);
	n = space == NULL ? *left : (size_t)(space - *p);
	*p += n;
	*left -= n;
	return n;
}

static int
read_u32(const char *p, size_t len, uint32_t *r)
{
	uint64_t v;

	if (str_number(p, len, UINT32_MAX, &v) == -1)
		return -1;
	*r = (uint32_t)v;
	return 0;
}

/* "3 V<uidvalidity> N<next uid> ..." or "1 <uidvalidity> <next uid>". */
static int
read_head(struct box_uidlist *u, const char *p, size_t len)
{
	const char *w;
	size_t n = next_word(&p, &len, &w);
	int three = n == 1 && *w == '3';

	if (n != 1 || (*w != '1' && *w != '3'))
		return -1;
	if (!three) {
		n = next_word(&p, &len, &w);
		if (read_u32(w, n, &u->uidvalidity) == -1)
			return -1;
		n = next_word(&p, &len, &w);
		return read_u32(w, n, &u->uidnext);
	}
	while ((n = next_word(&p, &len, &w)) > 0) {
		if (*w == 'V' && read_u32(w + 1, n - 1, &u->uidvalidity) == -1)
			return -1;
		if (*w == 'N' && read_u32(w + 1, n - 1, &u->uidnext) == -1)
			return -1;
	}
	return u->uidvalidity == 0 ? -1 : 0;
}

/* "<uid> [<field> ...] :<file>", in version 1 "<uid> <file>". */
static int
read_entry(struct box_uid *e, const char *p, size_t len)
{
	const char *w;
	size_t n = next_word(&p, &len, &w);

	if (read_u32(w, n, &e->uid) == -1 || e->uid == 0 || len < 2)
		return -1;
	for (p++, len--; len > 0 && *p != ':' &&
	    (w = memchr(p, ' ', len)) != NULL;) {
		len -= (size_t)(w + 1 - p);
		p = w + 1;
	}
	if (len > 0 && *p == ':') {
		p++;
		len--;
	}
	e->base = p;
	e->len = box_base_len(p, len);
	return e->len == 0 || e->len > FILE_NAME ||
	    memchr(p, '/', e->len) != NULL || memchr(p, '\0', e->len) != NULL ?
	    -1 : 0;
}

static int
by_base(const void *x, const void *y)
{
	const struct box_uid *a = x, *b = y;
	size_t n = a->len < b->len ? a->len : b->len;
	int r = memcmp(a->base, b->base, n);

	return r != 0 ? r : a->len < b->len ? -1 : a->len > b->len;
}

int
box_uidlist_read(struct box_uidlist *u, const char *text, size_t len)
{
	const char *line;
	size_t n, cap = 0;
	uint32_t last = 0;
	struct box_uid e;

	memset(u, 0, sizeof(*u));
	if (!next_line(&text, &len, &line, &n) || read_head(u, line, n) == -1)
		return -1;
	while (next_line(&text, &len, &line, &n)) {
		if (read_entry(&e, line, n) == -1 || e.uid <= last)
			continue;
		if (u->n == cap) {
			cap = cap * 2 + 64;
			u->list = mem_realloc(u->list, cap, sizeof(*u->list));
		}
		u->list[u->n++] = e;
		last = e.uid;
	}
	if (last != UINT32_MAX && u->uidnext <= last)
		u->uidnext = last + 1;
	if (u->n > 0)
		qsort(u->list, u->n, sizeof(*u->list), by_base);
	return 0;
}

uint32_t
box_uidlist_find(const struct box_uidlist *u, const char *base, size_t len)
{
	const struct box_uid key = { .base = base, .len = len }, *e;

	if (u->n == 0)
		return 0;
	e = bsearch(&key, u->list, u->n, sizeof(*u->list), by_base);
	return e == NULL ? 0 : e->uid;
}

void
box_uidlist_clear(struct box_uidlist *u)
{
	free(u->list);
	memset(u, 0, sizeof(*u));
}

void
box_keywords_read(char *name_r[BOX_KEYWORDS], const char *text, size_t len)
{
	const char *line, *w;
	uint32_t number;
	size_t n, k;

	while (next_line(&text, &len, &line, &n)) {
		k = next_word(&line, &n, &w);
		if (read_u32(w, k, &number) == -1 || number >= BOX_KEYWORDS)
			continue;
		k = next_word(&line, &n, &w);
		if (!keyword_ok(w, k) || name_r[number] != NULL)
			continue;
		name_r[number] = mem_alloc(k + 1);
		memcpy(name_r[number], w, k);
		name_r[number][k] = '\0';
	}
}

void
box_subscriptions_read(struct buf *names_r, const char *text, size_t len)
{
	const char *line;
	struct buf name = BUF_INIT(DOOR_NAME_MAX);
	int two = 0, first = 1;
	size_t n, i;

	for (; next_line(&text, &len, &line, &n); first = 0) {
		if (first && n == 3 && memcmp(line, "V\t2", 3) == 0) {
			two = 1;
			continue;
		}
		buf_reset(&name);
		if (n == 0 || memchr(line, '\0', n) != NULL ||
		    buf_append(&name, line, n) == -1)
			continue;
		for (i = 0; i < name.len; i++)
			if (name.data[i] == (two ? '\t' : '.'))
				name.data[i] = '/';
		buf_put_lv(names_r, name.data, name.len);
	}
	buf_clear(&name);
}
