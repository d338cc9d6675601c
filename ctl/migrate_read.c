#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl_csv.h"
#include "ctl/ctl_util.h"
#include "ctl/migrate.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/address.h"
#include "lib/mail/limits.h"

enum { FILE_MAX = 64 << 20, FIELDS_MAX = 8192, COLUMNS = 3 };

/* Passwords stand in it. */
static void
warn_readable(const char *file, int fd)
{
	struct buf w = BUF_INIT(1000);
	struct stat st;

	if (fstat(fd, &st) == 0 && (st.st_mode & 077) != 0) {
		buf_set(&w, _("%s: others can read it, and passwords stand in "
		    "it: chmod 600"), file);
		ctl_warn(&w);
	}
	buf_clear(&w);
}

static int
slurp(const char *file, int secret, struct buf *text)
{
	int fd = fd_open_file(AT_FDCWD, file, 0), r = -1;

	if (fd == -1 || fd_slurp(fd, text) == -1)
		ctl_fail(-1, "%s: %s", file, strerror(errno));
	else
		r = 0;
	if (r == 0 && secret)
		warn_readable(file, fd);
	fd_close(&fd);
	return r;
}

static void
user_add(struct migrate_plan *p, unsigned line, const char *login,
    const char *master, const char *password, const char *account)
{
	struct buf b = BUF_INIT(0);
	struct migrate_user *u;

	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 64 : 2 * p->cap;
		p->user = mem_realloc(p->user, p->cap, sizeof(*p->user));
	}
	u = &p->user[p->n++];
	memset(u, 0, sizeof(*u));
	u->line = line;
	buf_printf(&b, "%s%s%s", login, master != NULL ? "*" : "",
	    master != NULL ? master : "");
	u->login = mem_strdup(buf_str(&b));
	u->password = mem_strdup(password);
	u->account = mem_strdup(account);
	str_tolower(u->account, strlen(u->account));
	u->status = MG_LATER;
	buf_init(&u->words, MG_WORDS_MAX);
	buf_init(&u->reasons, MIGRATE_REASONS_MAX);
	buf_clear(&b);
}

/* What is wrong with a row; NULL: nothing. */
static const char *
fault(char *const f[COLUMNS], const char *master)
{
	size_t len = strlen(f[0]);

	if (f[0][0] == '\0' || len + (master != NULL ?
	    strlen(master) + 1 : 0) > 2 * ADDRESS_MAX ||
	    strpbrk(f[0], "\r\n") != NULL)
		return _("the login there makes no sense");
	if (f[1][0] == '\0' || strlen(f[1]) > PASSWORD_MAX ||
	    strpbrk(f[1], "\r\n") != NULL)
		return _("the password makes no sense");
	if (strchr(f[2], '@') == NULL || strlen(f[2]) > ADDRESS_MAX ||
	    strpbrk(f[2], "\r\n /") != NULL)
		return _("the account here is to be an address");
	return NULL;
}

static int
by_name(const void *a, const void *b)
{
	const struct migrate_user *x = *(struct migrate_user *const *)a;
	const struct migrate_user *y = *(struct migrate_user *const *)b;
	int r = strcmp(x->account, y->account);

	if (r == 0)
		r = strcmp(x->login, y->login);
	return r != 0 ? r : (x->line > y->line) - (x->line < y->line);
}

/* The first line that stands in an earlier one already; 0: none does. */
static unsigned
find_same(const struct migrate_plan *p)
{
	struct migrate_user **v = mem_zalloc(p->n + 1, sizeof(*v));
	unsigned line = 0;
	size_t i;

	for (i = 0; i < p->n; i++)
		v[i] = &p->user[i];
	qsort(v, p->n, sizeof(*v), by_name);
	for (i = 1; i < p->n; i++)
		if (strcmp(v[i]->account, v[i - 1]->account) == 0 &&
		    strcmp(v[i]->login, v[i - 1]->login) == 0 &&
		    (line == 0 || v[i]->line < line))
			line = v[i]->line;
	free(v);
	return line;
}

/* The fields of a row as texts; a secret that all have stands in the middle. */
static void
columns(const struct buf *fields, const char *password, char *f[COLUMNS])
{
	struct cursor c;
	const char *v;
	size_t len;
	int i;

	cursor_init(&c, fields->data, fields->len);
	for (i = 0; i < COLUMNS; i++) {
		if (i == 1 && password != NULL) {
			f[i] = mem_strdup(password);
			continue;
		}
		v = cursor_lv(&c, &len, FIELDS_MAX);
		f[i] = mem_strndup(v != NULL ? v : "", v != NULL ? len : 0);
	}
}

static int
row(struct migrate_plan *p, const struct csv *csv, const struct buf *fields,
    size_t n, const char *master, const char *password, struct buf *why)
{
	size_t want = password != NULL ? COLUMNS - 1 : COLUMNS, i;
	const char *words = NULL;
	char *f[COLUMNS];

	columns(fields, password, f);
	if (csv->line == 1 && str_casecmp(f[0], "login") == 0)
		n = 0;		/* headings */
	else if (n != want)
		buf_set(why, _("line %u: %zu columns are wanted, it has %zu"),
		    csv->line, want, n);
	else if (p->n == MIGRATE_USERS_MAX)
		buf_set(why, _("line %u: there are too many"), csv->line);
	else if ((words = fault(f, master)) != NULL)
		buf_set(why, _("line %u: %s"), csv->line, words);
	else
		user_add(p, csv->line, f[0], master, f[1], f[2]);
	mem_wipe(f[1], strlen(f[1]));
	for (i = 0; i < COLUMNS; i++)
		free(f[i]);
	return why->len > 0 ? -1 : 0;
}

int
migrate_read(struct migrate_plan *p, const char *file, const char *master,
    const char *password)
{
	struct buf text = BUF_INIT(FILE_MAX), fields = BUF_INIT(FIELDS_MAX);
	struct buf why = BUF_INIT(500);
	struct csv csv;
	unsigned line;
	size_t n;
	int r = slurp(file, password == NULL, &text);

	if (r == 0) {
		csv_init(&csv, buf_str(&text), text.len);
		while ((r = csv_row(&csv, &fields, &n, &why)) == 1)
			if (row(p, &csv, &fields, n, master, password,
			    &why) == -1)
				break;
		if (why.len == 0 && (line = find_same(p)) != 0)
			buf_set(&why, _("line %u: %s"), line,
			    _("the same stands in an earlier line"));
		r = why.len > 0 ? ctl_fail(-1, "%s: %s", file,
		    buf_str(&why)) : p->n == 0 ?
		    ctl_fail(-1, _("%s: holds no account"), file) : 0;
	}
	buf_wipe(&text);
	buf_wipe(&fields);
	buf_clear(&why);
	return r;
}

void
migrate_clear(struct migrate_plan *p)
{
	struct migrate_user *u;

	for (u = p->user; u < p->user + p->n; u++) {
		mem_wipe(u->password, strlen(u->password));
		free(u->login);
		free(u->password);
		free(u->account);
		buf_clear(&u->words);
		buf_clear(&u->reasons);
	}
	free(p->user);
	free(p->host);
	fd_close(&p->ca);
}
