/*
 * What commands, tests, tags and extensions there are, and what each takes.
 * A new one is a row here and its code in sieve_run.c or sieve_test.c.
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/sieve/sieve_impl.h"

#define MATCHING (SIEVE_GROUP(COMPARATOR) | SIEVE_GROUP(MATCH))
#define MODIFIERS (SIEVE_GROUP(CASE) | SIEVE_GROUP(FIRST) | \
	SIEVE_GROUP(QUOTE) | SIEVE_GROUP(LENGTH))

static const struct sieve_word words[] = {
	{ .name = "require", .code = SIEVE_REQUIRE, .args = "l" },
	{ .name = "if", .code = SIEVE_IF, .args = "",
	    .tests = SIEVE_ONE_TEST, .block = 1 },
	{ .name = "elsif", .code = SIEVE_ELSIF, .args = "",
	    .tests = SIEVE_ONE_TEST, .block = 1 },
	{ .name = "else", .code = SIEVE_ELSE, .args = "", .block = 1 },
	{ .name = "stop", .code = SIEVE_STOP, .args = "" },
	{ .name = "keep", .code = SIEVE_KEEP, .args = "",
	    .groups = SIEVE_GROUP(FLAGS) },
	{ .name = "discard", .code = SIEVE_DISCARD, .args = "" },
	{ .name = "redirect", .code = SIEVE_REDIRECT_TO, .args = "s",
	    .groups = SIEVE_GROUP(COPY) },
	{ .name = "fileinto", .code = SIEVE_FILEINTO, .args = "s",
	    .capability = SIEVE_C_FILEINTO, .groups = SIEVE_GROUP(COPY) |
	    SIEVE_GROUP(CREATE) | SIEVE_GROUP(FLAGS) },
	{ .name = "setflag", .code = SIEVE_SETFLAG, .args = "vl",
	    .capability = SIEVE_C_FLAGS },
	{ .name = "addflag", .code = SIEVE_ADDFLAG, .args = "vl",
	    .capability = SIEVE_C_FLAGS },
	{ .name = "removeflag", .code = SIEVE_REMOVEFLAG, .args = "vl",
	    .capability = SIEVE_C_FLAGS },
	{ .name = "set", .code = SIEVE_SET, .args = "ss",
	    .capability = SIEVE_C_VARIABLES, .groups = MODIFIERS },
	{ .name = "error", .code = SIEVE_ERROR, .args = "s",
	    .capability = SIEVE_C_IHAVE },

	{ .name = "address", .code = SIEVE_T_ADDRESS, .test = 1, .args = "ll",
	    .groups = MATCHING | SIEVE_GROUP(PART) },
	{ .name = "allof", .code = SIEVE_T_ALLOF, .test = 1, .args = "",
	    .tests = SIEVE_TESTS },
	{ .name = "anyof", .code = SIEVE_T_ANYOF, .test = 1, .args = "",
	    .tests = SIEVE_TESTS },
	{ .name = "envelope", .code = SIEVE_T_ENVELOPE, .test = 1,
	    .args = "ll", .capability = SIEVE_C_ENVELOPE,
	    .groups = MATCHING | SIEVE_GROUP(PART) },
	{ .name = "exists", .code = SIEVE_T_EXISTS, .test = 1, .args = "l" },
	{ .name = "false", .code = SIEVE_T_FALSE, .test = 1, .args = "" },
	{ .name = "header", .code = SIEVE_T_HEADER, .test = 1, .args = "ll",
	    .groups = MATCHING },
	{ .name = "not", .code = SIEVE_T_NOT, .test = 1, .args = "",
	    .tests = SIEVE_ONE_TEST },
	{ .name = "size", .code = SIEVE_T_SIZE, .test = 1, .args = "n",
	    .groups = SIEVE_GROUP(SIZE) },
	{ .name = "true", .code = SIEVE_T_TRUE, .test = 1, .args = "" },
	{ .name = "body", .code = SIEVE_T_BODY, .test = 1, .args = "l",
	    .capability = SIEVE_C_BODY,
	    .groups = MATCHING | SIEVE_GROUP(BODY) },
	{ .name = "string", .code = SIEVE_T_STRING, .test = 1, .args = "ll",
	    .capability = SIEVE_C_VARIABLES, .groups = MATCHING },
	{ .name = "hasflag", .code = SIEVE_T_HASFLAG, .test = 1,
	    .args = "Vl", .capability = SIEVE_C_FLAGS, .groups = MATCHING },
	{ .name = "ihave", .code = SIEVE_T_IHAVE, .test = 1, .args = "l",
	    .capability = SIEVE_C_IHAVE },
	{ .name = "mailboxexists", .code = SIEVE_T_MAILBOXEXISTS, .test = 1,
	    .args = "l", .capability = SIEVE_C_MAILBOX },
};

static const struct sieve_tag tags[] = {
	{ "comparator", SIEVE_G_COMPARATOR, 0, 0, 'c' },
	{ "is", SIEVE_G_MATCH, 0, SIEVE_IS, 0 },
	{ "contains", SIEVE_G_MATCH, 0, SIEVE_CONTAINS, 0 },
	{ "matches", SIEVE_G_MATCH, 0, SIEVE_MATCHES, 0 },
	{ "value", SIEVE_G_MATCH, SIEVE_C_RELATIONAL, SIEVE_VALUE, 'r' },
	{ "count", SIEVE_G_MATCH, SIEVE_C_RELATIONAL, SIEVE_COUNT, 'r' },
	{ "all", SIEVE_G_PART, 0, SIEVE_ALL, 0 },
	{ "localpart", SIEVE_G_PART, 0, SIEVE_LOCALPART, 0 },
	{ "domain", SIEVE_G_PART, 0, SIEVE_DOMAIN, 0 },
	{ "user", SIEVE_G_PART, SIEVE_C_SUBADDRESS, SIEVE_USER, 0 },
	{ "detail", SIEVE_G_PART, SIEVE_C_SUBADDRESS, SIEVE_DETAIL, 0 },
	{ "over", SIEVE_G_SIZE, 0, 1, 0 },
	{ "under", SIEVE_G_SIZE, 0, 0, 0 },
	{ "copy", SIEVE_G_COPY, SIEVE_C_COPY, 1, 0 },
	{ "create", SIEVE_G_CREATE, SIEVE_C_MAILBOX, 1, 0 },
	{ "flags", SIEVE_G_FLAGS, SIEVE_C_FLAGS, 1, 'l' },
	{ "raw", SIEVE_G_BODY, 0, SIEVE_RAW, 0 },
	{ "content", SIEVE_G_BODY, 0, SIEVE_CONTENT, 'l' },
	{ "text", SIEVE_G_BODY, 0, SIEVE_TEXT, 0 },
	{ "lower", SIEVE_G_CASE, 0, SIEVE_M_LOWER, 0 },
	{ "upper", SIEVE_G_CASE, 0, SIEVE_M_UPPER, 0 },
	{ "lowerfirst", SIEVE_G_FIRST, 0, SIEVE_M_LOWERFIRST, 0 },
	{ "upperfirst", SIEVE_G_FIRST, 0, SIEVE_M_UPPERFIRST, 0 },
	{ "quotewildcard", SIEVE_G_QUOTE, 0, SIEVE_M_QUOTE, 0 },
	{ "length", SIEVE_G_LENGTH, 0, SIEVE_M_LENGTH, 0 },
};

static const struct {
	const char *name;
	uint32_t c;
} capabilities[] = {
	{ "fileinto", SIEVE_C_FILEINTO },
	{ "envelope", SIEVE_C_ENVELOPE },
	{ "encoded-character", SIEVE_C_ENCODED },
	{ "copy", SIEVE_C_COPY },
	{ "body", SIEVE_C_BODY },
	{ "variables", SIEVE_C_VARIABLES },
	{ "relational", SIEVE_C_RELATIONAL },
	{ "imap4flags", SIEVE_C_FLAGS },
	{ "subaddress", SIEVE_C_SUBADDRESS },
	{ "ihave", SIEVE_C_IHAVE },
	{ "mailbox", SIEVE_C_MAILBOX },
	{ "comparator-i;ascii-numeric", SIEVE_C_NUMERIC },
	{ "comparator-i;octet", SIEVE_C_OCTET },
	{ "comparator-i;ascii-casemap", SIEVE_C_CASEMAP },
};

const char *const sieve_relations[SIEVE_RELATIONS] = {
	[SIEVE_GT] = "gt", [SIEVE_GE] = "ge", [SIEVE_LT] = "lt",
	[SIEVE_LE] = "le", [SIEVE_EQ] = "eq", [SIEVE_NE] = "ne",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const struct sieve_word *
sieve_word(const char *p, size_t len, int test)
{
	size_t i;

	for (i = 0; i < COUNT(words); i++)
		if (words[i].test == test && str_is(p, len, words[i].name))
			return &words[i];
	return NULL;
}

const struct sieve_tag *
sieve_tag(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < COUNT(tags); i++)
		if (str_is(p, len, tags[i].name))
			return &tags[i];
	return NULL;
}

uint32_t
sieve_capability(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < COUNT(capabilities); i++)
		if (strlen(capabilities[i].name) == len &&
		    memcmp(capabilities[i].name, p, len) == 0)
			return capabilities[i].c;
	return 0;
}

const char *
sieve_capability_name(uint32_t c)
{
	size_t i;

	for (i = 0; i < COUNT(capabilities); i++)
		if (capabilities[i].c & c)
			return capabilities[i].name;
	return "";
}

void
sieve_capabilities(struct buf *out)
{
	size_t i;

	for (i = 0; i < COUNT(capabilities); i++)
		buf_printf(out, i > 0 ? " %s" : "%s", capabilities[i].name);
}
