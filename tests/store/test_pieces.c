/*
 * Lists that are longer than one frame of the door, whole and in order; and
 * names that are no mailboxes.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"

enum {
	BOXES = 1500,			/* of long names */
	FIRST = 6,			/* that everybody has */
	MESSAGES = 2 * DOOR_RECORDS_MAX + 10,
};

static struct rig rig;

/* In anna's folder, while store is stopped. */
static void
shell(const char *command)
{
	struct buf b = BUF_INIT(0);

	buf_printf(&b, "cd '%s/spool/mail/example.test/anna' && %s", rig.dir,
	    command);
	assert_int_equal(system(b.data), 0);
	buf_clear(&b);
}

static void
start(void)
{
	char id[17];

	rig_init(&rig);
	rig_start(&rig);
	rig_file(&rig, "Subject: x\r\n\r\n", id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL),
	    RESULT_DELIVERED);
}

static void
end(void)
{
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
}

static void
test_mailboxes(void **state)
{
	struct door_mailbox *list;
	size_t i, n;

	start();
	assert_int_equal(rig_stop(&rig), 0);
	shell("sed -i 's/^next .*/next 9000 4000000000/' mailboxes && awk '"
	    "BEGIN { for (i = 0; i < 900; i++) x = x \"x\"; "
	    "for (i = 0; i < 1500; i++) printf \"mailbox %d %d - y%04d%s\\n\", "
	    "1000 + i, 3000000000 + i, i, x }' >>mailboxes");
	rig_start(&rig);
	assert_int_equal(door_list(&rig.imap[0], &list, &n), 0);
	assert_int_equal(n, FIRST + BOXES);
	assert_string_equal(list[0].name, "INBOX");
	for (i = 2; i < n; i++)
		assert_true(strcmp(list[i - 1].name, list[i].name) < 0);
	door_list_free(&list, n);
	end();
}

/* The uids rise, and all are there; from since on. */
static void
check_records(uint64_t since, size_t want, uint64_t *modseq_r)
{
	struct door_record *rec;
	uint32_t *gone;
	size_t i, n, n_gone;
	int complete;

	assert_int_equal(door_records(&rig.imap[0], 1, since, &rec, &n, &gone,
	    &n_gone, modseq_r, &complete), 0);
	assert_true(complete);
	assert_int_equal(n, want);
	for (i = 0; i < n; i++)
		assert_int_equal(rec[i].uid, i + 1);
	free(rec);
	free(gone);
}

static void
test_records(void **state)
{
	struct door *d = &rig.imap[0];
	struct door_record *rec;
	uint32_t *uids, *failed;
	size_t i, n, n_failed;
	uint64_t modseq, later;
	char one[200], name[300];

	start();
	uids = malloc(MESSAGES * sizeof(*uids));
	assert_non_null(uids);
	assert_int_equal(rig_stop(&rig), 0);
	strcpy(one, rig_path(&rig, "spool/mail/example.test/anna/1/1"));
	for (i = 2; i <= MESSAGES; i++) {
		snprintf(name, sizeof(name), "%.*s%zu",
		    (int)strlen(one) - 1, one, i);
		assert_int_equal(link(one, name), 0);
	}
	shell("sed -i 's/^n .*/n 100000/' 1/flags && rm -r ../../../index");
	rig_start(&rig);
	check_records(0, MESSAGES, &modseq);
	for (i = 0; i < MESSAGES; i++)
		uids[i] = (uint32_t)i + 1;
	assert_int_equal(door_store(d, 1, uids, MESSAGES, DOOR_ADD,
	    FLAG_FLAGGED, NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	assert_int_equal(n, MESSAGES);
	for (i = 0; i < n; i++)
		assert_int_equal(rec[i].uid, i + 1);
	free(rec);
	free(failed);
	check_records(modseq, MESSAGES, &later);
	check_records(later, 0, &modseq);
	assert_true(modseq == later);
	free(uids);
	end();
}

/* A level that only has children is nothing to be opened or filled. */
static void
test_names_alone(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t id, recent, uid = 1, validity, *from, *to;
	char file[DOOR_FILE_NAME + 1];
	struct door_mailbox m;
	size_t n;
	int fd;

	start();
	assert_int_equal(door_create(d, "p/c", 0, &m), 0);
	id = rig_mailbox(&rig, d, "p");
	assert_true(id > 0 && id != m.id);
	assert_int_equal(door_select(d, id, 1, &m, &recent), -1);
	assert_int_equal(door_error(d), D_ABSENT);
	assert_int_equal(door_file(d, &fd, file), 0);
	assert_int_equal(fd_write_all(fd, "x", 1), 0);
	close(fd);
	assert_int_equal(door_append(d, id, file, 1, crc32c(0, "x", 1), 1, 0,
	    NULL, 0, NULL, 0, &uid, &validity), -1);
	assert_int_equal(door_error(d), D_ABSENT);
	uid = 1;
	assert_int_equal(door_copy(d, 1, id, &uid, 1, 0, &from, &to, &n,
	    &validity), -1);
	assert_int_equal(door_error(d), D_ABSENT);
	assert_int_equal(door_delete(d, id), -1);
	assert_int_equal(door_error(d), D_REFUSED);
	end();
}

/* Who has left a mailbox hears of it no more. */
static void
test_left(void **state)
{
	struct door *d = &rig.imap[1];
	struct door_mailbox m;
	const uint32_t *list;
	uint32_t recent;
	size_t n;
	int changed, i;

	start();
	assert_int_equal(door_select(d, 1, 0, &m, &recent), 0);
	assert_int_equal(door_unselect(d, 1), 0);
	(void)door_events(d, &list, &n, &changed);
	for (i = 0; i < 3; i++) {
		char id[17];

		rig_file(&rig, "Subject: y\r\n\r\n", id);
		assert_int_equal(rig_deliver(&rig, id, ANNA, NULL),
		    RESULT_DELIVERED);
		/* An event would stand before this answer. */
		assert_int_equal(door_status(d, 1, &m), 0);
		assert_int_equal(m.messages, 2 + i);
	}
	assert_int_equal(door_events(d, &list, &n, &changed), 0);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mailboxes),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_names_alone),
		cmocka_unit_test(test_left),
	};

	return cmocka_run_group_tests_name("pieces", tests, NULL, NULL);
}
