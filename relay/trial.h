/*
 * trial: is the provider's server there, and does the login work? A child of
 * the operator's command, not of master, which speaks with the server as relay
 * does (relay/relay_client.h), or fetch, and sends and reads no mail.
 */
#ifndef RELAY_TRIAL_H
#define RELAY_TRIAL_H

#include <openssl/ssl.h>

#include "lib/mail/trial.h"

enum {
	TRIAL_CONNECT_MS = 6 * 1000,	/* each address */
	TRIAL_CONNECT_ALL_MS = 12 * 1000,	/* all of them: with the
				   dialogue it is less than rohrpost waits */
	TRIAL_REPLY_MS = 10 * 1000,	/* each reply */
	TRIAL_ALL_MS = 25 * 1000,	/* the dialogue */
};

/* Address after address, until one answers. words: what was said. */
enum trial_result trial_run(const struct trial_question *q, SSL_CTX *ctx,
	    struct buf *words);

/*
 * trial_box.c: the dialogue with a server that has mail, by IMAP or POP3. Takes
 * the connected socket over; label is "HOST [ADDRESS]". words as above.
 */
enum trial_result trial_imap(const struct trial_question *q, int fd,
	    const char *label, SSL_CTX *ctx, struct buf *words);
enum trial_result trial_pop3(const struct trial_question *q, int fd,
	    const char *label, SSL_CTX *ctx, struct buf *words);

#endif
