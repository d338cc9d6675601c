#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/admin.h"
#include "ctl/admin_request.h"
#include "ctl/commands.h"
#include "ctl/ctl_admin.h"
#include "ctl/ctl_command.h"
#include "lib/base/chan.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/proto.h"

enum {
	RUN_MS = 120 * 1000,	/* a person types a password twice */
	SAY_MS = 30 * 1000,	/* until the client takes a piece */
};

/* 0, or -1: nobody takes it any more. */
static int
send_text(struct chan *ch, uint32_t stream, const char *p, size_t len)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = len < ADMIN_TEXT_MAX ? len : ADMIN_TEXT_MAX;
		msg_begin(ch, &proto_admin, AD_SAID, 0);
		msg_u32(ch, ADF_STREAM, stream);
		msg_bytes(ch, ADF_TEXT, p, n);
		if (msg_end(ch) == -1 || chan_send(ch, SAY_MS) == -1)
			return -1;
	}
	return 0;
}

static void
send_end(struct chan *ch, int status, int foreign)
{
	msg_begin(ch, &proto_admin, AD_END, 0);
	msg_u32(ch, ADF_STATUS, (uint32_t)status);
	if (foreign)
		msg_u32(ch, ADF_FOREIGN, 1);
	if (msg_end(ch) == -1 || chan_send(ch, SAY_MS) == -1)
		log_debug("the client is gone");
}

/* The domains that the table gives him. 0; -1: it cannot be read now. */
static int
admit(struct ctl_admin *a, const char *dir, size_t *n_r)
{
	struct buf why = BUF_INIT(0);
	struct text t;
	int r = -1, at;

	*n_r = 0;
	text_init(&t, ctl_tables[TEXT_DOMAINS]);
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at == -1)
		buf_set(&why, "%s: %s", dir, strerror(errno));
	else
		r = text_load(&t, at, dir, &why);
	if (r == 0)
		*n_r = admin_admit(a, &t);
	else
		log_warn("%s", buf_str(&why));
	fd_close(&at);
	text_clear(&t);
	buf_clear(&why);
	return r;
}

/*
 * The command, with its standard streams in memory: descriptors 1 and 2 stay
 * what they are. The exit status.
 */
static int
run(struct ctl_admin *a, const char *dir, struct admin_request *q,
    char *text[2], size_t len[2])
{
	struct ctl c = { .commands = ctl_commands, .dir = dir, .admin = a };
	FILE *in, *out, *err;
	int status;

	in = q->input[0] != '\0' ? fmemopen(q->input, strlen(q->input), "r") :
	    fopen("/dev/null", "r");
	out = open_memstream(&text[0], &len[0]);
	err = open_memstream(&text[1], &len[1]);
	if (in == NULL || out == NULL || err == NULL)
		log_fatal("no memory");
	stdin = in;
	stdout = out;
	stderr = err;
	words_as(LOCALEDIR, q->language);
	status = ctl_run(&c, q->argc, q->argv);
	fclose(in);
	if (fclose(out) == EOF || fclose(err) == EOF)
		log_fatal("no memory");
	return status;
}

static void
perform(struct ctl_admin *a, const char *dir, struct admin_request *q,
    struct chan *ch)
{
	char *text[2] = { NULL, NULL };
	size_t len[2] = { 0, 0 };
	int status = run(a, dir, q, text, len);

	log_info("%s (uid %lu): %s%s%s: status %d", buf_str(&a->name),
	    (unsigned long)a->uid, q->argv[0], q->argc > 1 ? " " : "",
	    q->argc > 1 ? q->argv[1] : "", status);
	if (send_text(ch, 2, text[1], len[1]) == 0 &&
	    send_text(ch, 1, text[0], len[0]) == 0)
		send_end(ch, status, 0);
	if (text[0] != NULL)
		mem_wipe(text[0], len[0]);	/* of app add: a password */
	free(text[0]);
	free(text[1]);
}

/* The one message of who is admitted. */
static void
converse(struct ctl_admin *a, const char *dir, struct chan *ch)
{
	struct admin_request q = { .argv = NULL };
	struct buf why = BUF_INIT(300);
	struct msg m;
	size_t n;

	msg_begin(ch, &proto_admin, AD_HELLO, 0);
	if (msg_end(ch) == -1 || chan_send(ch, SAY_MS) == -1 ||
	    msg_recv(&m, &proto_admin, PEER_CTL, ch, RUN_MS, &why) != 1) {
		log_info("%s: no command came%s%s", buf_str(&a->name),
		    why.len > 0 ? ": " : "", buf_str(&why));
		buf_clear(&why);
		return;
	}
	if (admin_request(&m, &q) == -1)
		log_info("%s: a malformed command", buf_str(&a->name));
	/* He may have lost it while he typed. */
	else if (admit(a, dir, &n) == -1 || n == 0)
		send_end(ch, CTL_LATER, 0);
	else
		perform(a, dir, &q, ch);
	mem_wipe(ch->in.data, ch->in.len);
	msg_done(&m);
	admin_request_clear(&q);
	buf_clear(&why);
}

void
admin_serve(int fd, const char *dir, int crowded)
{
	struct ctl_admin a;
	struct chan ch;
	size_t n = 0;

	umask(022);	/* of the tables, as the operator's command has it */
	chan_init(&ch, fd);
	if (admin_who(fd, &a) == -1) {
		log_warn("who is there: %s", strerror(errno));
		send_end(&ch, CTL_LATER, 0);
	} else if (crowded || admit(&a, dir, &n) == -1) {
		send_end(&ch, CTL_LATER, 0);
	} else if (n == 0) {
		log_info("uid %lu administers no domain",
		    (unsigned long)a.uid);
		send_end(&ch, CTL_REFUSED, 1);
	} else {
		converse(&a, dir, &ch);
	}
	admin_clear(&a);
	chan_clear(&ch);
}
