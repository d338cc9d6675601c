/*
 * The queue's list with what lies in the drop directory (lib/mail/drop.h),
 * which the queue does not know of yet: for queue list and mailq alike.
 */
#ifndef CTL_CTL_LEFT_H
#define CTL_CTL_LEFT_H

#include "ctl/ctl.h"

/*
 * Prints the list; rows_r: how many rows, both together. A message that is left
 * has a row for each recipient among its first octets; its id is the file's
 * name, its state "dropped" or, where it was set aside, "aside". Where queue
 * does not answer there are those rows alone, and the exit status says so. Who
 * may not list the directory sees none.
 */
int	left_list(struct ctl *c, int timeout_ms, size_t *rows_r);

#endif
