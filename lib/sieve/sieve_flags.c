/*
 * Flags (RFC 5232): a list of them is a text with blanks between. What is no
 * flag of IMAP is left out (2.: "MUST ignore"), each stands once, in any case
 * of its letters.
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/sieve/sieve_vm.h"

/* flag-keyword = atom; of system flags those that can be set. The spelling. */
static int
is_flag(struct sieve_view *f)
{
	static const char *const system[] = { "\\Answered", "\\Flagged",
		"\\Deleted", "\\Seen", "\\Draft" };
	size_t i;

	if (f->len == 0 || f->len > SIEVE_FLAG_LEN)
		return 0;
	for (i = 0; i < sizeof(system) / sizeof(system[0]); i++)
		if (str_is(f->p, f->len, system[i])) {
			f->p = system[i];
			return 1;
		}
	for (i = 0; i < f->len; i++)
		if ((unsigned char)f->p[i] <= ' ' ||
		    (unsigned char)f->p[i] >= 0x7f ||
		    strchr("(){%*\"\\]", f->p[i]) != NULL)
			return 0;
	return 1;
}

int
sieve_flags_each(struct sieve_vm *vm, const char *p, size_t len,
    sieve_flag_fn *each, void *arg)
{
	const char *end = p + len;
	struct sieve_view f;
	int r;

	if (sieve_steps(vm, len) == -1)
		return -1;
	while (p < end) {
		f.p = p;
		while (p < end && *p != ' ')
			p++;
		f.len = (size_t)(p - f.p);
		if (p < end)
			p++;
		if (is_flag(&f) && (r = each(vm, arg, f.p, f.len)) != 0)
			return r;
	}
	return 0;
}

struct place {
	const char *flag;
	size_t	 len, n;
	struct buf *left;	/* all others; or NULL */
};

static int
look(struct sieve_vm *vm, void *arg, const char *p, size_t len)
{
	struct place *f = arg;

	(void)vm;
	f->n++;
	if (f->len == len && str_ncasecmp(f->flag, p, len) == 0)
		return 1;
	if (f->left != NULL) {
		if (f->left->len > 0)
			buf_putc(f->left, ' ');
		buf_append(f->left, p, len);
	}
	return 0;
}

static int
add_one(struct sieve_vm *vm, void *arg, const char *p, size_t len)
{
	struct place f = { p, len, 0, NULL };
	struct buf *flags = arg;
	int r = sieve_flags_each(vm, buf_str(flags), flags->len, look, &f);

	if (r != 0)
		return r == 1 ? 0 : -1;
	if (f.n >= SIEVE_FLAGS_MAX)
		return sieve_fail(vm, _("more than %d flags"),
		    SIEVE_FLAGS_MAX);
	if (flags->len > 0)
		buf_putc(flags, ' ');
	buf_append(flags, p, len);
	return 0;
}

int
sieve_flags_add(struct sieve_vm *vm, struct buf *flags, const char *p,
    size_t len)
{
	return sieve_flags_each(vm, p, len, add_one, flags);
}

static int
remove_one(struct sieve_vm *vm, void *arg, const char *p, size_t len)
{
	struct buf left = BUF_INIT(0), *flags = arg;
	struct place f = { p, len, 0, &left };
	const char *at = buf_str(flags), *end = at + flags->len;
	int r = 0;

	/* look stops at the one that goes; the walk goes on behind it. */
	while (at < end && r != -1) {
		const char *sp = memchr(at, ' ', (size_t)(end - at));
		size_t n = (size_t)((sp != NULL ? sp : end) - at);

		r = sieve_flags_each(vm, at, n, look, &f);
		at += n + 1;
	}
	if (r == -1) {
		buf_clear(&left);
		return -1;
	}
	buf_clear(flags);
	*flags = left;
	return 0;
}

int
sieve_flags_remove(struct sieve_vm *vm, struct buf *flags, const char *p,
    size_t len)
{
	return sieve_flags_each(vm, p, len, remove_one, flags);
}
