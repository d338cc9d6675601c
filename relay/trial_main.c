#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/net/tls.h"
#include "lib/server/privdrop_program.h"
#include "relay/relay_auth.h"
#include "relay/trial.h"

enum { STATUS_GOOD = 0, STATUS_USAGE = 100, STATUS_LATER = 111 };

static struct trial_question question;

static int
read_question(void)
{
	struct buf b = BUF_INIT(TRIAL_QUESTION_MAX);
	int r = fd_read_rest(STDIN_FILENO, &b) == -1 ||
	    trial_unpack(buf_str(&b), b.len, &question) == -1 ? -1 : 0;

	buf_wipe(&b);
	buf_clear(&b);
	return r;
}

static int
answer(enum trial_result r, const char *words)
{
	struct buf b = BUF_INIT(TRIAL_ANSWER_MAX), head = BUF_INIT(0);
	int e;

	trial_pack_answer(&b, r, words);
	buf_put_u32(&head, (uint32_t)b.len);
	e = fd_write_all(STDOUT_FILENO, buf_str(&head), head.len) == -1 ||
	    fd_write_all(STDOUT_FILENO, buf_str(&b), b.len) == -1;
	buf_clear(&b);
	buf_clear(&head);
	return e ? STATUS_LATER : STATUS_GOOD;
}

int
main(int argc, char **argv)
{
	struct buf words = BUF_INIT(600);
	enum trial_result r;
	SSL_CTX *ctx;
	int status = STATUS_LATER;

	(void)fd_standard();
	log_init("trial", 1);
	words_init(LOCALEDIR);
	signal(SIGPIPE, SIG_IGN);
	if (argc != 1 || isatty(STDIN_FILENO)) {
		log_warn("%s is started by rohrpost alone", argv[0]);
		return STATUS_USAGE;
	}
	if (read_question() == -1) {
		log_warn("the question cannot be read");
		return STATUS_USAGE;
	}
	tls_init();
	ctx = tls_client_new(question.ca_file[0] != '\0' ?
	    question.ca_file : NULL, TLS_VERIFIED, &words);
	if (ctx != NULL && auth_open(&words) == 0 &&
	    privdrop_program(PROGRAM_RELAY, 1, &words) == 0) {
		r = trial_run(&question, ctx, &words);
		status = answer(r, buf_str(&words));
	} else
		log_warn("%s", buf_str(&words));
	mem_wipe(&question, sizeof(question));
	buf_clear(&words);
	tls_free(&ctx);
	return status;
}
