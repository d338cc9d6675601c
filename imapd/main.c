/*
 * imapd: the IMAP sessions of one user, behind login.
 */
#include "lib/base/log.h"

#include "imapd/imapd_door.h"
#include "imapd/imapd_loop.h"
#include "imapd/imapd_search_scan.h"
#include "imapd/imapd_session.h"
#include "lib/base/words.h"

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct imapd_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct imapd_conf, verbose),
	SETTINGS_KEY_MESSAGE_SIZE(struct imapd_conf, message_size),
	{ "imap_idle_timeout", SETTINGS_TIME,
	    offsetof(struct imapd_conf, idle_timeout), "31m", 60, 86400,
	    NULL,
	    N_("an IMAP session without a command and not in IDLE ends") },
	{ "imap_keepalive", SETTINGS_TIME,
	    offsetof(struct imapd_conf, keepalive), "2m", 30, 1800, NULL,
	    N_("how often a session in IDLE hears from the server") },
	{ "imap_charsets", SETTINGS_TEXT,
	    offsetof(struct imapd_conf, charsets), "", 0, 500, NULL,
	    N_("character sets beside the built-in ones that SEARCH knows") },
	SETTINGS_END
};

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
	.wired = imapd_loop_wired,
	.session = imapd_loop_session,
	.kick = imapd_loop_kick,
	.stop = imapd_loop_stop,
};

int
main(int argc, char **argv)
{
	return server_loop_main(argc, argv, &server);
}
