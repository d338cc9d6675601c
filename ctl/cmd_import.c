/*
 * user import, user export: accounts as a table of a spreadsheet. All or none
 * of a file is taken.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_check.h"
#include "ctl/ctl_csv.h"
#include "ctl/ctl_hash.h"
#include "ctl/ctl_util.h"
#include "ctl/import.h"
#include "ctl/table_groups.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/tables.h"

/* A file under way. */
struct reading {
	struct import im;
	const char *file;
	struct csv csv;
	struct buf fields;		/* lv, of the row */
	int	 column[IMPORT_COLUMNS];	/* of the field of that number */
	size_t	 n;			/* fields of the first row */
	struct buf bad;			/* a line each */
	unsigned n_bad;
};

static void
complain(struct reading *r, const char *words)
{
	if (r->n_bad++ < TEXT_COMPLAINTS)
		buf_printf(&r->bad, "%s:%u: %s\n", r->file, r->csv.line,
		    words);
}

/* Text of field i, for the caller to free. */
static char *
take(struct cursor *c)
{
	size_t len;
	const char *p = cursor_lv(c, &len, IMPORT_ROW_MAX);

	return mem_strndup(p, len);
}

static int
has_column(const struct reading *r, size_t n, int column)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (r->column[i] == column)
			return 1;
	return 0;
}

/* The first row: names of columns. 0, or -1 with why. */
static int
read_header(struct reading *r, size_t n, struct buf *why)
{
	struct cursor c;
	char *name;

	cursor_init(&c, r->fields.data, r->fields.len);
	for (r->n = 0; r->n < n && why->len == 0; r->n++) {
		name = take(&c);
		if (r->n == IMPORT_COLUMNS ||
		    (r->column[r->n] = import_find(name)) == -1)
			buf_set(why, _("%s: no such column (rohrpost(8) has "
			    "them)"), name);
		else if (has_column(r, r->n, r->column[r->n]))
			buf_set(why, _("%s stands twice"), name);
		free(name);
	}
	if (why->len == 0 && !has_column(r, n, IMPORT_USER))
		buf_set(why, _("the first row has no column \"user\""));
	return why->len == 0 ? 0 : -1;
}

/* Another row. */
static void
read_row(struct reading *r, size_t n)
{
	char *field[IMPORT_COLUMNS] = { NULL };
	struct buf why = BUF_INIT(2000);
	struct cursor c;
	size_t i;

	if (n != r->n) {
		buf_set(&why, _("%zu fields, where the first row has %zu"), n,
		    r->n);
		complain(r, buf_str(&why));
		buf_clear(&why);
		return;
	}
	cursor_init(&c, r->fields.data, r->fields.len);
	for (i = 0; i < n; i++)
		field[r->column[i]] = take(&c);
	if (import_row(&r->im, field, &why) == -1)
		complain(r, buf_str(&why));
	for (i = 0; i < IMPORT_COLUMNS; i++) {
		if (field[i] != NULL)
			mem_wipe(field[i], strlen(field[i]));
		free(field[i]);
	}
	buf_clear(&why);
}

static void
read_all(struct reading *r)
{
	struct buf why = BUF_INIT(2000);
	size_t n;
	int more, first = 1;

	while ((more = csv_row(&r->csv, &r->fields, &n, &why)) == 1) {
		if (!first)
			read_row(r, n);
		else if (read_header(r, n, &why) == -1)
			break;
		first = 0;
	}
	if (more == 0 && first)
		buf_set(&why, _("there is nothing in it"));
	if (why.len > 0)
		complain(r, buf_str(&why));
	buf_clear(&why);
}

/* The file, or standard input for "-". 0, or -1 (said). */
static int
load(const char *file, struct buf *text)
{
	int fd = strcmp(file, "-") == 0 ? dup(0) :
	    open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), r = -1;
	struct buf warn = BUF_INIT(0);
	struct stat st;

	if (fd != -1)
		r = fd_read_rest(fd, text);
	if (r == -1)
		ctl_fail(0, "%s: %s", file, strerror(errno));
	else if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 044)) {
		buf_set(&warn, _("%s can be read by others"), file);
		ctl_warn(&warn);
	}
	buf_clear(&warn);
	if (fd != -1)
		fd_close(&fd);
	return r;
}

/* RFC 4180: what may be taken for more than one field stands in quotes. */
static void
put_field(const char *p, int first)
{
	if (!first)
		putchar(',');
	if (strpbrk(p, ",;\"\r\n") == NULL) {
		fputs(p, stdout);
		return;
	}
	putchar('"');
	for (; *p != '\0'; p++)
		fputs(*p == '"' ? "\"\"" : (char[2]){ *p, '\0' }, stdout);
	putchar('"');
}

/* 0, or -1: it was not told. */
static int
tell_made(struct buf *made)
{
	struct cursor c;
	char *user, *password;

	if (made->len == 0)
		return 0;
	put_field(import_name(IMPORT_USER), 1);
	put_field(import_name(IMPORT_PASSWORD), 0);
	putchar('\n');
	for (cursor_init(&c, made->data, made->len); cursor_left(&c) > 0;) {
		user = take(&c);
		password = take(&c);
		printf("%s,%s\n", user, password);
		mem_wipe(password, strlen(password));
		free(user);
		free(password);
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}

/* What the rows came to; the set is closed. */
static int
finish(struct reading *r, struct set *s)
{
	struct import *im = &r->im;
	struct buf why = BUF_INIT(0), warn = BUF_INIT(0);
	int status;

	if (r->n_bad == 0 && set_check(s, &why, &warn) == -1) {
		buf_append(&r->bad, why.data, why.len);
		r->n_bad = 1;
	} else if (r->n_bad > TEXT_COMPLAINTS)
		buf_printf(&r->bad, ngettext("%u more line is wrong\n",
		    "%u more lines are wrong\n",
		    r->n_bad - TEXT_COMPLAINTS), r->n_bad - TEXT_COMPLAINTS);
	buf_clear(&why);
	buf_clear(&warn);
	im->c->unchanged = im->dry;
	if (r->n_bad > 0 || im->dry) {
		ctl_say(0, &r->bad);
		set_close(s);
		status = r->n_bad > 0 ? CTL_REFUSED : CTL_DONE;
	} else
		status = table_finish(im->c, s, 0);
	if (status != CTL_DONE)
		return status;
	if (tell_made(&im->made) == -1)
		return ctl_fail(CTL_REFUSED, _("it is written, but the "
		    "passwords that were made cannot be told (%s): \"rohrpost "
		    "user passwd\" sets others"), strerror(errno));
	fprintf(stderr, im->dry ? _("New accounts: %zu, changed: %zu. "
	    "Nothing is written.\n") : _("New accounts: %zu, changed: %zu.\n"),
	    im->n_new, im->n_changed);
	return CTL_DONE;
}

int
cmd_user_import(struct ctl *c)
{
	struct reading r = { .im = { .c = c,
		.dry = c->opt[OPT_IMPORT_DRY] != NULL },
		.file = c->args[0] };
	struct buf text = BUF_INIT(IMPORT_FILE_MAX);
	struct set s;
	int status = CTL_REFUSED;

	buf_init(&r.fields, IMPORT_ROW_MAX);
	buf_init(&r.bad, 0);
	buf_init(&r.im.made, 0);
	if (load(r.file, &text) == 0 && table_open(c, &s, 1) == 0) {
		r.im.s = &s;
		csv_init(&r.csv, text.data, text.len);
		read_all(&r);
		status = finish(&r, &s);
	}
	import_clear(&r.im);
	buf_wipe(&text);
	buf_wipe(&r.fields);
	buf_clear(&r.bad);
	return status;
}

/* The keys of those rows that the account is in, with blanks between. */
static void
put_keys(struct text *t, const char *account)
{
	struct buf out = BUF_INIT(0);
	struct row *r;
	size_t i = 0;

	while ((r = text_next(t, &i)) != NULL)
		if (group_has(r, account))
			buf_printf(&out, "%s%s", out.len > 0 ? " " : "",
			    r->key);
	put_field(buf_str(&out), 0);
	buf_clear(&out);
}

static void
put_account(struct set *s, const struct row *user, int hashes)
{
	const struct row *hash = text_find(&s->t[TEXT_PASSWD], user->key);
	struct buf value = BUF_INIT(0);
	int i;

	put_field(user->key, 1);
	if (hashes)
		put_field(hash != NULL && hash->hash != NULL ? hash->hash : "",
		    0);
	put_field(user->flags & TABLES_DISABLED ? "yes" : "no", 0);
	put_keys(&s->t[TEXT_GROUPS], user->key);
	put_keys(&s->t[TEXT_ALIASES], user->key);
	for (i = 0; i < GRANTS; i++) {
		buf_reset(&value);
		grants_value(&user->grants, (enum grant)i, &value);
		put_field(buf_str(&value), 0);
	}
	putchar('\n');
	buf_clear(&value);
}

int
cmd_user_export(struct ctl *c)
{
	int hashes = c->opt[OPT_EXPORT_HASHES] != NULL, i;
	const struct row *r;
	struct set s;
	size_t at = 0;

	if (table_open(c, &s, 0) == -1)
		return CTL_REFUSED;
	for (i = 0; i < IMPORT_COLUMNS; i++)
		if (i != IMPORT_PASSWORD && (i != IMPORT_HASH || hashes))
			put_field(import_name((enum import_column)i), i == 0);
	putchar('\n');
	while ((r = text_next(&s.t[TEXT_USERS], &at)) != NULL)
		put_account(&s, r, hashes);
	set_close(&s);
	return fflush(stdout) == 0 && !ferror(stdout) ? CTL_DONE :
	    CTL_REFUSED;
}
