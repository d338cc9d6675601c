/*
 * A whole session of the IMAP client with a server that says the next piece of
 * the input (NUL stands between two) whenever the client waits for it.
 */
#include <poll.h>
#include <string.h>

#include "relay/imap_fetch.h"
#include "relay/imap_list.h"
#include "relay/imap_login.h"
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

/* Each octet that is told of is there to be read. */
static volatile char sum;

static void
look(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum = (char)(sum + p[i]);
}

static void
on_message(void *ctx, const struct imap_message *m)
{
	size_t i;

	if (m->uid == 0)
		abort();
	for (i = 0; i < m->n_keywords; i++)
		look(m->keywords[i]->p, m->keywords[i]->len);
	if (m->body == 2)
		look(m->text->p, m->text->len);
}

static void
on_vanished(void *ctx, uint32_t first, uint32_t last)
{
	if (first > last)
		abort();
}

static void
on_body(void *ctx, const char *p, size_t len, uint64_t size)
{
	if (len > size)
		abort();
	look(p, len);
}

static void
session(struct imap_client *c)
{
	static const struct imap_fetched f = { on_message, on_vanished,
		on_body };
	static const struct imap_account anna = { "anna", "secret", 0 };
	struct imap_list l;
	struct imap_box b;
	size_t i;
	int told;

	if (imap_login(c, &anna, "old.test") != IMAP_OK)
		return;
	if (imap_list(c, &l) == IMAP_OK)
		for (i = 0; i < l.n; i++)
			if (l.v[i].name[0] == '\0' || l.v[i].wire[0] == '\0')
				abort();
	if (imap_examine(c, "INBOX", 7, 8, &b, &f, NULL, &told) == IMAP_OK)
		(void)imap_fetch_wait(c, imap_fetch_send(c, "1:*", "FLAGS"),
		    &f, NULL);
	imap_list_clear(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int begun;
	struct buf why = BUF_INIT(300);
	struct imap_client c;
	int fd[2];

	if (size > FUZZ_PAIR_MAX)
		return 0;
	if (!begun++ && imap_login_open(&why) == -1)
		abort();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		abort();
	server.fd = fd[1];
	server.p = data;
	server.end = data + size;
	imap_init(&c, fd[0], "old.test");
	if (imap_greet(&c, IMAP_PLAIN, NULL, "old.test") == IMAP_OK)
		session(&c);
	imap_close(&c);
	close(fd[1]);
	buf_clear(&why);
	return 0;
}
