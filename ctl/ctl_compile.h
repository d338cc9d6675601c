/*
 * The compile: from the checked tables to jail/tables.cdb, auth/passwd.cdb,
 * jail/dkim.cdb and jail/collect.cdb
 * (lib/mail/tables.h has the formats). Each table's row writes its records.
 */
#ifndef CTL_CTL_COMPILE_H
#define CTL_CTL_COMPILE_H

#include <sys/types.h>

#include <cdb.h>

#include "ctl/ctl_set.h"

/* A file that is being made. */
struct compile {
	struct cdb_make cdb;
	struct buf key, value;	/* of the next record */
	uint32_t format;	/* that a reader must know */
	int	 failed;	/* errno of the first failure */
};

/* For the tables. */
/* Begins a key: the kind of its record, and a name. */
void	compile_key(struct compile *c, char kind, const char *name);
/* Writes the record in key and value, and empties both. */
void	compile_put(struct compile *c);
/* What was written is not for readers of an older format than this. */
void	compile_needs(struct compile *c, uint32_t format);
/* The record that says that the account may send as address. */
void	compile_owner(struct compile *c, const char *address,
	    const struct row *user);

/* The files, in the order of a commit. */
struct compile_file {
	const char *sub, *name;	/* state_dir/sub/name */
	mode_t	 mode;
	uint32_t format;	/* the least (compile_needs) */
	const char *group;	/* who reads it besides root; NULL: all */
};
extern const struct compile_file compile_files[TABLE_CDBS];

/*
 * Compiles the checked tables beside the file's place, in the open directory,
 * as NAME.new, synced. gid owns it where it is not -1 and the directory is
 * root's. 0, or -1 with errno and nothing left there.
 */
int	set_compile_stage(struct set *s, enum table_cdb id, int dirfd, gid_t gid)
	    ATTR_CHECK;
/* One file, to an open empty descriptor (the fuzz target uses it). */
int	set_compile_file(struct set *s, enum table_cdb id, int fd) ATTR_CHECK;

#endif
