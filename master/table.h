/*
 * The trust graph: which programs there are, how many of each, what ports and
 * sockets they listen on, and who is wired to whom. Nothing else in master
 * decides any of this. A wire stands in the rows of both ends (a test holds
 * them against each other).
 */
#ifndef MASTER_TABLE_H
#define MASTER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/peer.h"
#include "lib/server/wire.h"

enum row_id {
	ROW_LOGGER,
	ROW_RESOLVE,
	ROW_AUTH,
	ROW_STORE,
	ROW_QUEUE,
	ROW_DELIVER,
	ROW_RELAY,
	ROW_SMTP,		/* smtpd for port 25 */
	ROW_SUBMISSION,		/* smtpd for 587 and 465, a session each */
	ROW_LOCAL,		/* smtpd for run/submit */
	ROW_LOGIN,
	ROW_IMAPD,
	ROW_POP3D,
	ROW_SCREEN,		/* reserved: before smtpd */
	ROW_COLLECT,		/* reserved: beside smtpd */
	ROW_COUNT
};

#define ROW_BIT(r)	(1u << (r))
#define SERVICE_BIT(s)	(1u << (s))

enum pool {
	POOL_RESERVED,	/* no such program yet */
	POOL_KEEP,	/* so many, always */
	POOL_ACCEPT,	/* some idle ones ready, up to a bound */
	POOL_SESSION,	/* started when a user logs in */
};

struct row {
	const char *name;	/* in messages: "smtpd (submission)" */
	enum peer kind;
	enum pool pool;
	int	 loop;		/* event loop shape? */
	enum service duty;	/* -s, or SERVICE_NONE */
	uint32_t services;	/* SERVICE_BIT of what it accepts from */
	const char *socket;	/* name under run/, or NULL */
	unsigned mode;		/* of that socket */
	uint32_t wires;		/* ROW_BIT of those it has a channel to */
	int	 session_uid;	/* a uid of its own? */
	int	 crowd;		/* clients counted by address? */
	int	 tls;		/* is it given certificate and key? */
	int	 start, stop;	/* stage: lower first */
	size_t	 count;		/* offset in struct master_conf: how many */
	size_t	 idle;		/* POOL_ACCEPT: how many idle ones */
};

enum { START_STAGES = 4, STOP_STAGES = 4 };

extern const struct row rows[ROW_COUNT];

#endif
