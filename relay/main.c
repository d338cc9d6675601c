/*
 * relay: carries messages to the next host by SMTP.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/proto.h"
#include "lib/net/tls.h"
#include "lib/server/server.h"
#include "relay/relay.h"
#include "relay/relay_check.h"
#include "relay/relay_hurry.h"
#include "relay/relay_policy.h"
#include "relay/relay_session.h"

enum { ANSWER_WAIT = 10000, QUEUE_WAIT = 0 };

static struct relay_conf conf;
static char password[SECRET_MAX + 1];
/* Counts the channels to queue: a job is answered on its own, or never. */
static unsigned generation;

#define C(m) offsetof(struct relay_conf, m)

static const struct settings_key keys[] = {
	SETTINGS_KEY_HOSTNAME(struct relay_conf, hostname),
	SETTINGS_KEY_STATE(struct relay_conf, state_dir),
	SETTINGS_KEY_RELAY_HOST(struct relay_conf, host),
	{ "relay_port", SETTINGS_NUMBER, C(port), "587", 1, 65535, NULL,
	  N_("port of the smarthost") },
	{ "relay_mx_port", SETTINGS_NUMBER, C(mx_port), "25", 1, 65535, NULL,
	  N_("port of mail hosts found by MX; other than 25 for trials "
	  "alone") },
	{ "relay_tls", SETTINGS_CHOICE, C(tls), "starttls", 0, 0,
	  "never may starttls tls", N_("TLS to the smarthost") },
	{ "relay_tls_verify", SETTINGS_BOOL, C(tls_verify), "yes", 0, 0, NULL,
	  N_("the smarthost's certificate must verify") },
	{ "relay_ca_file", SETTINGS_TEXT, C(ca_file), "", 0, 900, NULL,
	  N_("PEM file of the authorities to trust; empty: the system's") },
	{ "relay_user", SETTINGS_TEXT, C(user), "", 0, ADDRESS_MAX, NULL,
	  N_("login at the smarthost; empty: none") },
	{ "relay_password_file", SETTINGS_TEXT, C(password_file), "", 0, 900,
	  NULL, N_("file whose first line is the password, or the access "
	  "token") },
	{ "relay_auth", SETTINGS_TEXT, C(auth), "SCRAM-SHA-256 PLAIN LOGIN", 1,
	  100, NULL, N_("mechanisms of the login, in order of preference") },
	{ "relay_allow_loopback", SETTINGS_BOOL, C(allow_loopback), "no", 0, 0,
	  NULL, N_("send to MX hosts with loopback addresses") },
	SETTINGS_KEY_VERBOSE(struct relay_conf, verbose),
	SETTINGS_END
};

/* The first line of the text. */
static int
take_password(const char *p, size_t len, struct buf *why)
{
	const char *fault = NULL;

	if (str_mark(&p, &len) == -1)
		fault = _(STR_UTF16);
	else if ((len = strcspn(p, "\r\n")) == 0)
		fault = _("the first line is empty");
	else if (len > SECRET_MAX)
		fault = _("the password is too long");
	if (fault != NULL) {
		buf_set(why, "relay_password_file: %s: %s",
		    conf.password_file, fault);
		return -1;
	}
	memcpy(password, p, len);
	password[len] = '\0';
	return 0;
}

static int
read_password(struct buf *why)
{
	/* A byte order mark, the password, CR and LF. */
	struct buf b = BUF_INIT(3 + SECRET_MAX + 2);
	int fd = open(conf.password_file, O_RDONLY | O_CLOEXEC), r = -1;

	if (fd == -1 || fd_slurp(fd, &b) == -1) {
		buf_set(why, "relay_password_file: %s: %s", conf.password_file,
		    strerror(errno));
	} else {
		r = take_password(buf_str(&b), b.len, why);
	}
	buf_wipe(&b);
	fd_close(&fd);
	return r;
}

static int
check_keys(struct buf *why)
{
	char word[32];

	if (auth_unknown(conf.auth, word, sizeof(word)) != NULL) {
		buf_set(why, _("relay_auth: %s is not known (SCRAM-SHA-256, "
		    "PLAIN, LOGIN, OAUTHBEARER, XOAUTH2)"), word);
		return -1;
	}
	if (auth_secrets(conf.auth) == (AUTH_PASSWORD | AUTH_TOKEN)) {
		buf_set(why, _("relay_auth: %s: relay_password_file has a "
		    "password or an access token (OAUTHBEARER, XOAUTH2), not "
		    "both"), conf.auth);
		return -1;
	}
	if (auth_secrets(conf.auth) == AUTH_TOKEN &&
	    conf.tls == RELAY_TLS_NEVER) {
		buf_set(why, _("relay_auth: %s: an access token goes under "
		    "TLS only, and relay_tls is never"), conf.auth);
		return -1;
	}
	if (check_relay_host(conf.host, why) == -1)
		return -1;
	if (conf.user[0] == '\0')
		return 0;
	if (conf.host[0] == '\0') {
		buf_set(why, _("relay_user is set, relay_host is not"));
		return -1;
	}
	if (conf.password_file[0] == '\0') {
		buf_set(why, _("relay_user is set, relay_password_file is "
		    "not"));
		return -1;
	}
	return read_password(why);
}

static int
check_authorities(struct buf *why)
{
	struct buf fault = BUF_INIT(300);
	SSL_CTX *ctx;

	if (conf.ca_file[0] == '\0')
		return 0;
	tls_init();
	if ((ctx = tls_client_new(conf.ca_file, TLS_VERIFIED,
	    &fault)) == NULL)
		buf_set(why, "relay_ca_file: %s", buf_str(&fault));
	buf_clear(&fault);
	if (ctx == NULL)
		return -1;
	tls_free(&ctx);
	return 0;
}

/* What can be said about the keys without starting anything. */
static int
check(struct buf *why)
{
	return check_keys(why) == -1 ? -1 : check_authorities(why);
}

static int
before_jail(void)
{
	struct buf why = BUF_INIT(600);
	int r;

	tls_init();
	r = check(&why) == 0 && auth_open(&why) == 0 &&
	    policy_open(&conf, password, &why) == 0 ? 0 : -1;
	if (r == -1)
		log_warn("%s", buf_str(&why));
	buf_clear(&why);
	return r;
}

/* Sends what waits for queue, unless it is not the queue that asked. */
static void
answer(struct chan *c, int queued)
{
	if (queued == -1 || chan_send(c, ANSWER_WAIT) == -1) {
		log_warn("queue does not take an answer: %s", strerror(errno));
		generation++;
		server_peer_lost(PEER_QUEUE);
	}
}

static void
answer_words(struct chan *c, enum j_type type, uint32_t id, const char *words)
{
	msg_begin(c, &proto_job, type, id);
	msg_words(c, JF_WORDS, words, RESULT_WORDS_MAX);
	answer(c, msg_end(c));
}

/* A stop came before any host had said yes or no of any recipient: the job is
   as it was. */
static int
is_untouched(const struct relay_job *j)
{
	size_t i;

	for (i = 0; i < j->n && !j->to[i].settled; i++)
		;
	return hurry_cut() && i == j->n;
}

static void
run_job(struct relay_job *j)
{
	unsigned mine = generation;
	struct buf why = BUF_INIT(RESULT_WORDS_MAX);
	struct policy policy;
	struct chan *c;
	enum result r = job_verify(j, &why);

	if (r == RESULT_DELIVERED && policy_find(&j->key, &policy, &why) == -1)
		r = RESULT_LATER;
	if (r == RESULT_DELIVERED)
		session_run(j, &conf, &policy);
	else if (r == RESULT_LATER)
		job_all(j, r, buf_str(&why));
	/* Master may have given a new channel meanwhile: to another queue. */
	c = server_peer(PEER_QUEUE, QUEUE_WAIT);
	if (c == NULL || mine != generation)
		log_warn("%s: queue is gone, the result with it", j->file);
	else if (r == RESULT_NEVER)
		answer_words(c, J_BROKEN, j->id, buf_str(&why));
	else if (is_untouched(j))
		answer_words(c, J_REFUSED, j->id, "retiring");
	else
		answer(c, job_answer(j, c));
	buf_clear(&why);
}

/* One frame of queue. 0 where its channel must not be used any more. */
static int
take_job(struct chan *c)
{
	struct buf why = BUF_INIT(300);
	unsigned mine = generation;
	struct relay_job job;
	struct msg m;
	int r;

	r = msg_next(&m, &proto_job, PEER_QUEUE, c, &why);
	if (r == 1 && server_stopping()) {
		if (m.type != J_HURRY)
			answer_words(c, J_REFUSED, m.id, "retiring");
		msg_done(&m);
	} else if (r == 1 && m.type == J_HURRY) {
		msg_done(&m);	/* its job is done */
	} else if (r == 1 && m.type != J_RELAY) {
		answer_words(c, J_REFUSED, m.id, "not for relay");
		msg_done(&m);
	} else if (r == 1) {
		r = job_read(&job, &m, &why);
		msg_done(&m);
		if (r == 0) {
			hurry_begin(c, job.id);
			run_job(&job);
			job_clear(&job);
			r = 1;
		}
	}
	if (r == -1) {
		log_warn("queue: %s", buf_str(&why));
		generation++;
		server_peer_lost(PEER_QUEUE);
	}
	buf_clear(&why);
	return r == 1 && mine == generation;
}

static void
input(enum peer p, struct chan *c)
{
	int r;

	if (c == NULL) {
		if (p == PEER_QUEUE) {
			generation++;
			hurry_forget();
		}
		return;
	}
	r = chan_read(c);
	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (r != 1 || p != PEER_QUEUE) {
		/* resolve speaks only when asked: this is its end */
		generation += p == PEER_QUEUE;
		server_peer_lost(p);
		return;
	}
	while (take_job(c))
		continue;
}

static void
idle(void)
{
	session_expire(0);
}

int
main(int argc, char **argv)
{
	static const struct server server = {
		.kind = PEER_RELAY,
		.keys = keys,
		.conf = &conf,
		.state_dir = (const char **)&conf.state_dir,
		.verbose = &conf.verbose,
		.check = check,
		.before_jail = before_jail,
		.input = input,
		.idle = idle,
	};
	int status;

	hurry_stop_by(server_ending);
	status = server_work_main(argc, argv, &server);

	session_expire(1);
	return status;
}
