#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "relay/collect_journal.h"

#define NAME	"journal"
#define NAME_NEW NAME ".new"
#define HEAD	"rohrpost-collect "
#define VERSION	"1"

enum {
	STALE_MIN = 1000,	/* lines: a shorter file is left as it is */
	LOOK_EVERY = 3600,	/* seconds: whether it is to be written anew */
	READ = 64 * 1024,
	WRITE = 256 * 1024,	/* octets that a new file is written in */
};

struct book {			/* of an account */
	char	*account;
	void	*tree;		/* struct journal_entry by key: tsearch(3) */
	size_t	 n;		/* that are not gone */
};

struct journal {
	int	 dirfd, fd;
	off_t	 end;		/* of what is durable */
	off_t	 skipped;	/* behind it, of a line that is too long */
	struct book *book;
	size_t	 n_books;
	struct buf added;	/* lines that are not written */
	size_t	 lines, senseless;
	size_t	 entries, gone;
	int64_t	 looked;	/* when what is over was counted; 0: never */
};

static int
compare(const void *a, const void *b)
{
	const struct journal_entry *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static struct book *
book_find(const struct journal *j, const char *account, size_t len)
{
	size_t i;

	for (i = 0; i < j->n_books; i++)
		if (strncmp(j->book[i].account, account, len) == 0 &&
		    j->book[i].account[len] == '\0')
			return &j->book[i];
	return NULL;
}

static struct book *
book_of(struct journal *j, const char *account, size_t len)
{
	struct book *b = book_find(j, account, len);

	if (b != NULL)
		return b;
	j->book = mem_realloc(j->book, j->n_books + 1, sizeof(*j->book));
	b = &j->book[j->n_books++];
	*b = (struct book){ .account = mem_strndup(account, len) };
	return b;
}

static struct journal_entry *
entry_new(const char *key, size_t len)
{
	struct journal_entry *e = mem_zalloc(1, sizeof(*e) + len + 1);

	memcpy(e->key, key, len);
	return e;
}

static struct journal_entry *
entry_find(const struct book *b, const char *key, size_t len)
{
	_Alignas(struct journal_entry) char
	    room[sizeof(struct journal_entry) + UIDL_MAX + 1];
	struct journal_entry *wanted = (void *)room;
	void *at;

	if (b == NULL || len > UIDL_MAX)
		return NULL;
	memcpy(wanted->key, key, len);
	wanted->key[len] = '\0';
	at = tfind(wanted, &b->tree, compare);
	return at != NULL ? *(struct journal_entry **)at : NULL;
}

/* What a line says holds from now on. */
static void
take(struct journal *j, const struct journal_line *l)
{
	struct book *b = book_of(j, l->account, l->account_len);
	struct journal_entry *e = entry_find(b, l->key, l->key_len);

	j->lines++;
	if (e == NULL && l->what == JOURNAL_GONE)
		return;
	if (e == NULL) {
		e = entry_new(l->key, l->key_len);
		if (tsearch(e, &b->tree, compare) == NULL)
			log_fatal("out of memory");
		e->gone = 1;
		j->entries++;
		j->gone++;
	}
	if (l->what == JOURNAL_GONE) {
		b->n -= !e->gone;
		j->gone += !e->gone;
		e->gone = 1;
	} else {
		b->n += e->gone;
		j->gone -= e->gone;
		e->gone = 0;
		e->what = (uint8_t)l->what;
		e->size = l->size;
		e->hash = l->hash;
	}
	e->time = l->time;
}

/* Reading */

static void
take_text(struct journal *j, const char *p, size_t len)
{
	struct journal_line l;

	if (len == 0)
		return;
	if (journal_parse(p, len, &l) == 0) {
		take(j, &l);
		return;
	}
	j->lines++;
	j->senseless++;
}

/* The first line. 0; -1: it is none of ours; 1: of a later version. */
static int
head_check(const char *p, size_t len)
{
	static const size_t n = sizeof(HEAD) - 1;

	if (len <= n || memcmp(p, HEAD, n) != 0)
		return -1;
	return len == n + 1 && p[n] == VERSION[0] ? 0 : 1;
}

/* Takes the whole lines of b, and leaves the rest. As head_check. */
static int
take_lines(struct journal *j, struct buf *b, int *headed)
{
	const char *p = b->data, *lf;
	size_t left = b->len, len;
	int r;

	while (left > 0 && (lf = memchr(p, '\n', left)) != NULL) {
		len = (size_t)(lf - p);
		if (!*headed && (r = head_check(p, len)) != 0)
			return r;
		if (*headed)
			take_text(j, p, len);
		*headed = 1;
		p = lf + 1;
		left -= len + 1;
		j->end += j->skipped + (off_t)len + 1;
		j->skipped = 0;
	}
	buf_consume(b, b->len - left);
	return 0;
}

/* A line that is longer than any of ours is passed over. */
static void
skip_long(struct journal *j, struct buf *b)
{
	if (b->len <= JOURNAL_LINE_MAX)
		return;
	j->skipped += (off_t)(b->len - 1);
	buf_consume(b, b->len - 1);
}

static int
read_all(struct journal *j, int *headed, int *newer_r)
{
	struct buf b = BUF_INIT(2 * READ);
	ssize_t n;
	int r = 0;

	while (r == 0) {
		if (buf_reserve(&b, READ) == -1)
			break;
		n = read(j->fd, b.data + b.len, READ);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n == 0 ? 0 : -1;
			break;
		}
		b.len += (size_t)n;
		r = take_lines(j, &b, headed);
		if (r == 0 && *headed)
			skip_long(j, &b);
		else if (r == 0 && b.len > JOURNAL_LINE_MAX)
			r = -2;
		if (r == -1)
			r = -2;
	}
	if (r == -2)
		errno = EINVAL;
	*newer_r = r == 1;
	buf_clear(&b);
	return r == 0 ? 0 : -1;
}

/* An empty file, or one whose first line a kill has torn, begins anew. */
static int
begin(struct journal *j)
{
	static const char head[] = HEAD VERSION "\n";

	if (ftruncate(j->fd, 0) == -1 || lseek(j->fd, 0, SEEK_SET) == -1 ||
	    fd_write_all(j->fd, head, sizeof(head) - 1) == -1 ||
	    fd_sync(j->fd) == -1 || fd_sync_dir(j->dirfd) == -1)
		return -1;
	j->end = sizeof(head) - 1;
	return 0;
}

static int
load(struct journal *j, int *newer_r, struct buf *why)
{
	struct stat st;
	int headed = 0;

	if (fstat(j->fd, &st) == -1 || read_all(j, &headed, newer_r) == -1) {
		if (*newer_r)
			buf_set(why, "the journal of what was collected is of "
			    "a newer version");
		else
			buf_set(why, "spool/collect/" NAME ": %s",
			    errno == EINVAL ? "is no journal" :
			    strerror(errno));
		return -1;
	}
	if (!headed && st.st_size < (off_t)sizeof(HEAD VERSION "\n") &&
	    begin(j) == 0)
		return 0;
	/* Of a line without its end nobody was told. */
	if (headed && (st.st_size == j->end || ftruncate(j->fd, j->end) == 0) &&
	    lseek(j->fd, j->end, SEEK_SET) != -1)
		return 0;
	buf_set(why, "spool/collect/" NAME ": %s", headed ? strerror(errno) :
	    "is no journal");
	return -1;
}

struct journal *
journal_open(int dirfd, int *newer_r, struct buf *why)
{
	struct journal *j = mem_zalloc(1, sizeof(*j));

	*newer_r = 0;
	j->dirfd = dirfd;
	unlinkat(dirfd, NAME_NEW, 0);
	j->fd = openat(dirfd, NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (j->fd == -1)
		buf_set(why, "spool/collect/" NAME ": %s", strerror(errno));
	else if (load(j, newer_r, why) == 0)
		return j;
	journal_close(&j);
	return NULL;
}

void
journal_close(struct journal **jp)
{
	struct journal *j = *jp;
	size_t i;

	if (j == NULL)
		return;
	for (i = 0; i < j->n_books; i++) {
		tdestroy(j->book[i].tree, free);
		free(j->book[i].account);
	}
	free(j->book);
	buf_clear(&j->added);
	fd_close(&j->fd);
	free(j);
	*jp = NULL;
}

/* Looking */

struct journal_entry *
journal_find(struct journal *j, const char *account, const char *key,
    size_t len, int64_t now)
{
	struct journal_entry *e = entry_find(book_find(j, account,
	    strlen(account)), key, len);

	if (e != NULL && e->gone && now - e->time > JOURNAL_GONE_KEEP)
		return NULL;
	return e;
}

struct each {
	void	(*each)(struct journal_entry *e, void *arg);
	void	*arg;
};

static void
each_node(const void *node, VISIT v, void *arg)
{
	struct journal_entry *e = *(struct journal_entry *const *)node;
	struct each *x = arg;

	if ((v == postorder || v == leaf) && !e->gone)
		x->each(e, x->arg);
}

void
journal_each(struct journal *j, const char *account,
    void (*each)(struct journal_entry *e, void *arg), void *arg)
{
	struct book *b = book_find(j, account, strlen(account));
	struct each x = { each, arg };

	if (b != NULL)
		twalk_r(b->tree, each_node, &x);
}

size_t
journal_count(const struct journal *j, const char *account)
{
	const struct book *b = book_find(j, account, strlen(account));

	return b != NULL ? b->n : 0;
}

size_t
journal_senseless(const struct journal *j)
{
	return j->senseless;
}

/* Writing */

void
journal_add(struct journal *j, const struct journal_line *l)
{
	journal_write(l, &j->added);
}

int
journal_pending(const struct journal *j)
{
	return j->added.len > 0;
}

int
journal_sync(struct journal *j, struct buf *why)
{
	const char *p = buf_str(&j->added), *line;
	size_t len, n = j->added.len;

	if (n == 0)
		return 0;
	if (fd_write_all(j->fd, p, n) == -1) {
		buf_set(why, "spool/collect/" NAME ": %s", strerror(errno));
		buf_reset(&j->added);
		if (ftruncate(j->fd, j->end) == -1 ||
		    lseek(j->fd, j->end, SEEK_SET) == -1)
			log_fatal("%s", buf_str(why));
		return -1;
	}
	/* What the disk did not take is lost (fsync(2)). */
	if (fd_sync(j->fd) == -1)
		log_fatal("spool/collect/" NAME ": %s", strerror(errno));
	j->end += (off_t)n;
	while ((line = str_line(&p, &len)) != NULL)
		take_text(j, line, len);
	buf_reset(&j->added);
	return 0;
}

/* Writing anew */

struct rewrite {
	int64_t	 now;
	const struct book *book;
	struct buf out;
	int	 fd, error;
	off_t	 size;
	size_t	 lines;
};

static void
flush(struct rewrite *w)
{
	if (w->error == 0 && fd_write_all(w->fd, w->out.data, w->out.len) == -1)
		w->error = errno;
	w->size += (off_t)w->out.len;
	buf_reset(&w->out);
}

static int
is_over(const struct journal_entry *e, int64_t now)
{
	return e->gone && now - e->time > JOURNAL_GONE_KEEP;
}

static void
rewrite_node(const void *node, VISIT v, void *arg)
{
	const struct journal_entry *e =
	    *(struct journal_entry *const *)node;
	struct rewrite *w = arg;
	struct journal_line l = { .what = (enum journal_what)e->what,
		.time = e->time, .size = e->size, .hash = e->hash,
		.account = w->book->account,
		.account_len = strlen(w->book->account),
		.key = e->key, .key_len = strlen(e->key) };

	if ((v != postorder && v != leaf) || is_over(e, w->now))
		return;
	journal_write(&l, &w->out);
	w->lines++;
	if (e->gone) {
		l.what = JOURNAL_GONE;
		journal_write(&l, &w->out);
		w->lines++;
	}
	if (w->out.len >= WRITE)
		flush(w);
}

/* How many keys are over. */
struct tally {
	int64_t	 now;
	size_t	 n;
};

static void
tally_node(const void *node, VISIT v, void *arg)
{
	const struct journal_entry *e =
	    *(struct journal_entry *const *)node;
	struct tally *t = arg;

	if (v == postorder || v == leaf)
		t->n += (size_t)is_over(e, t->now);
}

/* A key that is gone has two lines: of use, until it is over. */
int
journal_stale(struct journal *j, int64_t now)
{
	struct tally t = { .now = now };
	size_t i, most = j->entries + j->gone;

	if (j->lines < STALE_MIN || j->lines <= 2 * (j->entries - j->gone) ||
	    (j->looked != 0 && now >= j->looked &&
	    now - j->looked < LOOK_EVERY))
		return 0;
	j->looked = now;
	for (i = 0; i < j->n_books; i++)
		twalk_r(j->book[i].tree, tally_node, &t);
	return j->lines > 2 * (most - 2 * t.n);
}

/* The new file takes the place of the old, in memory too. */
static int
replace(struct journal *j, struct rewrite *w)
{
	if (w->error == 0 && fd_sync(w->fd) == -1)
		w->error = errno;
	if (w->error == 0 && renameat(j->dirfd, NAME_NEW, j->dirfd,
	    NAME) == -1)
		w->error = errno;
	if (w->error != 0)
		return -1;
	/* Either name may be what a power cut leaves, until this: what is
	   appended to a file without its name would be lost with it. */
	if (fd_sync_dir(j->dirfd) == -1)
		log_fatal("spool/collect: %s", strerror(errno));
	fd_close(&j->fd);
	j->fd = w->fd;
	j->end = w->size;
	j->lines = w->lines;
	j->senseless = 0;
	return 0;
}

struct over {
	int64_t	 now;
	struct journal_entry **e;
	size_t	 n, cap;
};

static void
over_node(const void *node, VISIT v, void *arg)
{
	struct journal_entry *e = *(struct journal_entry *const *)node;
	struct over *o = arg;

	if ((v != postorder && v != leaf) || !is_over(e, o->now))
		return;
	if (o->n == o->cap) {
		o->cap = o->cap * 2 + 64;
		o->e = mem_realloc(o->e, o->cap, sizeof(struct journal_entry *));
	}
	o->e[o->n++] = e;
}

/* Takes what is over out of a book. */
static void
forget(struct journal *j, struct book *b, int64_t now)
{
	struct over o = { .now = now };
	size_t i;

	twalk_r(b->tree, over_node, &o);
	for (i = 0; i < o.n; i++) {
		tdelete(o.e[i], &b->tree, compare);
		free(o.e[i]);
		j->entries--;
		j->gone--;
	}
	free(o.e);
}

int
journal_compact(struct journal *j, int64_t now, struct buf *why)
{
	struct rewrite w = { .now = now, .out = BUF_INIT(0) };
	size_t i;
	int r = -1;

	if (journal_sync(j, why) == -1)
		return -1;
	w.fd = openat(j->dirfd, NAME_NEW, O_RDWR | O_CREAT | O_TRUNC |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w.fd != -1) {
		buf_puts(&w.out, HEAD VERSION "\n");
		for (i = 0; i < j->n_books; i++) {
			w.book = &j->book[i];
			twalk_r(w.book->tree, rewrite_node, &w);
		}
		flush(&w);
		r = replace(j, &w);
	} else {
		w.error = errno;
	}
	if (r == -1) {
		buf_set(why, "spool/collect/" NAME_NEW ": %s",
		    strerror(w.error));
		fd_close(&w.fd);
		unlinkat(j->dirfd, NAME_NEW, 0);
	}
	for (i = 0; r == 0 && i < j->n_books; i++)
		forget(j, &j->book[i], now);
	buf_clear(&w.out);
	return r;
}
