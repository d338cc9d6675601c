/*
 * Which files are which mailbox. Maildir++ has its folders beside cur, as
 * ".a.b"; nested ones lie in each other; an mbox is a file that begins with a
 * From line.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/box_dovecot.h"
#include "ctl/box_export.h"
#include "ctl/box_mbox.h"
#include "ctl/box_open.h"
#include "ctl/box_source.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/utf7.h"

static const struct {
	const char *name;
	uint32_t use;
} uses[] = {
	{ "Drafts", ATTR_DRAFTS }, { "Sent", ATTR_SENT },
	{ "Sent Items", ATTR_SENT }, { "Sent Messages", ATTR_SENT },
	{ "Trash", ATTR_TRASH }, { "Deleted Items", ATTR_TRASH },
	{ "Deleted Messages", ATTR_TRASH }, { "Junk", ATTR_JUNK },
	{ "Spam", ATTR_JUNK }, { "Junk E-mail", ATTR_JUNK },
	{ "Archive", ATTR_ARCHIVE }, { "Archives", ATTR_ARCHIVE },
};

/* What a mailbox of that name is to be. */
static uint32_t
attrs_of(const struct box_source *s, const char *mailbox)
{
	struct cursor c;
	const char *p;
	uint32_t attrs = 0;
	size_t i, len;

	for (i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (strcmp(uses[i].name, mailbox) == 0)
			attrs = uses[i].use;
	if (!s->has_subscriptions)
		return attrs | ATTR_SUBSCRIBED;
	cursor_init(&c, buf_str(&s->subscribed), s->subscribed.len);
	while (cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &len, DOOR_NAME_MAX)) != NULL)
		if (len == strlen(mailbox) && memcmp(p, mailbox, len) == 0)
			attrs |= ATTR_SUBSCRIBED;
	return attrs;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ?
	    c - 'A' + 10 : -1;
}

/* %XX, as an export of ours has it. */
static void
unescape(struct buf *out, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] == '%' && i + 2 < len && hex(p[i + 1]) != -1 &&
		    hex(p[i + 2]) != -1) {
			buf_putc(out, (char)(hex(p[i + 1]) << 4 |
			    hex(p[i + 2])));
			i += 2;
		} else
			buf_putc(out, p[i]);
}

/* A level of a name: modified UTF-7, or UTF-8 as it is. */
static void
add_level(const struct box_source *s, struct buf *out, const char *p,
    size_t len)
{
	struct buf text = BUF_INIT(DOOR_NAME_MAX);

	if (out->len > 0)
		buf_putc(out, '/');
	if (s->escaped)
		unescape(out, p, len);
	else if (memchr(p, '&', len) != NULL && utf7_decode(p, len, &text) == 0)
		buf_append(out, buf_str(&text), text.len);
	else
		buf_append(out, p, len);
	buf_clear(&text);
}

/* The name of a folder below the mailbox parent; levels by the separator. */
static void
folder_name(const struct box_source *s, struct buf *out, const char *parent,
    const char *name, size_t len, char separator)
{
	const char *end;
	size_t n;

	buf_reset(out);
	buf_puts(out, parent);
	for (; len > 0; name += n, len -= n) {
		end = separator == 0 ? NULL : memchr(name, separator, len);
		n = end == NULL ? len : (size_t)(end - name);
		if (n > 0)
			add_level(s, out, name, n);
		n += end != NULL;
	}
}

static void
left_out(struct box_source *s, const char *path, const char *why)
{
	free(s->put.name);
	s->put.name = NULL;
	box_put_skip(&s->put, path, why);
}

static int
is_maildir(struct box_source *s, const char *path)
{
	struct buf cur = BUF_INIT(0);
	struct stat st;
	int fd, r = 0;

	buf_printf(&cur, "%s%scur", path, *path != '\0' ? "/" : "");
	if ((fd = box_open(s->files, buf_str(&cur))) != -1) {
		r = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
		close(fd);
	}
	buf_clear(&cur);
	return r;
}

static int	read_folder(struct box_source *s, const char *path,
	    const char *mailbox, int depth);

/* An mbox has its name without ".mbox". */
static size_t
mbox_len(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && strcmp(name + n - 5, ".mbox") == 0 ? n - 5 : n;
}

/* The first octets say whether a file is an mbox: others are no mail. */
static int
read_file(struct box_source *s, int fd, const char *path, const char *mailbox)
{
	char first[5];

	if (pread(fd, first, sizeof(first), 0) == (ssize_t)sizeof(first) &&
	    memcmp(first, "From ", 5) == 0)
		return box_mbox(s, fd, path, mailbox, attrs_of(s, mailbox));
	close(fd);
	return 0;
}

/* The names in a folder, sorted, so that every run is the same. */
static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **
list_names(struct box_source *s, const char *path, size_t *n_r)
{
	DIR *d = box_opendir(s->files, path);
	char **list = NULL;
	struct dirent *e;
	size_t n = 0;

	*n_r = 0;
	if (d == NULL) {
		left_out(s, path, strerror(errno));
		return NULL;
	}
	while (n < BOX_FOLDERS * 2 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		list = mem_realloc(list, n + 1, sizeof(*list));
		list[n++] = mem_strdup(e->d_name);
	}
	closedir(d);
	if (n > 0)
		qsort(list, n, sizeof(*list), by_name);
	*n_r = n;
	return list;
}

/* Whether the name is one of a Maildir's own, or of an index. */
static int
is_own(const char *name, int maildir)
{
	return (maildir && (strcmp(name, "cur") == 0 ||
	    strcmp(name, "new") == 0 || strcmp(name, "tmp") == 0)) ||
	    strncmp(name, "dovecot", 7) == 0 ||
	    strcmp(name, "subscriptions") == 0 ||
	    strncmp(name, "rohrpost-", 9) == 0;
}

/* What names in the folder lie below: beside the INBOX of the top, and below an
   INBOX further down, as every other mailbox. */
static const char *
parent_of(const struct box_source *s, const char *mailbox, int depth)
{
	if (depth > 0)
		return mailbox;
	return s->root != NULL ? s->root : "";
}

/* One name of a folder: a folder of mail, an mbox, or nothing. */
static int
read_entry(struct box_source *s, const char *path, const char *mailbox,
    const char *name, int depth)
{
	struct buf below = BUF_INIT(0), box = BUF_INIT(0);
	struct stat st;
	int fd, r = 0, plus = *name == '.';

	buf_printf(&below, "%s%s%s", path, *path != '\0' ? "/" : "", name);
	if ((fd = box_open(s->files, buf_str(&below))) == -1 ||
	    fstat(fd, &st) == -1) {
		if (errno == ELOOP || errno == EINVAL || errno == ENOTDIR)
			left_out(s, buf_str(&below), _("a link, or no regular "
			    "file"));
		else
			left_out(s, buf_str(&below), strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		folder_name(s, &box, parent_of(s, mailbox, depth), name + plus,
		    strlen(name + plus), plus ? '.' : 0);
		if (!plus || is_maildir(s, buf_str(&below)))
			r = read_folder(s, buf_str(&below), buf_str(&box),
			    depth + 1);
	} else if (!plus) {
		folder_name(s, &box, parent_of(s, mailbox, depth), name,
		    mbox_len(name), 0);
		r = read_file(s, fd, buf_str(&below), buf_str(&box));
		fd = -1;
	}
	fd_close(&fd);
	buf_clear(&below);
	buf_clear(&box);
	return r;
}

static int
read_folder(struct box_source *s, const char *path, const char *mailbox,
    int depth)
{
	int maildir = is_maildir(s, path), r = 0;
	size_t n, i;
	char **list;

	if (depth > BOX_DEPTH || ++s->folders > BOX_FOLDERS) {
		left_out(s, path, _("too many folders, or too deep"));
		return 0;
	}
	if (maildir && box_maildir(s, path, mailbox,
	    attrs_of(s, mailbox)) == -1)
		return -1;
	list = list_names(s, path, &n);
	for (i = 0; i < n; i++) {
		if (r == 0 && !is_own(list[i], maildir))
			r = read_entry(s, path, mailbox, list[i], depth);
		free(list[i]);
	}
	free(list);
	return r;
}

static void
read_subscriptions(struct box_source *s)
{
	struct buf text = BUF_INIT(BOX_SMALL_MAX), raw = BUF_INIT(0);
	struct buf name = BUF_INIT(0);
	struct cursor c;
	const char *p;
	size_t len;

	if (box_slurp(s->files, "subscriptions", &text) == 0) {
		box_subscriptions_read(&raw, buf_str(&text), text.len);
		s->has_subscriptions = 1;
		cursor_init(&c, buf_str(&raw), raw.len);
		while (cursor_left(&c) > 0 &&
		    (p = cursor_lv(&c, &len, DOOR_NAME_MAX)) != NULL) {
			folder_name(s, &name, s->root != NULL ? s->root : "", p,
			    len, '/');
			buf_put_lv(&s->subscribed, buf_str(&name), name.len);
		}
	}
	buf_clear(&text);
	buf_clear(&raw);
	buf_clear(&name);
}

/* A single mbox: what a mail spool is called is the INBOX. */
static int
read_mbox(struct box_source *s, int fd)
{
	struct buf box = BUF_INIT(0);
	int r;

	if (s->root != NULL)
		buf_puts(&box, s->root);
	else if (str_casecmp(s->file, "mbox") == 0 ||
	    str_casecmp(s->file, "inbox") == 0 ||
	    strcmp(s->file, s->local) == 0)
		buf_puts(&box, "INBOX");
	else
		folder_name(s, &box, "", s->file, mbox_len(s->file), 0);
	r = box_mbox(s, fd, s->file, buf_str(&box), attrs_of(s,
	    buf_str(&box)));
	buf_clear(&box);
	return r;
}

int
box_source_read(struct box_source *s)
{
	struct stat st;
	int fd = box_open(s->files, "");

	if (fd == -1 || fstat(fd, &st) == -1) {
		fd_close(&fd);
		left_out(s, "", strerror(errno));
		return 0;
	}
	if (S_ISREG(st.st_mode))
		return read_mbox(s, fd);
	close(fd);
	if ((fd = box_open(s->files, BOX_EXPORT_MARK)) != -1) {
		s->escaped = 1;
		close(fd);
	}
	read_subscriptions(s);
	return read_folder(s, "", s->root != NULL ? s->root : "INBOX", 0);
}
