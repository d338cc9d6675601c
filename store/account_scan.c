#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/mail/mime.h"
#include "store/account_message.h"
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
		.mtime = e->mtime, .since = e->since, .body = e->body };

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

/* A slice of a folder: how many entries, 0 at its end, -1. */
static int
found_dir(struct found *f, const char *user, int expunged)
{
	struct found_mailbox *b = &f->mailbox[f->at];
	const struct body_entry *e;
	int i, n, error;

	if (f->list == NULL) {
		f->list = body_list(user, b->id, expunged ? BODY_EXPUNGED :
		    BODY_MESSAGES | BODY_LOOK);
		if (f->list == NULL) {
			b->missing |= !expunged;
			return errno == ENOENT ? 0 : -1;
		}
		b->used |= expunged;
	}
	n = body_list_next(f->list, &e);
	for (i = 0; i < n; i++)
		found_entry(b, &e[i], expunged);
	if (n > 0) {
		f->entries += (unsigned)n;
		return n;
	}
	error = errno;
	body_list_end(&f->list);
	errno = error;
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
	free(m->own);
	m->rec = *r;
	message_keep(&m->rec);
	m->own = (unsigned char *)(uintptr_t)m->rec.more;
	m->has_line = 1;
}

static void
line_keyword(void *arg, unsigned bit, const char *name)
{
	struct found_mailbox *b = arg;

	b->flags_lines++;
	if (bit >= b->n_keywords) {
		b->keyword = mem_realloc(b->keyword, bit + 1,
		    sizeof(*b->keyword));
		while (b->n_keywords <= bit)
			b->keyword[b->n_keywords++] = NULL;
	}
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

/* A slice of a mailbox. As found_next. */
static int
found_part(struct found *f, const char *user)
{
	struct found_mailbox *b = &f->mailbox[f->at];
	int n;

	switch (f->part) {
	case FOUND_MESSAGES:
		if ((n = found_dir(f, user, 0)) != 0)
			return n > 0 ? 1 : -1;
		if (b->n > 0)
			qsort(b->msg, b->n, sizeof(*b->msg), cmp_message);
		f->part = FOUND_EXPUNGED;
		return 1;
	case FOUND_EXPUNGED:
		if ((n = found_dir(f, user, 1)) == 0)
			f->part = FOUND_FLAGS;
		return n >= 0 ? 1 : -1;
	case FOUND_FLAGS:
		break;
	}
	if (found_flags(b, user) == -1)
		return -1;
	f->entries += b->flags_lines;
	f->part = FOUND_MESSAGES;
	return 0;
}

static int
found_list(struct found *f, const char *path, struct buf *why)
{
	struct buf text = BUF_INIT(16 << 20);
	size_t i;
	int r = -1;

	if (text_read(path, 0, "mailboxes", &text) == -1)
		buf_set(why, "%s/mailboxes: %s", path, strerror(errno));
	else
		r = boxes_parse(&f->boxes, buf_str(&text), text.len, why);
	buf_clear(&text);
	f->mailbox = mem_zalloc(f->boxes.n + 1, sizeof(*f->mailbox));
	for (i = 0; i < f->boxes.n; i++)
		f->mailbox[i].id = f->boxes.box[i].id;
	return r;
}

int
found_next(struct found *f, const char *path, struct buf *why)
{
	static const char *const part[] = { "", "/expunged", "/flags" };
	int r = 0;

	if (f->mailbox == NULL && found_list(f, path, why) == -1)
		return -1;
	while (f->at < f->boxes.n &&
	    (f->boxes.box[f->at].attrs & ATTR_NOSELECT))
		f->at++;
	if (f->at < f->boxes.n && (r = found_part(f, path)) == 0)
		f->at++;
	if (r == -1)
		buf_set(why, "%s/%u%s: %s", path, f->mailbox[f->at].id,
		    part[f->part], strerror(errno));
	return r == 0 ? f->at < f->boxes.n : r;
}

int
found_read(struct found *f, const char *path, struct buf *why)
{
	int r;

	memset(f, 0, sizeof(*f));
	do
		r = found_next(f, path, why);
	while (r == 1);
	return r;
}

void
found_clear(struct found *f)
{
	size_t i, k;

	body_list_end(&f->list);
	for (i = 0; f->mailbox != NULL && i < f->boxes.n; i++) {
		for (k = 0; k < f->mailbox[i].n; k++)
			free(f->mailbox[i].msg[k].own);
		free(f->mailbox[i].msg);
		for (k = 0; k < f->mailbox[i].n_keywords; k++)
			free(f->mailbox[i].keyword[k]);
		free(f->mailbox[i].keyword);
	}
	free(f->mailbox);
	boxes_clear(&f->boxes);
	memset(f, 0, sizeof(*f));
}

/* As deliver and imapd have it; all where it cannot be read. */
static uint32_t
found_header(int fd, uint64_t size)
{
	char *space = mem_alloc(HEADER_CHUNK);
	struct mime_header_end h = { 0 };
	uint64_t at = 0;
	ssize_t n = 0;

	while (h.len == at &&
	    (n = pread(fd, space, HEADER_CHUNK, (off_t)at)) > 0) {
		mime_header_more(&h, space, (size_t)n);
		at += (uint64_t)n;
	}
	free(space);
	if (n != -1)
		size = h.len;
	return size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}

static uint32_t
found_mark(int fd, uint64_t size)
{
	struct door_tail tail = { .n = 0 };
	char last[2];
	size_t n = size < 2 ? (size_t)size : 2;

	if (fd_pread_all(fd, last, n, (off_t)(size - n)) == -1)
		return 0;
	door_tail_add(&tail, last, n);
	return door_tail_mark(&tail);
}

void
found_file(const char *path, uint32_t mailbox, struct found_message *m)
{
	int fd = body_open(path, mailbox, m->uid);

	m->rec.d.header_len = m->size > UINT32_MAX ? UINT32_MAX :
	    (uint32_t)m->size;
	m->rec.d.flags &= ~(uint32_t)MARK_ALL;
	if (fd == -1)
		return;
	m->rec.d.header_len = found_header(fd, m->size);
	m->rec.d.flags |= found_mark(fd, m->size);
	fd_close(&fd);
}
