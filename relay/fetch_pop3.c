#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/base/mem.h"
#include "lib/net/tls.h"
#include "relay/fetch.h"
#include "relay/pop3_box.h"
#include "relay/pop3_login.h"

enum {
	NAMELESS_MAX = 1000,	/* that are told apart in a run by what is in
				   them */
	HASH_SIZE = 32,		/* SHA-256 */
};

/* A message there. */
struct entry {
	uint32_t number;	/* 0: it is not listed */
	uint32_t size;		/* as the server says; UINT32_MAX: so much and
				   more */
	size_t	 key;		/* in keys, ended by NUL; NAMELESS: none */
};

#define NAMELESS	SIZE_MAX

struct drop {
	struct fetch *f;
	struct pop3_client c;
	struct entry *v;
	size_t	 n, cap;
	uint32_t *size;		/* by number - 1 */
	uint32_t n_size;
	unsigned char *seen;	/* by number - 1: it is listed */
	struct buf keys;
	EVP_MD_CTX *md;
	unsigned left_out;	/* nameless ones, over NAMELESS_MAX */
	unsigned named, refused;	/* by what is in them; not shown */
	int	 later;		/* some of these for now alone */
};

static void
lost(struct drop *d)
{
	const struct pop3_client *c = &d->c;

	fetch_end(d->f, c->no_tls ? CL_CERTIFICATE : c->foreign ?
	    CL_PROTOCOL : CL_LOST, "%s", buf_str(&c->words));
}

static void
refused(struct drop *d)
{
	static const enum cl_status of[] = {
		[POP3_CODE_NONE] = CL_SYS_TEMP,
		[POP3_CODE_AUTH] = CL_REFUSED,
		[POP3_CODE_TEMPORARY] = CL_SYS_TEMP,
		[POP3_CODE_PERMANENT] = CL_SYS_PERM,
		[POP3_CODE_IN_USE] = CL_IN_USE,
		[POP3_CODE_LOGIN_DELAY] = CL_LOGIN_DELAY,
	};

	fetch_end(d->f, d->c.no_tls ? CL_CERTIFICATE : of[d->c.code], "%s",
	    buf_str(&d->c.words));
}

static int
settle(struct drop *d, enum pop3_result r)
{
	if (r == POP3_OK)
		return 0;
	if (r == POP3_NO)
		refused(d);
	else
		lost(d);
	return -1;
}

static int
enter(struct drop *d)
{
	static const enum pop3_security security[] = {
		[CL_TLS] = POP3_TLS, [CL_STARTTLS] = POP3_STARTTLS,
		[CL_PLAIN] = POP3_PLAIN,
	};
	const struct fetch_account *a = &d->f->a;
	enum pop3_security s = a->security >= CL_TLS &&
	    a->security <= CL_PLAIN ? security[a->security] : POP3_TLS;

	if (settle(d, pop3_greet(&d->c, s, a->flags & CL_ANY_CERTIFICATE ?
	    d->f->any : d->f->verified, a->host)) == -1)
		return -1;
	d->f->delay = d->c.login_delay;
	if (settle(d, pop3_login(&d->c, s, a->login, a->password,
	    a->flags & CL_TOKEN ? SASL_TOKEN : SASL_PASSWORD, a->host)) == -1)
		return -1;
	if (d->c.login_delay > 0)
		d->f->delay = d->c.login_delay;
	return 0;
}

static void
on_size(void *ctx, uint32_t number, uint64_t size)
{
	struct drop *d = ctx;

	if (number <= d->n_size)
		d->size[number - 1] = size < UINT32_MAX ? (uint32_t)size :
		    UINT32_MAX;
}

/* A number that is there twice, or that STAT does not know, is passed over. */
static void
on_name(void *ctx, uint32_t number, const char *uid)
{
	struct drop *d = ctx;
	struct entry *e;

	if (number > d->n_size || d->seen[number - 1])
		return;
	d->seen[number - 1] = 1;
	if (d->n == d->cap) {
		d->cap = d->cap == 0 ? 256 : 2 * d->cap;
		d->v = mem_realloc(d->v, d->cap, sizeof(*d->v));
	}
	e = &d->v[d->n++];
	e->number = number;
	e->size = d->size[number - 1];
	e->key = uid != NULL ? d->keys.len : NAMELESS;
	if (uid != NULL)
		buf_append(&d->keys, uid, strlen(uid) + 1);
}

static const char *sorted;	/* the keys of who is sorted */

static int
by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int r;

	if (x->key == NAMELESS || y->key == NAMELESS)
		r = (x->key != NAMELESS) - (y->key != NAMELESS);
	else
		r = strcmp(sorted + x->key, sorted + y->key);
	return r != 0 ? r : x->number < y->number ? -1 :
	    x->number > y->number;
}

static int
by_number(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void
sort(struct drop *d, int (*by)(const void *, const void *))
{
	sorted = buf_str(&d->keys);
	if (d->n > 0)
		qsort(d->v, d->n, sizeof(d->v[0]), by);
}

static int
on_top(void *ctx, const char *p, size_t len)
{
	return EVP_DigestUpdate(ctx, p, len) == 1 ? 0 : -1;
}

/*
 * A name of its own, by its header and size. An entry that has none is not
 * listed. -1: the session is over.
 */
static int
name_by_content(struct drop *d, struct entry *e, unsigned char hash[HASH_SIZE])
{
	enum pop3_result r;

	if (EVP_DigestInit_ex(d->md, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(d->md, &e->size, sizeof(e->size)) != 1)
		abort();
	r = pop3_top(&d->c, e->number, 0, on_top, d->md);
	if (r == POP3_LOST)
		return -1;
	if (r == POP3_NO)
		e->number = 0;
	*(r == POP3_NO ? &d->refused : &d->named) += 1;
	d->later |= r == POP3_NO && (d->c.code == POP3_CODE_TEMPORARY ||
	    d->c.code == POP3_CODE_IN_USE);
	if (EVP_DigestFinal_ex(d->md, hash, NULL) != 1)
		abort();
	return 0;
}

static void
put_key(struct drop *d, struct entry *e, const unsigned char hash[HASH_SIZE])
{
	size_t i;

	e->key = d->keys.len;
	buf_putc(&d->keys, '~');
	for (i = 0; i < HASH_SIZE; i++)
		buf_printf(&d->keys, "%02x", hash[i]);
	buf_putc(&d->keys, '\0');
}

/*
 * Several with one name, or (key NAMELESS) without. RFC 1939 7 lets copies of
 * one message share a name: they are one message then, of which the next one is
 * known when the first has gone. Others get names by what is in them.
 */
static int
name_group(struct drop *d, struct entry *e, size_t n, unsigned *named)
{
	unsigned char (*hash)[HASH_SIZE] = mem_zalloc(n < NAMELESS_MAX ? n :
	    NAMELESS_MAX, HASH_SIZE);
	size_t i, k, same = 1;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		if ((*named)++ >= NAMELESS_MAX) {
			e[i].number = 0;
			d->left_out++;
			continue;
		}
		r = name_by_content(d, &e[i], hash[i]);
		same += i > 0 && e[i].number != 0 && e[0].number != 0 &&
		    memcmp(hash[i], hash[0], HASH_SIZE) == 0;
	}
	for (i = 0; i < n && r == 0; i++) {
		for (k = 0; k < i && e[i].number != 0; k++)
			if (e[k].number != 0 &&
			    memcmp(hash[k], hash[i], HASH_SIZE) == 0)
				e[i].number = 0;
		if (e[i].number != 0 && (same < n || e[i].key == NAMELESS))
			put_key(d, &e[i], hash[i]);
	}
	free(hash);
	return r;
}

/* Each of the list has a name of its own, or is not in it. */
static int
name_all(struct drop *d)
{
	unsigned named = 0;
	size_t i, n;
	int r = 0;

	sort(d, by_key);
	for (i = 0; i < d->n && r == 0; i += n) {
		for (n = 1; i + n < d->n && (d->v[i].key == NAMELESS ?
		    d->v[i + n].key == NAMELESS :
		    strcmp(buf_str(&d->keys) + d->v[i].key,
		    buf_str(&d->keys) + d->v[i + n].key) == 0); n++)
			;
		if (n > 1 || d->v[i].key == NAMELESS)
			r = name_group(d, &d->v[i], n, &named);
	}
	sort(d, by_number);
	return r;
}

/* A server without UIDL: all are without a name. */
static void
no_names(struct drop *d)
{
	uint32_t i;

	for (i = 1; i <= d->n_size; i++)
		on_name(d, i, NULL);
}

static int
read_list(struct drop *d)
{
	enum pop3_result r;
	uint64_t octets;
	uint32_t n;

	if (settle(d, pop3_stat(&d->c, &n, &octets)) == -1)
		return -1;
	d->n_size = n < POP3_MESSAGES_MAX ? n : POP3_MESSAGES_MAX;
	d->size = mem_zalloc((size_t)d->n_size + 1, sizeof(*d->size));
	d->seen = mem_zalloc((size_t)d->n_size + 1, 1);
	if (n == 0)
		return 0;
	if (settle(d, pop3_list(&d->c, on_size, d)) == -1)
		return -1;
	if ((r = pop3_uidl(&d->c, on_name, d)) == POP3_NO)
		no_names(d);
	else if (r == POP3_LOST) {
		lost(d);
		return -1;
	}
	if (name_all(d) == -1) {
		lost(d);
		return -1;
	}
	return 0;
}

static int
tell_list(struct drop *d)
{
	struct cl_item item;
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (d->v[i].number == 0)
			continue;
		item.number = d->v[i].number;
		item.size = d->v[i].size;
		item.key = buf_str(&d->keys) + d->v[i].key;
		item.len = strlen(item.key);
		if (talk_item(d->f, &item) == -1)
			return -1;
	}
	return talk_listed(d->f);
}

static uint64_t
size_of(void *s, uint32_t number)
{
	struct drop *d = s;

	return number > 0 && number <= d->n_size ? d->size[number - 1] : 0;
}

static int
on_body(void *ctx, const char *p, size_t len)
{
	return fetch_file_add(ctx, p, len);
}

static enum fetch_got
get(void *s, uint32_t number, struct fetch_file *m)
{
	struct drop *d = s;
	enum pop3_result r;

	pop3_retr_send(&d->c, number);
	r = pop3_retr_wait(&d->c, on_body, m);
	if (r == POP3_OK)
		return GOT_WHOLE;
	if (r == POP3_NO)
		return GOT_REFUSED;
	if (!m->too_large && m->error == 0)
		lost(d);
	return GOT_LOST;
}

static void
deleted(void *ctx, size_t i, enum pop3_result r)
{
}

/* What may go goes, with the end of the session. */
static void
leave(struct drop *d)
{
	struct fetch_want *w = &d->f->removed;
	enum pop3_result r;

	if (d->c.dead)
		return;
	if (w->n > 0 && pop3_each(&d->c, "DELE", w->v, w->n, deleted,
	    NULL) != POP3_OK) {
		lost(d);
		return;
	}
	r = pop3_quit(&d->c);
	if (w->n > 0 && r != POP3_OK)
		lost(d);
}

static void
session(struct drop *d)
{
	struct fetch *f = d->f;
	char tls[100] = "";
	struct fetch_head head = { .hostname = f->hostname, .from = f->a.host,
		.ip = f->ip, .with = "POP3", .tls = tls,
		.owner = f->a.owner, .fields = &f->a.fields };

	if (enter(d) == -1)
		return;
	if (d->c.stream.ssl != NULL)
		tls_describe(d->c.stream.ssl, tls, sizeof(tls));
	if (read_list(d) == 0 && tell_list(d) == 0)
		fetch_messages(f, &head, d, get, size_of);
	if (!f->gone)
		leave(d);
	/* One may be refused since it has gone. */
	if (d->refused > 0 && d->named == 0)
		fetch_end(f, d->later ? CL_SYS_TEMP : CL_SYS_PERM,
		    "%u messages cannot be fetched: "
		    "neither UIDL nor TOP of the server tells them apart",
		    d->refused);
	if (d->left_out > 0)
		fetch_end(f, CL_LIMIT, "%u messages without a name of their "
		    "own wait for others to go", d->left_out);
}

void
fetch_pop3(struct fetch *f, int fd)
{
	struct buf label = BUF_INIT(POP3_LABEL_MAX - 1);
	struct drop d = { .f = f, .md = EVP_MD_CTX_new() };

	if (d.md == NULL)
		abort();
	buf_set(&label, "%s [%s]", f->a.host, f->ip);
	pop3_init(&d.c, fd, buf_str(&label));
	buf_clear(&label);
	d.c.stop = fetch_woken;
	stream_wake(&d.c.stream, f->ctl->fd);
	session(&d);
	pop3_close(&d.c);
	EVP_MD_CTX_free(d.md);
	buf_clear(&d.keys);
	free(d.v);
	free(d.size);
	free(d.seen);
}
