#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_answers.h"
#include "ctl/ctl_name.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

static const struct {
	const char *key;
	int	 several;
	const char *form;	/* what a good line looks like */
} own[] = {
	{ "domain", 1, "domain = example.org" },
	{ "user", 1, "user = anna@example.org PASSWORD" },
	{ "alias", 1, "alias = info@example.org = anna@example.org" },
	{ "postmaster", 0, "postmaster = anna@example.org" },
	{ "abuse", 0, "abuse = anna@example.org" },
	{ "profile", 0, "profile = relay" },
	{ "phones", 0, "phones = yes" },
	{ "certificate", 0, "certificate = /etc/ssl/mail.pem" },
	{ "key", 0, "key = /etc/ssl/private/mail.key" },
	{ "relay_password", 0, "relay_password = PASSWORD" },
	{ "collect", 1, "collect = home = imap host=imap.example.net "
	    "login=anna to=anna@example.org password=PASSWORD" },
	{ "dkim", 0, "dkim = yes" },
	{ "test_address", 0, "test_address = me@example.com" },
};

const char *
answers_form(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(own[i].key, key) == 0)
			return own[i].form;
	return NULL;
}

void
answers_init(struct answers *as, const char *name)
{
	memset(as, 0, sizeof(*as));
	as->name = mem_strdup(name);
}

static void
drop(struct setup_answer *a)
{
	mem_wipe(a->value, strlen(a->value));
	free(a->value);
	free(a->key);
}

void
answers_clear(struct answers *as)
{
	size_t i;

	for (i = 0; i < as->n; i++)
		drop(&as->a[i]);
	free(as->a);
	free(as->name);
	memset(as, 0, sizeof(*as));
}

const struct setup_answer *
answers_next(const struct answers *as, const char *key, size_t *i)
{
	while (*i < as->n) {
		if (strcmp(as->a[(*i)++].key, key) == 0)
			return &as->a[*i - 1];
	}
	return NULL;
}

const char *
answers_get(const struct answers *as, const char *key)
{
	size_t i = 0;
	const struct setup_answer *a = answers_next(as, key, &i);

	return a == NULL ? NULL : a->value;
}

static int
is_own(const char *key, int *several_r)
{
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(own[i].key, key) == 0) {
			*several_r = own[i].several;
			return 1;
		}
	*several_r = 0;
	return 0;
}

static void
append(struct answers *as, const char *key, const char *value, unsigned line)
{
	struct setup_answer *a;
	int several;

	if (as->n == as->cap) {
		as->cap = as->cap == 0 ? 32 : as->cap * 2;
		as->a = mem_realloc(as->a, as->cap, sizeof(*as->a));
	}
	a = &as->a[as->n++];
	a->key = mem_strdup(key);
	a->value = mem_strdup(value);
	a->line = line;
	a->own = is_own(key, &several);
}

void
answers_set(struct answers *as, const char *key, const char *value)
{
	struct setup_answer *a;
	size_t i = 0;

	a = (struct setup_answer *)(uintptr_t)answers_next(as, key, &i);
	if (a == NULL) {
		append(as, key, value, 0);
		return;
	}
	mem_wipe(a->value, strlen(a->value));
	free(a->value);
	a->value = mem_strdup(value);
}

void
answers_drop(struct answers *as, const char *key)
{
	size_t i, n = 0;

	for (i = 0; i < as->n; i++) {
		if (strcmp(as->a[i].key, key) == 0)
			drop(&as->a[i]);
		else
			as->a[n++] = as->a[i];
	}
	as->n = n;
}

int
answers_add(struct answers *as, const char *key, const char *value,
    unsigned line, struct buf *why)
{
	const struct setup_answer *old;
	size_t k = 0;
	int several;

	(void)is_own(key, &several);
	old = several ? NULL : answers_next(as, key, &k);
	if (old != NULL || as->n == ANSWERS_MAX) {
		if (old == NULL)
			buf_set(why, _("%s:%u: too many answers"), as->name,
			    line);
		else
			buf_set(why, _("%s:%u: %s stands already in line %u: "
			    "leave one of them out"),
			    as->name, line, key, old->line);
		return -1;
	}
	append(as, key, value, line);
	return 0;
}

static int
parse_line(struct answers *as, const char *p, size_t len, unsigned line,
    struct buf *why)
{
	char text[ANSWERS_LINE_MAX + 1], *key, *value;
	const char *eq;
	size_t klen;
	int r;

	name_trim(&p, &len);
	if (len == 0 || *p == '#')
		return 0;
	eq = memchr(p, '=', len);
	klen = eq == NULL ? 0 : (size_t)(eq - p);
	name_trim(&p, &klen);
	if (len > ANSWERS_LINE_MAX || !str_is_text(p, len) || klen == 0 ||
	    klen > 64) {
		buf_set(why, "%s:%u: %s", as->name, line,
		    len > ANSWERS_LINE_MAX ? _("the line is too long") :
		    _("not a line \"key = value\""));
		return -1;
	}
	memcpy(text, p, len);
	text[len] = '\0';
	key = text;
	value = text + (eq - p) + 1;
	key[klen] = '\0';
	value += strspn(value, " \t");
	if (strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_") != klen) {
		buf_set(why, _("%s:%u: not a key: small letters, digits and "
		    "\"_\""), as->name, line);
		r = -1;
	} else {
		r = answers_add(as, key, value, line, why);
	}
	mem_wipe(text, sizeof(text));
	return r;
}

int
answers_parse(struct answers *as, const char *p, size_t len, struct buf *why)
{
	const char *end, *nl;
	unsigned line = 1;

	if (str_mark(&p, &len) == -1) {
		buf_set(why, "%s: %s", as->name, _(STR_UTF16));
		return -1;
	}
	for (end = p + len; p < end; p = nl + 1, line++) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		if (parse_line(as, p, (size_t)(nl - p), line, why) == -1)
			return -1;
	}
	return 0;
}
