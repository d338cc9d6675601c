/*
 * queue ...: asks the queue over its control socket.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_left.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"
#include "lib/mail/queue_id.h"

enum {
	ANSWER_MS = 10 * 1000,
	ALL_MS = 60 * 1000,	/* says nothing before all is done */
};

static int
valid_id(const char *id)
{
	return queue_id_parse(id, strlen(id), NULL) == 0;
}

static int
bad_id(const char *id)
{
	return ctl_fail(CTL_REFUSED, _("%s: not a queue id (%d hexadecimal "
	    "digits)"), id, QUEUE_ID_LEN);
}

int
cmd_queue_list(struct ctl *c)
{
	size_t rows;

	return ctl_load(c) == -1 ? CTL_REFUSED :
	    left_list(c, ANSWER_MS, &rows);
}

/* The body's octets as they are. 0, or -1 with errno. */
static int
print_body(int fd)
{
	char chunk[65536];
	off_t off = 0;
	ssize_t n;

	for (;;) {
		n = pread(fd, chunk, sizeof(chunk), off);
		if (n <= 0)
			return (int)n;
		if (fd_write_all(STDOUT_FILENO, chunk, (size_t)n) == -1)
			return -1;
		off += n;
	}
}

int
cmd_queue_show(struct ctl *c)
{
	int body = -1, r;
	struct record record;
	struct ctl_control q = { .who = PEER_QUEUE, .type = C_SHOW,
		.id = c->args[0], .timeout_ms = ANSWER_MS, .body_r = &body,
		.quiet = 1, .record = &record };

	if (!valid_id(c->args[0]))
		return bad_id(c->args[0]);
	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	record_init(&record, stdout, c->json);
	r = control_call(c, &q);
	if (record_end(&record) == -1 && r == CTL_DONE)
		r = CTL_REFUSED;
	if (r == CTL_DONE && c->opt[0] != NULL && !c->json) {
		fputc('\n', stdout);
		fflush(stdout);
		if (body == -1)
			r = ctl_fail(CTL_REFUSED, _("%s: the body could not be "
			    "opened"), c->args[0]);
		else if (print_body(body) == -1)
			/* Whoever closed the pipe has seen enough. */
			r = errno == EPIPE ? CTL_REFUSED : ctl_fail(
			    CTL_REFUSED, _("%s: the body: %s"), c->args[0],
			    strerror(errno));
	}
	fd_close(&body);
	return r;
}

/* One request per id, or one for all. The worst exit status. */
static int
each(struct ctl *c, enum c_type type)
{
	struct ctl_control q = { .who = PEER_QUEUE, .type = type };
	int i, r, worst = CTL_DONE;

	for (i = 0; i < c->n_args; i++) {
		if (strcmp(c->args[i], "all") != 0 && !valid_id(c->args[i]))
			return bad_id(c->args[i]);
	}
	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	for (i = 0; i < c->n_args; i++) {
		q.id = strcmp(c->args[i], "all") == 0 ? NULL : c->args[i];
		q.timeout_ms = q.id == NULL ? ALL_MS : ANSWER_MS;
		r = control_call(c, &q);
		if (r > worst)
			worst = r;
		/* It would be as silent about the others. */
		if (r == CTL_LATER)
			break;
	}
	return worst;
}

int
cmd_queue_retry(struct ctl *c)
{
	return each(c, C_RETRY);
}

int
cmd_queue_hold(struct ctl *c)
{
	return each(c, C_HOLD);
}

int
cmd_queue_release(struct ctl *c)
{
	return each(c, C_RELEASE);
}

/* The queue deletes by id alone: a slip must not empty it. We list them. */
static int
delete_all(struct ctl *c)
{
	struct buf ids = BUF_INIT(0);
	struct ctl_control list = { .who = PEER_QUEUE, .type = C_LIST,
		.timeout_ms = ANSWER_MS, .first = &ids, .quiet = 1 };
	struct ctl_control del = { .who = PEER_QUEUE, .type = C_DELETE,
		.timeout_ms = ANSWER_MS };
	char id[QUEUE_ID_LEN + 1], last[QUEUE_ID_LEN + 1] = "";
	struct cursor cur;
	const char *p;
	size_t n;
	int r;

	r = control_call(c, &list);
	cursor_init(&cur, ids.data, ids.len);
	while (r == CTL_DONE && cursor_left(&cur) > 0) {
		p = cursor_lv(&cur, &n, QUEUE_ID_LEN);
		if (p == NULL)
			break;
		snprintf(id, sizeof(id), "%.*s", (int)n, p);
		/* A row stands for each recipient. */
		if (strcmp(id, last) == 0 || !valid_id(id))
			continue;
		strcpy(last, id);
		del.id = id;
		/* One that was delivered meanwhile is as gone as the others. */
		if (control_call(c, &del) == CTL_LATER)
			r = CTL_LATER;
	}
	buf_clear(&ids);
	return r;
}

int
cmd_queue_delete(struct ctl *c)
{
	if (c->n_args != 1 || strcmp(c->args[0], "all") != 0)
		return each(c, C_DELETE);
	return ctl_load(c) == -1 ? CTL_REFUSED : delete_all(c);
}
