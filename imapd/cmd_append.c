/*
 * APPEND, of several messages too (RFC 3502), which become messages together or
 * not at all. A message of up to APPEND_MEMORY octets is collected in memory
 * and written at once; where it is the only one, with its ENVELOPE and
 * structure for the cache. A larger one goes into the file as it comes. All are
 * in their files before store hears of them: of one in a call, of several in
 * one that is not waited for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_structure.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_date.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_events.h"
#include "imapd/imapd_flags.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"

enum {
	APPEND_MEMORY = 256 * 1024,
	APPEND_ASK = 64 * 1024,	/* what is larger asks for room first */
};

struct append_message {
	struct imapd_flags flags;
	int64_t	 date;
	uint64_t size;
	uint32_t crc, header_len;
	struct door_tail tail;
	unsigned door;			/* which one the file is from */
	char	 file[DOOR_FILE_NAME + 1];	/* empty: it is store's */
};

struct imapd_append {
	uint32_t id;			/* the mailbox */
	struct append_message *msg;
	size_t	 n;
	uint64_t total;			/* octets of all */
	/* of the last one */
	uint64_t left;
	struct buf buf;			/* what is not in the file yet */
	uint64_t written;
	struct mime_header_end header;
	int	 fd;
	int	 nul;			/* it has such an octet */
	int	 cancelled;		/* one of several is empty */
	uint32_t uid, uidvalidity;	/* of the first, when it is there */
	uint32_t begun;			/* the call of several; 0: not yet */
	struct buf cache;		/* of a single one */
	int	 failed;		/* errno of a write */
};

static struct append_message *
append_last(const struct imapd_append *ap)
{
	return &ap->msg[ap->n - 1];
}

static void
append_free(void *data)
{
	struct imapd_append *ap = data;
	struct append_message *m;

	/* Where the client has left, it goes on without it. */
	if (ap->begun != 0)
		(void)door_append_end(&imapd_door, ap->begun, &ap->uid,
		    &ap->uidvalidity);
	fd_close(&ap->fd);
	for (m = ap->msg; m < ap->msg + ap->n; m++) {
		imapd_flags_clear(&m->flags);
		if (m->file[0] != '\0' && m->door == imapd_door.times)
			(void)door_file_back(&imapd_door, m->file);
	}
	buf_clear(&ap->buf);
	buf_clear(&ap->cache);
	free(ap->msg);
	free(ap);
}

/* append-opts: [SP flag-list] [SP date-time]. NULL, or what is wrong. */
static const char *
append_args(struct append_message *m, const struct imapd_arg *a, size_t n)
{
	const char *why;

	if (n > 0 && a->type == IMAPD_LIST) {
		why = imapd_flags_read(&m->flags, a + 1, a->len);
		if (why != NULL)
			return why;
		a = imapd_arg_next(a);
		n--;
	}
	if (n > 0) {
		if (a->type != IMAPD_QUOTED ||
		    imapd_date_time(a->p, a->len, &m->date) == -1)
			return "APPEND: bad date";
		n--;
	}
	return n > 0 ? "APPEND: bad arguments" : NULL;
}

/* Answers NO, by what the door's last error was. */
static void
append_no_mailbox(struct imapd_session *s)
{
	if (door_error(&imapd_door) == D_ABSENT)
		imapd_no(s, "[TRYCREATE] There is no such mailbox");
	else
		imapd_door_no(s);
}

static int
fits(const struct door_usage *u, const struct imapd_append *ap)
{
	return (u->size_max == 0 || u->size + ap->total <= u->size_max) &&
	    (u->count_max == 0 || u->count + ap->n <= u->count_max);
}

/*
 * Would the messages fit? Store judges that when they come; what is large is
 * not read in vain. 0, or -1 having answered.
 */
static int
append_fits(struct imapd_session *s, const struct imapd_append *ap)
{
	struct door_quotas q;

	if (append_last(ap)->size > imapd_conf.message_size) {
		imapd_no(s, "[TOOBIG] The message is too big");
		return -1;
	}
	if (ap->total < APPEND_ASK)
		return 0;
	if (door_quotas(&imapd_door, &q) == -1) {
		imapd_door_no(s);
		return -1;
	}
	if (!fits(&q.user, ap) || !fits(&q.domain, ap)) {
		imapd_no(s, "[OVERQUOTA] There is no room for that message");
		return -1;
	}
	return 0;
}

/* 0, or -1 having answered. */
static int
append_mailbox(struct imapd_session *s, struct imapd_append *ap,
    const struct imapd_arg *name)
{
	const struct door_mailbox *m;
	struct buf b;

	if (imapd_names_arg(s, name, &b) == -1)
		return -1;
	m = imapd_names_find(buf_str(&b));
	buf_clear(&b);
	if (m == NULL) {
		append_no_mailbox(s);
		return -1;
	}
	ap->id = m->id;
	return 0;
}

/*
 * One more message, whose literal comes next: a are its n options, name is the
 * mailbox where it is the first. 0, or -1 having answered.
 */
static int
append_message(struct imapd_session *s, struct imapd_append *ap,
    const struct imapd_arg *name, const struct imapd_arg *a, size_t n,
    const struct imapd_line *l)
{
	struct append_message *m;
	const char *why;

	ap->msg = mem_realloc(ap->msg, ap->n + 1, sizeof(*ap->msg));
	m = &ap->msg[ap->n++];
	memset(m, 0, sizeof(*m));
	m->date = clock_now();
	m->size = ap->left = l->literal;
	ap->total += l->literal;
	ap->cancelled = ap->n > 1 && (ap->cancelled || m->size == 0);
	ap->written = 0;
	memset(&ap->header, 0, sizeof(ap->header));
	buf_reset(&ap->buf);
	if ((why = append_args(m, a, n)) != NULL) {
		imapd_bad(s, "%s", why);
		return -1;
	}
	if (name != NULL && append_mailbox(s, ap, name) == -1)
		return -1;
	if (append_fits(s, ap) == -1)
		return -1;
	if (door_file(&imapd_door, &ap->fd, m->file) == -1) {
		imapd_door_no(s);
		return -1;
	}
	m->door = imapd_door.times;
	return 0;
}

static void
append_write(struct imapd_append *ap)
{
	struct append_message *m = append_last(ap);

	if (ap->buf.len == 0 || ap->failed)
		return;
	mime_header_more(&ap->header, ap->buf.data, ap->buf.len);
	m->header_len = (uint32_t)ap->header.len;
	if (fd_write_all(ap->fd, ap->buf.data, ap->buf.len) == -1)
		ap->failed = errno;
	m->crc = crc32c(m->crc, ap->buf.data, ap->buf.len);
	door_tail_add(&m->tail, ap->buf.data, ap->buf.len);
	ap->written += ap->buf.len;
	buf_reset(&ap->buf);
}

/* The last message is whole: writes and closes its file. 0, or -1 having
   answered. */
static int
append_file(struct imapd_session *s)
{
	struct imapd_append *ap = s->divert_data;

	/* literal = "{" number "}" CRLF *CHAR8, which has no NUL. */
	if (ap->nul) {
		imapd_no(s, "[CANNOT] The message has NUL octets");
		return -1;
	}
	append_write(ap);
	if (fd_close(&ap->fd) == -1 && ap->failed == 0)
		ap->failed = errno;
	if (ap->failed != 0) {
		log_warn("append: %s", strerror(ap->failed));
		imapd_no(s, "[UNAVAILABLE] The disk: %s",
		    ap->failed == ENOSPC ? "no space" : "an error");
		return -1;
	}
	return 0;
}

/*
 * Hands a single message to store, which links, syncs and commits. 0, or -1
 * (imapd_door says why).
 */
static int
append_one(struct imapd_append *ap)
{
	struct append_message *m = ap->msg;
	int r;

	r = door_append(&imapd_door, ap->id, m->file, m->size, m->crc,
	    m->header_len, m->flags.flags | door_tail_mark(&m->tail),
	    m->flags.keywords, m->date,
	    ap->cache.data, ap->cache.len, &ap->uid, &ap->uidvalidity);
	m->file[0] = '\0';	/* it is store's, whatever the answer */
	return r;
}

/* Hands all of them over. 0, or -1. */
static int
append_begin(struct imapd_append *ap)
{
	struct door_appended *list = mem_zalloc(ap->n, sizeof(*list));
	struct append_message *m;
	size_t i;
	int r;

	for (i = 0; i < ap->n; i++) {
		m = &ap->msg[i];
		list[i] = (struct door_appended){ m->file, m->size, m->crc,
		    m->header_len,
		    m->flags.flags | door_tail_mark(&m->tail),
		    m->flags.keywords, m->date };
	}
	r = door_append_begin(&imapd_door, ap->id, list, ap->n, &ap->begun);
	for (i = 0; r == 0 && i < ap->n; i++)
		ap->msg[i].file[0] = '\0';
	free(list);
	return r;
}

/* 1: done, 0: not yet, -1 (imapd_door says why). */
static int
append_put(struct imapd_session *s, struct imapd_append *ap)
{
	uint32_t begun = ap->begun;
	size_t i;

	/* In another store the names are other files'. */
	for (i = 0; begun == 0 && i < ap->n; i++)
		if (ap->msg[i].door != imapd_door.times) {
			imapd_door.error = D_LOST;
			return -1;
		}
	if (ap->n == 1)
		return append_one(ap) == 0 ? 1 : -1;
	if (begun == 0 && !door_busy(&imapd_door) && append_begin(ap) == -1)
		return -1;
	if (begun == 0 || !door_answered(&imapd_door)) {
		s->waiting = 1;
		return 0;
	}
	ap->begun = 0;
	return door_append_end(&imapd_door, begun, &ap->uid,
	    &ap->uidvalidity) == 0 ? 1 : -1;
}

/* The user's other sessions go on while store is at it. */
static enum imapd_run
append_more(struct imapd_session *s)
{
	struct imapd_append *ap = s->more_data;
	uint32_t last;
	int r = append_put(s, ap);

	if (r == 0)
		return IMAPD_MORE;
	if (r == -1) {
		append_no_mailbox(s);
		return IMAPD_DONE;
	}
	imapd_box_unsettle(ap->id);
	imapd_view_takes(s, 1);
	imapd_events();
	imapd_view_takes(s, 0);
	last = ap->uid + (uint32_t)ap->n - 1;
	if (ap->n == 1)
		return imapd_ok(s, "[APPENDUID %u %u] APPEND completed",
		    ap->uidvalidity, ap->uid);
	return imapd_ok(s, "[APPENDUID %u %u:%u] APPEND completed",
	    ap->uidvalidity, ap->uid, last);
}

/* All messages are there. */
static void
append_finish(struct imapd_session *s)
{
	struct imapd_append *ap = s->divert_data;

	/* "a zero-length literal": the client cancels (RFC 3502 3). */
	if (ap->cancelled) {
		imapd_no(s, "APPEND cancelled");
		return;
	}
	if (ap->n == 1 && ap->written == 0 && ap->buf.len > 0)
		mime_cache(ap->buf.data, ap->buf.len, &ap->cache);
	if (append_file(s) == -1)
		return;
	buf_clear(&ap->buf);
	imapd_divert(s, NULL, NULL, NULL);
	imapd_later(s, append_more, append_free, ap);
}

/* SP append-opts SP, and another literal. 0, or -1 having answered. */
static int
append_next(struct imapd_session *s, const struct imapd_line *l)
{
	struct imapd_append *ap = s->divert_data;
	struct imapd_args args = { 0 };
	const char *why;
	int r = -1;

	if (append_file(s) == -1)
		return -1;
	if (ap->n == DOOR_APPENDS_MAX)
		imapd_no(s, "[LIMIT] Too many messages in one APPEND");
	else if (l->len == 0 || l->p[l->len - 1] != ' ')
		imapd_bad(s, "APPEND: the line goes on");
	else if (imapd_args_parse(&args, l->p, l->len - 1, &why) == -1)
		imapd_bad(s, "APPEND: %s", why);
	else
		r = append_message(s, ap, NULL, args.a, args.top, l);
	imapd_args_clear(&args);
	return r;
}

/* Its literal goes into its file. */
static void
append_take(struct imapd_session *s, const struct imapd_line *l)
{
	char *none;

	/* The text before the literal has been read. */
	(void)imapd_input_divert(&s->in, 0, &none);
	if (l->sync)
		buf_puts(&s->out, "+ OK\r\n");
}

/* After the literal comes another message, or the end of the line. */
static int
append_end(struct imapd_session *s)
{
	struct imapd_line l;

	switch (imapd_input_next(&s->in, &l)) {
	case IMAPD_INPUT_MORE:
		return 0;
	case IMAPD_INPUT_LITERAL:
		if (append_next(s, &l) == 0) {
			append_take(s, &l);
			return 1;
		}
		imapd_divert_end(s);
		imapd_refuse(s, &l);
		return 1;
	case IMAPD_INPUT_TOO_LONG:
		imapd_bad(s, "APPEND: the line is too long");
		break;
	default:
		if (l.len > 0)
			imapd_bad(s, "APPEND: the line goes on");
		else
			append_finish(s);
		break;
	}
	imapd_divert_end(s);
	imapd_input_done(&s->in);
	return 1;
}

static int
append_step(struct imapd_session *s)
{
	struct imapd_append *ap = s->divert_data;
	size_t n;
	char *p;

	if (ap->left == 0)
		return append_end(s);
	n = imapd_input_divert(&s->in, ap->left, &p);
	if (n == 0)
		return 0;
	ap->left -= n;
	/* What has a NUL is not kept; the rest of it is read all the same. */
	if (ap->nul || memchr(p, '\0', n) != NULL) {
		ap->nul = 1;
		buf_clear(&ap->buf);
		return 1;
	}
	buf_append(&ap->buf, p, n);
	/* Past the bound it goes out in pieces of that size. */
	if (ap->buf.len >= APPEND_MEMORY && ap->left > 0)
		append_write(ap);
	return 1;
}

static void
append_literal(struct imapd_session *s, const struct imapd_arg *args,
    size_t n, const struct imapd_line *l)
{
	struct imapd_append *ap = mem_zalloc(1, sizeof(*ap));

	ap->fd = -1;
	if (append_message(s, ap, args, imapd_arg_next(args), n - 1,
	    l) == -1) {
		append_free(ap);
		imapd_refuse(s, l);
		return;
	}
	imapd_divert(s, append_step, append_free, ap);
	append_take(s, l);
}

/* An APPEND without a literal after its arguments. */
static enum imapd_run
append_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	return imapd_bad(s, "APPEND: a literal is expected");
}

const struct imapd_command imapd_cmd_append[] = {
	{ .name = "APPEND", .capability = "MULTIAPPEND",
	    .run = append_run, .literal = append_literal,
	    .states = IMAPD_ANY, .flags = IMAPD_EVENTS, .min_args = 1,
	    .max_args = 4 },
	{ .name = NULL }
};
