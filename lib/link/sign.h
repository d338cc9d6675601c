/*
 * A question to signer: what is the signature of that hash? (lib/mail/proto.h,
 * proto_sign; smtpd/signer.h tells who may have which.) Blocking.
 *
 * DIAGNOSTICS: where signer is away or breaks the protocol that warns, and the
 * answer is SIGN_LATER. One that answers too late keeps its channel: that answer
 * is passed over when the next question has its own. Nobody would make another.
 */
#ifndef LIB_LINK_SIGN_H
#define LIB_LINK_SIGN_H

#include "lib/base/chan.h"
#include "lib/mail/dkim.h"

enum sign_result {
	SIGN_DONE,
	SIGN_LATER,	/* temporary trouble */
	SIGN_NO,	/* not for that domain */
};

/* Everything is the caller's. */
struct sign_question {
	const char *address;		/* its domain signs */
	const char *selector;		/* by this key */
	const unsigned char *hash;	/* DKIM_HASH octets */
	int	 client;	/* a local client's connection; -1: none */
};

struct signature {
	unsigned char octets[DKIM_SIGNATURE_MAX];
	size_t	 len;
};

/* For the blocking shape of process: over its channel to signer. */
enum sign_result sign_ask(const struct sign_question *q,
	    struct signature *out);
/*
 * Over that channel, within about timeout_ms; in any thread. But for SIGN_DONE
 * why says why. broken_r: the channel is of no use any more, close it.
 */
enum sign_result sign_over(struct chan *c, const struct sign_question *q,
	    int timeout_ms, struct signature *out, int *broken_r,
	    struct buf *why);

#endif
