/*
 * Who speaks on the local socket. The kernel tells the uid; the name belongs
 * to it in the password file, read before the jail hides that. Asking NSS for
 * each client would need files and libraries that a jail does not have.
 *
 * The rule for senders: root, the uid we run under where nothing is jailed (a
 * trial) and the users named in local_trusted may use any; everybody else is
 * name@hostname, and <>.
 */
#ifndef SMTPD_SMTPD_LOCAL_H
#define SMTPD_SMTPD_LOCAL_H

#include "smtpd/smtpd.h"

/*
 * Who sends what root has left in the drop directory (lib/mail/drop.h), and is
 * root here: the user of pickup's row.
 */
#define LOCAL_PICKUP	"rp-pickup"

/*
 * Before the jail: reads names of uids in the password file at path, and
 * trusted, a list of names. 0, or -1 (said).
 */
int	smtpd_local_init(const char *path, const char *trusted) ATTR_CHECK;
/* 0: the password file is another one now, or was changed. */
int	smtpd_local_current(void);
/*
 * Has a user that name of len octets? Case does not count. With people only
 * root and uids from 1000 on count: others are services.
 */
int	smtpd_local_names(const char *name, size_t len, int people);
/* Are they all system users? 0; -1 with why. */
int	smtpd_local_check(const char *trusted, struct buf *why);
/* May that uid use any sender? */
int	smtpd_local_trusts(long uid);
/* From now on those that the list names are trusted. */
void	smtpd_local_trust(const char *trusted);
/* Fills in login, trusted and nameless for a client of the local socket. */
void	smtpd_local_login(struct smtp_session *s, long uid);
/* May the local user use that sender? */
int	smtpd_local_owns(const struct smtp_session *s, const char *address);
/*
 * The account that the local user's name at the host's leads to: name_r, empty
 * where it is none (an alias, nobody). LOOKUP_ERROR: later. list is scratch.
 */
enum lookup smtpd_local_account(const struct smtp_session *s,
	    struct buf *name_r, struct buf *list);

#endif
