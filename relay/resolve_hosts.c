#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "relay/resolve_hosts.h"

void
hosts_clear(struct hosts *h)
{
	unsigned i;

	for (i = 0; i < h->n; i++)
		free(h->host[i].name);
	memset(h, 0, sizeof(*h));
}

static int
name_octet(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Appends one label to name; returns 0, or -1 where an octet is odd. */
static int
name_label(char *name, size_t *at, const unsigned char *p, size_t len,
    int *digits_r)
{
	size_t i;

	if (*at + len + 1 > DOMAIN_MAX)
		return -1;
	if (*at > 0)
		name[(*at)++] = '.';
	*digits_r = 1;
	for (i = 0; i < len; i++) {
		if (!name_octet(p[i]))
			return -1;
		if (p[i] < '0' || p[i] > '9')
			*digits_r = 0;
		name[(*at)++] = (char)str_lower(p[i]);
	}
	return 0;
}

int
hosts_name(const unsigned char *p, size_t len, char *name, size_t *used_r)
{
	size_t i = 0, at = 0, n;
	int digits = 0;

	for (;;) {
		if (i >= len || p[i] > LABEL_MAX)
			return -1;
		n = p[i++];
		if (n == 0)
			break;
		if (n > len - i || name_label(name, &at, p + i, n, &digits))
			return -1;
		i += n;
	}
	name[at] = '\0';
	*used_r = i;
	if (at == 0)
		return 1;
	return digits ? -1 : 0;
}

int
hosts_text(const char *text, char *name)
{
	unsigned char wire[DOMAIN_MAX + 2];
	const char *dot;
	size_t len, used, at = 0;

	if (strlen(text) >= DOMAIN_MAX)
		return -1;
	for (;;) {
		dot = strchrnul(text, '.');
		len = (size_t)(dot - text);
		if (len == 0 || len > LABEL_MAX || text[0] == '-' ||
		    text[len - 1] == '-')
			return -1;
		wire[at++] = (unsigned char)len;
		memcpy(wire + at, text, len);
		at += len;
		if (dot[0] == '\0' || dot[1] == '\0')
			break;
		text = dot + 1;
	}
	wire[at++] = 0;
	return hosts_name(wire, at, name, &used) == 0 ? 0 : -1;
}

void
hosts_add(struct hosts *h, uint32_t pref, const char *name)
{
	unsigned i;

	for (i = 0; i < h->n; i++)
		if (strcmp(h->host[i].name, name) == 0) {
			if (pref < h->host[i].pref)
				h->host[i].pref = pref;
			return;
		}
	if (h->n == MX_MAX)
		return;
	memset(&h->host[h->n], 0, sizeof(h->host[0]));
	h->host[h->n].pref = pref;
	h->host[h->n++].name = mem_strdup(name);
}

void
hosts_add_mx(struct hosts *h, const unsigned char *rdata, size_t len)
{
	char name[DOMAIN_MAX + 1];
	size_t used;
	int r;

	if (len < 3)
		return;
	r = hosts_name(rdata + 2, len - 2, name, &used);
	if (r == 1)
		h->null_mx = 1;
	if (r == 0 && used == len - 2)
		hosts_add(h, (uint32_t)rdata[0] << 8 | rdata[1], name);
}

static int
by_preference(const void *a, const void *b)
{
	const struct host *x = a, *y = b;

	return x->pref < y->pref ? -1 : x->pref > y->pref;
}

void
hosts_order(struct hosts *h)
{
	struct host tmp;
	unsigned i, j;

	qsort(h->host, h->n, sizeof(h->host[0]), by_preference);
	/* Each run of equals is shuffled in itself. */
	for (i = h->n; i-- > 1;) {
		for (j = i; j > 0 && h->host[j - 1].pref == h->host[i].pref;)
			j--;
		j += arc4random_uniform(i - j + 1);
		tmp = h->host[i];
		h->host[i] = h->host[j];
		h->host[j] = tmp;
	}
}

static void
hosts_shorten(struct hosts *h, unsigned n)
{
	while (h->n > n)
		free(h->host[--h->n].name);
}

void
hosts_cut(struct hosts *h)
{
	hosts_shorten(h, MAIL_HOSTS_MAX);
}

void
hosts_add_address(struct hosts *h, unsigned i, const unsigned char *rdata,
    size_t len)
{
	struct host *t = &h->host[i];
	struct resolve_address *a = &t->addr[t->n];

	if (t->n == MAIL_ADDRESSES_MAX || (len != 4 && len != 16))
		return;
	memset(a, 0, sizeof(*a));
	a->family = len == 4 ? AF_INET : AF_INET6;
	memcpy(a->octets, rdata, len);
	t->n++;
}

static int
host_is_self(const struct host *t, const struct self *self)
{
	unsigned i;
	size_t k;

	if (self->hostname[0] && str_casecmp(t->name, self->hostname) == 0)
		return 1;
	for (i = 0; i < t->n; i++)
		for (k = 0; k < self->n; k++)
			if (t->addr[i].family == self->addr[k].family &&
			    memcmp(t->addr[i].octets, self->addr[k].octets,
			    sizeof(t->addr[i].octets)) == 0)
				return 1;
	return 0;
}

/*
 * RFC 5321 5.1: if the host determines that it is itself in the list, "all MX
 * records at that preference level and higher-numbered ones MUST be
 * discarded".
 */
unsigned
hosts_drop_self(struct hosts *h, const struct self *self)
{
	unsigned i, n = h->n;

	for (i = 0; i < h->n; i++)
		if (host_is_self(&h->host[i], self))
			break;
	if (i == h->n)
		return 0;
	while (i > 0 && h->host[i - 1].pref == h->host[i].pref)
		i--;
	hosts_shorten(h, i);
	return n - i;
}

int
hosts_drop_bare(struct hosts *h)
{
	unsigned i, n = 0;
	int temp = 0;

	for (i = 0; i < h->n; i++) {
		if (h->host[i].n > 0) {
			h->host[n++] = h->host[i];
			continue;
		}
		temp |= h->host[i].temp;
		free(h->host[i].name);
	}
	h->n = n;
	return temp;
}

/* The next address of that family from *at on; NULL at the end. */
static const struct resolve_address *
next_of(const struct host *t, int family, unsigned *at)
{
	for (; *at < t->n; (*at)++)
		if (t->addr[*at].family == family)
			return &t->addr[(*at)++];
	return NULL;
}

static void
pack_address(const struct resolve_address *a, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	if (a == NULL)
		return;
	inet_ntop(a->family, a->octets, text, sizeof(text));
	buf_put_lv(out, text, strlen(text));
}

void
hosts_pack(const struct hosts *h, struct buf *out)
{
	const struct resolve_address *v6, *v4;
	const struct host *t;
	unsigned i, six, four;

	for (i = 0; i < h->n; i++) {
		t = &h->host[i];
		buf_put_u32(out, t->pref);
		buf_put_lv(out, t->name, strlen(t->name));
		buf_put_u32(out, t->n);
		six = four = 0;
		do {
			v6 = next_of(t, AF_INET6, &six);
			v4 = next_of(t, AF_INET, &four);
			pack_address(v6, out);
			pack_address(v4, out);
		} while (v6 != NULL || v4 != NULL);
	}
}
