/*
 * What author_list takes, the other readers of the tree take as the same
 * addresses: shared by a test and a fuzz target.
 */
#ifndef TESTS_FUZZ_AUTHOR_H
#define TESTS_FUZZ_AUTHOR_H

#include <string.h>

#include "lib/mail/address.h"
#include "lib/mail/mime_address.h"
#include "smtpd/smtpd_author.h"

struct authors {
	struct buf text;	/* each with a line end */
	unsigned n;
};

static inline int
authors_put(const char *p, size_t len, void *arg)
{
	struct authors *a = arg;

	a->n++;
	buf_append(&a->text, p, len);
	buf_putc(&a->text, '\n');
	return 0;
}

static inline int
authors_entry(const struct address_entry *e, void *arg)
{
	return e->bad ? 1 : authors_put(e->text, e->len, arg);
}

/* Whom IMAP tells of: each "<address>" in its order, and no other. */
static inline int
authors_in_text(const struct authors *a, const struct buf *shown)
{
	const char *at = shown->data, *end = at + shown->len, *p, *lf;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < shown->len; i++)
		n += shown->data[i] == '<';
	if (n != a->n)
		return 0;
	for (p = a->text.data; n > 0; n--, p = lf + 1) {
		lf = strchr(p, '\n');
		at = memchr(at, '<', (size_t)(end - at));
		if (at == NULL)
			return 0;
		at++;
		/* A quoted local part is shown without its quotes. */
		if (memchr(p, '"', (size_t)(lf - p)) == NULL &&
		    ((size_t)(end - at) <= (size_t)(lf - p) ||
		    memcmp(at, p, (size_t)(lf - p)) != 0 || at[lf - p] != '>'))
			return 0;
	}
	return 1;
}

/* 1, or 0: they read it differently. out: what author_list reads. */
static inline int
authors_alike(const char *p, size_t len, struct authors *out, int *result_r)
{
	struct authors list = { .text = BUF_INIT(0) };
	struct buf shown = BUF_INIT(0);
	int r = 1;

	*result_r = author_list(p, len, authors_put, out);
	if (*result_r == AUTHORS_READ && out->n > 0) {
		r = address_list(p, len, authors_entry, &list) == 0 &&
		    list.text.len == out->text.len &&
		    memcmp(list.text.data, out->text.data, out->text.len) == 0;
		if (r && mime_address_text(p, len, &shown) == 0)
			r = authors_in_text(out, &shown);
	}
	buf_clear(&list.text);
	buf_clear(&shown);
	return r;
}

#endif
