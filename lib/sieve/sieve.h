/*
 * Sieve (RFC 5228): the text of a script becomes a program that is checked as
 * a whole, and the program, run over a message, a list of what is to be done.
 * Nothing is done here: no file, no clock, no other process is asked.
 *
 * Extensions: fileinto, envelope, encoded-character (RFC 5228), copy (3894),
 * body (5173), variables (5229), relational (5231), imap4flags (5232),
 * subaddress (5233), ihave (5463), mailbox (5490), and the comparators
 * i;octet, i;ascii-casemap, i;ascii-numeric.
 *
 * What implementations may choose (the RFCs say so):
 * - An error at run time leaves nothing of what was to be done but the keep.
 * - The address test knows the fields that hold addresses; another name in a
 *   constant is an error, in a variable it matches nothing.
 * - body :text is body :content "text".
 * - ${1} to ${31} hold what wildcards matched.
 *
 * DIAGNOSTICS: words for a person, translated, which begin with the place
 * ("line 3, column 7: ..."), and at run time with the line.
 */
#ifndef LIB_SIEVE_SIEVE_H
#define LIB_SIEVE_SIEVE_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	SIEVE_SCRIPT_MAX = 128 << 10,	/* octets of a text */
	SIEVE_NESTING_MAX = 32,		/* blocks in blocks; tests in tests.
					   RFC 5228 2.10.5: at least 15 */
	SIEVE_ACTIONS_MAX = 32,		/* of one message */
	SIEVE_REDIRECTS_MAX = 5,	/* among them */
	SIEVE_VARIABLES_MAX = 128,	/* RFC 5229 6: at least 128 */
	SIEVE_VALUE_MAX = 16384,	/* octets; more is cut off. RFC 5229 6:
					   at least 4000 characters */
	SIEVE_NAME_MAX = 64,		/* octets of a variable's name */
	SIEVE_MATCHES_MAX = 32,		/* ${0} to ${31} */
	SIEVE_FLAGS_MAX = 64,		/* of one message */
	SIEVE_FLAG_LEN = 200,		/* octets of one */
	SIEVE_TEXT_MAX = 4 << 20,	/* octets that one command makes of its
					   strings */
	/*
	 * Steps: an octet that is compared or decoded, a command, a test. A
	 * message has so many, and STEPS_OCTET for each octet of it.
	 */
	SIEVE_STEPS = 10 << 20,
	SIEVE_STEPS_OCTET = 16,
};

struct sieve_script;

/* Reads a script. NULL: it is refused, why says where and why. */
struct sieve_script *sieve_compile(const char *text, size_t len,
	    struct buf *why) ATTR_CHECK;
void	sieve_free(struct sieve_script **s);
/* True where it asks for mailboxes (RFC 5490 mailboxexists). */
int	sieve_asks_mailboxes(const struct sieve_script *s);

/* The message; all is borrowed for the run. */
struct sieve_message {
	const char *data;	/* its octets, or as many as were read */
	size_t	 len;
	uint64_t size;		/* of all of it */
	const char *from;	/* envelope: reverse-path without <>, "" for <>;
				   NULL: there is none */
	const char *to;		/* the recipient's address; NULL: none */
	char	 separator;	/* of a local part's detail (RFC 5233) */
	/* Is there such a mailbox? NULL: none is there. */
	int	(*mailbox)(void *arg, const char *name);
	void	*arg;
};

enum sieve_kind { SIEVE_FILE, SIEVE_REDIRECT };

struct sieve_action {
	enum sieve_kind kind;
	char	*to;		/* mailbox (UTF-8), or address */
	int	 make;		/* :create: the mailbox may be made */
	char	*flags;		/* "\\Seen $Label": with blanks between */
};

/* What was decided. A keep is no action but stands beside them. */
struct sieve_result {
	struct sieve_action action[SIEVE_ACTIONS_MAX];
	size_t	 n, redirects;
	int	 keep;		/* into INBOX, too */
	char	*keep_flags;	/* as what; NULL: none */
};

void	sieve_result_init(struct sieve_result *r);
void	sieve_result_clear(struct sieve_result *r);

/*
 * Runs the program; what it decides is added to r, so that one script may
 * follow another while r->keep is set. An action that is there already is not
 * added again (RFC 5228 2.10.3). 0, or -1: an error, why says in which line;
 * r then holds the keep alone.
 */
int	sieve_run(const struct sieve_script *s, const struct sieve_message *m,
	    struct sieve_result *r, struct buf *why) ATTR_CHECK;

/* The extensions, with blanks between, as require names them. */
void	sieve_capabilities(struct buf *out);

#endif
