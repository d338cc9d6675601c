/*
 * The header block of a message: fields by offset, without a copy. A field
 * ends at a line end that no blank follows; a lone LF counts as a line end
 * for reading. The block ends with the empty line, or with the data.
 */
#ifndef LIB_MAIL_HEADER_H
#define LIB_MAIL_HEADER_H

#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

struct header_field {
	const char *p;		/* the whole field with its line end */
	size_t	 len;
	const char *name;	/* name_len 0: a line that is no field */
	size_t	 name_len;
	const char *value;	/* behind the colon, as it stands, folds too, */
	size_t	 value_len;	/* without the last line end */
};

struct header {
	const char *p, *end;	/* what was not looked at yet */
};

void	header_init(struct header *h, const char *p, size_t len);
/* The next field: 1, or 0 at the end of the block (p then after it). */
int	header_next(struct header *h, struct header_field *f);
/* True if the field has that name (any case). */
int	header_is(const struct header_field *f, const char *name);
/* The first field of that name: 1, or 0. */
int	header_find(const char *p, size_t len, const char *name,
	    struct header_field *f);
/* The value on one line: folds taken out, blanks at both ends too. 0, or -1
   where out is full. */
int	header_value(const struct header_field *f, struct buf *out)
	    ATTR_CHECK;

enum { HEADER_FOLD = 78 };	/* RFC 5322 2.1.1: a line "SHOULD be" no longer */
/*
 * Appends a field of len octets with a new line before a blank where a line
 * grows longer than HEADER_FOLD; what has no blank stays.
 */
void	header_fold(const char *p, size_t len, struct buf *out);

/* What a header block holds, counted in one pass. */
struct header_counts {
	size_t	 len;		/* octets of the block with the empty line */
	size_t	 fields, received;
	size_t	 malformed;	/* lines that are no field */
	int	 complete;	/* the empty line is there */
	int	 has_date, has_message_id, has_from;
	int	 has_bcc;	/* or Resent-Bcc */
	struct header_field message_id;	/* the first, if there is one */
};
void	header_count(const char *p, size_t len, struct header_counts *c);

#endif
