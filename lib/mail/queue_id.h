/*
 * The name of a message while it is in the queue: QUEUE_ID_LEN lower-case
 * hexadecimal digits. The body's file bears it, log lines name it, and store
 * keeps it with what it delivered.
 */
#ifndef LIB_MAIL_QUEUE_ID_H
#define LIB_MAIL_QUEUE_ID_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/mail/limits.h"

/* The digits and a NUL. */
void	queue_id_text(uint64_t id, char text_r[QUEUE_ID_LEN + 1]);
/* 0, or -1 where the len octets are no queue id; id_r may be NULL. */
int	queue_id_parse(const char *p, size_t len, uint64_t *id_r) ATTR_CHECK;

#endif
