#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ctl_control.h"
#include "ctl/sendmail_drop.h"
#include "ctl/sendmail_message.h"
#include "ctl/sendmail_operate.h"
#include "ctl/sendmail_options.h"
#include "ctl/sendmail_smtp.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/mail/dsn.h"
#include "lib/mail/tables.h"
#include "lib/server/settings.h"

enum {
	BUSY_MS = 120 * 1000,	/* for how long a free connection is tried */
	BUSY_FIRST_MS = 20,	/* from one try to the next, at first */
	BUSY_LAST_MS = 500,	/* and at last */
	GONE_MAX = 3,		/* sessions that the server broke off */
};

struct sendmail_conf {
	const char *hostname, *state_dir;
	uint64_t message_size;
};

static const struct settings_key keys[] = {
	SETTINGS_KEY_HOSTNAME(struct sendmail_conf, hostname),
	SETTINGS_KEY_STATE(struct sendmail_conf, state_dir),
	SETTINGS_KEY_MESSAGE_SIZE(struct sendmail_conf, message_size),
	SETTINGS_END
};

/*
 * The domain of bare names: what the longest end of the host name that is
 * a domain of ours stands for; the host name itself where none is.
 */
static void
find_origin(struct sendmail *s)
{
	struct buf path = BUF_INIT(0), why = BUF_INIT(0);
	struct buf name = BUF_INIT(DOMAIN_MAX);
	const char *d = s->hostname;
	struct tables *t;

	buf_printf(&path, "%s/jail/tables.cdb", s->state_dir);
	t = tables_open(buf_str(&path), &why);
	while (t != NULL && d != NULL &&
	    tables_domain(t, d, &name) != LOOKUP_FOUND) {
		d = strchr(d, '.');
		if (d != NULL)
			d++;
	}
	str_copy(s->origin, sizeof(s->origin), t == NULL || d == NULL ?
	    s->hostname : buf_str(&name));
	tables_free(&t);
	buf_clear(&path);
	buf_clear(&why);
	buf_clear(&name);
}

/* The caller's name, followed by the host's unless he is root. */
static void
put_caller(const struct sendmail *s, struct buf *out)
{
	const struct passwd *pw = getpwuid(getuid());

	if (pw != NULL)
		buf_puts(out, pw->pw_name);
	else
		buf_printf(out, "uid-%ld", (long)getuid());
	if (getuid() != 0)
		buf_printf(out, "@%s", s->hostname);
}

/*
 * -f, else the caller's name. Without a domain it gets the host's name: that
 * is the sender that smtpd lets a local user be (smtpd/smtpd_local.c). Root
 * may be anybody, and is better reached at a domain of ours.
 */
static int
find_sender(struct sendmail *s, const struct sendmail_options *o)
{
	struct buf why = BUF_INIT(0), name = BUF_INIT(0);
	int r = 0;

	put_caller(s, &name);
	if (sendmail_address(s, buf_str(&name), name.len, s->caller,
	    &why) == -1)
		s->caller[0] = '\0';
	if (o->sender != NULL &&
	    sendmail_sender(o->sender, strlen(o->sender), &name, &why) == -1)
		r = sendmail_fail(EX_USAGE, "%s", buf_str(&why));
	if (r == 0 && name.len > 0) {
		if (strchr(buf_str(&name), '@') == NULL && getuid() != 0)
			buf_printf(&name, "@%s", s->hostname);
		if (sendmail_address(s, buf_str(&name), name.len, s->sender,
		    &why) == -1)
			r = sendmail_fail(EX_USAGE, "%s", buf_str(&why));
	}
	buf_clear(&name);
	buf_clear(&why);
	return r;
}

/* -V as it is where it is xtext, as Sendmail has it; else it is made such. */
static int
find_envid(struct sendmail *s, const struct sendmail_options *o)
{
	struct buf id = BUF_INIT(ENVID_MAX);
	int r = 0;

	if (o->envid == NULL)
		return 0;
	if (xtext_is(o->envid, strlen(o->envid)))
		r = buf_puts(&id, o->envid);
	else
		r = xtext_put(&id, o->envid, strlen(o->envid));
	if (r == -1)
		r = sendmail_fail(EX_USAGE, "-V: printable ASCII, at most %d "
		    "octets", ENVID_MAX);
	else
		str_copy(s->envid, sizeof(s->envid), buf_str(&id));
	buf_clear(&id);
	return r;
}

static int
take_arguments(struct sendmail *s, char **argv)
{
	struct buf why = BUF_INIT(0);
	int r = 0;

	for (; r == 0 && *argv != NULL; argv++) {
		if (sendmail_add(s, *argv, strlen(*argv), &why) == -1)
			r = sendmail_fail(EX_USAGE, "%s", buf_str(&why));
	}
	buf_clear(&why);
	return r;
}

static const char *
conf_dir(const struct sendmail_options *o)
{
	return o->dir != NULL ? o->dir : SYSCONFDIR;
}

static int
load(struct sendmail *s, const struct sendmail_options *o)
{
	struct buf why = BUF_INIT(0);
	struct sendmail_conf conf = { .hostname = NULL };
	int r = 0;

	if (settings_load(conf_dir(o), keys, &conf, &why) == -1) {
		r = sendmail_fail(EX_CONFIG, "%s", buf_str(&why));
	} else {
		s->hostname = conf.hostname[0] != '\0' ? conf.hostname :
		    "localhost";
		s->state_dir = conf.state_dir;
		s->message_size = conf.message_size;
		find_origin(s);
	}
	buf_clear(&why);
	return r;
}

static int
read_message(struct sendmail *s, struct buf *message)
{
	struct buf raw = BUF_INIT(s->message_size), why = BUF_INIT(0);
	int r = 0;

	if (fd_read_rest(STDIN_FILENO, &raw) == -1)
		r = errno == EFBIG ? sendmail_fail(EX_DATAERR, "the message "
		    "is larger than message_size") : sendmail_fail(EX_IOERR,
		    "standard input: %s", strerror(errno));
	else if (sendmail_prepare(s, buf_str(&raw), raw.len, message,
	    &why) == -1)
		r = sendmail_fail(EX_DATAERR, "%s", buf_str(&why));
	else if (s->n_to == 0)
		r = sendmail_fail(EX_USAGE, "no recipient was given");
	buf_clear(&raw);
	buf_clear(&why);
	return r;
}

/*
 * Nobody takes the message now: it is left for who comes. A program that speaks
 * SMTP hears that, and keeps what it has.
 */
static int
leave(const struct sendmail *s, const struct sendmail_options *o,
    const struct buf *message, const char *words)
{
	struct buf why = BUF_INIT(0);
	int r = 0;

	if (o->mode == SENDMAIL_SMTP) {
		printf("421 4.3.2 %s %s\r\n", s->hostname, words);
		r = sendmail_fail(EX_TEMPFAIL, "%s; try again later", words);
	} else if (sendmail_drop(s, message, &why) == -1)
		r = sendmail_fail(EX_TEMPFAIL, "%s, and the message cannot be "
		    "left for it (%s); try again later", words, buf_str(&why));
	buf_clear(&why);
	return r;
}

/* Where others, or this user's own, hold every connection: waits for one. */
static int
hand_over(struct sendmail *s, const struct sendmail_options *o,
    const struct buf *message)
{
	int64_t end = clock_mono_ms() + BUSY_MS;
	int fd, r, wait = BUSY_FIRST_MS, gone = 0;

	for (;;) {
		fd = control_socket(s->state_dir, "submit");
		if (fd == -1 && errno != EAGAIN)
			return leave(s, o, message,
			    "the mail system does not run");
		r = fd == -1 ? SENDMAIL_BUSY : o->mode == SENDMAIL_SMTP ?
		    sendmail_pass(fd) : sendmail_send(s, fd, message);
		if (r != SENDMAIL_BUSY && r != SENDMAIL_GONE)
			return r;
		if (r == SENDMAIL_GONE && ++gone == GONE_MAX)
			return leave(s, o, message,
			    "the mail system broke off");
		if (clock_mono_ms() >= end)
			return leave(s, o, message, "all connections to the "
			    "mail system are in use");
		(void)poll(NULL, 0, wait);
		wait = wait * 2 < BUSY_LAST_MS ? wait * 2 : BUSY_LAST_MS;
	}
}

static int
send_message(struct sendmail *s, const struct sendmail_options *o, char **argv)
{
	struct buf message = BUF_INIT(0);
	int r = find_sender(s, o);

	if (r == 0)
		r = find_envid(s, o);
	if (r == 0)
		r = take_arguments(s, argv + o->first);
	if (r == 0)
		r = read_message(s, &message);
	if (r == 0)
		r = hand_over(s, o, &message);
	buf_clear(&message);
	return r;
}

static int
run(struct sendmail *s, const struct sendmail_options *o, char **argv)
{
	switch (o->mode) {
	case SENDMAIL_MESSAGE:
		return send_message(s, o, argv);
	case SENDMAIL_SMTP:
		return hand_over(s, o, NULL);
	default:
		return sendmail_operate(o, conf_dir(o), s->state_dir);
	}
}

int
main(int argc, char **argv)
{
	struct sendmail s = { .state_dir = NULL };
	struct buf why = BUF_INIT(0);
	struct sendmail_options o;
	int has_input = fd_standard(), r = 0;

	log_init("sendmail", 1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (sendmail_options(argc, argv, &o, &why) == -1)
		r = sendmail_fail(EX_USAGE, "%s", buf_str(&why));
	else if (!has_input && (o.mode == SENDMAIL_MESSAGE ||
	    o.mode == SENDMAIL_SMTP))
		r = sendmail_fail(EX_IOERR, "standard input is closed");
	s.from_header = o.from_header;
	s.dot_is_text = o.dot_is_text;
	s.full_name = o.full_name;
	s.notify = o.notify;
	s.ret = o.ret;
	if (r == 0)
		r = load(&s, &o);
	if (r == 0)
		r = run(&s, &o, argv);
	buf_clear(&why);
	return r;
}
