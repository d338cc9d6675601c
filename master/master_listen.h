/*
 * Listening sockets: TCP ports by the listen_ keys, Unix sockets by the table.
 * Programs hold duplicates of them; shutdown(2) on ours ends them all, and
 * their accept(2) then fails with EINVAL.
 */
#ifndef MASTER_MASTER_LISTEN_H
#define MASTER_MASTER_LISTEN_H

#include "master/master.h"

/*
 * Opens what conf names and is not open; with close_others closes what it does
 * not name. New sockets are given to the loops that serve them. Returns 0; -1
 * with why, and nothing new is open.
 */
int	listen_update(const struct master_conf *c, int close_others,
	    struct buf *why) ATTR_CHECK;
/* run/<name> for each row that has one, and run/master.ctl, a descriptor of
   which is the caller's. */
int	listen_sockets(int *control_r, struct buf *why) ATTR_CHECK;
/* WIRE_LISTEN for every socket of the row of p. */
void	listen_give(struct proc *p);
/* Does anything listen for the row? A row with no port needs no process. */
int	listen_any(enum program_id row);
/* Was [::] or "*" without its IPv6, for the kernel has none? */
int	listen_no_ipv6(void);
/* Closes all, everywhere, and removes the names of Unix sockets. */
void	listen_close_all(void);

#endif
