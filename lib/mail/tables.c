#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"
#include "lib/map/map.h"

enum { KEY_SIZE = 2 * ADDRESS_MAX + 4 };

struct tables {
	struct map *map, *full;
};

/* An address in pieces, in lower case, alias domain already resolved. */
struct place {
	char	 local[ADDRESS_MAX + 1];
	char	 domain[DOMAIN_MAX + 1];
	size_t	 llen, dlen;
	char	 alias[DOMAIN_MAX + 1];	/* an alias domain that has lines of
					   its own: that one; "" */
};

/* What an address is (tables_list). */
struct answer {
	struct buf *name, *list;
	struct buf *owner;	/* NULL: not asked */
};

static struct map *
open_full(const char *path, struct buf *why)
{
	const char *slash = strrchr(path, '/');
	struct buf name = BUF_INIT(0);
	struct map *m;

	if (slash != NULL)
		buf_append(&name, path, (size_t)(slash - path) + 1);
	buf_puts(&name, "state/full.cdb");
	m = map_cdb_open(buf_str(&name), 1, why);
	buf_clear(&name);
	return m;
}

struct tables *
tables_open(const char *path, struct buf *why)
{
	struct tables *t = mem_zalloc(1, sizeof(*t));

	t->map = map_cdb_open_format(path, 0, 1, TABLES_FORMAT, why);
	if (t->map != NULL)
		t->full = open_full(path, why);
	if (t->full == NULL)
		tables_free(&t);
	return t;
}

void
tables_free(struct tables **tp)
{
	struct tables *t = *tp;

	if (t == NULL)
		return;
	map_free(&t->map);
	map_free(&t->full);
	free(t);
	*tp = NULL;
}

void
tables_refresh(struct tables *t)
{
	/* Where it fails the old stays, and what is not in it is an error. */
	(void)map_refresh(t->map);
	(void)map_refresh(t->full);
}

/* Looks up kind followed by key (a, then sep and b where b is not NULL). */
static enum map_result
find(struct tables *t, char kind, const char *a, size_t alen, char sep,
    const char *b, size_t blen, const char **p, size_t *n)
{
	char key[KEY_SIZE];
	size_t len = 0;

	if (alen + blen + 2 > sizeof(key))
		return MAP_ABSENT;
	key[len++] = kind;
	memcpy(key + len, a, alen);
	len += alen;
	if (b != NULL) {
		key[len++] = sep;
		memcpy(key + len, b, blen);
		len += blen;
	}
	return map_find(t->map, key, len, p, n);
}

enum lookup
tables_domain(struct tables *t, const char *domain, struct buf *name_r)
{
	enum map_result r;
	const char *p;
	size_t n;

	r = find(t, 'd', domain, strlen(domain), 0, NULL, 0, &p, &n);
	if (r != MAP_FOUND || name_r == NULL)
		return (enum lookup)r;
	buf_reset(name_r);
	if (n == 0 || (p[0] != 'l' ? buf_append(name_r, p + 1, n - 1) :
	    buf_puts(name_r, domain)) == -1)
		return LOOKUP_ERROR;
	return LOOKUP_FOUND;
}

/* Takes an address apart. 1 our domain, 0 another, -1 try later. */
static int
place_find(struct tables *t, const char *address, struct place *pl)
{
	const char *at = strrchr(address, '@'), *p;
	enum map_result r;
	size_t n;

	if (at == NULL)
		return 0;
	pl->llen = (size_t)(at - address);
	pl->dlen = strlen(at + 1);
	if (pl->llen >= sizeof(pl->local) || pl->dlen >= sizeof(pl->domain))
		return 0;
	memcpy(pl->local, address, pl->llen);
	memcpy(pl->domain, at + 1, pl->dlen + 1);
	str_tolower(pl->local, pl->llen);
	str_tolower(pl->domain, pl->dlen);
	r = find(t, 'd', pl->domain, pl->dlen, 0, NULL, 0, &p, &n);
	if (r != MAP_FOUND)
		return (int)r;
	if (n == 0 || (p[0] != 'l' && n - 1 >= sizeof(pl->domain)))
		return -1;
	pl->alias[0] = '\0';
	if (p[0] == 'A')
		memcpy(pl->alias, pl->domain, pl->dlen + 1);
	if (p[0] != 'l') {
		memcpy(pl->domain, p + 1, n - 1);
		pl->dlen = n - 1;
	}
	return 1;
}

/* Length of the local part without its +tag; the whole where it has none. */
static size_t
untagged(const struct place *pl)
{
	const char *plus;

	if (pl->llen == 0 || pl->local[0] == '"')
		return pl->llen;
	plus = memchr(pl->local + 1, '+', pl->llen - 1);
	return plus == NULL ? pl->llen : (size_t)(plus - pl->local);
}

/* An alias: its targets and its owner, where they are asked for (a: NULL). */
static enum map_result
find_alias(struct tables *t, const char *local, size_t llen,
    const char *domain, size_t dlen, struct answer *a)
{
	enum map_result r;
	const char *p;
	size_t n;

	r = find(t, 'a', local, llen, '@', domain, dlen, &p, &n);
	if (r != MAP_FOUND || a == NULL)
		return r;
	buf_reset(a->list);
	if (buf_append(a->list, p, n) == -1)
		return MAP_ERROR;
	if (a->owner == NULL)
		return MAP_FOUND;
	buf_reset(a->owner);
	r = find(t, 'e', local, llen, '@', domain, dlen, &p, &n);
	if (r == MAP_ERROR || (r == MAP_FOUND &&
	    buf_append(a->owner, p, n) == -1))
		return MAP_ERROR;
	return MAP_FOUND;
}

static enum tables_kind
alias_kind(enum map_result r)
{
	return r == MAP_FOUND ? TABLES_ALIAS : r == MAP_ABSENT ?
	    TABLES_ABSENT : TABLES_ERROR;
}

/* One exact look: account, then alias, with llen octets of the local part. */
static enum tables_kind
exact(struct tables *t, const struct place *pl, size_t llen, struct answer *a)
{
	enum map_result r;
	const char *p;
	size_t n;

	r = find(t, 'u', pl->local, llen, '@', pl->domain, pl->dlen, &p, &n);
	if (r == MAP_FOUND) {
		buf_reset(a->name);
		buf_append(a->name, pl->local, llen);
		buf_putc(a->name, '@');
		buf_append(a->name, pl->domain, pl->dlen);
		return TABLES_USER;
	}
	if (r == MAP_ABSENT)
		r = find_alias(t, pl->local, llen, pl->domain, pl->dlen, a);
	return alias_kind(r);
}

/*
 * The wildcard that takes it: its local part without the "*", which is *len_r
 * octets of pl's. Few lengths are in use, so that few looks are made.
 */
static enum map_result
wildcard(struct tables *t, const struct place *pl, size_t *len_r,
    struct answer *a)
{
	unsigned char lengths[UINT8_MAX];
	char key[ADDRESS_MAX + 2];
	enum map_result r;
	const char *p;
	size_t n, i;

	r = map_find(t->map, "w", 1, &p, &n);
	if (r != MAP_FOUND || pl->local[0] == '"')
		return r == MAP_ERROR ? r : MAP_ABSENT;
	if (n > sizeof(lengths))
		return MAP_ERROR;
	memcpy(lengths, p, n);
	memcpy(key, pl->local, pl->llen);
	for (i = 0, r = MAP_ABSENT; r == MAP_ABSENT && i < n; i++) {
		*len_r = lengths[i];
		if (*len_r > pl->llen)
			continue;
		key[*len_r] = '*';
		r = find_alias(t, key, *len_r + 1, pl->domain, pl->dlen, a);
		key[*len_r] = pl->local[*len_r];
	}
	return r;
}

/* What neither an account nor an alias of that name takes. */
static enum tables_kind
any_name(struct tables *t, const struct place *pl, struct answer *a)
{
	size_t len;
	enum map_result r = wildcard(t, pl, &len, a);

	return r == MAP_ABSENT ? exact(t, pl, 0, a) : alias_kind(r);
}

/* RFC 5321 4.5.1: "postmaster" without a domain is an address of ours. */
static enum tables_kind
bare(struct tables *t, const char *address, struct answer *a)
{
	if (str_casecmp(address, "postmaster") != 0)
		return TABLES_REMOTE;
	return alias_kind(find_alias(t, "postmaster", 10, NULL, 0, a));
}

/* By its name, with the tag or without; *llen_r octets of its local part. */
static enum tables_kind
named(struct tables *t, const struct place *pl, size_t *llen_r,
    struct answer *a)
{
	enum tables_kind k;

	*llen_r = pl->llen;
	k = exact(t, pl, pl->llen, a);
	if (k == TABLES_ABSENT && untagged(pl) != pl->llen) {
		*llen_r = untagged(pl);
		k = exact(t, pl, *llen_r, a);
	}
	return k;
}

/*
 * A line of the alias domain's own, which wins. ABSENT: there is none, and the
 * address is that of the other domain.
 */
static enum tables_kind
own_line(struct tables *t, const struct place *pl, struct place *own_r,
    size_t *llen_r, struct answer *a)
{
	if (pl->alias[0] == '\0')
		return TABLES_ABSENT;
	*own_r = *pl;
	own_r->dlen = strlen(pl->alias);
	memcpy(own_r->domain, pl->alias, own_r->dlen + 1);
	return named(t, own_r, llen_r, a);
}

static enum tables_kind
address_find(struct tables *t, const char *address, struct answer *a)
{
	struct place pl, own;
	enum tables_kind k;
	size_t llen;
	int r;

	if (strchr(address, '@') == NULL)
		return bare(t, address, a);
	r = place_find(t, address, &pl);
	if (r != 1)
		return r == 0 ? TABLES_REMOTE : TABLES_ERROR;
	/* An empty local part would be the key of the catch-all. */
	if (pl.llen == 0)
		return TABLES_ABSENT;
	k = own_line(t, &pl, &own, &llen, a);
	/* An exception: it leads nowhere. */
	if (k == TABLES_ALIAS && a->list->len == 0)
		return TABLES_ABSENT;
	if (k == TABLES_ABSENT)
		k = named(t, &pl, &llen, a);
	if (k == TABLES_ABSENT)
		k = any_name(t, &pl, a);
	return k;
}

enum tables_kind
tables_address(struct tables *t, const char *address, struct buf *name_r,
    struct buf *list_r)
{
	return address_find(t, address, &(struct answer){ .name = name_r,
	    .list = list_r });
}

enum tables_kind
tables_list(struct tables *t, const char *address, struct buf *name_r,
    struct buf *list_r, struct buf *owner_r)
{
	buf_reset(owner_r);
	return address_find(t, address, &(struct answer){ .name = name_r,
	    .list = list_r, .owner = owner_r });
}

/* A field of an account that an older compile did not write. */
static uint32_t
take_field(struct cursor *c)
{
	return cursor_left(c) == 0 ? TABLES_UNSAID : cursor_u32(c);
}

enum lookup
tables_user(struct tables *t, const char *name, struct tables_user *u_r)
{
	enum map_result r;
	struct cursor c;
	const char *p;
	size_t n;

	r = find(t, 'u', name, strlen(name), 0, NULL, 0, &p, &n);
	if (r != MAP_FOUND)
		return (enum lookup)r;
	cursor_init(&c, p, n);
	u_r->quota_size = cursor_u64(&c);
	u_r->quota_count = cursor_u64(&c);
	u_r->flags = cursor_u32(&c);
	u_r->pop3_keep = take_field(&c);
	u_r->expire_trash = take_field(&c);
	u_r->expire_junk = take_field(&c);
	return c.bad ? LOOKUP_ERROR : LOOKUP_FOUND;
}

static enum lookup
take_name(enum map_result r, const char *p, size_t n, struct buf *name_r)
{
	if (r != MAP_FOUND)
		return (enum lookup)r;
	buf_reset(name_r);
	return buf_append(name_r, p, n) == -1 ? LOOKUP_ERROR : LOOKUP_FOUND;
}

enum lookup
tables_renamed(struct tables *t, const char *address, struct buf *name_r)
{
	enum map_result r;
	struct place pl;
	const char *p;
	size_t n;
	int ours = place_find(t, address, &pl);

	if (ours != 1)
		return ours == 0 ? LOOKUP_ABSENT : LOOKUP_ERROR;
	r = find(t, 'r', pl.local, pl.llen, '@', pl.domain, pl.dlen, &p, &n);
	if (r == MAP_ABSENT && untagged(&pl) != pl.llen)
		r = find(t, 'r', pl.local, untagged(&pl), '@', pl.domain,
		    pl.dlen, &p, &n);
	return take_name(r, p, n, name_r);
}

enum lookup
tables_former(struct tables *t, const char *name, struct buf *old_r)
{
	enum map_result r;
	const char *p;
	size_t n;

	r = find(t, 'm', name, strlen(name), 0, NULL, 0, &p, &n);
	return take_name(r, p, n, old_r);
}

static enum map_result
owns_key(struct tables *t, const struct place *pl, size_t llen,
    const char *login, size_t n)
{
	char address[2 * ADDRESS_MAX + 2];
	const char *p;
	size_t len;

	memcpy(address, pl->local, llen);
	address[llen] = '@';
	memcpy(address + llen + 1, pl->domain, pl->dlen);
	return find(t, 'o', address, llen + 1 + pl->dlen, 0, login, n, &p,
	    &len);
}

/* Of an address that a wildcard or the catch-all alone takes. */
static enum map_result
owns_any(struct tables *t, const struct place *pl, const char *login, size_t n)
{
	struct place wild = *pl;
	enum map_result r;
	size_t len;

	r = wildcard(t, pl, &len, NULL);
	if (r == MAP_ABSENT)
		return owns_key(t, pl, 0, login, n);
	if (r == MAP_ERROR)
		return r;
	wild.local[len] = '*';
	return owns_key(t, &wild, len + 1, login, n);
}

/* May login send as the address of that place, which is no exception? */
static enum map_result
owns_place(struct tables *t, const struct place *pl, const char *login,
    struct answer *a)
{
	size_t n = strlen(login), llen = untagged(pl);
	enum map_result r = owns_key(t, pl, pl->llen, login, n);
	enum tables_kind k;

	if (r != MAP_ABSENT)
		return r;
	/* A tag is one only where no address of that name is there; what a
	   wildcard or the catch-all takes belongs to whom it leads. */
	k = exact(t, pl, pl->llen, a);
	if (k == TABLES_ABSENT && llen != pl->llen) {
		r = owns_key(t, pl, llen, login, n);
		k = exact(t, pl, llen, a);
	}
	if (k == TABLES_ABSENT && r == MAP_ABSENT)
		r = owns_any(t, pl, login, n);
	else if (k == TABLES_ERROR)
		r = MAP_ERROR;
	return r;
}

enum lookup
tables_owns(struct tables *t, const char *login, const char *address)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(0);
	struct answer a = { .name = &name, .list = &list };
	struct place pl, own;
	enum tables_kind k;
	enum map_result r;
	size_t llen;
	int known;

	known = place_find(t, address, &pl);
	if (known != 1 || pl.llen == 0)
		return known == -1 ? LOOKUP_ERROR : LOOKUP_ABSENT;
	k = own_line(t, &pl, &own, &llen, &a);
	if (k == TABLES_ABSENT)
		r = owns_place(t, &pl, login, &a);
	else
		r = k == TABLES_ERROR ? MAP_ERROR :
		    owns_key(t, &own, llen, login, strlen(login));
	buf_clear(&name);
	buf_clear(&list);
	return (enum lookup)r;
}

enum lookup
tables_sum(struct tables *t, const char *domain, struct tables_sum *s)
{
	struct buf name = BUF_INIT(DOMAIN_MAX);
	enum lookup r = tables_domain(t, domain, &name);
	enum map_result found;
	struct cursor c;
	const char *p;
	size_t n;

	if (r == LOOKUP_FOUND)
		memcpy(s->domain, buf_str(&name), name.len + 1);
	buf_clear(&name);
	if (r != LOOKUP_FOUND)
		return r;
	s->size = s->count = 0;
	found = find(t, 'q', s->domain, strlen(s->domain), 0, NULL, 0, &p, &n);
	if (found != MAP_FOUND)
		return found == MAP_ABSENT ? LOOKUP_FOUND : LOOKUP_ERROR;
	cursor_init(&c, p, n);
	s->size = cursor_u64(&c);
	s->count = cursor_u64(&c);
	return c.bad ? LOOKUP_ERROR : LOOKUP_FOUND;
}

enum lookup
tables_sums(struct tables *t)
{
	const char *p;
	size_t n;

	return (enum lookup)map_find(t->map, "Q", 1, &p, &n);
}

enum lookup
tables_full(struct tables *t, const char *name)
{
	const char *at = strrchr(name, '@'), *p;
	char key[DOMAIN_MAX + 2] = "@";
	enum map_result r;
	struct tables_sum s;
	enum lookup ours;
	size_t n;

	r = map_find(t->full, name, strlen(name), &p, &n);
	if (r != MAP_ABSENT || at == NULL)
		return (enum lookup)r;
	ours = tables_sum(t, at + 1, &s);
	if (ours != LOOKUP_FOUND || (s.size == 0 && s.count == 0))
		return ours == LOOKUP_ERROR ? ours : LOOKUP_ABSENT;
	memcpy(key + 1, s.domain, strlen(s.domain) + 1);
	return (enum lookup)map_find(t->full, key, strlen(key), &p, &n);
}

/* 1 and the next key, 0 at the end, -1: malformed. */
static int
next_key(struct cursor *c, struct tables_key *k)
{
	const char *selector;
	size_t len;

	if (cursor_left(c) == 0)
		return 0;
	k->algorithm = (enum dkim_algorithm)cursor_u8(c);
	k->size = cursor_u32(c);
	selector = cursor_lv(c, &len, DKIM_SELECTOR_MAX);
	if (c->bad || k->size > DKIM_SIGNATURE_MAX)
		return -1;
	memcpy(k->selector, selector, len);
	k->selector[len] = '\0';
	return 1;
}

enum lookup
tables_keys(struct tables *t, const char *domain,
    struct tables_key key_r[TABLES_KEYS_MAX], unsigned *n_r)
{
	char name[DOMAIN_MAX + 2];
	enum map_result found;
	struct tables_key k;
	struct cursor c;
	const char *p;
	size_t len;
	int r = 0;

	*n_r = 0;
	snprintf(name, sizeof(name), "k%s", domain);
	found = map_find(t->map, name, strlen(name), &p, &len);
	if (found != MAP_FOUND)
		return (enum lookup)found;
	cursor_init(&c, p, len);
	while (*n_r < TABLES_KEYS_MAX && (r = next_key(&c, &k)) == 1)
		if (k.algorithm < DKIM_ALGORITHMS)
			key_r[(*n_r)++] = k;
	return r == -1 ? LOOKUP_ERROR : *n_r > 0 ? LOOKUP_FOUND :
	    LOOKUP_ABSENT;
}
