#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/ctl_ask.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

static struct sigaction before[SIGNALS];
static int catching;
static volatile sig_atomic_t caught;

static void
on_signal(int sig)
{
	caught = sig;
}

void
ctl_catch(int on)
{
	/* Without SA_RESTART: a read ends. */
	const struct sigaction sa = { .sa_handler = on_signal };
	size_t i;

	if (on) {
		caught = 0;
		setvbuf(stdin, NULL, _IONBF, 0);	/* as wait_input asks */
	}
	for (i = 0; i < SIGNALS && on != catching; i++)
		(void)sigaction(signals[i], on ? &sa : &before[i],
		    on ? &before[i] : NULL);
	catching = on;
}

int
ctl_caught(void)
{
	return caught;
}

/*
 * Until there is input or a signal: 0, or -1. A signal that comes before the
 * wait ends it too, so they are let in by the wait alone.
 */
static int
wait_input(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	sigset_t ours, old;
	size_t i;

	sigemptyset(&ours);
	for (i = 0; i < SIGNALS; i++)
		sigaddset(&ours, signals[i]);
	sigprocmask(SIG_BLOCK, &ours, &old);
	while (!caught && ppoll(&p, 1, NULL, &old) == -1 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &old, NULL);
	return caught ? -1 : 0;
}

int
ctl_at_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

int
ctl_line(struct buf *out)
{
	int ch, bad = 0;

	buf_reset(out);
	while ((ch = catching && wait_input() == -1 ? EOF : getc(stdin)) !=
	    EOF && ch != '\n')
		bad |= ch == '\0' || buf_putc(out, (char)ch) == -1;
	if (caught)
		buf_reset(out);
	if (bad && !caught)
		return -1;
	return ch == '\n' || out->len > 0;
}

/* The first letter counts, in either case. */
static int
begins_like(const char *answer, const char *word)
{
	return str_ncasecmp(answer, word, 1) == 0;
}

/* In English too, whatever the language of the question. */
int
ctl_is_yes(const char *answer)
{
	return begins_like(answer, "yes") || begins_like(answer, _("yes"));
}

int
ctl_is_no(const char *answer)
{
	return begins_like(answer, "no") || begins_like(answer, _("no"));
}

int
ctl_confirmed(const char *question)
{
	struct buf line = BUF_INIT(16);
	int yes;

	fprintf(stderr, _("%s [yes/no] "), question);
	yes = ctl_line(&line) == 1 && ctl_is_yes(buf_str(&line));
	buf_clear(&line);
	return yes;
}

static int
read_password(struct buf *out, struct buf *why)
{
	int r = ctl_line(out);
	const char *p = buf_str(out);
	size_t len = out->len;

	if (str_mark(&p, &len) == -1) {
		buf_set(why, _("the password: %s"), _(STR_UTF16));
		return -1;
	}
	buf_consume(out, out->len - len);
	if (r == -1)
		buf_set(why, _("the password is too long or holds NUL"));
	else if (r == 0)
		buf_set(why, _("no password was given"));
	return r == 1 ? 0 : -1;
}

static int
ask_hidden(int again, const char *who, struct buf *out, struct buf *why)
{
	struct termios old, quiet;
	int r, mine = !catching;

	if (tcgetattr(STDIN_FILENO, &old) == -1) {
		buf_set(why, _("no terminal to ask on: use --stdin"));
		return -1;
	}
	if (mine)
		ctl_catch(1);
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	/* The echo is off first: what is typed before that is thrown away. */
	fprintf(stderr, again ? _("Again for %s: ") : _("Password for %s: "),
	    who);
	r = read_password(out, why);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	if (mine)
		ctl_catch(0);
	if (mine && caught)
		raise(caught);
	return r;
}

int
ctl_password(int from_stdin, const char *who, struct buf *out,
    struct buf *why)
{
	struct buf again = BUF_INIT(out->max);
	int r;

	setvbuf(stdin, NULL, _IONBF, 0);	/* no copy of it in stdio */
	if (from_stdin)
		return read_password(out, why);
	if (!ctl_at_terminal()) {
		buf_set(why, _("no terminal to ask on: use --stdin"));
		return -1;
	}
	r = ask_hidden(0, who, out, why);
	if (r == 0)
		r = ask_hidden(1, who, &again, why);
	if (r == 0 && strcmp(buf_str(out), buf_str(&again)) != 0) {
		buf_set(why, _("passwords differ, try again"));
		r = -1;
	}
	buf_wipe(&again);
	return r;
}

int
ctl_password_once(const char *who, struct buf *out, struct buf *why)
{
	setvbuf(stdin, NULL, _IONBF, 0);
	return ask_hidden(0, who, out, why);
}
