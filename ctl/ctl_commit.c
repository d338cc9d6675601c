#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl_commit.h"
#include "ctl/ctl_compile.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/server/settings.h"

static const char journal[] = ".edit";

enum { NAME_SIZE = 64, FILES = TEXT_COUNT + TABLE_CDBS, JOURNAL_MAX = 8192 };

struct commit_file {
	int	 dirfd;
	const char *name;
	int	 staged;
	int	 absent;	/* there was none before */
};

struct commit {
	const struct table *table[TEXT_COUNT];
	int	 conf;			/* borrowed */
	int	 cdb[TABLE_CDBS];
	struct commit_file file[FILES];	/* in the order of the renames */
};

static int
failed(struct buf *why, const char *dir, const char *sub, const char *name)
{
	buf_set(why, "%s%s%s/%s: %s", dir, sub != NULL ? "/" : "",
	    sub != NULL ? sub : "", name, strerror(errno));
	return -1;
}

static void
commit_close(struct commit *c)
{
	int i;

	for (i = 0; i < TABLE_CDBS; i++)
		fd_close(&c->cdb[i]);
}

static void
list_files(struct commit *c)
{
	struct commit_file *f = c->file;
	int first, i;

	for (first = 1; first >= 0; first--)
		for (i = 0; i < TEXT_COUNT; i++)
			if (c->table[i]->save_first == first)
				*f++ = (struct commit_file){
				    .dirfd = c->conf,
				    .name = c->table[i]->file };
	for (i = 0; i < TABLE_CDBS; i++)
		*f++ = (struct commit_file){ .dirfd = c->cdb[i],
		    .name = compile_files[i].name };
}

/* Over the tables in c->table. */
static int
commit_open(struct commit *c, int conf, const char *state_dir,
    struct buf *why)
{
	struct buf path = BUF_INIT(0);
	int i;

	c->conf = conf;
	for (i = 0; i < TABLE_CDBS; i++)
		c->cdb[i] = -1;
	for (i = 0; i < TABLE_CDBS; i++) {
		buf_reset(&path);
		buf_printf(&path, "%s/%s", state_dir, compile_files[i].sub);
		c->cdb[i] = open(buf_str(&path), O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC);
		if (c->cdb[i] == -1) {
			(void)failed(why, state_dir, compile_files[i].sub,
			    compile_files[i].name);
			commit_close(c);
			break;
		}
	}
	buf_clear(&path);
	if (i < TABLE_CDBS)
		return -1;
	list_files(c);
	return 0;
}

static int
sync_dirs(const struct commit *c)
{
	int i;

	/* Files of one directory stand beside each other there. */
	for (i = 0; i < TABLE_CDBS; i++)
		if ((i + 1 == TABLE_CDBS || strcmp(compile_files[i].sub,
		    compile_files[i + 1].sub) != 0) &&
		    fd_sync_dir(c->cdb[i]) == -1)
			return -1;
	return fd_sync_dir(c->conf);
}

/* NAME.new or NAME.old; names are ours, and short. */
static const char *
beside(char buf[NAME_SIZE], const struct commit_file *f, const char *end)
{
	snprintf(buf, NAME_SIZE, "%s.%s", f->name, end);
	return buf;
}

static struct commit_file *
find(struct commit *c, const char *name, size_t len)
{
	int i;

	for (i = 0; i < FILES; i++)
		if (strlen(c->file[i].name) == len &&
		    memcmp(c->file[i].name, name, len) == 0)
			return &c->file[i];
	return NULL;
}

static struct commit_file *
file_of(struct commit *c, const char *name)
{
	return find(c, name, strlen(name));
}

static int
stage(struct commit *c, struct set *s, const char *state_dir,
    const gid_t gid[TABLE_CDBS], struct buf *why)
{
	int i;

	for (i = 0; i < TEXT_COUNT; i++) {
		if (!s->t[i].dirty)
			continue;
		if (text_stage(&s->t[i], c->conf) == -1)
			return failed(why, s->dir, NULL, c->table[i]->file);
		file_of(c, c->table[i]->file)->staged = 1;
	}
	for (i = 0; i < TABLE_CDBS; i++) {
		if (set_compile_stage(s, (enum table_cdb)i, c->cdb[i],
		    gid[i]) == -1)
			return failed(why, state_dir, compile_files[i].sub,
			    compile_files[i].name);
		file_of(c, compile_files[i].name)->staged = 1;
	}
	return 0;
}

/* The second names of what is there. */
static int
keep_old(struct commit *c)
{
	struct commit_file *f;
	char old[NAME_SIZE];

	for (f = c->file; f < c->file + FILES; f++) {
		if (!f->staged)
			continue;
		beside(old, f, "old");
		if (unlinkat(f->dirfd, old, 0) == -1 && errno != ENOENT)
			return -1;
		if (linkat(f->dirfd, f->name, f->dirfd, old, 0) == 0)
			continue;
		if (errno != ENOENT)
			return -1;
		f->absent = 1;
	}
	return 0;
}

static int
write_journal(struct commit *c, const char *state_dir)
{
	struct buf b = BUF_INIT(JOURNAL_MAX);
	int i, r;

	r = buf_printf(&b, "%s\n", state_dir);
	for (i = 0; i < FILES; i++)
		if (r == 0 && c->file[i].staged)
			r = buf_printf(&b, "%c%s\n",
			    c->file[i].absent ? '-' : '+', c->file[i].name);
	if (r == -1)
		errno = ENAMETOOLONG;
	else if ((r = sync_dirs(c)) == 0)
		r = fd_replace(c->conf, journal, 0600, buf_str(&b), b.len);
	buf_clear(&b);
	return r;
}

static int
rename_all(struct commit *c)
{
	struct commit_file *f;
	char new[NAME_SIZE];

	for (f = c->file; f < c->file + FILES; f++)
		if (f->staged && renameat(f->dirfd, beside(new, f, "new"),
		    f->dirfd, f->name) == -1)
			return -1;
	return sync_dirs(c);
}

static int
remove_journal(const struct commit *c)
{
	if (unlinkat(c->conf, journal, 0) == -1 && errno != ENOENT)
		return -1;
	return fd_sync_dir(c->conf);
}

/* What was there before has its name again; what fails is left to the next. */
static int
undo(struct commit *c)
{
	struct commit_file *f;
	char old[NAME_SIZE];
	int r;

	for (f = c->file; f < c->file + FILES; f++) {
		if (!f->staged)
			continue;
		/* Two names of one file stay both: it was not replaced. */
		r = f->absent ? unlinkat(f->dirfd, f->name, 0) :
		    renameat(f->dirfd, beside(old, f, "old"), f->dirfd,
		    f->name);
		if (r == -1 && errno != ENOENT)
			return -1;
	}
	return sync_dirs(c) == 0 ? remove_journal(c) : -1;
}

/* Leftovers do no harm: the next edit removes them too. */
static void
sweep(struct commit *c)
{
	struct commit_file *f;
	char name[NAME_SIZE];

	for (f = c->file; f < c->file + FILES; f++) {
		if (!f->staged)
			continue;
		(void)unlinkat(f->dirfd, beside(name, f, "new"), 0);
		(void)unlinkat(f->dirfd, beside(name, f, "old"), 0);
	}
}

int
set_commit(struct set *s, const char *state_dir, const gid_t gid[TABLE_CDBS],
    struct buf *why)
{
	struct commit c;
	int i, r, begun = 0;

	for (i = 0; i < TEXT_COUNT; i++)
		c.table[i] = s->t[i].table;
	if (commit_open(&c, s->dirfd, state_dir, why) == -1)
		return -1;
	r = stage(&c, s, state_dir, gid, why);
	if (r == 0) {
		begun = keep_old(&c) == 0;
		r = begun && write_journal(&c, state_dir) == 0 &&
		    rename_all(&c) == 0 && remove_journal(&c) == 0 ? 0 : -1;
		if (r == -1)
			failed(why, s->dir, NULL, journal);
	}
	if (r == -1 && begun && undo(&c) == -1)
		buf_printf(why, _("\n%s: the edit is not undone yet: the next "
		    "command does it"), s->dir);
	else
		sweep(&c);
	commit_close(&c);
	return r;
}

int
commit_pending(int dirfd)
{
	return faccessat(dirfd, journal, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The lines of the journal but the first; what is not known is passed over. */
static void
read_files(struct commit *c, const char *p)
{
	struct commit_file *f;
	const char *line;
	size_t len;

	while ((line = str_line(&p, &len)) != NULL) {
		if (len < 2 || (f = find(c, line + 1, len - 1)) == NULL)
			continue;
		f->staged = 1;
		f->absent = line[0] == '-';
	}
}

static int
is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec :
	    a->tv_nsec > b->tv_nsec;
}

/*
 * What the edit wrote is older than its journal. A file that is younger was
 * written by somebody else after it broke off: his work is not undone.
 */
static int
check_foreign(const struct commit *c, const struct timespec *begun,
    struct buf *why)
{
	const struct commit_file *f;
	struct stat st, was;
	char old[NAME_SIZE];

	for (f = c->file; f < c->file + FILES; f++) {
		if (!f->staged || fstatat(f->dirfd, f->name, &st,
		    AT_SYMLINK_NOFOLLOW) == -1 || !is_later(&st.st_mtim, begun))
			continue;
		/* Two names of one file: undoing it changes nothing. */
		if (fstatat(f->dirfd, beside(old, f, "old"), &was,
		    AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == was.st_ino)
			continue;
		buf_set(why, _("%s was changed since: put right what stands "
		    "there (%s is how it was), then remove %s"), f->name, old,
		    journal);
		return -1;
	}
	return 0;
}

static int
recover(const struct table *const *tables, int dirfd, const char *text,
    const struct timespec *begun, struct buf *why)
{
	char state_dir[SETTINGS_PATH_MAX];
	const char *p = text, *line;
	struct commit c;
	size_t len;
	int r;

	line = str_line(&p, &len);
	if (line == NULL || len >= sizeof(state_dir)) {
		buf_set(why, _("not understood"));
		return -1;
	}
	memcpy(state_dir, line, len);
	state_dir[len] = '\0';
	memcpy(c.table, tables, sizeof(c.table));
	if (commit_open(&c, dirfd, state_dir, why) == -1)
		return -1;
	read_files(&c, p);
	r = check_foreign(&c, begun, why);
	if (r == 0 && (r = undo(&c)) == -1)
		buf_set(why, "%s", strerror(errno));
	else if (r == 0)
		sweep(&c);
	commit_close(&c);
	return r;
}

int
commit_recover(const struct table *const *tables, int dirfd, const char *dir,
    struct buf *why)
{
	struct buf text = BUF_INIT(JOURNAL_MAX), words = BUF_INIT(0);
	struct stat st;
	int fd, r;

	fd = openat(dirfd, journal, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1 || fstat(fd, &st) == -1 || fd_slurp(fd, &text) == -1) {
		r = failed(why, dir, NULL, journal);
	} else if ((r = recover(tables, dirfd, buf_str(&text), &st.st_mtim,
	    &words)) == -1)
		buf_set(why, _("%s/%s: an edit that was broken off cannot be "
		    "undone: %s"), dir, journal, buf_str(&words));
	fd_close(&fd);
	buf_clear(&text);
	buf_clear(&words);
	return r;
}
