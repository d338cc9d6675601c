/*
 * Where the index is new, or the last end was not in order, what it holds of an
 * account that is not in memory may not be what counts: each that has a folder is
 * read once, in the background, one at a time.
 */
#ifndef STORE_SUM_READ_H
#define STORE_SUM_READ_H

/* Begins that, where it is to be. */
void	sum_read(void);

#endif
