/*
 * rohrpost.conf as lines: setup changes the keys it was told and keeps every
 * other line, comments too.
 */
#ifndef CTL_CTL_CONF_H
#define CTL_CTL_CONF_H

#include <stddef.h>

#include "lib/base/buf.h"

struct conf_line {
	char	*text;		/* as it stands in the file */
	char	*copy;		/* that key and value lie in */
	char	*key, *value;	/* NULL: blank, a comment, no such line */
};

struct conf_file {
	struct conf_line *lines;
	size_t	 n;
};

void	conf_read(struct conf_file *f, const char *p, size_t len);
void	conf_clear(struct conf_file *f);
void	conf_print(const struct conf_file *f, struct buf *out);
/* Sets the key's line, or adds it at the end; one that has the value already
   stays as the operator wrote it. */
void	conf_set(struct conf_file *f, const char *key, const char *value);
/* Takes the key's line out, so that its default holds; none: nothing. */
void	conf_del(struct conf_file *f, const char *key);
/* The value in the key's line as programs read it, or NULL; until the line is
   set anew. */
const char *conf_get(const struct conf_file *f, const char *key);
/* The number of the key's line, 0 if there is none. */
unsigned conf_line(const struct conf_file *f, const char *key);

#endif
