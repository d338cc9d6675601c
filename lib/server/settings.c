/*
 * The whole file is read, then every value is checked into a list of its own,
 * and only when all are good are they put into the program's struct: a broken
 * file changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/server/settings.h"

enum {
	FILE_MAX = 1 << 20,
	LINE_MAX_LEN = 4096,
	KEY_MAX_LEN = 64,
	FAULT_MAX = 1000,
};

static const char key_octets[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

struct value {
	uint64_t number;
	char	*text;
	unsigned line;		/* 0: the default */
};

struct unit {
	char	 letter;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ 'K', 1 << 10 }, { 'M', 1 << 20 }, { 'G', 1 << 30 },
	{ 'T', (uint64_t)1 << 40 }, { 0, 0 }
};
static const struct unit time_units[] = {
	{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	{ 'w', 7 * 86400 }, { 0, 0 }
};
static const char *const type_names[] = {
	[SETTINGS_TEXT] = "text", [SETTINGS_HOST] = "host",
	[SETTINGS_NUMBER] = "number",
	[SETTINGS_SIZE] = "size", [SETTINGS_TIME] = "time",
	[SETTINGS_BOOL] = "bool", [SETTINGS_CHOICE] = "choice",
};

/* Digits and a unit; the unit may be left out where bare_ok. */
static const char *
parse_unit(const char *s, const struct unit *u, int bare_ok, uint64_t *r)
{
	size_t len = strlen(s);
	uint64_t n, factor = 1;

	if (len > 0 && (s[len - 1] < '0' || s[len - 1] > '9')) {
		while (u->letter != 0 && u->letter != s[len - 1])
			u++;
		if (u->letter == 0)
			return "has no unit that is known";
		factor = u->factor;
		len--;
	} else if (!bare_ok)
		return "needs a unit: s, m, h, d or w";
	if (str_number(s, len, UINT64_MAX / factor, &n) == -1)
		return "is no number";
	*r = n * factor;
	return NULL;
}

static const char *
parse_choice(const char *choices, const char *s, uint64_t *r)
{
	size_t n, len = strlen(s);
	uint64_t i = 0;

	for (; *choices != '\0'; i++) {
		n = strcspn(choices, " ");
		if (n == len && memcmp(choices, s, n) == 0) {
			*r = i;
			return NULL;
		}
		choices += n;
		choices += strspn(choices, " ");
	}
	return "is none of the words allowed";
}

static const char *
parse_text(const struct settings_key *k, const char *s, char **r)
{
	size_t len = strlen(s);

	if (len < k->min)
		return len == 0 ? "must not be empty" : "is too short";
	if (len > k->max)
		return "is too long";
	if (k->type == SETTINGS_HOST && len > 0 && !str_is_host(s, len))
		return "is no host name";
	free(*r);
	*r = mem_strdup(s);
	return NULL;
}

/* One value: NULL, or what is wrong with it. */
static const char *
parse_value(const struct settings_key *k, const char *s, struct value *v)
{
	size_t len = strlen(s);
	const char *fault = NULL;

	switch (k->type) {
	case SETTINGS_TEXT:
	case SETTINGS_HOST:
		return parse_text(k, s, &v->text);
	case SETTINGS_NUMBER:
		if (str_number(s, len, UINT64_MAX, &v->number) == -1)
			return "is no number";
		break;
	case SETTINGS_SIZE:
		fault = parse_unit(s, size_units, 1, &v->number);
		break;
	case SETTINGS_TIME:
		fault = parse_unit(s, time_units, 0, &v->number);
		break;
	case SETTINGS_BOOL:
		return parse_choice("no yes", s, &v->number) == NULL ? NULL :
		    "is neither yes nor no";
	case SETTINGS_CHOICE:
		return parse_choice(k->choices, s, &v->number);
	}
	if (fault == NULL && (v->number < k->min || v->number > k->max))
		fault = "is out of bounds";
	return fault;
}

static void
fault_words(struct buf *why, const char *name, const struct settings_key *k,
    const struct value *v, const char *value, const char *fault)
{
	char where[32] = "default";

	if (v->line > 0)
		snprintf(where, sizeof(where), "%u", v->line);
	if (k->type == SETTINGS_CHOICE)
		buf_set(why, "%s:%s: %s: \"%.60s\" %s: %s", name, where,
		    k->name, value, fault, k->choices);
	else if (k->type == SETTINGS_TEXT || k->type == SETTINGS_HOST ||
	    k->type == SETTINGS_BOOL)
		buf_set(why, "%s:%s: %s: \"%.60s\" %s", name, where, k->name,
		    value, fault);
	else
		buf_set(why, "%s:%s: %s: \"%.60s\" %s (%s, %" PRIu64 " to %"
		    PRIu64 ")", name, where, k->name, value, fault,
		    type_names[k->type], k->min, k->max);
}

static void
store_value(const struct settings_key *k, struct value *v, void *conf)
{
	char *at = (char *)conf + k->offset, *old;

	switch (k->type) {
	case SETTINGS_TEXT:
	case SETTINGS_HOST:
		/* What was there may be in use: an equal text stays, another
		   one is left behind. */
		memcpy(&old, at, sizeof(old));
		if (old != NULL && strcmp(old, v->text) == 0)
			break;
		memcpy(at, &v->text, sizeof(v->text));
		v->text = NULL;
		break;
	case SETTINGS_NUMBER:
	case SETTINGS_SIZE:
	case SETTINGS_TIME:
		memcpy(at, &v->number, sizeof(v->number));
		break;
	case SETTINGS_BOOL:
	case SETTINGS_CHOICE:
		memcpy(at, &(int){ (int)v->number }, sizeof(int));
		break;
	}
}

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
	*fault_r = "is no line \"key = value\"";
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
	const char *p = text, *end = text + len, *nl, *fault;
	char line[LINE_MAX_LEN + 1], *key, *value;
	unsigned n = 0;
	size_t l;
	int r;

	for (; p < end; p = nl + 1) {
		n++;
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		l = (size_t)(nl - p);
		if (l > LINE_MAX_LEN || memchr(p, '\0', l) != NULL) {
			buf_set(why, "%s:%u: the line %s", name, n, l >
			    LINE_MAX_LEN ? "is too long" : "holds NUL");
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

struct gather {
	const struct settings_key *keys;
	struct value *values;
	const char *name;
	struct buf *why;
};

static int
gather_one(const char *key, const char *value, unsigned line, void *arg)
{
	struct gather *g = arg;
	const char *fault;
	size_t i;

	for (i = 0; g->keys[i].name != NULL; i++)
		if (strcmp(g->keys[i].name, key) == 0)
			break;
	if (g->keys[i].name == NULL)
		return 0;
	if (g->values[i].line != 0) {
		buf_set(g->why, "%s:%u: %s stands already in line %u", g->name,
		    line, key, g->values[i].line);
		return -1;
	}
	g->values[i].line = line;
	fault = parse_value(&g->keys[i], value, &g->values[i]);
	if (fault == NULL)
		return 0;
	fault_words(g->why, g->name, &g->keys[i], &g->values[i], value, fault);
	return -1;
}

static int
gather_defaults(struct gather *g)
{
	const struct settings_key *k;
	const char *fault;
	size_t i;

	for (i = 0; g->keys[i].name != NULL; i++) {
		k = &g->keys[i];
		if (g->values[i].line != 0)
			continue;
		fault = parse_value(k, k->def, &g->values[i]);
		if (fault != NULL) {
			fault_words(g->why, g->name, k, &g->values[i], k->def,
			    fault);
			return -1;
		}
	}
	return 0;
}

int
settings_parse(const char *text, size_t len, const char *name,
    const struct settings_key *keys, void *conf, struct buf *why)
{
	struct gather g = { .keys = keys, .name = name, .why = why };
	size_t i, n = 0;
	int r;

	while (keys[n].name != NULL)
		n++;
	g.values = mem_zalloc(n + 1, sizeof(*g.values));
	r = walk(text, len, name, gather_one, &g, why);
	if (r == 0)
		r = gather_defaults(&g);
	for (i = 0; r == 0 && i < n; i++)
		store_value(&keys[i], &g.values[i], conf);
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
		buf_set(why, "%.100s...: the path is too long", dir);
		return -1;
	}
	if ((fd = open(path_r, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1)
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

struct place {
	const char *words;	/* "KEY: ..." */
	size_t	 key_len;
	unsigned line;
};

static int
place_one(const char *key, const char *value, unsigned line, void *arg)
{
	struct place *p = arg;

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
	struct place p = { .words = buf_str(why) };
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
		    k->name, type_names[k->type], k->def, k->min, k->max,
		    k->choices != NULL ? k->choices : "", k->help);
}
