/*
 * collect and fetch: the manager, which has the accounts, the schedule, the
 * journal and the channel to queue, and its workers, each of which has one
 * account for one run and ends with it. doc/internals.md, "The collector", has
 * the course of a run and what a kill leaves.
 *
 * A run, seen from fetch (frame ids are 0 unless they are said to be more):
 *
 *   CL_RUN          comes first, and once: the account
 *   CL_LIST         what the server has, in slices of at most CL_SLICE; after
 *                   each, but the last, CL_MORE comes: nothing else is sent
 *                   before it
 *   CL_WANT         answers the last slice: what is to be fetched, in this order,
 *                   and what is to be removed there. Both may be empty
 *   CL_FILE         a file, please; at most CL_WINDOW messages are between CL_FILE
 *                   and its last answer. The frame id is the number of the
 *                   message in the list
 *   CL_FILE_IS      the file, or CL_LATER. The worker writes head and message,
 *                   fdatasync, close
 *   CL_SUBMIT       the file is complete; nothing of it stays open. Or CL_LEFT,
 *                   with the file closed: it is not a message
 *   CL_DONE         it is durable in queue and in the journal; with CLF_REMOVE 1
 *                   it may be removed at the server. Or CL_LATER: nothing more
 *                   is fetched in this run
 *   CL_END          the run is over, whatever it came to. Then the process ends
 *
 * What may be removed is removed (DELE and QUIT; \Deleted and UID EXPUNGE) in the
 * run that was told so. Whether that worked shows in the next list: what is known
 * and still there is told again.
 *
 * Where the server has IMAP IDLE and CL_RUN has CL_MAY_IDLE, a worker that is done
 * says CL_IDLE instead of CL_END and waits for both sides; when something came
 * there, or a while has passed, it sends a list again (of all there is, or above
 * CLF_SINCE), and so on. Who has not been wanted all of it hears CL_STOP.
 * CL_STOP may come at any time: finish what is under way, log out, CL_END.
 *
 * The worker is the side that the network can break: collect believes it nothing
 * but what concerns its account, checks each number against what it wanted, and
 * knows recipients, keys and limits itself.
 */
#ifndef LIB_MAIL_COLLECT_PROTO_H
#define LIB_MAIL_COLLECT_PROTO_H

#include "lib/base/msg.h"

enum cl_type {
	CL_RUN = 1,	/* collect -> the account */
	CL_LIST,	/* fetch -> CLF_ITEMS; CLF_LAST */
	CL_MORE,	/* collect -> the next slice, please */
	CL_WANT,	/* collect -> CLF_NUMBERS, CLF_REMOVED */
	CL_FILE,	/* fetch -> */
	CL_FILE_IS,	/* collect -> CLF_FILE, descriptor O_RDWR, empty */
	CL_SUBMIT,	/* fetch -> */
	CL_DONE,	/* collect -> CLF_REMOVE */
	CL_LATER,	/* collect -> CLF_WORDS */
	CL_LEFT,	/* fetch -> CLF_REASON, CLF_WORDS: id's message stays
			   there. After CL_FILE_IS that file is not used, and
			   whatever was written to it is collect's to drop */
	CL_IDLE,	/* fetch -> waits for the server to have news */
	CL_STOP,	/* collect -> end the run in good order */
	CL_END,		/* fetch -> CLF_STATUS, CLF_WORDS, [CLF_DELAY] */
};

enum cl_field {
	CLF_ACCOUNT = 1,	/* its name, for the log; CL_ACCOUNT_MAX */
	CLF_KIND,	/* u32 enum cl_kind */
	CLF_HOST,	/* DOMAIN_MAX: to look up, and what the certificate
			   has to name */
	CLF_PORT,	/* u32 */
	CLF_SECURITY,	/* u32 enum cl_security */
	CLF_LOGIN,
	CLF_PASSWORD,	/* secret; SECRET_MAX */
	CLF_FLAGS,	/* u32 enum cl_flag */
	CLF_OWNER,	/* whose the mail is: Delivered-To of the head. Absent
			   where CLF_FIELDS is there */
	CLF_FIELDS,	/* packed lv: names of header fields that have the
			   recipient, the first that is there counts; "Received"
			   means its "for" (RFC 5321 4.4) */
	CLF_SECONDS,	/* u32: the longest run, IDLE aside; 0: none */
	CLF_LARGEST,	/* u64: octets of a message; a larger one is left */
	CLF_VALIDITY,	/* u32: IMAP: where UIDVALIDITY is this one still, */
	CLF_SINCE,	/* u32: uids up to here need not be listed */
	CLF_ITEMS,	/* packed: struct cl_item */
	CLF_LAST,	/* u32 1: the list is complete */
	CLF_NUMBERS,	/* packed u32: fetch these, in this order */
	CLF_REMOVED,	/* packed u32: remove these there */
	CLF_FILE,	/* the queue id, which the head's Received names */
	CLF_SENDER,	/* of the message's own first Return-Path, without <>;
			   absent: it has none. For the log */
	CLF_RECIPIENTS,	/* packed lv: addresses that CLF_FIELDS led to */
	CLF_LENGTH,	/* u64 octets of the file */
	CLF_CRC,	/* u32 crc32c of the file */
	CLF_FINAL,	/* u32, u32: as QF_FINAL and QF_FORWARD (proto.h) */
	CLF_FORWARD,
	CLF_MESSAGE_ID,	/* of its header, MESSAGE_ID_MAX; absent: none */
	CLF_REMOVE,	/* u32 1: it may be removed there */
	CLF_REASON,	/* u32 enum cl_left */
	CLF_STATUS,	/* u32 enum cl_status */
	CLF_WORDS,	/* for a person; RESULT_WORDS_MAX */
	CLF_DELAY,	/* u32 seconds: no login before that (LOGIN-DELAY of
			   CAPA, RFC 2449 6.5; absent: not said) */
};

enum cl_kind { CL_POP3 = 1, CL_IMAP };

enum cl_security {
	CL_TLS = 1,	/* from the first octet */
	CL_STARTTLS,	/* STLS, STARTTLS: or nothing goes on */
	CL_PLAIN,	/* none: the operator said so, in so many words */
};

enum cl_flag {
	CL_ANY_CERTIFICATE = 1,	/* whatever certificate it has */
	CL_MAY_IDLE = 2,
	CL_8BIT = 4,		/* of CL_SUBMIT: octets over 0x7f are there */
	CL_TEST = 8,		/* for the log: nothing will be wanted */
	CL_TOKEN = 16,		/* CLF_PASSWORD is an OAuth access token */
};

/* Why a message stays there. */
enum cl_left {
	CL_TOO_LARGE = 1,	/* of CLF_LARGEST, whatever the list said */
	CL_VANISHED,		/* it was in the list, and is not there */
	CL_UNREADABLE,		/* the server does not hand it out. Where it then
				   hands out another, it stays there for good;
				   else it is tried again */
};

/* What a run came to. Who does not know one takes it for CL_LOST. */
enum cl_status {
	CL_OK = 1,
	CL_REFUSED,	/* the server refuses name or password */
	CL_IN_USE,	/* somebody else has the mailbox (RFC 2449 8.1.1) */
	CL_LOGIN_DELAY,	/* too early (RFC 2449 8.1.2) */
	CL_SYS_TEMP,	/* passing trouble there (RFC 3206 4) */
	CL_SYS_PERM,	/* trouble there that a person has to mend */
	CL_UNREACHED,	/* no address, no connection */
	CL_CERTIFICATE,	/* not trusted, or TLS that is not to be had: no password
			   was sent */
	CL_LOST,	/* the connection ended, or its time ran out */
	CL_PROTOCOL,	/* what it says is no POP3 or IMAP */
	CL_QUEUE,	/* CL_LATER came */
	CL_LIMIT,	/* CLF_SECONDS were over: there is more */
};

enum {
	CL_ACCOUNT_MAX = 64,	/* octets of an account's name */
	CL_WINDOW = 8,
	CL_SLICE = 1000,	/* items of a CL_LIST */
	CL_WANT_MAX = 10000,	/* numbers of a CL_WANT, each list */
	CL_LIST_MAX = 1 << 20,	/* items of a whole list: what is over that is
				   listed in a later run */
	CL_FIELDS_MAX = 20,	/* names in CLF_FIELDS */
	CL_RECIPIENTS_MAX = 100,
	CL_SECTION_MAX = 16 * 1024,	/* octets of these two, packed */
};

/*
 * A message at the server. number: of this session (POP3), or its uid (IMAP). key:
 * the UIDL, or "UIDVALIDITY.UID" in decimal: 1 to UIDL_MAX octets from 0x21 to
 * 0x7e, and none twice in a list. size: as the server says, 0 where it says none.
 */
struct cl_item {
	uint32_t number;
	uint64_t size;
	const char *key;	/* read: borrowed, not NUL-terminated */
	size_t	 len;
};

/* 0; -1, nothing added: the key is none, or b is full. */
int	cl_put_item(struct buf *b, const struct cl_item *i);
/* The next one: 1; 0 at the end; -1 for one that is malformed. */
int	cl_item(struct cursor *c, struct cl_item *i_r) ATTR_CHECK;
/* Is it a key? */
int	cl_is_key(const char *p, size_t len);

extern const struct msg_proto proto_collect;

#endif
