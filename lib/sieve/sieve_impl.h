/*
 * The program that a script becomes: for the files of this folder alone. The
 * way is sieve_lex (words) > sieve_parse (a tree of what stands there)
 * > sieve_check (by the rows of sieve_words: what it means) > sieve_run.
 */
#ifndef LIB_SIEVE_SIEVE_IMPL_H
#define LIB_SIEVE_SIEVE_IMPL_H

#include "lib/sieve/sieve.h"

/* A place in the text, both from 1. */
struct sieve_place {
	uint32_t line, column;
};

struct sieve_string {
	const char *p;
	size_t	 len;
	struct sieve_place at;
	int	 varies;	/* has references to variables */
};

struct sieve_list {
	struct sieve_string *s;
	size_t	 n;
};

enum sieve_arg_kind { SIEVE_A_NUMBER, SIEVE_A_STRING, SIEVE_A_LIST, SIEVE_A_TAG };

struct sieve_arg {
	enum sieve_arg_kind kind;
	struct sieve_place at;
	struct sieve_list list;	/* STRING: one; TAG: one, without ":" */
	uint64_t number;
	struct sieve_arg *next;
};

enum sieve_capability {
	SIEVE_C_BASE = 0,
	SIEVE_C_FILEINTO = 1 << 0,
	SIEVE_C_ENVELOPE = 1 << 1,
	SIEVE_C_ENCODED = 1 << 2,
	SIEVE_C_COPY = 1 << 3,
	SIEVE_C_BODY = 1 << 4,
	SIEVE_C_VARIABLES = 1 << 5,
	SIEVE_C_RELATIONAL = 1 << 6,
	SIEVE_C_FLAGS = 1 << 7,
	SIEVE_C_SUBADDRESS = 1 << 8,
	SIEVE_C_IHAVE = 1 << 9,
	SIEVE_C_MAILBOX = 1 << 10,
	SIEVE_C_NUMERIC = 1 << 11,
	SIEVE_C_OCTET = 1 << 12,
	SIEVE_C_CASEMAP = 1 << 13,
};

enum sieve_code {
	SIEVE_UNKNOWN,		/* with ihave: an error when it is run */
	SIEVE_REQUIRE, SIEVE_IF, SIEVE_ELSIF, SIEVE_ELSE, SIEVE_STOP,
	SIEVE_KEEP, SIEVE_DISCARD, SIEVE_REDIRECT_TO, SIEVE_FILEINTO,
	SIEVE_SETFLAG, SIEVE_ADDFLAG, SIEVE_REMOVEFLAG, SIEVE_SET, SIEVE_ERROR,
	SIEVE_T_ADDRESS, SIEVE_T_ALLOF, SIEVE_T_ANYOF, SIEVE_T_ENVELOPE,
	SIEVE_T_EXISTS, SIEVE_T_FALSE, SIEVE_T_HEADER, SIEVE_T_NOT,
	SIEVE_T_SIZE, SIEVE_T_TRUE, SIEVE_T_BODY, SIEVE_T_STRING,
	SIEVE_T_HASFLAG, SIEVE_T_IHAVE, SIEVE_T_MAILBOXEXISTS,
};

/* Tags of one group exclude each other; a word allows groups. */
enum sieve_group {
	SIEVE_G_COMPARATOR, SIEVE_G_MATCH, SIEVE_G_PART, SIEVE_G_SIZE,
	SIEVE_G_COPY, SIEVE_G_CREATE, SIEVE_G_FLAGS, SIEVE_G_BODY,
	SIEVE_G_CASE, SIEVE_G_FIRST, SIEVE_G_QUOTE, SIEVE_G_LENGTH,
	SIEVE_G_COUNT
};
#define SIEVE_GROUP(g) (1U << SIEVE_G_##g)

enum sieve_comparator {
	SIEVE_CASEMAP,		/* RFC 5228 2.7.3: the default */
	SIEVE_OCTET, SIEVE_NUMERIC,
};
enum sieve_match {
	SIEVE_IS,		/* 2.7.1: the default */
	SIEVE_CONTAINS, SIEVE_MATCHES, SIEVE_VALUE, SIEVE_COUNT,
};
enum sieve_relation {
	SIEVE_GT, SIEVE_GE, SIEVE_LT, SIEVE_LE, SIEVE_EQ, SIEVE_NE,
	SIEVE_RELATIONS
};
enum sieve_address_part {
	SIEVE_ALL, SIEVE_LOCALPART, SIEVE_DOMAIN, SIEVE_USER, SIEVE_DETAIL,
};
enum sieve_body { SIEVE_TEXT, SIEVE_RAW, SIEVE_CONTENT };

/* A command or a test. */
struct sieve_word {
	const char *name;
	enum sieve_code code;
	int	 test;			/* it is a test */
	uint32_t capability;
	uint32_t groups;		/* of tags */
	const char *args;		/* n number, s string, l list; v: a
					   variable's name, may be left out */
	enum { SIEVE_NO_TEST, SIEVE_ONE_TEST, SIEVE_TESTS } tests;
	int	 block;
};
struct sieve_tag {
	const char *name;
	enum sieve_group group;
	uint32_t capability;
	int	 value;
	char	 arg;			/* 0; c comparator, r relation, l list */
};

const struct sieve_word *sieve_word(const char *p, size_t len, int test);
const struct sieve_tag *sieve_tag(const char *p, size_t len);
/* The capability of that name; 0 where it is not known. */
uint32_t sieve_capability(const char *p, size_t len);
const char *sieve_capability_name(uint32_t c);
extern const char *const sieve_relations[SIEVE_RELATIONS];

struct sieve_node {
	const char *name;
	size_t	 name_len;
	struct sieve_place at;
	struct sieve_arg *args;
	struct sieve_node *tests;	/* the first */
	struct sieve_node *block;
	int	 has_block, has_list;	/* {...}; tests in parentheses */
	struct sieve_node *next;	/* command or test */
	/* From the check on. */
	const struct sieve_word *word;
	enum sieve_code code;
	const char *trouble;		/* of SIEVE_UNKNOWN */
	enum sieve_comparator comparator;
	enum sieve_match match;
	enum sieve_relation relation;
	enum sieve_address_part part;
	enum sieve_body body;
	int	 over;			/* size :over */
	int	 copy, create, has_flags;
	int	 modifier[4];		/* of set, the order in which they
					   work: enum sieve_modifier */
	struct sieve_list flags, content;
	struct sieve_list a, b;		/* strings in their order */
	uint64_t number;
};
enum sieve_modifier {
	SIEVE_M_NONE, SIEVE_M_LOWER, SIEVE_M_UPPER, SIEVE_M_LOWERFIRST,
	SIEVE_M_UPPERFIRST, SIEVE_M_QUOTE, SIEVE_M_LENGTH,
};

/* Memory that goes at once. */
struct sieve_arena {
	struct sieve_chunk *chunks;
};
/* Zeroed. */
void	*sieve_get(struct sieve_arena *a, size_t size);
void	sieve_arena_clear(struct sieve_arena *a);

struct sieve_script {
	struct sieve_arena arena;
	struct sieve_node *first;
	uint32_t capabilities;		/* that were required */
	int	 mailboxes;
};

/* Puts "line N, column N: words" into why. -1. */
int	sieve_refuse(struct buf *why, const struct sieve_place *at,
	    const char *fmt, ...) ATTR_PRINTF(3, 4);
/* The commands of a text; 0, or -1. */
int	sieve_parse(struct sieve_script *s, const char *text, size_t len,
	    struct buf *why) ATTR_CHECK;
int	sieve_check(struct sieve_script *s, struct buf *why) ATTR_CHECK;

/*
 * A reference to a variable (RFC 5229 3) at p: its length, 0 where none stands
 * there. name_r is what stands between the braces.
 */
size_t	sieve_reference(const char *p, size_t len, const char **name_r,
	    size_t *name_len_r);
int	sieve_is_identifier(const char *p, size_t len);
/* Encoded characters (RFC 5228 2.4.2.4) of s; 0, or -1 with words. */
int	sieve_encoded(struct sieve_script *script, struct sieve_string *s,
	    struct buf *why) ATTR_CHECK;

#endif
