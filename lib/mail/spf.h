/*
 * SPF (RFC 7208): may this client send mail as that domain?
 *
 * spf_check is check_host() of section 4, whole: all mechanisms, modifiers and
 * macros. It knows no sockets: whoever calls it brings a function that answers
 * questions to DNS and may block (the blocking shape of process).
 *
 * Bounds (4.6.4): 10 terms that ask DNS, 10 names of an MX or PTR, 2 look-ups
 * that find nothing, and so at most SPF_QUESTIONS_MAX questions. Everything
 * that DNS says is hostile.
 *
 * DIAGNOSTICS: none; the outcome says which record is wrong, and why.
 */
#ifndef LIB_MAIL_SPF_H
#define LIB_MAIL_SPF_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/mail/limits.h"

enum {
	SPF_LOOKUPS_MAX = 10,	/* terms that ask DNS */
	SPF_VOIDS_MAX = 2,	/* look-ups that find nothing */
	SPF_NAMES_MAX = 10,	/* names of one MX or PTR answer */
	SPF_COUNT_MAX = 100,	/* terms that spf_count goes through */
	SPF_ANSWER_MAX = 64 * 1024,	/* octets of one answer */
	/* Each term: itself and the names of its answer; PTR once more. */
	SPF_QUESTIONS_MAX = 3 + (SPF_LOOKUPS_MAX + 1) * (SPF_NAMES_MAX + 2),
};

enum spf_result {
	SPF_NONE,		/* no record */
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,		/* DNS does not answer: later */
	SPF_PERMERROR,		/* the record is wrong */
};

/* The numbers are those of DNS. */
enum spf_type { SPF_A = 1, SPF_PTR = 12, SPF_MX = 15, SPF_TXT = 16,
	SPF_AAAA = 28 };

enum spf_found { SPF_FOUND, SPF_ABSENT, SPF_LATER };

/*
 * Answers a question. The labels of name are as long as DNS has them, their
 * octets are any but NUL. SPF_FOUND: the records, each put into out with
 * buf_put_lv: 4 octets of an A, 16 of an AAAA, the name of an MX or PTR, the
 * joined strings of a TXT. What does not fit in out is left out. SPF_ABSENT:
 * none, or no such name.
 */
typedef enum spf_found spf_ask(void *arg, enum spf_type type,
	    const char *name, struct buf *out);

struct spf_query {
	int	 v6;
	unsigned char ip[16];	/* IPv4: the first four */
	const char *sender;	/* of MAIL, "local@domain"; "": <> */
	const char *helo;
	const char *receiver;	/* this host, for explanations; or NULL */
	int64_t	 now;		/* the same; seconds since 1970 */
	spf_ask	*ask;
	void	*arg;
};

/* Why it is SPF_PERMERROR or SPF_TEMPERROR. */
enum spf_fault {
	SPF_FAULT_NONE,
	SPF_FAULT_DNS,		/* no answer about what */
	SPF_FAULT_SYNTAX,	/* what is a term that is wrong */
	SPF_FAULT_DOUBLE,	/* more than one record */
	SPF_FAULT_LOOKUPS,	/* over SPF_LOOKUPS_MAX */
	SPF_FAULT_VOIDS,	/* over SPF_VOIDS_MAX; what is the last */
	SPF_FAULT_NAMES,	/* what has more MX than SPF_NAMES_MAX */
	SPF_FAULT_ABSENT,	/* what is included and has no record */
};

struct spf_outcome {
	enum spf_result result;
	enum spf_fault fault;
	unsigned lookups, voids;
	struct buf at;		/* the domain whose record has the fault */
	struct buf what;
	struct buf explanation;	/* SPF_FAIL: of exp=; else empty */
};

#define SPF_OUTCOME_INIT \
	{ .at = BUF_INIT(DOMAIN_MAX), .what = BUF_INIT(500), \
	.explanation = BUF_INIT(1000) }

/* Sets o anew, which is of SPF_OUTCOME_INIT. */
void	spf_check(const struct spf_query *q, struct spf_outcome *o);
/*
 * Goes through the record of a domain and all that it includes, whoever the
 * client is, and sets lookups, voids and result: SPF_NONE, SPF_TEMPERROR,
 * SPF_PERMERROR (bad, double, or over a bound), else SPF_NEUTRAL. Counting goes
 * on past SPF_LOOKUPS_MAX, up to SPF_COUNT_MAX. q needs ask and arg alone.
 */
void	spf_count(const struct spf_query *q, const char *domain,
	    struct spf_outcome *o);
void	spf_outcome_clear(struct spf_outcome *o);
/* 1 if the TXT record is one of SPF (4.5). */
int	spf_is_record(const char *p, size_t len) ATTR_CHECK;
/* "pass", "permerror" (2.6). */
const char *spf_result_name(enum spf_result r);

#endif
