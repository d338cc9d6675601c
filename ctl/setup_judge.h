/*
 * What is wrong with an answer at the terminal, said where it was given, in one
 * line with what would be right. What setup finds later it finds in all answers
 * together.
 */
#ifndef CTL_SETUP_JUDGE_H
#define CTL_SETUP_JUDGE_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

struct facts;

/* What was answered before; NULL: not yet. */
struct asked {
	const char *dir;	/* configuration directory */
	const char *hostname, *domain, *user, *certificate;
	struct facts *facts;	/* setup_facts.h; NULL: nothing is tried */
};

enum judged {
	JUDGED_GOOD,
	JUDGED_DOUBT,	/* who means it says it again */
	JUDGED_BAD,
};

/* Judges an answer; why where it is not good. */
typedef enum judged setup_judge(const struct asked *a, const char *answer,
	    struct buf *why);

setup_judge judge_hostname, judge_domain, judge_user, judge_password,
	    judge_postmaster, judge_profile, judge_relay_host,
	    judge_relay_user, judge_certificate, judge_key, judge_yes,
	    judge_test_address;
/* judge_domain, and no provider's own; judge_relay_host, and it answers
   (setup_provider.c). */
setup_judge judge_own_domain, judge_provider;
/* A server to collect from that answers, or none (setup_collect.c). */
setup_judge judge_collect, judge_collect_login;

/* The profile that is meant by its name or its number, or NULL. */
const char *profile_name(const char *answer);

#endif
