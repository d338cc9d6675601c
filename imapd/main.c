/*
 * imapd: the IMAP sessions of one user, behind login.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"

#include "imapd/imapd_names.h"
#include "imapd/imapd_search_match.h"
#include "imapd/imapd_session.h"

static struct ev_io door_watch;
static struct ev_timer sweeper;
static int stopping;

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct imapd_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct imapd_conf, verbose),
	SETTINGS_KEY_MESSAGE_SIZE(struct imapd_conf, message_size),
	{ "imap_idle_timeout", SETTINGS_TIME,
	    offsetof(struct imapd_conf, idle_timeout), "31m", 60, 86400,
	    NULL, "an IMAP session without a command and not in IDLE ends" },
	{ "imap_keepalive", SETTINGS_TIME,
	    offsetof(struct imapd_conf, keepalive), "2m", 30, 1800, NULL,
	    "how often a session in IDLE hears from the server" },
	{ "imap_charsets", SETTINGS_TEXT,
	    offsetof(struct imapd_conf, charsets), "", 0, 500, NULL,
	    "character sets beside the built-in ones that SEARCH knows" },
	SETTINGS_END
};

static void
on_sweep(struct ev_loop *loop, ev_timer *w, int events)
{
	imapd_session_sweep();
	if (imapd_sessions == NULL)
		ev_timer_stop(loop, w);
}

/* Changes come by the door; also its end, until master brings a new one. */
static void
on_door(struct ev_loop *loop, ev_io *w, int events)
{
	imapd_box_events();
	if (imapd_door.chan.fd == -1)
		ev_io_stop(loop, w);
}

static void
wired(struct ev_loop *loop, const struct wire *w)
{
	int fd = w->fd;

	if (w->peer != PEER_STORE) {
		fd_close(&fd);
		return;
	}
	ev_io_stop(loop, &door_watch);
	door_set(&imapd_door, fd);
	imapd_names_drop();
	imapd_box_rewire();
	if (imapd_door.chan.fd == -1)
		return;
	ev_io_set(&door_watch, fd, EV_READ);
	ev_io_start(loop, &door_watch);
}

static void
session(struct ev_loop *loop, const struct session *from)
{
	imapd_session_new(loop, from);
	if (imapd_sessions != NULL && !ev_is_active(&sweeper))
		ev_timer_again(loop, &sweeper);
}

static void
on_stopped(struct ev_loop *loop, ev_timer *w, int events)
{
	server_exit();
}

/* Sessions that have read their BYE are gone; the others had a second. */
static void
stop(struct ev_loop *loop)
{
	static ev_timer last;

	if (stopping++)
		return;
	imapd_session_stop();
	ev_timer_init(&last, on_stopped, imapd_sessions == NULL ? 0. : 1., 0.);
	ev_timer_start(loop, &last);
}

static int
check(struct buf *why)
{
	return imapd_search_init(imapd_conf.charsets, why);
}

static int
before_jail(void)
{
	struct buf why = BUF_INIT(1000);

	door_init(&imapd_door, PEER_IMAPD, -1);
	ev_io_init(&door_watch, on_door, -1, EV_READ);
	ev_timer_init(&sweeper, on_sweep, 0., IMAPD_SWEEP);
	if (imapd_search_init(imapd_conf.charsets, &why) == -1)
		log_warn("%s", buf_str(&why));
	buf_clear(&why);
	return 0;
}

static int
after_jail(void)
{
	if (server_jailed())
		mime_charset_seal();
	return 0;
}

static const struct server server = {
	.kind = PEER_IMAPD,
	.keys = keys,
	.conf = &imapd_conf,
	.state_dir = &imapd_conf.state_dir,
	.verbose = &imapd_conf.verbose,
	.message_size = &imapd_conf.message_size,
	.check = check,
	.before_jail = before_jail,
	.after_jail = after_jail,
	.wired = wired,
	.session = session,
	.stop = stop,
};

int
main(int argc, char **argv)
{
	return server_loop_main(argc, argv, &server);
}
