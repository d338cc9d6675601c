/*
 * rohrpost setup, in steps. Everything is built and checked in memory and in
 * a staging directory (DIR/.setup) first; what is refused leaves the
 * configuration directory as it was.
 */
#ifndef CTL_SETUP_H
#define CTL_SETUP_H

#include "ctl/ctl.h"
#include "ctl/ctl_answers.h"
#include "ctl/ctl_conf.h"
#include "ctl/ctl_keys.h"
#include "ctl/ctl_set.h"

/* Files that setup itself makes, beside rohrpost.conf. */
enum setup_file { SETUP_CERT, SETUP_KEY, SETUP_RELAY_PASSWORD, SETUP_FILES };

struct setup {
	struct ctl *ctl;
	char	*dir;		/* configuration directory, absolute */
	int	 made_dir;
	int	 written;	/* or begun to be */
	int	 staged;	/* DIR/.setup exists */
	int	 fresh;		/* no rohrpost.conf was there that names a host */
	int	 renamed;	/* fresh, or it named another host */
	struct answers answers;
	struct keys keys;
	struct set set;
	int	 set_open;
	struct conf_file conf;
	struct buf file[SETUP_FILES];	/* empty: not to be written */
	char	*hostname, *state_dir;	/* normalised; absolute */
};

#endif
