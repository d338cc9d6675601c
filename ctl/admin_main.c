/*
 * admin: the work shape, one client, one process.
 */
#include "config.h"

#include "ctl/admin.h"
#include "lib/server/host_user.h"
#include "lib/server/server.h"

static struct {
	const char *state_dir;
	int	 verbose;
} conf;

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(__typeof__(conf), state_dir),
	SETTINGS_KEY_VERBOSE(__typeof__(conf), verbose),
	SETTINGS_END
};

/* Code that NSS loads: later the filter lets none in. */
static int
before_jail(void)
{
	host_warm_up();
	return 0;
}

static void
serve(const struct session *s)
{
	admin_serve(s->fd, server_conf_dir(), s->crowded);
}

int
main(int argc, char **argv)
{
	static const struct server s = {
		.kind = PEER_ADMIN,
		.keys = keys,
		.conf = &conf,
		.state_dir = &conf.state_dir,
		.verbose = &conf.verbose,
		.before_jail = before_jail,
		.serve = serve,
		.max_sessions = 1,
	};

	return server_work_main(argc, argv, &s);
}
