/*
 * APPEND: the literal goes to a file as it comes, not into the command.
 */
#ifndef IMAPD_IMAPD_APPEND_H
#define IMAPD_IMAPD_APPEND_H

#include "imapd/imapd_session.h"

/*
 * The literal after n arguments comes: takes it (s->append is set) or
 * refuses it, having answered.
 */
void	imapd_append_begin(struct imapd_session *s,
	    const struct imapd_arg *args, size_t n,
	    const struct imapd_line *l);
/* Takes octets of it. 1: something was done, 0: more must come. */
int	imapd_append_step(struct imapd_session *s);
void	imapd_append_free(struct imapd_session *s);
/* An APPEND without a literal that could be diverted. */
enum imapd_run imapd_append_run(struct imapd_session *s,
	    const struct imapd_arg *args, size_t n);

#endif
