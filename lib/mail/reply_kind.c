#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/reply_kind.h"
#include "lib/mail/result.h"

enum {
	ANY = -1,		/* each detail of a subject */
	DETAIL_DIGITS = 3,	/* RFC 3463 2 */
};

/* What was made of the words. */
struct said {
	int	 class;		/* 4 or 5 */
	int	 subject, detail;
	int	 code;		/* of SMTP; 0: no host said this */
	char	 text[RESULT_WORDS_MAX + 3];
};

struct code {
	int	 class;		/* 0: both */
	int	 subject, detail;
	enum reply_kind kind;
};

/* Nothing that is said beside these changes what they mean. */
static const struct code firm[] = {
	{ 5, 1, 1, REPLY_ADDRESS },	/* bad destination mailbox */
	{ 5, 1, 2, REPLY_ADDRESS },	/* bad destination system */
	{ 5, 1, 3, REPLY_ADDRESS },	/* its syntax */
	{ 5, 1, 4, REPLY_ADDRESS },	/* ambiguous */
	{ 5, 1, 6, REPLY_ADDRESS },	/* has moved */
	{ 5, 1, 10, REPLY_ADDRESS },	/* null MX (RFC 7505) */
	{ 5, 2, 1, REPLY_ADDRESS },	/* mailbox disabled */
	{ 5, 2, 2, REPLY_ADDRESS },	/* mailbox full */
	{ 5, 1, 7, REPLY_POLICY },	/* sender's address: syntax */
	{ 5, 1, 8, REPLY_POLICY },	/* and its domain */
	{ 5, 2, 3, REPLY_POLICY },	/* too long */
	{ 5, 3, 4, REPLY_POLICY },
	{ 5, 7, 20, REPLY_POLICY },	/* RFC 7372: DKIM */
	{ 5, 7, 21, REPLY_POLICY },
	{ 5, 7, 22, REPLY_POLICY },
	{ 5, 7, 23, REPLY_POLICY },	/* SPF */
	{ 5, 7, 24, REPLY_POLICY },
	{ 0, 7, 25, REPLY_REPUTATION },	/* no name for the address */
	{ 5, 7, 26, REPLY_POLICY },	/* several checks failed */
	{ 5, 7, 27, REPLY_POLICY },	/* RFC 7505: sender takes no mail */
	{ 0, 7, 28, REPLY_REPUTATION },	/* a flood from there */
	{ 5, 7, 29, REPLY_POLICY },	/* ARC */
	{ 5, 7, 30, REPLY_POLICY },	/* RFC 8689: no REQUIRETLS */
};

/* Where the words tell no more. */
static const struct code loose[] = {
	{ 5, 1, ANY, REPLY_ADDRESS },
	{ 5, 2, ANY, REPLY_ADDRESS },
	{ 5, 4, 4, REPLY_ADDRESS },	/* no route */
	{ 5, 4, 6, REPLY_ADDRESS },	/* a loop */
	{ 5, 6, ANY, REPLY_POLICY },
	{ 5, 7, ANY, REPLY_POLICY },
};

struct phrase {
	int	 class;
	enum reply_kind kind;
	const char *text;	/* a blank is a word's end */
};

/* The first that is found decides. */
static const struct phrase phrases[] = {
	{ 4, REPLY_TEMPORARY, "greylist" },
	{ 4, REPLY_TEMPORARY, "graylist" },
	{ 4, REPLY_TEMPORARY, "grey-list" },
	{ 4, REPLY_TEMPORARY, "grey list" },

	/* Lists of addresses */
	{ 0, REPLY_REPUTATION, "spamhaus" },
	{ 0, REPLY_REPUTATION, "spamcop" },
	{ 0, REPLY_REPUTATION, "barracudacentral" },
	{ 0, REPLY_REPUTATION, "uceprotect" },
	{ 0, REPLY_REPUTATION, "senderscore" },
	{ 0, REPLY_REPUTATION, "senderbase" },
	{ 0, REPLY_REPUTATION, "talosintelligence" },
	{ 0, REPLY_REPUTATION, "cloudmark" },
	{ 0, REPLY_REPUTATION, "ipcheck.proofpoint" },
	{ 0, REPLY_REPUTATION, "dnsbl" },
	{ 0, REPLY_REPUTATION, " rbl" },
	{ 0, REPLY_REPUTATION, "blocked using" },
	{ 0, REPLY_REPUTATION, "blacklist" },
	{ 0, REPLY_REPUTATION, "black list" },	/* GMX, WEB.DE, 1&1 */
	{ 0, REPLY_REPUTATION, "blocklist" },
	{ 0, REPLY_REPUTATION, "block list" },	/* Outlook.com, S3140 */
	{ 0, REPLY_REPUTATION, "denylist" },
	{ 0, REPLY_REPUTATION, "reputation" },	/* Gmail, Cisco */
	/* Gmail */
	{ 0, REPLY_REPUTATION, "unusual rate of unsolicited" },
	{ 0, REPLY_REPUTATION, "likely unsolicited mail" },
	/* Yahoo, AOL: TSS04 and its kin */
	{ 0, REPLY_REPUTATION, "user complaints" },
	{ 0, REPLY_REPUTATION, "connections not accepted from" },
	{ 0, REPLY_REPUTATION, "connections will not be accepted from" },
	/* Exchange Online, 5.7.606 to 649 and 5.7.708 */
	{ 0, REPLY_REPUTATION, "banned sending ip" },
	{ 0, REPLY_REPUTATION, "not accepted from this ip" },
	{ 0, REPLY_REPUTATION, " ip=" },		/* T-Online */
	{ 0, REPLY_REPUTATION, " bl0000" },	/* Comcast */
	/* Names and networks */
	{ 0, REPLY_REPUTATION, "ptr record" },
	{ 0, REPLY_REPUTATION, "dns ptr" },	/* GMX */
	{ 0, REPLY_REPUTATION, "reverse dns" },
	{ 0, REPLY_REPUTATION, "rdns" },
	{ 0, REPLY_REPUTATION, "cannot find your" },	/* Postfix: hostname */
	{ 0, REPLY_REPUTATION, "dynamic ip" },
	{ 0, REPLY_REPUTATION, "dynamic address" },
	{ 0, REPLY_REPUTATION, "dynamically assigned" },
	{ 0, REPLY_REPUTATION, "residential" },
	{ 0, REPLY_REPUTATION, "dialup" },
	{ 0, REPLY_REPUTATION, "dial-up" },

	/* The sender, the content: these speak of domains and mailboxes too. */
	{ 5, REPLY_POLICY, "sender address" },
	{ 5, REPLY_POLICY, "sender domain" },
	{ 5, REPLY_POLICY, "sender verify" },
	{ 5, REPLY_POLICY, "sender denied" },
	{ 5, REPLY_POLICY, "sender rejected" },	/* with 5.1.0 */
	{ 5, REPLY_POLICY, "policy" },
	{ 5, REPLY_POLICY, "spam" },
	{ 5, REPLY_POLICY, "virus" },
	{ 5, REPLY_POLICY, "dmarc" },
	{ 5, REPLY_POLICY, "dkim" },
	{ 5, REPLY_POLICY, " spf" },
	{ 5, REPLY_POLICY, "unauthenticated" },
	{ 5, REPLY_POLICY, "too large" },
	{ 5, REPLY_POLICY, "message size" },

	{ 5, REPLY_ADDRESS, "user unknown" },		/* Postfix */
	{ 5, REPLY_ADDRESS, "unknown user" },		/* Exim */
	{ 5, REPLY_ADDRESS, "user is unknown" },
	{ 5, REPLY_ADDRESS, "unknown recipient" },
	{ 5, REPLY_ADDRESS, "recipient unknown" },
	{ 5, REPLY_ADDRESS, "unknown address" },
	{ 5, REPLY_ADDRESS, "address unknown" },
	{ 5, REPLY_ADDRESS, "unknown mailbox" },
	{ 5, REPLY_ADDRESS, "no such " },
	{ 5, REPLY_ADDRESS, "no mailbox " },		/* qmail */
	{ 5, REPLY_ADDRESS, "does not exist" },
	{ 5, REPLY_ADDRESS, "doesn't exist" },
	{ 5, REPLY_ADDRESS, "user doesn't have a" },	/* Yahoo */
	{ 5, REPLY_ADDRESS, "not found" },
	{ 5, REPLY_ADDRESS, "recipientnotfound" },	/* Exchange */
	{ 5, REPLY_ADDRESS, "mailbox unavailable" },	/* RFC 5321 4.2.3 */
	{ 5, REPLY_ADDRESS, "mailbox is unavailable" },
	{ 5, REPLY_ADDRESS, "invalid recipient" },
	{ 5, REPLY_ADDRESS, "invalid mailbox" },
	{ 5, REPLY_ADDRESS, "recipient rejected" },
	/* Exchange Online, 5.4.1: no such recipient in its directory */
	{ 5, REPLY_ADDRESS, "recipient address rejected" },
	{ 5, REPLY_ADDRESS, "unrouteable address" },	/* Exim */
	{ 5, REPLY_ADDRESS, "unroutable address" },
	{ 5, REPLY_ADDRESS, "account is disabled" },
	{ 5, REPLY_ADDRESS, "account disabled" },
	{ 5, REPLY_ADDRESS, "account has been disabled" },
	{ 5, REPLY_ADDRESS, "account that you tried to reach" }, /* Gmail */
	{ 5, REPLY_ADDRESS, "mailbox disabled" },
	{ 5, REPLY_ADDRESS, "mailbox full" },
	{ 5, REPLY_ADDRESS, "mailbox is full" },
	{ 5, REPLY_ADDRESS, "over quota" },
	{ 5, REPLY_ADDRESS, "quota exceeded" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Behind the word at p and one blank. */
static const char *
skip_word(const char *p)
{
	p += strcspn(p, " ");
	return *p == ' ' ? p + 1 : p;
}

const char *
reply_said(const char *words, const char **host_r)
{
	static const char said[] = "said: ";
	const char *p = skip_word(words);

	*host_r = p;
	p = skip_word(p);
	if (*p == '[')
		p = skip_word(p);
	if (strncmp(p, said, sizeof(said) - 1) != 0)
		return NULL;
	p += sizeof(said) - 1;
	return strspn(p, "0123456789") == 3 ? p : NULL;
}

/* Digits of one part of a status code, -1 if there are none or too many. */
static int
part(const char **p)
{
	size_t n = strspn(*p, "0123456789");
	int v = 0;

	if (n == 0 || n > DETAIL_DIGITS)
		return -1;
	while (n-- > 0)
		v = v * 10 + (*(*p)++ - '0');
	return v;
}

/* The status code in front. 0, or -1. */
static int
read_status(struct said *s, const char *p)
{
	s->class = part(&p);
	if ((s->class != 4 && s->class != 5) || *p++ != '.')
		return -1;
	s->subject = part(&p);
	if (s->subject == -1 || *p++ != '.')
		return -1;
	s->detail = part(&p);
	return s->detail == -1 || (*p != ' ' && *p != '\0') ? -1 : 0;
}

/* To the next blank; of what begins with a bracket, to its end. */
static size_t
word_length(const char *p)
{
	const char *end = *p == '<' ? strchr(p, '>') : NULL;

	return end != NULL ? (size_t)(end + 1 - p) : strcspn(p, " ");
}

/* An address, or a status code, as each line of a reply repeats it. */
static int
is_noise(const char *p, size_t len)
{
	return memchr(p, '@', len) != NULL ||
	    (len >= 5 && strspn(p, "0123456789.") == len);
}

/* In lower case, one blank around each word, without what is noise. */
static void
read_text(struct said *s, const char *p)
{
	size_t n = 0, len;

	s->text[n++] = ' ';
	for (p += strspn(p, " "); *p != '\0'; p += strspn(p, " ")) {
		len = word_length(p);
		if (n + len + 2 > sizeof(s->text))
			break;
		if (!is_noise(p, len)) {
			memcpy(s->text + n, p, len);
			n += len;
			s->text[n++] = ' ';
		}
		p += len;
	}
	s->text[n] = '\0';
	str_tolower(s->text, n);
}

static enum reply_kind
by_code(const struct said *s, const struct code *c, size_t n)
{
	for (; n > 0; n--, c++)
		if ((c->class == 0 || c->class == s->class) &&
		    c->subject == s->subject &&
		    (c->detail == ANY || c->detail == s->detail))
			return c->kind;
	return REPLY_NONE;
}

static enum reply_kind
by_phrase(const struct said *s)
{
	size_t i;

	for (i = 0; i < COUNT(phrases); i++)
		if ((phrases[i].class == 0 || phrases[i].class == s->class) &&
		    strstr(s->text, phrases[i].text) != NULL)
			return phrases[i].kind;
	return REPLY_NONE;
}

/* RFC 5321 4.2.3: "user not local", "mailbox name not allowed". */
static enum reply_kind
by_class(const struct said *s)
{
	if (s->class == 4)
		return REPLY_TEMPORARY;
	return s->code == 551 || s->code == 553 ? REPLY_ADDRESS : REPLY_POLICY;
}

enum reply_kind
reply_kind(const char *words)
{
	const size_t late = strlen(RESULT_EXPIRED);
	struct said s = { .code = 0 };
	enum reply_kind kind;
	const char *reply, *host;

	/* Given up for its age: the last words say why it waited. */
	if (strncmp(words, RESULT_EXPIRED, late) == 0 &&
	    words[late] >= '0' && words[late] <= '9')
		words += late;
	if (read_status(&s, words) == -1)
		return REPLY_NONE;
	reply = reply_said(words, &host);
	if (reply != NULL) {
		s.code = atoi(reply);
		read_text(&s, reply + 3);
	}
	kind = by_code(&s, firm, COUNT(firm));
	if (kind == REPLY_NONE && reply != NULL)
		kind = by_phrase(&s);
	if (kind == REPLY_NONE)
		kind = by_code(&s, loose, COUNT(loose));
	return kind != REPLY_NONE ? kind : by_class(&s);
}

const char *
reply_kind_name(enum reply_kind kind)
{
	static const char *const name[] = {
		[REPLY_NONE] = NULL, [REPLY_TEMPORARY] = "temporary",
		[REPLY_POLICY] = "policy", [REPLY_REPUTATION] = "reputation",
		[REPLY_ADDRESS] = "address",
	};

	return name[kind];
}
