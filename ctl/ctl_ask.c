#include "config.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/ctl_ask.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

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
	while ((ch = getc(stdin)) != EOF && ch != '\n')
		bad |= ch == '\0' || buf_putc(out, (char)ch) == -1;
	if (bad)
		return -1;
	return ch == '\n' || out->len > 0;
}

/* The first letter counts, in either case. */
static int
begins_like(const char *answer, const char *word)
{
	return str_ncasecmp(answer, word, 1) == 0;
}

int
ctl_confirmed(const char *question)
{
	struct buf line = BUF_INIT(16);
	int yes;

	fprintf(stderr, _("%s [yes/no] "), question);
	/* In English too, whatever the language of the question. */
	yes = ctl_line(&line) == 1 && (begins_like(buf_str(&line), "yes") ||
	    begins_like(buf_str(&line), _("yes")));
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
	int r;

	fprintf(stderr, again ? _("Again for %s: ") : _("Password for %s: "),
	    who);
	if (tcgetattr(STDIN_FILENO, &old) == -1) {
		buf_set(why, _("no terminal to ask on: use --stdin"));
		return -1;
	}
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	r = read_password(out, why);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	return r;
}

int
ctl_password(int from_stdin, const char *who, struct buf *out,
    struct buf *why)
{
	struct buf again = BUF_INIT(PASSWORD_MAX);
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
