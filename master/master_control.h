/*
 * run/master.ctl: status, reload, stop.
 */
#ifndef MASTER_MASTER_CONTROL_H
#define MASTER_MASTER_CONTROL_H

void	operator_listen(int listener);
void	operator_close(void);

#endif
