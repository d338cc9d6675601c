/*
 * The known tricks by which a stranger has a mail server pass on what it
 * should not, tried on one: the percent hack, bang paths, source routes
 * (RFC 5321 appendix C), quoted and literal forms, empty and forged senders. A
 * trick works where RCPT is taken; no message is ever sent. The addresses are
 * of example.com (RFC 2606).
 *
 * What the server says is hostile: its lines are bounded, and so is the time.
 */
#ifndef LIB_MAIL_TRICK_H
#define LIB_MAIL_TRICK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/mail/limits.h"
#include "lib/net/addr.h"

enum {
	TRICKS_MAX = 60,
	TRICK_REPLY_MAX = 200,		/* octets that are kept of a reply */
	TRICK_LINE_MAX = 300,		/* octets of a line of the answer */
	TRICK_ASK_MAX = 600,		/* octets of a question for them */
	TRICK_MS = 15 * 1000,		/* for one, with its connection */
	TRICK_ALL_MS = 90 * 1000,	/* for all of them */
};

/* In the texts %d is a domain of the server's, %h its name, %l its address as
   a literal, %s the client's own as one, %% a percent sign. */
struct trick {
	const char *name;
	const char *helo, *sender, *recipient;	/* as EHLO, MAIL, RCPT say them */
	int	 ours;	/* the recipient can be read as one of its own domain */
};

/* Ends with a name of NULL. The first two are none: TRICK_POSTMASTER must be
   taken (RFC 5321 4.5.1), else nothing is learned, and where TRICK_NOBODY is,
   an address of that domain says nothing. */
enum { TRICK_POSTMASTER, TRICK_NOBODY, TRICK_FIRST };
extern const struct trick tricks[];

enum trick_verdict {
	TRICK_HELD,	/* refused for good */
	TRICK_WORKS,	/* the recipient was taken */
	TRICK_LATER,	/* 4yz: it may work at another time */
	TRICK_UNTRIED,	/* the server did not answer, or said nonsense */
};

struct trick_server {
	struct addr at;
	const char *domain, *host;
};

/* "held", "works", "later", "untried". */
const char *trick_verdict_name(enum trick_verdict v);
/*
 * What "rohrpost selftest relay" and the program probe say to each other
 * (lib/mail/probe.h):
 *
 *	C: TRICKS 25 example.org mail.example.org		CRLF
 *	S: AT 203.0.113.99					CRLF
 *	S: plain held 550 5.7.1 relaying denied			CRLF
 *	S: ...
 *	S: END							CRLF
 *
 * A question: 1; 0: it is another one; -1: it is none. The texts are copied.
 */
int	trick_parse_question(const char *p, size_t len, unsigned *port_r,
	    char domain[DOMAIN_MAX + 1], char host[DOMAIN_MAX + 1]) ATTR_CHECK;
/* A line of the answer. The index of its trick, *said_r in the line; -1: it is
   none. */
int	trick_parse(const char *p, size_t len, enum trick_verdict *v_r,
	    const char **said_r) ATTR_CHECK;
/* A text of a trick with its own addresses in it; client and server in the
   form 192.0.2.1, 2001:db8::1. */
void	trick_text(struct buf *b, const char *text,
	    const struct trick_server *s, const char *client,
	    const char *server);
/*
 * Tries it over a connection of its own, for ms at the most; said gets the
 * reply that decided, or why there was none: octets of the server's, cut.
 */
enum trick_verdict trick_try(const struct trick *t,
	    const struct trick_server *s, int64_t ms, struct buf *said);

#endif
