/*
 * A question of setup's conversation and its answer: a plain sentence, the
 * question with the answer that is proposed, more for "?", and the judgement
 * until it is good. What was answered before a conversation was broken off is
 * told and not asked again.
 */
#ifndef CTL_SETUP_TALK_H
#define CTL_SETUP_TALK_H

#include "ctl/ctl_answers.h"
#include "ctl/setup_facts.h"
#include "ctl/setup_judge.h"

struct talk {
	struct answers *as;	/* <- */
	struct answers kept;	/* of the last conversation (setup_kept.h) */
	int	 all_kept;	/* it got to its end: they are proposed */
	struct conf_file conf;	/* the present configuration */
	struct answers now;	/* what it and the tables say */
	struct facts *facts;
	struct asked before;	/* its texts lie in as, but for dir */
	char	*user;		/* before.user, where it was answered */
	struct buf *why;
};

struct talk_question {
	const char *key;	/* of the answer */
	const char *words;	/* the question */
	const char *plain;	/* a sentence; NULL: none */
	const char *more;	/* for "?" */
	setup_judge *judge;
};

/*
 * Asks; def is the answer that is proposed where neither the last conversation
 * nor the configuration has one, "" for none. The answer is in t->as then. 0,
 * or -1 with why: the input has ended, or a signal came.
 */
int	talk_ask(struct talk *t, const struct talk_question *q,
	    const char *def) ATTR_CHECK;
/* The same of a password, typed unseen. again: twice. out is to be wiped. */
int	talk_password(struct talk *t, const char *plain, const char *who,
	    int again, struct buf *out) ATTR_CHECK;
/* Sets an answer anew, and keeps it. 0, or -1 with why. */
int	talk_set(struct talk *t, const char *key, const char *value)
	    ATTR_CHECK;
/* One that was asked before the conversation was broken off; or NULL. */
const char *talk_kept(const struct talk *t, const char *key);

#endif
