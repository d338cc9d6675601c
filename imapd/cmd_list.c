/*
 * LIST and LSUB (RFC 3501 6.3.8, 6.3.9), with CHILDREN (RFC 3348) and
 * SPECIAL-USE (RFC 6154) attributes.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_pattern.h"
#include "imapd/imapd_reply.h"
#include "imapd/imapd_utf7.h"

static const struct {
	uint32_t attr;
	const char *name;
} attr_names[] = {
	{ ATTR_DRAFTS, " \\Drafts" }, { ATTR_SENT, " \\Sent" },
	{ ATTR_TRASH, " \\Trash" }, { ATTR_JUNK, " \\Junk" },
	{ ATTR_ARCHIVE, " \\Archive" }, { ATTR_FLAGGED, " \\Flagged" },
};

static void
put_line(struct buf *out, const char *verb, const char *attrs,
    const char *name, size_t len)
{
	buf_puts(out, "* ");
	buf_puts(out, verb);
	buf_puts(out, " (");
	buf_puts(out, attrs);
	buf_puts(out, ") \"/\" ");
	imapd_names_put(out, name, len);
	buf_puts(out, "\r\n");
}

static void
put_mailbox(struct buf *out, const struct door_mailbox *list, size_t n,
    const struct door_mailbox *m)
{
	char attrs[200];
	size_t i;

	str_copy(attrs, sizeof(attrs), imapd_names_children(list, n,
	    m->name) ? "\\HasChildren" : "\\HasNoChildren");
	if (m->attrs & ATTR_NOSELECT)
		strcat(attrs, " \\Noselect");
	for (i = 0; i < sizeof(attr_names) / sizeof(attr_names[0]); i++)
		if (m->attrs & attr_names[i].attr)
			strcat(attrs, attr_names[i].name);
	put_line(out, "LIST", attrs, m->name, strlen(m->name));
}

/*
 * Reference and pattern as one pattern in UTF-8. Wildcards are plain ASCII,
 * so they pass the decoding. A leading "inbox" in any case is INBOX. 0, or
 * -1: nothing can match.
 */
static int
pattern_read(const struct imapd_arg *ref, const struct imapd_arg *pat,
    struct buf *out)
{
	struct buf wire = BUF_INIT(IMAPD_PATTERN_MAX);
	int r = -1;

	buf_init(out, IMAPD_PATTERN_MAX);
	if (buf_append(&wire, ref->p, ref->len) == 0 &&
	    buf_append(&wire, pat->p, pat->len) == 0)
		r = imapd_names_read(buf_str(&wire), wire.len, out);
	buf_clear(&wire);
	if (r == 0 && out->len > 0)
		out->len = imapd_pattern_fold(out->data, out->len);
	return r;
}

/* INBOX is matched in any case, as far as the pattern spells it out. */
static int
name_matches(const struct buf *pattern, const char *name, size_t len)
{
	char folded[IMAPD_PATTERN_MAX];

	if (imapd_pattern_match(buf_str(pattern), pattern->len, name, len))
		return 1;
	if (len != 5 || memcmp(name, "INBOX", 5) != 0 ||
	    pattern->len > sizeof(folded) || pattern->len == 0)
		return 0;
	memcpy(folded, pattern->data, pattern->len);
	str_tolower(folded, pattern->len);
	return imapd_pattern_match(folded, pattern->len, "inbox", 5);
}

struct imapd_list {
	struct buf pattern;
	size_t	 at;		/* next name */
};

static void
list_free(void *data)
{
	struct imapd_list *l = data;

	buf_clear(&l->pattern);
	free(l);
}

/*
 * The list may change between two steps; then the position may be a little
 * off, as it would be for a client that asked a moment later.
 */
static enum imapd_run
list_more(struct imapd_session *s)
{
	struct imapd_list *l = s->more_data;
	const struct door_mailbox *list;
	int64_t start = clock_mono_ms();
	size_t n;

	if ((list = imapd_names_all(&n)) == NULL)
		return imapd_door_no(s);
	for (; l->at < n; l->at++) {
		if (imapd_full(s, start))
			return IMAPD_MORE;
		if (name_matches(&l->pattern, list[l->at].name,
		    strlen(list[l->at].name)))
			put_mailbox(&s->out, list, n, &list[l->at]);
	}
	return imapd_ok(s, "LIST completed");
}

static enum imapd_run
list_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	const struct imapd_arg *pat = imapd_arg_next(args);
	struct imapd_list *l;

	if (!imapd_arg_is_string(args) || !imapd_arg_is_string(pat))
		return imapd_bad(s, "LIST: names are expected");
	if (pat->len == 0) {
		/* "a special request to return the hierarchy delimiter" */
		put_line(&s->out, "LIST", "\\Noselect", "", 0);
		return imapd_ok(s, "LIST completed");
	}
	l = mem_zalloc(1, sizeof(*l));
	if (pattern_read(args, pat, &l->pattern) == -1) {
		list_free(l);
		return imapd_ok(s, "LIST completed");
	}
	return imapd_later(s, list_more, list_free, l);
}

/* Names in rising order, each once; they are borrowed. */
struct list_names {
	struct list_name {
		const char *p;
		size_t	 len;
	} *a;
	size_t	 n, cap;
};

static int
name_cmp(const void *va, const void *vb)
{
	const struct list_name *a = va, *b = vb;
	int r = memcmp(a->p, b->p, a->len < b->len ? a->len : b->len);

	return r != 0 ? r : a->len < b->len ? -1 : a->len > b->len;
}

static void
names_add(struct list_names *names, const char *p, size_t len)
{
	if (names->n == names->cap) {
		names->cap = names->cap * 2 + 16;
		names->a = mem_realloc(names->a, names->cap,
		    sizeof(*names->a));
	}
	names->a[names->n++] = (struct list_name){ p, len };
}

static void
names_sort(struct list_names *names)
{
	size_t i, n = 0;

	if (names->n == 0)
		return;
	qsort(names->a, names->n, sizeof(*names->a), name_cmp);
	for (i = 1; i < names->n; i++)
		if (name_cmp(&names->a[n], &names->a[i]) != 0)
			names->a[++n] = names->a[i];
	names->n = n + 1;
}

/* All that are subscribed; extra: those that are no mailbox, packed. */
static void
lsub_names(struct list_names *names, const struct door_mailbox *list, size_t n,
    const struct buf *extra)
{
	struct cursor c;
	const char *p;
	size_t i, len;

	for (i = 0; i < n; i++)
		if (list[i].attrs & ATTR_SUBSCRIBED)
			names_add(names, list[i].name, strlen(list[i].name));
	cursor_init(&c, extra->data, extra->len);
	while (cursor_left(&c) > 0) {
		if ((p = cursor_lv(&c, &len, DOOR_NAME_MAX)) == NULL)
			break;
		names_add(names, p, len);
	}
	names_sort(names);
}

/* The nearest parent that the pattern, which ends in "%", matches: its
   length, or 0. */
static size_t
lsub_parent(const struct buf *pattern, const struct list_name *name)
{
	size_t i;

	for (i = name->len; i-- > 1;)
		if (name->p[i] == '/' && name_matches(pattern, name->p, i))
			return i;
	return 0;
}

/*
 * "if foo/bar is subscribed and foo is not, LSUB % returns foo with
 * \Noselect"
 */
static void
lsub_put(struct buf *out, const struct buf *pattern,
    const struct list_names *names)
{
	struct list_names parents = { 0 };
	const struct list_name *m;
	size_t i, len;
	int percent = pattern->data[pattern->len - 1] == '%';

	for (i = 0; i < names->n; i++) {
		m = &names->a[i];
		if (name_matches(pattern, m->p, m->len))
			put_line(out, "LSUB", "", m->p, m->len);
		else if (percent && (len = lsub_parent(pattern, m)) > 0)
			names_add(&parents, m->p, len);
	}
	names_sort(&parents);
	for (i = 0; i < parents.n; i++) {
		m = &parents.a[i];
		if (bsearch(m, names->a, names->n, sizeof(*m),
		    name_cmp) == NULL)
			put_line(out, "LSUB", "\\Noselect", m->p, m->len);
	}
	free(parents.a);
}

static enum imapd_run
lsub_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	const struct imapd_arg *pat = imapd_arg_next(args);
	struct buf pattern, extra = BUF_INIT(0);
	const struct door_mailbox *list;
	struct list_names names = { 0 };

	if (!imapd_arg_is_string(args) || !imapd_arg_is_string(pat))
		return imapd_bad(s, "LSUB: names are expected");
	if (door_subscribed(&imapd_door, &extra) == -1 ||
	    (list = imapd_names_all(&n)) == NULL) {
		buf_clear(&extra);
		return imapd_door_no(s);
	}
	if (pattern_read(args, pat, &pattern) == 0 && pattern.len > 0) {
		lsub_names(&names, list, n, &extra);
		lsub_put(&s->out, &pattern, &names);
	}
	free(names.a);
	buf_clear(&pattern);
	buf_clear(&extra);
	return imapd_ok(s, "LSUB completed");
}

const struct imapd_command imapd_cmd_list[] = {
	{ .name = "LIST", .capability = "CHILDREN SPECIAL-USE",
	    .run = list_run, .states = IMAPD_ANY, .flags = IMAPD_EVENTS,
	    .min_args = 2, .max_args = 2 },
	{ .name = "LSUB", .run = lsub_run, .states = IMAPD_ANY,
	    .flags = IMAPD_EVENTS, .min_args = 2, .max_args = 2 },
	{ .name = NULL }
};
