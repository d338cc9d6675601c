/*
 * admin: one command of who administers a domain (ctl_admin.h). Before anything
 * of the client is read it is known who he is, and that the table domains names
 * him; then comes one message (proto_admin), the command runs here, and what it
 * said goes to the client when it has ended: whoever does not read holds no lock.
 */
#ifndef CTL_ADMIN_H
#define CTL_ADMIN_H

/*
 * Serves the client at fd, which is taken over; dir: the configuration
 * directory. crowded: he has connections enough.
 */
void	admin_serve(int fd, const char *dir, int crowded);

#endif
