/*
 * Tables in the operator's language: what stands over a column, and the words
 * of columns that hold states. JSON has the names and words as they are here.
 */
#ifndef CTL_HEADING_H
#define CTL_HEADING_H

/*
 * What people read for a column's name; the name itself where that is not
 * known, or the language has no other word.
 */
const char *heading_name(const char *name);
/* Does the column hold states, such as "deferred"? */
int	heading_has_states(const char *name);
/* What people read for a state in that column; else the state itself. */
const char *heading_state(const char *name, const char *state);

#endif
