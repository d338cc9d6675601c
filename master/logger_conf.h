/*
 * Logger's part of the configuration.
 */
#ifndef MASTER_LOGGER_CONF_H
#define MASTER_LOGGER_CONF_H

#include "lib/server/settings.h"

struct logger_conf {
	char	*state_dir;
	int	 verbose, to_syslog;
	uint64_t size, keep;
};

extern struct logger_conf logger_conf;
extern const struct settings_key logger_keys[];

#endif
