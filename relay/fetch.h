/*
 * fetch: one account at a provider, for one run. The files: fetch_run.c has the
 * course of it, fetch_connect.c the way there, fetch_pop3.c and fetch_imap.c the
 * two protocols, fetch_messages.c what both do with what is wanted, fetch_file.c
 * a message on its way into its file, fetch_talk.c the words with collect
 * (lib/mail/collect_proto.h).
 *
 * What the provider says is never more than text, numbers and octets here:
 * each has a bound, and collect looks at each anew.
 */
#ifndef RELAY_FETCH_H
#define RELAY_FETCH_H

#include <stdint.h>

#include <openssl/ssl.h>

#include "lib/base/buf.h"
#include "lib/base/chan.h"
#include "lib/mail/collect_proto.h"
#include "lib/mail/limits.h"
#include "relay/fetch_connect.h"
#include "relay/fetch_file.h"

enum { FETCH_WORDS_MAX = 500, FETCH_AHEAD = 2 };

/* The account, as CL_RUN said it. */
struct fetch_account {
	char	*name, *host, *login, *password, *owner;
	unsigned port;
	enum cl_kind kind;
	enum cl_security security;
	uint32_t flags;			/* enum cl_flag */
	struct buf fields;		/* packed lv */
	uint64_t largest;
	int64_t	 seconds;
	uint32_t validity, since;
};

/* What collect wants. */
struct fetch_want {
	uint32_t *v;
	size_t	 n;
};

/* A message between CL_FILE and its last answer. */
struct fetch_slot {
	uint32_t number;	/* 0: free */
	int	 fd;		/* its file, or -1: not here, or done with */
	int	 here;		/* CL_FILE_IS came */
	int	 sent;		/* CL_SUBMIT went */
	char	 file[QUEUE_ID_LEN + 1];
};

struct fetch {
	struct chan *ctl;		/* to collect; borrowed */
	struct fetch_account a;
	const char *hostname;		/* of this host; borrowed */
	SSL_CTX *verified, *any;	/* borrowed */
	int	(*ending)(void);	/* does the suite stop? NULL: no */
	char	 ip[ADDR_TEXT_MAX];	/* of the server */
	int64_t	 end;			/* clock_mono_ms: the run's; -1: none */
	struct fetch_want want, removed;
	struct fetch_slot slot[CL_WINDOW];
	int	 more, wanted;		/* CL_MORE, CL_WANT came */
	int	 stop;			/* CL_STOP came */
	int	 later;			/* CL_LATER came */
	int	 gone;			/* collect has gone: end at once */
	struct buf items;		/* a slice of the list */
	size_t	 n_items, n_listed;
	enum cl_status status;
	struct buf words;
	uint32_t delay;			/* s, 0: not said */
};

/* fetch_run.c: the run from CL_RUN to CL_END. */
void	fetch_run(struct fetch *f, struct msg *run);

/* fetch_messages.c */
/* Sets what the run came to, if nothing else did. */
void	fetch_end(struct fetch *f, enum cl_status status, const char *fmt, ...)
	    ATTR_PRINTF(3, 4);
/* Its time begins: of a run, and of a round behind IDLE. */
void	fetch_begin(struct fetch *f);
/* Must the run go no further? Takes in what collect has said meanwhile. */
int	fetch_over(struct fetch *f);

/* A stream that waits was woken: has collect gone? For the clients. */
int	fetch_woken(void);

/* How a message was got. */
enum fetch_got {
	GOT_WHOLE,
	GOT_VANISHED,	/* it is not there */
	GOT_REFUSED,	/* it is not handed out */
	GOT_LOST,	/* the session is over */
};
/*
 * Fetches all that is wanted, by the session s: get hands octets to m, size is
 * what the list said (0: nothing). head is complete but for the id. Returns when
 * all is answered, or the run is over.
 */
void	fetch_messages(struct fetch *f, struct fetch_head *head, void *s,
	    enum fetch_got (*get)(void *s, uint32_t number,
	    struct fetch_file *m), uint64_t (*size)(void *s,
	    uint32_t number));

/*
 * fetch_talk.c. Where collect goes away, or breaks the protocol, f->gone is set
 * and each of them is -1.
 */
/* An item of the list; a whole slice is sent, and waited for. */
int	talk_item(struct fetch *f, const struct cl_item *i);
/* The last slice, and what is wanted: f->want, f->removed. */
int	talk_listed(struct fetch *f) ATTR_CHECK;
/* Asks for a file for that message. */
int	talk_file(struct fetch *f, uint32_t number) ATTR_CHECK;
/* How many are under way. */
unsigned talk_open(const struct fetch *f);
/* How many of them are submitted, and not answered. */
unsigned talk_sent(const struct fetch *f);
/*
 * Waits for the file of that message: its slot; NULL: it will not come (f->later,
 * f->stop, f->gone).
 */
struct fetch_slot *talk_wait(struct fetch *f, uint32_t number);
/* Waits until there is room for one more, or none is unanswered. */
int	talk_room(struct fetch *f) ATTR_CHECK;
int	talk_answered(struct fetch *f);
/* Takes in what is there, without waiting. */
int	talk_hear(struct fetch *f);
/* That message stays there. slot NULL: no file was asked for. */
int	talk_left(struct fetch *f, uint32_t number, struct fetch_slot *s,
	    enum cl_left reason, const char *words);
/* Its file is complete, synced and closed. */
int	talk_submit(struct fetch *f, struct fetch_slot *s,
	    const struct fetch_file *m) ATTR_CHECK;
int	talk_idle(struct fetch *f) ATTR_CHECK;
void	talk_end(struct fetch *f);
/* Forgets the list, for the next one. */
void	talk_again(struct fetch *f);
void	talk_clear(struct fetch *f);

/* fetch_pop3.c, fetch_imap.c: a whole session over that socket. */
void	fetch_pop3(struct fetch *f, int fd);
void	fetch_imap(struct fetch *f, int fd);

#endif
