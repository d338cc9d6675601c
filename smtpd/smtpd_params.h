/* Parameters of MAIL and RCPT. */
#ifndef SMTPD_SMTPD_PARAMS_H
#define SMTPD_SMTPD_PARAMS_H

#include "smtpd/smtpd_reply.h"

/* Parameters behind a path (RFC 5321 4.1.2 Mail-parameters). */
struct smtp_params {
	uint64_t size;		/* 0: not said */
};
/*
 * Reads the parameters of MAIL (or, with rcpt, of RCPT): what is known is put
 * into out, else refused. max_size bounds SIZE; auth_ok: AUTH= is known.
 */
struct smtp_refusal smtp_params_parse(const char *p, size_t len, int rcpt,
	    int auth_ok, uint64_t max_size, struct smtp_params *out);

#endif
