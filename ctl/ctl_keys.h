/*
 * The configuration keys of all programs, as each prints its own with -K.
 */
#ifndef CTL_CTL_KEYS_H
#define CTL_CTL_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

struct key {
	char	*name, *def, *help;
	char	*type;		/* as settings_type_name says it */
	char	*choices;	/* of a "choice", with blanks between them */
	uint64_t min, max;
	struct buf programs;	/* packed lv: who reads it */
	unsigned n_programs;
	char	*value;		/* for the asker; NULL at the start */
	unsigned line;		/* where that stands in rohrpost.conf */
};

struct keys {
	struct key *k;		/* by name */
	size_t	 n;
};

/* Asks every program. 0, or -1 with why; clear it in any case. */
int	keys_load(struct keys *k, struct buf *why) ATTR_CHECK;
/* The same, with the values that rohrpost.conf in dir has. */
int	keys_values(struct keys *k, const char *dir, struct buf *why)
	    ATTR_CHECK;
void	keys_clear(struct keys *k);
/* Reads that program's output. 0, or -1: malformed. */
int	keys_parse(struct keys *k, const char *program, const char *text,
	    size_t len) ATTR_CHECK;
struct key *keys_find(const struct keys *k, const char *name);
/*
 * Lets every program check the file in dir (option -n). 0, or -1 with why: the
 * faults, each once, a line each.
 */
int	keys_check(const char *dir, struct buf *why) ATTR_CHECK;

#endif
