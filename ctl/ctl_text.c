#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_name.h"
#include "ctl/ctl_text.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->key,
	    ((const struct row *)b)->key);
}

void
text_init(struct text *t, const struct table *table)
{
	memset(t, 0, sizeof(*t));
	t->table = table;
}

static void
keep(void *row)
{
	(void)row;
}

/* A line of passwd holds a hash. */
static void
line_clear(struct text_line *l)
{
	row_free(&l->row);
	mem_wipe(l->text, strlen(l->text));
	free(l->text);
}

void
text_clear(struct text *t)
{
	size_t i;

	tdestroy(t->tree, keep);
	for (i = 0; i < t->n; i++) {
		line_clear(&t->lines[i]);
	}
	free(t->lines);
	text_init(t, t->table);
}

void
text_complain(const char *dir, const struct text *t, unsigned line,
    struct buf *why, const char *fmt, ...)
{
	size_t i, lines = why->len > 0;
	va_list ap;

	for (i = 0; i < why->len; i++)
		lines += why->data[i] == '\n';
	if (lines > TEXT_COMPLAINTS)
		return;
	if (lines > 0)
		buf_putc(why, '\n');
	if (lines == TEXT_COMPLAINTS) {
		buf_puts(why, _("and more"));
		return;
	}
	buf_printf(why, "%s/%s:", dir, t->table->file);
	if (line != 0)
		buf_printf(why, "%u:", line);
	buf_putc(why, ' ');
	va_start(ap, fmt);
	buf_vprintf(why, fmt, ap);
	va_end(ap);
}

struct row *
text_find(const struct text *t, const char *key)
{
	struct row want = { .key = (char *)(uintptr_t)key };
	struct row *const *found;

	found = tfind(&want, (void *const *)&t->tree, compare);
	return found == NULL ? NULL : *found;
}

struct row *
text_next(const struct text *t, size_t *i)
{
	while (*i < t->n) {
		if (t->lines[(*i)++].row != NULL)
			return t->lines[*i - 1].row;
	}
	return NULL;
}

/*
 * Reads one line as a row; *row_r is NULL for a blank one or a comment.
 * skip is a row that may have the same key (the one to be replaced).
 */
static int
line_parse(const struct text *t, const char *p, size_t len, unsigned line,
    const struct row *skip, struct row **row_r, struct buf *why)
{
	struct row *r, *other;

	*row_r = NULL;
	name_trim(&p, &len);
	if (len == 0 || p[0] == '#')
		return 0;
	if (len > TEXT_LINE_MAX) {
		buf_set(why, _("longer than %d octets"), TEXT_LINE_MAX);
		return -1;
	}
	r = mem_zalloc(1, sizeof(*r));
	if (row_parse(t->table, p, len, r, why) == -1) {
		row_free(&r);
		return -1;
	}
	other = text_find(t, r->key);
	if (other != NULL && other != skip) {
		if (other->line == 0)
			buf_set(why, _("%s is the mailbox of a user of this "
			    "host already"), r->key);
		else
			buf_set(why, _("%s is already in %s, line %u"), r->key,
			    t->table->file, other->line);
		row_free(&r);
		return -1;
	}
	r->line = line;
	*row_r = r;
	return 0;
}

static void
row_index(struct text *t, struct row *r)
{
	if (tsearch(r, &t->tree, compare) == NULL)
		(void)mem_alloc(SIZE_MAX);	/* out of memory, says so */
}

static void
line_append(struct text *t, const char *p, size_t len, struct row *r)
{
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 16 : t->cap * 2;
		t->lines = mem_realloc(t->lines, t->cap, sizeof(*t->lines));
	}
	t->lines[t->n].text = mem_strndup(p, len);
	t->lines[t->n].derived = 0;
	t->lines[t->n++].row = r;
	if (r != NULL)
		row_index(t, r);
}

int
text_parse(struct text *t, const char *dir, const char *p, size_t len,
    struct buf *why)
{
	struct buf words = BUF_INIT(0);
	const char *end, *nl;
	unsigned line = 1;
	struct row *r;
	int bad = 0;

	if (str_mark(&p, &len) == -1) {
		text_complain(dir, t, 0, why, "%s", _(STR_UTF16));
		return -1;
	}
	for (end = p + len; p < end; p = nl + 1, line++) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		if (line_parse(t, p, (size_t)(nl - p), line, NULL, &r,
		    &words) == -1) {
			text_complain(dir, t, line, why, "%s",
			    buf_str(&words));
			bad = -1;
			continue;
		}
		line_append(t, p, (size_t)(nl - p), r);
	}
	buf_clear(&words);
	return bad;
}

int
text_load(struct text *t, int dirfd, const char *dir, struct buf *why)
{
	struct buf b = BUF_INIT(TEXT_FILE_MAX);
	int fd, r;

	fd = fd_open_file(dirfd, t->table->file, 0);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1 || fd_slurp(fd, &b) == -1) {
		text_complain(dir, t, 0, why, "%s", strerror(errno));
		if (fd != -1)
			close(fd);
		buf_clear(&b);
		return -1;
	}
	close(fd);
	r = text_parse(t, dir, buf_str(&b), b.len, why);
	buf_wipe(&b);
	return r;
}

void
text_print(const struct text *t, struct buf *out)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->lines[i].derived)
			continue;
		buf_puts(out, t->lines[i].text);
		buf_putc(out, '\n');
	}
}

int
text_stage(const struct text *t, int dirfd)
{
	struct buf b = BUF_INIT(0);
	int r;

	text_print(t, &b);
	r = fd_stage(dirfd, t->table->file, t->table->mode, buf_str(&b),
	    b.len);
	buf_wipe(&b);
	return r;
}

/* A line that is to be an entry: not blank, no comment. */
static int
entry_parse(const struct text *t, const char *line, unsigned number,
    const struct row *skip, struct row **row_r, struct buf *why)
{
	size_t n;

	if (line_parse(t, line, strlen(line), number, skip, row_r, why) == -1)
		return -1;
	if (*row_r != NULL)
		return 0;
	n = strcspn(line, "\r\n");
	if (line[strspn(line, " \t")] == '#')
		buf_set(why, _("%.*s: an entry cannot begin with \"#\", as "
		    "comments do"), (int)(n > 300 ? 300 : n), line);
	else
		buf_set(why, _("an empty line is no entry of %s"),
		    t->table->file);
	return -1;
}

int
text_add(struct text *t, const char *line, struct buf *why)
{
	struct row *r;

	if (entry_parse(t, line, (unsigned)t->n + 1, NULL, &r, why) == -1)
		return -1;
	line_append(t, line, strlen(line), r);
	t->dirty = 1;
	return 0;
}

static struct text_line *
line_of(struct text *t, const struct row *r)
{
	size_t i;

	for (i = 0; r != NULL && i < t->n; i++) {
		if (t->lines[i].row == r)
			return &t->lines[i];
	}
	return NULL;
}

int
text_change(struct text *t, struct row **row, const char *line,
    struct buf *why)
{
	struct row *old = *row, *r;
	struct text_line *l = line_of(t, old);

	if (entry_parse(t, line, old->line, old, &r, why) == -1)
		return -1;
	(void)tdelete(old, &t->tree, compare);
	line_clear(l);
	l->text = mem_strdup(line);
	l->row = r;
	l->derived = 0;
	row_index(t, r);
	t->dirty = 1;
	*row = r;
	return 0;
}

int
text_set(struct text *t, const char *key, const char *line, struct buf *why)
{
	struct row *old = text_find(t, key);

	if (old == NULL) {
		buf_set(why, _("%s: not there"), key);
		return -1;
	}
	return text_change(t, &old, line, why);
}

int
text_del(struct text *t, const char *key)
{
	struct row *r = text_find(t, key);
	struct text_line *l = line_of(t, r);
	size_t i;

	if (l == NULL)
		return -1;
	(void)tdelete(r, &t->tree, compare);
	line_clear(l);
	i = (size_t)(l - t->lines);
	memmove(l, l + 1, (t->n - i - 1) * sizeof(*l));
	t->n--;
	t->dirty = 1;
	return 0;
}

int
text_derive(struct text *t, const char *line, struct row **r,
    struct buf *why)
{
	struct buf key = BUF_INIT(0);
	int ok = t->table->key(line, strlen(line), &key, why);

	*r = ok == 0 ? text_find(t, buf_str(&key)) : NULL;
	buf_clear(&key);
	if (ok == -1 || *r != NULL)
		return ok;
	if (entry_parse(t, line, 0, NULL, r, why) == -1)
		return -1;
	line_append(t, line, strlen(line), *r);
	t->lines[t->n - 1].derived = 1;
	return 0;
}

void
text_underive(struct text *t)
{
	size_t i, n = 0;

	for (i = 0; i < t->n; i++) {
		if (!t->lines[i].derived) {
			t->lines[n++] = t->lines[i];
			continue;
		}
		(void)tdelete(t->lines[i].row, &t->tree, compare);
		line_clear(&t->lines[i]);
	}
	t->n = n;
}
