/*
 * app add, del, list: further passwords of an account, each for one program
 * or device. They are made here, shown once and never known again.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_admin.h"
#include "ctl/ctl_hash.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/credential.h"
#include "lib/mail/learned.h"
#include "lib/mail/limits.h"
#include "lib/mail/protocols.h"

static const char all_protocols[] = "imap+pop3+submission";

/* At least one that we know. 0, or -1 with why. */
static int
check_protocols(const char *list, struct buf *why)
{
	uint32_t set;

	if (protocols_parse(list, strlen(list), &set) == 0 && set != 0)
		return 0;
	buf_set(why, _("%s: imap, pop3 and submission with + between them, "
	    "or *"), list);
	return -1;
}

/* Finds the account's line in passwd. 0, or -1 with why. */
static int
find_line(struct set *s, const char *address, struct buf *name,
    const struct row **r, struct buf *why)
{
	if (name_address(address, strlen(address), NAME_ACCOUNT, name, why) ==
	    -1)
		return -1;
	*r = text_find(&s->t[TEXT_PASSWD], buf_str(name));
	if (text_find(&s->t[TEXT_USERS], buf_str(name)) != NULL)
		return 0;
	buf_set(why, _("%s: not in users"), buf_str(name));
	return -1;
}

/* Writes the line: the address, then the fields (each begins with ":"). */
static int
put_line(struct set *s, const char *account, const struct buf *fields,
    struct buf *why)
{
	struct text *t = &s->t[TEXT_PASSWD];
	struct buf line = BUF_INIT(0);
	int r;

	buf_printf(&line, "%s%s", account, buf_str(fields));
	if (text_find(t, account) == NULL)
		r = text_add(t, buf_str(&line), why);
	else if (fields->len == 0)
		r = text_del(t, account);
	else
		r = text_set(t, account, buf_str(&line), why);
	buf_wipe(&line);
	return r;
}

static int
add_app(struct ctl *c, struct set *s, const char *password, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), fields = BUF_INIT(0),
	    hash = BUF_INIT(CREDENTIAL_HASH_MAX);
	const char *list = c->opt[0] != NULL ? c->opt[0] : all_protocols;
	const struct row *old;
	int r;

	r = find_line(s, c->args[0], &name, &old, why);
	if (r == 0)
		r = check_protocols(list, why);
	if (r == 0 && strpbrk(c->args[1], ":,") != NULL) {
		buf_set(why, _("%s: a name has no comma and no colon"),
		    c->args[1]);
		r = -1;
	}
	if (r == 0)
		r = hash_make(password, &hash, why);
	if (r == 0) {
		if (old != NULL)
			buf_printf(&fields, ":%s", old->value);
		buf_printf(&fields, ":app=%s,%s,%lld,%s", c->args[1],
		    list, (long long)clock_now(), buf_str(&hash));
		r = put_line(s, buf_str(&name), &fields, why);
	}
	buf_clear(&name);
	buf_wipe(&fields);
	buf_wipe(&hash);
	return r;
}

int
cmd_app_add(struct ctl *c)
{
	struct buf password = BUF_INIT(0), why = BUF_INIT(0);
	struct set s;
	int r;

	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	r = hash_password(&password, &why);
	if (r == 0)
		r = add_app(c, &s, buf_str(&password), &why);
	r = table_end(c, &s, r, &why, 0);
	if (r == CTL_DONE)
		printf("%s\n", buf_str(&password));
	buf_wipe(&password);
	return r;
}

/* 1 where the field is an app password of that name. */
static int
is_app(const struct credential *c, const char *name)
{
	struct buf why = BUF_INIT(200);
	struct credential_app a;
	int r;

	r = c->kind == CREDENTIAL_APP && credential_app(c, &a, &why) == 0 &&
	    strlen(name) == a.name_len &&
	    memcmp(name, a.name, a.name_len) == 0;
	buf_clear(&why);
	return r;
}

/* All fields but that app password. 0, or -1: it is not there. */
static int
fields_without(const struct row *old, const char *name, struct buf *fields)
{
	const char *p = old->value, *end = p + strlen(p);
	struct credential c;
	int found = 0;

	while (credential_next(&p, end, &c) == 1) {
		if (is_app(&c, name)) {
			found = 1;
			continue;
		}
		buf_putc(fields, ':');
		buf_append(fields, c.text, c.text_len);
	}
	return found ? 0 : -1;
}

int
cmd_app_del(struct ctl *c)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), fields = BUF_INIT(0),
	    why = BUF_INIT(0);
	const struct row *old = NULL;
	struct set s;
	int r;

	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	r = find_line(&s, c->args[0], &name, &old, &why);
	if (r == 0 && (old == NULL ||
	    fields_without(old, c->args[1], &fields) == -1)) {
		buf_set(&why, _("%s: no app password %s; if sessions of it are "
		    "open, \"rohrpost session kick\" ends them"),
		    buf_str(&name), c->args[1]);
		r = -1;
	}
	if (r == 0)
		r = put_line(&s, buf_str(&name), &fields, &why);
	/* Which session logged in with it nobody knows: all do so again. */
	if (r == 0)
		set_ends(&s, buf_str(&name));
	buf_clear(&name);
	buf_wipe(&fields);
	return table_end(c, &s, r, &why, 0);
}

/* What auth noted of logins, by key. */
struct uses {
	struct learned_record *r;
	size_t	 n;
};

static int
compare(const void *a, const void *b)
{
	return memcmp(((const struct learned_record *)a)->key,
	    ((const struct learned_record *)b)->key, LEARNED_KEY);
}

/* Where there is no such file, or none that is known, there were no uses. */
static void
uses_load(struct uses *u, const char *state_dir)
{
	struct buf path = BUF_INIT(0),
	    b = BUF_INIT((LEARNED_MAX + 1) * LEARNED_RECORD);
	size_t at;
	int fd;

	memset(u, 0, sizeof(*u));
	buf_printf(&path, "%s/auth/learned", state_dir);
	fd = open(buf_str(&path), O_RDONLY | O_CLOEXEC | O_NOCTTY);
	buf_clear(&path);
	if (fd != -1 && fd_slurp(fd, &b) == 0 &&
	    learned_head(b.data, b.len) == LEARNED_KNOWN) {
		u->r = mem_zalloc(b.len / LEARNED_RECORD, sizeof(*u->r));
		for (at = LEARNED_RECORD; b.len - at >= LEARNED_RECORD;
		    at += LEARNED_RECORD)
			u->n += learned_get(b.data + at, &u->r[u->n]) == 0;
		qsort(u->r, u->n, sizeof(*u->r), compare);
	}
	fd_close(&fd);
	buf_wipe(&b);
}

static void
uses_clear(struct uses *u)
{
	if (u->r != NULL)
		mem_wipe(u->r, u->n * sizeof(*u->r));
	free(u->r);
}

static int64_t
last_use(const struct uses *u, const char *account,
    const struct credential_app *a)
{
	char *hash = mem_strndup(a->hash, a->hash_len);
	const struct learned_record *found = NULL;
	struct learned_record want;

	if (u->n > 0 && learned_key(account, hash, want.key) == 0)
		found = bsearch(&want, u->r, u->n, sizeof(*u->r), compare);
	mem_wipe(hash, a->hash_len);
	free(hash);
	return found == NULL ? 0 : found->used;
}

static void
out_time(struct out *o, uint64_t t)
{
	struct buf b = BUF_INIT(20);

	buf_put_number(&b, t);
	if (t == 0)
		out_null(o);
	else
		out_value(o, C_TIME, b.data, b.len);
	buf_clear(&b);
}

/* "imap+pop3" as a list; "*" is one of itself. */
static void
out_protocols(struct out *o, const struct credential_app *a)
{
	const char *p = a->protocols, *end = p + a->protocols_len, *plus;
	struct buf packed = BUF_INIT(0);

	for (; p < end; p = plus + (plus < end)) {
		plus = memchr(p, '+', (size_t)(end - p));
		if (plus == NULL)
			plus = end;
		buf_put_lv(&packed, p, (size_t)(plus - p));
	}
	out_texts(o, &packed);
	buf_clear(&packed);
}

static void
list_apps(struct out *o, const struct row *r, const struct uses *u)
{
	const char *p = r->value, *end = p + strlen(p);
	struct buf why = BUF_INIT(200);
	struct credential_app a;
	struct credential c;

	while (credential_next(&p, end, &c) == 1) {
		if (c.kind != CREDENTIAL_APP ||
		    credential_app(&c, &a, &why) == -1)
			continue;
		out_text(o, r->key);
		out_value(o, C_TEXT, a.name, a.name_len);
		out_protocols(o, &a);
		out_time(o, a.created);
		out_time(o, (uint64_t)last_use(u, r->key, &a));
	}
	buf_clear(&why);
}

int
cmd_app_list(struct ctl *c)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), why = BUF_INIT(0);
	const struct row *r = NULL;
	struct uses u;
	struct out o;
	struct set s;
	size_t i = 0;

	if (ctl_load(c) == -1 || table_open(c, &s, 0) == -1)
		return CTL_REFUSED;
	if (c->n_args > 0 &&
	    find_line(&s, c->args[0], &name, &r, &why) == -1) {
		buf_clear(&name);
		return table_end(c, &s, -1, &why, 0);
	}
	uses_load(&u, c->state_dir);
	out_init(&o, stdout, c->json);
	out_name(&o, "user", 4);
	out_name(&o, "app", 3);
	out_name(&o, "protocols", 9);
	out_name(&o, "created", 7);
	out_name(&o, "last_used", 9);
	if (r != NULL)
		list_apps(&o, r, &u);
	while (c->n_args == 0 &&
	    (r = text_next(&s.t[TEXT_PASSWD], &i)) != NULL)
		if (admin_may(c->admin, r->key))
			list_apps(&o, r, &u);
	uses_clear(&u);
	buf_clear(&name);
	return table_listed(&s, &o);
}
