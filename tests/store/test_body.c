/* body.h and text.h: what is enumerated, what is there, texts of any name. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "store/body.h"
#include "store/body_impl.h"
#include "store/shard.h"
#include "store/start.h"
#include "store/text.h"

/* The folders of the mail are open to the end (tests/guard.c). */
extern const char *const guard_leaves[];
const char *const guard_leaves[] = { "/tmp/test-body-", NULL };

#define ANNA "example.test/anna"

static char dir[64];

/* linkat fails so, for files that do not lie in the mail folder; with anywhere
   for all. */
static int link_error, link_anywhere;
int	__real_linkat(int a, const char *from, int b, const char *to, int f);
int	__wrap_linkat(int a, const char *from, int b, const char *to, int f);
int
__wrap_linkat(int a, const char *from, int b, const char *to, int f)
{
	if (link_error == 0 || (!link_anywhere && a == body_root()))
		return __real_linkat(a, from, b, to, f);
	errno = link_error;
	return -1;
}

/* All lies on a file system of this kind. */
static long fs_type;
int	__real_fstatfs(int fd, struct statfs *s);
int	__wrap_fstatfs(int fd, struct statfs *s);
int	__wrap_fstatfs64(int fd, struct statfs *s);
int
__wrap_fstatfs(int fd, struct statfs *s)
{
	int r = __real_fstatfs(fd, s);

	if (fs_type != 0)
		s->f_type = fs_type;
	return r;
}

int
__wrap_fstatfs64(int fd, struct statfs *s)
{
	return __wrap_fstatfs(fd, s);
}

/* Syncs of folders, and whether they fail; a file system without names left. */
static int syncs, sync_fails, no_names;
int	__real_fd_sync_dir(int fd);
int	__wrap_fd_sync_dir(int fd);
int
__wrap_fd_sync_dir(int fd)
{
	syncs++;
	errno = EIO;
	return sync_fails ? -1 : __real_fd_sync_dir(fd);
}

int	__real_fstatvfs(int fd, struct statvfs *v);
int	__wrap_fstatvfs(int fd, struct statvfs *v);
int	__wrap_fstatvfs64(int fd, struct statvfs *v);
int
__wrap_fstatvfs(int fd, struct statvfs *v)
{
	int r = __real_fstatvfs(fd, v);

	v->f_files = no_names == 2 ? 0 : 1000;
	v->f_favail = no_names ? 0 : 1;
	return r;
}

int
__wrap_fstatvfs64(int fd, struct statvfs *v)
{
	return __wrap_fstatvfs(fd, v);
}

static int file_sync_fails;
int	__real_fd_sync(int fd);
int	__wrap_fd_sync(int fd);
int
__wrap_fd_sync(int fd)
{
	errno = EIO;
	return file_sync_fails ? -1 : __real_fd_sync(fd);
}

static int
setup(void **state)
{
	struct buf why = BUF_INIT(300);
	char mail[100], queue[100];

	strcpy(dir, "/tmp/test-body-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(mail, sizeof(mail), "%s/mail", dir);
	snprintf(queue, sizeof(queue), "%s/queue", dir);
	if (mkdir(queue, 0700) == -1 || body_start(mail, queue, &why) == -1 ||
	    body_make_mailbox(ANNA, 1) != 0)
		return -1;
	buf_clear(&why);
	return 0;
}

static int
teardown(void **state)
{
	char cmd[200];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

static const char *
path(const char *name)
{
	static char p[500];

	snprintf(p, sizeof(p), "%s/mail/" ANNA "/%s", dir, name);
	return p;
}

static void
put_file(const char *name, const char *text)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static const char *
text_of(uint32_t mailbox, const char *name)
{
	static struct buf b;

	buf_clear(&b);
	buf_init(&b, 4096);
	if (text_read(ANNA, mailbox, name, &b) == -1)
		return strerror(errno);
	return buf_str(&b);
}

static void
test_texts_have_any_name(void **state)
{
	static const char *const good[] = { "acl", "sieve/main", "sieve/7",
		"annotations", "a b" };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(text_present(ANNA, 0, good[i]), 0);
		assert_int_equal(text_replace(ANNA, 0, good[i], good[i],
		    strlen(good[i])), 0);
		assert_int_equal(text_present(ANNA, 0, good[i]), 1);
		assert_string_equal(text_of(0, good[i]), good[i]);
		assert_int_equal(text_replace(ANNA, 0, good[i], "new", 3), 0);
		assert_string_equal(text_of(0, good[i]), "new");
	}
	assert_int_equal(text_sync(ANNA), 0);
	/* The user's folder is not made by a text of somebody unknown. */
	assert_int_equal(text_replace("example.test/nobody", 0, "acl", "", 0),
	    -1);
	assert_int_equal(text_replace("example.test/nobody", 0, "sieve/a", "",
	    0), -1);
	assert_int_equal(text_replace(ANNA, 9, "flags", "", 0), -1);
	assert_false(body_user_present("example.test/nobody"));
}

static void
test_bad_names_are_refused(void **state)
{
	static const struct {
		uint32_t mailbox;
		const char *name;
	} bad[] = {
		{ 0, "" }, { 0, "." }, { 0, ".." }, { 0, "../x" }, { 0, "/x" },
		{ 0, "sieve/" }, { 0, "sieve/.." }, { 0, "sieve/.x" },
		{ 0, "a/b/c" }, { 0, "1" }, { 0, "1/2" }, { 0, "1/flags" },
		{ 0, "acl.new" }, { 0, "sieve/x.new" }, { 0, "a\nb" },
		{ 1, "expunged" }, { 1, "expunged/5" }, { 1, "7" },
		{ 1, "sub/x" },
	};
	struct buf b = BUF_INIT(100);
	char longer[TEXT_NAME_MAX + 2];
	size_t i;
	int made;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(text_replace(ANNA, bad[i].mailbox,
		    bad[i].name, "", 0), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(text_read(ANNA, bad[i].mailbox, bad[i].name,
		    &b), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(text_append(ANNA, bad[i].mailbox,
		    bad[i].name, "", &b, &made), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(text_replace(ANNA, 0, longer, "", 0), -1);
	assert_int_equal(text_replace(ANNA, 0, longer + 1, "", 0), 0);
	buf_clear(&b);
}

static void
test_a_text_is_bounded(void **state)
{
	struct buf b = BUF_INIT(10);

	assert_int_equal(text_read(ANNA, 0, "none", &b), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(text_replace(ANNA, 0, "big", "0123456789a", 11), 0);
	assert_int_equal(text_read(ANNA, 0, "big", &b), -1);
	assert_int_equal(errno, EFBIG);
	buf_clear(&b);
}

/* What somebody else put there is not followed. */
static void
test_a_text_is_no_link(void **state)
{
	struct buf b = BUF_INIT(100);

	assert_int_equal(text_replace(ANNA, 0, "there", "text", 4), 0);
	assert_int_equal(symlink("there", path("link")), 0);
	assert_int_equal(text_read(ANNA, 0, "link", &b), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(b.len, 0);
	assert_int_equal(text_read(ANNA, 0, "there", &b), 0);
	buf_clear(&b);
}

/* It is in its place when it is whole; what was left of another one goes. */
static void
test_a_text_in_pieces(void **state)
{
	struct buf one = BUF_INIT(0), two = BUF_INIT(0), out = BUF_INIT(0);

	buf_puts(&one, "one\n");
	buf_puts(&two, "two\n");
	assert_int_equal(text_replace(ANNA, 1, "flags", "old", 3), 0);
	assert_int_equal(text_piece(ANNA, 1, "flags", &two, 1), 0);
	assert_int_equal(text_piece(ANNA, 1, "flags", &one, 1), 0);
	assert_int_equal(text_piece(ANNA, 1, "flags", &two, 0), 0);
	assert_int_equal(text_read(ANNA, 1, "flags", &out), 0);
	assert_string_equal(out.data, "old");
	buf_reset(&out);
	assert_int_equal(text_pieces_end(ANNA, 1, "flags"), 0);
	assert_int_equal(text_read(ANNA, 1, "flags", &out), 0);
	assert_string_equal(out.data, "one\ntwo\n");
	/* Without a first one there is nothing to go on with. */
	assert_int_equal(text_piece(ANNA, 1, "flags", &two, 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(text_pieces_end(ANNA, 1, "flags"), -1);
	buf_clear(&one);
	buf_clear(&two);
	buf_clear(&out);
}

static void
test_append_ends_a_cut_off_line(void **state)
{
	struct buf b = BUF_INIT(100);
	int made;

	buf_puts(&b, "line\n");
	assert_int_equal(text_append(ANNA, 1, "flags", "head\n", &b, &made),
	    0);
	assert_true(made);
	assert_string_equal(text_of(1, "flags"), "head\nline\n");
	assert_int_equal(text_append(ANNA, 1, "flags", "head\n", &b, &made),
	    0);
	assert_false(made);
	put_file("1/flags", "head\ncut o");
	assert_int_equal(text_append(ANNA, 1, "flags", "head\n", &b, &made),
	    0);
	assert_string_equal(text_of(1, "flags"), "head\ncut o\nline\n");
	put_file("1/flags", "");
	assert_int_equal(text_append(ANNA, 1, "flags", "head\n", &b, &made),
	    0);
	assert_true(made);
	assert_string_equal(text_of(1, "flags"), "head\nline\n");
	buf_clear(&b);
}

/* Reads a whole list: its numbers are ticked off in seen. */
static size_t
read_all(struct body_list *l, unsigned char *seen, size_t *aside_r)
{
	const struct body_entry *e;
	size_t total = 0;
	int i, n;

	assert_non_null(l);
	*aside_r = 0;
	while ((n = body_list_next(l, &e)) > 0) {
		assert_true(n <= BODY_SLICE);
		for (i = 0; i < n; i++, total++) {
			*aside_r += (size_t)e[i].aside;
			if (!e[i].aside)
				seen[e[i].number]++;
		}
	}
	assert_int_equal(n, 0);
	body_list_end(&l);
	assert_null(l);
	return total;
}

static void
test_lists_go_in_slices(void **state)
{
	unsigned char seen[2000] = { 0 };
	char name[50];
	size_t i, aside;

	assert_int_equal(mkdir(path("1/expunged"), 0700), 0);
	for (i = 1; i <= 3 * BODY_SLICE; i++) {
		snprintf(name, sizeof(name), "1/%zu", i);
		put_file(name, "x");
	}
	put_file("1/007", "no message");
	put_file("1/flags", "");
	put_file("1/5000000000", "no message");
	put_file("1/expunged/7", "");
	put_file("1/expunged/8.12345", "");
	put_file("1/expunged/junk", "");
	assert_int_equal(read_all(body_list(ANNA, 1, BODY_MESSAGES), seen,
	    &aside), 3 * BODY_SLICE);
	assert_int_equal(aside, 0);
	for (i = 1; i <= 3 * BODY_SLICE; i++)
		assert_int_equal(seen[i], 1);
	memset(seen, 0, sizeof(seen));
	assert_int_equal(read_all(body_list(ANNA, 1, BODY_EXPUNGED), seen,
	    &aside), 3);
	assert_int_equal(aside, 2);
	assert_int_equal(seen[7], 1);
	assert_null(body_list(ANNA, 2, BODY_MESSAGES));
	assert_int_equal(errno, ENOENT);
	memset(seen, 0, sizeof(seen));
	assert_int_equal(text_replace(ANNA, 0, "acl", "", 0), 0);
	assert_int_equal(read_all(body_list_mailboxes(ANNA), seen, &aside),
	    1);
	assert_int_equal(seen[1], 1);
}

static void
test_a_look_tells_age_and_links(void **state)
{
	struct body_list *l;
	const struct body_entry *e;
	int64_t since;

	assert_int_equal(body_make_mailbox(ANNA, 2), 0);
	put_file("1/5", "four");
	assert_int_equal(body_link(ANNA, 1, 5, 2, 9), BODY_DONE);
	l = body_list(ANNA, 2, BODY_MESSAGES | BODY_LOOK);
	assert_non_null(l);
	assert_int_equal(body_list_next(l, &e), 1);
	assert_int_equal(e->number, 9);
	assert_true(e->is_body);
	assert_int_equal(e->size, 4);
	assert_int_equal(e->links, 2);
	assert_true(e->since > 0);
	assert_int_equal(body_list_drop(l, e), 0);
	assert_int_equal(body_list_next(l, &e), 0);
	body_list_end(&l);
	assert_int_equal(body_present(ANNA, 2, 9), 0);
	assert_int_equal(body_present(ANNA, 1, 5), 1);
	assert_int_equal(body_mailbox_since(ANNA, 2, &since), 0);
	assert_true(since > 0);
	assert_int_equal(body_mailbox_since(ANNA, 3, &since), -1);
}

static void
test_what_is_used_and_removed(void **state)
{
	assert_int_equal(body_mailbox_used(ANNA, 1), 0);
	assert_int_equal(body_mailbox_used(ANNA, 2), 0);
	assert_int_equal(body_mailbox_present(ANNA, 1), 1);
	assert_int_equal(body_mailbox_present(ANNA, 2), 0);
	put_file("1/3", "");
	assert_int_equal(body_mailbox_used(ANNA, 1), 1);
	assert_int_equal(body_expunge(ANNA, 1, 3), BODY_DONE);
	assert_int_equal(body_mailbox_used(ANNA, 1), 1);
	put_file("1/flags", "");
	put_file("1/4", "");
	assert_int_equal(body_remove_mailbox(ANNA, 1), 0);
	assert_int_equal(body_mailbox_present(ANNA, 1), 0);
	assert_int_equal(body_remove_mailbox(ANNA, 1), -1);
}

static void
test_all_users(void **state)
{
	char p[BODY_PATH_MAX];
	struct body_users *u;
	int n = 0, anna = 0;

	assert_int_equal(body_make_mailbox("example.test/bert", 1), 0);
	assert_int_equal(body_make_mailbox("other.test/anna", 1), 0);
	assert_int_equal(text_replace("", 0, ".epoch", "1\n", 2), 0);
	u = body_users();
	assert_non_null(u);
	while (body_users_next(u, p, sizeof(p)) == 1) {
		n++;
		anna += strcmp(p, ANNA) == 0;
		assert_true(body_user_present(p));
	}
	body_users_end(&u);
	assert_int_equal(n, 3);
	assert_int_equal(anna, 1);
}

static ino_t
inode(const char *name)
{
	struct stat st;

	return stat(path(name), &st) == 0 ? st.st_ino : 0;
}

static int
queue_file(const char *id, const char *text)
{
	char name[100];
	int fd;

	snprintf(name, sizeof(name), "%s/queue/%s", dir, id);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	return fd;
}

/* Whatever says that there are no links there: a copy, which the others of the
   same message share while it is there. */
static void
test_what_cannot_be_linked(void **state)
{
	static const int errors[] = { EXDEV, EOPNOTSUPP, EPERM, EMLINK };
	uint32_t uid = 1;
	char id[20], a[20], b[20];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++, uid += 4) {
		snprintf(id, sizeof(id), "q%zu", i);
		fd = queue_file(id, "text");
		link_error = errors[i];
		/* The fresh file of the copy is in the mail folder's .new. */
		link_anywhere = 0;
		assert_int_equal(body_link_queue(ANNA, 1, uid, id, fd, 4),
		    BODY_DONE);
		assert_int_equal(body_link_queue(ANNA, 1, uid + 1, id, fd, 4),
		    BODY_DONE);
		snprintf(a, sizeof(a), "1/%u", uid);
		snprintf(b, sizeof(b), "1/%u", uid + 1);
		assert_int_not_equal(inode(a), 0);
		assert_int_equal(inode(a), inode(b));
		/* The first one went: another copy. */
		assert_int_equal(unlink(path(a)), 0);
		assert_int_equal(body_link_queue(ANNA, 1, uid + 2, id, fd, 4),
		    BODY_DONE);
		snprintf(a, sizeof(a), "1/%u", uid + 2);
		assert_int_not_equal(inode(a), 0);
		assert_int_not_equal(inode(a), inode(b));
		link_anywhere = 1;
		assert_int_equal(body_link(ANNA, 1, uid + 2, 1, uid + 3),
		    BODY_DONE);
		snprintf(b, sizeof(b), "1/%u", uid + 3);
		assert_int_not_equal(inode(b), 0);
		assert_int_not_equal(inode(a), inode(b));
		link_error = 0;
		close(fd);
	}
	/* A copy that is not durable is no message. */
	fd = queue_file("unsynced", "text");
	link_error = EXDEV;
	link_anywhere = 0;
	file_sync_fails = 1;
	assert_int_equal(body_link_queue(ANNA, 1, uid, "unsynced", fd, 4),
	    BODY_TROUBLE);
	file_sync_fails = 0;
	snprintf(a, sizeof(a), "1/%u", uid);
	assert_int_equal(inode(a), 0);
	close(fd);
	fd = queue_file("other", "text");
	link_error = ENOSPC;
	assert_int_equal(body_link_queue(ANNA, 1, uid, "other", fd, 4),
	    BODY_FULL);
	link_error = 0;
	close(fd);
}

/* What has the name of the file that was meant, and is another one. */
static void
test_another_file(void **state)
{
	int fd = queue_file("meant", "text"), copied;
	char name[100];

	snprintf(name, sizeof(name), "%s/queue/meant", dir);
	assert_int_equal(unlink(name), 0);
	close(queue_file("meant", "TEXT"));
	assert_int_equal(body_link_queue(ANNA, 1, 70, "meant", fd, 4),
	    BODY_FALSE);
	assert_int_equal(inode("1/70"), 0);
	/* A copy of the one is not the other's, for all its name. */
	link_error = EXDEV;
	link_anywhere = 0;
	copied = open(name, O_RDONLY);
	assert_int_equal(body_link_queue(ANNA, 1, 71, "meant", copied, 4),
	    BODY_DONE);
	close(fd);
	assert_int_equal(unlink(name), 0);
	fd = queue_file("meant", "text");
	assert_int_equal(body_link_queue(ANNA, 1, 72, "meant", fd, 4),
	    BODY_DONE);
	link_error = 0;
	assert_int_not_equal(inode("1/71"), inode("1/72"));
	close(copied);
	close(fd);
}

static void
test_a_network_is_refused(void **state)
{
	struct buf why = BUF_INIT(400);

	store.conf.state_dir = dir;
	fs_type = 0x6969;
	assert_int_equal(start_open(&why), -2);
	fs_type = 0;
	assert_non_null(strstr(buf_str(&why), "spool/mail lies on NFS"));
	buf_clear(&why);
}

/* The body of an APPEND is answered for when it is durable. */
static void
test_a_body_that_is_not_synced(void **state)
{
	const char *name = path("../../.new/fresh");
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, "text", 4), 4);
	close(fd);
	assert_int_equal(body_check("fresh", 4, crc32c(0, "text", 4)),
	    BODY_DONE);
	assert_int_equal(body_check("fresh", 5, crc32c(0, "text", 4)),
	    BODY_FALSE);
	assert_int_equal(body_check("fresh", 4, crc32c(0, "texu", 4)),
	    BODY_FALSE);
	file_sync_fails = 1;
	assert_int_equal(body_check("fresh", 4, crc32c(0, "text", 4)),
	    BODY_TROUBLE);
	file_sync_fails = 0;
}

/* A fresh file is given out when its name is durable; else none is ready. */
static void
test_fresh_names(void **state)
{
	int before = syncs;

	assert_true(body_wants());
	sync_fails = 1;
	body_prepare();
	sync_fails = 0;
	assert_int_equal(syncs, before + 1);
	assert_true(body_wants());
	body_prepare();
	assert_int_equal(syncs, before + 2);
	assert_false(body_wants());
}

/* No names are no room, but where the file system does not count them. */
static void
test_space(void **state)
{
	assert_true(body_space() > 0);
	no_names = 1;
	assert_true(body_space() == 0);
	no_names = 2;
	assert_true(body_space() > 0);
	no_names = 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_texts_have_any_name),
		T(test_bad_names_are_refused),
		T(test_a_text_is_bounded),
		T(test_append_ends_a_cut_off_line),
		T(test_a_text_in_pieces),
		T(test_lists_go_in_slices),
		T(test_a_look_tells_age_and_links),
		T(test_what_is_used_and_removed),
		T(test_all_users), T(test_what_cannot_be_linked),
		T(test_a_network_is_refused), T(test_another_file),
		T(test_a_text_is_no_link), T(test_a_body_that_is_not_synced),
		/* Behind all: those that are ready lie in its folder. */
		T(test_space), T(test_fresh_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
