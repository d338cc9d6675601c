/*
 * The tree of a message in one pass.
 *
 * The pass goes line by line. Multiparts that are open stand on a stack with
 * their boundaries; a line that starts with "--" is held against all of it, so
 * a missing end costs its part and no more.
 * A boundary that is met closes all that is open inside its multipart. The
 * stack is at most MIME_DEPTH_MAX high, so the pass is linear.
 *
 * All memory of a tree comes from one arena.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_impl.h"
#include "lib/mail/mime_param.h"

struct mime {
	const char *data;
	size_t	 len;
	struct mime_part *root;
	struct mime_arena arena;
	size_t	 n_parts;
};

struct open_part {
	struct mime_part *part;
	const char *boundary;
	size_t	 len;
	int	 closed;		/* in the epilogue */
};

struct parser {
	struct mime *m;
	const char *p, *end;		/* this line starts at p */
	size_t	 lines;			/* line ends before p */
	struct mime_part *cur;		/* innermost open part */
	size_t	 depth;			/* of cur */
	struct open_part stack[MIME_DEPTH_MAX + 1];
	size_t	 n_stack;
	int	 stuck;			/* parts are used up: all is one leaf */
};

static const char *
arena_lower(struct mime *m, const struct mime_text *t)
{
	char *s = mime_arena_get(&m->arena, t->len + 1);

	memcpy(s, t->p, t->len);
	str_tolower(s, t->len);
	return s;
}

static struct mime_part *
part_new(struct parser *ps, struct mime_part *parent, int message)
{
	struct mime *m = ps->m;
	struct mime_part *p = mime_arena_get(&m->arena, sizeof(*p));

	m->n_parts++;
	p->parent = parent;
	p->header = p->body = (size_t)(ps->p - m->data);
	p->end = m->len;
	p->type = "text";
	p->subtype = "plain";
	if (message)
		p->envelope = mime_arena_get(&m->arena, MIME_F_COUNT * sizeof(*p->envelope));
	if (parent != NULL && parent->last != NULL)
		parent->last->next = p;
	else if (parent != NULL)
		parent->first = p;
	if (parent != NULL)
		parent->last = p;
	ps->depth++;
	ps->cur = p;
	return p;
}

/* The line at ps->p: sets *next to the start of the following one. */
static const char *
line_end(const struct parser *ps, const char **next)
{
	const char *nl = memchr(ps->p, '\n', (size_t)(ps->end - ps->p));

	if (nl == NULL)
		return *next = ps->end;
	*next = nl + 1;
	return nl > ps->p && nl[-1] == '\r' ? nl - 1 : nl;
}

static void
line_take(struct parser *ps, const char *next)
{
	if (next > ps->p && next[-1] == '\n')
		ps->lines++;
	ps->p = next;
}

/*
 * "An exact match of the entire candidate line is not required; it is
 * sufficient that the boundary appear in its entirety following the CRLF"
 * (RFC 2046 5.1.1). What follows it may be the rest of a longer boundary: so
 * of all that fit the longest is the one that is meant. Where two multiparts
 * have the same one, the inner one that is still open is.
 *
 * Index in the stack of the multipart whose delimiter this line is, or -1.
 */
static long
boundary_find(const struct parser *ps, const char *eol, int *close_r)
{
	const struct open_part *o, *best = NULL;
	const char *p = ps->p + 2;
	size_t i, len;

	if (ps->n_stack == 0 || eol - ps->p < 3 || ps->p[0] != '-' ||
	    ps->p[1] != '-')
		return -1;
	len = (size_t)(eol - p);
	for (i = ps->n_stack; i-- > 0;) {
		o = &ps->stack[i];
		if (o->len > len || memcmp(p, o->boundary, o->len) != 0)
			continue;
		if (best == NULL || o->len > best->len ||
		    (o->len == best->len && best->closed))
			best = o;
	}
	if (best == NULL || best->closed)
		return -1;
	p += best->len;
	*close_r = eol - p >= 2 && p[0] == '-' && p[1] == '-';
	return best - ps->stack;
}

/* What is listed for a multipart without parts can be asked for. */
static void
part_fill(struct mime *m, struct mime_part *part)
{
	struct mime_part *p;

	if (part->kind != MIME_MULTIPART || part->first != NULL)
		return;
	p = mime_arena_get(&m->arena, sizeof(*p));
	p->parent = part;
	p->header = p->body = p->end = part->end;
	p->type = "text";
	p->subtype = "plain";
	part->first = part->last = p;
}

/* Ends a part before the line at ps->p; the CRLF before belongs to it. */
static void
part_end(struct parser *ps, struct mime_part *part)
{
	size_t at = (size_t)(ps->p - ps->m->data), lines = ps->lines;
	const char *d = ps->m->data;

	if (at > part->body && d[at - 1] == '\n') {
		at--;
		lines--;
		if (at > part->body && d[at - 1] == '\r')
			at--;
	}
	part->end = at;
	part->lines = lines - part->lines;
	ps->depth--;
	part_fill(ps->m, part);
}

static void
boundary_take(struct parser *ps, size_t at, int closing, const char *next)
{
	struct open_part *o = &ps->stack[at];

	while (ps->cur != o->part) {
		part_end(ps, ps->cur);
		ps->cur = ps->cur->parent;
	}
	ps->n_stack = at + 1;
	o->closed = closing;
	line_take(ps, next);
}

/*
 * Reads the boundary out of parameters and sets the multipart's. 0: there is
 * none.
 */
static int
boundary_read(struct mime *m, const struct mime_text *params,
    struct open_part *o)
{
	struct buf b = BUF_INIT(MIME_BOUNDARY_MAX);
	char *s;

	o->len = 0;
	o->closed = 0;
	if (mime_param(params, "boundary", &b)) {
		/* Trailing white space cannot be told from padding. */
		while (b.len > 0 && (b.data[b.len - 1] == ' ' ||
		    b.data[b.len - 1] == '\t'))
			b.len--;
		s = mime_arena_get(&m->arena, b.len + 1);
		memcpy(s, buf_str(&b), b.len);
		o->boundary = s;
		o->len = b.len;
	}
	buf_clear(&b);
	return o->len > 0;
}

/* Opens the multipart. 0: it has no boundary. */
static int
multipart_open(struct parser *ps, struct mime_part *part)
{
	struct open_part *o = &ps->stack[ps->n_stack];

	o->part = part;
	if (!boundary_read(ps->m, &part->params, o))
		return 0;
	ps->n_stack++;
	return 1;
}

static void
content_type(struct parser *ps, struct mime_part *part)
{
	struct mime_text *t = &part->content[MIME_C_TYPE], type, subtype;
	struct mime_lex l = { t->p, t->p };
	const struct mime_part *up = part->parent;

	if (t->p != NULL) {
		l.end += t->len;
		if (mime_lex_type(&l, &type, &subtype)) {
			part->type = arena_lower(ps->m, &type);
			part->subtype = arena_lower(ps->m, &subtype);
			part->params.p = l.p;
			part->params.len = (size_t)(l.end - l.p);
			return;
		}
		t->p = NULL;
	}
	/* RFC 2046 5.1.5: in a digest the default is message/rfc822. */
	if (up != NULL && up->kind == MIME_MULTIPART &&
	    strcmp(up->subtype, "digest") == 0) {
		part->type = "message";
		part->subtype = "rfc822";
	}
}

/* Nothing inside it is looked at. */
static void
part_opaque(struct mime_part *part)
{
	part->kind = MIME_LEAF;
	part->type = "application";
	part->subtype = "octet-stream";
	part->params.p = NULL;
	part->params.len = 0;
}

/*
 * The header block has ended and the body starts at ps->p. Returns 1 where
 * the body is a message of its own, whose header comes next.
 */
static int
body_start(struct parser *ps, struct mime_part *part)
{
	int multi, message;

	part->body = (size_t)(ps->p - ps->m->data);
	part->lines = ps->lines;
	content_type(ps, part);
	multi = strcmp(part->type, "multipart") == 0;
	message = strcmp(part->type, "message") == 0 &&
	    strcmp(part->subtype, "rfc822") == 0;
	if (!multi && !message)
		return 0;
	if (ps->depth > MIME_DEPTH_MAX || ps->stuck) {
		part_opaque(part);
		return 0;
	}
	if (message) {
		part->kind = MIME_MESSAGE;
		return 1;
	}
	if (multipart_open(ps, part))
		part->kind = MIME_MULTIPART;
	else {
		/* Without a boundary it is for people to read. */
		part->type = "text";
		part->subtype = "plain";
	}
	return 0;
}

/*
 * True if this line of a header is the delimiter of the multipart that it is
 * the header of. The boundary is read once, into o: o->part is set then.
 */
static int
own_delimiter(struct parser *ps, struct mime_part *part, const char *eol,
    struct open_part *o)
{
	const struct mime_text *t = &part->content[MIME_C_TYPE];
	struct mime_lex l = { t->p, t->p };
	struct mime_text type, subtype, params;

	if (t->p == NULL || ps->p[0] != '-' || ps->p[1] != '-')
		return 0;
	if (o->part == NULL) {
		o->part = part;
		l.end += t->len;
		if (mime_lex_type(&l, &type, &subtype) &&
		    str_is(type.p, type.len, "multipart")) {
			params.p = l.p;
			params.len = (size_t)(l.end - l.p);
			(void)boundary_read(ps->m, &params, o);
		}
	}
	return o->len > 0 && (size_t)(eol - ps->p) >= o->len + 2 &&
	    memcmp(ps->p + 2, o->boundary, o->len) == 0;
}

/* Up to behind the empty line; where a delimiter ends the block, to that. */
static void
header_read(struct parser *ps, struct mime_part *part)
{
	const char *eol, *next;
	struct open_part own = { .part = NULL };
	struct mime_text *t = NULL;
	int closing;

	for (; ps->p < ps->end; line_take(ps, next)) {
		eol = line_end(ps, &next);
		if (eol == ps->p) {
			line_take(ps, next);
			return;
		}
		if (boundary_find(ps, eol, &closing) != -1 ||
		    (eol - ps->p > 2 && own_delimiter(ps, part, eol, &own)))
			return;
		if (*ps->p != ' ' && *ps->p != '\t')
			t = mime_field_line(part, ps->p, eol);
		else if (t != NULL)
			t->len = (size_t)(eol - t->p);
	}
}

/* Where lists of addresses go on to. */
static void
header_end(const struct parser *ps, struct mime_part *part)
{
	int i;

	for (i = 0; part->envelope != NULL && i < MIME_F_COUNT; i++)
		part->envelope[i].end = ps->p;
}

/* A part with its header; where it is a message, that one's too. */
static void
part_start(struct parser *ps, struct mime_part *parent, int message)
{
	struct mime_part *part;

	do {
		part = part_new(ps, parent, message);
		header_read(ps, part);
		header_end(ps, part);
		if (ps->m->n_parts >= MIME_PARTS_MAX) {
			/* The last part there may be: the rest is its body. */
			ps->stuck = 1;
			ps->n_stack = 0;
		}
		message = body_start(ps, part);
		parent = part;
	} while (message);
	if (ps->stuck)
		part_opaque(part);
}

/* Bodies: on to the next boundary, or the end. */
static void
body_read(struct parser *ps)
{
	const char *eol, *next;
	int closing;
	long at;

	while (ps->p < ps->end) {
		eol = line_end(ps, &next);
		at = boundary_find(ps, eol, &closing);
		if (at == -1) {
			line_take(ps, next);
			continue;
		}
		boundary_take(ps, (size_t)at, closing, next);
		if (!closing)
			part_start(ps, ps->stack[at].part, 0);
	}
}

struct mime *
mime_parse(const char *data, size_t len)
{
	struct parser ps;
	struct mime *m = mem_zalloc(1, sizeof(*m));
	struct mime_part *p;

	m->data = data != NULL ? data : "";
	m->len = len;
	ps.m = m;
	ps.p = m->data;
	ps.end = m->data + len;
	ps.lines = ps.depth = ps.n_stack = 0;
	ps.cur = NULL;
	ps.stuck = 0;
	part_start(&ps, NULL, 1);
	for (p = ps.cur; p->parent != NULL; p = p->parent)
		;
	m->root = p;
	body_read(&ps);
	for (p = ps.cur; p != NULL; p = p->parent) {
		p->end = len;
		p->lines = ps.lines - p->lines;
		part_fill(m, p);
	}
	return m;
}

void
mime_free(struct mime **m)
{
	if (*m == NULL)
		return;
	mime_arena_clear(&(*m)->arena);
	free(*m);
	*m = NULL;
}

const struct mime_part *
mime_root(const struct mime *m)
{
	return m->root;
}

/*
 * Part numbers (RFC 3501 6.4.5): every message has a part 1, which is itself
 * where it is no multipart; the parts of an enclosed message follow its own
 * number.
 */
const struct mime_part *
mime_section(const struct mime *m, const uint32_t *numbers, size_t n)
{
	const struct mime_part *p = m->root;
	int whole = 1;		/* p stands for a message not yet numbered */
	uint32_t k;
	size_t i;

	for (i = 0; i < n && p != NULL; i++) {
		if (!whole && p->kind == MIME_MESSAGE) {
			p = p->first;
			whole = 1;
		}
		k = numbers[i];
		if (k == 0 || p == NULL)
			return NULL;
		if (p->kind == MIME_MULTIPART) {
			for (p = p->first; p != NULL && k > 1; k--)
				p = p->next;
		} else if (!whole || k != 1)
			return NULL;
		whole = 0;
	}
	return p;
}

void
mime_header_more(struct mime_header_end *h, const char *p, size_t n)
{
	const char *s = p, *end = p + n, *lf;

	while (s < end && h->at != MIME_H_END)
		if (h->at == MIME_H_LINE) {
			lf = memchr(s, '\n', (size_t)(end - s));
			s = lf != NULL ? lf + 1 : end;
			if (lf != NULL)
				h->at = MIME_H_START;
		} else if (*s == '\n') {
			s++;
			h->at = MIME_H_END;
		} else if (*s == '\r' && h->at == MIME_H_START) {
			s++;
			h->at = MIME_H_CR;
		} else
			h->at = MIME_H_LINE;
	h->len += (uint64_t)(s - p);
}

size_t
mime_header_len(const char *data, size_t len)
{
	struct mime_header_end h = { 0 };

	mime_header_more(&h, data, len);
	return (size_t)h.len;
}
