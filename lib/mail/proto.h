/*
 * The protocols between the programs, but for master's (lib/server/wire.h)
 * and the store's door (lib/mail/door.h). proto.c holds the tables: who may
 * send what, with which bounds.
 */
#ifndef LIB_MAIL_PROTO_H
#define LIB_MAIL_PROTO_H

#include "lib/base/msg.h"

/*
 * smtpd, collect and queue. The worker asks for a file, writes the
 * body, syncs, closes, submits; queue answers DONE when the record is durable.
 * DONE may bring the next file along (id NEXT and a descriptor), so that a
 * busy worker saves a round trip.
 *
 * collect has many files at a time and asks for one after the other. Of what it
 * submits queue keeps a row, in the transaction of the envelope, until collect
 * says that it knows of it: Q_DONE names the row, and Q_ORIGINS asks for all
 * there are.
 */
enum q_type {
	Q_FILE = 1,	/* -> a fresh file, please */
	Q_FILE_IS,	/* <- QF_FILE, descriptor O_RDWR */
	Q_SUBMIT,	/* -> the envelope of a written file */
	Q_DONE,		/* <- durable: say 250. [QF_FILE and a descriptor: the
			   next] */
	Q_LATER,	/* <- say 451; QF_WORDS */
	Q_NEVER,	/* <- say 554; QF_WORDS */
	Q_UNUSED,	/* -> QF_FILE is not to be a message */
	Q_ORIGINS,	/* -> all rows, please */
	Q_ORIGIN_ROWS,	/* <- QF_ROWS, struct packed_origin; QF_LAST: no more */
	Q_ORIGIN_DROP,	/* -> QF_ROWS, u32 each: known for ever, drop them */
};
enum {
	Q_FILES_MAX = 4,	/* that a worker has and did not submit, */
	Q_FILES_COLLECT = 512,	/* and collect */
	Q_ORIGINS_MAX = 4096,	/* rows that there may be */
	Q_ORIGINS_SLICE = 256,	/* of one Q_ORIGIN_ROWS or Q_ORIGIN_DROP */
};
enum q_field {
	QF_FILE = 1,	/* the file's name, which is the queue id */
	QF_SENDER,	/* reverse-path without <>; empty: null sender */
	QF_RECIPIENTS,	/* struct packed_recipient (lib/mail/packed.h) */
	QF_CLIENT,	/* "name [address]", for trace */
	QF_LOGIN,	/* who sent it; absent for a stranger */
	QF_TIME,	/* u64 seconds: when it was accepted */
	QF_LENGTH,	/* u64 octets of the file */
	QF_CRC,		/* u32 crc32c of the file */
	QF_FINAL,	/* u32: end of Return-Path and Delivered-To: relay of an
			   address as given sends from here */
	QF_FORWARD,	/* u32: end of Return-Path alone: relay of what an alias
			   expanded to sends from here (keeps Delivered-To) */
	QF_FLAGS,	/* u32 enum q_flag */
	QF_WORDS,
	QF_ENVID,	/* ENVID as it was given (RFC 3461 4.4); ENVID_MAX */
	QF_ORIGIN,	/* u32 enum service it came in by, or enum q_origin */
	/* What is absent was not given, and costs nothing. */
	QF_ACCOUNT,	/* of Q_ORIGIN_COLLECTOR: the account; ADDRESS_MAX */
	QF_UIDL,	/* and the message's UIDL there; UIDL_MAX */
	QF_RET,		/* u32 enum q_ret */
	QF_BODY,	/* u32 enum q_body: BODY= as it was declared */
	QF_NOTES,	/* packed: lib/mail/notes.h; NOTES_MAX */
	QF_MESSAGE_ID,	/* of its header, for the log; MESSAGE_ID_MAX */
	QF_ROW,		/* u32: of Q_ORIGIN_COLLECTOR: its row; never 0 */
	QF_ROWS,
	QF_LAST,	/* u32 1 */
};
enum q_flag {
	Q_8BIT = 1,	/* octets over 0x7f are there, whatever BODY= said */
	Q_SMTPUTF8 = 2,	/* MAIL had SMTPUTF8 (RFC 6531 3.4) */
	Q_REQUIRETLS = 4, /* MAIL had REQUIRETLS (RFC 8689 2) */
};
/* NOTIFY of a recipient (RFC 3461 4.1); 0 where it was not given: FAILURE. */
enum q_notify {
	Q_NOTIFY_NEVER = 1,
	Q_NOTIFY_SUCCESS = 2,
	Q_NOTIFY_FAILURE = 4,
	Q_NOTIFY_DELAY = 8,
};
/* RET: what of the message a report of a failure holds (RFC 3461 4.3). */
enum q_ret { Q_RET_FULL = 1, Q_RET_HDRS };
/* BODY (RFC 6152 3, RFC 3030 3). */
enum q_body { Q_BODY_7BIT = 1, Q_BODY_8BITMIME, Q_BODY_BINARYMIME };
/* Where a message is from that no service brought; 0: not known. */
enum q_origin {
	Q_ORIGIN_REPORT = 256,	/* made here, about another message */
	Q_ORIGIN_COLLECTOR,	/* fetched: QF_ACCOUNT, QF_UIDL */
};
extern const struct msg_proto proto_queue;

/*
 * queue and deliver; queue and relay. A job is one message and the recipients
 * that share a way; frame id is the job's number. Several jobs of deliver may
 * be under way; relay has one at a time.
 */
enum j_type {
	J_DELIVER = 1,	/* queue -> deliver, descriptor O_RDONLY */
	J_RELAY,	/* queue -> relay, descriptor O_RDONLY */
	J_RESULT,	/* -> queue */
	J_BROKEN,	/* -> queue: length or checksum is wrong */
	J_REFUSED,	/* -> queue: not taken (retiring), give it to another */
	J_HURRY,	/* queue -> relay, id of a job: others wait for a
			   worker, so let that job wait less */
};
enum j_field {
	JF_FILE = 1,
	JF_SENDER,
	JF_RECIPIENTS,	/* struct packed_target; J_DELIVER: with the owner
			   ("anna@example.test", whose mailbox) and the address
			   as it was given (+tag) */
	JF_LENGTH,
	JF_CRC,
	JF_OFFSET,	/* J_DELIVER: QF_FINAL; J_RELAY: send from here */
	JF_TIME,
	JF_ROUTE,	/* J_RELAY: the destination, with JF_CREDENTIAL and
			   JF_TLS: lib/mail/dest_key.h */
	JF_FLAGS,	/* u32 enum q_flag */
	JF_RESULTS,	/* struct packed_result */
	JF_HOST,	/* relay: who answered, "mx.example.com [192.0.2.1]" */
	JF_WORDS,
	JF_LOGIN,
	JF_CREDENTIAL,
	JF_TLS,
	/* As QF_*, and absent where that was. */
	JF_ENVID,
	JF_RET,
	JF_RCPT_DSN,	/* J_RELAY: struct packed_dsn of each recipient that
			   has ORCPT or NOTIFY */
	JF_BODY,
	JF_ORIGIN,
	JF_ACCOUNT,
	JF_UIDL,
	JF_NOTES,
	JF_REDIRECTS,	/* deliver: struct packed_target without owner: where
			   a script sends what this target got, besides */
};
enum { JOB_REDIRECTS_MAX = 128 * 1024 };
extern const struct msg_proto proto_job;

/*
 * login and smtpd ask auth. For IMAP and POP3 the answer brings a descriptor:
 * the session's end to proxy to. auth applies the growing delays itself: the
 * asker only waits.
 */
enum a_type {
	A_AUTH = 1,
	A_OK,		/* AF_USER: the account's name; [descriptor] */
	A_NO,		/* AF_REASON enum a_reason, AF_WORDS */
};
enum a_field {
	AF_SERVICE = 1,	/* u32 enum service */
	AF_USER,	/* as the client gave it (asking), canonical (answer) */
	AF_PASSWORD,
	AF_REMOTE,
	AF_REASON,
	AF_WORDS,
	AF_TLS,		/* of the client's connection, for people */
};
enum { AUTH_TLS_MAX = 99 };	/* octets of AF_TLS */
/* Who does not know a reason takes it for A_LATER. */
enum a_reason {
	A_BAD = 1,	/* wrong name or password; never says which */
	A_LATER,	/* temporary trouble */
	A_LIMIT,	/* too many failures */
	A_SESSIONS,	/* the user has as many sessions as he may */
	A_PROTOCOL,	/* right, but he may not log in by this protocol */
};
extern const struct msg_proto proto_auth;

/*
 * resolve answers those who send mail or judge it. HOSTS lists what to try, in
 * order: for a domain its MX hosts by preference, equals shuffled, or the domain
 * itself where it has no MX (RFC 5321 5.1); for a host the host itself.
 */
enum n_type {
	N_MX = 1,	/* NF_NAME: a mail domain */
	N_HOST,		/* NF_NAME: a host, no MX look-up */
	N_HOSTS,	/* NF_STATUS, NF_HOSTS, NF_WORDS */
};
enum n_field {
	NF_NAME = 1,
	NF_STATUS,	/* u32 enum n_status */
	NF_HOSTS,	/* packed: u32 preference, lv host, u32 n, n times lv
			   address as text ("192.0.2.1", "2001:db8::1") */
	NF_WORDS,
	NF_SECURE,	/* u32: 1 if all of it was DNSSEC-validated */
};
enum n_status {
	N_OK,
	N_NULL_MX,	/* RFC 7505: never */
	N_NO_DOMAIN,	/* does not exist: never */
	N_NO_ADDRESS,	/* exists, but no host has an address: never */
	N_TEMP,		/* try later */
};
extern const struct msg_proto proto_resolve;

/*
 * smtpd and queue ask signer for the signature of a hash (RFC 6376). Who may
 * sign for which domain the channel says (smtpd/signer.h): of local workers it
 * is the client's connection, which they send along.
 */
enum s_type {
	S_SIGN = 1,	/* -> a hash [descriptor: the client's connection] */
	S_SIGNED,	/* <- SF_SIGNATURE */
	S_NO,		/* <- SF_REASON, SF_WORDS */
};
enum s_field {
	SF_ADDRESS = 1,	/* local@domain: as whom; its domain's key signs */
	SF_SELECTOR,	/* of the key; DKIM_SELECTOR_MAX */
	SF_HASH,	/* DKIM_HASH octets */
	SF_SIGNATURE,	/* at most DKIM_SIGNATURE_MAX octets */
	SF_REASON,	/* u32 enum s_reason */
	SF_WORDS,
};
/* Who does not know a reason takes it for S_LATER. */
enum s_reason {
	S_LATER = 1,	/* tables or key cannot be had now */
	S_FOREIGN,	/* not for that domain */
};
extern const struct msg_proto proto_sign;

/*
 * Who administers a domain, and admin (run/admin). AD_HELLO comes first: the
 * client is admitted; else AD_END. Then one AD_RUN, what the command prints, and
 * AD_END.
 */
enum ad_type {
	AD_HELLO = 1,
	AD_RUN,
	AD_SAID,
	AD_END,
};
enum ad_field {
	ADF_ARGS = 1,	/* packed lv: the words of the command line */
	ADF_LANGUAGE,	/* locale(7): of what it says */
	ADF_INPUT,	/* standard input: a password */
	ADF_STREAM,	/* u32: 1 standard output, 2 standard error */
	ADF_TEXT,
	ADF_STATUS,	/* the exit status */
	ADF_FOREIGN,	/* u32 1: the client administers nothing */
};
enum {
	ADMIN_ARGS_OCTETS = 64 * 1024,
	ADMIN_LANGUAGE_MAX = 40,
	ADMIN_TEXT_MAX = 32 * 1024,
};
extern const struct msg_proto proto_admin;

/*
 * auth asks pam whether that is the password of a user of the host. One question
 * at a time to each process.
 */
enum p_type {
	P_ASK = 1,
	P_ANSWER,
};
enum p_field {
	PF_USER = 1,	/* the user's name; PAM_USER_MAX */
	PF_PASSWORD,
	PF_REMOTE,	/* the client's address, without its port */
	PF_RESULT,	/* u32 enum p_result */
	PF_WORDS,	/* why, for the log */
};
/* Who does not know a result takes it for P_LATER. */
enum p_result {
	P_PASSED = 1,
	P_WRONG,	/* not the password, as PAM has it */
	P_REFUSED,	/* it may not log in, whatever the password is */
	P_LATER,	/* PAM cannot say */
};
enum { PAM_USER_MAX = 255 };
extern const struct msg_proto proto_pam;

/*
 * The operator's command on the control sockets run/queue.ctl, run/store.ctl,
 * run/collect.ctl, run/master.ctl. An answer is any number of rows, then C_END. The server
 * asks SO_PEERCRED and serves root and its own uid (in a trial the caller).
 */
enum c_type {
	C_STATUS = 1,	/* master: a row per process; queue, store: counters */
	C_STOP,		/* master */
	C_RELOAD,	/* master: all programs; queue, store: tables */
	C_LIST,		/* master: a row per session. queue: a row per message
			   and recipient. store: a row
			   per user */
	C_SHOW,		/* queue: CF_ID: envelope rows and the body */
	C_RETRY,	/* queue: CF_ID or all. collect: CF_USER or all */
	C_HOLD,
	C_RELEASE,
	C_DELETE,
	C_CHECK,	/* store: CF_USER or all; a row per finding. collect:
			   CF_USER: a login there, a row of what came of it */
	C_REBUILD,	/* store: CF_USER or all; rows of progress */
	C_ROW,		/* <- CF_NAMES (in the first row) and CF_VALUES */
	C_PROGRESS,	/* <- CF_WORDS, CF_DONE */
	C_END,		/* <- CF_STATUS enum c_status, CF_WORDS */
	C_KICK,		/* master: ends the session CF_ID, or all of CF_USER */
	C_NOTE,		/* master: CF_WORDS, what an operator did, for the log */
	C_DOOR,		/* store: the descriptor that comes along is a door
			   (door.h) of the account CF_USER from now on:
			   PEER_CTL's, or, with one of C_DOOR_* in CF_ID,
			   PEER_MIGRATE's */
	C_REMOVE,	/* store: all mail of CF_USER, whom the tables do not
			   know; a row */
	C_RENAME,	/* store: CF_USER: where the tables do not know it yet,
			   is it free? Else its mail comes from where they say
			   that it is */
};
/* migrate's door; one that can remove nothing, and one that can. */
#define C_DOOR_ADDS	"migrate"
#define C_DOOR_REMOVES	"migrate-removes"
enum c_field {
	CF_ID = 1,	/* queue id */
	CF_USER,
	CF_NAMES,	/* packed lv: column names, as they stand in --json */
	CF_VALUES,	/* packed: u8 enum c_value, lv text */
	CF_STATUS,
	CF_WORDS,
	CF_DONE,
};
enum {
	CTL_NAMES_MAX = 2000,		/* octets of CF_NAMES */
	CTL_ROW_MAX = 64 * 1024,	/* octets of CF_VALUES */
};
/*
 * C_TIME counts seconds since 1970, C_SPAN seconds: numbers to a machine, with
 * decimals where the source has them. C_TEXTS is packed lv: a list.
 */
enum c_value { C_TEXT, C_NUMBER, C_BOOL, C_NULL, C_TIME, C_SPAN, C_TEXTS };
enum c_status { C_OK, C_REFUSED, C_BUSY };
extern const struct msg_proto proto_ctl;

#endif
