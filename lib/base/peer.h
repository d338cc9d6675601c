/*
 * The kinds of process, and so of peers. The name of a kind is the name of
 * its program; master/table.c says which kinds are wired to which.
 */
#ifndef LIB_BASE_PEER_H
#define LIB_BASE_PEER_H

enum peer {
	PEER_NONE,
	PEER_MASTER,
	PEER_LOGGER,
	PEER_SCREEN,		/* reserved */
	PEER_SMTPD,
	PEER_QUEUE,
	PEER_DELIVER,
	PEER_RELAY,
	PEER_RESOLVE,
	PEER_COLLECT,		/* reserved */
	PEER_LOGIN,
	PEER_AUTH,
	PEER_IMAPD,
	PEER_POP3D,
	PEER_STORE,
	PEER_CTL,		/* the operator's command */
	PEER_COUNT
};

#define PEER_BIT(p)	(1u << (p))

/* "smtpd"; "unknown" for a number out of range. */
const char *peer_name(enum peer p);

#endif
