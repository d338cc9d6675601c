/*
 * Who asks resolve: each question has its answer under its number, more than
 * CLIENT_LOOKUPS_MAX at a time wait, and of who is gone nothing is left.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/msg.h"
#include "lib/mail/proto.h"
#include "lib/server/wire.h"
#include "relay/resolve_client.h"
#include "relay/resolve_lookup.h"

enum { MANY = 2 * CLIENT_LOOKUPS_MAX + 3 };

struct lookup {
	enum n_type type;
	char	 name[100];
	lookup_callback *done;
	void	*arg;
};

static struct lookup *asked[MANY];
static unsigned n_asked, n_cancelled, quiet;
static const struct self self;
static struct ev_loop *loop;

struct lookup *__wrap_lookup_start(struct ev_loop *l, enum n_type type,
	    const char *name, const struct self *s, lookup_callback *done,
	    void *arg);
void	__wrap_lookup_cancel(struct lookup **l);
void	__wrap_server_retire_peer(enum peer kind, uint32_t instance);
static uint32_t retired;

struct lookup *
__wrap_lookup_start(struct ev_loop *l, enum n_type type, const char *name,
    const struct self *s, lookup_callback *done, void *arg)
{
	struct lookup *k = mem_zalloc(1, sizeof(*k));

	assert_ptr_equal(l, loop);
	assert_ptr_equal(s, &self);
	k->type = type;
	snprintf(k->name, sizeof(k->name), "%s", name);
	k->done = done;
	k->arg = arg;
	assert_true(n_asked < MANY);
	asked[n_asked++] = k;
	return k;
}

void
__wrap_lookup_cancel(struct lookup **l)
{
	unsigned i;

	if (*l == NULL)
		return;
	for (i = 0; i < n_asked; i++)
		if (asked[i] == *l)
			asked[i] = NULL;
	free(*l);
	*l = NULL;
	n_cancelled++;
}

void
__wrap_server_retire_peer(enum peer kind, uint32_t instance)
{
	retired = instance;
}

static const struct self *
self_now(void)
{
	return &self;
}

static void
on_quiet(void)
{
	quiet++;
}

static void
turn(void)
{
	int i;

	for (i = 0; i < 3; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static void
wire(uint32_t instance, struct chan *c)
{
	struct wire w = { .peer = PEER_RELAY, .instance = instance };
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fd), 0);
	w.fd = fd[0];
	client_add(loop, &w, self_now);
	chan_init(c, fd[1]);
}

static int
setup(void **state)
{
	loop = ev_default_loop(0);
	n_asked = n_cancelled = quiet = 0;
	retired = 0;
	client_on_quiet(on_quiet);
	return 0;
}

static void
ask(struct chan *c, unsigned type, uint32_t id, const char *name)
{
	msg_begin(c, &proto_resolve, type, id);
	msg_text(c, NF_NAME, name);
	assert_int_equal(msg_end(c), 0);
	assert_int_equal(chan_send(c, 0), 0);
	turn();
}

static void
answer(unsigned i, const struct lookup_answer *a)
{
	struct lookup *k = asked[i];

	assert_non_null(k);
	asked[i] = NULL;
	k->done(k->arg, a);
	free(k);
	turn();
}

/* The answer under that number: its status, and what else it has. */
static void
assert_heard(struct chan *c, uint32_t id, enum n_status status,
    const char *words, unsigned secure, size_t hosts)
{
	struct buf why = BUF_INIT(300);
	const char *p;
	struct msg m;
	size_t len;

	assert_int_equal(msg_recv(&m, &proto_resolve, PEER_RESOLVE, c, 0,
	    &why), 1);
	assert_int_equal(m.id, id);
	assert_int_equal(msg_get_u32(&m, NF_STATUS), status);
	assert_int_equal(msg_get_u32(&m, NF_SECURE), secure);
	p = msg_get(&m, NF_WORDS, &len);
	assert_int_equal(len, strlen(words));
	if (len > 0)
		assert_memory_equal(p, words, len);
	(void)msg_get(&m, NF_HOSTS, &len);
	assert_int_equal(len, hosts);
	msg_done(&m);
	buf_clear(&why);
}

/* Each its own, in whatever order they come. */
static void
test_answers(void **state)
{
	static struct hosts hosts;
	const struct lookup_answer good = { .status = N_OK, .hosts = &hosts,
		.secure = 2 }, bare = { .status = N_OK, .hosts = &hosts },
	    bad = { .status = N_NO_DOMAIN, .words = "5.1.2 gone" };
	struct chan a, b;

	hosts_add(&hosts, 7, "mx");
	hosts_add_address(&hosts, 0, (const unsigned char *)"\1\2\3\4", 4);
	wire(1, &a);
	wire(2, &b);
	ask(&a, N_MX, 11, "one.test");
	ask(&a, N_HOST, 12, "two.test");
	ask(&b, N_MX, 11, "three.test");
	assert_int_equal(n_asked, 3);
	assert_int_equal(asked[0]->type, N_MX);
	assert_string_equal(asked[0]->name, "one.test");
	assert_int_equal(asked[1]->type, N_HOST);
	assert_string_equal(asked[2]->name, "three.test");
	assert_int_equal(client_busy(), 3);
	answer(1, &bad);
	assert_heard(&a, 12, N_NO_DOMAIN, "5.1.2 gone", 0, 0);
	answer(2, &good);
	assert_heard(&b, 11, N_OK, "", 1, 4 + 4 + 2 + 4 + 4 + 7);
	assert_int_equal(client_busy(), 1);
	assert_int_equal(quiet, 0);
	answer(0, &bare);
	assert_heard(&a, 11, N_OK, "", 0, 4 + 4 + 2 + 4 + 4 + 7);
	assert_int_equal(client_busy(), 0);
	assert_int_equal(quiet, 1);
	chan_clear(&a);
	chan_clear(&b);
	turn();
	assert_int_equal(n_cancelled, 0);
	assert_int_equal(retired, 0);
	hosts_clear(&hosts);
}

/* What is more than a client may have under way waits in its socket. */
static void
test_many(void **state)
{
	const struct lookup_answer bad = { .status = N_TEMP,
		.words = "4.4.3 later" };
	struct chan a;
	unsigned i;

	wire(1, &a);
	for (i = 0; i < CLIENT_LOOKUPS_MAX + 2; i++)
		ask(&a, N_MX, i + 1, "one.test");
	assert_int_equal(n_asked, CLIENT_LOOKUPS_MAX);
	assert_int_equal(client_busy(), CLIENT_LOOKUPS_MAX);
	answer(5, &bad);
	assert_heard(&a, 6, N_TEMP, "4.4.3 later", 0, 0);
	assert_int_equal(n_asked, CLIENT_LOOKUPS_MAX + 1);
	assert_int_equal(client_busy(), CLIENT_LOOKUPS_MAX);
	/* The slot that was free has it now. */
	answer(CLIENT_LOOKUPS_MAX, &bad);
	assert_heard(&a, CLIENT_LOOKUPS_MAX + 1, N_TEMP, "4.4.3 later", 0, 0);
	assert_int_equal(n_asked, CLIENT_LOOKUPS_MAX + 2);
	/* Of who is gone nothing is looked up any more. */
	chan_clear(&a);
	turn();
	if (client_busy() > 0)
		client_gone(loop, PEER_RELAY, 1);
	assert_int_equal(client_busy(), 0);
	assert_int_equal(n_cancelled, CLIENT_LOOKUPS_MAX);
}

/* Another of the same instance takes the place of the one before. */
static void
test_gone(void **state)
{
	struct chan a, b, c;

	wire(1, &a);
	wire(2, &b);
	ask(&a, N_MX, 1, "one.test");
	ask(&b, N_MX, 1, "two.test");
	wire(1, &c);
	assert_int_equal(n_cancelled, 1);
	assert_null(asked[0]);
	assert_int_equal(client_busy(), 1);
	client_gone(loop, PEER_RELAY, 3);
	assert_int_equal(client_busy(), 1);
	client_gone(loop, PEER_RELAY, 2);
	assert_int_equal(client_busy(), 0);
	assert_int_equal(n_cancelled, 2);
	client_gone(loop, PEER_RELAY, 1);
	chan_clear(&a);
	chan_clear(&b);
	chan_clear(&c);
}

/* Whoever sends what is no question is closed, and master takes him. */
static void
test_nonsense(void **state)
{
	struct chan a;

	wire(9, &a);
	ask(&a, N_MX, 1, "one.test");
	assert_int_equal(send(a.fd, "\1\143xxxxxxxxxxxxxxxx", 18, 0), 18);
	turn();
	assert_int_equal(retired, 9);
	assert_int_equal(client_busy(), 0);
	assert_int_equal(n_cancelled, 1);
	chan_clear(&a);
}

#define TC(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TC(test_answers), TC(test_many), TC(test_gone),
		TC(test_nonsense),
	};

	log_init("test_resolve_client", 0);
	return cmocka_run_group_tests_name("resolve_client", tests, NULL,
	    NULL);
}
