/*
 * login: TLS and the dialogue before the login of IMAP and POP3, then a proxy
 * between TLS and the session's process.
 */
#include <config.h>

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "auth/login_auth.h"
#include "auth/login_events.h"
#include "auth/login_imap.h"
#include "auth/login_pop3.h"
#include "auth/login_server.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/net/tls.h"
#include "lib/server/server.h"

enum {
	LISTENERS_MAX = 256,
	ACCEPTS = 8,		/* of one socket before anything else */
	FILES_RESERVE = 64,	/* descriptors that are no client's */
	TICKETS = 1,		/* for a TLS 1.3 client to resume with */
};
static const double STOP_AFTER = 3.;	/* seconds for the sessions to end */
static const double JUDGE_EVERY = 24. * 60 * 60;	/* the certificate */

struct login_conf {
	const char *state_dir, *hostname, *cert, *key;
	int	 verbose;
	uint64_t connections, per_address, per_user, seconds;
};

struct listener {
	ev_io	 w;
	enum service service;
};

static struct login_conf conf;
static struct login_server logins;
static struct listener listeners[LISTENERS_MAX];
static unsigned n_listeners;
static SSL_CTX *imap, *pop3;
static ev_timer stop_timer, judge_timer;

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct login_conf, state_dir),
	SETTINGS_KEY_HOSTNAME(struct login_conf, hostname),
	SETTINGS_KEY_VERBOSE(struct login_conf, verbose),
	SETTINGS_KEY_CERT(struct login_conf, cert),
	SETTINGS_KEY_CERT_KEY(struct login_conf, key),
	{ "login_connections", SETTINGS_NUMBER,
	  offsetof(struct login_conf, connections), "8192", 10,
	  LOGIN_SLOTS_MAX, NULL, N_("IMAP and POP3 connections of one login "
	  "process") },
	{ "login_per_address", SETTINGS_NUMBER,
	  offsetof(struct login_conf, per_address), "50", 1, LOGIN_SLOTS_MAX,
	  NULL, N_("of them, from one address and not logged in yet") },
	{ "login_per_user", SETTINGS_NUMBER,
	  offsetof(struct login_conf, per_user), "100", 1, LOGIN_SLOTS_MAX,
	  NULL, N_("of them, of one user") },
	{ "login_time", SETTINGS_TIME, offsetof(struct login_conf, seconds),
	  "180s", 5, 3600, NULL, N_("a connection is closed that is not logged "
	  "in by then") },
	SETTINGS_END
};

static int
make_contexts(SSL_CTX **imap_r, SSL_CTX **pop3_r, struct buf *why)
{
	const struct tls_files f = { conf.cert, conf.key,
		server_file(SERVER_FILE_CERT), server_file(SERVER_FILE_KEY) };

	if (conf.cert[0] == '\0' || conf.key[0] == '\0') {
		buf_set(why, "tls_certificate and tls_key must be set: nobody "
		    "logs in without TLS");
		return -1;
	}
	*imap_r = tls_server_new(&f, login_imap.alpn, TICKETS, why);
	*pop3_r = *imap_r == NULL ? NULL : tls_server_new(&f, login_pop3.alpn,
	    TICKETS, why);
	if (*pop3_r == NULL)
		tls_free(imap_r);
	return *pop3_r != NULL ? 0 : -1;
}

static int
check(struct buf *why)
{
	SSL_CTX *a, *b;

	if (make_contexts(&a, &b, why) == -1)
		return -1;
	tls_free(&a);
	tls_free(&b);
	return 0;
}

/* Clients would say it to people only; here the operator reads it. */
static void
judge(void)
{
	struct buf words = BUF_INIT(2000);
	const char *p, *line;
	size_t len;

	if (tls_judge(SSL_CTX_get0_certificate(imap), conf.cert,
	    settings_hostname(conf.hostname), time(NULL), &words) == -1) {
		p = buf_str(&words);
		while ((line = str_line(&p, &len)) != NULL)
			log_warn("%.*s", (int)len, line);
	}
	buf_clear(&words);
}

static int
before_jail(void)
{
	struct buf why = BUF_INIT(500);
	int r;

	tls_init();
	if ((r = make_contexts(&imap, &pop3, &why)) == -1)
		log_warn("%s", buf_str(&why));
	else
		judge();
	buf_clear(&why);
	return r;
}

static void
judge_again(struct ev_loop *loop, ev_timer *w, int events)
{
	judge();
}

/* A client takes two descriptors. */
static unsigned
most_clients(void)
{
	struct rlimit r;
	unsigned n = (unsigned)conf.connections;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 &&
	    (r.rlim_cur - FILES_RESERVE) / 2 < n) {
		n = (unsigned)(r.rlim_cur - FILES_RESERVE) / 2;
		log_warn("the limit on open files leaves room for %u "
		    "connections", n);
	}
	return n;
}

static void
changed(unsigned n)
{
	server_sessions(n);
	if (logins.stopping && n == 0)
		server_exit();
}

static void
set_bounds(void)
{
	logins.max_address = (unsigned)conf.per_address;
	logins.max_user = (unsigned)conf.per_user;
	logins.talk_ms = (int64_t)conf.seconds * 1000;
}

/* The first call with a loop: sockets come before WIRE_GO. */
static struct login_server *
the_logins(struct ev_loop *loop)
{
	if (logins.loop == NULL) {
		login_server_init(&logins, loop, most_clients(), imap, pop3);
		logins.changed = changed;
		set_bounds();
		ev_timer_init(&judge_timer, judge_again, JUDGE_EVERY,
		    JUDGE_EVERY);
		ev_timer_start(loop, &judge_timer);
	}
	return &logins;
}

static void
close_listener(struct ev_loop *loop, struct listener *l)
{
	if (!ev_is_active(&l->w))
		return;
	ev_io_stop(loop, &l->w);
	close(l->w.fd);
}

static void
acceptable(struct ev_loop *loop, ev_io *w, int events)
{
	struct listener *l = w->data;
	struct session s;
	int i, r = 0;

	for (i = 0; i < ACCEPTS; i++) {
		r = server_accept(w->fd, l->service, &s);
		if (r != 1)
			break;
		login_client_new(the_logins(loop), l->service, s.fd, s.remote);
	}
	if (r == -1)
		close_listener(loop, l);
}

/*
 * Every login process watches every socket. libev knows no EPOLLEXCLUSIVE; so
 * a new client wakes as many of them as there are cores, and one gets it.
 */
static void
listening(struct ev_loop *loop, enum service service, int fd)
{
	struct listener *l = &listeners[n_listeners];

	if (n_listeners == LISTENERS_MAX) {
		log_warn("too many listening sockets");
		close(fd);
		return;
	}
	n_listeners++;
	l->service = service;
	ev_io_init(&l->w, acceptable, fd, EV_READ);
	l->w.data = l;
	ev_io_start(loop, &l->w);
}

static void
wired(struct ev_loop *loop, const struct wire *w)
{
	int fd = w->fd;

	if (w->peer == PEER_AUTH)
		login_auth_set(the_logins(loop), fd);
	else
		fd_close(&fd);
}

static int
reload(void)
{
	struct buf why = BUF_INIT(500);
	SSL_CTX *a, *b;
	int r;

	set_bounds();
	r = make_contexts(&a, &b, &why);
	if (r == 0) {
		login_server_certs(&logins, a, b);
		imap = a;
		pop3 = b;
		judge();
	} else
		log_warn("reload: %s; the certificate in use stays",
		    buf_str(&why));
	buf_clear(&why);
	return r;
}

static void
stop_now(struct ev_loop *loop, ev_timer *w, int events)
{
	server_exit();
}

/* imapd says BYE to its own; that is copied before the end. */
static void
stop(struct ev_loop *loop)
{
	unsigned i;

	for (i = 0; i < n_listeners; i++)
		close_listener(loop, &listeners[i]);
	login_server_stop(the_logins(loop));
	if (logins.clients == 0) {
		server_exit();
		return;
	}
	ev_timer_init(&stop_timer, stop_now, STOP_AFTER, 0.);
	ev_timer_start(loop, &stop_timer);
}

int
main(int argc, char **argv)
{
	static const struct server s = {
		.kind = PEER_LOGIN,
		.keys = keys,
		.conf = &conf,
		.state_dir = &conf.state_dir,
		.verbose = &conf.verbose,
		.check = check,
		.before_jail = before_jail,
		.reload = reload,
		.wired = wired,
		.listening = listening,
		.stop = stop,
	};

	return server_loop_main(argc, argv, &s);
}
