#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/mail/dest_key.h"
#include "lib/mail/proto.h"

static struct chan out, in;

static void
test_equal(void **state)
{
	static const struct {
		const char *route, *credential;
		enum dest_tls tls;
	} other[] = {
		{ "far.test", "", DEST_TLS_ROUTE },
		{ "", "", DEST_TLS_ROUTE },
		{ "near.test", "anna@near.test", DEST_TLS_ROUTE },
		{ "near.test", "", DEST_TLS_VERIFIED },
		/* The border between the texts counts. */
		{ "near.tes", "t", DEST_TLS_ROUTE },
	};
	struct dest_key a, b;
	size_t i;

	assert_int_equal(dest_key_set(&a, "Near.TEST", "", DEST_TLS_ROUTE), 0);
	assert_int_equal(dest_key_set(&b, "near.test", "", DEST_TLS_ROUTE), 0);
	assert_true(dest_key_equal(&a, &b));
	assert_int_equal(dest_key_hash(&a), dest_key_hash(&b));
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		assert_int_equal(dest_key_set(&b, other[i].route,
		    other[i].credential, other[i].tls), 0);
		assert_false(dest_key_equal(&a, &b));
		assert_int_not_equal(dest_key_hash(&a), dest_key_hash(&b));
	}
}

static void
test_too_long(void **state)
{
	char text[DEST_CREDENTIAL_MAX + 2];
	struct dest_key k;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(dest_key_set(&k, text, "", DEST_TLS_ROUTE), -1);
	assert_int_equal(strlen(k.route), DEST_ROUTE_MAX);
	assert_int_equal(dest_key_set(&k, "", text, DEST_TLS_ROUTE), -1);
	assert_int_equal(dest_key_set(&k, "", text + 1, DEST_TLS_ROUTE), 0);
}

/* Octets of a J_RELAY with that key. */
static size_t
send_key(const struct dest_key *k)
{
	size_t len;

	msg_begin(&out, &proto_job, J_RELAY, 1);
	msg_text(&out, JF_FILE, "00000000000000aa");
	msg_text(&out, JF_SENDER, "");
	msg_bytes(&out, JF_RECIPIENTS, "", 0);
	msg_u64(&out, JF_LENGTH, 1);
	msg_u32(&out, JF_CRC, 1);
	msg_u32(&out, JF_OFFSET, 0);
	msg_u64(&out, JF_TIME, 1);
	msg_u32(&out, JF_FLAGS, 0);
	len = out.out.len;
	dest_key_put(k, &out);
	len = out.out.len - len;
	msg_fd(&out, dup(0));
	assert_int_equal(msg_end(&out), 0);
	assert_int_equal(chan_flush(&out), 1);
	return len;
}

static int
receive_key(struct dest_key *k)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r;

	assert_int_equal(msg_recv(&m, &proto_job, PEER_QUEUE, &in, 1000, &why),
	    1);
	r = dest_key_get(k, &m);
	msg_done(&m);
	return r;
}

static void
test_wire(void **state)
{
	struct dest_key k, got;

	dest_key_set(&k, "far.test", "anna@provider.test", DEST_TLS_VERIFIED);
	send_key(&k);
	assert_int_equal(receive_key(&got), 0);
	assert_true(dest_key_equal(&k, &got));
	/* The plain one is its route and nothing more. */
	dest_key_set(&k, "far.test", "", DEST_TLS_ROUTE);
	assert_int_equal(send_key(&k), 5 + strlen("far.test"));
	assert_int_equal(receive_key(&got), 0);
	assert_true(dest_key_equal(&k, &got));
	k.tls = DEST_TLS_VERIFIED + 1;
	send_key(&k);
	assert_int_equal(receive_key(&got), -1);
}

static int
pair(void **state)
{
	int fd[2];

	assert_int_equal(fd_pair(fd), 0);
	chan_init(&out, fd[0]);
	chan_init(&in, fd[1]);
	return 0;
}

static int
unpair(void **state)
{
	chan_clear(&out);
	chan_clear(&in);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test_setup_teardown(test_wire, pair, unpair),
	};

	return cmocka_run_group_tests_name("dest_key", tests, NULL, NULL);
}
