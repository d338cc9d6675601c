#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "master/logger.h"
#include "master/logger_conf.h"
#include "master/logger_file.h"

static int
before_jail(void)
{
	if (chdir(server_path("log")) == -1) {
		log_warn("%s: %s", server_path("log"), strerror(errno));
		return -1;
	}
	return 0;
}

static int
reload(void)
{
	logger_file_look();
	logger_file_flush();
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct server server = {
		.kind = PEER_LOGGER,
		.keys = logger_keys,
		.conf = &logger_conf,
		.state_dir = (const char **)&logger_conf.state_dir,
		.verbose = &logger_conf.verbose,
		.before_jail = before_jail,
		.after_jail = logger_file_open,
		.reload = reload,
		.wired = logger_wired,
		.go = logger_go,
		.stop = logger_stop,
	};

	return server_loop_main(argc, argv, &server);
}
