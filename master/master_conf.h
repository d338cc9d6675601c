/*
 * Master's part of the configuration.
 */
#ifndef MASTER_MASTER_CONF_H
#define MASTER_MASTER_CONF_H

#include "lib/server/settings.h"
#include "lib/server/wire.h"

struct master_conf {
	char	*state_dir, *program_dir, *cert, *cert_key;
	char	*listen[SERVICE_COUNT];	/* NULL where there is no key */
	uint64_t smtp_workers, smtp_idle, smtp_per_address;
	uint64_t submission_workers, submission_idle;
	uint64_t deliver_workers, relay_workers, login_processes;
	uint64_t auth_pam_workers;
	uint64_t collect_workers;
	uint64_t session_uid_first, session_uid_last, sessions_per_user;
	uint64_t imapd_linger, stop_time, message_size;
	int	 verbose;
};

extern const struct settings_key master_keys[];

/*
 * Reads the configuration of that name from fd and checks what the table
 * cannot. 0; -1 with why.
 */
int	master_conf_load(int fd, const char *name, struct master_conf *c,
	    struct buf *why) ATTR_CHECK;

/* What count or idle of a program's row stands for: digits, or a setting. */
uint64_t master_conf_number(const struct master_conf *c, const char *what);

#endif
