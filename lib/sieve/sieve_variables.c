/*
 * Variables (RFC 5229), and the texts that strings become.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/sieve/sieve_vm.h"

int
sieve_fail(struct sieve_vm *vm, const char *fmt, ...)
{
	char words[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	buf_set(vm->why, _("line %u: %s"), (unsigned)vm->at.line, words);
	return -1;
}

int
sieve_steps(struct sieve_vm *vm, uint64_t n)
{
	if (n > vm->steps) {
		vm->steps = 0;
		return sieve_fail(vm, "%s", _("the script takes too long"));
	}
	vm->steps -= n;
	return 0;
}

char *
sieve_keep_text(struct sieve_vm *vm, const char *p, size_t len)
{
	char *r;

	if (len > SIEVE_TEXT_MAX - vm->made) {
		sieve_fail(vm, "%s", _("the texts of this command are too "
		    "long"));
		return NULL;
	}
	vm->made += len;
	r = sieve_get(&vm->arena, len + 1);
	if (len > 0)
		memcpy(r, p, len);
	return r;
}

struct buf *
sieve_variable(struct sieve_vm *vm, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < vm->n_variables; i++)
		if (str_is(p, len, vm->variable[i].name))
			return &vm->variable[i].value;
	return NULL;
}

/* The check has counted them. */
struct buf *
sieve_variable_make(struct sieve_vm *vm, const char *p, size_t len)
{
	struct buf *v = sieve_variable(vm, p, len);
	struct sieve_variable *n;

	if (v != NULL)
		return v;
	n = &vm->variable[vm->n_variables++];
	n->name = mem_strndup(p, len);
	buf_init(&n->value, 0);
	return &n->value;
}

/* "${00}" is "${0}"; a number that nothing matched is empty. */
static struct sieve_view
matched(const struct sieve_vm *vm, const char *p, size_t len)
{
	struct sieve_view v = { "", 0 };
	uint64_t i;

	while (len > 1 && *p == '0') {
		p++;
		len--;
	}
	if (str_number(p, len, SIEVE_MATCHES_MAX, &i) == 0 &&
	    i < vm->n_matches) {
		v.p = buf_str(&vm->matched) + vm->match[i].from;
		v.len = vm->match[i].len;
	}
	return v;
}

static struct sieve_view
value_of(struct sieve_vm *vm, const char *name, size_t len)
{
	const struct buf *v;

	if (*name >= '0' && *name <= '9')
		return matched(vm, name, len);
	if ((v = sieve_variable(vm, name, len)) == NULL)
		return (struct sieve_view){ "", 0 };
	return (struct sieve_view){ buf_str(v), v->len };
}

int
sieve_expand(struct sieve_vm *vm, const struct sieve_string *s,
    struct sieve_view *r)
{
	struct buf out = BUF_INIT(SIEVE_TEXT_MAX);
	struct sieve_view v;
	const char *name;
	size_t i, n, len;
	int full = 0;

	r->p = s->p;
	r->len = s->len;
	if (!s->varies)
		return 0;
	for (i = 0; i < s->len && !full; i += n) {
		n = sieve_reference(s->p + i, s->len - i, &name, &len);
		if (n == 0) {
			n = 1;
			full = buf_putc(&out, s->p[i]) == -1;
			continue;
		}
		v = value_of(vm, name, len);
		full = sieve_steps(vm, v.len + SIEVE_VARIABLES_MAX) == -1 ||
		    buf_append(&out, v.p, v.len) == -1;
	}
	r->len = out.len;
	if (full)
		r->p = NULL;
	else
		r->p = sieve_keep_text(vm, buf_str(&out), out.len);
	buf_clear(&out);
	if (full && vm->steps > 0)
		return sieve_fail(vm, "%s", _("the texts of this command are "
		    "too long"));
	return r->p != NULL ? 0 : -1;
}

static void
change_case(char *p, size_t len, int lower)
{
	for (; len > 0; len--, p++) {
		if (lower)
			*p = (char)str_lower((unsigned char)*p);
		else if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	}
}

static void
quote_wildcards(struct buf *v)
{
	struct buf out = BUF_INIT(0);
	size_t i;

	for (i = 0; i < v->len; i++) {
		if (v->data[i] == '*' || v->data[i] == '?' ||
		    v->data[i] == '\\')
			buf_putc(&out, '\\');
		buf_putc(&out, v->data[i]);
	}
	buf_clear(v);
	*v = out;
}

/* In characters (RFC 5229 4.3). */
static void
count_characters(struct buf *v)
{
	uint64_t n = 0;
	size_t i, one;

	for (i = 0; i < v->len; i += one, n++) {
		one = str_utf8(v->data + i, v->len - i);
		if (one == 0)
			one = 1;
	}
	buf_reset(v);
	buf_put_number(v, n);
}

static void
modify(struct buf *v, int modifier)
{
	switch (modifier) {
	case SIEVE_M_LOWER: case SIEVE_M_UPPER:
		change_case(v->data, v->len, modifier == SIEVE_M_LOWER);
		break;
	case SIEVE_M_LOWERFIRST: case SIEVE_M_UPPERFIRST:
		change_case(v->data, v->len > 0, modifier ==
		    SIEVE_M_LOWERFIRST);
		break;
	case SIEVE_M_QUOTE:
		quote_wildcards(v);
		break;
	case SIEVE_M_LENGTH:
		count_characters(v);
		break;
	}
}

/* RFC 5229 6: cut where it is too long, not within a character. */
static void
cut(struct buf *v)
{
	size_t n = SIEVE_VALUE_MAX, i;

	if (v->len <= n)
		return;
	for (i = n; i > n - 4 && ((unsigned char)v->data[i] & 0xc0) == 0x80;
	    i--)
		;
	buf_truncate(v, i > n - 4 ? i : n);
}

int
sieve_set(struct sieve_vm *vm, const struct sieve_node *n)
{
	const struct sieve_string *name = &n->a.s[0];
	struct buf value = BUF_INIT(0), *v;
	struct sieve_view text;
	size_t i;

	if (sieve_expand(vm, &n->b.s[0], &text) == -1 ||
	    sieve_steps(vm, 4 * text.len) == -1)
		return -1;
	buf_append(&value, text.p, text.len);
	for (i = 0; i < 4; i++)
		modify(&value, n->modifier[i]);
	cut(&value);
	v = sieve_variable_make(vm, name->p, name->len);
	buf_clear(v);
	*v = value;
	return 0;
}
