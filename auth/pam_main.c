/*
 * pam: the working shape. Its table of keys, its hooks, one call into the
 * skeleton. It answers auth, a question at a time.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/pam_ask.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/result.h"
#include "lib/server/server.h"

enum { ANSWER_WAIT = 10000 };	/* ms until auth takes the answer */

struct pam_conf {
	const char *state_dir;
	char	*group, *domain, *service;
	uint64_t workers;
	int	 verbose;
};

static struct pam_conf conf;

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct pam_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct pam_conf, verbose),
	SETTINGS_KEY_PAM_WORKERS(struct pam_conf, workers),
	SETTINGS_KEY_PAM_GROUP(struct pam_conf, group),
	SETTINGS_KEY_PAM_DOMAIN(struct pam_conf, domain),
	{ "pam_service", SETTINGS_TEXT, offsetof(struct pam_conf, service),
	  "rohrpost", 1, 900, NULL,
	  N_("name of PAM's file for Rohrpost in /etc/pam.d, or its path") },
	SETTINGS_END
};

static int
check(struct buf *why)
{
	return conf.workers == 0 ? 0 : pam_ask_check(conf.service, why);
}

static int
before_jail(void)
{
	struct buf why = BUF_INIT(1000);

	if (geteuid() != 0)
		log_usage("auth_pam_workers: only root can ask PAM for the "
		    "passwords of others");
	if (pam_ask_init(conf.service, conf.group, &why) == 0)
		return 0;
	log_warn("%s", buf_str(&why));
	buf_clear(&why);
	return -1;
}

static int
answer(struct chan *c, const struct msg *m)
{
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);
	char *user = msg_get_dup(m, PF_USER);
	char *password = msg_get_dup(m, PF_PASSWORD);
	char *remote = msg_get_dup(m, PF_REMOTE);
	const struct pam_question q = { .user = user, .password = password,
		.remote = remote };
	enum p_result r = pam_ask(&q, &words);

	msg_begin(c, &proto_pam, P_ANSWER, m->id);
	msg_u32(c, PF_RESULT, r);
	msg_words(c, PF_WORDS, buf_str(&words), RESULT_WORDS_MAX);
	mem_wipe(password, strlen(password));
	free(password);
	free(remote);
	free(user);
	buf_clear(&words);
	return msg_end(c) == 0 && chan_send(c, ANSWER_WAIT) == 0 ? 0 : -1;
}

/* What is asked while a question is open waits in the socket. */
static int
from_auth(struct chan *c)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r;

	while ((r = msg_next(&m, &proto_pam, PEER_AUTH, c, &why)) == 1) {
		r = m.type == P_ASK ? answer(c, &m) : -1;
		mem_wipe(c->in.data + (m.frame.data - c->in.data),
		    m.frame.len);
		msg_done(&m);
		if (r == -1)
			break;
	}
	if (r == -1)
		log_warn("auth: %s", why.len > 0 ? buf_str(&why) :
		    "it does not take the answer");
	buf_clear(&why);
	return r;
}

static void
input(enum peer p, struct chan *c)
{
	if (p != PEER_AUTH || c == NULL)
		return;
	if (chan_read(c) != 1 || from_auth(c) == -1)
		server_peer_lost(PEER_AUTH);
}

int
main(int argc, char **argv)
{
	static const struct server s = {
		.kind = PEER_PAM,
		.keys = keys,
		.conf = &conf,
		.state_dir = &conf.state_dir,
		.verbose = &conf.verbose,
		.check = check,
		.before_jail = before_jail,
		.input = input,
	};

	return server_work_main(argc, argv, &s);
}
