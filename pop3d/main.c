/*
 * pop3d: one POP3 session of one user, behind login.
 */
#include <config.h>

#include <fcntl.h>

#include "lib/base/fd.h"
#include "lib/base/words.h"
#include "lib/server/server.h"
#include "pop3d/pop3d_session.h"

enum { STORE_WAIT_MS = 10000 };	/* for master to bring a door */

struct pop3d_conf {
	const char *state_dir;
	int	 verbose;
	uint64_t timeout;
};

static struct pop3d_conf conf;

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct pop3d_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct pop3d_conf, verbose),
	/* RFC 1939 section 3: such a timer must be at least 10 minutes. */
	{ "pop3_timeout", SETTINGS_TIME, offsetof(struct pop3d_conf, timeout),
	  "10m", 10, 86400, NULL, N_("a POP3 session that is silent so long is "
	  "ended, and deletes nothing") },
	SETTINGS_END
};

/*
 * The door's descriptor is the box's alone from here on: the lock on the
 * mailbox ends when the box closes it, not with this process.
 */
static int
take_door(void)
{
	struct chan *c = server_peer(PEER_STORE, STORE_WAIT_MS);
	int fd;

	if (c == NULL)
		return -1;
	fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0);
	server_peer_lost(PEER_STORE);
	return fd;
}

static void
serve(const struct session *s)
{
	static struct pop3d_io io;

	pop3d_io_init(&io, s->fd, (int)(conf.timeout * 1000));
	pop3d_session_run(&io, take_door, s->user, s->remote);
	pop3d_io_clear(&io);
}

int
main(int argc, char **argv)
{
	static const struct server s = {
		.kind = PEER_POP3D,
		.keys = keys,
		.conf = &conf,
		.state_dir = &conf.state_dir,
		.verbose = &conf.verbose,
		.serve = serve,
		.max_sessions = 1,
	};

	return server_work_main(argc, argv, &s);
}
