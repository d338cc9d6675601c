#include "master/master_conf.h"
#include "master/table.h"

#define COUNT(m) .count = offsetof(struct master_conf, m)
#define IDLE(m) .idle = offsetof(struct master_conf, m)

#define SUBMISSION_BITS (SERVICE_BIT(SERVICE_SUBMISSION) | \
    SERVICE_BIT(SERVICE_SUBMISSIONS))
#define LOGIN_BITS (SERVICE_BIT(SERVICE_IMAP) | SERVICE_BIT(SERVICE_IMAPS) | \
    SERVICE_BIT(SERVICE_POP3) | SERVICE_BIT(SERVICE_POP3S))
#define CONTROL_BIT SERVICE_BIT(SERVICE_CONTROL)
#define SMTPD_ROWS (ROW_BIT(ROW_SMTP) | ROW_BIT(ROW_SUBMISSION) | \
    ROW_BIT(ROW_LOCAL))

const struct row rows[ROW_COUNT] = {
	[ROW_LOGGER] = { .name = "logger", .kind = PEER_LOGGER,
	    .pool = POOL_KEEP, .loop = 1, .start = 0, .stop = 3, COUNT(one) },
	[ROW_RESOLVE] = { .name = "resolve", .kind = PEER_RESOLVE,
	    .pool = POOL_KEEP, .loop = 1, .wires = ROW_BIT(ROW_RELAY),
	    .start = 1, .stop = 1, COUNT(one) },
	[ROW_AUTH] = { .name = "auth", .kind = PEER_AUTH,
	    .pool = POOL_KEEP, .loop = 1,
	    .wires = ROW_BIT(ROW_LOGIN) | ROW_BIT(ROW_SUBMISSION),
	    .start = 1, .stop = 1, COUNT(one) },
	[ROW_STORE] = { .name = "store", .kind = PEER_STORE,
	    .pool = POOL_KEEP, .loop = 1, .services = CONTROL_BIT,
	    .socket = "store.ctl", .mode = 0600,
	    .wires = ROW_BIT(ROW_DELIVER) | ROW_BIT(ROW_IMAPD) |
	    ROW_BIT(ROW_POP3D), .start = 1, .stop = 2, COUNT(one) },
	[ROW_QUEUE] = { .name = "queue", .kind = PEER_QUEUE,
	    .pool = POOL_KEEP, .loop = 1, .services = CONTROL_BIT,
	    .socket = "queue.ctl", .mode = 0600,
	    .wires = SMTPD_ROWS | ROW_BIT(ROW_DELIVER) | ROW_BIT(ROW_RELAY),
	    .start = 2, .stop = 1, COUNT(one) },
	[ROW_DELIVER] = { .name = "deliver", .kind = PEER_DELIVER,
	    .pool = POOL_KEEP,
	    .wires = ROW_BIT(ROW_QUEUE) | ROW_BIT(ROW_STORE),
	    .start = 3, .stop = 0, COUNT(deliver_workers) },
	[ROW_RELAY] = { .name = "relay", .kind = PEER_RELAY,
	    .pool = POOL_KEEP,
	    .wires = ROW_BIT(ROW_QUEUE) | ROW_BIT(ROW_RESOLVE),
	    .start = 3, .stop = 0, COUNT(relay_workers) },
	[ROW_SMTP] = { .name = "smtpd (smtp)", .kind = PEER_SMTPD,
	    .pool = POOL_ACCEPT, .duty = SERVICE_SMTP,
	    .services = SERVICE_BIT(SERVICE_SMTP),
	    .wires = ROW_BIT(ROW_QUEUE), .tls = 1, .crowd = 1, .start = 3,
	    .stop = 0, COUNT(smtp_workers), IDLE(smtp_idle) },
	[ROW_SUBMISSION] = { .name = "smtpd (submission)",
	    .kind = PEER_SMTPD, .pool = POOL_ACCEPT,
	    .duty = SERVICE_SUBMISSION, .services = SUBMISSION_BITS,
	    .wires = ROW_BIT(ROW_QUEUE) | ROW_BIT(ROW_AUTH),
	    .session_uid = 1, .tls = 1, .crowd = 1, .start = 3,
	    .stop = 0, COUNT(submission_workers),
	    IDLE(submission_idle) },
	[ROW_LOCAL] = { .name = "smtpd (local)", .kind = PEER_SMTPD,
	    .pool = POOL_ACCEPT, .duty = SERVICE_LOCAL,
	    .services = SERVICE_BIT(SERVICE_LOCAL), .socket = "submit",
	    .mode = 0666, .wires = ROW_BIT(ROW_QUEUE), .start = 3, .stop = 0,
	    COUNT(local_workers), IDLE(one) },
	[ROW_LOGIN] = { .name = "login", .kind = PEER_LOGIN,
	    .pool = POOL_KEEP, .loop = 1, .services = LOGIN_BITS,
	    .wires = ROW_BIT(ROW_AUTH), .tls = 1, .start = 3, .stop = 0,
	    COUNT(login_processes) },
	[ROW_IMAPD] = { .name = "imapd", .kind = PEER_IMAPD,
	    .pool = POOL_SESSION, .loop = 1, .wires = ROW_BIT(ROW_STORE),
	    .session_uid = 1, .start = 3, .stop = 0, COUNT(session_max) },
	[ROW_POP3D] = { .name = "pop3d", .kind = PEER_POP3D,
	    .pool = POOL_SESSION, .wires = ROW_BIT(ROW_STORE),
	    .session_uid = 1, .start = 3, .stop = 0, COUNT(session_max) },
	[ROW_SCREEN] = { .name = "screen", .kind = PEER_SCREEN,
	    .pool = POOL_RESERVED, .start = 3, COUNT(none) },
	[ROW_COLLECT] = { .name = "collect", .kind = PEER_COLLECT,
	    .pool = POOL_RESERVED, .start = 3, COUNT(none) },
};
