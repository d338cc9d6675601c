/*
 * Between door.c (the channel: one call, events) and the files of the calls.
 */
#ifndef LIB_MAIL_DOOR_IMPL_H
#define LIB_MAIL_DOOR_IMPL_H

#include "lib/mail/door.h"
#include "lib/mail/door_proto.h"

/* Begins a request in d->chan; its fields are for the caller to add. */
void	door_begin(struct door *d, unsigned type);
/*
 * Sends the request that was begun and waits for its answer, which must be of
 * type want. m is the caller's to msg_done after 0. -1 with door_error.
 */
int	door_call(struct door *d, unsigned want, struct msg *m) ATTR_CHECK;
/* Sends the request that was begun in d->chan; 0, or -1. */
int	door_send(struct door *d) ATTR_CHECK;
/* Appends the packed u32 of a field to an array. */
void	door_get_uids(const struct msg *m, uint8_t tag, uint32_t **list,
	    size_t *n);
/* A call whose answer tells nothing. */
int	door_do(struct door *d) ATTR_CHECK;
/* A call that is not waited for: may one be begun? 0, or -1. It was sent. */
int	door_later_may(struct door *d) ATTR_CHECK;
void	door_later_begun(struct door *d, uint32_t *id_r);
/* What a message is that is to be appended; then that it is number i (from 0)
   of n, which sends it, or lets it wait for more. 0, or -1. */
void	door_put_append(struct door *d, unsigned type, uint32_t id,
	    const struct door_appended *a);
int	door_put_part(struct door *d, size_t i, size_t n) ATTR_CHECK;
/* Both are -1: the call has failed, or store is lost and the channel closed. */
int	door_fail(struct door *d, enum door_error e, const char *words);
int	door_lost(struct door *d, const char *words);

#endif
