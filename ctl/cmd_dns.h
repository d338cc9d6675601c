/*
 * What set-up shares with dns show.
 */
#ifndef CTL_CMD_DNS_H
#define CTL_CMD_DNS_H

#include "ctl/ctl.h"

/* Prints the records of a domain of ours as lines of a zone. 0, or -1 (said). */
int	dns_show_zone(struct ctl *c, const char *domain) ATTR_CHECK;

#endif
