/*
 * Asks a running program over its control socket (state_dir/run/NAME.ctl,
 * proto_ctl): one request, rows, an end.
 *
 * DIAGNOSTICS: a program that is not running is CTL_LATER with one line.
 */
#ifndef CTL_CTL_CONTROL_H
#define CTL_CTL_CONTROL_H

#include "ctl/ctl.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_record.h"
#include "lib/mail/proto.h"

struct ctl_control {
	enum peer who;		/* master, queue, store */
	enum c_type type;
	const char *id, *user, *words;	/* or NULL */
	int	 timeout_ms;	/* between two frames */
	struct out *out;	/* rows go there; NULL: none are expected */
	struct record *record;	/* in place of out: rows of a field and its
				   value (ctl_record.h); or NULL */
	struct buf *first;	/* lv: the first column of each row; or NULL */
	struct buf *whole;	/* lv: CF_NAMES, then CF_VALUES of each row; or
				   NULL */
	int	*body_r;	/* takes a row's descriptor; or NULL */
	int	*give;		/* goes with the request, and is taken over; or
				   NULL */
	int	 progress;	/* show progress at a terminal */
	int	 quiet;		/* do not print the words of a success */
	struct buf *refused;	/* takes the words of a refusal, which are not
				   printed then; or NULL */
	size_t	 rows;		/* <- how many came */
};

/* The exit status. */
int	control_call(struct ctl *c, struct ctl_control *q);
/* The same with a table on standard output; q->out is set here. */
int	control_list(struct ctl *c, struct ctl_control *q);
/* A connected socket of state_dir/run by its name, or -1 with errno. */
int	control_socket(const char *state_dir, const char *name);
/* The control socket of a program. */
int	control_connect(const char *state_dir, enum peer who);

#endif
