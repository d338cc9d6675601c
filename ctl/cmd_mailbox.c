/*
 * mailbox list, mailbox show: what an account has, read through a door of its
 * own (ctl_door.h), as a session reads it. Nothing is changed: \Recent and
 * \Seen stay.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/ctl_door.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

static void
names(struct out *o, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		out_name(o, list[i], strlen(list[i]));
}

static void
out_date(struct out *o, int64_t t)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)t);
	out_value(o, C_TIME, text, strlen(text));
}

static void
put_bits(struct buf *out, const struct door_bit *bits, uint32_t of)
{
	for (; bits->name != NULL; bits++)
		if (of & bits->bit)
			buf_put_lv(out, bits->name, strlen(bits->name));
}

static void
list_row(struct out *o, const struct door_mailbox *m)
{
	struct buf uses = BUF_INIT(0);

	put_bits(&uses, door_uses, m->attrs);
	out_text(o, m->name);
	out_number(o, m->messages);
	out_number(o, m->unseen);
	out_number(o, m->size);
	out_number(o, m->uidvalidity);
	out_number(o, m->uidnext);
	out_texts(o, &uses);
	out_bool(o, (m->attrs & ATTR_SUBSCRIBED) != 0);
	buf_clear(&uses);
}

int
cmd_mailbox_list(struct ctl *c)
{
	static const char *const columns[] = { "mailbox", "messages", "unseen",
		"size", "uidvalidity", "uidnext", "uses", "subscribed" };
	struct door_mailbox *list;
	struct door d;
	struct out o;
	size_t n, i;
	int r;

	if ((r = door_named(c, c->args[0], &d, NULL)) != CTL_DONE)
		return r;
	if (door_list(&d, &list, &n) == -1) {
		r = door_said(&d, c->args[0]);
		door_clear(&d);
		return r;
	}
	out_init(&o, stdout, c->json);
	names(&o, columns, sizeof(columns) / sizeof(columns[0]));
	for (i = 0; i < n; i++)
		if (!(list[i].attrs & ATTR_NOSELECT))
			list_row(&o, &list[i]);
	door_list_free(&list, n);
	door_clear(&d);
	return out_end(&o) == -1 ? CTL_REFUSED : CTL_DONE;
}

/* The messages of one mailbox. */
struct shown {
	struct door *d;
	struct out o;
	uint32_t id, only;		/* one uid, or 0: all */
	struct buf keywords;		/* packed lv */
	int	 found;
};

static void
show_row(struct shown *s, const struct door_record *r)
{
	struct buf flags = BUF_INIT(0);
	struct cursor c;
	const char *name;
	size_t len;
	int i;

	put_bits(&flags, door_flags, r->flags);
	cursor_init(&c, buf_str(&s->keywords), s->keywords.len);
	for (i = 0; i < 64 && cursor_left(&c) > 0 && (name = cursor_lv(&c,
	    &len, DOOR_KEYWORD_LEN)) != NULL; i++)
		if (r->keywords >> i & 1)
			buf_put_lv(&flags, name, len);
	out_number(&s->o, r->uid);
	out_date(&s->o, r->date);
	out_number(&s->o, r->size);
	out_texts(&s->o, &flags);
	buf_clear(&flags);
}

static int
show_rows(struct shown *s)
{
	struct door_record *rec;
	uint32_t *gone;
	uint64_t modseq;
	size_t n, n_gone, i;
	int complete;

	if (door_records(s->d, s->id, 0, &rec, &n, &gone, &n_gone, &modseq,
	    &complete) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (s->only == 0 || rec[i].uid == s->only) {
			show_row(s, &rec[i]);
			s->found = 1;
		}
	free(rec);
	free(gone);
	return 0;
}

static int
show_list(struct ctl *c, struct shown *s)
{
	static const char *const columns[] = { "uid", "time", "size",
		"flags" };
	int r;

	buf_init(&s->keywords, 0);
	if (door_keywords(s->d, s->id, &s->keywords) == -1)
		return door_said(s->d, c->args[1]);
	out_init(&s->o, stdout, c->json);
	names(&s->o, columns, sizeof(columns) / sizeof(columns[0]));
	r = show_rows(s) == -1 ? door_said(s->d, c->args[1]) : CTL_DONE;
	buf_clear(&s->keywords);
	if (out_end(&s->o) == -1 && r == CTL_DONE)
		r = CTL_REFUSED;
	return r;
}

/* The octets of the message, of its head alone where that is wanted. */
static int
print_message(int fd, uint64_t left)
{
	char chunk[65536];
	off_t off = 0;
	ssize_t n;

	while (left > 0) {
		n = pread(fd, chunk, left < sizeof(chunk) ? (size_t)left :
		    sizeof(chunk), off);
		if (n <= 0)
			return (int)n;
		if (fd_write_all(STDOUT_FILENO, chunk, (size_t)n) == -1)
			return -1;
		off += n;
		left -= (uint64_t)n;
	}
	return 0;
}

static int
header_length(struct shown *s, uint64_t *len_r)
{
	struct door_record *rec;
	uint32_t *gone;
	uint64_t modseq;
	size_t n, n_gone, i;
	int complete;

	if (door_records(s->d, s->id, 0, &rec, &n, &gone, &n_gone, &modseq,
	    &complete) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (rec[i].uid == s->only)
			*len_r = rec[i].header_len;
	free(rec);
	free(gone);
	return 0;
}

static int
show_message(struct ctl *c, struct shown *s)
{
	uint64_t len = UINT64_MAX;
	int fd = -1, r = CTL_DONE;

	if ((c->opt[0] == NULL && header_length(s, &len) == -1) ||
	    door_open(s->d, s->id, &s->only, 1, &fd) == -1)
		return door_said(s->d, c->args[1]);
	if (fd == -1)
		return ctl_fail(CTL_REFUSED, _("%s: there is no message %s"),
		    c->args[1], c->args[2]);
	/* Whoever closed the pipe has seen enough. */
	if (print_message(fd, len) == -1)
		r = errno == EPIPE ? CTL_REFUSED : ctl_fail(CTL_REFUSED,
		    "%s %s: %s", c->args[1], c->args[2], strerror(errno));
	close(fd);
	return r;
}

/* The id of a mailbox by name: 0, or -1 having said that there is none. */
static int
find_mailbox(struct door *d, const char *name, uint32_t *id_r, int *r)
{
	struct door_mailbox *list;
	size_t n, i;

	*id_r = 0;
	if (door_list(d, &list, &n) == -1) {
		*r = door_said(d, name);
		return -1;
	}
	for (i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0 &&
		    !(list[i].attrs & ATTR_NOSELECT))
			*id_r = list[i].id;
	door_list_free(&list, n);
	if (*id_r != 0)
		return 0;
	*r = ctl_fail(CTL_REFUSED, _("%s: there is no such mailbox"), name);
	return -1;
}

int
cmd_mailbox_show(struct ctl *c)
{
	struct shown s = { 0 };
	struct door d;
	uint64_t uid = 0;
	int r;

	if (c->n_args == 3 && (str_number(c->args[2],
	    strlen(c->args[2]), UINT32_MAX, &uid) == -1 || uid == 0))
		return ctl_fail(CTL_REFUSED, _("%s: not the number of a "
		    "message"), c->args[2]);
	if ((r = door_named(c, c->args[0], &d, NULL)) != CTL_DONE)
		return r;
	s.d = &d;
	s.only = (uint32_t)uid;
	if (find_mailbox(&d, c->args[1], &s.id, &r) == 0) {
		r = uid != 0 && !c->json ? show_message(c, &s) :
		    show_list(c, &s);
		if (r == CTL_DONE && c->json && uid != 0 && !s.found)
			r = ctl_fail(CTL_REFUSED, _("%s: there is no message "
			    "%s"), c->args[1], c->args[2]);
	}
	door_clear(&d);
	return r;
}
