/*
 * TLS contexts, by OpenSSL. Whoever drives a connection (lib/net/stream.h for
 * the blocking shape, an event loop by itself) makes its SSL from these.
 *
 * TLS 1.2 at least, AEAD with forward secrecy only (but for a client that
 * verifies nothing: enum tls_trust), no compression, no renegotiation. A context
 * holds all it needs in memory once it is made: make it before the jail. A
 * reload makes a new one and frees the old; connections keep theirs (OpenSSL
 * counts references). SIGPIPE must be ignored.
 *
 * DIAGNOSTICS: failures say why in words, with OpenSSL's reason.
 */
#ifndef LIB_NET_TLS_H
#define LIB_NET_TLS_H

#include <time.h>

#include <openssl/ssl.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* Loads what OpenSSL would read or load late. Call it before the jail. */
void	tls_init(void);

/*
 * PEM files, the chain and its key. Where a descriptor is not -1 it is read
 * from the start (and stays the caller's): the path is what messages name.
 */
struct tls_files {
	const char *cert, *key;
	int	 cert_fd, key_fd;
};
#define TLS_PATHS(cert, key) (&(struct tls_files){ (cert), (key), -1, -1 })

/*
 * A server's context. alpn is the one protocol that is served here ("imap"): a
 * client that offers names without it is refused (ALPACA); one that offers none
 * is served. NULL: whatever is offered.
 * tickets: how many session tickets a TLS 1.3 client gets, 0 for a process
 * that ends with its session. NULL with why, which names the configuration's
 * key and the file.
 */
SSL_CTX	*tls_server_new(const struct tls_files *f, const char *alpn,
	    unsigned tickets, struct buf *why);

/*
 * What clients will say of a certificate at the time now: it ran out or does
 * within TLS_SOON_DAYS, is not valid yet, has another name than hostname. 0, or
 * -1 with a line for each in words, "tls_certificate: path: ...".
 */
enum { TLS_SOON_DAYS = 14 };
int	tls_judge(const X509 *x, const char *path, const char *hostname,
	    time_t now, struct buf *words);

enum tls_trust {
	TLS_WEAK,	/* any certificate, and TLS 1.0 and weak keys too */
	TLS_UNKNOWN,	/* any certificate, TLS 1.2 and keys of today */
	TLS_VERIFIED,	/* one that verifies, and ciphers of today */
};
/*
 * A client's context. TLS_WEAK is for opportunistic TLS, where the other choice
 * is none; TLS_UNKNOWN for where it is to wait. ca_file NULL: the system's
 * authorities; TLS_VERIFIED alone reads them. NULL with why.
 */
SSL_CTX	*tls_client_new(const char *ca_file, enum tls_trust trust,
	    struct buf *why);

/*
 * The authorities that a verifying context trusts are those of the PEM file fd
 * from now on, and no other. 0, or -1 with why.
 */
int	tls_client_authorities(SSL_CTX *ctx, int fd, struct buf *why)
	    ATTR_CHECK;

/*
 * Prepares a client's connection: the name to ask for (SNI, unless it is an
 * IP address) and, where the context verifies, to hold the certificate
 * against. 0, or -1.
 */
int	tls_client_host(SSL *ssl, const char *host) ATTR_CHECK;

/* Drops one reference and sets the pointer to NULL. */
void	tls_free(SSL_CTX **ctx);

/* "TLSv1.3 TLS_AES_256_GCM_SHA384": for Received lines and logs. */
const char *tls_describe(const SSL *ssl, char *out, size_t size);

/* An error of OpenSSL's, in static words; the peer's alert where it is one. */
const char *tls_reason(unsigned long e);
/* What OpenSSL last complained of, and empties its queue. */
void	tls_error(struct buf *why, const char *doing);

#endif
