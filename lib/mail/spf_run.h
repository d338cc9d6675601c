/*
 * One evaluation of SPF on its way: what lib/mail/spf.c and spf_match.c share.
 */
#ifndef LIB_MAIL_SPF_RUN_H
#define LIB_MAIL_SPF_RUN_H

#include "lib/mail/spf.h"
#include "lib/mail/spf_record.h"

struct spf_run {
	const struct spf_query *q;
	struct spf_outcome *o;
	int	 counting;	/* spf_count: nothing matches, all is seen */
	unsigned questions;
	int	 v6;
	unsigned char ip[16];
	char	*sender, *local, *sender_domain;
	const char *domain;	/* whose record this is */
	struct buf validated;	/* names of the client, packed lv */
	int	 validated_known;
	char	 validated_name[DOMAIN_MAX + 1];
};

enum spf_match { SPF_MATCH_NO, SPF_MATCH_YES, SPF_MATCH_TEMP, SPF_MATCH_PERM };

/* Asks, and counts what finds nothing where void_counts. */
enum spf_found spf_run_ask(struct spf_run *r, enum spf_type type,
	    const char *name, int void_counts, struct buf *out);
/* Notes the fault, the first one; gives back match. */
enum spf_match spf_run_fault(struct spf_run *r, enum spf_match match,
	    enum spf_fault fault, const char *what);
/* A term asks DNS: SPF_MATCH_NO, or over the bound. */
enum spf_match spf_run_count(struct spf_run *r);
/*
 * The name that a domain-spec means (NULL: the domain itself). 1; 0: nothing
 * that DNS could be asked for.
 */
int	spf_run_target(struct spf_run *r, const char *spec,
	    char name[DOMAIN_MAX + 1]);
/* The text with its macros replaced. 0, or -1. */
int	spf_run_expand(struct spf_run *r, const char *text, size_t len, int exp,
	    struct buf *out);
/* A term that is no include. */
enum spf_match spf_run_match(struct spf_run *r, const struct spf_term *t);

/* Labels of 1 to LABEL_MAX octets; a dot may end it. */
int	spf_name_ok(const char *name);

#endif
