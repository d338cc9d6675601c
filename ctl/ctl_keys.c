#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_keys.h"
#include "ctl/ctl_util.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/server/program.h"
#include "lib/server/settings.h"

enum { OUTPUT_MAX = 256 * 1024, COLUMNS = 7 };

/* The keys that this command alone reads. */
static struct {
	char	*lists, *probe;
} own;

static const struct settings_key own_keys[] = {
	{ "doctor_dnsbl", SETTINGS_TEXT, offsetof(__typeof__(own), lists), "",
	  0, 900, NULL,
	  N_("block lists that doctor asks for our own addresses") },
	{ "probe", SETTINGS_TEXT, offsetof(__typeof__(own), probe), "", 0, 300,
	  NULL, N_("HOST:PORT of another Rohrpost, which doctor asks whether "
	  "it reaches our ports; empty: none") },
	SETTINGS_END
};

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct key *)a)->name,
	    ((const struct key *)b)->name);
}

struct key *
keys_find(const struct keys *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		if (strcmp(k->k[i].name, name) == 0)
			return &k->k[i];
	}
	return NULL;
}

void
keys_clear(struct keys *k)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		free(k->k[i].name);
		free(k->k[i].def);
		free(k->k[i].help);
		free(k->k[i].type);
		free(k->k[i].choices);
		buf_clear(&k->k[i].programs);
		free(k->k[i].value);
	}
	free(k->k);
	k->k = NULL;
	k->n = 0;
}

static void
add_reader(struct key *key, const char *program)
{
	key->n_programs++;
	buf_put_lv(&key->programs, program, strlen(program));
}

/* name TAB type TAB default TAB min TAB max TAB choices TAB help */
static int
parse_key(struct keys *k, const char *program, const char *p, size_t len)
{
	const char *column[COLUMNS], *end = p + len, *tab = p;
	size_t n[COLUMNS];
	struct key new = { .n_programs = 0 }, *key;
	int i;

	for (i = 0; i < COLUMNS; i++, p = tab + 1) {
		if (tab == end && i > 0)
			return -1;
		tab = memchr(p, '\t', (size_t)(end - p));
		if (tab == NULL)
			tab = end;
		column[i] = p;
		n[i] = (size_t)(tab - p);
	}
	if (n[0] == 0 || tab != end ||
	    str_number(column[3], n[3], UINT64_MAX, &new.min) == -1 ||
	    str_number(column[4], n[4], UINT64_MAX, &new.max) == -1)
		return -1;
	new.name = mem_strndup(column[0], n[0]);
	if ((key = keys_find(k, new.name)) != NULL) {
		free(new.name);
		add_reader(key, program);
		return 0;
	}
	k->k = mem_realloc(k->k, k->n + 1, sizeof(*k->k));
	key = &k->k[k->n++];
	new.type = mem_strndup(column[1], n[1]);
	new.def = mem_strndup(column[2], n[2]);
	new.choices = mem_strndup(column[5], n[5]);
	new.help = mem_strndup(column[6], n[6]);
	*key = new;
	add_reader(key, program);
	return 0;
}

int
keys_parse(struct keys *k, const char *program, const char *text, size_t len)
{
	const char *p = text, *end = text + len, *nl;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL || parse_key(k, program, p,
		    (size_t)(nl - p)) == -1)
			return -1;
	}
	return 0;
}

static const char *
program_path(enum peer p, struct buf *path)
{
	buf_reset(path);
	buf_printf(path, "%s/%s", LIBEXECDIR, peer_name(p));
	return buf_str(path);
}

/* As a program prints them. */
static int
add_own(struct keys *k, struct buf *text)
{
	const struct settings_key *o;

	buf_reset(text);
	for (o = own_keys; o->name != NULL; o++)
		buf_printf(text, "%s\ttext\t%s\t%" PRIu64 "\t%" PRIu64
		    "\t\t%s\n", o->name, o->def, o->min, o->max, o->help);
	return keys_parse(k, "rohrpost", buf_str(text), text->len);
}

int
keys_load(struct keys *k, struct buf *why)
{
	struct buf path = BUF_INIT(0), text = BUF_INIT(OUTPUT_MAX);
	const char *argv[3] = { NULL, "-K", NULL };
	int status, r = 0;
	unsigned i;

	k->k = NULL;
	k->n = 0;
	for (i = 0; r == 0 && i < PEER_COUNT; i++) {
		if (!program_installed((enum peer)i))
			continue;
		argv[0] = peer_name((enum peer)i);
		status = ctl_run_program(program_path((enum peer)i, &path),
		    argv, &text);
		if (status == 0 && keys_parse(k, argv[0],
		    buf_str(&text), text.len) == 0)
			continue;
		if (status == -1)
			buf_set(why, "%s", buf_str(&text));
		else
			buf_set(why, _("%s -K: exit status %d"), buf_str(&path),
			    status);
		r = -1;
	}
	if (r == 0)
		r = add_own(k, &text);
	if (k->n > 0)
		qsort(k->k, k->n, sizeof(*k->k), compare);
	buf_clear(&path);
	buf_clear(&text);
	return r;
}

static int
set_value(const char *key, const char *value, unsigned line, void *arg)
{
	struct key *k = keys_find(arg, key);

	if (k != NULL) {
		free(k->value);
		k->value = mem_strdup(value);
		k->line = line;
	}
	return 0;
}

int
keys_values(struct keys *k, const char *dir, struct buf *why)
{
	int r = keys_load(k, why);

	if (r == 0)
		r = settings_walk(dir, set_value, k, why);
	return r;
}

/* The lines of text, without the name that master put before each. */
static void
add_lines(struct buf *why, const char *text)
{
	static const char prefix[] = "master: ";
	const char *line;
	size_t len;

	while ((line = str_line(&text, &len)) != NULL) {
		if (strncmp(line, prefix, sizeof(prefix) - 1) == 0) {
			line += sizeof(prefix) - 1;
			len -= sizeof(prefix) - 1;
		}
		if (len == 0)
			continue;
		if (why->len > 0)
			buf_putc(why, '\n');
		buf_append(why, line, len);
	}
}

/* The names of lists. 0, or -1 with why. */
static int
own_check(const char *dir, struct buf *why)
{
	const char *p;
	size_t n;

	if (settings_load(dir, own_keys, &own, why) == -1)
		return -1;
	for (p = own.lists;; p += n) {
		p += strspn(p, " \t,");
		if ((n = strcspn(p, " \t,")) == 0)
			return 0;
		if (str_is_host(p, n))
			continue;
		buf_set(why, _("doctor_dnsbl: \"%.*s\" is no name of a list, "
		    "like dnsbl.example.org"), (int)(n > 80 ? 80 : n), p);
		settings_place(dir, why);
		return -1;
	}
}

/* Master asks them all, and says each fault once. */
int
keys_check(const char *dir, struct buf *why)
{
	struct buf path = BUF_INIT(0), text = BUF_INIT(OUTPUT_MAX);
	const char *argv[5] = { "master", "-c", dir, "-n", NULL };
	int status;

	status = ctl_run_program(program_path(PEER_MASTER, &path), argv,
	    &text);
	buf_reset(why);
	if (status != 0)
		add_lines(why, buf_str(&text));
	if (status != 0 && why->len == 0)
		buf_set(why, _("%s -n: exit status %d"), buf_str(&path),
		    status);
	buf_clear(&path);
	buf_clear(&text);
	return status == 0 ? own_check(dir, why) : -1;
}
