/*
 * Bounds that several programs share. Each is stated in the man page of the
 * program that enforces it.
 */
#ifndef LIB_MAIL_LIMITS_H
#define LIB_MAIL_LIMITS_H

enum {
	ADDRESS_MAX = 320,		/* more than a path of RFC 5321 has */
	/* RFC 5321 4.5.3.1.1 asks for 64; senders of lists write more. */
	LOCAL_PART_MAX = 255,
	ACCOUNT_LOCAL_MAX = 64,		/* of an account's name */
	DOMAIN_MAX = 255,		/* 4.5.3.1.2 */
	LABEL_MAX = 63,
	RECIPIENTS_MAX = 1000,		/* of one message */
	HOPS_MAX = 50,			/* Received headers */
	ALIAS_DEPTH = 20,		/* aliases in a row */
	HEADER_BLOCK_MAX = 256 * 1024,
	HEADER_COUNT_MAX = 1000,
	MIME_DEPTH_MAX = 100,
	MIME_PARTS_MAX = 10000,
	PASSWORD_MAX = 1024,
	SECRET_MAX = 4096,		/* a password or an access token of
					   ours, at a provider */
	ENVID_MAX = 100,		/* RFC 3461 4.4 */
	ORCPT_MAX = 500,		/* RFC 3461 4.2 */
	MESSAGE_ID_MAX = 250,		/* of the log and the envelope */
	UIDL_MAX = 70,			/* RFC 1939 7 */
	MAIL_HOSTS_MAX = 20,		/* of one mail domain, that are tried */
	MAIL_ADDRESSES_MAX = 8,		/* of one of them */
	QUEUE_ID_LEN = 16,		/* lower-case hexadecimal digits */
	/*
	 * Octets of the disk that stay free for the tables: below it store
	 * adds nothing, and queue takes nothing in well before that.
	 */
	DISK_FLOOR = 64 << 20,
};

#endif
