#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/admin_ask.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_util.h"
#include "lib/base/chan.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"
#include "lib/server/settings.h"

enum {
	HELLO_MS = 30 * 1000,	/* all its processes may be busy */
	SEND_MS = 10 * 1000,
	SILENCE_MS = 3600 * 1000,	/* as user del --mail waits for store */
};

/* Who does not own the configuration cannot change it. */
static int
is_foreign(const struct ctl *c)
{
	struct stat st;

	return geteuid() != 0 && stat(c->dir, &st) == 0 &&
	    st.st_uid != geteuid();
}

/* The socket of the suite, or -1. What is wrong with the file is said later. */
static int
connect_suite(const struct ctl *c)
{
	struct conf { char *state_dir; } conf = { NULL };
	static const struct settings_key keys[] = {
		SETTINGS_KEY_STATE(struct conf, state_dir),
		SETTINGS_END
	};
	struct buf why = BUF_INIT(0);
	int fd = -1;

	if (settings_load(c->dir, keys, &conf, &why) == 0)
		fd = control_socket(conf.state_dir, "admin");
	free(conf.state_dir);
	buf_clear(&why);
	return fd;
}

static int
has_option(const struct ctl *c, const struct option_row *o, const char *name)
{
	for (; o != NULL && o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return c->opt[o->slot] != NULL;
	return 0;
}

static int
takes_password(const struct ctl_command *cmd)
{
	const struct option_row *o = cmd->options;

	while (o != NULL && o->name != NULL && strcmp(o->name, "--stdin") != 0)
		o++;
	return o != NULL && o->name != NULL;
}

/* Reads it here, at the user's terminal. 0, or -1 with why. */
static int
get_password(const struct ctl *c, const struct ctl_command *cmd,
    struct buf *password, int *asked_r, struct buf *why)
{
	int from_stdin = has_option(c, cmd->options, "--stdin");

	*asked_r = 0;
	if (!takes_password(cmd) || has_option(c, cmd->options, "--hash"))
		return 0;
	*asked_r = !from_stdin;
	return ctl_password(from_stdin, c->args[0], password, why);
}

/* No word of it has a control character: admin takes none. */
static int
is_line(int n, char *const *words)
{
	const unsigned char *p;
	int i;

	for (i = 0; i < n; i++)
		for (p = (const unsigned char *)words[i]; *p != '\0'; p++)
			if (*p < ' ' || *p == 0x7f)
				return 0;
	return 1;
}

/* The command line: its name, what tells where the password is, the rest. */
static void
put_words(struct buf *args, const struct ctl_command *cmd, int asked, int n,
    char **words)
{
	const char *p = cmd->name;
	size_t len;
	int i;

	for (; *p != '\0'; p += len + (p[len] == ' ')) {
		len = strcspn(p, " ");
		buf_put_lv(args, p, len);
	}
	if (asked)
		buf_put_lv(args, "--stdin", 7);
	for (i = 0; i < n; i++)
		buf_put_lv(args, words[i], strlen(words[i]));
}

/* 0, or -1 with why. */
static int
send_command(struct ctl *c, const struct ctl_command *cmd, struct chan *ch,
    int n, char **words, struct buf *why)
{
	struct buf args = BUF_INIT(0), password = BUF_INIT(PASSWORD_MAX);
	const char *language = words_asked();
	int r, asked;

	if (!is_line(n, words)) {
		buf_set(why, _("a control character stands in a word"));
		return -1;
	}
	r = get_password(c, cmd, &password, &asked, why);
	if (r == 0) {
		put_words(&args, cmd, asked, n, words);
		msg_begin(ch, &proto_admin, AD_RUN, 0);
		msg_bytes(ch, ADF_ARGS, args.data, args.len);
		if (strlen(language) <= ADMIN_LANGUAGE_MAX)
			msg_text(ch, ADF_LANGUAGE, language);
		if (password.len > 0)
			msg_text(ch, ADF_INPUT, buf_str(&password));
		r = msg_end(ch);
		if (r == 0)
			r = chan_send(ch, SEND_MS);
		buf_wipe(&ch->out);
		if (r == -1)
			buf_set(why, "admin: %s", errno == EINVAL ?
			    _("too many words") : strerror(errno));
	}
	buf_clear(&args);
	buf_wipe(&password);
	return r;
}

static void
print(const struct msg *m)
{
	FILE *f = msg_get_u32(m, ADF_STREAM) == 1 ? stdout : stderr;
	size_t len;
	const char *p = msg_get(m, ADF_TEXT, &len);

	if (len > 0)
		fwrite(p, 1, len, f);
}

/* What it prints, until its end. The exit status. */
static int
receive(struct chan *ch)
{
	struct buf why = BUF_INIT(0);
	int r, status = CTL_LATER, end = 0;
	struct msg m;

	while (!end && (r = msg_recv(&m, &proto_admin, PEER_ADMIN, ch,
	    SILENCE_MS, &why)) == 1) {
		end = m.type == AD_END;
		if (end)
			status = (int)msg_get_u32(&m, ADF_STATUS);
		else if (m.type == AD_SAID)
			print(&m);
		msg_done(&m);
	}
	if (!end)
		ctl_fail(0, _("the suite ended before the command did: it may "
		    "have been done"));
	buf_clear(&why);
	return fflush(stdout) == EOF && status == CTL_DONE ? CTL_REFUSED :
	    status;
}

/* Is he admitted? CTL_DONE, or how it ends (said). */
static int
hello(struct chan *ch)
{
	struct buf why = BUF_INIT(0);
	int r = CTL_LATER, foreign = 0;
	struct msg m;

	if (msg_recv(&m, &proto_admin, PEER_ADMIN, ch, HELLO_MS, &why) == 1) {
		r = m.type == AD_HELLO ? CTL_DONE : CTL_LATER;
		foreign = msg_get_u32(&m, ADF_FOREIGN) != 0;
		msg_done(&m);
	}
	buf_clear(&why);
	if (foreign)
		return ctl_fail(CTL_REFUSED, _("you administer no domain: "
		    "that is for root, and for whom \"rohrpost domain set "
		    "DOMAIN --admins\" names"));
	if (r != CTL_DONE)
		ctl_fail(0, _("the suite has no time for it now, try again "
		    "later"));
	return r;
}

int
admin_ask(struct ctl *c, const struct ctl_command *cmd, int n, char **words)
{
	struct buf why = BUF_INIT(0);
	struct chan ch;
	int r, fd;

	if (cmd->admin == ADMIN_NEVER || !is_foreign(c) ||
	    (fd = connect_suite(c)) == -1)
		return ADMIN_ASK_NOT;
	chan_init(&ch, fd);
	r = hello(&ch);
	if (r == CTL_DONE && send_command(c, cmd, &ch, n, words, &why) == -1)
		r = ctl_say(CTL_REFUSED, &why);
	else if (r == CTL_DONE)
		r = receive(&ch);
	chan_clear(&ch);
	buf_clear(&why);
	return r;
}
