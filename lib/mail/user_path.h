/*
 * The name of an account as the path of its folder below spool/mail, which
 * store reads and the operator is told.
 */
#ifndef LIB_MAIL_USER_PATH_H
#define LIB_MAIL_USER_PATH_H

#include <stddef.h>

#include "lib/base/attr.h"

/*
 * "local@domain" as "domain/local", octets outside a-z 0-9 . _ + = - as %XX,
 * and so a leading dot. 0, or -1: no name of an account.
 */
int	user_path(const char *name, char *path, size_t size) ATTR_CHECK;
/* The way back. */
int	user_path_name(const char *path, char *name, size_t size) ATTR_CHECK;

#endif
