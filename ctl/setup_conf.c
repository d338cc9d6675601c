#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_cert.h"
#include "ctl/ctl_name.h"
#include "ctl/setup.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/mail/limits.h"

#define STAGE ".setup"

enum profile { PROFILE_DIRECT, PROFILE_RELAY, PROFILE_COLLECTOR };

/* A profile is a set of defaults: what was answered wins. */
static const struct {
	const char *name;
	int	 needs_relay_host;
	int	 no_port_25;
} profiles[] = {
	[PROFILE_DIRECT] = { "direct", 0, 0 },
	[PROFILE_RELAY] = { "relay", 1, 0 },
	[PROFILE_COLLECTOR] = { "collector", 1, 1 },
};

static const char header[] =
    "# The configuration of Rohrpost. \"rohrpost config show\" lists every "
    "key;\n# after a change: \"rohrpost config check\", then "
    "\"rohrpost reload\".\n";

static const struct answer *
find(struct setup *s, const char *key)
{
	size_t i = 0;

	return answers_next(&s->answers, key, &i);
}

static int
set_hostname(struct setup *s, struct buf *why)
{
	struct buf name = BUF_INIT(DOMAIN_MAX), words = BUF_INIT(0);
	const struct answer *a = find(s, "hostname");
	const char *old = conf_get(&s->conf, "hostname");
	int r = 0;

	if (a == NULL && old == NULL)
		return setup_refuse(s, NULL, why, "no \"hostname = \"");
	if (a != NULL)
		old = a->value;
	if (name_domain(old, strlen(old), &name, &words) == -1)
		r = setup_refuse(s, a, why, "hostname: %s", buf_str(&words));
	if (r == 0) {
		s->hostname = mem_strdup(buf_str(&name));
		conf_set(&s->conf, "hostname", s->hostname);
	}
	buf_clear(&name);
	buf_clear(&words);
	return r;
}

/* Paths are written absolute: programs have their own current folder. */
static char *
absolute(const char *path)
{
	struct buf b = BUF_INIT(0);
	char *cwd, *r;

	if (path[0] == '/')
		return mem_strdup(path);
	cwd = getcwd(NULL, 0);
	buf_printf(&b, "%s/%s", cwd != NULL ? cwd : "", path);
	free(cwd);
	r = mem_strdup(buf_str(&b));
	buf_clear(&b);
	return r;
}

static void
set_path(struct setup *s, const char *key, const char *path)
{
	char *full = absolute(path);

	conf_set(&s->conf, key, full);
	free(full);
}

static int
set_profile(struct setup *s, struct buf *why)
{
	const struct answer *a = find(s, "profile");
	size_t i;

	if (a == NULL)
		return 0;
	for (i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].name, a->value) == 0)
			break;
	}
	if (i == sizeof(profiles) / sizeof(profiles[0]))
		return setup_refuse(s, a, why, "profile: direct, relay or "
		    "collector");
	if (profiles[i].needs_relay_host && find(s, "relay_host") == NULL &&
	    conf_get(&s->conf, "relay_host") == NULL)
		return setup_refuse(s, a, why, "profile %s: needs "
		    "\"relay_host = \"", a->value);
	if (profiles[i].no_port_25 && find(s, "listen_smtp") == NULL)
		conf_set(&s->conf, "listen_smtp", "");
	return 0;
}

/* Every key that is not setup's own must be one that some program has. */
static int
pass_through(struct setup *s, struct buf *why)
{
	const struct answer *a;
	size_t i;

	for (i = 0; i < s->answers.n; i++) {
		a = &s->answers.a[i];
		if (a->own || strcmp(a->key, "hostname") == 0)
			continue;
		if (keys_find(&s->keys, a->key) == NULL)
			return setup_refuse(s, a, why, "%s: not a key that "
			    "is known", a->key);
		if (strcmp(a->key, "state_dir") == 0)
			set_path(s, a->key, a->value);
		else
			conf_set(&s->conf, a->key, a->value);
	}
	return 0;
}

static int
make_certificate(struct setup *s, struct buf *why)
{
	char **names = mem_zalloc(s->set.t[TEXT_DOMAINS].n + 1,
	    sizeof(*names));
	const struct row *r;
	size_t i = 0, n = 0;
	int done;

	while ((r = text_next(&s->set.t[TEXT_DOMAINS], &i)) != NULL)
		names[n++] = r->key;
	done = cert_make(s->hostname, names, n, &s->cert, &s->key, why);
	free(names);
	return done;
}

/* A file that was answered must be there: the words then name the line. */
static int
set_file(struct setup *s, const char *key, const struct answer *a,
    struct buf *why)
{
	if (access(a->value, R_OK) == -1)
		return setup_refuse(s, a, why, "%s: %s: %s", a->key, a->value,
		    strerror(errno));
	set_path(s, key, a->value);
	return 0;
}

static int
set_certificate(struct setup *s, struct buf *why)
{
	const struct answer *cert = find(s, "certificate"),
	    *key = find(s, "key");
	struct buf path = BUF_INIT(0);
	int r = 0, self;

	self = cert == NULL ? conf_get(&s->conf, "tls_certificate") == NULL :
	    strcmp(cert->value, "self-signed") == 0;
	if (!self && cert != NULL && key == NULL)
		return setup_refuse(s, cert, why, "certificate: its "
		    "\"key = FILE\" is missing");
	if (!self && cert != NULL &&
	    (set_file(s, "tls_certificate", cert, why) == -1 ||
	    set_file(s, "tls_key", key, why) == -1))
		return -1;
	if (self) {
		buf_printf(&path, "%s/key.pem", s->dir);
		conf_set(&s->conf, "tls_key", buf_str(&path));
		r = access(buf_str(&path), R_OK);
		buf_reset(&path);
		buf_printf(&path, "%s/certificate.pem", s->dir);
		conf_set(&s->conf, "tls_certificate", buf_str(&path));
		/* One that is there and good stays: clients know it. */
		if (r == -1 || !cert_good(buf_str(&path), s->hostname))
			r = make_certificate(s, why);
		buf_clear(&path);
	}
	return r;
}

static int
read_old(struct setup *s, struct buf *why)
{
	struct buf text = BUF_INIT(1 << 20);
	int fd, r = 0;

	fd = openat(s->set.dirfd, "rohrpost.conf", O_RDONLY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		buf_puts(&text, header);
	else if (fd == -1 || fd_slurp(fd, &text) == -1)
		r = -1;
	if (r == -1)
		buf_set(why, "%s/rohrpost.conf: %s", s->dir, strerror(errno));
	fd_close(&fd);
	conf_read(&s->conf, buf_str(&text), text.len);
	buf_clear(&text);
	return r;
}

int
setup_conf(struct setup *s, struct buf *why)
{
	const char *state;

	if (read_old(s, why) == -1 || set_hostname(s, why) == -1 ||
	    pass_through(s, why) == -1 || set_profile(s, why) == -1)
		return -1;
	state = conf_get(&s->conf, "state_dir");
	if (state == NULL) {
		conf_set(&s->conf, "state_dir", STATEDIR);
		state = STATEDIR;
	}
	if (state[0] != '/')
		return setup_refuse(s, find(s, "state_dir"), why,
		    "state_dir: not an absolute path");
	s->state_dir = mem_strdup(state);
	return set_certificate(s, why);
}

/* The answer that a line of the new configuration came from, or NULL. */
static const struct answer *
answer_of_line(struct setup *s, unsigned line)
{
	size_t i;

	for (i = 0; i < s->answers.n; i++) {
		if (!s->answers.a[i].own && s->answers.a[i].line != 0 &&
		    conf_line(&s->conf, s->answers.a[i].key) == line)
			return &s->answers.a[i];
	}
	return NULL;
}

/* Faults are found in the staged file; the operator wrote the answers. */
static void
translate(struct setup *s, const char *stage, const struct buf *found,
    struct buf *why)
{
	const char *p = buf_str(found), *nl, *words;
	const struct answer *a;
	size_t n = strlen(stage);
	unsigned line;

	buf_reset(why);
	for (; *p != '\0'; p = nl + (*nl == '\n')) {
		nl = strchrnul(p, '\n');
		if (why->len > 0)
			buf_putc(why, '\n');
		words = p;
		line = 0;
		if (strncmp(p, stage, n) == 0) {
			words = p + n;
			line = (unsigned)strtoul(words, NULL, 10);
			words += strspn(words, "0123456789: ");
		}
		a = line == 0 ? NULL : answer_of_line(s, line);
		if (a != NULL)
			buf_printf(why, "%s:%u: ", s->answers.name, a->line);
		else if (line != 0)
			buf_printf(why, "%s/rohrpost.conf:%u: ", s->dir,
			    line);
		buf_append(why, words, (size_t)(nl - words));
	}
}

static int
stage_files(struct setup *s, int dirfd, const char *stage, struct buf *why)
{
	struct buf text = BUF_INIT(0), path = BUF_INIT(0);
	struct conf_file copy;
	int r = 0;

	conf_print(&s->conf, &text);
	conf_read(&copy, buf_str(&text), text.len);
	if (s->cert.len > 0) {
		buf_printf(&path, "%s/certificate.pem", stage);
		conf_set(&copy, "tls_certificate", buf_str(&path));
		buf_reset(&path);
		buf_printf(&path, "%s/key.pem", stage);
		conf_set(&copy, "tls_key", buf_str(&path));
		if (fd_replace(dirfd, "certificate.pem", 0644, s->cert.data,
		    s->cert.len) == -1 || fd_replace(dirfd, "key.pem", 0600,
		    s->key.data, s->key.len) == -1)
			r = -1;
	}
	buf_reset(&text);
	conf_print(&copy, &text);
	if (r == 0)
		r = fd_replace(dirfd, "rohrpost.conf", 0600, buf_str(&text),
		    text.len);
	if (r == -1)
		buf_set(why, "%s: %s", stage, strerror(errno));
	conf_clear(&copy);
	buf_clear(&text);
	buf_clear(&path);
	return r;
}

void
setup_unstage(struct setup *s)
{
	static const char *const files[] = { "certificate.pem", "key.pem",
		"rohrpost.conf" };
	char name[64];
	size_t i;

	if (!s->staged)
		return;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(name, sizeof(name), STAGE "/%s", files[i]);
		unlinkat(s->set.dirfd, name, 0);
	}
	unlinkat(s->set.dirfd, STAGE, AT_REMOVEDIR);
	s->staged = 0;
}

int
setup_check(struct setup *s, struct buf *why)
{
	struct buf stage = BUF_INIT(0), found = BUF_INIT(0);
	int dirfd = -1, r = -1;

	buf_printf(&stage, "%s/" STAGE, s->dir);
	if (mkdirat(s->set.dirfd, STAGE, 0700) == -1 && errno != EEXIST) {
		buf_set(why, "%s: %s", buf_str(&stage), strerror(errno));
		goto done;
	}
	s->staged = 1;
	dirfd = openat(s->set.dirfd, STAGE, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);
	if (dirfd == -1) {
		buf_set(why, "%s: %s", buf_str(&stage), strerror(errno));
		goto done;
	}
	r = stage_files(s, dirfd, buf_str(&stage), why);
	if (r == 0 && keys_check(buf_str(&stage), &found) == -1) {
		buf_puts(&stage, "/rohrpost.conf:");
		translate(s, buf_str(&stage), &found, why);
		r = -1;
	}
	fd_close(&dirfd);
done:
	setup_unstage(s);
	buf_clear(&stage);
	buf_clear(&found);
	return r;
}
