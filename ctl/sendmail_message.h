/*
 * Recipients as the caller wrote them, and the message that is made of what he
 * typed.
 */
#ifndef CTL_SENDMAIL_MESSAGE_H
#define CTL_SENDMAIL_MESSAGE_H

#include "ctl/sendmail.h"

/*
 * Adds the recipients of a list as the caller wrote it ("anna", "Anna
 * <anna@example.test>, bert"); one that is there already counts once. 0, or -1
 * with why: one is bad, or there is none; some may have been added then.
 */
int	sendmail_add(struct sendmail *s, const char *p, size_t len,
	    struct buf *why) ATTR_CHECK;
/* Reads an address, adding the origin to a bare name. 0, or -1 with why. */
int	sendmail_address(const struct sendmail *s, const char *p, size_t len,
	    char out[ADDRESS_MAX + 1], struct buf *why) ATTR_CHECK;
/*
 * The address of a sender as -f brings it: with a name, comments and blanks
 * around it, or none. Empty: the null sender. 0, or -1 with why: it is not one
 * address.
 */
int	sendmail_sender(const char *p, size_t len, struct buf *out,
	    struct buf *why) ATTR_CHECK;

/*
 * Makes what is sent of what was typed: every line end is CRLF (a bare CR is
 * one too: mail knows no other meaning), a NUL is a blank, a line of one dot
 * ends the message unless dot_is_text, mbox "From " lines at the start go. With
 * -t the recipients are read from To, Cc and Bcc, or from Resent-To, Resent-Cc
 * and Resent-Bcc where one of these is there; Bcc and Resent-Bcc are taken out.
 * A missing From is added. 0, or -1 with why.
 */
int	sendmail_prepare(struct sendmail *s, const char *p, size_t len,
	    struct buf *out, struct buf *why) ATTR_CHECK;

#endif
