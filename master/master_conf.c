#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/net/addr.h"
#include "lib/server/settings.h"
#include "master/master_conf.h"

enum { LISTEN_TEXT_MAX = 2000 };

#define NUMBER(m, def, min, max, help) \
	{ #m, SETTINGS_NUMBER, offsetof(struct master_conf, m), def, min, max, \
	  NULL, help }

#define AT(service) offsetof(struct master_conf, listen[service])
#define LISTEN_AT(name, service, def, help) \
	{ "listen_" name, SETTINGS_TEXT, AT(service), def, 0, LISTEN_TEXT_MAX, \
	  NULL, help }

const struct settings_key master_keys[] = {
	SETTINGS_KEY_MESSAGE_SIZE(struct master_conf, message_size),
	SETTINGS_KEY_STATE(struct master_conf, state_dir),
	SETTINGS_KEY_CERT(struct master_conf, cert),
	SETTINGS_KEY_CERT_KEY(struct master_conf, cert_key),
	SETTINGS_KEY_VERBOSE(struct master_conf, verbose),
	{ "program_dir", SETTINGS_TEXT, offsetof(struct master_conf,
	  program_dir), LIBEXECDIR, 1, 900, NULL,
	  N_("directory of the programs") },
	LISTEN_AT("smtp", SERVICE_SMTP, "[::]:25 0.0.0.0:25",
	    N_("addresses and ports for mail from other servers; empty: none")),
	LISTEN_AT("submission", SERVICE_SUBMISSION, "[::]:587 0.0.0.0:587",
	    N_("addresses and ports for mail from users (STARTTLS); "
	    "empty: none")),
	LISTEN_AT("submissions", SERVICE_SUBMISSIONS, "[::]:465 0.0.0.0:465",
	    N_("addresses and ports for mail from users (TLS); empty: none")),
	LISTEN_AT("imap", SERVICE_IMAP, "[::]:143 0.0.0.0:143",
	    N_("addresses and ports for IMAP (STARTTLS); empty: none")),
	LISTEN_AT("imaps", SERVICE_IMAPS, "[::]:993 0.0.0.0:993",
	    N_("addresses and ports for IMAP (TLS); empty: none")),
	LISTEN_AT("pop3", SERVICE_POP3, "[::]:110 0.0.0.0:110",
	    N_("addresses and ports for POP3 (STLS); empty: none")),
	LISTEN_AT("pop3s", SERVICE_POP3S, "[::]:995 0.0.0.0:995",
	    N_("addresses and ports for POP3 (TLS); empty: none")),
	LISTEN_AT("probe", SERVICE_PROBE, "",
	    N_("addresses and ports at which others may ask which of their own "
	    "ports answer from here; empty: none")),
	NUMBER(smtp_workers, "100", 1, 5000,
	    N_("most processes that take mail from other servers")),
	NUMBER(smtp_idle, "2", 1, 100, N_("how many of them wait ready")),
	NUMBER(smtp_per_address, "50", 0, 5000,
	    N_("most SMTP connections from one address at a time; 0: no "
	    "bound")),
	NUMBER(submission_workers, "100", 1, 2000,
	    N_("most processes that take mail from users")),
	NUMBER(submission_idle, "2", 1, 100, N_("how many of them wait ready")),
	NUMBER(deliver_workers, "2", 1, 64,
	    N_("processes that deliver into mailboxes")),
	SETTINGS_KEY_RELAY_WORKERS(struct master_conf, relay_workers),
	SETTINGS_KEY_PAM_WORKERS(struct master_conf, auth_pam_workers),
	SETTINGS_KEY_COLLECT_WORKERS(struct master_conf, collect_workers),
	NUMBER(login_processes, "0", 0, 256,
	    N_("processes that hold IMAP and POP3 connections; 0: one per "
	    "core")),
	NUMBER(session_uid_first, "2000100000", 1000, 4000000000,
	    N_("first of the user ids reserved for sessions")),
	NUMBER(session_uid_last, "2000104095", 1000, 4000000000,
	    N_("last of the user ids reserved for sessions")),
	NUMBER(sessions_per_user, "50", 1, 1000,
	    N_("most IMAP and POP3 sessions of one user at a time")),
	{ "imapd_linger", SETTINGS_TIME, offsetof(struct master_conf,
	  imapd_linger), "30s", 0, 86400, NULL,
	  N_("how long a user's imapd stays after the last session") },
	{ "stop_time", SETTINGS_TIME, offsetof(struct master_conf, stop_time),
	  "10s", 1, 3600, NULL,
	  N_("how long programs get to finish at a stop, each stage") },
	SETTINGS_END
};

uint64_t
master_conf_number(const struct master_conf *c, const char *what)
{
	const struct settings_key *k = master_keys;
	uint64_t n;

	if (str_number(what, strlen(what), UINT64_MAX, &n) == 0)
		return n;
	while (k->name != NULL && strcmp(k->name, what) != 0)
		k++;
	if (k->name == NULL || k->type != SETTINGS_NUMBER)
		log_panic("%s is not a number of the configuration", what);
	memcpy(&n, (const char *)c + k->offset, sizeof(n));
	return n;
}

/* The addresses of all listen_ keys up to here, and whose each is. */
struct ports {
	struct {
		struct addr addr;
		unsigned service;
	} *p;
	size_t n;
};

/* Can only one of the two be bound? (IPv6 sockets are for IPv6 alone.) */
static int
is_taken(const struct addr *a, const struct addr *b)
{
	if (memcmp(a, b, sizeof(*a)) == 0)
		return 1;
	return a->ss.ss_family == b->ss.ss_family &&
	    addr_port((const struct sockaddr *)&a->ss) ==
	    addr_port((const struct sockaddr *)&b->ss) &&
	    (addr_is_any((const struct sockaddr *)&a->ss) ||
	    addr_is_any((const struct sockaddr *)&b->ss));
}

/* One address of listen_<service>: has it a port, and to itself? */
static int
add_port(struct ports *all, const struct addr *a, unsigned service,
    struct buf *why)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->ss;
	char text[ADDR_TEXT_MAX], other[ADDR_TEXT_MAX];
	size_t i;

	addr_print(sa, text, sizeof(text));
	if (addr_port(sa) == 0) {
		buf_set(why, _("%s has no port (1 to 65535)"), text);
		return -1;
	}
	for (i = 0; i < all->n; i++) {
		if (!is_taken(&all->p[i].addr, a))
			continue;
		addr_print((const struct sockaddr *)&all->p[i].addr.ss,
		    other, sizeof(other));
		if (strcmp(text, other) != 0)
			buf_set(why, _("%s is the port of %s in listen_%s"),
			    text, other, service_name((enum
			    service)all->p[i].service));
		else if (all->p[i].service == service)
			buf_set(why, _("%s stands there twice"), text);
		else
			buf_set(why, _("%s stands in listen_%s too"), text,
			    service_name((enum service)all->p[i].service));
		return -1;
	}
	all->p = mem_realloc(all->p, all->n + 1, sizeof(*all->p));
	all->p[all->n].addr = *a;
	all->p[all->n++].service = service;
	return 0;
}

static int
check_list(struct ports *all, const char *text, unsigned service,
    struct buf *why)
{
	struct addr *list;
	size_t i, n;
	int r;

	if (addr_parse_list(text, 0, &list, &n, why) == -1)
		return -1;
	for (i = 0, r = 0; r == 0 && i < n; i++)
		r = add_port(all, &list[i], service, why);
	free(list);
	return r;
}

static int
check_lists(const struct master_conf *c, struct buf *why)
{
	struct buf reason = BUF_INIT(300);
	struct ports all = { .n = 0 };
	unsigned i;
	int r = 0;

	for (i = 0; r == 0 && i < SERVICE_COUNT; i++) {
		if (c->listen[i] == NULL)
			continue;
		r = check_list(&all, c->listen[i], i, &reason);
		if (r == -1)
			buf_set(why, "listen_%s: %s",
			    service_name((enum service)i), buf_str(&reason));
	}
	free(all.p);
	buf_clear(&reason);
	return r;
}

/* What a key's own bounds do not say. */
static int
check(const struct master_conf *c, struct buf *why)
{
	static const char longest[] = "/run/master.ctl";
	struct sockaddr_un un;

	if (check_lists(c, why) == -1)
		return -1;
	if (c->state_dir[0] != '/' || c->program_dir[0] != '/')
		buf_set(why, _("%s: is not an absolute path"),
		    c->state_dir[0] != '/' ? "state_dir" : "program_dir");
	else if (strlen(c->state_dir) + sizeof(longest) > sizeof(un.sun_path))
		buf_set(why, _("state_dir: is too long for a Unix socket in "
		    "it"));
	else if (c->session_uid_last < c->session_uid_first ||
	    c->session_uid_last - c->session_uid_first > 65535)
		buf_set(why, _("session_uid_last: 1 to 65536 ids from "
		    "session_uid_first on"));
	else
		return 0;
	return -1;
}

int
master_conf_load(int fd, const char *name, struct master_conf *c,
    struct buf *why)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (settings_load_fd(fd, name, master_keys, c, why) == -1)
		return -1;
	if (check(c, why) == -1)
		return -1;
	if (c->login_processes == 0)
		c->login_processes = cores > 0 ? (uint64_t)cores : 1;
	return 0;
}
