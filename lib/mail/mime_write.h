/*
 * A message written anew from one that lies in memory (or in a map of its
 * file): stretches that stay as they are, and between them text that is made.
 * Stretches go on without a copy, text in pieces, so that memory does not grow
 * with the message. Nothing goes on before something differs: who writes all of
 * it as it was, and does not end it, has put nothing.
 */
#ifndef LIB_MAIL_MIME_WRITE_H
#define LIB_MAIL_MIME_WRITE_H

#include "lib/base/buf.h"

struct mime_writer {
	const char *data;
	size_t	 at;		/* what is before is written */
	size_t	 from;		/* of this, from there on it was not put yet */
	struct buf text;	/* made, and not put yet */
	char	 last;		/* the last octet that was put */
	/* Gets the octets, in order. */
	void	(*put)(void *arg, const char *p, size_t len);
	void	*arg;
};

/* mime_write_end frees what it holds; data must stay until then. */
void	mime_write_init(struct mime_writer *w, const char *data,
	    void (*put)(void *arg, const char *p, size_t len), void *arg);
/* On to there as it is; what is before was written already. */
void	mime_write_raw(struct mime_writer *w, size_t to);
/* On to there, and leaves it out. */
void	mime_write_skip(struct mime_writer *w, size_t to);
/* What is appended to it before the next call comes behind what is written. */
struct buf *mime_write_text(struct mime_writer *w);
/* Puts all that is left; not without it. put 0: forgets it. */
void	mime_write_end(struct mime_writer *w, int put);

/*
 * How many octets, blanks and line ends quoted-printable writes longer, each by
 * two at most: the encoded text has no more than len, twice as many, and a
 * fifteenth of both.
 */
size_t	mime_quoted_more(const char *p, size_t len);
/*
 * The octets up to there in an encoding of RFC 2045 6; in base64 without the end
 * of the last line. No line begins with "-", which a delimiter would.
 */
void	mime_write_quoted(struct mime_writer *w, size_t to);
void	mime_write_base64(struct mime_writer *w, size_t to);
/*
 * The octets up to there, which are in that encoding already, with lines that
 * are longer than max octets broken where that changes nothing of what they
 * stand for.
 */
void	mime_wrap_quoted(struct mime_writer *w, size_t to, size_t max);
void	mime_wrap_base64(struct mime_writer *w, size_t to, size_t max);

#endif
