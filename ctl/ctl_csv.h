/*
 * Comma-separated values (RFC 4180): fields with commas, quotes and line ends
 * stand in double quotes. A line may end in LF alone, and the text may begin
 * with the UTF-8 mark of spreadsheets; an empty line is passed over. Where the
 * first line has more semicolons than commas they part the fields, as Excel
 * writes it where a comma parts decimals.
 *
 * DIAGNOSTICS: what is wrong is said with the number of its line.
 */
#ifndef CTL_CTL_CSV_H
#define CTL_CTL_CSV_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

struct csv {
	const char *p, *end;	/* what is left; the caller's */
	unsigned line;		/* of the row that was read last, from 1 */
	unsigned next;
	int	 utf16;
	char	 between;	/* what parts fields */
};

void	csv_init(struct csv *c, const char *p, size_t len);
/*
 * The next row: its fields, packed lv (buf_put_lv), replace what is in fields,
 * n_r is how many. 1; 0 at the end; -1 with why: a quote that is not ended, or
 * stands where none may, a NUL, fields that do not fit fields->max.
 */
int	csv_row(struct csv *c, struct buf *fields, size_t *n_r,
	    struct buf *why) ATTR_CHECK;

#endif
