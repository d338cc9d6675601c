#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_conf.h"
#include "lib/base/mem.h"
#include "lib/server/settings.h"

/* Takes text over. */
static void
line_set(struct conf_line *l, char *text)
{
	const char *fault;

	l->text = text;
	l->copy = mem_strdup(text);
	if (settings_split(l->copy, &l->key, &l->value, &fault) != 1)
		l->key = l->value = NULL;
}

static void
line_clear(struct conf_line *l)
{
	free(l->text);
	free(l->copy);
}

static void
append(struct conf_file *f, char *text)
{
	f->lines = mem_realloc(f->lines, f->n + 1, sizeof(*f->lines));
	line_set(&f->lines[f->n++], text);
}

void
conf_read(struct conf_file *f, const char *p, size_t len)
{
	const char *end = p + len, *nl;

	memset(f, 0, sizeof(*f));
	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		append(f, mem_strndup(p, (size_t)(nl - p)));
	}
}

void
conf_clear(struct conf_file *f)
{
	while (f->n > 0)
		line_clear(&f->lines[--f->n]);
	free(f->lines);
	f->lines = NULL;
}

void
conf_print(const struct conf_file *f, struct buf *out)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		buf_printf(out, "%s\n", f->lines[i].text);
}

unsigned
conf_line(const struct conf_file *f, const char *key)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (f->lines[i].key != NULL &&
		    strcmp(f->lines[i].key, key) == 0)
			return (unsigned)i + 1;
	}
	return 0;
}

const char *
conf_get(const struct conf_file *f, const char *key)
{
	unsigned line = conf_line(f, key);

	return line == 0 ? NULL : f->lines[line - 1].value;
}

void
conf_del(struct conf_file *f, const char *key)
{
	unsigned line = conf_line(f, key);

	if (line == 0)
		return;
	line_clear(&f->lines[line - 1]);
	memmove(&f->lines[line - 1], &f->lines[line],
	    (--f->n + 1 - line) * sizeof(*f->lines));
}

void
conf_set(struct conf_file *f, const char *key, const char *value)
{
	unsigned line = conf_line(f, key);
	struct buf b = BUF_INIT(0);
	char *text;

	if (line != 0 && strcmp(f->lines[line - 1].value, value) == 0)
		return;
	buf_printf(&b, "%s =%s%s", key, *value == '\0' ? "" : " ", value);
	text = mem_strdup(buf_str(&b));
	buf_clear(&b);
	if (line == 0) {
		append(f, text);
	} else {
		line_clear(&f->lines[line - 1]);
		line_set(&f->lines[line - 1], text);
	}
}
