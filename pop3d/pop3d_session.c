#include <errno.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/mail/pop3_capability.h"
#include "pop3d/pop3d_send.h"
#include "pop3d/pop3d_session.h"

/* The numbers of a command, as many as it was given. */
struct pop3d_args {
	unsigned n;
	uint64_t v[2];
};

struct pop3d_command {
	const char *name;
	void	(*run)(struct pop3d_session *s, const struct pop3d_args *a);
	unsigned min, max;	/* arguments */
};

static void
err(struct pop3d_session *s, const char *words)
{
	pop3d_io_printf(s->io, "-ERR %s\r\n", words);
}

/* The message of the first argument; NULL after saying no. */
static struct pop3d_message *
message_of(struct pop3d_session *s, const struct pop3d_args *a)
{
	struct pop3d_message *m = pop3d_box_message(s->box, a->v[0]);

	if (m == NULL)
		err(s, "no such message");
	return m;
}

static void
run_stat(struct pop3d_session *s, const struct pop3d_args *a)
{
	pop3d_io_printf(s->io, "+OK %u %llu\r\n", s->box->n_left,
	    (unsigned long long)s->box->size_left);
}

static void
run_list(struct pop3d_session *s, const struct pop3d_args *a)
{
	const struct pop3d_message *m;
	uint32_t i;

	if (a->n == 1) {
		if ((m = message_of(s, a)) != NULL)
			pop3d_io_printf(s->io, "+OK %llu %llu\r\n",
			    (unsigned long long)a->v[0],
			    (unsigned long long)m->size);
		return;
	}
	pop3d_io_printf(s->io, "+OK %u messages (%llu octets)\r\n",
	    s->box->n_left, (unsigned long long)s->box->size_left);
	for (i = 1; i <= s->box->n; i++)
		if ((m = pop3d_box_message(s->box, i)) != NULL)
			pop3d_io_printf(s->io, "%u %llu\r\n", i,
			    (unsigned long long)m->size);
	pop3d_io_puts(s->io, ".\r\n");
}

/*
 * RFC 1939 7, UIDL: 1 to 70 characters, never used again for another message:
 * UIDVALIDITY and UID are just that.
 */
static void
run_uidl(struct pop3d_session *s, const struct pop3d_args *a)
{
	const struct pop3d_message *m;
	uint32_t i;

	if (a->n == 1) {
		if ((m = message_of(s, a)) != NULL)
			pop3d_io_printf(s->io, "+OK %llu %u.%u\r\n",
			    (unsigned long long)a->v[0],
			    s->box->uidvalidity, m->uid);
		return;
	}
	pop3d_io_puts(s->io, "+OK\r\n");
	for (i = 1; i <= s->box->n; i++)
		if ((m = pop3d_box_message(s->box, i)) != NULL)
			pop3d_io_printf(s->io, "%u %u.%u\r\n", i,
			    s->box->uidvalidity, m->uid);
	pop3d_io_puts(s->io, ".\r\n");
}

/* Once "+OK" is out there is no way to say no: the connection must end. */
static void
send_message(struct pop3d_session *s, struct pop3d_message *m,
    uint64_t lines)
{
	uint32_t i = (uint32_t)(m - s->box->message);
	int fd;

	if (pop3d_box_fd(s->box, i, &fd) == -1) {
		err(s, s->box->words);
		return;
	}
	pop3d_io_printf(s->io, "+OK %llu octets\r\n",
	    (unsigned long long)m->size);
	if (pop3d_send(s->io, fd, m->size - (m->cut ? 2 : 0), m->header_len,
	    lines) == -1) {
		log_warn("message %u of INBOX: %s", m->uid, errno != 0 ?
		    strerror(errno) : "shorter than its record says");
		s->done = 1;
	}
	fd_close(&fd);
}

static void
run_retr(struct pop3d_session *s, const struct pop3d_args *a)
{
	struct pop3d_message *m = message_of(s, a);

	if (m != NULL)
		send_message(s, m, UINT64_MAX);
}

static void
run_top(struct pop3d_session *s, const struct pop3d_args *a)
{
	struct pop3d_message *m = message_of(s, a);

	if (m != NULL)
		send_message(s, m, a->v[1]);
}

static void
run_dele(struct pop3d_session *s, const struct pop3d_args *a)
{
	struct pop3d_message *m = message_of(s, a);

	if (m == NULL)
		return;
	pop3d_box_delete(s->box, m);
	pop3d_io_puts(s->io, "+OK\r\n");
}

static void
run_noop(struct pop3d_session *s, const struct pop3d_args *a)
{
	pop3d_io_puts(s->io, "+OK\r\n");
}

static void
run_rset(struct pop3d_session *s, const struct pop3d_args *a)
{
	pop3d_box_reset(s->box);
	pop3d_io_puts(s->io, "+OK\r\n");
}

static void
run_capa(struct pop3d_session *s, const struct pop3d_args *a)
{
	pop3d_io_puts(s->io, "+OK\r\n" POP3_CAPABILITY ".\r\n");
}

/* The lock is free before the client reads the answer and comes again. */
static void
run_quit(struct pop3d_session *s, const struct pop3d_args *a)
{
	int r = pop3d_box_commit(s->box);

	pop3d_box_close(s->box);
	if (r == 0)
		pop3d_io_puts(s->io, "+OK until next time\r\n");
	else
		err(s, s->box->words);
	s->done = 1;
}

static const struct pop3d_command commands[] = {
	{ "CAPA", run_capa, 0, 0 },
	{ "DELE", run_dele, 1, 1 },
	{ "LIST", run_list, 0, 1 },
	{ "NOOP", run_noop, 0, 0 },
	{ "QUIT", run_quit, 0, 0 },
	{ "RETR", run_retr, 1, 1 },
	{ "RSET", run_rset, 0, 0 },
	{ "STAT", run_stat, 0, 0 },
	{ "TOP", run_top, 2, 2 },
	{ "UIDL", run_uidl, 0, 1 },
};

/* Numbers after single blanks. 0, or -1. */
static int
parse_args(const char *p, const char *end, struct pop3d_args *a)
{
	const char *next;

	a->n = 0;
	while (p < end) {
		if (*p++ != ' ' || a->n == 2)
			return -1;
		next = memchr(p, ' ', (size_t)(end - p));
		if (next == NULL)
			next = end;
		if (str_number(p, (size_t)(next - p), UINT64_MAX - 1,
		    &a->v[a->n]) == -1)
			return -1;
		a->n++;
		p = next;
	}
	return 0;
}

static void
bad(struct pop3d_session *s, const char *words)
{
	err(s, words);
	if (++s->errors < POP3D_ERRORS_MAX)
		return;
	err(s, "too many errors");
	s->done = 1;
}

void
pop3d_session_line(struct pop3d_session *s, const char *line, size_t len)
{
	const char *end = line + len, *space = memchr(line, ' ', len);
	const struct pop3d_command *c;
	struct pop3d_args a;
	size_t i, n;

	/* "STAT " is an old habit of some clients. */
	while (end > line && end[-1] == ' ')
		end--;
	if (space == NULL || space > end)
		space = end;
	n = (size_t)(space - line);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		c = &commands[i];
		if (!str_is(line, n, c->name))
			continue;
		if (parse_args(space, end, &a) == -1 || a.n < c->min ||
		    a.n > c->max)
			bad(s, "the arguments are wrong");
		else
			c->run(s, &a);
		return;
	}
	bad(s, "unknown command");
}

static void
session_loop(struct pop3d_session *s)
{
	size_t len;
	char *line;
	int r;

	while (!s->done && (r = pop3d_io_line(s->io, &line, &len)) != 0) {
		if (r == 1)
			pop3d_session_line(s, line, len);
		else
			bad(s, "that line is too long");
	}
}

void
pop3d_session_run(struct pop3d_io *io, int (*reopen)(void), const char *user,
    const char *remote)
{
	static struct pop3d_box box;
	struct pop3d_session s = { .io = io, .box = &box };

	if (pop3d_box_open(&box, reopen) == -1) {
		err(&s, box.words);
		log_info("%s from %s: pop3: %s", user, remote, box.words);
	} else {
		pop3d_io_printf(io, "+OK %u messages (%llu octets)\r\n",
		    box.n, (unsigned long long)box.size_left);
		session_loop(&s);
	}
	(void)pop3d_io_flush(io);
	pop3d_box_clear(&box);
}
