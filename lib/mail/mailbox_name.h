/*
 * Names of mailboxes, as store keeps them: levels with "/" between them.
 */
#ifndef LIB_MAIL_MAILBOX_NAME_H
#define LIB_MAIL_MAILBOX_NAME_H

/*
 * Whether it may be one: UTF-8 without control characters, 1 to
 * DOOR_NAME_MAX octets, levels neither empty, "." nor "..", not too deep.
 */
int	mailbox_name_ok(const char *name);
/* "inbox" in any case is INBOX, also as the first level. */
void	mailbox_name_fix(char *name);

#endif
