#include <string.h>

#include "lib/base/str.h"
#include "smtpd/smtpd_params.h"

struct param {
	const char *key, *value;	/* value NULL: no "=" */
	size_t	 key_len, value_len;
};

struct judge {
	struct smtp_params *out;
	uint64_t max_size;
};

static const struct smtp_refusal fine = { 0, NULL, NULL },
    bad = { 501, "5.5.4", "bad parameter" },
    unknown = { 555, "5.5.4", "parameter not supported" },
    too_big = { 552, "5.3.4", "the message is too big" };

/* RFC 1870 section 6.1: 1*20DIGIT */
static struct smtp_refusal
param_size(const struct param *p, struct judge *j)
{
	if (p->value == NULL || str_number(p->value, p->value_len,
	    UINT64_MAX, &j->out->size) == -1)
		return bad;
	return j->out->size > j->max_size ? too_big : fine;
}

/* RFC 6152: what is in the message counts, not what is said. */
static struct smtp_refusal
param_body(const struct param *p, struct judge *j)
{
	if (p->value != NULL && (str_is(p->value, p->value_len, "7BIT") ||
	    str_is(p->value, p->value_len, "8BITMIME")))
		return fine;
	return bad;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/*
 * RFC 4954 section 5: AUTH=<xtext mailbox or "<>">. It is checked (RFC 3461
 * section 4: xtext) and, coming from an untrusted client, not believed.
 */
static struct smtp_refusal
param_auth(const struct param *p, struct judge *j)
{
	int hi, lo;
	size_t i;

	if (p->value == NULL || p->value_len == 0)
		return bad;
	for (i = 0; i < p->value_len; i++) {
		if (p->value[i] < 33 || p->value[i] > 126 ||
		    p->value[i] == '=')
			return bad;
		if (p->value[i] != '+')
			continue;
		if (i + 2 >= p->value_len ||
		    (hi = hex_digit(p->value[i + 1])) == -1 ||
		    (lo = hex_digit(p->value[i + 2])) == -1 ||
		    hi * 16 + lo < 32 || hi * 16 + lo > 126)
			return bad;
		i += 2;
	}
	return fine;
}

static const struct {
	const char *name;
	int	 auth;		/* known only where AUTH is */
	struct smtp_refusal (*run)(const struct param *, struct judge *);
} mail_params[] = {
	{ "SIZE", 0, param_size },
	{ "BODY", 0, param_body },
	{ "AUTH", 1, param_auth },
};
enum { N_PARAMS = sizeof(mail_params) / sizeof(mail_params[0]) };

/* The next word, taken apart: its length, 0 at the end. */
static size_t
param_take(const char *p, size_t len, struct param *r)
{
	const char *eq;
	size_t n = 0;

	while (n < len && p[n] != ' ' && p[n] != '\t')
		n++;
	eq = memchr(p, '=', n);
	r->key = p;
	r->key_len = eq != NULL ? (size_t)(eq - p) : n;
	r->value = eq != NULL ? eq + 1 : NULL;
	r->value_len = eq != NULL ? n - r->key_len - 1 : 0;
	return n;
}

struct smtp_refusal
smtp_params_parse(const char *p, size_t len, int rcpt, int auth_ok,
    uint64_t max_size, struct smtp_params *out)
{
	struct judge j = { .out = out, .max_size = max_size };
	struct smtp_refusal r;
	unsigned seen = 0;
	struct param one;
	size_t n, i;

	out->size = 0;
	/* What follows ">" at once is no parameter. */
	if (len > 0 && *p != ' ' && *p != '\t')
		return bad;
	for (;; p += n, len -= n) {
		for (; len > 0 && (*p == ' ' || *p == '\t'); len--)
			p++;
		if ((n = param_take(p, len, &one)) == 0)
			return fine;
		for (i = 0; i < N_PARAMS; i++)
			if (str_is(one.key, one.key_len,
			    mail_params[i].name))
				break;
		if (rcpt || i == N_PARAMS || (mail_params[i].auth && !auth_ok))
			return unknown;
		if (seen & 1u << i)
			return bad;
		seen |= 1u << i;
		r = mail_params[i].run(&one, &j);
		if (r.code != 0)
			return r;
	}
}
