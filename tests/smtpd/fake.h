/*
 * What smtpd meets in life, for tests of the linked archive: the skeleton's
 * calls, a queue and an auth on the other ends of socket pairs, tables.
 */
#ifndef TESTS_SMTPD_FAKE_H
#define TESTS_SMTPD_FAKE_H

#include "smtpd/smtpd.h"

enum fake_mode {
	FAKE_GOOD,
	FAKE_FULL,	/* queue has no file: 4.3.1 */
	FAKE_AWAY,	/* queue is away */
	FAKE_LATER,	/* queue says later to an envelope */
	FAKE_DIES,	/* queue goes away when it gets an envelope */
	FAKE_NEVER,
	FAKE_ODD_LATER,	/* the same in words without a status, */
	FAKE_ODD_NEVER,	/* with one of the other class */
	FAKE_KICKS,	/* master says "kick" while queue takes an envelope */
};

struct fake_message {
	char	*data;		/* of the file; NUL behind it */
	size_t	 len;
	char	 sender[400], login[400], client[400], message_id[1100];
	unsigned recipients, flags, final, forward;
	int	 crc_ok, origin;
	uint32_t body;		/* enum q_body; 0: absent */
	uint32_t ret;		/* enum q_ret; 0: absent */
	char	 envid[200];
	char	 asked[400];	/* "NOTIFY ORCPT," of the first recipients */
	char	*notes;		/* as packed */
	size_t	 notes_len;
};

/* What auth was asked last. */
struct fake_question {
	unsigned n;		/* how often, since fake_worker */
	enum service service;
	char	 user[400], password[2000], remote[200], tls[200];
};

/*
 * Makes a directory, a certificate, tables; fills in smtpd. signed.test has a
 * key, and nobody answers as signer.
 */
void	fake_begin(void);
void	fake_end(void);
/* Another password file takes the place of the one that is there. */
void	fake_passwd(const char *text);
/* The names are read from it: a new worker. */
void	fake_read_passwd(void);
/*
 * The tables become a file that cannot be read: what they did not have is now
 * an error.
 */
void	fake_spoil_tables(void);
/* The tables anew, with that account too. */
void	fake_add_account(const char *name);
/* A worker with its peers; nothing is left of the one before. */
void	fake_worker(enum fake_mode mode);
/* The messages that queue was given since fake_worker. */
const struct fake_message *fake_messages(size_t *n_r);
const struct fake_question *fake_question(void);
/* What the worker told master last of its wait; *n_r: how often it did. */
int64_t	fake_waits(unsigned *n_r);
/* Octets of the file that was given last. */
long	fake_file_size(void);
/* 1 if the worker said that it retires. */
int	fake_retired(void);
/* Master says a word to the worker: "stop", "yield", "kick", or what changes nothing. */
void	fake_master(const char *word);
/* Waits until the worker has read that word. */
void	fake_master_heard(void);
SSL_CTX	*fake_client_tls(void);
/* Too many come from where the next clients come. */
extern int fake_crowded;
/* Runs smtpd_serve in a thread; returns the client's descriptor. */
int	fake_client(enum service service, long uid);
/* Waits for the end of that session. */
void	fake_join(void);

/* A dialogue: a client that says and expects. */
void	fake_talk(enum service service);
void	fake_say(const char *text);
/* It goes out now, not with the next fake_expect. */
void	fake_flush(void);
/* The client's handshake; must succeed. */
void	fake_say_tls(void);
/* The next line begins so. */
void	fake_expect(const char *want);
/* Nothing more comes: the server has closed the connection. */
void	fake_expect_end(void);
/* Closes, and waits for the end. */
void	fake_end_talk(void);

#endif
