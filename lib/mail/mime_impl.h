/*
 * What a tree is made of: for mime.c alone.
 */
#ifndef LIB_MAIL_MIME_IMPL_H
#define LIB_MAIL_MIME_IMPL_H

#include "lib/mail/mime.h"

/* Memory that goes at once; chunks NULL at the start. */
struct mime_arena {
	struct mime_chunk *chunks;
};
/* Zeroed. */
void	*mime_arena_get(struct mime_arena *a, size_t size);
void	mime_arena_clear(struct mime_arena *a);

/*
 * Takes a field's first line. Returns the text that its continuation lines
 * go on in, NULL where the field is not asked for.
 */
struct mime_text *mime_field_line(struct mime_part *part, const char *p,
	    const char *eol);

#endif
