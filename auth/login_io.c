#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "auth/login_io.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/net/tls.h"

/* Record headers, tags and padding that a piece of LOGIN_IO_PIECE gains. */
enum { GATHER_MAX = LOGIN_IO_TX_MAX, KEY_UPDATE = 24 };

/*
 * What OpenSSL writes during one call. It belongs to the connection of that
 * call alone and is empty before and after.
 */
static struct buf gather = BUF_INIT(GATHER_MAX);
static BIO_METHOD *method;
static int io_index;

static int
bio_write(BIO *b, const char *p, int len)
{
	struct login_io *io = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (len <= 0 || buf_append(io->tx.len > 0 ? &io->tx : &gather, p,
	    (size_t)len) == -1) {
		errno = ENOBUFS;
		return -1;
	}
	return len;
}

static int
bio_read(BIO *b, char *p, int len)
{
	struct login_io *io = BIO_get_data(b);
	ssize_t n;

	BIO_clear_retry_flags(b);
	if (len <= 0)
		return 0;
	do
		n = recv(io->fd, p, (size_t)len, 0);
	while (n == -1 && errno == EINTR);
	io->drained = n > 0 && n < len;
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_read(b);
	return (int)n;
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH;
}

static int
bio_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

static void
make_method(void)
{
	if (method != NULL)
		return;
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
	    "login");
	if (method == NULL || BIO_meth_set_write(method, bio_write) != 1 ||
	    BIO_meth_set_read(method, bio_read) != 1 ||
	    BIO_meth_set_ctrl(method, bio_ctrl) != 1 ||
	    BIO_meth_set_create(method, bio_create) != 1)
		log_fatal("out of memory: no BIO method");
	io_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

void
login_io_init(struct login_io *io, int fd)
{
	memset(io, 0, sizeof(*io));
	io->fd = fd;
	buf_init(&io->tx, LOGIN_IO_TX_MAX);
}

void
login_io_clear(struct login_io *io)
{
	SSL_free(io->ssl);
	io->ssl = NULL;
	buf_clear(&io->tx);
	fd_close(&io->fd);
}

/* TLS 1.3 lets a peer change keys as often as it likes (RFC 8446 4.6.3). */
static void
count_updates(int write_p, int version, int type, const void *p, size_t len,
    SSL *ssl, void *arg)
{
	struct login_io *io;
	int64_t minute;

	if (write_p || type != SSL3_RT_HANDSHAKE || len == 0 ||
	    *(const unsigned char *)p != KEY_UPDATE)
		return;
	io = SSL_get_ex_data(ssl, io_index);
	minute = clock_mono_ms() / 60000;
	if (minute != io->minute)
		io->updates = 0;
	io->minute = minute;
	io->updates++;
}

int
login_io_tls(struct login_io *io, SSL_CTX *ctx)
{
	BIO *b;

	make_method();
	if ((io->ssl = SSL_new(ctx)) == NULL)
		return -1;
	if ((b = BIO_new(method)) == NULL ||
	    SSL_set_ex_data(io->ssl, io_index, io) != 1) {
		BIO_free(b);
		return -1;
	}
	BIO_set_data(b, io);
	SSL_set_bio(io->ssl, b, b);
	SSL_set_msg_callback(io->ssl, count_updates);
	SSL_set_accept_state(io->ssl);
	return 0;
}

/* Sends what one call gathered; the rest waits in tx. 0, or -1. */
static int
push(struct login_io *io)
{
	ssize_t n = 0;

	if (gather.len == 0)
		return 0;
	do
		n = send(io->fd, gather.data, gather.len, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		n = 0;
	if (n >= 0 && (size_t)n < gather.len &&
	    buf_append(&io->tx, gather.data + n, gather.len - (size_t)n) ==
	    -1) {
		errno = ENOBUFS;
		n = -1;
	}
	buf_reset(&gather);
	return n == -1 ? -1 : 0;
}

int
login_io_handshake(struct login_io *io, struct buf *why)
{
	int r, e, sent;

	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(io->ssl);
	e = SSL_get_error(io->ssl, r);
	sent = push(io);
	if (r == 1 && sent == 0)
		return 1;
	if (e == SSL_ERROR_WANT_READ && sent == 0)
		return 0;
	if (ERR_peek_last_error() != 0 || errno != 0)
		tls_error(why, "TLS");
	else
		buf_set(why, "TLS: the client closed the connection");
	return -1;
}

/* An end without close_notify ends the connection like one with it. */
static ssize_t
read_result(const struct login_io *io, int r)
{
	int saved = errno;

	switch (SSL_get_error(io->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		if (saved == 0)
			return 0;
		errno = saved;
		return -1;
	default:
		r = ERR_GET_REASON(ERR_peek_last_error()) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING ? 0 : -1;
		errno = EPROTO;
		return r;
	}
}

ssize_t
login_io_read(struct login_io *io, void *p, size_t len)
{
	ssize_t n;
	int e;

	if (io->ssl == NULL) {
		do
			n = recv(io->fd, p, len, 0);
		while (n == -1 && errno == EINTR);
		return n;
	}
	ERR_clear_error();
	errno = 0;
	n = SSL_read(io->ssl, p, len > INT_MAX ? INT_MAX : (int)len);
	if (n <= 0)
		n = read_result(io, (int)n);
	e = errno;
	if (push(io) == -1)
		return -1;
	errno = e;
	if (io->updates > LOGIN_IO_UPDATES) {
		errno = EPROTO;
		return -1;
	}
	return n;
}

int
login_io_held(const struct login_io *io)
{
	return io->ssl != NULL && SSL_has_pending(io->ssl);
}

int
login_io_drained(const struct login_io *io)
{
	return io->ssl != NULL && io->drained && !SSL_has_pending(io->ssl);
}

static int
write_clear(struct login_io *io, const char *p, size_t len)
{
	if (io->tx.len > 0)
		return buf_append(&io->tx, p, len);
	(void)buf_append(&gather, p, len);
	return push(io);
}

int
login_io_write(struct login_io *io, const void *p, size_t len)
{
	const char *s = p;
	int n;

	if (io->ssl == NULL)
		return write_clear(io, s, len);
	ERR_clear_error();
	while (len > 0) {
		n = SSL_write(io->ssl, s, len > INT_MAX ? INT_MAX : (int)len);
		if (n <= 0) {
			buf_reset(&gather);
			errno = EPROTO;
			return -1;
		}
		s += n;
		len -= (size_t)n;
	}
	return push(io);
}

int
login_io_flush(struct login_io *io)
{
	ssize_t n;

	if (io->tx.len == 0)
		return 1;
	do
		n = send(io->fd, io->tx.data, io->tx.len, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	buf_consume(&io->tx, (size_t)n);
	if (io->tx.len > 0)
		return 0;
	buf_clear(&io->tx);
	return 1;
}

void
login_io_bye(struct login_io *io)
{
	if (io->ssl == NULL || SSL_in_init(io->ssl))
		return;
	ERR_clear_error();
	(void)SSL_shutdown(io->ssl);
	(void)push(io);
}
