/*
 * What master says to every program and they to it, over descriptor
 * SERVER_MASTER_FD; and the services that ports belong to.
 */
#ifndef LIB_SERVER_WIRE_H
#define LIB_SERVER_WIRE_H

#include "lib/base/msg.h"

enum {
	SERVER_MASTER_FD = 3,	/* at exec, beside 0, 1, 2 */
	SERVER_CONF_FD = 4,	/* with -F: rohrpost.conf as master took it, */
	SERVER_CERT_FD = 5,	/* with -F 3 certificate */
	SERVER_KEY_FD = 6,	/* and key too */
	SERVER_FD_LAST = SERVER_KEY_FD,
	WIRE_USER_MAX = 320,	/* octets of a user's name: an address */
	WIRE_REMOTE_MAX = 79,	/* octets of "addr:port" */
	WIRE_TROUBLE_MAX = 20,
	WIRE_WORDS_MAX = 400,
	WIRE_TLS_MAX = 99,	/* octets of "TLSv1.3 ..." */
};

enum service {
	SERVICE_NONE,
	SERVICE_SMTP,		/* 25: MX, no AUTH */
	SERVICE_SUBMISSION,	/* 587: STARTTLS, then AUTH */
	SERVICE_SUBMISSIONS,	/* 465: TLS from the first octet, AUTH */
	SERVICE_LOCAL,		/* run/submit: SMTP on a Unix socket, the peer's
				   uid is the login (sendmail) */
	SERVICE_IMAP,		/* 143: STARTTLS */
	SERVICE_IMAPS,		/* 993 */
	SERVICE_POP3,		/* 110: STLS */
	SERVICE_POP3S,		/* 995 */
	SERVICE_CONTROL,	/* run/<program>.ctl: the operator's command */
	SERVICE_PROBE,		/* no port of its own: which ports answer? */
	SERVICE_COUNT
};

/* "smtp", "submission", ...: also the key listen_<name>. */
const char *service_name(enum service s);
/* SERVICE_NONE if there is none of that name. */
enum service service_by_name(const char *name);

enum wire_type {
	WIRE_PEER = 1,	/* here is the channel to a peer (a new one if known) */
	WIRE_LISTEN,	/* here is a listening socket */
	WIRE_GO,	/* all that belongs to the start was said */
	WIRE_SESSION,	/* here is a client: imapd, pop3d; id: the session's */
	WIRE_RELOAD,	/* read configuration and certificates again:
			   descriptors of rohrpost.conf and, for who serves
			   TLS in a loop, certificate and key (server_file) */
	WIRE_STOP,	/* finish what runs, then exit 0 */
	WIRE_READY,	/* program: started, before the jail errors are past */
	WIRE_STATE,	/* program: enum wire_state */
	WIRE_START,	/* auth: a user logged in, start or find the session */
	WIRE_STARTED,	/* answer: descriptor for login to proxy to; none for
			   submission, whose worker has its client */
	WIRE_REFUSED,	/* answer: why not */
	WIRE_RETIRE,	/* queue, collect: end that peer, it broke a rule */
	WIRE_PEER_GONE,	/* the peer of that instance ended (for loops) */
	WIRE_CROWD,	/* here is the table of clients (crowd.h), your place
			   in it, and the bounds */
	WIRE_YIELD,	/* all are busy: who keeps you waiting is to go */
	WIRE_NEED,	/* queue, collect: so many of that peer are needed; the one of
			   WF_INSTANCE may go */
	WIRE_KICK,	/* end that session at once; id 0: all (workers: theirs) */
	WIRE_ENDED,	/* imapd: that session, by its id, is over */
	WIRE_TROUBLE,	/* resolve: what keeps it from its work, for status;
			   WF_TROUBLE empty: it is over */
};

enum wire_state {
	WIRE_IDLE,	/* can take work */
	WIRE_BUSY,	/* serves a client */
};

enum wire_field {
	WF_PEER = 1,	/* enum peer */
	WF_INSTANCE,	/* number of the process, unique while master lives */
	WF_SERVICE,
	WF_USER,	/* whose door or session; WIRE_USER_MAX */
	WF_REMOTE,	/* "192.0.2.1:4711", "[2001:db8::1]:4711" */
	WF_STATE,
	WF_WORDS,
	WF_SESSIONS,	/* how many sessions are open now */
	WF_SEEN,	/* how many WIRE_SESSION came so far: an idle report
			   that crossed a new session is known by it */
	WF_PLACE,	/* in the table of clients */
	WF_MOST,	/* clients from one address; 0: no bound */
	WF_FULL,	/* 1: the user has as many sessions as may be */
	WF_MAX,		/* clients of a row before it is full */
	WF_COUNT,
	WF_TLS,		/* of the client's connection, for people; or none */
	WF_TROUBLE,	/* one word, for programs; WIRE_TROUBLE_MAX */
	WF_SERVER,	/* where the cause lies; WIRE_WORDS_MAX */
};

/* The table (lib/server/wire.c). */
extern const struct msg_proto proto_wire;

#endif
