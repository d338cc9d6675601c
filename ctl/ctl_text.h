/*
 * One of the operator's text tables (ctl_table.h has their list). They are the
 * truth; what is compiled from them (ctl_compile.h) can be made again.
 *
 * A table in memory keeps every line, comments and order too, so that an edit
 * changes the line it means and no other. A comment has a line of its own and
 * starts with "#".
 *
 *   domains   example.test          example.com = alias example.test
 *             example.test domain_quota=50G quota=2G
 *   users     anna@example.test     anna@example.test quota=2G,10000 disabled
 *   groups    staff quota=2G : anna@example.test bert@example.test
 *   passwd    anna@example.test:$y$...
 *   aliases   sales@example.test = anna@example.test, bob@example.org
 *             @example.test = anna@example.test       (catch-all; the
 *                 same as *@example.test = ...)
 *             shop-*@example.test = bob@example.test  (wildcard)
 *             postmaster = anna@example.test          (at every domain)
 *             team@example.test owner=anna@example.test = ...  (a list)
 *
 * DIAGNOSTICS: a bad line is answered with "FILE:LINE: words"; several in why,
 * a line each, the first TEXT_COMPLAINTS of them.
 */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stddef.h>

#include "ctl/ctl_row.h"
#include "ctl/ctl_table.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	TEXT_LINE_MAX = 64 * 1024,
	TEXT_FILE_MAX = 256 * 1024 * 1024,
	TEXT_COMPLAINTS = 20,
};

struct text_line {
	char	*text;		/* without the line end */
	struct row *row;	/* NULL: blank or comment */
	int	 derived;	/* it stands in no file (text_derive) */
};

struct text {
	const struct table *table;
	struct text_line *lines;
	size_t	 n, cap;
	void	*tree;		/* rows by key: tsearch(3) */
	int	 dirty;
};

void	text_init(struct text *t, const struct table *table);
void	text_clear(struct text *t);
/* Reads len octets; dir is for messages. 0, or -1 with why. */
int	text_parse(struct text *t, const char *dir, const char *p, size_t len,
	    struct buf *why) ATTR_CHECK;
/* Reads the file; a missing one is an empty table. 0, or -1 with why. */
int	text_load(struct text *t, int dirfd, const char *dir, struct buf *why)
	    ATTR_CHECK;
/* The edited file beside its place, as NAME.new (fd_stage). 0, or -1. */
int	text_stage(const struct text *t, int dirfd) ATTR_CHECK;
/* The whole file, as text_stage would write it. */
void	text_print(const struct text *t, struct buf *out);

struct row *text_find(const struct text *t, const char *key);
/* The next row in the order of the file, from *i (0 at the start); or NULL. */
struct row *text_next(const struct text *t, size_t *i);

/*
 * Adds a line at the end. -1 with why: bad, blank, a comment, or its key is
 * there already.
 */
int	text_add(struct text *t, const char *line, struct buf *why) ATTR_CHECK;
/* Puts line in the place of the row key; -1: as above, or no such row. */
int	text_set(struct text *t, const char *key, const char *line,
	    struct buf *why) ATTR_CHECK;
/* The same for a row that is at hand; *r is the new one. */
int	text_change(struct text *t, struct row **r, const char *line,
	    struct buf *why) ATTR_CHECK;
/*
 * Finds the row that the line would be the key of, or adds the line so that it
 * counts but is not written; an edit of it makes it one of the file. 0, or -1
 * with why.
 */
int	text_derive(struct text *t, const char *line, struct row **r,
	    struct buf *why) ATTR_CHECK;
/* Takes out all lines that are not written. */
void	text_underive(struct text *t);
/* Takes the row's line out. 0, or -1: no such row. */
int	text_del(struct text *t, const char *key) ATTR_CHECK;

/* Adds "dir/FILE:LINE: words" to why; says when enough was said. */
void	text_complain(const char *dir, const struct text *t, unsigned line,
	    struct buf *why, const char *fmt, ...) ATTR_PRINTF(5, 6);

#endif
