/*
 * A25: what goes to a hop without 8BITMIME. Each row: the message, and what of
 * it goes out; or the place because of which nothing does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/mail/limits.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_decode.h"
#include "lib/mail/mime_encode.h"

#define TEXT	"Content-Type: text/plain; charset=utf-8\r\n"
#define V	"MIME-Version: 1.0\r\n"
#define CTE	"Content-Transfer-Encoding: "
#define MIXED	"Content-Type: multipart/mixed; boundary=b\r\n"
#define FILL	"012345678901234567890123456789012345678901234567890123456789"

static const struct {
	const char *in, *out;	/* out NULL: why instead */
	const char *why;
} rows[] = {
	{ "S: x\r\n\r\na\r\n", "S: x\r\n\r\na\r\n", NULL },
	{ V TEXT CTE "8bit\r\nS: x\r\n\r\n"
	  "so long that it is to be read: \xc3\xa4 = \r\n-\r\n",
	  V TEXT CTE "quoted-printable\r\nS: x\r\n\r\n"
	  "so long that it is to be read: =C3=A4 =3D=20\r\n=2D\r\n", NULL },
	/* No word of it: nobody knows in what it is written. */
	{ "S: x\r\n\r\nsome words, and \xff\r\n",
	  "S: x\r\n" CTE "quoted-printable\r\n"
	  "Content-Type: text/plain; charset=unknown-8bit\r\n" V
	  "\r\nsome words, and =FF\r\n", NULL },
	{ TEXT "\r\n\xe4\xb8\xad\xe6\x96\x87\r\n",
	  TEXT CTE "base64\r\n" V "\r\n5Lit5paHDQo=\r\n", NULL },
	{ V "Content-Type: image/x\r\n" CTE "binary\r\n\r\n" FILL "\xff",
	  V "Content-Type: image/x\r\n" CTE "base64\r\n\r\n"
	  "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"
	  "MTIzNDU2\r\nNzg5/w==", NULL },
	/* A line is cut, and no piece of it is a delimiter. */
	{ TEXT V "\r\n" FILL "0123456789-3\xc3\xa4\r\n",
	  TEXT V CTE "quoted-printable\r\n\r\n" FILL "0123456789-3=C3=\r\n"
	  "=A4\r\n", NULL },
	{ TEXT V "\r\n" FILL "012345678901234--b\xc3\xa4\r\n",
	  TEXT V CTE "quoted-printable\r\n\r\n" FILL "012345678901234=\r\n"
	  "=2D-b=C3=A4\r\n", NULL },
	{ MIXED V CTE "8bit\r\n\r\npre\r\n--b\r\n" TEXT "\r\n"
	  "some words to be read: \xc3\xa4\r\n--b\r\n\r\nplain\r\n--b--\r\nend\r\n",
	  MIXED V CTE "7bit\r\n\r\npre\r\n--b\r\n" TEXT
	  CTE "quoted-printable\r\n\r\n"
	  "some words to be read: =C3=A4\r\n--b\r\n\r\nplain\r\n--b--\r\n"
	  "end\r\n", NULL },
	{ "Content-Type: message/rfc822\r\n" V CTE "8bit\r\n\r\n"
	  "S: y\r\n" TEXT "\r\nsome words to be read: \xc3\xa4\r\n",
	  "Content-Type: message/rfc822\r\n" V CTE "7bit\r\n\r\n"
	  "S: y\r\n" TEXT CTE "quoted-printable\r\n" V
	  "\r\nsome words to be read: =C3=A4\r\n", NULL },
	/* Fields are no content; what is around parts nobody is shown. */
	{ "S: \xfc\r\n\r\na\r\n", "S: \xfc\r\n\r\na\r\n", NULL },
	{ TEXT V "S: \xfc\r\n\r\nsome words: \xfc\r\n",
	  TEXT V "S: \xfc\r\n" CTE "quoted-printable\r\n\r\nsome words: =FC\r\n",
	  NULL },
	{ "S: \xfc\r\n" MIXED V "\r\n--b\r\n" TEXT
	  "\r\nsome words: \xfc\r\n--b--\r\n",
	  "S: \xfc\r\n" MIXED V "\r\n--b\r\n" TEXT CTE "quoted-printable\r\n"
	  "\r\nsome words: =FC\r\n--b--\r\n", NULL },
	{ MIXED "\r\n--b\r\nX: \xfc\r\n\r\na\r\n--b--\r\n",
	  MIXED "\r\n--b\r\nX: \xfc\r\n\r\na\r\n--b--\r\n", NULL },
	{ MIXED "\r\npre \xc3\xbc\r\n--b\r\n\r\na\r\n--b--\r\n",
	  MIXED "\r\npre ??\r\n--b\r\n\r\na\r\n--b--\r\n", NULL },
	{ MIXED "\r\n--b\r\n\r\na\r\n--b--\r\nend \xfc",
	  MIXED "\r\n--b\r\n\r\na\r\n--b--\r\nend ?", NULL },
	/* A field that is set stands once, whatever stood there. */
	{ V TEXT CTE "8bit\r\nS: x\r\n" CTE "8bit\r\n\r\nsome words: \xfc\r\n",
	  V TEXT CTE "quoted-printable\r\nS: x\r\n\r\nsome words: =FC\r\n",
	  NULL },
	{ V "content-transfer-encoding :\r\n 8bit\r\n" TEXT CTE "base64\r\n"
	  "\r\nsome words: \xfc\r\n",
	  V CTE "quoted-printable\r\n" TEXT "\r\nsome words: =FC\r\n", NULL },
	{ "Content-Type: text\r\n" V "Content-Type: a;\r\n b\r\nS: x\r\n\r\n"
	  "some words: \xfc\r\n",
	  V "S: x\r\n" CTE "quoted-printable\r\n"
	  "Content-Type: text/plain; charset=unknown-8bit\r\n"
	  "\r\nsome words: =FC\r\n", NULL },
	{ MIXED V CTE "8bit\r\n" CTE "binary\r\n\r\n--b\r\n\r\na\r\n--b--\r\n",
	  MIXED V CTE "7bit\r\n\r\n--b\r\n\r\na\r\n--b--\r\n", NULL },
	{ CTE "base64\r\n\r\nYWI\xfc=\r\n", NULL,
	  "a part that is encoded already" },
	{ "Content-Type: message/partial\r\n\r\n\xfc\r\n", NULL,
	  "a part that may not be encoded" },
	{ "Content-Type: multipart/mixed\r\n\r\n\xfc\r\n", NULL,
	  "a part that may not be encoded" },
};

static void
test_rows(void **state)
{
	struct buf out = BUF_INIT(0);
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		if (seven_put(rows[i].in, strlen(rows[i].in), &out, &why) ==
		    -1) {
			assert_non_null(rows[i].why);
			assert_string_equal(why, rows[i].why);
			continue;
		}
		if (rows[i].out == NULL)
			fail_msg("row %zu goes out", i);
		assert_string_equal(buf_str(&out), rows[i].out);
	}
	buf_clear(&out);
}

/* Any octets come out in 7 bits, in lines of 76, and are read as before. */
static void
test_random(void **state)
{
	struct buf in = BUF_INIT(0), out = BUF_INIT(0), back = BUF_INIT(0);
	struct mime_decoder d;
	const struct mime_part *part;
	struct mime *m;
	const char *why;
	size_t i, head, col;
	unsigned n;

	srand(7);
	for (n = 0; n < 300; n++) {
		buf_reset(&in);
		buf_reset(&out);
		buf_reset(&back);
		buf_puts(&in, n % 2 ? TEXT V "\r\n" :
		    V "Content-Type: a/b\r\n\r\n");
		head = in.len;
		for (i = 0; i < n * 3; i++)
			buf_putc(&in, (char)(rand() % 20 == 0 ? rand() % 256 :
			    rand() % 9 ? ' ' + rand() % 95 : ' '));
		for (i = head; i < in.len; i++)
			if (in.data[i] == '\r' || in.data[i] == '\n')
				in.data[i] = '\t';
		buf_puts(&in, "\xff\r\n");
		assert_int_equal(seven_put(in.data, in.len, &out, &why), 0);
		for (i = col = 0; i < out.len; i++) {
			assert_true((unsigned char)out.data[i] < 0x80);
			col = out.data[i] == '\n' ? 0 : col + 1;
			assert_true(col <= 77);
		}
		m = mime_parse(out.data, out.len);
		part = mime_root(m);
		memset(&d, 0, sizeof(d));
		d.encoding = mime_encoding_of(&part->content[MIME_C_ENCODING]);
		mime_decode(&d, out.data + part->body, part->end - part->body,
		    &back);
		mime_free(&m);
		assert_int_equal(back.len, in.len - head);
		assert_memory_equal(back.data, in.data + head, back.len);
	}
	buf_clear(&in);
	buf_clear(&out);
	buf_clear(&back);
}

/* The text begins at once: what stands before it is nobody's. */
static void
test_no_fields(void **state)
{
	static const struct {
		const char *in, *body;
	} t[] = {
		{ "\n\xff\n", "\n/wo=\r\n" },
		{ "\r\n\xff\r\n", "\r\n/w0K\r\n" },
	};
	static const char fields[] = "Content-Transfer-Encoding: base64\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n" V;
	struct buf out = BUF_INIT(0);
	const char *why;
	char *p;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		p = mem_strdup(t[i].in);
		buf_reset(&out);
		assert_int_equal(seven_put(p, strlen(p), &out, &why), 0);
		assert_memory_equal(buf_str(&out), fields,
		    sizeof(fields) - 1);
		assert_string_equal(buf_str(&out) + sizeof(fields) - 1,
		    t[i].body);
		free(p);
	}
	buf_clear(&out);
}

/* Deeper than anybody looks. What a digest holds is a message there too. */
static void
test_deep(void **state)
{
	struct buf in = BUF_INIT(0), out = BUF_INIT(0);
	const char *why;
	int i, k;

	for (i = 0; i < 2 * MIME_DEPTH_MAX; i++) {
		buf_reset(&in);
		buf_reset(&out);
		for (k = 0; k < i; k++)
			buf_puts(&in, "Content-Type: message/rfc822\r\n\r\n");
		buf_puts(&in, "Content-Type: multipart/digest; boundary=b\r\n"
		    "\r\n--b\r\n\r\nS: y\r\n" TEXT V "\r\n"
		    "some words: \xfc\r\n--b--\r\n");
		if (seven_put(in.data, in.len, &out, &why) == 0)
			assert_null(strstr(buf_str(&out), "unknown-8bit"));
		else
			assert_string_equal(why,
			    "a part that may not be encoded");
	}
	buf_reset(&in);
	buf_reset(&out);

	for (i = 0; i < 200; i++)
		buf_puts(&in, "Content-Type: message/rfc822\r\n\r\n");
	buf_puts(&in, "S: x\r\n\r\n\xff\r\n");
	assert_int_equal(seven_put(in.data, in.len, &out, &why), -1);
	assert_string_equal(why, "a part that may not be encoded");
	buf_clear(&in);
	buf_clear(&out);
}

/* Past the parts that anybody counts the delimiters are in the last one. */
static void
test_many(void **state)
{
	static const struct {
		unsigned parts, eight;	/* the last, and the one in 8 bits */
		int result;
	} t[] = {
		{ MIME_PARTS_MAX - 2, MIME_PARTS_MAX - 2, 0 },
		{ MIME_PARTS_MAX - 1, MIME_PARTS_MAX - 1, -1 },
		{ MIME_PARTS_MAX + 5, MIME_PARTS_MAX + 5, -1 },
		{ MIME_PARTS_MAX + 5, MIME_PARTS_MAX - 2, 0 },
	};
	struct buf in = BUF_INIT(0), out = BUF_INIT(0);
	const char *why, *p;
	unsigned k, n;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_reset(&in);
		buf_reset(&out);
		buf_puts(&in, MIXED V "\r\n");
		for (k = 1; k <= t[i].parts; k++)
			buf_printf(&in, "--b\r\n" TEXT "\r\nsome words: %s\r\n",
			    k == t[i].eight ? "\xfc" : "u");
		buf_puts(&in, "--b--\r\n");
		assert_int_equal(seven_put(in.data, in.len, &out, &why),
		    t[i].result);
		if (t[i].result == -1) {
			assert_string_equal(why,
			    "a part behind too many others");
			continue;
		}
		p = buf_str(&out);
		for (n = 0; (p = strstr(p, "--b\r\n")) != NULL; n++)
			p++;
		assert_int_equal(n, t[i].parts);
		assert_non_null(strstr(buf_str(&out), "--b--\r\n"));
	}
	buf_clear(&in);
	buf_clear(&out);
}

static void
put(void *arg, const char *p, size_t len)
{
	buf_append(arg, p, len);
}

/* For long lines alone: what is short, encoded or signed stays. */
static void
test_lines(void **state)
{
	static const struct {
		const char *head, *tail;
		const char *want;	/* stands in it then; NULL: it stays */
	} t[] = {
		{ "Subject: x\r\n\r\n", "\r\n", "Subject: x\r\n"
		    "Content-Transfer-Encoding: quoted-printable\r\n" },
		{ "Content-Type: text/html; charset=utf-8\r\n"
		    "Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4\r\n",
		    "\r\n", "Content-Transfer-Encoding: quoted-printable\r\n"
		    "MIME-Version: 1.0\r\n\r\n=C3=A4\r\n" },
		{ "Content-Type: application/json\r\n\r\n", "\r\n",
		    "Content-Transfer-Encoding: base64\r\n" },
		{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n\xe4\r\n"
		    "--b\r\n\r\nshort \xc3\xa4\r\n--b\r\n\r\n",
		    "\r\n--b--\r\n\xe4\r\n", "\xe4\r\n--b\r\n\r\nshort "
		    "\xc3\xa4\r\n--b\r\nContent-Transfer-Encoding: "
		    "quoted-printable\r\n\r\n" },
		{ CTE "quoted-printable\r\n\r\n", "\r\n", "xxx=\r\nxxx" },
		{ CTE "Base64 (sic)\r\n\r\nx\r\n", "\r\n",
		    "\r\n\r\nx\r\nxxx" },
		{ CTE "x-uuencode\r\n\r\n", "\r\n", NULL },
		{ "Content-Type: multipart/signed; boundary=b\r\n\r\n"
		    "--b\r\n\r\n", "\r\n--b--\r\n", NULL },
		{ "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
		    "Content-Type: multipart/signed; boundary=b\r\n\r\n"
		    "--b\r\n\r\n", "\r\n--b--\r\n\r\n--a--\r\n", NULL },
		{ "Subject: x\r\nno field\r\n\r\n", "\r\n", NULL },
		{ "no field\r\n\r\n", "\r\n", NULL },
		{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		    "--b\r\nno field\r\n\r\n", "\r\n--b--\r\n", NULL },
		{ "\r\n", "\r\n", "Content-Transfer-Encoding: "
		    "quoted-printable\r\nMIME-Version: 1.0\r\n\r\n" },
	};
	struct buf in = BUF_INIT(0), out = BUF_INIT(0);
	size_t i, k, n;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (n = LINES_MAX; n <= LINES_MAX + 1; n++) {
			buf_reset(&in);
			buf_reset(&out);
			buf_puts(&in, t[i].head);
			for (k = 0; k < n; k++)
				buf_putc(&in, 'x');
			buf_puts(&in, t[i].tail);
			if (lines_put(in.data, in.len, put, &out) !=
			    (n > LINES_MAX && t[i].want != NULL))
				fail_msg("%zu, %zu octets", i, n);
			if (n == LINES_MAX || t[i].want == NULL)
				continue;
			if (strstr(buf_str(&out), t[i].want) == NULL)
				fail_msg("%zu: %s", i, buf_str(&out));
			assert_false(lines_are_long(out.data, out.len));
		}
	buf_clear(&in);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_no_fields),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
