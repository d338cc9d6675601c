/*
 * Between the files of the back end of bodies and texts: body_file.c (bodies),
 * body_link.c (their names), body_list.c (enumerations), text_file.c (texts).
 * Nobody else knows that they are files below one folder.
 */
#ifndef STORE_BODY_IMPL_H
#define STORE_BODY_IMPL_H

#include "store/body.h"

/* The descriptor of the mail folder; of that of fresh files. */
int	body_root(void);
int	body_fresh(void);
/* Of queue's bodies; -1: it is not there. */
int	body_queue(void);
/* What that errno means; sets it, where it tells. */
enum body_result body_failed(int e);
/* A folder below it, O_RDONLY; -1 with errno. */
int	body_dir(const char *path);
/* Makes the names in a folder below it durable. 0, or -1 with errno. */
int	body_sync_path(const char *path) ATTR_CHECK;

#endif
