#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/trick.h"

#define THERE	"relay-test@example.com"
#define US	"[%s]"
#define FROM	"<relay-test@example.org>"

const struct trick tricks[] = {
	[TRICK_POSTMASTER] = { "postmaster", US, FROM, "<postmaster@%d>", 1 },
	[TRICK_NOBODY] = { "nobody", US, FROM, "<relay-test-8d1f0c6a@%d>", 1 },
	{ "plain", US, FROM, "<" THERE ">", 0 },
	{ "no-brackets", US, FROM, THERE, 0 },
	{ "final-dot", US, FROM, "<" THERE ".>", 0 },
	{ "percent", US, FROM, "<relay-test%%example.com@%d>", 1 },
	{ "percent-host", US, FROM, "<relay-test%%example.com@%h>", 1 },
	{ "percent-literal", US, FROM, "<relay-test%%example.com@%l>", 1 },
	{ "percent-bare", US, FROM, "<relay-test%%example.com>", 1 },
	{ "percent-twice", US, FROM, "<relay-test%%example.com%%%d@%d>", 1 },
	{ "bang", US, FROM, "<example.com!relay-test@%d>", 1 },
	{ "bang-host", US, FROM, "<example.com!relay-test@%h>", 1 },
	{ "bang-literal", US, FROM, "<example.com!relay-test@%l>", 1 },
	{ "bang-bare", US, FROM, "<example.com!relay-test>", 1 },
	{ "bang-path", US, FROM, "<%d!example.com!relay-test>", 1 },
	{ "bang-outward", US, FROM, "<%d!" THERE ">", 0 },
	{ "route", US, FROM, "<@%d:" THERE ">", 0 },
	{ "route-host", US, FROM, "<@%h:" THERE ">", 0 },
	{ "route-literal", US, FROM, "<@%l:" THERE ">", 0 },
	{ "route-long", US, FROM, "<@%h,@%d:" THERE ">", 0 },
	{ "route-percent", US, FROM, "<@%d:relay-test%%example.com@%d>", 1 },
	{ "quoted", US, FROM, "<\"relay-test\"@example.com>", 0 },
	{ "quoted-bare", US, FROM, "<\"" THERE "\">", 1 },
	{ "quoted-domain", US, FROM, "<\"" THERE "\"@%d>", 1 },
	{ "quoted-percent", US, FROM, "<\"relay-test%%example.com\"@%d>", 1 },
	{ "quoted-bang", US, FROM, "<\"example.com!relay-test\"@%d>", 1 },
	{ "two-ats", US, FROM, "<" THERE "@%d>", 1 },
	{ "two-ats-outward", US, FROM, "<relay-test@%d@example.com>", 0 },
	{ "literal-foreign", US, FROM, "<relay-test@[192.0.2.1]>", 0 },
	{ "sender-empty", US, "<>", "<" THERE ">", 0 },
	{ "sender-ours", US, "<postmaster@%d>", "<" THERE ">", 0 },
	{ "sender-host", US, "<postmaster@%h>", "<" THERE ">", 0 },
	{ "sender-literal", US, "<postmaster@%l>", "<" THERE ">", 0 },
	{ "sender-local", US, "<postmaster@localhost>", "<" THERE ">", 0 },
	{ "sender-bare", US, "<postmaster>", "<" THERE ">", 0 },
	{ "sender-same", US, "<" THERE ">", "<" THERE ">", 0 },
	{ "sender-route", US, "<@%d:postmaster@%d>", "<" THERE ">", 0 },
	/* RFC 4954 section 5: an untrusted client is not believed. */
	{ "sender-auth", US, "<postmaster@%d> AUTH=postmaster@%d",
	    "<" THERE ">", 0 },
	{ "helo-host", "%h", "<postmaster@%d>", "<" THERE ">", 0 },
	{ "helo-local", "localhost", "<postmaster@%d>", "<" THERE ">", 0 },
	{ "helo-loopback", "[127.0.0.1]", "<postmaster@%d>", "<" THERE ">", 0 },
	{ NULL, NULL, NULL, NULL, 0 }
};
static_assert(sizeof(tricks) / sizeof(tricks[0]) <= TRICKS_MAX, "too many");

static const char *const verdicts[] = {
	[TRICK_HELD] = "held",
	[TRICK_WORKS] = "works",
	[TRICK_LATER] = "later",
	[TRICK_UNTRIED] = "untried",
};

const char *
trick_verdict_name(enum trick_verdict v)
{
	return verdicts[v];
}

/* The next word, up to a blank; NULL: there is none. */
static const char *
word(const char **p, const char *end, size_t *len)
{
	const char *w = *p, *q = w;

	while (q < end && *q != ' ')
		q++;
	*len = (size_t)(q - w);
	*p = q < end ? q + 1 : end;
	return *len > 0 ? w : NULL;
}

/* A name that goes into commands: nothing in it can be more than that. */
static int
take_name(const char *w, size_t len, char out[DOMAIN_MAX + 1])
{
	if (w == NULL || len > DOMAIN_MAX || !str_is_host(w, len))
		return -1;
	memcpy(out, w, len);
	out[len] = '\0';
	return 0;
}

int
trick_parse_question(const char *p, size_t len, unsigned *port_r,
    char domain[DOMAIN_MAX + 1], char host[DOMAIN_MAX + 1])
{
	const char *end = p + len, *w;
	uint64_t port;
	size_t n;

	w = word(&p, end, &n);
	if (w == NULL || !str_is(w, n, "TRICKS"))
		return 0;
	w = word(&p, end, &n);
	if (w == NULL || str_number(w, n, 65535, &port) == -1 || port == 0)
		return -1;
	*port_r = (unsigned)port;
	w = word(&p, end, &n);
	if (take_name(w, n, domain) == -1)
		return -1;
	w = word(&p, end, &n);
	return take_name(w, n, host) == -1 || p < end ? -1 : 1;
}

int
trick_parse(const char *p, size_t len, enum trick_verdict *v_r,
    const char **said_r)
{
	const char *end = p + len, *w = word(&p, end, &len);
	size_t i, v;

	for (i = 0; w != NULL && tricks[i].name != NULL; i++)
		if (str_is(w, len, tricks[i].name))
			break;
	if (w == NULL || tricks[i].name == NULL)
		return -1;
	w = word(&p, end, &len);
	for (v = 0; w != NULL && v < sizeof(verdicts) / sizeof(verdicts[0]);
	    v++)
		if (str_is(w, len, verdicts[v])) {
			*v_r = (enum trick_verdict)v;
			*said_r = p;
			return (int)i;
		}
	return -1;
}

/* RFC 5321 4.1.3; those of the client stand in brackets in the texts. */
static const char *
tag(const char *ip)
{
	return strchr(ip, ':') != NULL ? "IPv6:" : "";
}

void
trick_text(struct buf *b, const char *text, const struct trick_server *s,
    const char *client, const char *server)
{
	for (; *text != '\0'; text++) {
		if (*text != '%' || text[1] == '\0') {
			buf_append(b, text, 1);
			continue;
		}
		switch (*++text) {
		case 'd':
			buf_puts(b, s->domain);
			break;
		case 'h':
			buf_puts(b, s->host);
			break;
		case 'l':
			buf_printf(b, "[%s%s]", tag(server), server);
			break;
		case 's':
			buf_printf(b, "%s%s", tag(client), client);
			break;
		default:
			buf_append(b, text, 1);
		}
	}
}
