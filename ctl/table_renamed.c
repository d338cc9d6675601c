#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl_name.h"
#include "ctl/table_renamed.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"

static const char moving[] = "moving=", was[] = "was=";

enum { DATE = 10 };		/* 2026-11-30 */

const char *
renamed_name(const char *mark, size_t *len_r)
{
	const char *p = strchr(mark, '=') + 1;

	*len_r = strcspn(p, ",");
	return p;
}

static int
is_mark_of(const char *mark, const char *old)
{
	size_t len;
	const char *p = renamed_name(mark, &len);

	return strlen(old) == len && memcmp(p, old, len) == 0;
}

static int
date_ok(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < DATE; i++)
		if (i == 4 || i == 7 ? p[i] != '-' : p[i] < '0' || p[i] > '9')
			return 0;
	return len == DATE;
}

static int
bad_mark(const char *p, size_t len, struct buf *why)
{
	buf_set(why, _("%.*s: not a name that the account had (%s)"),
	    (int)(len > 80 ? 80 : len), p, "moving=ADDRESS, "
	    "was=ADDRESS,YYYY-MM-DD");
	return -1;
}

int
renamed_parse(const char *p, size_t len, struct row *r, struct buf *why)
{
	size_t key = strncmp(p, moving, strlen(moving)) == 0 ?
	    strlen(moving) : strncmp(p, was, strlen(was)) == 0 ?
	    strlen(was) : 0;
	int moves = key == strlen(moving);
	struct buf name = BUF_INIT(ADDRESS_MAX), mark = BUF_INIT(0);
	const char *comma = memchr(p, ',', len);
	size_t n = comma != NULL ? (size_t)(comma - p) : len;

	if (key == 0 || len < key)
		return 0;
	if (r->n_targets == RENAMED_MAX || moves != (comma == NULL) ||
	    (moves && renamed_moving(r) != NULL) ||
	    (!moves && !date_ok(comma + 1, len - n - 1)) ||
	    name_address(p + key, n - key, NAME_ACCOUNT, &name, why) == -1) {
		buf_clear(&name);
		return bad_mark(p, len, why);
	}
	buf_append(&mark, p, key);
	buf_puts(&mark, buf_str(&name));
	buf_append(&mark, p + n, len - n);
	r->targets = mem_realloc(r->targets, r->n_targets + 1,
	    sizeof(*r->targets));
	r->targets[r->n_targets++] = row_take(&mark);
	buf_clear(&name);
	return 1;
}

void
renamed_print(const struct row *r, struct buf *out)
{
	size_t i;

	for (i = 0; r != NULL && i < r->n_targets; i++)
		buf_printf(out, " %s", r->targets[i]);
}

const char *
renamed_moving(const struct row *r)
{
	size_t i;

	for (i = 0; i < r->n_targets; i++)
		if (strncmp(r->targets[i], moving, strlen(moving)) == 0)
			return r->targets[i] + strlen(moving);
	return NULL;
}

int
renamed_from(const struct row *r, const char *old)
{
	size_t i;

	for (i = 0; i < r->n_targets; i++)
		if (is_mark_of(r->targets[i], old))
			return 1;
	return 0;
}

int
renamed_line(struct set *s, struct row **r, const char *name,
    const char *without, const char *more, struct buf *why)
{
	struct buf line = BUF_INIT(0);
	size_t i;
	int done;

	buf_puts(&line, name);
	grants_print(&(*r)->grants, &line);
	if ((*r)->flags & TABLES_DISABLED)
		buf_puts(&line, " disabled");
	for (i = 0; i < (*r)->n_targets; i++)
		if (without == NULL || !is_mark_of((*r)->targets[i], without))
			buf_printf(&line, " %s", (*r)->targets[i]);
	buf_puts(&line, more);
	done = text_change(&s->t[TEXT_USERS], r, buf_str(&line), why);
	buf_clear(&line);
	return done;
}

int
renamed_forget(struct set *s, const char *old, struct buf *why)
{
	struct row *r;
	size_t i = 0;
	char *key;
	int done = 0;

	while (done == 0 && (r = text_next(&s->t[TEXT_USERS], &i)) != NULL) {
		if (!renamed_from(r, old))
			continue;
		key = mem_strdup(r->key);
		done = renamed_line(s, &r, key, old, "", why);
		free(key);
	}
	return done;
}

static void
put_date(time_t when, struct buf *out)
{
	char text[DATE + 1] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	buf_puts(out, text);
}

void
renamed_today(const char *old, struct buf *out)
{
	buf_printf(out, " %s%s,", was, old);
	put_date((time_t)clock_now(), out);
}

/* The name of its first mark of before that day, into old. */
static int
find_old(const struct row *r, const char *day, struct buf *old)
{
	const char *p;
	size_t i, len;

	for (i = 0; i < r->n_targets; i++) {
		p = renamed_name(r->targets[i], &len);
		if (p[len] == ',' && strcmp(p + len + 1, day) < 0) {
			buf_reset(old);
			buf_append(old, p, len);
			return 1;
		}
	}
	return 0;
}

int
renamed_expire(struct set *s, struct buf *why)
{
	struct buf day = BUF_INIT(0), old = BUF_INIT(ADDRESS_MAX);
	struct row *r;
	size_t i = 0;
	int done = 0;

	put_date((time_t)clock_now() - RENAMED_DAYS * 86400, &day);
	while (done == 0 && (r = text_next(&s->t[TEXT_USERS], &i)) != NULL)
		if (find_old(r, buf_str(&day), &old)) {
			done = renamed_forget(s, buf_str(&old), why);
			i--;	/* it may have others */
		}
	buf_clear(&day);
	buf_clear(&old);
	return done;
}
