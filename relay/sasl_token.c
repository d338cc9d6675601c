#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/mail/limits.h"
#include "relay/sasl_token.h"

/* Both end each part of what they say with this octet (RFC 7628 3.1). */
#define KVSEP "\001"

enum { FRAME_MAX = 60 };	/* octets of what stands around the values */

/*
 * b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
 * (RFC 6750 2.1)
 */
static int
is_token(const char *p)
{
	size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
	    "wxyz0123456789-._~+/");

	return n > 0 && n + strspn(p + n, "=") == strlen(p) &&
	    strlen(p) <= SECRET_MAX;
}

/* A control would be taken for the end of the name's part. */
static int
is_name(const char *p)
{
	if (*p == '\0' || strlen(p) > ADDRESS_MAX)
		return 0;
	for (; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return 0;
	return 1;
}

/* saslname of the GS2 header: "," and "=" are written by their numbers (RFC
   5801 4). */
static void
put_saslname(struct buf *out, const char *user)
{
	for (; *user != '\0'; user++)
		if (*user == ',')
			buf_puts(out, "=2C");
		else if (*user == '=')
			buf_puts(out, "=3D");
		else
			buf_putc(out, *user);
}

int
sasl_token_first(enum sasl_token kind, const char *user, const char *token,
    const char *host, struct buf *out, struct buf *why)
{
	struct buf b = BUF_INIT(0);

	if (!is_name(user)) {
		buf_set(why, "login: a name that cannot be said");
		return -1;
	}
	if (!is_token(token)) {
		buf_set(why, "login: what stands in place of the password is "
		    "no access token");
		return -1;
	}
	/* At once: what a buffer grows out of is not wiped. */
	if (buf_reserve(&b, 3 * strlen(user) + strlen(host) + strlen(token) +
	    FRAME_MAX) == -1)
		abort();
	if (kind == SASL_OAUTHBEARER) {
		buf_puts(&b, "n,a=");
		put_saslname(&b, user);
		buf_printf(&b, "," KVSEP "host=%s", host);
	} else {
		buf_printf(&b, "user=%s", user);
	}
	buf_puts(&b, KVSEP "auth=Bearer ");
	buf_puts(&b, token);
	buf_puts(&b, KVSEP KVSEP);
	(void)base64_encode(out, b.data, b.len);
	buf_wipe(&b);
	return 0;
}

/*
 * "the client MUST then send either an additional client response consisting of
 * a single %x01 (control A) character ... or a SASL cancellation token" (RFC
 * 7628 3.2.3). XOAUTH2 wants an empty one.
 */
const char *
sasl_token_answer(enum sasl_token kind)
{
	return kind == SASL_OAUTHBEARER ? "AQ==" : "";
}
