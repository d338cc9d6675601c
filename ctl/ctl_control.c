#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_control.h"
#include "ctl/ctl_reply.h"
#include "ctl/ctl_util.h"
#include "lib/base/chan.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"

enum { MASTER_MS = 5 * 1000 };

/*
 * A path too long for a socket address is reached through its directory:
 * /proc/self/fd/N/NAME is short.
 */
static int
unix_connect(const char *dir, const char *name)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, dirfd, e, r = -1;

	dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd == -1)
		return -1;
	snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d/%s",
	    dirfd, name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1)
		r = connect(fd, (struct sockaddr *)&un, sizeof(un));
	e = errno;
	close(dirfd);
	if (r == -1)
		fd_close(&fd);
	errno = e;
	return fd;
}

int
control_socket(const char *state_dir, const char *name)
{
	struct buf dir = BUF_INIT(0);
	int fd, e;

	buf_printf(&dir, "%s/run", state_dir);
	fd = unix_connect(buf_str(&dir), name);
	e = errno;
	buf_clear(&dir);
	errno = e;
	return fd;
}

int
control_connect(const char *state_dir, enum peer who)
{
	char name[40];

	snprintf(name, sizeof(name), "%s.ctl", peer_name(who));
	return control_socket(state_dir, name);
}

static int
send_request(struct chan *ch, const struct ctl_control *q)
{
	msg_begin(ch, &proto_ctl, q->type, 1);
	if (q->id != NULL)
		msg_text(ch, CF_ID, q->id);
	if (q->user != NULL)
		msg_text(ch, CF_USER, q->user);
	if (q->words != NULL)
		msg_text(ch, CF_WORDS, q->words);
	if (q->give != NULL)
		msg_fd(ch, *q->give);
	if (msg_end(ch) == -1)
		return -1;
	return chan_send(ch, q->timeout_ms);
}

static void
take_names(struct out *o, struct msg *m)
{
	struct cursor cur;
	const char *p;
	size_t n;

	p = msg_get(m, CF_NAMES, &n);
	cursor_init(&cur, p, n);
	while (cursor_left(&cur) > 0) {
		p = cursor_lv(&cur, &n, 100);
		if (p == NULL)
			return;
		out_name(o, p, n);
	}
}

static const char *
take_value(struct cursor *cur, enum c_value *type_r, size_t *len_r)
{
	uint8_t type = cursor_u8(cur);
	const char *p = cursor_lv(cur, len_r, CTL_ROW_MAX);

	*type_r = type <= C_TEXTS ? (enum c_value)type : C_TEXT;
	return p;
}

static void
take_values(struct out *o, struct msg *m)
{
	enum c_value type;
	struct cursor cur;
	const char *p;
	size_t n, i;

	if (msg_has(m, CF_NAMES) && o->n_names == 0)
		take_names(o, m);
	p = msg_get(m, CF_VALUES, &n);
	cursor_init(&cur, p, n);
	for (i = 0; i < o->n_names; i++) {
		p = take_value(&cur, &type, &n);
		if (p == NULL)
			out_null(o);
		else
			out_value(o, type, p, n);
	}
}

static void
take_field(struct record *r, struct msg *m)
{
	enum c_value type;
	struct cursor cur;
	const char *name, *p;
	size_t name_len, n;

	p = msg_get(m, CF_VALUES, &n);
	cursor_init(&cur, p, n);
	name = take_value(&cur, &type, &name_len);
	p = take_value(&cur, &type, &n);
	if (name != NULL && p != NULL)
		record_field(r, name, name_len, type, p, n);
}

static void
keep_row(struct buf *to, struct msg *m)
{
	const char *p;
	size_t n;

	if (to->len == 0 && (p = msg_get(m, CF_NAMES, &n)) != NULL)
		buf_put_lv(to, p, n);
	p = msg_get(m, CF_VALUES, &n);
	buf_put_lv(to, p, n);
}

static void
take_row(struct ctl_control *q, struct msg *m)
{
	struct cursor cur;
	const char *p;
	size_t n;

	if (q->body_r != NULL && *q->body_r == -1)
		*q->body_r = msg_get_fd(m, 0);
	p = msg_get(m, CF_VALUES, &n);
	if (q->first != NULL && p != NULL) {
		cursor_init(&cur, p, n);
		(void)cursor_u8(&cur);
		p = cursor_lv(&cur, &n, CTL_ROW_MAX);
		if (p != NULL)
			buf_put_lv(q->first, p, n);
	}
	if (!msg_has(m, CF_VALUES))
		return;
	if (q->whole != NULL)
		keep_row(q->whole, m);
	q->rows++;
	if (q->record != NULL)
		take_field(q->record, m);
	else if (q->out != NULL)
		take_values(q->out, m);
}

static void
take_progress(const struct ctl_control *q, struct msg *m)
{
	char *words = msg_get_dup(m, CF_WORDS);

	if (q->progress && isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r%-40.40s %" PRIu64, words,
		    msg_get_u64(m, CF_DONE));
		fputs("\033[K", stderr);
	}
	free(words);
}

static int
take_end(const struct ctl_control *q, struct msg *m)
{
	static const int status[] = {
		[C_OK] = CTL_DONE, [C_REFUSED] = CTL_REFUSED,
		[C_BUSY] = CTL_LATER,
	};
	uint32_t s = msg_get_u32(m, CF_STATUS);
	struct buf words = BUF_INIT(0);
	char *said = msg_get_dup(m, CF_WORDS);
	int r = s < sizeof(status) / sizeof(status[0]) ? status[s] :
	    CTL_REFUSED;

	if (q->progress && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	reply_words(said[0] != '\0' || r == CTL_DONE ? said : _("refused"),
	    &words);
	if (r == CTL_REFUSED && q->refused != NULL)
		buf_set(q->refused, "%s", buf_str(&words));
	else if (r != CTL_DONE)
		ctl_fail(r, "%s", buf_str(&words));
	else if (words.len > 0 && !q->quiet)
		fprintf(q->out != NULL && q->out->json ? stderr : stdout,
		    "%s\n", buf_str(&words));
	buf_clear(&words);
	free(said);
	return r;
}

/* Whether this row of master's status says that the program is down. */
static int
row_says_down(struct msg *m, enum peer who)
{
	static const char down[] = "down";
	enum { PROGRAM, STATE = 4 };	/* columns (master/master_control.c) */
	struct cursor cur;
	const char *p;
	size_t n, i;

	p = msg_get(m, CF_VALUES, &n);
	cursor_init(&cur, p, n);
	for (i = 0; i <= STATE; i++) {
		(void)cursor_u8(&cur);
		p = cursor_lv(&cur, &n, CTL_ROW_MAX);
		if (i == PROGRAM && (p == NULL ||
		    n != strlen(peer_name(who)) ||
		    memcmp(p, peer_name(who), n) != 0))
			return 0;
	}
	return p != NULL && n == sizeof(down) - 1 && memcmp(p, down, n) == 0;
}

/*
 * The sockets are master's, so a program that waits for its restart is
 * connected to and keeps silent: master knows.
 */
static int
is_down(const char *state_dir, enum peer who)
{
	struct ctl_control q = { .who = PEER_MASTER, .type = C_STATUS,
		.timeout_ms = MASTER_MS };
	struct buf why = BUF_INIT(0);
	struct chan ch;
	struct msg m;
	int fd, more, down = 0;

	fd = who == PEER_MASTER ? -1 : control_connect(state_dir, q.who);
	if (fd == -1)
		return 0;
	chan_init(&ch, fd);
	more = send_request(&ch, &q) == 0;
	while (more && msg_recv(&m, &proto_ctl, q.who, &ch, q.timeout_ms,
	    &why) == 1) {
		more = m.type != C_END;
		if (m.type == C_ROW)
			down |= row_says_down(&m, who);
		msg_done(&m);
	}
	chan_clear(&ch);
	buf_clear(&why);
	return down;
}

static void
no_answer(const struct ctl *c, const struct ctl_control *q, int r, int e,
    const struct buf *why)
{
	const char *name = peer_name(q->who);

	if (r == 0)
		ctl_fail(0, _("%s: closed the connection"), name);
	else if (e != ETIMEDOUT)
		ctl_fail(0, "%s: %s", name, why->len > 0 ? buf_str(why) :
		    strerror(e));
	else if (is_down(c->state_dir, q->who))
		ctl_fail(0, _("%s is down; \"rohrpost status\" and the log "
		    "tell more"), name);
	else
		ctl_fail(0, _("%s does not answer"), name);
}

/* Reads answers until the end. */
static int
receive(const struct ctl *c, struct ctl_control *q, struct chan *ch)
{
	struct buf why = BUF_INIT(0);
	struct msg m;
	int r, status = CTL_LATER;

	for (;;) {
		r = msg_recv(&m, &proto_ctl, q->who, ch, q->timeout_ms, &why);
		if (r != 1) {
			no_answer(c, q, r, errno, &why);
			break;
		}
		if (m.type == C_ROW)
			take_row(q, &m);
		else if (m.type == C_PROGRESS)
			take_progress(q, &m);
		else if (m.type == C_END)
			status = take_end(q, &m);
		msg_done(&m);
		if (m.type == C_END)
			break;
	}
	buf_clear(&why);
	return status;
}

int
control_call(struct ctl *c, struct ctl_control *q)
{
	struct chan ch;
	int fd, e, r;

	fd = control_connect(c->state_dir, q->who);
	e = errno;
	if (fd == -1 && q->give != NULL)
		fd_close(q->give);
	errno = e;
	if (fd == -1 && (errno == ENOENT || errno == ECONNREFUSED))
		return ctl_fail(CTL_LATER, _("%s is not running"),
		    peer_name(q->who));
	if (fd == -1 && (errno == EACCES || errno == EPERM))
		return ctl_fail(CTL_REFUSED, _("%s/run/%s.ctl: %s: that is for "
		    "root, or who started it"), c->state_dir, peer_name(q->who),
		    strerror(errno));
	if (fd == -1)
		return ctl_fail(CTL_LATER, "%s/run/%s.ctl: %s", c->state_dir,
		    peer_name(q->who), strerror(errno));
	chan_init(&ch, fd);
	if (send_request(&ch, q) == -1)
		r = ctl_fail(CTL_LATER, "%s: %s", peer_name(q->who),
		    strerror(errno));
	else
		r = receive(c, q, &ch);
	chan_clear(&ch);
	return r;
}

int
control_list(struct ctl *c, struct ctl_control *q)
{
	struct out o;
	int r;

	out_init(&o, stdout, c->json);
	q->out = &o;
	r = control_call(c, q);
	q->out = NULL;
	return out_end(&o) == -1 && r == CTL_DONE ? CTL_REFUSED : r;
}
