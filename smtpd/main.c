/*
 * smtpd: the work shape. One program, three duties by -s; its table of keys,
 * its hooks, one call into the skeleton.
 */
#include "config.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/words.h"
#include "lib/link/submit.h"
#include "lib/mail/date.h"
#include "lib/net/tls.h"
#include "lib/server/server.h"
#include "smtpd/smtpd.h"
#include "smtpd/smtpd_local.h"
#include "smtpd/smtpd_session.h"

static const struct settings_key keys[] = {
	SETTINGS_KEY_HOSTNAME(struct smtpd_conf, hostname),
	SETTINGS_KEY_STATE(struct smtpd_conf, state_dir),
	SETTINGS_KEY_MESSAGE_SIZE(struct smtpd_conf, message_size),
	SETTINGS_KEY_CERT(struct smtpd_conf, cert),
	SETTINGS_KEY_CERT_KEY(struct smtpd_conf, key),
	SETTINGS_KEY_VERBOSE(struct smtpd_conf, verbose),
	{ "smtp_errors", SETTINGS_NUMBER, offsetof(struct smtpd_conf, errors),
	  "20", 1, 1000, NULL, N_("errors of a client before it is closed") },
	{ "smtp_junk", SETTINGS_NUMBER, offsetof(struct smtpd_conf, junk),
	  "100", 10, 100000, NULL,
	  N_("commands without a message before a client is closed") },
	{ "smtp_command_time", SETTINGS_TIME,
	  offsetof(struct smtpd_conf, command_time), "300s", 1, 3600, NULL,
	  N_("time for one command") },
	{ "smtp_data_time", SETTINGS_TIME,
	  offsetof(struct smtpd_conf, data_time), "180s", 1, 3600, NULL,
	  N_("time without data within a message") },
	{ "smtp_data_rate", SETTINGS_NUMBER,
	  offsetof(struct smtpd_conf, data_rate), "500", 1, 1000000, NULL,
	  N_("octets a second that a message must bring after "
	  "smtp_data_time") },
	{ "smtp_bare_newline", SETTINGS_CHOICE,
	  offsetof(struct smtpd_conf, normalize), "reject", 0, 0,
	  "reject normalize", N_("what is done with a bare LF on port 25") },
	{ "smtp_bare_newline_exclude", SETTINGS_TEXT,
	  offsetof(struct smtpd_conf, normalize_for), "", 0, 2000, NULL,
	  N_("networks whose bare LF is always normalized") },
	{ "sender_header", SETTINGS_CHOICE,
	  offsetof(struct smtpd_conf, sender_any), "owned", 0, 0,
	  "owned any", N_("whose addresses a login may put into From") },
	SETTINGS_KEY_LOCAL_TRUSTED(struct smtpd_conf, local_trusted),
	SETTINGS_END
};

/* Both files are set and good, or neither is set (then NULL). */
static int
load_certificate(SSL_CTX **ctx_r, struct buf *why)
{
	const struct smtpd_conf *c = &smtpd.conf;

	*ctx_r = NULL;
	if (c->cert[0] == '\0' && c->key[0] == '\0')
		return 0;
	if (c->cert[0] == '\0' || c->key[0] == '\0') {
		buf_set(why, "tls_certificate and tls_key need each other");
		return -1;
	}
	*ctx_r = tls_server_new(&(struct tls_files){ c->cert, c->key,
	    server_file(SERVER_FILE_CERT), server_file(SERVER_FILE_KEY) },
	    "smtp", 0, why);
	return *ctx_r == NULL ? -1 : 0;
}

static int
load_tls(struct buf *why)
{
	tls_init();
	return load_certificate(&smtpd.tls, why);
}

static int
load_nets(struct nets *l, struct buf *why)
{
	struct buf fault = BUF_INIT(500);
	int r = nets_parse(l, smtpd.conf.normalize_for, &fault);

	if (r == -1)
		buf_set(why, "smtp_bare_newline_exclude: %s", buf_str(&fault));
	buf_clear(&fault);
	return r;
}

static int
check(struct buf *why)
{
	struct nets nets;
	SSL_CTX *ctx;

	tls_init();
	if (load_certificate(&ctx, why) == -1)
		return -1;
	tls_free(&ctx);
	if (load_nets(&nets, why) == -1)
		return -1;
	return smtpd_local_check(smtpd.conf.local_trusted, why);
}

static struct server server;

static int
before_jail(void)
{
	struct buf why = BUF_INIT(1000);
	int r;

	/* A worker of submission sees a password: it serves nobody else. */
	if (server_service() == SERVICE_SUBMISSION)
		server.max_sessions = 1;
	smtpd.hostname = settings_hostname(smtpd.conf.hostname);
	(void)date_zone(clock_now());
	/* The local socket has no TLS, and its worker is not given the key. */
	r = server_service() == SERVICE_LOCAL ? 0 : load_tls(&why);
	if (r == 0)
		r = load_nets(&smtpd.normalize, &why);
	if (r == -1)
		log_warn("%s", buf_str(&why));
	else if (server_service() == SERVICE_SUBMISSION && smtpd.tls == NULL) {
		log_warn("submission needs tls_certificate and tls_key");
		r = -1;
	}
	if (r == 0 && server_service() != SERVICE_SUBMISSION)
		r = smtpd_local_init("/etc/passwd", smtpd.conf.local_trusted);
	buf_clear(&why);
	return r;
}

static int
after_jail(void)
{
	struct buf why = BUF_INIT(1000);

	smtpd.tables = tables_open(server_path("jail/tables.cdb"), &why);
	if (smtpd.tables == NULL)
		log_warn("%s", buf_str(&why));
	buf_clear(&why);
	return smtpd.tables == NULL ? -1 : 0;
}

static struct server server = {
	.kind = PEER_SMTPD,
	.keys = keys,
	.conf = &smtpd.conf,
	.state_dir = (const char **)&smtpd.conf.state_dir,
	.verbose = &smtpd.conf.verbose,
	.message_size = &smtpd.conf.message_size,
	.check = check,
	.before_jail = before_jail,
	.after_jail = after_jail,
	.serve = smtpd_serve,
	.input = submit_input,
	.idle = submit_idle,
	.max_sessions = SESSIONS_MAX,
};

int
main(int argc, char **argv)
{
	return server_work_main(argc, argv, &server);
}
