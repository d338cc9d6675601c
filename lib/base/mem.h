/*
 * Memory. Out of memory ends the process through log_fatal: a small program
 * that restarts is simpler to trust than a branch that is never tested.
 * Whatever a remote party can make grow has its bound elsewhere (buf max).
 */
#ifndef LIB_BASE_MEM_H
#define LIB_BASE_MEM_H

#include <stddef.h>

#include "lib/base/attr.h"

/* Like malloc, calloc (checked product) and strdup, but never NULL. */
void	*mem_alloc(size_t size) ATTR_MALLOC;
void	*mem_zalloc(size_t n, size_t size) ATTR_MALLOC;
void	*mem_realloc(void *p, size_t n, size_t size);
char	*mem_strdup(const char *s) ATTR_MALLOC;
/* Copies len octets and adds a NUL. */
char	*mem_strndup(const char *s, size_t len) ATTR_MALLOC;

/* Overwrites a secret; the compiler may not drop it. */
void	mem_wipe(void *p, size_t len);

/*
 * Compares len octets in a time that depends on len alone; 1 if equal.
 */
int	mem_equal_secret(const void *a, const void *b, size_t len) ATTR_CHECK;

#endif
