/* Fields picked out of a header block, in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/mem.h"

#include "imapd/imapd_args.h"
#include "imapd/imapd_pick.h"

static const char block[] =
    " no field\r\nA: 1\r\nB : 2\r\n\tmore\r\nno colon\r\n"
    "a: 3\n : of a\nC: 4\r\n\r\nA: body\r\n";

static const struct {
	const char *in, *want;
} rows[] = {
	{ " BODY[HEADER.FIELDS (A)]", "A: 1\r\na: 3\n : of a\n\r\n" },
	{ " BODY[HEADER.FIELDS (b c)]",
	    "B : 2\r\n\tmore\r\nC: 4\r\n\r\n" },
	{ " BODY[HEADER.FIELDS.NOT (A B)]", "C: 4\r\n\r\n" },
	{ " BODY[HEADER.FIELDS (X)]", "\r\n" },
};

static void
items(struct imapd_items *it, const char *in)
{
	struct imapd_args args = { 0 };
	char *copy = mem_strdup(in);
	const char *why;

	assert_int_equal(imapd_args_parse(&args, copy, strlen(copy), &why),
	    0);
	assert_null(imapd_items_parse(it, args.a));
	imapd_args_clear(&args);
	free(copy);
}

/* What is cut in two anywhere gives the same. */
static void
test_pieces(void **state)
{
	struct buf out = BUF_INIT(0);
	struct imapd_items it;
	struct imapd_pick k;
	size_t i, cut, used;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		items(&it, rows[i].in);
		for (cut = 1; cut < sizeof(block) - 1; cut++) {
			buf_reset(&out);
			memset(&k, 0, sizeof(k));
			used = imapd_pick(&k, it.item, block, cut, 0, &out);
			assert_true(used <= cut);
			if (!k.end)
				imapd_pick(&k, it.item, block + used,
				    sizeof(block) - 1 - used, 1, &out);
			if (used < cut || strchr("\n", block[cut - 1]) != NULL)
				assert_string_equal(buf_str(&out),
				    rows[i].want);
		}
		imapd_items_clear(&it);
	}
	buf_clear(&out);
}

static FILE *
file_of(const struct buf *b)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(fwrite(b->data, 1, b->len, f), b->len);
	fflush(f);
	return f;
}

/* Steps of a file's block, until the end; 0, or -1. */
static int
pick_all(struct imapd_picking *g, FILE *f, struct buf *out)
{
	unsigned steps = 0;

	buf_reset(out);
	while (g->pass != PICK_NOTHING) {
		if (imapd_picking_step(g, fileno(f), out) == -1)
			return -1;
		assert_true(++steps < 1000);
		assert_true(g->in.cap <= 2 * IMAPD_PICK_PIECE);
	}
	return 0;
}

/* A field of many pieces, and many fields, are not held in memory. */
static void
test_long(void **state)
{
	struct buf b = BUF_INIT(0), want = BUF_INIT(0), out = BUF_INIT(0);
	struct imapd_picking g = { 0 };
	struct imapd_items it;
	char head[40];
	FILE *f;
	size_t i;

	buf_puts(&want, "Long: ");
	for (i = 0; i < 300 * 1000; i++)
		buf_putc(&want, (char)('a' + i % 26));
	buf_puts(&want, "\r\n ");
	for (i = 0; i < 100 * 1000; i++)
		buf_putc(&want, ':');
	buf_puts(&want, "\r\n");
	for (i = 0; i < 20000; i++)
		buf_puts(&b, "X-Pad: Long: x\r\n");
	buf_append(&b, want.data, want.len);
	buf_puts(&b, "X-Pad: y\r\nLast: z\r\n\r\n");
	buf_puts(&want, "Last: z\r\n\r\n");
	f = file_of(&b);
	items(&it, " (BODY[HEADER.FIELDS (Long Last)] "
	    "BODY[HEADER.FIELDS.NOT (X-Pad)]<1000.399100> "
	    "BODY[HEADER.FIELDS (Long)]<9999999.1>)");
	imapd_picking_begin(&g, &it.item[0], b.len);
	assert_int_equal(pick_all(&g, f, &out), 0);
	snprintf(head, sizeof(head), " {%zu}\r\n", want.len);
	assert_memory_equal(out.data, head, strlen(head));
	assert_int_equal(out.len, strlen(head) + want.len);
	assert_memory_equal(out.data + strlen(head), want.data, want.len);
	imapd_picking_begin(&g, &it.item[1], b.len);
	assert_int_equal(pick_all(&g, f, &out), 0);
	snprintf(head, sizeof(head), " {%zu}\r\n", want.len - 1000);
	assert_memory_equal(out.data, head, strlen(head));
	assert_memory_equal(out.data + strlen(head), want.data + 1000,
	    want.len - 1000);
	imapd_picking_begin(&g, &it.item[2], b.len);
	assert_int_equal(pick_all(&g, f, &out), 0);
	assert_string_equal(out.data, " {0}\r\n");
	/* One that is shorter than was said. */
	imapd_picking_begin(&g, &it.item[0], b.len + 1);
	assert_int_equal(pick_all(&g, f, &out), -1);
	/* One that was cut while it was read: what was counted is not there. */
	buf_reset(&out);
	imapd_picking_begin(&g, &it.item[0], b.len);
	while (g.pass == PICK_COUNT)
		assert_int_equal(imapd_picking_step(&g, fileno(f), &out), 0);
	assert_int_equal(pwrite(fileno(f), "\r\n", 2, 0), 2);
	assert_int_equal(pick_all(&g, f, &out), -1);
	imapd_picking_clear(&g);
	imapd_items_clear(&it);
	fclose(f);
	buf_clear(&b);
	buf_clear(&want);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
