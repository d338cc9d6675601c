/*
 * The order of what makes a promise true: files, the syncs of their folders,
 * the commit, its durability, the answer (doc/internals.md). Every call is
 * noted as it is made, and held against the order that each operation owes.
 */
#include "config.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "store/door_client.h"
#include "store/engine_impl.h"
#include "store/index.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"

enum { EVENTS = 4096, TRASH = 5, SIZE = 7000,
	MAILBOXES = 6, QUOTA = 256 * 1024 };

/* Shared with the child. Files are told by their names below the account. */
static struct {
	atomic_int n;
	struct event {
		char what[80];
		uint64_t token;		/* of commits, and what is durable */
	} event[EVENTS];
} *seen;

static struct rig rig;

static void
note(const char *what, const char *name, uint64_t token)
{
	static const char domain[] = "example.test/", mail[] = "/mail/.";
	const char *p = strstr(name, domain), *q = strstr(name, mail);
	const char *last = strrchr(name, '/');
	int i = atomic_fetch_add(&seen->n, 1);

	if (i >= EVENTS)
		return;
	if (p != NULL) {
		p += sizeof(domain) - 1 + strlen("anna");
		p += *p == '/';
	} else if (q != NULL) {
		p = q + sizeof(mail) - 2;
	} else if (last != NULL && (strcmp(last, "/spool") == 0 ||
	    strcmp(last, "/mail") == 0)) {
		p = last + 1;
	}
	snprintf(seen->event[i].what, sizeof(seen->event[i].what), "%s%s%s",
	    what, p == NULL ? "" : " ", p == NULL ? "" : p);
	seen->event[i].token = token;
}

static void
note_fd(const char *what, int fd, const char *name)
{
	char link[64], path[500], all[700];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	snprintf(all, sizeof(all), "%s%s%s", path, *name != '\0' ? "/" : "",
	    name);
	note(what, all, 0);
}

int	__real_linkat(int a, const char *from, int b, const char *to, int f);
int	__wrap_linkat(int a, const char *from, int b, const char *to, int f);
int
__wrap_linkat(int a, const char *from, int b, const char *to, int f)
{
	int r = __real_linkat(a, from, b, to, f);

	if (r == 0)
		note_fd("link", b, to);
	return r;
}

int	__real_renameat(int a, const char *from, int b, const char *to);
int	__wrap_renameat(int a, const char *from, int b, const char *to);
int
__wrap_renameat(int a, const char *from, int b, const char *to)
{
	int r = __real_renameat(a, from, b, to);

	if (r == 0)
		note_fd("rename", b, to);
	return r;
}

int	__real_unlinkat(int dir, const char *name, int f);
int	__wrap_unlinkat(int dir, const char *name, int f);
int
__wrap_unlinkat(int dir, const char *name, int f)
{
	int r = __real_unlinkat(dir, name, f);

	if (r == 0)
		note_fd("unlink", dir, name);
	return r;
}

int	__real_fsync(int fd);
int	__wrap_fsync(int fd);
int
__wrap_fsync(int fd)
{
	int r = __real_fsync(fd);

	note_fd("sync", fd, "");
	return r;
}

int	__real_fdatasync(int fd);
int	__wrap_fdatasync(int fd);
int
__wrap_fdatasync(int fd)
{
	int r = __real_fdatasync(fd);

	note_fd("sync", fd, "");
	return r;
}

/* A deletion of a message's row is noted with the token of its commit, and so
   is a new generation. */
static void
note_rows(const struct buf *ops, uint64_t token)
{
	struct engine_op op;
	const unsigned char *k;
	struct cursor c;
	char what[80];

	cursor_init(&c, ops->data, ops->len);
	while (cursor_left(&c) > 0) {
		engine_op_next(&c, &op);
		k = op.key;
		if (op.kind == ENGINE_OP_PUT && op.klen == ENGINE_GROUP + 1 &&
		    k[ENGINE_GROUP] == 'g')
			note("generation", "", token);
		if (op.kind != ENGINE_OP_DEL || op.table != ENGINE_CORE ||
		    op.klen != ENGINE_GROUP + 5 || k[ENGINE_GROUP] != 'm')
			continue;
		snprintf(what, sizeof(what), "row gone %u/%u",
		    index_tail_u32(k, ENGINE_GROUP),
		    index_tail_u32(k, op.klen));
		note(what, "", token);
	}
}

uint64_t __real_engine_commit(struct engine_db *db,
    struct engine_batch *const *list, size_t n);
uint64_t __wrap_engine_commit(struct engine_db *db,
    struct engine_batch *const *list, size_t n);
uint64_t
__wrap_engine_commit(struct engine_db *db, struct engine_batch *const *list,
    size_t n)
{
	struct buf ops = BUF_INIT(0);
	uint64_t token;
	size_t i;

	for (i = 0; i < n; i++)
		buf_append(&ops, list[i]->ops.data, list[i]->ops.len);
	token = __real_engine_commit(db, list, n);
	note("commit", "", token);
	note_rows(&ops, token);
	buf_clear(&ops);
	return token;
}

enum engine_result __real_engine_durable(struct engine *e, uint64_t token);
enum engine_result __wrap_engine_durable(struct engine *e, uint64_t token);
enum engine_result
__wrap_engine_durable(struct engine *e, uint64_t token)
{
	enum engine_result r = __real_engine_durable(e, token);

	note("durable", "", token);
	return r;
}

void	__real_client_send(struct client *c);
void	__wrap_client_send(struct client *c);
void
__wrap_client_send(struct client *c)
{
	char what[30];

	snprintf(what, sizeof(what), "to %u", c->instance);
	note(what, "", 0);
	note("answer", "", 0);
	__real_client_send(c);
}

/* The oracle. */

/* What was asked before is answered, and all of its turn is over. */
static void
begin(void)
{
	assert_int_not_equal(rig_mailbox(&rig, &rig.imap[0], "INBOX"), 0);
	atomic_store(&seen->n, 0);
}

static int
events(void)
{
	int n = atomic_load(&seen->n);

	return n < EVENTS ? n : EVENTS;
}

static void
show(void)
{
	int i;

	for (i = 0; i < events(); i++)
		print_error("  %d: %s %llu\n", i, seen->event[i].what,
		    (unsigned long long)seen->event[i].token);
}

/* The first of that name from i on; -1. */
static int
find(const char *what, int i)
{
	for (; i < events(); i++)
		if (strcmp(seen->event[i].what, what) == 0)
			return i;
	return -1;
}

/* A commit behind i, of what is before it, is durable: where that is noted. */
static int
durable_from(int i, uint64_t token)
{
	int at = i;

	if (token == 0) {
		if ((at = find("commit", i)) == -1)
			return -1;
		token = seen->event[at].token;
	}
	for (at = find("durable", at); at != -1; at = find("durable", at + 1))
		if (seen->event[at].token >= token)
			return at;
	return -1;
}

/*
 * The names come one behind the other, NULL ends them; then, where there are
 * rows, a commit that is durable; and the first answer of all not before that.
 */
static void
owes(int rows, ...)
{
	const char *name;
	int at = 0, answer;
	va_list ap;

	va_start(ap, rows);
	while ((name = va_arg(ap, const char *)) != NULL) {
		if ((at = find(name, at)) == -1) {
			show();
			fail_msg("no %s in its place", name);
		}
	}
	va_end(ap);
	at = rows ? durable_from(at, 0) : at;
	answer = find("answer", 0);
	if (at == -1 || answer < at) {
		show();
		fail_msg("answered at %d, durable at %d", answer, at);
	}
}

/* The file goes, and not before the deletion of its row is durable. */
static void
goes_behind(const char *row, const char *file)
{
	int at, i, tries;

	for (tries = 0; tries < 3000 && find(file, 0) == -1; tries++)
		usleep(10000);
	at = find(row, 0);
	i = at == -1 ? -1 : durable_from(at, seen->event[at].token);
	if (i == -1 || find(file, 0) < i) {
		show();
		fail_msg("%s at %d, %s is durable at %d", file, find(file, 0),
		    row, i);
	}
}

static int
setup(void **state)
{
	char id[17];

	setenv("RIG_THREADS", "1", 1);
	atomic_store(&seen->n, 0);
	rig_init(&rig);
	rig.quota_size = QUOTA;
	rig_start(&rig);
	rig_file(&rig, "first", id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
	return 0;
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

static void
test_delivery(void **state)
{
	char id[17];

	rig_file(&rig, "second", id);
	begin();
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
	owes(1, "link 1/2", "sync 1", NULL);
}

static void
test_copy(void **state)
{
	uint32_t uid = 1, *from, *to, validity;
	size_t n;

	begin();
	assert_int_equal(door_copy(&rig.imap[0], 1, TRASH, &uid, 1, 0, &from,
	    &to, &n, &validity), 0);
	free(from);
	free(to);
	owes(1, "link 5/1", "sync 5", NULL);
}

static void
test_move(void **state)
{
	uint32_t uid = 1, *from, *to, validity;
	size_t n;

	begin();
	assert_int_equal(door_copy(&rig.imap[0], 1, TRASH, &uid, 1, DOOR_MOVE,
	    &from, &to, &n, &validity), 0);
	free(from);
	free(to);
	owes(1, "link 5/1", "sync 5", NULL);
	goes_behind("row gone 1/1", "unlink 1/1");
}

static void
test_expunge(void **state)
{
	uint32_t uid = 1, *gone, *failed;
	struct door_record *rec;
	uint64_t modseq;
	size_t n, n_failed;

	assert_int_equal(door_store(&rig.imap[0], 1, &uid, 1, DOOR_ADD,
	    FLAG_DELETED, NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	free(rec);
	free(failed);
	begin();
	assert_int_equal(door_expunge(&rig.imap[0], 1, &uid, 1, 0, &gone, &n,
	    &modseq), 0);
	assert_int_equal(n, 1);
	free(gone);
	owes(1, "rename 1/expunged/1", "sync 1/expunged", NULL);
	owes(1, "rename 1/expunged/1", "sync 1", NULL);
}

static void
test_list_of_mailboxes(void **state)
{
	struct door_mailbox m;
	char folder[20];

	begin();
	assert_int_equal(door_create(&rig.imap[0], "box", 0, &m), 0);
	owes(1, "sync mailboxes.new", "rename mailboxes", "sync ", NULL);
	snprintf(folder, sizeof(folder), "sync %u", m.id);
	owes(1, folder, "sync ", "rename mailboxes", NULL);
	begin();
	assert_int_equal(door_rename(&rig.imap[0], "box", "other"), 0);
	owes(0, "sync mailboxes.new", "rename mailboxes", "sync ", NULL);
	begin();
	/* Its rows go later, also behind a crash. */
	assert_int_equal(door_delete(&rig.imap[0], m.id), 0);
	owes(0, "sync mailboxes.new", "rename mailboxes", "sync ", NULL);
	snprintf(folder, sizeof(folder), "unlink %u", m.id);
	assert_int_equal(find(folder, 0), -1);
}

/* A first start: the folders have their names before an index is owned. */
static void
test_first_start(void **state)
{
	int at, i, n = 0;

	at = find("sync 1", 0);
	assert_int_not_equal(at, -1);
	/* Of each mailbox each folder above it. */
	for (i = at; i < find("rename mailboxes", 0); i++)
		n += strcmp(seen->event[i].what, "sync mail") == 0;
	assert_true(n >= MAILBOXES - 1);
	owes(1, "sync mail", "sync spool", "sync .epoch.new",
	    "rename .epoch", "sync mail", NULL);
	assert_int_equal(rig_stop(&rig), 0);
	atomic_store(&seen->n, 0);
	rig_start(&rig);
	assert_int_not_equal(rig_mailbox(&rig, &rig.imap[0], "INBOX"), 0);
	/* Each start has one number, and the marked folder needs no more. */
	at = find("rename .epoch", 0);
	assert_int_not_equal(at, -1);
	assert_int_equal(find("rename .epoch", at + 1), -1);
	assert_int_equal(find("sync spool", 0), -1);
}

/* Who watches hears of a change before its author has the answer. */
static void
test_watcher_first(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t uid = 1, *failed, recent;
	struct door_record *rec;
	struct door_mailbox m;
	size_t n, n_failed;

	assert_int_equal(door_select(&rig.imap[1], 1, 0, &m, &recent), 0);
	begin();
	assert_int_equal(door_store(d, 1, &uid, 1, DOOR_ADD, FLAG_FLAGGED,
	    NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	free(rec);
	free(failed);
	if (find("to 1", 0) == -1 || find("to 1", 0) > find("to 0", 0)) {
		show();
		fail_msg("the watcher is told at %d, the author at %d",
		    find("to 1", 0), find("to 0", 0));
	}
}

/* Where the mail has a number, the index has it too, behind any power cut. */
static void
test_generation(void **state)
{
	int at, tries;

	for (tries = 0; tries < 3000 &&
	    find("rename .generation", 0) == -1; tries++)
		usleep(10000);
	if ((at = find("generation", 0)) == -1 ||
	    (at = durable_from(at, seen->event[at].token)) == -1 ||
	    find("rename .generation", 0) < at) {
		show();
		fail_msg("the mail has it at %d, the index at %d",
		    find("rename .generation", 0), at);
	}
}

static void
put(struct door *d, char name[DOOR_FILE_NAME + 1], char text[SIZE])
{
	int fd;

	memset(text, 'x', SIZE);
	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, SIZE), 0);
	close(fd);
}

static uint32_t
append_file(struct door *d, uint32_t mailbox, const char *name,
    const char text[SIZE])
{
	uint32_t uid, validity;

	assert_int_equal(door_append(d, mailbox, name, SIZE,
	    crc32c(0, text, SIZE), 0, 0, NULL, 1700000000, NULL, 0, &uid,
	    &validity), 0);
	return uid;
}

static uint32_t
append(struct door *d, uint32_t mailbox)
{
	char name[DOOR_FILE_NAME + 1], text[SIZE];

	put(d, name, text);
	return append_file(d, mailbox, name, text);
}

static void
test_append(void **state)
{
	char name[DOOR_FILE_NAME + 1], text[SIZE];

	put(&rig.imap[0], name, text);
	begin();
	assert_int_equal(append_file(&rig.imap[0], 1, name, text), 2);
	owes(0, "link 1/2", "sync 1/2", "commit", NULL);
	owes(1, "link 1/2", "sync 1", NULL);
}

/* Each is durable where it lies before there is a link of one. */
static void
test_append_many(void **state)
{
	struct door *d = &rig.imap[0];
	char name[2][DOOR_FILE_NAME + 1], text[SIZE], file[2][80];
	struct door_appended m[2];
	uint32_t id, uid, validity;
	const uint32_t *list;
	int i, listed;
	size_t n;

	begin();
	for (i = 0; i < 2; i++) {
		put(d, name[i], text);
		m[i] = (struct door_appended){ .file = name[i], .size = SIZE,
		    .crc = crc32c(0, text, SIZE) };
		snprintf(file[i], sizeof(file[i]), "sync .new/%s", name[i]);
	}
	atomic_store(&seen->n, 0);
	assert_int_equal(door_append_begin(d, 1, m, 2, &id), 0);
	while (!door_answered(d)) {
		assert_int_equal(poll(&(struct pollfd){ d->chan.fd, POLLIN,
		    0 }, 1, 60000), 1);
		assert_int_not_equal(door_events(d, &list, &n, &listed), -1);
	}
	assert_int_equal(door_append_end(d, id, &uid, &validity), 0);
	owes(1, file[0], "link 1/2", "sync 1", NULL);
	owes(1, file[1], "link 1/2", "link 1/3", "sync 1", NULL);
}

/* Flags are in their file, durably so, before the index says that they are. */
static void
test_flags_file(void **state)
{
	struct door_record *rec;
	uint32_t uid = 1, *failed;
	size_t n, n_failed;
	int tries;

	begin();
	assert_int_equal(door_store(&rig.imap[0], 1, &uid, 1, DOOR_ADD,
	    FLAG_FLAGGED, NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	free(rec);
	free(failed);
	assert_int_equal(rig_stop(&rig), 0);
	for (tries = 0; tries < 3000 && find("sync 1/flags", 0) == -1; tries++)
		usleep(10000);
	if (find("sync 1/flags", 0) == -1 || find("commit",
	    find("sync 1/flags", 0)) == -1) {
		show();
		fail_msg("the flags at %d", find("sync 1/flags", 0));
	}
	rig_start(&rig);
}

/* The list without a mailbox is synced before its folder goes, and again: what
   DELETE synced might have been another list's. */
static void
test_deleted_folder(void **state)
{
	struct door *d = &rig.imap[2];
	uint32_t uids[QUOTA / SIZE / 4], *gone;
	struct door_mailbox m;
	char file[30], folder[20];
	uint64_t modseq;
	size_t n, i, k;
	int at;

	assert_int_equal(door_create(d, "x", 0, &m), 0);
	for (i = 0; i < sizeof(uids) / sizeof(uids[0]); i++)
		(void)append(d, m.id);
	assert_int_equal(door_delete(d, m.id), 0);
	assert_int_equal(rig_mailbox(&rig, d, "INBOX"), 1);
	atomic_store(&seen->n, 0);
	snprintf(file, sizeof(file), "unlink %u/1", m.id);
	snprintf(folder, sizeof(folder), "unlink %u", m.id);
	for (k = 0; k < 100 && find(folder, 0) == -1; k++) {
		for (i = 0; i < sizeof(uids) / sizeof(uids[0]); i++)
			uids[i] = append(d, 1);
		assert_int_equal(door_expunge(d, 1, uids, i, 1, &gone, &n,
		    &modseq), 0);
		free(gone);
		usleep(20000);
		if (find(folder, 0) == -1 && events() > EVENTS / 2)
			atomic_store(&seen->n, 0);
	}
	if ((at = find("sync ", 0)) == -1 || find(folder, 0) == -1 ||
	    find(file, 0) < at) {
		show();
		fail_msg("the list is synced at %d, %s at %d", at, file,
		    find(file, 0));
	}
}

/* What the list does not have goes when the list is durable: it may have come
   by a rename that a power cut takes back. */
static void
test_leftover(void **state)
{
	uint32_t uid = 1, *from, *to, validity;
	struct door_mailbox m;
	char cmd[400], row[40];
	int tries;
	size_t n;

	snprintf(cmd, sizeof(cmd), "cd '%s' && cp mailboxes was",
	    rig_path(&rig, "spool/mail/example.test/anna"));
	assert_int_equal(system(cmd), 0);
	assert_int_equal(door_create(&rig.imap[0], "x", 0, &m), 0);
	assert_int_equal(door_copy(&rig.imap[0], 1, m.id, &uid, 1, 0, &from,
	    &to, &n, &validity), 0);
	free(from);
	free(to);
	assert_int_equal(rig_stop(&rig), 0);
	snprintf(cmd, sizeof(cmd), "cd '%s' && mv was mailboxes",
	    rig_path(&rig, "spool/mail/example.test/anna"));
	assert_int_equal(system(cmd), 0);
	atomic_store(&seen->n, 0);
	rig_start(&rig);
	snprintf(row, sizeof(row), "row gone %u/1", m.id);
	assert_int_equal(rig_mailbox(&rig, &rig.imap[0], "x"), 0);
	for (tries = 0; tries < 3000 && find(row, 0) == -1; tries++)
		usleep(10000);
	if (find("sync ", 0) == -1 || find(row, 0) == -1 ||
	    find("sync ", 0) > find(row, 0)) {
		show();
		fail_msg("the list at %d, %s at %d", find("sync ", 0), row,
		    find(row, 0));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_delivery), T(test_copy), T(test_move), T(test_expunge),
		T(test_list_of_mailboxes), T(test_watcher_first),
		T(test_first_start), T(test_generation), T(test_deleted_folder),
		T(test_append), T(test_append_many), T(test_flags_file),
		T(test_leftover),
	};

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return seen == MAP_FAILED ? 1 :
	    cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
