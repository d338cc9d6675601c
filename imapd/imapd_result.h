/*
 * The answer to SEARCH: "* SEARCH", or "* ESEARCH" with what RETURN asks for
 * (RFC 4731), and the result that is kept for "$" (RFC 5182). Hits come in
 * rising order, and go out as they come, ALL as ranges: only SAVE holds any.
 */
#ifndef IMAPD_IMAPD_RESULT_H
#define IMAPD_IMAPD_RESULT_H

#include "lib/mail/door.h"

#include "imapd/imapd_args.h"
#include "imapd/imapd_set.h"

struct imapd_session;

enum imapd_return {
	IMAPD_R_MIN = 1, IMAPD_R_MAX = 2, IMAPD_R_ALL = 4, IMAPD_R_COUNT = 8,
	IMAPD_R_SAVE = 16,
};

struct imapd_result {
	int	 extended;	/* there was a RETURN */
	unsigned want;		/* bits of enum imapd_return */
	int	 modseq;	/* the keys have a MODSEQ */
	uint32_t count, min, max;	/* as they are told: uids or numbers */
	uint64_t min_modseq, max_modseq, highest;
	struct imapd_range open;	/* of ALL, to be told; lo 0: none */
	int	 told;		/* a range was */
	uint32_t min_uid, max_uid;
	struct imapd_set saved;	/* of uids */
	size_t	 cap;
};

/* Reads the list after RETURN. 0, or -1: there is something unknown in it. */
int	imapd_result_read(struct imapd_result *r,
	    const struct imapd_arg *list) ATTR_CHECK;
void	imapd_result_begin(struct imapd_session *s,
	    const struct imapd_result *r);
void	imapd_result_hit(struct imapd_session *s, struct imapd_result *r,
	    uint32_t seq, const struct door_record *rec);
/* All hits are there. */
void	imapd_result_end(struct imapd_session *s, struct imapd_result *r);
/* It will be answered NO after the hits so far; what is saved gets empty. */
void	imapd_result_failed(struct imapd_session *s,
	    const struct imapd_result *r);
void	imapd_result_clear(struct imapd_result *r);

#endif
