/*
 *   start      = commands
 *   commands   = *command
 *   command    = identifier arguments (";" / block)
 *   arguments  = *argument [ test / test-list ]
 *   argument   = string-list / number / tag
 *   test       = identifier arguments
 *   test-list  = "(" test *("," test) ")"
 *   block      = "{" commands "}"
 *   string-list = "[" string *("," string) "]" / string
 *
 * (RFC 5228 8.2.) What a name means is not looked at.
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/sieve/sieve_lex.h"

static int
expected(const struct sieve_lex *l, const char *what)
{
	return sieve_refuse(l->why, &l->at, _("%s is expected"), what);
}

static int
is_mark(const struct sieve_lex *l, char c)
{
	return l->token == SIEVE_L_MARK && l->mark == c;
}

static struct sieve_string
string_of(const struct sieve_lex *l)
{
	return (struct sieve_string){ l->text, l->len, l->at, 0 };
}

/* Behind "[". */
static int
read_list(struct sieve_lex *l, struct sieve_list *list)
{
	struct sieve_string *grown;
	size_t cap = 0;

	for (;;) {
		if (sieve_next(l) == -1)
			return -1;
		if (l->token != SIEVE_L_STRING)
			return expected(l, _("a string"));
		if (list->n == cap) {
			grown = sieve_get(l->arena, (cap * 2 + 4) *
			    sizeof(*grown));
			if (list->n > 0)
				memcpy(grown, list->s, list->n *
				    sizeof(*grown));
			list->s = grown;
			cap = cap * 2 + 4;
		}
		list->s[list->n++] = string_of(l);
		if (sieve_next(l) == -1)
			return -1;
		if (is_mark(l, ']'))
			return sieve_next(l);
		if (!is_mark(l, ','))
			return expected(l, "\",\" or \"]\"");
	}
}

/* 1; 0: there is no further argument; -1. */
static int
read_argument(struct sieve_lex *l, struct sieve_arg ***tail)
{
	struct sieve_arg *a;

	if (l->token != SIEVE_L_TAG && l->token != SIEVE_L_NUMBER &&
	    l->token != SIEVE_L_STRING && !is_mark(l, '['))
		return 0;
	a = sieve_get(l->arena, sizeof(*a));
	a->at = l->at;
	**tail = a;
	*tail = &a->next;
	if (is_mark(l, '[')) {
		a->kind = SIEVE_A_LIST;
		return read_list(l, &a->list) == -1 ? -1 : 1;
	}
	if (l->token == SIEVE_L_NUMBER) {
		a->kind = SIEVE_A_NUMBER;
		a->number = l->number;
	} else {
		a->kind = l->token == SIEVE_L_TAG ? SIEVE_A_TAG :
		    SIEVE_A_STRING;
		a->list.s = sieve_get(l->arena, sizeof(*a->list.s));
		a->list.s[0] = string_of(l);
		a->list.n = 1;
	}
	return sieve_next(l) == -1 ? -1 : 1;
}

static int	read_arguments(struct sieve_lex *, struct sieve_node *, unsigned);

/* The identifier is the present word. */
static struct sieve_node *
read_name(struct sieve_lex *l, unsigned depth)
{
	struct sieve_node *n;

	if (l->token != SIEVE_L_IDENTIFIER) {
		expected(l, _("a command or a test"));
		return NULL;
	}
	if (depth > SIEVE_NESTING_MAX) {
		sieve_refuse(l->why, &l->at,
		    _("nested deeper than %d levels"), SIEVE_NESTING_MAX);
		return NULL;
	}
	n = sieve_get(l->arena, sizeof(*n));
	n->name = l->text;
	n->name_len = l->len;
	n->at = l->at;
	if (sieve_next(l) == -1)
		return NULL;
	return n;
}

static int
read_test(struct sieve_lex *l, struct sieve_node **r, unsigned depth)
{
	if ((*r = read_name(l, depth)) == NULL)
		return -1;
	return read_arguments(l, *r, depth + 1);
}

static int
read_tests(struct sieve_lex *l, struct sieve_node *n, unsigned depth)
{
	struct sieve_node **tail = &n->tests;

	n->has_list = 1;
	do {
		if (sieve_next(l) == -1 || read_test(l, tail, depth) == -1)
			return -1;
		tail = &(*tail)->next;
	} while (is_mark(l, ','));
	if (!is_mark(l, ')'))
		return expected(l, "\",\" or \")\"");
	return sieve_next(l);
}

static int
read_arguments(struct sieve_lex *l, struct sieve_node *n, unsigned depth)
{
	struct sieve_arg **tail = &n->args;
	int r;

	while ((r = read_argument(l, &tail)) == 1)
		;
	if (r == -1)
		return -1;
	if (is_mark(l, '('))
		return read_tests(l, n, depth);
	if (l->token == SIEVE_L_IDENTIFIER)
		return read_test(l, &n->tests, depth);
	return 0;
}

static int	read_commands(struct sieve_lex *, struct sieve_node **, unsigned);

static int
read_command(struct sieve_lex *l, struct sieve_node **r, unsigned depth)
{
	struct sieve_node *n;

	if ((*r = n = read_name(l, depth)) == NULL ||
	    read_arguments(l, n, 0) == -1)
		return -1;
	if (is_mark(l, ';'))
		return sieve_next(l);
	if (!is_mark(l, '{'))
		return expected(l, "\";\"");
	n->has_block = 1;
	if (sieve_next(l) == -1 ||
	    read_commands(l, &n->block, depth + 1) == -1)
		return -1;
	if (!is_mark(l, '}'))
		return expected(l, "\"}\"");
	return sieve_next(l);
}

static int
read_commands(struct sieve_lex *l, struct sieve_node **tail, unsigned depth)
{
	while (l->token != SIEVE_L_END && !is_mark(l, '}')) {
		if (read_command(l, tail, depth) == -1)
			return -1;
		tail = &(*tail)->next;
	}
	return 0;
}

/* RFC 5228 2.1: UTF-8; and no NUL. */
static int
check_text(const char *text, size_t len, struct buf *why)
{
	struct sieve_place at = { 1, 1 };
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = (unsigned char)text[i] < 0x80 ? 1 :
		    str_utf8(text + i, len - i);
		if (n == 0)
			return sieve_refuse(why, &at, "%s",
			    _("this is not UTF-8"));
		if (text[i] == '\0')
			return sieve_refuse(why, &at, "%s",
			    _("a NUL octet"));
		at.column += (uint32_t)n;
		if (text[i] == '\n') {
			at.line++;
			at.column = 1;
		}
	}
	return 0;
}

int
sieve_parse(struct sieve_script *s, const char *text, size_t len,
    struct buf *why)
{
	struct sieve_lex l = { .line = 1, .arena = &s->arena, .why = why };
	const struct sieve_place start = { 1, 1 };

	if (len > SIEVE_SCRIPT_MAX)
		return sieve_refuse(why, &start,
		    _("the script is longer than %d octets"),
		    SIEVE_SCRIPT_MAX);
	if (str_mark(&text, &len) == -1)
		return sieve_refuse(why, &start, "%s", _(STR_UTF16));
	if (check_text(text, len, why) == -1)
		return -1;
	l.p = l.line_start = text;
	l.end = text + len;
	if (sieve_next(&l) == -1 || read_commands(&l, &s->first, 0) == -1)
		return -1;
	return l.token == SIEVE_L_END ? 0 :
	    expected(&l, _("a command or a test"));
}
