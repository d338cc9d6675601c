/*
 * fetch: brings the mail of one account at a provider, once, for collect.
 */
#include <errno.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/mail/date.h"
#include "lib/net/tls.h"
#include "lib/server/server.h"
#include "relay/fetch.h"
#include "relay/sasl.h"

struct fetch_conf {
	const char *hostname, *state_dir, *ca_file;
	int	 verbose;
	uint64_t message_size;
};

static struct fetch_conf conf;

static const struct settings_key keys[] = {
	SETTINGS_KEY_HOSTNAME(struct fetch_conf, hostname),
	SETTINGS_KEY_STATE(struct fetch_conf, state_dir),
	{ "collect_ca_file", SETTINGS_TEXT, offsetof(struct fetch_conf,
	  ca_file), "", 0, 900, NULL, N_("PEM file of the authorities to "
	  "trust; empty: the system's") },
	SETTINGS_KEY_MESSAGE_SIZE(struct fetch_conf, message_size),
	SETTINGS_KEY_VERBOSE(struct fetch_conf, verbose),
	SETTINGS_END
};

static SSL_CTX *verified, *any;
static struct fetch *running;

static int
authorities(struct buf *why)
{
	struct buf fault = BUF_INIT(300);

	verified = tls_client_new(conf.ca_file[0] != '\0' ? conf.ca_file :
	    NULL, TLS_VERIFIED, &fault);
	if (verified == NULL)
		buf_set(why, "collect_ca_file: %s", buf_str(&fault));
	buf_clear(&fault);
	return verified != NULL ? 0 : -1;
}

static int
check(struct buf *why)
{
	int r = 0;

	if (conf.ca_file[0] == '\0')
		return 0;
	tls_init();
	r = authorities(why);
	tls_free(&verified);
	return r;
}

/* The authorities are read here, and the zone: the jail has no file of them. */
static int
before_jail(void)
{
	struct buf why = BUF_INIT(600);
	char date[DATE_TEXT];
	int r = 0;

	tls_init();
	date_print_local(clock_now(), date);
	if (authorities(&why) == -1 || sasl_open(&why) == -1 ||
	    (any = tls_client_new(NULL, TLS_UNKNOWN, &why)) == NULL) {
		log_warn("%s", buf_str(&why));
		r = -1;
	}
	buf_clear(&why);
	return r;
}

static int
ending(void)
{
	return server_ending(1);
}

static void
run(struct chan *c, struct msg *m)
{
	struct fetch f = { .ctl = c, .verified = verified, .any = any,
		.hostname = settings_hostname(conf.hostname),
		.ending = ending };

	running = &f;
	fetch_run(&f, m);
	running = NULL;
}

/* The one message that begins a run, which is the process's last. */
static int
take_run(struct chan *c)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r = msg_next(&m, &proto_collect, PEER_COLLECT, c, &why);

	if (r == 1) {
		if (m.type == CL_RUN)
			run(c, &m);
		else if (m.type != CL_STOP)
			log_warn("collect: a message before the account");
		msg_done(&m);
		server_retire();
	} else if (r == -1) {
		log_warn("collect: %s", buf_str(&why));
	}
	buf_clear(&why);
	return r;
}

static void
input(enum peer p, struct chan *c)
{
	int r;

	if (c == NULL) {
		/* Master has given a channel to another collect, which knows
		   nothing of this run. */
		if (p == PEER_COLLECT && running != NULL)
			running->gone = 1;
		return;
	}
	r = chan_read(c);
	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (r == 1 && p == PEER_COLLECT && take_run(c) == 0)
		return;
	server_peer_lost(p);
	if (p == PEER_COLLECT)
		server_retire();
}

int
main(int argc, char **argv)
{
	static const struct server server = {
		.kind = PEER_FETCH,
		.keys = keys,
		.conf = &conf,
		.state_dir = &conf.state_dir,
		.verbose = &conf.verbose,
		.message_size = &conf.message_size,
		.check = check,
		.before_jail = before_jail,
		.input = input,
	};

	return server_work_main(argc, argv, &server);
}
