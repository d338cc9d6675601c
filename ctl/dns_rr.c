#include "config.h"

#include <string.h>

#include "ctl/dns_rr.h"
#include "lib/base/str.h"

static char
shown(unsigned char c)
{
	c = (unsigned char)str_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_' ? (char)c : '?';
}

int
dns_rr_name(const unsigned char *p, size_t len, char name[DOMAIN_MAX + 1])
{
	const unsigned char *end = p + len;
	size_t n = 0, label;

	for (;;) {
		if (p == end || *p > LABEL_MAX)
			return -1;
		label = *p++;
		if (label == 0)
			break;
		if ((size_t)(end - p) < label || n + label + 1 > DOMAIN_MAX)
			return -1;
		if (n > 0)
			name[n++] = '.';
		while (label-- > 0)
			name[n++] = shown(*p++);
	}
	name[n] = '\0';
	return p == end ? 0 : -1;
}

static unsigned
number(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

int
dns_rr_mx(const unsigned char *p, size_t len, unsigned *pref_r,
    char name[DOMAIN_MAX + 1])
{
	if (len < 2)
		return -1;
	*pref_r = number(p);
	return dns_rr_name(p + 2, len - 2, name);
}

int
dns_rr_srv(const unsigned char *p, size_t len, struct dns_srv *s)
{
	if (len < 6)
		return -1;
	s->priority = number(p);
	s->weight = number(p + 2);
	s->port = number(p + 4);
	return dns_rr_name(p + 6, len - 6, s->target);
}

int
dns_rr_txt(const unsigned char *p, size_t len, struct buf *out)
{
	const unsigned char *end = p + len;
	size_t n;

	while (p < end) {
		n = *p++;
		if ((size_t)(end - p) < n || buf_append(out, p, n) == -1)
			return -1;
		p += n;
	}
	return 0;
}
