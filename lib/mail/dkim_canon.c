#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/dkim_canon.h"
#include "lib/mail/limits.h"

EVP_MD_CTX *
dkim_hash_new(void)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (c == NULL || EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1)
		log_fatal("no SHA-256");
	return c;
}

void
dkim_hash_put(EVP_MD_CTX *c, const void *p, size_t len)
{
	if (EVP_DigestUpdate(c, p, len) != 1)
		log_fatal("no SHA-256");
}

void
dkim_hash_end(EVP_MD_CTX **c, unsigned char out[DKIM_HASH])
{
	if (EVP_DigestFinal_ex(*c, out, NULL) != 1)
		log_fatal("no SHA-256");
	EVP_MD_CTX_free(*c);
	*c = NULL;
}

void
dkim_body_init(struct dkim_body *b, enum dkim_canon canon)
{
	b->canon = canon;
	b->hash = dkim_hash_new();
	b->lines = 0;
	b->cr = b->blank = b->some = 0;
	b->n = 0;
}

void
dkim_body_clear(struct dkim_body *b)
{
	EVP_MD_CTX_free(b->hash);
	b->hash = NULL;
}

static void
stage_flush(struct dkim_body *b)
{
	dkim_hash_put(b->hash, b->stage, b->n);
	b->n = 0;
}

static void
stage_put(struct dkim_body *b, char c)
{
	if (b->n == sizeof(b->stage))
		stage_flush(b);
	b->stage[b->n++] = c;
}

/* What waited was not the end: line ends, then blanks, then a lone CR. */
static void
settle(struct dkim_body *b)
{
	for (; b->lines > 0; b->lines--) {
		stage_put(b, '\r');
		stage_put(b, '\n');
	}
	if (b->blank)
		stage_put(b, ' ');
	if (b->cr)
		stage_put(b, '\r');
	b->blank = b->cr = 0;
	b->some = 1;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* How many octets stand there that mean themselves. */
static size_t
plain(const struct dkim_body *b, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len && p[i] != '\r'; i++)
		if (b->canon == DKIM_RELAXED && is_blank(p[i]))
			break;
	return i;
}

static void
stage_append(struct dkim_body *b, const char *p, size_t len)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if (b->n == sizeof(b->stage))
			stage_flush(b);
		n = sizeof(b->stage) - b->n;
		if (n > len)
			n = len;
		memcpy(b->stage + b->n, p, n);
		b->n += n;
	}
}

/*
 * RFC 6376 3.4.3 and 3.4.4: empty lines at the end do not count, and for
 * relaxed neither do blanks at the end of a line; others are one space.
 */
void
dkim_body_put(struct dkim_body *b, const char *p, size_t len)
{
	const char *end = p + len;
	size_t n;

	while (p < end) {
		if (b->cr && *p == '\n') {
			b->cr = b->blank = 0;
			b->lines++;
			p++;
		} else if (*p == '\r') {
			if (b->cr)
				settle(b);
			b->cr = 1;
			p++;
		} else if (b->canon == DKIM_RELAXED && is_blank(*p)) {
			if (b->cr)
				settle(b);
			b->blank = 1;
			p++;
		} else {
			settle(b);
			n = plain(b, p, (size_t)(end - p));
			stage_append(b, p, n);
			p += n;
		}
	}
}

void
dkim_body_end(struct dkim_body *b, unsigned char out[DKIM_HASH])
{
	if (b->cr)
		settle(b);
	/* An empty body is one line end for simple, nothing for relaxed. */
	if (b->some || b->canon == DKIM_SIMPLE)
		stage_append(b, "\r\n", 2);
	stage_flush(b);
	dkim_hash_end(&b->hash, out);
}

/* 3.4.2: the name in lower case, folds and blanks as one space. */
static int
relaxed_field(const struct header_field *f, struct buf *out)
{
	size_t i, before = out->len;
	int blank = 0;
	char c;

	if (buf_reserve(out, f->len + 2) == -1)
		return -1;
	for (i = 0; i < f->name_len; i++) {
		c = f->name[i];
		buf_putc(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
	buf_putc(out, ':');
	before = out->len;
	for (i = 0; i < f->value_len; i++) {
		c = f->value[i];
		if (c == '\r' || c == '\n')
			continue;
		if (is_blank(c)) {
			blank = 1;
			continue;
		}
		if (blank && out->len > before)
			buf_putc(out, ' ');
		blank = 0;
		buf_putc(out, c);
	}
	return buf_append(out, "\r\n", 2);
}

int
dkim_canon_field(enum dkim_canon canon, const struct header_field *f,
    struct buf *out)
{
	if (canon == DKIM_RELAXED)
		return relaxed_field(f, out);
	if (buf_reserve(out, f->len + 2) == -1)
		return -1;
	buf_append(out, f->p, (size_t)(f->value - f->p) + f->value_len);
	return buf_append(out, "\r\n", 2);
}

int
dkim_fields_add(struct dkim_fields *l, const char *p, size_t len)
{
	struct header_field f;
	struct header h;

	header_init(&h, p, len);
	while (header_next(&h, &f)) {
		if (f.name_len == 0)
			continue;
		if (l->n == HEADER_COUNT_MAX)
			return -1;
		if (l->n % 64 == 0) {
			l->f = mem_realloc(l->f, l->n + 64, sizeof(*l->f));
			l->taken = mem_realloc(l->taken, l->n + 64, 1);
		}
		l->taken[l->n] = 0;
		l->f[l->n++] = f;
	}
	return 0;
}

const struct header_field *
dkim_fields_take(struct dkim_fields *l, const char *name)
{
	size_t i;

	for (i = l->n; i > 0; i--)
		if (!l->taken[i - 1] && header_is(&l->f[i - 1], name)) {
			l->taken[i - 1] = 1;
			return &l->f[i - 1];
		}
	return NULL;
}

void
dkim_fields_clear(struct dkim_fields *l)
{
	free(l->f);
	free(l->taken);
	memset(l, 0, sizeof(*l));
}
