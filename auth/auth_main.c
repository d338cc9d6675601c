/*
 * auth: who may log in. Answers smtpd and login, asks master for sessions.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth_serve.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/words.h"
#include "lib/mail/protocols.h"
#include "lib/server/server.h"

enum {
	DELAY_SETS = 2048,	/* times eight entries, three tables: 2 MB */
	THREADS_MAX = 16,
};

struct auth_conf {
	const char *state_dir;
	int	 verbose;
	uint64_t delay, cache;
	int	 scram;
	const char *protocols;
};

static struct auth_conf conf;
static struct auth_users *users;
static struct auth_learned *learned;
static struct auth_serve *serve;

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct auth_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct auth_conf, verbose),
	{ "auth_delay", SETTINGS_TIME, offsetof(struct auth_conf, delay), "1s",
	  0, 60, NULL, N_("failed logins are answered that late; it doubles "
	  "with further failures; 0s: no delays (tests)") },
	{ "auth_cache", SETTINGS_TIME, offsetof(struct auth_conf, cache), "1h",
	  0, 86400, NULL, N_("how long a right password is known again without "
	  "hashing; 0s: never") },
	SETTINGS_KEY_AUTH_SCRAM(struct auth_conf, scram),
	SETTINGS_KEY_USER_PROTOCOLS(struct auth_conf, protocols),
	SETTINGS_END
};

/* What the compile makes of it stands in passwd.cdb. */
static int
check(struct buf *why)
{
	uint32_t set;

	if (protocols_parse(conf.protocols, strlen(conf.protocols), &set) == 0)
		return 0;
	buf_set(why, _("user_protocols: imap, pop3 and submission with + "
	    "between them, *, or none"));
	return -1;
}

static int
before_jail(void)
{
	users = auth_users_open(server_path("auth/passwd.cdb"));
	/* Opened here: what auth may do later is to write to it, no more. */
	learned = auth_learned_open(server_path("auth/learned"));
	auth_learned_sweep(learned, users);
	return 0;
}

static unsigned
threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

/* The first call with a loop: a channel may come before WIRE_GO. */
static struct auth_serve *
the_serve(struct ev_loop *loop)
{
	struct auth_parts p = {
		.loop = loop,
		.users = users,
		.learned = learned,
		.scram = conf.scram,
		.threads = threads(),
		.start = server_start,
	};

	if (serve == NULL) {
		p.delay = auth_delay_new((int64_t)conf.delay * 1000,
		    DELAY_SETS);
		p.cache = auth_cache_new((int64_t)conf.cache * 1000);
		serve = auth_serve_new(&p);
	}
	return serve;
}

static void
wired(struct ev_loop *loop, const struct wire *w)
{
	int fd = w->fd;

	if (w->peer == PEER_LOGIN || w->peer == PEER_SMTPD ||
	    w->peer == PEER_PAM)
		auth_serve_peer(the_serve(loop), w->peer, w->instance, fd);
	else
		fd_close(&fd);
}

static void
peer_gone(struct ev_loop *loop, enum peer p, uint32_t instance)
{
	auth_serve_peer_gone(the_serve(loop), p, instance);
}

static void
started(struct ev_loop *loop, uint32_t id, int fd, int full,
    const char *words)
{
	auth_serve_started(the_serve(loop), id, fd, full, words);
}

static int
reload(void)
{
	auth_users_refresh(users);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct server s = {
		.kind = PEER_AUTH,
		.keys = keys,
		.conf = &conf,
		.state_dir = &conf.state_dir,
		.verbose = &conf.verbose,
		.check = check,
		.before_jail = before_jail,
		.reload = reload,
		.wired = wired,
		.peer_gone = peer_gone,
		.started = started,
	};

	return server_loop_main(argc, argv, &s);
}
