/*
 * What is set up already, as the answers that would make it: setup's
 * conversation proposes them.
 */
#ifndef CTL_SETUP_NOW_H
#define CTL_SETUP_NOW_H

#include "ctl/ctl_answers.h"
#include "ctl/ctl_conf.h"

/*
 * Reads rohrpost.conf into conf, and of it and the tables into now, which is
 * initialised here: hostname, profile, relay_host, relay_user, and the first
 * domain, user and postmaster. Nothing there: both are empty. 0, or -1 with
 * why; clear both in any case.
 */
int	now_load(struct answers *now, struct conf_file *conf, const char *dir,
	    struct buf *why) ATTR_CHECK;

#endif
