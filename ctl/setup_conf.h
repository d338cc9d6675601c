/*
 * What the answers say for rohrpost.conf.
 */
#ifndef CTL_SETUP_CONF_H
#define CTL_SETUP_CONF_H

#include "ctl/setup.h"

/*
 * Builds the new rohrpost.conf in s->conf, and a certificate where one is to
 * be made. 0, or -1 with why.
 */
int	setup_conf(struct setup *s, struct buf *why) ATTR_CHECK;

#endif
