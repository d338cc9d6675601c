/*
 * sendmail: a message from standard input, by SMTP, to the suite's socket
 * run/submit, where the kernel says who sends. Nothing is setuid; the program
 * has no rights but the caller's.
 *
 * Where the suite is down the message is left in the drop directory
 * (lib/mail/drop.h), and master has it sent by pickup when there is one.
 *
 * Exit status as sysexits(3). What cannot be taken now is EX_TEMPFAIL, and
 * the caller keeps the message.
 */
#ifndef CTL_SENDMAIL_H
#define CTL_SENDMAIL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/limits.h"

struct sendmail {
	const char *state_dir, *hostname;
	uint64_t message_size;
	char	 origin[DOMAIN_MAX + 1]; /* added to a name without a domain */
	int	 from_header;		/* -t: recipients from the fields */
	int	 dot_is_text;		/* -i, -oi */
	const char *full_name;		/* -F or NULL */
	uint32_t notify, ret;		/* -N, -R: enum q_notify, q_ret; or 0 */
	char	 envid[ENVID_MAX + 1];	/* -V as xtext, or "" */
	char	 sender[ADDRESS_MAX + 1]; /* "": the null sender */
	char	 caller[ADDRESS_MAX + 1]; /* From where the sender is null */
	char	**to;
	size_t	 n_to;
	/*
	 * pickup's, else NULL: the message was promised, so those recipients
	 * that are taken get it, and what is refused for good is told here, a
	 * line each.
	 */
	struct buf *refusals;
};

#endif
