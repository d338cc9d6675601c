#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_cert.h"
#include "ctl/ctl_renew.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/server/settings.h"

struct renew_conf {
	char	*cert, *key;
};

static const struct settings_key keys[] = {
	SETTINGS_KEY_CERT(struct renew_conf, cert),
	SETTINGS_KEY_CERT_KEY(struct renew_conf, key),
	SETTINGS_END
};

int
renew_make(const char *hostname, const struct set *s, struct buf *cert,
    struct buf *key, struct buf *why)
{
	char **names = mem_zalloc(s->t[TEXT_DOMAINS].n + 1, sizeof(*names));
	const struct row *r;
	size_t i = 0, n = 0;
	int done;

	while ((r = text_next(&s->t[TEXT_DOMAINS], &i)) != NULL)
		names[n++] = r->key;
	done = cert_make(hostname, names, n, cert, key, why);
	free(names);
	return done;
}

static int
is_in(const char *path, const char *config, const char *name)
{
	char *dir = realpath(config, NULL);
	size_t n = dir == NULL ? 0 : strlen(dir);
	int r = dir != NULL && strncmp(path, dir, n) == 0 &&
	    path[n] == '/' && strcmp(path + n + 1, name) == 0;

	free(dir);
	return r;
}

int
renew_is_ours(const char *dir, const char *cert, const char *key)
{
	return is_in(cert, dir, RENEW_CERT) && is_in(key, dir, RENEW_KEY) &&
	    cert_is_ours(cert);
}

/* The key first: until its certificate is there too this is tried again. */
static int
replace(struct ctl *c, const struct set *s, struct buf *why)
{
	struct buf cert = BUF_INIT(0), key = BUF_INIT(0);
	int r = renew_make(c->hostname, s, &cert, &key, why);

	if (r == 0 && (fd_replace(s->dirfd, RENEW_KEY, 0600, key.data,
	    key.len) == -1 || fd_replace(s->dirfd, RENEW_CERT, 0644,
	    cert.data, cert.len) == -1)) {
		buf_set(why, "%s/%s: %s", c->dir, RENEW_CERT,
		    strerror(errno));
		r = -1;
	}
	buf_clear(&cert);
	buf_wipe(&key);
	return r;
}

void
renew(struct ctl *c)
{
	struct renew_conf conf = { .cert = NULL };
	struct buf why = BUF_INIT(0);
	struct set s;
	int r = 0;

	/* What is wrong with the file is said by those who need it. */
	if (settings_load(c->dir, keys, &conf, &why) == 0 &&
	    renew_is_ours(c->dir, conf.cert, conf.key) &&
	    !cert_good(conf.cert, c->hostname)) {
		r = set_open(&s, ctl_tables, c->dir, 0, &why);
		if (r == 0) {
			r = replace(c, &s, &why);
			set_close(&s);
		}
		if (r == 0)
			fprintf(stderr, _("rohrpost: %s: new, self-signed, for "
			    "%s\n"), conf.cert, c->hostname);
	}
	if (r == -1)
		ctl_warn(&why);
	free(conf.cert);
	free(conf.key);
	buf_clear(&why);
}
