#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_conf.h"
#include "lib/base/mem.h"

static void
append(struct conf_file *f, char *line)
{
	f->lines = mem_realloc(f->lines, f->n + 1, sizeof(*f->lines));
	f->lines[f->n++] = line;
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
		free(f->lines[--f->n]);
	free(f->lines);
	f->lines = NULL;
}

void
conf_print(const struct conf_file *f, struct buf *out)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		buf_printf(out, "%s\n", f->lines[i]);
}

/* The value if the line is the key's, else NULL. */
static const char *
value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	line += strspn(line, " \t");
	if (strncmp(line, key, n) != 0)
		return NULL;
	line += n + strspn(line + n, " \t");
	if (*line != '=')
		return NULL;
	line++;
	return line + strspn(line, " \t");
}

unsigned
conf_line(const struct conf_file *f, const char *key)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (value_of(f->lines[i], key) != NULL)
			return (unsigned)i + 1;
	}
	return 0;
}

const char *
conf_get(const struct conf_file *f, const char *key)
{
	unsigned line = conf_line(f, key);

	return line == 0 ? NULL : value_of(f->lines[line - 1], key);
}

void
conf_set(struct conf_file *f, const char *key, const char *value)
{
	unsigned line = conf_line(f, key);
	struct buf b = BUF_INIT(0);
	char *text;

	buf_printf(&b, "%s = %s", key, value);
	text = mem_strdup(buf_str(&b));
	buf_clear(&b);
	if (line == 0) {
		append(f, text);
	} else {
		free(f->lines[line - 1]);
		f->lines[line - 1] = text;
	}
}
