/*
 * Does a message match? Keys that records answer are asked first; the file is
 * read only where they leave it open. Texts are decoded, converted and folded
 * piece by piece, so that memory does not grow with what is decoded.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/mime_decode.h"
#include "lib/mail/mime_lex.h"

#include "imapd/imapd_date.h"
#include "imapd/imapd_search_match.h"

enum { PIECE = 32 * 1024 };

int
imapd_search_init(const char *charsets, struct buf *why)
{
	struct buf unknown = BUF_INIT(600);

	mime_charset_prepare(charsets, &unknown);
	if (unknown.len > 0)
		buf_set(why, "imap_charsets: iconv does not know %s",
		    buf_str(&unknown));
	buf_clear(&unknown);
	return why->len > 0 ? -1 : 0;
}

/* One field after the other of a header block. */
struct match_field {
	const char *name, *value;
	size_t	 name_len, value_len;
};

static int
next_field(const char **pp, const char *end, struct match_field *f)
{
	const char *p = *pp, *eol, *colon;

	while (p < end) {
		f->name = p;
		eol = memchr(p, '\n', (size_t)(end - p));
		p = eol != NULL ? eol + 1 : end;
		while (p < end && (*p == ' ' || *p == '\t')) {
			eol = memchr(p, '\n', (size_t)(end - p));
			p = eol != NULL ? eol + 1 : end;
		}
		colon = memchr(f->name, ':', (size_t)(p - f->name));
		if (colon == NULL)
			continue;
		f->name_len = (size_t)(colon - f->name);
		while (f->name_len > 0 && (f->name[f->name_len - 1] == ' ' ||
		    f->name[f->name_len - 1] == '\t'))
			f->name_len--;
		f->value = colon + 1;
		f->value_len = (size_t)(p - f->value);
		*pp = p;
		return 1;
	}
	return 0;
}

/* Any field where k->name is NULL; then its name is text as well. */
static int
header_has(const struct imapd_key *k, const char *p, size_t len)
{
	struct buf text = BUF_INIT(0);
	const char *end = p + len;
	struct imapd_finder f;
	struct match_field fd;
	int found = 0;

	imapd_finder_init(&f, &k->needle);
	while (!found && next_field(&p, end, &fd)) {
		if (k->name != NULL && !str_is(fd.name, fd.name_len, k->name))
			continue;
		buf_reset(&text);
		if (k->name == NULL) {
			buf_append(&text, fd.name, fd.name_len);
			buf_append(&text, ":", 1);
		}
		mime_words(fd.value, fd.value_len, &text);
		imapd_finder_break(&f);
		found = imapd_finder_feed(&f, buf_str(&text), text.len);
	}
	imapd_finder_clear(&f);
	buf_clear(&text);
	return found;
}

static int
sent(const struct imapd_key *k, const char *p, size_t len)
{
	const char *end = p + len;
	struct match_field fd;
	int64_t day, want = (int64_t)k->number;

	while (next_field(&p, end, &fd)) {
		if (!str_is(fd.name, fd.name_len, "date"))
			continue;
		if (imapd_date_field(fd.value, fd.value_len, &day) == -1)
			return 0;
		return k->op == IMAPD_K_SENTBEFORE ? day < want :
		    k->op == IMAPD_K_SENTON ? day == want : day >= want;
	}
	return 0;
}

static const struct mime_charset *
charset_of(const struct mime_part *p)
{
	struct buf name = BUF_INIT(MIME_CHARSET_NAME_MAX);
	const struct mime_charset *cs = NULL;

	if (mime_param(&p->params, "charset", &name))
		cs = mime_charset_find(buf_str(&name), name.len);
	buf_clear(&name);
	/* Without one, or an unknown one: what is ASCII in it. */
	return cs != NULL ? cs : mime_charset_find("utf-8", 5);
}

/* A text part: decoded, converted, looked through. */
static int
part_has(struct imapd_finder *f, const struct mime_part *p,
    const char *data)
{
	struct mime_decoder d = {
		.encoding = mime_encoding_of(&p->content[MIME_C_ENCODING]),
	};
	struct buf raw = BUF_INIT(0), text = BUF_INIT(0);
	const struct mime_charset *cs = charset_of(p);
	size_t at, n, used;
	int start = 1;

	imapd_finder_break(f);
	for (at = p->body; at < p->end && !f->found; at += n) {
		n = p->end - at < PIECE ? p->end - at : PIECE;
		mime_decode(&d, data + at, n, &raw);
		used = mime_charset_utf8(cs, start, at + n == p->end,
		    buf_str(&raw), raw.len, &text);
		start = 0;
		buf_consume(&raw, used);
		imapd_finder_feed(f, buf_str(&text), text.len);
		buf_reset(&text);
	}
	buf_clear(&raw);
	buf_clear(&text);
	return f->found;
}

/* Text to be looked through: also a report of its delivery, and the like. */
static int
is_text(const struct mime_part *p)
{
	return p->kind == MIME_LEAF && (strcmp(p->type, "text") == 0 ||
	    strcmp(p->type, "message") == 0);
}

/*
 * The texts of the message, and the headers of all its parts and of enclosed
 * messages. Goes through the tree without recursion.
 */
static int
body_has(const struct imapd_key *k, const struct imapd_message *m)
{
	const struct mime_part *root = mime_root(m->mime), *p = root;
	const char *data = buf_str(&m->whole);
	struct imapd_key any = { .needle = k->needle };
	struct imapd_finder f;
	int found = 0;

	imapd_finder_init(&f, &k->needle);
	while (p != NULL && !found) {
		if (p != root)
			found = header_has(&any, data + p->header,
			    p->body - p->header);
		if (!found && is_text(p))
			found = part_has(&f, p, data);
		if (p->first != NULL) {
			p = p->first;
			continue;
		}
		while (p != NULL && p->next == NULL)
			p = p->parent;
		if (p != NULL)
			p = p->next;
	}
	imapd_finder_clear(&f);
	return found;
}

/* The keys that need the file, which is open. Unreadable: no. */
static int
match_file(const struct imapd_key *k, struct imapd_message *m)
{
	if (imapd_message_header(m) == -1)
		return 0;
	switch (k->op) {
	case IMAPD_K_SENTBEFORE:
	case IMAPD_K_SENTON:
	case IMAPD_K_SENTSINCE:
		return sent(k, buf_str(&m->header), m->header.len);
	case IMAPD_K_HEADER:
		return header_has(k, buf_str(&m->header), m->header.len);
	case IMAPD_K_TEXT:
		if (header_has(k, buf_str(&m->header), m->header.len))
			return 1;
		break;
	default:
		break;
	}
	return imapd_message_parse(m) == 0 && body_has(k, m);
}

static int
has_keyword(const struct imapd_key *k, const struct imapd_box *b,
    const struct door_record *r)
{
	unsigned i;

	for (i = 0; i < b->n_keywords; i++)
		if (str_casecmp(b->keywords[i], k->name) == 0)
			return r->keywords >> i & 1;
	return 0;
}

/* The keys that the record answers. */
static int
match_record(const struct imapd_key *k, const struct imapd_view *v,
    uint32_t seq, const struct door_record *r)
{
	int64_t day = imapd_date_of(r->date), want = (int64_t)k->number;

	switch (k->op) {
	case IMAPD_K_ALL:
		return 1;
	case IMAPD_K_SEQ:
		return imapd_set_has(&k->set, seq);
	case IMAPD_K_FLAGS:
		return (r->flags & k->number) == k->value;
	case IMAPD_K_RECENT:
		return imapd_view_is_recent(v, r->uid);
	case IMAPD_K_NEW:
		return imapd_view_is_recent(v, r->uid) &&
		    !(r->flags & FLAG_SEEN);
	case IMAPD_K_OLD:
		return !imapd_view_is_recent(v, r->uid);
	case IMAPD_K_KEYWORD:
		return has_keyword(k, v->box, r);
	case IMAPD_K_BEFORE:
		return day < want;
	case IMAPD_K_ON:
		return day == want;
	case IMAPD_K_SINCE:
		return day >= want;
	case IMAPD_K_LARGER:
		return r->size > k->number;
	case IMAPD_K_SMALLER:
		return r->size < k->number;
	case IMAPD_K_MODSEQ:
		return r->modseq >= k->number;
	default:
		return 0;
	}
}

/*
 * AND stops at a NO, OR at a YES (stop). First without the file, then, for
 * what stayed open, with it.
 */
static enum imapd_match
match_list(const struct imapd_key *k, const struct imapd_view *v,
    uint32_t seq, const struct door_record *r, struct imapd_message *m,
    enum imapd_match stop)
{
	const struct imapd_key *c;
	enum imapd_match x;
	int open = 0;

	for (c = k->first; c != NULL; c = c->next) {
		x = imapd_search_match(c, v, seq, r, NULL);
		if (x == stop)
			return stop;
		open |= x == IMAPD_UNKNOWN;
	}
	if (open && m == NULL)
		return IMAPD_UNKNOWN;
	for (c = k->first; open && c != NULL; c = c->next)
		if (imapd_search_match(c, v, seq, r, NULL) == IMAPD_UNKNOWN &&
		    imapd_search_match(c, v, seq, r, m) == stop)
			return stop;
	return stop == IMAPD_NO ? IMAPD_YES : IMAPD_NO;
}

enum imapd_match
imapd_search_match(const struct imapd_key *k, const struct imapd_view *v,
    uint32_t seq, const struct door_record *r, struct imapd_message *m)
{
	enum imapd_match x;

	if (k->op == IMAPD_K_AND)
		return match_list(k, v, seq, r, m, IMAPD_NO);
	if (k->op == IMAPD_K_OR)
		return match_list(k, v, seq, r, m, IMAPD_YES);
	if (k->op == IMAPD_K_NOT) {
		x = imapd_search_match(k->first, v, seq, r, m);
		return x == IMAPD_UNKNOWN ? x :
		    x == IMAPD_YES ? IMAPD_NO : IMAPD_YES;
	}
	if (k->op >= IMAPD_K_SENTBEFORE && m == NULL)
		return IMAPD_UNKNOWN;
	if (k->op >= IMAPD_K_SENTBEFORE)
		return match_file(k, m) ? IMAPD_YES : IMAPD_NO;
	return match_record(k, v, seq, r) ? IMAPD_YES : IMAPD_NO;
}
