/*
 * DEFLATE of a session in both directions (RFC 4978, RFC 1951). Nothing is
 * known here of sockets and commands.
 *
 * A session that compresses has some 110 KiB of zlib's for it, up to its end:
 * 72 for what goes out (a window of 8 KiB: 3 % larger than with one of 32, at
 * a quarter of the memory), 40 for what comes in, where the client chooses the
 * window. Besides it holds what it received and did not inflate yet, and, while
 * the client does not read, one deflated piece. Inflated is only what the caller
 * has room for, so octets that stand for very many (a bomb) cost their time,
 * in slices, and no memory.
 */
#ifndef IMAPD_IMAPD_ZIP_H
#define IMAPD_IMAPD_ZIP_H

#include <stddef.h>
#include <sys/types.h>

enum { IMAPD_ZIP_PIECE = 32 * 1024 };	/* octets that are deflated at once */

struct imapd_zip;

struct imapd_zip *imapd_zip_new(void);
void	imapd_zip_free(struct imapd_zip **z);

/* Takes octets that were received. */
void	imapd_zip_got(struct imapd_zip *z, const char *p, size_t n);
/* Are there such, or was there no room for all that they stand for? */
int	imapd_zip_waits(const struct imapd_zip *z);
/*
 * Inflates into p, at most max octets: their number; 0: more must be received;
 * -1: what was received is no DEFLATE, or goes on behind its end.
 */
ssize_t	imapd_zip_inflate(struct imapd_zip *z, char *p, size_t max);

/*
 * Deflates the first octets of p..len so that the client can read them all
 * from what imapd_zip_out has then: how many. Only where that is empty.
 */
size_t	imapd_zip_deflate(struct imapd_zip *z, const char *p, size_t len);
/* What is to be sent, n_r octets; borrowed. */
const char *imapd_zip_out(const struct imapd_zip *z, size_t *n_r);
/* The first n of them were. */
void	imapd_zip_sent(struct imapd_zip *z, size_t n);
/* Gives buffers back that hold nothing. */
void	imapd_zip_rest(struct imapd_zip *z);

#endif
