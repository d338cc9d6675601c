#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/net/addr.h"
#include "lib/server/config.h"
#include "master/master_conf.h"

enum {
	LOCAL_WORKERS = 20,
	LISTEN_TEXT_MAX = 2000,
};

#define NUMBER(m, def, min, max, help) \
	{ #m, CONFIG_NUMBER, offsetof(struct master_conf, m), def, min, max, \
	  NULL, help }

#define AT(service) offsetof(struct master_conf, listen[service])
#define LISTEN_AT(name, service, def, what) \
	{ "listen_" name, CONFIG_TEXT, AT(service), def, 0, LISTEN_TEXT_MAX, \
	  NULL, "addresses and ports for " what "; empty: none" }

const struct config_key master_keys[] = {
	CONFIG_KEY_STATE(struct master_conf, state_dir),
	CONFIG_KEY_CERT(struct master_conf, cert),
	CONFIG_KEY_CERT_KEY(struct master_conf, cert_key),
	CONFIG_KEY_VERBOSE(struct master_conf, verbose),
	{ "program_dir", CONFIG_TEXT, offsetof(struct master_conf,
	  program_dir), LIBEXECDIR, 1, 900, NULL,
	  "directory of the programs" },
	LISTEN_AT("smtp", SERVICE_SMTP, "[::]:25 0.0.0.0:25",
	    "mail from other servers"),
	LISTEN_AT("submission", SERVICE_SUBMISSION, "[::]:587 0.0.0.0:587",
	    "mail from users (STARTTLS)"),
	LISTEN_AT("submissions", SERVICE_SUBMISSIONS,
	    "[::]:465 0.0.0.0:465", "mail from users (TLS)"),
	LISTEN_AT("imap", SERVICE_IMAP, "[::]:143 0.0.0.0:143",
	    "IMAP (STARTTLS)"),
	LISTEN_AT("imaps", SERVICE_IMAPS, "[::]:993 0.0.0.0:993",
	    "IMAP (TLS)"),
	LISTEN_AT("pop3", SERVICE_POP3, "[::]:110 0.0.0.0:110",
	    "POP3 (STLS)"),
	LISTEN_AT("pop3s", SERVICE_POP3S, "[::]:995 0.0.0.0:995",
	    "POP3 (TLS)"),
	NUMBER(smtp_workers, "100", 1, 5000,
	    "most processes that take mail from other servers"),
	NUMBER(smtp_idle, "2", 1, 100, "how many of them wait ready"),
	NUMBER(submission_workers, "100", 1, 2000,
	    "most processes that take mail from users"),
	NUMBER(submission_idle, "2", 1, 100, "how many of them wait ready"),
	NUMBER(deliver_workers, "2", 1, 64,
	    "processes that deliver into mailboxes"),
	NUMBER(relay_workers, "8", 1, 500,
	    "processes that send mail to other servers"),
	NUMBER(login_processes, "0", 0, 256,
	    "processes that hold IMAP and POP3 connections; 0: one per core"),
	NUMBER(session_uid_first, "2000100000", 1000, 4000000000,
	    "first of the user ids reserved for sessions"),
	NUMBER(session_uid_last, "2000104095", 1000, 4000000000,
	    "last of the user ids reserved for sessions"),
	NUMBER(sessions_per_user, "50", 1, 1000,
	    "most IMAP and POP3 sessions of one user at a time"),
	{ "imapd_linger", CONFIG_TIME, offsetof(struct master_conf,
	  imapd_linger), "30s", 0, 86400, NULL,
	  "how long a user's imapd stays after the last session" },
	{ "stop_time", CONFIG_TIME, offsetof(struct master_conf, stop_time),
	  "10s", 1, 3600, NULL,
	  "how long programs get to finish at a stop, each stage" },
	CONFIG_END
};

uint64_t
master_conf_number(const struct master_conf *c, size_t offset)
{
	uint64_t n;

	memcpy(&n, (const char *)c + offset, sizeof(n));
	return n;
}

static int
check_lists(const struct master_conf *c, struct buf *why)
{
	struct buf reason = BUF_INIT(300);
	struct addr *list;
	unsigned i;
	size_t n;
	int r = 0;

	for (i = 0; r == 0 && i < SERVICE_COUNT; i++) {
		if (c->listen[i] == NULL)
			continue;
		r = addr_parse_list(c->listen[i], 0, &list, &n, &reason);
		if (r == 0)
			free(list);
		else
			buf_set(why, "listen_%s: %s",
			    service_name((enum service)i), buf_str(&reason));
	}
	buf_clear(&reason);
	return r;
}

int
master_conf_load(const char *dir, struct master_conf *c, struct buf *why)
{
	static const char longest[] = "/run/master.ctl";
	struct sockaddr_un un;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	memset(c, 0, sizeof(*c));
	if (config_load(dir, master_keys, c, why) == -1)
		return -1;
	if (check_lists(c, why) == -1)
		return -1;
	if (c->state_dir[0] != '/' || c->program_dir[0] != '/') {
		buf_set(why, "%s: is no absolute path", c->state_dir[0] != '/' ?
		    "state_dir" : "program_dir");
		return -1;
	}
	if (strlen(c->state_dir) + sizeof(longest) > sizeof(un.sun_path)) {
		buf_set(why, "state_dir: is too long for a Unix socket in it");
		return -1;
	}
	if (c->session_uid_last < c->session_uid_first ||
	    c->session_uid_last - c->session_uid_first > 65535) {
		buf_set(why, "session_uid_last: 1 to 65536 ids from "
		    "session_uid_first on");
		return -1;
	}
	c->one = 1;
	c->local_workers = LOCAL_WORKERS;
	c->session_max = c->session_uid_last - c->session_uid_first + 1;
	if (c->login_processes == 0)
		c->login_processes = cores > 0 ? (uint64_t)cores : 1;
	return 0;
}
