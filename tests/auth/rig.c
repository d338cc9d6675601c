#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <cdb.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "tests/auth/rig.h"

const char hash[] =
    "$y$j75$abcdefgh$bctRiWkyq10PPGtOKBJgs9BCnbhQ/GleDpkmafdQZBA";
const char hash6[] = "$6$rounds=1000$abcdefgh$4tsbYStC11TtytTYX0SO77"
    "NyfFyOvnqR8YJL24bGnevpJ5KfJmeO4.vsiRv8rQtwFU4S2jGF31IBVB7EGXpA31";
const char app_hash[] = "$6$rounds=1000$saltsalt$MtSr52xsH2MUnn6K"
    "KtgHHhXN82DdNIXENgb/99HGpw29zSodu2yVcWbUnaF83VBKXBkkCqbHYeoDarvcbAQ66.";
const char password[] = "kaffee kanne";
const char app_password[] = "nur f\xc3\xbcr das telefon";

static char dir[] = "/tmp/test_auth.XXXXXX";
char path[64], learned_path[64];
struct auth_learned *learned;
int scram;
struct ev_loop *loop;
struct auth_serve *serve;
struct chan asker;
uint32_t start_id, start_instance;
int start_worker;
char start_user[400];
int start_result;

void
write_passwd(const char *const rows[][2])
{
	struct cdb_make m;
	char fresh[80];
	int fd, i;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	assert_int_equal(cdb_make_start(&m, fd), 0);
	for (i = 0; rows[i][0] != NULL; i++)
		assert_int_equal(cdb_make_add(&m, rows[i][0],
		    (unsigned)strlen(rows[i][0]), rows[i][1],
		    (unsigned)strlen(rows[i][1])), 0);
	assert_int_equal(cdb_make_finish(&m), 0);
	close(fd);
	assert_int_equal(rename(fresh, path), 0);
}

static int
fake_start(const struct server_login *l, uint32_t id)
{
	start_id = id;
	start_instance = l->instance;
	start_worker = l->service == SERVICE_SUBMISSION ||
	    l->service == SERVICE_SUBMISSIONS;
	snprintf(start_user, sizeof(start_user), "%s", l->user);
	return start_result;
}

void
open_serve(enum peer kind, int64_t delay)
{
	struct auth_parts p = { .loop = loop, .threads = 2,
		.start = fake_start };
	int fd[2];

	p.users = auth_users_open(path);
	assert_non_null(p.users);
	p.delay = auth_delay_new(delay, 16);
	p.cache = auth_cache_new(60000);
	p.learned = learned = auth_learned_open(learned_path);
	p.scram = scram;
	serve = auth_serve_new(&p);
	assert_int_equal(fd_pair(fd), 0);
	fd_nonblock(fd[0], 1);
	auth_serve_peer(serve, kind, 7, fd[0]);
	chan_init(&asker, fd[1]);
	start_id = 0;
	start_result = 0;
}

void
close_serve(void)
{
	auth_serve_free(&serve);
	chan_clear(&asker);
}

void
ask(uint32_t id, enum service s, const char *user, const char *pw)
{
	msg_begin(&asker, &proto_auth, A_AUTH, id);
	msg_u32(&asker, AF_SERVICE, s);
	msg_text(&asker, AF_USER, user);
	msg_text(&asker, AF_PASSWORD, pw);
	msg_text(&asker, AF_REMOTE, "192.0.2.1:4711");
	assert_int_equal(msg_end(&asker), 0);
	assert_int_equal(chan_send(&asker, 1000), 0);
}

/* Turns the loop until an answer is there: 1, 0 (end), -1 nothing in ms. */
int
answer(struct msg *m, int ms)
{
	struct buf why = BUF_INIT(200);
	int64_t end = clock_mono_ms() + ms;
	int r;

	fd_nonblock(asker.fd, 1);
	for (;;) {
		r = msg_next(m, &proto_auth, PEER_AUTH, &asker, &why);
		if (r != 0)
			break;
		r = chan_read(&asker);
		if (r == 0)
			break;
		if (r == 1)
			continue;
		if (clock_mono_ms() > end)
			break;
		ev_run(loop, EVRUN_NOWAIT);
		if (start_worker && start_id != 0) {
			auth_serve_started(serve, start_id, -1, 0, NULL);
			start_id = 0;
		}
		usleep(500);
	}
	fd_nonblock(asker.fd, 0);
	buf_clear(&why);
	return r;
}

void
expect_ok(uint32_t id, const char *user)
{
	struct msg m;
	char *s;

	assert_int_equal(answer(&m, ANSWER_MS), 1);
	assert_int_equal(m.type, A_OK);
	assert_int_equal(m.id, id);
	s = msg_get_dup(&m, AF_USER);
	assert_string_equal(s, user);
	free(s);
	msg_done(&m);
}

void
expect_no(uint32_t id, enum a_reason why)
{
	struct msg m;

	assert_int_equal(answer(&m, ANSWER_MS), 1);
	assert_int_equal(m.type, A_NO);
	assert_int_equal(m.id, id);
	assert_int_equal(msg_get_u32(&m, AF_REASON), why);
	msg_done(&m);
}

void
turn_until_started(void)
{
	int i;

	for (i = 0; i < 4000 && start_id == 0; i++) {
		ev_run(loop, EVRUN_NOWAIT);
		usleep(500);
	}
	assert_int_not_equal(start_id, 0);
}

int
rig_setup(void **state)
{
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/passwd.cdb", dir);
	snprintf(learned_path, sizeof(learned_path), "%s/learned", dir);
	loop = ev_loop_new(0);
	return loop == NULL;
}

int
rig_teardown(void **state)
{
	ev_loop_destroy(loop);
	unlink(path);
	unlink(learned_path);
	return rmdir(dir);
}
