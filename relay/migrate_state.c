#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "relay/migrate_state.h"

enum { WORDS = 6, PIECE = 64 * 1024, OUT_MAX = 4 << 20 };

static const char head[] = "rohrpost-migrate 1\n";

/* A line taken apart: a letter, numbers, and the rest. */
struct line {
	char	 kind;
	uint64_t v[WORDS];
	unsigned n;
	const char *rest;	/* behind the last number */
	size_t	 rest_len;
};

/* How many numbers each kind has. */
static int
numbers(char kind)
{
	switch (kind) {
	case 'B': case 'H': case 'W': case 'X': case 'S':
		return 2;
	case 'F':
		return 4;
	case 'M':
		return 5;
	default:
		return -1;
	}
}

static int
line_read(struct line *l, const char *p, size_t len)
{
	const char *end = p + len, *blank;
	int i, want;

	if (len < 3 || p[1] != ' ' || p[len - 1] == '\t' ||
	    (want = numbers(p[0])) == -1)
		return -1;
	l->kind = p[0];
	p += 2;
	for (i = 0; i < want; i++) {
		blank = memchr(p, ' ', (size_t)(end - p));
		if (blank == NULL)
			blank = end;
		if (str_number(p, (size_t)(blank - p), UINT64_MAX,
		    &l->v[i]) == -1)
			return -1;
		p = blank < end ? blank + 1 : end;
	}
	l->rest = p;
	l->rest_len = (size_t)(end - p);
	return 0;
}

static int
by_uid(const void *a, const void *b)
{
	const struct state_message *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

struct state_message *
state_find(struct state_box *b, uint32_t uid)
{
	struct state_message key = { .uid = uid };

	if (!b->sorted && b->n > 0)
		qsort(b->m, b->n, sizeof(*b->m), by_uid);
	b->sorted = 1;
	return b->n == 0 ? NULL : bsearch(&key, b->m, b->n, sizeof(*b->m),
	    by_uid);
}

static void
message_add(struct state_box *b, const struct state_message *m)
{
	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 64 : b->cap * 2;
		b->m = mem_realloc(b->m, b->cap, sizeof(*b->m));
	}
	if (b->n > 0 && b->m[b->n - 1].uid >= m->uid)
		b->sorted = 0;
	b->m[b->n++] = *m;
	if (m->here > b->top)
		b->top = m->here;
}

static int
box_add(struct state *s, const char *wire, size_t len, uint32_t uidvalidity)
{
	struct state_box *b;

	if (s->n == STATE_BOXES)
		return -1;
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 16 : s->cap * 2;
		s->box = mem_realloc(s->box, s->cap, sizeof(*s->box));
	}
	b = &s->box[s->n];
	memset(b, 0, sizeof(*b));
	b->wire = mem_strndup(wire, len);
	b->uidvalidity = uidvalidity;
	b->sorted = 1;
	return (int)s->n++;
}

/* Uids of another mailbox mean nothing in this one. */
static void
box_here(struct state_box *b, uint32_t id)
{
	size_t i;

	for (i = 0; b->here != id && i < b->n; i++)
		b->m[i].gone = 1;
	if (b->here != id)
		b->top = 0;
	b->here = id;
}

static void
line_message(struct state_box *b, const struct line *l)
{
	struct state_message *m, add = { .uid = (uint32_t)l->v[1],
		.here = (uint32_t)l->v[2], .flags = (uint32_t)l->v[3],
		.keywords = l->v[4] };

	if (l->kind == 'M') {
		message_add(b, &add);
		return;
	}
	if ((m = state_find(b, add.uid)) == NULL)
		return;
	if (l->kind == 'X') {
		m->gone = 1;
		return;
	}
	m->flags = (uint32_t)l->v[2];
	m->keywords = l->v[3];
}

static void
line_take(struct state *s, const struct line *l)
{
	struct state_box *b;

	if (l->kind == 'B') {
		if (l->v[0] == s->n && l->rest_len > 0)
			(void)box_add(s, l->rest, l->rest_len,
			    (uint32_t)l->v[1]);
		return;
	}
	if (l->v[0] >= s->n)
		return;
	b = &s->box[l->v[0]];
	if (l->kind == 'S')
		b->modseq = l->v[1];
	else if (l->kind == 'H')
		box_here(b, (uint32_t)l->v[1]);
	else if (l->kind != 'W')
		line_message(b, l);
	else if (l->v[1] == b->n_keywords && b->n_keywords < STATE_KEYWORDS)
		b->keyword[b->n_keywords++] = mem_strndup(l->rest,
		    l->rest_len);
}

/* A first line that names another version: 1. */
static int
is_newer(const char *p, size_t len)
{
	static const char name[] = "rohrpost-migrate ";
	const size_t n = sizeof(name) - 1;

	return len > n && memcmp(p, name, n) == 0 &&
	    (len != sizeof(head) - 2 || memcmp(p, head, len) != 0) &&
	    p[len - 1] != '\t';
}

/* The whole lines of in; what is left over stays there. 0; -1: a later version
   wrote them. */
static int
lines_take(struct state *s, struct buf *in)
{
	const char *p = buf_str(in), *end = p + in->len, *lf;
	struct line l;

	for (; (lf = memchr(p, '\n', (size_t)(end - p))) != NULL; p = lf + 1) {
		memset(&l, 0, sizeof(l));
		if (is_newer(p, (size_t)(lf - p)))
			return -1;
		if (line_read(&l, p, (size_t)(lf - p)) == 0)
			line_take(s, &l);
	}
	buf_consume(in, (size_t)(p - buf_str(in)));
	return 0;
}

/* How long the file is; -1 with errno. */
static off_t
read_all(struct state *s, int fd)
{
	struct buf in = BUF_INIT(PIECE + STATE_LINE);
	off_t at = 0;
	ssize_t n;

	for (;; at += n) {
		/* A line that is longer than any of ours is none. */
		if (in.len > STATE_LINE)
			buf_reset(&in);
		(void)!buf_reserve(&in, PIECE);
		n = pread(fd, in.data + in.len, PIECE, at);
		if (n <= 0)
			break;
		in.len += (size_t)n;
		if (lines_take(s, &in) == -1) {
			errno = EPROTO;
			n = -1;
			break;
		}
	}
	/* A torn line gets the mark of one, and the next one is whole. */
	if (n == 0 && in.len > 0)
		buf_puts(&s->out, "\t\n");
	buf_clear(&in);
	return n == -1 ? -1 : at;
}

int
state_open(struct state *s, int fd, int dry)
{
	off_t len;

	memset(s, 0, sizeof(*s));
	buf_init(&s->out, 0);
	s->fd = dry ? -1 : fd;
	if ((len = read_all(s, fd)) == -1)
		return -1;
	if (len == 0)
		buf_puts(&s->out, head);
	return 0;
}

void
state_close(struct state *s)
{
	unsigned i, k;

	for (i = 0; i < s->n; i++) {
		for (k = 0; k < s->box[i].n_keywords; k++)
			free(s->box[i].keyword[k]);
		free(s->box[i].wire);
		free(s->box[i].m);
	}
	free(s->box);
	buf_clear(&s->out);
	memset(s, 0, sizeof(*s));
}

int
state_box_find(const struct state *s, const char *wire)
{
	unsigned i;

	/* The last one of a name: another UIDVALIDITY makes another. */
	for (i = s->n; i-- > 0;)
		if (strcmp(s->box[i].wire, wire) == 0)
			return (int)i;
	return -1;
}

int
state_box_add(struct state *s, const char *wire, uint32_t uidvalidity)
{
	int n = box_add(s, wire, strlen(wire), uidvalidity);

	if (n != -1)
		buf_printf(&s->out, "B %d %" PRIu32 " %s\n", n, uidvalidity,
		    wire);
	return n;
}

uint64_t
state_keyword(struct state *s, unsigned box, const char *p, size_t len)
{
	struct state_box *b = &s->box[box];
	unsigned i;

	for (i = 0; i < b->n_keywords; i++)
		if (str_is(p, len, b->keyword[i]))
			return (uint64_t)1 << i;
	if (i == STATE_KEYWORDS)
		return 0;
	b->keyword[b->n_keywords++] = mem_strndup(p, len);
	buf_printf(&s->out, "W %u %u %s\n", box, i, b->keyword[i]);
	return (uint64_t)1 << i;
}

void
state_add(struct state *s, unsigned box, const struct state_message *m)
{
	message_add(&s->box[box], m);
	buf_printf(&s->out, "M %u %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64
	    "\n", box, m->uid, m->here, m->flags, m->keywords);
}

void
state_flags(struct state *s, unsigned box, struct state_message *m,
    uint32_t flags, uint64_t keywords)
{
	m->flags = flags;
	m->keywords = keywords;
	buf_printf(&s->out, "F %u %" PRIu32 " %" PRIu32 " %" PRIu64 "\n", box,
	    m->uid, flags, keywords);
}

void
state_gone(struct state *s, unsigned box, struct state_message *m)
{
	m->gone = 1;
	buf_printf(&s->out, "X %u %" PRIu32 "\n", box, m->uid);
}

void
state_whole(struct state *s, unsigned box, uint64_t modseq)
{
	s->box[box].modseq = modseq;
	buf_printf(&s->out, "S %u %" PRIu64 "\n", box, modseq);
}

void
state_here(struct state *s, unsigned box, uint32_t id)
{
	if (s->box[box].here == id)
		return;
	box_here(&s->box[box], id);
	buf_printf(&s->out, "H %u %" PRIu32 "\n", box, id);
}

int
state_sync(struct state *s)
{
	int r = 0;

	if (s->fd != -1 && s->out.len > 0) {
		r = fd_write_all(s->fd, s->out.data, s->out.len);
		if (r == 0)
			r = fd_sync(s->fd);
	}
	buf_reset(&s->out);
	return r;
}
