/*
 * Files of finished messages that are to be blank files again. A file system
 * may take its time to find a fresh inode after many were freed (ext4 passes
 * over each that was freed in the last minutes), and this needs none.
 *
 * Kept is a file that has no other name, and that nobody else has open or
 * mapped: a descriptor that a worker kept must not show it the next message.
 *
 * Used by the lane that makes and removes files alone, or when it has ended.
 */
#ifndef QUEUE_QUEUE_SPARE_H
#define QUEUE_QUEUE_SPARE_H

enum { SPARES_MAX = 512 };

/* Empties and keeps the file of that name. 0; -1: it is to be removed. */
int	spare_keep(int dir, const char *name);
/*
 * Gives one of them this name, which must be new. Its descriptor, open for
 * reading and writing; -1: there is none.
 */
int	spare_take(int dir, const char *name);
/* Removes all. */
void	spare_clear(int dir);

#endif
