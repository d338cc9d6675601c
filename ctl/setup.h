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

struct setup_file_row {
	const char *name, *key;	/* of the file; in rohrpost.conf */
	mode_t	 mode;
};

extern const struct setup_file_row setup_files[SETUP_FILES];

struct setup {
	struct ctl *ctl;
	char	*dir;		/* configuration directory, absolute */
	int	 made_dir;
	int	 staged;	/* DIR/.setup exists */
	struct answers answers;
	struct keys keys;
	struct set set;
	int	 set_open;
	struct conf_file conf;
	struct buf file[SETUP_FILES];	/* empty: not to be written */
	char	*hostname, *state_dir;	/* normalised; absolute */
};

/* Asks at the terminal. 0, or -1 with why. */
int	setup_ask(struct answers *as, const char *dir, struct buf *why)
	    ATTR_CHECK;
/* Takes domains, users, aliases into the tables in memory. 0, or -1. */
int	setup_tables(struct setup *s, struct buf *why) ATTR_CHECK;
/*
 * Builds the new rohrpost.conf in s->conf, and a certificate where one is to
 * be made. 0, or -1 with why.
 */
int	setup_conf(struct setup *s, struct buf *why) ATTR_CHECK;
/*
 * Gives the host's name its place among the domains, and a reader to root's
 * and mailer-daemon's mail. After setup_conf. 0, or -1 with why.
 */
int	setup_host(struct setup *s, struct buf *why) ATTR_CHECK;
/* Lets every program judge the new configuration. 0, or -1 with why. */
int	setup_check(struct setup *s, struct buf *why) ATTR_CHECK;
/* Writes those files into a directory. 0, or -1 with errno. */
int	setup_write_files(struct setup *s, int dirfd) ATTR_CHECK;
/* Removes the staging directory. */
void	setup_unstage(struct setup *s);
/* "ANSWERS:LINE: words"; returns -1. */
int	setup_refuse(struct setup *s, const struct setup_answer *a,
	    struct buf *why, const char *fmt, ...) ATTR_PRINTF(4, 5);

#endif
