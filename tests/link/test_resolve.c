#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/link/resolve.h"
#include "lib/mail/result.h"
#include "lib/server/server.h"

/* What each channel in turn has: resolve has answered before it is asked. */
static enum turn {
	AWAY,		/* no channel */
	ENDS,		/* closes without an answer */
	OTHER,		/* answers another question */
	ANSWERS,
} turns[3];
static unsigned turn, lost;
static struct buf hosts = BUF_INIT(0);
static uint32_t status, secure;
static const char *status_words;

static struct chan asking, answering;
static struct resolve_answer answer;
static struct buf words = BUF_INIT(RESULT_WORDS_MAX);

struct chan *
server_peer(enum peer p, int timeout_ms)
{
	static uint32_t id;
	enum turn t = turns[turn++];
	int fd[2];

	assert_int_equal(p, PEER_RESOLVE);
	if (t == AWAY)
		return NULL;
	assert_int_equal(fd_pair(fd), 0);
	chan_init(&asking, fd[0]);
	chan_init(&answering, fd[1]);
	id++;
	if (t == ENDS) {
		chan_clear(&answering);
		return &asking;
	}
	msg_begin(&answering, &proto_resolve, N_HOSTS, t == OTHER ? 0 : id);
	msg_u32(&answering, NF_STATUS, status);
	if (status_words != NULL)
		msg_text(&answering, NF_WORDS, status_words);
	msg_bytes(&answering, NF_HOSTS, hosts.data, hosts.len);
	msg_u32(&answering, NF_SECURE, secure);
	assert_int_equal(msg_end(&answering), 0);
	assert_int_equal(chan_send(&answering, 1000), 0);
	return &asking;
}

void
server_peer_lost(enum peer p)
{
	lost++;
	chan_clear(&asking);
	chan_clear(&answering);
}

static int
setup(void **state)
{
	turn = lost = 0;
	turns[0] = ANSWERS;
	turns[1] = turns[2] = AWAY;
	status = N_OK;
	secure = 0;
	status_words = NULL;
	chan_init(&asking, -1);
	chan_init(&answering, -1);
	return 0;
}

static int
teardown(void **state)
{
	chan_clear(&asking);
	chan_clear(&answering);
	buf_clear(&hosts);
	buf_clear(&words);
	return 0;
}

static void
put_host(const char *name, uint32_t n)
{
	buf_put_u32(&hosts, 10);
	buf_put_lv(&hosts, name, strlen(name));
	buf_put_u32(&hosts, n);
}

static void
put_address(const char *text)
{
	buf_put_lv(&hosts, text, strlen(text));
}

static enum n_status
ask(void)
{
	return resolve_ask(N_MX, "far.test", 25, &answer, &words);
}

static void
test_hosts(void **state)
{
	char text[ADDR_TEXT_MAX];

	put_host("a.far.test", 2);
	put_address("192.0.2.1");
	put_address("2001:db8::1");
	put_host("bare.far.test", 0);
	put_host("b.far.test", 1);
	put_address("127.0.0.1");
	secure = 1;
	assert_int_equal(ask(), N_OK);
	assert_int_equal(answer.n, 2);
	assert_true(answer.secure);
	assert_string_equal(answer.host[0].name, "a.far.test");
	assert_int_equal(answer.host[0].n, 2);
	addr_print((void *)&answer.host[0].addr[1].ss, text, sizeof(text));
	assert_string_equal(text, "[2001:db8::1]:25");
	assert_string_equal(answer.host[1].name, "b.far.test");
	addr_print((void *)&answer.host[1].addr[0].ss, text, sizeof(text));
	assert_string_equal(text, "127.0.0.1:25");
	assert_int_equal(lost, 0);
}

/* As many addresses of a host, and as many hosts, as may be. */
static void
test_most(void **state)
{
	int i, k;

	for (i = 0; i < MAIL_HOSTS_MAX + 1; i++) {
		put_host("a.far.test", MAIL_ADDRESSES_MAX);
		for (k = 0; k < MAIL_ADDRESSES_MAX; k++)
			put_address("192.0.2.1");
	}
	assert_int_equal(ask(), N_OK);
	assert_int_equal(answer.n, MAIL_HOSTS_MAX);
	for (i = 0; i < MAIL_HOSTS_MAX; i++)
		assert_int_equal(answer.host[i].n, MAIL_ADDRESSES_MAX);
	assert_int_equal(lost, 0);
}

static void
test_question(void **state)
{
	struct buf why = BUF_INIT(200);
	struct msg m;
	char *name;

	put_host("a.far.test", 1);
	put_address("192.0.2.1");
	assert_int_equal(ask(), N_OK);
	assert_int_equal(msg_recv(&m, &proto_resolve, PEER_RELAY, &answering,
	    1000, &why), 1);
	assert_int_equal(m.type, N_MX);
	name = msg_get_dup(&m, NF_NAME);
	assert_string_equal(name, "far.test");
	free(name);
	msg_done(&m);
	buf_clear(&why);
}

static void
test_refusals(void **state)
{
	static const enum n_status all[] = { N_NULL_MX, N_NO_DOMAIN,
		N_NO_ADDRESS, N_TEMP };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		turn = 0;
		status = all[i];
		status_words = "5.1.10 it takes no mail";
		assert_int_equal(ask(), all[i]);
		assert_string_equal(buf_str(&words), status_words);
		server_peer_lost(PEER_RESOLVE);
	}
	/* One that we do not know yet. */
	turn = 0;
	status = N_TEMP + 1;
	assert_int_equal(ask(), N_TEMP);
}

static void
test_no_address(void **state)
{
	put_host("bare.far.test", 0);
	assert_int_equal(ask(), N_NO_ADDRESS);
	assert_true(words.len > 0);
}

static void
assert_nonsense(void)
{
	turn = 0;
	assert_int_equal(ask(), N_TEMP);
	assert_string_equal(buf_str(&words), "4.4.3 resolve answered nonsense");
	server_peer_lost(PEER_RESOLVE);
	buf_clear(&hosts);
}

static void
test_malformed(void **state)
{
	char name[DOMAIN_MAX + 2];
	unsigned i;

	put_host("a.far.test", 1);
	put_address("192.0.2.1:25");
	assert_nonsense();
	put_host("a.far.test", 1);
	put_address("[2001:db8::1]");
	assert_nonsense();
	put_host("a.far.test", 2);
	put_address("192.0.2.1");
	assert_nonsense();
	put_host("a\r\nfar.test", 1);
	put_address("192.0.2.1");
	assert_nonsense();
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	put_host(name, 1);
	put_address("192.0.2.1");
	assert_nonsense();
	put_host("a.far.test", MAIL_ADDRESSES_MAX + 1);
	for (i = 0; i <= MAIL_ADDRESSES_MAX; i++)
		put_address("192.0.2.1");
	assert_nonsense();
	buf_put_u8(&hosts, 7);
	assert_nonsense();
}

static void
test_more_hosts_than_fit(void **state)
{
	unsigned i;

	for (i = 0; i < MAIL_HOSTS_MAX + 5; i++) {
		put_host("a.far.test", 1);
		put_address("192.0.2.1");
	}
	assert_int_equal(ask(), N_OK);
	assert_int_equal(answer.n, MAIL_HOSTS_MAX);
}

/* One that was restarted is asked again. */
static void
test_second_try(void **state)
{
	put_host("a.far.test", 1);
	put_address("192.0.2.1");
	turns[0] = ENDS;
	turns[1] = ANSWERS;
	assert_int_equal(ask(), N_OK);
	assert_int_equal(lost, 1);
}

static void
test_wrong_answer(void **state)
{
	put_host("a.far.test", 1);
	put_address("192.0.2.1");
	turns[0] = OTHER;
	turns[1] = ANSWERS;
	assert_int_equal(ask(), N_OK);
	assert_int_equal(lost, 1);
}

static void
test_away(void **state)
{
	turns[0] = AWAY;
	assert_int_equal(ask(), N_TEMP);
	assert_int_equal(turn, 2);
	assert_string_equal(buf_str(&words),
	    "4.4.3 resolve does not answer: it is away");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_hosts),
		T(test_most),
		T(test_question),
		T(test_refusals),
		T(test_no_address),
		T(test_malformed),
		T(test_more_hosts_than_fit),
		T(test_second_try),
		T(test_wrong_answer),
		T(test_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
