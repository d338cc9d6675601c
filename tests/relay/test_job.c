/*
 * A job of queue: what stands in its message, whether its file is the one that
 * was accepted, and what queue hears of each recipient.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/mail/packed.h"
#include "relay/relay_job.h"

static struct chan queue, ours;

static int
setup(void **state)
{
	int fd[2];

	assert_int_equal(fd_pair(fd), 0);
	chan_init(&queue, fd[0]);
	chan_init(&ours, fd[1]);
	return 0;
}

static int
teardown(void **state)
{
	chan_clear(&queue);
	chan_clear(&ours);
	return 0;
}

/* A file of so many octets. */
static int
file_of(size_t len, uint32_t *crc_r)
{
	char path[] = "/tmp/test-job-XXXXXX", *p = mem_alloc(len + 1);
	int fd = mkstemp(path);
	size_t i;

	assert_int_not_equal(fd, -1);
	unlink(path);
	for (i = 0; i < len; i++)
		p[i] = (char)('a' + i % 23);
	assert_int_equal(fd_write_all(fd, p, len), 0);
	*crc_r = crc32c(0, p, len);
	free(p);
	return fd;
}

/*
 * The file has to have the length and the sum that were accepted, to the
 * octet; whether it is read at once or in pieces.
 */
static void
test_verify(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, BODY_MEMORY_MAX,
		BODY_MEMORY_MAX + 1, 3 * BODY_MEMORY_MAX };
	static const struct {
		int	 more;		/* octets that are in the file */
		unsigned sum;		/* added to the sum */
		int	 offset;	/* from the length on */
		enum result r;
	} t[] = {
		{ 0, 0, 0, RESULT_DELIVERED }, { 0, 1, 0, RESULT_NEVER },
		{ 1, 0, 0, RESULT_NEVER }, { 0, 0, 1, RESULT_NEVER },
		{ -1, 0, 0, RESULT_NEVER },
	};
	struct buf why = BUF_INIT(300);
	struct relay_job j;
	size_t i, k;
	uint32_t crc, sum;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
			if (sizes[i] == 0 && t[k].more < 0)
				continue;
			memset(&j, 0, sizeof(j));
			fd_close(&(int){ file_of(sizes[i], &sum) });
			j.message.fd = file_of((size_t)((long)sizes[i] +
			    t[k].more), &crc);
			j.message.length = sizes[i];
			j.message.offset = sizes[i] / 2;
			if (t[k].offset > 0)
				j.message.offset = sizes[i] + 1;
			j.crc = sum + t[k].sum;
			if (job_verify(&j, &why) != t[k].r)
				fail_msg("%zu octets, row %zu", sizes[i], k);
			if (t[k].r == RESULT_DELIVERED)
				assert_int_equal(j.message.data != NULL,
				    sizes[i] <= BODY_MEMORY_MAX);
			job_clear(&j);
		}
	buf_clear(&why);
}

/* A file of the right length whose sum is another's. */
static void
test_other_file(void **state)
{
	static const size_t sizes[] = { 1000, 2 * BODY_MEMORY_MAX };
	struct buf why = BUF_INIT(300);
	struct relay_job j;
	size_t i;

	for (i = 0; i < 2; i++) {
		memset(&j, 0, sizeof(j));
		j.message.fd = file_of(sizes[i], &j.crc);
		j.message.length = sizes[i];
		assert_int_equal(pwrite(j.message.fd, "X", 1,
		    (off_t)sizes[i] - 1), 1);
		assert_int_equal(job_verify(&j, &why), RESULT_NEVER);
		assert_string_equal(buf_str(&why), "the checksum of the file "
		    "is wrong");
		job_clear(&j);
	}
	/* What cannot be read now may be good. */
	memset(&j, 0, sizeof(j));
	j.message.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	close(j.message.fd);
	j.message.length = 10;
	assert_int_equal(job_verify(&j, &why), RESULT_LATER);
	j.message.fd = -1;
	job_clear(&j);
	buf_clear(&why);
}

static struct buf dsn;			/* JF_RCPT_DSN of it; empty: none */
static const char *dsn_envid = "QQ1";

/* A J_RELAY as queue sends it, for n recipients. */
static int
take(struct relay_job *j, uint32_t flags, unsigned n, struct buf *why)
{
	struct buf to = BUF_INIT(0);
	struct dest_key key;
	struct msg m;
	unsigned i;
	int r;

	assert_int_equal(dest_key_set(&key, "far.test", "anna",
	    DEST_TLS_VERIFIED), 0);
	for (i = 0; i < n; i++) {
		buf_put_u32(&to, i + 5);
		buf_put_lv(&to, "u@far.test", 10);
	}
	msg_begin(&queue, &proto_job, J_RELAY, 77);
	msg_text(&queue, JF_FILE, "000000000000000f");
	msg_text(&queue, JF_SENDER, "a@us.test");
	msg_bytes(&queue, JF_RECIPIENTS, to.data, to.len);
	msg_u32(&queue, JF_OFFSET, 3);
	msg_u64(&queue, JF_LENGTH, 9);
	msg_u32(&queue, JF_CRC, 42);
	msg_u32(&queue, JF_FLAGS, flags);
	msg_u64(&queue, JF_TIME, 1);
	if (dsn.len > 0) {
		msg_bytes(&queue, JF_RCPT_DSN, dsn.data, dsn.len);
		msg_text(&queue, JF_ENVID, dsn_envid);
		msg_u32(&queue, JF_RET, Q_RET_FULL);
	}
	dest_key_put(&key, &queue);
	msg_fd(&queue, dup(queue.fd));
	assert_int_equal(msg_end(&queue), 0);
	assert_int_equal(chan_send(&queue, 1000), 0);
	assert_int_equal(msg_recv(&m, &proto_job, PEER_QUEUE, &ours, 1000,
	    why), 1);
	r = job_read(j, &m, why);
	msg_done(&m);
	buf_clear(&to);
	return r;
}

static void
test_read(void **state)
{
	struct buf why = BUF_INIT(300);
	struct relay_job j;

	assert_int_equal(take(&j, 0, 2, &why), 0);
	assert_int_equal(j.id, 77);
	assert_int_equal(j.crc, 42);
	assert_int_equal(j.message.offset, 3);
	assert_int_equal(j.message.length, 9);
	assert_int_equal(j.message.eight_bit, 0);
	assert_int_not_equal(j.message.fd, -1);
	assert_string_equal(j.message.sender, "a@us.test");
	assert_string_equal(j.file, "000000000000000f");
	assert_string_equal(j.key.route, "far.test");
	assert_string_equal(j.key.credential, "anna");
	assert_int_equal(j.key.tls, DEST_TLS_VERIFIED);
	assert_int_equal(j.n, 2);
	assert_int_equal(j.to[1].index, 6);
	assert_string_equal(j.to[1].address, "u@far.test");
	job_clear(&j);
	assert_int_equal(take(&j, Q_8BIT, JOB_RECIPIENTS_MAX, &why), 0);
	assert_int_equal(j.message.eight_bit, 1);
	assert_int_equal(j.n, JOB_RECIPIENTS_MAX);
	job_clear(&j);
	assert_int_equal(take(&j, 0, JOB_RECIPIENTS_MAX + 1, &why), -1);
	assert_int_equal(take(&j, 0, 0, &why), -1);
	buf_clear(&why);
}

static void
put_dsn(uint32_t index, const char *orcpt, uint32_t notify)
{
	packed_put_dsn(&dsn, &(struct packed_dsn){ index, orcpt,
	    strlen(orcpt), notify });
}

/* What could not stand in a command line is left out. */
static void
test_read_dsn(void **state)
{
	struct buf why = BUF_INIT(300);
	struct relay_job j;

	put_dsn(6, "rfc822;a@x.test", Q_NOTIFY_NEVER);
	put_dsn(7, "rfc822;a NOTIFY=NEVER", 0);
	assert_int_equal(take(&j, 0, 4, &why), 0);
	assert_string_equal(j.message.envid, "QQ1");
	assert_int_equal(j.message.ret, Q_RET_FULL);
	assert_null(j.to[0].orcpt);
	assert_int_equal(j.to[0].notify, 0);
	assert_string_equal(j.to[1].orcpt, "rfc822;a@x.test");
	assert_int_equal(j.to[1].notify, Q_NOTIFY_NEVER);
	assert_null(j.to[2].orcpt);
	job_clear(&j);
	dsn_envid = "Q Q";
	assert_int_equal(take(&j, 0, 4, &why), 0);
	assert_null(j.message.envid);
	job_clear(&j);
	/* One that is nobody's, one that is there twice, a cut one. */
	put_dsn(99, "", 1);
	assert_int_equal(take(&j, 0, 4, &why), -1);
	buf_reset(&dsn);
	put_dsn(6, "rfc822;a@x.test", 1);
	put_dsn(6, "rfc822;a@x.test", 1);
	assert_int_equal(take(&j, 0, 4, &why), -1);
	buf_truncate(&dsn, dsn.len - 1);
	assert_int_equal(take(&j, 0, 4, &why), -1);
	buf_clear(&dsn);
	buf_clear(&why);
}

static void
hears(struct cursor *c, uint32_t index, enum result r, const char *words)
{
	struct packed_result p;

	assert_int_equal(packed_result(c, &p), 1);
	assert_int_equal(p.index, index);
	assert_int_equal(p.result, r);
	assert_int_equal(p.len, strlen(words));
	assert_memory_equal(p.words, words, p.len);
}

/* Who has an answer keeps it; who has none hears the job's, or "later". */
static void
test_answer(void **state)
{
	struct buf why = BUF_INIT(300);
	struct relay_job j;
	struct cursor c;
	struct msg m;
	const char *p;
	size_t i, n;

	assert_int_equal(take(&j, 0, 3, &why), 0);
	recipient_set(&j.to[0], RESULT_DELIVERED, "2.0.0 taken");
	recipient_set(&j.to[1], RESULT_NEVER, "5.1.1 no");
	assert_int_equal(job_settled(&j), 0);
	strcpy(j.host, "mx [192.0.2.1]");
	assert_int_equal(job_answer(&j, &ours), 0);
	job_all(&j, RESULT_LATER, "4.4.2 lost");
	assert_int_equal(job_settled(&j), 0);
	assert_int_equal(job_answer(&j, &ours), 0);
	job_all(&j, RESULT_NEVER, "5.4.4 none");
	assert_int_equal(job_settled(&j), 1);
	assert_int_equal(job_answer(&j, &ours), 0);
	assert_int_equal(chan_send(&ours, 1000), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(msg_recv(&m, &proto_job, PEER_RELAY, &queue,
		    1000, &why), 1);
		assert_int_equal(m.type, J_RESULT);
		assert_int_equal(m.id, 77);
		p = msg_get(&m, JF_RESULTS, &n);
		cursor_init(&c, p, n);
		hears(&c, 5, RESULT_DELIVERED, "2.0.0 taken");
		hears(&c, 6, RESULT_NEVER, "5.1.1 no");
		hears(&c, 7, i < 2 ? RESULT_LATER : RESULT_NEVER, i == 0 ?
		    "4.3.0" : i == 1 ? "4.4.2 lost" : "5.4.4 none");
		assert_int_equal(cursor_left(&c), 0);
		p = msg_get(&m, JF_HOST, &n);
		assert_int_equal(n, 14);
		assert_memory_equal(p, "mx [192.0.2.1]", n);
		msg_done(&m);
	}
	job_clear(&j);
	buf_clear(&why);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_verify), T(test_other_file), T(test_read),
		T(test_read_dsn),
		T(test_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
