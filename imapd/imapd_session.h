/*
 * A session: one client that has logged in. Reads commands, runs them one
 * after the other, writes what they say.
 *
 * A command's run function answers with imapd_ok, imapd_no or imapd_bad and
 * returns IMAPD_DONE; or, where it has more to say than fits now, sets
 * s->more and returns IMAPD_MORE: more is called again when the client has
 * read enough, and so on until it returns IMAPD_DONE. Other sessions run in
 * between. While a command is under way no further input is looked at, so a
 * client that does not read costs at most IMAPD_OUT_HIGH octets and what one
 * step of a command adds.
 */
#ifndef IMAPD_IMAPD_SESSION_H
#define IMAPD_IMAPD_SESSION_H

#include <ev.h>

#include "lib/mail/door.h"
#include "lib/server/server.h"

#include "imapd/imapd_args.h"
#include "imapd/imapd_box.h"
#include "imapd/imapd_fetch_body.h"
#include "imapd/imapd_input.h"

enum {
	IMAPD_TAG_MAX = 64,
	IMAPD_ERRORS_MAX = 20,		/* bad commands in a row */
	IMAPD_OUT_HIGH = 128 * 1024,	/* a step ends when so much waits */
	IMAPD_SLICE_MS = 20,		/* ... or so much time went by */
	IMAPD_STALL_MS = 300 * 1000,	/* no progress in a command or answer */
	IMAPD_SWEEP = 30,		/* seconds between looks at the time */
};

enum imapd_run { IMAPD_DONE, IMAPD_MORE };
enum imapd_state { IMAPD_AUTH = 1, IMAPD_SELECTED = 2, IMAPD_ANY = 3 };

struct imapd_append;

struct imapd_session {
	struct imapd_session *next;
	int	 fd;
	ev_io	 reading, writing;
	struct imapd_input in;
	struct buf out;
	size_t	 out_done;		/* octets of out already written */
	struct imapd_view *view;	/* the selected mailbox, or NULL */
	struct imapd_append *append;	/* a literal on its way to a file */
	char	 tag[IMAPD_TAG_MAX + 1];
	const struct imapd_command *cmd;
	int	 uid;			/* the UID form of it */
	enum imapd_run (*more)(struct imapd_session *);
	void	(*more_free)(void *);
	void	*more_data;
	const char *bye;	/* to say when more has ended */
	struct imapd_memo memo;
	int64_t	 active;		/* when the client last did something */
	int64_t	 told;			/* when something last went out */
	unsigned errors;
	unsigned condstore : 1, idle : 1, closing : 1, dead : 1, ready : 1;
	char	 remote[WIRE_REMOTE_MAX + 1];
};

enum imapd_flag {
	IMAPD_UID = 1,		/* has a UID form */
	IMAPD_UID_ONLY = 2,
	IMAPD_WRITES = 4,	/* not in a mailbox opened by EXAMINE */
	IMAPD_QUIET = 8,	/* no EXPUNGE in its replies (but UID forms) */
	IMAPD_NO_SYNC = 16,	/* its reply brings no news of the mailbox */
};

struct imapd_command {
	const char *name;
	enum imapd_run (*run)(struct imapd_session *,
		    const struct imapd_arg *, size_t n);
	unsigned states, flags;
	size_t	 min_args, max_args;
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
extern struct door imapd_door;
extern struct imapd_session *imapd_sessions;

/* The rows of all commands; ends with .name NULL. */
extern const struct imapd_command *const imapd_commands[];

/* Takes the descriptor over. */
void	imapd_session_new(struct ev_loop *loop, const struct session *from);
/* Looks at every session's clocks. */
void	imapd_session_sweep(void);
/* Says BYE and ends it when that is out. */
void	imapd_session_bye(struct imapd_session *s, const char *words);
/* All of them; then the process may end. */
void	imapd_session_stop(void);

/* Replies. Untagged ones are built in s->out directly. */
enum imapd_run imapd_ok(struct imapd_session *s, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
enum imapd_run imapd_no(struct imapd_session *s, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
enum imapd_run imapd_bad(struct imapd_session *s, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
/* A call of the door failed: NO with the fitting response code. */
enum imapd_run imapd_door_no(struct imapd_session *s);
/* The continuation of the present command, and what frees its state. */
enum imapd_run imapd_later(struct imapd_session *s,
	    enum imapd_run (*more)(struct imapd_session *),
	    void (*more_free)(void *), void *data);
/*
 * For a long command, between two pieces: writes if much waits; true if the
 * step should end. start is clock_mono_ms() at the step's start.
 */
int	imapd_full(struct imapd_session *s, int64_t start);
/* CONDSTORE begins with the first command that shows it (RFC 7162 3.1). */
void	imapd_condstore(struct imapd_session *s);

#endif
