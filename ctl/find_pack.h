/*
 * What goes through the pipes between find_domain and its child: one frame for
 * the question, and one for each state of the answer, the last of which counts.
 * The answer is hostile: each value is held against its bounds, and octets that
 * no terminal should see are shown as "?".
 */
#ifndef CTL_FIND_PACK_H
#define CTL_FIND_PACK_H

#include "ctl/find.h"

enum {
	FIND_QUESTION_MAX = 8 * 1024,
	FIND_ANSWER_MAX = 64 * 1024,
};

enum find_what { FIND_WHAT_DOMAIN, FIND_WHAT_HOST };

/* Texts of a question that was read are in its own memory. */
struct find_question {
	enum find_what what;
	struct find_ask ask;
	char	 name[DOMAIN_MAX + 1];	/* domain, or host */
	char	 text[6][1024];
};

void	find_pack_question(struct buf *out, enum find_what what,
	    const struct find_ask *a, const char *name);
/* 0, or -1: broken. */
int	find_unpack_question(const void *p, size_t len,
	    struct find_question *q) ATTR_CHECK;

void	find_pack_domain(struct buf *out, const struct find_domain *d);
int	find_unpack_domain(const void *p, size_t len, struct find_domain *d)
	    ATTR_CHECK;

/* The addresses of a host; known: FIND_NO, there is no such name. */
void	find_pack_host(struct buf *out, enum find_known known,
	    const struct host_addresses *l);
int	find_unpack_host(const void *p, size_t len, enum find_known *known,
	    struct host_addresses *l) ATTR_CHECK;

#endif
