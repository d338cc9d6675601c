/*
 * What `rohrpost probe` and the program probe say to each other over TCP: which
 * ports of the asker's own address answer from where the other is?
 *
 *	C: PROBE 25 465 993			CRLF
 *	S: 25 open				CRLF
 *	S: 465 silent				CRLF
 *	S: 993 refused				CRLF
 *	S: END					CRLF
 *
 * or "BUSY" instead of all of it: that address asks too often. Ports of mail
 * alone (probe_port). Both sides count as hostile to the other.
 */
#ifndef LIB_MAIL_PROBE_H
#define LIB_MAIL_PROBE_H

#include <stddef.h>

#include "lib/base/attr.h"

enum {
	PROBE_PORTS_MAX = 8,
	PROBE_LINE_MAX = 100,		/* octets */
	PROBE_ASK_MS = 5 * 1000,	/* until the question is there */
	PROBE_BUSY_MS = 1000,		/* until it is, for who hears BUSY */
	PROBE_PORT_MS = 3 * 1000,	/* each port; they are tried at once */
	PROBE_LEAST_MS = 5 * 1000,	/* until the same address may ask again */
	PROBE_ALL_MS = 15 * 1000,	/* how long the asker waits */
};

enum probe_state { PROBE_OPEN, PROBE_REFUSED, PROBE_SILENT };

/* "open", "refused", "silent". */
const char *probe_state_name(enum probe_state s);
/* 1 if it is a port that mail has: nobody is helped to look at others. */
int	probe_port(unsigned port);
/* A question, without its CRLF. How many ports; -1: it is none. */
int	probe_parse(const char *p, size_t len,
	    unsigned port[PROBE_PORTS_MAX]) ATTR_CHECK;
/* A line of the answer. 1: of a port; 0: END; -1: BUSY, or it is none. */
int	probe_parse_answer(const char *p, size_t len, unsigned *port,
	    enum probe_state *state) ATTR_CHECK;

#endif
