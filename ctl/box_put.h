/*
 * The target of an import: messages go into the mailboxes of one account, a
 * batch at a time, each once. What is there already is known by its id
 * (box_ids.h), which store keeps with the message: so an import that was cut
 * off goes on, and a second one brings only what is new.
 *
 * Calls that return -1 have said why; status is the exit status then, and the
 * import ends.
 */
#ifndef CTL_BOX_PUT_H
#define CTL_BOX_PUT_H

#include <stdint.h>

#include "ctl/box_ids.h"
#include "lib/base/buf.h"
#include "lib/mail/door.h"
#include "lib/mail/mime.h"

enum {
	BOX_BATCH = 500,		/* messages of one commit */
	BOX_BATCH_OCTETS = 64 << 20,	/* or so many octets */
	BOX_MESSAGE_MAX = 1 << 30,	/* what is larger is left out */
	BOX_SKIPPED_TOLD = 100,		/* lines of what was left out */
};

struct box_message {
	unsigned char id[DOOR_ID];
	uint32_t uid;			/* wanted; 0: the next */
	uint32_t flags;			/* enum door_flag */
	struct buf *keywords;		/* packed lv, or NULL */
	int64_t	 date;
};

struct box_put {
	struct door *door;
	int	 dry;			/* nothing is written */
	int	 progress;		/* to standard error */
	int	 status;
	struct box_ids there;		/* in the account */
	uint64_t imported, known, skipped, renumbered;

	char	*name;			/* of the mailbox */
	uint32_t id;
	int	 keeps;			/* it has the wanted UIDVALIDITY */
	uint32_t next;			/* uids from there on are free */

	struct door_imported *list;
	char	(*file)[DOOR_FILE_NAME + 1];
	size_t	 n;
	uint64_t octets;

	/* the message that is being written */
	int	 fd;
	struct buf out;
	uint64_t size;
	uint32_t crc;
	int	 cr, failed;
	struct mime_header_end header;
	struct door_tail tail;
};

/* Asks what is there. dry: nothing will be changed. 0, or -1. */
int	box_put_init(struct box_put *p, struct door *d, int dry) ATTR_CHECK;
void	box_put_clear(struct box_put *p);
/* From here on it is the mailbox name (UTF-8), with these attributes and, with
   uidvalidity not 0, that one if it can be. 0, or -1. */
int	box_put_mailbox(struct box_put *p, const char *name, uint32_t attrs,
	    uint32_t uidvalidity) ATTR_CHECK;
/* It has all of it: UIDNEXT is uidnext at least, unless that is 0. */
int	box_put_mailbox_end(struct box_put *p, uint32_t uidnext) ATTR_CHECK;
/* One more is there already: 1, and counted; else 0. */
int	box_put_known(struct box_put *p, const unsigned char *id);
/* A message begins. Its octets; lines get CRLF. 0, or -1. */
int	box_put_begin(struct box_put *p) ATTR_CHECK;
void	box_put_octets(struct box_put *p, const char *data, size_t len);
/* It ends, and will be there; or it does not come, which is no fault. */
int	box_put_end(struct box_put *p, const struct box_message *m) ATTR_CHECK;
void	box_put_cancel(struct box_put *p);
/* Something of the source is left out, for that reason. */
void	box_put_skip(struct box_put *p, const char *what, const char *why);
/* What was imported, on standard output. */
void	box_put_report(const struct box_put *p);

#endif
