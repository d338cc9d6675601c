#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ctl/dns_ask.h"
#include "ctl/dns_check.h"
#include "ctl/find_child.h"
#include "ctl/find_pack.h"
#include "ctl/scout.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/words.h"
#include "lib/net/tls.h"

enum { STATUS_GOOD = 0, STATUS_USAGE = 100, STATUS_LATER = 111 };

static struct find_question question;
static struct find_domain domain;

static void
tell(const struct find_domain *d)
{
	struct buf answer = BUF_INIT(FIND_ANSWER_MAX);

	find_pack_domain(&answer, d);
	if (find_child_answer(&answer) == -1)
		_exit(STATUS_LATER);
	buf_clear(&answer);
}

static void
tell_host(void)
{
	struct buf answer = BUF_INIT(FIND_ANSWER_MAX);
	enum find_known known = FIND_NO;
	struct host_addresses l;
	enum dns_status st;

	st = dns_check_addresses(question.name, &l);
	if (st == DNS_OK)
		known = FIND_YES;
	else if (st == DNS_TEMP)
		known = FIND_UNKNOWN;
	find_pack_host(&answer, known, &l);
	if (find_child_answer(&answer) == -1)
		_exit(STATUS_LATER);
	buf_clear(&answer);
}

/* All that is read of the disk; then root is given up. */
static int
open_all(void)
{
	const struct find_ask *a = &question.ask;
	struct buf why = BUF_INIT(600);
	SSL_CTX *ctx;
	int r;

	if (question.what == FIND_WHAT_DOMAIN) {
		tls_init();
		ctx = tls_client_new(a->ca_file, TLS_VERIFIED, &why);
		if (ctx == NULL || scout_web_open(ctx) == -1)
			log_warn(_("autoconfig is not asked: %s"),
			    buf_str(&why));
	}
	r = dns_ask_start(a->resolver != NULL ? a->resolver : "",
	    a->trust_anchor != NULL ? a->trust_anchor : "", 1, &why);
	if (r == -1)
		log_warn("%s", buf_str(&why));
	buf_clear(&why);
	return r;
}

int
main(int argc, char **argv)
{
	struct buf b = BUF_INIT(FIND_QUESTION_MAX);

	(void)fd_standard();
	log_init("scout", 1);
	words_init(LOCALEDIR);
	signal(SIGPIPE, SIG_IGN);
	if (argc != 1 || isatty(STDIN_FILENO)) {
		log_warn(_("%s is started by rohrpost alone"), argv[0]);
		return STATUS_USAGE;
	}
	if (find_child_question(&b) == -1 || find_unpack_question(buf_str(&b),
	    b.len, &question) == -1) {
		log_warn("%s", _("the question cannot be read"));
		return STATUS_USAGE;
	}
	buf_clear(&b);
	if (open_all() == -1)
		return STATUS_LATER;
	if (question.what == FIND_WHAT_HOST)
		tell_host();
	else
		scout_domain(&question.ask, question.name, &domain, tell);
	dns_ask_close();
	return STATUS_GOOD;
}
