/*
 * What kind of refusal a result tells of, by its words: what the sender or
 * the operator can do depends on it. It is judged each time from the words
 * that are kept, so that no record holds it and what older versions wrote is
 * judged as well.
 *
 * Codes that leave no doubt come first (RFC 3463, 5248, 7372, 7505), then what
 * large providers and common servers say, then the other codes, then the reply
 * code of SMTP. Addresses that a host repeats are never taken for its words.
 */
#ifndef LIB_MAIL_REPLY_KIND_H
#define LIB_MAIL_REPLY_KIND_H

enum reply_kind {
	REPLY_NONE,		/* no refusal */
	REPLY_TEMPORARY,	/* wait: greylisting, load, nobody there */
	REPLY_POLICY,		/* this message is not taken, as it is */
	REPLY_REPUTATION,	/* the host that sends is not trusted: its
				   address, its name in DNS, its network */
	REPLY_ADDRESS,		/* no such mailbox or domain, or it takes none */
};

/* Of a result's words (lib/mail/result.h). */
enum reply_kind reply_kind(const char *words);
/* "temporary", "policy", "reputation", "address"; NULL for REPLY_NONE. */
const char *reply_kind_name(enum reply_kind kind);
/*
 * The SMTP reply in the words of relay, "5.1.1 mx.test [192.0.2.1] said: 550
 * 5.1.1 no such user": its "550 ...". NULL where no host answered. Where the
 * name of the host begins, or what there is in its place, is host_r.
 */
const char *reply_said(const char *words, const char **host_r);

#endif
