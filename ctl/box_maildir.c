/*
 * A Maildir. Its messages come in the order of their UIDs, where Dovecot gave
 * some; then the others, by name, which begins with the time.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/box_dovecot.h"
#include "ctl/box_open.h"
#include "ctl/box_source.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/mailbox_name.h"

struct entry {
	char	*name;
	uint32_t uid;
	int	 fresh;			/* it lies in new */
};

struct maildir {
	struct box_source *s;
	const char *path, *mailbox;
	struct entry *list;
	size_t	 n, cap;
	struct buf text;		/* dovecot-uidlist */
	struct box_uidlist uids;
	char	*keyword[BOX_KEYWORDS];
};

static int
by_uid(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	uint32_t i = a->uid == 0 ? UINT32_MAX : a->uid;
	uint32_t k = b->uid == 0 ? UINT32_MAX : b->uid;

	return i < k ? -1 : i > k ? 1 : strcmp(a->name, b->name);
}

static void
path_of(const struct maildir *m, struct buf *out, const char *name)
{
	buf_reset(out);
	buf_printf(out, "%s%s%s", m->path, *m->path != '\0' ? "/" : "", name);
}

static void
list_files(struct maildir *m, int fresh)
{
	struct buf path = BUF_INIT(0);
	struct dirent *e;
	DIR *d;

	path_of(m, &path, fresh ? "new" : "cur");
	if ((d = box_opendir(m->s->files, buf_str(&path))) == NULL) {
		if (errno != ENOENT)
			box_put_skip(&m->s->put, fresh ? "new" : "cur",
			    strerror(errno));
		buf_clear(&path);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (*e->d_name == '.')
			continue;
		if (m->n == BOX_FILES) {
			box_put_skip(&m->s->put, e->d_name,
			    _("too many messages"));
			break;
		}
		if (m->n == m->cap) {
			m->cap = m->cap * 2 + 64;
			m->list = mem_realloc(m->list, m->cap,
			    sizeof(*m->list));
		}
		m->list[m->n++] = (struct entry){ mem_strdup(e->d_name),
		    box_uidlist_find(&m->uids, e->d_name, box_base_len(
		    e->d_name, strlen(e->d_name))), fresh };
	}
	closedir(d);
	buf_clear(&path);
}

static void
read_dovecot(struct maildir *m)
{
	struct buf path = BUF_INIT(0), text = BUF_INIT(BOX_SMALL_MAX);

	buf_init(&m->text, BOX_UIDLIST_MAX);
	path_of(m, &path, "dovecot-uidlist");
	if (box_slurp(m->s->files, buf_str(&path), &m->text) == 0 &&
	    box_uidlist_read(&m->uids, buf_str(&m->text), m->text.len) == -1)
		box_put_skip(&m->s->put, "dovecot-uidlist",
		    _("it makes no sense: the messages get new UIDs"));
	path_of(m, &path, "dovecot-keywords");
	if (box_slurp(m->s->files, buf_str(&path), &text) == 0)
		box_keywords_read(m->keyword, buf_str(&text), text.len);
	buf_clear(&path);
	buf_clear(&text);
}

/* What stands behind ":2,". */
static void
read_flags(const struct maildir *m, const struct entry *e,
    struct box_message *b)
{
	const char *p = strstr(e->name, ":2,");

	for (p = p == NULL ? "" : p + 3; *p != '\0' && *p != ','; p++) {
		b->flags |= *p == 'S' ? FLAG_SEEN : *p == 'R' ? FLAG_ANSWERED :
		    *p == 'F' ? FLAG_FLAGGED : *p == 'T' ? FLAG_DELETED :
		    *p == 'D' ? FLAG_DRAFT : 0;
		if (*p >= 'a' && *p <= 'z' && m->keyword[*p - 'a'] != NULL)
			buf_put_lv(b->keywords, m->keyword[*p - 'a'],
			    strlen(m->keyword[*p - 'a']));
	}
}

static void
id_of(const struct maildir *m, const struct entry *e, unsigned char *id_r)
{
	static const char kind[] = "maildir";
	const struct buf part[3] = {
		{ .data = (char *)(uintptr_t)kind, .len = sizeof(kind) - 1 },
		{ .data = (char *)(uintptr_t)m->path, .len = strlen(m->path) },
		{ .data = e->name, .len = box_base_len(e->name,
		    strlen(e->name)) },
	};
	const struct buf *const list[3] = { &part[0], &part[1], &part[2] };

	box_id(id_r, list, 3);
}

/* The octets of the file: 0, or -1 with errno. */
static int
copy(struct box_put *p, int fd)
{
	char chunk[65536];
	ssize_t n;
	off_t off = 0;

	while ((n = pread(fd, chunk, sizeof(chunk), off)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		box_put_octets(p, chunk, (size_t)n);
		off += n;
		if (off > BOX_MESSAGE_MAX)
			break;
	}
	return 0;
}

static int
put_file(struct maildir *m, const struct entry *e, int fd,
    struct box_message *b)
{
	struct box_put *p = &m->s->put;
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		box_put_skip(p, e->name, _("no regular file"));
		return 0;
	}
	b->date = st.st_mtime;
	if (box_put_begin(p) == -1)
		return -1;
	if (copy(p, fd) == 0)
		return box_put_end(p, b);
	box_put_skip(p, e->name, strerror(errno));
	box_put_cancel(p);
	return 0;
}

static int
put_entry(struct maildir *m, const struct entry *e)
{
	struct buf path = BUF_INIT(0), keywords = BUF_INIT(0), name;
	struct box_message b = { .uid = e->uid, .keywords = &keywords };
	int fd, r = 0;

	id_of(m, e, b.id);
	if (box_put_known(&m->s->put, b.id))
		return 0;
	read_flags(m, e, &b);
	buf_init(&name, 0);
	buf_printf(&name, "%s/%s", e->fresh ? "new" : "cur", e->name);
	path_of(m, &path, buf_str(&name));
	fd = box_open(m->s->files, buf_str(&path));
	if (fd == -1)
		box_put_skip(&m->s->put, e->name, errno == ENOENT ?
		    _("it was moved meanwhile; the same command again finds "
		    "it") : errno == ELOOP || errno == EINVAL ?
		    _("no regular file") : strerror(errno));
	else {
		r = put_file(m, e, fd, &b);
		close(fd);
	}
	buf_clear(&name);
	buf_clear(&path);
	buf_clear(&keywords);
	return r;
}

/* Behind all that have one the others have the next ones, as there. */
static int
put_all(struct maildir *m)
{
	uint32_t next = m->uids.uidnext;
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (m->list[i].uid == 0 && next != 0)
			m->list[i].uid = next++;
		if (put_entry(m, &m->list[i]) == -1)
			return -1;
	}
	return box_put_mailbox_end(&m->s->put, next);
}

int
box_maildir(struct box_source *s, const char *path, const char *mailbox,
    uint32_t attrs)
{
	struct maildir m = { .s = s, .path = path, .mailbox = mailbox };
	size_t i;
	int r;

	if (!mailbox_name_ok(mailbox)) {
		box_put_skip(&s->put, path, _("that is no name of a mailbox"));
		return 0;
	}
	read_dovecot(&m);
	if ((r = box_put_mailbox(&s->put, mailbox, attrs,
	    m.uids.uidvalidity)) == 0) {
		list_files(&m, 0);
		list_files(&m, 1);
		if (m.n > 0)
			qsort(m.list, m.n, sizeof(*m.list), by_uid);
		r = put_all(&m);
	}
	for (i = 0; i < m.n; i++)
		free(m.list[i].name);
	for (i = 0; i < BOX_KEYWORDS; i++)
		free(m.keyword[i]);
	free(m.list);
	box_uidlist_clear(&m.uids);
	buf_clear(&m.text);
	return r;
}
