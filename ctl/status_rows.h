/*
 * The rows that programs answer "status" with, value by value; and what collect
 * has to say of the accounts at providers.
 */
#ifndef CTL_STATUS_ROWS_H
#define CTL_STATUS_ROWS_H

#include "ctl/ctl.h"
#include "ctl/ctl_out.h"

enum {
	STATUS_VALUES = 24,	/* of a row, that are looked at */
	STATUS_ROWS_MAX = 16 << 20,	/* octets */
};

struct value {
	enum c_value type;
	const char *p;		/* NULL: there is none */
	size_t	 len;
};

/* Takes the next row (lv, of ctl_control's whole): how many values it has; 0:
   it is malformed, or there is none. */
size_t	status_row(struct cursor *rows, struct value v[STATUS_VALUES]);
int	status_is(const struct value *v, const char *text);

struct status_accounts {
	struct buf rows;	/* as ctl_control has them */
	int	 known;		/* collect has answered */
};

#define STATUS_ACCOUNTS_INIT { .rows = BUF_INIT(STATUS_ROWS_MAX) }

/* Asks collect. One that does not answer is said, and known stays 0. */
void	status_accounts_ask(struct ctl *c, struct status_accounts *s);
/* The next value of o: an array of objects. */
void	status_accounts_json(const struct status_accounts *s, struct out *o);
/* A table on standard output; nothing where there is no account. */
void	status_accounts_print(const struct status_accounts *s);
/* Warns of each that has no success for too long: how many. */
size_t	status_accounts_warn(const struct status_accounts *s);
void	status_accounts_clear(struct status_accounts *s);

#endif
