#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "ctl/ctl_text.h"
#include "ctl/setup_now.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"

static void
take_conf(struct answers *now, const struct conf_file *conf)
{
	static const char *const keys[] = { "hostname", "relay_host",
		"relay_user" };
	const char *p, *relay = conf_get(conf, "relay_host"),
	    *listen = conf_get(conf, "listen_smtp");
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		p = conf_get(conf, keys[i]);
		if (p != NULL && *p != '\0')
			answers_set(now, keys[i], p);
	}
	if (answers_get(now, "hostname") != NULL)
		answers_set(now, "profile", relay == NULL || *relay == '\0' ?
		    "direct" : listen != NULL && *listen == '\0' ?
		    "collector" : "relay");
}

/* The first row that stands for itself. */
static void
take_table(struct answers *now, const struct text *t, const char *key)
{
	const struct row *r;
	size_t i = 0;

	while ((r = text_next(t, &i)) != NULL)
		if (r->value == NULL || t->table == &table_collect) {
			answers_set(now, key, r->key);
			return;
		}
}

static int
take_tables(struct answers *now, int dirfd, const char *dir, struct buf *why)
{
	static const struct { enum text_id id; const char *key; } tables[] = {
		{ TEXT_DOMAINS, "domain" }, { TEXT_USERS, "user" },
		{ TEXT_ALIASES, "postmaster" }, { TEXT_COLLECT, "collect" },
	};
	const struct row *r;
	struct text t;
	size_t i;
	int ok = 0;

	for (i = 0; ok == 0 && i < sizeof(tables) / sizeof(tables[0]); i++) {
		text_init(&t, ctl_tables[tables[i].id]);
		ok = text_load(&t, dirfd, dir, why);
		r = text_find(&t, "postmaster");
		if (ok == 0 && tables[i].id != TEXT_ALIASES)
			take_table(now, &t, tables[i].key);
		else if (ok == 0 && r != NULL && r->n_targets > 0)
			answers_set(now, tables[i].key, r->targets[0]);
		text_clear(&t);
	}
	return ok;
}

int
now_load(struct answers *now, struct conf_file *conf, const char *dir,
    struct buf *why)
{
	struct buf text = BUF_INIT(1 << 20);
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1,
	    r = 0;
	const char *p;
	size_t len;

	answers_init(now, "");
	memset(conf, 0, sizeof(*conf));
	if (dirfd != -1)
		fd = fd_open_file(dirfd, "rohrpost.conf", 0);
	if (fd != -1 && fd_slurp(fd, &text) == -1) {
		buf_set(why, "%s/rohrpost.conf: %s", dir, strerror(errno));
		r = -1;
	}
	p = buf_str(&text);
	len = text.len;
	if (r == 0 && str_mark(&p, &len) == 0)
		conf_read(conf, p, len);
	take_conf(now, conf);
	if (r == 0 && dirfd != -1)
		r = take_tables(now, dirfd, dir, why);
	fd_close(&fd);
	fd_close(&dirfd);
	buf_clear(&text);
	return r;
}
