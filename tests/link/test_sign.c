#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/link/sign.h"
#include "lib/mail/proto.h"
#include "tests/link/peer.h"

static const unsigned char hash[DKIM_HASH];
static const struct sign_question question = { .address = "a@example.test",
	.selector = "s", .hash = hash, .client = -1 };
static uint32_t asked[4];
static unsigned n_asked;

static void
put(struct chan *c, uint32_t id, const char *signature)
{
	msg_begin(c, &proto_sign, S_SIGNED, id);
	msg_bytes(c, SF_SIGNATURE, signature, strlen(signature));
	if (msg_end(c) == -1)
		abort();
}

static int
at_once(struct chan *c, struct msg *m)
{
	put(c, m->id, "right");
	return 0;
}

/* Nothing for the first question before the second one has come. */
static int
late(struct chan *c, struct msg *m)
{
	asked[n_asked++] = m->id;
	if (n_asked < 2)
		return 0;
	put(c, asked[0], "of the first");
	put(c, m->id, "right");
	return 0;
}

static int
gone(struct chan *c, struct msg *m)
{
	return -1;
}

static enum sign_result
ask(int timeout_ms, struct signature *out, int *broken)
{
	struct buf why = BUF_INIT(500);
	enum sign_result r = sign_over(peer_chan(), &question, timeout_ms, out,
	    broken, &why);

	assert_int_equal(r == SIGN_DONE, why.len == 0);
	buf_clear(&why);
	return r;
}

static void
test_late_answer(void **state)
{
	struct signature s;
	int broken;

	peer_begin(&proto_sign, late);
	assert_int_equal(ask(20, &s, &broken), SIGN_LATER);
	assert_false(broken);
	assert_int_equal(ask(60000, &s, &broken), SIGN_DONE);
	assert_false(broken);
	assert_int_equal(s.len, 5);
	assert_memory_equal(s.octets, "right", 5);
	peer_end();
}

static void
test_ended(void **state)
{
	struct signature s;
	int broken;

	peer_begin(&proto_sign, gone);
	assert_int_equal(ask(60000, &s, &broken), SIGN_LATER);
	assert_true(broken);
	peer_end();
}

/* The channel is that of a signer which has ended; another one is there. */
static void
test_next_signer(void **state)
{
	struct signature s;

	peer_begin(&proto_sign, gone);
	peer_next(at_once);
	assert_int_equal(sign_ask(&question, &s), SIGN_DONE);
	assert_int_equal(s.len, 5);
	peer_end();
	/* Two that end are enough. */
	peer_begin(&proto_sign, gone);
	peer_next(gone);
	assert_int_equal(sign_ask(&question, &s), SIGN_LATER);
	peer_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_ended),
		cmocka_unit_test(test_next_signer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
