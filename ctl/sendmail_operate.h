/*
 * What an operator asks of sendmail by its old names: the queue's list (-bp,
 * mailq), a new try (-q), the tables compiled (-bi, newaliases). It is done by
 * the commands of rohrpost. Root may, and who owns state_dir (a trial):
 * nobody else sees whose mail waits.
 */
#ifndef CTL_SENDMAIL_OPERATE_H
#define CTL_SENDMAIL_OPERATE_H

#include "ctl/sendmail_options.h"

/* The exit status (said). */
int	sendmail_operate(const struct sendmail_options *o, const char *dir,
	    const char *state_dir);

#endif
