#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/net/stream.h"
#include "lib/net/tls.h"

void
stream_init(struct stream *s, int fd)
{
	memset(s, 0, sizeof(*s));
	s->fd = fd;
	s->in = mem_alloc(STREAM_IN_SIZE + 1);
	buf_init(&s->out, 0);
	s->deadline = s->wake_fd = -1;
	s->end = STREAM_OK;
	if (fd_nonblock(fd, 1) == -1) {
		s->error = errno;
		s->end = STREAM_ERROR;
	}
}

void
stream_clear(struct stream *s)
{
	if (s->ssl != NULL)
		SSL_free(s->ssl);
	ERR_clear_error();
	if (s->in != NULL)
		mem_wipe(s->in, s->in_end);
	free(s->in);
	buf_wipe(&s->out);
	fd_close(&s->fd);
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->end = STREAM_EOF;
}

void
stream_close(struct stream *s)
{
	if (stream_flush(s) == STREAM_OK && s->ssl != NULL)
		SSL_shutdown(s->ssl);
	stream_clear(s);
}

void
stream_deadline(struct stream *s, int64_t ms)
{
	s->deadline = ms < 0 ? -1 : clock_mono_ms() + ms;
}

void
stream_wake(struct stream *s, int fd)
{
	s->wake_fd = fd;
}

int
stream_revive(struct stream *s, int64_t ms)
{
	if (s->end != STREAM_TIMEOUT || !s->silent)
		return 0;
	s->end = STREAM_OK;
	s->silent = s->error = 0;
	stream_deadline(s, ms);
	return 1;
}

int
stream_hear(struct stream *s)
{
	if (s->end != STREAM_ERROR)
		return 0;
	s->end = STREAM_OK;
	s->error = 0;
	return 1;
}

void
stream_cut(struct stream *s)
{
	s->cut = 1;
}

void
stream_block(struct stream *s)
{
	struct timeval t = { .tv_sec = STREAM_SLICE / 1000 };

	s->slices = s->ssl == NULL && setsockopt(s->fd, SOL_SOCKET,
	    SO_RCVTIMEO, &t, sizeof(t)) == 0 && fd_nonblock(s->fd, 0) == 0;
}

const char *
stream_words(const struct stream *s)
{
	switch (s->end) {
	case STREAM_OK:
		return "alive";
	case STREAM_EOF:
		return "the peer closed the connection";
	case STREAM_TIMEOUT:
		return "time is up";
	default:
		return s->error != 0 ? strerror(s->error) :
		    tls_reason(s->tls_error);
	}
}

static enum stream_status
stream_fail(struct stream *s, enum stream_status why, int error)
{
	s->end = why;
	s->error = error;
	buf_reset(&s->out);
	return why;
}

/* Waits for the descriptor until the deadline, or for wake (-1: none). */
static enum stream_status
stream_wait(struct stream *s, short events, int wake)
{
	struct pollfd p[2] = { { .fd = s->fd, .events = events },
		{ .fd = wake, .events = POLLIN } };
	int64_t left = -1;
	int n;

	for (;;) {
		if (s->deadline != -1) {
			left = s->deadline - clock_mono_ms();
			if (left < 0)
				left = 0;
			if (left > INT_MAX)
				left = INT_MAX;
		}
		n = poll(p, 2, (int)left);
		if (n > 0)
			return p[0].revents != 0 ? STREAM_OK : STREAM_WOKEN;
		if (n == 0)
			return stream_fail(s, STREAM_TIMEOUT, ETIMEDOUT);
		if (errno != EINTR)
			return stream_fail(s, STREAM_ERROR, errno);
	}
}

/* Judges a result of SSL_*; STREAM_OK: what it waited for has come, again. */
static enum stream_status
stream_tls_result(struct stream *s, int r, int wake)
{
	switch (SSL_get_error(s->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return stream_wait(s, POLLIN, wake);
	case SSL_ERROR_WANT_WRITE:
		return stream_wait(s, POLLOUT, -1);
	case SSL_ERROR_ZERO_RETURN:
		return stream_fail(s, STREAM_EOF, 0);
	case SSL_ERROR_SYSCALL:
		return stream_fail(s, STREAM_ERROR, errno);
	default:
		s->tls_error = ERR_peek_last_error();
		return stream_fail(s, STREAM_ERROR, 0);
	}
}

/*
 * Lets TLS read what there is, without waiting, and is 1 if there is text in
 * it: session tickets and new keys (RFC 8446 4.6) are no words of the peer's.
 * Where it is the end, that is the stream's.
 */
static int
stream_tls_text(struct stream *s)
{
	char octet;
	int r, e;

	ERR_clear_error();
	errno = 0;
	r = SSL_peek(s->ssl, &octet, 1);
	if (r > 0)
		return 1;
	e = SSL_get_error(s->ssl, r);
	if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
		(void)stream_tls_result(s, r, -1);
	return 0;
}

/* One piece out; the number of octets taken, or 0 where the stream ended. */
static size_t
stream_write_some(struct stream *s, const char *p, size_t len)
{
	ssize_t n;
	int r;

	while (s->end == STREAM_OK) {
		if (s->ssl != NULL) {
			ERR_clear_error();
			errno = 0;
			r = SSL_write(s->ssl, p,
			    len > INT_MAX ? INT_MAX : (int)len);
			if (r > 0)
				return (size_t)r;
			(void)stream_tls_result(s, r, -1);
			continue;
		}
		n = s->slices ? send(s->fd, p, len, MSG_DONTWAIT |
		    MSG_NOSIGNAL) : write(s->fd, p, len);
		if (n > 0)
			return (size_t)n;
		if (n == -1 && errno == EAGAIN)
			(void)stream_wait(s, POLLOUT, -1);
		else if (n == -1 && errno != EINTR)
			stream_fail(s, STREAM_ERROR, errno);
	}
	return 0;
}

enum stream_status
stream_flush(struct stream *s)
{
	size_t done = 0;

	while (done < s->out.len && s->end == STREAM_OK)
		done += stream_write_some(s, s->out.data + done,
		    s->out.len - done);
	if (done > 0)
		s->wrote = 1;
	buf_reset(&s->out);
	return s->end;
}

void
stream_write(struct stream *s, const void *p, size_t len)
{
	if (s->end != STREAM_OK)
		return;
	buf_append(&s->out, p, len);
	if (s->out.len >= STREAM_OUT_MAX)
		stream_flush(s);
}

void
stream_puts(struct stream *s, const char *text)
{
	stream_write(s, text, strlen(text));
}

void
stream_vprintf(struct stream *s, const char *fmt, va_list ap)
{
	if (s->end != STREAM_OK)
		return;
	buf_vprintf(&s->out, fmt, ap);
	if (s->out.len >= STREAM_OUT_MAX)
		stream_flush(s);
}

void
stream_printf(struct stream *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	stream_vprintf(s, fmt, ap);
	va_end(ap);
}

size_t
stream_peek(struct stream *s, char **p_r)
{
	*p_r = s->in + s->in_start;
	return s->in_end - s->in_start;
}

void
stream_take(struct stream *s, size_t n)
{
	s->in_start += n;
	if (s->in_start >= s->in_end)
		s->in_start = s->in_end = 0;
}

int
stream_has_input(struct stream *s)
{
	return s->in_end > s->in_start || (s->ssl != NULL &&
	    s->end == STREAM_OK && SSL_has_pending(s->ssl) &&
	    stream_tls_text(s));
}

int
stream_readable(struct stream *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	if (s->in_end > s->in_start)
		return 1;
	if (s->ssl != NULL && s->end == STREAM_OK)
		return stream_tls_text(s) || s->end != STREAM_OK;
	return poll(&p, 1, 0) == 1;
}

/* Reads once into the free end of the buffer. */
static enum stream_status
stream_read_some(struct stream *s)
{
	size_t room = STREAM_IN_SIZE - s->in_end;
	enum stream_status r = STREAM_OK;
	ssize_t n;

	while (s->end == STREAM_OK && r == STREAM_OK) {
		if (s->ssl != NULL) {
			ERR_clear_error();
			errno = 0;
			n = SSL_read(s->ssl, s->in + s->in_end, (int)room);
			if (n <= 0) {
				r = stream_tls_result(s, (int)n, s->wake_fd);
				continue;
			}
		} else
			n = read(s->fd, s->in + s->in_end, room);
		if (n > 0) {
			s->in_end += (size_t)n;
			return STREAM_OK;
		}
		if (n == 0)
			return stream_fail(s, STREAM_EOF, 0);
		if (errno == EAGAIN && s->slices) {
			if (s->deadline != -1 && clock_mono_ms() > s->deadline)
				return stream_fail(s, STREAM_TIMEOUT,
				    ETIMEDOUT);
		} else if (errno == EAGAIN)
			r = stream_wait(s, POLLIN, s->wake_fd);
		else if (errno != EINTR)
			stream_fail(s, STREAM_ERROR, errno);
	}
	return s->end != STREAM_OK ? s->end : r;
}

/* Waits for input where none can be there yet, then reads. */
static enum stream_status
stream_receive(struct stream *s)
{
	enum stream_status r;

	/* The answer to what was just said is not there yet: spare a read. */
	if (s->wrote && !s->slices && (s->ssl == NULL || !SSL_has_pending(s->ssl)) &&
	    (r = stream_wait(s, POLLIN, s->wake_fd)) != STREAM_OK)
		return r;
	s->wrote = 0;
	/* A peer that sends one octet at a time does not outlive it either. */
	if (s->deadline != -1 && clock_mono_ms() > s->deadline)
		return stream_fail(s, STREAM_TIMEOUT, ETIMEDOUT);
	return stream_read_some(s);
}

enum stream_status
stream_fill(struct stream *s)
{
	enum stream_status r;

	if (s->end != STREAM_OK)
		return s->end;
	if (s->in_start > 0) {
		memmove(s->in, s->in + s->in_start, s->in_end - s->in_start);
		s->in_end -= s->in_start;
		s->in_start = 0;
	}
	if (s->in_end == STREAM_IN_SIZE)
		return STREAM_LONG;
	if (s->out.len > 0 && stream_flush(s) != STREAM_OK)
		return s->end;
	r = stream_receive(s);
	s->silent = r == STREAM_TIMEOUT;
	return r;
}

/* Drops the rest of a line that is too long. */
static enum stream_status
stream_skip_line(struct stream *s)
{
	enum stream_status r;
	size_t n, skipped = 0;
	char *p, *lf;

	/* Where it was in the line would be lost. */
	s->wake_fd = -1;
	for (;;) {
		n = stream_peek(s, &p);
		if ((lf = memchr(p, '\n', n)) != NULL) {
			stream_take(s, (size_t)(lf - p) + 1);
			return STREAM_LONG;
		}
		stream_take(s, n);
		skipped += n;
		if (skipped > STREAM_SKIP_MAX)
			return stream_fail(s, STREAM_ERROR, EMSGSIZE);
		if ((r = stream_fill(s)) != STREAM_OK)
			return r;
	}
}

enum stream_status
stream_line(struct stream *s, size_t max, char **line_r, size_t *len_r)
{
	enum stream_status r;
	size_t n, len, seen = 0;
	char *p, *lf;
	int bare;

	for (;;) {
		n = stream_peek(s, &p);
		if ((lf = memchr(p + seen, '\n', n - seen)) != NULL)
			break;
		if (n > max + 1)
			return s->cut ? STREAM_LONG : stream_skip_line(s);
		seen = n;
		if ((r = stream_fill(s)) != STREAM_OK)
			return r;
	}
	len = (size_t)(lf - p);
	if (s->cut && len > max + 1)
		return STREAM_LONG;
	bare = len == 0 || p[len - 1] != '\r';
	stream_take(s, len + 1);
	if (!bare)
		len--;
	if (len > max)
		return STREAM_LONG;
	p[len] = '\0';
	*line_r = p;
	*len_r = len;
	return bare ? STREAM_BARE : STREAM_OK;
}

/*
 * Closing while octets of the peer are on their way would make the kernel
 * answer with a reset, and that may overtake our last words. Under TLS what
 * comes is not even decrypted.
 */
void
stream_linger(struct stream *s, int64_t ms, size_t max)
{
	size_t sum = 0;
	ssize_t n;

	if (stream_flush(s) != STREAM_OK)
		return;
	ERR_clear_error();
	if (s->ssl != NULL)
		SSL_shutdown(s->ssl);
	shutdown(s->fd, SHUT_WR);
	stream_deadline(s, ms);
	s->in_start = s->in_end = STREAM_IN_SIZE;
	while (sum < max && s->end == STREAM_OK) {
		n = recv(s->fd, s->in, STREAM_IN_SIZE, MSG_DONTWAIT);
		if (n > 0)
			sum += (size_t)n;
		else if (n == -1 && errno == EAGAIN)
			(void)stream_wait(s, POLLIN, -1);
		else if (n == 0 || errno != EINTR)
			stream_fail(s, STREAM_EOF, 0);
	}
	stream_fail(s, STREAM_EOF, 0);
}

static int
stream_handshake(struct stream *s, SSL_CTX *ctx, const char *host,
    int (*step)(SSL *), struct buf *why)
{
	int r;

	s->in_start = s->in_end = 0;
	if (s->slices && fd_nonblock(s->fd, 1) == -1)
		stream_fail(s, STREAM_ERROR, errno);
	s->slices = 0;
	ERR_clear_error();
	if (s->end == STREAM_OK && ((s->ssl = SSL_new(ctx)) == NULL ||
	    SSL_set_fd(s->ssl, s->fd) != 1 ||
	    (host != NULL && tls_client_host(s->ssl, host) == -1)))
		stream_fail(s, STREAM_ERROR, 0);
	while (s->end == STREAM_OK) {
		ERR_clear_error();
		errno = 0;
		if ((r = step(s->ssl)) == 1)
			return 0;
		if (stream_tls_result(s, r, -1) != STREAM_OK)
			break;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) ==
	    SSL_R_CERTIFICATE_VERIFY_FAILED)
		buf_set(why, "TLS: certificate: %s",
		    X509_verify_cert_error_string(
		    SSL_get_verify_result(s->ssl)));
	else if (ERR_peek_last_error() != 0)
		tls_error(why, "TLS");
	else
		buf_set(why, "TLS: %s", stream_words(s));
	return -1;
}

int
stream_tls_accept(struct stream *s, SSL_CTX *ctx, struct buf *why)
{
	stream_flush(s);
	return stream_handshake(s, ctx, NULL, SSL_accept, why);
}

int
stream_tls_connect(struct stream *s, SSL_CTX *ctx, const char *host,
    struct buf *why)
{
	stream_flush(s);
	return stream_handshake(s, ctx, host, SSL_connect, why);
}
