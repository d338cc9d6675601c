/*
 * What lies in the drop directory (lib/mail/drop.h), for mailq.
 */
#ifndef CTL_SENDMAIL_LEFT_H
#define CTL_SENDMAIL_LEFT_H

#include <stddef.h>
#include <stdio.h>

/*
 * Prints a table of the messages there, if there is one; how many there are.
 * Who may not list the directory sees none.
 */
size_t	sendmail_left(const char *state_dir, FILE *f);

#endif
