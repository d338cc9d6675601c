/* What a domain's accounts hold together, and that it bounds them. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "lib/map/map.h"
#include "store/sum.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"
#define BERT "bert@example.test"
#define CARL "carl@alias.test"
#define OTHER "dora@elsewhere.test"
#define KEY "@example.test"

enum { TRIES = 3000, TRY_US = 10000, ROUNDS = 15, LARGE = 60000 };

static struct rig rig;
static struct rig_sum *bound;
static int *no_bert, *is_renamed;
static char large[LARGE + 1];

static int
setup(void **state)
{
	rig_init_memory(&rig);
	rig.sum = bound;
	rig.no_bert = no_bert;
	rig.renamed = is_renamed;
	*bound = (struct rig_sum){ 0, 0, 0, 0 };
	*no_bert = *is_renamed = 0;
	return 0;
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

/* The child's log goes to a file. */
static void
to_file(void)
{
	int fd = open(rig_path(&rig, "log"), O_WRONLY | O_CREAT | O_APPEND,
	    0600);

	dup2(fd, 2);
	close(fd);
}

static void
wait_line(const char *words)
{
	struct buf text = BUF_INIT(64 << 20);
	int i, fd, found = 0;

	for (i = 0; i < TRIES && !found; i++) {
		fd = open(rig_path(&rig, "log"), O_RDONLY);
		buf_reset(&text);
		if (fd != -1)
			assert_int_equal(fd_slurp(fd, &text), 0);
		fd_close(&fd);
		found = strstr(buf_str(&text), words) != NULL;
		if (!found)
			usleep(TRY_US);
	}
	buf_clear(&text);
	assert_true(found);
}

static int
is_published(const char *key)
{
	struct buf why = BUF_INIT(300);
	struct map *m = map_cdb_open(rig_path(&rig, "jail/state/full.cdb"), 1,
	    &why);
	const char *p;
	size_t len;
	int r = m != NULL && map_find(m, key, strlen(key), &p, &len) ==
	    MAP_FOUND;

	map_free(&m);
	buf_clear(&why);
	return r;
}

static void
wait_published(int want)
{
	int i;

	for (i = 0; i < TRIES && is_published(KEY) != want; i++)
		usleep(TRY_US);
	assert_int_equal(is_published(KEY), want);
}

static enum result
deliver(const char *text, const char *who)
{
	char id[17];

	rig_file(&rig, text, id);
	return rig_deliver(&rig, id, who, NULL);
}

static void
delivered(const char *who, int n)
{
	while (n-- > 0)
		assert_int_equal(deliver("x", who), RESULT_DELIVERED);
}

static int
append(uint32_t mailbox, const char *text)
{
	struct door *d = &rig.imap[2];
	char name[DOOR_FILE_NAME + 1];
	uint32_t uid, validity;
	size_t len = strlen(text);
	int fd;

	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	return door_append(d, mailbox, name, len, crc32c(0, text, len), 1, 0,
	    NULL, 1700000000, NULL, 0, &uid, &validity);
}

static void
expunge(struct door *d, uint32_t uid)
{
	uint64_t modseq;
	uint32_t *gone;
	size_t n;

	assert_int_equal(door_expunge(d, 1, &uid, 1, 1, &gone, &n, &modseq), 0);
	assert_int_equal(n, 1);
	free(gone);
}

/* As store holds it. */
static struct door_usage
held(void)
{
	struct door_quotas q;

	assert_int_equal(door_quotas(&rig.imap[0], &q), 0);
	assert_string_equal(q.name, "example.test");
	return q.domain;
}

static void
wait_held(uint64_t count)
{
	int i;

	for (i = 0; i < TRIES && held().count != count; i++)
		usleep(TRY_US);
	assert_int_equal(held().count, count);
}

/* As a walk over all accounts finds it, which loads each. */
static struct door_usage
walked(void)
{
	struct buf out = BUF_INIT(64 << 10);
	struct door_usage u = { 0, 0, 0, 0 };
	unsigned long long messages, size;
	char *save = NULL, *line, user[300];

	assert_true(rig_control(&rig, C_LIST, NULL, &out) >= 0);
	buf_putc(&out, '\n');
	for (line = strtok_r(out.data, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		assert_int_equal(sscanf(line, "%299[^|]|%*u|%llu|%llu", user,
		    &messages, &size), 3);
		if (strstr(user, "@example.test") == NULL &&
		    strstr(user, "@alias.test") == NULL)
			continue;
		u.count += messages;
		u.size += size;
	}
	buf_clear(&out);
	return u;
}

static void
assert_true_sum(void)
{
	struct door_usage u, h = held();

	u = walked();
	assert_int_equal(h.count, u.count);
	assert_int_equal(h.size, u.size);
}

static void
reload(void)
{
	struct buf out = BUF_INIT(2000);

	assert_int_not_equal(rig_control(&rig, C_RELOAD, NULL, &out), -1);
	buf_clear(&out);
}

/* Two fill it, the third has no room, though none has a quota of its own. */
static void
test_together(void **state)
{
	char words[RESULT_WORDS_MAX + 1], id[17];

	bound->count = 4;
	rig_start(&rig);
	delivered(ANNA, 2);
	assert_false(is_published(KEY));
	delivered(BERT, 2);
	wait_published(1);
	assert_false(is_published(BERT));
	rig_file(&rig, "x", id);
	assert_int_equal(rig_deliver(&rig, id, CARL, words), RESULT_LATER);
	assert_non_null(strstr(words, "4.2.2"));
	assert_int_equal(append(1, "x"), -1);
	assert_int_equal(door_error(&rig.imap[2]), D_QUOTA);
	delivered(OTHER, 5);
	expunge(&rig.imap[2], 1);
	wait_published(0);
	delivered(CARL, 1);
	wait_published(1);
	assert_true_sum();
	assert_int_equal(held().count_max, 4);
}

/* The octets; and what is larger than all that may be never comes. */
static void
test_size(void **state)
{
	bound->size = 10;
	rig_start(&rig);
	assert_int_equal(deliver("0123456789x", ANNA), RESULT_NEVER);
	assert_int_equal(deliver("0123456", ANNA), RESULT_DELIVERED);
	assert_int_equal(append(1, "0123"), -1);
	assert_int_equal(door_error(&rig.imap[2]), D_QUOTA);
	assert_int_equal(append(1, "012"), 0);
	assert_int_equal(held().size, 10);
	assert_int_equal(deliver("x", CARL), RESULT_LATER);
	expunge(&rig.imap[2], 1);
	/* The one that passes the bound may. */
	assert_int_equal(deliver("01234567", CARL), RESULT_DELIVERED);
	assert_int_equal(held().size, 15);
	wait_published(1);
	assert_true_sum();
}

/* Whatever brings messages, or takes them. */
static void
test_each_change(void **state)
{
	struct door *d = &rig.imap[2];
	uint32_t uids[] = { 1, 2 }, *from, *to, validity;
	struct buf out = BUF_INIT(2000);
	struct door_mailbox m;
	size_t n;

	bound->count = 100;
	rig_start(&rig);
	delivered(BERT, 2);
	assert_int_equal(held().count, 2);
	assert_int_equal(door_create(d, "x", 0, &m), 0);
	assert_int_equal(door_copy(d, 1, m.id, uids, 2, 0, &from, &to, &n,
	    &validity), 0);
	free(from);
	free(to);
	assert_int_equal(held().count, 4);
	assert_int_equal(door_copy(d, 1, m.id, uids, 1, DOOR_MOVE, &from, &to,
	    &n, &validity), 0);
	free(from);
	free(to);
	assert_int_equal(held().count, 4);
	assert_true_sum();
	assert_int_not_equal(rig_control(&rig, C_REBUILD, BERT, &out), -1);
	assert_int_equal(held().count, 4);
	assert_int_equal(door_delete(d, m.id), 0);
	assert_int_equal(held().count, 1);
	assert_true_sum();
	buf_clear(&out);
}

/* A bound that comes, changes and goes while store runs. */
static void
test_reload(void **state)
{
	struct door_quotas q;

	rig_start(&rig);
	delivered(ANNA, 3);
	delivered(CARL, 2);
	assert_int_equal(door_quotas(&rig.imap[0], &q), 0);
	assert_string_equal(q.name, "");
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	bound->count = 5;
	reload();
	wait_published(1);
	wait_held(5);
	assert_int_equal(deliver("x", BERT), RESULT_LATER);
	bound->count = 6;
	reload();
	wait_published(0);
	delivered(BERT, 1);
	wait_published(1);
	bound->no_tables = 1;
	bound->count = 7;
	reload();
	assert_int_equal(deliver("x", BERT), RESULT_LATER);
	bound->no_tables = 0;
	wait_published(0);
	assert_true_sum();
	bound->count = 0;
	reload();
	delivered(BERT, 4);
	assert_int_equal(door_quotas(&rig.imap[0], &q), 0);
	assert_string_equal(q.name, "");
	bound->count = 10;
	reload();
	wait_published(1);
	assert_true_sum();
}

/* A closed account counts no more; one that comes back does. */
static void
test_closed(void **state)
{
	struct buf out = BUF_INIT(2000);

	bound->count = 100;
	rig_start(&rig);
	delivered(ANNA, 1);
	delivered(BERT, 3);
	delivered(CARL, 1);
	assert_int_equal(held().count, 5);
	*no_bert = 1;
	reload();
	wait_held(2);
	*no_bert = 0;
	reload();
	wait_held(5);
	*no_bert = 1;
	reload();
	assert_int_equal(rig_control(&rig, C_REMOVE, BERT, &out), 1);
	wait_held(2);
	*no_bert = 0;
	reload();
	assert_true_sum();
	assert_int_equal(held().count, 2);
	buf_clear(&out);
}

/* From another domain to this one. */
static void
test_rename(void **state)
{
	struct buf out = BUF_INIT(2000);

	bound->count = 100;
	*no_bert = 1;
	rig_start(&rig);
	delivered(ANNA, 1);
	delivered(RIG_FORMER, 3);
	assert_int_equal(held().count, 1);
	*no_bert = 0;
	*is_renamed = 1;
	reload();
	assert_int_equal(rig_control(&rig, C_RENAME, BERT, &out), 0);
	assert_int_equal(held().count, 4);
	delivered(BERT, 1);
	assert_int_equal(held().count, 5);
	assert_true_sum();
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	wait_held(5);
	buf_clear(&out);
}

/* Within the domain it counts once, before, meanwhile and afterwards. */
static void
test_rename_within(void **state)
{
	struct buf out = BUF_INIT(2000);

	bound->count = 100;
	bound->other = 1;
	*no_bert = 1;
	rig_start(&rig);
	delivered(ANNA, 1);
	delivered(RIG_FORMER, 3);
	assert_int_equal(held().count, 4);
	*no_bert = 0;
	*is_renamed = 1;
	reload();
	assert_int_equal(held().count, 4);
	assert_int_equal(rig_control(&rig, C_RENAME, BERT, &out), 0);
	assert_int_equal(held().count, 4);
	buf_clear(&out);
}

/* Without an index each account is read anew, whether it is used or not. */
static void
test_no_index(void **state)
{
	char cmd[200];

	bound->count = 5;
	rig_start(&rig);
	delivered(BERT, 3);
	delivered(CARL, 2);
	assert_int_equal(rig_stop(&rig), 0);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", rig_path(&rig,
	    "spool/index"));
	assert_int_equal(system(cmd), 0);
	rig_start(&rig);
	wait_published(1);
	wait_held(5);
	assert_int_equal(deliver("x", ANNA), RESULT_LATER);
}

/* One of many changes, in no order; any of them may meet its end. */
static void
change(unsigned n)
{
	static const char *const who[] = { ANNA, BERT, CARL, OTHER };
	static uint32_t made;
	struct door *d = &rig.imap[2];
	uint32_t uid = n % 5 + 1, *from, *to, *gone, validity;
	struct door_mailbox m;
	uint64_t modseq;
	size_t k;

	switch (n % 7) {
	case 4:
		if (door_create(d, "x", 0, &m) == 0)
			made = m.id;
		break;
	case 5:
		if (door_copy(d, 1, made, &uid, 1, 0, &from, &to, &k,
		    &validity) == 0) {
			free(from);
			free(to);
		}
		if (n % 3 == 0)
			(void)!door_delete(d, made);
		break;
	case 6:
		if (door_expunge(d, 1, &uid, 1, 1, &gone, &k, &modseq) == 0)
			free(gone);
		break;
	default:
		(void)!deliver("some text", who[n / 7 % 4]);
	}
}

static int
is_dead(void)
{
	siginfo_t i = { .si_pid = 0 };

	return waitid(P_PID, (id_t)rig.pid, &i, WEXITED | WNOHANG |
	    WNOWAIT) == -1 || i.si_pid != 0;
}

/* Another process, for a signal would interrupt the rig. */
static pid_t
kill_after(useconds_t us)
{
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		usleep(us);
		kill(rig.pid, SIGKILL);
		_exit(0);
	}
	return pid;
}

/* What a walk finds in a copy, by a store that knows of no sums. */
static struct door_usage
walked_copy(void)
{
	struct rig was = rig;
	struct door_usage u;
	char cmd[300];

	rig_init_memory(&rig);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s' && cp -a '%s' '%s'", rig.dir,
	    was.dir, rig.dir);
	assert_int_equal(system(cmd), 0);
	rig_start(&rig);
	u = walked();
	rig_clear(&rig);
	rig = was;
	return u;
}

/* Killed at any moment: the sum is what a walk finds, and nobody walks. */
static void
test_kills(void **state)
{
	struct door_usage u;
	unsigned round, n = 0;
	int i, busy = 0;
	pid_t killer;

	bound->count = 1000000;
	srand(17);
	for (round = 0; round < ROUNDS; round++) {
		rig_start(&rig);
		killer = kill_after((useconds_t)(20000 + rand() % 60000));
		while (!is_dead())
			change(n++);
		assert_int_equal(waitpid(killer, NULL, 0), killer);
		rig_kill(&rig);
		u = walked_copy();
		rig_start(&rig);
		for (i = 0; i < TRIES && (held().count != u.count ||
		    held().size != u.size); i++)
			usleep(TRY_US);
		assert_int_equal(held().count, u.count);
		assert_int_equal(held().size, u.size);
		busy += u.count > 0;
		assert_int_equal(rig_stop(&rig), 0);
	}
	print_message("%u changes, %u kills\n", n, round);
	assert_true(busy > 0 && n > ROUNDS);
}

/* anna is the postmaster. */
static uint32_t
told(void)
{
	struct door_mailbox m;

	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	return m.messages;
}

static void
wait_told(uint32_t n)
{
	int i;

	for (i = 0; i < TRIES && told() < n; i++)
		usleep(TRY_US);
	assert_int_equal(told(), n);
}

/* At 80 percent once, at 95 once, whatever happens to store; again where it had
   fallen below. */
static void
test_warned(void **state)
{
	uint32_t uid = 1;
	char text[2000];
	ssize_t n;
	int fd, i;

	memset(large, 'x', LARGE);
	bound->size = 20 * LARGE;
	rig.in_child = to_file;
	rig_start(&rig);
	for (i = 0; i < 8; i++) {
		assert_int_equal(deliver(large, BERT), RESULT_DELIVERED);
		assert_int_equal(deliver(large, CARL), RESULT_DELIVERED);
	}
	wait_told(1);
	assert_int_equal(door_open(&rig.imap[0], 1, &uid, 1, &fd), 0);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "To: <" ANNA ">\r\n"));
	assert_non_null(strstr(text,
	    "Subject: The domain example.test is 80 % full\r\n"));
	assert_non_null(strstr(text, "0.9 MB of the 1.1 MB\r\n"));
	rig_kill(&rig);
	rig_start(&rig);
	assert_int_equal(deliver(large, BERT), RESULT_DELIVERED);
	assert_int_equal(deliver(large, CARL), RESULT_DELIVERED);
	assert_int_equal(deliver(large, CARL), RESULT_DELIVERED);
	wait_told(2);
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	for (uid = 1; uid <= 4; uid++)
		expunge(&rig.imap[2], uid);
	/* That it fell is seen within a second or two. */
	wait_line("the domain example.test is below 80 percent again");
	for (i = 0; i < 4; i++)
		assert_int_equal(deliver(large, BERT), RESULT_DELIVERED);
	wait_told(3);
	assert_true_sum();
}

/* Sums, in this process: bounds, and numbers that run over. */

static enum lookup
not_nobody(const char *name)
{
	return strncmp(name, "nobody", 6) == 0 ? LOOKUP_ABSENT : LOOKUP_FOUND;
}

static struct tables_sum huge = { "example.test", UINT64_MAX, 0 };

static enum lookup
one_sum(const char *name, struct tables_sum *s)
{
	*s = huge;
	return LOOKUP_FOUND;
}

static int now_full;

static void
full(const char *key, int on)
{
	assert_string_equal(key, KEY);
	now_full = on;
}

static void
test_bounds(void **state)
{
	char domain[DOMAIN_MAX + 1], name[40];
	struct warn_usage u;
	int i;

	sum_begin(&(struct sum_ways){ .where = one_sum, .counts = not_nobody,
	    .full = full });
	sum_turn_on();
	assert_int_equal(sum_check("a@b.test", UINT64_MAX, UINT64_MAX),
	    QUOTA_OK);
	sum_walked("a@b.test", UINT64_MAX - 10, 1);
	assert_int_equal(sum_check("a@b.test", 10, 1), QUOTA_OK);
	assert_int_equal(sum_check("c@b.test", 11, 1), QUOTA_FULL);
	assert_int_equal(sum_check("c@b.test", UINT64_MAX, 1), QUOTA_FULL);
	assert_int_equal(sum_check("c@b.test", 0, 0), QUOTA_OK);
	assert_int_equal(sum_delivery("c@b.test", UINT64_MAX), QUOTA_OK);
	assert_int_equal(sum_usage("c@b.test", domain, &u), 1);
	assert_string_equal(domain, "example.test");
	assert_true(u.size == UINT64_MAX - 10 && u.count == 1);
	assert_false(now_full);
	sum_walked("c@b.test", 10, 1);
	assert_true(now_full);
	sum_walked("c@b.test", 0, 0);
	assert_false(now_full);
	/* The same again is no more; another name is. */
	sum_walked("a@b.test", 5, 1);
	sum_walked("nobody@b.test", 100, 100);
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "user%d@b.test", i);
		sum_walked(name, 3, 2);
	}
	assert_int_equal(sum_usage("a@b.test", domain, &u), 1);
	assert_true(u.size == 15005 && u.count == 10001);
	sum_rename("a@b.test", "b@b.test");
	sum_forget("user17@b.test");
	sum_forget("user17@b.test");
	assert_int_equal(sum_usage("a@b.test", domain, &u), 1);
	assert_true(u.size == 15002 && u.count == 9999);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_together), T(test_size), T(test_each_change),
		T(test_reload), T(test_closed), T(test_rename),
		T(test_rename_within),
		T(test_no_index), T(test_kills), T(test_warned),
		/* The last: a child would have what it leaves. */
		cmocka_unit_test(test_bounds),
	};
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	bound = p;
	no_bert = (int *)(bound + 1);
	is_renamed = no_bert + 1;
	return cmocka_run_group_tests_name("sum", tests, NULL, NULL);
}
