#include "config.h"

#include <string.h>

#include "ctl/find_pack.h"
#include "lib/mail/address.h"

enum { TEXTS = 6 };

static void
put_text(struct buf *out, const char *s)
{
	buf_put_lv(out, s, strlen(s));
}

/* Cut where it is too long: it is for a person. */
static void
get_text(struct cursor *c, char *out, size_t size)
{
	const char *p;
	size_t len, i;

	out[0] = '\0';
	if ((p = cursor_lv(c, &len, size - 1)) == NULL)
		return;
	for (i = 0; i < len; i++)
		out[i] = (unsigned char)p[i] < ' ' || p[i] == 127 ? '?' :
		    p[i];
	out[len] = '\0';
}

/* A number up to max; a greater one breaks the answer. */
static unsigned
get_number(struct cursor *c, unsigned max)
{
	uint32_t v = cursor_u32(c);

	c->bad |= v > max;
	return c->bad ? 0 : v;
}

/* What goes into the configuration is a name, or there is none. */
static void
get_name(struct cursor *c, char out[DOMAIN_MAX + 1])
{
	char text[DOMAIN_MAX + 1];

	get_text(c, text, sizeof(text));
	out[0] = '\0';
	if (text[0] != '\0' && address_domain_parse(text, strlen(text), out,
	    NULL) != ADDRESS_OK)
		c->bad = 1;
}

static enum find_known
get_known(struct cursor *c)
{
	return (enum find_known)get_number(c, FIND_YES);
}

static const char **
ask_text(struct find_ask *a, int i)
{
	const char **texts[TEXTS] = { &a->resolver, &a->trust_anchor,
		&a->hostname, &a->reach, &a->address, &a->ca_file };

	return texts[i];
}

void
find_pack_question(struct buf *out, enum find_what what,
    const struct find_ask *a, const char *name)
{
	struct find_ask copy = *a;
	int i;

	buf_put_u32(out, what);
	put_text(out, name);
	for (i = 0; i < TEXTS; i++)
		put_text(out, *ask_text(&copy, i) != NULL ?
		    *ask_text(&copy, i) : "");
	buf_put_u32(out, a->smtp_port);
	buf_put_u32(out, a->web_port);
	buf_put_u32(out, a->loopback_ok != 0);
}

int
find_unpack_question(const void *p, size_t len, struct find_question *q)
{
	struct cursor c;
	int i;

	memset(q, 0, sizeof(*q));
	cursor_init(&c, p, len);
	q->what = (enum find_what)get_number(&c, FIND_WHAT_HOST);
	get_text(&c, q->name, sizeof(q->name));
	for (i = 0; i < TEXTS; i++) {
		get_text(&c, q->text[i], sizeof(q->text[i]));
		if (q->text[i][0] != '\0')
			*ask_text(&q->ask, i) = q->text[i];
	}
	q->ask.smtp_port = get_number(&c, 65535);
	q->ask.web_port = get_number(&c, 65535);
	q->ask.loopback_ok = (int)get_number(&c, 1);
	return c.bad || cursor_left(&c) > 0 ? -1 : 0;
}

static void
put_servers(struct buf *out, const struct find_servers *l)
{
	const struct find_server *s;
	size_t i;

	buf_put_u32(out, (uint32_t)l->n);
	for (i = 0; i < l->n; i++) {
		s = &l->s[i];
		buf_put_u32(out, s->source);
		buf_put_u32(out, s->protocol);
		buf_put_u32(out, s->tls);
		put_text(out, s->host);
		buf_put_u32(out, s->port);
		put_text(out, s->login);
		buf_put_u32(out, s->auth);
		buf_put_u32(out, s->poll);
	}
}

static void
get_servers(struct cursor *c, struct find_servers *l)
{
	struct find_server *s;
	size_t i;

	l->n = get_number(c, FIND_SERVERS_MAX);
	for (i = 0; i < l->n; i++) {
		s = &l->s[i];
		s->source = (enum find_source)get_number(c, FIND_AUTOCONFIG);
		s->protocol = (enum find_protocol)get_number(c, FIND_POP3);
		s->tls = (enum find_tls)get_number(c, FIND_PLAIN);
		get_name(c, s->host);
		s->port = get_number(c, 65535);
		get_text(c, s->login, sizeof(s->login));
		s->auth = get_number(c, 2 * FIND_AUTH_OTHER - 1);
		s->poll = get_number(c, 24 * 3600);
	}
}

void
find_pack_domain(struct buf *out, const struct find_domain *d)
{
	size_t i;

	buf_put_u32(out, d->exists);
	buf_put_u32(out, d->mx_known);
	buf_put_u32(out, (uint32_t)d->n_mx);
	for (i = 0; i < d->n_mx; i++)
		put_text(out, d->mx[i]);
	buf_put_u32(out, d->mx_here);
	buf_put_u32(out, d->spf);
	buf_put_u32(out, d->dmarc);
	buf_put_u32(out, d->host);
	buf_put_u32(out, d->host_here);
	buf_put_u32(out, d->ptr);
	put_text(out, d->ptr_name);
	buf_put_u32(out, d->port25);
	put_text(out, d->port25_host);
	put_text(out, d->port25_why);
	put_servers(out, &d->srv);
	buf_put_u32(out, d->srv_none);
	put_servers(out, &d->autoconfig);
}

int
find_unpack_domain(const void *p, size_t len, struct find_domain *d)
{
	struct cursor c;
	size_t i;

	memset(d, 0, sizeof(*d));
	cursor_init(&c, p, len);
	d->exists = get_known(&c);
	d->mx_known = get_known(&c);
	d->n_mx = get_number(&c, FIND_MX_MAX);
	for (i = 0; i < d->n_mx; i++)
		get_text(&c, d->mx[i], sizeof(d->mx[i]));
	d->mx_here = get_known(&c);
	d->spf = get_known(&c);
	d->dmarc = get_known(&c);
	d->host = get_known(&c);
	d->host_here = get_known(&c);
	d->ptr = get_known(&c);
	get_text(&c, d->ptr_name, sizeof(d->ptr_name));
	d->port25 = get_known(&c);
	get_text(&c, d->port25_host, sizeof(d->port25_host));
	get_text(&c, d->port25_why, sizeof(d->port25_why));
	get_servers(&c, &d->srv);
	d->srv_none = get_number(&c, 7);
	get_servers(&c, &d->autoconfig);
	if (!c.bad && cursor_left(&c) == 0)
		return 0;
	memset(d, 0, sizeof(*d));
	return -1;
}

void
find_pack_host(struct buf *out, enum find_known known,
    const struct host_addresses *l)
{
	size_t i;

	buf_put_u32(out, known);
	buf_put_u32(out, (uint32_t)l->n);
	for (i = 0; i < l->n; i++)
		put_text(out, l->a[i].text);
}

int
find_unpack_host(const void *p, size_t len, enum find_known *known,
    struct host_addresses *l)
{
	char text[INET6_ADDRSTRLEN];
	struct cursor c;
	size_t n;

	l->n = 0;
	cursor_init(&c, p, len);
	*known = get_known(&c);
	for (n = get_number(&c, HOST_ADDRESSES_MAX); n > 0; n--) {
		get_text(&c, text, sizeof(text));
		if (c.bad || host_address_parse(&l->a[l->n], text,
		    strlen(text)) == -1)
			return -1;
		l->n++;
	}
	return c.bad || cursor_left(&c) > 0 ? -1 : 0;
}
