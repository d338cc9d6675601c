/*
 * Lines of aliases, for the commands that make them.
 */
#ifndef CTL_TABLE_ALIASES_H
#define CTL_TABLE_ALIASES_H

#include "ctl/ctl_row.h"

/* Of what stands before the first "=" of a line: the alias's name, as typed. */
void	alias_name(const char **p, size_t *len);
/* Appends the row as a line. */
void	alias_print(const struct row *r, struct buf *out);

#endif
