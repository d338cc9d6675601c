/*
 * What the list commands print: a table for people, or a JSON array of
 * objects (RFC 8259) with --json.
 *
 * A table's columns are as wide as its first rows need (OUT_HOLD of them are
 * held back for that); later rows are printed as they come, so that a list of
 * a million messages takes no memory. Moments are shown in the local zone,
 * lengths of time with a unit, lists with commas, in JSON as seconds (since
 * 1970) and as arrays. Octets that a terminal could
 * obey are shown as \xNN; in JSON what is not UTF-8 becomes U+FFFD. Headings,
 * states, yes and no are in the operator's language, but for JSON.
 */
#ifndef CTL_OUT_H
#define CTL_OUT_H

#include <stddef.h>
#include <stdio.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/mail/proto.h"

enum { OUT_COLUMNS = 32, OUT_HOLD = 1000, OUT_WIDE = 60 };

struct out {
	FILE	*f;
	int	 json;
	char	*names[OUT_COLUMNS];
	size_t	 n_names;
	size_t	 column;		/* of the row being built */
	size_t	 rows;
	size_t	 width[OUT_COLUMNS];
	int	 has_words[OUT_COLUMNS];	/* ctl_heading.h */
	struct buf *held;		/* values of the rows held back */
	int	 flowing;		/* nothing is held back any more */
};

void	out_init(struct out *o, FILE *f, int json);
/* Once, before the first value. At most OUT_COLUMNS. */
void	out_name(struct out *o, const char *name, size_t len);
/* The next value of the row; the last one ends it. */
void	out_value(struct out *o, enum c_value type, const char *p, size_t len);
void	out_text(struct out *o, const char *s);
/* A list, packed lv (buf_put_lv). */
void	out_texts(struct out *o, const struct buf *packed);
void	out_number(struct out *o, uint64_t v);
void	out_bool(struct out *o, int v);
void	out_null(struct out *o);
/* With --json alone: a value that is JSON already. */
void	out_json(struct out *o, const char *json);
/* Ends the list. 0, or -1 where writing failed. */
int	out_end(struct out *o);

/*
 * Appends the text for a terminal: octets that it could obey as \xNN. Returns
 * the columns that it takes.
 */
size_t	out_plain(struct buf *b, const char *text, size_t len);
/* Makes a text that came from others such a one. */
void	out_clean(struct buf *b);
/* Appends the text as a JSON string with its quotes. */
void	out_json_string(struct buf *b, const char *p, size_t len);
/* Appends a value as JSON. */
void	out_json_value(struct buf *b, enum c_value type, const char *p,
	    size_t len);

#endif
