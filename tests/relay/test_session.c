/*
 * Where a job goes, over which connections, under which TLS and login: from
 * the key of its destination to what its recipients hear, with mail hosts that
 * answer as each test wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/server/server.h"
#include "relay/relay_check.h"
#include "relay/relay_hurry.h"
#include "relay/relay_policy.h"
#include "relay/relay_route.h"
#include "relay/relay_session.h"
#include "tests/relay/mx.h"

enum { LATER = RESULT_LATER, NEVER = RESULT_NEVER, OK = RESULT_DELIVERED };

static struct relay_conf conf;
static const char *answer_words;	/* resolve's, or NULL: hosts */
static enum n_status answer_status;
static unsigned answer_hosts, answer_addresses, answer_port, asked_port;
static enum n_type asked_type;
static char asked_name[300];
static int stopping;
static _Atomic int64_t ahead;	/* ms that the clock is */
static int64_t leap;		/* and those that each attempt takes */
int64_t	__real_clock_mono_ms(void);
int64_t	__wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + ahead;
}

/* Asked before each attempt. */
int
server_stopping(void)
{
	ahead += leap;
	return stopping;
}

/* mxI.test has the addresses 127.0.0.I and those that follow. */
enum n_status
resolve_ask(enum n_type type, const char *name, unsigned port,
    struct resolve_answer *a, struct buf *words)
{
	char ip[20];
	unsigned i, k;

	asked_type = type;
	asked_port = port;
	str_copy(asked_name, sizeof(asked_name), name);
	if (answer_words != NULL) {
		buf_set(words, "%s", answer_words);
		return answer_status;
	}
	a->n = answer_hosts;
	for (i = 0; i < a->n; i++) {
		snprintf(a->host[i].name, sizeof(a->host[i].name),
		    "mx%u.test", i + 1);
		a->host[i].n = answer_addresses;
		for (k = 0; k < answer_addresses; k++) {
			snprintf(ip, sizeof(ip), "127.0.0.%u",
			    i * answer_addresses + k + 1);
			assert_int_equal(addr_of_ip(&a->host[i].addr[k], ip,
			    strlen(ip), answer_port), 0);
		}
	}
	return N_OK;
}

static const char text[] = "Received: x\r\nSubject: y\r\n\r\nz\r\n";
static struct relay_job job;

static void
make_job(const char *route, unsigned n)
{
	static char file[] = "f", sender[] = "a@us.test";
	unsigned i;

	memset(&job, 0, sizeof(job));
	assert_int_equal(dest_key_set(&job.key, route, "", DEST_TLS_ROUTE), 0);
	job.file = file;
	job.sender = sender;
	job.message.fd = -1;
	job.message.offset = 13;
	job.message.length = sizeof(text) - 1;
	job.message.data = text;
	job.message.sender = sender;
	job.n = n;
	job.to = mem_zalloc(n, sizeof(*job.to));
	for (i = 0; i < n; i++) {
		job.to[i].index = i;
		job.to[i].address = mem_alloc(40);
		snprintf(job.to[i].address, 40, "u%u@far.test", i);
	}
}

static void
drop_job(void)
{
	size_t i;

	for (i = 0; i < job.n; i++) {
		free(job.to[i].address);
		free(job.to[i].words);
	}
	free(job.to);
}

/* Runs the job; what stands in `said` is ended, unless the rest is kept. */
static void
run_job(void)
{
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);
	struct policy p;

	if (policy_find(&job.key, &p, &words) == -1)
		job_all(&job, RESULT_LATER, buf_str(&words));
	else
		session_run(&job, &conf, &p);
	buf_clear(&words);
}

/* The result of recipient i, and how its words begin. */
static void
heard(unsigned i, int result, const char *words)
{
	if ((int)job.to[i].result != result ||
	    strncmp(job.to[i].words, words, strlen(words)) != 0)
		fail_msg("recipient %u: %d \"%s\"", i, job.to[i].result,
		    job.to[i].words);
}

/* One job for one recipient of that route, and its end. */
static void
send_one(const char *route, int result, const char *words)
{
	make_job(route, 1);
	run_job();
	heard(0, result, words);
	drop_job();
}

static void
said(const char *want)
{
	session_expire(1);
	if (strcmp(mx_said(), want) != 0)
		fail_msg("said:\n%s", mx_said());
}

#define MAIL(h)		h ":MAIL FROM:<a@us.test>\n"
#define RCPT(h, n)	h ":RCPT TO:<u" n "@far.test>\n"
#define ONE(h)		MAIL(h) RCPT(h, "0") h ":DATA\n" h ":.\n"
#define CLEAR(h)	h "*\n" h ":EHLO us.test\n"
#define SECURE(h)	CLEAR(h) h ":STARTTLS\n" h " TLS\n" h ":EHLO us.test\n"
#define QUIT(h)		h ":QUIT\n"

static char none[] = "";

/* What the starts of this test made, each once. */
static SSL_CTX *made[200];
static size_t n_made;

static void
keep_made(SSL_CTX *ctx)
{
	size_t i;

	for (i = 0; i < n_made && made[i] != ctx;)
		i++;
	assert_true(i < 200);
	made[i] = ctx;
	n_made += i == n_made;
}

/* Takes the settings of conf as a start does, with what the file has. */
static void
reopen_with(int tls, const char *secret)
{
	struct buf why = BUF_INIT(300);
	struct policy p;
	struct dest_key k;

	conf.tls = tls;
	assert_int_equal(policy_open(&conf, secret, &why), 0);
	assert_int_equal(dest_key_set(&k, "far.test", "", DEST_TLS_ROUTE), 0);
	assert_int_equal(policy_find(&k, &p, &why), 0);
	keep_made(p.ctx);
	k.tls = DEST_TLS_ENCRYPTED;
	if (tls != RELAY_TLS_NEVER && policy_find(&k, &p, &why) == 0)
		keep_made(p.ctx);
	k.tls = DEST_TLS_VERIFIED;
	if (tls != RELAY_TLS_NEVER && policy_find(&k, &p, &why) == 0)
		keep_made(p.ctx);
	buf_clear(&why);
}

static void
reopen(int tls)
{
	reopen_with(tls, "secret");
}

static int
setup(void **state)
{
	static char host[] = "us.test", mechs[] = "PLAIN LOGIN";

	conf = (struct relay_conf){ .hostname = host, .state_dir = none,
		.host = none, .port = 587, .mx_port = 25,
		.tls = RELAY_TLS_NEVER, .allow_loopback = 1,
		.ca_file = none, .user = none, .password_file = none,
		.auth = mechs };
	reopen(RELAY_TLS_NEVER);
	answer_words = NULL;
	answer_hosts = 3;
	answer_addresses = 1;
	answer_port = mx_port;
	stopping = 0;
	session_expire(1);
	mx_all(&mx_good);
	return 0;
}

static unsigned
closed_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static void
test_next_host(void **state)
{
	mx_host[1].banner = NULL;
	mx_host[2].banner = "554 not you";
	send_one("far.test", OK, "2.0.0 mx3.test [127.0.0.3] said: 250 taken");
	assert_int_equal(asked_type, N_MX);
	assert_int_equal(asked_port, 25);
	assert_string_equal(asked_name, "far.test");
	said("1*\n2*\n" CLEAR("3") ONE("3") QUIT("3"));
	/* A port that nobody listens on. */
	mx_all(&mx_good);
	answer_hosts = 1;
	answer_port = closed_port();
	send_one("far.test", LATER, "4.4.1 connection to mx1.test [127.0.0.1]:");
	answer_port = mx_port;
	/* No word of a connection is for ever. */
	mx_all(&mx_good);
	answer_hosts = 2;
	mx_host[1].banner = mx_host[2].banner = "554 5.7.1 not you";
	send_one("far.test", LATER, "4.7.1 mx2.test [127.0.0.2] said: 554");
	mx_all(&mx_good);
	mx_host[1].ehlo = mx_host[2].ehlo = "421 4.3.2 busy";
	send_one("far.test", LATER, "4.3.2 mx2.test [127.0.0.2] said: 421");
}

/* Who has an answer is not asked about again. */
static void
test_next_host_gets_the_rest(void **state)
{
	mx_host[1].second = "450 4.2.1 later";
	make_job("far.test", 2);
	run_job();
	heard(0, OK, "2.0.0 mx1");
	heard(1, OK, "2.0.0 mx2");
	drop_job();
	said(CLEAR("1") MAIL("1") RCPT("1", "0") RCPT("1", "1") "1:DATA\n1:.\n"
	    QUIT("1") CLEAR("2") MAIL("2") RCPT("2", "1") "2:DATA\n2:.\n"
	    QUIT("2"));
	mx_all(&mx_good);
	mx_host[1].second = "550 5.1.1 nobody";
	make_job("far.test", 2);
	run_job();
	heard(0, OK, "2.0.0 mx1");
	heard(1, NEVER, "5.1.1 mx1");
	drop_job();
	said(CLEAR("1") MAIL("1") RCPT("1", "0") RCPT("1", "1") "1:DATA\n1:.\n"
	    QUIT("1"));
}

/* A message that may have been taken goes to nobody else. */
static void
test_lost_after_the_dot(void **state)
{
	mx_host[1].dot = NULL;
	send_one("far.test", LATER, "4.4.2 mx1");
	said(CLEAR("1") ONE("1"));
}

static void
test_attempts(void **state)
{
	struct mx deaf = mx_good;

	deaf.banner = NULL;
	mx_all(&deaf);
	answer_hosts = 4;
	answer_addresses = 3;
	send_one("far.test", LATER, "4.4.2 mx4.test [127.0.0.10]");
	said("1*\n2*\n3*\n4*\n5*\n6*\n7*\n8*\n9*\n10*\n");
	mx_all(&deaf);
	stopping = 1;
	send_one("far.test", LATER, "4.3.2 relay is stopping");
	said("");
}

/* After an hour no further host is tried. */
static void
test_job_time(void **state)
{
	struct mx deaf = mx_good;

	deaf.banner = NULL;
	mx_all(&deaf);
	answer_hosts = 4;
	leap = SESSION_JOB_MS + 1;
	send_one("far.test", LATER, "4.4.2 mx1.test");
	said("1*\n");
	mx_all(&deaf);
	leap = SESSION_JOB_MS / 2 + 1;
	send_one("far.test", LATER, "4.4.2 mx2.test");
	said("1*\n2*\n");
	leap = 0;
}

static void
test_kept_connection(void **state)
{
	unsigned i;

	send_one("far.test", OK, "2.0.0 mx1");
	session_expire(0);	/* its time has not come */
	send_one("far.test", OK, "2.0.0 mx1");
	send_one("other.test", OK, "2.0.0 mx1");
	said(CLEAR("1") ONE("1") ONE("1") QUIT("1") CLEAR("1") ONE("1")
	    QUIT("1"));
	/* After a transaction that did not end well all is reset. */
	mx_all(&mx_good);
	mx_host[1].dot = "550 5.7.1 spam";
	send_one("far.test", NEVER, "5.7.1 mx1");
	send_one("far.test", NEVER, "5.7.1 mx1");
	said(CLEAR("1") ONE("1") "1:RSET\n" ONE("1") QUIT("1"));
	mx_all(&mx_good);
	mx_host[1].rcpt = "550 5.1.1 nobody";
	mx_host[1].data = "554 no";
	send_one("far.test", NEVER, "5.1.1 mx1");
	send_one("far.test", NEVER, "5.1.1 mx1");
	said(CLEAR("1") MAIL("1") RCPT("1", "0") "1:DATA\n1:RSET\n" MAIL("1")
	    RCPT("1", "0") "1:DATA\n" QUIT("1"));
	/* 421 is the last word. */
	mx_all(&mx_good);
	mx_host[1].dot = "421 4.3.2 closing";
	answer_hosts = 1;
	send_one("far.test", LATER, "4.3.2 mx1");
	send_one("far.test", LATER, "4.3.2 mx1");
	said(CLEAR("1") ONE("1") CLEAR("1") ONE("1"));
	/* So many messages, then another. */
	mx_all(&mx_good);
	for (i = 0; i < SESSION_MESSAGES_MAX; i++)
		send_one("far.test", OK, "2.0.0 mx1");
	send_one("far.test", OK, "2.0.0 mx1");
	session_expire(1);
	assert_non_null(strstr(mx_said(), QUIT("1") CLEAR("1") ONE("1")));
}

/* By MX: TLS where it is offered, and what fails there goes in the clear. */
static void
test_opportunistic(void **state)
{
	reopen(RELAY_TLS_STARTTLS);
	answer_hosts = 1;
	send_one("far.test", OK, "2.0.0 mx1");
	said(SECURE("1") ONE("1") QUIT("1"));
	mx_all(&mx_good);
	mx_host[1].ehlo = "250-mx\r\n250 PIPELINING";
	send_one("far.test", OK, "2.0.0 mx1");
	said(CLEAR("1") ONE("1") QUIT("1"));
	mx_all(&mx_good);
	mx_host[1].tls_fails = 1;
	send_one("far.test", OK, "2.0.0 mx1");
	said(CLEAR("1") "1:STARTTLS\n" CLEAR("1") ONE("1") QUIT("1"));
	mx_all(&mx_good);
	mx_host[1].starttls = "454 4.7.0 no TLS now";
	send_one("far.test", OK, "2.0.0 mx1");
	said(CLEAR("1") "1:STARTTLS\n" CLEAR("1") ONE("1") QUIT("1"));
	/* What fails elsewhere does not come again without TLS. */
	mx_all(&mx_good);
	mx_host[1].banner = NULL;
	send_one("far.test", LATER, "4.4.2 mx1");
	said("1*\n");
	mx_all(&mx_good);
	reopen(RELAY_TLS_NEVER);
	send_one("far.test", OK, "2.0.0 mx1");
	said(CLEAR("1") ONE("1") QUIT("1"));
}

/* RFC 3207 4.2: what was said before TLS is forgotten. */
static void
test_features_of_tls(void **state)
{
	reopen(RELAY_TLS_MAY);
	answer_hosts = 1;
	mx_host[1].ehlo = "250-mx\r\n250-PIPELINING\r\n250-SIZE 10\r\n"
	    "250 STARTTLS";
	mx_host[1].ehlo_tls = "250 mx";
	mx_host[1].rcpt = "550 5.1.1 no";
	send_one("far.test", NEVER, "5.1.1 mx1");
	said(SECURE("1") MAIL("1") RCPT("1", "0") QUIT("1"));
	mx_all(&mx_good);
	mx_host[1].ehlo_tls = "250-mx\r\n250 SIZE 17";
	send_one("far.test", OK, "2.0.0 mx1");
	said(SECURE("1") "1:MAIL FROM:<a@us.test> SIZE=17\n" RCPT("1", "0")
	    "1:DATA\n1:.\n" QUIT("1"));
	mx_all(&mx_good);
	mx_host[1].ehlo_tls = "250-mx\r\n250 SIZE 16";
	send_one("far.test", NEVER, "5.3.4 mx1.test [127.0.0.1] takes "
	    "messages up to 16 octets, this one has 17");
	said(SECURE("1") QUIT("1"));
}

static void
send_tls(enum dest_tls tls, int result, const char *words)
{
	make_job("far.test", 1);
	job.key.tls = tls;
	run_job();
	heard(0, result, words);
	drop_job();
}

/* A key that asks for TLS: never without, whatever fails. */
static void
test_required_tls(void **state)
{
	conf.ca_file = mx_ca;
	reopen(RELAY_TLS_MAY);
	answer_hosts = 1;
	send_tls(DEST_TLS_ENCRYPTED, OK, "2.0.0 mx1");
	said(SECURE("1") ONE("1") QUIT("1"));
	mx_all(&mx_good);
	mx_host[1].ehlo = "250-mx\r\n250 PIPELINING";
	send_tls(DEST_TLS_ENCRYPTED, LATER, "4.7.4 mx1.test [127.0.0.1] "
	    "offers no STARTTLS");
	said(CLEAR("1"));
	mx_all(&mx_good);
	mx_host[1].tls_fails = 1;
	send_tls(DEST_TLS_ENCRYPTED, LATER, "4.7.5 mx1");
	said(CLEAR("1") "1:STARTTLS\n");
	mx_all(&mx_good);
	mx_host[1].starttls = "554 5.7.0 no";
	send_tls(DEST_TLS_ENCRYPTED, LATER, "4.7.0 mx1");
	said(CLEAR("1") "1:STARTTLS\n");
	/* And verified: the authority, and the name. */
	mx_all(&mx_good);
	send_tls(DEST_TLS_VERIFIED, LATER, "4.7.5 mx1.test [127.0.0.1] TLS: "
	    "certificate: ");
	said(CLEAR("1") "1:STARTTLS\n");
	mx_all(&mx_good);
	mx_host[1].cert = mx_cert_ca;
	send_tls(DEST_TLS_VERIFIED, OK, "2.0.0 mx1");
	said(SECURE("1") ONE("1") QUIT("1"));
	mx_all(&mx_good);
	answer_hosts = 2;
	mx_host[1].banner = NULL;
	mx_host[2].cert = mx_cert_ca;	/* of mx1.test */
	send_tls(DEST_TLS_VERIFIED, LATER, "4.7.5 mx2");
	said("1*\n" CLEAR("2") "2:STARTTLS\n");
	/* A connection without is not taken for one with. */
	mx_all(&mx_good);
	mx_host[1].cert = mx_cert_ca;
	send_tls(DEST_TLS_ROUTE, OK, "2.0.0 mx1");
	send_tls(DEST_TLS_VERIFIED, OK, "2.0.0 mx1");
	said(SECURE("1") ONE("1") QUIT("1") SECURE("1") ONE("1") QUIT("1"));
	/* Where the operator forbids it, or nothing can be verified. */
	mx_all(&mx_good);
	conf.ca_file = none;
	reopen(RELAY_TLS_NEVER);
	send_tls(DEST_TLS_ENCRYPTED, LATER, "4.7.4 the message may go under "
	    "TLS only");
	said("");
}

static void
test_smarthost_tls(void **state)
{
	static char host[] = "mx1.test";

	conf.host = host;
	conf.ca_file = mx_ca;
	conf.tls_verify = 1;
	answer_hosts = 1;
	reopen(RELAY_TLS_STARTTLS);
	send_one("", LATER, "4.7.5 mx1");
	assert_int_equal(asked_type, N_HOST);
	assert_int_equal(asked_port, 587);
	assert_string_equal(asked_name, "mx1.test");
	said(CLEAR("1") "1:STARTTLS\n");
	mx_all(&mx_good);
	mx_host[1].cert = mx_cert_ca;
	send_one("", OK, "2.0.0 mx1");
	said(SECURE("1") ONE("1") QUIT("1"));
	mx_all(&mx_good);
	mx_host[1].ehlo = "250 mx";
	send_one("", LATER, "4.7.4 mx1");
	said(CLEAR("1"));
	/* TLS from the first octet. */
	mx_all(&mx_good);
	reopen(RELAY_TLS_TLS);
	mx_host[1].cert = mx_cert_ca;
	mx_host[1].tls_first = 1;
	send_one("", OK, "2.0.0 mx1");
	said("1*\n1 TLS\n1:EHLO us.test\n" ONE("1") QUIT("1"));
	mx_all(&mx_good);
	mx_host[1].tls_first = 1;
	send_one("", LATER, "4.7.5 mx1");
	said("1*\n");
	/* Not verified, by the operator's word. */
	mx_all(&mx_good);
	mx_host[1].tls_first = 1;
	conf.tls_verify = 0;
	reopen(RELAY_TLS_TLS);
	send_one("", OK, "2.0.0 mx1");
	said("1*\n1 TLS\n1:EHLO us.test\n" ONE("1") QUIT("1"));
	/* May: without where there is none, but not after a failure. */
	mx_all(&mx_good);
	reopen(RELAY_TLS_MAY);
	mx_host[1].tls_fails = 1;
	send_one("", LATER, "4.7.5 mx1");
	said(CLEAR("1") "1:STARTTLS\n");
	mx_all(&mx_good);
	mx_host[1].ehlo = "250-mx\r\n250 PIPELINING";
	send_one("", OK, "2.0.0 mx1");
	said(CLEAR("1") ONE("1") QUIT("1"));
}

#define ANNA	"1:AUTH PLAIN AGFubmEAc2VjcmV0\n"

static void
test_login(void **state)
{
	static char host[] = "mx1.test", user[] = "anna";

	conf.host = host;
	conf.user = user;
	answer_hosts = 1;
	reopen(RELAY_TLS_MAY);
	mx_host[1].ehlo_tls = "250-mx\r\n250-PIPELINING\r\n"
	    "250 AUTH LOGIN plain";
	send_one("", OK, "2.0.0 mx1");
	said(SECURE("1") ANNA ONE("1") QUIT("1"));
	/* No password in the clear. */
	mx_all(&mx_good);
	mx_host[1].ehlo = "250-mx\r\n250 AUTH PLAIN LOGIN";
	send_one("", LATER, "4.7.0 mx1.test [127.0.0.1] offers no login that "
	    "is safe without TLS");
	said(CLEAR("1"));
	/* Nor by a mechanism that was offered before TLS alone. */
	mx_all(&mx_good);
	mx_host[1].ehlo = "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS";
	send_one("", LATER, "4.7.0 mx1.test [127.0.0.1] offers no login that "
	    "we know");
	said(SECURE("1"));
	/* A refusal is the operator's matter: the message waits. */
	mx_all(&mx_good);
	mx_host[1].ehlo_tls = "250-mx\r\n250 AUTH PLAIN";
	mx_host[1].auth = "535 5.7.8 wrong";
	send_one("", LATER, "4.7.8 mx1.test [127.0.0.1] refuses our login "
	    "(PLAIN)");
	said(SECURE("1") ANNA);
	mx_all(&mx_good);
	mx_host[1].ehlo_tls = "250-mx\r\n250 AUTH PLAIN";
	mx_host[1].auth = "250 fine";
	send_one("", LATER, "4.7.8 mx1");
	said(SECURE("1") ANNA);
	/* LOGIN: name and password one after the other. */
	mx_all(&mx_good);
	mx_host[1].ehlo_tls = "250-mx\r\n250-PIPELINING\r\n250 AUTH LOGIN";
	mx_host[1].auth = "334 VXNlcm5hbWU6";
	mx_host[1].pass = "334 UGFzc3dvcmQ6";
	send_one("", LATER, "4.7.8 mx1");
	session_expire(1);
	assert_non_null(strstr(mx_said(), "1:AUTH LOGIN\n1:YW5uYQ==\n"
	    "1:c2VjcmV0\n"));
	/* The login is the smarthost's: no MX hears of it. */
	mx_all(&mx_good);
	mx_host[1].ehlo_tls = "250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN";
	send_one("far.test", OK, "2.0.0 mx1");
	said(SECURE("1") ONE("1") QUIT("1"));
}

/* An access token in place of the password. */
static void
test_token(void **state)
{
	static char host[] = "mx1.test", user[] = "anna", mechs[] = "XOAUTH2";
	static char token[1001];
	const char *p, *q;

	conf.host = host;
	conf.user = user;
	conf.auth = mechs;
	answer_hosts = 1;
	reopen(RELAY_TLS_MAY);
#define TOKEN "1:AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHNlY3JldAEB\n"
	mx_host[1].ehlo_tls = "250-mx\r\n250-PIPELINING\r\n"
	    "250 AUTH PLAIN XOAUTH2";
	send_one("", OK, "2.0.0 mx1");
	said(SECURE("1") TOKEN ONE("1") QUIT("1"));
	/* Its error is a challenge; the refusal comes after our answer. */
	mx_all(&mx_good);
	mx_host[1].ehlo_tls = "250-mx\r\n250 AUTH XOAUTH2";
	mx_host[1].auth = "334 eyJzdGF0dXMiOiI0MDAifQ==";
	mx_host[1].pass = "535 5.7.3 expired";
	send_one("", LATER, "4.7.8 mx1.test [127.0.0.1] refuses our login "
	    "(XOAUTH2)");
	session_expire(1);
	assert_non_null(strstr(mx_said(), TOKEN "1:\n"));
	/* Never without TLS, and never as a password. */
	mx_all(&mx_good);
	mx_host[1].ehlo = "250-mx\r\n250 AUTH XOAUTH2 PLAIN";
	send_one("", LATER, "4.7.0 mx1.test [127.0.0.1] offers no login that "
	    "is safe without TLS");
	said(CLEAR("1"));
	mx_all(&mx_good);
	mx_host[1].ehlo_tls = "250-mx\r\n250 AUTH PLAIN LOGIN";
	send_one("", LATER, "4.7.0 mx1.test [127.0.0.1] offers no login that "
	    "we know");
	said(SECURE("1"));
	/* What does not fit the command line comes after it, once. */
	memset(token, 'x', sizeof(token) - 1);
	reopen_with(RELAY_TLS_MAY, token);
	mx_all(&mx_good);
	mx_host[1].ehlo_tls = "250-mx\r\n250 AUTH XOAUTH2";
	mx_host[1].auth = "334 ";
	mx_host[1].pass = "235 welcome";
	send_one("", OK, "2.0.0 mx1");
	session_expire(1);
	p = strstr(mx_said(), "1:AUTH XOAUTH2\n1:dXNlcj1hbm5h");
	assert_non_null(p);
	q = strchr(p + sizeof("1:AUTH XOAUTH2\n"), '\n');
	assert_true(q - p > 1300);
	assert_memory_equal(q, "\n1:MAIL", 7);
}

static void
test_credential(void **state)
{
	static char user[] = "anna";
	static const struct { const char *name; int result; } t[] = {
		{ "anna", OK }, { "bert", LATER }, { "ann", LATER },
	};
	size_t i;

	conf.user = user;
	reopen(RELAY_TLS_MAY);
	answer_hosts = 1;
	for (i = 0; i < 3; i++) {
		mx_all(&mx_good);
		mx_host[1].ehlo_tls = "250-mx\r\n250-PIPELINING\r\n"
		    "250 AUTH PLAIN";
		make_job("far.test", 1);
		assert_int_equal(dest_key_set(&job.key, "far.test", t[i].name,
		    DEST_TLS_ROUTE), 0);
		run_job();
		heard(0, t[i].result, i == 0 ? "2.0.0" : "4.3.5 relay has no "
		    "login of the name");
		drop_job();
		said(i == 0 ? SECURE("1") ANNA ONE("1") QUIT("1") : "");
	}
	/* What fails after the handshake does not go on in the clear. */
	mx_all(&mx_good);
	mx_host[1].ehlo_tls = "250-mx\r\n250 AUTH PLAIN";
	mx_host[1].auth = "535 5.7.8 wrong";
	make_job("far.test", 1);
	assert_int_equal(dest_key_set(&job.key, "far.test", "anna",
	    DEST_TLS_ROUTE), 0);
	run_job();
	heard(0, LATER, "4.7.8 mx1");
	drop_job();
	said(SECURE("1") ANNA);
}

/* What the DNS says, of a domain and of the smarthost. */
static void
test_route(void **state)
{
	static char host[] = "smart.test", literal[] = "[127.0.0.1]";
	static const struct {
		enum n_status status;
		const char *words;
		int	 mx;
		const char *smart;
	} t[] = {
		{ N_TEMP, "4.4.3 x", LATER, "4.4.3 x" },
		{ N_NO_DOMAIN, "5.1.2 x", NEVER, "4.1.2 x" },
		{ N_NULL_MX, "5.1.10 x", NEVER, "4.1.10 x" },
		{ N_NO_ADDRESS, "5.4.4 x", NEVER, "4.4.4 x" },
	};
	size_t i;

	send_one("", LATER, "4.3.5 no smarthost is set");
	conf.host = host;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		answer_status = t[i].status;
		answer_words = t[i].words;
		send_one("far.test", t[i].mx, t[i].words);
		send_one("", LATER, t[i].smart);
	}
	answer_words = NULL;
	said("");
	/* This host itself is nobody's mail host, unless that is wanted. */
	conf.allow_loopback = 0;
	send_one("far.test", NEVER, "5.4.6 the mail hosts of that domain");
	send_one("[127.0.0.1]", NEVER, "5.4.6 [127.0.0.1] is this host");
	send_one("[IPv6:::1]", NEVER, "5.4.6 [ipv6:::1] is this host");
	send_one("[127.0.0.1", NEVER, "5.1.2 [127.0.0.1 is no address");
	send_one("[x]", NEVER, "5.1.2 [x] is no address");
	said("");
	/* A smarthost there is a filter or a tunnel. */
	answer_hosts = 1;
	send_one("", OK, "2.0.0 mx1");
	said(CLEAR("1") ONE("1") QUIT("1"));
	conf.host = literal;
	conf.port = mx_port;
	mx_all(&mx_good);
	send_one("", OK, "2.0.0 127.0.0.1 [127.0.0.1]");
	said(CLEAR("1") ONE("1") QUIT("1"));
	conf.allow_loopback = 1;
	conf.mx_port = mx_port;
	conf.port = 1;
	mx_all(&mx_good);
	send_one("[127.0.0.2]", OK, "2.0.0 127.0.0.2 [127.0.0.2]");
	said(CLEAR("2") ONE("2") QUIT("2"));
}

static int
ending(int hear)
{
	stopping = 1;
	return 1;
}

/* A port of 127.0.0.1 that takes no more connections; fds are to be closed. */
static unsigned
full_port(int *fd, size_t n, size_t *used)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	struct pollfd p = { .events = POLLOUT };
	size_t i;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd[0], (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(fd[0], 0), 0);
	assert_int_equal(getsockname(fd[0], (struct sockaddr *)&sin, &len), 0);
	for (i = 1, p.revents = POLLOUT; p.revents != 0; i++) {
		assert_true(i < n);
		p.fd = fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fd[i], (struct sockaddr *)&sin, len);
		assert_int_not_equal(poll(&p, 1, 200), -1);
	}
	*used = i;
	return ntohs(sin.sin_port);
}

/* What a stop cut is no word about the host. */
static void
test_stop_while_connecting(void **state)
{
	size_t n, i;
	int fd[10];

	answer_port = full_port(fd, 10, &n);
	hurry_begin(NULL, 1);
	hurry_stop_by(ending);
	send_one("far.test", LATER, "4.3.2 mx1.test [127.0.0.1] did not answer "
	    "before relay stopped");
	assert_true(hurry_cut());
	hurry_stop_by(NULL);
	hurry_begin(NULL, 0);
	for (i = 0; i < n; i++)
		close(fd[i]);
}

#define T(f) cmocka_unit_test_setup(f, setup)

/* What relay_host may be, and what is said of what it may not. */
static void
test_host_words(void **state)
{
#define LITERAL(s) "relay_host: \"" s "\" is no address like [192.0.2.1] or " \
	    "[2001:db8::1]"
#define BARE(s)	"relay_host: an address stands in brackets: [" s "]"
#define NAME(s)	"relay_host: \"" s "\" is no name of a host"
	static const struct {
		const char *host, *words;
	} row[] = {
		{ "", "" }, { "smart.test", "" }, { "smart.test.", "" },
		{ "under_score.test", "" }, { "[192.0.2.1]", "" },
		{ "[2001:db8::1]", "" }, { "[IPv6:2001:db8::1]", "" },
		{ "[ipv6:2001:db8::1]", "" },
		{ "[", LITERAL("[") }, { "[]", LITERAL("[]") },
		{ "[192.0.2.1", LITERAL("[192.0.2.1") },
		{ "[192.0.2.1]x", LITERAL("[192.0.2.1]x") },
		{ "[IPv6:192.0.2.1]", LITERAL("[IPv6:192.0.2.1]") },
		{ "[IPv6:]", LITERAL("[IPv6:]") },
		{ "192.0.2.1", BARE("192.0.2.1") },
		{ "2001:db8::1", BARE("2001:db8::1") },
		{ "a b", NAME("a b") }, { "-x", NAME("-x") },
	};
	struct buf why = BUF_INIT(300);
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		buf_reset(&why);
		assert_int_equal(check_relay_host(row[i].host, &why),
		    row[i].words[0] != '\0' ? -1 : 0);
		assert_string_equal(buf_str(&why), row[i].words);
	}
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_words),
		T(test_next_host), T(test_next_host_gets_the_rest),
		T(test_lost_after_the_dot), T(test_attempts),
		T(test_job_time),
		T(test_kept_connection), T(test_opportunistic),
		T(test_features_of_tls), T(test_required_tls),
		T(test_smarthost_tls), T(test_login), T(test_token), T(test_credential),
		T(test_route), T(test_stop_while_connecting),
	};
	struct buf why = BUF_INIT(300);
	int r;

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(auth_open(&why), 0);
	mx_begin();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	session_expire(1);
	mx_end();
	while (n_made > 0)
		SSL_CTX_free(made[--n_made]);
	return r;
}
