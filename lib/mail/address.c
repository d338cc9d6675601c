#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#include "lib/base/str.h"
#include "lib/mail/address.h"
#include "lib/net/addr.h"

const char *
address_words(enum address_result r)
{
	static const char *const words[] = {
		[ADDRESS_OK] = "fine",
		[ADDRESS_SYNTAX] = "bad address syntax",
		[ADDRESS_LONG] = "address too long",
		[ADDRESS_DOMAIN] = "bad domain name",
		[ADDRESS_UTF8] = "the local part needs SMTPUTF8",
	};

	return words[r];
}

/* RFC 5322 3.2.3 */
static int
is_atext(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Dot-string = Atom *("." Atom) */
static int
is_dot_string(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] == '.' ? i == 0 || i + 1 == len || p[i + 1] == '.' :
		    !is_atext((unsigned char)p[i]))
			return 0;
	return len > 0;
}

static int
has_8bit(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)p[i] > 0x7f)
			return 1;
	return 0;
}

/*
 * Quoted-string = DQUOTE *QcontentSMTP DQUOTE; QcontentSMTP = qtextSMTP /
 * quoted-pairSMTP. p is behind the first quote. Writes the text without
 * quotes; *used_r is up to and with the closing quote.
 */
static enum address_result
unquote(const char *p, size_t len, char out[LOCAL_PART_MAX], size_t *n_r,
    size_t *used_r)
{
	size_t i, n = 0;

	*n_r = *used_r = 0;
	for (i = 0; i < len && p[i] != '"'; i++) {
		if (p[i] == '\\' && ++i == len)
			return ADDRESS_SYNTAX;
		if ((unsigned char)p[i] > 0x7f)
			return ADDRESS_UTF8;
		if (p[i] < 32 || p[i] > 126)
			return ADDRESS_SYNTAX;
		if (n == LOCAL_PART_MAX)
			return ADDRESS_LONG;
		out[n++] = p[i];
	}
	if (i == len)
		return ADDRESS_SYNTAX;
	*n_r = n;
	*used_r = i + 1;
	return ADDRESS_OK;
}

/* Writes a local part in its one spelling: quoted where it must be. */
static enum address_result
put_local(struct address *a, const char *p, size_t len)
{
	size_t i, n = 0;

	if (is_dot_string(p, len)) {
		memcpy(a->text, p, len);
		a->len = len;
		return len > LOCAL_PART_MAX ? ADDRESS_LONG : ADDRESS_OK;
	}
	a->text[n++] = '"';
	for (i = 0; i < len && n < LOCAL_PART_MAX + 1; i++) {
		if (p[i] == '"' || p[i] == '\\')
			a->text[n++] = '\\';
		a->text[n++] = p[i];
	}
	a->text[n++] = '"';
	a->len = n;
	return n > LOCAL_PART_MAX ? ADDRESS_LONG : ADDRESS_OK;
}

/* Reads a local part; *used_r octets of it. */
static enum address_result
take_local(struct address *a, const char *p, size_t len, size_t *used_r)
{
	char raw[LOCAL_PART_MAX];
	enum address_result r;
	size_t n = 0;

	if (len > 0 && *p == '"') {
		r = unquote(p + 1, len - 1, raw, &n, used_r);
		*used_r += 1;
		return r != ADDRESS_OK ? r : put_local(a, raw, n);
	}
	for (n = 0; n < len && (is_atext((unsigned char)p[n]) ||
	    p[n] == '.' || (unsigned char)p[n] > 0x7f);)
		n++;
	*used_r = n;
	if (has_8bit(p, n))
		return ADDRESS_UTF8;
	if (n == 0)
		return ADDRESS_SYNTAX;
	return n > LOCAL_PART_MAX ? ADDRESS_LONG : put_local(a, p, n);
}

/*
 * RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str], separated by dots. An
 * underscore counts as a letter: names of hosts have it, and DNS lets it.
 */
static enum address_result
check_domain(const char *p, size_t len)
{
	char name[DOMAIN_MAX];
	size_t i;

	for (i = 0; i < len; i++)
		name[i] = p[i] == '_' ? 'x' : p[i];
	switch (str_host(name, len)) {
	case STR_HOST_OK:
		return ADDRESS_OK;
	case STR_HOST_LONG:
		return ADDRESS_LONG;
	default:
		return ADDRESS_DOMAIN;
	}
}

enum address_result
address_domain_parse(const char *p, size_t len, char out[DOMAIN_MAX + 1],
    int *was_utf8_r)
{
	char given[4 * DOMAIN_MAX + 1], *ascii = NULL;
	int utf8 = has_8bit(p, len), r;

	if (was_utf8_r != NULL)
		*was_utf8_r = utf8;
	if (len > 1 && p[len - 1] == '.')
		len--;
	if (len > (utf8 ? sizeof(given) - 1 : DOMAIN_MAX))
		return ADDRESS_LONG;
	if (!utf8) {
		memcpy(out, p, len);
		out[len] = '\0';
		str_tolower(out, len);
		return check_domain(out, len);
	}
	if (memchr(p, '\0', len) != NULL)
		return ADDRESS_DOMAIN;
	memcpy(given, p, len);
	given[len] = '\0';
	r = idn2_to_ascii_8z(given, &ascii, IDN2_NONTRANSITIONAL |
	    IDN2_NFC_INPUT);
	if (r != IDN2_OK)
		return r == IDN2_TOO_BIG_DOMAIN || r == IDN2_TOO_BIG_LABEL ?
		    ADDRESS_LONG : ADDRESS_DOMAIN;
	len = strlen(ascii);
	r = len > DOMAIN_MAX ? ADDRESS_LONG : ADDRESS_OK;
	if (r == ADDRESS_OK) {
		memcpy(out, ascii, len + 1);
		str_tolower(out, len);
		r = (int)check_domain(out, len);
	}
	idn2_free(ascii);
	return (enum address_result)r;
}

/*
 * RFC 5321 4.1.3: "[192.0.2.1]" or "[IPv6:...]"; a general literal has no
 * meaning to us and is refused.
 */
static enum address_result
put_literal(struct address *a, const char *p, size_t len)
{
	int v6 = len > 5 && str_ncasecmp(p, "IPv6:", 5) == 0;
	const char *ip = v6 ? p + 5 : p;
	size_t n = v6 ? len - 5 : len, i;

	if (!addr_is_ip(ip, n, v6))
		return ADDRESS_DOMAIN;
	a->text[a->len++] = '[';
	if (v6) {
		memcpy(a->text + a->len, "IPv6:", 5);
		a->len += 5;
	}
	for (i = 0; i < n; i++)
		a->text[a->len++] = (char)str_lower((unsigned char)ip[i]);
	a->text[a->len++] = ']';
	a->literal = 1;
	return ADDRESS_OK;
}

/* Reads what is behind the "@" into the address. */
static enum address_result
put_domain(struct address *a, const char *p, size_t len)
{
	char domain[DOMAIN_MAX + 1];
	enum address_result r;

	a->at = a->len;
	a->text[a->len++] = '@';
	if (len >= 2 && p[0] == '[' && p[len - 1] == ']')
		r = put_literal(a, p + 1, len - 2);
	else if ((r = address_domain_parse(p, len, domain, &a->was_utf8)) ==
	    ADDRESS_OK) {
		len = strlen(domain);
		if (a->len + len > ADDRESS_MAX)
			r = ADDRESS_LONG;
		else {
			memcpy(a->text + a->len, domain, len);
			a->len += len;
		}
	}
	a->text[a->len] = '\0';
	return r;
}

static void
address_init(struct address *a)
{
	a->text[0] = '\0';
	a->len = a->at = 0;
	a->literal = a->was_utf8 = 0;
}

enum address_result
address_parse(struct address *a, const char *p, size_t len)
{
	enum address_result r;
	size_t n;

	address_init(a);
	if ((r = take_local(a, p, len, &n)) != ADDRESS_OK)
		return r;
	if (n == len || p[n] != '@')
		return ADDRESS_SYNTAX;
	return put_domain(a, p + n + 1, len - n - 1);
}

/* A-d-l ":" in front of the mailbox: each "@domain" is looked at, none kept. */
static enum address_result
skip_route(const char *p, size_t len, size_t *used_r)
{
	char domain[DOMAIN_MAX + 1];
	enum address_result r;
	size_t i, n;

	*used_r = 0;
	if (len == 0 || *p != '@')
		return ADDRESS_OK;
	for (i = 0; i < len && p[i] == '@'; i += n + 1) {
		for (i++, n = 0; i + n < len && p[i + n] != ',' &&
		    p[i + n] != ':' && p[i + n] != '>';)
			n++;
		r = address_domain_parse(p + i, n, domain, NULL);
		if (r != ADDRESS_OK)
			return r;
		if (i + n == len || p[i + n] == '>')
			return ADDRESS_SYNTAX;
		if (p[i + n] == ':') {
			*used_r = i + n + 1;
			return ADDRESS_OK;
		}
	}
	return ADDRESS_SYNTAX;
}

/*
 * Where a path without brackets ends (a blank) or one with them (">"), quoted
 * strings skipped; len if nowhere.
 */
static size_t
path_end(const char *p, size_t len, int bare)
{
	int quoted = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] == '\\' && quoted)
			i++;
		else if (p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (bare ? p[i] == ' ' || p[i] == '\t' :
		    p[i] == '>'))
			return i;
	}
	return len;
}

/* The path without brackets and blanks around it. */
static enum address_result
read_path(struct address *a, const char *p, size_t len)
{
	enum address_result r;
	size_t n;

	if (str_is(p, len, "postmaster")) {
		memcpy(a->text, "postmaster", sizeof("postmaster"));
		a->len = a->at = sizeof("postmaster") - 1;
		return ADDRESS_OK;
	}
	if ((r = skip_route(p, len, &n)) != ADDRESS_OK)
		return r;
	return address_parse(a, p + n, len - n);
}

enum address_result
address_path(struct address *a, const char *p, size_t len, size_t *used_r)
{
	int bare = len > 0 && *p != '<';
	size_t end = path_end(p, len, bare);

	address_init(a);
	*used_r = 0;
	if (len == 0 || (!bare && end == len))
		return ADDRESS_SYNTAX;
	*used_r = bare ? end : end + 1;
	if (bare)
		return read_path(a, p, end);
	if (end == 1)
		return ADDRESS_OK;
	for (p++, end--; end > 0 && *p == ' '; end--)
		p++;
	while (end > 0 && p[end - 1] == ' ')
		end--;
	return read_path(a, p, end);
}
