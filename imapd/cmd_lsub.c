/*
 * LSUB (RFC 3501 6.3.9).
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_list_args.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"

static void
put_line(struct buf *out, const char *attrs, const char *name, size_t len)
{
	buf_printf(out, "* LSUB (%s) \"/\" ", attrs);
	imapd_names_put(out, name, len);
	buf_puts(out, "\r\n");
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
		if (name->p[i] == '/' && imapd_pattern_name(pattern, name->p, i))
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
		if (imapd_pattern_name(pattern, m->p, m->len))
			put_line(out, "", m->p, m->len);
		else if (percent && (len = lsub_parent(pattern, m)) > 0)
			names_add(&parents, m->p, len);
	}
	names_sort(&parents);
	for (i = 0; i < parents.n; i++) {
		m = &parents.a[i];
		if (bsearch(m, names->a, names->n, sizeof(*m),
		    name_cmp) == NULL)
			put_line(out, "\\Noselect", m->p, m->len);
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
	if (imapd_pattern_read(args, pat, &pattern) == 0 && pattern.len > 0) {
		lsub_names(&names, list, n, &extra);
		lsub_put(&s->out, &pattern, &names);
	}
	free(names.a);
	buf_clear(&pattern);
	buf_clear(&extra);
	return imapd_ok(s, "LSUB completed");
}

const struct imapd_command imapd_cmd_lsub[] = {
	{ .name = "LSUB", .run = lsub_run, .states = IMAPD_ANY,
	    .flags = IMAPD_EVENTS, .min_args = 2, .max_args = 2 },
	{ .name = NULL }
};
