/*
 * The drop directory: where sendmail leaves a message while the suite is down.
 * Everybody may make a file there and nobody but root may list it (mode 1733);
 * whose message it is says the owner of the file. master looks there and has
 * each file sent with the rights of its owner (pickup).
 *
 * A file is a head of fixed length, which is written last, and what it counts:
 * lines of the envelope, an empty one, and the message.
 *
 *	rohrpost-drop 1 LENGTH CRC32C
 *	F<sender>		"" is the null sender
 *	C<caller>		who is told of what cannot be sent
 *	N<NOTIFY of RFC 3461>	these three where they were asked for
 *	R<RET>
 *	V<ENVID, as xtext>
 *	T<recipient>		as often as there are some
 *
 * DIAGNOSTICS: nothing warns; what is wrong is a value of enum drop_found.
 */
#ifndef LIB_MAIL_DROP_H
#define LIB_MAIL_DROP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

#define DROP_FOLDER	"spool/drop"	/* under state_dir */
#define DROP_BAD	"bad."		/* in front of a name: set aside */

enum {
	DROP_HEAD = 46,
	/* What a user may leave: files, and octets as often message_size. */
	DROP_FILES = 100,
	DROP_SIZES = 2,
	DROP_ENVELOPE_MAX = 1 << 20,	/* octets of a file before the message */
	DROP_NAME_MAX = 32,		/* octets of a name, with NUL */
};

/*
 * What became of a file: the exit status of pickup. 0 is none of them: so ends a
 * program that had no work, or whose channel was lost, and the file stays.
 */
enum drop_status {
	DROP_SENT = 10,
	DROP_BROKEN = 65,	/* damaged, or refused for good: set aside */
	DROP_PARTIAL = 66,	/* nobody was told that it is there */
	DROP_LATER = 75,
};

enum drop_found {
	DROP_WHOLE,
	DROP_CUT,		/* the head was not written */
	DROP_DAMAGED,		/* it was, and something is wrong */
	DROP_NEWER,		/* of a version that is not known here */
};

/* Borrowed texts. */
struct drop {
	const char *sender, *caller;
	uint32_t notify, ret;	/* enum q_notify, q_ret; or 0 */
	const char *envid;	/* or NULL */
	char	**to;
	size_t	 n_to;
	const char *message;
	size_t	 len;
};

/*
 * The name of a user's file: one of DROP_FILES, so that he can count his own
 * without listing the directory; and one that nobody can have taken before.
 */
void	drop_name(char out[DROP_NAME_MAX], uid_t uid, unsigned slot);
void	drop_name_random(char out[DROP_NAME_MAX], uid_t uid, uint64_t n);

/* Appends the file's octets, those of the head too. 0, or -1: no room. */
int	drop_pack(const struct drop *d, struct buf *out) ATTR_CHECK;
/*
 * Takes a file apart, in place: its octets are those that d points to. d->to
 * is the caller's to free, where DROP_WHOLE.
 */
enum drop_found drop_unpack(char *p, size_t len, struct drop *d) ATTR_CHECK;
/*
 * The same of the beginning of a file, where nothing but the envelope counts, or
 * as much of it as is there: nothing says that it is whole, and d->message is
 * NULL. 0, or -1.
 */
int	drop_peek(char *p, size_t len, struct drop *d) ATTR_CHECK;

#endif
