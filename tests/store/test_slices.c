/*
 * What changes many messages goes in slices: others, of the same shard, are
 * served between. The store stands still at a gate (a call of an early slice, in
 * the child) until the other's request is in it, and at a call of the last slice
 * until the other is answered.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "store/account.h"
#include "tests/store/rig.h"

#define ANNA	"anna@example.test"
#define TEXT	"Subject: a\n\nbody\n"

enum { WAIT_US = 2000, TRIES = 30000, BOXES = 48, LAST_TRIES = 15000 };

enum call { LINKS, RENAMES, UNLINKS, FLAGS, ROWS, COMMITS, CALLS };

/* Shared with the child. */
static struct shared {
	atomic_int n[CALLS];		/* so many there were */
	atomic_int gate[CALLS];		/* stands still at this one; 0: none */
	atomic_int last[CALLS];		/* ... and at this one */
	atomic_int at_gate, open, open_last, expired;
	atomic_int fail[CALLS];		/* this one fails; 0: none */
	atomic_int die[CALLS];		/* ends the child; 0: none */
	atomic_int links_max;		/* that a body may have; 0: any */
	atomic_int asked;		/* tasks of the other one */
	atomic_int looked;		/* rows that scans passed */
	atomic_int rows_done;		/* mailboxes whose rows are gone */
	atomic_int mapped;		/* records that had keywords mapped */
	atomic_int mapped_early;	/* links that came behind one of them */
} *sh;

static int
pass(enum call c)
{
	int n = atomic_fetch_add(&sh->n[c], 1) + 1, i;

	if (c == LINKS && atomic_load(&sh->mapped) > 0)
		atomic_fetch_add(&sh->mapped_early, 1);
	if (n == atomic_load(&sh->die[c]))
		_exit(9);
	if (n == atomic_load(&sh->gate[c])) {
		atomic_store(&sh->at_gate, 1);
		while (!atomic_load(&sh->open))
			usleep(WAIT_US);
	}
	if (n == atomic_load(&sh->last[c])) {
		for (i = 0; i < LAST_TRIES && !atomic_load(&sh->open_last); i++)
			usleep(WAIT_US);
		if (!atomic_load(&sh->open_last))
			atomic_store(&sh->expired, 1);
	}
	if (n != atomic_load(&sh->fail[c]))
		return 0;
	errno = EIO;
	return -1;
}

static int
is_anna(const char *path)
{
	return strstr(path, "anna/") != NULL;
}

int	__real_linkat(int a, const char *from, int b, const char *to, int f);
int	__wrap_linkat(int a, const char *from, int b, const char *to, int f);
int
__wrap_linkat(int a, const char *from, int b, const char *to, int f)
{
	struct stat st;

	if (is_anna(from) && is_anna(to) && pass(LINKS) == -1)
		return -1;
	if (atomic_load(&sh->links_max) > 0 && fstatat(a, from, &st, 0) == 0 &&
	    (int)st.st_nlink >= atomic_load(&sh->links_max)) {
		errno = EMLINK;
		return -1;
	}
	return __real_linkat(a, from, b, to, f);
}

int	__real_renameat(int a, const char *from, int b, const char *to);
int	__wrap_renameat(int a, const char *from, int b, const char *to);
int
__wrap_renameat(int a, const char *from, int b, const char *to)
{
	if (is_anna(from) && strstr(to, "/expunged/") != NULL &&
	    pass(RENAMES) == -1)
		return -1;
	return __real_renameat(a, from, b, to);
}

int	__real_unlinkat(int a, const char *path, int f);
int	__wrap_unlinkat(int a, const char *path, int f);
int
__wrap_unlinkat(int a, const char *path, int f)
{
	if (is_anna(path) && pass(UNLINKS) == -1)
		return -1;
	return __real_unlinkat(a, path, f);
}

int	__real_fsync(int fd);
int	__wrap_fsync(int fd);
int
__wrap_fsync(int fd)
{
	char name[64], path[400];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	if (n > 6 && strcmp(path + n - 6, "/flags") == 0)
		(void)pass(FLAGS);
	return __real_fsync(fd);
}
int	__wrap_fdatasync(int fd);
int
__wrap_fdatasync(int fd)
{
	return __wrap_fsync(fd);
}

/* Dies behind a commit that the disk has. */
uint64_t __real_engine_commit(struct engine_db *db,
	    struct engine_batch *const *list, size_t n);
uint64_t __wrap_engine_commit(struct engine_db *db,
	    struct engine_batch *const *list, size_t n);
uint64_t
__wrap_engine_commit(struct engine_db *db, struct engine_batch *const *list,
    size_t n)
{
	uint64_t token = __real_engine_commit(db, list, n);

	if (atomic_load(&sh->die[COMMITS]) ==
	    atomic_load(&sh->n[COMMITS]) + 1 &&
	    engine_durable(store.engine, token) != ENGINE_DONE)
		abort();
	(void)pass(COMMITS);
	return token;
}

enum engine_result __real_index_delete_mailbox(struct engine_db *db,
	    struct engine_batch *b, uint32_t mailbox, unsigned max);
enum engine_result __wrap_index_delete_mailbox(struct engine_db *db,
	    struct engine_batch *b, uint32_t mailbox, unsigned max);
enum engine_result
__wrap_index_delete_mailbox(struct engine_db *db, struct engine_batch *b,
    uint32_t mailbox, unsigned max)
{
	enum engine_result r;

	(void)pass(ROWS);
	r = __real_index_delete_mailbox(db, b, mailbox, max);
	if (r == ENGINE_DONE)
		atomic_fetch_add(&sh->rows_done, 1);
	return r;
}

void	__real_task_submit(struct task *t);
void	__wrap_task_submit(struct task *t);
void
__wrap_task_submit(struct task *t)
{
	if (strncmp(t->account->name, "bert", 4) == 0)
		atomic_fetch_add(&sh->asked, 1);
	__real_task_submit(t);
}

void	__real_message_keep_keywords(struct record *r,
	    const struct keyword_set *s);
void	__wrap_message_keep_keywords(struct record *r,
	    const struct keyword_set *s);
void
__wrap_message_keep_keywords(struct record *r, const struct keyword_set *s)
{
	atomic_fetch_add(&sh->mapped, 1);
	__real_message_keep_keywords(r, s);
}

struct passing {
	engine_each *each;
	void	*arg;
};

static int
count_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct passing *p = arg;

	atomic_fetch_add(&sh->looked, 1);
	return p->each(p->arg, key, klen, value, vlen);
}

enum engine_result __real_engine_scan(struct engine_db *db,
	    struct engine_scan *s, engine_each *each, void *arg);
enum engine_result __wrap_engine_scan(struct engine_db *db,
	    struct engine_scan *s, engine_each *each, void *arg);
enum engine_result
__wrap_engine_scan(struct engine_db *db, struct engine_scan *s,
    engine_each *each, void *arg)
{
	struct passing p = { each, arg };

	return __real_engine_scan(db, s, count_row, &p);
}

static struct rig rig;

static void
gate(enum call c, int at, int last)
{
	atomic_store(&sh->at_gate, 0);
	atomic_store(&sh->open, 0);
	atomic_store(&sh->open_last, 0);
	atomic_store(&sh->n[c], 0);
	atomic_store(&sh->gate[c], at);
	atomic_store(&sh->last[c], last);
}

static void
gate_reached(void)
{
	int i;

	for (i = 0; i < TRIES && !atomic_load(&sh->at_gate); i++)
		usleep(WAIT_US);
	assert_true(atomic_load(&sh->at_gate));
}

static void
wait_for(atomic_int *n, int at_least)
{
	int i;

	for (i = 0; i < TRIES && atomic_load(n) < at_least; i++)
		usleep(WAIT_US);
	assert_true(atomic_load(n) >= at_least);
}

static void
start(void)
{
	struct door_mailbox m;

	memset(sh, 0, sizeof(*sh));
	rig_init(&rig);
	rig_start(&rig);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(door_status(&rig.imap[2], 1, &m), 0);
}

static void
verify(void)
{
	struct buf out = BUF_INIT(10000);

	if (rig_control(&rig, C_CHECK, ANNA, &out) != 0)
		fail_msg("%s", buf_str(&out));
	buf_clear(&out);
}

static void
end(void)
{
	verify();
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
}

static void
deliver(void)
{
	char id[17];

	rig_file(&rig, TEXT, id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
}

static uint32_t *
count_up(size_t n)
{
	uint32_t *uids = calloc(n, sizeof(*uids));
	size_t i;

	assert_non_null(uids);
	for (i = 0; i < n; i++)
		uids[i] = (uint32_t)i + 1;
	return uids;
}

/* Copies the first n of a mailbox. */
static int
copy(uint32_t from, uint32_t to, size_t n, int how)
{
	uint32_t *uids = count_up(n), *a, *b, validity;
	size_t done;
	int r = door_copy(&rig.imap[0], from, to, uids, n, how, &a, &b, &done,
	    &validity);

	if (r == 0)
		assert_int_equal(done, n);
	free(uids);
	free(a);
	free(b);
	return r;
}

/* INBOX has n messages, uids from 1 on. */
static void
fill(size_t n)
{
	size_t have;

	deliver();
	for (have = 1; have < n; have += have)
		assert_int_equal(copy(1, 1, have < n - have ? have : n - have,
		    0), 0);
}

static unsigned
count(uint32_t mailbox)
{
	struct door_mailbox m;

	assert_int_equal(door_status(&rig.imap[0], mailbox, &m), 0);
	return m.messages;
}

/* In a thread: what takes long. */
static int
long_copy(void *arg)
{
	return copy(1, *(uint32_t *)arg, 5000, 0);
}

static int
long_move(void *arg)
{
	return copy(1, *(uint32_t *)arg, 5000, DOOR_MOVE);
}

static int
long_expunge(void *arg)
{
	uint32_t *uids = count_up(5000), *gone;
	uint64_t modseq;
	size_t n;
	int r = door_expunge(&rig.imap[0], 1, uids, 5000, 1, &gone, &n,
	    &modseq);

	free(uids);
	free(gone);
	return r;
}

static int
long_rebuild(void *arg)
{
	struct buf out = BUF_INIT(0);
	int r = rig_control(&rig, C_REBUILD, ANNA, &out);

	buf_clear(&out);
	return r >= 0 ? 0 : -1;
}

struct job {
	pthread_t thread;
	int	(*run)(void *arg);
	void	*arg;
	int	 result;
};

static void *
job_run(void *arg)
{
	struct job *j = arg;

	j->result = j->run(j->arg);
	return NULL;
}

static void
job_begin(struct job *j)
{
	assert_int_equal(pthread_create(&j->thread, NULL, job_run, j), 0);
}

static void
job_end(struct job *j)
{
	assert_int_equal(pthread_join(j->thread, NULL), 0);
	assert_int_equal(j->result, 0);
}

/* The other one: an APPEND, whose file is there already. */
struct other {
	struct job job;
	char	 name[DOOR_FILE_NAME + 1];
};

static int
other_run(void *arg)
{
	struct other *o = arg;
	uint32_t uid, validity;

	return door_append(&rig.imap[2], 1, o->name, strlen(TEXT),
	    crc32c(0, TEXT, strlen(TEXT)), 12, 0, NULL, 1700000000, NULL, 0,
	    &uid, &validity);
}

static void
other_init(struct other *o)
{
	int fd;

	memset(o, 0, sizeof(*o));
	o->job.run = other_run;
	o->job.arg = o;
	assert_int_equal(door_file(&rig.imap[2], &fd, o->name), 0);
	assert_int_equal(fd_write_all(fd, TEXT, strlen(TEXT)), 0);
	close(fd);
}

/* The other one asks while the change stands at the gate, and is answered
   before the last slice goes on. */
static void
served_between(struct other *o)
{
	gate_reached();
	atomic_store(&sh->asked, 0);
	job_begin(&o->job);
	wait_for(&sh->asked, 1);
	atomic_store(&sh->open, 1);
	job_end(&o->job);
	assert_false(atomic_load(&sh->expired));
	atomic_store(&sh->open_last, 1);
}

static void
meanwhile(struct job *j)
{
	struct door_mailbox m;
	struct other o;

	other_init(&o);
	job_begin(j);
	gate_reached();
	/* Who only looks does not wait for files at all. */
	assert_int_equal(door_status(&rig.imap[2], 1, &m), 0);
	served_between(&o);
	job_end(j);
}

static void
test_expunge(void **state)
{
	struct job j = { .run = long_expunge };

	start();
	fill(5000);
	gate(RENAMES, 100, 5000);
	meanwhile(&j);
	/* The first fails, for there is no folder yet. */
	assert_int_equal(atomic_load(&sh->n[RENAMES]), 5001);
	assert_int_equal(count(1), 0);
	end();
}

static void
test_move(void **state)
{
	struct job j = { .run = long_move };
	struct door_mailbox m;

	start();
	fill(5000);
	assert_int_equal(door_create(&rig.imap[0], "To", 0, &m), 0);
	j.arg = &m.id;
	gate(LINKS, 100, 5000);
	meanwhile(&j);
	assert_int_equal(count(1), 0);
	assert_int_equal(count(m.id), 5000);
	wait_for(&sh->n[UNLINKS], 5000);
	end();
}

static unsigned
lines_of(uint32_t mailbox, const char *what)
{
	char name[100], cmd[600];
	unsigned n = 0;
	FILE *f;

	snprintf(name, sizeof(name), "spool/mail/example.test/anna/%u",
	    mailbox);
	snprintf(cmd, sizeof(cmd), "find '%s' -maxdepth 1 -type f -name "
	    "'[0-9]*' -printf '%s\n' | sort -u | wc -l",
	    rig_path(&rig, name), what);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

static unsigned
files_in(uint32_t mailbox)
{
	return lines_of(mailbox, "%f");
}

/* The first n of INBOX get a keyword. */
static void
give_keyword(size_t n)
{
	char *words[] = { "kw", NULL };
	struct door_record *rec;
	uint32_t *uids = count_up(n), *failed;
	size_t n_rec, n_failed;

	assert_int_equal(door_store(&rig.imap[0], 1, uids, n, DOOR_ADD, 0,
	    words, UINT64_MAX, &rec, &n_rec, &failed, &n_failed), 0);
	assert_int_equal(n_rec, n);
	free(rec);
	free(failed);
	free(uids);
}

/* Keywords are mapped with the rows, and not before the first link. */
static void
test_copy(void **state)
{
	struct job j = { .run = long_copy };
	struct door_mailbox m;

	start();
	fill(5000);
	give_keyword(5000);
	assert_int_equal(door_create(&rig.imap[0], "To", 0, &m), 0);
	j.arg = &m.id;
	gate(LINKS, 100, 5000);
	meanwhile(&j);
	assert_int_equal(count(1), 5000);
	assert_int_equal(count(m.id), 5000);
	assert_int_equal(files_in(m.id), 5000);
	assert_int_equal(atomic_load(&sh->mapped), 5000);
	assert_int_equal(atomic_load(&sh->mapped_early), 0);
	/* What comes next has the next uid. */
	assert_int_equal(copy(1, m.id, 1, 0), 0);
	assert_int_equal(door_status(&rig.imap[0], m.id, &m), 0);
	assert_int_equal(m.uidnext, 5002);
	end();
}

/* A later link fails: nothing is left of those before. */
static void
copy_fails(size_t n, int at)
{
	struct door_mailbox m;

	start();
	fill(n);
	assert_int_equal(door_create(&rig.imap[0], "To", 0, &m), 0);
	atomic_store(&sh->n[LINKS], 0);
	atomic_store(&sh->fail[LINKS], at);
	assert_int_equal(copy(1, m.id, n, 0), -1);
	assert_int_equal(door_error(&rig.imap[0]), D_LATER);
	assert_int_equal(atomic_load(&sh->n[LINKS]), at);
	assert_int_equal(count(m.id), 0);
	assert_int_equal(files_in(m.id), 0);
	assert_int_equal(copy(1, m.id, n, 0), 0);
	assert_int_equal(count(m.id), (unsigned)n);
	end();
}

static void
test_copy_fails(void **state)
{
	copy_fails(3, 2);
	copy_fails(2000, 1500);
}

/* A body that has all the links it can is copied, and then the copy is linked;
   not once for each message. */
static void
test_copy_full(void **state)
{
	unsigned bodies;

	start();
	atomic_store(&sh->links_max, 20);
	fill(200);
	assert_int_equal(files_in(1), 200);
	bodies = lines_of(1, "%i");
	assert_true(bodies >= 200 / 20 && bodies <= 2 * 200 / 20);
	end();
}

/*
 * Killed among its links, and among its rows: nothing of it is there after the
 * next load, nor after a rebuild before it.
 */
static void
copy_killed(enum call c, int at, int rebuild)
{
	struct buf out = BUF_INIT(10000);
	struct door_mailbox m;

	start();
	fill(3000);
	assert_int_equal(door_create(&rig.imap[0], "To", 0, &m), 0);
	assert_int_equal(copy(1, m.id, 1, 0), 0);
	atomic_store(&sh->n[c], 0);
	atomic_store(&sh->die[c], at);
	assert_int_equal(copy(1, m.id, 3000, 0), -1);
	atomic_store(&sh->die[c], 0);
	rig_kill(&rig);
	assert_true(files_in(m.id) > 1000);
	rig_start(&rig);
	if (rebuild)
		assert_true(rig_control(&rig, C_REBUILD, ANNA, &out) >= 0);
	assert_int_equal(count(m.id), 1);
	assert_int_equal(files_in(m.id), 1);
	assert_int_equal(count(1), 3000);
	assert_int_equal(copy(1, m.id, 3000, 0), 0);
	assert_int_equal(count(m.id), 3001);
	assert_int_equal(files_in(m.id), 3001);
	buf_clear(&out);
	end();
}

static void
test_copy_killed(void **state)
{
	copy_killed(LINKS, 2000, 0);
	copy_killed(LINKS, 2000, 1);
	copy_killed(COMMITS, 2, 0);
	copy_killed(COMMITS, 2, 1);
}

/* Files that come back as links of a backup are messages, wherever UIDNEXT is. */
static void
test_backup_of_links(void **state)
{
	struct buf out = BUF_INIT(10000);
	char to[200];
	int i, fd;

	start();
	fill(3);
	fd = open(rig_path(&rig, "backup"), O_WRONLY | O_CREAT, 0600);
	assert_true(fd != -1);
	assert_int_equal(fd_write_all(fd, TEXT, strlen(TEXT)), 0);
	close(fd);
	for (i = 100; i < 110; i++) {
		snprintf(to, sizeof(to),
		    "spool/mail/example.test/anna/1/%d", i);
		assert_int_equal(link(rig_path(&rig, "backup"),
		    rig_path(&rig, to)), 0);
	}
	assert_true(rig_control(&rig, C_REBUILD, ANNA, &out) >= 0);
	assert_int_equal(count(1), 13);
	buf_clear(&out);
	end();
}

/* The files that were moved away go in slices too. */
static void
test_drop(void **state)
{
	struct door_mailbox m;
	struct other o;

	start();
	fill(2000);
	assert_int_equal(door_create(&rig.imap[0], "To", 0, &m), 0);
	other_init(&o);
	gate(UNLINKS, 1, 2000);
	assert_int_equal(copy(1, m.id, 2000, DOOR_MOVE), 0);
	served_between(&o);
	wait_for(&sh->n[UNLINKS], 2000);
	end();
}

/* DELETE is answered before its rows go; a kill among them leaves none. */
static void
test_delete(void **state)
{
	struct door_mailbox m, n;

	start();
	fill(4000);
	assert_int_equal(door_create(&rig.imap[0], "To", 0, &m), 0);
	assert_int_equal(door_create(&rig.imap[0], "Too", 0, &n), 0);
	assert_int_equal(copy(1, m.id, 4000, 0), 0);
	assert_int_equal(copy(1, n.id, 4000, 0), 0);
	gate(ROWS, 2, 0);
	assert_int_equal(door_delete(&rig.imap[0], m.id), 0);
	gate_reached();
	atomic_store(&sh->open, 1);
	wait_for(&sh->rows_done, 1);
	assert_true(atomic_load(&sh->n[ROWS]) >= 4);
	verify();
	atomic_store(&sh->n[ROWS], 0);
	atomic_store(&sh->die[ROWS], 3);
	assert_int_equal(door_delete(&rig.imap[0], n.id), 0);
	wait_for(&sh->n[ROWS], 3);
	rig_kill(&rig);
	rig_start(&rig);
	assert_int_equal(count(1), 4000);
	wait_for(&sh->rows_done, 2);
	end();
}

/* 48 flags files wait, and a message comes. */
static void
test_flags_line(void **state)
{
	struct job j = { .run = long_rebuild };
	struct door_mailbox m;
	char name[20];
	int i;

	start();
	deliver();
	for (i = 0; i < BOXES; i++) {
		snprintf(name, sizeof(name), "box%d", i);
		assert_int_equal(door_create(&rig.imap[0], name, 0, &m), 0);
		assert_int_equal(copy(1, m.id, 1, 0), 0);
	}
	gate(FLAGS, 1, BOXES);
	meanwhile(&j);
	assert_true(atomic_load(&sh->n[FLAGS]) >= BOXES);
	end();
}

/* A flags file of many lines is written in pieces, and tells all. */
static void
test_flags_pieces(void **state)
{
	uint32_t *uids = count_up(5000), *failed;
	struct job j = { .run = long_rebuild };
	struct door_record *rec;
	uint64_t modseq;
	size_t i, n, n_failed;
	int complete;

	start();
	fill(5000);
	assert_int_equal(door_store(&rig.imap[0], 1, uids, 5000, DOOR_ADD,
	    FLAG_FLAGGED, NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	free(rec);
	free(failed);
	gate(FLAGS, 1, 3);
	meanwhile(&j);
	assert_true(atomic_load(&sh->n[FLAGS]) >= 3);
	assert_int_equal(door_records(&rig.imap[0], 1, 0, &rec, &n, &failed,
	    &n_failed, &modseq, &complete), 0);
	assert_int_equal(n, 5000);
	for (i = 0; i < n; i++)
		assert_int_equal(rec[i].flags & FLAG_ALL, FLAG_FLAGGED);
	free(rec);
	free(failed);
	free(uids);
	end();
}

/*
 * What is new in a mailbox is found beside what is new, however much is old,
 * and however wide the gap that a rebuild leaves.
 */
static void
test_news(void **state)
{
	struct door_record *rec;
	struct job j = { .run = long_rebuild };
	uint64_t modseq;
	uint32_t *gone;
	size_t n, n_gone;
	int complete, i;

	start();
	fill(5000);
	job_begin(&j);
	job_end(&j);
	assert_int_equal(door_records(&rig.imap[0], 1, 0, &rec, &n, &gone,
	    &n_gone, &modseq, &complete), 0);
	assert_int_equal(n, 5000);
	free(rec);
	free(gone);
	for (i = 0; i < 3; i++) {
		deliver();
		atomic_store(&sh->looked, 0);
		assert_int_equal(door_records(&rig.imap[0], 1, modseq, &rec,
		    &n, &gone, &n_gone, &modseq, &complete), 0);
		assert_true(complete);
		assert_int_equal(n, 1);
		assert_true(atomic_load(&sh->looked) < 20);
		free(rec);
		free(gone);
	}
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expunge),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_fails),
		cmocka_unit_test(test_copy_full),
		cmocka_unit_test(test_copy_killed),
		cmocka_unit_test(test_backup_of_links),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_delete),
		cmocka_unit_test(test_flags_line),
		cmocka_unit_test(test_flags_pieces),
		cmocka_unit_test(test_news),
	};

	setenv("RIG_THREADS", "1", 1);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
