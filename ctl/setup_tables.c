#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctl/cmd_dkim.h"
#include "ctl/cmd_user.h"
#include "ctl/ctl_check.h"
#include "ctl/ctl_hash.h"
#include "ctl/ctl_name.h"
#include "ctl/setup_tables.h"
#include "ctl/table_aliases.h"
#include "ctl/table_dkim.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

/* How to write it right. */
static void
put_form(struct buf *words, const struct setup_answer *a)
{
	const char *form = a == NULL || a->line == 0 ? NULL :
	    answers_form(a->key);

	if (form != NULL)
		buf_printf(words, _(" (a good line: %s)"), form);
}

int
setup_refuse(struct setup *s, const struct setup_answer *a, struct buf *why,
    const char *fmt, ...)
{
	struct buf words = BUF_INIT(0);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&words, fmt, ap);
	va_end(ap);
	put_form(&words, a);
	if (s->answers.name[0] == '\0')
		buf_set(why, "%s", buf_str(&words));
	else if (a != NULL && a->line != 0)
		buf_set(why, "%s:%u: %s", s->answers.name, a->line,
		    buf_str(&words));
	else
		buf_set(why, "%s: %s", s->answers.name, buf_str(&words));
	buf_clear(&words);
	return -1;
}

/* Adds the line unless its key is there already; then the old line stays. */
static int
add_missing(struct setup *s, enum text_id id, const char *key,
    const struct setup_answer *a, const char *line, struct buf *why)
{
	struct buf words = BUF_INIT(0);
	int r = 0;

	if (text_find(&s->set.t[id], key) == NULL &&
	    text_add(&s->set.t[id], line, &words) == -1)
		r = setup_refuse(s, a, why, "%s: %s", a->key,
		    buf_str(&words));
	buf_clear(&words);
	return r;
}

static int
add_domain(struct setup *s, const struct setup_answer *a, struct buf *why)
{
	struct buf name = BUF_INIT(DOMAIN_MAX), words = BUF_INIT(0);
	size_t n = strcspn(a->value, " \t=");
	int r;

	if (name_domain(a->value, n, &name, &words) == -1)
		r = setup_refuse(s, a, why, "domain: %s", buf_str(&words));
	else
		r = add_missing(s, TEXT_DOMAINS, buf_str(&name), a, a->value,
		    why);
	buf_clear(&name);
	buf_clear(&words);
	return r;
}

/* A password that stands already is not hashed anew: setup can be repeated. */
static int
set_password(struct setup *s, const char *account, const char *password,
    struct buf *why)
{
	const struct row *old = text_find(&s->set.t[TEXT_PASSWD], account);
	struct buf fields = BUF_INIT(0), note = BUF_INIT(0);
	int r;

	if (old != NULL && old->hash != NULL &&
	    hash_verify(old->hash, password))
		return 0;
	r = hash_fields(password, 0, &fields, &note, why);
	if (r == 0)
		r = table_set_password(&s->set, account, buf_str(&fields),
		    why);
	buf_wipe(&fields);
	buf_clear(&note);
	return r;
}

/* user = ADDRESS [PASSWORD] */
static int
add_user(struct setup *s, const struct setup_answer *a, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), words = BUF_INIT(0);
	size_t n = strcspn(a->value, " \t");
	const char *password = a->value + n + strspn(a->value + n, " \t");
	int r;

	r = name_address(a->value, n, NAME_ACCOUNT, &name, &words);
	if (r == 0 && *password == '\0' &&
	    text_find(&s->set.t[TEXT_PASSWD], buf_str(&name)) == NULL) {
		buf_set(&words, _("%s: a password is missing"), buf_str(&name));
		r = -1;
	}
	if (r == 0 && *password != '\0')
		r = set_password(s, buf_str(&name), password, &words);
	if (r == -1)
		setup_refuse(s, a, why, "user: %s", buf_str(&words));
	else
		r = add_missing(s, TEXT_USERS, buf_str(&name), a,
		    buf_str(&name), why);
	buf_clear(&name);
	buf_clear(&words);
	return r;
}

/* alias = ADDRESS = TARGET, ... */
static int
add_alias(struct setup *s, const struct setup_answer *a, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), words = BUF_INIT(0);
	const char *p = a->value;
	size_t n = strcspn(p, "=");
	int r;

	name_trim(&p, &n);
	alias_name(&p, &n);
	if (name_address(p, n, NAME_ALIAS, &name, &words) == -1)
		r = setup_refuse(s, a, why, "alias: %s", buf_str(&words));
	else
		r = add_missing(s, TEXT_ALIASES, buf_str(&name), a, a->value,
		    why);
	buf_clear(&name);
	buf_clear(&words);
	return r;
}

/* collect = NAME = ...: a line of the table. */
static int
add_collect(struct setup *s, const struct setup_answer *a, struct buf *why)
{
	const struct table *t = s->set.t[TEXT_COLLECT].table;
	struct buf name = BUF_INIT(0), words = BUF_INIT(0);
	const char *p = a->value;
	size_t n = strcspn(p, "=");
	int r;

	name_trim(&p, &n);
	/* A password may stand in what is not the name. */
	if (p[n] == '\0' || strcspn(p, " \t=") < n)
		r = setup_refuse(s, a, why, _("%s: no name stands first"),
		    a->key);
	else if (t->key(p, n, &name, &words) == -1)
		r = setup_refuse(s, a, why, "%s: %s", a->key, buf_str(&words));
	else
		r = add_missing(s, TEXT_COLLECT, buf_str(&name), a, a->value,
		    why);
	buf_clear(&name);
	buf_clear(&words);
	return r;
}

/* postmaster = ADDRESS; what was answered wins over the line that is there. */
static int
add_role(struct setup *s, const char *role, struct buf *why)
{
	struct text *t = &s->set.t[TEXT_ALIASES];
	struct buf line = BUF_INIT(0), words = BUF_INIT(0);
	const struct setup_answer *a;
	size_t i = 0;
	int r;

	a = answers_next(&s->answers, role, &i);
	if (a == NULL)
		return 0;
	buf_printf(&line, "%s = %s", role, a->value);
	r = text_find(t, role) == NULL ? text_add(t, buf_str(&line), &words) :
	    text_set(t, role, buf_str(&line), &words);
	if (r == -1)
		setup_refuse(s, a, why, "%s: %s", role, buf_str(&words));
	buf_clear(&line);
	buf_clear(&words);
	return r;
}

static int
add_all(struct setup *s, const char *key,
    int (*add)(struct setup *, const struct setup_answer *, struct buf *),
    struct buf *why)
{
	const struct setup_answer *a;
	size_t i = 0;

	while ((a = answers_next(&s->answers, key, &i)) != NULL) {
		if (add(s, a, why) == -1)
			return -1;
	}
	return 0;
}

/* The answer that a row came from: a role's, or the one that names its key. */
static const struct setup_answer *
answer_of_row(struct setup *s, enum text_id id, const struct row *r)
{
	static const char *const keys[TEXT_COUNT] = {
		[TEXT_DOMAINS] = "domain", [TEXT_USERS] = "user",
		[TEXT_PASSWD] = "user", [TEXT_ALIASES] = "alias",
		[TEXT_COLLECT] = "collect",
	};
	const struct setup_answer *a;
	size_t i = 0, n = strlen(r->key);

	while (keys[id] != NULL &&
	    (a = answers_next(&s->answers, keys[id], &i)) != NULL) {
		if (strncasecmp(a->value, r->key, n) == 0 &&
		    strchr(" \t=", a->value[n]) != NULL)
			return a;
	}
	i = 0;
	return id != TEXT_ALIASES || strchr(r->key, '@') != NULL ? NULL :
	    answers_next(&s->answers, r->key, &i);
}

/*
 * The answer behind "DIR/users:3: words", and the words; NULL where no answer
 * made that line.
 */
static const struct setup_answer *
answer_of_place(struct setup *s, const char *line, const char **words_r)
{
	size_t n = strlen(s->dir), i = 0;
	const struct row *r = NULL;
	const char *file;
	unsigned long number;
	char *end;
	enum text_id id;

	if (strncmp(line, s->dir, n) != 0 || line[n] != '/')
		return NULL;
	line += n + 1;
	n = strcspn(line, ":\n");
	for (id = 0; id < TEXT_COUNT; id++) {
		file = s->set.t[id].table->file;
		if (strlen(file) == n && strncmp(file, line, n) == 0)
			break;
	}
	if (id == TEXT_COUNT || line[n] != ':')
		return NULL;
	number = strtoul(line + n + 1, &end, 10);
	while ((r = text_next(&s->set.t[id], &i)) != NULL &&
	    r->line != number)
		;
	*words_r = end + strspn(end, ": ");
	return r == NULL ? NULL : answer_of_row(s, id, r);
}

/* Faults between tables are found in their lines; answers made some. */
static void
translate(struct setup *s, struct buf *why)
{
	struct buf found = *why;
	const struct setup_answer *a;
	const char *p, *line, *words;
	size_t len;

	buf_init(why, 0);
	p = buf_str(&found);
	while ((line = str_line(&p, &len)) != NULL) {
		a = answer_of_place(s, line, &words);
		if (a != NULL && a->line != 0)
			buf_printf(why, "%s:%u: ", s->answers.name, a->line);
		else
			words = line;
		buf_append(why, words, (size_t)(line + len - words));
		put_form(why, a);
		if (p[-1] == '\n')
			buf_putc(why, '\n');
	}
	buf_clear(&found);
}

int
setup_tables(struct setup *s, struct buf *why)
{
	struct buf warn = BUF_INIT(0);
	size_t i = 0;
	int r;

	if (add_all(s, "domain", add_domain, why) == -1 ||
	    add_all(s, "user", add_user, why) == -1 ||
	    add_all(s, "alias", add_alias, why) == -1 ||
	    add_all(s, "collect", add_collect, why) == -1 ||
	    add_role(s, "postmaster", why) == -1 ||
	    add_role(s, "abuse", why) == -1)
		return -1;
	if (text_next(&s->set.t[TEXT_DOMAINS], &i) == NULL)
		return setup_refuse(s, NULL, why, _("no \"domain = \": which "
		    "domain's mail is taken?"));
	i = 0;
	if (text_find(&s->set.t[TEXT_ALIASES], "postmaster") == NULL &&
	    text_next(&s->set.t[TEXT_USERS], &i) == NULL)
		return setup_refuse(s, NULL, why, _("no \"postmaster = \" and "
		    "no user: who reads that mail?"));
	r = set_check(&s->set, why, &warn);
	if (r == -1)
		translate(s, why);
	buf_clear(&warn);
	return r;
}

/* name@domain = whoever reads postmaster's mail, unless it is there. */
static int
add_system(struct setup *s, const char *name, const char *domain,
    struct buf *why)
{
	struct buf line = BUF_INIT(0), words = BUF_INIT(0);
	const struct row *r;
	size_t i = 0;
	int found, bad = 0;

	buf_printf(&line, "%s@%s", name, domain);
	found = text_find(&s->set.t[TEXT_ALIASES], buf_str(&line)) != NULL ||
	    text_find(&s->set.t[TEXT_USERS], buf_str(&line)) != NULL;
	buf_puts(&line, " =");
	r = text_find(&s->set.t[TEXT_ALIASES], "postmaster");
	for (; r != NULL && i < r->n_targets; i++)
		buf_printf(&line, "%s %s", i > 0 ? "," : "", r->targets[i]);
	if (r == NULL && (r = text_next(&s->set.t[TEXT_USERS], &i)) != NULL)
		buf_printf(&line, " %s", r->key);
	if (!found && r != NULL)
		bad = text_add(&s->set.t[TEXT_ALIASES], buf_str(&line),
		    &words);
	if (bad == -1)
		setup_refuse(s, NULL, why, "%s", buf_str(&words));
	buf_clear(&line);
	buf_clear(&words);
	return bad;
}

/*
 * cron and its like write to root, people answer reports: both is mail of the
 * domain that bare names belong to.
 */
int
setup_host(struct setup *s, struct buf *why)
{
	const struct row *r;
	const char *domain;

	set_host(&s->set, s->hostname);
	if (!s->renamed)
		return 0;
	domain = set_host_domain(&s->set);
	if (domain == NULL) {
		r = text_find(&s->set.t[TEXT_DOMAINS], s->hostname);
		domain = r == NULL || r->value == NULL ? s->hostname :
		    r->value;
	}
	return add_system(s, "root", domain, why) == -1 ? -1 :
	    add_system(s, "mailer-daemon", domain, why);
}

static int
has_key(const struct setup *s, const char *domain)
{
	const struct row *r;
	size_t i = 0;

	while ((r = text_next(&s->set.t[TEXT_DKIM], &i)) != NULL)
		if (strcmp(r->domain, domain) == 0)
			return 1;
	return 0;
}

/* Is it of an answer? Only those are looked after where all was set up. */
static int
is_answered(const struct setup *s, const char *domain)
{
	const struct setup_answer *a;
	size_t i = 0, n = strlen(domain);

	while ((a = answers_next(&s->answers, "domain", &i)) != NULL)
		if (str_ncasecmp(a->value, domain, n) == 0 &&
		    strchr(" \t=", a->value[n]) != NULL)
			return 1;
	return 0;
}

/* They sign once they are published and activated. */
int
setup_dkim(struct setup *s, struct buf *why)
{
	static const char key[] = "dkim";
	const char *answer = answers_get(&s->answers, key);
	const struct dkim_wish wish = { .rsa = 1, .ed25519 = 1,
		.bits = DKIM_BITS };
	const struct row *r;
	size_t i = 0;
	int ok = 0, all = s->fresh || answer != NULL;

	if (answer != NULL && strcmp(answer, "no") == 0)
		return 0;
	if (answer != NULL && strcmp(answer, "yes") != 0)
		return setup_refuse(s, NULL, why, _("%s: yes or no"), key);
	while (ok == 0 && (r = text_next(&s->set.t[TEXT_DOMAINS], &i)) != NULL)
		if (!has_key(s, r->key) && (all || is_answered(s, r->key)))
			ok = dkim_new(&s->set, r->key, &wish, why);
	if (ok == 0 && !has_key(s, s->set.host) && (all || s->renamed))
		ok = dkim_new(&s->set, s->set.host, &wish, why);
	return ok;
}
