/*
 * The values of settings.c, by their types.
 */
#ifndef LIB_SERVER_SETTINGS_VALUE_H
#define LIB_SERVER_SETTINGS_VALUE_H

#include "lib/server/settings.h"

struct settings_value {
	uint64_t number;
	char	*text;		/* of TEXT and HOST: allocated, or NULL */
	unsigned line;		/* where it stands; 0: the default */
};

/* Reads s into v: NULL, or what is wrong with it, as the end of a sentence. */
const char *settings_value_parse(const struct settings_key *k, const char *s,
	    struct settings_value *v) ATTR_CHECK;
/* "NAME:LINE: KEY: "VALUE" FAULT", with what would be right. */
void	settings_value_fault(struct buf *why, const char *name,
	    const struct settings_key *k, const struct settings_value *v,
	    const char *value, const char *fault);
/*
 * Puts v into conf, which then owns its text. An equal text that is there
 * stays; another one may be in use and is left behind.
 */
void	settings_value_store(const struct settings_key *k,
	    struct settings_value *v, void *conf);
/* "text", "number", ... */
const char *settings_type_name(enum settings_type t);

#endif
