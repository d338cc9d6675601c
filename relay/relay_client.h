/*
 * The client's side of one SMTP connection (RFC 5321): greeting, EHLO,
 * STARTTLS, AUTH, and any number of transactions, one after the other.
 *
 * The server counts as hostile: each reply has a deadline as a whole
 * (4.5.3.2), the connection has one too, and what the server says is bounded
 * by relay_reply.h. A reply nobody asked for ends the connection.
 *
 * A call that fails leaves the outcome in its return value (RESULT_LATER or
 * RESULT_NEVER) and words ("4.4.2 mx.example [192.0.2.1] ...") in words. Where
 * dead is set the connection is of no more use.
 */
#ifndef RELAY_CLIENT_H
#define RELAY_CLIENT_H

#include "lib/mail/limits.h"
#include "lib/mail/result.h"
#include "lib/net/stream.h"
#include "relay/relay_reply.h"

/* In milliseconds; the defaults are RFC 5321's (client_times). */
struct client_times {
	int64_t	connect, greeting, command, data, block, dot, quit;
	/* The dialogue before the first message, and each message, but for
	   its octets and the reply to its final dot. */
	int64_t	session;
	uint64_t rate;		/* octets a second: who takes less is cut */
};
extern const struct client_times client_times;

enum client_feature {
	CLIENT_PIPELINING = 1,
	CLIENT_SIZE = 2,
	CLIENT_8BITMIME = 4,
	CLIENT_STARTTLS = 8,
	CLIENT_AUTH = 16,
	CLIENT_DSN = 32,
};

enum {
	CLIENT_LABEL_MAX = 400,
	CLIENT_MECHS_MAX = 512,
	CLIENT_BARE_MAX = 300,
};

struct relay_client {
	struct stream stream;
	struct reply reply;
	struct buf words;
	const struct client_times *times;
	char	 label[CLIENT_LABEL_MAX]; /* "mx.example.com [192.0.2.1]" */
	unsigned features;		/* enum client_feature */
	uint64_t size_max;		/* 0: none said */
	char	 mechs[CLIENT_MECHS_MAX]; /* " PLAIN LOGIN ", upper case */
	char	 bare[CLIENT_BARE_MAX];	/* why it is in the clear though TLS
					   was wanted; "": it is not */
	int64_t	 limit;			/* clock_mono_ms: all is to be said */
	int	 dirty;			/* a transaction may be open */
	int	 took;			/* it took the last one's message */
	int	 dead;
	unsigned messages;		/* transactions so far */
};

/* Takes the connected descriptor over. label is copied. */
void	client_init(struct relay_client *c, int fd, const char *label,
	    const struct client_times *times);
/* Closes without a word. */
void	client_clear(struct relay_client *c);
/* Says QUIT, does not wait for the answer, closes. */
void	client_quit(struct relay_client *c);
/*
 * What comes next may take as long as a message of so many octets: the time
 * for a session, and what they take at the slowest rate.
 */
void	client_restart_clock(struct relay_client *c, uint64_t octets);
/* Waits from now on take at most ms, and none ends after that time. */
void	client_deadline(struct relay_client *c, int64_t ms);

/* Reads the banner, then EHLO as hostname (HELO where that is not known). */
enum result client_greet(struct relay_client *c, const char *hostname)
	    ATTR_CHECK;
/*
 * STARTTLS and EHLO again; what was read before the handshake, and what the
 * server said in the clear, is forgotten. host as in tls_client_host.
 */
enum result client_starttls(struct relay_client *c, SSL_CTX *ctx,
	    const char *host, const char *hostname) ATTR_CHECK;
/* TLS from the first octet, before client_greet. */
enum result client_tls(struct relay_client *c, SSL_CTX *ctx, const char *host)
	    ATTR_CHECK;

/* For relay_auth.c and relay_transaction.c. */
/*
 * Reads one reply within ms, or less where other mail waits (relay_hurry.h).
 * RESULT_DELIVERED if one came, whatever it says.
 */
enum result client_reply(struct relay_client *c, int64_t ms) ATTR_CHECK;
/* The same for the reply to the final dot, which always has its time. */
enum result client_verdict(struct relay_client *c) ATTR_CHECK;
/* Sends a line and reads its reply. */
enum result client_command(struct relay_client *c, int64_t ms,
	    const char *fmt, ...) ATTR_PRINTF(3, 4) ATTR_CHECK;
/* Ends the connection: words are "code label text". Returns RESULT_LATER. */
enum result client_fail(struct relay_client *c, const char *code,
	    const char *fmt, ...) ATTR_PRINTF(3, 4);
/* The last reply as a result, with its words; 2xx and 3xx are LATER. */
enum result client_refused(struct relay_client *c);

#endif
