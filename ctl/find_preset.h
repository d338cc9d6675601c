/*
 * The table of providers (rohrpost-providers(5)), stanza by stanza.
 */
#ifndef CTL_FIND_PRESET_H
#define CTL_FIND_PRESET_H

#include "ctl/find.h"

enum { PRESET_FILE_MAX = 1 << 20, PRESET_LINE_MAX = 1000,
	PRESET_NAMES_MAX = 8 * 1024 };

#define PRESET_DOMAIN "%EMAILDOMAIN%"

struct preset {
	struct find_provider p;
	struct buf domains, mx;	/* names in lower case, a blank behind each */
};

#define PRESET_INIT { .domains = BUF_INIT(PRESET_NAMES_MAX), \
	.mx = BUF_INIT(PRESET_NAMES_MAX) }

void	preset_clear(struct preset *x);
/*
 * Reads the stanza at *p and steps behind it. *line counts lines. 1; 0: there
 * is none left; -1 with why: a line is wrong.
 */
int	preset_next(const char **p, unsigned *line, struct preset *x,
	    struct buf *why) ATTR_CHECK;
/* Hosts that end in the domain of the address get it; those of a customer's
   own that of mx (NULL: none is known), where it is of their form. */
void	preset_fill(struct preset *x, const char *domain, const char *mx);
/* The domain is one of the provider's own. */
int	preset_has_domain(const struct preset *x, const char *domain);
/* The mail host is one of the provider's, or its name is below one of them, or
   in one of its domains. */
int	preset_has_mx(const struct preset *x, const char *host);

#endif
