/*
 * A client that is taken: who it is, and what becomes of it where no
 * descriptor is free.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/net/addr.h"
#include "lib/server/server_impl.h"

static int
listen_tcp(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(a, 0, sizeof(*a));
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)a, len), 0);
	assert_int_equal(listen(fd, 10), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)a, &len), 0);
	assert_int_equal(fd_nonblock(fd, 1), 0);
	return fd;
}

static int
connect_tcp(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval t = { .tv_sec = 20 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t,
	    sizeof(t)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)a, sizeof(*a)),
	    0);
	return fd;
}

static void
test_tcp(void **state)
{
	struct sockaddr_in a, us;
	socklen_t len = sizeof(us), size = sizeof(int);
	int on = 0, i, client, listener = listen_tcp(&a);
	char want[ADDR_TEXT_MAX];
	struct session s;

	for (i = 0; i < 2; i++) {
		server_state.loop = i;
		client = connect_tcp(&a);
		assert_int_equal(getsockname(client, (struct sockaddr *)&us,
		    &len), 0);
		snprintf(want, sizeof(want), "127.0.0.1:%u",
		    ntohs(us.sin_port));
		assert_int_equal(server_accept(listener, SERVICE_SMTP, &s), 1);
		assert_int_equal(s.service, SERVICE_SMTP);
		assert_string_equal(s.remote, want);
		/* Nobody that has an address is a user of this host. */
		assert_int_equal(s.uid, -1);
		assert_true(s.origin == addr_origin((struct sockaddr *)&us));
		assert_int_equal(getsockopt(s.fd, IPPROTO_TCP, TCP_NODELAY,
		    &on, &size), 0);
		assert_int_not_equal(on, 0);
		assert_int_equal(fcntl(s.fd, F_GETFD), FD_CLOEXEC);
		assert_int_equal((fcntl(s.fd, F_GETFL) & O_NONBLOCK) != 0, i);
		close(s.fd);
		close(client);
	}
	assert_int_equal(server_accept(listener, SERVICE_SMTP, &s), 0);
	/* Master has closed the port. */
	shutdown(listener, SHUT_RDWR);
	assert_int_equal(server_accept(listener, SERVICE_SMTP, &s), -1);
	close(listener);
}

/* On a Unix socket the kernel says whose process it is. */
static void
test_local(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int client, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct session s;
	pid_t pid;

	snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/test-accept-%d",
	    (int)getpid());
	unlink(a.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(chmod(a.sun_path, 0777), 0);
	assert_int_equal(listen(fd, 10), 0);
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && setuid(64007) == -1)
			_exit(1);
		client = socket(AF_UNIX, SOCK_STREAM, 0);
		_exit(connect(client, (struct sockaddr *)&a, sizeof(a)) != 0);
	}
	assert_int_equal(server_accept(fd, SERVICE_LOCAL, &s), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(s.uid, geteuid() == 0 ? 64007 : geteuid());
	assert_true(s.origin == (uint64_t)s.uid + 1);
	assert_string_equal(s.remote, "local");
	close(s.fd);
	close(fd);
	unlink(a.sun_path);
}

/* Without a descriptor the client is closed, not left in the queue. */
static void
test_no_descriptor(void **state)
{
	struct rlimit was, few;
	struct sockaddr_in a;
	int listener = listen_tcp(&a), first, second, fds[200], n = 0;
	struct session s;
	char c;

	server_state.loop = 1;
	first = connect_tcp(&a);
	assert_int_equal(server_accept(listener, SERVICE_SMTP, &s), 1);
	close(s.fd);
	close(first);
	first = connect_tcp(&a);
	second = connect_tcp(&a);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (n < 200 && (fds[n] = dup(0)) != -1)
		n++;
	assert_int_equal(server_accept(listener, SERVICE_SMTP, &s), 0);
	assert_int_equal(s.fd, -1);
	assert_int_equal(read(first, &c, 1), 0);
	while (n > 0)
		close(fds[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	/* The one after it has better luck. */
	assert_int_equal(server_accept(listener, SERVICE_SMTP, &s), 1);
	assert_int_equal(write(s.fd, "x", 1), 1);
	assert_int_equal(read(second, &c, 1), 1);
	close(s.fd);
	close(first);
	close(second);
	close(listener);
}

/* A session, or a peer, that master sends: each part comes over. */
static void
test_of_master(void **state)
{
	struct buf why = BUF_INIT(200);
	struct session s;
	struct chan ours;
	struct wire w;
	struct msg m;
	int pair[2];

	assert_int_equal(fd_pair(pair), 0);
	chan_init(&ours, pair[0]);
	chan_init(&server_state.master, pair[1]);
	server_state.seen = 7;
	msg_begin(&ours, &proto_wire, WIRE_SESSION, 4711);
	msg_u32(&ours, WF_SERVICE, SERVICE_IMAPS);
	msg_text(&ours, WF_USER, "anna@example.test");
	msg_text(&ours, WF_REMOTE, "192.0.2.1:1");
	msg_fd(&ours, dup(0));
	assert_int_equal(msg_end(&ours), 0);
	msg_begin(&ours, &proto_wire, WIRE_PEER, 0);
	msg_u32(&ours, WF_PEER, PEER_STORE);
	msg_u32(&ours, WF_INSTANCE, 12);
	msg_text(&ours, WF_USER, "bert@example.test");
	msg_fd(&ours, dup(0));
	assert_int_equal(msg_end(&ours), 0);
	assert_int_equal(chan_flush(&ours), 1);
	assert_int_equal(chan_read(&server_state.master), 1);
	assert_int_equal(msg_next(&m, &proto_wire, PEER_MASTER,
	    &server_state.master, &why), 1);
	server_get_session(&m, &s);
	msg_done(&m);
	assert_int_equal(s.id, 4711);
	assert_int_equal(s.service, SERVICE_IMAPS);
	assert_string_equal(s.user, "anna@example.test");
	assert_string_equal(s.remote, "192.0.2.1:1");
	assert_int_equal(s.uid, -1);
	assert_int_equal(server_state.seen, 8);
	assert_int_not_equal(fcntl(s.fd, F_GETFD), -1);
	close(s.fd);
	assert_int_equal(msg_next(&m, &proto_wire, PEER_MASTER,
	    &server_state.master, &why), 1);
	server_get_wire(&m, &w);
	msg_done(&m);
	assert_int_equal(w.peer, PEER_STORE);
	assert_int_equal(w.instance, 12);
	assert_string_equal(w.user, "bert@example.test");
	assert_int_not_equal(fcntl(w.fd, F_GETFD), -1);
	close(w.fd);
	chan_clear(&ours);
	chan_clear(&server_state.master);
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_no_descriptor),
		cmocka_unit_test(test_of_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
