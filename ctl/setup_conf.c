#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_cert.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_renew.h"
#include "ctl/setup_check.h"
#include "ctl/setup_conf.h"
#include "ctl/setup_phones.h"
#include "ctl/setup_small.h"
#include "ctl/setup_tables.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

enum {
	SESSION_UID_FIRST = 2000100000,	/* the default (master_conf.c) */
	SESSION_UIDS = 4096,
	SESSION_UID_SLOTS = 32768,
};

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

static const struct setup_answer *
find(struct setup *s, const char *key)
{
	size_t i = 0;

	return answers_next(&s->answers, key, &i);
}

static int
set_hostname(struct setup *s, struct buf *why)
{
	struct buf name = BUF_INIT(DOMAIN_MAX), words = BUF_INIT(0);
	const struct setup_answer *a = find(s, "hostname");
	const char *old = conf_get(&s->conf, "hostname");
	int r = 0;

	if (a == NULL && old == NULL)
		return setup_refuse(s, NULL, why, _("no \"hostname = \": the "
		    "full name of this server, like mail.example.org"));
	s->renamed = a != NULL && (old == NULL ||
	    str_casecmp(old, a->value) != 0);
	if (a != NULL)
		old = a->value;
	if (name_domain(old, strlen(old), &name, &words) == -1)
		r = setup_refuse(s, a, why, "hostname: %s", buf_str(&words));
	if (r == 0) {
		s->hostname = mem_strdup(buf_str(&name));
		if (s->renamed)
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

/*
 * The settings that tell the profile (dns_host.h) become those of the one that
 * was answered; what was answered for them itself, or fits, stays.
 */
static int
set_profile(struct setup *s, struct buf *why)
{
	const struct setup_answer *a = find(s, "profile");
	const char *listen;
	size_t i;

	if (a == NULL)
		return 0;
	for (i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].name, a->value) == 0)
			break;
	}
	if (i == sizeof(profiles) / sizeof(profiles[0]))
		return setup_refuse(s, a, why, _("profile: direct, relay or "
		    "collector"));
	if (profiles[i].needs_relay_host && find(s, "relay_host") == NULL &&
	    conf_get(&s->conf, "relay_host") == NULL)
		return setup_refuse(s, a, why, _("profile %s: needs "
		    "\"relay_host = \", your provider's outgoing server"),
		    a->value);
	if (!profiles[i].needs_relay_host && find(s, "relay_host") == NULL)
		conf_del(&s->conf, "relay_host");
	listen = conf_get(&s->conf, "listen_smtp");
	if (find(s, "listen_smtp") != NULL)
		return 0;
	if (profiles[i].no_port_25)
		conf_set(&s->conf, "listen_smtp", "");
	else if (listen != NULL && *listen == '\0')
		conf_del(&s->conf, "listen_smtp");
	return 0;
}

/* Every key that is not setup's own must be one that some program has. */
static int
pass_through(struct setup *s, struct buf *why)
{
	const struct setup_answer *a;
	size_t i;

	for (i = 0; i < s->answers.n; i++) {
		a = &s->answers.a[i];
		if (a->own || strcmp(a->key, "hostname") == 0)
			continue;
		if (keys_find(&s->keys, a->key) == NULL)
			return setup_refuse(s, a, why, _("%s: not a key that "
			    "is known: \"rohrpost config show\" lists them"),
			    a->key);
		if (strcmp(a->key, "state_dir") == 0)
			set_path(s, a->key, a->value);
		else
			conf_set(&s->conf, a->key, a->value);
	}
	return 0;
}

/*
 * Sessions of two instances that run as root must not share user ids: one
 * could signal the other's. The instance in the default place has the default
 * range, any other one a range of its own after it, below 2^31.
 */
static void
set_session_uids(struct setup *s)
{
	uint32_t first = SESSION_UID_FIRST, slot;
	char text[16];

	if (geteuid() != 0 || !s->fresh ||
	    strcmp(s->state_dir, STATEDIR) == 0 ||
	    conf_get(&s->conf, "session_uid_first") != NULL ||
	    conf_get(&s->conf, "session_uid_last") != NULL)
		return;
	slot = crc32c(0, s->state_dir, strlen(s->state_dir));
	first += (1 + slot % SESSION_UID_SLOTS) * SESSION_UIDS;
	snprintf(text, sizeof(text), "%" PRIu32, first);
	conf_set(&s->conf, "session_uid_first", text);
	snprintf(text, sizeof(text), "%" PRIu32, first + SESSION_UIDS - 1);
	conf_set(&s->conf, "session_uid_last", text);
}

/* Sets the key to the place of a file that is ours. The path. */
static const char *
set_own(struct setup *s, struct conf_file *conf, enum setup_file which)
{
	struct buf path = BUF_INIT(0);

	buf_printf(&path, "%s/%s", s->dir, setup_files[which].name);
	conf_set(conf, setup_files[which].key, buf_str(&path));
	buf_clear(&path);
	return conf_get(conf, setup_files[which].key);
}

/* A file that was answered must be there: the words then name the line. */
static int
set_file(struct setup *s, const char *key, const struct setup_answer *a,
    struct buf *why)
{
	if (access(a->value, R_OK) == -1)
		return setup_refuse(s, a, why, _("%s: %s: %s: write the path "
		    "of a PEM file"), a->key, a->value, strerror(errno));
	set_path(s, key, a->value);
	return 0;
}

/* None yet, or the one that we made. */
static int
is_own(struct setup *s, const char *cert, const char *key)
{
	return cert == NULL ||
	    (key != NULL && renew_is_ours(s->dir, cert, key));
}

static int
set_certificate(struct setup *s, struct buf *why)
{
	const struct setup_answer *cert = find(s, "certificate"),
	    *key = find(s, "key");
	struct conf_file *conf = &s->conf;
	const char *path;
	int r = 0, self;

	self = cert != NULL ? strcmp(cert->value, "self-signed") == 0 :
	    is_own(s, conf_get(conf, "tls_certificate"),
	    conf_get(conf, "tls_key"));
	if (!self && cert != NULL && key == NULL)
		return setup_refuse(s, cert, why, _("certificate: its "
		    "\"key = FILE\" is missing"));
	if (!self && cert != NULL &&
	    (set_file(s, "tls_certificate", cert, why) == -1 ||
	    set_file(s, "tls_key", key, why) == -1))
		return -1;
	if (self) {
		set_own(s, conf, SETUP_KEY);
		path = set_own(s, conf, SETUP_CERT);
		/* One that is there and good stays: clients know it. */
		if (access(conf_get(conf, "tls_key"), R_OK) == -1 ||
		    !cert_good(path, s->hostname))
			r = renew_make(s->hostname, &s->set,
			    &s->file[SETUP_CERT], &s->file[SETUP_KEY], why);
	}
	return r;
}

/* One that stands there already is not written again. */
static void
set_relay_password(struct setup *s)
{
	const struct setup_answer *a = find(s, "relay_password");
	struct buf *new = &s->file[SETUP_RELAY_PASSWORD],
	    old = BUF_INIT(PASSWORD_MAX + 2);
	int fd;

	if (a == NULL)
		return;
	set_own(s, &s->conf, SETUP_RELAY_PASSWORD);
	buf_printf(new, "%s\n", a->value);
	fd = fd_open_file(s->set.dirfd, setup_files[SETUP_RELAY_PASSWORD].name,
	    0);
	if (fd != -1 && fd_slurp(fd, &old) == 0 &&
	    strcmp(buf_str(&old), buf_str(new)) == 0)
		buf_wipe(new);
	fd_close(&fd);
	buf_wipe(&old);
}

static int
read_old(struct setup *s, struct buf *why)
{
	struct buf text = BUF_INIT(1 << 20);
	const char *p, *fault = NULL;
	size_t len;
	int fd, fresh;

	fd = fd_open_file(s->set.dirfd, "rohrpost.conf", 0);
	fresh = fd == -1 && errno == ENOENT;
	if (fresh)
		buf_puts(&text, header);
	else if (fd == -1 || fd_slurp(fd, &text) == -1)
		fault = strerror(errno);
	p = buf_str(&text);
	len = text.len;
	if (str_mark(&p, &len) == -1)
		fault = _(STR_UTF16);
	if (fault != NULL)
		buf_set(why, "%s/rohrpost.conf: %s", s->dir, fault);
	fd_close(&fd);
	conf_read(&s->conf, p, len);
	s->fresh = conf_get(&s->conf, "hostname") == NULL;
	if (fresh)
		setup_small(&s->conf, (uint64_t)sysconf(_SC_PHYS_PAGES) *
		    (uint64_t)sysconf(_SC_PAGESIZE));
	buf_clear(&text);
	return fault == NULL ? 0 : -1;
}

int
setup_conf(struct setup *s, struct buf *why)
{
	struct host_addresses l;
	const char *state;

	host_addresses_read(&l);
	if (read_old(s, why) == -1 || set_hostname(s, why) == -1 ||
	    pass_through(s, why) == -1 || set_profile(s, why) == -1 ||
	    setup_phones(s, &l, why) == -1)
		return -1;
	state = conf_get(&s->conf, "state_dir");
	if (state == NULL) {
		if (s->fresh)
			conf_set(&s->conf, "state_dir", STATEDIR);
		state = STATEDIR;
	}
	if (state[0] != '/')
		return setup_refuse(s, find(s, "state_dir"), why,
		    _("state_dir: not an absolute path"));
	s->state_dir = mem_strdup(state);
	set_session_uids(s);
	set_relay_password(s);
	return set_certificate(s, why);
}
