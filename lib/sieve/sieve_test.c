/*
 * Tests (RFC 5228 5, and those of extensions): what a message, its envelope
 * and variables say.
 */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/address.h"
#include "lib/mail/mime_decode.h"
#include "lib/sieve/sieve_vm.h"

enum { LOOK_UP = 1024 };	/* steps of a look among the mailboxes */

/* Fields */

static void
index_fields(struct sieve_vm *vm)
{
	struct header_field f;
	struct header h;
	size_t cap = 0;

	vm->indexed = 1;
	header_init(&h, vm->m->data, vm->m->len);
	while (vm->n_fields < SIEVE_FIELDS_MAX && header_next(&h, &f)) {
		if (f.name_len == 0)
			continue;
		if (vm->n_fields == cap) {
			cap = cap * 2 + 32;
			vm->field = mem_realloc(vm->field, cap,
			    sizeof(*vm->field));
		}
		vm->field[vm->n_fields++] = f;
	}
}

/* The next field of that name from *i on; 1, 0, -1. */
static int
next_field(struct sieve_vm *vm, const struct sieve_view *name, size_t *i,
    const struct header_field **f)
{
	size_t from = *i;

	if (!vm->indexed)
		index_fields(vm);
	for (; *i < vm->n_fields; (*i)++) {
		*f = &vm->field[*i];
		if ((*f)->name_len == name->len && str_ncasecmp((*f)->name,
		    name->p, name->len) == 0) {
			(*i)++;
			return sieve_steps(vm, *i - from) == -1 ? -1 : 1;
		}
	}
	return sieve_steps(vm, *i - from);
}

/* Blanks at both ends do not count (RFC 5228 2.4.2.2). */
static struct sieve_view
trim(const struct buf *b)
{
	struct sieve_view v = { buf_str(b), b->len };

	while (v.len > 0 && strchr(" \t\r\n", v.p[v.len - 1]) != NULL &&
	    v.p[v.len - 1] != '\0')
		v.len--;
	while (v.len > 0 && (*v.p == ' ' || *v.p == '\t' || *v.p == '\r' ||
	    *v.p == '\n')) {
		v.p++;
		v.len--;
	}
	return v;
}

static int
try_header(struct sieve_vm *vm, struct sieve_compare *c,
    const struct header_field *f)
{
	struct sieve_view v;

	if (sieve_steps(vm, f->value_len) == -1)
		return -1;
	buf_reset(&vm->value);
	mime_words(f->value, f->value_len, &vm->value);
	v = trim(&vm->value);
	return sieve_compare_try(vm, c, v.p, v.len);
}

/* Addresses */

struct addresses {
	struct sieve_vm *vm;
	struct sieve_compare *c;
	struct buf local;
};

/* A local part as it is meant: without quotes. */
static void
unquote(const char *p, size_t len, struct buf *out)
{
	size_t i;

	buf_reset(out);
	if (len < 2 || *p != '"') {
		buf_append(out, p, len);
		return;
	}
	for (i = 1; i + 1 < len; i++) {
		if (p[i] == '\\' && i + 2 < len)
			i++;
		buf_putc(out, p[i]);
	}
}

/* Where the detail begins (RFC 5233), as the tables see it (tables_address);
   NULL: there is none. */
static const char *
separator(const struct sieve_vm *vm, const struct sieve_view *local)
{
	return vm->m->separator == '\0' || local->len < 2 ? NULL :
	    memchr(local->p + 1, vm->m->separator, local->len - 1);
}

/* 2.7.4: "local@domain", of which a part is compared; where the address does
   not have that part there is nothing to compare. */
static int
try_part(struct addresses *a, const char *p, size_t len)
{
	const char *at = memrchr(p, '@', len), *plus;
	struct sieve_view local;

	/* RFC 5231 4.2 counts addresses, whatever parts they have. */
	if (a->c->n->part == SIEVE_ALL || a->c->n->match == SIEVE_COUNT)
		return sieve_compare_try(a->vm, a->c, p, len);
	if (a->c->n->part == SIEVE_DOMAIN)
		return at == NULL ? 0 : sieve_compare_try(a->vm, a->c, at + 1,
		    len - (size_t)(at + 1 - p));
	unquote(p, at != NULL ? (size_t)(at - p) : len, &a->local);
	local.p = buf_str(&a->local);
	local.len = a->local.len;
	plus = separator(a->vm, &local);
	if (a->c->n->part == SIEVE_USER && plus != NULL)
		local.len = (size_t)(plus - local.p);
	if (a->c->n->part == SIEVE_DETAIL) {
		if (plus == NULL)
			return 0;
		local.len -= (size_t)(plus + 1 - local.p);
		local.p = plus + 1;
	}
	return sieve_compare_try(a->vm, a->c, local.p, local.len);
}

static int
try_entry(const struct address_entry *e, void *arg)
{
	return e->bad ? 0 : try_part(arg, e->text, e->len);
}

static int
try_addresses(struct sieve_vm *vm, struct sieve_compare *c,
    const struct header_field *f)
{
	struct addresses a = { vm, c, BUF_INIT(0) };
	int r;

	if (sieve_steps(vm, f->value_len) == -1)
		return -1;
	r = address_list(f->value, f->value_len, try_entry, &a);
	buf_clear(&a.local);
	return r;
}

/* header, address: each field of each name. */
static int
test_fields(struct sieve_vm *vm, const struct sieve_node *n, int (*try)(
    struct sieve_vm *, struct sieve_compare *, const struct header_field *))
{
	const struct header_field *f;
	struct sieve_compare c;
	struct sieve_view name;
	size_t i, at;
	int r;

	if (sieve_compare_begin(vm, &c, n, &n->b) == -1)
		return -1;
	for (i = 0; i < n->a.n; i++) {
		if (sieve_expand(vm, &n->a.s[i], &name) == -1)
			return -1;
		at = 0;
		while ((r = next_field(vm, &name, &at, &f)) == 1)
			if ((r = try(vm, &c, f)) != 0)
				return r;
		if (r == -1)
			return -1;
	}
	return sieve_compare_end(vm, &c);
}

/* 5.4: "The null reverse-path is matched against as the empty string,
   regardless of the ADDRESS-PART argument specified." */
static int
try_envelope(struct sieve_vm *vm, struct sieve_compare *c, const char *path)
{
	struct addresses a = { vm, c, BUF_INIT(0) };
	int r;

	if (path == NULL)
		return 0;
	if (*path == '\0')
		return sieve_compare_try(vm, c, "", 0);
	r = try_part(&a, path, strlen(path));
	buf_clear(&a.local);
	return r;
}

static int
test_envelope(struct sieve_vm *vm, const struct sieve_node *n)
{
	struct sieve_compare c;
	struct sieve_view v;
	size_t i;
	int r = 0;

	if (sieve_compare_begin(vm, &c, n, &n->b) == -1)
		return -1;
	for (i = 0; i < n->a.n && r == 0; i++) {
		if (sieve_expand(vm, &n->a.s[i], &v) == -1)
			return -1;
		if (str_is(v.p, v.len, "from"))
			r = try_envelope(vm, &c, vm->m->from);
		else if (str_is(v.p, v.len, "to"))
			r = try_envelope(vm, &c, vm->m->to);
	}
	return r != 0 ? r : sieve_compare_end(vm, &c);
}

static int
test_exists(struct sieve_vm *vm, const struct sieve_node *n)
{
	const struct header_field *f;
	struct sieve_view name;
	size_t i, at;
	int r;

	for (i = 0; i < n->a.n; i++) {
		at = 0;
		if (sieve_expand(vm, &n->a.s[i], &name) == -1)
			return -1;
		if ((r = next_field(vm, &name, &at, &f)) != 1)
			return r;
	}
	return 1;
}

/* RFC 5229 5: of a count, an empty string is none. */
static int
test_string(struct sieve_vm *vm, const struct sieve_node *n)
{
	struct sieve_compare c;
	struct sieve_view v;
	size_t i;
	int r;

	if (sieve_compare_begin(vm, &c, n, &n->b) == -1)
		return -1;
	for (i = 0; i < n->a.n; i++) {
		if (sieve_expand(vm, &n->a.s[i], &v) == -1)
			return -1;
		if (n->match == SIEVE_COUNT && v.len == 0)
			continue;
		if ((r = sieve_compare_try(vm, &c, v.p, v.len)) != 0)
			return r;
	}
	return sieve_compare_end(vm, &c);
}

static int
try_flag(struct sieve_vm *vm, void *arg, const char *p, size_t len)
{
	return sieve_compare_try(vm, arg, p, len);
}

/* RFC 5232 4 */
static int
test_hasflag(struct sieve_vm *vm, const struct sieve_node *n)
{
	const struct buf *b = &vm->flags;
	struct sieve_compare c;
	struct sieve_view v;
	size_t i;
	int r = 0;

	if (sieve_compare_begin(vm, &c, n, &n->b) == -1)
		return -1;
	if (n->a.n == 0)
		r = sieve_flags_each(vm, buf_str(b), b->len, try_flag, &c);
	for (i = 0; i < n->a.n && r == 0; i++) {
		if (sieve_expand(vm, &n->a.s[i], &v) == -1)
			return -1;
		b = sieve_variable(vm, v.p, v.len);
		if (b != NULL)
			r = sieve_flags_each(vm, buf_str(b), b->len, try_flag,
			    &c);
	}
	return r != 0 ? r : sieve_compare_end(vm, &c);
}

static int
test_body(struct sieve_vm *vm, const struct sieve_node *n)
{
	struct sieve_compare c;
	int r;

	if (sieve_compare_begin(vm, &c, n, &n->a) == -1)
		return -1;
	/* RFC 5173 6: its wildcards set no variable. */
	c.captures = 0;
	r = sieve_body(vm, &c);
	return r != 0 ? r : sieve_compare_end(vm, &c);
}

static int
test_have(struct sieve_vm *vm, const struct sieve_node *n)
{
	struct sieve_view v;
	size_t i;

	for (i = 0; i < n->a.n; i++) {
		if (sieve_expand(vm, &n->a.s[i], &v) == -1)
			return -1;
		if (sieve_capability(v.p, v.len) == 0)
			return 0;
	}
	return 1;
}

/* RFC 5490 3.1: all of them. */
static int
test_mailbox(struct sieve_vm *vm, const struct sieve_node *n)
{
	struct sieve_view v;
	char *name;
	size_t i;

	for (i = 0; i < n->a.n; i++) {
		if (sieve_expand(vm, &n->a.s[i], &v) == -1 ||
		    (name = sieve_keep_text(vm, v.p, v.len)) == NULL ||
		    sieve_steps(vm, LOOK_UP) == -1)
			return -1;
		if (vm->m->mailbox == NULL ||
		    !vm->m->mailbox(vm->m->arg, name))
			return 0;
	}
	return 1;
}

/* allof (all 1), anyof: no more is looked at than is needed. */
static int
test_several(struct sieve_vm *vm, const struct sieve_node *t, int all)
{
	int r = all;

	for (; t != NULL && r == all; t = t->next)
		r = sieve_test(vm, t);
	return r;
}

static int
test_not(struct sieve_vm *vm, const struct sieve_node *t)
{
	int r = sieve_test(vm, t);

	return r == -1 ? -1 : !r;
}

int
sieve_test(struct sieve_vm *vm, const struct sieve_node *n)
{
	if (sieve_steps(vm, 1) == -1)
		return -1;
	switch (n->code) {
	case SIEVE_T_TRUE: return 1;
	case SIEVE_T_FALSE: return 0;
	case SIEVE_T_NOT: return test_not(vm, n->tests);
	case SIEVE_T_ALLOF: return test_several(vm, n->tests, 1);
	case SIEVE_T_ANYOF: return test_several(vm, n->tests, 0);
	case SIEVE_T_HEADER: return test_fields(vm, n, try_header);
	case SIEVE_T_ADDRESS: return test_fields(vm, n, try_addresses);
	case SIEVE_T_ENVELOPE: return test_envelope(vm, n);
	case SIEVE_T_EXISTS: return test_exists(vm, n);
	case SIEVE_T_SIZE:
		return n->over ? vm->m->size > n->number :
		    vm->m->size < n->number;
	case SIEVE_T_STRING: return test_string(vm, n);
	case SIEVE_T_HASFLAG: return test_hasflag(vm, n);
	case SIEVE_T_BODY: return test_body(vm, n);
	case SIEVE_T_IHAVE: return test_have(vm, n);
	case SIEVE_T_MAILBOXEXISTS: return test_mailbox(vm, n);
	default:
		return sieve_fail(vm, "%s", n->trouble);
	}
}
