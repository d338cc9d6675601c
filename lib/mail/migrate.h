/*
 * What the operator's command and the program migrate say to each other, over
 * the session that it was started for: one job, then what became of it.
 *
 * The job names one account at another server and how to log in there, and
 * brings the connection to it, open already, and the file in which migrate
 * keeps what it has brought; where the mail goes the door says (door.h,
 * PEER_MIGRATE), which the command has opened. Nothing else leads to migrate,
 * and nothing out of it.
 */
#ifndef LIB_MAIL_MIGRATE_H
#define LIB_MAIL_MIGRATE_H

#include "lib/base/msg.h"

enum mg_type {
	MG_JOB = 1,	/* -> one, with the connection, the file, and, where
			   MGF_CA says so, the authorities' certificates */
	MG_MAILBOX,	/* <- a mailbox is done, or is not (MGF_WORDS; empty
			   where MG_END says why) */
	MG_SKIPPED,	/* <- a message was left there: MGF_UID, MGF_WORDS */
	MG_PROGRESS,	/* <- MGF_NAME, MGF_DONE of MGF_TOTAL messages of it */
	MG_END,		/* <- MGF_STATUS, MGF_WORDS */
};

enum mg_field {
	MGF_HOST = 1,	/* the server's name, which its certificate has */
	MGF_SECURITY,	/* u32: enum imap_security (relay/imap_login.h) */
	MGF_LOGIN,
	MGF_PASSWORD,
	MGF_FLAGS,	/* u32 enum mg_flag */
	MGF_SIZE,	/* u64: octets brought */
	MGF_NAME,	/* of a mailbox, ours */
	MGF_UID,
	MGF_WORDS,	/* for a person */
	MGF_DONE,	/* u64: messages that are here now and were not */
	MGF_TOTAL,	/* u64 */
	MGF_CHANGED,	/* u64: messages whose flags were changed */
	MGF_GONE,	/* u64: messages that were removed here */
	MGF_LEFT,	/* u64: messages that were left there */
	MGF_STATUS,	/* u32 enum mg_status */
};

enum mg_flag {
	MG_DRY = 1,		/* count, and change nothing */
	MG_DELETE = 2,		/* remove here what is gone there */
	MG_INSECURE = 4,	/* whatever certificate it has */
	MG_MASTER = 8,		/* the login is "user*master" */
	MG_CA = 16,		/* a third descriptor has the authorities */
};

enum mg_status {
	MG_DONE,
	MG_PART,	/* done, but something was passed over */
	MG_REFUSED,	/* the server refuses the login */
	MG_LATER,	/* the connection was lost, or store is in trouble */
};

enum {
	MG_NAME_MAX = 1000,
	MG_WORDS_MAX = 1000,
};

extern const struct msg_proto proto_migrate;

#endif
