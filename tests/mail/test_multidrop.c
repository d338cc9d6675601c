/* Whose a message is that lies in a mailbox for many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/collect_proto.h"
#include "lib/mail/limits.h"
#include "lib/mail/multidrop.h"

/* Names, a blank between them, as a packed list. */
static void
put_names(struct buf *b, const char *p)
{
	size_t n;

	for (; *p != '\0'; p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		buf_put_lv(b, p, n);
	}
}

/* The addresses, a blank behind each. */
static void
put_list(struct buf *text, const struct buf *packed)
{
	struct cursor c;
	const char *p;
	size_t len;

	cursor_init(&c, buf_str(packed), packed->len);
	while (cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &len, ADDRESS_MAX)) != NULL)
		buf_printf(text, "%.*s ", (int)len, p);
}

static const struct {
	const char *names, *header, *all;
} rows[] = {
	{ MULTIDROP_FIELDS, "Return-Path: <b@far.test>\r\n"
	  "Delivered-To: anna@example.test\r\n"
	  "Received: from elsewhere by old-provider.test; Mon, 2 Nov 2026\r\n"
	  "From: b@far.test\r\n\r\nx\r\n", "anna@example.test " },
	/* The order is the operator's, not the header's. */
	{ "X-Original-To Delivered-To", "Delivered-To: box@host.test\r\n"
	  "X-Original-To: Anna@Example.TEST\r\n\r\n",
	  "Anna@example.test " },
	{ "Delivered-To X-Original-To", "Delivered-To: box@host.test\r\n"
	  "X-Original-To: anna@example.test\r\n\r\n", "box@host.test " },
	/* The topmost of one name; what has no address does not count. */
	{ "Delivered-To", "Delivered-To: a@x.test\r\n"
	  "Delivered-To: b@x.test\r\n\r\n", "a@x.test " },
	{ "Delivered-To Envelope-To", "Delivered-To: box\r\n"
	  "Delivered-To: forged@x.test\r\n"
	  "Envelope-To: <c@x.test>\r\n\r\n", "c@x.test " },
	/* Several, each once, whatever is around them. */
	{ "X-Envelope-To", "X-Envelope-To: a@x.test, <b@x.test>,\r\n"
	  "\t\"C, c\" <c@X.test>, a@x.test, b@x.test (again), nobody\r\n\r\n",
	  "a@x.test b@x.test c@x.test " },
	/* for, behind comments and strings that hold the word. */
	{ "Received", "Received: from a (helo for <no@x.test>) by b\r\n"
	  "\twith ESMTPS (for \\) <no@x.test>) id 7\r\n"
	  "\tfor <anna@example.test>; Mon, 2 Nov 2026 10:00:00 +0000\r\n\r\n",
	  "anna@example.test " },
	{ "Received", "Received: from a by b id 1 FOR anna@example.test;\r\n"
	  " Mon, 2 Nov 2026\r\n\r\n", "anna@example.test " },
	{ "Received", "Received: from a by b; for <no@x.test>\r\n"
	  "Received: from b by c for <@r.test:d@x.test>; now\r\n"
	  "Received: from c by d for <later@x.test>; now\r\n\r\n",
	  "d@x.test " },
	{ "Received", "Received: from a by b for\r\n\r\n", "" },
	{ "Received", "Received: from a by b for <\"f(o\"@x.test>; x\r\n\r\n",
	  "\"f(o\"@x.test " },
	{ "Received", "Received: from a by b (never closed for <n@x.test>\r\n"
	  "\r\n", "" },
	/* To and Cc where they are asked for, and only then. */
	{ MULTIDROP_FIELDS, "To: a@x.test\r\nCc: b@x.test\r\n\r\n", "" },
	{ "Delivered-To to", "To: a@x.test, G: c@x.test;\r\nCc: b@x.test\r\n"
	  "\r\n", "a@x.test c@x.test b@x.test " },
	/* What stands behind the header is none of it. */
	{ "Delivered-To", "Subject: x\r\n\r\nDelivered-To: a@x.test\r\n", "" },
	{ "Delivered-To", "", "" },
	{ "", "Delivered-To: a@x.test\r\n\r\n", "" },
	{ "Delivered-To", "Delivered-To: a\001b@x.test\r\n\r\n", "" },
};

static void
test_rows(void **state)
{
	struct buf names = BUF_INIT(0), out = BUF_INIT(CL_SECTION_MAX),
	    text = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&names);
		buf_reset(&out);
		buf_reset(&text);
		put_names(&names, rows[i].names);
		(void)multidrop(rows[i].header, strlen(rows[i].header),
		    &names, &out);
		put_list(&text, &out);
		if (strcmp(buf_str(&text), rows[i].all) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", rows[i].header,
			    buf_str(&text), rows[i].all);
	}
	buf_clear(&names);
	buf_clear(&out);
	buf_clear(&text);
}

/* So many as may be, and what has room. */
static void
test_bounds(void **state)
{
	struct buf names = BUF_INIT(0), header = BUF_INIT(0),
	    out = BUF_INIT(0), small = BUF_INIT(40);
	unsigned i;

	put_names(&names, "X-Envelope-To");
	buf_puts(&header, "X-Envelope-To: a0@x.test");
	for (i = 1; i < 3 * CL_RECIPIENTS_MAX; i++)
		buf_printf(&header, ",\r\n a%u@x.test", i);
	buf_puts(&header, "\r\n\r\n");
	assert_int_equal(multidrop(buf_str(&header), header.len, &names,
	    &out), CL_RECIPIENTS_MAX);
	assert_int_equal(multidrop(buf_str(&header), header.len, &names,
	    &small), 3);
	buf_clear(&names);
	buf_clear(&header);
	buf_clear(&out);
	buf_clear(&small);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
