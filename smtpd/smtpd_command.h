/*
 * The table of commands, and the engine that judges state, TLS, login
 * and the number of words. The handlers of its rows are in cmd_*.c.
 */
#ifndef SMTPD_SMTPD_COMMAND_H
#define SMTPD_SMTPD_COMMAND_H

#include "smtpd/smtpd_reply.h"

/* A command's argument: the text after the verb, without outer blanks. */
struct smtp_args {
	char	*text;
	size_t	 len;
	unsigned words;
};

enum smtp_flag {
	CMD_TLS = 1,		/* never in the clear: 538 */
	CMD_LOGIN = 2,		/* on submission only after a login: 530 */
	CMD_SUBMISSION = 4,	/* only where logins are taken: 502 */
	CMD_JUNK = 8,		/* brings no message forward */
	CMD_LONG = 16,		/* its line may be AUTH_LINE_MAX */
	CMD_DATA = 32,		/* what follows may be no commands */
};

struct smtp_command {
	const char *name;
	void	(*run)(struct smtp_session *, const struct smtp_args *);
	unsigned states;	/* enum smtp_state, or'ed */
	unsigned flags;		/* enum smtp_flag */
	unsigned min_args, max_args;	/* words after the verb */
	const char *usage;
};

/* The table; ends with .name NULL. */
extern const struct smtp_command smtp_commands[];
const struct smtp_command *smtp_command_find(const char *p, size_t len);
/* May the command run in this session with so many words? */
struct smtp_refusal smtp_command_judge(const struct smtp_command *c,
	    const struct smtp_session *s, unsigned words);
/*
 * Splits a line into verb and argument; refuses NUL, CR and the like. 0, or -1
 * where the line cannot be a command.
 */
int	smtp_command_split(char *line, size_t len, char **verb_r,
	    size_t *verb_len_r, struct smtp_args *args_r) ATTR_CHECK;

void	cmd_helo(struct smtp_session *, const struct smtp_args *);
void	cmd_ehlo(struct smtp_session *, const struct smtp_args *);
void	cmd_mail(struct smtp_session *, const struct smtp_args *);
void	cmd_rcpt(struct smtp_session *, const struct smtp_args *);
void	cmd_data(struct smtp_session *, const struct smtp_args *);
void	cmd_rset(struct smtp_session *, const struct smtp_args *);
void	cmd_noop(struct smtp_session *, const struct smtp_args *);
void	cmd_quit(struct smtp_session *, const struct smtp_args *);
void	cmd_vrfy(struct smtp_session *, const struct smtp_args *);
void	cmd_help(struct smtp_session *, const struct smtp_args *);
void	cmd_starttls(struct smtp_session *, const struct smtp_args *);
void	cmd_auth(struct smtp_session *, const struct smtp_args *);
void	cmd_absent(struct smtp_session *, const struct smtp_args *);
void	cmd_bdat(struct smtp_session *, const struct smtp_args *);
void	cmd_foreign(struct smtp_session *, const struct smtp_args *);

#endif
