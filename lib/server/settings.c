/*
 * The whole file is read, then every value is checked into a list of its own,
 * and only when all are good are they put into the program's struct: a broken
 * file changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/server/settings.h"
#include "lib/server/settings_value.h"

enum {
	FILE_MAX = 1 << 20,
	LINE_MAX_LEN = 4096,
	KEY_MAX_LEN = 64,
	FAULT_MAX = 1000,
};

static const char key_octets[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

int
settings_split(char *s, char **key_r, char **value_r, const char **fault_r)
{
	char *p, *end = s + strlen(s);

	while (end > s && is_blank(end[-1]))
		*--end = '\0';
	while (is_blank(*s))
		s++;
	if (*s == '\0' || *s == '#')
		return 0;
	p = s + strspn(s, key_octets);
	*fault_r = _("is not a line \"key = value\"");
	if (p == s || p - s > KEY_MAX_LEN)
		return -1;
	*key_r = s;
	s = p;
	while (is_blank(*s))
		s++;
	if (*s != '=')
		return -1;
	*p = '\0';
	s++;
	while (is_blank(*s))
		s++;
	*value_r = s;
	return 1;
}

typedef int each_fn(const char *key, const char *value, unsigned line,
    void *arg);

/* Walks text; -1 with why for a bad line. each answers 0 or ends the walk. */
static int
walk(const char *text, size_t len, const char *name, each_fn *each, void *arg,
    struct buf *why)
{
	const char *p = text, *end, *nl, *fault;
	char line[LINE_MAX_LEN + 1], *key, *value;
	unsigned n = 0;
	size_t l;
	int r;

	if (str_mark(&p, &len) == -1) {
		buf_set(why, "%s: %s", name, _(STR_UTF16));
		return -1;
	}
	for (end = p + len; p < end; p = nl + 1) {
		n++;
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		l = (size_t)(nl - p);
		if (l > LINE_MAX_LEN || memchr(p, '\0', l) != NULL) {
			buf_set(why, l > LINE_MAX_LEN ?
			    _("%s:%u: the line is too long") :
			    _("%s:%u: the line holds NUL"), name, n);
			return -1;
		}
		memcpy(line, p, l);
		line[l] = '\0';
		r = settings_split(line, &key, &value, &fault);
		if (r == -1) {
			buf_set(why, "%s:%u: %s", name, n, fault);
			return -1;
		}
		if (r == 1 && (r = each(key, value, n, arg)) != 0)
			return r;
	}
	return 0;
}

struct settings_gather {
	const struct settings_key *keys;
	struct settings_value *values;
	const char *name;
	struct buf *why;
};

static int
gather_one(const char *key, const char *value, unsigned line, void *arg)
{
	struct settings_gather *g = arg;
	const char *fault;
	size_t i;

	for (i = 0; g->keys[i].name != NULL; i++)
		if (strcmp(g->keys[i].name, key) == 0)
			break;
	if (g->keys[i].name == NULL)
		return 0;
	if (g->values[i].line != 0) {
		buf_set(g->why, _("%s:%u: %s stands already in line %u"),
		    g->name, line, key, g->values[i].line);
		return -1;
	}
	g->values[i].line = line;
	fault = settings_value_parse(&g->keys[i], value, &g->values[i]);
	if (fault == NULL)
		return 0;
	settings_value_fault(g->why, g->name, &g->keys[i], &g->values[i], value,
	    fault);
	return -1;
}

static int
gather_defaults(struct settings_gather *g)
{
	const struct settings_key *k;
	const char *fault;
	size_t i;

	for (i = 0; g->keys[i].name != NULL; i++) {
		k = &g->keys[i];
		if (g->values[i].line != 0)
			continue;
		fault = settings_value_parse(k, k->def, &g->values[i]);
		if (fault != NULL) {
			settings_value_fault(g->why, g->name, k, &g->values[i],
			    k->def, fault);
			return -1;
		}
	}
	return 0;
}

int
settings_parse(const char *text, size_t len, const char *name,
    const struct settings_key *keys, void *conf, struct buf *why)
{
	struct settings_gather g = { .keys = keys, .name = name, .why = why };
	size_t i, n = 0;
	int r;

	while (keys[n].name != NULL)
		n++;
	g.values = mem_zalloc(n + 1, sizeof(*g.values));
	r = walk(text, len, name, gather_one, &g, why);
	if (r == 0)
		r = gather_defaults(&g);
	for (i = 0; r == 0 && i < n; i++)
		settings_value_store(&keys[i], &g.values[i], conf);
	for (i = 0; i < n; i++)
		free(g.values[i].text);
	free(g.values);
	return r;
}

static int
slurp(int fd, const char *name, struct buf *text, struct buf *why)
{
	if (fd_slurp(fd, text) == 0)
		return 0;
	buf_set(why, "%s: %s", name, strerror(errno));
	return -1;
}

int
settings_load_fd(int fd, const char *name, const struct settings_key *keys,
    void *conf, struct buf *why)
{
	struct buf text = BUF_INIT(FILE_MAX);
	int r = slurp(fd, name, &text, why);

	if (r == 0)
		r = settings_parse(buf_str(&text), text.len, name, keys, conf,
		    why);
	buf_clear(&text);
	return r;
}

int
settings_open(const char *dir, char path_r[SETTINGS_PATH_MAX], struct buf *why)
{
	int fd;

	if (snprintf(path_r, SETTINGS_PATH_MAX, "%s/rohrpost.conf", dir) >=
	    SETTINGS_PATH_MAX) {
		buf_set(why, _("%.100s...: the path is too long"), dir);
		return -1;
	}
	if ((fd = fd_open_file(AT_FDCWD, path_r, 0)) == -1)
		buf_set(why, "%s: %s", path_r, strerror(errno));
	return fd;
}

int
settings_load(const char *dir, const struct settings_key *keys, void *conf,
    struct buf *why)
{
	char path[SETTINGS_PATH_MAX];
	int r, fd = settings_open(dir, path, why);

	if (fd == -1)
		return -1;
	r = settings_load_fd(fd, path, keys, conf, why);
	fd_close(&fd);
	return r;
}

int
settings_walk(const char *dir, int (*each)(const char *key, const char *value,
    unsigned line, void *arg), void *arg, struct buf *why)
{
	struct buf text = BUF_INIT(FILE_MAX);
	char path[SETTINGS_PATH_MAX];
	int r, fd = settings_open(dir, path, why);

	if (fd == -1)
		return -1;
	r = slurp(fd, path, &text, why);
	if (r == 0)
		r = walk(buf_str(&text), text.len, path, each, arg, why);
	fd_close(&fd);
	buf_clear(&text);
	return r;
}

struct settings_place {
	const char *words;	/* "KEY: ..." */
	size_t	 key_len;
	unsigned line;
};

static int
place_one(const char *key, const char *value, unsigned line, void *arg)
{
	struct settings_place *p = arg;

	if (strlen(key) != p->key_len ||
	    memcmp(key, p->words, p->key_len) != 0)
		return 0;
	p->line = line;
	return 1;
}

void
settings_place(const char *dir, struct buf *why)
{
	struct buf fault = BUF_INIT(FAULT_MAX);
	struct settings_place p = { .words = buf_str(why) };
	char *words;

	p.key_len = strspn(p.words, key_octets);
	if (p.key_len > 0 && p.words[p.key_len] == ':' &&
	    settings_walk(dir, place_one, &p, &fault) == 1) {
		words = mem_strdup(p.words);
		buf_set(why, "%s/rohrpost.conf:%u: %s", dir, p.line, words);
		free(words);
	}
	buf_clear(&fault);
}

void
settings_print(const struct settings_key *k)
{
	for (; k->name != NULL; k++)
		printf("%s\t%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%s\t%s\n",
		    k->name, settings_type_name(k->type), k->def, k->min, k->max,
		    k->choices != NULL ? k->choices : "", k->help);
}

const char *
settings_hostname(const char *configured)
{
	static const char *kept;
	char name[HOST_NAME_MAX + 1];

	if (configured[0] != '\0')
		return configured;
	if (gethostname(name, sizeof(name) - 1) == -1 || name[0] == '\0')
		str_copy(name, sizeof(name), "localhost");
	name[sizeof(name) - 1] = '\0';
	if (kept == NULL || strcmp(kept, name) != 0)
		kept = mem_strdup(name);
	return kept;
}
