#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "relay/relay_connect.h"
#include "relay/relay_hurry.h"

/* Waits for a connect under way. 0, or -1 with errno; ECANCELED: a stop. */
static int
connect_wait(int fd, int64_t ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int64_t start = clock_mono_ms(), piece;
	int err = 0, n = 0;

	while (n == 0 && (piece = hurry_piece(start, start + ms)) > 0) {
		n = poll(&p, 1, (int)piece);
		if (n == -1 && errno == EINTR)
			n = 0;
	}
	if (n == 0)
		errno = hurry_cut() ? ECANCELED : ETIMEDOUT;
	if (n <= 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		return -1;
	errno = err;
	return err == 0 ? 0 : -1;
}

int
connect_address(const struct addr *a, int64_t ms)
{
	const struct sockaddr *sa = (const struct sockaddr *)(const void *)
	    &a->ss;
	int fd, err, on = 1;

	fd = socket(a->ss.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	/* Whole commands and bodies are written at once: do not wait. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, sa, a->len) == 0 ||
	    (errno == EINPROGRESS && connect_wait(fd, ms) == 0))
		return fd;
	err = errno;
	fd_close(&fd);
	errno = err;
	return -1;
}

/* Gives up: takes the client's words over. */
static enum connect
connect_failed(struct relay_client *c, struct buf *words)
{
	/* A 5xx here speaks of us and the host: the message waits. */
	buf_set(words, "%s", buf_str(&c->words));
	if (words->len > 0 && words->data[0] == '5')
		words->data[0] = '4';
	client_clear(c);
	return CONNECT_FAILED;
}

static enum result
connect_starttls(struct relay_client *c, const struct resolve_host *t,
    const struct policy *p)
{
	if (p->tls != RELAY_TLS_MAY && p->tls != RELAY_TLS_STARTTLS)
		return RESULT_DELIVERED;
	if (!(c->features & CLIENT_STARTTLS)) {
		if (p->tls == RELAY_TLS_MAY) {
			str_copy(c->bare, sizeof(c->bare),
			    "STARTTLS is not offered");
			return RESULT_DELIVERED;
		}
		return client_fail(c, "4.7.4", "offers no STARTTLS");
	}
	return client_starttls(c, p->ctx,
	    p->tls_host != NULL ? p->tls_host : t->name, p->hostname);
}

/* All of the dialogue before the first message. */
static enum result
connect_dialogue(struct relay_client *c, const struct resolve_host *t,
    const struct policy *p, int *tls_r)
{
	enum result r;

	*tls_r = 0;
	if (p->tls != RELAY_TLS_NEVER && p->ctx == NULL)
		return client_fail(c, "4.7.5", "is not asked: no certificate "
		    "can be verified (relay_ca_file)");
	if (p->tls == RELAY_TLS_TLS) {
		r = client_tls(c, p->ctx,
		    p->tls_host != NULL ? p->tls_host : t->name);
		if (r != RESULT_DELIVERED)
			return r;
	}
	if ((r = client_greet(c, p->hostname)) != RESULT_DELIVERED)
		return r;
	*tls_r = 1;
	if ((r = connect_starttls(c, t, p)) != RESULT_DELIVERED)
		return r;
	*tls_r = 0;
	if (c->stream.ssl == NULL)
		stream_block(&c->stream);
	if (p->login == NULL)
		return RESULT_DELIVERED;
	return auth_login(c, p->login,
	    p->tls_host != NULL ? p->tls_host : t->name);
}

/*
 * Why there is no connection. A host of one family alone, or one whose only
 * route is of one, says so at once of each address of the other.
 */
static enum connect
connect_missed(const struct resolve_host *t, const struct sockaddr *sa,
    const char *where, struct buf *words)
{
	int e = errno, no_way = e == ENETUNREACH || e == EAFNOSUPPORT ||
	    e == EADDRNOTAVAIL;

	if (e == ECANCELED)
		buf_set(words, "4.3.2 %s [%s] did not answer before relay "
		    "stopped", t->name, where);
	else
		buf_set(words, "4.4.1 connection to %s [%s]:%u: %s%s",
		    t->name, where, addr_port(sa), !no_way ? "" :
		    sa->sa_family == AF_INET6 ?
		    "this host has no way to IPv6: " :
		    "this host has no way to IPv4: ", strerror(e));
	return no_way ? CONNECT_NO_WAY : CONNECT_FAILED;
}

static enum connect
connect_once(struct relay_client *c, const struct resolve_host *t, unsigned i,
    const struct policy *p, int *tls_r, struct buf *words)
{
	char where[ADDR_TEXT_MAX], label[CLIENT_LABEL_MAX];
	const struct sockaddr *sa = (const struct sockaddr *)(const void *)
	    &t->addr[i].ss;
	struct buf b = BUF_INIT(sizeof(label) - 1);
	int fd;

	*tls_r = 0;
	addr_print_ip(sa, where, sizeof(where));
	fd = connect_address(&t->addr[i], p->times->connect);
	if (fd == -1)
		return connect_missed(t, sa, where, words);
	buf_printf(&b, "%s [%s]", t->name, where);
	client_init(c, fd, buf_str(&b), p->times);
	buf_clear(&b);
	if (connect_dialogue(c, t, p, tls_r) == RESULT_DELIVERED)
		return CONNECT_OPEN;
	return connect_failed(c, words);
}

/*
 * Opportunistic TLS (RFC 7435): what fails in the handshake goes out in the
 * clear, over a new connection. Never where TLS was asked for.
 */
enum connect
connect_open(struct relay_client *c, const struct resolve_host *t, unsigned i,
    const struct policy *p, struct buf *words)
{
	struct policy clear = *p;
	struct buf why = BUF_INIT(CLIENT_BARE_MAX - 1);
	enum connect r;
	int tls;

	r = connect_once(c, t, i, p, &tls, words);
	/* What a stop cut is no word about the host's TLS. */
	if (r == CONNECT_OPEN || !tls || !p->clear || hurry_cut() ||
	    p->tls != RELAY_TLS_MAY)
		return r;
	clear.tls = RELAY_TLS_NEVER;
	buf_set(&why, "%s", buf_str(words));
	r = connect_once(c, t, i, &clear, &tls, words);
	if (r == CONNECT_OPEN)
		str_copy(c->bare, sizeof(c->bare), buf_str(&why));
	buf_clear(&why);
	return r;
}
