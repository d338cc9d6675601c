/*
 * collect: the providers' accounts that mail is collected from. The table is
 * edited here; how it goes is asked of collect, over its control socket.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_util.h"
#include "ctl/table_collect.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

enum {
	ANSWER_MS = 10 * 1000,
	TEST_MS = 300 * 1000,	/* a login at a slow provider */
};

typedef int change_fn(const struct ctl *c, struct collect_account *a,
    struct buf *why);

static struct ctl_control
request(const struct ctl *c, enum c_type type, int timeout_ms)
{
	return (struct ctl_control){ .who = PEER_COLLECT, .type = type,
		.user = c->n_args > 0 ? c->args[0] : NULL,
		.timeout_ms = timeout_ms };
}

int
cmd_collect_list(struct ctl *c)
{
	struct ctl_control q = request(c, C_LIST, ANSWER_MS);

	return ctl_load(c) == -1 ? CTL_REFUSED : control_list(c, &q);
}

int
cmd_collect_run(struct ctl *c)
{
	struct ctl_control q = request(c, C_RETRY, ANSWER_MS);

	return ctl_load(c) == -1 ? CTL_REFUSED : control_call(c, &q);
}

int
cmd_collect_test(struct ctl *c)
{
	struct ctl_control q = request(c, C_CHECK, TEST_MS);

	return ctl_load(c) == -1 ? CTL_REFUSED : control_list(c, &q);
}

/* A word made of an option. 0, or -1 with why. */
static int
option(const struct ctl *c, int slot, const char *key,
    struct collect_account *a, struct buf *why)
{
	struct buf word = BUF_INIT(0);
	int r;

	if (c->opt[slot] == NULL)
		return 0;
	buf_printf(&word, "%s%s", key, c->opt[slot]);
	r = collect_word(word.data, word.len, a, why);
	buf_clear(&word);
	return r;
}

static int
argument(const char *key, const char *value, struct collect_account *a,
    struct buf *why)
{
	struct buf word = BUF_INIT(0);
	int r;

	/* A line is words with blanks between them. */
	if (strpbrk(value, " \t\r\n") != NULL) {
		buf_set(why, _("%s: has blanks"), value);
		return -1;
	}
	buf_printf(&word, "%s=%s", key, value);
	r = collect_word(word.data, word.len, a, why);
	buf_clear(&word);
	return r;
}

static int
take_options(const struct ctl *c, struct collect_account *a, struct buf *why)
{
	static const struct {
		int slot;
		const char *key;
	} rows[] = {
		{ OPT_COLLECT_PROTOCOL, "" }, { OPT_COLLECT_TLS, "tls=" },
		{ OPT_COLLECT_KEEP, "keep=" }, { OPT_COLLECT_EVERY, "every=" },
		{ OPT_COLLECT_LARGEST, "largest=" },
		{ OPT_COLLECT_FIELDS, "fields=" },
	};
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		r = option(c, rows[i].slot, rows[i].key, a, why);
	if (c->opt[OPT_COLLECT_NO_IDLE] != NULL)
		a->options |= COLLECT_NO_IDLE;
	if (c->opt[OPT_COLLECT_OAUTH] != NULL)
		a->options |= COLLECT_TOKEN;
	return r;
}

static int
take_password(const struct ctl *c, struct collect_account *a, struct buf *why)
{
	struct buf password = BUF_INIT(SECRET_MAX);
	size_t n;
	int r;

	r = ctl_password(c->opt[OPT_COLLECT_STDIN] != NULL, a->name, &password,
	    why);
	n = password.len;
	if (r == 0 && (n == 0 || buf_str(&password)[0] == ' ' ||
	    buf_str(&password)[n - 1] == ' ')) {
		buf_set(why, _("a password that is empty, or begins or ends "
		    "with a blank, cannot be kept"));
		r = -1;
	}
	if (r == 0 && str_copy(a->password, sizeof(a->password),
	    buf_str(&password)) == -1)
		r = -1;
	buf_wipe(&password);
	return r;
}

static int
add(const struct ctl *c, struct set *s, struct collect_account *a,
    struct buf *why)
{
	struct buf name = BUF_INIT(0), line = BUF_INIT(0);
	int r;

	collect_init(a);
	r = s->t[TEXT_COLLECT].table->key(c->args[0], strlen(c->args[0]),
	    &name, why);
	if (r == 0 && text_find(&s->t[TEXT_COLLECT], buf_str(&name)) != NULL) {
		buf_set(why, _("%s: is there already"), buf_str(&name));
		r = -1;
	}
	if (r == 0)
		r = str_copy(a->name, sizeof(a->name), buf_str(&name));
	if (r == 0)
		r = argument("host", c->args[1], a, why);
	if (r == 0)
		r = argument("login", c->args[2], a, why);
	if (r == 0)
		r = argument("to", c->args[3], a, why);
	if (r == 0)
		r = take_options(c, a, why);
	if (r == 0)
		r = take_password(c, a, why);
	if (r == 0) {
		collect_line(a, &line);
		r = text_add(&s->t[TEXT_COLLECT], buf_str(&line), why);
	}
	buf_clear(&name);
	buf_wipe(&line);
	return r;
}

int
cmd_collect_add(struct ctl *c)
{
	struct collect_account *a = mem_zalloc(1, sizeof(*a));
	struct buf why = BUF_INIT(0);
	struct set s;
	int r;

	if (table_open(c, &s, 1) == -1) {
		free(a);
		return CTL_REFUSED;
	}
	r = add(c, &s, a, &why);
	mem_wipe(a, sizeof(*a));
	free(a);
	return table_end(c, &s, r, &why, 1);
}

int
cmd_collect_del(struct ctl *c)
{
	return table_del(c, TEXT_COLLECT, c->args[0]);
}

/* What was fetched up to now may go at the provider (keep=confirmed). */
static int
confirm(const struct ctl *c, struct collect_account *a, struct buf *why)
{
	(void)c;
	if (a->keep != COLLECT_KEEP_CONFIRMED) {
		buf_set(why, _("%s: what is kept there does not wait for a "
		    "confirmation (keep=confirmed)"), a->name);
		return -1;
	}
	a->confirmed = clock_now();
	return 0;
}

/* Its line after f. */
static int
change_row(const struct ctl *c, struct set *s, const char *name, change_fn *f,
    struct collect_account *a, struct buf *why)
{
	struct row *r = text_find(&s->t[TEXT_COLLECT], name);
	struct buf line = BUF_INIT(0);
	int ok;

	if (r == NULL) {
		buf_set(why, _("%s: no such account in collect"), name);
		return -1;
	}
	if (collect_of(r, a, why) == -1 || f(c, a, why) == -1)
		return -1;
	collect_line(a, &line);
	ok = text_change(&s->t[TEXT_COLLECT], &r, buf_str(&line), why);
	buf_wipe(&line);
	return ok;
}

static int
change(struct ctl *c, change_fn *f)
{
	struct collect_account *a = mem_zalloc(1, sizeof(*a));
	struct buf why = BUF_INIT(0), name = BUF_INIT(0);
	struct set s;
	int r;

	if (table_open(c, &s, 1) == -1) {
		free(a);
		return CTL_REFUSED;
	}
	r = s.t[TEXT_COLLECT].table->key(c->args[0], strlen(c->args[0]), &name,
	    &why);
	if (r == 0)
		r = change_row(c, &s, buf_str(&name), f, a, &why);
	buf_clear(&name);
	mem_wipe(a, sizeof(*a));
	free(a);
	return table_end(c, &s, r, &why, 1);
}

int
cmd_collect_confirm(struct ctl *c)
{
	return change(c, confirm);
}

/* It has another password there, or a new access token. */
int
cmd_collect_password(struct ctl *c)
{
	return change(c, take_password);
}
