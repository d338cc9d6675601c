#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/spf_record.h"

enum { TERMS_MAX = 1000 };

/* What an argument of a mechanism may be. */
enum argument {
	ARG_NONE,		/* all */
	ARG_DOMAIN,		/* include, exists: a duty */
	ARG_OPTIONAL,		/* ptr */
	ARG_DUAL,		/* a, mx: optional, and the lengths of networks */
	ARG_IP4,
	ARG_IP6,
};

static const struct {
	const char *name;
	enum argument argument;
} mechanisms[] = {
	[SPF_MECH_ALL] = { "all", ARG_NONE },
	[SPF_MECH_INCLUDE] = { "include", ARG_DOMAIN },
	[SPF_MECH_A] = { "a", ARG_DUAL },
	[SPF_MECH_MX] = { "mx", ARG_DUAL },
	[SPF_MECH_PTR] = { "ptr", ARG_OPTIONAL },
	[SPF_MECH_IP4] = { "ip4", ARG_IP4 },
	[SPF_MECH_IP6] = { "ip6", ARG_IP6 },
	[SPF_MECH_EXISTS] = { "exists", ARG_DOMAIN },
};

static int
is_alpha(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/*
 * toplabel = ( *alphanum ALPHA *alphanum ) /
 *            ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
 */
static int
is_toplabel(const char *p, size_t len)
{
	size_t i, others = 0;

	if (len == 0 || p[0] == '-' || p[len - 1] == '-')
		return 0;
	for (i = 0; i < len; i++) {
		if (is_alpha(p[i]) || p[i] == '-')
			others++;
		else if (!is_digit(p[i]))
			return 0;
	}
	return others > 0;
}

/*
 * domain-spec = macro-string domain-end
 * domain-end = ( "." toplabel [ "." ] ) / macro-expand
 */
static int
is_domain_spec(const char *p, size_t len)
{
	size_t end = len, i;

	if (len == 0 || spf_macro_check(p, len, 0) == -1)
		return 0;
	if (p[len - 1] == '}')
		return 1;
	if (len >= 2 && p[len - 2] == '%' && strchr("%_-", p[len - 1]) != NULL)
		return 1;
	if (p[end - 1] == '.')
		end--;
	for (i = end; i > 0 && p[i - 1] != '.'; i--)
		continue;
	return i > 0 && is_toplabel(p + i, end - i);
}

/*
 * Takes "/" and a number without leading zeros off the end, after the slashes
 * that mark says. 0 and *bits_r where there is none, or 1; -1: too great.
 */
static int
take_bits(const char *p, size_t *len, const char *mark, unsigned max,
    unsigned *bits_r)
{
	size_t i = *len, n = strlen(mark);
	uint64_t v;

	while (i > 0 && is_digit(p[i - 1]))
		i--;
	if (i == *len || i < n || memcmp(p + i - n, mark, n) != 0)
		return 0;
	if (p[i] == '0' && *len - i > 1)
		return -1;
	if (str_number(p + i, *len - i, max, &v) == -1)
		return -1;
	*bits_r = (unsigned)v;
	*len = i - n;
	return 1;
}

/* dual-cidr-length = [ "/" ip4-length ] [ "//" ip6-length ] */
static int
parse_dual(const char *p, size_t *len, struct spf_term *t)
{
	if (take_bits(p, len, "//", 128, &t->bits6) == -1 ||
	    take_bits(p, len, "/", 32, &t->bits4) == -1)
		return -1;
	return 0;
}

static int
parse_ip(const char *p, size_t len, int v6, struct spf_term *t)
{
	char text[INET6_ADDRSTRLEN];
	int r = v6 ? take_bits(p, &len, "/", 128, &t->bits6) :
	    take_bits(p, &len, "/", 32, &t->bits4);

	if (r == -1 || len == 0 || len >= sizeof(text))
		return -1;
	memcpy(text, p, len);
	text[len] = '\0';
	return inet_pton(v6 ? AF_INET6 : AF_INET, text, t->ip) == 1 ? 0 : -1;
}

/* p is what stands behind the name, ":" included. 0, or -1. */
static int
parse_argument(const char *p, size_t len, struct spf_term *t)
{
	enum argument a = mechanisms[t->mechanism].argument;

	if (a == ARG_DUAL && parse_dual(p, &len, t) == -1)
		return -1;
	if (len == 0)
		return a == ARG_NONE || a == ARG_OPTIONAL || a == ARG_DUAL ?
		    0 : -1;
	if (p[0] != ':' || a == ARG_NONE)
		return -1;
	p++;
	len--;
	if (a == ARG_IP4 || a == ARG_IP6)
		return parse_ip(p, len, a == ARG_IP6, t);
	if (!is_domain_spec(p, len))
		return -1;
	t->domain = mem_strndup(p, len);
	return 0;
}

static int
parse_directive(struct spf_record *r, const char *p, size_t len)
{
	struct spf_term t = { .qualifier = '+', .bits4 = 32, .bits6 = 128 };
	size_t n = 0, i;

	if (strchr("+-~?", p[0]) != NULL) {
		t.qualifier = *p++;
		len--;
	}
	while (n < len && p[n] != ':' && p[n] != '/')
		n++;
	for (i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (str_is(p, n, mechanisms[i].name))
			break;
	if (i == sizeof(mechanisms) / sizeof(mechanisms[0]) ||
	    r->n == TERMS_MAX)
		return -1;
	t.mechanism = (enum spf_mechanism)i;
	if (parse_argument(p + n, len - n, &t) == -1)
		return -1;
	r->terms = mem_realloc(r->terms, r->n + 1, sizeof(t));
	r->terms[r->n++] = t;
	return 0;
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static int
is_modifier_name(const char *p, size_t len)
{
	size_t i;

	if (len == 0 || !is_alpha(p[0]))
		return 0;
	for (i = 1; i < len; i++)
		if (!is_alpha(p[i]) && !is_digit(p[i]) &&
		    strchr("-_.", p[i]) == NULL)
			return 0;
	return 1;
}

/* n is the length of its name. */
static int
parse_modifier(struct spf_record *r, const char *p, size_t len, size_t n)
{
	const char *value = p + n + 1;
	size_t value_len = len - n - 1;
	char **where = NULL;

	if (!is_modifier_name(p, n))
		return -1;
	if (str_is(p, n, "redirect"))
		where = &r->redirect;
	else if (str_is(p, n, "exp"))
		where = &r->exp;
	/* One that nobody knows is passed over (6). */
	if (where == NULL)
		return spf_macro_check(value, value_len, 0);
	if (*where != NULL || !is_domain_spec(value, value_len))
		return -1;
	*where = mem_strndup(value, value_len);
	return 0;
}

static int
parse_term(struct spf_record *r, const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && strchr(":/=", p[n]) == NULL)
		n++;
	if (n < len && p[n] == '=')
		return parse_modifier(r, p, len, n);
	return parse_directive(r, p, len);
}

int
spf_record_parse(struct spf_record *r, const char *p, size_t len,
    struct buf *why)
{
	const char *end = p + len, *blank;
	size_t n;

	memset(r, 0, sizeof(*r));
	for (p += strlen("v=spf1"); p < end; p = blank) {
		if (*p == ' ') {
			blank = p + 1;
			continue;
		}
		blank = memchr(p, ' ', (size_t)(end - p));
		if (blank == NULL)
			blank = end;
		n = (size_t)(blank - p);
		if (memchr(p, '\0', n) == NULL && parse_term(r, p, n) == 0)
			continue;
		buf_set(why, "\"%.*s\"", (int)(n > 100 ? 100 : n), p);
		return -1;
	}
	return 0;
}

void
spf_record_clear(struct spf_record *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		free(r->terms[i].domain);
	free(r->terms);
	free(r->redirect);
	free(r->exp);
	memset(r, 0, sizeof(*r));
}
