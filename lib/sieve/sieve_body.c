/*
 * The body test (RFC 5173), over the parts of the message (lib/mail/mime.h).
 *
 * :raw is the body as it stands. :content takes the parts of the types that
 * are named, decoded, text in UTF-8; of a multipart what stands in front of
 * its first part and behind its last (5.2: "the prologue and epilogue"), of a
 * message/rfc822 its header. :text is :content "text".
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/mime_charset.h"
#include "lib/mail/mime_decode.h"
#include "lib/mail/mime_param.h"
#include "lib/sieve/sieve_vm.h"

/* 5.2: "text", "text/html", "" for all; what is neither names nothing. */
static int
is_type(const struct mime_part *p, const struct sieve_view *type)
{
	const char *slash = memchr(type->p, '/', type->len);
	size_t n;

	if (type->len == 0)
		return 1;
	if (slash == NULL)
		return str_is(type->p, type->len, p->type);
	n = (size_t)(slash - type->p);
	return str_is(type->p, n, p->type) && str_is(slash + 1,
	    type->len - n - 1, p->subtype);
}

static int
try_raw(struct sieve_vm *vm, struct sieve_compare *c, const char *p,
    const char *end)
{
	return end <= p ? 0 : sieve_compare_try(vm, c, p, (size_t)(end - p));
}

/* Text becomes UTF-8, where its character set is known. */
static int
try_text(struct sieve_vm *vm, struct sieve_compare *c,
    const struct mime_part *part, const struct buf *decoded)
{
	struct buf name = BUF_INIT(MIME_CHARSET_NAME_MAX), utf8 = BUF_INIT(0);
	const struct mime_charset *cs = NULL;
	int r;

	if (strcmp(part->type, "text") == 0 && mime_param(&part->params,
	    "charset", &name))
		cs = mime_charset_find(buf_str(&name), name.len);
	buf_clear(&name);
	if (cs == NULL)
		return sieve_compare_try(vm, c, buf_str(decoded),
		    decoded->len);
	mime_charset_utf8(cs, 1, 1, buf_str(decoded), decoded->len, &utf8);
	r = sieve_compare_try(vm, c, buf_str(&utf8), utf8.len);
	buf_clear(&utf8);
	return r;
}

static int
try_leaf(struct sieve_vm *vm, struct sieve_compare *c,
    const struct mime_part *part)
{
	struct mime_decoder d = { .encoding = mime_encoding_of(
	    &part->content[MIME_C_ENCODING]) };
	struct buf decoded = BUF_INIT(0);
	int r;

	mime_decode(&d, vm->m->data + part->body, part->end - part->body,
	    &decoded);
	r = try_text(vm, c, part, &decoded);
	buf_clear(&decoded);
	return r;
}

/* Where the line that ends in front of p begins: a delimiter. */
static const char *
line_before(const char *from, const char *p)
{
	if (p > from)
		p--;
	while (p > from && p[-1] != '\n')
		p--;
	return p;
}

static int
try_multipart(struct sieve_vm *vm, struct sieve_compare *c,
    const struct mime_part *part)
{
	const char *data = vm->m->data, *body = data + part->body;
	const char *end = data + part->end, *p;
	const struct mime_part *last = part->first;
	int r;

	if (last == NULL)
		return 0;
	r = try_raw(vm, c, body, line_before(body, data + last->header));
	while (last->next != NULL)
		last = last->next;
	/* Behind the last part: a line end, and the close-delimiter. */
	p = data + last->end;
	if (p < end && *p == '\r')
		p++;
	if (p < end && *p == '\n')
		p++;
	p = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	return r != 0 || p == NULL ? r : try_raw(vm, c, p + 1, end);
}

static int
try_message(struct sieve_vm *vm, struct sieve_compare *c,
    const struct mime_part *part)
{
	const struct mime_part *m = part->first;
	int r;

	if (m == NULL)
		return try_leaf(vm, c, part);
	buf_reset(&vm->value);
	mime_words(vm->m->data + m->header, m->body - m->header, &vm->value);
	r = sieve_compare_try(vm, c, buf_str(&vm->value), vm->value.len);
	return r;
}

static int
try_part(struct sieve_vm *vm, struct sieve_compare *c,
    const struct mime_part *part, const struct sieve_view *type, size_t n)
{
	const struct mime_part *child;
	size_t i;
	int r = 0;

	if (sieve_steps(vm, n + 1) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (is_type(part, &type[i]))
			break;
	if (i < n) {
		if (sieve_steps(vm, part->end - part->body) == -1)
			return -1;
		r = part->kind == MIME_MULTIPART ? try_multipart(vm, c, part) :
		    part->kind == MIME_MESSAGE ? try_message(vm, c, part) :
		    try_leaf(vm, c, part);
	}
	/* MIME_DEPTH_MAX bounds it. */
	for (child = part->first; child != NULL && r == 0; child = child->next)
		r = try_part(vm, c, child, type, n);
	return r;
}

int
sieve_body(struct sieve_vm *vm, struct sieve_compare *c)
{
	static const struct sieve_view text = { "text", 4 };
	const struct sieve_list *l = &c->n->content;
	const char *data = vm->m->data;
	struct sieve_view *type;
	size_t i;

	if (c->n->body == SIEVE_RAW)
		return try_raw(vm, c, data + mime_header_len(data,
		    vm->m->len), data + vm->m->len);
	if (vm->mime == NULL) {
		if (sieve_steps(vm, vm->m->len) == -1)
			return -1;
		vm->mime = mime_parse(data, vm->m->len);
	}
	if (c->n->body == SIEVE_TEXT)
		return try_part(vm, c, mime_root(vm->mime), &text, 1);
	type = sieve_get(&vm->arena, (l->n + 1) * sizeof(*type));
	for (i = 0; i < l->n; i++)
		if (sieve_expand(vm, &l->s[i], &type[i]) == -1)
			return -1;
	return try_part(vm, c, mime_root(vm->mime), type, l->n);
}
