/*
 * What queue, store and master send to the operator's command (proto_ctl):
 * rows with the names of their columns in the first, and an end. Nothing is
 * written here: messages are built in the channel, which the owner sends.
 *
 * DIAGNOSTICS: a row or an end that does not fit the channel is warned of,
 * and -1 is returned: the asker does not read, or the row is too long.
 */
#ifndef LIB_MAIL_ANSWER_H
#define LIB_MAIL_ANSWER_H

#include <stdint.h>

#include "lib/base/chan.h"
#include "lib/mail/proto.h"

struct answer {
	struct chan *chan;	/* borrowed */
	uint32_t id;		/* of the request */
	int	 named;		/* the names of the columns went out */
	int	 lost;		/* something did not fit */
	struct buf values;	/* of the row that is being made */
};

void	answer_init(struct answer *a, struct chan *c);
void	answer_clear(struct answer *a);
/* A new request, whose first row brings the names again. */
void	answer_begin(struct answer *a, uint32_t id);

/* The next value of the row. text NULL: there is none. */
void	answer_text(struct answer *a, const char *text);
/* A list of texts, packed lv (buf_put_lv). */
void	answer_texts(struct answer *a, const struct buf *packed);
void	answer_number(struct answer *a, uint64_t v);
void	answer_bool(struct answer *a, int on);
/* A moment in seconds since 1970; a length of time in seconds. */
void	answer_time(struct answer *a, uint64_t v);
void	answer_span(struct answer *a, uint64_t v);
/*
 * Ends the row. names, one for each value, are separated by spaces; fd goes
 * with it and is taken over, or is -1. 0, or -1.
 */
int	answer_row(struct answer *a, const char *names, int fd);
/* Something to show meanwhile: what, and how many are done. 0, or -1. */
int	answer_progress(struct answer *a, const char *words, uint64_t done);
/* Ends the answer; words may be "". 0, or -1. */
int	answer_end(struct answer *a, enum c_status status, const char *words);

#endif
