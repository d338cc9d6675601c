/* The index is lost, or broken, or made anew by order: the mail is the same. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/mail/proto.h"
#include "store/index.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"

static struct rig rig;

static int
setup(void **state)
{
	rig_init(&rig);
	rig_start(&rig);
	return 0;
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

/* Everything that must be the same, as text. */
static void
picture(struct door *d, struct buf *out)
{
	struct door_mailbox *list;
	struct door_record *rec;
	uint32_t *gone;
	uint64_t modseq;
	size_t i, k, n, n_rec, n_gone;
	int complete;

	assert_int_equal(door_list(d, &list, &n), 0);
	for (i = 0; i < n; i++) {
		buf_printf(out, "%s %u %u %u %u/%u\n", list[i].name,
		    list[i].id, list[i].uidvalidity, list[i].attrs,
		    list[i].messages, list[i].unseen);
		assert_int_equal(door_records(d, list[i].id, 0, &rec, &n_rec,
		    &gone, &n_gone, &modseq, &complete), 0);
		for (k = 0; k < n_rec; k++)
			buf_printf(out, "  %u %x %llx %lld %llu %u\n",
			    rec[k].uid, rec[k].flags,
			    (unsigned long long)rec[k].keywords,
			    (long long)rec[k].date,
			    (unsigned long long)rec[k].size,
			    rec[k].header_len);
		free(rec);
		free(gone);
		assert_int_equal(door_keywords(d, list[i].id, out), 0);
	}
	door_list_free(&list, n);
}

static void
fill(void)
{
	struct door *d = &rig.imap[0];
	uint32_t uids[] = { 1, 2, 3, 4, 5 }, *failed, *gone, *from, *to, v;
	char *words[] = { "Red", "$Junk", NULL }, id[17];
	struct door_record *rec;
	struct door_mailbox m;
	uint64_t modseq;
	size_t n, n_failed;
	int i;

	for (i = 0; i < 5; i++) {
		rig_file(&rig, "A: b\r\nC: d\r\n\r\nbody\r\n", id);
		assert_int_equal(rig_deliver(&rig, id, ANNA, NULL),
		    RESULT_DELIVERED);
	}
	assert_int_equal(door_create(d, "a/b \303\244", 0, &m), 0);
	assert_int_equal(door_subscribe(d, "not there", 1), 0);
	assert_int_equal(door_store(d, 1, uids, 3, DOOR_SET,
	    FLAG_SEEN | FLAG_FLAGGED, words, UINT64_MAX, &rec, &n, &failed,
	    &n_failed), 0);
	free(rec);
	free(failed);
	assert_int_equal(door_copy(d, 1, m.id, uids, 2, 0, &from, &to, &n,
	    &v), 0);
	free(from);
	free(to);
	assert_int_equal(door_expunge(d, 1, uids + 4, 1, 1, &gone, &n,
	    &modseq), 0);
	assert_int_equal(n, 1);
	free(gone);
}

/* header_len was 4 as delivered; a rebuild reads it from the file: 14. */
static void
fix_header(struct buf *b)
{
	char *p = b->data;

	while ((p = strstr(p, " 20 4\n")) != NULL) {
		memcpy(p, " 20 X\n", 6);
		p++;
	}
	p = b->data;
	while ((p = strstr(p, " 20 14\n")) != NULL) {
		memcpy(p, " 20 X\n", 6);
		memmove(p + 6, p + 7, strlen(p + 7) + 1);
		p++;
	}
}

static void
one_keyword(uint32_t uid, unsigned number)
{
	char name[20], *words[] = { name, NULL };
	struct door_record *rec;
	uint32_t *failed;
	size_t n, n_failed;

	snprintf(name, sizeof(name), "k%u", number);
	assert_int_equal(door_store(&rig.imap[0], 1, &uid, 1, DOOR_SET, 0,
	    words, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	assert_int_equal(n, 1);
	free(rec);
	free(failed);
}

/*
 * Bits got other names, and the flags file was behind when store was killed:
 * the next one is a new file, without a line of the old names.
 */
static void
test_renamed(void **state)
{
	struct buf before = BUF_INIT(100000), after = BUF_INIT(100000);
	char cmd[200], id[17];
	unsigned i;

	for (i = 0; i < 2; i++) {
		rig_file(&rig, "A: b\r\nC: d\r\n\r\nbody\r\n", id);
		assert_int_equal(rig_deliver(&rig, id, ANNA, NULL),
		    RESULT_DELIVERED);
	}
	for (i = 0; i < KEYWORDS_MAX; i++)
		one_keyword(1, i);
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	one_keyword(1, 2100);
	one_keyword(2, 2101);
	/* Its flush of the log is theirs. */
	rig_file(&rig, "A: b\r\nC: d\r\n\r\nbody\r\n", id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
	rig_kill(&rig);
	rig_start(&rig);
	picture(&rig.imap[0], &before);
	assert_int_equal(rig_stop(&rig), 0);
	snprintf(cmd, sizeof(cmd), "cd '%s/spool/mail' && "
	    "f=$(find . -path '*/1/flags') && ! grep -q 'k0$' $f && "
	    "grep -q 'k 0 k2100$' $f && rm -rf ../index", rig.dir);
	assert_int_equal(system(cmd), 0);
	rig_start(&rig);
	picture(&rig.imap[0], &after);
	fix_header(&before);
	fix_header(&after);
	assert_string_equal(buf_str(&before), buf_str(&after));
	buf_clear(&before);
	buf_clear(&after);
}

static void
shell(const char *what)
{
	char cmd[300];

	snprintf(cmd, sizeof(cmd), "cd '%s/spool' && %s", rig.dir, what);
	assert_int_equal(system(cmd), 0);
}

static void
test_lost(void **state)
{
	struct buf before = BUF_INIT(100000), after = BUF_INIT(100000);
	struct buf out = BUF_INIT(10000);
	struct door_mailbox m, now;
	char cmd[200];

	fill();
	picture(&rig.imap[0], &before);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(rig_stop(&rig), 0);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s/spool/index'", rig.dir);
	assert_int_equal(system(cmd), 0);
	rig_start(&rig);
	picture(&rig.imap[0], &after);
	fix_header(&before);
	fix_header(&after);
	assert_string_equal(buf_str(&before), buf_str(&after));
	assert_int_equal(door_status(&rig.imap[0], 1, &now), 0);
	assert_true(now.uidnext > m.uidnext + (1 << 20) - 1);
	assert_true(now.highestmodseq > m.highestmodseq);
	assert_int_equal(rig_control(&rig, C_CHECK, NULL, &out), 0);
	/* and once more, by order, while it runs */
	assert_true(rig_control(&rig, C_REBUILD, ANNA, &out) > 0);
	buf_reset(&after);
	picture(&rig.imap[0], &after);
	fix_header(&after);
	assert_string_equal(buf_str(&before), buf_str(&after));
	assert_int_equal(rig_control(&rig, C_CHECK, ANNA, &out), 0);
	buf_clear(&before);
	buf_clear(&after);
	buf_clear(&out);
}

/* What no line tells of came into its mailbox when its file did, however old
   that is: nothing is removed for its age too early. */
static void
test_when_it_came(void **state)
{
	time_t begun = time(NULL);
	struct door_record *rec;
	uint32_t *gone, ids[2];
	uint64_t modseq;
	size_t i, k, n, n_gone;
	int complete;

	fill();
	ids[0] = 1;
	ids[1] = rig_mailbox(&rig, &rig.imap[0], "a/b \303\244");
	assert_int_equal(rig_stop(&rig), 0);
	shell("touch -d 2001-02-03 mail/example.test/anna/*/[1-9]* && "
	    "rm -rf index mail/example.test/anna/*/flags");
	rig_start(&rig);
	for (i = 0; i < 2; i++) {
		assert_int_equal(door_records(&rig.imap[0], ids[i], 0, &rec,
		    &n, &gone, &n_gone, &modseq, &complete), 0);
		assert_int_equal(n, i == 0 ? 4 : 2);
		for (k = 0; k < n; k++) {
			assert_true(rec[k].date < 1000000000);
			assert_true((time_t)rec[k].save_date >= begun - 1);
		}
		free(rec);
		free(gone);
	}
}

#ifndef ENGINE_MEM
static void
test_broken(void **state)
{
	struct buf before = BUF_INIT(100000), after = BUF_INIT(100000);
	char name[60];
	int fd, i;

	fill();
	picture(&rig.imap[0], &before);
	assert_int_equal(rig_stop(&rig), 0);
	for (i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "spool/index/core.%02d", i);
		fd = open(rig_path(&rig, name), O_WRONLY);
		assert_int_equal(pwrite(fd, name, 30, 4), 30);
		close(fd);
	}
	rig_start(&rig);
	picture(&rig.imap[0], &after);
	fix_header(&before);
	fix_header(&after);
	assert_string_equal(buf_str(&before), buf_str(&after));
	buf_clear(&before);
	buf_clear(&after);
}

#endif

static void
test_check(void **state)
{
	struct buf out = BUF_INIT(10000);
	int fd;

	fill();
	assert_int_equal(rig_control(&rig, C_CHECK, ANNA, &out), 0);
	assert_int_equal(unlink(rig_path(&rig,
	    "spool/mail/example.test/anna/1/2")), 0);
	fd = open(rig_path(&rig, "spool/mail/example.test/anna/1/1"),
	    O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	/* a delivery that was not answered is none of its business */
	fd = open(rig_path(&rig, "spool/mail/example.test/anna/1/6"),
	    O_WRONLY | O_CREAT, 0600);
	close(fd);
	assert_int_equal(rig_control(&rig, C_CHECK, ANNA, &out), 2 + 1);
	assert_non_null(strstr(buf_str(&out), ANNA "|INBOX|message 2 has no "
	    "file\n"));
	assert_non_null(strstr(buf_str(&out), "message 1 has 21 octets, "
	    "not 20"));
	assert_int_equal(rig_control(&rig, C_CHECK, "nobody@x.test", &out),
	    -1);
	assert_int_equal(rig_control(&rig, C_LIST, NULL, &out), 2);
	assert_int_equal(rig_control(&rig, C_STATUS, NULL, &out), 5);
	assert_int_equal(rig_control(&rig, C_HOLD, NULL, &out), -1);
	buf_clear(&out);
}

static enum result
deliver_new(void)
{
	char id[17];

	rig_file(&rig, "new", id);
	return rig_deliver(&rig, id, ANNA, NULL);
}

/* What is broken is looked at again after some seconds. */
static void
wait_delivered(void)
{
	int i;

	for (i = 0; i < 60 && deliver_new() != RESULT_DELIVERED; i++)
		sleep(1);
	assert_true(i < 60);
}

static void
no_service(void)
{
	struct door_mailbox *list;
	size_t n;

	assert_int_equal(deliver_new(), RESULT_LATER);
	assert_int_equal(door_list(&rig.imap[0], &list, &n), -1);
	assert_int_equal(door_error(&rig.imap[0]), D_LATER);
}

static void
number_of(const char *name, struct door_mailbox *m)
{
	uint32_t id = rig_mailbox(&rig, &rig.imap[0], name);

	assert_int_not_equal(id, 0);
	assert_int_equal(door_status(&rig.imap[0], id, m), 0);
}

/* INBOX as fill() left it, and the one that came when it was back. */
static void
all_there(void)
{
	size_t n;

	assert_int_equal(rig_find(&rig, &rig.imap[0], 1,
	    "A: b\r\nC: d\r\n\r\nbody\r\n", &n), 4);
	assert_int_equal(rig_find(&rig, &rig.imap[0], 1, "new", &n), 1);
	assert_int_equal(n, 5);
}

/* A folder that is away for a while: its mail waits, and is all there then. */
static void
test_away(void **state)
{
	struct buf out = BUF_INIT(10000);

	fill();
	assert_int_equal(rig_stop(&rig), 0);
	shell("mv mail/example.test/anna ../away");
	rig_start(&rig);
	no_service();
	assert_true(rig_control(&rig, C_REBUILD, NULL, &out) >= 0);
	no_service();
	shell("test ! -e mail/example.test/anna && "
	    "mv ../away mail/example.test/anna");
	wait_delivered();
	all_there();
	buf_reset(&out);
	assert_int_equal(rig_control(&rig, C_CHECK, ANNA, &out), 0);
	buf_clear(&out);
}

/*
 * An older index does not know a mailbox, and has flags that no file has and
 * none can be written: nothing is taken over the mail that it does not know.
 */
static void
test_old_index(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t uids[] = { 1, 2 }, *from, *to, v;
	struct door_mailbox m;
	size_t n;

	fill();
	rig_kill(&rig);
	shell("cp -a index ../index");
	rig_start(&rig);
	assert_int_equal(door_create(d, "later", 0, &m), 0);
	assert_int_equal(door_copy(d, 1, m.id, uids, 2, 0, &from, &to, &n,
	    &v), 0);
	free(from);
	free(to);
	assert_int_equal(rig_stop(&rig), 0);
	shell("rm -r index && mv ../index . && cd mail/example.test/anna/1 && "
	    "mv flags ../flags && mkdir flags");
	rig_start(&rig);
	no_service();
	shell("cd mail/example.test/anna/1 && rmdir flags && "
	    "mv ../flags flags");
	wait_delivered();
	all_there();
	number_of("later", &m);
	assert_int_equal(m.messages, 2);
}

/* The list alone is lost: what lies there is no new account's. */
static void
test_list_lost(void **state)
{
	struct buf out = BUF_INIT(10000);

	fill();
	assert_int_equal(rig_stop(&rig), 0);
	shell("mv mail/example.test/anna/mailboxes ..");
	rig_start(&rig);
	no_service();
	assert_true(rig_control(&rig, C_REBUILD, ANNA, &out) > 0);
	assert_non_null(strstr(buf_str(&out), "holds mail, but no mailboxes"));
	no_service();
	assert_int_equal(rig_stop(&rig), 0);
	shell("rm -r index");
	rig_start(&rig);
	no_service();
	shell("mv ../mailboxes mail/example.test/anna");
	wait_delivered();
	all_there();
	buf_clear(&out);
}

static void
give_up(void)
{
	struct buf out = BUF_INIT(10000);

	assert_true(rig_control(&rig, C_REBUILD, ANNA, &out) > 0);
	assert_string_equal(buf_str(&out), "");
	buf_clear(&out);
}

/* A new account of the old name: no number comes back. */
static void
all_anew(const struct door_mailbox *old)
{
	struct buf out = BUF_INIT(10000);
	uint64_t size, size_max, n, n_max;
	struct door_mailbox m;
	size_t k;

	number_of("INBOX", &m);
	assert_true(m.uidvalidity > old->uidvalidity);
	assert_true(m.id > old->id);
	assert_int_equal(rig_find(&rig, &rig.imap[0], m.id, "new", &k), 1);
	assert_int_equal(k, 1);
	assert_int_equal(door_quota(&rig.imap[0], &size, &size_max, &n,
	    &n_max), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rig_control(&rig, C_CHECK, ANNA, &out), 0);
	buf_clear(&out);
}

/*
 * Removed for good: by order the account begins anew. And where it was not
 * for good after all, what comes back is what counts.
 */
static void
test_give_up(void **state)
{
	struct door_mailbox last;

	fill();
	number_of("a/b \303\244", &last);
	assert_int_equal(rig_stop(&rig), 0);
	shell("mv mail/example.test/anna ../away");
	rig_start(&rig);
	no_service();
	give_up();
	assert_int_equal(deliver_new(), RESULT_DELIVERED);
	all_anew(&last);
	rig_kill(&rig);
	rig_start(&rig);
	all_anew(&last);
	assert_int_equal(rig_stop(&rig), 0);
	shell("rm -r mail/example.test/anna && "
	    "mv ../away mail/example.test/anna");
	rig_start(&rig);
	assert_int_equal(deliver_new(), RESULT_DELIVERED);
	all_there();
}

/* The same under the eyes of a store that has it in memory. */
static void
test_give_up_loaded(void **state)
{
	struct door_mailbox last;

	fill();
	number_of("a/b \303\244", &last);
	shell("rm -r mail/example.test/anna");
	give_up();
	assert_int_equal(deliver_new(), RESULT_DELIVERED);
	all_anew(&last);
	rig_kill(&rig);
	rig_start(&rig);
	all_anew(&last);
}

/* There was nothing to lose: a removed folder is made again by itself. */
static void
test_empty_again(void **state)
{
	struct door_mailbox m, now;

	number_of("Archive", &m);
	assert_int_equal(rig_stop(&rig), 0);
	shell("rm -r mail/example.test/anna");
	rig_start(&rig);
	assert_int_equal(deliver_new(), RESULT_DELIVERED);
	number_of("INBOX", &now);
	assert_true(now.id > m.id && now.uidvalidity > m.uidvalidity);
	assert_int_equal(now.messages, 1);
}

/* An index without its mail: the start refuses, and has changed nothing. */
static void
test_not_mounted(void **state)
{
	struct buf before = BUF_INIT(100000), after = BUF_INIT(100000);

	fill();
	picture(&rig.imap[0], &before);
	assert_int_equal(rig_stop(&rig), 0);
	shell("mv mail ../away && mkdir mail");
	rig_start(&rig);
	assert_int_equal(rig_stop(&rig), 111 << 8);
	shell("rmdir mail && mv ../away mail");
	rig_start(&rig);
	picture(&rig.imap[0], &after);
	assert_string_equal(buf_str(&before), buf_str(&after));
	/* Without the index there is nothing to contradict. */
	assert_int_equal(rig_stop(&rig), 0);
	shell("rm -r mail index");
	rig_start(&rig);
	assert_int_equal(deliver_new(), RESULT_DELIVERED);
	buf_clear(&before);
	buf_clear(&after);
}

static void
put_index_version(uint32_t version)
{
	struct engine_batch b = { .account = 0 };
	struct index_key k = index_account_key(0, 'v');
	struct buf v = BUF_INIT(0), why = BUF_INIT(300);
	struct engine *e;
	int fresh, clean;

	e = engine_open(rig_path(&rig, "spool/index"), 8 << 20, &fresh,
	    &clean, &why);
	assert_non_null(e);
	assert_int_equal(engine_owner(e, &b.epoch), ENGINE_DONE);
	assert_int_equal(engine_own(e, b.epoch), ENGINE_DONE);
	buf_put_u32(&v, version);
	engine_put(&b, ENGINE_CORE, k.k, k.len, v.data, v.len);
	assert_int_equal(engine_commit_one(engine_db(e, 0), &b), ENGINE_DONE);
	engine_close(&e);
	engine_batch_clear(&b);
	buf_clear(&v);
	buf_clear(&why);
}

/* Mail or an index of a later version: the start refuses, and when they are of
   this one again all is as it was. */
static void
test_later_version(void **state)
{
	struct buf before = BUF_INIT(100000), after = BUF_INIT(100000);

	fill();
	picture(&rig.imap[0], &before);
	assert_int_equal(rig_stop(&rig), 0);
	shell("grep -qx 2 mail/.format && echo 3 > mail/.format && "
	    "cp -a . ../was");
	rig_start(&rig);
	assert_int_equal(rig_stop(&rig), 111 << 8);
	shell("diff -r . ../was && echo 2 > mail/.format && rm -r ../was");
	put_index_version(INDEX_VERSION + 1);
	shell("cp -a mail ../was");
	rig_start(&rig);
	assert_int_equal(rig_stop(&rig), 111 << 8);
	shell("diff -r -x .new mail ../was && test ! -e index/bad-*");
	put_index_version(INDEX_VERSION);
	rig_start(&rig);
	picture(&rig.imap[0], &after);
	assert_string_equal(buf_str(&before), buf_str(&after));
	buf_clear(&before);
	buf_clear(&after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_renamed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_when_it_came, setup, teardown),
#ifndef ENGINE_MEM
		cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
#endif
		cmocka_unit_test_setup_teardown(test_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later_version, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_old_index, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_list_lost, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_give_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_give_up_loaded, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_empty_again, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_not_mounted, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
