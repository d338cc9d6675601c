#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/door.h"
#include "lib/mail/utf7.h"
#include "relay/imap_list.h"

static const struct {
	const char *name;
	unsigned use;
} uses[] = {
	{ "\\Drafts", ATTR_DRAFTS }, { "\\Sent", ATTR_SENT },
	{ "\\Trash", ATTR_TRASH }, { "\\Junk", ATTR_JUNK },
	{ "\\Archive", ATTR_ARCHIVE },
};

/* What the answers are put into. */
struct collect {
	struct imap_client *c;
	struct imap_list *l;
};

void
imap_list_clear(struct imap_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->v[i].wire);
		free(l->v[i].name);
	}
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static int
is_inbox(const char *p, size_t len)
{
	return str_is(p, len, "INBOX");
}

/*
 * "INBOX.Sent" with the prefix "INBOX." is Sent; INBOX itself stays. Within a
 * name "/" is a level here: where the server has another delimiter it cannot
 * stand in a name, and becomes "_".
 */
int
imap_list_name(const struct imap_list *l, const char *utf8, char delim,
    struct buf *out)
{
	size_t n = strlen(l->prefix), start;
	const char *p = utf8;

	buf_reset(out);
	if (is_inbox(utf8, strlen(utf8)))
		return buf_puts(out, "INBOX");
	if (n > 0 && strncmp(utf8, l->prefix, n) == 0)
		p += n;
	else if (n > 0 && strncmp(utf8, l->prefix, n - 1) == 0 &&
	    utf8[n - 1] == '\0')
		return -1;	/* the prefix itself */
	for (start = 0; *p != '\0'; p++) {
		if (delim != '\0' && *p == delim) {
			if (out->len == start)
				return -1;	/* a level without a name */
			if (buf_putc(out, '/') == -1)
				return -1;
			start = out->len;
		} else if (buf_putc(out, *p == '/' ? '_' : *p) == -1) {
			return -1;
		}
	}
	/* INBOX/x, in whatever case it was written, is below our INBOX. */
	if (out->len > 6 && is_inbox(out->data, 5) && out->data[5] == '/')
		memcpy(out->data, "INBOX", 5);
	return out->len > start ? 0 : -1;
}

/* In UTF-8, as far as it can be. 0, or -1. */
static int
readable(const struct imap_client *c, const struct imap_value *v,
    struct buf *out)
{
	size_t i;

	buf_reset(out);
	for (i = 0; i < v->len; i++)
		if ((unsigned char)v->p[i] < ' ' || v->p[i] == 0x7f)
			return -1;
	if (v->len == 0 || v->len > IMAP_NAME_MAX)
		return -1;
	if (!(c->enabled & IMAP_CAP_UTF8) &&
	    utf7_decode(v->p, v->len, out) == 0)
		return 0;
	buf_reset(out);
	return buf_append(out, v->p, v->len);
}

static struct imap_mailbox *
find(const struct imap_list *l, const struct imap_value *wire)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strlen(l->v[i].wire) == wire->len &&
		    memcmp(l->v[i].wire, wire->p, wire->len) == 0)
			return &l->v[i];
	return NULL;
}

static struct imap_mailbox *
add(struct imap_list *l, const struct imap_value *wire, const struct buf *name)
{
	struct imap_mailbox *m;

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 32 : l->cap * 2;
		l->v = mem_realloc(l->v, l->cap, sizeof(*l->v));
	}
	m = &l->v[l->n++];
	memset(m, 0, sizeof(*m));
	m->wire = mem_strndup(wire->p, wire->len);
	m->name = mem_strdup(buf_str(name));
	return m;
}

static void
flags(struct imap_mailbox *m, const struct imap_value *list)
{
	const struct imap_value *v = list + 1, *end = imap_value_next(list);
	size_t i;

	for (; v < end; v = imap_value_next(v)) {
		for (i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
			if (imap_value_is(v, uses[i].name))
				m->uses |= uses[i].use;
		m->noselect |= imap_value_is(v, "\\Noselect") ||
		    imap_value_is(v, "\\NonExistent");
		m->subscribed |= imap_value_is(v, "\\Subscribed");
	}
}

/* mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil)
   SP mailbox */
static void
take_list(struct collect *k, const struct imap_response *r)
{
	struct buf utf8 = BUF_INIT(4 * IMAP_NAME_MAX), name = BUF_INIT(
	    IMAP_NAME_MAX);
	const struct imap_value *delim, *wire;
	struct imap_mailbox *m;
	int whole;

	if (r->v == r->end || r->v->type != IMAP_LIST)
		return;
	delim = imap_value_next(r->v);
	wire = delim < r->end ? imap_value_next(delim) : r->end;
	if (wire >= r->end || wire->type == IMAP_LIST)
		return;
	whole = k->l->n < IMAP_MAILBOXES_MAX &&
	    readable(k->c, wire, &utf8) == 0 &&
	    imap_list_name(k->l, buf_str(&utf8), delim->type == IMAP_STRING &&
	    delim->len == 1 ? delim->p[0] : '\0', &name) == 0;
	if (!whole)
		k->l->left_out++;
	else if (find(k->l, wire) == NULL) {
		m = add(k->l, wire, &name);
		flags(m, r->v);
	}
	buf_clear(&utf8);
	buf_clear(&name);
}

static void
take_lsub(struct collect *k, const struct imap_response *r)
{
	const struct imap_value *v = r->v;
	struct imap_mailbox *m;
	int i;

	for (i = 0; i < 2 && v < r->end; i++)
		v = imap_value_next(v);
	if (v < r->end && v->type != IMAP_LIST &&
	    (m = find(k->l, v)) != NULL)
		m->subscribed = 1;
}

/* The first personal namespace: ((("INBOX." ".")) NIL NIL. */
static void
take_namespace(struct collect *k, const struct imap_response *r)
{
	const struct imap_value *v = r->v, *delim;
	struct buf utf8 = BUF_INIT(IMAP_NAME_MAX);

	if (v < r->end && v->type == IMAP_LIST && v->inside >= 3 &&
	    v[1].type == IMAP_LIST && v[1].inside >= 2 &&
	    v[2].type == IMAP_STRING) {
		delim = &v[3];
		if (v[2].len == 0 || readable(k->c, &v[2], &utf8) == 0)
			str_copy(k->l->prefix, sizeof(k->l->prefix),
			    buf_str(&utf8));
		if (delim->type == IMAP_STRING && delim->len == 1)
			k->l->delimiter = delim->p[0];
	}
	buf_clear(&utf8);
}

static void
on_data(void *ctx, const struct imap_response *r)
{
	if (strcmp(r->word, "LIST") == 0)
		take_list(ctx, r);
	else if (strcmp(r->word, "LSUB") == 0)
		take_lsub(ctx, r);
	else if (strcmp(r->word, "NAMESPACE") == 0)
		take_namespace(ctx, r);
}

static int
by_name(const void *a, const void *b)
{
	const struct imap_mailbox *x = a, *y = b;
	int xi = strcmp(x->name, "INBOX") == 0;
	int yi = strcmp(y->name, "INBOX") == 0;

	return xi != yi ? yi - xi : strcmp(x->name, y->name);
}

static enum imap_result
ask(struct imap_client *c, struct imap_list *l)
{
	static const char name[] = "\"\" ";
	int more = c->caps & IMAP_CAP_LIST_EXTENDED ||
	    c->caps & IMAP_CAP_REV2;
	enum imap_result r;

	if (c->caps & IMAP_CAP_NAMESPACE &&
	    imap_command(c, "NAMESPACE") == IMAP_LOST)
		return IMAP_LOST;
	imap_begin(c, "LIST %s", name);
	/* Other users' mailboxes, and shared ones, lie beside the prefix. */
	if (l->prefix[0] == '\0' || is_inbox(l->prefix,
	    strlen(l->prefix) - 1))
		imap_put_string(c, "*");
	else
		stream_printf(&c->stream, "\"%s*\"", l->prefix);
	if (more)
		stream_printf(&c->stream, " RETURN (SUBSCRIBED%s)",
		    c->caps & (IMAP_CAP_SPECIAL_USE | IMAP_CAP_REV2) ?
		    " SPECIAL-USE" : "");
	imap_end(c);
	if ((r = imap_wait(c, c->tag)) != IMAP_OK || more)
		return r;
	return imap_command(c, "LSUB \"\" \"*\"") == IMAP_LOST ? IMAP_LOST :
	    IMAP_OK;
}

enum imap_result
imap_list(struct imap_client *c, struct imap_list *l)
{
	static const struct imap_sink sink = { .data = on_data };
	struct collect k = { .c = c, .l = l };
	enum imap_result r;

	memset(l, 0, sizeof(*l));
	c->sink = &sink;
	c->ctx = &k;
	r = ask(c, l);
	c->sink = NULL;
	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), by_name);
	return r;
}
