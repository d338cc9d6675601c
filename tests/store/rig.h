/*
 * A store of one's own: the real objects in a child process, on a folder of
 * its own, with doors over socket pairs. The child can be killed and started
 * again on the same folder.
 */
#ifndef TESTS_STORE_RIG_H
#define TESTS_STORE_RIG_H

#include <sys/types.h>

#include "lib/mail/door_proto.h"
#include "lib/mail/tables.h"

#define RIG_FORMER	"bernd@other.test"

enum { RIG_IMAP = 4, RIG_DELIVER = 2, RIG_DOORS = 10 };

struct rig {
	char	 dir[64];
	pid_t	 pid;
	int	 stop;			/* closing it ends the child in order */
	struct door imap[RIG_IMAP];	/* anna, anna, bert, bert */
	struct door pop[2];		/* anna, anna */
	struct door deliver[RIG_DELIVER];
	struct door follow[2];
	int	 control;		/* a connection to it */
	uint64_t quota_size, quota_count; /* of bert; set before rig_start */
	uint64_t pop3_keep;		/* settings; set before rig_start */
	const char *expire;		/* or NULL */
	const struct tables_user *granted; /* what the tables say of anna */
	uint64_t queue_id;		/* the next */
	int	*no_tables;		/* shared; 1: look-ups fail; or NULL */
	int	*renamed;		/* shared; 1: RIG_FORMER is bert; or NULL */
	int	*no_bert;		/* shared; 1: the tables know no bert; or NULL */
	const struct rig_sum {
		uint64_t size, count;	/* bounds of example.test and its alias
					   alias.test together */
		int	 no_tables;	/* they cannot be read */
		int	 other;		/* other.test is an alias of it, too */
	} *sum;				/* shared; or NULL */
	void	(*in_child)(void);	/* called in the child, or NULL */
};

/* Makes the folder. */
void	rig_init(struct rig *r);
/* The same in memory, where that has room, for a test of many starts: a kill
   loses nothing there either, and nobody waits for the disk. */
void	rig_init_memory(struct rig *r);
void	rig_start(struct rig *r);
/* In order; returns the child's status as waitpid has it. */
int	rig_stop(struct rig *r);
void	rig_kill(struct rig *r);
/* Removes the folder. */
void	rig_clear(struct rig *r);

/* Makes a queue file of these octets; its id comes in id_r. */
void	rig_file(struct rig *r, const char *text, char id_r[17]);
/* Opens it O_RDONLY. */
int	rig_open(struct rig *r, const char *id);
/* Delivers it and waits for the answer. */
enum result rig_deliver(struct rig *r, const char *id, const char *owner,
	    char *words);
/* A path below the folder. */
const char *rig_path(struct rig *r, const char *name);
/* The id of a mailbox of anna by name; 0: none. */
/*
 * The two halves of rig_deliver. Requests are gathered; they go out before an
 * answer is looked for: 1, 0 (none is there), -1 (no store).
 */
int	rig_send(struct door *d, uint32_t id, const char *queue_id,
	    const char *owner, int fd, uint64_t size, uint32_t header_len);
int	rig_send_as(struct door *d, uint32_t id,
	    const struct door_delivery *v, int fd);
int	rig_answer(struct door *d, uint32_t *id_r, enum result *result_r,
	    char words_r[RESULT_WORDS_MAX + 1]);
uint32_t rig_mailbox(struct rig *r, struct door *d, const char *name);
/* Asks over the control socket: number of rows (texts in out), -1 refused. */
enum { RIG_DIED = -2 };		/* ... or the store went away */
int	rig_control(struct rig *r, unsigned type, const char *who,
	    struct buf *out);
/* How many messages of a mailbox hold this text; n_r: how many there are. */
size_t	rig_find(struct rig *r, struct door *d, uint32_t id, const char *text,
	    size_t *n_r);

#endif
