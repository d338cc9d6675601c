/*
 * The outcome of a delivery to one recipient, and its words: "5.1.1 no such
 * mailbox", an enhanced status code (RFC 3463) first, then text.
 */
#ifndef LIB_MAIL_RESULT_H
#define LIB_MAIL_RESULT_H

enum result {
	RESULT_DELIVERED = 0,
	RESULT_LATER = 1,	/* temporary: stays in the queue */
	RESULT_NEVER = 2,	/* permanent: the sender is told */
};

enum { RESULT_WORDS_MAX = 1000 };

/* In front of the last words of what was given up for its age (RFC 3463 3.5). */
#define RESULT_EXPIRED "4.4.7 not delivered in time; last: "
/* Of RESULT_DELIVERED, where nothing was stored: a script sent it on. */
#define RESULT_REDIRECTED "2.0.0 redirected by a script"

#endif
