/*
 * signer over its channels: who gets which signature. The loop is turned by
 * hand; what asks is the far end of a pair of sockets.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cdb.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/link/sign.h"
#include "lib/mail/dkim_key.h"
#include "lib/mail/proto.h"
#include "smtpd/signer.h"
#include "smtpd/smtpd.h"
#include "smtpd/smtpd_local.h"

/* The password file is open to the end (tests/guard.c). */
extern const char *const guard_leaves[];
const char *const guard_leaves[] = { "/tmp/rp-test-signer-", NULL };

enum { SOMEBODY = 65534 };	/* a uid that is not root's */

static char dir[] = "/tmp/rp-test-signer-XXXXXX";
static char tables[80], keys[80], submit[80], elsewhere[80];
static struct ev_loop *loop;
static struct signer *signer;
static int stale_seen;
static struct buf key_text = BUF_INIT(0);
static struct chan far[2];

static void
add(struct cdb_make *m, const char *key, size_t len, const struct buf *value)
{
	assert_int_equal(cdb_make_add(m, key, (unsigned)len, value->data,
	    (unsigned)value->len), 0);
}

static int
begin_file(struct cdb_make *m, const char *path)
{
	struct buf v = BUF_INIT(0);
	char new[100];
	int fd;

	snprintf(new, sizeof(new), "%s.new", path);
	fd = open(new, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(cdb_make_start(m, fd), 0);
	buf_put_u32(&v, 1);
	buf_put_u64(&v, 0);
	add(m, "f", 1, &v);
	buf_clear(&v);
	return fd;
}

static void
end_file(struct cdb_make *m, int fd, const char *path)
{
	char new[100];

	snprintf(new, sizeof(new), "%s.new", path);
	assert_int_equal(cdb_make_finish(m), 0);
	close(fd);
	assert_int_equal(rename(new, path), 0);
}

static void
make_tables(void)
{
	static const char own[] = "oanna@example.test\0anna@example.test",
	    hers[] = "oberta@other.test\0berta@other.test";
	struct buf v = BUF_INIT(0);
	struct cdb_make m;
	int fd = begin_file(&m, tables);

	buf_set(&v, "l");
	add(&m, "dexample.test", 13, &v);
	add(&m, "dother.test", 11, &v);
	buf_reset(&v);
	add(&m, own, sizeof(own) - 1, &v);
	add(&m, hers, sizeof(hers) - 1, &v);
	end_file(&m, fd, tables);
	buf_clear(&v);
}

/* Keys of that selector for three domains. */
static void
make_keys(const char *selector)
{
	static const char *const domains[] = { "example.test", "other.test",
		"mx.example.test" };
	struct cdb_make m;
	int fd = begin_file(&m, keys);
	char name[100];
	size_t i;

	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s._domainkey.%s", selector,
		    domains[i]);
		add(&m, name, strlen(name), &key_text);
	}
	end_file(&m, fd, keys);
}

static void
stale(void)
{
	stale_seen++;
}

static int
setup(void **state)
{
	struct signer_parts p = { .hostname = "mx.example.test",
		.submit = submit, .stale = stale };
	struct buf why = BUF_INIT(500);

	make_tables();
	make_keys("s1");
	loop = p.loop = ev_loop_new(0);
	p.tables = tables_open(tables, &why);
	p.keys = map_cdb_open_format(keys, 1, 0, DKIM_FORMAT, &why);
	assert_non_null(p.tables);
	assert_non_null(p.keys);
	signer = signer_new(&p);
	stale_seen = 0;
	buf_clear(&why);
	return 0;
}

static int
teardown(void **state)
{
	chan_clear(&far[0]);
	chan_clear(&far[1]);
	signer_free(&signer);
	ev_loop_destroy(loop);
	return 0;
}

static void
wire_up(unsigned i, enum peer peer, const char *user)
{
	struct wire w = { .peer = peer, .instance = i + 1 };
	int fd[2];

	assert_int_equal(fd_pair(fd), 0);
	assert_int_equal(fd_nonblock(fd[0], 1), 0);
	assert_int_equal(fd_nonblock(fd[1], 1), 0);
	snprintf(w.user, sizeof(w.user), "%s", user);
	w.fd = fd[0];
	chan_init(&far[i], fd[1]);
	signer_peer(signer, &w);
}

static void
ask(unsigned i, const char *address, const char *selector, int client)
{
	unsigned char hash[DKIM_HASH];

	memset(hash, 'h', sizeof(hash));
	msg_begin(&far[i], &proto_sign, S_SIGN, 1);
	msg_text(&far[i], SF_ADDRESS, address);
	msg_text(&far[i], SF_SELECTOR, selector);
	msg_bytes(&far[i], SF_HASH, hash, sizeof(hash));
	if (client != -1)
		msg_fd(&far[i], client);
	assert_int_equal(msg_end(&far[i]), 0);
	assert_int_equal(chan_flush(&far[i]), 1);
}

/* Turns the loop until an answer is there: its type; 0: the channel ended. */
static unsigned
answer(unsigned i, struct msg *m)
{
	struct buf why = BUF_INIT(200);
	int turns, r;

	for (turns = 0; turns < 1000; turns++) {
		ev_run(loop, EVRUN_NOWAIT);
		r = chan_read(&far[i]);
		if (r == 0)
			return 0;
		r = msg_next(m, &proto_sign, PEER_SIGNER, &far[i], &why);
		assert_int_not_equal(r, -1);
		if (r == 1)
			return m->type;
	}
	fail_msg("no answer");
	return 0;
}

/* The reason of a no; 0: it is signed, and the signature is right. */
static uint32_t
verdict(unsigned i, const char *address, const char *selector, int client)
{
	struct dkim_key *k;
	unsigned char hash[DKIM_HASH], want[DKIM_SIGNATURE_MAX];
	struct msg m;
	const char *p;
	size_t len, n;

	ask(i, address, selector, client);
	if (answer(i, &m) == S_NO)
		return msg_get_u32(&m, SF_REASON);
	assert_int_equal(m.type, S_SIGNED);
	p = msg_get(&m, SF_SIGNATURE, &len);
	memset(hash, 'h', sizeof(hash));
	/* Ed25519 signs one thing one way. */
	k = dkim_key_read(buf_str(&key_text), key_text.len);
	assert_int_equal(dkim_key_sign(k, hash, want, &n), 0);
	assert_int_equal(len, n);
	assert_memory_equal(p, want, n);
	dkim_key_free(&k);
	return 0;
}

/* A session has what its account may send as, and nothing else. */
static void
test_session(void **state)
{
	wire_up(0, PEER_SMTPD, "anna@example.test");
	assert_int_equal(verdict(0, "anna@example.test", "s1", -1), 0);
	assert_int_equal(verdict(0, "anna+tag@Example.test", "s1", -1), 0);
	assert_int_equal(verdict(0, "berta@other.test", "s1", -1), S_FOREIGN);
	assert_int_equal(verdict(0, "anna@other.test", "s1", -1), S_FOREIGN);
	assert_int_equal(verdict(0, "root@mx.example.test", "s1", -1),
	    S_FOREIGN);
	assert_int_equal(verdict(0, "x@far.test", "s1", -1), S_FOREIGN);
	assert_int_equal(verdict(0, "anna@example.test", "s2", -1), S_LATER);
	/* Another name of the instance: the one before is gone. */
	chan_clear(&far[0]);
	wire_up(0, PEER_SMTPD, "berta@other.test");
	assert_int_equal(verdict(0, "berta@other.test", "s1", -1), 0);
	assert_int_equal(verdict(0, "anna@example.test", "s1", -1), S_FOREIGN);
}

static void
test_queue(void **state)
{
	wire_up(0, PEER_QUEUE, "");
	assert_int_equal(verdict(0, "mailer-daemon@MX.example.test", "s1",
	    -1), 0);
	assert_int_equal(verdict(0, "anna@example.test", "s1", -1), S_FOREIGN);
	signer_host(signer, "example.test");
	assert_int_equal(verdict(0, "anna@example.test", "s1", -1), 0);
	assert_int_equal(verdict(0, "mailer-daemon@MX.example.test", "s1",
	    -1), S_FOREIGN);
}

static int
listener(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unlink(path);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

/* The server's end of a connection from here to path. */
static int
client_of(int listening, const char *path, int *near_r)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	*near_r = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(connect(*near_r, (struct sockaddr *)&a, sizeof(a)),
	    0);
	return accept(listening, NULL, NULL);
}

/* The kernel's word of a connection to run/submit counts, and no other's. */
static void
test_local(void **state)
{
	int at = listener(submit), beside = listener(elsewhere), near, pair[2];

	wire_up(0, PEER_SMTPD, "");
	assert_int_equal(verdict(0, "anna@example.test", "s1", -1), S_FOREIGN);
	assert_int_equal(fd_pair(pair), 0);
	assert_int_equal(verdict(0, "anna@example.test", "s1", pair[0]),
	    S_FOREIGN);
	assert_int_equal(verdict(0, "anna@example.test", "s1", dup(at)),
	    S_FOREIGN);
	assert_int_equal(verdict(0, "anna@example.test", "s1",
	    client_of(beside, elsewhere, &near)), S_FOREIGN);
	close(near);
	/* We are whom the suite runs as: any of ours. */
	assert_int_equal(verdict(0, "anna@example.test", "s1",
	    client_of(at, submit, &near)), 0);
	close(near);
	assert_int_equal(verdict(0, "root@mx.example.test", "s1",
	    client_of(at, submit, &near)), 0);
	close(near);
	close(pair[1]);
	close(at);
	close(beside);
}

/*
 * Somebody else may have that uid now: later, and a new signer; but what
 * everybody here may send as, whatever his name is, does not wait for it.
 */
static void
test_stale(void **state)
{
	int at = listener(submit), root = geteuid() == 0, near, fd;
	char passwd[100];

	snprintf(passwd, sizeof(passwd), "%s/passwd", dir);
	fd = open(passwd, O_WRONLY | O_APPEND);
	assert_int_equal(fd_write_all(fd, "\n", 1), 0);
	close(fd);
	wire_up(0, PEER_SMTPD, "");
	assert_int_equal(verdict(0, "root@mx.example.test", "s1",
	    client_of(at, submit, &near)), 0);
	close(near);
	assert_int_equal(stale_seen, 0);
	if (root) {
		assert_int_equal(chmod(dir, 0711), 0);
		assert_int_equal(chmod(submit, 0777), 0);
		assert_int_equal(seteuid(SOMEBODY), 0);
	}
	fd = client_of(at, submit, &near);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(verdict(0, "anna@example.test", "s1", fd), S_LATER);
	assert_int_equal(stale_seen, 1);
	close(near);
	close(at);
}

/* Nobody waits for another's flood. */
static void
test_turns(void **state)
{
	enum { FLOOD = 50 };
	unsigned i, before = 0;
	struct buf why = BUF_INIT(200);
	struct msg m;

	wire_up(0, PEER_SMTPD, "anna@example.test");
	wire_up(1, PEER_SMTPD, "berta@other.test");
	for (i = 0; i < FLOOD; i++)
		ask(0, "anna@example.test", "s1", -1);
	ask(1, "berta@other.test", "s1", -1);
	assert_int_equal(answer(1, &m), S_SIGNED);
	while (chan_read(&far[0]) == 1)
		;
	while (msg_next(&m, &proto_sign, PEER_SIGNER, &far[0], &why) == 1)
		before++;
	assert_true(before < FLOOD / 2);
	for (; before < FLOOD; before++)
		assert_int_equal(answer(0, &m), S_SIGNED);
	buf_clear(&why);
}

/* The file is another one: what it does not have does not sign any more. */
static void
test_replaced(void **state)
{
	wire_up(0, PEER_SMTPD, "anna@example.test");
	assert_int_equal(verdict(0, "anna@example.test", "s1", -1), 0);
	make_keys("s2");
	assert_int_equal(verdict(0, "anna@example.test", "s1", -1), S_LATER);
	assert_int_equal(verdict(0, "anna@example.test", "s2", -1), 0);
}

/* What cannot be signed ends the channel. */
static void
test_malformed(void **state)
{
	static const char *const bad[] = { "anna", "", "a@[192.0.2.1]", "@" };
	struct msg m;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wire_up(0, PEER_SMTPD, "anna@example.test");
		ask(0, bad[i], "s1", -1);
		assert_int_equal(answer(0, &m), 0);
		chan_clear(&far[0]);
	}
	wire_up(0, PEER_SMTPD, "anna@example.test");
	msg_begin(&far[0], &proto_sign, S_SIGN, 1);
	msg_text(&far[0], SF_ADDRESS, "anna@example.test");
	msg_text(&far[0], SF_SELECTOR, "s1");
	msg_bytes(&far[0], SF_HASH, "short", 5);
	assert_int_equal(msg_end(&far[0]), 0);
	assert_int_equal(chan_flush(&far[0]), 1);
	assert_int_equal(answer(0, &m), 0);
}

static void
begin(void)
{
	struct dkim_key *k = dkim_key_new(DKIM_ED25519, 0);
	char passwd[100];
	int fd;

	if (mkdtemp(dir) == NULL || k == NULL ||
	    dkim_key_private(k, &key_text) == -1)
		exit(1);
	dkim_key_free(&k);
	snprintf(tables, sizeof(tables), "%s/tables.cdb", dir);
	snprintf(keys, sizeof(keys), "%s/dkim.cdb", dir);
	snprintf(submit, sizeof(submit), "%s/submit", dir);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", dir);
	snprintf(passwd, sizeof(passwd), "%s/passwd", dir);
	smtpd.hostname = "mx.example.test";
	fd = open(passwd, O_WRONLY | O_CREAT, 0600);
	if (fd_write_all(fd, "root:x:0:0::/:\n", 15) == -1)
		exit(1);
	close(fd);
	if (smtpd_local_init(passwd, "") == -1)
		exit(1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_session, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_local, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replaced, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup,
		    teardown),
		/* Last: from then on the names are old. */
		cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
	};
	char path[128];
	int r;

	begin();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "rm -rf %s", dir);
	return system(path) == 0 ? r : 1;
}
