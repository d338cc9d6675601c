#include "config.h"

#include <string.h>

#include "ctl/dns_dmarc.h"
#include "lib/base/str.h"

enum { WHERE_MAX = 100 };

/* What a tag may have; words with "|" between them, or a judge. */
static const struct tag {
	const char *name, *words;
	int	 is_list;	/* of words, with colons between them */
	int	 is_uris;
} tags[] = {
	{ "p", "none|quarantine|reject", 0, 0 },
	{ "sp", "none|quarantine|reject", 0, 0 },
	{ "np", "none|quarantine|reject", 0, 0 },
	{ "adkim", "r|s", 0, 0 },
	{ "aspf", "r|s", 0, 0 },
	{ "psd", "y|n|u", 0, 0 },
	{ "t", "y|n", 0, 0 },
	{ "fo", "0|1|d|s", 1, 0 },
	{ "rua", NULL, 0, 1 },
	{ "ruf", NULL, 0, 1 },
};

enum { TAGS = sizeof(tags) / sizeof(tags[0]) };

static int
is_blank(int c)
{
	return c == ' ' || c == '\t';
}

static void
trim(const char **p, size_t *len)
{
	while (*len > 0 && is_blank(**p)) {
		++*p;
		--*len;
	}
	while (*len > 0 && is_blank((*p)[*len - 1]))
		--*len;
}

static int
is_word(const char *words, const char *p, size_t len)
{
	size_t n;

	for (; *words != '\0'; words += n + (words[n] == '|')) {
		n = strcspn(words, "|");
		if (n == len && str_ncasecmp(words, p, n) == 0)
			return 1;
	}
	return 0;
}

/* dmarc-uri *( "," dmarc-uri ): each has a scheme, and mailto an address. */
static int
are_uris(const char *p, size_t len)
{
	const char *end = p + len, *one;
	size_t n;

	for (;; p++) {
		one = p;
		while (p < end && *p != ',')
			p++;
		n = (size_t)(p - one);
		trim(&one, &n);
		if (memchr(one, ':', n) == NULL || (n > 7 &&
		    str_ncasecmp(one, "mailto:", 7) == 0 &&
		    memchr(one + 7, '@', n - 7) == NULL))
			return 0;
		if (p == end)
			return 1;
	}
}

static int
is_value(const struct tag *t, const char *p, size_t len)
{
	const char *end = p + len, *one;

	if (t->is_uris)
		return are_uris(p, len);
	if (!t->is_list)
		return is_word(t->words, p, len);
	for (;; p++) {
		one = p;
		while (p < end && *p != ':')
			p++;
		if (!is_word(t->words, one, (size_t)(p - one)))
			return 0;
		if (p == end)
			return 1;
	}
}

/* A tag = value behind the version; seen has a bit for each that was there. */
static int
judge_tag(const char *p, size_t len, unsigned *seen)
{
	const char *eq = memchr(p, '=', len), *value;
	size_t n, value_len, i;

	if (eq == NULL)
		return -1;
	n = (size_t)(eq - p);
	value = eq + 1;
	value_len = len - n - 1;
	trim(&p, &n);
	trim(&value, &value_len);
	if (n == 0)
		return -1;
	for (i = 0; i < TAGS; i++) {
		if (!str_is(p, n, tags[i].name))
			continue;
		if ((*seen & 1u << i) != 0 ||
		    !is_value(&tags[i], value, value_len))
			return -1;
		*seen |= 1u << i;
	}
	return 0;
}

/* What stands up to the next ";". */
static const char *
next_part(const char **p, const char *end, size_t *len_r)
{
	const char *one = *p;

	while (*p < end && **p != ';')
		++*p;
	*len_r = (size_t)(*p - one);
	if (*p < end)
		++*p;
	trim(&one, len_r);
	return one;
}

/* dmarc-version = "v" *WSP "=" *WSP "DMARC1": 1; 2: but for the case; 0. */
static int
is_version(const char *p, size_t len)
{
	char text[9];
	size_t n = 0;

	for (; len > 0 && n < 8; p++, len--)
		if (!is_blank(*p))
			text[n++] = *p;
	text[n] = '\0';
	if (str_casecmp(text, "v=DMARC1") != 0)
		return 0;
	return len == 0 && strcmp(text, "v=DMARC1") == 0 ? 1 : 2;
}

enum dmarc_judged
dmarc_judge(const char *p, size_t len, struct buf *where)
{
	const char *end = p + len, *one;
	unsigned seen = 0;
	size_t n;
	int v;

	one = next_part(&p, end, &n);
	v = is_version(one, n);
	if (v == 0)
		return DMARC_NONE;
	while (v == 1 && p < end) {
		one = next_part(&p, end, &n);
		if (n == 0 && p >= end)
			break;
		if (judge_tag(one, n, &seen) == -1)
			v = 2;
	}
	if (v == 1 && (seen & 1) != 0)
		return DMARC_GOOD;
	if (v == 1)
		buf_set(where, "p=");
	else
		buf_set(where, "%.*s", (int)(n > WHERE_MAX ? WHERE_MAX : n),
		    one);
	return DMARC_WRONG;
}
