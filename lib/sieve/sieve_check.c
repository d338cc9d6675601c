/*
 * What the tree of a script means, by the rows of sieve_words.c: names, tags,
 * arguments, what was required, and what of constants can be judged.
 *
 * RFC 5463 4: where ihave was required, what is not known is no error as long
 * as it is not run: such a node is SIEVE_UNKNOWN.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/address.h"
#include "lib/mail/mailbox_name.h"
#include "lib/sieve/sieve_impl.h"

#define SHOWN(s) (int)((s)->len > 60 ? 60 : (s)->len), (s)->p

struct check {
	struct sieve_script *s;
	struct buf *why;
	uint32_t have;			/* capabilities, at this place */
	int	 begun;			/* something else than require stood */
	struct sieve_string names[SIEVE_VARIABLES_MAX];
	size_t	 n_names;
};

/* What is not known or not required: 0 and the node is it, or -1. */
static int	unknown(struct check *, struct sieve_node *,
		    const struct sieve_place *, const char *, ...)
		    ATTR_PRINTF(4, 5);

static int
unknown(struct check *c, struct sieve_node *n, const struct sieve_place *at,
    const char *fmt, ...)
{
	char words[300], *copy;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (!(c->have & SIEVE_C_IHAVE))
		return sieve_refuse(c->why, at, "%s", words);
	n->code = SIEVE_UNKNOWN;
	copy = sieve_get(&c->s->arena, strlen(words) + 1);
	memcpy(copy, words, strlen(words) + 1);
	n->trouble = copy;
	return 0;
}

static int
missing(struct check *c, struct sieve_node *n, const struct sieve_place *at,
    const char *p, size_t len, uint32_t capability)
{
	return unknown(c, n, at, _("%.*s needs: require \"%s\";"),
	    (int)(len > 60 ? 60 : len), p, sieve_capability_name(capability));
}

/* Strings */

static int
check_string(struct check *c, struct sieve_string *s)
{
	const char *name;
	size_t i, n, len;

	if ((c->have & SIEVE_C_ENCODED) &&
	    sieve_encoded(c->s, s, c->why) == -1)
		return -1;
	if (!(c->have & SIEVE_C_VARIABLES))
		return 0;
	for (i = 0; i + 3 < s->len; i += n) {
		n = sieve_reference(s->p + i, s->len - i, &name, &len);
		if (n == 0) {
			n = 1;
			continue;
		}
		if (memchr(name, '.', len) != NULL)
			return sieve_refuse(c->why, &s->at,
			    _("no extension has the variable %.*s"),
			    (int)(len > 60 ? 60 : len), name);
		s->varies = 1;
	}
	return 0;
}

static int
check_list(struct check *c, struct sieve_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (check_string(c, &l->s[i]) == -1)
			return -1;
	return 0;
}

static int
constant(struct check *c, const struct sieve_string *s)
{
	return !s->varies ? 0 : sieve_refuse(c->why, &s->at, "%s",
	    _("a variable may not stand here"));
}

/* A variable that the script sets. */
static int
check_variable(struct check *c, const struct sieve_string *s)
{
	size_t i;

	if (constant(c, s) == -1)
		return -1;
	if (!sieve_is_identifier(s->p, s->len) || s->len > SIEVE_NAME_MAX)
		return sieve_refuse(c->why, &s->at,
		    _("%.*s cannot be the name of a variable"),
		    SHOWN(s));
	for (i = 0; i < c->n_names; i++)
		if (c->names[i].len == s->len &&
		    str_ncasecmp(c->names[i].p, s->p, s->len) == 0)
			return 0;
	if (c->n_names == SIEVE_VARIABLES_MAX)
		return sieve_refuse(c->why, &s->at,
		    _("more than %d variables"), SIEVE_VARIABLES_MAX);
	c->names[c->n_names++] = *s;
	return 0;
}

/* Tags */

static int
set_comparator(struct check *c, struct sieve_node *n,
    const struct sieve_string *s)
{
	if (str_is(s->p, s->len, "i;octet"))
		n->comparator = SIEVE_OCTET;
	else if (str_is(s->p, s->len, "i;ascii-casemap"))
		n->comparator = SIEVE_CASEMAP;
	else if (str_is(s->p, s->len, "i;ascii-numeric")) {
		n->comparator = SIEVE_NUMERIC;
		if (!(c->have & SIEVE_C_NUMERIC))
			return missing(c, n, &s->at, s->p, s->len,
			    SIEVE_C_NUMERIC);
	} else
		return unknown(c, n, &s->at, _("no comparator %.*s"),
		    SHOWN(s));
	return 0;
}

static int
set_relation(struct check *c, struct sieve_node *n,
    const struct sieve_string *s)
{
	int i;

	for (i = 0; i < SIEVE_RELATIONS; i++)
		if (str_is(s->p, s->len, sieve_relations[i])) {
			n->relation = (enum sieve_relation)i;
			return 0;
		}
	return sieve_refuse(c->why, &s->at, "%s",
	    _("gt, ge, lt, le, eq or ne is expected"));
}

static void
set_tag(struct sieve_node *n, const struct sieve_tag *t)
{
	switch (t->group) {
	case SIEVE_G_MATCH: n->match = (enum sieve_match)t->value; break;
	case SIEVE_G_PART:
		n->part = (enum sieve_address_part)t->value;
		break;
	case SIEVE_G_SIZE: n->over = t->value; break;
	case SIEVE_G_COPY: n->copy = 1; break;
	case SIEVE_G_CREATE: n->create = 1; break;
	case SIEVE_G_FLAGS: n->has_flags = 1; break;
	case SIEVE_G_BODY: n->body = (enum sieve_body)t->value; break;
	/* RFC 5229 4: the one with the higher precedence works first. */
	case SIEVE_G_CASE: n->modifier[0] = t->value; break;
	case SIEVE_G_FIRST: n->modifier[1] = t->value; break;
	case SIEVE_G_QUOTE: n->modifier[2] = t->value; break;
	case SIEVE_G_LENGTH: n->modifier[3] = t->value; break;
	default: break;
	}
}

/* What stands behind a tag; it is a. */
static int
tag_argument(struct check *c, struct sieve_node *n, const struct sieve_tag *t,
    struct sieve_arg *a, const struct sieve_place *at)
{
	if (a == NULL || (a->kind != SIEVE_A_STRING &&
	    (t->arg != 'l' || a->kind != SIEVE_A_LIST)))
		return sieve_refuse(c->why, a != NULL ? &a->at : at,
		    _("a string is expected behind :%s"), t->name);
	if (check_list(c, &a->list) == -1)
		return -1;
	if (t->arg == 'l') {
		*(t->group == SIEVE_G_FLAGS ? &n->flags : &n->content) =
		    a->list;
		return 0;
	}
	if (constant(c, &a->list.s[0]) == -1)
		return -1;
	return t->arg == 'c' ? set_comparator(c, n, &a->list.s[0]) :
	    set_relation(c, n, &a->list.s[0]);
}

/* *a is a tag; then what follows it. */
static int
check_tag(struct check *c, struct sieve_node *n, struct sieve_arg **a,
    uint32_t *seen)
{
	const struct sieve_string *s = &(*a)->list.s[0];
	const struct sieve_tag *t = sieve_tag(s->p, s->len);
	struct sieve_place at = (*a)->at;
	int len = (int)(s->len > 60 ? 60 : s->len);

	if (t == NULL || !(n->word->groups & 1U << t->group))
		return unknown(c, n, &at, _("%s knows no :%.*s"),
		    n->word->name, len, s->p);
	if (t->capability & ~c->have)
		return missing(c, n, &at, s->p - 1, s->len + 1, t->capability);
	if (*seen & 1U << t->group)
		return sieve_refuse(c->why, &at,
		    _(":%.*s, where something of its kind stood before"), len,
		    s->p);
	*seen |= 1U << t->group;
	set_tag(n, t);
	*a = (*a)->next;
	if (t->arg == 0)
		return 0;
	if (tag_argument(c, n, t, *a, &at) == -1)
		return -1;
	if (*a != NULL)
		*a = (*a)->next;
	return 0;
}

/* Arguments */

static const char *
kind_words(char kind)
{
	switch (kind) {
	case 'n': return _("a number is expected");
	case 's': case 'v': return _("a string is expected");
	default: return _("a string or a list of strings is expected");
	}
}

static int
is_kind(const struct sieve_arg *a, char kind)
{
	switch (kind) {
	case 'n': return a->kind == SIEVE_A_NUMBER;
	case 's': case 'v': return a->kind == SIEVE_A_STRING;
	default: return a->kind == SIEVE_A_STRING || a->kind == SIEVE_A_LIST;
	}
}

static int
check_positional(struct check *c, struct sieve_node *n, struct sieve_arg *a)
{
	const char *kind = n->word->args;
	size_t left = 0, i = 0;
	struct sieve_arg *q;

	for (q = a; q != NULL; q = q->next)
		left++;
	/* The name that may be left out. */
	if ((*kind == 'v' || *kind == 'V') && left < strlen(kind)) {
		kind++;
		i++;
	}
	for (; *kind != '\0'; kind++, a = a->next) {
		if (a == NULL || !is_kind(a, *kind))
			return sieve_refuse(c->why, a != NULL ? &a->at :
			    &n->at, "%s: %s", n->word->name,
			    kind_words(*kind));
		if (a->kind == SIEVE_A_NUMBER)
			n->number = a->number;
		else if (check_list(c, &a->list) == -1)
			return -1;
		else
			*(i++ == 0 ? &n->a : &n->b) = a->list;
	}
	return a == NULL ? 0 : sieve_refuse(c->why, &a->at,
	    a->kind == SIEVE_A_TAG ? _("%s: a tag stands in front of the "
	    "other arguments") : _("%s: there are too many arguments"),
	    n->word->name);
}

/* RFC 5228 5.1: address, of fields that have a list of addresses. */
static int
holds_addresses(const char *p, size_t len)
{
	static const char *const names[] = { "From", "To", "Cc", "Bcc",
		"Sender", "Reply-To", "Resent-From", "Resent-To", "Resent-Cc",
		"Resent-Bcc", "Resent-Sender", "Resent-Reply-To",
		"Return-Path", "Delivered-To", "X-Original-To",
		"Envelope-To", "X-Envelope-To", "Errors-To",
		"Disposition-Notification-To", "Return-Receipt-To",
		"Mail-Followup-To", "Mail-Reply-To", "Original-Recipient",
		"Apparently-To", "X-Forwarded-To", "X-Forwarded-For" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(p, len, names[i]))
			return 1;
	return 0;
}

static int
check_address(const struct sieve_string *s)
{
	struct address a;

	return address_parse(&a, s->p, s->len) == ADDRESS_OK &&
	    a.at != a.len;
}

static int
check_mailbox(const struct sieve_string *s)
{
	char *name = mem_strndup(s->p, s->len);
	int ok = strlen(name) == s->len && mailbox_name_ok(name);

	free(name);
	return ok;
}

/* A constant of the list that cannot be; NULL: none. */
static const struct sieve_string *
bad_constant(const struct sieve_list *l, int (*ok)(const char *, size_t))
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (!l->s[i].varies && !ok(l->s[i].p, l->s[i].len))
			return &l->s[i];
	return NULL;
}

static int
is_envelope(const char *p, size_t len)
{
	return str_is(p, len, "from") || str_is(p, len, "to");
}

static int
check_have(struct check *c, struct sieve_node *n)
{
	uint32_t all = 0, one;
	size_t i;

	for (i = 0; i < n->a.n; i++) {
		if (constant(c, &n->a.s[i]) == -1)
			return -1;
		one = sieve_capability(n->a.s[i].p, n->a.s[i].len);
		if (one == 0)
			return 0;
		all |= one;
	}
	c->have |= all;
	return 0;
}

/* What is peculiar to a word. */
static int
check_meaning(struct check *c, struct sieve_node *n, uint32_t seen)
{
	const struct sieve_string *s;

	if (n->comparator == SIEVE_NUMERIC && (n->match == SIEVE_CONTAINS ||
	    n->match == SIEVE_MATCHES))
		return sieve_refuse(c->why, &n->at, "%s",
		    _("i;ascii-numeric compares whole numbers, no parts of "
		    "them"));
	switch (n->code) {
	case SIEVE_T_SIZE:
		return seen & SIEVE_GROUP(SIZE) ? 0 : sieve_refuse(c->why,
		    &n->at, "%s", _("size: :over or :under is expected"));
	case SIEVE_T_ADDRESS:
		if ((s = bad_constant(&n->a, holds_addresses)) != NULL)
			return sieve_refuse(c->why, &s->at,
			    _("address: %.*s is no field with addresses"),
			    SHOWN(s));
		return 0;
	case SIEVE_T_ENVELOPE:
		if ((s = bad_constant(&n->a, is_envelope)) != NULL)
			return sieve_refuse(c->why, &s->at,
			    _("envelope: %.*s is neither from nor to"),
			    SHOWN(s));
		return 0;
	case SIEVE_REDIRECT_TO:
		s = &n->a.s[0];
		return s->varies || check_address(s) ? 0 :
		    sieve_refuse(c->why, &s->at,
		    _("redirect: %.*s is no address"), SHOWN(s));
	case SIEVE_FILEINTO:
		s = &n->a.s[0];
		return s->varies || check_mailbox(s) ? 0 :
		    sieve_refuse(c->why, &s->at,
		    _("fileinto: %.*s cannot be a mailbox"), SHOWN(s));
	case SIEVE_SET:
		return check_variable(c, &n->a.s[0]);
	case SIEVE_SETFLAG: case SIEVE_ADDFLAG: case SIEVE_REMOVEFLAG:
	case SIEVE_T_HASFLAG:
		if (n->a.n == 0)
			return 0;
		if (!(c->have & SIEVE_C_VARIABLES))
			return missing(c, n, &n->at, n->name, n->name_len,
			    SIEVE_C_VARIABLES);
		return n->code == SIEVE_T_HASFLAG ? 0 :
		    check_variable(c, &n->a.s[0]);
	case SIEVE_T_IHAVE:
		return check_have(c, n);
	case SIEVE_T_MAILBOXEXISTS:
		c->s->mailboxes = 1;
		return 0;
	default:
		return 0;
	}
}

/* Commands and tests */

static int
check_arguments(struct check *c, struct sieve_node *n)
{
	struct sieve_arg *a = n->args;
	uint32_t seen = 0;

	while (a != NULL && a->kind == SIEVE_A_TAG) {
		if (check_tag(c, n, &a, &seen) == -1)
			return -1;
		if (n->code == SIEVE_UNKNOWN)
			return 0;
	}
	if (check_positional(c, n, a) == -1)
		return -1;
	return check_meaning(c, n, seen);
}

static int
check_shape(struct check *c, const struct sieve_node *n)
{
	const struct sieve_word *w = n->word;

	if (w->tests == SIEVE_NO_TEST && n->tests != NULL)
		return sieve_refuse(c->why, &n->tests->at,
		    _("%s takes no test"), w->name);
	if (w->tests == SIEVE_ONE_TEST && (n->tests == NULL || n->has_list))
		return sieve_refuse(c->why, &n->at, _("%s takes one test"),
		    w->name);
	if (w->tests == SIEVE_TESTS && !n->has_list)
		return sieve_refuse(c->why, &n->at,
		    _("%s takes tests in parentheses"), w->name);
	if (w->block && !n->has_block)
		return sieve_refuse(c->why, &n->at,
		    _("%s takes a block in braces"), w->name);
	if (!w->block && n->has_block)
		return sieve_refuse(c->why, &n->at, _("%s takes no block"),
		    w->name);
	return 0;
}

static int
check_node(struct check *c, struct sieve_node *n, int test)
{
	struct sieve_node *t;
	int len = (int)(n->name_len > 60 ? 60 : n->name_len);

	n->word = sieve_word(n->name, n->name_len, test);
	if (n->word == NULL) {
		if (sieve_word(n->name, n->name_len, !test) != NULL)
			return sieve_refuse(c->why, &n->at, test ?
			    _("%.*s is a command, where a test is expected") :
			    _("%.*s is a test, where a command is expected"),
			    len, n->name);
		return unknown(c, n, &n->at, test ? _("no test %.*s") :
		    _("no command %.*s"), len, n->name);
	}
	n->code = n->word->code;
	if (n->word->capability & ~c->have)
		return missing(c, n, &n->at, n->name, n->name_len,
		    n->word->capability);
	if (check_shape(c, n) == -1 || check_arguments(c, n) == -1)
		return -1;
	for (t = n->tests; t != NULL; t = t->next)
		if (check_node(c, t, 1) == -1)
			return -1;
	return 0;
}

static int
check_require(struct check *c, const struct sieve_node *n)
{
	const struct sieve_string *s;
	uint32_t one;
	size_t i;

	if (c->begun)
		return sieve_refuse(c->why, &n->at, "%s",
		    _("require stands in front of everything else"));
	for (i = 0; i < n->a.n; i++) {
		s = &n->a.s[i];
		if ((one = sieve_capability(s->p, s->len)) == 0)
			return sieve_refuse(c->why, &s->at,
			    _("the extension %.*s is not known"), SHOWN(s));
		c->have |= one;
	}
	return 0;
}

static int
check_commands(struct check *c, struct sieve_node *n)
{
	enum sieve_code before = SIEVE_UNKNOWN;

	for (; n != NULL; before = n->code, n = n->next) {
		if (check_node(c, n, 0) == -1)
			return -1;
		if (n->code == SIEVE_REQUIRE) {
			if (check_require(c, n) == -1)
				return -1;
			continue;
		}
		c->begun = 1;
		if ((n->code == SIEVE_ELSIF || n->code == SIEVE_ELSE) &&
		    before != SIEVE_IF && before != SIEVE_ELSIF)
			return sieve_refuse(c->why, &n->at,
			    _("%s without an if in front of it"),
			    n->word->name);
		if (n->code != SIEVE_UNKNOWN &&
		    check_commands(c, n->block) == -1)
			return -1;
	}
	return 0;
}

int
sieve_check(struct sieve_script *s, struct buf *why)
{
	struct check c = { .s = s, .why = why };
	int r = check_commands(&c, s->first);

	s->capabilities = c.have;
	return r;
}
