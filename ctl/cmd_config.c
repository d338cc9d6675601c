/*
 * config check, config show: what every program says of its own keys.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_config.h"
#include "ctl/commands.h"
#include "ctl/ctl_cert.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_family.h"
#include "ctl/ctl_keys.h"
#include "ctl/ctl_near.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/server/settings.h"

struct check {
	const struct keys *keys;
	const char *dir;
	int	 bad;
	struct {
		char	*key;
		unsigned line;
	} *seen;
	size_t	 n_seen;
};

/* Keys whose file nobody but its owner and group may read. */
static void
check_secret(const struct check *k, const char *key, const char *path,
    unsigned line)
{
	struct buf words = BUF_INIT(0);
	struct stat st;

	if (strcmp(key, "tls_key") != 0 &&
	    strcmp(key, "relay_password_file") != 0)
		return;
	if (stat(path, &st) == -1 || (st.st_mode & 06) == 0)
		return;
	buf_set(&words, _("%s/rohrpost.conf:%u: %s: %s is open to every user "
	    "of this machine: chmod o= %s"), k->dir, line, key, path, path);
	ctl_warn(&words);
	buf_clear(&words);
}

static int
say_unknown(const struct check *k, const char *key, unsigned line)
{
	struct buf near = BUF_INIT(0);

	near_keys(k->keys, key, &near);
	if (near.len > 0)
		ctl_fail(1, _("%s/rohrpost.conf:%u: %s: no program knows this "
		    "key; do you mean %s?"), k->dir, line, key, buf_str(&near));
	else
		ctl_fail(1, _("%s/rohrpost.conf:%u: %s: no program knows this "
		    "key: take the line out (rohrpost config show has all "
		    "keys)"), k->dir, line, key);
	buf_clear(&near);
	return 1;
}

static int
check_key(const char *key, const char *value, unsigned line, void *arg)
{
	struct check *k = arg;
	size_t i;

	check_secret(k, key, value, line);
	if (keys_find(k->keys, key) == NULL)
		k->bad = say_unknown(k, key, line);
	for (i = 0; i < k->n_seen; i++) {
		if (strcmp(k->seen[i].key, key) != 0)
			continue;
		k->bad = ctl_fail(1, _("%s/rohrpost.conf:%u: %s stands already "
		    "in line %u: take one of them out"), k->dir, line, key,
		    k->seen[i].line);
		return 0;
	}
	k->seen = mem_realloc(k->seen, k->n_seen + 1, sizeof(*k->seen));
	k->seen[k->n_seen].key = mem_strdup(key);
	k->seen[k->n_seen++].line = line;
	return 0;
}

static int
check_known(struct ctl *c, const struct keys *keys)
{
	struct buf why = BUF_INIT(0);
	struct check k = { .keys = keys, .dir = c->dir };

	if (settings_walk(c->dir, check_key, &k, &why) == -1)
		k.bad = ctl_say(1, &why);
	while (k.n_seen > 0)
		free(k.seen[--k.n_seen].key);
	free(k.seen);
	buf_clear(&why);
	return k.bad;
}

int
config_known(struct ctl *c)
{
	struct buf words = BUF_INIT(64 * 1024);
	struct keys keys;
	int r = keys_load(&keys, &words);

	if (r == -1)
		ctl_say(0, &words);
	else
		r = check_known(c, &keys) == 0 ? 0 : -1;
	keys_clear(&keys);
	buf_clear(&words);
	return r;
}

struct tls_conf {
	char	*cert, *key;
};

static const struct settings_key tls_keys[] = {
	SETTINGS_KEY_CERT(struct tls_conf, cert),
	SETTINGS_KEY_CERT_KEY(struct tls_conf, key),
	SETTINGS_END
};

/* Each line of words, with its place in the file. */
static void
place_lines(const char *dir, const struct buf *words,
    void (*each)(const struct buf *))
{
	const char *p = buf_str(words), *line;
	struct buf one = BUF_INIT(0);
	size_t len;

	while ((line = str_line(&p, &len)) != NULL) {
		buf_set(&one, "%.*s", (int)len, line);
		settings_place(dir, &one);
		each(&one);
	}
	buf_clear(&one);
}

static void
warn_lines(const char *dir, const struct buf *words)
{
	place_lines(dir, words, ctl_warn);
}

static void
refuse(const struct buf *words)
{
	ctl_say(0, words);
}

/* Addresses that this host cannot have: the rest of them works. */
static int
check_families(const struct ctl *c)
{
	struct buf words = BUF_INIT(64 * 1024);
	int r = family_judge(c->dir, &words);

	place_lines(c->dir, &words, refuse);
	buf_clear(&words);
	return r;
}

/* The path as it is written, and what it leads to. */
static void
warn_hidden(const char *config, const char *key, const char *path)
{
	char *dir = realpath(config, NULL), *real = realpath(path, NULL);
	struct buf words = BUF_INIT(0);
	const char *where = NULL;

	if (dir != NULL)
		where = cert_hidden(dir, path);
	if (dir != NULL && where == NULL && real != NULL)
		where = cert_hidden(dir, real);
	if (where != NULL) {
		buf_set(&words, _("%s: %s: lies in %s, which systemd's unit "
		    "hides from the programs: put it beside rohrpost.conf"),
		    key, path, where);
		warn_lines(config, &words);
	}
	buf_clear(&words);
	free(real);
	free(dir);
}

void
config_warn(struct ctl *c)
{
	struct tls_conf conf = { .cert = NULL };
	struct buf words = BUF_INIT(0);

	/* What is wrong with the file was said. */
	if (settings_load(c->dir, tls_keys, &conf, &words) == 0) {
		buf_reset(&words);
		if (cert_judge(conf.cert, c->hostname, &words) == -1)
			warn_lines(c->dir, &words);
		warn_hidden(c->dir, "tls_certificate", conf.cert);
		warn_hidden(c->dir, "tls_key", conf.key);
	}
	free(conf.cert);
	free(conf.key);
	buf_clear(&words);
}

int
cmd_config_check(struct ctl *c)
{
	struct buf words = BUF_INIT(64 * 1024);
	int r = config_known(c);

	if (r == 0 && keys_check(c->dir, &words) == -1)
		r = ctl_say(-1, &words);
	if (r == 0 && (r = ctl_load(c)) == 0) {
		config_warn(c);
		r = check_families(c);
	}
	buf_clear(&words);
	if (r == 0 && ctl_at_terminal())
		printf(_("%s/rohrpost.conf: good\n"), c->dir);
	return r == 0 ? CTL_DONE : CTL_REFUSED;
}

int
cmd_config_show(struct ctl *c)
{
	struct buf words = BUF_INIT(64 * 1024);
	struct keys keys;
	struct out o;
	size_t i;
	int r;

	r = keys_values(&keys, c->dir, &words);
	if (r == -1) {
		ctl_say(0, &words);
		buf_clear(&words);
		keys_clear(&keys);
		return CTL_REFUSED;
	}
	out_init(&o, stdout, c->json);
	out_name(&o, "key", 3);
	out_name(&o, "value", 5);
	out_name(&o, "default", 7);
	out_name(&o, "help", 4);
	for (i = 0; i < keys.n; i++) {
		out_text(&o, keys.k[i].name);
		out_text(&o, keys.k[i].value != NULL ? keys.k[i].value :
		    keys.k[i].def);
		out_bool(&o, keys.k[i].value == NULL);
		out_text(&o, c->json || keys.k[i].help[0] == '\0' ?
		    keys.k[i].help : _(keys.k[i].help));
	}
	keys_clear(&keys);
	buf_clear(&words);
	return out_end(&o) == 0 ? CTL_DONE : CTL_REFUSED;
}
