#include <string.h>

#include "lib/server/wire.h"

#define MASTER	PEER_BIT(PEER_MASTER)
/* Every program but master; the operator's command has no such channel. */
#define PROGRAM	(((1u << PEER_COUNT) - 1) & ~(MASTER | PEER_BIT(PEER_NONE) | \
    PEER_BIT(PEER_CTL)))

static const char *const service_names[SERVICE_COUNT] = {
	[SERVICE_NONE] = "none", [SERVICE_SMTP] = "smtp",
	[SERVICE_SUBMISSION] = "submission",
	[SERVICE_SUBMISSIONS] = "submissions", [SERVICE_LOCAL] = "local",
	[SERVICE_IMAP] = "imap", [SERVICE_IMAPS] = "imaps",
	[SERVICE_POP3] = "pop3", [SERVICE_POP3S] = "pop3s",
	[SERVICE_CONTROL] = "control", [SERVICE_PROBE] = "probe",
};

static const struct msg_field w_peer[] = {
	{ "peer", WF_PEER, MSG_U32, 0, 0 },
	{ "instance", WF_INSTANCE, MSG_U32, 0, 0 },
	{ "user", WF_USER, MSG_TEXT, 1, WIRE_USER_MAX },
	{ 0 }
};
static const struct msg_field w_listen[] = {
	{ "service", WF_SERVICE, MSG_U32, 0, 0 }, { 0 }
};
static const struct msg_field w_session[] = {
	{ "service", WF_SERVICE, MSG_U32, 0, 0 },
	{ "user", WF_USER, MSG_TEXT, 0, WIRE_USER_MAX },
	{ "remote", WF_REMOTE, MSG_TEXT, 0, WIRE_REMOTE_MAX },
	{ 0 }
};
static const struct msg_field w_start[] = {
	{ "service", WF_SERVICE, MSG_U32, 0, 0 },
	{ "user", WF_USER, MSG_TEXT, 0, WIRE_USER_MAX },
	{ "remote", WF_REMOTE, MSG_TEXT, 0, WIRE_REMOTE_MAX },
	{ "tls", WF_TLS, MSG_TEXT, 1, WIRE_TLS_MAX },
	{ "instance", WF_INSTANCE, MSG_U32, 1, 0 },
	{ 0 }
};
static const struct msg_field w_state[] = {
	{ "state", WF_STATE, MSG_U32, 0, 0 },
	{ "sessions", WF_SESSIONS, MSG_U32, 1, 0 },
	{ "seen", WF_SEEN, MSG_U32, 1, 0 },
	{ 0 }
};
static const struct msg_field w_refused[] = {
	{ "words", WF_WORDS, MSG_TEXT, 0, WIRE_WORDS_MAX },
	{ "full", WF_FULL, MSG_U32, 0, 0 }, { 0 }
};
static const struct msg_field w_which[] = {
	{ "peer", WF_PEER, MSG_U32, 0, 0 },
	{ "instance", WF_INSTANCE, MSG_U32, 0, 0 },
	{ 0 }
};
static const struct msg_field w_need[] = {
	{ "peer", WF_PEER, MSG_U32, 0, 0 },
	{ "count", WF_COUNT, MSG_U32, 0, 0 },
	{ "instance", WF_INSTANCE, MSG_U32, 1, 0 },
	{ 0 }
};
static const struct msg_field w_crowd[] = {
	{ "place", WF_PLACE, MSG_U32, 0, 0 },
	{ "most", WF_MOST, MSG_U32, 0, 0 },
	{ "max", WF_MAX, MSG_U32, 0, 0 },
	{ 0 }
};

static const struct msg_field w_trouble[] = {
	{ "trouble", WF_TROUBLE, MSG_TEXT, 0, WIRE_TROUBLE_MAX },
	{ "server", WF_SERVER, MSG_TEXT, 0, WIRE_WORDS_MAX },
	{ "words", WF_WORDS, MSG_TEXT, 0, WIRE_WORDS_MAX },
	{ 0 }
};

/* Who has workers. */
#define NEEDS	(PEER_BIT(PEER_QUEUE) | PEER_BIT(PEER_COLLECT))

static const struct msg_desc w_table[] = {
	[WIRE_PEER] = { "PEER", MASTER, 1, 1, w_peer },
	[WIRE_LISTEN] = { "LISTEN", MASTER, 1, 1, w_listen },
	[WIRE_GO] = { "GO", MASTER, 0, 0, NULL },
	[WIRE_SESSION] = { "SESSION", MASTER, 1, 1, w_session },
	[WIRE_RELOAD] = { "RELOAD", MASTER, 0, 3, NULL },
	[WIRE_STOP] = { "STOP", MASTER, 0, 0, NULL },
	[WIRE_READY] = { "READY", PROGRAM, 0, 0, NULL },
	[WIRE_STATE] = { "STATE", PROGRAM, 0, 0, w_state },
	[WIRE_START] = { "START", PEER_BIT(PEER_AUTH), 0, 0, w_start },
	[WIRE_STARTED] = { "STARTED", MASTER, 0, 1, NULL },
	[WIRE_REFUSED] = { "REFUSED", MASTER, 0, 0, w_refused },
	[WIRE_RETIRE] = { "RETIRE", NEEDS, 0, 0, w_which },
	[WIRE_PEER_GONE] = { "PEER_GONE", MASTER, 0, 0, w_which },
	[WIRE_CROWD] = { "CROWD", MASTER, 1, 1, w_crowd },
	[WIRE_YIELD] = { "YIELD", MASTER, 0, 0, NULL },
	[WIRE_NEED] = { "NEED", NEEDS, 0, 0, w_need },
	[WIRE_KICK] = { "KICK", MASTER, 0, 0, NULL },
	[WIRE_ENDED] = { "ENDED", PEER_BIT(PEER_IMAPD), 0, 0, NULL },
	[WIRE_TROUBLE] = { "TROUBLE", PEER_BIT(PEER_RESOLVE), 0, 0,
	    w_trouble },
};

const struct msg_proto proto_wire = MSG_PROTO("wire", w_table);

const char *
service_name(enum service s)
{
	return (unsigned)s < SERVICE_COUNT ? service_names[s] : "unknown";
}

enum service
service_by_name(const char *name)
{
	unsigned i;

	for (i = 1; i < SERVICE_COUNT; i++)
		if (strcmp(service_names[i], name) == 0)
			return (enum service)i;
	return SERVICE_NONE;
}
