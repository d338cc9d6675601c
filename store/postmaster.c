#include "config.h"

#include <string.h>

#include "lib/mail/limits.h"
#include "store/postmaster.h"

enum {
	ACCOUNTS = 8,		/* that are told */
	LOOKS = 50,		/* addresses that are looked up */
};

struct search {
	struct buf todo;	/* addresses, packed lv, in the order found */
	unsigned looks, found;
};

static int
is_there(const struct buf *list, const char *name, size_t len)
{
	struct cursor c;
	const char *p;
	size_t n;

	cursor_init(&c, list->data, list->len);
	while (cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &n, SIZE_MAX)) != NULL)
		if (n == len && memcmp(p, name, n) == 0)
			return 1;
	return 0;
}

static void
add(struct buf *list, const char *name, size_t len)
{
	if (!is_there(list, name, len))
		buf_put_lv(list, name, len);
}

static void
add_targets(struct search *s, const struct buf *targets)
{
	struct cursor c;
	const char *p;
	size_t n;

	cursor_init(&c, targets->data, targets->len);
	while (cursor_left(&c) > 0 && s->todo.len < LOOKS * ADDRESS_MAX &&
	    (p = cursor_lv(&c, &n, ADDRESS_MAX)) != NULL)
		add(&s->todo, p, n);
}

static enum lookup
look(struct tables *t, struct search *s, const char *address,
    struct buf *names)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(0);
	enum tables_kind k = tables_address(t, address, &name, &list);

	if (k == TABLES_USER) {
		add(names, name.data, name.len);
		s->found++;
	} else if (k == TABLES_ALIAS) {
		add_targets(s, &list);
	}
	buf_clear(&name);
	buf_clear(&list);
	return k == TABLES_ERROR ? LOOKUP_ERROR : LOOKUP_FOUND;
}

enum lookup
postmaster_find(struct tables *t, const char *address, struct buf *names)
{
	struct search s = { .todo = BUF_INIT(0) };
	char next[ADDRESS_MAX + 1];
	enum lookup r = LOOKUP_FOUND;
	size_t at = 0, n;
	struct cursor c;
	const char *p;

	buf_put_lv(&s.todo, address, strlen(address));
	while (r == LOOKUP_FOUND && at < s.todo.len && s.looks++ < LOOKS &&
	    s.found < ACCOUNTS) {
		cursor_init(&c, s.todo.data + at, s.todo.len - at);
		p = cursor_lv(&c, &n, ADDRESS_MAX);
		if (p == NULL)
			break;
		memcpy(next, p, n);
		next[n] = '\0';
		at = s.todo.len - cursor_left(&c);
		r = look(t, &s, next, names);
	}
	buf_clear(&s.todo);
	return r == LOOKUP_FOUND && names->len == 0 ? LOOKUP_ABSENT : r;
}
