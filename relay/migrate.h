/*
 * migrate: brings the mail of one account from another server (IMAP) into one
 * account here. The files: migrate_job.c has the course of it, migrate_map.c
 * the names, migrate_box.c one mailbox, migrate_bring.c its messages,
 * migrate_flags.c what changed of those that are here, migrate_tell.c the words
 * to the command, migrate_state.c what is kept between two runs.
 *
 * What is done here is done so often as it is begun, with the same outcome: a
 * message has an id for life that its place there makes (migrate_id), the file
 * says what was brought. So a kill at any point loses nothing and brings
 * nothing twice.
 */
#ifndef RELAY_MIGRATE_H
#define RELAY_MIGRATE_H

#include <stdint.h>

#include "lib/mail/door.h"
#include "lib/mail/migrate.h"
#include "relay/imap_fetch.h"
#include "relay/imap_list.h"
#include "relay/imap_login.h"
#include "relay/migrate_state.h"

enum {
	MIGRATE_LIST_MAX = 4 << 20,	/* messages of a mailbox */
	/* Messages that become some together. */
	MIGRATE_BATCH = 31,
	MIGRATE_BATCH_SIZE = 8 << 20,	/* octets of them, if several */
	MIGRATE_ORIGIN = 32,
};

struct migrate {
	struct chan *ctl;		/* borrowed */
	struct door door;
	struct imap_client imap;
	struct imap_list list;
	struct state state;
	unsigned flags;			/* enum mg_flag */
	uint64_t most;			/* octets of a message */
	unsigned char origin[MIGRATE_ORIGIN]; /* stands for server and login */
	int	 part;			/* something was passed over */
	struct buf words;		/* why it ends */
};

/* A message there. */
struct source_message {
	uint32_t uid;
	uint32_t flags;			/* enum door_flag */
	uint64_t keywords;		/* bits of the state's mailbox */
	int64_t	 date;			/* INTERNALDATE */
	uint64_t size;			/* as the server says */
	int	 has_date;
	int	 left;			/* it stays there */
};

struct source_range { uint32_t first, last; };

/* A mailbox while it is brought. */
struct box {
	struct migrate *g;
	const struct imap_mailbox *src;
	const char *name;		/* here */
	unsigned state;			/* its number in g->state */
	struct imap_box there;
	int	 told;			/* only what changed was told */
	struct source_message *v;	/* that is there, by uid */
	size_t	 n, cap;
	int	 too_many;
	int	 cut;			/* it was not listed whole */
	struct source_range *vanished;
	size_t	 n_vanished, cap_vanished;
	struct door_mailbox here;	/* id 0: not yet */
	int	 keep;			/* it has the UIDVALIDITY of there */
	uint64_t brought, octets, changed, gone, left;
};

/* migrate_step.c. The id for life of a message. */
void	migrate_id(const struct migrate *g, const struct box *b, uint32_t uid,
	    unsigned char id_r[DOOR_ID]);

/* How a step ends. */
enum step {
	STEP_DONE,
	STEP_PASS,	/* this mailbox alone is passed over: g->words */
	STEP_END,	/* nothing goes on: g->words */
};

/* What an answer of the server means for a mailbox; g->words. */
enum step migrate_there(struct migrate *g, enum imap_result r);
/* What door_error means. */
enum step migrate_here(struct migrate *g);
/* Writes what is to be kept, synced. */
enum step migrate_keep(struct migrate *g);

/* migrate_job.c: the whole of it, from the job on. */
void	migrate_run(struct migrate *g, struct msg *job, SSL_CTX *ctx,
	    int (*stop)(void), int wake);

/* migrate_map.c: what each mailbox of the list is called here, in order;
   free each, and the array. NULL: it is no mailbox. */
char	**migrate_map(const struct imap_list *l, const struct door_mailbox *here,
	    size_t n_here);

/* migrate_box.c */
enum step migrate_box(struct migrate *g, const struct imap_mailbox *src,
	    const char *name);

/* migrate_flags.c: the messages that are here already. */
enum step migrate_flags(struct box *b);
enum step migrate_gone(struct box *b);

/* migrate_bring.c: those that are not. */
enum step migrate_bring(struct box *b);

/* migrate_tell.c. What the command does not read ends the process. */
void	tell_mailbox(struct migrate *g, const struct box *b,
	    const char *words);
void	tell_skipped(struct box *b, uint32_t uid, const char *words);
void	tell_progress(struct migrate *g, const char *name, uint64_t done,
	    uint64_t total);
void	tell_end(struct migrate *g, enum mg_status status, const char *words);

#endif
