/*
 * A question to PAM (pam(3)): is that the password of this user of the host, and
 * may the user log in? Root and the system's users, and who is not in the group,
 * are refused before PAM is asked.
 *
 * It blocks for as long as PAM's modules do; PAM_ASK_S after its beginning the
 * process ends (111): what hangs in a module cannot be called back.
 */
#ifndef AUTH_PAM_ASK_H
#define AUTH_PAM_ASK_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/mail/proto.h"

enum {
	PAM_ASK_S = 15,
	PAM_WORDS_MAX = 400,	/* octets of what modules say */
};

struct pam_question {
	const char *user, *password, *remote;
};

/*
 * Where the service's file stands: /etc/pam.d/NAME where it is there, else the
 * one that was installed for NAME; a name that begins with "/" is the file. 0,
 * or -1 with why: neither is there, or the build has no PAM.
 */
int	pam_ask_check(const char *service, struct buf *why) ATTR_CHECK;
/*
 * Before the filter is in place: loads the modules of that service, whose
 * members of group may log in. 0, or -1 with why.
 */
int	pam_ask_init(const char *service, const char *group, struct buf *why)
	    ATTR_CHECK;
/* words_r: why, for the log; of no use to anybody else. */
enum p_result pam_ask(const struct pam_question *q, struct buf *words_r)
	    ATTR_CHECK;

#endif
