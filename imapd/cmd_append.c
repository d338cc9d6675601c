/*
 * APPEND. A message of up to APPEND_MEMORY octets is collected in memory and
 * written at once, with its ENVELOPE and structure for the cache; a larger
 * one goes into the file as it comes.
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
	APPEND_ASK = 64 * 1024,	/* larger ones ask for room first */
};

struct imapd_append {
	uint32_t id;			/* the mailbox */
	struct imapd_flags flags;
	int64_t	 date;
	uint64_t size, left;
	struct buf buf;			/* what is not in the file yet */
	uint64_t written;
	uint32_t crc, header_len;
	int	 fd;
	char	 file[DOOR_FILE_NAME + 1];
	unsigned door;			/* which one the file is from */
	int	 failed;		/* errno of a write */
	int	 nul;			/* it has such an octet */
};

static void
append_free(void *data)
{
	struct imapd_append *ap = data;

	imapd_flags_clear(&ap->flags);
	buf_clear(&ap->buf);
	fd_close(&ap->fd);
	if (ap->file[0] != '\0' && ap->door == imapd_door.times)
		(void)door_file_back(&imapd_door, ap->file);
	free(ap);
}

/* mailbox [SP flag-list] [SP date-time]. NULL, or what is wrong. */
static const char *
append_args(struct imapd_append *ap, const struct imapd_arg *a, size_t n)
{
	const char *why;

	a = imapd_arg_next(a);
	n--;
	if (n > 0 && a->type == IMAPD_LIST) {
		why = imapd_flags_read(&ap->flags, a + 1, a->len);
		if (why != NULL)
			return why;
		a = imapd_arg_next(a);
		n--;
	}
	if (n > 0) {
		if (a->type != IMAPD_QUOTED ||
		    imapd_date_time(a->p, a->len, &ap->date) == -1)
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

/*
 * Would the message fit? Store judges that when it comes; a large one is not
 * read in vain. 0, or -1 having answered.
 */
static int
append_fits(struct imapd_session *s, const struct imapd_line *l)
{
	uint64_t size, size_max, count, count_max;

	if (l->literal > imapd_conf.message_size) {
		imapd_no(s, "[TOOBIG] The message is too big");
		return -1;
	}
	if (l->literal < APPEND_ASK)
		return 0;
	if (door_quota(&imapd_door, &size, &size_max, &count,
	    &count_max) == -1) {
		imapd_door_no(s);
		return -1;
	}
	if ((size_max > 0 && size + l->literal > size_max) ||
	    (count_max > 0 && count >= count_max)) {
		imapd_no(s, "[OVERQUOTA] There is no room for that message");
		return -1;
	}
	return 0;
}

/* 0, or -1 having answered. */
static int
append_check(struct imapd_session *s, struct imapd_append *ap,
    const struct imapd_arg *args, size_t n, const struct imapd_line *l)
{
	const struct door_mailbox *m;
	const char *why = append_args(ap, args, n);
	struct buf name;

	if (why != NULL) {
		imapd_bad(s, "%s", why);
		return -1;
	}
	if (imapd_names_arg(s, args, &name) == -1)
		return -1;
	m = imapd_names_find(buf_str(&name));
	buf_clear(&name);
	if (m == NULL) {
		append_no_mailbox(s);
		return -1;
	}
	ap->id = m->id;
	if (append_fits(s, l) == -1)
		return -1;
	if (door_file(&imapd_door, &ap->fd, ap->file) == -1) {
		imapd_door_no(s);
		return -1;
	}
	ap->door = imapd_door.times;
	return 0;
}

static void
append_write(struct imapd_append *ap)
{
	size_t n;

	if (ap->buf.len == 0 || ap->failed)
		return;
	if (ap->written == 0) {
		n = mime_header_len(ap->buf.data, ap->buf.len);
		ap->header_len = (uint32_t)n;
	}
	if (fd_write_all(ap->fd, ap->buf.data, ap->buf.len) == -1)
		ap->failed = errno;
	ap->crc = crc32c(ap->crc, ap->buf.data, ap->buf.len);
	ap->written += ap->buf.len;
	buf_reset(&ap->buf);
}

/* Writes and closes the file. 0, or -1 having answered. */
static int
append_file(struct imapd_session *s)
{
	struct imapd_append *ap = s->divert_data;

	append_write(ap);
	if (fd_close(&ap->fd) == -1 && ap->failed == 0)
		ap->failed = errno;
	if (ap->failed != 0) {
		log_warn("append: %s", strerror(ap->failed));
		imapd_no(s, "[UNAVAILABLE] The disk: %s",
		    ap->failed == ENOSPC ? "no space" : "an error");
		return -1;
	}
	/* In another store the name is another file's. */
	if (ap->door != imapd_door.times) {
		imapd_no(s, "[UNAVAILABLE] The store is away, try again");
		return -1;
	}
	return 0;
}

/* The order: write, close, then store links, syncs and commits. */
static void
append_finish(struct imapd_session *s)
{
	struct imapd_append *ap = s->divert_data;
	struct buf cache = BUF_INIT(0);
	uint32_t uid, uidvalidity;
	int r;

	if (ap->written == 0 && ap->buf.len > 0)
		mime_cache(ap->buf.data, ap->buf.len, &cache);
	if (append_file(s) == -1) {
		buf_clear(&cache);
		return;
	}
	r = door_append(&imapd_door, ap->id, ap->file, ap->size, ap->crc,
	    ap->header_len, ap->flags.flags,
	    ap->flags.n > 0 ? ap->flags.keywords : NULL, ap->date,
	    cache.data, cache.len, &uid, &uidvalidity);
	buf_clear(&cache);
	ap->file[0] = '\0';	/* it is store's again, whatever the answer */
	if (r == -1) {
		append_no_mailbox(s);
		return;
	}
	imapd_box_unsettle(ap->id);
	imapd_view_takes(s, 1);
	imapd_events();
	imapd_view_takes(s, 0);
	imapd_ok(s, "[APPENDUID %u %u] APPEND completed", uidvalidity, uid);
}

/*
 * After the literal comes the end of the line. Anything else would be a
 * second message, which is not offered (RFC 3502).
 */
static int
append_end(struct imapd_session *s)
{
	const struct imapd_append *ap = s->divert_data;
	struct imapd_line l;

	switch (imapd_input_next(&s->in, &l)) {
	case IMAPD_INPUT_MORE:
		return 0;
	case IMAPD_INPUT_LITERAL:
		imapd_divert_end(s);
		imapd_bad(s, "APPEND: one message at a time");
		imapd_refuse(s, &l);
		return 1;
	default:
		if (l.len > 0)
			imapd_bad(s, "APPEND: the line goes on");
		/* literal = "{" number "}" CRLF *CHAR8, which has no NUL. */
		else if (ap->nul)
			imapd_no(s, "[CANNOT] The message has NUL octets");
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
	char *none;

	ap->fd = -1;
	ap->date = clock_now();
	ap->size = ap->left = l->literal;
	if (append_check(s, ap, args, n, l) == -1) {
		append_free(ap);
		imapd_refuse(s, l);
		return;
	}
	imapd_divert(s, append_step, append_free, ap);
	/* The text before the literal has been read. */
	(void)imapd_input_divert(&s->in, 0, &none);
	if (l->sync)
		buf_puts(&s->out, "+ OK\r\n");
}

/* An APPEND without a literal after its arguments. */
static enum imapd_run
append_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	return imapd_bad(s, "APPEND: a literal is expected");
}

const struct imapd_command imapd_cmd_append[] = {
	{ .name = "APPEND", .run = append_run, .literal = append_literal,
	    .states = IMAPD_ANY, .flags = IMAPD_EVENTS, .min_args = 1,
	    .max_args = 4 },
	{ .name = NULL }
};
