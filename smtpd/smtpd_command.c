#include <string.h>

#include "lib/base/str.h"
#include "smtpd/smtpd_command.h"

enum { MANY = 1000 };

#define IDLE	(SMTP_START | SMTP_HELLO)

const struct smtp_command smtp_commands[] = {
	{ .name = "HELO", .run = cmd_helo, .states = SMTP_ANY,
	    .flags = CMD_JUNK, .min_args = 1, .max_args = MANY,
	    .usage = "HELO host" },
	{ .name = "EHLO", .run = cmd_ehlo, .states = SMTP_ANY,
	    .flags = CMD_JUNK, .min_args = 1, .max_args = MANY,
	    .usage = "EHLO host" },
	{ .name = "MAIL", .run = cmd_mail, .states = SMTP_HELLO,
	    .flags = CMD_LOGIN, .min_args = 1, .max_args = MANY,
	    .usage = "MAIL FROM:<address> [KEY=value ...]" },
	{ .name = "RCPT", .run = cmd_rcpt, .states = SMTP_MAIL | SMTP_RCPT,
	    .flags = CMD_LOGIN, .min_args = 1, .max_args = MANY,
	    .usage = "RCPT TO:<address> [KEY=value ...]" },
	{ .name = "DATA", .run = cmd_data, .states = SMTP_MAIL | SMTP_RCPT,
	    .flags = CMD_LOGIN | CMD_DATA, .max_args = 0,
	    .usage = "DATA" },
	{ .name = "RSET", .run = cmd_rset, .states = SMTP_ANY,
	    .flags = CMD_JUNK, .max_args = 0, .usage = "RSET" },
	{ .name = "NOOP", .run = cmd_noop, .states = SMTP_ANY,
	    .flags = CMD_JUNK, .max_args = MANY, .usage = "NOOP" },
	{ .name = "QUIT", .run = cmd_quit, .states = SMTP_ANY,
	    .max_args = 0, .usage = "QUIT" },
	{ .name = "VRFY", .run = cmd_vrfy, .states = SMTP_ANY,
	    .flags = CMD_JUNK, .min_args = 1, .max_args = MANY,
	    .usage = "VRFY name" },
	{ .name = "HELP", .run = cmd_help, .states = SMTP_ANY,
	    .flags = CMD_JUNK, .max_args = MANY, .usage = "HELP" },
	{ .name = "STARTTLS", .run = cmd_starttls, .states = SMTP_ANY,
	    .flags = CMD_JUNK, .max_args = 0, .usage = "STARTTLS" },
	{ .name = "AUTH", .run = cmd_auth, .states = SMTP_HELLO,
	    .flags = CMD_SUBMISSION | CMD_TLS | CMD_JUNK | CMD_LONG,
	    .min_args = 1, .max_args = 2,
	    .usage = "AUTH PLAIN|LOGIN [initial-response]" },
	{ .name = "EXPN", .run = cmd_absent, .states = SMTP_ANY,
	    .flags = CMD_JUNK, .max_args = MANY, .usage = "EXPN" },
	{ .name = "TURN", .run = cmd_absent, .states = SMTP_ANY,
	    .flags = CMD_JUNK, .max_args = MANY, .usage = "TURN" },
	/* Octets follow that must not be taken for commands. */
	{ .name = "BDAT", .run = cmd_bdat, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "BDAT" },
	/* Another protocol on the line, perhaps a browser tricked into it. */
	{ .name = "GET", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	{ .name = "POST", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	{ .name = "PUT", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	{ .name = "HEAD", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	{ .name = "OPTIONS", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	{ .name = "CONNECT", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	{ .name = "PATCH", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	{ .name = "DELETE", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	{ .name = "TRACE", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	/* HTTP/2, and a proxy's line (version 1) where none is expected. */
	{ .name = "PRI", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	{ .name = "PROXY", .run = cmd_foreign, .states = SMTP_ANY,
	    .max_args = MANY, .usage = "" },
	{ .name = NULL }
};

const struct smtp_command *
smtp_command_find(const char *p, size_t len)
{
	const struct smtp_command *c;

	for (c = smtp_commands; c->name != NULL; c++)
		if (str_is(p, len, c->name))
			return c;
	return NULL;
}

/*
 * The order is meant: what is wrong in itself first, then what this connection
 * cannot do at all, then what it cannot do yet.
 */
struct smtp_refusal
smtp_command_judge(const struct smtp_command *c, const struct smtp_session *s,
    unsigned words)
{
	static const struct smtp_refusal
	    args = { 501, "5.5.4", "wrong arguments" },
	    absent = { 502, "5.5.1", "not available here" },
	    clear = { 538, "5.7.11", "TLS first, say STARTTLS" },
	    greet = { 503, "5.5.1", "say EHLO first" },
	    order = { 503, "5.5.1", "not now: commands out of order" },
	    login = { 530, "5.7.0", "log in first" },
	    none = { 0, NULL, NULL };

	if (words < c->min_args || words > c->max_args)
		return args;
	if ((c->flags & CMD_SUBMISSION) && !smtpd_takes_login(s))
		return absent;
	if ((c->flags & CMD_TLS) && s->tls[0] == '\0')
		return clear;
	if (!(c->states & s->state))
		return s->state == SMTP_START ? greet : order;
	if ((c->flags & CMD_LOGIN) && smtpd_takes_login(s) &&
	    s->login[0] == '\0')
		return login;
	return none;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static unsigned
count_words(const char *p, size_t len)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < len; i++)
		n += !is_blank(p[i]) && (i == 0 || is_blank(p[i - 1]));
	return n;
}

int
smtp_command_split(char *line, size_t len, char **verb_r, size_t *verb_len_r,
    struct smtp_args *args_r)
{
	size_t n = 0;

	if (!str_is_text(line, len))
		return -1;
	while (len > 0 && is_blank(line[len - 1]))
		len--;
	while (n < len && !is_blank(line[n]))
		n++;
	if (n == 0)
		return -1;
	*verb_r = line;
	*verb_len_r = n;
	while (n < len && is_blank(line[n]))
		n++;
	args_r->text = line + n;
	args_r->len = len - n;
	args_r->text[args_r->len] = '\0';
	args_r->words = count_words(args_r->text, args_r->len);
	return 0;
}
