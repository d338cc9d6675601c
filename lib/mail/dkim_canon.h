/*
 * Canonical forms of DKIM (RFC 6376 3.4): what of a message is hashed.
 *
 * The body is taken as it comes, in pieces of any size, and hashed on the way
 * with SHA-256: what is held is DKIM_STAGE octets, whatever the message. Lines
 * end with CRLF; a lone CR or LF is an octet like others.
 *
 * Of the header the fields of one or several blocks, one below the other, are
 * listed, and taken by name from the lowest up (5.4.2). The text stays the
 * caller's, and has to stay.
 *
 * DIAGNOSTICS: a hash that OpenSSL does not have, or does not go on with, is no
 * memory: that ends the process.
 */
#ifndef LIB_MAIL_DKIM_CANON_H
#define LIB_MAIL_DKIM_CANON_H

#include <stdint.h>

#include "lib/mail/header.h"

enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

enum {
	DKIM_HASH = 32,		/* octets of SHA-256 */
	DKIM_STAGE = 4096,
};

struct evp_md_ctx_st;	/* OpenSSL: a hash under way */

struct dkim_body {
	enum dkim_canon canon;
	struct evp_md_ctx_st *hash;
	uint64_t lines;		/* line ends that wait for what follows */
	int	 cr, blank;	/* so do these */
	int	 some;		/* something was hashed */
	size_t	 n;
	char	 stage[DKIM_STAGE];
};

void	dkim_body_init(struct dkim_body *b, enum dkim_canon canon);
void	dkim_body_put(struct dkim_body *b, const char *p, size_t len);
/* The hash of all; the body is as after dkim_body_clear. */
void	dkim_body_end(struct dkim_body *b, unsigned char out[DKIM_HASH]);
/* Frees; a body of zeros is clear, too. */
void	dkim_body_clear(struct dkim_body *b);

/* Appends the field's canonical form, with its CRLF. -1: out is full. */
int	dkim_canon_field(enum dkim_canon canon, const struct header_field *f,
	    struct buf *out);

struct dkim_fields {
	struct header_field *f;
	char	*taken;
	size_t	 n;
};

/*
 * The fields of a block, which stands below those that are there; what is no
 * field is passed over. -1: more than HEADER_COUNT_MAX.
 */
int	dkim_fields_add(struct dkim_fields *l, const char *p, size_t len)
	    ATTR_CHECK;
/* The lowest of that name that was not taken; NULL: there is none. */
const struct header_field *dkim_fields_take(struct dkim_fields *l,
	    const char *name);
void	dkim_fields_clear(struct dkim_fields *l);

/* A fresh SHA-256, and octets for it. */
struct evp_md_ctx_st *dkim_hash_new(void);
void	dkim_hash_put(struct evp_md_ctx_st *c, const void *p, size_t len);
/* The hash; frees. */
void	dkim_hash_end(struct evp_md_ctx_st **c, unsigned char out[DKIM_HASH]);

#endif
