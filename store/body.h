/*
 * Message bodies: immutable files. put (a fresh file to write), open, link
 * (into a mailbox), drop, list. Texts beside them: text.h. Later back ends come
 * behind these two headers.
 *
 * To link is to say that a message has that body: the back end of files does it
 * by a hard link where it can. A user is named by its path below the mail
 * folder ("example.test/anna", see user_path). The calls do not sync; what
 * was linked or renamed is durable after body_sync of each folder touched.
 *
 * link, expunge and drop are for the syncer thread; put and open for any.
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/buf.h"

enum body_result {
	BODY_DONE,
	BODY_ABSENT,	/* there is no such file, or no such mailbox */
	BODY_FALSE,	/* the file is not what was said: size, inode, writer */
	BODY_FULL,	/* no space, no inode */
	BODY_TROUBLE,	/* errno tells */
};

enum { BODY_NAME = 32, BODY_PATH_MAX = 700 };

/*
 * Opens (and makes) the mail folder and opens the folder of the queue's bodies
 * (missing: deliveries fail until it is there). Removes fresh files of an
 * earlier life. May be called again, for another folder. 0, or -1 with why.
 */
int	body_start(const char *mail, const char *queue, struct buf *why)
	    ATTR_CHECK;

/* Makes files ahead: a batch, and their names durable. For a helper thread. */
void	body_prepare(void);
/* True when body_prepare should be called soon. */
int	body_wants(void);
/* A fresh file: O_WRONLY descriptor, or -1 with errno. */
int	body_put(char name_r[BODY_NAME]);
/* Takes an unused one back. */
void	body_put_back(const char *name);

/* O_RDONLY, freshly opened; -1. */
int	body_open(const char *user, uint32_t mailbox, uint32_t uid);
/* The same of one that was expunged, as long as it is kept. */
int	body_open_expunged(const char *user, uint32_t mailbox, uint32_t uid);

/*
 * Links the queue's file id, of which fd is a descriptor, as the message uid.
 * A name that is taken is ours where it is the same inode; any other file
 * there is an unanswered delivery, and is moved aside. Copies where it cannot
 * link.
 */
enum body_result body_link_queue(const char *user, uint32_t mailbox,
	    uint32_t uid, const char *id, int fd, uint64_t size);
/* The same for a fresh file, whose size and crc32c are checked. */
enum body_result body_link_put(const char *user, uint32_t mailbox,
	    uint32_t uid, const char *name, uint64_t size, uint32_t crc);
/*
 * The same for many, in three steps: has what was written sent to the disk;
 * holds it against size and checksum and makes it durable; links it.
 */
void	body_push(const char *name);
enum body_result body_check(const char *name, uint64_t size, uint32_t crc);
enum body_result body_link_checked(const char *user, uint32_t mailbox,
	    uint32_t uid, const char *name);
/* Message to_uid of to has the same body as from_uid of from. Where that has
   all the links it can the copy that is made is what further ones link to. */
enum body_result body_link(const char *user, uint32_t from, uint32_t from_uid,
	    uint32_t to, uint32_t to_uid);
/* Moves a message to the mailbox's expunged folder, which is made. */
enum body_result body_expunge(const char *user, uint32_t mailbox,
	    uint32_t uid);
enum body_result body_drop(const char *user, uint32_t mailbox, uint32_t uid);
/* What lies there and is no message is moved to the expunged folder, under a
   name that is no message's. */
enum body_result body_aside(const char *user, uint32_t mailbox, uint32_t uid);

/* Syncs the folder of a mailbox, with expunged set its expunged folder. */
int	body_sync(const char *user, uint32_t mailbox, int expunged) ATTR_CHECK;

/* Makes the folder of a mailbox, and all above it, durably. 0, or errno. */
int	body_make_mailbox(const char *user, uint32_t mailbox) ATTR_CHECK;
/* Marks the folder of a mailbox as unused from now on, for the sweeper. */
void	body_unused(const char *user, uint32_t mailbox);

/*
 * What there is. An enumeration goes in slices, in no order; what comes and
 * goes meanwhile may be told or not.
 */
enum body_what {
	BODY_MESSAGES,
	BODY_EXPUNGED = 1,	/* of the expunged folder */
	BODY_LOOK = 2,		/* with all that struct body_entry holds */
};

struct body_entry {
	uint32_t number;	/* uid; in a list of mailboxes, its id */
	int	 aside;		/* expunged: no message, something put there */
	/* With BODY_LOOK. */
	int	 is_body;	/* 0: a folder, or it went away meanwhile */
	uint64_t size;
	int64_t	 mtime;
	int64_t	 since;		/* it has this name, at most; none can set it */
	int64_t	 since_us;	/* the same in microseconds */
	uint32_t links;		/* names that this body has */
	uint64_t body;		/* the same for all of them */
};

enum { BODY_SLICE = 256 };
struct body_list;
struct body_users;

/* Of a mailbox; what: enum body_what. NULL with errno (ENOENT). */
struct body_list *body_list(const char *user, uint32_t mailbox, int what);
/* Of the mailboxes that have a folder. */
struct body_list *body_list_mailboxes(const char *user);
/*
 * The next slice, at most BODY_SLICE, valid until the next call: their number,
 * 0 at the end, -1 with errno.
 */
int	body_list_next(struct body_list *l, const struct body_entry **e_r)
	    ATTR_CHECK;
/* Removes one of that slice. */
int	body_list_drop(struct body_list *l, const struct body_entry *e)
	    ATTR_CHECK;
void	body_list_end(struct body_list **l);

/* All users, by their paths. NULL with errno; 1, or 0 at the end. */
struct body_users *body_users(void);
int	body_users_next(struct body_users *u, char *path, size_t size)
	    ATTR_CHECK;
void	body_users_end(struct body_users **u);

/* 1; 0: it is not there; -1 with errno: that cannot be told. */
int	body_present(const char *user, uint32_t mailbox, uint32_t uid);
int	body_mailbox_present(const char *user, uint32_t mailbox);
/* The same of anything kept in the mailbox: messages, expunged ones, texts. */
int	body_mailbox_used(const char *user, uint32_t mailbox);
int	body_user_present(const char *user);
/* Since when the mailbox is as it is, at most (body_unused), in microseconds.
   0, or -1. */
int	body_mailbox_since(const char *user, uint32_t mailbox,
	    int64_t *since_r) ATTR_CHECK;
/* Removes all of a mailbox that is in no list. 0, or -1 with errno. */
int	body_remove_mailbox(const char *user, uint32_t mailbox) ATTR_CHECK;

/*
 * 1 where the user's folder, or one in it, is a symbolic link, whose path
 * comes in path; 0; -1 with errno.
 */
int	body_user_link(const char *user, char *path, size_t size) ATTR_CHECK;
/*
 * Takes the user's folder with all that is in it out of sight, at once and
 * durably. 1; 0: there is none; -1 with errno.
 */
int	body_user_remove(const char *user) ATTR_CHECK;
/* Gives it to another user, who has none, at once and durably. 0, or -1. */
int	body_user_rename(const char *from, const char *to) ATTR_CHECK;
/*
 * Removes some of what was taken out of sight so. 1: more is left; 0: nothing
 * is; -1 with errno: what cannot go. One call at a time.
 */
int	body_removed_next(void) ATTR_CHECK;
int	body_removed_present(void);

/* Octets free on the mail folder's file system. */
uint64_t body_space(void);
/*
 * A little of it is kept (mail/.reserve), for the small things that must be
 * written on a full disk: the mark of a start, a list of mailboxes with one
 * less, the folder of what is expunged. body_keep makes it where there is room;
 * body_give gives it up: 1 where that helps against errno.
 */
void	body_keep(void);
int	body_give(void);

#endif
