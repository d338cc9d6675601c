/*
 * sendmail: a message from standard input, by SMTP, to the suite's socket
 * run/submit, where the kernel says who sends. Nothing is setuid; the program
 * has no rights but the caller's.
 *
 * Exit status as sysexits(3). What cannot be taken now is EX_TEMPFAIL, and
 * the caller keeps the message.
 */
#ifndef CTL_SENDMAIL_H
#define CTL_SENDMAIL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/mail/limits.h"

struct sendmail {
	const char *state_dir, *hostname;
	uint64_t message_size;
	char	 origin[DOMAIN_MAX + 1]; /* behind a name without a domain */
	int	 from_header;		/* -t: recipients from the fields */
	int	 dot_is_text;		/* -i, -oi */
	const char *full_name;		/* -F or NULL */
	char	 sender[ADDRESS_MAX + 1]; /* "": the null sender */
	char	 caller[ADDRESS_MAX + 1]; /* From where the sender is null */
	char	**to;
	size_t	 n_to;
};

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
 * Makes what is sent of what was typed: every line end is CRLF (a bare CR is
 * one too: mail knows no other meaning), a line of one dot ends the message
 * unless dot_is_text, an mbox "From " line goes. With -t the recipients are
 * read from To, Cc and Bcc, or from Resent-To, Resent-Cc and Resent-Bcc where
 * one of these is there; Bcc and Resent-Bcc are taken out. A missing From is
 * added. 0, or -1 with why.
 */
int	sendmail_prepare(struct sendmail *s, const char *p, size_t len,
	    struct buf *out, struct buf *why) ATTR_CHECK;

/* One transaction over fd, which it takes over. The exit status (said). */
int	sendmail_send(const struct sendmail *s, int fd,
	    const struct buf *message);
/* -bs: copies octets between standard input/output and fd. */
int	sendmail_pass(int fd);

/* "sendmail: words" on standard error; gives back status. */
int	sendmail_fail(int status, const char *fmt, ...) ATTR_PRINTF(2, 3);

#endif
