#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/utf7.h"

#include "imapd/imapd_door.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"

static struct door_mailbox *names;
static size_t n_names;
static int known;

void
imapd_names_drop(void)
{
	if (known)
		door_list_free(&names, n_names);
	n_names = 0;
	known = 0;
}

const struct door_mailbox *
imapd_names_all(size_t *n_r)
{
	if (!known) {
		if (door_list(&imapd_door, &names, &n_names) == -1)
			return NULL;
		known = 1;
	}
	*n_r = n_names;
	return names;
}

/* Index of the first name from 1 on that is at least s. */
static size_t
name_at(const struct door_mailbox *list, size_t n, const char *s)
{
	size_t lo = n > 0 ? 1 : 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(list[mid].name, s) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* INBOX stands first, out of the order. */
static const struct door_mailbox *
name_find(const struct door_mailbox *list, size_t n, const char *name)
{
	size_t i;

	if (n > 0 && strcmp(list[0].name, name) == 0)
		return &list[0];
	i = name_at(list, n, name);
	return i < n && strcmp(list[i].name, name) == 0 ? &list[i] : NULL;
}

const struct door_mailbox *
imapd_names_find(const char *name)
{
	const struct door_mailbox *list, *m;
	size_t n;

	if ((list = imapd_names_all(&n)) == NULL)
		return NULL;
	m = name_find(list, n, name);
	if (m != NULL && !(m->attrs & ATTR_NOSELECT))
		return m;
	imapd_door.error = D_ABSENT;
	imapd_door.words[0] = '\0';
	return NULL;
}

/* prefix becomes "name/": the index of the first name that may have it. */
static size_t
below_at(const struct door_mailbox *list, size_t n, const char *name,
    size_t len, char prefix[DOOR_NAME_MAX + 2])
{
	memcpy(prefix, name, len);
	memcpy(prefix + len, "/", 2);
	return name_at(list, n, prefix);
}

size_t
imapd_names_below(const struct door_mailbox *list, size_t n,
    const char *name, size_t len, size_t *end_r)
{
	char prefix[DOOR_NAME_MAX + 2];
	size_t i, end;

	*end_r = 0;
	if (len > DOOR_NAME_MAX)
		return 0;
	i = below_at(list, n, name, len, prefix);
	for (end = i; end < n &&
	    strncmp(list[end].name, prefix, len + 1) == 0;)
		end++;
	*end_r = end;
	return i;
}

int
imapd_names_children(const struct door_mailbox *list, size_t n,
    const char *name)
{
	char prefix[DOOR_NAME_MAX + 2];
	size_t i, len = strlen(name);

	if (len > DOOR_NAME_MAX)
		return 0;
	i = below_at(list, n, name, len, prefix);
	return i < n && strncmp(list[i].name, prefix, len + 1) == 0;
}

int
imapd_names_has(const struct door_mailbox *list, size_t n, const char *name,
    size_t len)
{
	char s[DOOR_NAME_MAX + 1];

	if (len > DOOR_NAME_MAX)
		return 0;
	memcpy(s, name, len);
	s[len] = '\0';
	return name_find(list, n, s) != NULL;
}

int
imapd_names_read(const char *p, size_t len, struct buf *out)
{
	buf_reset(out);
	if (utf7_decode(p, len, out) == -1)
		return -1;
	if (out->len >= 5 && str_ncasecmp(out->data, "inbox", 5) == 0 &&
	    (out->len == 5 || out->data[5] == '/'))
		memcpy(out->data, "INBOX", 5);
	return 0;
}

int
imapd_names_arg(struct imapd_session *s, const struct imapd_arg *a,
    struct buf *out)
{
	buf_init(out, DOOR_NAME_MAX);
	if (!imapd_arg_is_string(a)) {
		imapd_bad(s, "A mailbox name is expected");
		return -1;
	}
	if (imapd_names_read(a->p, a->len, out) == 0 && out->len > 0)
		return 0;
	buf_clear(out);
	imapd_no(s, "[CANNOT] That is no valid mailbox name");
	return -1;
}

void
imapd_names_put(struct buf *out, const char *name, size_t len)
{
	struct buf b = BUF_INIT(0);
	size_t i;

	utf7_encode(name, len, &b);
	buf_putc(out, '"');
	for (i = 0; i < b.len; i++) {
		if (b.data[i] == '"' || b.data[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, b.data[i]);
	}
	buf_putc(out, '"');
	buf_clear(&b);
}
