/*
 * The check of rohrpost.conf, for other commands too.
 */
#ifndef CTL_CMD_CONFIG_H
#define CTL_CMD_CONFIG_H

#include "ctl/ctl.h"

/*
 * Has rohrpost.conf only keys that a program knows, each once? 0, or -1 (said,
 * a line each).
 */
int	config_known(struct ctl *c) ATTR_CHECK;
/*
 * Warns of a certificate that clients will refuse, and of a certificate or key
 * that systemd hides. After ctl_load.
 */
void	config_warn(struct ctl *c);

#endif
