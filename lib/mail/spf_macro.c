/*
 * macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) /
 *                "%%" / "%_" / "%-"
 * transformers = *DIGIT [ "r" ]
 * delimiter    = "." / "-" / "+" / "," / "/" / "_" / "="
 */
#include <arpa/inet.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/spf_record.h"

enum {
	VALUE_MAX = 1024,	/* octets that a letter stands for */
	PARTS_MAX = 128,	/* of a value; "r" and numbers see no more */
	KEEP_MAX = 128,
};

static const char letters[] = "slodiphv", exp_letters[] = "crt";
static const char delimiters[] = ".-+,/_=";

struct macro {
	char	 letter;	/* as written: upper case is escaped */
	unsigned keep;		/* parts at the right; 0: all */
	int	 reverse;
	char	 delimiters[sizeof(delimiters)];
};

/*
 * Reads what begins with "%{". Returns its length, or 0: it is no macro.
 */
static size_t
macro_read(const char *p, size_t len, int exp, struct macro *m)
{
	size_t i = 3, n;
	uint64_t keep;
	char low;

	memset(m, 0, sizeof(*m));
	if (len < 4)
		return 0;
	m->letter = p[2];
	low = (char)str_lower((unsigned char)m->letter);
	if (low == '\0' || (strchr(letters, low) == NULL &&
	    (!exp || strchr(exp_letters, low) == NULL)))
		return 0;
	while (i < len && p[i] >= '0' && p[i] <= '9')
		i++;
	if (i > 3) {
		n = i - 3;
		if (str_number(p + 3, n, UINT32_MAX, &keep) == -1)
			keep = KEEP_MAX;
		if (keep == 0)
			return 0;
		m->keep = keep < KEEP_MAX ? (unsigned)keep : KEEP_MAX;
	}
	if (i < len && (p[i] == 'r' || p[i] == 'R')) {
		m->reverse = 1;
		i++;
	}
	for (; i < len && p[i] != '\0' && strchr(delimiters, p[i]) != NULL;
	    i++)
		if (strchr(m->delimiters, p[i]) == NULL)
			m->delimiters[strlen(m->delimiters)] = p[i];
	if (m->delimiters[0] == '\0')
		m->delimiters[0] = '.';
	return i < len && p[i] == '}' ? i + 1 : 0;
}

static void
put_ip(const struct spf_macros *m, char *out)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned i;

	if (!m->v6) {
		(void)inet_ntop(AF_INET, m->ip, out, VALUE_MAX);
		return;
	}
	for (i = 0; i < 16; i++) {
		*out++ = hex[m->ip[i] >> 4];
		*out++ = '.';
		*out++ = hex[m->ip[i] & 15];
		*out++ = '.';
	}
	out[-1] = '\0';
}

/* The value of the letter; at most VALUE_MAX. */
static const char *
macro_value(const struct spf_macros *m, int letter, char *text)
{
	switch (letter) {
	case 's':
		return m->sender;
	case 'l':
		return m->local;
	case 'o':
		return m->sender_domain;
	case 'd':
		return m->domain;
	case 'h':
		return m->helo;
	case 'p':
		return m->validated(m->arg);
	case 'v':
		return m->v6 ? "ip6" : "in-addr";
	case 'r':
		return m->receiver != NULL ? m->receiver : "unknown";
	case 'i':
		put_ip(m, text);
		return text;
	case 'c':
		(void)inet_ntop(m->v6 ? AF_INET6 : AF_INET, m->ip, text,
		    VALUE_MAX);
		return text;
	default:
		snprintf(text, VALUE_MAX, "%" PRId64, m->now);
		return text;
	}
}

/* Upper case: all but "unreserved" of RFC 3986 2.3 is escaped. */
static int
put_value(struct buf *out, const char *p, size_t len, int escape)
{
	size_t i;

	if (!escape)
		return buf_append(out, p, len);
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];
		int plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || (c != '\0' &&
		    strchr("-._~", c) != NULL);

		if ((plain ? buf_putc(out, (char)c) :
		    buf_printf(out, "%%%02X", c)) == -1)
			return -1;
	}
	return 0;
}

/* Splits, turns around, cuts, and joins with dots (7.3). */
static int
put_macro(const struct spf_macros *ms, const struct macro *m, struct buf *out)
{
	struct { const char *p; size_t len; } part[PARTS_MAX];
	int low = str_lower((unsigned char)m->letter);
	int escape = low != m->letter;
	char text[VALUE_MAX];
	const char *p = macro_value(ms, low, text);
	size_t n = 0, i, first;

	for (;;) {
		part[n].p = p;
		part[n].len = n + 1 < PARTS_MAX ? strcspn(p, m->delimiters) :
		    strlen(p);
		p += part[n++].len;
		if (*p++ == '\0')
			break;
	}
	first = m->keep > 0 && m->keep < n ? n - m->keep : 0;
	for (i = first; i < n; i++) {
		size_t k = m->reverse ? n - 1 - i : i;

		if ((i > first && buf_putc(out, '.') == -1) ||
		    put_value(out, part[k].p, part[k].len, escape) == -1)
			return -1;
	}
	return 0;
}

/* The octets that are no macro: macro-literal, and of exp= the blank. */
static int
is_literal(unsigned char c, int exp)
{
	return (c >= 0x21 && c <= 0x7e && c != '%') || (exp && c == ' ');
}

/* With m NULL the syntax alone is looked at. */
static int
walk(const struct spf_macros *m, const char *p, size_t len, int exp,
    struct buf *out)
{
	struct macro one;
	size_t i, n;
	int r = 0;

	for (i = 0; i < len && r == 0; i += n) {
		n = 1;
		if (is_literal((unsigned char)p[i], exp)) {
			if (m != NULL)
				r = buf_putc(out, p[i]);
			continue;
		}
		if (p[i] != '%' || i + 1 == len)
			return -1;
		n = 2;
		if (p[i + 1] == '{') {
			if ((n = macro_read(p + i, len - i, exp, &one)) == 0)
				return -1;
			if (m != NULL)
				r = put_macro(m, &one, out);
		} else if (p[i + 1] == '%' || p[i + 1] == '_' ||
		    p[i + 1] == '-') {
			if (m != NULL)
				r = buf_puts(out, p[i + 1] == '%' ? "%" :
				    p[i + 1] == '_' ? " " : "%20");
		} else
			return -1;
	}
	return r;
}

int
spf_macro_check(const char *p, size_t len, int exp)
{
	return walk(NULL, p, len, exp, NULL);
}

int
spf_macro_expand(const struct spf_macros *m, const char *p, size_t len,
    int exp, struct buf *out)
{
	return walk(m, p, len, exp, out);
}
