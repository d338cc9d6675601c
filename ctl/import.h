/*
 * Accounts from a table of a spreadsheet (user import, user export): a row
 * each, the columns by the names in the first row. user is the address;
 * password, hash, disabled, groups and aliases; and each grant by its key
 * (ctl_grants.h). An empty field leaves what is there.
 *
 * All rows go into the tables in memory; what is wrong with them is gathered,
 * "FILE:LINE: reason" each, and then nothing is saved.
 */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "ctl/ctl.h"
#include "ctl/ctl_set.h"

enum import_column {
	IMPORT_USER, IMPORT_PASSWORD, IMPORT_HASH, IMPORT_DISABLED,
	IMPORT_GROUPS, IMPORT_ALIASES,
	IMPORT_GRANT,		/* the first of enum grant */
	IMPORT_COLUMNS = IMPORT_GRANT + GRANTS,
};

enum {
	IMPORT_FILE_MAX = 64 << 20,
	IMPORT_ROW_MAX = 256 * 1024,
};

struct import {
	struct ctl *c;
	struct set *s;
	int	 dry;
	void	*seen;		/* tsearch(3): addresses */
	struct buf made;	/* lv user, lv password: to be told once */
	size_t	 n_new, n_changed;
};

/* The name of a column; and the column of that name, or -1. */
const char *import_name(enum import_column i);
int	import_find(const char *name);
/* A row: NULL or an empty text where there is no such field. 0, or -1 with
   why. */
int	import_row(struct import *im, char *const field[IMPORT_COLUMNS],
	    struct buf *why) ATTR_CHECK;
void	import_clear(struct import *im);

#endif
