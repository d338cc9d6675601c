#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_compile.h"
#include "ctl/ctl_name.h"
#include "ctl/find.h"
#include "ctl/table_collect.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

#define PASSWORD "password="

static const char form[] = "NAME = imap|pop3 host=... login=... to=... "
    PASSWORD "...";

static const char *const kinds[] = {
	[CL_POP3] = "pop3", [CL_IMAP] = "imap", NULL
};
static const char *const securities[] = {
	[CL_TLS] = "tls", [CL_STARTTLS] = "starttls", [CL_PLAIN] = "none", NULL
};

void
collect_init(struct collect_account *a)
{
	memset(a, 0, sizeof(*a));
	a->kind = CL_IMAP;
	a->security = CL_TLS;
	a->keep = COLLECT_KEEP_ALWAYS;
	a->every = COLLECT_EVERY;
}

/* Its place in a list that begins at 1; 0: it is not in it. */
static uint32_t
find(const char *const *names, const char *p, size_t len)
{
	uint32_t i;

	for (i = 1; names[i] != NULL; i++)
		if (str_is(p, len, names[i]))
			return i;
	return 0;
}

static int
copy(char *to, size_t size, const char *p, size_t len, const char *what,
    struct buf *why)
{
	if (len == 0 || len >= size || !str_is_text(p, len)) {
		buf_set(why, _("%s: 1 to %zu octets"), what, size - 1);
		return -1;
	}
	memcpy(to, p, len);
	to[len] = '\0';
	return 0;
}

static int
read_name(const char *p, size_t len, struct buf *out, struct buf *why)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((str_lower(p[i]) < 'a' || str_lower(p[i]) > 'z') &&
		    (p[i] < '0' || p[i] > '9') &&
		    (i == 0 || strchr("-_.", p[i]) == NULL))
			break;
	if (len == 0 || len > CL_ACCOUNT_MAX || i < len) {
		buf_set(why, _("%.*s: not a name (letters, digits, \"-\", "
		    "\"_\" and \".\", %d at most)"),
		    (int)(len > 80 ? 80 : len), p, CL_ACCOUNT_MAX);
		return -1;
	}
	if (buf_append(out, p, len) == -1)
		return -1;
	str_tolower(out->data + out->len - len, len);
	return 0;
}

static int
read_host(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	uint64_t port;
	const char *colon = memchr(p, ':', len);
	size_t n = colon != NULL ? (size_t)(colon - p) : len;

	if (!str_is_host(p, n) || n > DOMAIN_MAX) {
		buf_set(why, _("host=%.*s: not a host's name"), (int)n, p);
		return -1;
	}
	if (colon != NULL) {
		if (str_number(colon + 1, len - n - 1, 65535, &port) == -1 ||
		    port == 0) {
			buf_set(why, _("host=%.*s: a port is 1 to 65535"),
			    (int)len, p);
			return -1;
		}
		a->port = (uint32_t)port;
	}
	return copy(a->host, sizeof(a->host), p, n, "host", why);
}

/* 30, 30s, 5m, 2h, 1d */
static int
read_span(const char *p, size_t len, uint64_t *r)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	uint64_t one = 1;
	unsigned i;

	for (i = 0; len > 1 && i < 4; i++)
		if (p[len - 1] == units[i].unit) {
			one = units[i].seconds;
			len--;
			break;
		}
	if (str_number(p, len, COLLECT_EVERY_MAX * 3650ull / one, r) == -1)
		return -1;
	*r *= one;
	return 0;
}

static int
read_keep(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	uint64_t s;

	a->days = 0;
	if (str_is(p, len, "always"))
		a->keep = COLLECT_KEEP_ALWAYS;
	else if (str_is(p, len, "nothing"))
		a->keep = COLLECT_KEEP_NOTHING;
	else if (str_is(p, len, "confirmed"))
		a->keep = COLLECT_KEEP_CONFIRMED;
	else if (len > 1 && p[len - 1] == 'd' && read_span(p, len, &s) == 0 &&
	    s >= 86400 && s / 86400 <= COLLECT_DAYS_MAX) {
		a->keep = COLLECT_KEEP_DAYS;
		a->days = (uint32_t)(s / 86400);
	} else {
		buf_set(why, _("keep=%.*s: always, nothing, confirmed, or days "
		    "(30d)"), (int)len, p);
		return -1;
	}
	return 0;
}

static int
read_every(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	uint64_t s;

	if (read_span(p, len, &s) == -1 || s < COLLECT_EVERY_MIN ||
	    s > COLLECT_EVERY_MAX) {
		buf_set(why, _("every=%.*s: %ds to 1d"), (int)len, p,
		    COLLECT_EVERY_MIN);
		return -1;
	}
	a->every = (uint32_t)s;
	return 0;
}

static int
read_owner(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);
	int r = name_address(p, len, NAME_ALIAS, &name, why);

	if (r == 0)
		r = copy(a->owner, sizeof(a->owner), buf_str(&name), name.len,
		    "to", why);
	buf_clear(&name);
	return r;
}

static int
read_login(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	return copy(a->login, sizeof(a->login), p, len, "login", why);
}

static int
read_fields(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	size_t i, n = 1;

	for (i = 0; i < len; i++) {
		n += p[i] == ',';
		if (p[i] < '!' || p[i] > '~' || p[i] == ':')
			break;
	}
	if (i < len || n > CL_FIELDS_MAX) {
		buf_set(why, _("fields=%.*s: up to %d names of header fields, "
		    "with commas between them"), (int)len, p, CL_FIELDS_MAX);
		return -1;
	}
	return copy(a->fields, sizeof(a->fields), p, len, "fields", why);
}

static int
read_tls(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	if ((a->security = find(securities, p, len)) != 0)
		return 0;
	buf_set(why, _("tls=%.*s: tls, starttls or none"), (int)len, p);
	return -1;
}

static int
read_largest(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	if (name_size(p, len, &a->largest) == 0)
		return 0;
	buf_set(why, _("largest=%.*s: octets (10M)"), (int)len, p);
	return -1;
}

static int
read_confirmed(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	uint64_t t;

	if (str_number(p, len, INT64_MAX, &t) == -1) {
		buf_set(why, _("confirmed=%.*s: seconds since 1970"),
		    (int)len, p);
		return -1;
	}
	a->confirmed = (int64_t)t;
	return 0;
}

static const struct {
	const char *name;
	int	(*read)(const char *p, size_t len, struct collect_account *a,
		    struct buf *why);
} keys[] = {
	{ "host", read_host }, { "login", read_login }, { "to", read_owner },
	{ "tls", read_tls }, { "keep", read_keep }, { "every", read_every },
	{ "largest", read_largest }, { "fields", read_fields },
	{ "confirmed", read_confirmed },
};

static const struct {
	const char *word;
	uint32_t option;
} words[] = {
	{ "off", COLLECT_OFF }, { "idle=no", COLLECT_NO_IDLE },
	{ "certificate=any", COLLECT_ANY_CERTIFICATE },
	{ "auth=oauth", COLLECT_TOKEN },
};

int
collect_word(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	const char *eq = memchr(p, '=', len);
	size_t n = eq != NULL ? (size_t)(eq - p) : len, i;
	uint32_t kind = find(kinds, p, len);

	if (kind != 0) {
		a->kind = kind;
		return 0;
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_is(p, len, words[i].word)) {
			a->options |= words[i].option;
			return 0;
		}
	for (i = 0; eq != NULL && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (str_is(p, n, keys[i].name))
			return keys[i].read(eq + 1, len - n - 1, a, why);
	buf_set(why, _("%.*s: unknown; expected \"%s\""),
	    (int)(n > 80 ? 80 : n), p, form);
	return -1;
}

static int
complete(struct collect_account *a, struct buf *why)
{
	if (a->host[0] == '\0' || a->login[0] == '\0' || a->owner[0] == '\0' ||
	    a->password[0] == '\0') {
		buf_set(why, _("expected \"%s\""), form);
		return -1;
	}
	if (a->options & COLLECT_TOKEN && a->security == CL_PLAIN) {
		buf_set(why, _("auth=oauth: an access token goes under TLS "
		    "only, and tls is none"));
		return -1;
	}
	if (a->port == 0)
		a->port = collect_port(a->kind, a->security);
	return 0;
}

static int
read_value(const char *p, size_t len, struct collect_account *a,
    struct buf *why)
{
	const char *w;
	size_t n;

	for (;;) {
		name_trim(&p, &len);
		if (len >= sizeof(PASSWORD) - 1 &&
		    memcmp(p, PASSWORD, sizeof(PASSWORD) - 1) == 0) {
			p += sizeof(PASSWORD) - 1;
			len -= sizeof(PASSWORD) - 1;
			if (copy(a->password, sizeof(a->password), p, len,
			    "password", why) == -1)
				return -1;
			break;
		}
		w = row_word(&p, &len, &n);
		if (n == 0)
			break;
		if (collect_word(w, n, a, why) == -1)
			return -1;
	}
	return complete(a, why);
}

int
collect_of(const struct row *r, struct collect_account *a, struct buf *why)
{
	collect_init(a);
	(void)str_copy(a->name, sizeof(a->name), r->key);
	return read_value(r->value, strlen(r->value), a, why);
}

static void
put_keep(const struct collect_account *a, struct buf *out)
{
	switch (a->keep) {
	case COLLECT_KEEP_DAYS:
		buf_printf(out, " keep=%ud", (unsigned)a->days);
		break;
	case COLLECT_KEEP_CONFIRMED:
		buf_printf(out, " keep=confirmed confirmed=%" PRId64,
		    a->confirmed);
		break;
	case COLLECT_KEEP_NOTHING:
		buf_puts(out, " keep=nothing");
		break;
	default:
		buf_puts(out, " keep=always");
	}
}

void
collect_line(const struct collect_account *a, struct buf *out)
{
	size_t i;

	buf_printf(out, "%s = %s host=%s", a->name, kinds[a->kind], a->host);
	if (a->port != 0 && a->port != collect_port(a->kind, a->security))
		buf_printf(out, ":%u", (unsigned)a->port);
	if (a->security != CL_TLS)
		buf_printf(out, " tls=%s", securities[a->security]);
	buf_printf(out, " login=%s to=%s", a->login, a->owner);
	if (a->fields[0] != '\0')
		buf_printf(out, " fields=%s", a->fields);
	put_keep(a, out);
	if (a->every != COLLECT_EVERY)
		buf_printf(out, " every=%us", (unsigned)a->every);
	if (a->largest != 0)
		buf_printf(out, " largest=%" PRIu64, a->largest);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (a->options & words[i].option)
			buf_printf(out, " %s", words[i].word);
	buf_printf(out, " " PASSWORD "%s", a->password);
}

static int
parse_collect(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(CL_ACCOUNT_MAX);
	struct collect_account *a = mem_zalloc(1, sizeof(*a));
	size_t left, rlen;
	const char *right;
	int ok = -1;

	/* No part of the password is shown. */
	if (!row_split(p, len, '=', &left, &right, &rlen) ||
	    memchr(p, ' ', left) != NULL || memchr(p, '\t', left) != NULL)
		buf_set(why, _("expected \"%s\""), form);
	else
		ok = read_name(p, left, &name, why);
	r->key = row_take(&name);
	if (ok == 0) {
		r->value = mem_strndup(right, rlen);
		ok = collect_of(r, a, why);
	}
	mem_wipe(a, sizeof(*a));
	free(a);
	return ok;
}

static int
check_collect(struct set *s, struct buf *why, struct buf *warn)
{
	const struct text *t = &s->t[TEXT_COLLECT];
	struct collect_account *a = mem_zalloc(1, sizeof(*a));
	struct row *r, *there;
	enum set_place place;
	size_t i = 0, n = 0;
	int bad = 0;

	while ((r = text_next(t, &i)) != NULL) {
		if (++n > ACCOUNTS_MAX) {
			text_complain(s->dir, t, r->line, why,
			    _("more than %d accounts"), ACCOUNTS_MAX);
			bad = -1;
			break;
		}
		if (collect_of(r, a, why) == -1)
			continue;
		place = set_find(s, a->owner, &there);
		if (place != SET_ACCOUNT && place != SET_ALIAS) {
			text_complain(s->dir, t, r->line, why,
			    _("%s: %s is no address here"), r->key, a->owner);
			bad = -1;
		}
		if (a->security == CL_PLAIN)
			text_complain(s->dir, t, r->line, warn,
			    _("%s: the password goes in the clear (tls=none)"),
			    r->key);
	}
	mem_wipe(a, sizeof(*a));
	free(a);
	return bad;
}

/* The servers that say how often they may be asked. */
struct polls {
	struct find_server *v;
	size_t	 n;
};

static void
add_poll(const struct find_server *s, void *arg)
{
	struct polls *l = arg;

	l->v = mem_realloc(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = *s;
}

static void
set_least(struct collect_account *a, const struct polls *l)
{
	enum find_protocol p = a->kind == CL_POP3 ? FIND_POP3 : FIND_IMAP;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i].protocol == p && l->v[i].poll > a->least &&
		    find_server_fits(&l->v[i], a->host))
			a->least = l->v[i].poll;
}

/* For collect: all of them in one record. Without a table of providers no
   interval is known but what the servers say themselves. */
static void
compile_collect(struct set *s, struct compile *c)
{
	struct collect_account *a = mem_zalloc(1, sizeof(*a));
	struct buf why = BUF_INIT(300);
	struct polls polls = { .n = 0 };
	const struct row *r;
	size_t i = 0;

	buf_puts(&c->key, "a");
	if (text_next(&s->t[TEXT_COLLECT], &i) != NULL &&
	    find_polls(NULL, add_poll, &polls, &why) == -1)
		buf_reset(&why);
	i = 0;
	while ((r = text_next(&s->t[TEXT_COLLECT], &i)) != NULL) {
		if (collect_of(r, a, &why) == -1)
			continue;
		set_least(a, &polls);
		(void)collect_put(&c->value, a);
	}
	compile_put(c);
	free(polls.v);
	buf_clear(&why);
	mem_wipe(a, sizeof(*a));
	free(a);
}

const struct table table_collect = {
	.file = "collect",
	.mode = 0600,
	.cdb = TABLE_COLLECT,
	.parse = parse_collect,
	.key = read_name,
	.check = check_collect,
	.compile = compile_collect,
};
