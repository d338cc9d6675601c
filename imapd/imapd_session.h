/*
 * A session: one client that has logged in. Its commands are run one after
 * the other (imapd_engine.h), as it sends and reads (imapd_loop.h).
 *
 * A command's run function answers with imapd_ok, imapd_no or imapd_bad and
 * returns IMAPD_DONE; or, where it has more to say than fits now, leaves a
 * continuation (imapd_later) and returns IMAPD_MORE: that is called when the
 * client has read enough, and so on until it returns IMAPD_DONE. Other
 * sessions run in between. While a command is under way no further input is
 * looked at, so a client that does not read costs at most IMAPD_OUT_HIGH
 * octets and what one step of a command adds. In IDLE it is told nothing more
 * while something waits for it.
 */
#ifndef IMAPD_IMAPD_SESSION_H
#define IMAPD_IMAPD_SESSION_H

#include <ev.h>

#include "lib/server/wire.h"

#include "imapd/imapd_args.h"
#include "imapd/imapd_fetch_body.h"
#include "imapd/imapd_input.h"
#include "imapd/imapd_view.h"
#include "imapd/imapd_zip.h"

enum {
	IMAPD_TAG_MAX = 64,
	IMAPD_ERRORS_MAX = 20,		/* bad commands in a row */
	IMAPD_OUT_HIGH = 128 * 1024,	/* a step ends when so much waits */
	IMAPD_SLICE_MS = 20,		/* ... or so much time went by */
	IMAPD_STALL_MS = 300 * 1000,	/* no progress in a command or answer */
	IMAPD_LEFT_MS = 2000,		/* ... where the client will say no
					   more and may have left */
};

enum imapd_run { IMAPD_DONE, IMAPD_MORE };

struct imapd_command;

struct imapd_session {
	struct imapd_session *next;
	int	 fd;
	ev_io	 reading, writing;
	struct imapd_input in;
	struct buf out;
	size_t	 out_done;		/* octets of out already written */
	struct imapd_zip *zip;		/* after COMPRESS; else NULL */
	size_t	 plain;			/* octets of out before it begins */
	struct buf tail;		/* a tagged reply that waits for ... */
	int	 tail_expunge;		/* ... news (imapd_reply.h) */
	struct imapd_view *view;	/* the selected mailbox, or NULL */
	char	 tag[IMAPD_TAG_MAX + 1];
	const struct imapd_command *cmd;
	int	 uid;			/* the UID form of it */
	enum imapd_run (*more)(struct imapd_session *);
	void	(*more_free)(void *);
	void	*more_data;
	int	(*divert)(struct imapd_session *);
	void	(*divert_free)(void *);
	void	*divert_data;
	const char *bye;	/* to say when the command has ended */
	struct imapd_memo memo;
	int64_t	 active;		/* when the client last did something */
	int64_t	 told;			/* when something last went out */
	unsigned errors;
	unsigned condstore : 1, qresync : 1, idle : 1, closing : 1, dead : 1, ready : 1;
	unsigned waiting : 1;	/* its command waits for a copy to end */
	uint32_t id;		/* master's name for it */
	char	 remote[WIRE_REMOTE_MAX + 1];
};

/* Settings (main.c fills them in). */
struct imapd_conf {
	const char *state_dir;
	const char *charsets;	/* of iconv, to be opened at the start */
	int	 verbose;
	uint64_t message_size;
	uint64_t idle_timeout;		/* seconds */
	uint64_t keepalive;		/* seconds, in IDLE */
};
extern struct imapd_conf imapd_conf;

/* Is a command under way, or its reply? */
int	imapd_session_busy(const struct imapd_session *s);
/* Does something wait to be written? */
int	imapd_session_pending(const struct imapd_session *s);
/* Writes what waits: 1 all, 0 the client is slow, -1 it is gone. */
int	imapd_flush(struct imapd_session *s);
/* Says BYE and ends it when that is out. */
void	imapd_session_bye(struct imapd_session *s, const char *words);
/* The line of it. */
void	imapd_put_bye(struct imapd_session *s, const char *words);
/* The continuation of the present command, and what frees its state. */
enum imapd_run imapd_later(struct imapd_session *s,
	    enum imapd_run (*more)(struct imapd_session *),
	    void (*more_free)(void *), void *data);
void	imapd_later_end(struct imapd_session *s);
/*
 * The octets of a literal, and the rest of its command, go to divert instead
 * of becoming arguments: called when there is input, it takes some with
 * imapd_input_divert or imapd_input_next and returns 1, or 0 where more must
 * come. At the end of the command it calls imapd_divert_end.
 */
void	imapd_divert(struct imapd_session *s,
	    int (*divert)(struct imapd_session *), void (*divert_free)(void *),
	    void *data);
void	imapd_divert_end(struct imapd_session *s);
/*
 * Drops a literal and what follows it in its line, unless the client waits;
 * says BYE where that would take too long.
 */
void	imapd_refuse(struct imapd_session *s, const struct imapd_line *l);
/*
 * For a long command, between two pieces: writes if much waits; true if the
 * step should end. start is clock_mono_ms() at the step's start.
 */
int	imapd_full(struct imapd_session *s, int64_t start);
/* CONDSTORE begins with the first command that shows it (RFC 7162 3.1). */
void	imapd_condstore(struct imapd_session *s);

#endif
