#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/mime_address.h"
#include "lib/mail/mime_param.h"

#include "imapd/imapd_date.h"
#include "imapd/imapd_search_scan.h"

enum {
	PIECE = 32 * 1024,
	KEY_WORK = 16,			/* to ask a key at all, in octets */
};

int
imapd_search_init(const char *charsets, struct buf *why)
{
	struct buf unknown = BUF_INIT(600);

	mime_charset_prepare(charsets, &unknown);
	if (unknown.len > 0)
		buf_set(why, _("imap_charsets: iconv does not know %s"),
		    buf_str(&unknown));
	buf_clear(&unknown);
	return why->len > 0 ? -1 : 0;
}

void
imapd_scan_init(struct imapd_scan *sc, struct imapd_key *root)
{
	memset(sc, 0, sizeof(*sc));
	sc->root = root;
	sc->keys = mem_alloc(imapd_search_count(root) * sizeof(*sc->keys));
	imapd_message_init(&sc->msg);
	sc->phase = IMAPD_SCAN_END;
}

void
imapd_scan_clear(struct imapd_scan *sc)
{
	imapd_message_clear(&sc->msg);
	buf_clear(&sc->raw);
	buf_clear(&sc->text);
	buf_clear(&sc->folded);
	free(sc->keys);
}

/* The key keys[i] has an answer: another one stands at i then. */
static void
scan_answer(struct imapd_scan *sc, size_t i, enum imapd_match answer)
{
	struct imapd_key *k = sc->keys[i];

	k->answer = answer;
	sc->keys[i] = sc->keys[--sc->n_open];
	sc->keys[sc->n_open] = k;
	sc->answers = 1;
}

static void
scan_judge(struct imapd_scan *sc)
{
	if (!sc->answers)
		return;
	sc->answers = 0;
	sc->work += KEY_WORK * sc->n_keys;
	sc->decided = imapd_search_match(sc->root, sc->view, sc->seq,
	    &sc->rec) != IMAPD_UNKNOWN;
}

/* There is nothing more for keys up to that op. */
static void
scan_deny(struct imapd_scan *sc, enum imapd_key_op up_to)
{
	size_t i = 0;

	while (i < sc->n_open)
		if (sc->keys[i]->op <= up_to)
			scan_answer(sc, i, IMAPD_NO);
		else
			i++;
	scan_judge(sc);
}

void
imapd_scan_begin(struct imapd_scan *sc, const struct imapd_view *v,
    uint32_t seq, const struct door_record *r, int fd)
{
	struct imapd_message *m = &sc->msg;
	size_t i = 0;

	sc->view = v;
	sc->seq = seq;
	sc->rec = *r;
	m->fd = fd;
	m->size = r->size;
	m->header_len = r->header_len;
	sc->n_open = 0;
	imapd_search_open(sc->root, v, seq, r, sc->keys, &sc->n_open);
	sc->n_keys = sc->n_open;
	sc->decided = sc->answers = 0;
	sc->phase = IMAPD_SCAN_HEADER;
	sc->fed = sc->key = sc->folded.len = 0;
	sc->list.p = NULL;
	sc->in_list = 0;
	/* Nothing at all is in every text. */
	while (i < sc->n_open)
		if (sc->keys[i]->op >= IMAPD_K_BODY &&
		    sc->keys[i]->needle.len == 0)
			scan_answer(sc, i, IMAPD_YES);
		else
			i++;
	if (imapd_message_header(m) == -1)
		scan_deny(sc, IMAPD_K_TEXT);
	sc->p = buf_str(&m->header);
	sc->end = sc->p + m->header.len;
	scan_judge(sc);
}

int
imapd_scan_begun(const struct imapd_scan *sc)
{
	return sc->msg.fd != -1;
}

int
imapd_scan_end(struct imapd_scan *sc)
{
	int yes = imapd_search_match(sc->root, sc->view, sc->seq,
	    &sc->rec) == IMAPD_YES;
	size_t i;

	for (i = 0; i < sc->n_keys; i++)
		sc->keys[i]->answer = IMAPD_UNKNOWN;
	imapd_message_clear(&sc->msg);
	imapd_message_init(&sc->msg);
	buf_reset(&sc->raw);
	buf_reset(&sc->text);
	buf_reset(&sc->folded);
	return yes;
}

/* The next field of the header block, without what is none. */
static int
field_next(struct imapd_scan *sc, const char **value, size_t *value_len)
{
	const char *p = sc->p, *start, *eol, *colon;

	while (p < sc->end) {
		start = p;
		do {
			eol = memchr(p, '\n', (size_t)(sc->end - p));
			p = eol != NULL ? eol + 1 : sc->end;
		} while (p < sc->end && (*p == ' ' || *p == '\t'));
		sc->work += (size_t)(p - start);
		colon = memchr(start, ':', (size_t)(p - start));
		if (colon == NULL)
			continue;
		*value = colon + 1;
		*value_len = (size_t)(p - *value);
		while (colon > start && (colon[-1] == ' ' ||
		    colon[-1] == '\t'))
			colon--;
		sc->name = (struct imapd_field){ start,
		    (size_t)(colon - start) };
		sc->p = p;
		return 1;
	}
	return 0;
}

/* Is the field that is at hand, of the message itself, the key's? */
static int
key_names(const struct imapd_scan *sc, const struct imapd_key *k)
{
	return sc->phase == IMAPD_SCAN_HEADER &&
	    str_is(sc->name.p, sc->name.len, k->name);
}

/* Is the text that is at hand one of those where the key may be found? */
static int
key_takes(const struct imapd_scan *sc, const struct imapd_key *k)
{
	switch (k->op) {
	case IMAPD_K_ADDRESS:
		return sc->in_list && key_names(sc, k);
	case IMAPD_K_HEADER:
		return !sc->in_list && key_names(sc, k);
	case IMAPD_K_BODY:
		return sc->phase != IMAPD_SCAN_HEADER;
	case IMAPD_K_TEXT:
		return !sc->in_list;
	default:
		return 0;
	}
}

/* The first field Date decides, whatever it says. */
static enum imapd_match
key_sent(const struct imapd_key *k, const char *value, size_t len)
{
	int64_t day, want = (int64_t)k->number;
	int yes = 0;

	if (imapd_date_field(value, len, &day) == 0)
		yes = k->op == IMAPD_K_SENTBEFORE ? day < want :
		    k->op == IMAPD_K_SENTON ? day == want : day >= want;
	return yes ? IMAPD_YES : IMAPD_NO;
}

/*
 * Asks the keys about a field that is new: true where some will see its text.
 * list is set where some will see its addresses.
 */
static int
field_wanted(struct imapd_scan *sc, const char *value, size_t len)
{
	int date = sc->phase == IMAPD_SCAN_HEADER &&
	    str_is(sc->name.p, sc->name.len, "date"), wanted = 0, list;
	struct imapd_key *k;
	size_t i = 0;

	sc->work += KEY_WORK * (sc->n_open + 1);
	while (i < sc->n_open) {
		k = sc->keys[i];
		k->at = 0;
		if (k->op <= IMAPD_K_SENTSINCE && date) {
			scan_answer(sc, i, key_sent(k, value, len));
			continue;
		}
		list = k->op == IMAPD_K_ADDRESS && key_names(sc, k);
		if (list || key_takes(sc, k)) {
			if (k->needle.len == 0) {
				scan_answer(sc, i, IMAPD_YES);
				continue;
			}
			if (list)
				sc->list = (struct imapd_field){ value, len };
			else
				wanted = 1;
		}
		i++;
	}
	scan_judge(sc);
	return wanted && !sc->decided;
}

/* The addresses of the field whose text is done. */
static void
list_next(struct imapd_scan *sc)
{
	sc->in_list = 1;
	sc->work += sc->list.len;
	buf_reset(&sc->text);
	(void)mime_address_text(sc->list.p, sc->list.len, &sc->text);
	sc->list.p = NULL;
	mime_fold(buf_str(&sc->text), sc->text.len, &sc->folded);
	buf_reset(&sc->text);
}

/* A field's text is "name:value"; a key for that name sees its value. */
static int
header_next(struct imapd_scan *sc)
{
	const char *value;
	size_t len;

	buf_reset(&sc->folded);
	sc->fed = 0;
	if (sc->list.p != NULL) {
		list_next(sc);
		return 1;
	}
	sc->in_list = 0;
	if (!field_next(sc, &value, &len))
		return 0;
	if (!field_wanted(sc, value, len))
		return 1;
	mime_fold(sc->name.p, sc->name.len, &sc->folded);
	buf_putc(&sc->folded, ':');
	sc->value_at = sc->folded.len;
	buf_reset(&sc->text);
	mime_words(value, len, &sc->text);
	mime_fold(buf_str(&sc->text), sc->text.len, &sc->folded);
	buf_reset(&sc->text);
	return 1;
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

/* Text to be looked through: also a report of its delivery, and the like. */
static int
is_text(const struct mime_part *p)
{
	return p->kind == MIME_LEAF && (strcmp(p->type, "text") == 0 ||
	    strcmp(p->type, "message") == 0);
}

static void
text_begin(struct imapd_scan *sc)
{
	const struct mime_part *p = sc->part;
	size_t i;

	sc->phase = IMAPD_SCAN_PART_TEXT;
	sc->at = is_text(p) ? p->body : p->end;
	sc->value_at = 0;
	sc->charset = charset_of(p);
	memset(&sc->decoder, 0, sizeof(sc->decoder));
	sc->decoder.encoding = mime_encoding_of(&p->content[MIME_C_ENCODING]);
	buf_reset(&sc->raw);
	sc->work += KEY_WORK * sc->n_open;
	for (i = 0; i < sc->n_open; i++)
		sc->keys[i]->at = 0;
}

/*
 * The next piece of a part's text. What the conversion appends is made of
 * whole characters.
 */
static int
text_next(struct imapd_scan *sc)
{
	const struct mime_part *p = sc->part;
	size_t n = p->end - sc->at < PIECE ? p->end - sc->at : PIECE, used;

	if (n == 0)
		return 0;
	mime_decode(&sc->decoder, buf_str(&sc->msg.whole) + sc->at, n,
	    &sc->raw);
	used = mime_charset_utf8(sc->charset, sc->at == p->body,
	    sc->at + n == p->end, buf_str(&sc->raw), sc->raw.len, &sc->text);
	buf_consume(&sc->raw, used);
	sc->at += n;
	buf_reset(&sc->folded);
	sc->fed = 0;
	mime_fold(buf_str(&sc->text), sc->text.len, &sc->folded);
	buf_reset(&sc->text);
	sc->work += n;
	return 1;
}

/*
 * The texts of the message, and the headers of all its parts and of enclosed
 * messages; that of the message itself was read before.
 */
static void
part_begin(struct imapd_scan *sc, const struct mime_part *p)
{
	const char *data = buf_str(&sc->msg.whole);

	sc->part = p;
	if (p == NULL)
		sc->phase = IMAPD_SCAN_END;
	else if (p->parent == NULL)
		text_begin(sc);
	else {
		sc->phase = IMAPD_SCAN_PART_HEADER;
		sc->p = data + p->header;
		sc->end = data + p->body;
	}
}

/* The part that follows in the tree, without recursion. */
static const struct mime_part *
part_after(const struct mime_part *p)
{
	if (p->first != NULL)
		return p->first;
	while (p != NULL && p->next == NULL)
		p = p->parent;
	return p != NULL ? p->next : NULL;
}

static void
header_end(struct imapd_scan *sc)
{
	scan_deny(sc, IMAPD_K_HEADER);
	if (sc->decided)
		return;
	sc->work += sc->msg.size;
	if (imapd_message_parse(&sc->msg) == -1)
		sc->phase = IMAPD_SCAN_END;
	else
		part_begin(sc, mime_root(sc->msg.mime));
}

/* The next text, or at least something on the way to it. */
static void
scan_next(struct imapd_scan *sc)
{
	switch (sc->phase) {
	case IMAPD_SCAN_HEADER:
		if (!header_next(sc))
			header_end(sc);
		break;
	case IMAPD_SCAN_PART_HEADER:
		if (!header_next(sc))
			text_begin(sc);
		break;
	case IMAPD_SCAN_PART_TEXT:
		if (!text_next(sc))
			part_begin(sc, part_after(sc->part));
		break;
	case IMAPD_SCAN_END:
		scan_deny(sc, IMAPD_K_TEXT);
		sc->decided = 1;
		break;
	}
}

/* A piece of the text, held against the keys one after the other. */
static void
scan_feed(struct imapd_scan *sc, size_t work)
{
	size_t n = sc->folded.len - sc->fed, off;
	const char *p = sc->folded.data + sc->fed;
	struct imapd_key *k;

	if (n > PIECE)
		n = PIECE;
	while (sc->key < sc->n_open && sc->work < work) {
		k = sc->keys[sc->key];
		off = k->op == IMAPD_K_HEADER && sc->fed < sc->value_at ?
		    sc->value_at - sc->fed : 0;
		sc->work += KEY_WORK;
		if (off >= n || !key_takes(sc, k)) {
			sc->key++;
			continue;
		}
		sc->work += n - off;
		if (imapd_needle_find(&k->needle, &k->at, p + off, n - off))
			scan_answer(sc, sc->key, IMAPD_YES);
		else
			sc->key++;
	}
	if (sc->key < sc->n_open)
		return;
	sc->key = 0;
	sc->fed += n;
	scan_judge(sc);
}

int
imapd_scan_step(struct imapd_scan *sc, size_t work)
{
	sc->work = 0;
	while (!sc->decided && sc->work < work)
		if (sc->fed < sc->folded.len)
			scan_feed(sc, work);
		else
			scan_next(sc);
	return sc->decided;
}
