/*
 * migrate: brings one account's mail from another server. The operator's
 * command starts it, in the place of master.
 */
#include <fcntl.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/net/tls.h"
#include "lib/server/server.h"
#include "relay/migrate.h"

enum { WAIT_MS = 10 * 1000, WORDS = 600 };

struct migrate_conf {
	const char *state_dir;
	int	 verbose;
	uint64_t message_size;
};

static struct migrate_conf conf;

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct migrate_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct migrate_conf, verbose),
	SETTINGS_KEY_MESSAGE_SIZE(struct migrate_conf, message_size),
	SETTINGS_END
};

static SSL_CTX *ctx;

/* The authorities are read here: the jail has no file of them. */
static int
before_jail(void)
{
	struct buf why = BUF_INIT(WORDS);
	int r = 0;

	tls_init();
	ctx = tls_client_new(NULL, TLS_VERIFIED, &why);
	if (ctx == NULL || imap_login_open(&why) == -1) {
		log_warn("%s", buf_str(&why));
		r = -1;
	}
	buf_clear(&why);
	return r;
}

static int
stop(void)
{
	return server_ending(1);
}

/* The door's descriptor is this job's own. */
static int
take_door(struct migrate *g)
{
	struct chan *c = server_peer(PEER_STORE, WAIT_MS);
	int fd;

	if (c == NULL || (fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return -1;
	server_peer_lost(PEER_STORE);
	door_init(&g->door, PEER_MIGRATE, fd);
	return 0;
}

static void
serve(const struct session *s)
{
	struct buf why = BUF_INIT(WORDS);
	struct migrate g = { .words = BUF_INIT(WORDS),
		.most = conf.message_size };
	struct chan ctl;
	struct msg m;

	chan_init(&ctl, s->fd);
	g.ctl = &ctl;
	if (msg_recv(&m, &proto_migrate, PEER_CTL, &ctl, WAIT_MS, &why) == 1) {
		if (m.type == MG_JOB && take_door(&g) == 0)
			migrate_run(&g, &m, ctx, stop, server_master_fd());
		else
			tell_end(&g, MG_LATER, "store does not answer");
		msg_done(&m);
		door_clear(&g.door);
	} else {
		log_warn("no job came: %s", buf_str(&why));
	}
	chan_clear(&ctl);
	buf_clear(&why);
	buf_clear(&g.words);
}

int
main(int argc, char **argv)
{
	static const struct server s = {
		.kind = PEER_MIGRATE,
		.keys = keys,
		.conf = &conf,
		.state_dir = &conf.state_dir,
		.verbose = &conf.verbose,
		.message_size = &conf.message_size,
		.before_jail = before_jail,
		.serve = serve,
		.max_sessions = 1,
	};

	return server_work_main(argc, argv, &s);
}
