/*
 * COMPRESS (RFC 4978): where it begins in both directions, what stands behind
 * it in the stream, bombs, slow readers, and what is no DEFLATE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/imapd/rig.h"

#include "lib/base/mem.h"

#include "imapd/imapd_input.h"
#include "imapd/imapd_zip.h"

static z_stream up, down;	/* the client's */
static struct buf heard;	/* inflated */
static int ended;		/* the server has closed */

static int
begin(void **state)
{
	memset(&up, 0, sizeof(up));
	memset(&down, 0, sizeof(down));
	ended = 0;
	if (deflateInit2(&up, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) !=
	    Z_OK || inflateInit2(&down, -15) != Z_OK)
		return -1;
	return rig_begin(state);
}

static int
end(void **state)
{
	deflateEnd(&up);
	inflateEnd(&down);
	buf_clear(&heard);
	return rig_end(state);
}

/* Adds text, deflated. */
static void
squeeze(struct buf *b, const char *p, size_t len, int flush)
{
	char piece[4096];

	up.next_in = (unsigned char *)p;
	up.avail_in = (unsigned)len;
	do {
		up.next_out = (unsigned char *)piece;
		up.avail_out = sizeof(piece);
		assert_int_not_equal(deflate(&up, flush), Z_STREAM_ERROR);
		buf_append(b, piece, sizeof(piece) - up.avail_out);
	} while (up.avail_out == 0);
}

static void
send_all(const struct buf *b)
{
	size_t at = 0;
	ssize_t n;

	while (at < b->len) {
		n = write(client, b->data + at, b->len - at);
		assert_true(n > 0);
		at += (size_t)n;
	}
}

static void
zsay(const char *s)
{
	struct buf b = BUF_INIT(0);

	buf_reset(&heard);
	squeeze(&b, s, strlen(s), Z_SYNC_FLUSH);
	send_all(&b);
	buf_clear(&b);
}

static void
hear(const char *p, size_t n)
{
	char piece[4096];

	down.next_in = (unsigned char *)p;
	down.avail_in = (unsigned)n;
	do {
		down.next_out = (unsigned char *)piece;
		down.avail_out = sizeof(piece);
		n = (size_t)inflate(&down, Z_SYNC_FLUSH);
		assert_true((int)n == Z_OK || (int)n == Z_BUF_ERROR);
		buf_append(&heard, piece, sizeof(piece) - down.avail_out);
	} while (down.avail_out == 0);
}

/* Reads until want is there; NULL: up to the end. */
static void
zexpect(const char *want)
{
	char p[4096];
	ssize_t n;

	while (want == NULL ? !ended : strstr(buf_str(&heard), want) == NULL) {
		n = read(client, p, sizeof(p));
		if (n == 0 && want == NULL) {
			ended = 1;
			return;
		}
		if (n <= 0)
			fail_msg("no \"%s\" in \"%.1000s\"", want,
			    buf_str(&heard));
		hear(p, (size_t)n);
	}
}

/* What came behind the plain OK is compressed. */
static void
answer_heard(void)
{
	const char *nl;

	expect("z OK ");
	expect("\r\n");
	nl = strstr(got.data, "\r\n") + 2;
	hear(nl, got.len - (size_t)(nl - got.data));
}

static void
compressed(void)
{
	say("z COMPRESS DEFLATE\r\n");
	answer_heard();
}

static void
test_begins(void **state)
{
	compressed();
	zsay("a NOOP\r\n");
	zexpect("a OK ");
	zsay("b SELECT INBOX\r\n");
	zexpect("b OK ");
	zsay("c COMPRESS DEFLATE\r\n");
	zexpect("c NO [COMPRESSIONACTIVE] ");
	zsay("d NOOP\r\n");
	zexpect("d OK ");
}

static void
test_refused(void **state)
{
	say("a COMPRESS\r\n");
	expect("a BAD ");
	say("b COMPRESS LZMA\r\n");
	expect("b BAD ");
	say("c COMPRESS (DEFLATE)\r\n");
	expect("c BAD ");
	say("d NOOP\r\n");
	expect("d OK ");
}

/* A client that is ahead of the answer: it compresses from there on. */
static void
test_pipelined(void **state)
{
	struct buf b = BUF_INIT(0);

	buf_reset(&got);
	buf_puts(&b, "y NOOP\r\nz COMPRESS DEFLATE\r\n");
	squeeze(&b, "a NOOP\r\nb NOOP\r\n", 16, Z_SYNC_FLUSH);
	send_all(&b);
	buf_clear(&b);
	expect("y OK ");
	expect("z OK ");
	expect("COMPRESS begins\r\n");
	buf_consume(&got, (size_t)(strstr(got.data, "begins\r\n") + 8 -
	    got.data));
	hear(buf_str(&got), got.len);
	zexpect("a OK ");
	zexpect("b OK ");
}

/* The same without compressing is no DEFLATE. */
static void
test_plain_behind(void **state)
{
	say("z COMPRESS DEFLATE\r\na NOOP\r\n");
	answer_heard();
	zexpect(NULL);
	assert_string_equal(heard.data, "* BYE That is no DEFLATE\r\n");
}

/* What precedes the end of the client's stream counts, what follows does not. */
static void
test_end_of_stream(void **state)
{
	struct buf b = BUF_INIT(0);

	compressed();
	squeeze(&b, "a NOOP\r\n", 8, Z_FINISH);
	send_all(&b);
	buf_clear(&b);
	zexpect("a OK ");
	more("b NOOP\r\n");
	zexpect(NULL);
	assert_non_null(strstr(heard.data, "* BYE That is no DEFLATE\r\n"));
}

static void
test_news(void **state)
{
	store.messages = 1;
	compressed();
	zsay("a SELECT INBOX\r\n");
	zexpect("a OK ");
	zsay("b IDLE\r\n");
	zexpect("+ idling\r\n");
	message_comes();
	zexpect("* 2 EXISTS\r\n");
	zsay("DONE\r\n");
	zexpect("b OK ");
}

/* As without it, octet by octet, to a client that reads slowly. */
static void
test_long_answer(void **state)
{
	static const char fetch[] = "b FETCH 1:* (UID MODSEQ BODY.PEEK[])\r\n";
	struct buf plain = BUF_INIT(0);

	store.messages = 3000;
	say("y ENABLE CONDSTORE\r\n");
	expect("y OK ");
	select_inbox();
	say(fetch);
	expect("b OK FETCH completed\r\n");
	buf_append(&plain, got.data, got.len);
	compressed();
	zsay(fetch);
	zexpect("b OK FETCH completed\r\n");
	assert_string_equal(heard.data, plain.data);
	assert_true(down.total_in < plain.len / 4);
	buf_clear(&plain);
}

static void
test_literal(void **state)
{
	struct buf b = BUF_INIT(0);
	char *text = mem_zalloc(1, 60001);

	memset(text, 'x', 60000);
	compressed();
	buf_printf(&b, "a APPEND INBOX {60000+}\r\n%s\r\nb NOOP\r\n", text);
	zsay(b.data);
	zexpect("a OK [APPENDUID ");
	zexpect("b OK ");
	buf_clear(&b);
	free(text);
}

/* Of one line without end as much is inflated as there is room for. */
static void
test_bomb_in_pieces(void **state)
{
	enum { LONG = 64 << 20 };
	struct imapd_zip *z = imapd_zip_new();
	struct buf b = BUF_INIT(0);
	char *text = mem_zalloc(1, LONG), p[IMAPD_READ_SIZE];
	size_t n = 0;
	ssize_t r;

	squeeze(&b, text, LONG, Z_SYNC_FLUSH);
	free(text);
	assert_true(b.len < LONG / 500);
	imapd_zip_got(z, b.data, b.len);
	buf_clear(&b);
	while ((r = imapd_zip_inflate(z, p, sizeof(p))) > 0) {
		n += (size_t)r;
		assert_true(n == LONG || imapd_zip_waits(z));
	}
	assert_int_equal(r, 0);
	assert_int_equal(n, LONG);
	assert_false(imapd_zip_waits(z));
	imapd_zip_free(&z);
}

/* Both are there when the loop looks next. */
static struct buf bomb;
static int other;

static void
both_say(struct ev_loop *l)
{
	static const char select[] = "o SELECT INBOX\r\n";

	send_all(&bomb);
	assert_int_equal(write(other, select, sizeof(select) - 1),
	    (ssize_t)sizeof(select) - 1);
}

/* Others are served between its pieces: store hears of them first. */
static void
test_bomb_and_others(void **state)
{
	enum { LONG = 256 << 10, TIMES = 256 };
	char *text = mem_alloc(LONG);
	unsigned i;

	store.messages = 1;
	store.tell = UINT32_MAX;	/* the count at a STATUS is kept */
	rig_client(1);
	other = client;
	rig_client(0);
	compressed();
	memset(text, 'x', LONG);
	for (i = 0; i < TIMES; i++)
		squeeze(&bomb, text, LONG, Z_NO_FLUSH);
	free(text);
	squeeze(&bomb, "\r\nb STATUS INBOX (MESSAGES)\r\n", 29,
	    Z_SYNC_FLUSH);
	assert_true(bomb.len < 100000);
	rig_call(both_say);
	buf_clear(&bomb);
	zexpect("b OK ");
	assert_non_null(strstr(heard.data, " BAD The line is too long"));
	assert_true(store.told > 0);
	rig_client(1);
	buf_reset(&got);
	expect("o OK ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_begins, begin, end),
		cmocka_unit_test_setup_teardown(test_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_pipelined, begin, end),
		cmocka_unit_test_setup_teardown(test_plain_behind, begin, end),
		cmocka_unit_test_setup_teardown(test_end_of_stream, begin,
		    end),
		cmocka_unit_test_setup_teardown(test_news, begin, end),
		cmocka_unit_test_setup_teardown(test_long_answer, begin, end),
		cmocka_unit_test_setup_teardown(test_literal, begin, end),
		cmocka_unit_test_setup_teardown(test_bomb_in_pieces, begin,
		    end),
		cmocka_unit_test_setup_teardown(test_bomb_and_others, begin,
		    end),
	};

	rig_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
