/*
 * A real queue process and a table that another version wrote: an older one
 * is taken over with all that is in it, a newer one is refused and left as it
 * is, and what a newer one put into an envelope stays there.
 */
#include <endian.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/queue_id.h"
#include "lib/map/bdb.h"
#include "queue/queue_table.h"
#include "tests/queue/fixture.h"
#include "tests/queue/old_records.h"

#define OLD_NAME "0000000000001234"	/* older than any of this run */
#define REFUSED "the queue table has format 3, of a newer version"

/* The table as Berkeley DB has it, without the rules of queue_table. */

static struct bdb *env;
static DB *table;

static void
raw_open(void)
{
	struct buf home = BUF_INIT(0), why = BUF_INIT(300);
	struct bdb_conf conf = { .cache = 1 << 20, .flags = BDB_KEEP_LOGS };

	buf_printf(&home, "%s/spool/queue/db", rig.dir);
	conf.home = buf_str(&home);
	if ((env = bdb_open(&conf, &why)) == NULL ||
	    (table = bdb_table(env, "queue", &why)) == NULL)
		log_fatal("%s", buf_str(&why));
	buf_clear(&home);
}

static void
raw_close(void)
{
	bdb_table_close(&table);
	bdb_close(&env);
}

/* Of a message; index -1: the key has none. */
static void
raw_key(DBT *key, unsigned char b[13], uint64_t id, enum record r, int index)
{
	int i;

	for (i = 0; i < 8; i++)
		b[i] = (unsigned char)(id >> (56 - 8 * i));
	b[8] = (unsigned char)r;
	b[9] = b[10] = b[11] = 0;
	b[12] = (unsigned char)index;
	*key = (DBT){ .data = b, .size = index == -1 ? 9 : 13 };
}

static void
raw_put(uint64_t id, enum record r, int index, const void *p, size_t len)
{
	DBT key, value = { .data = (void *)(uintptr_t)p,
		.size = (u_int32_t)len };
	unsigned char b[13];

	raw_key(&key, b, id, r, index);
	if (table->put(table, NULL, &key, &value, DB_AUTO_COMMIT) != 0)
		log_fatal("put");
}

static void
set_format(void *arg)
{
	uint32_t format = htole32(*(uint32_t *)arg);

	raw_open();
	raw_put(0, RECORD_FORMAT, -1, &format, sizeof(format));
	raw_close();
}

static void
make_file(const char *name, const char *text)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/spool/queue/body", rig.dir);
	(void)!mkdir(path, 0770);
	snprintf(path, sizeof(path), "%s/spool/queue/body/%s", rig.dir, name);
	if ((fd = open(path, O_CREAT | O_WRONLY, 0660)) == -1 ||
	    fd_write_all(fd, text, strlen(text)) == -1)
		log_fatal("%s", path);
	close(fd);
}

/* A blank file of an earlier run: the first sweep would remove it. */
static void
make_blank(void *arg)
{
	make_file("0000000000000001", "");
}

/* How many lines of the process's log hold the text. */
static unsigned
logged(const char *text)
{
	char path[100], line[1000];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", rig.dir);
	assert_non_null(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, text) != NULL;
	fclose(f);
	return n;
}

static void
test_newer_is_refused(void **state)
{
	uint32_t format = TABLE_FORMAT + 1;
	struct rig_job j;
	unsigned lines;
	size_t files;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	rig_kill(&rig);
	rig_as_queue(make_blank, NULL);
	rig_as_queue(set_format, &format);
	files = rig_files(&rig, "body", 1);
	lines = logged("");
	assert_int_equal(rig_refused(&rig), LOG_EXIT_USAGE);
	assert_int_equal(rig_refused(&rig), LOG_EXIT_USAGE);
	assert_int_equal(logged(REFUSED), 2);
	assert_int_equal(logged(""), lines + 2);
	assert_int_equal(rig_files(&rig, "body", 1), files);
	/* The program that knows it finds all as it was. */
	format = TABLE_FORMAT;
	rig_as_queue(set_format, &format);
	rig_start(&rig);
	wire_all();
	take(&deliver, &j);
	assert_string_equal(j.file, id);
	assert_string_equal(j.body, TEXT);
	rig_job_clear(&j);
}

/* A table without format: one message, delivered to one of its two targets
   and waiting for the other. */
static void
make_old(void *arg)
{
	unsigned char envelope[OLD_ENVELOPE];
	uint64_t id, length = htole64(strlen(TEXT));
	uint32_t crc = htole32(crc32c(0, TEXT, strlen(TEXT)));
	static const unsigned char schedule[] = { 1, 1, 0, 0, 0, 0, 0, 0, 0, 2,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const unsigned char targets[] = "\1\2\0\0\0"
	    "\0\0\0\0\0\0\21\0\0\0anna@example.test\21\0\0\0anna@example.test"
	    "\1\1\1\0\0\0\10\0\0\0b@y.test\0\0\0\0";
	static const unsigned char done[] = { 1, 1, 0, 0, 0, 0, 0, 0, 0, 0 };

	/* Length, checksum and offsets are those of the body. */
	memcpy(envelope, old_envelope, sizeof(envelope));
	memcpy(envelope + 9, &length, 8);
	memcpy(envelope + 17, &crc, 4);
	memset(envelope + 21, 0, 8);
	if (queue_id_parse(OLD_NAME, strlen(OLD_NAME), &id) == -1)
		log_fatal("id");
	raw_open();
	raw_put(id, RECORD_ENVELOPE, -1, envelope, sizeof(envelope));
	raw_put(id, RECORD_TARGETS, -1, targets, sizeof(targets) - 1);
	raw_put(id, RECORD_RESULT, 0, done, sizeof(done));
	raw_put(id, RECORD_SCHEDULE, -1, schedule, sizeof(schedule));
	raw_close();
	make_file(OLD_NAME, TEXT);
}

static void
test_older_is_taken_over(void **state)
{
	struct rig_job j;

	rig_clear(&rig);
	rig_init(&rig, fixture_conf);
	rig_as_queue(make_old, NULL);
	rig_start(&rig);
	wire_all();
	/* Of its two targets one was delivered before; the other was to go by
	   a smarthost that there was. */
	take(&relay, &j);
	assert_string_equal(j.file, OLD_NAME);
	assert_string_equal(j.sender, "s@far.test");
	assert_string_equal(j.dest, "y.test");
	assert_int_equal(j.n, 1);
	assert_string_equal(j.rcpt[0].address, "b@y.test");
	assert_string_equal(j.body, TEXT);
	assert_idle(&deliver);
	rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
	rig_job_clear(&j);
	assert_empty();
}

/* An envelope with fields that only a later version knows. */

static struct buf later;

static void
make_later(void *arg)
{
	unsigned char b[13];
	DBT key, value = { .flags = DB_DBT_MALLOC };
	uint64_t id;

	if (queue_id_parse(arg, QUEUE_ID_LEN, &id) == -1)
		log_fatal("id");
	raw_open();
	raw_key(&key, b, id, RECORD_ENVELOPE, -1);
	if (table->get(table, NULL, &key, &value, 0) != 0)
		log_fatal("get");
	buf_append(&later, value.data, value.size);
	buf_append(&later, "\310\5\0\0\0later", 10);
	raw_put(id, RECORD_ENVELOPE, -1, later.data, later.len);
	raw_close();
}

static void
same_later(void *arg)
{
	unsigned char b[13];
	DBT key, value = { .flags = DB_DBT_MALLOC };
	uint64_t id;

	if (queue_id_parse(arg, QUEUE_ID_LEN, &id) == -1)
		log_fatal("id");
	raw_open();
	raw_key(&key, b, id, RECORD_ENVELOPE, -1);
	if (table->get(table, NULL, &key, &value, 0) != 0 ||
	    value.size < 10 || memcmp((char *)value.data + value.size - 10,
	    "\310\5\0\0\0later", 10) != 0)
		log_fatal("the envelope was changed");
	raw_close();
}

static void
test_later_fields_stay(void **state)
{
	char id[17], out[200];
	struct rig_job j;
	uint32_t status;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test", "a@one.test"), TEXT), 0);
	rig_kill(&rig);
	rig_as_queue(make_later, id);
	rig_start(&rig);
	wire_all();
	/* Delivered here, deferred there, held, released. */
	take(&deliver, &j);
	rig_result(&deliver, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
	rig_job_clear(&j);
	take(&relay, &j);
	rig_result(&relay, &j, -1, RESULT_LATER, "4.2.0 later", "mx");
	rig_job_clear(&j);
	ask(C_HOLD, id, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	ask(C_RELEASE, id, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	take(&relay, &j);
	rig_job_clear(&j);
	rig_kill(&rig);
	rig_as_queue(same_later, id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_newer_is_refused), T(test_older_is_taken_over),
		T(test_later_fields_stay),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
