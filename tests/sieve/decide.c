#include <string.h>

#include "tests/sieve/decide.h"

static struct buf line;

static void
put_flags(const char *flags)
{
	if (flags != NULL)
		buf_printf(&line, "(%s)", flags);
}

static void
put_result(const struct sieve_result *r)
{
	const struct sieve_action *a;
	size_t i;

	for (i = 0; i < r->n; i++) {
		a = &r->action[i];
		buf_printf(&line, "%s%s:%s%s", i > 0 ? " " : "",
		    a->kind == SIEVE_FILE ? "file" : "redirect", a->to,
		    a->make ? "+make" : "");
		put_flags(a->flags);
	}
	if (r->keep) {
		buf_puts(&line, r->n > 0 ? " keep" : "keep");
		put_flags(r->keep_flags);
	} else if (r->n == 0)
		buf_puts(&line, "-");
}

/* "Archive" and "Lists/a" are there. */
static int
is_there(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "Archive") == 0 || strcmp(name, "Lists/a") == 0;
}

static int
one(const char *text, size_t len, const struct sieve_message *m,
    struct sieve_result *r)
{
	struct buf why = BUF_INIT(500);
	struct sieve_script *s = sieve_compile(text, len, &why);
	int result = -1;

	if (s == NULL)
		buf_printf(&line, "refused: %s", buf_str(&why));
	else if ((result = sieve_run(s, m, r, &why)) == -1)
		buf_printf(&line, "error: %s", buf_str(&why));
	sieve_free(&s);
	buf_clear(&why);
	return result;
}

const char *
decide_after(const char *first, const char *script, size_t len,
    const struct decide *d)
{
	struct sieve_message m = { .data = d->message, .len = d->len != 0 ?
		d->len : strlen(d->message), .from = d->from, .to = d->to,
		.separator = '+', .mailbox = is_there };
	struct sieve_result r;
	int ok = 0;

	m.size = m.len;
	buf_reset(&line);
	sieve_result_init(&r);
	if (first != NULL)
		ok = one(first, strlen(first), &m, &r);
	if (ok == 0 && r.keep)
		ok = one(script, len, &m, &r);
	if (ok == 0)
		put_result(&r);
	sieve_result_clear(&r);
	return buf_str(&line);
}

const char *
decide(const char *script, const struct decide *d)
{
	return decide_after(NULL, script, strlen(script), d);
}
