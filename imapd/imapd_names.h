/*
 * The user's mailboxes by name: store's list, read when it is asked for and
 * kept until store says that it changed (imapd_events.h).
 */
#ifndef IMAPD_IMAPD_NAMES_H
#define IMAPD_IMAPD_NAMES_H

#include "lib/mail/door.h"

#include "imapd/imapd_args.h"

struct imapd_session;

/* Forgets the list. */
void	imapd_names_drop(void);
/* All, sorted, INBOX first; NULL: imapd_door says why. Borrowed. */
const struct door_mailbox *imapd_names_all(size_t *n_r);
/*
 * The mailbox of that name (UTF-8) that can be selected; NULL: imapd_door
 * says why. Borrowed until the next call of the door.
 */
const struct door_mailbox *imapd_names_find(const char *name);
/* Has the mailbox of that name children? */
int	imapd_names_children(const struct door_mailbox *list, size_t n,
	    const char *name);
/* The mailboxes below a name: they stand from what is returned to *end_r. */
size_t	imapd_names_below(const struct door_mailbox *list, size_t n,
	    const char *name, size_t len, size_t *end_r);
/* Is that name in the list, selectable or not? */
int	imapd_names_has(const struct door_mailbox *list, size_t n,
	    const char *name, size_t len);
/*
 * A name as the client wrote it (modified UTF-7), as UTF-8 in out; INBOX in
 * capitals. 0, or -1.
 */
int	imapd_names_read(const char *p, size_t len, struct buf *out) ATTR_CHECK;
/* The same for an argument; answers the client itself on -1. */
int	imapd_names_arg(struct imapd_session *s, const struct imapd_arg *a,
	    struct buf *out) ATTR_CHECK;
/* The name as a quoted string of modified UTF-7. */
void	imapd_names_put(struct buf *out, const char *name, size_t len);

#endif
