#include "config.h"

#include <string.h>

#include "ctl/ctl_reply.h"
#include "lib/base/words.h"

enum { REPLY_PARTS = 6 };

/*
 * The answers as the programs make them; %s stands for whatever they put in
 * there. One that begins like another stands before it.
 */
static const char *const replies[] = {
	/* master */
	N_("%s sessions ended"),
	N_("master is stopping"),
	N_("master is at it, or starts, or stops"),
	N_("state_dir: changes by stop and start only"),
	N_("%s: runs already as process %s"),
	N_("%s: our own listen_%s has %s still: give it up there by a reload "
	    "first, or stop and start"),
	N_("one command at a time"),
	/* queue */
	N_("%s messages, and %s failed: %s"),
	N_("%s messages"),
	N_("the table cannot be read"),
	N_("the table cannot be written"),
	N_("the record cannot be read"),
	N_("its body cannot be brought back"),
	N_("%s: held: release it first"),
	N_("%s: no such message in the queue (\"rohrpost trace\" tells what "
	    "became of it)"),
	/* store */
	N_("%s accounts are not listed; the first: %s"),
	N_("%s users, %s findings"),
	N_("%s users, %s failures"),
	N_("%s has no mailboxes"),
	N_("the mail folder: %s"),
	N_("busy for too long"),
	N_("no such account name"),
	N_("the mailboxes cannot be read"),
	N_("the scripts cannot be read"),
	N_("no such script"),
	N_("no script can have that name"),
	N_("there is no room for that script"),
	N_("the disk is full"),
	N_("the index cannot be written"),
	N_("the index does not answer"),
	N_("the flags cannot be written"),
	N_("made anew, but the mailboxes cannot be used"),
	N_("message %s has no file"),
	N_("message %s has %s octets, not %s"),
	N_("message %s has no line in flags"),
	N_("message %s: flags says otherwise"),
	N_("file %s is not in the index"),
	N_("the counters say %s messages, %s unseen, %s octets; it has %s, %s, "
	    "%s"),
	N_("the folder %s is missing"),
	N_("UIDNEXT %s is not above message %s"),
	N_("keyword %s is not the same in flags"),
	N_("%s more findings"),
	N_("the mailbox is not in memory: rebuild"),
	N_("there is no such account"),
	N_("the account is in the tables"),
	N_("its mail is that of the account's new name"),
	N_("there is mail under the new name"),
	N_("there is mail of an earlier account of that name"),
	N_("its folder is not there: bring it back"),
	N_("mail/%s is a symbolic link: remove it, and what it leads to, by "
	    "hand"),
	N_("mail/%s: %s"),
	N_("the tables cannot be read"),
	/* store, at a door */
	N_("no such mailbox"),
	N_("bad mailbox name"),
	N_("too many mailboxes"),
	N_("a number leaves no room above it"),
	N_("a uid leaves no room behind it"),
	N_("that uid has been given out already"),
	N_("a keyword cannot be set"),
	N_("nothing may be removed"),
	N_("a bound was passed"),
	N_("no store"),
	N_("the store went away"),
	N_("the store does not listen"),
	/* migrate */
	N_("it is larger than message_size"),
	N_("it has NUL octets"),
	N_("it is empty"),
	N_("the server did not send it"),
	N_("it has too many messages"),
	N_("the server did not list all that it says is there"),
	N_("it was numbered anew there (UIDVALIDITY): what was brought before "
	    "cannot be told from what is new"),
	N_("%s mailboxes have names that cannot be had here"),
	N_("what was brought cannot be written down"),
	N_("%s refuses the login: %s"),
	N_("%s asks for too much work at the login"),
	N_("%s did not answer in time"),
	N_("%s lost the connection: %s"),
	N_("%s does not greet: %s"),
	N_("%s does not speak IMAP: %s"),
	N_("%s offers no STARTTLS"),
	N_("%s offers no login that we know (LOGINDISABLED)"),
};

struct part {
	const char *p;
	size_t	 len;
};

/* The octets before the next hole of the pattern, or to its end. */
static size_t
literal(const char *pattern)
{
	const char *hole = strstr(pattern, "%s");

	return hole == NULL ? strlen(pattern) : (size_t)(hole - pattern);
}

/* What stands in the holes; -1 where the text is no such answer. */
static int
take_apart(const char *pattern, const char *text, struct part part[REPLY_PARTS])
{
	const char *end;
	size_t n;
	int i;

	for (i = 0; ; i++) {
		n = literal(pattern);
		if (strncmp(text, pattern, n) != 0)
			return -1;
		text += n;
		pattern += n;
		if (*pattern == '\0')
			return *text == '\0' ? 0 : -1;
		pattern += 2;
		n = literal(pattern);
		end = n == 0 ? strchr(text, '\0') :
		    memmem(text, strlen(text), pattern, n);
		if (end == NULL || i == REPLY_PARTS)
			return -1;
		part[i] = (struct part){ text, (size_t)(end - text) };
		text = end;
	}
}

/* The translation with the parts in its holes: %s in their order, or %1$s. */
static void
put_together(const char *words, const struct part part[REPLY_PARTS],
    struct buf *out)
{
	unsigned next = 0, i;

	for (; *words != '\0'; words++) {
		if (strncmp(words, "%s", 2) == 0) {
			i = next++;
			words += 1;
		} else if (words[0] == '%' && words[1] >= '1' &&
		    strncmp(words + 2, "$s", 2) == 0) {
			i = (unsigned)(words[1] - '1');
			words += 3;
		} else {
			buf_putc(out, *words);
			continue;
		}
		if (i < REPLY_PARTS && part[i].p != NULL)
			buf_append(out, part[i].p, part[i].len);
	}
}

void
reply_words(const char *said, struct buf *out)
{
	struct part part[REPLY_PARTS] = { { NULL, 0 } };
	const char *words;
	size_t i;

	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		words = _(replies[i]);
		if (words != replies[i] &&
		    take_apart(replies[i], said, part) == 0) {
			put_together(words, part, out);
			return;
		}
	}
	buf_puts(out, said);
}
