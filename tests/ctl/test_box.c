/* What the files of an import say, and the names of an export. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctl/box_dovecot.h"
#include "ctl/box_export.h"
#include "ctl/box_ids.h"
#include "ctl/box_mbox.h"

#define FROM "From a@b.test Thu Nov 21 10:11:12 2019\n"

struct file {
	const char *text;
	size_t	 most;
	struct buf said;		/* [BODY]flags|keywords */
};

static ssize_t
read_at(void *arg, void *p, size_t len, uint64_t offset)
{
	const struct file *f = arg;
	size_t size = strlen(f->text);

	if (offset >= size)
		return 0;
	if (len > size - offset)
		len = size - (size_t)offset;
	if (len > f->most)
		len = f->most;
	memcpy(p, f->text + offset, len);
	return (ssize_t)len;
}

static int
begin(void *arg)
{
	buf_putc(&((struct file *)arg)->said, '[');
	return 0;
}

static int
octets(void *arg, const char *p, size_t len)
{
	buf_append(&((struct file *)arg)->said, p, len);
	return 0;
}

static int
end(void *arg, const struct mbox_message *m)
{
	struct file *f = arg;
	struct cursor c;
	const char *p;
	size_t len;

	if (m->internal)
		buf_puts(&f->said, "]internal");
	else
		buf_printf(&f->said, "]%u", m->flags);
	cursor_init(&c, buf_str(&m->keywords), m->keywords.len);
	while (cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &len, 1000)) != NULL) {
		buf_putc(&f->said, '|');
		buf_append(&f->said, p, len);
	}
	return 0;
}

static const struct {
	const char *text, *said;
	int	 result;
} mboxes[] = {
	{ "", "", 0 },
	{ "Subject: x\n\ny\n", "", 1 },
	{ FROM "S: x\n\ny\n", "[S: x\n\ny\n]0", 0 },
	/* the empty line in front of the next one is no message's */
	{ FROM "S: x\n\ny\n\n" FROM "\nz\n\n\n", "[S: x\n\ny\n]0[\nz\n\n]0", 0 },
	/* without an empty line in front, or without a date, it is none */
	{ FROM "\ny\n" FROM "z\n", "[\ny\n" FROM "z\n]0", 0 },
	{ FROM "\ny\n\nFrom you\n", "[\ny\n\nFrom you\n]0", 0 },
	{ FROM "\n>From y\n>>From z\n>Fro\n", "[\nFrom y\n>From z\n>Fro\n]0",
	    0 },
	{ FROM "Status: RO\nS: x\nX-Status: AFDT\nX-Keywords: a (b\n c\n"
	    "X-UID: 7\n\n", "[S: x\n\n]31|a|c", 0 },
	/* a length that fits is believed, another is not */
	{ FROM "Content-Length: 8\n\n>From x\n\n" FROM "\nz\n",
	    "[\n>From x\n]0[\nz\n]0", 0 },
	{ FROM "Content-Length: 7\n\n>From x\n\n" FROM "\nz\n",
	    "[\n>From x\n]0[\nz\n]0", 0 },
	{ FROM "Content-Length: 3\n\n>From x\n\n" FROM "\nz\n",
	    "[\nFrom x\n]0[\nz\n]0", 0 },
	{ FROM "Content-Length: 8\n\n>From x\n", "[\n>From x\n]0", 0 },
	{ FROM "Content-Length: 600\n\n>From \n", "[\nFrom \n]0", 0 },
	{ FROM "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n"
	    "X-IMAP: 1 2\n\nx\n", "[Subject: DON'T DELETE THIS MESSAGE -- "
	    "FOLDER INTERNAL DATA\n\nx\n]internal", 0 },
};

static void
test_mbox(void **state)
{
	struct mbox_calls calls = { read_at, begin, octets, end, NULL };
	static const size_t most[] = { 1, 7, 1 << 20 };
	struct file f;
	size_t i, k;

	for (i = 0; i < sizeof(mboxes) / sizeof(mboxes[0]); i++)
		for (k = 0; k < 3; k++) {
			f = (struct file){ .text = mboxes[i].text,
			    .most = most[k] };
			calls.arg = &f;
			assert_int_equal(mbox_read(&calls), mboxes[i].result);
			assert_string_equal(buf_str(&f.said), mboxes[i].said);
			buf_clear(&f.said);
		}
}

static const struct {
	const char *line;
	int64_t	 date;
} lines[] = {
	{ "From a@b Thu Nov 21 10:11:12 2019\n", 1574331072 },
	{ "From a b c  Thu Nov  1 10:11 2019\r\n", 1572603060 },
	{ "From a Thu Nov 21 10:11:12 2019 +0100", 1574327472 },
	{ "From a Thu Nov 21 10:11:12 EST 2019", 1574349072 },
	{ "From a Thu Nov 21 10:11:12 -0500 2019", 1574349072 },
	{ "From a Thu Nov 41 10:11:12 2019", -1 },
	{ "From a Thu Nuv 21 10:11:12 2019", -1 },
	{ "From a Thu Nov 21 25:11:12 2019", -1 },
	{ "From a Thu Nov 21 10:11:12", -1 },
	{ "From a", -1 },
	{ "from a Thu Nov 21 10:11:12 2019", -1 },
};

static void
test_from(void **state)
{
	int64_t date;
	size_t i;
	int r;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		date = -1;
		r = mbox_from(lines[i].line, strlen(lines[i].line), &date);
		assert_int_equal(r, lines[i].date == -1 ? -1 : 0);
		if (r == 0)
			assert_int_equal(date, lines[i].date);
	}
}

static void
test_uidlist(void **state)
{
	static const char three[] = "3 V77 N9 Gabc\n2 W5 S6 :1.a:2,S\n"
	    "junk\n3 :2.b\n3 :3.again\n1 :4.down\n8 :5.c with space\n5 :x/y";
	static const char one[] = "1 77 3\n1 1.a:2,S\n2 2.b\n";
	static const char high[] = "3 V4294967295 N4294967295\n"
	    "4294967294 :2.b\n";
	struct box_uidlist u;

	assert_int_equal(box_uidlist_read(&u, three, sizeof(three) - 1), 0);
	assert_int_equal(u.uidvalidity, 77);
	assert_int_equal(u.uidnext, 9);
	assert_int_equal(u.n, 3);
	assert_int_equal(box_uidlist_find(&u, "1.a", 3), 2);
	assert_int_equal(box_uidlist_find(&u, "2.b", 3), 3);
	assert_int_equal(box_uidlist_find(&u, "5.c with space", 14), 8);
	assert_int_equal(box_uidlist_find(&u, "3.again", 7), 0);
	box_uidlist_clear(&u);
	assert_int_equal(box_uidlist_read(&u, one, sizeof(one) - 1), 0);
	assert_int_equal(box_uidlist_find(&u, "2.b", 3), 2);
	box_uidlist_clear(&u);
	/* All of 32 bits: Dovecot's UIDVALIDITY is often above 2^31. */
	assert_int_equal(box_uidlist_read(&u, high, sizeof(high) - 1), 0);
	assert_int_equal(u.uidvalidity, UINT32_MAX);
	assert_int_equal(u.uidnext, UINT32_MAX);
	assert_int_equal(box_uidlist_find(&u, "2.b", 3), UINT32_MAX - 1);
	box_uidlist_clear(&u);
	assert_int_equal(box_uidlist_read(&u, "", 0), -1);
	assert_int_equal(box_uidlist_read(&u, "2 V1 N1\n", 8), -1);
	assert_int_equal(box_uidlist_read(&u, "3 V4294967296 N1\n", 17), -1);
}

static void
test_keywords(void **state)
{
	static const char text[] = "0 $Work\n1 bad(word\n25 z\n26 far\nx y\n";
	static const char names[] = "V\t2\n\nINBOX\na\tb.c\n";
	char *k[BOX_KEYWORDS] = { NULL };
	struct buf list = BUF_INIT(0);

	box_keywords_read(k, text, sizeof(text) - 1);
	assert_string_equal(k[0], "$Work");
	assert_null(k[1]);
	assert_string_equal(k[25], "z");
	free(k[0]);
	free(k[25]);
	box_subscriptions_read(&list, names, sizeof(names) - 1);
	assert_int_equal(list.len, 4 + 5 + 4 + 5);
	assert_memory_equal(list.data + 13, "a/b.c", 5);
	buf_reset(&list);
	box_subscriptions_read(&list, "a.b\n", 4);
	assert_memory_equal(list.data + 4, "a/b", 3);
	buf_clear(&list);
}

static void
test_levels(void **state)
{
	static const struct {
		const char *name, *file;
	} rows[] = {
		{ "INBOX", "INBOX" }, { "Entw\303\274rfe", "Entw\303\274rfe" },
		{ ".hidden", "%2Ehidden" }, { "a%b", "a%25b" },
		{ "cur", "%63ur" }, { "curs", "curs" },
		{ "dovecot.index", "%64ovecot.index" },
		{ "rohrpost-export", "%72ohrpost-export" },
		{ "a\tb", "a%09b" },
	};
	struct buf out = BUF_INIT(0), other = BUF_INIT(0);
	char name[400];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		box_level(&out, rows[i].name, strlen(rows[i].name));
		assert_string_equal(buf_str(&out), rows[i].file);
	}
	memset(name, 'x', sizeof(name));
	buf_reset(&out);
	box_level(&out, name, 399);
	name[398] = 'y';
	box_level(&other, name, 399);
	assert_true(out.len <= 255 && other.len == out.len);
	assert_string_not_equal(buf_str(&out), buf_str(&other));
	buf_clear(&out);
	buf_clear(&other);
}

static void
test_ids(void **state)
{
	struct box_ids s = { 0 };
	unsigned char id[DOOR_ID] = { 1 };
	uint32_t i;

	assert_int_equal(box_ids_has(&s, id), 0);
	for (i = 0; i < 5000; i++) {
		memcpy(id + 12, &i, 4);
		assert_int_equal(box_ids_add(&s, id), 1);
		assert_int_equal(box_ids_add(&s, id), 0);
	}
	for (i = 0; i < 10000; i++) {
		memcpy(id + 12, &i, 4);
		assert_int_equal(box_ids_has(&s, id), i < 5000);
	}
	box_ids_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mbox), cmocka_unit_test(test_from),
		cmocka_unit_test(test_uidlist), cmocka_unit_test(test_keywords),
		cmocka_unit_test(test_levels), cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
