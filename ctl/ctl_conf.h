/*
 * rohrpost.conf as lines: setup changes the keys it was told and keeps every
 * other line, comments too.
 */
#ifndef CTL_CTL_CONF_H
#define CTL_CTL_CONF_H

#include <stddef.h>

#include "lib/base/buf.h"

struct conf_file {
	char	**lines;
	size_t	 n;
};

void	conf_read(struct conf_file *f, const char *p, size_t len);
void	conf_clear(struct conf_file *f);
void	conf_print(const struct conf_file *f, struct buf *out);
/* Sets the key's line, or adds it at the end. */
void	conf_set(struct conf_file *f, const char *key, const char *value);
/* The value in the key's line, or NULL. */
const char *conf_get(const struct conf_file *f, const char *key);
/* The number of the key's line, 0 if there is none. */
unsigned conf_line(const struct conf_file *f, const char *key);

#endif
