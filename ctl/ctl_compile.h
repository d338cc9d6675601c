/*
 * The compile: from the checked tables to jail/tables.cdb and auth/passwd.cdb
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
	int	 failed;	/* errno of the first failure */
};

/* For the tables. */
/* Begins a key: the kind of its record, and a name. */
void	compile_key(struct compile *c, char kind, const char *name);
/* Writes the record in key and value, and empties both. */
void	compile_put(struct compile *c);
/* The record that says that the account may send as address. */
void	compile_owner(struct compile *c, const char *address,
	    const struct row *user);

/*
 * Compiles the checked tables into state_dir. gid owns auth/passwd.cdb where
 * it is not -1 and the directory is root's. Each file is replaced whole or
 * stays. 0, or -1 with why.
 */
int	set_compile(struct set *s, const char *state_dir, gid_t gid,
	    struct buf *why) ATTR_CHECK;
/* One file, to an open empty descriptor (the fuzz target uses it). */
int	set_compile_file(struct set *s, enum table_cdb id, int fd) ATTR_CHECK;

#endif
