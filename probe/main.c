/*
 * probe: tells other hosts which of their own ports answer from here.
 */
#include <poll.h>
#include <stddef.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/words.h"
#include "lib/server/server.h"
#include "probe/probe.h"

struct probe_conf {
	const char *state_dir;
	int	 verbose, any_port;
};

static struct probe_conf conf;

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct probe_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct probe_conf, verbose),
	{ "probe_any_port", SETTINGS_BOOL, offsetof(struct probe_conf,
	  any_port), "no", 0, 0, NULL, N_("probe tries ports that are none of "
	  "mail's, too; for trials alone") },
	SETTINGS_END
};

static int
ending(void)
{
	return server_ending(1);
}

/*
 * While this worker is with an address nobody else serves it: that is the bound
 * on how often one may have ports tried.
 */
static void
serve(const struct session *s)
{
	int64_t end = clock_mono_ms() + PROBE_LEAST_MS, left;
	struct pollfd p = { .fd = server_master_fd(), .events = POLLIN };
	int n = probe_serve(s->fd, s->crowded, conf.any_port, ending);

	log_info("%s: %s", s->remote, s->crowded ? "asks too often" :
	    n == -1 ? "asks for nothing that there is" : "was told");
	while (n > 0 && (left = end - clock_mono_ms()) > 0 &&
	    !server_ending(1))
		(void)poll(&p, 1, (int)left);
}

int
main(int argc, char **argv)
{
	static const struct server s = {
		.kind = PEER_PROBE,
		.keys = keys,
		.conf = &conf,
		.state_dir = &conf.state_dir,
		.verbose = &conf.verbose,
		.serve = serve,
		.max_sessions = 100,
	};

	return server_work_main(argc, argv, &s);
}
