#include "config.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ctl/sendmail_options.h"
#include "lib/mail/dsn.h"

enum takes {
	TAKES_NOTHING,
	TAKES_TEXT,		/* attached, or the next argument */
	TAKES_ATTACHED,		/* attached, or none */
};

struct option {
	char	 letter;
	enum takes takes;
	/* 0, or -1 with why; NULL: it changes nothing here. */
	int	(*run)(struct sendmail_options *o, const char *text,
		    struct buf *why);
};

/* Sendmail's truth: only a word that says no is no. */
static int
is_true(const char *text)
{
	return *text == '\0' || strchr("FfNn0", *text) == NULL;
}

static int
take_mode(struct sendmail_options *o, const char *text, struct buf *why)
{
	static const struct {
		char	 letter;
		enum sendmail_mode mode;
		const char *refusal;
	} modes[] = {
		{ 'm', SENDMAIL_MESSAGE, NULL },
		{ 's', SENDMAIL_SMTP, NULL },
		{ 'p', SENDMAIL_QUEUE, NULL },
		{ 'i', SENDMAIL_ALIASES, NULL },
		{ 'd', 0, "the server is started by \"rohrpost start\"" },
		{ 'D', 0, "the server is started by \"rohrpost start\"" },
		{ 'l', 0, "the server is started by \"rohrpost start\"" },
		{ 'h', 0, "no state of hosts is kept; the log and "
		    "\"rohrpost queue list\" tell why a message waits" },
		{ 'H', 0, "no state of hosts is kept" },
		{ 'v', 0, "no address is verified without a message; "
		    "\"rohrpost alias list\" and \"user list\" show them" },
		{ 't', 0, "there are no rules to test" },
		{ 'P', 0, "\"rohrpost queue list\" counts what waits" },
	};
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (text[0] != modes[i].letter || text[1] != '\0')
			continue;
		o->mode = modes[i].mode;
		if (modes[i].refusal == NULL)
			return 0;
		buf_set(why, "-b%c: %s", text[0], modes[i].refusal);
		return -1;
	}
	buf_puts(why, "-b: one of -bm, -bs, -bp and -bi");
	return -1;
}

static int
take_dir(struct sendmail_options *o, const char *text, struct buf *why)
{
	o->dir = text;
	return 0;
}

static int
take_full_name(struct sendmail_options *o, const char *text, struct buf *why)
{
	o->full_name = text;
	return 0;
}

static int
take_sender(struct sendmail_options *o, const char *text, struct buf *why)
{
	o->sender = text;
	return 0;
}

static int
take_notify(struct sendmail_options *o, const char *text, struct buf *why)
{
	if (dsn_notify(text, strlen(text), &o->notify) == 0)
		return 0;
	buf_puts(why, "-N: never, or a list of failure, delay and success");
	return -1;
}

static int
take_return(struct sendmail_options *o, const char *text, struct buf *why)
{
	if (dsn_ret(text, strlen(text), &o->ret) == 0)
		return 0;
	buf_puts(why, "-R: full or hdrs");
	return -1;
}

static int
take_envid(struct sendmail_options *o, const char *text, struct buf *why)
{
	o->envid = text;
	return 0;
}

static int
take_aliases(struct sendmail_options *o, const char *text, struct buf *why)
{
	o->mode = SENDMAIL_ALIASES;
	return 0;
}

static int
take_dots(struct sendmail_options *o, const char *text, struct buf *why)
{
	o->dot_is_text = 1;
	return 0;
}

static int
take_fields(struct sendmail_options *o, const char *text, struct buf *why)
{
	o->from_header = 1;
	return 0;
}

/* -O Name=value */
static int
take_long(struct sendmail_options *o, const char *text, struct buf *why)
{
	size_t n = strcspn(text, "=");

	if (n == strlen("IgnoreDots") &&
	    strncasecmp(text, "IgnoreDots", n) == 0)
		o->dot_is_text = is_true(text[n] == '=' ? text + n + 1 : "");
	return 0;
}

/* -oX and -oXvalue; -o Name=value is what Sendmail takes, too. */
static int
take_short(struct sendmail_options *o, const char *text, struct buf *why)
{
	if (text[0] == 'i')
		o->dot_is_text = is_true(text + 1);
	else if (strchr(text, '=') != NULL)
		return take_long(o, text + strspn(text, " "), why);
	return 0;
}

/*
 * An interval asks for a run of the queue from time to time: that is so
 * without it.
 */
static int
take_queue(struct sendmail_options *o, const char *text, struct buf *why)
{
	if (text == NULL || strcmp(text, "f") == 0) {
		o->mode = SENDMAIL_FLUSH;
		return 0;
	}
	if (text[0] == 'I' && text[1] != '\0') {
		o->mode = SENDMAIL_FLUSH;
		o->id = text + 1;
		return 0;
	}
	if (strchr("0123456789p", text[0]) != NULL)
		return 0;
	buf_puts(why, "-q: one of -q, -qf and -qI with a queue id; "
	    "\"rohrpost queue\" does the rest");
	return -1;
}

static const struct option rows[] = {
	{ 'A', TAKES_TEXT, NULL },	/* -Ac, -Am: which configuration */
	{ 'B', TAKES_TEXT, NULL },	/* 7BIT, 8BITMIME: the body shows it */
	{ 'b', TAKES_TEXT, take_mode },
	{ 'C', TAKES_TEXT, take_dir },
	{ 'c', TAKES_NOTHING, NULL },	/* no connection now */
	{ 'D', TAKES_TEXT, NULL },	/* where debugging goes */
	{ 'd', TAKES_ATTACHED, NULL },	/* debugging */
	{ 'E', TAKES_TEXT, NULL },
	{ 'e', TAKES_TEXT, NULL },	/* errors: told by status and words */
	{ 'F', TAKES_TEXT, take_full_name },
	{ 'f', TAKES_TEXT, take_sender },
	{ 'G', TAKES_NOTHING, NULL },	/* it comes from a gateway */
	{ 'h', TAKES_TEXT, NULL },	/* hops: Received fields are counted */
	{ 'I', TAKES_NOTHING, take_aliases },
	{ 'i', TAKES_NOTHING, take_dots },
	{ 'J', TAKES_TEXT, NULL },
	{ 'L', TAKES_TEXT, NULL },	/* the name in the log */
	{ 'M', TAKES_TEXT, NULL },	/* a macro's value */
	{ 'm', TAKES_NOTHING, NULL },	/* to the sender, too: always so */
	{ 'N', TAKES_TEXT, take_notify },
	{ 'n', TAKES_NOTHING, NULL },	/* no aliases */
	{ 'O', TAKES_TEXT, take_long },
	{ 'o', TAKES_TEXT, take_short },
	{ 'p', TAKES_TEXT, NULL },	/* by which protocol it came */
	{ 'q', TAKES_ATTACHED, take_queue },
	{ 'R', TAKES_TEXT, take_return },
	{ 'r', TAKES_TEXT, take_sender },
	{ 's', TAKES_NOTHING, NULL },	/* "From " lines */
	{ 'T', TAKES_NOTHING, NULL },
	{ 't', TAKES_NOTHING, take_fields },
	{ 'U', TAKES_NOTHING, NULL },	/* the first submission */
	{ 'V', TAKES_TEXT, take_envid },
	{ 'v', TAKES_NOTHING, NULL },	/* tells more */
	{ 'X', TAKES_TEXT, NULL },	/* a log of the dialogue */
	{ 'x', TAKES_NOTHING, NULL },
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

/* For getopt: options end at the first argument that is none. */
static void
letters(char out[3 * N_ROWS + 3])
{
	size_t i;

	*out++ = '+';
	*out++ = ':';
	for (i = 0; i < N_ROWS; i++) {
		*out++ = rows[i].letter;
		if (rows[i].takes != TAKES_NOTHING)
			*out++ = ':';
		if (rows[i].takes == TAKES_ATTACHED)
			*out++ = ':';
	}
	*out = '\0';
}

static int
take(struct sendmail_options *o, int c, const char *text, struct buf *why)
{
	size_t i;

	for (i = 0; i < N_ROWS; i++) {
		if (rows[i].letter == c)
			return rows[i].run == NULL ? 0 :
			    rows[i].run(o, text, why);
	}
	buf_set(why, c == ':' ? "-%c needs a text" : "-%c: no such option",
	    optopt);
	return -1;
}

static void
take_name(struct sendmail_options *o, const char *path)
{
	const char *name = strrchr(path, '/');

	name = name == NULL ? path : name + 1;
	if (strcmp(name, "mailq") == 0)
		o->mode = SENDMAIL_QUEUE;
	else if (strcmp(name, "newaliases") == 0)
		o->mode = SENDMAIL_ALIASES;
}

int
sendmail_options(int argc, char **argv, struct sendmail_options *o,
    struct buf *why)
{
	char all[3 * N_ROWS + 3];
	int c;

	memset(o, 0, sizeof(*o));
	if (argc > 0)
		take_name(o, argv[0]);
	letters(all);
	opterr = 0;
	optind = 0;
	while ((c = getopt(argc, argv, all)) != -1) {
		if (take(o, c, optarg, why) == -1)
			return -1;
	}
	o->first = optind;
	if (o->mode != SENDMAIL_MESSAGE && o->first < argc) {
		buf_set(why, "%s: recipients are for messages alone",
		    argv[o->first]);
		return -1;
	}
	return 0;
}
