/*
 * Lines of a submission that are too long: of any size it is served with the
 * same parts, whose octets are those that were sent, and no such line; and the
 * checks saw what is served.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "lib/mail/mime.h"
#include "lib/mail/mime_decode.h"
#include "lib/mail/mime_encode.h"
#include "smtpd/smtpd_body.h"
#include "smtpd/smtpd_check.h"
#include "tests/smtpd/fake.h"

#define CTE	"Content-Transfer-Encoding: "
#define MIXED	"Subject: parts\r\nMIME-Version: 1.0\r\n" \
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n"

static struct buf shown = BUF_INIT(0);	/* as it will be served */
static unsigned headers;		/* how often one was judged */
static int refuses;			/* what the body shows is refused */
static int no_maps;			/* none of a file */

/* Of both names: which one is called depends on the machine. */
void	*__wrap_mmap(void *at, size_t len, int prot, int flags, int fd,
	    off_t from);
void	*__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd,
	    off_t from);
void	*__real_mmap(void *at, size_t len, int prot, int flags, int fd,
	    off_t from);
void	*__real_mmap64(void *at, size_t len, int prot, int flags, int fd,
	    off_t from);

static int
is_refused_map(int fd)
{
	if (no_maps && fd != -1)
		errno = ENOMEM;
	return no_maps && fd != -1;
}

void *
__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t from)
{
	return is_refused_map(fd) ? MAP_FAILED :
	    __real_mmap(at, len, prot, flags, fd, from);
}

#ifdef __GLIBC__
void *
__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t from)
{
	return is_refused_map(fd) ? MAP_FAILED :
	    __real_mmap64(at, len, prot, flags, fd, from);
}
#endif

static struct smtp_verdict
on_header(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict note = { VERDICT_NOTE,
		{ 0, NULL, NULL }, "X-Test", "header", NULL };

	headers++;
	buf_reset(&shown);
	buf_append(&shown, c->added->data, c->added->len);
	buf_append(&shown, c->text, c->len);
	return note;
}

static struct smtp_verdict
on_body(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict pass = { .outcome = VERDICT_PASS },
	    no = SMTP_REFUSE(550, "5.7.1", "the test says no");

	buf_append(&shown, c->text, c->len);
	return refuses && headers == 2 ? no : pass;
}

/* Stands in for check_table.c. */
const struct smtp_check smtp_checks[] = {
	{ .name = "test", .at = { [STAGE_HEADER] = on_header,
	    [STAGE_BODY] = on_body } },
	{ .name = "recipient", .at = { [STAGE_RCPT] = check_recipient } },
	{ .name = "header", .at = { [STAGE_HEADER] = check_header } },
	{ .name = NULL }
};

static void
fill(struct buf *b, const char *text, size_t len)
{
	size_t n = strlen(text);

	for (; len > 0; len -= n) {
		n = n < len ? n : len;
		buf_append(b, text, n);
	}
}

/* Lines of 64 octets. */
static void
fill_lines(struct buf *b, size_t len)
{
	fill(b, "0123456789012345678901234567890123456789 lines of any text =3D\r\n",
	    len);
}

static void
begin(void)
{
	fake_worker(FAKE_GOOD);
	fake_talk(SERVICE_LOCAL);
	fake_expect("220");
	fake_say("HELO x\r\n");
	fake_expect("250");
}

static void
end(void)
{
	fake_say("QUIT\r\n");
	fake_end_talk();
}

/* No line of it is a dot. */
static void
send_text(const struct buf *text, const char *want)
{
	headers = 0;
	fake_say("MAIL FROM:<>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n");
	fake_expect("250");
	fake_expect("250");
	fake_expect("354");
	fake_say(buf_str(text));
	fake_say(".\r\n");
	fake_expect(want);
}

static void
decoded(const char *data, const struct mime_part *part, struct buf *out)
{
	struct mime_decoder d = { .encoding =
	    mime_encoding_of(&part->content[MIME_C_ENCODING]) };

	mime_decode(&d, data + part->body, part->end - part->body, out);
}

/* The same parts with the same octets. */
static void
same_parts(const char *a, const struct mime_part *x, const char *b,
    const struct mime_part *y)
{
	struct buf one = BUF_INIT(0), two = BUF_INIT(0);

	for (; x != NULL && y != NULL; x = x->next, y = y->next) {
		assert_int_equal(x->kind, y->kind);
		assert_string_equal(x->type, y->type);
		assert_string_equal(x->subtype, y->subtype);
		if (x->kind != MIME_LEAF) {
			same_parts(a, x->first, b, y->first);
			continue;
		}
		buf_reset(&one);
		buf_reset(&two);
		decoded(a, x, &one);
		decoded(b, y, &two);
		assert_int_equal(one.len, two.len);
		assert_memory_equal(buf_str(&one), buf_str(&two), one.len);
	}
	assert_true(x == NULL && y == NULL);
	buf_clear(&one);
	buf_clear(&two);
}

/* What queue was given last: the n-th message. Returns it without its head. */
static const char *
served(size_t count, size_t *len_r)
{
	const struct fake_message *m;
	size_t n;

	m = fake_messages(&n);
	assert_int_equal(n, count);
	m += n - 1;
	assert_true(m->crc_ok);
	assert_true(m->len > shown.len);
	*len_r = shown.len;
	assert_memory_equal(m->data + m->len - shown.len, shown.data,
	    shown.len);
	assert_memory_equal(m->data + m->final, "Received: ", 10);
	/* What was noted of it before it was mended is forgotten. */
	assert_memory_equal(m->data + m->len - shown.len - 16,
	    "X-Test: header\r\n", 16);
	assert_null(strstr(strstr(m->data, "X-Test: header") + 1,
	    "X-Test: header"));
	return m->data + m->len - shown.len;
}

static void
look(size_t count, const struct buf *sent)
{
	struct mime *m, *n;
	const char *p;
	size_t len;

	p = served(count, &len);
	assert_false(lines_are_long(p, len));
	m = mime_parse(sent->data, sent->len);
	n = mime_parse(p, len);
	same_parts(sent->data, mime_root(m), p, mime_root(n));
	mime_free(&m);
	mime_free(&n);
}

/* A line at the start, over the border of what memory holds, and at the end. */
static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 5000, BODY_MEMORY - 1, BODY_MEMORY,
		BODY_MEMORY + 1, 2 * BODY_MEMORY, 3 * BODY_MEMORY + 7 };
	struct buf in = BUF_INIT(0);
	size_t i, k, at, line, n = 0;

	begin();
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (k = 0; k < 6; k++) {
			line = LINES_MAX + k % 2;
			at = k / 2 == 0 ? 20 : k / 2 == 1 && sizes[i] >=
			    2 * BODY_MEMORY ? BODY_MEMORY - 400 :
			    sizes[i] - line - 2;
			buf_reset(&in);
			buf_puts(&in, "Subject: x\r\n\r\n");
			fill_lines(&in, at - in.len - 2);
			buf_puts(&in, "\r\n");
			fill(&in, "x", line);
			buf_puts(&in, "\r\n");
			if (in.len < sizes[i]) {
				fill_lines(&in, sizes[i] - in.len - 2);
				buf_puts(&in, "\r\n");
			}
			assert_int_equal(in.len, sizes[i]);
			send_text(&in, "250 2.0.0 queued");
			look(++n, &in);
			assert_int_equal(headers, line > LINES_MAX &&
			    sizes[i] > BODY_MEMORY ? 2 : 1);
			assert_int_equal(strstr(buf_str(&shown), CTE
			    "quoted-printable\r\n") != NULL, line > LINES_MAX);
		}
	end();
	buf_clear(&in);
}

/* Each part as it needs it, in memory and in the file. */
static void
test_parts(void **state)
{
	struct buf in = BUF_INIT(0);
	const char *p;
	size_t i, len;

	begin();
	for (i = 0; i < 2; i++) {
		buf_reset(&in);
		buf_puts(&in, "From anna\r\nBcc: x@y.test\r\n" MIXED
		    "around\r\n--b\r\n" CTE "8bit\r\n"
		    "Content-Type: text/html; charset=utf-8\r\n\r\n");
		fill(&in, "viele Gr\xc3\xbc\xc3\x9f" "e = - von uns allen ",
		    i * 300000 + 3000);
		buf_puts(&in, "\r\n--b\r\nContent-Type: application/pdf\r\n"
		    CTE "base64\r\n\r\n");
		fill(&in, "ABCDefgh0123", 3000 + i * 300000);
		buf_puts(&in, "\r\n--b\r\nContent-Type: text/plain;\r\n"
		    " charset=iso-8859-1\r\n" CTE "Quoted-Printable\r\n\r\n");
		fill(&in, "=E4-- =FC=DF-", 3003);
		buf_puts(&in, "=\r\nshort\r\n--b\r\nX-Folded:");
		fill(&in, " word", 2000);
		buf_puts(&in, "\r\n\r\nshort\r\n--b\r\n"
		    "Content-Type: image/x-plain\r\n\r\n");
		fill(&in, "\x01\xff", 2000);
		buf_puts(&in, "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
		    "Subject: within\r\n\r\n");
		fill(&in, "y", 2000);
		buf_puts(&in, "\r\n--b--\r\n");
		send_text(&in, "250 2.0.0 queued");
		buf_consume(&in, 26);
		look(i + 1, &in);
		p = served(i + 1, &len);
		assert_non_null(strstr(p, "\r\n\r\naround\r\n--b\r\n"
		    CTE "quoted-printable\r\nContent-Type: text/html"));
		assert_non_null(strstr(p, CTE "base64\r\n\r\nABCDefgh0123"));
		assert_non_null(strstr(p, "=\r\nshort\r\n--b\r\nX-Folded:"));
		assert_null(strstr(p, "Bcc:"));
		assert_ptr_not_equal(strncmp(p, "From ", 5), 0);
	}
	end();
	buf_clear(&in);
}

/* Nobody knows what a "=" stands for that is no octet's and not the last. */
static void
test_stray(void **state)
{
	static const char *const odd[] = { "=x1", "= ", "=\t=41", "==", "=4" };
	struct buf in = BUF_INIT(0);
	const char *p;
	size_t i, len;

	begin();
	for (i = 0; i < 5; i++) {
		buf_reset(&in);
		buf_puts(&in, CTE "quoted-printable\r\n\r\n");
		fill(&in, "=e4b", 1201);
		buf_puts(&in, "\r\n");
		fill(&in, odd[i], 1203);
		buf_puts(&in, "-\r\nend\r\n");
		send_text(&in, "250 2.0.0 queued");
		p = served(i + 1, &len);
		assert_null(strstr(p, "\r\n=e4b=e4b=e4b=e4b=e4b=e4b=e4b=e4b=e4b"
		    "=e4b=e4b=e4b=e4b=e4b=e4b=e4b=e4b=e4b=e4b=e4b"));
		buf_consume(&in, (size_t)(strstr(buf_str(&in), odd[i]) -
		    buf_str(&in)));
		assert_non_null(strstr(p, buf_str(&in)));
	}
	end();
	buf_clear(&in);
}

/* What is signed goes as it came, but with no line that nobody takes. */
static void
test_signed(void **state)
{
	struct buf in = BUF_INIT(0);
	const char *p;
	size_t i, len, n = 0;

	begin();
	for (i = 0; i < 4; i++) {
		buf_reset(&in);
		buf_puts(&in, "Content-Type: multipart/signed; boundary=b\r\n"
		    "\r\n--b\r\n\r\n");
		fill(&in, "x", i % 2 ? DATA_LINE_MAX + 1 : DATA_LINE_MAX);
		buf_puts(&in, "\r\n--b\r\n\r\n");
		if (i >= 2)
			fill_lines(&in, 400000);
		buf_puts(&in, "\r\n--b--\r\n");
		send_text(&in, i % 2 ? "550 5.6.0" : "250 2.0.0 queued");
		if (i % 2) {
			assert_int_equal(fake_file_size(), 0);
			continue;
		}
		p = served(++n, &len);
		assert_true(len > in.len);
		assert_memory_equal(p + len - in.len, in.data, in.len);
	}
	end();
	buf_clear(&in);
}

/* One line of megabytes; and all of message_size, of what grows most. */
static void
test_megabytes(void **state)
{
	static const char *const texts[] = { "x", "=", "x=x=x=", "-\r\n",
		" \r\n", "=-\xc3 " };
	static const char *const types[] = { "text/plain", "a/b" };
	struct buf in = BUF_INIT(0);
	size_t i;

	for (i = 0; i < 2 * sizeof(texts) / sizeof(texts[0]); i++) {
		begin();
		buf_reset(&in);
		buf_printf(&in, "Content-Type: %s\r\n\r\n", types[i % 2]);
		fill(&in, "x", 2000);
		buf_puts(&in, "\r\n");
		fill(&in, texts[i / 2],
		    (size_t)smtpd.conf.message_size - in.len - 2);
		buf_puts(&in, "\r\n");
		send_text(&in, "250 2.0.0 queued");
		look(1, &in);
		assert_true(shown.len < in.len * 8 / 5);
		end();
	}
	buf_clear(&in);
}

/* Many parts, each just too long: it grows no more than was said. */
static void
test_many_parts(void **state)
{
	struct buf in = BUF_INIT(0);
	unsigned i;

	begin();
	buf_puts(&in, MIXED);
	for (i = 0; i < 1000; i++) {
		buf_puts(&in, "--b\r\n\r\n");
		fill(&in, i % 2 ? "=" : "-=x 78", LINES_MAX + 1);
		buf_puts(&in, "\r\n");
	}
	buf_puts(&in, "--b--\r\n");
	send_text(&in, "250 2.0.0 queued");
	look(1, &in);
	assert_true(shown.len < in.len * 8 / 5);
	end();
	buf_clear(&in);
}

/* A check that what it becomes does not pass refuses it. */
static void
test_refused(void **state)
{
	struct buf in = BUF_INIT(0);

	begin();
	buf_puts(&in, "Subject: x\r\n\r\n");
	fill_lines(&in, 700000);
	fill(&in, "x", 2000);
	buf_puts(&in, "\r\n");
	refuses = 1;
	send_text(&in, "550 5.7.1 the test says no");
	refuses = 0;
	assert_int_equal(fake_file_size(), 0);
	send_text(&in, "250 2.0.0 queued");
	look(1, &in);
	end();
	buf_clear(&in);
}

/* No space for a map: it goes as it came; only a line that is huge does not. */
static void
test_no_map(void **state)
{
	struct buf in = BUF_INIT(0);
	const char *p;
	size_t len;

	begin();
	buf_puts(&in, "Subject: x\r\n\r\n");
	fill_lines(&in, 704000);
	fill(&in, "x", 2000);
	buf_puts(&in, "\r\n");
	no_maps = 1;
	send_text(&in, "250 2.0.0 queued");
	no_maps = 0;
	p = served(1, &len);
	assert_true(len > in.len);
	assert_memory_equal(p + len - in.len, in.data, in.len);
	assert_int_equal(headers, 1);
	fill(&in, "x", DATA_LINE_MAX + 1);
	buf_puts(&in, "\r\n");
	no_maps = 1;
	send_text(&in, "550 5.6.0");
	no_maps = 0;
	end();
	buf_clear(&in);
}

static void
bound_files(rlim_t size)
{
	const struct rlimit r = { .rlim_cur = size, .rlim_max = RLIM_INFINITY };

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* The disk is full wherever: 452, nothing is kept, and the next one goes. */
static void
test_full(void **state)
{
	struct buf in = BUF_INIT(0);
	size_t i, n = 0;

	begin();
	buf_puts(&in, "Subject: x\r\n\r\n");
	fill_lines(&in, 700000);
	fill(&in, "x", 2000);
	buf_puts(&in, "\r\n");
	for (i = 200000; i < 1500000; i += 100000) {
		bound_files(i);
		send_text(&in, "452 4.3.1");
		bound_files(RLIM_INFINITY);
		assert_int_equal(fake_file_size(), 0);
	}
	send_text(&in, "250 2.0.0 queued");
	look(++n, &in);
	assert_int_equal(fake_retired(), 0);
	end();
	buf_clear(&in);
}

/* A stranger's stays as it came, of any size. */
static void
test_stranger(void **state)
{
	struct buf in = BUF_INIT(0);
	const char *p;
	size_t i, len;

	fake_worker(FAKE_GOOD);
	fake_talk(SERVICE_SMTP);
	fake_expect("220");
	fake_say("HELO x\r\n");
	fake_expect("250");
	for (i = 0; i < 2; i++) {
		buf_reset(&in);
		buf_puts(&in, "Subject: x\r\n\r\n");
		fill_lines(&in, i * 704000);
		fill(&in, "x", DATA_LINE_MAX);
		buf_puts(&in, "\r\n");
		send_text(&in, "250 2.0.0 queued");
		p = served(i + 1, &len);
		assert_int_equal(len, in.len);
		assert_memory_equal(p, in.data, in.len);
		assert_int_equal(headers, 1);
	}
	end();
	buf_clear(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_stray),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_megabytes),
		cmocka_unit_test(test_many_parts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_map),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_stranger),
	};
	int r;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	fake_begin();
	smtpd.conf.message_size = 4 << 20;
	smtpd.conf.command_time = smtpd.conf.data_time = 60;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	fake_end();
	buf_clear(&shown);
	return r;
}
