/*
 * Tables in the operator's language: what stands over a column, and the words
 * of columns that hold states. JSON has the names and words as they are here.
 */
#ifndef CTL_HEADING_H
#define CTL_HEADING_H

#include "lib/base/buf.h"

/*
 * What people read for a column's name; the name itself where that is not
 * known, or the language has no other word.
 */
const char *heading_name(const char *name);
/* Does the column hold states, such as "deferred", or what a program found? */
int	heading_has_words(const char *name);
/* Appends what people read for a value of such a column. */
void	heading_value(const char *name, const char *value, struct buf *out);

#endif
