#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "store/account_scan.h"
#include "store/body.h"
#include "store/file_flags.h"
#include "store/text.h"

enum {
	FLAGS_FILE_MAX = 1 << 30,
	HEADER_CHUNK = 16384,
};

static int
cmp_message(const void *a, const void *b)
{
	const struct found_message *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

struct found_message *
found_message(const struct found_mailbox *b, uint32_t uid)
{
	struct found_message key = { .uid = uid };

	if (b->n == 0)
		return NULL;
	return bsearch(&key, b->msg, b->n, sizeof(*b->msg), cmp_message);
}

static void
note_uid(struct found_mailbox *b, uint32_t uid)
{
	if (uid > b->highest)
		b->highest = uid;
}

/* A name in a mailbox's folder (expunged: only its number counts). */
static void
found_entry(struct found_mailbox *b, const struct body_entry *e, int expunged)
{
	struct found_message m = { .uid = e->number, .size = e->size,
		.mtime = e->mtime };

	if (e->number == 0)
		return;
	note_uid(b, e->number);
	b->used = 1;
	if (expunged || !e->is_body)
		return;
	if ((b->n & (b->n + 1)) == 0)
		b->msg = mem_realloc(b->msg, b->n * 2 + 16, sizeof(*b->msg));
	b->msg[b->n++] = m;
}

static int
found_dir(struct found_mailbox *b, const char *user, int expunged)
{
	struct body_list *l = body_list(user, b->id, expunged ?
	    BODY_EXPUNGED : BODY_MESSAGES | BODY_LOOK);
	const struct body_entry *e;
	int i, n;

	if (l == NULL) {
		b->missing = !expunged;
		return errno == ENOENT ? 0 : -1;
	}
	b->used |= expunged;
	while ((n = body_list_next(l, &e)) > 0)
		for (i = 0; i < n; i++)
			found_entry(b, &e[i], expunged);
	body_list_end(&l);
	return n;
}

static void
line_record(void *arg, const struct record *r)
{
	struct found_mailbox *b = arg;
	struct found_message *m = found_message(b, r->d.uid);

	b->flags_lines++;
	note_uid(b, r->d.uid);
	if (m == NULL)
		return;
	free(m->more);
	m->more = NULL;
	m->rec = *r;
	if (r->more_len > 0) {
		m->more = mem_alloc(r->more_len);
		memcpy(m->more, r->more, r->more_len);
	}
	m->rec.more = m->more;
	m->has_line = 1;
}

static void
line_keyword(void *arg, unsigned bit, const char *name)
{
	struct found_mailbox *b = arg;

	b->flags_lines++;
	free(b->keyword[bit]);
	b->keyword[bit] = mem_strdup(name);
}

static void
line_next(void *arg, uint32_t uidnext)
{
	struct found_mailbox *b = arg;

	b->flags_lines++;
	if (uidnext > 0)
		note_uid(b, uidnext - 1);
}

static int
found_flags(struct found_mailbox *b, const char *user)
{
	struct flags_reader r = { line_record, line_keyword,
		line_next, b };
	struct buf text = BUF_INIT(FLAGS_FILE_MAX);
	int result = text_read(user, b->id, "flags", &text);

	if (result == -1 && errno == ENOENT)
		return 0;
	b->used = 1;
	if (result == 0 && flags_newer(buf_str(&text), text.len)) {
		errno = EPROTO;	/* a later version's: it is left alone */
		result = -1;
	}
	if (result == 0)
		b->bad_lines = flags_parse(buf_str(&text), text.len, &r);
	buf_clear(&text);
	return result;
}

static int
found_one(struct found_mailbox *b, const char *user, struct buf *why)
{
	const char *what = "";

	if (found_dir(b, user, 0) == -1)
		goto fail;
	if (b->n > 0)
		qsort(b->msg, b->n, sizeof(*b->msg), cmp_message);
	what = "/expunged";
	if (found_dir(b, user, 1) == -1)
		goto fail;
	what = "/flags";
	if (found_flags(b, user) == 0)
		return 0;
fail:
	buf_set(why, "%s/%u%s: %s", user, b->id, what, strerror(errno));
	return -1;
}

int
found_read(struct found *f, const char *path, struct buf *why)
{
	struct buf text = BUF_INIT(16 << 20);
	int r = -1;
	size_t i;

	memset(f, 0, sizeof(*f));
	if (text_read(path, 0, "mailboxes", &text) == -1)
		buf_set(why, "%s/mailboxes: %s", path, strerror(errno));
	else
		r = boxes_parse(&f->boxes, buf_str(&text), text.len, why);
	buf_clear(&text);
	f->mailbox = mem_zalloc(f->boxes.n + 1, sizeof(*f->mailbox));
	for (i = 0; i < f->boxes.n && r == 0; i++) {
		f->mailbox[i].id = f->boxes.box[i].id;
		if (!(f->boxes.box[i].attrs & ATTR_NOSELECT))
			r = found_one(&f->mailbox[i], path, why);
	}
	return r;
}

void
found_clear(struct found *f)
{
	size_t i, k;

	for (i = 0; f->mailbox != NULL && i < f->boxes.n; i++) {
		for (k = 0; k < f->mailbox[i].n; k++)
			free(f->mailbox[i].msg[k].more);
		free(f->mailbox[i].msg);
		for (k = 0; k < DOOR_KEYWORDS_MAX; k++)
			free(f->mailbox[i].keyword[k]);
	}
	free(f->mailbox);
	boxes_clear(&f->boxes);
	f->mailbox = NULL;
}

/*
 * The header ends after the first empty line (RFC 5322 2.1); a message
 * without one is all header.
 */
uint32_t
found_header(const char *path, uint32_t mailbox, uint32_t uid, uint64_t size)
{
	char *space = mem_alloc(HEADER_CHUNK);
	int fd = body_open(path, mailbox, uid);
	uint64_t at = 0, start = 0;	/* of the chunk, of the line */
	int only_cr = 1;		/* so far, in this line */
	ssize_t n = 0, i;

	while (fd != -1 && (n = pread(fd, space, HEADER_CHUNK,
	    (off_t)at)) > 0) {
		for (i = 0; i < n; i++) {
			if (space[i] == '\n' && only_cr) {
				start = at + (uint64_t)i + 1;
				goto found;
			}
			only_cr = space[i] == '\n' ||
			    (space[i] == '\r' && only_cr);
		}
		at += (uint64_t)n;
	}
	start = size;
found:
	fd_close(&fd);
	free(space);
	return start > UINT32_MAX ? UINT32_MAX : (uint32_t)start;
}
