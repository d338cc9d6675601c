#include "config.h"

#include <string.h>

#include "ctl/find_preset.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/address.h"

enum { WORDS_MAX = 7, POLL_MAX = 24 * 3600 };

void
preset_clear(struct preset *x)
{
	buf_clear(&x->domains);
	buf_clear(&x->mx);
}

/* The words of a line, each ended by NUL; how many, or -1: too many. */
static int
split(char *line, char *words[WORDS_MAX])
{
	int n = 0;

	for (;;) {
		line += strspn(line, " \t");
		if (*line == '\0')
			return n;
		if (n == WORDS_MAX)
			return -1;
		words[n++] = line;
		line += strcspn(line, " \t");
		if (*line != '\0')
			*line++ = '\0';
	}
}

/* Names of hosts, until the end of the line. 0, or -1 with why. */
static int
add_names(struct buf *out, const char *p, struct buf *why)
{
	char name[DOMAIN_MAX + 1];
	size_t n;

	for (;; p += n) {
		p += strspn(p, " \t");
		if ((n = strcspn(p, " \t")) == 0)
			return 0;
		if (address_domain_parse(p, n, name, NULL) != ADDRESS_OK ||
		    buf_printf(out, "%s ", name) == -1) {
			buf_set(why, _("\"%.*s\" is no name of a host"),
			    (int)(n > 80 ? 80 : n), p);
			return -1;
		}
	}
}

static int
auth_of(const char *p, unsigned *auth)
{
	static const struct { const char *name; unsigned auth; } rows[] = {
		{ "password", FIND_AUTH_PASSWORD },
		{ "encrypted", FIND_AUTH_ENCRYPTED },
		{ "oauth2", FIND_AUTH_OAUTH2 },
		{ "other", FIND_AUTH_OTHER },
	};
	size_t n, i;

	*auth = 0;
	if (strcmp(p, "-") == 0)
		return 0;
	for (;; p += n + 1) {
		n = strcspn(p, ",");
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (str_is(p, n, rows[i].name))
				break;
		if (i == sizeof(rows) / sizeof(rows[0]))
			return -1;
		*auth |= rows[i].auth;
		if (p[n] == '\0')
			return 0;
	}
}

/* "%SERVER%.REST"; REST is the name of a host. 0, or -1. */
static int
read_own(const char *word, char host[DOMAIN_MAX + 1])
{
	size_t own = sizeof(FIND_OWN) - 1;
	char name[DOMAIN_MAX + 1];

	if (word[own] != '.' || address_domain_parse(word + own + 1,
	    strlen(word + own + 1), name, NULL) != ADDRESS_OK)
		return -1;
	return str_copy(host, DOMAIN_MAX + 1, word);
}

/* A name of a host, which may end in the domain of the address, or begin with
   what is the customer's own. 0, or -1. */
static int
read_host(const char *word, char host[DOMAIN_MAX + 1])
{
	size_t len = strlen(word), end = sizeof(PRESET_DOMAIN) - 1;
	char name[DOMAIN_MAX + 1];

	if (strncmp(word, FIND_OWN, sizeof(FIND_OWN) - 1) == 0)
		return read_own(word, host);
	if (len < end || strcmp(word + len - end, PRESET_DOMAIN) != 0)
		return address_domain_parse(word, len, host, NULL) ==
		    ADDRESS_OK ? 0 : -1;
	if (len > end && (word[len - end - 1] != '.' ||
	    address_domain_parse(word, len - end - 1, name, NULL) !=
	    ADDRESS_OK))
		return -1;
	return str_copy(host, DOMAIN_MAX + 1, word);
}

/* A port and how TLS is there, or neither. 0, or -1. */
static int
read_port(const char *word, const char *mode, struct find_server *s)
{
	static const char *const modes[] = { "tls", "starttls", "plain" };
	uint64_t port;
	unsigned i;

	if (strcmp(word, "-") == 0 && strcmp(mode, "-") == 0)
		return 0;
	for (i = 0; i < 3 && strcmp(modes[i], mode) != 0; i++)
		;
	if (i == 3 || str_number(word, strlen(word), 65535, &port) == -1 ||
	    port == 0)
		return -1;
	s->port = (unsigned)port;
	s->tls = (enum find_tls)i;
	return 0;
}

/* PROTOCOL HOST PORT TLS LOGIN AUTH POLL. 0, or -1: not so. */
static int
read_server(char *const w[WORDS_MAX], struct find_server *s)
{
	static const char *const protocols[] = { "smtp", "imap", "pop3" };
	uint64_t poll = 0;
	unsigned i;

	memset(s, 0, sizeof(*s));
	s->source = FIND_PRESET;
	for (i = 0; i < 3 && strcmp(protocols[i], w[0]) != 0; i++)
		;
	s->protocol = (enum find_protocol)i;
	if (i == 3 || read_host(w[1], s->host) == -1 || read_port(w[2], w[3],
	    s) == -1 || auth_of(w[5], &s->auth) == -1 ||
	    (strcmp(w[6], "-") != 0 && (str_number(w[6], strlen(w[6]),
	    POLL_MAX, &poll) == -1 || poll == 0)))
		return -1;
	s->poll = (unsigned)poll;
	return str_copy(s->login, sizeof(s->login), strcmp(w[4], "-") == 0 ?
	    "" : w[4]);
}

static int
add_server(struct find_servers *l, char *line, struct buf *why)
{
	char *w[WORDS_MAX];

	if (split(line, w) == WORDS_MAX && l->n < FIND_SERVERS_MAX &&
	    read_server(w, &l->s[l->n]) == 0) {
		l->n++;
		return 0;
	}
	buf_set(why, "%s", _("a server is \"smtp HOST PORT tls|starttls|plain "
	    "LOGIN AUTH POLL\" (imap, pop3)"));
	return -1;
}

/* "provider ID NAME ..." */
static int
begin(struct preset *x, char *rest, struct buf *why)
{
	size_t n = strcspn(rest, " \t");
	const char *name = rest + n + strspn(rest + n, " \t");

	memset(&x->p, 0, sizeof(x->p));
	buf_reset(&x->domains);
	buf_reset(&x->mx);
	if (n > 0 && *name != '\0' && address_domain_parse(rest, n, x->p.id,
	    NULL) == ADDRESS_OK && str_copy(x->p.name, sizeof(x->p.name),
	    name) == 0)
		return 0;
	buf_set(why, "%s", _("a provider is \"provider DOMAIN NAME\""));
	return -1;
}

/* Of several lines as many as fit. */
static void
add_source(char source[FIND_TEXT_MAX], const char *rest)
{
	struct buf all = BUF_INIT(FIND_TEXT_MAX - 1);

	if (buf_printf(&all, "%s%s%s", source, source[0] != '\0' ? "; " : "",
	    rest) == 0)
		(void)str_copy(source, FIND_TEXT_MAX, buf_str(&all));
	buf_clear(&all);
}

/* 0, or -1 with why. rest: behind the word. */
static int
take_line(struct preset *x, char *line, struct buf *why)
{
	size_t n = strcspn(line, " \t");
	char *rest = line + n + strspn(line + n, " \t");

	if (str_is(line, n, "provider"))
		return begin(x, rest, why);
	if (x->p.id[0] == '\0') {
		buf_set(why, "%s", _("the first line of a provider is "
		    "\"provider DOMAIN NAME\""));
		return -1;
	}
	if (str_is(line, n, "source")) {
		add_source(x->p.source, rest);
		return 0;
	}
	if (str_is(line, n, "example")) {
		if (address_domain_parse(rest, strlen(rest), x->p.example,
		    NULL) == ADDRESS_OK)
			return 0;
		buf_set(why, _("\"%.*s\" is no name of a host"), 80, rest);
		return -1;
	}
	if (str_is(line, n, "domains"))
		return add_names(&x->domains, rest, why);
	if (str_is(line, n, "mx"))
		return add_names(&x->mx, rest, why);
	return add_server(&x->p.servers, line, why);
}

int
preset_next(const char **p, unsigned *number, struct preset *x,
    struct buf *why)
{
	struct buf fault = BUF_INIT(300);
	char copy[PRESET_LINE_MAX + 1];
	const char *line, *start;
	int has = 0, r = 0;
	size_t len;

	x->p.id[0] = '\0';
	for (start = *p; r == 0 && (line = str_line(p, &len)) != NULL;
	    start = *p) {
		/* The next one's first line is read again. */
		if (has && len > 9 && memcmp(line, "provider ", 9) == 0) {
			*p = start;
			break;
		}
		++*number;
		if (len == 0 || line[0] == '#')
			continue;
		if (len > PRESET_LINE_MAX) {
			buf_set(&fault, _("a line has at most %d octets"),
			    PRESET_LINE_MAX);
			r = -1;
		} else {
			memcpy(copy, line, len);
			copy[len] = '\0';
			r = take_line(x, copy, &fault);
		}
		has = 1;
	}
	if (r == -1)
		buf_set(why, "%u: %s", *number, buf_str(&fault));
	buf_clear(&fault);
	return r == -1 ? -1 : has;
}

/* Each name is behind the start or a blank, and before a blank. */
static int
has_name(const struct buf *l, const char *name, int below)
{
	size_t len = strlen(name), n;
	const char *p;

	for (p = buf_str(l); *p != '\0'; p += n + 1) {
		n = strcspn(p, " ");
		if (n == len && strncasecmp(p, name, n) == 0)
			return 1;
		if (below && n < len && name[len - n - 1] == '.' &&
		    strncasecmp(p, name + len - n, n) == 0)
			return 1;
		if (p[n] == '\0')
			break;
	}
	return 0;
}

int
preset_has_domain(const struct preset *x, const char *domain)
{
	return has_name(&x->domains, domain, 0);
}

int
preset_has_mx(const struct preset *x, const char *host)
{
	return has_name(&x->mx, host, 1) || has_name(&x->domains, host, 1);
}

/*
 * A customer's own server takes his mail, too: mx is one. What it does not fit
 * goes then.
 */
static void
fill_own(struct find_servers *l, const char *mx)
{
	struct find_server *s;
	size_t i, n = 0;
	int known = 0;

	for (i = 0; i < l->n; i++)
		known |= find_server_is_own(&l->s[i]) &&
		    find_server_fits(&l->s[i], mx);
	for (i = 0; known && i < l->n; i++) {
		s = &l->s[i];
		if (!find_server_is_own(s))
			l->s[n++] = *s;
		else if (find_server_fits(s, mx) && str_copy(s->host,
		    sizeof(s->host), mx) == 0)
			l->s[n++] = *s;
	}
	if (known)
		l->n = n;
}

void
preset_fill(struct preset *x, const char *domain, const char *mx)
{
	size_t i, len, end = sizeof(PRESET_DOMAIN) - 1;
	struct find_server *s;

	for (i = 0; i < x->p.servers.n; i++) {
		s = &x->p.servers.s[i];
		len = strlen(s->host);
		/* What does not fit is no host: it is asked of nobody. */
		if (len >= end && strcmp(s->host + len - end, PRESET_DOMAIN) ==
		    0 && str_copy(s->host + len - end, sizeof(s->host) - len +
		    end, domain) == -1)
			s->host[0] = '\0';
	}
	if (mx != NULL && x->p.example[0] != '\0')
		fill_own(&x->p.servers, mx);
}
