/*
 * What the operator's command asks of trial (relay/trial_main.c), and what it
 * answers: is a server there that takes mail, or has it, and does a login work?
 * One question on standard input, one answer on standard output, both packed.
 */
#ifndef LIB_MAIL_TRIAL_H
#define LIB_MAIL_TRIAL_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/mail/limits.h"
#include "lib/net/addr.h"

enum {
	TRIAL_ADDRESSES_MAX = 8,
	TRIAL_WORDS_MAX = 300,
	TRIAL_QUESTION_MAX = 8 * 1024,
	TRIAL_ANSWER_MAX = 1024,
};

/* Whose server it is: of mail that goes out, or comes in. */
enum trial_protocol { TRIAL_SMTP, TRIAL_IMAP, TRIAL_POP3 };
enum trial_tls { TRIAL_TLS_AT_ONCE, TRIAL_TLS_STARTTLS, TRIAL_TLS_NONE };

struct trial_question {
	char	 hostname[DOMAIN_MAX + 1];	/* EHLO */
	char	 host[DOMAIN_MAX + 1];	/* as the certificate has it */
	unsigned port;
	enum trial_protocol protocol;
	enum trial_tls tls;
	char	 ca_file[1024];		/* "": the system's */
	char	 user[ADDRESS_MAX + 1];	/* "": no login */
	char	 password[PASSWORD_MAX + 1];
	unsigned n;
	char	 ip[TRIAL_ADDRESSES_MAX][ADDR_TEXT_MAX];
};

enum trial_result {
	TRIAL_OPEN,		/* it is there, and the login works */
	TRIAL_NO_ANSWER,
	TRIAL_NO_MAIL,		/* what answers is no mail server */
	TRIAL_NO_TLS,
	TRIAL_TLS_FAILED,
	TRIAL_CERTIFICATE,
	TRIAL_NO_LOGIN,
	TRIAL_PASSWORD,
	TRIAL_REFUSED,
	TRIAL_RESULTS
};

void	trial_pack(struct buf *out, const struct trial_question *q);
/* 0, or -1: broken. Texts have no NUL, CR or LF. */
int	trial_unpack(const void *p, size_t len, struct trial_question *q)
	    ATTR_CHECK;

/* words: what the server, or the system, said. */
void	trial_pack_answer(struct buf *out, enum trial_result r,
	    const char *words);
/* The answer counts as hostile: odd octets of words are "?". */
int	trial_unpack_answer(const void *p, size_t len, enum trial_result *r,
	    char words[TRIAL_WORDS_MAX + 1]) ATTR_CHECK;

#endif
