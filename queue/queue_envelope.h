/*
 * What the table keeps about a message, packed: the envelope as it was
 * accepted, the targets it expanded to, the state of its schedule, and one
 * result per target.
 *
 * Records are sequences of fixed-width integers and length-prefixed texts;
 * the writer refuses NUL, CR and LF in a text, the reader proves the total
 * length. Each begins with its format version.
 *
 * Memory: a struct envelope and a struct targets own what they point to, in
 * one arena each; clear frees it.
 */
#ifndef QUEUE_QUEUE_ENVELOPE_H
#define QUEUE_QUEUE_ENVELOPE_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/limits.h"

enum {
	RECORD_VERSION = 1,
	/* Targets of one message, all its aliases followed. */
	TARGETS_MAX = 10000,
};

struct recipient {
	const char *address;		/* as RCPT gave it */
	const char *orcpt;		/* "rfc822;..." or "" */
	uint32_t notify;		/* enum q_notify */
};

struct envelope {
	uint64_t time, length;
	uint32_t crc, final, forward, flags, origin;
	const char *sender;		/* "" is the null sender */
	const char *client, *login, *envid;
	struct recipient *rcpt;
	size_t	 n_rcpt;
	char	*arena;
};

/*
 * Takes the packed recipients of Q_SUBMIT apart (lv address, lv ORCPT, u32
 * notify): all of them well-formed, 1 to RECIPIENTS_MAX. Texts are copied to
 * e->arena, which gets room for extra octets more, from *extra_r on. 0, or -1
 * and nothing to clear.
 */
int	recipients_parse(struct envelope *e, const void *p, size_t len,
	    size_t extra, char **extra_r) ATTR_CHECK;

/* Appends the record; 0, or -1 where a text may not stand in one. */
int	envelope_pack(const struct envelope *e, struct buf *out) ATTR_CHECK;
/* 0, or -1 (nothing to clear then) for a record that is not one of ours. */
int	envelope_parse(struct envelope *e, const void *p, size_t len)
	    ATTR_CHECK;
void	envelope_clear(struct envelope *e);

enum target_kind {
	TARGET_LOCAL,		/* way: the mailbox's owner */
	TARGET_REMOTE,		/* way: the domain */
	TARGET_FAILED,		/* way: the words why it never can be */
};

enum target_state {
	TARGET_OPEN,		/* to be tried, perhaps again */
	TARGET_DONE,		/* delivered */
	TARGET_REFUSED,		/* failed for good, the sender not yet told */
	TARGET_REPORTED,	/* failed, and told (or nobody is to be told) */
};

struct queue_job;

struct target {
	const char *address;	/* what delivery is asked for */
	const char *way;
	uint32_t rcpt;		/* index of the recipient it came from */
	uint8_t	 kind;		/* enum target_kind */
	uint8_t	 state;		/* enum target_state */
	uint8_t	 forwarded;	/* an alias stands between */
	uint8_t	 unsaved;	/* the table does not know its state yet */
	char	*words;		/* of the last result, or NULL; owned */
	char	*host;		/* who said so, or NULL; owned */
	struct queue_job *job;	/* under way in it */
};

struct targets {
	struct target *t;
	size_t	 n;
	char	*arena;
};

int	targets_pack(const struct targets *t, struct buf *out) ATTR_CHECK;
/* n_rcpt: recipients of the envelope, to which indices are held. */
int	targets_parse(struct targets *t, size_t n_rcpt, const void *p,
	    size_t len) ATTR_CHECK;
void	targets_clear(struct targets *t);

int	target_pack_result(const struct target *t, struct buf *out) ATTR_CHECK;
int	target_parse_result(struct target *t, const void *p, size_t len)
	    ATTR_CHECK;
/*
 * Sets state and words (copied, cleaned of control octets); marks unsaved.
 * words and host may be those that t has.
 */
void	target_set(struct target *t, enum target_state s, const char *words,
	    size_t len, const char *host, size_t host_len);

enum schedule_flag {
	SCHEDULE_HELD = 1,	/* by the operator */
	SCHEDULE_ASIDE = 2,	/* its body is broken or missing */
};

struct schedule {
	uint64_t next;		/* seconds */
	uint32_t attempts, flags;
	char	*words;		/* why it was set aside; owned, or NULL */
};

int	schedule_pack(const struct schedule *s, struct buf *out) ATTR_CHECK;
int	schedule_parse(struct schedule *s, const void *p, size_t len)
	    ATTR_CHECK;

#endif
