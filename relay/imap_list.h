/*
 * The mailboxes of an account on an IMAP server: those of its personal
 * namespace (RFC 2342, RFC 3501 6.3.8), with their special uses (RFC 6154) and
 * whether they are subscribed.
 *
 * A name has three forms: as the server wrote it, which goes back to it
 * unchanged; in UTF-8, taken from modified UTF-7, or as it is after ENABLE
 * UTF8=ACCEPT, or where it is no proper UTF-7; and, as ours, without the
 * namespace's prefix and with "/" between the levels.
 *
 * Bounds: IMAP_MAILBOXES_MAX, IMAP_NAME_MAX; what is over them is left out and
 * counted.
 */
#ifndef RELAY_IMAP_LIST_H
#define RELAY_IMAP_LIST_H

#include "relay/imap_client.h"

enum {
	IMAP_MAILBOXES_MAX = 10000,
	IMAP_NAME_MAX = 1000,		/* octets, in each form */
};

struct imap_mailbox {
	char	*wire;
	char	*name;		/* ours */
	unsigned uses;		/* enum door_attr of a special use */
	int	 noselect;	/* a name alone */
	int	 subscribed;
};

struct imap_list {
	struct imap_mailbox *v;	/* in the order of their names, INBOX first */
	size_t	 n, cap;
	unsigned left_out;	/* names that cannot be had */
	/* The personal namespace: "INBOX." and '.'; '\0': no levels. */
	char	 prefix[IMAP_NAME_MAX + 1], delimiter;
};

/* Asks for all. */
enum imap_result imap_list(struct imap_client *c, struct imap_list *l)
	    ATTR_CHECK;
void	imap_list_clear(struct imap_list *l);

/*
 * What a mailbox of that name is called here, by prefix and delimiter of the
 * list. 0; -1: it is none of ours (another user's, no name).
 */
int	imap_list_name(const struct imap_list *l, const char *utf8, char delim,
	    struct buf *out) ATTR_CHECK;

#endif
