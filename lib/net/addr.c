#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/net/addr.h"

/* Copies an IP address's text, NUL-terminated, if it can be one. */
static int
ip_text(char out[INET6_ADDRSTRLEN], const char *p, size_t len)
{
	if (len == 0 || len >= INET6_ADDRSTRLEN || memchr(p, '\0', len))
		return -1;
	memcpy(out, p, len);
	out[len] = '\0';
	return 0;
}

int
addr_is_ip(const char *p, size_t len, int v6)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char ip[16];

	return ip_text(text, p, len) == 0 &&
	    inet_pton(v6 ? AF_INET6 : AF_INET, text, ip) == 1;
}

static void
addr_set(struct addr *a, int v6, const char *ip, unsigned port)
{
	struct sockaddr_in6 *s6 = (void *)&a->ss;
	struct sockaddr_in *s4 = (void *)&a->ss;

	memset(a, 0, sizeof(*a));
	if (v6) {
		s6->sin6_family = AF_INET6;
		s6->sin6_port = htons((uint16_t)port);
		inet_pton(AF_INET6, ip, &s6->sin6_addr);
		a->len = sizeof(*s6);
	} else {
		s4->sin_family = AF_INET;
		s4->sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, ip, &s4->sin_addr);
		a->len = sizeof(*s4);
	}
}

/*
 * Splits "host:port", "[host]:port", "host". A bare IPv6 address without
 * brackets has no port. host_r..host_len_r is the part without brackets.
 */
static int
addr_split(const char *p, size_t len, const char **host_r, size_t *host_len_r,
    unsigned *port)
{
	const char *end = p + len, *colon, *close;
	uint64_t n = 0;

	*host_r = p;
	*host_len_r = len;
	colon = memrchr(p, ':', len);
	if (len > 0 && *p == '[') {
		if ((close = memchr(p, ']', len)) == NULL)
			return -1;
		*host_r = p + 1;
		*host_len_r = (size_t)(close - p) - 1;
		if (close + 1 == end)
			colon = NULL;
		else if (close[1] == ':')
			colon = close + 1;
		else
			return -1;
	} else if (colon != NULL && memchr(p, ':', len) != colon) {
		colon = NULL;
	} else if (colon != NULL) {
		*host_len_r = (size_t)(colon - p);
	}
	if (colon == NULL)
		return *port == 0 ? -1 : 0;
	if (str_number(colon + 1, (size_t)(end - colon) - 1, 65535, &n) == -1)
		return -1;
	*port = (unsigned)n;
	return 0;
}

int
addr_of_ip(struct addr *a, const char *p, size_t len, unsigned port)
{
	char text[INET6_ADDRSTRLEN];
	int v6;

	if (ip_text(text, p, len) == -1)
		return -1;
	for (v6 = 0; v6 < 2; v6++)
		if (addr_is_ip(p, len, v6)) {
			addr_set(a, v6, text, port);
			return 0;
		}
	return -1;
}

int
addr_parse(struct addr *a, const char *p, size_t len, unsigned port,
    struct buf *why)
{
	const char *host;
	size_t n;

	if (addr_split(p, len, &host, &n, &port) == 0 &&
	    addr_of_ip(a, host, n, port) == 0)
		return 0;
	buf_set(why, _("\"%.*s\" is no address like 192.0.2.1:25 or "
	    "[2001:db8::1]:25"), (int)(len > 80 ? 80 : len), p);
	return -1;
}

/* One word of a list: one address, or two for "*". Returns how many, or -1. */
static int
addr_word(struct addr a[2], const char *p, size_t len, unsigned port,
    struct buf *why)
{
	const char *host;
	size_t n;

	if (len == 0 || *p != '*')
		return addr_parse(&a[0], p, len, port, why) == -1 ? -1 : 1;
	if (addr_split(p, len, &host, &n, &port) == -1 || n != 1) {
		buf_set(why, _("\"%.*s\" is no address like *:25"),
		    (int)(len > 80 ? 80 : len), p);
		return -1;
	}
	addr_set(&a[0], 1, "::", port);
	addr_set(&a[1], 0, "0.0.0.0", port);
	return 2;
}

int
addr_parse_list(const char *text, unsigned port, struct addr **list_r,
    size_t *n_r, struct buf *why)
{
	static const char blanks[] = " \t,";
	struct addr *list = NULL, two[2];
	size_t len, n = 0;
	int got;

	for (text += strspn(text, blanks); *text != '\0';
	    text += strspn(text, blanks)) {
		len = strcspn(text, blanks);
		if ((got = addr_word(two, text, len, port, why)) == -1)
			goto bad;
		if (n + (size_t)got > ADDR_LIST_MAX) {
			buf_set(why, _("more than %d addresses"),
			    ADDR_LIST_MAX);
			goto bad;
		}
		list = mem_realloc(list, n + (size_t)got, sizeof(*list));
		memcpy(list + n, two, (size_t)got * sizeof(*list));
		n += (size_t)got;
		text += len;
	}
	*list_r = list;
	*n_r = n;
	return 0;
bad:
	free(list);
	return -1;
}

/* Finds family and the raw address; mapped IPv4 counts as IPv4. */
static const void *
addr_raw(const struct sockaddr *sa, int *family_r)
{
	const struct sockaddr_in6 *s6 = (const void *)sa;
	const struct sockaddr_in *s4 = (const void *)sa;

	*family_r = sa->sa_family;
	if (sa->sa_family == AF_INET)
		return &s4->sin_addr;
	if (sa->sa_family != AF_INET6)
		return NULL;
	if (!IN6_IS_ADDR_V4MAPPED(&s6->sin6_addr))
		return &s6->sin6_addr;
	*family_r = AF_INET;
	return s6->sin6_addr.s6_addr + 12;
}

void
addr_print_ip(const struct sockaddr *sa, char *out, size_t size)
{
	const void *raw;
	int family;

	raw = addr_raw(sa, &family);
	if (raw == NULL ||
	    inet_ntop(family, raw, out, (socklen_t)size) == NULL)
		str_copy(out, size, "local");
}

void
addr_print(const struct sockaddr *sa, char *out, size_t size)
{
	char ip[INET6_ADDRSTRLEN];
	int family;

	if (addr_raw(sa, &family) == NULL) {
		str_copy(out, size, "local");
		return;
	}
	addr_print_ip(sa, ip, sizeof(ip));
	snprintf(out, size, family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip,
	    addr_port(sa));
}

/* The prefixes 0:0:0:1::/64 and 0:1::/32, taken here, belong to nobody. */
uint64_t
addr_origin(const struct sockaddr *sa)
{
	const unsigned char *raw;
	uint64_t n = 0;
	int i, family;

	if ((raw = addr_raw(sa, &family)) == NULL)
		return 0;
	for (i = 0; i < (family == AF_INET ? 4 : 8); i++)
		n = n << 8 | raw[i];
	if (family == AF_INET)
		return (uint64_t)1 << 32 | n;
	return n != 0 ? n : 1;
}

unsigned
addr_port(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *s6 = (const void *)sa;
	const struct sockaddr_in *s4 = (const void *)sa;

	if (sa->sa_family == AF_INET)
		return ntohs(s4->sin_port);
	return sa->sa_family == AF_INET6 ? ntohs(s6->sin6_port) : 0;
}

int
addr_is_any(const struct sockaddr *sa)
{
	static const unsigned char any[16];
	const unsigned char *raw;
	int family;

	raw = addr_raw(sa, &family);
	return raw != NULL &&
	    memcmp(raw, any, family == AF_INET ? 4 : 16) == 0;
}

int
addr_is_local(const struct sockaddr *sa)
{
	static const unsigned char loop6[16] = { [15] = 1 }, any6[16];
	const unsigned char *raw;
	int family;

	raw = addr_raw(sa, &family);
	if (raw == NULL)
		return 0;
	if (family == AF_INET)
		return raw[0] == 127 || raw[0] == 0;
	return memcmp(raw, loop6, 16) == 0 || memcmp(raw, any6, 16) == 0;
}
