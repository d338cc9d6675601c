#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <cdb.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/link/submit.h"
#include "lib/mail/packed.h"
#include "lib/mail/proto.h"
#include "lib/net/tls.h"
#include "tests/smtpd/fake.h"
#include "smtpd/smtpd_local.h"
#include "smtpd/smtpd_session.h"

/* The password file is open to the end (tests/guard.c). */
extern const char *const guard_leaves[];
const char *const guard_leaves[] = { "/tmp/test_smtpd.", "/etc/passwd",
	NULL };

static char dir[] = "/tmp/test_smtpd.XXXXXX";
static char path[7][200];
enum { P_CERT, P_KEY, P_TABLES, P_STATE, P_FULL, P_MESSAGE, P_PASSWD };
static SSL_CTX *client_tls;
static struct chan queue, auth;		/* the worker's ends */
static int queue_fd = -1, auth_fd = -1;	/* ours */
static pthread_t queue_thread, auth_thread, session_thread;
static enum fake_mode mode;
static int running, retired, yielding, kicked;
static int master_fd[2] = { -1, -1 };
static struct fake_question question;
static _Atomic int64_t waits;
static _Atomic unsigned n_waits;
static struct fake_message messages[300];
static size_t n_messages;
static struct session client;
static struct stream talk;
int fake_crowded;

/* The skeleton, as smtpd sees it. */

struct chan *
server_peer(enum peer p, int timeout_ms)
{
	struct chan *c = p == PEER_QUEUE ? &queue : &auth;

	/* There is no signer. */
	return c->fd == -1 || p == PEER_SIGNER ? NULL : c;
}

void
server_peer_lost(enum peer p)
{
	chan_clear(p == PEER_QUEUE ? &queue : &auth);
}

void
server_retire(void)
{
	retired = 1;
}

int
server_master_fd(void)
{
	return master_fd[0];
}

int
server_ending(int hear)
{
	char word;

	if (hear && read(master_fd[0], &word, 1) == 1) {
		retired |= word == 's';
		yielding |= word == 'y';
		kicked |= word == 'k';
	}
	return retired;
}

void
server_waiting(int64_t since)
{
	yielding = 0;
	if (since == 0)
		return;
	waits = since;
	n_waits++;
}

int64_t
fake_waits(unsigned *n_r)
{
	*n_r = n_waits;
	return waits;
}

int
server_kicked(void)
{
	return kicked;
}

int
server_yielding(void)
{
	return yielding;
}

void
fake_master(const char *word)
{
	assert_int_equal(write(master_fd[1], word, 1), 1);
}

void
fake_master_heard(void)
{
	int left = 1, i;

	for (i = 0; i < 4000 && left > 0; i++) {
		assert_int_equal(ioctl(master_fd[0], FIONREAD, &left), 0);
		if (left > 0)
			usleep(5000);
	}
	assert_int_equal(left, 0);
}

long
fake_file_size(void)
{
	struct stat st;

	assert_int_equal(stat(path[P_MESSAGE], &st), 0);
	return (long)st.st_size;
}

int
fake_retired(void)
{
	return retired;
}

/* Sends; the worker may be gone before it wanted the answer. */
static void
sent(struct chan *c)
{
	if (msg_end(c) == -1)
		abort();
	(void)!chan_send(c, 5000);
}

/* Queue */

static int
fresh_file(char name[QUEUE_ID_LEN + 1])
{
	static unsigned long n = 0x1000;

	snprintf(name, QUEUE_ID_LEN + 1, "%016lx", n++);
	return open(path[P_MESSAGE], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
}

static void
give_file(struct chan *c, unsigned type, uint32_t id)
{
	char name[QUEUE_ID_LEN + 1];
	int fd = fresh_file(name);

	msg_begin(c, &proto_queue, type, id);
	msg_text(c, QF_FILE, name);
	msg_fd(c, fd);
	sent(c);
}

static void
say(struct chan *c, unsigned type, uint32_t id, const char *words)
{
	msg_begin(c, &proto_queue, type, id);
	msg_text(c, QF_WORDS, words);
	sent(c);
}

static void
copy(char *dst, size_t size, const struct msg *m, uint8_t tag)
{
	char *s = msg_get_dup(m, tag);

	str_copy(dst, size, s);
	free(s);
}

static void
keep_message(const struct msg *m)
{
	struct fake_message *k = &messages[n_messages];
	struct buf b = BUF_INIT(0);
	struct packed_recipient r;
	struct cursor c;
	const char *p;
	size_t len;
	int fd = open(path[P_MESSAGE], O_RDONLY);

	if (fd == -1 || fd_slurp(fd, &b) == -1)
		abort();
	close(fd);
	k->data = b.data != NULL ? b.data : mem_strdup("");
	k->len = b.len;
	copy(k->sender, sizeof(k->sender), m, QF_SENDER);
	copy(k->login, sizeof(k->login), m, QF_LOGIN);
	copy(k->client, sizeof(k->client), m, QF_CLIENT);
	copy(k->message_id, sizeof(k->message_id), m, QF_MESSAGE_ID);
	k->flags = msg_get_u32(m, QF_FLAGS);
	k->body = msg_get_u32(m, QF_BODY);
	k->ret = msg_get_u32(m, QF_RET);
	copy(k->envid, sizeof(k->envid), m, QF_ENVID);
	k->final = msg_get_u32(m, QF_FINAL);
	k->forward = msg_get_u32(m, QF_FORWARD);
	k->origin = (int)msg_get_u32(m, QF_ORIGIN);
	k->crc_ok = crc32c(0, b.data, b.len) == msg_get_u32(m, QF_CRC) &&
	    b.len == msg_get_u64(m, QF_LENGTH);
	k->asked[0] = '\0';
	p = msg_get(m, QF_RECIPIENTS, &len);
	cursor_init(&c, p, len);
	for (k->recipients = 0; cursor_left(&c) > 0; k->recipients++) {
		if (packed_recipient(&c, &r) == -1)
			abort();
		len = strlen(k->asked);
		snprintf(k->asked + len, sizeof(k->asked) - len, "%u %.*s,",
		    r.notify, (int)r.orcpt_len, r.orcpt);
	}
	p = msg_get(m, QF_NOTES, &k->notes_len);
	k->notes = mem_strndup(p != NULL ? p : "", k->notes_len);
	n_messages++;
}

/* 0, or -1 to go away. */
static int
on_queue(struct chan *c, struct msg *m)
{
	if (m->type == Q_FILE && mode == FAKE_FULL)
		say(c, Q_LATER, m->id, "4.3.1 the disk is full");
	else if (m->type == Q_FILE)
		give_file(c, Q_FILE_IS, m->id);
	else if (mode == FAKE_DIES)
		return -1;
	else if (mode == FAKE_LATER)
		say(c, Q_LATER, m->id, "4.3.0 tired");
	else if (mode == FAKE_NEVER)
		say(c, Q_NEVER, m->id, "5.7.1 no");
	else if (mode == FAKE_ODD_LATER)
		say(c, Q_LATER, m->id, "tired");
	else if (mode == FAKE_ODD_NEVER)
		say(c, Q_NEVER, m->id, "4.7.1 never");
	else {
		if (mode == FAKE_KICKS)
			fake_master("kick");
		keep_message(m);
		if (n_messages % 2 == 1) {
			give_file(c, Q_DONE, m->id);
		} else {
			msg_begin(c, &proto_queue, Q_DONE, m->id);
			sent(c);
		}
	}
	return 0;
}

static void *
run_queue(void *arg)
{
	struct chan c;
	struct msg m;
	int r = 0;

	chan_init(&c, queue_fd);
	while (r == 0 && msg_recv(&m, &proto_queue, PEER_SMTPD, &c, -1,
	    NULL) == 1) {
		r = on_queue(&c, &m);
		msg_done(&m);
	}
	chan_clear(&c);
	return NULL;
}

static void
on_auth(struct chan *c, struct msg *m)
{
	struct fake_question *q = &question;

	q->n++;
	q->service = (enum service)msg_get_u32(m, AF_SERVICE);
	copy(q->user, sizeof(q->user), m, AF_USER);
	copy(q->password, sizeof(q->password), m, AF_PASSWORD);
	copy(q->remote, sizeof(q->remote), m, AF_REMOTE);
	copy(q->tls, sizeof(q->tls), m, AF_TLS);
	if (str_casecmp(q->user, "anna@example.test") == 0 &&
	    strcmp(q->password, "secret") == 0) {
		msg_begin(c, &proto_auth, A_OK, m->id);
		msg_text(c, AF_USER, "anna@example.test");
	} else {
		msg_begin(c, &proto_auth, A_NO, m->id);
		msg_u32(c, AF_REASON, strcmp(q->user, "later") == 0 ? A_LATER :
		    strcmp(q->user, "limit") == 0 ? A_LIMIT :
		    strcmp(q->user, "off") == 0 ? A_PROTOCOL : A_BAD);
		msg_text(c, AF_WORDS, "no");
	}
	sent(c);
}

static void *
run_auth(void *arg)
{
	struct chan c;
	struct msg m;

	chan_init(&c, auth_fd);
	while (msg_recv(&m, &proto_auth, PEER_SMTPD, &c, -1, NULL) == 1) {
		on_auth(&c, &m);
		msg_done(&m);
	}
	chan_clear(&c);
	return NULL;
}

const struct fake_question *
fake_question(void)
{
	return &question;
}

static void
stop_worker(void)
{
	if (!running)
		return;
	submit_input(PEER_QUEUE, NULL);
	chan_clear(&queue);
	chan_clear(&auth);
	if (mode != FAKE_AWAY)
		pthread_join(queue_thread, NULL);
	pthread_join(auth_thread, NULL);
	while (n_messages > 0) {
		free(messages[--n_messages].data);
		free(messages[n_messages].notes);
	}
	running = 0;
}

void
fake_worker(enum fake_mode m)
{
	int p[2];

	stop_worker();
	mode = m;
	retired = yielding = kicked = 0;
	question.n = 0;
	running = 1;
	if (master_fd[0] == -1) {
		assert_int_equal(fd_pair(master_fd), 0);
		assert_int_equal(fd_nonblock(master_fd[0], 1), 0);
	}
	chan_init(&queue, -1);
	if (mode != FAKE_AWAY) {
		assert_int_equal(fd_pair(p), 0);
		chan_init(&queue, p[0]);
		queue_fd = p[1];
		pthread_create(&queue_thread, NULL, run_queue, NULL);
	}
	assert_int_equal(fd_pair(p), 0);
	chan_init(&auth, p[0]);
	auth_fd = p[1];
	pthread_create(&auth_thread, NULL, run_auth, NULL);
}

const struct fake_message *
fake_messages(size_t *n_r)
{
	*n_r = n_messages;
	return messages;
}

static void *
run_session(void *arg)
{
	smtpd_serve(&client);
	return NULL;
}

int
fake_client(enum service service, long uid)
{
	int p[2];

	assert_int_equal(fd_pair(p), 0);
	memset(&client, 0, sizeof(client));
	client.fd = p[0];
	client.service = service;
	client.uid = uid;
	client.crowded = fake_crowded;
	str_copy(client.remote, sizeof(client.remote),
	    service == SERVICE_LOCAL ? "local" : "[2001:db8::9]:4711");
	pthread_create(&session_thread, NULL, run_session, NULL);
	return p[1];
}

void
fake_join(void)
{
	pthread_join(session_thread, NULL);
}

void
fake_talk(enum service service)
{
	stream_init(&talk, fake_client(service, 0));
}

/* Of each step of the dialogue, not of the whole. */
static void
bound_talk(void)
{
	stream_deadline(&talk, 120000);
}

void
fake_say(const char *text)
{
	bound_talk();
	stream_puts(&talk, text);
}

void
fake_flush(void)
{
	bound_talk();
	assert_int_equal(stream_flush(&talk), STREAM_OK);
}

void
fake_say_tls(void)
{
	struct buf why = BUF_INIT(300);

	bound_talk();
	if (stream_tls_connect(&talk, client_tls, "mx.example.test", &why) ==
	    -1)
		fail_msg("%s", buf_str(&why));
}

void
fake_expect(const char *want)
{
	size_t len;
	char *line;

	bound_talk();
	if (stream_line(&talk, 2000, &line, &len) != STREAM_OK)
		fail_msg("no line for \"%s\"", want);
	if (strncmp(line, want, strlen(want)) != 0)
		fail_msg("\"%s\" for \"%s\"", line, want);
}

void
fake_expect_end(void)
{
	enum stream_status r;
	size_t len;
	char *line;

	bound_talk();
	r = stream_line(&talk, 2000, &line, &len);
	if (r == STREAM_OK)
		fail_msg("\"%s\", and no end", line);
	assert_true(r != STREAM_TIMEOUT);
}

void
fake_end_talk(void)
{
	bound_talk();
	(void)stream_flush(&talk);
	stream_close(&talk);
	fake_join();
}

/* Surroundings */

static void
make_certificate(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	FILE *f;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, k);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)"mx.example.test", -1, -1, 0);
	X509_set_issuer_name(x, n);
	X509_sign(x, k, EVP_sha256());
	f = fopen(path[P_CERT], "w");
	assert_non_null(f);
	PEM_write_X509(f, x);
	fclose(f);
	f = fopen(path[P_KEY], "w");
	assert_non_null(f);
	PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(k);
}

static void
add(struct cdb_make *m, const char *key, size_t klen, const struct buf *value)
{
	assert_int_equal(cdb_make_add(m, key, (unsigned)klen, value->data,
	    (unsigned)value->len), 0);
}

/* more: an account that is there too, or NULL. */
static void
make_tables(const char *more)
{
	static const char *const users[] = { "uanna@example.test",
		"ubert@example.test", "ufull@example.test" };
	static const char own[] = "oanna@example.test\0anna@example.test";
	static const char signs[] = "oanna@signed.test\0anna@example.test";
	struct buf v = BUF_INIT(0);
	struct cdb_make m;
	size_t i;
	int fd;

	(void)unlink(path[P_TABLES]);
	fd = open(path[P_TABLES], O_RDWR | O_CREAT | O_EXCL, 0600);
	cdb_make_start(&m, fd);
	buf_put_u32(&v, 1);
	buf_put_u64(&v, 0);
	add(&m, "f", 1, &v);
	buf_set(&v, "l");
	add(&m, "dexample.test", 13, &v);
	buf_set(&v, "aexample.test");
	add(&m, "dmx.example.test", 16, &v);
	buf_reset(&v);
	buf_put_u64(&v, 0);
	buf_put_u64(&v, 0);
	buf_put_u32(&v, 0);
	for (i = 0; i < 3; i++)
		add(&m, users[i], strlen(users[i]), &v);
	if (more != NULL)
		add(&m, more, strlen(more), &v);
	buf_reset(&v);
	buf_put_u64(&v, 0);
	buf_put_u64(&v, 0);
	buf_put_u32(&v, TABLES_SILENT);
	add(&m, "umute@example.test", 18, &v);
	buf_reset(&v);
	buf_put_u64(&v, 1000);
	buf_put_u64(&v, 0);
	buf_put_u32(&v, 0);
	add(&m, "usmall@example.test", 19, &v);
	buf_reset(&v);
	add(&m, own, sizeof(own) - 1, &v);
	buf_put_lv(&v, "anna@example.test", 17);
	add(&m, "apostmaster@example.test", 24, &v);
	add(&m, "apostmaster", 11, &v);
	buf_set(&v, "l");
	add(&m, "dsigned.test", 12, &v);
	buf_reset(&v);
	add(&m, signs, sizeof(signs) - 1, &v);
	buf_put_u8(&v, DKIM_ED25519);
	buf_put_u32(&v, 64);
	buf_put_lv(&v, "s1", 2);
	add(&m, "ksigned.test", 12, &v);
	cdb_make_finish(&m);
	close(fd);
	mkdir(path[P_STATE], 0700);
	fd = open(path[P_FULL], O_RDWR | O_CREAT | O_TRUNC, 0600);
	cdb_make_start(&m, fd);
	buf_reset(&v);
	add(&m, "full@example.test", 17, &v);
	cdb_make_finish(&m);
	close(fd);
	buf_clear(&v);
}

void
fake_add_account(const char *name)
{
	char key[200];

	snprintf(key, sizeof(key), "u%s", name);
	make_tables(key);
}

void
fake_spoil_tables(void)
{
	int fd;

	assert_int_equal(unlink(path[P_TABLES]), 0);
	fd = open(path[P_TABLES], O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, "spoiled", 7), 7);
	close(fd);
	tables_refresh(smtpd.tables);
}

void
fake_passwd(const char *text)
{
	char new[sizeof(path[0]) + 4];
	FILE *f;

	snprintf(new, sizeof(new), "%s.new", path[P_PASSWD]);
	assert_non_null(f = fopen(new, "w"));
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(new, path[P_PASSWD]), 0);
}

void
fake_read_passwd(void)
{
	assert_int_equal(smtpd_local_init(path[P_PASSWD],
	    smtpd.conf.local_trusted), 0);
}

void
fake_begin(void)
{
	static const char *const names[] = { "cert", "key", "tables.cdb",
		"state", "state/full.cdb", "message", "passwd" };
	static char nobody[] = "";
	struct buf why = BUF_INIT(0);
	size_t i;

	assert_non_null(mkdtemp(dir));
	for (i = 0; i < 7; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%s", dir, names[i]);
	tls_init();
	make_certificate();
	make_tables(NULL);
	smtpd.conf = (struct smtpd_conf){ .local_trusted = nobody,
		.message_size = 600 * 1024, .errors = 20, .junk = 100,
		.command_time = 3, .data_time = 2, .data_rate = 500 };
	smtpd.hostname = "mx.example.test";
	fake_passwd("root:x:0:0::/:\ncarl:x:64000:64000::/:\n");
	fake_read_passwd();
	smtpd.tls = tls_server_new(TLS_PATHS(path[P_CERT], path[P_KEY]),
	    "smtp", 0, &why);
	assert_non_null(smtpd.tls);
	smtpd.tables = tables_open(path[P_TABLES], &why);
	assert_non_null(smtpd.tables);
	client_tls = tls_client_new(NULL, TLS_WEAK, &why);
	assert_non_null(client_tls);
	buf_clear(&why);
}

SSL_CTX *
fake_client_tls(void)
{
	return client_tls;
}

void
fake_end(void)
{
	size_t i;

	stop_worker();
	fd_close(&master_fd[0]);
	fd_close(&master_fd[1]);
	tables_free(&smtpd.tables);
	tls_free(&smtpd.tls);
	tls_free(&client_tls);
	for (i = 7; i-- > 0;)
		if (i != P_STATE)
			unlink(path[i]);
	rmdir(path[P_STATE]);
	rmdir(dir);
}
