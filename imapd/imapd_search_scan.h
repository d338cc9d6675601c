/*
 * A scan: one message is read for the keys of a SEARCH that need its file,
 * all of them in one pass, in steps of bounded work. Work is counted in
 * octets, once for each key that they are held against: a message of 10 MB
 * and a thousand keys are many steps, between which others are served.
 *
 * Texts are decoded, converted and folded piece by piece, so that memory does
 * not grow with what is decoded. The message ends its scan as soon as the keys
 * answered decide the whole tree.
 */
#ifndef IMAPD_IMAPD_SEARCH_SCAN_H
#define IMAPD_IMAPD_SEARCH_SCAN_H

#include "lib/mail/mime_decode.h"

#include "imapd/imapd_fetch_body.h"
#include "imapd/imapd_search_match.h"

enum imapd_scan_phase {
	IMAPD_SCAN_HEADER, IMAPD_SCAN_PART_HEADER, IMAPD_SCAN_PART_TEXT,
	IMAPD_SCAN_END,
};

struct imapd_scan {
	struct imapd_key *root;
	struct imapd_key **keys;	/* without an answer, then with one */
	size_t	 n_keys, n_open;
	/* the message */
	const struct imapd_view *view;
	uint32_t seq;
	struct door_record rec;
	struct imapd_message msg;
	enum imapd_scan_phase phase;
	int	 decided;
	/* where it is read */
	const char *p, *end;		/* the rest of a header block */
	const struct mime_part *part;
	size_t	 at;			/* its text is read up to here */
	struct mime_decoder decoder;
	const struct mime_charset *charset;
	struct buf raw, text;		/* decoded; and converted */
	/* the text that is held against the keys */
	struct buf folded;
	size_t	 value_at;		/* a field: where its value begins */
	struct imapd_field name;	/* of the field */
	struct imapd_field list;	/* to be read as addresses; p NULL: no */
	int	 in_list;		/* the text is that of addresses */
	size_t	 fed, key;		/* next: what follows fed, to that key */
	int	 answers;		/* some key has a new answer */
	size_t	 work;			/* of this step */
};

/* Before the jail: nothing is loaded later. -1 with why, where some of those
   character sets are unknown; the others are good. why is empty before. */
int	imapd_search_init(const char *charsets, struct buf *why) ATTR_CHECK;

/* For the messages of one SEARCH; the tree is borrowed. */
void	imapd_scan_init(struct imapd_scan *sc, struct imapd_key *root);
void	imapd_scan_clear(struct imapd_scan *sc);
/*
 * Begins with a message that its record leaves open. fd is taken over. seq is
 * its number in v, which stays as it is until imapd_scan_end.
 */
void	imapd_scan_begin(struct imapd_scan *sc, const struct imapd_view *v,
	    uint32_t seq, const struct door_record *r, int fd);
/* Is there a message between imapd_scan_begin and imapd_scan_end? */
int	imapd_scan_begun(const struct imapd_scan *sc);
/*
 * A step: about so much work, and at most a piece of 32 KiB, one header field
 * or the parsing of the message more. True when the message is decided.
 */
int	imapd_scan_step(struct imapd_scan *sc, size_t work);
/* Ends with the message, decided or not. True: it matches. */
int	imapd_scan_end(struct imapd_scan *sc);

#endif
