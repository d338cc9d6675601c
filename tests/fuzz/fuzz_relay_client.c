/*
 * A whole connection of relay to a server that says the next piece of the
 * input (NUL stands between two) whenever relay waits for it: greeting, what
 * EHLO offers, and two transactions.
 */
#include <poll.h>
#include <string.h>

#include "relay/relay_client.h"
#include "relay/relay_transaction.h"
#include "tests/fuzz/fuzz_pair.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int	__real_poll(struct pollfd *p, nfds_t n, int ms);
int	__wrap_poll(struct pollfd *p, nfds_t n, int ms);

static struct {
	int	 fd;
	const uint8_t *p, *end;
} server;

static void
say_piece(void)
{
	const uint8_t *nul;
	size_t n;

	if (server.p >= server.end) {
		shutdown(server.fd, SHUT_WR);
		return;
	}
	nul = memchr(server.p, '\0', (size_t)(server.end - server.p));
	n = (size_t)((nul != NULL ? nul : server.end) - server.p);
	if (send(server.fd, server.p, n, MSG_NOSIGNAL) != (ssize_t)n)
		abort();
	server.p += n + 1;
}

/* In the place of poll: the server hears all, and talks when it is waited
   for. */
int
__wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	char heard[4096];
	int r;

	while ((r = __real_poll(p, n, 0)) == 0) {
		while (recv(server.fd, heard, sizeof(heard),
		    MSG_DONTWAIT) > 0)
			;
		if (p->events & POLLIN)
			say_piece();
	}
	return r;
}

static void
transaction(struct relay_client *c)
{
	static char text[] = "Subject: x\r\n\r\n.dot\r\n";
	struct relay_message m = { .fd = -1, .length = sizeof(text) - 1,
		.data = text, .sender = "a@us.test", .eight_bit = 1 };
	struct relay_recipient to[3] = { { .address = "one@far.test" },
		{ .address = "two@far.test" }, { .address = "x@far.test" } };
	enum result r;
	size_t i;

	r = transaction_run(c, &m, to, 3);
	for (i = 0; i < 3; i++) {
		/* Nobody is left without an outcome. */
		if (to[i].words == NULL || (to[i].settled &&
		    to[i].result == RESULT_LATER) ||
		    (r == RESULT_DELIVERED && to[i].words[0] == '\0'))
			abort();
		free(to[i].words);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct relay_client c;
	int fd[2];

	if (size > FUZZ_PAIR_MAX)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		abort();
	server.fd = fd[1];
	server.p = data;
	server.end = data + size;
	client_init(&c, fd[0], "mx.far.test [192.0.2.1]", &client_times);
	if (client_greet(&c, "us.test") == RESULT_DELIVERED) {
		if (strlen(c.mechs) >= CLIENT_MECHS_MAX)
			abort();
		transaction(&c);
		if (!c.dead)
			transaction(&c);
	}
	client_quit(&c);
	close(fd[1]);
	return 0;
}
