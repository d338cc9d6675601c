#include "config.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_user.h"
#include "ctl/ctl_hash.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_util.h"
#include "ctl/import.h"
#include "ctl/table_aliases.h"
#include "ctl/table_groups.h"
#include "ctl/table_renamed.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"

static const char *const names[IMPORT_GRANT] = {
	[IMPORT_USER] = "user", [IMPORT_PASSWORD] = "password",
	[IMPORT_HASH] = "hash", [IMPORT_DISABLED] = "disabled",
	[IMPORT_GROUPS] = "groups", [IMPORT_ALIASES] = "aliases",
};
static const char between[] = " \t,;\r\n";

const char *
import_name(enum import_column i)
{
	return i < IMPORT_GRANT ? names[i] :
	    grants_key((enum grant)(i - IMPORT_GRANT));
}

int
import_find(const char *name)
{
	int i;

	for (i = 0; i < IMPORT_COLUMNS; i++)
		if (str_casecmp(import_name((enum import_column)i), name) == 0)
			return i;
	return -1;
}

static int
is_there(char *const field[IMPORT_COLUMNS], enum import_column i)
{
	return field[i] != NULL && field[i][0] != '\0';
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* A domain of this server, and for the first time. 0, or -1 with why. */
static int
check_name(struct import *im, const char *name, struct buf *why)
{
	const char *domain = strrchr(name, '@') + 1;
	const struct row *r = text_find(&im->s->t[TEXT_DOMAINS], domain);
	char *own, **at;

	if (r == NULL || r->value != NULL) {
		buf_set(why, r == NULL ? _("%s is no domain of this server") :
		    _("%s is an alias domain"), domain);
		return -1;
	}
	own = mem_strdup(name);
	at = tsearch(own, &im->seen, compare);
	if (at != NULL && *at == own)
		return 0;
	free(own);
	buf_set(why, _("%s stands twice"), name);
	return -1;
}

static int
take_disabled(char *const field[IMPORT_COLUMNS], int *disabled,
    struct buf *why)
{
	const char *p = field[IMPORT_DISABLED];

	if (!is_there(field, IMPORT_DISABLED))
		return 0;
	*disabled = str_casecmp(p, "yes") == 0;
	if (*disabled || str_casecmp(p, "no") == 0)
		return 0;
	buf_set(why, _("disabled: neither yes nor no"));
	return -1;
}

static int
take_grants(char *const field[IMPORT_COLUMNS], struct grants *g,
    struct buf *why)
{
	struct buf word = BUF_INIT(0);
	int i, r = 1;

	for (i = IMPORT_GRANT; i < IMPORT_COLUMNS && r == 1; i++) {
		if (!is_there(field, (enum import_column)i))
			continue;
		buf_reset(&word);
		buf_printf(&word, "%s=%s", import_name((enum import_column)i),
		    field[i]);
		r = grants_change(word.data, word.len, g, why);
	}
	buf_clear(&word);
	return r == 1 ? 0 : -1;
}

/* Its line in users. */
static int
put_user(struct import *im, const char *name,
    char *const field[IMPORT_COLUMNS], struct buf *why)
{
	struct text *t = &im->s->t[TEXT_USERS];
	struct row *old = text_find(t, name);
	int disabled = old != NULL && (old->flags & TABLES_DISABLED), r;
	struct grants g = { .said = 0 };
	struct buf line = BUF_INIT(0);

	if (old != NULL)
		g = old->grants;
	if (take_disabled(field, &disabled, why) == -1 ||
	    take_grants(field, &g, why) == -1)
		return -1;
	buf_puts(&line, name);
	grants_print(&g, &line);
	if (disabled)
		buf_puts(&line, " disabled");
	renamed_print(old, &line);
	*(old != NULL ? &im->n_changed : &im->n_new) += 1;
	r = old != NULL ? text_change(t, &old, buf_str(&line), why) :
	    text_add(t, buf_str(&line), why);
	buf_clear(&line);
	return r;
}

/* What is kept of a password; in a trial only whether it may be one. */
static int
put_hashed(struct import *im, const char *name, const char *password,
    struct buf *why)
{
	struct buf fields = BUF_INIT(0), note = BUF_INIT(0);
	size_t len = strlen(password);
	int r = 0;

	if (len > PASSWORD_MAX || strpbrk(password, "\r\n") != NULL) {
		buf_set(why, _("not a password: a line of up to %d octets"),
		    PASSWORD_MAX);
		return -1;
	}
	if (!im->dry)
		r = hash_fields(password, im->c->auth_scram, &fields, &note,
		    why);
	if (r == 0 && !im->dry)
		r = table_set_password(im->s, name, buf_str(&fields), why);
	buf_wipe(&fields);
	buf_clear(&note);
	return r;
}

/* Who has none gets one. */
static int
put_made(struct import *im, const char *name, struct buf *why)
{
	struct buf password = BUF_INIT(0);
	int r;

	if (im->dry)
		return 0;
	r = hash_password(&password, why);
	if (r == 0)
		r = put_hashed(im, name, buf_str(&password), why);
	if (r == 0) {
		buf_put_lv(&im->made, name, strlen(name));
		buf_put_lv(&im->made, password.data, password.len);
	}
	buf_wipe(&password);
	return r;
}

static int
put_password(struct import *im, const char *name,
    char *const field[IMPORT_COLUMNS], struct buf *why)
{
	struct buf fields = BUF_INIT(0);
	int r;

	if (is_there(field, IMPORT_PASSWORD) && is_there(field, IMPORT_HASH)) {
		buf_set(why, _("a password and a hash"));
		return -1;
	}
	if (is_there(field, IMPORT_PASSWORD))
		return put_hashed(im, name, field[IMPORT_PASSWORD], why);
	if (!is_there(field, IMPORT_HASH))
		return text_find(&im->s->t[TEXT_PASSWD], name) != NULL ? 0 :
		    put_made(im, name, why);
	if (hash_check(field[IMPORT_HASH], why) == -1)
		return -1;
	buf_printf(&fields, "crypt=%s", field[IMPORT_HASH]);
	r = table_set_password(im->s, name, buf_str(&fields), why);
	buf_wipe(&fields);
	return r;
}

static int
join_group(struct import *im, const char *word, const char *name,
    struct buf *why)
{
	struct text *t = &im->s->t[TEXT_GROUPS];
	struct buf key = BUF_INIT(0), more = BUF_INIT(0);
	struct row *r = NULL;
	int ok = t->table->key(word, strlen(word), &key, why);

	if (ok == 0 && (r = text_find(t, buf_str(&key))) == NULL) {
		buf_set(why, _("%s: no such group"), word);
		ok = -1;
	}
	buf_printf(&more, " %s", name);
	if (ok == 0 && !group_has(r, name))
		ok = group_change(im->s, &r, NULL, buf_str(&more), why);
	buf_clear(&key);
	buf_clear(&more);
	return ok;
}

static int
leads_to(const struct row *alias, const char *name)
{
	size_t i;

	for (i = 0; i < alias->n_targets; i++)
		if (strcmp(alias->targets[i], name) == 0)
			return 1;
	return 0;
}

static int
add_alias(struct import *im, const char *word, const char *name,
    struct buf *why)
{
	struct text *t = &im->s->t[TEXT_ALIASES];
	struct buf key = BUF_INIT(0), line = BUF_INIT(0);
	struct row *r = NULL;
	int ok = t->table->key(word, strlen(word), &key, why);

	if (ok == 0)
		r = text_find(t, buf_str(&key));
	if (r != NULL)
		alias_print(r, &line);
	else
		buf_printf(&line, "%s =", buf_str(&key));
	buf_printf(&line, "%s %s", r != NULL ? "," : "", name);
	if (ok == 0 && r == NULL)
		ok = text_add(t, buf_str(&line), why);
	else if (ok == 0 && !leads_to(r, name))
		ok = text_change(t, &r, buf_str(&line), why);
	buf_clear(&key);
	buf_clear(&line);
	return ok;
}

static int
each_word(struct import *im, char *list, const char *name,
    int (*each)(struct import *, const char *, const char *, struct buf *),
    struct buf *why)
{
	char *save, *p;
	int r = 0;

	for (p = list == NULL ? NULL : strtok_r(list, between, &save);
	    p != NULL && r == 0; p = strtok_r(NULL, between, &save))
		r = each(im, p, name, why);
	return r;
}

int
import_row(struct import *im, char *const field[IMPORT_COLUMNS],
    struct buf *why)
{
	const char *p = is_there(field, IMPORT_USER) ? field[IMPORT_USER] : "";
	struct buf name = BUF_INIT(ADDRESS_MAX);
	int r;

	r = name_address(p, strlen(p), NAME_ACCOUNT, &name, why);
	if (r == 0)
		r = check_name(im, buf_str(&name), why);
	if (r == 0)
		r = put_user(im, buf_str(&name), field, why);
	if (r == 0)
		r = put_password(im, buf_str(&name), field, why);
	if (r == 0)
		r = each_word(im, field[IMPORT_GROUPS], buf_str(&name),
		    join_group, why);
	if (r == 0)
		r = each_word(im, field[IMPORT_ALIASES], buf_str(&name),
		    add_alias, why);
	buf_clear(&name);
	return r;
}

void
import_clear(struct import *im)
{
	tdestroy(im->seen, free);
	im->seen = NULL;
	buf_wipe(&im->made);
}
