#include "lib/base/words.h"
#include "master/logger_conf.h"

struct logger_conf logger_conf;

#define AT(m) offsetof(struct logger_conf, m)

const struct settings_key logger_keys[] = {
	SETTINGS_KEY_STATE(struct logger_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct logger_conf, verbose),
	{ "log_size", SETTINGS_SIZE, AT(size), "50M", 4096, (uint64_t)1 << 40,
	  NULL, N_("size at which the log file is rotated") },
	{ "log_keep", SETTINGS_NUMBER, AT(keep), "8", 1, 1000, NULL,
	  N_("how many old log files are kept") },
	{ "log_syslog", SETTINGS_BOOL, AT(to_syslog), "no", 0, 0, NULL,
	  N_("send every line to syslog too") },
	SETTINGS_END
};
