/*
 * A door to the mailboxes of one account (lib/mail/door.h), asked of the
 * running store: for the commands that list, export and import mail. Besides
 * what sessions may, it makes mailboxes and messages with numbers of their own
 * (door_adopt, door_import). Who parses what comes from outside can do so in a
 * process of its own that has nothing but the door's descriptor.
 *
 * DIAGNOSTICS: a store that is not running is CTL_LATER, an account that is not
 * in the tables CTL_REFUSED, with one line.
 */
#ifndef CTL_CTL_DOOR_H
#define CTL_CTL_DOOR_H

#include "ctl/ctl.h"
#include "lib/mail/door.h"

/* CTL_DONE and the door's descriptor, of the account with that full address;
   or another exit status. */
int	door_of(struct ctl *c, const char *account, int *fd_r);
/* The same of one for migrate, which may remove messages or not. */
int	door_migrate(struct ctl *c, const char *account, int removes,
	    int *fd_r);
/* The same by an address as the operator writes it, into d; account_r (of
   ADDRESS_MAX + 1 octets), if not NULL, is the full one. */
int	door_named(struct ctl *c, const char *address, struct door *d,
	    char *account_r);
/* The same of one that can neither read mail nor remove any: for who parses
   what comes from elsewhere. */
int	door_named_adds(struct ctl *c, const char *address, struct door *d,
	    char *account_r);
/* Says what the last call of d failed with. CTL_LATER, or CTL_REFUSED. */
int	door_said(const struct door *d, const char *what);

/* Flags and special uses by name; they end with NULL. */
struct door_bit {
	const char *name;
	uint32_t bit;
};
extern const struct door_bit door_flags[], door_uses[];

#endif
