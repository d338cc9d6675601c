/*
 * pickup: the work shape, one file, one process. Its exit status is the answer
 * to master (enum drop_status).
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "ctl/pickup.h"
#include "lib/base/clock.h"
#include "lib/mail/date.h"
#include "lib/server/server.h"

static struct {
	const char *hostname, *state_dir;
	uint64_t message_size;
	int	 verbose;
} conf;

static const struct settings_key keys[] = {
	SETTINGS_KEY_HOSTNAME(__typeof__(conf), hostname),
	SETTINGS_KEY_STATE(__typeof__(conf), state_dir),
	SETTINGS_KEY_MESSAGE_SIZE(__typeof__(conf), message_size),
	SETTINGS_KEY_VERBOSE(__typeof__(conf), verbose),
	SETTINGS_END
};

enum { REPORT_WAIT = 2000 };	/* ms */

/* Files that are opened once, before the filter. */
static int
before_jail(void)
{
	(void)date_zone(clock_now());
	return 0;
}

static void
serve(const struct session *s)
{
	const struct pickup p = { .state_dir = conf.state_dir,
		.hostname = settings_hostname(conf.hostname),
		.message_size = conf.message_size,
		.wait_ms = REPORT_WAIT };

	exit(pickup_send(&p, s->fd, s->user));
}

int
main(int argc, char **argv)
{
	static const struct server s = {
		.kind = PEER_PICKUP,
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
