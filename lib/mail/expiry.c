#include <string.h>

#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/door.h"
#include "lib/mail/expiry.h"
#include "lib/mail/pattern.h"

static const struct {
	const char *name;
	uint32_t attr;
} uses[] = {
	{ "Trash", ATTR_TRASH }, { "Junk", ATTR_JUNK }, { "Sent", ATTR_SENT },
	{ "Drafts", ATTR_DRAFTS }, { "Archive", ATTR_ARCHIVE },
};

static uint32_t
use_of(const char *pattern)
{
	size_t i, len = strcspn(pattern, "/");

	for (i = 0; i < sizeof(uses) / sizeof(*uses); i++)
		if (str_is(pattern, len, uses[i].name))
			return uses[i].attr;
	return 0;
}

/* Without the blanks around it, and its NUL. */
static char *
trim(char *p)
{
	size_t len;

	p += strspn(p, " \t");
	for (len = strlen(p); len > 0 && strchr(" \t", p[len - 1]) != NULL;)
		p[--len] = '\0';
	return p;
}

/* PATTERN:DAYSd */
static int
take_rule(struct expiry *e, char *p, struct buf *why)
{
	char *colon = strrchr(p, ':'), *days;
	size_t len;
	uint64_t n;

	if (colon == NULL || e->n == EXPIRY_RULES) {
		buf_set(why, colon == NULL ? _("%s: not a rule like Trash:30d") :
		    _("%s: there are too many rules"), p);
		return -1;
	}
	*colon = '\0';
	days = trim(colon + 1);
	p = trim(p);
	len = strlen(days);
	if (*p == '\0' || len < 2 || days[len - 1] != 'd' ||
	    str_number(days, len - 1, EXPIRY_DAYS, &n) == -1 || n == 0) {
		buf_set(why, _("%s:%s: not a mailbox and 1d to %dd"), p, days,
		    EXPIRY_DAYS);
		return -1;
	}
	e->rule[e->n].pattern = p;
	e->rule[e->n].use = use_of(p);
	e->rule[e->n++].keep = n * 86400;
	return 0;
}

int
expiry_parse(struct expiry *e, const char *text, size_t len, struct buf *why)
{
	char *p = e->text, *comma;

	e->n = 0;
	if (len > EXPIRY_TEXT || memchr(text, '\0', len) != NULL) {
		buf_set(why, _("the rules are too long"));
		return -1;
	}
	memcpy(e->text, text, len);
	e->text[len] = '\0';
	if (*trim(p) == '\0')
		return 0;
	for (; p != NULL; p = comma) {
		if ((comma = strchr(p, ',')) != NULL)
			*comma++ = '\0';
		if (take_rule(e, p, why) == -1)
			return -1;
	}
	return 0;
}

static int
fits(const char *pattern, const char *name)
{
	return pattern_match(pattern, strlen(pattern), name, strlen(name));
}

/* What is below the first level; NULL: nothing. */
static const char *
below(const char *name)
{
	const char *p = strchr(name, '/');

	return p == NULL ? NULL : p + 1;
}

uint64_t
expiry_keep(const struct expiry *e, const char *name, uint32_t attrs,
    uint32_t top)
{
	const char *under, *rest = below(name);
	unsigned i;

	for (i = 0; i < e->n; i++) {
		under = below(e->rule[i].pattern);
		if (fits(e->rule[i].pattern, name) ||
		    (under == NULL && (attrs & e->rule[i].use)) ||
		    (under != NULL && rest != NULL &&
		    (top & e->rule[i].use) && fits(under, rest)))
			return e->rule[i].keep;
	}
	return 0;
}
