/*
 * LIST (RFC 3501 6.3.8), with LIST-EXTENDED (RFC 5258), LIST-STATUS (RFC
 * 5819), CHILDREN (RFC 3348) and SPECIAL-USE (RFC 6154). First come the
 * mailboxes, then the names that are subscribed without being one and, for
 * RECURSIVEMATCH, the names above these.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_list_args.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"
#include "imapd/imapd_status.h"
#include "imapd/imapd_uses.h"

/* A name that may be no mailbox. */
struct list_extra {
	const char *p;		/* in imapd_list.names */
	size_t	 len;
	int	 above;		/* not subscribed, but one below it is */
};

struct imapd_list {
	struct imapd_list_args args;
	size_t	 at;		/* next mailbox */
	struct buf names;	/* subscribed that are no mailbox: packed lv */
	struct list_extra *extra;	/* rising, each once */
	size_t	 n_extra, cap_extra, at_extra;
	struct imapd_status status;	/* of the mailbox before the next */
};

static void
list_free(void *data)
{
	struct imapd_list *l = data;

	imapd_list_args_clear(&l->args);
	imapd_status_clear(&l->status);
	buf_clear(&l->names);
	free(l->extra);
	free(l);
}

static void
extra_add(struct imapd_list *l, const char *p, size_t len, int above)
{
	if (l->n_extra == l->cap_extra) {
		l->cap_extra = l->cap_extra * 2 + 16;
		l->extra = mem_realloc(l->extra, l->cap_extra,
		    sizeof(*l->extra));
	}
	l->extra[l->n_extra++] = (struct list_extra){ p, len, above };
}

static int
same_name(const struct list_extra *a, const struct list_extra *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* By octets; of the same name the subscribed one first. */
static int
extra_cmp(const void *va, const void *vb)
{
	const struct list_extra *a = va, *b = vb;
	int r = memcmp(a->p, b->p, a->len < b->len ? a->len : b->len);

	if (r == 0 && a->len != b->len)
		r = a->len < b->len ? -1 : 1;
	return r != 0 ? r : a->above - b->above;
}

/* What is subscribed without being a mailbox, and the names above. 0, or -1
   (imapd_door says why). */
static int
extras_read(struct imapd_list *l)
{
	struct cursor c;
	const char *p;
	size_t len, i, n = 0;

	if (door_subscribed(&imapd_door, &l->names) == -1)
		return -1;
	cursor_init(&c, l->names.data, l->names.len);
	while (cursor_left(&c) > 0) {
		if ((p = cursor_lv(&c, &len, DOOR_NAME_MAX)) == NULL)
			break;
		extra_add(l, p, len, 0);
		for (i = len; (l->args.select & IMAPD_L_RECURSIVE) &&
		    i-- > 1;)
			if (p[i] == '/')
				extra_add(l, p, i, 1);
	}
	if (l->n_extra == 0)
		return 0;
	qsort(l->extra, l->n_extra, sizeof(*l->extra), extra_cmp);
	for (i = 1; i < l->n_extra; i++)
		if (!same_name(&l->extra[n], &l->extra[i]))
			l->extra[++n] = l->extra[i];
	l->n_extra = n + 1;
	return 0;
}

static int
selected(const struct imapd_list *l, const struct door_mailbox *m)
{
	unsigned want = l->args.select;

	return (!(want & IMAPD_L_SUBSCRIBED) ||
	    (m->attrs & ATTR_SUBSCRIBED)) &&
	    (!(want & IMAPD_L_USE) || (m->attrs & ATTR_USES));
}

/* RECURSIVEMATCH: does a name below match the selection options? */
static int
selected_below(const struct imapd_list *l, const struct door_mailbox *list,
    size_t n, const char *name, size_t len)
{
	const struct list_extra *x;
	size_t i, end;

	if (!(l->args.select & IMAPD_L_RECURSIVE))
		return 0;
	for (i = imapd_names_below(list, n, name, len, &end); i < end; i++)
		if (selected(l, &list[i]))
			return 1;
	for (x = l->extra; x < l->extra + l->n_extra; x++)
		if (!x->above && x->len > len && x->p[len] == '/' &&
		    memcmp(x->p, name, len) == 0)
			return 1;
	return 0;
}

/* ("CHILDINFO" ("SUBSCRIBED" ...)): what those below match (RFC 5258 3.5). */
static void
put_child_info(const struct imapd_list *l, struct buf *out)
{
	int both = (l->args.select & IMAPD_L_SUBSCRIBED) &&
	    (l->args.select & IMAPD_L_USE);

	buf_printf(out, " (\"CHILDINFO\" (%s%s%s))",
	    l->args.select & IMAPD_L_SUBSCRIBED ? "\"SUBSCRIBED\"" : "",
	    both ? " " : "",
	    l->args.select & IMAPD_L_USE ? "\"SPECIAL-USE\"" : "");
}

/*
 * A line of the list, of a name that is in it (m) or not. What only has
 * children is no mailbox: "\NonExistent implies \NoSelect", which says less to
 * a client that does not know RFC 5258.
 */
static void
put_name(const struct imapd_list *l, struct buf *out, int children,
    uint32_t attrs, const char *name, size_t len, int below)
{
	buf_puts(out, children ? "* LIST (\\HasChildren" :
	    "* LIST (\\HasNoChildren");
	if (attrs & ATTR_NOSELECT)
		buf_puts(out, l->args.extended ? " \\Noselect \\NonExistent" :
		    " \\Noselect");
	if ((l->args.back & IMAPD_L_SUBSCRIBED) && (attrs & ATTR_SUBSCRIBED))
		buf_puts(out, " \\Subscribed");
	imapd_uses_put(out, attrs);
	buf_puts(out, ") \"/\" ");
	imapd_names_put(out, name, len);
	if (below)
		put_child_info(l, out);
	buf_puts(out, "\r\n");
}

/* Goes on with the STATUS that was begun. 1, or as imapd_status_more. */
static int
put_status(struct imapd_session *s, struct imapd_list *l)
{
	int r;

	if (l->status.name == NULL)
		return 1;
	r = imapd_status_more(s, &l->status);
	/* One that is gone meanwhile has none. */
	if (r == -1 && door_error(&imapd_door) == D_ABSENT)
		r = 1;
	if (r != 0)
		imapd_status_clear(&l->status);
	return r;
}

static void
put_mailbox(struct imapd_session *s, struct imapd_list *l,
    const struct door_mailbox *list, size_t n, const struct door_mailbox *m)
{
	size_t len = strlen(m->name);
	int own, below;

	if (!imapd_list_args_match(&l->args, m->name, len))
		return;
	own = selected(l, m);
	below = selected_below(l, list, n, m->name, len);
	if (!own && !below)
		return;
	put_name(l, &s->out, imapd_names_children(list, n, m->name),
	    m->attrs, m->name, len, below);
	/* "for each selectable mailbox" that matches by itself. */
	if (own && (l->args.back & IMAPD_L_STATUS) &&
	    !(m->attrs & ATTR_NOSELECT))
		imapd_status_begin(&l->status, m, l->args.status);
}

static void
put_extra(struct imapd_session *s, const struct imapd_list *l,
    const struct door_mailbox *list, size_t n, const struct list_extra *x)
{
	int below;

	if (!imapd_list_args_match(&l->args, x->p, x->len) ||
	    imapd_names_has(list, n, x->p, x->len))
		return;
	below = selected_below(l, list, n, x->p, x->len);
	put_name(l, &s->out, below, ATTR_NOSELECT |
	    (x->above ? 0 : ATTR_SUBSCRIBED), x->p, x->len, below);
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
	int r;

	if ((list = imapd_names_all(&n)) == NULL)
		return imapd_door_no(s);
	while ((r = put_status(s, l)) == 1 && l->at < n) {
		if (imapd_full(s, start))
			return IMAPD_MORE;
		put_mailbox(s, l, list, n, &list[l->at++]);
	}
	if (r != 1)
		return r == 0 ? IMAPD_MORE : imapd_door_no(s);
	for (; l->at_extra < l->n_extra; l->at_extra++) {
		if (imapd_full(s, start))
			return IMAPD_MORE;
		put_extra(s, l, list, n, &l->extra[l->at_extra]);
	}
	return imapd_ok(s, "LIST completed");
}

static enum imapd_run
list_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	struct imapd_list *l = mem_zalloc(1, sizeof(*l));
	const char *why;

	if (imapd_list_args_read(&l->args, args, n, &why) == -1) {
		list_free(l);
		return imapd_bad(s, "LIST: %s", why);
	}
	if (l->args.delimiter) {
		list_free(l);
		buf_puts(&s->out, "* LIST (\\Noselect) \"/\" \"\"\r\n");
		return imapd_ok(s, "LIST completed");
	}
	if ((l->args.select & (IMAPD_L_SUBSCRIBED | IMAPD_L_USE)) ==
	    IMAPD_L_SUBSCRIBED && extras_read(l) == -1) {
		list_free(l);
		return imapd_door_no(s);
	}
	return imapd_later(s, list_more, list_free, l);
}

const struct imapd_command imapd_cmd_list[] = {
	{ .name = "LIST",
	    .capability = "CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE",
	    .run = list_run, .states = IMAPD_ANY, .flags = IMAPD_EVENTS,
	    .min_args = 2, .max_args = 5 },
	{ .name = NULL }
};
