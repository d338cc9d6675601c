#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/base/fd.h"
#include "lib/net/tls.h"

enum { PEM_MAX = 8 << 20 };

/* All certificates of the text. How many; -1: a broken one. */
static int
add_all(X509_STORE *store, BIO *bio)
{
	int n = 0, ok = 1;
	X509 *x;

	while (ok && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		ok = X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
		n++;
	}
	ok &= ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return ok ? n : -1;
}

int
tls_client_authorities(SSL_CTX *ctx, int fd, struct buf *why)
{
	struct buf pem = BUF_INIT(PEM_MAX);
	X509_STORE *store = X509_STORE_new();
	BIO *bio = NULL;
	int r = -1;

	if (fd_slurp(fd, &pem) == -1)
		buf_set(why, "the authorities: %s", strerror(errno));
	else if (store == NULL ||
	    (bio = BIO_new_mem_buf(buf_str(&pem), (int)pem.len)) == NULL)
		buf_set(why, "the authorities: the TLS library fails");
	else if (add_all(store, bio) <= 0)
		buf_set(why, "the authorities: no PEM certificate, or a "
		    "broken one");
	else
		r = 0;
	if (r == 0)
		SSL_CTX_set_cert_store(ctx, store);
	else
		X509_STORE_free(store);
	BIO_free(bio);
	buf_clear(&pem);
	return r;
}
