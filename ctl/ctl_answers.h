/*
 * The answers that setup works from: lines "key = value". Some keys are
 * setup's own (domain, user, postmaster, abuse, alias, profile, phones,
 * certificate, key, relay_password, collect, dkim, test_address); domain, user,
 * alias and collect may stand several times. Every other key is one of rohrpost.conf and passes through.
 *
 * Comments start with "#" at the start of a line. A password is the rest of
 * the line after "user = ADDRESS ", or after " password=" of collect.
 *
 * DIAGNOSTICS: "NAME:LINE: words" in why.
 */
#ifndef CTL_CTL_ANSWERS_H
#define CTL_CTL_ANSWERS_H

#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	ANSWERS_FILE_MAX = 4 << 20,
	ANSWERS_LINE_MAX = 4096,
	ANSWERS_MAX = 20000,
};

struct setup_answer {
	char	*key, *value;
	unsigned line;		/* 0: not from a file */
	int	 own;		/* setup's own key */
};

struct answers {
	char	*name;		/* of the file, for messages */
	struct setup_answer *a;
	size_t	 n, cap;
};

/* name "": the answers come from no file, and messages name none. */
void	answers_init(struct answers *as, const char *name);
/* Wipes: there are passwords in it. */
void	answers_clear(struct answers *as);
/* Reads len octets. 0, or -1 with why. */
int	answers_parse(struct answers *as, const char *p, size_t len,
	    struct buf *why) ATTR_CHECK;
/* Adds one. 0, or -1 with why where it stands already. */
int	answers_add(struct answers *as, const char *key, const char *value,
	    unsigned line, struct buf *why) ATTR_CHECK;
/* Sets the first of that key, or adds it, of no line. */
void	answers_set(struct answers *as, const char *key, const char *value);
/* Takes all of that key away. */
void	answers_drop(struct answers *as, const char *key);
/* The next of that key from *i on (0 at the start); NULL at the end. */
const struct setup_answer *answers_next(const struct answers *as,
	    const char *key, size_t *i);
/* What a good line of that key looks like; NULL: none of setup's own. */
const char *answers_form(const char *key);
/* The value of a key that stands once; NULL if it is absent. */
const char *answers_get(const struct answers *as, const char *key);

#endif
