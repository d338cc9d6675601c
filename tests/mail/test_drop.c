#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/mail/drop.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"

static char *to[] = { "anna@example.test", "bert@example.test" };
static const struct drop letter = { .sender = "", .caller = "eve@host.test",
	.notify = Q_NOTIFY_FAILURE | Q_NOTIFY_DELAY, .ret = Q_RET_HDRS,
	.envid = "a+20b", .to = to, .n_to = 2, .message = "A: b\r\n\r\nx\n\ny\r\n", .len = 14 };

/* A file of that text, with a head that is right. */
static void
file_of(const char *text, size_t len, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "rohrpost-drop 1 %020zu %08x\n", len,
	    (unsigned)crc32c(0, text, len));
	assert_int_equal(out->len, DROP_HEAD);
	buf_append(out, text, len);
}

static void
test_there_and_back(void **state)
{
	struct buf b = BUF_INIT(0), copy = BUF_INIT(0);
	struct drop d;
	size_t i;

	assert_int_equal(drop_pack(&letter, &b), 0);
	buf_append(&copy, b.data, b.len);
	assert_int_equal(drop_unpack(b.data, b.len, &d), DROP_WHOLE);
	assert_string_equal(d.sender, "");
	assert_string_equal(d.caller, "eve@host.test");
	assert_int_equal(d.notify, Q_NOTIFY_FAILURE | Q_NOTIFY_DELAY);
	assert_int_equal(d.ret, Q_RET_HDRS);
	assert_string_equal(d.envid, "a+20b");
	assert_int_equal(d.n_to, 2);
	assert_string_equal(d.to[0], to[0]);
	assert_string_equal(d.to[1], to[1]);
	assert_int_equal(d.len, 14);
	assert_memory_equal(d.message, letter.message, 14);
	free(d.to);
	/* Every octet counts, and the end. */
	for (i = 0; i < copy.len; i++) {
		buf_reset(&b);
		buf_append(&b, copy.data, copy.len);
		b.data[i] ^= 1;
		assert_int_not_equal(drop_unpack(b.data, b.len, &d),
		    DROP_WHOLE);
		assert_int_not_equal(drop_unpack(copy.data, i, &d),
		    DROP_WHOLE);
	}
	buf_clear(&b);
	buf_clear(&copy);
}

static void
test_unfinished(void **state)
{
	struct buf b = BUF_INIT(0);
	struct drop d;

	assert_int_equal(drop_pack(&letter, &b), 0);
	memset(b.data, 0, DROP_HEAD);
	assert_int_equal(drop_unpack(b.data, b.len, &d), DROP_CUT);
	assert_int_equal(drop_peek(b.data, b.len, &d), -1);
	assert_int_equal(drop_unpack(b.data, DROP_HEAD - 1, &d), DROP_CUT);
	buf_reset(&b);
	assert_int_equal(drop_pack(&letter, &b), 0);
	b.data[strlen("rohrpost-drop ")] = '2';
	assert_int_equal(drop_unpack(b.data, b.len, &d), DROP_NEWER);
	buf_clear(&b);
}

static void
test_envelopes(void **state)
{
#define TEXT(s) s, sizeof(s) - 1
	static const struct {
		const char *text;
		size_t	 len;
		int	 good;
	} t[] = {
		{ TEXT("Fa@b\nCc@d\nTe@f\n\nm"), 1 },
		{ TEXT("F\nC\nTe@f\n\n"), 1 },
		{ TEXT("F\nC\nNSUCCESS,DELAY\nRHDRS\nVa+20b\nTe@f\n\n"), 1 },
		{ TEXT("F\nC\nNsometimes\nTe@f\n\n"), 0 },
		{ TEXT("F\nC\nRall\nTe@f\n\n"), 0 },
		{ TEXT("F\nC\nVa b\nTe@f\n\n"), 0 },
		{ TEXT("F\nC\nV\nTe@f\n\n"), 0 },
		{ TEXT("F\nC\n\nm"), 0 },		/* nobody */
		{ TEXT("F\nTe@f\n\nm"), 0 },
		{ TEXT("C\nTe@f\n\nm"), 0 },
		{ TEXT("F\nC\nT\n\nm"), 0 },
		{ TEXT("F\nC\nTe@f\n"), 0 },		/* no end */
		{ TEXT("F\nC\nTe@f"), 0 },
		{ TEXT("F\nC\nTe@f\r\n\nm"), 0 },
		{ TEXT("F\nC\nTe\0f\n\nm"), 0 },
		{ TEXT("F\nC\nTe@f\nXx\n\nm"), 0 },
		{ TEXT(""), 0 },
	};
#undef TEXT
	struct buf b = BUF_INIT(0), text = BUF_INIT(0);
	struct drop d;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		file_of(t[i].text, t[i].len, &b);
		if (drop_unpack(b.data, b.len, &d) != (t[i].good ?
		    DROP_WHOLE : DROP_DAMAGED))
			fail_msg("row %zu", i);
		free(d.to);
	}
	buf_puts(&text, "F\nC\n");
	for (i = 0; i <= RECIPIENTS_MAX; i++) {
		buf_puts(&text, "Ta@b\n");
		if (i + 1 < RECIPIENTS_MAX)
			continue;
		buf_puts(&text, "\n");
		file_of(text.data, text.len, &b);
		assert_int_equal(drop_unpack(b.data, b.len, &d),
		    i < RECIPIENTS_MAX ? DROP_WHOLE : DROP_DAMAGED);
		free(d.to);
		text.len--;
	}
	buf_clear(&text);
	buf_clear(&b);
}

/* An address, or whatever stands in a line, has ADDRESS_MAX octets at most. */
static void
test_long_lines(void **state)
{
	static const char *const parts[][2] = { { "F", "\nC\nTe@f\n\n" },
		{ "F\nC", "\nTe@f\n\n" }, { "F\nC\nT", "\n\n" } };
	struct buf b = BUF_INIT(0), text = BUF_INIT(0);
	char name[ADDRESS_MAX + 2];
	struct drop d;
	size_t i;
	int len;

	memset(name, 'a', sizeof(name));
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (len = ADDRESS_MAX; len <= ADDRESS_MAX + 1; len++) {
			buf_reset(&text);
			buf_printf(&text, "%s%.*s%s", parts[i][0], len, name,
			    parts[i][1]);
			file_of(text.data, text.len, &b);
			assert_int_equal(drop_unpack(b.data, b.len, &d),
			    len <= ADDRESS_MAX ? DROP_WHOLE : DROP_DAMAGED);
			free(d.to);
		}
	/* No octet that is not of a line. */
	for (len = 0; len < 256; len++) {
		buf_reset(&text);
		buf_printf(&text, "Fa%cb\nC\nTe@f\n\n", len == 0 ? 1 : len);
		file_of(text.data, text.len, &b);
		assert_int_equal(drop_unpack(b.data, b.len, &d), len < ' ' ||
		    len == 0x7f ? DROP_DAMAGED : DROP_WHOLE);
		free(d.to);
	}
	buf_clear(&text);
	buf_clear(&b);
}

static void
test_peek(void **state)
{
	struct buf b = BUF_INIT(0);
	struct drop d;

	assert_int_equal(drop_pack(&letter, &b), 0);
	/* The second recipient is cut. */
	assert_int_equal(drop_peek(b.data, DROP_HEAD + 67, &d), 0);
	assert_string_equal(d.sender, "");
	assert_int_equal(d.n_to, 1);
	assert_string_equal(d.to[0], to[0]);
	assert_null(d.message);
	free(d.to);
	assert_int_equal(drop_peek(b.data, DROP_HEAD + 10, &d), -1);
	assert_null(d.to);
	buf_clear(&b);
}

static void
test_names(void **state)
{
	char name[DROP_NAME_MAX];

	drop_name(name, 1000, 99);
	assert_string_equal(name, "1000.99");
	drop_name_random(name, (uid_t)4294967294u, UINT64_MAX);
	assert_string_equal(name, "4294967294.ffffffffffffffff");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_envelopes),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
