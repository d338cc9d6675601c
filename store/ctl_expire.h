/*
 * What goes by its age: messages of the mailboxes that the operator names
 * (expire, lib/mail/expiry.h), by the time since they came into their mailbox,
 * and of the INBOX those that POP3 deleted (pop3_keep). They are expunged, so
 * they are kept for expunged_keep like others.
 *
 * Ages are by the time that store ran (age.h), and no sweep takes more than
 * EXPIRE_MOST messages.
 */
#ifndef STORE_CTL_EXPIRE_H
#define STORE_CTL_EXPIRE_H

#include "store/file_mailboxes.h"

enum { EXPIRE_MOST = 50000 };

/* In a helper. A sweep begins. */
void	expire_begin(void);
/* What is due in an account with these mailboxes, in slices. */
void	expire_user(const char *name, const struct boxes *b);

#endif
