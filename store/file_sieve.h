/*
 * The text `sieve` of a user: the Sieve scripts, and which one is active. One
 * file, so that each change is whole. A line "Sieve 1", then of each script a
 * line "OCTETS active NAME" or "OCTETS - NAME", its octets, and a line end.
 */
#ifndef STORE_FILE_SIEVE_H
#define STORE_FILE_SIEVE_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum { SCRIPTS_COUNT_MAX = 32 };

struct script {
	const char *name, *text;	/* borrowed, not terminated */
	size_t	 name_len, len;
	int	 active;
};
struct scripts {
	struct script s[SCRIPTS_COUNT_MAX];
	size_t	 n;
};

/* Takes the file's text apart, which must stay. 0, or -1: it makes no sense. */
int	scripts_parse(struct scripts *l, const char *p, size_t len) ATTR_CHECK;
void	scripts_format(const struct scripts *l, struct buf *out);
/* The one of that name; name NULL: the active one. NULL: there is none. */
struct script *scripts_find(struct scripts *l, const char *name);
/* Takes one out. */
void	scripts_drop(struct scripts *l, struct script *s);
int	script_name_ok(const char *name);

#endif
