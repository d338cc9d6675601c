/*
 * Records of messages, into the account's batch.
 */
#ifndef STORE_ACCOUNT_MESSAGE_H
#define STORE_ACCOUNT_MESSAGE_H

#include "lib/mail/door.h"
#include "store/record.h"

struct account;
struct mailbox;

/* A message that comes into being, with those keywords: it gets an id. */
void	mailbox_put_new(struct mailbox *m, const struct door_record *d,
	    const struct keyword_set *keywords);
/* Or it has that one, unless it is NULL or zeros. */
void	mailbox_put_id(struct mailbox *m, const struct door_record *d,
	    const struct keyword_set *keywords, const unsigned char *id);
/* The same of one that an APPEND brings, whose flags file and followers are to
   know of it. It gets its modseq; the row of the mailbox is for the caller to
   write. */
void	mailbox_add(struct mailbox *m, struct door_record *rec,
	    const struct keyword_set *keywords, const unsigned char *id);
/* When that is durable: it may be seen. */
void	mailbox_added(struct mailbox *m, const struct door_record *rec);
/* One that has its id from elsewhere. */
void	mailbox_put(struct mailbox *m, const struct record *r);
/* A changed one, whose modseq was another before. */
void	mailbox_put_again(struct mailbox *m, struct record *r, uint64_t was);
/* Its rows go, but for what tells that it was there. */
void	mailbox_del(struct mailbox *m, const struct record *r);
/* A record that an earlier version wrote has no id: it gets the one that can
   be told from where it lies. */
void	message_id(const struct account *a, uint32_t mailbox,
	    struct record *r);
/* Records that are kept: what lies in the row is lent, a copy of it their
   own. */
void	message_keep(struct record *r);
/* One that is kept has those keywords now. */
void	message_keep_keywords(struct record *r,
	    const struct keyword_set *s);
void	messages_free(struct record *list, size_t n);

#endif
