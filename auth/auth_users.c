#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#include "auth/auth_hash.h"
#include "auth/auth_hashes.h"
#include "auth/auth_users.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"

enum {
	COSTS_MAX = 16,		/* kinds of hash that are counted */
	COST_LEN = 64,
	WARN_MAX = 10,
};

/* A kind of hash, and the last one of it. */
struct hash_cost {
	char	 text[COST_LEN];
	unsigned n, last;
	char	 stored[CREDENTIAL_HASH_MAX + 1];
};

struct auth_users {
	char	*path;
	struct map *map;	/* NULL: could not be opened yet */
	int	 present, told;	/* a file is open; its absence was logged */
	unsigned generation;
	struct buf decoy;
	char	 domain[DOMAIN_MAX + 1];	/* of all accounts, or "" */
};

/* What a walk through the file gathers. */
struct survey {
	struct hash_cost cost[COSTS_MAX];
	unsigned n, faults, order;
	char	 domain[DOMAIN_MAX + 1];
	int	 domains;		/* 0, 1, 2: several */
};

static void
survey_domain(struct survey *s, const char *key, size_t klen)
{
	const char *at = memrchr(key, '@', klen);
	size_t len;

	if (at == NULL || s->domains == 2)
		return;
	len = klen - (size_t)(++at - key);
	if (len > DOMAIN_MAX)
		return;
	if (s->domains == 0) {
		memcpy(s->domain, at, len);
		s->domains = 1;
	} else if (strlen(s->domain) != len || memcmp(s->domain, at, len) != 0)
		s->domains = 2;
}

static void
survey_cost(struct survey *s, const char *stored)
{
	size_t len = auth_hash_cost(stored);
	struct hash_cost *c;
	unsigned i;

	if (len >= COST_LEN)
		return;
	for (i = 0; i < s->n; i++)
		if (strlen(s->cost[i].text) == len &&
		    memcmp(s->cost[i].text, stored, len) == 0)
			break;
	if (i == COSTS_MAX)
		return;
	c = &s->cost[i];
	if (i == s->n) {
		s->n++;
		memcpy(c->text, stored, len);
	}
	c->n++;
	c->last = ++s->order;
	str_copy(c->stored, sizeof(c->stored), stored);
}

static int
survey_record(const char *key, size_t klen, const char *value, size_t vlen,
    void *arg)
{
	struct survey *s = arg;
	struct auth_hashes h;

	if (memchr(key, '@', klen) == NULL)
		return 0;	/* the format, no account */
	survey_domain(s, key, klen);
	auth_hashes_read(&h, value, vlen, NULL);
	if (h.n > 0)
		survey_cost(s, h.hash[0]);
	if (h.fault != NULL && s->faults++ < WARN_MAX)
		log_warn("%.*s cannot log in%s: %s", (int)klen, key,
		    h.n > 0 ? " with each password" : "", h.fault);
	auth_hashes_clear(&h);
	return 0;
}

static void
survey_choose(const struct survey *s, struct buf *decoy)
{
	const struct hash_cost *best = NULL, *c;
	unsigned i;

	for (i = 0; i < s->n; i++) {
		c = &s->cost[i];
		if (best == NULL || c->n > best->n ||
		    (c->n == best->n && c->last > best->last))
			best = c;
	}
	if (best != NULL)
		buf_set(decoy, "%s", best->stored);
	else if (auth_hash_random(decoy) == -1)
		log_fatal("crypt(3) makes no hash");
}

static void
users_survey(struct auth_users *u)
{
	struct survey *s = mem_zalloc(1, sizeof(*s));

	if (map_walk(u->map, survey_record, s) == -1)
		log_warn("passwd.cdb is broken; run rohrpost apply");
	if (s->faults > WARN_MAX)
		log_warn("%u more accounts have such hashes",
		    s->faults - WARN_MAX);
	survey_choose(s, &u->decoy);
	str_copy(u->domain, sizeof(u->domain), s->domains == 1 ? s->domain :
	    "");
	u->generation = map_generation(u->map);
	mem_wipe(s, sizeof(*s));
	free(s);
}

struct auth_users *
auth_users_open(const char *path)
{
	struct auth_users *u = mem_zalloc(1, sizeof(*u));

	buf_init(&u->decoy, CREDENTIAL_HASH_MAX);
	u->path = mem_strdup(path);
	auth_users_refresh(u);
	return u;
}

void
auth_users_free(struct auth_users **up)
{
	struct auth_users *u = *up;

	if (u == NULL)
		return;
	map_free(&u->map);
	buf_wipe(&u->decoy);
	free(u->path);
	free(u);
	*up = NULL;
}

void
auth_users_refresh(struct auth_users *u)
{
	struct buf why = BUF_INIT(400);

	if (u->map == NULL)
		u->map = map_cdb_open_format(u->path, 1, 0, PASSWD_FORMAT,
		    &why);
	else
		(void)map_refresh(u->map);
	u->present = u->map != NULL && map_present(u->map);
	if (u->present && map_generation(u->map) != u->generation)
		users_survey(u);
	if (!u->present && !u->told)
		log_warn("%s%s: no login can be checked until rohrpost apply "
		    "makes it", u->map == NULL ? buf_str(&why) : u->path,
		    u->map == NULL ? "" : " is missing");
	u->told = !u->present;
	buf_clear(&why);
}

static int
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return 0;
	return 1;
}

/* Appends the domain in lower case, a U-label as its A-label. */
static int
append_domain(const char *domain, struct buf *name_r)
{
	char *ascii = NULL;
	size_t from = name_r->len;
	int r;

	if (is_ascii(domain)) {
		r = buf_puts(name_r, domain);
	} else {
		r = idn2_to_ascii_8z(domain, &ascii, IDN2_NFC_INPUT |
		    IDN2_NONTRANSITIONAL) == IDN2_OK ?
		    buf_puts(name_r, ascii) : -1;
		idn2_free(ascii);
	}
	if (r == 0)
		str_tolower(name_r->data + from, name_r->len - from);
	return r;
}

int
auth_users_name(const struct auth_users *u, const char *given,
    struct buf *name_r)
{
	const char *at = strrchr(given, '@');
	size_t len = at != NULL ? (size_t)(at - given) : strlen(given);
	const char *domain = at != NULL ? at + 1 : u->domain;

	buf_reset(name_r);
	if (len > 0 && len <= ACCOUNT_LOCAL_MAX && *domain != '\0' &&
	    buf_append(name_r, given, len) == 0) {
		str_tolower(name_r->data, name_r->len);
		if (buf_putc(name_r, '@') == 0 &&
		    append_domain(domain, name_r) == 0)
			return 0;
	}
	buf_reset(name_r);
	(void)buf_append(name_r, given, strnlen(given, ADDRESS_MAX));
	return -1;
}

enum map_result
auth_users_find(struct auth_users *u, const char *name, struct buf *text_r)
{
	enum map_result r;
	const char *p;
	size_t len;

	buf_reset(text_r);
	if (!u->present)
		return MAP_ERROR;
	r = map_find(u->map, name, strlen(name), &p, &len);
	if (r == MAP_FOUND && strchr(name, '@') == NULL)
		return MAP_ABSENT;	/* the format's record */
	if (r == MAP_FOUND && buf_append(text_r, p, len) == -1) {
		log_warn("%s cannot log in: its line is too long", name);
		return MAP_ABSENT;
	}
	return r;
}

const char *
auth_users_decoy(const struct auth_users *u)
{
	return u->decoy.data;
}

struct users_walk {
	int	(*each)(const char *, const char *, size_t, void *);
	void	*arg;
};

static int
walk_record(const char *key, size_t klen, const char *value, size_t vlen,
    void *arg)
{
	char account[ADDRESS_MAX + 1];
	struct users_walk *w = arg;

	if (klen > ADDRESS_MAX || memchr(key, '@', klen) == NULL)
		return 0;
	memcpy(account, key, klen);
	account[klen] = '\0';
	return w->each(account, value, vlen, w->arg);
}

int
auth_users_walk(struct auth_users *u,
    int (*each)(const char *, const char *, size_t, void *), void *arg)
{
	struct users_walk w = { .each = each, .arg = arg };

	return u->present ? map_walk(u->map, walk_record, &w) : -1;
}
