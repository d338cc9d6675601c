/*
 * What makes a file of lines a table of the operator: a const row each, with
 * the functions that read a line, check the table against the others, and
 * compile it. All else (loading, edits that keep comments and order, the lock,
 * saving, the order of a compile) is done by walks over the rows.
 *
 * A new table is a line in TABLES below, a file table_NAME.c that defines its
 * row, and that file's place in local.mk.
 */
#ifndef CTL_CTL_TABLE_H
#define CTL_CTL_TABLE_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/buf.h"

struct compile;
struct row;
struct set;

/* A table's id in struct set, and the name of its row (table_NAME). */
#define TABLES(T) \
	T(TEXT_DOMAINS, domains) \
	T(TEXT_USERS, users) \
	T(TEXT_PASSWD, passwd) \
	T(TEXT_ALIASES, aliases) \
	T(TEXT_DKIM, dkim) \
	T(TEXT_GROUPS, groups) \
	T(TEXT_COLLECT, collect)

#define TABLE_ID(id, name) id,
enum text_id {
	TABLES(TABLE_ID)
	TEXT_COUNT
};
#undef TABLE_ID

/* The compiled file that a table's records go to (lib/mail/tables.h). */
enum table_cdb {
	TABLE_AUTH,		/* auth/passwd.cdb */
	TABLE_SIGN,		/* jail/dkim.cdb */
	TABLE_COLLECT,		/* jail/collect.cdb */
	TABLE_JAIL,		/* jail/tables.cdb */
	TABLE_CDBS
};

struct table {
	const char *file;	/* in the configuration directory */
	mode_t	 mode;		/* what others may not read is never shown */
	int	 save_first;	/* before the tables that rely on it */
	enum table_cdb cdb;
	/* A line, trimmed, into an empty row; sets its key. 0, or -1. */
	int	(*parse)(const char *p, size_t len, struct row *r,
		    struct buf *why);
	/* A key as the operator types it, in the form of row's. 0, or -1. */
	int	(*key)(const char *p, size_t len, struct buf *out,
		    struct buf *why);
	/* Against the other tables. 0, or -1 with why; warnings into warn. */
	int	(*check)(struct set *s, struct buf *why, struct buf *warn);
	/* Writes its records. */
	void	(*compile)(struct set *s, struct compile *c);
	/* What all programs may know of it, into TABLE_JAIL; or NULL. */
	void	(*publish)(struct set *s, struct compile *c);
};

#define TABLE_ROW(id, name) extern const struct table table_##name;
TABLES(TABLE_ROW)
#undef TABLE_ROW

/* All of them, by id. */
extern const struct table *const ctl_tables[TEXT_COUNT];

#endif
