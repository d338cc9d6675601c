/*
 * The client's side of IMAP (RFC 3501, RFC 9051), blocking, one server: a
 * connection, its commands and what answers them. imap_login.h begins a
 * session, imap_list.h finds mailboxes, imap_fetch.h reads them.
 *
 * Commands may be sent before the ones ahead of them are answered, up to
 * IMAP_WAITING. Untagged data may come at any time: it goes to the sink, if the
 * caller has set one, and is forgotten otherwise.
 *
 * Bounds: of a response those of imap_input.h and imap_value.h; a command that
 * is not answered within `command` ms, and 1 s for each RATE octets that came
 * meanwhile, ends the connection.
 *
 * DIAGNOSTICS: nothing warns. A call that fails leaves words for a person, of
 * one line, which begin with the label; what the server said in them is
 * printable.
 */
#ifndef RELAY_IMAP_CLIENT_H
#define RELAY_IMAP_CLIENT_H

#include "lib/base/attr.h"
#include "lib/net/stream.h"
#include "relay/imap_value.h"

enum {
	IMAP_LABEL_MAX = 300,
	IMAP_WORDS_MAX = 500,
	IMAP_WAITING = 8,
	IMAP_RATE = 1000,
	IMAP_MECHS_MAX = 300,
};

enum imap_result {
	IMAP_OK,
	IMAP_NO,	/* the server refuses; the connection lives */
	IMAP_LOST,	/* the connection is over */
};

/* What the server offers, and what ENABLE has turned on. */
enum imap_cap {
	IMAP_CAP_STARTTLS = 1 << 0,
	IMAP_CAP_LOGINDISABLED = 1 << 1,
	IMAP_CAP_SASL_IR = 1 << 2,
	IMAP_CAP_ID = 1 << 3,
	IMAP_CAP_NAMESPACE = 1 << 4,
	IMAP_CAP_SPECIAL_USE = 1 << 5,
	IMAP_CAP_LIST_EXTENDED = 1 << 6,
	IMAP_CAP_ENABLE = 1 << 7,
	IMAP_CAP_CONDSTORE = 1 << 8,
	IMAP_CAP_QRESYNC = 1 << 9,
	IMAP_CAP_UTF8 = 1 << 10,
	IMAP_CAP_IDLE = 1 << 11,
	IMAP_CAP_UIDPLUS = 1 << 12,
	IMAP_CAP_MOVE = 1 << 13,
	IMAP_CAP_REV2 = 1 << 14,
};

enum imap_kind { IMAP_TAGGED, IMAP_UNTAGGED, IMAP_CONTINUE };

/* A response; all of it lies in the client until the next one. */
struct imap_response {
	enum imap_kind kind;
	unsigned tag;		/* TAGGED: of which command */
	uint32_t number;	/* UNTAGGED "* 12 FETCH": 12; else 0 */
	char	 word[20];	/* in capitals: OK, NO, BAD, BYE, PREAUTH, or
				   what the data are: FETCH, LIST, ...; "" */
	char	 code[40];	/* of OK, NO, BAD, BYE, PREAUTH: the first word
				   of the response code, in capitals; or "" */
	const char *text;	/* what else such a response says, or the text
				   of CONTINUE; cleaned for a person */
	/* Of data what follows the word; of a response code what follows its
	   first word. */
	const struct imap_value *v, *end;
};

struct imap_sink {
	/* Untagged data. */
	void	(*data)(void *ctx, const struct imap_response *r);
	/* A piece of a message of size octets, before the data that it is
	   part of. */
	void	(*body)(void *ctx, const char *p, size_t len, uint64_t size);
};

struct imap_client {
	struct stream stream;
	struct imap_input in;
	struct imap_values values;
	struct imap_response last;	/* the last one that was read */
	char	 label[IMAP_LABEL_MAX];
	struct buf words;
	struct buf text;		/* of the last response */
	char	 code[40];		/* of the last tagged NO or BAD */
	unsigned caps, enabled;		/* enum imap_cap */
	char	 mechs[IMAP_MECHS_MAX];	/* " PLAIN SCRAM-SHA-256 " */
	int	 known;			/* caps are those of the present state */
	int	 dead;
	int	 no_tls;			/* it ended for want of TLS */
	int	 foreign;			/* it ended, for that is no IMAP */
	unsigned tag;			/* of the last command */
	/* Answers that overtook the one that is waited for. */
	struct {
		unsigned tag;
		enum imap_result r;
	} early[IMAP_WAITING];
	unsigned n_early;
	int64_t	 command;		/* ms; the caller may set another */
	int64_t	 since;			/* the present wait */
	uint64_t came;			/* octets since then */
	int	(*stop)(void);		/* asked when woken (stream_wake); or
				   NULL */
	const struct imap_sink *sink;	/* the caller's to set; or NULL */
	void	*ctx;
};

/* Takes the connected socket over. */
void	imap_init(struct imap_client *c, int fd, const char *label);
/* Closes; with LOGOUT where the connection lives. */
void	imap_close(struct imap_client *c);

/* Ends the connection with words behind the label. IMAP_LOST. */
enum imap_result imap_fail(struct imap_client *c, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
/*
 * Begins a command: its tag, then what the format says. It ends with
 * imap_end, before which imap_put_* may follow.
 */
void	imap_begin(struct imap_client *c, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
/* A string, quoted. It must not hold CR, LF or NUL. */
void	imap_put_string(struct imap_client *c, const char *s);
void	imap_end(struct imap_client *c);

/* Reads a response. IMAP_OK: it is in c->last; or IMAP_LOST. */
enum imap_result imap_read(struct imap_client *c) ATTR_CHECK;
/*
 * Reads until that command is answered. IMAP_NO with words and c->code for NO
 * and BAD. Of those that were sent after it one may be answered earlier: a
 * server may do several at a time (RFC 3501 5.5).
 */
enum imap_result imap_wait(struct imap_client *c, unsigned tag) ATTR_CHECK;
/* imap_begin, imap_end and imap_wait in one. */
enum imap_result imap_command(struct imap_client *c, const char *fmt, ...)
	    ATTR_PRINTF(2, 3) ATTR_CHECK;

#endif
