#include "config.h"

#include <string.h>

#include "ctl/find_autoconfig.h"
#include "lib/base/str.h"
#include "lib/mail/address.h"

enum { WORD_MAX = 40, DEPTH_MAX = 16, ELEMENTS_MAX = 4000 };

struct reader {
	const char *p, *end;
	unsigned depth, elements;
	struct find_servers *l;
	struct find_server *s;	/* of the element that is open; NULL: none */
	char	 name[WORD_MAX];	/* of the innermost element */
	int	 provider;	/* <emailProvider> was there */
};

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "&amp;" and the like; its length, 0: none that is known. */
static size_t
entity(const char *p, const char *end, char *out)
{
	static const struct { const char *name; char c; } rows[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
		{ "&quot;", '"' }, { "&apos;", '\'' },
	};
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = strlen(rows[i].name);
		if ((size_t)(end - p) >= n && memcmp(p, rows[i].name, n) == 0) {
			*out = rows[i].c;
			return n;
		}
	}
	return 0;
}

/* The text without blanks around it. 0, or -1: too long, or of odd octets. */
static int
text_of(const char *p, const char *end, char *out, size_t size)
{
	size_t n = 0, len;
	char c;

	while (p < end && is_space(*p))
		p++;
	while (end > p && is_space(end[-1]))
		end--;
	while (p < end) {
		len = *p == '&' ? entity(p, end, &c) : 1;
		if (*p != '&')
			c = *p;
		if (len == 0 || n + 1 >= size || (unsigned char)c < ' ' ||
		    c == 127)
			return -1;
		out[n++] = c;
		p += len;
	}
	out[n] = '\0';
	return 0;
}

/* A word and what it stands for. */
struct word {
	const char *word;
	unsigned value;
};

static int
word_is(const struct word *w, size_t n, const char *text, unsigned *value)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (str_casecmp(w[i].word, text) == 0) {
			*value = w[i].value;
			return 1;
		}
	return 0;
}

#define WORD_IS(table, text, value) \
	word_is(table, sizeof(table) / sizeof(table[0]), text, value)

/* The element of that name ended, with that text. */
static void
take(struct find_server *s, const char *name, const char *p, const char *end)
{
	static const struct word sockets[] = {
		{ "SSL", FIND_TLS }, { "STARTTLS", FIND_STARTTLS },
		{ "plain", FIND_PLAIN },
	};
	static const struct word auths[] = {
		{ "password-cleartext", FIND_AUTH_PASSWORD },
		{ "plain", FIND_AUTH_PASSWORD },
		{ "password-encrypted", FIND_AUTH_ENCRYPTED },
		{ "secure", FIND_AUTH_ENCRYPTED },
		{ "OAuth2", FIND_AUTH_OAUTH2 },
		{ "none", FIND_AUTH_OTHER },
		{ "NTLM", FIND_AUTH_OTHER }, { "GSSAPI", FIND_AUTH_OTHER },
		{ "client-IP-address", FIND_AUTH_OTHER },
		{ "TLS-client-cert", FIND_AUTH_OTHER },
	};
	char text[FIND_TEXT_MAX];
	uint64_t port;
	unsigned v;

	if (text_of(p, end, text, sizeof(text)) == -1)
		return;
	if (strcmp(name, "hostname") == 0) {
		if (address_domain_parse(text, strlen(text), s->host,
		    NULL) != ADDRESS_OK)
			s->host[0] = '\0';
	} else if (strcmp(name, "port") == 0) {
		if (str_number(text, strlen(text), 65535, &port) == 0)
			s->port = (unsigned)port;
	} else if (strcmp(name, "socketType") == 0) {
		if (WORD_IS(sockets, text, &v))
			s->tls = (enum find_tls)v;
	} else if (strcmp(name, "username") == 0)
		(void)str_copy(s->login, sizeof(s->login), text);
	else if (strcmp(name, "authentication") == 0 &&
	    WORD_IS(auths, text, &v))
		s->auth |= v;
}

/* The value of the attribute type of a tag; "" where it has none. */
static void
type_of(const char *p, const char *end, char *out, size_t size)
{
	const char *q;

	out[0] = '\0';
	for (; end - p > 6; p++)
		if (is_space(p[0]) && memcmp(p + 1, "type=", 5) == 0 &&
		    (p[6] == '"' || p[6] == '\'')) {
			q = memchr(p + 7, p[6], (size_t)(end - p - 7));
			if (q != NULL && text_of(p + 7, q, out, size) == -1)
				out[0] = '\0';
			return;
		}
}

static void
begin(struct reader *r, const char *p, const char *end)
{
	static const struct word types[] = { { "smtp", FIND_SMTP },
		{ "imap", FIND_IMAP }, { "pop3", FIND_POP3 } };
	char type[WORD_MAX];
	unsigned v;

	if (strcmp(r->name, "emailProvider") == 0)
		r->provider = 1;
	if ((strcmp(r->name, "incomingServer") != 0 &&
	    strcmp(r->name, "outgoingServer") != 0) ||
	    r->l->n == FIND_SERVERS_MAX)
		return;
	type_of(p, end, type, sizeof(type));
	if (!WORD_IS(types, type, &v) ||
	    (v == FIND_SMTP) != (r->name[0] == 'o'))
		return;
	r->s = &r->l->s[r->l->n];
	memset(r->s, 0, sizeof(*r->s));
	r->s->source = FIND_AUTOCONFIG;
	r->s->protocol = (enum find_protocol)v;
	r->s->tls = FIND_PLAIN;
}

static void
finish(struct reader *r, const char *name, const char *text, const char *end)
{
	if (r->s == NULL)
		return;
	if (strcmp(name, "incomingServer") == 0 ||
	    strcmp(name, "outgoingServer") == 0) {
		if (r->s->host[0] != '\0' && r->s->port != 0)
			r->l->n++;
		r->s = NULL;
	} else if (text != NULL && strcmp(name, r->name) == 0)
		take(r->s, name, text, end);
}

/* Where the comment, the instruction or the tag at p ends; NULL: nowhere. */
static const char *
end_of(const struct reader *r, const char *p)
{
	const char *q;

	if (r->end - p >= 4 && memcmp(p, "<!--", 4) == 0) {
		q = memmem(p + 4, (size_t)(r->end - p - 4), "-->", 3);
		return q == NULL ? NULL : q + 3;
	}
	/* A document type may define entities: none of them is wanted. */
	if (r->end - p >= 2 && p[1] == '!')
		return NULL;
	q = memchr(p, '>', (size_t)(r->end - p));
	return q == NULL ? NULL : q + 1;
}

/* The tag from p, which is "<", to q, behind its ">". 0, or -1: broken. */
static int
tag(struct reader *r, const char *p, const char *q, const char **text)
{
	char name[WORD_MAX] = { 0 };
	int ends = p[1] == '/';
	const char *n = p + 1 + ends;
	size_t len = 0;

	while (n + len < q - 1 && !is_space(n[len]) && n[len] != '/')
		len++;
	if (len == 0 || ++r->elements > ELEMENTS_MAX)
		return -1;
	memcpy(name, n, len < sizeof(name) ? len : sizeof(name) - 1);
	if (ends) {
		finish(r, name, *text, p);
		*text = NULL;
		return r->depth-- == 0 ? -1 : 0;
	}
	(void)str_copy(r->name, sizeof(r->name), name);
	if (q[-2] == '/')
		return 0;
	begin(r, n + len, q - 1);
	*text = q;
	return ++r->depth > DEPTH_MAX ? -1 : 0;
}

int
find_autoconfig(const char *p, size_t len, struct find_servers *l)
{
	struct reader r = { .p = p, .end = p + len, .l = l };
	const char *q, *text = NULL;

	l->n = 0;
	if (len > AUTOCONFIG_MAX)
		return -1;
	while ((p = memchr(r.p, '<', (size_t)(r.end - r.p))) != NULL) {
		if ((q = end_of(&r, p)) == NULL)
			return -1;
		if (p[1] != '!' && p[1] != '?' && tag(&r, p, q, &text) == -1)
			return -1;
		r.p = q;
	}
	return r.provider ? 0 : -1;
}
